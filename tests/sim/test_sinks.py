"""Events told to the queues that an environment names."""

from __future__ import annotations

import datetime
import logging
from typing import Any

import pytest

from heat.common import errors
from heat.db import connect, events
from heat.db.events import Recorded
from heat.engine.herald import Herald
from heat.engine.render import moment
from heat.model.event import Event
from tests.sim.crashes import POINTS
from tests.sim.nests import MAPPED, files, hot, res, thing
from tests.sim.world import World

KIND = {'type': 'zaqar-queue'}
TOLD = {'event_sinks': [{**KIND, 'target': 'told', 'ttl': 600}]}
BOTH = {'event_sinks': [{**KIND, 'target': 'first'}, {**KIND, 'target': 'told'}]}
NOW = datetime.datetime(2026, 3, 1)
INSIDE = hot(parameters={'word': {'type': 'string'}},
             a=res({'get_param': 'word'}), m={'type': 'OS::Neutron::Net', 'depends_on': 'a'})


def net(**more: Any) -> dict[str, Any]:
    """Something that takes its time."""
    return {'type': 'OS::Neutron::Net', **more}


def posted(world: World, queue: str = 'told') -> list[dict[str, Any]]:
    inventory = world.cloud.inventory
    named = [row['id'] for row in inventory.queues.all() if row['name'] == queue]
    return [row for row in inventory.messages.all() if row['queue'] in named]


def bodies(world: World, queue: str = 'told') -> list[dict[str, Any]]:
    return [row['_body'] for row in posted(world, queue)]


def recorded(world: World, me: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of the whole tree, in the form that a sink gets."""
    with connect.read(world.database) as conn:
        found = events.list_events(conn, root_id=me['stack_id'], sort_dir='asc')
    return [{'timestamp': moment(one.created_at), 'version': '0.1', 'type': 'os.heat.event',
             'id': one.event.uuid, 'payload': {
                 'resource_name': one.event.resource_name, 'physical_resource_id': one.event.physical_id,
                 'stack_id': one.event.stack_id, 'resource_action': one.event.action,
                 'resource_status': one.event.status, 'resource_status_reason': one.event.reason,
                 'resource_type': one.event.resource_type, 'resource_properties': None, 'version': '0.1'}}
            for one in found]


def break_queues(world: World, path: str = '/messages', **rule: Any) -> None:
    world.cloud.faults.add(service='messaging', method='POST', path=path, **rule)


def lives(world: World) -> dict[str, Any]:
    """Of a stack with a nested one, to its end."""
    me = world.create('s', hot(a=res('secret'), n=net(depends_on='a'), t=thing('x', depends_on='n')),
                      environment={**MAPPED, **TOLD}, files=files(INSIDE))
    world.run()
    world.update(me, hot(a=res('other'), b=net(depends_on='a'), t=thing('y', depends_on='b')),
                 environment={**MAPPED, **TOLD}, files=files(INSIDE))
    world.run()
    world.delete(me)
    world.run()
    return me


def test_a_queue_is_told_all_that_becomes_of_a_stack(world):
    me = lives(world)
    assert world.state(me) == 'DELETE_COMPLETE'
    told = bodies(world)
    assert told == recorded(world, me)
    seen = [f"{one['payload']['resource_name']} {one['payload']['resource_action']}_"
            f"{one['payload']['resource_status']}" for one in told]
    assert seen[0] == 's CREATE_IN_PROGRESS' and seen[-1] == 's DELETE_COMPLETE'
    assert len({one['payload']['stack_id'] for one in told}) == 2
    assert {row['ttl'] for row in posted(world)} == {600}
    assert 'secret' not in str(told)


def test_a_page_holds_as_many_as_the_service_takes(world):
    me = world.create('s', hot(**{f'r{n}': res() for n in range(45)}), environment=TOLD)
    world.run()
    assert len(bodies(world)) == 92 and bodies(world) == recorded(world, me)


def test_every_sink_is_told(world):
    me = world.create('s', hot(a=res()), environment=BOTH)
    world.run()
    assert bodies(world, 'first') == bodies(world, 'told') == recorded(world, me)
    # Without a word the queue decides how long a message lives.
    assert {row['ttl'] for row in posted(world)} == {3600}


def test_without_sinks_nobody_is_told(world):
    world.create('s', hot(a=res()))
    world.run()
    assert world.cloud.inventory.queues.all() == []


def test_sinks_of_an_update(world):
    """Who is named by an update is told of it, and of nothing before; who is named no more hears no more."""
    me = world.create('s', hot(a=res()))
    world.run()
    before = len(recorded(world, me))
    world.update(me, hot(a=res('two')), environment=TOLD)
    world.run()
    told = recorded(world, me)[before:]
    assert told and bodies(world) == told
    world.update(me, hot(a=res('three')))
    world.run()
    assert bodies(world) == told
    before = len(recorded(world, me))
    world.update(me, hot(a=res('four')), environment=TOLD)
    world.run()
    assert bodies(world) == told + recorded(world, me)[before:]


def test_an_update_of_what_there_is_keeps_the_sinks(world):
    me = world.create('s', hot(a=res()), environment=TOLD)
    world.run()
    world.update(me, hot(a=res('two')), existing=True)
    world.run()
    assert bodies(world) == recorded(world, me)


def test_the_way_back_is_told(world):
    me = world.create('s', hot(a=res()), environment=TOLD)
    world.run()
    world.update(me, hot(a=res('two', props={'fail': True})), environment=TOLD, disable_rollback=False)
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE' and bodies(world) == recorded(world, me)


def test_marks_on_a_stack_at_rest_are_told(world):
    me = world.create('s', hot(a=res()), environment=TOLD)
    world.run()
    world.actions.resource_mark_unhealthy(world.context, me, 'a', True, 'looks ill')
    assert bodies(world)[-1]['payload']['resource_status_reason'] == 'looks ill'
    world.engine.intake.stack_suspend(world.context, me)
    world.run()
    assert bodies(world) == recorded(world, me)


# -- what goes wrong -------------------------------------------------------------------------------


def test_a_sink_that_takes_nothing_keeps_nobody_up(world, caplog):
    break_queues(world, 'queues/first/messages', status=403, message='Not yours')
    caplog.set_level(logging.WARNING)
    me = world.create('s', hot(a=res(), b=net(depends_on='a')), environment=BOTH)
    world.run()
    world.update(me, hot(a=res('two')), environment=BOTH)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert bodies(world, 'first') == [] and bodies(world) == recorded(world, me)
    said = [one.getMessage() for one in caplog.records if 'takes no events' in one.getMessage()]
    assert len(said) == 1
    assert 'The queue first takes no events of stack s (' in said[0] and 'Not yours' in said[0]


def test_a_sink_that_recovers_is_told_again(world):
    break_queues(world, count=1)
    me = world.create('s', hot(a=net(), b=net(depends_on='a')), environment=TOLD)
    world.run()
    told = bodies(world)
    assert told and told == recorded(world, me)[-len(told):] != recorded(world, me)


@pytest.mark.parametrize(('kind', 'times'), [('drop_before', 1), ('drop_after', 2)])
def test_what_may_not_have_arrived_is_told_again(world, kind, times):
    break_queues(world, kind=kind, count=1)
    me = world.create('s', hot(a=res(), b=net(depends_on='a')), environment=TOLD)
    world.run()
    told = bodies(world)
    assert list({one['id']: one for one in told}.values()) == recorded(world, me)
    assert told.count(told[0]) == times


def test_a_database_that_is_away_only_delays(world, monkeypatch, caplog):
    me = world.create('s', hot(a=res()), environment=TOLD)
    with monkeypatch.context() as patch:
        patch.setattr(events, 'events_after', lambda *args: 1 / 0)
        world.run()
    assert world.state(me) == 'CREATE_COMPLETE' and bodies(world) == []
    assert 'could not be told' in caplog.text
    world.add_engine()
    assert bodies(world) == recorded(world, me)


def test_crashes_lose_no_event(conf):
    whole = World(conf)
    lives(whole)
    places = [(point, nth) for point in POINTS for nth in range(1, whole.points.get(point, 0) + 1)]
    assert len(places) > 40
    for point, nth in places:
        world = World(conf)
        world.crash_at(point, nth)
        me = lives(world)
        # As an engine that is started again does it.
        world.add_engine()
        told, known = bodies(world), recorded(world, me)
        first = list({one['id']: one for one in told}.values())
        assert first == known, f'crash at {point} number {nth}'
        # Of what is told twice there is at most a page.
        assert len(told) <= len(known) + 20


def end_of(me: dict[str, Any]) -> Recorded:
    return Recorded(0, NOW, Event(
        me['stack_id'], me['stack_id'], 's', 'OS::Heat::Stack', 'DELETE', 'COMPLETE', ''))


def test_the_end_of_a_root_is_told_after_all_that_was_before(world):
    me = world.create('s', hot(a=res()), environment=TOLD)
    before = len(recorded(world, me))
    world.engine.herald.last_words(me['stack_id'], end_of(me))
    told = bodies(world)
    assert told[:-1] == recorded(world, me)[:before]
    assert told[-1]['payload']['resource_action'] == 'DELETE'


def test_the_end_of_a_root_waits_for_no_slow_sink(world):
    """Nothing that was left to do elsewhere is done here."""
    me, silent = world.create('s', hot(a=res()), environment=TOLD), world.create('t', hot(a=res()))
    left: list[Any] = []
    herald = Herald(world.database, world.engine.loader, world.engine.performer, left.append)
    herald.last_words(silent['stack_id'], end_of(silent))
    assert left == []
    herald.last_words(me['stack_id'], end_of(me), patience=0)
    assert len(left) == 1 and bodies(world) == []


def test_who_has_stopped_tells_nothing(world):
    me = world.create('s', hot(a=res()), environment=TOLD)
    world.engine.herald.stop()
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE' and bodies(world) == []
    world.add_engine()
    assert bodies(world) == recorded(world, me)


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(('sink', 'place', 'sentence'), [
    ({'type': 'smoke'}, 'type', 'Invalid event sink type "smoke"; known types are: zaqar-queue'),
    (KIND, '', 'needs a target'),
    ({**KIND, 'target': 'q', 'tll': 60}, 'tll', 'the keys type, target, ttl, and not "tll"'),
    ({**KIND, 'target': 'a/b'}, 'target', 'Invalid target "a/b"'),
    ({**KIND, 'target': 5}, 'target', 'Invalid target "5"'),
    ({**KIND, 'target': 'q' * 65}, 'target', 'at most 64 letters'),
    ({**KIND, 'target': 'q', 'ttl': 59}, 'ttl', 'at least 60'),
    ({**KIND, 'target': 'q', 'ttl': 'long'}, 'ttl', 'Invalid ttl "long"'),
    ({**KIND, 'target': 'q', 'ttl': True}, 'ttl', 'Invalid ttl "True"'),
    ('told', '', 'must be a map')])
def test_a_faulty_sink_is_refused_with_its_place(world, sink, place, sentence):
    with pytest.raises(errors.StackValidationFailed, match=sentence) as caught:
        world.create('s', hot(a=res()), environment={'event_sinks': [*TOLD['event_sinks'], sink]})
    (fault,) = caught.value.faults
    assert fault.path == ('event_sinks', 1, *([place] if place else []))
