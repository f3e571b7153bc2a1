"""What expressions see while a stack is worked on: its parameters and its rows.

Purpose: ``get_resource`` and ``get_attr`` answered from rows alone. Invariant:
no I/O: the attributes anyone refers to were stored when their resource
completed. Neighbours: ``template.expr`` asks, ``traversal`` owns the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from heat.common import errors
from heat.model.resource import Row
from heat.model.status import Action
from heat.plan.types import Types
from heat.template.definition import Definition
from heat.template.expr import Budget

# What a compute service that nobody has divided calls its only zone.
ZONES = ('nova',)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a stack's expressions know besides its resources.

    ``parameters`` maps names (pseudo parameters included) to typed values,
    ``facade`` the kinds of resource_facade to values of the parent resource.
    ``imports`` maps names of exports to their values, ``stack_outputs`` what
    ``output_key`` makes of an output of another stack to its value; ``zones`` are the cloud's.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, bool] = field(default_factory=dict)
    facade: Mapping[str, Any] = field(default_factory=dict)
    zones: tuple[str, ...] = ZONES
    imports: Mapping[str, Any] = field(default_factory=dict)
    stack_outputs: Mapping[str, Any] = field(default_factory=dict)


def output_key(stack: str, output: str, region: str | None) -> str:
    """``stack.output@region``, nothing after the @ for this region."""
    return f'{stack}.{output}@{region or ""}'


class StackScope:
    """The scope of one stack. ``row_of`` gives a resource's current row or None.

    ``tags`` are those of the stack that its resources have too.
    """

    def __init__(self, facts: Facts, definitions: Mapping[str, Definition], types: Types,
                 row_of: Callable[[str], Row | None], tags: Sequence[str] = ()) -> None:
        self.budget = Budget()
        self.tags = tags
        self._facts = facts
        self._definitions = definitions
        self._types = types
        self._row_of = row_of

    def parameter(self, name: str) -> Any:
        try:
            return self._facts.parameters[name]
        except KeyError:
            raise errors.UserParameterMissing(key=name) from None

    def reference(self, resource: str) -> Any:
        row = self._row_of(resource)
        if row is None:
            return None
        return self._types.of(row).reference(row)

    def attribute(self, resource: str, attribute: str | None, path: tuple[Any, ...]) -> Any:
        definition = self._definitions.get(resource)
        row = self._row_of(resource)
        if row is not None:
            kind = self._types.of(row)
        elif definition is not None:
            kind = self._types(definition.type, resource)
        else:
            raise errors.InvalidTemplateReference(resource=resource, key='get_attr')
        if attribute is not None and not kind.knows(attribute):
            raise errors.InvalidTemplateAttribute(resource=resource, key=attribute)
        if row is None or row.action in (Action.INIT, Action.DELETE):
            return None
        if attribute is None:
            return {name: kind.attribute(row, name, ()) for name in kind.attribute_names(row)}
        return kind.attribute(row, attribute, path)

    def file(self, name: str) -> str:
        return self._facts.files[name]

    def condition(self, name: str) -> bool:
        return bool(self._facts.conditions[name])

    def facade(self, kind: str) -> Any:
        return self._facts.facade.get(kind)

    def zones(self) -> list[str]:
        return list(self._facts.zones)

    def imported(self, name: str) -> Any:
        if name not in self._facts.imports:
            raise ValueError(f'No export named {name} found.')
        return self._facts.imports[name]

    def stack_output(self, stack: str, output: str, region: str | None) -> Any:
        key = output_key(stack, output, region)
        if key not in self._facts.stack_outputs:
            there = f' in region {region}' if region else ''
            raise ValueError(f'Stack {stack}{there} has no output named {output}.')
        return self._facts.stack_outputs[key]
