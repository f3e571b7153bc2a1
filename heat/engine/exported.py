"""A stack as the data from which it can be adopted or restored.

Purpose: the one shape that export, abandon and snapshots share. Invariant: pure;
it holds private data in clear, since an adoption needs it: whoever stores it
encrypts it, and a snapshot, which every reader may look at, is shown ``veiled``.
Neighbours: ``actions`` answers and keeps it, ``carry`` takes it when a snapshot is
complete. Interface: ``stack_abandon`` of the REST contract.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from heat.common.fault import MASK, masked
from heat.db.recrypt import hidden_names
from heat.db.templates import PARTS
from heat.engine.tree import StackRun, Tree
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Action
from heat.plan.breakpoints import KEY as HOOKS
from heat.template.environment import Environment

Json = dict[str, Any]
# Private data of these names lets somebody in; that of random strings is what they are for.
SECRETIVE = re.compile('pass|secret|private|token|key|sign|credential|account|access|url|address|endpoint|'
                       'payload|memo|at_first', re.IGNORECASE)
RANDOM = 'OS::Heat::RandomString'


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


def veiled(data: Mapping[str, Any]) -> Json:
    """``data`` without hidden parameters, and without what lets somebody in among private data."""
    return _veiled(data, ())


def _veiled(data: Mapping[str, Any], outer: tuple[str, ...]) -> Json:
    environment = data.get('environment') or {}
    hidden = hidden_names(data.get('template') or {})
    given = [(environment.get(part) or {}) for part in PARTS]
    secrets = (*outer, *(text for values in given for name in hidden & set(values)
                         for text in _texts(values[name])))
    # What a user wrote holds no value of a parameter; what was made of a resource's properties may.
    shown = {key: _without(value, outer) for key, value in data.items() if key != 'resources'}
    for part in PARTS:
        values = shown.get('environment', {}).get(part)
        if values:
            shown['environment'] = {**shown['environment'], part: {
                name: MASK if name in hidden else value for name, value in values.items()}}
    resources = data.get('resources')
    if isinstance(resources, Mapping):
        # In the place of a resource stands the stack that it is.
        shown['resources'] = {name: _veiled(one, secrets) if 'template' in one else _private(one, secrets)
                              for name, one in resources.items()}
    return shown


def _private(one: Mapping[str, Any], secrets: tuple[str, ...]) -> Json:
    kept = {key: MASK if value and (SECRETIVE.search(key) or one.get('type') == RANDOM)
            else _without(value, secrets) for key, value in (one.get('resource_data') or {}).items()}
    return {**_without({key: value for key, value in one.items() if key != 'resource_data'}, secrets),
            'resource_data': kept}


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [str(value)] if value not in (None, '') and not isinstance(value, bool) else []


def _without(value: Any, secrets: tuple[str, ...]) -> Any:
    if not secrets:
        return dict(value) if isinstance(value, Mapping) else value
    if isinstance(value, str):
        return masked(value, secrets)
    if isinstance(value, Mapping):
        return {masked(str(key), secrets): _without(one, secrets) for key, one in value.items()}
    return [_without(one, secrets) for one in value] if isinstance(value, list) else value


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
