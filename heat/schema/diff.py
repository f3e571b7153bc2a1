"""What changed between two sets of properties, and what that asks for.

Purpose: ``diff`` compares resolved values, ``effect`` turns the names into a
decision, ``Diff`` is what a plugin's update is handed. Invariant: top-level
declarations decide, as in the classic service; nested flags are for show.
Neighbours: ``plan.decide`` and plugins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from heat.schema.kinds import UNKNOWN
from heat.schema.properties import TypeSchema

KEEP, UPDATE, REPLACEMENT, IMMUTABLE = 'keep', 'update', 'replace', 'immutable'


def same(old: Any, new: Any) -> bool:
    """Equality as JSON sees it: true is not 1, and what is not known equals nothing."""
    if old is UNKNOWN or new is UNKNOWN:
        return False
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return len(old) == len(new) and all(same(a, b) for a, b in zip(old, new, strict=True))
    return isinstance(old, bool) is isinstance(new, bool) and bool(old == new)


def _without(left: list[Any], right: list[Any]) -> list[Any]:
    """The items of ``left`` that have no partner in ``right``, counting repeats."""
    rest = list(right)
    alone = []
    for item in left:
        at = next((index for index, other in enumerate(rest) if same(item, other)), None)
        if at is None:
            alone.append(item)
        else:
            del rest[at]
    return alone


@dataclass(frozen=True, slots=True)
class Diff:
    """The changed names with the values before and after, in the schema's order.

    ``name in diff``, iteration, ``len`` and truth go by the changed names.
    """

    changed: tuple[str, ...] = ()
    old: Mapping[str, Any] = field(default_factory=dict)
    new: Mapping[str, Any] = field(default_factory=dict)

    def __contains__(self, name: object) -> bool:
        return name in self.changed

    def __iter__(self) -> Iterator[str]:
        return iter(self.changed)

    def __len__(self) -> int:
        return len(self.changed)

    def only(self, *names: str) -> dict[str, Any]:
        """New values of those of ``names`` that changed; one taken away gives None."""
        return {name: self.new.get(name) for name in names if name in self.changed}

    def but(self, *names: str) -> dict[str, Any]:
        """New values of all that changed except ``names``."""
        return {name: self.new.get(name) for name in self.changed if name not in names}

    def gone(self, name: str) -> list[Any]:
        """The items of the list ``name`` that are no longer in it."""
        return _without(list(self.old.get(name) or ()), list(self.new.get(name) or ()))

    def came(self, name: str) -> list[Any]:
        """The items of the list ``name`` that are new in it."""
        return _without(list(self.new.get(name) or ()), list(self.old.get(name) or ()))

    def keys_gone(self, name: str) -> list[str]:
        """The keys of the map ``name`` that are no longer in it."""
        return [key for key in self.old.get(name) or {} if key not in (self.new.get(name) or {})]


def diff(schema: TypeSchema, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Diff:
    """Compare two resolved sets. Absent and None are equal; UNKNOWN differs from all."""
    old, new = old or {}, new or {}
    names = list(schema.properties)
    names += [name for name in {**old, **new} if name not in schema.properties]
    changed = tuple(name for name in names if not same(old.get(name), new.get(name)))
    return Diff(changed, old, new)


def effect(schema: TypeSchema, changed: Iterable[str]) -> str:
    """``'keep' | 'update' | 'replace' | 'immutable'`` for the changed names.

    The strongest wins; a name that is not declared asks for replacement.
    """
    props = [schema.properties.get(name) for name in changed]
    if any(prop is not None and prop.immutable for prop in props):
        return IMMUTABLE
    if any(prop is None or not prop.updatable for prop in props):
        return REPLACEMENT
    return UPDATE if props else KEEP
