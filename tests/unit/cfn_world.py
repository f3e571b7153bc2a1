"""What tests of AWS's template format share: templates of one value, and a scope that knows everything."""

from __future__ import annotations

from typing import Any

from heat.schema.parameters import bind, pseudo_parameters
from heat.template import macros
from heat.template.definition import Template
from heat.template.expr import Expr, NullScope
from heat.template.files import Files
from heat.template.hot import compile_template

EXTENSIONS = 'AWS::LanguageExtensions'
PARAMETERS = {
    'Name': {'Type': 'String', 'Default': 'x'}, 'Count': {'Type': 'Number', 'Default': 3},
    'Words': {'Type': 'CommaDelimitedList', 'Default': 'a, b'}, 'Empty': {'Type': 'String', 'Default': ''},
    'Zone': {'Type': 'String', 'Default': 'us-east-1'}}
MAPPINGS = {'Regions': {'us-east-1': {'AMI': 'ami-1', 'Zones': ['a', 'b']}, 'eu.west': {'AMI': 'ami-2'}},
            'Sizes': {'3': {'Flavor': 'm1.small'}}}
CONDITIONS = {'Yes': {'Fn::Equals': [{'Ref': 'Name'}, 'x']}, 'No': {'Fn::Not': [{'Condition': 'Yes'}]}}
FACTS = {**pseudo_parameters('aws', None, 'RegionOne'), 'AWS::StackName': 'web', 'AWS::AccountId': 'me'}


class World(NullScope):
    """Every reference is ``id-of-NAME``, every attribute ``NAME.ATTRIBUTE``."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        super().__init__(parameters, conditions={'Yes': True, 'No': False})

    def reference(self, resource: str) -> Any:
        return f'id-of-{resource}'

    def attribute(self, resource: str, attribute: str | None, path: tuple[Any, ...]) -> Any:
        if attribute == 'Null':
            return None
        return ['n1', 'n2'] if attribute == 'List' else f'{resource}.{attribute}'

    def facade(self, kind: str) -> Any:
        return 'Retain' if kind == 'deletion_policy' else {'kind': kind}

    def zones(self) -> Any:
        return ['nova', 'two']

    def imported(self, name: str) -> Any:
        return f'import-{name}'

    def stack_output(self, stack: str, output: str, region: str | None) -> Any:
        return f'{stack}/{output}/{region}'


def values_of(template: Template, given: dict[str, Any] | None = None) -> dict[str, Any]:
    bound = bind(template.parameters, given or {}, {}, FACTS)
    return {name: bound.value(name) for name in bound.names()}


def tree_of(extensions: bool = True, **sections: Any) -> dict[str, Any]:
    """A template with the sections above, a resource A, and ``sections``; macros asked for if wanted."""
    return {'AWSTemplateFormatVersion': '2010-09-09', 'Parameters': PARAMETERS, 'Mappings': MAPPINGS,
            'Conditions': CONDITIONS, 'Resources': {'A': {'Type': 'T'}, 'B': {'Type': 'T'}},
            **({'Transform': EXTENSIONS} if extensions else {}), **sections}


def compiled(extensions: bool = True, **sections: Any) -> Template:
    tree = tree_of(extensions, **sections)
    if macros.wanted(tree):
        defaults = {name: data.get('Default') for name, data in tree['Parameters'].items()}
        values = {**FACTS, **defaults, 'Words': ['a', 'b'], 'Count': '3'}
        tree = macros.expand(tree, values, Files().document).tree
    return compile_template(tree)


def expression(value: Any, extensions: bool = True, **sections: Any) -> tuple[Expr, Template]:
    template = compiled(extensions, **{'Outputs': {'O': {'Value': value}}, **sections})
    return template.outputs['O'].value, template


def evaluated(value: Any, extensions: bool = True, **sections: Any) -> Any:
    node, template = expression(value, extensions, **sections)
    return node.value(World(values_of(template)))
