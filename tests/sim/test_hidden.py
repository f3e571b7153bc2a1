"""A hidden parameter and what is worked out from it stand nowhere in the database in clear."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from heat.db import connect, resources, schema
from tests.sim.world import World

SECRET = 'hush-hush'


def whole_database(world: World) -> str:
    """Every column of every row, as text."""
    with connect.read(world.database) as conn:
        return str([list(conn.execute(sa.select(table))) for table in schema.metadata.sorted_tables])


def test_what_is_worked_out_from_a_hidden_parameter_is_not_stored_in_clear(world: World) -> None:
    joined = {'list_join': ['-', [{'get_param': 's'}, 'x']]}
    tree: dict[str, Any] = {
        'heat_template_version': 'wallaby',
        'parameters': {'s': {'type': 'string', 'hidden': True}},
        'resources': {
            'v': {'type': 'OS::Heat::Value', 'properties': {'value': joined}},
            'w': {'type': 'OS::Heat::Value', 'properties': {'value': {'get_attr': ['v', 'value']}}},
            'n': {'type': 'OS::Neutron::Net', 'properties': {'name': {'get_attr': ['w', 'value']}}}},
        'outputs': {'o': {'value': {'get_attr': ['w', 'value']}}}}
    me = world.create('s', tree, environment={'parameters': {'s': SECRET}})
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert world.rows(me)['w'].attrs['value'] == f'{SECRET}-x'
    stored = whole_database(world)
    assert SECRET not in stored and 'OS::Heat::Value' in stored


def tree(value: Any, **more: Any) -> dict[str, Any]:
    return {'heat_template_version': 'wallaby', 'parameters': {'s': {'type': 'string', 'hidden': True}},
            'resources': {'v': {'type': 'OS::Heat::Value', 'properties': {'type': 'number', 'value': value}}},
            **more}


def test_a_failure_that_quotes_a_hidden_value_is_told_without_it(world: World) -> None:
    first = {'type': 'OS::Heat::TestResource', 'properties': {'value': {'get_param': 's'}}}
    late = tree({'get_attr': ['a', 'output']})
    late['resources']['a'] = first
    inner = tree({'get_attr': ['a', 'output']}, parameters={'s': {'type': 'string'}})
    inner['resources']['a'] = first
    outer = {**tree(''), 'resources': {'n': {'type': 'in.yaml', 'properties': {'s': {'get_param': 's'}}}}}
    for name, template in (('own', late), ('outer', outer)):
        me = world.create(name, template, environment={'parameters': {'s': SECRET}},
                          files={'in.yaml': json.dumps(inner)})
        world.run()
        assert world.state(me) == 'CREATE_FAILED'
        assert "could not convert string to float: '******'" in world.stack(me).reason
        stored = whole_database(world)
        assert SECRET not in stored and stored.count("to float: '******'") > 3


def test_who_looks_at_a_snapshot_sees_no_secret_and_the_stack_comes_back_with_it(world: World) -> None:
    member = {'type': 'OS::Heat::TestResource', 'properties': {'value': {'get_param': 's'}},
              'metadata': {'m': {'get_param': 's'}}}
    template = tree('1', parameters={'s': {'type': 'string', 'hidden': True}, 'p': {'type': 'string'}})
    template['resources'] |= {
        'r': member, 'w': {'type': 'OS::Heat::RandomString'},
        'g': {'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 2, 'resource_def': member}},
        'i': {'type': 'in.yaml', 'properties': {'s': {'get_param': 's'}}}}
    inner = tree('1', parameters={'s': {'type': 'string'}})
    me = world.create('s', template, environment={'parameters': {'s': SECRET, 'p': 'shown'}},
                      files={'in.yaml': json.dumps(inner)})
    world.run()
    random = world.rows(me)['w'].data['value']
    first = world.actions.stack_snapshot(world.context, me, 'one')
    world.run()
    assert world.state(me) == 'SNAPSHOT_COMPLETE'
    shown = [first, world.actions.show_snapshot(world.context, me, first['id']),
             *world.actions.stack_list_snapshots(world.context, me)]
    text = json.dumps(shown, default=str)
    assert SECRET not in text and random not in text
    for one in shown:
        assert one['data']['environment']['parameters'] == {'s': '******', 'p': 'shown'}
        assert one['data']['template'] == template
    world.actions.stack_restore(world.context, me, first['id'])
    world.run()
    assert world.state(me) == 'RESTORE_COMPLETE'
    assert world.rows(me)['r'].data['value'] == SECRET


def test_a_template_made_of_properties_is_not_stored_in_clear(world: World) -> None:
    member = {'type': 'OS::Heat::TestResource', 'properties': {'value': {'get_param': 's'}}}
    chain = {'type': 'OS::Heat::ResourceChain', 'properties': {
        'resources': ['OS::Heat::TestResource'], 'resource_properties': {'value': {'get_param': 's'}}}}
    template = {**tree(''), 'resources': {
        'g': {'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 2, 'resource_def': member}},
        'a': {'type': 'OS::Heat::AutoScalingGroup', 'properties': {
            'min_size': 1, 'max_size': 3, 'resource': member}}, 'c': chain}}
    me = world.create('s', template, environment={'parameters': {'s': SECRET}})
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert SECRET not in whole_database(world)
    # Another engine reads it, and goes on from it.
    world.kill(world.engine)
    world.add_engine()
    for act in (world.engine.intake.stack_suspend, world.engine.intake.stack_resume):
        act(world.context, me)
        world.run()
    world.update(me, template, environment={'parameters': {'s': SECRET + '2'}})
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert SECRET not in whole_database(world)
    with connect.read(world.database) as conn:
        rows = resources.rows_of_tree(conn, me['stack_id'], world.crypt)
    assert {row.data['value'] for row in rows if row.type == 'OS::Heat::TestResource'} == {SECRET + '2'}
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'
