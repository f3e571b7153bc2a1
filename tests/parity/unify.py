"""Recorded answers against ours: placeholders bind at first sight and must stay the same.

``<time>`` and ``<suffix>`` match by form; any other placeholder stands for the
value it was first seen with. Lists that come in no fixed order are matched by
the name in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

MARK = re.compile(r'<[a-z_]+(?::[^<>]*(?:<[a-z_]+(?::[^<>]*)?>[^<>]*)?)?>')
FORMS = {'<time>': r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|\.\d{6})', '<suffix>': '[a-z2-7]{12}',
         '<token>': r'[^\s\'"]+', '<address>': '0x[0-9a-f]+'}
KINDS = {'stack_id': '[0-9a-f-]{36}', 'event_id': '[0-9a-f-]{36}', 'uuid': '[0-9a-f-]{36}',
         'config_id': '[0-9a-f-]{36}', 'deployment_id': '[0-9a-f-]{36}', 'hex': '[0-9a-z]+'}
NAMES = ('resource_name', 'output_key', 'functions', 'resource_type', 'version', 'id')


class Bound:
    """The placeholders seen so far."""

    def __init__(self, known: dict[str, str]) -> None:
        self.values = dict(known)

    def fill(self, value: Any) -> Any:
        """``value`` with bound placeholders replaced; KeyError for one that is not bound."""
        if isinstance(value, dict):
            return {key: self.fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if not isinstance(value, str):
            return value
        return MARK.sub(lambda found: self.values[found[0]], value)

    def differences(self, place: str, expected: Any, got: Any) -> Iterator[str]:
        """What differs, a line each."""
        if isinstance(expected, dict) and isinstance(got, dict):
            for key in sorted({*expected, *got}):
                if key not in got:
                    yield f'{place}.{key} is missing'
                elif key not in expected:
                    yield f'{place}.{key} is not expected: {got[key]!r}'
                else:
                    yield from self.differences(f'{place}.{key}', expected[key], got[key])
        elif isinstance(expected, list) and isinstance(got, list):
            yield from self._lists(place, expected, got)
        elif isinstance(expected, str) and isinstance(got, str):
            if not self._text(expected, got):
                yield f'{place}: {got!r} instead of {expected!r}'
        elif expected != got or isinstance(expected, bool) is not isinstance(got, bool):
            yield f'{place}: {got!r} instead of {expected!r}'

    def _lists(self, place: str, expected: list[Any], got: list[Any]) -> Iterator[str]:
        if len(expected) != len(got):
            yield f'{place}: {len(got)} items instead of {len(expected)}'
            return
        if place.endswith(('.resources', '.outputs', '.template_functions', '.resource_types',
                           '.template_versions', '.software_deployments', '.software_configs')):
            expected, got = self._sorted(expected), self._sorted(got)
        for index, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from self.differences(f'{place}[{index}]', one, other)

    def _sorted(self, items: list[Any]) -> list[Any]:
        def key(item: Any) -> str:
            if not isinstance(item, dict):
                return str(item)
            name = next((str(item[name]) for name in NAMES if name in item), '')
            return MARK.sub(lambda found: self.values.get(found[0], found[0]), name)

        return sorted(items, key=key)

    def _text(self, expected: str, got: str) -> bool:
        names: list[str] = []
        pattern, at = '', 0
        for found in MARK.finditer(expected):
            mark = found[0]
            pattern += re.escape(expected[at:found.start()])
            at = found.end()
            if mark in FORMS:
                pattern += FORMS[mark]
            elif mark in self.values:
                pattern += re.escape(self.values[mark])
            else:
                pattern += f'(?P<m{len(names)}>{KINDS.get(mark[1:-1].split(":")[0], ".+?")})'
                names.append(mark)
        matched = re.fullmatch(pattern + re.escape(expected[at:]), got, re.DOTALL)
        if matched is None:
            return False
        for index, mark in enumerate(names):
            if self.values.setdefault(mark, matched[f'm{index}']) != matched[f'm{index}']:
                return False
        return True
