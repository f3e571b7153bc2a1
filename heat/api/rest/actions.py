"""Stack actions: suspend, resume, check and both ways to cancel an update.

Purpose: ``{"<action>": anything}`` -> one engine call. Invariant: exactly one
action per request, each with a policy rule of its own. Neighbours:
``api.rest.routes``.
"""

from __future__ import annotations

from typing import Any

import webob.exc

from heat.api.dispatch import Call
from heat.api.parameters import Body, Key

ACTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    'suspend': ('stack_suspend', {}),
    'resume': ('stack_resume', {}),
    'check': ('stack_check', {}),
    'cancel_update': ('stack_cancel_update', {'cancel_with_rollback': True}),
    'cancel_without_rollback': ('stack_cancel_update', {'cancel_with_rollback': False})}

BODY = Body({name: Key({}, f'Ask for {name}') for name in ACTIONS}, single=True)


def action(call: Call) -> None:
    """POST /actions."""
    if not call.body:
        raise webob.exc.HTTPBadRequest('No action specified')
    if len(call.body) > 1:
        raise webob.exc.HTTPBadRequest('Multiple actions specified')
    name = next(iter(call.body))
    if name not in ACTIONS:
        raise webob.exc.HTTPBadRequest(f'Invalid action {name} specified')
    call.allow(f'actions:{name}')
    method, arguments = ACTIONS[name]
    call.engine(method, stack_identity=call.stack, **arguments)
