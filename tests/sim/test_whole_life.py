"""Adopt, abandon, export, snapshot, restore, marks, stopping, deleting with a choice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from heat.common import errors
from heat.db import connect, schema
from heat.engine import integrity
from tests.sim.crashes import every_crash
from tests.sim.test_lifecycle import hot, of, res
from tests.sim.world import World


@pytest.fixture(autouse=True)
def allowed(conf) -> Iterator[None]:
    conf.set_override('enable_stack_abandon', True)
    conf.set_override('enable_stack_adopt', True)
    yield
    conf.clear_override('enable_stack_abandon')
    conf.clear_override('enable_stack_adopt')


def group(value: str = 'm%index%', count: int = 1) -> dict[str, Any]:
    return {'type': 'OS::Heat::ResourceGroup', 'properties': {
        'count': count, 'resource_def': {'type': 'OS::Heat::TestResource', 'properties': {'value': value}}}}


def template(value: str = 'one') -> dict[str, Any]:
    return hot(a=res(value), r={'type': 'OS::Heat::RandomString'}, g=group(value),
               n={'type': 'OS::Neutron::Net', 'properties': {'admin_state_up': value == 'one'}},
               b=res({'get_attr': ['r', 'value']}))


def child_of(world: World, me: dict[str, Any], name: str = 'g') -> dict[str, Any]:
    return world.stack({'stack_id': world.rows(me)[name].physical_id}).identity.to_wire()


def sound(world: World, *stacks: dict[str, Any]) -> list[str]:
    with connect.read(world.database) as conn:
        return [said for me in stacks for said in integrity.check_tree(conn, me['stack_id'], world.crypt)]


def networks(world: World) -> list[str]:
    there = world.cloud.inventory.networks.rows.values()
    return sorted(row['id'] for row in there if row['name'] != 'public')


# -- abandon and adopt -----------------------------------------------------------------------------


def test_abandoned_things_stay_and_are_adopted(world):
    me = world.create('s', template())
    world.run()
    there, rows = networks(world), world.rows(me)
    data = world.actions.abandon_stack(world.context, me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and networks(world) == there
    assert data['resources']['g']['resources']['0']['resource_data'] == {'value': 'one'}
    new = world.create('t', data['template'], args={'adopt_stack_data': json.dumps(data)})
    world.run()
    assert world.state(new) == 'ADOPT_COMPLETE', world.stack(new).reason
    assert set(world.states(new).values()) == {'ADOPT_COMPLETE'}
    assert world.states(child_of(world, new)) == {'0': 'ADOPT_COMPLETE'}
    for name in ('a', 'r', 'n', 'b'):
        assert world.rows(new)[name].physical_id == rows[name].physical_id
        assert world.rows(new)[name].data == rows[name].data
    assert networks(world) == there and sound(world, new) == []
    # The same template again: nothing to do, and nothing was lost.
    world.update(new, None, existing=True)
    world.run()
    assert world.stack(new).reason == 'Stack UPDATE completed successfully; nothing had to be changed'
    world.delete(new)
    world.run()
    assert world.state(new) == 'DELETE_COMPLETE' and networks(world) == []


def test_every_crash_of_an_adoption(conf):
    def life(world: World) -> Any:
        me = world.create('s', template())
        world.run()
        data = world.actions.abandon_stack(world.context, me)
        world.run()
        new = world.create('t', data['template'], args={'adopt_stack_data': json.dumps(data)})
        world.run()
        return (world.state(me), world.state(new), world.states(new), world.states(child_of(world, new)),
                len(networks(world)), sorted(world.events(new)), world.leases_held(), sound(world, new))

    expected = every_crash(conf, life)
    assert expected[:2] == ('DELETE_COMPLETE', 'ADOPT_COMPLETE')


def test_what_is_not_handed_over_cannot_be_adopted(world):
    me = world.create('s', hot(a=res()), args={'adopt_stack_data': json.dumps({'resources': {}})})
    world.run()
    assert world.state(me) == 'ADOPT_FAILED'
    assert world.stack(me).reason == ('Resource ADOPT failed: Exception: resources.a: '
                                      'Resource ID was not provided.')


def test_a_failed_adoption_rolls_back_without_deleting(world):
    me = world.create('s', hot(n={'type': 'OS::Neutron::Net'}))
    world.run()
    data = world.actions.abandon_stack(world.context, me)
    world.run()
    there = networks(world)
    new = world.create('t', hot(n={'type': 'OS::Neutron::Net'}, a=res(depends_on='n')),
                       disable_rollback=False, args={'adopt_stack_data': json.dumps(data)})
    world.run()
    assert world.state(new) == 'ROLLBACK_COMPLETE' and networks(world) == there


def test_abandon_and_adopt_need_leave(world, conf):
    me = world.create('s', hot(a=res()))
    world.run()
    conf.set_override('enable_stack_abandon', False)
    conf.set_override('enable_stack_adopt', False)
    for method in ('abandon_stack', 'export_stack'):
        with pytest.raises(errors.NotSupported, match='Stack Abandon is not supported'):
            getattr(world.actions, method)(world.context, me)
    with pytest.raises(errors.NotSupported, match='Stack Adopt is not supported'):
        world.create('t', hot(a=res()), args={'adopt_stack_data': '{}'})


# -- snapshots ---------------------------------------------------------------------------------------


def test_a_stack_goes_back_to_its_snapshot(world):
    me = world.create('s', template())
    world.run()
    first = world.actions.stack_snapshot(world.context, me, 'first')
    assert (first['status'], first['data']['resources']) == ('IN_PROGRESS', {})
    with pytest.raises(errors.ActionInProgress):
        world.actions.stack_snapshot(world.context, me, 'busy')
    world.run()
    shown = world.actions.show_snapshot(world.context, me, first['id'])
    assert (shown['status'], shown['status_reason']) == ('COMPLETE', 'Stack SNAPSHOT completed successfully')
    assert shown['data']['resources']['a']['action'] == 'SNAPSHOT'
    assert shown['data']['resources']['g']['resources']['0']['status'] == 'COMPLETE'
    world.update(me, hot(a=res('two'), extra=res()))
    world.run()
    world.actions.stack_restore(world.context, me, first['id'])
    world.run()
    assert world.state(me) == 'RESTORE_COMPLETE' and sound(world, me) == []
    assert set(world.rows(me)) == {'a', 'r', 'g', 'n', 'b'}
    assert world.rows(me)['a'].props['value'] == 'one'
    world.actions.delete_snapshot(world.context, me, first['id'])
    assert world.actions.stack_list_snapshots(world.context, me) == []
    with pytest.raises(errors.NotFound, match=r'Snapshot with id .* not found'):
        world.actions.stack_restore(world.context, me, first['id'])


def test_every_crash_of_a_snapshot_and_its_restoration(conf):
    def life(world: World) -> Any:
        me = world.create('s', template())
        world.run()
        first = world.actions.stack_snapshot(world.context, me, 'first')
        world.run()
        shown = world.actions.show_snapshot(world.context, me, first['id'])
        world.update(me, hot(a=res('two')))
        world.run()
        world.actions.stack_restore(world.context, me, first['id'])
        world.run()
        return (shown['status'], sorted(shown['data']['resources']), world.state(me), world.states(me),
                len(networks(world)), sorted(world.events(me)), world.leases_held(), sound(world, me))

    expected = every_crash(conf, life)
    assert expected[0] == 'COMPLETE' and expected[2] == 'RESTORE_COMPLETE'


def test_snapshots_are_limited_and_their_content_is_no_clear_text(world, conf):
    me = world.create('s', hot(a=res('very-secret')))
    world.run()
    conf.set_override('max_snapshots_per_stack', 1)
    world.actions.stack_snapshot(world.context, me, 'one')
    world.run()
    with connect.read(world.database) as conn:
        assert 'very-secret' not in str(conn.execute(schema.snapshot.select()).all())
    with pytest.raises(errors.RequestLimitExceeded, match='maximum snapshots per stack, 1'):
        world.actions.stack_snapshot(world.context, me, 'two')
    conf.clear_override('max_snapshots_per_stack')
    assert world.state(me) == 'SNAPSHOT_COMPLETE'


# -- health --------------------------------------------------------------------------------------------


def test_what_is_marked_unhealthy_is_replaced_wherever_it_is(world):
    me = world.create('s', hot(a=res(), b=res({'get_resource': 'a'}), g=group()))
    world.run()
    old = {'a': world.rows(me)['a'].physical_id, '0': world.rows(child_of(world, me))['0'].physical_id}
    mark = world.actions.resource_mark_unhealthy
    mark(world.context, me, 'a', True, 'broken')
    mark(world.context, child_of(world, me), old['0'], True, None)
    assert world.states(me)['a'] == 'CHECK_FAILED'
    assert world.reasons(me)[-1] == 'a broken'
    assert world.rows(child_of(world, me))['0'].reason == 'state changed by resource_mark_unhealthy api'
    world.update(me, None, existing=True)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and sound(world, me) == []
    assert world.rows(me)['a'].physical_id != old['a']
    assert world.rows(child_of(world, me))['0'].physical_id != old['0']
    assert of(world.events(me), 'g')[2:] == ['UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE']


def test_a_mark_may_be_taken_back(world):
    me = world.create('s', hot(a=res()))
    world.run()
    mark = world.actions.resource_mark_unhealthy
    mark(world.context, me, 'a', True, 'broken')
    mark(world.context, me, 'a', False, None)
    assert world.states(me) == {'a': 'CHECK_COMPLETE'}
    mark(world.context, me, 'a', False, 'again')
    assert world.rows(me)['a'].reason == 'state changed by resource_mark_unhealthy api'
    world.update(me, None, existing=True)
    world.run()
    assert of(world.events(me), 'a')[-1] == 'CHECK_COMPLETE'
    with pytest.raises(errors.ResourceNotFound):
        mark(world.context, me, 'zz', True, '')


def test_a_mark_in_a_tree_that_is_driven_reaches_its_owner(world):
    me = world.create('s', hot(a=res(), slow=res(props={'wait_secs': 30}, depends_on='a')))
    world.run(until=world.clock.monotonic() + 5)
    with pytest.raises(errors.ActionInProgress):
        world.actions.resource_mark_unhealthy(world.context, me, 'slow', True, 'no')
    world.actions.resource_mark_unhealthy(world.context, me, 'a', True, 'broken')
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE' and world.states(me)['a'] == 'CHECK_FAILED'


# -- stopping ------------------------------------------------------------------------------------------


@pytest.mark.parametrize('verb', ['CREATE', 'UPDATE'])
def test_stopping_leaves_things_as_they_are(world, verb):
    slow = {'wait_secs': 0 if verb == 'UPDATE' else 30}
    me = world.create('s', hot(a=res(props=slow), b=res(depends_on='a'), g=group()), disable_rollback=False)
    if verb == 'UPDATE':
        world.run()
        slow = {'wait_secs': 30}
        world.update(me, hot(a=res('two', props=slow), b=res('two', depends_on='a'), g=group('x')),
                     disable_rollback=False)
    world.run(until=world.clock.monotonic() + 2)
    world.engine.intake.stack_cancel_update(world.context, me, cancel_with_rollback=False)
    world.run()
    assert world.state(me) == f'{verb}_FAILED'
    assert world.stack(me).reason == f'Stack {verb} cancelled'
    assert world.rows(me)['a'].reason == f'{verb} aborted (user triggered cancel)'
    assert world.leases_held() == 0 and sound(world, me) == []
    # What was stopped is taken up again by an update that asks for nothing else.
    done = world.rows(child_of(world, me))['0'].updated_at
    world.update(me, None, existing=True)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and sound(world, me) == []
    assert world.rows(child_of(world, me))['0'].updated_at == done


def test_every_crash_of_a_stop_inside_a_group(conf):
    def life(world: World) -> Any:
        slow = {'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 2, 'resource_def': {
            'type': 'OS::Heat::TestResource', 'properties': {'wait_secs': 900}}}}
        me = world.create('s', hot(n={'type': 'OS::Neutron::Net'}, g={**slow, 'depends_on': 'n'}))
        world.run(until=world.clock.monotonic() + 300)
        world.engine.intake.stack_cancel_update(world.context, me, cancel_with_rollback=False)
        world.run()
        child = child_of(world, me)
        return (world.state(me), world.states(me), world.state(child), world.states(child),
                world.stack(me).reason, world.leases_held(), sound(world, me))

    expected = every_crash(conf, life)
    assert expected[0] == expected[2] == 'CREATE_FAILED'
    assert expected[3] == {'0': 'CREATE_FAILED', '1': 'CREATE_FAILED'}


def test_a_deadline_outlives_its_engine(world):
    me = world.create('s', hot(a=res(props={'wait_secs': 9000})), timeout_mins=10)
    began = world.clock.monotonic()
    world.run(until=began + 300)
    world.kill(world.engine)
    world.take_over(world.add_engine())
    world.run()
    assert (world.state(me), world.stack(me).reason) == ('CREATE_FAILED', 'Timed out')
    assert 599 < world.clock.monotonic() - began < 601


# -- deleting --------------------------------------------------------------------------------------------


def test_retained_resources_stay_by_name_or_policy(world):
    net = {'type': 'OS::Neutron::Net'}
    me = world.create('s', hot(
        gone=net, kept=net, policy={**net, 'deletion_policy': 'Retain'},
        g={'type': 'OS::Heat::ResourceGroup', 'properties': {'count': 2, 'resource_def': net}},
        h={'type': 'OS::Heat::ResourceGroup', 'deletion_policy': 'Retain', 'properties': {
            'count': 1, 'resource_def': net}}))
    world.run()
    inner = world.rows(child_of(world, me))
    stay = sorted([world.rows(me)['kept'].physical_id, world.rows(me)['policy'].physical_id,
                   inner['0'].physical_id, world.rows(child_of(world, me, 'h'))['0'].physical_id])
    world.delete(me, retain=['kept', 'g/0'])
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and networks(world) == stay
    with connect.read(world.database) as conn:
        assert conn.execute(schema.stack.select().where(schema.stack.c.deleted_at.is_(None))).all() == []


def test_a_forced_deletion_says_what_it_leaves_behind(world):
    me = world.create('s', hot(n={'type': 'OS::Neutron::Net'}, a=res(depends_on='n')))
    world.run()
    world.cloud.faults.add(service='network', method='DELETE', path='/networks/[^/]+', kind='status',
                           status=409, count=9)
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_FAILED'
    left = world.rows(me)['n'].physical_id
    world.delete(me, force=True)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'
    assert world.stack(me).reason == ('Stack DELETE completed successfully. Left behind: '
                                      f'OS::Neutron::Net n [{left}]')
    assert networks(world) == [left]


def test_what_is_gone_already_counts_as_deleted(world):
    me = world.create('s', hot(n={'type': 'OS::Neutron::Net'}))
    world.run()
    world.cloud.inventory.networks.rows.pop(world.rows(me)['n'].physical_id)
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'


def test_a_protected_stack_is_not_deleted(world):
    me = world.create('s', hot(a=res(), g=group()), args={'termination_protection': True})
    world.run()
    for one in (me, child_of(world, me)):
        with pytest.raises(errors.TerminationProtected, match='protected from deletion'):
            world.delete(one)
    world.update(me, None, existing=True, args={'termination_protection': False})
    world.run()
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'
