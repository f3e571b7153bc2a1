"""How often a process looks for garbage in circles.

Purpose: ``collect_rarely``, called once by whoever starts a process. Invariant: memory that
nothing refers to is given back at once as ever; only circles wait a little longer. A big
template makes hundreds of thousands of objects that stay, and looking through them after
every 700 took more time than making them. Neighbours: ``cmd`` and ``wsgi`` call.
"""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 50_000, 20, 20


def collect_rarely() -> None:
    """Leave out of the search what is there already, and search after every 50,000 new objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
