"""Nested stacks made from what is known at their step alone: addresses, exports, stored parameters."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from heat.common import errors
from heat.engine.parameter_store import ParameterStore
from tests.sim.world import World

URL, OTHER = 'http://templates.example/inner.json', 'http://templates.example/other.json'
POINTS = ('commit.before', 'commit.after', 'seek.before', 'seek.after')


def trial(value: Any) -> dict[str, Any]:
    return {'Type': 'OS::Heat::TestResource', 'Properties': {'value': value}}


def aws(resources: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return {'AWSTemplateFormatVersion': '2010-09-09', 'Resources': resources, **sections}


def around(value: Any, **parameters: Any) -> dict[str, Any]:
    """A stack whose nested stack has its address from a resource, and its parameters too."""
    return aws({'A': trial(value), 'N': {'Type': 'AWS::CloudFormation::Stack', 'Properties': {
        'TemplateURL': {'Fn::GetAtt': ['A', 'output']}, 'Parameters': parameters}}},
        Outputs={'O': {'Value': {'Fn::GetAtt': ['N', 'Outputs.O']}}})


def with_b(value: Any, tree: dict[str, Any]) -> dict[str, Any]:
    return {**tree, 'Resources': {**tree['Resources'], 'B': trial(value)}}


def inner(value: Any, **sections: Any) -> dict[str, Any]:
    return aws({'I': trial(value)}, Outputs={'O': {'Value': {'Fn::GetAtt': ['I', 'output']}}}, **sections)


IMPORTING = inner({'Fn::ImportValue': {'Ref': 'Name'}}, Parameters={'Name': {'Type': 'String'}})
EXPORTING = aws({'A': trial('of the export')}, Outputs={
    'O': {'Value': {'Fn::GetAtt': ['A', 'output']}, 'Export': {'Name': 'vpc'}}})


def put(world: World, **documents: Any) -> None:
    world.documents |= {f'http://templates.example/{name}.json': json.dumps(tree)
                        for name, tree in documents.items()}


def nested(world: World, me: dict[str, Any], name: str = 'N') -> dict[str, Any]:
    return {**me, 'stack_id': world.rows(me)[name].physical_id}


def test_an_address_that_a_resource_tells_is_read_when_it_is_known(world: World) -> None:
    put(world, inner=inner('one'), other=inner('two'))
    me = world.create('s', around(URL))
    assert world.fetched == []
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE' and world.fetched == [URL]
    child = nested(world, me)
    assert world.rows(child)['I'].props['value'] == 'one'
    # Another address, and the same one with another content: the same stack is led on.
    for address, value in ((OTHER, 'two'), (URL, 'three')):
        put(world, inner=inner('three'))
        world.update(me, around(address))
        world.run()
        assert world.state(me) == 'UPDATE_COMPLETE' and nested(world, me) == child
        assert world.rows(child)['I'].props['value'] == value
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'


def test_what_that_template_names_is_read_as_well(world: World) -> None:
    put(world, inner=aws({
        'Deeper': {'Type': 'AWS::CloudFormation::Stack', 'Properties': {'TemplateURL': OTHER}},
        'Typed': {'Type': 'http://templates.example/typed.yaml'}}, Outputs={
            'O': {'Value': {'Fn::GetAtt': ['Deeper', 'Outputs.O']}}}), other=inner('deep'))
    world.documents['http://templates.example/typed.yaml'] = json.dumps(
        {'heat_template_version': '2021-04-16', 'resources': {'t': {'type': 'OS::Heat::None'}}})
    me = world.create('s', around(URL))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert sorted(world.fetched) == [URL, OTHER, 'http://templates.example/typed.yaml']
    # Another engine, which has read nothing of it, goes on with what was stored.
    world.kill(world.engine)
    world.take_over(world.add_engine())
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and len(world.fetched) == 3


def test_an_export_whose_name_a_resource_tells(world: World) -> None:
    exporter = world.create('exporter', EXPORTING)
    world.run()
    put(world, inner=IMPORTING)
    me = world.create('s', with_b('vpc', around(URL, Name={'Fn::GetAtt': ['B', 'output']})))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert world.rows(nested(world, me))['I'].props['value'] == 'of the export'
    # It is imported as any other is.
    with pytest.raises(errors.NotSupported, match='Export vpc cannot be deleted as it is in use by s'):
        world.delete(exporter)
    world.delete(me)
    world.run()
    world.delete(exporter)
    world.run()
    assert world.state(exporter) == 'DELETE_COMPLETE'


def test_a_template_that_was_sent_along_may_import_what_a_resource_tells(world: World) -> None:
    world.create('exporter', EXPORTING)
    world.run()
    me = world.create('s', {'heat_template_version': '2021-04-16', 'resources': {
        'b': {'type': 'OS::Heat::TestResource', 'properties': {'value': 'vpc'}},
        'n': {'type': 'inner.yaml', 'properties': {'Name': {'get_attr': ['b', 'output']}}}}},
        files={'inner.yaml': json.dumps(IMPORTING)})
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert world.rows(nested(world, me, 'n'))['I'].props['value'] == 'of the export'


def test_a_stored_parameter_whose_key_a_resource_tells(world: World) -> None:
    ParameterStore(world.database, world.crypt, world.clock).put_stored_parameter(
        world.context, '/the/key', 'stored')
    put(world, inner=inner({'Ref': 'Stored'}, Parameters={
        'Stored': {'Type': 'AWS::SSM::Parameter::Value<String>'}}))
    me = world.create('s', with_b('/the/key', around(URL, Stored={'Fn::GetAtt': ['B', 'output']})))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert world.rows(nested(world, me))['I'].props['value'] == 'stored'


@pytest.mark.parametrize(('documents', 'parameters', 'said'), [
    ({}, {}, 'Could not fetch remote template "http://templates.example/inner.json"'),
    ({'inner': {'Resources': 5}}, {}, '"Resources" must contain|Resources'),
    ({'inner': IMPORTING}, {'Name': 'nobody'}, 'No export named nobody found.'),
    ({'inner': IMPORTING}, {}, r'The Parameter \(Name\) was not provided.'),
])
def test_what_cannot_be_had_fails_the_resource_alone(
        world: World, documents: Any, parameters: Any, said: str) -> None:
    put(world, **documents)
    me = world.create('s', around(URL, **parameters))
    world.run()
    assert world.states(me) == {'A': 'CREATE_COMPLETE', 'N': 'CREATE_FAILED'}
    assert re.search(said, world.rows(me)['N'].reason)
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'


def life(world: World) -> list[Any]:
    put(world, inner=inner('one'), other=inner('two'))
    me = world.create('s', around(URL))
    world.run()
    seen: list[Any] = [world.state(me), world.states(nested(world, me))]
    world.update(me, around(OTHER))
    world.run()
    seen += [world.state(me), world.rows(nested(world, me))['I'].props]
    world.delete(me)
    world.run()
    return [*seen, world.state(me), world.leases_held()]


@pytest.mark.parametrize('point', POINTS)
def test_every_crash_ends_where_no_crash_ends(conf: Any, point: str) -> None:
    world = World(conf)
    expected, counted = life(world), dict(world.points)
    assert expected[0] == 'CREATE_COMPLETE' and counted[point] > 1
    for nth in range(1, counted[point] + 1):
        world = World(conf)
        world.crash_at(point, nth)
        assert life(world) == expected, f'crash at {point} number {nth}'
