"""Which extensions a service's API has.

Purpose: tell before anything is made that a cloud lacks what a type needs.
Invariant: what is there is remembered for ``[service_extension_cache]
expiration_time`` seconds, what is not for a moment only; where nobody can tell,
it is taken to be there, and the call that needs it is what fails.
Neighbours: validation and the list of types ask.
"""

from __future__ import annotations

import threading

from heat.clouds import rest
from heat.clouds.credential import Credential
from heat.clouds.session import Sessions
from heat.common.clock import Clock
from heat.model import op

# Seconds: one look serves all types of a template or of the list.
MOMENT = 5.0


class Extensions:
    """The extensions of all services, by the endpoints that credentials see."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        options = sessions.conf.service_extension_cache
        self._ttl = options.expiration_time if options.caching else 0
        self._lock = threading.Lock()
        # None: it could not be told.
        self._found: dict[str, tuple[float, frozenset[str] | None]] = {}

    def has(self, credential: Credential, service: str, alias: str) -> bool:
        """Whether the service's API has the extension ``alias``."""
        connection = self._sessions.for_credential(credential)
        try:
            place = connection.base(service)
        except op.CloudFault:
            return True
        with self._lock:
            at, known = self._found.get(place, (float('-inf'), None))
        age = self._clock.monotonic() - at
        if known is not None and alias in known and age < self._ttl:
            return True
        if age >= MOMENT:
            try:
                listed = rest.perform(connection, op.Call(service, 'GET', '/extensions', unwrap='extensions'))
                known = frozenset(str(one.get('alias')) for one in listed)
            except op.CloudFault:
                known = None
            with self._lock:
                self._found[place] = self._clock.monotonic(), known
        return known is None or alias in known
