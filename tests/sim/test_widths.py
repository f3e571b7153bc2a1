"""What would end in a column that is too narrow for it is refused before, with a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from heat.clouds.performer import Answer
from heat.common import errors
from tests.sim.software import SERVER, template
from tests.sim.world import World

LONG = 'x' * 256
WIDE = 'should be no more than 255 characters'


def tree(**resources: Any) -> dict[str, Any]:
    return {'heat_template_version': '2021-04-16', 'parameters': {'p': {'type': 'string', 'default': 'x'}},
            'resources': resources}


def test_an_external_id(world: World) -> None:
    with pytest.raises(errors.StackValidationFailed, match=f'Resource external_id {WIDE}') as refused:
        world.create('s', tree(r={'type': 'OS::Heat::TestResource', 'external_id': LONG}))
    assert [one.path for one in refused.value.faults] == [('resources', 'r', 'external_id')]
    with pytest.raises(errors.StackValidationFailed, match='external_id'):
        world.create('s', tree(r={'type': 'OS::Heat::TestResource', 'external_id': {'get_param': 'p'}}),
                     environment={'parameters': {'p': LONG}})


def test_an_external_id_that_is_known_late(world: World) -> None:
    value = {'type': 'OS::Heat::TestResource', 'properties': {'value': LONG}}
    me = world.create('s', tree(v=value, r={'type': 'OS::Heat::TestResource', 'external_id': {
        'get_attr': ['v', 'output']}}))
    world.run()
    assert world.state(me) == 'CREATE_FAILED'
    assert world.rows(me)['r'].reason == f'StackValidationFailed: resources.r: The external_id of r {WIDE}.'
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'


@pytest.mark.parametrize(('props', 'said'), [
    ({'name': LONG}, f'The name {WIDE}.'),
    ({'server': 'x' * 37}, 'The server should be no more than 36 characters.')])
def test_a_deployment(world: World, props: dict[str, Any], said: str) -> None:
    with pytest.raises(errors.StackValidationFailed, match=said):
        world.create('s', template(**props))
    late = template(**{name: {'get_attr': ['v', 'output']} for name in props})
    late['resources']['v'] = {'type': 'OS::Heat::TestResource', 'properties': {
        'value': next(iter(props.values()))}}
    del late['outputs']
    me = world.create('s', late)
    world.run()
    assert world.rows(me)['dep'].reason == f'Error: resources.dep: {said}'


def test_the_group_of_a_configuration(world: World) -> None:
    with pytest.raises(errors.StackValidationFailed, match=f'The group {WIDE}.'):
        world.create('s', tree(c={'type': 'OS::Heat::SoftwareConfig', 'properties': {'group': LONG}}))


def test_the_name_of_a_container(world: World) -> None:
    # The object store would take it.
    with pytest.raises(errors.StackValidationFailed, match=f'The name of a container {WIDE}.'):
        world.create('s', tree(c={'type': 'OS::Swift::Container', 'properties': {'name': LONG}}))


def test_a_name_inside_that_is_known_late(world: World) -> None:
    grown = template()
    grown['resources'] = {
        'conf': grown['resources']['conf'],
        'v': {'type': 'OS::Heat::TestResource', 'properties': {'value': LONG}},
        'g': {'type': 'OS::Heat::SoftwareDeploymentGroup', 'properties': {
            'config': {'get_resource': 'conf'},
            'servers': {'map_replace': [{'k': SERVER}, {'keys': {'k': {'get_attr': ['v', 'output']}}}]}}}}
    del grown['outputs']
    me = world.create('s', grown)
    world.run()
    assert world.state(me) == 'CREATE_FAILED'
    assert world.rows(me)['g'].reason == (
        f'StackValidationFailed: resources.g: The name or type of resource {"x" * 57}... {WIDE}.')


def test_the_id_that_a_service_gives(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = world._request

    def longer(call: Any) -> Any:
        found = answer(call)
        if isinstance(found, Answer) and call.method == 'POST' and call.path == '/networks':
            return Answer({**found.body, 'id': LONG})
        return found

    monkeypatch.setattr(world, '_request', longer)
    me = world.create('s', tree(n={'type': 'OS::Neutron::Net'}))
    world.run()
    assert world.state(me) == 'CREATE_FAILED'
    row = world.rows(me)['n']
    assert (row.physical_id, row.reason) == (
        None, f'Error: resources.n: The physical id "{"x" * 57}..." {WIDE}.')
