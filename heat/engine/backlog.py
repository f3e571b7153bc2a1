"""Signals that wait for the owner of their tree: how many may.

Purpose: who signals faster than anybody applies it is refused, and a database is not filled
by a guest. Invariant: counted in the transaction that adds; two at once may both be the last.
What the service says to itself is not counted here. Neighbours: ``hearing``, ``software``,
``intake`` and ``actions`` add by it; ``db.signals`` keeps.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oslo_config import cfg
from sqlalchemy.engine import Connection

from heat.common import errors
from heat.db import signals
from heat.db.secrets import Cipher


@dataclass(frozen=True, slots=True)
class Backlog:
    """The numbers that may wait, for one resource and for a stack with all inside it; -1 for no limit."""

    of_resource: int = -1
    of_tree: int = -1

    @classmethod
    def of(cls, conf: cfg.ConfigOpts) -> Backlog:
        return cls(conf.engine.max_pending_signals_per_resource, conf.engine.max_pending_signals_per_stack)

    def add(self, conn: Connection, root_id: str, stack_id: str, name: str, details: Mapping[str, Any] | None,
            crypt: Cipher | None, now: datetime.datetime, kind: str = 'signal') -> None:
        """As ``signals.add``; RequestLimitExceeded if too many wait already.

        Without a ``name`` it is for the stack as a whole.
        """
        in_tree, in_resource = signals.count(conn, root_id, stack_id, name)
        whom = f'resource {name}' if name else f'stack {stack_id} as a whole'
        for number, most, of in ((in_resource, self.of_resource, whom),
                                 (in_tree, self.of_tree, f'stack {root_id} and all that is in it')):
            if 0 <= most <= number:
                raise errors.RequestLimitExceeded(message=(
                    f'{number} signals to {of} wait to be applied, and no more than {most} may. Please try '
                    'again later.'))
        signals.add(conn, root_id, stack_id, name, None if details is None else dict(details), crypt, now,
                    kind=kind)


# For what is not to be refused: each deployment can be deleted only once.
ENDLESS = Backlog()
