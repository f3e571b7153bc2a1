"""Parameters of AWS's own template format: types, values kept as text, things in the cloud, stored values."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common import errors
from heat.common.ids import StackId
from heat.schema.kinds import UNKNOWN
from heat.schema.parameters import Parameters, ParameterSchema, bind, pseudo_parameters, store_keys
from heat.schema.parameters_aws import AWS_TYPES
from heat.template.hot import compile_template

IDENTITY = StackId('tenant', 'web', 'some-id')
THINGS = {
    'AWS::EC2::Image::Id': 'glance.image', 'AWS::EC2::Instance::Id': 'nova.server',
    'AWS::EC2::KeyPair::KeyName': 'nova.keypair',
    'AWS::EC2::SecurityGroup::GroupName': 'neutron.security_group',
    'AWS::EC2::SecurityGroup::Id': 'neutron.security_group', 'AWS::EC2::Subnet::Id': 'neutron.subnet',
    'AWS::EC2::VPC::Id': 'neutron.network', 'AWS::EC2::Volume::Id': 'cinder.volume',
    'AWS::Route53::HostedZone::Id': 'designate.zone'}


def schemas(parameters: dict[str, Any]) -> dict[str, ParameterSchema]:
    return dict(compile_template({'Parameters': parameters, 'Resources': {}}).parameters)


def bound(declared: dict[str, Any], given: dict[str, Any] | None = None, **options: Any) -> Parameters:
    return bind(schemas(declared), given or {}, {}, pseudo_parameters('aws', IDENTITY), **options)


@pytest.mark.parametrize(
    ('kind', 'raw', 'value', 'text'),
    [
        ('String', 'x', 'x', 'x'),
        ('String', 5, '5', '5'),
        ('String', True, 'true', 'true'),
        ('String', '', '', ''),
        ('Number', 3, '3', '3'),
        ('Number', '3.50', '3.50', '3.50'),
        ('Number', '-1', '-1', '-1'),
        ('CommaDelimitedList', 'a, b,c ', ['a', 'b', 'c'], 'a,b,c'),
        ('CommaDelimitedList', ['a', 1], ['a', '1'], 'a,1'),
        ('CommaDelimitedList', '', [], ''),
        ('List<Number>', '1, 2.0', ['1', '2.0'], '1,2.0'),
        ('List<String>', 'a,b', ['a', 'b'], 'a,b'),
        ('AWS::EC2::AvailabilityZone::Name', 'nova', 'nova', 'nova'),
        ('List<AWS::EC2::AvailabilityZone::Name>', 'nova,two', ['nova', 'two'], 'nova,two'),
        ('AWS::EC2::Subnet::Id', 'net', 'net', 'net'),
        ('List<AWS::EC2::Subnet::Id>', 'a,b', ['a', 'b'], 'a,b'),
        ('AWS::SSM::Parameter::Name', '/a/b', '/a/b', '/a/b'),
        ('Json', '{"k": 1}', {'k': 1}, '{"k": 1}'),
        ('Boolean', 'yes', True, 'True'),
    ],
)
def test_value_and_text(kind: str, raw: Any, value: Any, text: str) -> None:
    parameters = bound({'P': {'Type': kind}}, {'P': raw})
    assert parameters.value('P') == value and type(parameters.value('P')) is type(value)
    assert parameters.text('P') == text
    assert parameters.validation_form()['P']['Type'] == kind


@pytest.mark.parametrize('kind', AWS_TYPES)
def test_every_type_is_known(kind: str) -> None:
    schema = schemas({'P': {'Type': kind}})['P']
    assert (schema.shown_type, schema.required) == (kind, True)
    assert schema.stored == kind.startswith('AWS::SSM::Parameter::Value<')


@pytest.mark.parametrize(
    ('declared', 'raw', 'sentence'),
    [
        ({'Type': 'Number'}, 'big', "could not convert string to float: 'big'"),
        ({'Type': 'List<Number>'}, '1,x', "could not convert string to float: 'x'"),
        ({'Type': 'String'}, {'k': 1}, 'a text is expected, not a map'),
        ({'Type': 'String'}, ['k'], 'a text is expected, not a list'),
        ({'Type': 'String'}, 'x' * 4097, 'it is longer than 4096 bytes'),
        ({'Type': 'String', 'AllowedValues': ['a', 1]}, 'b', '"b" is not an allowed value ["a", 1]'),
        ({'Type': 'CommaDelimitedList', 'AllowedValues': ['a', 'b']}, 'a,c',
         '"c" is not an allowed value ["a", "b"]'),
        ({'Type': 'String', 'AllowedPattern': '[a-z]+'}, 'ab1', '"ab1" does not match pattern "[a-z]+"'),
        ({'Type': 'String', 'AllowedPattern': '[a-z]'}, 'ab', '"ab" does not match pattern "[a-z]"'),
        ({'Type': 'CommaDelimitedList', 'AllowedPattern': '[a-z]+'}, 'a,1',
         '"1" does not match pattern "[a-z]+"'),
        ({'Type': 'String', 'AllowedPattern': '[a-z]', 'ConstraintDescription': 'one letter'}, 'ab',
         'one letter'),
        ({'Type': 'Number', 'MinValue': 1, 'MaxValue': '9'}, 10, '10 is out of range (min: 1, max: 9)'),
        ({'Type': 'List<Number>', 'MaxValue': '9'}, '1,10', '10 is out of range (min: None, max: 9)'),
        ({'Type': 'String', 'MinLength': '2'}, 'a', 'length (1) is out of range (min: 2, max: None)'),
    ],
)
def test_refused_values(declared: dict[str, Any], raw: Any, sentence: str) -> None:
    with pytest.raises(errors.StackValidationFailed) as caught:
        bound({'P': declared}, {'P': raw})
    assert str(caught.value) == f"Parameter 'P' is invalid: {sentence}"


@pytest.mark.parametrize(
    ('name', 'declared', 'sentence'),
    [
        ('a_b', {'Type': 'String'},
         "The name of parameter 'a_b' must be alphanumeric, of at most 255 characters"),
        ('P', 'String', 'Invalid parameter (P), expected a mapping'),
        ('P', {}, 'Missing parameter type for parameter: P'),
        ('P', {'Type': 'Strng'}, 'Invalid type (Strng). Did you mean String?'),
        ('P', {'Type': ['String']}, "Invalid type (['String'])"),
        ('P', {'Type': 'List<AWS::EC2::KeyPair::KeyName>'},
         'Invalid type (List<AWS::EC2::KeyPair::KeyName>). Did you mean AWS::EC2::KeyPair::KeyName?'),
        ('P', {'Type': 'String', 'Defualt': 'x'},
         "Invalid key 'Defualt' for parameter (P). Did you mean Default?"),
        ('P', {'Type': 'String', 'MinValue': 1},
         "Parameter 'P' is invalid: MinValue constraint invalid for String"),
        ('P', {'Type': 'Number', 'MaxLength': 1},
         "Parameter 'P' is invalid: MaxLength constraint invalid for Number"),
        ('P', {'Type': 'String', 'MaxLength': 'x'},
         "Parameter 'P' is invalid: MaxLength must be a whole number, not \"x\""),
        ('P', {'Type': 'String', 'AllowedValues': 'x'},
         "Parameter 'P' is invalid: AllowedValues must be a list"),
        ('P', {'Type': 'String', 'AllowedPattern': 5},
         "Parameter 'P' is invalid: AllowedPattern must be a string"),
        ('P', {'Type': 'String', 'AllowedPattern': '['},
         "Parameter 'P' is invalid: \"[\" is not a regular expression: unterminated character set at "
         'position 1'),
        ('P', {'Type': 'String', 'NoEcho': 'perhaps'},
         "Parameter 'P' is invalid: NoEcho must be true or false, not perhaps"),
        ('P', {'Type': 'String', 'Description': 5}, "Parameter 'P' is invalid: Description must be a string"),
        ('P', {'Type': 'String', 'Description': 'x' * 4001},
         "Parameter 'P' is invalid: Description is longer than 4000 bytes"),
        ('P', {'Type': 'String', 'Default': 'x', 'MinLength': 2},
         "Parameter 'P' is invalid: Invalid default x (length (1) is out of range (min: 2, max: None))"),
        ('P', {'Type': 'Number', 'Default': 'x'},
         "Parameter 'P' is invalid: Invalid default x (could not convert string to float: 'x')"),
    ],
)
def test_refused_schemas(name: str, declared: Any, sentence: str) -> None:
    with pytest.raises(errors.InvalidSchemaError) as caught:
        schemas({name: declared})
    assert str(caught.value) == sentence


def test_hidden_values_are_in_no_text_and_no_sentence() -> None:
    declared = {'P': {'Type': 'String', 'NoEcho': 'true', 'MinLength': 9}}
    assert bound({'P': {'Type': 'CommaDelimitedList', 'NoEcho': True}}, {'P': 'tops'}).text('P') == '******'
    with pytest.raises(errors.StackValidationFailed) as caught:
        bound(declared, {'P': 'tops'})
    assert 'tops' not in str(caught.value)


@pytest.mark.parametrize('kind', sorted(THINGS))
def test_types_that_name_things_in_the_cloud(kind: str) -> None:
    def checks(declared: dict[str, Any], raw: str, **options: Any) -> list[tuple[str, str, Any]]:
        made = bound({'P': declared}, {'P': raw}, **options)
        return [(name, one.name, value) for name, one, value in made.cloud_checks()]

    assert checks({'Type': kind}, 'x') == [('P', THINGS[kind], 'x')]
    assert checks({'Type': kind}, '') == []
    stored = {'Type': f'AWS::SSM::Parameter::Value<{kind}>'}
    assert checks(stored, '/k', resolved={'/k': 'y'}) == [('P', THINGS[kind], 'y')]
    assert checks(stored, '/k', strict=False) == []
    if kind != 'AWS::EC2::KeyPair::KeyName':
        assert checks({'Type': f'List<{kind}>'}, 'x,y') == [('P', THINGS[kind], one) for one in 'xy']


def test_stored_values() -> None:
    declared = {
        'One': {'Type': 'AWS::SSM::Parameter::Value<String>', 'Default': '/a'},
        'Many': {'Type': 'AWS::SSM::Parameter::Value<List<String>>', 'AllowedPattern': '/[a-z]+'},
        'Plain': {'Type': 'AWS::SSM::Parameter::Name', 'Default': '/c'}}
    assert store_keys(schemas(declared), {'Many': '/b'}, {}) == {'One': '/a', 'Many': '/b'}
    made = bound(declared, {'Many': '/b'}, resolved={'/a': 'va', '/b': 'x, y'})
    assert made.store_keys() == {'One': '/a', 'Many': '/b'}
    assert [made.value(name) for name in declared] == ['va', ['x', 'y'], '/c']
    assert [made.text(name) for name in declared] == ['/a', '/b', '/c']
    assert [made.resolved_text(name) for name in declared] == ['va', 'x,y', None]
    assert made.validation_form()['Many']['Value'] == '/b'


def test_stored_values_that_are_not_there() -> None:
    declared = {'P': {'Type': 'AWS::SSM::Parameter::Value<List<Number>>', 'Default': '/a'}}
    for resolved in (None, {}, {'/b': 1}):
        with pytest.raises(errors.StackValidationFailed) as caught:
            bound(declared, resolved=resolved)
        assert str(caught.value) == "Parameter 'P' is invalid: the parameter store holds no /a"
    with pytest.raises(errors.StackValidationFailed, match='could not convert'):
        bound(declared, resolved={'/a': '1,x'})
    lenient = bound(declared, strict=False)
    assert (lenient.value('P'), lenient.text('P'), lenient.resolved_text('P')) == (UNKNOWN, '/a', None)


def test_pseudo_parameters() -> None:
    facts = pseudo_parameters('aws', IDENTITY, 'RegionOne', partition='aws', url_suffix='cloud.example',
                              notification_arns=['t1', 't2'])
    assert facts == {
        'AWS::AccountId': 'tenant', 'AWS::NotificationARNs': ['t1', 't2'], 'AWS::Partition': 'aws',
        'AWS::Region': 'RegionOne', 'AWS::StackId': 'arn:openstack:heat::tenant:stacks/web/some-id',
        'AWS::StackName': 'web', 'AWS::URLSuffix': 'cloud.example'}
    assert bind({}, {}, {}, facts).texts()['AWS::NotificationARNs'] == 't1,t2'
    assert bind({}, {'AWS::Region': 'RegionOne'}, {}, facts).value('AWS::Region') == 'RegionOne'
    with pytest.raises(errors.StackValidationFailed):
        bind({}, {'AWS::Region': 'the-moon'}, {}, facts)
    assert pseudo_parameters('aws', None)['AWS::AccountId'] is UNKNOWN


def test_there_is_no_limit_of_aws_on_the_number_of_parameters() -> None:
    assert len(schemas({f'P{number}': {'Type': 'String'} for number in range(300)})) == 300
