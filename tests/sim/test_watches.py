"""Watch rules that move scaling groups, in virtual time and across crashes."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from heat.common import errors
from heat.common.context import RequestContext
from heat.db import connect, schema
from tests.sim.test_scaling import made, members
from tests.sim.world import World

NS, METRIC = 'app', 'load'


def rule(world: World, me: dict[str, Any], name: str, action: str | None = None,
         **more: Any) -> dict[str, Any]:
    own = world.stack(me).identity
    actions = [own.resource(action).arn()] if action else []
    return world.engine.watches.put_watch(world.context, {
        'name': name, 'namespace': NS, 'metric_name': METRIC, 'statistic': 'Average', 'period': 60,
        'periods': 1, 'threshold': 5.0, 'comparison': 'GreaterThanThreshold', 'actions': actions, **more})


def measure(world: World, value: float, **more: Any) -> None:
    world.engine.metrics.put_metric_data(world.context, NS, [{
        'name': METRIC, 'dimensions': [], 'timestamp': None, 'unit': None, 'value': value, **more}])


def state(world: World, name: str) -> str:
    return world.engine.watches.show_watch(world.context, name)[0]['state_value']


def minutes(world: World, count: int, value: float | None = None) -> None:
    """Whole minutes, in each of which that was measured; what they lead to has been evaluated after each."""
    past = world.clock.wall() % 60
    if not 9 < past < 11:
        world.clock.advance(70 - past)
    for _ in range(count):
        if value is not None:
            measure(world, value)
        world.watch(60)


def waiting(world: World) -> int:
    with connect.read(world.database) as conn:
        return int(conn.execute(sa.select(sa.func.count()).select_from(schema.pending_signal)).scalar_one())


def history(world: World, kind: str, name: str = 'high') -> list[str]:
    items = world.engine.watches.list_watch_history(world.context, name, kind, newest_first=False)['items']
    return [one['summary'] for one in items]


def test_a_group_grows_and_shrinks_by_what_is_measured(world):
    me = made(world)
    rule(world, me, 'high', 'up')
    rule(world, me, 'low', 'down', comparison='LessThanThreshold', threshold=1.0)
    assert state(world, 'high') == 'NODATA'
    minutes(world, 1, 9.0)
    assert state(world, 'high') == 'ALARM' and state(world, 'low') == 'NORMAL'
    assert len(members(world, me)) == 3
    minutes(world, 2, 3.0)
    assert state(world, 'high') == state(world, 'low') == 'NORMAL' and len(members(world, me)) == 3
    minutes(world, 1, 0.0)
    assert state(world, 'low') == 'ALARM' and len(members(world, me)) == 2
    assert world.state(me) == 'CREATE_COMPLETE' and world.leases_held() == 1
    assert 'up alarm state changed to ALARM' in world.reasons(me)


def test_a_policy_hears_once_per_period_for_as_long_as_the_alarm_lasts(world):
    me = made(world, max_size=5)
    rule(world, me, 'high', 'up')
    minutes(world, 3, 9.0)
    assert len(members(world, me)) == 5 and history(world, 'StateUpdate') == [
        'Alarm updated from INSUFFICIENT_DATA to ALARM']
    assert len(history(world, 'Action')) == 3


HANDLE = {'heat_template_version': '2021-04-16', 'resources': {
    'h': {'type': 'OS::Heat::WaitConditionHandle'}}}


def handle(world: World) -> dict[str, Any]:
    me = world.create('h', HANDLE)
    world.run()
    return me


def heard(world: World, me: dict[str, Any]) -> int:
    return sum('SIGNAL' in event for event in world.events(me))


def test_anything_else_hears_of_a_change_once(world):
    me = handle(world)
    own = world.stack(me).identity.resource('h').arn()
    rule(world, me, 'high', 'h', ok_actions=[own])
    minutes(world, 3, 9.0)
    assert state(world, 'high') == 'ALARM' and heard(world, me) == 1
    minutes(world, 2, 1.0)
    assert state(world, 'high') == 'NORMAL' and heard(world, me) == 2


def test_a_new_rule_does_not_act_for_want_of_data(world):
    me = handle(world)
    own = world.stack(me).identity.resource('h').arn()
    rule(world, me, 'high', insufficient_actions=[own])
    minutes(world, 3)
    assert state(world, 'high') == 'NODATA' and heard(world, me) == 0
    minutes(world, 1, 1.0)
    minutes(world, 3)
    assert state(world, 'high') == 'NODATA' and heard(world, me) == 1


def test_actions_that_are_switched_off_are_not_made_up_for(world):
    me = handle(world)
    rule(world, me, 'high', 'h', actions_enabled=False)
    minutes(world, 2, 9.0)
    assert state(world, 'high') == 'ALARM' and heard(world, me) == 0
    world.engine.watches.set_watch_actions(world.context, ['high'], True)
    minutes(world, 1, 9.0)
    assert heard(world, me) == 0
    minutes(world, 2, 1.0)
    minutes(world, 1, 9.0)
    assert heard(world, me) == 1


def test_what_a_stack_at_work_cannot_hear_it_hears_at_rest(world):
    slow = {'type': 'OS::Heat::TestResource', 'properties': {
        'value': 'a', 'action_wait_secs': {'update': 200}}}
    both = {**HANDLE, 'resources': {**HANDLE['resources'], 'slow': slow}}
    me = world.create('h', both)
    world.run()
    rule(world, me, 'high', 'h')
    changed = {**slow, 'properties': {**slow['properties'], 'value': 'b'}}
    world.update(me, {**both, 'resources': {**both['resources'], 'slow': changed}})
    minutes(world, 2, 9.0)
    assert (world.state(me), state(world, 'high'), heard(world, me)) == ('UPDATE_IN_PROGRESS', 'ALARM', 0)
    minutes(world, 3, 9.0)
    assert (world.state(me), state(world, 'high'), heard(world, me)) == ('UPDATE_COMPLETE', 'ALARM', 1)


def test_an_action_whose_resource_is_gone_is_told_in_the_history(world):
    me = handle(world)
    rule(world, me, 'high', 'h')
    world.delete(me)
    world.run()
    minutes(world, 3, 9.0)
    assert state(world, 'high') == 'ALARM'
    said = history(world, 'Action')
    assert len(said) == 1 and said[0].startswith('Failed to execute action arn:') and 'not there' in said[0]


# -- engines that die, and engines that are many ---------------------------------------------------


def crossing(world: World) -> Any:
    """A state is crossed and crossed back; how often it was told, and what is left of the signals."""
    me = handle(world)
    own = world.stack(me).identity.resource('h').arn()
    rule(world, me, 'high', 'h', ok_actions=[own])
    minutes(world, 1, 9.0)
    minutes(world, 2, 1.0)
    return (state(world, 'high'), history(world, 'StateUpdate'), len(history(world, 'Action')),
            heard(world, me), waiting(world))


def test_a_crash_at_any_point_loses_no_action_and_doubles_none(conf):
    whole = World(conf)
    expected = crossing(whole)
    assert expected == ('NORMAL', ['Alarm updated from INSUFFICIENT_DATA to ALARM',
                                   'Alarm updated from ALARM to OK'], 2, 2, 0)
    points = ('watch.before', 'watch.after', 'commit.before', 'commit.after')
    places = [(point, nth) for point in points for nth in range(1, whole.points[point] + 1)]
    assert {point for point, _nth in places} == set(points)
    for point, nth in places:
        world = World(conf)
        world.crash_at(point, nth)
        assert crossing(world) == expected, f'crash at {point} number {nth}'


def test_of_two_engines_one_evaluates_and_the_other_takes_over(world):
    me = handle(world)
    world.add_engine()
    rule(world, me, 'high', 'h')
    minutes(world, 1, 1.0)
    assert sum(engine.watcher.fence is not None for engine in world.engines) == 1
    world.kill(next(engine for engine in world.engines if engine.watcher.fence is not None))
    world.take_over(world.engine)
    minutes(world, 1, 9.0)
    assert state(world, 'high') == 'ALARM' and heard(world, me) == 1


def test_an_engine_that_was_away_for_too_long_changes_nothing(world):
    me = handle(world)
    rule(world, me, 'high', 'h')
    minutes(world, 1, 1.0)
    slow, fast = world.engine, world.add_engine()
    world.take_over(fast)
    assert None not in (slow.watcher.fence, fast.watcher.fence)
    measure(world, 9.0)
    world.clock.advance(60)
    assert slow.watcher.turn() is None and state(world, 'high') == 'NORMAL' and waiting(world) == 0
    assert fast.watcher.turn() is not None and state(world, 'high') == 'ALARM'


def test_an_engine_that_leaves_hands_the_rules_on(world):
    me = handle(world)
    rule(world, me, 'high', 'h')
    minutes(world, 1)
    first, second = world.engine, world.add_engine()
    assert first.watcher.fence is not None
    first.watcher.retire()
    second.owner.reap()
    assert second.watcher.fence is not None and second.watcher.turn() is not None


def test_without_rules_and_samples_nothing_is_asked(world):
    world.watch(60)
    assert world.engine.watcher.fence is None and world.leases_held() == 0
    seen = connect.count_statements(world.database)
    assert world.engine.watcher.turn() is None and seen.statements == 0
    me = handle(world)
    rule(world, me, 'high', 'h')
    minutes(world, 1, 1.0)
    assert world.leases_held() == 1
    world.engine.watches.delete_watches(world.context, ['high'])
    # The history goes after fourteen days, the samples after fifteen.
    for _ in range(16):
        world.clock.advance(86_400)
        world.engine.watcher.turn()
    assert world.engine.watcher.fence is None and world.leases_held() == 0
    rule(world, me, 'high', 'h')
    minutes(world, 1, 9.0)
    assert state(world, 'high') == 'ALARM'


# -- who sees what ---------------------------------------------------------------------------------


def test_a_user_inside_a_stack_measures_for_it_and_for_no_other(world):
    me = world.create('s', {**HANDLE, 'resources': {**HANDLE['resources'], 'a': {
        'type': 'OS::Heat::CWLiteAlarm', 'properties': {
            'Namespace': NS, 'MetricName': METRIC, 'Statistic': 'Maximum', 'Threshold': '5', 'Period': '60',
            'ComparisonOperator': 'GreaterThanThreshold', 'EvaluationPeriods': '1'}}}})
    world.run()
    name = world.rows(me)['a'].physical_id
    rule(world, me, 'other')
    inside = RequestContext(tenant_id=world.stack(me).stack_user_project_id, roles=('heat_stack_user',))
    sample = {'Namespace': NS, METRIC: {'Unit': 'None', 'Value': '9', 'Dimensions': []}}
    world.engine.metrics.create_watch_data(inside, name, sample)
    with pytest.raises(errors.WatchRuleNotFound):
        world.engine.metrics.create_watch_data(inside, 'other', sample)
    with pytest.raises(errors.WatchRuleNotFound):
        world.engine.metrics.put_metric_data(inside, NS, [{
            'name': METRIC, 'value': 9, 'dimensions': [['AlarmName', 'other']]}])
    world.engine.metrics.put_metric_data(inside, NS, [{'name': 'free', 'value': 9}])
    assert [one['name'] for one in world.engine.metrics.list_metrics(world.context)['metrics']] == [
        METRIC, 'free']
    world.watch(61)
    assert state(world, name) == 'ALARM'
    assert world.engine.watches.show_watch(inside, None) == []


def test_a_retained_alarm_is_the_projects_own(world):
    kept = {'heat_template_version': '2021-04-16', 'resources': {'a': {
        'type': 'AWS::CloudWatch::Alarm', 'deletion_policy': 'Retain', 'properties': {
            'AlarmName': 'kept', 'Namespace': NS, 'MetricName': METRIC, 'Statistic': 'Sum', 'Threshold': 1,
            'ComparisonOperator': 'GreaterThanThreshold', 'EvaluationPeriods': 1, 'Period': 60}}}}
    me = world.create('s', kept)
    world.run()
    with pytest.raises(errors.InvalidRestrictedAction, match='belongs to a resource of stack'):
        world.engine.watches.delete_watches(world.context, ['kept'])
    world.engine.intake.stack_suspend(world.context, me)
    world.run()
    assert state(world, 'kept') == 'SUSPENDED'
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and state(world, 'kept') == 'NODATA'
    minutes(world, 1, 9.0)
    assert state(world, 'kept') == 'ALARM'
    world.engine.watches.delete_watches(world.context, ['kept'])
