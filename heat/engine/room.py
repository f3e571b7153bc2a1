"""How many resources a tree will have once a stack in it is walked to another template.

Purpose: the limit on a stack's resources for what no request was validated for: a
group that a signal resizes. Invariant: pure; what is there counts as it is, what is
new by what its definition says, and by what its type foresees where a value is not
known yet. Neighbours: ``scaling`` asks; ``validate`` counts for requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from heat import schema
from heat.common import errors
from heat.common.ids import StackId
from heat.common.text import content_hash
from heat.engine.compiled import child_environment, compile_child
from heat.engine.tree import StackRun, Tree
from heat.model.op import StepFailed
from heat.model.resource import Row
from heat.template.definition import Definition
from heat.template.expr import NullScope

UNBORN = '00000000-0000-4000-8000-000000000000'


def count(tree: Tree) -> int:
    """The resources that the stacks of a tree are to have."""
    return sum(len(run.wanted.definitions) for run in tree.stacks.values())


def count_with(tree: Tree, following: StackRun) -> int:
    """The same once the stack that ``following`` is of is made from its template."""
    now = tree.stacks.get(following.stack.id)
    before = now.wanted.definitions if now is not None else {}
    after = following.wanted.definitions
    inner: dict[str, list[StackRun]] = {}
    for run in tree.stacks.values():
        inner.setdefault(run.stack.owner_id or '', []).append(run)

    def held(stack_id: str, names: set[str] | None = None) -> int:
        return sum(len(run.wanted.definitions) + held(run.stack.id) for run in inner.get(stack_id, ())
                   if names is None or run.stack.parent_resource_name in names)

    going = set(before) - set(after)
    foreseen = _Foreseen()
    new = {name: one for name, one in after.items() if name not in before}
    more = foreseen.of(new, following.types, following.environment, following.stack.identity,
                       NullScope(dict(following.wanted.facts.parameters), following.files))
    return count(tree) - len(going) - held(following.stack.id, going) + more


class _Foreseen:
    """Counts what is not there yet; members of a group are often alike and counted once."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, definitions: Mapping[str, Definition], types: Any, environment: Mapping[str, Any],
           identity: StackId, scope: NullScope) -> int:
        return sum(1 + self._inside(one, types, environment, identity, scope)
                   for one in definitions.values())

    def _inside(self, definition: Definition, types: Any, environment: Mapping[str, Any],
                identity: StackId, scope: NullScope) -> int:
        kind: Any = types(definition.type, definition.name)
        row = Row(UNBORN, '', '', definition.name, definition.type)
        try:
            props, _wrong = schema.resolve(kind.schema.properties, definition.properties.value(scope) or {},
                                           accept_others=kind.schema.open)
            kind = kind.variant(props)
            if not kind.nested:
                return 0
            row = replace(row, props=props)
            child = kind.expand(row, None)
            inner = child_environment(environment, child, definition.name)
            alike = content_hash([child.tree, child.source, child.inside, inner])
            if alike not in self._known:
                compiled = compile_child(identity, child, inner, types)
                wanted = compiled.wanted()
                self._known[alike] = self.of(
                    wanted.definitions, compiled.types, compiled.stored_environment(), identity,
                    NullScope(dict(wanted.facts.parameters), compiled.files))
            return self._known[alike]
        except (errors.HeatException, StepFailed, ValueError, TypeError, KeyError, AttributeError):
            # Something is not known yet, or will fail with its own words when it is made.
            return int(kind.foreseen(row)) if kind.nested else 0
