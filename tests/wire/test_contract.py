"""The whole REST interface against the recorded one: tests/data/rest_api.json, route by route.

Each rule of the policy file used here asks for a role of the rule's own name, so
who is let in tells which rule was asked. What a parameter or a body key does is
seen in what the engine is asked: with it and without it must differ.
"""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import webob

from heat.api import faults
from heat.api.dispatch import METHODS
from heat.api.rest import routes
from heat.common import policy
from tests.wire import conftest, keystone
from tests.wire.conftest import World
from tests.wire.keystone import PROJECT

CONTRACT = json.loads((pathlib.Path(__file__).parents[1] / 'data' / 'rest_api.json').read_text())
PLACE = {'stack_name': 'web', 'stack_id': 'id-1', 'resource_name': 'r', 'event_id': 'e-1', 'output_key': 'o',
         'snapshot_id': 's-1', 'plan_id': 'p-1', 'config_id': 'c-1', 'deployment_id': 'd-1',
         'server_id': 'v-1', 'type_name': 'OS::Heat::None',
         'template_version': 'heat_template_version.2021-04-16'}
WEB = {'tenant': PROJECT, 'stack_name': 'web', 'stack_id': 'id-1', 'path': ''}
TEMPLATE = {'heat_template_version': '2021-04-16'}
ADOPT = json.dumps({'template': TEMPLATE, 'environment': {}})
# What a body key is sent as, where a text would not do.
VALUES: dict[str, Any] = {
    'template': TEMPLATE, 'parameters': {'p': 1}, 'environment': {'parameters': {'q': 2}},
    'files': {'f': 'text'}, 'environment_files': ['e'], 'timeout_mins': 7, 'disable_rollback': False,
    'tags': 'x,y', 'clear_parameters': ['p'], 'converge': True, 'existing': True, 'adopt_stack_data': ADOPT,
    'inputs': [{'name': 'i'}], 'outputs': [{'name': 'o'}], 'options': {'o': 1}, 'input_values': {'i': 1},
    'output_values': {'o': 1}, 'mark_unhealthy': 'true'}
# Not sent over the network by a test of ours; tests/unit/test_fetch.py reads addresses.
FETCHED = {'template_url'}
# An answer of the engine that a route cannot do without.
ANSWERS: dict[str, Any] = {
    'identify_stack': WEB, 'create_stack': WEB, 'show_stack': [{'stack_identity': WEB}],
    'preview_stack': {'stack_identity': WEB},
    'describe_stack_resource': {
        'resource_identity': {**WEB, 'path': '/resources/r'}, 'resource_name': 'r',
        'resource_action': 'CREATE', 'resource_status': 'COMPLETE', 'metadata': {}},
    'list_events': [{
        'event_identity': {**WEB, 'path': '/resources/r/events/e-1'}, 'resource_name': 'r',
        'resource_action': 'CREATE', 'resource_status': 'COMPLETE'}]}
# What is served beyond the recorded interface: (method, path).
OURS = {('GET', f'/{{tenant_id}}/stacks/{{stack_name}}/{{stack_id}}/{own}') for own in ('drift', 'graph')} | {
    (method, f'/{{tenant_id}}{path}') for methods, path in (
        ('GET POST', '/stacks/{stack_name}/{stack_id}/plans'), ('GET POST', '/plans'),
        ('GET DELETE', '/plans/{plan_id}'), ('POST', '/plans/{plan_id}/execute'))
    for method in methods.split()}


def pairs() -> list[tuple[str, dict[str, Any]]]:
    return [(method, route) for route in CONTRACT['routes'] for method in route['methods']]


def name_of(pair: tuple[str, dict[str, Any]]) -> str:
    return f'{pair[0]} {pair[1]["path"]}'


EVERY = [pytest.param(method, route, id=name_of((method, route))) for method, route in pairs()]


def rules_of(route: dict[str, Any]) -> list[str]:
    everywhere = route.get('policy_with_global_tenant')
    return [*route['policy'], *([everywhere] if everywhere else [])]


RULES = sorted({rule for route in CONTRACT['routes'] for rule in rules_of(route)})


@pytest.fixture(scope='module')
def world(identity: Any, tmp_path_factory: pytest.TempPathFactory) -> World:
    rules = ''.join(f'"{rule}": "role:{rule}"\n' for rule in RULES)
    load = conftest.pipeline.__wrapped__(identity, tmp_path_factory)  # type: ignore[attr-defined]
    return load(policy=rules)


@pytest.fixture
def ask(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., webob.Response]]:
    """Send a request as a user with exactly the roles ``may``; the engine's calls begin anew."""
    def send(method: str, path: str, may: tuple[str, ...] = tuple(RULES), body: Any = None) -> webob.Response:
        world.engine.calls.clear()
        world.engine.answers = dict(ANSWERS)
        user = f'user-{abs(hash(may))}'
        monkeypatch.setitem(keystone.USERS, user, (PROJECT, may))
        raw = None if body is None else json.dumps(body).encode()
        return world.ask(method, path, raw, X_Auth_Token=f'token-{user}', Content_Type='application/json')
    yield send


def address(route: dict[str, Any], **place: str) -> str:
    """The route's path with everything in it named; a choice takes its first word."""
    def named(match: re.Match[str]) -> str:
        name, _sep, choice = match[1].partition(':')
        if name == 'tenant_id':
            return PROJECT
        if name == 'path':
            return choice.split('|')[0]
        if 'arn' in choice:
            return f'arn%3Aopenstack%3Aheat%3A%3A{PROJECT}%3Astacks%2Fweb%2Fid-1'
        return {**PLACE, **place}[name]
    return '/v1' + re.sub(r'\{([^{}]+)\}', named, route['path'])


def needed(route: dict[str, Any], method: str) -> dict[str, Any] | None:
    """The least body with which the route does something."""
    spec = route.get('body')
    if spec is None or method in ('GET', 'DELETE'):
        return None
    if 'exactly_one_of' in spec:
        return {spec['exactly_one_of'][0]: None}
    if spec['keys'] == 'any JSON object or empty':
        return {}
    wanted = list(spec.get('required', ())) + list(spec.get('one_of', ()))[:1]
    if not wanted and spec.get('body_required', True):
        wanted = spec['keys'][:1]
    return {key: VALUES.get(key, f'v-{key}') for key in wanted}


# -- routes ----------------------------------------------------------------------------------------


def test_every_pair_of_method_and_path_is_served_and_no_other() -> None:
    served = {(route.method, one.path) for one in routes.ROUTES for route in one.routes}
    assert served == {(method, route['path']) for method, route in pairs()} | OURS


# Parameters that the record does not have.
_STACK = '/{tenant_id}/stacks/{stack_name}/{stack_id}'
MORE = {('GET', _STACK): {'with_progress'}, ('DELETE', _STACK): {'retain', 'force'}}


@pytest.mark.parametrize(('method', 'route'), EVERY)
def test_a_route_declares_the_parameters_of_the_record(method: str, route: dict[str, Any]) -> None:
    declared = {one.name for address in routes.ROUTES for line in address.routes for one in line.query
                if (line.method, address.path) == (method, route['path'])}
    query = route.get('query') or {}
    recorded = {*query.get('single', ()), *query.get('multi', ()), *query.get('filters_mixed', ())}
    if 'not read' in query.get('note', ''):
        recorded = set()
    if route['action'] == 'detail':
        # The record does not say; it takes what the list takes, but for two.
        recorded = declared
        assert not declared & {'with_count', 'global_tenant'}
    assert declared == recorded | MORE.get((method, route['path']), set())


@pytest.mark.parametrize(('method', 'route'), EVERY)
def test_the_rules_of_a_route_let_in_and_nothing_else_does(
        ask: Any, world: World, method: str, route: dict[str, Any]) -> None:
    for rule in rules_of(route):
        path, body = address(route), needed(route, method)
        if rule.startswith('actions:'):
            body = {rule.partition(':')[2]: None}
        if rule == 'stacks:update_no_change':
            body = {}
        if rule == route.get('policy_with_global_tenant'):
            path += '?global_tenant=true'
        let_in = ask(method, path, (rule,), body)
        assert let_in.status_int == route['success_status'], let_in.text
        called = [name for name, _arguments in world.engine.calls]
        if rule.startswith('actions:'):
            expected = route['body']['rpc_by_key'][rule.partition(':')[2]]
            name, arguments = expected if isinstance(expected, list) else (expected, {})
            assert world.engine.calls == [(name, {'stack_identity': WEB, **arguments})]
        elif '{stack_name:arn' in route['path']:
            assert not called
        else:
            assert set(called) <= set(route['rpc'])
            assert called
        refused = ask(method, path, tuple(one for one in RULES if one != rule), body)
        assert refused.status_int == 403
        assert refused.json_body['error']['message'] == f'You are not authorized to use {rule}.'
        assert not world.engine.calls


@pytest.mark.parametrize(('method', 'route'), EVERY)
def test_the_form_of_an_answer(ask: Any, method: str, route: dict[str, Any]) -> None:
    got = ask(method, address(route), body=needed(route, method))
    assert got.status_int == route['success_status'], got.text
    if route.get('response_body') == 'null':
        assert got.json_body is None
    elif route['success_status'] == 204:
        assert (got.body, got.headers.get('Content-Type')) == (b'', None)
    elif route['success_status'] in (202, 302):
        assert got.content_type == 'text/plain'
    for header in route.get('response_headers', ()):
        assert got.headers[header]
    assert re.fullmatch('req-[0-9a-f-]{36}', got.headers['X-Openstack-Request-Id'])
    if isinstance(route['response'], dict) and got.status_int in (200, 201):
        optional = {key for key, text in route['response'].items() if str(text).startswith('only ')}
        # The engine makes the environment; tests/parity looks at it.
        if route['action'] != 'environment':
            assert set(got.json_body) == set(route['response']) - optional


@pytest.mark.parametrize('one', [one for one in routes.ROUTES if not one.path.startswith(
    '/{tenant_id}/stacks/{stack_name}/{path:')], ids=lambda one: one.path)
def test_other_methods(ask: Any, one: Any) -> None:
    path = address({'path': one.path})
    offered = [route.method for route in one.routes]
    if not one.closed and one.path.endswith('/services'):
        assert ask('OPTIONS', path).status_int == 200
        assert {ask(m, path).status_int for m in METHODS if m not in offered} == {404}
        return
    if not one.closed:
        # Also the address of a stack by that name.
        offered = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
    options = ask('OPTIONS', path)
    assert (options.status_int, options.headers['Allow'], options.body) == (204, ','.join(offered), b'')
    for method in METHODS:
        if method not in offered:
            got = ask(method, path)
            assert (got.status_int, got.headers.get('Allow')) == (405, None)


# -- parameters and bodies -------------------------------------------------------------------------


def parameters() -> list[Any]:
    found = []
    for method, route in pairs():
        query = route.get('query') or {}
        names = [*query.get('single', ()), *query.get('multi', ()), *query.get('filters_mixed', ())]
        for name in names:
            # One is known to be read by nobody; a resource in the path is not overruled.
            if 'not read' not in query.get('note', '') and f'{{{name}}}' not in route['path']:
                found.append(pytest.param(method, route, name, id=f'{name_of((method, route))}?{name}'))
    return found


def kind_of(route: dict[str, Any], name: str) -> str:
    return route['query'].get('types', {}).get(name, 'text')


def sent_as(route: dict[str, Any], name: str) -> str:
    query = route['query']
    if name in query.get('values', {}):
        return next(v for v in query['values'][name] if v != query.get('defaults', {}).get(name))
    kind = kind_of(route, name)
    if kind == 'bool':
        return 'FALSE' if query.get('defaults', {}).get(name) is True else 'TRUE'
    return {'int': '7', 'csv': '99001'}.get(kind, 'asc' if name == 'sort_dir' else f'v-{name}')


@pytest.mark.parametrize(('method', 'route', 'name'), parameters())
def test_a_parameter_reaches_the_engine(ask: Any, world: World, method: str, route: dict[str, Any],
                                        name: str) -> None:
    path, body = address(route), needed(route, method)
    ask(method, path, body=body)
    without = (list(world.engine.calls), world.engine.contexts[-1].is_admin)
    got = ask(method, f'{path}?{name}={sent_as(route, name)}', body=body)
    assert got.status_int == route['success_status'], got.text
    assert (world.engine.calls, world.engine.contexts[-1].is_admin) != without
    if kind_of(route, name) == 'text' and name not in ('sort_dir', 'template_type'):
        assert f'"v-{name}"' in json.dumps(world.engine.calls)
    if name in (*route['query'].get('multi', ()), *route['query'].get('filters_mixed', ())):
        ask(method, f'{path}?{name}=one&{name}=two', body=body)
        assert '["one", "two"]' in json.dumps(world.engine.calls)
    # An empty one is none, but for the two that refuse it.
    got = ask(method, f'{path}?{name}=', body=body)
    if 'empty_value' in route['query'] and name in ('resolve_outputs', 'template_type'):
        assert got.status_int == 400
    else:
        assert (world.engine.calls, world.engine.contexts[-1].is_admin) == without


@pytest.mark.parametrize(('method', 'route', 'name'), parameters())
def test_a_wrong_parameter_is_refused(ask: Any, world: World, method: str, route: dict[str, Any],
                                      name: str) -> None:
    wrong: tuple[str, ...] = {'bool': ('1', 'yes', 'x'), 'int': ('x', '-1', '1.5')}.get(
        kind_of(route, name), ())
    if name in route['query'].get('values', {}):
        wrong = ('json',)
    if name == 'sort_dir':
        wrong = ('up',)
    for value in wrong:
        got = ask(method, f'{address(route)}?{name}={value}', body=needed(route, method))
        assert got.status_int == 400, (name, value)
        assert name in got.json_body['error']['message'] or value in got.json_body['error']['message']
        assert not world.engine.calls


@pytest.mark.parametrize(('method', 'route'), [(m, r) for m, r in pairs() if m == 'GET'])
def test_unknown_parameters(ask: Any, world: World, method: str, route: dict[str, Any]) -> None:
    refuses = (route.get('query') or {}).get('unknown') == 'error 400'
    got = ask(method, f'{address(route)}?bogus=1')
    assert got.status_int == (400 if refuses else route['success_status'])


def bodies() -> list[Any]:
    found = []
    for method, route in pairs():
        spec = route.get('body') or {}
        keys = spec.get('keys') if isinstance(spec.get('keys'), list) else ()
        for key in keys or ():
            if key not in FETCHED:
                found.append(pytest.param(method, route, key, id=f'{name_of((method, route))} {key}'))
    return found


@pytest.mark.parametrize(('method', 'route', 'key'), bodies())
def test_a_body_key_reaches_the_engine(ask: Any, world: World, method: str, route: dict[str, Any],
                                       key: str) -> None:
    least = needed(route, method) or {}
    value = VALUES.get(key, f'v-{key}')
    got = ask(method, address(route), body={**least, key: value})
    assert got.status_int == route['success_status'], got.text
    # A key is seen as it was sent, or by what it changes.
    ((_method, arguments),) = world.engine.calls
    text = json.dumps(arguments)
    if json.dumps(value) not in text:
        rest = {k: v for k, v in least.items() if k != key}
        ask(method, address(route), body=rest)
        assert [(_method, arguments)] != world.engine.calls, text
    assert ask(method, address(route), body={**least, 'bogus': 1}).status_int == (
        400 if (route['body'].get('unknown') == 'error 400') else route['success_status'])


@pytest.mark.parametrize(('method', 'route'), [(m, r) for m, r in pairs() if r.get('body')])
def test_missing_and_rejected_keys(ask: Any, world: World, method: str, route: dict[str, Any]) -> None:
    spec = route['body']
    if method not in ('POST', 'PUT', 'PATCH'):
        return
    least = needed(route, method) or {}
    faulty = [{k: v for k, v in least.items() if k != key} for key in spec.get('required', ())]
    faulty += [{**least, key: True} for key in spec.get('rejected', ())]
    if spec.get('one_of'):
        faulty.append({k: v for k, v in least.items() if k not in spec['one_of']})
    if 'exactly_one_of' in spec:
        faulty += [{}, {'suspend': None, 'resume': None}, {'dance': None}]
    for body in faulty:
        got = ask(method, address(route), body=body)
        assert got.status_int == 400, body
        assert got.json_body['error'].get('message'), body
        assert not world.engine.calls


# -- faults ----------------------------------------------------------------------------------------

# Bare ones would be defects of ours; what a client may be told has classes of its own.
OWN = {'ValueError': 'RefusedValue', 'AttributeError': 'RefusedType'}


@pytest.mark.parametrize(('name', 'status'), CONTRACT['faults']['exception_status'].items())
def test_the_status_of_a_fault(name: str, status: int) -> None:
    kind = type(OWN.get(name, name), (Exception,), {})
    assert faults.status_of(kind()) == status
    assert faults.status_of(type('Narrower', (kind,), {})()) == status


def test_unmapped_faults_and_the_form_of_a_fault() -> None:
    assert faults.status_of(RuntimeError()) == CONTRACT['faults']['unmapped_status']
    body = faults.body_of(RuntimeError())
    assert set(body) == set(CONTRACT['faults']['body'])
    assert set(body['error']) <= set(CONTRACT['faults']['body']['error'])


def test_the_rules_are_known() -> None:
    assert set(RULES) <= {rule.name for rule in policy.list_rules()}
