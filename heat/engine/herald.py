"""Events told to the sinks that a stack's environment names: queues of the messaging service.

Purpose: after events are committed, post those of the whole tree to each sink of its root, in
the order of their commits. Invariant: the database says what there is to tell and how far that
has been told, so each event is told at least once, and twice where an engine died in between
(the message's ``id`` is the event's, so a reader can tell); a sink that takes nothing misses
its events, and holds up neither the stack nor the other sinks. Neighbours: ``store`` and
``intake`` say which trees have news, ``app`` has a stack's end told, ``db.sinks`` remembers.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from heat.clouds.credential import Credential
from heat.common import errors, green
from heat.db import connect, events, sinks, stacks, templates
from heat.db.events import Recorded
from heat.engine.courier import Caller
from heat.engine.loader import Loader
from heat.engine.render import moment
from heat.model.event import REASON_MAX
from heat.model.op import Call, CloudFault
from heat.model.stack import Stack
from heat.resources import queue

LOG = logging.getLogger(__name__)
HERALDS = 8
VERSION = '0.1'
# How long a deletion waits until its end has been told, in seconds.
PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told of a tree, to whom and in whose name."""

    root: Stack
    credential: Credential | None
    sinks: Sequence[Mapping[str, Any]]
    events: Sequence[Recorded]


@dataclass(frozen=True, slots=True)
class LastWords:
    """The event that ends a root, told before it is recorded; ``told`` is set afterwards."""

    event: Recorded
    told: threading.Event


class Herald:
    """For one engine; ``spawn`` runs a function elsewhere. A tree is told of by one at a time."""

    def __init__(self, database: Engine, loader: Loader, performer: Caller,
                 spawn: Callable[[Callable[[], None]], object] | None = None) -> None:
        self._database = database
        self._loader = loader
        self._performer = performer
        self._spawn = spawn or green.Pool(HERALDS).spawn
        self._lock = threading.Lock()
        self._due: set[str] = set()
        self._busy: set[str] = set()
        self._last: dict[str, LastWords] = {}
        # Sinks, by root, that took nothing the last time.
        self._refused: dict[str, set[str]] = {}
        self._stopped = False

    def __call__(self, root_id: str) -> None:
        """The tree has, or may have, news for its sinks. Returns at once."""
        with self._lock:
            self._due.add(root_id)
            if root_id in self._busy:
                return
            self._busy.add(root_id)
        self._spawn(lambda: self._run(root_id))

    def catch_up(self) -> None:
        """Tell what engines that died left untold."""
        try:
            for root_id in connect.reading(self._database, sinks.behind):
                self(root_id)
        except Exception as error:
            LOG.warning('What was left untold waits for the next news of its stacks: %s', error)

    def stop(self) -> None:
        """Begin nothing more; whoever starts next goes on."""
        self._stopped = True

    def last_words(self, root_id: str, event: Recorded, patience: float = PATIENCE) -> None:
        """Tell of a root's end while its credential still serves; returns at the latest after ``patience``.

        It cannot fail to come any more. Should the engine die before it is recorded, another
        one records and tells it again.
        """
        # Most have no sinks, and need not wait for those whose sinks are slow.
        if not self._heard(root_id):
            return
        words = LastWords(event, green.Event())
        with self._lock:
            self._last[root_id] = words
        self(root_id)
        words.told.wait(patience)

    def _heard(self, root_id: str) -> bool:
        return connect.reading(self._database, sinks.told, root_id) is not None

    def _run(self, root_id: str) -> None:
        try:
            while self._next(root_id):
                self._tell(root_id)
        except BaseException:
            with self._lock:
                self._busy.discard(root_id)
            raise

    def _next(self, root_id: str) -> bool:
        with self._lock:
            if root_id not in self._due or self._stopped:
                self._busy.discard(root_id)
                return False
            self._due.discard(root_id)
            return True

    def _tell(self, root_id: str) -> None:
        words = self._last.pop(root_id, None)
        try:
            while (news := self._news(root_id)) is not None and news.events and not self._stopped:
                self._post(news)
                self._advance(root_id, news.events[-1].id)
            if news is not None and words is not None:
                self._post(News(news.root, news.credential, news.sinks, (words.event,)))
        except Exception:
            # Whatever it is, it will be told with the next news of the tree.
            LOG.exception('The events of stack tree %s could not be told to its sinks.', root_id)
        finally:
            if words is not None:
                words.told.set()

    def _news(self, root_id: str) -> News | None:
        """The next page; None if nobody ever listened."""
        def load(conn: Connection) -> News | None:
            told = sinks.told(conn, root_id)
            root = stacks.load_stack(conn, root_id, show_deleted=True) if told is not None else None
            if told is None or root is None:
                return None
            return News(root, self._loader.credential(conn, root),
                        templates.event_sinks(conn, root.template_id),
                        events.events_after(conn, root_id, told, queue.PAGE))

        return connect.reading(self._database, load)

    def _advance(self, root_id: str, number: int) -> None:
        connect.writing(self._database, sinks.advance, root_id, number)

    def _post(self, news: News) -> None:
        if news.credential is None:
            # A root that is deleted has none any more: its end was told before that.
            self._refused.pop(news.root.id, None)
            return
        for sink in news.sinks:
            call, refused = posting(sink, news.events), self._refused.get(news.root.id, set())
            try:
                try:
                    self._performer.perform_now(news.credential, call)
                except CloudFault as fault:
                    if fault.status or sink['target'] in refused:
                        raise
                    # Nobody knows whether they arrived; rather twice than not at all.
                    self._performer.perform_now(news.credential, call)
            except Exception as error:
                self._refuse(news.root, sink['target'], error)
            else:
                refused.discard(sink['target'])

    def _refuse(self, root: Stack, target: str, error: Exception) -> None:
        refused = self._refused.setdefault(root.id, set())
        if target not in refused:
            refused.add(target)
            known = isinstance(error, CloudFault | errors.HeatException)
            LOG.warning('The queue %s takes no events of stack %s (%s) and misses them; the list of events '
                        'has them all: %s', target, root.name, root.id,
                        error if known else f'{type(error).__name__}: {error}', exc_info=not known)


def posting(sink: Mapping[str, Any], told: Sequence[Recorded]) -> Call:
    """One request with all of them; without a ``ttl`` they live as long as the queue keeps messages."""
    living = {'ttl': sink['ttl']} if sink.get('ttl') is not None else {}
    return Call(queue.MESSAGING, 'POST', f'{queue.path_of(sink["target"])}/messages', {
        'messages': [{**living, 'body': message(one)} for one in told]}, label='events')


def message(recorded: Recorded) -> dict[str, Any]:
    """An event as sinks get it.

    The form is the classic one: ``event_sink`` in the contract of states. Its key for the
    properties is there and empty, since who may read a queue need not be who may see those.
    """
    one = recorded.event
    return {
        'timestamp': moment(recorded.created_at), 'version': VERSION, 'type': 'os.heat.event', 'id': one.uuid,
        'payload': {
            'resource_name': one.resource_name, 'physical_resource_id': one.physical_id,
            'stack_id': one.stack_id, 'resource_action': str(one.action),
            'resource_status': str(one.status), 'resource_status_reason': one.reason[:REASON_MAX],
            'resource_type': one.resource_type, 'resource_properties': None, 'version': VERSION}}
