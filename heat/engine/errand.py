"""What a step wants of the shell next, and within which limits.

Purpose: the values that ``step`` gives and ``loop`` carries out. Invariant: frozen; a
step has one errand at a time. Neighbours: ``step`` makes them; ``looking`` carries them
out without a loop.
"""

from __future__ import annotations

from dataclasses import dataclass

from heat.model.op import Call, Endpoint, Find, Poll, ReadConfig, ReadWatch, Resolve, Tell, UserCall
from heat.model.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Ask:
    """Perform ``op``; if ``durable``, only after the row as it is now is committed."""

    op: Call | UserCall | Find | Resolve | ReadConfig | ReadWatch | Tell | Endpoint
    durable: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """Poll until the op's judge has spoken."""

    op: Poll


@dataclass(frozen=True, slots=True)
class Pause:
    """Wake the step at ``until`` (wall seconds, inf: never), or when row ``signal_of`` changes."""

    until: float
    signal_of: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    outcome: Outcome


Next = Ask | Watch | Pause | Ended


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: how long a call may live, and how long the cloud may take to show it.

    ``nested_depth`` is how deep stacks may stand in one another, ``resources`` how many a whole tree may
    have, -1 for any number.
    """

    http_timeout: float = 60.0
    settle: float = 5.0
    nested_depth: int = 5
    resources: int = -1
