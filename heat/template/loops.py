"""Fn::ForEach of AWS::LanguageExtensions, written out.

Purpose: ``{"Fn::ForEach::Name": [Identifier, collection, {key: body}]}`` becomes one
``key: body`` for each item. ``${Identifier}`` in keys and texts, and Ref of it, is the
item; ``&{Identifier}`` is its letters and digits. Invariant: items are put in once and
not searched again; the size is bounded. Neighbours: ``macros`` runs it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from heat.common.fault import TEMPLATE
from heat.template.functions import Path
from heat.template.functions_text import kind_of, scalar_text

if TYPE_CHECKING:
    from heat.template.macros import Expansion

LOOP = 'Fn::ForEach::'
SECTIONS = ('Conditions', 'Resources', 'Outputs')
_WORD = re.compile(r'[A-Za-z0-9]+\Z')
_OTHERS = re.compile(r'[^A-Za-z0-9]')


def write_out(expansion: Expansion, tree: Mapping[str, Any]) -> dict[str, Any]:
    """The template without loops; faults are noted in the expansion's unit."""
    resources = tree.get('Resources')
    writer = _Writer(expansion, frozenset(resources if isinstance(resources, dict) else ()))
    return {section: writer.part(value, {}, (section,), (section,)) if section in SECTIONS else value
            for section, value in tree.items()}


class _Writer:
    def __init__(self, expansion: Expansion, resources: frozenset[str]) -> None:
        self._expansion = expansion
        self._unit = expansion.unit
        self._resources = resources
        self._origins = expansion.origins.stage()

    def part(self, node: Any, items: Mapping[str, str], path: Path, out: Path, body: bool = False) -> Any:
        """A copy of ``node`` for one round; ``items`` maps identifiers of open loops to their items.

        ``out`` is the place of the copy; that of the ``body`` of a loop is what the loop stands in.
        """
        if isinstance(node, str):
            return self._text(node, items, path)
        self._expansion.count(path, self._expansion.part)
        if isinstance(node, list):
            return [self.part(one, items, (*path, index), (*out, index)) for index, one in enumerate(node)]
        if not isinstance(node, dict):
            return node
        if len(node) == 1 and isinstance(node.get('Ref'), str) and node['Ref'] in items:
            return items[node['Ref']]
        made: dict[str, Any] = {}
        for key, value in node.items():
            place = (*path, key)
            if key.startswith(LOOP):
                entries = self._loop(key, value, items, place, out)
            else:
                filled = self._text(key, items, path)
                if body or filled != key:
                    self._origins[*out, filled] = TEMPLATE, place
                entries = [(filled, self.part(value, items, place, (*out, filled)))]
            for name, content in entries:
                if name in made:
                    self._unit.fault(place, f'"{name}" is made twice')
                made[name] = content
        return made

    def _text(self, text: str, items: Mapping[str, str], path: Path) -> str:
        made = _filled(text, items)
        self._expansion.count(path, self._expansion.part + len(made))
        return made

    def _loop(self, key: str, args: Any, items: Mapping[str, str], path: Path,
              out: Path) -> list[tuple[str, Any]]:
        name = key.removeprefix(LOOP)
        if not _WORD.match(name):
            self._unit.fault(path, f'The name of a loop is made of letters and digits, not "{name}"')
        if not isinstance(args, list) or len(args) != 3 or not isinstance(args[2], dict) or not args[2]:
            self._unit.fault(path, f'Arguments to "{key}" must be of the form '
                                   '[identifier, [value, ...], {key: body}]')
            return []
        identifier = args[0]
        if not isinstance(identifier, str) or not _WORD.match(identifier):
            self._unit.fault((*path, 0), 'The identifier of a loop is made of letters and digits')
            return []
        taken = ('a loop around' if identifier in items else
                 'a parameter' if identifier in self._unit.parameters else
                 'a resource' if identifier in self._resources else '')
        if taken:
            self._unit.fault((*path, 0), f'The identifier "{identifier}" is the name of {taken} too')
            return []
        found: list[tuple[str, Any]] = []
        for item in self._collection(args[1], items, (*path, 1)):
            body = self.part(args[2], {**items, identifier: item}, (*path, 2), out, body=True)
            found.extend(body.items())
        return found

    def _collection(self, node: Any, items: Mapping[str, str], path: Path) -> list[str]:
        values = self._expansion.value(self.part(node, items, path, path), path)
        if not isinstance(values, list):
            self._unit.fault(path, f'A loop goes over a list, not {kind_of(values)}')
            return []
        try:
            return [scalar_text('Fn::ForEach', value) for value in values]
        except ValueError as error:
            self._unit.fault(path, str(error))
            return []


def _filled(text: str, items: Mapping[str, str]) -> str:
    if not items or '{' not in text:
        return text
    names = '|'.join(map(re.escape, items))

    def put(found: re.Match[str]) -> str:
        item = items[found[2]]
        return item if found[1] == '$' else _OTHERS.sub('', item)

    return re.sub(rf'([$&])\{{\s*({names})\s*\}}', put, text)
