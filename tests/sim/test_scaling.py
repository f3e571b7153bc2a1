"""Groups that grow and shrink by signals, whole, in bounds, and across crashes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from heat.common import errors
from heat.db import connect, resources
from heat.engine.scaling import Scaled
from heat.model.status import Action, Status
from heat.resources.heat.scaling_group import AutoScalingGroup as Group
from tests.sim.test_crash import POINTS, tally
from tests.sim.world import World

MEMBER = {'type': 'OS::Heat::TestResource', 'properties': {
    'value': 'm', 'action_wait_secs': {'create': 5, 'update': 5, 'delete': 2}}}


def policy(amount: float, kind: str = 'change_in_capacity', **more: Any) -> dict[str, Any]:
    return {'type': 'OS::Heat::ScalingPolicy', 'properties': {
        'auto_scaling_group_id': {'get_resource': 'g'}, 'adjustment_type': kind,
        'scaling_adjustment': amount, **more}}


def scaled(policies: dict[str, Any] | None = None, member: dict[str, Any] = MEMBER,
           outputs: dict[str, Any] | None = None, **props: Any) -> dict[str, Any]:
    sizes = {'min_size': 1, 'max_size': 4, 'desired_capacity': 2}
    return {'heat_template_version': '2021-04-16',
            'resources': {'g': {'type': 'OS::Heat::AutoScalingGroup', 'properties': {
                **sizes, 'resource': member, **props}},
                **(policies if policies is not None else {'up': policy(1), 'down': policy(-1)})},
            'outputs': {name: {'value': value} for name, value in (outputs or {}).items()}}


def child_of(world: World, me: dict[str, Any], name: str = 'g') -> dict[str, Any]:
    return {'stack_id': world.rows(me)[name].physical_id}


def members(world: World, me: dict[str, Any]) -> dict[str, Any]:
    return world.rows(child_of(world, me))


def ages(world: World, me: dict[str, Any]) -> list[str]:
    return list(world.rows(me)['g'].data['ages'])


def made(world: World, **options: Any) -> dict[str, Any]:
    me = world.create('s', scaled(**options))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    return me


def signals(world: World, me: dict[str, Any]) -> list[str]:
    return [e for e in world.events(me) if 'SIGNAL' in e]


def test_a_signal_grows_the_group_and_its_parent_stays_as_it_is(world):
    me = made(world)
    told: list[Any] = []
    world.engine.loop.carrier.announce = told.append
    world.signal(me, 'up')
    world.run(until=world.clock.monotonic() + 1)
    assert world.state(child_of(world, me)) == 'UPDATE_IN_PROGRESS'
    assert world.state(me) == 'CREATE_COMPLETE' and world.states(me)['g'] == 'CREATE_COMPLETE'
    assert world.rows(me)['g'].metadata['scaling_in_progress'] is True
    world.run()
    assert world.state(child_of(world, me)) == 'UPDATE_COMPLETE' and world.state(me) == 'CREATE_COMPLETE'
    assert len(members(world, me)) == 3 and world.rows(me)['g'].metadata['scaling_in_progress'] is False
    assert signals(world, me) == ['up SIGNAL_COMPLETE']
    assert 'up No signal details provided' in world.reasons(me)
    found = [(t.suffix, t.capacity, t.adjustment_type, t.adjustment) for t in told if isinstance(t, Scaled)]
    assert found == [('start', 2, 'ChangeInCapacity', 1), ('end', 3, 'ChangeInCapacity', 1)]
    assert world.leases_held() == 0


def test_names_are_short_and_age_decides_who_goes(world):
    me = made(world)
    first = ages(world, me)
    assert all(len(n) == 12 and n == n.lower() for n in first) and set(first) == set(members(world, me))
    world.signal(me, 'up')
    world.run()
    world.signal(me, 'down')
    world.run()
    assert first[0] not in members(world, me) and set(members(world, me)) == {first[1], ages(world, me)[-1]}


def test_a_failed_member_goes_first(world):
    me = made(world, desired_capacity=3)
    young = ages(world, me)[-1]
    row = members(world, me)[young]
    with connect.write(world.database) as conn:
        resources.upsert_rows(conn, [row.to(Action.CHECK, Status.FAILED, 'sick')], world.crypt)
    world.signal(me, 'down')
    world.run()
    # Two that are sound count as two; one less is one, and the sick one is not it.
    assert young not in members(world, me) and len(members(world, me)) == 1


def test_the_bounds_hold_and_what_changes_nothing_leaves_no_event(world):
    me = made(world, max_size=3)
    for _ in range(3):
        world.signal(me, 'up')
        world.run()
    assert len(members(world, me)) == 3 and signals(world, me) == ['up SIGNAL_COMPLETE']
    for _ in range(4):
        world.signal(me, 'down')
        world.run()
    assert len(members(world, me)) == 1 and signals(world, me).count('down SIGNAL_COMPLETE') == 2


def allow(world: World, most: int) -> None:
    world.engine.loop.limits = replace(world.engine.loop.limits, resources=most)


def crowded(world: World, most: int, count: int = 3) -> dict[str, Any]:
    """A stack of two members with so many resources each, in which there may be ``most``."""
    allow(world, most)
    group = {'type': 'OS::Heat::ResourceGroup', 'properties': {'count': count, 'resource_def': MEMBER}}
    me = made(world, member=group, policies={'up': policy(1), 'more': policy(2), 'down': policy(-1)})
    assert len(members(world, me)) == 2
    return me


def test_a_signal_makes_no_more_resources_than_a_stack_may_have(world):
    # Four in the stack itself and four for each member, itself among them.
    me = crowded(world, most=16)
    before = world.events(child_of(world, me))
    world.signal(me, 'more')
    world.run()
    assert signals(world, me) == ['more SIGNAL_FAILED']
    assert world.reasons(me)[-1] == (
        'more Request limit exceeded: Maximum resources per stack exceeded: with 4 members in group g there '
        'would be 20 resources, and 16 are allowed (max_resources_per_stack).')
    # Nothing was begun: the group is as it was, and the next signal finds it free.
    assert world.events(child_of(world, me)) == before
    assert not world.rows(me)['g'].metadata.get('scaling_in_progress') and world.leases_held() == 0
    world.signal(me, 'up')
    world.run()
    assert len(members(world, me)) == 3 and world.state(child_of(world, me)) == 'UPDATE_COMPLETE'


def test_a_group_may_shrink_though_the_stack_has_too_many_resources(world):
    me = crowded(world, most=20)
    allow(world, 5)
    world.signal(me, 'up')
    world.run()
    assert signals(world, me) == ['up SIGNAL_FAILED'] and len(members(world, me)) == 2
    world.signal(me, 'down')
    world.run()
    assert len(members(world, me)) == 1


def test_the_state_of_the_alarm_is_told_and_ignored(world):
    me = made(world)
    world.signal(me, 'up', {'previous': 'alarm', 'current': 'ok', 'reason': 'x'})
    world.run()
    assert len(members(world, me)) == 3
    assert 'up alarm state changed from alarm to ok (x)' in world.reasons(me)


def test_a_cooldown_keeps_signals_off_and_outlives_the_engine(world):
    me = made(world, policies={'up': policy(1, cooldown=100)})
    world.signal(me, 'up')
    world.run()
    assert list(world.rows(me)['g'].metadata['cooldown_end'].values()) == ['ChangeInCapacity : 1']
    world.kill(world.engine)
    world.add_engine()
    world.signal(me, 'up')
    world.run()
    assert len(members(world, me)) == 3 and signals(world, me) == ['up SIGNAL_COMPLETE']
    world.clock.advance(101)
    world.signal(me, 'up')
    world.run()
    assert len(members(world, me)) == 4


def test_the_group_rests_after_its_making(world):
    me = made(world, cooldown=60)
    assert list(world.rows(me)['g'].metadata['cooldown_end'].values()) == ['ExactCapacity : 2']
    world.signal(me, 'up')
    world.run()
    assert len(members(world, me)) == 2 and signals(world, me) == []
    world.clock.advance(61)
    world.signal(me, 'up')
    world.run()
    assert len(members(world, me)) == 3


def test_a_signal_while_the_group_is_being_resized_does_nothing(world):
    me = made(world)
    world.signal(me, 'up')
    world.run(until=world.clock.monotonic() + 1)
    world.signal(me, 'up')
    world.run()
    assert len(members(world, me)) == 3 and signals(world, me) == ['up SIGNAL_COMPLETE']


def test_a_signal_while_the_group_is_being_updated_does_nothing(world):
    me = made(world)
    world.update(me, scaled(desired_capacity=3))
    world.run(until=world.clock.monotonic() + 1)
    world.signal(me, 'up')
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and len(members(world, me)) == 3 and signals(world, me) == []


def test_an_update_takes_over_a_group_that_is_being_resized(world):
    me = made(world)
    world.signal(me, 'up')
    world.run(until=world.clock.monotonic() + 1)
    world.update(me, scaled(desired_capacity=4, cooldown=5))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and len(members(world, me)) == 4
    row = world.rows(me)['g']
    assert 'scaling' not in row.data and row.metadata['scaling_in_progress'] is False
    assert set(world.states(child_of(world, me)).values()) == {'CREATE_COMPLETE'}


def test_deleting_while_the_group_is_being_resized(world):
    me = made(world)
    child = child_of(world, me)
    world.signal(me, 'up')
    world.run(until=world.clock.monotonic() + 1)
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and world.stack(child).deleted_at is not None


def test_a_resizing_that_fails_leaves_the_stack_as_it_was_and_can_be_repaired(world):
    bad = {'type': 'OS::Heat::TestResource', 'properties': {'value': 'm', 'fail': True}}
    me = made(world, min_size=0, desired_capacity=None, member=bad)
    told: list[Any] = []
    world.engine.loop.carrier.announce = told.append
    world.signal(me, 'up')
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE' and world.state(child_of(world, me)) == 'UPDATE_FAILED'
    assert [t.suffix for t in told if isinstance(t, Scaled)] == ['start', 'error']
    assert world.rows(me)['g'].data.get('scaling') is None
    world.update(me, scaled(min_size=1, desired_capacity=1))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert set(world.states(child_of(world, me)).values()) == {'CREATE_COMPLETE'}


def test_time_runs_out_for_a_resizing(world):
    slow = {'type': 'OS::Heat::TestResource', 'properties': {
        'value': 'm', 'action_wait_secs': {'create': 3000}}}
    me = world.create('s', scaled(min_size=0, desired_capacity=None, member=slow), timeout_mins=1)
    world.run()
    start = world.clock.monotonic()
    world.signal(me, 'up')
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE' and world.state(child_of(world, me)) == 'UPDATE_FAILED'
    assert world.stack(child_of(world, me)).reason == 'Timed out'
    assert 60 <= world.clock.monotonic() - start < 70


def test_attributes_follow_the_size(world):
    outputs = {'size': {'get_attr': ['g', 'current_size']},
               'map': {'get_attr': ['g', 'outputs', 'output']},
               'list': {'get_attr': ['g', 'outputs_list', 'output']},
               'refs': {'get_attr': ['g', 'refs']}}
    me = made(world, outputs=outputs)
    world.signal(me, 'up')
    world.run()
    row = world.rows(me)['g']
    assert Group.attribute(row, 'current_size', ()) == 3 and len(Group.attribute(row, 'refs', ())) == 3
    assert Group.attribute(row, 'outputs_list', ('output',)).value == ['m'] * 3
    assert set(Group.attribute(row, 'outputs', ('output',)).value) == set(members(world, me))


def test_a_new_definition_rolls_one_by_one(world):
    me = made(world, desired_capacity=3)
    names = set(members(world, me))
    new = {'type': 'OS::Heat::TestResource', 'properties': {
        'value': 'n', 'action_wait_secs': {'update': 5}}}
    start = world.clock.monotonic()
    world.update(me, scaled(member=new, desired_capacity=3, rolling_updates={'pause_time': 20}))
    world.run(until=start + 10)
    assert sorted(r.data['value'] for r in members(world, me).values()) == ['m', 'm', 'n']
    world.run()
    assert {r.data['value'] for r in members(world, me).values()} == {'n'}
    assert set(members(world, me)) == names
    assert 55 <= world.clock.monotonic() - start < 58


def test_a_rolling_update_with_all_in_service_keeps_the_count_and_leaves_none_behind(world):
    me = made(world, desired_capacity=3)
    new = {'type': 'OS::Heat::TestResource', 'properties': {'value': 'n'}}
    world.update(me, scaled(member=new, desired_capacity=3,
                            rolling_updates={'min_in_service': 3, 'max_batch_size': 2}))
    world.run()
    assert [r.data['value'] for r in members(world, me).values()] == ['n'] * 3


def test_a_scaled_group_keeps_its_size_at_an_update_that_names_none(world):
    me = made(world, desired_capacity=None)
    world.signal(me, 'up')
    world.run()
    world.update(me, scaled(desired_capacity=None, max_size=9))
    world.run()
    assert len(members(world, me)) == 2
    world.update(me, scaled(desired_capacity=None, min_size=3, max_size=9))
    world.run()
    assert len(members(world, me)) == 3


def test_a_policy_without_a_group_says_so(world):
    me = world.create('s', {'heat_template_version': '2021-04-16', 'resources': {'up': {
        'type': 'OS::Heat::ScalingPolicy', 'properties': {
            'auto_scaling_group_id': 'nowhere', 'adjustment_type': 'exact_capacity',
            'scaling_adjustment': 1}}}})
    world.run()
    world.signal(me, 'up')
    world.run()
    assert 'up Alarm up could not find scaling group named "nowhere"' in world.reasons(me)
    assert signals(world, me) == ['up SIGNAL_FAILED']


def test_a_policy_needs_no_cloudformation_service(world):
    world.conf.set_override('heat_waitcondition_server_url', None)
    world.engine.loader._addresses._urls = None
    me = made(world)
    assert 'signed_url' not in world.rows(me)['up'].data
    assert world.rows(me)['up'].data['signal_url'].endswith('/resources/up/signal')
    world.signal(me, 'up')
    world.run()
    assert len(members(world, me)) == 3


def test_a_suspended_policy_takes_no_signal_and_that_is_recorded(world):
    me = made(world)
    world.engine.intake.stack_suspend(world.context, me)
    world.run()
    with pytest.raises(errors.NotSupported, match='Signal resource during SUSPEND'):
        world.signal(me, 'up')
    assert 'up Cannot signal resource during SUSPEND' in world.reasons(me)


@pytest.mark.parametrize('wrong, said', [
    ({'min_size': 5}, 'min_size can not be greater than max_size'),
    ({'desired_capacity': 9}, 'desired_capacity must be between min_size and max_size'),
    ({'policies': {'up': policy(1, min_adjustment_step=2)}},
     'min_adjustment_step property should only be specified for adjustment_type with value '
     'percent_change_in_capacity'),
    ({'member': {'properties': {}}}, 'must have a type'),
    ({'member': {'type': 'OS::Heat::Nonsense'}}, 'could not be found')])
def test_what_does_not_fit_is_refused(world, wrong, said):
    with pytest.raises(errors.StackValidationFailed, match=said):
        world.create('s', scaled(**wrong))


def life(world: World) -> Any:
    me = made(world)
    seen = []
    for name in ('up', 'up', 'down'):
        world.signal(me, name)
        world.run()
        seen.append((len(members(world, me)), ages(world, me), world.rows(me)['g'].attrs['refs_map'].keys(),
                     world.states(me), world.state(child_of(world, me))))
    numbers = {name: number for number, name in enumerate(seen[1][1])}
    return ([(size, [numbers.get(n, 'gone') for n in names], len(refs), *rest)
             for size, names, refs, *rest in seen],
            sorted(e for e in tally(world.events(me)).items()), world.leases_held(),
            'scaling' in world.rows(me)['g'].data)


@pytest.fixture(scope='module')
def undisturbed(conf) -> tuple[Any, dict[str, int]]:
    world = World(conf)
    seen = life(world)
    assert [s[0] for s in seen[0]] == [3, 4, 3]
    return seen, dict(world.points)


@pytest.mark.parametrize('point', POINTS)
def test_a_crash_anywhere_in_scaling(conf, undisturbed, point):
    expected, counts = undisturbed
    assert counts[point] > 2
    for nth in range(1, counts[point] + 1):
        world = World(conf)
        world.crash_at(point, nth)
        assert life(world) == expected, f'crash at {point} number {nth}'


def test_a_signal_for_a_thousand_million_members_is_refused_and_they_are_not_written_out_first(world):
    allow(world, 16)
    me = made(world, max_size=10 ** 9, policies={'all': policy(10 ** 9)})
    world.signal(me, 'all')
    world.run()
    assert signals(world, me) == ['all SIGNAL_FAILED']
    assert f'with {10 ** 9} members in group g there would be {10 ** 9 + 2} resources, and 16' in (
        world.reasons(me)[-1])
