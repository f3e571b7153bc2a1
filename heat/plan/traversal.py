"""The state machine of one stack walking towards one goal: event -> effects.

Purpose: what becomes of each resource, in what order its steps follow, is decided
here. Invariant: no clock, no thread, no I/O; the same rows and events give the
same effects. The graph is fixed per goal; each decision is made late, when a node's
inputs are known. Neighbours: ``walk`` keeps the books, ``engine.loop`` feeds events
in and carries the effects out; ``decide`` and ``transforms`` hold the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from heat.common.text import flaw
from heat.model.outcome import Done, Failed, Outcome, Replace
from heat.model.resource import Row
from heat.model.status import Action, Status
from heat.plan import breakpoints, drift
from heat.plan.candidates import Evaluated, evaluate
from heat.plan.decide import Decision, Verdict, begun, standing, unsure
from heat.plan.effects import Start, Step, StepDone
from heat.plan.graph import Down, Up
from heat.plan.policies import policies_to_keep, retained
from heat.plan.told import settled_keep, step_old_props
from heat.plan.walk import IN_PLACE, Walk, Wanted
from heat.template import dynamic, stack_policy
from heat.template.definition import Definition
from heat.template.stack_policy import StackPolicy

__all__ = ['IN_PLACE', 'Traversal', 'Wanted']


class Traversal(Walk):
    """One stack, one goal. ``rows`` is the caller's dict and is kept current."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Row uuid -> properties that differ in the cloud; None for a thing that is gone.
        self._observed: dict[str, dict[str, Any] | None] = {}
        self._policy = StackPolicy.of(self.goal.options.get('policy'))

    # -- up: create, keep, update, replace ----------------------------------------------------------

    def _up(self, number: int, node: Up) -> None:
        definition = self.wanted.definitions[node.name]
        row = self.row_of(node.name)
        assert row is not None  # _make_rows gave every wanted name a row
        if row.name in self.goal.options.get('skip', ()):
            self._skip(number, row)
            return
        if row.action is not Action.INIT and self._pauses_again(row):
            return
        found = self._evaluate(definition, row)
        if found.decision.verdict is Verdict.REPLACE:
            row, found = self._sound_predecessor(definition, row, found)
        if found.failure is not None:
            self._refuse_inputs(number, row, found.failure)
            return
        wanted = self._wanted_attributes(row)
        requires = self._requirements(definition)
        keep = policies_to_keep(definition, found, row) | {
            'class': self.types(definition.type, row.name).type}
        if self.wanted.aws and dynamic.present(found.props):
            keep['dynamic'] = True
        if self.types.of(row).nested:
            keep['wanted'] = list(wanted)
        if definition.external_id is not None or 'external' in row.keep:
            self._elsewhere(number, row, definition, found, requires, keep)
            return
        decision = self._final(row, found.decision, wanted)
        self._decided(row, definition, found, decision)
        if decision.verdict in (Verdict.UPDATE, Verdict.KEEP) and self._must_observe(row):
            self._task(row, 'observe')
            return
        if self._restricts(number, row, decision, found.decision) or self._holds(row):
            return
        if decision.verdict is Verdict.KEEP:
            self._keep(number, row, definition.type, requires, keep, wanted)
        elif decision.verdict is Verdict.CREATE and self._must_release(row, found.props):
            self._task(self.rows[row.replaces or ''], 'release')
        elif decision.verdict is Verdict.CREATE and self.goal.action is Action.ADOPT:
            self._refuse_inputs(number, row, Failed('Resource ID was not provided.', 'Exception'),
                                Action.ADOPT)
        elif decision.verdict in (Verdict.CREATE, Verdict.ADOPT):
            self._start_create(row, found.props, found.metadata, requires, keep,
                               Action.ADOPT if decision.verdict is Verdict.ADOPT else Action.CREATE)
        elif decision.verdict is Verdict.UPDATE:
            self._update(row, definition.type, found, requires, keep)
        elif decision.verdict is Verdict.REPLACE:
            self._replace_row(row, definition, decision, found.props, found.metadata, requires, keep)
        else:
            self._refuse_inputs(number, row, Failed(f'{decision.reason} is not supported.', 'NotSupported'))

    def _skip(self, number: int, row: Row) -> None:
        """A resource that could not be brought back counts as it is, whatever that is."""
        if row.status is Status.FAILED:
            # It is not tried once more in what goes on from here.
            row = replace(row, keep={name: value for name, value in row.keep.items() if name != 'unsure'})
            self._ended(row.to(Action.UPDATE, Status.COMPLETE, 'Skipped by request; it may differ from what '
                               'its template says', goal_seq=self.goal.seq))
        self._complete(number)

    def _evaluate(self, definition: Definition, row: Row) -> Evaluated:
        return self._if_gone(row, evaluate(definition, self._as_seen(row), self.types, self.scope))

    def _as_seen(self, row: Row) -> Row:
        """The row with the properties that its thing has in the cloud, as far as it was looked at."""
        differs = self._observed.get(row.uuid)
        return replace(row, props={**(row.props or {}), **differs}) if differs else row

    def _if_gone(self, row: Row, found: Evaluated) -> Evaluated:
        gone = row.uuid in self._observed and self._observed[row.uuid] is None
        if not gone or found.failure is not None:
            return found
        return replace(found, decision=Decision(
            Verdict.REPLACE, reason=f'The Resource {row.name} requires replacement: it is gone.'))

    def _decided(self, row: Row, definition: Definition, found: Evaluated, decision: Decision) -> None:
        """What was decided, for those who only look."""

    def _final(self, row: Row, decision: Decision, wanted: tuple[Any, ...]) -> Decision:
        """The decision with what the properties do not tell."""
        if (self.types.of(row).renewed and row.goal_seq != self.goal.seq
                and decision.verdict in (Verdict.KEEP, Verdict.UPDATE)):
            return Decision(Verdict.REPLACE, reason=f'The Resource {row.name} requires replacement.')
        if decision.verdict is not Verdict.KEEP:
            return decision
        # The resources of a nested stack decide, each by itself, whether there is anything to do.
        within = self.types.of(row).nested and (
            row.goal_seq != self.goal.seq or row.keep.get('wanted', []) != list(wanted))
        unasked = row.goal_seq != self.goal.seq and self.types.of(row).wants_update(row)
        # What it was built on may have been made anew without reading otherwise.
        anew = self.types.of(row).follows and not set(row.requires) <= set(
            self._requirements(self.wanted.definitions[row.name]))
        # Released: its successor failed, and what it had let go must come back to it.
        again = within or unasked or anew or row.keep.get('released')
        return Decision(Verdict.UPDATE) if again else decision

    def _must_observe(self, row: Row) -> bool:
        return bool(self.goal.options.get('observe') and self.types.of(row).observes
                    and row.status is Status.COMPLETE and row.physical_id is not None
                    and row.uuid not in self._observed)

    def _holds(self, row: Row) -> bool:
        """Whether a hook holds the update of a resource, be there something to do in it or not."""
        begins = self.goal.action is Action.UPDATE and row.goal_seq != self.goal.seq
        return begins and row.action is not Action.INIT and self._pauses(row, 'pre', Action.UPDATE)

    def _restricts(self, number: int, row: Row, decision: Decision, own: Decision) -> bool:
        """Whether environment, policy or request forbid what was decided; then the goal fails.

        ``own`` is the decision by what the resource itself asks for.
        """
        sentence = self._restriction(row, decision, own)
        if not sentence:
            return False
        self._forbid(row, Action.UPDATE, sentence)
        self._blocked.add(number)
        return True

    def _restriction(self, row: Row, decision: Decision, own: Decision) -> str:
        if decision.verdict not in (Verdict.UPDATE, Verdict.REPLACE) or row.action is Action.INIT:
            return ''
        if decision.verdict.value in self.restraints.restricted(row.name):
            return f'{decision.verdict.value} is restricted for resource.'
        if decision.verdict is Verdict.REPLACE and row.name in self.goal.options.get('guard', ()):
            return f'{row.name} is guarded and may not be replaced.'
        if own.verdict is Verdict.KEEP and decision.verdict is Verdict.UPDATE:
            # What is inside decides for itself, under a policy that lets nothing happen to it.
            return ''
        action = stack_policy.REPLACE if decision.verdict is Verdict.REPLACE else stack_policy.MODIFY
        return self._policy.denial(action, row.name, row.type)

    def _unasked(self, row: Row) -> str:
        """Why a replacement that an update has asked for may not be; '' if it may."""
        if 'replace' in self.restraints.restricted(row.name):
            return 'replace is restricted for resource.'
        return self._policy.denial(stack_policy.REPLACE, row.name, row.type)

    def _forbid(self, row: Row, action: Action, sentence: str) -> None:
        """Told, and the goal fails; the resource stays as it is."""
        refused = Failed(sentence, 'ResourceActionRestricted')
        self._emit(replace(row, action=action, status=Status.FAILED), reason=sentence)
        self._fail(replace(row, action=action, reason=refused.reason(row.name)), refused)

    def _keep(self, number: int, row: Row, called: str, requires: tuple[str, ...], keep: dict[str, Any],
              wanted: tuple[Any, ...]) -> None:
        if (set(row.requires) != set(requires) or row.keep != keep or row.replaced_by
                or row.type != called):
            row = replace(row, type=called, requires=requires, keep=keep, replaced_by=None)
            self._save(row)
        kind = self.types.of(row)
        missing = () if kind.nested else tuple(w for w in wanted if w not in row.attrs)
        if missing and not kind.pure:
            self._task(row, 'read', missing)
        else:
            self._complete(number)

    def _update(self, row: Row, called: str, found: Evaluated, requires: tuple[str, ...],
                keep: dict[str, Any]) -> None:
        if self._pauses(row, 'pre', Action.UPDATE):
            return
        row = self.rows[row.uuid]
        revive = {'revive': True} if row.status is not Status.COMPLETE else {}
        if row.keep.get('released'):
            revive['restore'] = True
        old = {**standing(row, found.props), **(self._observed.get(row.uuid) or {})}
        changes = {'keep': {**keep, **revive, 'old_props': old}, 'props': found.props,
                   'requires': requires, 'replaced_by': None, 'type': called}
        if found.metadata != row.keep.get('metadata', {}):
            changes['metadata'] = found.metadata
        if drift.KEPT in row.data:
            # What a check found before is not so any more.
            changes['data'] = drift.recorded(row, None)
        self._start(self._restarted(row), Action.UPDATE, **changes)

    def _pauses_again(self, row: Row) -> bool:
        """Whether the hook after a step done under this goal still holds."""
        done = row.goal_seq == self.goal.seq and row.status is Status.COMPLETE
        return done and row.action in (Action.CREATE, Action.UPDATE) and breakpoints.state(
            row, breakpoints.name('post', row.action), self.goal.seq) == breakpoints.SET and self._pauses(
                row, 'post', row.action)

    # -- things that stand elsewhere ------------------------------------------------------------------

    def _elsewhere(self, number: int, row: Row, definition: Definition, found: Evaluated,
                   requires: tuple[str, ...], keep: dict[str, Any]) -> None:
        """A thing that others made and manage: it is looked at, never made, changed or deleted."""
        external = definition.external_id
        identity = None if external is None else external.value(self.scope)
        said = flaw(str(identity))
        if row.action is Action.INIT and said:
            self._refuse_inputs(number, row, Failed(f'The external_id of {row.name} {said}.',
                                                    'StackValidationFailed'))
            return
        if row.action is Action.INIT:
            row = replace(row, physical_id=str(identity), props=found.props, metadata=found.metadata,
                          requires=requires, keep={**keep, 'external': identity})
            for status in (Status.IN_PROGRESS, Status.COMPLETE):
                row = row.to(Action.ADOPT, status, goal_seq=self.goal.seq)
                self._emit(row)
        elif row.keep.get('external') != identity:
            sentence = f'Update to property external_id of {row.name} ({row.type}) is not supported.'
            self._refuse_inputs(number, row, Failed(sentence, 'NotSupported'))
            return
        elif row.status is Status.COMPLETE:
            self._keep(number, row, definition.type, requires, {**keep, 'external': identity},
                       self._wanted_attributes(row))
            return
        else:
            row = replace(self._restarted(row), requires=requires, keep={**keep, 'external': identity})
        self._worked = True
        kind = self.types.of(row)
        if kind.nested or kind.pure or not kind.supports(Action.CHECK):
            self._save(row)
            self._complete(number)
        else:
            self._start(row, Action.CHECK)

    def _sound_predecessor(self, definition: Definition, row: Row,
                           found: Evaluated) -> tuple[Row, Evaluated]:
        """Before making a third thing: the one replaced earlier may be just what is wanted again."""
        for uuid in tuple(self._named.get(row.name, ())):
            other = self.rows.get(uuid)
            if (other is not None and uuid != row.uuid and other.action is not Action.DELETE
                    and uuid not in self._busy):
                instead = self._evaluate(definition, other)
                if instead.decision.verdict is Verdict.KEEP:
                    self._best[row.name] = other.uuid
                    return other, instead
        return row, found

    def _restarted(self, row: Row) -> Row:
        """A row whose last step was cut short is settled before a new one begins."""
        return replace(row, status=Status.FAILED) if row.status is Status.IN_PROGRESS else row

    def _start_create(self, row: Row, props: dict[str, Any], metadata: dict[str, Any],
                      requires: tuple[str, ...], keep: dict[str, Any], verb: Action = Action.CREATE) -> None:
        if verb is Action.CREATE and self._pauses(row, 'pre', verb):
            return
        self._start(self.rows.get(row.uuid, row), verb, props=props, metadata=metadata, requires=requires,
                    keep=keep)

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
        if self._must_release(new, props):
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

    def _must_release(self, row: Row, props: Mapping[str, Any]) -> bool:
        """Whether the thing that ``row`` replaces must let go of something first."""
        old = self.rows.get(row.replaces or '')
        if old is not None and self.wanted.aws and retained(old, self.goal):
            # It stays in the cloud as it is.
            return False
        return (old is not None and old.action is not Action.DELETE and old.physical_id is not None
                and not old.keep.get('released') and self.types.of(old).releases
                and self.types.of(old).in_the_way(old, props))

    def _task(self, row: Row, task: str, wanted: tuple[Any, ...] = ()) -> None:
        """A step that does not change the state of its row."""
        step = self._busy[row.uuid] = Step(row.uuid, row.action, wanted, task=task)
        self._effects.append(Start(step))

    def _refuse_inputs(self, number: int, row: Row, failure: Failed, action: Action | None = None) -> None:
        if action is None:
            action = Action.CREATE if row.action is Action.INIT else Action.UPDATE
        begun = self._restarted(row).to(action, Status.IN_PROGRESS, goal_seq=self.goal.seq)
        self._emit(begun)
        self._end_failed(begun, failure)
        self._blocked.add(number)

    def _requirements(self, definition: Definition) -> tuple[str, ...]:
        number = self.graph.index[Up(definition.name)]
        names = (self.graph.nodes[i].name for i in self.graph.need[number])
        return tuple(sorted(self._best[name] for name in names if name in self._best))

    # -- down and in place -----------------------------------------------------------------------

    def _down(self, number: int, node: Down) -> None:
        row = self.rows.get(node.uuid)
        if row is None or (self._best.get(node.name) == node.uuid and node.name in self.wanted.definitions):
            self._complete(number)
        elif row.gone:
            after = breakpoints.name('post', Action.DELETE)
            if breakpoints.state(row, after, self.goal.seq) == breakpoints.SET:
                self._pauses(row, 'post', Action.DELETE)
            else:
                self._complete(number)
        elif row.action is Action.INIT and row.physical_id is None:
            # Never begun: nothing to take away, nothing to tell.
            self._discard(row)
            self._complete(number)
        elif node.name not in self.wanted.definitions and node.name in self.goal.options.get('guard', ()):
            self._forbid(row, Action.DELETE, f'{row.name} is guarded and may not be deleted.')
            self._blocked.add(number)
        elif node.name not in self.wanted.definitions and (
                denied := self._policy.denial(stack_policy.DELETE, row.name, row.type)):
            self._forbid(row, Action.DELETE, denied)
            self._blocked.add(number)
        elif not self._pauses(row, 'pre', Action.DELETE):
            self._take_away(number, self.rows[row.uuid])

    def _take_away(self, number: int, row: Row) -> None:
        stays, policy = self._stays(row) or self._taken_up(row), row.keep.get('deletion_policy')
        if stays and not self.types.of(row).nested:
            self._worked = True
            begun = row.to(Action.DELETE, Status.IN_PROGRESS, goal_seq=self.goal.seq)
            self._emit(begun)
            self._ended(begun.to(Action.DELETE, Status.COMPLETE))
            self._complete(number)
        elif stays:
            # The stack that it is goes, and what is in it stays.
            self._start(row, Action.DELETE, keep={**row.keep, 'abandon': True})
        elif policy == 'Snapshot' and row.status is Status.COMPLETE and row.physical_id is not None:
            self._start(row, Action.DELETE, keep={**row.keep, 'last_snapshot': True})
        else:
            self._start(row, Action.DELETE)

    def _taken_up(self, row: Row) -> bool:
        """Whether its successor stands for the same thing: a link that was missing and is made again."""
        others = (self.rows.get(uuid) for uuid in self._named.get(row.name, ()) if uuid != row.uuid)
        return any(other is not None and other.action is not Action.DELETE
                   and other.class_name == row.class_name and self.types.of(row).same_thing(row, other)
                   for other in others)

    def _stays(self, row: Row) -> bool:
        options = self.goal.options
        if row.name in options.get('skip', ()) and row.state == (Action.DELETE, Status.FAILED):
            return True
        return (retained(row, self.goal) or row.keep.get('external') is not None
                or bool(options.get('abandon')) or row.name in options.get('retain', ()))

    def _verb(self, number: int, node: Up) -> None:
        row = self.row_of(node.name)
        action = self.goal.action
        if row is not None and action in (Action.SUSPEND, Action.SNAPSHOT) and self._unsound(row, action):
            state = f'{row.action}_{row.status}'
            refused = Failed(f'State {state} invalid for {action.lower()}', 'Error')
            self._fail(replace(row, action=action, reason=refused.reason(row.name)), refused)
            self._blocked.add(number)
        elif row is None or row.action is Action.INIT or (
                row.state == (action, Status.COMPLETE) and row.goal_seq == self.goal.seq):
            self._complete(number)
        elif action is Action.CHECK and not self.types.of(row).supports(action):
            self._unsupported = True
            self._ended(row.to(action, Status.COMPLETE, f'{action} not supported for {row.type}',
                               goal_seq=self.goal.seq))
            self._complete(number)
        elif row.keep.get('external') is not None and action is not Action.CHECK:
            self._ended(row.to(action, Status.COMPLETE, goal_seq=self.goal.seq))
            self._complete(number)
        else:
            self._start(self._restarted(row), action)

    def _unsound(self, row: Row, action: Action) -> bool:
        """Whether there is nothing of which one could say afterwards that it is suspended or kept."""
        if row.action is Action.INIT:
            return action is Action.SNAPSHOT
        return row.status is Status.FAILED and row.action is not action and row.goal_seq != self.goal.seq

    # -- steps -------------------------------------------------------------------------------------

    def _start(self, row: Row, verb: Action, **changes: Any) -> None:
        if verb is not Action.DELETE or row.physical_id is not None or row.intent is None:
            # A creation whose answer never came must still be looked for before it is taken away.
            changes |= {'intent': None, 'memo': ()}
        if verb is Action.CHECK:
            changes['keep'] = {**settled_keep(replace(row, keep=changes.get('keep', row.keep))),
                               **self._restricted(row)}
        begun = row.to(verb, Status.IN_PROGRESS, goal_seq=self.goal.seq, **changes)
        kind = self.types.of(begun)
        # Whether there was anything to do in a nested stack is known when it has ended.
        self._worked |= not (kind.nested and verb is Action.UPDATE)
        # Until it is taken over a thing shows the name that one made here would have.
        self._emit(replace(begun, physical_id=None) if verb is Action.ADOPT else begun)
        step = Step(begun.uuid, verb, self._wanted_attributes(begun))
        if kind.pure:
            outcome, after = kind.compute(verb, begun, self.stack.identity)
            if verb is Action.ADOPT and isinstance(outcome, Done):
                outcome = replace(outcome, physical_id=begun.physical_id)
            self.rows[begun.uuid] = begun
            self._end(step, after, outcome)
            return
        self._save(begun)
        self._busy[begun.uuid] = step
        self._effects.append(Start(step))

    def _restricted(self, row: Row) -> dict[str, Any]:
        """What a check may not tell of the row."""
        definition = None if self.goal.options.get('veiled') else self.wanted.definitions.get(row.name)
        return drift.restricted(definition, self.types.of(row).schema.properties,
                                self.wanted.masked.get(row.name, frozenset()))

    def _step_done(self, event: StepDone) -> None:
        self._busy.pop(event.step.uuid, None)
        self._worked |= not event.idle and event.step.task == 'verb'
        stale = event.step.uuid in self._of_old_goal
        self._of_old_goal.discard(event.step.uuid)
        self._end(event.step, event.row, event.outcome, stale)

    def _end(self, step: Step, row: Row, outcome: Outcome, stale: bool = False) -> None:
        if step.task != 'verb':
            self._task_done(step, row, outcome)
            return
        let_go = row.keep.get('released')
        changes: dict[str, Any] = {'keep': settled_keep(row)}
        if isinstance(outcome, Failed) and (left := unsure(row) or begun(self.types.of(row), row)):
            changes['keep']['unsure'] = left
        if not isinstance(outcome, Failed):
            changes |= {'intent': None, 'memo': ()}
        if isinstance(outcome, Done):
            changes |= {'attrs': {**row.attrs, **outcome.attrs},
                        'physical_id': outcome.physical_id or row.physical_id}
        row = replace(row, **changes)
        if isinstance(outcome, Done):
            row = self._ended(row.to(row.action, Status.COMPLETE, outcome.reason), stale)
            if stale:
                self._revisit(row)
            elif row.uuid not in self._paused:
                self._node_done(row)
        elif isinstance(outcome, Replace) and (refused := self._unasked(row)):
            # Nothing was done to it yet.
            old = replace(row.to(Action.UPDATE, Status.COMPLETE, ''), intent=None, memo=(),
                          props=step_old_props(event_row=self.rows[row.uuid]))
            self._save(old)
            if stale:
                self._revisit(old)
            else:
                self._forbid(old, Action.UPDATE, refused)
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
        elif row.action is Action.DELETE and self.goal.options.get('force') and not stale:
            self._leave_behind(row, outcome)
        else:
            self._end_failed(row, outcome, counts=not stale)
            if stale:
                self._revisit(row)

    def _leave_behind(self, row: Row, outcome: Failed) -> None:
        """A forced deletion goes on past what cannot be deleted, and says what may be left."""
        thing = f'{row.type} {row.name} [{row.physical_id or "id unknown"}]'
        self._left_behind.append(thing)
        row = replace(row, intent=None, memo=())
        self._ended(row.to(Action.DELETE, Status.COMPLETE,
                           f'Forced; {thing} may be left behind: {outcome.reason(row.name)}'))
        self._node_done(row)

    def _replace_asked(self, old: Row, tried: Row) -> None:
        """The update itself found that only a new resource will do."""
        definition = self.wanted.definitions[old.name]
        new = self._new_row(old.name, definition, replaces=old.uuid)
        self._save(self._superseded(old, new, definition))
        if self._must_release(new, tried.props or {}):
            self._save(new)
            self._task(old, 'release')
        else:
            self._start_create(new, tried.props or {}, tried.metadata, tried.requires, settled_keep(tried))

    def _task_done(self, step: Step, row: Row, outcome: Outcome) -> None:
        """Attributes were fetched, the cloud was looked at, or a thing to be replaced has let go."""
        number = self.graph.index.get(Up(row.name))
        row = replace(row, intent=None, memo=())
        if step.task == 'observe' and not isinstance(outcome, Failed):
            self._observed[row.uuid] = outcome.attrs if isinstance(outcome, Done) else None
            self._revisit(row)
            return
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

    def _ended(self, row: Row, stale: bool = False) -> Row:
        """Told and kept, or done with for good; a hook may hold what comes after it."""
        self._emit(row)
        self.rows[row.uuid] = row
        hooked = row.action in (Action.CREATE, Action.UPDATE, Action.DELETE) and not stale
        if hooked and self._pauses(row, 'post', row.action):
            return self.rows[row.uuid]
        if row.gone and self.goal.action is not Action.DELETE:
            self._discard(row)
        else:
            self._save(row)
        return row
