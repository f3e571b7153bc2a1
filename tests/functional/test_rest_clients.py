"""Every call of the clients that users have, against heat-all: the SDK's proxy and the commands.

Which calls there are is read from the clients themselves, so that one nobody
tried is a failure. The commands run in one process, since to start it takes longer
than to run them.
"""
from __future__ import annotations

import http.client
import importlib.metadata
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openstack
import pytest
from openstack.orchestration.v1 import _proxy

from tests.functional.flows import Place
from tests.functional.test_heatclient import serving
from tests.servers.commands import openstack as openstack_command
from tests.servers.daemon import wait_until

TEMPLATE = """
heat_template_version: 2021-04-16
parameters: {word: {type: string, default: one}}
resources:
  a: {type: OS::Heat::TestResource, properties: {value: {get_param: word}}}
  handle: {type: OS::Heat::WaitConditionHandle}
outputs: {said: {value: {get_attr: [a, output]}, description: What it says}}
"""
OWN = '[DEFAULT]\nenable_stack_abandon = true\nenable_stack_adopt = true\n'


@pytest.fixture(scope='module')
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp('clients')
    own = directory / 'own.conf'
    own.write_text(OWN)
    with serving(directory, '--config-file', own) as seen:
        yield seen


# -- the SDK ---------------------------------------------------------------------------------------


def test_every_call_of_the_sdk(place: Place, tmp_path: Path) -> None:
    cloud = openstack.connection.Connection(session=place.user.session(), region_name='RegionOne')
    heat = cloud.orchestration
    called: set[str] = set()

    def call(name: str, /, *words: Any, **options: Any) -> Any:
        called.add(name)
        return getattr(heat, name)(*words, **options)

    file = tmp_path / 'sdk.yaml'
    file.write_text(TEMPLATE)
    files, template = call('get_template_contents', template_file=str(file))
    assert (sorted(template['resources']), files) == (['a', 'handle'], {})
    attributes = call('read_env_and_templates', template_file=str(file))
    assert sorted(attributes['template']['resources']) == ['a', 'handle']
    checked = call('validate_template', template)
    assert checked.parameters['word']['Default'] == 'one'
    made = call('create_stack', name='sdk', template=template, parameters={'word': 'two'}, tags='x,y')
    stack = call('wait_for_status', made, status='CREATE_COMPLETE', failures=['CREATE_FAILED'], interval=1,
                 wait=60)
    assert [one['output_value'] for one in stack.outputs] == ['two']
    assert call('find_stack', 'sdk').id == call('get_stack', made.id).id == made.id
    assert [one.name for one in call('stacks', tags='x')] == ['sdk']
    assert sorted(one.name for one in call('resources', 'sdk')) == ['a', 'handle']
    assert len(list(call('stack_events', stack))) >= 6
    assert len(list(call('stack_events', stack, resource_name='a'))) == 2
    assert call('get_stack_template', 'sdk').resources['a']['type'] == 'OS::Heat::TestResource'
    assert call('get_stack_environment', 'sdk').parameters == {'word': 'two'}
    assert call('get_stack_files', 'sdk') == {}
    # By its id: of an object, the SDK sends only what has changed since it was made.
    call('update_stack', stack.id, template=template, parameters={'word': 'three'})
    call('wait_for_status', stack, status='UPDATE_COMPLETE', failures=['UPDATE_FAILED'], interval=1, wait=60)
    for name, state in (('suspend_stack', 'SUSPEND'), ('resume_stack', 'RESUME'), ('check_stack', 'CHECK')):
        call(name, stack)
        call('wait_for_status', stack, status=f'{state}_COMPLETE', failures=[f'{state}_FAILED'], interval=1,
             wait=60)
    assert call('export_stack', stack)['name'] == 'sdk'
    config = call('create_software_config', name='c', group='script', config='echo', outputs=[], inputs=[],
                  options={})
    assert call('get_software_config', config.id).config == 'echo'
    assert [one.id for one in call('software_configs')] == [config.id]
    deployment = call('create_software_deployment', config_id=config.id, server_id='server', action='CREATE',
                      status='IN_PROGRESS', status_reason='begun', input_values={})
    assert [one.id for one in call('software_deployments')] == [deployment.id]
    call('update_software_deployment', deployment, status='COMPLETE', status_reason='done')
    assert call('get_software_deployment', deployment.id).status == 'COMPLETE'
    call('delete_software_deployment', deployment)
    call('delete_software_config', config)
    call('abandon_stack', stack)
    again = call('create_stack', name='sdk-2', template=template)
    call('wait_for_status', again, status='CREATE_COMPLETE', failures=[], interval=1, wait=60)
    call('delete_stack', again)
    call('wait_for_delete', again, interval=1, wait=60)
    assert call('find_stack', 'sdk-2') is None
    public = {name for name, _ in inspect.getmembers(_proxy.Proxy, inspect.isfunction)
              if not name.startswith('_') and name in vars(_proxy.Proxy)}
    assert called == public


def test_a_body_in_chunks(place: Place) -> None:
    """What ``curl --upload-file`` or a generator sends has no length."""
    body = json.dumps({'template': TEMPLATE}).encode()
    address = urlsplit(str(place.user.session().get_endpoint(service_type='orchestration')))
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    connection.request('POST', f'{address.path}/validate', iter((body[:9], body[9:])), {
        'X-Auth-Token': str(place.user.session().get_token()), 'Content-Type': 'application/json',
        'Transfer-Encoding': 'chunked'}, encode_chunked=True)
    response = connection.getresponse()
    assert (response.status, sorted(json.loads(response.read())['Parameters'])) == (200, ['word'])


# -- the commands ----------------------------------------------------------------------------------


class Shell:
    """The ``openstack`` command, and which of its words were run."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.run: list[str] = []

    def __call__(self, words: str, *more: str | Path, **how: Any) -> Any:
        """JSON output if ``-f json`` is among the words, else text; ``code`` is what it must end with."""
        argv = [*words.split(), *map(str, more)]
        ended = openstack_command(self._place.environment(), argv)
        assert ended.code == how.get('code', 0), f'{argv}: {ended.err or ended.out}\n{self._place.logs()}'
        self.run.append(words)
        return json.loads(ended.out) if 'json' in argv and not ended.code else ended.out


@pytest.fixture
def shell(place: Place) -> Shell:
    return Shell(place)


def test_every_command(place: Place, shell: Shell, tmp_path: Path) -> None:
    file, small, kept = tmp_path / 't.yaml', tmp_path / 'small.yaml', tmp_path / 'kept.json'
    file.write_text(TEMPLATE)
    small.write_text('heat_template_version: 2021-04-16\nresources:\n'
                     '  slow: {type: OS::Heat::TestResource, properties: {wait_secs: 8}}\n')
    j = ('-f', 'json')
    assert set(shell('orchestration build info', *j)) == {'api', 'engine'}
    assert 'OS::Heat::Value' in json.dumps(shell('orchestration resource type list', *j))
    assert 'properties' in shell('orchestration resource type show', *j, 'OS::Heat::Value')
    # An administrator's command; a member is told so.
    shell('orchestration service list', code=1)
    assert shell('orchestration template version list', *j)
    assert shell('orchestration template function list', *j, 'heat_template_version.2021-04-16')
    assert 'word' in shell('orchestration template validate', *j, '-t', file)['Parameters']
    # With --wait it prints events before its answer.
    waited = shell('stack create', '-t', file, '--tags', 'typed', '--wait', '--poll', '1', 's')
    assert 'CREATE_COMPLETE' in waited
    assert shell('stack show', *j, 's')['outputs'][0]['output_value'] == 'one'
    assert [row['Stack Name'] for row in shell('stack list', *j, '--tags', 'typed')] == ['s']
    assert len(shell('stack resource list', *j, 's')) == 2
    assert shell('stack resource show', *j, 's', 'a')['attributes']['output'] == 'one'
    shell('stack resource metadata', *j, 's', 'a')
    shell('stack resource signal', 's', 'handle', '--data', '{"status": "SUCCESS"}')
    events = shell('stack event list', *j, 's')
    assert len(events) >= 6
    event = next(one for one in events if one['resource_name'] == 'a')
    assert shell('stack event show', *j, 's', 'a', event['id'])['resource_name'] == 'a'
    assert len(shell('stack output list', *j, 's')) == 1
    assert shell('stack output show', *j, 's', 'said')['output_value'] == 'one'
    assert 'resources' in shell('stack template show', *j, 's')
    assert 'parameters' in shell('stack environment show', *j, 's')
    shell('stack file list', 's')
    assert shell('stack failures list', 's').strip() == ''
    shell('stack snapshot create', *j, '--name', 'one', 's')
    place.until('s', 'SNAPSHOT_COMPLETE')
    snapshot = shell('stack snapshot list', *j, 's')[0]['id']
    assert shell('stack snapshot show', *j, 's', snapshot)['snapshot']['status'] == 'COMPLETE'
    shell('stack snapshot restore', 's', snapshot)
    place.until('s', 'RESTORE_COMPLETE')
    shell('stack snapshot delete', '-y', 's', snapshot)
    for name in ('suspend', 'resume', 'check'):
        # Their --wait looks every five seconds.
        shell(f'stack {name}', 's')
        place.until('s', f'{name.upper()}_COMPLETE')
    shell('stack resource mark unhealthy', 's', 'a', 'it smells')
    shell('stack update', '-t', file, '--parameter', 'word=two', 's')
    place.until('s', 'UPDATE_COMPLETE')
    shell('stack update', '-t', small, 's')
    shell('stack cancel', '--no-rollback', 's')
    place.wait(lambda: place.status('s'), lambda status: not status.endswith('IN_PROGRESS'))
    shell('stack update', '-t', file, 's')
    place.until('s', 'UPDATE_COMPLETE')
    hooks = tmp_path / 'hooks.yaml'
    hooks.write_text('resource_registry: {resources: {a: {hooks: pre-create}}}\n')
    shell('stack create', '-t', file, '-e', hooks, 'hooked')
    place.wait(lambda: shell('stack hook poll', *j, 'hooked'), len)
    shell('stack hook clear', '--pre-create', 'hooked', 'a')
    place.until('hooked', 'CREATE_COMPLETE')
    config = shell('software config create', *j, '--group', 'script', 'c')['id']
    assert shell('software config show', *j, config)['group'] == 'script'
    assert [row['id'] for row in shell('software config list', *j)] == [config]
    deployment = shell('software deployment create', *j, '--config', config, '--server', 'server',
                       '--signal-transport', 'NO_SIGNAL', '--action', 'CREATE', 'd')['id']
    assert shell('software deployment show', *j, deployment)['config_id']
    assert len(shell('software deployment list', *j)) == 1
    shell('software deployment metadata show', 'server')
    shell('software deployment output show', '--all', deployment)
    shell('software deployment delete', deployment)
    shell('software config delete', config)
    assert shell('stack export', *j, 's')['name'] == 's'
    shell('stack abandon', '--output-file', kept, 's')
    # Its data are told before its resources are let go.
    place.wait(lambda: {row['Stack Name'] for row in shell('stack list', *j)}, lambda names: 's' not in names)
    shell('stack adopt', '--adopt-file', kept, 's')
    place.until('s', 'ADOPT_COMPLETE')
    shell('stack delete', '--yes', '--wait', 's', 'hooked')
    known = {entry.name.replace('_', ' ') for entry in importlib.metadata.distribution('python-heatclient')
             .entry_points if entry.group == 'openstack.orchestration.v1'}
    assert set(shell.run) == known


# -- a stream, and the end of who served it ----------------------------------------------------------


def test_a_stream_goes_on_after_a_restart(tmp_path: Path) -> None:
    template = json.dumps({'heat_template_version': '2021-04-16', 'resources': {
        'a': {'type': 'OS::Heat::TestResource', 'properties': {'wait_secs': 1}},
        'b': {'type': 'OS::Heat::TestResource', 'depends_on': 'a', 'properties': {'wait_secs': 20}}}})
    with serving(tmp_path) as place:
        project = place.user.session().get_project_id()
        place.heat.stacks.create(stack_name='s', template=template)
        stack_id = place.heat.stacks.get('s').id
        path = f'/v1/{project}/stacks/s/{stack_id}/events'
        first = told(follow(tmp_path, place, path), 4)
        assert [state for _id, state in first] == [
            's CREATE_IN_PROGRESS', 'a CREATE_IN_PROGRESS', 'a CREATE_COMPLETE', 'b CREATE_IN_PROGRESS']
    with serving(tmp_path) as place:
        rest = told(follow(tmp_path, place, path, first[-1][0]), 2)
        assert [state for _id, state in rest] == ['b CREATE_COMPLETE', 's CREATE_COMPLETE']


def follow(directory: Path, place: Place, path: str, last: str | None = None) -> http.client.HTTPResponse:
    address = urlsplit(json.loads((directory / 'ready.json').read_text())['orchestration'])
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    headers = {'X-Auth-Token': str(place.user.session().get_token()), 'Accept': 'text/event-stream'}
    connection.request('GET', path, headers=headers | ({'Last-Event-ID': last} if last else {}))
    response = connection.getresponse()
    assert response.status == 200
    return response


def told(stream: http.client.HTTPResponse, count: int) -> list[tuple[str, str]]:
    """The next events: their ids, and the name and state in each."""
    found: list[tuple[str, str]] = []
    number = ''
    while len(found) < count:
        line = stream.readline().decode().rstrip()
        if line.startswith('id: '):
            number = line[4:]
        elif line.startswith('data: '):
            event = json.loads(line[6:])
            found.append((number, f'{event["resource_name"]} {event["resource_status"]}'))
    stream.close()
    return found


# -- files in a container --------------------------------------------------------------------------


def test_files_may_lie_in_a_container(place: Place) -> None:
    cloud = openstack.connection.Connection(session=place.user.session(), region_name='RegionOne')
    store, heat = cloud.object_store, cloud.orchestration
    store.create_container('stack-files')
    store.upload_object('stack-files', 'word.yaml', data=TEMPLATE)
    store.upload_object('stack-files', 'more/env.yaml', data='parameters: {word: two}')
    tree = {'heat_template_version': '2021-04-16', 'parameters': {'word': {'type': 'string'}},
            'resources': {'inner': {'type': 'word.yaml', 'properties': {'word': {'get_param': 'word'}}}},
            'outputs': {'said': {'value': {'get_attr': ['inner', 'said']}}}}
    body = {'stack_name': 'contained', 'template': tree, 'environment_files': ['more/env.yaml'],
            'files_container': 'stack-files', 'timeout_mins': 5}

    def asked(method: str, path: str, status: int, body: Any) -> Any:
        answer = heat.request(path, method, json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if status != 202 else None

    store.upload_object('stack-files', 'picture', data=b'\xff\xfe')
    assert '"picture"' in asked('POST', '/stacks', 400, body)['error']['message']
    store.delete_object('picture', container='stack-files')
    assert asked('POST', '/validate', 200, {key: value for key, value in body.items() if key not in (
        'stack_name', 'timeout_mins')})['Environment']['parameters'] == {'word': 'two'}
    # A file of the request comes before the object of its name.
    asked('POST', '/stacks', 201, {**body, 'files': {'more/env.yaml': 'parameters: {word: three}'}})
    stack = heat.find_stack('contained')
    cloud.orchestration.wait_for_status(stack, 'CREATE_COMPLETE', ['CREATE_FAILED'], interval=0.2, wait=60)
    assert [one['output_value'] for one in heat.get_stack(stack.id).outputs] == ['three']
    asked('PUT', f'/stacks/contained/{stack.id}', 202, body)
    wait_until('updated', lambda: heat.get_stack(stack.id).status == 'UPDATE_COMPLETE', 60)
    assert [one['output_value'] for one in heat.get_stack(stack.id).outputs] == ['two']
    assert 'no-such' in asked('PUT', f'/stacks/contained/{stack.id}', 400,
                              {**body, 'files_container': 'no-such'})['error']['message']
    heat.delete_stack(stack)
    heat.wait_for_delete(stack, interval=0.2, wait=60)
