"""Nested stacks over REST, by the links their resources have."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.parity.conftest import Site
from tests.wire.keystone import PROJECT

GROUP = {'heat_template_version': '2021-04-16',
         'outputs': {'said': {'value': {'get_attr': ['pair', 'output']}}},
         'resources': {'pair': {'type': 'OS::Heat::ResourceGroup', 'properties': {
             'count': 2, 'resource_def': {'type': 'OS::Heat::TestResource',
                                          'properties': {'value': 'v%index%'}}}}}}


def test_a_nested_stack_is_a_stack(site: Callable[[], Site]) -> None:
    here = site()
    made = here.ask('POST', f'/v1/{PROJECT}/stacks', {'stack_name': 'top', 'template': GROUP})
    here.world.run()
    own = made.json_body['stack']['links'][0]['href']
    assert here.ask('GET', own).json_body['stack']['outputs'][0]['output_value'] == ['v0', 'v1']
    pair = here.ask('GET', f'{own}/resources/pair').json_body['resource']
    nested = next(link['href'] for link in pair['links'] if link['rel'] == 'nested')
    shown = here.ask('GET', nested).json_body['stack']
    assert shown['parent'] == made.json_body['stack']['id']
    assert {o['output_key']: o['output_value'] for o in shown['outputs']} == {
        '0.output': 'v0', '1.output': 'v1'}
    members = here.ask('GET', f'{nested}/resources').json_body['resources']
    assert {(one['resource_name'], one['parent_resource']) for one in members} == {
        ('0', 'pair'), ('1', 'pair')}
    assert list(here.ask('GET', f'{nested}/template').json_body['resources']) == ['0', '1']
    assert here.ask('GET', f'{nested}/environment').json_body['resource_registry'] == {'resources': {}}


KID = {'heat_template_version': '2021-04-16', 'description': 'A kid',
       'parameters': {'word': {'type': 'string', 'default': 'w'},
                      'hush': {'type': 'string', 'default': 'h', 'hidden': True}},
       'outputs': {'said': {'value': {'get_attr': ['inner', 'output']}, 'description': 'What it says'}},
       'resources': {'inner': {'type': 'OS::Heat::TestResource',
                               'properties': {'value': {'get_param': 'word'}}}}}
OUTER = {'heat_template_version': '2021-04-16',
         'outputs': {'said': {'value': {'get_attr': ['kid', 'said']}}},
         'resources': {'kid': {'type': 'My::Kid', 'properties': {'word': 'x', 'hush': 'very hush'}}}}
ROOT = {'heat_template_version': '2021-04-16', 'parameters': {'n': {'type': 'string', 'default': 'n'}},
        'outputs': {'said': {'value': {'get_attr': ['top', 'said']}}},
        'resources': {'top': {'type': 'My::Outer'}}}
BODY = {'template': ROOT,
        'files': {'file:///kid.yaml': json.dumps(KID), 'file:///outer.yaml': json.dumps(OUTER)},
        'environment': {'resource_registry': {'My::Outer': 'file:///outer.yaml',
                                              'My::Kid': 'file:///kid.yaml'}}}


def test_templates_in_templates_show_every_level(site: Callable[[], Site]) -> None:
    here = site()
    made = here.ask('POST', f'/v1/{PROJECT}/stacks', {'stack_name': 'root', **BODY})
    assert made.status_int == 201
    here.world.run()
    own = made.json_body['stack']['links'][0]['href']
    assert here.ask('GET', own).json_body['stack']['outputs'][0]['output_value'] == 'x'

    def listed(depth: int) -> dict[str, str | None]:
        found = here.ask('GET', f'{own}/resources?nested_depth={depth}').json_body['resources']
        return {one['resource_name']: one.get('parent_resource') for one in found}

    assert listed(0) == {'top': None}
    assert listed(1) == {'top': None, 'kid': 'top'}
    assert listed(2) == {'top': None, 'kid': 'top', 'inner': 'kid'}
    events = here.ask('GET', f'{own}/events?nested_depth=2').json_body['events']
    assert {one['resource_name'] for one in events if one['logical_resource_id'] == 'inner'} == {'inner'}
    assert all(link['href'].endswith(made.json_body['stack']['id']) for one in events
               for link in one['links'] if link['rel'] == 'root_stack')
    everything = here.ask('GET', f'/v1/{PROJECT}/stacks?show_nested=true').json_body['stacks']
    assert len(everything) == 3 and len([one for one in everything if one['parent'] is None]) == 1
    top = here.ask('GET', f'{own}/resources/top').json_body['resource']
    assert top['attributes'] == {'said': 'x'} and top['resource_type'] == 'My::Outer'
    outer = next(link['href'] for link in top['links'] if link['rel'] == 'nested')
    kid = here.ask('GET', f'{outer}/resources/kid?with_attr=resource.inner.output').json_body['resource']
    assert kid['attributes'] == {'said': 'x', 'resource.inner.output': 'x'}
    shown = here.ask('GET', next(link['href'] for link in kid['links'] if link['rel'] == 'nested')).json_body
    assert shown['stack']['description'] == 'A kid' and shown['stack']['stack_owner'] == 'member'
    assert shown['stack']['parameters']['hush'] == '******' and shown['stack']['parameters']['word'] == 'x'
    registry = here.ask('GET', f'{outer}/environment').json_body['resource_registry']
    assert registry == {'My::Kid': 'file:///kid.yaml', 'resources': {}}


def test_validation_tells_the_parameters_of_every_level(site: Callable[[], Site]) -> None:
    told = site().ask('POST', f'/v1/{PROJECT}/validate?show_nested=true', BODY).json_body
    assert list(told['Parameters']) == ['n'] and list(told['NestedParameters']) == ['top']
    top = told['NestedParameters']['top']
    assert (top['Type'], top['Parameters']) == ('My::Outer', {})
    kid = top['NestedParameters']['kid']
    assert (kid['Type'], kid['Description'], kid['Parameters']['word']['Value']) == ('My::Kid', 'A kid', 'x')
    assert kid['Parameters']['hush']['NoEcho'] == 'true'
