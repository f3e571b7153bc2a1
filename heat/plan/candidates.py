"""One resource's inputs worked out, and which of its rows to go on with.

Purpose: expressions -> resolved properties -> decision, for one node. Invariant:
an evaluation error is a value (``failure``), named as the classic names it.
Neighbours: ``traversal`` asks for each node it reaches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from heat import schema
from heat.common import errors
from heat.model.outcome import Failed
from heat.model.resource import Row
from heat.model.status import Status
from heat.plan import handed_down
from heat.plan.decide import Decision, Verdict, decide
from heat.plan.scope import StackScope
from heat.plan.types import Types
from heat.template.definition import Definition

KEPT = Decision(Verdict.KEEP)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a definition asks of a row now. With ``failure`` the rest is empty.

    ``tags`` are those of the stack that are among the properties.
    """

    props: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    update_policy: dict[str, Any] = field(default_factory=dict)
    creation_policy: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    decision: Decision = KEPT
    failure: Failed | None = None


def evaluate(definition: Definition, row: Row, types: Types, scope: StackScope,
             unknown_ok: bool = False) -> Evaluated:
    """Properties and metadata under ``scope``, and what becomes of ``row``."""
    kind = types(definition.type, definition.name)
    scope.budget.renew()
    try:
        raw = definition.properties.value(scope) or {}
        metadata = definition.metadata.value(scope) or {}
        policy = definition.update_policy.value(scope) or {}
        creation = definition.creation_policy.value(scope) or {}
    except errors.HeatException as error:
        return Evaluated(failure=Failed(str(error), type(error).__name__))
    except (ValueError, TypeError, KeyError) as error:
        return Evaluated(failure=Failed(str(error), type(error).__name__))
    if raw is schema.UNKNOWN and unknown_ok:
        raw = dict.fromkeys(kind.schema.properties, schema.UNKNOWN)
    props, wrong = schema.resolve(kind.schema.properties, raw, path=['Properties'], unknown_ok=unknown_ok,
                                  accept_others=kind.schema.open)
    if wrong:
        return Evaluated(failure=Failed(wrong[0].text(), 'StackValidationFailed'))
    tags = handed_down.wanted(kind, row, scope.tags)
    props = handed_down.merged(kind, props, tags)
    try:
        decision = decide(kind, row, props, metadata)
    except (TypeError, ValueError, KeyError, AttributeError):
        if not unknown_ok:
            raise
        # The class looks closer at values than anybody can who does not know them.
        decision = Decision(Verdict.REPLACE, reason='what it asks for is not known yet')
    return Evaluated(props, metadata, policy, creation, tags, decision)


def fits(definition: Definition, row: Row, types: Types, scope: StackScope) -> bool:
    """Whether ``row`` is sound and as ``definition`` wants it."""
    found = evaluate(definition, row, types, scope)
    return found.failure is None and found.decision.verdict is Verdict.KEEP


def pick(rows: Sequence[Row], definition: Definition | None, types: Types) -> Row:
    """The row to go on with among those of one name.

    After a failed replacement both the old and the new thing are there: a sound
    one of the wanted type serves, and of two the one that was not replaced.
    """
    wanted = types(definition.type, definition.name).type if definition is not None else None

    def rank(row: Row) -> tuple[bool, bool, bool]:
        return (row.class_name == wanted, row.status is not Status.FAILED, row.replaced_by is None)

    return max(rows, key=rank)
