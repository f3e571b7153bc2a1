"""Engines, transactions, repetition and database time.

Purpose: the one place that knows drivers and dialects. Invariant: every write
transaction is entered through ``write``; on SQLite it takes the write lock at
once, so it never fails half way for being late. Neighbours: ``cmd`` opens the
engine; ``db.writer`` and intake write; all other files here take a Connection.
"""

from __future__ import annotations

import logging
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, Connection, Dialect, Engine, make_url

from heat.common import green
from heat.common.clock import Clock
from heat.db.pool import UNLIMITED, ThreadPool

LOG = logging.getLogger(__name__)
P = ParamSpec('P')
T = TypeVar('T')

_DRIVERS = {'mysql': 'mysql+pymysql', 'mariadb': 'mysql+pymysql', 'mariadb+pymysql': 'mysql+pymysql',
            'postgres': 'postgresql+psycopg2', 'postgresql': 'postgresql+psycopg2',
            'sqlite+pysqlite': 'sqlite'}
_WRITE = 'heat_write'
# A connection that was idle for longer, in seconds, is tried before it is used; no server restarts faster.
_FRESH = 0.5
# So many descriptions of columns are remembered.
_COLUMNS = 5000

# Deadlock, lock wait timeout; gone away, lost, killed, shut down, refused; too many are connected, read-only.
_MYSQL_AGAIN = {1213, 1205}
_MYSQL_LOST = {2006, 2013, 2014, 2055, 1927, 1053, 2002, 2003, 1047, 1040, 1203, 1290, 1836}
# Serialization failure, deadlock; SQLSTATE class 08 and shutdowns; too many are connected, read-only.
_PG_AGAIN = {'40001', '40P01'}
_PG_LOST = {'57P01', '57P02', '57P03', '53300', '25006'}
# A table or a grant is missing, as while an operator restores something.
_MYSQL_OPERATED, _PG_OPERATED = {1146, 1142, 1044}, {'42P01', '42501'}


class WrongDatabase(Exception):
    """``[database] connection`` cannot be used as it is; the text says why, without the password."""


class NoDatabase(Exception):
    """The server was waited for in vain; the text says which, without the password, and why."""


def normal_url(url: str | URL) -> URL:
    """The URL with its driver written out; WrongDatabase for an unknown kind of server."""
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError) as error:
        raise WrongDatabase('[database] connection is not a URL such as '
                            'mysql+pymysql://USER:PASSWORD@HOST/heat.') from error
    parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
    if parsed.get_backend_name() not in ('sqlite', 'mysql', 'postgresql'):
        raise WrongDatabase(f'[database] connection: {parsed.get_backend_name()} is not supported as a '
                            'database; mysql, postgresql and sqlite are.')
    if parsed.get_backend_name() == 'mysql' and 'charset' not in parsed.query:
        parsed = parsed.update_query_dict({'charset': 'utf8mb4'})
    return parsed


def open_engine(source: Any) -> Engine:
    """An engine for a URL, or for a configuration with a ``[database]`` group.

    With a configuration the server is waited for: ``max_retries`` times, every
    ``retry_interval`` seconds. Raises WrongDatabase, or NoDatabase if it stays away.
    """
    if isinstance(source, str | URL):
        return _engine(normal_url(source), {})
    options = source.database
    if not options.connection:
        raise WrongDatabase('[database] connection is not set.')
    url = normal_url(options.connection)
    for pair in filter(None, (options.connection_parameters or '').split('&')):
        key, _, value = pair.partition('=')
        url = url.update_query_dict({key: value})
    engine = _engine(normal_url(url), dict(options.items()))
    _await_server(engine, options.max_retries, options.retry_interval)
    return engine


def _engine(url: URL, options: dict[str, Any]) -> Engine:
    backend = url.get_backend_name()

    def given(name: str, default: float) -> float:
        value = options.get(name)
        return default if value is None else value

    debug = given('connection_debug', 0)
    size, overflow = int(given('max_pool_size', 5)), int(given('max_overflow', 50))
    arguments: dict[str, Any] = {
        'pool_recycle': int(given('connection_recycle_time', 3600)),
        'pool_timeout': float(given('pool_timeout', 30)),
        # Bound values are parameters and properties of users: never in a log or an error.
        'hide_parameters': True,
        'echo': 'debug' if debug >= 100 else debug >= 50}
    if backend == 'sqlite':
        arguments['connect_args'] = {'check_same_thread': False, 'timeout': 30}
    else:
        arguments.update(isolation_level='READ COMMITTED')
    if backend == 'mysql':
        # PyMySQL waits cooperatively, so the library's own pool is the right one.
        arguments.update(pool_size=size, max_overflow=overflow)
    elif backend == 'sqlite' and url.database in (None, '', ':memory:'):
        # The one connection is the database: it must not be closed for its age.
        arguments.update(poolclass=ThreadPool, pool_size=1, pool_recycle=-1)
    else:
        # As in the library's pool: no size, or a negative overflow, is no limit.
        arguments.update(poolclass=ThreadPool,
                         pool_size=size + overflow if size > 0 and overflow >= 0 else UNLIMITED)
    try:
        engine = sa.create_engine(url, **arguments)
    except (exc.ArgumentError, ImportError) as error:
        raise WrongDatabase(f'[database] connection: {url.drivername} cannot be used: {error}.') from error
    _prepare(engine, options)
    return engine


def _prepare(engine: Engine, options: dict[str, Any]) -> None:
    settings: list[str] = []
    if engine.dialect.name == 'mysql':
        _connect_by_ours(engine)

        @event.listens_for(engine, 'begin')
        def _begin_writing(conn: Connection) -> None:
            if conn.get_execution_options().get(_WRITE):
                conn.exec_driver_sql('BEGIN')
    if engine.dialect.name == 'sqlite':
        settings = ['PRAGMA foreign_keys=ON', 'PRAGMA journal_mode=WAL']
        if not options.get('sqlite_synchronous', True):
            settings.append('PRAGMA synchronous=OFF')

        @event.listens_for(engine, 'begin')
        def _begin(conn: Connection) -> None:
            conn.exec_driver_sql('BEGIN IMMEDIATE' if conn.get_execution_options().get(_WRITE) else 'BEGIN')
    elif engine.dialect.name == 'mysql':
        mode = options.get('mysql_sql_mode', 'TRADITIONAL')
        if mode:
            settings.append(f"SET SESSION sql_mode = '{mode}'")
        if options.get('mysql_wsrep_sync_wait') is not None:
            settings.append(f"SET SESSION wsrep_sync_wait = {int(options['mysql_wsrep_sync_wait'])}")

    @event.listens_for(engine, 'connect')
    def _connected(connection: Any, _record: Any) -> None:
        if engine.dialect.name == 'sqlite':
            # The driver's own BEGIN comes too late; ours is in the listener above.
            connection.isolation_level = None
        elif engine.dialect.name == 'mysql':
            # A reading transaction sees what others commit between two of its statements anyway, so the
            # server is told of the writing ones only.
            connection.autocommit(True)
        cursor = connection.cursor()
        for statement in settings:
            cursor.execute(statement)
        cursor.close()

    if engine.dialect.name != 'sqlite':
        _try_idle(engine)
    if engine.dialect.name == 'postgresql':
        _without_nul(engine)

    if options.get('connection_trace'):
        @event.listens_for(engine, 'before_cursor_execute', retval=True)
        def _trace(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any,
                   _many: bool) -> tuple[str, Any]:
            return f'{statement} -- {_calling_place()}', parameters


def _without_nul(engine: Engine) -> None:
    """PostgreSQL has no U+0000 in texts: U+FFFD stands for it, in what is kept and in what is looked for.

    Names are refused before they come here; a reason, or a filter that finds nothing, is not worth a failure.
    """
    def clean(row: Any) -> Any:
        if not isinstance(row, Mapping) or not any(type(v) is str and '\0' in v for v in row.values()):
            return row
        return {name: value.replace('\0', '\ufffd') if isinstance(value, str) else value
                for name, value in row.items()}

    @event.listens_for(engine, 'before_cursor_execute', retval=True)
    def _said(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any,
              _many: bool) -> tuple[str, Any]:
        return statement, [clean(row) for row in parameters] if isinstance(parameters, list) else clean(
            parameters)


def _try_idle(engine: Engine) -> None:
    """Replace connections that were lost while they were idle, without asking the server at every use."""
    clock = Clock()

    @event.listens_for(engine, 'checkin')
    def _returned(_connection: Any, record: Any) -> None:
        record.info['returned'] = clock.monotonic()

    @event.listens_for(engine, 'checkout')
    def _taken(connection: Any, record: Any, _proxy: Any) -> None:
        if clock.monotonic() - record.info.get('returned', clock.monotonic()) < _FRESH:
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:
            # The pool makes another in its place; all that are as old will be as lost.
            raise exc.InvalidatePoolError(str(error)) from error


def _connect_by_ours(engine: Engine) -> None:
    """Connections that do less for the same.

    PyMySQL makes a TLS context for each, and reads the host's whole list of authorities for it, though
    without a certificate to check against it checks none: several times the cost of connecting. All that
    were given no certificates share one. And it asks the server to roll back where nothing was begun,
    which would be a third of what a read asks. With each answer the server describes its columns; what
    these bytes say is worked out once.
    """
    from pymysql.connections import Connection as Plain
    from pymysql.constants import SERVER_STATUS
    from pymysql.protocol import FieldDescriptorPacket, MysqlPacket
    kept: list[ssl.SSLContext] = []
    columns: dict[tuple[str, bytes], Column] = {}

    class Column(FieldDescriptorPacket):
        def __init__(self, data: bytes, encoding: str) -> None:
            super().__init__(data, encoding)
            self._description = super().description()

        def description(self) -> Any:
            return self._description

    class Sparing(Plain):
        def _read_packet(self, packet_type: Any = MysqlPacket) -> Any:
            if packet_type is not FieldDescriptorPacket:
                return super()._read_packet(packet_type)
            data = super()._read_packet().get_all_data()
            known = columns.get((self.encoding, data))
            if known is None:
                if len(columns) >= _COLUMNS:
                    columns.clear()
                known = columns[self.encoding, data] = Column(data, self.encoding)
            return known

        def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
            if sslp:
                return super()._create_ssl_ctx(sslp)
            if not kept:
                kept.append(super()._create_ssl_ctx(sslp))
            return kept[0]

        def rollback(self) -> None:
            if self.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS or not self.get_autocommit():
                super().rollback()

    @event.listens_for(engine, 'do_connect')
    def _connect(_dialect: Dialect, _record: Any, arguments: Any, options: Any) -> Any:
        return Sparing(*arguments, **options)


def _calling_place() -> str:
    frame = sys._getframe(1)
    while frame.f_back and ('sqlalchemy' in frame.f_code.co_filename or frame.f_code.co_filename == __file__):
        frame = frame.f_back
    return f'{frame.f_code.co_name}:{frame.f_lineno}'


def _await_server(engine: Engine, attempts: int, interval: float) -> None:
    place = engine.url.render_as_string(hide_password=True)
    tried = 0
    while True:
        try:
            with engine.connect():
                return
        except exc.DBAPIError as error:
            why = ' '.join(str(error.orig).split()).rstrip('.')
            if engine.dialect.name == 'sqlite' or isinstance(error, exc.ProgrammingError):
                raise WrongDatabase(f'[database] connection {place} cannot be used: {why}.') from error
            tried += 1
            if 0 <= attempts < tried:
                raise NoDatabase(f'[database] connection {place} does not serve: {why}.') from error
            LOG.warning('The database %s does not serve: %s. Trying again in %s s.', place, why, interval)
            green.sleep(interval)


def blocks_hub(engine: Engine) -> bool:
    """True if the driver waits in C, so that calls belong into ``green.in_thread``."""
    return engine.dialect.name != 'mysql'


def offload(engine: Engine, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call ``function`` where waiting for this engine's driver stalls nobody."""
    if blocks_hub(engine):
        result: T = green.in_thread(partial(function, *args, **kwargs))
        return result
    return function(*args, **kwargs)


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes: committed at the end, rolled back by an exception."""
    with engine.connect() as conn:
        conn = conn.execution_options(**{_WRITE: True})
        with conn.begin():
            yield conn


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """One transaction that only reads; there is nothing to commit."""
    with engine.connect() as conn:
        yield conn


def reading(engine: Engine, function: Callable[Concatenate[Connection, P], T], *args: P.args,
            **kwargs: P.kwargs) -> T:
    """What ``function`` finds in one reading transaction, where waiting for it stalls nobody.

    It is asked once more where its connection breaks: when a server goes, all that are in use break.
    """
    def once() -> T:
        with read(engine) as conn:
            return function(conn, *args, **kwargs)

    def run() -> T:
        try:
            return once()
        except exc.DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return once()

    return offload(engine, run)


def writing(engine: Engine, function: Callable[Concatenate[Connection, P], T], *args: P.args,
            **kwargs: P.kwargs) -> T:
    """What ``function`` returns from one writing transaction, where waiting for it stalls nobody."""
    def run() -> T:
        with write(engine) as conn:
            return function(conn, *args, **kwargs)

    return offload(engine, run)


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """``attempts`` in all (0 or less: for ever), ``interval`` seconds, doubled up to ``ceiling``.

    Without ``lost`` only deadlocks are repeated, not lost connections.
    """

    attempts: int = 5
    interval: float = 0.05
    ceiling: float = 2.0
    lost: bool = True

    @classmethod
    def of(cls, conf: Any) -> RetryPlan:
        """The plan that the ``[database]`` options describe."""
        options = conf.database
        if not options.use_db_reconnect:
            return cls(lost=False)
        interval = float(options.db_retry_interval)
        ceiling = float(options.db_max_retry_interval) if options.db_inc_retry_interval else interval
        return cls(options.db_max_retries + 1 if options.db_max_retries >= 0 else 0, interval, ceiling)


def may_repeat(error: BaseException, lost: bool = True) -> bool:
    """True for a deadlock or busy database, and with ``lost`` for a connection that broke."""
    if not isinstance(error, exc.DBAPIError):
        return False
    if error.connection_invalidated:
        return lost
    code = error.orig.args[0] if error.orig is not None and error.orig.args else None
    state = getattr(error.orig, 'pgcode', None)
    if code in _MYSQL_AGAIN or state in _PG_AGAIN:
        return True
    if isinstance(error, exc.OperationalError) and 'database is locked' in str(error.orig):
        return True
    refused = isinstance(error, exc.OperationalError) and state is None and hasattr(error.orig, 'pgcode')
    return lost and (code in _MYSQL_LOST or state in _PG_LOST or str(state).startswith('08') or refused)


def away(error: BaseException) -> bool:
    """True where the database could not be used at all, whatever was asked of it."""
    if isinstance(error, exc.TimeoutError):
        return True
    return isinstance(error, exc.DBAPIError) and (
        error.connection_invalidated or may_repeat(error) or may_be_mended(error))


def may_be_mended(error: exc.DBAPIError) -> bool:
    """True for a refusal that has nothing to do with what was to be written: an operator ends it."""
    code = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return code in _MYSQL_OPERATED or getattr(error.orig, 'pgcode', None) in _PG_OPERATED


def retry_on_disconnect(plan: RetryPlan = RetryPlan(), pause: Callable[[float], Any] = green.sleep,
                        ) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function that runs whole transactions and may safely run twice.

    Safe means: after a commit whose answer was lost, doing it again changes nothing
    more. ``pause`` waits for the given seconds between two attempts.
    """
    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
            interval = plan.interval
            attempt = 1
            while True:
                try:
                    return function(*args, **kwargs)
                except exc.DBAPIError as error:
                    if attempt == plan.attempts or not may_repeat(error, plan.lost):
                        raise
                    LOG.warning('The database refused a transaction (%s); attempt %d follows.',
                                type(error.orig).__name__, attempt + 1)
                attempt += 1
                pause(interval)
                interval = min(interval * 2, plan.ceiling)
        return repeated
    return decorate


def writing_past_deadlocks(engine: Engine, function: Callable[[Connection], T]) -> T:
    """``writing``, again when another transaction was let through first; ``function`` does nothing else."""
    return retry_on_disconnect(RetryPlan(lost=False))(writing)(engine, function)


def now_expression(dialect: Dialect) -> sa.ColumnElement[float]:
    """SQL for the server's time in epoch seconds, with fractions."""
    text = {'sqlite': "(julianday('now') - 2440587.5) * 86400.0",
            'mysql': 'UNIX_TIMESTAMP(NOW(6)) + 0e0',
            'postgresql': 'CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)'}[dialect.name]
    return sa.literal_column(text, sa.Double)


def db_now(conn: Connection) -> float:
    """The server's time in epoch seconds."""
    return float(conn.execute(sa.select(now_expression(conn.dialect))).scalar_one())


@dataclass(slots=True)
class StatementCount:
    """What an engine was asked to do since the count began."""

    statements: int = 0
    commits: int = 0


def count_statements(engine: Engine) -> StatementCount:
    """Start counting statements (an executemany is one) and commits of ``engine``."""
    counter = StatementCount()

    @event.listens_for(engine, 'before_cursor_execute')
    def _statement(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith('BEGIN'):
            counter.statements += 1

    @event.listens_for(engine, 'commit')
    def _commit(_conn: Connection) -> None:
        counter.commits += 1

    return counter
