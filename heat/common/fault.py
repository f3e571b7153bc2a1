"""One thing that is wrong in what a user wrote: where it stands and what would be right.

Purpose: ``Fault`` is told beside an error's sentence, by the API as JSON and by
tools as text. Invariant: plain, bounded data that crosses the bus; ``message`` is
the classic sentence and never changed here; the value of a hidden parameter is
never part of it. Neighbours: ``errors`` carries faults, ``template.load`` finds their
lines, ``template.report`` renders them with the text around them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# Faults told in one answer; the rest is counted.
MAX_TOLD = 20
LONGEST_VALUE, LONGEST_MESSAGE = 100, 4000
TEMPLATE, ENVIRONMENT = 'template', 'environment'

# What a fault is about.
TEXT, SHAPE, PARAMETER, MISSING, TYPE = 'text', 'shape', 'parameter', 'missing', 'type'
PROPERTY, REFERENCE, ATTRIBUTE, CIRCLE, RULE = 'property', 'reference', 'attribute', 'circle', 'rule'

MASK = '******'
_BEGINNING = 20

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """``path`` leads to the part at fault from the root of ``source``.

    ``source`` is 'template', 'environment', or the name of a file. ``value`` is the
    text of what stands there, ``suggestion`` the name that was probably meant,
    ``line`` and ``column`` count from 1. ``kind`` says what it is about, '' for a value
    that a function gives or refuses; ``said`` is the sentence without its place, if
    ``message`` names that; both are for tools and do not cross the bus.
    """

    message: str
    path: Path = ()
    value: str | None = None
    expected: str | None = None
    suggestion: str | None = None
    line: int | None = None
    column: int | None = None
    source: str = TEMPLATE
    kind: str = field(default='', compare=False)
    said: str | None = field(default=None, compare=False)

    def place(self) -> str:
        """``resources.web.properties.flavor, line 12, column 7``; the source if it is not the template."""
        parts = [path_text(list(self.path))] if self.path else []
        if self.source != TEMPLATE:
            parts.append(f'in {self.source}' if parts else self.source)
        if self.line is not None:
            parts.append(self.spot())
        return ', '.join(parts)

    def spot(self) -> str:
        return f'line {self.line}, column {self.column}'

    def says(self) -> bool:
        """Whether the message tells the whole place already, as a parser's does."""
        if self.line is not None and (self.path or self.spot() not in self.message):
            return False
        return self.place() in self.message or (not self.path and self.source in (TEMPLATE, ENVIRONMENT))

    def masked(self, secrets: Iterable[str]) -> Fault:
        """Without ``secrets`` in message and value."""
        secrets = list(secrets)
        return replace(self, message=masked(self.message, secrets),
                       said=None if self.said is None else masked(self.said, secrets),
                       value=None if self.value is None else masked(self.value, secrets))

    def bare(self) -> str:
        """The sentence without its place, for who tells that in a way of its own."""
        return self.message if self.said is None else self.said

    def to_wire(self) -> dict[str, Any]:
        return {'message': self.message, 'path': list(self.path), **self._rest()}

    def shown(self) -> dict[str, Any]:
        """The JSON object of the API: as on the bus, the path as text."""
        return {'message': self.message, 'path': path_text(list(self.path)), **self._rest()}

    def _rest(self) -> dict[str, Any]:
        held = {name: getattr(self, name)
                for name in ('value', 'expected', 'suggestion', 'line', 'column', 'source')}
        return {name: value for name, value in held.items() if value is not None}


def from_wire(data: Any) -> tuple[Fault, ...]:
    """The faults in a list of what ``to_wire`` made; what is not of that form is left out."""
    found = []
    for one in data if isinstance(data, list) else ():
        if not isinstance(one, Mapping) or not isinstance(one.get('path'), list):
            continue
        rest: dict[str, Any] = {name: str(one[name])
                                for name in ('value', 'expected', 'suggestion', 'source')
                                if one.get(name) is not None}
        rest |= {name: one[name] for name in ('line', 'column') if type(one.get(name)) is int}
        found.append(Fault(str(one.get('message', '')), keys(one['path']), **rest))
    return tuple(found)


def keys(path: Iterable[Any]) -> Path:
    """``path`` as keys and indices of plain data."""
    return tuple(part if type(part) in (str, int) else str(part) for part in path)


def value_text(value: Any) -> str | None:
    """A value as JSON, or a text as it is, not longer than a line; None for nothing."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return shortened(text, LONGEST_VALUE)


def shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f'{text[:most - 3]}...'


def masked(text: str, secrets: Iterable[str]) -> str:
    """``text`` without any of ``secrets``, in whatever form sentences quote values."""
    for secret in sorted(secrets, key=len, reverse=True):
        for form in {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1]}:
            if not form:
                continue
            # A short one is cut out only where it stands alone, or words would lose letters.
            pattern = re.escape(form) if len(form) > 3 else rf'(?<!\w){re.escape(form)}(?!\w)'
            text = re.sub(pattern, MASK, text)
            # What was shortened may hold the beginning of a long one.
            begun = text.find(form[:_BEGINNING]) if len(form) > _BEGINNING else -1
            if begun >= 0:
                text = text[:begun] + MASK
    return text


def path_text(path: list[Any] | str | None) -> str:
    """``['resources', 'a', 0]`` -> ``resources.a[0]``."""
    if path is None or isinstance(path, str):
        return path or ''
    text = ''
    for part in path:
        if isinstance(part, int) and not isinstance(part, bool):
            text += f'[{part}]'
        elif str(part):
            text += f'.{part}' if text else str(part)
    return text


def told(faults: Iterable[Fault], untold: int = 0) -> str:
    """Every fault as its sentence, and on further lines place, expectation and suggestion.

    Only what the sentence does not say already; the sentence's line stays as clients know it.
    """
    lines: list[str] = []
    for fault in faults:
        sentence = fault.message
        lines.append(sentence)
        if not fault.says():
            lines.append(f'  at {fault.place()}')
        if fault.expected and fault.expected not in sentence:
            lines.append(f'  expected: {fault.expected}')
        if fault.suggestion and f'Did you mean {fault.suggestion}?' not in sentence:
            lines.append(f'  Did you mean {fault.suggestion}?')
    return '\n'.join([*lines, *remaining(untold)])


def remaining(untold: int) -> list[str]:
    """The line that counts what is not told."""
    return [f'... and {untold} more'] if untold > 0 else []
