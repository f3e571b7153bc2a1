"""Signals taken in: to a resource that waits, a deployment, a group, a hook.

Purpose: refuse at once what nobody takes, keep the rest until the tree's owner applies
it. Invariant: a signal that was answered is in the database, or an event tells what
became of it. Interface: a method of the RPC contract. Neighbours: ``intake`` finds the
stack, ``owner`` knows who hears, ``deployed`` writes what a deployment hears, ``signals``
applies.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from heat.common import errors
from heat.common.context import RequestContext
from heat.db import connect, sinks
from heat.engine import deployed
from heat.engine.backlog import Backlog
from heat.engine.intake import Intake
from heat.model.event import Event
from heat.model.op import StepFailed
from heat.model.resource import Row
from heat.model.status import Action

Args = Mapping[str, Any]


class Hearing:
    """Methods of the RPC interface."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def resource_signal(self, context: RequestContext, stack_identity: Args, resource_name: str,
                        details: dict[str, Any] | None, sync_call: bool = False) -> None:
        """Keep a signal until the owner applies it; refused at once where none is taken."""
        intake = self._intake
        stack = intake.find(context, stack_identity)
        row = intake.owner.check_signal(stack, resource_name, details)
        now = intake.clock.now()
        hook = 'unset_hook' in (details or {})
        kind = intake.loader.plugin(row)
        # What a server does at these actions too, it reports from within them.
        if row.action in (Action.SUSPEND, Action.DELETE) and not hook and not kind.deploys:
            self._refuse(context, row, now)
        if sync_call and not kind.scales and not kind.deploys and not kind.relays and not hook:
            # The caller waits for an answer: what will not be taken is refused now.
            try:
                kind.signal(row, details)
            except (StepFailed, ValueError) as error:
                raise errors.StackValidationFailed(message=str(error)) from error

        backlog = Backlog.of(intake.conf)

        def keep(conn: Connection) -> None:
            if kind.deploys and not hook:
                deployed.answer(conn, row, details, intake.crypt, now, backlog)
            else:
                backlog.add(conn, stack.root_id, stack.id, resource_name, details, intake.crypt, now)

        connect.writing(intake.database, keep)
        intake.owner.poke(stack.root_id)

    def _refuse(self, context: RequestContext, row: Row, now: datetime.datetime) -> None:
        """What is suspended or on its way out takes no signal; that one came is recorded."""
        intake = self._intake
        event = Event(row.stack_id, row.root_id, row.name, row.type, row.action, row.status,
                      f'Cannot signal resource during {row.action}', row.physical_id, row.props)

        def record(conn: Connection) -> None:
            sinks.in_turn(conn, row.root_id)
            intake.record(conn, event, context, now)

        connect.writing(intake.database, record)
        intake.tell(row.root_id)
        raise errors.NotSupported(feature=f'Signal resource during {row.action}')
