"""Breakpoints: hooks that hold a resource before or after a step until they are cleared.

Purpose: the mark of a hook on a row, and the sentences told of it. Invariant: a
mark belongs to one goal, so that the next one pauses anew; it is on the row, so
that an engine that takes over goes on waiting. Neighbours: ``traversal`` sets
marks, ``engine.carry`` clears them on a signal.
"""

from __future__ import annotations

from dataclasses import replace

from heat.model.resource import Row
from heat.model.status import Action

KEY = 'hooks'
SET, CLEARED = 'set', 'cleared'
FAILED_WAITING = 'Failure occurred while waiting.'


def name(when: str, verb: Action) -> str:
    """``pre-create``: ``when`` is 'pre' or 'post'."""
    return f'{when}-{verb.lower()}'


def state(row: Row, hook: str, seq: int) -> str | None:
    """'set' or 'cleared' under goal ``seq``; None if the resource has not come there."""
    marks = row.data.get(KEY) or {}
    found = marks.get(hook) if marks.get('goal') == seq else None
    return str(found) if found else None


def mark(row: Row, hook: str, seq: int, value: str = SET) -> Row:
    """The row with the hook set or cleared under goal ``seq``; marks of other goals go."""
    marks = row.data.get(KEY) or {}
    kept = marks if marks.get('goal') == seq else {}
    return replace(row, data={**row.data, KEY: {**kept, 'goal': seq, hook: value}})


def waits(row: Row, hook: str | None = None) -> bool:
    """Whether the row is held by ``hook`` (None: by any), whatever the goal."""
    marks = row.data.get(KEY) or {}
    return any(value == SET and hook in (None, key) for key, value in marks.items())


def cleared(row: Row, hook: str) -> Row:
    """The row after somebody has cleared ``hook``."""
    return mark(row, hook, (row.data.get(KEY) or {}).get('goal', row.goal_seq), CLEARED)


def forgotten(row: Row) -> Row:
    """The row without any mark."""
    return replace(row, data={key: value for key, value in row.data.items() if key != KEY})


def paused_reason(verb: Action, hook: str) -> str:
    return f'{verb} paused until Hook {hook} is cleared'


def cleared_reason(hook: str) -> str:
    return f'Hook {hook} is cleared'
