"""Resource rows.

Purpose: turn ``Row`` values into table rows and back, many at a time. Invariant:
``uuid`` is the key; private ``data`` is never stored in clear. A row that is gone
is deleted from the table. Neighbours: ``db.writer`` saves, ``plan`` reads the
values; property sets stand in ``properties``.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Container, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from heat.db import bulk, connect, properties
from heat.db.schema import resource, resource_properties_data, stack
from heat.db.secrets import Cipher, seal, unseal
from heat.model.resource import Intent, Row
from heat.model.status import Action, Status

_SELECT = sa.select(
    resource, resource_properties_data.c.data.label('props_text'),
    resource_properties_data.c.decrypt_method.label('props_method')).select_from(resource.outerjoin(
        resource_properties_data, sa.and_(
            resource_properties_data.c.root_stack_id == resource.c.root_stack_id,
            resource_properties_data.c.hash == resource.c.properties_hash)))
# Property sets among what is kept, and under which key they stand encrypted.
_SECRET_KEEP = ('old_props', 'unsure')
SEALED = 'sealed'
# Without what is encrypted or big: to open it costs more than all else about a row.
_HEAVY = ('data', 'memo', 'attributes', 'rsrc_metadata')
_LIGHT = sa.select(*(column for column in resource.c if column.name not in _HEAVY),
                   *(sa.null().label(name) for name in (*_HEAVY, 'props_text', 'props_method')))


def to_columns(row: Row, key: properties.Key | None, crypt: Cipher | None,
               now: datetime.datetime | None = None) -> dict[str, Any]:
    """The column values of a row; NoKey if it has private data and ``crypt`` is None."""
    method, data = seal(crypt, row.data) if row.data else (None, None)
    return {
        'uuid': row.uuid, 'name': row.name, 'type': row.type, 'nova_instance': row.physical_id,
        'stack_id': row.stack_id, 'root_stack_id': row.root_id,
        'rsrc_metadata': list(seal(crypt, row.metadata)) if row.metadata else None,
        'properties_hash': key[1] if key else None, 'data': data,
        # What is worked out from hidden parameters is among them, as it is in metadata.
        'attributes': list(seal(crypt, row.attrs)) if row.attrs else None,
        'decrypt_method': method, 'requires': list(row.requires) or None, 'replaces': row.replaces,
        'replaced_by': row.replaced_by, 'goal_seq': row.goal_seq,
        'intent': row.intent.to_wire() if row.intent else None,
        # Answers of the cloud may hold secrets (a private key, a password).
        'memo': list(seal(crypt, row.memo)) if row.memo else None,
        'keep': _sealed_keep(row.keep, crypt) or None, 'action': str(row.action), 'status': str(row.status),
        'status_reason': row.reason, 'created_at': row.created_at or now, 'updated_at': row.updated_at}


def from_columns(row: RowMapping, crypt: Cipher | None) -> Row:
    """The reverse of ``to_columns``, from a row of this file's SELECT."""
    return Row(
        uuid=row['uuid'], stack_id=row['stack_id'], root_id=row['root_stack_id'], name=row['name'],
        type=row['type'], action=Action(row['action']), status=Status(row['status']),
        reason=row['status_reason'] or '', physical_id=row['nova_instance'],
        props=properties.load(row['props_text'], row['props_method'], crypt),
        attrs=_opened(row['attributes'], crypt), metadata=_opened(row['rsrc_metadata'], crypt),
        data=unseal(crypt, row['decrypt_method'], row['data']) if row['data'] is not None else {},
        requires=tuple(row['requires'] or ()), replaces=row['replaces'], replaced_by=row['replaced_by'],
        goal_seq=row['goal_seq'], intent=Intent.from_wire(row['intent']),
        memo=tuple(unseal(crypt, *row['memo'])) if row['memo'] else (),
        keep=_opened_keep(row['keep'] or {}, crypt), created_at=row['created_at'],
        updated_at=row['updated_at'])


def _sealed_keep(keep: dict[str, Any], crypt: Cipher | None) -> dict[str, Any]:
    secret = {name: keep[name] for name in _SECRET_KEEP if name in keep}
    if not secret or crypt is None:
        return keep
    return {**{name: value for name, value in keep.items() if name not in secret},
            SEALED: list(seal(crypt, secret))}


def _opened_keep(keep: dict[str, Any], crypt: Cipher | None) -> dict[str, Any]:
    """As it was; without ``crypt``, without what is encrypted in it."""
    plain = {name: value for name, value in keep.items() if name != SEALED}
    return plain if crypt is None or SEALED not in keep else {**plain, **unseal(crypt, *keep[SEALED])}


def _opened(stored: Any, crypt: Cipher | None) -> dict[str, Any]:
    """Attributes or metadata of a row; what was stored in clear at first can still be read."""
    found: dict[str, Any] = unseal(crypt, *stored) if isinstance(stored, list) else stored or {}
    return found


def upsert_rows(conn: Connection, rows: Sequence[Row], crypt: Cipher | None, *,
                now: datetime.datetime | None = None, encrypt_properties: bool = False,
                known: Container[properties.Key] = ()) -> set[properties.Key]:
    """Insert or overwrite rows by uuid, with their property sets; one statement per 500 rows.

    ``now`` is the creation time of a row without one; an existing row keeps its own.
    Returns the keys of the property sets that were sent; once this transaction is
    committed, they may be passed as ``known`` to save sending them again. If a
    uuid occurs twice, the last one counts.
    """
    latest = {row.uuid: row for row in rows}
    ordered = [latest[uuid] for uuid in sorted(latest)]
    keys = [properties.key_of(row.root_id, row.props) for row in ordered]
    sent = properties.store(conn, zip(keys, (row.props for row in ordered), strict=True), now, crypt,
                            encrypt_properties, known)
    # In portions, between which everybody else may run: to encrypt takes longer than to send.
    for portion in bulk.chunks(list(zip(ordered, keys, strict=True))):
        bulk.upsert(conn, resource, [to_columns(row, key, crypt, now) for row, key in portion],
                    'uuid', keep=('created_at',))
    return sent


def _read(conn: Connection, crypt: Cipher | None, *where: sa.ColumnElement[bool]) -> list[Row]:
    return [from_columns(row, crypt) for row in
            conn.execute(_SELECT.where(*where).order_by(resource.c.id)).mappings()]


def rows_of_tree(conn: Connection, root_id: str, crypt: Cipher | None = None,
                 but: Collection[str] = ()) -> list[Row]:
    """Every row of a tree, in order of creation, without those of the stacks ``but``: one statement."""
    left_out = [resource.c.stack_id.not_in(but)] if but else []
    return _read(conn, crypt, resource.c.root_stack_id == root_id, *left_out)


def rows_of_stack(conn: Connection, stack_id: str, crypt: Cipher | None = None) -> list[Row]:
    """The rows of one stack, those being replaced or deleted included."""
    return _read(conn, crypt, resource.c.stack_id == stack_id)


def rows_of_name(conn: Connection, stack_id: str, name: str, crypt: Cipher | None = None) -> list[Row]:
    """The rows of one resource of a stack, those being replaced or deleted included."""
    return _read(conn, crypt, resource.c.stack_id == stack_id, resource.c.name == name)


def rows_of_stacks(conn: Connection, stack_ids: Sequence[str], crypt: Cipher | None = None) -> list[Row]:
    """The rows of several stacks."""
    found: list[Row] = []
    for chunk in bulk.chunks(stack_ids):
        found += _read(conn, crypt, resource.c.stack_id.in_(chunk))
    return found


def light_rows(conn: Connection, stack_ids: Sequence[str]) -> list[Row]:
    """The same without what is encrypted or big: to be listed, never to be stored."""
    found: list[Row] = []
    for chunk in bulk.chunks(stack_ids):
        found += [from_columns(row, None) for row in conn.execute(_LIGHT.where(
            resource.c.stack_id.in_(chunk)).order_by(resource.c.id)).mappings()]
    return found


def types_of(database: Engine, stack_id: str) -> dict[str, str]:
    """Name -> class of the resources that a stack has; of one that is not made yet, none."""
    with connect.read(database) as conn:
        return {row.name: row.class_name for row in light_rows(conn, [stack_id])
                if row.action not in (Action.INIT, Action.DELETE)}


def tally(conn: Connection, stack_ids: Sequence[str]) -> list[tuple[str, str, bool, int]]:
    """(action, status, touched by its stack's latest goal?, how many) of the rows of several stacks."""
    found: dict[tuple[str, str, bool], int] = {}
    touched = sa.case((resource.c.goal_seq == stack.c.goal_seq, 1), else_=0)
    for chunk in bulk.chunks(stack_ids):
        for action, status, now, many in conn.execute(
                sa.select(resource.c.action, resource.c.status, touched, sa.func.count())
                .join(stack, stack.c.id == resource.c.stack_id).where(resource.c.stack_id.in_(chunk))
                .group_by(resource.c.action, resource.c.status, touched)):
            key = (action, status, bool(now))
            found[key] = found.get(key, 0) + many
    return [(*key, many) for key, many in found.items()]


def load_row(conn: Connection, uuid: str, crypt: Cipher | None = None) -> Row | None:
    """The row of that uuid."""
    return next(iter(_read(conn, crypt, resource.c.uuid == uuid)), None)


def numeric_ids(conn: Connection, stack_id: str) -> dict[str, int]:
    """uuid -> the number that the classic interface shows for a resource."""
    return dict(conn.execute(sa.select(resource.c.uuid, resource.c.id).where(
        resource.c.stack_id == stack_id)).tuples().all())


def find_by_physical_id(conn: Connection, tenant: str | None, physical_id: str,
                        crypt: Cipher | None = None) -> list[Row]:
    """The rows of live stacks that stand for that object; ``tenant`` None searches all projects."""
    live = sa.select(stack.c.id).where(stack.c.deleted_at.is_(None))
    if tenant is not None:
        live = live.where(sa.or_(stack.c.tenant == tenant, stack.c.stack_user_project_id == tenant))
    return _read(conn, crypt, resource.c.nova_instance == physical_id, resource.c.stack_id.in_(live))


def delete_rows(conn: Connection, uuids: Iterable[str]) -> int:
    """Remove rows that are gone; returns how many were there."""
    deleted = 0
    for chunk in bulk.chunks(sorted(uuids)):
        deleted += conn.execute(sa.delete(resource).where(resource.c.uuid.in_(chunk))).rowcount
    return deleted


def data_of(conn: Connection, resource_id: str, crypt: Cipher) -> dict[str, Any] | None:
    """The private data of the resource with that number or uuid; None if there is no such resource."""
    by = resource.c.id == int(resource_id) if resource_id.isdigit() else resource.c.uuid == resource_id
    row = conn.execute(sa.select(resource.c.data, resource.c.decrypt_method).where(by)).one_or_none()
    if row is None:
        return None
    return unseal(crypt, row.decrypt_method, row.data) if row.data is not None else {}


def fail_unfinished(conn: Connection, stack_ids: Sequence[str], reason: str, now: datetime.datetime) -> int:
    """Mark the rows in progress of these stacks FAILED and drop their intents: an operator's reset."""
    hit = 0
    for chunk in bulk.chunks(stack_ids):
        hit += conn.execute(sa.update(resource).where(
            resource.c.stack_id.in_(chunk), resource.c.status == str(Status.IN_PROGRESS)).values(
                status=str(Status.FAILED), status_reason=reason, intent=None, updated_at=now)).rowcount
    return hit
