"""Time, injected: the wall clock for people, the monotonic clock for deadlines.

Purpose: code above takes a ``Clock`` and never calls ``time`` itself, so tests
run on a ``VirtualClock``. Invariant: ``Timers`` fires in order of due time,
then of insertion. Neighbours: ``engine.loop`` owns the one ``Timers``.
"""

from __future__ import annotations

import datetime
import heapq
import itertools
import time
from typing import Any


class Clock:
    """The real time of this machine."""

    def now(self) -> datetime.datetime:
        """UTC, naive, whole seconds: what the database columns hold."""
        return datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch."""
        return time.time()


class VirtualClock(Clock):
    """A clock that moves only when told; for tests and the simulator."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._wall = start
        self._start = start

    def advance(self, seconds: float) -> None:
        self._wall += seconds

    def now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self._wall, datetime.UTC).replace(
            tzinfo=None, microsecond=0)

    def monotonic(self) -> float:
        return self._wall - self._start

    def wall(self) -> float:
        return self._wall


class Timers:
    """A heap of (due, item); ``due`` in seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Any]] = []
        self._order = itertools.count()

    def add(self, due: float, item: Any) -> None:
        heapq.heappush(self._heap, (due, next(self._order), item))

    def next_due(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> list[Any]:
        """Everything due at ``now``, in order."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[2])
        return due
