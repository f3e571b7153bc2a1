"""What this service can do: resource types, template versions, build, services.

Purpose: one function per route. Invariant: nothing here touches a stack.
Neighbours: ``api.rest.routes``.
"""

from __future__ import annotations

from typing import Any

import webob.exc

from heat.api.dispatch import Call
from heat.api.wsgi import query_flag

TEMPLATE_TYPES = ('cfn', 'hot')


def list_types(call: Call) -> dict[str, Any]:
    request = call.request
    return {'resource_types': call.engine(
        'list_resource_types', support_status=request.one('support_status'), type_name=request.one('name'),
        heat_version=request.one('version'), with_description=query_flag(request, 'with_description'))}


def show_type(call: Call) -> Any:
    return call.engine('resource_schema', type_name=call.path['type_name'], with_description=False)


def type_template(call: Call) -> Any:
    """A template that holds one resource of the type; ``template_type`` is cfn or hot."""
    given = call.request.GET.getall('template_type')
    wanted = given[-1] if given else 'cfn'
    if wanted.lower() not in TEMPLATE_TYPES:
        raise webob.exc.HTTPBadRequest(f'Template type is not supported: Invalid template type "{wanted}", '
                                       f'valid types are: {", ".join(TEMPLATE_TYPES)}.')
    return call.engine('generate_template', type_name=call.path['type_name'], template_type=wanted.lower())


def list_template_versions(call: Call) -> dict[str, Any]:
    return {'template_versions': call.engine('list_template_versions')}


def list_template_functions(call: Call) -> dict[str, Any]:
    return {'template_functions': call.engine(
        'list_template_functions', template_version=call.path['template_version'],
        with_condition=query_flag(call.request, 'with_condition_func'))}


def build_info(call: Call) -> dict[str, Any]:
    return {'api': {'revision': call.wiring.conf.revision.heat_revision},
            'engine': {'revision': call.engine('get_revision')}}


def list_services(call: Call) -> dict[str, Any]:
    return {'services': call.engine('list_services')}
