"""Parameters: schemas, values, their text forms, and the sentences of refusals."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common import errors
from heat.common.ids import StackId
from heat.schema.kinds import UNKNOWN
from heat.schema.parameters import Parameters, ParameterSchema, bind, check_immutable, pseudo_parameters
from heat.template.hot import compile_template

IDENTITY = StackId('tenant', 'web', 'some-id')


def schemas(parameters: dict[str, Any], version: str = '2021-04-16') -> dict[str, ParameterSchema]:
    return dict(compile_template({'heat_template_version': version, 'parameters': parameters}).parameters)


def bound(
    declared: dict[str, Any], given: dict[str, Any] | None = None, defaults: dict[str, Any] | None = None
) -> Parameters:
    return bind(schemas(declared), given or {}, defaults or {}, pseudo_parameters('hot', IDENTITY))


@pytest.mark.parametrize(
    ('kind', 'raw', 'value', 'text'),
    [
        ('string', 'x', 'x', 'x'),
        ('string', 5, '5', '5'),
        ('string', '', '', ''),
        ('number', '3', 3, '3'),
        ('number', 3, 3, '3'),
        ('number', '3.5', 3.5, '3.5'),
        ('comma_delimited_list', 'a, b', ['a', 'b'], 'a,b'),
        ('comma_delimited_list', ['a', 1], ['a', 1], 'a,1'),
        ('comma_delimited_list', '', [], ''),
        ('json', '{"k": "v"}', {'k': 'v'}, '{"k": "v"}'),
        ('json', {'k': [1]}, {'k': [1]}, '{"k": [1]}'),
        ('boolean', 'yes', True, 'True'),
        ('boolean', False, False, 'False'),
        ('boolean', 0, False, 'False'),
        ('boolean', 'T', True, 'True'),
    ],
)
def test_value_and_text(kind: str, raw: Any, value: Any, text: str) -> None:
    parameters = bound({'p': {'type': kind}}, {'p': raw})
    assert parameters.value('p') == value and type(parameters.value('p')) is type(value)
    assert parameters.text('p') == text


@pytest.mark.parametrize(
    ('declared', 'raw', 'sentence'),
    [
        (
            {'type': 'string', 'constraints': [{'allowed_values': ['red', 'green', 'blue']}]},
            'pink',
            '"pink" is not an allowed value ["red", "green", "blue"]',
        ),
        ({'type': 'number'}, 'big', "could not convert string to float: 'big'"),
        ({'type': 'number'}, 'nan', 'nan is not a finite number'),
        (
            {'type': 'boolean'},
            'maybe',
            "Unrecognized value 'maybe', acceptable values are: '0', '1', 'f', 'false', "
            "'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'",
        ),
        (
            {'type': 'json'},
            '{',
            'Value must be valid JSON: Expecting property name enclosed in double quotes: '
            'line 1 column 2 (char 1)',
        ),
        (
            {'type': 'number', 'constraints': [{'modulo': {'step': 2, 'offset': 1}}]},
            4,
            '4 is not a multiple of 2 with an offset of 1',
        ),
    ],
)
def test_refused_values(declared: dict[str, Any], raw: Any, sentence: str) -> None:
    with pytest.raises(errors.StackValidationFailed) as caught:
        bound({'p': declared}, {'p': raw})
    assert str(caught.value) == f"Parameter 'p' is invalid: {sentence}"


def test_a_hidden_value_is_in_no_sentence() -> None:
    with pytest.raises(errors.StackValidationFailed) as caught:
        bound(
            {
                'p': {
                    'type': 'string',
                    'hidden': True,
                    'constraints': [{'length': {'min': 9}}, {'allowed_pattern': 'x'}],
                }
            },
            {'p': 'tops'},
        )
    assert 'tops' not in str(caught.value)


def test_missing_and_unknown() -> None:
    with pytest.raises(errors.UserParameterMissing, match=r'^The Parameter \(p\) was not provided\.$'):
        bound({'p': {'type': 'string'}})
    with pytest.raises(
        errors.UnknownUserParameter, match=r'^The Parameter \(x\) was not defined in template\.$'
    ):
        bound({}, {'x': 1})
    with pytest.raises(errors.UserParameterMissing):
        bound({}).value('zz')


def test_what_is_given_beats_defaults_of_the_environment_and_these_the_schema() -> None:
    declared = {n: {'type': 'string', 'default': 'schema'} for n in 'abc'}
    parameters = bound(declared, {'a': 'given'}, {'a': 'env', 'b': 'env', 'other': 1})
    assert [parameters.value(n) for n in 'abc'] == ['given', 'env', 'schema']


def test_texts_are_those_of_stack_show() -> None:
    declared = {
        'color': {'type': 'string', 'default': 'blue'},
        'flag': {'type': 'boolean', 'default': True},
        'items': {'type': 'comma_delimited_list', 'default': 'a,b'},
        'map': {'type': 'json', 'default': {'k': 'v'}},
        'size': {'type': 'number', 'default': 4},
        'secret': {'type': 'string', 'default': 'hush', 'hidden': True},
    }
    assert bound(declared).texts() == {
        'OS::project_id': 'tenant',
        'OS::stack_id': 'some-id',
        'OS::stack_name': 'web',
        'color': 'blue',
        'flag': 'True',
        'items': 'a,b',
        'map': '{"k": "v"}',
        'secret': '******',
        'size': '4',
    }


def test_pseudo_parameters_of_cfn() -> None:
    facts = pseudo_parameters('cfn', IDENTITY)
    assert facts == {
        'AWS::Region': 'ap-southeast-1',
        'AWS::StackName': 'web',
        'AWS::StackId': 'arn:openstack:heat::tenant:stacks/web/some-id',
    }
    assert bind({}, {'AWS::Region': 'us-east-1'}, {}, facts).value('AWS::Region') == 'us-east-1'
    with pytest.raises(errors.StackValidationFailed):
        bind({}, {'AWS::Region': 'the-moon'}, {}, facts)
    assert pseudo_parameters('hot', None)['OS::stack_id'] is UNKNOWN


@pytest.mark.parametrize(
    ('declared', 'sentence'),
    [
        ({}, 'Missing parameter type for parameter: p'),
        ('string', 'Invalid parameter (p), expected a mapping'),
        ({'type': 'String'}, 'Invalid type (String)'),
        ({'type': 'string', 'bogus': 1}, "Invalid key 'bogus' for parameter (p)"),
        (
            {'type': 'string', 'constraints': {'length': 1}},
            'Invalid parameter constraints for parameter p, expected a list',
        ),
        ({'type': 'string', 'constraints': [{'shape': 1}]}, "Invalid key 'shape' for parameter constraints"),
        (
            {'type': 'string', 'constraints': [{'range': {'min': 1}}]},
            "Parameter 'p' is invalid: Range constraint invalid for string",
        ),
        (
            {'type': 'string', 'default': 'x', 'constraints': [{'length': {'min': 5}}]},
            "Parameter 'p' is invalid: Invalid default x (length (1) is out of range (min: 5, max: None))",
        ),
        (
            {'type': 'string', 'constraints': [{'length': {'least': 5}}]},
            "Invalid key 'least' for length constraint",
        ),
        ({'type': 'string', 'hidden': 'perhaps'}, None),
        ({'type': 'string', 'constraints': [{'allowed_pattern': '['}]}, None),
        ({'type': 'string', 'constraints': [{'description': 'only'}]}, 'No constraint expressed'),
        ({'type': 'string', 'tags': 'x'}, None),
    ],
)
def test_refused_schemas(declared: Any, sentence: str | None) -> None:
    with pytest.raises(errors.InvalidSchemaError) as caught:
        schemas({'p': declared})
    assert sentence is None or str(caught.value) == sentence


@pytest.mark.parametrize(('kind', 'empty', 'given'), [
    ('string', '', 'xxxxx'), ('json', {}, {'a': 1, 'b': 2, 'c': 3, 'd': 4, 'e': 5}),
    ('comma_delimited_list', [], [1, 2, 3, 4, 5])])
def test_an_empty_default_need_not_fit_until_it_is_used(kind: str, empty: Any, given: Any) -> None:
    declared = schemas({'p': {'type': kind, 'default': empty, 'constraints': [{'length': {'min': 5}}]}})
    assert bind(declared, {'p': given}, {}, {}).value('p') == given
    with pytest.raises(errors.StackValidationFailed, match=r"Parameter 'p' is invalid: length \(0\) is"):
        bind(declared, {}, {}, {})


def test_what_older_versions_do_not_know() -> None:
    modulo = {'type': 'number', 'constraints': [{'modulo': {'step': 2, 'offset': 0}}]}
    assert schemas({'p': modulo}, '2017-02-24')
    with pytest.raises(errors.InvalidSchemaError):
        schemas({'p': modulo}, '2016-10-14')
    with pytest.raises(errors.InvalidSchemaError):
        schemas({'p': {'type': 'string', 'tags': ['a']}}, '2017-09-01')


def test_cloud_checks_are_listed_and_pure_ones_made() -> None:
    declared = {
        'n': {'type': 'string', 'default': 'net', 'constraints': [{'custom_constraint': 'neutron.network'}]},
        'i': {'type': 'string', 'constraints': [{'custom_constraint': 'ip_addr'}]},
    }
    parameters = bound(declared, {'i': '10.0.0.1'})
    assert [(n, c.name, v) for n, c, v in parameters.cloud_checks()] == [('n', 'neutron.network', 'net')]
    with pytest.raises(errors.StackValidationFailed):
        bound(declared, {'i': 'nowhere'})


def test_immutable_parameters() -> None:
    declared = {
        'i': {'type': 'string', 'default': 'x', 'immutable': True},
        'f': {'type': 'string', 'default': 'x'},
    }
    check_immutable(bound(declared), bound(declared, {'f': 'y', 'i': 'x'}))
    with pytest.raises(errors.ImmutableParameterModified) as caught:
        check_immutable(bound(declared), bound(declared, {'i': 'y'}))
    assert str(caught.value) == 'The following parameters are immutable and may not be updated: i'


def test_lenient_binding_lets_unfit_and_missing_values_pass() -> None:
    declared = schemas({'p': {'type': 'number'}, 'q': {'type': 'number'}})
    parameters = bind(declared, {'p': 'big'}, {}, {}, strict=False)
    assert parameters.validation_form()['p']['Value'] == 'big'
    assert 'Value' not in parameters.validation_form()['q'] and 'q' not in parameters


def test_half_a_character_in_the_text_of_a_json_parameter_is_refused() -> None:
    with pytest.raises(errors.HeatException, match='half a character'):
        bound({'j': {'type': 'json'}}, {'j': r'{"a": "\ud800"}'})
    assert bound({'j': {'type': 'json'}}, {'j': r'{"a": "\ud83d\ude00"}'}).value('j') == {'a': '\U0001f600'}
