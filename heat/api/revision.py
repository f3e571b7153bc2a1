"""The engines' revision, asked once a minute by each process.

Purpose: ``GET /build_info`` without a question to an engine. Decision: a revision
changes only when engines are started anew, so for ``GOOD_FOR`` seconds the last answer
is told, even while no engine is there; ``/healthcheck/ready`` and ``/services`` are for
who wants to know that. Invariant: policy has let the caller pass before, whoever asked
first, and what could not be asked is not kept. Neighbours: ``api.wiring`` holds it,
``api.rest.catalog`` tells it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heat.common.clock import Clock

GOOD_FOR = 60.0


class Revision:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: tuple[float, Any] | None = None

    def told(self, ask: Callable[[], Any]) -> Any:
        """The revision as ``ask`` told it at most ``GOOD_FOR`` seconds ago; raises what ``ask`` raises."""
        now = self._clock.monotonic()
        if self._known is None or now - self._known[0] >= GOOD_FOR:
            self._known = (now, ask())
        return self._known[1]
