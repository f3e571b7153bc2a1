"""All resource types, and what their names stand for in one stack.

Purpose: the table of plugins, and ``TypeTable``, which looks a name up through
an environment's registry. Invariant: a row keeps the class that made it, so an
environment that maps the name elsewhere later does not strand it.
Neighbours: ``template.registry`` resolves names, ``plan.types`` is the view of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from heat.common import errors
from heat.common.fault import ENVIRONMENT
from heat.model.resource import Row
from heat.resources import aws, heat, openstack
from heat.resources.base import Resource
from heat.resources.openstack.retired import FORGOTTEN
from heat.resources.provider import AnyType, TemplateResource, compiled_text, provider
from heat.template.definition import Template
from heat.template.files import Files
from heat.template.registry import Layer, Registry, TypeTarget

PLUGINS: Mapping[str, type[Resource]] = {
    **{kind.type: kind for kind in FORGOTTEN}, **heat.TYPES, **openstack.TYPES, **aws.TYPES}


def secrets_of(type_name: str) -> frozenset[str]:
    """The properties of a type whose values are shown to nobody."""
    kind = PLUGINS.get(type_name)
    return frozenset(name for name, prop in kind.schema.properties.items()
                     if prop.secret) if kind is not None else frozenset()


class TypeTable:
    """The types of one stack. ``files`` holds the templates that types stand for.

    ``defaults`` are the environment's parameter_defaults, ``inside`` names the
    templates around the stack.
    """

    def __init__(self, layers: Sequence[Layer] = (), plugins: Mapping[str, type[Resource]] = PLUGINS,
                 files: Files | None = None, defaults: Mapping[str, Any] | None = None,
                 inside: frozenset[str] = frozenset()) -> None:
        self.registry = Registry(plugins, layers, inside)
        self.files = files if files is not None else Files()
        self.inside = inside
        self._plugins = plugins
        self._defaults = defaults or {}
        self._found: dict[tuple[str, str], type[Resource]] = {}
        self._made: dict[tuple[str, str], type[Resource]] = {}

    def __call__(self, type_name: str, resource_name: str) -> Any:
        key = (type_name, resource_name)
        kind = self._found.get(key)
        if kind is None:
            target = self.registry.resolve(type_name, resource_name)
            kind = self._found[key] = target.plugin or self._provider(type_name, target)
        return kind

    def of(self, row: Row) -> Any:
        kind = self._plugins.get(row.class_name)
        if kind is not None:
            return kind.variant(row.props)
        if row.class_name != TemplateResource.type:
            return self(row.type, row.name)
        try:
            found = self(row.type, row.name) if self.files or self.registry.layers else TemplateResource
        except errors.HeatException:
            # Its mapping or its template is gone; the row is still to be shown and taken away.
            return TemplateResource
        return found if issubclass(found, TemplateResource) else TemplateResource

    def template(self, name: str, user: bool = True) -> Template:
        """The template among the files; StackValidationFailed and what compiling raises."""
        text, source = self.files.template(name, user), self.files.source(name)
        try:
            return compiled_text(text, source)
        except errors.HeatException as error:
            raise error.within((), source) from None

    def below(self, registry: Mapping[str, Any], files: Files, defaults: Mapping[str, Any],
              inside: frozenset[str]) -> TypeTable:
        """The types of a stack nested in this one, whose own resource_registry is ``registry``."""
        operator = [layer for layer in self.registry.layers if not layer.user]
        return TypeTable([*operator, Layer(registry)], self._plugins, files, defaults, self.inside | inside)

    def with_files(self, files: Files) -> TypeTable:
        """The same types, of which those that are templates stand among other ``files``."""
        return TypeTable(self.registry.layers, self._plugins, files, self._defaults, self.inside)

    def _provider(self, called: str, target: TypeTarget) -> type[Resource]:
        name = str(target.template)
        if self.files.open(name):
            return AnyType
        key = (called, name)
        if key not in self._made:
            try:
                template = self.template(name, target.user)
            except errors.HeatException as error:
                # The name is written in the environment; what is wrong in the template, in that.
                raise (error if error.faults or not target.written else error.at(
                    target.written, value=name, source=ENVIRONMENT)) from None
            self._made[key] = provider(template, name, called, self._plugins.get(called), self._defaults)
        return self._made[key]


def take_region(region: str) -> None:
    """What is in this region is made in this service; for the composition root."""
    heat.Stack.home = region


def take_defaults(defaults: Mapping[str, Any], plugins: Mapping[str, type[Resource]] = PLUGINS) -> None:
    """Let properties of these names have these defaults: what an operator's configuration says.

    For the composition root, before anything is compiled; said again, it counts anew.
    """
    for kind in plugins.values():
        changed = {name: replace(prop, default=defaults[name])
                   for name, prop in kind.schema.properties.items()
                   if name in defaults and prop.has_default and prop.default != defaults[name]}
        if changed:
            kind.schema = replace(kind.schema, properties={**kind.schema.properties, **changed})
