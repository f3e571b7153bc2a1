"""The state machine of one stack walking towards one goal: event -> effects.

Purpose: everything about order, decision, failure and rollback is decided here.
Invariant: no clock, no thread, no I/O; the same rows and events give the same
effects. The graph is fixed per goal; each decision is made late, when a node's
inputs are known. Neighbours: ``engine.loop`` feeds events in and carries the
effects out; ``decide`` and ``transforms`` hold the rules.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from heat.common.ids import new_id
from heat.model.outcome import Done, Failed, Outcome, Replace
from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action, Status
from heat.plan import transforms
from heat.plan.candidates import Evaluated, evaluate, pick
from heat.plan.decide import Decision, Verdict
from heat.plan.effects import (
    Cancel,
    Cancelled,
    CoreEvent,
    Effect,
    Emit,
    Finish,
    Remove,
    Save,
    Start,
    Step,
    StepDone,
    TimedOut,
    WaitedEnough,
    WaitThen,
)
from heat.plan.graph import Down, Up
from heat.plan.policies import policies_to_keep, retained
from heat.plan.references import references_by_resource
from heat.plan.scope import Facts, StackScope
from heat.plan.told import row_event, settled_keep, stack_event, stack_reason, step_old_props
from heat.plan.types import Types
from heat.template import dynamic
from heat.template.definition import Definition, Template
from heat.template.expr import Ref

# Nodes visited in one call: others of the same process want their turn too.
NODES_A_TURN = 500
IN_PLACE = {Action.SUSPEND, Action.RESUME, Action.CHECK, Action.SNAPSHOT}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the goal's template asks for; ``template`` is None for a deletion.

    ``reads`` are attributes that are asked for from outside, by a parent stack.
    """

    template: Template | None = None
    facts: Facts = field(default_factory=Facts)
    reads: frozenset[Ref] = frozenset()

    @property
    def aws(self) -> bool:
        """Whether the template is of AWS's own format."""
        return self.template is not None and self.template.dialect == 'aws'

    @property
    def definitions(self) -> Mapping[str, Definition]:
        return self.template.resources if self.template is not None else {}


class Traversal:
    """One stack, one goal. ``rows`` is the caller's dict and is kept current."""

    def __init__(self, stack: Stack, goal: Goal, wanted: Wanted, rows: dict[str, Row], types: Types,
                 make_id: Callable[[], str] = new_id, rollback_to: Goal | None = None) -> None:
        self.stack = stack
        self.goal = goal
        self.wanted = wanted
        self.rows = rows
        self.types = types
        self.finished = False
        self.rollback_to = rollback_to
        self._make_id = make_id
        self._best: dict[str, str] = {}
        # Every row of a name, in order: a name is looked up for each replacement.
        self._named: dict[str, dict[str, None]] = {}
        for row in rows.values():
            self._named.setdefault(row.name, {})[row.uuid] = None
        self._busy: dict[str, Step] = {}
        self._of_old_goal: set[str] = set()
        self._blocked: set[int] = set()
        self._failures: list[tuple[Row, Outcome]] = []
        self._unsupported = False
        self._ready: deque[int] = deque()
        self._effects: list[Effect] = []
        self._stop_reason: str | None = None
        if goal.action in IN_PLACE:
            self.graph = transforms.in_place(rows, reverse=goal.action is Action.SUSPEND)
        else:
            self.graph = transforms.build(transforms.Problem(wanted.definitions, rows, types))
        self._left = [len(needs) for needs in self.graph.need]
        self._done: set[int] = set()
        self._refs: dict[str, set[Ref]] | None = None
        self.scope = StackScope(wanted.facts, wanted.definitions, types, self.row_of)

    # -- the surface --------------------------------------------------------------------------

    def begin(self, running: Mapping[str, Step] | None = None) -> list[Effect]:
        """First effects. ``running``: steps of an earlier goal that are still under way.

        A row in progress without a running step is one whose engine died; its step is resumed.
        """
        running = running or {}
        self._choose_rows()
        for row in list(self.rows.values()):
            if row.uuid in running:
                self._busy[row.uuid] = running[row.uuid]
                self._of_old_goal.add(row.uuid)
            elif row.status is Status.IN_PROGRESS:
                self._resume(row)
            elif row.status is Status.FAILED and row.goal_seq == self.goal.seq:
                # Failed under this very goal, before its engine died: it is not tried twice.
                self._failures.append((row, Failed(row.reason)))
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
            self._time_out()
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
        if not self._busy and not self._ready and not self.finished:
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

    # -- up: create, keep, update, replace ----------------------------------------------------------

    def _up(self, number: int, node: Up) -> None:
        definition = self.wanted.definitions[node.name]
        row = self.row_of(node.name)
        assert row is not None  # _make_rows gave every wanted name a row
        found = evaluate(definition, row, self.types, self.scope)
        if found.decision.verdict is Verdict.REPLACE:
            row, found = self._sound_predecessor(definition, row, found)
        requires = self._requirements(definition)
        keep = policies_to_keep(definition, found, row) | {
            'class': self.types(definition.type, row.name).type}
        if self.wanted.aws and dynamic.present(found.props):
            keep['dynamic'] = True
        if found.failure is not None:
            self._refuse_inputs(number, row, found.failure)
            return
        decision = found.decision
        wanted = self._wanted_attributes(row)
        kind = self.types.of(row)
        if (kind.renewed and row.goal_seq != self.goal.seq
                and decision.verdict in (Verdict.KEEP, Verdict.UPDATE)):
            decision = Decision(Verdict.REPLACE, reason=f'The Resource {row.name} requires replacement.')
        nested = kind.nested
        if nested:
            keep['wanted'] = list(wanted)
        if (decision.verdict is Verdict.KEEP and nested
                and (row.goal_seq != self.goal.seq or row.keep.get('wanted', []) != list(wanted))):
            # Its own resources decide, each by itself, whether there is anything to do.
            decision = Decision(Verdict.UPDATE)
        if decision.verdict is Verdict.KEEP and row.keep.get('released'):
            # Its successor failed; what it had let go must come back to it.
            decision = Decision(Verdict.UPDATE)
        if decision.verdict is Verdict.KEEP:
            if (set(row.requires) != set(requires) or row.keep != keep or row.replaced_by
                    or row.type != definition.type):
                row = replace(row, type=definition.type, requires=requires, keep=keep, replaced_by=None)
                self._save(row)
            missing = () if nested else tuple(w for w in wanted if w not in row.attrs)
            if missing and not self.types.of(row).pure:
                self._task(row, 'read', missing)
            else:
                self._complete(number)
        elif decision.verdict is Verdict.CREATE and self._must_release(row):
            self._task(self.rows[row.replaces or ''], 'release')
        elif decision.verdict is Verdict.CREATE:
            self._start_create(row, found.props, found.metadata, requires, keep)
        elif decision.verdict is Verdict.UPDATE:
            revive = {'revive': True} if row.status is not Status.COMPLETE else {}
            if row.keep.get('released'):
                revive['restore'] = True
            changes = {'keep': {**keep, **revive, 'old_props': row.props or {}}, 'props': found.props,
                       'requires': requires, 'replaced_by': None, 'type': definition.type}
            if found.metadata != row.keep.get('metadata', {}):
                changes['metadata'] = found.metadata
            self._start(self._restarted(row), Action.UPDATE, **changes)
        elif decision.verdict is Verdict.REPLACE:
            self._replace_row(row, definition, decision, found.props, found.metadata, requires, keep)
        else:
            self._refuse_inputs(number, row, Failed(f'{decision.reason} is not supported.', 'NotSupported'))

    def _sound_predecessor(self, definition: Definition, row: Row,
                           found: Evaluated) -> tuple[Row, Evaluated]:
        """Before making a third thing: the one replaced earlier may be just what is wanted again."""
        for uuid in tuple(self._named.get(row.name, ())):
            other = self.rows.get(uuid)
            if (other is not None and uuid != row.uuid and other.action is not Action.DELETE
                    and uuid not in self._busy):
                instead = evaluate(definition, other, self.types, self.scope)
                if instead.decision.verdict is Verdict.KEEP:
                    self._best[row.name] = other.uuid
                    return other, instead
        return row, found

    def _restarted(self, row: Row) -> Row:
        """A row whose last step was cut short is settled before a new one begins."""
        return replace(row, status=Status.FAILED) if row.status is Status.IN_PROGRESS else row

    def _start_create(self, row: Row, props: dict[str, Any], metadata: dict[str, Any],
                      requires: tuple[str, ...], keep: dict[str, Any]) -> None:
        self._start(row, Action.CREATE, props=props, metadata=metadata, requires=requires, keep=keep)

    def _replace_row(self, row: Row, definition: Definition, decision: Decision, props: dict[str, Any],
                     metadata: dict[str, Any], requires: tuple[str, ...], keep: dict[str, Any]) -> None:
        if not decision.silent:
            self._emit(row.to(Action.UPDATE, Status.IN_PROGRESS))
        new = self._new_row(row.name, definition, replaces=row.uuid)
        if decision.silent:
            old = self._superseded(self._restarted(row), new, definition)
        else:
            old = self._superseded(row.to(Action.UPDATE, Status.COMPLETE, decision.reason), new, definition)
            self._emit(old)
        self._save(old)
        if self._must_release(new):
            self._save(new)
            self._task(old, 'release')
        else:
            self._start_create(new, props, metadata, requires, keep)

    def _superseded(self, old: Row, new: Row, definition: Definition) -> Row:
        """The old thing, with what shall become of it once nobody uses it any more."""
        policy = definition.update_replace_policy
        if policy is None and self.wanted.aws:
            # In AWS's format the deletion policy says nothing about a thing that is replaced.
            policy = 'Delete'
        keep = old.keep if policy is None else {**old.keep, 'deletion_policy': policy}
        return replace(old, replaced_by=new.uuid, keep=keep)

    def _must_release(self, row: Row) -> bool:
        """Whether the thing that ``row`` replaces must let go of something first."""
        old = self.rows.get(row.replaces or '')
        if old is not None and self.wanted.aws and retained(old, self.goal):
            # It stays in the cloud as it is.
            return False
        return (old is not None and old.action is not Action.DELETE and old.physical_id is not None
                and not old.keep.get('released') and self.types.of(old).releases)

    def _task(self, row: Row, task: str, wanted: tuple[Any, ...] = ()) -> None:
        """A step that does not change the state of its row."""
        step = self._busy[row.uuid] = Step(row.uuid, row.action, wanted, task=task)
        self._effects.append(Start(step))

    def _refuse_inputs(self, number: int, row: Row, failure: Failed) -> None:
        action = Action.CREATE if row.action is Action.INIT else Action.UPDATE
        begun = self._restarted(row).to(action, Status.IN_PROGRESS, goal_seq=self.goal.seq)
        self._emit(begun)
        self._end_failed(begun, failure)
        self._blocked.add(number)

    def _requirements(self, definition: Definition) -> tuple[str, ...]:
        number = self.graph.index[Up(definition.name)]
        names = (self.graph.nodes[i].name for i in self.graph.need[number])
        return tuple(sorted(self._best[name] for name in names if name in self._best))

    def _wanted_attributes(self, row: Row) -> tuple[Any, ...]:
        template = self.wanted.template
        if template is None or row.name not in template.resources:
            return ()
        if self._refs is None:
            self._refs = references_by_resource(template, self.wanted.reads)
        return self.types.of(row).wanted(frozenset(self._refs.get(row.name, ())))

    # -- down and in place -----------------------------------------------------------------------

    def _down(self, number: int, node: Down) -> None:
        row = self.rows.get(node.uuid)
        if row is None or row.gone or (
                self._best.get(node.name) == node.uuid and node.name in self.wanted.definitions):
            self._complete(number)
        elif row.action is Action.INIT and row.physical_id is None:
            # Never begun: nothing to take away, nothing to tell.
            self._discard(row)
            self._complete(number)
        elif retained(row, self.goal):
            begun = row.to(Action.DELETE, Status.IN_PROGRESS, goal_seq=self.goal.seq)
            self._emit(begun)
            self._ended(begun.to(Action.DELETE, Status.COMPLETE))
            self._complete(number)
        else:
            self._start(row, Action.DELETE)

    def _verb(self, number: int, node: Up) -> None:
        row = self.row_of(node.name)
        action = self.goal.action
        if row is None or row.action is Action.INIT or (
                row.state == (action, Status.COMPLETE) and row.goal_seq == self.goal.seq):
            self._complete(number)
        elif action is Action.CHECK and not self.types.of(row).supports(action):
            self._unsupported = True
            self._ended(row.to(action, Status.COMPLETE, f'{action} not supported for {row.type}',
                               goal_seq=self.goal.seq))
            self._complete(number)
        else:
            self._start(self._restarted(row), action)

    # -- steps -------------------------------------------------------------------------------------

    def _start(self, row: Row, verb: Action, **changes: Any) -> None:
        if verb is not Action.DELETE or row.physical_id is not None or row.intent is None:
            # A creation whose answer never came must still be looked for before it is taken away.
            changes |= {'intent': None, 'memo': ()}
        begun = row.to(verb, Status.IN_PROGRESS, goal_seq=self.goal.seq, **changes)
        kind = self.types.of(begun)
        self._emit(begun)
        step = Step(begun.uuid, verb, self._wanted_attributes(begun))
        if kind.pure:
            outcome, after = kind.compute(verb, begun, self.stack.identity)
            self.rows[begun.uuid] = begun
            self._end(step, after, outcome)
            return
        self._save(begun)
        self._busy[begun.uuid] = step
        self._effects.append(Start(step))

    def _step_done(self, event: StepDone) -> None:
        self._busy.pop(event.step.uuid, None)
        stale = event.step.uuid in self._of_old_goal
        self._of_old_goal.discard(event.step.uuid)
        self._end(event.step, event.row, event.outcome, stale)

    def _end(self, step: Step, row: Row, outcome: Outcome, stale: bool = False) -> None:
        if step.task != 'verb':
            self._task_done(step, row, outcome)
            return
        let_go = row.keep.get('released')
        row = replace(row, keep=settled_keep(row))
        if not isinstance(outcome, Failed):
            row = replace(row, intent=None, memo=())
        if isinstance(outcome, Done):
            row = replace(row, attrs={**row.attrs, **outcome.attrs},
                          physical_id=outcome.physical_id or row.physical_id)
            self._ended(row.to(row.action, Status.COMPLETE, outcome.reason))
            if stale:
                self._revisit(row)
            else:
                self._node_done(row)
        elif isinstance(outcome, Replace):
            old = replace(row.to(Action.UPDATE, Status.COMPLETE, outcome.reason),
                          props=step_old_props(event_row=self.rows[row.uuid]))
            if let_go:
                # It could not take hold again: what it had let go of is not its own any more.
                old = replace(old, keep={**old.keep, 'released': True})
            self._ended(old)
            if stale or row.name not in self.wanted.definitions:
                self._revisit(old)
            else:
                self._replace_asked(old, row)
        else:
            self._end_failed(row, outcome, counts=not stale)
            if stale:
                self._revisit(row)

    def _replace_asked(self, old: Row, tried: Row) -> None:
        """The update itself found that only a new resource will do."""
        definition = self.wanted.definitions[old.name]
        new = self._new_row(old.name, definition, replaces=old.uuid)
        self._save(self._superseded(old, new, definition))
        if self._must_release(new):
            self._save(new)
            self._task(old, 'release')
        else:
            self._start_create(new, tried.props or {}, tried.metadata, tried.requires, settled_keep(tried))

    def _task_done(self, step: Step, row: Row, outcome: Outcome) -> None:
        """Attributes were fetched, or a thing that is being replaced has let go."""
        number = self.graph.index.get(Up(row.name))
        row = replace(row, intent=None, memo=())
        if isinstance(outcome, Failed):
            if number is not None and number not in self._done:
                self._refuse_inputs(number, self.row_of(row.name) or row, outcome)
            return
        if step.task == 'release':
            self._save(replace(row, keep={**row.keep, 'released': True}))
            if number is not None and number not in self._done and not self._left[number]:
                self._ready.append(number)
        elif isinstance(outcome, Done):
            self._save(replace(row, attrs={**row.attrs, **outcome.attrs}))
            self._node_done(row)

    def _node_done(self, row: Row) -> None:
        node = Down(row.uuid, row.name) if row.action is Action.DELETE else Up(row.name)
        number = self.graph.index.get(node)
        if number is not None and number not in self._done:
            self._complete(number)

    def _end_failed(self, row: Row, outcome: Failed, counts: bool = True) -> None:
        failed = row.to(row.action, Status.FAILED, outcome.reason(row.name))
        self._emit(failed)
        self._save(failed)
        if counts:
            self._failures.append((failed, outcome))
            if len(self._failures) == 1 and self._busy:
                self._effects.append(WaitThen(tuple(self._busy)))

    def _ended(self, row: Row) -> None:
        self._emit(row)
        if row.gone and self.goal.action is not Action.DELETE:
            self._discard(row)
        else:
            self._save(row)

    def _cancelled(self, event: Cancelled) -> None:
        self._busy.pop(event.step.uuid, None)
        self._of_old_goal.discard(event.step.uuid)
        row = event.row
        why = 'user triggered cancel' if self._stop_reason is None else (
            f'Task {row.action.lower()} from {self._label(row)} Timed out')
        self._end_failed(row, Failed(f'{row.action} aborted ({why})'), counts=False)
        self._revisit(row)

    def _time_out(self) -> None:
        self._stop_reason = 'Timed out'
        self._effects.extend(Cancel(uuid) for uuid in self._busy)

    def _label(self, row: Row) -> str:
        physical = f' [{row.physical_id}]' if row.physical_id else ''
        return (f'{row.type.rpartition("::")[2]} "{row.name}"{physical} '
                f'Stack "{self.stack.name}" [{self.stack.id}]')

    # -- the end -----------------------------------------------------------------------------------

    def _finish(self) -> None:
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
            if self._unsupported:
                reason += f". '{action}' not fully supported (see resources)"
        self.finished = True
        following = self.rollback_to if status is Status.FAILED else None
        done = replace(self.stack, action=action, status=status, reason=reason)
        if action is Action.DELETE and status is Status.COMPLETE:
            for row in list(self.rows.values()):
                self._discard(row)
        event = stack_event(done, action, status, reason)
        self._effects.append(Finish(done, self.goal, status, reason, event, following))

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

    def _emit(self, row: Row) -> None:
        self._effects.append(Emit(row_event(row, self.stack.name)))
