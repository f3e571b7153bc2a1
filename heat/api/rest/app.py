"""The orchestration API as a paste application.

Purpose: the route table over what the process is wired with. Invariant: built
once per pipeline; holds no state of requests. Neighbours: ``api.deploy`` loads
it, ``etc/heat/api-paste.ini`` names the factory.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from heat.api import faults, wiring
from heat.api.dispatch import Dispatcher
from heat.api.rates import Rates
from heat.api.rest.routes import ROUTES
from heat.common.clock import Clock


def factory(global_conf: dict[str, str], **local_conf: str) -> Any:
    """A paste app factory (paste.app_factory)."""
    wired = wiring.current()
    options = wired.conf.api
    rates = Rates(options.request_rate, options.request_burst, Clock())
    return Dispatcher(ROUTES, wired, partial(faults.response_of, debug=bool(wired.conf.debug)), rates.admit)
