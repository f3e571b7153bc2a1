"""What an AWS signature says, before Keystone is asked whether it is right.

Purpose: access key, signature and time of a request, in query, form or header,
and the refusal of what no signature covers. Invariant: the parameters returned
here are those that were signed, and the application reads no others; a body that is
no form is read only if a signature covers it; versions 0 and 1 are refused, since a
captured one fits other parameters too. Neighbours:
``api.ec2token`` asks Keystone, ``api.cfn`` reads the parameters.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

import webob

from heat.api.aws import SMITHY, TARGET, AWSError

# Keystone's [credential] auth_ttl has the same default, for the past; it looks at no future.
SKEW = datetime.timedelta(minutes=15)
LONGEST = 7 * 24 * 3600
FORM = 'application/x-www-form-urlencoded'
IN_HEADER = re.compile(r'(\w+)=([^,\s]+)')
ALGORITHM = 'AWS4-HMAC-SHA256'
# Parameters that sign and are not signed.
SIGNATURES = ('Signature', 'X-Amz-Signature')


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature and what it is said to cover. ``dated`` is None where the signer left time out."""

    access: str
    signature: str
    params: dict[str, str]
    dated: bool


def parameters(request: webob.Request) -> dict[str, str]:
    """Query and form parameters together; AWSError where one is given twice."""
    pairs = list(request.GET.items())
    if request.content_type == FORM:
        pairs += request.POST.items()
    found = dict(pairs)
    if len(found) != len(pairs):
        raise AWSError('InvalidQueryParameter', 'A parameter is given twice')
    return {name: str(value) for name, value in found.items()}


def read(request: webob.Request, now: datetime.datetime) -> Signed | None:
    """The signature of ``request`` at ``now`` (UTC, naive); None if it bears none at all.

    AWSError for one that is incomplete, of a version that protects too little,
    too old or from the future.
    """
    try:
        params = parameters(request)
    except UnicodeDecodeError as error:
        raise AWSError('MalformedQueryString') from error
    fields = dict(IN_HEADER.findall(request.headers.get('Authorization', '')))
    signature = (params.get('Signature') or params.get('X-Amz-Signature') or fields.get('Signature'))
    if not signature:
        return None
    signed = {name: value for name, value in params.items() if name not in SIGNATURES}
    if 'Signature' in params:
        if TARGET in request.headers or SMITHY in request.headers:
            raise AWSError('IncompleteSignature', 'Only version 4 of the signature covers this body')
        return _version_2(params, signed, signature, now)
    return _version_4(request, params, signed, signature, fields, now)


def _version_2(params: dict[str, str], signed: dict[str, str], signature: str,
               now: datetime.datetime) -> Signed:
    access = params.get('AWSAccessKeyId')
    if not access:
        raise AWSError('MissingAuthenticationToken')
    if params.get('SignatureVersion', '2') != '2':
        raise AWSError('IncompleteSignature', 'Only the signature versions 2 and 4 are accepted')
    if params.get('SignatureMethod', 'HmacSHA256') != 'HmacSHA256':
        raise AWSError('IncompleteSignature', 'SignatureMethod must be HmacSHA256')
    stamp, expires = params.get('Timestamp'), params.get('Expires')
    if stamp:
        _check(_moment(stamp), now)
    if expires and _moment(expires) < now:
        raise AWSError('RequestExpired')
    return Signed(access, signature, {**signed, 'SignatureVersion': '2'}, bool(stamp or expires))


def _version_4(request: webob.Request, params: dict[str, str], signed: dict[str, str], signature: str,
               fields: dict[str, str], now: datetime.datetime) -> Signed:
    in_query = 'X-Amz-Signature' in params
    if in_query:
        algorithm = params.get('X-Amz-Algorithm')
        fields = {name: params.get(f'X-Amz-{name}', '') for name in ('Credential', 'SignedHeaders')}
        stamp = params.get('X-Amz-Date', '')
        # Keystone's signer would take the date of a header for that of the query.
        if 'Authorization' in request.headers or 'X-Amz-Date' in request.headers:
            raise AWSError('IncompleteSignature', 'The request is signed in the query and in a header')
    else:
        algorithm = request.headers['Authorization'].split(' ', 1)[0]
        stamp = request.headers.get('X-Amz-Date', '')
    scope = fields.get('Credential', '').split('/')
    if not scope[0]:
        raise AWSError('MissingAuthenticationToken')
    if params.get('SignatureVersion', '4') != '4':
        # Keystone would believe the parameter, and no time of ours would have been looked at.
        raise AWSError('IncompleteSignature', 'SignatureVersion says another version than the signature')
    if algorithm != ALGORITHM or len(scope) != 5 or scope[4] != 'aws4_request':
        raise AWSError('IncompleteSignature', f'Expected {ALGORITHM} with a credential scope of five parts')
    covered = fields.get('SignedHeaders', '').lower().split(';')
    # A target says what is to be done with the body, so nobody but the signer may name one.
    for header in ('Host', TARGET) if TARGET in request.headers else ('Host',):
        if header.lower() not in covered:
            raise AWSError('IncompleteSignature', f'The header {header} must be signed')
    try:
        dated = datetime.datetime.strptime(stamp, '%Y%m%dT%H%M%SZ')
    except ValueError as error:
        raise AWSError('IncompleteSignature', 'X-Amz-Date must have the form 20260131T235959Z') from error
    if not stamp.startswith(scope[1]) or len(scope[1]) != 8:
        raise AWSError('IncompleteSignature', 'X-Amz-Date is of another day than the credential scope')
    if in_query:
        _check_presigned(params, dated, now)
    else:
        _check(dated, now)
    if request.method == 'POST' and request.query_string:
        # Of a POST the body is signed, and Keystone's signer leaves the query out.
        raise AWSError('IncompleteSignature', 'The parameters of a signed POST belong into its body')
    # Of a POST the body's hash is what counts: Keystone has no use for the parameters, which may be large.
    return Signed(scope[0], signature, {} if request.method == 'POST' else signed, True)


def _check_presigned(params: dict[str, str], dated: datetime.datetime, now: datetime.datetime) -> None:
    text = params.get('X-Amz-Expires', '')
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= LONGEST):
        raise AWSError('IncompleteSignature', f'X-Amz-Expires must be a number from 1 to {LONGEST}')
    if dated - SKEW > now or dated + datetime.timedelta(seconds=int(text)) < now:
        raise AWSError('RequestExpired')


def _check(moment: datetime.datetime, now: datetime.datetime) -> None:
    if abs(moment - now) > SKEW:
        raise AWSError('RequestExpired')


def _moment(text: str) -> datetime.datetime:
    """An ISO 8601 time as naive UTC."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise AWSError('IncompleteSignature', 'A time must have the form 2026-01-31T23:59:59Z') from error
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return moment
