"""Results as XML or JSON.

Purpose: one renderer for all actions: plain values, lists and objects of named
members. Invariant: a member that is None is left out; nothing in a value can end
an element or break the document. Neighbours: ``shapes`` makes the objects,
``query`` answers with the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

# What XML 1.0 cannot hold, not even escaped.
ILLEGAL = re.compile('[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')


@dataclass(frozen=True, slots=True)
class Loose:
    """A value of any form: itself in JSON; in XML a text as it is, all else as JSON text."""

    value: Any


def legal(text: str) -> str:
    return ILLEGAL.sub('\ufffd', text)


def answer(action: str, result: Any, request_id: str) -> dict[str, Any]:
    """The whole answer of an action; a None ``result`` is an empty one."""
    inner = {} if result is None else {f'{action}Result': result}
    return {f'{action}Response': {**inner, 'ResponseMetadata': {'RequestId': request_id}}}


def xml(tree: Mapping[str, Any]) -> str:
    """``{element: value}`` as text; items of lists become ``member``."""
    return ''.join(_element(name, value) for name, value in tree.items() if value is not None)


def _element(name: str, value: Any) -> str:
    inner = _inner(value)
    # An empty text and nothing inside are two things for people only.
    return f'<{name}>{inner}</{name}>' if inner else f'<{name}/>'


def _inner(value: Any) -> str:
    if isinstance(value, Loose):
        value = value.value if isinstance(value.value, str) else json.dumps(value.value, default=str)
    if isinstance(value, Mapping):
        return xml(value)
    if isinstance(value, list | tuple):
        return ''.join(_element('member', item) for item in value)
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return escape(legal(str(value)))


def plain(value: Any) -> Any:
    """``value`` for JSON: members that are None left out."""
    if isinstance(value, Loose):
        return value.value
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
