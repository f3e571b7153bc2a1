"""A private PostgreSQL server; `database()` gives fresh databases.

Invariant: what was committed survives `kill()` and `restart()`; only the flush to the disk is off.
"""
from __future__ import annotations

import glob
import signal
import uuid
from pathlib import Path
from typing import Any

import psycopg2

from tests.servers.daemon import LOOPBACK, Daemon, account, free_port, program


def _binary(name: str) -> str:
    def version(path: str) -> float:
        return float(path.split('/')[4])
    # Debian keeps the servers of every version out of PATH
    found = sorted(glob.glob(f'/usr/lib/postgresql/[0-9]*/bin/{name}'), key=version, reverse=True)
    return program(*found, name)


class PostgreSQL(Daemon):
    """A server with one superuser, `username`, who logs in with `password` over TCP."""

    name = 'postgresql'
    stop_signal = signal.SIGINT          # "fast": SIGTERM would wait for the clients to leave

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, account('postgres'))
        self.port = free_port()
        self.username, self.password = 'heat_test', uuid.uuid4().hex

    def database(self, name: str | None = None) -> str:
        """SQLAlchemy URL (postgresql+psycopg2) of a new, empty UTF-8 database."""
        name = name or 't' + uuid.uuid4().hex[:12]
        self.execute(f'CREATE DATABASE "{name}"')
        return f'postgresql+psycopg2://{self.username}:{self.password}@{LOOPBACK}:{self.port}/{name}'

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement as the superuser, outside any transaction; its rows if it has any."""
        connection = psycopg2.connect(host=LOOPBACK, port=self.port, user=self.username,
                                      password=self.password, dbname='postgres', connect_timeout=5)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def command(self) -> list[str]:
        return [_binary('postgres'), '-D', str(self.directory / 'data'), '-p', str(self.port),
                '-k', str(self.directory), '-c', f'listen_addresses={LOOPBACK}', '-c', 'fsync=off',
                '-c', 'max_connections=200', '-c', 'shared_buffers=64MB']

    def prepare(self) -> None:
        secret = self.directory / 'password'
        secret.write_text(self.password + '\n')
        secret.chmod(0o600)
        self._own_file(secret)
        self.run([_binary('initdb'), '-D', str(self.directory / 'data'), '-U', self.username, '-E', 'UTF8',
                  '--locale=C.UTF-8', '--auth=scram-sha-256', f'--pwfile={secret}', '--no-sync'])

    def ready(self) -> bool:
        try:
            self.execute('SELECT 1')
        except psycopg2.OperationalError:
            return False
        return True
