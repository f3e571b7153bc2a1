"""A plan seen before it is walked: the same traversal, with what is not known yet.

Purpose: what an update, creation or deletion would do to each resource and
property, and why. Invariant: decisions are ``Traversal``'s own; nothing is looked
up and no row of the caller is changed; what only the cloud will tell is UNKNOWN,
unless it was looked at before, and a decision that hangs on it is conditional.
Neighbours: ``printed`` prints plans, ``engine.plans`` expands nested stacks, has the
cloud looked at and keeps plans.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import Any

from heat import schema
from heat.model.outcome import Done, Failed, Outcome
from heat.model.plan import Change, Entry
from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action
from heat.plan.candidates import Evaluated, evaluate
from heat.plan.decide import Decision, Verdict, decide, standing
from heat.plan.effects import Cancel, Cancelled, Effect, GoOn, Start, Step, StepDone
from heat.plan.scope import StackScope
from heat.plan.traversal import Traversal, Wanted
from heat.plan.types import Types
from heat.schema import UNKNOWN
from heat.template.definition import Definition
from heat.template.expr import Constant, Expr, items_of
from heat.template.restraints import FREE, Restraints


@dataclass(frozen=True, slots=True)
class Source:
    """What the stack is to be made from, for naming causes: definitions before parameters went in.

    ``standing`` are those of what it is made from now. ``changed`` and ``hidden`` are names of
    parameters, ``hidden`` of either. ``veiled``: what the stack is made from has hidden values in
    it, so none is shown.
    """

    definitions: Mapping[str, Definition] = field(default_factory=dict)
    standing: Mapping[str, Definition] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    veiled: bool = False


@dataclass(frozen=True, slots=True)
class Inner:
    """A nested stack as it would be walked to."""

    stack: Stack
    goal: Goal
    wanted: Wanted
    rows: Mapping[str, Row]
    types: Types
    source: Source = Source()
    restraints: Restraints = FREE


class Extent(Enum):
    """How far a preview goes.

    WHOLE: every entry with those inside of it. OUTER: the stack's own entries, and a nested stack
    is looked into only where its resource's action hangs on it. WHETHER: until it is sure that
    something changes, or that nothing does.
    """

    WHOLE = 'whole'
    OUTER = 'outer'
    WHETHER = 'whether'

    @property
    def inside(self) -> Extent:
        return Extent.WHOLE if self is Extent.WHOLE else Extent.WHETHER


Looked = Mapping[str, Outcome]
NOT_LOOKED: Looked = {}
Expand = Callable[[Stack, Row, Action], Inner | None]
"""(the stack around, the nested resource's row, what is done to it) -> its stack, None if not known."""


class PreviewScope(StackScope):
    """Values as they will be. ``loose`` maps names to 'all' or 'attributes': what is not known of them."""

    def __init__(self, facts: Any, definitions: Mapping[str, Definition], types: Types,
                 row_of: Callable[[str], Row | None], loose: Mapping[str, str], tags: Sequence[str]) -> None:
        super().__init__(facts, definitions, types, row_of, tags)
        self._kinds, self._at, self._loose = types, row_of, loose

    def reference(self, resource: str) -> Any:
        return UNKNOWN if self._loose.get(resource) == 'all' else super().reference(resource)

    def attribute(self, resource: str, attribute: str | None, path: tuple[Any, ...]) -> Any:
        value = super().attribute(resource, attribute, path)
        row = self._at(resource)
        if resource in self._loose or row is None:
            return UNKNOWN
        kind = self._kinds.of(row)
        fetched = kind.pure or kind.nested or attribute is None or attribute in row.attrs
        return UNKNOWN if value is None and not fetched else value


class Preview(Traversal):
    """A traversal over copies, in which every step succeeds at once and tells nothing."""

    def __init__(self, inner: Inner, expand: Expand, looked: Looked = NOT_LOOKED,
                 extent: Extent = Extent.WHOLE, only: frozenset[str] | None = None) -> None:
        """``looked``: what things in the cloud are like, by row; only of these is it known.

        ``only``: the resources that are asked about (``group/0`` for inner ones), None for all. Nested
        stacks that none of them is in, and that nothing refers to, are not looked into.
        """
        self._looked, self._extent, self._only = looked, extent, only
        # Whether something surely is not kept, whatever comes after it.
        self._moved = False
        self.loose: dict[str, str] = {}
        self.entries: dict[str, Entry] = {}
        self._source, self._expand = inner.source, expand
        self._definite: dict[str, Decision] = {}
        # Resources that have hidden values in them, and may give them away.
        self._secretive: set[str] = set()
        super().__init__(inner.stack, inner.goal, inner.wanted, dict(inner.rows), inner.types,
                         restraints=inner.restraints)

    def run(self) -> tuple[Entry, ...]:
        """Every resource's entry: those of the template in its order, then those that go."""
        queue: deque[Effect] = deque(self.begin())
        while (queue or self.more) and not (self._moved and self._extent is Extent.WHETHER):
            effect = queue.popleft() if queue else None
            if effect is None:
                queue.extend(self.on(GoOn()))
            elif isinstance(effect, Start):
                queue.extend(self._performed(effect.step))
            elif isinstance(effect, Cancel) and effect.uuid in self._busy:
                queue.extend(self.on(Cancelled(self._busy[effect.uuid], self.rows[effect.uuid])))
        order = {name: index for index, name in enumerate(self.wanted.definitions)}
        return tuple(self.entries[key] for key in sorted(
            self.entries, key=lambda key: (order.get(key, len(order)), key)))

    # -- what is decided --------------------------------------------------------------------------

    def _scope(self) -> StackScope:
        return PreviewScope(self.wanted.facts, self.wanted.definitions, self.types, self.row_of, self.loose,
                            self._tags())

    def _evaluate(self, definition: Definition, row: Row) -> Evaluated:
        there = self._as_seen(row)
        found = evaluate(definition, there, self.types, self.scope, unknown_ok=True)
        if found.failure is None:
            kind = self.types(definition.type, definition.name)
            old = there.props or {}
            known = {name: old.get(name) if schema.has_unknown(value) else value
                     for name, value in found.props.items()}
            metadata = row.keep.get('metadata', {}) if schema.has_unknown(found.metadata) else found.metadata
            loose = metadata is not found.metadata or any(
                known[name] is not value for name, value in found.props.items())
            self._definite[row.uuid] = decide(kind, there, known, metadata) if loose else found.decision
            gone = self._if_gone(row, found)
            if gone is not found:
                self._definite[row.uuid] = gone.decision
                found = gone
        return found

    def _decided(self, row: Row, definition: Definition, found: Evaluated, decision: Decision) -> None:
        sources = [self._source.definitions.get(row.name, definition)]
        if row.name in self._source.standing:
            sources.append(self._source.standing[row.name])
        if self._source.veiled or ((self._source.hidden or self._secretive) and any(
                self._veils(part) for source in sources for _place, part in source.parts())):
            self._secretive.add(row.name)
        definite = self._final(row, self._definite.get(row.uuid, decision), self._wanted_attributes(row))
        action = {Verdict.REFUSE: 'refuse'}.get(decision.verdict, decision.verdict.value)
        conditional = definite.verdict is not decision.verdict
        reason = '' if decision.verdict is Verdict.KEEP else decision.reason
        entry = Entry(row.name, definition.type, action, row.physical_id, conditional,
                      definite.verdict.value if conditional else '', reason,
                      () if found.decision.verdict is Verdict.KEEP else
                      tuple(self._changes(row, definition, found, decision)))
        known = self.entries.get(row.name)
        if known is None or known.action != 'replace' or row.replaces is None:
            # Else it is the new one of a thing that had to let go of something first.
            self.entries[row.name] = entry
        # What is looked at in the cloud is decided once more.
        self._moved |= not self._looked and action != 'keep' and not (
            self._hangs_on_inside(entry) and self.types.of(row).nested)
        if decision.verdict in (Verdict.CREATE, Verdict.REPLACE):
            self.loose[row.name] = 'all'
        elif decision.verdict is Verdict.UPDATE:
            self.loose[row.name] = 'attributes'

    def _changes(self, row: Row, definition: Definition, found: Evaluated,
                 decision: Decision) -> list[Change]:
        kind = self.types(definition.type, definition.name)
        making = decision.verdict in (Verdict.CREATE, Verdict.ADOPT) or row.class_name != kind.type
        old = {} if making else standing(self._as_seen(row), found.props)
        given = items_of(definition.properties)
        changes = []
        for name in schema.diff(kind.schema, old, found.props).changed:
            after = found.props.get(name)
            if making and name not in given:
                # A default of the type; nobody has asked for it.
                continue
            effect = 'none' if making else schema.effect(kind.schema, [name])
            change = self._change(name, old.get(name), after, effect, definition, making)
            if name in (self._observed.get(row.uuid) or ()):
                change = replace(change, cause=('changed in the cloud',))
            changes.append(change)
        before = row.keep.get('metadata', {})
        if not making and not schema.same(before, found.metadata):
            changes.append(Change('metadata', before, found.metadata, 'update',
                                  schema.has_unknown(found.metadata), ('template',),
                                  self._hides(definition, lambda one: one.metadata)))
        return changes

    def _change(self, name: str, before: Any, after: Any, effect: str, definition: Definition,
                making: bool) -> Change:
        def of(source: Definition) -> Expr:
            return items_of(source.properties).get(name) or (
                source.properties if not isinstance(source.properties, Constant) else Constant(None))

        expr = of(self._source.definitions.get(definition.name, definition))
        names = expr.parameters()
        cause = [f'parameter {one}' for one in sorted(names & self._source.changed)]
        for ref in sorted(expr.refs(), key=str):
            entry = self.entries.get(ref.resource)
            moved = ('create', 'replace', 'update') if ref.kind == 'attribute' else ('create', 'replace')
            if entry is not None and entry.action in moved:
                attribute = '' if ref.attribute is None else f' ({ref.attribute})'
                cause.append(f'{ref.resource}{attribute} {_told(entry)}')
        return Change(name, before, after, effect, not making and schema.has_unknown(after),
                      tuple(dict.fromkeys(cause)) or (() if making else ('template',)),
                      self._hides(definition, of))

    def _hides(self, definition: Definition, part: Callable[[Definition], Expr]) -> bool:
        """Whether something hidden may stand in a part of the resource, now or then."""
        then = self._source.definitions.get(definition.name, definition)
        now = self._source.standing.get(definition.name, then)
        return self._source.veiled or self._veils(part(then)) or self._veils(part(now))

    def _veils(self, expr: Expr) -> bool:
        """Whether a hidden parameter's value may be in it, be it by way of a resource that has one."""
        return bool(expr.parameters() & self._source.hidden) or any(
            ref.kind == 'attribute' and ref.resource in self._secretive for ref in expr.refs())

    def _restricts(self, number: int, row: Row, decision: Decision, own: Decision) -> bool:
        sentence = self._restriction(row, decision, own)
        if sentence:
            self.entries[row.name] = replace(self.entries[row.name], refused=sentence)
        return False

    def _refuse_inputs(self, number: int, row: Row, failure: Failed, action: Action | None = None) -> None:
        said = failure.reason(row.name)
        known = self.entries.get(row.name) or Entry(row.name, row.type, 'refuse', row.physical_id)
        self.entries[row.name] = replace(known, action='refuse', conditional=False, reason=said, refused=said)
        self._complete(number)

    def _forbid(self, row: Row, action: Action, sentence: str) -> None:
        self.entries[row.name] = Entry(row.name, row.type, 'delete', row.physical_id, refused=sentence)

    # -- what happens then ----------------------------------------------------------------------------

    def _pauses(self, row: Row, when: str, verb: Action) -> bool:
        return False

    def _must_observe(self, row: Row) -> bool:
        return row.uuid in self._looked and super()._must_observe(row)

    def _elsewhere(self, number: int, row: Row, definition: Definition, found: Evaluated,
                   requires: tuple[str, ...], keep: dict[str, Any]) -> None:
        super()._elsewhere(number, row, definition, found, requires, keep)
        if row.name not in self.entries:
            there = self.rows.get(row.uuid, row)
            self.entries[row.name] = Entry(row.name, row.type, 'keep', there.physical_id,
                                           reason='managed elsewhere')

    def _take_away(self, number: int, row: Row) -> None:
        entry = self.entries.get(row.name)
        action = 'retain' if self._stays(row) else 'delete'
        inner = self._inside(row, Action.DELETE) if (
            self.types.of(row).nested and action == 'delete' and self._extent is Extent.WHOLE
            and self._concerns(row.name)) else ()
        if entry is None:
            self._moved = True
            self.entries[row.name] = Entry(row.name, row.type, action, row.physical_id, inner=inner)
        super()._take_away(number, row)

    def _start(self, row: Row, verb: Action, **changes: Any) -> None:
        kind = self.types.of(row)
        if kind.pure:
            begun = replace(row, **changes)
            self.rows[row.uuid] = begun
            done = begun.to(verb, begun.status.IN_PROGRESS, goal_seq=self.goal.seq)
            if kind.settled and verb is not Action.DELETE and not schema.has_unknown(begun.props or {}):
                outcome, after = kind.compute(verb, done, self.stack.identity)
                self.loose.pop(row.name, None)
                self._end(Step(row.uuid, verb), after, outcome)
            else:
                self._end(Step(row.uuid, verb), done, Done())
            return
        super()._start(row, verb, **changes)

    def _performed(self, step: Step) -> list[Effect]:
        row = self.rows.get(step.uuid)
        if row is None or step.uuid not in self._busy:
            # Something under way in a stack that is being worked on; it was cancelled meanwhile.
            return []
        if step.task == 'observe':
            return self.on(StepDone(step, row, self._looked[row.uuid]))
        if step.task == 'read':
            return self.on(StepDone(step, row, Done(attrs=dict.fromkeys(step.wanted, UNKNOWN))))
        if step.task == 'verb' and self.types.of(row).nested and step.verb in (Action.CREATE, Action.UPDATE):
            entry = self.entries.get(row.name)
            if entry is not None:
                self.entries[row.name] = self._looked_into(entry, row, step.verb)
        return self.on(StepDone(step, row, Done()))

    def _looked_into(self, entry: Entry, row: Row, verb: Action) -> Entry:
        """A stack in which nothing changes is itself unchanged, though it is looked into."""
        hangs = self._hangs_on_inside(entry)
        if (self._extent is not Extent.WHOLE and not hangs) or not self._concerns(entry.name):
            return entry
        inner = self._inside(row, verb)
        if self._extent is Extent.WHOLE:
            entry = replace(entry, inner=inner)
        if not hangs or inner is None or any(one.action != 'keep' for one in inner):
            self._moved = True
            return entry
        self.loose.pop(entry.name, None)
        return replace(entry, action='keep', reason='')

    @cached_property
    def _referred(self) -> frozenset[str]:
        """Whose values others are made from."""
        return frozenset(ref.resource for one in self.wanted.definitions.values() for ref in one.refs())

    def _concerns(self, name: str) -> bool:
        """Whether what is in a nested stack may change anything for who is asked about."""
        return self._only is None or name in self._referred or bool(self._only_inside(name))

    def _only_inside(self, name: str) -> frozenset[str] | None:
        if self._only is None or name in self._referred:
            return None
        return frozenset(path.removeprefix(f'{name}/') for path in self._only if path.startswith(f'{name}/'))

    @staticmethod
    def _hangs_on_inside(entry: Entry) -> bool:
        """Whether a nested stack's resources tell if there is anything to do to it."""
        return entry.action == 'update' and not entry.conditional and not entry.changes

    def _inside(self, row: Row, verb: Action) -> tuple[Entry, ...] | None:
        if verb is Action.UPDATE and schema.has_unknown(row.props or {}):
            # What is made anew is seen all the same, as far as it does not hang on what is not known.
            return None
        inner = self._expand(self.stack, row, verb)
        if inner is None:
            return None
        veiled = self._source.veiled or row.name in self._secretive
        return Preview(replace(inner, source=replace(inner.source, veiled=veiled)), self._expand,
                       self._looked, self._extent.inside, self._only_inside(row.name)).run()

    def _finish(self) -> None:
        self.finished = True


def _told(entry: Entry) -> str:
    """What becomes of a resource that others refer to."""
    words = {'create': 'created', 'replace': 'replaced', 'update': 'updated'}
    return f'{"may be" if entry.conditional else "is"} {words[entry.action]}'


def walk(entries: tuple[Entry, ...] | None,
         path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Entry]]:
    """Every entry of a plan with the names that lead to it, nested ones after what they are in."""
    found: list[tuple[tuple[str, ...], Entry]] = []
    for entry in entries or ():
        here = (*path, entry.name)
        found += [(here, entry), *walk(entry.inner, here)]
    return found
