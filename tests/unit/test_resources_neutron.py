"""Types of the network service's extensions without a cloud: what fits together, and what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from heat import schema
from heat.common.ids import StackId, new_id
from heat.engine.errand import Ask, Ended, Limits, Pause, Watch
from heat.engine.step import StepRun
from heat.model.op import Call, CloudFault
from heat.model.outcome import Done, Failed, Outcome
from heat.model.resource import Row
from heat.model.status import Action
from heat.plan.effects import Step
from heat.resources.base import Surroundings
from heat.resources.openstack import TYPES
from heat.template.definition import Definition
from tests.unit.test_resources_openstack import Reference, definition, faults

STACK = StackId('p', 'stack', new_id())
IDS = [f'{number:08d}-0000-4000-8000-000000000000' for number in range(10)]


@pytest.mark.parametrize(('name', 'props', 'part'), [
    ('RBACPolicy', {'object_type': 'subnetpool', 'object_id': 'o', 'action': 'access_as_external',
                    'target_tenant': '*'}, 'Only a network'),
    ('SubnetPool', {'prefixes': ['10.0.0.0/8'], 'min_prefixlen': 24, 'max_prefixlen': 16},
     'must not be above'),
    ('SubnetPool', {'prefixes': ['10.0.0.0/8'], 'min_prefixlen': 24, 'default_prefixlen': 16},
     'min_prefixlen (24) must not be above default_prefixlen (16)'),
    ('Segment', {'network': 'n', 'network_type': 'flat'}, 'physical_network must be given'),
    ('Segment', {'network': 'n', 'network_type': 'vxlan', 'physical_network': 'p'},
     'physical_network is prohibited'),
    ('Segment', {'network': 'n', 'network_type': 'local', 'segmentation_id': 4},
     'segmentation_id is prohibited'),
    ('Segment', {'network': 'n', 'network_type': 'vlan', 'physical_network': 'p', 'segmentation_id': 4095},
     'at most 4094'),
    ('ProviderNet', {'network_type': 'vlan', 'segmentation_id': 'x'}, 'must be a number'),
    ('ProviderNet', {'network_type': 'vlan', 'segmentation_id': '4095'}, 'at most 4094'),
    ('ProviderNet', {'network_type': 'flat', 'segmentation_id': '1'}, 'prohibited for network type flat'),
    ('FloatingIPPortForward', {'floating_ip': 'f', 'external_port': 1, 'internal_port': 'p',
                               'internal_ip_address': '10.0.0.1', 'protocol': 'tcp'}, 'for protocol tcp'),
    ('NetworkGateway', {'devices': [{'id': 'd', 'interface_name': 'i'}], 'connections': [
        {'network': 'n', 'segmentation_type': 'vlan'}]}, 'must be given for segmentation_type vlan'),
    ('NetworkGateway', {'devices': [{'id': 'd', 'interface_name': 'i'}], 'connections': [
        {'network_id': 'n', 'segmentation_id': 7}]}, 'prohibited for segmentation_type flat'),
])
def test_what_does_not_fit_together_is_said(name: str, props: dict[str, Any], part: str) -> None:
    assert any(part in sentence for sentence in faults(f'OS::Neutron::{name}', **props))


@pytest.mark.parametrize(('name', 'props'), [
    ('SubnetPool', {'prefixes': ['10.0.0.0/8'], 'min_prefixlen': 8, 'default_prefixlen': 24,
                    'max_prefixlen': 24}),
    ('RBACPolicy', {'object_type': schema.UNKNOWN, 'object_id': 'o', 'action': 'access_as_external',
                    'target_tenant': '*'}),
    ('Segment', {'network': 'n', 'network_type': schema.UNKNOWN, 'segmentation_id': 4}),
    ('Segment', {'network': 'n', 'network_type': 'vlan', 'physical_network': 'p',
                 'segmentation_id': schema.UNKNOWN}),
    ('ProviderNet', {'network_type': 'vlan', 'segmentation_id': schema.UNKNOWN}),
    ('FloatingIPPortForward', {'floating_ip': 'f', 'external_port': 1, 'internal_port': 'p',
                               'internal_ip_address': '10.0.0.1', 'protocol': schema.UNKNOWN}),
    ('NetworkGateway', {'devices': [{'id': 'd', 'interface_name': 'i'}], 'connections': schema.UNKNOWN}),
])
def test_what_fits_or_is_not_known_yet_is_let_pass(name: str, props: dict[str, Any]) -> None:
    assert faults(f'OS::Neutron::{name}', **props) == []


@pytest.mark.parametrize(('name', 'given'), [
    ('OS::Neutron::Quota', {'project': 'p'}), ('OS::Neutron::RouterGateway', {'router_id': 'r'})])
def test_one_of_several_must_be_given(name: str, given: dict[str, Any]) -> None:
    kind = TYPES[name].schema
    values, _ = schema.resolve(kind.properties, given)
    assert len(kind.faults(values)) == 1
    values, _ = schema.resolve(kind.properties, {**given, 'port' if 'project' in given else 'network_id': 5})
    assert kind.faults(values) == []


def template() -> dict[str, Definition]:
    return {one.name: one for one in (
        definition('sub', 'OS::Neutron::Subnet', network=Reference('net')),
        definition('leg', 'OS::Neutron::RouterInterface', router_id=Reference('gate')),
        definition('far_leg', 'OS::Neutron::RouterInterface', router=Reference('other')),
        definition('way', 'OS::Neutron::RouterGateway', router_id=Reference('gate'), network='public'),
        definition('trunk', 'OS::Neutron::Trunk', port=Reference('parent')))}


@pytest.mark.parametrize(('kind', 'props', 'first'), [
    ('OS::Neutron::ExtraRoute', {'router_id': Reference('gate')}, {'leg', 'way'}),
    ('OS::Neutron::ExtraRouteSet', {'router': Reference('gate')}, {'leg', 'way'}),
    ('OS::Neutron::RouterGateway', {'router_id': Reference('gate'), 'network': Reference('net')},
     {'leg', 'sub'}),
    ('OS::Neutron::FloatingIPPortForward', {}, {'leg', 'far_leg', 'way'}),
    ('OS::Nova::FloatingIPAssociation', {}, {'leg', 'far_leg', 'way'}),
    ('OS::Nova::Server', {'networks': Reference('parent')}, {'trunk'}),
    ('OS::Nova::Server', {'networks': Reference('sub_port')}, set()),
])
def test_hidden_dependencies(kind: str, props: dict[str, Any], first: set[str]) -> None:
    assert TYPES[kind].before('mine', definition('mine', kind, **props), template()) == first


def test_where_a_provider_network_is_placed_cannot_be_changed() -> None:
    kind, row = TYPES['OS::Neutron::ProviderNet'], Row('u', 's', 's', 'net', 'OS::Neutron::ProviderNet')
    assert kind.wants_replacement(row, {}, frozenset(['availability_zone_hints', 'name']))
    assert not kind.wants_replacement(row, {}, frozenset(['segmentation_id', 'name']))


# -- steps, answered by hand ---------------------------------------------------------------------------


class Said(list[tuple[str, str, Any]]):
    """What a step asked for that changes something: method, path, the object in the body."""

    def changing(self) -> list[tuple[str, str, Any]]:
        return [one for one in self if one[0] != 'GET']


Answers = Callable[[Call], Any]


def step(name: str, verb: Action, answer: Answers, old: dict[str, Any] | None = None,
         row: Row | None = None, task: str = 'verb', **props: Any) -> tuple[Outcome, Row, Said]:
    """One step to its end; ``answer`` gives what comes of each call, or raises CloudFault."""
    kind = TYPES[name]
    values = schema.resolve(kind.schema.properties, props)[0]
    row = row or Row(new_id(), STACK.stack_id, STACK.stack_id, 'thing', name, physical_id=(
        None if verb is Action.CREATE else IDS[0]))
    row = replace(row, props=values, action=verb, intent=None, memo=(), keep={
        'old_props': schema.resolve(kind.schema.properties, old)[0] if old else values,
        'restore': task == 'restore'})
    said, now = Said(), 1000.0
    run = StepRun(Step(row.uuid, verb, task='verb' if task == 'restore' else task), row, kind,
                  Surroundings(STACK), lambda: now, Limits(), lambda reference: None, lambda identity: True)
    following = run.begin()
    while not isinstance(following, Ended):
        if isinstance(following, Watch):
            following = run.observed({})
            continue
        if isinstance(following, Pause):
            now = following.until
            following = run.wake()
            continue
        assert isinstance(following, Ask) and isinstance(following.op, Call)
        call = following.op
        body = call.body
        said.append((call.method, call.path, next(iter(body.values())) if isinstance(body, dict) and
                     len(body) == 1 else body))
        try:
            following = run.answer(answer(call))
        except CloudFault as fault:
            following = run.answer(None) if fault.status in call.ok else run.fault(fault)
    return following.outcome, run.row, said


def sub(port: int, number: int) -> dict[str, Any]:
    return {'port': IDS[port], 'segmentation_type': 'vlan', 'segmentation_id': number}


def wired(port: int, number: int) -> dict[str, Any]:
    return {'port_id': IDS[port], 'segmentation_type': 'vlan', 'segmentation_id': number}


def trunk(there: list[dict[str, Any]]) -> Answers:
    return lambda call: {'id': IDS[0], 'port_id': IDS[1], 'status': 'ACTIVE', 'sub_ports': there}


def test_a_subport_under_another_number_is_taken_out_and_put_in() -> None:
    """What others have put in stays, and what is gone already is not taken out."""
    outcome, _row, said = step(
        'OS::Neutron::Trunk', Action.UPDATE, trunk([wired(2, 10), wired(3, 11), wired(9, 99)]),
        {'port': IDS[1], 'sub_ports': [sub(2, 10), sub(3, 11), sub(4, 12)]},
        port=IDS[1], sub_ports=[sub(2, 20), sub(3, 11), sub(5, 13)])
    assert isinstance(outcome, Done)
    assert said.changing() == [
        ('PUT', f'/trunks/{IDS[0]}/remove_subports', [{'port_id': IDS[2]}]),
        ('PUT', f'/trunks/{IDS[0]}/add_subports', [wired(2, 20), wired(5, 13)])]


@pytest.mark.parametrize(('on', 'order'), [
    (True, [f'/trunks/{IDS[0]}', f'/trunks/{IDS[0]}/add_subports']),
    (False, [f'/trunks/{IDS[0]}/add_subports', f'/trunks/{IDS[0]}'])])
def test_subports_are_changed_while_the_trunk_is_switched_on(on: bool, order: list[str]) -> None:
    _outcome, _row, said = step(
        'OS::Neutron::Trunk', Action.UPDATE, trunk([]), {'port': IDS[1], 'admin_state_up': not on},
        port=IDS[1], sub_ports=[sub(2, 20)], admin_state_up=on)
    assert [path for _method, path, _body in said.changing()] == order


@pytest.mark.parametrize('there', [True, False])
def test_a_subport_that_is_there_already_was_put_in_by_us(there: bool) -> None:
    """The answer to putting it in may have been lost."""
    looks = iter([[], [wired(2, 20)] if there else [wired(2, 21)]])

    def answer(call: Call) -> Any:
        if call.method == 'PUT':
            raise CloudFault(409, 'Port is in use by another trunk.', 'network')
        return {'sub_ports': next(looks)}
    outcome, _row, _said = step('OS::Neutron::Trunk', Action.UPDATE, answer, {'port': IDS[1]},
                                port=IDS[1], sub_ports=[sub(2, 20)])
    assert isinstance(outcome, Done if there else Failed)


def test_limits_that_are_no_longer_named_go_back_to_the_usual() -> None:
    outcome, _row, said = step('OS::Neutron::Quota', Action.UPDATE,
                               lambda call: {'port': 500, 'network': 100},
                               {'project': IDS[0], 'port': 5, 'network': 6}, project=IDS[0], network=7)
    assert isinstance(outcome, Done)
    assert said.changing() == [('PUT', f'/quotas/{IDS[0]}', {'network': 7, 'port': 500})]


def test_a_quota_that_was_refused_is_left_as_it_is() -> None:
    """Taking away limits that others have set would be worse than nothing."""
    def refuse(call: Call) -> Any:
        raise CloudFault(403, 'rule:update_quota is disallowed by policy', 'network')
    outcome, row, _said = step('OS::Neutron::Quota', Action.CREATE, refuse, project=IDS[0], network=7)
    assert isinstance(outcome, Failed) and row.physical_id is None
    outcome, _row, said = step('OS::Neutron::Quota', Action.DELETE, refuse, row=row, project=IDS[0],
                               network=7)
    assert isinstance(outcome, Done) and said == []


def test_what_is_taken_away_from_a_pool_goes_back_to_the_beginning() -> None:
    pool = {'prefixes': ['fd00::/48']}
    _outcome, _row, said = step(
        'OS::Neutron::SubnetPool', Action.UPDATE, lambda call: {},
        {**pool, 'min_prefixlen': 70, 'max_prefixlen': 80, 'default_quota': 5, 'address_scope': IDS[1]},
        **pool)
    assert said == [('PUT', f'/subnetpools/{IDS[0]}', {
        'min_prefixlen': 64, 'max_prefixlen': 128, 'default_prefixlen': 64, 'default_quota': 0,
        'address_scope_id': None})]


def test_a_gateway_lets_go_of_what_it_is_no_longer_connected_to() -> None:
    made = {'devices': [{'id': 'd', 'interface_name': 'i'}]}
    first = [{'network': IDS[1]}, {'network': IDS[2], 'segmentation_type': 'vlan', 'segmentation_id': 7}]
    outcome, row, said = step('OS::Neutron::NetworkGateway', Action.CREATE, lambda call: {'id': IDS[0]},
                              **made, connections=first)
    path, flat = f'/network-gateways/{IDS[0]}', {'network_id': IDS[1], 'segmentation_type': 'flat'}
    vlan = {'network_id': IDS[2], 'segmentation_type': 'vlan', 'segmentation_id': 7}
    assert isinstance(outcome, Done)
    assert said[1:] == [('PUT', f'{path}/connect_network', flat), ('PUT', f'{path}/connect_network', vlan)]
    outcome, row, said = step(
        'OS::Neutron::NetworkGateway', Action.UPDATE, lambda call: {}, {**made, 'connections': first}, row,
        **made, connections=[first[0], {'network': IDS[3]}])
    assert said == [('PUT', f'{path}/disconnect_network', vlan),
                    ('PUT', f'{path}/connect_network', {**flat, 'network_id': IDS[3]})]
    outcome, row, said = step('OS::Neutron::NetworkGateway', Action.DELETE, lambda call: None, row=row,
                              **made)
    assert said == [('PUT', f'{path}/disconnect_network', flat),
                    ('PUT', f'{path}/disconnect_network', {**flat, 'network_id': IDS[3]}),
                    ('DELETE', path, None)]


@pytest.mark.parametrize(('listed', 'part'), [
    ([], 'needs the extension network-gateway'), ([{'alias': 'network-gateway'}], 'could not be found')])
def test_a_collection_that_the_service_does_not_know_is_explained(listed: Any, part: str) -> None:
    def answer(call: Call) -> Any:
        if call.method == 'POST':
            raise CloudFault(404, 'The resource could not be found.', 'network')
        return listed
    outcome, _row, _said = step('OS::Neutron::NetworkGateway', Action.CREATE, answer,
                                devices=[{'id': 'd', 'interface_name': 'i'}])
    assert isinstance(outcome, Failed) and part in str(outcome)


def test_routes_are_written_anew_where_they_cannot_be_added() -> None:
    """By who reads what is there, and again if another has changed the router meanwhile."""
    others = {'destination': '10.9.0.0/24', 'nexthop': '10.0.0.9'}
    mine = {'destination': '10.8.0.0/24', 'nexthop': '10.0.0.8'}
    puts: list[Call] = []

    def answer(call: Call) -> Any:
        if call.method == 'GET':
            return [] if call.path == '/extensions' else {'routes': [others], 'revision_number': len(puts)}
        puts.append(call)
        if len(puts) == 1:
            raise CloudFault(412, 'The revision is another.', 'network')
        return {}
    outcome, row, said = step('OS::Neutron::ExtraRoute', Action.CREATE, answer, router_id=IDS[0], **mine)
    assert isinstance(outcome, Done) and row.physical_id == f'{IDS[0]}:10.8.0.0/24:10.0.0.8'
    assert said.changing() == [('PUT', f'/routers/{IDS[0]}', {'routes': [others, mine]})] * 2
    assert [call.headers['If-Match'] for call in puts] == ['revision_number=0', 'revision_number=1']


@pytest.mark.parametrize('there', [True, False])
def test_what_gave_way_comes_back_if_its_successor_fails(there: bool) -> None:
    """Unless it had not yet gone."""
    name, props = 'OS::Neutron::MeteringRule', {'metering_label_id': IDS[5], 'remote_ip_prefix': '10.0.0.0/8'}

    def answer(call: Call) -> Any:
        if call.method == 'GET' and not there:
            raise CloudFault(404, 'It could not be found.', 'network')
        return {'id': IDS[1]}
    row = Row(new_id(), STACK.stack_id, STACK.stack_id, 'thing', name, physical_id=IDS[0])
    outcome, row, said = step(name, Action.CREATE, answer, row=row, task='release', **props)
    assert isinstance(outcome, Done)
    assert said == [('DELETE', f'/metering/metering-label-rules/{IDS[0]}', None)]
    outcome, row, said = step(name, Action.UPDATE, answer, row=row, task='restore', **props)
    assert isinstance(outcome, Done) and row.physical_id == IDS[0 if there else 1]
    assert [method for method, _path, _body in said.changing()] == ([] if there else ['POST'])


def test_a_minimum_is_raised_once_the_limit_has_been() -> None:
    said_no = [CloudFault(409, 'Unable to add the rule.', 'network'), CloudFault(500, 'Broken.', 'network')]

    def answer(call: Call) -> Any:
        raise said_no.pop(0)
    outcome, _row, said = step('OS::Neutron::QoSMinimumBandwidthRule', Action.UPDATE, answer,
                               {'policy': IDS[5], 'min_kbps': 1}, policy=IDS[5], min_kbps=2)
    assert isinstance(outcome, Failed) and 'Broken' in str(outcome) and len(said) == 2


@pytest.mark.parametrize(('there', 'chosen'), [
    ([(1, False)], 1), ([(1, False), (2, True)], 2), ([(1, False), (2, False)], 0), ([], 0)])
def test_an_address_without_a_pool_is_from_the_only_network_or_the_default_one(
        there: list[tuple[int, bool]], chosen: int) -> None:
    def answer(call: Call) -> Any:
        return {'id': IDS[0], 'status': 'DOWN'} if call.method == 'POST' else [
            {'id': IDS[number], 'name': f'net{number}', 'is_default': default} for number, default in there]
    outcome, row, said = step('OS::Nova::FloatingIP', Action.CREATE, answer)
    if chosen:
        assert isinstance(outcome, Done) and row.physical_id == IDS[0]
        assert [body['floating_network_id'] for _method, _path, body in said.changing()] == [IDS[chosen]]
    else:
        names = ', '.join(f'net{number}' for number, _default in there) or 'none'
        assert isinstance(outcome, Failed) and f'there are: {names}.' in str(outcome)
        assert said.changing() == []


def test_a_rule_is_taken_away_below_the_policy_that_it_was_made_for() -> None:
    """Whatever the name of the property stands for by then."""
    outcome, row, said = step('OS::Neutron::QoSDscpMarkingRule', Action.CREATE, lambda call: {'id': IDS[0]},
                              policy=IDS[5], dscp_mark=10)
    assert isinstance(outcome, Done) and said[0][1] == f'/qos/policies/{IDS[5]}/dscp_marking_rules'
    _outcome, _row, said = step('OS::Neutron::QoSDscpMarkingRule', Action.DELETE, lambda call: None, row=row,
                                policy='gold', dscp_mark=10)
    assert said == [('DELETE', f'/qos/policies/{IDS[5]}/dscp_marking_rules/{IDS[0]}', None)]
