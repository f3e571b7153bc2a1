"""Exports: values that stacks of one project offer each other by name.

Purpose: store and find them. Invariant: a name is unique within a project, and
an export goes with its stack. Neighbours: intake and ``engine.reads``.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.db import bulk
from heat.db.schema import exports


def set_exports(conn: Connection, stack_id: str, tenant: str, values: Mapping[str, Any],
                now: datetime.datetime) -> None:
    """Replace all exports of a stack; IntegrityError if another stack has the name."""
    conn.execute(sa.delete(exports).where(exports.c.stack_id == stack_id))
    bulk.insert(conn, exports, [
        {'tenant': tenant, 'name': name, 'stack_id': stack_id, 'value': value, 'created_at': now}
        for name, value in sorted(values.items())])


def list_exports(conn: Connection, tenant: str) -> dict[str, tuple[str, Any]]:
    """name -> (stack id, value)."""
    return {name: (stack_id, value) for name, stack_id, value in conn.execute(
        sa.select(exports.c.name, exports.c.stack_id, exports.c.value).where(
            exports.c.tenant == tenant).order_by(exports.c.name))}
