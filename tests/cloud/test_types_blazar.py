"""Hosts that can be reserved, and leases of them, on a real Blazar."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.daemons import Heat, Refused, User
from tests.cloud.stack import Stack

TYPES = Path(__file__).parent / 'types'

pytestmark = [pytest.mark.groups('blazar'), pytest.mark.usefixtures('leaves_nothing')]


@pytest.fixture(scope='module')
def delegating(heat: Heat) -> Iterator[None]:
    """Blazar makes trusts for what it keeps, and has a stack's trust to make them from."""
    with heat.told(allow_trusts_redelegation=True):
        yield


@pytest.fixture
def host(administrator: User, delegating: None) -> Iterator[Stack]:
    """A stack with the only host of the cloud."""
    stack = Stack(administrator, 'types-host')
    stack.create(TYPES / 'blazar_host.yaml')
    stack.ends('CREATE_COMPLETE')
    yield stack
    stack.delete()


def minutes(ahead: int) -> str:
    """A time so far from now, as leases have it."""
    return (datetime.now(UTC) + timedelta(minutes=ahead)).strftime('%Y-%m-%d %H:%M')


def test_a_trust_that_keystone_refuses_is_told_with_what_helps(administrator: User) -> None:
    stack = Stack(administrator, 'types-refused')
    stack.create(TYPES / 'blazar_host.yaml')
    why = stack.ends('CREATE_FAILED')['stack_status_reason']
    assert 'resources.host: Internal Server Error' in why
    assert 'makes a trust for each host' in why and 'allow_trusts_redelegation' in why
    stack.delete()


def test_a_host_that_can_be_reserved(administrator: User, host: Stack, user: User) -> None:
    def known() -> dict[str, Any]:
        found, = administrator.api('reservation').get('/os-hosts').json()['hosts']
        return dict(found)

    made, outputs = known(), host.outputs()
    assert (made['id'], made['hypervisor_hostname']) == (host.physical('host'), 'devcloud')
    assert outputs['known'] == {'gpu': 'first', 'rack': '7', 'fast': 'true'}
    assert (made['gpu'], outputs['hypervisor'], outputs['service']) == ('first', 'devcloud', 'devcloud')
    assert (outputs['kind'], outputs['version']) == ('fake', made['hypervisor_version'])
    assert (outputs['vcpus'], outputs['memory'], outputs['disk']) == (
        made['vcpus'], made['memory_mb'], made['local_gb'])
    assert (outputs['reservable'], outputs['trust']) == (True, made['trust_id'])
    assert outputs['cpu']['topology']['cores'] == 1
    host.act('check')
    host.ends('CHECK_COMPLETE')
    # Blazar knows a host once, by the id that Nova has for it; the one before makes way.
    host.update('--existing', gpu='second')
    host.ends('UPDATE_COMPLETE')
    assert known()['gpu'] == 'second' and known()['trust_id'] != made['trust_id']
    assert known()['id'] == host.physical('host') == made['id']
    # Another host is none, and the first is there again.
    host.update('--existing', '--rollback', 'enabled', hypervisor='nowhere')
    host.ends('ROLLBACK_COMPLETE')
    assert (known()['id'], known()['gpu']) == (host.physical('host'), 'second')
    with pytest.raises(Refused, match='not authorized to use OS::Blazar::Host'):
        Stack(user, 'types-refused').create(TYPES / 'blazar_host.yaml')


def test_leases_of_hosts_and_of_places_on_them(user: User, host: Stack) -> None:
    stack = Stack(user, 'types-leases')

    def lease(name: str) -> dict[str, Any]:
        path = f'/leases/{stack.physical(name)}'
        return dict(user.api('reservation').get(path).json()['lease'])

    times = {'start': minutes(60), 'before_end': minutes(90), 'end': minutes(120), 'later': minutes(180),
             'event': minutes(200), 'latest': minutes(240)}
    stack.create(TYPES / 'blazar.yaml', hosts=2, **times)
    assert 'resources.hosts: Not enough hosts available' in stack.ends('CREATE_FAILED')['stack_status_reason']
    stack.update('--existing', hosts=1)
    stack.ends('UPDATE_COMPLETE')
    hosts, places, outputs = lease('hosts'), lease('places'), stack.outputs()
    assert (hosts['name'], hosts['status'], hosts['degraded']) == ('types-hosts', 'PENDING', False)
    assert (outputs['status'], outputs['degraded'], outputs['owner']) == (
        'PENDING', False, hosts['project_id'])
    assert hosts['start_date'].replace('T', ' ').startswith(times['start'])
    one, = hosts['reservations']
    assert (one['resource_type'], one['min'], one['max']) == ('physical:host', 1, 1)
    one, = places['reservations']
    assert (one['amount'], one['memory_mb'], one['affinity']) == (3, 128, True)
    assert outputs['reserved'][0]['id'] == one['id']
    assert {event['event_type'] for event in outputs['events']} >= {'start_lease', 'end_lease'}
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    stack.update('--existing', name='types-other')
    stack.ends('UPDATE_COMPLETE')
    assert (lease('places')['name'], lease('hosts')['id']) == ('types-other', hosts['id'])
    assert lease('places')['id'] != places['id']
    # The lease before has the host still while the next one is made.
    stack.update('--existing', start=minutes(70))
    assert 'Not enough hosts available' in stack.ends('UPDATE_FAILED')['stack_status_reason']
    assert lease('hosts')['id'] == hosts['id']
    stack.update('--existing', gpu='third', start=times['start'])
    assert 'Not enough hosts available' in stack.ends('UPDATE_FAILED')['stack_status_reason']
    stack.delete()
