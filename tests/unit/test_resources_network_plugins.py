"""The types of Neutron's plugins without a cloud: what goes together, comes first, and is asked."""

from __future__ import annotations

from typing import Any

import pytest

from heat import schema
from heat.common.ids import StackId
from heat.model.op import Call, CloudFault, NeedsReplacement, StepFailed
from heat.model.resource import Row
from heat.resources.base import Resource, Surroundings
from heat.resources.openstack import TYPES
from heat.template.expr import Constant
from tests.unit.definitions import Reference, definition

AROUND = Surroundings(StackId('project', 'shop', 'stack-id'))
IN_USE = CloudFault(409, 'IKEPolicy ike-id is in use', 'network')


def plugin(kind: str, props: dict[str, Any], physical_id: str | None = 'its-id') -> Resource:
    values, errors = schema.resolve(TYPES[kind].schema.properties, props)
    assert errors == []
    row = Row('0f0e0d0c-0000-4000-8000-000000000001', 's', 's', 'one', kind, physical_id=physical_id,
              props=values)
    return TYPES[kind](row, values, AROUND)


def first(steps: Any) -> Call:
    asked = next(steps)
    assert isinstance(asked, Call)
    return asked


def change(kind: str, old: dict[str, Any], new: dict[str, Any]) -> Any:
    before, after = plugin(kind, old), plugin(kind, new)
    difference = schema.diff(TYPES[kind].schema, before.props, after.props)
    assert schema.effect(TYPES[kind].schema, difference.changed) == schema.UPDATE
    return after.update(after.props, difference)


def test_a_range_of_ports_begins_before_it_ends() -> None:
    kind = TYPES['OS::Neutron::FlowClassifier']
    assert list(kind.validate({'source_port_range_min': 9, 'source_port_range_max': 8})) == [
        'source_port_range_min 9 is greater than source_port_range_max 8.']
    assert list(kind.validate({'source_port_range_min': 9, 'source_port_range_max': schema.UNKNOWN})) == []


def test_a_vpn_service_comes_after_the_legs_and_the_gateway_of_its_router() -> None:
    others = {one.name: one for one in (
        definition('leg', 'OS::Neutron::RouterInterface', router=Reference('r'), subnet=Reference('s')),
        definition('way', 'OS::Neutron::RouterGateway', router_id=Reference('r'), network=Constant('n')),
        definition('far', 'OS::Neutron::RouterInterface', router=Reference('other'), subnet=Reference('s')),
        definition('s', 'OS::Neutron::Subnet', network=Constant('n')))}
    kind = TYPES['OS::Neutron::VPNService']
    mine = definition('vpn', kind.type, router=Reference('r'), subnet=Reference('s'))
    assert kind.before('vpn', mine, others) == {'leg', 'way'}


@pytest.mark.parametrize(('status', 'sound'), [('PENDING_CREATE', True), ('ACTIVE', True), ('ERROR', False)])
def test_a_vpn_service_without_connections_is_sound(status: str, sound: bool) -> None:
    """Neutron makes it active with its first connection."""
    steps = plugin('OS::Neutron::VPNService', {'router': 'r', 'subnet': 's'}).check()
    next(steps)
    with pytest.raises(StopIteration if sound else StepFailed):
        steps.send({'id': 'its-id', 'status': status})


def test_a_policy_in_use_is_replaced_for_what_the_ends_agree_on_only() -> None:
    kind = 'OS::Neutron::IKEPolicy'
    steps = change(kind, {'pfs': 'group5'}, {'pfs': 'group14'})
    assert first(steps).body == {'ikepolicy': {'pfs': 'group14'}}
    with pytest.raises(NeedsReplacement, match='in use'):
        steps.throw(IN_USE)
    steps = change(kind, {'description': 'a'}, {'description': 'b'})
    next(steps)
    with pytest.raises(CloudFault):
        steps.throw(IN_USE)


MATCHES_ALL = {'protocol': None, 'ip_version': '4', 'source_ip_address': None, 'destination_ip_address': None,
               'source_port': None, 'destination_port': None}


@pytest.mark.parametrize(
    ('kind', 'old', 'new', 'said'),
    [
        ('OS::Neutron::IKEPolicy', {'lifetime': {'value': 60}}, {},
         {'lifetime': {'units': 'seconds', 'value': 3600}}),
        # The service looks at what a rule matches together, and forgets a policy's mark if it is not said.
        ('OS::Neutron::FirewallRule', {'protocol': 'tcp'}, {}, MATCHES_ALL),
        ('OS::Neutron::FirewallRule', {'source_port': '80', 'description': 'web'}, {},
         {**MATCHES_ALL, 'description': ''}),
        ('OS::Neutron::FirewallPolicy', {'firewall_rules': ['a']}, {},
         {'firewall_rules': [], 'audited': False}),
    ],
)
def test_what_is_taken_away_is_as_at_the_beginning(kind: str, old: dict[str, Any], new: dict[str, Any],
                                                   said: dict[str, Any]) -> None:
    body, = first(change(kind, old, new)).body.values()
    assert body == said


def test_any_protocol_is_told_by_naming_none() -> None:
    rule = plugin('OS::Neutron::FirewallRule', {'action': 'allow'}, None)
    made = first(rule.create()).body['firewall_rule']
    assert made['protocol'] is None and made['ip_version'] == '4'
    assert rule.differences({**made, 'name': 'x'}) == {}
    assert rule.differences({**made, 'protocol': 'tcp'}) == {'protocol': 'tcp'}


def test_a_gateways_connection_is_found_again_by_its_ends() -> None:
    made = first(plugin('OS::Neutron::L2GatewayConnection', {
        'l2_gateway_id': 'g', 'network_id': 'n', 'segmentation_id': '3'}, None).create())
    assert made.body['l2_gateway_connection'] == {
        'l2_gateway_id': 'g', 'network_id': 'n', 'segmentation_id': '3'}
    assert made.adopt is not None and made.adopt.key == 'l2_gateway_connections'
    assert made.adopt.match({'l2_gateway_id': 'g', 'network_id': 'n'})
    assert not made.adopt.match({'l2_gateway_id': 'g', 'network_id': 'm'})
