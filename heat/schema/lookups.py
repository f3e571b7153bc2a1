"""What in a set of values must be looked up in the cloud.

Purpose: list the names to check and to turn into ids, so that the shell can do
it in batches, and write the ids back. Invariant: pure; values not known yet and
empty ones are not listed. Neighbours: ``resolve`` comes before, ``clouds.find``
does the looking up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from heat.schema.constraints import Custom
from heat.schema.kinds import UNKNOWN, Property

Place = tuple[Any, ...]


def walk(properties: Mapping[str, Property], values: Mapping[str, Any],
         path: Place = ()) -> Iterator[tuple[Place, Property, Any]]:
    """Every declared value in ``values``, outside in, with its path and declaration."""
    for name, prop in properties.items():
        if values.get(name) is not None:
            yield from _value(prop, values[name], (*path, name))


def _value(prop: Property, value: Any, path: Place) -> Iterator[tuple[Place, Property, Any]]:
    yield path, prop, value
    if prop.keys is not None and isinstance(value, Mapping):
        yield from walk(prop.keys, value, path)
    elif prop.items is not None and isinstance(value, list | tuple):
        for index, one in enumerate(value):
            if one is not None:
                yield from _value(prop.items, one, (*path, index))


def _single(value: Any, path: Place) -> Iterator[tuple[Place, Any]]:
    # A list whose own declaration names the thing is a list of such things.
    if isinstance(value, list | tuple):
        for index, one in enumerate(value):
            yield from _single(one, (*path, index))
    elif value is not None and value is not UNKNOWN and value != '':
        yield path, value


def custom_checks(properties: Mapping[str, Property],
                  values: Mapping[str, Any]) -> list[tuple[Place, str, Any]]:
    """``(path, constraint name, value)`` of each value whose existence must be checked."""
    return [(place, constraint.name, one)
            for path, prop, value in walk(properties, values)
            for constraint in prop.constraints if isinstance(constraint, Custom) and constraint.needs_cloud
            for place, one in _single(value, path)]


def translations(properties: Mapping[str, Property],
                 values: Mapping[str, Any]) -> list[tuple[Place, str, Any]]:
    """``(path, finder name, value)`` of each value that may be a name and becomes an id."""
    return [(place, kind, one)
            for path, prop, value in walk(properties, values) if prop.finder
            if (kind := _kind(prop.finder, values, path)) is not None
            for place, one in _single(value, path)]


def _kind(finder: str, values: Any, path: Place) -> str | None:
    """``neutron.{object_type}`` is what the sibling says; None while that is not known."""
    if '{' not in finder:
        return finder
    for step in path[:-1]:
        values = values[step]
    sibling = finder[finder.index('{') + 1:finder.index('}')]
    said = values.get(sibling)
    return finder.replace(f'{{{sibling}}}', said) if isinstance(said, str) else None


def put(values: Any, path: Sequence[Any], new: Any) -> Any:
    """A copy of ``values`` with ``new`` at ``path``; KeyError or IndexError if nothing is there.

    Only the maps and lists on the way are copied.
    """
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(values, Mapping):
        return {**values, step: put(values[step], rest, new)}
    copy = list(values)
    copy[step] = put(copy[step], rest, new)
    return copy
