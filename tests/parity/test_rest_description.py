"""The description of the API, held against what is served: every answer, and requests made from it."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
import pytest
import webob
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heat.api.rest import openapi, routes
from heat.engine import service
from tests.parity.conftest import Site
from tests.parity.test_rest_objects import NEW, Furnished, here  # noqa: F401  (a fixture)
from tests.wire.keystone import PROJECT

DOCUMENT = openapi.document('http://localhost/v1')
OPERATIONS = [(path, method, one) for path, methods in DOCUMENT['paths'].items()
              for method, one in methods.items()]
VERBS = {'get', 'post', 'put', 'patch', 'delete'}


def judge(schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({**schema, 'components': DOCUMENT['components']})


def test_the_document_is_whole() -> None:
    assert DOCUMENT['openapi'] == '3.1.0'
    for schema in DOCUMENT['components']['schemas'].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    known = {f'#/components/schemas/{name}' for name in DOCUMENT['components']['schemas']}
    assert set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(DOCUMENT))) <= known
    named = [one['operationId'] for _path, _method, one in OPERATIONS]
    assert len(named) == len(set(named))
    for path, method, one in OPERATIONS:
        assert method in VERBS
        assert [p['name'] for p in one['parameters'] if p['in'] == 'path'] == re.findall(r'\{(\w+)\}', path)
        assert len({(p['in'], p['name']) for p in one['parameters']}) == len(one['parameters'])
        assert all('schema' in p for p in one['parameters'])
        assert 'default' in one['responses']
        content = one.get('requestBody', {}).get('content', {}).values()
        for schema in [p['schema'] for p in one['parameters']] + [c['schema'] for c in content]:
            jsonschema.Draft202012Validator.check_schema(schema)
    # Two templates that match the same addresses would be one.
    plain = [re.sub(r'\{\w+\}', '{}', path) for path in DOCUMENT['paths']]
    assert len(plain) == len(set(plain))


def test_every_route_is_in_it() -> None:
    served = {route.method.lower() for one in routes.ROUTES for route in one.routes}
    assert served <= VERBS
    for one in routes.ROUTES:
        if 'arn' not in one.path and '{path:' not in one.path:
            assert set(DOCUMENT['paths'][one.path]) == {route.method.lower() for route in one.routes}
        for route in one.routes:
            assert route.sends is not None or route.body == 'none' or 'lookup' in route.function.__name__
            if route.method == 'GET' and 'lookup' not in route.function.__name__:
                assert route.tells in DOCUMENT['components']['schemas']


def test_nobody_needs_a_token_to_read_it(here: Furnished) -> None:  # noqa: F811
    for address in ('/v1', '/v1.0'):
        request = webob.Request.blank(f'{address}/openapi.json', base_url='http://localhost')
        got = request.get_response(here.site.app)
        assert (got.status_int, got.content_type) == (200, 'application/json')
        assert got.json_body == {**DOCUMENT, 'servers': [{'url': f'http://localhost{address}'}]}
    assert webob.Request.blank('/v1/openapi.json', method='POST').get_response(
        here.site.app).status_int == 401


GETS = [pytest.param(path, one, id=path) for path, method, one in OPERATIONS if method == 'get']


@pytest.mark.parametrize(('path', 'one'), GETS)
def test_an_answer_is_what_the_description_says(here: Furnished, path: str,  # noqa: F811
                                                one: dict[str, Any]) -> None:
    got = here.site.ask('GET', here.address(path))
    fits(one, got)
    if got.status_int == 400:
        assert got.json_body['error']['message'].endswith('is not supported.') and service.UNSERVED
    elif path not in ('/{tenant_id}/services', '/{tenant_id}/stacks/{stack_name}/{stack_id}/snapshots/'
                      '{snapshot_id}'):
        assert got.status_int in (200, 302), got.text


STACKS = '/{tenant_id}/stacks'
STACK = f'{STACKS}/{{stack_name}}/{{stack_id}}'


def test_what_is_foreseen_and_kept_is_what_the_description_says(here: Furnished) -> None:  # noqa: F811
    other = {**NEW, 'template': {**NEW['template'], 'resources': {
        'r': {'type': 'OS::Heat::TestResource', 'properties': {'value': 'new'}},
        'kid': NEW['template']['resources']['kid'], 'more': {'type': 'OS::Heat::RandomString'}}}}
    for method, path, query, body, told in (
            ('POST', f'{STACKS}/preview', '', {'stack_name': 'x', **NEW}, ('stack', 'resources')),
            ('PUT', f'{STACK}/preview', '?show_nested=true', other, ('resource_changes', 'added')),
            ('PATCH', f'{STACK}/preview', '', other, ('resource_changes', 'updated')),
            ('POST', '/{tenant_id}/validate', '?show_nested=true', NEW, ('NestedParameters', 'kid')),
            ('POST', f'{STACK}/snapshots', '', {'name': 'one'}, ('data', 'template')),
            ('GET', f'{STACK}/snapshots', '', None, ('snapshots', 0)),
            ('GET', f'{STACK}/export', '', None, ('resources', 'kid'))):
        got = here.site.ask(method, here.address(path) + query, body)
        here.site.world.run()
        assert got.status_int == 200, got.text
        fits(DOCUMENT['paths'][path][method.lower()], got)
        first, then = told
        assert got.json_body[first][then]


def test_a_plan_is_what_the_description_says(here: Furnished) -> None:  # noqa: F811
    resources = NEW['template']['resources']
    other = {**NEW, 'template': {**NEW['template'], 'resources': {
        'r': {'type': 'OS::Heat::TestResource', 'properties': {'value': {'get_param': 'p'}}},
        'kid': resources['kid'], 'more': {'type': 'OS::Heat::Value', 'properties': {
            'value': {'get_attr': ['r', 'output']}}}}}}
    got = here.site.ask('POST', here.address(f'{STACK}/plans'), other)
    assert got.status_int == 201, got.text
    fits(DOCUMENT['paths'][f'{STACK}/plans']['post'], got)
    entries = {one['resource_name']: one for one in got.json_body['plan']['entries']}
    assert {name: one['action'] for name, one in entries.items()} == {
        'r': 'update', 'kid': 'keep', 'more': 'create', 'h': 'delete'}
    assert entries['r']['changes'] and entries['kid']['inner']
    # It says so much that one without a part of it is none.
    schema = judge(DOCUMENT['components']['schemas']['planned_resource'])
    for key in entries['r']:
        wrong = {**entries['r'], key: 7}
        assert not schema.is_valid(wrong), key
        del wrong[key]
        assert not schema.is_valid(wrong), key
    assert not schema.is_valid({**entries['kid'], 'inner': [{}]})


def test_a_refused_token_is_what_the_description_says(here: Furnished) -> None:  # noqa: F811
    got = here.site.ask('GET', here.address(STACKS), user='nobody')
    assert got.status_int == 401
    fits(DOCUMENT['paths'][STACKS]['get'], got)


def fits(one: dict[str, Any], got: webob.Response) -> None:
    said = one['responses'].get(str(got.status_int))
    if said is None:
        assert got.status_int >= 400, got.text
        said = one['responses']['default']
    for header in said.get('headers', ()):
        assert header in got.headers or header == 'ETag'
    content = said.get('content')
    if content and got.content_type in content:
        judge(content[got.content_type]['schema']).validate(
            got.json_body if got.content_type == 'application/json' else got.text)
    else:
        assert got.content_type in ('text/plain', None) or not got.body, got.text


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6)
WORDS = st.sampled_from(['', 'true', 'false', '7', '-1', 'web', 'r', 'asc', 'CREATE_COMPLETE', 'ä', 'a,b',
                         '%00', '*'])


def of_type(schema: dict[str, Any]) -> Any:
    """Values that fit the schema, as far as that is easy."""
    kinds = schema.get('type', 'string')
    kinds = [kinds] if isinstance(kinds, str) else kinds
    made = {'string': st.text(max_size=10), 'integer': st.integers(0, 99), 'boolean': st.booleans(),
            'object': st.dictionaries(st.text(max_size=5), JUNK, max_size=2), 'null': st.none(),
            'array': st.lists(st.text(max_size=5), max_size=2)}
    return st.one_of([made[kind] for kind in kinds])


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, Any], dict[str, str], Any]:
    path, method, one = draw(st.sampled_from(OPERATIONS))
    query = [(p['name'], draw(WORDS | of_type(p['schema']).map(str)))
             for p in one['parameters'] if p['in'] == 'query' and draw(st.integers(0, 3)) == 0]
    headers = {p['name']: draw(st.sampled_from(['"1"', '*', 'x', 'key']))
               for p in one['parameters'] if p['in'] == 'header' and draw(st.integers(0, 3)) == 0}
    body = None
    if 'requestBody' in one:
        schema = one['requestBody']['content']['application/json']['schema']
        good = {'template': st.just(NEW['template']), 'stack_name': st.sampled_from(['web', 'x', '1', 'ü']),
                'files': st.just(NEW['files'])}
        keys = {name: good.get(name, of_type(key)) | JUNK for name, key in schema['properties'].items()
                if name in schema.get('required', ()) or draw(st.booleans())}
        # An address would be asked for.
        keys.pop('template_url', None)
        body = draw(st.fixed_dictionaries(keys) | JUNK)
    if query:
        path = f'{path}?{urlencode(query)}'
    return method.upper(), path, one, headers, body


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests(), st.booleans())
def test_no_request_fails(here: Furnished, asked: tuple[str, str, dict[str, Any], dict[str, str], Any],  # noqa: F811
                          known: bool) -> None:
    method, path, one, headers, body = asked
    address = here.address(path) if known else re.sub(
        r'\{(\w+)\}', lambda m: PROJECT if m[1] == 'tenant_id' else quote(m[1]), f'/v1{path}')
    got = send(here.site, method, address, headers, body)
    assert got.status_int < 500, (method, address, body, got.text)
    if got.content_type == 'application/json' and got.body:
        fits(one, got)
    if got.status_int >= 400 and got.content_type == 'application/json':
        assert got.json_body['code'] == got.status_int
    here.site.world.run()


def send(site: Site, method: str, path: str, headers: dict[str, str], body: Any) -> webob.Response:
    request = webob.Request.blank(path, method=method, base_url='http://localhost')
    request.headers.update({'X-Auth-Token': 'token-member', **headers})
    if body is not None:
        request.content_type = 'application/json'
        request.body = json.dumps(body).encode()
    return request.get_response(site.app)
