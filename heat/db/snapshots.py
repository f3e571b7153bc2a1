"""Snapshots of stacks and of their resources.

Purpose: what a stack can be restored to. Invariant: a snapshot belongs to one
stack and goes with it. Neighbours: ``engine.snapshots``.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.common.ids import new_id
from heat.db import bulk
from heat.db.schema import resource_snapshot, snapshot
from heat.db.secrets import Cipher, seal, unseal


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``data`` is the stack's state as JSON (``sealed``): without resources until it is complete."""

    id: str
    stack_id: str
    tenant: str
    name: str | None = None
    action: str | None = None
    status: str | None = None
    status_reason: str | None = None
    data: dict[str, Any] | None = None
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None


# What the encrypted data of a stack stands under.
SEALED = 'sealed'
_FIELDS = tuple(Snapshot.__dataclass_fields__)
_CHANGEABLE = {'action', 'status', 'status_reason', 'data', 'name', 'updated_at'}


def sealed(data: Mapping[str, Any], crypt: Cipher | None) -> dict[str, Any]:
    """What is stored of a stack's data: it has private data of resources in it."""
    return {SEALED: list(seal(crypt, data))}


def opened(value: Snapshot, crypt: Cipher | None) -> dict[str, Any] | None:
    """The reverse of ``sealed``."""
    kept = (value.data or {}).get(SEALED)
    return unseal(crypt, *kept) if kept else value.data


def insert_snapshot(conn: Connection, value: Snapshot, now: datetime.datetime) -> Snapshot:
    """Store; returns the value with its creation time."""
    row = {name: getattr(value, name) for name in _FIELDS} | {'created_at': now}
    conn.execute(sa.insert(snapshot), [row])
    return Snapshot(**row)


def load_snapshot(conn: Connection, snapshot_id: str, stack_id: str) -> Snapshot | None:
    """The snapshot, if it is one of that stack."""
    row = conn.execute(sa.select(snapshot).where(
        snapshot.c.id == snapshot_id, snapshot.c.stack_id == stack_id)).mappings().one_or_none()
    return None if row is None else Snapshot(**row)


def list_snapshots(conn: Connection, stack_id: str) -> list[Snapshot]:
    """Oldest first."""
    return [Snapshot(**row) for row in conn.execute(sa.select(snapshot).where(
        snapshot.c.stack_id == stack_id).order_by(snapshot.c.created_at, snapshot.c.id)).mappings()]


def count_snapshots(conn: Connection, stack_id: str) -> int:
    return int(conn.execute(sa.select(sa.func.count()).where(snapshot.c.stack_id == stack_id)).scalar_one())


def update_snapshot(conn: Connection, snapshot_id: str, **changes: Any) -> int:
    """Change fields; returns how many rows were hit."""
    wrong = set(changes) - _CHANGEABLE
    if wrong:
        raise TypeError(f'not changeable on a snapshot: {sorted(wrong)}')
    return int(conn.execute(sa.update(snapshot).where(snapshot.c.id == snapshot_id).values(changes)).rowcount)


def delete_snapshot(conn: Connection, snapshot_id: str) -> bool:
    """Delete it with its resources' data; False if it was not there."""
    conn.execute(sa.delete(resource_snapshot).where(resource_snapshot.c.snapshot_id == snapshot_id))
    return bool(conn.execute(sa.delete(snapshot).where(snapshot.c.id == snapshot_id)).rowcount)


def store_resource_data(conn: Connection, snapshot_id: str, data: dict[str, Any],
                        now: datetime.datetime) -> None:
    """Keep resource name -> what its plugin needs to restore or delete its part."""
    bulk.insert(conn, resource_snapshot, [
        {'id': new_id(), 'snapshot_id': snapshot_id, 'resource_name': name, 'data': value, 'created_at': now}
        for name, value in data.items()])


def resource_data(conn: Connection, snapshot_id: str) -> dict[str, Any]:
    """resource name -> what ``store_resource_data`` kept."""
    return dict(conn.execute(sa.select(resource_snapshot.c.resource_name, resource_snapshot.c.data).where(
        resource_snapshot.c.snapshot_id == snapshot_id)).tuples().all())
