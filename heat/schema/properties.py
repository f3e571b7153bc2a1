"""The schema of a resource type, collected from its class.

Purpose: ``TypeSchema`` is everything a plugin declares about its properties,
attributes and update policy; ``compile_schema`` collects it from inner classes.
Invariant: computed once per class; definition order is kept, bases first.
Neighbours: ``kinds`` and ``attributes`` declare, ``resolve diff wire render`` use.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from heat.common.errors import (
    HeatException,
    PropertyUnspecifiedError,
    ResourcePropertyConflict,
    ResourcePropertyDependency,
)
from heat.schema.attributes import SHOW, Attribute
from heat.schema.kinds import Property, plain_name
from heat.schema.support import SUPPORTED, Support


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition over several properties; ``least`` and ``most`` count those given.

    With ``needs`` set, giving ``names[0]`` requires every one of ``needs``.
    """

    names: tuple[str, ...]
    least: int = 0
    most: int | None = None
    needs: tuple[str, ...] = ()

    def fault(self, values: Mapping[str, Any]) -> HeatException | None:
        """The fault that ``values`` (resolved) make, or None."""
        given = [name for name in self.names if values.get(name) is not None]
        if self.needs:
            missing = [name for name in self.needs if values.get(name) is None]
            if given and missing:
                return ResourcePropertyDependency(prop1=given[0], prop2=missing[0])
            return None
        if len(given) < self.least:
            return PropertyUnspecifiedError(props=', '.join(self.names))
        if self.most is not None and len(given) > self.most:
            return ResourcePropertyConflict(props=', '.join(given))
        return None


def at_least_one(*names: str) -> Rule:
    return Rule(names, least=1)


def at_most_one(*names: str) -> Rule:
    return Rule(names, most=1)


conflict = at_most_one


def exactly_one(*names: str) -> Rule:
    return Rule(names, least=1, most=1)


def requires(name: str, *needs: str) -> Rule:
    """``name`` cannot be given without all of ``needs``."""
    return Rule((name,), needs=needs)


@dataclass(frozen=True, slots=True)
class TypeSchema:
    """What is declared about one resource type; maps are in definition order.

    ``open`` accepts any property unseen (a placeholder of a type that is gone).
    ``title`` names the resource in the template made from the schema.
    """

    type: str
    description: str = ''
    properties: dict[str, Property] = field(default_factory=dict)
    attributes: dict[str, Attribute] = field(default_factory=lambda: {'show': SHOW})
    update_policy: dict[str, Property] = field(default_factory=dict)
    support: Support = SUPPORTED
    rules: tuple[Rule, ...] = ()
    open: bool = False
    title: str = ''

    def faults(self, values: Mapping[str, Any]) -> list[HeatException]:
        """What the rules over several properties have against resolved ``values``."""
        return [fault for rule in self.rules if (fault := rule.fault(values))]


def _members(cls: type, room: str) -> dict[str, Any]:
    """Everything declared in the inner classes ``room`` of ``cls`` and its bases, bases first."""
    found: dict[str, Any] = {}
    for owner in reversed(cls.__mro__):
        inner = owner.__dict__.get(room)
        if not isinstance(inner, type):
            continue
        for layer in reversed(inner.__mro__):
            for name, value in layer.__dict__.items():
                if name == 'extra' and isinstance(value, Mapping):
                    found.update(value)
                elif not name.startswith('__'):
                    found[plain_name(name)] = value
    return found


def _typed(cls: type, room: str, wanted: type) -> dict[str, Any]:
    found = {}
    for name, value in _members(cls, room).items():
        if isinstance(value, wanted):
            found[name] = value
        elif value is not None and not isinstance(value, Rule):
            raise TypeError(f'{cls.__name__}.{room}.{name} is a {type(value).__name__}, '
                            f'not a {wanted.__name__}.')
    return found


def compile_schema(cls: type) -> TypeSchema:
    """The schema of a plugin class; TypeError if it declares something else.

    Reads ``type``, the docstring, ``support``, ``open``, ``title`` and the inner classes
    ``properties attributes update_policy``. Inner classes of base classes are
    merged, nearer ones win, and ``name = None`` takes an inherited one away.
    """
    properties = _typed(cls, 'properties', Property)
    attributes = _typed(cls, 'attributes', Attribute)
    attributes.setdefault('show', SHOW)
    rules = tuple(value for value in _members(cls, 'properties').values() if isinstance(value, Rule))
    for rule in rules:
        strange = [name for name in (*rule.names, *rule.needs) if name not in properties]
        if strange:
            raise TypeError(f'{cls.__name__}: a rule names {strange[0]}, which is not declared.')
    return TypeSchema(
        type=str(getattr(cls, 'type', cls.__name__)),
        description=inspect.cleandoc(cls.__doc__ or ''),
        properties=properties,
        attributes=attributes,
        update_policy=_typed(cls, 'update_policy', Property),
        support=getattr(cls, 'support', SUPPORTED),
        rules=rules,
        open=bool(getattr(cls, 'open', False)),
        title=cls.__dict__.get('title', ''))
