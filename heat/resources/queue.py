"""Queues of the messaging service, in the project of a stack's users.

Purpose: a queue that a user inside a server writes to, and what was written, in
its order. Invariant: the engine calls in that user's name, so only the stack's
own are in it; a message is taken out after the row has it for good, so none is
lost or counted twice. Neighbours: ``temp_url`` is the same by way of the object
store; deployments and wait conditions wait for either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from heat.model.op import Account, Call, CloudFault, Poll, Record, Site, UserCall
from heat.resources.base import Resource, Steps

MESSAGING = 'messaging'
# As long as any of its installations keeps a message by default, in seconds.
TTL = 1209600
# A page of the list has no more.
PAGE = 20


def site_of(data: Mapping[str, Any]) -> Site:
    """Where the queues of the user in a row's private ``data`` are."""
    return Site(account=Account(data['user_id'], data['password'], data['project_id']))


def prepare(resource: Resource, queue: str) -> Steps:
    """The queue is there, known to the row, which has a user, and is its only one."""
    queues = resource.row.data.get('queues') or []
    old = yield from resource.at_first('queues', [one for one in queues if one != queue])
    yield Record(data={'queues': [*old, queue]})
    yield Call(MESSAGING, 'PUT', path_of(queue), {}, label='queue', at=site_of(resource.row.data))
    for one in old:
        yield _removed(one, resource)
    yield Record(data={'queues': [queue]})


def post(queue: str, body: Any, site: Site) -> Call:
    return Call(MESSAGING, 'POST', f'{path_of(queue)}/messages', {'messages': [{'ttl': TTL, 'body': body}]},
                label='message', at=site)


def remove(resource: Resource) -> Steps:
    """Take the row's queues away with what is in them; before the user is."""
    queues = resource.row.data.get('queues')
    if not queues:
        return
    try:
        # It may have been suspended, and nobody else reaches them.
        yield UserCall('resume_user', {'user_id': resource.row.data['user_id']}, label='resume user')
    except CloudFault as fault:
        if fault.status != 404:
            raise
        # Without their user they cannot be reached; the messages end by themselves.
        return
    for queue in queues:
        yield _removed(queue, resource)


def _removed(queue: str, resource: Resource) -> Call:
    return Call(MESSAGING, 'DELETE', path_of(queue), ok=(404,), label='remove queue',
                at=site_of(resource.row.data))


def path_of(queue: str) -> str:
    return f'/queues/{quote(queue, safe="")}'


class Messages:
    """What was written to a queue: ``texts`` in its order, kept with the row of who waits.

    ``site`` is that of the queue's user.
    """

    def __init__(self, waiting: Resource, queue: str, site: Site) -> None:
        self._waiting = waiting
        self._path = f'{path_of(queue)}/messages'
        self._queue = queue
        self._site = site
        self._gone = 0
        self.texts: list[Any] = []

    @property
    def _kept(self) -> list[dict[str, Any]]:
        """All that were found, each with its id: some before a crash, or for an earlier wait."""
        kept: dict[str, Any] = self._waiting.row.data.get('messages') or {}
        return list(kept.get(self._queue) or ())

    def expect(self, count: int) -> Steps:
        """Nothing keeps any number of them from being seen."""
        yield from ()

    def more(self, enough: Callable[[], bool] = lambda: False, deadline: float | None = None,
             late: str = '') -> Steps:
        """Wait until there is more; or until there is ``enough`` of something else."""
        if len(self._kept) > len(self.texts):
            return (yield from self._take_out())

        kept = self._kept
        # One that was taken out may be shown for a moment longer.
        known = {one['id'] for one in kept}

        def fresh(listed: Any) -> list[dict[str, Any]]:
            return [{'id': one['id'], 'body': one['body']} for one in (listed or {}).get('messages') or ()
                    if one['id'] not in known]

        def judge(listed: Any) -> bool | str:
            return enough() or bool(fresh(listed))

        listed = yield Poll(MESSAGING, f'{self._path}?echo=true&include_claimed=true&limit={PAGE}',
                            self._queue, judge, deadline=deadline, late=late, at=self._site)
        yield Record(data={'messages': {self._queue: [*kept, *fresh(listed)]}})
        yield from self._take_out()

    def _take_out(self) -> Steps:
        kept = self._kept
        for one in kept[self._gone:]:
            self._gone += 1
            yield Call(MESSAGING, 'DELETE', f'{self._path}/{one["id"]}', ok=(404,), label='message taken',
                       at=self._site)
        self.texts = [one['body'] for one in kept]
