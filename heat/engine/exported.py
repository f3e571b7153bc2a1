"""A stack as the data from which it can be adopted or restored.

Purpose: the one shape that export, abandon and snapshots share. Invariant: pure;
it holds private data in clear, since an adoption needs it: whoever stores it
encrypts it. Neighbours: ``actions`` answers and keeps it, ``carry`` takes it when
a snapshot is complete. Interface: ``stack_abandon`` of the REST contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from heat.engine.tree import StackRun, Tree
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Action
from heat.plan.breakpoints import KEY as HOOKS
from heat.template.environment import Environment

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One stack of a tree with what it was made from; ``rows`` are the current ones."""

    stack: Stack
    template: Mapping[str, Any]
    environment: Mapping[str, Any]
    files: Mapping[str, str]
    rows: tuple[Row, ...]


def stack_data(part: Part, child_of: Callable[[Row], Part | None], with_resources: bool = True) -> Json:
    """The stack with its resources, nested stacks in the place of the resources that they are."""
    stack = part.stack
    shown = Environment.from_dict(dict(part.environment)).to_dict()
    environment = {section: shown.get(section, [] if section == 'event_sinks' else {}) for section in (
        'event_sinks', 'parameter_defaults', 'parameters', 'resource_registry')}
    environment['resource_registry'] = {'resources': {}, **environment['resource_registry']}
    resources: Json = {}
    for row in part.rows if with_resources else ():
        child = child_of(row)
        resources[row.name] = resource_data(row) if child is None else stack_data(child, child_of)
    return {
        'name': stack.name, 'id': stack.id, 'action': str(stack.action), 'status': str(stack.status),
        'environment': environment, 'files': dict(part.files), 'template': dict(part.template),
        'resources': resources, 'project_id': stack.tenant,
        'stack_user_project_id': stack.stack_user_project_id, 'tags': list(stack.tags)}


def resource_data(row: Row) -> Json:
    return {
        'name': row.name, 'resource_id': row.physical_id, 'type': row.type, 'action': str(row.action),
        'status': str(row.status), 'metadata': row.metadata,
        'resource_data': {key: value for key, value in row.data.items() if key != HOOKS}}


def standing(rows: Iterable[Row]) -> tuple[Row, ...]:
    """The rows that stand for their names: not replaced, not on their way out."""
    return tuple(row for row in rows if row.action is not Action.DELETE and row.replaced_by is None)


def of_tree(tree: Tree, run: StackRun, whole: bool = True) -> Json:
    """A stack of a tree in memory; unless ``whole``, private data only of rows that its goal has reached.

    The others still have what an earlier snapshot kept.
    """
    def part(one: StackRun) -> Part:
        template = one.wanted.template
        rows = [row if whole or row.goal_seq == one.goal.seq else replace(row, data={})
                for row in standing(one.rows.values())]
        return Part(one.stack, template.raw if template is not None else {}, one.environment, one.files,
                    tuple(rows))

    def child_of(row: Row) -> Part | None:
        child = tree.stacks.get(row.physical_id or '')
        return None if child is None else part(child)

    return stack_data(part(run), child_of)
