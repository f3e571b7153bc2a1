"""Migrations of the database: where they are, and how they are run.

Purpose: bring a database to a revision. Invariant: works from a checkout and
from an installed package; refuses a database that is not ours instead of
altering it. Neighbours: ``migrations/`` holds the revisions, heat-manage calls.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from sqlalchemy.engine import URL, Connection, Engine

from heat.db.connect import open_engine, read, write

VERSION_TABLE = 'alembic_version'
# The classic service, which has a table of revisions as well, has none of this name.
OWN_TABLE = 'lease'


class MigrationError(Exception):
    """The database cannot be brought to that revision; the text says why."""


def migrations_path() -> Path:
    """The directory with env.py: beside the package, under either name, or in the data directory."""
    package = Path(str(resources.files('heat')))
    places = [package.parent / 'migrations', package.parent / 'heat_migrations']
    for root in dict.fromkeys((sys.prefix, sysconfig.get_path('data'), '/usr/local', '/usr')):
        places.append(Path(root) / 'share' / 'heat' / 'migrations')
    for place in places:
        if (place / 'env.py').is_file():
            return place
    raise MigrationError(f'No migrations in {", ".join(str(place) for place in places)}.')


def configuration(conn: Connection | None = None) -> Config:
    """Alembic's configuration, bound to a connection."""
    config = Config()
    config.set_main_option('script_location', str(migrations_path()).replace('%', '%%'))
    config.attributes['connection'] = conn
    return config


def head() -> str:
    """The newest revision there is."""
    revision = ScriptDirectory.from_config(configuration()).get_current_head()
    assert revision is not None
    return revision


def version(source: str | URL | Engine) -> str | None:
    """The revision of a database; None for an empty one."""
    with read(_engine(source)) as conn:
        return _current(conn)


def _engine(source: str | URL | Engine) -> Engine:
    return source if isinstance(source, Engine) else open_engine(source)


def _current(conn: Connection) -> str | None:
    if not sa.inspect(conn).has_table(VERSION_TABLE):
        return None
    return conn.execute(sa.text(f'SELECT version_num FROM {VERSION_TABLE}')).scalar()


def upgrade(source: str | URL | Engine, version: str = 'head') -> str:
    """Bring a database up to ``version``; returns the revision it then has.

    Raises MigrationError if it holds tables of another kind or the revision is unknown.
    """
    engine = _engine(source)
    with write(engine) as conn, _alone(conn):
        _refuse_strangers(conn)
        try:
            command.upgrade(configuration(conn), version)
        except (RevisionError, command.util.CommandError) as error:
            raise MigrationError(str(error)) from None
    with read(engine) as conn:
        return _current(conn) or ''


@contextmanager
def _alone(conn: Connection) -> Iterator[None]:
    """Two hosts that are installed at the same time migrate one after the other."""
    if conn.dialect.name == 'postgresql':
        conn.exec_driver_sql('SELECT pg_advisory_xact_lock(7211462009)')
    if conn.dialect.name != 'mysql':
        yield
        return
    if conn.exec_driver_sql("SELECT GET_LOCK('heat_db_sync', 600)").scalar() != 1:
        raise MigrationError('Another migration of this server has been running for ten minutes.')
    try:
        yield
    finally:
        conn.exec_driver_sql("SELECT RELEASE_LOCK('heat_db_sync')")


def stamp(source: str | URL | Engine, version: str = 'head') -> None:
    """Write down that a database has ``version`` without changing it."""
    with write(_engine(source)) as conn:
        command.stamp(configuration(conn), version)


def require(engine: Engine) -> None:
    """Raises MigrationError for a database that this release cannot work with as it is.

    One of a newer release is taken: it has what this one needs, while hosts are upgraded one by one.
    """
    with read(engine) as conn:
        current, tables = _current(conn), set(sa.inspect(conn).get_table_names())
        if current is None:
            raise MigrationError('The database is empty: run heat-manage db_sync first.')
        if current not in _known() and OWN_TABLE not in tables:
            _refuse_strangers(conn)
    if current in _known() and current != head():
        raise MigrationError(f'The database has revision {current}, and this release needs {head()}: '
                             'run heat-manage db_sync first.')


def _known() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions()}


def _refuse_strangers(conn: Connection) -> None:
    tables = set(sa.inspect(conn).get_table_names())
    current = _current(conn)
    if current is not None and current not in _known():
        raise MigrationError(
            f'The database has revision {current}, which this release does not know. It was made by a newer '
            'release or by the classic service, whose databases are not imported.')
    if current is None and tables & {'migrate_version', 'stack', 'raw_template'}:
        raise MigrationError('The database holds tables of another service or of the classic one; '
                             'use an empty database.')
