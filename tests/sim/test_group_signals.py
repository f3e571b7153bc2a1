"""Groups that wait for the word of their instances, when they are made and batch by batch."""

from __future__ import annotations

from typing import Any

import pytest

from heat.common import errors
from tests.sim.crashes import every_crash
from tests.sim.test_aws_groups import STAND_IN, flavors, group, members
from tests.sim.world import World

POLICY = {'MinInstancesInService': 0, 'MaxBatchSize': 2, 'PauseTime': 'PT10M', 'WaitOnResourceSignals': True}


def signalled(flavor: str = 'm1.tiny', *, count: int = 0, percent: int | None = None, size: int = 4,
              **rolling: Any) -> dict[str, Any]:
    """A group of ``size`` instances, of which ``count`` signal at the creation."""
    template = group(flavor, {**POLICY, **rolling}, MinSize=size, MaxSize=8)
    template['AWSTemplateFormatVersion'] = '2010-09-09'
    del template['HeatTemplateFormatVersion']
    if count:
        template['Resources']['g']['CreationPolicy'] = {
            'ResourceSignal': {'Count': count, 'Timeout': 'PT5M'},
            **({} if percent is None else {
                'AutoScalingCreationPolicy': {'MinSuccessfulInstancesPercent': percent}})}
    return template


def begun(world: World, template: dict[str, Any]) -> dict[str, Any]:
    me = world.create('s', template, environment=STAND_IN)
    world.run(until=world.clock.monotonic() + 5)
    return me


def made(world: World) -> dict[str, Any]:
    me = begun(world, signalled())
    assert world.state(me) == 'CREATE_COMPLETE', world.stack(me).reason
    return me


def say(world: World, me: dict[str, Any], *names: str, status: str = 'SUCCESS') -> None:
    for name in names:
        world.signal(me, 'g', {'Status': status, 'UniqueId': name})
    world.run(until=world.clock.monotonic() + 5)


def update(world: World, me: dict[str, Any], template: dict[str, Any]) -> None:
    world.update(me, template, environment=STAND_IN)
    world.run(until=world.clock.monotonic() + 5)


def test_a_group_counts_as_made_when_its_instances_say_so(world: World) -> None:
    me = begun(world, signalled(count=2))
    assert len(members(world, me)) == 4 and world.states(me)['g'] == 'CREATE_IN_PROGRESS'
    say(world, me, 'i-1', 'i-1')
    assert world.states(me)['g'] == 'CREATE_IN_PROGRESS'
    say(world, me, 'i-2')
    assert world.state(me) == 'CREATE_COMPLETE'
    assert 'g Received SUCCESS signal with UniqueId i-2' in world.reasons(me)
    with pytest.raises(errors.ResourceActionNotSupported):
        say(world, me, 'i-3')


def test_instances_may_signal_while_others_are_made(world: World) -> None:
    slow = {'resource_registry': {'AWS::EC2::Instance': 'file:///slow.yaml'}}
    files = {'file:///slow.yaml': '''
heat_template_version: 2021-04-16
parameters: {ImageId: {type: string}, InstanceType: {type: string}, Tags: {type: json},
             SecurityGroups: {type: json, default: []}}
resources: {wait: {type: OS::Heat::TestResource, properties: {wait_secs: 60}}}
'''}
    me = world.create('s', signalled(count=1, size=1), environment=slow, files=files)
    world.run(until=world.clock.monotonic() + 10)
    say(world, me, 'i-1')
    assert world.states(me)['g'] == 'CREATE_IN_PROGRESS'
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE', world.stack(me).reason


def test_a_group_fails_when_too_few_say_so(world: World) -> None:
    me = begun(world, signalled(count=4, percent=75))
    say(world, me, 'i-1', 'i-2')
    say(world, me, 'i-3', status='FAILURE')
    assert world.states(me)['g'] == 'CREATE_IN_PROGRESS'
    say(world, me, 'i-4', status='FAILURE')
    assert world.state(me) == 'CREATE_FAILED'
    assert world.rows(me)['g'].reason == (
        'CreationPolicyFailure: resources.g: Received 2 FAILURE signal(s) out of 4. Unable to have 3 '
        'successful ones, as MinSuccessfulInstancesPercent asks for.')


def test_a_part_of_the_instances_is_enough_where_the_policy_says_so(world: World) -> None:
    me = begun(world, signalled(count=4, percent=75))
    say(world, me, 'i-1', status='FAILURE')
    say(world, me, 'i-2', 'i-3', 'i-4')
    assert world.state(me) == 'CREATE_COMPLETE'


def test_a_group_from_which_nobody_is_heard(world: World) -> None:
    started = world.clock.monotonic()
    me = begun(world, signalled(count=2))
    world.run()
    assert 300 <= world.clock.monotonic() - started < 305
    assert world.rows(me)['g'].reason == (
        'CreationPolicyTimeout: resources.g: Failed to receive 2 resource signal(s) within the specified '
        'duration of 300 seconds (0 of 2 received).')
    # The next update takes it as it is: what it is made of is sound.
    update(world, me, signalled(count=2))
    assert world.state(me) == 'UPDATE_COMPLETE' and len(members(world, me)) == 4


def test_a_rolling_update_waits_for_each_batch(world: World) -> None:
    me = made(world)
    old = set(members(world, me))
    update(world, me, signalled('m1.small'))
    # Instances are replaced, so that new ones can tell.
    first = set(members(world, me)) - old
    assert len(first) == 2 and flavors(world, me) == ['m1.small'] * 2 + ['m1.tiny'] * 2
    assert world.states(me)['g'] == 'UPDATE_IN_PROGRESS'
    say(world, me, *list(first)[:1])
    assert len(set(members(world, me)) - old) == 2
    say(world, me, *first)
    assert flavors(world, me) == ['m1.small'] * 4 and world.states(me)['g'] == 'UPDATE_IN_PROGRESS'
    # Those of the batch before do not count for this one.
    second = set(members(world, me)) - old - first
    say(world, me, *second)
    assert world.state(me) == 'UPDATE_COMPLETE' and len(members(world, me)) == 4


def test_a_rolling_update_fails_with_its_batch(world: World) -> None:
    me = made(world)
    old = set(members(world, me))
    update(world, me, signalled('m1.small'))
    fresh = sorted(set(members(world, me)) - old)
    say(world, me, fresh[0], status='FAILURE')
    assert world.state(me) == 'UPDATE_FAILED' and world.rows(me)['g'].reason == (
        'UpdatePolicyFailure: resources.g: Received 1 FAILURE signal(s) out of 2. Unable to satisfy the '
        'requirement of the update policy.')
    assert set(members(world, me)) & old and flavors(world, me).count('m1.tiny') == 2


def test_a_batch_from_which_too_few_are_heard(world: World) -> None:
    me = made(world)
    started = world.clock.monotonic()
    update(world, me, signalled('m1.small', MinSuccessfulInstancesPercent=50))
    fresh = [name for name, row in members(world, me).items() if row.props['InstanceType'] == 'm1.small']
    say(world, me, fresh[0])
    # One of two is enough.
    assert flavors(world, me) == ['m1.small'] * 4
    world.run()
    assert world.state(me) == 'UPDATE_FAILED' and 600 <= world.clock.monotonic() - started < 620
    assert world.rows(me)['g'].reason == (
        'UpdatePolicyTimeout: resources.g: Failed to receive 2 resource signal(s) within the specified '
        'duration of 600 seconds (0 of 2 received).')


def test_a_newer_update_does_not_wait_for_the_signals_of_the_last(world: World) -> None:
    me = made(world)
    update(world, me, signalled('m1.small'))
    update(world, me, signalled('m1.tiny'))
    fresh = set(members(world, me))
    say(world, me, *fresh)
    world.run(until=world.clock.monotonic() + 5)
    assert world.state(me) == 'UPDATE_COMPLETE' and flavors(world, me) == ['m1.tiny'] * 4


def test_deleting_while_signals_are_waited_for(world: World) -> None:
    me = begun(world, signalled(count=2))
    world.delete(me)
    world.run(until=world.clock.monotonic() + 5)
    assert world.state(me) == 'DELETE_COMPLETE'


def test_any_nested_stack_may_wait(world: World) -> None:
    template = {'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {'g': {
        'Type': 'OS::Heat::ResourceGroup',
        'Properties': {'count': 1, 'resource_def': {'type': 'OS::Heat::TestResource'}},
        'CreationPolicy': {'ResourceSignal': {'Count': 1}}}}}
    me = begun(world, template)
    assert world.states(me)['g'] == 'CREATE_IN_PROGRESS'
    say(world, me, 'one')
    assert world.state(me) == 'CREATE_COMPLETE'


def test_every_crash_of_waiting(conf: Any) -> None:
    def life(world: World) -> Any:
        me = begun(world, signalled(count=1, size=2, MaxBatchSize=1))
        world.run(until=world.clock.monotonic() + 60)
        say(world, me, 'i-1')
        world.run(until=world.clock.monotonic() + 60)
        seen = [world.state(me)]
        update(world, me, signalled('m1.small', count=1, size=2, MaxBatchSize=1))
        for batch in ('a', 'b'):
            world.run(until=world.clock.monotonic() + 60)
            say(world, me, batch)
        world.run(until=world.clock.monotonic() + 60)
        return [*seen, world.state(me), flavors(world, me), world.leases_held()]

    assert every_crash(conf, life) == ['CREATE_COMPLETE', 'UPDATE_COMPLETE', ['m1.small'] * 2, 0]
