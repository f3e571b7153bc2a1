"""Rows beyond what a bench can make by asking: thousands of stacks and events, copies of one.

Invariant: they go in through the service's own store and are taken away again; nothing is at work in them.
Neighbours: ``requests`` asks for them.
"""
from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import sqlalchemy as sa

from benches.place import Place
from heat.common.ids import new_id
from heat.db import bulk, connect, events, schema, stacks
from heat.model.event import Event

AT_ONCE = 1000


@contextmanager
def filled(place: Place, path: str, many_stacks: int, many_events: int) -> Iterator[str]:
    """So many older copies of the stack at ``path``, and so many more events of it.

    Yields the id of the copy after which 20 are left.
    """
    database = connect.open_engine(place.database)
    stack_id = path.rpartition('/')[2]
    with connect.read(database) as conn:
        one = stacks.load_stack(conn, stack_id)
    assert one is not None, path
    begun = one.created_at
    ids = [new_id() for _ in range(many_stacks)]
    for start in range(0, many_stacks, AT_ONCE):
        with connect.write(database) as conn:
            stacks.insert_stacks(conn, [
                replace(one, id=each, root_id=each, name=f'copy-{number}',
                        created_at=begun - datetime.timedelta(seconds=number + 1))
                for number, each in enumerate(ids[start:start + AT_ONCE], start)])
    for _start in range(0, many_events, AT_ONCE):
        with connect.write(database) as conn:
            events.insert_events(conn, [
                Event(stack_id, stack_id, 'r0', 'OS::Heat::RandomString', 'CHECK', 'COMPLETE', '',
                      props={'length': 16}) for _ in range(AT_ONCE)], begun)
    try:
        yield ids[-21]
    finally:
        with connect.write(database) as conn:
            for chunk in bulk.chunks(ids):
                conn.execute(sa.delete(schema.stack).where(schema.stack.c.id.in_(chunk)))
        database.dispose()
