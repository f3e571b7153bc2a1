"""The route table against the contract: addresses, methods, policy rules; and the values of requests."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
import webob.exc

from heat.api import faults, wsgi
from heat.api.rest import actions, routes
from heat.common import errors, policy

EVERY = [route for address in routes.ROUTES for route in address.routes]


def test_every_rule_named_exists() -> None:
    known = {rule.name for rule in policy.list_rules()}
    named = {route.rule for route in EVERY if route.rule} | {f'actions:{name}' for name in actions.ACTIONS}
    assert named <= known


def test_routes_without_a_rule_check_their_own() -> None:
    own = {route.function for route in EVERY if route.rule is None}
    assert len(own) == 4
    for function in own:
        assert 'call.allow(' in inspect.getsource(function)


@pytest.mark.parametrize('value', ['', ' ', '1.5', 'x', '1e3', '٣', None, True, 1.5, [], {}])
def test_count_refuses(value: Any) -> None:
    with pytest.raises(webob.exc.HTTPBadRequest, match="Only integer is acceptable by 'limit'"):
        wsgi.count('limit', value)


@pytest.mark.parametrize('value', ['9' * 5000, '9' * 19, 2 ** 63])
def test_count_refuses_what_no_database_counts(value: Any) -> None:
    with pytest.raises(webob.exc.HTTPBadRequest, match="'limit' may be 9223372036854775807 at most"):
        wsgi.count('limit', value)


@pytest.mark.parametrize(('value', 'number'), [(0, 0), ('0', 0), ('+7', 7), (12, 12)])
def test_count_accepts(value: Any, number: int) -> None:
    assert wsgi.count('limit', value) == number


@pytest.mark.parametrize('value', ['1', 'yes', '', 0, 1, None, [], 'truely'])
def test_flag_refuses(value: Any) -> None:
    with pytest.raises(webob.exc.HTTPBadRequest, match='acceptable values are: true, false'):
        wsgi.flag('x', value)


def request_with(body: bytes, kind: str | None = 'application/json') -> wsgi.Request:
    request = wsgi.Request.blank('/', method='POST')
    request.body = body
    if kind is not None:
        request.content_type = kind
    return request


def test_body_without_a_length_is_bounded_too() -> None:
    import io
    request = request_with(b'')
    request.environ.update({'wsgi.input': io.BytesIO(b'{"a": "' + b'x' * 100 + b'"}'),
                            'wsgi.input_terminated': True, 'HTTP_TRANSFER_ENCODING': 'chunked'})
    del request.environ['CONTENT_LENGTH']
    with pytest.raises(errors.RequestLimitExceeded):
        wsgi.json_body(request, 50)


def test_deep_body_is_the_clients_fault() -> None:
    with pytest.raises(webob.exc.HTTPBadRequest):
        wsgi.json_body(request_with(b'{"a":' + b'[' * 200000), 10 ** 6)


def test_body_is_an_object() -> None:
    assert wsgi.json_body(request_with(b'{"a": 1}'), 100) == {'a': 1}
    assert wsgi.json_body(request_with(b'[1]'), 100) is None


@pytest.mark.parametrize(('error', 'status', 'kind'), [
    (errors.StackExists(stack_name='x'), 409, 'StackExists'),
    (errors.ResourceNotFound(resource_name='r', stack_name='s'), 404, 'ResourceNotFound'),
    (errors.NotAuthorized(), 403, 'NotAuthorized'), (errors.Error(message='x'), 500, 'Error'),
    (wsgi.RefusedValue('why'), 400, 'ValueError'), (ValueError('bug'), 500, 'ValueError'),
    (webob.exc.HTTPConflict('c'), 409, 'HTTPConflict')])
def test_faults(error: Exception, status: int, kind: str) -> None:
    body = faults.body_of(error)
    assert (body['code'], body['error']['type']) == (status, kind)
    assert set(body) == {'code', 'title', 'explanation', 'error'}
    assert json.dumps(body)


def test_traceback_only_in_debug() -> None:
    try:
        raise KeyError('x')
    except KeyError as error:
        assert faults.body_of(error)['error']['traceback'] is None
        assert 'KeyError' in faults.body_of(error, debug=True)['error']['traceback']
