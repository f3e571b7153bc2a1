"""kill -9 of real engines at random moments: the stack ends where nobody is killed.

HEAT_KILLS is how many engines die (6 unless set), HEAT_KILL_SEED makes the moments the same again;
both are in the output of a failure.
"""
from __future__ import annotations

import http.client
import json
import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import serving
from tests.crash.place import Place, Seen
from tests.servers.mariadb import MariaDB
from tests.servers.rabbitmq import RabbitMQ

KILLS = int(os.environ.get('HEAT_KILLS', '6'))
SEED = int(os.environ.get('HEAT_KILL_SEED', random.randrange(10 ** 6)))
# Of the moments at which an owner is killed, so many bring a second death to who took over.
AGAIN = 0.3


def template(generation: int) -> dict[str, Any]:
    """Another generation changes in place, replaces, adds members and takes one resource away."""
    value = f'v{generation}'

    def trial(**waits: int) -> dict[str, Any]:
        return {'type': 'OS::Heat::TestResource', 'properties': {'value': value, 'action_wait_secs': waits}}

    resources: dict[str, Any] = {
        'net': {'type': 'OS::Neutron::Net', 'properties': {'name': f'net-{value}'}},
        'subnet': {'type': 'OS::Neutron::Subnet', 'properties': {
            'network': {'get_resource': 'net'}, 'cidr': '10.9.0.0/24'}},
        'port': {'type': 'OS::Neutron::Port', 'depends_on': 'subnet', 'properties': {
            'network': {'get_resource': 'net'}}},
        'server': {'type': 'OS::Nova::Server', 'properties': {
            'image': 'cirros', 'flavor': 'm1.tiny', 'metadata': {'generation': value},
            'networks': [{'port': {'get_resource': 'port'}}]}},
        'disk': {'type': 'OS::Cinder::Volume', 'properties': {'size': 1, 'name': f'disk-{value}'}},
        'queue': {'type': 'OS::Zaqar::Queue', 'properties': {'metadata': {value: 'here'}}},
        'reader': {'type': 'OS::Zaqar::Subscription', 'properties': {
            'queue_name': {'get_resource': 'queue'}, 'subscriber': f'http://{value}.example/'}},
        'alarm': {'type': 'OS::Aodh::EventAlarm', 'properties': {
            'event_type': value, 'alarm_queues': [{'get_resource': 'queue'}]}},
        'secret': {'type': 'OS::Heat::RandomString', 'properties': {'length': 16 + generation}},
        'first': trial(create=1, update=1, delete=1),
        'group': {'type': 'OS::Heat::ResourceGroup', 'depends_on': 'first', 'properties': {
            'count': 2 + generation, 'resource_def': trial(create=1, update=1, delete=1)}},
        'last': {'type': 'OS::Heat::TestResource', 'depends_on': ['group', 'server'], 'properties': {
            'value': {'get_attr': ['secret', 'value']}, 'update_replace_value': value}},
        'handle': {'type': 'OS::Heat::WaitConditionHandle'},
        'condition': {'type': 'OS::Heat::WaitCondition', 'depends_on': 'first', 'properties': {
            'handle': {'get_resource': 'handle'}, 'timeout': 600}}}
    if generation == 0:
        resources['early'] = trial(delete=1)
    else:
        resources['spare'] = {'type': 'OS::Cinder::Volume', 'properties': {'size': 1}}
    return {'heat_template_version': '2018-08-31', 'resources': resources}


class Life:
    """Create, update, delete of one stack; ``deaths`` says how many engines may die in each action."""

    def __init__(self, place: Place, name: str) -> None:
        self.place, self.name = place, name
        self.told: list[str] = []
        self.took: dict[str, float] = {}
        self.stack_id = ''

    @property
    def path(self) -> str:
        return f'/stacks/{self.name}/{self.stack_id}'

    def act(self, action: str, moment: float | None, deaths: int) -> Seen:
        """One action to its end; the owner dies ``moment`` seconds after the request was answered."""
        place = self.place
        if action == 'CREATE':
            made = place.wish('POST', '/stacks', {'stack_name': self.name, 'template': template(0)})
            self.stack_id = made['stack']['id']
        elif action == 'UPDATE':
            place.wish('PUT', self.path, {'template': template(1)})
        else:
            place.wish('DELETE', self.path)
        began = time.monotonic()
        signalled = action != 'CREATE'

        def done() -> bool:
            nonlocal signalled
            if not signalled and self._handle_is_there():
                signalled = self._signal()
            return not place.state(self.stack_id).endswith('IN_PROGRESS')

        while moment is not None and deaths > 0:
            due = time.monotonic() + moment
            while time.monotonic() < due:
                if not done():
                    time.sleep(0.02)
            victim = place.owner(self.stack_id) or place.rng.choice(place.heat.engines)
            after = time.monotonic() - began
            self.told.append(f'{action}: {victim.name} killed {after:.2f} s after the request')
            print(self.name, self.told[-1], flush=True)
            place.kill(victim)
            deaths -= 1
            moment = None
            if deaths > 0 and not done():
                place.wait('somebody takes over', lambda: place.owner(self.stack_id) is not None or done())
                moment = place.rng.uniform(0, 2)
        place.wait(f'{self.name}: {action} ends', done)
        self.took[action] = time.monotonic() - began
        place.wait('the lease is given up', lambda: place.owner(self.stack_id) is None, 20)
        return place.seen(self.stack_id)

    def _handle_is_there(self) -> bool:
        rows = self.place.sql("SELECT action, status FROM resource WHERE name = 'handle' "
                              f"AND stack_id = '{self.stack_id}'")
        return rows == [('CREATE', 'COMPLETE')]

    def _signal(self) -> bool:
        """Send the signal; False if it has to be sent again, since nobody said that it was taken."""
        status, answer = self.place.ask('POST', f'{self.path}/resources/handle/signal',
                                        {'id': 'one', 'status': 'SUCCESS', 'data': 'word', 'reason': 'ready'})
        assert status < 300 or status >= 500, answer
        return status < 300


def followed(place: Place, path: str, last: str) -> list[str]:
    """The ids of the events that a stream tells, until the stack at ``path`` is in the state ``last``."""
    connection = http.client.HTTPConnection('127.0.0.1', place.heat.port, timeout=120)
    connection.request('GET', f'/v1/{place.project}{path}/events?nested_depth=5', headers={
        'X-Auth-Token': str(place.user.get_token()), 'Accept': 'text/event-stream'})
    stream = connection.getresponse()
    assert stream.status == 200
    name, told, number = path.split('/')[2], [], ''
    while line := stream.readline().decode():
        if line.startswith('id: '):
            number = line[4:].strip()
        elif line.startswith('data: '):
            event = json.loads(line[6:])
            told.append(number)
            if (event['resource_name'], event['resource_status']) == (name, last):
                stream.close()
                return told
    raise AssertionError(f'the stream ended after {len(told)} events\n{place.heat.logs()}')


@pytest.fixture(scope='module')
def place(servers_directory: Path, rabbitmq: RabbitMQ, mariadb: MariaDB) -> Iterator[Place]:
    with serving(Place(servers_directory / 'crash', rabbitmq, mariadb, SEED)) as found:
        yield found


@pytest.fixture(scope='module')
def undisturbed(place: Place) -> tuple[dict[str, Seen], dict[str, float]]:
    """What each action leads to, and how long it takes, when nobody dies."""
    life = Life(place, 'calm')
    seen = {action: life.act(action, None, 0) for action in ('CREATE', 'UPDATE', 'DELETE')}
    assert [one.state for one in seen.values()] == ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'DELETE_COMPLETE']
    assert not seen['DELETE'].resources and not seen['DELETE'].cloud
    assert seen['CREATE'].cloud['servers'] == 1 and seen['UPDATE'].cloud['volumes'] == 2
    return seen, life.took


def test_killed_engines_change_nothing(place: Place,
                                       undisturbed: tuple[dict[str, Seen], dict[str, float]]) -> None:
    expected, took = undisturbed
    number = 0
    while place.kills < KILLS:
        number += 1
        life = Life(place, f'hard-{number}')
        for action in ('CREATE', 'UPDATE', 'DELETE'):
            left = KILLS - place.kills
            deaths = min(left, 2 if place.rng.random() < AGAIN else 1)
            # The whole of the action, and a little of the time after its end.
            moment = place.rng.uniform(0, took[action] * 1.1)
            seen = life.act(action, moment, deaths)
            where = f'seed {SEED}, {life.name}, {life.told}'
            assert seen.state == expected[action].state, f'{where}\n{place.heat.logs()}'
            assert seen.resources == expected[action].resources, where
            assert seen.cloud == expected[action].cloud, where
            assert seen.events == expected[action].events, where
        assert '0 findings' in place.heat.manage('verify')
    assert place.kills == KILLS
    assert number or not KILLS


def test_a_stream_tells_everything_once_though_its_engines_die(place: Place) -> None:
    life = Life(place, 'told')
    life.act('CREATE', None, 0)
    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(followed, place, life.path, 'UPDATE_COMPLETE')
        # The owner dies, and then who took over.
        seen = life.act('UPDATE', place.rng.uniform(0, 2), 2)
        told = reader.result(120)
    assert seen.state == 'UPDATE_COMPLETE'
    assert told == [uuid for uuid, in place.sql(
        f"SELECT uuid FROM event WHERE root_stack_id = '{life.stack_id}' ORDER BY id")], life.told
    life.act('DELETE', None, 0)
