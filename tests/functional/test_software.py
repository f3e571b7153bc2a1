"""Software deployments as people and servers use them: the real client, and an agent over HTTP.

The agent stands for what runs in a server.
"""

from __future__ import annotations

import base64
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from keystoneauth1 import session
from keystoneauth1.identity import v3

from tests.agent import Agent
from tests.functional.test_quickstart import Running, start, stop
from tests.servers.daemon import SLOWER

PATIENCE = 60.0
TEMPLATE = """
heat_template_version: 2018-08-31
parameters:
  transport: {{type: string, default: CFN_SIGNAL}}
  script: {{type: string, default: echo}}
resources:
  network: {{type: 'OS::Neutron::Net'}}
  subnet:
    type: OS::Neutron::Subnet
    properties: {{network: {{get_resource: network}}, cidr: 10.9.0.0/24}}
  server:
    type: OS::Nova::Server
    depends_on: subnet
    properties:
      image: {image}
      flavor: {flavor}
      networks: [{{network: {{get_resource: network}}}}]
      user_data_format: SOFTWARE_CONFIG
      software_config_transport: POLL_SERVER_HEAT
  config:
    type: OS::Heat::SoftwareConfig
    properties:
      group: script
      config: {{get_param: script}}
      inputs: [{{name: who}}]
      outputs: [{{name: result}}]
  deployment:
    type: OS::Heat::SoftwareDeployment
    properties:
      config: {{get_resource: config}}
      server: {{get_resource: server}}
      signal_transport: {{get_param: transport}}
      input_values: {{who: world}}
outputs:
  result: {{value: {{get_attr: [deployment, result]}}}}
  stdout: {{value: {{get_attr: [deployment, deploy_stdout]}}}}
"""


@pytest.fixture(scope='module')
def heat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(tmp_path_factory.mktemp('software') / 'state')
    yield running
    stop(running)


def until(what: Callable[[], Any], running: Running) -> Any:
    """The first true value of ``what``."""
    end = time.monotonic() + PATIENCE * SLOWER
    while not (found := what()):
        assert time.monotonic() < end, running.log()[-4000:]
        # Other processes are waited for.
        time.sleep(0.2)
    return found


def demo(running: Running, name: str = 'demo') -> session.Session:
    """The session of a user of the cloud, whose password and project are called as the user."""
    return session.Session(v3.Password(
        auth_url=running.ready['auth_url'], username=name, password=name, project_name=name,
        user_domain_name='Default', project_domain_name='Default'))


def user_data(running: Running, server_id: str) -> str:
    """What the hypervisor gave the server, told to an administrator."""
    shown = demo(running, 'admin').get(
        f'/servers/{server_id}', endpoint_filter={'service_type': 'compute'},
        headers={'X-OpenStack-Nova-API-Version': '2.79'}).json()['server']
    return base64.b64decode(shown['OS-EXT-SRV-ATTR:user_data']).decode()


def agent_of(running: Running, stack: str) -> Agent:
    """The agent boots with what cloud-init finds in the user data."""
    shown = running.openstack('stack', 'resource', 'show', '-f', 'json', stack, 'server')
    return Agent.boots(user_data(running, shown['physical_resource_id']))


@pytest.fixture(scope='module')
def template(heat: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = heat.openstack('image', 'list', '-f', 'json')[0]['Name']
    file = tmp_path_factory.mktemp('template') / 'deploy.yaml'
    file.write_text(TEMPLATE.format(image=image, flavor='m1.tiny'))
    return file


def state(running: Running, stack: str) -> str:
    return str(running.openstack('stack', 'show', '-f', 'json', stack)['stack_status'])


def outputs(running: Running, stack: str) -> dict[str, Any]:
    shown = running.openstack('stack', 'show', '-f', 'json', stack)
    return {one['output_key']: one['output_value'] for one in shown['outputs']}


@pytest.mark.parametrize('transport', ['CFN_SIGNAL', 'HEAT_SIGNAL', 'TEMP_URL_SIGNAL'])
def test_a_server_applies_and_answers(heat: Running, template: Path, transport: str) -> None:
    stack = f'with-{transport[:4].strip("_").lower()}'
    heat.openstack('stack', 'create', '-t', str(template), '--parameter', f'transport={transport}', stack)
    until(lambda: 'deployment' in {
        one['resource_name'] for one in heat.openstack('stack', 'resource', 'list', '-f', 'json', stack)
        if one['resource_status'] == 'CREATE_IN_PROGRESS' and one['physical_resource_id']}, heat)
    agent = agent_of(heat, stack)
    (config,) = until(agent.news, heat)
    if transport == 'CFN_SIGNAL':
        url = next(one['value'] for one in config['inputs'] if one['name'] == 'deploy_signal_id')
        # The same keys do not open another resource, nor another method.
        for method, forged in (('POST', url.replace('/resources/deployment?', '/resources/server?')),
                               ('POST', url.replace('Signature=', 'Signature=A')), ('PUT', url)):
            assert requests.request(method, forged, data='{}', timeout=30).status_code in (403, 404)
    values = agent.apply(config, result='fine')
    assert values['deploy_action'] == 'CREATE' and values['deploy_signal_transport'] == transport
    until(lambda: state(heat, stack) == 'CREATE_COMPLETE', heat)
    assert outputs(heat, stack) == {'result': 'fine', 'stdout': 'echo world'}
    # A change is deployed to the same server and answered by the same way.
    heat.openstack('stack', 'update', '--existing', '--parameter', 'script=printf', stack)
    (config,) = until(agent.news, heat)
    assert agent.apply(config, result='better')['deploy_action'] == 'UPDATE'
    until(lambda: state(heat, stack) == 'UPDATE_COMPLETE', heat)
    assert outputs(heat, stack) == {'result': 'better', 'stdout': 'printf world'}
    # A bad end is told at the root.
    heat.openstack('stack', 'update', '--existing', '--parameter', 'script=false', stack)
    (config,) = until(agent.news, heat)
    agent.apply(config, deploy_status_code=1)
    until(lambda: state(heat, stack) == 'UPDATE_FAILED', heat)
    said = heat.openstack('stack', 'show', '-f', 'json', stack)['stack_status_reason']
    assert said == ('Resource UPDATE failed: Error: resources.deployment: Deployment to server failed: '
                    'deploy_status_code : Deployment exited with non-zero status code: 1')
    heat.openstack('stack', 'delete', '--yes', '--wait', stack)
    assert heat.openstack('software', 'config', 'list', '-f', 'json') == []
    assert heat.openstack('software', 'deployment', 'list', '-f', 'json') == []
    for secret in (agent.account['password'], values.get('deploy_password'), values.get('deploy_signal_id')):
        assert secret is None or secret not in heat.log()


def test_nobody_waits_for_one_that_does_not_answer(heat: Running, template: Path) -> None:
    heat.openstack('stack', 'create', '--wait', '--poll', '1', '-t', str(template), '--parameter',
                   'transport=NO_SIGNAL', 'silent')
    (config,) = agent_of(heat, 'silent').news()
    assert 'deploy_signal_id' not in {one['name'] for one in config['inputs']}
    heat.openstack('stack', 'delete', '--yes', '--wait', 'silent')


def test_by_hand_with_the_client(heat: Running, tmp_path: Path) -> None:
    script, definition = tmp_path / 'script.sh', tmp_path / 'config.yaml'
    script.write_text('#!/bin/sh\necho by hand\n')
    definition.write_text('inputs: [{name: who, default: you}]\noutputs: [{name: result}]\n')
    made = heat.openstack('software', 'config', 'create', '-f', 'json', '--config-file', str(script),
                          '--definition-file', str(definition), '--group', 'script', 'by-hand')
    assert made['config'] == script.read_text() and made['group'] == 'script'
    assert [one['id'] for one in heat.openstack('software', 'config', 'list', '-f', 'json')] == [made['id']]
    server = '11111111-2222-4333-8444-555555555555'
    deployed = heat.openstack('software', 'deployment', 'create', '-f', 'json', '--config', made['id'],
                              '--server', server, '--input-value', 'who=me', '--signal-transport',
                              'NO_SIGNAL', 'by-hand')
    metadata = heat.openstack('software', 'deployment', 'metadata', 'show', server)
    assert 'by hand' in metadata and deployed['config_id'] in metadata
    shown = heat.openstack('software', 'deployment', 'show', '-f', 'json', deployed['id'])
    assert shown['server_id'] == server
    # The client derived a configuration of its own for the deployment.
    heat.openstack('software', 'deployment', 'delete', deployed['id'])
    for one in heat.openstack('software', 'config', 'list', '-f', 'json'):
        heat.openstack('software', 'config', 'delete', one['id'])
    assert heat.openstack('software', 'config', 'list', '-f', 'json') == []


def test_what_is_deployed_stands_encrypted_in_the_database(heat: Running, template: Path) -> None:
    heat.openstack('stack', 'create', '-t', str(template), '--parameter', 'transport=HEAT_SIGNAL', 'sealed')
    until(lambda: 'server' in {
        one['resource_name'] for one in heat.openstack('stack', 'resource', 'list', '-f', 'json', 'sealed')
        if one['resource_status'] == 'CREATE_COMPLETE'}, heat)
    agent = agent_of(heat, 'sealed')
    (config,) = until(agent.news, heat)
    password = next(one['value'] for one in config['inputs'] if one['name'] == 'deploy_password')
    files = b''.join(file.read_bytes() for file in heat.state.glob('heat.db*'))
    assert password.encode() not in files and agent.account['password'].encode() not in files
    agent.apply(config)
    until(lambda: state(heat, 'sealed') == 'CREATE_COMPLETE', heat)
    heat.openstack('stack', 'delete', '--yes', '--wait', 'sealed')
    with urllib.request.urlopen(f'{heat.ready["cloud"]}/__sim__/inventory', timeout=10) as answer:
        assert json.load(answer)['servers']['count'] == 0


def test_signals_by_way_of_the_object_store(heat: Running, tmp_path: Path) -> None:
    file = tmp_path / 'swift.yaml'
    file.write_text('''
heat_template_version: 2018-08-31
resources:
  handle: {type: 'OS::Heat::SwiftSignalHandle'}
  signal:
    type: OS::Heat::SwiftSignal
    properties: {handle: {get_resource: handle}, timeout: 600, count: 2}
outputs:
  url: {value: {get_attr: [handle, endpoint]}}
  data: {value: {get_attr: [signal, data]}}
''')
    heat.openstack('stack', 'create', '-t', str(file), 'swift')
    url = until(lambda: outputs(heat, 'swift').get('url'), heat)
    for data in ('one', 'two'):
        assert requests.put(url, json={'data': data}, timeout=30).status_code == 201
    until(lambda: state(heat, 'swift') == 'CREATE_COMPLETE', heat)
    assert json.loads(outputs(heat, 'swift')['data']) == {'1': 'one', '2': 'two'}
    heat.openstack('stack', 'delete', '--yes', '--wait', 'swift')
    assert heat.inventory().get('containers') == heat.inventory().get('objects') == 0
    assert 'temp_url_sig' not in heat.log()
