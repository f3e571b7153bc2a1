"""The store's whole suite, the migrations and two racing owners, on MariaDB and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.engine import Connection, Engine

from heat.common import errors
from heat.common.ids import new_id
from heat.db import connect, events, goals, leases, migrate, schema, sinks, stacks
from heat.model.stack import Goal
from heat.model.status import Action
from tests.unit import (
    store,
    test_db_batches,
    test_db_others,
    test_db_pages,
    test_db_rows,
    test_db_settings,
    test_db_store,
)
from tests.unit import test_engine_watches as watched
from tests.unit.test_db_connect import data_survives_migrations, differences

full = test_db_pages.full
for subject in (test_db_store, test_db_batches, test_db_rows, test_db_pages, test_db_others,
                test_db_settings):
    globals().update({name: case for name, case in vars(subject).items() if name.startswith('test_')})


@pytest.fixture(params=['mariadb', 'postgresql'])
def empty(request: pytest.FixtureRequest) -> Iterator[Engine]:
    made = connect.open_engine(request.getfixturevalue(request.param).database())
    yield made
    made.dispose()


@pytest.fixture
def engine(empty: Engine) -> Engine:
    migrate.upgrade(empty)
    return empty


def test_server_migrations_build_what_the_code_expects(empty: Engine) -> None:
    assert migrate.version(empty) is None
    assert migrate.upgrade(empty) == migrate.head() == migrate.version(empty)
    assert differences(empty) == []


def test_server_data_survives_migrations(empty: Engine) -> None:
    data_survives_migrations(empty)


def together(count: int, work: object) -> list[object]:
    """Run ``work(i)`` in ``count`` threads that start as one; their results in order."""
    barrier = threading.Barrier(count)
    results: list[object] = [None] * count

    def run(i: int) -> None:
        barrier.wait()
        try:
            results[i] = work(i)  # type: ignore[operator]
        except Exception as error:  # the caller compares it
            results[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_hosts_may_migrate_at_once(empty: Engine) -> None:
    assert together(3, lambda i: migrate.upgrade(empty)) == [migrate.head()] * 3


def test_one_of_many_takes_a_free_tree(engine: Engine) -> None:
    @connect.retry_on_disconnect()
    def take(i: int) -> int | None:
        with connect.write(engine) as conn:
            return leases.take(conn, 'root', f'engine-{i}')

    assert sorted(together(6, take), key=str) == [1, None, None, None, None, None]


def test_stacks_of_a_project_are_made_one_at_a_time(engine: Engine) -> None:
    """Eight requests with one name, or one key that makes them the same, made several stacks."""
    before = store.put_stack(engine, 'other')

    def make(_i: int) -> str:
        with connect.write(engine) as conn:
            leases.open_line(conn, 't')
        with connect.write(engine) as conn:
            leases.in_line(conn, 't')
            found = stacks.find_by_name(conn, 'web', 't')
            if found is None:
                made = new_id()
                found = replace(before, id=made, root_id=made, name='web')
                stacks.insert_stack(conn, found)
            return found.id

    assert len(set(map(str, together(8, make)))) == 1


def test_events_of_a_tree_get_their_numbers_in_the_order_of_their_commits(engine: Engine) -> None:
    """Else one who asks for those after the last would miss a slow one."""
    stack = store.put_stack(engine)
    with connect.write(engine) as conn:
        leases.take(conn, stack.id, 'a')
    began, done = threading.Event(), threading.Event()

    def record(name: str) -> None:
        with connect.write(engine) as conn:
            began.set()
            sinks.in_turn(conn, stack.id)
            events.insert_events(conn, [store.event_of(stack, 0, resource_name=name)], store.NOW)
        done.set()

    with connect.write(engine) as conn:
        assert leases.hold(conn, 'a', {stack.id: 1}) == {stack.id}
        thread = threading.Thread(target=record, args=('second',))
        thread.start()
        began.wait()
        thread.join(0.3)
        assert not done.is_set()
        events.insert_events(conn, [store.event_of(stack, 0, resource_name='first')], store.NOW)
    thread.join()
    with connect.read(engine) as conn:
        assert [one.event.resource_name for one in events.events_after(conn, stack.id, 0, 20)] == [
            'first', 'second']


def test_one_of_many_steals_a_stale_tree(engine: Engine) -> None:
    with connect.write(engine) as conn:
        leases.take(conn, 'root', 'dead', now=1.0)

    @connect.retry_on_disconnect()
    def steal(i: int) -> int | None:
        with connect.write(engine) as conn:
            return leases.take(conn, 'root', f'engine-{i}')

    assert sorted(together(6, steal), key=str) == [2, None, None, None, None, None]


def test_nobody_steals_a_tree_that_is_held(engine: Engine) -> None:
    with connect.write(engine) as conn:
        leases.take(conn, 'root', 'slow', now=1.0)
    began, result = threading.Event(), []

    def steal() -> None:
        with connect.write(engine) as conn:
            began.set()
            result.append(leases.take(conn, 'root', 'thief'))

    with connect.write(engine) as conn:
        assert leases.hold(conn, 'slow', {'root': 1}) == {'root'}
        thread = threading.Thread(target=steal)
        thread.start()
        began.wait()
        thread.join(0.3)
        assert result == []
    thread.join()
    assert result == [2]
    with connect.read(engine) as conn:
        assert leases.hold(conn, 'slow', {'root': 1}) == set()


def test_goals_of_many_requests_get_different_numbers(engine: Engine) -> None:
    stack = store.put_stack(engine)

    @connect.retry_on_disconnect()
    def want(i: int) -> int:
        with connect.write(engine) as conn:
            return goals.add_goal(conn, Goal(stack.id, 0, Action.UPDATE, stack.template_id), store.NOW).seq

    assert sorted(together(5, want), key=str) == [2, 3, 4, 5, 6]


def test_a_connection_lost_while_idle_is_replaced(empty: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, '_FRESH', 0.0)
    mysql = empty.dialect.name == 'mysql'
    number = 'SELECT connection_id()' if mysql else 'SELECT pg_backend_pid()'
    with connect.read(empty) as conn:
        first = conn.exec_driver_sql(number).scalar_one()
    other = connect.open_engine(empty.url)
    with connect.write(other) as conn:
        conn.exec_driver_sql(f'KILL {first}' if mysql else f'SELECT pg_terminate_backend({first})')
    other.dispose()
    with connect.read(empty) as conn:
        assert conn.exec_driver_sql(number).scalar_one() != first


def test_columns_are_described_by_each_answer_though_read_once(request: pytest.FixtureRequest) -> None:
    made = connect.open_engine(request.getfixturevalue('mariadb').database())
    try:
        with connect.read(made) as conn:
            for text, found in ((sa.text("SELECT 1 AS a, 'x' AS b"), [{'a': 1, 'b': 'x'}]),
                                (sa.text("SELECT 2 AS a, 'y' AS b"), [{'a': 2, 'b': 'y'}]),
                                (sa.text("SELECT 'z' AS a, NULL AS b"), [{'a': 'z', 'b': None}])) * 2:
                assert [dict(row) for row in conn.execute(text).mappings()] == found
            with pytest.raises(sa.exc.ProgrammingError):
                conn.execute(sa.text('SELECT nothing FROM nowhere'))
            assert conn.execute(sa.text('SELECT 3')).scalar() == 3
    finally:
        made.dispose()


def test_what_is_read_is_asked_once_more_when_its_connection_breaks(empty: Engine) -> None:
    mysql = empty.dialect.name == 'mysql'
    number = 'SELECT connection_id()' if mysql else 'SELECT pg_backend_pid()'
    seen: list[int] = []

    def look(conn: Connection) -> int:
        mine = conn.exec_driver_sql(number).scalar_one()
        seen.append(mine)
        if len(seen) <= breaks:
            other = connect.open_engine(empty.url)
            with connect.write(other) as killer:
                killer.exec_driver_sql(f'KILL {mine}' if mysql else f'SELECT pg_terminate_backend({mine})')
            other.dispose()
        return int(conn.exec_driver_sql('SELECT 1').scalar_one())

    breaks = 1
    assert connect.reading(empty, look) == 1 and len(set(seen)) == 2
    seen.clear()
    breaks = 2
    with pytest.raises(exc.DBAPIError):
        connect.reading(empty, look)


def test_mariadb_is_told_of_transactions_that_write_only(request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue('mariadb')
    made = connect.open_engine(server.database())

    def told() -> dict[str, int]:
        return {name: int(value) for name, value in server.execute(
            "SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_begin', 'Com_commit', 'Com_rollback')")}

    def counted(before: dict[str, int]) -> tuple[int, ...]:
        return tuple(told()[name] - before[name] for name in ('Com_begin', 'Com_commit', 'Com_rollback'))

    try:
        with connect.write(made) as conn:
            conn.exec_driver_sql('CREATE TABLE kept (n INT PRIMARY KEY)')
        before = told()
        for _time in range(3):
            with connect.read(made) as conn:
                assert conn.exec_driver_sql('SELECT n FROM kept').all() == []
        assert counted(before) == (0, 0, 0)
        # Nothing of a reader is left open: this would wait for it.
        with connect.write(made) as conn:
            conn.exec_driver_sql('ALTER TABLE kept ADD COLUMN m INT')
        before = told()
        with connect.write(made) as conn:
            conn.exec_driver_sql('INSERT INTO kept (n) VALUES (1)')
        assert counted(before) == (1, 1, 0)
        with pytest.raises(KeyError), connect.write(made) as conn:
            conn.exec_driver_sql('INSERT INTO kept (n) VALUES (2)')
            raise KeyError('a defect')
        assert counted(before) == (2, 1, 1)
        with connect.read(made) as conn:
            assert conn.exec_driver_sql('SELECT n FROM kept').scalars().all() == [1]
    finally:
        made.dispose()


def test_watch_rules_and_samples_are_on_a_server_what_they_are_elsewhere(engine: Engine) -> None:
    for case in (watched.test_samples_of_all_forms_are_added_up_by_period_and_unit,
                 watched.test_rules_are_listed_in_pages_and_by_what_they_are,
                 watched.test_history_is_told_in_pages_both_ways_and_kept_for_fourteen_days,
                 watched.test_metrics_are_listed_in_pages_and_by_their_dimensions,
                 watched.test_samples_are_cleared_away_after_fifteen_days,
                 watched.test_a_rule_of_another_project_is_not_there):
        case(watched.Site(engine))
        with connect.write(engine) as conn:
            for table in (schema.watch_rule, schema.watch_data, schema.watch_metric, schema.watch_history,
                          schema.lease):
                conn.execute(table.delete())


def test_who_makes_a_rule_while_the_rules_are_given_up_is_not_forgotten(engine: Engine) -> None:
    site = watched.Site(engine)
    for n in range(5):
        with connect.write(engine) as conn:
            conn.execute(schema.watch_rule.delete())
            conn.execute(schema.watch_history.delete())
            leases.offer(conn, leases.WATCHES)
        site.watcher.claim()

        def work(i: int, name: str = f'r{n}') -> object:
            return site.watcher.turn() if i == 0 else site.rule(name)['name']

        _turn, *made = together(3, work)
        # Of two who make the same one at the same moment, one may be asked to try again.
        assert f'r{n}' in made and all(
            one == f'r{n}' or isinstance(one, errors.ConcurrentTransaction) for one in made)
        with connect.read(engine) as conn:
            assert leases.owner(conn, leases.WATCHES) is not None
