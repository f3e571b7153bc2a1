"""Events over REST: of a stack, of a resource, one alone.

Purpose: one function per route and the shape of an event. Invariant: a list
holds no properties; the single event does. Neighbours: ``api.rest.routes``.
"""

from __future__ import annotations

from typing import Any

import webob
import webob.exc

from heat.api.dispatch import Call
from heat.api.parameters import FILTER, NESTED_DEPTH, PAGE, Parameter
from heat.api.rest import links, stream
from heat.api.wsgi import Request

SUMMARY = ('resource_name', 'event_time', 'resource_status_reason', 'physical_resource_id')
WHOLE = (*SUMMARY, 'resource_type', 'resource_properties')
FILTERS = ('resource_status', 'resource_action', 'resource_name', 'resource_type')
INDEX = (*(Parameter(name, FILTER, f'Only events with this {name}') for name in FILTERS),
         *PAGE, NESTED_DEPTH)


def shaped(request: Request, event: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """An engine event as its REST object."""
    identity = event['event_identity']
    resource, _sep, number = identity['path'].rpartition('/events/')
    shown = {key: event[key] for key in keys if key in event}
    shown['id'] = number
    shown['resource_status'] = f"{event['resource_action']}_{event['resource_status']}"
    shown['logical_resource_id'] = event['resource_name']
    shown['links'] = [links.link(request, identity),
                      links.link(request, {**identity, 'path': resource}, 'resource'),
                      links.link(request, links.stack_of(identity), 'stack')]
    root = event.get('root_stack_id')
    if root:
        shown['links'].append(links.link(request, root, 'root_stack'))
    return shown


def index(call: Call) -> dict[str, Any] | webob.Response:
    """GET /events of a stack, or of one of its resources; as a stream for who accepts one."""
    request, query = call.request, call.query
    name = call.path.get('resource_name')
    filters = query.filters() or {}
    if name is not None:
        filters['resource_name'] = name
    which = {'stack_identity': call.stack, 'filters': filters or None,
             'nested_depth': query['nested_depth']}
    if stream.wanted(call):
        return stream.serve(call, which, lambda event: shaped(request, event, SUMMARY))
    found = call.engine('list_events', **which, limit=query['limit'], marker=query['marker'],
                        sort_keys=query['sort_keys'], sort_dir=query['sort_dir'])
    if name is not None and not found:
        raise webob.exc.HTTPNotFound(f'No events found for resource {name}')
    return {'events': [shaped(request, event, SUMMARY) for event in found]}


def show(call: Call) -> dict[str, Any]:
    """GET on one event of a resource."""
    wanted = call.path['event_id']
    found = call.engine('list_events', stack_identity=call.stack,
                        filters={'resource_name': call.path['resource_name'], 'uuid': wanted},
                        limit=None, marker=None, sort_keys=None, sort_dir=None, nested_depth=None)
    if not found:
        raise webob.exc.HTTPNotFound(f'No event {wanted} found')
    return {'event': shaped(call.request, found[0], WHOLE)}
