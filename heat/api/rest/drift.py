"""What checks of a stack have found, over REST.

Purpose: one route, which the classic interface does not have. Invariant: it asks no
cloud: ``POST /actions {"check": null}`` does. Neighbours: ``api.rest.routes``.
"""

from __future__ import annotations

from typing import Any

from heat.api.dispatch import Call
from heat.api.parameters import TEXT, Parameter

SHOW = (Parameter('resource_name', TEXT, 'One resource, by its path in nested stacks'),)
RESOURCE = ('resource_name', 'path', 'resource_type', 'physical_resource_id', 'status', 'checked_at')


def show(call: Call) -> dict[str, Any]:
    """GET /drift; ``resource_name`` picks one resource, by its path in nested stacks."""
    named = call.query['resource_name']
    chosen = {'resource_name': named} if named else {}
    return {'drift': call.engine('show_drift', stack_identity=call.stack, **chosen)}
