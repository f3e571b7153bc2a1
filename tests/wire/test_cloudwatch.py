"""CloudWatch's operations as boto3 sees them in its three protocols; the engine says what it is told."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from heat.api.cloudwatch import members, operations, shapes
from heat.common import errors, policy_rules
from tests.wire import keystone
from tests.wire.cloudwatch import PROTOCOLS, client, fault
from tests.wire.conftest import World
from tests.wire.keystone import OTHER_PROJECT, PROJECT

WHEN = datetime.datetime(2026, 11, 22, 10, 0, 0, 250000, tzinfo=datetime.UTC)
RULE: dict[str, Any] = {
    'name': 'high', 'description': 'a & <b>', 'actions_enabled': True, 'actions': ['arn:a', 'http://b'],
    'ok_actions': [], 'insufficient_actions': None, 'topic': 'arn:openstack:cloudwatch::p:alarm:high',
    'updated_time': '2026-11-22T10:00:00.250000Z',
    'comparison': 'GreaterThanThreshold', 'dimensions': [['host', 'ü']], 'periods': 2.0, 'period': 60.0,
    'metric_name': 'load', 'namespace': 'app', 'state_reason': 'because', 'state_reason_data': {'k': 1},
    'state_updated_time': '2026-11-22T10:00:00.250000Z', 'state_value': 'NORMAL', 'statistic': 'Average',
    'threshold': 5, 'unit': 'Count', 'stack_id': 's-1', 'datapoints': 1, 'missing': 'breaching'}
SHOWN = {
    'AlarmName': 'high', 'AlarmArn': 'arn:openstack:cloudwatch::p:alarm:high',
    'AlarmDescription': 'a & <b>', 'AlarmConfigurationUpdatedTimestamp': WHEN, 'ActionsEnabled': True,
    'OKActions': [], 'AlarmActions': ['arn:a', 'http://b'], 'InsufficientDataActions': [], 'StateValue': 'OK',
    'StateReason': 'because', 'StateReasonData': '{"k": 1}', 'StateUpdatedTimestamp': WHEN,
    'MetricName': 'load', 'Namespace': 'app', 'Statistic': 'Average',
    'Dimensions': [{'Name': 'host', 'Value': 'ü'}], 'Period': 60, 'Unit': 'Count', 'EvaluationPeriods': 2,
    'DatapointsToAlarm': 1, 'Threshold': 5.0, 'ComparisonOperator': 'GreaterThanThreshold',
    'TreatMissingData': 'breaching'}


def bare(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != 'ResponseMetadata'}


# -- the table ---------------------------------------------------------------------------------------


def test_every_operation_of_the_model_is_known_and_served_ones_have_its_members(cloud: Any) -> None:
    model = cloud.meta.service_model
    # A newer model may have more; what is here must be in it.
    assert set(operations.OPERATIONS) <= set(model.operation_names)
    assert (len(operations.OPERATIONS), len(operations.SERVED)) == (59, 11)
    for name, operation in operations.SERVED.items():
        assert operation.members is not None
        ours = operation.members.members
        # What the classic called so.
        classic = {'AlarmName'} if name == 'DescribeAlarms' else set()
        shape = model.operation_model(name).input_shape
        assert set(ours) == set(shape.members) | classic, name
        # The classic had no reasons, and queries need none.
        assert set(operation.members.required) == set(shape.required_members) - {'StateReason'}, name
        for member, kind in ours.items():
            if member not in classic:
                agree(kind, shape.members[member], f'{name}.{member}')


def agree(kind: Any, shape: Any, place: str) -> None:
    """Lists and objects have the bounds and members of the model."""
    if isinstance(kind, members.Listed):
        assert shape.type_name == 'list', place
        assert kind.most == shape.metadata.get('max', kind.most), place
        agree(kind.inner, shape.member, place)
    elif isinstance(kind, members.Structure):
        assert set(kind.members) == set(shape.members), place
        assert set(kind.required) == set(shape.required_members), place
        for name, inner in kind.members.items():
            agree(inner, shape.members[name], f'{place}.{name}')


def test_the_words_are_those_of_the_model(cloud: Any) -> None:
    model = cloud.meta.service_model
    for name, ours in (('StandardUnit', operations.UNITS), ('Statistic', operations.STATISTICS),
                       ('StateValue', operations.STATES), ('AlarmType', operations.TYPES)):
        assert set(model.shape_for(name).enum) == set(ours)
    assert set(operations.COMPARISONS) < set(model.shape_for('ComparisonOperator').enum)


def test_the_members_of_answers_are_those_of_the_model(cloud: Any) -> None:
    """botocore says nothing of a member that it does not know."""
    model = cloud.meta.service_model
    for name, table in (('MetricAlarm', shapes.ALARM), ('Metric', shapes.METRIC),
                        ('Datapoint', shapes.DATAPOINT), ('AlarmHistoryItem', shapes.HISTORY)):
        assert set(table) <= set(model.shape_for(name).members)


def test_every_served_operation_has_a_rule() -> None:
    assert {name for name, _check in policy_rules.CLOUDWATCH} == set(operations.SERVED)


def least(shape: Any) -> Any:
    """The smallest value that the model allows."""
    if shape.type_name == 'structure':
        return {name: least(shape.members[name]) for name in shape.required_members}
    if shape.type_name == 'list':
        return [least(shape.member)]
    if shape.type_name == 'map':
        return {}
    if shape.type_name == 'string':
        return shape.enum[0] if shape.enum else 'x' * shape.metadata.get('min', 1)
    return {'timestamp': WHEN, 'boolean': True, 'blob': b'x'}.get(shape.type_name, 1)


def test_all_operations_are_served_or_refused(cloudwatch: World, cloud: Any) -> None:
    """None fails, whatever its protocol, and those that are not served say so."""
    model = cloud.meta.service_model
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        given = least(shape) if shape else {}
        before = len(cloudwatch.engine.calls)
        try:
            cloud._make_api_call(name, given)
        except ClientError as caught:
            answer = caught.response
            assert answer['ResponseMetadata']['HTTPStatusCode'] == 400, name
            code, told = answer['Error']['Code'], answer['Error']['Message']
        else:
            code, told = '', ''
        if name in operations.SERVED:
            # Two of them need more than the model says.
            expected = {'PutMetricAlarm': 'MissingParameter', 'PutMetricData': 'MissingParameter',
                        'GetMetricStatistics': 'MissingParameter'}.get(name, '')
            assert code == expected, (name, told)
            assert len(cloudwatch.engine.calls) == before + (not expected)
        else:
            assert (code, told) == ('InvalidAction', f'The action {name} is not supported by this service.')
            assert len(cloudwatch.engine.calls) == before


# -- what the engine is asked ------------------------------------------------------------------------


NOW = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0)
TOLD = NOW.isoformat().replace('+00:00', 'Z')
DIMENSIONS = [{'Name': 'host', 'Value': 'a'}, {'Name': 'AlarmName', 'Value': 'high'}]
PAIRS = [['host', 'a'], ['AlarmName', 'high']]
ALARM = {'AlarmName': 'high', 'MetricName': 'load', 'Namespace': 'app', 'Statistic': 'Sum', 'Period': 60,
         'EvaluationPeriods': 3, 'Threshold': 2, 'ComparisonOperator': 'LessThanThreshold'}
WATCH = {'name': 'high', 'description': None, 'actions_enabled': True, 'actions': [], 'ok_actions': [],
         'insufficient_actions': [], 'metric_name': 'load', 'namespace': 'app', 'dimensions': [],
         'statistic': 'Sum', 'unit': None, 'period': 60, 'periods': 3, 'threshold': 2.0,
         'comparison': 'LessThanThreshold', 'datapoints': None, 'missing': None}
DATUM = {'name': 'm', 'dimensions': [], 'timestamp': None, 'unit': None}
WATCHES = {'names': None, 'prefix': None, 'state': None, 'action_prefix': None, 'marker': None, 'limit': 50}
POINTS = {'Namespace': 'app', 'MetricName': 'load', 'StartTime': NOW - datetime.timedelta(hours=1),
          'EndTime': NOW, 'Period': 300}


@pytest.mark.parametrize(('method', 'given', 'asked', 'arguments'), [
    ('put_metric_data', {'Namespace': 'app', 'MetricData': [
        {'MetricName': 'm', 'Value': -1.5, 'Timestamp': NOW, 'Unit': 'Bits/Second', 'Dimensions': DIMENSIONS},
        {'MetricName': 'm', 'Values': [1, 2.5], 'Counts': [3, 4], 'StorageResolution': 1},
        {'MetricName': 'm', 'Values': [1], 'Unit': 'None', 'StorageResolution': 60},
        {'MetricName': 'm', 'StatisticValues': {'SampleCount': 2, 'Sum': 3, 'Minimum': 1, 'Maximum': 2}}]},
     'put_metric_data', {'namespace': 'app', 'data': [
         {'name': 'm', 'dimensions': PAIRS, 'timestamp': TOLD, 'unit': 'Bits/Second', 'value': -1.5},
         {**DATUM, 'values': [1.0, 2.5], 'counts': [3.0, 4.0]}, {**DATUM, 'values': [1.0], 'counts': [1.0]},
         {**DATUM, 'statistics': {'count': 2.0, 'sum': 3.0, 'minimum': 1.0, 'maximum': 2.0}}]}),
    ('list_metrics', {}, 'list_metrics', {
        'namespace': None, 'name': None, 'dimensions': [], 'recent': False, 'marker': None, 'limit': 500}),
    ('list_metrics', {'Namespace': 'app', 'MetricName': 'm', 'RecentlyActive': 'PT3H',
                      'IncludeLinkedAccounts': False,
                      'Dimensions': [{'Name': 'x'}, {'Name': 'y', 'Value': 'z'}]},
     'list_metrics', {'namespace': 'app', 'name': 'm', 'dimensions': [['x', None], ['y', 'z']],
                      'recent': True, 'marker': None, 'limit': 500}),
    ('get_metric_statistics', {**POINTS, 'Statistics': ['Sum', 'Average', 'Sum'], 'Unit': 'None',
                               'Dimensions': DIMENSIONS},
     'get_metric_statistics', {
         'namespace': 'app', 'name': 'load', 'dimensions': PAIRS, 'period': 300, 'end': TOLD, 'unit': 'None',
         'start': (NOW - datetime.timedelta(hours=1)).isoformat().replace('+00:00', 'Z'),
         'statistics': ['Sum', 'Average']}),
    ('put_metric_alarm', ALARM, 'put_watch', {'watch': WATCH}),
    ('put_metric_alarm', {**ALARM, 'AlarmDescription': '', 'ActionsEnabled': False, 'OKActions': ['c'],
                          'AlarmActions': ['a', 'b'], 'InsufficientDataActions': [], 'Unit': 'Percent',
                          'Dimensions': DIMENSIONS, 'DatapointsToAlarm': 2, 'TreatMissingData': 'ignore',
                          'Tags': []},
     'put_watch', {'watch': {**WATCH, 'description': '', 'actions_enabled': False, 'actions': ['a', 'b'],
                             'ok_actions': ['c'], 'dimensions': PAIRS, 'unit': 'Percent', 'datapoints': 2,
                             'missing': 'ignore'}}),
    ('describe_alarms', {}, 'list_watches', WATCHES),
    ('describe_alarms', {'AlarmNames': ['a', 'b'], 'MaxRecords': 7,
                         'AlarmTypes': ['MetricAlarm', 'LogAlarm']},
     'list_watches', {**WATCHES, 'names': ['a', 'b'], 'limit': 7}),
    ('describe_alarms', {'AlarmNamePrefix': 'a', 'StateValue': 'INSUFFICIENT_DATA',
                         'ActionPrefix': 'arn:'},
     'list_watches', {**WATCHES, 'prefix': 'a', 'state': 'NODATA', 'action_prefix': 'arn:'}),
    ('describe_alarms_for_metric', {'MetricName': 'load', 'Namespace': 'app', 'Statistic': 'Sum',
                                    'Period': 60, 'Unit': 'Bits', 'Dimensions': DIMENSIONS},
     'list_watches', {'marker': None, 'limit': 100, 'metric': {
         'namespace': 'app', 'name': 'load', 'dimensions': PAIRS, 'statistic': 'Sum', 'period': 60,
         'unit': 'Bits'}}),
    ('describe_alarm_history', {}, 'list_watch_history', {
        'name': None, 'kind': None, 'start': None, 'end': None, 'newest_first': True, 'marker': None,
        'limit': 50}),
    ('describe_alarm_history', {'AlarmName': 'a', 'HistoryItemType': 'StateUpdate', 'StartDate': NOW,
                                'EndDate': NOW, 'MaxRecords': 1, 'ScanBy': 'TimestampAscending'},
     'list_watch_history', {'name': 'a', 'kind': 'StateUpdate', 'start': TOLD, 'end': TOLD, 'limit': 1,
                            'newest_first': False, 'marker': None}),
    ('set_alarm_state', {'AlarmName': 'a', 'StateValue': 'OK', 'StateReason': 'r',
                         'StateReasonData': '{"a": 1}'},
     'set_watch_state', {'watch_name': 'a', 'state': 'NORMAL', 'reason': 'r', 'reason_data': '{"a": 1}'}),
    ('enable_alarm_actions', {'AlarmNames': ['a']}, 'set_watch_actions', {'names': ['a'], 'enabled': True}),
    ('disable_alarm_actions', {'AlarmNames': ['a', 'b']}, 'set_watch_actions', {
        'names': ['a', 'b'], 'enabled': False}),
    ('delete_alarms', {'AlarmNames': ['a', 'ü']}, 'delete_watches', {'names': ['a', 'ü']})])
def test_what_the_engine_is_asked(cloudwatch: World, cloud: Any, method: str, given: dict[str, Any],
                                  asked: str, arguments: dict[str, Any]) -> None:
    answer = getattr(cloud, method)(**given)
    assert cloudwatch.engine.calls == [(asked, arguments)]
    assert cloudwatch.engine.contexts[0].tenant_id == PROJECT
    # botocore takes no request id from an answer without an output but from its header.
    told = answer['ResponseMetadata']
    assert told.get('RequestId', told['HTTPHeaders'].get('x-amzn-requestid')).startswith('req-')


# -- what clients are told ---------------------------------------------------------------------------


def test_alarms_as_they_are_described(cloudwatch: World, cloud: Any) -> None:
    cloudwatch.engine.answers['list_watches'] = {'watches': [RULE], 'marker': None}
    assert bare(cloud.describe_alarms()) == {'MetricAlarms': [SHOWN], 'CompositeAlarms': []}
    found = cloud.describe_alarms_for_metric(MetricName='load', Namespace='app')
    assert bare(found) == {'MetricAlarms': [SHOWN]}
    few = dict.fromkeys(RULE) | {'name': 'n', 'state_value': 'NODATA'}
    cloudwatch.engine.answers['list_watches'] = {'watches': [few], 'marker': None}
    assert cloud.describe_alarms()['MetricAlarms'] == [{
        'AlarmName': 'n', 'OKActions': [], 'AlarmActions': [], 'InsufficientDataActions': [],
        'Dimensions': [], 'StateValue': 'INSUFFICIENT_DATA'}]


@pytest.mark.parametrize(('engine', 'told'), [
    ('NORMAL', 'OK'), ('ALARM', 'ALARM'), ('NODATA', 'INSUFFICIENT_DATA'), ('SUSPENDED', 'INSUFFICIENT_DATA'),
    ('CEILOMETER_CONTROLLED', 'INSUFFICIENT_DATA')])
def test_states(cloudwatch: World, engine: str, told: str) -> None:
    cloudwatch.engine.answers['list_watches'] = {'watches': [{**RULE, 'state_value': engine}], 'marker': None}
    assert client(cloudwatch).describe_alarms()['MetricAlarms'][0]['StateValue'] == told


def test_alarms_of_other_kinds_there_are_none_of(cloudwatch: World, cloud: Any) -> None:
    for kind in ('CompositeAlarm', 'LogAlarm'):
        assert bare(cloud.describe_alarms(AlarmTypes=[kind])) == {'MetricAlarms': [], 'CompositeAlarms': []}
        assert cloud.describe_alarm_history(AlarmTypes=[kind])['AlarmHistoryItems'] == []
    assert cloud.describe_alarm_history(HistoryItemType='AlarmContributorAction')['AlarmHistoryItems'] == []
    assert cloudwatch.engine.calls == []


def test_metrics_and_statistics(cloudwatch: World, cloud: Any) -> None:
    cloudwatch.engine.answers['list_metrics'] = {'marker': None, 'metrics': [
        {'namespace': 'app', 'name': 'm', 'dimensions': [['a', 'b']]}]}
    assert bare(cloud.list_metrics()) == {'Metrics': [
        {'Namespace': 'app', 'MetricName': 'm', 'Dimensions': [{'Name': 'a', 'Value': 'b'}]}]}
    cloudwatch.engine.answers['get_metric_statistics'] = [
        {'timestamp': '2026-11-22T10:00:00Z', 'unit': 'Count', 'SampleCount': 3, 'Average': 0.1, 'Sum': 1e300,
         'Minimum': -1.0, 'Maximum': 0}, {'timestamp': '2026-11-22T10:05:00Z', 'unit': None, 'Sum': 1.0}]
    start = WHEN.replace(microsecond=0)
    assert bare(cloud.get_metric_statistics(**POINTS, Statistics=['Sum'])) == {
        'Label': 'load', 'Datapoints': [
            {'Timestamp': start, 'Unit': 'Count', 'SampleCount': 3.0, 'Average': 0.1, 'Sum': 1e300,
             'Minimum': -1.0, 'Maximum': 0.0},
            {'Timestamp': start.replace(minute=5), 'Unit': 'None', 'Sum': 1.0}]}


@pytest.mark.parametrize(('period', 'seconds', 'since', 'until'), [
    (60, 3600, '10:00:00', '11:00:25'), (300, 3600, '10:00:00', '11:00:25'),
    (10, 3600, '10:00:20', '11:00:25'), (1, 1440, '10:00:25', '10:24:25'),
    (60, 86400, '10:00:00', '10:00:00')])
def test_periods_begin_with_whole_minutes(cloudwatch: World, period: int, seconds: int, since: str,
                                          until: str) -> None:
    """A day in periods of a minute is as many as are told at once, whatever the second it begins with."""
    start = datetime.datetime(2026, 11, 22, 10, 0, 25, tzinfo=datetime.UTC)
    client(cloudwatch).get_metric_statistics(**{
        **POINTS, 'StartTime': start, 'EndTime': start + datetime.timedelta(seconds=seconds),
        'Period': period, 'Statistics': ['Sum']})
    asked = cloudwatch.engine.calls[0][1]
    assert (asked['start'][11:19], asked['end'][11:19]) == (since, until)


def test_history(cloudwatch: World, cloud: Any) -> None:
    cloudwatch.engine.answers['list_watch_history'] = {'marker': None, 'items': [
        {'name': 'high', 'at': '2026-11-22T10:00:00.25Z', 'kind': 'StateUpdate',
         'summary': 'from OK to ALARM', 'data': {'new': 1}},
        {'name': 'high', 'at': None, 'kind': 'Action', 'summary': 's', 'data': 'text'}]}
    assert cloud.describe_alarm_history()['AlarmHistoryItems'] == [
        {'AlarmName': 'high', 'AlarmType': 'MetricAlarm', 'Timestamp': WHEN, 'HistoryItemType': 'StateUpdate',
         'HistorySummary': 'from OK to ALARM', 'HistoryData': '{"new": 1}'},
        {'AlarmName': 'high', 'AlarmType': 'MetricAlarm', 'HistoryItemType': 'Action', 'HistorySummary': 's',
         'HistoryData': 'text'}]


@pytest.mark.parametrize(('method', 'engine', 'listed', 'told'), [
    ('describe_alarms', 'list_watches', 'watches', 'MetricAlarms'),
    ('describe_alarm_history', 'list_watch_history', 'items', 'AlarmHistoryItems'),
    ('list_metrics', 'list_metrics', 'metrics', 'Metrics')])
def test_pages(cloudwatch: World, cloud: Any, method: str, engine: str, listed: str, told: str) -> None:
    rows = [{**RULE, 'name': f'r{n}', 'at': None, 'kind': 'Action', 'summary': 's', 'data': ''}
            for n in range(5)]

    def page(marker: str | None, limit: int, **_: Any) -> dict[str, Any]:
        begin = 0 if marker is None else int(marker)
        end = begin + min(limit, 2)
        return {listed: rows[begin:end], 'marker': str(end) if end < len(rows) else None}

    cloudwatch.engine.answers[engine] = page
    pages = list(cloud.get_paginator(method).paginate(PaginationConfig=(
        {} if method == 'list_metrics' else {'PageSize': 2})))
    assert [len(one[told]) for one in pages] == [2, 2, 1]
    token = pages[0]['NextToken']
    other = {'Namespace': 'x'} if method == 'list_metrics' else {'AlarmTypes': ['MetricAlarm']}
    for wrong in ({'NextToken': 'x'}, {'NextToken': token, **other}, {'NextToken': token[:-4]}):
        assert fault(getattr(cloud, method), **wrong)[0] == 'InvalidNextToken'


def test_all_alarms_of_a_metric_are_told_at_once(cloudwatch: World) -> None:
    cloudwatch.engine.answers['list_watches'] = lambda marker, **_: {
        'watches': [RULE], 'marker': {None: 'a', 'a': 'b', 'b': None}[marker]}
    found = client(cloudwatch).describe_alarms_for_metric(MetricName='load', Namespace='app')['MetricAlarms']
    assert len(found) == 3


def test_waiters(cloudwatch: World, cloud: Any) -> None:
    cloudwatch.engine.answers['list_watches'] = {'watches': [RULE], 'marker': None}
    cloud.get_waiter('alarm_exists').wait(AlarmNames=['high'])
    assert cloudwatch.engine.calls[0][1]['names'] == ['high']


# -- errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(('error', 'code', 'status'), [
    (errors.WatchRuleNotFound(watch_name='a'), 'ResourceNotFound', 404),
    (errors.InvalidRestrictedAction(message='it is the stack\'s'), 'ResourceConflict', 409),
    (errors.Invalid(reason='no'), 'InvalidParameterValue', 400),
    (errors.ConcurrentTransaction(action='x'), 'ResourceConflict', 409),
    (errors.Forbidden(action='x'), 'AccessDenied', 403),
    (errors.RequestLimitExceeded(message='too many'), 'LimitExceeded', 400),
    (errors.NotSupported(feature='x'), 'InvalidParameterValue', 400),
    (errors.StackValidationFailed(message='no'), 'InvalidParameterValue', 400),
    (errors.ActionInProgress(stack_name='s', action='UPDATE'), 'ResourceConflict', 409),
    (RuntimeError('the password is hush'), 'InternalServiceError', 500)])
def test_errors_of_the_engine(cloudwatch: World, cloud: Any, error: Exception, code: str,
                              status: int) -> None:
    cloudwatch.engine.answers['delete_watches'] = error
    with pytest.raises(ClientError) as caught:
        cloud.delete_alarms(AlarmNames=['a'])
    told = caught.value.response
    assert (told['Error']['Code'], told['ResponseMetadata']['HTTPStatusCode']) == (code, status)
    assert told['Error']['Type'] == ('Sender' if status < 500 else 'Server')
    assert 'hush' not in str(told)
    assert told['Error']['Message'] == (str(error) if status < 500 else
                                        'The request processing has failed because of an internal error.')


def test_errors_are_classes_of_the_client(cloudwatch: World, cloud: Any) -> None:
    cloudwatch.engine.answers['delete_watches'] = errors.WatchRuleNotFound(watch_name='a')
    with pytest.raises(cloud.exceptions.ResourceNotFound):
        cloud.delete_alarms(AlarmNames=['a'])
    with pytest.raises(cloud.exceptions.InvalidNextToken):
        cloud.describe_alarms(NextToken='x')
    with pytest.raises(cloud.exceptions.InvalidFormatFault):
        cloud.set_alarm_state(AlarmName='a', StateValue='OK', StateReason='r', StateReasonData='{')
    with pytest.raises(cloud.exceptions.MissingRequiredParameterException):
        cloud.put_metric_data(Namespace='a', MetricData=[])
    with pytest.raises(cloud.exceptions.InvalidParameterValueException):
        cloud.put_metric_data(Namespace=':', MetricData=[{'MetricName': 'a', 'Value': 1}])
    with pytest.raises(cloud.exceptions.InvalidParameterCombinationException):
        cloud.put_metric_data(Namespace='a', MetricData=[{'MetricName': 'a', 'Value': 1, 'Values': [1]}])


def test_a_refused_signature_is_told_in_the_protocol_of_the_call(cloudwatch: World) -> None:
    for protocol in PROTOCOLS:
        for options in ({'access': 'nobody'}, {'secret': 'wrong'}):
            code, _told = fault_of_signature(client(cloudwatch, protocol, **options))
            assert code in ('InvalidClientTokenId', 'AccessDenied')
    assert cloudwatch.engine.calls == []


def fault_of_signature(cloud: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        cloud.describe_alarms()
    error = caught.value.response['Error']
    assert caught.value.response['ResponseMetadata']['HTTPStatusCode'] == 403
    return error['Code'], error['Message']


# -- who, and where ----------------------------------------------------------------------------------


def test_who_may(cloudwatch: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(keystone.USERS, 'viewer', (PROJECT, ('reader',)))
    data: dict[str, Any] = {'Namespace': 'n', 'MetricData': [{'MetricName': 'a', 'Value': 1}]}
    viewer, server, stranger = (client(cloudwatch, access=name) for name in ('viewer', 'server', 'stranger'))
    viewer.describe_alarms()
    server.put_metric_data(**data)
    for call in (lambda: viewer.put_metric_data(**data), lambda: viewer.put_metric_alarm(**ALARM),
                 lambda: server.describe_alarms(), lambda: server.delete_alarms(AlarmNames=['a'])):
        assert fault(call)[0] == 'AccessDenied'
    assert len(cloudwatch.engine.calls) == 2
    stranger.describe_alarms()
    assert cloudwatch.engine.contexts[-1].tenant_id == OTHER_PROJECT


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize('url', [
    'http://localhost:8003', 'http://localhost:8003/', 'http://localhost:8003/v1', 'http://localhost:8003/v1/',
    'http://localhost/v1.0', 'http://localhost/heat-api-cloudwatch/v1', f'http://localhost:8003/v1/{PROJECT}'])
def test_any_path_with_and_without_a_slash(cloudwatch: World, protocol: str, url: str) -> None:
    client(cloudwatch, protocol, url=url).delete_alarms(AlarmNames=['a'])
    assert cloudwatch.engine.calls == [('delete_watches', {'names': ['a']})]


def test_another_version_is_none(cloudwatch: World, cloud: Any) -> None:
    made = client(cloudwatch, cloud.meta.service_model.resolved_protocol, url='http://localhost:8003/v2')
    with pytest.raises(Exception):  # noqa: B017 - whatever a client makes of a list of versions
        made.describe_alarms()
    assert cloudwatch.engine.calls == []


def test_large_calls_come_compressed(cloudwatch: World, cloud: Any) -> None:
    seen = []
    cloud.meta.events.register_first('before-send', lambda request, **_: seen.append(request.headers.get(
        'Content-Encoding')))
    data = [{'MetricName': f'metric-{n}', 'Value': n, 'Unit': 'Count'} for n in range(1000)]
    cloud.put_metric_data(Namespace='app', MetricData=data)
    assert seen == [b'gzip'] or seen == ['gzip']
    asked = cloudwatch.engine.calls[0][1]['data']
    assert [one['name'] for one in asked] == [one['MetricName'] for one in data]
    # Keystone, and the engine after it, are not told all of it again.
    assert len(str(cloudwatch.keystone.asked[-1])) < 10_000
