"""Events as they happen: what a stream tells, how often the engine is asked for it, when it ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from heat.api.tails import KEPT, Tail, Tails
from heat.common import errors
from heat.common.clock import VirtualClock
from tests.wire.conftest import World
from tests.wire.keystone import PROJECT
from tests.wire.test_shapes import EVENT, EVENT_SHOWN, WEB

PATH = f'/v1/{PROJECT}/stacks/web/id-1/events'


class Log:
    """The events of a stack, as the engine would page through them."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.asked: list[str | None] = []
        self.fault: Exception | None = None

    def __call__(self, marker: str | None = None, limit: int | None = None, **_rest: Any) -> Any:
        self.asked.append(marker)
        if self.fault is not None:
            return self.fault
        start = self.ids.index(marker) + 1 if marker in self.ids else 0
        return [{**EVENT, 'event_identity': {**WEB, 'path': f'/resources/a/events/{number}'}}
                for number in self.ids[start:start + (limit or len(self.ids))]]


class Watcher:
    """One client; its time moves only when its stream sleeps."""

    def __init__(self, world: World, log: Log, clock: VirtualClock, **headers: Any) -> None:
        self.clock = clock
        self.slept: list[float] = []
        world.engine.answers['list_events'] = log
        self.response = world.ask('GET', PATH, X_Auth_Token='token-member', Accept='text/event-stream',
                                  **headers)
        self.chunks: Iterator[bytes] = iter(self.response.app_iter)

    def next(self) -> str:
        return next(self.chunks).decode()

    def ids(self, number: int) -> list[str]:
        return [self.next().split('\n')[0].removeprefix('id: ') for _ in range(number)]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def api(pipeline: Callable[..., World], clock: VirtualClock) -> World:
    """Streams live by this clock, and sleeping moves it."""
    return pipeline(tails=Tails(clock, clock.advance))


def test_a_stream_tells_what_was_and_what_comes(api: World, clock: VirtualClock) -> None:
    log = Log()
    log.ids = ['e-1', 'e-2']
    watcher = Watcher(api, log, clock)
    assert watcher.response.headers['Content-Type'] == 'text/event-stream; charset=utf-8'
    assert watcher.response.headers['Cache-Control'] == 'no-cache'
    assert 'Content-Length' not in watcher.response.headers
    assert watcher.next() == 'retry: 2000\n\n'
    first = watcher.next()
    head, data, *_rest = first.split('\n')
    assert head == 'id: e-1'
    told = json.loads(data.removeprefix('data: '))
    assert set(told) == set(EVENT_SHOWN)
    assert told['resource_status'] == 'CREATE_IN_PROGRESS'
    assert watcher.ids(1) == ['e-2']
    log.ids.append('e-3')
    assert watcher.ids(1) == ['e-3']
    method, arguments = api.engine.calls[-1]
    assert (method, arguments['marker'], arguments['sort_dir'], arguments['limit']) == (
        'list_events', 'e-2', 'asc', 200)


@pytest.mark.parametrize('how', [{'Last_Event_ID': 'e-2'}, {}])
def test_a_client_that_comes_back_goes_on_where_it_was(api: World, clock: VirtualClock,
                                                       how: dict[str, str]) -> None:
    log = Log()
    log.ids = ['e-1', 'e-2', 'e-3']
    watcher = Watcher(api, log, clock, **how)
    assert watcher.ids(2)[1] == ('e-3' if how else 'e-1')


def test_a_long_past_comes_in_pages(api: World, clock: VirtualClock) -> None:
    log = Log()
    log.ids = [f'e-{n}' for n in range(450)]
    watcher = Watcher(api, log, clock)
    assert watcher.ids(451)[1:] == log.ids
    assert log.asked == [None, 'e-199', 'e-399']


def test_many_watchers_ask_as_often_as_one(api: World, clock: VirtualClock) -> None:
    log = Log()
    log.ids = ['e-1']
    watchers = [Watcher(api, log, clock) for _ in range(20)]
    for watcher in watchers:
        assert watcher.ids(2)[1] == 'e-1'
    log.asked.clear()
    log.ids += ['e-2']
    begun = clock.monotonic()
    assert [watcher.ids(1) for watcher in watchers] == [['e-2']] * 20
    # Each sleeps in turn here, so more time passes than if they slept at once.
    assert len(log.asked) <= clock.monotonic() - begun + 1


def test_a_quiet_stack_is_asked_less_and_less_often_and_proxies_hear_of_it(
        api: World, clock: VirtualClock) -> None:
    log = Log()
    watcher = Watcher(api, log, clock)
    assert watcher.next().startswith('retry')
    log.asked.clear()
    begun = clock.monotonic()
    assert watcher.next() == ': still here\n\n'
    assert 15 <= clock.monotonic() - begun < 25
    assert len(log.asked) < 10


def test_a_stream_ends_in_time_and_gives_its_place_back(pipeline: Callable[..., World],
                                                        clock: VirtualClock) -> None:
    api = pipeline(more='[api]\nevent_stream_seconds = 60\nevent_streams = 1\n[DEFAULT]',
                   tails=Tails(clock, clock.advance))
    log = Log()
    watcher = Watcher(api, log, clock)
    begun = clock.monotonic()
    second = Watcher(api, log, clock)
    assert (second.response.status_int, second.response.headers['Retry-After']) == (503, '10')
    assert second.response.json_body['error']['message'] == (
        '1 streams of events are open already, or half of them by this project; try again later.')
    assert all(chunk.startswith((b'retry', b':')) for chunk in watcher.chunks)
    assert clock.monotonic() - begun == pytest.approx(60)
    watcher.response.app_iter.close()
    watcher.response.app_iter.close()
    assert Watcher(api, log, clock).response.status_int == 200


def test_one_project_keeps_no_other_out(clock: VirtualClock) -> None:
    tails = Tails(clock, clock.advance)
    mine = [tails.join(number, 1, 2, 5, 'mine') for number in range(4)]
    assert [tail is not None for tail in mine] == [True, True, True, False]
    other = [tails.join(f'o{number}', 1, 2, 5, 'other') for number in range(3)]
    assert [tail is not None for tail in other] == [True, True, False]
    tails.leave(0, 'mine')
    assert tails.join('again', 1, 2, 5, 'mine') is not None
    assert tails.watchers == 5


def test_an_engine_that_is_away_only_delays(api: World, clock: VirtualClock) -> None:
    log = Log()
    log.ids = ['e-1']
    watcher = Watcher(api, log, clock)
    assert watcher.ids(2)[1] == 'e-1'
    log.fault = errors.RemoteError(request_id='r')
    assert watcher.next() == ': still here\n\n'
    log.fault = None
    log.ids.append('e-2')
    assert watcher.ids(1) == ['e-2']


def test_a_stack_that_is_gone_ends_the_stream_with_the_reason(api: World, clock: VirtualClock) -> None:
    log = Log()
    watcher = Watcher(api, log, clock)
    watcher.next()
    log.fault = errors.EntityNotFound(entity='Stack', name='web')
    assert watcher.next() == (
        'event: end\ndata: {"reason": "The Stack (web) could not be found."}\n\n')
    assert next(watcher.chunks, None) is None


def test_a_stack_that_is_not_there_is_a_fault_and_no_stream(api: World, clock: VirtualClock) -> None:
    log = Log()
    log.fault = errors.EntityNotFound(entity='Stack', name='web')
    assert Watcher(api, log, clock).response.status_int == 404


@pytest.mark.parametrize('name', ['limit=1', 'sort_dir=asc', 'sort_keys=event_time'])
def test_what_orders_a_list_is_refused(api: World, name: str) -> None:
    got = api.ask('GET', f'{PATH}?{name}', X_Auth_Token='token-member', Accept='text/event-stream')
    assert (got.status_int, got.json_body['error']['message']) == (
        400, f'A stream of events takes no "{name.partition("=")[0]}".')


def test_a_tail_that_is_shared_misses_nothing_and_doubles_nothing() -> None:
    clock, log = VirtualClock(), [str(n) for n in range(3 * KEPT)]
    tail = Tail(clock, 1.0, 5.0)
    shown = 0

    def ask(marker: str | None) -> list[tuple[str, Any]]:
        start = 0 if marker is None else log.index(marker) + 1
        return [(one, None) for one in log[start:shown]]

    fast: list[str] = []
    slow: list[str] = []
    for turn in range(1, 31):
        shown = turn * KEPT // 10
        fast += [one for one, _ in tail.after(fast[-1] if fast else None, ask)]
        if turn % 7 == 0:
            slow += [one for one, _ in tail.after(slow[-1] if slow else None, ask)]
        clock.advance(1.0)
    assert fast == log[:shown]
    slow += [one for one, _ in tail.after(slow[-1], ask)]
    assert slow == log[:shown]
