"""What is told of a walk: events, reasons, and what stays on a row.

Purpose: the classic wording of events and of the stack's own reason. Invariant:
pure functions of rows and stacks. Neighbours: ``traversal`` emits these,
``engine`` tells of stacks by them.
"""

from __future__ import annotations

from typing import Any

from heat.common.ids import physical_name
from heat.model.event import Event
from heat.model.outcome import Failed, Outcome
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Action, Status


def row_event(row: Row, stack_name: str) -> Event:
    """A resource's event; before there is a physical id it shows the name the thing will have."""
    physical = row.physical_id or physical_name(stack_name, row.name, row.uuid)
    return Event(row.stack_id, row.root_id, row.name, row.type, row.action, row.status, row.reason,
                 physical, row.props)


def stack_event(stack: Stack, action: Action, status: Status, reason: str) -> Event:
    """The stack's own event: it stands under the stack's name."""
    return Event(stack.id, stack.root_id, stack.name, 'OS::Heat::Stack', action, status, reason, stack.id)


def resource_label(row: Row, stack: Stack) -> str:
    """``TestResource "a" [id] Stack "s" [id]``, as sentences name a resource."""
    physical = f' [{row.physical_id}]' if row.physical_id else ''
    return f'{row.type.rpartition("::")[2]} "{row.name}"{physical} Stack "{stack.name}" [{stack.id}]'


def stack_reason(row: Row, outcome: Outcome) -> str:
    """The root cause on top, in the classic wording."""
    text = row.reason
    if isinstance(outcome, Failed) and outcome.kind == 'StackValidationFailed':
        # The classic names the resource once more in the stack's own reason.
        text = text.replace('Property error: Properties.', f'Property error: {row.name}.Properties.')
    return f'Resource {row.action} failed: {text}'


def step_old_props(event_row: Row) -> dict[str, Any]:
    """What the row had before an update that asks to be a replacement."""
    old = event_row.keep.get('old_props')
    return dict(old if old is not None else event_row.props or {})


def settled_keep(row: Row) -> dict[str, Any]:
    """What stays in ``keep`` once a step has ended."""
    return {k: v for k, v in row.keep.items() if k not in (
        'old_props', 'revive', 'restore', 'released', 'last_snapshot', 'abandon', 'masked', 'untold')}
