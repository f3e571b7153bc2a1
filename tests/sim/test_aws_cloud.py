"""The shipped template of CloudFormation against the simulated cloud, in virtual time."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from heat.template.load import parse
from tests.sim.world import World

TEMPLATE = Path(__file__).parents[2] / 'etc' / 'heat' / 'templates' / 'wordpress-two-servers.yaml'
POINTS = ('commit.before', 'commit.after', 'call.before', 'call.after')
KINDS = ('servers', 'networks', 'subnets', 'ports', 'routers', 'floatingips', 'volumes', 'security_groups')
READY = {'Status': 'SUCCESS', 'Reason': 'ready', 'UniqueId': 'database', 'Data': ''}


def given(**parameters: str) -> dict[str, Any]:
    return {'parameters': {'ImageId': 'cirros', 'DBPassword': 'correcthorse', **parameters}}


def inventory(world: World) -> dict[str, Any]:
    """What is there, and how it is tied together."""
    tables = world.cloud.inventory
    found: dict[str, Any] = {
        kind: entry['count'] for kind, entry in world.cloud.summary().items() if kind in KINDS
    }
    found['attached'] = sorted(one['_device'] for one in tables.attachments.all())
    found['outside'] = len([one for one in tables.routers.all() if one['external_gateway_info']])
    found['served'] = len([one for one in tables.floatingips.all() if one['port_id']])
    found['legs'] = len(
        [one for one in tables.ports.all() if one['device_owner'] == 'network:router_interface']
    )
    return found


def life(world: World) -> list[Any]:
    seen: list[Any] = []
    world.project_id  # noqa: B018 - the project's default group is made at first sight
    template = parse(TEMPLATE.read_text())
    me = world.create('wp', template, environment=given())
    world.run(until=world.clock.monotonic() + 600)
    assert 'WebServer' not in {one.name for one in world.rows(me).values() if one.physical_id}
    world.signal(me, 'DatabaseReady', READY)
    world.run()
    seen.append((world.stack(me).reason, world.states(me), inventory(world)))
    # Another flavor in place, another script on a new server, which takes the address over.
    changed = parse(TEMPLATE.read_text().replace('systemctl reload apache2', 'systemctl restart apache2'))
    world.update(me, changed, environment=given(DatabaseType='m1.medium'))
    world.run()
    seen.append((world.stack(me).reason, world.states(me), inventory(world)))
    world.delete(me)
    world.run()
    seen.append((world.stack(me).reason, world.rows(me), inventory(world), world.leases_held()))
    return seen


@pytest.fixture(scope='module')
def undisturbed(conf: Any) -> tuple[list[Any], dict[str, int]]:
    world = World(conf)
    return life(world), dict(world.points)


def test_a_life_leaves_nothing_behind(undisturbed: Any) -> None:
    (created, updated, deleted), _points = undisturbed
    assert created[0] == 'Stack CREATE completed successfully'
    assert set(created[1].values()) == {'CREATE_COMPLETE'}
    assert created[2] == updated[2] and updated[0] == 'Stack UPDATE completed successfully'
    assert {
        key: created[2][key] for key in ('servers', 'volumes', 'attached', 'outside', 'served', 'legs')
    } == {'servers': 2, 'volumes': 1, 'attached': ['/dev/vdb'], 'outside': 1, 'served': 1, 'legs': 1}
    assert deleted[0] == 'Stack DELETE completed successfully'
    left = {key: value for key, value in deleted[2].items() if value}
    assert left == {'networks': 1, 'subnets': left['subnets'], 'security_groups': 1} and deleted[3] == 0


@pytest.mark.parametrize('point', POINTS)
def test_every_crash_ends_where_no_crash_ends(conf: Any, undisturbed: Any, point: str) -> None:
    expected, counts = undisturbed
    step = max(1, counts[point] // 10)
    for nth in range(1, counts[point] + 1, step):
        world = World(conf)
        world.crash_at(point, nth)
        assert life(world) == expected, f'crash at {point} number {nth}'


@pytest.mark.parametrize(
    'service,path',
    [
        ('compute', '/servers'),
        ('network', '/ports'),
        ('network', '/networks'),
        ('network', '/routers'),
        ('network', '/subnets'),
        ('volume', '/volumes'),
        ('network', '/floatingips'),
        ('network', '/security-groups'),
    ],
)
def test_a_lost_answer_to_a_creation_doubles_nothing(
    conf: Any, undisturbed: Any, service: str, path: str
) -> None:
    world = World(conf)
    world.cloud.faults.add(service=service, method='POST', path=f'{path}$', kind='drop_after', count=1)
    assert life(world) == undisturbed[0]


def test_what_the_guests_are_told(world: World) -> None:
    world.conf.set_override('heat_metadata_server_url', 'http://heat.example:8000')
    me = world.create('wp', parse(TEMPLATE.read_text()), environment=given())
    world.run(until=world.clock.monotonic() + 600)
    world.signal(me, 'DatabaseReady', READY)
    world.run()
    rows = world.rows(me)
    scripts = {
        name: base64.b64decode(
            world.cloud.inventory.servers.rows[rows[name].physical_id]['user_data']
        ).decode()
        for name in ('DatabaseServer', 'WebServer')
    }
    assert "cfn-init -s 'wp' -r DatabaseServer" in scripts['DatabaseServer']
    assert rows['DatabaseReady'].data['signed_url'] in scripts['DatabaseServer']
    assert '"apt": {"mariadb-server": []}' in scripts['DatabaseServer']
    keys = rows['ReaderKeys'].data
    for script in scripts.values():
        assert f"'{keys['access']}' '{keys['secret']}'" in script and 'cfn-metadata-server' in script
    port = world.cloud.inventory.ports.rows[rows['DatabaseInterface'].physical_id]
    assert f"define('DB_HOST', '{port['fixed_ips'][0]['ip_address']}')" in scripts['WebServer']
    assert rows['WebServer'].metadata.keys() == {'AWS::CloudFormation::Init'}


def routed(target: str = 'One') -> dict[str, Any]:
    """A public subnet as templates for AWS have it, and a way to another network through a port of it."""
    def ref(name: str) -> dict[str, str]:
        return {'Ref': name}

    resources: dict[str, Any] = {
        'Vpc': ('VPC', {'CidrBlock': '10.0.0.0/16'}),
        'Subnet': ('Subnet', {'VpcId': ref('Vpc'), 'CidrBlock': '10.0.1.0/24'}),
        'Gateway': ('InternetGateway', {}),
        'Attachment': ('VPCGatewayAttachment', {'VpcId': ref('Vpc'), 'InternetGatewayId': ref('Gateway')}),
        'Table': ('RouteTable', {'VpcId': ref('Vpc')}),
        'Tie': ('SubnetRouteTableAssociation', {'SubnetId': ref('Subnet'), 'RouteTableId': ref('Table')}),
        'One': ('NetworkInterface', {'SubnetId': ref('Subnet')}),
        'Two': ('NetworkInterface', {'SubnetId': ref('Subnet')}),
        'Out': ('Route', {'RouteTableId': ref('Table'), 'DestinationCidrBlock': '0.0.0.0/0',
                          'GatewayId': ref('Gateway')}),
        'Through': ('Route', {'RouteTableId': ref('Table'), 'DestinationCidrBlock': '172.16.0.0/12',
                              'NetworkInterfaceId': ref(target)})}
    found: dict[str, Any] = {name: {'Type': f'AWS::EC2::{kind}', 'Properties': props}
                             for name, (kind, props) in resources.items()}
    found['Out']['DependsOn'] = 'Attachment'
    return {'AWSTemplateFormatVersion': '2010-09-09', 'Resources': found}


def test_routes_come_after_the_legs_they_need_and_go_before_them(world: World) -> None:
    me = world.create('s', routed())
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE', world.stack(me).reason
    tables = world.cloud.inventory
    router = tables.routers.rows[world.rows(me)['Table'].physical_id]
    hops = {name: tables.ports.rows[world.rows(me)[name].physical_id]['fixed_ips'][0]['ip_address']
            for name in ('One', 'Two')}
    assert router['routes'] == [{'destination': '172.16.0.0/12', 'nexthop': hops['One']}]
    assert router['external_gateway_info']
    world.update(me, routed('Two'))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE', world.stack(me).reason
    assert router['routes'] == [{'destination': '172.16.0.0/12', 'nexthop': hops['Two']}]
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE', world.stack(me).reason
    assert not tables.routers.all() and world.cloud.summary()['networks']['count'] == 1


def test_a_security_group_has_its_name_and_its_rules_what_they_are_for(world: World) -> None:
    rules = [{'IpProtocol': 'tcp', 'FromPort': 443, 'ToPort': 443, 'CidrIpv6': '::/0', 'Description': 'web'},
             {'IpProtocol': 'tcp', 'FromPort': 22, 'ToPort': 22, 'CidrIp': '10.0.0.0/8', 'Description': 'us'}]

    def template(rules: list[dict[str, Any]]) -> dict[str, Any]:
        return {'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {'G': {
            'Type': 'AWS::EC2::SecurityGroup', 'Properties': {
                'GroupDescription': 'd', 'GroupName': 'front', 'SecurityGroupIngress': rules}}}}

    def there() -> tuple[Any, list[Any]]:
        made = world.cloud.inventory.security_groups.rows[world.rows(me)['G'].physical_id]
        inside = [one for one in world.cloud.inventory.security_group_rules.all()
                  if one['security_group_id'] == made['id'] and one['direction'] == 'ingress']
        return made['name'], sorted((one['remote_ip_prefix'], one['ethertype'], one['description'])
                                    for one in inside)

    me = world.create('s', template(rules))
    world.run()
    assert there() == ('front', [('10.0.0.0/8', 'IPv4', 'us'), ('::/0', 'IPv6', 'web')])
    world.update(me, template([{**rules[0], 'Description': 'all the world'}]))
    world.run()
    assert there() == ('front', [('::/0', 'IPv6', 'all the world')])


def test_groups_and_addresses_have_their_tags(world: World) -> None:
    def template(value: str) -> dict[str, Any]:
        tags = [{'Key': 'Name', 'Value': value}]
        return {'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {
            'G': {'Type': 'AWS::EC2::SecurityGroup', 'Properties': {'GroupDescription': 'd', 'Tags': tags}},
            'R': {'Type': 'AWS::EC2::SecurityGroup', 'Properties': {
                'GroupDescription': 'd', 'Tags': tags, 'SecurityGroupIngress': [
                    {'IpProtocol': 'tcp', 'FromPort': 1, 'ToPort': 1, 'CidrIp': '10.0.0.0/8'}]}},
            'A': {'Type': 'AWS::EC2::EIP', 'Properties': {'Tags': tags}},
            'P': {'Type': 'AWS::EC2::EIP'}}}

    def there() -> dict[str, list[str]]:
        tables, rows = world.cloud.inventory, world.rows(me)
        found = dict.fromkeys('GR', tables.security_groups) | dict.fromkeys('AP', tables.floatingips)
        return {name: table.rows[rows[name].physical_id]['tags'] for name, table in found.items()}

    me = world.create('s', template('first'))
    world.run()
    first = world.rows(me)
    assert there() == {'G': ['Name=first'], 'R': ['Name=first'], 'A': ['Name=first'], 'P': []}
    world.update(me, template('second'))
    world.run()
    assert there() == {'G': ['Name=second'], 'R': ['Name=second'], 'A': ['Name=second'], 'P': []}
    assert {name: row.uuid for name, row in world.rows(me).items()} == {
        name: row.uuid for name, row in first.items()}
