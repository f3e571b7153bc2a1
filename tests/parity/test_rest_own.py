"""What we serve beyond the recorded interface: repeats, conditions, progress, graphs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import webob

from heat.api import wiring
from heat.common import errors
from heat.common.context import RequestContext
from tests.parity.conftest import Site
from tests.wire.keystone import PROJECT

BASE = f'/v1/{PROJECT}/stacks'
KID = {'heat_template_version': '2021-04-16',
       'resources': {'inner': {'type': 'OS::Heat::TestResource', 'properties': {'value': 'v'}}}}


def template(**values: str) -> dict[str, Any]:
    return {'heat_template_version': '2021-04-16', 'resources': {
        'a': {'type': 'OS::Heat::TestResource', 'properties': {'value': values.get('a', 'x')}},
        'b': {'type': 'OS::Heat::TestResource', 'depends_on': 'a',
              'properties': {'value': {'get_attr': ['a', 'output']}, 'wait_secs': 5}},
        'kid': {'type': 'kid.yaml', 'depends_on': 'b'}}}


NEW: dict[str, Any] = {'stack_name': 'web', 'template': template(), 'files': {'kid.yaml': json.dumps(KID)}}


def send(here: Site, method: str, path: str, body: Any = None, **headers: str) -> webob.Response:
    request = webob.Request.blank(path, method=method, base_url='http://localhost')
    request.headers.update({'X-Auth-Token': 'token-member', 'Content-Type': 'application/json'})
    request.headers.update({name.replace('_', '-'): value for name, value in headers.items()})
    if body is not None:
        request.body = json.dumps(body).encode()
    return request.get_response(here.app)


def stack(here: Site) -> str:
    made = send(here, 'POST', BASE, NEW)
    assert made.status_int == 201, made.text
    here.world.run()
    return str(made.json_body['stack']['links'][0]['href'])


@pytest.mark.parametrize('more', [
    ({'client_request_token': 'mine'}, {}), ({}, {'Idempotency_Key': 'mine'}),
    ({'client_request_token': 'mine'}, {'Idempotency_Key': 'mine'})])
def test_a_repeated_creation_is_the_same_one(site: Callable[[], Site],
                                             more: tuple[dict[str, Any], dict[str, str]]) -> None:
    here = site()
    first, again = (send(here, 'POST', BASE, {**NEW, **more[0]}, **more[1]) for _ in range(2))
    here.world.run()
    later = send(here, 'POST', BASE, {**NEW, **more[0]}, **more[1])
    assert first.status_int == again.status_int == later.status_int == 201
    assert first.json_body == again.json_body == later.json_body
    assert len(send(here, 'GET', BASE).json_body['stacks']) == 1
    other = send(here, 'POST', BASE, {**NEW, 'stack_name': 'other', 'client_request_token': 'mine'})
    assert other.status_int == 409
    without = send(here, 'POST', BASE, NEW)
    assert (without.status_int, without.json_body['error']['type']) == (409, 'StackExists')


def test_a_token_with_another_request_is_refused(here: Site) -> None:
    asked = {**NEW, 'client_request_token': 'mine'}
    made = send(here, 'POST', BASE, asked)
    other = {**asked, 'template': template(a='y')}
    for _ in range(2):
        got = send(here, 'POST', BASE, other)
        assert (got.status_int, got.json_body['error']['type']) == (409, 'RequestTokenUsed')
        assert got.json_body['error']['message'] == (
            'The request token mine was used for another request.')
        here.world.run()
    own = made.json_body['stack']['links'][0]['href']
    for method in ('PUT', 'PATCH'):
        for value, status in (('y', 202), ('y', 202), ('z', 409), ('y', 202)):
            body = {**NEW, 'template': template(a=value), 'client_request_token': method}
            assert send(here, method, own, body).status_int == status
            here.world.run()
    assert send(here, 'GET', own).headers['ETag'] == '"3"'


def test_a_token_is_refused_with_a_sentence(site: Callable[[], Site]) -> None:
    here = site()
    for value in ('', 'x' * 129, 'ü', 'a\nb', 7, ['x']):
        got = send(here, 'POST', BASE, {**NEW, 'client_request_token': value})
        assert got.status_int == 400
        assert got.json_body['error']['message'] == (
            '"client_request_token" must be a text of 1 to 128 printable ASCII characters.')
    got = send(here, 'POST', BASE, {**NEW, 'client_request_token': 'a'}, Idempotency_Key='b')
    assert got.json_body['error']['message'] == (
        'Idempotency-Key and "client_request_token" are not the same.')
    got = send(here, 'POST', f'/v1/{PROJECT}/software_configs', {'name': 'c'}, Idempotency_Key='b')
    assert (got.status_int, got.json_body['error']['message']) == (
        400, 'The header Idempotency-Key is not supported with this request.')


def test_a_change_is_made_only_to_the_stack_as_it_was_seen(site: Callable[[], Site]) -> None:
    here = site()
    own = stack(here)
    seen = send(here, 'GET', own).headers['ETag']
    assert (seen, send(here, 'GET', own).headers['Cache-Control']) == ('"1"', 'no-cache')
    change = {**NEW, 'template': template(a='y')}
    assert send(here, 'PUT', own, change, If_Match=seen).status_int == 202
    here.world.run()
    assert send(here, 'GET', own).headers['ETag'] == '"2"'
    for method, path, body in (('PUT', own, change), ('PATCH', own, {}), ('DELETE', own, None),
                               ('POST', f'{own}/actions', {'suspend': None})):
        late = send(here, method, path, body, If_Match=seen)
        assert late.status_int == 412, (method, late.text)
        assert late.json_body['error'] == {
            'type': 'GenerationPassed', 'traceback': None,
            'message': 'The Stack (web) is at generation 2, which is not the one asked for.'}
        here.world.run()
        shown = send(here, 'GET', own)
        assert (shown.json_body['stack']['stack_status'], shown.headers['ETag']) == ('UPDATE_COMPLETE', '"2"')
    assert send(here, 'POST', f'{own}/actions', {'check': None}, If_Match='"1", "2"').status_int == 200
    here.world.run()
    assert send(here, 'DELETE', own, If_Match='*').status_int == 204
    assert send(here, 'PUT', f'{BASE}/none/id-9', change, If_Match='*').status_int == 404


@pytest.mark.parametrize('value', ['3', 'W/"3"', '"x"', '', '"-1"', '"1" "2"', '"99999999999999999999"', '"'])
def test_a_condition_that_is_none_is_refused(site: Callable[[], Site], value: str) -> None:
    got = send(site(), 'DELETE', f'{BASE}/web/id-1', If_Match=value)
    assert got.status_int == 400
    assert got.json_body['error']['message'] == (
        'If-Match must be the ETag of the stack, for example "3", or *.')


def test_what_is_protected_is_neither_deleted_nor_abandoned(here: Site) -> None:
    own = send(here, 'POST', BASE, {**NEW, 'termination_protection': True}).json_body['stack']['links'][0][
        'href']
    here.world.run()
    for path in (own, f'{own}/abandon'):
        got = send(here, 'DELETE', path)
        assert (got.status_int, got.json_body['error']['type'], got.json_body['error']['message']) == (
            409, 'TerminationProtected', 'Stack web is protected from deletion; first update it with '
                                         'termination_protection false.')
    assert send(here, 'GET', f'{own}/export').status_int == 200
    assert send(here, 'PATCH', own, {'termination_protection': False}).status_int == 202
    here.world.run()
    assert send(here, 'DELETE', f'{own}/abandon').status_int == 200


def test_progress_counts_what_is_done(site: Callable[[], Site]) -> None:
    here = site()
    own = send(here, 'POST', BASE, NEW).json_body['stack']['links'][0]['href']

    def progress() -> dict[str, Any]:
        return dict(send(here, 'GET', f'{own}?with_progress=true').json_body['stack']['progress'])

    assert 'progress' not in send(here, 'GET', own).json_body['stack']
    here.world.run(until=here.world.clock.monotonic() + 2)
    assert progress() == {'total': 3, 'done': 1, 'in_progress': 1, 'failed': 0, 'waiting': 1,
                          'by_status': {'CREATE_COMPLETE': 1, 'CREATE_IN_PROGRESS': 1, 'INIT_COMPLETE': 1}}
    here.world.run()
    # With the one inside the nested stack.
    assert progress() == {'total': 4, 'done': 4, 'in_progress': 0, 'failed': 0, 'waiting': 0,
                          'by_status': {'CREATE_COMPLETE': 4}}
    wrong = send(here, 'GET', f'{own}?with_progress=1')
    assert wrong.status_int == 400


def test_progress_of_an_update_waits_for_what_is_not_reached(site: Callable[[], Site]) -> None:
    here = site()
    own = stack(here)
    send(here, 'PUT', own, {**NEW, 'template': template(a='y')})
    here.world.run(until=here.world.clock.monotonic() + 2)
    found = send(here, 'GET', f'{own}?with_progress=true').json_body['stack']['progress']
    # A nested stack that has nothing to do yet is done with what it did last.
    assert {key: found[key] for key in ('total', 'done', 'in_progress', 'waiting')} == {
        'total': 4, 'done': 2, 'in_progress': 1, 'waiting': 1}
    assert sum(found['by_status'].values()) == found['total']


def test_the_graph_of_a_stack(site: Callable[[], Site]) -> None:
    here = site()
    own = stack(here)
    graph = send(here, 'GET', f'{own}/graph').json_body['graph']
    assert [(node['resource_name'], node['resource_status']) for node in graph['nodes']] == [
        ('a', 'CREATE_COMPLETE'), ('b', 'CREATE_COMPLETE'), ('kid', 'CREATE_COMPLETE')]
    assert graph['nodes'][0]['links'] == [{'rel': 'self', 'href': f'{own}/resources/a'}]
    assert [(edge['from'], edge['to'], [one['kind'] for one in edge['reasons']])
            for edge in graph['edges']] == [
        ('b', 'a', ['attribute', 'depends_on']), ('kid', 'b', ['depends_on'])]
    assert 'nested' not in graph['nodes'][2]
    deep = send(here, 'GET', f'{own}/graph?nested_depth=1').json_body['graph']
    assert [node['resource_name'] for node in deep['nodes'][2]['nested']['nodes']] == ['inner']
    for drawn in (send(here, 'GET', f'{own}/graph?nested_depth=1&format=dot'),
                  send(here, 'GET', f'{own}/graph?nested_depth=1', Accept='text/vnd.graphviz')):
        assert drawn.content_type == 'text/vnd.graphviz'
        assert drawn.text == (
            'digraph "web" {\n'
            '  compound=true;\n'
            '  node [shape=box, style=filled, fontname="sans-serif"];\n'
            '  "a" [label="a\\nOS::Heat::TestResource\\nCREATE_COMPLETE", fillcolor=palegreen];\n'
            '  "b" [label="b\\nOS::Heat::TestResource\\nCREATE_COMPLETE", fillcolor=palegreen];\n'
            '  subgraph "cluster_kid" {\n'
            '    label="kid\\nkid.yaml\\nCREATE_COMPLETE";\n'
            '    "kid" [shape=point, style=invis];\n'
            '    "kid/inner" [label="inner\\nOS::Heat::TestResource\\nCREATE_COMPLETE", '
            'fillcolor=palegreen];\n'
            '  }\n'
            '  "b" -> "a";\n'
            '  "kid" -> "b" [ltail="cluster_kid"];\n'
            '}\n')
    assert send(here, 'GET', f'{own}/graph?format=png').status_int == 400


def test_the_graph_shows_what_leaves(site: Callable[[], Site]) -> None:
    here = site()
    own = stack(here)
    smaller = template()
    del smaller['resources']['kid'], smaller['resources']['b']
    send(here, 'PUT', own, {'template': smaller})
    here.world.run(until=here.world.clock.monotonic() + 0.01)
    graph = send(here, 'GET', f'{own}/graph').json_body['graph']
    assert [(node['resource_name'], node['resource_status']) for node in graph['nodes']] == [
        ('a', 'CREATE_COMPLETE'), ('b', 'DELETE_IN_PROGRESS')]
    here.world.run()
    graph = send(here, 'GET', f'{own}/graph').json_body['graph']
    assert ([node['resource_name'] for node in graph['nodes']], graph['edges']) == (['a'], [])
    send(here, 'DELETE', own)
    here.world.run()
    graph = send(here, 'GET', f'{own}/graph').json_body['graph']
    assert (graph['nodes'], graph['edges']) == ([], [])


def test_what_a_newer_front_end_asks_beyond_what_the_engine_knows_is_not_done_in_part(here: Site) -> None:
    href = stack(here)
    identity = {'tenant': PROJECT, 'stack_name': 'web', 'stack_id': href.rsplit('/', 1)[-1], 'path': ''}
    with pytest.raises(errors.EngineOutdated, match='does not know delete_stack with gently yet'):
        wiring.current().engine.call(RequestContext(tenant_id=PROJECT), 'delete_stack',
                                     stack_identity=identity, gently=True)
    with pytest.raises(errors.EngineOutdated, match='does not know delete_stack with kindness yet'):
        wiring.current().engine.call(RequestContext(tenant_id=PROJECT), 'delete_stack',
                                     stack_identity=identity, needs=['guard', 'kindness'])
    here.world.run()
    assert here.world.state(identity) == 'CREATE_COMPLETE'
    wiring.current().engine.call(RequestContext(tenant_id=PROJECT), 'stack_check', stack_identity=identity,
                                 needs=['generations'])
    here.world.run()
    assert here.world.state(identity) == 'CHECK_COMPLETE'
