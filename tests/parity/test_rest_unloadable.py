"""Stacks whose stored template is refused by now, as after an upgrade: shown, acted on, and brought back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parity.conftest import Site
from tests.sim.test_unloadable import spoil
from tests.wire.keystone import PROJECT

BASE = f'/v1/{PROJECT}/stacks'
HIDDEN = 'sesame'
TEMPLATE: dict[str, Any] = {
    'heat_template_version': '2021-04-16', 'description': 'mine',
    'parameters': {'p': {'type': 'string', 'hidden': True}, 'q': {'type': 'string', 'default': 'x'}},
    'resources': {'a': {'type': 'OS::Heat::TestResource', 'properties': {'value': {'get_param': 'p'}}},
                  'g': {'type': 'OS::Heat::ResourceGroup', 'properties': {
                      'count': 2, 'resource_def': {'type': 'OS::Heat::TestResource'}}}},
    'outputs': {'o': {'description': 'an output', 'value': {'get_attr': ['a', 'output']}}}}
KINDS = {
    'version': {'template': {**TEMPLATE, 'heat_template_version': '1999-01-01'}},
    'resource': {'template': {**TEMPLATE, 'resources': {'a': {'type': 5}}}},
    'parameter': {'template': {**TEMPLATE, 'parameters': {
        'p': {'type': 'none', 'hidden': True, 'default': HIDDEN}}}},
    'environment': {'environment': {'parameters': {'p': HIDDEN}, 'resource_registry': 'none'}}}


def kept(here: Site, values: Any) -> str:
    made = here.ask('POST', BASE, {'stack_name': 's', 'template': TEMPLATE, 'parameters': {'p': HIDDEN}})
    here.world.run()
    own = made.json_body['stack']['links'][0]['href'].removeprefix('http://localhost')
    assert here.ask('GET', own).json_body['stack']['stack_status'] == 'CREATE_COMPLETE'
    spoil(here.world, **values)
    return str(own)


READS = ('', '?resolve_outputs=false', '/resources', '/resources?nested_depth=2',
         '/resources?with_detail=true', '/resources/a', '/resources/g', '/resources/a/metadata', '/events',
         '/events?nested_depth=2', '/template', '/files', '/outputs', '/graph', '/drift', '/snapshots',
         '?with_progress=true')


@pytest.mark.parametrize('kind', KINDS)
def test_it_is_shown(here: Site, kind: str) -> None:
    own = kept(here, KINDS[kind])
    for path in READS:
        got = here.ask('GET', own + path)
        assert got.status_int == 200, (path, got.text)
        assert HIDDEN not in got.text or path in ('/template', '/resources/a', '/resources?with_detail=true')
    shown = here.ask('GET', own).json_body['stack']
    sentence = 'The stored template of stack s is refused by now.'
    output = {'output_key': 'o', 'description': 'an output', 'output_value': None, 'output_error': sentence}
    assert (shown['description'], shown['outputs']) == ('mine', [output])
    assert here.ask('GET', f'{own}/outputs/o').json_body['output'] == output
    assert here.ask('GET', f'{own}/outputs/none').status_int == 404
    environment = here.ask('GET', f'{own}/environment')
    assert environment.json_body['parameters'] == {'p': '******'} and HIDDEN not in environment.text
    assert len(here.ask('GET', f'{own}/resources?nested_depth=2').json_body['resources']) == 4


@pytest.mark.parametrize('kind', KINDS)
def test_what_needs_its_template_is_refused_and_another_one_taken(here: Site, kind: str) -> None:
    own = kept(here, KINDS[kind])
    refusal = ('The stored template of stack s is refused by now, so that the stack can only be updated with '
               'another one, or deleted: ')
    for method, path, body in (
            ('POST', '/actions', {'suspend': None}), ('POST', '/actions', {'check': None}),
            ('POST', '/snapshots', {}), ('PATCH', '', {}), ('PATCH', '', {'parameters': {'q': 'y'}})):
        got = here.ask(method, own + path, body)
        assert got.status_int == 400 and HIDDEN not in got.text, got.text
        assert got.json_body['error']['message'].startswith(refusal), got.text
        assert here.ask('GET', own).json_body['stack']['stack_status'] == 'CREATE_COMPLETE'
    wish = {'template': TEMPLATE, 'parameters': {'p': HIDDEN}}
    assert here.ask('PUT', f'{own}/preview', wish).status_int == 200
    assert here.ask('PUT', own, wish).status_int == 202
    here.world.run()
    shown = here.ask('GET', own).json_body['stack']
    assert (shown['stack_status'], shown['outputs'][0]['output_value']) == ('UPDATE_COMPLETE', HIDDEN)
    for action in ('suspend', 'resume', 'check'):
        assert here.ask('POST', f'{own}/actions', {action: None}).status_int == 200
        here.world.run()
        shown = here.ask('GET', own).json_body['stack']
        assert shown['stack_status'] == f'{action.upper()}_COMPLETE', shown


@pytest.mark.parametrize('kind', ['version', 'resource'])
def test_it_is_handed_over(here: Site, kind: str) -> None:
    own = kept(here, KINDS[kind])
    data = here.ask('DELETE', f'{own}/abandon').json_body
    assert data['environment']['parameters'] == {'p': HIDDEN} and data['template'] == KINDS[kind]['template']
    here.world.run()
    assert here.ask('GET', BASE).json_body['stacks'] == []


def test_a_failed_update_away_from_it_stays_where_it_is(here: Site) -> None:
    own = kept(here, KINDS['version'])
    broken = {'heat_template_version': '2021-04-16', 'resources': {'a': {
        'type': 'OS::Heat::TestResource', 'properties': {'fail': True, 'update_replace': True}}}}
    assert here.ask('PUT', own, {'template': broken, 'disable_rollback': False}).status_int == 202
    here.world.run()
    assert here.ask('GET', own).json_body['stack']['stack_status'] == 'UPDATE_FAILED'
    assert here.ask('PUT', own, {'template': TEMPLATE, 'parameters': {'p': HIDDEN}}).status_int == 202
    here.world.run()
    assert here.ask('GET', own).json_body['stack']['stack_status'] == 'UPDATE_COMPLETE'


def test_an_update_away_from_it_is_not_cancelled_with_rollback(here: Site) -> None:
    own = kept(here, KINDS['version'])
    assert here.ask('PUT', own, {'template': TEMPLATE, 'parameters': {'p': 'other'}}).status_int == 202
    got = here.ask('POST', f'{own}/actions', {'cancel_update': None})
    assert got.status_int == 400 and 'is refused by now' in got.text
    assert here.ask('POST', f'{own}/actions', {'cancel_without_rollback': None}).status_int == 200
    here.world.run()
    assert here.ask('GET', own).json_body['stack']['stack_status'] == 'UPDATE_FAILED'
