"""Segments of networks.

Purpose: OS::Neutron::Segment. Invariant: what a kind of network cannot have is
refused before the service is asked. Neighbours: ``rest``; subnets name segments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.resources.openstack.neutron.rest import Neutron
from heat.schema import IN_PLACE, Integer, String, Support

NETWORK_TYPES = ['local', 'vlan', 'vxlan', 'gre', 'geneve', 'flat']
# The largest segmentation_id of each kind that has one.
LARGEST = {'vlan': 4094, 'vxlan': 2**24 - 1, 'gre': 2**32 - 1, 'geneve': 2**24 - 1}
PHYSICAL = ('vlan', 'flat')


class Segment(Neutron):
    """A part of a network that is one broadcast domain."""

    type = 'OS::Neutron::Segment'
    support = Support(version='9.0.0')
    extension = 'segment'
    path, key = '/segments', 'segment'

    class properties:
        network = String('Network it is a part of.', required=True, is_a='neutron.network', wire='network_id')
        network_type = String('How it is told from others.', required=True, values=NETWORK_TYPES)
        physical_network = String('Name of the physical network that carries it.')
        segmentation_id = Integer('Its number, such as that of a VLAN.', range=(1, None))
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        kind, number = props.get('network_type'), props.get('segmentation_id')
        if kind not in NETWORK_TYPES:
            return
        carried = props.get('physical_network')
        if kind in PHYSICAL and carried is None:
            yield f'physical_network must be given for network type {kind}.'
        if kind not in PHYSICAL and carried is not None:
            yield f'physical_network is prohibited for network type {kind}.'
        if kind not in LARGEST and number is not None:
            yield f'segmentation_id is prohibited for network type {kind}.'
        if kind in LARGEST and isinstance(number, int) and number > LARGEST[kind]:
            yield f'segmentation_id of network type {kind} must be at most {LARGEST[kind]}, not {number}.'
