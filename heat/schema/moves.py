"""Deprecated properties, moved to where they belong today.

Purpose: apply ``replaced_by`` and ``unpack``. Invariant: pure; the input is not
changed; the old place is empty afterwards, so a second pass finds nothing.
Neighbours: ``resolve`` calls it per map, before conversion and constraints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.schema.kinds import Property


def _place(target: dict[Any, Any], old: str, new: str, value: Any, clashes: list[str]) -> None:
    if target.get(new) is not None:
        clashes.append(f'Cannot define the following properties at the same time: {new}, {old}.')
    else:
        target[new] = value


def moved(schema: Mapping[str, Property], values: Mapping[Any, Any]) -> tuple[dict[Any, Any], list[str]]:
    """``values`` of one map with each moved key at its new place, and a sentence per clash.

    A map that is to be unpacked but is no map (or not known yet) stays where it is.
    """
    result = dict(values)
    clashes: list[str] = []
    for name, prop in schema.items():
        value = result.get(name)
        if value is None:
            continue
        if prop.replaced_by:
            del result[name]
            _place(result, name, prop.replaced_by, value, clashes)
        elif prop.unpack and isinstance(value, Mapping):
            del result[name]
            for key in prop.unpack:
                if value.get(key) is not None:
                    _place(result, f'{name}.{key}', key, value[key], clashes)
    return result, clashes
