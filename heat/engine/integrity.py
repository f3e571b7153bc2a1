"""The integrity check of stored trees: what a template asks for, beside what is there.

Purpose: one call that tests and ``heat-manage verify`` share. Invariant: reads
only. Neighbours: ``plan.verify`` judges, ``db.trees`` reads.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from heat.common import errors
from heat.db import templates, trees
from heat.db.secrets import Cipher
from heat.engine.compiled import compile_all
from heat.model.stack import Stack
from heat.model.status import Action
from heat.plan.verify import verify


def check_tree(conn: Connection, root_id: str, crypt: Cipher) -> list[str]:
    """What is wrong with one tree; empty if nothing is."""
    def names(conn: Connection, stack: Stack) -> frozenset[str] | None:
        if stack.action is Action.ROLLBACK and stack.prev_template_id is None:
            return frozenset()
        found = templates.load_template(conn, stack.template_id, crypt)
        if found is None:
            return None
        tree, environment, files = found
        try:
            wanted = compile_all(stack.identity, tree, environment, files).wanted()
        except (errors.HeatException, ValueError):
            # A template that an older release took and this one does not is no damage.
            return None
        return frozenset(wanted.definitions)

    return verify(trees.kept(conn, root_id, crypt, names))
