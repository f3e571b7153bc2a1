"""Types of a stack as a check without a cloud sees them: plugins, templates, strangers.

Purpose: ``KnownTypes`` answers for every resource, so that one faulty type does not hide
the faults of others. Invariant: pure; a template is a type whose properties are its
parameters and whose attributes are its outputs. Neighbours: ``check`` and ``show`` ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from heat.common import errors
from heat.model.resource import Row
from heat.schema import ABSENT, SHOW, Attribute, Property, TypeSchema
from heat.schema.parameters import TYPES, ParameterSchema
from heat.template.bundle import Bundle
from heat.template.definition import Definition, Template
from heat.template.registry import Registry


@dataclass(frozen=True, slots=True)
class Stranger:
    """A type that takes anything: it is not known, or its template is not at hand."""

    type: str
    schema: TypeSchema
    bundle: Bundle | None = None
    nested: bool = False
    pure: bool = False
    releases: bool = False
    survives_failure: bool = False

    def before(self, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        return frozenset()

    def validate(self, props: Mapping[str, Any]) -> Iterable[str]:
        return ()


def _property(schema: ParameterSchema) -> Property:
    return Property(TYPES[schema.type][1], schema.description, required=schema.default is ABSENT,
                    constraints=schema.constraints, convert=True)


def provided(name: str, bundle: Bundle, template: Template) -> Stranger:
    """The type that a template is."""
    attributes = {output: Attribute(one.description) for output, one in template.outputs.items()}
    properties = {one.name: _property(one) for one in template.parameters.values()}
    schema = TypeSchema(name, template.description, properties, {**attributes, 'show': SHOW})
    return Stranger(name, schema, bundle)


class KnownTypes:
    """The types of one template. ``strangers`` holds those that could not be found, with the sentence."""

    def __init__(self, registry: Registry, bundle: Bundle, templates: Mapping[str, Template | None]) -> None:
        self._registry = registry
        self._bundle = bundle
        self.templates = templates
        self._found: dict[tuple[str, str], Any] = {}
        self.strangers: dict[tuple[str, str], str] = {}

    def __call__(self, type_name: str, resource_name: str) -> Any:
        key = (type_name, resource_name)
        if key not in self._found:
            self._found[key] = self._resolved(type_name, resource_name)
        return self._found[key]

    def of(self, row: Row) -> Any:
        return self(row.type, row.name)

    def _resolved(self, type_name: str, resource_name: str) -> Any:
        open_ = TypeSchema(type_name, open=True)
        try:
            target = self._registry.resolve(type_name, resource_name)
        except errors.HeatException as error:
            self.strangers[type_name, resource_name] = getattr(error, 'error_message', str(error))
            return Stranger(type_name, open_)
        if target.template is None:
            return target.plugin
        bundle = self._bundle.children.get(target.template)
        template = self.templates.get(bundle.file) if bundle is not None else None
        if bundle is None or template is None:
            return Stranger(type_name, open_, bundle)
        return provided(type_name, bundle, template)
