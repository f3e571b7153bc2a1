"""Drift of stacks as boto3 sees it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from heat.api.tails import Tails
from heat.common import errors
from tests.wire import boto
from tests.wire.cfn import ARN, LIVE, WHEN, Load, calls, fault, knowing_web
from tests.wire.conftest import World
from tests.wire.test_shapes import EVENT, RESOURCE, WEB


@pytest.fixture
def api(pipeline: Load) -> World:
    return knowing_web(pipeline)


@pytest.fixture
def cloud(api: World) -> Any:
    return boto.client(api)


CHECK = {**EVENT, 'event_time': '2026-11-22T10:00:00Z', 'resource_name': 'web', 'resource_action': 'CHECK',
         'physical_resource_id': 'id-1'}
DRIFT: list[dict[str, Any]] = [
    {'resource_name': name, 'path': path, 'resource_type': 'T', 'physical_resource_id': f'p-{name}',
     'status': status, 'checked_at': at, 'differences': differences}
    for name, path, status, at, differences in (
        ('b', 'b', 'MODIFIED', '2026-11-22T10:00:00Z', [
            {'property': 'Tags', 'expected': ['x'], 'actual': [], 'kind': 'REMOVE'},
            {'property': 'Name', 'expected': 'a', 'actual': 'b', 'kind': 'NOT_EQUAL'},
            {'property': 'Note', 'expected': None, 'actual': True, 'kind': 'ADD'}]),
        ('a', 'a', 'IN_SYNC', '2026-11-22T10:00:00Z', []), ('c', 'c', 'DELETED', '2026-11-22T10:00:00Z', []),
        ('d', 'd', 'NOT_CHECKED', None, []))]


@pytest.fixture
def drifted(api: World) -> World:
    checked = {**LIVE, 'stack_action': 'CHECK', 'stack_status': 'COMPLETE'}
    api.engine.answers.update(show_drift=DRIFT, show_stack=[checked], list_events=[
        {**CHECK, 'resource_status': 'COMPLETE'},
        {**CHECK, 'physical_resource_id': 'p', 'event_time': '2026-11-22T11:00:00Z'}, CHECK])
    return api


def test_a_detection_begins(drifted: World, cloud: Any) -> None:
    assert cloud.detect_stack_drift(StackName='web')['StackDriftDetectionId'] == 'id-1'
    assert calls(drifted, 'stack_check') == [{'stack_identity': WEB}]
    cloud.detect_stack_drift(StackName='web', LogicalResourceIds=['a', 'b'])
    assert calls(drifted, 'stack_check')[1] == {'stack_identity': WEB, 'resource_names': ['a', 'b']}
    drifted.engine.answers['stack_check'] = errors.ResourceNotFound(resource_name='z', stack_name='web')
    code, message = fault(cloud.detect_stack_drift, StackName='web', LogicalResourceIds=['z'])
    assert code == 'ValidationError' and '(z)' in message
    drifted.engine.answers['stack_check'] = errors.ActionInProgress(stack_name='web', action='UPDATE')
    assert fault(cloud.detect_stack_drift, StackName='web') == (
        'ValidationError', 'Stack web already has an action (UPDATE) in progress.')


def test_how_a_detection_stands(drifted: World, cloud: Any) -> None:
    def stands() -> dict[str, Any]:
        answer = dict(cloud.describe_stack_drift_detection_status(StackDriftDetectionId='id-1'))
        answer.pop('ResponseMetadata')
        return answer

    told = {'StackId': ARN, 'StackDriftDetectionId': 'id-1', 'Timestamp': WHEN}
    counted = {**told, 'StackDriftStatus': 'DRIFTED', 'DriftedStackResourceCount': 2}
    assert stands() == {**counted, 'DetectionStatus': 'DETECTION_COMPLETE'}
    # What is gone has failed its check, and was looked at; of the others one was not.
    failed = {**RESOURCE, 'resource_action': 'CHECK', 'resource_status': 'FAILED'}
    plain = {k: v for k, v in failed.items() if k != 'nested_stack_id'}
    drifted.engine.answers['list_stack_resources'] = [
        {**plain, 'resource_name': 'c'}, {**failed, 'resource_name': 'g'}]
    assert stands()['DetectionStatus'] == 'DETECTION_COMPLETE'
    drifted.engine.answers['list_stack_resources'] += [{**plain, 'resource_name': 'd'}]
    assert stands() == {**counted, 'DetectionStatus': 'DETECTION_FAILED',
                        'DetectionStatusReason': 'Detection has failed for the resources [d]'}
    drifted.engine.answers['show_stack'] = [{**LIVE, 'stack_action': 'CHECK', 'stack_status': 'IN_PROGRESS'}]
    assert stands() == {**told, 'DetectionStatus': 'DETECTION_IN_PROGRESS'}
    drifted.engine.answers.update(show_stack=[LIVE], list_stack_resources=[], show_drift=DRIFT[1:2])
    assert stands() == {**told, 'StackDriftStatus': 'IN_SYNC', 'DriftedStackResourceCount': 0,
                        'DetectionStatus': 'DETECTION_COMPLETE'}
    drifted.engine.answers['show_drift'] = DRIFT[3:4]
    assert stands()['StackDriftStatus'] == 'NOT_CHECKED'


def test_one_resource_is_looked_at_while_the_caller_waits(pipeline: Load) -> None:
    slept: list[float] = []
    api = pipeline('heat-api-cfn', tails=Tails(sleep=slept.append))
    api.engine.answers['identify_stack'] = WEB
    cloud = boto.client(api)
    # The third: a nested stack has not begun yet.
    states = iter([(1, 'COMPLETE'), (2, 'IN_PROGRESS'), (1, 'COMPLETE'), (2, 'IN_PROGRESS'), (2, 'COMPLETE')])

    def shown(**_asked: Any) -> list[dict[str, Any]]:
        generation, status = next(states)
        return [{**LIVE, 'generation': generation, 'stack_action': 'CHECK', 'stack_status': status}]

    api.engine.answers['describe_stacks'] = shown
    api.engine.answers['show_drift'] = [{
        **DRIFT[0], 'expected': {'Name': 'a'}, 'actual': {'Name': 'b', 'Note': True}}]
    found = cloud.detect_stack_resource_drift(StackName='web', LogicalResourceId='b')['StackResourceDrift']
    assert (found['LogicalResourceId'], found['StackResourceDriftStatus']) == ('b', 'MODIFIED')
    assert json.loads(found['ExpectedProperties']) == {'Name': 'a'}
    assert json.loads(found['ActualProperties']) == {'Name': 'b', 'Note': True}
    assert calls(api, 'stack_check') == [{'stack_identity': WEB, 'resource_names': ['b']}]
    assert next(states, None) is None and slept == [0.25, 0.5, 1.0]
    generations = iter(range(9))
    api.engine.answers['describe_stacks'] = lambda **_asked: [{**LIVE, 'generation': next(generations)}]
    api.engine.answers['show_drift'] = [DRIFT[3]]
    assert 'not supported for resource d' in fault(
        cloud.detect_stack_resource_drift, StackName='web', LogicalResourceId='d')[1]
    api.engine.answers['describe_stacks'] = [
        {**LIVE, 'generation': 1, 'stack_action': 'CHECK', 'stack_status': 'IN_PROGRESS'}]
    assert 'still in progress' in fault(
        cloud.detect_stack_resource_drift, StackName='web', LogicalResourceId='d')[1]
    assert sum(slept) < 60


@pytest.mark.parametrize('answers', [
    {'list_events': []}, {'identify_stack': errors.EntityNotFound(entity='Stack', name='id-1')},
    {'identify_stack': {**WEB, 'stack_id': 'id-2'}},
    {'show_stack': errors.InvalidTenant(target='x', actual='y')}])
def test_a_detection_that_is_not_there(drifted: World, cloud: Any, answers: dict[str, Any]) -> None:
    drifted.engine.answers.update(answers)
    assert fault(cloud.describe_stack_drift_detection_status, StackDriftDetectionId='id-1') == (
        'ValidationError', 'Drift detection id-1 does not exist')


def test_drifts_of_resources(drifted: World, cloud: Any) -> None:
    found = cloud.describe_stack_resource_drifts(StackName='web')['StackResourceDrifts']
    assert [one['LogicalResourceId'] for one in found] == ['a', 'b', 'c']
    assert found[1] == {
        'StackId': ARN, 'LogicalResourceId': 'b', 'PhysicalResourceId': 'p-b', 'ResourceType': 'T',
        'StackResourceDriftStatus': 'MODIFIED', 'Timestamp': WHEN, 'PropertyDifferences': [
            {'PropertyPath': '/Tags', 'ExpectedValue': '["x"]', 'ActualValue': '[]',
             'DifferenceType': 'REMOVE'},
            {'PropertyPath': '/Name', 'ExpectedValue': 'a', 'ActualValue': 'b',
             'DifferenceType': 'NOT_EQUAL'},
            {'PropertyPath': '/Note', 'ExpectedValue': 'null', 'ActualValue': 'true',
             'DifferenceType': 'ADD'}]}
    filtered = cloud.describe_stack_resource_drifts(
        StackName='web', StackResourceDriftStatusFilters=['DELETED', 'NOT_CHECKED'])
    assert [one['LogicalResourceId'] for one in filtered['StackResourceDrifts']] == ['c']


def test_drifts_come_in_pages(drifted: World, cloud: Any) -> None:
    pages, token = [], {}
    while True:
        page = cloud.describe_stack_resource_drifts(StackName='web', MaxResults=2, **token)
        pages.append([one['LogicalResourceId'] for one in page['StackResourceDrifts']])
        if 'NextToken' not in page:
            break
        token = {'NextToken': page['NextToken']}
    assert pages == [['a', 'b'], ['c']]
    assert 'at most 100' in fault(cloud.describe_stack_resource_drifts, StackName='web', MaxResults=101)[1]
    assert 'another request' in fault(cloud.describe_stack_resource_drifts, StackName='web', **token,
                                      StackResourceDriftStatusFilters=['DELETED'])[1]


def test_who_may_detect_drift(pipeline: Load) -> None:
    api = pipeline('heat-api-cfn', policy='"stacks:drift": "!"\n"actions:check": "!"\n')
    api.engine.answers['identify_stack'] = WEB
    cloud = boto.client(api)
    assert fault(cloud.detect_stack_drift, StackName='web')[0] == 'AccessDenied'
    assert fault(cloud.describe_stack_resource_drifts, StackName='web')[0] == 'AccessDenied'
    assert fault(cloud.describe_stack_drift_detection_status, StackDriftDetectionId='i')[0] == 'AccessDenied'
    assert api.engine.calls == []
