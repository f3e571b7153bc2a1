"""Groups that are scaled by signals: what a policy asks, and what a group makes of it.

Purpose: the arithmetic of capacities, the cooldown, and the border between a
policy and its group. Invariant: pure; time is handed in. The group's metadata
says until when it rests (``cooldown_end``: a time and what led to it) and
whether it is being resized now (``scaling_in_progress``). Neighbours:
``engine.scaling`` carries an adjustment out.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass, replace
from typing import Any

from heat.model.resource import Row
from heat.model.status import Action, Status
from heat.resources.nested import ChildView, Stage

CHANGE, EXACT, PERCENT = 'ChangeInCapacity', 'ExactCapacity', 'PercentChangeInCapacity'
KIND = {'change_in_capacity': CHANGE, 'exact_capacity': EXACT, 'percent_change_in_capacity': PERCENT,
        CHANGE: CHANGE, EXACT: EXACT, PERCENT: PERCENT}


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What a policy asks of ``group`` (a reference). ``kind`` is one of the values of ``KIND``."""

    group: Any
    kind: str
    amount: float
    step: int | None = None
    cooldown: float | None = None


@dataclass(frozen=True, slots=True)
class Resize:
    """What becomes of the group: its row while it is resized, and how many members it will have."""

    row: Row
    capacity: int


def new_capacity(now: int, adjustment: Adjustment, least: int, most: int) -> int:
    """The capacity after an adjustment, within the bounds.

    Percentages of less than one member count as one, others lose their fraction; the
    minimum step applies to percentages only and has the sign of the adjustment.
    """
    amount = adjustment.amount
    if adjustment.kind == EXACT:
        wanted = int(amount)
    elif adjustment.kind == PERCENT:
        part = now * amount / 100
        change = int(math.copysign(math.ceil(abs(part)), part)) if abs(part) < 1 else int(part)
        if adjustment.step and abs(change) < adjustment.step and amount:
            change = adjustment.step if amount > 0 else -adjustment.step
        wanted = now + change
    else:
        wanted = now + int(amount)
    return max(least, min(wanted, most))


def refusal(row: Row, now: float) -> str | None:
    """Why the group cannot be resized now; None if it can."""
    if row.status is not Status.COMPLETE or row.action in (Action.SUSPEND, Action.DELETE, Action.INIT):
        return f'it is {row.action}_{row.status}'
    if row.data.get('scaling'):
        return 'it is being resized already'
    end = next(iter(row.metadata.get('cooldown_end') or {}), None)
    if end is not None and now < _seconds(end):
        return f'its cooldown lasts until {end}'
    return None


def begun(row: Row, adjustment: Adjustment, before: int, capacity: int) -> Row:
    """The group's row while it is resized."""
    scaling = {'kind': adjustment.kind, 'amount': adjustment.amount, 'cooldown': adjustment.cooldown,
               'before': before, 'capacity': capacity}
    return replace(row, data={**row.data, 'scaling': scaling},
                   metadata={**row.metadata, 'scaling_in_progress': True})


def ended(row: Row, now: float, changed: bool) -> Row:
    """The group's row when the resizing is over at ``now``; the cooldown begins if it has ``changed``."""
    scaling = row.data.get('scaling') or {}
    row = replace(row, data={k: v for k, v in row.data.items() if k != 'scaling'},
                  metadata={**row.metadata, 'scaling_in_progress': False})
    if not changed:
        return row
    what = f'{scaling.get("kind")} : {plain(scaling.get("amount"))}'
    return rested(row, now, scaling.get('cooldown'), what)


def rested(row: Row, now: float, cooldown: float | None, reason: str) -> Row:
    """The row with a cooldown of so many seconds from ``now``; a longer one that runs is kept."""
    end = _text(now + max(0.0, cooldown or 0.0))
    running = next(iter(row.metadata.get('cooldown_end') or {}), None)
    if running is not None and _seconds(running) > _seconds(end):
        end = running
    return replace(row, metadata={**row.metadata, 'cooldown_end': {end: reason},
                                  'scaling_in_progress': False})


def plain(amount: Any) -> Any:
    """A whole number without its fraction."""
    return int(amount) if isinstance(amount, float) and amount.is_integer() else amount


def _text(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(tzinfo=None).isoformat()


def _seconds(text: str) -> float:
    try:
        return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC).timestamp()
    except ValueError:
        # The template may have put anything there.
        return 0.0




class Scalable:
    """A group that policies may adjust; mixed into nested types."""

    @classmethod
    def resize(cls, row: Row, child: ChildView, adjustment: Adjustment, now: float) -> Resize | str:
        """What an adjustment leads to, or why nothing is done."""
        raise NotImplementedError

    @classmethod
    def resized(cls, row: Row, child: ChildView, capacity: int) -> Stage:
        """The child's next template. Its members are written out one by one."""
        raise NotImplementedError
