"""Actions on stacks: create, update, cancel, roll back, protect, delete.

Purpose: one function per action. Invariant: a parameter is honoured or refused;
what AWS defaults to counts where the orchestration API has another default (a
failed creation is rolled back). Neighbours: ``actions`` names these functions,
``overviews`` shows what they made, the engine does the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.api.cfn import policies, reviews, shapes, tags, templates, topics
from heat.api.cfn.faults import Fault, no_such_stack, refused
from heat.api.cfn.query import Query
from heat.api.rest.instantiation import EMPTY
from heat.common import errors
from heat.common.text import content_hash

NOT_BEFORE = ('Invalid input for parameter key {}. Cannot specify usePreviousValue as true for a parameter '
              'key not in the previous template')


def create(query: Query) -> dict[str, Any]:
    """CreateStack."""
    template = templates.needed(query)
    templates.check(query, template)
    values = first_values(query)
    on_failure = query.get('OnFailure')
    if on_failure is not None and query.get('DisableRollback') is not None:
        raise refused('Either DisableRollback or OnFailure can be specified, not both.')
    args = {'disable_rollback': bool(query.get('DisableRollback')), **after_failure(on_failure),
            **common_args(query)}
    if query.get('EnableTerminationProtection'):
        args['termination_protection'] = True
    params = {**EMPTY, 'parameters': values, **topics.environment(query)}
    try:
        identity = query.engine(
            'create_stack', stack_name=query.get('StackName'), template=template,
            params=params, files={}, args=args, owner_id=None, nested_depth=0,
            user_creds_id=None, parent_resource_name=None, stack_user_project_id=None)
    except errors.StackExists as error:
        raise Fault('AlreadyExistsException', f'Stack [{query.get("StackName")}] already exists') from error
    return {'StackId': shapes.arn(identity), 'OperationId': query.operation}


def after_failure(said: str | None) -> dict[str, Any]:
    """What OnFailure and OnStackFailure ask of the engine, as far as it is not its way anyhow."""
    if said == 'DELETE':
        return {'disable_rollback': False, 'on_failure': 'DELETE'}
    return {} if said is None else {'disable_rollback': said == 'DO_NOTHING'}


def common_args(query: Query) -> dict[str, Any]:
    """What a creation and an update tell the engine alike, as far as it was given."""
    args: dict[str, Any] = {}
    if query.get('TimeoutInMinutes') is not None:
        args['timeout_mins'] = query.get('TimeoutInMinutes')
    if 'Tags' in query.given:
        args['tags'] = tags.stored(query.given['Tags'])
    if query.get('ClientRequestToken'):
        args['client_request_token'] = query.get('ClientRequestToken')
    if 'Capabilities' in query.given:
        args['capabilities'] = query.given['Capabilities']
    if query.get('RetainExceptOnCreate'):
        args['retain_except_on_create'] = True
    return {**args, **policies.args(query)}


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
            **common_args(query), **topics.args(query)}
    return template, {**EMPTY, 'parameters': values, **topics.environment(query)}, args


# What says which stack and which request is meant, and not what is asked for.
NAMING = ('StackName', 'ClientRequestToken', 'ClientToken')


def content_of(query: Query) -> str:
    """What an update asks for: its wish is made of what is stored, too, and another when it is repeated."""
    return content_hash({name: value for name, value in query.given.items() if name not in NAMING})


def update(query: Query) -> dict[str, Any]:
    """UpdateStack."""
    try:
        identity = query.stack
        template, params, args = update_wish(query, identity)
        args |= {'disable_rollback': bool(query.get('DisableRollback', False)), 'refuse_unchanged': True}
        if query.get('ClientRequestToken'):
            args['request_content'] = content_of(query)
        query.engine('update_stack', stack_identity=identity, template=template, params=params, files={},
                     args=args)
    except errors.NotSupported as error:
        raise refused(str(error)) from error
    except errors.EntityNotFound:
        found = reviews.under_review(query)
        if not found:
            raise
        name = shapes.arn(found[0]['target_identity'])
        raise refused(f'Stack:{name} is in REVIEW_IN_PROGRESS state and can not be updated.') from None
    return {'StackId': shapes.arn(identity), 'OperationId': query.operation}


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
    retained, forced = query.get('RetainResources'), query.get('DeletionMode') == 'FORCE_DELETE_STACK'
    try:
        identity = query.stack
        if retained or forced:
            _check_failed(query, identity, 'RetainResources' if retained else 'DeletionMode')
        query.engine('delete_stack', stack_identity=identity, **({'retain': retained} if retained else {}),
                     **({'force': True} if forced else {}))
    except errors.EntityNotFound:
        return _forget_review(query)
    except errors.TerminationProtected as error:
        raise refused(f'Stack [{identity["stack_name"]}] cannot be deleted while TerminationProtection is '
                      'enabled') from error
    except errors.NotSupported as error:
        raise refused(str(error)) from error
    return ''


def _check_failed(query: Query, identity: dict[str, str], parameter: str) -> None:
    found = query.engine('show_stack', stack_identity=identity, resolve_outputs=False)
    if found and (found[0]['stack_action'], found[0]['stack_status']) != ('DELETE', 'FAILED'):
        raise refused(f'Invalid operation on stack [{identity["stack_name"]}]. {parameter} may be given '
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
    more = {'retain_except_on_create': True} if query.get('RetainExceptOnCreate') else {}
    return {'StackId': shapes.arn(_back(query, again=False, **more)), 'OperationId': query.operation}


def roll_back_again(query: Query) -> str:
    """ContinueUpdateRollback: from a rollback that has failed itself, past what cannot be brought back."""
    skipped, forced = query.get('ResourcesToSkip'), bool(query.get('ForceRollback'))
    if skipped and forced:
        raise refused('Only one of ResourcesToSkip and ForceRollback can be specified.')
    # AWS writes Nested.Resource for what is inside; here it is a path.
    _back(query, again=True, **({'skip': [name.replace('.', '/') for name in skipped]} if skipped else {}),
          **({'force': True} if forced else {}))
    return ''


def _back(query: Query, again: bool, **more: Any) -> dict[str, str]:
    try:
        identity: dict[str, str] = query.engine(
            'stack_rollback', stack_identity=query.stack, again=again,
            client_request_token=query.get('ClientRequestToken'), **more)
    except errors.NotSupported as error:
        raise refused(str(error)) from error
    return identity
