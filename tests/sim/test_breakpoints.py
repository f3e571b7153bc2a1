"""Hooks, restricted actions, external things, guards: what holds a traversal or forbids it."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common import errors
from heat.model.op import Call
from tests.sim.test_lifecycle import hot, of, res
from tests.sim.world import World

POINTS = ('commit.before', 'commit.after', 'call.before', 'call.after')


def environment(**rooms: Any) -> dict[str, Any]:
    return {'parameters': {}, 'resource_registry': {'resources': rooms}}


def settle(world: World) -> None:
    """As far as it goes while hooks hold; not as far as the timeout."""
    world.run(until=world.clock.monotonic() + 60)


def unset(world: World, me: dict[str, Any], name: str, hook: str) -> None:
    world.signal(me, name, {'unset_hook': hook})
    settle(world)


def test_hooks_hold_until_they_are_cleared(world):
    hooked = environment(a={'hooks': ['pre-create', 'pre-update', 'post-create']})
    me = world.create('s', hot(a=res(), b=res(depends_on='a')), environment=hooked)
    settle(world)
    assert world.states(me) == {'a': 'INIT_COMPLETE', 'b': 'INIT_COMPLETE'}
    with pytest.raises(errors.InvalidBreakPointHook, match='The "post-update" hook is not defined on Test'):
        world.signal(me, 'a', {'unset_hook': 'post-update'})
    with pytest.raises(errors.InvalidBreakPointHook, match='Invalid hook type "lunch"'):
        world.signal(me, 'a', {'unset_hook': 'lunch'})
    unset(world, me, 'a', 'pre-create')
    assert world.states(me) == {'a': 'CREATE_COMPLETE', 'b': 'INIT_COMPLETE'}
    assert world.state(me) == 'CREATE_IN_PROGRESS'
    unset(world, me, 'a', 'post-create')
    assert world.state(me) == 'CREATE_COMPLETE'
    world.update(me, hot(a=res('two'), b=res(depends_on='a')), environment=hooked)
    settle(world)
    assert world.state(me) == 'UPDATE_IN_PROGRESS'
    unset(world, me, 'a', 'pre-update')
    assert world.state(me) == 'UPDATE_COMPLETE'
    told = [r for r in world.reasons(me) if r.startswith('a ')]
    assert told == ['a CREATE paused until Hook pre-create is cleared', 'a Hook pre-create is cleared',
                    'a state changed', 'a state changed', 'a CREATE paused until Hook post-create is cleared',
                    'a Hook post-create is cleared', 'a UPDATE paused until Hook pre-update is cleared',
                    'a Hook pre-update is cleared', 'a state changed', 'a state changed']


@pytest.mark.parametrize(('before', 'after'), [
    ({'value': 'one'}, {'value': 'one'}), ({'update_replace_value': 'x'}, {'update_replace_value': 'y'})],
    ids=['nothing to do', 'a replacement'])
def test_a_hook_holds_an_update_whatever_it_will_be(world, before, after):
    hooked = environment(a={'hooks': 'pre-update'})
    me = world.create('s', hot(a=res(props=before)), environment=hooked)
    world.run()
    first = world.rows(me)['a'].physical_id
    for number in (1, 2):
        world.update(me, hot(a=res(props=after)), environment=hooked)
        settle(world)
        assert (world.state(me), world.states(me)) == ('UPDATE_IN_PROGRESS', {'a': 'CREATE_COMPLETE'})
        assert world.reasons(me).count('a UPDATE paused until Hook pre-update is cleared') == number
        unset(world, me, 'a', 'pre-update')
        assert (world.state(me), world.states(me)) == ('UPDATE_COMPLETE', {'a': 'CREATE_COMPLETE'})
    assert (world.rows(me)['a'].physical_id != first) is (before != after)


def test_hooks_hold_deletions_before_and_after(world):
    hooked = environment(**{'*': {'hooks': ['pre-delete', 'post-delete']}})
    me = world.create('s', hot(a=res(), b=res(depends_on='a')), environment=hooked)
    settle(world)
    world.update(me, hot(a=res()), environment=hooked)
    settle(world)
    assert world.states(me)['b'] == 'CREATE_COMPLETE'
    unset(world, me, 'b', 'pre-delete')
    assert world.states(me)['b'] == 'DELETE_COMPLETE' and world.state(me) == 'UPDATE_IN_PROGRESS'
    with pytest.raises(errors.ResourceNotFound):
        unset(world, me, 'nobody', 'post-delete')
    unset(world, me, 'b', 'post-delete')
    assert world.state(me) == 'UPDATE_COMPLETE' and set(world.rows(me)) == {'a'}
    world.delete(me)
    settle(world)
    unset(world, me, 'a', 'pre-delete')
    unset(world, me, 'a', 'post-delete')
    assert world.state(me) == 'DELETE_COMPLETE'


def test_hooks_reach_into_groups(world):
    hooked = environment(g={'*': {'hooks': 'pre-create'}})
    me = world.create('s', hot(a=res(), g={'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': 2, 'resource_def': {'type': 'OS::Heat::TestResource'}}}), environment=hooked)
    settle(world)
    child = world.stack({'stack_id': world.rows(me)['g'].physical_id}).identity.to_wire()
    assert world.states(child) == {'0': 'INIT_COMPLETE', '1': 'INIT_COMPLETE'}
    for name in ('0', '1'):
        unset(world, child, name, 'pre-create')
    assert world.state(me) == 'CREATE_COMPLETE'


def hooked_life(world: World) -> list[Any]:
    hooked = environment(a={'hooks': ['pre-create', 'post-create']}, b={'hooks': 'pre-delete'})
    me = world.create('s', hot(a=res(), b=res(depends_on='a')), environment=hooked)
    settle(world)
    seen = [world.states(me)]
    for hook in ('pre-create', 'post-create'):
        unset(world, me, 'a', hook)
        seen.append(world.states(me))
    world.delete(me)
    settle(world)
    seen.append(world.states(me))
    unset(world, me, 'b', 'pre-delete')
    return [*seen, world.state(me), sorted(world.events(me)), sorted(world.reasons(me)), world.leases_held()]


@pytest.mark.parametrize('point', POINTS[:2])
def test_a_hook_outlives_its_engine(conf, point):
    whole = World(conf)
    expected = hooked_life(whole)
    assert whole.points[point] >= 5
    for nth in range(1, whole.points[point] + 1):
        world = World(conf)
        world.crash_at(point, nth)
        assert hooked_life(world) == expected, f'crash at {point} number {nth}'


def test_what_waited_gives_way_to_a_newer_wish(world):
    me = world.create('s', hot(a=res()), environment=environment(a={'hooks': 'pre-create'}))
    settle(world)
    world.update(me, hot(a=res('two')))
    settle(world)
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert 'a Failure occurred while waiting.' in world.reasons(me)


@pytest.mark.parametrize(('forbidden', 'before', 'after'), [
    ('replace', {'update_replace_value': 'x'}, {'update_replace_value': 'y'}),
    ('update', {'value': 'one'}, {'value': 'two'})])
def test_restricted_actions_fail_the_update_and_leave_the_resource(world, forbidden, before, after):
    kept = environment(a={'restricted_actions': forbidden})
    me = world.create('s', hot(a=res(props=before)), environment=kept)
    world.run()
    world.update(me, hot(a=res(props={**before, **after})), environment=kept)
    world.run()
    assert world.state(me) == 'UPDATE_FAILED'
    assert world.stack(me).reason == (f'Resource UPDATE failed: ResourceActionRestricted: resources.a: '
                                      f'{forbidden} is restricted for resource.')
    assert world.states(me) == {'a': 'CREATE_COMPLETE'}
    assert of(world.events(me), 'a')[-1] == 'UPDATE_FAILED'
    assert f'a {forbidden} is restricted for resource.' in world.reasons(me)


def test_a_replacement_asked_for_by_the_resource_is_restricted_too(world):
    kept = environment(a={'restricted_actions': 'replace'})
    me = world.create('s', hot(a=res()), environment=kept)
    world.run()
    world.update(me, hot(a=res(props={'update_replace': True})), environment=kept)
    world.run()
    # Nothing was done to it: the way back has no reason to make another.
    assert world.states(me) == {'a': 'UPDATE_COMPLETE'}
    assert world.rows(me)['a'].props['update_replace'] is False
    assert of(world.events(me), 'a')[-1] == 'UPDATE_FAILED'
    assert len(world.all_rows(me)) == 1


def test_an_external_thing_is_checked_and_never_made_or_deleted(world):
    net = world.cloud_answer(Call('network', 'POST', '/networks', {'network': {'name': 'theirs'}},
                                  unwrap='network')).body
    template = hot(n={'type': 'OS::Neutron::Net', 'external_id': net['id']},
                   b=res({'get_resource': 'n'}))
    me = world.create('s', template)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE', world.stack(me).reason
    assert of(world.events(me), 'n') == ['ADOPT_IN_PROGRESS', 'ADOPT_COMPLETE', 'CHECK_IN_PROGRESS',
                                         'CHECK_COMPLETE']
    assert world.rows(me)['b'].props['value'] == net['id']
    world.update(me, hot(n={'type': 'OS::Neutron::Net', 'external_id': net['id'],
                            'properties': {'name': 'ours'}}, b=res({'get_resource': 'n'})))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    world.update(me, hot(n={'type': 'OS::Neutron::Net', 'external_id': 'another'}, b=res('x')))
    world.run()
    assert world.stack(me).reason.endswith(
        'Update to property external_id of n (OS::Neutron::Net) is not supported.')
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'
    assert net['id'] in world.cloud.inventory.networks.rows


def test_an_external_thing_must_be_there(world):
    me = world.create('s', hot(n={'type': 'OS::Neutron::Net', 'external_id': 'nowhere'}))
    world.run()
    assert world.state(me) == 'CREATE_FAILED' and world.states(me) == {'n': 'CHECK_FAILED'}


def test_a_guard_refuses_what_it_can_foresee(world):
    me = world.create('s', hot(a=res(props={'update_replace_value': 'x'}), b=res()))
    world.run()
    with pytest.raises(errors.ResourceGuarded, match=r'a \(replace\), b \(delete\)'):
        world.update(me, hot(a=res(props={'update_replace_value': 'y'})), args={'guard': ['a', 'b']})
    assert world.state(me) == 'CREATE_COMPLETE'


def test_a_guard_holds_what_nobody_could_foresee(world):
    def template(value: str) -> dict[str, Any]:
        return hot(a=res(value), b=res(props={'update_replace_value': {'get_attr': ['a', 'output']}}))

    me = world.create('s', template('one'))
    world.run()
    world.update(me, template('two'), args={'guard': ['b']})
    world.run()
    assert world.state(me) == 'UPDATE_FAILED'
    assert world.stack(me).reason.endswith('b is guarded and may not be replaced.')
    assert world.states(me) == {'a': 'UPDATE_COMPLETE', 'b': 'CREATE_COMPLETE'}
