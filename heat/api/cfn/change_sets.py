"""Actions on change sets: create, describe, list, delete, execute.

Purpose: CloudFormation's change sets over the plans that the engine keeps. Invariant: what
is told is what the engine decided and will do; whatever goal the stack gets meanwhile makes
the change set obsolete. Neighbours: ``actions`` names these functions, ``stacks`` reads what
a creation or update wishes for, ``reviews`` finds, ``changes`` shows what would change.
"""

from __future__ import annotations

from typing import Any

from heat.api.cfn import changes, paging, reviews, shapes, stacks, tags, templates, topics
from heat.api.cfn.faults import Fault, refused, unsupported
from heat.api.cfn.query import Query
from heat.api.rest.instantiation import EMPTY
from heat.common import errors
from heat.common.ids import StackId

PAGE = 100
TYPES = ('CREATE', 'UPDATE', 'IMPORT')
EXECUTION = {'AVAILABLE': 'AVAILABLE', 'VOID': 'OBSOLETE', 'FAILED': 'UNAVAILABLE'}
EXECUTED = {'IN_PROGRESS': 'EXECUTE_IN_PROGRESS', 'FAILED': 'EXECUTE_FAILED'}


def create(query: Query) -> dict[str, Any]:
    """CreateChangeSet. It is complete, or has failed, when this returns."""
    kind = query.get('ChangeSetType', 'UPDATE')
    if kind == 'IMPORT':
        raise unsupported('The value IMPORT of the parameter ChangeSetType')
    wish = _creation(query) if kind == 'CREATE' else _update(query)
    on_failure = query.get('OnStackFailure')
    if on_failure == 'DELETE' and kind != 'CREATE':
        raise refused('The value DELETE of the parameter OnStackFailure is valid only for a change set of '
                      'the type CREATE.')
    note = {'token': query.get('ClientToken'), 'description': query.get('Description'),
            'capabilities': query.get('Capabilities', []), 'on_failure': on_failure,
            'nested': query.get('IncludeNestedStacks'), 'topics': query.get(topics.NAME, [])}
    wish['args'] |= {'change_set': note, 'disable_rollback': False, **stacks.after_failure(on_failure)}
    if note['token']:
        wish['args']['request_content'] = stacks.content_of(query)
    name = query.get('ChangeSetName')
    try:
        plan = query.engine('create_plan', files={}, name=name, **wish)
    except errors.EntityExists as error:
        raise Fault('AlreadyExistsException', f'ChangeSet {name} already exists') from error
    except errors.StackExists as error:
        raise refused(f'Stack [{query.get("StackName")}] already exists and cannot be created again with the '
                      f'changeSet [{name}].') from error
    except errors.NotSupported as error:
        raise refused(str(error)) from error
    return {'Id': reviews.arn(plan), 'StackId': shapes.arn(plan['target_identity'])}


def _creation(query: Query) -> dict[str, Any]:
    if query.get('UsePreviousTemplate'):
        raise refused('UsePreviousTemplate cannot be used when creating a stack.')
    template = templates.needed(query)
    templates.check(query, template)
    name = query.get('StackName')
    if name.startswith('arn:'):
        try:
            name = StackId.from_arn(name).stack_name
        except ValueError as error:
            raise refused(str(error)) from error
    return {'stack_identity': None, 'stack_name': name, 'template': template,
            'params': {**EMPTY, 'parameters': stacks.first_values(query), **topics.environment(query)},
            'args': stacks.common_args(query)}


def _update(query: Query) -> dict[str, Any]:
    identity = query.stack
    template, params, args = stacks.update_wish(query, identity)
    return {'stack_identity': identity, 'stack_name': identity['stack_name'], 'template': template,
            'params': params, 'args': args}


def describe(query: Query) -> dict[str, Any]:
    """DescribeChangeSet. Changes inside nested stacks are told with the way to them as their name."""
    plan = reviews.find(query)
    note = plan['change_set']
    told = [] if plan['status'] == 'FAILED' else changes.told(
        plan['entries'], nested=note.get('nested') is not False,
        values=bool(query.get('IncludePropertyValues')))
    request = [query.action, plan['id']]
    start = int(paging.marker(request, query.get('NextToken')) or 0)
    page = told[start:start + PAGE]
    return {**_summary(plan), 'Parameters': shapes.parameters(plan),
            'NotificationARNs': note.get('topics') or [], 'Capabilities': note.get('capabilities') or [],
            'Tags': tags.shown(plan['tags']), 'OnStackFailure': note.get('on_failure'), 'Changes': page,
            'NextToken': paging.token(request, str(start + PAGE)) if len(told) > start + PAGE else None}


def _execution(plan: dict[str, Any]) -> str:
    return EXECUTION.get(plan['status']) or EXECUTED.get(plan['execution'] or '', 'EXECUTE_COMPLETE')


def _summary(plan: dict[str, Any]) -> dict[str, Any]:
    status, note = plan['status'], plan['change_set']
    failed = status == 'FAILED'
    return {'ChangeSetName': plan['name'], 'ChangeSetId': reviews.arn(plan),
            'StackId': shapes.arn(plan['target_identity']), 'StackName': plan['stack_name'],
            'Description': note.get('description'), 'CreationTime': plan['creation_time'],
            'Status': 'FAILED' if failed else 'CREATE_COMPLETE',
            'StatusReason': plan['status_reason'] if failed else None, 'ExecutionStatus': _execution(plan),
            'IncludeNestedStacks': note.get('nested') is not False}


def list_all(query: Query) -> dict[str, Any]:
    """ListChangeSets."""
    request = [query.action, query.get('StackName')]
    start = int(paging.marker(request, query.get('NextToken')) or 0)
    found = reviews.of_stack(query)
    page = found[start:start + PAGE]
    return {'Summaries': [_summary(one) for one in page],
            'NextToken': paging.token(request, str(start + PAGE)) if len(found) > start + PAGE else None}


def delete(query: Query) -> str:
    """DeleteChangeSet. What is not there is gone already."""
    try:
        plan = reviews.find(query)
    except Fault as fault:
        if fault.code == 'ChangeSetNotFound':
            return ''
        raise
    if plan['execution'] == 'IN_PROGRESS':
        raise Fault('InvalidChangeSetStatus', f'ChangeSet [{plan["name"]}] is being executed and cannot be '
                                              'deleted.')
    query.engine('delete_plan', plan_id=plan['id'])
    return ''


def execute(query: Query) -> str:
    """ExecuteChangeSet."""
    plan = reviews.find(query)
    if query.get('DisableRollback') is not None and plan['change_set'].get('on_failure'):
        raise refused('DisableRollback cannot be specified for a change set that was created with '
                      'OnStackFailure.')
    args = {'client_request_token': query.get('ClientRequestToken'),
            'disable_rollback': query.get('DisableRollback'),
            'retain_except_on_create': query.get('RetainExceptOnCreate')}
    try:
        query.engine('execute_plan', plan_id=plan['id'],
                     args={name: value for name, value in args.items() if value is not None})
    except errors.PlanVoid as error:
        status = _execution(plan)
        raise Fault('InvalidChangeSetStatus', (
            f'ChangeSet [{reviews.arn(plan)}] cannot be executed in its current execution status of '
            f'[{status}]: {error}')) from error
    return ''
