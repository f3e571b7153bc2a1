"""What our API and engine answer together, by the objects of tests/data/rest_api.json.

A route whose engine method is not served yet must say so; all others must show
every key of their object and no other. What may be missing, and when, the file
says in words; OPTIONAL tells it to the test.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import webob

from heat.common import ids
from heat.engine import service
from tests.parity import conftest
from tests.parity.conftest import Site
from tests.wire.keystone import ADMIN_PROJECT, PROJECT
from tests.wire.test_contract import CONTRACT, name_of, pairs

OBJECTS: dict[str, Any] = CONTRACT['objects']
# Keys that an object has only in the cases that the contract names.
OPTIONAL: dict[str, set[str]] = {
    'stack': {'output_error'}, 'output': {'output_error'}, 'event': set(), 'event_summary': set(),
    'resource': {'parent_resource'}, 'resource_summary': {'parent_resource', 'attributes', 'description'},
    'resource_preview': {'parent_resource'}, 'stack_summary': {'project'}, 'stack_list_row': {'project'},
    'software_config_summary': {'project'}, 'software_deployment': {'updated_time'},
    'resource_schema': {'description'},
    'validation': {'NestedParameters', 'ParameterGroups'}}
KID = {'heat_template_version': '2021-04-16', 'outputs': {'said': {'value': 'x'}},
       'resources': {'inner': {'type': 'OS::Heat::TestResource', 'properties': {'value': 'v'}}}}
TEMPLATE = {'heat_template_version': '2021-04-16', 'description': 'A web',
            'parameters': {'p': {'type': 'string', 'default': 'd', 'hidden': True}},
            'outputs': {'o': {'value': {'get_attr': ['r', 'output']}, 'description': 'What it says'}},
            'resources': {'r': {'type': 'OS::Heat::TestResource', 'properties': {'value': 'v'}},
                          'kid': {'type': 'kid.yaml', 'depends_on': 'r'},
                          'h': {'type': 'OS::Heat::TestResource', 'properties': {'value': 'w'}}}}
NEW: dict[str, Any] = {'template': TEMPLATE, 'files': {'kid.yaml': json.dumps(KID)}}


@dataclass
class Furnished:
    """A site with one of everything in the project of ``member``; ``place`` names it."""

    site: Site
    place: dict[str, str]

    def address(self, path: str, tenant: str = PROJECT) -> str:
        for name, value in {'tenant_id': tenant, **self.place}.items():
            path = path.replace(f'{{{name}}}', value)
        return f'/v1{path}'


def furnish(site: Site) -> Furnished:
    base = f'/v1/{PROJECT}'
    made = site.ask('POST', f'{base}/stacks', {'stack_name': 'web', 'tags': 'a,b', **NEW})
    assert made.status_int == 201, made.text
    site.world.run()
    own = made.json_body['stack']['links'][0]['href']
    event = site.ask('GET', f'{own}/resources/r/events').json_body['events'][0]
    config = site.ask('POST', f'{base}/software_configs', {
        'name': 'c', 'group': 'script', 'config': 'echo', 'inputs': [{'name': 'i', 'type': 'String'}],
        'outputs': [{'name': 'o', 'type': 'String'}], 'options': {}}).json_body['software_config']
    server = ids.new_id()
    deployment = site.ask('POST', f'{base}/software_deployments', {
        'config_id': config['id'], 'server_id': server, 'action': 'CREATE', 'status': 'IN_PROGRESS',
        'status_reason': 'r', 'input_values': {'i': 'x'}}).json_body['software_deployment']
    plan = site.ask('POST', f'{own}/plans', {'name': 'p', **NEW}).json_body['plan']
    return Furnished(site, {
        'plan_id': plan['id'], 'stack_name': 'web',
        'stack_id': made.json_body['stack']['id'], 'resource_name': 'r',
        'event_id': event['id'], 'output_key': 'o', 'config_id': config['id'], 'server_id': server,
        'deployment_id': deployment['id'], 'snapshot_id': ids.new_id(), 'type_name': 'OS::Heat::TestResource',
        'template_version': 'heat_template_version.2021-04-16'})


@pytest.fixture(scope='module')
def here(identity: Any, tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    build: Callable[[], Site] = conftest.site.__wrapped__(  # type: ignore[attr-defined]
        identity, tmp_path_factory.mktemp('site'))
    site = build()
    site.world.conf.set_override('enable_stack_abandon', True)
    return furnish(site)


READ = [pytest.param(method, route, id=name_of((method, route))) for method, route in pairs()
        if method == 'GET' and route['success_status'] == 200 and route['action'] not in (
            'template', 'generate_template', 'files')]


@pytest.mark.parametrize(('method', 'route'), READ)
def test_an_answer_has_the_keys_of_its_object(here: Furnished, method: str, route: dict[str, Any]) -> None:
    if route['action'] in ('show_snapshot', 'list_snapshots'):
        here.place['snapshot_id'] = snapshot_of(here)
    path, user = here.address(route['path']), 'member'
    if route['controller'] == 'service':
        path, user = here.address(route['path'], ADMIN_PROJECT), 'boss'
    got = here.site.ask(method, path, user=user)
    unserved = set(route['rpc']) & set(service.UNSERVED)
    if unserved:
        assert refusal(got).endswith('is not supported.')
        return
    assert got.status_int == 200, got.text
    fits(got.json_body, route['response'], '')


def refusal(got: webob.Response) -> str:
    assert got.status_int == 400
    return str(got.json_body['error']['message'])


def snapshot_of(here: Furnished) -> str:
    """The id of a snapshot, taken if there is none; any where snapshots are not served."""
    path = here.address('/{tenant_id}/stacks/{stack_name}/{stack_id}/snapshots')
    got = here.site.ask('POST', path, {'name': 's'})
    here.site.world.run()
    return str(got.json_body['id']) if got.status_int == 200 else ids.new_id()


def fits(value: Any, form: Any, place: str) -> None:
    """``value`` has the keys that ``form`` (an object's name, or its keys) names, all the way down."""
    name = form if isinstance(form, str) and form in OBJECTS else None
    form = OBJECTS[name] if name else form
    if isinstance(form, list):
        assert isinstance(value, list), place
        if form and (isinstance(form[0], dict) or form[0] in OBJECTS):
            # A form that nothing is seen of would be held by anything.
            assert value or place.endswith('links'), f'nothing to look at: {place}'
            for one in value:
                fits(one, form[0], f'{place}[]')
    elif isinstance(form, dict):
        assert isinstance(value, dict), place
        if set(form) == {'*'}:
            for key, one in value.items():
                # An exported nested stack stands where its resource does.
                inner = {**form['*'], **(OBJECTS['stack_abandon'] if 'resources' in one else {})}
                assert set(one) <= set(inner), f'{place}.{key}'
            return
        optional = OPTIONAL.get(name or '', set()) | {
            key for key, text in form.items() if isinstance(text, str) and text.startswith('only ')}
        if name == 'stack' or 'output_error' in form:
            optional = optional | {'output_error'}
        assert set(form) - optional <= set(value) <= set(form), f'{place}: {set(form) ^ set(value)}'
        for key, inner in form.items():
            if key in value:
                fits(value[key], inner, f'{place}.{key}')


def test_a_validation_has_its_keys(here: Furnished) -> None:
    got = here.site.ask('POST', here.address('/{tenant_id}/validate'), {'template': TEMPLATE,
                                                                        'files': NEW['files']})
    fits(got.json_body, 'validation', '')
    nested = here.site.ask('POST', here.address('/{tenant_id}/validate?show_nested=true'), NEW)
    assert set(nested.json_body['NestedParameters']) == {'kid'}


def test_details_and_depth(here: Furnished) -> None:
    path = here.address('/{tenant_id}/stacks/{stack_name}/{stack_id}/resources')
    for one in here.site.ask('GET', f'{path}?with_detail=true').json_body['resources']:
        assert set(one) == set(OBJECTS['resource_summary']) - {'parent_resource'}
    deep = here.site.ask('GET', f'{path}?nested_depth=1').json_body['resources']
    assert {one['resource_name']: one.get('parent_resource') for one in deep} == {
        'r': None, 'kid': None, 'h': None, 'inner': 'kid'}


def test_an_admin_sees_projects(here: Furnished) -> None:
    for path, key, kind in (('stacks', 'stacks', 'stack_summary'),
                            ('software_configs', 'software_configs', 'software_config_summary')):
        rows = here.site.ask('GET', f'/v1/{PROJECT}/{path}', user='boss').json_body[key]
        assert rows
        assert all(set(row) == set(OBJECTS[kind]) and row['project'] == PROJECT for row in rows)
