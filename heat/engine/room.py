"""How many resources a tree will have once a stack in it is walked to another template.

Purpose: the limit on a stack's resources for what no request was validated for: a
group that a signal resizes, and a nested stack whose size only another resource tells.
Invariant: pure; what is there counts as it is, what is new by what its definition
says, and by what its type foresees where a value is not known yet; nothing is made
that is surely too large. Neighbours: ``scaling`` and ``carry`` ask; ``validate``
counts for requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from heat import schema
from heat.common import errors
from heat.common.ids import StackId
from heat.common.text import content_hash
from heat.engine import nested
from heat.engine.borrow import KEY
from heat.engine.compiled import child_environment, compile_child
from heat.engine.errand import Limits
from heat.engine.late import Found
from heat.engine.tree import StackRun, Tree
from heat.model.op import StepFailed
from heat.model.resource import Row
from heat.model.status import Action
from heat.template.definition import Definition
from heat.template.expr import NullScope

UNBORN = '00000000-0000-4000-8000-000000000000'


def check_resized(tree: Tree, following: StackRun, group: str, capacity: int, limits: Limits) -> None:
    """RequestLimitExceeded if a tree at rest has no room for the stack that ``following`` is of, so made."""
    if limits.resources >= 0:
        _refuse_beyond(limits.resources, count(tree), _count_with(tree, following, limits),
                       _members(group, capacity))


def check_members(tree: Tree, group: str, more: int, capacity: int, limits: Limits) -> None:
    """The same by the members alone, before as many are written out as a signal asks for."""
    if limits.resources >= 0:
        there = count(tree)
        _refuse_beyond(limits.resources, there, there + more, _members(group, capacity))


def _members(group: str, capacity: int) -> str:
    return f'with {capacity} members in group {group}'


def check_step(tree: Tree, run: StackRun, row: Row, found: Found | None, limits: Limits) -> None:
    """RequestLimitExceeded if a tree at work has no room for the stack that a step makes or changes.

    Asked before that stack is made, of ``row`` with the properties of the step: only there it is known
    how large it is if another resource tells it, or if its template was ``found`` just now.
    """
    most, definition = limits.resources, run.wanted.definitions.get(row.name)
    if most < 0 or definition is None or tree.stacks[tree.root_id].goal.action is Action.ROLLBACK:
        # What was there before may always come back.
        return
    if found is None and all(ref.kind != 'attribute' for ref in definition.properties.refs()):
        return
    foreseen = _Foreseen(limits)
    validated = foreseen.of({row.name: definition}, *_basis(run)) - 1
    inside = foreseen.held(run.types.of(row), nested.with_referred(run, row), tree.stacks.get(
        row.physical_id or ''), *_basis(run, found)[:3])
    if inside > validated:
        there = _Standing(tree)
        _refuse_beyond(most, there.count(tree.root_id), there.wanted(tree.root_id, foreseen, row, inside),
                       f'with what resource {row.name} holds')


def _refuse_beyond(most: int, there: int, wanted: int, why: str) -> None:
    """A stack that has too many already may still shrink."""
    if wanted > max(most, there):
        raise errors.RequestLimitExceeded(message=(
            f'Maximum resources per stack exceeded: {why} there would be {wanted} resources, and {most} are '
            'allowed (max_resources_per_stack).'))


def count(tree: Tree) -> int:
    """The resources that the stacks of a tree are to have."""
    return sum(len(run.wanted.definitions) for run in tree.stacks.values())


def _count_with(tree: Tree, following: StackRun, limits: Limits) -> int:
    """The same once the stack that ``following`` is of is made from its template."""
    now = tree.stacks.get(following.stack.id)
    before = now.wanted.definitions if now is not None else {}
    after = following.wanted.definitions
    inner = _by_owner(tree)

    def held(stack_id: str, names: set[str] | None = None) -> int:
        return sum(len(run.wanted.definitions) + held(run.stack.id) for run in inner.get(stack_id, ())
                   if names is None or run.stack.parent_resource_name in names)

    going = set(before) - set(after)
    new = {name: one for name, one in after.items() if name not in before}
    return count(tree) - len(going) - held(following.stack.id, going) + _Foreseen(limits).of(
        new, *_basis(following))


def _by_owner(tree: Tree) -> dict[str, list[StackRun]]:
    inner: dict[str, list[StackRun]] = {}
    for run in tree.stacks.values():
        inner.setdefault(run.stack.owner_id or '', []).append(run)
    return inner


def _basis(run: StackRun, found: Found | None = None) -> tuple[Any, Mapping[str, Any], StackId, NullScope]:
    """Types, environment, identity, and what is known of values without asking any resource."""
    types, environment = run.types, run.environment
    if found is not None:
        types = types.with_files(found.files)
        environment = {**environment, **({KEY: dict(found.borrowed)} if found.borrowed else {})}
    return types, environment, run.stack.identity, NullScope(dict(run.wanted.facts.parameters), run.files)


class _Standing:
    """A tree at work: what is replaced or on its way out does not count, what is not begun yet does."""

    def __init__(self, tree: Tree) -> None:
        self._stacks = tree.stacks
        self._inner = _by_owner(tree)

    def _children(self, run: StackRun) -> Iterable[tuple[Row, StackRun]]:
        for child in self._inner.get(run.stack.id, ()):
            row = run.rows.get(child.stack.parent_row or '')
            if row is not None and row.replaced_by is None and row.name in run.wanted.definitions:
                yield row, child

    def count(self, stack_id: str) -> int:
        """As it is now."""
        run = self._stacks[stack_id]
        return len(run.wanted.definitions) + sum(
            self.count(child.stack.id) for _row, child in self._children(run))

    def wanted(self, stack_id: str, foreseen: _Foreseen, held: Row, inside: int) -> int:
        """As it will be; the stack that the row ``held`` is has so many ``inside``."""
        run = self._stacks[stack_id]
        types, environment, identity, scope = _basis(run)
        children = {row.name: (row, child) for row, child in self._children(run)}
        total = len(run.wanted.definitions)
        for name, definition in run.wanted.definitions.items():
            row, child = children.get(name, (None, None))
            if run.rows.get(held.uuid) is not None and name == held.name:
                total += inside
            elif row is not None and child is not None and row.goal_seq == run.goal.seq:
                total += self.wanted(child.stack.id, foreseen, held, inside)
            elif types(definition.type, name).nested:
                # Not begun, or of the template before: what its definition says, as far as that is known.
                total += foreseen.of({name: definition}, types, environment, identity, scope, child) - 1
        return total


class _Foreseen:
    """Counts what is not there yet; members of a group are often alike and counted once."""

    def __init__(self, limits: Limits) -> None:
        self._most, self._depth = limits.resources, limits.nested_depth
        self._known: dict[str, int] = {}

    def of(self, definitions: Mapping[str, Definition], types: Any, environment: Mapping[str, Any],
           identity: StackId, scope: NullScope, child: StackRun | None = None) -> int:
        """The definitions' resources with what is in them; ``child`` is what stands for a single one now."""
        total = len(definitions)
        for definition in definitions.values():
            kind: Any = types(definition.type, definition.name)
            if not kind.nested:
                continue
            row = Row(UNBORN, '', '', definition.name, definition.type)
            try:
                given = definition.properties.value(scope) or {}
                props, _wrong = schema.resolve(kind.schema.properties, given, accept_others=kind.schema.open)
                kind, row = kind.variant(props), replace(row, props=props)
            except UNTOLD:
                pass
            total += self.held(kind, row, child, types, environment, identity)
        return total

    def held(self, kind: Any, row: Row, child: StackRun | None, types: Any, environment: Mapping[str, Any],
             identity: StackId) -> int:
        """The resources inside the stack that a row with these properties is; nothing for other rows."""
        if not kind.nested:
            return 0
        least = int(kind.foreseen(row))
        if least > self._most or not self._depth:
            # Enough is known; who stands in itself fails with its own words when it is made.
            return least
        self._depth -= 1
        try:
            template = kind.expand(row, None if child is None else nested.View(child))
            inner = child_environment(environment, template, row.name)
            made_from = [template.tree, template.source, template.inside, inner]
            alike = '' if schema.has_unknown(made_from) else content_hash(made_from)
            if alike in self._known:
                return self._known[alike]
            compiled = compile_child(identity, template, inner, types)
            wanted = compiled.wanted()
            inside = self.of(wanted.definitions, compiled.types, compiled.stored_environment(), identity,
                             NullScope(dict(wanted.facts.parameters), compiled.files))
            if alike:
                self._known[alike] = inside
            return inside
        except UNTOLD:
            # Something is not known yet, or will fail with its own words when it is made.
            return least if child is None else max(least, len(child.wanted.definitions))
        finally:
            self._depth += 1


UNTOLD = (errors.HeatException, StepFailed, ValueError, TypeError, KeyError, AttributeError)
