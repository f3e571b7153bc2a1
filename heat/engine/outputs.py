"""A stack at rest, as reads see it: its current rows, attributes and outputs.

Purpose: which row stands for a name, which attributes must be read anew, what an
output says. Invariant: one live read per resource and request, and only of what
is asked for; an output that cannot be told says why and harms no other.
Neighbours: ``reads`` loads what is needed here, ``plan.scope`` evaluates,
``engine.live`` reads the cloud.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from heat.common import errors
from heat.common.ids import StackId
from heat.engine import render
from heat.engine.compiled import Compiled
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Action
from heat.plan.candidates import fits, pick
from heat.plan.scope import StackScope
from heat.plan.traversal import Wanted
from heat.plan.types import Types
from heat.resources.nested import ChildView
from heat.template.definition import Definition, OutputDefinition
from heat.template.expr import Ref

Live = Callable[[Row, Any, tuple[Any, ...], Stack], 'dict[str, Any] | None']
"""(row, its class, names, stack) -> values; None if the resource cannot be asked."""

Inner = Callable[[Row], 'ChildView | None']
"""The stack that a row is, as reads see it; None if there is none."""

NOT_THERE = (Action.INIT, Action.DELETE)


def current_rows(rows: Iterable[Row], choose: Callable[[Sequence[Row]], Row]) -> dict[str, Row]:
    """name -> the row that stands for it; one on its way out counts where there is no other.

    ``choose`` is asked only where a name has several rows.
    """
    by_name: dict[str, list[Row]] = {}
    leaving: dict[str, Row] = {}
    for row in rows:
        if row.action is not Action.DELETE:
            by_name.setdefault(row.name, []).append(row)
        elif not row.gone:
            leaving[row.name] = row
    return leaving | {name: several[0] if len(several) == 1 else choose(several)
                      for name, several in by_name.items()}


def chooser(definitions: Mapping[str, Definition], types: Types) -> Callable[[Sequence[Row]], Row]:
    """Chooses as the plan does."""
    return lambda several: pick(several, definitions.get(several[0].name), types)


def required_by(rows: Iterable[Row]) -> dict[str, list[str]]:
    """uuid -> names of the resources that were built on it."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for uuid in row.requires:
            found.setdefault(uuid, []).append(row.name)
    return found


def refreshed(row: Row, kind: Any, names: Iterable[Any], stack: Stack, live: Live, inner: Inner) -> Row:
    """``row`` with those of ``names`` read anew that are live or that it lacks.

    What cannot be read stays as the row keeps it.
    """
    if row.physical_id is None or row.action in NOT_THERE or kind.pure:
        return row
    if kind.nested:
        child = inner(row)
        return row if child is None else told_by(row, kind, child, tuple(names))
    wanted = tuple(name for name in names if isinstance(name, str) and _stale(row, kind, name))
    if not wanted:
        return row
    read = live(row, kind, wanted, stack)
    return row if not read else replace(row, attrs={**row.attrs, **read})


def told_by(row: Row, kind: Any, child: ChildView, wanted: tuple[Any, ...]) -> Row:
    """A nested resource with what its child tells now."""
    try:
        row = replace(row, data={**row.data, **render.plain(kind.learn(row, child, wanted))})
        return replace(row, attrs={**row.attrs, **render.plain(kind.gather(row, child, wanted))})
    except (errors.HeatException, ValueError, TypeError):
        return row


def _stale(row: Row, kind: Any, name: str) -> bool:
    declared = kind.schema.attributes.get(name)
    if declared is None:
        return kind.knows(name) and name not in row.attrs
    return declared.live or (name not in row.attrs and kind.attribute(row, name, ()) is None)


def attributes(row: Row, kind: Any, extra: Iterable[str], stack: Stack, live: Live,
               inner: Inner) -> dict[str, Any]:
    """All attributes of a resource and those in ``extra``; null for what is not known."""
    names = [name for name in kind.attribute_names(row) if name != 'show']
    names += [name for name in extra if name not in names]
    if row.action in NOT_THERE:
        return dict.fromkeys(names)
    asked: Iterable[Any] = [name for name in names if kind.knows(name)]
    if kind.nested:
        asked = kind.wanted(frozenset(Ref(row.name, name) for name in asked))
    row = refreshed(row, kind, asked, stack, live, inner)
    return {name: _attribute(row, kind, name) for name in names}


def _attribute(row: Row, kind: Any, name: str) -> Any:
    if not kind.knows(name):
        return None
    try:
        return render.plain(kind.attribute(row, name, ()))
    except (errors.HeatException, ValueError, TypeError, KeyError):
        return None


class Standing:
    """One stack with its rows; ``wanted`` is its template, settled.

    To the stack around it, it is a ``resources.nested.ChildView`` (see ``Inside``).
    """

    def __init__(self, stack: Stack, compiled: Compiled, rows: Iterable[Row], live: Live, inner: Inner,
                 facade: Mapping[str, Any] | None = None) -> None:
        self.stack = stack
        self._live = live
        self._inner = inner
        self._types: Types = compiled.types
        self._wanted: Wanted = compiled.wanted(facade)
        self._rows = current_rows(rows, chooser(self._wanted.definitions, self._types))
        self._scope = StackScope(self._wanted.facts, self._wanted.definitions, self._types, self._rows.get)
        self._asked: set[Ref] = set()

    def outputs(self, *names: str) -> list[dict[str, Any]]:
        """The outputs ``names`` (all without any) with their values, in the order of the template.

        Names that are no output are left out.
        """
        template = self._wanted.template
        defined = template.outputs if template is not None else {}
        asked = [one for name, one in defined.items() if not names or name in names]
        self.read_anew(ref for one in asked for ref in one.value.refs())
        # Once for all of them: they become one answer.
        self._scope.budget.turn()
        return [render.output(one.name, one.description, **self._value(one)) for one in asked]

    def read_anew(self, asked: Iterable[Ref]) -> None:
        """Bring the attributes up to date; what was asked for before is not asked for again."""
        refs: dict[str, set[Ref]] = {}
        for ref in asked:
            if ref.kind == 'attribute' and ref not in self._asked:
                refs.setdefault(ref.resource, set()).add(ref)
        for name, of_one in refs.items():
            self._asked |= of_one
            row = self._rows.get(name)
            if row is not None:
                kind = self._types.of(row)
                if kind.nested:
                    # It tells all that is asked of it at once.
                    of_one = {ref for ref in self._asked if ref.resource == name}
                self._rows[name] = refreshed(row, kind, kind.wanted(frozenset(of_one)), self.stack,
                                             self._live, self._inner)

    def _value(self, one: OutputDefinition) -> dict[str, Any]:
        try:
            return {'output_value': render.plain(one.value.value(self._scope))}
        except (errors.HeatException, ValueError, TypeError, KeyError) as error:
            said = f'{error.args[0]} was not found' if isinstance(error, KeyError) and error.args else error
            return {'output_value': None, 'output_error': str(said)}

    def names(self) -> list[str]:
        """Names of what stands, in the order of the template."""
        live = {name for name, row in self._rows.items() if row.action is not Action.DELETE}
        ordered = [name for name in self._wanted.definitions if name in live]
        return ordered + sorted(live - set(ordered))

    def reference(self, name: str) -> Any:
        return self._scope.reference(name)

    def attribute(self, name: str, attribute: str, path: tuple[Any, ...] = ()) -> Any:
        self.read_anew([Ref(name, attribute, path)])
        return self._scope.attribute(name, attribute, path)

    def row(self, name: str) -> Row | None:
        return self._rows.get(name)

    def definition(self, name: str) -> Mapping[str, Any] | None:
        return self._wanted.template.plain(name) if self._wanted.template is not None else None

    def settled(self, name: str) -> bool:
        row, definition = self._rows.get(name), self._wanted.definitions.get(name)
        return row is not None and definition is not None and fits(
            definition, row, self._types, self._scope)


class Inside:
    """A standing stack as the resource that it is sees it."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self.names, self.reference = standing.names, standing.reference
        self.attribute, self.row = standing.attribute, standing.row
        self.definition, self.settled = standing.definition, standing.settled

    @property
    def identity(self) -> StackId:
        return self._standing.stack.identity

    def outputs(self) -> dict[str, Any]:
        return {one['output_key']: one['output_value'] for one in self._standing.outputs()}

    def faults(self) -> dict[str, str]:
        return {one['output_key']: one['output_error'] for one in self._standing.outputs()
                if 'output_error' in one}
