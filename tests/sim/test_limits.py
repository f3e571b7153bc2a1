"""What a project or a guest may pile up has an end: saved plans, signals that nobody has applied yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from heat.common import errors
from heat.db import connect, signals
from tests.sim.software import OK, template, wait_a_bit
from tests.sim.test_signals import waiting
from tests.sim.test_whole_life import group
from tests.sim.world import World

NAMES = ('max_plans_per_project', 'max_pending_signals_per_resource', 'max_pending_signals_per_stack')


@pytest.fixture(autouse=True)
def as_it_was(world: World) -> Iterator[None]:
    yield
    for name in NAMES:
        world.conf.clear_override(name, 'engine')


def limit(world: World, **options: int) -> None:
    for name, value in options.items():
        world.conf.set_override(name, value, 'engine')


def plan(world: World, me: Any, value: str = 'x', **args: Any) -> Any:
    tree = {'heat_template_version': '2021-04-16', 'resources': {
        'r': {'type': 'OS::Heat::TestResource', 'properties': {'value': value}}}}
    return world.plans.create_plan(world.context, me, None, tree, {}, {}, args)


def test_plans_of_a_project(world: World) -> None:
    limit(world, max_plans_per_project=3)
    me = world.create('s', waiting())
    first = plan(world, me)
    kept = [plan(world, me)['id'], plan(world, me)['id']]
    with pytest.raises(errors.RequestLimitExceeded, match='the maximum saved plans per project, 3'):
        plan(world, me)
    # What was carried out makes room for others.
    world.plans.execute_plan(world.context, first['id'])
    world.run()
    kept.append(plan(world, me)['id'])
    assert {one['id'] for one in world.plans.list_plans(world.context)} == set(kept)
    world.plans.delete_plan(world.context, kept.pop(0))
    plan(world, me)
    limit(world, max_plans_per_project=-1)
    for _ in range(3):
        plan(world, me)


def test_signals_to_a_resource(world: World) -> None:
    limit(world, max_pending_signals_per_resource=2, max_pending_signals_per_stack=3)
    me = world.create('s', {**waiting(9), 'resources': {
        **waiting(9)['resources'], 'other': {'type': 'OS::Heat::WaitConditionHandle'}}})
    wait_a_bit(world)
    world.signal(me, 'h')
    world.signal(me, 'h')
    with pytest.raises(errors.RequestLimitExceeded, match=(
            '2 signals to resource h wait to be applied, and no more than 2 may')):
        world.signal(me, 'h')
    world.signal(me, 'other')
    with pytest.raises(errors.RequestLimitExceeded, match='3 signals to stack'):
        world.signal(me, 'other')
    wait_a_bit(world)
    world.signal(me, 'h')
    world.run()
    assert sorted(world.rows(me)['h'].metadata) == ['1', '2', '3']


def test_words_on_a_deployment(world: World) -> None:
    limit(world, max_pending_signals_per_resource=2)
    me = world.create('s', template())
    wait_a_bit(world)
    own = world.rows(me)['dep'].physical_id
    say = world.engine.software.update_software_deployment
    for number in range(2):
        say(world.context, own, status_reason=f'step {number}')
    with pytest.raises(errors.RequestLimitExceeded, match='signals to resource dep'):
        say(world.context, own, status_reason='step 2')
    with pytest.raises(errors.RequestLimitExceeded):
        world.signal(me, 'dep', OK)
    shown = world.engine.software.show_software_deployment(world.context, own)
    assert (shown['status'], shown['status_reason']) == ('IN_PROGRESS', 'step 1')
    wait_a_bit(world)
    for number in range(2):
        say(world.context, own, status_reason=f'later {number}')
    # It is one signal, and the last.
    world.engine.software.delete_software_deployment(world.context, own)
    world.run()
    assert world.state(me) == 'CREATE_FAILED'


def test_wishes_for_a_nested_stack(world: World) -> None:
    limit(world, max_pending_signals_per_resource=1)
    me = world.create('s', {'heat_template_version': '2021-04-16', 'resources': {'g': group()}})
    world.run()
    child = {**me, 'stack_id': world.rows(me)['g'].physical_id}
    child['stack_name'] = world.stack(child).name
    world.engine.intake.stack_check(world.context, child)
    with pytest.raises(errors.RequestLimitExceeded, match='as a whole'):
        world.engine.intake.stack_check(world.context, child)
    world.run()
    with connect.read(world.database) as conn:
        assert signals.count(conn, me['stack_id'], child['stack_id'], '') == (0, 0)
