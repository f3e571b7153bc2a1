"""Functions of AWS's own template format: what each gives, and what it refuses with which sentence."""

from __future__ import annotations

import base64
import ipaddress
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heat.common import errors
from heat.schema.kinds import UNKNOWN
from heat.template.expr import OMITTED, NullScope, Ref
from tests.unit.cfn_world import World, compiled, evaluated, expression, values_of

NOTHING = {'Ref': 'AWS::NoValue'}


@pytest.mark.parametrize(
    ('value', 'expected'),
    [
        ({'Ref': 'Name'}, 'x'),
        ({'Ref': 'Count'}, '3'),
        ({'Ref': 'Words'}, ['a', 'b']),
        ({'Ref': 'A'}, 'id-of-A'),
        ({'Ref': 'AWS::Region'}, 'RegionOne'),
        ({'Ref': 'AWS::AccountId'}, 'me'),
        ({'Ref': 'AWS::Partition'}, 'openstack'),
        ({'Ref': 'AWS::URLSuffix'}, 'amazonaws.com'),
        ({'Ref': 'AWS::NotificationARNs'}, []),
        ({'Ref': {'Fn::Join': ['', ['Na', 'me']]}}, 'x'),
        ({'Ref': {'Fn::If': ['No', 'Name', 'B']}}, 'id-of-B'),
        ({'Fn::GetAtt': ['A', 'Arn']}, 'A.Arn'),
        ({'Fn::GetAtt': 'A.Outputs.Url'}, 'A.Outputs.Url'),
        ({'Fn::GetAtt': ['A', 'Outputs.Url']}, 'A.Outputs.Url'),
        ({'Fn::GetAtt': ['A', {'Ref': 'Name'}]}, 'A.x'),
        ({'Fn::GetAtt': [{'Fn::Sub': 'A'}, {'Fn::Join': ['', ['Ar', 'n']]}]}, 'A.Arn'),
        ({'Fn::GetAtt': 'A.List'}, ['n1', 'n2']),
        ({'Fn::Sub': 'a ${Name} b'}, 'a x b'),
        ({'Fn::Sub': '${ Name }${A}${A.Arn}${A.Outputs.Url}'}, 'xid-of-AA.ArnA.Outputs.Url'),
        ({'Fn::Sub': '${AWS::Region}-${AWS::NoValue}-${Count}'}, 'RegionOne--3'),
        ({'Fn::Sub': '${!Name} ${!a ${Name}'}, '${Name} ${a ${Name}'),
        ({'Fn::Sub': ['${Name} ${More}', {'Name': 'own', 'More': {'Fn::GetAtt': 'A.Arn'}}]}, 'own A.Arn'),
        ({'Fn::Sub': ['${a.b}', {'a.b': True}]}, 'true'),
        ({'Fn::Sub': 'no $Name, no ${, no $'}, 'no $Name, no ${, no $'),
        ({'Fn::Sub': '${A.Null}|'}, '|'),
        ({'Fn::Join': ['-', ['a', 1, True, {'Ref': 'A'}, NOTHING]]}, 'a-1-true-id-of-A'),
        ({'Fn::Join': [',', {'Ref': 'Words'}]}, 'a,b'),
        ({'Fn::Join': ['', []]}, ''),
        ({'Fn::Split': ['|', 'a|b||c']}, ['a', 'b', '', 'c']),
        ({'Fn::Split': [',', {'Fn::Join': [',', {'Ref': 'Words'}]}]}, ['a', 'b']),
        ({'Fn::Select': [1, ['a', 'b']]}, 'b'),
        ({'Fn::Select': ['1', {'Ref': 'Words'}]}, 'b'),
        ({'Fn::Select': [0, {'Fn::GetAZs': ''}]}, 'nova'),
        ({'Fn::Select': ['0', {'Fn::Split': ['-', {'Ref': 'Zone'}]}]}, 'us'),
        ({'Fn::Select': ['k', {'k': 'v'}]}, 'v'),
        ({'Fn::FindInMap': ['Regions', {'Ref': 'Zone'}, 'AMI']}, 'ami-1'),
        ({'Fn::FindInMap': ['Regions', 'us-east-1', 'Zones']}, ['a', 'b']),
        ({'Fn::FindInMap': ['Sizes', {'Ref': 'Count'}, 'Flavor']}, 'm1.small'),
        ({'Fn::FindInMap': ['Sizes', 3, 'Flavor']}, 'm1.small'),
        ({'Fn::FindInMap': ['Regions', 'zz', 'AMI', {'DefaultValue': {'Ref': 'Name'}}]}, 'x'),
        ({'Fn::FindInMap': ['Nowhere', 'zz', 'AMI', {'DefaultValue': ['l']}]}, ['l']),
        ({'Fn::FindInMap': ['Regions', 'us-east-1', 'AMI', {'DefaultValue': {'Ref': 'Name'}}]}, 'ami-1'),
        ([{'Fn::FindInMap': ['Regions', 'zz', 'AMI', {'DefaultValue': NOTHING}]}], []),
        ({'Fn::FindInMap': ['Regions', {'Fn::Select': [0, ['eu.west']]}, {'Fn::Sub': 'AMI'}]}, 'ami-2'),
        ({'Fn::GetAZs': {'Ref': 'AWS::Region'}}, ['nova', 'two']),
        ({'Fn::Base64': 'häh'}, 'aMOkaA=='),
        ({'Fn::Base64': {'Fn::Sub': '${Name}'}}, 'eA=='),
        ({'Fn::Cidr': ['192.168.0.0/24', 6, 5]}, [f'192.168.0.{32 * i}/27' for i in range(6)]),
        ({'Fn::Cidr': ['10.0.0.0/16', '2', '8']}, ['10.0.0.0/24', '10.0.1.0/24']),
        ({'Fn::Cidr': ['10.0.0.0/16', 3]}, ['10.0.0.0/18', '10.0.64.0/18', '10.0.128.0/18']),
        ({'Fn::Cidr': ['10.0.0.0/24', 1]}, ['10.0.0.0/24']),
        ({'Fn::Cidr': ['2001:db8::/56', 2, 64]}, ['2001:db8::/64', '2001:db8:0:1::/64']),
        ({'Fn::If': ['Yes', 'a', 'b']}, 'a'),
        ({'Fn::If': ['No', 'a', {'Fn::If': ['Yes', 'b', 'c']}]}, 'b'),
        ([1, {'Fn::If': ['No', 2, NOTHING]}, NOTHING, 3], [1, 3]),
        ({'a': 1, 'b': {'Fn::If': ['Yes', NOTHING, 2]}, 'c': NOTHING}, {'a': 1}),
        ({'Fn::ImportValue': 'Vpc'}, 'import-Vpc'),
        ({'Fn::ImportValue': {'Fn::Sub': '${AWS::StackName}-Vpc'}}, 'import-web-Vpc'),
        ({'Fn::GetStackOutput': {'StackName': 's', 'OutputName': 'o'}}, 's/o/None'),
        ({'Fn::GetStackOutput': {'StackName': {'Ref': 'Name'}, 'OutputName': 'o', 'Region': 'r'}}, 'x/o/r'),
        ({'Fn::Length': ['a', NOTHING, {'Ref': 'A'}]}, 2),
        ({'Fn::Length': {'Ref': 'Words'}}, 2),
        ({'Fn::Length': {'Fn::Split': [',', 'a,b,c']}}, 3),
        ({'Fn::ToJsonString': {'k': [1, True, None, NOTHING, {'Ref': 'Name'}], 'n': NOTHING, 'ü': 'ü'}},
         '{"k":[1,true,null,"x"],"ü":"ü"}'),
        ({'Fn::ToJsonString': [{'Ref': 'Count'}]}, '["3"]'),
        ({'Fn::ResourceFacade': 'DeletionPolicy'}, 'Retain'),
        ({'Fn::Replace': [{'$x': 'y'}, 'a $x']}, 'a y'),
        ({'Fn::MemberListToMap': ['N', 'V', ['.member.0.N=a', '.member.0.V=b']]}, {'a': 'b'}),
        ({'Condition': 'literal'}, {'Condition': 'literal'}),
        ({'Ref': 'A', 'more': 1}, {'Ref': 'A', 'more': 1}),
    ],
)
def test_value(value: Any, expected: Any) -> None:
    assert evaluated(value) == expected


@pytest.mark.parametrize(
    ('value', 'place', 'sentence'),
    [
        ({'Ref': ['A']}, 'Ref', 'Argument to "Ref" must be the name of a parameter or resource'),
        ({'Ref': {'Ref': 'A'}}, 'Ref', 'Argument to "Ref" must be the name of a parameter or resource'),
        ({'Ref': 'AWS::Regoin'}, 'Ref',
         'There is no pseudo parameter "AWS::Regoin". Did you mean AWS::Region?'),
        ({'Fn::GetAtt': 'A'}, 'Fn::GetAtt',
         'Arguments to "Fn::GetAtt" must be of the form [resource_name, attribute]'),
        ({'Fn::GetAtt': ['A', 'b', 'c']}, 'Fn::GetAtt',
         'Arguments to "Fn::GetAtt" must be of the form [resource_name, attribute]'),
        ({'Fn::GetAtt': [{'Ref': 'Name'}, 'b']}, 'Fn::GetAtt[0]',
         'Arguments to "Fn::GetAtt" must be of the form [resource_name, attribute], the name not made by a '
         'function'),
        ({'Fn::Sub': ['x']}, 'Fn::Sub',
         'Arguments to "Fn::Sub" must be a string or [string, {name: value, ...}]'),
        ({'Fn::Sub': [{'Ref': 'Name'}, {}]}, 'Fn::Sub',
         'Arguments to "Fn::Sub" must be a string or [string, {name: value, ...}]'),
        ({'Fn::Sub': '${A:-b}'}, 'Fn::Sub',
         '"Fn::Sub" names "${A:-b}": a name is made of letters, digits, "_", "." and ":" only. Text in '
         'braces is written ${!text}'),
        ({'Fn::Sub': '${}'}, 'Fn::Sub',
         '"Fn::Sub" names "${}": a name is made of letters, digits, "_", "." and ":" only. Text in '
         'braces is written ${!text}'),
        ({'Fn::Sub': '${.b}'}, 'Fn::Sub', '"Fn::Sub" names "${.b}", which is no Resource.Attribute'),
        ({'Fn::Join': ['x']}, 'Fn::Join',
         'Arguments to "Fn::Join" must be of the form [delimiter, [value, ...]]'),
        ({'Fn::Join': [{'Ref': 'Name'}, []]}, 'Fn::Join[0]',
         'Arguments to "Fn::Join" must be of the form [delimiter, [value, ...]], the delimiter a literal '
         'string'),
        ({'Fn::Join': [',', 'a']}, 'Fn::Join[1]',
         'The second argument of "Fn::Join" must be a list or a function'),
        ({'Fn::Split': ['', 'a']}, 'Fn::Split[0]', 'The delimiter of "Fn::Split" must not be empty'),
        ({'Fn::Split': [',', ['a']]}, 'Fn::Split[1]',
         'The second argument of "Fn::Split" must be a string or a function'),
        ({'Fn::Split': [',', '{{resolve:ssm:a}}']}, 'Fn::Split[1]',
         '"Fn::Split" cannot split a dynamic reference: its value comes later'),
        ({'Fn::Select': [1]}, 'Fn::Select',
         'Arguments to "Fn::Select" must be of the form [index, [value, ...]]'),
        ({'Fn::Select': [1, 5]}, 'Fn::Select[1]',
         'The second argument of "Fn::Select" must be a list or a function'),
        ({'Fn::FindInMap': ['Regoins', 'a', 'b']}, 'Fn::FindInMap[0]',
         'There is no mapping "Regoins". Did you mean Regions?'),
        ({'Fn::FindInMap': ['Regions', 'a']}, 'Fn::FindInMap',
         'Arguments to "Fn::FindInMap" must be of the form [mapping, first_key, second_key]'),
        ({'Fn::FindInMap': ['Regions', 'a', 'b', {'DefaultValue': 'c'}]}, 'Fn::FindInMap[3]',
         'DefaultValue needs "Transform: AWS::LanguageExtensions"'),
        ({'Fn::FindInMap': ['Regions', 'a', 'b', 'c']}, 'Fn::FindInMap[3]',
         'The last argument of "Fn::FindInMap" must be {"DefaultValue": value}'),
        ({'Fn::GetAZs': ['a']}, 'Fn::GetAZs',
         'Argument to "Fn::GetAZs" must be the name of a region, "" for this one'),
        ({'Fn::Base64': ['a']}, 'Fn::Base64', '"Fn::Base64" argument must be a string'),
        ({'Fn::Cidr': ['10.0.0.0/16']}, 'Fn::Cidr',
         'Arguments to "Fn::Cidr" must be of the form [ip_block, count, cidr_bits]'),
        ({'Fn::Cidr': ['10.0.0.0', 1, 8]}, 'Fn::Cidr',
         'The block of "Fn::Cidr" must be a network like 10.0.0.0/16'),
        ({'Fn::Cidr': ['10.0.0.300/16', 1, 8]}, 'Fn::Cidr',
         'The block of "Fn::Cidr" must be a network like 10.0.0.0/16, not "10.0.0.300/16"'),
        ({'Fn::Cidr': ['10.0.0.0/16', 257, 8]}, 'Fn::Cidr',
         'The count of "Fn::Cidr" must be a whole number from 1 to 256'),
        ({'Fn::Cidr': ['10.0.0.0/16', 1, 'x']}, 'Fn::Cidr',
         'The cidr_bits of "Fn::Cidr" must be a whole number from 1 to 128'),
        ({'Fn::If': ['Yes', 1]}, 'Fn::If',
         'Arguments to "Fn::If" must be of the form: [condition_name, value_if_true, value_if_false]'),
        ({'Fn::If': ['Maybe', 1, 2]}, 'Fn::If', 'Invalid condition "Maybe"'),
        ({'Fn::ImportValue': ['a']}, 'Fn::ImportValue',
         'Argument to "Fn::ImportValue" must be the name of an export'),
        ({'Fn::ImportValue': {'Fn::Sub': '${A}'}}, 'Fn::ImportValue',
         'The name in "Fn::ImportValue" may not depend on a resource, but names A'),
        ({'Fn::GetStackOutput': {'StackName': 's'}}, 'Fn::GetStackOutput',
         'Arguments to "Fn::GetStackOutput" must be of the form {StackName: name, OutputName: name, '
         'Region: region}'),
        ({'Fn::GetStackOutput': {'StackName': 's', 'OutputName': 'o', 'Regoin': 'r'}},
         'Fn::GetStackOutput.Regoin',
         '"Fn::GetStackOutput" has no argument "Regoin". Did you mean Region?'),
        ({'Fn::Length': ['a']}, 'Fn::Length',
         'The function "Fn::Length" needs "Transform: AWS::LanguageExtensions"'),
        ({'Fn::ToJsonString': {'a': 1}}, 'Fn::ToJsonString',
         'The function "Fn::ToJsonString" needs "Transform: AWS::LanguageExtensions"'),
        ({'Fn::ForEach::L': ['X', ['a'], {'${X}': 1}]}, 'Fn::ForEach::L',
         'Fn::ForEach needs "Transform: AWS::LanguageExtensions", and stands as Fn::ForEach::Name in '
         'Conditions, Resources, Outputs and properties'),
        ({'Fn::Equals': [1, 1]}, 'Fn::Equals', 'The function "Fn::Equals" is invalid in this context'),
        ({'Fn::RefAll': 'String'}, 'Fn::RefAll', 'The function "Fn::RefAll" is invalid in this context'),
        ({'Fn::Joyn': [',', []]}, 'Fn::Joyn', 'There is no function "Fn::Joyn". Did you mean Fn::Join?'),
        ({'Fn::Nothing': 1}, 'Fn::Nothing', 'There is no function "Fn::Nothing"'),
        ({'Fn::Join': [',', []], 'x': 1}, 'Fn::Join',
         'The function "Fn::Join" must be the only key of its map, but beside it stands x'),
        ({'a': [{'Fn::Joyn': 1}]}, 'a[0].Fn::Joyn',
         'There is no function "Fn::Joyn". Did you mean Fn::Join?'),
    ],
)
def test_refused_when_compiled(value: Any, place: str, sentence: str) -> None:
    with pytest.raises(errors.StackValidationFailed) as caught:
        compiled(extensions=False, Outputs={'O': {'Value': value}})
    assert str(caught.value) == f'Outputs.O.Value.{place}: {sentence}'


@pytest.mark.parametrize(
    ('value', 'sentence'),
    [
        ({'Fn::Select': [2, ['a', 'b']]}, '"Fn::Select" cannot select nonexistent value at index 2'),
        ({'Fn::Select': [-1, ['a']]}, '"Fn::Select" cannot select nonexistent value at index -1'),
        ({'Fn::Select': [0, [None]]}, '"Fn::Select" cannot select nonexistent value at index 0'),
        ({'Fn::Select': [0, {'Fn::GetAtt': 'A.Null'}]},
         'The second argument of "Fn::Select" must be a list, not null'),
        ({'Fn::Select': ['x', ['a']]}, 'The index of "Fn::Select" must be a whole number, not a text'),
        ({'Fn::Select': [0, NOTHING]}, 'Arguments to "Fn::Select" must be of the form [index, [value, ...]], '
                                       'none of them AWS::NoValue'),
        ({'Fn::FindInMap': ['Regions', 'zz', 'AMI']}, '"Fn::FindInMap" found nothing for Regions, zz, AMI'),
        ({'Fn::Join': [',', {'Ref': 'Name'}]},
         'The second argument of "Fn::Join" must be a list, not a text'),
        ({'Fn::Join': [',', [{'Ref': 'Words'}]]}, '"Fn::Join" needs text, not a list'),
        ({'Fn::Sub': '${Words}'}, '"Fn::Sub" needs text, not a list'),
        ({'Fn::Split': [',', {'Ref': 'Words'}]},
         'The second argument of "Fn::Split" must be a string, not a list'),
        ({'Fn::Base64': {'Ref': 'Words'}}, '"Fn::Base64" argument must be a string, not a list'),
        ({'Fn::Base64': NOTHING}, '"Fn::Base64" argument must be a string, not nothing'),
        ({'Fn::Cidr': ['10.0.0.0/24', 5, 7]}, '"Fn::Cidr": 5 blocks of 7 bits do not fit into 10.0.0.0/24, 2 '
                                              'would'),
        ({'Fn::Cidr': ['10.0.0.0/24', 1, 12]}, '"Fn::Cidr": 1 blocks of 12 bits do not fit into 10.0.0.0/24, '
                                               '0 would'),
        ({'Fn::Cidr': [{'Ref': 'Name'}, 1, 12]},
         'The block of "Fn::Cidr" must be a network like 10.0.0.0/16'),
        ({'Fn::Length': {'Ref': 'Name'}}, 'Argument to "Fn::Length" must be a list, not a text'),
        ({'Fn::ToJsonString': {'Ref': 'Name'}},
         'Argument to "Fn::ToJsonString" must be a map or a list, not a text'),
    ],
)
def test_refused_when_evaluated(value: Any, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        evaluated(value)
    assert str(caught.value) == sentence


@pytest.mark.parametrize('key', ['UserData', 'user_data'])
@pytest.mark.parametrize(
    'wrap', [lambda value: value, lambda value: {'Fn::If': ['Yes', value, {'Ref': 'AWS::NoValue'}]}])
def test_the_script_of_a_server_is_encoded_on_its_way_to_the_cloud(key: str, wrap: Any) -> None:
    template = compiled(extensions=False, Resources={'A': {'Type': 'T', 'Properties': {
        key: wrap({'Fn::Base64': 'text'}), 'other': {'Fn::Base64': 'text'}}}})
    found = template.resources['A'].properties.value(World(values_of(template)))
    assert found == {key: 'text', 'other': 'dGV4dA=='}
    assert len(template.warnings) == (key == 'user_data')


def test_what_heat_added_is_warned_about() -> None:
    template = compiled(extensions=False, Outputs={
        'O': {'Value': {'Fn::Replace': [{}, 'x']}}, 'P': {'Value': {'Fn::Select': ['k', {'k': 1}]}}})
    assert template.warnings == (
        'Outputs.O.Value.Fn::Replace: "Fn::Replace" is known here only, not by AWS',
        'Outputs.P.Value.Fn::Select[1]: "Fn::Select" of a map is known here only, AWS selects from lists')


@pytest.mark.parametrize(
    ('value', 'refs', 'parameters'),
    [
        ({'Fn::Sub': '${A} ${B.Arn} ${Name}'}, {Ref('A', kind='reference'), Ref('B', 'Arn')}, {'Name'}),
        ({'Fn::Sub': ['${V}', {'V': {'Ref': 'A'}}]}, {Ref('A', kind='reference')}, set()),
        ({'Fn::GetAtt': 'A.b.c'}, {Ref('A', 'b.c')}, set()),
        ({'Fn::FindInMap': ['Regions', 'x', 'y', {'DefaultValue': {'Ref': 'A'}}]},
         {Ref('A', kind='reference')}, set()),
        ({'Fn::Sub': '${!A}'}, set(), set()),
    ],
)
def test_needs_are_known_without_evaluation(value: Any, refs: set[Ref], parameters: set[str]) -> None:
    node, _ = expression(value)
    assert (node.refs(), node.parameters()) == (refs, parameters)


def test_settling_makes_computed_names_exact() -> None:
    node, template = expression({'Ref': {'Fn::Sub': '${Name}'}}, Parameters={
        'Name': {'Type': 'String', 'Default': 'B'}, 'Words': {'Type': 'CommaDelimitedList', 'Default': ''}},
        Conditions={})
    assert node.refs() == frozenset()
    assert node.settle(NullScope(values_of(template))).refs() == {Ref('B', kind='reference')}


def test_a_default_that_is_not_needed_is_gone_once_the_template_is_settled() -> None:
    value = {'Fn::FindInMap': ['Regions', {'Ref': 'Zone'}, 'AMI', {'DefaultValue': {'Ref': 'A'}}]}
    node, template = expression(value)
    assert node.settle(NullScope(values_of(template))).refs() == frozenset()
    elsewhere = NullScope({**values_of(template), 'Zone': 'zz'})
    assert node.settle(elsewhere).refs() == {Ref('A', kind='reference')}


@pytest.mark.parametrize('value', [
    {'Fn::Sub': '${A.Arn}'}, {'Fn::Join': [',', [{'Ref': 'A'}]]}, {'Fn::Split': [',', {'Ref': 'A'}]},
    {'Fn::Select': [0, {'Ref': 'A'}]}, {'Fn::Base64': {'Ref': 'A'}}, {'Fn::Length': {'Ref': 'A'}},
    {'Fn::Cidr': [{'Ref': 'A'}, 1, 1]}, {'Fn::ImportValue': 'x'}, {'Fn::ToJsonString': [{'Ref': 'A'}]},
    {'Fn::GetStackOutput': {'StackName': 's', 'OutputName': 'o'}}, {'Fn::GetAZs': ''}])
def test_what_hangs_on_the_cloud_is_unknown_before(value: Any) -> None:
    node, template = expression(value)
    assert node.value(NullScope(values_of(template))) is UNKNOWN
    assert node.settle(NullScope(values_of(template))).value(NullScope({})) is UNKNOWN


def test_no_value_alone_is_left_out() -> None:
    assert evaluated(NOTHING) is OMITTED


def test_a_function_that_is_worked_out_at_once_is_no_data() -> None:
    assert evaluated([{'Fn::Sub': 'plain'}, {'k': {'Fn::Sub': '${!x}'}}]) == ['plain', {'k': '${x}'}]


NAMES = st.text(alphabet='abcXYZ019', min_size=1, max_size=4)


@given(st.lists(st.one_of(st.text(alphabet='ab ${}!.', max_size=6).filter(lambda t: '${' not in t),
                          NAMES.map(lambda name: ('name', name)), NAMES.map(lambda name: ('raw', name)))))
def test_sub_is_what_a_slow_reader_would_make_of_it(parts: list[Any]) -> None:
    text, expected, variables = '', '', {}
    for part in parts:
        if isinstance(part, str):
            # A dollar before what follows would begin a name.
            part = part.rstrip('$')
            text, expected = text + part, expected + part
        elif part[0] == 'name':
            variables[part[1]] = f'<{part[1]}>'
            text, expected = f'{text}${{{part[1]}}}', f'{expected}<{part[1]}>'
        else:
            text, expected = f'{text}${{!{part[1]}}}', f'{expected}${{{part[1]}}}'
    assert evaluated({'Fn::Sub': [text, variables]}) == expected


@given(st.integers(0, 2 ** 32 - 1), st.integers(8, 28), st.integers(1, 256), st.integers(1, 24))
def test_cidr_is_the_first_subnets(address: int, prefix: int, count: int, bits: int) -> None:
    network = ipaddress.ip_network((address, prefix), strict=False)
    mask = 32 - bits
    fits = mask >= prefix and count <= 2 ** (mask - prefix)
    value = {'Fn::Cidr': [str(network), count, bits]}
    if fits:
        subnets = network.subnets(new_prefix=mask)
        assert evaluated(value) == [str(next(subnets)) for _ in range(count)]
    else:
        with pytest.raises(ValueError, match='do not fit'):
            evaluated(value)


@given(st.lists(st.text(max_size=4)), st.text(min_size=1, max_size=2))
def test_join_and_split(items: list[str], delimiter: str) -> None:
    joined = evaluated({'Fn::Join': [delimiter, items]})
    slow = ''
    for index, item in enumerate(items):
        slow += (delimiter if index else '') + item
    assert joined == slow
    pieces = evaluated({'Fn::Split': [delimiter, joined]}) if '{{resolve:' not in joined else []
    assert not pieces or (delimiter.join(pieces) == joined and all(delimiter not in one for one in pieces))


@given(st.text(max_size=20))
def test_base64_can_be_read_back(text: str) -> None:
    assert base64.b64decode(evaluated({'Fn::Base64': text})).decode() == text


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.text(alphabet='xyz', max_size=2), inner, max_size=3), max_leaves=10)
       .filter(lambda tree: isinstance(tree, (list, dict))))
def test_json_text_is_the_value(tree: Any) -> None:
    assert json.loads(evaluated({'Fn::ToJsonString': tree})) == tree
