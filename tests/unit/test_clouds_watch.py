"""Bulk polling as pure bookkeeping, on a virtual clock."""

from __future__ import annotations

from typing import Any

import pytest

from heat.clouds.watch import MOST_SENSELESS, TURN, Round, Verdict, Watch
from heat.common.clock import VirtualClock
from heat.model import op

KEY = ('cred', 'compute', '/servers/detail')


def active(body: dict[str, Any] | None) -> bool | str:
    if body is None:
        return 'It is gone.'
    return 'It broke.' if body['status'] == 'ERROR' else body['status'] == 'ACTIVE'


def poll(item_id: str, **changes: Any) -> op.Poll:
    values: dict[str, Any] = {
        'judge': active,
        'unwrap': 'server',
        'list_path': '/servers/detail',
        'list_key': 'servers',
        **changes,
    }
    return op.Poll('compute', f'/servers/{item_id}', item_id, **values)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def watch(clock: VirtualClock) -> Watch:
    return Watch(clock, rand=lambda: 0.5)


def add(watch: Watch, *ids: str, **changes: Any) -> None:
    for item_id in ids:
        watch.add(poll(item_id, **changes), KEY, f'waits for {item_id}')


def only_round(watch: Watch, clock: VirtualClock) -> Round:
    due = watch.next_due()
    assert due is not None
    clock.advance(max(0.0, due - clock.monotonic()) + 1e-6)
    rounds = watch.due(clock.monotonic())
    assert len(rounds) == 1
    return rounds[0]


def building(*ids: str) -> dict[str, Any]:
    return {item_id: {'id': item_id, 'status': 'BUILD'} for item_id in ids}


def test_nothing_is_due_before_the_first_interval(watch: Watch, clock: VirtualClock) -> None:
    add(watch, 'a')
    assert watch.due(clock.monotonic() + 0.19) == []
    assert len(watch.due(clock.monotonic() + 0.2)) == 1


def test_three_waiters_are_asked_singly_four_by_one_list(watch: Watch, clock: VirtualClock) -> None:
    add(watch, 'a', 'b', 'c')
    first = only_round(watch, clock)
    assert not first.bulk and first.ids == {'a', 'b', 'c'}
    watch.results(first, building('a', 'b', 'c'))
    add(watch, 'd')
    assert only_round(watch, clock).bulk


def test_many_waiters_without_a_list_are_asked_singly(watch: Watch, clock: VirtualClock) -> None:
    add(watch, *'abcdef', list_path=None)
    assert not only_round(watch, clock).bulk


def test_credentials_are_not_mixed(watch: Watch, clock: VirtualClock) -> None:
    watch.add(poll('a'), KEY, 1)
    watch.add(poll('b'), ('other', *KEY[1:]), 2)
    clock.advance(1)
    assert {round_.credential for round_ in watch.due(clock.monotonic())} == {'cred', 'other'}


def test_verdicts_end_waits_and_the_rest_goes_on(watch: Watch, clock: VirtualClock) -> None:
    add(watch, *'abcd')
    bodies = building('a', 'b', 'c', 'd')
    bodies['a']['status'], bodies['b']['status'] = 'ACTIVE', 'ERROR'
    ended = dict(watch.results(only_round(watch, clock), bodies))
    assert ended == {
        'waits for a': Verdict(bodies['a']),
        'waits for b': Verdict(bodies['b'], failure='It broke.'),
    }
    assert only_round(watch, clock).ids == {'c', 'd'}


def test_a_round_that_runs_is_not_begun_again(watch: Watch, clock: VirtualClock) -> None:
    add(watch, 'a')
    only_round(watch, clock)
    assert watch.next_due() is None and watch.due(clock.monotonic() + 100) == []


def test_interval_grows_to_its_maximum_and_falls_back_on_change(watch: Watch, clock: VirtualClock) -> None:
    add(watch, 'a')
    pauses = []
    for status in ['BUILD'] * 12 + ['REBUILD']:
        began = only_round(watch, clock)
        before = clock.monotonic()
        watch.results(began, {'a': {'id': 'a', 'status': status}})
        due = watch.next_due()
        assert due is not None
        pauses.append(round(due - before, 2))
    assert pauses[0] == 0.2 and pauses[1] == 0.3 and pauses[-2] == 5.0
    assert pauses == [*sorted(pauses[:-1]), 0.2]


def test_jitter_stays_within_a_tenth(clock: VirtualClock) -> None:
    for rand, wanted in ((0.0, 0.18), (0.999999, 0.22)):
        watch = Watch(clock, rand=lambda rand=rand: rand)  # type: ignore[misc]
        add(watch, 'a')
        watch.results(only_round(watch, clock), building('a'))
        assert (watch.next_due() or 0) - clock.monotonic() == pytest.approx(wanted, abs=1e-4)


def test_a_slow_list_takes_at_most_half_of_the_time(watch: Watch, clock: VirtualClock) -> None:
    add(watch, *'abcd')
    round_ = only_round(watch, clock)
    clock.advance(8)
    watch.results(round_, building(*'abcd'))
    assert (watch.next_due() or 0) - clock.monotonic() == pytest.approx(8, abs=1e-4)


def test_missing_from_a_list_is_confirmed_before_it_is_gone(watch: Watch, clock: VirtualClock) -> None:
    add(watch, *'abcde')
    assert watch.results(only_round(watch, clock), building(*'abc')) == []
    confirm = only_round(watch, clock)
    assert not confirm.bulk and confirm.ids == {'d', 'e'}
    ended = watch.results(confirm, {'d': None, 'e': {'id': 'e', 'status': 'BUILD'}})
    assert ended == [('waits for d', Verdict(None, failure='It is gone.'))]
    assert only_round(watch, clock).ids == {'a', 'b', 'c', 'e'}


def test_a_waiter_that_joins_a_running_round_waits_for_the_next(watch: Watch, clock: VirtualClock) -> None:
    add(watch, 'a')
    round_ = only_round(watch, clock)
    add(watch, 'b')
    assert watch.results(round_, building('a')) == []
    assert only_round(watch, clock).ids == {'a', 'b'}


def test_a_removed_waiter_gets_no_verdict(watch: Watch, clock: VirtualClock) -> None:
    add(watch, 'a')
    round_ = only_round(watch, clock)
    watch.remove('waits for a')
    add(watch, 'a')
    assert watch.results(round_, {'a': {'id': 'a', 'status': 'ACTIVE'}}) == []
    assert len(watch) == 1


def test_passing_trouble_delays_and_refusal_ends(watch: Watch, clock: VirtualClock) -> None:
    add(watch, 'a')
    trouble = op.CloudFault(503, 'busy', 'compute')
    assert watch.failed(only_round(watch, clock), trouble) == []
    assert watch.results(only_round(watch, clock), {'a': trouble}) == []
    # The service itself is refused, until its operator has told it the new password.
    own = op.CloudFault(401, 'refused', kind='AccountRefused')
    assert watch.failed(only_round(watch, clock), own) == []
    refusal = op.CloudFault(403, 'no', 'compute')
    assert watch.results(only_round(watch, clock), {'a': refusal}) == [
        ('waits for a', Verdict(fault=refusal))
    ]
    assert len(watch) == 0 and watch.next_due() is None


@pytest.mark.parametrize('senseless', [
    '<html>Down for maintenance</html>', {'id': 'a'}, ['a'],
    op.CloudFault(200, 'The answer of the compute service has no "server".', 'compute', kind='BadAnswer')])
def test_an_answer_without_sense_is_asked_for_again_after_a_pause(
        watch: Watch, clock: VirtualClock, senseless: Any) -> None:
    add(watch, 'a', unwrap=None)
    for _ in range(MOST_SENSELESS - 1):
        assert watch.results(only_round(watch, clock), {'a': senseless}) == []
        due = watch.next_due()
        assert due is not None and due > clock.monotonic() + 0.1
    # One that makes sense lets it begin to count anew.
    assert watch.results(only_round(watch, clock), building('a')) == []
    for _ in range(MOST_SENSELESS - 1):
        assert watch.results(only_round(watch, clock), {'a': senseless}) == []
    (waited, verdict), = watch.results(only_round(watch, clock), {'a': senseless})
    assert waited == 'waits for a' and verdict.fault is not None and verdict.fault.kind == 'BadAnswer'
    assert watch.next_due() is None


def test_a_forbidden_list_is_replaced_by_single_gets(watch: Watch, clock: VirtualClock) -> None:
    add(watch, *'abcd')
    assert watch.failed(only_round(watch, clock), op.CloudFault(403, 'no list', 'compute')) == []
    round_ = only_round(watch, clock)
    assert not round_.bulk and round_.ids == {'a', 'b', 'c', 'd'}
    refusal = op.CloudFault(401, 'who?', 'compute')
    assert len(watch.failed(round_, refusal)) == 4


def test_of_those_who_take_turns_one_goes_on_when_the_thing_has_been_at_work(
        watch: Watch, clock: VirtualClock) -> None:
    for number in range(3):
        watch.add(poll('a', list_path=None, in_turn=True), KEY, number)
    free, busy = {'a': {'id': 'a', 'status': 'ACTIVE'}}, building('a')
    for number in range(3):
        assert watch.results(only_round(watch, clock), free) == [(number, Verdict(free['a']))]
        if number < 2:
            assert watch.results(only_round(watch, clock), free) == []
            assert watch.results(only_round(watch, clock), busy) == []
    assert len(watch) == 0


def test_a_turn_that_nothing_came_of_is_over_after_a_time(watch: Watch, clock: VirtualClock) -> None:
    for number in range(2):
        watch.add(poll('a', list_path=None, in_turn=True), KEY, number)
    free = {'a': {'id': 'a', 'status': 'ACTIVE'}}
    assert len(watch.results(only_round(watch, clock), free)) == 1
    assert watch.results(only_round(watch, clock), free) == []
    clock.advance(TURN)
    assert len(watch.results(only_round(watch, clock), free)) == 1


def test_what_broke_ends_the_wait_of_all_who_take_turns(watch: Watch, clock: VirtualClock) -> None:
    for number in range(3):
        watch.add(poll('a', list_path=None, in_turn=True), KEY, number)
    broken = {'a': {'id': 'a', 'status': 'ERROR'}}
    ended = watch.results(only_round(watch, clock), broken)
    assert [verdict.failure for _number, verdict in ended] == ['It broke.'] * 3
