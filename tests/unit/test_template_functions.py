"""Every function of HOT and CFN templates: what it gives, what it refuses, in which version."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heat.common import errors
from heat.schema.kinds import UNKNOWN
from heat.schema.parameters import bind, pseudo_parameters
from heat.template import versions
from heat.template.expr import NullScope, Ref
from heat.template.hot import compile_template

DATA = json.loads((Path(__file__).parent.parent / 'data' / 'templates.json').read_text())


class World(NullScope):
    """A scope in which everything is known."""

    def __init__(self, parameters: dict[str, Any] | None = None) -> None:
        super().__init__(
            parameters or {'p': 'x', 'l': ['a', 'b'], 'm': {'k': {'d': [1, 2]}}},
            {'f.txt': 'contents'},
            {'yes': True, 'no': False},
        )

    def reference(self, resource: str) -> Any:
        return f'id-of-{resource}'

    def attribute(self, resource: str, attribute: str | None, path: tuple[Any, ...]) -> Any:
        everything = {'output': 'o', 'nested': {'a': [{'b': 7}]}, 'none': None}
        return everything if attribute is None else everything[attribute]

    def facade(self, kind: str) -> Any:
        return {'metadata': {'k': 'v'}, 'deletion_policy': 'Retain', 'update_policy': {}}[kind]

    def zones(self) -> Any:
        return ['nova', 'two']


def compiled(value: Any, version: str = '2021-04-16') -> Any:
    tree: dict[str, Any] = {
        'heat_template_version': version,
        'outputs': {'o': {'value': value}},
        'resources': {'a': {'type': 'T'}},
    }
    if version >= '2016-10-14':
        tree['conditions'] = {'yes': True, 'no': False}
    return compile_template(tree).outputs['o'].value


def hot(value: Any, version: str = '2021-04-16') -> Any:
    return compiled(value, version).value(World())


def cfn(value: Any, **sections: Any) -> Any:
    """In the older format; what AWS's own makes of these is in test_cfn_functions."""
    tree = {
        'HeatTemplateFormatVersion': '2012-12-12',
        'Outputs': {'O': {'Value': value}},
        'Parameters': {'p': {'Type': 'String'}},
        **sections,
    }
    return compile_template(tree).outputs['O'].value.value(World())


@pytest.mark.parametrize(
    ('value', 'expected'),
    [
        ({'get_param': 'p'}, 'x'),
        ({'get_param': ['m', 'k', 'd', 1]}, 2),
        ({'get_param': ['m', 'k', 'zz', 1]}, ''),
        ({'get_param': ['l', '1']}, 'b'),
        ({'get_param': [{'list_join': ['', ['l']]}, 0]}, 'a'),
        ({'get_resource': 'a'}, 'id-of-a'),
        ({'get_attr': ['a', 'output']}, 'o'),
        ({'get_attr': ['a', 'nested', 'a', 0, 'b']}, 7),
        ({'get_attr': ['a', 'nested', 'zz', 0]}, None),
        ({'get_attr': ['a']}, {'output': 'o', 'nested': {'a': [{'b': 7}]}, 'none': None}),
        ({'get_file': 'f.txt'}, 'contents'),
        ({'resource_facade': 'metadata'}, {'k': 'v'}),
        ({'str_replace': {'template': 'a $a $ab', 'params': {'$a': 1, '$ab': {'k': 2}}}}, 'a 1 {"k": 2}'),
        ({'str_replace': {'template': 'xyx', 'params': {'x': 'y', 'y': 'x'}}}, 'yxy'),
        ({'str_replace': {'template': 'a', 'params': {'a': None}}}, ''),
        ({'str_replace_strict': {'template': 'a b', 'params': {'a': ''}}}, ' b'),
        ({'list_join': ['-', ['a', None], [1, {'k': True}]]}, 'a--1-{"k": true}'),
        ({'str_split': [',', 'a,b,c']}, ['a', 'b', 'c']),
        ({'str_split': [',', 'a,b,c', '2']}, 'c'),
        ({'digest': ['sha256', 'x']}, hashlib.sha256(b'x').hexdigest()),
        ({'map_merge': [{'a': 1}, None, {'a': 2}]}, {'a': 2}),
        (
            {'map_replace': [{'a': 'b', 'c': 'd'}, {'keys': {'a': 'A'}, 'values': {'d': 'D'}}]},
            {'A': 'b', 'c': 'D'},
        ),
        (
            {'repeat': {'template': {'k': '%i%-%j%'}, 'for_each': {'%i%': ['1', '2'], '%j%': ['a', 'b']}}},
            [{'k': '1-a'}, {'k': '1-b'}, {'k': '2-a'}, {'k': '2-b'}],
        ),
        ({'repeat': {'template': '%i%', 'for_each': {'%i%': [1, {'k': 2}]}}}, [1, {'k': 2}]),
        (
            {
                'repeat': {
                    'template': '%i%%j%',
                    'for_each': {'%i%': ['1', '2'], '%j%': ['a', 'b']},
                    'permutations': False,
                }
            },
            ['1a', '2b'],
        ),
        ({'repeat': {'template': {'%i%': 'v'}, 'for_each': {'%i%': {'x': 1}}}}, [{'x': 'v'}]),
        ({'filter': [['b'], ['a', 'b', 'c']]}, ['a', 'c']),
        ({'contains': ['a', ['a']]}, True),
        ({'contains': ['a', 'bar']}, True),
        ({'list_concat': [['a'], None, ['a', 'b']]}, ['a', 'a', 'b']),
        ({'list_concat_unique': [['a', 1, True], ['b', 'a', 1]]}, ['a', 1, True, 'b']),
        (
            {'make_url': {'scheme': 'https', 'host': '::1', 'port': 80, 'path': 'p', 'query': {'q': 'a b'}}},
            'https://[::1]:80/p?q=a+b',
        ),
        ({'yaql': {'expression': '$.data.l.select($ * 2)', 'data': {'l': [1, 2]}}}, [2, 4]),
        ({'if': ['yes', 1, 2]}, 1),
        ({'if': ['no', 1, 2]}, 2),
        ({'if': [{'not': 'no'}, 1, 2]}, 1),
        ([{'if': ['no', 1]}, {'k': {'if': ['no', 1]}, 'l': 2}], [{'l': 2}]),
        ({'get_everything': 1}, {'get_everything': 1}),
        ({'get_param': 'p', 'more': 1}, {'get_param': 'p', 'more': 1}),
    ],
)
def test_value(value: Any, expected: Any) -> None:
    assert hot(value) == expected


@pytest.mark.parametrize(
    ('value', 'sentence'),
    [
        ({'str_replace_strict': {'template': 'x', 'params': {'y': 1}}}, 'were not found in the template: y'),
        (
            {'str_replace_vstrict': {'template': 'y', 'params': {'y': ''}}},
            'undefined or empty value for param y',
        ),
        ({'digest': ['md99', 'x']}, 'Algorithm must be one of'),
        ({'map_merge': 'x'}, 'Incorrect arguments to "map_merge"'),
        ({'map_replace': 'x'}, 'Incorrect arguments to "map_replace"'),
        (
            {'repeat': {'template': 'n%i%', 'for_each': {'%i%': [1]}}},
            r'replace\(\) argument 2 must be str, not int',
        ),
        (
            {'repeat': {'template': 'x', 'for_each': {k: ['v'] * 100 for k in 'abc'}}},
            'would make more than 100000 items',
        ),
        ({'str_split': [',', 'a', 5]}, 'should be between 0 and 0'),
        ({'get_file': 'zz'}, 'No content found in the "files" section for get_file path: zz'),
        ({'list_join': [1, ['a']]}, 'delimiter must be a string'),
        ({'contains': [1, 2]}, 'should be a sequence'),
        ({'make_url': {'scheme': 'x', 'port': 70000, 'host': 'h'}}, 'Invalid URL port'),
    ],
)
def test_refused_when_evaluated(value: Any, sentence: str) -> None:
    with pytest.raises((ValueError, TypeError), match=sentence):
        hot(value)


@pytest.mark.parametrize(
    'value',
    [
        {'get_param': []},
        {'get_resource': ['a']},
        {'get_attr': 'a'},
        {'get_file': []},
        {'if': ['yes', 1, 2, 3]},
        {'if': ['unknown', 1, 2]},
        {'str_replace': {'template': 'x'}},
        {'str_replace': 'x'},
        {'list_join': ['x']},
        {'str_split': ','},
        {'digest': 'md5'},
        {'repeat': {'template': 'x'}},
        {'filter': 'x'},
        {'contains': 'x'},
        {'make_url': {'zz': 1, 'yy': 2}},
        {'resource_facade': 'zz'},
        {'yaql': {'expression': '$.(', 'data': {}}},
        {'Fn::Join': [',', []]},
        {'Ref': 'x'},
    ],
)
def test_refused_when_compiled(value: Any) -> None:
    with pytest.raises(errors.StackValidationFailed, match=r'^outputs\.o\.value\.'):
        compiled(value)


# AWS's own format goes beyond the interface: the classic service accepted most of the rest of
# the format and passed it on as data, so stacks were built wrong. The tables tell what works.
AWS = 'AWSTemplateFormatVersion.2010-09-09'
BEYOND: dict[str, set[str]] = {
    'functions': {'Fn::Cidr', 'Fn::ForEach', 'Fn::GetStackOutput', 'Fn::ImportValue', 'Fn::Length', 'Fn::Sub',
                  'Fn::ToJsonString', 'Fn::Transform'},
    'condition_functions': {'Condition', 'Fn::If', 'Fn::Join', 'Fn::Length', 'Fn::Select', 'Fn::Split',
                            'Fn::Sub', 'Fn::ToJsonString'},
    'rule_functions': {'Fn::Contains', 'Fn::EachMemberEquals', 'Fn::EachMemberIn', 'Fn::RefAll',
                       'Fn::ValueOf', 'Fn::ValueOfAll'},
    'sections': {'Hooks', 'Metadata', 'Rules', 'Transform'},
    'deletion_policies': {'RetainExceptOnCreate'},
    'resource_keys': {'CreationPolicy', 'UpdateReplacePolicy', 'Version'},
    'output_keys': {'Export'},
    'pseudo_parameters': {'AWS::AccountId', 'AWS::NoValue', 'AWS::NotificationARNs', 'AWS::Partition',
                          'AWS::URLSuffix'},
}
# A template with both versions is refused as ambiguous.
BEHIND = {'sections': {'HeatTemplateFormatVersion'}}
# Real base64 is no placeholder.
REWORDED = {'Fn::Base64': 'A function for converting to base64.'}


def test_the_table_of_aws_holds_the_interface_and_what_goes_beyond() -> None:
    row, known = versions.table()[AWS], DATA['versions'][AWS]
    for part, more in BEYOND.items():
        assert set(getattr(row, part)) == (set(known.get(part, ())) - BEHIND.get(part, set())) | more, part
    assert set(known['parameter_types']) < set(row.parameter_types)
    assert row.parameter_keys == tuple(known['parameter_keys']) and row.aliases == ()
    assert sorted(row.parameter_constraints) == known['parameter_constraints']


@pytest.mark.parametrize('version', sorted(set(versions.table()) - {AWS}))
def test_tables_of_names_are_those_of_the_interface(version: str) -> None:
    row, known = versions.table()[version], DATA['versions'][version]
    assert dict(row.functions) == known['functions']
    assert dict(row.condition_functions) == known['condition_functions']
    assert sorted(row.removed) == known['functions_removed']
    assert sorted(row.sections) == sorted(known['sections'])
    assert dict(row.deletion_policies) == known['deletion_policies']
    for part in (
        'resource_keys',
        'output_keys',
        'parameter_keys',
        'parameter_types',
        'aliases',
        'pseudo_parameters',
        'parameter_constraints',
    ):
        assert sorted(getattr(row, part)) == sorted(known[part]), part


def test_the_versions_call_answers_as_recorded() -> None:
    assert versions.versions() == DATA['template_versions']


@pytest.mark.parametrize('case', sorted(DATA['template_functions']))
def test_the_functions_call_answers_as_recorded(case: str) -> None:
    conditions = case.endswith(' with conditions')
    name = 'heat_template_version.queens' if case == 'an alias' else case.removesuffix(' with conditions')
    shown = {f['functions']: f['description'] for f in versions.functions(name, conditions)}
    expected = dict(DATA['template_functions'][case])
    if name == AWS:
        more = set(BEYOND['functions'])
        if conditions:
            more |= BEYOND['condition_functions'] | BEYOND['rule_functions']
        assert set(shown) == {*expected, *more}
        shown = {function: text for function, text in shown.items() if function in expected}
        expected |= REWORDED
    assert shown == expected


@pytest.mark.parametrize('name', ['zz', '2013-05-23', 'heat_template_version.zz'])
def test_functions_of_an_unknown_version(name: str) -> None:
    with pytest.raises(errors.NotFound, match=f'^Template with version {name} not found$'):
        versions.functions(name)


@pytest.mark.parametrize(
    ('version', 'value', 'expected'),
    [
        ('2013-05-23', {'Fn::Join': [',', ['a', 'b']]}, 'a,b'),
        ('2014-10-16', {'Fn::Select': ['1', ['a', 'b']]}, 'b'),
        ('2013-05-23', {'yaql': {'expression': '1', 'data': {}}}, {'yaql': {'expression': '1', 'data': {}}}),
        ('2015-04-30', {'if': ['yes', 1, 2]}, {'if': ['yes', 1, 2]}),
    ],
)
def test_older_versions(version: str, value: Any, expected: Any) -> None:
    assert hot(value, version) == expected


@pytest.mark.parametrize(
    ('version', 'value'),
    [
        ('2013-05-23', {'get_attr': ['a']}),
        ('2013-05-23', {'list_join': [',', ['a'], ['b']]}),
        ('2018-08-31', {'if': ['yes', 1]}),
        ('2014-10-16', {'Fn::Join': [',', ['a']]}),
        ('2016-10-14', {'repeat': {'template': 'x', 'for_each': {'x': []}, 'permutations': False}}),
    ],
)
def test_what_older_versions_refuse(version: str, value: Any) -> None:
    with pytest.raises(errors.StackValidationFailed):
        compiled(value, version)


@pytest.mark.parametrize(
    ('version', 'value'),
    [
        ('2013-05-23', {'str_replace': {'template': 'a', 'params': {'a': [1]}}}),
        ('2013-05-23', {'list_join': [',', [1]]}),
        ('2015-04-30', {'repeat': {'template': '%i%', 'for_each': {'%i%': {'x': 1}}}}),
    ],
)
def test_what_older_versions_cannot_evaluate(version: str, value: Any) -> None:
    with pytest.raises(TypeError):
        hot(value, version)


@pytest.mark.parametrize(
    ('value', 'expected'),
    [
        ({'Ref': 'p'}, 'x'),
        ({'Ref': 'A'}, 'id-of-A'),
        ({'Fn::GetAtt': ['A', 'output']}, 'o'),
        ({'Fn::Join': ['', ['a', {'Ref': 'p'}]]}, 'ax'),
        ({'Fn::Select': ['k', {'k': 'v'}]}, 'v'),
        ({'Fn::Select': ['9', ['a']]}, ''),
        ({'Fn::Split': [';', 'a;b']}, ['a', 'b']),
        ({'Fn::Replace': [{'$x': 'y'}, 'a $x']}, 'a y'),
        ({'Fn::Base64': 'text'}, 'text'),
        ({'Fn::FindInMap': ['M', 'a', 'b']}, 'c'),
        ({'Fn::GetAZs': ''}, ['nova', 'two']),
        ({'Fn::MemberListToMap': ['N', 'V', ['.member.0.N=a', '.member.0.V=b']]}, {'a': 'b'}),
        ({'Fn::ResourceFacade': 'DeletionPolicy'}, 'Retain'),
    ],
)
def test_cfn_value(value: Any, expected: Any) -> None:
    assert cfn(value, Mappings={'M': {'a': {'b': 'c'}}}) == expected


def test_every_function_gives_what_was_recorded() -> None:
    case = DATA['every_function']
    template = compile_template(case['template'])
    facts = pseudo_parameters('hot', None) | {'OS::stack_name': 'gold-fn'}
    parameters = bind(template.parameters, {}, {}, facts)
    scope = NullScope({n: parameters.value(n) for n in parameters.names()}, case['files'])
    settled = template.settle(scope)
    for name, known in case['outputs'].items():
        if 'output_error' in known:
            with pytest.raises(TypeError) as caught:
                settled.outputs[name].value.value(scope)
            assert str(caught.value) == known['output_error']
        elif '<' not in str(known['output_value']):
            assert settled.outputs[name].value.value(scope) == known['output_value'], name


@given(st.sampled_from(['a', 'bb', 'c', '$x']), st.text(max_size=20))
def test_unknown_arguments_give_an_unknown_value(name: str, text: str) -> None:
    value = compiled({'str_replace': {'template': text, 'params': {name: {'get_attr': ['a', 'output']}}}})
    assert value.value(NullScope({})) is UNKNOWN


def test_unknown_stays_at_its_place_in_lists_and_maps() -> None:
    value = compiled({'k': [1, {'get_resource': 'a'}], 'm': {'map_merge': [{'x': {'get_resource': 'a'}}]}})
    assert value.value(NullScope({})) == {'k': [1, UNKNOWN], 'm': {'x': UNKNOWN}}


def test_needs_are_known_without_evaluation() -> None:
    value = compiled(
        {
            'if': [
                'yes',
                {'get_attr': ['a', 'output', 'k', {'get_param': 'p'}]},
                {'list_join': [',', [{'get_resource': 'b'}, {'get_attr': ['c']}]]},
            ]
        }
    )
    assert value.refs() == {Ref('a', 'output', ('k',)), Ref('b', kind='reference'), Ref('c')}
    assert value.parameters() == {'p'}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(alphabet='xyz', max_size=3), inner, max_size=3)
        ),
        max_leaves=20,
    )
)
def test_plain_data_is_its_own_value(tree: Any) -> None:
    assert hot(tree) == tree
