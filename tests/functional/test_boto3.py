"""CloudFormation's API as scripts use it: boto3's waiters and paginators before heat-all as a process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

from heat.api.cfn.actions import SERVED
from tests.functional.test_heatclient import serving
from tests.servers.daemon import SLOWER
from tests.servers.keystone import identity

MANY = 120
# The model has them for what is not served: refactoring, types of one's own. What is imported is adopted by
# the orchestration API; tests/parity waits for it.
UNSERVED_WAITERS = {'stack_refactor_create_complete', 'stack_refactor_execute_complete',
                    'type_registration_complete'}
ELSEWHERE = {'stack_import_complete'}
PATIENCE = {'Delay': 0.2, 'MaxAttempts': 300 * SLOWER}


@pytest.fixture(scope='module')
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp('heat-all')


@pytest.fixture(scope='module')
def cloud(state: Path) -> Iterator[Any]:
    with serving(state) as place:
        session = place.user.session()
        api = identity(session, place.user.auth_url)
        keys = api.post(f'/users/{session.get_user_id()}/credentials/OS-EC2',
                        json={'tenant_id': session.get_project_id()}).json()['credential']
        url = json.loads((state / 'ready.json').read_text())['cloudformation']
        yield boto3.client(
            'cloudformation', endpoint_url=url, region_name='RegionOne', aws_access_key_id=keys['access'],
            aws_secret_access_key=keys['secret'], config=Config(retries={'total_max_attempts': 1}))


def template(value: str = 'a', **more: Any) -> str:
    things = {f'R{n:03}': {'Type': 'OS::Heat::None'} for n in range(MANY)}
    outputs = {f'O{n:03}': {'Value': f'v{n}', 'Export': {'Name': f'e{n:03}'}} for n in range(MANY)}
    return json.dumps({
        'AWSTemplateFormatVersion': '2010-09-09', 'Outputs': outputs, 'Resources': {
            **things, 'T': {'Type': 'OS::Heat::TestResource', 'Properties': {'value': value}}, **more}})


def wait(cloud: Any, name: str, **what: Any) -> str:
    cloud.get_waiter(name).wait(**what, WaiterConfig=PATIENCE)
    return name


def test_a_life_by_waiters_and_pages(cloud: Any) -> None:
    waited = set()
    made = cloud.create_change_set(StackName='web', ChangeSetName='first', ChangeSetType='CREATE',
                                   TemplateBody=template())
    waited.add(wait(cloud, 'change_set_create_complete', ChangeSetName=made['Id']))
    pages_of_changes(cloud, made['Id'])
    cloud.execute_change_set(ChangeSetName=made['Id'])
    waited.add(wait(cloud, 'stack_exists', StackName='web'))
    waited.add(wait(cloud, 'stack_create_complete', StackName='web'))
    cloud.create_stack(StackName='taker', TemplateBody=json.dumps({
        'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {'T': {
            'Type': 'OS::Heat::TestResource', 'Properties': {'value': {'Fn::ImportValue': 'e007'}}}}}))
    wait(cloud, 'stack_create_complete', StackName='taker')
    pages(cloud)
    cloud.delete_stack(StackName='taker')
    waited.add(wait(cloud, 'stack_delete_complete', StackName='taker'))

    cloud.update_stack(StackName='web', TemplateBody=template('b'))
    waited.add(wait(cloud, 'stack_update_complete', StackName='web'))
    cloud.update_stack(StackName='web', TemplateBody=template('c', Bad={
        'Type': 'OS::Heat::TestResource', 'Properties': {'fail': True}}))
    with pytest.raises(WaiterError, match='UPDATE_ROLLBACK_COMPLETE'):
        wait(cloud, 'stack_update_complete', StackName='web')
    waited.add(wait(cloud, 'stack_rollback_complete', StackName='web'))
    cloud.delete_stack(StackName='web')
    wait(cloud, 'stack_delete_complete', StackName=made['StackId'])
    assert waited == set(cloud.waiter_names) - UNSERVED_WAITERS - ELSEWHERE


def test_an_operator_reads_how_goals_ended(cloud: Any, state: Path) -> None:
    cloud.create_stack(StackName='noted', TemplateBody=json.dumps({
        'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {'Bad': {
            'Type': 'OS::Heat::TestResource', 'Properties': {'fail': True}}}}))
    with pytest.raises(WaiterError, match='ROLLBACK_COMPLETE'):
        wait(cloud, 'stack_create_complete', StackName='noted')
    log = (state / 'log').read_text()
    assert 'Stack noted: CREATE FAILED: Resource CREATE failed: ' in log
    assert 'Stack noted: ROLLBACK COMPLETE: ' in log
    assert '127.0.0.1 POST /v1: 200 in ' in log


PAGED: set[str] = set()


def pages_of(cloud: Any, operation: str, key: str, **what: Any) -> list[int]:
    PAGED.add(operation)
    return [len(page[key]) for page in cloud.get_paginator(operation).paginate(**what)]


def pages_of_changes(cloud: Any, change_set: str) -> None:
    assert pages_of(cloud, 'describe_change_set', 'Changes', ChangeSetName=change_set) == [100, MANY - 99]
    assert pages_of(cloud, 'list_change_sets', 'Summaries', StackName='web') == [1]


def pages(cloud: Any) -> None:
    """Each paginator of what is served, to its end."""
    assert pages_of(cloud, 'list_stack_resources', 'StackResourceSummaries', StackName='web') == [
        100, MANY - 99]
    events = 2 * (MANY + 2)
    for operation, key in (('describe_stack_events', 'StackEvents'), ('describe_events', 'OperationEvents')):
        assert pages_of(cloud, operation, key, StackName='web') == [100, 100, events - 200]
    assert pages_of(cloud, 'list_exports', 'Exports') == [100, MANY - 100]
    assert pages_of(cloud, 'list_imports', 'Imports', ExportName='e007') == [1]
    assert pages_of(cloud, 'describe_stacks', 'Stacks') == [2]
    assert pages_of(cloud, 'list_stacks', 'StackSummaries') == [2]
    assert pages_of(cloud, 'describe_account_limits', 'AccountLimits') == [1]
    assert {name for action in SERVED if cloud.can_paginate(name := xform_name(action))} == PAGED


def test_waiters_for_what_is_not_served_say_so(cloud: Any) -> None:
    given = {'type_registration_complete': {'RegistrationToken': 'token'}}
    for name in sorted(UNSERVED_WAITERS):
        with pytest.raises(WaiterError, match='is not supported by this service'):
            wait(cloud, name, **given.get(name, {'StackRefactorId': 'id'}))


def test_many_who_make_one_change_set_make_one(cloud: Any) -> None:
    """Whoever comes first has the name; the rest are told, and nobody makes a second stack of it."""
    body = json.dumps({'AWSTemplateFormatVersion': '2010-09-09',
                       'Resources': {'N': {'Type': 'OS::Heat::None'}}})

    def make(_number: int) -> str:
        try:
            return str(cloud.create_change_set(StackName='raced', ChangeSetName='one', ChangeSetType='CREATE',
                                               TemplateBody=body)['Id'])
        except ClientError as error:
            return str(error.response['Error']['Code'])

    with ThreadPoolExecutor(8) as pool:
        told = sorted(pool.map(make, range(8)))
    assert told.count('AlreadyExistsException') == 7
    assert len(cloud.list_change_sets(StackName='raced')['Summaries']) == 1
