"""The engine's side of the bus: messages in, ``endpoint.dispatch``, replies out.

Purpose: serve the shared topic, which spreads load over engines, and the topic on
which this engine is addressed by id. Invariant: every call gets a reply, and no
reply carries a traceback. Neighbours: ``engine.service`` is the endpoint;
``client`` asks, several things at once in a ``parcel``.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Protocol

from oslo_config import cfg

from heat.bus import parcel, wire
from heat.common import errors, green, logs
from heat.common.context import RequestContext

LOG = logging.getLogger(__name__)


class Endpoint(Protocol):
    """Who does the work."""

    def dispatch(self, method: str, context: RequestContext, arguments: dict[str, Any]) -> Any:
        """Run a method of ``wire.SERVED`` or ``poke``; return JSON or raise a HeatException."""


class EngineServer:
    """Serves ``endpoint`` on ``port`` as engine ``engine_id`` until stopped."""

    def __init__(self, port: wire.Port, conf: cfg.ConfigOpts, endpoint: Endpoint, engine_id: str) -> None:
        self._port = port
        self._host = conf.host
        self._endpoint = endpoint
        self._engine_id = engine_id
        self._listeners: list[wire.Listener] = []

    def start(self) -> None:
        """Begin to take messages; waits for the broker if it is away."""
        self._listeners = [
            self._port.serve(wire.TOPIC, self._host, wire.SERVER_VERSION, wire.SERVED, self.handle),
            self._port.serve(wire.LISTENER_TOPIC, self._engine_id, wire.LISTENER_VERSION,
                             wire.LISTENER_METHODS, self.handle),
        ]

    def stop(self, graceful_seconds: float | None = None) -> None:
        """Take no more messages, then wait for those being served; None waits without limit."""
        for listener in self._listeners:
            listener.stop()
        end = None if graceful_seconds is None else time.monotonic() + graceful_seconds
        for listener in self._listeners:
            listener.wait(None if end is None else max(0.0, end - time.monotonic()))
        self._listeners = []

    def handle(self, raw_context: dict[str, Any], method: str, arguments: dict[str, Any]) -> Any:
        """Answer one message; an envelope if the caller asked for one, else a bare result or Refusal."""
        context = RequestContext.from_wire(raw_context)
        with logs.bind(request=context.request_id, user=context.user_id, project=context.tenant_id):
            try:
                value = (True if method == 'listening'
                         else self._answers(parcel.questions(arguments)) if method == parcel.METHOD
                         else self._endpoint.dispatch(method, context, arguments))
            except errors.HeatException as error:
                failed: errors.HeatException = error
            except Exception as error:
                LOG.exception('%s failed.', method)
                failed = wire.unexpected(error, context.request_id)
            else:
                return wire.result(value) if wire.ENVELOPE in raw_context else value
        if wire.ENVELOPE in raw_context:
            return wire.failure(failed)
        raise wire.Refusal(failed)

    def _answers(self, questions: list[parcel.Question]) -> list[Any]:
        """An envelope for each question, in their order; None for one that is not answered yet."""
        answers: list[Any] = [None] * len(questions)
        left = iter(enumerate(questions))
        answered: list[int] = []
        complete = green.Event()

        def answer() -> None:
            for place, question in left:
                answers[place] = self.handle(*question)
                answered.append(place)
            if len(answered) == len(questions):
                complete.set()

        for _worker in range(min(parcel.AT_ONCE, len(questions))):
            green.spawn(answer)
        complete.wait(parcel.PATIENCE)
        return list(answers)
