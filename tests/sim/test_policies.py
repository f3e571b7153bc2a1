"""CreationPolicy, UpdateReplacePolicy and the deletion policies of AWS's format."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common import errors
from heat.model import op


def aws(**resources: Any) -> dict[str, Any]:
    return {'AWSTemplateFormatVersion': '2010-09-09', 'Resources': resources}


def waiting(count: int = 2, timeout: str = 'PT1M') -> dict[str, Any]:
    return aws(
        A={'Type': 'OS::Heat::TestResource', 'Properties': {'value': 'x', 'wait_secs': 2},
           'CreationPolicy': {'ResourceSignal': {'Count': count, 'Timeout': timeout}}},
        B={'Type': 'OS::Heat::TestResource', 'DependsOn': 'A', 'Properties': {'value': 'y'}})


def test_a_resource_counts_as_created_when_those_inside_say_so(world):
    me = world.create('s', waiting())
    world.run(until=world.clock.monotonic() + 10)
    assert world.states(me)['A'] == 'CREATE_IN_PROGRESS'
    world.signal(me, 'A', {'status': 'SUCCESS', 'id': 'i-1'})
    world.signal(me, 'A', {'Status': 'SUCCESS', 'UniqueId': 'i-1'})
    world.run(until=world.clock.monotonic() + 10)
    assert world.states(me)['A'] == 'CREATE_IN_PROGRESS'
    world.signal(me, 'A', {'Status': 'SUCCESS', 'UniqueId': 'i-2'})
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert world.states(me)['B'] == 'CREATE_COMPLETE'
    assert 'A Received SUCCESS signal with UniqueId i-2' in world.reasons(me)
    with pytest.raises(errors.ResourceActionNotSupported):
        world.signal(me, 'A', {'status': 'SUCCESS'})


def test_signals_that_come_before_the_create_has_ended_count(world):
    me = world.create('s', waiting(1))
    world.run(until=world.clock.monotonic() + 0.5)
    world.signal(me, 'A')
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'


def test_a_failure_signal_fails_the_resource(world):
    me = world.create('s', waiting())
    world.run(until=world.clock.monotonic() + 10)
    world.signal(me, 'A', {'Status': 'FAILURE', 'UniqueId': 'i-1'})
    world.run()
    assert world.state(me) == 'CREATE_FAILED'
    assert world.rows(me)['A'].reason.startswith(
        'CreationPolicyFailure: resources.A: Received 1 FAILURE signal(s) out of 2.')


def test_nobody_signals(world):
    me = world.create('s', waiting())
    world.run()
    assert world.rows(me)['A'].reason == (
        'CreationPolicyTimeout: resources.A: Failed to receive 2 resource signal(s) within the specified '
        'duration of 60 seconds (0 of 2 received).')


@pytest.mark.parametrize('nth', range(1, 7))
@pytest.mark.parametrize('point', ['commit.before', 'commit.after'])
def test_a_crash_while_waiting_loses_no_signal_and_no_time(world, point, nth):
    world.crash_at(point, nth)
    started = world.clock.wall()
    me = world.create('s', waiting(2, 'PT10M'))
    world.run(until=world.clock.monotonic() + 60)
    world.signal(me, 'A', {'id': 'i-1'})
    world.run(until=world.clock.monotonic() + 60)
    world.signal(me, 'A', {'id': 'i-2'})
    world.run(until=world.clock.monotonic() + 60)
    assert world.state(me) == 'CREATE_COMPLETE'
    assert world.clock.wall() - started < 600


def test_a_type_that_cannot_wait_refuses_the_policy(world):
    with pytest.raises(errors.StackValidationFailed, match='CreationPolicy is not supported'):
        world.create('s', aws(A={'Type': 'OS::Heat::Value', 'Properties': {'value': 'x'}, 'CreationPolicy': {
            'ResourceSignal': {}}}))


def there(world: Any, name: str) -> bool:
    answer = world._request(op.Call('compute', 'GET', f'/os-keypairs/{name}', ok=(404,)))
    return answer.body is not None


def keypair(name: str, **policies: Any) -> dict[str, Any]:
    return {'Type': 'OS::Nova::KeyPair', 'Properties': {'name': name}, **policies}


def replaced(world: Any, **policies: Any) -> tuple[bool, bool]:
    """Whether the old thing is there after a replacement, and the new one after the deletion."""
    me = world.create('s', aws(A=keypair('old', **policies)))
    world.run()
    assert there(world, 'old')
    world.update(me, aws(A=keypair('new', **policies)))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and there(world, 'new')
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'
    return there(world, 'old'), there(world, 'new')


@pytest.mark.parametrize(('policies', 'left'), [
    ({}, (False, False)),
    ({'DeletionPolicy': 'Retain'}, (False, True)),
    ({'UpdateReplacePolicy': 'Retain'}, (True, False)),
    ({'DeletionPolicy': 'Retain', 'UpdateReplacePolicy': 'Retain'}, (True, True)),
    ({'DeletionPolicy': 'RetainExceptOnCreate'}, (False, True)),
])
def test_what_is_left_when_things_go(world, policies, left):
    assert replaced(world, **policies) == left


@pytest.mark.parametrize(('policy', 'left'), [('Retain', True), ('RetainExceptOnCreate', False)])
def test_what_is_left_of_a_create_that_is_taken_back(world, policy, left):
    me = world.create('s', aws(
        N=keypair('made', DeletionPolicy=policy),
        F={'Type': 'OS::Heat::TestResource', 'DependsOn': 'N', 'Properties': {
            'value': 'x', 'fail': True}}), disable_rollback=False)
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE'
    assert there(world, 'made') is left


def test_an_update_that_is_taken_back_leaves_what_stood_before(world):
    me = world.create('s', aws(N=keypair('old', DeletionPolicy='RetainExceptOnCreate')))
    world.run()
    world.update(me, aws(
        N=keypair('new', DeletionPolicy='RetainExceptOnCreate'),
        F={'Type': 'OS::Heat::TestResource', 'DependsOn': 'N', 'Properties': {
            'value': 'x', 'fail': True}}), disable_rollback=False)
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE'
    assert there(world, 'old') and not there(world, 'new')


def test_a_key_pair_that_is_replaced_under_its_name_is_there_afterwards(world):
    # Seen by reading: the old row went last, and took the pair of the same name with it.
    def template(key: str) -> dict[str, Any]:
        return {'heat_template_version': '2021-04-16', 'resources': {'k': {
            'type': 'OS::Nova::KeyPair', 'properties': {'name': 'same', 'public_key': key}}}}
    me = world.create('s', template('ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDa one@x'))
    world.run()
    world.update(me, template('ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDb two@x'))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and there(world, 'same')
    world.delete(me)
    world.run()
    assert not there(world, 'same')
