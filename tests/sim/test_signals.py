"""Wait conditions: word from inside, failures, too late, more than once."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common import errors
from heat.db import connect, signals
from tests.sim.software import OK, template, wait_a_bit

AWS = {'Status': 'SUCCESS', 'Reason': 'r', 'UniqueId': '1', 'Data': 'd'}


def waiting(count: int = 1, timeout: int = 60) -> dict[str, Any]:
    return {'heat_template_version': '2021-04-16', 'resources': {
        'h': {'type': 'OS::Heat::WaitConditionHandle'},
        'w': {'type': 'OS::Heat::WaitCondition',
              'properties': {'handle': {'get_resource': 'h'}, 'count': count, 'timeout': timeout}},
        'after': {'type': 'OS::Heat::TestResource', 'depends_on': 'w',
                  'properties': {'value': {'get_attr': ['w', 'data']}}}}}


def late(resource: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A resource that is begun ten seconds after the stack."""
    return {'heat_template_version': '2021-04-16', 'resources': {
        'slow': {'type': 'OS::Heat::TestResource', 'properties': {'wait_secs': 10, 'value': 'x'}},
        'late': {'depends_on': 'slow', **resource}, **more}}


def test_two_signals_are_enough_for_a_count_of_two(world):
    me = world.create('s', waiting(2))
    world.run(until=world.clock.monotonic() + 5)
    assert world.states(me)['w'] == 'CREATE_IN_PROGRESS'
    world.signal(me, 'h', {'status': 'SUCCESS', 'reason': 'fine', 'data': 'x'})
    world.run(until=world.clock.monotonic() + 5)
    assert world.states(me)['w'] == 'CREATE_IN_PROGRESS'
    world.signal(me, 'h', None)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert world.rows(me)['after'].props['value'] == '{"1": "x", "2": null}'
    reasons = world.reasons(me)
    assert 'h Signal: status:SUCCESS reason:fine' in reasons
    assert 'h Signal: status:SUCCESS reason:Signal 2 received' in reasons


def test_a_failure_signal_fails_the_condition(world):
    me = world.create('s', waiting())
    world.run(until=world.clock.monotonic() + 5)
    world.signal(me, 'h', {'status': 'FAILURE', 'reason': 'no luck'})
    world.run()
    assert world.state(me) == 'CREATE_FAILED'
    assert world.stack(me).reason == 'Resource CREATE failed: WaitConditionFailure: resources.w: no luck'


def test_nobody_signals(world):
    me = world.create('s', waiting(2))
    world.run()
    assert world.rows(me)['w'].reason == 'WaitConditionTimeout: resources.w: 0 of 2 received'


def test_the_same_id_counts_once(world):
    me = world.create('s', waiting(2))
    world.run(until=world.clock.monotonic() + 5)
    for _ in range(3):
        world.signal(me, 'h', {'id': 'same'})
    world.run()
    assert world.rows(me)['w'].reason.startswith('WaitConditionTimeout: resources.w: 1 of 2 received')


def test_a_signal_to_a_stack_at_rest_is_kept(world):
    me = world.create('s', waiting())
    world.run(until=world.clock.monotonic() + 5)
    world.signal(me, 'h')
    world.run()
    world.signal(me, 'h', {'id': 'later', 'data': 7})
    world.run()
    assert world.rows(me)['h'].metadata['later']['data'] == 7
    assert world.leases_held() == 0


def test_a_signal_that_is_read_twice_counts_once(world):
    # Seen with a guest's signal: a beat read it again while its removal was being committed.
    me = world.create('s', waiting(2))
    world.run(until=world.clock.monotonic() + 5)
    world.signal(me, 'h')
    world.engine.owner.refresh(me['stack_id'])
    world.run(until=world.clock.monotonic() + 5)
    assert world.states(me)['w'] == 'CREATE_IN_PROGRESS'
    assert [e for e in world.events(me) if 'SIGNAL' in e] == ['h SIGNAL_COMPLETE']


def test_what_takes_no_signals_says_so(world):
    me = world.create('s', waiting())
    world.run(until=world.clock.monotonic() + 5)
    with pytest.raises(errors.ResourceActionNotSupported):
        world.signal(me, 'w')
    with pytest.raises(errors.ResourceNotFound):
        world.signal(me, 'nobody')


def test_a_bad_signal_leaves_an_event_and_nothing_else(world):
    me = world.create('s', waiting())
    world.run(until=world.clock.monotonic() + 5)
    world.signal(me, 'h', {'status': 'MAYBE'})
    world.run(until=world.clock.monotonic() + 5)
    assert world.rows(me)['h'].metadata == {}
    assert 'h SIGNAL_FAILED' in world.events(me)


def test_the_token_stands_nowhere_in_the_clear(world):
    me = world.create('s', waiting())
    world.run(until=world.clock.monotonic() + 5)
    with world.database.connect() as conn:
        dump = str(conn.exec_driver_sql('select * from resource').all())
        dump += str(conn.exec_driver_sql('select * from resource_properties_data').all())
    assert world.rows(me)['h'].data['token'] == 'tok' and "'tok'" not in dump and '"tok"' not in dump


@pytest.mark.parametrize(('kind', 'details'), [
    ('OS::Heat::WaitConditionHandle', {'id': '1'}), ('OS::Heat::UpdateWaitConditionHandle', AWS),
    ('AWS::CloudFormation::WaitConditionHandle', AWS)])
def test_what_is_not_begun_takes_no_signal(world, kind, details):
    # It was taken and lost: seen in a replay that was too fast.
    me = world.create('s', late({'type': kind}))
    with pytest.raises(errors.ResourceNotFound):
        world.signal(me, 'late', details)
    wait_a_bit(world)
    assert world.states(me)['late'] == 'INIT_COMPLETE'
    with pytest.raises(errors.ResourceNotAvailable):
        world.signal(me, 'late', details)
    with pytest.raises(errors.ResourceNotAvailable, match=r'The Resource \(late\) is not available'):
        world.hearing.resource_signal(world.context, me, 'late', details, sync_call=True)
    while world.states(me)['late'] == 'INIT_COMPLETE':
        world.run(until=world.clock.monotonic() + 0.01)
    assert world.rows(me)['late'].physical_id is None
    world.signal(me, 'late', details)
    world.run()
    assert '1' in world.rows(me)['late'].metadata
    assert [one for one in world.events(me) if 'SIGNAL' in one] == ['late SIGNAL_IN_PROGRESS']


def test_a_deployment_that_is_not_there_takes_no_signal(world):
    tree = template()
    me = world.create('s', late(tree['resources']['dep'], conf=tree['resources']['conf']))
    wait_a_bit(world)
    while world.rows(me)['late'].physical_id is None:
        with pytest.raises(errors.ResourceNotAvailable):
            world.signal(me, 'late', OK)
        world.run(until=world.clock.monotonic() + 0.01)
    assert world.states(me)['late'] == 'CREATE_IN_PROGRESS'
    world.signal(me, 'late', OK)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert len([one for one in world.events(me) if 'SIGNAL' in one]) == 1


def test_the_policy_of_a_stack_that_is_not_begun_takes_no_signal(world):
    me = world.create('s', late({'type': 'OS::Heat::ScalingPolicy', 'properties': {
        'adjustment_type': 'change_in_capacity', 'auto_scaling_group_id': {'get_resource': 'slow'},
        'scaling_adjustment': 1}}))
    wait_a_bit(world)
    with pytest.raises(errors.ResourceNotAvailable):
        world.signal(me, 'late')


def test_a_signal_that_is_overtaken_by_a_deletion_leaves_an_event(world):
    me = world.create('s', waiting())
    world.run(until=world.clock.monotonic() + 5)
    world.delete(me)
    while world.states(me)['h'] != 'DELETE_IN_PROGRESS':
        world.run(until=world.clock.monotonic() + 0.01)
    # As if it had been taken in a moment before.
    with connect.write(world.database) as conn:
        signals.add(conn, me['stack_id'], me['stack_id'], 'h', {'id': 'late'}, world.crypt, world.clock.now())
    world.engine.owner.refresh(me['stack_id'])
    world.run()
    assert 'h Cannot signal resource during DELETE' in world.reasons(me)
    assert (world.state(me), world.leases_held()) == ('DELETE_COMPLETE', 0)
