"""A stack and what it was made from, in one statement.

Purpose: most of what is asked about one stack needs its template as well. Invariant: the same as
``stacks`` and ``templates`` find one after the other; its tags, which few stacks have, are asked for where
there are any, so that no template is sent once for each. Neighbours: ``engine.reads_stored``.
"""

from __future__ import annotations

import functools
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.db import stacks, templates
from heat.db.schema import raw_template, raw_template_files, stack
from heat.db.secrets import Cipher
from heat.model.stack import Stack

# (tree, environment, files)
Parts = tuple[dict[str, Any], dict[str, Any], dict[str, str]]


def load(conn: Connection, stack_id: str, tenant: str | None = None, show_deleted: bool = False,
         crypt: Cipher | None = None) -> tuple[Stack, Parts | None] | None:
    """As ``stacks.load_stack``, with the parts of its template as ``templates.load_template`` tells them."""
    row = conn.execute(_one(tenant is not None, show_deleted),
                       {'id': stack_id, 'tenant': tenant}).mappings().one_or_none()
    if row is None:
        return None
    tags = stacks.tags_of(conn, [stack_id]).get(stack_id, ()) if row['tagged'] else ()
    parts = None
    if row['number'] is not None:
        parts = templates.opened(row['template'], row['environment'], row['files'], crypt)
    return stacks.from_columns(row, tags), parts


@functools.cache
def _one(of_tenant: bool, show_deleted: bool) -> sa.Select[Any]:
    query = sa.select(
        *stacks.TAGGED, raw_template.c.id.label('number'), raw_template.c.template,
        raw_template.c.environment, raw_template_files.c.files).select_from(
            stack.outerjoin(raw_template, raw_template.c.id == stack.c.raw_template_id).outerjoin(
                raw_template_files, raw_template_files.c.id == raw_template.c.files_id))
    return stacks.reachable(query, of_tenant, show_deleted)
