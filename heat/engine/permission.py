"""Types that policy keeps from whoever asks, in stacks that stand and in what is nested later.

Purpose: ask about the types that a stack has before it is acted upon, and tell its goal which
types the caller may not have. Invariant: whoever could not have made a stack cannot take it
away. Neighbours: ``intake`` asks; ``nested`` holds templates that are known later to the goal.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from heat.common.context import RequestContext
from heat.common.policy import Enforcer
from heat.db import connect, resources, stacks
from heat.engine.settings import DENIED
from heat.model.stack import Stack


def check_types(policy: Enforcer | None, database: Engine, context: RequestContext, stack: Stack) -> None:
    """Forbidden if a type that the stack, or one in it, has is kept from the caller."""
    if policy is None or not policy.denied_types(context):
        return

    def read(conn: Connection) -> set[str]:
        rows = resources.light_rows(conn, [one.id for one in stacks.tree(conn, stack.root_id)])
        return {row.class_name for row in rows}

    for kind in sorted(connect.reading(database, read)):
        policy.enforce_type(context, kind)


def denial(policy: Enforcer | None, context: RequestContext) -> dict[str, Any]:
    """The option of a goal by which nested stacks are held to policy."""
    denied = [] if policy is None else policy.denied_types(context)
    return {DENIED: denied} if denied else {}
