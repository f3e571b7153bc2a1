"""The stages of a nested step: which one a row is in, and when the next is due.

Purpose: a rolling update is one step whose child gets several goals in turn, with
pauses. Invariant: the stage stands in the row's journal, written in the commit
that gives the child its goal or that tells of its end, so an engine that takes
over goes on in the batch where it was; a pause is a point in time, not a sleep.
Neighbours: ``carry`` asks and acts, ``resources.nested`` decides what a stage is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from heat.model.resource import Row
from heat.model.status import Action
from heat.resources import creation
from heat.resources.creation import Expected
from heat.resources.nested import Stage


@dataclass(frozen=True, slots=True)
class Place:
    """How far the step has come. ``until`` is wall time: the stage is over, the next begins then.

    With ``signals`` it begins once they have come, and the step has failed then.
    """

    number: int
    last: bool
    pause: float
    notes: Mapping[str, Any] = field(default_factory=dict)
    until: float | None = None
    signals: Expected | None = None


def place(row: Row) -> Place | None:
    """Where the row's step is; None before its first stage."""
    if not row.memo or not isinstance(row.memo[-1], dict) or 'stage' not in row.memo[-1]:
        return None
    kept = row.memo[-1]
    return Place(kept['stage'], kept['last'], kept['pause'], kept['notes'], kept['until'],
                 creation.staged(row))


def _at(row: Row, here: Place) -> Row:
    return replace(row, memo=({'stage': here.number, 'last': here.last, 'pause': here.pause,
                               'notes': dict(here.notes), 'until': here.until,
                               **({'signals': here.signals.to_wire()} if here.signals else {})},))


def entered(row: Row, stage: Stage) -> Row:
    """The row with its next stage begun."""
    before, signals = place(row), stage.signals
    if signals is None and stage.last and row.action is Action.CREATE:
        signals = creation.expected(row)
    if before is None or stage.signals is not None:
        row = creation.forgotten(row)
    return _at(row, Place((before.number if before else 0) + 1, stage.last, stage.pause, stage.notes,
                          signals=signals))


def paused(row: Row, until: float) -> Row:
    """The row with its stage over and the next one not before ``until``."""
    here = place(row)
    assert here is not None
    return _at(row, replace(here, until=until))
