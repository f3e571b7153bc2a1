"""From property names to the names of a service's request.

Purpose: rename by ``wire``, encode, leave out what is withheld or null, at any
depth. Invariant: pure. Neighbours: ``resources.rest`` sends the result.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from heat.schema.kinds import SAME, Property


def _base64(value: Any) -> str:
    return base64.b64encode(str(value).encode()).decode('ascii')


ENCODERS: dict[str, Callable[[Any], Any]] = {
    'base64': _base64,
    'json': json.dumps,
    'csv': lambda value: ','.join(str(one) for one in value),
}


def _value(prop: Property, value: Any) -> Any:
    if prop.keys is not None and isinstance(value, Mapping):
        value = wire(prop.keys, value)
    elif prop.items is not None and isinstance(value, list | tuple):
        value = [one if one is None else _value(prop.items, one) for one in value]
    if prop.encode is None:
        return value
    return (ENCODERS[prop.encode] if isinstance(prop.encode, str) else prop.encode)(value)


def wire(properties: Mapping[str, Property], values: Mapping[str, Any]) -> dict[str, Any]:
    """The request's form of ``values``; keys that are not declared keep their name."""
    body: dict[str, Any] = {}
    for name, value in values.items():
        prop = properties.get(name)
        if value is None or (prop is not None and prop.wire is None):
            continue
        key = name if prop is None or prop.wire is SAME else str(prop.wire)
        body[key] = value if prop is None else _value(prop, value)
    return body
