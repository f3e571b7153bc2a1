"""Saved plans: what was decided, to be carried out later or not at all.

Purpose: store, find, list, take. Invariant: a plan is carried out once; what was
decided may hold secrets and is encrypted. Neighbours: ``engine.plans``; a plan
of a stack goes with it, and its template stays as long as it does.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from heat.db import bulk
from heat.db.schema import plan
from heat.db.secrets import Cipher, seal, unseal

AVAILABLE, EXECUTED, FAILED = 'AVAILABLE', 'EXECUTED', 'FAILED'


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """``stack_id`` is None for a stack that is not there yet; ``base_goal_seq`` is 0 then.

    ``arguments`` are those of the request (timeout_mins, disable_rollback, tags,
    ...); ``entries`` what ``plan.printed.to_wire`` made of the decisions. ``claim`` is
    what no other plan may have until this one is carried out.
    """

    id: str
    tenant: str
    stack_name: str
    template_id: int
    action: str
    stack_id: str | None = None
    base_goal_seq: int = 0
    name: str | None = None
    status: str = AVAILABLE
    arguments: dict[str, Any] = field(default_factory=dict)
    entries: dict[str, Any] = field(default_factory=dict)
    creator: str | None = None
    created_at: datetime.datetime | None = None
    claim: str | None = None


_PLAIN = ('id', 'tenant', 'stack_name', 'template_id', 'action', 'stack_id', 'base_goal_seq', 'name',
          'status', 'arguments', 'creator', 'created_at', 'claim')


def insert_plan(conn: Connection, value: SavedPlan, crypt: Cipher | None,
                now: datetime.datetime) -> SavedPlan:
    """Store; returns the value with its creation time. IntegrityError if another has its claim."""
    value = replace(value, created_at=now)
    method, text = seal(crypt, value.entries)
    conn.execute(sa.insert(plan).values(
        **{name: getattr(value, name) for name in _PLAIN}, entries=text, decrypt_method=method))
    return value


def _value(row: RowMapping, crypt: Cipher | None) -> SavedPlan:
    entries = unseal(crypt, row['decrypt_method'], row['entries']) if crypt is not None else {}
    return SavedPlan(**{name: row[name] for name in _PLAIN if name != 'arguments'},
                     arguments=row['arguments'] or {}, entries=entries)


def load_plan(conn: Connection, plan_id: str, tenant: str | None, crypt: Cipher | None) -> SavedPlan | None:
    """The plan, if it is one of that project (None: of any)."""
    query = sa.select(plan).where(plan.c.id == plan_id)
    if tenant is not None:
        query = query.where(plan.c.tenant == tenant)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _value(row, crypt)


def list_plans(conn: Connection, tenant: str | None, stack_id: str | None = None,
               stack_name: str | None = None) -> list[SavedPlan]:
    """Oldest first, without what was decided."""
    query = sa.select(plan)
    for column, value in ((plan.c.tenant, tenant), (plan.c.stack_id, stack_id),
                          (plan.c.stack_name, stack_name)):
        if value is not None:
            query = query.where(column == value)
    return [_value(row, None) for row in conn.execute(
        query.order_by(plan.c.created_at, plan.c.base_goal_seq, plan.c.id)).mappings()]


def take_plan(conn: Connection, plan_id: str, now: datetime.datetime, stack_id: str | None = None) -> bool:
    """Mark it as being carried out; False if it was taken already. ``stack_id`` is that of the new stack."""
    changes: dict[str, Any] = {'status': EXECUTED, 'updated_at': now, 'claim': None}
    if stack_id is not None:
        changes['stack_id'] = stack_id
    return bool(conn.execute(sa.update(plan).where(
        plan.c.id == plan_id, plan.c.status == AVAILABLE).values(changes)).rowcount)


def free(conn: Connection, plan_ids: Sequence[str]) -> None:
    """Let go of what plans claim that can be carried out no more."""
    for chunk in bulk.chunks(plan_ids):
        conn.execute(sa.update(plan).where(plan.c.id.in_(chunk)).values(claim=None))


def count(conn: Connection, tenant: str) -> int:
    """How many plans a project keeps, carried out or not."""
    return int(conn.execute(sa.select(sa.func.count()).select_from(plan).where(
        plan.c.tenant == tenant)).scalar_one())


def drop_executed(conn: Connection, tenant: str, number: int) -> int:
    """Forget so many plans of a project that were carried out, the oldest first; how many there were."""
    found = list(conn.execute(sa.select(plan.c.id).where(
        plan.c.tenant == tenant, plan.c.status == EXECUTED).order_by(
            plan.c.created_at, plan.c.base_goal_seq, plan.c.id).limit(number)).scalars())
    for chunk in bulk.chunks(found):
        conn.execute(sa.delete(plan).where(plan.c.id.in_(chunk)))
    return len(found)


def delete_plan(conn: Connection, plan_id: str) -> bool:
    """False if it was not there."""
    return bool(conn.execute(sa.delete(plan).where(plan.c.id == plan_id)).rowcount)
