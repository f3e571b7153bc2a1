"""Types that stand for templates: a resource whose insides a user has written.

Purpose: the class of a resource whose type the registry maps to a template: its
properties are the template's parameters, its attributes the outputs. Invariant:
a row of such a type can be shown and taken away without its template; to make or
change it the template is needed. Neighbours: ``types`` finds the template,
``engine.nested`` runs the child.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar

from heat.common.fault import ENVIRONMENT
from heat.model.op import StepFailed
from heat.model.resource import Row
from heat.resources.base import Resource
from heat.resources.nested import ChildTemplate, ChildView, Told, learned
from heat.schema import ABSENT, IN_PLACE, SHOW, Attr, Property, TypeSchema, same
from heat.schema.parameters import TYPES, ParameterSchema
from heat.template import aws, macros
from heat.template.definition import Template
from heat.template.hot import compile_template
from heat.template.load import parse

STACK_ID = 'OS::stack_id'
KEPT = 256


class TemplateResource(Told):
    """A resource made of a template. This base serves rows whose template is not at hand."""

    # Not a name to use in templates: it tells from what class a row was made.
    type = 'OS::Heat::TemplateResource'
    template: ClassVar[Template | None] = None
    misfits: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def expand(cls, row: Row, child: ChildView | None) -> ChildTemplate:
        if cls.template is None:
            raise StepFailed(f'The template of resource {row.name} ({row.type}) is not among the files of '
                             'its stack.', 'NotFound')
        return ChildTemplate(cls.template.raw, dict(cls.parameters(row.props or {})), inside=cls.source)

    @classmethod
    def parameters(cls, props: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """The child's parameters; what equals its default is left to the child itself."""
        for name, value in props.items():
            declared = cls.schema.properties.get(name)
            if value is not None and not (declared is not None and same(declared.default, value)):
                yield name, items(value) if isinstance(value, list) else value

    @classmethod
    def reference(cls, row: Row) -> Any:
        told = learned(row)
        own = (told.get('outputs') or {}).get(STACK_ID)
        return str(own) if own is not None else told.get('arn', row.name)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        return cls.misfits


class AnyType(Resource):
    """What stands for a template that is left out on purpose: it takes and tells anything."""

    # Not a name to use in templates, either.
    type = 'OS::Heat::AnyType'
    open = any_attribute = True


def items(values: list[Any]) -> list[Any]:
    """A list as a comma_delimited_list has it: texts; a map becomes ``.member.0.key=value`` items."""
    found: list[Any] = []
    for number, value in enumerate(values):
        if isinstance(value, dict):
            found += [f'.member.{number}.{key}={inner}' for key, inner in value.items()]
        else:
            found.append('' if value is None else str(value) if isinstance(value, int | float) else value)
    return found


@lru_cache(maxsize=KEPT)
def compiled_text(text: str, name: str) -> Template:
    """The template in ``text``; ``name`` is for the parser's sentences. Errors of parsing and compiling.

    Of one with macros only the parameters are told: what else it says hangs on their values.
    """
    tree = parse(text, what=name)
    if macros.wanted(tree):
        return replace(compile_template(aws.skeleton(tree)), raw=tree)
    return compile_template(tree)


def provider(template: Template, source: str, called: str, facade: type[Resource] | None,
             defaults: Mapping[str, Any]) -> type[TemplateResource]:
    """The class of the type ``called`` that the template ``source`` makes.

    ``facade`` is the plugin that the template takes the place of; ``defaults`` are the
    environment's parameter_defaults.
    """
    schema = TypeSchema(
        type=called, description=template.description,
        properties={name: property_of(one, defaults.get(name)) for name, one in template.parameters.items()},
        attributes={**{name: Attr(one.description) for name, one in template.outputs.items()}, 'show': SHOW})
    misfits = () if facade is None else tuple(compare(schema, facade.schema))
    return type('TemplateResource', (TemplateResource,), {
        '__doc__': template.description, 'schema': schema, 'template': template, 'source': source,
        'misfits': misfits})


def property_of(parameter: ParameterSchema, default: Any = None) -> Property:
    """The property that a parameter is to those who use its template; it may always be updated."""
    kind = TYPES[parameter.type][1]
    value = parameter.default if default is None else default
    if value is not ABSENT:
        try:
            value = parameter.parse(value)
        except ValueError as error:
            fault = parameter.misfit(value, str(error))
            raise (fault.within(('parameters', parameter.name)) if default is None else
                   fault.within(('parameter_defaults', parameter.name), ENVIRONMENT)) from None
    return Property(kind, parameter.description, required=value is ABSENT, default=value,
                    constraints=parameter.constraints, update=IN_PLACE, convert=kind in ('Map', 'List'))


def compare(own: TypeSchema, facade: TypeSchema) -> Iterator[str]:
    """Sentences for what a template lacks to take the place of the type ``facade``."""
    for name, wanted in facade.properties.items():
        given = own.properties.get(name)
        if given is None:
            if wanted.required:
                yield f'The template lacks a parameter for the property {name}, which {facade.type} requires.'
            continue
        kind = 'Number' if wanted.kind == 'Integer' else wanted.kind
        if kind not in (given.kind, 'Any'):
            yield (f'The parameter {name} of the template is a {given.kind}, but the property of '
                   f'{facade.type} is a {wanted.kind}.')
    for name, given in own.properties.items():
        if given.required and name not in facade.properties:
            yield f'The template requires the parameter {name}, which {facade.type} does not have.'
    for name in facade.attributes:
        if name != 'show' and name not in own.attributes:
            yield f'The template has no output for the attribute {name} of {facade.type}.'
