"""Links between things, untied outside: a check finds it, an update that looks first ties them again."""

from __future__ import annotations

from typing import Any

import pytest

from heat.clouds.performer import Answer
from heat.model.op import Call
from tests.sim.crashes import every_crash
from tests.sim.test_drift import check, shown, statuses
from tests.sim.test_lifecycle import hot
from tests.sim.world import World


def get(name: str) -> dict[str, str]:
    return {'get_resource': name}


def kind(name: str, **props: Any) -> dict[str, Any]:
    return {'type': name, 'properties': props}


def place() -> dict[str, Any]:
    """A network with a way out, a server in it, an address and a volume."""
    return {
        'net': kind('OS::Neutron::Net'),
        'subnet': kind('OS::Neutron::Subnet', network=get('net'), cidr='10.9.0.0/24'),
        'router': kind('OS::Neutron::Router', external_gateway_info={'network': 'public'}),
        'port': {**kind('OS::Neutron::Port', network=get('net')), 'depends_on': 'subnet'},
        'server': kind('OS::Nova::Server', image='cirros', flavor='m1.tiny',
                       networks=[{'port': get('port')}]),
        'volume': kind('OS::Cinder::Volume', size=1)}


def native() -> dict[str, Any]:
    return hot(
        **place(),
        address={**kind('OS::Neutron::FloatingIP', floating_network='public'), 'depends_on': 'leg'},
        leg=kind('OS::Neutron::RouterInterface', router=get('router'), subnet=get('subnet')),
        tie=kind('OS::Neutron::FloatingIPAssociation', floatingip_id=get('address'), port_id=get('port')),
        mount=kind('OS::Cinder::VolumeAttachment', instance_uuid=get('server'), volume_id=get('volume')))


def of_aws() -> dict[str, Any]:
    return hot(
        **place(), address={**kind('AWS::EC2::EIP'), 'depends_on': 'leg'},
        leg=kind('AWS::EC2::SubnetRouteTableAssociation', RouteTableId=get('router'), SubnetId=get('subnet')),
        tie=kind('AWS::EC2::EIPAssociation', InstanceId=get('server'), EIP=get('address')),
        mount=kind('AWS::EC2::VolumeAttachment', InstanceId=get('server'), VolumeId=get('volume'),
                   Device='/dev/vdc'))


def said(world: World, call: Call) -> None:
    assert isinstance(world.cloud_answer(call), Answer)
    world.clock.advance(30)


def untie(world: World, me: dict[str, Any], *links: str) -> None:
    """What somebody does in the cloud who does not know of the stack."""
    ids = {name: row.physical_id for name, row in world.rows(me).items()}
    calls = {
        'tie': lambda: Call('network', 'PUT', f'/floatingips/{ids["address"]}',
                            {'floatingip': {'port_id': None}}),
        'leg': lambda: Call('network', 'PUT', f'/routers/{ids["router"]}/remove_router_interface',
                            {'subnet_id': ids['subnet']}),
        'mount': lambda: Call('compute', 'DELETE',
                              f'/servers/{ids["server"]}/os-volume_attachments/{ids["volume"]}')}
    for link in links:
        said(world, calls[link]())


def tied(world: World) -> tuple[int, int, int]:
    """Addresses that serve a port, legs of routers, volumes that are attached."""
    said(world, Call('compute', 'GET', '/servers'))
    tables = world.cloud.inventory
    return (len([one for one in tables.floatingips.all() if one['port_id']]),
            len([one for one in tables.ports.all() if one['device_owner'] == 'network:router_interface']),
            len(tables.attachments.all()))


def made(world: World, template: dict[str, Any]) -> dict[str, Any]:
    me = world.create('s', template)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE', world.stack(me).reason
    return me


def converged(world: World, me: dict[str, Any], template: dict[str, Any]) -> None:
    world.update(me, template, args={'converge': True})
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE', world.stack(me).reason


@pytest.mark.parametrize('template, tie', [(native(), 'port_id'), (of_aws(), 'InstanceId')],
                         ids=['native', 'aws'])
def test_links_are_found_untied(world: World, template: Any, tie: str) -> None:
    me = made(world, template)
    check(world, me)
    assert set(statuses(world, me).values()) == {'IN_SYNC'}
    untie(world, me, 'tie', 'mount')
    check(world, me)
    # What is built on a failed thing is not looked at, so this one comes last.
    found = shown(world, me)
    untie(world, me, 'leg')
    check(world, me)
    found['leg'] = shown(world, me)['leg']
    assert {name: (found[name]['status'], [one['property'] for one in found[name]['differences']])
            for name in ('leg', 'tie', 'mount')} == {
                'leg': ('DELETED', []), 'tie': ('MODIFIED', [tie]), 'mount': ('DELETED', [])}
    converged(world, me, template)
    assert tied(world) == (1, 1, 1) and set(world.states(me)) == set(template['resources'])


@pytest.mark.parametrize('template', [native(), of_aws()], ids=['native', 'aws'])
def test_an_update_that_looks_leaves_alone_what_is_as_asked_for(world: World, template: Any) -> None:
    me = made(world, template)
    converged(world, me, template)
    # Not even a port that a server has come to, which nobody has asked for in so many words.
    assert world.stack(me).reason.endswith('nothing had to be changed') and tied(world) == (1, 1, 1)


@pytest.mark.parametrize('template', [native(), of_aws()], ids=['native', 'aws'])
def test_an_update_that_looks_ties_them_again(world: World, template: Any) -> None:
    me = made(world, template)
    untie(world, me, 'tie', 'leg', 'mount')
    assert tied(world) == (0, 0, 0)
    converged(world, me, template)
    assert tied(world) == (1, 1, 1)
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and tied(world) == (0, 0, 0)


def test_an_ordinary_update_makes_links_anew_that_a_check_found_gone(world: World) -> None:
    me = made(world, native())
    untie(world, me, 'tie', 'leg', 'mount')
    check(world, me)
    assert {name for name, state in world.states(me).items() if state == 'CHECK_FAILED'} == {'leg', 'mount'}
    world.update(me, native())
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE', world.stack(me).reason
    # What goes with the old rows is nothing that the new ones stand for.
    assert tied(world)[1:] == (1, 1)


def test_an_address_that_serves_another_port_by_now_comes_back(world: World) -> None:
    template = native()
    template['resources']['other'] = {**kind('OS::Neutron::Port', network=get('net')), 'depends_on': 'subnet'}
    me = made(world, template)
    rows = world.rows(me)
    said(world, Call('network', 'PUT', f'/floatingips/{rows["tie"].physical_id}',
                     {'floatingip': {'port_id': rows['other'].physical_id}}))
    check(world, me)
    assert shown(world, me)['tie']['differences'] == [
        {'property': 'port_id', 'expected': rows['port'].physical_id, 'actual': rows['other'].physical_id,
         'kind': 'NOT_EQUAL'}]
    world.update(me, template, args={'converge': True})
    world.run()
    assert [one['port_id'] for one in world.cloud.inventory.floatingips.all()] == [rows['port'].physical_id]


def test_every_crash_of_making_a_leg_anew(conf: Any) -> None:
    template = native()
    few = {**template, 'resources': {name: template['resources'][name]
                                     for name in ('net', 'subnet', 'router', 'leg')}}

    def life(world: World) -> Any:
        me = made(world, few)
        untie(world, me, 'leg')
        converged(world, me, few)
        return tied(world), len(world.all_rows(me)), world.leases_held()

    assert every_crash(conf, life) == ((0, 1, 0), 4, 0)
