"""What the engine says and what the client sees; the answers stand as recorded on 2026-11-22."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from heat.common import errors
from tests.wire.conftest import World
from tests.wire.keystone import ADMIN_PROJECT, PROJECT

BASE = f'http://localhost/v1/{PROJECT}/stacks'
TOKEN = 'token-member'
WEB = {'tenant': PROJECT, 'stack_name': 'web', 'stack_id': 'id-1', 'path': ''}
STACK: dict[str, Any] = {
    'stack_identity': WEB, 'stack_name': 'web', 'stack_action': 'CREATE', 'stack_status': 'COMPLETE',
    'stack_status_reason': 'Stack CREATE completed successfully', 'creation_time': '2026-11-22T10:00:00Z',
    'updated_time': None, 'deletion_time': None, 'notification_topics': [], 'description': 'A small stack',
    'template_description': 'A small stack', 'parameters': {'OS::stack_name': 'web'}, 'outputs': [],
    'capabilities': [], 'disable_rollback': True, 'timeout_mins': 7, 'stack_owner': 'member', 'parent': None,
    'stack_user_project_id': 'p1', 'tags': ['a', 'b']}
SHOWN = {**{k: v for k, v in STACK.items() if k not in ('stack_identity', 'stack_action')},
         'stack_status': 'CREATE_COMPLETE', 'id': 'id-1',
         'links': [{'href': f'{BASE}/web/id-1', 'rel': 'self'}]}
KID = {'tenant': PROJECT, 'stack_name': 'web-kid', 'stack_id': 'id-2', 'path': ''}
RESOURCE: dict[str, Any] = {
    'resource_identity': {**WEB, 'path': '/resources/kid'}, 'stack_identity': WEB, 'stack_name': 'web',
    'resource_name': 'kid', 'resource_action': 'CREATE', 'resource_status': 'COMPLETE',
    'resource_status_reason': 'state changed', 'resource_type': 'file:///n.yaml', 'required_by': [],
    'physical_resource_id': 'id-2', 'creation_time': 'T1', 'updated_time': 'T2', 'description': '',
    'attributes': {'said': 'x'}, 'metadata': {'n': 1}, 'nested_stack_id': KID, 'properties': {'secret': 1}}
RESOURCE_SHOWN = {
    'attributes': {'said': 'x'}, 'creation_time': 'T1', 'description': '', 'logical_resource_id': 'kid',
    'links': [{'href': f'{BASE}/web/id-1/resources/kid', 'rel': 'self'},
              {'href': f'{BASE}/web/id-1', 'rel': 'stack'},
              {'href': f'{BASE}/web-kid/id-2', 'rel': 'nested'}],
    'physical_resource_id': 'id-2', 'required_by': [], 'resource_name': 'kid',
    'resource_status': 'CREATE_COMPLETE', 'resource_status_reason': 'state changed',
    'resource_type': 'file:///n.yaml', 'updated_time': 'T2'}
EVENT: dict[str, Any] = {
    'event_identity': {**WEB, 'path': '/resources/a/events/e-2'}, 'stack_identity': WEB, 'stack_name': 'web',
    'event_time': 'T1', 'resource_name': 'a', 'physical_resource_id': 'web-a', 'resource_action': 'CREATE',
    'resource_status': 'IN_PROGRESS', 'resource_status_reason': 'state changed',
    'resource_type': 'OS::Heat::TestResource', 'resource_properties': {'value': 'one'}, 'root_stack_id': WEB}
EVENT_SHOWN = {
    'event_time': 'T1', 'id': 'e-2', 'logical_resource_id': 'a', 'physical_resource_id': 'web-a',
    'resource_name': 'a', 'resource_status': 'CREATE_IN_PROGRESS', 'resource_status_reason': 'state changed',
    'links': [{'href': f'{BASE}/web/id-1/resources/a/events/e-2', 'rel': 'self'},
              {'href': f'{BASE}/web/id-1/resources/a', 'rel': 'resource'},
              {'href': f'{BASE}/web/id-1', 'rel': 'stack'},
              {'href': f'{BASE}/web/id-1', 'rel': 'root_stack'}]}


def get(api: World, path: str, token: str = TOKEN, **answers: Any) -> Any:
    api.engine.answers.update(answers)
    response = api.ask('GET', f'/v1/{PROJECT}/{path}', X_Auth_Token=token)
    assert response.status_int == 200, response.text
    return response.json_body


def sent(api: World, method: str, path: str, body: dict[str, Any], token: str = TOKEN) -> dict[str, Any]:
    """The arguments of the last engine call that the request made."""
    response = api.ask(method, f'/v1/{PROJECT}/{path}', json.dumps(body).encode(), X_Auth_Token=token,
                       Content_Type='application/json')
    assert response.status_int < 300, response.text
    return api.engine.calls[-1][1]


def test_show_stack(api: World) -> None:
    assert get(api, 'stacks/web/id-1', show_stack=[STACK]) == {'stack': SHOWN}
    assert api.engine.calls == [('show_stack', {'stack_identity': WEB, 'resolve_outputs': True})]


def test_show_stack_without_outputs(api: World) -> None:
    bare = {k: v for k, v in STACK.items() if k != 'outputs'}
    assert 'outputs' not in get(api, 'stacks/web/id-1?resolve_outputs=False', show_stack=bare)['stack']
    assert api.engine.calls[0][1]['resolve_outputs'] is False


def test_list_row_has_no_more_than_a_row(api: World) -> None:
    row = get(api, 'stacks', list_stacks=[{**STACK, 'description': ''}])['stacks'][0]
    assert set(row) == {
        'creation_time', 'deletion_time', 'description', 'id', 'links', 'parent', 'stack_name', 'stack_owner',
        'stack_status', 'stack_status_reason', 'stack_user_project_id', 'tags', 'updated_time'}


def test_list_passes_filters_and_pages(api: World) -> None:
    body = get(api, 'stacks?limit=1&sort_keys=stack_name&sort_dir=asc&name=a&name=b&tags=x,y&status=FAILED'
                    '&with_count=true&show_nested=TRUE', list_stacks=[STACK], count_stacks=5)
    assert body['count'] == 5
    assert body['links'] == [{'rel': 'next', 'href': (
        f'{BASE}?limit=1&sort_keys=stack_name&sort_dir=asc&name=a&name=b&tags=x%2Cy&status=FAILED'
        '&with_count=true&show_nested=TRUE&marker=id-1')}]
    which = {'filters': {'name': ['a', 'b'], 'status': 'FAILED'}, 'tags': ['x', 'y'], 'tags_any': None,
             'not_tags': None, 'not_tags_any': None, 'show_deleted': False, 'show_nested': True,
             'show_hidden': False}
    assert api.engine.calls == [
        ('list_stacks', {**which, 'limit': 1, 'marker': None, 'sort_keys': ['stack_name'],
                         'sort_dir': 'asc'}),
        ('count_stacks', which)]


def test_admin_sees_the_project_of_rows_and_keeps_the_own_project(api: World) -> None:
    assert get(api, 'stacks', token='token-boss', list_stacks=[STACK])['stacks'][0]['project'] == PROJECT
    assert get(api, 'stacks/web/id-1', token='token-boss', show_stack=STACK)
    assert api.engine.calls[-1][1]['stack_identity']['tenant'] == ADMIN_PROJECT


def test_resource(api: World) -> None:
    assert get(api, 'stacks/web/id-1/resources/kid?with_attr=a&with_attr=b',
               describe_stack_resource=RESOURCE) == {'resource': RESOURCE_SHOWN}
    assert api.engine.calls == [('describe_stack_resource', {
        'stack_identity': WEB, 'resource_name': 'kid', 'with_attr': ['a', 'b']})]
    assert get(api, 'stacks/web/id-1/resources/kid/metadata') == {'metadata': {'n': 1}}


def test_resource_list(api: World) -> None:
    rows = get(api, 'stacks/web/id-1/resources?nested_depth=2&type=X', list_stack_resources=[RESOURCE])
    assert rows == {'resources': [{k: v for k, v in RESOURCE_SHOWN.items()
                                   if k not in ('attributes', 'description')}]}
    assert api.engine.calls == [('list_stack_resources', {
        'stack_identity': WEB, 'nested_depth': 2, 'with_detail': False, 'filters': {'type': 'X'}})]
    assert get(api, 'stacks/web/id-1/resources?with_detail=true') == {'resources': [RESOURCE_SHOWN]}


def test_events(api: World) -> None:
    assert get(api, 'stacks/web/id-1/events?nested_depth=1', list_events=[EVENT]) == {'events': [EVENT_SHOWN]}
    assert api.engine.calls[0][1]['nested_depth'] == 1
    assert get(api, 'stacks/web/id-1/resources/a/events/e-2') == {'event': {
        **EVENT_SHOWN, 'resource_properties': {'value': 'one'}, 'resource_type': 'OS::Heat::TestResource'}}
    assert api.engine.calls[1][1]['filters'] == {'resource_name': 'a', 'uuid': 'e-2'}


def test_create_hands_over_everything(api: World) -> None:
    api.engine.answers['create_stack'] = WEB
    template = {'heat_template_version': '2021-04-16'}
    arguments = sent(api, 'POST', 'stacks', {
        'stack_name': 'web', 'template': template, 'parameters': {'p': 1}, 'files': {'f': 'text'},
        'environment': {'parameters': {'p': 0, 'q': 2}, 'resource_registry': {'A': 'B'}}, 'tags': 'x, y',
        'timeout_mins': '60', 'disable_rollback': 'True', 'bogus': 1})
    assert arguments == {
        'stack_name': 'web', 'template': template, 'files': {'f': 'text'}, 'environment_files': None,
        'files_container': None, 'owner_id': None, 'nested_depth': 0, 'user_creds_id': None,
        'parent_resource_name': None, 'stack_user_project_id': None,
        'params': {'parameters': {'p': 1, 'q': 2}, 'resource_registry': {'A': 'B'}, 'parameter_defaults': {},
                   'event_sinks': [], 'encrypted_param_names': []},
        'args': {'tags': ['x', 'y'], 'timeout_mins': 60, 'disable_rollback': True}}


def test_environment_files_put_the_inline_environment_aside(api: World) -> None:
    api.engine.answers['create_stack'] = WEB
    arguments = sent(api, 'POST', 'stacks', {
        'stack_name': 'web', 'template': {'x': 1}, 'environment': {'parameters': {'q': 2}},
        'environment_files': ['e'], 'files': {'e': 'parameters: {}'}, 'parameters': {'p': 1}})
    assert arguments['params']['parameters'] == {'p': 1}
    assert arguments['environment_files'] == ['e']


def test_patch_is_an_update_of_what_exists(api: World) -> None:
    arguments = sent(api, 'PATCH', 'stacks/web/id-1', {'parameters': {'p': 1}, 'clear_parameters': ['q']})
    assert arguments['template'] is None
    assert arguments['args'] == {'existing': True, 'clear_parameters': ['q']}
    assert arguments['stack_identity'] == WEB


def test_preview_of_an_update_shows_nested_if_asked(api: World) -> None:
    api.engine.answers['preview_update_stack'] = {'added': []}
    arguments = sent(api, 'PUT', 'stacks/web/id-1/preview?show_nested=true', {'template': {'x': 1}})
    assert arguments['args'] == {'show_nested': True}


def test_preview_of_a_stack(api: World) -> None:
    api.engine.answers['preview_stack'] = {**STACK, 'resources': [RESOURCE]}
    response = api.ask('POST', f'/v1/{PROJECT}/stacks/preview', X_Auth_Token=TOKEN,
                       body=b'{"stack_name": "web", "template": {"x": 1}}')
    shown = {k: v for k, v in SHOWN.items() if not k.startswith('stack_status')}
    assert response.json_body == {'stack': {**shown, 'resources': [RESOURCE]}}


def test_signal_details(api: World) -> None:
    assert sent(api, 'POST', 'stacks/web/id-1/resources/h/signal', {'status': 'SUCCESS'}) == {
        'stack_identity': WEB, 'resource_name': 'h', 'details': {'status': 'SUCCESS'}, 'sync_call': False}


def test_links_keep_the_prefix_we_are_mounted_at(api: World) -> None:
    api.engine.answers['identify_stack'] = WEB
    response = api.ask('GET', f'/v1/{PROJECT}/stacks/web', script='/heat-api', X_Auth_Token=TOKEN)
    assert response.location == f'http://localhost/heat-api/v1/{PROJECT}/stacks/web/id-1'
    versions = api.ask('GET', '/', script='/heat-api').json_body['versions']
    assert versions[0]['links'][0]['href'] == 'http://localhost/heat-api/v1/'


def test_global_list_asks_as_admin_when_policy_allows(pipeline: Callable[..., World]) -> None:
    api = pipeline(policy='"stacks:global_index": "role:member"\n')
    assert 'project' in get(api, 'stacks?global_tenant=true', list_stacks=[STACK])['stacks'][0]
    assert api.engine.contexts[0].is_admin


@pytest.mark.parametrize(('written', 'shown'), [('NaN', 'nan'), ('-Infinity', '-inf'), ('1e999', 'inf')])
def test_a_number_that_json_cannot_express_is_refused(api: World, written: str, shown: str) -> None:
    # Python reads them; what it then writes no other client could read.
    body = f'{{"stack_name": "s", "template": {{"parameters": [{written}]}}}}'.encode()
    response = api.ask('POST', f'/v1/{PROJECT}/stacks', body, X_Auth_Token=TOKEN,
                       Content_Type='application/json')
    assert response.status_int == 400
    assert response.json_body['error']['message'] == f'The number {shown} cannot be expressed in JSON.'
    assert not api.engine.calls


def test_a_configuration_in_use_is_a_conflict_of_the_recorded_type(api: World) -> None:
    # The recorded service failed with 500 here.
    api.engine.answers['*'] = errors.SoftwareConfigInUse(config='c-1')
    response = api.ask('DELETE', f'/v1/{PROJECT}/software_configs/c-1', X_Auth_Token=TOKEN)
    assert (response.status_int, response.json_body['code']) == (409, 409)
    assert response.json_body['error'] == {
        'type': 'InvalidRestrictedAction', 'traceback': None,
        'message': 'Software config with id c-1 can not be deleted as it is referenced.'}


def test_a_content_type_in_capitals_is_the_same(api: World) -> None:
    api.engine.answers['create_stack'] = WEB
    response = api.ask('POST', f'/v1/{PROJECT}/stacks', b'{"stack_name": "web", "template": {"x": 1}}',
                       X_Auth_Token=TOKEN, Content_Type='Application/JSON')
    assert response.status_int == 201


@pytest.mark.parametrize('key', ['', 'x' * 129, 'ä'])
def test_a_key_that_is_none_is_refused_by_its_own_name(api: World, key: str) -> None:
    response = api.ask('POST', f'/v1/{PROJECT}/stacks', b'{"stack_name": "web", "template": {"x": 1}}',
                       X_Auth_Token=TOKEN, Idempotency_Key=key)
    assert response.status_int == 400
    assert response.json_body['error']['message'] == (
        '"Idempotency-Key" must be a text of 1 to 128 printable ASCII characters.')
