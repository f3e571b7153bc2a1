"""A stack in AWS's own format over REST: loops, conditions and groups of parameters as clients see them."""

from __future__ import annotations

from collections.abc import Callable

from tests.parity.conftest import Site
from tests.wire.keystone import PROJECT

TEMPLATE = '''
Transform: AWS::LanguageExtensions
Metadata:
  AWS::CloudFormation::Interface:
    ParameterGroups: [{Label: {default: What to make}, Parameters: [Names]}]
    ParameterLabels: {Names: {default: Which?}}
Parameters:
  Names: {Type: CommaDelimitedList, Default: 'a,b'}
  Needed: {Type: 'List<Number>'}
Conditions:
  Fn::ForEach::C: [N, !Ref Names, {'Is${N}': !Equals ['${N}', a]}]
Rules:
  Few: {Assertions: [{Assert: !Not [!Contains [!Ref Names, z]], AssertDescription: z is one too many}]}
Resources:
  Fn::ForEach::R:
    - N
    - !Ref Names
    - 'R${N}': {Type: OS::Heat::TestResource, Properties: {value: !Sub '${N} of ${AWS::StackName}'}}
Outputs:
  Fn::ForEach::O: [N, !Ref Names, {'O${N}': {Condition: 'Is${N}', Value: !GetAtt 'R${N}.output'}}]
  Size: {Value: {Fn::Length: !Ref Needed}}
'''


def test_a_stack_of_loops_is_shown(site: Callable[[], Site]) -> None:
    here = site()
    made = here.ask('POST', f'/v1/{PROJECT}/stacks', {
        'stack_name': 'web', 'template': TEMPLATE, 'parameters': {'Needed': '1,2'}})
    assert made.status_int == 201, made.text
    here.world.run()
    own = made.json_body['stack']['links'][0]['href']
    shown = here.ask('GET', own).json_body['stack']
    assert shown['stack_status'] == 'CREATE_COMPLETE'
    outputs = {one['output_key']: one['output_value'] for one in shown['outputs']}
    assert outputs == {'Oa': 'a of web', 'Size': 2}
    assert (shown['parameters']['Names'], shown['parameters']['AWS::AccountId']) == ('a,b', PROJECT)
    assert here.ask('GET', f'{own}/outputs/Oa').json_body['output']['output_value'] == 'a of web'
    assert here.ask('GET', f'{own}/outputs/Ob').status_int == 404
    assert {one['output_key'] for one in here.ask('GET', f'{own}/outputs').json_body['outputs']} == {
        'Oa', 'Ob', 'Size'}
    listed = here.ask('GET', f'{own}/resources').json_body['resources']
    assert {one['resource_name'] for one in listed} == {'Ra', 'Rb'}
    one = here.ask('GET', f'{own}/resources/Ra').json_body['resource']
    assert one['resource_status'] == 'CREATE_COMPLETE'
    assert 'Fn::ForEach::R' in here.ask('GET', f'{own}/template').json_body['Resources']


def test_a_rule_refuses_a_stack(site: Callable[[], Site]) -> None:
    answer = site().ask('POST', f'/v1/{PROJECT}/stacks', {
        'stack_name': 'web', 'template': TEMPLATE, 'parameters': {'Needed': '1', 'Names': 'a,z'}})
    assert answer.status_int == 400
    sentence, place = answer.json_body['error']['message'].splitlines()
    assert sentence == 'Rules.Few: z is one too many'
    assert place == '  at Rules.Few.Assertions[0], line 13, column 22'


def test_validation_tells_groups_and_labels_even_without_values(site: Callable[[], Site]) -> None:
    shown = site().ask('POST', f'/v1/{PROJECT}/validate', {'template': TEMPLATE}).json_body
    assert shown['ParameterGroups'] == [{'label': 'What to make', 'parameters': ['Names']}]
    assert {name: (one['Label'], one['Type']) for name, one in shown['Parameters'].items()} == {
        'Names': ('Which?', 'CommaDelimitedList'), 'Needed': ('Needed', 'List<Number>')}


def test_a_short_tag_in_hot_is_a_fault_of_the_text(site: Callable[[], Site]) -> None:
    answer = site().ask('POST', f'/v1/{PROJECT}/validate', {
        'template': 'heat_template_version: 2021-04-16\noutputs: {o: {value: !Ref a}}'})
    assert answer.status_int == 400
    assert "could not determine a constructor for the tag '!Ref'" in answer.json_body['error']['message']
