"""Templates in AWS's own format: sections, attributes, conditions, rules, policies, dynamic references."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common import errors
from heat.common.ids import StackId
from heat.engine.compiled import compile_all
from heat.plan.scope import Facts, StackScope, output_key
from heat.schema.kinds import UNKNOWN
from heat.schema.parameters import bind
from heat.template.checks import check_references
from heat.template.dynamic import DynamicReference, parse, references, substitute
from heat.template.expr import NullScope, Ref
from heat.template.hot import compile_template
from heat.template.rules import check_rules
from heat.template.validation import validation
from heat.template.versions import dialect_of
from tests.unit.cfn_world import FACTS, World, compiled, tree_of, values_of


def resource(**attributes: Any) -> dict[str, Any]:
    return {'Resources': {'A': {'Type': 'T', **attributes}, 'B': {'Type': 'T'}}}


def refusal(extensions: bool = False, **sections: Any) -> str:
    with pytest.raises(errors.HeatException) as caught:
        compiled(extensions, **sections)
    return str(caught.value)


# -- the format and its sections ---------------------------------------------------------------


def test_a_template_without_a_version_is_in_awss_format() -> None:
    assert compile_template({'Resources': {'A': {'Type': 'T'}}}).dialect == 'aws'
    assert dialect_of({'Resources': {}}).date == '2010-09-09'
    with pytest.raises(errors.InvalidTemplateVersion, match='was not provided'):
        compile_template({'Outputs': {}})
    with pytest.raises(errors.InvalidTemplateVersion, match='should be: 2010-09-09'):
        compile_template({'AWSTemplateFormatVersion': '2010-09-10', 'Resources': {}})


@pytest.mark.parametrize(
    ('sections', 'sentence'),
    [
        ({'Resorces': {}}, 'The template section is invalid: Resorces. Did you mean Resources?'),
        ({'Globals': {}}, 'The template section is invalid: Globals'),
        ({'Resources': []}, 'Resources: "Resources" must contain a map. Found a [list] instead'),
        ({'Rules': 'x'}, 'Rules: "Rules" must contain a map. Found a [str] instead'),
        ({'Description': 5}, 'Description: Description must be a string'),
        ({'Description': 'ü' * 513}, 'Description: Description is longer than 1024 bytes'),
        ({'Mappings': {'a.b': {'c': {'d': 1}}}},
         'Mappings.a.b: The name "a.b" must be alphanumeric, of at most 255 characters'),
        ({'Mappings': {'M': {'a_b': {'c': 1}}}},
         'Mappings.M.a_b: The key "a_b" of a mapping may have letters, digits, "." and "-" only'),
        ({'Mappings': {'M': {'a': 'b'}}}, 'Mappings.M.a: A mapping must be a map of maps'),
        ({'Mappings': {'M': {}}}, 'Mappings.M: A mapping must be a map of maps'),
        ({'Mappings': {'M': {'a': {'b': {'Ref': 'Name'}}}}},
         'Mappings.M.a.b: A value of a mapping must be a string, number, true, false or a list, and no '
         'function'),
        ({'Outputs': {'a-b': {'Value': 1}}},
         'Outputs.a-b: The name "a-b" must be alphanumeric, of at most 255 characters'),
        ({'Outputs': {'O': 5}}, 'Output validation error: Outputs.O: Each output definition must be a map.'),
        ({'Outputs': {'O': {}}},
         'Output validation error: Outputs.O: Each output definition must contain a Value key.'),
        ({'Outputs': {'O': {'Value': 1, 'Exprot': {}}}},
         'Outputs.O.Exprot: An output has no "Exprot". Did you mean Export?'),
        ({'Outputs': {'O': {'Value': 1, 'Export': 'x'}}},
         'Outputs.O.Export: Export must be of the form {Name: name}'),
        ({'Outputs': {'O': {'Value': 1, 'Export': {'Name': {'Ref': 'A'}}}}},
         'Outputs.O.Export.Name: The name of an export may not depend on a resource, but names A'),
        ({'Outputs': {'O': {'Value': 1, 'Condition': 'Maybe'}}},
         'Outputs.O.Condition: Invalid condition "Maybe"'),
        ({'Conditions': {'a-b': {'Condition': 'a-b'}}},
         'Conditions.a-b: The name "a-b" must be alphanumeric, of at most 255 characters'),
        ({'Conditions': {'C': 'Yes'}},
         'Condition validation error: The definition of condition "C" is invalid: Yes'),
        ({'Conditions': {'C': {'Condition': 'IsPord'}, 'IsProd': True}},
         'Conditions.C.Condition: Invalid condition "IsPord". Did you mean IsProd?'),
        ({'Conditions': {'C': {'Fn::Equals': [{'Ref': 'A'}, 1]}}},
         'Conditions.C.Fn::Equals[0].Ref: Invalid parameter reference A'),
        ({'Conditions': {'C': {'Fn::Equals': [{'Fn::GetAtt': 'A.b'}, 1]}}},
         'Conditions.C.Fn::Equals[0].Fn::GetAtt: The function "Fn::GetAtt" is invalid in this context'),
        ({'Conditions': {'C': {'Fn::Equals': [{'Fn::Sub': '${A.b}'}, 1]}}},
         'Conditions.C.Fn::Equals[0].Fn::Sub: The function "Fn::GetAtt" is invalid in this context'),
        ({'Conditions': {'C': {'Fn::Equals': [1]}}},
         'Conditions.C.Fn::Equals: Arguments to "Fn::Equals" must be of the form [value_1, value_2]'),
        ({'Conditions': {'C': {'Fn::And': [True]}}},
         'Conditions.C.Fn::And: The minimum number of condition arguments to "Fn::And" is 2.'),
        ({'Conditions': {'C': {'Fn::Or': [True] * 11}}},
         'Conditions.C.Fn::Or: The maximum number of condition arguments to "Fn::Or" is 10.'),
        ({'Conditions': {'C': {'Fn::Not': [True, True]}}},
         'Conditions.C.Fn::Not: Arguments to "Fn::Not" must be of the form: [condition]'),
    ],
)
def test_refused_sections(sections: dict[str, Any], sentence: str) -> None:
    assert refusal(**sections) == sentence


def test_mappings_may_hold_lists_and_flags() -> None:
    mappings = {'M': {'a.b-c': {'l': ['x', 1], 'f': True, 'n': 5}}}
    assert compiled(Mappings=mappings).dialect == 'aws'


def test_hooks_and_types_of_heat_are_let_pass_with_a_warning() -> None:
    parameters = {'J': {'Type': 'Json', 'Default': '{"k": 1}', 'Label': 'l'},
                  'F': {'Type': 'Boolean', 'Default': True}}
    template = compiled(
        Hooks={'H': {}}, Parameters=parameters, Conditions={}, Outputs={'O': {'Value': {'Ref': 'J'}}})
    assert template.warnings == (
        'Parameters.J.Type: Json is known here only, not by AWS',
        'Parameters.J.Label: Label is known here only, not by AWS',
        'Parameters.F.Type: Boolean is known here only, not by AWS',
        'Hooks: hooks of CodeDeploy are not called here')
    assert template.outputs['O'].value.value(World(values_of(template))) == {'k': 1}


def test_the_interface_for_clients_gives_groups_and_labels() -> None:
    template = compiled(Metadata={'Other': 1, 'AWS::CloudFormation::Interface': {
        'ParameterGroups': [{'Label': {'default': 'Net'}, 'Parameters': ['Zone', 'Gone']}, {'Label': 5}],
        'ParameterLabels': {'Zone': {'default': 'Where?'}, 'Gone': {'default': 'x'}}}})
    shown = validation(template, bind(template.parameters, {}, {}, FACTS))
    assert shown['ParameterGroups'] == [{'label': 'Net', 'parameters': ['Zone']}]
    assert (shown['Parameters']['Zone']['Label'], shown['Parameters']['Name']['Label']) == ('Where?', 'Name')
    assert [one.removeprefix('Metadata.AWS::CloudFormation::Interface.') for one in template.warnings] == [
        'ParameterGroups[0]: Gone is no parameter',
        'ParameterGroups[1]: a group should have a list of Parameters',
        'ParameterLabels.Gone: it is no parameter, or has no default']


# -- conditions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('definition', 'expected'),
    [
        ({'Fn::Equals': [{'Ref': 'Name'}, 'x']}, True),
        ({'Fn::Equals': [{'Ref': 'Count'}, 3]}, True),
        ({'Fn::Equals': [True, 'true']}, True),
        ({'Fn::Equals': [{'Ref': 'Words'}, ['a', 'b']]}, True),
        ({'Fn::Equals': [{'Fn::FindInMap': ['Regions', {'Ref': 'Zone'}, 'AMI']}, 'ami-1']}, True),
        ({'Fn::Equals': [{'Fn::Sub': '${Name}-${AWS::Region}'}, 'x-RegionOne']}, True),
        ({'Fn::Equals': [{'Fn::Select': [0, {'Fn::Split': ['-', {'Ref': 'Zone'}]}]}, 'us']}, True),
        ({'Fn::Equals': [{'Fn::Join': ['', {'Ref': 'Words'}]}, 'ba']}, False),
        ({'Fn::Equals': [{'Fn::Length': {'Ref': 'Words'}}, '2']}, True),
        ({'Fn::Equals': [{'Ref': 'Empty'}, {'Ref': 'AWS::NoValue'}]}, True),
        ({'Condition': 'Yes'}, True),
        ({'Fn::Not': [{'Condition': 'Yes'}]}, False),
        ({'Fn::Not': ['No']}, True),
        ({'Fn::And': [{'Condition': 'Yes'}, {'Fn::Not': [{'Condition': 'No'}]}, 'Yes']}, True),
        ({'Fn::Or': [{'Condition': 'No'}, {'Fn::Equals': [1, 2]}]}, False),
        ({'Fn::If': ['Yes', {'Condition': 'No'}, {'Condition': 'Yes'}]}, False),
        (True, True),
    ],
)
def test_conditions(definition: Any, expected: bool) -> None:
    conditions = {**tree_of()['Conditions'], 'C': definition}
    template = compiled(Conditions=conditions)
    assert template.condition_values(NullScope(values_of(template)))['C'] is expected


@pytest.mark.parametrize(('function', 'other', 'expected'), [
    ('Fn::And', 'No', False), ('Fn::And', 'Yes', UNKNOWN),
    ('Fn::Or', 'Yes', True), ('Fn::Or', 'No', UNKNOWN)])
def test_what_is_unknown_does_not_matter_where_another_decides(
        function: str, other: str, expected: Any) -> None:
    conditions = {'Yes': True, 'No': False, 'C': {function: [{'Fn::Equals': [{'Ref': 'Zone'}, 'x']},
                                                             {'Condition': other}]}}
    assert compiled(Conditions=conditions).condition_values(NullScope({}))['C'] is expected


@pytest.mark.parametrize(('function', 'first'), [('or', True), ('and', False)])
def test_what_stands_behind_the_condition_that_decides_is_not_looked_at(function: str, first: bool) -> None:
    tree = {'heat_template_version': '2018-08-31', 'parameters': {'p': {'type': 'json', 'default': {}}},
            'conditions': {'c': {function: [first, {'equals': [{'get_param': ['p', 'no']}, 'x']},
                                            {'get_param': ['p', 'no']}]}}}
    template = compile_template(tree)
    assert template.condition_values(NullScope({'p': {}}))['c'] is first
    with pytest.raises(errors.StackValidationFailed, match='condition value should be boolean'):
        tree['conditions']['c'][function].pop(0)
        compile_template({**tree, 'conditions': {'c': {function: [not first, {'get_param': ['p', 'no']}]}}}
                         ).condition_values(NullScope({'p': {}}))


def test_circles_of_conditions() -> None:
    template = compiled(Conditions={'C': {'Condition': 'D'}, 'D': {'Fn::Not': [{'Condition': 'C'}]}})
    with pytest.raises(errors.StackValidationFailed, match='Circular definition for condition "C"'):
        template.settle(NullScope(values_of(template)))


def test_a_condition_that_is_none_is_told_with_its_place() -> None:
    template = compiled(Conditions={'C': {'Ref': 'Name'}})
    with pytest.raises(errors.StackValidationFailed, match=r'^Conditions\.C: The condition value should be'):
        template.settle(NullScope(values_of(template)))


def test_what_a_condition_takes_away() -> None:
    gone = {'Ref': 'AWS::NoValue'}
    template = compiled(extensions=False, Resources={
        'A': {'Type': 'T', 'DependsOn': ['B', 'C'], 'Properties': {
            'k': {'Fn::If': ['Yes', gone, {'Ref': 'B'}]}, 'l': [gone, 1], 'm': {'n': gone}},
            'Metadata': {'k': gone, 'l': 1}, 'UpdatePolicy': {'Fn::If': ['No', {'x': 1}, gone]}},
        'B': {'Type': 'T', 'Condition': 'No'}, 'C': {'Type': 'T', 'Condition': 'Yes',
                                                     'Properties': {'Fn::If': ['Yes', gone, {'a': 1}]}}},
        Outputs={'O': {'Value': {'Fn::If': ['Yes', gone, 'x']}}, 'P': {'Value': 1, 'Condition': 'No'},
                 'Q': {'Value': 2}})
    settled = template.settle(NullScope(values_of(template)))
    check_references(settled)
    a, c = settled.resources['A'], settled.resources['C']
    assert (set(settled.resources), a.depends_on, a.refs()) == ({'A', 'C'}, ('C',), frozenset())
    assert a.properties.value(NullScope()) == {'l': [1], 'm': {}}
    assert (a.metadata.value(NullScope()), a.update_policy.value(NullScope())) == ({'l': 1}, {})
    assert c.properties.value(NullScope()) == {}
    assert list(settled.outputs) == ['Q']


def test_references_to_nothing_are_refused_in_outputs_too() -> None:
    for value, place in (({'Ref': 'Z'}, ''), ({'Fn::Sub': 'x${Z}'}, '.Fn::Sub'),
                         ({'Fn::Sub': '${Z.a}'}, '.Fn::Sub'),
                         ({'Fn::Join': ['', [{'Ref': 'Z'}]]}, '.Fn::Join[1][0]')):
        settled = compiled(Outputs={'O': {'Value': value}})
        with pytest.raises(errors.InvalidTemplateReference) as caught:
            check_references(settled)
        assert str(caught.value) == (
            f'The specified reference "Z" (in Outputs.O.Value{place}) is incorrect.')


# -- resources ---------------------------------------------------------------------------------


def test_a_definition() -> None:
    template = compiled(extensions=False, **resource(
        Properties={'p': {'Ref': 'B'}}, Metadata={'m': {'Fn::GetAtt': 'B.x'}}, DependsOn='B', Condition='Yes',
        DeletionPolicy='RetainExceptOnCreate', UpdateReplacePolicy='Snapshot', Version='1.0', Description='d',
        CreationPolicy={'ResourceSignal': {'Count': {'Ref': 'Count'}, 'Timeout': 'PT15M'}},
        UpdatePolicy={'AutoScalingReplacingUpdate': {'WillReplace': True}}))
    a = template.resources['A']
    assert (a.type, a.depends_on, a.deletion_policy, a.update_replace_policy, a.version, a.description) == (
        'T', ('B',), 'RetainExceptOnCreate', 'Snapshot', '1.0', 'd')
    assert a.refs() == {Ref('B', kind='reference'), Ref('B', 'x')}
    settled = template.settle(NullScope(values_of(template))).resources['A']
    assert settled.creation_policy.value(NullScope()) == {
        'ResourceSignal': {'Count': '3', 'Timeout': 'PT15M'}}
    assert settled.update_policy.value(NullScope()) == {'AutoScalingReplacingUpdate': {'WillReplace': True}}
    assert template.warnings == (
        'Resources.A.Description: Description of a resource is known here only, not by AWS',)
    b = template.resources['B']
    assert (b.deletion_policy, b.update_replace_policy, b.version) == ('Delete', None, None)


@pytest.mark.parametrize(
    ('attributes', 'sentence'),
    [
        ({'Type': ''}, 'Each Resource must contain a Type key.'),
        ({'Type': 5}, 'Resource A Type type must be string'),
        ({'Propertys': {}}, 'Resources.A.Propertys: A resource has no "Propertys". Did you mean Properties?'),
        ({'Connectors': {}}, 'Resources.A.Connectors: A resource has no "Connectors"'),
        ({'Properties': []}, 'Resources.A.Properties: Resource A Properties type must be object'),
        ({'DependsOn': {'Ref': 'B'}},
         'Resources.A.DependsOn: Resource A DependsOn type must be list or string'),
        ({'Condition': 'Maybe'}, 'Resources.A.Condition: Invalid condition "Maybe"'),
        ({'Version': []}, 'Resources.A.Version: Version must be a string'),
        ({'DeletionPolicy': 'Retian'},
         'Resources.A.DeletionPolicy: Invalid DeletionPolicy "Retian", it is one of Delete, Retain, '
         'Snapshot, '
         'RetainExceptOnCreate. Did you mean Retain?'),
        ({'DeletionPolicy': 'retain'},
         'Resources.A.DeletionPolicy: Invalid DeletionPolicy "retain", it is one of Delete, Retain, '
         'Snapshot, '
         'RetainExceptOnCreate. Did you mean Retain?'),
        ({'UpdateReplacePolicy': 'RetainExceptOnCreate'},
         'Resources.A.UpdateReplacePolicy: Invalid UpdateReplacePolicy "RetainExceptOnCreate", it is one of '
         'Delete, Retain, Snapshot'),
        ({'DeletionPolicy': {'Ref': 'Name'}},
         'Resources.A.DeletionPolicy: DeletionPolicy may be made by a function only with '
         '"Transform: AWS::LanguageExtensions"'),
        ({'CreationPolicy': {'ResourceSignals': {}}},
         'Resources.A.CreationPolicy.ResourceSignals: CreationPolicy has no "ResourceSignals". Did you mean '
         'ResourceSignal?'),
        ({'CreationPolicy': {'ResourceSignal': {'Count': -1}}},
         'Resources.A.CreationPolicy.ResourceSignal.Count: Count must be a whole number from 0 on'),
        ({'CreationPolicy': {'ResourceSignal': {'Timeout': '5 minutes'}}},
         'Resources.A.CreationPolicy.ResourceSignal.Timeout: Timeout must be a duration like PT5M'),
        ({'CreationPolicy': {'ResourceSignal': {'Timeout': 'PT13H'}}},
         'Resources.A.CreationPolicy.ResourceSignal.Timeout: Timeout must be at most PT12H'),
        ({'CreationPolicy': {'AutoScalingCreationPolicy': {'MinSuccessfulInstancesPercent': 101}}},
         'Resources.A.CreationPolicy.AutoScalingCreationPolicy.MinSuccessfulInstancesPercent: '
         'MinSuccessfulInstancesPercent must be a whole number from 0 to 100'),
        ({'UpdatePolicy': {'AutoScalingRollingUpdates': {}}},
         'Resources.A.UpdatePolicy.AutoScalingRollingUpdates: UpdatePolicy has no '
         '"AutoScalingRollingUpdates". '
         'Did you mean AutoScalingRollingUpdate?'),
        ({'UpdatePolicy': {'AutoScalingRollingUpdate': {'SuspendProcesses': ['Launhc']}}},
         'Resources.A.UpdatePolicy.AutoScalingRollingUpdate.SuspendProcesses: SuspendProcesses cannot hold '
         '"Launhc". Did you mean Launch?'),
        ({'UpdatePolicy': {'AutoScalingReplacingUpdate': {'WillReplace': 'maybe'}}},
         'Resources.A.UpdatePolicy.AutoScalingReplacingUpdate.WillReplace: WillReplace must be true or '
         'false'),
    ],
)
def test_refused_attributes(attributes: dict[str, Any], sentence: str) -> None:
    assert refusal(**resource(**attributes)) == sentence


@pytest.mark.parametrize('name', ['a_b', 'a.b', 'a/b', 'é', 'x' * 256])
def test_names_of_resources_are_alphanumeric(name: str) -> None:
    assert refusal(Resources={name: {'Type': 'T'}}) == (
        f'Resources.{name}: The name "{name}" must be alphanumeric, of at most 255 characters')


def test_a_resource_has_no_name_of_a_parameter() -> None:
    told = refusal(Resources={'Name': {'Type': 'T'}})
    assert told == 'Resources.Name: "Name" is the name of a parameter too'


def test_the_types_of_heat_have_update_policies_of_their_own() -> None:
    own = {'Type': 'OS::Heat::G', 'UpdatePolicy': {'rolling_update': {'x': 1}}}
    template = compiled(Resources={'A': own})
    assert template.resources['A'].update_policy.value(NullScope()) == {'rolling_update': {'x': 1}}


def test_policies_made_by_functions() -> None:
    policies = resource(DeletionPolicy={'Ref': 'Name'}, UpdateReplacePolicy={'Fn::If': [
        'No', 'Retain', 'Snapshot']})

    def settled(name: str) -> Any:
        template = compiled(**policies, Conditions={'No': {'Fn::Equals': [1, 2]}},
                            Parameters={'Name': {'Type': 'String', 'Default': name}})
        return template.settle(NullScope(values_of(template))).resources['A']

    a = settled('RetainExceptOnCreate')
    assert (a.deletion_policy, a.update_replace_policy) == ('RetainExceptOnCreate', 'Snapshot')
    with pytest.raises(errors.StackValidationFailed) as caught:
        settled('retain')
    assert str(caught.value) == ('Resources.A.DeletionPolicy: it must be one of Delete, Retain, Snapshot, '
                                 'RetainExceptOnCreate')


def test_the_deletion_policy_of_the_parent() -> None:
    template = compiled(extensions=False, **resource(DeletionPolicy={'Fn::ResourceFacade': 'DeletionPolicy'}))
    assert template.settle(World(values_of(template))).resources['A'].deletion_policy == 'Retain'
    assert template.settle(NullScope(values_of(template))).resources['A'].deletion_policy == 'Delete'


def test_all_faults_are_told_at_once() -> None:
    told = refusal(Resources={'a_b': {'Type': 'T', 'Foo': 1}, 'C': {'Type': 'T', 'Properties': {
        'v': {'Fn::Joyn': 1}, 'w': {'Fn::GetAtt': 'x'}}}}, Outputs={'O': {}})
    assert told.splitlines() == [
        'Resources.a_b: The name "a_b" must be alphanumeric, of at most 255 characters',
        'Resources.a_b.Foo: A resource has no "Foo"',
        'Resources.C.Properties.v.Fn::Joyn: There is no function "Fn::Joyn". Did you mean Fn::Join?',
        'Resources.C.Properties.w.Fn::GetAtt: Arguments to "Fn::GetAtt" must be of the form '
        '[resource_name, attribute]',
        'Output validation error: Outputs.O: Each output definition must contain a Value key.']


# -- other stacks ------------------------------------------------------------------------------


def test_what_is_asked_of_other_stacks() -> None:
    template = compiled(**resource(Properties={
        'a': {'Fn::ImportValue': {'Fn::Sub': '${Name}-vpc'}},
        'b': {'Fn::If': ['No', {'Fn::ImportValue': 'never'}, {'Fn::Sub': [
            '${V}', {'V': {'Fn::GetStackOutput': {'StackName': 's', 'OutputName': 'o', 'Region': 'r'}}}]}]},
        'c': {'Fn::GetStackOutput': {'StackName': {'Fn::GetAtt': 'B.x'}, 'OutputName': 'o'}}}),
        Outputs={'O': {'Value': {'Fn::ImportValue': 'plain'}, 'Export': {'Name': {'Fn::Sub': '${Name}-o'}}},
                 'P': {'Value': {'Fn::GetStackOutput': {'StackName': 's', 'OutputName': 'o'}}}})
    settled = template.settle(NullScope(values_of(template)))
    assert settled.imports() == {
        'plain': ('Outputs', 'O', 'Value', 'Fn::ImportValue'),
        'x-vpc': ('Resources', 'A', 'Properties', 'a', 'Fn::ImportValue')}
    assert settled.stack_outputs() == {
        ('s', 'o', None): ('Outputs', 'P', 'Value', 'Fn::GetStackOutput'),
        ('s', 'o', 'r'): ('Resources', 'A', 'Properties', 'b', 'Fn::Sub', 'Fn::GetStackOutput')}
    export = settled.outputs['O'].export
    assert export is not None and export.value(NullScope()) == 'x-o'

    facts = Facts(values_of(template), imports={'plain': 'v1', 'x-vpc': 'v2'},
                  stack_outputs={output_key('s', 'o', None): 'here', 's.o@r': 'there'})
    scope = StackScope(facts, settled.resources, None, lambda name: None)  # type: ignore[arg-type]
    assert settled.outputs['O'].value.value(scope) == 'v1'
    assert settled.outputs['P'].value.value(scope) == 'here'
    assert scope.stack_output('s', 'o', 'r') == 'there'
    for asked, sentence in ((lambda: scope.imported('zz'), 'No export named zz found.'),
                            (lambda: scope.stack_output('s', 'zz', 'r'),
                             'Stack s in region r has no output named zz.')):
        with pytest.raises(ValueError) as caught:
            asked()
        assert str(caught.value) == sentence


# -- rules -------------------------------------------------------------------------------------

RULED = {'Net': {'Type': 'AWS::EC2::VPC::Id', 'Default': 'n1', 'Description': 'd'},
         'Nets': {'Type': 'List<AWS::EC2::Subnet::Id>', 'Default': 's1,s2'},
         'Other': {'Type': 'AWS::EC2::VPC::Id', 'Default': 'n2'},
         'Env': {'Type': 'String', 'Default': 'prod'}, 'Size': {'Type': 'Number', 'Default': '5'}}


def judged(condition: Any, assertion: Any, said: str = 'told', attribute: Any = None) -> list[str]:
    rule = {'Assertions': [{'Assert': assertion, **({'AssertDescription': said} if said else {})}]}
    if condition is not None:
        rule['RuleCondition'] = condition
    template = compiled(False, Parameters=RULED, Conditions={}, Rules={'R': rule})
    broken = check_rules(template, bind(template.parameters, {}, {}, FACTS), attribute)
    assert {place for place, _said in broken} <= {('Rules', 'R', 'Assertions', 0)}
    return [sentence for _place, sentence in broken]


@pytest.mark.parametrize(
    ('assertion', 'holds'),
    [
        ({'Fn::Equals': [{'Ref': 'Env'}, 'prod']}, True),
        ({'Fn::Not': [{'Fn::Equals': [{'Ref': 'Env'}, 'prod']}]}, False),
        ({'Fn::Contains': [['dev', 'prod'], {'Ref': 'Env'}]}, True),
        ({'Fn::Contains': [['dev'], {'Ref': 'Env'}]}, False),
        ({'Fn::Contains': [[4, 5], {'Ref': 'Size'}]}, True),
        ({'Fn::Contains': [{'Ref': 'Nets'}, 's2']}, True),
        ({'Fn::EachMemberEquals': [['a', 'a'], 'a']}, True),
        ({'Fn::EachMemberEquals': [{'Ref': 'Nets'}, 's1']}, False),
        ({'Fn::EachMemberIn': [{'Ref': 'Nets'}, ['s1', 's2', 's3']]}, True),
        ({'Fn::EachMemberIn': [['s1', 's4'], {'Ref': 'Nets'}]}, False),
        ({'Fn::Contains': [{'Fn::RefAll': 'AWS::EC2::VPC::Id'}, 'n2']}, True),
        ({'Fn::EachMemberIn': [{'Fn::RefAll': 'List<AWS::EC2::Subnet::Id>'}, ['s1', 's2']]}, True),
        ({'Fn::Equals': [{'Fn::ValueOf': ['Net', 'DefaultValue']}, 'n1']}, True),
        ({'Fn::Equals': [{'Fn::ValueOf': ['Net', 'Description']}, 'd']}, True),
        ({'Fn::EachMemberIn': [{'Fn::ValueOfAll': ['AWS::EC2::VPC::Id', 'DefaultValue']}, ['n1', 'n2']]},
         True),
        ({'Fn::And': [{'Fn::Equals': [1, 1]}, {'Fn::Contains': [['a'], 'a']}]}, True),
        ({'Fn::Or': [{'Fn::Equals': [1, 2]}, {'Fn::Contains': [['a'], 'b']}]}, False),
        ({'Fn::EachMemberIn': [{'Fn::ValueOf': ['Nets', 'VpcId']}, {'Fn::RefAll': 'AWS::EC2::VPC::Id'}]},
         True),
        ({'Fn::EachMemberEquals': [{'Fn::ValueOfAll': ['List<AWS::EC2::Subnet::Id>', 'VpcId']}, 'n2']},
         False),
        ({'Fn::Equals': [{'Fn::ValueOf': ['Net', 'Tags.Team']}, 'VPC n1 Tags.Team']}, True),
    ],
)
def test_rules(assertion: Any, holds: bool) -> None:
    def attribute(kind: str, value: Any, name: str) -> Any:
        return 'n1' if kind == 'AWS::EC2::Subnet::Id' else f'{kind.split("::")[2]} {value} {name}'

    assert judged(None, assertion, attribute=attribute) == ([] if holds else ['Rules.R: told'])


def test_rules_apply_when_their_condition_holds() -> None:
    never = {'Fn::Equals': [1, 2]}
    assert judged({'Fn::Equals': [{'Ref': 'Env'}, 'dev']}, never) == []
    assert judged({'Fn::Equals': [{'Ref': 'Env'}, 'prod']}, never) == ['Rules.R: told']
    assert judged(None, never, said='') == ['Rules.R: assertion 1 does not hold']
    assert judged(None, {'Fn::Equals': [{'Fn::ValueOf': ['Net', 'Tags.Team']}, 'x']}) == [
        'Rules.R: it asks for what cannot be told here: told']


@pytest.mark.parametrize(
    ('rule', 'sentence'),
    [
        ({}, 'Rules.R: A rule must be a map with a list of Assertions'),
        ({'Assertions': [], 'RuleConditoin': 1},
         'Rules.R.RuleConditoin: A rule has no "RuleConditoin". Did you mean RuleCondition?'),
        ({'Assertions': [{}]}, 'Rules.R.Assertions[0]: An assertion must be a map with Assert'),
        ({'Assertions': [{'Assert': {'Fn::Containz': []}}]},
         'Rules.R.Assertions[0].Assert: Invalid condition "{\'Fn::Containz\': []}"'),
        ({'Assertions': [{'Assert': {'Fn::Contains': ['a']}}]},
         'Rules.R.Assertions[0].Assert.Fn::Contains: Arguments to "Fn::Contains" must be of the form '
         '[[value, ...], value]'),
        ({'Assertions': [{'Assert': {'Fn::Contains': [{'Fn::RefAll': 'Number'}, 1]}}]},
         'Rules.R.Assertions[0].Assert.Fn::Contains[0].Fn::RefAll: "Fn::RefAll": no parameter is of type '
         'Number'),
        ({'Assertions': [{'Assert': {'Fn::Equals': [{'Fn::ValueOf': ['Nam', 'x']}, 1]}}]},
         'Rules.R.Assertions[0].Assert.Fn::Equals[0].Fn::ValueOf[0]: There is no parameter "Nam". Did you '
         'mean '
         'Name?'),
        ({'Assertions': [{'Assert': {'Fn::Equals': [{'Fn::GetAtt': 'A.b'}, 1]}}]},
         'Rules.R.Assertions[0].Assert.Fn::Equals[0].Fn::GetAtt: The function "Fn::GetAtt" is invalid in '
         'this '
         'context'),
    ],
)
def test_refused_rules(rule: Any, sentence: str) -> None:
    assert refusal(Parameters={'Name': {'Type': 'String'}}, Conditions={}, Rules={'R': rule}) == sentence


def test_a_stack_that_breaks_a_rule_is_not_made() -> None:
    tree = tree_of(Rules={'R': {'Assertions': [{'Assert': {'Fn::Equals': [{'Ref': 'Name'}, 'y']},
                                               'AssertDescription': 'Name must be y'}]}})
    identity = StackId('me', 'web', 'some-id')
    with pytest.raises(errors.StackValidationFailed, match=r'^Rules\.R: Name must be y$'):
        compile_all(identity, tree, {}, {})
    assert compile_all(identity, tree, {'parameters': {'Name': 'y'}}, {}).template.dialect == 'aws'
    assert compile_all(None, tree, {}, {}, strict=False).template.dialect == 'aws'


# -- dynamic references ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('inside', 'expected'),
    [
        ('ssm:/a/b.c-d_e', DynamicReference('ssm', '/a/b.c-d_e')),
        ('ssm:name:3', DynamicReference('ssm', 'name', '3')),
        ('ssm-secure:name:10', DynamicReference('ssm-secure', 'name', '10')),
        ('ssm:arn:aws:ssm:r:1:parameter/x:2', DynamicReference('ssm', 'arn:aws:ssm:r:1:parameter/x', '2')),
        ('secretsmanager:id', DynamicReference('secretsmanager', 'id')),
        ('secretsmanager:id:SecretString:key', DynamicReference('secretsmanager', 'id', member='key')),
        ('secretsmanager:id:SecretString:key:stage',
         DynamicReference('secretsmanager', 'id', member='key', stage='stage')),
        ('secretsmanager:id:SecretString:::v1', DynamicReference('secretsmanager', 'id', 'v1')),
        ('secretsmanager:arn:aws:secretsmanager:r:1:secret:x:SecretString:key',
         DynamicReference('secretsmanager', 'arn:aws:secretsmanager:r:1:secret:x', member='key')),
    ],
)
def test_dynamic_references(inside: str, expected: DynamicReference) -> None:
    assert parse(inside) == expected and expected.secure == (expected.service != 'ssm')
    assert references({'k': ['x', f'a{{{{resolve:{inside}}}}}b']}) == [expected]


@pytest.mark.parametrize(
    ('inside', 'sentence'),
    [
        ('vault:x', 'a dynamic reference names ssm, ssm-secure or secretsmanager, not "vault"'),
        ('ssm:', 'a dynamic reference of ssm needs a name'),
        ('ssm:a b', '"a b" is no name of a parameter: letters, digits and "_.-/" only'),
        ('ssm:a:x', 'a dynamic reference of ssm is ssm:name or ssm:name:version'),
        ('ssm:a:1:2', 'a dynamic reference of ssm is ssm:name or ssm:name:version'),
        ('ssm:a\\', 'a dynamic reference must not end in a backslash'),
        ('secretsmanager:a:SecretBinary', 'of a secret only SecretString can be had, not "SecretBinary"'),
        ('secretsmanager:a:SecretString:k:s:v',
         'a secret is asked for by version-stage or by version-id, not by both'),
        ('secretsmanager:a:SecretString:k:s:v:w',
         'a dynamic reference of secretsmanager is secretsmanager:id:SecretString:json-key:version-stage:'
         'version-id'),
    ],
)
def test_refused_dynamic_references(inside: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(inside)
    assert str(caught.value) == sentence
    assert refusal(**resource(Properties={'p': [f'{{{{resolve:{inside}}}}}']})) == (
        f'Resources.A.Properties.p[0]: {sentence}')


def test_dynamic_references_stay_text_and_are_put_in_late() -> None:
    text = 'u={{resolve:ssm:user}}&p={{resolve:ssm-secure:pass:2}}'
    template = compiled(**resource(Properties={'p': text, 'q': {'Fn::Sub': '{{resolve:ssm:/${Name}}}'}}))
    value = template.settle(NullScope(values_of(template))).resources['A'].properties.value(NullScope())
    assert value == {'p': text, 'q': '{{resolve:ssm:/x}}'}
    assert [one.key for one in references(value)] == ['user', 'pass', '/x']
    assert substitute(value, lambda one: f'{{{{resolve:ssm:{one.key}!}}}}' if one.secure else one.key) == {
        'p': 'u=user&p={{resolve:ssm:pass!}}', 'q': '/x'}


def test_how_many_and_where() -> None:
    many = resource(Properties={'p': ['{{resolve:ssm:a}}'] * 61})
    assert refusal(**many) == ('Resources: A template may have at most 60 dynamic references, this one '
                               'has 61')
    template = compiled(**resource(Metadata={'m': '{{resolve:ssm:a}}'}))
    assert template.warnings == (
        'Resources.A.Metadata.m: a dynamic reference is put in properties only; here it stays text',)


def test_unknown_is_no_condition() -> None:
    template = compiled(**resource(Condition='Yes'))
    assert set(template.settle(NullScope({})).resources) == {'A', 'B'}
    assert template.condition_values(NullScope({}))['Yes'] is UNKNOWN
