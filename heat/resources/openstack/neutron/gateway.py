"""Gateways between virtual networks and physical ones, of plugins that have them.

Purpose: OS::Neutron::NetworkGateway. Invariant: its connections are kept with
the row under the ids of their networks, and are let go before it goes.
Neighbours: ``rest``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import Call, CloudFault
from heat.resources.base import Diff, Steps
from heat.resources.openstack.journal import repeated
from heat.resources.openstack.neutron.rest import Neutron
from heat.schema import IN_PLACE, Attr, Integer, List, Map, String, Support, deprecated, hidden


class NetworkGateway(Neutron):
    """A gateway of devices with connections to networks."""

    type = 'OS::Neutron::NetworkGateway'
    support = Support(version='2014.1')
    late_extension = 'network-gateway'
    path, key = '/network-gateways', 'network_gateway'

    class properties:
        name = String('Name.', update=IN_PLACE)
        devices = List('The devices it is made of.', required=True, length=(1, None), update=IN_PLACE, of=Map(
            id=String('Id of the device.', required=True),
            interface_name=String('Its interface.', required=True)))
        connections = List('The networks it is connected to.', default={}, wire=None, update=IN_PLACE, of=Map(
            network_id=String('The network.', check='neutron.network', replaced_by='network',
                              support=hidden('5.0.0', deprecated('2014.2', 'Use property network.'))),
            network=String('The network.', required=True, is_a='neutron.network', wire='network_id',
                           support=Support(version='2014.2')),
            segmentation_type=String('How its packets are told from others there.', values=['flat', 'vlan'],
                                     default='flat'),
            segmentation_id=Integer('By this number.', range=(0, 4094))))

    class attributes:
        default = Attr('Whether it is the default one.', 'String')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        connections = props.get('connections')
        for one in connections if isinstance(connections, list) else ():
            if not isinstance(one, Mapping):
                continue
            kind, number = one.get('segmentation_type'), one.get('segmentation_id')
            if kind == 'vlan' and number is None:
                yield 'segmentation_id must be given for segmentation_type vlan.'
            if kind == 'flat' and number:
                yield 'segmentation_id is prohibited for segmentation_type flat.'

    def create(self) -> Steps:
        answer = yield from super().create()
        yield from self._connect(self._wired(self.props))
        return answer

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from super().update(new, diff)
        if 'connections' in diff:
            before, after = self._wired(diff.old), self._wired(new)
            yield from self._disconnect([one for one in before if one not in after])
            yield from self._connect([one for one in after if one not in before])

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        yield from self._disconnect(self.row.data.get('connections') or [])
        yield from super().delete()

    @staticmethod
    def _wired(props: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{'network_id' if name == 'network' else name: value
                 for name, value in one.items() if value is not None}
                for one in props.get('connections') or ()]

    def _connect(self, connections: list[dict[str, Any]]) -> Steps:
        kept = list(self.row.data.get('connections') or [])
        for one in connections:
            label = f'connect {one["network_id"]}'
            # Kept with the intent: a deletion after a crash lets go of what may be connected.
            kept = [*(other for other in kept if other != one), one]
            yield self.keep(connections=kept)
            again = repeated(self, label)
            try:
                yield Call('network', 'PUT', self.url('/connect_network'), one, label=label)
            except CloudFault as fault:
                if fault.status != 409 or not again:
                    raise

    def _disconnect(self, connections: list[dict[str, Any]]) -> Steps:
        for one in connections:
            yield Call('network', 'PUT', self.url('/disconnect_network'), one, ok=(404,),
                       label=f'disconnect {one["network_id"]}')
            yield self.keep(connections=[other for other in self.row.data.get('connections') or []
                                         if other != one])
