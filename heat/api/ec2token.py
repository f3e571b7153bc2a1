"""AWS signatures: who signed this request, asked of Keystone.

Purpose: the access key and signature of a request -> a token, by ``POST
/v3/ec2tokens`` with the service's own credentials, which need the role service
or admin there. Invariant: nothing a client says about itself survives but what
Keystone confirms; an answer is kept for a minute, for the same request to the
letter. Neighbours: ``api.signatures`` reads, ``api.filters`` builds,
keystonemiddleware checks the token left here, ``api.aws`` words the refusals.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import webob
from keystoneauth1 import exceptions as keystone
from keystoneauth1 import loading

from heat.api import authentication, aws, signatures
from heat.common.clock import Clock

LOG = logging.getLogger(__name__)

SECRETS = ('X-Auth-Token', 'X-Auth-User', 'Cookie')
BY_MESSAGE = {'EC2 access key not found.': 'InvalidClientTokenId',
              'EC2 signature not supplied.': 'SignatureDoesNotMatch'}
# In the environment of a request: its signature names no time, so it holds for ever.
TIMELESS = 'heat.signature_without_time'
# Likewise: Keystone has confirmed the signature. A header alone could be anybody's, and with the access
# key of another credential of the same user, the engine would do more than the caller's token may.
CONFIRMED = 'heat.signature_confirmed'
# How long Keystone is believed about one request, in seconds, and about how many requests.
KEPT_SECONDS, KEPT = 60.0, 1000
# A refusal may mean the signature or our own token; the latter is renewed no more often than this.
RENEWAL_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Cloud:
    """One Keystone: its address, that of its signature check, our session with it."""

    url: str
    ec2_url: str
    session: Any


class EC2Token:
    """The filter. ``options`` are the keys of its ini section; they win over [ec2authtoken]."""

    def __init__(self, application: Any, conf: Any, options: dict[str, str] | None = None,
                 clock: Clock | None = None) -> None:
        self._application = application
        self._conf = conf
        self._options = options or {}
        self._clock = clock or Clock()
        self._clouds: list[Cloud] | None = None
        self._confirmed = Confirmed(self._clock)
        self._renewed: dict[str, float] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = webob.Request(environ)
        try:
            self._authenticate(request)
        except Exception as error:
            return aws.response_of(request, error)(environ, start_response)
        return self._application(environ, start_response)

    def _authenticate(self, request: webob.Request) -> None:
        self._check_size(request)
        # What was signed is the body as it was sent, with the header that says how.
        headers = {k: v for k, v in request.headers.items() if k not in SECRETS}
        body_hash = hashlib.sha256(request.body).hexdigest()
        aws.inflate(request, self._conf.max_json_body_size * aws.INFLATION)
        signed = signatures.read(request, self._clock.now())
        if signed is None:
            if 'X-Auth-User' in request.headers:
                # Not signed, but somebody authenticates otherwise: the next filter decides.
                authentication.clear_identity(request)
                return
            raise aws.AWSError('IncompleteSignature')
        LOG.debug('Checking the signature of access key %s', signed.access)
        request.environ[TIMELESS] = not signed.dated
        credentials = {'access': signed.access, 'signature': signed.signature, 'host': request.host,
                       'verb': request.method,
                       # The text that was signed holds the path as it is, not percent-encoded.
                       'path': request.script_name + request.path_info, 'params': signed.params,
                       'headers': headers, 'body_hash': body_hash}
        url, token, data = self._confirmed.find(credentials) or self._ask(credentials)
        _confirm(request, url, token, data, credentials)

    def _check_size(self, request: webob.Request) -> None:
        limit = self._conf.max_json_body_size
        size = request.content_length
        if size is None and request.is_body_readable:
            body = request.body_file.read(limit + 1)
            size = len(body)
            request.body = body
        if size and size > limit:
            raise aws.AWSError('RequestLimitExceeded')

    def _ask(self, credentials: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
        """Keystone's address, token id and token; AWSError when none of the Keystones confirms."""
        refused: aws.AWSError | None = None
        if self._clouds is None:
            self._clouds = clouds(self._conf, self._options)
        for cloud in self._clouds:
            try:
                token, data = ask(cloud, credentials, self._may_renew)
            except aws.AWSError as error:
                refused = error
                continue
            self._confirmed.keep(credentials, (cloud.url, token, data))
            return cloud.url, token, data
        raise refused or aws.AWSError('AccessDenied')

    def _may_renew(self, cloud: Cloud) -> bool:
        now = self._clock.monotonic()
        if now - self._renewed.get(cloud.ec2_url, -RENEWAL_SECONDS) < RENEWAL_SECONDS:
            return False
        self._renewed[cloud.ec2_url] = now
        return True


class Confirmed:
    """What Keystone confirmed lately, by a digest of all that it was asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, tuple[str, str, dict[str, Any]]]] = OrderedDict()

    def find(self, credentials: dict[str, Any]) -> tuple[str, str, dict[str, Any]] | None:
        until, answer = self._kept.get(_digest(credentials), (0.0, None))
        return answer if until > self._clock.wall() else None

    def keep(self, credentials: dict[str, Any], answer: tuple[str, str, dict[str, Any]]) -> None:
        until = min(self._clock.wall() + KEPT_SECONDS, _expiry(answer[2]))
        self._kept[_digest(credentials)] = until, answer
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _digest(credentials: dict[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(credentials, sort_keys=True).encode()).digest()


def _expiry(token: dict[str, Any]) -> float:
    """When a token is no longer given to anybody, in seconds since the epoch: before it ends."""
    try:
        return datetime.datetime.fromisoformat(str(token.get('expires_at'))).timestamp() - KEPT_SECONDS
    except ValueError:
        return 0.0


def ask(cloud: Cloud, credentials: dict[str, Any],
        may_renew: Callable[[Cloud], bool]) -> tuple[str, dict[str, Any]]:
    """Token id and token for signed credentials; AWSError when Keystone refuses or is away."""
    try:
        answer = _post(cloud, credentials)
        if answer.status_code == 401 and may_renew(cloud):
            cloud.session.invalidate()
            answer = _post(cloud, credentials)
    except keystone.ClientException as error:
        LOG.warning('Keystone at %s cannot check a signature: %s', cloud.url, error)
        raise aws.AWSError('ServiceUnavailable') from error
    token = answer.headers.get('X-Subject-Token')
    try:
        data = answer.json()
    except ValueError:
        data = {}
    data = data if isinstance(data, dict) else {}
    if answer.status_code == 200 and token and isinstance(data.get('token'), dict):
        return token, data['token']
    said = data['error'].get('message') if isinstance(data.get('error'), dict) else None
    if answer.status_code == 403 or answer.status_code >= 500:
        LOG.error('Keystone at %s checks no signature for us (%s): %s', cloud.url, answer.status_code, said)
        raise aws.AWSError('ServiceUnavailable')
    LOG.info('Keystone refused a signature (%s): %s', answer.status_code, said)
    missing = 'InvalidClientTokenId' if answer.status_code == 404 else 'AccessDenied'
    raise aws.AWSError(BY_MESSAGE.get(str(said), missing))


def _post(cloud: Cloud, credentials: dict[str, Any]) -> Any:
    # Each wrong signature is a 401: without care each would have us log in again.
    return cloud.session.post(cloud.ec2_url, json={'ec2Credentials': credentials}, raise_exc=False,
                              log=False, allow_reauth=False)


def clouds(conf: Any, options: dict[str, str]) -> list[Cloud]:
    """The Keystones to ask, in order: with multi_cloud one per name in ``clouds``, else one.

    The service's credentials stand in [ec2authtoken] (or [ec2authtoken.<name>]);
    where that names none, those of [keystone_authtoken] do. RuntimeError if nothing does.
    """
    if conf.ec2authtoken.multi_cloud:
        found = [_cloud(conf, f'ec2authtoken.{name}', {}) for name in conf.ec2authtoken.clouds]
    else:
        found = [_cloud(conf, 'ec2authtoken', options) or _cloud(conf, 'keystone_authtoken', options)]
    usable = [cloud for cloud in found if cloud is not None]
    if not usable:
        raise RuntimeError('neither [ec2authtoken] nor [keystone_authtoken] holds credentials (auth_type)')
    return usable


def _cloud(conf: Any, group: str, options: dict[str, str]) -> Cloud | None:
    """The Keystone of a configuration section, None if it holds no credentials."""
    loading.register_auth_conf_options(conf, group)
    plugin = loading.load_auth_from_conf_options(conf, group)
    if plugin is None:
        return None
    url = str(options.get('auth_uri') or getattr(conf[group], 'auth_url', None)
              or authentication.identity_url(conf) or '')
    session = loading.load_session_from_conf_options(conf, 'ec2authtoken', auth=plugin, timeout=60)
    return Cloud(url, options.get('keystone_ec2_uri') or f'{authentication.v3_url(url)}/ec2tokens', session)


def _confirm(request: webob.Request, url: str, token: str, data: dict[str, Any],
             credentials: dict[str, Any]) -> None:
    """Leave what Keystone said where keystonemiddleware and the context filter look."""
    authentication.clear_identity(request)
    request.environ[CONFIRMED] = True
    project = data.get('project') or {}
    request.headers.update({
        'X-Auth-EC2-Creds': json.dumps({'ec2Credentials': credentials}), 'X-Auth-Token': token,
        'X-Tenant-Name': str(project.get('name') or ''), 'X-Tenant-Id': str(project.get('id') or ''),
        'X-Project-Name': str(project.get('name') or ''), 'X-Project-Id': str(project.get('id') or ''),
        'X-User-Id': str((data.get('user') or {}).get('id') or ''),
        'X-User-Name': str((data.get('user') or {}).get('name') or ''),
        'X-Auth-Url': url, 'X-Is-Admin-Project': str(data.get('is_admin_project', True)),
        'X-Roles': ','.join(str(role.get('name')) for role in data.get('roles') or [])})
