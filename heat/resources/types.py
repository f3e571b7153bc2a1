"""All resource types, and what their names stand for in one stack.

Purpose: the table of plugins, and ``TypeTable``, which looks a name up through
an environment's registry. Invariant: a row keeps the class that made it, so an
environment that maps the name elsewhere later does not strand it.
Neighbours: ``template.registry`` resolves names, ``plan.types`` is the view of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from heat.common import errors
from heat.model.resource import Row
from heat.resources import heat, openstack
from heat.resources.base import Resource
from heat.template.registry import Layer, Registry

PLUGINS: Mapping[str, type[Resource]] = {**heat.TYPES, **openstack.TYPES}


class TypeTable:
    """The types of one stack; also the source of its nested stacks' types."""

    def __init__(self, layers: Sequence[Layer] = (), plugins: Mapping[str, type[Resource]] = PLUGINS) -> None:
        self.registry = Registry(plugins, layers)
        self._plugins = plugins
        self._found: dict[tuple[str, str], type[Resource]] = {}

    def __call__(self, type_name: str, resource_name: str) -> Any:
        key = (type_name, resource_name)
        kind = self._found.get(key)
        if kind is None:
            target = self.registry.resolve(type_name, resource_name)
            if target.plugin is None:
                raise errors.StackValidationFailed(message=(
                    f'Resource {resource_name}: the type {type_name} stands for the template '
                    f'{target.template}; provider templates are not supported.'))
            kind = self._found[key] = target.plugin
        return kind

    def of(self, row: Row) -> Any:
        kind = self._plugins.get(row.class_name)
        return kind if kind is not None else self(row.type, row.name)
