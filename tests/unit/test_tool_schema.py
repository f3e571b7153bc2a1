"""heat-template schema: valid schemas that accept what the service accepts and refuse the rest."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest

from heat.common import errors
from heat.resources.types import PLUGINS
from heat.template.hot import compile_template
from heat.template.jsonschema import schema_of, schema_of_all, version_named
from heat.template.load import parse
from heat.template.versions import HOT_KEY, table
from tests.unit.test_tool_fmt import DATA, SHIPPED

TYPES = {name: kind.schema for name, kind in PLUGINS.items() if not kind.retired}
Validator = jsonschema.Draft202012Validator
HOT = Validator(schema_of(version_named('wallaby'), TYPES))


@pytest.fixture(scope='module')
def of_all() -> Any:
    made = schema_of_all(TYPES)
    Validator.check_schema(made)
    return Validator(made)


@pytest.mark.parametrize('name', list(table()))
def test_every_version_has_a_valid_schema(name: str) -> None:
    made = schema_of(version_named(name), TYPES)
    Validator.check_schema(made)
    row = table()[name]
    assert set(made['properties']) == set(row.sections)
    assert set(made['$defs']['function']['properties']) == set(row.functions)


def test_names_of_versions() -> None:
    assert version_named('wallaby') is version_named('2021-04-16') is version_named(f'{HOT_KEY}.2021-04-16')
    assert (
        version_named('2012-12-12').dialect == 'cfn' and version_named(f'{HOT_KEY}.pike').date == '2017-09-01'
    )
    with pytest.raises(ValueError, match='There is no version "x"; there are AWS'):
        version_named('x')


@pytest.mark.parametrize(
    'path',
    [
        *(one for one in SHIPPED if '.env.' not in one.name),
        DATA / 'everything.cfn.yaml',
        DATA / 'everything.hot.yaml',
    ],
    ids=lambda one: one.name,
)
def test_templates_that_compile_are_accepted(path: Any, of_all: Any) -> None:
    tree = parse(path.read_text())
    compile_template(tree)
    assert list(of_all.iter_errors(tree)) == []


def hot(**resource: Any) -> dict[str, Any]:
    return {
        HOT_KEY: '2021-04-16',
        'parameters': {'p': {'type': 'string'}},
        'resources': {'a': {'type': 'OS::Heat::RandomString', **resource}},
    }


GOOD = [
    hot(),
    hot(type='My::Own', properties={'any': [1]}),
    hot(properties={'length': 4}),
    hot(properties={'length': '4'}),
    hot(properties={'length': {'get_param': 'p'}}),
    hot(properties={'get_param': 'p'}),
    hot(depends_on=['a']),
    hot(depends_on='a'),
    hot(condition={'equals': [1, {'get_param': 'p'}]}),
    hot(deletion_policy='retain'),
    hot(properties={'character_classes': [{'class': 'digits', 'min': {'get_param': 'p'}}]}),
    hot(type='OS::Heat::None', properties={'any': {'a': None}}),
    {HOT_KEY: 'wallaby', 'outputs': None},
]


@pytest.mark.parametrize('tree', GOOD, ids=range(len(GOOD)))
def test_good_templates_are_accepted(tree: dict[str, Any], of_all: Any) -> None:
    assert list(HOT.iter_errors(tree)) == [] and list(of_all.iter_errors(tree)) == []


BAD = [
    {},
    {HOT_KEY: '2021'},
    {HOT_KEY: '2021-04-16', 'Resources': {}},
    hot(propertys={}),
    hot(type=None),
    hot(properties={'lenght': 4}),
    hot(properties={'length': [4]}),
    hot(properties={'length': 4000}),
    hot(properties={'length': {'get_parm': 'p'}}),
    hot(properties={'character_classes': [{'class': 'digit'}]}),
    hot(deletion_policy='Burn'),
    hot(depends_on=[1]),
    hot(condition={'get_attr': ['a', 'b']}),
    hot(type='OS::Neutron::Port'),
    hot(type='OS::Neutron::Port', properties={'name': 'x'}),
    {HOT_KEY: '2021-04-16', 'outputs': {'o': {'description': 'x'}}},
    {HOT_KEY: '2021-04-16', 'parameters': {'p': {'type': 'String'}}},
    {HOT_KEY: '2021-04-16', 'parameters': {'p': {'type': 'number', 'constraints': [{'rnge': {}}]}}},
    {HOT_KEY: '2021-04-16', 'parameters': {'p': {'type': 'number', 'Default': 1}}},
    {HOT_KEY: '2013-05-23', 'conditions': {}},
]


@pytest.mark.parametrize('tree', BAD, ids=range(len(BAD)))
def test_bad_templates_are_refused(tree: dict[str, Any], of_all: Any) -> None:
    assert list(HOT.iter_errors(tree)) and list(of_all.iter_errors(tree))


def test_in_properties_the_schema_of_all_knows_every_function(of_all: Any) -> None:
    tree = hot(properties={'length': {'Ref': 'p'}})
    assert list(HOT.iter_errors(tree)) and not list(of_all.iter_errors(tree))
    # So that it does not hold all types a dozen times.
    one = len(json.dumps(HOT.schema))
    assert len(json.dumps(of_all.schema)) < 4 * one


def test_each_key_of_a_shipped_template_matters() -> None:
    tree = parse((DATA / 'everything.hot.yaml').read_text())
    for section in ('parameters', 'resources', 'outputs'):
        for name in tree[section]:
            broken = copy.deepcopy(tree)
            broken[section][name] = 'text'
            with pytest.raises(errors.HeatException):
                compile_template(broken)
            assert list(HOT.iter_errors(broken))


def test_what_is_old_is_marked() -> None:
    defs = schema_of(version_named('wallaby'), TYPES)['$defs']
    port = defs['type:OS::Neutron::Port']['anyOf'][0]
    assert port['required'] == ['network'] or 'network' in port['properties']
    assert port['properties']['name']['description']
