"""Leases: which engine drives which tree.

Purpose: take, beat, steal, release, and the fence that every write passes.
Invariant: the fence of a tree grows with each change of owner and never starts
again; time is the database's, since the engines' clocks differ. ``now`` (epoch
seconds) replaces it in tests. The watch rules have one as well, which is offered as
soon as there is something to watch. Neighbours: ``engine.owner``, ``db.writer``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.common.ids import derived_id
from heat.db import bulk
from heat.db.connect import now_expression
from heat.db.schema import lease, stack
from heat.model.status import Status

WATCHES = 'watch-rules'
# The owner of a lease that waits for one: it looks like an engine that died long ago.
NOBODY = ''


def _time(conn: Connection, now: float | None) -> Any:
    return now_expression(conn.dialect) if now is None else sa.literal(now, sa.Double)


def take(conn: Connection, root_id: str, engine_id: str, ttl: float = 20.0,
         now: float | None = None) -> int | None:
    """Own the tree: its fence, or None if another engine's beat is younger than ``ttl`` seconds.

    A tree already owned by ``engine_id`` keeps its fence.
    """
    time = _time(conn, now)
    free = sa.or_(lease.c.engine_id.is_(None), lease.c.engine_id == engine_id, lease.c.beat_at < time - ttl)
    mine = sa.func.coalesce(lease.c.engine_id, '') == engine_id
    # In this order: MariaDB evaluates SET from left to right and the fence needs the old owner.
    taken = conn.execute(sa.update(lease).where(lease.c.root_id == root_id, free).ordered_values(
        (lease.c.fence, sa.case((mine, lease.c.fence), else_=lease.c.fence + 1)),
        (lease.c.engine_id, sa.literal(engine_id)), (lease.c.beat_at, time))).rowcount
    if not taken:
        beat = now if now is not None else conn.execute(sa.select(time)).scalar_one()
        new = bulk.insert_missing(conn, lease, [
            {'root_id': root_id, 'engine_id': engine_id, 'fence': 1, 'beat_at': beat}])
        return 1 if new else None
    return int(conn.execute(sa.select(lease.c.fence).where(lease.c.root_id == root_id)).scalar_one())


def open_line(conn: Connection, tenant: str) -> None:
    """What ``in_line`` needs in a project, in a transaction before that of its first use."""
    bulk.insert_missing(conn, lease, [
        {'root_id': _line(tenant), 'engine_id': None, 'fence': 0, 'beat_at': 0.0}])


def has_line(conn: Connection, tenant: str) -> bool:
    """Whether that has been done."""
    return conn.execute(sa.select(lease.c.root_id).where(
        lease.c.root_id == _line(tenant))).first() is not None


def in_line(conn: Connection, tenant: str) -> None:
    """Wait for whoever makes a stack in the project, and have others wait until this transaction ends.

    Names are free again after a deletion, so no key of the table keeps two live stacks from one name.
    """
    conn.execute(sa.select(lease.c.root_id).where(lease.c.root_id == _line(tenant)).with_for_update())


def _line(tenant: str) -> str:
    return derived_id('stacks of', tenant)


def beat(conn: Connection, engine_id: str, now: float | None = None) -> int:
    """Renew every lease of an engine; returns how many it has.

    Runs in a transaction of its own that may be repeated: it can meet ``hold`` in a deadlock.
    """
    return int(conn.execute(sa.update(lease).where(lease.c.engine_id == engine_id).values(
        beat_at=_time(conn, now))).rowcount)


def owned(conn: Connection, engine_id: str) -> dict[str, int]:
    """root id -> fence, for the leases an engine has."""
    return dict(conn.execute(sa.select(lease.c.root_id, lease.c.fence).where(
        lease.c.engine_id == engine_id)).tuples().all())


def owner(conn: Connection, root_id: str) -> str | None:
    """The engine that owns a tree, dead or alive; None if it is free."""
    return conn.execute(sa.select(lease.c.engine_id).where(lease.c.root_id == root_id)).scalar()


def stale(conn: Connection, ttl: float, now: float | None = None) -> list[str]:
    """Trees whose owner was last heard of more than ``ttl`` seconds ago."""
    return list(conn.execute(sa.select(lease.c.root_id).where(
        lease.c.engine_id.is_not(None), lease.c.beat_at < _time(conn, now) - ttl).order_by(
            lease.c.beat_at)).scalars())


def orphans(conn: Connection) -> list[str]:
    """Trees with work in progress that nobody owns."""
    return list(conn.execute(
        sa.select(stack.c.root_stack_id).distinct()
        .select_from(stack.outerjoin(lease, lease.c.root_id == stack.c.root_stack_id))
        .where(stack.c.status == str(Status.IN_PROGRESS), stack.c.deleted_at.is_(None),
               lease.c.engine_id.is_(None))).scalars())


def release(conn: Connection, root_id: str, engine_id: str, fence: int) -> bool:
    """Give a tree up; False if it was not ours any more. The row stays for its fence."""
    return bool(conn.execute(sa.update(lease).where(
        lease.c.root_id == root_id, lease.c.engine_id == engine_id, lease.c.fence == fence).values(
            engine_id=None)).rowcount)


def seize(conn: Connection, root_id: str) -> None:
    """Take a tree away from whoever owns it; its writes miss from now on."""
    conn.execute(sa.update(lease).where(lease.c.root_id == root_id).values(
        fence=lease.c.fence + 1, engine_id=None))


def hold(conn: Connection, engine_id: str, fences: Mapping[str, int]) -> set[str]:
    """Of the trees root -> fence, those still ours; nobody can steal them in this transaction.

    One statement for any number.
    """
    if not fences:
        return set()
    rows = conn.execute(sa.select(lease.c.root_id, lease.c.fence).where(
        lease.c.root_id.in_(sorted(fences)), lease.c.engine_id == engine_id).order_by(
            lease.c.root_id).with_for_update())
    return {root for root, fence in rows if fences[root] == fence}


def renew(conn: Connection, engine_id: str, root_ids: Iterable[str], now: float | None = None) -> None:
    """Beat for leases that this transaction holds: nobody could while it went on."""
    conn.execute(sa.update(lease).where(
        lease.c.root_id.in_(sorted(root_ids)), lease.c.engine_id == engine_id).values(
            beat_at=_time(conn, now)))


def drop(conn: Connection, root_ids: Iterable[str]) -> None:
    """Forget the leases of purged trees."""
    for chunk in bulk.chunks(list(root_ids)):
        conn.execute(sa.delete(lease).where(lease.c.root_id.in_(chunk)))


def offer(conn: Connection, root_id: str) -> None:
    """There is work under this lease: whoever looks for stale ones takes it, unless it is taken.

    Nobody gives it up in this transaction, so that what is written with it is seen.
    """
    of = sa.select(lease.c.engine_id).where(lease.c.root_id == root_id).with_for_update()
    found = conn.execute(of).first()
    if found is None:
        bulk.insert_missing(conn, lease, [
            {'root_id': root_id, 'engine_id': NOBODY, 'fence': 0, 'beat_at': 0.0}])
        found = conn.execute(of).first()
    if found is not None and found.engine_id is None:
        conn.execute(sa.update(lease).where(lease.c.root_id == root_id).values(
            engine_id=NOBODY, beat_at=0.0))


def hand_on(conn: Connection, root_id: str, engine_id: str, fence: int) -> None:
    """Give a lease up for another engine to take, if it is ours."""
    conn.execute(sa.update(lease).where(
        lease.c.root_id == root_id, lease.c.engine_id == engine_id, lease.c.fence == fence).values(
            engine_id=NOBODY, beat_at=0.0))
