"""Goals: what users want of their stacks.

Purpose: append a wish, read the latest. Invariant: the numbers of a stack's
goals grow by one and ``stack.goal_seq`` is the largest, changed in the same
transaction. Neighbours: intake adds, ``engine.owner`` polls ``latest_seqs``.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.db import bulk
from heat.db.schema import goal, stack
from heat.model.stack import Goal
from heat.model.status import Action


def add_goal(conn: Connection, value: Goal, now: datetime.datetime) -> Goal:
    """Insert a goal and return it with its number.

    ``seq`` 0 takes the next number and holds the stack's row until the transaction
    ends; any other is inserted as it is (the first goal of a new stack, a child's
    goal), IntegrityError if it is taken. LookupError if the stack is gone.
    """
    if value.seq == 0:
        hit = conn.execute(sa.update(stack).where(
            stack.c.id == value.stack_id, stack.c.deleted_at.is_(None)).values(goal_seq=stack.c.goal_seq + 1))
        if not hit.rowcount:
            raise LookupError(f'stack {value.stack_id} is gone')
        seq = conn.execute(sa.select(stack.c.goal_seq).where(stack.c.id == value.stack_id)).scalar_one()
        value = replace(value, seq=seq)
    add_goals(conn, [value], now)
    return value


def add_goals(conn: Connection, values: Sequence[Goal], now: datetime.datetime) -> None:
    """Insert numbered goals; the stacks' rows must carry the same numbers."""
    bulk.insert(conn, goal, [{
        'stack_id': value.stack_id, 'seq': value.seq, 'action': str(value.action),
        'template_id': value.template_id, 'timeout_at': value.timeout_at, 'on_failure': value.on_failure,
        'requested_by': value.requested_by, 'options': value.options, 'created_at': now} for value in values])


def _value(row: Any) -> Goal:
    return Goal(row.stack_id, row.seq, Action(row.action), row.template_id, row.timeout_at, row.on_failure,
                row.requested_by, row.options or {})


def latest_goal(conn: Connection, stack_id: str) -> Goal | None:
    """The goal that counts; None for a stack without any."""
    row = conn.execute(sa.select(goal).where(goal.c.stack_id == stack_id).order_by(
        goal.c.seq.desc()).limit(1)).one_or_none()
    return None if row is None else _value(row)


def latest_two(conn: Connection, stack_ids: Sequence[str]) -> dict[str, list[Goal]]:
    """stack id -> the goal that counts, behind the one before it if there was one."""
    found: dict[str, list[Goal]] = {}
    for chunk in bulk.chunks(stack_ids):
        for row in conn.execute(sa.select(goal).join(stack, stack.c.id == goal.c.stack_id).where(
                goal.c.stack_id.in_(chunk), goal.c.seq >= stack.c.goal_seq - 1).order_by(goal.c.seq)):
            found.setdefault(row.stack_id, []).append(_value(row))
    return found


def stacks_of_request(conn: Connection, tenant: str | None, request_ids: Sequence[str]) -> list[str]:
    """Ids of the stacks of a project (None: of all) that these requests were about."""
    query = sa.select(goal.c.stack_id).join(stack, stack.c.id == goal.c.stack_id).where(
        goal.c.requested_by.in_(list(request_ids))).distinct()
    return list(conn.execute(query if tenant is None else query.where(stack.c.tenant == tenant)).scalars())


def goals_of_tree(conn: Connection, root_id: str) -> dict[str, Goal]:
    """stack id -> latest goal, for the live stacks of a tree, in one statement."""
    rows = conn.execute(sa.select(goal).join(stack, sa.and_(
        stack.c.id == goal.c.stack_id, stack.c.goal_seq == goal.c.seq)).where(
            stack.c.root_stack_id == root_id, stack.c.deleted_at.is_(None)))
    return {row.stack_id: _value(row) for row in rows}


def latest_seqs(conn: Connection, root_ids: Sequence[str]) -> dict[str, int]:
    """stack id -> number of its latest goal, for the live stacks of the trees."""
    found: dict[str, int] = {}
    for chunk in bulk.chunks(root_ids):
        for stack_id, seq in conn.execute(sa.select(stack.c.id, stack.c.goal_seq).where(
                stack.c.root_stack_id.in_(chunk), stack.c.deleted_at.is_(None))):
            found[stack_id] = seq
    return found
