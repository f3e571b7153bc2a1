"""Samples: taken in, listed, added up.

Purpose: the RPC methods over ``db.metrics``; the classic's names where it had them.
Invariant: a project sees and measures its own; users inside a stack measure for the
stack's project, and by name only for rules of their stack. Neighbours: ``watches``
has the rules, ``watcher`` looks at the samples.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from heat.common import errors
from heat.common.clock import Clock
from heat.common.context import RequestContext
from heat.db import connect, metrics, watches
from heat.db.metrics import Kept, TooManyMetrics
from heat.db.secrets import Cipher
from heat.model.watch import (
    AVERAGE,
    FOR_RULE,
    MAXIMUM,
    MINIMUM,
    SAMPLE_COUNT,
    STATISTICS,
    SUM,
    UNITS,
    Metric,
    Sample,
    Statistics,
    named,
)
from heat.plan.watch import iso
from heat.plan.watch_rule import SHORT_PERIODS, check_dimensions, check_text

MOST_METRICS = 10_000
MOST_SAMPLES, MOST_VALUES, MOST_POINTS = 1000, 150, 1440
OLDEST, YOUNGEST, RECENT = 14 * 86_400.0, 2 * 3_600.0, 3 * 3_600.0
PORTION = 500
_ZERO = Statistics(0.0, 0.0, math.inf, -math.inf)


class Metrics:
    """Methods of the RPC interface."""

    def __init__(self, database: Engine, crypt: Cipher, clock: Clock) -> None:
        self._database = database
        self._crypt = crypt
        self._clock = clock

    # -- taken in ----------------------------------------------------------------------------------

    def put_metric_data(self, context: RequestContext, namespace: str,
                        data: Sequence[Mapping[str, Any]]) -> None:
        """Keep samples; Invalid says what is wrong with one of them, and none is kept then.

        A sample with the dimension AlarmName is for the rule of that name, if there is one.
        """
        tenant, now = tenant_of(context), self._clock.wall()
        if not isinstance(data, list) or not 0 < len(data) <= MOST_SAMPLES:
            raise errors.Invalid(reason=f'1 to {MOST_SAMPLES} samples are taken at once.')
        _check(check_text, 'namespace', namespace)
        samples = [_sample(namespace, one, now) for one in data]

        def keep(conn: Connection) -> None:
            owner = metrics.owner_of(conn, tenant)
            self._keep(conn, owner, [self._for_rule(conn, tenant, owner, one) for one in samples], now)

        connect.writing_past_deadlocks(self._database, keep)

    def create_watch_data(self, context: RequestContext, watch_name: str,
                          stats_data: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the sample that was sent to a rule by its name; one of another metric is left out.

        WatchRuleNotFound; Invalid for what is no sample. Returns ``stats_data``.
        """
        tenant, now = tenant_of(context), self._clock.wall()

        def keep(conn: Connection) -> None:
            rule = self._rule(conn, tenant, metrics.owner_of(conn, tenant), watch_name)
            if rule is None:
                raise errors.WatchRuleNotFound(watch_name=watch_name)
            given = stats_data.get(rule.rule.metric.name)
            if given is None:
                return
            if not isinstance(given, Mapping):
                raise errors.Invalid(reason=f'The sample for watch rule {watch_name} is a map with Value '
                                            'and Unit.')
            unit = given.get('Unit') or 'None'
            _known_unit(unit)
            value = _number(rule.rule.metric.name, given.get('Value'))
            self._keep(conn, rule.tenant, [Sample(
                named(rule.rule.metric, rule.rule.name), now, Statistics.of(value), unit)], now)

        connect.writing_past_deadlocks(self._database, keep)
        return dict(stats_data)

    def _for_rule(self, conn: Connection, tenant: str, owner: str, sample: Sample) -> Sample:
        name = dict(sample.metric.dimensions).get(FOR_RULE)
        rule = self._rule(conn, tenant, owner, name) if name is not None else None
        if name is not None and rule is None and owner != tenant:
            # It would be counted for that rule, if another stack has it.
            raise errors.WatchRuleNotFound(watch_name=name)
        if rule is None or rule.rule.metric.name != sample.metric.name:
            return sample
        return Sample(named(rule.rule.metric, rule.rule.name), sample.at, sample.statistics, sample.unit)

    def _rule(self, conn: Connection, tenant: str, owner: str, name: str) -> watches.Stored | None:
        if owner == tenant:
            return watches.get(conn, tenant, name, self._crypt)
        return watches.of_inside(conn, tenant, name, self._crypt)

    def _keep(self, conn: Connection, tenant: str, samples: Sequence[Sample], now: float) -> None:
        try:
            metrics.add(conn, tenant, samples, self._clock.now(), now, MOST_METRICS)
        except TooManyMetrics:
            raise errors.RequestLimitExceeded(
                message=f'A project may have {MOST_METRICS} metrics at a time.') from None

    # -- shown -------------------------------------------------------------------------------------

    def list_metrics(self, context: RequestContext, namespace: str | None = None, name: str | None = None,
                     dimensions: Sequence[Sequence[str | None]] = (), recent: bool = False,
                     marker: str | None = None, limit: int = PORTION) -> dict[str, Any]:
        """A page of metrics that have these dimensions (a value of None is any): ``metrics``, ``marker``."""
        tenant, size = tenant_of(context), max(1, min(int(limit), PORTION))
        if marker is not None and (not str(marker).isdecimal() or len(str(marker)) > 18):
            raise errors.Invalid(reason=f'"{marker}" is no marker of a page.')
        since = self._clock.wall() - RECENT if recent else None
        wanted = [(pair[0], pair[1]) for pair in dimensions]

        def load(conn: Connection) -> list[Kept]:
            found: list[Kept] = []
            after = int(marker or 0)
            while len(found) <= size:
                some = metrics.list_metrics(conn, tenant, namespace, name, since, after, PORTION)
                found += [one for one in some if _has(one.metric, wanted)]
                if len(some) < PORTION:
                    break
                after = some[-1].number
            return found

        found = connect.reading(self._database, load)
        return {'metrics': [_shown(one.metric) for one in found[:size]],
                'marker': str(found[size - 1].number) if len(found) > size else None}

    def show_watch_metric(self, context: RequestContext, metric_namespace: str | None = None,
                          metric_name: str | None = None) -> list[dict[str, Any]]:
        """The newest samples, each by itself, newest first."""
        tenant = tenant_of(context)

        def load(conn: Connection) -> list[Sample]:
            return metrics.latest(conn, tenant, metric_namespace, metric_name, PORTION)

        return [_classic(one) for one in connect.reading(self._database, load)]

    def get_metric_statistics(self, context: RequestContext, namespace: str, name: str,
                              dimensions: Sequence[Sequence[str]], start: str, end: str, period: int,
                              statistics: Sequence[str], unit: str | None = None) -> list[dict[str, Any]]:
        """Statistics of each period that has samples, ascending, each unit by itself.

        Periods are counted from ``start``, rounded down to a minute (or a short period). Invalid
        for more than 1440 of them, and for what is no such question.
        """
        tenant = tenant_of(context)
        _check(check_dimensions, dimensions)
        strange = [one for one in statistics if one not in STATISTICS]
        if strange or not statistics:
            raise errors.Invalid(reason=f'"{", ".join(strange)}" is no statistic; use some of '
                                        f'{", ".join(STATISTICS)}.')
        if unit is not None:
            _known_unit(unit)
        if not isinstance(period, int) or (period not in (1, 5, *SHORT_PERIODS) and (
                period < 60 or period % 60)):
            raise errors.Invalid(reason='A period is 1, 5, 10, 30 or a multiple of 60 seconds, '
                                        f'not {period}.')
        first, last = moment_of(start), moment_of(end)
        grain = min(period, 60)
        first = first // grain * grain
        if last <= first:
            raise errors.Invalid(reason='The end of the time asked for must be after its start.')
        count = math.ceil((last - first) / period)
        if count > MOST_POINTS:
            raise errors.Invalid(reason=f'{count} data points were asked for, and at most {MOST_POINTS} are '
                                        'told at once; ask for a longer period or less time.')
        metric = Metric(namespace, name, tuple(sorted((n, v) for n, v in dimensions)))

        def load(conn: Connection) -> list[metrics.Point]:
            return list(metrics.windows(conn, [metrics.hash_of(tenant, metric)], first, period, count, unit))

        found = sorted(connect.reading(self._database, load), key=lambda one: (one.window, one.unit))
        return [{'timestamp': iso(first + point.window * period), 'unit': point.unit,
                 **{one: point.statistics.value(one) for one in statistics}} for point in found]


# -- samples ---------------------------------------------------------------------------------------


def _sample(namespace: str, given: Mapping[str, Any], now: float) -> Sample:
    if not isinstance(given, Mapping):
        raise errors.Invalid(reason='A sample is a map.')
    name = given.get('name')
    _check(check_text, 'The name of a metric', name)
    _check(check_dimensions, given.get('dimensions'))
    unit = given.get('unit') or 'None'
    _known_unit(unit)
    stamp = given.get('timestamp')
    at = now if stamp is None else moment_of(stamp)
    if not now - OLDEST <= at <= now + YOUNGEST:
        raise errors.Invalid(reason=f'The sample of {name} is of {stamp}; samples may be two weeks old, and '
                                    'two hours ahead.')
    pairs = tuple(sorted((str(n), str(v)) for n, v in given.get('dimensions') or ()))
    return Sample(Metric(namespace, str(name), pairs), at, _statistics(str(name), given), unit)


def _statistics(name: str, given: Mapping[str, Any]) -> Statistics:
    forms = [key for key in ('value', 'values', 'statistics') if given.get(key) is not None]
    if len(forms) != 1:
        raise errors.Invalid(reason=f'The sample of {name} has one of a value, values or statistics.')
    if forms == ['value']:
        return Statistics.of(_number(name, given['value']))
    if forms == ['statistics']:
        return _set(name, given['statistics'])
    values = given['values']
    counts = given.get('counts') or ([1.0] * len(values) if isinstance(values, list) else None)
    if not isinstance(values, list) or not isinstance(counts, list) or len(values) != len(counts) or (
            not 0 < len(values) <= MOST_VALUES):
        raise errors.Invalid(reason=f'The sample of {name} has 1 to {MOST_VALUES} values and as many counts.')
    found = _ZERO
    for value, count in zip(values, counts, strict=True):
        number = _number(name, count)
        if number <= 0:
            raise errors.Invalid(reason=f'A count of the sample of {name} is {number:g}, which must be more '
                                        'than 0.')
        found = found.merge(Statistics.of(_number(name, value), number))
    return found


def _set(name: str, given: Any) -> Statistics:
    keys = ('count', 'sum', 'minimum', 'maximum')
    if not isinstance(given, Mapping) or any(given.get(key) is None for key in keys):
        raise errors.Invalid(reason=f'The statistics of {name} have {", ".join(keys)}.')
    found = Statistics(*(_number(name, given[key]) for key in keys))
    if found.count <= 0 or found.minimum > found.maximum:
        raise errors.Invalid(reason=f'The statistics of {name} have a count of more than 0, and a minimum '
                                    'that is not above the maximum.')
    return found


def _number(name: str, value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    # The limits of CloudWatch, within which sums stay numbers.
    if isinstance(value, bool) or not math.isfinite(found) or abs(found) > 2.0 ** 360:
        raise errors.Invalid(reason=f'The sample of {name} has the value {value!r}, which is no number that '
                                    'can be kept.')
    return found


def _known_unit(unit: Any) -> None:
    if unit not in UNITS:
        raise errors.Invalid(reason=f'"{unit}" is no unit; use one of {", ".join(UNITS)}.')


def _check(check: Callable[..., None], *args: Any) -> None:
    try:
        check(*args)
    except ValueError as error:
        raise errors.Invalid(reason=str(error)) from None


def _has(metric: Metric, wanted: Sequence[tuple[str | None, str | None]]) -> bool:
    have = dict(metric.dimensions)
    return all(name in have and value in (None, have[name]) for name, value in wanted)


def _shown(metric: Metric) -> dict[str, Any]:
    return {'namespace': metric.namespace, 'name': metric.name,
            'dimensions': [list(pair) for pair in metric.dimensions]}


def _classic(sample: Sample) -> dict[str, Any]:
    """A sample by the classic's names; one of several values shows their average."""
    metric, told = sample.metric, sample.statistics
    value: dict[str, Any] = {'Value': told.value(AVERAGE), 'Unit': sample.unit,
                             'Dimensions': [{name: of} for name, of in metric.dimensions]}
    if told.count != 1:
        value |= {SAMPLE_COUNT: told.count, SUM: told.total, MINIMUM: told.minimum, MAXIMUM: told.maximum}
    return {'watch_name': dict(metric.dimensions).get(FOR_RULE, ''), 'metric_name': metric.name,
            'timestamp': iso(sample.at), 'namespace': metric.namespace,
            'data': {metric.name: value, 'Namespace': metric.namespace}}


def moment_of(text: Any) -> float:
    """Epoch seconds of an ISO 8601 text, which is UTC if it does not say; Invalid if it is none."""
    try:
        value = datetime.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise errors.Invalid(reason=f'"{text}" is not a time in ISO 8601.') from None
    if value.tzinfo is None:
        value = value.replace(tzinfo=datetime.UTC)
    return value.timestamp()


def tenant_of(context: RequestContext) -> str:
    if not context.tenant_id:
        raise errors.Forbidden(action='watch rules')
    return context.tenant_id
