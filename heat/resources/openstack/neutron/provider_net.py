"""Networks that are told which physical network carries them.

Purpose: OS::Neutron::ProviderNet. Invariant: how it is carried is changed in
place as far as the service can; where the service is asked to place it cannot
be. Neighbours: ``network`` has the plain one, ``segment`` the kinds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import CloudFault
from heat.model.resource import Row
from heat.resources.base import Steps
from heat.resources.openstack.neutron.network import Network
from heat.resources.openstack.neutron.segment import LARGEST, NETWORK_TYPES
from heat.resources.rest import alike
from heat.schema import IN_PLACE, Attr, Boolean, List, String, Support


class ProviderNet(Network):
    """A network on a certain physical one; for administrators."""

    type = 'OS::Neutron::ProviderNet'
    support = Support(version='2014.1')
    extension = 'provider'

    class properties:
        name = String('Name.', update=IN_PLACE)
        network_type = String('How it is told from others.', required=True, values=NETWORK_TYPES,
                              wire='provider:network_type', update=IN_PLACE)
        physical_network = String('Name of the physical network that carries it.',
                                  wire='provider:physical_network', update=IN_PLACE)
        segmentation_id = String('Its number there, such as that of a VLAN.',
                                 wire='provider:segmentation_id', update=IN_PLACE)
        router_external = Boolean('Whether it leads outside.', default=False, wire='router:external',
                                  update=IN_PLACE, support=Support(version='6.0.0'))
        shared = Boolean('Whether all projects may use it.', default=True, update=IN_PLACE)
        admin_state_up = Boolean('Whether it is switched on.', default=True, update=IN_PLACE)
        port_security_enabled = Boolean('Whether its ports are filtered.', update=IN_PLACE,
                                        support=Support(version='8.0.0'))
        dns_domain = String('Domain of the names of its ports.', check='dns_domain', update=IN_PLACE,
                            support=Support(version='15.0.0'))
        availability_zone_hints = List('Where it should be placed.', update=IN_PLACE,
                                       support=Support(version='19.0.0'))
        tags = List('Tags.', of=String(), wire=None, update=IN_PLACE, support=Support(version='12.0.0'))
        tenant_id = String('Project that owns it.', support=Support(version='24.0.0'))

    class attributes:
        status = Attr('Current status.', 'String')
        subnets = Attr('Ids of its subnets.', 'List')
        segments = Attr('Its segments.', 'List', support=Support(version='16.0.0'))

    @classmethod
    def wants_replacement(cls, row: Row, new: Mapping[str, Any], changed: frozenset[str]) -> bool:
        """The service takes the hints at the creation only."""
        return 'availability_zone_hints' in changed

    def change(self, body: dict[str, Any]) -> Steps:
        try:
            yield self.put(body)
        except CloudFault as fault:
            # Asked once more, the service takes the network's own number for one in use.
            if fault.status != 409 or not alike(body, (yield self.get())):
                raise

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        kind, number = props.get('network_type'), props.get('segmentation_id')
        if not isinstance(number, str):
            return
        if not number.isdecimal():
            yield f'segmentation_id must be a number, and not "{number}".'
        elif kind in LARGEST and int(number) > LARGEST[kind]:
            yield f'segmentation_id of network type {kind} must be at most {LARGEST[kind]}, not {number}.'
        elif kind == 'flat':
            yield 'segmentation_id is prohibited for network type flat.'
