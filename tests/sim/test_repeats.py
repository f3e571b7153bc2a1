"""Requests said twice with one token, and updates that change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common import errors
from tests.sim.world import World

TEMPLATE = {'heat_template_version': '2021-04-16', 'parameters': {
    'seen': {'type': 'string', 'default': 'a'}, 'hush': {'type': 'string', 'hidden': True, 'default': 'x'}},
    'resources': {'r': {'type': 'OS::Heat::TestResource', 'properties': {'value': {'get_param': 'seen'}}}}}
OTHER = {**TEMPLATE, 'description': 'another'}


def create(world: World, name: str, token: str | None = None) -> dict[str, Any]:
    return world.engine.intake.create_stack(world.context, name, TEMPLATE, {}, {},
                                            {'client_request_token': token})


def update(world: World, identity: dict[str, Any], template: dict[str, Any] | None = None,
           **args: Any) -> dict[str, Any]:
    given = {'parameters': args.pop('parameters', {})}
    return world.engine.intake.update_stack(world.context, identity, template, given, {},
                                            {'existing': True, **args})


def test_a_creation_said_twice_is_one(world: World) -> None:
    first = create(world, 's', 'once')
    assert create(world, 's', 'once') == first
    world.run()
    assert create(world, 's', 'once') == first
    with pytest.raises(errors.StackExists):
        create(world, 's', 'twice')
    with pytest.raises(errors.StackExists):
        create(world, 's')
    with pytest.raises(errors.RequestTokenUsed):
        create(world, 'other', 'once')
    assert world.events(first).count('s CREATE_IN_PROGRESS') == 1
    world.delete(first)
    world.run()
    assert create(world, 's', 'once') != first


def test_an_update_said_twice_is_one(world: World) -> None:
    identity = create(world, 's', 'create')
    world.run()
    for _ in range(3):
        update(world, identity, OTHER, client_request_token='update')
        world.run()
    assert world.events(identity).count('s UPDATE_IN_PROGRESS') == 1
    other = create(world, 'o')
    world.run()
    for wrong in (lambda: update(world, other, OTHER, client_request_token='update'),
                  lambda: create(world, 's', 'update')):
        with pytest.raises(errors.RequestTokenUsed):
            wrong()


@pytest.mark.parametrize('change', [
    {}, {'template': TEMPLATE}, {'parameters': {'seen': 'a'}}, {'parameters': {'hush': 'x'}},
    {'tags': []}, {'disable_rollback': False}])
def test_an_update_that_changes_nothing_says_so(world: World, change: dict[str, Any]) -> None:
    identity = create(world, 's')
    world.run()
    with pytest.raises(errors.NothingToUpdate, match='No updates are to be performed'):
        update(world, identity, refuse_unchanged=True, **change)
    assert world.state(identity) == 'CREATE_COMPLETE'


@pytest.mark.parametrize('change', [
    {'template': OTHER}, {'parameters': {'seen': 'b'}}, {'parameters': {'hush': 'y'}}, {'tags': ['t']}])
def test_an_update_that_changes_something_is_one(world: World, change: dict[str, Any]) -> None:
    identity = create(world, 's')
    world.run()
    update(world, identity, refuse_unchanged=True, **change)
    world.run()
    assert world.state(identity) == 'UPDATE_COMPLETE'
    if 'parameters' not in change or 'tags' in change:
        return
    with pytest.raises(errors.NothingToUpdate):
        update(world, identity, refuse_unchanged=True, **change)


def test_a_failed_stack_may_be_updated_to_what_it_was_to_be(world: World) -> None:
    broken = {**TEMPLATE, 'resources': {'r': {'type': 'OS::Heat::TestResource', 'properties': {
        'fail': True}}}}
    identity = world.create('s', broken)
    world.run()
    assert world.state(identity) == 'CREATE_FAILED'
    update(world, identity, broken, refuse_unchanged=True)
    world.run()
    assert world.state(identity) == 'UPDATE_FAILED'
