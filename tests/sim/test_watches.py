"""Watch rules that move scaling groups, in virtual time and across crashes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from heat.db import connect, schema
from tests.sim.test_scaling import made, members
from tests.sim.world import World

NS, METRIC = 'app', 'load'


def rule(world: World, me: dict[str, Any], name: str, action: str | None = None,
         **more: Any) -> dict[str, Any]:
    own = world.stack(me).identity
    actions = [own.resource(action).arn()] if action else []
    return world.engine.watches.put_watch(world.context, {
        'name': name, 'namespace': NS, 'metric_name': METRIC, 'statistic': 'Average', 'period': 60,
        'periods': 1, 'threshold': 5.0, 'comparison': 'GreaterThanThreshold', 'actions': actions, **more})


def measure(world: World, value: float, **more: Any) -> None:
    world.engine.metrics.put_metric_data(world.context, NS, [{
        'name': METRIC, 'dimensions': [], 'timestamp': None, 'unit': None, 'value': value, **more}])


def state(world: World, name: str) -> str:
    return world.engine.watches.show_watch(world.context, name)[0]['state_value']


def minutes(world: World, count: int, value: float | None = None) -> None:
    """Whole minutes, in each of which that was measured; what they lead to has been evaluated after each."""
    past = world.clock.wall() % 60
    if not 9 < past < 11:
        world.clock.advance(70 - past)
    for _ in range(count):
        if value is not None:
            measure(world, value)
        world.watch(60)


def waiting(world: World) -> int:
    with connect.read(world.database) as conn:
        return int(conn.execute(sa.select(sa.func.count()).select_from(schema.pending_signal)).scalar_one())


def history(world: World, kind: str, name: str = 'high') -> list[str]:
    items = world.engine.watches.list_watch_history(world.context, name, kind, newest_first=False)['items']
    return [one['summary'] for one in items]


def test_a_group_grows_and_shrinks_by_what_is_measured(world):
    me = made(world)
    rule(world, me, 'high', 'up')
    rule(world, me, 'low', 'down', comparison='LessThanThreshold', threshold=1.0)
    assert state(world, 'high') == 'NODATA'
    minutes(world, 1, 9.0)
    assert state(world, 'high') == 'ALARM' and state(world, 'low') == 'NORMAL'
    assert len(members(world, me)) == 3
    minutes(world, 2, 3.0)
    assert state(world, 'high') == state(world, 'low') == 'NORMAL' and len(members(world, me)) == 3
    minutes(world, 1, 0.0)
    assert state(world, 'low') == 'ALARM' and len(members(world, me)) == 2
    assert world.state(me) == 'CREATE_COMPLETE' and world.leases_held() == 1
    assert 'up alarm state changed to ALARM' in world.reasons(me)
