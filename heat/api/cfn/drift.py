"""Actions on drift: a check of the stack, in AWS's words.

Purpose: DetectStackDrift, DetectStackResourceDrift and what tells of them. Invariant: as
with AWS, the resources of nested stacks are told of when their own stack is asked. A stack
has one detection, its last: the id of a detection is that of its stack. Neighbours: ``actions`` names these
functions, the engine's ``show_drift`` has what was found.
"""

from __future__ import annotations

import json
from typing import Any

from heat.api.cfn import paging, shapes
from heat.api.cfn.faults import refused
from heat.api.cfn.query import Query
from heat.api.cfn.render import Loose
from heat.common import errors

MOST, EVENTS = 100, 10
# Seconds: how often, and for how long, the answer of a detection is waited for.
SHORTEST, LONGEST = 0.25, 50.0
DRIFTED = ('MODIFIED', 'DELETED')
STATES = ('IN_SYNC', *DRIFTED, 'NOT_CHECKED')


def detect(query: Query) -> dict[str, Any]:
    """DetectStackDrift, of the whole stack or of the resources that are named."""
    identity, names = query.stack, query.get('LogicalResourceIds')
    _check(query, identity, names or [])
    return {'StackDriftDetectionId': identity['stack_id']}


def _check(query: Query, identity: dict[str, str], names: list[str]) -> None:
    try:
        query.engine('stack_check', stack_identity=identity, **({'resource_names': names} if names else {}))
    except errors.ResourceNotFound as error:
        raise refused(f'{error} (looked for to detect its drift)') from error


def detect_one(query: Query) -> dict[str, Any]:
    """DetectStackResourceDrift: answers when the resource has been looked at."""
    identity, name = query.stack, query.get('LogicalResourceId')
    before = _shown(query, identity)['generation']
    _check(query, identity, [name])
    tails, waited, pause = query.call.wiring.tails, 0.0, SHORTEST
    while _under_way(_shown(query, identity), before):
        if waited > LONGEST:
            raise refused(f'Drift detection for resource {name} is still in progress; '
                          'DescribeStackResourceDrifts will tell of it.')
        tails.sleep(pause)
        waited, pause = waited + pause, min(pause * 2, 2.0)
    found = [one for one in _found(query, identity) if one['resource_name'] == name]
    if not found or not found[0]['checked_at']:
        raise refused(f'Drift detection is not supported for resource {name}, or has failed for it.')
    return {'StackResourceDrift': _shaped(shapes.arn(identity), found[0])}


def _shown(query: Query, identity: dict[str, str]) -> dict[str, Any]:
    shown: dict[str, Any] = query.engine('describe_stacks', stack_identity=identity, whole=False)[0]
    return shown


def _under_way(stack: dict[str, Any], before: int) -> bool:
    """Whether a check is not over that was asked for when the stack was at its wish ``before``.

    A nested stack gets its check from its parent, a moment later.
    """
    return stack['generation'] == before or (
        stack['stack_action'], stack['stack_status']) == ('CHECK', 'IN_PROGRESS')


def status(query: Query) -> dict[str, Any]:
    """DescribeStackDriftDetectionStatus; FAILED if a resource could not be looked at."""
    detection = query.get('StackDriftDetectionId')
    unknown = refused(f'Drift detection {detection} does not exist')
    try:
        identity = query.engine('identify_stack', stack_name=detection)
        stack = query.engine('show_stack', stack_identity=identity, resolve_outputs=False)[0]
    except (errors.EntityNotFound, errors.InvalidTenant) as error:
        raise unknown from error
    events = query.engine('list_events', stack_identity=identity, limit=EVENTS,
                          filters={'resource_name': [stack['stack_name']], 'resource_action': ['CHECK']})
    # A resource may be called like its stack.
    began = next((one['event_time'] for one in events if one['resource_status'] == 'IN_PROGRESS'
                  and one['physical_resource_id'] == identity['stack_id']), None)
    if began is None or identity['stack_id'] != detection:
        raise unknown
    told = {'StackId': shapes.arn(identity), 'StackDriftDetectionId': detection, 'Timestamp': began}
    if (stack['stack_action'], stack['stack_status']) == ('CHECK', 'IN_PROGRESS'):
        return {**told, 'DetectionStatus': 'DETECTION_IN_PROGRESS'}
    found = _found(query, identity)
    count = sum(one['status'] in DRIFTED for one in found)
    whole = ('DRIFTED' if count else 'IN_SYNC' if any(one['status'] == 'IN_SYNC' for one in found)
             else 'NOT_CHECKED')
    missed = _missed(query, identity, {one['resource_name']: one['checked_at'] for one in found}, began)
    reason = f'Detection has failed for the resources [{", ".join(missed)}]' if missed else None
    return {**told, 'StackDriftStatus': whole, 'DriftedStackResourceCount': count,
            'DetectionStatus': 'DETECTION_FAILED' if missed else 'DETECTION_COMPLETE',
            'DetectionStatusReason': reason}


def _missed(query: Query, identity: dict[str, str], looked: dict[str, str | None], began: str) -> list[str]:
    """Names of the resources whose check has failed before they could be compared."""
    rows = query.engine('list_stack_resources', stack_identity=identity, nested_depth=0, with_detail=False,
                        filters=None)
    return sorted(row['resource_name'] for row in rows if not row.get('nested_stack_id')
                  and (row['resource_action'], row['resource_status']) == ('CHECK', 'FAILED')
                  and row['updated_time'] >= began and (looked.get(row['resource_name']) or '') < began)


def _found(query: Query, identity: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = query.engine('show_drift', stack_identity=identity, own=True)
    return found


def describe(query: Query) -> dict[str, Any]:
    """DescribeStackResourceDrifts: of the resources that were compared, in order of name."""
    identity, wanted = query.stack, query.get('StackResourceDriftStatusFilters')
    size = query.get('MaxResults', MOST)
    if size > MOST:
        raise refused(f"Value '{size}' at 'MaxResults' must be a whole number of at most {MOST}.")
    request = [query.action, identity, sorted(wanted or ())]
    after = paging.marker(request, query.get('NextToken')) or ''
    rows = sorted((one for one in _found(query, identity) if one['resource_name'] > after
                   and one['checked_at'] and (not wanted or one['status'] in wanted)),
                  key=lambda one: str(one['resource_name']))
    page = rows[:size]
    token = paging.token(request, page[-1]['resource_name']) if len(rows) > size else None
    arn = shapes.arn(identity)
    return {'StackResourceDrifts': [_shaped(arn, one) for one in page], 'NextToken': token}


def _shaped(arn: str, one: dict[str, Any]) -> dict[str, Any]:
    return {
        'StackId': arn, 'LogicalResourceId': one['resource_name'],
        'PhysicalResourceId': one['physical_resource_id'] or None, 'ResourceType': one['resource_type'],
        'ExpectedProperties': _properties(one.get('expected')),
        'ActualProperties': _properties(one.get('actual')),
        'PropertyDifferences': [{
            'PropertyPath': f'/{each["property"]}', 'ExpectedValue': Loose(each['expected']),
            'ActualValue': Loose(each['actual']), 'DifferenceType': each['kind']}
            for each in one['differences']],
        'StackResourceDriftStatus': one['status'], 'Timestamp': one['checked_at']}


def _properties(found: dict[str, Any] | None) -> str | None:
    return None if found is None else json.dumps(found)
