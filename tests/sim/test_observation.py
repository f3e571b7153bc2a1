"""What was changed outside: found by a check, put right by an update that looks first."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common import errors
from tests.sim.crashes import every_crash
from tests.sim.nests import below
from tests.sim.test_lifecycle import hot, of
from tests.sim.test_plans import plan
from tests.sim.world import World


def net(**props: Any) -> dict[str, Any]:
    return {'type': 'OS::Neutron::Net', 'properties': {'name': 'ours', 'admin_state_up': True, **props}}


def meddle(world: World, me: dict[str, Any]) -> dict[str, Any]:
    row = world.cloud.inventory.networks.rows[world.rows(me)['n'].physical_id]
    row['name'], row['admin_state_up'] = 'theirs', False
    return row


def test_a_check_tells_what_was_changed_outside(world):
    me = world.create('s', hot(n=net()))
    world.run()
    meddle(world, me)
    world.engine.intake.stack_check(world.context, me)
    world.run()
    row = world.rows(me)['n']
    assert world.state(me) == 'CHECK_COMPLETE'
    assert row.reason == ('state changed; differs from what was asked for: name is "theirs" instead of '
                          '"ours", admin_state_up is false instead of true')
    assert row.data['drift']['differences'] == [
        {'property': 'name', 'expected': 'ours', 'actual': 'theirs', 'kind': 'NOT_EQUAL'},
        {'property': 'admin_state_up', 'expected': True, 'actual': False, 'kind': 'NOT_EQUAL'}]


def test_an_ordinary_update_does_not_look(world):
    me = world.create('s', hot(n=net()))
    world.run()
    row = meddle(world, me)
    world.update(me, hot(n=net()))
    world.run()
    assert row['name'] == 'theirs'


@pytest.mark.parametrize('by_option', [False, True])
def test_an_update_that_looks_puts_it_right(world, conf, by_option):
    me = world.create('s', hot(n=net()))
    world.run()
    row = meddle(world, me)
    if by_option:
        conf.set_override('observe_on_update', True)
    try:
        world.update(me, hot(n=net()), args={} if by_option else {'converge': True})
    finally:
        conf.clear_override('observe_on_update')
    world.run()
    assert (row['name'], row['admin_state_up']) == ('ours', True)
    assert of(world.events(me), 'n')[2:] == ['UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE']
    # The wish to look stays until it is taken back, and finds nothing.
    world.update(me, hot(n=net()))
    world.run()
    assert world.stack(me).reason.endswith('nothing had to be changed')


def test_a_thing_that_is_gone_is_made_again(world):
    me = world.create('s', hot(n=net(), g={'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': 1, 'resource_def': net(name='inner')}}))
    world.run()
    there = world.cloud.inventory.networks.rows
    child = {'stack_id': world.rows(me)['g'].physical_id}
    gone = [world.rows(me)['n'].physical_id, world.rows(child)['0'].physical_id]
    for one in gone:
        there.pop(one)
    world.update(me, None, existing=True, args={'converge': True})
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert world.rows(me)['n'].physical_id in there and world.rows(child)['0'].physical_id in there


def inner(**props: Any) -> dict[str, Any]:
    return {'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 1, 'resource_def': net(**props)}}


def drifted(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """A stack and its template: one thing changed outside, one gone, one in a group, one as it was."""
    tree = hot(n=net(), gone=net(name='gone'), g=inner(name='inner'), same=net(name='same'))
    me = world.create('s', tree)
    world.run()
    meddle(world, me)
    rows = world.cloud.inventory.networks.rows
    rows.pop(world.rows(me)['gone'].physical_id)
    rows[world.rows(below(world, me, 'g'))['0'].physical_id]['name'] = 'theirs'
    return me, tree


def lists(world: World, me: dict[str, Any], tree: dict[str, Any], **args: Any) -> dict[str, list[str]]:
    shown = world.plans.preview_update_stack(world.context, me, tree, {}, {}, {'show_nested': True, **args})
    return {key: sorted(one['resource_name'] for one in found) for key, found in shown.items() if found}


def test_a_preview_of_an_update_that_looks_has_looked(world):
    me, tree = drifted(world)
    assert lists(world, me, tree) == {'unchanged': ['0', 'g', 'gone', 'n', 'same']}
    expected = {'unchanged': ['same'], 'updated': ['0', 'g', 'n'], 'replaced': ['gone']}
    before = len(world.events(me))
    assert lists(world, me, tree, converge=True) == expected
    # Nothing of it has happened, and what happens is what was seen.
    assert len(world.events(me)) == before
    world.update(me, tree, args={'converge': True})
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert {name for name in world.rows(me) if of(world.events(me)[before:], name)} == {'n', 'gone', 'g'}
    # The wish to look stays with the stack, so previews of it look as well.
    meddle(world, me)
    assert lists(world, me, tree)['updated'] == ['n']
    assert 'updated' not in lists(world, me, tree, converge=False)


def test_a_saved_plan_tells_what_was_changed_in_the_cloud(world):
    me, tree = drifted(world)
    made = plan(world, me, tree, args={'converge': True})
    entries = {entry['resource_name']: entry for entry in made['entries']}
    assert entries['n']['changes'] == [
        {'property': 'name', 'before': 'theirs', 'after': 'ours', 'effect': 'update', 'conditional': False,
         'cause': ['changed in the cloud'], 'hidden': False},
        {'property': 'admin_state_up', 'before': False, 'after': True, 'effect': 'update',
         'conditional': False, 'cause': ['changed in the cloud'], 'hidden': False}]
    assert (entries['gone']['action'], entries['gone']['reason']) == (
        'replace', 'The Resource gone requires replacement: it is gone.')
    assert entries['same']['action'] == 'keep' and entries['g']['inner'][0]['action'] == 'update'
    world.plans.execute_plan(world.context, made['id'])
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and lists(world, me, tree) == {
        'unchanged': ['0', 'g', 'gone', 'n', 'same']}


def test_a_guard_sees_what_is_gone(world):
    me, tree = drifted(world)
    with pytest.raises(errors.ResourceGuarded, match=r'gone \(replace\)'):
        world.update(me, tree, args={'converge': True, 'guard': ['gone']})
    world.update(me, tree, args={'converge': True, 'guard': ['n']})
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'


def test_a_cloud_that_does_not_answer_is_told_in_the_preview(world):
    me, tree = drifted(world)
    mine = world.rows(me)['n'].physical_id
    world.cloud.faults.add(service='network', method='GET', path=f'/networks/{mine}', count=1)
    made = plan(world, me, tree, args={'converge': True})
    refused = {entry['resource_name']: entry['refused'] for entry in made['entries']
               if entry['action'] == 'refuse'}
    assert list(refused) == ['n'] and 'HTTP 503' in refused['n'] and 'CloudFault' not in refused['n']


def test_every_crash_of_an_update_that_looks(conf):
    def life(world: World) -> Any:
        me = world.create('s', hot(n=net(), m={**net(name='m'), 'depends_on': 'n'}))
        world.run()
        row = meddle(world, me)
        world.cloud.inventory.networks.rows.pop(world.rows(me)['m'].physical_id)
        world.update(me, None, existing=True, args={'converge': True})
        world.run()
        rows = world.cloud.inventory.networks.rows
        return (row['name'], world.state(me), world.states(me), sorted(world.events(me)),
                sorted(one['name'] for one in rows.values()), world.leases_held())

    assert every_crash(conf, life)[:2] == ('ours', 'UPDATE_COMPLETE')
