"""Actions, statuses, and the one table of legal transitions.

Purpose: what a stack or a resource may be doing, and how far it is. Invariant:
every change of a row's state passes ``check_row``; a step not in the table is a
defect in the engine and raises. Interface: contract statuses (stack, resource).
"""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    INIT = 'INIT'
    CREATE = 'CREATE'
    DELETE = 'DELETE'
    UPDATE = 'UPDATE'
    ROLLBACK = 'ROLLBACK'
    SUSPEND = 'SUSPEND'
    RESUME = 'RESUME'
    ADOPT = 'ADOPT'
    SNAPSHOT = 'SNAPSHOT'
    CHECK = 'CHECK'
    RESTORE = 'RESTORE'


class Status(StrEnum):
    IN_PROGRESS = 'IN_PROGRESS'
    COMPLETE = 'COMPLETE'
    FAILED = 'FAILED'


State = tuple[Action, Status]

_SETTLED = {Status.COMPLETE, Status.FAILED}
_VERBS = {Action.CREATE, Action.UPDATE, Action.DELETE, Action.SUSPEND, Action.RESUME,
          Action.SNAPSHOT, Action.CHECK, Action.ADOPT}

# What may start from a settled state. From IN_PROGRESS a step ends as its own
# COMPLETE or FAILED, or is begun again after a crash; DELETE may always begin.
_MAY_START: dict[Action, set[Action]] = {
    Action.INIT: {Action.CREATE, Action.ADOPT, Action.DELETE},
    Action.CREATE: _VERBS - {Action.ADOPT} | {Action.CREATE},
    Action.UPDATE: _VERBS - {Action.CREATE, Action.ADOPT},
    Action.ADOPT: _VERBS,
    Action.CHECK: _VERBS - {Action.CREATE, Action.ADOPT},
    Action.SUSPEND: {Action.RESUME, Action.SUSPEND, Action.DELETE, Action.CHECK, Action.UPDATE,
                     Action.SNAPSHOT},
    Action.RESUME: _VERBS - {Action.CREATE, Action.ADOPT},
    Action.SNAPSHOT: _VERBS - {Action.CREATE, Action.ADOPT},
    Action.DELETE: {Action.DELETE},
}


class IllegalTransition(Exception):
    """A state change that the table does not allow."""


def legal(old: State, new: State) -> bool:
    """True if a resource row may go from ``old`` to ``new``."""
    if new[1] is Status.IN_PROGRESS:
        if old[1] is Status.IN_PROGRESS:
            # Resumed after a crash, or overtaken by a deletion.
            return new[0] is old[0] or new[0] is Action.DELETE
        return new[0] in _MAY_START.get(old[0], set())
    if old[1] is Status.IN_PROGRESS:
        return new[0] is old[0]
    # Marked unhealthy, found failed before it could start, refused by a
    # restriction, or a step without outside effect that is done in one commit.
    return new[0] in _MAY_START.get(old[0], set()) | {old[0]}


def check_row(name: str, old: State, new: State) -> None:
    """Raise IllegalTransition, naming the resource, unless the table allows it."""
    if not legal(old, new):
        raise IllegalTransition(f'Resource {name} may not go from {"_".join(old)} to {"_".join(new)}.')
