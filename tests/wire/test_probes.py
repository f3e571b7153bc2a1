"""Alive, ready, and what a probe costs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import webob

from heat.api.probes import GOOD_FOR, Probes
from heat.bus.wire import NoReply
from heat.common import errors
from heat.common.clock import VirtualClock
from tests.wire.conftest import World
from tests.wire.engine import Engine


@pytest.mark.parametrize('name', ['heat-api', 'heat-api-cfn', 'heat-api-cloudwatch'])
def test_probes_need_no_token(pipeline: Callable[..., World], name: str) -> None:
    world = pipeline(name)
    assert world.ask('GET', '/healthcheck').status_int == 200
    assert world.ask('GET', '/healthcheck/live').json_body == {'status': 'alive'}
    assert not world.engine.calls
    ready = world.ask('GET', '/healthcheck/ready')
    assert (ready.status_int, ready.json_body) == (
        200, {'status': 'ready', 'engine': 'ok', 'database': 'ok'})


@pytest.mark.parametrize(('fault', 'told'), [
    (NoReply(request_id='r', seconds=5), {'engine': 'no answer', 'database': 'not known'}),
    (errors.RemoteError(request_id='r'), {'engine': 'ok', 'database': 'not readable'})])
def test_who_cannot_serve_is_not_ready_but_alive(api: World, fault: Exception, told: dict[str, str]) -> None:
    api.engine.answers['list_services'] = fault
    ready = api.ask('GET', '/healthcheck/ready')
    assert (ready.status_int, ready.json_body) == (503, {'status': 'not ready', **told})
    assert api.ask('GET', '/healthcheck/live').status_int == 200


def test_many_probes_ask_once() -> None:
    engine, clock = Engine(), VirtualClock()
    probes = Probes(None, engine, clock)
    for _ in range(50):
        assert webob.Request.blank('/ready').get_response(probes).status_int == 200
    assert len(engine.calls) == 1
    clock.advance(GOOD_FOR)
    engine.answers['list_services'] = errors.RemoteError(request_id='r')
    assert webob.Request.blank('/ready').get_response(probes).status_int == 503
