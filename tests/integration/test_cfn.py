"""boto3 against heat-api-cfn, heat-engine and a real Keystone whose tokens live for seconds.

Keystone lets nothing be delegated by a signed request, so the engine gets its tokens by the EC2
credential itself: here it has to, since the request's own token is over long before the stack is.
"""
from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

from heat.clouds.credential import Credential
from heat.clouds.session import Sessions
from heat.common import config
from heat.model.op import CloudFault
from heat.simcloud.server import Settings, SimCloud
from tests.conftest import serving
from tests.servers.daemon import SLOWER
from tests.servers.heat import Heat, Identity
from tests.servers.keystone import Credentials, Keystone
from tests.servers.rabbitmq import RabbitMQ

TOKEN_LIFE = 8
SESSION = boto3.session.Session(region_name='RegionOne', botocore_session=botocore.session.get_session())
TEMPLATE = {
    'AWSTemplateFormatVersion': '2010-09-09', 'Description': 'a net',
    'Parameters': {'Label': {'Type': 'String', 'Default': 'first'},
                   'Hush': {'Type': 'String', 'NoEcho': 'true', 'Default': 'quiet'}},
    'Resources': {'Net': {'Type': 'OS::Neutron::Net', 'Properties': {'name': {'Ref': 'Label'}}},
                  'Word': {'Type': 'OS::Heat::RandomString', 'Metadata': {'k': ['<v>']}}},
    'Outputs': {'Where': {'Value': {'Ref': 'Net'}, 'Description': 'the net'}}}
BODY = json.dumps(TEMPLATE)


class ForeignCloud(SimCloud):
    """A simulated cloud whose callers are known to another Keystone."""

    def __init__(self, keystone: Keystone) -> None:
        super().__init__(settings=Settings(guests=False, token_lifetime=864000))
        self.keystone = keystone
        # token -> how its caller proved who it is
        self.seen: dict[str, list[str]] = {}
        self._own = ''

    def application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        token = environ.get('HTTP_X_AUTH_TOKEN', '')
        if token and not environ['PATH_INFO'].startswith('/identity'):
            asked = self.keystone.api().get('/auth/tokens', headers={'X-Subject-Token': token},
                                            raise_exc=False)
            if asked.status_code != 200:
                start_response('401 Unauthorized', [('Content-Type', 'application/json')])
                return [b'{}']
            self.seen[token] = asked.json()['token']['methods']
            environ['HTTP_X_AUTH_TOKEN'] = self._token()
        return super().application(environ, start_response)

    def _token(self) -> str:
        if not self._own:
            account = Credentials(self.auth_url, 'demo', 'demo', 'demo').session()
            self._own = account.get_token() or ''
        return self._own

    def nets(self) -> set[str]:
        return {row['name'] for row in self.inventory.networks.all()}


@pytest.fixture(scope='module')
def keystone(servers_directory: Path) -> Iterator[Keystone]:
    # Releases differ in whether they make trusts for signed requests; tests/cloud has one that does.
    with serving(Keystone(servers_directory / 'brief-keystone', token_life=TOKEN_LIFE,
                          trusts=False)) as server:
        yield server


@pytest.fixture(scope='module')
def cloud(keystone: Keystone) -> Iterator[ForeignCloud]:
    cloud = ForeignCloud(keystone)
    url = cloud.start()
    api = keystone.api()
    wish = {'service': {'type': 'network', 'name': 'neutron'}}
    service = api.post('/services', json=wish).json()['service']
    for interface in ('public', 'internal', 'admin'):
        api.post('/endpoints', json={'endpoint': {
            'service_id': service['id'], 'interface': interface, 'region_id': 'RegionOne',
            'url': f'{url}/network'}})
    yield cloud
    cloud.stop()


@pytest.fixture(scope='module')
def heat(servers_directory: Path, rabbitmq: RabbitMQ, keystone: Keystone,
         cloud: ForeignCloud) -> Iterator[Heat]:
    with serving(Heat(servers_directory / 'signed', keystone.database.database('signed'), rabbitmq.vhost(),
                      Identity.of_keystone(keystone), workers=1, api_workers=1, cfn=True)) as heat:
        yield heat
        print(heat.logs())  # shown if a test fails


def client(heat: Heat, access: str, secret: str) -> Any:
    return SESSION.client(
        'cloudformation', endpoint_url=heat.cfn_url, aws_access_key_id=access, aws_secret_access_key=secret,
        config=Config(retries={'total_max_attempts': 1}, proxies={}, read_timeout=60))


class Account:
    """A user's EC2 credential and the client that signs with it."""

    def __init__(self, keystone: Keystone, heat: Heat) -> None:
        self._keystone = keystone
        session = keystone.demo.session()
        self.user, self.project = str(session.get_user_id()), str(session.get_project_id())
        self.path = f'/users/{self.user}/credentials/OS-EC2'
        made = keystone.api(keystone.demo).post(self.path, json={'tenant_id': self.project}).json()
        self.access, self.secret = made['credential']['access'], made['credential']['secret']
        self.client = client(heat, self.access, self.secret)

    def wait(self, name: str, stack: str) -> None:
        self.client.get_waiter(name).wait(StackName=stack, WaiterConfig={
            'Delay': 0.3, 'MaxAttempts': 100 * SLOWER})

    def status(self, stack: str) -> str:
        return str(self.client.describe_stacks(StackName=stack)['Stacks'][0]['StackStatus'])

    def give_up(self) -> None:
        self._keystone.api(self._keystone.demo).delete(f'{self.path}/{self.access}')


@pytest.fixture(scope='module')
def account(keystone: Keystone, heat: Heat) -> Account:
    return Account(keystone, heat)


def fault(function: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        function(**arguments)
    return caught.value.response['Error']['Code'], caught.value.response['Error']['Message']


def test_a_whole_life_outlives_its_tokens(account: Account, heat: Heat, cloud: ForeignCloud) -> None:
    aws, began = account.client, time.monotonic()
    asked: dict[str, Any] = {'StackName': 'life', 'TemplateBody': BODY, 'ClientRequestToken': 'once',
                             'Tags': [{'Key': 'team', 'Value': 'a,b'}]}
    made = aws.create_stack(**asked)
    assert aws.create_stack(**asked)['StackId'] == made['StackId']
    assert fault(aws.create_stack, **{**asked, 'Tags': []})[0] == 'TokenAlreadyExistsException'
    assert fault(aws.create_stack, StackName='life', TemplateBody=BODY)[0] == 'AlreadyExistsException'
    assert fault(aws.create_stack, StackName='other', TemplateBody=BODY, ClientRequestToken='once')[0] == \
        'TokenAlreadyExistsException'
    account.wait('stack_create_complete', 'life')
    stack = aws.describe_stacks(StackName='life')['Stacks'][0]
    assert (stack['StackId'], stack['StackStatus']) == (made['StackId'], 'CREATE_COMPLETE')
    assert stack['Tags'] == [{'Key': 'team', 'Value': 'a,b'}]
    assert {one['ParameterKey']: one['ParameterValue'] for one in stack['Parameters']} == {
        'Label': 'first', 'Hush': '******'}
    net = aws.describe_stack_resource(StackName='life', LogicalResourceId='Net')['StackResourceDetail']
    assert stack['Outputs'][0]['OutputValue'] == net['PhysicalResourceId']
    assert 'first' in cloud.nets()
    first = set(cloud.seen)

    time.sleep(max(0.0, began + TOKEN_LIFE + 1 - time.monotonic()))
    assert fault(aws.update_stack, StackName='life', TemplateBody=BODY) == (
        'ValidationError', 'No updates are to be performed.')
    keep = {'ParameterKey': 'Hush', 'UsePreviousValue': True}
    aws.update_stack(StackName='life', UsePreviousTemplate=True, Parameters=[
        {'ParameterKey': 'Label', 'ParameterValue': 'second'}, keep])
    account.wait('stack_update_complete', 'life')
    assert cloud.nets() & {'first', 'second'} == {'second'}
    assert fault(aws.update_stack, StackName='life', UsePreviousTemplate=True, Parameters=[
        {'ParameterKey': 'Label', 'UsePreviousValue': True}, keep])[1] == 'No updates are to be performed.'
    pages = aws.get_paginator('describe_stack_events').paginate(StackName='life')
    events = [event for page in pages for event in page['StackEvents']]
    own = [event['ResourceStatus'] for event in events if event['PhysicalResourceId'] == made['StackId']]
    assert own[::-1] == ['CREATE_IN_PROGRESS', 'CREATE_COMPLETE', 'UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE']

    aws.delete_stack(StackName='life')
    account.wait('stack_delete_complete', made['StackId'])
    assert account.status(made['StackId']) == 'DELETE_COMPLETE'
    assert fault(aws.describe_stacks, StackName='life') == (
        'ValidationError', 'Stack with id life does not exist')
    assert not cloud.nets() & {'first', 'second'}
    # Other tokens than those of the creation did it, and all were got by the EC2 credential.
    assert set(cloud.seen) - first
    assert all(methods == ['ec2credential'] for methods in cloud.seen.values())


def test_nothing_of_the_credential_is_stored_in_clear(account: Account, heat: Heat,
                                                      keystone: Keystone) -> None:
    account.client.create_stack(StackName='kept', TemplateBody=BODY)
    account.wait('stack_create_complete', 'kept')
    rows = str(keystone.database.execute('SELECT * FROM signed.user_creds'))
    assert 'cryptography' in rows or 'fernet' in rows.lower()
    assert account.access not in rows and account.secret not in rows
    logs = ''.join(daemon.told() for daemon in heat.daemons())
    assert account.secret not in logs and len(logs) > 1000


def test_a_stack_outlives_the_credential_it_was_made_with(account: Account, keystone: Keystone,
                                                          heat: Heat) -> None:
    """Keys are changed now and then: the next request brings the one to go on with."""
    newer = Account(keystone, heat)
    account.give_up()
    # heat-api-cfn has believed Keystone for at most as long as the token lived.
    assert fault(account.client.list_stacks)[0] == 'InvalidClientTokenId'
    newer.client.update_stack(StackName='kept', UsePreviousTemplate=True, Parameters=[
        {'ParameterKey': 'Label', 'ParameterValue': 'third'}])
    newer.wait('stack_update_complete', 'kept')
    newer.give_up()
    # Without any EC2 credential: over the orchestration API, by a token, for which there are trusts.
    keystone.make_trusts(True)
    session = keystone.demo.session()
    stacks = f'{heat.url}/{newer.project}/stacks/kept'
    where = session.get(stacks, redirect=False, raise_exc=False).headers['Location']
    assert session.delete(where).status_code == 204
    until = time.monotonic() + 30 * SLOWER
    while session.get(stacks, redirect=False, raise_exc=False).status_code != 404:
        assert time.monotonic() < until, session.get(where).text
        time.sleep(0.3)


def test_what_fails_is_rolled_back_and_says_so(keystone: Keystone, heat: Heat) -> None:
    keystone.make_trusts(False)
    account = Account(keystone, heat)
    aws = account.client

    def body(fails: bool) -> str:
        return json.dumps({'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {
            'A': {'Type': 'OS::Heat::TestResource', 'Properties': {'value': str(fails), 'fail': fails}}}})

    aws.create_stack(StackName='bad', TemplateBody=body(True))
    with pytest.raises(WaiterError):
        account.wait('stack_create_complete', 'bad')
    settled(account, 'bad', 'ROLLBACK_COMPLETE')
    aws.delete_stack(StackName='bad')
    account.wait('stack_delete_complete', 'bad')
    aws.create_stack(StackName='good', TemplateBody=body(False))
    account.wait('stack_create_complete', 'good')
    aws.update_stack(StackName='good', TemplateBody=body(True))
    account.wait('stack_rollback_complete', 'good')
    listed = aws.list_stacks(StackStatusFilter=['UPDATE_ROLLBACK_COMPLETE'])['StackSummaries']
    assert [one['StackName'] for one in listed] == ['good']
    aws.delete_stack(StackName='good')
    account.wait('stack_delete_complete', 'good')


def settled(account: Account, stack: str, expected: str) -> None:
    until = time.monotonic() + 30 * SLOWER
    while account.status(stack).endswith('_IN_PROGRESS') and time.monotonic() < until:
        time.sleep(0.3)
    assert account.status(stack) == expected


def test_tools_inside_instances(account: Account, keystone: Keystone, heat: Heat) -> None:
    """The EC2 keys of a user inside an instance: its own resource's metadata, its own signals."""
    account = Account(keystone, heat)
    body = json.dumps({'heat_template_version': '2021-04-16', 'resources': {
        'handle': {'type': 'OS::Heat::WaitConditionHandle'}, 'other': {'type': 'OS::Heat::RandomString'},
        'ready': {'type': 'OS::Heat::WaitCondition', 'properties': {
            'handle': {'get_resource': 'handle'}, 'count': 3, 'timeout': 600}}}})
    made = account.client.create_stack(StackName='inside', TemplateBody=body)['StackId']
    until = time.monotonic() + 30 * SLOWER
    while not _is_begun(account, 'ready'):
        assert time.monotonic() < until, heat.logs()
        time.sleep(0.3)
    api = keystone.api()
    found = api.get('/domains', params={'name': keystone.domain_admin.user_domain}).json()['domains']
    users = api.get('/users', params={'domain_id': found[0]['id']}).json()['users']
    user = next(one for one in users if one['name'].startswith('inside-handle'))
    keys = {'access': uuid.uuid4().hex, 'secret': uuid.uuid4().hex}
    api.post('/credentials', json={'credential': {
        'type': 'ec2', 'user_id': user['id'], 'project_id': user['default_project_id'],
        'blob': json.dumps(keys)}})
    guest = client(heat, keys['access'], keys['secret'])
    for name in ('inside', made):
        detail = guest.describe_stack_resource(StackName=name, LogicalResourceId='handle')
        assert detail['StackResourceDetail']['ResourceStatus'] == 'CREATE_COMPLETE'
    for function, more in ((guest.describe_stack_resource, {'LogicalResourceId': 'other'}),
                           (guest.describe_stacks, {}), (guest.delete_stack, {})):
        assert fault(function, StackName='inside', **more)[0] == 'AccessDenied'
    guest.signal_resource(StackName='inside', LogicalResourceId='handle', UniqueId='1', Status='SUCCESS')

    host, opener = heat.cfn_url.split('/')[2], urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(verb: str, path: str, data: bytes | None = None, signed_as: str = '',
             params: dict[str, str] | None = None) -> bytes:
        wish = {'SignatureVersion': '2', 'SignatureMethod': 'HmacSHA256', 'AWSAccessKeyId': keys['access'],
                **(params or {})}
        query = '&'.join(f'{k}={quote(v, safe="-_~")}' for k, v in sorted(wish.items()))
        text = f'{signed_as or verb}\n{host}\n{path}\n{query}'
        digest = hmac.new(keys['secret'].encode(), text.encode(), hashlib.sha256).digest()
        signature = quote(base64.b64encode(digest).decode(), safe='')
        request = urllib.request.Request(f'http://{host}{quote(path)}?{query}&Signature={signature}', data,
                                         {'Content-Type': ''}, method=verb)
        with opener.open(request, timeout=30) as answer:
            return bytes(answer.read())

    # As os-collect-config asks, without a time and in version 2, and as heat-cfntools reads the answer.
    asked = {'Action': 'DescribeStackResource', 'StackName': 'inside', 'LogicalResourceId': 'handle'}
    metadata = ET.fromstring(call('GET', '/v1/', params=asked)).find(
        'DescribeStackResourceResult/StackResourceDetail/Metadata')
    assert metadata is not None and json.loads(metadata.text or '')['1']['status'] == 'SUCCESS'
    answer = json.loads(call('GET', '/v1/', params={**asked, 'ContentType': 'JSON'}))
    assert answer['DescribeStackResourceResponse']['DescribeStackResourceResult']['StackResourceDetail'][
        'Metadata']['1']['status'] == 'SUCCESS'
    # As curl signals a signed URL: no content type, the method that was signed.
    path = f'/v1/waitcondition/{made}/resources/handle'
    assert call('PUT', path, b'{"status": "SUCCESS", "id": "2"}') == b'<resource>handle</resource>'
    for verb, where, signed in (('PUT', path, 'GET'), ('PUT', f'{path}x', 'POST')):
        with pytest.raises(urllib.error.HTTPError) as refused:
            call(verb, where, b'{}', signed)
        assert refused.value.code == 403
    assert call('POST', f'/v1/signal/{made}/resources/handle', b'{"status": "SUCCESS", "id": "3"}') == b''
    account.wait('stack_create_complete', 'inside')
    account.client.delete_stack(StackName='inside')
    account.wait('stack_delete_complete', made)


def _is_begun(account: Account, resource: str) -> bool:
    found = account.client.list_stack_resources(StackName='inside')['StackResourceSummaries']
    return resource in [one['LogicalResourceId'] for one in found]


def test_whose_credential_it_is_and_who_may_read_it(keystone: Keystone, heat: Heat, tmp_path: Path) -> None:
    """The role reader on the system is enough, nothing is not, and no user acts as another."""
    account = Account(keystone, heat)
    api = keystone.api()
    made = api.post('/users', json={'user': {'name': 'narrow', 'password': 'p', 'domain_id': 'default'}})
    narrow = made.json()['user']['id']
    roles = {role['name']: role['id'] for role in api.get('/roles').json()['roles']}
    api.put(f'/projects/{keystone.project_id("service")}/users/{narrow}/roles/{roles["service"]}')
    file = tmp_path / 'heat.conf'
    file.write_text(f'''[keystone_authtoken]
auth_type = password
auth_url = {keystone.auth_url}
username = narrow
password = p
user_domain_name = Default
project_name = service
project_domain_name = Default
''')

    def access(user: str = account.user, project: str = account.project, key: str = account.access) -> Any:
        sessions = Sessions(config.load('heat-engine', [], [str(file)], logging_setup=False))
        return sessions.for_credential(Credential.of_ec2(key, project, user)).access()

    with pytest.raises(CloudFault, match='may not read EC2 credentials') as caught:
        access()
    assert caught.value.status == 401
    api.put(f'/system/users/{narrow}/roles/{roles["reader"]}')
    assert access().user_id == account.user
    for wrong in ({'user': narrow}, {'project': keystone.project_id('service')}):
        with pytest.raises(CloudFault, match='belongs to somebody else'):
            access(**wrong)
    with pytest.raises(CloudFault, match='is gone'):
        access(key='none')
    account.give_up()
    with pytest.raises(CloudFault, match='is gone'):
        access()
