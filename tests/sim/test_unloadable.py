"""Stored templates that are refused by now, as after an upgrade: their stacks can go all the same."""
from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from heat.db import connect
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
