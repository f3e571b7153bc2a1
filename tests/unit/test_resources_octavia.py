"""The types of the load balancing service without it: rules, the lock, what stands in a successor's way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from heat import schema
from heat.common import ids
from heat.model.op import Call, CloudFault, Poll, ReadRow, Record, StepFailed
from heat.model.resource import Row
from heat.resources.base import Surroundings
from heat.resources.openstack import TYPES
from heat.resources.openstack.octavia.rest import locked

STACK = ids.StackId('p', 'stack', ids.new_id())
BALANCER, POOL = '0f6b8a63-5c1b-4f6f-8f5c-0d9f6d3f2b11', '7a1d3b0e-2f94-4c58-9b7b-6c1c7e0a9d22'
LISTENER, POLICY = '1b2c3d4e-0000-4000-8000-00000000000a', '1b2c3d4e-0000-4000-8000-00000000000b'
WORDS = {
    f'Load Balancer {BALANCER} is immutable and cannot be updated.': [],
    f'Invalid state PENDING_UPDATE of loadbalancer resource {BALANCER}': [],
    f'Pool {POOL} is immutable and cannot be updated.': [f'/lbaas/pools/{POOL}'],
    f'L7Policy {POLICY} is immutable and cannot be updated.': [
        f'/lbaas/l7policies/{POLICY}', f'/lbaas/listeners/{LISTENER}']}
SHOWN = {'pools': {'loadbalancers': [{'id': BALANCER}]}, 'l7policies': {'listener_id': LISTENER},
         'listeners': {'loadbalancers': [{'id': BALANCER}]}}


def faults(kind: str, /, **props: Any) -> list[str]:
    kind = f'OS::Octavia::{kind}'
    values, errors = schema.resolve(TYPES[kind].schema.properties, props)
    assert errors == []
    return [str(fault) for fault in TYPES[kind].schema.faults(values)] + list(TYPES[kind].validate(values))


def row(kind: str, **props: Any) -> Row:
    return Row(ids.new_id(), STACK.stack_id, STACK.stack_id, 'thing', f'OS::Octavia::{kind}', props=props,
               physical_id='its-id')


def plugin(kind: str, **props: Any) -> Any:
    return TYPES[f'OS::Octavia::{kind}'](row(kind, **props), props, Surroundings(STACK))


@pytest.mark.parametrize(('kind', 'props', 'part'), [
    ('Listener', {'loadbalancer': 'l', 'protocol': 'TERMINATED_HTTPS', 'protocol_port': 443},
     'default_tls_container_ref is required'),
    ('Pool', {'protocol': 'TCP', 'lb_algorithm': 'SOURCE_IP'}, 'listener, loadbalancer'),
    ('Pool', {'protocol': 'HTTP', 'lb_algorithm': 'SOURCE_IP', 'listener': 'l',
              'session_persistence': {'type': 'APP_COOKIE'}}, 'cookie_name is required'),
    ('Pool', {'protocol': 'HTTP', 'lb_algorithm': 'SOURCE_IP', 'listener': 'l',
              'session_persistence': {'type': 'SOURCE_IP', 'cookie_name': 'c'}}, 'must not be given'),
    ('L7Policy', {'listener': 'l', 'action': 'REDIRECT_TO_URL'}, 'redirect_url is required'),
    ('L7Policy', {'listener': 'l', 'action': 'REDIRECT_TO_POOL', 'redirect_url': 'http://a'},
     'redirect_pool is required'),
    ('L7Policy', {'listener': 'l', 'action': 'REJECT', 'redirect_pool': 'p'}, 'must not be given'),
    ('L7Rule', {'l7policy': 'p', 'type': 'COOKIE', 'compare_type': 'EQUAL_TO', 'value': 'v'}, 'key'),
    ('L7Rule', {'l7policy': 'p', 'type': 'FILE_TYPE', 'compare_type': 'CONTAINS', 'value': 'v'}, 'REGEX'),
    ('Quota', {'project': 'p'}, 'healthmonitor, listener')])
def test_what_does_not_fit_together_is_said(kind: str, props: dict[str, Any], part: str) -> None:
    assert any(part in sentence for sentence in faults(kind, **props))


def test_what_is_not_known_yet_is_let_pass() -> None:
    unknown = schema.UNKNOWN
    assert faults('L7Policy', listener=unknown, action=unknown, redirect_url=unknown) == []
    assert faults('L7Policy', listener=unknown, action='REDIRECT_TO_POOL', redirect_pool=unknown) == []
    assert faults('Pool', listener=unknown, protocol='TCP', lb_algorithm='SOURCE_IP',
                  session_persistence=unknown) == []


# -- the lock ------------------------------------------------------------------------------------------


@pytest.mark.parametrize('words', WORDS)
def test_a_change_waits_for_the_load_balancer_and_is_asked_for_again(words: str) -> None:
    member = plugin('PoolMember', pool=POOL, address='10.0.0.1', protocol_port=80)
    steps = member.changing(member.remove())
    for _ in range(2):
        asked = steps.send(None)
        assert asked.method == 'DELETE' and asked.for_now is locked
        op, looked = steps.throw(CloudFault(409, words, 'load-balancer')), []
        while isinstance(op, Call):
            looked.append(op.path)
            op = steps.send(SHOWN[op.path.split('/')[2]])
        assert looked == WORDS[words]
        assert isinstance(op, Poll) and (op.id, op.in_turn) == (BALANCER, True)
        assert op.judge({'provisioning_status': 'PENDING_UPDATE'}) is False
        assert op.judge({'provisioning_status': 'ACTIVE'}) is True
        assert op.judge(None) is True
        assert words in str(op.judge({'provisioning_status': 'ERROR'}))
    assert steps.send(None).method == 'DELETE'


@pytest.mark.parametrize('fault', [
    CloudFault(409, 'Another member on this pool is already using ip 10.0.0.1 on protocol_port 80'),
    CloudFault(400, f'Load Balancer {BALANCER} is immutable and cannot be updated.')])
def test_other_refusals_end_the_step(fault: CloudFault) -> None:
    member = plugin('PoolMember', pool=POOL, address='10.0.0.1', protocol_port=80)
    steps = member.changing(member.remove())
    steps.send(None)
    with pytest.raises(CloudFault):
        steps.throw(fault)


def test_a_pool_that_broke_is_told_and_not_waited_for() -> None:
    member = plugin('PoolMember', pool=POOL, address='10.0.0.1', protocol_port=80)
    steps = member.changing(member.remove())
    steps.send(None)
    steps.throw(CloudFault(409, f'Pool {POOL} is immutable and cannot be updated.'))
    with pytest.raises(StepFailed, match=f'Pool {POOL} is in status ERROR'):
        steps.send({'provisioning_status': 'ERROR'})


# -- one after the other -------------------------------------------------------------------------------


@pytest.mark.parametrize(('kind', 'old', 'changed', 'expected'), [
    ('Listener', {'loadbalancer': 'l', 'protocol_port': 80, 'protocol': 'TCP'}, {'protocol': 'HTTP'}, True),
    ('Listener', {'loadbalancer': 'l', 'protocol_port': 80, 'protocol': 'TCP'}, {'protocol_port': 81}, False),
    ('Pool', {'listener': 'l', 'protocol': 'TCP'}, {'protocol': 'HTTP'}, True),
    ('Pool', {'listener': 'l', 'protocol': 'TCP'}, {'listener': 'm'}, False),
    ('Pool', {'loadbalancer': 'l', 'protocol': 'TCP'}, {'protocol': 'HTTP'}, False),
    ('PoolMember', {'pool': 'p', 'address': 'a', 'protocol_port': 80}, {'monitor_port': 81}, True),
    ('PoolMember', {'pool': 'p', 'address': 'a', 'protocol_port': 80}, {'address': 'b'}, False),
    ('HealthMonitor', {'pool': 'p', 'type': 'TCP'}, {'type': 'HTTP'}, True),
    ('HealthMonitor', {'pool': 'p', 'type': 'TCP'}, {'pool': 'q'}, False),
    ('Flavor', {'name': 'n', 'flavor_profile': 'p'}, {'flavor_profile': 'q'}, True),
    ('Flavor', {'flavor_profile': 'p'}, {'flavor_profile': 'q'}, False)])
def test_only_what_cannot_stand_beside_its_successor_goes_first(
        kind: str, old: dict[str, Any], changed: dict[str, Any], expected: bool) -> None:
    assert TYPES[f'OS::Octavia::{kind}'].in_the_way(row(kind, **old), {**old, **changed}) is expected


def test_a_pool_gives_up_its_listener_and_serves_on() -> None:
    for verb, pool in (('release', None), ('restore', 'its-id')):
        call = getattr(plugin('Pool', listener=LISTENER), verb)().send(None)
        assert (call.method, call.path) == ('PUT', f'/lbaas/listeners/{LISTENER}')
        assert call.body == {'listener': {'default_pool_id': pool}}


@pytest.mark.parametrize(('changes', 'new', 'sent'), [
    ({'redirect_url': 'http://b'}, {'action': 'REDIRECT_TO_URL', 'redirect_url': 'http://b'},
     {'action': 'REDIRECT_TO_URL', 'redirect_url': 'http://b'}),
    ({'action': 'REDIRECT_TO_POOL', 'redirect_url': None, 'redirect_pool_id': 'p'},
     {'action': 'REDIRECT_TO_POOL', 'redirect_pool': 'p'},
     {'action': 'REDIRECT_TO_POOL', 'redirect_pool_id': 'p'}),
    ({'action': 'REJECT', 'redirect_pool_id': None}, {'action': 'REJECT'}, {'action': 'REJECT'}),
    ({'position': None, 'description': 'd'}, {'action': 'REJECT'}, {'description': 'd'})])
def test_the_target_of_a_policy_goes_with_its_action(
        changes: dict[str, Any], new: dict[str, Any], sent: dict[str, Any]) -> None:
    assert plugin('L7Policy').arranged(changes, new) == sent


def test_a_member_is_found_again_by_its_address_and_port() -> None:
    member = plugin('PoolMember', pool=POOL, address='10.0.0.1', protocol_port=80)
    found = member.adopt(member.body(member.props))
    assert found.path == f'/lbaas/pools/{POOL}/members'
    assert [found.match({'address': '10.0.0.1', 'protocol_port': port}) for port in (80, 81)] == [True, False]


def test_what_is_still_at_work_after_a_failure_is_waited_for() -> None:
    poll = plugin('Listener').revive().send(None)
    for state, over in (('PENDING_CREATE', False), ('ERROR', True), ('ACTIVE', True)):
        assert poll.judge({'provisioning_status': state}) is over


@pytest.mark.parametrize(('kind', 'props', 'listed', 'path'), [
    ('Listener', {'loadbalancer': BALANCER, 'protocol_port': 80}, [{'id': 'rival'}],
     '/lbaas/listeners/rival'),
    ('HealthMonitor', {'pool': POOL}, {'healthmonitor_id': 'rival'}, '/lbaas/healthmonitors/rival'),
    ('PoolMember', {'pool': POOL, 'address': '10.0.0.1', 'protocol_port': 80}, [{'id': 'rival'}],
     f'/lbaas/pools/{POOL}/members/rival')])
@pytest.mark.parametrize('owner', ['its successor', 'another resource', 'somebody else'])
def test_a_successor_that_is_not_wanted_any_more_makes_room(
        kind: str, props: dict[str, Any], listed: Any, path: str, owner: str) -> None:
    thing = plugin(kind, **props)
    holder = {'its successor': row(kind), 'another resource': replace(row(kind), name='other'),
              'somebody else': None}[owner]
    steps, value, calls = thing.restore(), None, []
    while len(calls) < 2:
        op = steps.send(value)
        value = holder if isinstance(op, ReadRow) else None
        if isinstance(op, Call) and op.mutating:
            calls.append((op.method, op.path))
            if op.method == 'POST':
                break
        elif isinstance(op, Call):
            value = listed
        elif isinstance(op, Poll):
            assert (op.path, op.judge({'provisioning_status': 'PENDING_DELETE'}), op.judge(None)) == (
                path, False, True)
    gone = [('DELETE', path)] if owner == 'its successor' else []
    assert calls == [*gone, ('POST', path.rpartition('/')[0])]


def test_a_flavor_takes_its_name_back_from_its_successor() -> None:
    steps = plugin('Flavor', name='gold').restore()
    looked = steps.send(None)
    assert (looked.method, looked.query) == ('GET', {'name': 'gold'})
    assert isinstance(steps.send([{'id': 'its-id'}, {'id': 'other'}]), Record)
    renamed, back = steps.send(None), steps.send(None)
    assert (renamed.path, renamed.body) == ('/lbaas/flavors/other', {'flavor': {'name': 'gold-other'}})
    assert (back.path, back.body) == ('/lbaas/flavors/its-id', {'flavor': {'name': 'gold'}})
