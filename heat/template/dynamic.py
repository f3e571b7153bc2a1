"""Dynamic references: ``{{resolve:service:key}}`` in the text of a property.

Purpose: find them in values, check their shape, and put values in their place.
Invariant: pure; a template keeps the literal text, so that differences are those of the
text, and whoever resolves gets the parts; a value put in is not searched again.
Neighbours: ``aws`` checks templates, the engine resolves before a call is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

MOST = 60
_FOUND = re.compile(r'\{\{resolve:([^{}]*)\}\}')
_NAME = re.compile(r'[A-Za-z0-9_.\-/]+\Z')
_ARN_PARTS = {'ssm': 6, 'ssm-secure': 6, 'secretsmanager': 7}


@dataclass(frozen=True, slots=True)
class DynamicReference:
    """What is to be put in. ``service`` is 'ssm', 'ssm-secure' or 'secretsmanager'.

    ``key`` is the name of the parameter or the id of the secret; ``version`` its version
    or None for the latest; ``member`` and ``stage`` are those of a secret.
    """

    service: str
    key: str
    version: str | None = None
    member: str | None = None
    stage: str | None = None

    @property
    def secure(self) -> bool:
        """Whether the value must never be stored or shown."""
        return self.service != 'ssm'


def parse(inside: str) -> DynamicReference:
    """The reference in ``{{resolve:<inside>}}``; ValueError tells what is wrong with it."""
    service, _, rest = inside.partition(':')
    if service not in _ARN_PARTS:
        raise ValueError(f'a dynamic reference names ssm, ssm-secure or secretsmanager, not "{service}"')
    parts = rest.split(':')
    if parts[0] == 'arn':
        taken = _ARN_PARTS[service]
        parts = [':'.join(parts[:taken]), *parts[taken:]]
    key, more = parts[0], parts[1:]
    if not key:
        raise ValueError(f'a dynamic reference of {service} needs a name')
    if key.endswith('\\') or rest.endswith('\\'):
        raise ValueError('a dynamic reference must not end in a backslash')
    if service == 'secretsmanager':
        return _secret(key, more)
    if not key.startswith('arn:') and not _NAME.match(key):
        raise ValueError(f'"{key}" is no name of a parameter: letters, digits and "_.-/" only')
    if len(more) > 1 or (more and not more[0].isdigit()):
        raise ValueError(f'a dynamic reference of {service} is {service}:name or {service}:name:version')
    return DynamicReference(service, key, more[0] if more else None)


def _secret(key: str, more: list[str]) -> DynamicReference:
    if len(more) > 4:
        raise ValueError('a dynamic reference of secretsmanager is '
                         'secretsmanager:id:SecretString:json-key:version-stage:version-id')
    kind, member, stage, version = (*more, '', '', '', '')[:4]
    if kind not in ('', 'SecretString'):
        raise ValueError(f'of a secret only SecretString can be had, not "{kind}"')
    if stage and version:
        raise ValueError('a secret is asked for by version-stage or by version-id, not by both')
    return DynamicReference('secretsmanager', key, version or None, member or None, stage or None)


def present(value: Any) -> bool:
    """Whether a plain value holds any."""
    return any('{{resolve:' in text for text in _texts(value))


def references(value: Any) -> list[DynamicReference]:
    """Those in a plain value, in order; ValueError for one that is malformed."""
    return [parse(found[1]) for text in _texts(value) for found in _FOUND.finditer(text)]


def substitute(value: Any, resolve: Callable[[DynamicReference], str]) -> Any:
    """``value`` with what ``resolve`` gives in the place of each reference."""
    if isinstance(value, str):
        if '{{resolve:' not in value:
            return value
        return _FOUND.sub(lambda found: resolve(parse(found[1])), value)
    if isinstance(value, dict):
        return {key: substitute(item, resolve) for key, item in value.items()}
    return [substitute(item, resolve) for item in value] if isinstance(value, list) else value


def located(tree: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """``(path, inside)`` of every reference in a template's tree."""
    pending: list[tuple[Any, tuple[Any, ...]]] = [(tree, path)]
    while pending:
        node, place = pending.pop()
        if isinstance(node, str):
            if '{{resolve:' in node:
                yield from ((place, found[1]) for found in _FOUND.finditer(node))
        elif isinstance(node, dict):
            pending.extend((item, (*place, key)) for key, item in reversed(node.items()))
        elif isinstance(node, list):
            pending.extend((item, (*place, index)) for index, item in reversed(list(enumerate(node))))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
