"""What changes of a server's interfaces in place: the options of their ports, and floating addresses."""

# ruff: noqa: F401, F811 - pytest passes fixtures by the names they are imported under
from __future__ import annotations

from typing import Any

import pytest

from heat.model.outcome import Done
from heat.model.resource import Row
from heat.model.status import Action
from tests.functional.drive import Died, Driver, Kill
from tests.functional.ground import (
    FLAVOR,
    FLOATING,
    GROUP,
    INTERFACE,
    ROUTER,
    SERVER,
    Ground,
    cloud,
    driver,
    ground,
    image,
)

PAIR = {'ip_address': '10.77.0.200'}
OPEN = {'port_security_enabled': False}


def ports_of(driver: Driver, server: Row) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = driver.get('network', '/ports', 'ports', device_id=server.physical_id)
    return found


def wanted(image: str, *nics: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {'image': image, 'flavor': FLAVOR, 'networks': list(nics), **more}


def floating(ground: Ground, subnet: str) -> str:
    router = ground.create(ROUTER, 'r', external_gateway_info={'network': 'public'})
    ground.create(INTERFACE, 'leg', router=router.physical_id, subnet=subnet)
    return str(ground.create(FLOATING, 'f', floating_network='public').physical_id)


def test_a_change_of_port_options_alone_keeps_the_port(driver: Driver, ground: Ground, image: str) -> None:
    _, subnet = ground.net()
    nic = {'subnet': subnet, 'port_extra_properties': {'allowed_address_pairs': [PAIR]}}
    server = ground.create(SERVER, 'srv', **wanted(image, nic))
    [before] = ports_of(driver, server)
    nic = {**nic, 'port_extra_properties': {
        'admin_state_up': False, 'binding:vnic_type': 'macvtap', 'value_specs': {'description': 'mine'}}}
    server = ground.update(SERVER, server, **wanted(image, nic))
    [port] = ports_of(driver, server)
    assert (port['id'], port['fixed_ips']) == (before['id'], before['fixed_ips'])
    assert (port['admin_state_up'], port['description'], port['allowed_address_pairs']) == (False, 'mine', [])
    assert port['binding:vnic_type'] == 'macvtap'
    server = ground.update(SERVER, server, **wanted(image, {'subnet': subnet}))
    [port] = ports_of(driver, server)
    assert (port['id'], port['admin_state_up'], port['binding:vnic_type']) == (before['id'], True, 'normal')


def test_port_security_goes_and_comes_with_its_groups(driver: Driver, ground: Ground, image: str) -> None:
    _, subnet = ground.net()
    group = ground.create(GROUP, 'g').physical_id
    pairs = {'subnet': subnet, 'port_extra_properties': {'allowed_address_pairs': [PAIR]}}
    server = ground.create(SERVER, 'srv', **wanted(image, pairs, security_groups=[group]))
    [before] = ports_of(driver, server)
    opened = {'subnet': subnet, 'port_extra_properties': OPEN}
    server = ground.update(SERVER, server, **wanted(image, opened, security_groups=[group]))
    [port] = ports_of(driver, server)
    assert (port['id'], port['security_groups'], port['allowed_address_pairs']) == (before['id'], [], [])
    server = ground.update(SERVER, server, **wanted(image, pairs, security_groups=[group]))
    [port] = ports_of(driver, server)
    assert (port['id'], port['security_groups'], port['port_security_enabled']) == (
        before['id'], [group], True)


def test_the_port_that_compute_made_is_kept_too(driver: Driver, ground: Ground, image: str) -> None:
    net, subnet = ground.net()
    address = floating(ground, subnet)
    plain = {'network': net}
    server = ground.create(SERVER, 'srv', **wanted(image, plain, plain))
    before = {port['id'] for port in ports_of(driver, server)}
    reached = {**plain, 'floating_ip': address, 'port_extra_properties': {'admin_state_up': False}}
    server = ground.update(SERVER, server, **wanted(image, reached, plain))
    ports = ports_of(driver, server)
    assert {port['id'] for port in ports} == before
    [changed] = [port['id'] for port in ports if not port['admin_state_up']]
    assert driver.get('network', f'/floatingips/{address}', 'floatingip')['port_id'] == changed
    # The one that is described without an address goes, not the one that has it.
    server = ground.update(SERVER, server, **wanted(image, reached))
    assert [port['id'] for port in ports_of(driver, server)] == [changed]


def test_a_floating_address_alone_comes_goes_and_moves(driver: Driver, ground: Ground, image: str) -> None:
    net, subnet = ground.net()
    address = floating(ground, subnet)
    server = ground.create(SERVER, 'srv', **wanted(image, {'network': net}))
    [before] = ports_of(driver, server)

    def holder() -> Any:
        return driver.get('network', f'/floatingips/{address}', 'floatingip')['port_id']
    server = ground.update(SERVER, server, **wanted(image, {'network': net, 'floating_ip': address}))
    assert holder() == before['id']
    server = ground.update(SERVER, server, **wanted(image, {'network': net}))
    assert not holder()
    assert [port['id'] for port in ports_of(driver, server)] == [before['id']]


@pytest.mark.parametrize(
    ('before', 'after'),
    [
        ({}, {'mac_address': 'fa:16:3e:00:00:01'}),
        ({'no_fixed_ips': True}, {}),
    ],
    ids=['mac', 'addresses'],
)
def test_what_a_port_in_use_does_not_take_makes_a_new_one(
    driver: Driver, ground: Ground, image: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    net, _ = ground.net()
    server = ground.create(SERVER, 'srv', **wanted(image, {'network': net, 'port_extra_properties': before}))
    [old] = ports_of(driver, server)
    server = ground.update(
        SERVER, server, **wanted(image, {'network': net, 'port_extra_properties': after or None}))
    [new] = ports_of(driver, server)
    assert old['id'] != new['id']
    assert new['mac_address'] == after.get('mac_address', new['mac_address'])
    assert new['fixed_ips']


def test_addresses_go_in_place(driver: Driver, ground: Ground, image: str) -> None:
    net, _ = ground.net()
    server = ground.create(SERVER, 'srv', **wanted(image, {'network': net}))
    [before] = ports_of(driver, server)
    bare = {'network': net, 'port_extra_properties': {'no_fixed_ips': True}}
    server = ground.update(SERVER, server, **wanted(image, bare))
    [port] = ports_of(driver, server)
    assert (port['id'], port['fixed_ips']) == (before['id'], [])


@pytest.mark.parametrize('made', [True, False], ids=['after', 'before'])
def test_killed_at_each_call_of_a_change(driver: Driver, ground: Ground, image: str, made: bool) -> None:
    net, subnet = ground.net()
    address = floating(ground, subnet)
    old = wanted(image, {'network': net}, {'subnet': subnet, 'port_extra_properties': {
        'allowed_address_pairs': [PAIR]}})
    new = wanted(image, {'network': net, 'floating_ip': address},
                 {'subnet': subnet, 'port_extra_properties': OPEN})
    standing, at = ground.inventory(), 0
    while True:
        at += 1
        row = driver.create(SERVER, 'thing', **old)
        ports = {port['id'] for port in ports_of(driver, row)}
        driver.kill = kill = Kill(at, made)
        try:
            outcome, row = driver.run(SERVER, driver.changed(SERVER, row, **new), Action.UPDATE)
        except Died as died:
            outcome, row = driver.resume(SERVER, died.row, Action.UPDATE)
        driver.kill = None
        assert isinstance(outcome, Done), (at, outcome)
        there = ports_of(driver, row)
        assert {port['id'] for port in there} == ports, at
        assert sorted(port['port_security_enabled'] for port in there) == [False, True], at
        holder = driver.get('network', f'/floatingips/{address}', 'floatingip')['port_id']
        assert [port['port_security_enabled'] for port in there if port['id'] == holder] == [True], at
        driver.delete(SERVER, row)
        assert ground.inventory() == standing, at
        if kill.seen < at:
            break
    assert at > 2
