"""CloudWatch's query protocol as older clients speak it: boto 2, cfn-push-stats, and whoever reads JSON."""

from __future__ import annotations

import datetime
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest

from heat.common import errors
from tests.wire.cloudwatch import FORM
from tests.wire.conftest import World
from tests.wire.test_cfn_signatures import version_2
from tests.wire.test_cloudwatch import RULE, SHOWN

SPACE = '{http://monitoring.amazonaws.com/doc/2010-08-01/}'


def ask(world: World, action: str, verb: str = 'GET', **given: str) -> Any:
    """A query with a signature of version 2; ``__`` in a name stands for its dots."""
    params = version_2({'Action': action, 'Version': '2010-08-01',
                        **{name.replace('__', '.'): value for name, value in given.items()}}, verb)
    form = urlencode(params)
    if verb == 'GET':
        return world.ask('GET', f'/v1/?{form}', Host='localhost')
    return world.ask('POST', '/v1/', form.encode(), Host='localhost', Content_Type=FORM)


@pytest.mark.parametrize('verb', ['GET', 'POST'])
@pytest.mark.parametrize(('said', 'unit'), [
    ('Counter', 'Count'), ('megabytes', 'Megabytes'), ('Percent', 'Percent'), ('bits/second', 'Bits/Second')])
def test_what_servers_send(cloudwatch: World, verb: str, said: str, unit: str) -> None:
    """cfn-push-stats, with the alarm's name among the dimensions and units of its own making."""
    response = ask(cloudwatch, 'PutMetricData', verb, Namespace='system/linux',
                   MetricData__member__1__MetricName='Heartbeat', MetricData__member__1__Unit=said,
                   MetricData__member__1__Value='42.5',
                   MetricData__member__1__Dimensions__member__1__Name='AlarmName',
                   MetricData__member__1__Dimensions__member__1__Value='web-alarm-1',
                   MetricData__member__1__Dimensions__member__2__Name='InstanceId',
                   MetricData__member__1__Dimensions__member__2__Value='i-1')
    assert response.status_int == 200
    assert cloudwatch.engine.calls == [('put_metric_data', {'namespace': 'system/linux', 'data': [{
        'name': 'Heartbeat', 'value': 42.5, 'unit': unit, 'timestamp': None,
        'dimensions': [['AlarmName', 'web-alarm-1'], ['InstanceId', 'i-1']]}]})]
    root = ElementTree.fromstring(response.text)
    assert root.tag == f'{SPACE}PutMetricDataResponse'
    # The classic answered with a result, if an empty one.
    assert root.find(f'{SPACE}PutMetricDataResult') is not None
    assert root.findtext(f'{SPACE}ResponseMetadata/{SPACE}RequestId', '').startswith('req-')


def test_the_alarm_of_a_name(cloudwatch: World) -> None:
    """The classic's parameter, and its dimension that tells the stack."""
    cloudwatch.engine.answers['show_watch'] = [RULE]
    answer = ask(cloudwatch, 'DescribeAlarms', AlarmName='high', ContentType='JSON').json_body
    assert cloudwatch.engine.calls == [('show_watch', {'watch_name': 'high'})]
    told = answer['DescribeAlarmsResponse']['DescribeAlarmsResult']['MetricAlarms']
    assert told[0].pop('Dimensions') == [{'Name': 'host', 'Value': 'ü'}, {'Name': 'StackId', 'Value': 's-1'}]
    assert {name: value.isoformat(timespec='milliseconds').replace('+00:00', 'Z')
            if isinstance(value, datetime.datetime) else value
            for name, value in SHOWN.items() if name != 'Dimensions'} == told[0]
    for more in ({'AlarmNamePrefix': 'h'}, {'NextToken': 'x'}):
        response = ask(cloudwatch, 'DescribeAlarms', AlarmName='high', **more)
        assert '<Code>InvalidParameterCombination</Code>' in response.text


def test_a_state_without_a_reason(cloudwatch: World) -> None:
    response = ask(cloudwatch, 'SetAlarmState', AlarmName='high', StateValue='ALARM')
    assert ElementTree.fromstring(response.text).find(f'{SPACE}SetAlarmStateResult') is not None
    assert cloudwatch.engine.calls == [('set_watch_state', {
        'watch_name': 'high', 'state': 'ALARM', 'reason': None, 'reason_data': None})]


def test_whole_seconds_have_no_fraction(cloudwatch: World) -> None:
    """boto 2 reads the time of a data point by this form only."""
    cloudwatch.engine.answers['get_metric_statistics'] = [
        {'timestamp': f'2026-11-22T10:00:0{n}Z', 'unit': 'Count', 'Sum': 1.0} for n in range(2)]
    response = ask(cloudwatch, 'GetMetricStatistics', Namespace='n', MetricName='m', Period='60',
                   Statistics__member__1='Sum', StartTime='2026-11-22T10:00:00',
                   EndTime='2026-11-22T11:00:00Z')
    found = [one.text for one in ElementTree.fromstring(response.text).iter(f'{SPACE}Timestamp')]
    assert found == ['2026-11-22T10:00:00Z', '2026-11-22T10:00:01Z']


def test_errors_in_both_formats(cloudwatch: World) -> None:
    cloudwatch.engine.answers['delete_watches'] = errors.WatchRuleNotFound(watch_name='<a>')
    said = 'The Watch Rule (<a>) could not be found.'
    response = ask(cloudwatch, 'DeleteAlarms', AlarmNames__member__1='<a>')
    root = ElementTree.fromstring(response.text)
    assert (response.status_int, root.tag) == (404, f'{SPACE}ErrorResponse')
    assert [(one.tag.removeprefix(SPACE), one.text) for one in root.find(f'{SPACE}Error') or ()] == [
        ('Type', 'Sender'), ('Code', 'ResourceNotFound'), ('Message', said)]
    assert root.findtext(f'{SPACE}RequestId', '').startswith('req-')
    response = ask(cloudwatch, 'DeleteAlarms', AlarmNames__member__1='<a>', ContentType='JSON')
    assert (response.status_int, response.content_type) == (404, 'application/json')
    assert response.json_body['Error'] == {'Type': 'Sender', 'Code': 'ResourceNotFound', 'Message': said}


def test_units_of_other_protocols_are_those_of_the_model(cloudwatch: World, cloud: Any) -> None:
    data = [{'MetricName': 'm', 'Value': 1, 'Unit': 'Counter'}]
    if cloud.meta.service_model.resolved_protocol == 'query':
        cloud.put_metric_data(Namespace='n', MetricData=data)
        return
    with pytest.raises(cloud.exceptions.InvalidParameterValueException, match='Unit'):
        cloud.put_metric_data(Namespace='n', MetricData=data)
