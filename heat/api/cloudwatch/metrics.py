"""Operations on metrics: put samples, list what there is, read statistics.

Purpose: what AWS's model cannot say of members (which exclude each other, which times are
taken) is checked here, and then the engine is asked. Invariant: no sample is taken in part.
Neighbours: ``operations`` names these functions, ``shapes`` words the answers.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from heat.api.cloudwatch import shapes
from heat.api.cloudwatch.faults import Fault, combined, invalid, missing
from heat.api.cloudwatch.invocation import Invocation

PAST, FUTURE = datetime.timedelta(days=14), datetime.timedelta(hours=2)
MOST_POINTS, PAGE = 1440, 500
# A datum brings its value in one of these forms.
FORMS = ('Value', 'Values', 'StatisticValues')


def put(call: Invocation) -> dict[str, Any]:
    data = [_sample(call, f'MetricData.member.{number}', datum)
            for number, datum in enumerate(call.get('MetricData') or (), 1)]
    if not data:
        raise missing('MetricData')
    call.engine('put_metric_data', namespace=call.get('Namespace'), data=data)
    # Clients of the classic look for an element of the result.
    return {}


def _sample(call: Invocation, place: str, datum: Mapping[str, Any]) -> dict[str, Any]:
    moment = datum.get('Timestamp')
    if moment is not None and not call.now - PAST <= moment <= call.now + FUTURE:
        raise invalid(f'The parameter {place}.Timestamp must specify a time within the past two weeks and no '
                      'more than two hours in the future.')
    unique(f'{place}.Dimensions', datum.get('Dimensions'))
    given = [form for form in FORMS if form in datum]
    if not given:
        raise Fault('MissingParameter', f'At least one of the parameters {place}.Value, {place}.Values and '
                                        f'{place}.StatisticValues must be specified.')
    if len(given) > 1:
        raise combined(f'The parameters {place}.{given[0]} and {place}.{given[1]} are mutually exclusive and '
                       'you have specified both.')
    if 'Counts' in datum and 'Values' not in datum:
        raise combined(f'The parameter {place}.Counts needs {place}.Values.')
    unit = datum.get('Unit')
    return {'name': datum['MetricName'], 'dimensions': shapes.pairs(datum.get('Dimensions')),
            'timestamp': shapes.wire_time(moment), 'unit': None if unit == shapes.NO_UNIT else unit,
            **_VALUES[given[0]](place, datum)}


def _single(place: str, datum: Mapping[str, Any]) -> dict[str, Any]:
    return {'value': datum['Value']}


def _several(place: str, datum: Mapping[str, Any]) -> dict[str, Any]:
    values = datum['Values']
    counts = datum.get('Counts') or [1.0] * len(values)
    if len(counts) != len(values):
        raise combined(f'The parameters {place}.Values and {place}.Counts must be of the same size.')
    if min(counts) <= 0:
        raise invalid(f'The values for parameter {place}.Counts must be greater than 0.')
    return {'values': values, 'counts': counts}


def _statistics(place: str, datum: Mapping[str, Any]) -> dict[str, Any]:
    given = datum['StatisticValues']
    if given['SampleCount'] <= 0:
        raise invalid(f'The value for parameter {place}.StatisticValues.SampleCount must be greater than 0.')
    if given['Minimum'] > given['Maximum']:
        raise combined(f'The parameter {place}.StatisticValues.Minimum must not be greater than Maximum.')
    return {'statistics': {'count': given['SampleCount'], 'sum': given['Sum'], 'minimum': given['Minimum'],
                           'maximum': given['Maximum']}}


_VALUES = {'Value': _single, 'Values': _several, 'StatisticValues': _statistics}


def unique(place: str, given: list[dict[str, str]] | None) -> None:
    """Fault where a dimension is named twice: which of them would it be?"""
    names = [one['Name'] for one in given or ()]
    if len(set(names)) != len(names):
        raise invalid(f'The parameter {place} names a dimension twice.')


def list_all(call: Invocation) -> dict[str, Any]:
    found = call.engine(
        'list_metrics', namespace=call.get('Namespace'), name=call.get('MetricName'),
        dimensions=shapes.pairs(call.get('Dimensions')), recent='RecentlyActive' in call.given,
        marker=call.marker(), limit=PAGE)
    return {'Metrics': [shapes.shaped(row, shapes.METRIC) for row in found['metrics']],
            'NextToken': call.token(found['marker'])}


def statistics(call: Invocation) -> dict[str, Any]:
    start, end, period = call.given['StartTime'], call.given['EndTime'], call.given['Period']
    if not call.get('Statistics'):
        raise Fault('MissingParameter', 'At least one of the parameters Statistics and ExtendedStatistics '
                                        'must be specified.')
    if start >= end:
        raise combined('The parameter StartTime must be less than the parameter EndTime.')
    unique('Dimensions', call.get('Dimensions'))
    length = datetime.timedelta(seconds=period)
    points = -((start - end) // length)
    if points > MOST_POINTS:
        raise combined(f'You have requested up to {points:,} datapoints, which exceeds the limit of '
                       f'{MOST_POINTS:,}. You may reduce the datapoints requested by increasing Period, or '
                       'decreasing the time range.')
    # The first period begins with a whole minute (or a whole short period), which may be one more of them.
    start -= datetime.timedelta(seconds=start.timestamp() % min(period, 60))
    if end - start > length * MOST_POINTS:
        end = start + length * MOST_POINTS
    rows = call.engine(
        'get_metric_statistics', namespace=call.given['Namespace'], name=call.given['MetricName'],
        dimensions=shapes.pairs(call.get('Dimensions')), start=shapes.wire_time(start),
        end=shapes.wire_time(end), period=period, statistics=list(dict.fromkeys(call.given['Statistics'])),
        unit=call.get('Unit'))
    return {'Label': call.given['MetricName'],
            'Datapoints': [shapes.shaped(row, shapes.DATAPOINT) for row in rows]}
