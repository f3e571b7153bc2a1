"""A private MariaDB server; `database()` gives fresh databases.

Invariant: what was committed survives `kill()` and `restart()` (the redo log reaches the kernel at
each commit); only a crash of the whole machine could lose it.
"""
from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pymysql

from tests.servers.daemon import LOOPBACK, Daemon, account, free_port, program


class MariaDB(Daemon):
    """A server whose administrator is `root` over `socket`, and `username` over TCP."""

    name = 'mariadb'

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, account('mysql'))
        self.port = free_port()
        self.socket = directory / 'mysqld.sock'
        self.username, self.password = 'heat_test', uuid.uuid4().hex

    def database(self, name: str | None = None) -> str:
        """SQLAlchemy URL (mysql+pymysql) of a new, empty utf8mb4 database."""
        name = name or 't' + uuid.uuid4().hex[:12]
        self.execute(f'CREATE DATABASE `{name}` CHARACTER SET utf8mb4')
        return (f'mysql+pymysql://{self.username}:{self.password}@{LOOPBACK}:{self.port}/{name}'
                '?charset=utf8mb4')

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements as root; the rows of the last one."""
        with (pymysql.connect(unix_socket=str(self.socket), user='root', autocommit=True) as connection,
              connection.cursor() as cursor):
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def command(self) -> list[str]:
        data = self.directory / 'data'
        return [program('/usr/sbin/mariadbd', 'mariadbd', 'mysqld'), '--no-defaults', f'--datadir={data}',
                f'--socket={self.socket}', f'--pid-file={self.directory}/pid', f'--bind-address={LOOPBACK}',
                f'--port={self.port}', f'--tmpdir={self.directory}', '--max-connections=400',
                '--innodb-flush-log-at-trx-commit=2', '--innodb-buffer-pool-size=128M', '--skip-log-bin',
                '--skip-name-resolve', '--character-set-server=utf8mb4',
                '--collation-server=utf8mb4_general_ci']

    def prepare(self) -> None:
        self.run([program('mariadb-install-db', 'mysql_install_db'), '--no-defaults', '--skip-test-db',
                  f'--datadir={self.directory}/data', '--auth-root-authentication-method=normal'])

    def furnish(self) -> None:
        self.execute(
            f"CREATE USER IF NOT EXISTS '{self.username}'@'%' IDENTIFIED BY '{self.password}'",
            f"GRANT ALL ON *.* TO '{self.username}'@'%' WITH GRANT OPTION")

    def ready(self) -> bool:
        try:
            self.execute('SELECT 1')
        except pymysql.err.OperationalError:
            return False
        return True
