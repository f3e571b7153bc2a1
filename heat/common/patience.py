"""How long what users bring may compute: their patterns and expressions.

Purpose: a limit in seconds for each computation, and an allowance that all of a process
share. Invariant: one computation ends after ``most`` seconds; many together, whoever
brought them, take little more than a tenth of the time, since each that is slow shortens
what the next ones get. Who needs less than ``least`` never notices.
Neighbours: ``pattern`` and ``template.yaql_language``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Seconds that may be spent at once, and what comes back to them in each second.
ALLOWANCE, REFILL = 3.0, 0.1
# What takes less is not counted.
QUICK = 0.002


class Patience:
    """The allowance; ``now`` gives seconds that never go back."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._left, self._as_of = ALLOWANCE, now()

    def refill(self) -> None:
        """Forget what was spent."""
        self._left, self._as_of = ALLOWANCE, self._now()

    @contextmanager
    def limit(self, most: float, least: float) -> Iterator[float]:
        """The seconds that what is done inside may take; what it took is counted."""
        began = self._now()
        left = min(ALLOWANCE, self._left + (began - self._as_of) * REFILL)
        try:
            yield min(most, max(least, left))
        finally:
            spent = self._now() - began
            if spent > QUICK:
                self._left, self._as_of = max(0.0, left - spent), began


SHARED = Patience()
