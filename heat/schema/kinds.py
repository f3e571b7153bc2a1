"""The kinds of value, and the constructors that declare properties.

Purpose: one ``Property`` describes a property, a key of a map or an item of a
list; ``String Integer Number Boolean Map List Any_`` make them. Invariant:
frozen; a declaration that contradicts itself raises ValueError at import.
Neighbours: ``properties`` collects them per type, ``resolve`` applies them to
values, ``render`` shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from heat.schema.constraints import AllowedPattern, AllowedValues, Constraint, Custom, Length, Modulo, Range
from heat.schema.support import SUPPORTED, Support


class Mark(Enum):
    """Values that stand for no value; members are singletons, also over copies and pickles."""

    UNKNOWN = 'unknown'
    ABSENT = 'absent'
    SAME = 'same'

    def __repr__(self) -> str:
        return self.name


UNKNOWN: Final = Mark.UNKNOWN
"""Stands for a value that is not known yet (an attribute of a resource not made yet)."""
ABSENT: Final = Mark.ABSENT
SAME: Final = Mark.SAME


def has_unknown(value: Any) -> bool:
    """Whether UNKNOWN stands anywhere in ``value``."""
    if value is UNKNOWN:
        return True
    if isinstance(value, Mapping):
        return any(has_unknown(one) for one in value.values())
    return isinstance(value, list | tuple) and any(has_unknown(one) for one in value)


class Update(Enum):
    """What a changed value asks for."""

    IN_PLACE = 'in place'
    REPLACE = 'replace'


IN_PLACE: Final = Update.IN_PLACE
REPLACE: Final = Update.REPLACE

Encoder = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Property:
    """The declaration of one value.

    ``default`` is ABSENT, a value, or a callable that the shell calls with the
    resource at run time (a physical name); a callable is never shown.
    ``finder`` names what the value is looked up as (``neutron.network``: a name
    becomes an id; in ``neutron.{kind}`` the sibling ``kind`` says what it names).
    ``wire`` is the name in requests, SAME or None to withhold it.
    ``replaced_by`` names the sibling the value moves to; ``unpack`` names the keys
    of this map that become siblings of it, the rest is dropped. ``convert`` accepts
    the text forms that values of provider templates have. A ``secret`` is shown to nobody.
    What the classic interface lacks is our ``own``: taken as any other, and not among what it shows.
    """

    kind: str
    description: str = ''
    required: bool = False
    default: Any = ABSENT
    constraints: tuple[Constraint, ...] = ()
    update: Update = REPLACE
    immutable: bool = False
    items: Property | None = None
    keys: Mapping[str, Property] | None = None
    finder: str | None = None
    wire: str | Mark | None = SAME
    encode: Encoder | str | None = None
    support: Support = SUPPORTED
    replaced_by: str | None = None
    unpack: tuple[str, ...] = ()
    convert: bool = False
    implemented: bool = True
    secret: bool = False
    own: bool = False
    # Whether any declaration below (or this one) moves its value: spares a walk per value.
    moves: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if self.immutable and self.update is IN_PLACE:
            raise ValueError('A property cannot be both immutable and updated in place.')
        if self.required and self.default is not ABSENT:
            raise ValueError('A required property has no default.')
        for one in self.constraints:
            if self.kind not in one.kinds:
                raise ValueError(f'{type(one).__name__} constraint invalid for {self.kind}')
        below = list((self.keys or {}).values()) + ([self.items] if self.items else [])
        object.__setattr__(self, 'moves',
                           bool(self.replaced_by or self.unpack or any(one.moves for one in below)))

    @property
    def updatable(self) -> bool:
        """``update_allowed`` of the interface."""
        return self.update is IN_PLACE

    @property
    def late(self) -> bool:
        """Whether the default is made at run time."""
        return callable(self.default)

    @property
    def has_default(self) -> bool:
        return self.default is not ABSENT and not self.late


def _constraints(range: tuple[Any, Any] | None, length: tuple[int | None, int | None] | None,
                 modulo: tuple[int, int] | None, values: Sequence[Any] | None, pattern: str | None,
                 custom: str | None) -> tuple[Constraint, ...]:
    found: list[Constraint] = []
    if range is not None:
        found.append(Range(min=range[0], max=range[1]))
    if length is not None:
        found.append(Length(min=length[0], max=length[1]))
    if modulo is not None:
        found.append(Modulo(step=modulo[0], offset=modulo[1]))
    if values is not None:
        found.append(AllowedValues(allowed=tuple(values)))
    if pattern is not None:
        found.append(AllowedPattern(pattern=pattern))
    if custom is not None:
        found.append(Custom(name=custom))
    return tuple(found)


def _declare(kind: str, description: str = '', *, required: bool = False, default: Any = ABSENT,
             range: tuple[Any, Any] | None = None, length: tuple[int | None, int | None] | None = None,
             modulo: tuple[int, int] | None = None, values: Sequence[Any] | None = None,
             pattern: str | None = None, is_a: str | None = None, check: str | None = None,
             find: str | None = None, constraints: Sequence[Constraint] = (), update: Update = REPLACE,
             immutable: bool = False, wire: str | Mark | None = SAME,
             encode: Encoder | str | None = None, support: Support = SUPPORTED,
             replaced_by: str | None = None, unpack: Sequence[str] = (), convert: bool = False,
             implemented: bool = True, secret: bool = False, own: bool = False,
             items: Property | None = None, keys: Mapping[str, Property] | None = None) -> Property:
    if is_a and (check or find):
        raise ValueError('is_a already checks and finds; give it alone, or check and find apart.')
    found = _constraints(range, length, modulo, values, pattern, is_a or check)
    return Property(kind, description, required, default, found + tuple(constraints), update, immutable,
                    items, keys, is_a or find, wire, encode, support, replaced_by, tuple(unpack), convert,
                    implemented, secret, own)


def String(description: str = '', **options: Any) -> Property:
    """Text. Options of every kind of property:

    ``required default range length modulo values pattern constraints`` say what
    is accepted (``range=(1, None)``, ``modulo=(step, offset)``); ``is_a`` checks
    that the thing exists and turns its name into its id, ``check`` only checks,
    ``find`` only turns; ``update`` is IN_PLACE or REPLACE; ``immutable`` refuses
    a change; ``wire encode`` shape the request; ``support replaced_by unpack
    implemented convert secret own`` as in ``Property``.
    """
    return _declare('String', description, **options)


def Integer(description: str = '', **options: Any) -> Property:
    """A whole number; options as for String."""
    return _declare('Integer', description, **options)


def Number(description: str = '', **options: Any) -> Property:
    """A whole or floating number; options as for String."""
    return _declare('Number', description, **options)


def Boolean(description: str = '', **options: Any) -> Property:
    """True or false; options as for String."""
    return _declare('Boolean', description, **options)


def Any_(description: str = '', **options: Any) -> Property:
    """A value of any shape, passed on as it is; options as for String."""
    return _declare('Any', description, **options)


def List(description: str = '', *, of: Property | None = None, **options: Any) -> Property:
    """A list of anything, or of what ``of`` describes; options as for String."""
    return _declare('List', description, items=of, **options)


_OPTIONS = frozenset(_declare.__kwdefaults__ or {})


def Map(description: str = '', *, keys: Mapping[str, Property] | None = None, **more: Any) -> Property:
    """A map; without keys any key may stand in it.

    Keyword arguments that are Properties declare keys (a final underscore is cut
    off: ``class_``); names that collide with an option or are no identifiers go
    into ``keys``. Other options as for String.
    """
    named = {plain_name(name): value for name, value in more.items() if isinstance(value, Property)}
    options = {name: value for name, value in more.items() if not isinstance(value, Property)}
    unknown = set(options) - _OPTIONS
    if unknown:
        raise TypeError(f'{", ".join(sorted(unknown))}: neither an option nor a Property.')
    declared = {**named, **(keys or {})}
    return _declare('Map', description, keys=declared or None, **options)


def plain_name(name: str) -> str:
    """``class_`` -> ``class``: how names that Python reserves are declared."""
    return name[:-1] if name.endswith('_') and not name.endswith('__') else name
