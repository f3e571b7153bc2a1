"""Engines, transactions, repetition, the pool and migrations on SQLite."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from oslo_config import cfg
from sqlalchemy import exc
from sqlalchemy.engine import Engine

from heat.cmd import manage
from heat.common import config
from heat.common.crypt import Crypt
from heat.db import (
    connect,
    creds,
    exports,
    leases,
    migrate,
    plans,
    resources,
    schema,
    services,
    sinks,
    stacks,
    templates,
)
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Action, Status
from tests.unit.store import NOW, TREE


def differences(engine: Engine) -> list[object]:
    """What alembic would still change to make the database equal to ``heat.db.schema``."""
    with connect.read(engine) as conn:
        return list(compare_metadata(MigrationContext.configure(conn, opts={'compare_type': True}),
                                     schema.metadata))


@pytest.mark.parametrize(('given', 'driver'), [
    ('mysql://u:p@h/d', 'mysql+pymysql'), ('mariadb://h/d', 'mysql+pymysql'),
    ('mysql+pymysql://h/d?charset=utf8mb4', 'mysql+pymysql'),
    ('postgresql://h/d', 'postgresql+psycopg2'), ('sqlite:///x', 'sqlite')])
def test_driver_is_chosen(given: str, driver: str) -> None:
    url = connect.normal_url(given)
    assert url.drivername == driver
    if driver == 'mysql+pymysql':
        assert url.query['charset'] == 'utf8mb4'


def test_other_servers_are_refused() -> None:
    with pytest.raises(connect.WrongDatabase):
        connect.open_engine('oracle://h/d')


def test_file_database_is_safe_by_default(tmp_path: Path) -> None:
    engine = connect.open_engine(f'sqlite:///{tmp_path}/a.db')
    with connect.read(engine) as conn:
        assert conn.exec_driver_sql('PRAGMA journal_mode').scalar() == 'wal'
        assert conn.exec_driver_sql('PRAGMA foreign_keys').scalar() == 1
        assert conn.exec_driver_sql('PRAGMA synchronous').scalar() == 2


def test_writers_of_one_file_wait_for_each_other(tmp_path: Path) -> None:
    engine = connect.open_engine(f'sqlite:///{tmp_path}/a.db')
    migrate.upgrade(engine)
    started = threading.Event()
    order: list[int | str | None] = []

    def second() -> None:
        started.set()
        with connect.write(engine) as conn:
            order.append(leases.take(conn, 'root', 'b', now=1.0))

    with connect.write(engine) as conn:
        assert leases.take(conn, 'root', 'a', now=1.0) == 1
        thread = threading.Thread(target=second)
        thread.start()
        started.wait()
        # Readers don't wait, and see the state before.
        with connect.read(engine) as other:
            assert leases.owner(other, 'root') is None
        order.append('first')
    thread.join()
    assert order == ['first', None]


def test_pool_hands_out_no_more_than_it_has() -> None:
    engine = connect.open_engine('sqlite://')
    engine.pool._timeout = 0.01  # type: ignore[attr-defined]
    with connect.read(engine), pytest.raises(exc.TimeoutError):
        engine.connect()
    with connect.read(engine) as conn:
        assert conn.exec_driver_sql('SELECT 1').scalar() == 1
    assert engine.pool.status() == '1 connections at most, 1 idle, 1 free'


GREEN = """
from heat.common import green
green.patch()
from heat.db import connect, leases, schema
engine = connect.open_engine('sqlite://')
with connect.write(engine) as conn:
    schema.metadata.create_all(conn)
def take(i):
    with connect.write(engine) as conn:
        return leases.take(conn, 'root', f'engine-{i}')
taken = green.Queue()
for i in range(60):
    green.spawn(lambda i=i: taken.put(('took', connect.offload(engine, take, i))))
print(sorted(str(taken.get(timeout=20)) for _ in range(60))[:2])
"""


def test_waiters_for_a_connection_are_woken_under_green_threads() -> None:
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', GREEN], capture_output=True, text=True,
                          timeout=60, check=True, cwd=Path(migrate.__file__).parents[2])
    assert done.stdout.strip() == """["('took', 1)", "('took', None)"]"""


@pytest.mark.parametrize(('size', 'overflow', 'most'), [
    (3, 4, 7), (None, None, 55), (0, 4, 10_000), (3, -1, 10_000)])
def test_pool_has_the_configured_size(tmp_path: Path, size: int | None, overflow: int | None,
                                      most: int) -> None:
    conf = cfg.ConfigOpts()
    config.register(conf)
    conf([], default_config_files=[], default_config_dirs=[])
    for name, value in (('max_pool_size', size), ('max_overflow', overflow)):
        if value is not None:
            conf.set_override(name, value, 'database')
    conf.set_override('connection', f'sqlite:///{tmp_path}/a.db', 'database')
    conf.set_override('sqlite_synchronous', False, 'database')
    engine = connect.open_engine(conf)
    assert engine.pool.status().startswith(f'{most} connections at most')
    with connect.read(engine) as conn:
        assert conn.exec_driver_sql('PRAGMA synchronous').scalar() == 0


def test_a_connection_that_cannot_be_made_gives_its_place_back(tmp_path: Path) -> None:
    engine = connect.open_engine(f'sqlite:///{tmp_path}/absent/a.db')
    places = engine.pool.status()
    for _ in range(3):
        with pytest.raises(exc.OperationalError):
            engine.connect()
    assert engine.pool.status() == places


def test_bound_values_are_in_no_error() -> None:
    engine = connect.open_engine('sqlite://')
    with pytest.raises(exc.OperationalError) as caught, connect.read(engine) as conn:
        conn.execute(sa.text('SELECT * FROM absent WHERE a = :a'), {'a': 'hunter2'})
    assert 'hunter2' not in str(caught.value)


class Broken(Exception):
    """What a driver raises; ``args[0]`` is MariaDB's code."""


def failure(code: object, invalid: bool = False, pgcode: str | None = None) -> exc.DBAPIError:
    original = Broken(code)
    if pgcode:
        original.pgcode = pgcode  # type: ignore[attr-defined]
    return exc.OperationalError('', None, original, connection_invalidated=invalid)


@pytest.mark.parametrize(('error', 'always', 'if_lost'), [
    (failure(1213), True, True), (failure('', pgcode='40P01'), True, True),
    (failure('database is locked'), True, True), (failure(2013), False, True),
    (failure('', invalid=True), False, True), (failure('', pgcode='57P01'), False, True),
    (failure(1040), False, True), (failure(1290), False, True), (failure('', pgcode='53300'), False, True),
    (failure('', pgcode='25006'), False, True),
    (failure(1064), False, False), (failure('', pgcode='42601'), False, False), (ValueError(), False, False)])
def test_which_errors_are_repeated(error: Exception, always: bool, if_lost: bool) -> None:
    assert connect.may_repeat(error, lost=False) is always
    assert connect.may_repeat(error, lost=True) is if_lost


@pytest.mark.parametrize(('error', 'mended'), [
    (failure(1146), True), (failure(1142), True), (failure('', pgcode='42P01'), True),
    (failure('', pgcode='42501'), True), (failure(1064), False), (failure('', pgcode='42601'), False)])
def test_which_refusals_an_operator_ends(error: exc.DBAPIError, mended: bool) -> None:
    assert connect.may_be_mended(error) is mended


def test_repetition_waits_longer_each_time_and_ends() -> None:
    waits: list[float] = []
    calls: list[int] = []

    @connect.retry_on_disconnect(connect.RetryPlan(4, 1.0, 3.0), waits.append)
    def work(succeed_at: int) -> str:
        calls.append(1)
        if len(calls) < succeed_at:
            raise failure(2006)
        return 'done'

    assert work(4) == 'done'
    assert waits == [1.0, 2.0, 3.0]
    calls.clear()
    with pytest.raises(exc.OperationalError):
        work(9)
    assert len(calls) == 4


def test_migrations_build_what_the_code_expects() -> None:
    engine = connect.open_engine('sqlite://')
    assert migrate.version(engine) is None
    assert migrate.upgrade(engine) == migrate.head() == migrate.version(engine)
    assert migrate.upgrade(engine) == migrate.head()
    assert differences(engine) == []


def data_survives_migrations(engine: Engine) -> None:
    """Rows of the first revision are there, as they were, at the newest one."""
    migrate.upgrade(engine, '0001')
    with connect.write(engine) as conn:
        conn.exec_driver_sql(
            "INSERT INTO raw_template (tenant, template, content_hash) VALUES ('t', '{}', 'h')")
        number = conn.exec_driver_sql('SELECT id FROM raw_template').scalar()
        conn.execute(sa.text(
            'INSERT INTO stack (id, name, raw_template_id, tenant, root_stack_id, nested_depth,'
            ' disable_rollback, termination_protection, goal_seq, resources_total, resources_done, action,'
            ' status) VALUES'
            " ('s', 'old', :number, 't', 's', 0, :yes, :yes, 1, 0, 0, 'CREATE', 'COMPLETE')"),
            {'number': number, 'yes': True})
        conn.exec_driver_sql(
            "INSERT INTO exports (tenant, name, stack_id, value) VALUES ('t', 'vpc', 's', '\"v\"')")
        conn.exec_driver_sql("INSERT INTO user_creds (tenant_id, trustor_user_id) VALUES ('t', 'u')")
        owner = conn.exec_driver_sql('SELECT id FROM user_creds').scalar()
        conn.exec_driver_sql(
            'INSERT INTO pending_signal (uuid, root_stack_id, stack_id, resource_name)'
            " VALUES ('u', 's', 's', 'handle')")
    migrate.upgrade(engine)
    with connect.read(engine) as conn:
        kept = stacks.load_stack(conn, 's')
        assert kept is not None and (kept.name, kept.disable_rollback) == ('old', True)
        # Nothing was ever published under the first revision: a name counts as reserved.
        assert exports.names_of(conn, 's') == {'vpc'}
        assert exports.published(conn, 't', None) == []
        assert creds.load_credential(conn, int(owner or 0), Crypt(['k' * 32])) == creds.Credential(
            tenant_id='t', trustor_user_id='u')
        # What was waiting then is a signal to the resource itself.
        assert conn.execute(sa.text('SELECT kind FROM pending_signal')).scalar() == 'signal'
        assert plans.list_plans(conn, 't') == []
        # Nothing was set for a stack before there were settings, nor did a check come to anything.
        kept_columns = stacks.extra_columns(conn, 's') or {}
        assert (kept_columns['settings'], kept_columns['drift']) == (None, None)
        assert kept_columns['termination_protection'] is True
        # Nobody listened to it.
        assert sinks.told(conn, 's') is None and sinks.behind(conn) == []


def test_data_survives_migrations() -> None:
    data_survives_migrations(connect.open_engine('sqlite://'))


def test_comparison_would_notice() -> None:
    engine = connect.open_engine('sqlite://')
    migrate.upgrade(engine)
    with connect.write(engine) as conn:
        conn.exec_driver_sql('ALTER TABLE stack ADD COLUMN surplus INTEGER')
        conn.exec_driver_sql('DROP INDEX ix_event_stack_id')
    assert len(differences(engine)) == 2


def test_strange_databases_are_left_alone() -> None:
    classic = connect.open_engine('sqlite://')
    with connect.write(classic) as conn:
        conn.exec_driver_sql('CREATE TABLE alembic_version (version_num VARCHAR(32))')
        conn.exec_driver_sql("INSERT INTO alembic_version VALUES ('97b2a986f922')")
    with pytest.raises(migrate.MigrationError, match='97b2a986f922'):
        migrate.upgrade(classic)
    older = connect.open_engine('sqlite://')
    with connect.write(older) as conn:
        conn.exec_driver_sql('CREATE TABLE migrate_version (version INTEGER)')
    with pytest.raises(migrate.MigrationError):
        migrate.upgrade(older)


@pytest.fixture
def conf(tmp_path: Path) -> list[str]:
    file = tmp_path / 'heat.conf'
    file.write_text(f'[DEFAULT]\nauth_encryption_key = key of the test\n'
                    f'[database]\nconnection = sqlite:///{tmp_path}/heat.db\n')
    return ['--config-file', str(file)]


def test_manage_makes_the_database(conf: list[str], tmp_path: Path,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    assert manage.main([*conf, 'service', 'list']) == 1
    assert 'db_sync' in capsys.readouterr().err
    assert manage.main([*conf, 'db_version']) == 0
    assert manage.main([*conf, 'db_sync']) == 0
    assert manage.main([*conf, 'db_sync']) == 0
    capsys.readouterr()
    assert manage.main([*conf, 'db_version']) == 0
    assert capsys.readouterr().out.strip() == migrate.head()
    assert manage.main([*conf, 'db_sync', 'no-such-revision']) == 1
    with sqlite3.connect(tmp_path / 'heat.db') as raw:
        assert raw.execute('SELECT count(*) FROM stack').fetchone() == (0,)


def test_manage_looks_after_services_and_stacks(conf: list[str], tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch,
                                                capsys: pytest.CaptureFixture[str]) -> None:
    assert manage.main([*conf, 'db_sync']) == 0
    engine = connect.open_engine(f'sqlite:///{tmp_path}/heat.db')
    crypt = Crypt(['key of the test'])
    with connect.write(engine) as conn:
        services.register(conn, services.Service(
            's', 'engine-1', 'h', 'host-1', 'heat-engine', 'engine', 60), NOW)
        number = templates.store_template(conn, TREE, {'parameters': {'pw': 'x'}}, {}, 't', NOW)
        stack = Stack('id-1', 's', 't', 'id-1', number, created_at=NOW)
        stacks.insert_stack(conn, stack)
        leases.take(conn, 'id-1', 'engine-1')
        row = Row('u-1', 'id-1', 'id-1', 'r', 'T', Action.CREATE, Status.IN_PROGRESS, data={'key': 'v4lue'})
        resources.upsert_rows(conn, [row], crypt, now=NOW)
    assert manage.main([*conf, 'service', 'list']) == 0
    out = capsys.readouterr().out
    assert 'engine-1' in out and 'down' in out
    assert manage.main([*conf, 'service', 'clean']) == 0
    assert manage.main([*conf, 'resource_data_list', '1']) == 0
    assert 'key              v4lue' in capsys.readouterr().out
    assert manage.main([*conf, 'resource_data_list', '77']) == 1
    assert manage.main([*conf, 'update_params', '--verbose-update-params', 'encrypt']) == 0
    assert 'encrypt: 1 environments' in capsys.readouterr().out

    def answer(text: str) -> None:
        (tmp_path / 'answer').write_text(text)
        monkeypatch.setattr('sys.stdin', (tmp_path / 'answer').open())

    answer('n\n')
    assert manage.main([*conf, 'reset_stack_status', 'id-1']) == 0
    with connect.read(engine) as conn:
        assert stacks.load_stack(conn, 'id-1') == stack
    answer('y\n')
    assert manage.main([*conf, 'reset_stack_status', 'id-1']) == 0
    with connect.write(engine) as conn:
        assert services.list_services(conn) == []
        found = stacks.load_stack(conn, 'id-1')
        assert found is not None and found.status is Status.FAILED
        assert [r.status for r in resources.rows_of_stack(conn, 'id-1', crypt)] == [Status.FAILED]
        assert leases.owner(conn, 'id-1') is None
        stacks.mark_deleted(conn, ['id-1'], NOW)
    assert manage.main([*conf, 'purge_deleted', '-g', 'seconds', '-b', '3', '1']) == 0
    assert manage.main([*conf, 'purge_deleted', '--', '-1']) == 1
    with connect.read(engine) as conn:
        assert stacks.load_stack(conn, 'id-1', show_deleted=True) is None
