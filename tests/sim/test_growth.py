"""Values that grow from resource to resource: refused before they stop the engine."""

from __future__ import annotations

from typing import Any

from tests.sim.world import World


def chain(links: int, of_two: Any) -> dict[str, Any]:
    resources: dict[str, Any] = {'v0': {'type': 'OS::Heat::Value', 'properties': {'value': ['x' * 100]}}}
    for number in range(1, links):
        one = {'get_attr': [f'v{number - 1}', 'value']}
        resources[f'v{number}'] = {'type': 'OS::Heat::Value', 'properties': {'value': of_two(one)}}
    return {'heat_template_version': '2021-04-16', 'resources': resources,
            'outputs': {'last': {'value': {'get_attr': ['v3', 'value']}}}}


def test_a_list_of_the_same_list_again_and_again_is_refused(world: World) -> None:
    for name, grown in (('lists', lambda one: [one] * 4),
                        ('maps', lambda one: {'a': one, 'b': one, 'c': one})):
        made = world.create(name, chain(40, grown))
        world.run()
        stack = world.stack(made)
        assert world.state(made) == 'CREATE_FAILED'
        assert 'come to more than' in stack.reason
