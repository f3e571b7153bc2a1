"""Previews in the classic shapes.

Purpose: a stack that is not made yet, and the five lists of an update's preview.
Invariant: pure; values nobody knows yet are null. Interface:
``stack_preview`` and ``resource_changes`` of the REST contract. Neighbours:
``foresight`` foresees, ``render`` shapes what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat import schema
from heat.common import errors
from heat.engine import outputs, render
from heat.engine.compiled import Compiled
from heat.engine.expansion import Expansion
from heat.model.plan import Entry
from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action
from heat.plan.preview import Inner
from heat.plan.traversal import Wanted
from heat.plan.types import Types
from heat.template.definition import Definition
from heat.template.expr import NullScope

Json = dict[str, Any]
LISTS = {'create': 'added', 'adopt': 'added', 'keep': 'unchanged', 'update': 'updated', 'refuse': 'updated',
         'replace': 'replaced', 'delete': 'deleted', 'retain': 'deleted'}
_NO_GOAL = Goal('', 0, Action.UPDATE, 0)
FRESH = ('added', 'replaced', 'unchanged')


def stack(one: Stack, compiled: Compiled, expansion: Expansion) -> Json:
    """A stack as it would be, with ``resources``."""
    wanted = compiled.wanted()
    rows = [_row(one, name, definition, compiled.types) for name, definition in wanted.definitions.items()]
    shown = render.stack_whole(one, compiled.template, compiled.parameters.texts())
    shown['outputs'] = outputs.Standing(one, compiled, rows, _nothing_live, _nothing_inside).outputs()
    shown['resources'] = _listed(one, wanted, compiled.types, expansion)
    return shown


def _listed(one: Stack, wanted: Wanted, types: Types, expansion: Expansion) -> list[Any]:
    """Each resource, in the place of a nested one the list of what is in it."""
    found: list[Any] = []
    users = _users(wanted)
    for name, definition in wanted.definitions.items():
        inner = expansion.made.get((one.name, name))
        if inner is not None:
            found.append(_listed(inner.stack, inner.wanted, inner.types, expansion))
        else:
            found.append(_fresh(one, name, definition, wanted, types, users.get(name, []),
                                with_properties=True))
    return found


def changes(one: Stack, compiled: Compiled, entries: tuple[Entry, ...], rows: Mapping[str, Row],
            expansion: Expansion, nested: bool) -> Json:
    """``added deleted replaced unchanged updated``."""
    found: Json = {name: [] for name in ('added', 'deleted', 'replaced', 'unchanged', 'updated')}
    _sort(Inner(one, _NO_GOAL, compiled.wanted(), rows, compiled.types), entries, expansion, nested, found)
    return found


def _sort(inner: Inner, entries: tuple[Entry, ...], expansion: Expansion, nested: bool, found: Json) -> None:
    users, users_of_rows = _users(inner.wanted), outputs.required_by(inner.rows.values())
    current: dict[str, Row] = {}
    for one in inner.rows.values():
        if one.replaced_by is None and one.action is not Action.DELETE:
            current.setdefault(one.name, one)
    for entry in entries:
        where = LISTS[entry.action]
        definition = inner.wanted.definitions.get(entry.name)
        row = current.get(entry.name)
        if definition is not None and (where in FRESH or row is None):
            shown = _fresh(inner.stack, entry.name, definition, inner.wanted, inner.types,
                           users.get(entry.name, []))
        elif row is not None:
            shown = _stored(inner, row, definition, users_of_rows.get(row.uuid, []))
        else:
            continue
        found[where].append(shown)
        below = expansion.made.get((inner.stack.name, entry.name))
        if nested and entry.inner and below is not None:
            _sort(below, entry.inner, expansion, nested, found)


def _users(wanted: Wanted) -> dict[str, list[str]]:
    """By resource those that need it."""
    found: dict[str, list[str]] = {}
    for name, definition in wanted.definitions.items():
        for required in definition.requires():
            found.setdefault(required, []).append(name)
    return found


def _row(one: Stack, name: str, definition: Definition, types: Types) -> Row:
    return Row('', one.id, one.root_id, name, definition.type,
               keep={'class': types(definition.type, name).type})


def _fresh(one: Stack, name: str, definition: Definition, wanted: Wanted, types: Types, users: list[str],
           with_properties: bool = False) -> Json:
    row, kind = _row(one, name, definition, types), types(definition.type, name)
    scope = NullScope(dict(wanted.facts.parameters), wanted.facts.files)
    shown = _shown(one, row, users, definition, kind, _value(definition.metadata, scope) or {})
    shown['creation_time'] = shown['updated_time'] = None
    if with_properties:
        raw = _value(definition.properties, scope)
        props, _wrong = schema.resolve(kind.schema.properties, raw if isinstance(raw, dict) else {},
                                       path=[], unknown_ok=True, accept_others=kind.schema.open)
        shown['properties'] = {key: render.plain(props.get(key)) for key in {
            **dict.fromkeys(kind.schema.properties), **props}}
    return shown


def _stored(inner: Inner, row: Row, definition: Definition | None, users: list[str]) -> Json:
    return _shown(inner.stack, row, users, definition, inner.types.of(row), row.metadata)


def _shown(one: Stack, row: Row, users: list[str], definition: Definition | None, kind: Any,
           metadata: Any) -> Json:
    return {**render.resource(one, row, users, None), 'metadata': render.plain(metadata),
            'description': definition.description if definition is not None else '',
            'attributes': outputs.attributes(row, kind, (), one, _nothing_live, _nothing_inside)}


def _value(expression: Any, scope: NullScope) -> Any:
    try:
        return expression.value(scope)
    except (errors.HeatException, ValueError, TypeError, KeyError):
        # What is wrong with it is told when the stack is made.
        return None


def _nothing_inside(row: Row) -> None:
    """Nor is anything asked of the stack that a resource is."""


def _nothing_live(row: Row, kind: Any, names: tuple[Any, ...], one: Stack) -> None:
    """Nothing is read from the cloud for a preview."""
