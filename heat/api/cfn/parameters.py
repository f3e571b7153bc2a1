"""Parameters of AWS's query protocol: flat names -> values of their kinds.

Purpose: ``Tags.member.1.Key=a`` and its kin, read by the kinds that a table of an
action names. Invariant: what a table does not name is refused, and so is what it
names as not supported; a wrong value is a ValidationError that names its place.
Neighbours: ``actions`` has the tables, ``api.signatures`` gave what was signed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from heat.api.cfn.faults import refused, unsupported

# The parts of one parameter: '' for the value itself, 'member.1.Key' for what lies below it.
Parts = Mapping[str, str]
Kind = Callable[[str, Parts], Any]
# What every request may bring: the protocol's own, and what signs it.
PROTOCOL = frozenset((
    'Action', 'Version', 'ContentType', 'AWSAccessKeyId', 'Signature', 'SignatureMethod', 'SignatureVersion',
    'Timestamp', 'Expires', 'SecurityToken'))
MEMBER = re.compile(r'(?:member\.)?([1-9][0-9]{0,4})(?:\.(.+))?')
INTEGER = re.compile(r'[0-9]{1,9}')


def read(given: Mapping[str, str], table: Mapping[str, Kind], required: tuple[str, ...] = (),
         aliases: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The values of the parameters that were given. Fault for unknown, missing and wrong ones."""
    grouped: dict[str, dict[str, str]] = {}
    for name, value in given.items():
        if name in PROTOCOL or name.startswith('X-Amz-'):
            continue
        head, _, rest = name.partition('.')
        grouped.setdefault((aliases or {}).get(head, head), {})[rest] = value
    for name in grouped:
        if name not in table:
            raise refused(f'Unknown parameter {name}')
    for name in required:
        if grouped.get(name, {}).get('', '') == '':
            raise refused(f"Value at '{name}' must not be null or empty.")
    return {name: table[name](name, parts) for name, parts in grouped.items()}


def _only(place: str, parts: Parts) -> str:
    if set(parts) != {''}:
        raise refused(f"Value at '{place}' must be a single value.")
    return parts['']


def text(longest: int = 1 << 20, pattern: str = '', shortest: int = 0) -> Kind:
    """A text of bounded length, wholly of the form ``pattern``."""
    def kind(place: str, parts: Parts) -> str:
        value = _only(place, parts)
        if not shortest <= len(value) <= longest:
            raise refused(f"Value at '{place}' must be {shortest} to {longest} characters long.")
        if pattern and not re.fullmatch(pattern, value):
            raise refused(f"Value '{value}' at '{place}' must match {pattern}")
        return value
    return kind


def choice(*allowed: str) -> Kind:
    def kind(place: str, parts: Parts) -> str:
        value = _only(place, parts)
        if value not in allowed:
            raise refused(f"Value '{value}' at '{place}' must be one of: {', '.join(allowed)}.")
        return value
    return kind


def number(low: int) -> Kind:
    def kind(place: str, parts: Parts) -> int:
        value = _only(place, parts)
        if not INTEGER.fullmatch(value) or int(value) < low:
            raise refused(f"Value '{value}' at '{place}' must be a whole number of at least {low}.")
        return int(value)
    return kind


def flag(place: str, parts: Parts) -> bool:
    value = _only(place, parts)
    if value.lower() not in ('true', 'false'):
        raise refused(f"Value '{value}' at '{place}' must be true or false.")
    return value.lower() == 'true'


def listed(inner: Kind, most: int = 0) -> Kind:
    """``name.member.N``, in the order of the numbers; an empty value is an empty list."""
    def kind(place: str, parts: Parts) -> list[Any]:
        items: dict[int, dict[str, str]] = {}
        for rest, value in parts.items():
            found = MEMBER.fullmatch(rest)
            if found is None and (rest or value):
                raise refused(f"Value at '{place}' must be a list: {place}.member.1 and so on.")
            if found is not None:
                items.setdefault(int(found[1]), {})[found[2] or ''] = value
        if most and len(items) > most:
            raise refused(f"Value at '{place}' must have at most {most} members.")
        return [inner(f'{place}.{n}.member', items[n]) for n in sorted(items)]
    return kind


def object_of(required: tuple[str, ...] = (), **members: Kind) -> Kind:
    """An object with these members."""
    def kind(place: str, parts: Parts) -> dict[str, Any]:
        grouped: dict[str, dict[str, str]] = {}
        for rest, value in parts.items():
            head, _, below = rest.partition('.')
            grouped.setdefault(head, {})[below] = value
        for name in grouped:
            if name not in members:
                raise refused(f"Unknown parameter '{place}.{name}'")
        for name in required:
            if name not in grouped:
                raise refused(f"Value at '{place}.{name}' must not be null.")
        return {name: members[name](f'{place}.{name}', below) for name, below in grouped.items()}
    return kind


def unserved(*harmless: str, because: str = '') -> Kind:
    """A parameter that this service cannot honour; ``harmless`` values ask for nothing."""
    def kind(place: str, parts: Parts) -> None:
        if any(rest or (value and value not in harmless) for rest, value in parts.items()):
            raise unsupported(f'The parameter {place}', because)
    return kind
