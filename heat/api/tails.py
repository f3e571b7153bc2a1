"""What happens last, asked once for all who watch.

Purpose: clients that follow the events of one stack share the questions to the
engine. Invariant: for one key at most one question in ``pause`` seconds, however
many ask; the pause grows while nothing happens. Nobody is told what was asked
in another's name: the key holds all on which an answer depends. Neighbours:
``api.rest.stream`` writes what is found.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

from heat.common import green
from heat.common.clock import Clock

KEPT = 500
GROWTH = 1.5

Item = tuple[str, Any]
Ask = Callable[[str | None], list[Item]]
"""The items after the one with that id (None: from the first one), oldest first."""


class Tail:
    """The newest items of one key; ``pause`` is how long the answer to a question is good."""

    def __init__(self, clock: Clock, shortest: float, longest: float) -> None:
        self._clock, self._shortest, self._longest = clock, shortest, longest
        self.pause = shortest
        self._lock = threading.Lock()
        self._items: list[Item] = []
        # The id before the first item kept; there is none before the first question.
        self._before: str | None = None
        self._asked: float | None = None
        self.watchers = 0

    def after(self, last: str | None, ask: Ask) -> list[Item]:
        """What came after ``last``, which the caller has already; asks by ``ask`` if it is time."""
        with self._lock:
            now = self._clock.monotonic()
            if self._asked is None:
                self._before = last
            if self._asked is None or now - self._asked >= self.pause:
                # Also after a failure: an engine that is away is not asked more often.
                self._asked = now
                found = ask(self._items[-1][0] if self._items else self._before)
                self.pause = self._shortest if found else min(self.pause * GROWTH, self._longest)
                self._items += found
                if len(self._items) > KEPT:
                    self._before = self._items[-KEPT - 1][0]
                    del self._items[:-KEPT]
            known = self._known(last)
        # Somebody who is behind what is kept, or ahead of what was asked, asks alone.
        return ask(last) if known is None else known

    def _known(self, last: str | None) -> list[Item] | None:
        if last == self._before:
            return list(self._items)
        for number in range(len(self._items) - 1, -1, -1):
            if self._items[number][0] == last:
                return self._items[number + 1:]
        return None


class Tails:
    """The tails in use, by key; and the time by which those who watch live."""

    def __init__(self, clock: Clock | None = None, sleep: Callable[[float], None] = green.sleep) -> None:
        self.clock = clock or Clock()
        self.sleep = sleep
        self._lock = threading.Lock()
        self._tails: dict[Hashable, Tail] = {}
        self.watchers = 0
        self._of_project: Counter[str] = Counter()

    def join(self, key: Hashable, shortest: float, longest: float, most: int, project: str) -> Tail | None:
        """The tail of ``key``, to be given back to ``leave``; None when ``most`` are watching already.

        One project may be half of them, so that it does not keep all others out.
        """
        with self._lock:
            if self.watchers >= most or self._of_project[project] >= (most + 1) // 2:
                return None
            self._of_project[project] += 1
            tail = self._tails.setdefault(key, Tail(self.clock, shortest, longest))
            tail.watchers += 1
            self.watchers += 1
            return tail

    def leave(self, key: Hashable, project: str) -> None:
        with self._lock:
            self.watchers -= 1
            self._of_project[project] -= 1
            if not self._of_project[project]:
                del self._of_project[project]
            tail = self._tails[key]
            tail.watchers -= 1
            if not tail.watchers:
                del self._tails[key]
