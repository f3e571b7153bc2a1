"""What a child stack is: its id, its goal, and what its end means to its parent.

Purpose: the pure part of running nested stacks in the tree of their root.
Invariant: the child's id follows from the parent's row, so a repeated
submission finds the same child. Neighbours: ``carry`` submits and is told,
``resources.nested`` says what the template is.
"""

from __future__ import annotations

import re
import uuid as uuid_module
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from heat.common.ids import physical_name
from heat.engine.compiled import child_environment, compile_wanted
from heat.engine.tree import StackRun
from heat.model.outcome import Failed
from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action, Status
from heat.plan.traversal import Traversal, Wanted

_NAMESPACE = uuid_module.UUID('5d5f0ab9-6c2a-4c0f-9b57-0e3a1f6f8f11')
_CAUSE = re.compile(
    r'Resource \w+ failed: (?:(?P<kind>\w+): )?(?:resources\.(?P<path>\S+): )?(?P<message>.*)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Made:
    """A child's next goal, ready to begin; ``row`` is the parent's row with what it must keep."""

    run: StackRun
    tree: Mapping[str, Any]
    row: Row


def child_id(row: Row) -> str:
    """The id of the stack that the row ``row`` is."""
    return str(uuid_module.uuid5(_NAMESPACE, row.uuid))


def child_goal(parent: StackRun, row: Row, verb: Action, child: StackRun | None) -> Made:
    """The child's run towards what the parent's step asks.

    Raises what compiling the child's template raises (HeatException, ValueError).
    """
    kind = parent.types.of(row)
    seq = child.goal.seq + 1 if child is not None else 1
    identity = row.physical_id or child_id(row)
    name = child.stack.name if child is not None else physical_name(parent.stack.name, row.name, row.uuid)
    goal = Goal(identity, seq, verb, 0, parent.goal.timeout_at, None, parent.goal.requested_by)
    stack = Stack(
        id=identity, name=name, tenant=parent.stack.tenant, root_id=parent.stack.root_id, template_id=0,
        action=verb, status=Status.IN_PROGRESS, reason=f'Stack {verb} started', owner_id=parent.stack.id,
        parent_resource_name=row.name, parent_row=row.uuid, nested_depth=parent.stack.nested_depth + 1,
        username=parent.stack.username, user_creds_id=parent.stack.user_creds_id,
        stack_user_project_id=parent.stack.stack_user_project_id, disable_rollback=True,
        timeout=parent.stack.timeout, goal_seq=seq)
    view = View(child) if child is not None else None
    environment: Mapping[str, Any]
    if verb in (Action.CREATE, Action.UPDATE):
        template = kind.expand(row, view)  # type: ignore[attr-defined]
        kept = kind.kept(row, view)  # type: ignore[attr-defined]
        if kept:
            row = replace(row, data={**row.data, **kept})
        tree: Mapping[str, Any] = template.tree
        environment = child_environment(parent.environment, template.parameters)
        wanted, types = compile_wanted(stack.identity, tree, environment, parent.files, parent.types)
    else:
        assert child is not None
        tree, environment, types = child.wanted.template.raw if child.wanted.template else {}, \
            child.environment, child.types
        wanted = Wanted() if verb is Action.DELETE else child.wanted
    around = replace(parent.around, stack=stack.identity)
    rows = child.rows if child is not None else {}
    run = StackRun(stack, goal, wanted, rows, types, around, environment, parent.files)
    run.traversal = Traversal(stack, goal, wanted, rows, types)
    return Made(run, tree, row)


def failure(reason: str) -> Failed:
    """The parent's failure for a child's: the root cause keeps its class and its path."""
    found = _CAUSE.fullmatch(reason)
    if found is None or not found['kind']:
        return Failed(reason)
    path = f'resources.{found["path"]}' if found['path'] else ''
    return Failed(found['message'], found['kind'], path)


def gather(parent: StackRun, row: Row, child: StackRun, wanted: tuple[Any, ...]) -> dict[str, Any]:
    """The attributes of a nested resource whose child has come to its end."""
    kind = parent.types.of(row)
    return dict(kind.gather(row, View(child), wanted))  # type: ignore[attr-defined]


def rollback_wanted(run: StackRun, goal: Goal) -> Wanted:
    """What a rollback walks to: the template before, or nothing."""
    return run.rollback_wanted if run.rollback_wanted is not None else Wanted()


class View:
    """A child stack as its parent's resource sees it."""

    def __init__(self, run: StackRun) -> None:
        self._run = run
        self._scope = _at_rest(run).scope

    def names(self) -> list[str]:
        live = {row.name for row in self._run.rows.values()
                if row.action is not Action.DELETE and row.replaced_by is None}
        ordered = [name for name in self._run.wanted.definitions if name in live]
        return ordered + sorted(live - set(ordered))

    def reference(self, name: str) -> Any:
        return self._scope.reference(name)

    def attribute(self, name: str, attribute: str, path: tuple[Any, ...] = ()) -> Any:
        return self._scope.attribute(name, attribute, path)

    def outputs(self) -> dict[str, Any]:
        template = self._run.wanted.template
        return {} if template is None else {
            name: output.value.value(self._scope) for name, output in template.outputs.items()}

    def row(self, name: str) -> Row | None:
        return self._run.traversal.row_of(name) if self._run.traversal is not None else None


def _at_rest(run: StackRun) -> Traversal:
    """The traversal of a stack; one that is not working gets a finished one, for its scope."""
    if run.traversal is None:
        run.traversal = Traversal(run.stack, run.goal, run.wanted, run.rows, run.types)
        run.traversal.rest()
    return run.traversal
