"""The simulated cloud as its users meet it: real clients over a real socket.

Purpose: prove that OpenStack's own libraries find what they expect, and that
guests, faults, persistence and kill -9 behave as promised. Invariant: waits are
for an answer of the cloud, bounded by a deadline. Neighbours: ``heat.simcloud``.
"""

from __future__ import annotations

import base64
import copy
import http.server
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import openstack
import pytest
import webob
from keystoneauth1 import exceptions, session
from keystoneauth1.identity import v3
from keystoneclient.contrib.ec2.utils import Ec2Signer
from keystonemiddleware import auth_token
from novaclient import client as nova_client

from tests.servers.daemon import SLOWER

DEADLINE = 10.0


def until(check: Callable[[], Any]) -> Any:
    """The first true answer of ``check``; fails after DEADLINE seconds."""
    end = time.monotonic() + DEADLINE * SLOWER
    pause = threading.Event()
    while time.monotonic() < end:
        result = check()
        if result:
            return result
        pause.wait(0.05)
    raise AssertionError('waited in vain')


class Process:
    """A cloud in a process of its own, as ``python -m heat.simcloud`` makes it."""

    def __init__(self, *arguments: str) -> None:
        self.child = subprocess.Popen(
            [sys.executable, '-m', 'heat.simcloud', *arguments],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.child.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.child.stdout, selectors.EVENT_READ)
            assert selector.select(DEADLINE), 'the cloud did not start'
        self.url = self.child.stdout.readline().strip()

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()

    def end(self) -> int:
        self.child.terminate()
        return self.child.wait(DEADLINE)

    def login(self, name: str = 'demo', project: str | None = 'demo', **scope: Any) -> session.Session:
        if project:
            scope.update(project_name=project, project_domain_id='default')
        domain = scope.pop('user_domain', None)
        auth = v3.Password(
            f'{self.url}/identity',
            username=name,
            password=scope.pop('password', name),
            **({'user_domain_name': domain} if domain else {'user_domain_id': 'default'}),
            **scope,
        )
        return session.Session(auth)


@pytest.fixture(scope='module')
def cloud() -> Iterator[Process]:
    process = Process()
    yield process
    assert process.end() == 0


@pytest.fixture
def demo(cloud: Process) -> Any:
    connection = openstack.connection.Connection(session=cloud.login(), region_name='RegionOne')
    yield connection
    connection.session.delete(f'{cloud.url}/__sim__/faults', authenticated=False)


def sim(cloud: Process, path: str) -> Any:
    return session.Session().get(f'{cloud.url}/__sim__/{path}').json()


def test_a_server_on_a_network_with_a_floating_ip_comes_and_goes(cloud: Process, demo: Any) -> None:
    before = {
        kind: row['count']
        for kind, row in sim(cloud, 'inventory').items()
        if kind not in ('tokens', 'security_groups', 'security_group_rules')
    }
    network = demo.network.create_network(name='front')
    subnet = demo.network.create_subnet(network_id=network.id, cidr='10.9.0.0/28', ip_version=4)
    assert subnet.gateway_ip == '10.9.0.1'
    public = demo.network.find_network('public')
    router = demo.network.create_router(external_gateway_info={'network_id': public.id})
    port = demo.network.create_port(network_id=network.id)
    with pytest.raises(openstack.exceptions.NotFoundException, match='not reachable from subnet'):
        demo.network.create_ip(floating_network_id=public.id, port_id=port.id)
    demo.network.add_interface_to_router(router, subnet_id=subnet.id)
    floating = demo.network.create_ip(floating_network_id=public.id, port_id=port.id)
    volume = demo.block_storage.create_volume(size=1, name='data')
    demo.block_storage.wait_for_status(volume, 'available', interval=0.05, wait=DEADLINE)
    server = demo.compute.create_server(
        name='web',
        image_id=demo.image.find_image('cirros').id,
        flavor_id='1',
        networks=[{'port': port.id}],
        block_device_mapping=[
            {'uuid': volume.id, 'source_type': 'volume', 'destination_type': 'volume', 'boot_index': -1}
        ],
    )
    server = demo.compute.wait_for_server(server, interval=0.05, wait=DEADLINE)
    assert [item['addr'] for item in server.addresses['front']] == ['10.9.0.2', floating.floating_ip_address]
    until(lambda: demo.block_storage.get_volume(volume).status == 'in-use')
    for busy, delete in (
        (network, demo.network.delete_network),
        (subnet, demo.network.delete_subnet),
        (router, demo.network.delete_router),
    ):
        with pytest.raises(openstack.exceptions.ConflictException):
            delete(busy)
    with pytest.raises(openstack.exceptions.ConflictException, match='required by one or more floating IPs'):
        demo.network.remove_interface_from_router(router, subnet_id=subnet.id)
    demo.compute.delete_server(server)
    demo.compute.wait_for_delete(server, interval=0.05, wait=DEADLINE)
    assert demo.network.get_port(port).device_id == ''
    assert demo.block_storage.get_volume(volume).status == 'available'
    demo.network.delete_ip(floating)
    demo.network.remove_interface_from_router(router, subnet_id=subnet.id)
    demo.network.delete_router(router)
    demo.network.delete_port(port)
    demo.network.delete_network(network)
    demo.block_storage.delete_volume(volume)
    demo.block_storage.wait_for_delete(volume, interval=0.05, wait=DEADLINE)
    after = sim(cloud, 'inventory')
    assert {kind: after[kind]['count'] for kind in before} == before


def test_novaclient_resizes_attaches_and_reads_the_console(cloud: Process, demo: Any) -> None:
    nova = nova_client.Client('2.90', session=cloud.login())
    network = demo.network.create_network(name='back')
    demo.network.create_subnet(network_id=network.id, cidr='10.8.0.0/24', ip_version=4)
    server = nova.servers.create('n1', demo.image.find_image('cirros').id, '1', nics=[{'net-id': network.id}])
    with pytest.raises(Exception, match='while it is in'):
        server.resize('2')
    until(lambda: nova.servers.get(server.id).status == 'ACTIVE')
    server.resize('2')
    until(lambda: nova.servers.get(server.id).status == 'VERIFY_RESIZE')
    server.confirm_resize()
    assert nova.servers.get(server.id).flavor['original_name'] == 'm1.small'
    assert 'Booting' in server.get_console_output()
    second = server.interface_attach(None, network.id, None)
    assert len(server.interface_list()) == 2
    server.interface_detach(second.port_id)
    assert len(server.interface_list()) == 1
    volume = demo.block_storage.create_volume(size=1)
    demo.block_storage.wait_for_status(volume, 'available', interval=0.05, wait=DEADLINE)
    nova.volumes.create_server_volume(server.id, volume.id)
    until(lambda: demo.block_storage.get_volume(volume).status == 'in-use')
    nova.volumes.delete_server_volume(server.id, volume.id)
    until(lambda: demo.block_storage.get_volume(volume).status == 'available')
    server.stop()
    until(lambda: nova.servers.get(server.id).status == 'SHUTOFF')
    server.delete()
    until(lambda: server.id not in [row.id for row in nova.servers.list()])
    demo.network.delete_network(network)


def test_a_trust_lets_the_trustee_act_until_it_is_deleted(cloud: Process) -> None:
    demo, heat = cloud.login(), cloud.login('heat', 'service')
    demo_id, project = demo.get_user_id(), demo.get_project_id()
    body = {
        'trust': {
            'trustor_user_id': demo_id,
            'trustee_user_id': heat.get_user_id(),
            'impersonation': True,
            'project_id': project,
            'roles': [{'name': 'member'}],
        }
    }
    trusts = f'{cloud.url}/identity/v3/OS-TRUST/trusts'
    with pytest.raises(exceptions.Forbidden):
        heat.post(trusts, json=body)
    trust = demo.post(trusts, json=body).json()['trust']
    acting = cloud.login('heat', None, trust_id=trust['id'])
    assert (acting.get_user_id(), acting.get_project_id()) == (demo_id, project)
    assert acting.auth.get_access(acting).role_names == ['member']
    with pytest.raises(exceptions.Forbidden):
        acting.post(trusts, json=body)
    token = acting.get_token()
    demo.delete(f'{trusts}/{trust["id"]}')
    with pytest.raises(exceptions.Unauthorized):
        session.Session().get(f'{cloud.url}/network/v2.0/networks', headers={'X-Auth-Token': token})
    with pytest.raises(exceptions.Forbidden):
        cloud.login('heat', None, trust_id=trust['id']).get_token()


def test_an_application_credential_acts_in_its_project_and_delegates_nothing(cloud: Process) -> None:
    demo, base = cloud.login(), f'{cloud.url}/identity/v3'
    own = f'{base}/users/{demo.get_user_id()}/application_credentials'
    secrets = {}
    for name, unrestricted in (('narrow', False), ('wide', True)):
        made = demo.post(own, json={'application_credential': {
            'name': name, 'roles': [{'name': 'member'}], 'unrestricted': unrestricted}})
        secrets[name] = made.json()['application_credential']
    assert [row['name'] for row in demo.get(own).json()['application_credentials']] == ['narrow', 'wide']
    assert 'secret' not in demo.get(f'{own}/{secrets["wide"]["id"]}').json()['application_credential']

    def program(name: str, **more: Any) -> session.Session:
        return session.Session(v3.ApplicationCredential(
            f'{cloud.url}/identity', application_credential_id=secrets[name]['id'],
            **{'application_credential_secret': secrets[name]['secret'], **more}))

    for name in secrets:
        acting = program(name)
        seen = acting.auth.get_access(acting)
        assert (seen.user_id, seen.project_id) == (demo.get_user_id(), demo.get_project_id())
        assert seen.role_names == ['member']
        assert acting.get(f'{cloud.url}/network/v2.0/networks').status_code == 200
        with pytest.raises(exceptions.Forbidden, match='not allowed for managing trusts'):
            acting.get(f'{base}/OS-TRUST/trusts')
        with pytest.raises(exceptions.Forbidden, match='rescope'):
            session.Session(v3.Token(base, acting.get_token())).get_token()
    wish = {'application_credential': {'name': 'another'}}
    with pytest.raises(exceptions.Forbidden):
        program('narrow').post(own, json=wish)
    assert program('wide').post(own, json=wish).status_code == 201
    with pytest.raises(exceptions.Unauthorized):
        program('wide', application_credential_secret='guessed').get_token()
    with pytest.raises(exceptions.Forbidden):
        demo.get(own.replace(demo.get_user_id(), cloud.login('admin', 'admin').get_user_id()))
    with pytest.raises(exceptions.Conflict):
        demo.post(own, json=wish)
    with pytest.raises(exceptions.BadRequest):
        demo.post(own, json={'application_credential': {'name': 'x', 'roles': [{'name': 'admin'}]}})
    token = program('wide').get_token()
    demo.delete(f'{own}/{secrets["wide"]["id"]}')
    with pytest.raises(exceptions.Unauthorized):
        session.Session().get(f'{cloud.url}/network/v2.0/networks', headers={'X-Auth-Token': token})


def test_the_domain_admin_keeps_users_of_stacks(cloud: Process) -> None:
    keeper = cloud.login('heat_domain_admin', None, user_domain='heat', domain_name='heat', password='heat')
    base = f'{cloud.url}/identity/v3'
    domain = keeper.auth.get_access(keeper).domain_id
    project = keeper.post(
        f'{base}/projects', json={'project': {'name': 'stack-1', 'domain_id': domain}}
    ).json()
    user = keeper.post(
        f'{base}/users', json={'user': {'name': 'stack-user', 'password': 's3cret', 'domain_id': domain}}
    ).json()['user']
    role = keeper.get(f'{base}/roles', params={'name': 'heat_stack_user'}).json()['roles'][0]
    grant = f'{base}/projects/{project["project"]["id"]}/users/{user["id"]}/roles/{role["id"]}'
    assert keeper.put(grant).status_code == 204
    login = session.Session(
        v3.Password(base, user_id=user['id'], password='s3cret', project_id=project['project']['id'])
    )
    assert login.auth.get_access(login).role_names == ['heat_stack_user']
    pair = login.post(
        f'{base}/users/{user["id"]}/credentials/OS-EC2', json={'tenant_id': project['project']['id']}
    ).json()['credential']
    assert pair['access'] and pair['secret']
    signed = {
        'access': pair['access'],
        'verb': 'POST',
        'host': 'heat.example:8000',
        'path': '/v1/signal/arn:openstack:heat::p:stacks/s/i/resources/r',
        'params': {
            'AWSAccessKeyId': pair['access'],
            'SignatureMethod': 'HmacSHA256',
            'SignatureVersion': '2',
        },
    }
    signed['signature'] = Ec2Signer(pair['secret']).generate(dict(signed))
    told = keeper.post(f'{base}/ec2tokens', json={'ec2Credentials': signed})
    assert told.headers['X-Subject-Token']
    assert told.json()['token']['project']['id'] == project['project']['id']
    for where in ('headers', 'params'):
        # Version 4, in a header and in the query.
        scope = f'{pair["access"]}/20261126/RegionOne/ssm/aws4_request'
        version_4 = {
            'access': pair['access'], 'verb': 'POST' if where == 'headers' else 'GET',
            'host': 'heat.example:8000', 'path': '/v1/', 'body_hash': '0' * 64,
            'headers': {'Host': 'heat.example:8000', 'X-Amz-Target': 'AmazonSSM.GetParameter'},
            'params': {'b': 'ü /*', 'a': ''}}
        version_4[where] |= {'Authorization': (
            f'AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-target, Signature=x'),
            'X-Amz-Date': '20261126T101112Z'} if where == 'headers' else {
                'X-Amz-Credential': scope, 'X-Amz-SignedHeaders': 'host', 'X-Amz-Date': '20261126T101112Z',
                'X-Amz-Algorithm': 'AWS4-HMAC-SHA256'}
        version_4['signature'] = Ec2Signer(pair['secret']).generate(copy.deepcopy(version_4))
        told = keeper.post(f'{base}/ec2tokens', json={'ec2Credentials': version_4})
        assert told.json()['token']['project']['id'] == project['project']['id']
        version_4['path'] = '/'
        with pytest.raises(exceptions.Unauthorized):
            keeper.post(f'{base}/ec2tokens', json={'ec2Credentials': version_4})
    signed['verb'] = 'PUT'
    with pytest.raises(exceptions.Unauthorized):
        keeper.post(f'{base}/ec2tokens', json={'ec2Credentials': signed})
    with pytest.raises(exceptions.Forbidden):
        login.get(f'{base}/users')
    keeper.delete(f'{base}/users/{user["id"]}')
    keeper.delete(f'{base}/projects/{project["project"]["id"]}')
    with pytest.raises(exceptions.Unauthorized):
        session.Session(v3.Password(base, user_id=user['id'], password='s3cret')).get_token()


def test_keystonemiddleware_accepts_its_tokens_and_no_others(cloud: Process) -> None:
    def hello(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response('200 OK', [])
        return [f'{environ["HTTP_X_USER_NAME"]} {environ["HTTP_X_ROLES"]}'.encode()]

    guarded = auth_token.AuthProtocol(
        hello,
        {
            'auth_type': 'password',
            'auth_url': f'{cloud.url}/identity',
            'username': 'heat',
            'password': 'heat',
            'project_name': 'service',
            'user_domain_id': 'default',
            'project_domain_id': 'default',
            'www_authenticate_uri': f'{cloud.url}/identity',
        },
    )
    good = webob.Request.blank('/', headers={'X-Auth-Token': cloud.login().get_token()}).get_response(guarded)
    assert good.text == 'demo member,reader,heat_stack_owner'
    bad = webob.Request.blank('/', headers={'X-Auth-Token': 'forged'}).get_response(guarded)
    assert bad.status_int == 401


def test_projects_do_not_see_each_other(cloud: Process, demo: Any) -> None:
    admin = openstack.connection.Connection(session=cloud.login('admin', 'admin'))
    volume = admin.block_storage.create_volume(size=1)
    network = admin.network.create_network(name='hidden')
    assert demo.network.find_network('hidden') is None
    with pytest.raises(openstack.exceptions.NotFoundException):
        demo.block_storage.get_volume(volume.id)
    with pytest.raises(exceptions.Unauthorized):
        session.Session().get(f'{cloud.url}/compute/v2.1/servers')
    admin.network.delete_network(network)
    admin.block_storage.wait_for_status(volume, 'available', interval=0.05, wait=DEADLINE)
    admin.block_storage.delete_volume(volume)


def test_a_fault_hits_as_often_as_it_was_asked_to(cloud: Process, demo: Any) -> None:
    raw, faults = cloud.login(), f'{cloud.url}/__sim__/faults'
    url = f'{cloud.url}/network/v2.0/networks'
    raw.post(
        faults,
        json={
            'service': 'network',
            'method': 'POST',
            'path': '/networks',
            'status': 503,
            'skip': 1,
            'count': 1,
        },
    )
    codes = [
        raw.post(url, json={'network': {'name': f'f{n}'}}, raise_exc=False).status_code for n in range(3)
    ]
    assert codes == [201, 503, 201]
    raw.delete(faults)
    raw.post(faults, json={'path': '/networks', 'method': 'POST', 'kind': 'drop_after', 'count': 1})
    with pytest.raises(exceptions.ConnectFailure):
        raw.post(url, json={'network': {'name': 'lost'}}, connect_retries=0)
    raw.post(faults, json={'path': '/networks', 'method': 'POST', 'kind': 'drop_before', 'count': 1})
    with pytest.raises(exceptions.ConnectFailure):
        raw.post(url, json={'network': {'name': 'never'}}, connect_retries=0)
    names = {row['name'] for row in raw.get(url).json()['networks']}
    assert 'lost' in names and 'never' not in names
    assert raw.post(faults, json={'kind': 'nonsense'}, raise_exc=False).status_code == 400
    for row in demo.network.networks(project_id=demo.current_project_id):
        demo.network.delete_network(row)


class Listener(http.server.ThreadingHTTPServer):
    """Writes down what guests send; refuses the first ``refuse`` of them."""

    def __init__(self, refuse: int = 0) -> None:
        self.heard: list[tuple[str, str, str | None, Any]] = []
        self.refuse = refuse
        super().__init__(('127.0.0.1', 0), Ear)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.server_port}'


class Ear(http.server.BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        self.server.refuse -= 1
        if self.server.refuse < 0:
            self.server.heard.append(
                (self.command, self.path, self.headers.get('X-Auth-Token'), json.loads(body))
            )
        self.send_response(200 if self.server.refuse < 0 else 503)
        self.send_header('Content-Length', '0')
        self.end_headers()

    do_PUT = do_POST

    def log_message(self, *_args: Any) -> None:
        """Stay silent."""


def test_a_booted_guest_sends_its_signals_over_http(cloud: Process, demo: Any) -> None:
    ear = Listener(refuse=1)
    raw = cloud.login()
    raw.post(f'{cloud.url}/__sim__/settings', json={'guest_retry': 0.1})
    script = f"""#!/bin/bash
TOKEN="tok-1"
URL={ear.url}/v1/demo/signal
apt-get install -y mysql-server
curl -i -X POST -H "X-Auth-Token: $TOKEN" -H 'Content-Type: application/json' \\
     -H 'Accept: application/json' "${{URL}}" --data-binary '{{"status": "SUCCESS", "data": "ready"}}'
/opt/aws/bin/cfn-signal -e 0 -r "all done" '{ear.url}/v1/waitcondition/x?Signature=abc&Expires=1'
"""
    server = demo.compute.create_server(
        name='guest',
        image_id=demo.image.find_image('cirros').id,
        flavor_id='1',
        networks='none',
        user_data=base64.b64encode(script.encode()).decode(),
    )
    until(lambda: len(ear.heard) == 2)
    assert ear.heard[0] == ('POST', '/v1/demo/signal', 'tok-1', {'status': 'SUCCESS', 'data': 'ready'})
    assert ear.heard[1][:2] == ('PUT', '/v1/waitcondition/x?Signature=abc&Expires=1')
    assert ear.heard[1][3]['Status'] == 'SUCCESS' and ear.heard[1][3]['Reason'] == 'all done'
    demo.compute.delete_server(server)
    ear.shutdown()
    ear.server_close()


def test_a_killed_cloud_comes_back_with_everything(tmp_path: Any) -> None:
    state = os.fspath(tmp_path / 'cloud.jsonl')
    first = Process('--state', state)
    made = first.login().post(f'{first.url}/network/v2.0/networks', json={'network': {'name': 'kept'}}).json()
    ids = {kind: row['ids'] for kind, row in sim(first, 'inventory').items()}
    first.kill()
    with open(state, 'ab') as stream:
        stream.write(b'["networks", "torn')
    second = Process('--state', state)
    networks = (
        second.login().get(f'{second.url}/network/v2.0/networks', params={'name': 'kept'}).json()['networks']
    )
    assert [row['id'] for row in networks] == [made['network']['id']]
    again = {kind: row['ids'] for kind, row in sim(second, 'inventory').items()}
    assert {kind: again[kind] for kind in ids if kind != 'tokens'} == {
        kind: ids[kind] for kind in ids if kind != 'tokens'
    }
    assert second.end() == 0
