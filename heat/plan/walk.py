"""The bookkeeping of a walk: which node may go on, which step runs, how it ends.

Purpose: what ``traversal`` stands on: the graph's counters, the rows of each
name, steps under way, stopping, failing and finishing. Invariant: no clock, no
thread, no I/O; nothing is decided here about a resource. Neighbours:
``traversal`` says what becomes of a node, ``preview`` walks it without a world.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from heat.common.ids import new_id
from heat.model.event import Event
from heat.model.outcome import Failed, Outcome
from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action, Status
from heat.plan import breakpoints, transforms
from heat.plan.candidates import pick
from heat.plan.effects import (
    Cancel,
    Cancelled,
    CoreEvent,
    Effect,
    Emit,
    Finish,
    HookCleared,
    Remove,
    Save,
    Start,
    Step,
    StepDone,
    TimedOut,
    WaitedEnough,
    WaitThen,
)
from heat.plan.graph import Down, Graph, Up
from heat.plan.handed_down import tags_of
from heat.plan.references import references_by_resource
from heat.plan.scope import Facts, StackScope
from heat.plan.told import resource_label, row_event, stack_event, stack_reason
from heat.plan.types import Types
from heat.template.definition import Definition, Template
from heat.template.expr import Ref
from heat.template.restraints import FREE, Restraints

# Nodes visited in one call: others of the same process want their turn too.
NODES_A_TURN = 500
IN_PLACE = {Action.SUSPEND, Action.RESUME, Action.CHECK, Action.SNAPSHOT}
NOTHING_TO_DO = 'nothing had to be changed'


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the goal's template asks for; ``template`` is None for a deletion.

    ``reads`` are attributes that are asked for from outside, by a parent stack;
    ``masked`` are properties in which hidden values may stand, by resource; ``secrets`` the texts
    of these values, which no reason may tell.
    """

    template: Template | None = None
    facts: Facts = field(default_factory=Facts)
    reads: frozenset[Ref] = frozenset()
    masked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def aws(self) -> bool:
        """Whether the template is of AWS's own format."""
        return self.template is not None and self.template.dialect == 'aws'

    @property
    def definitions(self) -> Mapping[str, Definition]:
        return self.template.resources if self.template is not None else {}


class Walk:
    """One stack, one goal. ``rows`` is the caller's dict and is kept current."""

    def __init__(self, stack: Stack, goal: Goal, wanted: Wanted, rows: dict[str, Row], types: Types,
                 make_id: Callable[[], str] = new_id, rollback_to: Goal | None = None,
                 restraints: Restraints = FREE) -> None:
        self.stack = stack
        self.goal = goal
        self.wanted = wanted
        self.rows = rows
        self.types = types
        self.finished = False
        self.rollback_to = rollback_to
        self.restraints = restraints
        self._make_id = make_id
        self._best: dict[str, str] = {}
        # Every row of a name, in order: a name is looked up for each replacement.
        self._named: dict[str, dict[str, None]] = {}
        for row in rows.values():
            self._named.setdefault(row.name, {})[row.uuid] = None
        self._busy: dict[str, Step] = {}
        self._of_old_goal: set[str] = set()
        self._blocked: set[int] = set()
        # Row uuid -> the hook that holds it.
        self._paused: dict[str, str] = {}
        self._failures: list[tuple[Row, Outcome]] = []
        self._left_behind: list[str] = []
        self._unsupported = False
        self._worked = False
        self._ready: deque[int] = deque()
        self._effects: list[Effect] = []
        self._stop_reason: str | None = None
        self.graph = self._graph()
        self._left = [len(needs) for needs in self.graph.need]
        self._done: set[int] = set()
        self._refs: dict[str, set[Ref]] | None = None
        self.scope = self._scope()

    # -- what a traversal says ------------------------------------------------------------------

    def _up(self, number: int, node: Up) -> None:
        raise NotImplementedError

    def _down(self, number: int, node: Down) -> None:
        raise NotImplementedError

    def _verb(self, number: int, node: Up) -> None:
        raise NotImplementedError

    def _step_done(self, event: StepDone) -> None:
        raise NotImplementedError

    def _graph(self) -> Graph:
        if self.goal.options.get('stop'):
            return Graph()
        if self.goal.action in IN_PLACE:
            return transforms.in_place(self._looked_at(), reverse=self.goal.action is Action.SUSPEND)
        return transforms.build(transforms.Problem(self.wanted.definitions, self.rows, self.types))

    def _looked_at(self) -> Mapping[str, Row]:
        """The rows that an action in place is about."""
        only = self.goal.options.get('only')
        return self.rows if only is None else {uuid: row for uuid, row in self.rows.items()
                                               if row.name in only}

    def _scope(self) -> StackScope:
        return StackScope(self.wanted.facts, self.wanted.definitions, self.types, self.row_of, self._tags())

    def _tags(self) -> tuple[str, ...]:
        """What the stack is tagged with and its resources too."""
        return tags_of(self.stack, self.goal, self.wanted.aws) if self.wanted.aws else ()

    # -- the surface ----------------------------------------------------------------------------

    def begin(self, running: Mapping[str, Step] | None = None) -> list[Effect]:
        """First effects. ``running``: steps of an earlier goal that are still under way.

        A row in progress without a running step is one whose engine died; its step is resumed.
        """
        running = running or {}
        self._choose_rows()
        if self.goal.options.get('stop'):
            self._stop_all(running)
            return self._drain()
        for row in list(self.rows.values()):
            if row.uuid in running:
                self._busy[row.uuid] = running[row.uuid]
                self._of_old_goal.add(row.uuid)
            elif row.status is Status.IN_PROGRESS:
                self._resume(row)
            elif row.status is Status.FAILED and row.goal_seq == self.goal.seq:
                # Failed under this very goal, before its engine died: it is not tried twice.
                self._failures.append((row, Failed(row.reason)))
            if breakpoints.waits(row) and (row.data[breakpoints.KEY].get('goal') != self.goal.seq):
                self._give_up_waiting(row)
        self._make_rows()
        awaited = [uuid for uuid in self._of_old_goal if self._still_wanted(self.rows[uuid])]
        self._effects.extend(Cancel(uuid) for uuid in sorted(self._of_old_goal - set(awaited)))
        if awaited:
            self._effects.append(WaitThen(tuple(awaited)))
        self._ready.extend(i for i, left in enumerate(self._left) if not left)
        return self._drain()

    def on(self, event: CoreEvent) -> list[Effect]:
        """The effects of one event. After ``Finish`` nothing more comes."""
        if self.finished:
            return []
        if isinstance(event, StepDone):
            self._step_done(event)
        elif isinstance(event, Cancelled):
            self._cancelled(event)
        elif isinstance(event, TimedOut):
            self._time_out(event.reason)
        elif isinstance(event, HookCleared):
            self._go_on_after(event)
        elif isinstance(event, WaitedEnough):
            self._effects.extend(Cancel(uuid) for uuid in event.uuids if uuid in self._busy)
        return self._drain()

    @property
    def more(self) -> bool:
        """Whether ``GoOn`` is wanted."""
        return bool(self._ready) and not self.finished

    def row_of(self, name: str) -> Row | None:
        """The current row of a resource, None if there is none (yet)."""
        uuid = self._best.get(name)
        return self.rows.get(uuid) if uuid else None

    def running(self) -> dict[str, Step]:
        """Steps under way, by row uuid."""
        return dict(self._busy)

    def rest(self) -> None:
        """Know the rows without walking: for the scope of a stack that has nothing to do."""
        self._choose_rows()
        self.finished = True

    # -- beginning ------------------------------------------------------------------------------

    def _choose_rows(self) -> None:
        by_name: dict[str, list[Row]] = {}
        for row in self.rows.values():
            if row.action is not Action.DELETE:
                by_name.setdefault(row.name, []).append(row)
        for name, rows in by_name.items():
            self._best[name] = pick(rows, self.wanted.definitions.get(name), self.types).uuid

    def _make_rows(self) -> None:
        if self.goal.action in IN_PLACE:
            return
        for name, definition in self.wanted.definitions.items():
            if name not in self._best:
                self._save(self._new_row(name, definition))

    def _new_row(self, name: str, definition: Definition, replaces: str | None = None) -> Row:
        row = Row(uuid=self._make_id(), stack_id=self.stack.id, root_id=self.stack.root_id, name=name,
                  type=definition.type, goal_seq=self.goal.seq, replaces=replaces,
                  keep={'class': self.types(definition.type, name).type})
        self._best[name] = row.uuid
        return row

    def _resume(self, row: Row) -> None:
        step = Step(row.uuid, row.action, self._wanted_attributes(row), resumed=True)
        self._busy[row.uuid] = step
        if row.goal_seq != self.goal.seq:
            self._of_old_goal.add(row.uuid)
        self._effects.append(Start(step))

    def _wanted_attributes(self, row: Row) -> tuple[Any, ...]:
        template = self.wanted.template
        if template is None or row.name not in template.resources:
            return ()
        if self._refs is None:
            self._refs = references_by_resource(template, self.wanted.reads)
        return self.types.of(row).wanted(frozenset(self._refs.get(row.name, ())))

    def _still_wanted(self, row: Row) -> bool:
        """Whether a step under way serves this goal, or at least does not stand against it."""
        if self.goal.action in IN_PLACE or row.action is Action.DELETE:
            return True
        return row.name in self.wanted.definitions and self._best.get(row.name) == row.uuid

    # -- walking ----------------------------------------------------------------------------------

    def _drain(self) -> list[Effect]:
        if self._stop_reason is not None:
            self._ready.clear()
        left = NODES_A_TURN
        while self._ready and left:
            left -= 1
            number = self._ready.popleft()
            node = self.graph.nodes[number]
            if number in self._done or number in self._blocked or self._held(node):
                continue
            if isinstance(node, Down):
                if not self._failures:
                    self._down(number, node)
            elif self.goal.action in IN_PLACE:
                self._verb(number, node)
            elif not self._failures:
                self._up(number, node)
        if not self._busy and not self._ready and not self.finished and (
                not self._paused or self._failures or self._stop_reason is not None):
            self._finish()
        effects, self._effects = self._effects, []
        return effects

    def _held(self, node: Up | Down) -> bool:
        """A step on the node's row is under way; the node is visited again when it ends."""
        uuid = node.uuid if isinstance(node, Down) else self._best.get(node.name)
        return uuid in self._busy

    def _complete(self, number: int) -> None:
        self._done.add(number)
        for user in self.graph.users[number]:
            self._left[user] -= 1
            if not self._left[user]:
                self._ready.append(user)

    def _revisit(self, row: Row) -> None:
        """The row is free again: its nodes may go on."""
        for node in (Up(row.name), Down(row.uuid, row.name)):
            number = self.graph.index.get(node)
            if number is not None and number not in self._done and not self._left[number]:
                self._ready.append(number)

    def _node_done(self, row: Row) -> None:
        node = Down(row.uuid, row.name) if row.action is Action.DELETE else Up(row.name)
        number = self.graph.index.get(node)
        if number is not None and number not in self._done:
            self._complete(number)

    # -- hooks --------------------------------------------------------------------------------------

    def _pauses(self, row: Row, when: str, verb: Action) -> bool:
        """Whether a hook holds the row now; the first time it is marked and told."""
        hook = breakpoints.name(when, verb)
        known = breakpoints.state(row, hook, self.goal.seq)
        if known is None and hook in self.restraints.hooks(row.name):
            row = breakpoints.mark(row, hook, self.goal.seq)
            self._save(row)
            self._emit(row, reason=breakpoints.paused_reason(verb, hook))
            known = breakpoints.SET
        if known != breakpoints.SET:
            return False
        self._paused[row.uuid] = hook
        return True

    def _go_on_after(self, event: HookCleared) -> None:
        """A hook was cleared: the step it held begins, or counts as done."""
        row = self.rows.get(event.uuid)
        if self._paused.pop(event.uuid, None) is None or row is None:
            return
        if event.hook.startswith('post'):
            if row.gone and self.goal.action is not Action.DELETE:
                self._discard(row)
            self._node_done(row)
        else:
            self._revisit(row)

    def _give_up_waiting(self, row: Row) -> None:
        self._emit(row, reason=breakpoints.FAILED_WAITING)
        self._save(breakpoints.forgotten(row))

    # -- stopping -------------------------------------------------------------------------------------

    def _stop_all(self, running: Mapping[str, Step]) -> None:
        """Nothing more is begun; what runs is told to stop, what ran in a dead engine has stopped."""
        self._stop_reason = f'Stack {self.goal.action} cancelled'
        for row in list(self.rows.values()):
            step = running.get(row.uuid)
            if step is None and row.status is Status.IN_PROGRESS:
                if not self.types.of(row).nested:
                    self._end_failed(row, Failed(f'{row.action} aborted (user triggered cancel)'), False)
                    continue
                step = Step(row.uuid, row.action, resumed=True)
            if step is not None:
                self._busy[row.uuid] = step
                self._effects.append(Cancel(row.uuid))
            elif breakpoints.waits(row):
                self._give_up_waiting(row)

    def _cancelled(self, event: Cancelled) -> None:
        self._busy.pop(event.step.uuid, None)
        self._of_old_goal.discard(event.step.uuid)
        row = event.row
        if event.step.task != 'verb':
            # Nothing had been begun that the row's state tells of.
            self._save(row)
        else:
            why = (f'Task {row.action.lower()} from {resource_label(row, self.stack)} Timed out'
                   if self._stop_reason == 'Timed out' else 'user triggered cancel')
            self._end_failed(row, Failed(f'{row.action} aborted ({why})'), counts=False)
        self._revisit(row)

    def _time_out(self, reason: str) -> None:
        self._stop_reason = reason
        self._effects.extend(Cancel(uuid) for uuid in self._busy)

    # -- the end -----------------------------------------------------------------------------------

    def _end_failed(self, row: Row, outcome: Failed, counts: bool = True) -> None:
        failed = row.to(row.action, Status.FAILED, outcome.reason(row.name))
        self._emit(failed)
        self._save(failed)
        if counts:
            self._fail(failed, outcome)

    def _fail(self, shown: Row, outcome: Failed) -> None:
        """The goal has failed: what runs may end, nothing more is begun."""
        self._failures.append((shown, outcome))
        if len(self._failures) == 1 and self._busy:
            self._effects.append(WaitThen(tuple(self._busy)))

    def _finish(self) -> None:
        for uuid in self._paused:
            if uuid in self.rows:
                self._give_up_waiting(self.rows[uuid])
        self._paused.clear()
        action = self.goal.action
        if self._stop_reason is not None:
            status, reason = Status.FAILED, self._stop_reason
        elif self._failures:
            status, reason = Status.FAILED, stack_reason(*self._failures[0])
        elif len(self._done) < len(self.graph.nodes):
            left = [str(n) for i, n in enumerate(self.graph.nodes) if i not in self._done]
            raise AssertionError(f'Stack {self.stack.name}: nothing runs but these are left: {left[:9]}')
        else:
            status, reason = Status.COMPLETE, f'Stack {action} completed successfully'
            reason += self._remark()
        self.finished = True
        following = self.rollback_to if status is Status.FAILED else None
        done = replace(self.stack, action=action, status=status, reason=reason)
        if action is Action.DELETE and status is Status.COMPLETE:
            for row in list(self.rows.values()):
                self._discard(row)
        event = stack_event(done, action, status, reason)
        self._effects.append(Finish(done, self.goal, status, reason, event, following, self._idle()))

    def _remark(self) -> str:
        """What is worth saying of a success."""
        if self._unsupported:
            return f". '{self.goal.action}' not fully supported (see resources)"
        if self._left_behind:
            return f'. Left behind: {"; ".join(self._left_behind)}'
        return f'; {NOTHING_TO_DO}' if self._idle() else ''

    def _idle(self) -> bool:
        """Whether an update has found everything as it was to be."""
        return self.goal.action is Action.UPDATE and not self._worked and not any(
            row.goal_seq == self.goal.seq and not self.types.of(row).nested for row in self.rows.values())

    # -- effects -----------------------------------------------------------------------------------

    def _save(self, row: Row) -> None:
        self.rows[row.uuid] = row
        self._named.setdefault(row.name, {})[row.uuid] = None
        self._effects.append(Save(row))

    def _discard(self, row: Row) -> None:
        self.rows.pop(row.uuid, None)
        self._named.get(row.name, {}).pop(row.uuid, None)
        if self._best.get(row.name) == row.uuid:
            del self._best[row.name]
        self._effects.append(Remove(row))

    def _emit(self, row: Row, reason: str | None = None) -> None:
        """Tell of the row's state; ``reason`` in place of the row's own."""
        told: Event = row_event(row, self.stack.name)
        self._effects.append(Emit(told if reason is None else replace(told, reason=reason)))
