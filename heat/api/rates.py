"""How many requests a project may make.

Purpose: a token bucket per project. Invariant: a refused request costs nothing
behind this; what is remembered of idle projects goes away. Each process counts
for itself. Neighbours: ``api.rest.app`` hands ``admit`` to the dispatcher.
"""

from __future__ import annotations

import math
import threading

import webob.exc

from heat.common.clock import Clock
from heat.common.context import RequestContext

# So many projects are remembered before the full buckets among them are forgotten.
MOST = 4096


class Rates:
    """``rate`` requests a second, ``burst`` at once; a rate of 0 admits everything."""

    def __init__(self, rate: float, burst: int, clock: Clock) -> None:
        self._rate, self._burst, self._clock = rate, float(burst), clock
        self._lock = threading.Lock()
        # project -> (tokens, as of)
        self._buckets: dict[str, tuple[float, float]] = {}

    def admit(self, context: RequestContext) -> None:
        """Raises HTTPTooManyRequests, with Retry-After, when the project's bucket is empty."""
        if not self._rate:
            return
        project, now = context.tenant_id or '', self._clock.monotonic()
        with self._lock:
            if project not in self._buckets and len(self._buckets) >= MOST:
                self._buckets = {name: kept for name, kept in self._buckets.items()
                                 if self._filled(kept, now) < self._burst}
            tokens = self._filled(self._buckets.get(project, (self._burst, now)), now)
            self._buckets[project] = (tokens - 1 if tokens >= 1 else tokens, now)
        if tokens >= 1:
            return
        seconds = math.ceil((1 - tokens) / self._rate)
        raise webob.exc.HTTPTooManyRequests(
            f'This project may make {self._rate:g} requests a second; try again in {seconds} seconds.',
            headers=[('Retry-After', str(seconds))])

    def _filled(self, kept: tuple[float, float], now: float) -> float:
        tokens, since = kept
        return min(self._burst, tokens + (now - since) * self._rate)
