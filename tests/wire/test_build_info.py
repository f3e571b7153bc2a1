"""What is built, and how often engines are asked for it."""

from __future__ import annotations

import pytest

from heat.api.revision import GOOD_FOR, Revision
from heat.bus.wire import NoReply
from heat.common.clock import VirtualClock
from tests.wire.conftest import World
from tests.wire.keystone import PROJECT

PATH = f'/v1/{PROJECT}/build_info'


def test_many_who_want_to_know_the_build_ask_an_engine_once(api: World) -> None:
    api.engine.answers['get_revision'] = 'of-the-engine'
    for _ in range(3):
        told = api.ask('GET', PATH, X_Auth_Token='member')
        assert (told.status_int, told.json_body['engine']) == (200, {'revision': 'of-the-engine'})
    assert [method for method, _given in api.engine.calls] == ['get_revision']


def test_another_revision_is_told_after_a_minute() -> None:
    clock = VirtualClock()
    revision = Revision(clock)
    assert revision.told(lambda: 'one') == revision.told(lambda: 'two') == 'one'
    clock.advance(GOOD_FOR)
    assert revision.told(lambda: 'two') == 'two'


def test_a_failure_to_ask_is_not_kept() -> None:
    revision = Revision(VirtualClock())

    def away() -> str:
        raise NoReply(request_id='r', seconds=60)

    with pytest.raises(NoReply):
        revision.told(away)
    assert revision.told(lambda: 'one') == 'one'
