"""A policy's signal: the group's child gets another template, though its parent is at rest.

Purpose: find the group a policy speaks of, have it decide, give its child the
goal; at the child's end free the group and begin its cooldown. Invariant: the
goal is written in the commit that consumes the signal; what is not done leaves
no event, only a line in the log. The parent's own state does not change.
Neighbours: ``signals`` and ``carry`` call, ``resources.scaling`` decides.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from heat.common.errors import HeatException
from heat.engine import nested, room
from heat.engine.borrow import KEY
from heat.engine.late import IMPORTS, Found
from heat.engine.tree import StackRun, Tree
from heat.model.op import StepFailed
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Action, Status
from heat.plan.effects import Finish
from heat.resources import scaling
from heat.template.files import Files

if TYPE_CHECKING:
    from heat.engine.carry import Carrier
    from heat.engine.loop import Loop

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scaled:
    """What is made known of a resizing; ``suffix`` is 'start', 'end' or 'error'."""

    stack: Stack
    suffix: str
    adjustment_type: str
    adjustment: float
    capacity: int
    group: str
    message: str


class Scaler:
    """Scaling for one loop."""

    def __init__(self, loop: Loop, carrier: Carrier) -> None:
        self._loop = loop
        self._carrier = carrier

    def signal(self, tree: Tree, run: StackRun, policy: Row, details: Mapping[str, Any] | None) -> str | None:
        """Adjust the policy's group: the event's reason, None if nothing was to be done.

        Raises StepFailed if there is no such group, RequestLimitExceeded if the stack would have too many
        resources, and what compiling the template raises.
        """
        asked: scaling.Adjustment = run.types.of(policy).adjustment(policy)
        group = nested.find(run, asked.group)
        kind: Any = run.types.of(group) if group is not None else None
        if group is None or not issubclass(kind, scaling.Scalable):
            raise StepFailed(f'Alarm {policy.name} could not find scaling group named "{asked.group}"',
                             'NotFound')
        now = self._loop.clock.wall()
        child = tree.stacks.get(group.physical_id or '')
        refusal = run.refusal or (child.refusal if child is not None else '')
        if refusal:
            raise StepFailed(f'Group {group.name} is not resized: {refusal}', 'StackValidationFailed')
        if child is None or child.working:
            found: scaling.Resize | str = 'its members are being worked on'
        else:
            found = kind.resize(group, nested.View(child), asked, now)
        if isinstance(found, str):
            LOG.info('Policy %s does not resize group %s: %s.', policy.name, group.name, found)
            return None
        assert child is not None
        room.check_members(tree, group.name, found.capacity - found.row.data['scaling']['before'],
                           found.capacity, self._loop.limits)
        minutes = run.stack.timeout
        deadline = now + (minutes * 60 if minutes else self._loop.action_timeout)
        known = Found(cast(Files, child.files), child.environment.get(KEY) or {},
                      tuple(found.row.data.get(IMPORTS, ())))
        made = nested.child_goal(run, found.row, Action.UPDATE, child, now, self._loop.limits.nested_depth,
                                 stage=kind.resized(group, nested.View(child), found.capacity),
                                 timeout_at=deadline, found=known)
        room.check_resized(tree, made.run, group.name, found.capacity, self._loop.limits)
        run.rows[group.uuid] = made.row
        self._loop.batch.save(made.row)
        self._tell(run, made.row, 'start', made.row.data['scaling']['before'],
                   f'Start resizing the group {group.physical_id}')
        self._carrier.send(tree, made, {})
        return reason_of(details)

    def ended(self, tree: Tree, parent: StackRun, row: Row, child: StackRun, finish: Finish) -> None:
        """The child of a group that is resized has come to its end."""
        kind: Any = parent.types.of(row)
        if not row.data.get('scaling') or finish.goal.action is Action.DELETE:
            return
        changed = finish.status is Status.COMPLETE
        after = scaling.ended(row, self._loop.clock.wall(), changed)
        try:
            attrs = nested.gather(parent, row, child, tuple(row.keep.get('wanted', ())))
        except (HeatException, ValueError, TypeError) as error:
            LOG.warning('Attributes of group %s were not read anew: %s', row.name, error)
            attrs = {}
        after = replace(after, attrs={**after.attrs, **attrs})
        parent.rows[row.uuid] = after
        self._loop.fence(tree)
        self._loop.batch.save(after)
        if changed:
            self._tell(parent, row, 'end', row.data['scaling']['capacity'],
                       f'End resizing the group {row.physical_id}')
        else:
            self._tell(parent, row, 'error', kind.size(row, nested.View(child)), finish.reason)

    def overtaken(self, run: StackRun, row: Row) -> Row:
        """A step of the stack itself takes a group over that is being resized."""
        if not row.data.get('scaling'):
            return row
        self._tell(run, row, 'error', row.data['scaling']['before'],
                   'The resizing was overtaken by an action on the stack.')
        return scaling.ended(row, self._loop.clock.wall(), False)

    def _tell(self, run: StackRun, row: Row, suffix: str, capacity: int, message: str) -> None:
        what = row.data['scaling']
        told = Scaled(run.stack, suffix, what['kind'], what['amount'], capacity, str(row.physical_id),
                      message)
        self._loop.batch.after.append(('', lambda: self._carrier.announce(told)))


def reason_of(details: Mapping[str, Any] | None) -> str:
    """The event's text for what came with a signal."""
    if not details:
        return 'No signal details provided'
    if all(key in details for key in ('previous', 'current', 'reason')):
        return (f'alarm state changed from {details["previous"]} to {details["current"]} '
                f'({details["reason"]})')
    if 'alarm' in details and 'state' in details:
        return f'alarm state changed to {details["state"]}'
    return 'Unknown'
