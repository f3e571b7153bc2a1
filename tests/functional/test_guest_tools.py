"""The real heat-cfntools against heat-all: servers that set themselves up as the shipped template says.

The cloud's own guests are off, so a stack goes on only because of what a tool did in a machine.
"""
from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.functional.test_quickstart import TEMPLATES, Running, start, stop
from tests.functional.test_software import demo, until, user_data
from tests.machine import Machine

PRESS = (TEMPLATES / 'wordpress-two-servers.yaml').read_text()
CREDENTIALS = '/etc/cfn/cfn-credentials'
CONFIG = '/etc/mysql/mariadb.conf.d/99-wordpress.cnf'
HANDLES = '''
HeatTemplateFormatVersion: '2012-12-12'
Resources:
  Handle: {Type: 'AWS::CloudFormation::WaitConditionHandle'}
  Wait:
    Type: AWS::CloudFormation::WaitCondition
    Properties: {Handle: {Ref: Handle}, Timeout: 600, Count: 2}
Outputs:
  Url: {Value: {Ref: Handle}}
  Data: {Value: {'Fn::GetAtt': [Wait, Data]}}
'''


@pytest.fixture(scope='module')
def heat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(tmp_path_factory.mktemp('tools') / 'state')
    request = urllib.request.Request(f'{running.ready["cloud"]}/__sim__/settings', b'{"guests": false}')
    urllib.request.urlopen(request, timeout=10).close()
    yield running
    stop(running)


class Stacks:
    """CloudFormation as its users have it."""

    def __init__(self, heat: Running) -> None:
        self.heat = heat
        session = demo(heat)
        account = f'{heat.ready["auth_url"]}/users/{session.get_user_id()}'
        made = session.post(f'{account}/credentials/OS-EC2', json={
            'tenant_id': session.get_project_id()}).json()['credential']
        self.client = boto3.client(
            'cloudformation', endpoint_url=heat.ready['cloudformation'], region_name='RegionOne',
            aws_access_key_id=made['access'], aws_secret_access_key=made['secret'],
            config=Config(retries={'max_attempts': 1}, proxies={}))

    def shown(self, stack: str) -> dict[str, Any]:
        (found,) = self.client.describe_stacks(StackName=stack)['Stacks']
        return dict(found)

    def output(self, stack: str, name: str) -> str | None:
        given = {one['OutputKey']: one['OutputValue'] for one in self.shown(stack).get('Outputs', ())}
        return given.get(name)

    def until(self, what: Callable[[], Any]) -> Any:
        return until(what, self.heat)

    def ends(self, stack: str, status: str) -> None:
        self.until(lambda: not self.shown(stack)['StackStatus'].endswith('_IN_PROGRESS'))
        shown = self.shown(stack)
        assert shown['StackStatus'] == status, shown

    def resource(self, stack: str, name: str) -> dict[str, Any]:
        found = self.client.list_stack_resources(StackName=stack)['StackResourceSummaries']
        return next((one for one in found if one['LogicalResourceId'] == name), {})

    def reaches(self, stack: str, name: str, status: str) -> str:
        """Wait for the resource, and give its id."""
        self.until(lambda: self.resource(stack, name).get('ResourceStatus') == status)
        return str(self.resource(stack, name).get('PhysicalResourceId'))

    def delete(self, stack: str) -> None:
        stack_id = self.shown(stack)['StackId']
        self.client.delete_stack(StackName=stack)
        self.ends(stack_id, 'DELETE_COMPLETE')


@pytest.fixture(scope='module')
def stacks(heat: Running) -> Stacks:
    return Stacks(heat)


@pytest.fixture
def machines() -> Iterator[list[Machine]]:
    """Machines to be, which are off at the end."""
    made: list[Machine] = []
    yield made
    for one in made:
        one.off()


def machine(made: list[Machine]) -> Machine:
    one = Machine.on()
    made.append(one)
    # What of a distribution is not here or shall not be touched, some where cfn-init looks for it.
    one.has('blkid', 'mount', 'umount', 'mkfs.ext4', 'a2enconf', '/usr/bin/systemctl')
    one.has('/usr/bin/apt-get', does='mkdir -p /etc/wordpress')
    one.has('mysql', does='cat > /var/lib/mysql/script.sql')
    return one


def boots(stacks: Stacks, made: list[Machine], name: str) -> Machine:
    """The machine of a server of the stack press, after its first boot, which must go well."""
    server = stacks.reaches('press', name, 'CREATE_COMPLETE')
    one = machine(made)
    status = one.boot(user_data(stacks.heat, server), server)
    assert status == 0, one.logs()
    return one


def test_two_servers_set_themselves_up(stacks: Stacks, machines: list[Machine]) -> None:
    stacks.client.create_stack(
        StackName='press', TemplateBody=PRESS, Capabilities=['CAPABILITY_IAM'],
        Parameters=[{'ParameterKey': 'DBPassword', 'ParameterValue': 'correcthorse'}])
    database = boots(stacks, machines, 'DatabaseServer')
    stacks.ends('press', 'CREATE_COMPLETE')

    assert database.read(CONFIG) == '[mysqld]\nbind-address = 0.0.0.0\n'
    said = database.said()
    assert said.index('apt-get -y install mariadb-server') < said.index('systemctl restart mariadb')
    assert 'CREATE DATABASE IF NOT EXISTS wordpress;' in database.read('/var/lib/mysql/script.sql')
    assert 'Provision done' in database.read('/var/log/heat-provision.log')
    events = stacks.client.describe_stack_events(StackName='press')['StackEvents']
    assert 'Signal: status:SUCCESS reason:The database is ready.' in [
        one.get('ResourceStatusReason') for one in events if one['LogicalResourceId'] == 'DatabaseReady']

    web = boots(stacks, machines, 'WebServer')
    assert 'Require all granted' in web.read('/etc/apache2/conf-available/wordpress.conf')
    address = stacks.output('press', 'DatabaseAddress')
    assert f"define('DB_HOST', '{address}');" in web.read('/etc/wordpress/config-default.php')
    assert web.said()[-2:] == ['a2enconf wordpress', 'systemctl reload apache2']

    asks_for_its_metadata(database)
    hears_of_a_change(stacks, database)
    stacks.delete('press')
    assert 'correcthorse' not in stacks.heat.log()


def asks_for_its_metadata(database: Machine) -> None:
    """cfn-get-metadata by the keys in the user data, and of its own resources only."""
    # Nothing that lies on the machine shall stand in for the answer.
    database.run('rm', '-rf', '/var/cache/heat-cfntools', '/var/lib/heat-cfntools/cfn-init-data')
    command = ('cfn-get-metadata', '-s', 'press', '--credential-file', CREDENTIALS, '-r')
    shown = json.loads(database.run(*command, 'DatabaseServer'))
    assert shown['AWS::CloudFormation::Init']['config']['packages'] == {'apt': {'mariadb-server': []}}
    part = database.run(*command, 'WebServer', '-k', "'AWS::CloudFormation::Init'.config.packages.apt")
    assert set(json.loads(part)) == {'apache2', 'libapache2-mod-php', 'php-mysql', 'wordpress'}
    assert database.run(*command, 'VPC', status=1) == ''


def hears_of_a_change(stacks: Stacks, database: Machine) -> None:
    """cfn-hup runs its hook when the metadata has changed, and not before; the hook applies it."""
    keys = dict(line.split('=', 1) for line in database.read(CREDENTIALS).splitlines())
    apply = (f'cfn-init -s press -r DatabaseServer --access-key {keys["AWSAccessKeyId"]} '
             f'--secret-key {keys["AWSSecretKey"]} && echo applied >> /var/log/said')
    database.write('/etc/cfn/cfn-hup.conf', f'[main]\nstack=press\ncredential-file={CREDENTIALS}\n'
                   'region=RegionOne\ninterval=1\n')
    database.write('/etc/cfn/hooks.conf', '[apply]\ntriggers=post.update\n'
                   f'path=Resources.DatabaseServer.Metadata\naction={apply}\nrunas=root\n')
    database.run('cfn-hup', '-f')
    before = database.said().count('applied')
    database.run('cfn-hup', '-f')
    assert database.said().count('applied') == before
    server = stacks.resource('press', 'DatabaseServer')['PhysicalResourceId']
    changed = PRESS.replace('bind-address = 0.0.0.0', 'bind-address = 0.0.0.0\\nmax_connections = 7')
    stacks.client.update_stack(
        StackName='press', TemplateBody=changed, Capabilities=['CAPABILITY_IAM'],
        Parameters=[{'ParameterKey': 'DBPassword', 'UsePreviousValue': True}])
    stacks.ends('press', 'UPDATE_COMPLETE')
    assert stacks.resource('press', 'DatabaseServer')['PhysicalResourceId'] == server
    database.run('cfn-hup', '-f')
    assert database.said().count('applied') == before + 1
    assert database.read(CONFIG) == '[mysqld]\nbind-address = 0.0.0.0\nmax_connections = 7\n'


def test_signals_of_the_tool(stacks: Stacks, machines: list[Machine]) -> None:
    inside = machine(machines)
    inside.write('/var/lib/heat-cfntools/nova_meta.json', '{"uuid": "server"}')
    for stack, code, end in (('good', '0', 'CREATE_COMPLETE'), ('bad', '3', 'CREATE_FAILED')):
        stacks.client.create_stack(StackName=stack, TemplateBody=HANDLES, OnFailure='DO_NOTHING')
        stacks.reaches(stack, 'Wait', 'CREATE_IN_PROGRESS')
        url = stacks.output(stack, 'Url') or ''
        assert re.search(r'/v1/waitcondition/arn%3Aopenstack%3Aheat.*&Signature=', url)
        # The same one twice is one; where no id is given it is the server's.
        for _ in range(2):
            inside.run('cfn-signal', '-s', 'true', '-d', 'one', url)
        assert stacks.shown(stack)['StackStatus'] == 'CREATE_IN_PROGRESS'
        inside.run('cfn-signal', '-e', code, '-i', 'other', '-r', 'it ended', '-d', 'two', url)
        stacks.ends(stack, end)
    assert json.loads(stacks.output('good', 'Data') or '') == {'server': 'one', 'other': 'two'}
    assert stacks.shown('bad')['StackStatusReason'] == (
        'Resource CREATE failed: WaitConditionFailure: resources.Wait: it ended')
    for stack in ('good', 'bad'):
        stacks.delete(stack)
