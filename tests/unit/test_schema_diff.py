"""What changed, and what that asks for."""

import pytest

from heat.schema import IN_PLACE, UNKNOWN, Any_, List, Map, String, compile_schema, diff, effect, same


class Box:
    class properties:
        name = String(update=IN_PLACE)
        nics = List(of=Map(port=String(), net=String()), update=IN_PLACE)
        metadata = Map(update=IN_PLACE)
        zone = String()
        kind = String(immutable=True)
        anything = Any_(update=IN_PLACE)


SCHEMA = compile_schema(Box)


@pytest.mark.parametrize(('old', 'new', 'changed', 'wanted'), [
    ({'name': 'a'}, {'name': 'a'}, (), 'keep'),
    ({'name': None}, {}, (), 'keep'),
    (None, {}, (), 'keep'),
    ({'name': 'a'}, {'name': 'b'}, ('name',), 'update'),
    ({}, {'nics': [{'port': UNKNOWN}]}, ('nics',), 'update'),
    ({'name': UNKNOWN}, {'name': UNKNOWN}, ('name',), 'update'),
    ({'zone': 'a', 'name': 'x'}, {'name': 'y'}, ('name', 'zone'), 'replace'),
    ({'kind': 'a', 'zone': 'a'}, {'zone': 'b'}, ('zone', 'kind'), 'immutable'),
    ({'gone': 1}, {}, ('gone',), 'replace'),
    ({'anything': 1}, {'anything': True}, ('anything',), 'update'),
    ({'metadata': {'a': 1, 'b': 2}}, {'metadata': {'b': 2, 'a': 1}}, (), 'keep'),
])
def test_diff_and_effect(old, new, changed, wanted):
    found = diff(SCHEMA, old, new)
    assert tuple(found) == changed and len(found) == len(changed) and bool(found) is bool(changed)
    assert effect(SCHEMA, found) == wanted


def test_what_a_plugin_asks():
    old = {'name': 'a', 'zone': 'z', 'nics': [{'port': 'p'}, {'net': 'n'}, {'net': 'n'}],
           'metadata': {'a': 1, 'b': 2}}
    new = {'name': 'b', 'nics': [{'net': 'n'}, {'port': 'q'}], 'metadata': {'b': 3}}
    found = diff(SCHEMA, old, new)
    assert 'name' in found and 'kind' not in found
    assert found.only('name', 'zone', 'kind') == {'name': 'b', 'zone': None}
    assert found.but('nics', 'metadata') == {'name': 'b', 'zone': None}
    assert found.gone('nics') == [{'port': 'p'}, {'net': 'n'}]
    assert found.came('nics') == [{'port': 'q'}]
    assert found.keys_gone('metadata') == ['a']
    assert diff(SCHEMA, {}, new).gone('nics') == [] and diff(SCHEMA, old, {}).came('nics') == []


def test_sameness_is_that_of_json():
    assert same([1, {'a': None}], (1, {'a': None})) and same(1, 1.0)
    assert not same(0, False) and not same([1], [1, 2]) and not same({'a': 1}, {'b': 1}) and not same('1', 1)
