"""Resource groups: stacks inside stacks, in one tree."""

from __future__ import annotations

from typing import Any

from heat.db import connect, stacks
from tests.sim.nests import hot


def group(count: int, value: str = 'v%index%', outputs: dict[str, Any] | None = None,
          member: dict[str, Any] | None = None, **props: Any) -> dict[str, Any]:
    definition = member or {'type': 'OS::Heat::TestResource', 'properties': {'value': value}}
    return {'heat_template_version': '2021-04-16',
            'resources': {'g': {'type': 'OS::Heat::ResourceGroup',
                                'properties': {'count': count, 'resource_def': definition, **props}}},
            'outputs': {k: {'value': v} for k, v in (outputs or {}).items()}}


def members(world, me) -> dict[str, Any]:
    child = {'stack_id': world.rows(me)['g'].physical_id}
    return world.rows(child)


def test_members_are_made_in_a_child_stack_of_the_same_tree(world):
    me = world.create('s', group(3))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert {n: r.props['value'] for n, r in members(world, me).items()} == {'0': 'v0', '1': 'v1', '2': 'v2'}
    with connect.read(world.database) as conn:
        child = stacks.children(conn, me['stack_id'])[0]
    assert child.name.startswith('s-g-') and child.root_id == me['stack_id'] and child.nested_depth == 1
    events = world.events(me, own=False)
    assert events.index('g CREATE_IN_PROGRESS') < events.index(f'{child.name} CREATE_IN_PROGRESS')
    assert events.index(f'{child.name} CREATE_COMPLETE') < events.index('g CREATE_COMPLETE')


def test_attributes_of_a_group_are_lists_over_its_members(world):
    template = group(2)
    template['resources']['w'] = {'type': 'OS::Heat::Value', 'properties': {'value': {
        'all': {'get_attr': ['g', 'output']}, 'one': {'get_attr': ['g', 'resource.1.output']},
        'map': {'get_attr': ['g', 'attributes', 'output']}, 'refs': {'get_attr': ['g', 'refs']},
        'deep': {'get_attr': ['g', 'resource.0', 'output']}}}}
    me = world.create('s', template)
    world.run()
    value = world.rows(me)['w'].attrs['value']
    assert value['all'] == ['v0', 'v1'] and value['one'] == 'v1' and value['deep'] == 'v0'
    assert value['map'] == {'0': 'v0', '1': 'v1'} and len(value['refs']) == 2


def test_growing_touches_only_what_is_new(world):
    me = world.create('s', group(2))
    world.run()
    before = {n: r.uuid for n, r in members(world, me).items()}
    world.update(me, group(3))
    world.run()
    after = {n: r.uuid for n, r in members(world, me).items()}
    assert world.state(me) == 'UPDATE_COMPLETE' and set(after) == {'0', '1', '2'}
    assert {n: after[n] for n in before} == before


def test_shrinking_takes_the_last_members(world):
    me = world.create('s', group(3))
    world.run()
    world.update(me, group(1))
    world.run()
    assert set(members(world, me)) == {'0'}


def test_a_removed_member_is_replaced_by_a_new_name(world):
    me = world.create('s', group(3))
    world.run()
    world.update(me, group(3, removal_policies=[{'resource_list': ['1']}]))
    world.run()
    assert set(members(world, me)) == {'0', '2', '3'}


def test_a_failing_member_names_itself_at_the_root(world):
    me = world.create('s', group(2, member={'type': 'OS::Heat::TestResource',
                                            'properties': {'value': 'x', 'fail': True}}))
    world.run()
    assert world.state(me) == 'CREATE_FAILED'
    reason = world.stack(me).reason
    assert reason.startswith('Resource CREATE failed: ValueError: resources.g.resources.')
    assert 'Test Resource failed' in reason


def test_deleting_takes_the_child_stack_too(world):
    me = world.create('s', group(2))
    world.run()
    child = {'stack_id': world.rows(me)['g'].physical_id}
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and world.stack(child).deleted_at is not None
    assert world.rows(child) == {} and world.rows(me) == {}


def test_a_group_is_rolled_back_with_its_members(world):
    me = world.create('s', group(2), disable_rollback=False)
    world.run()
    bad = group(3, value='w%index%')
    bad['resources']['b'] = {'type': 'OS::Heat::TestResource', 'depends_on': 'g',
                             'properties': {'fail': True}}
    world.update(me, bad)
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE'
    assert {n: r.props['value'] for n, r in members(world, me).items()} == {'0': 'v0', '1': 'v1'}


def test_deleting_while_members_wait(world):
    me = world.create('s', group(2, member={
        'type': 'OS::Heat::TestResource',
        'properties': {'value': 'x', 'action_wait_secs': {'create': 3000}}}))
    world.run(until=world.clock.monotonic() + 5)
    world.delete(me)
    world.run(until=world.clock.monotonic() + 100)
    assert world.state(me) == 'DELETE_COMPLETE'


def test_time_runs_out_in_a_member(world):
    me = world.create('s', group(2, member={
        'type': 'OS::Heat::TestResource',
        'properties': {'value': 'x', 'action_wait_secs': {'create': 3000}}}), timeout_mins=1)
    world.run()
    assert world.state(me) == 'CREATE_FAILED' and world.stack(me).reason == 'Timed out'


def test_a_new_reader_of_a_member_attribute_gets_it(world):
    me = world.create('s', group(2))
    world.run()
    template = group(2)
    template['resources']['w'] = {'type': 'OS::Heat::Value',
                                  'properties': {'value': {'get_attr': ['g', 'output']}}}
    world.update(me, template)
    world.run()
    assert world.rows(me)['w'].attrs['value'] == ['v0', 'v1']


def test_many_members(world):
    me = world.create('s', group(200))
    world.run()
    assert len(members(world, me)) == 200


def test_a_tree_of_many_small_stacks_lets_others_run(world):
    """Else nobody beats for the leases meanwhile, and another engine takes the tree."""
    pauses: list[int] = []
    world.engine.loop.carrier.breathe = lambda: pauses.append(len(world.engine.loop.batch.rows))
    inner = {'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': 10, 'resource_def': {'type': 'OS::Heat::RandomString'}}}
    me = world.create('s', hot(g={'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': 40, 'resource_def': inner}}))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    # Rows of the tree that were made between two pauses.
    assert max(after - before for before, after in zip([0, *pauses], pauses, strict=False)) < 150
    assert len(pauses) >= 4
