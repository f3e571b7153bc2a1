"""What was changed outside: found by a check, put right by an update that looks first."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.crashes import every_crash
from tests.sim.test_lifecycle import hot, of
from tests.sim.world import World


def net(**props: Any) -> dict[str, Any]:
    return {'type': 'OS::Neutron::Net', 'properties': {'name': 'ours', 'admin_state_up': True, **props}}


def meddle(world: World, me: dict[str, Any]) -> dict[str, Any]:
    row = world.cloud.inventory.networks.rows[world.rows(me)['n'].physical_id]
    row['name'], row['admin_state_up'] = 'theirs', False
    return row


def test_a_check_tells_what_was_changed_outside(world):
    me = world.create('s', hot(n=net()))
    world.run()
    meddle(world, me)
    world.engine.intake.stack_check(world.context, me)
    world.run()
    row = world.rows(me)['n']
    assert world.state(me) == 'CHECK_COMPLETE'
    assert row.reason == ('state changed; differs from what was asked for: name is "theirs" instead of '
                          '"ours", admin_state_up is false instead of true')
    assert row.data['drift']['differences'] == [
        {'property': 'name', 'expected': 'ours', 'actual': 'theirs', 'kind': 'NOT_EQUAL'},
        {'property': 'admin_state_up', 'expected': True, 'actual': False, 'kind': 'NOT_EQUAL'}]


def test_an_ordinary_update_does_not_look(world):
    me = world.create('s', hot(n=net()))
    world.run()
    row = meddle(world, me)
    world.update(me, hot(n=net()))
    world.run()
    assert row['name'] == 'theirs'


@pytest.mark.parametrize('by_option', [False, True])
def test_an_update_that_looks_puts_it_right(world, conf, by_option):
    me = world.create('s', hot(n=net()))
    world.run()
    row = meddle(world, me)
    if by_option:
        conf.set_override('observe_on_update', True)
    try:
        world.update(me, hot(n=net()), args={} if by_option else {'converge': True})
    finally:
        conf.clear_override('observe_on_update')
    world.run()
    assert (row['name'], row['admin_state_up']) == ('ours', True)
    assert of(world.events(me), 'n')[2:] == ['UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE']
    # The wish to look stays until it is taken back, and finds nothing.
    world.update(me, hot(n=net()))
    world.run()
    assert world.stack(me).reason.endswith('nothing had to be changed')


def test_a_thing_that_is_gone_is_made_again(world):
    me = world.create('s', hot(n=net(), g={'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': 1, 'resource_def': net(name='inner')}}))
    world.run()
    there = world.cloud.inventory.networks.rows
    child = {'stack_id': world.rows(me)['g'].physical_id}
    gone = [world.rows(me)['n'].physical_id, world.rows(child)['0'].physical_id]
    for one in gone:
        there.pop(one)
    world.update(me, None, existing=True, args={'converge': True})
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert world.rows(me)['n'].physical_id in there and world.rows(child)['0'].physical_id in there


def test_every_crash_of_an_update_that_looks(conf):
    def life(world: World) -> Any:
        me = world.create('s', hot(n=net(), m={**net(name='m'), 'depends_on': 'n'}))
        world.run()
        row = meddle(world, me)
        world.cloud.inventory.networks.rows.pop(world.rows(me)['m'].physical_id)
        world.update(me, None, existing=True, args={'converge': True})
        world.run()
        rows = world.cloud.inventory.networks.rows
        return (row['name'], world.state(me), world.states(me), sorted(world.events(me)),
                sorted(one['name'] for one in rows.values()), world.leases_held())

    assert every_crash(conf, life)[:2] == ('ours', 'UPDATE_COMPLETE')
