"""Containers of the object store, and what is in them."""

from __future__ import annotations

from typing import Any

from heat.model.op import Call
from tests.sim.crashes import every_crash
from tests.sim.world import World

OBJECTS = ['a', 'b/c', '%C3%BC']


def template(**props: Any) -> dict[str, Any]:
    return {'heat_template_version': '2021-04-16', 'resources': {'c': {
        'type': 'OS::Swift::Container', 'properties': {'name': 'mine', **props}}}}


def ask(world: World, method: str, path: str, **more: Any) -> Any:
    return world.cloud_answer(Call('object-store', method, path, **more)).body


def shown(world: World) -> dict[str, str]:
    """The headers of the container that a user has put there."""
    told = ask(world, 'HEAD', '/mine', header='*')
    return {name: value for name, value in told.items() if name.startswith('x-container')}


def life(world: World) -> list[Any]:
    me = world.create('s', template(**{'X-Container-Read': '.r:*', 'X-Container-Meta': {'a': '1', 'b': 2}}))
    world.run()
    seen = [world.state(me), shown(world)]
    for name in OBJECTS:
        ask(world, 'PUT', f'/mine/{name}', body='x')
    world.update(me, template(PurgeOnDelete=True, **{'X-Container-Meta': {'b': 3}}))
    world.run()
    seen += [world.state(me), shown(world), len(world.cloud.inventory.objects)]
    world.delete(me)
    world.run()
    return [*seen, world.state(me), len(world.cloud.inventory.containers), len(world.cloud.inventory.objects)]


def test_a_container_made_anew_under_its_name_keeps_its_objects_and_nothing_else(conf: Any) -> None:
    assert every_crash(conf, life) == [
        'CREATE_COMPLETE', {'x-container-read': '.r:*', 'x-container-meta-a': '1', 'x-container-meta-b': '2'},
        'UPDATE_COMPLETE', {'x-container-meta-b': '3'}, len(OBJECTS), 'DELETE_COMPLETE', 0, 0]


def test_a_container_is_as_it_was_when_its_successor_has_failed(world: World) -> None:
    before = template(**{'X-Container-Read': '.r:*', 'X-Container-Meta': {'a': '1'}})
    me = world.create('s', before)
    world.run()
    broken = template(**{'X-Container-Meta': {'b': '2'}})
    broken['resources']['t'] = {'type': 'OS::Heat::TestResource', 'depends_on': 'c',
                                'properties': {'fail': True}}
    world.update(me, broken, disable_rollback=False)
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE'
    assert shown(world) == {'x-container-read': '.r:*', 'x-container-meta-a': '1'}


def test_what_is_not_empty_is_deleted_only_where_that_was_asked_for(world: World) -> None:
    me = world.create('s', template())
    world.run()
    ask(world, 'PUT', '/mine/a', body='x')
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_FAILED'
    assert 'Container mine is not empty' in world.rows(me)['c'].reason
