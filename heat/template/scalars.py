"""Scalars of YAML 1.1 as PyYAML's safe loader reads them, dates excepted.

Purpose: one scalar event to str, int, float, bool or None. Invariant: only the core
tags are honoured; a date stays the text it was written as, since template versions
look like dates. Neighbours: ``load``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

_CORE = 'tag:yaml.org,2002:'
_NULL = {'', '~', 'null', 'Null', 'NULL'}
_BOOL = {word: value
         for value, names in ((True, ('yes', 'true', 'on')), (False, ('no', 'false', 'off')))
         for name in names for word in (name, name.capitalize(), name.upper())}
_NUMERIC_START = frozenset('-+0123456789.')
_INT = re.compile(r'[-+]?(?:0b[0-1_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*(?::[0-5]?[0-9])*|0)\Z')
_FLOAT = re.compile(r'[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?'
                    r'|[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|\.(?:inf|Inf|INF))\Z|\.(?:nan|NaN|NAN)\Z')


class Untaggable(Exception):
    """A tag that makes no plain data; the sentence names it and the place."""

    def __init__(self, tag: str, mark: Any, suggestion: str | None = None) -> None:
        sentence = f'could not determine a constructor for the tag {tag!r}\n{mark}'
        super().__init__(f'{sentence}\nDid you mean {suggestion}?' if suggestion else sentence)
        self.mark = mark
        self.suggestion = suggestion


def scalar(event: Any, place: Callable[[Any], Any], short: Callable[[Any, Any], Any]) -> Any:
    """The value of a scalar event; ``place`` turns its mark into one that can be shown.

    ``short(event, text)`` gives the value of a scalar with a tag like ``!Ref``.
    """
    tag = event.tag
    if tag is None:
        return plain(event.value) if event.implicit[0] else event.value
    if tag == '!' or tag == _CORE + 'str' or tag == _CORE + 'timestamp':
        return event.value
    if tag[0] == '!':
        return short(event, event.value)
    if not tag.startswith(_CORE):
        raise Untaggable(tag, place(event.start_mark))
    value = plain(event.value)
    kind = tag[len(_CORE):]
    if kind == 'null':
        return None
    if (kind == 'int' and type(value) is int) or (kind == 'bool' and type(value) is bool):
        return value
    if kind == 'float' and type(value) in (int, float):
        return float(value)
    raise Untaggable(tag, place(event.start_mark))


def plain(text: str) -> Any:
    """The value of a plain scalar without a tag."""
    if text in _NULL:
        return None
    if text[0] in _NUMERIC_START:
        if _INT.match(text):
            return _int(text)
        if _FLOAT.match(text):
            return _float(text)
        return text
    return _BOOL.get(text, text)


def _int(text: str) -> Any:
    digits = text.replace('_', '')
    sign = -1 if digits[0] == '-' else 1
    digits = digits.lstrip('+-')
    if len(digits) > 3500:
        # Python reads and writes no longer ones, and nobody means one.
        return text
    if digits.startswith('0b'):
        return sign * int(digits[2:], 2)
    if digits.startswith('0x'):
        return sign * int(digits[2:], 16)
    if digits[0] == '0' and len(digits) > 1:
        return sign * int(digits, 8)
    if ':' in digits:
        number = _sexagesimal(digits)
        return sign * int(number) if math.isfinite(number) else text
    return sign * int(digits)


def _float(text: str) -> Any:
    digits = text.replace('_', '').lower()
    sign = -1.0 if digits[0] == '-' else 1.0
    digits = digits.lstrip('+-')
    if digits == '.inf':
        return sign * math.inf
    if digits == '.nan':
        return math.nan
    return sign * (_sexagesimal(digits) if ':' in digits else float(digits))


def _sexagesimal(digits: str) -> float:
    total = 0.0
    for part in digits.split(':'):
        total = total * 60 + float(part)
    return total


def key_text(value: Any) -> str:
    """A key that is no string as JSON would write it."""
    return value if isinstance(value, str) else json.dumps(value)
