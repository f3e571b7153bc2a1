"""A hidden parameter and what is worked out from it stand nowhere in the database in clear."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from heat.db import connect, schema
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
