"""Requests said twice with one token, and updates that change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common import errors
from heat.common.crypt import Crypt
from heat.db import connect, stacks
from heat.engine import repeats, settings
from heat.model.status import Action
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


def say(world: World, name: str = 's', template: Any = TEMPLATE, params: Any = None, files: Any = None,
        environment_files: Any = None, **args: Any) -> dict[str, Any]:
    return world.engine.intake.create_stack(world.context, name, template, params or {}, files or {},
                                            {'client_request_token': 'once', **args}, environment_files)


@pytest.mark.parametrize('other', [
    {'template': OTHER}, {'params': {'parameters': {'seen': 'b'}}}, {'params': {'parameters': {'hush': 'y'}}},
    {'files': {'a': 'b'}}, {'environment_files': ['e'], 'files': {'e': '{}'}}, {'timeout_mins': 3},
    {'tags': ['t']}, {'template': {'no': 'template'}}, {'template': {'heat_template_version': float('nan')}}])
def test_a_token_with_another_creation_is_refused(world: World, other: dict[str, Any]) -> None:
    first = say(world)
    with pytest.raises(errors.RequestTokenUsed):
        say(world, **other)
    world.run()
    with pytest.raises(errors.RequestTokenUsed):
        say(world, **other)
    assert say(world) == first
    assert world.events(first).count('s CREATE_IN_PROGRESS') == 1


def test_a_token_with_another_update_is_refused(world: World) -> None:
    identity = create(world, 's')
    world.run()
    hushed = {'parameters': {'hush': 'y'}, 'client_request_token': 'once'}
    update(world, identity, None, **hushed)
    world.run()
    for other in ({'parameters': {'hush': 'z'}}, {'parameters': {}}, {'tags': ['t']}, {'existing': False}):
        with pytest.raises(errors.RequestTokenUsed):
            update(world, identity, TEMPLATE if 'existing' in other else None, **{**hushed, **other})
    # What it was laid over has changed since, and what was asked for has not.
    update(world, identity, OTHER)
    world.run()
    update(world, identity, None, **hushed)
    assert world.state(identity) == 'UPDATE_COMPLETE'
    assert world.events(identity).count('s UPDATE_IN_PROGRESS') == 2


def test_what_a_token_asked_for_cannot_be_guessed_from_the_database(world: World) -> None:
    ask = {'parameters': {'hush': 'y'}}
    one, two = (say(world, name, params=ask, client_request_token=name) for name in ('one', 'two'))
    with connect.read(world.database) as conn:
        kept = [settings.of(conn, identity['stack_id'])[repeats.ASKED] for identity in (one, two)]
    made = repeats.request(Action.CREATE, {'client_request_token': 'one'}, TEMPLATE, params=ask, files={},
                           environment_files=None, files_container=None)
    assert made is not None
    tag = kept[0]['CREATE:one']
    assert world.crypt.tagged(made.content, tag) is True and made.content not in tag
    assert Crypt(['another key of the same']).tag(made.content) != tag


def test_a_token_of_before_and_one_under_a_lost_key_are_the_same(world: World) -> None:
    first = say(world)
    key = world.crypt._keys[0]
    for engine_keys, refused in ((['new', key], True), (['new'], False)):
        world.crypt = Crypt(engine_keys)
        world.engine.intake.crypt = world.crypt
        assert say(world) == first
        if refused:
            with pytest.raises(errors.RequestTokenUsed):
                say(world, template=OTHER)
        else:
            assert say(world, template=OTHER) == first
    with connect.write(world.database) as conn:
        stacks.update_stack(conn, first['stack_id'], settings=None)
    assert say(world, template=OTHER) == first


@pytest.mark.parametrize('existing', [True, False])
def test_an_update_that_comes_twice_at_once_is_one(world: World, monkeypatch: pytest.MonkeyPatch,
                                                   existing: bool) -> None:
    identity = create(world, 's')
    world.run()
    intake, check = world.engine.intake, world.engine.intake.check_update
    said: list[str] = []

    def between(*args: Any, **more: Any) -> Any:
        found = check(*args, **more)
        said.append('once')
        if len(said) == 1:
            update(world, identity, OTHER, existing=existing, client_request_token='once')
        return found

    monkeypatch.setattr(intake, 'check_update', between)
    assert update(world, identity, OTHER, existing=existing, client_request_token='once') == identity
    world.run()
    assert len(said) == 2
    assert world.events(identity).count('s UPDATE_IN_PROGRESS') == 1
