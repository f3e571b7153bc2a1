"""A whole tree as the database has it, for the integrity check.

Purpose: ``kept`` reads what ``plan.verify`` judges. Invariant: one transaction,
so what is read belongs together. Neighbours: ``heat-manage verify``, tests.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.db import goals, leases, resources, stacks
from heat.db.schema import stack
from heat.db.secrets import Cipher
from heat.model.stack import Stack
from heat.plan.verify import Kept

Names = Callable[[Connection, Stack], frozenset[str] | None]


def kept(conn: Connection, root_id: str, crypt: Cipher | None, names: Names | None = None) -> Kept:
    """The tree of ``root_id``, deleted stacks included; ``names`` tells what a template asks for."""
    found = stacks.read(conn, sa.select(*stacks.TAGGED).where(stack.c.root_stack_id == root_id))
    asked = {} if names is None else {
        s.id: known for s in found if s.deleted_at is None and (known := names(conn, s)) is not None}
    return Kept(found, resources.rows_of_tree(conn, root_id, crypt), goals.goals_of_tree(conn, root_id),
                leases.owner(conn, root_id), asked)


def roots(conn: Connection) -> list[str]:
    """The ids of all root stacks that are not deleted."""
    return list(conn.execute(sa.select(stack.c.id).where(
        stack.c.owner_id.is_(None), stack.c.deleted_at.is_(None)).order_by(stack.c.created_at)).scalars())
