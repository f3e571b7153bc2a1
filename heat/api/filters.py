"""The filters of our pipelines, as paste factories: ``heat.api.filters:<name>_factory``.

Purpose: one factory per filter name of api-paste.ini; those of other projects
are wrapped so that they read the configuration this process was wired with and
not a global one. Invariant: a factory takes strings and returns a function of
the next application. Neighbours: ``api.wiring``, ``api.authentication``,
``api.ec2token``, ``api.versions``, ``api.deploy``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import oslo_middleware
import webob
from keystonemiddleware import auth_token
from oslo_middleware import cors, request_id

from heat.api import authentication, ec2token, faults, wiring, wsgi
from heat.api.probes import Probes
from heat.api.request_ids import RequestIds
from heat.api.rest import openapi
from heat.api.versions import QueryNegotiation, VersionNegotiation
from heat.common import logs
from heat.common.clock import Clock
from heat.common.context import RequestContext

LOG = logging.getLogger(__name__)

Filter = Callable[[Any], Any]
Strings = dict[str, str]


class FaultWrap:
    """JSON faults for what filters below raise; the application renders its own."""

    def __init__(self, application: Any, debug: bool) -> None:
        self._application = application
        self._debug = debug

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            return self._application(environ, start_response)
        except Exception as error:
            response = faults.response_of(webob.Request(environ), error, self._debug)
            return response(environ, start_response)


class ContextFilter:
    """Makes the RequestContext out of the headers that authentication left."""

    def __init__(self, application: Any, policy: wiring.Policy) -> None:
        self._application = application
        self._policy = policy

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        context = context_of(webob.Request(environ), self._policy)
        environ[wsgi.CONTEXT] = context
        with logs.bind(request=context.request_id, user=context.user_id, project=context.tenant_id):
            return self._application(environ, start_response)


def context_of(request: webob.Request, policy: wiring.Policy) -> RequestContext:
    """The caller of ``request``; X-Auth-User and X-Auth-Key come before EC2 credentials."""
    headers, environ = request.headers, request.environ
    values: dict[str, Any] = {
        'user_id': headers.get('X-User-Id'), 'username': headers.get('X-User-Name'),
        'tenant_id': headers.get('X-Project-Id') or headers.get('X-Tenant-Id'),
        'tenant': headers.get('X-Project-Name') or headers.get('X-Tenant-Name'),
        'user_domain_id': headers.get('X-User-Domain-Id') or None,
        'project_domain_id': headers.get('X-Project-Domain-Id') or None,
        'roles': tuple(role.strip() for role in headers.get('X-Roles', '').split(',') if role.strip()),
        'auth_token': headers.get('X-Auth-Token'), 'auth_url': headers.get('X-Auth-Url') or None,
        'region_name': headers.get('X-Region-Name'),
        'system_scope': headers.get('Openstack-System-Scope') or None,
        'is_admin_project': headers.get('X-Is-Admin-Project', 'True').lower() != 'false'}
    if headers.get('X-Auth-User') is not None:
        values['username'] = headers['X-Auth-User']
        values['password'] = headers.get('X-Auth-Key')
    elif environ.get(ec2token.CONFIRMED):
        values['aws_creds'] = headers.get('X-Auth-EC2-Creds')
    user = getattr(environ.get('keystone.token_auth'), 'user', None)
    values['trust_id'] = getattr(user, 'trust_id', None)
    values['trustor_user_id'] = getattr(user, 'trustor_user_id', None)
    if environ.get(request_id.ENV_REQUEST_ID):
        values['request_id'] = environ[request_id.ENV_REQUEST_ID]
    context = RequestContext(**values)
    # By the default rule an admin of a project that is not the admin project administers only that one.
    if policy.is_admin(context):
        return replace(context, is_admin=True)
    return context


def _plain(make: Filter) -> Callable[..., Filter]:
    """A factory for a filter that needs nothing from the ini file."""
    def factory(global_conf: Strings, **local_conf: str) -> Filter:
        return make
    return factory


def faultwrap_factory(global_conf: Strings, **local_conf: str) -> Filter:
    debug = bool(wiring.current().conf.debug)
    return lambda application: FaultWrap(application, debug)


def context_factory(global_conf: Strings, **local_conf: str) -> Filter:
    policy = wiring.current().policy
    return lambda application: ContextFilter(application, policy)


def versionnegotiation_factory(global_conf: Strings, **local_conf: str) -> Filter:
    """For the orchestration API, which describes itself; nobody needs a token to read that."""
    return lambda application: VersionNegotiation(application, openapi.document)


cfnversionnegotiation_factory = _plain(QueryNegotiation)
cwversionnegotiation_factory = _plain(QueryNegotiation)
request_id_factory = _plain(RequestIds)


def noauth_factory(global_conf: Strings, **local_conf: str) -> Filter:
    conf = wiring.current().conf
    return lambda application: authentication.NoAuth(application, conf)


def cors_factory(global_conf: Strings, **local_conf: str) -> Filter:
    conf = wiring.current().conf

    def wrap(application: Any) -> Any:
        sharing = cors.CORS(application, conf)

        def choose(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            # The library passes every other request on as it is, at the price of parsing it.
            concerned = environ['REQUEST_METHOD'] == 'OPTIONS' or 'HTTP_ORIGIN' in environ
            return (sharing if concerned else application)(environ, start_response)
        return choose
    return wrap


def http_proxy_to_wsgi_factory(global_conf: Strings, **local_conf: str) -> Filter:
    conf = wiring.current().conf

    def wrap(application: Any) -> Any:
        # Made in any case: it registers its option.
        heeding = oslo_middleware.HTTPProxyToWSGI(application, conf)
        return heeding if conf.oslo_middleware.enable_proxy_headers_parsing else application
    return wrap


def authtoken_factory(global_conf: Strings, **local_conf: str) -> Filter:
    """keystonemiddleware with [keystone_authtoken] of our configuration; the ini's own keys win."""
    options = {**local_conf, 'oslo_config_config': wiring.current().conf}
    return lambda application: auth_token.AuthProtocol(application, dict(options))


def authurl_factory(global_conf: Strings, **local_conf: str) -> Filter:
    conf = wiring.current().conf
    return lambda application: authentication.AuthUrl(application, conf)


def authpassword_factory(global_conf: Strings, **local_conf: str) -> Filter:
    conf = wiring.current().conf
    return lambda application: authentication.PasswordAuth(application, conf)


def custombackendauth_factory(global_conf: Strings, **local_conf: str) -> Filter:
    wired = wiring.current()
    return lambda application: authentication.CustomBackend(application, wired)


def ec2authtoken_factory(global_conf: Strings, **local_conf: str) -> Filter:
    """AWS signatures, checked by Keystone; ``auth_uri`` and friends may stand in the ini."""
    conf = wiring.current().conf
    return lambda application: ec2token.EC2Token(application, conf, local_conf)


class SSLHeader:
    """Takes the scheme a TLS terminator saw from its header; older paste files name this ``ssl``."""

    def __init__(self, application: Any, header: str) -> None:
        self._application = application
        self._header = 'HTTP_' + header.upper().replace('-', '_').removeprefix('HTTP_')

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get(self._header) in ('http', 'https'):
            environ['wsgi.url_scheme'] = environ[self._header]
        return self._application(environ, start_response)


def ssl_factory(global_conf: Strings, **local_conf: str) -> Filter:
    header = local_conf.get('secure_proxy_ssl_header', 'X-Forwarded-Proto')
    return lambda application: SSLHeader(application, header)


def osprofiler_factory(global_conf: Strings, **local_conf: str) -> Filter:
    """osprofiler's filter where that package is installed; without it nothing can be traced."""
    try:
        from osprofiler import web
    except ImportError:
        LOG.warning('The paste file names osprofiler, which is not installed: requests are not traced')
        return lambda application: application
    return web.WsgiMiddleware.factory(global_conf, **local_conf)


def healthcheck_filter_factory(global_conf: Strings, **local_conf: str) -> Filter:
    """/healthcheck in front of an application, as paste files had it before they had a URL map."""
    check = healthcheck_factory(global_conf, **local_conf)

    def wrap(application: Any) -> Any:
        def choose(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            path = environ.get('PATH_INFO', '')
            if path != '/healthcheck' and not path.startswith('/healthcheck/'):
                return application(environ, start_response)
            # As a URL map would call it.
            inner = {**environ, 'SCRIPT_NAME': environ.get('SCRIPT_NAME', '') + '/healthcheck',
                     'PATH_INFO': path.removeprefix('/healthcheck')}
            return check(inner, start_response)
        return choose
    return wrap


def healthcheck_factory(global_conf: Strings, **local_conf: str) -> Any:
    """A paste *app* factory: /healthcheck, and below it /live and /ready."""
    wired = wiring.current()
    return Probes(oslo_middleware.Healthcheck(None, wired.conf), wired.engine, Clock())
