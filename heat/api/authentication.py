"""Who asks: filters that settle the caller's identity without keystonemiddleware.

Purpose: the address of Keystone for a request, user and password headers, an
own back end, and no authentication at all for test beds. Invariant: secrets
live in headers of this one request and reach no log. Neighbours:
``api.filters`` builds the filters, ``api.ec2token`` is the AWS counterpart.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import webob
import webob.exc
from keystoneauth1 import exceptions as keystone
from keystoneauth1 import session as keystone_session
from keystoneauth1.identity import v3
from keystonemiddleware import opts

from heat.api import faults
from heat.api.wiring import Wiring
from heat.common.context import RequestContext

UNAUTHENTICATED = 'The request you have made requires authentication.'


def identity_url(conf: Any) -> str | None:
    """Keystone's address as the operator gave it: [clients_keystone] auth_uri, else keystonemiddleware's."""
    for group, options in opts.list_auth_token_opts():
        conf.register_opts(options, group=group)
    token = conf.keystone_authtoken
    for found in (conf.clients_keystone.auth_uri, token.www_authenticate_uri,
                  getattr(token, 'auth_url', None)):
        if found:
            return str(found).rstrip('/')
    return None


def v3_url(address: str) -> str:
    """``address`` with the version of the identity API that we speak."""
    base = address.rstrip('/')
    for version in ('/v2.0', '/v3'):
        base = base.removesuffix(version)
    return f'{base}/v3'


def unauthorized(request: webob.Request, url: str | None, message: str = UNAUTHENTICATED) -> webob.Response:
    """401 with the WWW-Authenticate header that clients look at."""
    response = faults.response_of(request, webob.exc.HTTPUnauthorized(message))
    response.headers['WWW-Authenticate'] = f'Keystone uri="{url or ""}"'
    return response


class AuthUrl:
    """Puts X-Auth-Url on every request: ours, or with multi_cloud one of the allowed."""

    def __init__(self, application: Any, conf: Any) -> None:
        self._application = application
        self._conf = conf
        self._own = identity_url(conf)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = webob.Request(environ)
        answer = self._application
        options = self._conf.auth_password
        if not options.multi_cloud:
            # What a client claims must not decide where we send its password.
            request.headers['X-Auth-Url'] = self._own or ''
        else:
            given = request.headers.get('X-Auth-Url')
            allowed = [str(url).rstrip('/') for url in options.allowed_auth_uris]
            if not given:
                answer = faults.response_of(request, webob.exc.HTTPBadRequest('Missing auth_url'))
            elif given.rstrip('/') not in allowed:
                answer = unauthorized(request, None, f'Header X-Auth-Url "{given}" not an allowed endpoint')
        return answer(environ, start_response)


class PasswordAuth:
    """Checks X-Auth-User and X-Auth-Key against Keystone; the project is the one in the path."""

    def __init__(self, application: Any, conf: Any) -> None:
        self._application = application
        options, shared = conf.clients_keystone, conf.clients
        insecure = shared.insecure if options.insecure is None else options.insecure
        verify: bool | str = not insecure and (options.ca_file or shared.ca_file or True)
        self._session = keystone_session.Session(verify=verify, timeout=60)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = webob.Request(environ)
        url = request.headers.get('X-Auth-Url')
        try:
            self._authenticate(request, url)
        except (keystone.ClientException, KeyError):
            return unauthorized(request, url)(environ, start_response)
        return self._application(environ, start_response)

    def _authenticate(self, request: webob.Request, url: str | None) -> None:
        """Fills the headers keystonemiddleware would. KeyError for missing ones."""
        clear_identity(request)
        project = request.path_info.lstrip('/').split('/', 1)[0]
        plugin = v3.Password(
            auth_url=v3_url(url or ''), username=request.headers['X-Auth-User'],
            password=request.headers['X-Auth-Key'],
            user_domain_id=request.headers.get('X-User-Domain-Id', 'default'), project_id=project)
        access = plugin.get_access(self._session)
        request.headers.update({
            'X-Identity-Status': 'Confirmed', 'X-Auth-Token': access.auth_token,
            'X-User-Id': access.user_id, 'X-User-Name': access.username,
            'X-User-Domain-Id': access.user_domain_id or '',
            'X-Project-Id': access.project_id or '', 'X-Project-Name': access.project_name or '',
            'X-Project-Domain-Id': access.project_domain_id or '',
            'X-Is-Admin-Project': str(access.is_admin_project),
            'X-Roles': ','.join(access.role_names or ())})


def clear_identity(request: webob.Request) -> None:
    """Remove what only an authenticating filter may say, so that a client cannot say it."""
    for name in ('X-Identity-Status', 'X-User-Id', 'X-User-Name', 'X-Project-Id', 'X-Project-Name',
                 'X-Project-Domain-Id', 'X-Roles', 'X-Role', 'X-Tenant-Id', 'X-Tenant-Name',
                 'X-Is-Admin-Project', 'X-Service-Catalog', 'Openstack-System-Scope', 'X-Auth-EC2-Creds'):
        request.headers.pop(name, None)


class CustomBackend:
    """Lets the engine's own back end decide (RPC ``authenticated_to_backend``).

    Whom it names is the caller, whatever the headers say. A back end that only nods vouches for them.
    """

    def __init__(self, application: Any, wiring: Wiring) -> None:
        self._application = application
        self._wiring = wiring

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = webob.Request(environ)
        context: RequestContext = environ['heat.context']
        found = self._wiring.engine.call(context, 'authenticated_to_backend')
        if not found:
            return unauthorized(request, None)(environ, start_response)
        if isinstance(found, Mapping):
            context = replace(context, **{**found, 'roles': tuple(found['roles'])}, is_admin=False,
                              system_scope=None, trust_id=None, trustor_user_id=None)
            environ['heat.context'] = replace(context, is_admin=self._wiring.policy.is_admin(context))
        return self._application(environ, start_response)


class NoAuth:
    """Believes everybody: for a test bed without Keystone, in the ``noauth`` flavor only.

    The caller is X-Auth-User in the project of the path, or whom the token in the
    file ``[noauth] token_response`` describes.
    """

    def __init__(self, application: Any, conf: Any) -> None:
        self._application = application
        self._token: dict[str, Any] = {}
        if conf.noauth.token_response:
            with open(conf.noauth.token_response, encoding='utf-8') as file:
                self._token = json.load(file)['token']

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = webob.Request(environ)
        user = request.headers.get('X-Auth-User', 'admin')
        parts = [part for part in request.path_info.split('/') if part]
        if parts and parts[0].startswith('v1'):
            del parts[0]
        project = parts[0] if parts else 'admin'
        who, where = self._token.get('user', {}), self._token.get('project', {})
        roles = [str(role['name']) for role in self._token.get('roles', [])] or ['admin', 'member', 'reader']
        clear_identity(request)
        request.headers.update({
            'X-Identity-Status': 'Confirmed', 'X-User-Id': str(who.get('id', user)),
            'X-User-Name': str(who.get('name', user)), 'X-Project-Id': str(where.get('id', project)),
            'X-Project-Name': str(where.get('name', project)), 'X-Roles': ','.join(roles)})
        return self._application(environ, start_response)
