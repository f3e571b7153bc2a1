"""Signals that ask the cloud for something: a workflow is run, though its stack is at rest.

Purpose: make the call that a type wants for a signal, then tell what became of it in an event.
Invariant: a signal is removed in the commit that tells of the answer; an engine that dies before
leaves it to the next one, whose call is the same (``Resource.relay``). The tree stays here until
then. Neighbours: ``loop`` gives answers, ``signals`` applies the other signals.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heat.clouds.performer import Answer, Fault, Result, Unmatched
from heat.db.signals import Signal
from heat.engine.scaling import reason_of
from heat.engine.tree import StackRun, Tree
from heat.model.event import Event
from heat.model.op import Call, StepFailed
from heat.model.resource import Row
from heat.model.status import Action, Status

if TYPE_CHECKING:
    from heat.engine.loop import Loop

LOG = logging.getLogger(__name__)
TRIES, SECONDS = 4, 5.0


@dataclass(frozen=True, slots=True)
class Relayed:
    """What became of the call for a signal: news to the loop."""

    root_id: str
    signal: Signal
    row: Row
    call: Call
    tries: int
    result: Result


class Relay:
    """Calls for signals, for one loop."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def takes(self, tree: Tree, signal: Signal) -> bool:
        """Make the call that the signal asks for; False if it is to be applied otherwise."""
        run = tree.stacks.get(signal.stack_id)
        row = _hearer(run, signal) if run is not None and signal.kind == 'signal' else None
        if run is None or row is None:
            return False
        tree.relaying.add(signal.uuid)
        # Not with this commit, but with that of the answer.
        self._loop.batch.signals_done.pop(signal.uuid, None)
        try:
            if row.action is Action.SUSPEND:
                raise StepFailed(f'Cannot signal resource during {row.action}', 'NotSupported')
            if row.physical_id is None:
                raise StepFailed(f'Resource {row.name} is not made yet.', 'NotFound')
            call: Call = run.types.of(row).relay(row, signal.details, signal.uuid)
        except (StepFailed, ValueError) as error:
            self._tell(tree, signal, row, Status.FAILED, str(error))
        else:
            self._ask(tree, Relayed(tree.root_id, signal, row, call, 1, Answer(None)))
        return True

    def _ask(self, tree: Tree, wish: Relayed) -> None:
        def answered(result: Result) -> None:
            self._loop.put(Relayed(wish.root_id, wish.signal, wish.row, wish.call, wish.tries, result))
        self._loop.cloud.perform(tree.credential, wish.call, answered, begin=self._loop.sure(tree.root_id))

    def answered(self, tree: Tree, news: Relayed) -> None:
        result = news.result
        if isinstance(result, Fault) and result.lost and news.tries < TRIES:
            again = Relayed(news.root_id, news.signal, news.row, news.call, news.tries + 1, Answer(None))
            self._loop.at(tree, self._loop.clock.wall() + SECONDS, lambda: self._ask(tree, again))
            return
        if isinstance(result, Answer):
            self._tell(tree, news.signal, news.row, Status.COMPLETE, reason_of(news.signal.details))
            return
        said = result.fault.text() if isinstance(result, Fault) else (
            str(result.error) if isinstance(result, Unmatched) else str(result))
        LOG.warning('The signal to resource %s came to nothing: %s', news.row.name, said)
        self._tell(tree, news.signal, news.row, Status.FAILED, said)

    def _tell(self, tree: Tree, signal: Signal, row: Row, status: Status, reason: str) -> None:
        """The signal is gone in the commit that has its event."""
        self._loop.fence(tree)
        self._loop.batch.signals_done[signal.uuid] = tree.root_id
        self._loop.batch.events.append(Event(
            row.stack_id, row.root_id, row.name, row.type, 'SIGNAL', status, reason, row.physical_id,
            row.props))
        tree.relaying.discard(signal.uuid)
        self._loop.leave_if_quiet(tree)


def _hearer(run: StackRun, signal: Signal) -> Row | None:
    """The row of a relaying type that the signal is for; what clears a hook is for none."""
    if (signal.details or {}).get('unset_hook') is not None:
        return None
    found: list[Any] = [row for row in run.rows.values() if row.name == signal.resource_name
                        and row.action is not Action.DELETE and run.types.of(row).relays]
    return next((row for row in found if row.replaced_by is None), found[0] if found else None)
