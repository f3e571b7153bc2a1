"""AWS-shaped errors: codes, statuses and their XML.

Purpose: one table for what both dialects refuse before an action is known, and for the
signature check in front of them. Invariant: the code is what programs read, so
it never changes; the sentence is for people. Neighbours: ``api.ec2token``,
signals in ``api.cfn.app``; the actions of CloudFormation and CloudWatch have codes
of their own in ``api.cfn.faults`` and ``api.cloudwatch.faults``.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

import webob
import webob.exc
from oslo_middleware.request_id import ENV_REQUEST_ID

from heat.api import cbor, failures
from heat.common import errors
from heat.common.text import read_json

# code -> (HTTP status, who is to blame, sentence)
CODES: dict[str, tuple[int, str, str]] = {
    'AccessDenied': (403, 'Sender', 'User is not authorized to perform action'),
    'AlreadyExists': (400, 'Sender', 'Resource with the name requested already exists'),
    'IncompleteSignature': (400, 'Sender', 'The request signature does not conform to AWS standards'),
    'InternalFailure': (500, 'Server', 'The request processing has failed due to an internal error'),
    'InvalidAction': (400, 'Sender', 'The action or operation requested is invalid'),
    'InvalidClientTokenId': (403, 'Sender', 'The certificate or AWS Key ID provided does not exist'),
    'InvalidParameterValue': (400, 'Sender', 'A bad or out-of-range value was supplied'),
    'InvalidQueryParameter': (400, 'Sender', 'The query string is malformed'),
    'MalformedQueryString': (404, 'Sender', 'The query string is malformed'),
    'MissingAuthenticationToken': (403, 'Sender',
                                   'Does not contain a valid AWS Access Key or certificate'),
    'RequestExpired': (400, 'Sender', 'The request is signed for another time; the clocks differ, '
                                      'or it came too late'),
    'RequestLimitExceeded': (400, 'Sender', 'Payload size of the request exceeds maximum allowed size'),
    'ServiceUnavailable': (503, 'Server', 'Service is currently unavailable'),
    'SignatureDoesNotMatch': (403, 'Sender',
                              'The request signature calculated does not match the provided one')}
# The header of AWS's JSON protocols that names the action, and their type of content.
TARGET, JSON_1_1 = 'X-Amz-Target', 'application/x-amz-json-1.1'
# The header of Smithy's protocols, which name the action in the path, and the one of them that is known.
SMITHY, RPC_CBOR = 'Smithy-Protocol', 'rpc-v2-cbor'
# How much larger a compressed body may become; those of metrics are mostly repetition.
INFLATION = 4
# Nearest class first; what is missing here is an InternalFailure.
BY_CLASS = {
    'ActionInProgress': 'InvalidAction', 'Forbidden': 'AccessDenied', 'StackExists': 'AlreadyExists',
    'RequestLimitExceeded': 'RequestLimitExceeded',
    **dict.fromkeys(('DatabaseUnavailable', 'EngineOutdated', 'NoReply'), 'ServiceUnavailable'),
    **dict.fromkeys((
        'AttributeError', 'EntityNotFound', 'InvalidBreakPointHook', 'InvalidSchemaError',
        'InvalidTemplateReference', 'InvalidTemplateSection', 'InvalidTemplateVersion', 'InvalidTenant',
        'MissingCredentialError', 'NotSupported', 'PhysicalResourceIDAmbiguity',
        'PropertyUnspecifiedError', 'ResourceActionNotSupported', 'ResourceNotAvailable',
        'ResourcePropertyConflict', 'StackValidationFailed', 'UnknownUserParameter',
        'UserParameterMissing', 'ValueError'), 'InvalidParameterValue')}


class AWSError(Exception):
    """An error of one of ``CODES``, with an optional detail for people."""

    def __init__(self, code: str, detail: str | None = None) -> None:
        self.code = code
        self.detail = detail
        super().__init__(code)


def error_of(error: BaseException) -> AWSError:
    """Any exception as an AWS error; texts that are not safe to show are dropped."""
    if isinstance(error, AWSError):
        return error
    for cls in type(error).__mro__:
        if cls.__name__ in BY_CLASS:
            safe = isinstance(error, errors.HeatException) and error.safe
            return AWSError(BY_CLASS[cls.__name__], str(error) if safe else None)
    return AWSError('InternalFailure')


def response_of(request: webob.Request, error: BaseException) -> webob.Response:
    """The answer for ``error``: XML, or JSON for a call of a JSON protocol."""
    fault = error_of(error)
    status, blame, text = CODES[fault.code]
    if status >= 500:
        failures.note(f'{request.method} {request.path}', error)
    message = f'{text}:{fault.detail}' if fault.detail else text
    if TARGET in request.headers or SMITHY in request.headers:
        return rpc_error(request, fault.code, fault.code, blame, message, status)
    body = (f'<ErrorResponse><Error><Type>{blame}</Type><Code>{fault.code}</Code>'
            f'<Message>{escape(message)}</Message></Error></ErrorResponse>')
    return xml_response(body, status)


def rpc_error(request: webob.Request, kind: str, code: str, blame: str, message: str,
              status: int) -> webob.Response:
    """An error of class ``kind``, in the protocol of ``request``; ``code`` is its name in queries."""
    response = rpc_response(request, {'__type': kind, 'message': message}, status)
    if 'X-Amzn-Query-Mode' in request.headers:
        response.headers['x-amzn-query-error'] = f'{code};{blame}'
    return response


def rpc_response(request: webob.Request, body: Mapping[str, Any] | None,
                 status: int = 200) -> webob.Response:
    """``body`` in CBOR to who speaks it, else in JSON; None is that of an operation without an output."""
    if SMITHY in request.headers:
        response = webob.Response(body=b'' if body is None else cbor.dumps(body), status=status,
                                  content_type='application/cbor', charset=None)
        if body is None:
            # Smithy has it so: what is not there has no type.
            del response.headers['Content-Type']
        response.headers[SMITHY] = RPC_CBOR
    else:
        asked = request.content_type
        kind = asked if asked.startswith('application/x-amz-json-') else JSON_1_1
        response = webob.Response(body=json.dumps(body or {}).encode(), status=status, content_type=kind,
                                  charset=None)
    response.headers['x-amzn-RequestId'] = request.environ.get(ENV_REQUEST_ID, '')
    return response


def xml_response(body: str, status: int = 200) -> webob.Response:
    return webob.Response(text=body, status=status, content_type='application/xml', charset='UTF-8')


def parsed(body: bytes) -> Any:
    """The JSON value of a body; ValueError also for what could not be written again."""
    return read_json(body.decode(json.detect_encoding(body)))


def json_object(body: bytes, limit: int) -> dict[str, Any]:
    """The JSON object of a signal; an empty body is an empty object. AWSError for anything else."""
    if len(body) > limit:
        raise AWSError('RequestLimitExceeded', f'{len(body)} bytes, {limit} are allowed')
    if not body.strip():
        return {}
    try:
        data = parsed(body)
    except ValueError as error:
        raise AWSError('InvalidParameterValue', 'The body is not valid JSON') from error
    if not isinstance(data, dict):
        raise AWSError('InvalidParameterValue', 'The body must be a JSON object')
    return data


def inflate(request: webob.Request, limit: int) -> None:
    """Take gzip off the body, which may have ``limit`` bytes then. AWSError for what is no gzip."""
    encoding = request.headers.get('Content-Encoding', '').strip().lower()
    if encoding in ('', 'identity'):
        return
    if encoding != 'gzip':
        raise AWSError('InvalidParameterValue', f'Content-Encoding may be gzip, not {encoding[:50]}')
    inflater = zlib.decompressobj(wbits=31)
    try:
        body = inflater.decompress(request.body, limit + 1)
    except zlib.error as error:
        raise AWSError('InvalidParameterValue', 'The body is not gzip, as Content-Encoding says') from error
    if len(body) > limit:
        raise AWSError('RequestLimitExceeded', f'The body has more than {limit} bytes when inflated')
    if not inflater.eof or inflater.unused_data:
        raise AWSError('InvalidParameterValue', 'The body is not one whole gzip stream')
    request.body = body
    del request.headers['Content-Encoding']
