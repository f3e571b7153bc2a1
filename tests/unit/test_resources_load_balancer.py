"""AWS::ElasticLoadBalancing::LoadBalancer without a cloud: what it asks of the services, in which order."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from heat import schema
from heat.common import ids
from heat.model.op import Call, NeedsReplacement, Poll, Record, StepFailed
from heat.model.resource import Row
from heat.resources.aws import TYPES
from heat.resources.base import Surroundings
from heat.schema import Diff

KIND = TYPES['AWS::ElasticLoadBalancing::LoadBalancer']
STACK = ids.StackId('p', 'stack', ids.new_id())
GIVEN = {'AvailabilityZones': ['nova'],
         'Listeners': [{'InstancePort': 8080, 'LoadBalancerPort': 80, 'Protocol': 'HTTP'},
                       {'InstancePort': 22, 'LoadBalancerPort': 2222, 'Protocol': 'TCP'}],
         'HealthCheck': {'HealthyThreshold': 2, 'UnhealthyThreshold': 3, 'Interval': 10, 'Timeout': 5,
                         'Target': 'HTTP:8080/up'}}
PORTS = [{'device_id': 'one', 'created_at': '2026-01-01T00:00:02Z',
          'fixed_ips': [{'ip_address': '10.1.0.4', 'subnet_id': 'other'}]},
         {'device_id': 'one', 'created_at': '2026-01-01T00:00:01Z',
          'fixed_ips': [{'ip_address': '10.0.0.4', 'subnet_id': 'net'}]},
         {'device_id': 'two', 'created_at': '2026-01-01T00:00:01Z',
          'fixed_ips': [{'ip_address': '10.0.0.5', 'subnet_id': 'net'}]}]


def plugin(data: dict[str, Any] | None = None, **props: Any) -> Any:
    values, wrong = schema.resolve(KIND.schema.properties, {**GIVEN, **props})
    assert wrong == []
    row = Row(ids.new_id(), STACK.stack_id, STACK.stack_id, 'lb', KIND.type, props=values,
              physical_id='balancer', data=data or {})
    return KIND(row, values, Surroundings(STACK))


def driven(steps: Generator[Any, Any, Any], answers: dict[str, Any]) -> tuple[list[Call], dict[str, Any]]:
    """The calls that ``steps`` makes when each is answered by its label, and what it keeps."""
    calls: list[Call] = []
    kept: dict[str, Any] = {}
    value = None
    while True:
        try:
            op = steps.send(value)
        except StopIteration:
            return calls, kept
        value = None
        if isinstance(op, Record):
            kept.update(op.data or {})
        elif isinstance(op, Poll):
            value = {'id': 'balancer', 'provisioning_status': 'ACTIVE', 'vip_address': '10.0.0.80'}
        else:
            calls.append(op)
            value = answers.get(op.label)


def answers(plugin: Any, **more: Any) -> dict[str, Any]:
    return {**{f'pool {plugin.physical_name()}-{number}': {'id': f'pool-{number}'} for number in (0, 1)},
            'pools': [], 'listeners': [], **more}


def test_each_listener_has_a_pool_of_its_own() -> None:
    balancer = plugin(Instances=['one', 'two'])
    calls, kept = driven(balancer.create(), answers(balancer, ports=PORTS))
    made = [(call.path, next(iter(call.body.values()))) for call in calls if call.mutating]
    assert [path for path, _body in made] == ['/lbaas/loadbalancers', *(
        path for number in (0, 1) for path in ('/lbaas/pools', '/lbaas/healthmonitors',
                                               f'/lbaas/pools/pool-{number}/members', '/lbaas/listeners'))]
    (_, itself), (_, pool), (_, monitor), (_, members), (_, listener), *rest = made
    assert itself == {'name': kept['name'], 'vip_subnet_id': 'net'}
    assert (pool['loadbalancer_id'], pool['protocol']) == ('balancer', 'HTTP')
    assert monitor == {'name': pool['name'], 'type': 'HTTP', 'url_path': '/up', 'delay': 10, 'timeout': 5,
                       'max_retries': 2, 'max_retries_down': 3, 'pool_id': 'pool-0'}
    assert members == [{'address': '10.0.0.4', 'subnet_id': 'net', 'protocol_port': 8080},
                       {'address': '10.0.0.5', 'subnet_id': 'net', 'protocol_port': 8080}]
    assert (listener['protocol_port'], listener['default_pool_id']) == (80, 'pool-0')
    # The second listener's instances are watched at the port that the target names.
    assert rest[2][1][0] == {'address': '10.0.0.4', 'subnet_id': 'net', 'protocol_port': 22,
                             'monitor_port': 8080}
    assert kept['pools'] == [{'pool': 'pool-0', 'protocol_port': 8080},
                             {'pool': 'pool-1', 'protocol_port': 22, 'monitor_port': 8080}]


def test_a_part_that_broke_is_named() -> None:
    balancer = plugin(Instances=['one'])
    broken = [{'name': 'lb-0', 'provisioning_status': 'ERROR'}]
    with pytest.raises(StepFailed, match='The listener lb-0 of load balancer balancer went to ERROR'):
        driven(balancer.create(), answers(balancer, ports=PORTS, listeners=broken))


def test_one_that_was_not_completed_is_made_anew() -> None:
    with pytest.raises(NeedsReplacement):
        driven(plugin().revive(), {})
    driven(plugin({'pools': [{'pool': 'p', 'protocol_port': 80}]}).revive(), {})


@pytest.mark.parametrize(('networks', 'chosen'), [
    ([{'id': 'n', 'name': 'a', 'subnets': ['s'], 'tenant_id': 'p'}], 's4'),
    ([{'id': 'n', 'name': 'a', 'subnets': ['s'], 'tenant_id': 'p'},
      {'id': 'm', 'name': 'b', 'subnets': [], 'tenant_id': 'p'},
      {'id': 'o', 'name': 'c', 'subnets': ['t'], 'tenant_id': 'somebody'}], 's4'),
    ([{'id': 'n', 'name': 'a', 'subnets': ['s'], 'tenant_id': 'p'},
      {'id': 'o', 'name': 'c', 'subnets': ['t'], 'shared': True}], None),
    ([], None)])
def test_without_instances_it_is_where_servers_come_to_be(
        networks: list[dict[str, Any]], chosen: str | None) -> None:
    balancer = plugin()
    told = answers(balancer, networks=networks,
                   subnets=[{'id': 's6', 'ip_version': 6}, {'id': 's4', 'ip_version': 4}])
    if chosen is None:
        with pytest.raises(StepFailed, match='one network alone'):
            driven(balancer.create(), told)
    else:
        calls, _kept = driven(balancer.create(), told)
        assert next(call for call in calls if call.mutating).body['loadbalancer']['vip_subnet_id'] == chosen


def test_an_instance_without_an_address_is_named() -> None:
    with pytest.raises(StepFailed, match='Instance three has no address'):
        driven(plugin(Instances=['one', 'three']).create(), {'ports': PORTS})


def test_only_its_own_instances_join_and_leave() -> None:
    pools = [{'pool': 'p', 'protocol_port': 8080}]
    balancer = plugin({'pools': pools, 'members': {'one': {'address': '10.0.0.4', 'subnet_id': 'net'}}},
                      Instances=['two'])
    old = {**balancer.props, 'Instances': ['one']}
    diff: Diff = schema.diff(KIND.schema, old, balancer.props)
    calls, kept = driven(balancer.update(balancer.props, diff), {
        'ports': PORTS,
        'members': [{'id': 'of-one', 'address': '10.0.0.4'}, {'id': 'of-a-group', 'address': '10.0.0.9'}]})
    changing = [(call.method, call.path, call.query) for call in calls if call.mutating]
    assert changing == [('PUT', '/lbaas/pools/p/members', {'additive_only': 'true'}),
                        ('DELETE', '/lbaas/pools/p/members/of-one', {})]
    joined, = (call.body['members'] for call in calls if call.method == 'PUT')
    assert [one['address'] for one in joined] == ['10.0.0.5']
    assert kept['members'] == {'two': {'address': '10.0.0.5', 'subnet_id': 'net'}}


def test_it_is_taken_away_with_all_it_has() -> None:
    calls, _kept = driven(plugin().delete(), {})
    assert [(call.method, call.query) for call in calls] == [('DELETE', {'cascade': 'true'})]


OURS, OTHER, USUAL = (f'{number}0000000-0000-4000-8000-000000000000' for number in (1, 2, 3))


def guarding(balancer: Any, given: dict[str, Any], steps: Any) -> tuple[list[Any], dict[str, Any]]:
    """The calls that put security groups somewhere, as path and body."""
    told = answers(balancer, show=given, address={'security_groups': [USUAL]}, ports=PORTS)
    calls, kept = driven(steps, told)
    return [(call.path, next(iter(call.body.values()))) for call in calls if call.label == 'guard'], kept


def test_security_groups_guard_the_port_of_its_address() -> None:
    balancer = plugin(Instances=['one'], SecurityGroups=[OURS, OTHER, OURS])
    calls, kept = guarding(balancer, {'vip_port_id': 'vip'}, balancer.create())
    assert calls == [('/ports/vip', {'security_groups': [OURS, OTHER]})]
    assert kept['unguarded'] == [USUAL]


def test_a_service_that_knows_of_security_groups_is_told_them_itself() -> None:
    balancer = plugin(Instances=['one'], SecurityGroups=[OURS])
    given = {'vip_port_id': 'vip', 'vip_sg_ids': []}
    calls, kept = guarding(balancer, given, balancer.create())
    assert calls == [('/lbaas/loadbalancers/balancer', {'vip_sg_ids': [OURS]})] and 'unguarded' not in kept


@pytest.mark.parametrize(('old', 'new', 'there'), [
    ([OURS], [OTHER], [OTHER]), ([OURS], None, [USUAL]), (None, [OURS], [OURS])])
def test_security_groups_change_in_place(old: Any, new: Any, there: list[str]) -> None:
    balancer = plugin({'pools': [], **({'unguarded': [USUAL]} if old else {})}, SecurityGroups=new)
    diff: Diff = schema.diff(KIND.schema, {**balancer.props, 'SecurityGroups': old}, balancer.props)
    calls, _kept = guarding(balancer, {'vip_port_id': 'vip'}, balancer.update(balancer.props, diff))
    assert calls == [('/ports/vip', {'security_groups': there})]
