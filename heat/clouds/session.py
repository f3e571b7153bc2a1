"""Authenticated connections to the services, cached per credential.

Purpose: ``Sessions`` hands out one ``Connection`` per credential; a connection
sends one request to one service and gives the raw answer. Invariant: a token is
reused until it is about to expire and renewed once when a service refuses it; a
request that may have been carried out is never sent again by itself.
Neighbours: ``rest`` and ``nova`` send through it and read the answers.
"""

from __future__ import annotations

import http.cookiejar
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import requests
from keystoneauth1 import exceptions, session
from keystoneauth1.access import AccessInfoV3
from keystoneauth1.access.service_catalog import ServiceCatalog, ServiceCatalogV3
from keystoneauth1.identity.v3.base import BaseAuth
from oslo_config import cfg

from heat.clouds import catalog
from heat.clouds.credential import AccountRefused, Credential, Kind, Plugins, said
from heat.common import green
from heat.common.clock import Clock
from heat.model import op

LOG = logging.getLogger(__name__)

REMEMBERED_CREDENTIALS = 2000
# Seconds for which a catalogue is believed although it names no place, or one where nobody answers.
CATALOGUE_AGE = 60.0
BACKOFF, MAX_BACKOFF = 0.25, 5.0
_REFUSED_UNTOUCHED = (429,)
_TRANSIENT = (429, 500, 502, 503, 504)
# A gateway gave up on the service behind it, which may yet do what was asked.
_GATEWAY = (502, 504)
# By name: urllib3 moved and renamed these between its major releases.
_NOT_CONNECTED = ('NewConnectionError', 'NameResolutionError', 'ConnectTimeoutError', 'SSLError')
# PUTs that are verbs in disguise: done twice they fail or do more.
_VERB_PUT = re.compile(r'/(add|remove|insert)_[a-z_]+$')


class LostAnswer(op.CloudFault):
    """A changing request left, and nobody knows whether it was carried out."""


def repeatable(method: str, path: str) -> bool:
    """True if sending the request twice does the same as sending it once."""
    return method in ('GET', 'HEAD', 'DELETE') or (method == 'PUT' and not _VERB_PUT.search(path))


def unsent(exc: BaseException) -> bool:
    """True if the error proves that the request never reached the service."""
    seen: BaseException | None = exc
    while seen is not None:
        if isinstance(seen, requests.exceptions.ConnectTimeout):
            return True
        if isinstance(seen, requests.exceptions.ConnectionError):
            reason = getattr(seen.args[0], 'reason', None) if seen.args else None
            return type(reason).__name__ in _NOT_CONNECTED
        seen = seen.__cause__ or seen.__context__
    return False


class Connection:
    """One credential's way to every service. Made by ``Sessions``, and by ``remote`` for other clouds.

    What is given takes the place of what the credential and the configuration say:
    ``plugin``, the sender of each service (``http``), the ``region`` ('' is any).
    """

    def __init__(self, sessions: Sessions, credential: Credential, plugin: BaseAuth | None = None,
                 http: Callable[[str], session.Session] | None = None, region: str | None = None) -> None:
        self.credential = credential
        self.sessions = sessions
        self.http = http or sessions.http
        self.clients: dict[Any, Any] = {}  # clients of libraries, kept by the adapters that build them
        self.plugin = plugin or sessions.plugins.plugin_for(credential)
        self._region = region
        self._bases: dict[str, str] = {}
        # Whose catalogue that is, and what was read after it was issued.
        self._access: AccessInfoV3 | None = None
        self._catalogue: ServiceCatalog | None = None
        self._read_at = float('-inf')

    def access(self) -> AccessInfoV3:
        """Who the token says we are: user_id, project_id, domain_id, role_names, catalogue.

        Raises CloudFault when keystone refuses the credential or cannot be reached.
        """
        delay = BACKOFF
        for attempt in range(self.sessions.retries + 1):
            try:
                return self.plugin.get_access(self.http('identity'))  # type: ignore[return-value]
            except exceptions.HttpError as exc:
                if exc.http_status not in _TRANSIENT or attempt == self.sessions.retries:
                    # A 404 here means the trust or project, and must not look like a missing object.
                    refused = 400 <= exc.http_status < 500 and exc.http_status != 429
                    status = 401 if refused else exc.http_status
                    raise op.CloudFault(
                        status, self._told(exc), 'identity', exc.request_id or '', type(exc).__name__
                    ) from exc
            except exceptions.ClientException as exc:
                if attempt == self.sessions.retries:
                    raise op.CloudFault(
                        0, 'The identity service cannot be reached.', 'identity', kind='ConnectFailure'
                    ) from exc
            self.sessions.sleep(delay)
            delay = min(delay * 2, MAX_BACKOFF)
        raise AssertionError('unreachable')

    def _told(self, exc: exceptions.HttpError) -> str:
        message = said(exc)
        if self.credential.kind is not Kind.TRUST or exc.http_status not in range(400, 429) or (
                isinstance(exc, AccountRefused)):
            return message
        return ('The trust by which the stack acts for its user gives no token; an update or deletion by a '
                f'member of the project gives the stack another one. Keystone: {message}')

    @property
    def has_token(self) -> bool:
        """Whether a call could be made without asking keystone for a token first."""
        access = getattr(self.plugin, 'auth_ref', None)
        return access is not None and not access.will_expire_soon()

    def token(self) -> str:
        """A token valid for at least two minutes; CloudFault as for ``access``."""
        return self.access().auth_token or ''

    @property
    def project_id(self) -> str | None:
        return self.access().project_id

    def has_service(self, name: str) -> bool:
        """True if the catalogue has an endpoint for the service, of the configured kind and region."""
        row = catalog.service(name)
        return self._find(row) is not None or (self._read_again() and self._find(row) is not None)

    def base(self, name: str) -> str:
        """URL below which the service's paths lie; CloudFault EndpointNotFound if there is none."""
        row, access = catalog.service(name), self.access()
        if access is not self._access:
            # Another token has another catalogue.
            self._access, self._catalogue, self._bases = access, None, {}
        if row.name not in self._bases:
            found = self._find(row) or (self._find(row) if self._read_again() else None)
            if found is None:
                interface = self.sessions.interface(row)
                region = self._region_of(row)
                where = f' in {region} region' if region else ''
                # Not 404, which would pass for a deleted object.
                raise op.CloudFault(
                    0,
                    f'{interface} endpoint for {row.name} service{where} not found',
                    row.name,
                    kind='EndpointNotFound',
                )
            self._bases[row.name] = catalog.base_url(row, found, access.project_id)
        return self._bases[row.name]

    def _find(self, row: catalog.Service) -> str | None:
        entries = self._catalogue or self.access().service_catalog
        for kind in row.types:
            url = entries.get_endpoint_data_list(
                service_type=kind,
                interface=self.sessions.interface(row),
                region_name=self._region_of(row) or None,
            )
            if url:
                return url[0].url
        return None

    def _read_again(self) -> bool:
        """Ask keystone for the catalogue as it is now; False if that was done lately, or cannot be."""
        now = self.sessions.clock.monotonic()
        if now - self._read_at < CATALOGUE_AGE:
            return False
        self._read_at = now
        try:
            answer = self.http('identity').get(
                f'{self.plugin.auth_url}/auth/catalog', authenticated=False, log=False,
                headers={'X-Auth-Token': self.token(), 'Accept': 'application/json'})
            found = ServiceCatalogV3(answer.json()['catalog'])
        except (op.CloudFault, exceptions.ClientException, ValueError, LookupError, TypeError) as exc:
            LOG.debug('The catalogue was not read again: %s', exc)
            return False
        self._catalogue, self._bases = found, {}
        # These hold on to an address too.
        self.clients.clear()
        return True

    def _moved(self, row: catalog.Service, base: str) -> bool:
        """Whether the service, which cannot be reached at ``base``, is somewhere else by now."""
        try:
            # Another call of this connection may have found out.
            moved = self.base(row.name) != base or (self._read_again() and self.base(row.name) != base)
        except op.CloudFault:
            return False
        if moved:
            LOG.info('The %s service is no longer at %s; it is at %s.', row.name, base, self._bases[row.name])
        return moved

    def _region_of(self, row: catalog.Service) -> str:
        return self.sessions.region(row, self.credential) if self._region is None else self._region

    def request(
        self,
        service: str,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        request_id: str = '',
        send: Callable[..., requests.Response] | None = None,
        patience: float | None = None,
    ) -> requests.Response:
        """The service's answer, whatever its status.

        ``body`` is sent as JSON, or as it is when it is text or bytes.
        ``request_id`` ties the call to the operation in the service's log.
        ``send`` replaces the sender (novaclient's). With ``patience`` an answer is waited for so
        many seconds and once. Raises LostAnswer when a
        changing request may have been carried out, CloudFault with status 0 when
        the service cannot be reached or a reading request has no answer.
        """
        row = catalog.service(service)
        base = self.base(service)
        url = catalog.join(row, base, path)
        sent_headers = {'Accept': 'application/json', **dict(row.headers), **(headers or {})}
        version = row.version_header(self.sessions.conf[row.limit] if row.limit else None)
        if version:
            sent_headers.setdefault(*version)
        options: dict[str, Any] = {'headers': sent_headers, 'params': query or None}
        if isinstance(body, (str, bytes)):
            options['data'] = body
        elif body is not None:
            options['json'] = body
        if request_id:
            options['global_request_id'] = request_id
        if patience is not None:
            options['timeout'] = patience
        send = send or self.http(row.name).request
        again, renewed, answer_lost = repeatable(method, path), False, False
        attempt, delay = 0, BACKOFF
        while True:
            token = self.token()
            last = attempt >= (self.sessions.retries if patience is None else 0)
            try:
                answer = send(
                    url,
                    method,
                    auth=self.plugin,
                    authenticated=True,
                    raise_exc=False,
                    allow_reauth=False,
                    log=False,
                    **options,
                )
            except exceptions.ConnectionError as exc:
                never_sent = unsent(exc)
                if last and never_sent and self._moved(row, base):
                    base, attempt, delay = self.base(service), 0, BACKOFF
                    url = catalog.join(row, base, path)
                    continue
                if last or not (again or never_sent):
                    raise self._no_answer(row, method, never_sent) from exc
                answer_lost = answer_lost or not never_sent
            else:
                status = answer.status_code
                if self.sessions.traced(row):
                    LOG.debug('%s %s of %s: %s', method, path, row.name, status)
                if status == 401 and not renewed and self._renew(token):
                    renewed = True
                    continue
                if method == 'DELETE' and status == 404 and answer_lost:
                    # The attempt whose answer was lost did it.
                    answer = requests.Response()
                    answer.status_code = 204
                    return answer
                if status not in _TRANSIENT or (last and again):
                    return answer
                if not again and status not in _REFUSED_UNTOUCHED:
                    if status in _GATEWAY:
                        raise self._no_answer(row, method, False)
                    return answer
                if last:
                    return answer
                answer_lost = answer_lost or status in _GATEWAY
                delay = max(delay, _asked_delay(answer))
            LOG.info('%s %s of %s is tried again', method, path.partition('?')[0], row.name)
            attempt += 1
            self.sessions.sleep(delay)
            delay = min(delay * 2, MAX_BACKOFF)

    def _renew(self, refused: str) -> bool:
        """Forget the refused token; False if there is no way to another one."""
        # Of many calls refused at once, only the first may throw the token away.
        access = self.plugin.auth_ref
        return (access is not None and access.auth_token != refused) or self.plugin.invalidate()

    @staticmethod
    def _no_answer(row: catalog.Service, method: str, never_sent: bool) -> op.CloudFault:
        if never_sent:
            return op.CloudFault(
                0, f'The {row.name} service cannot be reached.', row.name, kind='ConnectFailure'
            )
        cls = op.CloudFault if method in ('GET', 'HEAD') else LostAnswer
        return cls(0, f'The {row.name} service gave no answer.', row.name, kind='ConnectFailure')


def _asked_delay(answer: requests.Response) -> float:
    text = answer.headers.get('Retry-After', '')
    return min(float(text), MAX_BACKOFF) if text.isdigit() else 0.0


class Sessions:
    """All connections of a process.

    ``sleep`` is called with seconds between attempts. The number of attempts,
    the time-out and TLS come from the configuration.
    """

    def __init__(self, conf: cfg.ConfigOpts, sleep: Callable[[float], None] = green.sleep,
                 clock: Clock | None = None) -> None:
        self.conf = conf
        self.sleep = sleep
        self.clock = clock or Clock()
        self.retries: int = conf.client_retry_limit
        self.plugins = Plugins(conf)
        self._lock = threading.Lock()
        self._connections: OrderedDict[Credential, Connection] = OrderedDict()
        self._http: dict[tuple[Any, ...], session.Session] = {}

    def for_credential(self, credential: Credential) -> Connection:
        """The credential's connection; NotConfigured if heat.conf lacks the account for its kind."""
        with self._lock:
            connection = self._connections.get(credential)
            if connection is None:
                connection = self._connections[credential] = Connection(self, credential)
                while len(self._connections) > REMEMBERED_CREDENTIALS:
                    self._connections.popitem(last=False)
            self._connections.move_to_end(credential)
            return connection

    def forget(self, credential: Credential) -> None:
        """Drop a connection whose credential is no longer valid, such as a deleted trust."""
        with self._lock:
            self._connections.pop(credential, None)

    def has_service(self, credential: Credential, service: str) -> bool:
        return self.for_credential(credential).has_service(service)

    def _option(self, row: catalog.Service, name: str) -> Any:
        """Option ``name`` of the service's section, or of [clients] where that leaves it unset."""
        group = 'clients' if row.section == 'clients' else f'clients_{row.section}'
        value = self.conf[group][name]
        return self.conf.clients[name] if value is None else value

    def traced(self, row: catalog.Service) -> bool:
        """True if http_log_debug of the service's section asks for a line per request."""
        group = self.conf.clients if row.section == 'clients' else self.conf[f'clients_{row.section}']
        return bool(getattr(group, 'http_log_debug', False))

    def interface(self, row: catalog.Service) -> str:
        return str(self._option(row, 'endpoint_type')).removesuffix('URL')

    def region(self, row: catalog.Service, credential: Credential) -> str:
        conf = self.conf
        if conf.region_name_for_shared_services and any(t in conf.shared_services_types for t in row.types):
            return str(conf.region_name_for_shared_services)
        return credential.region or conf.region_name_for_services or ''

    def http(self, service: str) -> session.Session:
        """keystoneauth's session with the service's TLS settings, shared by all with equal settings."""
        row = catalog.service(service)
        ca_file, insecure = self._option(row, 'ca_file'), self._option(row, 'insecure')
        cert, key = self._option(row, 'cert_file'), self._option(row, 'key_file')
        settings = (ca_file, insecure, cert, key)
        with self._lock:
            if settings not in self._http:
                self._http[settings] = self.http_trusting(
                    False if insecure else (ca_file or True), (cert, key) if cert and key else cert)
            return self._http[settings]

    def http_trusting(self, verify: bool | str, cert: Any = None) -> session.Session:
        """A new keystoneauth session; ``verify`` is the file of the authorities to trust, or a switch."""
        return session.Session(session=self._transport(), verify=verify, cert=cert,
                               timeout=self.conf.engine.http_timeout, user_agent='heat', redirect=2)

    def _transport(self) -> requests.Session:
        transport = requests.Session()
        size = self.conf.engine.service_call_pool
        for scheme in ('http://', 'https://'):
            # As many kept connections as calls may be in flight, for several services.
            transport.mount(scheme, requests.adapters.HTTPAdapter(pool_connections=32, pool_maxsize=size))
        # One transport serves many users, so nobody's cookies may stay in it.
        transport.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        return transport
