"""CloudWatch as boto3 sees it before a whole engine: samples in, alarms judged, groups moved."""

from __future__ import annotations

from typing import Any

import pytest

from heat.api import deploy
from tests.parity.conftest import Site
from tests.parity.test_cfn_change_sets import fault
from tests.sim.test_scaling import MEMBER, members, policy
from tests.wire import boto, conftest
from tests.wire.cloudwatch import PROTOCOLS
from tests.wire.keystone import PROJECT

ALARM: dict[str, Any] = {'MetricName': 'load', 'Namespace': 'app', 'Statistic': 'Average', 'Period': 60,
                         'EvaluationPeriods': 1, 'Threshold': 5, 'ComparisonOperator': 'GreaterThanThreshold'}


def client(here: Site, protocol: str = '', **how: Any) -> Any:
    app = deploy.load_app(here.world.conf, 'heat-api-cloudwatch')
    return boto.client(conftest.World(app, None, None, ''),
                       'http://localhost:8003/v1',  # type: ignore[arg-type]
                       service='cloudwatch', protocol=protocol, **how)


@pytest.fixture(params=PROTOCOLS)
def cloud(request: pytest.FixtureRequest, here: Site) -> Any:
    return client(here, request.param)


def made(here: Site, **alarms: Any) -> dict[str, Any]:
    """A stack of a group with two policies."""
    template = {'heat_template_version': '2021-04-16', 'resources': {
        'g': {'type': 'OS::Heat::AutoScalingGroup', 'properties': {
            'min_size': 1, 'max_size': 4, 'desired_capacity': 2, 'resource': MEMBER}},
        'up': policy(1), 'down': policy(-1), **alarms}}
    answer = here.ask('POST', f'/v1/{PROJECT}/stacks', {'stack_name': 'web', 'template': template})
    assert answer.status_int == 201, answer.text
    here.world.run()
    return {'stack_id': answer.json_body['stack']['id']}


def arn(stack: dict[str, Any], resource: str) -> str:
    return f'arn:openstack:heat::{PROJECT}:stacks/web/{stack["stack_id"]}/resources/{resource}'


def measured(here: Site, cloud: Any, value: float) -> None:
    """A sample, and time until it was looked at and what that led to is done."""
    past = here.world.clock.wall() % 60
    if not 9 < past < 11:
        here.world.clock.advance(70 - past)
    cloud.put_metric_data(Namespace='app', MetricData=[{'MetricName': 'load', 'Value': value}])
    here.world.watch(60)
    here.world.run()


def states(cloud: Any) -> dict[str, str]:
    return {one['AlarmName']: one['StateValue'] for one in cloud.describe_alarms()['MetricAlarms']}


def test_samples_move_a_group_up_and_down(here: Site, cloud: Any) -> None:
    stack = made(here)
    cloud.put_metric_alarm(AlarmName='high', AlarmActions=[arn(stack, 'up')], **ALARM)
    cloud.put_metric_alarm(AlarmName='low', AlarmActions=[arn(stack, 'down')], **{
        **ALARM, 'Threshold': 1, 'ComparisonOperator': 'LessThanThreshold'})
    assert states(cloud) == {'high': 'INSUFFICIENT_DATA', 'low': 'INSUFFICIENT_DATA'}
    measured(here, cloud, 9)
    assert states(cloud) == {'high': 'ALARM', 'low': 'OK'} and len(members(here.world, stack)) == 3
    measured(here, cloud, 0.5)
    assert states(cloud) == {'high': 'OK', 'low': 'ALARM'} and len(members(here.world, stack)) == 2
    items = cloud.describe_alarm_history(AlarmName='high', HistoryItemType='StateUpdate')['AlarmHistoryItems']
    assert [one['HistorySummary'] for one in items] == [
        'Alarm updated from ALARM to OK', 'Alarm updated from INSUFFICIENT_DATA to ALARM']
    assert 'greater than the threshold (5)' in cloud.describe_alarms(
        AlarmNames=['high'])['MetricAlarms'][0]['StateReason']
    assert [one['AlarmName'] for one in cloud.describe_alarms(StateValue='OK')['MetricAlarms']] == ['high']
    both = cloud.describe_alarms_for_metric(MetricName='load', Namespace='app')['MetricAlarms']
    assert [one['AlarmName'] for one in both] == ['high', 'low']
    # By hand, until the next look.
    cloud.disable_alarm_actions(AlarmNames=['low'])
    cloud.set_alarm_state(AlarmName='high', StateValue='ALARM', StateReason='try', StateReasonData='{"a": 1}')
    here.world.run()
    assert states(cloud)['high'] == 'ALARM' and len(members(here.world, stack)) == 3
    cloud.delete_alarms(AlarmNames=['high', 'low'])
    assert states(cloud) == {}


def test_an_alarm_is_what_it_was_put_to_be(here: Site, cloud: Any) -> None:
    stack = made(here)
    whole = {**ALARM, 'AlarmName': 'whole', 'AlarmDescription': 'a & b', 'ActionsEnabled': False,
             'AlarmActions': [arn(stack, 'up')], 'OKActions': [arn(stack, 'down')],
             'InsufficientDataActions': [], 'Dimensions': [{'Name': 'host', 'Value': 'a'}], 'Unit': 'Percent',
             'EvaluationPeriods': 3, 'DatapointsToAlarm': 2, 'TreatMissingData': 'notBreaching'}
    cloud.put_metric_alarm(**whole)
    shown = cloud.describe_alarms()['MetricAlarms'][0]
    assert {name: shown[name] for name in whole} == whole
    assert shown['AlarmArn'] == f'arn:openstack:cloudwatch::{PROJECT}:alarm:whole'
    assert cloud.describe_alarms(ActionPrefix='arn:openstack:heat')['MetricAlarms'] == [shown]
    assert cloud.describe_alarms(ActionPrefix='arn:aws')['MetricAlarms'] == []


def test_what_is_measured_is_told(here: Site, cloud: Any) -> None:
    data = [{'MetricName': 'm', 'Values': [1, 5], 'Counts': [3, 1], 'Unit': 'Count'},
            {'MetricName': 'm', 'StatisticValues': {'SampleCount': 2, 'Sum': 4, 'Minimum': 0, 'Maximum': 4},
             'Unit': 'Count'}, {'MetricName': 'm', 'Value': 9, 'Dimensions': [{'Name': 'b', 'Value': 'c'}]}]
    cloud.put_metric_data(Namespace='app', MetricData=data)
    assert cloud.list_metrics(Namespace='app')['Metrics'] == [
        {'Namespace': 'app', 'MetricName': 'm', 'Dimensions': []},
        {'Namespace': 'app', 'MetricName': 'm', 'Dimensions': [{'Name': 'b', 'Value': 'c'}]}]
    now = here.world.clock.wall()
    points = cloud.get_metric_statistics(
        Namespace='app', MetricName='m', StartTime=now - 3600, EndTime=now + 60, Period=60,
        Statistics=['SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum'])['Datapoints']
    assert len(points) == 1 and points[0].pop('Timestamp').timestamp() == now // 60 * 60
    assert points == [{'SampleCount': 6.0, 'Average': 2.0, 'Sum': 12.0, 'Minimum': 0.0, 'Maximum': 5.0,
                       'Unit': 'Count'}]


def test_a_metric_with_all_the_dimensions_that_there_may_be(here: Site) -> None:
    cloud = client(here)
    most = [{'Name': f'{n:02}' + 'n' * 253, 'Value': 'v' * 1024} for n in range(30)]
    cloud.put_metric_data(Namespace='a' * 255, MetricData=[{'MetricName': 'm' * 255, 'Value': 1,
                                                            'Dimensions': most}])
    assert cloud.list_metrics()['Metrics'] == [
        {'Namespace': 'a' * 255, 'MetricName': 'm' * 255, 'Dimensions': most}]


def test_pages_of_everything(here: Site) -> None:
    cloud = client(here)
    for first in (0, 250):
        cloud.put_metric_data(Namespace='app', MetricData=[
            {'MetricName': f'm{n:03}', 'Value': 1} for n in range(first, first + 255)])
    names = [one['MetricName'] for page in cloud.get_paginator('list_metrics').paginate()
             for one in page['Metrics']]
    assert names == [f'm{n:03}' for n in range(505)]
    for n in range(5):
        cloud.put_metric_alarm(AlarmName=f'a{n}', **ALARM)
    for method, listed in (('describe_alarms', 'MetricAlarms'),
                           ('describe_alarm_history', 'AlarmHistoryItems')):
        pages = list(cloud.get_paginator(method).paginate(PaginationConfig={'PageSize': 2}))
        assert [len(page[listed]) for page in pages] == [2, 2, 1]
        assert {one['AlarmName'] for page in pages for one in page[listed]} == {f'a{n}' for n in range(5)}
    cloud.get_waiter('alarm_exists').wait(AlarmNames=['a0'])


def test_a_project_sees_its_own(here: Site) -> None:
    cloud, other = client(here), client(here, access='stranger')
    measured(here, cloud, 9)
    cloud.put_metric_alarm(AlarmName='high', **ALARM)
    assert other.list_metrics()['Metrics'] == [] == other.describe_alarms()['MetricAlarms']
    assert other.describe_alarm_history()['AlarmHistoryItems'] == []
    for call in (other.delete_alarms, other.enable_alarm_actions):
        assert fault(call, AlarmNames=['high']) == (
            'ResourceNotFound', 'The Watch Rule (high) could not be found.')
    stack = made(here)
    assert 'another project' in fault(
        other.put_metric_alarm, AlarmName='high', AlarmActions=[arn(stack, 'up')], **ALARM)[1]
    other.put_metric_alarm(AlarmName='high', **{**ALARM, 'Threshold': 7})
    assert cloud.describe_alarms()['MetricAlarms'][0]['Threshold'] == 5


def test_an_alarm_of_a_stack(here: Site) -> None:
    cloud = client(here)
    stack = made(here, a={'type': 'AWS::CloudWatch::Alarm', 'properties': {
        **ALARM, 'AlarmActions': [{'get_attr': ['up', 'alarm_url']}]}})
    measured(here, cloud, 9)
    assert len(members(here.world, stack)) == 3
    shown = cloud.describe_alarms()['MetricAlarms'][0]
    name = shown['AlarmName']
    assert (shown['StateValue'], name[:6]) == ('ALARM', 'web-a-')
    for call, given in ((cloud.delete_alarms, {'AlarmNames': [name]}),
                        (cloud.put_metric_alarm, {'AlarmName': name, **ALARM})):
        code, told = fault(call, **given)
        assert code == 'ResourceConflict' and 'belongs to a resource of stack' in told
    # What rests with its stack is shown as what nothing is known of, and found as that.
    identity = here.world.stack(stack).identity
    here.ask('POST', f'/v1{identity.url_path()}/actions', {'suspend': None})
    here.world.run()
    for more in ({}, {'StateValue': 'INSUFFICIENT_DATA'}):
        assert cloud.describe_alarms(**more)['MetricAlarms'][0]['StateValue'] == 'INSUFFICIENT_DATA'
    assert fault(cloud.set_alarm_state, AlarmName=name, StateValue='OK', StateReason='r')[0] == \
        'ResourceConflict'


@pytest.mark.parametrize(('change', 'words'), [
    ({'AlarmActions': ['arn:aws:sns:eu-west-1:1:t']}, 'no action that can be carried out'),
    ({'AlarmActions': ['https://example.com/hook']}, 'no action that can be carried out'),
    ({'OKActions': ['up']}, 'names no stack')])
def test_actions_that_nobody_carries_out(here: Site, change: dict[str, Any], words: str) -> None:
    code, told = fault(client(here).put_metric_alarm, AlarmName='a', **ALARM, **change)
    assert code == 'InvalidParameterValue' and words in told
