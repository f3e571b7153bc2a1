"""Members of operations: what clients send -> values of their kinds.

Purpose: one table of an operation reads all three protocols. Two of them have types of
their own; of the third come texts and trees of texts, and such values are read ``loose``.
Invariant: what a table does not name is refused, and so is what it names as not supported;
an error names the place as AWS does. Neighbours: ``operations`` has the tables,
``protocols`` took the values out of the body.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from heat.api import cbor
from heat.api.cfn.render import ILLEGAL
from heat.api.cloudwatch.faults import Fault, invalid, missing

Kind = Callable[[str, Any, bool], Any]
LARGEST = 2.0 ** 360
INTEGER = re.compile(r'-?[0-9]{1,18}')
DOUBLE = re.compile(r'[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,4})?')
NUMBER = re.compile(r'[1-9][0-9]{0,4}')


def wrong(place: str, value: Any, expected: str) -> Fault:
    shown = str(value)
    shown = shown if len(shown) <= 100 else f'{shown[:100]}...'
    return invalid(f'The value {shown} for parameter {place} is invalid: expected {expected}.')


def text(longest: int, shortest: int = 1, pattern: str = '') -> Kind:
    """A text of bounded length, wholly of the form ``pattern``, of characters that any answer can hold."""
    def kind(place: str, value: Any, loose: bool) -> str:
        if not isinstance(value, str):
            raise wrong(place, value, 'a text')
        if not shortest <= len(value) <= longest:
            raise wrong(place, value, f'a text of {shortest} to {longest} characters')
        if ILLEGAL.search(value):
            raise invalid(f'The value for parameter {place} is invalid: it has a character that no text has.')
        if pattern and not re.fullmatch(pattern, value, re.DOTALL):
            raise wrong(place, value, f'a text of the form {pattern}')
        return value
    return kind


def choice(*allowed: str, aliases: Mapping[str, str] | None = None) -> Kind:
    """One of these texts; queries may say it by one of the ``aliases``."""
    def kind(place: str, value: Any, loose: bool) -> str:
        if loose and aliases and isinstance(value, str):
            value = aliases.get(value, value)
        if not isinstance(value, str) or value not in allowed:
            raise wrong(place, value, f'one of {", ".join(allowed)}')
        return value
    return kind


def integer(low: int, high: int, allowed: Callable[[int], bool] = lambda value: True,
            which: str = '') -> Kind:
    """A whole number from ``low`` to ``high`` that is ``allowed``, which ``which`` words."""
    def kind(place: str, value: Any, loose: bool) -> int:
        if loose and isinstance(value, str) and INTEGER.fullmatch(value):
            value = int(value)
        if type(value) is not int or not (low <= value <= high and allowed(value)):
            raise wrong(place, value, which or f'a whole number from {low} to {high}')
        return value
    return kind


def double(place: str, value: Any, loose: bool) -> float:
    """A number that CloudWatch keeps: finite, and not beyond 2 to the power of 360."""
    if loose and isinstance(value, str) and DOUBLE.fullmatch(value):
        value = float(value)
    # NaN is in no range.
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
        raise wrong(place, value, 'a number from -2^360 to 2^360')
    return float(value)


def flag(place: str, value: Any, loose: bool) -> bool:
    if loose and isinstance(value, str):
        value = {'true': True, 'false': False}.get(value.lower(), value)
    if not isinstance(value, bool):
        raise wrong(place, value, 'true or false')
    return value


def timestamp(place: str, value: Any, loose: bool) -> datetime.datetime:
    """A time of ISO 8601, of UTC unless it says otherwise; seconds since 1970 where there are numbers."""
    try:
        if isinstance(value, datetime.datetime):
            return value
        if isinstance(value, str):
            found = datetime.datetime.fromisoformat(value)
            return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
        return cbor.moment(value)
    except (ValueError, OverflowError) as error:
        raise wrong(place, value, 'a time') from error


@dataclass(frozen=True, slots=True)
class Listed:
    """``least`` to ``most`` values; of a query ``name.member.N`` in the order of the numbers."""

    inner: Kind
    most: int
    least: int = 0

    def __call__(self, place: str, value: Any, loose: bool) -> list[Any]:
        items = _numbered(place, value) if loose else value
        if not isinstance(items, list):
            raise wrong(place, value, 'a list')
        if len(items) > self.most:
            raise invalid(f'The collection {place} must not have a size greater than {self.most}.')
        if len(items) < self.least:
            raise missing(place)
        return [self.inner(f'{place}.member.{number}', item, loose) for number, item in enumerate(items, 1)]


def _numbered(place: str, value: Any) -> Any:
    if value == '':
        return []
    if isinstance(value, Mapping) and set(value) == {'member'} and isinstance(value['member'], Mapping):
        value = value['member']
    if not isinstance(value, Mapping) or not all(NUMBER.fullmatch(name) for name in value):
        raise wrong(place, 'given', f'a list: {place}.member.1 and so on')
    return [value[name] for name in sorted(value, key=int)]


@dataclass(frozen=True, slots=True)
class Structure:
    """An object with these members; a member that is null is none."""

    members: Mapping[str, Kind]
    required: tuple[str, ...] = ()

    def __call__(self, place: str, value: Any, loose: bool) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise wrong(place or 'of the whole call', value, 'an object')
        within = f'{place}.' if place else ''
        found: dict[str, Any] = {}
        for name, item in value.items():
            if item is None:
                continue
            if name not in self.members:
                raise invalid(f'Unknown parameter {within}{name[:100]}.')
            found[name] = self.members[name](within + name, item, loose)
        for name in self.required:
            if name not in found:
                raise missing(within + name)
        return found


def unserved(*harmless: Any) -> Kind:
    """A member that this service cannot honour; ``harmless`` values ask for nothing."""
    def kind(place: str, value: Any, loose: bool) -> None:
        if value not in ('', [], {}) and value not in harmless:
            raise invalid(f'The parameter {place} is not supported by this service.')
    return kind
