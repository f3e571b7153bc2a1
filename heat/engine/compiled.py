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
from heat.resources.types import TypeTable
from heat.schema.parameters import Parameters, bind, pseudo_parameters
from heat.template.definition import Template
from heat.template.environment import Environment, merge_files
from heat.template.expr import NullScope
from heat.template.hot import compile_template
from heat.template.registry import Layer

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
        except (ValueError, RecursionError):
            # Nothing that JSON could hold; it says why.
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
    files: Mapping[str, str]

    def wanted(self) -> Wanted:
        """Settled for these parameters: conditions are gone, references exact."""
        values = {name: self.parameters.value(name) for name in self.parameters.names()
                  if name in self.parameters}
        scope = NullScope(values, self.files)
        settled = self.template.settle(scope)
        return Wanted(settled, Facts(values, self.files))


def compile_all(identity: StackId | None, tree: Mapping[str, Any], environment: Mapping[str, Any] | None,
                files: Mapping[str, str] | None, *, operator: Sequence[Layer] = (),
                environment_files: Sequence[str] | None = None, strict: bool = True) -> Compiled:
    """Everything a stack is made from. Raises the template floor's errors.

    ``environment_files`` are merged in order over ``environment``; not ``strict``
    lets missing parameters pass (the validate call).
    """
    template = TEMPLATES.template(tree)
    given = Environment.from_dict(environment)
    files = files or {}
    if environment_files:
        given = merge_files(given, environment_files, files, template.parameters)
    parameters = bind(template.parameters, given.parameters, given.parameter_defaults,
                      pseudo_parameters(template.dialect, identity), strict=strict)
    types = TypeTable([*operator, Layer(given.resource_registry)])
    return Compiled(template, given, parameters, types, files)


def child_environment(environment: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What a nested stack inherits: the registry and defaults, with parameters of its own."""
    return {'parameters': dict(parameters),
            'resource_registry': environment.get('resource_registry') or {},
            'parameter_defaults': {}}


def compile_wanted(identity: StackId, tree: Mapping[str, Any], environment: Mapping[str, Any],
                   files: Mapping[str, str], types: Any) -> tuple[Wanted, Any]:
    """A nested stack's goal; it shares its parent's types."""
    template = TEMPLATES.template(tree)
    given = Environment.from_dict(environment)
    parameters = bind(template.parameters, given.parameters, given.parameter_defaults,
                      pseudo_parameters(template.dialect, identity))
    return Compiled(template, given, parameters, types, files).wanted(), types
