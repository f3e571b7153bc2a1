"""What may be told of failures: no hidden value, whatever it is that failed.

Purpose: reasons of rows, events and stacks quote what a service, a type or a function said,
and that may quote a value. Invariant: what leaves a traversal passes here before it is
written, so neither the database nor anybody who reads it sees one. Neighbours: ``carry``
asks; ``compiled`` does the same for what is refused before there is a stack.
"""

from __future__ import annotations

from dataclasses import replace

from heat.common.fault import masked
from heat.engine.tree import StackRun, Tree
from heat.model.status import Status
from heat.plan.effects import Effect, Emit, Finish, Save


def without_secrets(effect: Effect, tree: Tree, run: StackRun) -> Effect:
    """``effect``; of a failure, with no hidden value of its stacks in the reason."""
    if isinstance(effect, Save) and effect.row.status is Status.FAILED:
        return replace(effect, row=replace(effect.row, reason=_told(effect.row.reason, tree, run)))
    if isinstance(effect, Emit) and effect.event.status is Status.FAILED:
        return replace(effect, event=replace(effect.event, reason=_told(effect.event.reason, tree, run)))
    if isinstance(effect, Finish) and effect.status is Status.FAILED:
        reason = _told(effect.reason, tree, run)
        return replace(effect, reason=reason, stack=replace(effect.stack, reason=reason),
                       event=replace(effect.event, reason=_told(effect.event.reason, tree, run)))
    return effect


def _told(text: str, tree: Tree, run: StackRun) -> str:
    secrets = tree.secrets(run)
    return masked(text, secrets) if secrets else text
