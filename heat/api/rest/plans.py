"""Plans that are kept and carried out later, over REST: the classic interface has only previews.

Purpose: one function per route and the shape of a plan. Invariant: what a plan of a
creation or update takes is what the creation or update itself takes; it is carried out
once, and only while the stack is as it was. Neighbours: ``api.rest.routes``; the engine's
``Plans`` keeps them, and change sets of CloudFormation are among them.
"""

from __future__ import annotations

from typing import Any

import webob

from heat.api.dispatch import Call
from heat.api.parameters import TEXT, Parameter
from heat.api.rest import keys, links
from heat.api.rest.instantiation import Instantiation
from heat.api.rest.stacks import created_from, keyed
from heat.api.wsgi import Request, json_response

INDEX = (Parameter('stack_name', TEXT, 'Plans of stacks of this name only'),)
SUMMARY = ('id', 'name', 'stack_name', 'stack_id', 'action', 'status', 'status_reason', 'execution',
           'creator', 'creation_time')
WHOLE = (*SUMMARY, 'text', 'summary', 'entries')


def create(call: Call) -> webob.Response:
    """POST /plans: what the creation of a stack would do; 201 with the plan."""
    data = created_from(call, call.body)
    return _kept(call, data, stack_identity=None, stack_name=data.stack_name)


def create_update(call: Call) -> webob.Response:
    """POST on a stack's plans: what an update of it would do; 201 with the plan."""
    existing = call.body.get('existing')
    patch = existing is not None and keys.ARGUMENTS['existing'].taken('existing', existing)
    data = Instantiation(call.body, call.wiring.conf, patch=bool(patch))
    return _kept(call, data, stack_identity=call.stack, stack_name=call.path['stack_name'])


def _kept(call: Call, data: Instantiation, **which: Any) -> webob.Response:
    parts, name = data.to_engine(), keys.PLAN_NAME.taken('name', call.body.get('name'))
    with data.located():
        plan = call.engine('create_plan', **which, **parts, name=name)
    shown = shaped(call.request, plan, WHOLE)
    return json_response({'plan': shown}, 201, {'Location': shown['links'][0]['href']})


def index(call: Call) -> dict[str, Any]:
    """GET /plans, those of the whole project, the oldest first."""
    named = call.query['stack_name']
    return _listed(call, call.engine('list_plans', **({'stack_name': named} if named else {})))


def index_of_stack(call: Call) -> dict[str, Any]:
    """GET on a stack's plans."""
    return _listed(call, call.engine('list_plans', stack_identity=call.stack))


def _listed(call: Call, plans: list[dict[str, Any]]) -> dict[str, Any]:
    return {'plans': [shaped(call.request, plan, SUMMARY) for plan in plans]}


def show(call: Call) -> dict[str, Any]:
    return {'plan': shaped(call.request, call.engine('show_plan', plan_id=call.path['plan_id']), WHOLE)}


def delete(call: Call) -> None:
    call.engine('delete_plan', plan_id=call.path['plan_id'])


def execute(call: Call) -> webob.Response:
    """POST on a plan's execution: 202 with the stack; 409 once the stack has moved on."""
    arguments = {name: keys.EXECUTE.keys[name].taken(name, value) for name, value in keyed(call).items()
                 if name in keys.EXECUTE.keys}
    identity = call.engine('execute_plan', plan_id=call.path['plan_id'], args=arguments)
    body = {'stack': {'id': identity['stack_id'], 'links': [links.link(call.request, identity)]}}
    return json_response(body, 202, {'Location': links.url(call.request, identity)})


def shaped(request: Request, plan: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The engine's plan as its REST object."""
    known = {**plan, 'stack_id': (plan['stack_identity'] or {}).get('stack_id')}
    own = f'{request.application_url}/{plan["target_identity"]["tenant"]}/plans/{plan["id"]}'
    found = [{'href': own, 'rel': 'self'}]
    if plan['stack_identity'] is not None:
        found.append(links.link(request, plan['stack_identity'], 'stack'))
    return {**{name: known[name] for name in names}, 'links': found}
