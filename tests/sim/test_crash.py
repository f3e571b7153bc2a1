"""A crash at every failpoint of a life: the end is the same as without it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.world import World

POINTS = ('commit.before', 'commit.after', 'call.before', 'call.after')


def template(value: str, size: int = 2) -> dict[str, Any]:
    return {'heat_template_version': '2021-04-16', 'resources': {
        'net': {'type': 'OS::Heat::TestResource', 'properties': {
            'value': value, 'action_wait_secs': {'create': 3, 'update': 2, 'delete': 1}}},
        'pass': {'type': 'OS::Heat::RandomString', 'depends_on': 'net'},
        'h': {'type': 'OS::Heat::WaitConditionHandle'},
        'g': {'type': 'OS::Heat::ResourceGroup', 'depends_on': 'net', 'properties': {
            'count': size, 'resource_def': {'type': 'OS::Heat::TestResource', 'properties': {
                'value': value + '%index%', 'action_wait_secs': {'create': 1}}}}},
        'top': {'type': 'OS::Heat::TestResource', 'properties': {
            'value': {'get_attr': ['g', 'resource.1.output']},
            'update_replace_value': value}}}}


def life(world: World) -> list[Any]:
    """Create, update with a replacement, delete; what the user could see after each."""
    seen: list[Any] = []
    me = world.create('s', template('a'))
    world.run()
    seen.append(snapshot(world, me))
    world.update(me, template('b', 3))
    world.run()
    seen.append(snapshot(world, me))
    world.delete(me)
    world.run()
    seen.append((world.state(me), world.states(me), world.leases_held()))
    return seen


def snapshot(world: World, me: dict[str, Any]) -> Any:
    rows = world.rows(me)
    child = {'stack_id': rows['g'].physical_id}
    return (world.state(me), world.states(me), world.states(child),
            {n: (r.props or {}).get('value') for n, r in rows.items() if n != 'g'},
            sorted(tally(world.events(me, own=False)).items()), world.leases_held())


def tally(events: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for event in events:
        name, state = event.split(' ', 1)
        key = f'{name.partition("-g-")[0]} {state}'
        counts[key] = counts.get(key, 0) + 1
    return counts


@pytest.fixture(scope='module')
def undisturbed(conf) -> tuple[list[Any], dict[str, int]]:
    world = World(conf)
    seen = life(world)
    assert [s[0] for s in seen] == ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'DELETE_COMPLETE']
    return seen, dict(world.points)


@pytest.mark.parametrize('point', POINTS)
def test_every_crash_ends_where_no_crash_ends(conf, undisturbed, point):
    expected, counts = undisturbed
    assert counts[point] > 2
    for nth in range(1, counts[point] + 1):
        world = World(conf)
        world.crash_at(point, nth)
        seen = life(world)
        assert seen == expected, f'crash at {point} number {nth}'


def test_two_engines_share_stacks_and_one_dies(conf):
    world = World(conf)
    other = world.add_engine()
    first = world.create('one', template('a'))
    second = other.intake.create_stack(world.context, 'two', template('a'), {}, {}, {})
    world.run(until=world.clock.monotonic() + 2)
    dead = world.engines[0]
    world.kill(dead)
    world.take_over(other)
    world.run()
    assert world.state(first) == world.state(second) == 'CREATE_COMPLETE'
