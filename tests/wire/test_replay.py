"""What the recorded service answered, as far as the front-end alone decides it.

The files under tests/data/recorded/front-*.json are cut from recordings of
openstack-heat 27.0.1 made on 2026-11-22. Errors that came from its engine are
raised by ours here, so that their rendering is compared too.
"""

from __future__ import annotations

import json
import pathlib
import re
import uuid
from typing import Any
from urllib.parse import unquote

import pytest
import webob

from heat.common import errors
from heat.common.ids import StackId
from tests.wire import keystone
from tests.wire.conftest import World

DATA = pathlib.Path(__file__).parents[1] / 'data' / 'recorded'
LISTED = ('Allow', 'Content-Type', 'Location', 'Retry-After', 'Vary', 'WWW-Authenticate',
          'X-Openstack-Request-Id')
KNOWN = {'<project>': keystone.PROJECT, '<other_project>': keystone.OTHER_PROJECT,
         '<admin_project>': keystone.ADMIN_PROJECT, '<heat>': 'http://localhost',
         '<token>': 'token-member', '<admin_token>': 'token-boss', '<user_name>': 'member',
         '<password>': keystone.PASSWORD}
# Records that are not replayed, by name, with the reason.
DECIDED = {
    'ignore_errors unknown code': 'a refused value is a 400, not a 200 with the text of an object',
    'ignore_errors text': 'a refused value is a 400, not a 200 with the text of an object',
    'template type upper': 'the type is OS::Heat::Value, whose template failed; ours is made',
    'environment_files names a missing file': 'the engine names the file instead of failing',
    'deploy without server': 'a refusal of the engine, not a failure',
    'environment_files merge strategies': 'the engine decides its class',
    'template OS::Heat::Value hot': 'the type is OS::Heat::Value, whose template failed; ours is made',
    'template OS::Heat::Value cfn': 'the type is OS::Heat::Value, whose template failed; ours is made',
    'create input type wrong': 'the engine decides', 'create input without name': 'the engine decides',
    'outputs is a list': 'the engine decides', 'parameters is a list': 'the engine decides',
    'path with a null byte': 'the recording shows a blank where the byte stood',
    'NaN': 'it names the number instead of a general sentence; see test_shapes',
    'delete config in use': 'the engine decides, and a conflict is no failure: 409, see test_shapes',
    'project with an encoded letter': 'holds a project id of the recorded cloud',
}


def records() -> list[Any]:
    found = []
    for file in sorted(DATA.glob('front-*.json')):
        for record in json.loads(file.read_text())['records']:
            if record['name'] not in DECIDED:
                found.append(pytest.param(record, id=f'{file.stem[6:]}: {record["name"]}'))
    return found


@pytest.fixture(scope='module')
def world(identity: Any, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> World:
    from tests.wire import conftest
    return conftest.pipeline.__wrapped__(identity, tmp_path_factory)()  # type: ignore[attr-defined]


def filled(value: Any, url: str) -> Any:
    """``value`` with its placeholders replaced; ids are made from their names."""
    if isinstance(value, dict):
        return {filled(k, url): filled(v, url) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(item, url) for item in value]
    if not isinstance(value, str):
        return value
    for mark, text in {**KNOWN, '<keystone>': url}.items():
        value = value.replace(mark, text)
    return re.sub(r'<((?:stack|event|snapshot|config|deployment)_id|uuid)(:[^<>]*)?>',
                  lambda m: str(uuid.uuid5(uuid.NAMESPACE_OID, m.group(0))), value)


def body_of(request: dict[str, Any]) -> bytes | None:
    if 'raw_body' in request:
        return request['raw_body'].encode('latin-1')
    body = request.get('body')
    if isinstance(body, dict) and 'generate' in body:
        return generated(body['generate'])
    return None if 'body' not in request else json.dumps(body).encode()


def generated(how: str) -> bytes:
    size = 5242880
    if how.startswith('stack_name x'):
        return json.dumps({'stack_name': 'x', 'template': 't' * (2 * size)}).encode()
    template = {'heat_template_version': '2021-04-16', 'resources': {
        'a': {'type': 'OS::Heat::TestResource', 'properties': {'value': 'v' * size}}}}
    if how.startswith('template as text'):
        return json.dumps({'template': json.dumps(template)}).encode()
    return json.dumps({'stack_name': 'gold-big', 'template': template}).encode()


def prepare(world: World, response: dict[str, Any]) -> None:
    """Have the engine say what the recorded one must have said."""
    world.engine.answers.clear()
    body = response.get('body')
    fault = body.get('error') if isinstance(body, dict) else None
    if isinstance(fault, dict) and isinstance(getattr(errors, fault.get('type') or '', None), type):
        world.engine.answers['*'] = errors.from_wire(
            {'class': fault['type'], 'message': fault.get('message')})
    elif isinstance(fault, dict) and fault.get('message'):
        world.engine.answers['validate_template'] = {'Error': fault['message']}
    location = response['headers'].get('Location')
    if location:
        _empty, tenant, _stacks, name, number = unquote(location).split('/v1')[1].split('?')[0].split('/')[:5]
        world.engine.answers['identify_stack'] = StackId(tenant, name, number).to_wire()
        world.engine.answers['create_stack'] = StackId(tenant, name, number).to_wire()


def undetailed(said: dict[str, Any], recorded: str | None) -> None:
    """Take off what follows the recorded sentence: places and suggestions, as text and as data.

    The sentence itself stays as it was, and ends where a line ends.
    """
    faults = said.pop('faults', [])
    if faults and recorded is not None and said['message'].startswith(recorded + '\n'):
        lines = said['message'][len(recorded) + 1:].split('\n')
        assert len(faults) > 1 or all(line.startswith('  ') for line in lines)
        said['message'] = recorded


@pytest.mark.parametrize('record', records())
def test_answers_as_recorded(world: World, record: dict[str, Any]) -> None:
    asked, expected = filled(record['request'], world.url), filled(record['response'], world.url)
    prepare(world, expected)
    headers = dict(asked['headers'])
    body = body_of(asked)
    if 'body' in asked:
        headers.setdefault('Content-Type', 'application/json')
    got = world.ask(asked['method'], asked['path'], body, **headers)
    compare(got, expected)


def compare(got: webob.Response, expected: dict[str, Any]) -> None:
    assert got.status_int == expected['status'], got.text
    headers = {name: got.headers[name] for name in LISTED if name in got.headers}
    if expected['headers'].get('X-Openstack-Request-Id'):
        assert re.fullmatch(r'req-[0-9a-f-]{36}', headers.pop('X-Openstack-Request-Id', ''))
    wanted = {k: v for k, v in expected['headers'].items() if k != 'X-Openstack-Request-Id'}
    assert headers == wanted
    body = expected.get('body')
    if isinstance(body, (dict, list)) or (got.content_type == 'application/json' and got.body):
        said = got.json_body
        fault = body.get('error') if isinstance(body, dict) else None
        if fault and 'message' not in fault and fault.get('type') in ('ValueError', 'AttributeError'):
            # Where a value was refused without a word, ours says why.
            said['error'].pop('message', None)
        if fault:
            undetailed(said['error'], fault.get('message'))
        assert said == body
    else:
        assert got.text == (body or '')
