"""DescribeEvents: what happened in one operation, or in all of a stack.

Purpose: the engine's events with the operation that each belongs to, which is the request that
asked for it; what follows by itself, such as a rollback, is a part of it. Neighbours:
``actions`` names this function, ``resources`` has DescribeStackEvents, ``reviews`` change sets.
"""

from __future__ import annotations

from typing import Any

from heat.api.cfn import paging, reviews, shapes
from heat.api.cfn.faults import refused
from heat.api.cfn.query import Query
from heat.common import errors

PAGE = 100


def describe(query: Query) -> dict[str, Any]:
    """DescribeEvents, newest first."""
    if query.get('ChangeSetName'):
        return {'OperationEvents': [_of_change_set(reviews.find(query))]}
    operation = query.get('OperationId')
    if not operation and not query.get('StackName'):
        raise refused('One of ChangeSetName, OperationId or StackName must be specified.')
    try:
        identity = query.stack if query.get('StackName') else None
    except errors.EntityNotFound:
        return {'OperationEvents': [shapes.shaped(reviews.event(query), shapes.OPERATION_EVENT)]}
    failed = bool(query.get('Filters', {}).get('FailedEvents'))
    request = [query.action, identity, operation, failed]
    rows = query.engine('describe_events', stack_identity=identity, operation=operation, failed=failed,
                        limit=PAGE, marker=paging.marker(request, query.get('NextToken')))
    token = paging.token(request, shapes.event_id(rows[-1])) if len(rows) == PAGE else None
    return {'OperationEvents': [shapes.shaped(row, shapes.OPERATION_EVENT) for row in rows],
            'NextToken': token}


def _of_change_set(plan: dict[str, Any]) -> dict[str, Any]:
    """The one event of making a change set, which is over when its request is."""
    failed = plan['status'] == 'FAILED'
    return {'EventId': plan['id'], 'OperationId': plan['id'], 'StackId': shapes.arn(plan['target_identity']),
            'OperationType': 'CREATE_CHANGESET', 'OperationStatus': 'FAILED' if failed else 'SUCCEEDED',
            'EventType': 'VALIDATION_ERROR' if failed else 'STACK_EVENT', 'Timestamp': plan['creation_time'],
            'LogicalResourceId': plan['stack_name'], 'PhysicalResourceId': reviews.arn(plan),
            'ResourceType': shapes.STACK_TYPE,
            'ValidationStatusReason': plan['status_reason'] if failed else None}
