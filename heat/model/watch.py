"""Watch rules: what is measured, what is made of it, who is told.

Purpose: the values of the watch tables, and the changes that a resource's step
makes to them. Invariant: frozen; a change may be applied twice with the same
end. States have the classic's names inside; ``SAID`` has those that users see.
Neighbours: ``plan.watch`` judges, ``db.watches`` and ``db.metrics`` store,
``engine.watcher`` evaluates, ``resources`` make rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NORMAL, ALARM, NODATA, SUSPENDED = 'NORMAL', 'ALARM', 'NODATA', 'SUSPENDED'
SETTABLE = (NORMAL, ALARM, NODATA)
SAID = {NORMAL: 'OK', ALARM: 'ALARM', NODATA: 'INSUFFICIENT_DATA', SUSPENDED: 'SUSPENDED'}

SAMPLE_COUNT, AVERAGE, SUM, MINIMUM, MAXIMUM = STATISTICS = (
    'SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum')
COMPARISONS = ('GreaterThanOrEqualToThreshold', 'GreaterThanThreshold', 'LessThanThreshold',
               'LessThanOrEqualToThreshold')
_SIZES = ('Bytes', 'Kilobytes', 'Megabytes', 'Gigabytes', 'Terabytes', 'Bits', 'Kilobits', 'Megabits',
          'Gigabits', 'Terabits')
UNITS = ('Seconds', 'Microseconds', 'Milliseconds', *_SIZES, 'Percent', 'Count',
         *(f'{size}/Second' for size in _SIZES), 'Count/Second', 'None')
IGNORE, MISSING, BREACHING, NOT_BREACHING = TREATMENTS = ('ignore', 'missing', 'breaching', 'notBreaching')
# A sample with this dimension is for the rule of that name, whatever else it measures.
FOR_RULE = 'AlarmName'
Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Statistics:
    """A set of samples, as much of it as the statistics need."""

    count: float
    total: float
    minimum: float
    maximum: float

    @classmethod
    def of(cls, value: float, count: float = 1.0) -> Statistics:
        return cls(count, value * count, value, value)

    def merge(self, other: Statistics) -> Statistics:
        """Of both sets together."""
        return Statistics(self.count + other.count, self.total + other.total,
                          min(self.minimum, other.minimum), max(self.maximum, other.maximum))

    def value(self, statistic: str) -> float:
        if statistic == SAMPLE_COUNT:
            return self.count
        if statistic == SUM:
            return self.total
        if statistic == AVERAGE:
            return self.total / self.count
        return self.minimum if statistic == MINIMUM else self.maximum


@dataclass(frozen=True, slots=True)
class Metric:
    """What samples are of. ``dimensions`` are sorted."""

    namespace: str
    name: str
    dimensions: Dimensions = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """Samples of one moment (``at``: epoch seconds)."""

    metric: Metric
    at: float
    statistics: Statistics
    unit: str = 'None'


@dataclass(frozen=True, slots=True)
class WatchRule:
    """What somebody wants to be watched. ``period`` in seconds.

    ``datapoints`` of the last ``periods`` must breach; None means all. Actions are
    as they were given: names, addresses or ARNs of resources. A ``lite`` rule is
    evaluated as the classic did: windows end now, and actions follow each evaluation.
    """

    name: str
    metric: Metric
    statistic: str
    comparison: str
    threshold: float
    period: int
    periods: int = 1
    datapoints: int | None = None
    missing: str = MISSING
    unit: str | None = None
    description: str = ''
    actions_enabled: bool = True
    actions: tuple[str, ...] = ()
    ok_actions: tuple[str, ...] = ()
    insufficient_actions: tuple[str, ...] = ()
    lite: bool = False

    @property
    def enough(self) -> int:
        """How many data points must breach."""
        return self.periods if self.datapoints is None else self.datapoints

    def metrics(self) -> tuple[Metric, Metric]:
        """What it watches: its metric, and samples that were sent to it by name."""
        return self.metric, named(self.metric, self.name)

    def actions_of(self, state: str) -> tuple[str, ...]:
        return {ALARM: self.actions, NORMAL: self.ok_actions,
                NODATA: self.insufficient_actions}.get(state, ())

    def to_wire(self) -> dict[str, Any]:
        """By the names of the interface."""
        return {
            'name': self.name, 'namespace': self.metric.namespace, 'metric_name': self.metric.name,
            'dimensions': [list(pair) for pair in self.metric.dimensions], 'statistic': self.statistic,
            'comparison': self.comparison, 'threshold': self.threshold, 'period': self.period,
            'periods': self.periods, 'datapoints': self.datapoints, 'missing': self.missing,
            'unit': self.unit, 'description': self.description, 'actions_enabled': self.actions_enabled,
            'actions': list(self.actions), 'ok_actions': list(self.ok_actions),
            'insufficient_actions': list(self.insufficient_actions)}

    @classmethod
    def from_wire(cls, data: Mapping[str, Any], lite: bool = False) -> WatchRule:
        """The reverse of ``to_wire``, of values that are as they should be (``plan.watch.rule_of``)."""
        metric = Metric(data['namespace'], data['metric_name'],
                        tuple(sorted((str(n), str(v)) for n, v in data.get('dimensions') or ())))
        datapoints = data.get('datapoints')
        return cls(
            data['name'], metric, data['statistic'], data['comparison'], float(data['threshold']),
            int(data['period']), int(data['periods']), None if datapoints is None else int(datapoints),
            data.get('missing') or MISSING, data.get('unit'), data.get('description') or '',
            bool(data.get('actions_enabled', True)), tuple(data.get('actions') or ()),
            tuple(data.get('ok_actions') or ()), tuple(data.get('insufficient_actions') or ()), lite)


def arn_of(tenant: str, rule_name: str) -> str:
    """What the world knows a rule by."""
    return f'arn:openstack:cloudwatch::{tenant}:alarm:{rule_name}'


def named(metric: Metric, rule_name: str) -> Metric:
    """What samples are of that were sent to a rule by its name."""
    return Metric(metric.namespace, metric.name, ((FOR_RULE, rule_name),))


# -- changes that a step makes ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PutWatch:
    """The rule of the resource ``row_uuid`` is there, and is so.

    One of that name that is not the resource's stays as it is; with ``adopt`` it becomes the
    resource's if no stack has it.
    """

    rule: WatchRule
    tenant: str
    stack_id: str
    row_uuid: str
    adopt: bool = False


@dataclass(frozen=True, slots=True)
class DropWatch:
    """The resource's rule is gone."""

    row_uuid: str


@dataclass(frozen=True, slots=True)
class RestWatch:
    """The resource's rule is not evaluated, or is again, beginning without data."""

    row_uuid: str
    resting: bool


Change = PutWatch | DropWatch | RestWatch
