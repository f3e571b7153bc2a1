"""The bus without a broker: front-ends and engine in one process.

Purpose: a ``Port`` for heat-all and for tests. Invariant: everything goes through
JSON both ways, so what works here works over a broker. A call runs in the caller's
thread of control and has no time-out: nobody else could answer. Neighbours:
``transport`` is the same over a broker.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Collection
from typing import Any

from heat.bus import wire
from heat.common import errors, green

LOG = logging.getLogger(__name__)


# Templates, their sections and what these hold are copied one by one.
LEVELS = 4
# So are the items of a list that is longer.
LONG = 100


def _copy(value: Any, levels: int = LEVELS) -> Any:
    """``value`` as it would come out of a message, in portions between which others run."""
    if levels and type(value) is dict and all(isinstance(key, str) for key in value):
        return {key: _copy(one, levels - 1) for key, one in green.at_ease(value.items())}
    if levels and type(value) is list and len(value) > LONG:
        return [_copy(one, levels - 1) for one in green.at_ease(value)]
    return json.loads(json.dumps(value))


class Direct:
    """A ``wire.Port`` whose messages never leave the process."""

    costly = False

    def __init__(self) -> None:
        self._served: list[_Listener] = []

    def _listener(self, topic: str, server: str | None, method: str) -> _Listener | None:
        for listener in self._served:
            if (listener.topic == topic and method in listener.methods
                    and server in (None, listener.server)):
                # Round robin: the one that served goes to the end.
                self._served.remove(listener)
                self._served.append(listener)
                return listener
        return None

    def call(self, topic: str, version: str, context: dict[str, Any], method: str,
             arguments: dict[str, Any], *, server: str | None = None,
             timeout: float | None = None) -> Any:
        request = str(context.get('request_id', ''))
        listener = self._listener(topic, server, method)
        if listener is None:
            if any(one.topic == topic and server in (None, one.server) for one in self._served):
                raise wire.unknown(method)
            raise wire.NoReply(request_id=request, seconds=0)
        try:
            return _copy(listener.serve(_copy(context), method, _copy(arguments)))
        except wire.Refusal as refusal:
            raise errors.from_wire(refusal.error.to_wire()) from None

    def cast(self, topic: str, version: str, context: dict[str, Any], method: str,
             arguments: dict[str, Any], *, server: str | None = None, retry: int | None = None) -> None:
        listener = self._listener(topic, server, method)
        if listener is None:
            LOG.debug('Nobody serves %s; the message is dropped.', method)
            return
        green.spawn(listener.serve, _copy(context), method, _copy(arguments))

    def serve(self, topic: str, server: str, version: str, methods: Collection[str],
              handler: wire.Handler) -> wire.Listener:
        listener = _Listener(self._served, topic, server, frozenset(methods), handler)
        self._served.append(listener)
        return listener

    def close(self) -> None:
        self._served.clear()


class _Listener:
    def __init__(self, registry: list[_Listener], topic: str, server: str, methods: frozenset[str],
                 handler: wire.Handler) -> None:
        self.topic, self.server, self.methods = topic, server, methods
        self._registry = registry
        self._handler = handler
        self._idle = threading.Condition()
        self._busy = 0

    def serve(self, context: dict[str, Any], method: str, arguments: dict[str, Any]) -> Any:
        with self._idle:
            self._busy += 1
        try:
            return self._handler(context, method, arguments)
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def stop(self) -> None:
        if self in self._registry:
            self._registry.remove(self)

    def wait(self, timeout: float | None = None) -> None:
        with self._idle:
            if not self._idle.wait_for(lambda: self._busy == 0, timeout):
                LOG.warning('Messages are still being served after %s seconds.', timeout)
