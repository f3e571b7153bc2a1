"""Ports of machines on a real Ironic, whose machines are imagined."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.daemons import User
from tests.cloud.stack import Stack

TEMPLATE = Path(__file__).parent / 'types' / 'ironic.yaml'
VERSION = {'X-OpenStack-Ironic-API-Version': '1.78'}

pytestmark = [pytest.mark.groups('ironic'), pytest.mark.usefixtures('leaves_nothing')]


class Machines:
    """Ironic as its administrator sees it."""

    def __init__(self, user: User) -> None:
        self._api = user.api('baremetal')

    def make(self, name: str) -> str:
        made = self._api.post('/v1/nodes', json={'driver': 'fake-hardware', 'name': name}, headers=VERSION)
        return str(made.json()['uuid'])

    def remove(self, node: str) -> None:
        self._api.delete(f'/v1/nodes/{node}', headers=VERSION)

    def port(self, uuid: str) -> dict[str, Any]:
        found: dict[str, Any] = self._api.get(f'/v1/ports/{uuid}', headers=VERSION).json()
        return found


@pytest.fixture
def machines(administrator: User) -> Machines:
    return Machines(administrator)


@pytest.fixture
def node(machines: Machines) -> Iterator[str]:
    """The uuid of a machine called types-node."""
    made = machines.make('types-node')
    yield made
    machines.remove(made)


def test_a_port_of_a_machine(administrator: User, machines: Machines, node: str) -> None:
    stack = Stack(administrator, 'types-ironic')
    stack.create(TEMPLATE, node='types-node')
    stack.ends('CREATE_COMPLETE')
    port = machines.port(stack.physical('port'))
    assert (port['node_uuid'], port['address']) == (node, '52:54:00:00:00:07')
    assert (port['pxe_enabled'], port['extra']) == (False, {'label': 'first'})
    assert port['local_link_connection']['port_id'] == 'Ethernet3/1'
    assert stack.outputs() == {'node': node, 'address': '52:54:00:00:00:07'}
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    stack.update('--existing', label='second', address='52:54:00:00:00:08', network='physnet2')
    stack.ends('UPDATE_COMPLETE')
    after = machines.port(port['uuid'])
    assert (after['extra'], after['address']) == ({'label': 'second'}, '52:54:00:00:00:08')
    assert after['physical_network'] == 'physnet2' and stack.physical('port') == port['uuid']
    stack.delete()


def test_an_address_that_is_taken_is_told_in_the_services_words(administrator: User, node: str) -> None:
    first, second = Stack(administrator, 'types-ironic'), Stack(administrator, 'types-ironic-2')
    first.create(TEMPLATE, node=node)
    first.ends('CREATE_COMPLETE')
    second.create(TEMPLATE, node=node)
    assert 'A port with MAC address 52:54:00:00:00:07 already exists' in second.ends(
        'CREATE_FAILED')['stack_status_reason']
    second.delete()
    first.delete()
