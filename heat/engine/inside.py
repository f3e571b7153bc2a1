"""What a user asks of a nested stack by itself: that it is checked, or that its work is stopped.

Purpose: its goals are its parent's to give, so a wish for it waits like a signal for
whoever drives the tree. Invariant: the parent's own state does not change by a check;
work that is stopped has failed, and so has the parent's step that waits for it. All
else is asked of the root. Neighbours: ``actions`` takes the wishes, ``signals`` calls.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from heat.common.errors import HeatException
from heat.db.signals import Signal
from heat.engine import nested
from heat.engine.tree import StackRun, Tree
from heat.model.op import StepFailed
from heat.model.stack import Goal
from heat.model.status import Action
from heat.plan.effects import TimedOut

if TYPE_CHECKING:
    from heat.engine.carry import Carrier
    from heat.engine.loop import Loop

LOG = logging.getLogger(__name__)
CHECK, STOP = 'check', 'stop'
KINDS = (CHECK, STOP)


class Inside:
    """Wishes for nested stacks, for one loop."""

    def __init__(self, loop: Loop, carrier: Carrier) -> None:
        self._loop = loop
        self._carrier = carrier

    def wish(self, tree: Tree, signal: Signal) -> None:
        """Carry a wish out as far as it still makes sense."""
        run = tree.stacks.get(signal.stack_id)
        if run is None:
            LOG.warning('Stack %s is gone; the wish to %s it is dropped.', signal.stack_id, signal.kind)
        elif signal.kind == STOP:
            self._stop(tree, run)
        else:
            self._check(tree, run, (signal.details or {}).get('only'))

    def _stop(self, tree: Tree, run: StackRun) -> None:
        if not run.working:
            LOG.info('Stack %s has ended before it was stopped.', run.stack.name)
            return
        run.stopped = True
        self._carrier.feed(tree, run, TimedOut(f'Stack {run.goal.action} cancelled'))

    def _check(self, tree: Tree, run: StackRun, only: list[str] | None) -> None:
        parent = tree.stacks.get(run.stack.owner_id or '')
        row = parent.rows.get(run.stack.parent_row or '') if parent is not None else None
        if parent is None or row is None or run.working:
            LOG.warning('Stack %s is being worked on; it is not checked besides.', run.stack.name)
            return
        now, minutes = self._loop.clock.wall(), parent.stack.timeout
        # What the last goal of the parent was to be done with is not for this one.
        options: dict[str, Any] = {key: True for key in ('veiled',) if parent.goal.options.get(key)}
        if only is not None:
            options['only'] = [f'{row.name}/{name}' for name in only]
        around = replace(parent, goal=Goal(parent.stack.id, parent.goal.seq, parent.goal.action, 0,
                                           options=options))
        try:
            made = nested.child_goal(
                around, row, Action.CHECK, run, now, self._loop.limits.nested_depth,
                timeout_at=now + (minutes * 60 if minutes else self._loop.action_timeout))
        except (HeatException, StepFailed, ValueError, TypeError) as error:
            LOG.warning('Stack %s is not checked: %s', run.stack.name, error)
            return
        self._carrier.send(tree, made, {})
