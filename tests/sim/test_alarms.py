"""Alarms as resources of stacks: their rules live and die with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from heat.common import errors
from heat.db import connect, schema
from tests.sim import test_aws_groups as aws
from tests.sim.crashes import every_crash
from tests.sim.test_scaling import MEMBER, members, policy
from tests.sim.test_watches import METRIC, NS, measure, minutes, state
from tests.sim.world import World

WATCHED = {'Namespace': NS, 'MetricName': METRIC, 'Statistic': 'Average'}


def alarm(action: Any, lite: bool = False, **more: Any) -> dict[str, Any]:
    return {'type': 'OS::Heat::CWLiteAlarm' if lite else 'AWS::CloudWatch::Alarm', 'properties': {
        **WATCHED, 'ComparisonOperator': 'GreaterThanThreshold', 'Threshold': 5, 'Period': 60,
        'EvaluationPeriods': 1, 'AlarmActions': [action], **more}}


def template(**alarms: Any) -> dict[str, Any]:
    return {'heat_template_version': '2021-04-16', 'resources': {
        'g': {'type': 'OS::Heat::AutoScalingGroup', 'properties': {
            'min_size': 1, 'max_size': 4, 'desired_capacity': 2, 'resource': MEMBER}},
        'up': policy(1), 'down': policy(-1), **alarms}}


URL = {'get_attr': ['up', 'alarm_url']}


def made(world: World, **alarms: Any) -> dict[str, Any]:
    me = world.create('s', template(**alarms))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE', world.stack(me).reason
    return me


def names(world: World) -> list[str]:
    return [one['name'] for one in world.engine.watches.show_watch(world.context, None)]


@pytest.mark.parametrize('action', [
    URL, {'get_attr': ['up', 'signal_url']}, {'get_resource': 'up'}, 'up'])
@pytest.mark.parametrize('lite', [False, True])
def test_an_alarm_tells_its_policy_however_it_names_it(world, action, lite):
    # Without the other policy: all users have one id here.
    wanted = template(a=alarm(action, lite))
    del wanted['resources']['down']
    me = world.create('s', wanted)
    world.run()
    minutes(world, 1, 9.0)
    world.watch(10)
    assert len(members(world, me)) == 3
    assert state(world, world.rows(me)['a'].physical_id) == 'ALARM'


def test_a_rule_lives_and_dies_with_its_resource(world):
    me = made(world, a=alarm(URL))
    name = world.rows(me)['a'].physical_id
    assert names(world) == [name] and name.startswith('s-a-')
    assert world.engine.watches.show_watch(world.context, name)[0]['stack_id'] == me['stack_id']
    world.update(me, template(a=alarm(URL, Threshold=7)))
    world.run()
    assert names(world) == [name]
    assert world.engine.watches.show_watch(world.context, name)[0]['threshold'] == 7.0
    world.update(me, template(a=alarm(URL, lite=True)))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert names(world) == [world.rows(me)['a'].physical_id] != [name]
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and names(world) == []


def test_a_stack_at_rest_is_not_watched(world):
    me = made(world, a=alarm(URL))
    name = world.rows(me)['a'].physical_id
    world.engine.intake.stack_suspend(world.context, me)
    world.run()
    assert state(world, name) == 'SUSPENDED'
    minutes(world, 2, 9.0)
    assert state(world, name) == 'SUSPENDED' and len(members(world, me)) == 2
    world.engine.intake.stack_resume(world.context, me)
    world.run()
    assert state(world, name) == 'NODATA'
    minutes(world, 1, 9.0)
    assert state(world, name) == 'ALARM' and len(members(world, me)) == 3


def test_a_name_belongs_to_one_alarm_of_the_project(world):
    made(world, a=alarm(URL, AlarmName='mine'))
    two = world.create('t', template(a=alarm(URL, AlarmName='mine')))
    world.run()
    assert world.state(two) == 'CREATE_FAILED'
    assert 'there is another alarm of the name "mine"' in world.stack(two).reason
    world.delete(two)
    world.run()
    assert names(world) == ['mine']


def test_an_alarm_that_was_put_by_hand_is_not_taken_away(world):
    rule_put = {'name': 'mine', 'namespace': NS, 'metric_name': METRIC, 'statistic': 'Sum', 'period': 60,
                'periods': 1, 'threshold': 1, 'comparison': 'LessThanThreshold'}
    world.engine.watches.put_watch(world.context, rule_put)
    me = world.create('s', template(a=alarm(URL, AlarmName='mine')))
    world.run()
    assert world.state(me) == 'CREATE_FAILED' and 'there is another alarm' in world.stack(me).reason
    world.delete(me)
    world.run()
    assert world.engine.watches.show_watch(world.context, 'mine')[0]['statistic'] == 'Sum'


@pytest.fixture
def allowed(conf) -> Iterator[None]:
    for name in ('enable_stack_abandon', 'enable_stack_adopt'):
        conf.set_override(name, True)
    yield
    for name in ('enable_stack_abandon', 'enable_stack_adopt'):
        conf.clear_override(name)


@pytest.mark.usefixtures('allowed')
def test_an_abandoned_alarm_is_adopted_again(world):
    alone = {'heat_template_version': '2021-04-16', 'resources': {'a': alarm('', AlarmActions=[])}}
    me = world.create('s', alone)
    world.run()
    name = world.rows(me)['a'].physical_id
    left = world.actions.abandon_stack(world.context, me)
    world.run()
    assert world.engine.watches.show_watch(world.context, name)[0]['stack_id'] is None
    again = world.create('s', alone, args={'adopt_stack_data': json.dumps(left)})
    world.run()
    assert world.state(again) == 'ADOPT_COMPLETE', world.stack(again).reason
    assert [one['stack_id'] for one in world.engine.watches.show_watch(world.context, None)] == [
        again['stack_id']]


def test_a_policy_of_cloudformation_is_told_by_its_reference(world):
    wanted = aws.group()
    wanted['Resources']['a'] = {'Type': 'AWS::CloudWatch::Alarm', 'Properties': {
        **WATCHED, 'ComparisonOperator': 'GreaterThanThreshold', 'Threshold': '5', 'Period': '60',
        'EvaluationPeriods': '1', 'Units': 'Percent', 'AlarmActions': [{'Ref': 'up'}],
        'Dimensions': [{'Name': 'group', 'Value': 'g'}]}}
    wanted['Outputs'] = {'arn': {'Value': {'Fn::GetAtt': ['a', 'Arn']}}}
    me = aws.made(world, wanted)
    measure(world, 9.0, dimensions=[['group', 'g']])
    minutes(world, 1)
    name = world.rows(me)['a'].physical_id
    assert state(world, name) == 'NODATA'
    measure(world, 9.0, dimensions=[['group', 'g']], unit='Percent')
    minutes(world, 1)
    assert state(world, name) == 'ALARM' and len(aws.members(world, me)) == 3
    assert world.rows(me)['a'].attrs == {'Arn': f'arn:openstack:cloudwatch::demo:alarm:{name}'}


def test_a_check_notices_that_the_rule_is_gone(world):
    me = made(world, a=alarm(URL))
    world.engine.intake.stack_check(world.context, me)
    world.run()
    assert world.state(me) == 'CHECK_COMPLETE'
    with connect.write(world.database) as conn:
        conn.execute(schema.watch_rule.delete())
    world.engine.intake.stack_check(world.context, me)
    world.run()
    assert world.state(me) == 'CHECK_FAILED' and 'is gone' in world.rows(me)['a'].reason


@pytest.mark.parametrize(('changes', 'said'), [
    ({'AlarmActions': ['arn:aws:sns:eu-west-1:1:t']}, 'is no action that can be carried out'),
    ({'AlarmActions': ['nobody']}, 'the stack has no resource "nobody"'),
    ({'Period': 45}, 'multiple of 60 seconds, not 45'), ({'DatapointsToAlarm': 3}, 'between 1 and'),
    ({'Dimensions': [{'Name': 'a', 'Value': '1'}, {'Name': 'a', 'Value': '2'}]}, 'more than once'),
    ({'Tags': []}, 'Property Tags not implemented yet'), ({'Metrics': []}, 'Metrics not implemented'),
    ({'ComparisonOperator': 'LessThanLowerThreshold'}, 'is not an allowed value')])
def test_what_no_rule_can_do_is_refused_at_the_door(world, changes, said):
    with pytest.raises(errors.HeatException) as caught:
        world.create('s', template(a=alarm(URL, **changes)))
    assert said in str(caught.value)


def test_two_alarms_of_a_classic_template_hear_each_its_own_samples(world):
    """As cfn-push-stats sends them: to a rule by its name, whatever else is measured."""
    me = made(world, a=alarm(URL, lite=True, Statistic='SampleCount', Threshold='1'))
    name = world.rows(me)['a'].physical_id
    for value in ('0.5', '0.7'):
        world.engine.metrics.create_watch_data(world.context, name, {
            'Namespace': NS, METRIC: {'Unit': 'Percent', 'Value': value, 'Dimensions': []}})
    world.watch(61)
    assert state(world, name) == 'ALARM' and len(members(world, me)) == 3
    world.watch(61)
    assert state(world, name) == 'NORMAL'
    measure(world, 1.0, dimensions=[['AlarmName', name]])
    measure(world, 1.0, dimensions=[['AlarmName', name], ['InstanceId', 'i-1']])
    world.watch(61)
    assert state(world, name) == 'ALARM'


def life(world: World) -> Any:
    def alone(**more: Any) -> dict[str, Any]:
        return {'heat_template_version': '2021-04-16', 'resources': {
            'a': alarm('a', **{'AlarmActions': [], **more}), 'n': {'type': 'OS::Heat::None'}}}

    me = world.create('s', alone())
    world.run()
    world.update(me, alone(Threshold=7))
    world.run()
    name = world.rows(me)['a'].physical_id
    seen = [world.state(me), names(world) == [name],
            world.engine.watches.show_watch(world.context, name)[0]['threshold']]
    without = alone()
    del without['resources']['a']
    world.update(me, without)
    world.run()
    return [*seen, world.state(me), names(world)]


def test_every_crash_while_an_alarm_is_made_and_taken_away(conf):
    assert every_crash(conf, life) == ['UPDATE_COMPLETE', True, 7.0, 'UPDATE_COMPLETE', []]
