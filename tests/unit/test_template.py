"""Templates as a whole: sections, definitions, conditions, references, recorded answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from heat.common import errors
from heat.schema.kinds import UNKNOWN
from heat.schema.parameters import bind, pseudo_parameters
from heat.template.checks import check_attributes, check_references
from heat.template.definition import Template
from heat.template.expr import NullScope, ParameterScope, Ref
from heat.template.hot import compile_template
from heat.template.load import parse
from heat.template.validation import validation

CASES = {
    case['name']: case
    for case in json.loads((Path(__file__).parent.parent / 'data' / 'templates.json').read_text())['validate']
}

# Judged by other rooms: types, properties, cycles and nested templates.
ELSEWHERE = {
    'unknown type',
    'type of an absent service',
    'unknown property',
    'circular dependency',
    'circular by get_attr',
    'depends on itself',
    'update_policy of a type without',
    'update_policy unknown key',
    'nested template missing',
}
# Decided otherwise: a sentence instead of Python's own words or a crash, a key written twice is
# refused with its line, and a Ref to nothing is refused like any other reference.
_TWICE = 'Error parsing template [root stack] while constructing a mapping'
DECIDED = {
    'resources is a list': '"resources" must contain a map of resource maps. Found a [list] instead',
    'outputs is a list': '"outputs" must contain a map of output maps. Found a [list] instead',
    'parameters is a list': '"parameters" must contain a map of parameter maps. Found a [list] instead',
    'parameter pattern broken': 'Parameter \'p\' is invalid: "[" is not a regular expression: unterminated '
    'character set at position 1',
    'CFN Ref unknown': 'The specified reference "Z" (in A.Properties.value) is incorrect.',
    'duplicated parameter (YAML keeps the last)': _TWICE,
    'duplicated resource (YAML keeps the last)': _TWICE,
}


def answer(case: dict[str, Any]) -> dict[str, Any]:
    tree = parse(case['template']) if isinstance(case['template'], str) else case['template']
    template = compile_template(tree)
    parameters = bind(
        template.parameters, case['parameters'], {}, pseudo_parameters(template.dialect, None), strict=False
    )
    settled = template.settle(ParameterScope(parameters, lenient=True))
    check_references(settled)
    check_attributes(settled, lambda name: ('output', 'value'))
    return validation(template, parameters)


@pytest.mark.parametrize('name', sorted(set(CASES) - ELSEWHERE))
def test_validation_answers_as_recorded(name: str) -> None:
    case = CASES[name]
    if name not in DECIDED and 'answer' in case:
        assert answer(case) == case['answer']
        return
    with pytest.raises(errors.HeatException) as caught:
        answer(case)
    expected = DECIDED.get(name) or case['message'].removeprefix('Template not in valid format: ')
    # Further faults follow on lines of their own.
    assert (str(caught.value) + '\n').startswith(expected + '\n')


def hot(resources: dict[str, Any] | None = None, version: str = '2021-04-16', **sections: Any) -> Template:
    return compile_template({'heat_template_version': version, 'resources': resources or {}, **sections})


def test_a_definition() -> None:
    template = hot(
        {
            'a': {
                'type': 'T',
                'properties': {'p': {'get_resource': 'b'}},
                'metadata': {'m': {'get_attr': ['c', 'x']}},
                'depends_on': ['d', 'd'],
                'deletion_policy': 'retain',
                'update_policy': {'u': {'get_attr': ['e']}},
                'external_id': {'get_param': 'q'},
                'description': 'text',
            }
        }
    )
    a = template.resources['a']
    assert (a.name, a.type, a.depends_on, a.deletion_policy, a.description) == (
        'a',
        'T',
        ('d',),
        'Retain',
        'text',
    )
    assert a.refs() == {Ref('b', kind='reference'), Ref('c', 'x'), Ref('e')}
    assert a.requires() == {'b', 'c', 'd', 'e'}
    assert a.external_id is not None and a.external_id.parameters() == {'q'}
    assert (template.version, template.dialect, template.description) == (
        '2021-04-16',
        'hot',
        'No description',
    )


def test_a_cfn_template() -> None:
    template = compile_template(
        {
            'AWSTemplateFormatVersion': '2010-09-09',
            'Description': 'd',
            'Parameters': {'P': {'Type': 'String'}},
            'Conditions': {'C': {'Fn::Equals': [{'Ref': 'P'}, 'x']}},
            'Resources': {
                'A': {
                    'Type': 'T',
                    'Properties': {'k': {'Fn::GetAtt': ['B', 'out']}},
                    'Condition': 'C',
                    'DependsOn': 'B',
                    'DeletionPolicy': 'Snapshot',
                },
                'B': {'Type': 'T'},
            },
            'Outputs': {'O': {'Value': {'Ref': 'A'}, 'Description': 'o'}},
        }
    )
    assert template.dialect == 'aws' and template.resources['A'].deletion_policy == 'Snapshot'
    assert set(template.settle(NullScope({'P': 'x'})).resources) == {'A', 'B'}
    assert set(template.settle(NullScope({'P': 'y'})).resources) == {'B'}


def test_the_older_cfn_format_lets_unknown_keys_of_resources_pass() -> None:
    template = compile_template(
        {
            'HeatTemplateFormatVersion': '2012-12-12',
            'Resources': {'a_b': {'Type': 'T', 'Whatever': 1, 'Properties': {'k': {'Fn::Nothing': 1}}}},
        }
    )
    assert template.dialect == 'cfn'
    assert template.resources['a_b'].properties.value(NullScope()) == {'k': {'Fn::Nothing': 1}}


def test_settling_takes_disabled_resources_and_untaken_branches_away() -> None:
    template = hot(
        {
            'on': {
                'type': 'T',
                'condition': 'yes',
                'depends_on': 'off',
                'properties': {
                    'v': {'if': ['yes', {'get_attr': ['c', 'x']}, {'get_resource': 'off'}]},
                    'w': {'list_join': [',', ['a', {'get_param': 'p'}]]},
                    'gone': {'if': [{'not': 'yes'}, 1]},
                },
            },
            'off': {'type': 'T', 'condition': {'not': 'yes'}},
            'c': {'type': 'T'},
        },
        parameters={'p': {'type': 'string'}},
        conditions={'yes': {'equals': [{'get_param': 'p'}, 'x']}},
        outputs={'o': {'value': 1, 'condition': 'yes'}, 'n': {'value': 2, 'condition': {'not': 'yes'}}},
    )
    settled = template.settle(NullScope({'p': 'x'}))
    assert set(settled.resources) == {'on', 'c'}
    assert settled.resources['on'].requires() == {'c'}
    assert settled.resources['on'].properties.value(NullScope()) == {'v': UNKNOWN, 'w': 'a,x'}
    assert [settled.outputs[name].value.value(NullScope()) for name in 'on'] == [1, None]
    check_references(settled)
    assert template.condition_values(NullScope({'p': 'y'})) == {'yes': False}


def test_unknown_parameters_keep_both_branches() -> None:
    template = hot(
        {
            'a': {
                'type': 'T',
                'condition': 'c',
                'properties': {'v': {'if': ['c', {'get_resource': 'x'}, {'get_resource': 'y'}]}},
            },
            'x': {'type': 'T'},
            'y': {'type': 'T'},
        },
        conditions={'c': {'get_param': 'p'}},
        parameters={'p': {'type': 'boolean'}},
    )
    assert template.settle(NullScope()).resources['a'].requires() == {'x', 'y'}


def test_settling_makes_names_of_references_exact() -> None:
    template = hot(
        {
            'a': {
                'type': 'T',
                'properties': {
                    'v': {'get_attr': [{'get_param': 'r'}, {'get_param': 'at'}, {'get_param': 'k'}]}
                },
            },
            'b': {'type': 'T'},
        },
        parameters={n: {'type': 'string'} for n in ('r', 'at', 'k')},
    )
    assert template.resources['a'].refs() == frozenset()
    settled = template.settle(NullScope({'r': 'b', 'at': 'out', 'k': 'key'}))
    assert settled.resources['a'].refs() == {Ref('b', 'out', ('key',))}
    assert settled.refs_to('b') == {'out'} and settled.refs_to('a') == frozenset()


def test_a_condition_must_be_a_boolean_and_no_circle() -> None:
    with pytest.raises(
        errors.StackValidationFailed, match=r'^conditions\.c: The condition value should be boolean'
    ):
        hot(conditions={'c': {'get_param': 'p'}}).settle(NullScope({'p': 'text'}))
    with pytest.raises(errors.StackValidationFailed, match=r'^Circular definition for condition "c"$'):
        hot(conditions={'c': {'not': 'd'}, 'd': {'not': 'c'}}).settle(NullScope())


def test_a_refused_function_is_kept_until_it_is_evaluated() -> None:
    template = hot({'a': {'type': 'T', 'properties': {'v': {'digest': ['md99', 'x']}}}}).settle(NullScope({}))
    with pytest.raises(ValueError, match='Algorithm must be one of'):
        template.resources['a'].properties.value(NullScope())


def test_the_deletion_policy_of_the_parent() -> None:
    template = hot({'a': {'type': 'T', 'deletion_policy': {'resource_facade': 'deletion_policy'}}})

    class Nested(NullScope):
        def facade(self, kind: str) -> Any:
            return 'retain'

    assert template.settle(Nested()).resources['a'].deletion_policy == 'Retain'
    assert template.settle(NullScope()).resources['a'].deletion_policy == 'Delete'


@pytest.mark.parametrize(
    ('properties', 'place'),
    [
        ({'v': {'get_resource': 'zz'}}, 'a.Properties.v'),
        ({'v': [1, {'k': {'get_attr': ['zz', 'x']}}]}, 'a.Properties.v[1].k'),
        ({'v': {'list_join': ['', [{'get_resource': 'zz'}]]}}, 'a.Properties.v.list_join[1][0]'),
    ],
)
def test_references_to_nothing(properties: dict[str, Any], place: str) -> None:
    with pytest.raises(errors.InvalidTemplateReference) as caught:
        check_references(hot({'a': {'type': 'T', 'properties': properties}}))
    assert str(caught.value) == f'The specified reference "zz" (in {place}) is incorrect.'


def test_an_output_may_name_what_is_not_there_but_not_read_it() -> None:
    check_references(hot(outputs={'o': {'value': {'get_resource': 'zz'}}}))
    with pytest.raises(errors.InvalidTemplateReference):
        check_references(hot(outputs={'o': {'value': {'get_attr': ['zz', 'x']}}}))


def test_all_faults_are_told_at_once_the_first_first() -> None:
    with pytest.raises(errors.StackValidationFailed) as caught:
        hot(
            {
                'a': {'type': 5},
                'b': {'type': 'T', 'properties': [1]},
                'c/d': {'type': 'T'},
                'e': {'type': 'T', 'properties': {'v': {'get_attr': []}}},
            }
        )
    assert str(caught.value).splitlines() == [
        'Resource a type type must be string',
        'Resource b properties type must be object',
        'Resource name may not contain "/"',
        'resources.e.properties.v.get_attr: Arguments to "get_attr" can be of the next forms: '
        '[resource_name] or [resource_name, attribute, (path), ...]',
    ]


def test_the_tree_is_kept_as_it_was() -> None:
    tree = {
        'heat_template_version': 'wallaby',
        'resources': {'a': {'type': 'T', 'properties': {'v': [{'get_param': 'p'}, {'plain': [1]}]}}},
    }
    before = json.dumps(tree)
    template = compile_template(tree)
    template.settle(NullScope({'p': 1}))
    assert json.dumps(tree) == before and template.raw is tree and template.version == '2021-04-16'


def test_deep_trees_are_refused() -> None:
    value: Any = 'x'
    for _ in range(3000):
        value = {'list_join': ['', [value]]}
    with pytest.raises(errors.StackValidationFailed, match='nested deeper'):
        hot(outputs={'o': {'value': value}})
