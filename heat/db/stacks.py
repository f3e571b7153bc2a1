"""Stacks and their tags.

Purpose: store, find and change stack rows. Invariant: a change on behalf of a
goal carries the goal's number and misses once a newer goal is there. Neighbours:
``listing`` has the lists, ``goals`` the wishes, ``purge`` the end. A stack is
reachable from its project and from its stack-user project.
"""

from __future__ import annotations

import datetime
import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from heat.db import bulk
from heat.db.schema import resource, stack, stack_tag
from heat.model.stack import Stack
from heat.model.status import Action, Status

# Field of the value -> column, where they differ.
_COLUMN = {'template_id': 'raw_template_id', 'prev_template_id': 'prev_raw_template_id',
           'reason': 'status_reason', 'root_id': 'root_stack_id'}
_FIELDS = ('id', 'name', 'tenant', 'root_id', 'template_id', 'action', 'status', 'reason', 'prev_template_id',
           'owner_id', 'parent_resource_name', 'parent_row', 'nested_depth', 'username', 'user_creds_id',
           'stack_user_project_id', 'disable_rollback', 'timeout', 'goal_seq', 'created_at', 'updated_at',
           'deleted_at')
# What makes the value: each column more costs whoever reads it.
COLUMNS = tuple(stack.c[_COLUMN.get(name, name)] for name in _FIELDS)
# The same, and whether it has tags, which few have: who has none needs no second statement.
TAGGED = (*COLUMNS, sa.exists().where(stack_tag.c.stack_id == stack.c.id).label('tagged'))
# Columns without a field in the value, set at insertion or by ``update_stack``.
_EXTRA = {'termination_protection': False, 'client_request_token': None, 'operation_id': None,
          'template_hash': None, 'resources_total': 0, 'resources_done': 0, 'settings': None, 'drift': None}
_UNCHANGING = {'id', 'tenant', 'root_id', 'owner_id', 'created_at'}


def insert_stack(conn: Connection, value: Stack, **extra: Any) -> None:
    """Insert one stack with its tags; ``extra`` sets further columns (operation_id, ...)."""
    insert_stacks(conn, [value], **extra)


def insert_stacks(conn: Connection, values: Sequence[Stack], **extra: Any) -> None:
    """Insert many; IntegrityError if an id is taken, TypeError for an unknown column."""
    unknown = set(extra) - set(_EXTRA)
    if unknown:
        raise TypeError(f'unknown stack columns: {sorted(unknown)}')
    bulk.insert(conn, stack, [{**to_columns(value), **_EXTRA, **extra} for value in values])
    bulk.insert(conn, stack_tag, [
        {'stack_id': value.id, 'tag': tag, 'created_at': value.created_at}
        for value in values for tag in value.tags])


def overwrite(conn: Connection, values: Sequence[Stack], fields: Sequence[str]) -> None:
    """Give stacks that are there the ``fields`` of these values; one statement per 500."""
    changed = {_COLUMN.get(name, name) for name in fields}
    rows = [{**to_columns(value), **_EXTRA} for value in values]
    if rows:
        bulk.upsert(conn, stack, rows, 'id', keep=[name for name in rows[0] if name not in changed])


def held_seqs(conn: Connection, stack_ids: Sequence[str]) -> dict[str, int]:
    """stack id -> number of its latest goal, deleted stacks too; held until the transaction ends."""
    found: dict[str, int] = {}
    for chunk in bulk.chunks(sorted(stack_ids)):
        found.update(conn.execute(sa.select(stack.c.id, stack.c.goal_seq).where(
            stack.c.id.in_(chunk)).order_by(stack.c.id).with_for_update()).tuples().all())
    return found


def to_columns(value: Stack) -> dict[str, Any]:
    """The column values of a stack, tags left out."""
    row = {_COLUMN.get(name, name): getattr(value, name) for name in _FIELDS}
    row['action'], row['status'] = str(value.action), str(value.status)
    return row


def from_columns(row: RowMapping, tags: Sequence[str] = ()) -> Stack:
    """The reverse of ``to_columns``."""
    values = {name: row[_COLUMN.get(name, name)] for name in _FIELDS}
    values['action'], values['status'] = Action(values['action']), Status(values['status'])
    values['reason'] = values['reason'] or ''
    return Stack(**values, tags=tuple(tags))


def read(conn: Connection, query: sa.Select[Any]) -> list[Stack]:
    """The stacks a ``select(*TAGGED)`` finds, with their tags: two statements if any has some."""
    rows = conn.execute(query).mappings().all()
    tags = tags_of(conn, [row['id'] for row in rows if row['tagged']])
    return [from_columns(row, tags.get(row['id'], ())) for row in rows]


def visible_to(tenant: str | sa.BindParameter[Any]) -> sa.ColumnElement[bool]:
    """The stacks that a project may address."""
    return sa.or_(stack.c.tenant == tenant, stack.c.stack_user_project_id == tenant)


def load_stack(conn: Connection, stack_id: str, tenant: str | None = None,
               show_deleted: bool = False) -> Stack | None:
    """The stack of that id, if ``tenant`` may see it (None: anybody); None if there is none."""
    rows = conn.execute(_one(tenant is not None, show_deleted),
                        {'id': stack_id, 'tenant': tenant}).mappings().all()
    return from_columns(rows[0], [row['tag'] for row in rows if row['tag'] is not None]) if rows else None


@functools.cache
def _one(of_tenant: bool, show_deleted: bool) -> sa.Select[Any]:
    """What most requests begin with: a row of the stack ``:id`` for each of its tags, or one without."""
    query = sa.select(*COLUMNS, stack_tag.c.tag).outerjoin(stack_tag, stack_tag.c.stack_id == stack.c.id)
    return reachable(query, of_tenant, show_deleted).order_by(stack_tag.c.id)


def reachable(query: sa.Select[Any], of_tenant: bool, show_deleted: bool) -> sa.Select[Any]:
    """``query`` for the stack ``:id``, of those that the project ``:tenant`` may address."""
    query = query.where(stack.c.id == sa.bindparam('id'))
    if of_tenant:
        query = query.where(visible_to(sa.bindparam('tenant')))
    return query if show_deleted else query.where(stack.c.deleted_at.is_(None))


def load_stacks(conn: Connection, stack_ids: Sequence[str]) -> list[Stack]:
    """The stacks of these ids, deleted or not."""
    return [one for chunk in bulk.chunks(stack_ids)
            for one in read(conn, sa.select(*TAGGED).where(stack.c.id.in_(chunk)))]


def find_by_name(conn: Connection, name: str, tenant: str | None,
                 owner_id: str | None = None) -> Stack | None:
    """The live stack of that name: a nested one of ``owner_id``, else any, root stacks first."""
    query = sa.select(*TAGGED).where(stack.c.name == name, stack.c.deleted_at.is_(None))
    if tenant is not None:
        query = query.where(visible_to(tenant))
    if owner_id is not None:
        query = query.where(stack.c.owner_id == owner_id)
    query = query.order_by(stack.c.nested_depth, stack.c.created_at, stack.c.id).limit(1)
    return next(iter(read(conn, query)), None)


def tree(conn: Connection, root_id: str) -> list[Stack]:
    """The live stacks of a tree, parents before children."""
    return read(conn, sa.select(*TAGGED).where(
        stack.c.root_stack_id == root_id, stack.c.deleted_at.is_(None)).order_by(
            stack.c.nested_depth, stack.c.created_at, stack.c.id))


def in_progress(conn: Connection, root_id: str) -> bool:
    """Whether any live stack of a tree is being worked on."""
    return conn.execute(sa.select(stack.c.id).where(
        stack.c.root_stack_id == root_id, stack.c.status == str(Status.IN_PROGRESS),
        stack.c.deleted_at.is_(None)).limit(1)).first() is not None


def children(conn: Connection, owner_id: str) -> list[Stack]:
    """The live stacks directly inside a stack."""
    return read(conn, sa.select(*TAGGED).where(
        stack.c.owner_id == owner_id, stack.c.deleted_at.is_(None)).order_by(stack.c.created_at, stack.c.id))


def lock_stack(conn: Connection, stack_id: str) -> int | None:
    """Hold the row until the transaction ends; returns its goal number, None if it is gone."""
    return conn.execute(sa.select(stack.c.goal_seq).where(
        stack.c.id == stack_id, stack.c.deleted_at.is_(None)).with_for_update()).scalar()


def update_stack_state(conn: Connection, stack_id: str, goal_seq: int, *, action: Action, status: Status,
                       reason: str, **changes: Any) -> int:
    """Change a stack on behalf of goal ``goal_seq``; 0 if a newer goal is there, else 1."""
    return _update(conn, [stack.c.id == stack_id, stack.c.goal_seq == goal_seq],
                   {'action': action, 'status': status, 'reason': reason, **changes})


def update_stack(conn: Connection, stack_id: str, **changes: Any) -> int:
    """Change fields of ``Stack`` or extra columns; returns how many rows were hit."""
    return _update(conn, [stack.c.id == stack_id], changes)


def _update(conn: Connection, where: list[sa.ColumnElement[bool]], changes: dict[str, Any]) -> int:
    allowed = set(_FIELDS) | set(_EXTRA)
    wrong = {name for name in changes if name not in allowed or name in _UNCHANGING}
    if wrong:
        raise TypeError(f'not changeable on a stack: {sorted(wrong)}')
    values = {_COLUMN.get(name, name): str(value) if isinstance(value, Action | Status) else value
              for name, value in changes.items()}
    return int(conn.execute(sa.update(stack).where(*where).values(values)).rowcount)


def mark_deleted(conn: Connection, stack_ids: Iterable[str], now: datetime.datetime) -> int:
    """Stamp live stacks as deleted; returns how many were hit."""
    hit = 0
    for chunk in bulk.chunks(list(stack_ids)):
        hit += conn.execute(sa.update(stack).where(
            stack.c.id.in_(chunk), stack.c.deleted_at.is_(None)).values(deleted_at=now)).rowcount
    return hit


def extra_columns(conn: Connection, stack_id: str) -> dict[str, Any] | None:
    """What of a stack's row is no field of its value: marks, settings, drift, counters."""
    row = conn.execute(sa.select(*(stack.c[name] for name in _EXTRA)).where(
        stack.c.id == stack_id)).mappings().one_or_none()
    return None if row is None else dict(row)


def extras_of(conn: Connection, stack_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The same of several, by their ids."""
    found: dict[str, dict[str, Any]] = {}
    for chunk in bulk.chunks(stack_ids):
        for row in conn.execute(sa.select(stack.c.id, *(stack.c[name] for name in _EXTRA)).where(
                stack.c.id.in_(chunk))).mappings():
            found[row['id']] = dict(row)
    return found


def find_by_request_token(conn: Connection, tenant: str, token: str) -> Stack | None:
    """The live stack that was created by the request with this client token."""
    return next(iter(read(conn, sa.select(*TAGGED).where(
        stack.c.tenant == tenant, stack.c.client_request_token == token,
        stack.c.deleted_at.is_(None)).order_by(stack.c.created_at).limit(1))), None)


def tags_of(conn: Connection, stack_ids: Sequence[str]) -> dict[str, list[str]]:
    """stack id -> its tags in the order they were given."""
    found: dict[str, list[str]] = defaultdict(list)
    for chunk in bulk.chunks(stack_ids):
        for stack_id, tag in conn.execute(sa.select(stack_tag.c.stack_id, stack_tag.c.tag).where(
                stack_tag.c.stack_id.in_(chunk)).order_by(stack_tag.c.id)):
            found[stack_id].append(tag)
    return found


def set_tags(conn: Connection, stack_id: str, tags: Sequence[str], now: datetime.datetime) -> None:
    """Replace all tags of a stack."""
    conn.execute(sa.delete(stack_tag).where(stack_tag.c.stack_id == stack_id))
    bulk.insert(conn, stack_tag, [{'stack_id': stack_id, 'tag': tag, 'created_at': now} for tag in tags])


def is_user_project(conn: Connection, project: str, tenant: str) -> bool:
    """Whether a stack of ``tenant`` has its in-instance users in ``project``."""
    return conn.execute(sa.select(stack.c.id).where(
        stack.c.stack_user_project_id == project, stack.c.tenant == tenant,
        stack.c.deleted_at.is_(None)).limit(1)).first() is not None


def count_of_tenant(conn: Connection, tenant: str) -> int:
    """Live root stacks of a project: what its quota counts."""
    return int(conn.execute(sa.select(sa.func.count()).where(
        stack.c.tenant == tenant, stack.c.owner_id.is_(None), stack.c.deleted_at.is_(None))).scalar_one())


def count_total_resources(conn: Connection, root_id: str) -> int:
    """Resource rows in a whole tree."""
    return int(conn.execute(sa.select(sa.func.count()).where(
        resource.c.root_stack_id == root_id)).scalar_one())
