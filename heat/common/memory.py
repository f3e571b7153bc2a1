"""How often a process looks for garbage in circles.

Purpose: ``collect_rarely``, called once by whoever starts a process. Invariant: memory that
nothing refers to is given back at once as ever; only circles wait a little longer. A big
template makes hundreds of thousands of objects that stay: to look through all of them holds
everybody up for as long as half a second, so that is done when there is little else to do.
Neighbours: ``cmd`` and ``wsgi`` call.
"""

from __future__ import annotations

import gc
import time

from heat.common import green

# Objects made after which the youngest are looked through, and how often that is done before
# those that were left; together never more than what takes some twenty milliseconds.
YOUNG, MIDDLE, NEVER = 10_000, 4, 2**31 - 1
# How long is waited to see whether a process is quiet (s), in which part of it at most it computed or
# waited for a processor, and how often it may have been found busy.
PAUSE, QUIET, MOST = 5.0, 0.05, 60


def collect_rarely() -> None:
    """Leave out of the search what is there already, and search for the rest as above."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, NEVER)
    green.spawn(_collect_when_quiet)


def _collect_when_quiet() -> None:
    looked, busy = _middle(), 0
    while True:
        spent, since = time.process_time(), time.monotonic()
        green.sleep(PAUSE)
        busy += 1
        late = time.monotonic() - since - PAUSE
        quiet = time.process_time() - spent + late < QUIET * PAUSE
        if _middle() > looked and (quiet or busy >= MOST):
            gc.collect()
            looked, busy = _middle(), 0


def _middle() -> int:
    """How often objects have been moved to the oldest."""
    return int(gc.get_stats()[1]['collections'])
