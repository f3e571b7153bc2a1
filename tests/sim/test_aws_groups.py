"""The CloudFormation forms: instances by launch configuration, policies, wait conditions."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from heat.common import errors
from heat.model.resource import Row
from heat.model.status import Action
from heat.resources import types
from heat.resources.base import Resource, Steps
from heat.resources.heat.scaling_group import BESIDE
from tests.sim.crashes import every_crash
from tests.sim.world import World

# The environment says what an instance is here.
STAND_IN = {'resource_registry': {'AWS::EC2::Instance': 'OS::Heat::None'}}


def conf(flavor: str = 'm1.tiny', metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {'Type': 'AWS::AutoScaling::LaunchConfiguration',
                             'Properties': {'ImageId': 'cirros', 'InstanceType': flavor}}
    return {**found, 'Metadata': metadata} if metadata else found


def group(flavor: str = 'm1.tiny', policy: dict[str, Any] | None = None,
          metadata: dict[str, Any] | None = None, **props: Any) -> dict[str, Any]:
    return {'HeatTemplateFormatVersion': '2012-12-12', 'Resources': {
        'c': conf(flavor, metadata),
        'g': {'Type': 'AWS::AutoScaling::AutoScalingGroup',
              **({'UpdatePolicy': {'AutoScalingRollingUpdate': policy}} if policy else {}),
              'Properties': {'AvailabilityZones': ['nova'], 'LaunchConfigurationName': {'Ref': 'c'},
                             'MinSize': 2, 'MaxSize': 4, 'Tags': [{'Key': 'k', 'Value': 'v'}], **props}},
        'up': {'Type': 'AWS::AutoScaling::ScalingPolicy', 'Properties': {
            'AutoScalingGroupName': {'Ref': 'g'}, 'AdjustmentType': 'ChangeInCapacity',
            'ScalingAdjustment': 1}}}}


def members(world: World, me: dict[str, Any], name: str = 'g') -> dict[str, Any]:
    return world.rows({'stack_id': world.rows(me)[name].physical_id})


def flavors(world: World, me: dict[str, Any]) -> list[str]:
    return sorted(row.props['InstanceType'] for row in members(world, me).values())


def made(world: World, template: dict[str, Any]) -> dict[str, Any]:
    me = world.create('s', template, environment=STAND_IN)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE', world.stack(me).reason
    return me


def test_members_have_the_launch_configuration_and_the_tags(world):
    me = made(world, group(metadata={'m': 1}))
    for row in members(world, me).values():
        assert row.props['ImageId'] == 'cirros' and row.metadata == {'m': 1}
        tags = {tag['Key']: tag['Value'] for tag in row.props['Tags']}
        child = world.rows(me)['g'].physical_id
        assert tags == {'k': 'v', 'metering.groupname': child, 'metering.AutoScalingGroupName': child}


def test_tags_that_are_not_to_reach_members_stay_with_the_group(world):
    me = made(world, group(Tags=[{'Key': 'all', 'Value': 'v', 'PropagateAtLaunch': True},
                                 {'Key': 'mine', 'Value': 'v', 'PropagateAtLaunch': 'false'}]))
    for row in members(world, me).values():
        assert [tag for tag in row.props['Tags'] if 'metering' not in tag['Key']] == [
            {'Key': 'all', 'Value': 'v'}]


def copied(**props: Any) -> dict[str, Any]:
    """A group of instances like a server of the same stack."""
    template = group()
    template['Resources']['c']['Properties'] = {'InstanceId': {'Ref': 'like'}, **props}
    template['Resources']['net'] = {'Type': 'OS::Neutron::Net'}
    template['Resources']['sub'] = {'Type': 'OS::Neutron::Subnet', 'Properties': {
        'network': {'Ref': 'net'}, 'cidr': '10.7.0.0/24'}}
    template['Resources']['like'] = {'Type': 'OS::Nova::Server', 'DependsOn': 'sub', 'Properties': {
        'image': 'cirros', 'flavor': 'm1.small', 'networks': [{'network': {'Ref': 'net'}}]}}
    return template


def test_a_launch_configuration_is_derived_from_an_instance(world):
    me = made(world, copied())
    server = world.cloud.inventory.servers.rows[world.rows(me)['like'].physical_id]
    for row in members(world, me).values():
        assert row.props['ImageId'] == server['image_id']
        assert row.props['InstanceType'] in (server['flavor_id'], 'm1.small')
        assert row.props['SecurityGroups'] == ['default'] and 'InstanceId' not in row.props
    # What it says itself goes before what the instance is.
    world.update(me, copied(InstanceType='m1.tiny'), environment=STAND_IN)
    world.run()
    world.signal(me, 'up')
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and flavors(world, me).count('m1.tiny') == 1


def test_an_instance_that_is_not_there_has_nothing_to_derive(world):
    template = group()
    template['Resources']['c']['Properties'] = {'InstanceId': 'nowhere'}
    me = world.create('s', template, environment=STAND_IN)
    world.run()
    assert world.state(me) == 'CREATE_FAILED' and 'nowhere' in world.rows(me)['c'].reason


def likened(**props: Any) -> dict[str, Any]:
    """A group that names an instance itself."""
    template = copied()
    del template['Resources']['c']
    given = template['Resources']['g']['Properties']
    del given['LaunchConfigurationName']
    given.update({'InstanceId': {'Ref': 'like'}, **props})
    return template


def test_a_group_is_made_like_an_instance(world):
    me = made(world, likened())
    like = world.cloud.inventory.servers.rows[world.rows(me)['like'].physical_id]
    assert len(members(world, me)) == 2
    for row in members(world, me).values():
        assert row.props['ImageId'] == like['image_id'] and row.props['SecurityGroups'] == ['default']
        assert 'InstanceId' not in row.props and {'Key': 'k', 'Value': 'v'} in row.props['Tags']
    # It was asked once: what the instance is later is nothing to the group.
    like['flavor_id'] = 'another'
    world.signal(me, 'up')
    world.run()
    assert len(set(flavors(world, me))) == 1 and len(flavors(world, me)) == 3
    world.delete(me)
    world.run()
    assert not world.cloud.inventory.servers.rows


def test_a_group_like_an_instance_that_is_not_there_says_so_and_can_be_mended(world):
    template = likened(InstanceId='nowhere')
    me = world.create('s', template, environment=STAND_IN)
    world.run()
    assert world.state(me) == 'CREATE_FAILED' and 'nowhere' in world.rows(me)['g'].reason
    world.update(me, likened(), environment=STAND_IN)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and len(members(world, me)) == 2


def test_another_instance_makes_another_group(world):
    me = made(world, likened())
    before = world.rows(me)['g'].physical_id
    template = likened(InstanceId={'Ref': 'other'})
    template['Resources']['other'] = copy.deepcopy(template['Resources']['like'])
    template['Resources']['other']['Properties']['flavor'] = 'm1.tiny'
    world.update(me, template, environment=STAND_IN)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and world.rows(me)['g'].physical_id != before
    other = world.cloud.inventory.servers.rows[world.rows(me)['other'].physical_id]
    assert set(flavors(world, me)) <= {other['flavor_id'], 'm1.tiny'}


def test_an_update_while_the_instance_is_asked_for_is_done(world):
    me = world.create('s', likened(), environment=STAND_IN)
    while 'g' not in world.rows(me) or world.rows(me)['g'].action is not Action.CREATE:
        world.run(until=world.clock.monotonic() + 0.01)
    assert not world.rows(me)['g'].data
    world.update(me, likened(MinSize=3), environment=STAND_IN)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and len(members(world, me)) == 3


def test_a_policy_grows_the_group_by_its_launch_configuration(world):
    me = made(world, group())
    world.signal(me, 'up')
    world.run()
    assert flavors(world, me) == ['m1.tiny'] * 3 and world.state(me) == 'CREATE_COMPLETE'


def test_without_a_policy_only_new_members_are_of_the_new_configuration(world):
    me = made(world, group())
    world.update(me, group('m1.small'), environment=STAND_IN)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and flavors(world, me) == ['m1.tiny'] * 2
    world.signal(me, 'up')
    world.run()
    assert flavors(world, me) == ['m1.small', 'm1.tiny', 'm1.tiny']


def test_a_rolling_update_with_pauses(world):
    policy = {'MinInstancesInService': 2, 'MaxBatchSize': 1, 'PauseTime': 'PT1M'}
    me = made(world, group(policy=policy))
    start = world.clock.monotonic()
    world.update(me, group('m1.small', policy), environment=STAND_IN)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and flavors(world, me) == ['m1.small'] * 2
    # One more is made, two are replaced, one goes: three pauses.
    assert 180 <= world.clock.monotonic() - start < 182


def test_other_metadata_makes_another_launch_configuration(world):
    me = made(world, group(metadata={'m': 1}))
    before = world.rows(me)['c'].physical_id
    world.update(me, group(metadata={'m': 2}), environment=STAND_IN)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and world.rows(me)['c'].physical_id != before


def test_an_instance_group_has_a_size_and_no_scaling(world):
    template = group()
    template['Resources']['g'] = {'Type': 'OS::Heat::InstanceGroup', 'Properties': {
        'AvailabilityZones': ['nova'], 'LaunchConfigurationName': {'Ref': 'c'}, 'Size': 3}}
    template['Outputs'] = {'list': {'Value': {'Fn::GetAtt': ['g', 'InstanceList']}}}
    me = made(world, template)
    assert len(members(world, me)) == 3
    assert world.rows(me)['g'].attrs['InstanceList'] == ','.join(['0.0.0.0'] * 3)
    world.signal(me, 'up')
    world.run()
    assert 'up SIGNAL_FAILED' in world.events(me) and len(members(world, me)) == 3


@pytest.mark.parametrize('wrong, said', [
    ({'LoadBalancerNames': [{'Ref': 'c'}]}, 'LoadBalancerNames refers to c, which is of the type AWS::Auto'),
    ({'InstanceId': 'x'}, 'at the same time: InstanceId, LaunchConfigurationName'),
    ({'MinSize': 9}, 'MinSize can not be greater than MaxSize'),
    ({'VPCZoneIdentifier': ['a', 'b']}, 'Anything other than one VPCZoneIdentifier'),
    ({'policy': {'PauseTime': 'PT2H'}}, 'Maximum PauseTime is 1 hour')])
def test_what_does_not_fit_is_refused(world, wrong, said):
    with pytest.raises(errors.StackValidationFailed, match=said):
        world.create('s', group(**wrong), environment=STAND_IN)


class Balancer(Resource):
    """A load balancer that is nowhere."""

    type = 'OS::Test::Balancer'
    balances = True

    class properties:
        pass

    def create(self) -> Steps:
        yield self.keep(pools=[{'pool': 'p', 'protocol_port': 80},
                               {'pool': 'q', 'protocol_port': 81, 'monitor_port': 80}])

    @classmethod
    def described(cls, row: Row) -> dict[str, Any]:
        return {'pools': row.data.get('pools')}


@pytest.fixture
def balanced(world, monkeypatch):
    """A template whose group is behind a load balancer, and its environment."""
    monkeypatch.setitem(types.PLUGINS, Balancer.type, Balancer)  # type: ignore[arg-type]
    template = group(LoadBalancerNames=[{'Ref': 'b'}])
    template['Resources']['b'] = {'Type': Balancer.type}
    template['Outputs'] = {'list': {'Value': {'Fn::GetAtt': ['g', 'InstanceList']}}}
    return template, {'resource_registry': {**STAND_IN['resource_registry'],
                                            'OS::Octavia::PoolMember': 'OS::Heat::None'}}


def test_members_join_the_pools_of_their_load_balancers_and_leave_them(world, balanced):
    template, environment = balanced
    world.plans.preview_stack(world.context, 's', template, {}, {}, environment)
    me = world.create('s', template, environment=environment)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE', world.stack(me).reason

    def joined() -> dict[str, int]:
        inside = members(world, me)
        alone = [name for name in inside if BESIDE not in name]
        for name in alone:
            ports = []
            for number in range(2):
                row = inside[f'{name}{BESIDE}{number}']
                assert name in row.requires or inside[name].uuid in row.requires
                ports.append((row.props['pool'], row.props['protocol_port'], row.props.get('monitor_port')))
            assert ports == [('p', 80, None), ('q', 81, 80)]
        assert len(inside) == 3 * len(alone)
        return dict.fromkeys(alone, 1)

    first = joined()
    assert len(first) == 2
    assert world.rows(me)['g'].attrs['InstanceList'].count(',') == 1
    for expected in (3, 4, 4):
        world.signal(me, 'up')
        world.run()
        assert len(joined()) == expected and first.keys() <= joined().keys()
    template['Resources']['g']['Properties'].update(MinSize=1, MaxSize=1)
    world.update(me, template, environment=environment)
    world.run()
    assert len(joined()) == 1


def test_a_load_balancer_that_is_not_in_the_stack_is_told(world):
    me = world.create('s', group(LoadBalancerNames=['l']), environment=STAND_IN)
    world.run()
    assert 'LoadBalancerNames of resource g refers to l, which is not in the stack' in world.stack(me).reason


def test_a_group_that_could_not_be_begun_is_repaired(world):
    with pytest.raises(errors.StackValidationFailed, match='launch configuration nowhere of resource g'):
        world.create('s', group(LaunchConfigurationName='nowhere'), environment=STAND_IN)
    # What is known only later is found out then.
    template = group(LaunchConfigurationName={'Fn::GetAtt': ['v', 'value']})
    template['Resources']['v'] = {'Type': 'OS::Heat::Value', 'Properties': {'value': 'nowhere'}}
    me = world.create('s', template, environment=STAND_IN)
    world.run()
    assert world.state(me) == 'CREATE_FAILED'
    assert 'refers to nowhere, which is not in the stack' in world.stack(me).reason
    world.update(me, group(), environment=STAND_IN)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and flavors(world, me) == ['m1.tiny'] * 2


def test_members_are_servers_where_no_environment_says_otherwise(world):
    template = group(VPCZoneIdentifier=[{'Ref': 'n'}])
    template['Resources'] |= {
        'v': {'Type': 'AWS::EC2::VPC', 'Properties': {'CidrBlock': '10.3.0.0/16'}},
        'n': {'Type': 'AWS::EC2::Subnet', 'Properties': {'VpcId': {'Ref': 'v'}, 'CidrBlock': '10.3.1.0/24'}}}
    template['Outputs'] = {'all': {'Value': {'Fn::GetAtt': ['g', 'InstanceList']}}}
    me = world.create('s', template)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE', world.stack(me).reason
    servers = {one['id']: one for one in world.cloud.inventory.servers.all()}
    assert set(servers) == {row.physical_id for row in members(world, me).values()}
    assert all(one['metadata']['k'] == 'v' for one in servers.values())
    world.signal(me, 'up')
    world.run()
    assert len(world.cloud.inventory.servers.all()) == 3
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and not world.cloud.inventory.servers.all()


def waiting(extra: dict[str, Any] | None = None, handle: str = 'AWS::CloudFormation::WaitConditionHandle',
            ) -> dict[str, Any]:
    return {'HeatTemplateFormatVersion': '2012-12-12', 'Resources': {
        'h': {'Type': handle},
        'w': {'Type': 'AWS::CloudFormation::WaitCondition', 'Properties': {
            'Handle': {'Ref': 'h'}, 'Count': 2, 'Timeout': 60}}, **(extra or {})},
        'Outputs': {'data': {'Value': {'Fn::GetAtt': ['w', 'Data']}}}}


def word(uid: str, status: str = 'SUCCESS') -> dict[str, Any]:
    return {'Data': f'd{uid}', 'Reason': f'r{uid}', 'Status': status, 'UniqueId': uid}


def soon(world: World) -> None:
    world.run(until=world.clock.monotonic() + 5)


def test_signals_with_four_keys(world):
    me = world.create('s', waiting())
    soon(world)
    url = world.rows(me)['h'].data['signed_url']
    assert url.startswith(
        'http://heat.example:8000/v1/waitcondition/arn%3Aopenstack%3Aheat%3A%3Ademo%3Astacks/s/')
    assert '&Timestamp=2023-11-14T22' in url
    for given in (word('1'), {**word('1'), 'Data': 'again'}, {**word('3'), 'Extra': 'x'},
                  {'Status': 'SUCCESS'}, word('4', 'MAYBE')):
        world.signal(me, 'h', given)
        soon(world)
    assert world.states(me)['w'] == 'CREATE_IN_PROGRESS'
    assert world.events(me).count('h SIGNAL_FAILED') == 3
    world.signal(me, 'h', word('two'))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert world.rows(me)['w'].attrs['Data'] == '{"1": "again", "two": "dtwo"}'
    assert 'h Signal: status:SUCCESS reason:r1' in world.reasons(me)


def test_a_signal_whose_sender_waits_is_refused_at_once(world):
    me = world.create('s', waiting())
    soon(world)
    for wrong in ({'Status': 'SUCCESS'}, word('4', 'MAYBE'), {**word('1'), 'Extra': 'x'}):
        with pytest.raises(errors.StackValidationFailed, match='Signal'):
            world.hearing.resource_signal(world.context, me, 'h', wrong, sync_call=True)
    soon(world)
    assert world.rows(me)['h'].metadata == {} and not [e for e in world.events(me) if 'SIGNAL' in e]


def test_a_failure_signal(world):
    me = world.create('s', waiting())
    soon(world)
    world.signal(me, 'h', word('f', 'FAILURE'))
    world.run()
    assert world.stack(me).reason == 'Resource CREATE failed: WaitConditionFailure: resources.w: rf'


def test_the_signed_address_stands_nowhere_in_the_clear(world):
    me = world.create('s', waiting())
    soon(world)
    with world.database.connect() as conn:
        dump = str(conn.exec_driver_sql('select * from resource').all())
        dump += str(conn.exec_driver_sql('select * from resource_properties_data').all())
    assert 'Signature=' in world.rows(me)['h'].data['signed_url'] and 'Signature=' not in dump


def test_an_update_handle_is_new_at_each_update(world):
    handle = 'OS::Heat::UpdateWaitConditionHandle'
    me = world.create('s', waiting(handle=handle))
    soon(world)
    for uid in '12':
        world.signal(me, 'h', word(uid))
    world.run()
    first = world.rows(me)['h']
    extra = {'x': {'Type': 'OS::Heat::RandomString'}}
    world.update(me, waiting(extra, handle))
    soon(world)
    rows = world.rows(me)
    assert world.state(me) == 'UPDATE_IN_PROGRESS'
    assert rows['h'].uuid != first.uuid and rows['h'].metadata == {}
    for uid in '34':
        world.signal(me, 'h', word(uid))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and set(world.rows(me)['h'].metadata) == {'3', '4'}


def test_an_access_policy_names_resources_of_its_stack(world):
    template = {'HeatTemplateFormatVersion': '2012-12-12', 'Resources': {
        'p': {'Type': 'OS::Heat::AccessPolicy', 'Properties': {'AllowedResources': ['r']}},
        'r': {'Type': 'OS::Heat::RandomString'},
        'ha': {'Type': 'OS::Heat::HARestarter', 'Properties': {'x': 1}}}}
    me = made(world, template)
    assert set(world.states(me)) == {'p', 'r', 'ha'}
    template['Resources']['p']['Properties']['AllowedResources'] = ['nobody']
    with pytest.raises(errors.StackValidationFailed, match='AccessPolicy resource nobody not in stack'):
        world.create('t', template)


def test_every_crash_of_a_group_like_an_instance_ends_where_no_crash_ends(conf):
    def life(world: World) -> Any:
        world.project_id  # noqa: B018 - the project's default group is made at first sight
        me = made(world, likened())
        world.update(me, likened(MinSize=3), environment=STAND_IN)
        world.run()
        return world.state(me), world.states(me), sorted(flavors(world, me)), len(
            world.cloud.inventory.servers.rows)

    every_crash(conf, life)
