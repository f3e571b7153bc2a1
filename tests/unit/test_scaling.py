"""The arithmetic of scaling and of batches, who goes first, and signed addresses."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common.ec2 import signature, signed_url
from heat.model.resource import Row
from heat.model.status import Action, Status
from heat.resources.heat import batches
from heat.resources.heat.batches import Batch, Member, Rolling, next_batch
from heat.resources.heat.scaling_group import AutoScalingGroup, member_name
from heat.resources.scaling import CHANGE, EXACT, PERCENT, Adjustment, ended, new_capacity, refusal, rested

T0 = 1_700_000_000.0


@pytest.mark.parametrize('now, kind, amount, step, least, most, wanted', [
    (5, CHANGE, 2, None, 0, 10, 7), (5, CHANGE, -2, None, 0, 10, 3), (5, CHANGE, 9, None, 0, 10, 10),
    (5, CHANGE, -9, None, 1, 10, 1), (5, CHANGE, 1.9, None, 0, 10, 6), (5, CHANGE, -1.9, None, 0, 10, 4),
    (5, EXACT, 3, None, 0, 10, 3), (5, EXACT, 30, None, 0, 10, 10), (5, EXACT, 0, None, 2, 10, 2),
    # Under one member: away from zero.
    (5, PERCENT, 10, None, 0, 10, 6), (5, PERCENT, -10, None, 0, 10, 4), (3, PERCENT, 1, None, 0, 10, 4),
    # Over one: towards zero.
    (5, PERCENT, 50, None, 0, 10, 7), (5, PERCENT, -50, None, 0, 10, 3), (10, PERCENT, 199, None, 0, 99, 29),
    (4, PERCENT, 25, None, 0, 10, 5), (2, PERCENT, -100, None, 0, 10, 0),
    # The minimum step: percentages only, with the sign of the adjustment.
    (5, PERCENT, 10, 3, 0, 10, 8), (5, PERCENT, -10, 3, 0, 10, 2), (5, PERCENT, 100, 3, 0, 20, 10),
    (5, CHANGE, 1, 3, 0, 10, 6), (5, EXACT, 6, 3, 0, 10, 6), (0, PERCENT, 50, 2, 0, 10, 2),
    (5, PERCENT, 0, 2, 0, 10, 5), (0, PERCENT, 50, None, 0, 10, 0)])
def test_capacity(now: int, kind: str, amount: float, step: int | None, least: int, most: int,
                  wanted: int) -> None:
    assert new_capacity(now, Adjustment('g', kind, amount, step), least, most) == wanted


@pytest.mark.parametrize('target, held, fit, rolling, wanted', [
    (4, 4, 4, Rolling(1), None), (0, 0, 0, Rolling(1), None),
    (4, 4, 0, Rolling(2), Batch(4, 2)), (4, 4, 3, Rolling(2), Batch(4, 1)),
    (4, 4, 0, Rolling(2, in_service=3), Batch(5, 2)), (4, 4, 0, Rolling(2, in_service=4), Batch(6, 2)),
    # Those beyond the target are not what is to be served in the end.
    (4, 6, 2, Rolling(2, in_service=4), Batch(6, 2)), (4, 6, 6, Rolling(2, in_service=4), Batch(4, 0)),
    (5, 0, 0, Rolling(2), Batch(2, 2)), (5, 4, 4, Rolling(2), Batch(5, 1)),
    (2, 4, 0, Rolling(1), Batch(2, 1))])
def test_next_batch(target: int, held: int, fit: int, rolling: Rolling, wanted: Batch | None) -> None:
    assert next_batch(target, held, fit, rolling) == wanted


@pytest.mark.parametrize('batch', range(1, 5))
@pytest.mark.parametrize('in_service', range(6))
def test_batches_end_and_leave_enough_in_service(batch: int, in_service: int) -> None:
    for target in range(6):
        for held in range(6):
            now, fit, rounds = held, 0, 0
            rolling = Rolling(batch, in_service)
            while (step := next_batch(target, now, fit, rolling)) is not None:
                rounds += 1
                assert rounds < 30, (target, held)
                staying = min(now, step.capacity)
                changed = min(step.new - (step.capacity - staying), staying)
                assert changed <= batch and step.capacity - staying <= max(batch, target)
                assert staying - max(0, changed) >= min(in_service, target, held) or step.new == 0
                fit = min(step.capacity, fit + step.new)
                now = step.capacity
            assert now == target and fit >= target


def test_broken_members_are_renewed_first() -> None:
    kept = [Member('a', True, False), Member('b', True, True), Member('c', False, True),
            Member('d', True, False)]
    assert batches.renewed(kept, 2) == {'c', 'a'} and batches.renewed(kept, 0) == set()


@pytest.mark.parametrize('text, seconds', [('PT0S', 0), ('PT1M30S', 90), ('PT1H', 3600), ('PT59M59S', 3599)])
def test_a_pause_in_iso_8601(text: str, seconds: int) -> None:
    assert batches.period(text) == seconds


@pytest.mark.parametrize('text', ['PT1H1S', 'P1D', '60', 'PT', 'P', 'PT-1S', 'PT1.5S', ''])
def test_a_pause_that_is_none_or_too_long(text: str) -> None:
    with pytest.raises(ValueError, match=r'PauseTime|duration'):
        batches.period(text)


class Child:
    """A child stack of members by name: (action, status) and whether the definition is today's."""

    def __init__(self, **members: tuple[Action, Status, str]) -> None:
        self._members = members

    def names(self) -> list[str]:
        return sorted(self._members)

    def row(self, name: str) -> Row:
        action, status, _ = self._members[name]
        return Row('0' * 36, 's', 's', name, 'T', action, status)

    def definition(self, name: str) -> dict[str, Any]:
        return {'type': self._members[name][2]}

    def settled(self, name: str) -> bool:
        return self._members[name][1] is Status.COMPLETE


GOOD, SICK = (Action.CREATE, Status.COMPLETE, 'T'), (Action.CREATE, Status.FAILED, 'T')


def group(ages: str, **props: Any) -> Row:
    return Row('c5f3e3a4-7d7a-4c38-9f50-0d7c3a0c2b11', 's', 's', 'g', 'OS::Heat::AutoScalingGroup',
               Action.CREATE, Status.COMPLETE, physical_id='p', data={'ages': list(ages), 'made': 7},
               props={'resource': {'type': 'T'}, 'min_size': 0, 'max_size': 9, **props})


@pytest.mark.parametrize('members, capacity, stay', [
    ({'a': GOOD, 'b': GOOD, 'c': GOOD}, 2, ['a', 'b']), ({'a': GOOD, 'b': GOOD, 'c': SICK}, 2, ['a', 'b']),
    ({'a': GOOD, 'b': SICK, 'c': GOOD}, 2, ['c', 'a']), ({'a': SICK, 'b': GOOD, 'c': SICK}, 2, ['b', 'a']),
    ({'a': GOOD, 'b': GOOD, 'c': GOOD}, 0, [])])
def test_the_failed_go_first_and_then_the_oldest(members: dict[str, Any], capacity: int,
                                                 stay: list[str]) -> None:
    found = AutoScalingGroup.with_capacity(group('cab'), Child(**members), capacity)  # type: ignore[arg-type]
    assert list(found.resources) == stay and found.made == 7


def test_new_members_get_names_that_were_never_given() -> None:
    row = group('ab')
    found = AutoScalingGroup.with_capacity(row, Child(a=GOOD, b=GOOD), 4)  # type: ignore[arg-type]
    assert list(found.resources)[2:] == [member_name(row.uuid, 7), member_name(row.uuid, 8)]
    assert found.made == 9 and len({member_name(row.uuid, n) for n in range(1000)}) == 1000


def test_a_cooldown_only_grows() -> None:
    row = rested(group(''), T0, 100, 'first')
    row = rested(row, T0 + 10, 5, 'second')
    assert row.metadata['cooldown_end'] == {'2023-11-14T22:15:00': 'second'}
    assert refusal(row, T0 + 99) is not None and refusal(row, T0 + 100) is None


def test_a_resizing_that_failed_begins_no_cooldown() -> None:
    row = group('')
    row = ended(Row(**{**{f: getattr(row, f) for f in row.__slots__},
                       'data': {'scaling': {'kind': CHANGE, 'amount': 1, 'cooldown': 60}}}), T0, False)
    assert row.metadata == {'scaling_in_progress': False} and row.data == {}


def test_a_signature_is_the_one_of_the_published_example() -> None:
    # The example in the documentation of AWS signature version 2.
    secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
    assert signature(secret, 'GET', 'elasticmapreduce.amazonaws.com', '/', {
        'Action': 'DescribeJobFlows', 'Version': '2009-03-31', 'AWSAccessKeyId': 'AKIAIOSFODNN7EXAMPLE',
        'SignatureVersion': '2', 'SignatureMethod': 'HmacSHA256', 'Timestamp': '2011-10-03T15:19:30',
    }) == 'i91nKc4PWAt0JJIdXwz9HxZCJDdiy6cf/Mj6vPxyYIs='


def test_a_signed_address_holds_the_quoted_path() -> None:
    url = signed_url('HTTP://Heat.Example:8000/v1', 'signal/arn:openstack:heat::p:stacks/s/i/resources/r',
                     'POST', 'key', 'secret')
    head, _, query = url.partition('?')
    assert head == 'http://heat.example:8000/v1/signal/arn%3Aopenstack%3Aheat%3A%3Ap%3Astacks/s/i/resources/r'
    assert [part.split('=')[0] for part in query.split('&')] == [
        'SignatureMethod', 'SignatureVersion', 'AWSAccessKeyId', 'Signature']
