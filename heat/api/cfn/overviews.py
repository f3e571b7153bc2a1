"""Actions that show stacks: describe, list, limits.

Purpose: one function per action. Invariant: a page of stacks is one question to the engine;
stacks under review come last, for they have no place in its order. An engine of an earlier
release is asked in its own words, and what it cannot tell is left out. Neighbours: ``actions``
names these functions, ``shapes`` makes their answers, ``stacks`` has the wishes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from heat.api.cfn import paging, reviews, shapes, statuses
from heat.api.cfn.faults import no_such_stack
from heat.api.cfn.query import Query
from heat.common import errors

PAGE, DESCRIBED = 100, 25


def describe(query: Query) -> dict[str, Any]:
    """DescribeStacks: one, which may be deleted if its id is known, or all that live."""
    if query.get('StackName'):
        try:
            found = _one(query)
        except errors.EntityNotFound:
            found = [reviews.stack(query)]
        if not found:
            raise no_such_stack(query.get('StackName'))
        return {'Stacks': [shapes.shaped(one, shapes.STACK) for one in found]}
    rows = _rows(query, DESCRIBED, paging.marker(query.action, query.get('NextToken')))
    token = _next(query.action, rows, DESCRIBED)
    rows += [] if token else reviews.stacks(query)
    return {'Stacks': [shapes.shaped(one, shapes.STACK) for one in rows], 'NextToken': token}


def list_all(query: Query) -> dict[str, Any]:
    """ListStacks: the deleted too, as far as the database remembers them."""
    wanted = query.get('StackStatusFilter')
    request = [query.action, sorted(wanted or ())]
    marker = paging.marker(request, query.get('NextToken'))
    if not wanted:
        rows = _rows(query, PAGE, marker, whole=False, show_deleted=True)
        token = _next(request, rows, PAGE)
        rows += [] if token else reviews.stacks(query)
        return {'StackSummaries': [shapes.shaped(row, shapes.SUMMARY) for row in rows], 'NextToken': token}
    found: list[dict[str, Any]] = []
    for row in _every(query, marker, statuses.wider(wanted)):
        summary = shapes.shaped(row, shapes.SUMMARY)
        if summary['StackStatus'] in wanted:
            found.append(summary)
            if len(found) == PAGE:
                token = paging.token(request, row['stack_identity']['stack_id'])
                return {'StackSummaries': found, 'NextToken': token}
    if 'REVIEW_IN_PROGRESS' in wanted:
        found += [shapes.shaped(row, shapes.SUMMARY) for row in reviews.stacks(query)]
    return {'StackSummaries': found}


def _every(query: Query, marker: str | None, states: list[str]) -> Iterator[dict[str, Any]]:
    """The stacks behind ``marker`` in one of the engine's ``states``, page by page."""
    while True:
        rows = _rows(query, PAGE, marker, whole=False, show_deleted=True, filters={'stack_status': states})
        yield from rows
        if len(rows) < PAGE:
            return
        marker = rows[-1]['stack_identity']['stack_id']


def _one(query: Query) -> list[dict[str, Any]]:
    found: list[dict[str, Any]]
    try:
        found = query.engine('describe_stacks', stack_identity=query.stack)
    except errors.EngineOutdated:
        found = query.engine('show_stack', stack_identity=query.stack, resolve_outputs=True)
    return found


def _rows(query: Query, limit: int, marker: str | None, whole: bool = True, **which: Any,
          ) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]]
    try:
        rows = query.engine('describe_stacks', limit=limit, marker=marker, whole=whole, **which)
    except errors.EngineOutdated:
        rows = query.engine('list_stacks', limit=limit, marker=marker, **which)
        if whole:
            rows = [query.engine('show_stack', stack_identity=row['stack_identity'], resolve_outputs=True)[0]
                    for row in rows]
    return rows


def _next(request: Any, rows: list[dict[str, Any]], limit: int) -> str | None:
    return paging.token(request, rows[-1]['stack_identity']['stack_id']) if len(rows) == limit else None


def limits(query: Query) -> dict[str, Any]:
    """DescribeAccountLimits: what the service's configuration bounds."""
    paging.marker(query.action, query.get('NextToken'))
    found = {'StackLimit': query.conf.max_stacks_per_tenant}
    return {'AccountLimits': [{'Name': name, 'Value': value} for name, value in found.items() if value >= 0]}
