"""Drift from the front-ends to the cloud and back: REST and boto3 before a whole engine."""

from __future__ import annotations

import json
import types
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.parity.conftest import Site
from tests.sim.test_lifecycle import hot
from tests.sim.test_observation import meddle, net
from tests.wire import boto
from tests.wire.keystone import PROJECT

NAME = {'property': 'name', 'expected': 'ours', 'actual': 'theirs', 'kind': 'NOT_EQUAL'}


@pytest.fixture
def here(site: Callable[[], Site]) -> Site:
    made = site()
    made.world.context = replace(made.world.context, tenant_id=PROJECT)
    return made


def test_drift_over_rest(here: Site) -> None:
    me = here.world.create('s', hot(n=net(), m=net()))
    here.world.run()
    meddle(here.world, me)
    stack = f'/v1/{PROJECT}/stacks/s/{me["stack_id"]}'
    assert here.ask('POST', f'{stack}/actions', {'check': None}).status_int == 200
    here.world.run()
    found = {one['resource_name']: one for one in here.ask('GET', f'{stack}/drift').json_body['drift']}
    assert {name: one['status'] for name, one in found.items()} == {'n': 'MODIFIED', 'm': 'IN_SYNC'}
    assert found['n']['differences'][0] == NAME
    one = here.ask('GET', f'{stack}/drift?resource_name=m').json_body['drift']
    assert one == [found['m']]
    missing = here.ask('GET', f'{stack}/drift?resource_name=x')
    assert (missing.status_int, missing.json_body['error']['type']) == (404, 'ResourceNotFound')


def test_drift_of_another_project_is_not_found(here: Site) -> None:
    here.world.context = replace(here.world.context, tenant_id='b' * 32)
    me = here.world.create('s', hot(n=net()))
    here.world.run()
    meddle(here.world, me)
    here.world.engine.intake.stack_check(here.world.context, me)
    here.world.run()
    answer = here.ask('GET', f'/v1/{PROJECT}/stacks/s/{me["stack_id"]}/drift')
    assert answer.status_int == 404 and 'theirs' not in answer.text
    cloud: Any = boto.client(types.SimpleNamespace(app=here.cfn))  # type: ignore[arg-type]
    for ask, named in ((cloud.detect_stack_drift, 'StackName'),
                       (cloud.describe_stack_resource_drifts, 'StackName'),
                       (cloud.describe_stack_drift_detection_status, 'StackDriftDetectionId')):
        with pytest.raises(ClientError, match='does not exist'):
            ask(**{named: me['stack_id']})
    assert here.world.state(me) == 'CHECK_COMPLETE'


def test_drift_over_cloudformation(here: Site) -> None:
    cloud: Any = boto.client(types.SimpleNamespace(app=here.cfn))  # type: ignore[arg-type]
    me = here.world.create('s', hot(n=net(), gone=net()))
    here.world.run()
    with pytest.raises(ClientError, match='does not exist'):
        cloud.describe_stack_drift_detection_status(StackDriftDetectionId=me['stack_id'])
    meddle(here.world, me)
    there = here.world.cloud.inventory.networks.rows
    there.pop(here.world.rows(me)['gone'].physical_id)
    detection = cloud.detect_stack_drift(StackName='s')['StackDriftDetectionId']
    status = cloud.describe_stack_drift_detection_status
    assert status(StackDriftDetectionId=detection)['DetectionStatus'] == 'DETECTION_IN_PROGRESS'
    here.world.run()
    ended = status(StackDriftDetectionId=detection)
    # What is gone fails its check; that it is gone is what the detection has found.
    assert [ended[key] for key in ('DetectionStatus', 'StackDriftStatus', 'DriftedStackResourceCount')] == [
        'DETECTION_COMPLETE', 'DRIFTED', 2]
    drifts = cloud.describe_stack_resource_drifts(StackName='s')['StackResourceDrifts']
    assert [(one['LogicalResourceId'], one['StackResourceDriftStatus']) for one in drifts] == [
        ('gone', 'DELETED'), ('n', 'MODIFIED')]
    assert drifts[1]['PropertyDifferences'][0] == {
        'PropertyPath': '/name', 'ExpectedValue': 'ours', 'ActualValue': 'theirs',
        'DifferenceType': 'NOT_EQUAL'}
    here.world.cloud.faults.add(service='network', method='GET', path='/networks')
    here.world.clock.advance(60)
    cloud.detect_stack_drift(StackName='s')
    here.world.run()
    assert status(StackDriftDetectionId=detection)['DetectionStatus'] == 'DETECTION_FAILED'


def test_the_drift_of_single_resources(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud: Any = boto.client(types.SimpleNamespace(app=here.cfn))  # type: ignore[arg-type]
    me = here.world.create('s', hot(n=net(), m=net(), r={'type': 'OS::Heat::RandomString'}))
    here.world.run()
    meddle(here.world, me)
    # The caller waits; meanwhile the world goes on.
    monkeypatch.setattr(here.tails, 'sleep', lambda _seconds: here.world.run())
    one = cloud.detect_stack_resource_drift(StackName='s', LogicalResourceId='n')['StackResourceDrift']
    assert one['StackResourceDriftStatus'] == 'MODIFIED'
    expected, actual = json.loads(one['ExpectedProperties']), json.loads(one['ActualProperties'])
    assert (expected['name'], actual['name']) == ('ours', 'theirs')
    assert {key for key in expected if expected[key] != actual.get(key)} == {
        each['PropertyPath'][1:] for each in one['PropertyDifferences']}

    def drifts() -> dict[str, str]:
        return {row['LogicalResourceId']: row['DriftInformation']['StackResourceDriftStatus']
                for row in cloud.list_stack_resources(StackName='s')['StackResourceSummaries']}

    assert drifts() == {'n': 'MODIFIED', 'm': 'NOT_CHECKED', 'r': 'NOT_CHECKED'}
    assert cloud.list_stacks()['StackSummaries'][0]['DriftInformation']['StackDriftStatus'] == 'DRIFTED'
    cloud.detect_stack_drift(StackName='s', LogicalResourceIds=['m'])
    here.world.run()
    assert drifts() == {'n': 'MODIFIED', 'm': 'IN_SYNC', 'r': 'NOT_CHECKED'}
    shown = cloud.describe_stacks(StackName='s')['Stacks'][0]['DriftInformation']
    assert shown['StackDriftStatus'] == 'DRIFTED' and shown['LastCheckTimestamp']
    for ask in (lambda name: cloud.detect_stack_resource_drift(StackName='s', LogicalResourceId=name),
                lambda name: cloud.detect_stack_drift(StackName='s', LogicalResourceIds=[name])):
        with pytest.raises(ClientError, match=r'\(nil\)'):
            ask('nil')
    with pytest.raises(ClientError, match='not supported for resource r'):
        cloud.detect_stack_resource_drift(StackName='s', LogicalResourceId='r')


def test_the_drift_of_a_resource_in_a_nested_stack(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud: Any = boto.client(types.SimpleNamespace(app=here.cfn))  # type: ignore[arg-type]
    me = here.world.create('s', hot(g={'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': 2, 'resource_def': net()}}))
    here.world.run()
    inner = here.world.rows(me)['g'].physical_id
    there = here.world.rows({**me, 'stack_id': inner})['0'].physical_id
    here.world.cloud.inventory.networks.rows[there]['name'] = 'theirs'
    monkeypatch.setattr(here.tails, 'sleep', lambda _seconds: here.world.run())
    shown = cloud.describe_stacks(StackName=inner)['Stacks'][0]
    arn = cloud.describe_stacks(StackName='s')['Stacks'][0]['StackId']
    assert (shown['ParentId'], shown['RootId']) == (arn, arn)
    one = cloud.detect_stack_resource_drift(StackName=inner, LogicalResourceId='0')['StackResourceDrift']
    assert one['StackResourceDriftStatus'] == 'MODIFIED'
    rows = cloud.list_stack_resources(StackName=inner)['StackResourceSummaries']
    assert [(row['LogicalResourceId'], row['DriftInformation']['StackResourceDriftStatus'])
            for row in rows] == [('0', 'MODIFIED'), ('1', 'NOT_CHECKED')]
