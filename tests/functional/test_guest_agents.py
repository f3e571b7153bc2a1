"""The real os-collect-config in machines of servers: every way to be told of deployments, and to answer.

Each server is told by another way; nothing but its user data tells it where to ask or to look.
"""
from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.agent import Agent
from tests.functional.test_quickstart import Running, start, stop
from tests.functional.test_software import demo, until, user_data
from tests.machine import Machine

WAYS = {'cfn': ('POLL_SERVER_CFN', 'CFN_SIGNAL'), 'heat': ('POLL_SERVER_HEAT', 'HEAT_SIGNAL'),
        'request': ('POLL_TEMP_URL', 'TEMP_URL_SIGNAL'), 'zaqar': ('ZAQAR_MESSAGE', 'ZAQAR_SIGNAL')}


def template(script: str) -> dict[str, Any]:
    """A server for each way, and a deployment on each."""
    resources: dict[str, Any] = {
        'network': {'type': 'OS::Neutron::Net'},
        'subnet': {'type': 'OS::Neutron::Subnet', 'properties': {
            'network': {'get_resource': 'network'}, 'cidr': '10.9.0.0/24'}},
        'config': {'type': 'OS::Heat::SoftwareConfig', 'properties': {
            'group': 'script', 'config': script, 'inputs': [{'name': 'who'}],
            'outputs': [{'name': 'result'}]}}}
    for name, (told, answers) in WAYS.items():
        resources[name] = {'type': 'OS::Nova::Server', 'depends_on': 'subnet', 'properties': {
            'image': 'cirros', 'flavor': 'm1.tiny', 'networks': [{'network': {'get_resource': 'network'}}],
            'user_data_format': 'SOFTWARE_CONFIG', 'software_config_transport': told}}
        resources[f'{name}_deployment'] = {'type': 'OS::Heat::SoftwareDeployment', 'properties': {
            'config': {'get_resource': 'config'}, 'server': {'get_resource': name},
            'signal_transport': answers, 'input_values': {'who': name}}}
    return {'heat_template_version': '2018-08-31', 'resources': resources, 'outputs': {
        name: {'value': {'get_attr': [f'{name}_deployment', 'result']}} for name in WAYS}}


class Told:
    """A server's machine, with the agent's configuration as its first metadata has it."""

    def __init__(self, machine: Machine, way: str) -> None:
        self.machine, self.way = machine, way
        first = self._collect('heat_local')['heat_local']
        told = first['os-collect-config']
        assert told['collectors'] == [way, 'local']
        self.conf = f'/etc/collect-{way}.conf'
        lines = [f'[{way}]', *(f'{name} = {value}' for name, value in told[way].items())]
        machine.write(self.conf, '\n'.join(lines) + '\n')
        self.agent = Agent(told)

    def _collect(self, *collectors: str) -> dict[str, Any]:
        configured = ['--config-file', self.conf] if 'heat_local' not in collectors else []
        found: dict[str, Any] = json.loads(self.machine.run(
            'os-collect-config', *configured, '--print', *collectors))
        return found

    def news(self) -> list[dict[str, Any]]:
        found = self._collect(self.way).get(self.way) or {}
        return [one for one in found.get('deployments', ()) if one['id'] not in self.agent.done]


@pytest.fixture(scope='module')
def heat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(tmp_path_factory.mktemp('agents') / 'state')
    yield running
    stop(running)


@pytest.fixture(scope='module')
def machine() -> Iterator[Machine]:
    one = Machine.on()
    yield one
    one.off()


class Stack:
    """A stack of the demo user over REST."""

    def __init__(self, heat: Running, name: str) -> None:
        self._session, self._name = demo(heat), name

    def call(self, method: str, path: str = '', **options: Any) -> Any:
        return self._session.request(f'/stacks{path}', method, endpoint_filter={
            'service_type': 'orchestration'}, raise_exc=False, **options)

    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = self.call('GET', f'/{self._name}').json().get('stack', {})
        return found

    def resource(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call('GET', f'{self.path()}/resources/{name}').json().get('resource', {})
        return found

    def path(self) -> str:
        return f'/{self._name}/{self.shown()["id"]}'

    def outputs(self) -> dict[str, Any]:
        return {one['output_key']: one['output_value'] for one in self.shown()['outputs']}


def test_every_way_to_be_told_and_to_answer(heat: Running, machine: Machine) -> None:
    stack = Stack(heat, 'agents')
    # The network service makes a project's default group when it first sees the project.
    demo(heat).get('/v2.0/security-groups', endpoint_filter={'service_type': 'network'})
    before = heat.inventory()
    made = stack.call('POST', json={'stack_name': 'agents', 'template': template('echo')})
    assert made.status_code == 201, made.text
    told: dict[str, Told] = {}
    for way in WAYS:
        until(lambda way=way: stack.resource(way).get('resource_status') == 'CREATE_COMPLETE', heat)
        # One after the other has the machine for its first boot.
        machine.boot(user_data(heat, stack.resource(way)['physical_resource_id']))
        told[way] = Told(machine, way)
        (config,) = until(told[way].news, heat)
        values = told[way].agent.apply(config, result=f'by {way}')
        assert (values['who'], values['deploy_signal_transport']) == (way, WAYS[way][1])
    until(lambda: stack.shown()['stack_status'] == 'CREATE_COMPLETE', heat)
    assert stack.outputs() == {way: f'by {way}' for way in WAYS}

    assert stack.call('PUT', stack.path(), json={'template': template('printf')}).status_code == 202
    for way, one in told.items():
        (config,) = until(one.news, heat)
        assert one.agent.apply(config, result=f'again {way}')['deploy_action'] == 'UPDATE'
    until(lambda: stack.shown()['stack_status'] == 'UPDATE_COMPLETE', heat)
    assert stack.outputs() == {way: f'again {way}' for way in WAYS}

    assert stack.call('DELETE', stack.path()).status_code == 204
    until(lambda: not stack.shown(), heat)
    assert heat.inventory() == before
