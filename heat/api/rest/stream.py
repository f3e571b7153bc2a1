"""Events as they happen: the list of events as a stream of server-sent events.

Purpose: ``Accept: text/event-stream`` on a list of events. Invariant: a client
that comes back with Last-Event-ID misses nothing and is told nothing twice; a
stream ends after a bounded time, and an engine that is away only delays it.
Neighbours: ``api.rest.events`` chooses it; ``api.tails`` asks the engine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import webob
import webob.exc

from heat.api.dispatch import Call
from heat.api.tails import Ask, Item, Tail, Tails
from heat.common import errors, green

TYPE = 'text/event-stream'
PAGE = 200
# Without a word for so long, a proxy may take the connection for dead; a client that left is noticed.
SILENCE = 15.0
RETRY_MILLISECONDS = 2000
# They order a list; events are told in their own order.
SENSELESS = ('limit', 'sort_keys', 'sort_dir')

Shape = Callable[[dict[str, Any]], dict[str, Any]]


def wanted(call: Call) -> bool:
    return TYPE in call.request.headers.get('Accept', '')


def serve(call: Call, arguments: dict[str, Any], shape: Shape) -> webob.Response:
    """The response whose body goes on: what there is after the client's last event, then what comes."""
    request, options = call.request, call.wiring.conf.api
    for name in SENSELESS:
        if request.one(name) is not None:
            raise webob.exc.HTTPBadRequest(f'A stream of events takes no "{name}".')
    context = call.context
    last = request.headers.get('Last-Event-ID') or request.one('marker')

    def ask(marker: str | None) -> list[Item]:
        found: list[Item] = []
        while True:
            page = call.engine('list_events', **arguments, limit=PAGE, marker=marker, sort_keys=None,
                               sort_dir='asc')
            found += [(event['event_identity']['path'].rpartition('/')[2], shape(event)) for event in page]
            if len(page) < PAGE:
                return found
            marker = found[-1][0]

    # Before anything is answered: a stack that is not there is a fault, not a stream.
    so_far = ask(last)
    tails = call.wiring.tails
    key = (context.tenant_id, context.is_admin, request.application_url,
           json.dumps(arguments, sort_keys=True))
    tail = tails.join(key, options.event_stream_interval, options.event_stream_idle_interval,
                      options.event_streams, context.tenant_id or '')
    if tail is None:
        raise webob.exc.HTTPServiceUnavailable(
            f'{options.event_streams} streams of events are open already, or half of them by this project; '
            'try again later.',
            headers=[('Retry-After', '10')])
    green.unbuffered(request.environ)
    body = Body(written(so_far, last, tail, ask, tails, options.event_stream_seconds),
                lambda: tails.leave(key, context.tenant_id or ''))
    return webob.Response(app_iter=body, content_type=TYPE, charset='utf-8', headerlist=[
        ('Content-Type', f'{TYPE}; charset=utf-8'), ('Cache-Control', 'no-cache'),
        # nginx would keep it back until it is a whole page.
        ('X-Accel-Buffering', 'no')])


class Body:
    """The stream for a WSGI server, which closes it however it ends; even one that was never begun."""

    def __init__(self, chunks: Iterator[bytes], leave: Callable[[], None]) -> None:
        self._chunks, self._leave = chunks, leave
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._leave()


def written(found: list[Item], last: str | None, tail: Tail, ask: Ask, tails: Tails,
            seconds: float) -> Iterator[bytes]:
    """The chunks of one stream, until ``seconds`` have passed or the stack is gone."""
    yield f'retry: {RETRY_MILLISECONDS}\n\n'.encode()
    clock = tails.clock
    end = clock.monotonic() + seconds
    told = clock.monotonic()
    while True:
        for number, event in found:
            yield f'id: {number}\ndata: {json.dumps(event, default=str)}\n\n'.encode()
            last, told = number, clock.monotonic()
        now = clock.monotonic()
        if now >= end:
            return
        if now - told >= SILENCE:
            told = now
            yield b': still here\n\n'
        tails.sleep(min(tail.pause, max(0.0, end - now)))
        try:
            found = tail.after(last, ask)
        except errors.RemoteError:
            # No engine answers at the moment; what it will tell then begins where this ends.
            found = []
        except errors.HeatException as error:
            yield f'event: end\ndata: {json.dumps({"reason": str(error)})}\n\n'.encode()
            return
