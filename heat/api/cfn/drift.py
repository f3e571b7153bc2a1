"""Actions on drift: a check of the stack, in AWS's words.

Purpose: DetectStackDrift and what tells of it. Invariant: as with AWS, the resources of
nested stacks are told of when their own stack is asked. A stack has one detection, its
last: the id of a detection is that of its stack. Neighbours: ``actions`` names these
functions, the engine's ``show_drift`` has what was found.
"""

from __future__ import annotations

from typing import Any

from heat.api.cfn import paging, shapes
from heat.api.cfn.faults import refused
from heat.api.cfn.query import Query
from heat.api.cfn.render import Loose
from heat.common import errors

MOST, EVENTS = 100, 10
DRIFTED = ('MODIFIED', 'DELETED')
STATES = ('IN_SYNC', *DRIFTED, 'NOT_CHECKED')


def detect(query: Query) -> dict[str, Any]:
    """DetectStackDrift."""
    identity = query.stack
    query.engine('stack_check', stack_identity=identity)
    return {'StackDriftDetectionId': identity['stack_id']}


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
                  and (looked.get(row['resource_name']) or '') < began)


def _found(query: Query, identity: dict[str, str]) -> list[dict[str, Any]]:
    return [one for one in query.engine('show_drift', stack_identity=identity) if '/' not in one['path']]


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
        'PropertyDifferences': [{
            'PropertyPath': f'/{each["property"]}', 'ExpectedValue': Loose(each['expected']),
            'ActualValue': Loose(each['actual']), 'DifferenceType': each['kind']}
            for each in one['differences']],
        'StackResourceDriftStatus': one['status'], 'Timestamp': one['checked_at']}
