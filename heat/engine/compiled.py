"""From stored text to something to walk to: template, environment, parameters.

Purpose: one way from (template tree, environment, files) to ``Wanted`` and the
stack's types, used by intake, loading and nested stacks alike. Invariant: pure
but for a cache by content; errors are those of the template floor.
Neighbours: ``template`` compiles, ``loader`` and ``intake`` call.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heat.common.ids import StackId
from heat.common.text import content_hash
from heat.plan.scope import Facts
from heat.plan.traversal import Wanted
from heat.resources.nested import ChildTemplate
from heat.resources.types import TypeTable
from heat.schema.parameters import Parameters, bind, pseudo_parameters
from heat.template.definition import Template
from heat.template.environment import Environment, merge_files
from heat.template.expr import NullScope, Ref
from heat.template.files import Files
from heat.template.hot import compile_template
from heat.template.registry import Layer, registry_below

CACHED = 256


class Cache:
    """Compiled templates by content; the least recently used one goes first."""

    def __init__(self, size: int = CACHED) -> None:
        self._size = size
        self._kept: OrderedDict[str, Template] = OrderedDict()

    def template(self, tree: Mapping[str, Any]) -> Template:
        """Compile ``tree`` or find it compiled; raises what ``compile_template`` raises."""
        try:
            key = content_hash(tree)
        except (ValueError, RecursionError, TypeError):
            # Nothing that JSON could hold, and it says why; or, for validation, a tree with values
            # that are not known yet.
            return compile_template(tree)
        found = self._kept.pop(key, None) or compile_template(tree)
        self._kept[key] = found
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return found


TEMPLATES = Cache()


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template with its environment: what intake validates and reads show."""

    template: Template
    environment: Environment
    parameters: Parameters
    types: TypeTable
    files: Files

    def wanted(self, facade: Mapping[str, Any] | None = None, reads: Sequence[Any] = ()) -> Wanted:
        """Settled for these parameters: conditions are gone, references exact.

        ``facade`` is what a nested stack may know of the resource it stands for, and
        ``reads`` what that resource reads inside it (``[resource, attribute, *path]``).
        """
        values = {name: self.parameters.value(name) for name in self.parameters.names()
                  if name in self.parameters}
        scope = NullScope(values, self.files, facade=facade)
        settled = self.template.settle(scope)
        refs = frozenset(Ref(name, attribute, tuple(path)) for name, attribute, *path in reads)
        return Wanted(settled, Facts(values, self.files, facade=facade or {}), refs)


def compile_all(identity: StackId | None, tree: Mapping[str, Any], environment: Mapping[str, Any] | None,
                files: Mapping[str, str] | None, *, operator: Sequence[Layer] = (),
                environment_files: Sequence[str] | None = None, strict: bool = True,
                inside: frozenset[str] = frozenset()) -> Compiled:
    """Everything a stack is made from. Raises the template floor's errors.

    ``environment_files`` are merged in order over ``environment``; not ``strict``
    lets missing parameters pass (the validate call); ``inside`` names the templates
    around a nested stack.
    """
    template = TEMPLATES.template(tree)
    given = Environment.from_dict(environment)
    held = files if isinstance(files, Files) else Files(files)
    if environment_files:
        given = merge_files(given, environment_files, held, template.parameters)
    types = TypeTable([*operator, Layer(given.resource_registry)], files=held,
                      defaults=given.parameter_defaults, inside=inside)
    return _bound(identity, template, given, types, strict)


def child_environment(environment: Mapping[str, Any], child: ChildTemplate, resource_name: str,
                      ) -> dict[str, Any]:
    """What a nested stack inherits: the registry and defaults, with parameters of its own."""
    return {'parameters': dict(child.parameters),
            'resource_registry': registry_below(environment.get('resource_registry') or {}, resource_name,
                                                child.inside),
            'parameter_defaults': dict(environment.get('parameter_defaults') or {})}


def compile_child(identity: StackId | None, child: ChildTemplate, environment: Mapping[str, Any],
                  types: TypeTable, *, strict: bool = True) -> Compiled:
    """A nested stack, from its own environment and the types of its parent. Errors as ``compile_all``."""
    template = TEMPLATES.template(child.tree) if child.source is None else types.template(child.source)
    given = Environment.from_dict(environment)
    inside = frozenset() if child.inside is None else frozenset((child.inside,))
    below = types.below(given.resource_registry, types.files, given.parameter_defaults, inside)
    return _bound(identity, template, given, below, strict)


def _bound(identity: StackId | None, template: Template, given: Environment, types: TypeTable,
           strict: bool) -> Compiled:
    parameters = bind(template.parameters, given.parameters, given.parameter_defaults,
                      pseudo_parameters(template.dialect, identity), strict=strict)
    return Compiled(template, given, parameters, types, types.files)
