"""Ports of machines.

Purpose: OS::Ironic::Port. Invariant: a port is found again by its hardware address, of which there
is one. Neighbours: ``patched`` has the dialect.
"""

from __future__ import annotations

from typing import Any

from heat.model.op import Adopt
from heat.resources.base import Resource, Steps
from heat.resources.openstack.patched import Patched
from heat.schema import IN_PLACE, Attr, Boolean, Map, String, Support


class Port(Patched):
    """A network interface of a machine."""

    type = 'OS::Ironic::Port'
    support = Support(version='13.0.0')
    service, path, plural = 'baremetal', '/ports', 'ports'
    name_key = None
    survives_failure = True

    class properties:
        node = String('Machine it belongs to.', required=True, is_a='ironic.node', wire='node_uuid',
                      update=IN_PLACE)
        address = String('Hardware address.', required=True, update=IN_PLACE)
        portgroup = String('Group of ports that it is in.', is_a='ironic.portgroup', wire='portgroup_uuid',
                           update=IN_PLACE)
        local_link_connection = Map('What it is plugged into: switch_id, port_id, switch_info.',
                                    update=IN_PLACE)
        pxe_enabled = Boolean('Whether the machine may boot from it.', update=IN_PLACE)
        physical_network = String('Physical network that it is in.', update=IN_PLACE)
        extra = Map('Key and value pairs.', update=IN_PLACE)
        is_smartnic = Boolean('Whether it is of a card with a system of its own.', update=IN_PLACE)

    class attributes:
        address = Attr('Hardware address.', 'String')
        node_uuid = Attr('Machine it belongs to.', 'String')
        portgroup_uuid = Attr('Group of ports that it is in.', 'String')
        local_link_connection = Attr('What it is plugged into.', 'Map')
        pxe_enabled = Attr('Whether the machine may boot from it.', 'Boolean')
        physical_network = Attr('Physical network that it is in.', 'String')
        internal_info = Attr('What the service notes for itself.', 'Map')
        extra = Attr('Key and value pairs.', 'Map')
        is_smartnic = Attr('Whether it is of a card with a system of its own.', 'Boolean')

    def adopt(self, body: dict[str, Any]) -> Adopt:
        address = str(body['address']).lower()
        return Adopt(self.path, 'ports', lambda found: str(found.get('address')).lower() == address,
                     {'address': address})

    def check(self) -> Steps:
        return (yield self.get())


IRONIC: tuple[type[Resource], ...] = (Port,)
