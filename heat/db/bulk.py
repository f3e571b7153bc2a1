"""Many rows in one statement, on each server's own terms.

Purpose: insert-or-update and insert-or-ignore for any number of rows. Invariant:
one statement per chunk of at most 500 rows and below the server's limit of
parameters. Neighbours: ``resources``, ``events``, ``templates``, ``leases``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.engine import Connection

T = TypeVar('T')
ROWS = 500
# SQLite ends at 32,766 bound values; the others allow twice as many or more.
VALUES = 32_000


def chunks(items: Sequence[T], size: int = ROWS) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start:start + size]


def row_chunks(rows: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    """Rows with equal keys, as many as fit into one statement."""
    if rows:
        yield from chunks(rows, max(1, min(ROWS, VALUES // len(rows[0]))))


def insert(conn: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> int:
    """Insert; IntegrityError if one is there. Returns the number of rows."""
    for chunk in row_chunks(rows):
        _run(conn, sa.insert(table), table, chunk)
    return len(rows)


def _run(conn: Connection, statement: Any, table: sa.Table, rows: Sequence[dict[str, Any]]) -> int:
    """Execute for all rows at once; returns how many were written."""
    if conn.dialect.name != 'postgresql':
        return conn.execute(statement, list(rows)).rowcount
    # Only with RETURNING are the rows sent in one statement by psycopg2.
    key = next(iter(table.primary_key.columns))
    return len(conn.execute(statement.returning(key), list(rows)).all())


def insert_missing(conn: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> int:
    """Insert those whose unique key is not there yet; returns how many were new."""
    new = 0
    statement: Any
    if conn.dialect.name == 'mysql':
        # A no-op ON DUPLICATE KEY UPDATE would count what was there as new.
        statement = sa.insert(table).prefix_with('IGNORE')
    elif conn.dialect.name == 'postgresql':
        statement = postgresql.insert(table).on_conflict_do_nothing()
    else:
        statement = sqlite.insert(table).on_conflict_do_nothing()
    for chunk in row_chunks(rows):
        new += _run(conn, statement, table, chunk)
    return new


def upsert(conn: Connection, table: sa.Table, rows: Sequence[dict[str, Any]], key: str,
           keep: Iterable[str] = ()) -> None:
    """Insert, or update all given columns but ``key`` and ``keep`` where ``key`` is there."""
    if not rows:
        return
    kept = {key, *keep}
    changed = [name for name in rows[0] if name not in kept]
    statement: Any
    if conn.dialect.name == 'mysql':
        # VALUES(column) is the form that PyMySQL sends as one statement for all rows.
        statement = mysql.insert(table).on_duplicate_key_update(
            {name: sa.func.values(table.c[name]) for name in changed})
    else:
        other = (postgresql if conn.dialect.name == 'postgresql' else sqlite).insert(table)
        statement = other.on_conflict_do_update(
            index_elements=[key], set_={name: other.excluded[name] for name in changed})
    for chunk in row_chunks(rows):
        _run(conn, statement, table, chunk)
