"""The types of CloudFormation without a cloud: their tables, their words, their rules."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from heat import schema
from heat.common import errors
from heat.model.resource import Row
from heat.resources.aws import TYPES
from heat.resources.aws.instance import plain_text
from heat.resources.aws.translated import Translated
from heat.resources.openstack import TYPES as OPENSTACK
from heat.resources.types import TypeTable
from heat.template.expr import Constant, Expr
from tests.unit.definitions import Reference, definition
from tests.unit.interface import entry_of

UNKNOWN = schema.UNKNOWN
SPOKEN: dict[str, type[Translated]] = {
    name: kind for name, kind in TYPES.items() if issubclass(kind, Translated)
}


# What the classic interface did not have.
OWN = {'AWS::EC2::Route'}
# The classic made it of a server; here a service carries it.
CARRIED = {'AWS::ElasticLoadBalancing::LoadBalancer': ['load-balancer']}


@pytest.mark.parametrize('name', sorted(set(TYPES) - OWN))
def test_the_table_is_that_of_the_interface(name: str) -> None:
    entry = entry_of(name)
    assert schema.differences(TYPES[name].schema, entry) == []
    assert TYPES[name].type == name
    assert TYPES[name].service in CARRIED.get(name, entry.get('service_types') or [None])


@pytest.mark.parametrize('name', sorted(SPOKEN))
def test_every_word_is_one_of_the_other_type(name: str) -> None:
    """A property renamed there, or misspelt here, would be left out without a sound."""
    kind = SPOKEN[name]
    theirs = kind.of.schema.properties
    words = [name if prop.wire is schema.SAME else prop.wire for name, prop in kind.schema.properties.items()]
    assert {word for word in words if word is not None} <= set(theirs)
    assert set(kind.found) <= set(theirs)
    assert (kind.releases, kind.survives_failure) == (kind.of.releases, kind.of.survives_failure)


def words(kind: str, /, **props: Any) -> dict[str, Any]:
    """What is given of ``props`` in the other type's words, without its defaults."""
    values, wrong = schema.resolve(TYPES[kind].schema.properties, props)
    assert wrong == []
    said = SPOKEN[kind].words(values)
    plain = {name for name, prop in SPOKEN[kind].of.schema.properties.items() if prop.has_default}
    return {
        name: value
        for name, value in said.items()
        if name not in plain or value != SPOKEN[kind].of.schema.properties[name].default
    }


def test_an_instance_is_a_server() -> None:
    given = words(
        'AWS::EC2::Instance',
        ImageId='i',
        InstanceType='f',
        KeyName='k',
        AvailabilityZone='z',
        SecurityGroups=['a'],
        SecurityGroupIds=['b'],
        SubnetId='s',
        Tags=[{'Key': 'Name', 'Value': 'web'}],
        NovaSchedulerHints=[
            {'Key': 'different_host', 'Value': 'x'},
            {'Key': 'different_host', 'Value': 'y'},
            {'Key': 'group', 'Value': 'g'},
        ],
        BlockDeviceMappings=[
            {'DeviceName': 'vdb', 'Ebs': {'SnapshotId': 'snap', 'VolumeSize': '3'}},
            {'DeviceName': 'vdc', 'Ebs': {'VolumeSize': '1', 'DeleteOnTermination': False}},
        ],
    )
    assert given == {
        'image': 'i',
        'flavor': 'f',
        'key_name': 'k',
        'availability_zone': 'z',
        'security_groups': ['a', 'b'],
        'networks': [{'subnet': 's'}],
        'metadata': {'Name': 'web'},
        'scheduler_hints': {'different_host': ['x', 'y'], 'group': 'g'},
        'block_device_mapping_v2': [
            {'device_name': 'vdb', 'snapshot_id': 'snap', 'volume_size': 3, 'delete_on_termination': True},
            {'device_name': 'vdc', 'volume_size': 1, 'delete_on_termination': False},
        ],
    }


def test_interfaces_come_in_the_order_of_their_index() -> None:
    interfaces = [
        {'NetworkInterfaceId': 'b', 'DeviceIndex': '1'},
        {'NetworkInterfaceId': 'a', 'DeviceIndex': 0},
        None,
        'c',
    ]
    given = words(
        'AWS::EC2::Instance', ImageId='i', InstanceType='f', SubnetId='s', NetworkInterfaces=interfaces
    )
    assert given['networks'] == [{'port': 'a'}, {'port': 'b'}, {'port': 'c'}]


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@pytest.mark.parametrize(
    ('given', 'text'),
    [
        ('#!/bin/sh\necho é\n', '#!/bin/sh\necho é\n'),
        (encoded('#!/bin/sh\necho é\n'), '#!/bin/sh\necho é\n'),
        (encoded('x' * 100)[:76] + '\n' + encoded('x' * 100)[76:], 'x' * 100),
        (encoded(b'\x1f\x8b\x08\x00\x01\x02'), encoded(b'\x1f\x8b\x08\x00\x01\x02')),
        ('echo', 'echo'),
        ('ä', 'ä'),
        ('', ''),
    ],
)
def test_a_script_may_come_in_base64(given: str, text: str) -> None:
    assert plain_text(given) == text


def test_words_of_network_types() -> None:
    assert words('AWS::EC2::VPC', CidrBlock='10.0.0.0/8', Tags=[{'Key': 'a', 'Value': 'b'}]) == {
        'value_specs': {'description': 'VPC 10.0.0.0/8'},
        'tags': ['a=b'],
    }
    assert words('AWS::EC2::Subnet', VpcId='v', CidrBlock='fd00::/64') == {
        'network': 'v',
        'cidr': 'fd00::/64',
        'ip_version': 6,
    }
    assert words('AWS::EC2::NetworkInterface', SubnetId='s', PrivateIpAddress='10.0.0.9', GroupSet=['g']) == {
        'fixed_ips': [{'subnet': 's', 'ip_address': '10.0.0.9'}],
        'security_groups': ['g'],
    }
    assert words('AWS::EC2::Volume', AvailabilityZone='z', SnapshotId='b') == {
        'availability_zone': 'z',
        'backup_id': 'b',
    }


def test_what_was_changed_in_the_cloud_is_told_in_words_of_ours() -> None:
    assert SPOKEN['AWS::EC2::Instance'].heard(
        {'metadata': {'a': 'b'}, 'flavor': 'f', 'image': 'i', 'name': 'n'}
    ) == {
        'InstanceType': 'f',
        'Tags': [{'Key': 'a', 'Value': 'b'}],
    }
    assert SPOKEN['AWS::EC2::NetworkInterface'].heard({'security_groups': ['g'], 'value_specs': {}}) == {
        'GroupSet': ['g']
    }


def faults(kind: str, /, **props: Any) -> list[str]:
    values, wrong = schema.resolve(TYPES[kind].schema.properties, props)
    assert wrong == []
    return list(TYPES[kind].validate(values))


MADE = {'ImageId': 'i', 'InstanceType': 'f'}
LISTENER = {'InstancePort': 80, 'LoadBalancerPort': 80, 'Protocol': 'HTTP'}
CHECK = {'HealthyThreshold': '2', 'UnhealthyThreshold': '3', 'Interval': '10', 'Timeout': '5'}


@pytest.mark.parametrize(
    ('name', 'props', 'told'),
    [
        (
            'AWS::EC2::Instance',
            {**MADE, 'NetworkInterfaces': ['n'], 'SecurityGroupIds': ['g']},
            'Cannot define the following properties at the same time: SecurityGroups/SecurityGroupIds, '
            'NetworkInterfaces.',
        ),
        (
            'AWS::EC2::Instance',
            {**MADE, 'NetworkInterfaces': ['n', {'NetworkInterfaceId': 'm', 'DeviceIndex': 'first'}]},
            "NetworkInterfaces[1]: DeviceIndex 'first' is not an integer.",
        ),
        (
            'AWS::EC2::Instance',
            {**MADE, 'NetworkInterfaces': [{'DeviceIndex': '0'}]},
            'NetworkInterfaces[0]: NetworkInterfaceId is missing.',
        ),
        (
            'AWS::EC2::Instance',
            {**MADE, 'BlockDeviceMappings': [{'DeviceName': 'vdb'}]},
            'Ebs is missing, this is required',
        ),
        (
            'AWS::EC2::Instance',
            {**MADE, 'BlockDeviceMappings': [{'DeviceName': 'vdb', 'Ebs': {}}]},
            'SnapshotId is missing, this is required when specifying BlockDeviceMappings.',
        ),
        (
            'AWS::EC2::Instance',
            {**MADE, 'BlockDeviceMappings': [{'DeviceName': 'vdb', 'Ebs': {'VolumeSize': 'big'}}]},
            "block_device_mapping_v2[0].volume_size: Value 'big' is not an integer",
        ),
        ('AWS::EC2::EIPAssociation', {'InstanceId': 'i'}, "Either 'EIP' or 'AllocationId' must be provided."),
        (
            'AWS::EC2::EIPAssociation',
            {'InstanceId': 'i', 'EIP': '10.0.0.1', 'AllocationId': 'a'},
            "Either 'EIP' or 'AllocationId' must be provided.",
        ),
        (
            'AWS::EC2::EIPAssociation',
            {'EIP': '10.0.0.1', 'NetworkInterfaceId': 'n'},
            "Must specify 'InstanceId' if you specify 'EIP'.",
        ),
        (
            'AWS::EC2::EIPAssociation',
            {'AllocationId': 'a'},
            'At least one of the following properties must be specified: InstanceId, NetworkInterfaceId.',
        ),
        (
            'AWS::EC2::Volume',
            {'AvailabilityZone': 'z'},
            'If SnapshotId is not provided, the property Size must be specified.',
        ),
        (
            'AWS::EC2::SecurityGroup',
            {
                'GroupDescription': 'd',
                'SecurityGroupIngress': [{'CidrIp': '0.0.0.0/0', 'SourceSecurityGroupId': 'g'}],
            },
            'SecurityGroupIngress[0]: Cannot define the following properties at the same time: CidrIp, '
            'SourceSecurityGroupId.',
        ),
        (
            'AWS::EC2::SecurityGroup',
            {'GroupDescription': 'd', 'SecurityGroupEgress': [{'IpProtocol': 'tcp', 'FromPort': '99999'}]},
            'rules[0].port_range_min: 99999 is out of range (min: 0, max: 65535)',
        ),
        (
            'AWS::EC2::NetworkInterface',
            {'SubnetId': 's', 'PrivateIpAddress': 'ten'},
            'fixed_ips[0].ip_address: ',
        ),
        (
            'AWS::ElasticLoadBalancing::LoadBalancer',
            {
                'AvailabilityZones': ['z'],
                'Listeners': [LISTENER],
                'HealthCheck': {**CHECK, 'Target': 'HTTP:80'},
            },
            'HealthCheck.Target "HTTP:80" is neither like HTTP:80/path',
        ),
        (
            'AWS::ElasticLoadBalancing::LoadBalancer',
            {
                'AvailabilityZones': ['z'],
                'Listeners': [LISTENER],
                'HealthCheck': {**CHECK, 'Target': 'TCP:99999'},
            },
            'HealthCheck.Target "TCP:99999" is neither like',
        ),
    ],
)
def test_what_does_not_fit_together_is_said(name: str, props: dict[str, Any], told: str) -> None:
    said = faults(name, **props)
    assert len(said) == 1 and said[0].startswith(told), said


@pytest.mark.parametrize(
    ('name', 'props'),
    [
        (
            'AWS::EC2::Instance',
            {
                **MADE,
                'NetworkInterfaces': [UNKNOWN, {'NetworkInterfaceId': UNKNOWN, 'DeviceIndex': UNKNOWN}],
                'Tags': [{'Key': 'a', 'Value': UNKNOWN}],
                'BlockDeviceMappings': [{'DeviceName': 'vdb', 'Ebs': UNKNOWN}],
                'UserData': UNKNOWN,
            },
        ),
        ('AWS::EC2::Instance', {'ImageId': UNKNOWN, 'InstanceType': UNKNOWN, 'SubnetId': UNKNOWN}),
        ('AWS::EC2::VPC', {'CidrBlock': UNKNOWN, 'Tags': UNKNOWN}),
        ('AWS::EC2::Subnet', {'VpcId': UNKNOWN, 'CidrBlock': UNKNOWN}),
        ('AWS::EC2::RouteTable', {'VpcId': UNKNOWN}),
        ('AWS::EC2::SubnetRouteTableAssociation', {'RouteTableId': UNKNOWN, 'SubnetId': UNKNOWN}),
        ('AWS::EC2::NetworkInterface', {'SubnetId': UNKNOWN, 'GroupSet': [UNKNOWN]}),
        ('AWS::EC2::SecurityGroup', {'GroupDescription': UNKNOWN, 'SecurityGroupIngress': [UNKNOWN]}),
        ('AWS::EC2::EIPAssociation', {'EIP': UNKNOWN, 'InstanceId': UNKNOWN}),
        ('AWS::EC2::EIP', {'InstanceId': UNKNOWN}),
        ('AWS::EC2::Volume', {'AvailabilityZone': 'z', 'Size': UNKNOWN}),
        ('AWS::EC2::VolumeAttachment', {'InstanceId': UNKNOWN, 'VolumeId': UNKNOWN, 'Device': '/dev/vdb'}),
    ],
)
def test_what_is_not_known_yet_is_let_pass(name: str, props: dict[str, Any]) -> None:
    assert faults(name, **props) == []


def test_other_types_are_not_there() -> None:
    types = TypeTable()
    with pytest.raises(errors.StackValidationFailed, match='Did you mean AWS::EC2::RouteTable'):
        types('AWS::EC2::RouteTables', 'r')
    with pytest.raises(
        errors.StackValidationFailed,
        match=r'The Resource Type \(AWS::Lambda::Function\) could not be found\.$',
    ):
        types('AWS::Lambda::Function', 'f')


OTHERS = {
    one.name: one
    for one in (
        definition('sub', 'AWS::EC2::Subnet', VpcId=Reference('vpc')),
        definition('table', 'AWS::EC2::RouteTable', VpcId=Reference('vpc')),
        definition('named', 'AWS::EC2::RouteTable', VpcId=Constant('v1')),
        definition('far', 'AWS::EC2::RouteTable', VpcId=Reference('other')),
        definition('gate', 'AWS::EC2::VPCGatewayAttachment', VpcId=Reference('vpc')),
        definition('tie', 'AWS::EC2::SubnetRouteTableAssociation', RouteTableId=Reference('table')),
    )
}


@pytest.mark.parametrize(
    ('kind', 'props', 'first'),
    [
        ('AWS::EC2::VPCGatewayAttachment', {'VpcId': Reference('vpc')}, {'table'}),
        ('AWS::EC2::VPCGatewayAttachment', {'VpcId': Constant('v1')}, {'named'}),
        ('AWS::EC2::EIP', {}, {'gate', 'tie'}),
        ('AWS::EC2::EIPAssociation', {}, {'gate', 'tie'}),
        ('OS::Neutron::FloatingIP', {}, {'gate', 'tie'}),
        ('OS::Neutron::Port', {'network': Reference('vpc')}, {'sub'}),
        ('AWS::EC2::Volume', {}, set()),
    ],
)
def test_hidden_dependencies(kind: str, props: dict[str, Expr], first: set[str]) -> None:
    mine = definition('mine', kind, **props)
    assert {**TYPES, **OPENSTACK}[kind].before('mine', mine, OTHERS) == first


@pytest.mark.parametrize(
    ('changed', 'new', 'replaced'),
    [
        ({'EIP'}, {'EIP': 'b', 'InstanceId': 'i'}, False),
        ({'InstanceId'}, {'EIP': 'a', 'InstanceId': 'j'}, False),
        ({'EIP', 'InstanceId'}, {'EIP': 'b', 'InstanceId': 'j'}, True),
        ({'EIP', 'AllocationId'}, {'AllocationId': 'b', 'InstanceId': 'i'}, False),
        ({'AllocationId', 'EIP', 'InstanceId'}, {'AllocationId': 'b', 'NetworkInterfaceId': 'n'}, False),
        ({'AllocationId', 'NetworkInterfaceId'}, {'AllocationId': 'b', 'NetworkInterfaceId': 'n'}, True),
    ],
)
def test_another_address_for_another_user_is_another_association(
    changed: set[str], new: dict[str, Any], replaced: bool
) -> None:
    kind = TYPES['AWS::EC2::EIPAssociation']
    row = Row('u', 's', 's', 'tie', kind.type)
    assert kind.wants_replacement(row, new, frozenset(changed)) is replaced


def test_the_policies_of_a_user_are_access_policies() -> None:
    user, policy = TYPES['AWS::IAM::User'], TypeTable()('OS::Heat::AccessPolicy', 'few')
    others: dict[str, tuple[Any, dict[str, Any]]] = {
        'few': (policy, {}),
        'web': (TYPES['AWS::EC2::Instance'], {}),
    }
    assert list(user.among({'Policies': frozenset(['few'])}, others)) == []
    assert list(user.among({'Policies': frozenset(['few', 'web'])}, others)) == [
        'Policies: web is no OS::Heat::AccessPolicy.'
    ]
    assert list(user.validate_among({'Policies': ['few', {}, UNKNOWN, 'gone']}, ['few'])) == [
        'The access policy gone is not in the stack'
    ]


def test_what_a_user_inside_may_read() -> None:
    user = TYPES['AWS::IAM::User']

    def row(name: str, kind: str = 'AWS::EC2::Instance', **props: Any) -> Row:
        return Row(name, 's', 's', name, kind, physical_id=f'id-of-{name}', props=props)

    others = {
        one.name: one
        for one in (
            row('web'),
            row('db'),
            row('few', 'OS::Heat::AccessPolicy', AllowedResources=['web']),
            row('fewer', 'OS::Heat::AccessPolicy', AllowedResources=[]),
        )
    }

    def sees(*policies: Any) -> set[str]:
        maker = row('user', 'AWS::IAM::User', Policies=list(policies))
        return {name for name in ('web', 'db') if user.admits(maker, others[name], others)}

    assert sees() == sees({'PolicyName': 'root'}) == {'web', 'db'}
    assert sees('few') == sees('id-of-few') == {'web'}
    assert sees('few', 'fewer') == sees('nobody knows it') == sees('web') == set()


@pytest.mark.parametrize(('given', 'says'), [
    ({'GatewayId': 'g'}, ''), ({'InstanceId': 'i', 'DestinationCidrBlock': '10.0.0.0/8'}, ''),
    ({'NetworkInterfaceId': 'p', 'DestinationCidrBlock': '10.0.0.0/8'}, ''),
    ({'GatewayId': UNKNOWN, 'DestinationCidrBlock': UNKNOWN}, ''),
    ({}, 'Exactly one of GatewayId, InstanceId, NetworkInterfaceId'),
    ({'GatewayId': 'g', 'InstanceId': 'i'}, 'Exactly one of'),
    ({'GatewayId': 'g', 'DestinationCidrBlock': '10.0.0.0/8'}, 'Only what is for 0.0.0.0/0')])
def test_where_routes_lead(given: dict[str, Any], says: str) -> None:
    props = {'RouteTableId': 't', 'DestinationCidrBlock': '0.0.0.0/0', **given}
    found = list(TYPES['AWS::EC2::Route'].validate(props))
    assert [says in one for one in found] == ([True] if says else [])
