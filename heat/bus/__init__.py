"""The bus between front-ends and engines: a broker, or direct calls in one process."""

from __future__ import annotations

from oslo_config import cfg

from heat.bus.wire import Port


def connect(conf: cfg.ConfigOpts) -> Port:
    """The transport which ``[bus] mode`` names; nothing is sent yet."""
    if conf.bus.mode == 'direct':
        from heat.bus.direct import Direct
        return Direct()
    from heat.bus.transport import Transport
    return Transport(conf)
