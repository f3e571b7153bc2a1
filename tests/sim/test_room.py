"""The limit on a stack's resources, where only a step knows how many there will be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.sim.nests import hot, text
from tests.sim.world import World


def said(name: str, wanted: int, most: int = 10) -> str:
    return (f'RequestLimitExceeded: resources.{name}: Request limit exceeded: Maximum resources per stack '
            f'exceeded: with what resource {name} holds there would be {wanted} resources, and {most} are '
            'allowed (max_resources_per_stack).')


@pytest.fixture(autouse=True)
def room(world: World) -> None:
    allow(world, 10)


def allow(world: World, most: int) -> None:
    world.conf.set_override('max_resources_per_stack', most)
    world.engine.loop.limits = replace(world.engine.loop.limits, resources=most)


def told(value: Any, **more: Any) -> dict[str, Any]:
    return {'type': 'OS::Heat::TestResource', 'properties': {'value': str(value)}, **more}


def group(count: Any, member: Any = None, **more: Any) -> dict[str, Any]:
    return {'type': 'OS::Heat::ResourceGroup',
            'properties': {'count': count, 'resource_def': member or told('m')}, **more}


ASKED = {'get_attr': ['a', 'output']}


def test_a_group_whose_size_an_attribute_tells_makes_no_more_than_a_stack_may_have(world: World) -> None:
    me = world.create('s', hot(a=told(9), g=group(ASKED)))
    world.run()
    assert world.state(me) == 'CREATE_FAILED'
    assert world.rows(me)['g'].reason == said('g', 11)
    assert not world.rows({'stack_id': world.rows(me)['g'].physical_id})
    fits = world.create('t', hot(a=told(8), g=group(ASKED)))
    world.run()
    assert world.state(fits) == 'CREATE_COMPLETE'


def test_a_group_of_a_thousand_million_is_refused_and_not_written_out_first(world: World) -> None:
    for kind in (group(ASKED), {'type': 'OS::Heat::AutoScalingGroup', 'properties': {
            'min_size': 1, 'max_size': 10 ** 9, 'desired_capacity': ASKED, 'resource': told('m')}}):
        me = world.create('s', hot(a=told(10 ** 9), g=kind))
        world.run()
        assert world.rows(me)['g'].reason == said('g', 10 ** 9 + 2)
        world.delete(me)
        world.run()


def test_what_stands_inside_of_members_counts_and_what_has_not_begun_yet(world: World) -> None:
    inner = {'type': 'OS::Heat::Stack', 'properties': {'template': text(hot(x=told(1), y=told(1)))}}
    me = world.create('s', hot(a=told(3), g=group(ASKED, inner)))
    world.run()
    assert world.rows(me)['g'].reason == said('g', 11)
    # What was validated with the request comes after what was not, and stays within the limit too.
    late = world.create('t', hot(a=told(3), g=group(ASKED), h=group(5, depends_on='g')))
    world.run()
    assert world.rows(late)['g'].reason == said('g', 11)


def test_a_size_handed_into_a_nested_stack_is_counted_where_it_becomes_known(world: World) -> None:
    inner = {**hot(g=group({'get_param': 'n'})), 'parameters': {'n': {'type': 'number'}}}
    around = {'type': 'OS::Heat::Stack', 'properties': {'template': text(inner), 'parameters': {'n': ASKED}}}
    me = world.create('s', hot(a=told(8), s=around))
    world.run()
    assert world.rows(me)['s'].reason == said('s', 11)
    assert world.rows(me)['s'].physical_id and world.stack(me).reason.endswith('(max_resources_per_stack).')


def test_an_update_is_held_to_it_and_its_rollback_is_not(world: World) -> None:
    me = world.create('s', hot(a=told(8), g=group(ASKED)), disable_rollback=False)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    allow(world, 5)
    # As many as there are already may stay, and fewer.
    world.update(me, hot(a=told(7), g=group(ASKED)), disable_rollback=False)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    world.update(me, hot(a=told(8), g=group(ASKED)), disable_rollback=False)
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE'
    assert f'g {said("g", 10, 5)}' in world.reasons(me)
    assert len(world.rows({'stack_id': world.rows(me)['g'].physical_id})) == 7


def test_any_number_is_any_number(world: World) -> None:
    allow(world, -1)
    me = world.create('s', hot(a=told(40), g=group(ASKED)))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
