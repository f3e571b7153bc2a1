"""Two real engines over a real broker and database, a cloud that outlives them, and the truth about both.

What is compared is read from the database and from the cloud, never from the service that is being
tried. Neighbours: tests/servers starts everything, ``test_kill`` tells what happens.
"""
from __future__ import annotations

import http.client
import json
import random
import re
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keystoneauth1 import adapter

from tests.servers.daemon import SLOWER, Daemon
from tests.servers.heat import Checkout, Heat, SimulatedCloud
from tests.servers.mariadb import MariaDB
from tests.servers.rabbitmq import RabbitMQ

LEASE_TTL, BEAT = 6, 1
# A request on its way when its engine dies is surely over after http_timeout + settle_time.
OPTIONS: dict[str, dict[str, object]] = {
    'DEFAULT': {'rpc_response_timeout': 15},
    'engine': {'lease_ttl': LEASE_TTL, 'lease_beat_interval': BEAT, 'http_timeout': 6, 'settle_time': 1}}
LONGEST = 180.0
# What comes and goes without a stack's doing, or belongs to the whole cloud.
_PASSING = {'tokens', 'guests'}
KINDS = {'OS::Neutron::Net': 'networks', 'OS::Neutron::Subnet': 'subnets', 'OS::Neutron::Port': 'ports',
         'OS::Zaqar::Subscription': 'subscriptions', 'OS::Aodh::EventAlarm': 'alarms',
         'OS::Nova::Server': 'servers', 'OS::Cinder::Volume': 'volumes'}


@dataclass(frozen=True)
class Seen:
    """What stands after an action: states by (level, resource), the cloud's things, every event in order."""

    state: str
    resources: dict[tuple[str, str], str]
    cloud: dict[str, int]
    events: dict[tuple[str, str], list[str]]


class Place:
    """Everything that a life of a stack needs. ``rng`` decides when and whom to kill."""

    def __init__(self, directory: Path, rabbitmq: RabbitMQ, mariadb: MariaDB, seed: int) -> None:
        self.rng = random.Random(seed)
        self.mariadb, self.rabbitmq = mariadb, rabbitmq
        self.cloud = SimulatedCloud(directory / 'simcloud')
        self._database = f'crash{random.randrange(10 ** 9)}'
        self._connection = mariadb.database(self._database)
        self.heat = Heat(directory / 'heat', self._connection, rabbitmq.vhost(), self.cloud.identity,
                         engines=2, workers=1, api_workers=1, options=OPTIONS)
        self.kills = 0

    def start(self) -> Place:
        self.cloud.start()
        try:
            self.heat.start()
        except BaseException:
            self.cloud.stop()
            raise
        self.user = adapter.Adapter(self.heat.identity.demo.session(), endpoint_override='')
        self.project = str(self.heat.identity.demo.session().get_project_id())
        # The project's default security group comes into being when it is first looked for.
        self.user.get(f'{self.cloud.url}/network/v2.0/security-groups')
        self.empty = self.inventory()
        return self

    def stop(self) -> None:
        self.heat.stop()
        self.cloud.stop()

    # -- the user ----------------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request to heat-api; (status, JSON)."""
        headers = {'X-Auth-Token': str(self.user.get_token()), 'Accept': 'application/json'}
        connection = http.client.HTTPConnection('127.0.0.1', self.heat.port, timeout=120)
        try:
            data = None
            if body is not None:
                data, headers['Content-Type'] = json.dumps(body).encode(), 'application/json'
            connection.request(method, f'/v1/{self.project}{path}', data, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text[:1] in (b'{', b'[') else None

    def wish(self, method: str, path: str, body: Any = None) -> Any:
        """A request that has to be accepted."""
        status, answer = self.ask(method, path, body)
        assert status < 300, (method, path, status, answer)
        return answer

    # -- the truth -----------------------------------------------------------------------------------

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        return self.mariadb.execute(f'USE {self._database}', statement)

    def state(self, stack_id: str) -> str:
        (action, status), = self.sql(f"SELECT action, status FROM stack WHERE id = '{stack_id}'")
        return f'{action}_{status}'

    def owner(self, stack_id: str) -> Checkout | None:
        """The daemon whose worker holds the lease of the tree."""
        rows = self.sql(f"SELECT engine_id FROM lease WHERE root_id = '{stack_id}'")
        name = rows[0][0] if rows else None
        return next((engine for engine in self.heat.engines
                     if name and engine.running and name == current(engine)), None)

    def inventory(self) -> dict[str, set[str]]:
        """The ids of what is in the cloud, by kind."""
        with urllib.request.urlopen(f'{self.cloud.url}/__sim__/inventory', timeout=30) as answer:
            found = json.load(answer)
        return {kind: set(one['ids']) for kind, one in found.items() if kind not in _PASSING}

    def in_cloud(self) -> dict[str, set[str]]:
        """The same without what was there before any stack."""
        now = self.inventory()
        return {kind: ids - self.empty[kind] for kind, ids in now.items() if ids - self.empty[kind]}

    def seen(self, stack_id: str) -> Seen:
        levels = {sid: level or 'root' for sid, level in self.sql(
            f"SELECT id, parent_resource_name FROM stack WHERE root_stack_id = '{stack_id}'")}
        rows = self.sql('SELECT stack_id, name, type, action, status, nova_instance FROM resource '
                        f"WHERE root_stack_id = '{stack_id}' ORDER BY id")
        resources = {(levels[sid], name): f'{action}_{status}' for sid, name, _, action, status, _ in rows}
        assert len(resources) == len(rows), f'two rows stand for one resource: {rows}'
        things = self.in_cloud()
        for _, name, kind, _, _, physical in rows:
            if kind in KINDS:
                assert physical in things.get(KINDS[kind], ()), f'{name} has nothing in the cloud'
        events = defaultdict(list)
        uuids = []
        for uuid, sid, name, kind, action, status in self.sql(
                'SELECT uuid, stack_id, resource_name, resource_type, resource_action, resource_status '
                f"FROM event WHERE root_stack_id = '{stack_id}' ORDER BY id"):
            own = kind == 'OS::Heat::Stack' and name not in {n for level, n in resources}
            # A signal whose answer was lost is sent again.
            if action != 'SIGNAL':
                events[levels[sid], '' if own else name].append(f'{action}_{status}')
            uuids.append(uuid)
        assert len(set(uuids)) == len(uuids), 'an event is there twice'
        return Seen(self.state(stack_id), resources, {kind: len(ids) for kind, ids in things.items()},
                    dict(events))

    def wait(self, what: str, test: Callable[[], bool], seconds: float = LONGEST) -> None:
        deadline = time.monotonic() + seconds * SLOWER
        while not test():
            if time.monotonic() > deadline:
                raise AssertionError(f'not in {seconds * SLOWER:.0f} s: {what}\n{self.heat.logs()}')
            time.sleep(0.1)

    # -- death -----------------------------------------------------------------------------------------

    def kill(self, victim: Daemon) -> None:
        """SIGKILL to the supervisor and its worker, with another engine alive; then it is started again."""
        other = next(engine for engine in self.heat.engines if engine is not victim)
        assert other.running, 'nobody would be left'
        victim.kill()
        self.kills += 1
        victim.start()


def current(engine: Checkout) -> str:
    """The id of the engine that the daemon's worker is now."""
    found = re.findall(r'Engine (\w[\w-]*) \(process \d+\) serves', engine.told())
    return str(found[-1]) if found else ''
