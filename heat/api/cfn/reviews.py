"""Change sets as they are named, and the stacks that consist of nothing else yet.

Purpose: ChangeSetName (a name or an ARN) -> the plan that the engine keeps; a stack for which
only a change set of the type CREATE is there is shown as REVIEW_IN_PROGRESS. Invariant: the
id such a stack is shown with is the one it will have. Neighbours: ``change_sets`` makes them,
``stacks`` ``resources`` ``templates`` ask here for what the engine does not know as a stack.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from heat.api.cfn.faults import Fault, no_such_stack, refused
from heat.api.cfn.query import Query
from heat.common import errors
from heat.common.ids import StackId

Row = dict[str, Any]
# What may still become of a change set for a stack that is not there.
OPEN = ('AVAILABLE', 'FAILED')
ARN = re.compile(r'arn:openstack:heat::([^:/]*):changeSet/([^/]+)/([^/]+)')


def arn(plan: Row) -> str:
    tenant = quote(str(plan['target_identity']['tenant']), '')
    return f'arn:openstack:heat::{tenant}:changeSet/{quote(plan["name"], "")}/{plan["id"]}'


def not_found(name: str) -> Fault:
    return Fault('ChangeSetNotFound', f'ChangeSet [{name}] does not exist')


def find(query: Query) -> Row:
    """The plan, with its entries, that ChangeSetName and StackName mean. Fault if there is none."""
    name = query.get('ChangeSetName')
    by_arn = ARN.fullmatch(name)
    if by_arn is None and not query.get('StackName'):
        raise refused('StackName must be specified if ChangeSetName is not specified as an ARN.')
    if by_arn is None and name.startswith('arn:'):
        raise refused(f'"{name}" is not the ARN of a change set')
    if by_arn is None:
        named = [one for one in of_stack(query) if one['name'] == name]
        if not named:
            raise not_found(name)
    try:
        plan: Row = query.engine('show_plan', plan_id=by_arn[3] if by_arn else named[-1]['id'])
    except errors.NotFound as error:
        raise not_found(name) from error
    if plan['change_set'] is None or (by_arn and arn(plan) != name):
        raise not_found(name)
    return plan


def of_stack(query: Query) -> list[Row]:
    """The change sets of the stack that StackName means, oldest first; it may be one under review."""
    try:
        found = query.engine('list_plans', stack_identity=query.stack, stack_name=None)
    except errors.EntityNotFound:
        found = under_review(query)
        if not found:
            raise
    return [one for one in found if one['change_set'] is not None]


def under_review(query: Query) -> list[Row]:
    """The change sets that would make the stack StackName, while it is not there."""
    name, stack_id = query.get('StackName'), None
    if name.startswith('arn:'):
        try:
            identity = StackId.from_arn(name)
        except ValueError as error:
            raise refused(str(error)) from error
        name, stack_id = identity.stack_name, identity.stack_id
    found = _open(query, name)
    return [one for one in found if stack_id in (None, one['target_identity']['stack_id'])]


def stack(query: Query) -> Row:
    """The stack under review that StackName means, as the engine would tell of it. Fault if none is."""
    found = under_review(query)
    if not found:
        raise no_such_stack(query.get('StackName'))
    return _as_stack(found[0])


def stacks(query: Query) -> list[Row]:
    """Every stack under review of the project."""
    first: dict[str, Row] = {}
    for one in _open(query, None):
        first.setdefault(one['target_identity']['stack_id'], one)
    return [_as_stack(one) for one in first.values()]


def event(query: Query) -> Row:
    """The one event of a stack under review. Fault if none is."""
    row = stack(query)
    identity = row['stack_identity']
    return {**row, 'resource_name': row['stack_name'], 'physical_resource_id': identity['stack_id'],
            'resource_action': 'INIT', 'resource_status': 'IN_PROGRESS',
            'resource_status_reason': row['stack_status_reason'], 'event_time': row['creation_time'],
            'event_identity': {**identity, 'path': f'/resources/{row["stack_name"]}/events/review'}}


def _open(query: Query, stack_name: str | None) -> list[Row]:
    try:
        found: list[Row] = query.engine('list_plans', stack_identity=None, stack_name=stack_name)
    except errors.EngineOutdated:
        # It knows stacks only, and these it shall tell of.
        return []
    return [one for one in found if one['change_set'] is not None and one['stack_identity'] is None
            and one['status'] in OPEN]


def _as_stack(plan: Row) -> Row:
    return {'stack_identity': plan['target_identity'], 'stack_name': plan['stack_name'],
            'stack_action': 'INIT', 'stack_status': 'IN_PROGRESS', 'stack_status_reason': 'User Initiated',
            'creation_time': plan['creation_time'], 'tags': plan['tags'], 'disable_rollback': False,
            'termination_protection': False, 'under_review': True, 'capabilities': [],
            'notification_topics': []}
