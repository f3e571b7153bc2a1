"""Stored templates that are refused by now: what stands in for them.

Purpose: rules grow stricter, and a stack that was made before can still be shown, deleted and
brought to another template. Invariant: nothing is made after what stands in, which has no
resources; each output says why it has no value. Which parameters are hidden is not known for
sure, so that all are masked. Neighbours: ``reads_stored`` shows by it, ``loader`` holds a stack
at rest by it, ``intake`` refuses what needs the template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from heat.common import errors
from heat.common.fault import MASK, masked
from heat.engine.compiled import Compiled
from heat.model.stack import Stack
from heat.template.definition import OutputDefinition
from heat.template.environment import Environment
from heat.template.expr import Expr, Scope
from heat.template.versions import HOT_KEY

Tree = Mapping[str, Any]
Files = Mapping[str, str]
Compile = Callable[[Tree, Tree, Files], Compiled]
# What a compiler says of a template or environment that it does not take.
Refusals = (errors.HeatException, ValueError)
NOTHING = {HOT_KEY: '2013-05-23'}
VALUES = ('parameters', 'parameter_defaults')


@dataclass(frozen=True, slots=True)
class Untold(Expr):
    """The value of an output that cannot be worked out."""

    sentence: str

    def value(self, scope: Scope) -> Any:
        raise ValueError(self.sentence)

    def settle(self, scope: Scope) -> Expr:
        return self


def stand_in(name: str, parts: tuple[Tree, Tree, Files], make: Compile) -> Compiled:
    """For the stack ``name``, whose template, environment and files cannot be compiled."""
    tree, environment, files = parts
    sentence = f'The stored template of stack {name} is refused by now.'
    try:
        made = make(NOTHING, {'resource_registry': environment.get('resource_registry') or {}}, files)
    except Refusals:
        made = make(NOTHING, {}, {})
    try:
        # What is stored goes on with the stack.
        kept = Environment.from_dict(environment)
    except Refusals:
        kept = made.environment
    outputs = {str(key): OutputDefinition(str(key), Untold(sentence), _described(one))
               for key, one in _section(tree, 'outputs').items()}
    return replace(made, refusal=sentence, environment=kept, template=replace(
        made.template, raw=tree, description=_described(tree), outputs=outputs))


def environment(stored: Tree) -> dict[str, Any]:
    """A stored environment as it may be shown, without any value of a parameter."""
    shown = {key: value for key, value in stored.items() if key in ('resource_registry', 'event_sinks')}
    return {'event_sinks': [], 'resource_registry': {}, **shown, 'encrypted_param_names': [],
            **{part: dict.fromkeys(_section(stored, part), MASK) for part in VALUES}}


def refusal(stack: Stack, parts: tuple[Tree, Tree, Files], error: Exception,
            ) -> errors.StackValidationFailed:
    """The error for who asks for something that cannot be done without the stored template."""
    return errors.StackValidationFailed(message=(
        f'The stored template of stack {stack.name} is refused by now, so that the stack can only be updated '
        f'with another one, or deleted: {masked(str(error), _values(parts))}'))


def _values(parts: tuple[Tree, Tree, Files]) -> list[str]:
    """The texts of all values of parameters that are given or declared."""
    tree, environment, _files = parts
    values = [value for part in VALUES for value in _section(environment, part).values()]
    values += [one.get('default', one.get('Default')) for one in _section(tree, 'parameters').values()
               if isinstance(one, Mapping)]
    return [text for value in values for text in _texts(value)]


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping | list):
        return [text for one in (value.values() if isinstance(value, Mapping) else value)
                for text in _texts(one)]
    return [str(value)] if value not in (None, '') and not isinstance(value, bool) else []


def _section(tree: Tree, name: str) -> Tree:
    """A section of a template, in either spelling, or of an environment; empty if it is no map."""
    found = tree.get(name, tree.get(name.capitalize()))
    return found if isinstance(found, Mapping) else {}


def _described(one: Any) -> str:
    found = one.get('description', one.get('Description')) if isinstance(one, Mapping) else None
    return found if isinstance(found, str) else 'No description'
