"""From what the user wrote to what the resource is given.

Purpose: conversion, defaults, moved properties and static constraints, over any
depth. Invariant: pure; ``resolve`` of its own result changes nothing; a value
not known yet passes unseen. Neighbours: ``kinds`` declares, ``lookups`` does
what needs a cloud. Wording follows the recorded interface.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from heat.common.errors import path_text
from heat.common.fault import Fault, keys, value_text
from heat.schema.constraints import AllowedValues, Constraint, first_broken
from heat.schema.kinds import ABSENT, UNKNOWN, Property, has_unknown
from heat.schema.moves import moved
from heat.schema.suggest import nearest, suggesting

Path = list[Any]


@dataclass(frozen=True, slots=True)
class PropertyError:
    """What is wrong with one value. ``path`` leads to it from the template's root or wherever asked."""

    path: Path
    sentence: str
    value: Any = None
    expected: str | None = None
    # A key that is not one of ``known``, or a value that was to be one of them.
    name: str | None = None
    known: Collection[str] = ()
    # Whether ``name`` is a key below ``path``.
    below: bool = False

    @property
    def suggestion(self) -> str | None:
        """The one of ``known`` that was probably meant; looked for when asked."""
        return None if self.name is None else nearest(self.name, self.known)

    @property
    def message(self) -> str:
        # Names had theirs in the sentence from the start; of values the classic sentence stays alone.
        return suggesting(self.sentence, self.suggestion) if self.below else self.sentence

    def text(self, join: str = ': ', error: str = 'Property error') -> str:
        """``Property error: resources.a.properties.size: <message>``.

        Stack creation joins the parts with ``': : '`` in the classic interface.
        """
        return join.join(part for part in (error, path_text(self.path), self.message) if part)

    def fault(self, join: str = ': ', error: str = 'Property error') -> Fault:
        """The same as a fault, located at the very key."""
        path = [*self.path, self.name] if self.below else self.path
        return Fault(self.text(join, error), keys(path), value_text(self.value), self.expected,
                     self.suggestion)


class _Unfit(ValueError):
    """The value is not of the kind."""


def _json(value: Any) -> Any:
    # Text made of what is not known yet is not known yet either.
    return UNKNOWN if has_unknown(value) else json.dumps(value, default=str)


def _string(prop: Property, value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return str(value)
    if prop.convert and isinstance(value, list | tuple | Mapping):
        return _json(value)
    raise _Unfit(f'Value must be a string; got {value!r}')


def _integer(prop: Property, value: Any) -> int:
    try:
        if isinstance(value, float) and not value.is_integer():
            raise ValueError
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise _Unfit(f"Value '{value}' is not an integer") from None


def _number(prop: Property, value: Any) -> int | float:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    try:
        try:
            return int(value) if isinstance(value, str) else _finite(value)
        except ValueError:
            return _finite(value)
    except (TypeError, ValueError):
        raise _Unfit(f"Value '{value}' is not a number") from None


def _finite(value: Any) -> float:
    found = float(value)
    # JSON, in which rows and requests are written, has no word for these.
    if not math.isfinite(found):
        raise ValueError(value)
    return found


def _boolean(prop: Property, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ('true', 'false'):
        return value.lower() == 'true'
    raise _Unfit(f'"{value}" is not a valid boolean')


def _map(prop: Property, value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if prop.convert:
        if isinstance(value, str):
            return value
        if isinstance(value, list | tuple):
            return _json(value)
    raise _Unfit(f'"{value}" is not a map')


def _list(prop: Property, value: Any) -> list[Any]:
    if prop.convert and isinstance(value, str):
        return [part.strip() for part in value.split(',')] if value else []
    if isinstance(value, list | tuple):
        return list(value)
    # Some lists have the default {}.
    if isinstance(value, Mapping) and not value:
        return []
    raise _Unfit(f'"{value}" is not a list')


def _any(prop: Property, value: Any) -> Any:
    return value


_NOUNS = {'String': 'a string', 'Integer': 'an integer', 'Number': 'a number', 'Boolean': 'true or false',
          'Map': 'a map', 'List': 'a list', 'Any': 'a value'}
_CONVERSIONS = {'String': _string, 'Integer': _integer, 'Number': _number, 'Boolean': _boolean,
                'Map': _map, 'List': _list, 'Any': _any}


@dataclass(slots=True)
class _Walk:
    unknown_ok: bool
    defaults: bool
    errors: list[PropertyError] = field(default_factory=list)

    def blame(self, path: Path, message: str, value: Any = None, expected: str | None = None) -> None:
        self.errors.append(PropertyError(path, message, value, expected))

    def broken(self, path: Path, constraint: Constraint, sentence: str, value: Any) -> None:
        known: list[str] = []
        if isinstance(constraint, AllowedValues) and isinstance(value, str):
            known = [str(one) for one in constraint.allowed]
        self.errors.append(PropertyError(path, sentence, value, constraint.expected(),
                                         value if known else None, known))

    def keys(self, schema: Mapping[str, Property], values: Mapping[Any, Any], path: Path,
             accept_others: bool = False) -> dict[str, Any]:
        others = [key for key in values if key not in schema]
        if not accept_others:
            self.errors.extend(unknown_names(schema, values, path))
        if any(prop.moves for prop in schema.values()):
            values, clashes = moved(schema, values)
            for clash in clashes:
                self.blame(path, clash)
        found: dict[str, Any] = {}
        for name, prop in schema.items():
            value = values.get(name)
            if value is None:
                # A copy, lest a plugin that changes its values changes the schema.
                value = deepcopy(prop.default) if self.defaults and prop.has_default else None
            elif not prop.implemented:
                self.blame([*path, name], f'Property {name} not implemented yet', value)
            if value is not None:
                found[name] = self.value(prop, value, [*path, name])
            elif prop.required:
                self.blame(path, f'Property {name} not assigned', expected=_NOUNS[prop.kind])
        if accept_others:
            found.update((key, values[key]) for key in others if key in values)
        return found

    def value(self, prop: Property, value: Any, path: Path) -> Any:
        if value is UNKNOWN:
            if not self.unknown_ok:
                self.blame(path, 'The value is not known yet')
            return value
        try:
            value = _CONVERSIONS[prop.kind](prop, value)
        except _Unfit as unfit:
            self.blame(path, str(unfit), value, _NOUNS[prop.kind])
            return value
        before = len(self.errors)
        if prop.keys is not None and isinstance(value, Mapping):
            value = self.keys(prop.keys, value, path)
        elif prop.items is not None and isinstance(value, list):
            value = [one if one is None else self.value(prop.items, one, [*path, index])
                     for index, one in enumerate(value)]
        elif not self.unknown_ok and has_unknown(value):
            self.blame(path, 'The value is not known yet')
        # Nothing is measured that is wrong inside or not wholly known.
        if prop.constraints and len(self.errors) == before and not has_unknown(value):
            label = str(path[-1]) if path else 'value'
            broken = first_broken(prop.constraints, value, label)
            if broken:
                self.broken(path, *broken, value)
        return value


def unknown_names(schema: Mapping[str, Property], values: Iterable[Any],
                  path: Path | None = None) -> list[PropertyError]:
    """An error for each key of ``values`` that is not declared; located at their owner.

    This alone is what template validation checks of properties.
    """
    return [PropertyError(list(path or ()), f'Unknown Property {key}', name=str(key), known=schema,
                          below=True)
            for key in values if key not in schema]


def resolve(properties: Mapping[str, Property], values: Mapping[str, Any] | None, *,
            path: Path | None = None, unknown_ok: bool = True, defaults: bool = True,
            accept_others: bool = False) -> tuple[dict[str, Any], list[PropertyError]]:
    """``values`` as the resource is given them, and everything that is wrong with them.

    The result holds what was given (null counts as not given) or has a default,
    in the schema's order; a default made at run time is left out (see
    ``late_defaults``). A value in error is returned as far as it got. Errors
    come in the order unknown names, then schema order, each located by ``path``
    plus its own. ``accept_others`` passes undeclared keys on (a placeholder).
    """
    walk = _Walk(unknown_ok, defaults)
    found = walk.keys(properties, values or {}, list(path or ()), accept_others)
    return found, walk.errors


def late_defaults(properties: Mapping[str, Property], values: Mapping[str, Any]) -> dict[str, Any]:
    """The callables that make the values which ``values`` lacks, by top-level name."""
    return {name: prop.default for name, prop in properties.items()
            if prop.late and values.get(name) in (None, ABSENT)}
