"""What a resource's policies say, as far as it must outlive the template they stand in.

Purpose: the policies that a row keeps, and whether a thing is left in the cloud when
its row goes. Invariant: pure. Neighbours: ``traversal`` asks; CloudFormation's
UpdateReplacePolicy takes the place of the deletion policy when a thing is replaced.
"""

from __future__ import annotations

from typing import Any

from heat.model.resource import Row
from heat.model.stack import Goal
from heat.model.status import Action
from heat.plan import handed_down
from heat.plan.candidates import Evaluated
from heat.template.definition import Definition

EXCEPT_ON_CREATE = 'RetainExceptOnCreate'


def policies_to_keep(definition: Definition, found: Evaluated, row: Row) -> dict[str, Any]:
    """What goes into ``row.keep`` of the definition's policies and metadata."""
    keep: dict[str, Any] = {'deletion_policy': definition.deletion_policy, 'metadata': found.metadata,
                            'update_policy': found.update_policy}
    if found.creation_policy:
        keep['creation_policy'] = found.creation_policy
    if found.tags:
        keep[handed_down.KEPT] = found.tags
    if definition.deletion_policy in (EXCEPT_ON_CREATE, 'Retain'):
        # The goal that brings it up; the row's own goal moves on with each step.
        keep['born'] = row.keep.get('born', row.goal_seq)
    return keep


def retained(row: Row, goal: Goal) -> bool:
    """Whether the thing stays in the cloud although its resource goes."""
    policy = row.keep.get('deletion_policy')
    undone = goal.action is Action.ROLLBACK or bool(goal.options.get('undo'))
    if undone and (policy == EXCEPT_ON_CREATE or goal.options.get('except_on_create')):
        # Taken back by what follows the very goal that made it: nobody has used it yet.
        return policy in (EXCEPT_ON_CREATE, 'Retain') and row.keep.get('born', 0) < goal.seq - 1
    return policy in (EXCEPT_ON_CREATE, 'Retain')
