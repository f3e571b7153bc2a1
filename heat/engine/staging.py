"""From one stage of a nested step to the next: at once, after a pause, or when signals have come.

Purpose: what follows when a child has reached the goal of a stage. Invariant: until
when a stage lasts, and what signals it waits for, stands in the parent row's journal,
so an engine that takes over waits on; a signal and what it leads to are one commit.
Neighbours: ``stages`` keeps the place, ``resources.creation`` judges signals, ``carry``
tells of children and signals.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from heat.engine import stages
from heat.engine.tree import StackRun, Tree
from heat.model.outcome import Failed
from heat.model.resource import Row
from heat.model.status import Action
from heat.plan.effects import Cancelled, Step, StepDone
from heat.resources import creation

if TYPE_CHECKING:
    from heat.engine.carry import Carrier
    from heat.engine.loop import Loop


class Stager:
    """Stages for one loop."""

    def __init__(self, loop: Loop, carrier: Carrier) -> None:
        self._loop = loop
        self._carrier = carrier

    def goes_on(self, tree: Tree, parent: StackRun, row: Row, step: Step) -> bool:
        """Whether the step is not over though its child has come to its good end."""
        here = stages.place(row)
        if here is None:
            return False
        if here.signals is not None and step.verb in (Action.CREATE, Action.UPDATE):
            return not self._signalled(tree, parent, row, step) or self._next(tree, parent, row)
        return self._next(tree, parent, row)

    def heard(self, tree: Tree, run: StackRun, row: Row) -> None:
        """A signal came for a nested row; its child may still be at work."""
        here = stages.place(row)
        step = run.traversal.running().get(row.uuid) if run.traversal is not None else None
        if here is None or here.until is None or step is None:
            return
        if self._signalled(tree, run, row, step) and not self._next(tree, run, row):
            self._carrier.ended_well(tree, run, row, step)

    def wait(self, tree: Tree, run: StackRun, row: Row, until: float) -> None:
        """Come back at ``until`` (wall seconds)."""
        root_id, stack_id, uuid, here = tree.root_id, run.stack.id, row.uuid, stages.place(row)

        def due() -> None:
            found = self._loop.trees.get(root_id)
            now = found.stacks.get(stack_id) if found is not None else None
            waiting = now.rows.get(uuid) if now is not None else None
            if (found is not None and now is not None and waiting is not None and now.traversal is not None
                    and uuid in now.traversal.running() and stages.place(waiting) == here):
                self._loop.fence(found)
                self._due(found, now, waiting)

        self._loop.at(tree, until, due)

    def _due(self, tree: Tree, run: StackRun, row: Row) -> None:
        here = stages.place(row)
        assert here is not None and run.traversal is not None
        if here.signals is None:
            self._next(tree, run, row)
            return
        step = run.traversal.running()[row.uuid]
        sentence = here.signals.late(creation.received(row))
        self._carrier.feed(tree, run, StepDone(step, row, Failed(sentence, f'{_policy(step)}Timeout')))

    def _signalled(self, tree: Tree, run: StackRun, row: Row, step: Step) -> bool:
        """Whether enough signals have come; else it is waited for more, or the step has failed."""
        here = stages.place(row)
        assert here is not None and here.signals is not None
        verdict = here.signals.verdict(
            creation.received(row), 'creation' if step.verb is Action.CREATE else 'update')
        if verdict is True:
            return True
        if verdict is not False:
            failed = Failed(str(verdict), f'{_policy(step)}Failure')
            self._carrier.feed(tree, run, StepDone(step, row, failed))
        elif here.until is None:
            self._pause(tree, run, row, self._loop.clock.wall() + here.signals.patience)
        return False

    def _next(self, tree: Tree, run: StackRun, row: Row) -> bool:
        """Begin the next stage, or pause before it; False if there is none."""
        here = stages.place(row)
        assert here is not None and run.traversal is not None
        if here.last:
            return False
        step = run.traversal.running()[row.uuid]
        if row.goal_seq != run.goal.seq:
            # Something else is wanted by now; what is left of it is decided anew.
            self._carrier.feed(tree, run, Cancelled(step, row))
        elif here.pause > 0 and here.until is None:
            self._pause(tree, run, row, self._loop.clock.wall() + here.pause)
        else:
            self._carrier.start_nested(tree, run, replace(step, resumed=False))
        return True

    def _pause(self, tree: Tree, run: StackRun, row: Row, until: float) -> None:
        row = run.rows[row.uuid] = stages.paused(row, until)
        self._loop.fence(tree)
        self._loop.batch.save(row)
        self.wait(tree, run, row, until)


def _policy(step: Step) -> str:
    return 'CreationPolicy' if step.verb is Action.CREATE else 'UpdatePolicy'
