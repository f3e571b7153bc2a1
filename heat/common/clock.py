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
        self._start = start
        # Kept apart: added to an epoch time, small steps would be rounded away.
        self._elapsed = 0.0

    def advance(self, seconds: float) -> None:
        self._elapsed += seconds

    def now(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.wall(), datetime.UTC).replace(
            tzinfo=None, microsecond=0)

    def monotonic(self) -> float:
        return self._elapsed

    def wall(self) -> float:
        return self._start + self._elapsed


class Timers:
    """A heap of (due, item); ``due`` in seconds of the monotonic clock.

    Each item belongs to an owner, whose items can be dropped at once.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, str, Any]] = []
        self._order = itertools.count()
        self._since: dict[str, int] = {}

    def add(self, due: float, item: Any, owner: str = '') -> None:
        heapq.heappush(self._heap, (due, next(self._order), owner, item))

    def drop(self, owner: str) -> None:
        """Forget what ``owner`` has added until now."""
        self._since[owner] = next(self._order)

    def next_due(self) -> float | None:
        while self._heap and self._dropped(self._heap[0]):
            heapq.heappop(self._heap)
        if not self._heap:
            self._since.clear()
            return None
        return self._heap[0][0]

    def pop_due(self, now: float) -> list[Any]:
        """Everything due at ``now``, in order."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            entry = heapq.heappop(self._heap)
            if not self._dropped(entry):
                due.append(entry[3])
        return due

    def _dropped(self, entry: tuple[float, int, str, Any]) -> bool:
        return entry[1] < self._since.get(entry[2], 0)
