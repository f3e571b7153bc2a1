"""A life told once whole and once for every place where its engine may die."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.sim.world import World

POINTS = ('commit.before', 'commit.after', 'call.before', 'call.after')


def every_crash(conf: Any, life: Callable[[Any], Any], least: int = 4,
                made: Callable[[Any], World] = World) -> Any:
    """Each crash ends where no crash ends; returns what the whole life saw."""
    whole = made(conf)
    expected = life(whole)
    places = [(point, nth) for point in POINTS for nth in range(1, whole.points.get(point, 0) + 1)]
    assert len(places) >= least
    for point, nth in places:
        world = made(conf)
        world.crash_at(point, nth)
        assert life(world) == expected, f'crash at {point} number {nth}'
    return expected
