"""Actions on resources, events and signals.

Purpose: one function per action. Invariant: a user inside an instance is answered
by the engine, which shows it its own resource only. Neighbours: ``actions`` names
these functions, ``shapes`` makes their answers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from heat.api.cfn import paging, reviews, shapes
from heat.api.cfn.faults import refused
from heat.api.cfn.query import Query
from heat.common import errors

PAGE = 100
UNCHECKED = {'status': 'NOT_CHECKED', 'checked_at': None}
# Handles of HOT templates take other keys than those of AWS.
HOT_HANDLES = ('OS::Heat::WaitConditionHandle',)


def _begun(row: dict[str, Any]) -> bool:
    """AWS tells of no resource before its creation has begun."""
    return row['resource_action'] != 'INIT'


def _drifts(query: Query, identity: dict[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with what the last check has found about each, as far as the engine can tell it."""
    try:
        found = {one['resource_name']: one
                 for one in query.engine('show_drift', stack_identity=identity, own=True)} if rows else {}
    except errors.EngineOutdated:
        return rows
    return [{**row, 'drift': found.get(row['resource_name'], UNCHECKED)} for row in rows]


def describe(query: Query) -> dict[str, Any]:
    """DescribeStackResource, metadata included: what cfn-init and os-collect-config read."""
    name = query.get('LogicalResourceId')
    try:
        row = query.engine('describe_stack_resource', stack_identity=query.stack, resource_name=name)
    except errors.ResourceNotFound as error:
        raise refused(f'Resource {name} does not exist for stack {query.get("StackName")}') from error
    # Agents ask for it again and again, and have no use for what a check has found.
    found = _drifts(query, query.stack, [row]) if query.may('stacks:drift') else [row]
    return {'StackResourceDetail': shapes.shaped(found[0], shapes.RESOURCE_DETAIL)}


def describe_all(query: Query) -> dict[str, Any]:
    """DescribeStackResources, of a stack or of the stack that a physical id belongs to."""
    return _unless_under_review(query, 'StackResources', _described)


def _described(query: Query) -> dict[str, Any]:
    physical = query.get('PhysicalResourceId')
    if bool(physical) == bool(query.get('StackName')):
        raise refused('Exactly one of StackName and PhysicalResourceId must be given.')
    if physical:
        try:
            identity = query.engine('find_physical_resource', physical_resource_id=physical)
        except errors.EntityNotFound as error:
            raise refused(f'Stack for {physical} does not exist') from error
        identity = {**identity, 'path': ''}
    else:
        identity = query.stack
    rows = query.engine('describe_stack_resources', stack_identity=identity,
                        resource_name=query.get('LogicalResourceId'))
    return {'StackResources': [shapes.shaped(row, shapes.RESOURCE)
                               for row in _drifts(query, identity, rows) if _begun(row)]}


def list_all(query: Query) -> dict[str, Any]:
    """ListStackResources, in order of name so that pages fit together."""
    return _unless_under_review(query, 'StackResourceSummaries', _listed)


def _listed(query: Query) -> dict[str, Any]:
    request = [query.action, query.stack]
    after = paging.marker(request, query.get('NextToken')) or ''
    rows = [row for row in query.engine('list_stack_resources', stack_identity=query.stack, nested_depth=0,
                                        with_detail=False, filters=None) if _begun(row)]
    rows = sorted((row for row in rows if row['resource_name'] > after), key=lambda row: row['resource_name'])
    page = rows[:PAGE]
    token = paging.token(request, page[-1]['resource_name']) if len(rows) > PAGE else None
    return {'StackResourceSummaries': [shapes.shaped(row, shapes.RESOURCE_SUMMARY)
                                       for row in _drifts(query, query.stack, page)],
            'NextToken': token}


def _unless_under_review(query: Query, member: str,
                         ask: Callable[[Query], dict[str, Any]]) -> dict[str, Any]:
    """What ``ask`` answers; a stack under review has no resources yet."""
    try:
        return ask(query)
    except errors.EntityNotFound:
        if not query.get('StackName') or not reviews.under_review(query):
            raise
        return {member: []}


def events(query: Query) -> dict[str, Any]:
    """DescribeStackEvents, newest first; without a stack those of all stacks."""
    try:
        identity = query.stack if query.get('StackName') else None
    except errors.EntityNotFound:
        return {'StackEvents': [shapes.shaped(reviews.event(query), shapes.EVENT)]}
    request = [query.action, identity]
    marker = paging.marker(request, query.get('NextToken'))
    rows = _events(query, identity, marker)
    token = paging.token(request, shapes.event_id(rows[-1])) if len(rows) == PAGE else None
    return {'StackEvents': [shapes.shaped(row, shapes.EVENT) for row in _with_ways_back(query, rows)],
            'NextToken': token}


def _events(query: Query, identity: dict[str, str] | None, marker: str | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] | None = None
    if identity is not None:
        with contextlib.suppress(errors.EngineOutdated):
            rows = query.engine('describe_events', stack_identity=identity, limit=PAGE, marker=marker)
    if rows is None:
        rows = query.engine('list_events', stack_identity=identity, limit=PAGE, marker=marker)
    return rows


def _with_ways_back(query: Query, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rollbacks of stacks with what they take back; the older events of the stack tell."""
    known: dict[str, str] = {}
    for stack in {row['stack_identity']['stack_id']: row for row in rows
                  if row['resource_action'] == 'ROLLBACK'}.values():
        own = query.engine('list_events', stack_identity=stack['stack_identity'],
                           filters={'resource_name': [stack['stack_name']]})
        told = shapes.back_from(own, stack['stack_name'])
        known |= {shapes.event_id(row): row['back_from'] for row in told}
    return [{**row, 'back_from': known.get(shapes.event_id(row), 'CREATE')} for row in rows]


def signal(query: Query) -> None:
    """SignalResource: what the resource's own kind of signal looks like, with status and id as given."""
    name = query.get('LogicalResourceId')
    given = {'status': query.get('Status'), 'id': query.get('UniqueId')}
    try:
        kind = query.engine('describe_stack_resource', stack_identity=query.stack,
                            resource_name=name)['resource_type']
        details = given if kind in HOT_HANDLES else {
            'Status': given['status'], 'UniqueId': given['id'], 'Reason': '', 'Data': ''}
        query.engine('resource_signal', stack_identity=query.stack, resource_name=name, details=details,
                     sync_call=False)
    except errors.ResourceNotFound as error:
        raise refused(f'Resource {name} does not exist for stack {query.get("StackName")}') from error
