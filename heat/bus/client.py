"""The front-ends' side of the bus: ask an engine, or poke one.

Purpose: one checked way to send. Invariant: only methods and arguments of the
table leave, each under the version it was introduced with. Neighbours: ``api``
calls; ``engine.owner`` pokes the owner of a stack; ``server`` answers; what is asked
quickly and at once goes by ``parcel``.
"""

from __future__ import annotations

import logging
from typing import Any

from oslo_config import cfg

from heat.bus import wire
from heat.bus.parcel import Parcels
from heat.common import errors, green
from heat.common.context import RequestContext

LOG = logging.getLogger(__name__)


class EngineClient:
    """Calls to the engines behind ``port`` (``bus.connect``)."""

    def __init__(self, port: wire.Port, conf: cfg.ConfigOpts) -> None:
        self._port = port
        self._life_check = conf.engine_life_check_timeout
        self._parcels = Parcels(self._ask) if port.costly else None

    def call(self, context: RequestContext, method: str, /, *, rpc_timeout: float | None = None,
             **arguments: Any) -> Any:
        """Have any engine run ``method`` and return its JSON result.

        ``rpc_timeout`` in seconds; None means rpc_response_timeout. Raises the
        HeatException that the engine raised, RemoteError for failures nobody
        foresaw, NoReply (a RemoteError) when no engine answered in time,
        EngineOutdated from an engine that does not know what it is asked, and
        TypeError for a method or argument outside the table.
        """
        _checked(wire.SERVED, method, arguments)
        needs = wire.needs(context.generations, arguments)
        try:
            reply = self._reply(_wired(context), method, {**arguments, **needs}, rpc_timeout)
        except errors.EngineOutdated:
            if needs:
                raise wire.unknown(method, needs[wire.NEEDS]) from None
            raise
        return wire.opened(reply)

    def _reply(self, context: dict[str, Any], method: str, arguments: dict[str, Any],
               timeout: float | None) -> Any:
        if self._parcels is not None and timeout is None:
            return self._parcels.ask(context, method, arguments)
        return self._ask(context, method, arguments, timeout)

    def _ask(self, context: dict[str, Any], method: str, arguments: dict[str, Any],
             timeout: float | None = None) -> Any:
        return self._port.call(wire.TOPIC, wire.SERVED[method][0], context, method, arguments,
                               timeout=timeout)

    def cast(self, context: RequestContext, method: str, /, **arguments: Any) -> None:
        """Have any engine run ``method``; its outcome is not reported back."""
        version = _checked(wire.SERVED, method, arguments)
        self._port.cast(wire.TOPIC, version, _wired(context), method, arguments)

    def poke(self, engine_id: str, stack_root_id: str) -> None:
        """Tell one engine to look at a stack tree; returns at once, and may get lost."""
        green.spawn(self._poke, engine_id, stack_root_id)

    def _poke(self, engine_id: str, stack_root_id: str) -> None:
        try:
            self._port.cast(wire.LISTENER_TOPIC, wire.LISTENER_VERSION, _wired(RequestContext()), 'poke',
                            {'stack_root_id': stack_root_id}, server=engine_id, retry=1)
        except errors.HeatException as error:
            LOG.info('Engine %s was not told about stack %s: %s', engine_id, stack_root_id, error)

    def listening(self, engine_id: str) -> bool:
        """Whether that engine answers within engine_life_check_timeout seconds."""
        try:
            reply = self._port.call(wire.LISTENER_TOPIC, wire.LISTENER_VERSION, _wired(RequestContext()),
                                    'listening', {}, server=engine_id, timeout=self._life_check)
        except errors.RemoteError:
            return False
        return bool(wire.opened(reply))


def _wired(context: RequestContext) -> dict[str, Any]:
    return {**context.to_wire(), wire.ENVELOPE: 1}


def _checked(table: dict[str, tuple[str, tuple[str, ...]]], method: str,
             arguments: dict[str, Any]) -> str:
    if method not in table:
        raise TypeError(f'the engine has no method {method}')
    version, names = table[method]
    unknown = set(arguments) - set(names)
    if unknown:
        raise TypeError(f'{method} takes no argument {", ".join(sorted(unknown))}')
    return version
