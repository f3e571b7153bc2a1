"""Types made of templates: schemas from parameters, registries of nested stacks, documents by name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from heat.common import errors
from heat.engine.documents import MOST, Documents, HostFiles
from heat.model.resource import Row
from heat.resources.provider import TemplateResource, compare, items, property_of, provider
from heat.resources.types import PLUGINS, TypeTable
from heat.schema import ABSENT, AllowedPattern, Custom, Length, Range, resolve
from heat.schema.parameters import ParameterSchema
from heat.template.files import Files
from heat.template.hot import compile_template
from heat.template.registry import Layer, Registry, registry_below

TREE: dict[str, Any] = {
    'heat_template_version': '2021-04-16', 'description': 'Parts',
    'parameters': {
        'text': {'type': 'string', 'description': 'Some text', 'constraints': [
            {'length': {'max': 3}}, {'allowed_pattern': '[a-z]+'}]},
        'count': {'type': 'number', 'default': 2, 'constraints': [{'range': {'min': 1}}]},
        'list': {'type': 'comma_delimited_list', 'default': 'a,b'},
        'map': {'type': 'json', 'default': {'k': 1}},
        'flag': {'type': 'boolean', 'default': 'on'},
        'net': {'type': 'string', 'default': '', 'constraints': [{'custom_constraint': 'neutron.network'}]}},
    'resources': {'n': {'type': 'OS::Heat::None'}},
    'outputs': {'out': {'value': 1, 'description': 'One'}}}


def made(defaults: dict[str, Any] | None = None) -> type[TemplateResource]:
    return provider(compile_template(TREE), 't.yaml', 'My::T', None, defaults or {})


def test_each_parameter_is_a_property() -> None:
    props = made().schema.properties
    assert {name: (one.kind, one.required, one.default) for name, one in props.items()} == {
        'text': ('String', True, ABSENT), 'count': ('Number', False, 2), 'list': ('List', False, ['a', 'b']),
        'map': ('Map', False, {'k': 1}), 'flag': ('Boolean', False, True), 'net': ('String', False, '')}
    assert all(one.updatable and not one.immutable for one in props.values())
    assert props['text'].constraints == (Length(max=3), AllowedPattern(pattern='[a-z]+'))
    assert props['count'].constraints == (Range(min=1),)
    assert props['net'].constraints == (Custom(name='neutron.network'),)
    assert props['text'].description == 'Some text'
    assert set(made().schema.attributes) == {'out', 'show'}


def test_defaults_of_the_environment_are_those_of_the_properties() -> None:
    props = made({'text': 'abc', 'count': '7', 'other': 'x'}).schema.properties
    assert (props['text'].required, props['text'].default, props['count'].default) == (False, 'abc', 7)


def test_a_default_that_does_not_fit_is_told() -> None:
    with pytest.raises(errors.StackValidationFailed, match="Parameter 'n' is invalid"):
        property_of(ParameterSchema('n', 'number'), 'many')


def test_lists_and_maps_may_come_as_text() -> None:
    props, wrong = resolve(made().schema.properties, {'text': 'x', 'list': 'c, d', 'map': '{"a": 1}'})
    assert wrong == [] and props['list'] == ['c', 'd'] and props['map'] == '{"a": 1}'


def test_what_equals_its_default_is_left_to_the_inside() -> None:
    kind = made()
    props, _wrong = resolve(kind.schema.properties, {'text': 'x', 'count': 3, 'list': ['a', 'b']})
    assert dict(kind.parameters(props)) == {'text': 'x', 'count': 3}


def test_items_of_lists_become_texts() -> None:
    assert items(['a', 1, None, {'k': 'v', 'n': 2}]) == ['a', '1', '', '.member.3.k=v', '.member.3.n=2']


def test_a_row_outlives_its_template() -> None:
    row = Row('u' * 36, 's', 's', 't', 'My::T', keep={'class': TemplateResource.type}, physical_id='i',
              data={'learned': {'arn': 'arn:x', 'outputs': {'out': 1}, 'faults': {}, 'reads': []}})
    for types in (TypeTable(), TypeTable([Layer({'My::T': 'gone.yaml'})]), TypeTable([Layer({
            'My::T': 'OS::Heat::None'})])):
        kind = types.of(row)
        assert kind is TemplateResource and kind.nested
        assert kind.attribute_names(row) == ('out',) and kind.attribute(row, 'out', ()) == 1
        assert kind.reference(row) == 'arn:x'


def test_what_fits_a_type_is_not_complained_of() -> None:
    schema = PLUGINS['OS::Heat::RandomString'].schema
    fitting = provider(compile_template({**TREE, 'parameters': {'length': {'type': 'number', 'default': 1}},
                                         'outputs': {'value': {'value': 1}}}), 't', 'T', None, {}).schema
    assert list(compare(fitting, schema)) == []


# -- registries ------------------------------------------------------------------------------------


def test_rooms_of_a_resource_become_those_of_its_inside() -> None:
    registry = {'A': 't.yaml', 'B': 'OS::B', 'resources': {
        'web*': {'hooks': 'pre-create', 'A': 'x.yaml', 'in': {'B': 'OS::C'}, 'other': {'B': 'OS::D'}},
        'web1': {'in': {'B': 'OS::E'}}, 'db': {'in': {'B': 'OS::F'}}}}
    assert registry_below(registry, 'web1', 't.yaml') == {
        'B': 'OS::B', 'resources': {'in': {'B': 'OS::E'}, 'other': {'B': 'OS::D'}}}
    assert registry_below(registry, 'db', None) == {
        'A': 't.yaml', 'B': 'OS::B', 'resources': {'in': {'B': 'OS::F'}}}
    assert registry_below({}, 'x', None) == {'resources': {}}


def test_a_mapping_is_not_seen_inside_what_it_leads_to() -> None:
    layers = [Layer({'OS::Heat::None': 't.yaml'}, user=False)]
    assert Registry(PLUGINS, layers).resolve('OS::Heat::None').template == 't.yaml'
    inside = Registry(PLUGINS, layers, inside=frozenset({'t.yaml'})).resolve('OS::Heat::None')
    assert inside.plugin is PLUGINS['OS::Heat::None']


# -- documents -------------------------------------------------------------------------------------


def conf(**more: Any) -> Any:
    return SimpleNamespace(**{'template_dir': '/nowhere', 'template_fetch_timeout': 10.0,
                              'max_json_body_size': 1000, **more})


def test_documents_are_read_once_and_join_the_files() -> None:
    asked = []

    def read(name: str, _conf: Any, left: float) -> str:
        asked.append((name, left))
        return 'text'

    documents = Documents({'a': 'x'}, conf(), read, monotonic=lambda: 5.0)
    assert documents.template('http://t/1') == documents.template('http://t/1') == 'text'
    assert asked == [('http://t/1', 10.0)] and dict(documents) == {'a': 'x', 'http://t/1': 'text'}
    documents.seal()
    with pytest.raises(errors.StackValidationFailed, match='it was not sent along'):
        documents.template('http://t/2')


def test_documents_are_not_read_for_get_file() -> None:
    with pytest.raises(KeyError):
        Documents({}, conf(), lambda *_: 'text')['http://t/1']


def test_documents_are_bounded_in_number_size_and_time() -> None:
    many = Documents({}, conf(), lambda *_: '')
    with pytest.raises(errors.RequestLimitExceeded):
        for number in range(MOST + 1):
            many.template(f'http://t/{number}')
    with pytest.raises(errors.RequestLimitExceeded):
        Documents({}, conf(), lambda *_: 'x' * 1001).template('http://t/1')
    now = [0.0]
    late = Documents({}, conf(), lambda *_: '', monotonic=lambda: now[0])
    now[0] = 11.0
    with pytest.raises(errors.StackValidationFailed, match='no time left'):
        late.template('http://t/1')


def test_files_of_the_host_are_for_its_operator(tmp_path: Any) -> None:
    (tmp_path / 'op.yaml').write_text('text')
    files = HostFiles({}, str(tmp_path))
    with pytest.raises(errors.StackValidationFailed, match='Invalid URL scheme file'):
        files.template('file:///elsewhere/op.yaml')
    assert files.template('file:///elsewhere/op.yaml', user=False) == 'text'
    with pytest.raises(errors.StackValidationFailed, match='cannot be read'):
        files.template('file:///elsewhere/none.yaml', user=False)
    assert isinstance(files, Files)
