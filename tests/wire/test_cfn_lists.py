"""Lists of CloudFormation in pages: stacks, resources, events; and signals to resources."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest

from heat.common import errors
from tests.wire import boto
from tests.wire.cfn import ARN, LIVE, WHEN, Load, calls, fault, knowing_web
from tests.wire.conftest import World
from tests.wire.engine import EMPTY
from tests.wire.test_shapes import EVENT, RESOURCE, STACK, WEB


@pytest.fixture
def api(pipeline: Load) -> World:
    return knowing_web(pipeline)


@pytest.fixture
def cloud(api: World) -> Any:
    return boto.client(api)


# -- lists and pages -----------------------------------------------------------------------------------


class Stacks:
    """An engine's list of stacks that pages as the real one."""

    def __init__(self, count: int) -> None:
        self.asked: list[str] = []
        self.rows = [{**STACK, 'stack_name': f's{n}', 'stack_identity': {**WEB, 'stack_name': f's{n}',
                                                                         'stack_id': f'id-{n}'},
                      'stack_action': 'DELETE' if n % 2 else 'CREATE'} for n in range(count)]

    def call(self, context: Any, method: str, /, **asked: Any) -> Any:
        self.asked.append(method)
        if method == 'list_plans':
            return EMPTY[method]
        assert method == 'describe_stacks'
        start = next((n + 1 for n, row in enumerate(self.rows)
                      if row['stack_identity']['stack_id'] == asked.get('marker')), 0)
        return self.rows[start:start + asked['limit']]


def test_pages_of_stacks(api: World, cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Stacks(230)
    monkeypatch.setattr(api.engine, 'call', engine.call)

    def names(operation: str, key: str, **given: Any) -> list[list[str]]:
        return [[one['StackName'] for one in page[key]]
                for page in cloud.get_paginator(operation).paginate(**given)]

    every = [f's{n}' for n in range(230)]
    pages = names('list_stacks', 'StackSummaries')
    assert [len(page) for page in pages] == [100, 100, 30] and list(chain(*pages)) == every
    pages = names('list_stacks', 'StackSummaries', StackStatusFilter=['DELETE_COMPLETE'])
    assert [len(page) for page in pages] == [100, 15] and list(chain(*pages)) == every[1::2]
    assert list(chain(*names('describe_stacks', 'Stacks'))) == every
    engine.asked.clear()
    cloud.describe_stacks()
    assert engine.asked == ['describe_stacks']


def test_tokens_of_other_requests_and_invented_ones(api: World, cloud: Any,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.engine, 'call', Stacks(230).call)
    token = cloud.list_stacks()['NextToken']
    for wrong in ('x', token[:-3], token.swapcase()):
        assert fault(cloud.list_stacks, NextToken=wrong)[0] == 'ValidationError'
    assert 'another request' in fault(cloud.list_stacks, NextToken=token,
                                      StackStatusFilter=['CREATE_COMPLETE'])[1]
    assert 'another request' in fault(cloud.describe_stacks, NextToken=token)[1]


def test_filters_of_states_reach_the_engine(api: World, cloud: Any) -> None:
    cloud.list_stacks(StackStatusFilter=['UPDATE_ROLLBACK_COMPLETE', 'CREATE_FAILED'])
    asked = calls(api, 'describe_stacks')[0]
    assert asked['show_deleted'] is True
    assert set(asked['filters']['stack_status']) == {'ROLLBACK_COMPLETE', 'CREATE_FAILED', 'INIT_FAILED'}
    assert fault(cloud.list_stacks, StackStatusFilter=['BEST'])[0] == 'ValidationError'


@pytest.mark.parametrize(('events', 'expected'), [
    (['ROLLBACK', 'CREATE', 'CREATE'], 'ROLLBACK_COMPLETE'),
    (['ROLLBACK', 'UPDATE', 'CREATE'], 'UPDATE_ROLLBACK_COMPLETE')])
def test_what_was_rolled_back(api: World, cloud: Any, events: list[str], expected: str) -> None:
    rows = [{**EVENT, 'event_time': '2026-11-22T10:00:00Z', 'resource_name': 'web',
             'physical_resource_id': 'id-1', 'resource_action': action, 'resource_status': 'COMPLETE',
             'event_identity': {**WEB, 'path': f'/resources/web/events/e{n}'}}
            for n, action in enumerate(events)]
    api.engine.answers.update(list_events=rows, describe_events=rows, describe_stacks=[
        {**LIVE, 'stack_action': 'ROLLBACK', 'back_from': events[1]}])
    assert cloud.describe_stacks(StackName='web')['Stacks'][0]['StackStatus'] == expected
    told = cloud.describe_stack_events(StackName='web')['StackEvents']
    assert told[0]['ResourceStatus'] == expected
    assert (told[0]['ResourceType'], told[0]['PhysicalResourceId']) == ('AWS::CloudFormation::Stack', ARN)


# -- resources, events, signals ------------------------------------------------------------------------


def test_resources(api: World, cloud: Any) -> None:
    waiting = {**RESOURCE, 'resource_name': 'b', 'resource_action': 'INIT'}
    row = {**RESOURCE, 'updated_time': '2026-11-22T10:00:00Z'}
    api.engine.answers.update(describe_stack_resource=row, describe_stack_resources=[row, waiting],
                              list_stack_resources=[row, waiting], find_physical_resource={
                                  **WEB, 'path': '/resources/kid'})
    common = {'LogicalResourceId': 'kid', 'PhysicalResourceId': 'id-2', 'ResourceType': 'file:///n.yaml',
              'ResourceStatus': 'CREATE_COMPLETE', 'ResourceStatusReason': 'state changed'}
    common['DriftInformation'] = {'StackResourceDriftStatus': 'NOT_CHECKED'}
    whole = {**common, 'StackId': ARN, 'StackName': 'web', 'Description': ''}
    assert cloud.describe_stack_resource(StackName='web', LogicalResourceId='kid')['StackResourceDetail'] == {
        **whole, 'LastUpdatedTimestamp': WHEN, 'Metadata': '{"n": 1}'}
    assert cloud.describe_stack_resources(StackName='web')['StackResources'] == [{**whole, 'Timestamp': WHEN}]
    assert cloud.describe_stack_resources(PhysicalResourceId='id-2')['StackResources'] == [
        {**whole, 'Timestamp': WHEN}]
    assert calls(api, 'describe_stack_resources')[1]['stack_identity'] == WEB
    assert cloud.list_stack_resources(StackName='web')['StackResourceSummaries'] == [
        {**common, 'LastUpdatedTimestamp': WHEN}]
    api.engine.answers['show_drift'] = [{
        'resource_name': 'kid', 'status': 'MODIFIED', 'checked_at': '2026-11-22T10:00:00Z'}]
    told = {'StackResourceDriftStatus': 'MODIFIED', 'LastCheckTimestamp': WHEN}
    assert cloud.describe_stack_resources(StackName='web')['StackResources'][0]['DriftInformation'] == told
    assert cloud.describe_stack_resource(
        StackName='web', LogicalResourceId='kid')['StackResourceDetail']['DriftInformation'] == told
    assert calls(api, 'show_drift')[-1] == {'stack_identity': WEB, 'own': True}
    for wrong in ({}, {'StackName': 'web', 'PhysicalResourceId': 'x'}):
        assert fault(cloud.describe_stack_resources, **wrong)[0] == 'ValidationError'
    api.engine.answers['describe_stack_resource'] = errors.ResourceNotFound(
        resource_name='Z', stack_name='web')
    assert fault(cloud.describe_stack_resource, StackName='web', LogicalResourceId='Z') == (
        'ValidationError', 'Resource Z does not exist for stack web')
    assert fault(cloud.describe_stack_resource, StackName='web')[0] == 'ValidationError'


def test_pages_of_resources(api: World, cloud: Any) -> None:
    api.engine.answers['list_stack_resources'] = [
        {**RESOURCE, 'resource_name': f'r{n:03}', 'updated_time': '2026-11-22T10:00:00Z'}
        for n in reversed(range(201))]
    pages = list(cloud.get_paginator('list_stack_resources').paginate(StackName='web'))
    assert [len(page['StackResourceSummaries']) for page in pages] == [100, 100, 1]
    found = [one['LogicalResourceId'] for page in pages for one in page['StackResourceSummaries']]
    assert found == [f'r{n:03}' for n in range(201)]


def test_events(api: World, cloud: Any) -> None:
    api.engine.answers['describe_events'] = [
        {**EVENT, 'event_time': '2026-11-22T10:00:00Z', 'operation': 'op-1'}]
    assert cloud.describe_stack_events(StackName='web')['StackEvents'] == [{
        'StackId': ARN, 'StackName': 'web', 'EventId': 'e-2', 'Timestamp': WHEN, 'LogicalResourceId': 'a',
        'OperationId': 'op-1',
        'PhysicalResourceId': 'web-a', 'ResourceType': 'OS::Heat::TestResource',
        'ResourceStatus': 'CREATE_IN_PROGRESS', 'ResourceStatusReason': 'state changed',
        'ResourceProperties': '{"value": "one"}'}]


def test_events_of_operations(api: World, cloud: Any) -> None:
    base = {**EVENT, 'event_time': '2026-11-22T10:00:00Z', 'operation': 'op-1'}
    own = {**base, 'resource_name': 'web', 'physical_resource_id': 'id-1', 'resource_status': 'FAILED'}
    api.engine.answers['describe_events'] = [own, {**base, 'resource_status': 'FAILED'}, base]
    told = cloud.describe_events(OperationId='op-1')['OperationEvents']
    assert [(one['EventType'], one.get('OperationType'), one.get('OperationStatus'), one['ResourceStatus'])
            for one in told] == [
        ('STACK_EVENT', 'CREATE_STACK', 'FAILED', 'CREATE_FAILED'),
        ('PROVISIONING_ERROR', None, None, 'CREATE_FAILED'),
        ('PROGRESS_EVENT', None, None, 'CREATE_IN_PROGRESS')]
    assert {one['OperationId'] for one in told} == {'op-1'}
    cloud.describe_events(StackName='web', Filters={'FailedEvents': True})
    assert calls(api, 'describe_events') == [
        {'stack_identity': None, 'operation': 'op-1', 'failed': False, 'limit': 100, 'marker': None},
        {'stack_identity': WEB, 'operation': None, 'failed': True, 'limit': 100, 'marker': None}]
    api.engine.answers['describe_events'] = [base] * 100
    token = cloud.describe_events(StackName='web')['NextToken']
    cloud.describe_events(StackName='web', NextToken=token)
    assert calls(api, 'describe_events')[-1]['marker'] == 'e-2'
    assert 'must be specified' in fault(cloud.describe_events)[1]


def test_signals(api: World, cloud: Any) -> None:
    api.engine.answers['describe_stack_resource'] = {**RESOURCE, 'resource_type': 'X'}
    cloud.signal_resource(StackName='web', LogicalResourceId='H', UniqueId='u', Status='FAILURE')
    assert calls(api, 'resource_signal') == [{
        'stack_identity': WEB, 'resource_name': 'H', 'sync_call': False,
        'details': {'Status': 'FAILURE', 'UniqueId': 'u', 'Reason': '', 'Data': ''}}]
    api.engine.answers['describe_stack_resource'] = {
        **RESOURCE, 'resource_type': 'OS::Heat::WaitConditionHandle'}
    cloud.signal_resource(StackName='web', LogicalResourceId='H', UniqueId='u', Status='SUCCESS')
    assert calls(api, 'resource_signal')[1]['details'] == {'status': 'SUCCESS', 'id': 'u'}
    assert fault(cloud.signal_resource, StackName='web', LogicalResourceId='H', UniqueId='u',
                 Status='MAYBE')[0] == 'ValidationError'
