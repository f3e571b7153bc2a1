"""Gateways between networks of the cloud and segments of physical switches.

Purpose: OS::Neutron::L2Gateway and OS::Neutron::L2GatewayConnection. Invariant:
a connection has no name; it is known by gateway and network. Neighbours: ``rest``.
"""

from __future__ import annotations

from typing import Any

from heat.model.op import Adopt
from heat.resources.base import Steps
from heat.resources.openstack.neutron.rest import Neutron
from heat.schema import IN_PLACE, List, Map, String, Support


class L2Gateway(Neutron):
    """Interfaces of switches that belong together."""

    type = 'OS::Neutron::L2Gateway'
    path, key = '/l2-gateways', 'l2_gateway'
    extension = 'l2-gateway'
    support = Support(version='12.0.0')

    class properties:
        name = String('Name.', required=True, update=IN_PLACE)
        devices = List('The switches.', required=True, update=IN_PLACE, of=Map(
            device_name=String('Name of the switch.', required=True),
            interfaces=List('Its interfaces.', required=True, of=Map(
                name=String('Name of the interface.', required=True),
                segmentation_id=List('Segments on it.')))))


class L2GatewayConnection(Neutron):
    """A network that goes on behind a gateway."""

    type = 'OS::Neutron::L2GatewayConnection'
    path, key = '/l2-gateway-connections', 'l2_gateway_connection'
    extension = 'l2-gateway-connection'
    name_key = None
    releases = True
    support = Support(version='12.0.0')

    class properties:
        l2_gateway_id = String('Id of the gateway.', required=True)
        network_id = String('The network.', required=True, is_a='neutron.network')
        segmentation_id = String('Segment it goes on in, if the gateway does not say it.')

    def adopt(self, body: dict[str, Any]) -> Adopt:
        ends = {name: body[name] for name in ('l2_gateway_id', 'network_id')}
        return Adopt(self.path, f'{self.key}s',
                     lambda found: all(found.get(name) == value for name, value in ends.items()), ends)

    def release(self) -> Steps:
        """A gateway takes a network once, whatever the segment: its successor finds the place free."""
        yield self.remove('release')

    def restore(self) -> Steps:
        yield self.post(self.body(self.props), 'restore')


TYPES = (L2Gateway, L2GatewayConnection)
