"""Groups replaced a batch at a time: sizes, pauses, failures, and engines that die in between."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.test_crash import POINTS, tally
from tests.sim.world import World


def group(value: str, count: int = 4, policy: dict[str, Any] | None = None, fail: bool = False,
          seconds: int = 10, **props: Any) -> dict[str, Any]:
    member = {'type': 'OS::Heat::TestResource', 'properties': {
        'value': value, 'fail': fail, 'action_wait_secs': {'create': seconds, 'update': seconds}}}
    return {'heat_template_version': '2021-04-16', 'resources': {'g': {
        'type': 'OS::Heat::ResourceGroup', 'update_policy': policy or {},
        'properties': {'count': count, 'resource_def': member, **props}}}}


def rolling(batch: int, pause: int = 0, in_service: int = 0) -> dict[str, Any]:
    return {'rolling_update': {'max_batch_size': batch, 'pause_time': pause, 'min_in_service': in_service}}


def child_of(world: World, me: dict[str, Any], name: str = 'g') -> dict[str, Any]:
    return {'stack_id': world.rows(me)[name].physical_id}


def values(world: World, me: dict[str, Any]) -> dict[str, Any]:
    return {name: row.data.get('value') for name, row in world.rows(child_of(world, me)).items()}


def batches(world: World, me: dict[str, Any], since: int) -> list[list[str]]:
    """The names that were begun in each goal of the child, after its first ``since`` events."""
    found: list[list[str]] = []
    for event in world.events(child_of(world, me))[since:]:
        name, state = event.split(' ')
        if state == 'UPDATE_IN_PROGRESS' and '-g-' in name:
            found.append([])
        elif state in ('UPDATE_IN_PROGRESS', 'CREATE_IN_PROGRESS', 'DELETE_IN_PROGRESS'):
            found[-1].append(f'{name} {state[:3]}')
    return found


def made(world: World, **options: Any) -> tuple[dict[str, Any], int]:
    me = world.create('s', group('a', **options))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    return me, len(world.events(child_of(world, me)))


def test_members_are_updated_two_at_a_time_with_pauses(world):
    me, since = made(world)
    start = world.clock.monotonic()
    world.update(me, group('b', policy=rolling(2, pause=60)))
    world.run(until=start + 30)
    assert sorted(values(world, me).values()) == ['a', 'a', 'b', 'b']
    assert world.state(me) == 'UPDATE_IN_PROGRESS'
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and set(values(world, me).values()) == {'b'}
    assert [sorted(b) for b in batches(world, me, since)] == [['0 UPD', '1 UPD'], ['2 UPD', '3 UPD']]
    # Two batches of ten seconds and one pause between them.
    assert 80 <= world.clock.monotonic() - start < 85
    assert world.leases_held() == 0


def test_without_a_policy_all_go_at_once(world):
    me, since = made(world)
    world.update(me, group('b'))
    world.run()
    assert len(batches(world, me, since)) == 1 and set(values(world, me).values()) == {'b'}


def test_another_count_alone_is_no_rolling_update(world):
    me, since = made(world, policy=rolling(1, pause=60))
    world.update(me, group('a', count=7, policy=rolling(1, pause=60)))
    world.run()
    assert len(batches(world, me, since)) == 1 and len(values(world, me)) == 7


def test_more_members_are_made_so_that_enough_serve(world):
    me, since = made(world)
    world.update(me, group('b', policy=rolling(2, in_service=4)))
    world.run()
    found = [sorted(b) for b in batches(world, me, since)]
    assert found == [['4 CRE', '5 CRE'], ['0 UPD', '1 UPD'], ['2 UPD', '3 UPD'], ['4 DEL', '5 DEL']]
    assert values(world, me) == dict.fromkeys('0123', 'b')


def test_a_group_is_made_in_batches(world):
    start = world.clock.monotonic()
    me = world.create('s', group('a', count=5, policy={'batch_create': {'max_batch_size': 2,
                                                                        'pause_time': 30}}))
    world.run(until=start + 5)
    assert set(world.rows(child_of(world, me))) == {'0', '1'}
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE' and set(values(world, me)) == set('01234')
    assert 90 <= world.clock.monotonic() - start < 95
    assert world.events(me)[-2:] == ['g CREATE_COMPLETE', 's CREATE_COMPLETE']


def test_a_failed_batch_ends_the_update_with_its_cause(world):
    me, since = made(world)
    world.update(me, group('b', policy=rolling(2), fail=True))
    world.run()
    assert world.state(me) == 'UPDATE_FAILED'
    reason = world.stack(me).reason
    assert reason.startswith('Resource UPDATE failed: ValueError: resources.g.resources.')
    assert 'Test Resource failed' in reason
    # The second batch was not begun.
    assert {n for b in batches(world, me, since) for n in b} == {'0 UPD', '1 UPD'}
    world.update(me, group('c', policy=rolling(2)))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and set(values(world, me).values()) == {'c'}
    assert [len({n[0] for n in b}) for b in batches(world, me, since)[1:]] == [2, 2]


def test_a_failed_rolling_update_is_rolled_back_in_batches(world):
    me = world.create('s', group('a'), disable_rollback=False)
    world.run()
    world.update(me, {**group('b', policy=rolling(2)), 'resources': {
        **group('b', policy=rolling(2))['resources'],
        'bad': {'type': 'OS::Heat::TestResource', 'depends_on': 'g', 'properties': {'fail': True}}}})
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE' and set(values(world, me).values()) == {'a'}


def test_a_newer_update_overtakes_a_pause(world):
    me, _ = made(world)
    start = world.clock.monotonic()
    world.update(me, group('b', policy=rolling(2, pause=500)))
    world.run(until=start + 100)
    world.update(me, group('c', policy=rolling(2, pause=1)))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and set(values(world, me).values()) == {'c'}
    assert world.clock.monotonic() - start < 200


def test_a_newer_update_overtakes_a_batch(world):
    me, since = made(world)
    start = world.clock.monotonic()
    world.update(me, group('b', policy=rolling(2, pause=500)))
    world.run(until=start + 5)
    world.update(me, group('c', policy=rolling(2, pause=1)))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and set(values(world, me).values()) == {'c'}
    # The batch under way ends, and then the new ones come.
    assert world.clock.monotonic() - start < 40
    assert [len({n[0] for n in b}) for b in batches(world, me, since)] == [2, 2, 2]


def test_deleting_during_a_pause(world):
    me, _ = made(world)
    start = world.clock.monotonic()
    world.update(me, group('b', policy=rolling(1, pause=500)))
    world.run(until=start + 100)
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and world.clock.monotonic() - start < 200


def test_time_runs_out_during_a_pause(world):
    me, _ = made(world)
    world.update(me, group('b', policy=rolling(1, pause=500)), timeout_mins=1)
    world.run()
    assert world.state(me) == 'UPDATE_FAILED' and world.stack(me).reason == 'Timed out'


def test_a_pause_outlives_the_engine(world):
    me, since = made(world)
    start = world.clock.monotonic()
    world.update(me, group('b', policy=rolling(2, pause=300)))
    world.run(until=start + 100)
    world.kill(world.engine)
    world.take_over(world.add_engine())
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and set(values(world, me).values()) == {'b'}
    assert [sorted(b) for b in batches(world, me, since)] == [['0 UPD', '1 UPD'], ['2 UPD', '3 UPD']]
    # Ten seconds, the whole pause and no more, ten seconds.
    assert 320 <= world.clock.monotonic() - start < 325


def life(world: World) -> Any:
    me = world.create('s', group('a', count=3, seconds=2, policy={
        'batch_create': {'max_batch_size': 2, 'pause_time': 40}}))
    world.run()
    first = (world.state(me), world.states(child_of(world, me)))
    world.update(me, group('b', count=3, seconds=2, policy=rolling(1, pause=50, in_service=3)))
    world.run()
    return (first, world.state(me), world.states(me), world.states(child_of(world, me)), values(world, me),
            sorted(tally(world.events(me, own=False)).items()), world.leases_held())


@pytest.fixture(scope='module')
def undisturbed(conf) -> tuple[Any, dict[str, int]]:
    world = World(conf)
    seen = life(world)
    assert seen[1] == 'UPDATE_COMPLETE' and set(seen[4].values()) == {'b'} and len(seen[4]) == 3
    return seen, dict(world.points)


@pytest.mark.parametrize('point', [p for p in POINTS if p.startswith('commit')])
def test_a_crash_anywhere_in_a_rolling_update(conf, undisturbed, point):
    expected, counts = undisturbed
    assert counts[point] > 10
    for nth in range(1, counts[point] + 1):
        world = World(conf)
        world.crash_at(point, nth)
        assert life(world) == expected, f'crash at {point} number {nth}'
