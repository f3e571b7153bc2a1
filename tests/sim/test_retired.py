"""Stacks of earlier days that have a resource whose type nobody can make any more."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from heat.common import errors
from heat.db import connect, schema
from heat.resources.base import Resource
from heat.resources.openstack import retired
from heat.resources.types import PLUGINS
from heat.template.known_types import KNOWN
from tests.sim.test_lifecycle import hot, res
from tests.sim.world import World

OLD = 'OS::Sahara::Cluster'
SAID = f'{OLD} is no longer supported: stacks that have one can keep or delete it, but none can be made'


def grown_old(world: World, state: str = 'COMPLETE') -> dict[str, Any]:
    """A stack that was made when the type of its resource ``old`` was served, with a user of it."""
    me = world.create('s', template('OS::Heat::None'))
    world.run()
    with connect.write(world.database) as conn:
        conn.execute(schema.resource.update().where(schema.resource.c.name == 'old').values(
            type=OLD, keep=None, nova_instance='hadoop-1', status=state))
        found = conn.execute(sa.select(schema.raw_template.c.id, schema.raw_template.c.template)).all()
        for number, tree in found:
            text = json.dumps(tree).replace('OS::Heat::None', OLD)
            conn.execute(schema.raw_template.update().where(schema.raw_template.c.id == number).values(
                template=json.loads(text)))
    return me


def template(kind: str = OLD, value: str = 'v', extra: str = 'x') -> dict[str, Any]:
    return hot(old={'type': kind, 'properties': {'value': value}},
               user=res({'get_resource': 'old'}), extra=res(extra))


def test_none_is_made(world: World) -> None:
    with pytest.raises(errors.StackValidationFailed, match=SAID):
        world.create('s', template())
    me = world.create('s', hot(user=res('x')))
    world.run()
    with pytest.raises(errors.StackValidationFailed, match=SAID):
        world.update(me, template())
    group = {'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 1, 'resource_def': {'type': OLD}}}
    with pytest.raises(errors.StackValidationFailed, match=SAID):
        world.create('t', hot(group=group))


def test_an_update_that_brings_one_in_a_group_fails_at_its_step(world: World) -> None:
    me = world.create('s', hot(user=res('x')))
    world.run()
    world.update(me, hot(user=res('x'), group={'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': 1, 'resource_def': {'type': OLD}}}))
    world.run()
    assert world.state(me) == 'UPDATE_FAILED' and SAID in world.stack(me).reason


@pytest.mark.parametrize('state', ['COMPLETE', 'FAILED'])
def test_what_there_is_stays_while_the_stack_is_updated(world: World, state: str) -> None:
    me = grown_old(world, state)
    world.update(me, template(extra='y'))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    row = world.rows(me)['old']
    assert (row.type, row.physical_id, str(row.status)) == (OLD, 'hadoop-1', 'COMPLETE')
    assert world.rows(me)['extra'].props['value'] == 'y'


def test_it_is_not_changed(world: World) -> None:
    me = grown_old(world)
    world.update(me, template(value='w'))
    world.run()
    assert world.state(me) == 'UPDATE_FAILED' and SAID in world.stack(me).reason
    assert [row.physical_id for row in world.all_rows(me) if row.name == 'old' and row.physical_id]


def test_it_is_taken_away_without_a_call(world: World) -> None:
    me = grown_old(world)
    world.update(me, hot(extra=res('x'), user=res('v')))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and 'old' not in world.rows(me)
    world.delete(me)
    world.run()
    assert world.all_rows(me) == []


def test_a_stack_that_is_adopted_may_have_one(world: World) -> None:
    world.conf.set_override('enable_stack_adopt', True)
    data = {'resources': {'old': {'type': OLD, 'resource_id': 'hadoop-1', 'resource_data': {},
                                  'metadata': {}}}}
    me = world.create('s', hot(old={'type': OLD}), args={'adopt_stack_data': json.dumps(data)})
    world.run()
    assert world.state(me) == 'ADOPT_COMPLETE' and world.rows(me)['old'].physical_id == 'hadoop-1'
    with pytest.raises(errors.StackValidationFailed, match=SAID):
        world.create('t', hot(old={'type': OLD}, other={'type': OLD}),
                     args={'adopt_stack_data': json.dumps(data)})


@pytest.mark.parametrize('kind', [*retired.TYPES, *retired.FORGOTTEN],
                         ids=lambda kind: kind.type)
def test_it_is_hidden_and_says_what_to_use_instead(kind: type[Resource]) -> None:
    assert PLUGINS[kind.type] is kind and kind.schema.support.hidden
    assert kind.retired.startswith(f'{kind.type} is no longer supported')
    use = kind.retired.partition('Use ')[2].removesuffix(' instead.')
    assert not use or use in KNOWN
