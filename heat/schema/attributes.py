"""What can be read from a resource once it exists.

Purpose: the DSL of attributes and how their values are taken from a service's
answer. Invariant: reading is pure and never raises for a missing key (null).
Neighbours: ``properties.compile_schema`` collects them, plugins declare them,
the shell calls ``read`` with the answer's body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from heat.schema.suggest import unknown
from heat.schema.support import SUPPORTED, Support

TYPES = ('String', 'Integer', 'Number', 'Boolean', 'Map', 'List', None)


@dataclass(frozen=True, slots=True)
class Attribute:
    """``live`` means: read anew each time (``cache_mode`` none), else kept with the row.

    ``wire`` is the key in the body, or a tuple of keys from the outside in;
    ``get`` makes the value from the whole body instead.
    """

    description: str = ''
    type: str | None = None
    live: bool = False
    wire: str | tuple[str, ...] | None = None
    get: Callable[[Any], Any] | None = None
    support: Support = SUPPORTED

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise ValueError(f'{self.type} is no type of an attribute.')


def Attr(description: str = '', type: str | None = None, live: bool = False,
         wire: str | tuple[str, ...] | None = None, get: Callable[[Any], Any] | None = None,
         support: Support = SUPPORTED) -> Attribute:
    """Declare an attribute; see Attribute."""
    return Attribute(description, type, live, wire, get, support)


SHOW = Attribute('Detailed information about resource.', 'Map', live=True, get=lambda body: body)


def _value(name: str, attribute: Attribute, body: Any) -> Any:
    if attribute.get is not None:
        try:
            return attribute.get(body)
        except (KeyError, IndexError, TypeError, AttributeError):
            return None
    keys = attribute.wire if attribute.wire is not None else name
    for key in (keys,) if isinstance(keys, str) else keys:
        if not isinstance(body, Mapping):
            return None
        body = body.get(key)
    return body


def read(attributes: Mapping[str, Attribute] | Any, body: Any, names: Iterable[str]) -> dict[str, Any]:
    """The values of ``names`` in ``body``, the object as the service shows it.

    ``attributes`` is a TypeSchema or its attributes. A name that is not declared
    raises KeyError with a sentence; a key that the body lacks gives None.
    """
    declared: Mapping[str, Attribute] = getattr(attributes, 'attributes', attributes)
    found = {}
    for name in names:
        if name not in declared:
            raise KeyError(unknown(f'Unknown attribute {name}', name, declared))
        found[name] = _value(name, declared[name], body)
    return found
