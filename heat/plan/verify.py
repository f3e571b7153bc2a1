"""What must be true of any persisted tree, whatever has happened to it.

Purpose: an oracle for tests and for operators (``heat-manage verify``).
Invariant: pure; each finding is one sentence that names stack and resource.
Neighbours: the property test asks after every rest, ``cmd.manage`` asks a live
database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action, Status


@dataclass(frozen=True, slots=True)
class Kept:
    """One tree as the database has it. ``owner`` is the engine with its lease, or None.

    ``names`` maps a stack to the resources its template asks for, as far as known.
    """

    stacks: Sequence[Stack]
    rows: Sequence[Row]
    goals: Mapping[str, Goal]
    owner: str | None = None
    names: Mapping[str, frozenset[str]] | None = None


def verify(kept: Kept) -> list[str]:
    """Everything that is wrong with a tree; empty if nothing is."""
    found: list[str] = []
    live = {stack.id: stack for stack in kept.stacks if stack.deleted_at is None}
    by_stack: dict[str, list[Row]] = {stack.id: [] for stack in kept.stacks}
    for row in kept.rows:
        if row.stack_id not in by_stack:
            found.append(f'Resource {row.name} ({row.uuid}) belongs to stack {row.stack_id}, '
                         'which is not there.')
        else:
            by_stack[row.stack_id].append(row)
    for stack in kept.stacks:
        rows = by_stack[stack.id]
        if stack.id not in live:
            found += [f'Stack {stack.name} is deleted but has resource {row.name}.' for row in rows]
            continue
        found += _goal(stack, kept.goals.get(stack.id))
        found += _rows(stack, rows)
        if stack.status is not Status.IN_PROGRESS:
            found += _at_rest(stack, rows, (kept.names or {}).get(stack.id))
        found += _family(stack, live, kept.rows)
    working = [s for s in live.values() if s.status is Status.IN_PROGRESS]
    roots = [s for s in live.values() if s.owner_id is None]
    if roots and not working and kept.owner is not None:
        found.append(f'Stack {roots[0].name} is at rest but engine {kept.owner} holds its lease.')
    return found


def _goal(stack: Stack, goal: Goal | None) -> list[str]:
    if goal is None:
        return [f'Stack {stack.name} has no goal.']
    found = []
    if goal.seq != stack.goal_seq:
        found.append(f'Stack {stack.name} is at goal {stack.goal_seq}, its latest is {goal.seq}.')
    if goal.action is not stack.action:
        found.append(f'Stack {stack.name} shows {stack.action}, its goal is {goal.action}.')
    return found


def _rows(stack: Stack, rows: Sequence[Row]) -> list[str]:
    found = []
    for row in rows:
        where = f'Resource {row.name} of stack {stack.name}'
        if row.goal_seq > stack.goal_seq:
            found.append(f'{where} was touched by goal {row.goal_seq}, the stack is at {stack.goal_seq}.')
        if row.status is Status.COMPLETE and row.action is not Action.INIT:
            if row.intent is not None and 'released' not in row.keep:
                found.append(f'{where} is {row.action}_COMPLETE with the intent to {row.intent.label}.')
            if row.props is None:
                found.append(f'{where} is {row.action}_COMPLETE without properties.')
        if row.root_id != stack.root_id:
            found.append(f'{where} stands under root {row.root_id} instead of {stack.root_id}.')
    return found


def _at_rest(stack: Stack, rows: Sequence[Row], names: frozenset[str] | None) -> list[str]:
    found = [f'Stack {stack.name} is {stack.action}_{stack.status} but resource {row.name} is in progress.'
             for row in rows if row.status is Status.IN_PROGRESS]
    if stack.status is not Status.COMPLETE:
        return found
    counts = Counter(row.name for row in rows)
    found += [f'Stack {stack.name} is complete but has {n} of resource {name}.'
              for name, n in sorted(counts.items()) if n > 1]
    # CHECK_FAILED in a complete stack is a user's judgement, and no failure of a step.
    found += [f'Stack {stack.name} is complete but resource {row.name} is {row.action}_{row.status}.'
              for row in rows if row.action in (Action.INIT, Action.DELETE) or (
                  row.status is Status.FAILED and row.action is not Action.CHECK)]
    if names is not None and set(counts) != set(names):
        found.append(f'Stack {stack.name} is complete with {sorted(counts)}, '
                     f'its template has {sorted(names)}.')
    uuids = {row.uuid for row in rows}
    found += [f'Resource {row.name} of stack {stack.name} requires {uuid}, which is gone.'
              for row in rows for uuid in row.requires if uuid not in uuids]
    return found


def _family(stack: Stack, live: Mapping[str, Stack], rows: Sequence[Row]) -> list[str]:
    if stack.owner_id is None:
        return []
    found = []
    if stack.owner_id not in live:
        found.append(f'Stack {stack.name} is nested in {stack.owner_id}, which is not there.')
    if not any(row.uuid == stack.parent_row and row.physical_id == stack.id for row in rows):
        found.append(f'Stack {stack.name} is nested, but no resource stands for it.')
    return found
