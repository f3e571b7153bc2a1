"""Declarations: kinds, collection from classes, attributes, comparison with the interface tables."""

import copy
import json
import pickle
from pathlib import Path

import pytest

from heat.schema import (
    IN_PLACE,
    SHOW,
    UNKNOWN,
    Attr,
    Integer,
    List,
    Map,
    String,
    Support,
    TypeSchema,
    at_least_one,
    at_most_one,
    compile_schema,
    contract_form,
    differences,
    exactly_one,
    read,
    requires,
)
from tests.unit import schema_examples

DATA = Path(__file__).parent.parent / 'data' / 'resource_types'
WHOLE = [schema_examples.RandomString, schema_examples.Volume, schema_examples.Server]


def entry(schema):
    return json.loads((DATA / (schema.type.replace('::', '_') + '.json')).read_text())


@pytest.mark.parametrize('cls', WHOLE)
def test_the_interface_is_that_of_the_tables(cls):
    schema = compile_schema(cls)
    assert differences(schema, entry(schema)) == []


@pytest.mark.parametrize(('change', 'line'), [
    (lambda e: e['properties']['size'].update(update_allowed=False), 'properties.size.update_allowed: True'),
    (lambda e: e['properties']['size'].update(type='Number'), "properties.size.type: 'Integer', should"),
    (lambda e: e['properties']['size']['constraints'][0].update(min=2), 'properties.size.constraints'),
    (lambda e: e['properties']['metadata'].update(default=None), 'properties.metadata.default'),
    (lambda e: e['properties'].pop('size'), 'properties.size: unexpected'),
    (lambda e: e['properties'].update(new={'type': 'String'}), 'properties.new: missing'),
    (lambda e: e['attributes']['status'].pop('cache_mode'), 'attributes.status.cache_mode: unexpected'),
    (lambda e: e['properties']['read_only']['support_status'].update(version='6.0.0'),
     'properties.read_only.support_status.version'),
    (lambda e: e['translation_rules'].clear(), 'translation_rules: unexpected'),
    (lambda e: e['translation_rules'].append({'rule': 'Resolve', 'path': ['name'], 'client_plugin': 'nova'}),
     'translation_rules: missing'),
    (lambda e: e.update(update_policy={'pause': {'type': 'Number'}}), 'update_policy.pause: missing'),
    (lambda e: e['support_status'].update(status='HIDDEN'), 'support_status.status'),
])
def test_each_difference_is_told(change, line):
    schema = compile_schema(schema_examples.Volume)
    changed = copy.deepcopy(entry(schema))
    change(changed)
    found = differences(schema, changed)
    assert len(found) == 1 and found[0].startswith(line), found


def test_contract_form_leaves_out_what_is_usual():
    class Small:
        class properties:
            a = String()
            b = Map(unpack=['c'])

        class update_policy:
            pause = Integer(default=0)

    form = contract_form(compile_schema(Small))
    assert form['properties']['a'] == {'type': 'String'}
    assert form['attributes'] == {}
    assert form['update_policy'] == {'pause': {'type': 'Integer', 'default': 0}}
    assert form['translation_rules'] == [{'rule': 'Replace', 'path': ['c'], 'from': ['b', 'c']},
                                         {'rule': 'Delete', 'path': ['b']}]


def test_a_type_that_took_the_place_of_another():
    support = Support('HIDDEN', '2.0.0', previous=Support('DEPRECATED', substitute='OS::New'))
    schema = TypeSchema('OS::Old', support=support)
    table = {'status': 'HIDDEN', 'version': '2.0.0',
             'previous': {'status': 'DEPRECATED', 'substitute_class': ['OS::New']}}
    assert differences(schema, {'properties': {}, 'attributes': {}, 'support_status': table}) == []


def test_a_rule_for_a_property_that_is_not_there_is_none():
    rules = [{'rule': 'Resolve', 'path': ['ghost'], 'client_plugin': 'nova'}]
    assert differences(TypeSchema('T'), {'properties': {}, 'attributes': {}, 'translation_rules': rules,
                                         'support_status': {'status': 'SUPPORTED'}}) == []


class Tagged:
    class properties:
        tags = List(update=IN_PLACE)
        name = String('Of the base.')

    class attributes:
        tags = Attr('Tags.')


class Thing(Tagged):
    """A thing.

    It has tags.
    """

    type = 'OS::Test::Thing'
    support = Support(version='1.0.0')

    class properties:
        name = None
        class_ = String()
        extra = {'binding:host': String(), 'class_name_': Integer()}
        one = at_least_one('tags', 'class')


def test_inner_classes_of_bases_are_merged():
    schema = compile_schema(Thing)
    assert list(schema.properties) == ['tags', 'class', 'binding:host', 'class_name_']
    assert list(schema.attributes) == ['tags', 'show']
    assert schema.attributes['show'] is SHOW
    assert (schema.type, schema.description) == ('OS::Test::Thing', 'A thing.\n\nIt has tags.')
    assert schema.support.version == '1.0.0' and len(schema.rules) == 1


def test_a_property_may_be_called_extra():
    class Port:
        class properties:
            extra = Map('Anything.')

    assert list(compile_schema(Port).properties) == ['extra']


def test_what_is_no_property_is_refused():
    class Wrong:
        class properties:
            size = 3

    with pytest.raises(TypeError, match=r'Wrong\.properties\.size is a int'):
        compile_schema(Wrong)

    class Lost:
        class properties:
            rule = requires('a', 'b')

    with pytest.raises(TypeError, match='names a, which is not declared'):
        compile_schema(Lost)


@pytest.mark.parametrize('declare', [
    lambda: String(range=(1, 2)),
    lambda: Integer(pattern='x'),
    lambda: String(required=True, default='x'),
    lambda: String(immutable=True, update=IN_PLACE),
    lambda: String(is_a='nova.server', check='ip_addr'),
    lambda: String(pattern='['),
    lambda: Integer(modulo=(0, 0)),
    lambda: Integer(modulo=(3, 3)),
    lambda: Support('GONE'),
    lambda: Attr('x', 'Text'),
])
def test_contradictions_are_refused_when_declared(declare):
    with pytest.raises(ValueError):
        declare()


def test_unknown_options_are_refused():
    with pytest.raises(TypeError):
        String(defualt=1)
    with pytest.raises(TypeError, match='requierd'):
        Map(requierd=True, a=String())


def test_keys_of_a_map_that_collide_with_options():
    prop = Map(keys={'default': String(), 'required': String()}, default={}, class_=String())
    assert list(prop.keys) == ['class', 'default', 'required'] and prop.default == {}


def test_unknown_stays_itself():
    assert copy.deepcopy([UNKNOWN])[0] is UNKNOWN
    assert pickle.loads(pickle.dumps(UNKNOWN)) is UNKNOWN


def test_read_takes_values_from_the_body():
    class Box:
        class attributes:
            plain = Attr()
            renamed = Attr(wire='OS-EXT:name')
            nested = Attr(wire=('fault', 'message'))
            first = Attr(get=lambda body: body['list'][0])

    schema = compile_schema(Box)
    body = {'plain': 1, 'OS-EXT:name': 'n', 'fault': {'message': 'm'}, 'list': ['f']}
    names = ['plain', 'renamed', 'nested', 'first', 'show']
    assert read(schema, body, names) == {
        'plain': 1, 'renamed': 'n', 'nested': 'm', 'first': 'f', 'show': body}
    assert read(schema.attributes, {'fault': None, 'list': []}, ['plain', 'nested', 'first']) == {
        'plain': None, 'nested': None, 'first': None}
    with pytest.raises(KeyError, match=r'Unknown attribute plian\. Did you mean plain?'):
        read(schema, body, ['plian'])


@pytest.mark.parametrize(('rule', 'values', 'text'), [
    (at_least_one('a', 'b'), {}, 'At least one of the following properties must be specified: a, b.'),
    (at_least_one('a', 'b'), {'b': 0}, None),
    (at_most_one('a', 'b', 'c'), {'a': 1, 'c': 1},
     'Cannot define the following properties at the same time: a, c.'),
    (at_most_one('a', 'b'), {'a': 1, 'b': None}, None),
    (exactly_one('a', 'b'), {}, 'At least one of the following properties must be specified: a, b.'),
    (exactly_one('a', 'b'), {'a': 1}, None),
    (requires('a', 'b', 'c'), {'a': 1, 'b': 1}, 'a cannot be specified without c.'),
    (requires('a', 'b'), {'b': 1}, None),
])
def test_rules_over_several_properties(rule, values, text):
    faults = TypeSchema('T', rules=(rule,)).faults(values)
    assert [str(fault) for fault in faults] == ([text] if text else [])
