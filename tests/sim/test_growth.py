"""Values that grow from resource to resource: refused before they stop the engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from heat.resources.heat.wait_condition import MOST_GATHERED
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


TRIAL = {'type': 'OS::Heat::None'}


def test_a_billion_members_are_refused_before_there_is_a_definition_of_each(world: World) -> None:
    world.engine.loop.limits = replace(world.engine.loop.limits, resources=1000)
    many = {'type': 'OS::Heat::Value', 'properties': {'value': 10**9}}
    told = {'get_attr': ['n', 'value']}
    for name, group in (
            ('rg', {'type': 'OS::Heat::ResourceGroup', 'properties': {'count': told, 'resource_def': TRIAL}}),
            ('asg', {'type': 'OS::Heat::AutoScalingGroup', 'properties': {
                'min_size': 0, 'max_size': 10**9, 'desired_capacity': told, 'resource': TRIAL}})):
        made = world.create(name, {
            'heat_template_version': '2021-04-16', 'resources': {'n': many, 'g': group}})
        world.run()
        assert world.state(made) == 'CREATE_FAILED'
        assert 'would be 1000000002 resources, and 1000 are allowed' in world.stack(made).reason


def test_a_signal_that_asks_for_a_billion_members_is_refused(world: World) -> None:
    world.engine.loop.limits = replace(world.engine.loop.limits, resources=1000)
    made = world.create('s', {'heat_template_version': '2021-04-16', 'resources': {
        'g': {'type': 'OS::Heat::AutoScalingGroup', 'properties': {
            'min_size': 1, 'max_size': 10**9, 'resource': TRIAL}},
        'up': {'type': 'OS::Heat::ScalingPolicy', 'properties': {
            'auto_scaling_group_id': {'get_resource': 'g'}, 'adjustment_type': 'exact_capacity',
            'scaling_adjustment': 10**9}}}})
    world.run()
    world.signal(made, 'up')
    world.run()
    assert world.state(made) == 'CREATE_COMPLETE'
    assert any('1000 are allowed (max_resources_per_stack)' in one for one in world.reasons(made))


def test_a_handle_takes_no_more_signals_than_can_be_kept(world: World) -> None:
    made = world.create('s', {'heat_template_version': '2021-04-16', 'resources': {
        'own': {'type': 'OS::Heat::WaitConditionHandle'},
        'aws': {'type': 'AWS::CloudFormation::WaitConditionHandle'}}})
    world.run()
    text = 'x' * (MOST_GATHERED // 4)
    for number in range(6):
        world.signal(made, 'own', {'id': str(number), 'data': text})
        world.signal(made, 'aws', {
            'UniqueId': str(number), 'Data': text, 'Status': 'SUCCESS', 'Reason': 'r'})
        world.run()
    for name in ('own', 'aws'):
        assert sorted(world.rows(made)[name].metadata) == ['0', '1', '2']
        said = f'{name} The signals that {name} has taken come to more than {MOST_GATHERED} characters'
        assert any(said in one for one in world.reasons(made))
    # A small one still fits, and so does another word of one that has spoken.
    world.signal(made, 'own', {'id': '9', 'data': 'y'})
    world.signal(made, 'own', {'id': '0', 'data': 'z'})
    world.run()
    assert world.rows(made)['own'].metadata['9']['data'] == 'y'
    assert world.rows(made)['own'].metadata['0']['data'] == 'z'
