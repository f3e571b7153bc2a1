"""Stored templates that are refused by now, as after an upgrade: their stacks can go all the same."""
from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from heat.db import connect, events, stacks, templates
from heat.db.schema import raw_template
from tests.sim.world import World

NET: dict[str, Any] = {'type': 'OS::Neutron::Net'}
TREE: dict[str, Any] = {
    'heat_template_version': '2021-04-16',
    'parameters': {'p': {'type': 'string', 'default': 'x'}},
    'resources': {'n': NET, 'late': {**NET, 'depends_on': 'n'},
                  'g': {'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 2, 'resource_def': NET}},
                  'made': {'type': 'My::Net'}}}
PROVIDER = 'heat_template_version: 2021-04-16\nresources: {inner: {type: OS::Neutron::Net}}\n'


def spoil(world: World, **values: Any) -> None:
    """Every template that is stored becomes one that nobody can use."""
    with connect.write(world.database) as conn:
        conn.execute(sa.update(raw_template).values(**values))


def networks(world: World) -> list[str]:
    """Those that stacks have made."""
    return [row['name'] for row in world.cloud.inventory.networks.rows.values() if row['name'] != 'public']


@pytest.mark.parametrize('values', [
    {'template': {'heat_template_version': '1999-01-01'}},
    {'template': {**TREE, 'resources': {'n': {'type': 5}}}},
    {'template': {**TREE, 'parameters': {'p': {'type': 'number', 'default': 'x'}}}},
    {'environment': {'parameters': {'nobody': 1}, 'resource_registry': 'none'}}],
    ids=['version', 'resource', 'parameter', 'environment'])
def test_a_stack_whose_template_is_refused_by_now_can_be_deleted(world: World, values: Any) -> None:
    me = world.create('s', TREE, files={'my.yaml': PROVIDER},
                      environment={'resource_registry': {'My::Net': 'my.yaml'}})
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE' and len(networks(world)) == 5
    spoil(world, **values)
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'
    assert not networks(world) and world.leases_held() == 0


def test_so_can_one_that_an_engine_left_in_the_midst(world: World) -> None:
    me = world.create('s', TREE, files={'my.yaml': PROVIDER},
                      environment={'resource_registry': {'My::Net': 'my.yaml'}})
    spoil(world, template={'heat_template_version': '1999-01-01'})
    world.kill(world.engine)
    other = world.add_engine()
    world.delete(me)
    world.take_over(other)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'
    assert not networks(world)


def stored(world: World, stack_id: str) -> Any:
    """What a stack is made from."""
    with connect.read(world.database) as conn:
        found = stacks.load_stack(conn, stack_id)
        assert found is not None
        parts = templates.load_template(conn, found.template_id, world.crypt)
    return None if parts is None else (parts[0], parts[1].get('parameters'), parts[2])


def spoil_inside(world: World, me: dict[str, Any]) -> None:
    """The templates of nested stacks alone."""
    own = world.stack(me).template_id
    with connect.write(world.database) as conn:
        conn.execute(sa.update(raw_template).where(raw_template.c.id != own).values(
            template={'heat_template_version': '1999-01-01'}))


@pytest.mark.parametrize('verb', ['suspend', 'check', 'update'])
def test_nested_stacks_follow_without_their_templates(world: World, verb: str) -> None:
    me = world.create('s', TREE, files={'my.yaml': PROVIDER},
                      environment={'resource_registry': {'My::Net': 'my.yaml'}})
    world.run()
    spoil_inside(world, me)
    before = {name: stored(world, world.rows(me)[name].physical_id) for name in ('g', 'made')}
    if verb == 'update':
        world.update(me, {**TREE, 'resources': {**TREE['resources'], 'more': NET}}, existing=True)
    else:
        getattr(world.engine.intake, f'stack_{verb}')(world.context, me)
    world.run()
    assert world.state(me) == f'{verb.upper()}_COMPLETE'
    assert len(networks(world)) == (6 if verb == 'update' else 5)
    kept = {name: stored(world, row.physical_id) for name, row in world.rows(me).items() if name in before}
    # Only an update makes them anew.
    assert (kept == before) is (verb != 'update')


SCALED: dict[str, Any] = {'heat_template_version': '2021-04-16', 'resources': {
    'g': {'type': 'OS::Heat::AutoScalingGroup',
          'properties': {'min_size': 1, 'max_size': 3, 'resource': NET}},
    'up': {'type': 'OS::Heat::ScalingPolicy', 'properties': {
        'adjustment_type': 'change_in_capacity', 'auto_scaling_group_id': {'get_resource': 'g'},
        'scaling_adjustment': 1}}}}


@pytest.mark.parametrize('inside', [False, True])
def test_a_signal_that_cannot_be_followed_says_so(world: World, inside: bool) -> None:
    me = world.create('s', SCALED)
    world.run()
    if inside:
        spoil_inside(world, me)
    else:
        spoil(world, template={'heat_template_version': '1999-01-01'})
    world.signal(me, 'up')
    world.run()
    name = world.stack({'stack_id': world.rows(me)['g'].physical_id}).name if inside else 's'
    with connect.read(world.database) as conn:
        told = [one.event for one in events.list_events(conn, [me['stack_id']])
                if one.event.action == 'SIGNAL']
    assert [(str(one.status), one.reason) for one in told] == [('FAILED', (
        f'Group g is not resized: The stored template of stack {name} is refused by now.'))]
    assert (len(networks(world)), world.state(me), world.leases_held()) == (1, 'CREATE_COMPLETE', 0)
    world.update(me, SCALED)
    world.run()
    world.signal(me, 'up')
    world.run()
    assert (len(networks(world)), world.state(me)) == (2, 'UPDATE_COMPLETE')


@pytest.mark.parametrize('inside', [False, True])
def test_a_stack_in_the_midst_goes_on_with_another_template(world: World, inside: bool) -> None:
    slow: dict[str, Any] = {'type': 'OS::Heat::TestResource', 'properties': {'wait_secs': 10, 'value': 'x'}}
    group = {'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 1, 'resource_def': slow}}
    tree = {**TREE, 'resources': {'n': NET, 'g': {'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': 2, 'resource_def': group}}}}
    me = world.create('s', tree)
    world.run(until=world.clock.monotonic() + 3)
    if inside:
        spoil_inside(world, me)
    else:
        spoil(world, template={'heat_template_version': '1999-01-01'})
    world.kill(world.engine)
    other = world.add_engine()
    # Another engine may know the template: it waits for that, or for its user.
    world.take_over(other)
    world.run()
    assert world.state(me) == 'CREATE_IN_PROGRESS'
    world.update(me, tree)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE', world.stack(me).reason
    assert (len(networks(world)), world.leases_held()) == (1, 0)
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and not networks(world)
