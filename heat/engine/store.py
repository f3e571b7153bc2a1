"""The writer's thread: batches into the database, one transaction each.

Purpose: group commit without stalling the loop. Invariant: batches are written
in the order in which they came, each until it succeeds: a database that is away
only delays. Neighbours: ``loop`` hands batches over, ``db.writer`` writes one.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

from sqlalchemy import Engine, exc
from sqlalchemy.engine import Connection

from heat.common import green
from heat.common.clock import Clock
from heat.db import connect, writer
from heat.db.secrets import Cipher
from heat.db.writer import Batch, Committed

LOG = logging.getLogger(__name__)
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0


class Store:
    """Writes for one engine. ``failpoint`` is called with a name at each step, for crash tests.

    ``tell`` is called with each root that has new events for its sinks.
    """

    def __init__(self, database: Engine, engine_id: str, crypt: Cipher | None, clock: Clock,
                 failpoint: Callable[[str], None] = lambda name: None,
                 tell: Callable[[str], None] = lambda root_id: None) -> None:
        self._database = database
        self._engine_id = engine_id
        self._crypt = crypt
        self._clock = clock
        self._failpoint = failpoint
        self._tell = tell
        self._queue = green.Queue()
        self._stopped = False

    def start(self) -> None:
        green.spawn(self._run)

    def stop(self) -> None:
        self._stopped = True
        self._queue.put(None)

    def write(self, batch: Batch, done: Callable[[Committed], None]) -> None:
        """Queue a batch; ``done`` gets the outcome once it is durable."""
        self._queue.put((batch, done))

    def _run(self) -> None:
        while not self._stopped:
            item = self._queue.get()
            if item is not None:
                batch, done = item
                done(self._told(self._persist(batch)))

    def _told(self, outcome: Committed) -> Committed:
        for root_id in outcome.heard:
            self._tell(root_id)
        return outcome

    def _persist(self, batch: Batch) -> Committed:
        pause, unsure = FIRST_PAUSE, False
        while True:
            try:
                return connect.offload(self._database, self.commit, batch, unsure)
            except exc.DBAPIError as error:
                if isinstance(error, exc.DataError | exc.IntegrityError | exc.ProgrammingError) and (
                        not connect.may_be_mended(error)):
                    return self._apart(batch, error)
                if not connect.may_repeat(error) and not error.connection_invalidated:
                    LOG.exception('The database refuses a batch of %d rows; it is tried again.',
                                  len(batch.rows))
                else:
                    LOG.warning('The database does not take a batch (%s); it is tried again.',
                                type(error.orig).__name__)
            except (OSError, exc.TimeoutError) as error:
                LOG.warning('The database does not take a batch (%s); it is tried again.', error)
            except Exception as error:
                # Not even asked: a value cannot be written at all, and never will.
                LOG.error('A batch of %d rows cannot be written (%s):\n%s', len(batch.rows),
                          type(error).__name__, ''.join(traceback.format_tb(error.__traceback__)))
                return self._apart(batch, error)
            # The commit may have gone through before the connection broke.
            unsure = True
            green.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _apart(self, batch: Batch, error: Exception) -> Committed:
        """A batch that the database will never take: the tree at fault is given up, the others go on."""
        roots = sorted(batch.fences)
        if len(roots) > 1:
            outcomes = [self._persist(batch.part(root)) for root in roots]
            return Committed(*(frozenset().union(*(getattr(one, name) for one in outcomes))
                               for name in ('lost', 'overtaken', 'heard')))
        # Of what is no answer of the database nothing is quoted, since it may be part of the value.
        said = error.orig if isinstance(error, exc.DBAPIError) else type(error).__name__
        LOG.error('The database refuses what stack tree %s wants to write (%s); it is given up.', roots, said)
        reason = f'The database refused to store a change: {said}'

        def give_up(conn: Connection) -> None:
            for root in roots:
                writer.give_up(conn, root, self._engine_id, batch.fences[root], reason, self._clock.now())

        while True:
            try:
                connect.writing(self._database, give_up)
                return Committed(lost=frozenset(roots))
            except (exc.DBAPIError, exc.TimeoutError, OSError) as fault:
                LOG.warning('Stack tree %s is not given up yet (%s); it is tried again.', roots,
                            type(fault).__name__)
                green.sleep(FIRST_PAUSE)

    def commit(self, batch: Batch, unsure: bool = False) -> Committed:
        """One transaction, now, in this thread; errors of the driver."""
        self._failpoint('commit.before')
        with connect.write(self._database) as conn:
            if unsure and writer.written_already(conn, batch):
                LOG.info('A batch had been written before the connection broke.')
                return Committed(heard=writer.heard(conn, batch))
            outcome = writer.write(conn, batch, self._engine_id, self._crypt, self._clock.now())
        self._failpoint('commit.after')
        return outcome


class DirectStore(Store):
    """Writes at once, in the caller's thread: for tests and the simulator."""

    def write(self, batch: Batch, done: Callable[[Committed], None]) -> None:
        done(self._told(self.commit(batch)))
