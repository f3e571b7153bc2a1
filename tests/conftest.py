"""Fixtures of every test room: real servers, started once per run when a test first asks.

A server that cannot be had skips its tests with the reason; with HEAT_TEST_REQUIRE_SERVERS=1 they
fail instead. Neighbours: tests/servers, which starts and stops them.
"""
from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from tests.servers.daemon import Unavailable
from tests.servers.devcloud import Devcloud, wanted
from tests.servers.keystone import Keystone
from tests.servers.mariadb import MariaDB
from tests.servers.postgresql import PostgreSQL
from tests.servers.rabbitmq import RabbitMQ

# No test measures time: on a busy machine an example may take longer than the default allows.
settings.register_profile('heat', deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile('heat')


class _Server(Protocol):
    def start(self) -> object: ...

    def stop(self) -> None: ...


S = TypeVar('S', bound=_Server)


@contextmanager
def serving(server: S) -> Iterator[S]:
    """The server, started, and stopped at the end; a skip or a failure when it cannot be had."""
    try:
        server.start()
    except Unavailable as reason:
        text = f'no {type(server).__name__}: {reason}'
        if os.environ.get('HEAT_TEST_REQUIRE_SERVERS') == '1':
            pytest.fail(text, pytrace=False)
        pytest.skip(text)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def handlers_of_logs() -> Iterator[None]:
    """A program that sets up its log leaves no handler that writes to a stream of an earlier test."""
    before = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = before


@pytest.fixture(scope='session')
def servers_directory() -> Iterator[Path]:
    """Where servers keep their data: short (socket paths), and open to the accounts they run as."""
    directory = Path(tempfile.mkdtemp(prefix='heat-servers-', dir='/tmp'))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope='session')
def rabbitmq(servers_directory: Path) -> Iterator[RabbitMQ]:
    """A broker; `rabbitmq.vhost()` is the transport URL of a fresh virtual host."""
    with serving(RabbitMQ(servers_directory / 'rabbitmq')) as server:
        yield server


@pytest.fixture(scope='session')
def mariadb(servers_directory: Path) -> Iterator[MariaDB]:
    """A server; `mariadb.database()` is the URL of a fresh database."""
    with serving(MariaDB(servers_directory / 'mariadb')) as server:
        yield server


@pytest.fixture(scope='session')
def postgresql(servers_directory: Path) -> Iterator[PostgreSQL]:
    """A server; `postgresql.database()` is the URL of a fresh database."""
    with serving(PostgreSQL(servers_directory / 'postgresql')) as server:
        yield server


@pytest.fixture(scope='session')
def keystone(servers_directory: Path) -> Iterator[Keystone]:
    """Keystone with the users, roles and domain that a Heat needs."""
    with serving(Keystone(servers_directory / 'keystone')) as server:
        yield server


@pytest.fixture(scope='session')
def devcloud(servers_directory: Path) -> Iterator[Devcloud]:
    """A whole OpenStack on loopback; `devcloud.demo` are a plain user's credentials."""
    kept = os.environ.get('HEAT_TEST_CLOUD')
    directory = Path(kept) if kept else servers_directory / 'devcloud'
    with serving(Devcloud(directory, wanted(), kept=bool(kept))) as cloud:
        yield cloud
