"""Copies of the traffic of ports.

Purpose: OS::Neutron::TaaS::TapService and OS::Neutron::TaaS::TapFlow. Invariant:
both are made, and gone, when the port's host says so. Neighbours: ``rest``.
"""

from __future__ import annotations

from heat.resources.openstack.neutron.rest import Hosted
from heat.schema import IN_PLACE, String, Support


class Tap(Hosted):
    """What both have: DOWN at first, ACTIVE when its host has it, PENDING_DELETE until it has not."""

    ready = ('ACTIVE',)
    extension = 'taas'
    support = Support(version='12.0.0')


class TapService(Tap):
    """A port that receives copies of traffic."""

    type = 'OS::Neutron::TaaS::TapService'
    path, key = '/taas/tap_services', 'tap_service'

    class properties:
        name = String('Name.', default='', update=IN_PLACE)
        description = String('Description.', default='', update=IN_PLACE)
        port = String('The port.', required=True, is_a='neutron.port', wire='port_id')


class TapFlow(Tap):
    """A port whose traffic is copied to a tap service."""

    type = 'OS::Neutron::TaaS::TapFlow'
    path, key = '/taas/tap_flows', 'tap_flow'

    class properties:
        name = String('Name.', default='', update=IN_PLACE)
        description = String('Description.', default='', update=IN_PLACE)
        port = String('The port.', required=True, is_a='neutron.port', wire='source_port')
        tap_service = String('Where the copies go.', required=True, is_a='neutron.taas.tap_service',
                             wire='tap_service_id')
        direction = String('Which traffic is copied.', default='BOTH', values=['IN', 'OUT', 'BOTH'])
        vlan_filter = String('VLANs whose traffic is copied, such as 1-5,9.',
                             pattern=r'^([0-9]+(-[0-9]+)?)(,([0-9]+(-[0-9]+)?))*$')


TYPES = (TapService, TapFlow)
