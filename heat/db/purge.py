"""The end of deleted stacks.

Purpose: remove what was deleted long ago, with all that hangs on it. Invariant:
a transaction removes whole stacks, at most ``batch``; live stacks are never
touched, and a template goes only when nobody refers to it. Neighbours:
heat-manage purge_deleted and ``engine.janitor``.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from heat.db import bulk, leases, sinks, templates
from heat.db.connect import write
from heat.db.schema import (
    event,
    exports,
    goal,
    pending_signal,
    plan,
    resource,
    resource_properties_data,
    resource_snapshot,
    snapshot,
    stack,
    stack_import,
    stack_tag,
    user_creds,
)

# A template may be stored before the stack that will refer to it.
_IN_USE = datetime.timedelta(hours=1)


def purge_deleted(engine: Engine, now: datetime.datetime, age: float, project: str | None = None,
                  batch: int = 20) -> int:
    """Remove stacks deleted more than ``age`` seconds ago, in transactions of ``batch`` stacks.

    Returns how many stacks went. Call it through ``connect.offload``.
    """
    # Longer ago than there are years is before everything.
    before = now - datetime.timedelta(seconds=min(age, now.replace(tzinfo=datetime.UTC).timestamp()))
    purged = 0
    while True:
        with write(engine) as conn:
            count = purge_batch(conn, before, project, batch)
        purged += count
        if count < batch:
            break
    while True:
        with write(engine) as conn:
            if not templates.delete_unused(conn, now - _IN_USE):
                return purged


def purge_batch(conn: Connection, before: datetime.datetime, project: str | None, batch: int) -> int:
    """Remove at most ``batch`` stacks deleted before ``before``, oldest first."""
    query = sa.select(stack.c.id, stack.c.root_stack_id, stack.c.user_creds_id).where(
        stack.c.deleted_at < before)
    if project is not None:
        query = query.where(stack.c.tenant == project)
    rows = conn.execute(query.order_by(stack.c.deleted_at, stack.c.id).limit(batch)).all()
    ids = [row.id for row in rows]
    for chunk in bulk.chunks(ids):
        _remove(conn, chunk)
    _remove_trees(conn, sorted({row.root_stack_id for row in rows}))
    _remove_credentials(conn, sorted({row.user_creds_id for row in rows if row.user_creds_id is not None}))
    return len(ids)


def _remove(conn: Connection, ids: Sequence[str]) -> None:
    conn.execute(sa.delete(resource_snapshot).where(resource_snapshot.c.snapshot_id.in_(
        sa.select(snapshot.c.id).where(snapshot.c.stack_id.in_(ids)))))
    for table in (snapshot, plan, event, resource, goal, exports, stack_import, stack_tag):
        conn.execute(sa.delete(table).where(table.c.stack_id.in_(ids)))
    conn.execute(sa.delete(stack).where(stack.c.id.in_(ids)))


def _remove_trees(conn: Connection, roots: Sequence[str]) -> None:
    """Remove what belongs to trees of which no stack is left."""
    for chunk in bulk.chunks(roots):
        left = set(conn.execute(sa.select(stack.c.root_stack_id).distinct().where(
            stack.c.root_stack_id.in_(chunk))).scalars())
        ended = [root for root in chunk if root not in left]
        conn.execute(sa.delete(resource_properties_data).where(
            resource_properties_data.c.root_stack_id.in_(ended)))
        conn.execute(sa.delete(pending_signal).where(pending_signal.c.root_stack_id.in_(ended)))
        leases.drop(conn, ended)
        sinks.drop(conn, ended)


def _remove_credentials(conn: Connection, numbers: Sequence[int]) -> None:
    for chunk in bulk.chunks(numbers):
        conn.execute(sa.delete(user_creds).where(
            user_creds.c.id.in_(chunk),
            ~sa.exists().where(stack.c.user_creds_id == user_creds.c.id)))
