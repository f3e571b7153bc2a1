"""From given values to resolved ones: conversion, defaults, moves, errors, look-ups, wire form."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heat.schema import (
    UNKNOWN,
    Any_,
    Boolean,
    Integer,
    List,
    Map,
    Number,
    String,
    compile_schema,
    custom_checks,
    has_unknown,
    late_defaults,
    put,
    resolve,
    translations,
    unknown_names,
    wire,
)
from tests.unit import schema_examples

EVERYTHING = compile_schema(schema_examples.Everything).properties
SERVER = compile_schema(schema_examples.Server).properties
RANDOM = compile_schema(schema_examples.RandomString).properties


@pytest.mark.parametrize(('prop', 'given_value', 'expected'), [
    (String(), 'a', 'a'), (String(), 1, '1'), (String(), True, 'True'), (String(), 1.5, '1.5'),
    (String(convert=True), {'a': 1}, '{"a": 1}'), (String(convert=True), [1], '[1]'),
    (Integer(), '8', 8), (Integer(), 8.0, 8), (Integer(), ' 8 ', 8), (Integer(), True, 1),
    (Number(), '8', 8), (Number(), '8.5', 8.5), (Number(), 8.5, 8.5), (Number(), '1e3', 1000.0),
    (Boolean(), 'TRUE', True), (Boolean(), 'false', False), (Boolean(), False, False),
    (Map(), {'a': None}, {'a': None}), (Map(convert=True), '{}', '{}'), (Map(convert=True), [1], '[1]'),
    (List(), (1, 2), [1, 2]), (List(), {}, []), (List(convert=True), 'a, b', ['a', 'b']),
    (List(convert=True), '', []), (Any_(), [{'x': 1}], [{'x': 1}]),
    (List(of=Integer()), ['1', None], [1, None]),
])
def test_conversions(prop, given_value, expected):
    values, errors = resolve({'p': prop}, {'p': given_value})
    assert errors == []
    assert values == {'p': expected} and type(values['p']) is type(expected)


@pytest.mark.parametrize(('prop', 'given_value', 'message'), [
    (Integer(), 'long', "Value 'long' is not an integer"),
    (Integer(), 1.5, "Value '1.5' is not an integer"),
    (Integer(), [], "Value '[]' is not an integer"),
    (Integer(), float('inf'), "Value 'inf' is not an integer"),
    (Number(), 'x', "Value 'x' is not a number"),
    (Number(), 'nan', "Value 'nan' is not a number"),
    (Number(), 'inf', "Value 'inf' is not a number"),
    (Number(), {}, "Value '{}' is not a number"),
    (Boolean(), 'yes', '"yes" is not a valid boolean'),
    (Boolean(), 1, '"1" is not a valid boolean'),
    (String(), ['a'], "Value must be a string; got ['a']"),
    (Map(), 'x', '"x" is not a map'),
    (List(), 'x', '"x" is not a list'),
    (List(), {'a': 1}, '"{\'a\': 1}" is not a list'),
    (String(implemented=False), 'x', 'Property p not implemented yet'),
    (String(values=['a']), 'b', '"b" is not an allowed value ["a"]'),
    (String(check='ip_addr'), '1.2.3', "Error validating value '1.2.3': Invalid IP address"),
])
def test_refusals(prop, given_value, message):
    errors = resolve({'p': prop}, {'p': given_value}, path=['properties'])[1]
    assert [(error.path, error.message) for error in errors] == [(['properties', 'p'], message)]


def test_sentences_are_those_of_the_recordings():
    at = ['resources', 'a', 'properties']
    lost = resolve(SERVER, {'flavor': 'f', 'bogus': 1}, path=at)[1]
    assert len(lost) == 1
    assert lost[0].text() == 'Property error: resources.a.properties: Unknown Property bogus'
    assert lost[0].text(join=': : ') == 'Property error: : resources.a.properties: : Unknown Property bogus'
    wrong = resolve(RANDOM, {'length': 'long'}, path=['Properties'])[1]
    assert wrong[0].text() == "Property error: Properties.length: Value 'long' is not an integer"


def test_errors_are_located_and_ordered():
    values = {'flaver': 'x', 'networks': [{}, {'fixed_ip': 'x', 'netwrok': 'n'}],
              'block_device_mapping': [{'volume_size': 'big'}]}
    errors = resolve(SERVER, values)[1]
    assert [(error.path, error.message) for error in errors] == [
        ([], 'Unknown Property flaver. Did you mean flavor?'),
        (['block_device_mapping', 0], 'Property device_name not assigned'),
        (['block_device_mapping', 0, 'volume_size'], "Value 'big' is not an integer"),
        ([], 'Property flavor not assigned'),
        (['networks', 1], 'Unknown Property netwrok. Did you mean network?'),
        (['networks', 1, 'fixed_ip'], "Error validating value 'x': Invalid IP address"),
    ]


def test_only_names_are_checked_leniently():
    errors = unknown_names(RANDOM, {'length': 'long', 'zz': 1}, ['resources', 'a', 'properties'])
    assert [error.text() for error in errors] == [
        'Property error: resources.a.properties: Unknown Property zz']


def test_defaults_are_filled_at_any_depth_and_converted():
    values, errors = resolve(EVERYTHING, {'deep': {'inner': {}}, 'network': None})
    assert errors == []
    assert values == {'text': 'abc', 'whole': 5, 'number': 1.5, 'flag': False, 'names': [],
                      'deep': {'inner': {'size': 3}}}
    assert resolve(EVERYTHING, {'deep': {'inner': {}}}, defaults=False)[0] == {'deep': {'inner': {}}}
    classes = [{'class': 'digits'}, {}]
    assert resolve(RANDOM, {'character_classes': classes})[0]['character_classes'] == [
        {'class': 'digits', 'min': 1}, {'class': 'lettersdigits', 'min': 1}]
    assert classes == [{'class': 'digits'}, {}]


def test_a_default_is_not_shared():
    first = resolve(SERVER, {'flavor': 'f'})[0]
    first['metadata']['x'] = 1
    first['security_groups'].append('x')
    second = resolve(SERVER, {'flavor': 'f'})[0]
    assert second['metadata'] == {} and second['security_groups'] == []


def test_late_defaults_are_left_to_the_shell():
    values, _ = resolve(SERVER, {'flavor': 'm1'})
    assert 'name' not in values
    assert late_defaults(SERVER, values) == {'name': schema_examples.physical_name}
    assert late_defaults(SERVER, {'name': 'n'}) == {}


def test_a_value_not_known_yet_is_passed_over():
    values = {'flavor': UNKNOWN, 'tags': ['a', UNKNOWN], 'networks': [{'port': UNKNOWN}],
              'deployment_swift_data': {'container': UNKNOWN}, 'metadata': {'x': [UNKNOWN]}}
    found, errors = resolve(SERVER, values)
    assert errors == [] and has_unknown(found)
    assert found['flavor'] is UNKNOWN and found['tags'] == ['a', UNKNOWN]
    assert custom_checks(SERVER, found) == [] and translations(SERVER, found) == []
    late = resolve(SERVER, {'flavor': UNKNOWN, 'metadata': {'a': [UNKNOWN]}}, unknown_ok=False)[1]
    assert [(error.path, error.message) for error in late] == [
        (['flavor'], 'The value is not known yet'), (['metadata'], 'The value is not known yet')]
    assert resolve({'p': String(convert=True)}, {'p': [UNKNOWN]}) == ({'p': UNKNOWN}, [])


def test_deprecated_properties_move():
    values, errors = resolve(SERVER, {'flavor': 'f', 'networks': [{'uuid': 'n', 'fixed_ip': '10.0.0.1'}]})
    assert errors == [] and values['networks'] == [{'network': 'n', 'fixed_ip': '10.0.0.1'}]
    errors = resolve(SERVER, {'flavor': 'f', 'networks': [{'uuid': 'n', 'network': 'm'}]})[1]
    assert [(error.path, error.message) for error in errors] == [
        (['networks', 0], 'Cannot define the following properties at the same time: network, uuid.')]


def test_a_deprecated_map_is_unpacked():
    tasks = {'tasks': List(of=Map(policies=Map(unpack=['timeout', 'retry']), timeout=Integer(), retry=Map()))}
    given_values = {'tasks': [{'policies': {'timeout': '5', 'else': 1}}, {'timeout': 1}]}
    assert resolve(tasks, given_values) == ({'tasks': [{'timeout': 5}, {'timeout': 1}]}, [])
    both = {'tasks': [{'policies': {'timeout': '5'}, 'timeout': 1}]}
    assert resolve(tasks, both)[1][0].message == (
        'Cannot define the following properties at the same time: timeout, policies.timeout.')


def test_a_placeholder_accepts_anything():
    assert resolve({'a': Integer()}, {'a': '1', 'b': [2]}, accept_others=True) == ({'a': 1, 'b': [2]}, [])


def test_what_must_be_looked_up():
    values, _ = resolve(SERVER, {
        'flavor': 'm1', 'image': '', 'key_name': 'k',
        'networks': [{'network': 'net'}, {'subnet': 's', 'port': 'p'}]})
    assert custom_checks(SERVER, values) == [
        (('flavor',), 'nova.flavor', 'm1'), (('key_name',), 'nova.keypair', 'k'),
        (('networks', 0, 'network'), 'neutron.network', 'net'),
        (('networks', 1, 'port'), 'neutron.port', 'p')]
    assert translations(SERVER, values) == [
        (('flavor',), 'nova.flavor', 'm1'), (('networks', 0, 'network'), 'neutron.network', 'net'),
        (('networks', 1, 'port'), 'neutron.port', 'p'), (('networks', 1, 'subnet'), 'neutron.subnet', 's')]
    assert custom_checks(EVERYTHING, {'networks': ['a', UNKNOWN, 'b']}) == [
        (('networks', 0), 'neutron.network', 'a'), (('networks', 2), 'neutron.network', 'b')]


def test_a_sibling_may_say_what_a_value_names():
    properties = {'kind': String(), 'thing': String(find='cloud.{kind}'), 'more': List(of=Map(keys={
        'kind': String(), 'thing': String(find='cloud.{kind}')}))}
    found = translations(properties, {'kind': 'disk', 'thing': 'a', 'more': [
        {'kind': 'net', 'thing': 'b'}, {'kind': UNKNOWN, 'thing': 'c'}, {'thing': 'd'}]})
    assert found == [(('thing',), 'cloud.disk', 'a'), (('more', 0, 'thing'), 'cloud.net', 'b')]


def test_put_copies_only_the_way():
    old = {'a': [{'b': 1}, {'b': 2}], 'c': {'d': 3}}
    new = put(old, ('a', 1, 'b'), 'id')
    assert new == {'a': [{'b': 1}, {'b': 'id'}], 'c': {'d': 3}}
    assert old['a'][1] == {'b': 2} and new['c'] is old['c'] and new['a'][0] is old['a'][0]
    with pytest.raises(KeyError):
        put(old, ('x', 0), 1)


def test_the_wire_form():
    values, _ = resolve(SERVER, {'flavor': 'f', 'image': 'i', 'user_data': 'hi', 'diskConfig': 'AUTO',
                                 'networks': [{'network': 'n'}]})
    body = wire(SERVER, values | {'x': None})
    assert body['flavorRef'] == 'f' and body['imageRef'] == 'i' and body['user_data'] == 'aGk='
    assert body['OS-DCF:diskConfig'] == 'AUTO' and body['networks'] == [{'uuid': 'n'}]
    assert 'flavor_update_policy' not in body and 'x' not in body
    props = {'tags': List(encode='csv'), 'spec': Map(encode='json'), 'n': Integer(encode=lambda n: n * 2)}
    sent = wire(props, {'tags': ['a', 1], 'spec': {'a': 1}, 'n': 2})
    assert sent == {'tags': 'a,1', 'spec': '{"a": 1}', 'n': 4}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
    | st.sampled_from(['5', '10', 'true', 'a', 'b', 'key', '1.5', '10.0.0.1', UNKNOWN]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(['key', 'value', 'old', 'inner', 'size', 'address', 'free', 'x']), inner, max_size=3),
    max_leaves=8)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*EVERYTHING, 'other']), JSON))
def test_resolve_is_idempotent_and_never_raises(values):
    found, errors = resolve(EVERYTHING, values)
    assert all(error.text().startswith('Property error: ') for error in errors)
    if not errors:
        assert repr(resolve(EVERYTHING, found)) == repr((found, []))


@settings(max_examples=100, deadline=None)
@given(st.fixed_dictionaries({}, optional={
    'text': st.from_regex('[a-z0-9]{1,9}', fullmatch=True) | st.integers(0, 99),
    'whole': st.sampled_from([0, '5', 10.0, '95']), 'flag': st.sampled_from([True, 'False']),
    'names': st.lists(st.sampled_from(['a', 'b', None])), 'anything': JSON,
    'pairs': st.lists(st.sampled_from([{'key': 1}, {'old': 2, 'value': [None]}])),
    'deep': st.sampled_from([{}, {'inner': {}}, {'inner': {'address': '::1'}, 'free': {'a': None}}])}))
def test_good_values_resolve_once_and_for_all(values):
    found, errors = resolve(EVERYTHING, values)
    assert errors == []
    assert repr(resolve(EVERYTHING, found)) == repr((found, []))
