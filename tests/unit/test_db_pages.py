"""What a page of a list costs: no more than the page, however long the list is.

Every test takes ``engine``, as those of test_db_store do; the servers' own counters or plans are read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from heat.common.ids import new_id
from heat.db import connect, events, listing, stacks
from heat.db.listing import Selection
from heat.model.event import Event
from tests.unit import store

MANY, PAGE = 300, 20


@pytest.fixture
def full(engine: Engine) -> Engine:
    """Root stacks, and among the newest of them as many nested ones."""
    root = store.put_stack(engine, 'root', seconds=MANY)
    roots = [replace(root, id=(number := new_id()), root_id=number, name=f's{n}', created_at=store.later(n))
             for n in range(MANY)]
    nested = [replace(root, id=new_id(), name=f'n{n}', owner_id=root.id, nested_depth=1,
                      created_at=store.later(MANY + n)) for n in range(MANY)]
    with connect.write(engine) as conn:
        stacks.insert_stacks(conn, [*roots, *nested])
        events.insert_events(conn, [Event(root.id, root.id, f'r{n}', 'T', 'CREATE', 'COMPLETE', '')
                                    for n in range(MANY)], store.NOW)
        conn.execute(sa.text('ANALYZE TABLE stack, event' if engine.dialect.name == 'mysql' else 'ANALYZE'))
    return engine


class Watch:
    """Rows that a connection has read, where the server counts them; else whether it sorted."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._asked: list[tuple[str, Any]] = []
        sa.event.listen(conn, 'before_cursor_execute', self._note)

    def _note(self, _conn: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        self._asked.append((statement, parameters))

    def reset(self) -> None:
        self._asked.clear()
        if self._conn.dialect.name == 'mysql':
            self._conn.exec_driver_sql('FLUSH STATUS')

    def moderate(self) -> bool:
        if self._conn.dialect.name == 'mysql':
            rows = self._conn.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'").all()
            return sum(int(number) for name, number in rows) < 5 * PAGE
        explain = 'EXPLAIN QUERY PLAN' if self._conn.dialect.name == 'sqlite' else 'EXPLAIN'
        plans = [str(row) for statement, parameters in list(self._asked)
                 # The tags of a page are sorted after it was read.
                 if 'ORDER BY' in statement and not statement.startswith('SELECT stack_tag.')
                 for row in self._conn.exec_driver_sql(f'{explain} {statement}', parameters)]
        assert plans
        return not any('TEMP B-TREE FOR ORDER BY' in line or 'SCAN stack' in line or 'Sort' in line
                       for line in plans)


def test_a_page_of_stacks_reads_a_page(full: Engine) -> None:
    with connect.read(full) as conn:
        every = [one.name for one in listing.list_stacks(conn, Selection('t'))]
        assert (len(every), every[:2]) == (MANY + 1, ['root', f's{MANY - 1}'])
        watch = Watch(conn)
        markers = [one.id for one in listing.list_stacks(conn, Selection('t'))]
        for marker in (None, markers[PAGE], markers[MANY - PAGE]):
            watch.reset()
            page = listing.list_stacks(conn, Selection('t'), limit=PAGE, marker=marker)
            assert len(page) == PAGE
            # To PostgreSQL's planner a column that is null is no constant, so it sorts a project's stacks.
            assert watch.moderate() or full.dialect.name == 'postgresql', marker


def test_a_page_of_events_reads_a_page(full: Engine) -> None:
    with connect.read(full) as conn:
        root = stacks.find_by_name(conn, 'root', 't')
        assert root is not None
        watch = Watch(conn)
        watch.reset()
        assert len(events.list_events(conn, [root.id], limit=PAGE, sort_dir='desc')) == PAGE
        assert watch.moderate()
