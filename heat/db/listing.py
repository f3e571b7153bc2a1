"""Lists and counts of stacks.

Purpose: filters, visibility, tags and paging of the stack list, all in SQL.
Invariant: ``count_stacks`` counts exactly what ``list_stacks`` would list
without a page. Interface: contract stack_index. Neighbours: ``stacks`` reads
rows, ``paging`` orders them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.db import paging, stacks
from heat.db.schema import stack, stack_tag
from heat.model.stack import Stack

SORT_KEYS = {'stack_name': 'name', 'name': 'name', 'stack_status': 'status', 'status': 'status',
             'creation_time': 'created_at', 'created_at': 'created_at',
             'updated_time': 'updated_at', 'updated_at': 'updated_at', 'id': 'id'}
FILTERS = {'action': 'action', 'stack_action': 'action', 'status': 'status', 'stack_status': 'status',
           'disable_rollback': 'disable_rollback', 'id': 'id', 'name': 'name', 'stack_name': 'name',
           'owner_id': 'owner_id', 'parent': 'owner_id', 'stack_owner': 'username', 'username': 'username',
           'stack_status_reason': 'status_reason', 'stack_user_project_id': 'stack_user_project_id',
           'tenant': 'tenant', 'timeout_mins': 'timeout'}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which stacks. ``filters`` maps a name of FILTERS to a value or a list of values.

    ``tags`` all, ``tags_any`` one, ``not_tags`` not all, ``not_tags_any`` none;
    stacks with one of ``hidden_tags`` are left out unless ``show_hidden``.
    """

    tenant: str | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    show_deleted: bool = False
    show_nested: bool = False
    show_hidden: bool = False
    hidden_tags: Sequence[str] = ()
    tags: Sequence[str] = ()
    tags_any: Sequence[str] = ()
    not_tags: Sequence[str] = ()
    not_tags_any: Sequence[str] = ()


def _having(tags: Sequence[str], all_of: bool) -> sa.ColumnElement[bool]:
    wanted = sorted(set(tags))
    ids = sa.select(stack_tag.c.stack_id).where(stack_tag.c.tag.in_(wanted))
    if all_of:
        ids = ids.group_by(stack_tag.c.stack_id).having(sa.func.count() == len(wanted))
    return stack.c.id.in_(ids)


def _where(wanted: Selection) -> list[sa.ColumnElement[bool]]:
    unknown = set(wanted.filters) - set(FILTERS)
    if unknown:
        raise KeyError(f'no such stack filter: {sorted(unknown)}')
    where = [paging.matches(stack.c[FILTERS[name]], value) for name, value in wanted.filters.items()]
    if wanted.tenant is not None:
        where.append(stack.c.tenant == wanted.tenant)
    if not wanted.show_deleted:
        where.append(stack.c.deleted_at.is_(None))
    if not wanted.show_nested and not {'owner_id', 'parent'} & set(wanted.filters):
        where.append(stack.c.owner_id.is_(None))
    if wanted.tags:
        where.append(_having(wanted.tags, True))
    if wanted.tags_any:
        where.append(_having(wanted.tags_any, False))
    if wanted.not_tags:
        where.append(~_having(wanted.not_tags, True))
    if wanted.not_tags_any:
        where.append(~_having(wanted.not_tags_any, False))
    if wanted.hidden_tags and not wanted.show_hidden:
        where.append(~_having(wanted.hidden_tags, False))
    return where


def list_stacks(conn: Connection, wanted: Selection, limit: int | None = None, marker: str | None = None,
                sort_keys: Sequence[str] = (), sort_dir: str | None = None) -> list[Stack]:
    """One page of stacks, after the stack ``marker`` (an unknown one means from the start).

    Newest first; ascending if ``sort_keys`` are given without ``sort_dir`` ('asc' or
    'desc'). Unknown sort keys are left out. KeyError for an unknown filter.
    """
    names = list(dict.fromkeys(SORT_KEYS[key] for key in sort_keys if key in SORT_KEYS))
    descending = sort_dir == 'desc' if sort_dir else not names
    for name in ('created_at', 'id'):
        if name not in names:
            names.append(name)
    after = None
    if marker:
        visible = [] if wanted.tenant is None else [stack.c.tenant == wanted.tenant]
        after = conn.execute(sa.select(stack).where(stack.c.id == marker, *visible)).mappings().one_or_none()
    query = sa.select(*stacks.TAGGED).where(*_where(wanted))
    return stacks.read(conn, paging.page(query, [stack.c[name] for name in names], descending, limit, after))


def count_stacks(conn: Connection, wanted: Selection) -> int:
    """How many stacks ``wanted`` selects."""
    query = sa.select(sa.func.count()).select_from(stack).where(*_where(wanted))
    return int(conn.execute(query).scalar_one())
