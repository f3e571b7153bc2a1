"""A front-end for web servers that import an application: uwsgi, gunicorn, mod_wsgi.

Purpose: configuration, bus and pipeline, composed at the first request. Invariant:
importing touches neither file nor network, so a server may import first and
fork then, and every worker makes its own connection to the broker. Neighbours:
``wsgi.api`` and ``wsgi.cfn`` are what servers name; ``cmd`` composes daemons.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def compose(name: str) -> Application:
    """The application ``name`` as the configuration files of this host describe it.

    The broker is always used here: an engine in this process is what heat-all is for.
    """
    from heat import bus
    from heat.api import deploy, wiring
    from heat.bus.client import EngineClient
    from heat.common import config
    conf = config.load(name, [])
    wiring.configure(conf, EngineClient(bus.connect(conf), conf))
    return deploy.load_app(conf, name)


class Lazy:
    """Calls ``make`` once, at the first request, however many threads bring one."""

    def __init__(self, make: Callable[[], Application]) -> None:
        self._make = make
        self._made: Application | None = None
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = self._make()
        return self._made(environ, start_response)
