"""Stacks of AWS's format that take from each other and from the parameter store.

Exports are published when a stack stands, can neither change nor go while somebody
imports them, and survive crashes; stored parameters and dynamic references.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from heat.common import errors
from heat.engine.parameter_store import ParameterStore
from heat.model import op


def aws(resources: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return {'AWSTemplateFormatVersion': '2010-09-09', 'Resources': resources, **sections}


def trial(value: Any) -> dict[str, Any]:
    return {'Type': 'OS::Heat::TestResource', 'Properties': {'value': value}}


def exporter(value: str = 'one', name: Any = 'vpc') -> dict[str, Any]:
    return aws({'A': trial(value)},
               Outputs={'O': {'Value': {'Fn::GetAtt': ['A', 'output']}, 'Export': {'Name': name}}})


def importer(name: Any = 'vpc') -> dict[str, Any]:
    return aws({'B': trial({'Fn::ImportValue': name})})


def store(world: Any) -> ParameterStore:
    return ParameterStore(world.database, world.crypt, world.clock)


def test_a_value_is_exported_and_imported(world):
    first = world.create('first', exporter(name={'Fn::Sub': '${AWS::StackName}-vpc'}))
    with pytest.raises(errors.StackValidationFailed, match='No export named first-vpc found'):
        world.create('early', importer('first-vpc'))
    world.run()
    assert world.state(first) == 'CREATE_COMPLETE'
    second = world.create('second', importer('first-vpc'))
    world.run()
    assert world.rows(second)['B'].props['value'] == 'one'
    assert world.leases_held() == 0


def test_a_name_belongs_to_one_stack(world):
    world.create('first', exporter())
    with pytest.raises(errors.StackValidationFailed,
                       match='Export with name vpc is already exported by stack first'):
        world.create('second', exporter())
    # The refused one left nothing behind: its name is free for a stack that exports something else.
    world.create('second', exporter(name='other'))


def test_what_is_imported_neither_goes_nor_changes(world):
    first = world.create('first', exporter())
    world.run()
    second = world.create('second', importer())
    world.run()
    with pytest.raises(errors.NotSupported, match='Export vpc cannot be deleted as it is in use by second'):
        world.delete(first)
    with pytest.raises(errors.StackValidationFailed, match='Export vpc cannot be deleted as it is in use'):
        world.update(first, aws({'A': trial('one')}))
    # What the value will be shows only at the end; the update then fails.
    world.update(first, exporter('two'))
    world.run()
    assert world.state(first) == 'UPDATE_FAILED'
    assert world.stack(first).reason == 'Export vpc cannot be updated as it is in use by second'
    world.delete(second)
    world.run()
    world.update(first, exporter('two'))
    world.run()
    assert world.state(first) == 'UPDATE_COMPLETE'
    third = world.create('third', importer())
    world.run()
    assert world.rows(third)['B'].props['value'] == 'two'


def test_an_update_that_may_not_change_an_export_is_rolled_back(world):
    first = world.create('first', exporter())
    world.run()
    world.create('second', importer())
    world.run()
    world.update(first, exporter('two'), disable_rollback=False)
    world.run()
    assert world.state(first) == 'ROLLBACK_COMPLETE'
    assert world.rows(first)['A'].props['value'] == 'one'


def test_a_name_is_free_again(world):
    first = world.create('first', exporter())
    world.run()
    world.update(first, exporter(name='other'))
    world.run()
    second = world.create('second', exporter('mine'))
    world.run()
    assert world.state(second) == 'CREATE_COMPLETE'
    world.delete(first)
    world.run()
    third = world.create('third', exporter(name='other'))
    world.run()
    assert world.state(third) == 'CREATE_COMPLETE'


def test_a_create_that_is_taken_back_frees_its_names(world):
    broken = exporter()
    broken['Resources']['A']['Properties']['fail'] = True
    first = world.create('first', broken, disable_rollback=False)
    world.run()
    assert world.state(first) == 'ROLLBACK_COMPLETE'
    second = world.create('second', exporter())
    world.run()
    assert world.state(second) == 'CREATE_COMPLETE'


@pytest.mark.parametrize('point', ['commit.before', 'commit.after', 'publish.before', 'publish.after'])
@pytest.mark.parametrize('nth', [1, 2, 3, 4])
def test_a_crash_anywhere_ends_where_no_crash_ends(world, point, nth):
    world.crash_at(point, nth)
    first = world.create('first', exporter())
    world.run()
    second = world.create('second', importer())
    world.run()
    world.update(first, exporter('one'))
    world.run()
    assert world.state(first) == 'UPDATE_COMPLETE'
    assert world.rows(second)['B'].props['value'] == 'one'
    assert [e for e in world.events(first) if e.startswith('first')] == [
        'first CREATE_IN_PROGRESS', 'first CREATE_COMPLETE', 'first UPDATE_IN_PROGRESS',
        'first UPDATE_COMPLETE']
    with pytest.raises(errors.NotSupported):
        world.delete(first)


def test_what_was_borrowed_is_in_no_clear_text_and_no_users_environment(world):
    world.create('first', exporter('a secret word'))
    world.run()
    world.create('second', importer())
    world.run()
    with world.database.connect() as conn:
        kept = str(conn.exec_driver_sql('select environment from raw_template').all())
        kept += str(conn.exec_driver_sql('select secret from exports').all())
    assert 'a secret word' not in kept and 'borrowed' in kept


def test_nobody_borrows_by_saying_so(world):
    with pytest.raises(errors.StackValidationFailed, match='No export named vpc found'):
        world.create('second', importer(), environment={
            'parameters': {}, 'borrowed': {'imports': {'vpc': 'mine'}}})


def test_an_output_of_another_stack(world):
    world.create('first', exporter())
    world.run()
    wanted = {'Fn::GetStackOutput': {'StackName': 'first', 'OutputName': 'O'}}
    second = world.create('second', aws({'B': trial(wanted)}))
    world.run()
    assert world.rows(second)['B'].props['value'] == 'one'
    with pytest.raises(errors.StackValidationFailed, match='Stack first has no output named Z'):
        world.create('third', aws({'B': trial(
            {'Fn::GetStackOutput': {'StackName': 'first', 'OutputName': 'Z'}})}))
    with pytest.raises(errors.StackValidationFailed, match='Stack nobody could not be found'):
        world.create('third', aws({'B': trial(
            {'Fn::GetStackOutput': {'StackName': 'nobody', 'OutputName': 'Z'}})}))
    with pytest.raises(errors.StackValidationFailed, match='another region'):
        world.create('third', aws({'B': trial({'Fn::GetStackOutput': {
            'StackName': 'first', 'OutputName': 'O', 'Region': 'elsewhere'}})}))


def stored_template() -> dict[str, Any]:
    return aws({'B': trial({'Ref': 'P'})}, Parameters={
        'P': {'Type': 'AWS::SSM::Parameter::Value<String>', 'Default': '/app/size'}})


def test_a_stored_parameter_is_read_at_each_update(world):
    with pytest.raises(errors.StackValidationFailed, match='no parameter /app/size'):
        world.create('s', stored_template())
    store(world).put_stored_parameter(world.context, '/app/size', 'small')
    me = world.create('s', stored_template())
    world.run()
    assert world.rows(me)['B'].props['value'] == 'small'
    store(world).put_stored_parameter(world.context, '/app/size', 'large', overwrite=True)
    world.update(me, stored_template())
    world.run()
    assert world.rows(me)['B'].props['value'] == 'large'


def test_a_secure_parameter_is_no_template_parameter(world):
    store(world).put_stored_parameter(world.context, '/app/size', 'hunter2', 'SecureString')
    with pytest.raises(errors.StackValidationFailed, match='is a SecureString') as caught:
        world.create('s', stored_template())
    assert 'hunter2' not in str(caught.value)


def network(description: str, **more: Any) -> dict[str, Any]:
    return {'Type': 'OS::Neutron::Net', 'Properties': {'name': description}, **more}


def names_of_networks(world: Any) -> list[str]:
    listed = world._request(op.Call('network', 'GET', '/networks')).body['networks']
    return sorted(one['name'] for one in listed if not one.get('router:external'))


def test_a_dynamic_reference_is_resolved_for_the_call_and_kept_nowhere(world):
    store(world).put_stored_parameter(world.context, '/net/name', 'hush-hush', 'SecureString')
    before = names_of_networks(world)
    written = 'net-{{resolve:ssm-secure:/net/name}}'
    me = world.create('s', aws({'N': network(written)}))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert sorted({*names_of_networks(world)} - {*before}) == ['net-hush-hush']
    assert world.rows(me)['N'].props['name'] == written
    with world.database.connect() as conn:
        for table in ('resource', 'resource_properties_data', 'event', 'raw_template'):
            assert 'hush-hush' not in str(conn.exec_driver_sql(f'select * from {table}').all())
    # Nothing has changed in the text, so nothing is done.
    store(world).put_stored_parameter(world.context, '/net/name', 'other', overwrite=True)
    world.update(me, aws({'N': network(written)}))
    world.run()
    assert 'N UPDATE_IN_PROGRESS' not in world.events(me)


def test_a_dynamic_reference_to_nothing_fails_its_resource(world):
    me = world.create('s', aws({'N': network('{{resolve:ssm:/none}}')}))
    world.run()
    assert world.state(me) == 'CREATE_FAILED'
    assert 'The parameter store of the project has no parameter /none.' in world.stack(me).reason


def test_a_dynamic_reference_is_plain_text_in_hot(world):
    written = 'net-{{resolve:ssm:/none}}'
    me = world.create('s', {'heat_template_version': '2021-04-16', 'resources': {
        'n': {'type': 'OS::Neutron::Net', 'properties': {'name': written}}}})
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert written in names_of_networks(world)


def test_a_reference_that_nobody_would_resolve_is_refused(world):
    with pytest.raises(errors.StackValidationFailed, match='dynamic reference'):
        world.create('s', aws({'V': {'Type': 'OS::Heat::Value',
                                     'Properties': {'value': '{{resolve:ssm-secure:/net/name}}'}}}))


# -- zones of the cloud --------------------------------------------------------------------------------


def zoned(**more: Any) -> dict[str, Any]:
    return {'Z': trial({'Fn::Join': ['+', {'Fn::GetAZs': {'Ref': 'AWS::Region'}}]}), **more}


@pytest.fixture
def zones(world: Any) -> list[str]:
    """What the cloud tells of its zones."""
    there = ['one', 'two']
    world.engine.exchange._zones = lambda credential: list(there)
    return there


def test_zones_are_those_of_the_cloud_when_the_stack_was_asked_for(world: Any, zones: list[str]) -> None:
    me = world.create('s', aws(zoned(), Outputs={'O': {'Value': {'Fn::Select': [1, {'Fn::GetAZs': ''}]}}}))
    zones.append('three')
    world.run()
    assert world.rows(me)['Z'].props['value'] == 'one+two'
    world.update(me, aws(zoned()))
    world.run()
    assert world.rows(me)['Z'].props['value'] == 'one+two+three'


def test_nested_stacks_know_the_zones_too(world: Any, zones: list[str]) -> None:
    url = 'http://templates.example/inner.json'
    world.documents[url] = json.dumps(aws(zoned()))
    stack = {'Type': 'AWS::CloudFormation::Stack', 'Properties': {'TemplateURL': url}}
    late = {**stack, 'Properties': {'TemplateURL': {'Fn::GetAtt': ['U', 'output']}}}
    for tree in ({'N': stack}, {'N': late, 'U': trial(url)}):
        me = world.create(f's{len(tree)}', aws(tree))
        world.run()
        child = {**me, 'stack_id': world.rows(me)['N'].physical_id}
        assert world.rows(child)['Z'].props['value'] == 'one+two'


def test_a_cloud_that_does_not_tell_its_zones_is_no_reason_to_make_any_up(world: Any) -> None:
    def refuse(credential: Any) -> list[str]:
        raise op.CloudFault(503, 'Out of order.')

    world.engine.exchange._zones = refuse
    with pytest.raises(errors.StackValidationFailed, match='cannot be had: Out of order') as told:
        world.create('s', aws(zoned()))
    assert told.value.faults[0].path[:2] == ('Resources', 'Z')
    world.create('other', aws({'A': trial('needs none')}))
