"""Questions that travel together: who joins whom, and that each gets its own answer."""
from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from heat.bus import parcel, wire
from heat.bus.parcel import METHOD, Parcels, is_quick
from heat.common import errors
from tests.servers.daemon import wait_until

FOREVER = 60.0


class Far:
    """The other side. What is asked waits until ``open``; then it is answered by ``answer``."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.open = threading.Event()
        self.now = 0.0
        self.answer: Callable[[dict[str, Any], str, dict[str, Any]], Any] = self.plain
        self.parcels = Parcels(self.ask, lambda: self.now, linger=FOREVER, gather=0.0)
        self.threads: list[threading.Thread] = []

    def ask(self, context: dict[str, Any], method: str, arguments: dict[str, Any]) -> Any:
        self.asked.append((method, arguments))
        assert self.open.wait(FOREVER)
        if method == METHOD:
            return wire.result([self.answer(*question) for question in parcel.questions(arguments)])
        return self.plain(context, method, arguments)

    def waiting(self) -> int:
        company = self.parcels._next
        return 0 if company is None else len(company.members)

    def plain(self, context: dict[str, Any], method: str, arguments: dict[str, Any]) -> Any:
        return wire.result([context['request_id'], method, arguments])

    def together(self, questions: list[tuple[str, str, dict[str, Any]]]) -> dict[str, Any]:
        """request id -> answer or error of each question, all asked while a message is under way."""
        found: dict[str, Any] = {}

        def ask(request: str, method: str, arguments: dict[str, Any]) -> None:
            try:
                found[request] = wire.opened(self.parcels.ask(
                    {'request_id': request, wire.ENVELOPE: 1}, method, arguments))
            except errors.HeatException as error:
                found[request] = error

        def start(request: str, method: str, arguments: dict[str, Any]) -> None:
            self.threads.append(threading.Thread(target=ask, args=(request, method, arguments), daemon=True))
            self.threads[-1].start()

        start('before', 'get_revision', {})
        wait_until('it is under way', lambda: len(self.asked) == 1, FOREVER, every=0.01)
        for n, question in enumerate(questions, 1):
            start(*question)
            left = n % parcel.MANY if n <= parcel.MANY else (n - parcel.MANY) % parcel.SIZE
            wait_until('it waits', lambda left=left: self.waiting() == left, FOREVER, every=0.01)
        self.open.set()
        for thread in self.threads:
            thread.join(FOREVER)
        return {request: value for request, value in found.items() if not request.startswith('before')}


@pytest.fixture
def far() -> Far:
    return Far()


SHOWS = [(f'r{n}', 'show_stack', {'stack_identity': {'stack_id': str(n)}}) for n in range(3)]


def test_who_is_alone_sends_a_plain_call(far: Far) -> None:
    far.open.set()
    assert far.parcels.ask({'request_id': 'r'}, 'get_revision', {}) == wire.result(['r', 'get_revision', {}])
    assert far.asked == [('get_revision', {})]


def test_what_is_asked_while_messages_are_under_way_goes_as_one(far: Far) -> None:
    assert far.together(SHOWS) == {request: [request, method, given] for request, method, given in SHOWS}
    (method, sent), = far.asked[1:]
    assert method == METHOD and [question[1:] for question in sent['questions']] == [
        [method, given] for _request, method, given in SHOWS]


def test_each_gets_its_own_error(far: Far) -> None:
    def answer(context: dict[str, Any], method: str, arguments: dict[str, Any]) -> Any:
        if context['request_id'] == 'r1':
            return wire.failure(errors.EntityNotFound(entity='Stack', name='one'))
        return far.plain(context, method, arguments)

    far.answer = answer
    found = far.together(SHOWS)
    assert isinstance(found.pop('r1'), errors.EntityNotFound)
    assert {request: answer[0] for request, answer in found.items()} == {'r0': 'r0', 'r2': 'r2'}


def test_what_was_too_slow_is_asked_by_itself_and_the_next_time_at_once(far: Far) -> None:
    far.answer = lambda context, method, arguments: (
        None if context['request_id'] == 'r1' else far.plain(context, method, arguments))
    assert far.together(SHOWS)['r1'] == ['r1', *SHOWS[1][1:]]
    assert far.asked[2:] == [SHOWS[1][1:]]
    assert far.parcels._travels_alone(parcel._Asked(({}, *SHOWS[1][1:])))
    assert not far.parcels._travels_alone(parcel._Asked(({}, *SHOWS[0][1:])))
    far.now += parcel.MEMORY
    assert not far.parcels._travels_alone(parcel._Asked(({}, *SHOWS[1][1:])))


def test_an_engine_that_takes_no_parcels_is_asked_one_by_one(far: Far) -> None:
    real = far.ask

    def older(context: dict[str, Any], method: str, arguments: dict[str, Any]) -> Any:
        if method == METHOD:
            far.asked.append((method, {}))
            raise errors.RemoteError(request_id='r', type='NoSuchMethod')
        return real(context, method, arguments)

    far.parcels._ask = older
    assert far.together(SHOWS) == {request: [request, method, given] for request, method, given in SHOWS}
    assert [method for method, _given in far.asked[1:]] == [METHOD, *['show_stack'] * 3]
    assert far.parcels._travels_alone(parcel._Asked(({}, 'get_revision', {})))
    far.now += parcel.MEMORY
    assert not far.parcels._travels_alone(parcel._Asked(({}, 'get_revision', {})))


def test_nobody_hears_of_anothers_request_when_no_engine_answers(far: Far) -> None:
    def silent(context: dict[str, Any], method: str, arguments: dict[str, Any]) -> Any:
        if method == METHOD:
            raise wire.NoReply(request_id=context['request_id'], seconds=60)
        return Far.ask(far, context, method, arguments)

    far.parcels._ask = silent
    found = far.together(SHOWS)
    assert {request: str(error) for request, error in found.items()} == {
        request: f'No engine answered request {request} within 60 seconds.' for request in ('r0', 'r1', 'r2')}


@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')
def test_who_leads_may_break_and_the_others_ask_by_themselves(far: Far) -> None:
    """Nobody waits for a reply that was lost with the thread that was to bring it."""
    class Broken(BaseException):
        pass

    def breaking(context: dict[str, Any], method: str, arguments: dict[str, Any]) -> Any:
        if method == METHOD:
            raise Broken
        return Far.ask(far, context, method, arguments)

    far.parcels._ask = breaking
    leader, *others = SHOWS
    found = far.together(SHOWS)
    assert found == {request: [request, method, given] for request, method, given in others}
    assert leader[0] not in found
    assert far.parcels.ask({'request_id': 'r'}, 'get_revision', {}) == wire.result(['r', 'get_revision', {}])


def test_a_parcel_has_a_size(far: Far) -> None:
    many = [(f'r{n}', 'identify_stack', {'stack_name': str(n)}) for n in range(parcel.MANY + parcel.SIZE + 3)]
    assert far.together(many) == {request: [request, method, given] for request, method, given in many}
    sizes = [len(sent['questions']) for method, sent in far.asked if method == METHOD]
    assert sorted(sizes) == [3, parcel.MANY, parcel.SIZE]


def test_many_do_not_wait_for_the_message_before(far: Far) -> None:
    many = [(f'r{n}', 'identify_stack', {'stack_name': str(n)}) for n in range(parcel.MANY)]
    threads = [threading.Thread(target=far.parcels.ask, args=({'request_id': 'before'}, 'get_revision', {}),
                                daemon=True)]
    threads[0].start()
    wait_until('it is under way', lambda: len(far.asked) == 1, FOREVER, every=0.01)
    for request, method, given in many:
        threads.append(threading.Thread(
            target=far.parcels.ask, args=({'request_id': request}, method, given), daemon=True))
        threads[-1].start()
    wait_until('they are under way too', lambda: len(far.asked) == 2, FOREVER, every=0.01)
    far.open.set()
    for thread in threads:
        thread.join(FOREVER)


def test_who_was_answered_with_others_waits_for_them_to_ask_again(far: Far) -> None:
    far.together(SHOWS)
    far.parcels._gather = FOREVER
    found: list[Any] = []
    for request, method, given in SHOWS:
        assert not found
        threading.Thread(target=lambda *question: found.append(far.parcels.ask(*question)),
                         args=({'request_id': request}, method, given), daemon=True).start()
        if request != SHOWS[-1][0]:
            wait_until('it waits', lambda n=request: far.waiting() == int(n[1:]) + 1, FOREVER, every=0.01)
    wait_until('all are answered', lambda: len(found) == len(SHOWS), FOREVER, every=0.01)
    assert [len(sent['questions']) for method, sent in far.asked if method == METHOD] == [3, 3]


@pytest.mark.parametrize('method, arguments, quick', [
    ('show_stack', {}, True), ('list_stacks', {'limit': 20}, True), ('list_stacks', {}, False),
    ('list_stacks', {'limit': parcel.PAGE + 1}, False), ('list_events', {'limit': None}, False),
    ('validate_template', {'template': {}}, True), ('validate_template', {'template': 'x' * 20_000}, False),
    ('create_stack', {}, False), ('delete_stack', {}, False), ('resource_signal', {}, False)])
def test_only_what_is_soon_known_and_changes_nothing_travels_together(
        method: str, arguments: dict[str, Any], quick: bool) -> None:
    assert is_quick(method, arguments) is quick


def test_a_parcel_with_a_wish_in_it_is_refused() -> None:
    with pytest.raises(errors.NotSupported, match='delete_stack in a parcel'):
        parcel.questions({'questions': [[{}, 'get_revision', {}], [{}, 'delete_stack', {}]]})
