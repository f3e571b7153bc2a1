"""A user of CloudFormation on a real OpenStack: etc/heat/templates/wordpress-two-servers.yaml with boto3.

What is asserted is what Nova, Neutron, Cinder and Keystone themselves say. The hypervisor is a fake that
boots nothing, so the test does what the servers would: it reads their metadata with the keys in their
user data, and sends the database's signal to the address there.
"""
from __future__ import annotations

import email
import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.cloud import guest
from tests.cloud.daemons import ROOT, User
from tests.cloud.services import Services
from tests.cloud.stack import Stack
from tests.servers.keystone import identity

TEMPLATE = ROOT / 'etc' / 'heat' / 'templates' / 'wordpress-two-servers.yaml'
PASSWORD = 'correcthorse'
GIVEN = {'ImageId': 'cirros-like', 'DatabaseType': 'm1.tiny', 'DBPassword': PASSWORD}

pytestmark = pytest.mark.usefixtures('leaves_nothing')


def client(user: User, access: str, secret: str) -> Any:
    return boto3.client('cloudformation', endpoint_url=user.heat.cfn_url, region_name='RegionOne',
                        aws_access_key_id=access, aws_secret_access_key=secret,
                        config=Config(retries={'max_attempts': 1}))


@pytest.fixture(scope='module')
def aws(user: User) -> Iterator[Any]:
    """CloudFormation with keys of the user."""
    session, api = user.session, identity(user.session, user.heat.cloud.auth_url)
    who = session.get_user_id()
    keys = api.post(f'/users/{who}/credentials/OS-EC2',
                    json={'tenant_id': session.get_project_id()}).json()['credential']
    yield client(user, keys['access'], keys['secret'])
    api.delete(f'/users/{who}/credentials/OS-EC2/{keys["access"]}')


@pytest.fixture
def press(user: User) -> Services:
    return Services(Stack(user, 'press'))


def parameters(**given: str) -> list[dict[str, Any]]:
    return [{'ParameterKey': name, 'ParameterValue': value} if value else
            {'ParameterKey': name, 'UsePreviousValue': True} for name, value in given.items()]


def parts(script: str) -> dict[str, str]:
    """The parts of a server's user data by the files they become."""
    return {str(part.get_filename()): part.get_payload(decode=True).decode()
            for part in email.message_from_string(script).walk() if not part.is_multipart()}


def test_wordpress_is_built_in_order_changed_and_leaves_nothing(
        press: Services, aws: Any, tmp_path: Path) -> None:
    stack = press.stack
    aws.create_stack(StackName='press', TemplateBody=TEMPLATE.read_text(), Parameters=parameters(**GIVEN),
                     Capabilities=['CAPABILITY_IAM'])
    stack.until('DatabaseWait', 'CREATE_IN_PROGRESS')
    database = stack.physical('DatabaseServer')
    assert set(press.all('server')) == {database}
    told = parts(guest.user_data(press.cloud, database))
    check_what_the_guest_reads(press, told)
    assert signal(told['cfn-userdata']) == 200

    stack.ends('CREATE_COMPLETE')
    shown, = aws.describe_stacks(StackName='press')['Stacks']
    assert shown['StackStatus'] == 'CREATE_COMPLETE'
    check(press, {one['OutputKey']: one['OutputValue'] for one in shown['Outputs']})
    change(press, aws)
    aws.delete_stack(StackName='press')
    stack.delete()
    assert press.all('server') == {}


def check_what_the_guest_reads(press: Services, told: dict[str, str]) -> None:
    """cfn-init's way: the keys of its user, the address of the API, the metadata of its resource."""
    user = press.stack.user
    access, secret = re.findall(r"'([0-9a-f]{32})'", told['cfn-userdata'])[:2]
    assert told['cfn-metadata-server'] == user.heat.cfn_url.removesuffix('/v1')
    assert 'cfn_region_endpoint = 127.0.0.1' in told['cfn-boto-cfg']
    inside = client(user, access, secret)

    def detail(name: str) -> Any:
        answer = inside.describe_stack_resource(StackName='press', LogicalResourceId=name)
        return answer['StackResourceDetail']

    metadata = json.loads(detail('DatabaseServer')['Metadata'])
    assert metadata == json.loads(told['cfn-init-data'])
    assert metadata['AWS::CloudFormation::Init']['config']['packages'] == {'apt': {'mariadb-server': []}}
    # The access policy names the servers only.
    with pytest.raises(ClientError, match='AccessDenied'):
        detail('VPC')
    with pytest.raises(ClientError):
        inside.delete_stack(StackName='press')


def signal(script: str) -> int:
    """What cfn-signal puts to the address in the script."""
    url = re.findall(r"'(http[^']*waitcondition[^']*)'", script)[0]
    body = {'Status': 'SUCCESS', 'Reason': 'ready', 'UniqueId': 'database', 'Data': ''}
    request = urllib.request.Request(url, json.dumps(body).encode(), {'Content-Type': ''}, method='PUT')
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(answer.status)


def check(press: Services, outputs: dict[str, str]) -> None:
    stack = press.stack
    database, web = press.of('server', 'DatabaseServer'), press.of('server', 'WebServer')
    port = press.of('port', 'DatabaseInterface')
    assert press.statuses() == {'ACTIVE'} and port['device_id'] == database['id']
    assert port['security_groups'] == [stack.physical('DatabaseSecurityGroup')]
    assert database['metadata'] == {'Role': 'database'} and web['metadata'] == {'Role': 'web'}
    used, = press.of('volume', 'DatabaseVolume')['attachments']
    assert used['server_id'] == database['id']
    assert press.ways_in('DatabaseSecurityGroup') == {('tcp', 3306, stack.physical('WebSecurityGroup'))}
    assert press.ways_in('WebSecurityGroup') == {
        ('tcp', 80, '0.0.0.0/0'), ('tcp', 22, '0.0.0.0/0'), ('icmp', None, '0.0.0.0/0')}
    # The route table has taken the main router's place, and leads outside.
    legs = press.all('port', device_owner='network:router_interface', network_id=stack.physical('VPC'))
    assert [one['device_id'] for one in legs.values()] == [stack.physical('RouteTable')]
    assert press.of('router', 'RouteTable')['external_gateway_info']
    address = press.of('floating IP', 'WebAddress')
    assert press.by_id('port', address['port_id'])['device_id'] == web['id']
    assert outputs['WebsiteURL'] == f'http://{address["floating_ip_address"]}/'
    assert outputs['DatabaseAddress'] == port['fixed_ips'][0]['ip_address']
    script = parts(guest.user_data(press.cloud, web['id']))['cfn-userdata']
    assert f"define('DB_HOST', '{outputs['DatabaseAddress']}');" in script
    assert PASSWORD in script and PASSWORD not in stack.user.heat.logs()


def change(press: Services, aws: Any) -> None:
    """A bigger database server in place, and a new web server that takes the address over."""
    stack, before = press.stack, press.of('server', 'DatabaseServer')
    web, address = stack.physical('WebServer'), press.of('floating IP', 'WebAddress')
    text = TEMPLATE.read_text().replace('systemctl reload apache2', 'systemctl restart apache2')
    aws.update_stack(StackName='press', TemplateBody=text, Parameters=parameters(
        **{**dict.fromkeys(GIVEN, ''), 'DatabaseType': 'm1.small'}), Capabilities=['CAPABILITY_IAM'])
    stack.ends('UPDATE_COMPLETE')
    after = press.of('server', 'DatabaseServer')
    assert after['id'] == before['id'] and after['flavor']['original_name'] == 'm1.small'
    assert stack.physical('WebServer') != web and set(press.all('server')) == {
        after['id'], stack.physical('WebServer')}
    served = press.of('floating IP', 'WebAddress')
    assert served['floating_ip_address'] == address['floating_ip_address']
    assert press.by_id('port', served['port_id'])['device_id'] == stack.physical('WebServer')


TARGET = {'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {
    name: {'Type': f'AWS::EC2::{kind}', 'Properties': props} for name, kind, props in (
        ('Vpc', 'VPC', {'CidrBlock': '10.60.0.0/16'}), ('Gateway', 'InternetGateway', {}),
        ('Subnet', 'Subnet', {'VpcId': {'Ref': 'Vpc'}, 'CidrBlock': '10.60.1.0/24'}),
        ('Table', 'RouteTable', {'VpcId': {'Ref': 'Vpc'}}),
        ('Way', 'VPCGatewayAttachment', {'VpcId': {'Ref': 'Vpc'}, 'InternetGatewayId': {'Ref': 'Gateway'}}),
        ('Tie', 'SubnetRouteTableAssociation', {'SubnetId': {'Ref': 'Subnet'},
                                                'RouteTableId': {'Ref': 'Table'}}),
        ('Port', 'NetworkInterface', {'SubnetId': {'Ref': 'Subnet'}}),
        ('Route', 'Route', {'RouteTableId': {'Ref': 'Table'}, 'DestinationCidrBlock': '172.16.0.0/12',
                            'NetworkInterfaceId': {'Ref': 'Port'}}),
        ('Disk', 'Volume', {'Size': '1', 'AvailabilityZone': 'nova'}))}}
POLICY = {'Statement': [
    {'Effect': 'Deny', 'Action': 'Update:Delete', 'Principal': '*', 'Resource': 'LogicalResourceId/Disk'},
    {'Effect': 'Allow', 'Action': 'Update:*', 'Principal': '*', 'Resource': '*'}]}


def test_tags_routes_and_a_policy(press: Services, aws: Any) -> None:
    stack = press.stack
    aws.create_stack(StackName='press', TemplateBody=json.dumps(TARGET), StackPolicyBody=json.dumps(POLICY),
                     Tags=[{'Key': 'team', 'Value': 'blue, and red'}])
    stack.ends('CREATE_COMPLETE')
    assert press.of('volume', 'Disk')['metadata'] == {'team': 'blue, and red'}
    hop = press.of('port', 'Port')['fixed_ips'][0]['ip_address']
    assert press.of('router', 'Table')['routes'] == [{'destination': '172.16.0.0/12', 'nexthop': hop}]
    disk = stack.physical('Disk')
    less = {**TARGET, 'Resources': {name: one for name, one in TARGET['Resources'].items()
                                    if name not in ('Disk', 'Route')}}
    aws.update_stack(StackName='press', TemplateBody=json.dumps(less))
    stack.ends('ROLLBACK_COMPLETE')
    assert stack.physical('Disk') == disk and press.of('router', 'Table')['routes']
    aws.detect_stack_drift(StackName='press', LogicalResourceIds=['Disk'])
    stack.ends('CHECK_COMPLETE')
    found, = aws.describe_stack_resource_drifts(StackName='press')['StackResourceDrifts']
    assert (found['LogicalResourceId'], found['StackResourceDriftStatus']) == ('Disk', 'IN_SYNC')
    aws.delete_stack(StackName='press')
    stack.delete()


def test_what_cannot_be_made_is_refused_with_its_service(press: Services, aws: Any) -> None:
    template: dict[str, Any] = {
        'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {'b': {'Type': 'AWS::EC2::NatGateway'}}}
    with pytest.raises(ClientError, match='AWS::EC2::NatGateway'):
        aws.create_stack(StackName='press', TemplateBody=json.dumps(template))
    assert press.stack.user.openstack('stack', 'list', '-f', 'json') == []
