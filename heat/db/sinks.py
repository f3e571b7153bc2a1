"""How far the events of a tree have been told to the sinks that its environment names.

Purpose: one row for each tree that names sinks or has named some, with the number of the last
event that they were told. Invariant: that number only grows, and the events of a tree get
theirs in the order of their commits, since who records one holds the tree's lease row
(``in_turn``, ``leases.hold``). Neighbours: ``events`` has what is told, ``engine.herald`` tells it.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.db import bulk
from heat.db.schema import event, event_sink, lease


def listen(conn: Connection, root_id: str) -> None:
    """From now on the tree's events are told; those recorded so far are not."""
    newest = conn.execute(sa.select(sa.func.max(event.c.id)).where(
        event.c.root_stack_id == root_id)).scalar()
    bulk.insert_missing(conn, event_sink, [{'root_id': root_id, 'told_id': newest or 0}])


def in_turn(conn: Connection, root_id: str) -> None:
    """Wait for whoever records events of the tree, and have others wait until this transaction ends.

    Called before anything else of the tree is held, as the writer does.
    """
    conn.execute(sa.select(lease.c.root_id).where(lease.c.root_id == root_id).with_for_update())


def told(conn: Connection, root_id: str) -> int | None:
    """The last event that the tree's sinks were told; None if it never named any."""
    return conn.execute(sa.select(event_sink.c.told_id).where(event_sink.c.root_id == root_id)).scalar()


def advance(conn: Connection, root_id: str, number: int) -> None:
    """Events up to ``number`` have been told."""
    conn.execute(sa.update(event_sink).where(
        event_sink.c.root_id == root_id, event_sink.c.told_id < number).values(told_id=number))


def among(conn: Connection, root_ids: Sequence[str]) -> set[str]:
    """Which of the trees have somebody who listens."""
    found: set[str] = set()
    for chunk in bulk.chunks(root_ids):
        found.update(conn.execute(sa.select(event_sink.c.root_id).where(
            event_sink.c.root_id.in_(chunk))).scalars())
    return found


def behind(conn: Connection) -> list[str]:
    """Trees with events that have not been told."""
    return list(conn.execute(sa.select(event_sink.c.root_id).where(sa.exists().where(
        event.c.root_stack_id == event_sink.c.root_id, event.c.id > event_sink.c.told_id))).scalars())


def drop(conn: Connection, root_ids: Sequence[str]) -> None:
    """Forget purged trees."""
    for chunk in bulk.chunks(root_ids):
        conn.execute(sa.delete(event_sink).where(event_sink.c.root_id.in_(chunk)))
