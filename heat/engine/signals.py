"""Signals applied: to a resource that waits, a hook, a group, a nested stack, or the cloud.

Purpose: what each kind of signal does to a tree that is driven here. Invariant: a signal is
removed in the commit that holds what it did, and so is done once. Neighbours: ``loop`` gives
signals, ``relay`` asks the cloud for some, ``scaling`` resizes, ``inside`` takes wishes for
nested stacks, ``carry`` does what follows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from heat.common.errors import HeatException
from heat.db.signals import Signal
from heat.engine import inside, marks
from heat.engine.relay import Relay, Relayed
from heat.engine.tree import StackRun, Tree
from heat.model.event import Event
from heat.model.op import StepFailed
from heat.model.resource import Row
from heat.model.status import Action, Status
from heat.plan import breakpoints
from heat.plan.effects import HookCleared
from heat.plan.told import row_event
from heat.resources import creation

if TYPE_CHECKING:
    from heat.engine.carry import Carrier
    from heat.engine.loop import Loop

LOG = logging.getLogger(__name__)


class Signals:
    """Signals for one loop."""

    def __init__(self, loop: Loop, carrier: Carrier) -> None:
        self._loop = loop
        self._carrier = carrier
        self._relay = Relay(loop)
        self._inside = inside.Inside(loop, carrier)

    def apply(self, tree: Tree, signals: Iterable[Signal]) -> None:
        """Apply those that were not applied yet."""
        for signal in signals:
            if signal.uuid in tree.applied:
                continue
            tree.applied.add(signal.uuid)
            self._loop.fence(tree)
            self._loop.batch.signals_done[signal.uuid] = tree.root_id
            self._apply(tree, signal)

    def relayed(self, tree: Tree, news: Relayed) -> None:
        """What became of the call that a signal asked for."""
        self._relay.answered(tree, news)

    def _apply(self, tree: Tree, signal: Signal) -> None:
        if signal.kind in inside.KINDS:
            self._inside.wish(tree, signal)
            return
        if self._relay.takes(tree, signal):
            return
        run = tree.stacks.get(signal.stack_id)
        rows = [r for r in run.rows.values() if hears(run.types.of(r), r, signal)] if run is not None else []
        # Of one that is being replaced, the new one has given out its address last.
        row = next((r for r in rows if r.replaced_by is None), rows[0] if rows else None)
        if run is None or row is None:
            self._missed(run, signal)
            return
        if signal.kind == 'mark':
            self._mark(tree, run, row, signal.details or {})
            return
        hook = hook_of(signal)
        if hook is not None:
            self._unset_hook(tree, run, row, hook)
            return
        self._tell(tree, run, row, signal)

    def _missed(self, run: StackRun | None, signal: Signal) -> None:
        """Taken in while somebody heard, and too late by now: who is on its way out has an event of it."""
        LOG.warning('A signal came for resource %s, which is gone or does not wait for it.',
                    signal.resource_name)
        row = next((r for r in run.rows.values() if r.name == signal.resource_name and not r.gone), None
                   ) if run is not None and signal.kind == 'signal' and hook_of(signal) is None else None
        if row is not None:
            self._loop.batch.events.append(Event(
                row.stack_id, row.root_id, row.name, row.type, 'SIGNAL', Status.FAILED,
                f'Cannot signal resource during {row.action}', row.physical_id, row.props))

    def _tell(self, tree: Tree, run: StackRun, row: Row, signal: Signal) -> None:
        """The row's new metadata, an event, and a wake-up for who waits."""
        kind = run.types.of(row)
        step = tree.steps.get(row.uuid)
        if step is not None:
            # It may know more than the last commit, and must not write over what the signal brings.
            row = step.row
        after = row
        try:
            if row.action is Action.SUSPEND and not kind.deploys:
                raise StepFailed(f'Cannot signal resource during {row.action}', 'NotSupported')
            if kind.scales:
                told = self._carrier.scaler.signal(tree, run, row, signal.details)
                if told is None:
                    return
                reason = told
            elif creation.awaits(row):
                after, reason = creation.signal(row, signal.details)
            else:
                after, reason = kind.signal(row, signal.details)
            status = row.status
        except (StepFailed, HeatException, ValueError) as error:
            after, reason, status = row, str(error), Status.FAILED
        if after is not row:
            run.rows[row.uuid] = after
            if step is not None:
                step.hear(after)
            self._loop.batch.save(after)
        if reason:
            self._loop.batch.events.append(Event(
                row.stack_id, row.root_id, row.name, row.type, 'SIGNAL', status, reason, row.physical_id,
                row.props))
        self._loop.signalled(tree, row.uuid)
        if after is not row and kind.nested:
            self._carrier.stager.heard(tree, run, after)

    def _unset_hook(self, tree: Tree, run: StackRun, row: Row, hook: str) -> None:
        row = run.rows[row.uuid] = breakpoints.cleared(row, hook)
        self._loop.batch.save(row)
        self._loop.batch.events.append(replace(
            row_event(row, run.stack.name), reason=breakpoints.cleared_reason(hook)))
        self._carrier.feed(tree, run, HookCleared(row.uuid, hook))

    def _mark(self, tree: Tree, run: StackRun, row: Row, details: Mapping[str, Any]) -> None:
        if row.status is Status.IN_PROGRESS or row.action is Action.INIT:
            LOG.warning('Resource %s is being worked on; its mark is dropped.', row.name)
            return
        after = marks.marked(row, bool(details.get('unhealthy')), str(details.get('reason') or ''))
        if after is None:
            return
        run.rows[row.uuid] = after
        self._loop.batch.save(after)
        self._loop.batch.events.append(row_event(after, run.stack.name))


def hook_of(signal: Signal) -> str | None:
    """The hook that the signal is to clear."""
    hook = (signal.details or {}).get('unset_hook') if signal.kind == 'signal' else None
    return None if hook is None else str(hook)


def hears(kind: Any, row: Row, signal: Signal) -> bool:
    """Whether a signal is for this row; a server's word names the uuid of the row that it is for."""
    hook = hook_of(signal)
    if hook is not None:
        return row.name == signal.resource_name and breakpoints.waits(row, hook)
    if signal.kind == 'signal' and kind.deploys:
        return bool((signal.details or {}).get('row') == row.uuid)
    unborn = Action.INIT if signal.kind == 'signal' else None
    return row.name == signal.resource_name and row.action not in (Action.DELETE, unborn)
