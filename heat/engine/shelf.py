"""What steps have shelved, as they read it: software configurations, and whose a watch rule is.

Purpose: one of the stack's project, out of the database, off the loop's thread.
Invariant: ``done`` is called once, and a database that is away is a fault like
that of any service. Neighbours: ``loop`` asks for ``op.ReadConfig`` and
``op.ReadWatch``, ``live`` for a configuration that an attribute shows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy import Engine

from heat.clouds.performer import Answer, Fault, Result
from heat.common import green
from heat.db import connect, software, watches
from heat.db.secrets import Cipher
from heat.model.op import CloudFault, ReadConfig, ReadWatch
from heat.model.software import SoftwareConfig

LOG = logging.getLogger(__name__)
READERS = 4


class Shelf:
    """Reads for one engine; ``spawn`` runs a function elsewhere."""

    def __init__(self, database: Engine, crypt: Cipher,
                 spawn: Callable[[Callable[[], None]], object] | None = None) -> None:
        self._database = database
        self._crypt = crypt
        self._spawn = spawn or green.Pool(READERS).spawn

    def __call__(self, tenant: str, asked: ReadConfig | ReadWatch,
                 done: Callable[[Result], None], /) -> None:
        """Read, and give ``done`` what the op promises, or None if the project has no such."""
        what = (f'software config {asked.config_id}' if isinstance(asked, ReadConfig)
                else f'watch rule {asked.name}')

        def run() -> None:
            try:
                result: Result = Answer(self.read(tenant, asked.config_id) if isinstance(asked, ReadConfig)
                                        else self.owner(tenant, asked.name))
            except Exception as error:
                LOG.exception('The %s could not be read.', what)
                result = Fault(CloudFault(0, f'The {what} could not be read: {type(error).__name__}',
                                          kind='Error'))
            done(result)

        self._spawn(run)

    def read(self, tenant: str, config_id: str) -> SoftwareConfig | None:
        """Now, waiting where that stalls nobody."""
        return connect.reading(self._database, software.load_config, config_id, tenant, self._crypt)

    def owner(self, tenant: str, name: str) -> str | None:
        """The row whose rule it is."""
        found = connect.reading(self._database, watches.get, tenant, name, self._crypt)
        return None if found is None else found.row_uuid
