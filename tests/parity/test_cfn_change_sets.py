"""Change sets as boto3 drives them, as `aws cloudformation deploy` does: front-end and whole engine."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from heat.db import connect, plans
from tests.parity.conftest import Site
from tests.wire import boto, conftest, keystone

NOW = {'Delay': 0, 'MaxAttempts': 1}
PARAMETERS = {'P': {'Type': 'String', 'Default': 'one'}, 'H': {'Type': 'String', 'NoEcho': True,
                                                              'Default': 'hush'}}


def body(value: Any = None, *, fixed: str = 'x', **more: Any) -> str:
    thing = {'Type': 'OS::Heat::TestResource', 'Properties': {
        'value': value or {'Ref': 'P'}, 'update_replace_value': fixed}}
    user = {'Type': 'OS::Heat::TestResource', 'Properties': {
        'value': {'Fn::GetAtt': ['A', 'output']}, 'update_replace_value': {'Ref': 'H'}}}
    return json.dumps({'AWSTemplateFormatVersion': '2010-09-09', 'Parameters': PARAMETERS,
                       'Resources': {'A': thing, 'B': user, **more}})


@pytest.fixture
def cloud(here: Site) -> Any:
    return boto.client(conftest.World(here.cfn, None, None, ''))  # type: ignore[arg-type]


def fault(function: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        function(**arguments)
    error = caught.value.response['Error']
    return error['Code'], error['Message']


def made(cloud: Any, kind: str, name: str = 'first', stack: str = 'web', **more: Any) -> Any:
    more = {'TemplateBody': body(), **more}
    return cloud.create_change_set(StackName=stack, ChangeSetName=name, ChangeSetType=kind, **more)


def deploy(here: Site, cloud: Any, name: str, kind: str, **more: Any) -> Any:
    """What `aws cloudformation deploy` asks, in its order; its waits are over at once here."""
    answer = made(cloud, kind, name, **more)
    cloud.get_waiter('change_set_create_complete').wait(
        ChangeSetName=answer['Id'], StackName='web', WaiterConfig=NOW)
    cloud.execute_change_set(ChangeSetName=answer['Id'], StackName='web')
    here.world.run()
    waiter = 'stack_create_complete' if kind == 'CREATE' else 'stack_update_complete'
    cloud.get_waiter(waiter).wait(StackName='web', WaiterConfig=NOW)
    return answer


def test_a_stack_is_deployed_changed_and_left_alone(here: Site, cloud: Any) -> None:
    assert 'does not exist' in fault(cloud.describe_stacks, StackName='web')[1]
    first = deploy(here, cloud, 'first', 'CREATE', Tags=[{'Key': 'a', 'Value': 'b'}])
    stack = cloud.describe_stacks(StackName='web')['Stacks'][0]
    assert (stack['StackId'], stack['StackStatus']) == (first['StackId'], 'CREATE_COMPLETE')
    assert stack['Tags'] == [{'Key': 'a', 'Value': 'b'}] and stack['DisableRollback'] is False
    assert cloud.describe_change_set(ChangeSetName=first['Id'])['ExecutionStatus'] == 'EXECUTE_COMPLETE'
    assert 'status of [EXECUTE_COMPLETE]' in fault(cloud.execute_change_set, ChangeSetName=first['Id'])[1]

    made(cloud, 'UPDATE', 'same')
    with pytest.raises(WaiterError) as caught:
        cloud.get_waiter('change_set_create_complete').wait(
            ChangeSetName='same', StackName='web', WaiterConfig=NOW)
    told = caught.value.last_response
    assert told['Status'] == 'FAILED' and told['ExecutionStatus'] == 'UNAVAILABLE' and told['Changes'] == []
    # By these words deploying tools know it.
    assert "The submitted information didn't contain changes." in told['StatusReason']
    assert fault(cloud.execute_change_set, ChangeSetName='same',
                 StackName='web')[0] == 'InvalidChangeSetStatus'

    deploy(here, cloud, 'second', 'UPDATE', Parameters=[{'ParameterKey': 'P', 'ParameterValue': 'two'}])
    stack = cloud.describe_stacks(StackName='web')['Stacks'][0]
    assert stack['StackStatus'] == 'UPDATE_COMPLETE' and stack['StackId'] == first['StackId']
    assert {'ParameterKey': 'P', 'ParameterValue': 'two'} in stack['Parameters']
    # Another tag alone is a change; no resource is touched by it.
    made(cloud, 'UPDATE', 'tags', UsePreviousTemplate=True, TemplateBody='', Tags=[], Parameters=[
        {'ParameterKey': 'P', 'UsePreviousValue': True}])
    assert cloud.describe_change_set(ChangeSetName='tags', StackName='web')['ExecutionStatus'] == 'AVAILABLE'


def test_a_stack_under_review(here: Site, cloud: Any) -> None:
    first = made(cloud, 'CREATE', Description='why')
    here.world.clock.advance(1)
    second = made(cloud, 'CREATE', 'second')
    assert first['StackId'] == second['StackId'] != ''
    for name in ('web', first['StackId']):
        stack = cloud.describe_stacks(StackName=name)['Stacks'][0]
        assert (stack['StackId'], stack['StackStatus']) == (first['StackId'], 'REVIEW_IN_PROGRESS')
    assert [one['StackName'] for one in cloud.describe_stacks()['Stacks']] == ['web']
    assert [one['StackStatus'] for one in cloud.list_stacks()['StackSummaries']] == ['REVIEW_IN_PROGRESS']
    assert len(cloud.list_stacks(StackStatusFilter=['REVIEW_IN_PROGRESS'])['StackSummaries']) == 1
    event, = cloud.describe_stack_events(StackName='web')['StackEvents']
    assert event['ResourceStatus'] == 'REVIEW_IN_PROGRESS'
    assert cloud.describe_stack_resources(StackName='web')['StackResources'] == []
    assert cloud.list_stack_resources(StackName=first['StackId'])['StackResourceSummaries'] == []
    assert fault(cloud.update_stack, StackName='web', UsePreviousTemplate=True)[1] == (
        f'Stack:{first["StackId"]} is in REVIEW_IN_PROGRESS state and can not be updated.')
    told = [(one['ChangeSetName'], one.get('Description'), one['ExecutionStatus'])
            for one in cloud.list_change_sets(StackName='web')['Summaries']]
    assert told == [('first', 'why', 'AVAILABLE'), ('second', None, 'AVAILABLE')]
    # One of them is carried out: the other is too late.
    cloud.execute_change_set(ChangeSetName='first', StackName='web')
    assert cloud.describe_stacks(StackName='web')['Stacks'][0]['StackId'] == first['StackId']
    assert cloud.describe_change_set(ChangeSetName=first['Id'])['ExecutionStatus'] == 'EXECUTE_IN_PROGRESS'
    assert fault(cloud.delete_change_set, ChangeSetName=first['Id'])[0] == 'InvalidChangeSetStatus'
    here.world.run()
    assert cloud.describe_change_set(ChangeSetName=second['Id'])['ExecutionStatus'] == 'OBSOLETE'
    assert 'already exists' in fault(made, cloud=cloud, kind='CREATE', name='third')[1]
    cloud.delete_stack(StackName='web')
    here.world.run()
    # Nor does the id come back with the name.
    assert cloud.describe_change_set(ChangeSetName=second['Id'])['ExecutionStatus'] == 'OBSOLETE'
    assert made(cloud, 'CREATE', 'second')['StackId'] != first['StackId']


def test_a_stack_under_review_is_deleted_with_its_change_sets(cloud: Any) -> None:
    first = made(cloud, 'CREATE')
    cloud.delete_stack(StackName='web')
    assert 'does not exist' in fault(cloud.describe_stacks, StackName='web')[1]
    assert fault(cloud.describe_change_set, ChangeSetName=first['Id'])[0] == 'ChangeSetNotFound'
    made(cloud, 'CREATE')
    cloud.delete_change_set(StackName='web', ChangeSetName='first')
    assert 'does not exist' in fault(cloud.describe_stacks, StackName='web')[1]


def test_requests_said_twice(here: Site, cloud: Any) -> None:
    first = made(cloud, 'CREATE', ClientToken='t')
    assert made(cloud, 'CREATE', ClientToken='t')['Id'] == first['Id']
    assert fault(made, cloud=cloud, kind='CREATE', ClientToken='u')[0] == 'AlreadyExistsException'
    # The same token for something else is no repetition.
    assert fault(made, cloud=cloud, kind='CREATE', ClientToken='t', TemplateBody=body('other'))[0] == (
        'AlreadyExistsException')
    assert len(cloud.list_change_sets(StackName='web')['Summaries']) == 1
    for _ in range(2):
        cloud.execute_change_set(ChangeSetName=first['Id'], ClientRequestToken='go', DisableRollback=True)
    here.world.run()
    assert cloud.describe_stacks(StackName='web')['Stacks'][0]['DisableRollback'] is True
    assert made(cloud, 'CREATE', ClientToken='t')['Id'] == first['Id']
    assert fault(cloud.execute_change_set, ChangeSetName=first['Id'],
                 ClientRequestToken='other')[0] == 'InvalidChangeSetStatus'
    later = made(cloud, 'UPDATE', 'later', TemplateBody=body('new'), ClientToken='v')
    assert fault(cloud.execute_change_set, ChangeSetName=later['Id'],
                 ClientRequestToken='go')[0] == 'TokenAlreadyExistsException'
    cloud.execute_change_set(ChangeSetName=later['Id'])
    here.world.run()
    assert made(cloud, 'UPDATE', 'later', TemplateBody=body('new'), ClientToken='v')['Id'] == later['Id']


def test_two_of_one_name_at_the_same_moment(here: Site, cloud: Any) -> None:
    made(cloud, 'CREATE')
    with connect.write(here.world.database) as conn:
        first, = plans.list_plans(conn, None)
        assert first.claim
        # The other one is under way: it has the name, and nobody sees it yet as the change set it will be.
        plans.delete_plan(conn, first.id)
        plans.insert_plan(conn, replace(first, arguments={}), here.world.crypt, here.world.clock.now())
    assert fault(made, cloud=cloud, kind='CREATE') == (
        'AlreadyExistsException', 'ChangeSet first already exists')
    made(cloud, 'CREATE', 'second')
    made(cloud, 'CREATE', stack='other')


def test_a_name_is_free_again_with_its_stack(here: Site, cloud: Any) -> None:
    deploy(here, cloud, 'other', 'CREATE')
    cloud.delete_stack(StackName='web')
    here.world.run()
    stale = made(cloud, 'CREATE')
    deploy(here, cloud, 'second', 'CREATE')
    # The creation that came too late has no hold on its name.
    made(cloud, 'UPDATE', TemplateBody=body('new'))
    cloud.delete_stack(StackName='web')
    here.world.run()
    assert made(cloud, 'CREATE')['Id'] != stale['Id']


def test_what_would_change(here: Site, cloud: Any) -> None:
    group = {'Type': 'OS::Heat::ResourceGroup', 'Properties': {'count': 1, 'resource_def': {
        'type': 'OS::Heat::TestResource', 'properties': {'value': 'a'}}}}
    deploy(here, cloud, 'first', 'CREATE', TemplateBody=body(Gone={'Type': 'OS::Heat::None'}, G=group))
    wider = {**group, 'Properties': {**group['Properties'], 'count': 2}}
    more = {'TemplateBody': body(G=wider, New={'Type': 'OS::Heat::None'}), 'Parameters': [
        {'ParameterKey': 'P', 'ParameterValue': 'two'}, {'ParameterKey': 'H', 'ParameterValue': 'quiet'}]}
    made(cloud, 'UPDATE', 'second', **more)
    told = cloud.describe_change_set(ChangeSetName='second', StackName='web', IncludePropertyValues=True)
    assert 'hush' not in str(told) and 'quiet' not in str(told)
    changes = {one['ResourceChange']['LogicalResourceId']: one['ResourceChange'] for one in told['Changes']}
    assert {name: (one['Action'], one.get('Replacement')) for name, one in changes.items()} == {
        'A': ('Modify', 'False'), 'B': ('Modify', 'True'), 'G': ('Modify', 'False'), 'G/1': ('Add', None),
        'Gone': ('Remove', None), 'New': ('Add', None)}
    assert changes['A']['Details'] == [{
        'Target': {'Attribute': 'Properties', 'Name': 'value', 'RequiresRecreation': 'Never',
                   'Path': '/Properties/value', 'BeforeValue': 'one', 'AfterValue': 'two',
                   'AttributeChangeType': 'Modify'},
        'Evaluation': 'Static', 'ChangeSource': 'ParameterReference', 'CausingEntity': 'P'}]
    assert changes['A']['Scope'] == ['Properties'] and changes['A']['PhysicalResourceId']
    by_name = {one['Target']['Name']: one for one in changes['B']['Details']}
    assert by_name['value']['ChangeSource'] == 'ResourceAttribute'
    assert by_name['value']['CausingEntity'] == 'A.output' and by_name['value']['Evaluation'] == 'Dynamic'
    assert by_name['update_replace_value']['Target']['RequiresRecreation'] == 'Always'
    assert by_name['update_replace_value']['Target']['AfterValue'] == '******'
    made(cloud, 'UPDATE', 'flat', IncludeNestedStacks=False, **more)
    flat = cloud.describe_change_set(ChangeSetName='flat', StackName='web')
    assert 'G/1' not in str(flat['Changes']) and 'BeforeValue' not in str(flat)
    assert flat['IncludeNestedStacks'] is False
    for stage in ('Original', 'Processed'):
        template = cloud.get_template(ChangeSetName='flat', StackName='web', TemplateStage=stage)
        assert template['TemplateBody']['Resources']['New']


def test_pages_of_changes(cloud: Any) -> None:
    made(cloud, 'CREATE', TemplateBody=body(**{f'R{n:03}': {'Type': 'OS::Heat::None'} for n in range(199)}))
    pages = list(cloud.get_paginator('describe_change_set').paginate(ChangeSetName='first', StackName='web'))
    assert [len(page['Changes']) for page in pages] == [100, 100, 1]


@pytest.mark.parametrize(('given', 'says'), [
    ({'ChangeSetType': 'IMPORT'}, 'The value IMPORT of the parameter ChangeSetType is not supported'),
    ({'ResourcesToImport': [{'ResourceType': 'a', 'LogicalResourceId': 'b'}]},
     'The parameter ResourcesToImport is not supported'),
    ({'ImportExistingResources': True}, 'The parameter ImportExistingResources is not supported'),
    ({'ChangeSetType': 'CREATE', 'UsePreviousTemplate': True}, 'UsePreviousTemplate cannot be used'),
    ({'ChangeSetName': '1st'}, 'must match'),
    ({'ChangeSetType': 'UPDATE'}, 'Stack with id web does not exist'),
    ({'TemplateBody': body(X={'Type': 'No::Such'})}, 'No::Such')])
def test_what_is_refused(cloud: Any, given: dict[str, Any], says: str) -> None:
    asked = {'StackName': 'web', 'ChangeSetName': 'first', 'ChangeSetType': 'CREATE', 'TemplateBody': body()}
    code, message = fault(cloud.create_change_set, **{**asked, **given})
    assert code == 'ValidationError' and says in message
    assert cloud.list_stacks()['StackSummaries'] == []


def test_only_a_creation_leaves_no_stack_when_it_fails(here: Site, cloud: Any) -> None:
    deploy(here, cloud, 'first', 'CREATE')
    assert 'valid only for a change set of the type CREATE' in fault(
        made, cloud=cloud, kind='UPDATE', name='second', OnStackFailure='DELETE')[1]
    made(cloud, 'UPDATE', 'second', OnStackFailure='DO_NOTHING', TemplateBody=body('b', X={
        'Type': 'OS::Heat::TestResource', 'Properties': {'fail': True}}))
    cloud.execute_change_set(StackName='web', ChangeSetName='second')
    here.world.run()
    assert cloud.describe_stacks(StackName='web')['Stacks'][0]['StackStatus'] == 'UPDATE_FAILED'


def test_names_of_change_sets(here: Site, cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(keystone.USERS, 'other', (keystone.OTHER_PROJECT, ('member', 'reader')))
    first = made(cloud, 'CREATE')
    assert 'must be specified' in fault(cloud.describe_change_set, ChangeSetName='first')[1]
    assert fault(cloud.describe_change_set, ChangeSetName='nil', StackName='web') == (
        'ChangeSetNotFound', 'ChangeSet [nil] does not exist')
    for wrong in ('arn:x', first['Id'].replace('/first/', '/other/')):
        with pytest.raises(ClientError):
            cloud.describe_change_set(ChangeSetName=wrong)
    cloud.delete_change_set(ChangeSetName='nil', StackName='web')
    foreign = boto.client(conftest.World(here.cfn, None, None, ''), access='other')  # type: ignore[arg-type]
    assert fault(foreign.describe_change_set, ChangeSetName=first['Id'])[0] == 'ChangeSetNotFound'
    assert fault(foreign.execute_change_set, ChangeSetName=first['Id'])[0] == 'ChangeSetNotFound'
    assert foreign.list_stacks()['StackSummaries'] == []
    # What was carried out keeps no name from being used again.
    cloud.execute_change_set(ChangeSetName='first', StackName='web')
    here.world.run()
    again = made(cloud, 'UPDATE', TemplateBody=body('new'))
    assert cloud.describe_change_set(ChangeSetName='first', StackName='web')['ChangeSetId'] == again['Id']
