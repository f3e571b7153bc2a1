"""Death of the engine at each call of the EC2 and IAM types: the cloud must hold what it would have held."""

# ruff: noqa: F401, F811 - pytest passes fixtures by the names they are imported under
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from heat.model.status import Action
from heat.resources.base import Resource
from heat.simcloud.server import SimCloud
from tests.functional.drive import Driver, each_call
from tests.functional.ground import BIGGER, FLAVOR, REAL, Ground, cloud, driver, ground
from tests.functional.test_resources_aws_lives import (
    ATTACHMENT,
    EIP,
    EIP_TIE,
    GROUP,
    INSTANCE,
    KEY,
    NIC,
    ROUTE,
    SUBNET,
    TABLE,
    TABLE_TIE,
    USER,
    VOLUME,
    VOLUME_TIE,
    VPC,
    outside,
    served,
    vpc_of,
)

Scene = tuple[type[Resource], Callable[[Ground], dict[str, Any]]]


def instance(ground: Ground) -> dict[str, Any]:
    image = ground.driver.get('image', '/images', 'images')[0]['id']
    return {'ImageId': image, 'InstanceType': FLAVOR, 'SubnetId': vpc_of(ground)[2]}


def with_volume(ground: Ground) -> dict[str, Any]:
    volume = ground.create(VOLUME, 'vol', Size=1, AvailabilityZone='nova')
    return {**instance(ground), 'Volumes': [{'VolumeId': volume.physical_id, 'Device': '/dev/vdc'}]}


def volume_tie(ground: Ground) -> dict[str, Any]:
    volume = ground.create(VOLUME, 'vol', Size=1, AvailabilityZone='nova')
    host = ground.create(INSTANCE, 'host', **instance(ground))
    return {'VolumeId': volume.physical_id, 'InstanceId': host.physical_id, 'Device': '/dev/vdc'}


def table(ground: Ground) -> dict[str, Any]:
    vpc = vpc_of(ground)[0]
    ground.create(ATTACHMENT, 'gate', VpcId=vpc, InternetGatewayId='gateway')
    return {'VpcId': vpc}


def table_tie(ground: Ground) -> dict[str, Any]:
    vpc, _, subnet = vpc_of(ground)
    return {'RouteTableId': ground.create(TABLE, 'table', VpcId=vpc).physical_id, 'SubnetId': subnet}


def route(ground: Ground) -> dict[str, Any]:
    tie = table_tie(ground)
    ground.create(TABLE_TIE, 'tie', **tie)
    nic = ground.create(NIC, 'nic', SubnetId=tie['SubnetId'])
    return {'RouteTableId': tie['RouteTableId'], 'DestinationCidrBlock': '172.16.0.0/12',
            'NetworkInterfaceId': nic.physical_id}


def gate(ground: Ground) -> dict[str, Any]:
    vpc = vpc_of(ground)[0]
    for name in ('one', 'two'):
        ground.create(TABLE, name, VpcId=vpc)
    return {'VpcId': vpc, 'InternetGatewayId': 'gateway'}


def host(ground: Ground) -> dict[str, Any]:
    image = ground.driver.get('image', '/images', 'images')[0]['id']
    made = ground.create(INSTANCE, 'host', ImageId=image, InstanceType=FLAVOR, SubnetId=outside(ground))
    return {'InstanceId': made.physical_id}


def address_tie(ground: Ground) -> dict[str, Any]:
    target = host(ground)
    return {**target, 'EIP': EIP.reference(ground.create(EIP, 'address'))}


SCENES: dict[str, Scene] = {
    'vpc': (VPC, lambda ground: {'CidrBlock': '10.0.0.0/8', 'Tags': [{'Key': 'a', 'Value': 'b'}]}),
    'subnet': (
        SUBNET,
        lambda ground: {'VpcId': ground.create(VPC, 'v').physical_id, 'CidrBlock': '10.91.0.0/24'},
    ),
    'nic': (NIC, lambda ground: {'SubnetId': vpc_of(ground)[2]}),
    'table': (TABLE, table),
    'table_tie': (TABLE_TIE, table_tie),
    'route': (ROUTE, route),
    'gate': (ATTACHMENT, gate),
    'eip': (EIP, host),
    'eip_tie': (EIP_TIE, address_tie),
    'group': (
        GROUP,
        lambda ground: {'GroupDescription': 'd', 'SecurityGroupIngress': [{'IpProtocol': 'tcp'}]},
    ),
    'volume': (VOLUME, lambda ground: {'Size': 1, 'AvailabilityZone': 'nova'}),
    'volume_tie': (VOLUME_TIE, volume_tie),
    'instance': (INSTANCE, instance),
    'with_volume': (INSTANCE, with_volume),
}


def state(ground: Ground) -> dict[str, Any]:
    """What is there, with what ties things together; ids that change from run to run counted only."""
    get = ground.driver.get
    ports = get('network', '/ports', 'ports')
    routers = get('network', '/routers', 'routers')
    return {
        **{key: len(ids) for key, ids in ground.inventory().items()},
        'legs': len([one for one in ports if one['device_owner'] == 'network:router_interface']),
        'gateways': len([one for one in routers if one['external_gateway_info']]),
        'routes': sum(len(one['routes']) for one in routers),
        'served': len([one for one in get('network', '/floatingips', 'floatingips') if one['port_id']]),
        'tags': sorted(tag for one in get('network', '/networks', 'networks') for tag in one['tags']),
        'attached': len(
            [one for one in get('volumev3', '/volumes/detail', 'volumes') if one['status'] == 'in-use']
        ),
    }


def kept(ground: Ground) -> dict[str, set[str]]:
    """Which things are there; the legs of routers are others each time."""
    return {key: ids for key, ids in ground.inventory().items() if key != 'ports'}


@pytest.mark.parametrize('made', [True, False], ids=['after', 'before'])
@pytest.mark.parametrize('name', SCENES)
def test_killed_at_each_call(driver: Driver, ground: Ground, name: str, made: bool) -> None:
    kind, scene = SCENES[name]
    props = scene(ground)
    standing, things = state(ground), kept(ground)
    reference = driver.create(kind, 'thing', **props)
    grown = state(ground)
    driver.delete(kind, reference)
    assert state(ground) == standing and kept(ground) == things
    for verb in (Action.CREATE, Action.DELETE):
        for kill in each_call(made):
            row = driver.row(kind, 'thing', **props)
            if verb is Action.DELETE:
                row = driver.done(kind, row, Action.CREATE)
            row = driver.survived(kind, row, verb, kill)
            if verb is Action.CREATE:
                assert state(ground) == grown, (verb, kill.at)
                driver.delete(kind, row)
            assert state(ground) == standing and kept(ground) == things, (verb, kill.at)
            driver.rows.pop(row.uuid, None)


@pytest.mark.parametrize('name', SCENES)
def test_deleted_after_a_creation_that_died(driver: Driver, ground: Ground, name: str) -> None:
    kind, scene = SCENES[name]
    props = scene(ground)
    standing, things = state(ground), kept(ground)
    for kill in each_call(True):
        row = driver.row(kind, 'thing', **props)
        driver.given_up(kind, row, kill)
        assert state(ground) == standing and kept(ground) == things, kill.at


@pytest.mark.parametrize('made', [True, False], ids=['after', 'before'])
@pytest.mark.parametrize('name', ['group', 'instance', 'eip', 'eip_tie'])
def test_killed_at_each_call_of_an_update(driver: Driver, ground: Ground, name: str, made: bool) -> None:
    kind, scene = SCENES[name]
    props = scene(ground)
    changes: dict[str, Any] = {'GroupDescription': 'd', 'SecurityGroupEgress': [{'IpProtocol': 'udp'}]}
    if name == 'instance':
        changes = {'InstanceType': BIGGER, 'Tags': [{'Key': 'k', 'Value': 'v'}]}
    elif name == 'eip':
        changes = {'InstanceId': None}
    elif name == 'eip_tie':
        changes = {'EIP': EIP.reference(ground.create(EIP, 'spare'))}
    new = {**props, **changes}
    for kill in each_call(made):
        row = driver.create(kind, 'thing', **props)
        grown = state(ground)
        row = driver.survived(kind, driver.changed(kind, row, **new), Action.UPDATE, kill)
        assert state(ground) == {**grown, 'served': grown['served'] - (name == 'eip')}, kill.at
        if name == 'instance':
            shown = driver.read(kind, row, 'show')['show']
            assert shown['flavor']['original_name'] == BIGGER and shown['metadata'] == {'k': 'v'}, kill.at
        if name == 'eip_tie':
            assert served(driver, row.physical_id) == props['InstanceId'], kill.at
        driver.delete(kind, row)


@pytest.mark.skipif(REAL, reason='the users are looked for in the simulated cloud')
@pytest.mark.parametrize('made', [True, False], ids=['after', 'before'])
def test_users_and_keys_are_made_once(driver: Driver, ground: Ground, cloud: SimCloud, made: bool) -> None:
    def there() -> tuple[int, int]:
        return len(cloud.inventory.users.all()), len(cloud.inventory.credentials.all())

    user = driver.create(USER, 'maker')
    standing = there()
    for kind, props, more in ((USER, {}, (1, 0)), (KEY, {'UserName': USER.reference(user)}, (0, 1))):
        for verb in (Action.CREATE, Action.DELETE):
            for kill in each_call(made):
                row = driver.row(kind, 'thing', **props)
                if verb is Action.DELETE:
                    row = driver.done(kind, row, Action.CREATE)
                row = driver.survived(kind, row, verb, kill)
                if verb is Action.CREATE:
                    assert there() == (standing[0] + more[0], standing[1] + more[1])
                    driver.delete(kind, row)
                assert there() == standing, (kind.type, verb, kill.at)
    driver.delete(USER, user)
