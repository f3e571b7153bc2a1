"""OS::Heat::Stack in another region: the service there is driven over its API."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common import errors
from heat.db import schema
from tests.sim.crashes import every_crash
from tests.sim.nests import files, hot, inner, outputs, text
from tests.sim.world import World

SAID = {'heat_template_version': '2021-04-16', 'parameters': {'word': {'type': 'string'}},
        'outputs': {'said': {'value': {'get_param': 'word'}}}}
THERE = {'region_name': 'RegionTwo'}
TOLD = {'out': {'get_attr': ['s', 'outputs', 'said']}, 'name': {'get_attr': ['s', 'stack_name']},
        'ref': {'get_resource': 's'}}


def remote(word: str = 'x', context: dict[str, Any] | None = None, **props: Any) -> dict[str, Any]:
    return hot(TOLD, s={'type': 'OS::Heat::Stack', 'properties': {
        'template': text(SAID), 'parameters': {'word': word}, 'context': context or THERE, **props}})


def stacks(world: World) -> list[dict[str, Any]]:
    return world.cloud.inventory.stacks.all()


def asked(world: World, method: str, tail: str = '/{name}/{id}') -> int:
    return world.cloud.requests.get(f'orchestration {method} /v1/{{project}}/stacks{tail}', 0)


def test_a_life_in_another_region(world):
    me = world.create('s', remote(timeout=7), files={'a.txt': 'content'},
                      environment={'parameter_defaults': {'p': 1}})
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    there, = stacks(world)
    assert outputs(world, me) == {'out': 'x', 'name': there['stack_name'], 'ref': there['id']}
    given = there['_given']
    assert (given['timeout_mins'], given['files'], given['disable_rollback']) == (
        7, {'a.txt': 'content'}, True)
    assert given['environment']['parameter_defaults'] == {'p': 1}
    # It is no stack of this tree.
    with world.database.connect() as conn:
        assert len(conn.execute(schema.stack.select()).fetchall()) == 1

    world.update(me, remote(timeout=7), files={'a.txt': 'content'})
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and asked(world, 'PUT') == 0

    world.update(me, remote('y'))
    world.run()
    assert asked(world, 'PUT') == 1 and [one['id'] for one in stacks(world)] == [there['id']]
    assert outputs(world, me)['out'] == 'y' and stacks(world)[0]['_given']['files'] == {}

    for verb in ('suspend', 'resume', 'check'):
        getattr(world.engine.intake, f'stack_{verb}')(world.context, me)
        world.run()
        assert world.state(me) == f'{verb.upper()}_COMPLETE'
        assert stacks(world)[0]['stack_status'] == f'{verb.upper()}_COMPLETE'

    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and stacks(world) == []


def test_what_it_tells_is_kept_encrypted(world):
    world.create('s', remote('the-hidden-word'))
    world.run()
    with world.database.connect() as conn:
        rows = conn.execute(schema.resource.select()).fetchall()
    assert rows and 'the-hidden-word' not in repr(rows)


@pytest.mark.parametrize('verb', ['CREATE', 'UPDATE', 'DELETE'])
def test_a_failure_is_told_in_its_own_words(world, verb):
    method = {'CREATE': 'POST', 'UPDATE': 'PUT', 'DELETE': 'DELETE'}[verb]
    world.cloud.faults.add(service='orchestration', kind='error_state', method=method,
                           message='Resource CREATE failed: no room', count=1)
    me = world.create('s', remote())
    world.run()
    if verb == 'UPDATE':
        world.update(me, remote('y'))
    elif verb == 'DELETE':
        world.delete(me)
    world.run()
    assert world.state(me) == f'{verb}_FAILED'
    assert f'Went to status {verb}_FAILED due to "Resource CREATE failed: no room"' in world.stack(me).reason
    # Another try mends what stands and makes no second one.
    there, = stacks(world)
    if verb == 'DELETE':
        world.delete(me)
        world.run()
        assert stacks(world) == []
    else:
        world.update(me, remote('z'))
        world.run()
        assert world.state(me) == 'UPDATE_COMPLETE'
        assert [one['id'] for one in stacks(world)] == [there['id']] and outputs(world, me)['out'] == 'z'


def test_a_refusal_is_told(world):
    me = world.create('s', remote(parameters={'zz': 1}))
    world.run()
    assert world.state(me) == 'CREATE_FAILED' and stacks(world) == []
    assert 'The Parameter (zz) was not defined in template.' in world.stack(me).reason


def test_a_lost_answer_is_found_by_name(world):
    world.cloud.faults.add(service='orchestration', kind='drop_after', method='POST', count=1)
    me = world.create('s', remote())
    world.run()
    there, = stacks(world)
    assert world.state(me) == 'CREATE_COMPLETE' and outputs(world, me)['ref'] == there['id']


def test_a_stack_that_is_gone(world):
    me = world.create('s', remote())
    world.run()
    gone, = stacks(world)
    world.cloud.inventory.stacks.drop(gone['id'])
    world.update(me, remote('y'))
    world.run()
    new, = stacks(world)
    assert world.state(me) == 'UPDATE_COMPLETE' and new['id'] != gone['id']
    world.cloud.inventory.stacks.drop(new['id'])
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'


def test_it_moves_between_regions(world):
    here = hot(s={'type': 'OS::Heat::Stack', 'properties': {'template': text(inner())}})
    me = world.create('s', here)
    world.run()
    assert stacks(world) == []
    world.update(me, remote())
    world.run()
    first, = stacks(world)
    world.update(me, remote(context={'region_name': 'RegionThree'}))
    world.run()
    second, = stacks(world)
    assert world.state(me) == 'UPDATE_COMPLETE' and second['id'] != first['id']
    world.update(me, here)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and stacks(world) == []
    with world.database.connect() as conn:
        alive = [one for one in conn.execute(schema.stack.select()).mappings() if one['deleted_at'] is None]
    assert len(alive) == 2


def test_another_credential_of_the_same_place_changes_nothing_there(world):
    me = world.create('s', remote(context={**THERE, 'credential_secret_id': 'one'}))
    world.run()
    there, = stacks(world)
    world.update(me, remote(context={**THERE, 'credential_secret_id': 'two'}))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and asked(world, 'PUT') == 0
    assert [one['id'] for one in stacks(world)] == [there['id']]


def test_a_snapshot_is_refused(world):
    me = world.create('s', remote())
    world.run()
    world.actions.stack_snapshot(world.context, me, 'kept')
    world.run()
    assert world.state(me) == 'SNAPSHOT_FAILED'
    assert 'A snapshot of a stack in another region' in world.stack(me).reason


def test_what_may_stand_elsewhere_is_not_looked_into(world):
    strange = hot(n={'type': 'Only::There'})
    with pytest.raises(errors.HeatException, match='Only::There'):
        world.create('s', remote(template=text(strange), parameters={}, context={'region_name': 'RegionOne'}))
    world.create('s', remote(template=text(strange), parameters={}))


def life(world: World) -> list[Any]:
    seen: list[Any] = []
    me = world.create('s', remote())
    world.run()
    first = stacks(world)
    seen.append((world.stack(me).reason, world.states(me), outputs(world, me)['out'], len(first)))
    world.update(me, remote('y'))
    world.run()
    seen.append((world.stack(me).reason, outputs(world, me)['out'], stacks(world) == first, len(first)))
    world.engine.intake.stack_suspend(world.context, me)
    world.run()
    seen.append((world.state(me), [one['stack_status'] for one in stacks(world)]))
    world.delete(me)
    world.run()
    seen.append((world.state(me), len(stacks(world))))
    return seen


def test_no_crash_loses_or_doubles_it(conf):
    seen = every_crash(conf, life, least=20)
    assert seen[-1] == ('DELETE_COMPLETE', 0) and seen[0][3] == 1


def test_a_creation_cut_short_is_taken_away(conf):
    for point in ('call.before', 'call.after', 'commit.after'):
        world = World(conf)
        world.crash_at(point)
        me = world.create('s', remote(), files=files())
        world.run(until=1.0)
        world.delete(me)
        world.run()
        assert world.state(me) == 'DELETE_COMPLETE' and stacks(world) == [], point
