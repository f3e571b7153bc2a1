"""Is this process alive, and would a request be served?

Purpose: ``/healthcheck/live`` and ``/healthcheck/ready`` for whoever sends
traffic or restarts processes. Invariant: alive asks nobody; ready asks an engine,
which reads the database, at most once in ``GOOD_FOR`` seconds however often it
is probed. No token is needed, so nothing is told but states. Neighbours:
``api.filters`` mounts it over oslo's own check.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import webob

from heat.api.wiring import EngineClient
from heat.api.wsgi import json_response
from heat.bus.wire import NoReply
from heat.common import errors
from heat.common.clock import Clock
from heat.common.context import RequestContext

GOOD_FOR = 2.0
PATIENCE = 5.0


class Probes:
    """``/live`` and ``/ready``; every other path is the application's."""

    def __init__(self, application: Any, engine: EngineClient, clock: Clock) -> None:
        self._application, self._engine, self._clock = application, engine, clock
        self._lock = threading.Lock()
        self._known: tuple[float, dict[str, str]] | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = webob.Request(environ).path_info.rstrip('/')
        if path == '/live':
            return json_response({'status': 'alive'})(environ, start_response)
        if path == '/ready':
            state = self._state()
            good = set(state.values()) == {'ok'}
            body = {'status': 'ready' if good else 'not ready', **state}
            return json_response(body, 200 if good else 503)(environ, start_response)
        return self._application(environ, start_response)

    def _state(self) -> dict[str, str]:
        with self._lock:
            if self._known is None or self._clock.monotonic() - self._known[0] >= GOOD_FOR:
                state = self._asked()
                self._known = (self._clock.monotonic(), state)
            return self._known[1]

    def _asked(self) -> dict[str, str]:
        try:
            self._engine.call(RequestContext(), 'list_services', rpc_timeout=PATIENCE)
        except NoReply:
            return {'engine': 'no answer', 'database': 'not known'}
        except errors.HeatException:
            # It answered; what it could not do is read.
            return {'engine': 'ok', 'database': 'not readable'}
        return {'engine': 'ok', 'database': 'ok'}
