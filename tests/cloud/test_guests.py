"""Servers that are told, and answer, by way of a real Swift and a real Zaqar.

The machines are DeployedServers, so nothing boots; the test does what their agents would. Of Zaqar it
asks over HTTP, since zaqarclient does not read what this release's Swift store adds to messages. Its
events are told to a queue as well.
"""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from keystoneauth1 import adapter, session
from keystoneauth1.identity import v3

from tests.cloud.daemons import User
from tests.cloud.stack import Stack
from tests.servers.daemon import wait_until

CLIENT = '11111111-2222-4333-8444-555555555555'
WAYS = {'object': ('POLL_TEMP_URL', 'TEMP_URL_SIGNAL'), 'queue': ('ZAQAR_MESSAGE', 'ZAQAR_SIGNAL')}

pytestmark = pytest.mark.usefixtures('leaves_nothing')


def template(script: str) -> dict[str, Any]:
    """For each way a server, a deployment on it, and a condition that waits for two signals."""
    resources: dict[str, Any] = {'config': {'type': 'OS::Heat::SoftwareConfig', 'properties': {
        'group': 'script', 'config': script, 'outputs': [{'name': 'result'}]}}}
    outputs: dict[str, Any] = {}
    for way, (told, answers) in WAYS.items():
        resources[way] = {'type': 'OS::Heat::DeployedServer', 'properties': {
            'software_config_transport': told}}
        if way == 'object':
            resources[way]['properties']['deployment_swift_data'] = {'container': 'servers', 'object': way}
        resources[f'{way}_deployment'] = {'type': 'OS::Heat::SoftwareDeployment', 'properties': {
            'config': {'get_resource': 'config'}, 'server': {'get_resource': way},
            'signal_transport': answers}}
        resources[f'{way}_handle'] = {'type': 'OS::Heat::WaitConditionHandle', 'properties': {
            'signal_transport': answers}}
        resources[f'{way}_wait'] = {'type': 'OS::Heat::WaitCondition', 'properties': {
            'handle': {'get_resource': f'{way}_handle'}, 'timeout': 300, 'count': 2}}
        for name, (resource, attribute) in {
                'agent': (way, 'os_collect_config'), 'signal': (f'{way}_handle', 'signal'),
                'data': (f'{way}_wait', 'data'), 'result': (f'{way}_deployment', 'result')}.items():
            outputs[f'{way}_{name}'] = {'value': {'get_attr': [resource, attribute]}}
    return {'heat_template_version': '2018-08-31', 'resources': resources, 'outputs': outputs}


def messaging(account: dict[str, Any]) -> adapter.Adapter:
    """Zaqar as the user inside the server."""
    user = session.Session(v3.Password(auth_url=account['auth_url'], user_id=account['user_id'],
                                       password=account['password'], project_id=account['project_id']))
    return adapter.Adapter(user, service_type='messaging', additional_headers={'Client-ID': CLIENT})


def send(account: dict[str, Any], queue: str, body: dict[str, Any]) -> None:
    messaging(account).post(f'/v2/queues/{queue}/messages', json={'messages': [{'ttl': 600, 'body': body}]})


class Agent:
    """What runs in a machine; ``told`` is what it was configured with."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told
        self._done: set[str] = set()

    def look(self) -> list[dict[str, Any]]:
        """Configurations that are new to it, in the metadata that it finds now."""
        if 'request' in self._told:
            metadata = requests.get(self._told['request']['metadata_url'], timeout=30).json()
        else:
            account = self._told['zaqar']
            taken = messaging(account).delete(f'/v2/queues/{account["queue_id"]}/messages?pop=1').json()
            metadata = taken['messages'][0]['body'] if taken['messages'] else {}
        return [one for one in metadata.get('deployments', ()) if one['id'] not in self._done]

    def applies(self) -> str:
        """Wait for the next configuration and answer; its content."""
        found: list[dict[str, Any]] = []
        wait_until('a deployment', lambda: bool(found.extend(self.look()) or found), 60, every=0.5)
        config, = found
        self._done.add(config['id'])
        values = {one['name']: one['value'] for one in config['inputs']}
        answer = {'deploy_status_code': 0, 'result': f'{config["config"]} done'}
        if 'deploy_queue_id' in values:
            account = {name: values[f'deploy_{name}']
                       for name in ('auth_url', 'user_id', 'password', 'project_id')}
            send(account, values['deploy_queue_id'], answer)
        else:
            done = requests.request(values['deploy_signal_verb'], values['deploy_signal_id'],
                                    data=json.dumps(answer), timeout=30)
            assert done.status_code == 201, done.text
        return str(config['config'])


class Heard:
    """What a queue of the stack's project was told."""

    def __init__(self, user: User, queue: str) -> None:
        self._api = user.api('messaging')
        self._api.additional_headers['Client-ID'] = CLIENT
        self._path = f'/v2/queues/{queue}'
        self._events: list[dict[str, Any]] = []

    def ended(self) -> bool:
        """Whether the deletion of the stack has been told of by now."""
        while taken := self._api.delete(f'{self._path}/messages?pop=20').json()['messages']:
            self._events += [one['body'] for one in taken]
        return any(one['payload']['resource_type'] == 'OS::Heat::Stack'
                   and (one['payload']['resource_action'], one['payload']['resource_status'])
                   == ('DELETE', 'COMPLETE') for one in self._events)

    @property
    def ids(self) -> set[str]:
        return {one['id'] for one in self._events}

    def remove(self) -> None:
        self._api.delete(self._path)


def test_servers_are_told_and_answer_by_swift_and_zaqar(user: User, tmp_path: Path) -> None:
    stack, file = Stack(user, 'guests'), tmp_path / 'guests.json'
    file.write_text(json.dumps(template('echo')))
    sinks = tmp_path / 'sinks.json'
    sinks.write_text(json.dumps({'event_sinks': [{'type': 'zaqar-queue', 'target': 'guests', 'ttl': 600}]}))
    stack.create(file, '-e', str(sinks))
    for way in WAYS:
        stack.until(f'{way}_wait', 'CREATE_IN_PROGRESS')
        stack.until(f'{way}_deployment', 'CREATE_IN_PROGRESS')
    given = stack.outputs()
    agents = {way: Agent(given[f'{way}_agent']) for way in WAYS}
    for agent in agents.values():
        assert agent.applies() == 'echo'
    # Of two at once none is lost: Swift keeps the first as a version, Zaqar keeps messages.
    for data in ('one', 'two'):
        put = requests.put(json.loads(given['object_signal'])['alarm_url'], timeout=30,
                           data=json.dumps({'data': data}))
        assert put.status_code == 201
        account = json.loads(given['queue_signal'])
        send(account, account['queue_id'], {'data': data})
    stack.ends('CREATE_COMPLETE')
    seen = stack.outputs()
    for way in WAYS:
        assert json.loads(seen[f'{way}_data']) == {'1': 'one', '2': 'two'}
        assert seen[f'{way}_result'] == 'echo done'

    file.write_text(json.dumps(template('printf')))
    stack.update('-t', file, '-e', sinks)
    for agent in agents.values():
        assert agent.applies() == 'printf'
    stack.ends('UPDATE_COMPLETE')
    assert {stack.outputs()[f'{way}_result'] for way in WAYS} == {'printf done'}
    secret = json.loads(given['queue_signal'])['password']
    assert secret not in user.heat.logs()
    events = stack.event_ids()
    stack.delete()
    heard = Heard(user, 'guests')
    wait_until('the end is told', heard.ended, 60, every=0.5)
    assert events <= heard.ids
    heard.remove()
