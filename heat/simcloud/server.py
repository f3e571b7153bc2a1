"""The simulated cloud: one WSGI application with all services behind path prefixes.

Purpose: take a request through faults, authentication and its service function,
and let time pass. Invariant: rows move only inside ``settle``, by the injected
clock, in order of due time, so a virtual clock gives the same cloud every run;
one lock makes each call atomic. Neighbours: ``cmd.all`` and tests start it;
``routing`` is the grammar, ``inventory`` the state.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import webob

from heat.common import green, ids
from heat.common.clock import Clock
from heat.simcloud import (
    alarming,
    attachments,
    backups,
    compute,
    control,
    guest,
    identity,
    image,
    keymanager,
    messaging,
    network,
    objects,
    orchestration,
    seed,
    tokens,
    volume,
)
from heat.simcloud.addresses import AddressPlan
from heat.simcloud.faults import AnswerLost, Faults, Rule
from heat.simcloud.inventory import Inventory
from heat.simcloud.journal import Journal
from heat.simcloud.routing import Call, Fault, Reply, Row, Service, dotted

TICK_SECONDS = 0.05
LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Settings:
    """How the cloud behaves. Times are in seconds; all may be changed while it runs."""

    server_build: float = 0.2
    server_action: float = 0.1
    server_delete: float = 0.1
    volume_create: float = 0.1
    volume_action: float = 0.05
    volume_delete: float = 0.1
    stack_action: float = 0.5
    token_lifetime: float = 3600.0
    guests: bool = True
    guest_boot: float = 0.2
    guest_attempts: int = 10
    guest_retry: float = 1.0
    object_versions: bool = True
    quota_servers: int = 0
    quota_volumes: int = 0
    quota_ports: int = 0
    second_region: str = ''
    zones: tuple[str, ...] = ('nova',)
    orchestration_url: str = 'http://127.0.0.1:8004/v1/$(project_id)s'
    cloudformation_url: str = 'http://127.0.0.1:8000/v1'
    more_services: tuple[tuple[str, str, str], ...] = ()
    admin_password: str = field(default='admin', repr=False)
    demo_password: str = field(default='demo', repr=False)
    heat_password: str = field(default='heat', repr=False)
    domain_admin_password: str = field(default='heat', repr=False)


class SimCloud:
    """A cloud. ``application`` is its WSGI callable; ``start`` serves it on a socket.

    ``state_file`` keeps the inventory between processes. ``guest_http(method, url, headers, body)``
    -> status replaces real HTTP for what guests send (raise OSError when it cannot be reached).
    """

    def __init__(self, *, clock: Clock | None = None, settings: Settings | None = None,
                 state_file: str | None = None, fault_seed: int = 0,
                 guest_http: Callable[[str, str, dict[str, str], bytes], int] | None = None) -> None:
        self.clock = clock or Clock()
        self.settings = settings or Settings()
        self.inventory = Inventory()
        self.addresses = AddressPlan(self.inventory)
        self.faults = Faults(fault_seed)
        self.requests: dict[str, int] = {}
        self.guest_calls: list[Row] = []
        self.guest_http = guest_http or guest.send
        self.base_url = ''
        self.lock = threading.RLock()
        self._socket: Any = None
        self._running = False
        self._services: list[Service] = [identity.SERVICE, compute.SERVICE, network.SERVICE, volume.SERVICE,
                                         image.SERVICE, objects.SERVICE, orchestration.SERVICE,
                                         keymanager.SERVICE, messaging.SERVICE, alarming.SERVICE,
                                         control.SERVICE]
        self._transitions: dict[str, Callable[[SimCloud, Row, str, float], None]] = {
            'servers': compute.transition, 'volumes': volume.transition,
            'snapshots': volume.transition_snapshot, 'backups': backups.transition,
            'attachments': attachments.transition,
            'stacks': orchestration.transition, 'guests': guest.transition}
        self._journal = Journal(state_file, self.inventory) if state_file else None
        if self._journal is None or not self._journal.load():
            seed.plant(self)
        if self._journal:
            self._journal.flush()

    def start(self, host: str = '127.0.0.1', port: int = 0) -> str:
        """Listen, serve in the background and tick; returns the base URL without a final slash."""
        self._socket = green.listen(host, port)
        self._running = True
        address, bound = self._socket.getsockname()[:2]
        shown = f'[{address}]' if ':' in address else address
        self.base_url = f'http://{shown}:{bound}'
        green.spawn(green.serve_wsgi, self._socket, self.application)
        green.spawn(self._tick)
        return self.base_url

    def stop(self) -> None:
        """Stop listening and ticking, and close the state file."""
        self._running = False
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        with self.lock:
            if self._journal:
                self._journal.close()

    @property
    def auth_url(self) -> str:
        return f'{self.base_url}/identity/v3'

    def _tick(self) -> None:
        while self._running:
            try:
                self.settle()
            except Exception:
                # Time must not stop for all servers because of one.
                LOG.exception('a transition of the simulated cloud failed')
            green.sleep(TICK_SECONDS)

    def settle(self) -> None:
        """Perform every transition that is due by the clock, those caused by others included."""
        with self.lock:
            while True:
                due = self.inventory.pop_due(self.clock.wall())
                for kind, row, then, at in due:
                    # An earlier one of this batch may have removed it.
                    if self.inventory.tables[kind].get(row['id']) is row:
                        self._transitions[kind](self, row, then, at)
                if not due:
                    break
            if self._journal:
                self._journal.flush()

    def application(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = webob.Request(environ)
        # WebOb replaces the stream once the body is read, and the socket with it.
        stream = environ.get('wsgi.input')
        try:
            response = self._answer(request)
        except AnswerLost:
            cut(stream)
            raise
        return response(environ, start_response)

    def _answer(self, request: webob.Request) -> webob.Response:
        request_id = f'req-{ids.new_id()}'
        service, path = self._service(request.path_info)
        if service is None:
            return render(Reply(*((200, self._index()) if path in ('', '/') else (404, {}))), request_id)
        struck: list[Rule] = []
        if service is not control.SERVICE:
            with self.lock:
                struck = self.faults.hits(service.name, request.method, f'{path}?{request.query_string}')
        for rule in struck:
            if rule.kind == 'delay':
                green.sleep(rule.seconds)
            elif rule.kind == 'drop_before':
                raise AnswerLost
        try:
            reply = next((Reply(rule.status, service.render_fault(Fault(rule.status, rule.message)))
                          for rule in struck if rule.kind == 'status'), None)
            call = Call(self, request, service, {})
            if reply is None:
                call.doom = next((rule.message for rule in struck if rule.kind == 'error_state'), None)
                reply = self._perform(call, path)
        except Fault as refusal:
            reply = Reply(refusal.status, service.render_fault(refusal), refusal.headers)
        except Exception:
            LOG.exception('%s %s failed inside the simulated cloud', request.method, request.path)
            broken = Fault(500, 'The simulated cloud failed to perform this request.')
            reply = Reply(500, service.render_fault(broken))
        if any(rule.kind == 'drop_after' for rule in struck):
            raise AnswerLost
        broken_by = next((rule for rule in struck if rule.kind == 'status_after'), None)
        if broken_by is not None:
            fault = Fault(broken_by.status, broken_by.message)
            reply = Reply(fault.status, service.render_fault(fault))
        headers = dict(reply.headers)
        if service.header:
            headers['OpenStack-API-Version'] = f'{service.header} {dotted(call.version)}'
            headers['Vary'] = 'OpenStack-API-Version'
        return render(Reply(reply.status, reply.body, headers), request_id)

    def _perform(self, call: Call, path: str) -> Reply:
        method = 'GET' if call.request.method == 'HEAD' and call.service is not identity.SERVICE \
            else call.request.method
        function, call.args, template = call.service.find(method, path)
        with self.lock:
            counted = f'{call.service.name} {method} {template}'
            self.requests[counted] = self.requests.get(counted, 0) + 1
            self.settle()
            call.version = call.service.negotiate(call.request.headers)
            if f'{method} {template}' not in call.service.public:
                call.token = tokens.authenticate(call)
            reply = function(call)
            if self._journal:
                self._journal.flush()
        return reply

    def _service(self, path: str) -> tuple[Service | None, str]:
        for service in self._services:
            if path == service.prefix or path.startswith(service.prefix + '/'):
                return service, path[len(service.prefix):] or '/'
        return None, path

    def _index(self) -> Row:
        return {'services': {service.name: service.prefix for service in self._services}}

    def summary(self) -> Row:
        """The inventory by kind: count, ids, ids by project."""
        with self.lock:
            self.settle()
            return self.inventory.summary()

    def show_settings(self) -> Row:
        return {key: value for key, value in asdict(self.settings).items() if not key.endswith('password')}


def render(reply: Reply, request_id: str) -> webob.Response:
    response = webob.Response(status=reply.status)
    if reply.body is None:
        response.content_type = None
    elif isinstance(reply.body, str):
        # What was put as bytes that are no text comes back as these.
        response.body = reply.body.encode('utf-8', 'surrogateescape')
    else:
        response.content_type = 'application/json'
        response.body = json.dumps(reply.body).encode()
    response.headers['X-Openstack-Request-Id'] = request_id
    for name, value in reply.headers.items():
        response.headers[name] = value
    return response


def cut(stream: Any) -> None:
    """Close the client's connection under the server, so that no answer can leave."""
    found = stream.get_socket() if hasattr(stream, 'get_socket') else getattr(
        getattr(stream, 'raw', None), '_sock', None)
    if found is not None:
        try:
            found.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the client has gone already
