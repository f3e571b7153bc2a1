"""Groups of deployments that pause between their batches."""

from __future__ import annotations

from typing import Any

from tests.sim.crashes import every_crash
from tests.sim.software import counts, deployed, group, inputs, literal, speak
from tests.sim.world import World

SERVERS = {name: f'srv-{name}' for name in 'abc'}
PAUSE = 100
POLICY = {'batch_create': {'max_batch_size': 2, 'pause_time': PAUSE},
          'rolling_update': {'max_batch_size': 1, 'pause_time': PAUSE}}


def tree_of(x: Any = 1, servers: dict[str, str] | None = None, policy: Any = None,
            **props: Any) -> dict[str, Any]:
    return literal(group(servers or SERVERS, POLICY if policy is None else policy,
                         **{'input_values': {'x': x}, **props}))


def rest(world: World, seconds: float) -> None:
    world.run(until=world.clock.monotonic() + seconds)


def seen(world: World, servers: Any = SERVERS) -> dict[str, Any]:
    """What each server was given for the input x; None where nothing was deployed yet."""
    found = {name: deployed(world, f'srv-{name}') for name in servers}
    return {name: inputs(one[0])['x'] if one else None for name, one in found.items()}


def test_batches_are_made_with_pauses(world):
    me = world.create('s', tree_of())
    rest(world, 5)
    assert seen(world) == {'a': 1, 'b': 1, 'c': None}
    speak(world, me, 'a')
    speak(world, me, 'b')
    rest(world, PAUSE - 20)
    assert seen(world)['c'] is None and world.state(me) == 'CREATE_IN_PROGRESS'
    rest(world, 30)
    assert seen(world) == {'a': 1, 'b': 1, 'c': 1}
    speak(world, me, 'c')
    assert world.state(me) == 'CREATE_COMPLETE'
    assert world.rows(me)['seen'].props['value'] == [dict.fromkeys(SERVERS, 'done'), 'value']
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and counts(world) == (0, 0)


def made(world: World, policy: Any = None) -> dict[str, Any]:
    me = world.create('s', tree_of(policy=policy, signal_transport='NO_SIGNAL'))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    return me


def test_members_of_batches_to_come_stay_as_they_are(world):
    # Made without batches at all.
    me = made(world, policy={'rolling_update': POLICY['rolling_update']})
    began = world.clock.monotonic()
    world.update(me, tree_of(2, signal_transport='NO_SIGNAL'))
    for expected in ({'a': 2, 'b': 1, 'c': 1}, {'a': 2, 'b': 2, 'c': 1}):
        rest(world, 20)
        assert seen(world) == expected and world.state(me) == 'UPDATE_IN_PROGRESS'
        rest(world, PAUSE - 10)
    world.run()
    assert seen(world) == {'a': 2, 'b': 2, 'c': 2} and world.state(me) == 'UPDATE_COMPLETE'
    assert world.clock.monotonic() - began > 2 * PAUSE
    # Another server comes, one goes, and the inputs change back.
    servers = {'a': 'srv-a', 'c': 'srv-c', 'd': 'srv-d'}
    world.update(me, tree_of(1, servers, signal_transport='NO_SIGNAL'))
    rest(world, 20)
    assert seen(world, 'abcd') == {'a': 1, 'b': None, 'c': 2, 'd': None}
    world.run()
    assert seen(world, 'abcd') == {'a': 1, 'b': None, 'c': 1, 'd': 1}
    # With nothing to change there is nothing to wait for.
    began = world.clock.monotonic()
    world.update(me, tree_of(1, servers, policy={}, signal_transport='NO_SIGNAL'))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and world.clock.monotonic() - began < PAUSE
    assert seen(world, 'abcd') == {'a': 1, 'b': None, 'c': 1, 'd': 1}


def test_a_batch_that_fails_ends_it_and_is_mended(world):
    me = world.create('s', tree_of())
    rest(world, 5)
    speak(world, me, 'a', deploy_status_code=1)
    speak(world, me, 'b')
    world.run()
    assert world.state(me) == 'CREATE_FAILED' and seen(world)['c'] is None
    world.update(me, tree_of(2))
    for name in SERVERS:
        rest(world, PAUSE + 5)
        # One that failed is made anew, beside the old.
        assert 2 in [inputs(one)['x'] for one in deployed(world, f'srv-{name}')]
        speak(world, me, name)
    assert world.state(me) == 'UPDATE_COMPLETE' and seen(world) == {'a': 2, 'b': 2, 'c': 2}


def test_crashes_between_batches(conf):
    def life(world: World) -> Any:
        me = world.create('s', tree_of(servers={'a': 'srv-a', 'b': 'srv-b'}, signal_transport='NO_SIGNAL',
                                       policy={'batch_create': {'max_batch_size': 1, 'pause_time': PAUSE}}))
        world.run()
        return world.state(me), seen(world, 'ab'), counts(world), world.clock.monotonic() > PAUSE

    assert every_crash(conf, life) == ('CREATE_COMPLETE', {'a': 1, 'b': 1}, (3, 2), True)
