"""What stands in the cloud, asked for before a plan is made.

Purpose: run the ``observe`` step of every resource of a tree that has one, for a
preview of an update that looks first. Invariant: nothing is changed and nothing is
kept; it is the step that the update itself will make, so both come to the same.
Neighbours: ``foresight`` asks, ``plan.preview`` decides by what was seen, ``step`` runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from heat.clouds.credential import Credential
from heat.common import errors, green
from heat.common.clock import Clock
from heat.engine.ends import failure_of
from heat.engine.errand import Ask, Ended, Limits, Next
from heat.engine.loader import Loader
from heat.engine.step import StepRun
from heat.model.op import CloudFault
from heat.model.outcome import Failed, Outcome
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Status
from heat.plan.effects import Step
from heat.resources.types import TypeTable

AT_ONCE = 16
PerformNow = Callable[[Any, Any], Any]


@dataclass
class Looker:
    """Looks with ``perform``: the answer to an operation, or its fault raised."""

    loader: Loader
    clock: Clock
    perform: PerformNow
    at_once: int = AT_ONCE

    def look(self, tree: Mapping[str, Stack], rows: Iterable[Row], credential: Credential | None,
             ) -> dict[str, Outcome]:
        """Row uuid -> what its ``observe`` step ended with, for those that can be looked at."""
        types, found = TypeTable(), green.Queue()
        ids = {row.physical_id for row in rows if row.physical_id is not None}
        wanted = []
        for row in rows:
            kind = self._kind(types, row)
            if (kind is not None and kind.observes and row.physical_id is not None
                    and row.status is Status.COMPLETE and row.stack_id in tree):
                wanted.append((row, kind))

        def one(row: Row, kind: Any) -> None:
            found.put((row.uuid, self._seen(row, kind, tree[row.stack_id], ids, credential)))

        pool = green.Pool(self.at_once) if self.at_once > 1 else None
        for row, kind in wanted:
            if pool is None:
                one(row, kind)
            else:
                pool.spawn(one, row, kind)
        return dict(found.get() for _ in wanted)

    @staticmethod
    def _kind(types: TypeTable, row: Row) -> Any:
        try:
            return types.of(row)
        except errors.HeatException:
            # Its type is no longer known; so is what could be looked at.
            return None

    def _seen(self, row: Row, kind: Any, stack: Stack, ids: set[str], credential: Credential | None,
              ) -> Outcome:
        run = StepRun(Step(row.uuid, row.action, task='observe'), row, kind, self.loader.around(stack),
                      self.clock.wall, Limits(), lambda reference: None, ids.__contains__)
        try:
            following: Next = run.begin()
            while isinstance(following, Ask):
                try:
                    value = self.perform(credential, following.op)
                except (CloudFault, errors.HeatException) as fault:
                    following = run.fault(fault)
                else:
                    following = run.answer(value)
        except Exception as error:
            return failure_of(error)
        if isinstance(following, Ended):
            return following.outcome
        return Failed(f'{row.type} cannot be looked at in one go.', 'NotSupported')
