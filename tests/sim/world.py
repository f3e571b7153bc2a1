"""A whole engine in virtual time: real loop, real database, a simulated cloud.

Purpose: scenarios run in milliseconds and the same way each time. Invariant:
nothing here sleeps; time moves to the next timer, answer or cloud event only
when every engine is quiet. Crashes drop an engine between two lines and start
another over the same database and cloud.
"""

from __future__ import annotations

import base64
import heapq
import itertools
import json
from collections.abc import Callable
from typing import Any

from heat.clouds import catalog
from heat.clouds.credential import Credential
from heat.clouds.performer import Answer, Fault, Unmatched
from heat.clouds.watch import Round
from heat.common import errors
from heat.common.clock import VirtualClock
from heat.common.context import RequestContext
from heat.common.crypt import Crypt
from heat.db import connect, events, leases, resources, schema, stacks
from heat.engine.actions import Actions
from heat.engine.addresses import Addresses
from heat.engine.borrow import Stored
from heat.engine.courier import Courier
from heat.engine.errand import Limits
from heat.engine.exchange import Exchange
from heat.engine.hearing import Hearing
from heat.engine.herald import Herald
from heat.engine.intake import Intake
from heat.engine.loader import Loader
from heat.engine.looking import Looker
from heat.engine.loop import Loop
from heat.engine.messages import Published
from heat.engine.metrics import Metrics
from heat.engine.owner import Owner
from heat.engine.plans import Plans
from heat.engine.seek import Seeker
from heat.engine.shelf import Shelf
from heat.engine.software import Software
from heat.engine.store import DirectStore
from heat.engine.watcher import Watcher
from heat.engine.watches import Watches
from heat.model import op
from heat.simcloud.faults import AnswerLost
from heat.simcloud.server import Settings, SimCloud

PROJECT = 'demo'
FOUND_IN = {
    'neutron.network': ('network', '/networks', 'networks'), 'neutron.port': ('network', '/ports', 'ports'),
    'neutron.subnet': ('network', '/subnets', 'subnets'),
    'neutron.router': ('network', '/routers', 'routers'),
    'neutron.security_group': ('network', '/security-groups', 'security_groups'),
    'nova.flavor': ('compute', '/flavors', 'flavors'), 'nova.server': ('compute', '/servers', 'servers'),
    'glance.image': ('image', '/images', 'images'), 'cinder.volume': ('volumev3', '/volumes', 'volumes'),
    'cinder.backup': ('volumev3', '/backups', 'backups')}
USERS: dict[str, dict[str, str]] = {
    'create_project': {'project_id': 'p' * 32},
    'create_user': {'user_id': 'u' * 32, 'password': 'pw', 'project_id': 'p' * 32},
    'create_keypair': {'access': 'a' * 32, 'secret': 's' * 32, 'credential_id': 'c' * 64},
    'token': {'token': 'tok', 'expires_at': '', 'auth_url': ''},
    'delete_user': {}, 'suspend_user': {}, 'resume_user': {}, 'delete_keypair': {}, 'delete_project': {}}


class Crash(BaseException):
    """The engine dies here."""


class SimPerformer:
    """Carries calls to the simulated cloud's WSGI application, with latency in virtual time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.alive = True

    def perform(self, credential: Any, operation: Any, done: Callable[[Any], None], request_id: str = '',
                begin: Callable[[], bool] | None = None) -> None:
        if begin is not None and not begin():
            return
        world = self._world
        world.failpoint('call.before')
        result = world.cloud_answer(operation)
        world.failpoint('call.after')
        world.later(world.latency, lambda: done(result) if self.alive else None)

    def perform_now(self, credential: Any, operation: Any, *, patience: float | None = None) -> Any:
        self._world.failpoint('call.before')
        result = self._world.cloud_answer(operation)
        self._world.failpoint('call.after')
        if not isinstance(result, Answer):
            raise result.fault
        return result.body


class SimLoader(Loader):
    """All stacks act as one user, whose calls ``World`` sends."""

    def credential(self, conn: Any, root: Any) -> Credential:
        return Credential.of_service()


class Engine:
    """One engine process in the simulator."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        conf = world.conf
        self.performer = SimPerformer(world)
        self.loader = SimLoader(world.crypt, Addresses(conf, None))
        self.herald = Herald(world.database, self.loader, self.performer, lambda run: run())
        self.store = DirectStore(world.database, name, world.crypt, world.clock, world.failpoint,
                                 self.herald)
        self.owner = Owner(name, world.database, self.loader, world.clock, ttl=20.0,
                           watch=lambda: self.watcher.claim())
        # Its turns are taken by ``World.watch``.
        self.watcher = Watcher(name, world.database, world.crypt, world.clock, self.owner.poke,
                               spawn=lambda run: None, failpoint=world.failpoint)
        courier = Courier(world.database, self.loader, self.performer, lambda run: run())
        self.exchange = Exchange(world.database, world.crypt, world.clock, self.loader)
        self.loop = Loop(name, world.clock, self.performer, self.store,
                         limits=Limits(http_timeout=60.0, settle=5.0), error_wait=240.0,
                         may_call=lambda: True, gone=self._gone, reread=self.owner.refresh,
                         publish=self._publish, shelf=Shelf(world.database, world.crypt, lambda run: run()),
                         courier=courier,
                         seek=Seeker(conf, self.exchange, world.clock, world.fetch, self._seek))
        self.owner.attach(self.loop)
        self.intake = Intake(conf, world.database, world.crypt, world.clock, None, None, None,
                             self.loader, self.owner, world.fetch, exchange=self.exchange, tell=self.herald)
        self.software = Software(world.database, conf, world.crypt, world.clock, self.owner.poke,
                                 world.clock.advance, courier.politely)
        self.watches = Watches(world.database, world.crypt, world.clock, self.owner.poke)
        self.metrics = Metrics(world.database, world.crypt, world.clock)
        self.released: list[str] = []

    def _publish(self, tree: Any, run: Any, values: Any, imports: Any) -> None:
        self.world.failpoint('publish.before')
        refusal = self.exchange.publish(run.stack, self.name, tree.fence, values, imports)
        self.world.failpoint('publish.after')
        self.loop.put(Published(tree.root_id, run.stack.id, run.goal.seq, refusal))

    def _seek(self, run: Callable[[], None]) -> None:
        self.world.failpoint('seek.before')
        run()
        self.world.failpoint('seek.after')

    def _gone(self, roots: Any) -> None:
        self.released.extend(roots)

    def look_again(self) -> None:
        roots, self.released = self.released, []
        for root in roots:
            self.owner._look_again(root)


class World:
    """Database, cloud, clock and the living engines."""

    def __init__(self, conf: Any, latency: float = 0.05) -> None:
        self.conf = conf
        conf.set_override('url', 'http://heat.example:8004/v1', 'clients_heat')
        conf.set_override('heat_waitcondition_server_url', 'http://heat.example:8000/v1/waitcondition')
        conf.set_override('heat_metadata_server_url', None)
        self.latency = latency
        self.clock = VirtualClock()
        self.crypt = Crypt(['0123456789abcdef0123456789abcdef'])
        # What stands behind http(s) addresses, and which of them were asked for.
        self.documents: dict[str, str] = {}
        self.fetched: list[str] = []
        self.database = connect.open_engine('sqlite://')
        schema.metadata.create_all(self.database)
        self.cloud = SimCloud(clock=self.clock, settings=Settings(), guest_http=lambda *a: 200)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._armed: tuple[str, int] | None = None
        self.points: dict[str, int] = {}
        self.engines: list[Engine] = []
        self._names = (f'engine-{n}' for n in itertools.count(1))
        self.context = RequestContext(user_id='u', username='demo', tenant_id=PROJECT, tenant='demo',
                                      roles=('member',), auth_token='t')
        self.token = ''
        self.users_asked: list[str] = []
        self.add_engine()

    # -- engines ---------------------------------------------------------------------------------

    def add_engine(self) -> Engine:
        engine = Engine(self, next(self._names))
        self.engines.append(engine)
        engine.herald.catch_up()
        return engine

    @property
    def engine(self) -> Engine:
        return self.engines[0]

    def crash_at(self, name: str, nth: int = 1) -> None:
        """The next engine that comes to the failpoint for the nth time dies there."""
        self._armed = (name, nth)

    def failpoint(self, name: str) -> None:
        self.points[name] = self.points.get(name, 0) + 1
        if self._armed is not None and self._armed[0] == name:
            left = self._armed[1] - 1
            if left <= 0:
                self._armed = None
                raise Crash(name)
            self._armed = (name, left)

    def kill(self, engine: Engine) -> None:
        """The process is gone: its answers go nowhere, its lease grows old."""
        engine.performer.alive = False
        self.engines.remove(engine)

    def take_over(self, engine: Engine) -> None:
        """The leases of the dead have run out; ``engine`` reaps them."""
        self.clock.advance(25)
        with connect.write(self.database) as conn:
            conn.execute(schema.lease.update().values(beat_at=0.0))
        engine.owner.reap()

    # -- time ------------------------------------------------------------------------------------

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.clock.monotonic() + seconds, next(self._order), action))

    def run(self, until: float | None = None, limit: int = 200_000) -> None:
        """Let everything happen until nothing is left to do, or until ``until`` (virtual seconds)."""
        for _ in range(limit):
            busy = False
            for engine in list(self.engines):
                try:
                    messages = engine.loop.drain()
                    if messages or self._timer_due(engine):
                        engine.loop.turn(messages)
                        busy = True
                    engine.look_again()
                except Crash:
                    self.kill(engine)
                    survivor = self.engines[0] if self.engines else self.add_engine()
                    self.take_over(survivor)
                    busy = True
            if busy:
                continue
            due = [self._due[0][0]] if self._due else []
            due += [d for e in self.engines if (d := e.loop.next_due()) is not None]
            if not due:
                return
            soonest = min(due)
            if until is not None and soonest > until:
                self.clock.advance(max(0.0, until - self.clock.monotonic()))
                return
            # A hair more, so that rounding never leaves the clock just short of the moment.
            self.clock.advance(max(0.0, soonest - self.clock.monotonic()) + 1e-6)
            while self._due and self._due[0][0] <= self.clock.monotonic():
                heapq.heappop(self._due)[2]()
        raise AssertionError('The world does not come to rest.')

    def watch(self, seconds: float) -> None:
        """Let ``seconds`` pass in which watch rules are evaluated; every engine looks for a free lease."""
        end = self.clock.monotonic() + seconds
        while True:
            pauses: list[float | None] = []
            died = False
            for engine in list(self.engines):
                try:
                    engine.owner.reap()
                    pauses.append(engine.watcher.turn())
                except Crash:
                    self.kill(engine)
                    self.take_over(self.engines[0] if self.engines else self.add_engine())
                    died = True
            if died:
                continue
            soonest = min((one for one in pauses if one is not None), default=seconds)
            now = self.clock.monotonic()
            self.run(until=min(end, now + soonest))
            if self.clock.monotonic() < min(end, now + soonest):
                self.clock.advance(min(end, now + soonest) - self.clock.monotonic())
            if self.clock.monotonic() >= end:
                return

    def _timer_due(self, engine: Engine) -> bool:
        due = engine.loop.next_due()
        return due is not None and due <= self.clock.monotonic()

    def fetch(self, address: str, conf: Any, seconds: float) -> str:
        self.fetched.append(address)
        if address not in self.documents:
            raise ValueError(f'Failed to retrieve template from {address}')
        return self.documents[address]

    # -- the cloud ---------------------------------------------------------------------------------

    def cloud_answer(self, operation: Any) -> Any:
        if isinstance(operation, Round):
            bodies: dict[str, Any] = {}
            for poll in operation.polls:
                answer = self._request(op.Call(poll.service, 'GET', poll.path, ok=(404,), unwrap=poll.unwrap,
                                               at=poll.at))
                bodies[poll.id] = answer.body if isinstance(answer, Answer) else answer.fault
            return Answer(bodies)
        if isinstance(operation, op.Find):
            return self._find(operation)
        if isinstance(operation, op.Resolve):
            try:
                return Answer(Stored(self.database, self.crypt)(PROJECT, operation))
            except op.CloudFault as fault:
                return Fault(fault)
        if isinstance(operation, op.Endpoint):
            return Answer(f'http://store.example/object/v1/AUTH_{self.project_id}')
        if isinstance(operation, op.UserCall):
            self.users_asked.append(operation.verb)
            return Answer(dict(USERS[operation.verb]))
        return self._request(operation)

    def _find(self, wanted: op.Find) -> Any:
        service, path, key = FOUND_IN[wanted.kind]
        listed = self._request(op.Call(service, 'GET', path, unwrap=key)).body
        for item in listed:
            if wanted.value in (item.get('id'), item.get('name')):
                return Answer(item['id'])
        return Unmatched(errors.EntityNotFound(entity=wanted.kind, name=wanted.value))

    def _request(self, call: op.Call) -> Any:
        from webob import Request
        # Those of a stack's users are as if they were of the project of the stack.
        if (call.service == 'orchestration') is not (call.at is not None and call.at.account is None):
            # The cloud's own orchestration is what is being tried; only another's may be called.
            raise AssertionError(f'{call.method} {call.path} went to {call.at}')
        prefix = {'compute': '/compute/v2.1', 'network': '/network/v2.0', 'image': '/image/v2',
                  'volumev3': f'/volume/v3/{self.project_id}',
                  'orchestration': f'/orchestration/v1/{self.project_id}',
                  'object-store': f'/object/v1/AUTH_{self.project_id}',
                  'messaging': '/messaging/v2', 'alarming': '/alarming/v2',
                  'key-manager': '/key-manager/v1'}[call.service]
        request = Request.blank(prefix + call.path, method=call.method)
        if call.query:
            from urllib.parse import urlencode
            request.query_string = urlencode(call.query, doseq=True)
        request.headers['X-Auth-Token'] = self.token or self._login()
        versioned = catalog.service(call.service).microversion
        request.headers.update({**dict([versioned] if versioned else []), **call.headers,
                                **dict(catalog.service(call.service).headers)})
        if call.body is not None:
            request.body = call.body if isinstance(call.body, bytes) else json.dumps(call.body).encode()
            request.content_type = 'application/json'
        try:
            response = request.get_response(self.cloud.application)
        except AnswerLost:
            return Fault(op.CloudFault(0, 'No answer.', call.service, kind='ConnectFailure'), lost=True)
        if response.status_int >= 400:
            if response.status_int in call.ok:
                return Answer(None)
            return Fault(op.CloudFault(response.status_int, response.text[:300], call.service))
        if call.header == '*':
            return Answer({name.lower(): value for name, value in response.headers.items()})
        if call.header:
            return Answer(response.headers.get(call.header, ''))
        if call.encoded:
            return Answer(base64.b64encode(response.body).decode())
        if response.content_type != 'application/json':
            return Answer(response.text if response.body else None)
        body = json.loads(response.body) if response.body else None
        return Answer(body.get(call.unwrap) if call.unwrap and body else body)

    def _login(self) -> str:
        from webob import Request
        request = Request.blank('/identity/v3/auth/tokens', method='POST')
        request.content_type = 'application/json'
        request.body = json.dumps({'auth': {
            'identity': {'methods': ['password'], 'password': {'user': {
                'name': 'demo', 'domain': {'id': 'default'}, 'password': 'demo'}}},
            'scope': {'project': {'name': 'demo', 'domain': {'id': 'default'}}}}}).encode()
        response = request.get_response(self.cloud.application)
        self.token = response.headers['X-Subject-Token']
        self._project = json.loads(response.body)['token']['project']['id']
        return self.token

    @property
    def project_id(self) -> str:
        if not self.token:
            self._login()
        return self._project

    @property
    def actions(self) -> Actions:
        return Actions(self.engine.intake)

    @property
    def hearing(self) -> Hearing:
        return Hearing(self.engine.intake)

    @property
    def plans(self) -> Plans:
        def perform(credential: Any, operation: Any) -> Any:
            answer = self.cloud_answer(operation)
            if isinstance(answer, Answer):
                return answer.body
            raise answer.fault if isinstance(answer, Fault) else answer.error

        # Nothing the simulator asks of plans is read elsewhere.
        return Plans(self.engine.intake, Looker(self.engine.loader, self.clock, perform, at_once=1))

    # -- what a user does and sees -------------------------------------------------------------------

    def create(self, name: str, template: dict[str, Any], **options: Any) -> dict[str, Any]:
        args = {k: options.pop(k) for k in ('timeout_mins', 'disable_rollback', 'tags') if k in options}
        args |= options.pop('args', {})
        return self.engine.intake.create_stack(self.context, name, template, options.pop('environment', {}),
                                               options.pop('files', {}), args, **options)

    def update(self, identity: dict[str, Any], template: dict[str, Any] | None, **options: Any) -> None:
        args = {k: options.pop(k) for k in ('timeout_mins', 'disable_rollback', 'existing') if k in options}
        args |= options.pop('args', {})
        self.plans.update_stack(self.context, identity, template, options.pop('environment', {}),
                                        options.pop('files', {}), args, **options)

    def delete(self, identity: dict[str, Any], **options: Any) -> None:
        self.engine.intake.delete_stack(self.context, identity, **options)

    def signal(self, identity: dict[str, Any], resource: str, details: dict[str, Any] | None = None) -> None:
        self.hearing.resource_signal(self.context, identity, resource, details)

    def stack(self, identity: dict[str, Any]) -> Any:
        with connect.read(self.database) as conn:
            return stacks.load_stack(conn, identity['stack_id'], show_deleted=True)

    def state(self, identity: dict[str, Any]) -> str:
        stack = self.stack(identity)
        return f'{stack.action}_{stack.status}'

    def all_rows(self, identity: dict[str, Any]) -> list[Any]:
        """Every row, those of a replaced or failed thing of the same name included."""
        with connect.read(self.database) as conn:
            return resources.rows_of_stack(conn, identity['stack_id'], self.crypt)

    def rows(self, identity: dict[str, Any]) -> dict[str, Any]:
        with connect.read(self.database) as conn:
            return {row.name: row for row in resources.rows_of_stack(conn, identity['stack_id'], self.crypt)}

    def states(self, identity: dict[str, Any]) -> dict[str, str]:
        return {name: f'{row.action}_{row.status}' for name, row in self.rows(identity).items()}

    def events(self, identity: dict[str, Any], own: bool = True) -> list[str]:
        """``name STATE`` in order; ``own`` leaves out nested stacks."""
        with connect.read(self.database) as conn:
            found = events.list_events(conn, None if not own else [identity['stack_id']],
                                       root_id=None if own else identity['stack_id'], sort_dir='asc')
        return [f'{e.event.resource_name} {e.event.action}_{e.event.status}' for e in found]

    def reasons(self, identity: dict[str, Any]) -> list[str]:
        with connect.read(self.database) as conn:
            found = events.list_events(conn, [identity['stack_id']], sort_dir='asc')
        return [f'{e.event.resource_name} {e.event.reason}' for e in found]

    def leases_held(self) -> int:
        with connect.read(self.database) as conn:
            return sum(len(leases.owned(conn, e.name)) for e in self.engines)
