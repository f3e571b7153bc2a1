"""A connection pool whose waiting is done by real threads.

Purpose: SQLite and PostgreSQL drivers block, so their work is done in real
threads beside the green ones; the locks of SQLAlchemy's own pool are green there
and a waiter in one thread is never woken by another. Invariant: at most ``pool_size``
connections, each with one user at a time. Neighbours: ``connect`` picks it.
"""

from __future__ import annotations

import _queue  # eventlet replaces queue.SimpleQueue, not this one
from collections import deque
from typing import Any

from sqlalchemy import exc
from sqlalchemy.pool import ConnectionPoolEntry, Pool

# More than a process has threads.
UNLIMITED = 10_000


class ThreadPool(Pool):
    """``pool_size`` is a number of connections; ``timeout`` seconds to wait for one.

    Raises sqlalchemy.exc.TimeoutError when none becomes free.
    """

    # Its lines are the library's, and as quiet as the library's when everything else is debugged.
    _sqla_logger_namespace = 'sqlalchemy.pool.ThreadPool'

    def __init__(self, creator: Any, pool_size: int = 5, timeout: float = 30.0, **options: Any) -> None:
        super().__init__(creator, **options)
        self._size = pool_size
        self._timeout = timeout
        self._idle: deque[ConnectionPoolEntry] = deque()
        self._permits: Any = _queue.SimpleQueue()
        for _ in range(pool_size):
            self._permits.put(None)

    def _do_get(self) -> ConnectionPoolEntry:
        try:
            self._permits.get(timeout=self._timeout)
        except _queue.Empty:
            raise exc.TimeoutError(
                f'No database connection became free in {self._timeout} seconds '
                f'(all {self._size} are in use).') from None
        try:
            # Last in, first out: the warm one, so that the spare ones can age out.
            return self._idle.pop()
        except IndexError:
            pass
        try:
            return self._create_connection()
        except BaseException:
            self._permits.put(None)
            raise

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        self._idle.append(record)
        self._permits.put(None)

    def recreate(self) -> ThreadPool:
        return ThreadPool(self._creator, pool_size=self._size, timeout=self._timeout, recycle=self._recycle,
                          echo=self.echo, logging_name=self._orig_logging_name, pre_ping=self._pre_ping,
                          reset_on_return=self._reset_on_return, _dispatch=self.dispatch,
                          dialect=self._dialect)

    def dispose(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def status(self) -> str:
        return f'{self._size} connections at most, {len(self._idle)} idle, {self._permits.qsize()} free'
