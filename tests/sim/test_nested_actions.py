"""Actions on a stack reach those inside it."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common import errors
from heat.db import connect
from heat.engine import integrity
from tests.sim.nests import INNER, MAPPED, below, files, hot, inner, res, text, thing
from tests.sim.test_actions import act
from tests.sim.test_crash import POINTS


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
    for verb, wish in (('Delete', lambda: world.delete(child)),
                       ('Suspend', lambda: act(world, 'stack_suspend', child)),
                       ('Update', lambda: world.update(child, hot(a=res())))):
        with pytest.raises(errors.NotSupported) as refused:
            wish()
        assert f'{verb} of a nested stack by itself' in str(refused.value)
        assert f'ask it of stack {me["stack_id"]}' in str(refused.value)
    assert world.state(child) == 'CREATE_COMPLETE'


def sound(world: Any, me: dict[str, Any]) -> list[str]:
    with connect.read(world.database) as conn:
        return integrity.check_tree(conn, me['stack_id'], world.crypt)


def test_a_nested_stack_is_checked_by_itself(world):
    me = made(world)
    child = below(world, me, 't', 'm')
    act(world, 'stack_check', child)
    world.run()
    assert world.state(child) == 'CHECK_COMPLETE' and world.states(child) == {'a': 'CHECK_COMPLETE'}
    assert world.state(me) == 'CREATE_COMPLETE' and world.states(below(world, me, 't')) == {
        'm': 'CREATE_COMPLETE'}
    assert sound(world, me) == [] and world.leases_held() == 0
    # Its parent leads it on as before.
    world.update(me, deep(), environment=ENVIRONMENT, files=files(inner('!'), outer=hot(m=thing('x'))))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and world.rows(child)['a'].props['value'] == 'x!'


@pytest.mark.parametrize('point', POINTS)
def test_a_check_of_a_nested_stack_outlives_its_engine(world, point):
    me = made(world)
    child = below(world, me, 't', 'm')
    world.crash_at(point)
    act(world, 'stack_check', child)
    world.run()
    assert world.state(child) == 'CHECK_COMPLETE' and sound(world, me) == []


def test_a_nested_stack_that_works_is_not_checked(world):
    me = world.create('s', hot(t=thing('x')), environment=MAPPED,
                      files=files(inner(action_wait_secs={'create': 50})))
    world.run(until=world.clock.monotonic() + 5)
    with pytest.raises(errors.ActionInProgress):
        act(world, 'stack_check', below(world, me, 't'))


def test_the_work_of_a_nested_stack_is_stopped_by_itself(world):
    me = world.create('s', hot(t=thing('x')), environment=MAPPED, files=files())
    world.run()
    world.update(me, hot(t=thing('y')), environment=MAPPED, files=files(
        inner('!', action_wait_secs={'update': 5000})))
    world.run(until=world.clock.monotonic() + 5)
    child = below(world, me, 't')
    with pytest.raises(errors.NotSupported, match='with rollback'):
        act(world, 'stack_cancel_update', child)
    act(world, 'stack_cancel_update', child, cancel_with_rollback=False)
    world.run(until=world.clock.monotonic() + 5)
    assert world.state(child) == 'UPDATE_FAILED' and world.state(me) == 'UPDATE_FAILED'
    assert world.stack(child).reason == 'Stack UPDATE cancelled'
    assert world.rows(child)['a'].reason == 'UPDATE aborted (user triggered cancel)'
    # It continues from where it was stopped.
    world.update(me, hot(t=thing('y')), environment=MAPPED, files=files(inner('!')))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE', world.stack(me).reason
    assert sound(world, me) == []


def test_stopping_a_nested_stack_stops_what_is_in_it(world):
    me = world.create('s', hot(t={'type': 'My::Outer'}), environment=ENVIRONMENT, files=files(
        inner(action_wait_secs={'create': 5000}), outer=hot(m=thing('x'))))
    world.run(until=world.clock.monotonic() + 5)
    act(world, 'stack_cancel_update', below(world, me, 't'), cancel_with_rollback=False)
    world.run(until=world.clock.monotonic() + 5)
    inmost = below(world, me, 't', 'm')
    assert world.state(me) == 'CREATE_FAILED' and world.stack(inmost).reason == 'Stack CREATE cancelled'
    assert world.rows(inmost)['a'].reason == 'CREATE aborted (user triggered cancel)'


def test_signals_marks_and_hooks_go_to_resources_of_a_nested_stack(world):
    handle = hot(h={'type': 'OS::Heat::WaitConditionHandle'},
                 w={'type': 'OS::Heat::WaitCondition', 'properties': {
                     'handle': {'get_resource': 'h'}, 'timeout': 600}}, a=res())
    me = world.create('s', hot(t=thing()), files=files(handle), environment={
        'resource_registry': {'My::Thing': INNER, 'resources': {'t': {'a': {'hooks': 'pre-create'}}}}})
    world.run(until=world.clock.monotonic() + 5)
    child = below(world, me, 't')
    world.signal(child, 'h', {'status': 'SUCCESS', 'id': '1', 'data': 'd', 'reason': 'r'})
    world.signal(child, 'a', {'unset_hook': 'pre-create'})
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE', world.stack(me).reason
    world.actions.resource_mark_unhealthy(world.context, child, 'a', True, 'sick')
    assert world.states(child)['a'] == 'CHECK_FAILED'
    before = world.rows(child)['a'].physical_id
    world.update(me, None, existing=True)
    world.run(until=world.clock.monotonic() + 5)
    # The one that replaces it is made under the same hook.
    world.signal(child, 'a', {'unset_hook': 'pre-create'})
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE', world.stack(me).reason
    assert world.rows(child)['a'].physical_id != before
