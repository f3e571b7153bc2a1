"""The one loop: inbox -> traversals and steps -> one batch -> the writer.

Purpose: all state of all owned trees is touched here, by one thread, so no lock
exists in the engine. Invariant: the commit barrier: a call to the cloud leaves
only after the batch that holds its intent is durable; independent work shares
the batch. Neighbours: ``plan.traversal`` decides, ``step`` runs plugins,
``carry`` turns effects into the batch, ``db.writer`` writes it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from heat.clouds.performer import Answer, Fault, Result, Unmatched
from heat.clouds.watch import Round, Verdict, Watch
from heat.common import green
from heat.common.clock import Clock, Timers
from heat.db.writer import Batch, Committed
from heat.engine.carry import Carrier
from heat.engine.ends import failure_of
from heat.engine.errand import Ask, Ended, Limits, Next, Pause
from heat.engine.errand import Watch as WatchFor
from heat.engine.late import Gathered, Seek, at_hand
from heat.engine.messages import Answered, Arrived, Changed, Closed, Leave, Looked, Lost, Published, Written
from heat.engine.relay import Relayed
from heat.engine.signals import Signals
from heat.engine.step import StepRun
from heat.engine.tree import StackRun, Tree
from heat.model.op import CloudFault, Poll, ReadConfig, ReadWatch, Shelved, Tell
from heat.model.stack import Stack
from heat.plan.effects import Cancelled, TimedOut, WaitedEnough

LOG = logging.getLogger(__name__)
DEFAULT_LIMITS = Limits()


class Cloud(Protocol):
    """Who carries out operations: ``clouds.performer.Performer``, or the simulator's."""

    def perform(self, credential: Any, operation: Any, done: Callable[[Result], None],
                request_id: str = '', begin: Callable[[], bool] | None = None) -> None: ...


class Shelf(Protocol):
    """Who reads what steps have shelved (``engine.shelf``): ``done`` gets an Answer, in any thread."""

    def __call__(self, tenant: str, asked: ReadConfig | ReadWatch,
                 done: Callable[[Result], None], /) -> None: ...


class Courier(Protocol):
    """Who tells servers of their deployments (``engine.courier``): ``done`` as above."""

    def __call__(self, tenant: str, server_id: str, done: Callable[[Result], None], /) -> None: ...


class Store(Protocol):
    """Who writes batches. ``done`` gets the outcome, in any thread, in the order of the batches."""

    def write(self, batch: Batch, done: Callable[[Committed], None]) -> None: ...


class Loop:
    """The engine's heart. ``turn`` is one round; ``run`` repeats it until ``stop``."""

    def __init__(self, engine_id: str, clock: Clock, cloud: Cloud, store: Store, *,
                 limits: Limits = DEFAULT_LIMITS, error_wait: float = 240.0,
                 may_call: Callable[[], bool] = lambda: True,
                 gone: Callable[[Iterable[str]], None] = lambda roots: None,
                 announce: Callable[[Any], None] = lambda finish: None,
                 close: Callable[[Tree, Stack], None] | None = None,
                 publish: Callable[[Tree, StackRun, dict[str, Any], list[str]], None] | None = None,
                 reread: Callable[[str], None] = lambda root_id: None,
                 action_timeout: float = 3600.0,
                 shelf: Shelf = lambda tenant, asked, done: done(Answer(None)),
                 courier: Courier = lambda tenant, server_id, done: done(Answer(None)),
                 seek: Seek = at_hand) -> None:
        self.engine_id = engine_id
        self.clock = clock
        self.cloud = cloud
        self.store = store
        self.limits = limits
        self.error_wait = error_wait
        self.action_timeout = action_timeout
        self.trees: dict[str, Tree] = {}
        self.batch = Batch()
        self.carrier = Carrier(self, announce)
        self.signals = Signals(self, self.carrier)
        self.close = close or (lambda tree, stack: self.put(Closed(tree.root_id)))
        self.publish = publish or (lambda tree, run, values, imports: self.put(
            Published(tree.root_id, run.stack.id, run.goal.seq)))
        self._may_call = may_call
        self._reread = reread
        self._shelf = shelf
        self._courier = courier
        self.seek = seek
        self._gone = gone
        self._inbox = green.Queue()
        self._timers = Timers()
        self._watch = Watch(clock)
        self._writing = False
        self._token = 0
        self._tokens: dict[str, int] = {}
        self._leaving = False
        self.overtaken: frozenset[str] = frozenset()
        self._stopped = False

    # -- the surface ------------------------------------------------------------------------------

    def put(self, message: Any) -> None:
        """Give the loop a message, from any thread."""
        self._inbox.put(message)

    def run(self) -> None:
        """Until ``stop``: wait for a message or a timer, then take a turn."""
        while not self._stopped:
            first = self._inbox.get(self._patience())
            messages = [] if first is None else [first, *self._inbox.drain()]
            self.turn(messages)

    def stop(self) -> None:
        self._stopped = True
        self._inbox.put(None)

    def turn(self, messages: Iterable[Any]) -> None:
        """Handle messages and due timers, then hand the batch to the writer if it is free."""
        for message in messages:
            if message is not None:
                self._guarded(partial(self._take, message), message)
        now = self.clock.monotonic()
        for item in self._timers.pop_due(now):
            self._guarded(item, item)
        for round_ in self._watch.due(now):
            self._guarded(partial(self._look, round_), round_)
        # What is left is settled in the next turn, if one effect cannot be carried out.
        self._guarded(self.carrier.settle, self.carrier)
        if self._leaving:
            for tree in list(self.trees.values()):
                self.leave_if_quiet(tree)
        self._flush()

    def next_due(self) -> float | None:
        """Monotonic time of the next timer or look, None if there is none."""
        dues = [d for d in (self._timers.next_due(), self._watch.next_due()) if d is not None]
        return min(dues) if dues else None

    def drain(self) -> list[Any]:
        """What waits in the inbox; for those who drive ``turn`` themselves."""
        return self._inbox.drain()

    @property
    def idle(self) -> bool:
        return not self.trees and not self._writing and not self.batch

    # -- messages ------------------------------------------------------------------------------------

    def _guarded(self, taken: Callable[[], Any], what: Any) -> None:
        """Whatever is wrong with one thing, the others go on."""
        try:
            taken()
        except Exception:
            LOG.exception('The loop could not take a %s.', type(what).__name__)

    def _take(self, message: Any) -> None:
        if isinstance(message, Answered):
            self._answered(message)
        elif isinstance(message, Looked):
            self._looked(message)
        elif isinstance(message, Written):
            self._written(message)
        elif isinstance(message, Arrived):
            self._arrived(message.tree)
        elif isinstance(message, Changed):
            self._changed(message)
        elif isinstance(message, Closed):
            tree = self.trees.get(message.root_id)
            if tree is not None:
                self.carrier.closed(tree)
        elif isinstance(message, Published):
            tree = self.trees.get(message.root_id)
            if tree is not None:
                self.carrier.published(tree, message.stack_id, message.seq, message.refusal)
        elif isinstance(message, Gathered):
            tree = self.trees.get(message.root_id)
            if tree is not None:
                self.carrier.gathered(tree, message)
        elif isinstance(message, Relayed):
            tree = self.trees.get(message.root_id)
            if tree is not None:
                self.signals.relayed(tree, message)
        elif isinstance(message, Lost):
            self._lost(message.roots)
        elif isinstance(message, Leave):
            self._leaving = True

    def _arrived(self, tree: Tree) -> None:
        if tree.root_id in self.trees:
            return
        self.trees[tree.root_id] = tree
        for run in tree.stacks.values():
            if run.traversal is not None:
                self.set_timeout(tree, run)
                self.carrier.begin(tree, run, {})
        # What is resumed waits again before a signal may lead it on.
        self.carrier.settle()
        self.signals.apply(tree, tree.signals)
        tree.signals = []
        self.carrier.settle()
        self.leave_if_quiet(tree)

    def _changed(self, message: Changed) -> None:
        tree = self.trees.get(message.root_id)
        if tree is None:
            return
        if tree.leaving:
            if tree.root_id not in self.batch.releases:
                # The release is being written; ``gone`` will find the news and claim the tree anew.
                return
            self.batch.releases.discard(tree.root_id)
            tree.leaving = False
        for news in message.goals:
            self.carrier.change_goal(tree, news)
        self.carrier.settle()
        self.signals.apply(tree, message.signals)
        self.carrier.settle()
        self.leave_if_quiet(tree)

    def _lost(self, roots: frozenset[str]) -> None:
        for root in roots:
            tree = self.trees.pop(root, None)
            if tree is not None:
                LOG.warning('Stack tree %s is driven by another engine now; dropped here.', root)
                self._forget(tree)
        self._gone(roots)

    def _forget(self, tree: Tree) -> None:
        self._timers.drop(tree.root_id)
        for uuid in tree.steps:
            self._watch.remove((tree.root_id, uuid))
            self._tokens.pop(uuid, None)

    def stale(self, tree: Tree) -> None:
        """A newer wish is in the database than the one walked to here: have it read."""
        self._reread(tree.root_id)

    def leave_if_quiet(self, tree: Tree) -> None:
        """Release the lease when nothing is left to do, or when this engine is going."""
        if tree.leaving or tree.relaying or any(step.asking for step in tree.steps.values()):
            return
        if tree.working and not self._leaving:
            return
        tree.leaving = True
        self.batch.fences[tree.root_id] = tree.fence
        self.batch.releases.add(tree.root_id)

    # -- steps -------------------------------------------------------------------------------------------

    def start_step(self, tree: Tree, run: StackRun, step: StepRun) -> None:
        """Take up a step; its first ask goes out under the barrier."""
        if self._leaving:
            # The row says what is to be done: whoever has the tree next takes it up.
            return
        tree.steps[step.row.uuid] = step
        self._advance(tree, run, step, step.begin)

    def _advance(self, tree: Tree, run: StackRun, step: StepRun,
                 move: Callable[..., Next | None], *args: Any) -> None:
        step.waits_for = None
        try:
            following = move(*args)
        except Exception as error:
            LOG.exception('Step of resource %s broke.', step.row.name)
            following = Ended(failure_of(error))
        self._take_row(tree, run, step)
        if following is not None:
            self._follow(tree, run, step, following)

    def _take_row(self, tree: Tree, run: StackRun, step: StepRun) -> None:
        current = run.rows.get(step.row.uuid)
        if current is not None and current.metadata != step.row.metadata and not step.dirty:
            step.row = replace(step.row, metadata=current.metadata)
        if step.dirty:
            step.dirty = False
            run.rows[step.row.uuid] = step.row
            self.fence(tree)
            self.batch.save(step.row)
        if step.shelved:
            self._shelve(tree, step.shelved)
            step.shelved = []
        if step.stack_user_project is not None:
            self.carrier.keep_project(tree, run, step.stack_user_project)
            step.stack_user_project = None

    def _shelve(self, tree: Tree, changes: Iterable[Shelved]) -> None:
        self.fence(tree)
        self.batch.shelved += [(tree.root_id, change) for change in changes]

    def _follow(self, tree: Tree, run: StackRun, step: StepRun, following: Next) -> None:
        uuid = step.row.uuid
        if step.cancelled and not isinstance(following, Ended):
            self._end_cancelled(tree, run, step)
        elif isinstance(following, Ask):
            self._ask(tree, run, step, following)
        elif isinstance(following, WatchFor):
            poll = following.op
            listed = poll.list_path or poll.path
            self._watch.add(poll, (tree.credential, poll.service, listed, poll.at), (tree.root_id, uuid))
            if poll.deadline is not None:
                self._limit(tree, uuid, poll, poll.deadline)
        elif isinstance(following, Pause):
            self._pause(tree, run, step, following)
        else:
            tree.steps.pop(uuid, None)
            self._tokens.pop(uuid, None)
            if run.traversal is not None:
                self.carrier.ended(tree, run, step, following.outcome)

    def _ask(self, tree: Tree, run: StackRun, step: StepRun, ask: Ask) -> None:
        self._token += 1
        token = self._tokens[step.row.uuid] = self._token
        root_id, uuid, operation = tree.root_id, step.row.uuid, ask.op

        def answered(result: Result) -> None:
            self.put(Answered(root_id, uuid, token, result))

        if isinstance(operation, ReadConfig | ReadWatch):
            # What it asks for may be written in the batch that is still open.
            self.batch.after.append((root_id, lambda: self._shelf(run.stack.tenant, operation, answered)))
            return
        if isinstance(operation, Tell):
            tenant, server_id = run.stack.tenant, operation.server_id
            self.batch.after.append((root_id, lambda: self._courier(tenant, server_id, answered)))
            return

        def perform() -> None:
            self.cloud.perform(tree.credential, operation, answered, begin=self.sure(root_id))

        if ask.durable:
            self.fence(tree)
            self.batch.after.append((root_id, perform))
        else:
            perform()

    def sure(self, root_id: str) -> Callable[[], bool]:
        """The last look before the world is touched: is the tree surely still ours?"""
        def begin() -> bool:
            if self._may_call():
                return True
            self.put(Lost(frozenset([root_id])))
            return False
        return begin

    def _answered(self, message: Answered) -> None:
        found = self._step(message.root_id, message.uuid)
        if found is None or self._tokens.get(message.uuid) != message.token:
            return
        tree, run, step = found
        result = message.result
        if step.cancelled:
            if isinstance(result, Answer):
                step.absorb(result.body)
            step.asking = False
            self._end_cancelled(tree, run, step)
        elif isinstance(result, Answer):
            self._advance(tree, run, step, step.answer, result.body)
        elif isinstance(result, Fault):
            self._advance(tree, run, step, step.fault, result.fault, result.lost)
        elif isinstance(result, Unmatched):
            self._advance(tree, run, step, step.fault, result.error)

    def _pause(self, tree: Tree, run: StackRun, step: StepRun, pause: Pause) -> None:
        self._token += 1
        token = self._tokens[step.row.uuid] = self._token
        root_id, uuid = tree.root_id, step.row.uuid
        due = self.clock.monotonic() + max(0.0, pause.until - self.clock.wall())

        def wake() -> None:
            found = self._step(root_id, uuid)
            if found is not None and self._tokens.get(uuid) == token:
                self._advance(*found, found[2].wake)

        step.waits_for = pause.signal_of
        if due < math.inf:
            self._timers.add(due, wake, root_id)

    def _limit(self, tree: Tree, uuid: str, poll: Poll, deadline: float) -> None:
        root_id = tree.root_id

        def late() -> None:
            found = self._step(root_id, uuid)
            if found is not None and found[2].polls(poll):
                self._watch.remove((root_id, uuid))
                self._advance(*found, found[2].late)

        self._timers.add(self.clock.monotonic() + max(0.0, deadline - self.clock.wall()), late, root_id)

    def signalled(self, tree: Tree, uuid: str) -> None:
        """A row's metadata has changed: steps that wait for it look again."""
        for waiting in list(tree.steps):
            step = tree.steps.get(waiting)
            if step is not None and step.waits_for == uuid and not step.asking:
                run = tree.stacks.get(step.row.stack_id)
                if run is not None:
                    self._advance(tree, run, step, step.wake)

    def cancel(self, tree: Tree, run: StackRun, uuid: str) -> None:
        """Stop a step: at once if it waits, else when its call has been answered."""
        step = tree.steps.get(uuid)
        if step is None:
            return
        step.cancelled = True
        if not step.asking:
            self._end_cancelled(tree, run, step)

    def _end_cancelled(self, tree: Tree, run: StackRun, step: StepRun) -> None:
        uuid = step.row.uuid
        self._watch.remove((tree.root_id, uuid))
        tree.steps.pop(uuid, None)
        self._tokens.pop(uuid, None)
        self._shelve(tree, step.kind.abandoned(step.row))
        self.carrier.feed(tree, run, Cancelled(step.step, step.row))

    def _step(self, root_id: str, uuid: str) -> tuple[Tree, StackRun, StepRun] | None:
        tree = self.trees.get(root_id)
        step = tree.steps.get(uuid) if tree is not None else None
        if tree is None or step is None:
            return None
        run = tree.stacks.get(step.row.stack_id)
        return (tree, run, step) if run is not None else None

    # -- looking -------------------------------------------------------------------------------------

    def _look(self, round_: Round) -> None:
        self.cloud.perform(round_.credential, round_, lambda result: self.put(Looked(round_, result)))

    def _looked(self, message: Looked) -> None:
        result = message.result
        if isinstance(result, Answer):
            ended = self._watch.results(message.round, result.body)
        else:
            fault = result.fault if isinstance(result, Fault) else CloudFault(0, str(result.error))
            ended = self._watch.failed(message.round, fault)
        for token, verdict in ended:
            assert isinstance(token, tuple)
            found = self._step(*token)
            if found is not None:
                self._observed(*found, verdict)

    def _observed(self, tree: Tree, run: StackRun, step: StepRun, verdict: Verdict) -> None:
        if verdict.fault is not None:
            self._advance(tree, run, step, step.fault, verdict.fault)
        elif verdict.failure is not None:
            self._advance(tree, run, step, step.broke, verdict.failure)
        else:
            self._advance(tree, run, step, step.observed, verdict.body)

    # -- timers ------------------------------------------------------------------------------------------

    def set_timeout(self, tree: Tree, run: StackRun) -> None:
        """The goal's deadline is absolute, so it survives a restart."""
        parent = tree.stacks.get(run.stack.owner_id or '')
        if run.goal.timeout_at is None or (
                parent is not None and parent.working and parent.goal.timeout_at == run.goal.timeout_at):
            # A parent whose time is over stops its children.
            return
        seq, root_id, stack_id = run.goal.seq, tree.root_id, run.stack.id
        due = self.clock.monotonic() + max(0.0, run.goal.timeout_at - self.clock.wall())

        def timed_out() -> None:
            found = self.trees.get(root_id)
            late = found.stacks.get(stack_id) if found else None
            if found is not None and late is not None and late.goal.seq == seq and late.working:
                self.carrier.feed(found, late, TimedOut())

        self._timers.add(due, timed_out, root_id)

    def at(self, tree: Tree, until: float, action: Callable[[], None]) -> None:
        """Call ``action`` at ``until`` (wall seconds) if the tree is still here."""
        due = self.clock.monotonic() + max(0.0, until - self.clock.wall())
        self._timers.add(due, action, tree.root_id)

    def wait_then(self, tree: Tree, run: StackRun, uuids: tuple[str, ...]) -> None:
        """After ``error_wait`` tell the traversal that these steps have had their time."""
        traversal, root_id = run.traversal, tree.root_id

        def enough() -> None:
            found = self.trees.get(root_id)
            if found is not None and run.traversal is traversal:
                self.carrier.feed(found, run, WaitedEnough(uuids))

        self._timers.add(self.clock.monotonic() + self.error_wait, enough, root_id)

    def _patience(self) -> float | None:
        due = self.next_due()
        return None if due is None else max(0.0, due - self.clock.monotonic())

    # -- the batch ---------------------------------------------------------------------------------------

    def fence(self, tree: Tree) -> None:
        """The open batch writes for this tree, under its fence."""
        self.batch.fences[tree.root_id] = tree.fence

    def _flush(self) -> None:
        if self._writing or not self.batch:
            return
        batch, self.batch = self.batch, Batch()
        self._writing = True
        self.store.write(batch, lambda outcome: self.put(Written(batch, outcome)))

    def _written(self, message: Written) -> None:
        self._writing = False
        lost = message.outcome.lost
        if lost:
            self._lost(lost)
        for root in message.batch.releases - lost:
            tree = self.trees.get(root)
            if tree is None:
                continue
            del self.trees[root]
            self._forget(tree)
        if message.batch.releases:
            self._gone(message.batch.releases)
        self.overtaken = message.outcome.overtaken
        for root, action in message.batch.after:
            if root in self.trees or root == '':
                action()
        self.overtaken = frozenset()
