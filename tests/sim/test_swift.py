"""Signals by way of the object store."""

from __future__ import annotations

import json
from typing import Any

import pytest
from webob import Request

from tests.sim.world import World

POINTS = ('commit.before', 'commit.after', 'call.before', 'call.after')


def template(count: int = 2, timeout: int = 60) -> dict[str, Any]:
    return {'heat_template_version': '2021-04-16', 'resources': {
        'h': {'type': 'OS::Heat::SwiftSignalHandle'},
        'w': {'type': 'OS::Heat::SwiftSignal', 'properties': {
            'handle': {'get_resource': 'h'}, 'count': count, 'timeout': timeout}}},
        'outputs': {}}


def put(world: World, url: str, signal: Any = None, status: int = 201) -> None:
    """As curl does it in a server: no token."""
    request = Request.blank(url.replace('http://store.example', ''), method='PUT')
    request.body = b'' if signal is None else json.dumps(signal).encode()
    assert request.get_response(world.cloud.application).status_int == status


def begun(world: World, **options: Any) -> tuple[dict[str, Any], str]:
    me = world.create('s', template(**options))
    wait_a_bit(world)
    return me, world.rows(me)['h'].data['endpoint']


def wait_a_bit(world: World) -> None:
    world.run(until=world.clock.monotonic() + 8)


def data_of(world: World, me: dict[str, Any]) -> Any:
    row = world.rows(me)['w']
    return json.loads(world.engine.loader.plugin(row).attribute(row, 'data', ()))


def test_each_put_is_a_signal_and_none_is_lost(world):
    me, url = begun(world, count=3)
    put(world, url, {'data': 'one'})
    wait_a_bit(world)
    assert world.states(me)['w'] == 'CREATE_IN_PROGRESS'
    # Two between two looks: the first is kept as a version.
    put(world, url, {'data': 'two', 'id': 'second'})
    put(world, url)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert data_of(world, me) == {'1': 'one', 'second': 'two', '3': None}
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'
    assert len(world.cloud.inventory.containers) == len(world.cloud.inventory.objects) == 0


def test_the_same_id_counts_once(world):
    me, url = begun(world)
    put(world, url, {'id': 'x', 'data': 1})
    put(world, url, {'id': 'x', 'data': 2})
    wait_a_bit(world)
    assert world.states(me)['w'] == 'CREATE_IN_PROGRESS'
    put(world, url, {'id': 'y'})
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE' and data_of(world, me) == {'x': 2, 'y': None}


def test_a_failure_ends_it_at_once(world):
    me, url = begun(world)
    put(world, url, {'status': 'FAILURE', 'reason': 'no luck'})
    world.run()
    assert world.rows(me)['w'].reason == 'SwiftSignalFailure: resources.w: no luck'


@pytest.mark.parametrize(('signal', 'said'), [
    ('text', 'ValueError: resources.w: A signal is not valid JSON'),
    ([1], 'ValueError: resources.w: A signal is not a JSON object'),
    ({'status': 'MAYBE'}, 'ValueError: resources.w: Signal has the status MAYBE, which is neither SUCCESS')])
def test_what_is_no_signal(world, signal, said):
    me, url = begun(world)
    request = Request.blank(url.replace('http://store.example', ''), method='PUT')
    request.body = signal.encode() if isinstance(signal, str) else json.dumps(signal).encode()
    assert request.get_response(world.cloud.application).status_int == 201
    world.run()
    assert world.rows(me)['w'].reason.startswith(said)


def test_too_late(world):
    me, url = begun(world, timeout=100)
    put(world, url, {'reason': 'first'})
    before = world.clock.monotonic()
    world.run()
    assert world.rows(me)['w'].reason == 'SwiftSignalTimeout: resources.w: 1 of 2 received - first'
    assert 80 < world.clock.monotonic() - before < 101


def test_who_has_not_the_whole_address_signals_nothing(world):
    me, url = begun(world)
    put(world, url.replace('/signal?', '/other?'), status=401)
    put(world, url.replace('temp_url_sig=', 'temp_url_sig=0'), status=401)
    put(world, url.partition('?')[0], status=401)
    kinds = {name: world.engine.loader.plugin(row) for name, row in world.rows(me).items()}
    row = world.rows(me)['h']
    assert kinds['h'].attribute(row, 'curl_cli', ()) == f"curl -i -X PUT '{url}'"
    assert kinds['h'].attribute(row, 'endpoint', ()) == kinds['h'].reference(row) == url
    with world.database.connect() as conn:
        dump = str(conn.exec_driver_sql('select * from resource').all())
    assert row.data['temp_url_key'] not in dump and 'temp_url_sig' not in dump


def life(world: World) -> Any:
    me = world.create('s', template(1))
    wait_a_bit(world)
    wait_a_bit(world)
    put(world, world.rows(me)['h'].data['endpoint'], {'data': 'd'})
    world.run()
    seen = [world.state(me), data_of(world, me), len(world.cloud.inventory.containers)]
    world.delete(me)
    world.run()
    return [*seen, world.state(me), len(world.cloud.inventory.containers), world.leases_held()]


@pytest.mark.parametrize('point', POINTS)
def test_every_crash_ends_where_no_crash_ends(conf, point):
    world = World(conf)
    expected = life(world)
    assert expected == ['CREATE_COMPLETE', {'1': 'd'}, 1, 'DELETE_COMPLETE', 0, 0]
    for nth in range(1, world.points[point] + 1):
        world_ = World(conf)
        world_.crash_at(point, nth)
        assert life(world_) == expected, f'crash at {point} number {nth}'


@pytest.mark.parametrize('method', ['PUT', 'POST', 'DELETE'])
def test_a_lost_answer_is_asked_for_again(conf, method):
    world = World(conf)
    world.cloud.faults.add(service='object-store', method=method, path='/v1/', kind='drop_after', count=1)
    assert life(world) == ['CREATE_COMPLETE', {'1': 'd'}, 1, 'DELETE_COMPLETE', 0, 0]
