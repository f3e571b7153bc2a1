"""Effects carried out: into the batch, into steps, into nested stacks.

Purpose: the shell's side of ``plan.effects``. Invariant: everything that one
event leads to, through nested stacks and pure resources, ends in the same batch
and so in the same transaction. Neighbours: ``loop`` owns the batch and the
steps, ``nested`` knows what a child stack is.
"""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from heat.common import green
from heat.common.errors import HeatException
from heat.db.writer import Child, SnapshotEnd, StackState
from heat.engine import exported, nested, room, stages
from heat.engine.borrow import Borrowed
from heat.engine.discretion import without_secrets
from heat.engine.ends import failure_of
from heat.engine.exchange import publishes
from heat.engine.late import IMPORTS, Found, Gathered, Late
from heat.engine.render import plain
from heat.engine.scaling import Scaler
from heat.engine.staging import Stager
from heat.engine.step import StepRun
from heat.engine.tree import NewGoal, StackRun, Tree
from heat.model.op import StepFailed
from heat.model.outcome import Done, Failed, Outcome
from heat.model.resource import Row
from heat.model.stack import Goal
from heat.model.status import Action, Status
from heat.plan import drift
from heat.plan.effects import (
    Cancel,
    Cancelled,
    CoreEvent,
    Effect,
    Emit,
    Finish,
    GoOn,
    Remove,
    Save,
    Start,
    Step,
    StepDone,
    TimedOut,
    WaitThen,
)
from heat.plan.exports import export_values
from heat.plan.told import stack_event
from heat.plan.traversal import Traversal, Wanted

if TYPE_CHECKING:
    from heat.engine.loop import Loop

LOG = logging.getLogger(__name__)
# The verbs of a nested resource that make its stack.
ASKING = (Action.CREATE, Action.UPDATE, Action.ADOPT)
# A tree of many small stacks has no big one in it.
EFFECTS_AT_ONCE = 300


class Carrier:
    """Carries effects out for one loop."""

    def __init__(self, loop: Loop, announce: Callable[[Any], None]) -> None:
        self._loop = loop
        self.announce = announce
        self.breathe: Callable[[], None] = lambda: green.sleep(0)
        self.scaler = Scaler(loop, self)
        self.stager = Stager(loop, self)
        self._todo: deque[tuple[Tree, StackRun, Traversal, Effect | None]] = deque()

    # -- feeding traversals ----------------------------------------------------------------------

    def begin(self, tree: Tree, run: StackRun, running: Mapping[str, Step]) -> None:
        """Start a stack's traversal; ``running`` are steps of the goal before."""
        traversal = run.traversal
        assert traversal is not None
        self._queue(tree, run, traversal, lambda: traversal.begin(running))

    def feed(self, tree: Tree, run: StackRun, event: CoreEvent) -> None:
        """Give a traversal an event and queue what it asks for."""
        traversal = run.traversal
        if traversal is None or traversal.finished:
            self._late(tree, run, event)
            return
        self._queue(tree, run, traversal, lambda: traversal.on(event))

    def _queue(self, tree: Tree, run: StackRun, traversal: Traversal,
               move: Callable[[], Iterable[Effect]]) -> None:
        try:
            effects = list(move())
        except Exception as error:
            LOG.exception('The traversal of stack %s broke.', run.stack.name)
            traversal.finished = True
            reason = (f'Internal error while working on stack {run.stack.name}: '
                      f'{type(error).__name__}: {error}')
            done = replace(run.stack, action=run.goal.action, status=Status.FAILED, reason=reason)
            effects = [Finish(done, run.goal, Status.FAILED, reason,
                              stack_event(done, run.goal.action, Status.FAILED, reason))]
        self._todo.extend((tree, run, traversal, effect) for effect in effects)
        if traversal.more:
            self._todo.append((tree, run, traversal, None))

    def _late(self, tree: Tree, run: StackRun, event: CoreEvent) -> None:
        """News after the goal's end: what a call made must still be written down."""
        if isinstance(event, StepDone | Cancelled) and event.row.uuid in run.rows:
            current = run.rows[event.row.uuid]
            kept = replace(current, physical_id=event.row.physical_id or current.physical_id)
            run.rows[current.uuid] = kept
            self._loop.fence(tree)
            self._loop.batch.save(kept)

    def settle(self) -> None:
        """Carry out queued effects until there are none.

        Between two portions everybody else may run: who beats for the leases above all.
        """
        for number in itertools.count(1):
            if not self._todo:
                return
            tree, run, traversal, effect = self._todo.popleft()
            if number % EFFECTS_AT_ONCE == 0:
                self.breathe()
            if effect is None:
                self.breathe()
                if run.traversal is traversal:
                    self.feed(tree, run, GoOn())
                continue
            if run.traversal is not traversal and isinstance(effect, Start | Finish | WaitThen):
                continue
            self._carry(tree, run, effect)

    # -- one effect ----------------------------------------------------------------------------------

    def _carry(self, tree: Tree, run: StackRun, effect: Effect) -> None:
        batch = self._loop.batch
        self._loop.fence(tree)
        effect = without_secrets(effect, tree, run)
        if isinstance(effect, Save):
            batch.save(effect.row)
        elif isinstance(effect, Remove):
            batch.remove(effect.row)
        elif isinstance(effect, Emit):
            batch.events.append(replace(effect.event, operation=run.goal.requested_by))
        elif isinstance(effect, Start):
            self._start(tree, run, effect.step)
        elif isinstance(effect, Cancel):
            self._cancel(tree, run, effect.uuid)
        elif isinstance(effect, WaitThen):
            self._loop.wait_then(tree, run, effect.uuids)
        else:
            self._finish(tree, run, effect)

    def _start(self, tree: Tree, run: StackRun, step: Step) -> None:
        row = run.rows[step.uuid]
        kind = run.types.of(row)
        if kind.nested and not (step.verb in ASKING and kind.asks_first(row)):
            self.start_nested(tree, run, step)
            return
        loop = self._loop
        around = replace(run.around, now=loop.clock.wall(), files=run.files, environment=run.environment)

        def row_of(reference: str) -> Row | None:
            # Who waits for a handle refers to it, so it is nearly always among what the row was built on.
            for uuid in (*row.requires, *run.rows):
                other = run.rows.get(uuid)
                if (other is not None and other.action is not Action.DELETE
                        and reference == run.types.of(other).reference(other)):
                    return other
            return None

        def row_named(name: str) -> Row | None:
            return next((other for other in run.rows.values() if other.name == name
                         and other.action is not Action.DELETE and other.replaced_by is None), None)

        loop.start_step(tree, run, StepRun(
            step, row, kind, around, loop.clock.wall, loop.limits, row_of, tree.holds,
            row_named))

    def ended(self, tree: Tree, run: StackRun, step: StepRun, outcome: Outcome) -> None:
        """A step is over; that of a nested resource has found out what its stack is made from."""
        if step.kind.nested and not isinstance(outcome, Failed):
            self._made_known(tree, run, step.step)
        else:
            self.feed(tree, run, StepDone(step.step, step.row, outcome))

    def _cancel(self, tree: Tree, run: StackRun, uuid: str) -> None:
        row = run.rows.get(uuid)
        if uuid in tree.steps:
            self._loop.cancel(tree, run, uuid)
            return
        child = tree.stacks.get(row.physical_id or '') if row is not None else None
        if row is not None and run.types.of(row).nested:
            if child is not None and child.working:
                # The child stops its own steps; its end is then the end of this step.
                child.cancelled = True
                child.stopped = run.stopped or bool(run.goal.options.get('stop'))
                self.feed(tree, child, TimedOut(f'Stack {child.goal.action} cancelled'
                                                if child.stopped else 'Timed out'))
            elif run.traversal is not None and uuid in run.traversal.running():
                self.feed(tree, run, Cancelled(run.traversal.running()[uuid], row))
            return
        self._loop.cancel(tree, run, uuid)

    # -- nested stacks -----------------------------------------------------------------------------

    def start_nested(self, tree: Tree, run: StackRun, step: Step, found: Found | None = None) -> None:
        """The step of a nested resource is a goal for its child stack, made from what was ``found`` too."""
        row = run.rows[step.uuid]
        child_id = row.physical_id or nested.child_id(row)
        child = tree.stacks.get(child_id)
        if child is not None and child.working and step.resumed:
            return
        here = stages.place(row)
        if step.resumed and here is not None and here.until is not None:
            self.stager.wait(tree, run, row, here.until)
            return
        fresh = self.scaler.overtaken(run, row) if not step.resumed else row
        if row.physical_id is None or fresh is not row:
            row = run.rows[row.uuid] = replace(fresh, physical_id=child_id)
            self._loop.batch.save(row)
        if step.verb is Action.DELETE and child is None:
            self.feed(tree, run, StepDone(step, row, Done()))
            return
        loop = self._loop
        try:
            if step.verb in (Action.CREATE, Action.UPDATE):
                room.check_step(tree, run, row, found, loop.limits)
            made = nested.child_goal(run, row, step.verb, child, loop.clock.wall(), loop.limits.nested_depth,
                                     found=found)
        except Late as late:
            root_id, stack_id, sought = tree.root_id, run.stack.id, replace(
                late.sought, credential=tree.credential)
            self._loop.batch.after.append((root_id, lambda: loop.seek(
                sought, lambda result: loop.put(Gathered(root_id, stack_id, step.uuid, result)))))
            return
        except (HeatException, StepFailed, ValueError, TypeError) as error:
            self.feed(tree, run, StepDone(step, row, failure_of(error)))
            return
        if made.row is not row:
            row = run.rows[row.uuid] = made.row
            self._loop.batch.save(row)
        running = child.traversal.running() if child is not None and child.traversal is not None else {}
        if child is None:
            for handed_over in made.run.rows.values():
                self._loop.batch.save(handed_over)
        self.send(tree, made, running)

    def gathered(self, tree: Tree, news: Gathered) -> None:
        """What a nested resource's stack is made from is there, or why it is not."""
        uuid, result, run = news.uuid, news.result, tree.stacks.get(news.stack_id)
        running = run.traversal.running() if run is not None and run.traversal is not None else {}
        if run is None or uuid not in running:
            return
        step, row = running[uuid], run.rows[uuid]
        self._loop.fence(tree)
        if isinstance(result, Exception) and row.goal_seq == run.goal.seq:
            self.feed(tree, run, StepDone(step, row, failure_of(result)))
        else:
            self._made_known(tree, run, step, None if isinstance(result, Exception) else result)

    def _made_known(self, tree: Tree, run: StackRun, step: Step, found: Found | None = None) -> None:
        """What a nested resource's stack is made from is known, while its step waited for that."""
        row = run.rows[step.uuid]
        if row.goal_seq != run.goal.seq:
            # Something else is wanted by now; what becomes of it is decided anew.
            self.feed(tree, run, Cancelled(step, row))
        else:
            self.start_nested(tree, run, replace(step, resumed=False), found)

    def send(self, tree: Tree, made: nested.Made, running: Mapping[str, Step]) -> None:
        """Give a child its goal: durable with this batch, begun at once."""
        stack = made.run.stack
        tree.stacks[stack.id] = made.run
        self._loop.batch.children[stack.id] = Child(
            stack, made.run.goal, made.tree, made.run.environment, made.run.files, made.private)
        self._loop.batch.events.append(stack_event(stack, stack.action, stack.status, stack.reason))
        self._loop.set_timeout(tree, made.run)
        self.begin(tree, made.run, running)

    def _finish(self, tree: Tree, run: StackRun, finish: Finish) -> None:
        deleted = finish.goal.action is Action.DELETE and finish.status is Status.COMPLETE
        run.stack = finish.stack
        if finish.next_goal is not None:
            self._follow_up(tree, run, finish, finish.next_goal)
            return
        if finish.status is Status.COMPLETE and self._offers(tree, run, finish):
            return
        left = run.stack
        if finish.goal.options.get('abandon'):
            # Who was made for the instances goes on being used by them.
            left = replace(left, stack_user_project_id=None)
        outside = left.user_creds_id is not None or left.stack_user_project_id is not None
        if deleted and run.stack.id == tree.root_id and outside:
            # Trust and in-instance project go once the last row is surely gone, since they are
            # needed until then; ``closed`` goes on from there.
            run.closing = finish
            self._loop.batch.after.append((tree.root_id, lambda: self._loop.close(tree, left)))
            return
        self._conclude(tree, run, finish, deleted)

    def closed(self, tree: Tree) -> None:
        """What the root stack had outside of its resources is gone."""
        run = tree.stacks.get(tree.root_id)
        if run is not None and run.closing is not None:
            finish, run.closing = run.closing, None
            self._loop.fence(tree)
            self._conclude(tree, run, finish, True)

    def _offers(self, tree: Tree, run: StackRun, finish: Finish) -> bool:
        """Whether the goal ends only once what the stack exports has been published."""
        template = run.wanted.template
        if not publishes(finish.goal.action) or (template is not None and template.dialect != 'aws'):
            return False
        # Asked of every row of the tree, so not at the end of each stack that has nothing to publish.
        imports = [*Borrowed.of(run.environment).imports, *(
            name for one in tree.stacks.values() for row in one.rows.values()
            for name in row.data.get(IMPORTS, ()))]
        if (finish.goal.action is Action.CREATE and not imports and template is not None
                and not any(output.export is not None for output in template.outputs.values())):
            return False
        run.publishing = finish
        assert run.traversal is not None
        try:
            values = {} if template is None else plain(
                export_values(template, run.wanted.facts, run.traversal.scope))
        except (HeatException, ValueError, TypeError, KeyError) as error:
            self.published(tree, run.stack.id, finish.goal.seq, f'An export has no value: {error}')
            return True
        # What the values were made of is durable before others may see them.
        self._loop.batch.after.append((tree.root_id, lambda: self._loop.publish(tree, run, values, imports)))
        return True

    def published(self, tree: Tree, stack_id: str, seq: int, refusal: str | None) -> None:
        """A stack's exports are there, or cannot be, and then its goal has failed."""
        run = tree.stacks.get(stack_id)
        if run is None or run.publishing is None or run.goal.seq != seq:
            return
        finish, run.publishing = run.publishing, None
        self._loop.fence(tree)
        if refusal is not None:
            stack = replace(finish.stack, status=Status.FAILED, reason=refusal)
            finish = replace(
                finish, stack=stack, status=Status.FAILED, reason=refusal, next_goal=run.rollback_to,
                event=stack_event(stack, finish.goal.action, Status.FAILED, refusal))
            run.stack = stack
            if finish.next_goal is not None:
                self._follow_up(tree, run, finish, finish.next_goal)
                return
        self._conclude(tree, run, finish, False)

    def _conclude(self, tree: Tree, run: StackRun, finish: Finish, deleted: bool) -> None:
        self._loop.batch.after.append(('', lambda: self.announce(finish)))
        self._loop.batch.events.append(replace(finish.event, operation=run.goal.requested_by))
        found = (drift.summary(run.rows.values(), self._loop.clock.wall())
                 if finish.goal.action is Action.CHECK else None)
        self._loop.batch.states.append(
            StackState(finish.stack, finish.goal.seq, deleted=deleted, drift=found))
        self._snapshot_ends(tree, run, finish.status, finish.reason)
        if run.stack.parent_row is not None:
            self._tell_parent(tree, run, finish)
        if deleted:
            tree.stacks.pop(run.stack.id, None)
        if not tree.working:
            self._loop.batch.after.append((tree.root_id, lambda: self._loop.leave_if_quiet(tree)))
            self._loop.leave_if_quiet(tree)

    def _snapshot_ends(self, tree: Tree, run: StackRun, status: Status, reason: str) -> None:
        if 'snapshot' in run.goal.options:
            self._loop.batch.snapshots[run.goal.options['snapshot']] = SnapshotEnd(
                tree.root_id, status, reason, exported.of_tree(tree, run, status is Status.COMPLETE))

    def _tell_parent(self, tree: Tree, run: StackRun, finish: Finish) -> None:
        parent = tree.stacks.get(run.stack.owner_id or '')
        row = parent.rows.get(run.stack.parent_row or '') if parent is not None else None
        if parent is None or row is None:
            return
        step = parent.traversal.running().get(row.uuid) if parent.traversal is not None else None
        if step is None:
            self.scaler.ended(tree, parent, row, run, finish)
            return
        if finish.status is Status.FAILED:
            if run.cancelled:
                self.feed(tree, parent, Cancelled(step, row))
                return
            outcome: Outcome = nested.failure(finish.reason)
        elif step.verb is Action.DELETE:
            outcome = Done()
        else:
            if not self.stager.goes_on(tree, parent, row, step):
                self.ended_well(tree, parent, row, step, finish.idle)
            return
        self.feed(tree, parent, StepDone(step, row, outcome, idle=finish.idle))

    def ended_well(self, tree: Tree, parent: StackRun, row: Row, step: Step, idle: bool = False) -> None:
        """The step of a nested resource is over: what its child tells is gathered."""
        run = tree.stacks[row.physical_id or '']
        try:
            row = nested.instructed(parent, row, run, step.wanted)
            found = nested.gather(parent, row, run, step.wanted)
            secret = parent.types.of(row).gathers_secrets
            outcome: Outcome = Done() if secret else Done(attrs=found)
            if step.verb in (Action.CREATE, Action.UPDATE):
                row = nested.concluded(parent, row, run, self._loop.clock.wall())
            if secret:
                row = replace(row, data={**row.data, 'gathered': found})
        except (HeatException, ValueError, TypeError) as error:
            outcome = failure_of(error)
        self.feed(tree, parent, StepDone(step, row, outcome, idle=idle))

    # -- goals -----------------------------------------------------------------------------------------

    def _follow_up(self, tree: Tree, run: StackRun, finish: Finish, goal: Goal) -> None:
        """A failed goal leads to another one, with as much time again: it may have failed for want of it."""
        self._loop.batch.after.append(('', lambda: self.announce(finish)))
        self._loop.batch.events.append(replace(finish.event, operation=run.goal.requested_by))
        minutes = finish.stack.timeout
        goal = replace(goal, seq=finish.goal.seq + 1, timeout_at=self._loop.clock.wall() + (
            minutes * 60 if minutes else self._loop.action_timeout))
        started = replace(finish.stack, action=goal.action, status=Status.IN_PROGRESS,
                          reason=f'Stack {goal.action} started', goal_seq=goal.seq,
                          template_id=goal.template_id)
        event = stack_event(started, goal.action, Status.IN_PROGRESS, started.reason)
        self._loop.batch.states.append(StackState(
            started, finish.goal.seq, following=goal, event=replace(event, operation=run.goal.requested_by)))
        # Without a template before there is nothing to go back to; what there is goes.
        news = NewGoal(started, goal, run.rollback or replace(run.basis, wanted=Wanted()),
                       restraints=run.restraints)
        run.turning = True

        def turn() -> None:
            run.turning = False
            if run.stack.id in self._loop.overtaken:
                # The user has said something else meanwhile; that is read from the database.
                self._loop.stale(tree)
            else:
                self.change_goal(tree, news)

        # A rollback begins only when it is written down: a newer wish may have come first.
        self._loop.batch.after.append((tree.root_id, turn))

    def change_goal(self, tree: Tree, news: NewGoal) -> None:
        """Walk towards another goal over the rows as they are; work that still serves it goes on."""
        run = tree.stacks.get(news.stack.id)
        if run is not None and run.goal.seq >= news.goal.seq:
            return
        running = run.traversal.running() if run is not None and run.traversal is not None else {}
        rows = run.rows if run is not None else {}
        around = run.around if run is not None else None
        if run is None or around is None:
            LOG.warning('Goal %s of stack %s came for a stack that is not loaded.', news.goal.seq,
                        news.stack.name)
            return
        if run.traversal is not None and not run.traversal.finished:
            # What it has made so far must be known to whoever takes it away.
            self._snapshot_ends(tree, run, Status.FAILED,
                                f'{news.goal.action} was asked for before the snapshot was complete')
        tree.credential = news.credential or tree.credential
        basis = news.basis
        fresh = StackRun(news.stack, news.goal, basis.wanted, rows, basis.types, around, basis.environment,
                         basis.files, rollback_to=news.rollback_to, rollback=news.rollback,
                         restraints=news.restraints)
        fresh.traversal = Traversal(news.stack, news.goal, basis.wanted, rows, basis.types,
                                    rollback_to=news.rollback_to, restraints=news.restraints)
        tree.stacks[news.stack.id] = fresh
        self._loop.set_timeout(tree, fresh)
        self.begin(tree, fresh, running)
        for uuid, step in running.items():
            row = rows.get(uuid)
            here = stages.place(row) if row is not None else None
            if row is not None and here is not None and here.until is not None:
                # Between two batches there is nothing to wait for.
                self.feed(tree, fresh, Cancelled(step, row))

    def keep_project(self, tree: Tree, run: StackRun, project: str) -> None:
        """The project of in-instance users, made by the first resource that needs one."""
        for other in (run, tree.stacks.get(tree.root_id)):
            if other is not None and other.stack.stack_user_project_id != project:
                other.stack = replace(other.stack, stack_user_project_id=project)
                other.around = replace(other.around, stack_user_project=project)
                if other.traversal is not None:
                    other.traversal.stack = other.stack
                self._loop.fence(tree)
                self._loop.batch.projects[other.stack.id] = (tree.root_id, project)
