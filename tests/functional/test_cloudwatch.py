"""Alarms as a user of AWS's clients has them: heat-all as a process, samples in, a group up and down."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from keystoneauth1 import session
from keystoneauth1.identity import v3

from tests.functional.test_quickstart import Running, start, stop
from tests.servers.daemon import SLOWER
from tests.wire import boto

SECONDS = 90
EVERY_SECOND = {'Delay': 1, 'MaxAttempts': 120 * SLOWER}
TEMPLATE = {
    'AWSTemplateFormatVersion': '2010-09-09',
    'Resources': {
        'Group': {'Type': 'OS::Heat::AutoScalingGroup', 'Properties': {
            'min_size': 1, 'max_size': 2, 'resource': {'type': 'OS::Heat::RandomString'}}},
        **{name: {'Type': 'OS::Heat::ScalingPolicy', 'Properties': {
            'auto_scaling_group_id': {'Ref': 'Group'}, 'adjustment_type': 'change_in_capacity',
            'scaling_adjustment': change}} for name, change in (('Up', 1), ('Down', -1))},
        'Busy': {'Type': 'AWS::CloudWatch::Alarm', 'Properties': {
            'AlarmName': 'busy', 'Namespace': 'shop', 'MetricName': 'orders', 'Statistic': 'Sum',
            'Period': 10, 'EvaluationPeriods': 1, 'Threshold': 100,
            'ComparisonOperator': 'GreaterThanThreshold',
            'AlarmActions': [{'Fn::GetAtt': ['Up', 'alarm_url']}]}}},
    'Outputs': {'Size': {'Value': {'Fn::GetAtt': ['Group', 'current_size']}},
                'Down': {'Value': {'Fn::GetAtt': ['Down', 'signal_url']}}}}


@pytest.fixture
def heat_all(tmp_path: Path) -> Iterator[Running]:
    running = start(tmp_path / 'state')
    yield running
    stop(running)


@pytest.fixture
def client(heat_all: Running) -> Callable[..., Any]:
    """Makes clients of a service that speak a protocol; they sign with an EC2 credential."""
    ready = heat_all.ready
    user = session.Session(v3.Password(
        ready['auth_url'], username='demo', password='demo', project_name='demo',
        user_domain_name='Default', project_domain_name='Default'))
    made = user.post(f'{ready["auth_url"]}/users/{user.get_user_id()}/credentials/OS-EC2',
                     json={'tenant_id': user.get_project_id()}).json()['credential']

    def make(service: str = 'cloudwatch', protocol: str = '') -> Any:
        return boto.session(protocol).client(
            service, endpoint_url=f'{ready[service]}/', aws_access_key_id=made['access'],
            aws_secret_access_key=made['secret'], config=Config(proxies={}))
    return make


def until(heat_all: Running, reached: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS * SLOWER
    while not reached():
        assert time.monotonic() < end, heat_all.log()[-4000:]
        # Another process is waited for; there is no clock of ours in it.
        time.sleep(0.5)


def test_samples_move_a_group(heat_all: Running, client: Callable[..., Any]) -> None:
    stacks = client('cloudformation')
    cbor, old = client(protocol='smithy-rpc-v2-cbor'), client(protocol='query')
    stacks.create_stack(StackName='shop', TemplateBody=json.dumps(TEMPLATE))
    stacks.get_waiter('stack_create_complete').wait(StackName='shop', WaiterConfig=EVERY_SECOND)

    def outputs() -> dict[str, str]:
        found = stacks.describe_stacks(StackName='shop')['Stacks'][0]['Outputs']
        return {one['OutputKey']: one['OutputValue'] for one in found}

    cbor.get_waiter('alarm_exists').wait(AlarmNames=['busy'])
    assert outputs()['Size'] == '1'
    # Enough for a compressed call.
    cbor.put_metric_data(Namespace='shop', MetricData=[
        {'MetricName': 'orders', 'Value': 1, 'Unit': 'None'} for _ in range(1000)])
    until(heat_all, lambda: outputs()['Size'] == '2')
    alarm = client(protocol='json').describe_alarms(StateValue='ALARM')['MetricAlarms'][0]
    assert alarm['AlarmName'] == 'busy' and '1000' in alarm['StateReason']
    old.put_metric_alarm(AlarmName='idle', Namespace='shop', MetricName='orders', Statistic='Sum', Period=60,
                         EvaluationPeriods=1, Threshold=1, ComparisonOperator='LessThanThreshold',
                         AlarmActions=[outputs()['Down']])
    old.disable_alarm_actions(AlarmNames=['busy'])
    old.set_alarm_state(AlarmName='idle', StateValue='ALARM', StateReason='by hand')
    until(heat_all, lambda: outputs()['Size'] == '1')
    assert [len(page['AlarmHistoryItems']) for page in old.get_paginator('describe_alarm_history').paginate(
        AlarmName='idle', HistoryItemType='Action', PaginationConfig={'PageSize': 1})] == [1]
    stacks.delete_stack(StackName='shop')
    stacks.get_waiter('stack_delete_complete').wait(StackName='shop', WaiterConfig=EVERY_SECOND)
    assert [one['AlarmName'] for one in cbor.describe_alarms()['MetricAlarms']] == ['idle']
