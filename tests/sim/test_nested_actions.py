"""Actions on a stack reach those inside it."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common import errors
from heat.db import connect
from heat.engine import integrity
from tests.sim.nests import INNER, MAPPED, below, files, hot, inner, res, text, thing
from tests.sim.test_actions import act


def deep() -> dict[str, Any]:
    return hot(t={'type': 'My::Outer'},
               c={'type': 'OS::Heat::ResourceChain', 'properties': {'resources': ['My::Thing']}},
               s={'type': 'OS::Heat::Stack', 'properties': {'template': text(inner())}})


ENVIRONMENT = {'resource_registry': {'My::Outer': 'file:///outer.yaml', 'My::Thing': INNER}}
PLACES = (('t',), ('t', 'm'), ('c',), ('c', '0'), ('s',))


def made(world: Any) -> dict[str, Any]:
    me = world.create('s', deep(), environment=ENVIRONMENT, files=files(outer=hot(m=thing('x'))))
    world.run()
    return me


def states(world: Any, me: dict[str, Any]) -> set[str]:
    """The states of all stacks and resources of the tree."""
    stacks = [me, *(below(world, me, *place) for place in PLACES)]
    return {world.state(one) for one in stacks} | {
        state for one in stacks for state in world.states(one).values()}


def test_suspend_resume_and_check_reach_every_level(world):
    me = made(world)
    for method, state in (('stack_suspend', 'SUSPEND_COMPLETE'), ('stack_resume', 'RESUME_COMPLETE'),
                          ('stack_check', 'CHECK_COMPLETE')):
        act(world, method, me)
        world.run()
        assert states(world, me) == {state}


def test_an_update_after_resuming_goes_on_as_before(world):
    me = made(world)
    act(world, 'stack_suspend', me)
    world.run()
    act(world, 'stack_resume', me)
    world.run()
    world.update(me, deep(), environment=ENVIRONMENT, files=files(inner('!'), outer=hot(m=thing('x'))))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert world.rows(below(world, me, 't', 'm'))['a'].props['value'] == 'x!'


def test_a_check_of_an_engine_that_took_over_reaches_the_inside(world):
    me = made(world)
    act(world, 'stack_check', me)
    other = world.add_engine()
    world.kill(world.engines[0])
    world.take_over(other)
    world.run()
    assert states(world, me) == {'CHECK_COMPLETE'}


def test_deleting_while_the_inside_is_made(world):
    slow = inner(action_wait_secs={'create': 3000})
    me = world.create('s', hot(t={'type': 'My::Outer'}), environment=ENVIRONMENT,
                      files=files(slow, outer=hot(m=thing('x'))))
    world.run(until=world.clock.monotonic() + 5)
    world.delete(me)
    world.run(until=world.clock.monotonic() + 100)
    assert world.state(me) == 'DELETE_COMPLETE'


def test_a_newer_update_overtakes_one_in_the_inside(world):
    me = world.create('s', hot(t=thing('x')), environment=MAPPED, files=files())
    world.run()
    world.update(me, hot(t=thing('y')), environment=MAPPED, files=files(inner('!', wait_secs=50)))
    world.run(until=world.clock.monotonic() + 5)
    world.update(me, hot(t=thing('z')), environment=MAPPED, files=files(inner('?')))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert world.rows(below(world, me, 't'))['a'].props['value'] == 'z?'


def test_cancelling_an_update_of_the_inside_goes_back(world):
    me = world.create('s', hot(t=thing('x')), environment=MAPPED, files=files())
    world.run()
    world.update(me, hot(t=thing('y')), environment=MAPPED, files=files(inner('!', wait_secs=50)))
    world.run(until=world.clock.monotonic() + 5)
    act(world, 'stack_cancel_update', me)
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE'
    assert world.rows(below(world, me, 't'))['a'].props['value'] == 'x'


def test_a_failed_creation_is_rolled_back_with_its_inside(world):
    me = world.create('s', hot(t=thing('x'), b=res(depends_on='t', props={'fail': True})), environment=MAPPED,
                      files=files(), disable_rollback=False)
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE' and world.rows(me) == {}


def test_a_retained_resource_leaves_its_inside(world):
    me = world.create('s', hot(t=thing('x', deletion_policy='Retain')), environment=MAPPED, files=files())
    world.run()
    child = below(world, me, 't')
    world.update(me, hot(n={'type': 'OS::Heat::None'}))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and set(world.rows(me)) == {'n'}
    # The stack is forgotten, for nobody could act on it any more; what is in it is left where it is.
    assert world.state(child) == 'DELETE_COMPLETE'
    told = [one for one in world.events(child) if one.startswith('a ')]
    assert told[-2:] == ['a DELETE_IN_PROGRESS', 'a DELETE_COMPLETE']
    with connect.read(world.database) as conn:
        assert integrity.check_tree(conn, me['stack_id'], world.crypt) == []


def test_a_nested_stack_takes_its_goals_from_its_parent(world):
    me = world.create('s', hot(t=thing('x')), environment=MAPPED, files=files())
    world.run()
    child = below(world, me, 't')
    for wish in (lambda: world.delete(child), lambda: act(world, 'stack_check', child),
                 lambda: world.update(child, hot(a=res()))):
        with pytest.raises(errors.NotSupported, match='An action on a nested stack by itself'):
            wish()
    assert world.state(child) == 'CREATE_COMPLETE'
