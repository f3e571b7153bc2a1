"""Actions on stacks: create, update, cancel, roll back, protect, delete, describe, list.

Purpose: one function per action. Invariant: a parameter is honoured or refused;
what AWS defaults to counts where the orchestration API has another default (a
failed creation is rolled back). Neighbours: ``actions`` names these functions,
``shapes`` makes their answers, the engine does the work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from heat.api.cfn import paging, reviews, shapes, statuses, tags, templates
from heat.api.cfn.faults import Fault, no_such_stack, refused, unsupported
from heat.api.cfn.query import Query
from heat.api.rest.instantiation import EMPTY
from heat.common import errors

PAGE, DESCRIBED = 100, 25
NOT_BEFORE = ('Invalid input for parameter key {}. Cannot specify usePreviousValue as true for a parameter '
              'key not in the previous template')


# -- wishes ----------------------------------------------------------------------------------------


def create(query: Query) -> dict[str, Any]:
    """CreateStack."""
    template = templates.needed(query)
    templates.check(query, template)
    values = first_values(query)
    on_failure = query.get('OnFailure')
    if on_failure is not None and query.get('DisableRollback') is not None:
        raise refused('Either DisableRollback or OnFailure can be specified, not both.')
    args = {'disable_rollback': no_rollback(on_failure, 'OnFailure') or bool(query.get('DisableRollback')),
            **common_args(query)}
    if query.get('EnableTerminationProtection'):
        args['termination_protection'] = True
    try:
        identity = query.engine(
            'create_stack', stack_name=query.get('StackName'), template=template,
            params={**EMPTY, 'parameters': values}, files={}, args=args, owner_id=None, nested_depth=0,
            user_creds_id=None, parent_resource_name=None, stack_user_project_id=None)
    except errors.StackExists as error:
        raise Fault('AlreadyExistsException', f'Stack [{query.get("StackName")}] already exists') from error
    return {'StackId': shapes.arn(identity)}


def no_rollback(on_failure: str | None, parameter: str) -> bool:
    """Whether a failure is left as it is; Fault for what cannot be done after one."""
    if on_failure == 'DELETE':
        raise unsupported(f'The value DELETE of the parameter {parameter}')
    return on_failure == 'DO_NOTHING'


def common_args(query: Query) -> dict[str, Any]:
    """What a creation and an update tell the engine alike, as far as it was given."""
    args: dict[str, Any] = {}
    if query.get('TimeoutInMinutes') is not None:
        args['timeout_mins'] = query.get('TimeoutInMinutes')
    if 'Tags' in query.given:
        args['tags'] = tags.stored(query.given['Tags'])
    if query.get('ClientRequestToken'):
        args['client_request_token'] = query.get('ClientRequestToken')
    return args


def _given(query: Query) -> tuple[dict[str, str], list[str]]:
    """(values by name, names of those that keep their value) of Parameters."""
    values: dict[str, str] = {}
    previous: list[str] = []
    for one in query.get('Parameters', ()):
        name = one['ParameterKey']
        if name in values or name in previous:
            raise refused(f'Duplicate parameter key {name}')
        if one.get('UsePreviousValue'):
            if 'ParameterValue' in one:
                raise refused(f'Invalid input for parameter key {name}. Cannot specify usePreviousValue as '
                              'true and non empty value for a parameter')
            previous.append(name)
        elif 'ParameterValue' not in one:
            raise refused(f'The parameter {name} has neither ParameterValue nor UsePreviousValue.')
        else:
            values[name] = one['ParameterValue']
    return values, previous


def first_values(query: Query) -> dict[str, str]:
    """The Parameters of a creation, for which no value is a previous one."""
    values, previous = _given(query)
    if previous:
        raise refused(NOT_BEFORE.format(previous[0]))
    return values


def update_wish(query: Query, identity: dict[str, str],
                ) -> tuple[dict[str, Any] | None, dict[str, Any], dict[str, Any]]:
    """(template, params, args) of an update: parameters that are not named fall back to their defaults."""
    template = templates.sent(query)
    if query.get('UsePreviousTemplate'):
        if template is not None:
            raise refused('UsePreviousTemplate may not be used together with a template')
    elif template is None:
        raise refused('Either Template URL or Template Body must be specified.')
    before = query.engine('get_template', stack_identity=identity)
    templates.check(query, template or before)
    values, previous = _given(query)
    kept = query.engine('get_environment', stack_identity=identity).get('parameters') or {}
    for name in previous:
        if name not in kept:
            values[name] = _default(before, name)
    args = {'existing': True, 'clear_parameters': [name for name in kept if name not in previous],
            **common_args(query)}
    return template, {**EMPTY, 'parameters': values}, args


def update(query: Query) -> dict[str, Any]:
    """UpdateStack."""
    identity = query.stack
    template, params, args = update_wish(query, identity)
    args |= {'disable_rollback': bool(query.get('DisableRollback', False)), 'refuse_unchanged': True}
    try:
        query.engine('update_stack', stack_identity=identity, template=template, params=params, files={},
                     args=args)
    except errors.NotSupported as error:
        raise refused(str(error)) from error
    return {'StackId': shapes.arn(identity)}


def _default(template: Mapping[str, Any], name: str) -> Any:
    """The default of a parameter that was never given: its value until now."""
    section = template.get('Parameters') or template.get('parameters') or {}
    declared = section.get(name)
    default = declared.get('Default', declared.get('default')) if isinstance(declared, Mapping) else None
    if default is None:
        raise refused(NOT_BEFORE.format(name))
    return default


def cancel(query: Query) -> str:
    """CancelUpdateStack: always back to the state before."""
    try:
        query.engine('stack_cancel_update', stack_identity=query.stack, cancel_with_rollback=True)
    except errors.NotSupported as error:
        raise refused('CancelUpdateStack cannot be called from current stack status') from error
    return ''


def delete(query: Query) -> str:
    """DeleteStack. Said twice it is one deletion, so a ClientRequestToken changes nothing."""
    retained = query.get('RetainResources')
    try:
        identity = query.stack
        if retained:
            _check_retained(query, identity)
        query.engine('delete_stack', stack_identity=identity, **({'retain': retained} if retained else {}))
    except errors.EntityNotFound:
        return _forget_review(query)
    except errors.TerminationProtected as error:
        raise refused(f'Stack [{identity["stack_name"]}] cannot be deleted while TerminationProtection is '
                      'enabled') from error
    except errors.NotSupported as error:
        raise refused(str(error)) from error
    return ''


def _check_retained(query: Query, identity: dict[str, str]) -> None:
    found = query.engine('show_stack', stack_identity=identity, resolve_outputs=False)
    if found and (found[0]['stack_action'], found[0]['stack_status']) != ('DELETE', 'FAILED'):
        raise refused(f'Invalid operation on stack [{identity["stack_name"]}]. RetainResources may be given '
                      'only after its deletion has failed.')


def _forget_review(query: Query) -> str:
    """A stack under review is gone with its change sets."""
    found = reviews.under_review(query)
    if not found:
        raise no_such_stack(query.get('StackName'))
    for plan in found:
        query.engine('delete_plan', plan_id=plan['id'])
    return ''


def protect(query: Query) -> dict[str, Any]:
    """UpdateTerminationProtection."""
    identity = query.stack
    try:
        query.engine('set_termination_protection', stack_identity=identity,
                     enabled=query.given['EnableTerminationProtection'])
    except errors.NotSupported as error:
        raise refused(str(error)) from error
    return {'StackId': shapes.arn(identity)}


def roll_back(query: Query) -> dict[str, Any]:
    """RollbackStack: from a failed creation or update."""
    return {'StackId': shapes.arn(_back(query, again=False))}


def roll_back_again(query: Query) -> str:
    """ContinueUpdateRollback: from a rollback that has failed itself."""
    _back(query, again=True)
    return ''


def _back(query: Query, again: bool) -> dict[str, str]:
    try:
        identity: dict[str, str] = query.engine(
            'stack_rollback', stack_identity=query.stack, again=again,
            client_request_token=query.get('ClientRequestToken'))
    except errors.NotSupported as error:
        raise refused(str(error)) from error
    return identity


# -- what is ---------------------------------------------------------------------------------------


def describe(query: Query) -> dict[str, Any]:
    """DescribeStacks: one, which may be deleted if its id is known, or all that live."""
    if query.get('StackName'):
        try:
            found = query.engine('show_stack', stack_identity=query.stack, resolve_outputs=True)
        except errors.EntityNotFound:
            found = [reviews.stack(query)]
        if not found:
            raise no_such_stack(query.get('StackName'))
        return {'Stacks': [_whole(query, one) for one in found]}
    marker = paging.marker(query.action, query.get('NextToken'))
    rows = _rows(query, DESCRIBED, marker)
    stacks = []
    for row in rows:
        try:
            stacks += query.engine('show_stack', stack_identity=row['stack_identity'], resolve_outputs=True)
        except errors.EntityNotFound:
            # It has gone since the list was made.
            continue
    token = _next(query.action, rows, DESCRIBED)
    # Those under review have no place in the engine's order.
    stacks += [] if token else reviews.stacks(query)
    return {'Stacks': [_whole(query, one) for one in stacks], 'NextToken': token}


def _whole(query: Query, stack: dict[str, Any]) -> dict[str, Any]:
    return shapes.shaped({**_with_way_back(query, stack), **_facts(query, stack)}, shapes.STACK)


def _facts(query: Query, stack: dict[str, Any]) -> dict[str, Any]:
    """What only CloudFormation shows; a stack that is gone has none of it."""
    if stack.get('under_review') or (stack['stack_action'], stack['stack_status']) == ('DELETE', 'COMPLETE'):
        return {}
    try:
        facts: dict[str, Any] = query.engine('stack_facts', stack_identity=stack['stack_identity'])
    except errors.EntityNotFound:
        return {}
    return facts


def _with_way_back(query: Query, stack: dict[str, Any]) -> dict[str, Any]:
    """A stack that was rolled back, with what was taken back: only its events tell."""
    if stack['stack_action'] != 'ROLLBACK':
        return stack
    events = query.engine('list_events', stack_identity=stack['stack_identity'],
                          filters={'resource_name': [stack['stack_name']]}, limit=PAGE)
    told = shapes.back_from(events, stack['stack_name'])
    return {**stack, 'back_from': told[0]['back_from'] if told else 'CREATE'}


def list_all(query: Query) -> dict[str, Any]:
    """ListStacks: the deleted too, as far as the database remembers them."""
    wanted = query.get('StackStatusFilter')
    request = [query.action, sorted(wanted or ())]
    marker = paging.marker(request, query.get('NextToken'))
    if not wanted:
        rows = _rows(query, PAGE, marker, show_deleted=True)
        token = _next(request, rows, PAGE)
        rows += [] if token else reviews.stacks(query)
        return {'StackSummaries': [_summary(query, row) for row in rows], 'NextToken': token}
    found: list[dict[str, Any]] = []
    for row in _every(query, marker, statuses.wider(wanted)):
        summary = _summary(query, row)
        if summary['StackStatus'] in wanted:
            found.append(summary)
            if len(found) == PAGE:
                token = paging.token(request, row['stack_identity']['stack_id'])
                return {'StackSummaries': found, 'NextToken': token}
    if 'REVIEW_IN_PROGRESS' in wanted:
        found += [_summary(query, row) for row in reviews.stacks(query)]
    return {'StackSummaries': found}


def _every(query: Query, marker: str | None, states: list[str]) -> Iterator[dict[str, Any]]:
    """The stacks behind ``marker`` in one of the engine's ``states``, page by page."""
    while True:
        rows = _rows(query, PAGE, marker, show_deleted=True, filters={'stack_status': states})
        yield from rows
        if len(rows) < PAGE:
            return
        marker = rows[-1]['stack_identity']['stack_id']


def _rows(query: Query, limit: int, marker: str | None, **which: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = query.engine('list_stacks', limit=limit, marker=marker, **which)
    return rows


def _next(request: Any, rows: list[dict[str, Any]], limit: int) -> str | None:
    return paging.token(request, rows[-1]['stack_identity']['stack_id']) if len(rows) == limit else None


def _summary(query: Query, row: dict[str, Any]) -> dict[str, Any]:
    return shapes.shaped(_with_way_back(query, row), shapes.SUMMARY)


def limits(query: Query) -> dict[str, Any]:
    """DescribeAccountLimits: what the service's configuration bounds."""
    found = {'StackLimit': query.conf.max_stacks_per_tenant}
    return {'AccountLimits': [{'Name': name, 'Value': value} for name, value in found.items() if value >= 0]}
