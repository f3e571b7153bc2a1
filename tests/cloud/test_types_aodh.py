"""Alarms of a real Aodh over measures of a real Gnocchi."""
from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.cloud.daemons import User
from tests.cloud.stack import Stack
from tests.servers.daemon import wait_until

TEMPLATE = Path(__file__).parent / 'types' / 'aodh.yaml'
ALARMS = ('load', 'of_group', 'of_metrics', 'event', 'composite')
CLIENT = {'Client-ID': str(uuid4())}

pytestmark = [pytest.mark.groups('aodh', 'gnocchi', 'zaqar'), pytest.mark.usefixtures('leaves_nothing')]


@pytest.fixture
def measured(user: User) -> Iterator[str]:
    """A resource of Gnocchi with a metric that may be written to each second."""
    gnocchi = user.api('metric')
    made = gnocchi.post('/v1/resource/generic', json={
        'id': str(uuid4()), 'metrics': {'load': {'archive_policy_name': 'high'}}}).json()
    yield made['id']
    gnocchi.delete(f'/v1/resource/generic/{made["id"]}')


def test_a_group_grows_when_an_alarm_goes_off(user: User, measured: str) -> None:
    stack, aodh = Stack(user, 'alarms'), user.api('alarming')

    def shown(name: str) -> dict[str, Any]:
        found: dict[str, Any] = aodh.get(f'/v2/alarms/{stack.physical(name)}').json()
        return found

    stack.create(TEMPLATE, measured=measured)
    stack.ends('CREATE_COMPLETE')
    outputs = stack.outputs()
    load, event = shown('load'), shown('event')
    assert load['name'].startswith('alarms-load-') and load['description'] == 'The load is high.'
    assert load['gnocchi_resources_threshold_rule']['threshold'] == 50.0
    # Nothing that needs a trust of the stack's own.
    assert outputs['address'] in load['alarm_actions'] and event['alarm_actions'] == [outputs['address']]
    assert event['event_rule']['query'][0]['field'] == 'traits.state'
    assert (event['time_constraints'][0]['start'], event['repeat_actions']) == ('0 1 * * *', True)
    assert shown('of_metrics')['severity'] == 'critical'
    assert shown('of_group')['alarm_actions'] == [outputs['address']]
    assert [shown(name)['enabled'] for name in ALARMS] == [True, False, True, True, True]
    assert list(shown('composite')['composite_rule']) == ['and']

    metric = user.api('metric').get(f'/v1/resource/generic/{measured}').json()['metrics']['load']
    user.api('metric').post(f'/v1/metric/{metric}/measures', json=[
        {'timestamp': f'{time.time():.0f}', 'value': 90.0}])
    wait_until('the group has grown', lambda: len(stack.members('group')) == 2, 120, every=1)
    queue = stack.physical('queue')
    messages = user.api('messaging').get(f'/v2/queues/{queue}/messages', params={'echo': 'true'},
                                         headers=CLIENT).json()['messages']
    assert [one['body']['current'] for one in messages] == ['alarm']
    aodh.put(f'/v2/alarms/{stack.physical("of_metrics")}', json={**shown('of_metrics'), 'severity': 'low'})
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    told = stack.drifted()
    assert list(told) == ['of_metrics'], told
    assert 'severity is "low" instead of "critical"' in told['of_metrics']

    stack.act('suspend')
    stack.ends('SUSPEND_COMPLETE')
    assert not any(shown(name)['enabled'] for name in ALARMS)
    stack.act('resume')
    stack.ends('RESUME_COMPLETE')
    assert [shown(name)['enabled'] for name in ALARMS] == [True, False, True, True, True]
    assert shown('load')['state'] == 'alarm'

    before = {name: stack.physical(name) for name in ALARMS}
    # A policy that is made anew has another address.
    user.openstack('stack', 'resource', 'mark', 'unhealthy', stack.name, 'grow')
    stack.update('--existing')
    stack.ends('UPDATE_COMPLETE')
    again, = shown('event')['alarm_actions']
    assert again != outputs['address'] and again in shown('load')['alarm_actions']
    assert {name: stack.physical(name) for name in ALARMS} == before

    stack.update('--existing', threshold=99, hour=2)
    stack.ends('UPDATE_COMPLETE')
    after = {name: stack.physical(name) for name in ALARMS}
    assert [name for name in ALARMS if after[name] != before[name]] == ['event']
    assert shown('load')['gnocchi_resources_threshold_rule']['threshold'] == 99.0
    assert shown('event')['time_constraints'][0]['start'] == '0 2 * * *'
    assert shown('composite')['composite_rule']['and'][0]['threshold'] == 99.0
    stack.delete()


def test_what_aodh_refuses_is_told_in_its_words(user: User, tmp_path: Path) -> None:
    stack, template = Stack(user, 'refused'), tmp_path / 'refused.yaml'
    # Of meters there are none since Aodh 5, and of Prometheus only in later ones than Debian's.
    template.write_text(json.dumps({'heat_template_version': '2021-04-16', 'resources': {
        'meter': {'type': 'OS::Aodh::Alarm', 'properties': {'meter_name': 'cpu', 'threshold': 1}},
        'prometheus': {'type': 'OS::Aodh::PrometheusAlarm', 'properties': {'query': 'up', 'threshold': 1}},
        'trusting': {'type': 'OS::Aodh::EventAlarm', 'properties': {
            'alarm_actions': ['trust+http://127.0.0.1:9/']}}}}))
    stack.create(template)
    stack.ends('CREATE_FAILED')
    why = {name: one['resource_status_reason'] for name, one in stack.resources().items()}
    assert 'Unknown attribute for argument data: threshold_rule' in why['meter']
    if 'prometheus' not in user.heat.cloud.groups:
        assert 'Unknown attribute for argument data: prometheus_rule' in why['prometheus']
    assert 'You are not authorized' in why['trusting'] and 'allow_trusts_redelegation' in why['trusting']
    stack.delete()


@pytest.fixture
def pool(user: User) -> Iterator[str]:
    """A pool "types-pool" of a load balancer."""
    octavia, network = user.api('load-balancer'), user.api('network')
    subnet, = network.get('/v2.0/networks', params={'name': 'private'}).json()['networks'][0]['subnets']
    balancer = octavia.post('/v2.0/lbaas/loadbalancers', json={
        'loadbalancer': {'vip_subnet_id': subnet}}).json()['loadbalancer']['id']
    path = f'/v2.0/lbaas/loadbalancers/{balancer}'
    wait_until('a load balancer', lambda: octavia.get(path).json()['loadbalancer'][
        'provisioning_status'] == 'ACTIVE', 120, every=0.5)
    yield octavia.post('/v2.0/lbaas/pools', json={'pool': {
        'name': 'types-pool', 'protocol': 'TCP', 'lb_algorithm': 'ROUND_ROBIN',
        'loadbalancer_id': balancer}}).json()['pool']['id']
    wait_until('the pool', lambda: octavia.get(path).json()['loadbalancer'][
        'provisioning_status'] == 'ACTIVE', 120, every=0.5)
    octavia.delete(f'{path}?cascade=true')
    wait_until('no load balancer', lambda: octavia.get(path, raise_exc=False).status_code == 404, 120,
               every=0.5)


@pytest.mark.groups('octavia')
def test_an_alarm_watches_the_members_of_a_pool(user: User, tmp_path: Path, pool: str) -> None:
    stack, template = Stack(user, 'members'), tmp_path / 'members.yaml'
    template.write_text(json.dumps({'heat_template_version': '2021-04-16', 'resources': {
        'group': {'type': 'OS::Heat::AutoScalingGroup', 'properties': {
            'min_size': 0, 'max_size': 1, 'resource': {'type': 'OS::Heat::RandomString'}}},
        'alarm': {'type': 'OS::Aodh::LBMemberHealthAlarm', 'properties': {
            'pool': 'types-pool', 'stack': {'get_param': 'OS::stack_id'},
            'autoscaling_group_id': {'get_resource': 'group'}}}}}))
    stack.create(template)
    made = stack.ends('CREATE_COMPLETE')
    alarm = user.api('alarming').get(f'/v2/alarms/{stack.physical("alarm")}').json()
    assert alarm['loadbalancer_member_health_rule'] == {
        'pool_id': pool, 'stack_id': made['id'], 'autoscaling_group_id': stack.physical('group')}
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    assert stack.drifted() == {}
    stack.delete()
