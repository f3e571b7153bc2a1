"""Death of the engine at each call of types that are more than a row of their own in the network service.

The simulated cloud has a part of them; HEAT_TEST_CLOUD=env (see `ground`) tries the others as well.
"""

# ruff: noqa: F401, F811 - pytest passes fixtures by the names they are imported under
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from heat.model.op import Call
from heat.model.outcome import Done
from heat.model.resource import Row
from heat.model.status import Action
from heat.resources.base import Resource
from heat.resources.openstack import TYPES
from tests.functional.drive import Driver, each_call
from tests.functional.ground import (
    FLAVOR,
    FLOATING,
    INTERFACE,
    NET,
    PORT,
    REAL,
    ROUTER,
    SERVER,
    Ground,
    cloud,
    driver,
    ground,
    image,
)

Scene = Callable[[Ground], tuple[dict[str, Any], dict[str, Any]]]
"""The properties of a thing, and those that an update changes."""


def _gate(ground: Ground, **more: Any) -> tuple[str, str]:
    net, subnet = ground.net()
    router = str(ground.create(ROUTER, 'r', **more).physical_id)
    ground.create(INTERFACE, 'leg', router=router, subnet=subnet)
    return router, net


def _name(ground: Ground, kind: type[Resource], row: Row) -> str:
    """Names are looked up, which a deletion does not."""
    return str(ground.driver.read(kind, row, 'show')['show']['name'])


def _port(ground: Ground, net: str, name: str) -> Any:
    row = ground.create(PORT, name, network=net)
    return _name(ground, PORT, row), ground.driver.read(PORT, row, 'fixed_ips')['fixed_ips'][0]['ip_address']


def gateway(ground: Ground) -> tuple[dict[str, Any], dict[str, Any]]:
    return {'router_id': _gate(ground)[0], 'network': 'public'}, {}


def route(ground: Ground) -> tuple[dict[str, Any], dict[str, Any]]:
    return {'router_id': _gate(ground)[0], 'destination': '10.90.0.0/24', 'nexthop': '10.77.0.9'}, {}


def routes(ground: Ground) -> tuple[dict[str, Any], dict[str, Any]]:
    one, two, three = ({'destination': f'10.9{number}.0.0/24', 'nexthop': '10.77.0.9'}
                       for number in (1, 2, 3))
    return {'router': _gate(ground)[0], 'routes': [one, two]}, {'routes': [two, three]}


def old_address(ground: Ground) -> tuple[dict[str, Any], dict[str, Any]]:
    return {'pool': 'public'}, {}


def old_tie(ground: Ground) -> tuple[dict[str, Any], dict[str, Any]]:
    _router, net = _gate(ground, external_gateway_info={'network': 'public'})
    image = ground.driver.get('image', '/images', 'images')[0]['id']
    server = ground.create(SERVER, 'host', image=image, flavor=FLAVOR, networks=[{'network': net}])
    one, two = (ground.create(FLOATING, name, floating_network='public').physical_id for name in ('f', 'g'))
    return {'server_id': server.physical_id, 'floating_ip': one}, {'floating_ip': two}


def trunk(ground: Ground) -> tuple[dict[str, Any], dict[str, Any]]:
    net, _subnet = ground.net()
    parent, one, two, three = (_port(ground, net, name)[0] for name in 'abcd')

    def sub(port: str, number: int) -> dict[str, Any]:
        return {'port': port, 'segmentation_type': 'vlan', 'segmentation_id': number}
    return ({'port': parent, 'sub_ports': [sub(one, 1), sub(two, 2)]},
            {'sub_ports': [sub(two, 3), sub(three, 1)], 'name': 'other'})


def forward(ground: Ground) -> tuple[dict[str, Any], dict[str, Any]]:
    _router, net = _gate(ground, external_gateway_info={'network': 'public'})
    (one, address), (two, another) = _port(ground, net, 'p'), _port(ground, net, 'q')
    floating = ground.driver.read(FLOATING, ground.create(FLOATING, 'f', floating_network='public'), 'show')
    return ({'floating_ip': floating['show']['floating_ip_address'], 'external_port': 2022,
             'internal_port': one, 'protocol': 'tcp', 'internal_ip_address': address,
             'internal_port_number': 22},
            {'internal_port': two, 'internal_ip_address': another, 'external_port': 2023})


def sharing(ground: Ground) -> tuple[dict[str, Any], dict[str, Any]]:
    net = _name(ground, NET, ground.create(NET, 'net'))
    return ({'object_type': 'network', 'object_id': net, 'action': 'access_as_shared',
             'target_tenant': 'one'},
            {'target_tenant': 'two'})


def quality(ground: Ground) -> tuple[dict[str, Any], dict[str, Any]]:
    kind = TYPES['OS::Neutron::QoSPolicy']
    return {'policy': _name(ground, kind, ground.create(kind, 'q')), 'max_kbps': 100}, {'max_kbps': 200}


def counted(ground: Ground) -> tuple[dict[str, Any], dict[str, Any]]:
    label = ground.create(TYPES['OS::Neutron::MeteringLabel'], 'l')
    return {'metering_label_id': label.physical_id, 'remote_ip_prefix': '10.9.0.0/24'}, {}


def limits(ground: Ground) -> tuple[dict[str, Any], dict[str, Any]]:
    return {'project': 'demo', 'network': 77, 'port': 777}, {'network': 78, 'port': None}


def segment(ground: Ground) -> tuple[dict[str, Any], dict[str, Any]]:
    net = ground.create(NET, 'net')
    return ({'network': net.physical_id, 'network_type': 'vlan', 'physical_network': 'physnet1',
             'segmentation_id': 702}, {'name': 'other'})


def carried(ground: Ground) -> tuple[dict[str, Any], dict[str, Any]]:
    return ({'network_type': 'vlan', 'physical_network': 'physnet1', 'segmentation_id': '703', 'tags': ['a']},
            {'segmentation_id': '704', 'tags': ['b']})


def pool(ground: Ground) -> tuple[dict[str, Any], dict[str, Any]]:
    scope = ground.create(TYPES['OS::Neutron::AddressScope'], 'scope')
    return {'prefixes': ['10.70.0.0/16'], 'address_scope': scope.physical_id, 'tags': ['a']}, {
        'address_scope': None, 'tags': ['b'], 'default_quota': 5}


SCENES: dict[str, Scene] = {
    'OS::Neutron::RouterGateway': gateway, 'OS::Neutron::ExtraRoute': route,
    'OS::Neutron::ExtraRouteSet': routes, 'OS::Nova::FloatingIP': old_address,
    'OS::Nova::FloatingIPAssociation': old_tie}
if REAL:
    SCENES |= {
        'OS::Neutron::Trunk': trunk, 'OS::Neutron::FloatingIPPortForward': forward,
        'OS::Neutron::RBACPolicy': sharing, 'OS::Neutron::QoSBandwidthLimitRule': quality,
        'OS::Neutron::MeteringRule': counted, 'OS::Neutron::Quota': limits, 'OS::Neutron::Segment': segment,
        'OS::Neutron::ProviderNet': carried, 'OS::Neutron::SubnetPool': pool}
    MORE = ('trunks', 'rbac-policies', 'address-scopes', 'subnetpools', 'segments', 'quotas', 'qos/policies',
            'metering/metering-label-rules')


def state(ground: Ground) -> dict[str, Any]:
    """What is there, and how it is tied together."""
    get = ground.driver.get
    routers = get('network', '/routers', 'routers')
    found: dict[str, Any] = {key: sorted(ids) for key, ids in ground.inventory().items()}
    found['gateways'] = sorted(one['id'] for one in routers if one['external_gateway_info'])
    found['routes'] = sorted((one['id'], *sorted(way.items())) for one in routers for way in one['routes'])
    found['served'] = sorted((one['id'], one['port_id'], str(one.get('port_forwardings')))
                             for one in get('network', '/floatingips', 'floatingips') if one['port_id']
                             or one.get('port_forwardings'))
    if REAL:
        for kind in MORE:
            (listed,) = get('network', f'/{kind}').values()
            found[kind] = sorted(_without_times(one) for one in listed)
    return found


def _without_times(one: dict[str, Any]) -> str:
    """How often a thing was changed, and when, is not what is left of it."""
    return str(sorted(item for item in one.items() if item[0] not in ('revision_number', 'updated_at')))


def sizes(found: dict[str, Any]) -> dict[str, int]:
    return {kind: len(things) for kind, things in found.items()}


@pytest.mark.parametrize('made', [True, False], ids=['after', 'before'])
@pytest.mark.parametrize('name', SCENES)
def test_killed_at_each_call(driver: Driver, ground: Ground, name: str, made: bool) -> None:
    kind, (props, changes) = TYPES[name], SCENES[name](ground)
    standing = state(ground)
    reference = driver.create(kind, 'thing', **props)
    grown = sizes(state(ground))
    if changes:
        reference = driver.update(kind, reference, **{**props, **changes})
    changed = sizes(state(ground))
    driver.delete(kind, reference)
    assert state(ground) == standing
    for verb in (Action.CREATE, *([Action.UPDATE] if changes else []), Action.DELETE):
        for kill in each_call(made):
            row = driver.row(kind, 'thing', **props)
            if verb is not Action.CREATE:
                row = driver.done(kind, row, Action.CREATE)
            if verb is Action.UPDATE:
                row = driver.changed(kind, row, **{**props, **changes})
            row = driver.survived(kind, row, verb, kill)
            if verb is not Action.DELETE:
                assert sizes(state(ground)) == (grown if verb is Action.CREATE else changed), (verb, kill.at)
                assert isinstance(driver.run(kind, row, Action.CHECK)[0], Done)
                driver.delete(kind, row)
            assert state(ground) == standing, (verb, kill.at)
            driver.rows.pop(row.uuid, None)


@pytest.mark.parametrize('name', SCENES)
def test_deleted_after_a_creation_that_died(driver: Driver, ground: Ground, name: str) -> None:
    kind, (props, _changes) = TYPES[name], SCENES[name](ground)
    standing = state(ground)
    for kill in each_call(True):
        row = driver.row(kind, 'thing', **props)
        driver.given_up(kind, row, kill)
        assert state(ground) == standing, kill.at


def test_a_route_of_somebody_else_is_refused_and_stays(driver: Driver, ground: Ground) -> None:
    kind, (props, _changes) = TYPES['OS::Neutron::ExtraRouteSet'], routes(ground)
    theirs = driver.create(kind, 'theirs', **props)
    before = state(ground)
    outcome, row = driver.run(kind, driver.row(kind, 'ours', **props), Action.CREATE)
    assert 'already has a route to 10.91.0.0/24 by 10.77.0.9' in str(outcome)
    driver.delete(kind, row)
    assert state(ground) == before
    driver.delete(kind, theirs)


def test_a_check_tells_what_is_missing(driver: Driver, ground: Ground) -> None:
    kind, (props, _changes) = TYPES['OS::Neutron::ExtraRouteSet'], routes(ground)
    row = driver.create(kind, 'ours', **props)
    driver.performer.perform_now(driver.credential, Call(
        'network', 'PUT', f'/routers/{props["router"]}', {'router': {'routes': props['routes'][1:]}}))
    outcome, row = driver.run(kind, row, Action.CHECK)
    assert f'Router {props["router"]} does not have what ours gave it.' in str(outcome)
    driver.delete(kind, row)
