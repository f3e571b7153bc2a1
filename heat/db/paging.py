"""Keyset paging in SQL.

Purpose: "the page after this row" for any sort order, without an offset.
Invariant: the order is total (the last key is unique), and NULL sorts first on
every server. Neighbours: ``stacks``, ``events``, ``software`` list through here.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

_EPOCH = datetime.datetime(1970, 1, 1)
# Every row has it from the beginning, though its column would allow none.
_ALWAYS = ('created_at',)


def order(columns: Sequence[sa.Column[Any]]) -> list[sa.ColumnElement[Any]]:
    """Sort expressions that treat NULL alike on all servers; no index serves one for a column that may be."""
    return [column if not column.nullable or column.name in _ALWAYS
            else sa.func.coalesce(column, _lowest(column)) for column in columns]


def _lowest(column: sa.Column[Any]) -> Any:
    if isinstance(column.type, sa.DateTime):
        return _EPOCH
    return 0 if isinstance(column.type, sa.Integer) else ''


def page(query: sa.Select[Any], columns: Sequence[sa.Column[Any]], descending: bool,
         limit: int | None, after: RowMapping | None) -> sa.Select[Any]:
    """``query`` ordered by ``columns``, from after the row ``after``, at most ``limit`` rows."""
    keys = order(columns)
    if after is not None:
        values = [after[column.name] if after[column.name] is not None else _lowest(column)
                  for column in columns]
        # Implied by what follows, but only this lets a server begin to read at the row.
        query = query.where(keys[0] <= values[0] if descending else keys[0] >= values[0])
        alternatives = []
        for i, (key, value) in enumerate(zip(keys, values, strict=True)):
            beyond = key < value if descending else key > value
            alternatives.append(sa.and_(*(k == v for k, v in zip(keys[:i], values[:i], strict=True)), beyond))
        query = query.where(sa.or_(*alternatives))
    query = query.order_by(*(key.desc() if descending else key.asc() for key in keys))
    return query if limit is None else query.limit(limit)


def matches(column: sa.Column[Any], wanted: Any) -> sa.ColumnElement[bool]:
    """``column`` equals ``wanted``, or one of them if it is a list."""
    if isinstance(wanted, list | tuple | set | frozenset):
        return column.in_(list(wanted))
    return column == wanted
