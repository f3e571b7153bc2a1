"""The EC2 and IAM types against a cloud: made, read, changed, taken away."""

# ruff: noqa: F401, F811 - pytest passes fixtures by the names they are imported under
from __future__ import annotations

import base64
import email
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from heat.model.op import Call
from heat.model.outcome import Failed
from heat.model.status import Action
from heat.resources.aws import TYPES
from heat.resources.aws.routing import table_of
from heat.simcloud.server import SimCloud
from tests.functional.drive import Driver
from tests.functional.ground import (
    BIGGER,
    FLAVOR,
    REAL,
    Ground,
    cloud,
    driver,
    ground,
    image,
    rules_of,
)

INSTANCE, EIP, EIP_TIE = (TYPES[f'AWS::EC2::{name}'] for name in ('Instance', 'EIP', 'EIPAssociation'))
VPC, SUBNET, NIC = (TYPES[f'AWS::EC2::{name}'] for name in ('VPC', 'Subnet', 'NetworkInterface'))
TABLE, TABLE_TIE = TYPES['AWS::EC2::RouteTable'], TYPES['AWS::EC2::SubnetRouteTableAssociation']
ATTACHMENT, GROUP = TYPES['AWS::EC2::VPCGatewayAttachment'], TYPES['AWS::EC2::SecurityGroup']
ROUTE = TYPES['AWS::EC2::Route']
VOLUME, VOLUME_TIE = TYPES['AWS::EC2::Volume'], TYPES['AWS::EC2::VolumeAttachment']
USER, KEY = TYPES['AWS::IAM::User'], TYPES['AWS::IAM::AccessKey']


def routers_of(driver: Driver, subnet: str) -> set[str]:
    """Routers with a leg in the subnet."""
    ports = driver.get('network', '/ports', 'ports', fixed_ips=f'subnet_id={subnet}')
    return {one['device_id'] for one in ports if one['device_owner'] == 'network:router_interface'}


def vpc_of(ground: Ground) -> tuple[str, str, str]:
    """The ids of a VPC, its main router and a subnet of it."""
    vpc = ground.create(VPC, 'vpc', CidrBlock='10.90.0.0/16')
    subnet = ground.create(SUBNET, 'sub', VpcId=vpc.physical_id, CidrBlock='10.90.1.0/24')
    (main,) = routers_of(ground.driver, str(subnet.physical_id))
    return str(vpc.physical_id), main, str(subnet.physical_id)


def test_a_vpc_joins_its_subnets(driver: Driver, ground: Ground) -> None:
    vpc = ground.create(
        VPC,
        'vpc',
        CidrBlock='10.90.0.0/16',
        Tags=[{'Key': 'Name', 'Value': 'shop'}, {'Key': 'b', 'Value': '1'}],
    )
    shown = driver.read(VPC, vpc, 'show')['show']
    assert shown['description'] == 'VPC 10.90.0.0/16' and sorted(shown['tags']) == ['Name=shop', 'b=1']
    (main,) = driver.get('network', '/routers', 'routers', name=shown['name'])
    subnet = ground.create(
        SUBNET, 'sub', VpcId=vpc.physical_id, CidrBlock='10.90.1.0/24', AvailabilityZone='nova'
    )
    seen = driver.read(SUBNET, subnet, 'AvailabilityZone', 'show')
    assert seen['AvailabilityZone'] == 'nova' and seen['show']['cidr'] == '10.90.1.0/24'
    assert routers_of(driver, str(subnet.physical_id)) == {main['id']}
    assert driver.decide(VPC, vpc, CidrBlock='10.91.0.0/16').verdict.value == 'replace'
    driver.done(SUBNET, subnet, Action.CHECK)


def test_a_network_interface(driver: Driver, ground: Ground) -> None:
    _, _, subnet = vpc_of(ground)
    group = ground.create(GROUP, 'group', GroupDescription='d')
    base: dict[str, Any] = {'SubnetId': subnet, 'Description': 'front'}
    nic = ground.create(NIC, 'nic', **base, PrivateIpAddress='10.90.1.77', GroupSet=[group.physical_id])
    seen = driver.read(NIC, nic, 'PrivateIpAddress', 'show')
    assert seen['PrivateIpAddress'] == '10.90.1.77' and seen['show']['description'] == 'front'
    assert seen['show']['security_groups'] == [group.physical_id]
    nic = ground.update(NIC, nic, **base, PrivateIpAddress='10.90.1.77')
    (default,) = driver.read(NIC, nic, 'show')['show']['security_groups']
    assert default != group.physical_id
    assert driver.decide(NIC, nic, **base).verdict.value == 'replace'


def test_route_tables_take_the_place_of_the_main_router(driver: Driver, ground: Ground) -> None:
    vpc, main, subnet = vpc_of(ground)
    one, two = (ground.create(TABLE, name, VpcId=vpc) for name in ('one', 'two'))
    shown = driver.read(TABLE, one, 'show')['show']
    assert shown['description'] == table_of(vpc) and not shown['external_gateway_info']
    tie = ground.create(TABLE_TIE, 'tie', RouteTableId=one.physical_id, SubnetId=subnet)
    assert tie.physical_id == f'{one.physical_id}:subnet_id={subnet}'
    assert routers_of(driver, subnet) == {one.physical_id}
    # Another table is another association, which is there before the first one goes.
    assert (
        driver.decide(TABLE_TIE, tie, RouteTableId=two.physical_id, SubnetId=subnet).verdict.value
        == 'replace'
    )
    successor = ground.create(TABLE_TIE, 'tie', RouteTableId=two.physical_id, SubnetId=subnet)
    ground.made.remove((TABLE_TIE, tie))
    driver.delete(TABLE_TIE, tie)
    assert routers_of(driver, subnet) == {two.physical_id}
    ground.made.remove((TABLE_TIE, successor))
    driver.delete(TABLE_TIE, successor)
    assert routers_of(driver, subnet) == {main}


def test_routes_lead_to_what_is_in_the_tables_subnets(driver: Driver, ground: Ground) -> None:
    vpc, _, subnet = vpc_of(ground)
    table = ground.create(TABLE, 'table', VpcId=vpc)
    nic = ground.create(NIC, 'nic', SubnetId=subnet)
    wanted = {'RouteTableId': table.physical_id, 'DestinationCidrBlock': '172.16.0.0/12'}
    # Not a leg of the router is there yet.
    given = {**wanted, 'NetworkInterfaceId': nic.physical_id}
    outcome, early = driver.run(ROUTE, driver.row(ROUTE, 'early', **given), Action.CREATE)
    assert isinstance(outcome, Failed) and 'nexthop' in outcome.message
    driver.delete(ROUTE, early)
    ground.create(TABLE_TIE, 'tie', RouteTableId=table.physical_id, SubnetId=subnet)
    route = ground.create(ROUTE, 'route', **given)

    def routes() -> list[dict[str, str]]:
        return list(driver.get('network', f'/routers/{table.physical_id}', 'router')['routes'])

    hop = driver.get('network', f'/ports/{nic.physical_id}', 'port')['fixed_ips'][0]['ip_address']
    assert routes() == [{'destination': '172.16.0.0/12', 'nexthop': hop}]
    outside = ground.create(ROUTE, 'outside', RouteTableId=table.physical_id,
                            DestinationCidrBlock='0.0.0.0/0', GatewayId='gateway')
    assert driver.get('network', f'/routers/{table.physical_id}', 'router')['external_gateway_info']
    for one in (route, outside):
        ground.made.remove((ROUTE, one))
        driver.delete(ROUTE, one)
    assert routes() == []


def test_a_gateway_leads_all_route_tables_outside(driver: Driver, ground: Ground) -> None:
    vpc, main, _ = vpc_of(ground)
    before = ground.create(TABLE, 'before', VpcId=vpc)

    def leads_out(router: str | None) -> bool:
        return bool(driver.get('network', f'/routers/{router}', 'router')['external_gateway_info'])

    attachment = ground.create(ATTACHMENT, 'gate', VpcId=vpc, InternetGatewayId='gateway')
    after = ground.create(TABLE, 'after', VpcId=vpc)
    assert [leads_out(one) for one in (before.physical_id, after.physical_id, main)] == [True, True, False]
    ground.made.remove((ATTACHMENT, attachment))
    driver.delete(ATTACHMENT, attachment)
    assert [leads_out(one) for one in (before.physical_id, after.physical_id, main)] == [False, False, False]
    late = ground.create(TABLE, 'late', VpcId=vpc)
    assert not leads_out(late.physical_id)


def outside(ground: Ground) -> str:
    """A subnet that has a way out."""
    vpc, _, subnet = vpc_of(ground)
    table = ground.create(TABLE, 'table', VpcId=vpc)
    ground.create(ATTACHMENT, 'gate', VpcId=vpc, InternetGatewayId='gateway')
    ground.create(TABLE_TIE, 'tie', RouteTableId=table.physical_id, SubnetId=subnet)
    return subnet


def served(driver: Driver, floating: str | None) -> str | None:
    """The device behind a floating address."""
    port = driver.get('network', f'/floatingips/{floating}', 'floatingip')['port_id']
    return str(driver.get('network', f'/ports/{port}', 'port')['device_id']) if port else None


def test_addresses(driver: Driver, ground: Ground, image: str) -> None:
    subnet = outside(ground)
    first, second = (
        ground.create(INSTANCE, name, ImageId=image, InstanceType=FLAVOR, SubnetId=subnet)
        for name in ('first', 'second')
    )
    nic = ground.create(NIC, 'nic', SubnetId=subnet)
    own = ground.create(EIP, 'own', InstanceId=first.physical_id)
    assert EIP.reference(own).startswith('172.24.4.')
    assert driver.read(EIP, own, 'AllocationId') == {'AllocationId': own.physical_id}
    assert served(driver, own.physical_id) == first.physical_id
    own = ground.update(EIP, own, InstanceId=second.physical_id)
    assert served(driver, own.physical_id) == second.physical_id
    own = ground.update(EIP, own)
    assert served(driver, own.physical_id) is None

    other = ground.create(EIP, 'other', Domain='vpc')
    tie = ground.create(EIP_TIE, 'eip', EIP=EIP.reference(own), InstanceId=first.physical_id)
    assert served(driver, own.physical_id) == first.physical_id
    assert EIP_TIE.reference(tie).startswith('drv-eip-')
    tie = ground.update(EIP_TIE, tie, EIP=EIP.reference(own), InstanceId=second.physical_id)
    assert served(driver, own.physical_id) == second.physical_id
    tie = ground.update(EIP_TIE, tie, AllocationId=other.physical_id, InstanceId=second.physical_id)
    assert served(driver, own.physical_id) is None
    assert served(driver, other.physical_id) == second.physical_id
    driver.done(EIP_TIE, tie, Action.CHECK)
    decision = driver.decide(EIP_TIE, tie, EIP=EIP.reference(own), InstanceId=first.physical_id)
    assert decision.verdict.value == 'replace'
    # Somebody takes the address elsewhere: it is theirs, and stays so.
    taken = ground.create(
        EIP_TIE, 'taken', AllocationId=other.physical_id, NetworkInterfaceId=nic.physical_id
    )
    assert served(driver, other.physical_id) == ''
    ground.made.remove((EIP_TIE, tie))
    driver.delete(EIP_TIE, tie)
    assert (
        driver.get('network', f'/floatingips/{other.physical_id}', 'floatingip')['port_id'] == nic.physical_id
    )
    ground.own(EIP_TIE, taken)


def test_an_instance_without_interface_takes_no_address(driver: Driver, ground: Ground, image: str) -> None:
    nic = ground.create(NIC, 'nic', SubnetId=outside(ground))
    bare = ground.create(
        INSTANCE, 'bare', ImageId=image, InstanceType=FLAVOR, NetworkInterfaces=[nic.physical_id]
    )
    path = f'/servers/{bare.physical_id}/os-interface/{nic.physical_id}'
    driver.performer.perform_now(driver.credential, Call('compute', 'DELETE', path))
    wait(lambda: not driver.get('network', f'/ports/{nic.physical_id}', 'port')['device_id'], driver)
    for instance, said in ((bare.physical_id, 'has no network interface'), ('nowhere', 'nowhere')):
        outcome, row = driver.run(EIP, driver.row(EIP, 'eip', InstanceId=instance), Action.CREATE)
        assert isinstance(outcome, Failed) and said in outcome.message and row.physical_id is None


def test_an_instance(driver: Driver, ground: Ground, image: str) -> None:
    _, _, subnet = vpc_of(ground)
    group = ground.create(GROUP, 'group', GroupDescription='d')
    base: dict[str, Any] = {
        'ImageId': image,
        'InstanceType': FLAVOR,
        'SubnetId': subnet,
        'SecurityGroupIds': [group.physical_id],
    }
    instance = ground.create(INSTANCE, 'web', **base, Tags=[{'Key': 'Name', 'Value': 'web'}])
    seen = driver.read(
        INSTANCE,
        instance,
        'PrivateIp',
        'PublicIp',
        'PrivateDnsName',
        'PublicDnsName',
        'AvailabilityZone',
        'show',
    )
    address = seen['PrivateIp']
    assert address.startswith('10.90.1.') and seen['AvailabilityZone'] == 'nova'
    assert seen['PublicIp'] == seen['PublicDnsName'] == seen['PrivateDnsName'] == address
    assert seen['show']['metadata'] == {'Name': 'web'} and len(seen['show']['name']) <= 53
    (port,) = driver.get('network', '/ports', 'ports', device_id=instance.physical_id)
    assert port['security_groups'] == [group.physical_id]

    nics = [ground.create(NIC, f'nic{number}', SubnetId=subnet) for number in (1, 2)]
    ground.own(INSTANCE, instance)
    base['InstanceType'] = BIGGER
    del base['SecurityGroupIds']
    changed = driver.changed(INSTANCE, instance, **base, Tags=[{'Key': 'b', 'Value': '2'}])
    assert driver.decide(INSTANCE, instance, **base).verdict.value == 'replace'  # the groups
    instance = ground.own(INSTANCE, driver.done(INSTANCE, changed, Action.UPDATE))
    seen = driver.read(INSTANCE, instance, 'show')['show']
    assert seen['metadata'] == {'b': '2'} and seen['flavor']['original_name'] == BIGGER
    del base['SubnetId']
    instance = ground.update(
        INSTANCE,
        instance,
        **base,
        NetworkInterfaces=[
            {'NetworkInterfaceId': nics[0].physical_id, 'DeviceIndex': '1'},
            {'NetworkInterfaceId': nics[1].physical_id, 'DeviceIndex': 0},
        ],
    )
    ports = driver.get('network', '/ports', 'ports', device_id=instance.physical_id)
    assert {one['id'] for one in ports} == {one.physical_id for one in nics}
    for verb, state in ((Action.SUSPEND, 'SUSPENDED'), (Action.RESUME, 'ACTIVE'), (Action.CHECK, 'ACTIVE')):
        instance = driver.done(INSTANCE, instance, verb)
        assert driver.read(INSTANCE, instance, 'show')['show']['status'] == state
    assert (
        driver.decide(INSTANCE, instance, **{**(instance.props or {}), 'UserData': 'x'}).verdict.value
        == 'replace'
    )
    ground.own(INSTANCE, instance)


def test_volumes_of_an_instance(driver: Driver, ground: Ground, image: str) -> None:
    _, _, subnet = vpc_of(ground)
    base = {'ImageId': image, 'InstanceType': FLAVOR, 'SubnetId': subnet}
    one, two = (
        ground.create(VOLUME, name, Size=1, AvailabilityZone='nova', Tags=[{'Key': 'n', 'Value': name}])
        for name in ('one', 'two')
    )
    assert driver.read(VOLUME, one, 'show')['show']['metadata']['n'] == 'one'
    instance = ground.create(
        INSTANCE, 'web', **base, Volumes=[{'VolumeId': one.physical_id, 'Device': '/dev/vdc'}]
    )
    tie = ground.create(
        VOLUME_TIE, 'tie', InstanceId=instance.physical_id, VolumeId=two.physical_id, Device='/dev/vdd'
    )
    for volume in (one, two):
        (used,) = driver.read(VOLUME, volume, 'show')['show']['attachments']
        assert used['server_id'] == instance.physical_id
    decision = driver.decide(VOLUME_TIE, tie, InstanceId='other', VolumeId=two.physical_id, Device='/dev/vdd')
    assert decision.verdict.value == 'refuse'
    assert driver.decide(VOLUME, one, Size=2, AvailabilityZone='nova').verdict.value == 'refuse'
    outcome, _ = driver.run(VOLUME, one, Action.DELETE)
    assert isinstance(outcome, Failed) and str(instance.physical_id) in outcome.message
    ground.made.remove((VOLUME_TIE, tie))
    driver.delete(VOLUME_TIE, tie)
    ground.made = [entry for entry in ground.made if entry[1].uuid != instance.uuid]
    driver.delete(INSTANCE, instance)
    assert driver.read(VOLUME, one, 'show')['show']['status'] == 'available'


def test_a_volume_from_a_backup(driver: Driver, ground: Ground) -> None:
    source = ground.create(VOLUME, 'source', Size=1, AvailabilityZone='nova')
    call = Call(
        'volumev3', 'POST', '/backups', {'backup': {'volume_id': source.physical_id}}, unwrap='backup'
    )
    path = f'/backups/{driver.performer.perform_now(driver.credential, call)["id"]}'
    wait(lambda: bool(driver.get('volumev3', path, 'backup')['status'] == 'available'), driver)
    copy = ground.create(VOLUME, 'copy', SnapshotId=path.rpartition('/')[2], AvailabilityZone='nova')
    assert driver.read(VOLUME, copy, 'show')['show']['size'] == 1
    driver.performer.perform_now(driver.credential, Call('volumev3', 'DELETE', path))


def test_the_content_of_a_volume_may_outlive_it(driver: Driver, ground: Ground) -> None:
    volume = driver.create(VOLUME, 'vol', Size=1, AvailabilityZone='nova')
    driver.delete(VOLUME, replace(volume, keep={**volume.keep, 'last_snapshot': True}))
    (kept,) = driver.get('volumev3', '/backups/detail', 'backups')
    assert kept['volume_id'] == volume.physical_id and kept['status'] == 'available'
    copy = ground.create(VOLUME, 'copy', SnapshotId=kept['id'], AvailabilityZone='nova')
    assert driver.read(VOLUME, copy, 'show')['show']['size'] == 1
    driver.performer.perform_now(driver.credential, Call('volumev3', 'DELETE', f'/backups/{kept["id"]}'))


def wait(until: Callable[[], bool], driver: Driver) -> None:
    for _ in range(100):
        if until():
            return
        driver.clock.advance(1.0)
    raise AssertionError('waited in vain')


OPEN = {('egress', 'IPv4', None, None, None, None), ('egress', 'IPv6', None, None, None, None)}


def test_a_security_group(driver: Driver, ground: Ground) -> None:
    web = ground.create(GROUP, 'web', GroupDescription='web servers')
    name = driver.read(GROUP, web, 'show')['show']['name']
    ingress = [
        {'IpProtocol': 'tcp', 'FromPort': '22', 'ToPort': '22', 'CidrIp': '0.0.0.0/0'},
        {'IpProtocol': 'icmp', 'FromPort': '-1', 'ToPort': '-1', 'CidrIp': '10.0.0.0/8'},
        {'IpProtocol': '-1', 'CidrIp': '192.168.0.0/16'},
        {'IpProtocol': 'TCP', 'FromPort': '3306', 'ToPort': '3306', 'SourceSecurityGroupName': name},
    ]
    group = ground.create(GROUP, 'db', GroupDescription='databases', SecurityGroupIngress=ingress)
    assert driver.read(GROUP, group, 'show')['show']['description'] == 'databases'
    assert rules_of(driver, group) == OPEN | {
        ('ingress', 'IPv4', 'tcp', 22, '0.0.0.0/0', None),
        ('ingress', 'IPv4', 'icmp', None, '10.0.0.0/8', None),
        ('ingress', 'IPv4', None, None, '192.168.0.0/16', None),
        ('ingress', 'IPv4', 'tcp', 3306, None, 'self'),
    }
    egress = [{'IpProtocol': 'udp', 'FromPort': '53', 'ToPort': '53', 'CidrIp': '::/0'}]
    group = ground.update(
        GROUP,
        group,
        GroupDescription='databases',
        SecurityGroupIngress=[
            {**ingress[3], 'SourceSecurityGroupName': None, 'SourceSecurityGroupId': web.physical_id}
        ],
        SecurityGroupEgress=egress,
    )
    assert rules_of(driver, group) == {
        ('ingress', 'IPv4', 'tcp', 3306, None, 'self'),
        ('egress', 'IPv6', 'udp', 53, '::/0', None),
    }
    group = ground.update(GROUP, group, GroupDescription='databases')
    assert rules_of(driver, group) == OPEN
    assert driver.decide(GROUP, group, GroupDescription='other').verdict.value == 'replace'


@pytest.mark.skipif(REAL, reason='user data is not shown by a real cloud')
def test_user_data_of_an_instance(driver: Driver, ground: Ground, cloud: SimCloud, image: str) -> None:
    script = '#!/bin/sh\ncfn-init -v -s here -r web\n'
    for given in (script, base64.b64encode(script.encode()).decode()):
        row = driver.row(INSTANCE, 'web', ImageId=image, InstanceType=FLAVOR, UserData=given)
        metadata = {'AWS::CloudFormation::Init': {'config': {'packages': {'yum': {'httpd': []}}}}}
        row = replace(row, metadata=metadata)
        instance = ground.own(INSTANCE, driver.done(INSTANCE, row, Action.CREATE))
        text = base64.b64decode(cloud.inventory.servers.rows[str(instance.physical_id)]['user_data']).decode()
        parts = {
            part.get_filename(): part.get_payload(decode=True)
            for part in email.message_from_string(text).walk()
            if not part.is_multipart()
        }
        assert parts['cfn-userdata'].decode() == script
        assert json.loads(parts['cfn-init-data']) == metadata
        assert parts['cfn-metadata-server'] == b'http://heat.example:8000'
        assert b'cfn_region_endpoint = heat.example' in parts['cfn-boto-cfg']


@pytest.mark.skipif(REAL, reason='made volumes are looked for in the simulated cloud')
def test_block_devices_of_an_instance(driver: Driver, ground: Ground, image: str) -> None:
    devices = [{'DeviceName': 'vdb', 'Ebs': {'VolumeSize': '2'}}]
    before = {one['id'] for one in driver.get('volumev3', '/volumes', 'volumes')}
    instance = ground.create(INSTANCE, 'web', ImageId=image, InstanceType=FLAVOR, BlockDeviceMappings=devices)
    (made,) = (one for one in driver.get('volumev3', '/volumes/detail', 'volumes') if one['id'] not in before)
    assert made['size'] == 2 and made['attachments'][0]['server_id'] == instance.physical_id
    ground.made.clear()
    driver.delete(INSTANCE, instance)
    wait(lambda: ground.inventory() == ground.before, driver)


@pytest.mark.skipif(REAL, reason='the users are looked for in the simulated cloud')
def test_users_and_their_keys(driver: Driver, ground: Ground, cloud: SimCloud) -> None:
    user = driver.create(USER, 'user', LoginProfile={'Password': 'guarded-words'})
    assert user.data['password'] == 'guarded-words' and USER.reference(user).startswith('drv-user-')
    assert cloud.inventory.users.rows[str(user.physical_id)]['default_project_id'] == driver.users_project
    one, two = (driver.create(KEY, name, UserName=USER.reference(user)) for name in ('one', 'two'))
    assert KEY.attribute(one, 'UserName', ()) == USER.reference(user)
    kept = {
        json.loads(row['blob'])['access']: json.loads(row['blob'])['secret']
        for row in cloud.inventory.credentials.where('user_id', user.physical_id)
    }
    assert kept == {row.physical_id: KEY.attribute(row, 'SecretAccessKey', ()) for row in (one, two)}
    assert 'secret' not in str(one.attrs) and one.data['secret'] not in str(one.props)
    for verb, enabled in ((Action.SUSPEND, False), (Action.RESUME, True)):
        user = driver.done(USER, user, verb)
        assert cloud.inventory.users.rows[str(user.physical_id)]['enabled'] is enabled
    driver.delete(KEY, one)
    assert [
        json.loads(row['blob'])['access']
        for row in cloud.inventory.credentials.where('user_id', user.physical_id)
    ] == [two.physical_id]
    driver.delete(USER, user)
    assert cloud.inventory.users.get(str(user.physical_id)) is None
    # The keys went with their user.
    driver.delete(KEY, two)


@pytest.mark.skipif(REAL, reason='the users are looked for in the simulated cloud')
def test_no_keys_for_users_of_other_stacks(driver: Driver, ground: Ground, cloud: SimCloud) -> None:
    user = driver.create(USER, 'user')
    mine, driver.users_project = driver.users_project, 'another-project'
    outcome, _ = driver.run(KEY, driver.row(KEY, 'key', UserName=USER.reference(user)), Action.CREATE)
    assert isinstance(outcome, Failed) and 'There is no user drv-user-' in outcome.message
    assert not cloud.inventory.credentials.where('user_id', user.physical_id)
    driver.users_project = mine
    driver.delete(USER, user)
