"""What the samples of a metric make of a watch rule: pure.

Purpose: the windows in time that a rule looks at, the state that they lead to,
and when it is to be looked at next. Invariant: no clock;
times are epoch seconds. A rule of CloudWatch looks at whole minutes (or ten
seconds), and at two periods more than it evaluates, so that late or missing
samples do little harm; a lite rule looks at the periods until now.
Neighbours: ``engine.watcher`` fetches and writes, ``watch_rule`` checks what rules may be.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heat.model.watch import (
    ALARM,
    BREACHING,
    IGNORE,
    MISSING,
    NODATA,
    NORMAL,
    SAID,
    SAMPLE_COUNT,
    SUM,
    Statistics,
    WatchRule,
)

# CloudWatch retrieves more data points than it evaluates; its own tables show two more.
EXTRA = 2
MINUTE, SHORT = 60, 10
# A sample of the last second of a window needs some time to get here.
GRACE = 5.0
_WORDS = {'GreaterThanOrEqualToThreshold': 'greater than or equal to', 'GreaterThanThreshold': 'greater than',
          'LessThanThreshold': 'less than', 'LessThanOrEqualToThreshold': 'less than or equal to'}


@dataclass(frozen=True, slots=True)
class Windows:
    """``count`` windows of ``period`` seconds from ``start`` on, each with its first moment, not its last."""

    start: float
    period: int
    count: int

    @property
    def end(self) -> float:
        return self.start + self.period * self.count


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule's state is, and why. ``data`` is what it was told from."""

    state: str
    reason: str
    data: dict[str, Any]


def windows(rule: WatchRule, now: float) -> Windows:
    """What an evaluation at ``now`` looks at."""
    if rule.lite:
        return Windows(now - rule.period * rule.periods, rule.period, rule.periods)
    grain = _grain(rule)
    count = rule.periods + EXTRA
    return Windows(now // grain * grain - rule.period * count, rule.period, count)


def next_due(rule: WatchRule, now: float, interval: float) -> float:
    """When to evaluate next; ``interval`` bounds the time between two evaluations from above."""
    if rule.lite:
        return now + rule.period
    grain = _grain(rule)
    pause = max(grain, min(rule.period, interval) // grain * grain)
    return ((now - GRACE) // grain) * grain + pause + GRACE


def _grain(rule: WatchRule) -> int:
    return MINUTE if rule.period >= MINUTE else SHORT


def breaches(value: float, comparison: str, threshold: float) -> bool:
    if comparison == 'GreaterThanThreshold':
        return value > threshold
    if comparison == 'GreaterThanOrEqualToThreshold':
        return value >= threshold
    return value < threshold if comparison == 'LessThanThreshold' else value <= threshold


def judge(rule: WatchRule, points: Mapping[int, Statistics], seen: Windows, before: str) -> Verdict:
    """The state that was ``before`` until now; ``points`` maps windows, the oldest is 0, to samples."""
    values: list[float | None] = [
        points[n].value(rule.statistic) if n in points else None for n in reversed(range(seen.count))]
    if rule.lite and rule.statistic in (SUM, SAMPLE_COUNT):
        # To have heard nothing is a number here, as the classic has it.
        values = [0.0 if value is None else value for value in values]
    state, used = _state(rule, values, before)
    return Verdict(state, _reason(rule, state, used, seen), _told(rule, used, seen))


def _state(rule: WatchRule, values: Sequence[float | None],
           before: str) -> tuple[str, list[tuple[int, float]]]:
    """The state, and (age in periods, value) of the data points that led to it, the newest first."""
    there = [(age, value) for age, value in enumerate(values, 1) if value is not None]
    used = there[:rule.periods]
    bad = [age for age, value in used if breaches(value, rule.comparison, rule.threshold)]
    absent = rule.periods - len(used)
    if len(bad) + (absent if rule.missing == BREACHING else 0) >= rule.enough:
        return ALARM, used
    if absent == 0 or len(bad) < len(used) or rule.missing not in (MISSING, IGNORE):
        return NORMAL, used
    if rule.missing == IGNORE:
        return before, used
    if not used:
        return NODATA, used
    # All that is there breaches, but it is not enough of it: that counts once it lasts, not before.
    recent = [age for age in bad if age <= rule.periods]
    if recent and max(recent) >= rule.enough:
        return ALARM, used
    return (before if before in (ALARM, NORMAL, NODATA) else NODATA) if recent else NODATA, used


def _reason(rule: WatchRule, state: str, used: Sequence[tuple[int, float]], seen: Windows) -> str:
    if not used:
        if rule.missing == MISSING:
            was = 'was' if rule.periods == 1 else 'were'
            return f'Insufficient Data: {rule.periods} datapoint{_s(rule.periods)} {was} unknown.'
        return (f'No datapoints were received for {rule.periods} period{_s(rule.periods)} and '
                f'{rule.periods} missing datapoint{_s(rule.periods)} were treated as [{rule.missing}].')
    bad = [(age, value) for age, value in used if breaches(value, rule.comparison, rule.threshold)]
    shown = bad if state == ALARM and bad else [one for one in used if one not in bad] or list(used)
    listed = ', '.join(f'{value:g} ({iso(seen.end - age * rule.period)})' for age, value in shown[:5])
    was = 'was' if len(shown) == 1 else 'were'
    negated = '' if shown[0] in bad else 'not '
    return (f'Threshold Crossed: {len(shown)} out of the last {rule.periods} datapoint{_s(rule.periods)} '
            f'[{listed}] {was} {negated}{_WORDS[rule.comparison]} the threshold ({rule.threshold:g}) '
            f'(minimum {rule.enough} datapoint{_s(rule.enough)} for OK -> ALARM transition).')


def _told(rule: WatchRule, used: Sequence[tuple[int, float]], seen: Windows) -> dict[str, Any]:
    return {'version': '1.0', 'queryDate': iso(seen.end), 'startDate': iso(seen.start),
            'statistic': rule.statistic, 'period': rule.period, 'threshold': rule.threshold,
            'recentDatapoints': [value for _age, value in reversed(used)],
            'evaluatedDatapoints': [{'timestamp': iso(seen.end - age * rule.period), 'value': value}
                                    for age, value in used]}


def transition(before: str, after: str) -> str:
    """The summary of a change of state, in the words that users know."""
    return f'Alarm updated from {SAID[before]} to {SAID[after]}'


def _s(count: int) -> str:
    return '' if count == 1 else 's'


def iso(at: float) -> str:
    """ISO 8601 in UTC, whole seconds."""
    return datetime.datetime.fromtimestamp(math.floor(at), datetime.UTC).strftime('%Y-%m-%dT%H:%M:%SZ')
