"""How many requests a project may make: the bucket, and the answer to one too many."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import webob.exc

from heat.api.rates import MOST, Rates
from heat.common.clock import VirtualClock
from heat.common.context import RequestContext
from tests.wire.conftest import World
from tests.wire.keystone import OTHER_PROJECT, PROJECT


def admitted(rates: Rates, project: str, tries: int) -> int:
    count = 0
    for _ in range(tries):
        try:
            rates.admit(RequestContext(tenant_id=project))
            count += 1
        except webob.exc.HTTPTooManyRequests:
            pass
    return count


def test_a_bucket_empties_and_fills_for_each_project_by_itself() -> None:
    clock = VirtualClock()
    rates = Rates(2.0, 5, clock)
    assert (admitted(rates, 'a', 9), admitted(rates, 'b', 3)) == (5, 3)
    clock.advance(1.0)
    assert admitted(rates, 'a', 9) == 2
    clock.advance(3600.0)
    assert admitted(rates, 'a', 9) == 5


def test_the_answer_says_when_to_come_back() -> None:
    clock = VirtualClock()
    rates = Rates(0.1, 1, clock)
    assert admitted(rates, 'a', 1) == 1
    clock.advance(2.0)
    with pytest.raises(webob.exc.HTTPTooManyRequests) as refused:
        rates.admit(RequestContext(tenant_id='a'))
    assert refused.value.headers['Retry-After'] == '8'
    clock.advance(8.0)
    assert admitted(rates, 'a', 1) == 1


def test_idle_projects_are_forgotten() -> None:
    clock = VirtualClock()
    rates = Rates(1.0, 2, clock)
    for number in range(MOST):
        rates.admit(RequestContext(tenant_id=str(number)))
    clock.advance(60.0)
    rates.admit(RequestContext(tenant_id='busy'))
    rates.admit(RequestContext(tenant_id='one more'))
    assert len(rates._buckets) == 2


def test_one_request_too_many(pipeline: Callable[..., World]) -> None:
    api = pipeline(more='[api]\nrequest_rate = 0.5\nrequest_burst = 2\n[DEFAULT]')
    path = f'/v1/{PROJECT}/stacks'
    statuses = [api.ask('GET', path, X_Auth_Token='token-member').status_int for _ in range(2)]
    refused = api.ask('GET', path, X_Auth_Token='token-member')
    assert [*statuses, refused.status_int] == [200, 200, 429]
    assert refused.headers['Retry-After'] == '2'
    assert refused.json_body['error'] == {
        'type': 'HTTPTooManyRequests', 'traceback': None,
        'message': 'This project may make 0.5 requests a second; try again in 2 seconds.'}
    assert refused.json_body['code'] == 429
    assert len(api.engine.calls) == 2
    other = api.ask('GET', f'/v1/{OTHER_PROJECT}/stacks', X_Auth_Token='token-stranger')
    assert other.status_int == 200


def test_nothing_is_limited_unless_asked_for(api: World) -> None:
    path = f'/v1/{PROJECT}/stacks'
    assert {api.ask('GET', path, X_Auth_Token='token-member').status_int for _ in range(150)} == {200}
