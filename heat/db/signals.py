"""Signals that wait for their tree's owner.

Purpose: a signal is answered once it is durable; whoever owns the tree applies
it. Invariant: a signal is removed in the transaction that writes what it
changed, so it is applied once. The details may hold secrets and are encrypted.
Neighbours: ``engine.intake`` adds, ``engine.loop`` applies.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.common.ids import new_id
from heat.db.schema import pending_signal
from heat.db.secrets import Cipher, seal, unseal


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal to the resource ``resource_name`` of a stack.

    ``kind`` is 'signal', or 'mark' for a judgement of its health (``details`` has
    ``unhealthy`` and ``reason``). 'check' and 'stop' are wishes for a nested stack as
    a whole, and name no resource; ``details`` of a check may have ``only``, names of those
    it is about.
    """

    uuid: str
    root_id: str
    stack_id: str
    resource_name: str
    details: dict[str, Any] | None
    kind: str = 'signal'


def add(conn: Connection, root_id: str, stack_id: str, resource_name: str, details: dict[str, Any] | None,
        crypt: Cipher | None, now: datetime.datetime, kind: str = 'signal') -> None:
    """Keep a signal until the owner has applied it."""
    method, text = seal(crypt, details)
    conn.execute(sa.insert(pending_signal).values(
        uuid=new_id(), root_stack_id=root_id, stack_id=stack_id, resource_name=resource_name, kind=kind,
        details=text, decrypt_method=method, created_at=now))


def waiting(conn: Connection, root_id: str, crypt: Cipher | None) -> list[Signal]:
    """The signals of a tree, oldest first."""
    rows = conn.execute(sa.select(pending_signal).where(
        pending_signal.c.root_stack_id == root_id).order_by(pending_signal.c.id)).mappings()
    return [Signal(row['uuid'], root_id, row['stack_id'], row['resource_name'],
                   unseal(crypt, row['decrypt_method'], row['details']), row['kind']) for row in rows]


def count(conn: Connection, root_id: str, stack_id: str, resource_name: str) -> tuple[int, int]:
    """How many wait in a tree, and of these for one resource (or for a stack, which has no name)."""
    own = sa.case((sa.and_(pending_signal.c.stack_id == stack_id,
                           pending_signal.c.resource_name == resource_name), 1), else_=0)
    row = conn.execute(sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(own), 0)).select_from(
        pending_signal).where(pending_signal.c.root_stack_id == root_id)).one()
    return int(row[0]), int(row[1])


def roots_waiting(conn: Connection) -> list[str]:
    """Trees with signals nobody has applied yet."""
    return list(conn.execute(sa.select(pending_signal.c.root_stack_id).distinct()).scalars())


def forget(conn: Connection, uuids: Sequence[str]) -> None:
    """Remove applied signals."""
    if uuids:
        conn.execute(sa.delete(pending_signal).where(pending_signal.c.uuid.in_(list(uuids))))
