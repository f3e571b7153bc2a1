"""Operations on alarms: put, describe, delete, set a state, turn actions on and off.

Purpose: what AWS's model cannot say of members is checked here, and then the engine is
asked for its watch rules. Invariant: there are alarms of one metric only, so a question for
alarms of other kinds has an empty answer. Neighbours: ``operations`` names these functions,
``shapes`` words the answers.
"""

from __future__ import annotations

import json
from typing import Any

from heat.api.cloudwatch import shapes
from heat.api.cloudwatch.faults import Fault, combined, invalid, missing
from heat.api.cloudwatch.invocation import Invocation
from heat.api.cloudwatch.metrics import unique

PAGE = 50
METRIC_ALARM = 'MetricAlarm'
# An alarm may not look back further than a day, or than a week where a period is an hour or more.
HOUR, DAY, WEEK = 3600, 86400, 604800
# Without these there is no alarm of one metric, and there are no others here.
NEEDED = ('MetricName', 'Namespace', 'Statistic', 'Period', 'EvaluationPeriods', 'Threshold',
          'ComparisonOperator')
# What happened to an alarm; the kinds of alarms with contributors happen to none.
KINDS = ('ConfigurationUpdate', 'StateUpdate', 'Action')


def put(call: Invocation) -> None:
    for name in NEEDED:
        if name not in call.given:
            raise missing(name)
    given = call.given
    unique('Dimensions', given.get('Dimensions'))
    span = given['Period'] * given['EvaluationPeriods']
    longest = WEEK if given['Period'] >= HOUR else DAY
    if span > longest:
        raise combined(f'Metrics cannot be checked across more than {longest} seconds (EvaluationPeriods * '
                       'Period).')
    datapoints = given.get('DatapointsToAlarm')
    if datapoints is not None and datapoints > given['EvaluationPeriods']:
        raise combined('The parameter DatapointsToAlarm must be less than or equal to EvaluationPeriods.')
    call.engine('put_watch', watch={
        'name': given['AlarmName'], 'description': given.get('AlarmDescription'),
        'actions_enabled': given.get('ActionsEnabled', True), 'actions': given.get('AlarmActions', []),
        'ok_actions': given.get('OKActions', []),
        'insufficient_actions': given.get('InsufficientDataActions', []),
        'metric_name': given['MetricName'], 'namespace': given['Namespace'],
        'dimensions': shapes.pairs(given.get('Dimensions')), 'statistic': given['Statistic'],
        'unit': given.get('Unit'), 'period': given['Period'], 'periods': given['EvaluationPeriods'],
        'threshold': given['Threshold'], 'comparison': given['ComparisonOperator'], 'datapoints': datapoints,
        'missing': given.get('TreatMissingData')})


def delete(call: Invocation) -> None:
    call.engine('delete_watches', names=call.given['AlarmNames'])


def enable(call: Invocation) -> None:
    call.engine('set_watch_actions', names=call.given['AlarmNames'], enabled=True)


def disable(call: Invocation) -> None:
    call.engine('set_watch_actions', names=call.given['AlarmNames'], enabled=False)


def set_state(call: Invocation) -> dict[str, Any]:
    reason, data = call.get('StateReason'), call.get('StateReasonData')
    # The classic had no such parameter, and its clients send none.
    if reason is None and not call.query:
        raise missing('StateReason')
    if data is not None:
        try:
            json.loads(data)
        except (ValueError, RecursionError) as error:
            raise Fault('InvalidFormat', 'The parameter StateReasonData must be JSON.') from error
    call.engine('set_watch_state', watch_name=call.given['AlarmName'],
                state=shapes.STATES[call.given['StateValue']], reason=reason, reason_data=data)
    return {}


def describe(call: Invocation) -> dict[str, Any]:
    if 'AlarmName' in call.given:
        return {'MetricAlarms': _one_as_the_classic(call)}
    if 'AlarmNames' in call.given and 'AlarmNamePrefix' in call.given:
        raise combined('The parameters AlarmNames and AlarmNamePrefix are mutually exclusive and you have '
                       'specified both.')
    marker = call.marker()
    if METRIC_ALARM not in call.get('AlarmTypes', (METRIC_ALARM,)):
        return {'MetricAlarms': [], 'CompositeAlarms': []}
    state = call.get('StateValue')
    found = call.engine(
        'list_watches', names=call.get('AlarmNames') or None, prefix=call.get('AlarmNamePrefix'),
        state=shapes.STATES[state] if state else None, action_prefix=call.get('ActionPrefix'), marker=marker,
        limit=call.get('MaxRecords', PAGE))
    return {'MetricAlarms': [shapes.shaped(row, shapes.ALARM) for row in found['watches']],
            'CompositeAlarms': [], 'NextToken': call.token(found['marker'])}


def describe_for_metric(call: Invocation) -> dict[str, Any]:
    unique('Dimensions', call.get('Dimensions'))
    metric = {'namespace': call.given['Namespace'], 'name': call.given['MetricName'],
              'dimensions': shapes.pairs(call.get('Dimensions'))}
    metric |= {key: call.given[name] for key, name in (
        ('statistic', 'Statistic'), ('period', 'Period'), ('unit', 'Unit')) if name in call.given}
    rows: list[dict[str, Any]] = []
    marker = None
    while True:
        # There are no pages in the answer, so it is all of them.
        found = call.engine('list_watches', metric=metric, marker=marker, limit=100)
        rows += found['watches']
        marker = found['marker']
        if marker is None or not found['watches']:
            return {'MetricAlarms': [shapes.shaped(row, shapes.ALARM) for row in rows]}


def history(call: Invocation) -> dict[str, Any]:
    marker = call.marker()
    start, end, kind = call.get('StartDate'), call.get('EndDate'), call.get('HistoryItemType')
    if start is not None and end is not None and start > end:
        raise combined('The parameter StartDate must not be after the parameter EndDate.')
    if METRIC_ALARM not in call.get('AlarmTypes', (METRIC_ALARM,)) or (kind and kind not in KINDS):
        return {'AlarmHistoryItems': []}
    found = call.engine(
        'list_watch_history', name=call.get('AlarmName'), kind=kind, start=shapes.wire_time(start),
        end=shapes.wire_time(end), newest_first=call.get('ScanBy') != 'TimestampAscending', marker=marker,
        limit=call.get('MaxRecords', PAGE))
    return {'AlarmHistoryItems': [shapes.shaped(row, shapes.HISTORY) for row in found['items']],
            'NextToken': call.token(found['marker'])}


def _one_as_the_classic(call: Invocation) -> list[dict[str, Any]]:
    """The alarm of a name, which tells its stack as one more dimension."""
    if not call.query:
        raise invalid('Unknown parameter AlarmName.')
    if set(call.given) != {'AlarmName'}:
        raise combined('The parameter AlarmName goes with no other parameter: use AlarmNames.')
    rows = call.engine('show_watch', watch_name=call.given['AlarmName'])
    stack = [{'Name': 'StackId', 'Value': row['stack_id']} for row in rows if row.get('stack_id')]
    return [{**shown, 'Dimensions': [*shown['Dimensions'], *stack]}
            for shown in (shapes.shaped(row, shapes.ALARM) for row in rows)]
