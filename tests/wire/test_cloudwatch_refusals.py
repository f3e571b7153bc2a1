"""What CloudWatch's operations refuse, in each protocol: never a failure, never half a call."""

from __future__ import annotations

import datetime
import json
import math
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heat.api import cbor
from heat.api.cloudwatch.members import Listed, Structure
from heat.api.cloudwatch.operations import OPERATIONS, SERVED
from tests.wire import boto
from tests.wire.cloudwatch import fault, signed
from tests.wire.conftest import World

NOW = datetime.datetime.now(datetime.UTC)
HOUR = datetime.timedelta(hours=1)
DIMENSION = {'Name': 'n', 'Value': 'v'}


def datum(**members: Any) -> tuple[str, dict[str, Any]]:
    one = {'MetricName': 'm', **({} if {'Value', 'Values',
                                        'StatisticValues'} & set(members) else {'Value': 1})}
    return 'put_metric_data', {'Namespace': 'app', 'MetricData': [{'MetricName': 'first', 'Value': 1},
                                                                  {**one, **members}]}


def points(**members: Any) -> tuple[str, dict[str, Any]]:
    return 'get_metric_statistics', {
        'Namespace': 'app', 'MetricName': 'm', 'StartTime': NOW - HOUR, 'EndTime': NOW, 'Period': 60,
        'Statistics': ['Sum'], **members}


def alarm(without: str = '', **members: Any) -> tuple[str, dict[str, Any]]:
    whole = {'AlarmName': 'a', 'MetricName': 'm', 'Namespace': 'app', 'Statistic': 'Sum', 'Period': 60,
             'EvaluationPeriods': 1, 'Threshold': 1.0, 'ComparisonOperator': 'GreaterThanThreshold',
             **members}
    whole.pop(without, None)
    return 'put_metric_alarm', whole


INVALID, COMBINED, MISSING = 'InvalidParameterValue', 'InvalidParameterCombination', 'MissingParameter'
SET = {'SampleCount': 1, 'Sum': 1, 'Minimum': 1, 'Maximum': 1}
MEMBER = 'MetricData.member.2'
CASES = [
    # -- samples
    (datum(Value=math.nan), INVALID, f'for parameter {MEMBER}.Value is invalid'),
    (datum(Value=math.inf), INVALID, f'{MEMBER}.Value'),
    (datum(Values=[1, -math.inf]), INVALID, 'Values.member.2'),
    (datum(Value=2.0**361), INVALID, '2^360'), (datum(Value=-2.0**361), INVALID, '2^360'),
    (datum(Values=[1.0] * 151), INVALID, f'{MEMBER}.Values must not have a size greater than 150'),
    (datum(Values=[]), MISSING, f'{MEMBER}.Values'),
    (datum(Values=[1], Counts=[1, 2]), COMBINED, 'same size'), (datum(Counts=[1]), COMBINED, 'Counts'),
    (datum(Values=[1], Counts=[0]), INVALID, 'greater than 0'),
    (datum(Value=1, Values=[1]), COMBINED, 'mutually exclusive'),
    (datum(Value=1, StatisticValues=SET), COMBINED, 'mutually exclusive'),
    (datum(StatisticValues={**SET, 'SampleCount': 0}), INVALID, 'SampleCount'),
    (datum(StatisticValues={**SET, 'Minimum': 2}), COMBINED, 'Minimum'),
    (datum(StatisticValues={'SampleCount': 1}), MISSING, f'{MEMBER}.StatisticValues.Sum is required'),
    (datum(Timestamp=NOW - 15 * 24 * HOUR), INVALID, f'{MEMBER}.Timestamp'),
    (datum(Timestamp=NOW + 3 * HOUR), INVALID, 'two hours in the future'),
    (datum(Unit='Furlongs'), INVALID, 'one of Seconds'), (datum(Unit=''), INVALID, f'{MEMBER}.Unit'),
    (datum(StorageResolution=30), INVALID, '1 or 60'), (datum(MetricName=''), INVALID, '1 to 255'),
    (datum(MetricName='x' * 256), INVALID, '1 to 255'), (datum(MetricName='a\x00b'), INVALID, 'no text has'),
    (datum(Dimensions=[DIMENSION] * 31), INVALID, 'size greater than 30'),
    (datum(Dimensions=[DIMENSION, DIMENSION]), INVALID, 'names a dimension twice'),
    (datum(Dimensions=[{'Name': 'n'}]), MISSING, f'{MEMBER}.Dimensions.member.1.Value is required'),
    (datum(Dimensions=[{'Name': 'n', 'Value': 'x' * 1025}]), INVALID, '1 to 1024'),
    (('put_metric_data', {'Namespace': 'app', 'MetricData': [{'MetricName': 'm'}]}),
     MISSING, 'At least one of'),
    (('put_metric_data', {'Namespace': 'app', 'MetricData': [{'Value': 1}]}),
     MISSING, 'MetricName is required'),
    (('put_metric_data', {'Namespace': 'app', 'MetricData': []}), MISSING, 'MetricData is required'),
    (('put_metric_data', {'MetricData': [{'MetricName': 'm', 'Value': 1}]}),
     MISSING, 'Namespace is required'),
    (('put_metric_data', {'Namespace': ':a', 'MetricData': []}), INVALID, '[^:].*'),
    (('put_metric_data', {'Namespace': 'a', 'MetricData': [{'MetricName': 'm', 'Value': 1}] * 1001}), INVALID,
     'size greater than 1000'),
    (('put_metric_data', {'Namespace': 'a', 'EntityMetricData': [{'MetricData': [{'MetricName': 'm'}]}]}),
     INVALID, 'EntityMetricData is not supported'),
    (('put_metric_data', {'Namespace': 'a', 'StrictEntityValidation': True}), INVALID, 'not supported'),
    # -- statistics
    (points(StartTime=NOW), COMBINED, 'StartTime'), (points(StartTime=NOW + HOUR), COMBINED, 'StartTime'),
    (points(StartTime=NOW - 25 * HOUR), COMBINED, 'up to 1,500 datapoints, which exceeds the limit of 1,440'),
    (points(Period=61), INVALID, 'multiple of 60'), (points(Period=0), INVALID, 'Period'),
    (points(Period=2**31), INVALID, 'Period'), (points(Statistics=[]), MISSING, 'Statistics'),
    (points(Statistics=['p90']), INVALID, 'one of SampleCount'),
    (points(Statistics=['Sum'] * 6), INVALID, '5'),
    (points(Statistics=[], ExtendedStatistics=['p90']), INVALID, 'ExtendedStatistics is not supported'),
    (points(Dimensions=[DIMENSION, DIMENSION]), INVALID, 'twice'),
    # -- metrics
    (('list_metrics', {'RecentlyActive': 'PT4H'}), INVALID, 'PT3H'),
    (('list_metrics', {'IncludeLinkedAccounts': True}), INVALID, 'not supported'),
    (('list_metrics', {'OwningAccount': '1'}), INVALID, 'not supported'),
    (('list_metrics', {'Dimensions': [{'Name': 'n'}] * 11}), INVALID, 'size greater than 10'),
    (('list_metrics', {'NextToken': 'x'}), 'InvalidNextToken', 'not valid'),
    # -- alarms
    *((alarm(without=name), MISSING, f'The parameter {name} is required') for name in (
        'AlarmName', 'MetricName', 'Namespace', 'Statistic', 'Period', 'EvaluationPeriods', 'Threshold',
        'ComparisonOperator')),
    (alarm(AlarmName='x' * 256), INVALID, '1 to 255'), (alarm(AlarmDescription='x' * 1025), INVALID, '1024'),
    (alarm(AlarmActions=['a'] * 6), INVALID, 'size greater than 5'), (alarm(OKActions=['']), INVALID, '1 to'),
    (alarm(Period=5), INVALID, '10, 20, 30'), (alarm(Period=90), INVALID, 'multiple of 60'),
    (alarm(Period=86460), INVALID, '86400'), (alarm(EvaluationPeriods=0), INVALID, 'from 1'),
    (alarm(EvaluationPeriods=1441), COMBINED, 'more than 86400 seconds'),
    (alarm(Period=3600, EvaluationPeriods=169), COMBINED, 'more than 604800 seconds'),
    (alarm(DatapointsToAlarm=2), COMBINED, 'DatapointsToAlarm'),
    (alarm(Threshold=math.nan), INVALID, 'Threshold'),
    (alarm(ComparisonOperator='GreaterThanUpperThreshold'), INVALID, 'one of'),
    (alarm(TreatMissingData='perhaps'), INVALID, 'breaching'),
    (alarm(ExtendedStatistic='p9'), INVALID, 'support'),
    (alarm(Metrics=[{'Id': 'a', 'Expression': 'b'}]), INVALID, 'Metrics is not supported'),
    (alarm(Tags=[{'Key': 'a', 'Value': 'b'}]), INVALID, 'Tags is not supported'),
    (alarm(ThresholdMetricId='a'), INVALID, 'support'), (alarm(EvaluationInterval=10), INVALID, 'support'),
    (alarm(EvaluateLowSampleCountPercentile='ignore'), INVALID, 'support'),
    (alarm(EvaluationWindow={'WallClockWindow': {'Timezone': 'UTC'}}), INVALID, 'support'),
    (alarm(Dimensions=[DIMENSION, DIMENSION]), INVALID, 'twice'),
    (('describe_alarms', {'AlarmNames': ['a'], 'AlarmNamePrefix': 'a'}), COMBINED, 'mutually exclusive'),
    (('describe_alarms', {'AlarmNames': ['a'] * 101}), INVALID, '100'),
    (('describe_alarms', {'MaxRecords': 0}), INVALID, '1 to 100'),
    (('describe_alarms', {'MaxRecords': 101}), INVALID, '1 to 100'),
    (('describe_alarms', {'AlarmTypes': ['Siren']}), INVALID, 'MetricAlarm'),
    (('describe_alarms', {'StateValue': 'NODATA'}), INVALID, 'INSUFFICIENT_DATA'),
    (('describe_alarms', {'ChildrenOfAlarmName': 'a'}), INVALID, 'not supported'),
    (('describe_alarms', {'ParentsOfAlarmName': 'a'}), INVALID, 'not supported'),
    (('describe_alarms_for_metric', {'MetricName': 'a'}), MISSING, 'Namespace'),
    (('describe_alarms_for_metric', {'MetricName': 'a', 'Namespace': 'b', 'ExtendedStatistic': 'p9'}),
     INVALID,
     'not supported'),
    (('describe_alarm_history', {'StartDate': NOW, 'EndDate': NOW - HOUR}), COMBINED, 'StartDate'),
    (('describe_alarm_history', {'ScanBy': 'Name'}), INVALID, 'TimestampDescending'),
    (('describe_alarm_history', {'HistoryItemType': 'Gossip'}), INVALID, 'StateUpdate'),
    (('describe_alarm_history', {'AlarmContributorId': 'a'}), INVALID, 'not supported'),
    (('set_alarm_state', {'AlarmName': 'a', 'StateValue': 'SUSPENDED', 'StateReason': 'r'}),
     INVALID, 'one of OK'),
    (('set_alarm_state', {'AlarmName': 'a', 'StateValue': 'OK', 'StateReason': 'r' * 1024}), INVALID, '1023'),
    (('set_alarm_state', {'AlarmName': 'a', 'StateValue': 'OK', 'StateReason': 'r', 'StateReasonData': '{'}),
     'InvalidFormat', 'must be JSON'),
    (('delete_alarms', {'AlarmNames': []}), MISSING, 'AlarmNames'),
    (('delete_alarms', {}), MISSING, 'AlarmNames'),
    (('enable_alarm_actions', {'AlarmNames': ['']}), INVALID, 'AlarmNames.member.1'),
    (('disable_alarm_actions', {}), MISSING, 'AlarmNames')]


def name_of(value: Any) -> str:
    return value[0] if isinstance(value, tuple) else ''


@pytest.mark.parametrize(('asked', 'code', 'words'), CASES, ids=name_of)
def test_what_is_refused(cloudwatch: World, cloud: Any, asked: tuple[str, dict[str, Any]], code: str,
                         words: str) -> None:
    method, members = asked
    told = fault(getattr(cloud, method), **members)
    assert told[0] == code, told
    assert words in told[1]
    assert cloudwatch.engine.calls == []


@pytest.mark.parametrize('asked', [
    datum(Values=[1.5] * 150), datum(Timestamp=NOW - 13 * 24 * HOUR), datum(Timestamp=NOW + HOUR),
    datum(Value=0),
    datum(Value=2.0**360), datum(Dimensions=[{'Name': f'n{n}', 'Value': 'x' * 1024} for n in range(30)]),
    points(StartTime=NOW - 24 * HOUR), points(Period=1, StartTime=NOW - datetime.timedelta(seconds=1440)),
    alarm(Period=10), alarm(Period=86400, EvaluationPeriods=7),
    alarm(EvaluationPeriods=1440, DatapointsToAlarm=1),
    alarm(AlarmName='x' * 255, AlarmDescription='x' * 1024, OKActions=['a' * 1024] * 5),
    ('describe_alarms', {'AlarmNames': ['a'] * 100, 'MaxRecords': 100})], ids=name_of)
def test_the_last_that_is_taken(cloudwatch: World, cloud: Any, asked: tuple[str, dict[str, Any]]) -> None:
    getattr(cloud, asked[0])(**asked[1])
    assert len(cloudwatch.engine.calls) == 1


# -- anything at all ---------------------------------------------------------------------------------


def words(kind: Any) -> set[str]:
    """The names of members, at any depth."""
    if isinstance(kind, Listed):
        return words(kind.inner)
    if isinstance(kind, Structure):
        return set(kind.members).union(*(words(inner) for inner in kind.members.values()))
    return set()


NAMES = sorted(set().union(*(words(operation.members) for operation in SERVED.values())))
TEXTS = st.sampled_from(['', 'a', '1', 'true', 'NaN', '1e999', '60', 'OK', 'Sum', 'PT3H',
                         '2026-11-22T10:00:00Z',
                         '0001-01-01T00:00:00+23:00', '9999-12-31T23:59:59-23:00', 'None', '{', '\x00', 'ü',
                         'GreaterThanThreshold', 'x' * 300]) | st.text(max_size=5)
NUMBERS = st.integers(-2**64, 2**64 - 1) | st.floats() | st.sampled_from([0, 1, 60, 300, 1e300])
PLAIN = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(NAMES) | st.text(max_size=3), inner, max_size=5), max_leaves=12)
PARTS = st.sampled_from([*NAMES, 'member', '1', '2', '0', '99999', '', 'x'])
PLACES = st.lists(PARTS, min_size=1, max_size=8).map('.'.join)
OPERATION = st.sampled_from([*sorted(SERVED), 'GetDashboard', 'Dance', '', 'x' * 300])
KEEP = settings(max_examples=60, deadline=None, suppress_health_check=[
    HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large])


def check(world: World, request: Any, protocol: str) -> None:
    world.engine.calls.clear()
    response = boto.sent(world, request)
    assert response.status_int == 200 or 400 <= response.status_int < 500, response.text
    if protocol == 'smithy-rpc-v2-cbor':
        assert not response.body or isinstance(cbor.loads(response.body), dict)
    elif protocol == 'json':
        assert isinstance(response.json_body, dict)
    else:
        assert response.text.startswith('<')
    for method, arguments in world.engine.calls:
        # No number that is none in JSON, and no character that databases refuse.
        assert '\\u0000' not in json.dumps(arguments, allow_nan=False), method


@KEEP
@given(operation=OPERATION, body=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8) | VALUES)
def test_any_value(cloudwatch: World, operation: str, body: Any) -> None:
    check(cloudwatch, signed('json', operation, json.dumps(body).encode()), 'json')
    if operation in OPERATIONS:
        encoded = cbor.dumps(body)
        check(cloudwatch, signed('smithy-rpc-v2-cbor', operation, encoded), 'smithy-rpc-v2-cbor')


@KEEP
@given(operation=OPERATION, body=st.binary(max_size=100))
def test_any_bytes(cloudwatch: World, operation: str, body: bytes) -> None:
    for protocol in ('json', 'smithy-rpc-v2-cbor'):
        check(cloudwatch, signed(protocol, operation or 'Dance', body), protocol)


@KEEP
@given(operation=OPERATION, body=st.dictionaries(PLACES, TEXTS, max_size=8))
def test_any_query(cloudwatch: World, operation: str, body: dict[str, str]) -> None:
    form = urlencode({**body, 'Action': operation, 'Version': '2010-08-01'}, errors='replace').encode()
    check(cloudwatch, signed('query', operation, form), 'query')


@pytest.mark.parametrize('body', [b'[' * 100_000, b'{"AlarmNames":' * 50_000, b'1' * 5000, b'{"a": 1, "a": 2',
                                  b'null', b'[]', b'"x"', b'\xff', rb'{"AlarmNames": ["\ud800"]}'])
def test_bodies_of_json_that_are_none(cloudwatch: World, body: bytes) -> None:
    check(cloudwatch, signed('json', 'DeleteAlarms', body), 'json')
    assert cloudwatch.engine.calls == []


@pytest.mark.parametrize('form', [
    'AlarmNames=a', 'AlarmNames.x=a', 'AlarmNames.member=a', 'AlarmNames.member.x=a',
    'AlarmNames.member.1.x=a',
    'AlarmNames.member.0=a', 'AlarmNames.member.1=a&AlarmNames=b',
    'AlarmNames.member.1=a&AlarmNames.member=b',
    'AlarmNames.member.1=a&Sauce=b', 'AlarmNames.' + '.'.join(['member'] * 50) + '=a', '.=a', '=a',
    'AlarmNames.member.1=a&AlarmNames.member.1=b'])
def test_queries_that_are_none(cloudwatch: World, form: str) -> None:
    request = signed('query', '', f'Action=DeleteAlarms&{form}'.encode())
    check(cloudwatch, request, 'query')
    assert cloudwatch.engine.calls == []


def test_lists_are_in_the_order_of_their_numbers(cloudwatch: World) -> None:
    for prefix in ('member.', ''):
        form = '&'.join(f'AlarmNames.{prefix}{n}=a{n}' for n in (10, 2, 1))
        boto.sent(cloudwatch, signed('query', '', f'Action=DeleteAlarms&{form}'.encode()))
    assert cloudwatch.engine.calls == [('delete_watches', {'names': ['a1', 'a2', 'a10']})] * 2
