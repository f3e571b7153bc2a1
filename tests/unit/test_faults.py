"""Faults as values: what they carry, what they hide, and that no template gets around them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heat import schema
from heat.api.faults import body_of
from heat.bus import wire
from heat.common import config, errors, fault
from heat.common.context import RequestContext
from heat.common.fault import LONGEST_MESSAGE, MASK, MAX_TOLD, Fault
from heat.common.ids import StackId
from heat.engine.compiled import compile_all
from heat.engine.templates import Templates
from heat.engine.validate import Validator
from heat.model.resource import Row
from heat.resources.base import Resource
from heat.resources.types import PLUGINS
from heat.template.report import report

ME = RequestContext(user_id='u', tenant_id='t')
IDENTITY = StackId('t', 'name', '1f6f9c8e-5f0e-4a41-b0fb-6b2fd2fb5a0b')
GOOD: dict[str, Any] = {
    'heat_template_version': '2021-04-16',
    'description': 'good',
    'parameter_groups': [{'label': 'one', 'parameters': ['size', 'word']}],
    'parameters': {
        'size': {'type': 'number', 'default': 5, 'constraints': [{'range': {'min': 1, 'max': 10}}]},
        'word': {'type': 'string', 'label': 'Word', 'constraints': [
            {'allowed_values': ['long', 'short'], 'description': 'Long or short.'},
            {'allowed_pattern': '[a-z]+'}]},
        'data': {'type': 'json', 'default': {'a': 1}, 'hidden': True},
        'many': {'type': 'comma_delimited_list', 'default': 'a,b', 'tags': ['x'],
                 'constraints': [{'length': {'min': 1}}]}},
    'conditions': {'large': {'equals': [{'get_param': 'word'}, 'long']}, 'not_large': {'not': 'large'}},
    'resources': {
        'text': {'type': 'OS::Heat::RandomString', 'condition': 'large', 'properties': {
            'length': {'get_param': 'size'}, 'character_classes': [{'class': 'digits', 'min': 2}]}},
        'value': {'type': 'OS::Heat::Value', 'depends_on': ['anchor'], 'properties': {
            'value': {'str_replace': {'template': 'a b', 'params': {'a': {'get_param': ['data', 'a']}}}}}},
        'chosen': {'type': 'OS::Heat::Value', 'deletion_policy': 'retain', 'properties': {
            'type': 'string', 'value': {'if': ['large', {'get_attr': ['text', 'value']}, 'none']}}},
        'group': {'type': 'OS::Heat::ResourceGroup', 'update_policy': {'rolling_update': {'pause_time': 1}},
                  'properties': {'count': 2, 'resource_def': {
                      'type': 'OS::Heat::RandomString', 'properties': {'length': 8}}}},
        'server': {'type': 'OS::Nova::Server', 'metadata': {'a': {'get_resource': 'value'}}, 'properties': {
            'flavor': 'm1', 'image': 'img', 'networks': [{'network': 'net'}],
            'user_data': {'list_join': ['-', {'get_param': 'many'}]}}},
        'anchor': {'type': 'OS::Heat::None', 'properties': {'anything': {'repeat': {
            'for_each': {'%i%': ['a', 'b']}, 'template': {'x': '%i%'}}}}}},
    'outputs': {'o': {'description': 'd', 'condition': 'not_large', 'value': {
        'yaql': {'expression': '$.data.len()', 'data': 'abc'}}},
        'p': {'value': {'get_attr': ['group', 'refs']}}}}
GIVEN: dict[str, Any] = {
    'parameters': {'word': 'long'}, 'parameter_defaults': {'size': 3}, 'encrypted_param_names': ['data'],
    'event_sinks': [], 'resource_registry': {
        'My::Type': 'OS::Heat::None', 'resources': {
            'text': {'hooks': ['pre-create'], 'My::*': 'OS::Heat::*'}}}}


def strict(template: Any, environment: Any = None) -> None:
    """What creation asks of a template, as ``intake`` does it."""
    compiled = compile_all(IDENTITY, template, environment, {}, noted=errors.Collected())
    validator = Validator(ME, finder=None, credential=None, available=lambda _service: True, policy=None,
                          max_resources=1000, max_depth=5)
    validator.stack(IDENTITY, compiled, compiled.wanted())


def lenient(template: Any, environment: Any = None) -> dict[str, Any]:
    conf = config.load('heat-engine', argv=[], config_files=[], logging_setup=False)
    service = Templates(conf, available=lambda _context, _kind: True, allowed=lambda *_a: True)
    return service.validate_template(ME, template, environment, {}, show_nested=True)


def faults_in(template: Any, environment: Any = None) -> tuple[Fault, ...]:
    with pytest.raises(errors.HeatException) as caught:
        strict(template, environment)
    return caught.value.faults


def test_the_good_template_has_none() -> None:
    strict(GOOD, GIVEN)
    assert 'Error' not in lenient(GOOD, GIVEN)


# -- what a fault carries --------------------------------------------------------------------------


def hot(resources: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return {'heat_template_version': '2021-04-16', 'resources': resources, **sections}


VALUE = {'type': 'OS::Heat::Value', 'properties': {'value': 1}}


def test_class_and_first_sentence_are_those_of_the_first_fault() -> None:
    template = hot({'a': {'type': 'No::Such'}, 'b': {**VALUE, 'depends_on': 'zz'}}, parameters={
        'p': {'type': 'string'}})
    with pytest.raises(errors.UserParameterMissing) as caught:
        strict(template)
    assert str(caught.value).splitlines() == [
        'The Parameter (p) was not provided.', 'The Resource Type (No::Such) could not be found.',
        'The specified reference "zz" (in b) is incorrect.']
    assert [one.path for one in caught.value.faults] == [
        ('parameters', 'p'), ('resources', 'a', 'type'), ('resources', 'b', 'depends_on')]


def test_a_faulty_parameter_makes_no_further_faults() -> None:
    template = hot({'a': {'type': 'OS::Heat::RandomString', 'condition': 'c', 'properties': {
        'length': {'get_param': 'p'}}}}, parameters={'p': {'type': 'number'}},
        conditions={'c': {'equals': [{'get_param': 'p'}, 1]}})
    for values in ({'p': 'many'}, {}):
        assert [one.path for one in faults_in(template, {'parameters': values})] == [('parameters', 'p')]


def test_a_fault_of_shape_does_not_hide_the_others() -> None:
    template = hot({
        'a': {'type': 'OS::Heat::RandomString', 'properties': {'salt': {'list_join': [1]}}},
        'b': {'type': 'OS::Heat::RandomString', 'depends_on': ['a', 'z'], 'condition': 'c', 'properties': {
            'lenght': {'get_param': 'p'}, 'salt': {'get_attr': ['a', 'no_matter']}}},
        'd': {'type': 'No::Such', 'condition': 'e'}},
        parameters={'p': {'type': 'strung'}, 'q': {'type': 'number'}}, conditions={'c': {'equals': [1]}},
        bogus={}, outputs={'o': {'value': {'get_attr': ['b', 'valeu']}}, 'x': {}})
    with pytest.raises(errors.InvalidTemplateSection) as caught:
        strict(template, {'parameters': {'p': 'x', 'q': 'many'}})
    assert [(one.path, one.kind) for one in caught.value.faults] == [
        (('bogus',), 'shape'), (('parameters', 'p', 'type'), 'parameter'),
        (('conditions', 'c', 'equals'), 'shape'),
        (('resources', 'a', 'properties', 'salt', 'list_join'), 'shape'),
        (('resources', 'd', 'condition'), 'shape'), (('outputs', 'x'), 'shape'),
        (('parameters', 'q'), 'parameter'), (('resources', 'b', 'depends_on', 1), 'reference'),
        (('outputs', 'o', 'value', 'get_attr'), 'attribute'),
        (('resources', 'b', 'properties', 'lenght'), 'property')]


def test_each_property_that_a_function_refuses_is_told() -> None:
    template = hot({'a': {'type': 'OS::Heat::RandomString', 'properties': {
        'salt': {'list_join': [1, ['a']]}, 'length': {'str_split': [1, 'a', 0]}, 'lenght': 1}}})
    assert [one.path[-1] for one in faults_in(template)] == ['salt', 'length', 'lenght']


def test_values_for_a_parameter_declared_badly_are_merged_with_nothing() -> None:
    files = {name: json.dumps({'parameters': {'p': name}, 'parameter_merge_strategies': {'p': 'merge'}})
             for name in ('one', 'two')}
    noted = errors.Collected()
    compile_all(IDENTITY, hot({}, parameters={'p': {'type': 'strung'}}), {}, files,
                environment_files=['one', 'two'], noted=noted)
    error = noted.error()
    assert error is not None and [one.path for one in error.faults] == [('parameters', 'p', 'type')]


def test_what_is_refused_for_its_condition_is_told_so() -> None:
    template = hot({'a': {**VALUE, 'condition': 'c'}, 'b': {
        'type': 'OS::Heat::Value', 'properties': {'value': {'get_resource': 'a'}}}}, conditions={'c': False})
    (one,) = faults_in(template)
    assert one.expected == 'a resource that is made; the condition of a is false'
    assert one.message == 'The specified reference "a" (in b.Properties.value) is incorrect.'


def test_the_rest_is_counted() -> None:
    template = hot({f'r{n}': {'type': 'OS::Heat::Value', 'properties': {'valeu': 1}} for n in range(50)})
    with pytest.raises(errors.StackValidationFailed) as caught:
        strict(template)
    error = caught.value
    assert (len(error.faults), error.untold) == (MAX_TOLD, 100 - MAX_TOLD)
    assert str(error).endswith('\n... and 80 more')
    assert body_of(error)['error']['message'].endswith('\n... and 80 more')


def test_names_are_suggested_wherever_one_is_unknown() -> None:
    template = hot({
        'text': {'type': 'OS::Heat::RandomStrin'}, 'user': {'type': 'OS::Heat::Value', 'properties': {
            'value': [{'get_resource': 'tetx'}, {'get_param': 'sise'}, {'get_attr': ['user2', 'vlue']}]}},
        'user2': {'type': 'OS::Heat::RandomString', 'properties': {
            'lenght': 1, 'salt': {'list_jion': ['', []]}, 'character_classes': [{'class': 'lettrs'}]}}},
        parameters={'size': {'type': 'number', 'default': 1}})
    found = {one.path[-1]: one.suggestion for one in faults_in(template, {'parameters': {'siez': 1}})}
    assert found == {'siez': 'size', 'type': 'OS::Heat::RandomString', 'get_resource': 'text',
                     'get_param': 'size', 'get_attr': 'value', 'lenght': 'length', 'salt': 'list_join',
                     'class': 'letters'}


def test_a_type_of_the_environment_is_suggested_too() -> None:
    registry = {'resource_registry': {'Our::Server': 'OS::Nova::Server'}}
    assert faults_in(hot({'a': {'type': 'Our::Sever'}}), registry)[0].suggestion == 'Our::Server'


@pytest.mark.parametrize('secret', ['swordfish', 'x1', "it's \"quoted\"\nä", 'long' * 100])
def test_hidden_values_are_in_no_sentence(secret: str) -> None:
    template = hot({'a': {'type': 'OS::Heat::RandomString', 'properties': {
        'length': {'get_param': 'p'}, 'character_classes': [{'class': {'get_param': 'p'}}],
        'salt': {'map': {'get_param': 'p'}}}}},
        parameters={'p': {'type': 'string', 'hidden': True}})
    with pytest.raises(errors.StackValidationFailed) as caught:
        strict(template, {'parameters': {'p': secret}})
    assert len(caught.value.faults) == 3
    shown = json.dumps([caught.value.to_wire(), body_of(caught.value)], ensure_ascii=False)
    for form in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], secret[:30]):
        assert form not in shown
    assert shown.count(MASK) >= 3


def test_a_hidden_value_that_does_not_fit() -> None:
    template = hot({}, parameters={'p': {'type': 'string', 'hidden': True,
                                         'constraints': [{'allowed_values': ['swordfish']}]}})
    fault_, = faults_in(template, {'parameters': {'p': 'swordfisch'}})
    assert (fault_.value, fault_.suggestion) == (MASK, None)
    assert 'swordfisch' not in report([fault_], {'environment': 'parameters: {p: swordfisch}'})


def test_values_are_short() -> None:
    fault_, = faults_in(hot({'a': {'type': 'OS::Heat::RandomString', 'properties': {'length': 'x' * 50000}}}))
    assert fault_.value is not None and len(fault_.value) == 100
    assert len(fault_.message) == LONGEST_MESSAGE


def test_functions_are_blamed_where_they_stand() -> None:
    template = hot({'a': {'type': 'OS::Heat::Value', 'properties': {
        'value': {'list_join': [',', [{'digest': ['md99', 'x']}, 'y']]}}}})
    assert faults_in(template)[0].path == (
        'resources', 'a', 'properties', 'value', 'list_join', 1, 0)


def test_a_group_too_large_to_be_made_is_refused_before_it_is_made() -> None:
    group = {'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 20_000, 'resource_def': VALUE}}
    with pytest.raises(errors.RequestLimitExceeded) as caught:
        strict(hot({'g': group}))
    assert caught.value.faults[0].path == ('resources', 'g')
    assert 'Error' not in lenient(hot({'g': group}))


# -- across the bus --------------------------------------------------------------------------------


def test_faults_cross_the_bus_and_older_peers_read_the_message() -> None:
    error = errors.InvalidTemplateReference(resource='a', key='b').at(
        ('resources', 'b', 0), value={'x': 1}, expected='a name', suggestion='aa')
    sent = json.loads(json.dumps(wire.failure(error)))
    with pytest.raises(errors.InvalidTemplateReference) as caught:
        wire.opened(sent)
    assert caught.value.faults == error.faults and str(caught.value) == str(error)
    # As an older engine sends it, and as an older front-end reads it.
    old = {name: sent['error'][name] for name in ('class', 'message', 'kwargs')}
    assert errors.from_wire(old).faults == () and str(errors.from_wire(old)) == str(error)


@pytest.mark.parametrize('sent', [None, 'x', [1], [{'path': 'x'}], [{'message': 'm'}]])
def test_what_is_no_list_of_faults_is_not_taken_for_one(sent: Any) -> None:
    assert fault.from_wire(sent) == ()


# -- plugins ---------------------------------------------------------------------------------------


def variants(prop: schema.Property) -> Iterator[Any]:
    """Values of a property that are not known yet, at any depth, and lists with nothing in them."""
    yield schema.UNKNOWN
    if prop.kind == 'List':
        yield from ([schema.UNKNOWN], [None])
        yield from ([one] for one in (variants(prop.items) if prop.items else ()))
    if prop.kind == 'Map':
        yield dict.fromkeys(prop.keys or ('a',), schema.UNKNOWN)
        for key, inner in (prop.keys or {}).items():
            yield from ({key: one} for one in variants(inner))


def judges(kind: Any) -> bool:
    """Whether a type has anything to say of its properties beside their schema."""
    return kind.nested or any(getattr(kind, way).__func__ is not getattr(Resource, way).__func__
                              for way in ('validate', 'validate_among'))


@pytest.mark.parametrize('name', [name for name, kind in PLUGINS.items() if judges(kind)])
def test_no_plugin_stumbles_over_what_is_not_known_yet(name: str) -> None:
    kind = PLUGINS[name]
    for around in ({}, dict.fromkeys(kind.schema.properties, schema.UNKNOWN)):
        for key, prop in kind.schema.properties.items():
            for value in variants(prop):
                props, wrong = schema.resolve(kind.schema.properties, {**around, key: value}, unknown_ok=True)
                said = [*kind.validate(props), *kind.validate_among(props, ['a'])]
                assert all(isinstance(sentence, str) for sentence in said)
                if kind.nested and not wrong:
                    row = Row('u', 's', 's', 'n', kind.type, props=props)
                    assert type(kind.foreseen(row)) is int  # type: ignore[attr-defined]


# -- any mutation ----------------------------------------------------------------------------------

VALUES = st.sampled_from([None, 5, -1.5, True, 'x', '', [], {}, [1], {'a': 1}, ['a', ['b']],
                          {'get_param': 'no'}, {'get_attr': ['text', 'no']}, {'get_resource': 5},
                          {'if': ['no', 1, 2]}, {'get_file': 'no'}, {'x': {'y': {'z': []}}},
                          float(10 ** 30), 'Ω' * 300])


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = []
    if isinstance(tree, (dict, list)):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            found += [(*path, key), *places(value, (*path, key))]
    return found


def mutate(draw: Any, tree: Any) -> Any:
    """One place of the tree renamed, dropped, or filled with something else or with another part."""
    path = draw(st.sampled_from(places(tree)))
    holder = tree
    for key in path[:-1]:
        holder = holder[key]
    key = path[-1]
    match draw(st.sampled_from(['rename', 'drop', 'swap', 'move'])):
        case 'rename' if isinstance(holder, dict):
            name = draw(st.sampled_from([key[:-1], f'{key}x', key.upper(), key[::-1], '/', '']))
            items = [(name if one == key else one, item) for one, item in holder.items()]
            holder.clear()
            holder.update(items)
        case 'drop':
            del holder[key]
        case 'move':
            holder[key] = copy.deepcopy(at(GOOD, draw(st.sampled_from(places(GOOD)))))
        case _:
            holder[key] = copy.deepcopy(draw(VALUES))
    return tree


def at(tree: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def judged(error: BaseException) -> None:
    """It is the user's fault, and says where; that answer is JSON, and crosses the bus unchanged."""
    assert isinstance(error, errors.HeatException), repr(error)
    body = body_of(error)
    assert 400 <= body['code'] < 500, (repr(error), body)
    json.dumps(body)
    assert error.faults and all(one.path or one.source != 'template' for one in error.faults), error.faults
    assert body['error']['message'].startswith(error.faults[0].message)
    again = errors.from_wire(json.loads(json.dumps(error.to_wire())))
    assert (type(again), str(again), again.faults, again.untold) == (
        type(error), str(error), error.faults, error.untold)


@settings(max_examples=200)
@given(st.data())
def test_any_mutation_of_a_template_is_taken_or_refused_at_its_place(data: st.DataObject) -> None:
    template = copy.deepcopy(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        if template:
            template = mutate(data.draw, template)
    for ask in (strict, lenient):
        try:
            said = ask(template, GIVEN)
        except Exception as error:
            judged(error)
        else:
            assert not said or 'Error' not in said or said['Faults'], said


@settings(max_examples=100)
@given(st.data())
def test_any_mutation_of_an_environment_too(data: st.DataObject) -> None:
    environment = copy.deepcopy(GIVEN)
    for _ in range(data.draw(st.integers(1, 3))):
        if environment:
            environment = mutate(data.draw, environment)
    for ask in (strict, lenient):
        try:
            said = ask(GOOD, environment)
        except Exception as error:
            judged(error)
        else:
            assert not said or 'Error' not in said or said['Faults'], said
