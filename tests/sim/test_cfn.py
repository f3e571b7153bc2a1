"""Stacks from templates in AWS's own format, through a whole engine."""

from __future__ import annotations

from typing import Any

from heat.template.load import parse

TEMPLATE = parse('''
Transform: AWS::LanguageExtensions
Parameters:
  Names: {Type: CommaDelimitedList, Default: 'a,b'}
  Size: {Type: Number, Default: 2}
Conditions:
  Big: !Equals [!Ref Size, 3]
Resources:
  Fn::ForEach::All:
    - N
    - !Ref Names
    - 'R${N}':
        Type: OS::Heat::TestResource
        Properties: {value: !Sub '${N} of ${AWS::StackName}, ${Size}'}
  Last:
    Type: OS::Heat::TestResource
    Condition: Big
    DependsOn: [Ra]
    Properties:
      value: !Join ['-', [!GetAtt Ra.output, !If [Big, !Ref AWS::NoValue, x], end]]
  Text:
    Type: OS::Heat::Value
    DependsOn: Last
    Properties: {value: !ToJsonString [!GetAtt Ra.output, {"Fn::Length": !Ref Names}]}
''')


def kept(policy: str, fail: bool = False, value: str = 'one') -> dict[str, Any]:
    props = {'value': value, 'fail': fail}
    return {'Resources': {
        'Kept': {'Type': 'OS::Heat::TestResource', 'DeletionPolicy': policy,
                 'Properties': {'value': 'v', 'action_wait_secs': {'delete': 500}}},
        'Next': {'Type': 'OS::Heat::TestResource', 'DependsOn': 'Kept', 'Properties': props}}}


def test_a_stack_is_made_and_updated(world):
    me = world.create('web', TEMPLATE)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert {name: row.props['value'] for name, row in world.rows(me).items()} == {
        'Ra': 'a of web, 2', 'Rb': 'b of web, 2', 'Text': '["a of web, 2",2]'}
    world.update(me, TEMPLATE, environment={'parameters': {'Names': 'a,c', 'Size': '3'}})
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert {name: row.props['value'] for name, row in world.rows(me).items()} == {
        'Ra': 'a of web, 3', 'Rc': 'c of web, 3', 'Last': 'a of web, 3-end', 'Text': '["a of web, 3",2]'}


def test_a_thing_is_retained_except_when_its_creation_is_taken_back(world):
    me = world.create('whole', kept('RetainExceptOnCreate'))
    world.run()
    world.delete(me)
    begun = world.clock.monotonic()
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'
    # It would have taken 500 seconds to delete it.
    assert world.clock.monotonic() - begun < 100

    failed = world.create('failed', kept('RetainExceptOnCreate', fail=True), disable_rollback=False)
    begun = world.clock.monotonic()
    world.run()
    assert world.state(failed) == 'ROLLBACK_COMPLETE'
    assert world.clock.monotonic() - begun >= 500


def test_a_new_thing_of_a_failed_update_is_taken_back_too(world):
    first = {'Resources': {'Next': kept('Retain')['Resources']['Next'] | {'DependsOn': []}}}
    me = world.create('later', first)
    world.run()
    world.update(me, kept('RetainExceptOnCreate', fail=True, value='two'), disable_rollback=False)
    begun = world.clock.monotonic()
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE'
    assert list(world.states(me)) == ['Next'] and world.clock.monotonic() - begun >= 500
