"""What requests say of failures, policies and skipped resources, over a crash at every place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from heat.engine.offers import Offers
from tests.sim.crashes import every_crash
from tests.sim.test_lifecycle import hot
from tests.sim.world import World

POLICY = json.dumps({'Statement': [
    {'Effect': 'Deny', 'Action': 'Update:Modify', 'Principal': '*', 'Resource': 'LogicalResourceId/a'},
    {'Effect': 'Allow', 'Action': 'Update:*', 'Principal': '*', 'Resource': '*'}]})


def net(name: str, *after: str) -> dict[str, Any]:
    return {'type': 'OS::Neutron::Net', 'properties': {'name': name}, 'depends_on': list(after)}


def broken(*after: str) -> dict[str, Any]:
    return {'type': 'OS::Heat::TestResource', 'properties': {'fail': True}, 'depends_on': list(after)}


def names(world: World) -> list[str]:
    return sorted(one['name'] for one in world.cloud.inventory.networks.rows.values())


def end(world: World, me: dict[str, Any]) -> Any:
    return world.state(me), world.states(me), names(world), world.leases_held()


def test_a_failed_creation_is_deleted(conf: Any) -> None:
    def life(world: World) -> Any:
        before = names(world)
        me = world.create('s', hot(a=net('made'), b=broken('a')), args={
            'disable_rollback': False, 'on_failure': 'DELETE'})
        world.run()
        assert names(world) == before
        return end(world, me)

    assert every_crash(conf, life)[0] == 'DELETE_COMPLETE'


@pytest.mark.parametrize(('asked', 'state'), [
    ({'on_failure': 'DELETE'}, 'DELETE_COMPLETE'), ({}, 'ROLLBACK_COMPLETE')])
def test_what_follows_a_creation_that_took_too_long_has_its_own_time(
        world: World, asked: dict[str, Any], state: str) -> None:
    def pause(verb: str) -> dict[str, Any]:
        return {'type': 'OS::Heat::TestResource', 'depends_on': ['a'], 'properties': {
            'action_wait_secs': {verb: 900 if verb == 'create' else 40}}}

    me = world.create('s', hot(a=net('made'), p=pause('create'), q=pause('delete')), args={
        'disable_rollback': False, **asked}, timeout_mins=1)
    world.run()
    assert world.state(me) == state and 'made' not in names(world)
    assert 'Timed out' in ' '.join(world.reasons(me))


def test_an_update_is_denied_and_taken_back(conf: Any) -> None:
    def life(world: World) -> Any:
        me = world.create('s', hot(a=net('one')), args={'stack_policy': POLICY})
        world.run()
        world.update(me, hot(a=net('two'), b=net('new', 'a')), disable_rollback=False)
        world.run()
        return end(world, me)

    state, states, there, _leases = every_crash(conf, life)
    assert (state, states) == ('ROLLBACK_COMPLETE', {'a': 'CREATE_COMPLETE'}) and 'one' in there


def test_a_rollback_passes_what_it_was_told_to_skip(conf: Any) -> None:
    def life(world: World) -> Any:
        me = world.create('s', hot(a=net('one'), b=net('other', 'a')))
        world.run()
        # Long enough for another engine to take over meanwhile.
        pause = {'type': 'OS::Heat::Delay', 'properties': {'min_wait': 1000}, 'depends_on': ['b']}
        world.update(me, hot(a=net('two'), b=net('another', 'a'), p=pause, c=broken('p')),
                     disable_rollback=False)
        world.run(until=world.clock.monotonic() + 500)
        world.cloud.faults.add(service='network', method='PUT', path='/networks', status=409)
        world.run()
        world.cloud.faults.clear()
        state = world.state(me)
        failed = sorted(name for name, one in world.states(me).items() if one.endswith('FAILED'))
        Offers(world.engine.intake).stack_rollback(world.context, me, again=True, skip=failed)
        world.run()
        return state, failed, end(world, me)

    state, failed, ended = every_crash(conf, life)
    assert (state, failed, ended[0]) == ('ROLLBACK_FAILED', ['a'], 'ROLLBACK_COMPLETE')
    assert ended[1]['a'] == 'UPDATE_COMPLETE' and {'two', 'other'} <= set(ended[2])
