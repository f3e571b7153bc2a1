"""What this service can do: resource types, template versions, build, services.

Purpose: one function per route. Invariant: nothing here touches a stack.
Neighbours: ``api.rest.routes``.
"""

from __future__ import annotations

from typing import Any

from heat.api.dispatch import Call
from heat.api.parameters import FLAG, TEMPLATE_TYPE, TEXT, Parameter

TYPES = (Parameter('support_status', TEXT, 'Only types with this status of support'),
         Parameter('name', TEXT, 'Only types whose name this regular expression finds'),
         Parameter('version', TEXT, 'Only types that came with this release'),
         Parameter('with_description', FLAG, 'Tell descriptions too', default=False))
TEMPLATE = (Parameter('template_type', TEMPLATE_TYPE, 'Format of the template', default='cfn',
                      choices=('cfn', 'hot')),)
FUNCTIONS = (Parameter('with_condition_func', FLAG, 'Functions of conditions too', default=False),)


def list_types(call: Call) -> dict[str, Any]:
    query = call.query
    return {'resource_types': call.engine(
        'list_resource_types', support_status=query['support_status'], type_name=query['name'],
        heat_version=query['version'], with_description=query['with_description'])}


def show_type(call: Call) -> Any:
    return call.engine('resource_schema', type_name=call.path['type_name'], with_description=False)


def type_template(call: Call) -> Any:
    """A template that holds one resource of the type; ``template_type`` is cfn or hot."""
    return call.engine('generate_template', type_name=call.path['type_name'],
                       template_type=call.query['template_type'])


def list_template_versions(call: Call) -> dict[str, Any]:
    return {'template_versions': call.engine('list_template_versions')}


def list_template_functions(call: Call) -> dict[str, Any]:
    return {'template_functions': call.engine(
        'list_template_functions', template_version=call.path['template_version'],
        with_condition=call.query['with_condition_func'])}


def build_info(call: Call) -> dict[str, Any]:
    return {'api': {'revision': call.wiring.conf.revision.heat_revision},
            'engine': {'revision': call.wiring.revision.told(lambda: call.engine('get_revision'))}}


def list_services(call: Call) -> dict[str, Any]:
    return {'services': call.engine('list_services')}
