"""What the engine tells, as the objects of CloudWatch, and what it is asked with.

Purpose: one table per object: member -> key of the engine's answer, or a function of it.
Invariant: names, types and times are those of AWS's model; what the engine does not know is
None and so left out. Neighbours: ``alarms`` and ``metrics`` ask the engine, ``protocols``
writes the objects.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]
Table = Mapping[str, str | Callable[[Row], Any]]
STATES = {'OK': 'NORMAL', 'ALARM': 'ALARM', 'INSUFFICIENT_DATA': 'NODATA'}
# A rule whose stack is suspended is not looked at, so nothing is known: there is no word of AWS's for it.
SHOWN = {'NORMAL': 'OK', 'ALARM': 'ALARM'}
UNKNOWN = 'INSUFFICIENT_DATA'
NO_UNIT = 'None'


def shaped(row: Row, table: Table) -> dict[str, Any]:
    """The members of ``table`` for ``row``."""
    return {member: row.get(source) if isinstance(source, str) else source(row)
            for member, source in table.items()}


def wire_time(moment: datetime.datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(datetime.UTC).isoformat().replace('+00:00', 'Z')


def pairs(dimensions: list[dict[str, str]] | None) -> list[list[str | None]]:
    """Dimensions as the engine is asked with them: names and values, the latter None where any will do."""
    return [[one['Name'], one.get('Value')] for one in dimensions or ()]


def dimensions(row: Row) -> list[dict[str, str]]:
    return [{'Name': name, 'Value': value} for name, value in row.get('dimensions') or ()]


def _time(key: str) -> Callable[[Row], datetime.datetime | None]:
    def read(row: Row) -> datetime.datetime | None:
        if not row.get(key):
            return None
        found = datetime.datetime.fromisoformat(row[key])
        return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
    return read


def _number(key: str, kind: Callable[[Any], Any]) -> Callable[[Row], Any]:
    return lambda row: None if row.get(key) is None else kind(row[key])


def _texts(key: str) -> Callable[[Row], list[str]]:
    return lambda row: list(row.get(key) or ())


def _json(key: str) -> Callable[[Row], str | None]:
    """A text as it is, anything else as JSON text; an empty text is none."""
    def read(row: Row) -> str | None:
        value = row.get(key)
        if value in (None, ''):
            return None
        return value if isinstance(value, str) else json.dumps(value, default=str)
    return read


ALARM: Table = {
    'AlarmName': 'name', 'AlarmArn': 'topic', 'AlarmDescription': lambda row: row.get('description') or None,
    'AlarmConfigurationUpdatedTimestamp': _time('updated_time'), 'ActionsEnabled': 'actions_enabled',
    'OKActions': _texts('ok_actions'), 'AlarmActions': _texts('actions'),
    'InsufficientDataActions': _texts('insufficient_actions'),
    'StateValue': lambda row: SHOWN.get(row['state_value'], UNKNOWN), 'StateReason': 'state_reason',
    'StateReasonData': _json('state_reason_data'), 'StateUpdatedTimestamp': _time('state_updated_time'),
    'MetricName': 'metric_name', 'Namespace': 'namespace', 'Statistic': 'statistic',
    'Dimensions': dimensions, 'Period': _number('period', int), 'Unit': 'unit',
    'EvaluationPeriods': _number('periods', int), 'DatapointsToAlarm': _number('datapoints', int),
    'Threshold': _number('threshold', float), 'ComparisonOperator': 'comparison',
    'TreatMissingData': 'missing'}
METRIC: Table = {'Namespace': 'namespace', 'MetricName': 'name', 'Dimensions': dimensions}
DATAPOINT: Table = {
    'Timestamp': _time('timestamp'), 'Unit': lambda row: row.get('unit') or NO_UNIT,
    **{name: _number(name, float) for name in ('SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum')}}
HISTORY: Table = {
    'AlarmName': 'name', 'AlarmType': lambda row: 'MetricAlarm', 'Timestamp': _time('at'),
    'HistoryItemType': 'kind', 'HistorySummary': 'summary', 'HistoryData': _json('data')}
