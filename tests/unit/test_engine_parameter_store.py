"""The parameter store: whose values, which version, what is shown and what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from heat.common import errors
from heat.common.clock import VirtualClock
from heat.common.context import RequestContext
from heat.common.crypt import Crypt
from heat.db import connect, migrate
from heat.engine.parameter_store import MAX_DESCRIPTION, MAX_VALUE, ParameterStore

ME = RequestContext(tenant_id='mine', user_id='u')
OTHER = RequestContext(tenant_id='theirs', user_id='v')


@pytest.fixture
def store() -> Iterator[ParameterStore]:
    database = connect.open_engine('sqlite://')
    migrate.upgrade(database)
    yield ParameterStore(database, Crypt(['a key of this test']), VirtualClock())
    database.dispose()


def test_a_value_is_stored_and_changed(store: ParameterStore) -> None:
    assert store.put_stored_parameter(ME, '/app/size', '3') == {'name': '/app/size', 'version': 1}
    with pytest.raises(errors.EntityExists, match=r'The Parameter \(/app/size\) already exists'):
        store.put_stored_parameter(ME, '/app/size', '4')
    assert store.put_stored_parameter(ME, '/app/size', '4', overwrite=True)['version'] == 2
    found = store.get_stored_parameters(
        ME, ['/app/size', '/app/size:1', '/app/size:9', '/app/size:x', 'none'])
    assert [(one['value'], one['version'], one['kind']) for one in found] == [
        ('4', 2, 'String'), ('3', 1, 'String')]


def test_a_secure_value_is_shown_only_when_asked_for(store: ParameterStore) -> None:
    store.put_stored_parameter(ME, 'pw', 'hunter2', 'SecureString', 'of the database')
    assert store.get_stored_parameters(ME, ['pw'])[0]['value'] == '******'
    assert store.get_stored_parameters(ME, ['pw'], decrypt=True)[0]['value'] == 'hunter2'
    # Its kind stays when only the value changes.
    store.put_stored_parameter(ME, 'pw', 'hunter3', overwrite=True)
    listed = store.list_stored_parameters(ME)
    assert [(one['name'], one['kind'], one['version']) for one in listed] == [('pw', 'SecureString', 2)]
    assert 'value' not in listed[0]


def test_projects_do_not_see_each_other(store: ParameterStore) -> None:
    store.put_stored_parameter(ME, 'a', '1')
    assert store.get_stored_parameters(OTHER, ['a']) == [] == store.list_stored_parameters(OTHER)
    assert store.delete_stored_parameters(OTHER, ['a']) == []
    assert store.delete_stored_parameters(ME, ['a', 'b']) == ['a']
    with pytest.raises(errors.Forbidden):
        store.list_stored_parameters(RequestContext())


def test_pages_are_bounded(store: ParameterStore) -> None:
    for number in range(60):
        store.put_stored_parameter(ME, f'p{number:02}', 'x')
    first = store.list_stored_parameters(ME, limit=1000)
    assert len(first) == 50
    second = store.list_stored_parameters(ME, marker=first[-1]['name'])
    assert second[0]['name'] == 'p50'
    with pytest.raises(errors.RequestLimitExceeded):
        store.get_stored_parameters(ME, ['x'] * 51)


@pytest.mark.parametrize(('name', 'value', 'kind'), [
    ('', 'x', None), ('a b', 'x', None), ('a' * 256, 'x', None), ('a', '', None),
    ('a', 'x' * (MAX_VALUE + 1), None), ('a', 'x', 'Number'), (5, 'x', None), ('a', 5, None)])
def test_what_is_no_parameter_is_refused(store: ParameterStore, name: str, value: str, kind: str) -> None:
    with pytest.raises(errors.Invalid):
        store.put_stored_parameter(ME, name, value, kind)


def test_old_versions_go(store: ParameterStore) -> None:
    for number in range(103):
        store.put_stored_parameter(ME, 'a', str(number), overwrite=True)
    assert store.get_stored_parameters(ME, ['a:3']) == []
    assert store.get_stored_parameters(ME, ['a:4'])[0]['value'] == '3'


def test_a_description_has_an_end(store: ParameterStore) -> None:
    store.put_stored_parameter(ME, 'a', '1', description='x' * MAX_DESCRIPTION)
    with pytest.raises(errors.Invalid, match='no more than 1024 characters'):
        store.put_stored_parameter(ME, 'b', '1', description='x' * (MAX_DESCRIPTION + 1))
