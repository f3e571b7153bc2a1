"""Ports of a floating address that are passed on to ports of an inner one.

Purpose: OS::Neutron::FloatingIPPortForward. Invariant: it lies below its
floating address, which needs a way out first. Neighbours: ``floatingip``; ``rest``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.resources.base import Diff, Steps
from heat.resources.openstack.neutron.part import GivesWay, Part
from heat.resources.openstack.neutron.rest import ways_out
from heat.schema import IN_PLACE, Integer, String, Support
from heat.template.definition import Definition

WITH_PORTS = ('tcp', 'udp', 'sctp', 'dccp')


class FloatingIPPortForward(GivesWay, Part):
    """A port of a floating address that leads to a port of an inner address."""

    type = 'OS::Neutron::FloatingIPPortForward'
    support = Support(version='19.0.0')
    extension = 'floating-ip-port-forwarding'
    path, key = '/floatingips/{owner}/port_forwardings', 'port_forwarding'
    owner, owner_kind = 'floating_ip', 'neutron.floatingip'

    class properties:
        internal_ip_address = String('The inner address.', required=True, check='ip_addr', update=IN_PLACE)
        internal_port_number = Integer('The inner port.', range=(1, 65535), wire='internal_port',
                                       update=IN_PLACE)
        external_port = Integer('Port of the floating address.', required=True, range=(1, 65535),
                                update=IN_PLACE)
        internal_port = String('Port of the network service that has the inner address.', required=True,
                               is_a='neutron.port', wire='internal_port_id', update=IN_PLACE)
        protocol = String('Protocol.', required=True,
                          values=['tcp', 'udp', 'icmp', 'icmp6', 'sctp', 'dccp'], update=IN_PLACE)
        floating_ip = String('The floating address, or its id.', required=True, find='neutron.floatingip',
                             wire=None)

    @classmethod
    def before(cls, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        return ways_out(others)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        if props.get('internal_port_number') is None and props.get('protocol') in WITH_PORTS:
            yield f'internal_port_number must be given for protocol {props["protocol"]}.'

    def prepare(self, body: dict[str, Any], props: Mapping[str, Any], diff: Diff | None = None) -> Steps:
        if 'internal_port_id' in body:
            # Alone it would take any address of the port.
            body['internal_ip_address'] = props['internal_ip_address']
        return (yield from super().prepare(body, props, diff))
