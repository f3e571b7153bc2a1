"""How a schema is shown: by the resource type API and as a first template.

Purpose: ``resource_schema`` and ``generate_template``, both exactly as the
recorded interface has them. Invariant: pure; hidden properties are not shown at
the top level. Neighbours: ``engine.templates`` answers with it, ``contract`` holds
the form of the interface tables.
"""

from __future__ import annotations

from typing import Any

from heat.schema.constraints import Custom
from heat.schema.kinds import Property
from heat.schema.properties import TypeSchema

_HOT_TYPES = {'String': 'string', 'Number': 'number', 'Integer': 'number', 'Boolean': 'boolean',
              'List': 'comma_delimited_list', 'Map': 'json', 'Any': 'json'}
_CFN_TYPES = {'String': 'String', 'Number': 'Number', 'Integer': 'Number', 'Boolean': 'Boolean',
              'List': 'CommaDelimitedList', 'Map': 'Json', 'Any': 'Json'}
HOT_VERSION, CFN_VERSION = '2016-10-14', '2012-12-12'


def property_schema(prop: Property) -> dict[str, Any]:
    """One property as the API shows it, with what is nested in it under ``schema``."""
    shown: dict[str, Any] = {'type': prop.kind.lower(), 'required': prop.required,
                             'update_allowed': prop.updatable, 'immutable': prop.immutable}
    if prop.description:
        shown['description'] = prop.description
    if prop.has_default and prop.default is not None:
        shown['default'] = prop.default
    if prop.constraints:
        shown['constraints'] = [one.render() for one in prop.constraints]
    if prop.items is not None:
        shown['schema'] = {'*': property_schema(prop.items)}
    elif prop.keys:
        shown['schema'] = {name: property_schema(one) for name, one in prop.keys.items() if not one.own}
    return shown


def resource_schema(schema: TypeSchema, with_description: bool = False) -> dict[str, Any]:
    """``{resource_type, properties, attributes, support_status}`` of the resource type API."""
    attributes: dict[str, Any] = {}
    for name, one in schema.attributes.items():
        if not one.support.hidden:
            attributes[name] = {'description': one.description}
            if one.type:
                attributes[name]['type'] = one.type.lower()
    shown = {'resource_type': schema.type,
             'properties': {name: property_schema(prop) for name, prop in schema.properties.items()
                            if not prop.support.hidden and not prop.own},
             'attributes': attributes,
             'support_status': schema.support.render()}
    if with_description:
        shown['description'] = schema.description
    return shown


def _hot_parameter(prop: Property) -> dict[str, Any]:
    shown: dict[str, Any] = {'type': _HOT_TYPES[prop.kind]}
    if prop.has_default and prop.default is not None:
        shown['default'] = prop.default
    if prop.description:
        shown['description'] = prop.description
    if prop.constraints:
        shown['constraints'] = [one.render() for one in prop.constraints]
    return shown


def _cfn_parameter(prop: Property) -> dict[str, Any]:
    shown: dict[str, Any] = {'Type': _CFN_TYPES[prop.kind]}
    if prop.has_default and prop.default is not None:
        shown['Default'] = prop.default
    if prop.description:
        shown['Description'] = prop.description
    if prop.kind == 'Boolean':
        shown['AllowedValues'] = ['True', 'true', 'False', 'false']
    for one in prop.constraints:
        # A CFN template has no word for it.
        if not isinstance(one, Custom):
            shown.update(one.to_parameter())
    return shown


def _cfn_value(name: str, prop: Property) -> Any:
    reference = {'Ref': name}
    return {'Fn::Split': [',', reference]} if prop.kind == 'List' else reference


def generate_template(schema: TypeSchema, template_type: str = 'cfn') -> dict[str, Any]:
    """A template of one resource whose properties are all parameters; 'hot' or 'cfn'.

    ValueError for another type of template.
    """
    if template_type not in ('hot', 'cfn'):
        raise ValueError(f'Invalid template type "{template_type}", valid types are: cfn, hot.')
    short = schema.title or schema.type.rsplit('::', 1)[-1]
    about = f'Initial template of {short}'
    props = {name: prop for name, prop in schema.properties.items()
             if not prop.support.hidden and prop.implemented and not prop.own}
    attributes = {name: one for name, one in schema.attributes.items() if not one.support.hidden}
    if template_type == 'hot':
        hot: dict[str, Any] = {name: {'value': {'get_attr': [short, name]}, 'description': one.description}
                               for name, one in attributes.items()}
        return {'heat_template_version': HOT_VERSION, 'description': about,
                'parameters': {name: _hot_parameter(prop) for name, prop in props.items()},
                'resources': {short: {'type': schema.type,
                                      'properties': {name: {'get_param': name} for name in props}}},
                'outputs': {**hot, 'OS::stack_id': {'value': {'get_resource': short}}}}
    cfn: dict[str, Any] = {name: {'Value': {'Fn::GetAtt': [short, name]}, 'Description': one.description}
                           for name, one in attributes.items()}
    return {'HeatTemplateFormatVersion': CFN_VERSION, 'Description': about,
            'Parameters': {name: _cfn_parameter(prop) for name, prop in props.items()},
            'Resources': {short: {'Type': schema.type,
                                  'Properties': {name: _cfn_value(name, prop)
                                                 for name, prop in props.items()}}},
            'Outputs': {**cfn, 'OS::stack_id': {'Value': {'Ref': short}}}}
