"""NotificationARNs: who hears of a stack's events.

Purpose: the parameter of requests, as the part of the environment that it is. Invariant: without
it an update leaves those who hear as they are, an empty list leaves nobody. Neighbours:
``stacks`` and ``change_sets`` send it along; ``model.topic`` reads the ARNs.
"""

from __future__ import annotations

from typing import Any

from heat.api.cfn.faults import refused
from heat.api.cfn.query import Query
from heat.model import topic

NAME = 'NotificationARNs'


def environment(query: Query) -> dict[str, Any]:
    """The section of the environment. Fault for an ARN that stands for no queue of the caller's."""
    try:
        return {'event_sinks': [topic.sink_of(query.call.context.tenant_id or '', arn)
                                for arn in query.get(NAME, ())]}
    except ValueError as error:
        raise refused(f"Value at '{NAME}' is not valid: {error}") from error


def args(query: Query) -> dict[str, Any]:
    """What an update tells the engine besides."""
    return {'clear_event_sinks': True} if query.given.get(NAME) == [] else {}
