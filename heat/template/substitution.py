"""Fn::Sub: a text with names in it.

Purpose: ``${Name}`` and ``${Resource.Attribute}`` into nodes, so that their needs are
known like those of Ref and Fn::GetAtt. Invariant: linear; variables of the function's
own map come before parameters and resources; ``${!Name}`` is the text ``${Name}``.
Neighbours: ``functions_aws`` lists the builder; ``macros`` puts loop variables in first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heat.schema.kinds import UNKNOWN
from heat.template.expr import OMITTED, Constant, Expr, Scope, settled_or_kept
from heat.template.functions import Path
from heat.template.functions_text import MAX_TEXT, joined, scalar_text

if TYPE_CHECKING:
    from heat.template.compile import Unit

# Text that is not closed by a brace is text.
_PLACE = re.compile(r'\$\{([^}]*)\}')
_NAME = re.compile(r'[A-Za-z0-9_.:]+\Z')


@dataclass(frozen=True, slots=True)
class Text(Expr):
    """Pieces put one after another; AWS::NoValue is an empty one.

    A variable that is named often is the same piece each time, and is worked out once: those of
    texts inside texts would be as many as all their names multiplied.
    """

    name: str
    pieces: tuple[Expr, ...]

    def value(self, scope: Scope) -> Any:
        known = {id(piece): piece.value(scope) for piece in self._distinct()}
        values = [known[id(piece)] for piece in self.pieces]
        if any(value is UNKNOWN for value in values):
            return UNKNOWN
        made = joined(self.name, '', ['' if value is OMITTED else scalar_text(self.name, value)
                                      for value in values])
        scope.budget.spend(made)
        return made

    def children(self) -> Iterable[Expr]:
        return self._distinct()

    def _distinct(self) -> tuple[Expr, ...]:
        return tuple({id(piece): piece for piece in self.pieces}.values())

    def steps(self) -> tuple[str, ...]:
        return (self.name,)

    def settle(self, scope: Scope) -> Expr:
        known = {id(piece): piece.settle(scope) for piece in self._distinct()}
        return settled_or_kept(Text(self.name, tuple(known[id(piece)] for piece in self.pieces)), scope)


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """``text`` cut into ``(literal, False)`` and ``(name, True)``; names are trimmed."""
    at = 0
    for found in _PLACE.finditer(text):
        if found.start() > at:
            yield text[at:found.start()], False
        at = found.end()
        inside = found[1]
        if inside.startswith('!'):
            yield f'${{{inside[1:]}}}', False
        else:
            yield inside.strip(), True
    if at < len(text):
        yield text[at:], False


def sub(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    text, variables = args, {}
    if isinstance(args, list) and len(args) == 2:
        text, variables = args
    if not isinstance(text, str) or not isinstance(variables, dict):
        return unit.fault(path, f'Arguments to "{name}" must be a string or [string, {{name: value, ...}}]')
    values = {key: unit.node(value, (*path, 1, key)) for key, value in variables.items()}
    made = tuple(_piece(unit, name, inside, values, path) if is_name else Constant(inside)
                 for inside, is_name in pieces(text))
    if all(type(piece) is Constant and isinstance(piece.data, str) for piece in made):
        texts: list[str] = [piece.data for piece in made]  # type: ignore[attr-defined]
        if sum(map(len, texts)) <= MAX_TEXT:
            return Constant(''.join(texts))
        # Says so when it is evaluated.
    return Text(name, made)


def _piece(unit: Unit, name: str, inside: str, values: dict[str, Expr], path: Path) -> Expr:
    if inside in values:
        return values[inside]
    if not _NAME.match(inside):
        return unit.fault(path, f'"{name}" names "${{{inside}}}": a name is made of letters, digits, '
                                '"_", "." and ":" only. Text in braces is written ${!text}')
    if inside in unit.parameters or '.' not in inside:
        return unit.functions['Ref'](unit, 'Ref', inside, path)
    resource, _, attribute = inside.partition('.')
    if not resource or not attribute:
        return unit.fault(path, f'"{name}" names "${{{inside}}}", which is no Resource.Attribute')
    builder = unit.functions['Fn::GetAtt']
    return builder(unit, 'Fn::GetAtt', [resource, attribute], path)
