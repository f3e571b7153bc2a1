"""GET /drift: what is asked of the engine, what the client sees, and who may ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from heat.common import errors
from tests.wire.conftest import World
from tests.wire.keystone import OTHER_PROJECT, PROJECT
from tests.wire.test_shapes import TOKEN, WEB, get

PATH = f'/v1/{PROJECT}/stacks/web/id-1/drift'
FOUND: list[dict[str, Any]] = [
    {'resource_name': 'n', 'path': 'g/n', 'resource_type': 'OS::Neutron::Net', 'physical_resource_id': 'p',
     'status': 'MODIFIED', 'checked_at': '2026-11-22T10:00:00Z', 'differences': [
         {'property': 'name', 'expected': 'a', 'actual': None, 'kind': 'REMOVE'}]}]


@pytest.fixture
def api(pipeline: Callable[..., World]) -> World:
    return pipeline()


def test_what_was_found(api: World) -> None:
    assert get(api, 'stacks/web/id-1/drift', show_drift=FOUND) == {'drift': FOUND}
    assert get(api, 'stacks/web/id-1/drift?resource_name=g/n') == {'drift': FOUND}
    assert api.engine.calls == [('show_drift', {'stack_identity': WEB}),
                                ('show_drift', {'stack_identity': WEB, 'resource_name': 'g/n'})]


@pytest.mark.parametrize(('error', 'status', 'kind'), [
    (errors.EntityNotFound(entity='Stack', name='web'), 404, 'EntityNotFound'),
    (errors.ResourceNotFound(resource_name='n', stack_name='web'), 404, 'ResourceNotFound'),
    (errors.InvalidTenant(target='x', actual='y'), 403, 'InvalidTenant')])
def test_what_is_not_there(api: World, error: Exception, status: int, kind: str) -> None:
    api.engine.answers['show_drift'] = error
    response = api.ask('GET', PATH, X_Auth_Token=TOKEN)
    assert (response.status_int, response.json_body['error']['type']) == (status, kind)


def test_who_may_not_ask(api: World, pipeline: Callable[..., World]) -> None:
    assert api.ask('GET', PATH).status_int == 401
    elsewhere = api.ask('GET', PATH.replace(PROJECT, OTHER_PROJECT), X_Auth_Token=TOKEN)
    assert elsewhere.status_int == 403
    refusing = pipeline(policy='"stacks:drift": "!"\n')
    assert refusing.ask('GET', PATH, X_Auth_Token=TOKEN).status_int == 403
    assert not api.engine.calls and not refusing.engine.calls


def test_other_methods_are_not_served(api: World) -> None:
    response = api.ask('POST', PATH, b'{}', X_Auth_Token=TOKEN, Content_Type='application/json')
    assert response.status_int == 405
