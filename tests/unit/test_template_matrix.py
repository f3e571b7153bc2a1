"""Every function in every version: what it gives there, or that it is refused or plain data.

A cell is asked of each version's row in ``tests/data/templates.json``; the samples tell
what a variant gives. ``REFUSED`` stands for an error at compilation.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from heat.common import errors
from heat.template.hot import compile_template
from heat.template.versions import table
from tests.unit.test_template_functions import World

DATA = json.loads((Path(__file__).parent.parent / 'data' / 'templates.json').read_text())['versions']
REFUSED = object()
WITHOUT_CONDITIONS = '2016-10-14'
# function -> (arguments, what each variant gives; a variant is named after its first version).
SAMPLES: dict[str, tuple[Any, dict[str, Any]]] = {
    'contains': (['a', ['a']], {'2017-09-01': True}),
    'digest': (['md5', 'x'], {'2015-04-30': '9dd4e461268c8034f5c8564e155c67a6'}),
    'filter': ([['a'], ['a', 'b']], {'2017-02-24': ['b']}),
    'get_attr': (['a'], {'2013-05-23': REFUSED, '2014-10-16': REFUSED, '2015-10-15': {
        'output': 'o', 'nested': {'a': [{'b': 7}]}, 'none': None}}),
    'get_file': ('f.txt', {'2013-05-23': 'contents'}),
    'get_param': (['m', 'k', 'd', 1], {'2013-05-23': 2}),
    'get_resource': ('a', {'2013-05-23': 'id-of-a'}),
    'if': (['no', 1], {'2016-10-14': REFUSED, '2021-04-16': None}),
    'list_concat': ([['a'], ['b']], {'2017-09-01': ['a', 'b']}),
    'list_concat_unique': ([['a'], ['a']], {'2017-09-01': ['a']}),
    'list_join': ([',', ['a'], ['b']], {'2013-05-23': REFUSED, '2015-10-15': 'a,b'}),
    'make_url': ({'scheme': 'http', 'host': 'h'}, {'2017-09-01': 'http://h'}),
    'map_merge': ([{'a': 1}, {'b': 2}], {'2016-04-08': {'a': 1, 'b': 2}}),
    'map_replace': ([{'a': 'b'}, {'keys': {'a': 'A'}}], {'2016-10-14': {'A': 'b'}}),
    'repeat': ({'template': '%i%', 'for_each': {'%i%': ['1']}, 'permutations': True},
               {'2015-04-30': REFUSED, '2016-10-14': REFUSED, '2017-09-01': ['1']}),
    'resource_facade': ('deletion_policy', {'2013-05-23': 'Retain'}),
    'str_replace': ({'template': 'x y', 'params': {'x': {'k': 1}}},
                    {'2013-05-23': TypeError, '2015-10-15': '{"k": 1} y'}),
    'str_replace_strict': ({'template': 'x', 'params': {'x': 'z'}}, {'2017-02-24': 'z'}),
    'str_replace_vstrict': ({'template': 'x', 'params': {'x': 'z'}}, {'2017-09-01': 'z'}),
    'str_split': ([',', 'a,b'], {'2015-10-15': ['a', 'b']}),
    'yaql': ({'expression': '$.data + 1', 'data': 1}, {'2016-10-14': 2}),
    'Fn::Base64': ('x', {'2010-09-09': 'x'}),
    'Fn::FindInMap': (['M', 'a', 'b'], {'2010-09-09': 'c'}),
    'Fn::GetAZs': ('', {'2010-09-09': ['nova', 'two']}),
    'Fn::GetAtt': (['a', 'output'], {'2010-09-09': 'o'}),
    'Fn::Join': ([',', ['a', 'b']], {'2010-09-09': 'a,b'}),
    'Fn::MemberListToMap': (['N', 'V', ['.member.0.N=a', '.member.0.V=b']], {'2010-09-09': {'a': 'b'}}),
    'Fn::Replace': ([{'$x': 'y'}, 'a $x'], {'2010-09-09': 'a y'}),
    'Fn::ResourceFacade': ('DeletionPolicy', {'2010-09-09': 'Retain'}),
    'Fn::Select': (['1', ['a', 'b']], {'2010-09-09': 'b'}),
    'Fn::Split': ([',', 'a,b'], {'2010-09-09': ['a', 'b']}),
    'Ref': ('a', {'2010-09-09': 'id-of-a'}),
}
# The strict dialect of CloudFormation has tests of its own.
VERSIONS = [name for name in DATA if not name.startswith('AWS')]


def test_every_function_has_a_sample() -> None:
    known = {name for version in VERSIONS for name in DATA[version]['functions']}
    assert known == set(SAMPLES) | set()


def template(version: str, value: Any) -> dict[str, Any]:
    key, date = version.split('.')
    if key != 'heat_template_version':
        return {key: date, 'Parameters': {'p': {'Type': 'String'}}, 'Resources': {'a': {'Type': 'T'}},
                'Mappings': {'M': {'a': {'b': 'c'}}}, 'Outputs': {'o': {'Value': value}}}
    tree: dict[str, Any] = {key: date, 'resources': {'a': {'type': 'T'}}, 'outputs': {'o': {'value': value}}}
    if date >= WITHOUT_CONDITIONS:
        tree['conditions'] = {'yes': True, 'no': False}
    return tree


@pytest.mark.parametrize('function', sorted(SAMPLES))
@pytest.mark.parametrize('version', VERSIONS)
def test_function_in_version(version: str, function: str) -> None:
    arguments, variants = SAMPLES[function]
    row = DATA[version]
    # In a list, so that an ``if`` without else can take its item away.
    tree = template(version, [{function: arguments}])
    variant = row['functions'].get(function)
    if function in row['functions_removed']:
        expected: Any = REFUSED
    elif variant is None:
        # Unknown to the version: a map like any other.
        expected = {function: arguments}
    else:
        first = max(since for since in variants if since <= variant.rpartition('.')[2])
        expected = variants[first]
    if expected is REFUSED:
        with pytest.raises(errors.StackValidationFailed):
            compile_template(tree)
        return
    value = compile_template(tree).outputs['o'].value
    if expected is TypeError:
        with pytest.raises(TypeError):
            value.value(World())
    else:
        assert value.value(World()) == ([] if expected is None else [expected])


CONDITION_SAMPLES: dict[str, Any] = {
    'equals': {'equals': ['a', 'a']}, 'not': {'not': False}, 'and': {'and': [True, 'yes']},
    'or': {'or': [False, 'yes']}, 'contains': {'contains': ['a', ['a']]},
    'yaql': {'yaql': {'expression': '$.data = 1', 'data': 1}},
    'get_param': {'equals': [{'get_param': 'p'}, 'x']}}


@pytest.mark.parametrize('function', sorted(CONDITION_SAMPLES))
@pytest.mark.parametrize('version', [v for v in VERSIONS if v.startswith('heat_template_version')])
def test_condition_function_in_version(version: str, function: str) -> None:
    tree = template(version, {'if': ['c', 1, 2]})
    tree['parameters'] = {'p': {'type': 'string'}}
    tree['conditions'] = {'c': CONDITION_SAMPLES[function], 'yes': True}
    if not table()[version].supports_conditions:
        with pytest.raises(errors.InvalidTemplateSection):
            compile_template(tree)
    elif function in DATA[version]['condition_functions']:
        compiled = compile_template(tree)
        settled = compiled.settle(World({'p': 'x'}))
        assert settled.outputs['o'].value.value(World()) == 1
    else:
        with pytest.raises(errors.StackValidationFailed):
            compile_template(tree)
