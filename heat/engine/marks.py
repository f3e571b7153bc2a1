"""A user's judgement of a resource's health.

Purpose: what a mark does to a row. Invariant: pure. Neighbours: ``actions`` marks
in a tree nobody drives, ``carry`` in one that is driven.
"""

from __future__ import annotations

from heat.model.resource import Row
from heat.model.status import Action, Status

DEFAULT_REASON = 'state changed by resource_mark_unhealthy api'


def marked(row: Row, unhealthy: bool, reason: str) -> Row | None:
    """The row after the mark; None if it changes nothing. Only for a row that no step works on."""
    if unhealthy:
        return row.to(Action.CHECK, Status.FAILED, reason)
    if row.state == (Action.CHECK, Status.FAILED):
        return row.to(Action.CHECK, Status.COMPLETE, reason)
    return None

