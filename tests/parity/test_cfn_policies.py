"""Stack policies and what follows a failure, as boto3 sees them before a whole engine."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from heat.common.ids import StackId
from tests.parity.conftest import Site
from tests.parity.test_cfn_change_sets import fault
from tests.parity.test_cfn_offers import client, state, template, thing
from tests.wire import keystone

GROUP = {'Type': 'OS::Heat::ResourceGroup', 'Properties': {'count': 1, 'resource_def': {
    'type': 'OS::Heat::TestResource', 'properties': {'value': 'a'}}}}


@pytest.fixture
def cloud(here: Site) -> Any:
    return client(here)


def policy(action: str, name: str = '*', effect: str = 'Deny', **more: Any) -> str:
    denied = {'Effect': effect, 'Action': f'Update:{action}', 'Principal': '*',
              'Resource': name if name == '*' else f'LogicalResourceId/{name}', **more}
    rest = {'Effect': 'Allow', 'Action': 'Update:*', 'Principal': '*', 'Resource': '*'}
    return json.dumps({'Statement': [denied, rest]})


def made(here: Site, cloud: Any, resources: dict[str, Any], **more: Any) -> None:
    cloud.create_stack(StackName='web', TemplateBody=template(**resources), **more)
    here.world.run()
    assert state(cloud) == 'CREATE_COMPLETE'


def changed(here: Site, cloud: Any, resources: dict[str, Any], **more: Any) -> str:
    cloud.update_stack(StackName='web', TemplateBody=template(**resources), **more)
    here.world.run()
    return state(cloud)


def physical(cloud: Any) -> dict[str, str]:
    return {one['LogicalResourceId']: one['PhysicalResourceId']
            for one in cloud.describe_stack_resources(StackName='web')['StackResources']}


def told(cloud: Any) -> list[str]:
    return [str(one.get('ResourceStatusReason')) for one in
            cloud.describe_stack_events(StackName='web')['StackEvents']]


@pytest.mark.parametrize(('action', 'after'), [
    ('Modify', {'A': thing('b'), 'B': thing()}), ('Delete', {'B': thing()}),
    ('Replace', {'A': thing('a', update_replace=True), 'B': thing()})])
def test_an_update_that_the_policy_denies_is_taken_back(here: Site, cloud: Any, action: str,
                                                        after: dict[str, Any]) -> None:
    made(here, cloud, {'A': thing(), 'B': thing()})
    before = physical(cloud)
    cloud.set_stack_policy(StackName='web', StackPolicyBody=policy(action, 'A'))
    assert json.loads(cloud.get_stack_policy(StackName='web')['StackPolicyBody'])['Statement']
    assert changed(here, cloud, after) == 'UPDATE_ROLLBACK_COMPLETE'
    assert physical(cloud) == before
    sentence = (f'Action denied by stack policy: Statement [#1] does not allow [Update:{action}] for '
                'resource [A]')
    assert any(sentence in one for one in told(cloud))
    # The other resource is not meant by it.
    assert changed(here, cloud, {'A': thing(), 'B': thing('b')}) == 'UPDATE_COMPLETE'
    # What an update is allowed for once is its own policy, and the stack keeps its.
    assert changed(here, cloud, after, StackPolicyDuringUpdateBody=policy('Modify', 'Z')) == 'UPDATE_COMPLETE'
    assert physical(cloud) != before or action == 'Modify'
    assert 'LogicalResourceId/A' in cloud.get_stack_policy(StackName='web')['StackPolicyBody']


def test_policies_that_come_with_stacks_and_updates(here: Site, cloud: Any) -> None:
    made(here, cloud, {'A': thing()}, StackPolicyBody=policy('*'))
    assert changed(here, cloud, {'A': thing('b')}) == 'UPDATE_ROLLBACK_COMPLETE'
    # The new one counts from the next update on.
    assert changed(here, cloud, {'A': thing('b')}, StackPolicyBody=policy('Delete')) == \
        'UPDATE_ROLLBACK_COMPLETE'
    assert changed(here, cloud, {'A': thing('b')}) == 'UPDATE_COMPLETE'
    # What is made is no matter of the policy, nor is a deletion of the stack.
    assert changed(here, cloud, {'A': thing('b'), 'B': thing()}) == 'UPDATE_COMPLETE'
    for wrong in ('{', '{"Statement": []}'):
        assert 'Error validating stack policy' in fault(
            cloud.set_stack_policy, StackName='web', StackPolicyBody=wrong)[1]
        assert 'Error validating stack policy' in fault(
            cloud.update_stack, StackName='web', UsePreviousTemplate=True, StackPolicyBody=wrong)[1]
        assert 'Error validating stack policy' in fault(
            cloud.create_stack, StackName='other', TemplateBody=template(), StackPolicyBody=wrong)[1]
    cloud.delete_stack(StackName='web')
    here.world.run()
    assert 'does not exist' in fault(cloud.describe_stacks, StackName='web')[1]


def test_change_sets_are_under_the_policy_when_they_are_carried_out(here: Site, cloud: Any) -> None:
    made(here, cloud, {'A': thing()})
    cloud.create_change_set(StackName='web', ChangeSetName='c', TemplateBody=template(A=thing('b')))
    cloud.set_stack_policy(StackName='web', StackPolicyBody=policy('Modify', 'A'))
    # The policy is no wish of the stack's: what was decided is still to be carried out.
    cloud.execute_change_set(StackName='web', ChangeSetName='c')
    here.world.run()
    assert state(cloud) == 'UPDATE_ROLLBACK_COMPLETE'
    context = replace(here.world.context, tenant_id=keystone.PROJECT)
    plan = here.world.plans.create_plan(context, identity(cloud), None, json.loads(template(
        A=thing('b'))), {}, {}, {})
    # A plan tells beforehand what will be denied.
    assert 'fails: Action denied by stack policy' in plan['text']


def identity(cloud: Any) -> dict[str, str]:
    return StackId.from_arn(cloud.describe_stacks(StackName='web')['Stacks'][0]['StackId']).to_wire()


def test_another_project_sees_and_sets_nothing(here: Site, cloud: Any,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(keystone.USERS, 'other', (keystone.OTHER_PROJECT, ('member', 'reader')))
    made(here, cloud, {'A': thing()})
    stack = cloud.describe_stacks(StackName='web')['Stacks'][0]
    foreign, name = client(here, access='other'), stack['StackId']
    operation = stack['LastOperations'][0]['OperationId']
    assert cloud.describe_events(OperationId=operation)['OperationEvents']
    assert foreign.describe_events(OperationId=operation)['OperationEvents'] == []
    for ask, more in ((foreign.get_stack_policy, {}), (foreign.describe_events, {}),
                      (foreign.set_stack_policy, {'StackPolicyBody': policy('*')}),
                      (foreign.detect_stack_resource_drift, {'LogicalResourceId': 'A'}),
                      (foreign.detect_stack_drift, {'LogicalResourceIds': ['A']}),
                      (foreign.continue_update_rollback, {'ForceRollback': True})):
        assert 'does not exist' in fault(ask, StackName=name, **more)[1]
    assert 'StackPolicyBody' not in cloud.get_stack_policy(StackName='web')


def test_types_of_resources_in_policies(here: Site, cloud: Any) -> None:
    made(here, cloud, {'A': thing()}, StackPolicyBody=policy(
        'Modify', Condition={'StringLike': {'ResourceType': 'OS::Heat::Test*'}}))
    assert changed(here, cloud, {'A': thing('b')}) == 'UPDATE_ROLLBACK_COMPLETE'


def test_what_is_inside_of_what_may_not_be_modified(here: Site, cloud: Any) -> None:
    made(here, cloud, {'G': GROUP, 'A': thing()}, StackPolicyBody=policy('Modify', 'G'))
    # A group that stays as it is stands in nobody's way.
    assert changed(here, cloud, {'G': GROUP, 'A': thing('b')}) == 'UPDATE_COMPLETE'
    wider = {**GROUP, 'Properties': {**GROUP['Properties'], 'count': 2}}
    assert changed(here, cloud, {'G': wider, 'A': thing('b')}) == 'UPDATE_ROLLBACK_COMPLETE'
    # To go away is something else.
    assert changed(here, cloud, {'A': thing('b')}) == 'UPDATE_COMPLETE'


def test_a_failed_creation_leaves_no_stack(here: Site, cloud: Any) -> None:
    broken = template(A={**thing(), 'DeletionPolicy': 'Retain'}, B={**thing(fail=True), 'DependsOn': 'A'})
    cloud.create_stack(StackName='web', TemplateBody=broken, OnFailure='DELETE')
    stack = cloud.describe_stacks(StackName='web')['Stacks'][0]
    assert stack['DisableRollback'] is False
    here.world.run()
    assert 'does not exist' in fault(cloud.describe_stacks, StackName='web')[1]
    gone = cloud.describe_stacks(StackName=stack['StackId'])['Stacks'][0]
    assert gone['StackStatus'] == 'DELETE_COMPLETE'
    # It was one operation.
    assert gone['LastOperations'] == [
        {'OperationType': 'CREATE_STACK', 'OperationId': stack['LastOperations'][0]['OperationId']}]
    events = cloud.describe_events(OperationId=stack['LastOperations'][0]['OperationId'])['OperationEvents']
    assert [(one['OperationType'], one['OperationStatus']) for one in events
            if one['EventType'] == 'STACK_EVENT'][::-1] == [
        ('CREATE_STACK', 'IN_PROGRESS'), ('CREATE_STACK', 'FAILED'), ('DELETE_STACK', 'IN_PROGRESS'),
        ('DELETE_STACK', 'SUCCEEDED')]
    failures = cloud.describe_events(StackName=stack['StackId'], Filters={'FailedEvents': True})
    assert {one['LogicalResourceId'] for one in failures['OperationEvents']} == {'B', 'web'}
    assert cloud.describe_events(OperationId='nil')['OperationEvents'] == []
    # By way of a change set it is the same.
    cloud.create_change_set(StackName='web', ChangeSetName='c', ChangeSetType='CREATE', TemplateBody=broken,
                            OnStackFailure='DELETE')
    assert 'DisableRollback cannot be specified' in fault(
        cloud.execute_change_set, StackName='web', ChangeSetName='c', DisableRollback=True)[1]
    cloud.execute_change_set(StackName='web', ChangeSetName='c')
    here.world.run()
    assert 'does not exist' in fault(cloud.describe_stacks, StackName='web')[1]


@pytest.mark.parametrize(('flag', 'left'), [(True, False), (False, True)])
def test_what_a_failed_operation_has_made_is_not_retained(here: Site, cloud: Any, flag: bool,
                                                         left: bool) -> None:
    kept = {**thing(), 'DeletionPolicy': 'Retain'}
    made(here, cloud, {'Old': kept})
    broken = {'Old': kept, 'New': kept, 'B': {**thing(fail=True), 'DependsOn': 'New'}}
    assert changed(here, cloud, broken, RetainExceptOnCreate=flag) == 'UPDATE_ROLLBACK_COMPLETE'
    assert set(physical(cloud)) == {'Old'}
    # What is taken away is told in two events, what is left is told only.
    rows = [one for one in cloud.describe_stack_events(StackName='web')['StackEvents']
            if one['LogicalResourceId'] == 'New' and one['ResourceStatus'].startswith('DELETE')]
    assert len(rows) == 2
    assert cloud.describe_stacks(StackName='web')['Stacks'][0]['RetainExceptOnCreate'] is flag


def net(name: str) -> dict[str, Any]:
    return {'Type': 'OS::Neutron::Net', 'Properties': {'name': name}}


@pytest.fixture
def stuck(here: Site, cloud: Any) -> Any:
    """A stack whose network, and the one in its group, cannot be brought back from a failed update."""
    def resources(name: str, **more: Any) -> dict[str, Any]:
        inner = {**GROUP['Properties'], 'resource_def': {'type': 'OS::Neutron::Net', 'properties': {
            'name': name}}}
        return {'N': net(name), 'G': {**GROUP, 'Properties': inner, 'DependsOn': 'N'}, **more}

    made(here, cloud, resources('first'))
    here.world.cloud.faults.add(service='network', method='PUT', path='/networks', status=409, skip=2)
    broken = resources('second', B={**thing(fail=True), 'DependsOn': 'G'})
    assert changed(here, cloud, broken) == 'UPDATE_ROLLBACK_FAILED'
    return cloud


def test_a_rollback_goes_on_past_what_cannot_be_brought_back(here: Site, stuck: Any) -> None:
    for wrong in ('B', 'nil', 'G.7'):
        assert 'cannot be skipped' in fault(stuck.continue_update_rollback, StackName='web',
                                            ResourcesToSkip=['N', wrong])[1]
    stuck.continue_update_rollback(StackName='web', ResourcesToSkip=['N'])
    here.world.run()
    # It has come further, and is stuck inside of the group.
    assert state(stuck) == 'UPDATE_ROLLBACK_FAILED'
    stuck.continue_update_rollback(StackName='web', ResourcesToSkip=['G.0'])
    here.world.run()
    assert state(stuck) == 'UPDATE_ROLLBACK_COMPLETE'
    rows = {one['LogicalResourceId']: one for one in stuck.describe_stack_resources(
        StackName='web')['StackResources']}
    assert set(rows) == {'N', 'G'} and rows['N']['ResourceStatus'] == 'UPDATE_COMPLETE'
    assert 'Skipped by request' in rows['N']['ResourceStatusReason']
    # What was skipped is as the cloud has it, and the next update brings it on.
    here.world.cloud.faults.clear()
    names = {one['name'] for one in here.world.cloud.inventory.networks.rows.values()}
    assert 'second' in names
    assert changed(here, stuck, {'N': net('third')}) == 'UPDATE_COMPLETE'
    assert here.world.cloud.inventory.networks.rows[physical(stuck)['N']]['name'] == 'third'


def test_a_rollback_may_be_forced_past_all_of_it(here: Site, stuck: Any) -> None:
    for _ in range(2):
        # What fails later is no reason to have skipped it before.
        if state(stuck) == 'UPDATE_ROLLBACK_FAILED':
            stuck.continue_update_rollback(StackName='web', ForceRollback=True)
            here.world.run()
    assert state(stuck) == 'UPDATE_ROLLBACK_COMPLETE'


def test_what_a_rollback_cannot_delete_is_left_behind(here: Site, cloud: Any) -> None:
    made(here, cloud, {'A': thing()})
    here.world.cloud.faults.add(service='network', method='DELETE', path='/networks', status=409)
    broken = {'A': thing(), 'N': net('new'), 'B': {**thing(fail=True), 'DependsOn': 'N'}}
    assert changed(here, cloud, broken) == 'UPDATE_ROLLBACK_FAILED'
    cloud.continue_update_rollback(StackName='web', ResourcesToSkip=['N'])
    here.world.run()
    assert state(cloud) == 'UPDATE_ROLLBACK_COMPLETE' and set(physical(cloud)) == {'A'}
    assert [one['name'] for one in here.world.cloud.inventory.networks.rows.values()
            if one['name'] == 'new'] == ['new']


def test_a_stuck_deletion_may_be_forced(here: Site, cloud: Any) -> None:
    made(here, cloud, {'N': net('stays')})
    here.world.cloud.faults.add(service='network', method='DELETE', path='/networks', status=409)
    cloud.delete_stack(StackName='web')
    here.world.run()
    assert state(cloud) == 'DELETE_FAILED'
    cloud.delete_stack(StackName='web', DeletionMode='FORCE_DELETE_STACK')
    here.world.run()
    assert 'does not exist' in fault(cloud.describe_stacks, StackName='web')[1]
