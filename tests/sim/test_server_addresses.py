"""Servers whose addresses the template says, replaced: the next one has the same, or it comes back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.crashes import every_crash
from tests.sim.world import World


def template(by: str = 'subnet', user_data: str = 'one') -> dict[str, Any]:
    """``by`` subnet Heat makes the port, by network compute does."""
    return {'heat_template_version': '2021-04-16', 'resources': {
        'net': {'type': 'OS::Neutron::Net'},
        'subnet': {'type': 'OS::Neutron::Subnet',
                   'properties': {'network': {'get_resource': 'net'}, 'cidr': '10.9.0.0/24'}},
        'front': {'type': 'OS::Nova::Server', 'depends_on': 'subnet', 'properties': {
            'image': 'cirros', 'flavor': 'm1.tiny', 'user_data_format': 'RAW', 'user_data': user_data,
            'networks': [{by: {'get_resource': by if by == 'subnet' else 'net'}, 'fixed_ip': '10.9.0.77'}]}}}}


def addresses(world: World) -> list[tuple[str, list[str]]]:
    """(the server's id, its addresses) of each port."""
    return sorted((port['device_id'], [one['ip_address'] for one in port['fixed_ips']])
                  for port in world.cloud.inventory.ports.all() if port['device_owner'].startswith('compute'))


@pytest.mark.parametrize('by', ['subnet', 'network'])
def test_a_replaced_server_hands_its_address_on(world, by):
    me = world.create('s', template(by), disable_rollback=False)
    world.run()
    first = world.rows(me)['front'].physical_id
    assert addresses(world) == [(first, ['10.9.0.77'])]
    world.update(me, template(by, 'two'))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE', world.stack(me).reason
    second = world.rows(me)['front'].physical_id
    assert second != first and addresses(world) == [(second, ['10.9.0.77'])]


@pytest.mark.parametrize('by', ['subnet', 'network'])
def test_a_replaced_server_has_its_address_again_when_its_successor_breaks(world, by):
    me = world.create('s', template(by), disable_rollback=False)
    world.run()
    first = world.rows(me)['front'].physical_id
    world.cloud.faults.add(service='compute', method='POST', path='/servers', kind='error_state', count=1)
    world.update(me, template(by, 'two'))
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE', world.stack(me).reason
    assert world.rows(me)['front'].physical_id == first
    assert addresses(world) == [(first, ['10.9.0.77'])]


def test_every_crash_while_an_address_goes_and_comes_back_ends_where_no_crash_ends(conf):
    def life(world: World) -> Any:
        world.project_id  # noqa: B018 - the project's default group is made at first sight
        world.cloud.faults.add(service='compute', method='POST', path='/servers', kind='error_state',
                               count=1, skip=1)
        me = world.create('s', template())
        world.run()
        first = world.rows(me)['front'].physical_id
        world.update(me, template(user_data='two'), disable_rollback=False)
        world.run()
        return world.state(me), world.rows(me)['front'].physical_id == first, [
            one for _server, one in addresses(world)]

    assert every_crash(conf, life) == ('ROLLBACK_COMPLETE', True, [['10.9.0.77']])
