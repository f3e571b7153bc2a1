"""One step without a loop: what becomes of a creation that the cloud refused or never answered."""
from __future__ import annotations

import pytest

from heat.common import ids
from heat.engine.errand import Ask, Ended, Limits, Pause, Watch
from heat.engine.step import StepRun
from heat.model import op
from heat.model.outcome import Done, Failed
from heat.model.resource import Row
from heat.model.status import Action
from heat.plan.effects import Step
from heat.resources.base import Resource, Steps, Surroundings

STACK = ids.StackId('p', 'stack', ids.new_id())


class Thing(Resource):
    """Made by one call, taken away by another."""

    type = 'Test::Thing'

    class properties:
        pass

    def create(self) -> Steps:
        yield op.Call('compute', 'POST', '/things', {}, identify='id', label='create',
                      adopt=op.Adopt('/things', 'things', lambda found: True))

    def delete(self) -> Steps:
        if self.row.physical_id is not None:
            yield op.Call('compute', 'DELETE', f'/things/{self.row.physical_id}', ok=(404,), label='delete')


def run_of(row: Row, verb: Action) -> StepRun:
    return StepRun(Step(row.uuid, verb), row, Thing, Surroundings(STACK), lambda: 1000.0, Limits(),
                   lambda reference: None, lambda identity: False)


@pytest.fixture
def asked() -> StepRun:
    """A creation whose call has left."""
    run = run_of(Row(ids.new_id(), STACK.stack_id, STACK.stack_id, 'thing', Thing.type, props={}),
                 Action.CREATE)
    first = run.begin()
    assert isinstance(first, Ask) and first.durable and first.op.method == 'POST'  # type: ignore[union-attr]
    return run


def test_what_was_refused_needs_no_taking_away(asked: StepRun) -> None:
    ended = asked.fault(op.CloudFault(403, 'Not you.', 'compute', kind='Forbidden'))
    assert isinstance(ended, Ended) and isinstance(ended.outcome, Failed)
    assert run_of(asked.row, Action.DELETE).begin() == Ended(Done())


def test_what_was_never_answered_is_looked_for_before_it_is_taken_away(asked: StepRun) -> None:
    later = run_of(asked.row, Action.DELETE)
    search = later.begin()
    assert isinstance(search, Ask) and search.op.method == 'GET'  # type: ignore[union-attr]
    removal = later.answer([{'id': 'found'}])
    assert isinstance(removal, Ask) and removal.op.path == '/things/found'  # type: ignore[union-attr]
    assert later.answer(None) == Ended(Done())


class Locked(Thing):
    """Refused as long as something is locked, and then asked for again."""

    def create(self) -> Steps:
        while True:
            try:
                return (yield op.Call('compute', 'POST', '/things', {}, identify='id', label='create',
                                      for_now=lambda fault: fault.status == 409))
            except op.CloudFault as fault:
                if fault.status != 409:
                    raise
            yield op.Poll('compute', '/lock', 'lock', lambda body: body is None)


def test_a_refusal_for_now_leaves_nothing_in_the_journal() -> None:
    row = Row(ids.new_id(), STACK.stack_id, STACK.stack_id, 'thing', Thing.type, props={})
    run = StepRun(Step(row.uuid, Action.CREATE), row, Locked, Surroundings(STACK), lambda: 1000.0, Limits(),
                  lambda reference: None, lambda identity: False)
    assert isinstance(run.begin(), Ask)
    for _ in range(3):
        assert isinstance(run.fault(op.CloudFault(409, 'Not now.')), Watch)
        assert run.dirty and run.row.intent is None and run.row.memo == ()
        again = run.observed(None)
        assert isinstance(again, Ask) and again.durable and run.row.intent is not None
    # A step that goes on elsewhere asks at once: nothing can have been made.
    refused = run.fault(op.CloudFault(409, 'Not now.'))
    assert isinstance(refused, Watch)
    later = StepRun(Step(row.uuid, Action.CREATE, resumed=True), run.row, Locked, Surroundings(STACK),
                    lambda: 1000.0, Limits(), lambda reference: None, lambda identity: False)
    asked = later.begin()
    assert isinstance(asked, Ask) and asked.op.method == 'POST'  # type: ignore[union-attr]
    assert later.answer({'id': 'made'}) == Ended(Done())
    assert later.row.physical_id == 'made'


def test_any_other_refusal_of_such_a_call_stays_in_the_journal() -> None:
    row = Row(ids.new_id(), STACK.stack_id, STACK.stack_id, 'thing', Thing.type, props={})
    run = StepRun(Step(row.uuid, Action.CREATE), row, Locked, Surroundings(STACK), lambda: 1000.0, Limits(),
                  lambda reference: None, lambda identity: False)
    run.begin()
    assert isinstance(run.fault(op.CloudFault(400, 'Never.')), Ended)
    assert run.row.intent is not None and [memo['fault']['status'] for memo in run.row.memo] == [400]


class Asking(Thing):
    """Asks before it makes anything."""

    def create(self) -> Steps:
        yield op.Call('network', 'GET', '/networks', label='look')
        yield op.UserCall('create_user', {'name': 'n'}, label='user')
        yield from super().create()


def test_who_is_not_there_is_asked_again_for_as_long_as_a_call_may_take() -> None:
    """A service that is started anew refuses connections, and so does the one that gives tokens for it."""
    now, limits = [1000.0], Limits(http_timeout=60.0, settle=5.0)
    row = Row(ids.new_id(), STACK.stack_id, STACK.stack_id, 'thing', Thing.type, props={})
    run = StepRun(Step(row.uuid, Action.CREATE), row, Asking, Surroundings(STACK), lambda: now[0], limits,
                  lambda reference: None, lambda identity: False)
    away = op.CloudFault(0, 'The network service cannot be reached.', 'network', kind='ConnectFailure')
    asked, answers = run.begin(), ([], {'user_id': 'u'}, {'id': 'made'})
    for answer in answers:
        assert isinstance(asked, Ask)
        first = asked.op
        for _ in range(3):
            assert run.fault(away) == Pause(now[0] + 5.0)
            now[0] += 5.0
            assert run.wake() == asked
        assert asked.op is first
        following = run.answer(answer)
        if isinstance(following, Ask):
            asked = following
    assert following == Ended(Done()) and run.row.physical_id == 'made'


def test_who_stays_away_has_failed_the_step(asked: StepRun) -> None:
    away = op.CloudFault(0, 'The compute service cannot be reached.', 'compute', kind='ConnectFailure')
    now = [1000.0]
    asked._now = lambda: now[0]
    ended = asked.fault(away)
    while isinstance(ended, Pause):
        now[0] = ended.until
        asked.wake()
        ended = asked.fault(away)
    assert isinstance(ended, Ended) and isinstance(ended.outcome, Failed)
    assert 'The compute service cannot be reached.' in ended.outcome.message
    assert now[0] == 1000.0 + Limits().http_timeout
    # Nobody was there to make anything.
    assert run_of(asked.row, Action.DELETE).begin() == Ended(Done())
