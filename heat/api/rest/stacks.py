"""Stacks over REST: list, create, show, update, delete, preview, validate.

Purpose: one function per route; the engine keeps action and status apart, here
they are joined. Invariant: answers hold exactly the keys of the tables below.
Neighbours: ``api.rest.routes`` names these functions, ``instantiation`` reads
the bodies, the engine answers over ``Call.engine``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import webob
import webob.exc

from heat.api.dispatch import KEY, Call
from heat.api.faults import Refusal
from heat.api.parameters import FILLED_FLAG, FILTER, FLAG, LISTED, PAGE, Parameter
from heat.api.rest import keys, links
from heat.api.rest.instantiation import Instantiation
from heat.api.wsgi import Request, json_response
from heat.common import errors, fault
from heat.common.ids import StackId

ROW = ('stack_name', 'stack_status', 'stack_status_reason', 'creation_time', 'updated_time', 'deletion_time',
       'description', 'parent', 'stack_owner', 'stack_user_project_id', 'tags')
WHOLE = (*ROW, 'capabilities', 'disable_rollback', 'notification_topics', 'outputs', 'parameters',
         'template_description', 'timeout_mins')
FILTERS = ('id', 'status', 'name', 'action', 'tenant', 'username', 'owner_id', 'parent', 'stack_name',
           'stack_action', 'stack_status', 'stack_status_reason', 'stack_owner', 'stack_user_project_id',
           'disable_rollback', 'timeout_mins')
IGNORABLE = frozenset(('99001',))
DETAILS = (
    *(Parameter(name, FILTER, f'Only stacks with this {name}') for name in FILTERS),
    *PAGE,
    Parameter('show_deleted', FLAG, 'Deleted stacks too', default=False),
    Parameter('show_nested', FLAG, 'Nested stacks too', default=False),
    Parameter('show_hidden', FLAG, 'Stacks with a hidden tag too', default=False),
    Parameter('tags', LISTED, 'Only stacks with all of these tags, separated by commas'),
    Parameter('tags_any', LISTED, 'Only stacks with any of these tags'),
    Parameter('not_tags', LISTED, 'No stacks with all of these tags'),
    Parameter('not_tags_any', LISTED, 'No stacks with any of these tags'))
INDEX = (*DETAILS, Parameter('global_tenant', FLAG, 'Stacks of all projects', default=False),
         Parameter('with_count', FLAG, 'Tell how many stacks there are on all pages', default=False))
SHOW = (Parameter('resolve_outputs', FILLED_FLAG, 'Tell the outputs with their values', default=True),
        Parameter('with_progress', FLAG, 'Count the resources that are done', default=False))
NESTED = Parameter('show_nested', FLAG, 'Look into nested stacks', default=False)
DELETE = (Parameter('retain', LISTED, 'Names of resources that stay in the cloud, separated by commas'),
          Parameter('force', FLAG, 'Leave behind what cannot be deleted', default=False))
VALIDATE = (NESTED, Parameter('ignore_errors', LISTED, 'Codes of errors that are let pass: 99001'))


def glued(stack: dict[str, Any]) -> str:
    """``ACTION_STATUS`` of an engine stack; an action-less one shows its status."""
    action, status = stack.get('stack_action'), stack.get('stack_status')
    return f'{action}_{status}' if action else str(status)


def shaped(request: Request, stack: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """An engine stack as its REST object with ``keys`` as far as the engine sent them."""
    identity = stack['stack_identity']
    shown = {key: stack[key] for key in keys if key in stack and key != 'stack_status'}
    if 'stack_status' in keys and 'stack_status' in stack:
        shown['stack_status'] = glued(stack)
    shown['id'] = identity['stack_id']
    shown['links'] = [links.link(request, identity)]
    return shown


def row(call: Call, stack: dict[str, Any], with_project: bool) -> dict[str, Any]:
    shown = {'description': '', 'parent': None, **shaped(call.request, stack, ROW)}
    if with_project:
        shown['project'] = stack['stack_identity']['tenant']
    return shown


def index(call: Call) -> dict[str, Any]:
    """GET /stacks."""
    everywhere = call.query['global_tenant']
    call.allow('stacks:global_index' if everywhere else 'stacks:index')
    context = replace(call.context, is_admin=True) if everywhere else call.context
    return _listed(call, context, call.query['with_count'])


def detail(call: Call) -> dict[str, Any]:
    """GET /stacks/detail."""
    return _listed(call, call.context, False)


def _listed(call: Call, context: Any, with_count: bool) -> dict[str, Any]:
    request, query = call.request, call.query
    which = {'filters': query.filters(), **{name: query[name] for name in (
        'show_deleted', 'show_nested', 'show_hidden', 'tags', 'tags_any', 'not_tags', 'not_tags_any')}}
    limit = query['limit']
    engine = call.wiring.engine
    stacks = engine.call(context, 'list_stacks', limit=limit, marker=query['marker'],
                         sort_keys=query['sort_keys'], sort_dir=query['sort_dir'], **which)
    result: dict[str, Any] = {'stacks': [row(call, stack, context.is_admin) for stack in stacks]}
    if limit and len(stacks) == limit:
        result['links'] = [links.next_page(request, stacks[-1]['stack_identity']['stack_id'])]
    if with_count:
        result['count'] = engine.call(context, 'count_stacks', **which)
    return result


def create(call: Call) -> webob.Response:
    """POST /stacks: 201 with id and links."""
    data = created_from(call, keyed(call))
    parts = data.to_engine()
    with data.located():
        identity = call.engine('create_stack', stack_name=data.stack_name, **parts, owner_id=None,
                               nested_depth=0, user_creds_id=None, parent_resource_name=None,
                               stack_user_project_id=None)
    body = {'stack': {'id': identity['stack_id'], 'links': [links.link(call.request, identity)]}}
    return json_response(body, 201, {'Location': links.url(call.request, identity)})


def preview(call: Call) -> dict[str, Any]:
    """POST /stacks/preview."""
    data = created_from(call, call.body)
    parts = data.to_engine()
    with data.located():
        stack = call.engine('preview_stack', stack_name=data.stack_name, **parts)
    keys = tuple(key for key in WHOLE if not key.startswith('stack_status'))
    return {'stack': {**shaped(call.request, stack, keys), 'resources': stack.get('resources', [])}}


def keyed(call: Call) -> dict[str, Any]:
    """The body, with the header Idempotency-Key as the token that makes a repeated request the same."""
    key = call.request.headers.get(KEY)
    if key is None:
        return call.body
    # Refused by the name that was used.
    keys.ARGUMENTS['client_request_token'].taken(KEY, key)
    if call.body.get('client_request_token') not in (None, key):
        raise webob.exc.HTTPBadRequest(f'{KEY} and "client_request_token" are not the same.')
    return {**call.body, 'client_request_token': key}


def created_from(call: Call, body: dict[str, Any]) -> Instantiation:
    """What a request for a new stack brings; refused in the classic order."""
    data = Instantiation(body, call.wiring.conf)
    # Read for its error: no name, then no template, then the rest.
    _name, _template = data.stack_name, data.template
    if 'converge' in body:
        raise webob.exc.HTTPBadRequest(
            'converge flag only supported in stack update (or update preview) request.')
    data.check_name()
    return data


def lookup(call: Call) -> webob.Response:
    """Any method on a stack's name alone: 302 to its full address."""
    name, path = call.path['stack_name'], call.path.get('path', '')
    try:
        identity = StackId.from_arn(name).to_wire()
    except ValueError:
        identity = call.engine('identify_stack', stack_name=name)
    if path:
        identity = {**identity, 'path': f'/{path}'}
    location = links.url(call.request, identity)
    query = urlencode(list(call.request.GET.items()))
    return webob.exc.HTTPFound(location=f'{location}?{query}' if query else location)


def show(call: Call) -> webob.Response:
    """GET on a stack. ETag is its generation, which every change of it moves on."""
    resolve, with_progress = call.query['resolve_outputs'], call.query['with_progress']
    stack = call.engine('show_stack', stack_identity=call.stack, resolve_outputs=resolve)
    if isinstance(stack, list):
        if not stack:
            raise webob.exc.HTTPNotFound()
        stack = stack[0]
    shown = shaped(call.request, stack, WHOLE)
    if with_progress:
        shown['progress'] = call.engine('stack_progress', stack_identity=call.stack)
    headers = {}
    if 'generation' in stack:
        # What is told goes on changing while the generation stays, so no cache may answer with it.
        headers = {'ETag': f'"{stack["generation"]}"', 'Cache-Control': 'no-cache'}
    return json_response({'stack': shown}, 200, headers)


def update(call: Call) -> None:
    """PUT: template, parameters and environment replace the old ones."""
    _updated(call, Instantiation(keyed(call), call.wiring.conf))


def update_patch(call: Call) -> None:
    """PATCH: what is sent is laid over what is stored."""
    data = Instantiation(keyed(call), call.wiring.conf, patch=True)
    call.allow('stacks:update_no_change' if data.changes_nothing else 'stacks:update_patch')
    _updated(call, data)


def _updated(call: Call, data: Instantiation) -> None:
    parts = data.to_engine()
    with data.located():
        call.engine('update_stack', stack_identity=call.stack, **parts)


def preview_update(call: Call) -> dict[str, Any]:
    return _changes(call, patch=False)


def preview_update_patch(call: Call) -> dict[str, Any]:
    return _changes(call, patch=True)


def _changes(call: Call, patch: bool) -> dict[str, Any]:
    data = Instantiation(call.body, call.wiring.conf, patch=patch)
    arguments = data.to_engine()
    if call.request.one('show_nested') is not None:
        arguments['args']['show_nested'] = call.query['show_nested']
    with data.located():
        changes = call.engine('preview_update_stack', stack_identity=call.stack, **arguments)
    return {'resource_changes': changes}


def delete(call: Call) -> None:
    """DELETE; ``retain`` (names) stay in the cloud, ``force`` goes past what cannot be deleted."""
    options: dict[str, Any] = {}
    retain = call.query['retain']
    if retain:
        options['retain'] = retain
    if call.query['force']:
        options['force'] = True
    call.engine('delete_stack', stack_identity=call.stack, **options)


def abandon(call: Call) -> Any:
    return call.engine('abandon_stack', stack_identity=call.stack)


def export(call: Call) -> Any:
    return call.engine('export_stack', stack_identity=call.stack)


def template(call: Call) -> Any:
    return call.engine('get_template', stack_identity=call.stack)


def environment(call: Call) -> Any:
    return call.engine('get_environment', stack_identity=call.stack)


def files(call: Call) -> Any:
    return call.engine('get_files', stack_identity=call.stack)


def list_outputs(call: Call) -> dict[str, Any]:
    return {'outputs': call.engine('list_outputs', stack_identity=call.stack)}


def show_output(call: Call) -> dict[str, Any]:
    return {'output': call.engine('show_output', stack_identity=call.stack,
                                  output_key=call.path['output_key'])}


def validate_template(call: Call) -> Any:
    """POST /validate. Unknown codes in ``ignore_errors`` are a 400."""
    # The recorded service answers unknown codes with 200 and the text of an error object;
    # nobody can use that, so here they are refused like every other bad value.
    ignored = call.query['ignore_errors'] or []
    unknown = [code for code in ignored if code not in IGNORABLE]
    data = Instantiation(call.body, call.wiring.conf)
    parts = data.to_engine()
    nested = call.query['show_nested']
    if unknown:
        raise webob.exc.HTTPBadRequest(f'Invalid codes in ignore_errors : {unknown}')
    parts.pop('args')
    with data.located():
        result = call.engine('validate_template', **parts, show_nested=nested,
                             ignorable_errors=ignored or None)
    if isinstance(result, dict) and 'Error' in result:
        error = errors.Error(message=str(result['Error']))
        faults = data.lines_of(fault.from_wire(result.get('Faults')))
        raise Refusal('', error.told(faults, int(result.get('Untold') or 0)))
    return result
