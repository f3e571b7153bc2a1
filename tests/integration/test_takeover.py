"""What users see while parts of a deployment die, freeze or leave: their stacks come through.

Two heat-engines of two workers as two hosts; leases short, so that a death is noticed within seconds.
Each story compares the events with those of a run that nobody disturbed.
"""
from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from heatclient import exc

from tests.conftest import serving
from tests.functional.flows import Place, hot, one
from tests.integration.deployment import Deployment
from tests.servers.daemon import Daemon
from tests.servers.keystone import Keystone
from tests.servers.mariadb import MariaDB
from tests.servers.rabbitmq import RabbitMQ

LEASE, BEAT = 6, 1
SLOW = {'create': 3, 'update': 3, 'delete': 3}
MEMBERS = ('0', '1', '2')
# `second` is reached only when the first ones are done: work is left whenever the blow comes.
NAMES = ('first', 'group', *MEMBERS, 'second')


@pytest.fixture(scope='module')
def heat(servers_directory: Path, rabbitmq: RabbitMQ, mariadb: MariaDB,
         operators_keystone: Keystone) -> Iterator[Deployment]:
    options = {'engine': {'lease_ttl': LEASE, 'lease_beat_interval': BEAT}}
    with serving(Deployment(servers_directory / 'takeover', rabbitmq, mariadb, operators_keystone,
                            options=options)) as deployment:
        yield deployment


@pytest.fixture(scope='module')
def place(heat: Deployment) -> Place:
    return heat.place()


def template(value: str) -> str:
    slow = one({'value': value, 'action_wait_secs': SLOW})
    return hot({'first': slow,
                'group': one({'count': len(MEMBERS), 'resource_def': slow}, 'OS::Heat::ResourceGroup'),
                'second': {**slow, 'depends_on': ['first', 'group']}},
               outputs={'values': {'value': {'get_attr': ['group', 'output']}}})


class Leases:
    """Who drives which stack, read from the deployment's database."""

    def __init__(self, heat: Deployment) -> None:
        connection = re.search(r'^connection = (\S+)$', heat.conf.read_text(), re.MULTILINE)
        assert connection
        self._heat = heat
        self._name = urlsplit(connection.group(1)).path.lstrip('/')

    def host(self, stack_id: str) -> str | None:
        """The host whose engine holds the stack's lease."""
        assert isinstance(self._heat.database, MariaDB)
        rows = self._heat.database.execute(
            f'SELECT s.host FROM `{self._name}`.lease l JOIN `{self._name}`.service s '
            f"ON s.engine_id = l.engine_id WHERE l.root_id = '{stack_id}'")
        return str(rows[0][0]) if rows else None


@pytest.fixture(scope='module')
def leases(heat: Deployment) -> Leases:
    return Leases(heat)


def expected(name: str, place: Place, *actions: str) -> Counter[tuple[str, str]]:
    """The events of these actions where nothing happened in between: each beginning and end once."""
    group = place.resources(name)['group'].physical_resource_id
    inner = place.heat.stacks.get(group, resolve_outputs=False).stack_name
    return Counter({(each, f'{action}_{state}'): 1 for each in (name, inner, *NAMES)
                    for action in actions for state in ('IN_PROGRESS', 'COMPLETE')})


def begun(place: Place, name: str, action: str) -> None:
    """Wait until the group's members are at it."""
    place.wait(lambda: Counter(each.resource_status for each in place.resources(name, 1).values()),
               lambda seen: seen[f'{action}_IN_PROGRESS'] >= 1 + len(MEMBERS), 30)


@contextmanager
def killed(heat: Deployment, host: str) -> Iterator[None]:
    """The host's heat-engine, parent and workers, is gone at once, and comes back after the block."""
    heat.engines[host].kill()
    yield
    heat.engines[host].start()


def test_an_engine_killed_in_a_create_an_update_and_a_delete(heat: Deployment, place: Place,
                                                            leases: Leases) -> None:
    stack_id = place.create('orphan', template('old'))
    begun(place, 'orphan', 'CREATE')
    owner = leases.host(stack_id)
    assert owner is not None
    with killed(heat, owner):
        # Answered by the other host, and the truth.
        assert place.status('orphan') == 'CREATE_IN_PROGRESS'
        place.until('orphan', 'CREATE_COMPLETE')
    assert Counter(place.events('orphan', 1)) == expected('orphan', place, 'CREATE')
    before = place.resources('orphan', 1)

    place.heat.stacks.update(f'orphan/{stack_id}', template=template('new'))
    begun(place, 'orphan', 'UPDATE')
    owner = leases.host(stack_id)
    assert owner is not None
    with killed(heat, owner):
        assert place.status('orphan') == 'UPDATE_IN_PROGRESS'
        place.until('orphan', 'UPDATE_COMPLETE')
    assert place.outputs('orphan')['values'] == ['new'] * len(MEMBERS)
    assert {name: each.physical_resource_id for name, each in place.resources('orphan', 1).items()} == {
        name: each.physical_resource_id for name, each in before.items()}
    assert Counter(place.events('orphan', 1)) == expected('orphan', place, 'CREATE', 'UPDATE')

    place.heat.stacks.delete('orphan')
    place.wait(lambda: place.resources('orphan')['second'].resource_status,
               lambda seen: seen == 'DELETE_IN_PROGRESS', 30)
    owner = leases.host(stack_id)
    assert owner is not None
    with killed(heat, owner):
        place.wait(lambda: place.gone('orphan'), bool)
    assert place.heat.stacks.get(f'orphan/{stack_id}').stack_status == 'DELETE_COMPLETE'


def test_an_engine_that_leaves_hands_over_at_once(heat: Deployment, place: Place, leases: Leases) -> None:
    stack_id = place.create('handed', template('x'))
    begun(place, 'handed', 'CREATE')
    owner = leases.host(stack_id)
    assert owner is not None
    other, = set(heat.hosts) - {owner}
    leaving = threading.Thread(target=heat.engines[owner].stop)
    started = time.monotonic()
    leaving.start()
    place.wait(lambda: leases.host(stack_id), lambda seen: seen == other, 10)
    # Not by a lease that ran out.
    assert time.monotonic() - started < LEASE - BEAT
    place.until('handed', 'CREATE_COMPLETE')
    leaving.join()
    assert Counter(place.events('handed', 1)) == expected('handed', place, 'CREATE')
    heat.engines[owner].start()
    place.remove('handed')


@contextmanager
def paused(server: Daemon, seconds: float) -> Iterator[None]:
    """The server freezes for so long, whatever the block does meanwhile."""
    server.pause()
    timer = threading.Timer(seconds, server.resume)
    timer.start()
    try:
        yield
    finally:
        timer.join()


@pytest.mark.parametrize('which', ['broker', 'database'])
def test_a_server_that_freezes_only_delays(which: str, heat: Deployment, place: Place) -> None:
    frozen: Daemon = heat.broker if which == 'broker' else heat.database
    name = f'frozen-{which}'
    place.create(name, template('x'))
    begun(place, name, 'CREATE')
    with paused(frozen, 20):
        # A question waits for its answer instead of getting a wrong one.
        assert place.status(name) in ('CREATE_IN_PROGRESS', 'CREATE_COMPLETE')
    place.until(name, 'CREATE_COMPLETE')
    assert Counter(place.events(name, 1)) == expected(name, place, 'CREATE')
    place.remove(name)


def test_that_there_is_no_database_is_said(heat: Deployment, place: Place) -> None:
    heat.database.stop()
    try:
        with pytest.raises(exc.HTTPException) as caught:
            place.status('any')
    finally:
        heat.database.start()
    assert caught.value.code == 503
    assert 'The database of the service cannot be used at the moment' in str(caught.value)
    with pytest.raises(exc.HTTPNotFound):
        place.status('any')
