"""What the core asks of the shell, and what the shell tells the core.

Purpose: the whole vocabulary between ``traversal`` and ``engine``. Invariant:
plain values; an effect that touches the world (``Start``) is carried out only
after every ``Save`` and ``Emit`` before it is durable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from heat.model.event import Event
from heat.model.outcome import Outcome
from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action, Status


@dataclass(frozen=True, slots=True)
class Step:
    """One verb on one row. All it needs is on the row, so it can be run again.

    ``task`` is 'verb', or what happens without a change of the row's state: 'read'
    (attributes are fetched), 'observe' (what differs in the cloud from what was asked
    for) or 'release' (a thing that is being replaced lets go of what its successor needs).
    """

    uuid: str
    verb: Action
    wanted: tuple[Any, ...] = ()
    resumed: bool = False
    task: str = 'verb'


@dataclass(frozen=True, slots=True)
class Save:
    row: Row


@dataclass(frozen=True, slots=True)
class Remove:
    """The row's thing is gone for good; its row goes too."""

    row: Row


@dataclass(frozen=True, slots=True)
class Emit:
    event: Event


@dataclass(frozen=True, slots=True)
class Start:
    step: Step


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop waiting in the step of row ``uuid``; a call under way is let finish."""

    uuid: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The goal's end and its event. ``next_goal`` is what must follow at once (a rollback)."""

    stack: Stack
    goal: Goal
    status: Status
    reason: str
    event: Event
    next_goal: Goal | None = None
    idle: bool = False


@dataclass(frozen=True, slots=True)
class WaitThen:
    """Send ``WaitedEnough(uuids)`` back after ``error_wait_time``."""

    uuids: tuple[str, ...]


Effect = Save | Remove | Emit | Start | Cancel | WaitThen | Finish


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step's end. ``row`` carries what the step learned (ids, data, attributes).

    ``idle``: the step was a nested stack's update in which nothing had to be changed.
    """

    step: Step
    row: Row
    outcome: Outcome
    idle: bool = False


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A cancelled step has stopped; ``row`` is as far as it came."""

    step: Step
    row: Row


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The goal's deadline has passed, or the stack around this one was told to stop."""

    reason: str = 'Timed out'


@dataclass(frozen=True, slots=True)
class HookCleared:
    """The hook that held row ``uuid`` is cleared; the row says so already."""

    uuid: str
    hook: str


@dataclass(frozen=True, slots=True)
class WaitedEnough:
    """Steps that stand in the way of the goal's end have had their time."""

    uuids: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class GoOn:
    """There is more to decide than one turn should take; the traversal asked for another."""


CoreEvent = StepDone | Cancelled | TimedOut | HookCleared | WaitedEnough | GoOn
