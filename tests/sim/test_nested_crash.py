"""Templates in templates, with a crash at every failpoint: the end is the same as without it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.nests import INNER, below, hot, inner, outputs, res, text
from tests.sim.test_cloud import inventory
from tests.sim.world import World

POINTS = ('commit.before', 'commit.after', 'call.before', 'call.after')
DEEP = 'http://templates.example/deep.yaml'


def template(word: str, kinds: list[str], fail: bool = False) -> dict[str, Any]:
    made = hot(
        {'said': {'get_attr': ['t', 'said']}, 'in': {'get_attr': ['t', 'resource.m.resource.a.output']},
         'refs': {'get_attr': ['c', 'output']}, 's': {'get_attr': ['s', 'outputs']}},
        t={'type': 'My::Outer', 'properties': {'word': word}, 'metadata': {'m': word}},
        c={'type': 'OS::Heat::ResourceChain', 'properties': {
            'resources': kinds, 'resource_properties': {'value': word}}},
        s={'type': 'OS::Heat::Stack', 'depends_on': 'c', 'properties': {
            'template': text(inner('?')), 'parameters': {'word': {'get_attr': ['t', 'said']}}}},
        r=res(word, depends_on='c', props={'update_replace_value': word, 'wait_secs': 3}))
    if fail:
        made['resources']['f'] = res(depends_on=['s', 'r', 't'], props={'fail': True})
    return made


def parts(suffix: str) -> dict[str, Any]:
    outer = hot(parameters={'word': {'type': 'string'}}, outputs={'said': {'get_attr': ['m', 'said']}},
                m={'type': DEEP, 'properties': {'word': {'get_param': 'word'}}},
                g={'type': 'OS::Heat::TestResource', 'depends_on': 'm', 'properties': {
                    'value': {'resource_facade': 'metadata'}, 'action_wait_secs': {'update': 1}}})
    outer['resources']['g']['properties']['value'] = {'str_replace': {
        'template': 'M', 'params': {'M': {'resource_facade': 'metadata'}}}}
    deep = inner(suffix, action_wait_secs={'create': 2, 'delete': 1})
    deep['resources']['net'] = {'type': 'OS::Neutron::Net', 'properties': {'shared': bool(suffix)}}
    deep['resources']['sub'] = {'type': 'OS::Neutron::Subnet', 'properties': {
        'network': {'get_resource': 'net'}, 'cidr': '10.9.0.0/24'}}
    return {'files': {INNER: text(outer), DEEP: text(deep)},
            'environment': {'resource_registry': {'My::Outer': INNER}}}


def life(world: World) -> list[Any]:
    """Create, update, an update that is rolled back, delete; what a user sees after each."""
    seen: list[Any] = []
    world.project_id  # noqa: B018 - the project's default group is made at first sight
    me = world.create('s', template('a', ['OS::Heat::TestResource']), **parts(''))
    world.run()
    seen.append(snapshot(world, me))
    world.update(me, template('b', ['OS::Heat::TestResource'] * 2), **parts('!'))
    world.run()
    seen.append(snapshot(world, me))
    world.update(me, template('c', ['OS::Heat::TestResource'], fail=True), disable_rollback=False,
                 **parts('#'))
    world.run()
    seen.append(snapshot(world, me))
    world.delete(me)
    world.run()
    seen.append((world.state(me), world.states(me), inventory(world), world.leases_held()))
    return seen


def snapshot(world: World, me: dict[str, Any]) -> Any:
    inside = {name: below(world, me, *name) for name in (('t',), ('t', 'm'), ('c',), ('s',))}
    return (world.state(me), world.states(me), outputs(world, me),
            {name: world.states(one) for name, one in inside.items()},
            world.rows(inside['t',])['g'].props['value'],
            inventory(world), sorted(world.events(me)), world.leases_held())


@pytest.fixture(scope='module')
def undisturbed(conf) -> tuple[list[Any], dict[str, int]]:
    world = World(conf)
    seen = life(world)
    assert [s[0] for s in seen] == ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'ROLLBACK_COMPLETE',
                                    'DELETE_COMPLETE']
    assert [s[2] for s in seen[:3]] == [
        {'said': 'a', 'in': 'a', 'refs': ['a'],
         's': {'said': 'a?', 'both': {'first': 'a?', 'list': [1, 'a']}}},
        *[{'said': 'b!', 'in': 'b!', 'refs': ['b', 'b'],
           's': {'said': 'b!?', 'both': {'first': 'b!?', 'list': [1, 'b!']}}}] * 2]
    return seen, dict(world.points)


@pytest.mark.parametrize('point', POINTS)
def test_every_crash_ends_where_no_crash_ends(conf, undisturbed, point):
    expected, counts = undisturbed
    assert counts[point] > 4
    for nth in range(1, counts[point] + 1):
        world = World(conf)
        world.crash_at(point, nth)
        assert life(world) == expected, f'crash at {point} number {nth}'
