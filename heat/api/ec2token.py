"""AWS signatures: who signed this request, asked of Keystone.

Purpose: the access key and signature of a request (versions 0 to 4, in query,
form or Authorization header) -> a token, by ``POST /v3/ec2tokens`` with the
service's own credentials. Invariant: nothing a client says about itself
survives but what Keystone confirms. Neighbours: ``api.filters`` builds it,
keystonemiddleware checks the token it leaves, ``api.aws`` words the refusals.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import webob
from keystoneauth1 import exceptions as keystone
from keystoneauth1 import loading

from heat.api import authentication, aws

LOG = logging.getLogger(__name__)

SECRETS = ('X-Auth-Token', 'X-Auth-User', 'Cookie')
IN_HEADER = re.compile(r'(\w+)=([^,\s]+)')
BY_MESSAGE = {'EC2 access key not found.': 'InvalidClientTokenId',
              'EC2 signature not supplied.': 'SignatureDoesNotMatch'}


@dataclass(frozen=True, slots=True)
class Cloud:
    """One Keystone: its address, that of its signature check, our session with it."""

    url: str
    ec2_url: str
    session: Any


class EC2Token:
    """The filter. ``options`` are the keys of its ini section; they win over [ec2authtoken]."""

    def __init__(self, application: Any, conf: Any, options: dict[str, str] | None = None) -> None:
        self._application = application
        self._conf = conf
        self._options = options or {}
        self._clouds: list[Cloud] | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = webob.Request(environ)
        try:
            self._authenticate(request)
        except Exception as error:
            return aws.response_of(request, error)(environ, start_response)
        return self._application(environ, start_response)

    def _authenticate(self, request: webob.Request) -> None:
        if request.content_length and request.content_length > self._conf.max_json_body_size:
            raise aws.AWSError('RequestLimitExceeded')
        signed = signature(request)
        if signed is None:
            if 'X-Auth-User' in request.headers:
                # Not signed, but somebody authenticates otherwise: the next filter decides.
                authentication.clear_identity(request)
                return
            raise aws.AWSError('IncompleteSignature')
        access = access_key(request)
        if not access:
            raise aws.AWSError('MissingAuthenticationToken')
        LOG.info('Checking the signature of access key %s', access)
        credentials = {'access': access, 'signature': signed, 'host': request.host, 'verb': request.method,
                       # The text that was signed holds the path as it is, not percent-encoded.
                       'path': request.script_name + request.path_info,
                       'params': {k: v for k, v in _params(request).items() if k != 'Signature'},
                       'headers': {k: v for k, v in request.headers.items() if k not in SECRETS},
                       'body_hash': hashlib.sha256(request.body).hexdigest()}
        refused: aws.AWSError | None = None
        if self._clouds is None:
            self._clouds = clouds(self._conf, self._options)
        for cloud in self._clouds:
            try:
                token, data = ask(cloud, credentials)
            except aws.AWSError as error:
                refused = error
                continue
            _confirm(request, cloud.url, token, data, credentials)
            return
        raise refused or aws.AWSError('AccessDenied')


def ask(cloud: Cloud, credentials: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Token id and token for signed credentials; AWSError when Keystone refuses or is away."""
    try:
        answer = cloud.session.post(cloud.ec2_url, json={'ec2Credentials': credentials}, raise_exc=False,
                                    log=False)
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
    LOG.info('Keystone refused a signature (%s): %s', answer.status_code, said)
    raise aws.AWSError(BY_MESSAGE.get(str(said), 'AccessDenied'))


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


def _params(request: webob.Request) -> dict[str, str]:
    """Query and form parameters together; a body that is no form adds none."""
    if request.content_type == 'application/x-www-form-urlencoded':
        return dict(request.params)
    return dict(request.GET)


def _in_header(request: webob.Request, name: str) -> str | None:
    fields = dict(IN_HEADER.findall(request.headers.get('Authorization', '')))
    return fields.get(name)


def signature(request: webob.Request) -> str | None:
    params = _params(request)
    return params.get('Signature') or params.get('X-Amz-Signature') or _in_header(request, 'Signature')


def access_key(request: webob.Request) -> str | None:
    params = _params(request)
    scope = params.get('X-Amz-Credential') or _in_header(request, 'Credential') or ''
    return params.get('AWSAccessKeyId') or scope.split('/')[0] or None


def _confirm(request: webob.Request, url: str, token: str, data: dict[str, Any],
             credentials: dict[str, Any]) -> None:
    """Leave what Keystone said where keystonemiddleware and the context filter look."""
    authentication.clear_identity(request)
    project = data.get('project') or {}
    request.headers.update({
        'X-Auth-EC2-Creds': json.dumps({'ec2Credentials': credentials}), 'X-Auth-Token': token,
        'X-Tenant-Name': str(project.get('name') or ''), 'X-Tenant-Id': str(project.get('id') or ''),
        'X-Project-Name': str(project.get('name') or ''), 'X-Project-Id': str(project.get('id') or ''),
        'X-User-Id': str((data.get('user') or {}).get('id') or ''),
        'X-User-Name': str((data.get('user') or {}).get('name') or ''),
        'X-Auth-Url': url,
        'X-Roles': ','.join(str(role.get('name')) for role in data.get('roles') or [])})
