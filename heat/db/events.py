"""Events: what happened, in the order in which it was committed.

Purpose: append many, list by page, keep the number bounded. Invariant: order is
by ``id``, never by time, since many events share a second. Neighbours:
``db.writer`` appends in the transaction of the state; reads list. Paging markers
are event uuids.
"""

from __future__ import annotations

import datetime
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from heat.db import bulk, paging, properties
from heat.db.schema import event, resource_properties_data
from heat.db.secrets import Cipher
from heat.model.event import REASON_MAX, Event

SORT_KEYS = {'event_time': 'created_at', 'created_at': 'created_at', 'resource_type': 'resource_type',
             'id': 'id'}
FILTERS = {'resource_status': 'resource_status', 'resource_action': 'resource_action',
           'resource_name': 'resource_name', 'resource_type': 'resource_type', 'uuid': 'uuid',
           'stack_id': 'stack_id', 'operation': 'operation_id'}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stored event: ``id`` orders it; ``created_at`` is UTC without zone, whole seconds.

    ``event.props`` is filled by ``get_event`` only.
    """

    id: int
    created_at: datetime.datetime
    event: Event


def insert_events(conn: Connection, events: Sequence[Event], now: datetime.datetime,
                  crypt: Cipher | None = None, *, encrypt_properties: bool = False,
                  known: Container[properties.Key] = ()) -> set[properties.Key]:
    """Append events in the given order; returns the keys of the property sets that were sent."""
    # What a step begins and ends with are the same properties, and of one object.
    hashed: dict[int, properties.Key | None] = {}
    for e in events:
        if id(e.props) not in hashed:
            hashed[id(e.props)] = properties.key_of(e.root_id, e.props)
    keys = [hashed[id(e.props)] for e in events]
    sent = properties.store(conn, zip(keys, (e.props for e in events), strict=True), now, crypt,
                            encrypt_properties, known)
    bulk.insert(conn, event, [{
        'uuid': e.uuid, 'stack_id': e.stack_id, 'root_stack_id': e.root_id, 'resource_name': e.resource_name,
        'physical_resource_id': e.physical_id, 'resource_action': str(e.action),
        'resource_status': str(e.status), 'resource_status_reason': e.reason[:REASON_MAX],
        'resource_type': e.resource_type, 'properties_hash': key[1] if key else None,
        # A request's id without its prefix, which the column has no room for.
        'operation_id': (e.operation or '')[-36:] or None, 'created_at': now}
        for e, key in zip(events, keys, strict=True)])
    return sent


def _value(row: RowMapping, props: dict[str, Any] | None = None) -> Recorded:
    return Recorded(row['id'], row['created_at'], Event(
        stack_id=row['stack_id'], root_id=row['root_stack_id'], resource_name=row['resource_name'],
        resource_type=row['resource_type'], action=row['resource_action'], status=row['resource_status'],
        reason=row['resource_status_reason'] or '', physical_id=row['physical_resource_id'], props=props,
        operation=row['operation_id'], uuid=row['uuid']))


def _where(stack_ids: Sequence[str] | None, root_id: str | None,
           filters: Mapping[str, Any] | None) -> list[sa.ColumnElement[bool]]:
    if (stack_ids is None) == (root_id is None):
        raise TypeError('give stack_ids or root_id')
    unknown = set(filters or ()) - set(FILTERS)
    if unknown:
        raise KeyError(f'no such event filter: {sorted(unknown)}')
    of = event.c.root_stack_id == root_id if stack_ids is None else event.c.stack_id.in_(list(stack_ids))
    return [of] + [paging.matches(event.c[FILTERS[name]], value) for name, value in (filters or {}).items()]


def list_events(conn: Connection, stack_ids: Sequence[str] | None = None, *, root_id: str | None = None,
                filters: Mapping[str, Any] | None = None, limit: int | None = None,
                marker: str | None = None, sort_keys: Sequence[str] = (),
                sort_dir: str | None = None) -> list[Recorded]:
    """One page of the events of some stacks or of a whole tree, after the event uuid ``marker``.

    Oldest first unless ``sort_dir`` is 'desc'; unknown sort keys and markers are
    ignored. KeyError for an unknown filter.
    """
    names = list(dict.fromkeys(SORT_KEYS[key] for key in sort_keys if key in SORT_KEYS))
    if 'id' not in names:
        names.append('id')
    after = None
    if marker:
        after = conn.execute(sa.select(event).where(event.c.uuid == marker)).mappings().one_or_none()
    query = paging.page(sa.select(event).where(*_where(stack_ids, root_id, filters)),
                        [event.c[name] for name in names], sort_dir == 'desc', limit, after)
    return [_value(row) for row in conn.execute(query).mappings()]


def get_event(conn: Connection, uuid: str, crypt: Cipher | None = None) -> Recorded | None:
    """One event with its properties; None if there is none."""
    table = resource_properties_data
    row = conn.execute(
        sa.select(event, table.c.data.label('props_text'), table.c.decrypt_method.label('props_method'))
        .select_from(event.outerjoin(table, sa.and_(
            table.c.root_stack_id == event.c.root_stack_id, table.c.hash == event.c.properties_hash)))
        .where(event.c.uuid == uuid)).mappings().one_or_none()
    if row is None:
        return None
    return _value(row, properties.load(row['props_text'], row['props_method'], crypt))


def count_events(conn: Connection, stack_id: str) -> int:
    """How many events a stack has."""
    return int(conn.execute(sa.select(sa.func.count()).where(event.c.stack_id == stack_id)).scalar_one())


def events_after(conn: Connection, root_id: str, last_id: int, limit: int) -> list[Recorded]:
    """The next events of a tree after number ``last_id``: for those who publish them."""
    return [_value(row) for row in conn.execute(sa.select(event).where(
        event.c.root_stack_id == root_id, event.c.id > last_id).order_by(event.c.id).limit(limit)).mappings()]


def crowded(conn: Connection, stack_ids: Sequence[str], maximum: int) -> list[str]:
    """Which of the stacks have more than ``maximum`` events."""
    found: list[str] = []
    for chunk in bulk.chunks(stack_ids):
        found += conn.execute(sa.select(event.c.stack_id).where(event.c.stack_id.in_(chunk)).group_by(
            event.c.stack_id).having(sa.func.count() > maximum)).scalars()
    return found


def purge_events(conn: Connection, stack_id: str, maximum: int, batch: int = 200) -> int:
    """Delete the oldest ``batch`` events of a stack that has more than ``maximum``.

    Returns how many were deleted; the property sets that nobody refers to go with the stack.
    """
    excess = count_events(conn, stack_id) - maximum
    if excess <= 0:
        return 0
    oldest = conn.execute(sa.select(event.c.id).where(event.c.stack_id == stack_id).order_by(
        event.c.id).limit(max(excess, batch))).scalars().all()
    deleted = 0
    for chunk in bulk.chunks(oldest):
        deleted += conn.execute(sa.delete(event).where(event.c.id.in_(chunk))).rowcount
    return deleted
