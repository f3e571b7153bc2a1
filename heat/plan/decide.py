"""Keep, update or replace: the decision about one resource whose inputs are known.

Purpose: the layered rule of an update, as a function of values. Invariant: the
decision is the same whenever it is made from the same row and definition, so it
need not be stored. Neighbours: ``traversal`` asks when a node is reached,
``preview`` asks with unknown values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from heat import schema
from heat.model.resource import Row
from heat.model.status import Action, Status
from heat.plan.types import ResourceType


class Verdict(StrEnum):
    CREATE = 'create'
    ADOPT = 'adopt'
    KEEP = 'keep'
    UPDATE = 'update'
    REPLACE = 'replace'
    REFUSE = 'refuse'


@dataclass(frozen=True, slots=True)
class Decision:
    """``changed`` names the properties that differ; ``reason`` is a sentence or empty.

    ``silent`` replacements record nothing on the old row: it had failed, or has
    another type.
    """

    verdict: Verdict
    changed: frozenset[str] = frozenset()
    reason: str = ''
    silent: bool = False


def unsure(row: Row) -> dict[str, Any]:
    """What an update that failed, or was cut short, may not have changed: properties as before it."""
    old, tried = row.keep.get('old_props'), row.props or {}
    if old is None or row.action is not Action.UPDATE or row.status is Status.COMPLETE:
        return dict(row.keep.get('unsure') or {})
    return {name: old.get(name) for name in {**old, **tried}
            if not schema.same(old.get(name), tried.get(name))}


def begun(kind: ResourceType, row: Row) -> dict[str, Any]:
    """The same of a creation that failed after its first call, where its type ``redoes`` such things."""
    if row.action is not Action.CREATE or row.physical_id is None or not kind.redoes:
        return {}
    known = kind.schema.properties
    return {name: None for name, value in (row.props or {}).items()
            if value is not None and name in known and known[name].updatable}


def standing(row: Row, new: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that the thing may have; where that is unsure, what differs from ``new``."""
    tried = row.props or {}
    return {**tried, **{name: value for name, value in unsure(row).items()
                        if schema.same(new.get(name), tried.get(name))}}


def decide(kind: ResourceType, row: Row, new_props: Mapping[str, Any],
           new_metadata: Mapping[str, Any]) -> Decision:
    """What becomes of ``row`` under the new properties (resolved, with defaults)."""
    if row.action is Action.INIT and row.class_name == kind.type:
        # What was handed over by an adoption stands already.
        there = row.physical_id is not None or 'adopt' in row.data
        return Decision(Verdict.ADOPT if there else Verdict.CREATE)
    if row.class_name != kind.type:
        return Decision(Verdict.REPLACE, reason=f'type changed from {row.class_name}', silent=True)
    failed = row.status is Status.FAILED or row.status is Status.IN_PROGRESS
    may_live = kind.survives_failure and row.physical_id is not None and row.action is not Action.CHECK
    if failed and not may_live:
        return Decision(Verdict.REPLACE, reason=f'{row.action}_{row.status}', silent=True)
    changed = frozenset(schema.diff(kind.schema, standing(row, new_props), new_props).changed)
    effect = schema.effect(kind.schema, changed)
    if effect == 'immutable':
        names = ', '.join(sorted(n for n in changed if kind.schema.properties[n].immutable))
        return Decision(Verdict.REFUSE, changed, f'Update to properties {names} of {row.name} ({row.type})')
    if changed and kind.wants_replacement(row, new_props, changed):
        return Decision(Verdict.REPLACE, changed, f'The Resource {row.name} requires replacement.')
    if effect == 'replace':
        return Decision(Verdict.REPLACE, changed, f'The Resource {row.name} requires replacement.')
    # What the template says, not what signals have added to the live metadata.
    if changed or dict(new_metadata) != row.keep.get('metadata', {}) or failed:
        return Decision(Verdict.UPDATE, changed)
    return Decision(Verdict.KEEP)
