"""Chains of service functions.

Purpose: OS::Neutron::FlowClassifier, PortPair, PortPairGroup and PortChain.
Invariant: what traffic a classifier means and which ports a pair joins is fixed;
groups and chains take other members in place. Neighbours: ``rest``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.resources.openstack.neutron.rest import Neutron
from heat.schema import IN_PLACE, Integer, List, Map, String, Support

PORT_NUMBERS = (1, 65535)


class FlowClassifier(Neutron):
    """Which traffic goes through a chain."""

    type = 'OS::Neutron::FlowClassifier'
    path, key = '/sfc/flow_classifiers', 'flow_classifier'
    support = Support('UNSUPPORTED', '8.0.0')

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        protocol = String('Protocol.', values=['tcp', 'udp', 'icmp'])
        ethertype = String('Version of IP.', default='IPv4', values=['IPv4', 'IPv6'])
        source_ip_prefix = String('Block of the senders.', check='net_cidr')
        destination_ip_prefix = String('Block of the receivers.', check='net_cidr')
        source_port_range_min = Integer('First port of the senders.', range=PORT_NUMBERS)
        source_port_range_max = Integer('Last port of the senders.', range=PORT_NUMBERS)
        destination_port_range_min = Integer('First port of the receivers.', range=PORT_NUMBERS)
        destination_port_range_max = Integer('Last port of the receivers.', range=PORT_NUMBERS)
        logical_source_port = String('Port that the traffic comes from.', is_a='neutron.port')
        logical_destination_port = String('Port that the traffic goes to.', is_a='neutron.port')
        l7_parameters = Map('Parameters of the application layer.', support=Support('UNSUPPORTED'))

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        for side in ('source', 'destination'):
            low, high = props.get(f'{side}_port_range_min'), props.get(f'{side}_port_range_max')
            if isinstance(low, int) and isinstance(high, int) and low > high:
                yield f'{side}_port_range_min {low} is greater than {side}_port_range_max {high}.'


class PortPair(Neutron):
    """The ports through which traffic enters and leaves a service function."""

    type = 'OS::Neutron::PortPair'
    path, key = '/sfc/port_pairs', 'port_pair'
    support = Support('UNSUPPORTED', '7.0.0')

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        ingress = String('Port through which it enters.', required=True, is_a='neutron.port')
        egress = String('Port through which it leaves.', required=True, is_a='neutron.port')
        service_function_parameters = Map('Parameters of the function.', default={'correlation': None})


class PortPairGroup(Neutron):
    """Service functions among which traffic is shared out."""

    type = 'OS::Neutron::PortPairGroup'
    path, key = '/sfc/port_pair_groups', 'port_pair_group'
    extension = 'sfc'
    support = Support('UNSUPPORTED', '8.0.0')

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        port_pairs = List('The port pairs.', required=True, update=IN_PLACE,
                          of=String(is_a='neutron.port_pair'))


class PortChain(Neutron):
    """The groups of service functions that traffic goes through, one after another."""

    type = 'OS::Neutron::PortChain'
    path, key = '/sfc/port_chains', 'port_chain'
    extension = 'sfc'
    support = Support('UNSUPPORTED', '8.0.0')

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        port_pair_groups = List('The groups, in their order.', required=True, update=IN_PLACE,
                                of=String(is_a='neutron.port_pair_group'))
        flow_classifiers = List('Which traffic goes through it.', default=[], update=IN_PLACE,
                                of=String(is_a='neutron.flow_classifier'))
        chain_parameters = Map('Parameters of the chain.', default={'correlation': 'mpls'})


TYPES = (FlowClassifier, PortPair, PortPairGroup, PortChain)
