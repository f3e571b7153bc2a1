"""Members replaced a batch at a time, with enough of them left in service.

Purpose: from how many members there are and how many are up to date follows the
size of the next batch. Invariant: pure, and a function of the members as they
are, so that it goes on wherever it was stopped. Each batch brings a member up to
date or the size nearer to the target, so it ends.
Neighbours: groups make their stages with it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heat import schema
from heat.model.op import StepFailed
from heat.resources.base import Resource
from heat.resources.creation import DEFAULT, Expected
from heat.resources.nested import ChildTemplate, Stage

_PERIOD = re.compile(r'P(?!$)(?:(\d+)D)?(?:T(?!$)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$')
LONGEST_PAUSE = 3600


@dataclass(frozen=True, slots=True)
class Rolling:
    """How members are replaced: at most ``batch`` at once, ``in_service`` left, ``pause`` seconds between.

    With ``percent`` new members take the place of old ones, and so many of each batch must signal success
    within ``pause`` seconds.
    """

    batch: int
    in_service: int = 0
    pause: float = 0.0
    percent: int | None = None

    def stage(self, template: ChildTemplate, last: bool, new: int, data: Mapping[str, Any],
              notes: Mapping[str, Any]) -> Stage:
        """A batch with ``new`` new members."""
        if self.percent is None:
            return Stage(template, last, self.pause, data, notes)
        signals = Expected.part(new, self.pause or DEFAULT, self.percent) if new else None
        return Stage(template, last, 0.0, data, notes, signals)


@dataclass(frozen=True, slots=True)
class Batch:
    """The next batch: how many members there are with it, and how many of them are made new by it."""

    capacity: int
    new: int


@dataclass(frozen=True, slots=True)
class Member:
    """A member as it is. ``sound``: as its definition wants it; ``current``: by today's definition."""

    name: str
    sound: bool
    current: bool

    @property
    def fit(self) -> bool:
        return self.sound and self.current


def next_batch(target: int, held: int, fit: int, rolling: Rolling) -> Batch | None:
    """The batch that follows when ``fit`` of ``held`` members are as they should be; None at the end.

    To leave ``in_service`` untouched the group may grow beyond its target for a while;
    members beyond it count as fit last.
    """
    ready = max(0, fit - max(0, held - target))
    if held == target <= ready:
        return None
    least = min(rolling.in_service, target, held)
    size = min(rolling.batch, max(0, target - ready))
    return Batch(size + max(min(held, target - size), least), size)


def renewed(kept: Sequence[Member], count: int) -> set[str]:
    """The names of the ``count`` members to bring up to date: broken ones first, then in the given order."""
    unfit = sorted((m for m in kept if not m.fit), key=lambda m: m.sound)
    return {m.name for m in unfit[:max(0, count)]}


def resolved_policy(kind: type[Resource], given: Mapping[str, Any] | None,
                    name: str) -> dict[str, Any] | None:
    """One map of the update policy with its defaults; None if it is not given."""
    found, wrong = schema.resolve(kind.schema.update_policy, dict(given or {}), path=['UpdatePolicy'])
    if wrong:
        raise StepFailed(wrong[0].text(), 'StackValidationFailed')
    return found.get(name)


def rolling_of(policy: Mapping[str, Any] | None) -> Rolling | None:
    """From the map of any of the group types."""
    if policy is None:
        return None
    if 'MaxBatchSize' in policy or 'PauseTime' in policy:
        waits = policy.get('WaitOnResourceSignals')
        return Rolling(max(1, policy['MaxBatchSize']), policy['MinInstancesInService'],
                       period(policy['PauseTime']),
                       policy['MinSuccessfulInstancesPercent'] if waits else None)
    return Rolling(policy['max_batch_size'], policy.get('min_in_service') or 0, policy['pause_time'])


def policy_faults(given: Mapping[str, Any] | None) -> Iterable[str]:
    """Sentences about an AWS rolling update policy."""
    for name, low in (('MinInstancesInService', 0), ('MaxBatchSize', 1)):
        value = (given or {}).get(name)
        if isinstance(value, int) and value < low:
            yield f'{name} must be at least {low}, not {value}.'
    pause = (given or {}).get('PauseTime')
    if isinstance(pause, str):
        try:
            period(pause)
        except ValueError as error:
            yield str(error)


def period(text: str) -> float:
    """Seconds of an ISO 8601 duration like PT1M30S; ValueError for anything else or over one hour."""
    found = _PERIOD.match(text)
    if found is None:
        raise ValueError(f'Invalid ISO 8601 duration: {text}')
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    total = datetime.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
    if total > LONGEST_PAUSE:
        raise ValueError(f'Maximum PauseTime is 1 hour, not {text}.')
    return total
