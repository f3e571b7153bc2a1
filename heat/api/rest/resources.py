"""Resources of a stack over REST: list, show, metadata, signal, mark unhealthy.

Purpose: one function per route and the shape of a resource. Invariant: what the
engine sends beyond the listed keys (properties, metadata) stays inside.
Neighbours: ``api.rest.routes`` names these functions.
"""

from __future__ import annotations

from typing import Any

import webob.exc

from heat.api.dispatch import Call
from heat.api.parameters import FILTER, FLAG, NESTED_DEPTH, TEXTS, Parameter
from heat.api.rest import links
from heat.api.wsgi import Request, flag

SUMMARY = ('resource_name', 'resource_type', 'resource_status_reason', 'physical_resource_id',
           'creation_time', 'updated_time', 'required_by', 'parent_resource')
DETAIL = (*SUMMARY, 'attributes', 'description')
FILTERS = ('type', 'status', 'name', 'action', 'id', 'physical_resource_id')
INDEX = (*(Parameter(name, FILTER, f'Only resources with this {name}') for name in FILTERS), NESTED_DEPTH,
         Parameter('with_detail', FLAG, 'Tell attributes and descriptions', default=False))
SHOW = (Parameter('with_attr', TEXTS, 'A further attribute to tell; may be given several times'),)
UNHEALTHY = 'mark_unhealthy'
REASON = 'resource_status_reason'


def shaped(request: Request, resource: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """An engine resource as its REST object."""
    identity = resource['resource_identity']
    shown = {key: resource[key] for key in keys if key in resource}
    shown['resource_status'] = f"{resource['resource_action']}_{resource['resource_status']}"
    shown['logical_resource_id'] = resource['resource_name']
    shown['links'] = [links.link(request, identity), links.link(request, links.stack_of(identity), 'stack')]
    nested = resource.get('nested_stack_id')
    if nested:
        shown['links'].append(links.link(request, nested, 'nested'))
    return shown


def index(call: Call) -> dict[str, Any]:
    """GET /resources; the only list that refuses unknown parameters."""
    request = call.request
    unknown = [name for name in dict.fromkeys(request.GET)
               if name not in {one.name for one in INDEX}]
    depth = call.query['nested_depth'] or 0
    if unknown:
        raise webob.exc.HTTPBadRequest(f'Invalid filter parameters {unknown}')
    detailed = call.query['with_detail']
    found = call.engine('list_stack_resources', stack_identity=call.stack, nested_depth=depth,
                        with_detail=detailed, filters=call.query.filters())
    keys = DETAIL if detailed else SUMMARY
    return {'resources': [shaped(request, resource, keys) for resource in found]}


def show(call: Call) -> dict[str, Any]:
    resource = call.engine('describe_stack_resource', stack_identity=call.stack,
                           resource_name=call.path['resource_name'],
                           with_attr=call.query['with_attr'])
    return {'resource': shaped(call.request, resource, DETAIL)}


def metadata(call: Call) -> dict[str, Any]:
    resource = call.engine('describe_stack_resource', stack_identity=call.stack,
                           resource_name=call.path['resource_name'], with_attr=False)
    return {'metadata': resource.get('metadata') or {}}


def signal(call: Call) -> None:
    """POST /signal: the body, if it is a JSON object, goes to the resource."""
    call.engine('resource_signal', stack_identity=call.stack, resource_name=call.path['resource_name'],
                details=call.sent, sync_call=False)


def mark_unhealthy(call: Call) -> None:
    unknown = set(call.body) - {UNHEALTHY, REASON}
    if unknown:
        raise webob.exc.HTTPBadRequest(f'Invalid keys in resource mark unhealthy {unknown}')
    if UNHEALTHY not in call.body:
        raise webob.exc.HTTPBadRequest('Missing mandatory (mark_unhealthy) key from mark unhealthy request')
    call.engine('resource_mark_unhealthy', stack_identity=call.stack,
                resource_name=call.path['resource_name'],
                mark_unhealthy=flag(UNHEALTHY, call.body[UNHEALTHY]),
                resource_status_reason=call.body.get(REASON, ''))
