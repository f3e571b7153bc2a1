"""AWS::EC2::Route: where a route table sends what is for a destination.

Purpose: to the internet gateway, which is the router's own way outside, or to an instance or network
interface, by a static route of the router. Invariant: adding and removing a static route twice is as
once, so nothing need be looked for after a lost answer. Neighbours: ``routing`` has the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import Call, Record, StepFailed
from heat.resources.aws.addresses import external_network, port_of
from heat.resources.aws.routing import SubnetRouteTableAssociation, gateway
from heat.resources.base import Resource, Steps
from heat.resources.openstack.journal import once
from heat.resources.openstack.neutron.rest import named, same_thing
from heat.schema import String
from heat.template.definition import Definition

ANYWHERE = '0.0.0.0/0'
TARGETS = ('GatewayId', 'InstanceId', 'NetworkInterfaceId')


class Route(Resource):
    """A route of a route table."""

    type = 'AWS::EC2::Route'
    service = 'network'

    class properties:
        RouteTableId = String('The route table.', required=True, find='neutron.router')
        DestinationCidrBlock = String('What is sent there.', required=True, check='net_cidr')
        GatewayId = String('The internet gateway, which takes what is for anywhere.')
        InstanceId = String('The instance that takes it, at its first network interface.',
                            check='nova.server')
        NetworkInterfaceId = String('The network interface that takes it, at its first address.',
                                    find='neutron.port')

    @classmethod
    def before(cls, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        """A router knows the way to an address only once it is in the address's subnet."""
        table = named(definition, 'RouteTableId')
        return frozenset(name for name, other in others.items()
                         if other.type == SubnetRouteTableAssociation.type
                         and same_thing(table, named(other, 'RouteTableId')))

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        given = [name for name in TARGETS if props.get(name) is not None]
        if len(given) != 1:
            yield f'Exactly one of {", ".join(TARGETS)} must be specified.'
        destination = props.get('DestinationCidrBlock')
        if given == ['GatewayId'] and isinstance(destination, str) and destination != ANYWHERE:
            yield f'Only what is for {ANYWHERE} can be sent to an internet gateway.'

    def create(self) -> Steps:
        table = self.props['RouteTableId']
        if self.props.get('GatewayId') is not None:
            yield Record(physical_id=self.physical_name(), data={'table': table})
            outside = yield from once(self, 'outside', external_network())
            yield gateway(table, outside)
            return
        route = {'destination': self.props['DestinationCidrBlock'],
                 'nexthop': (yield from once(self, 'hop', self._hop()))}
        yield Record(physical_id=self.physical_name(), data={'table': table, 'route': route})
        yield _change('add', table, route)

    def delete(self) -> Steps:
        # The way outside is taken away with the gateway, and from all tables.
        if self.row.data.get('route'):
            yield _change('remove', self.row.data['table'], self.row.data['route'])

    def _hop(self) -> Steps:
        port = self.props.get('NetworkInterfaceId') or (yield from port_of(self.props['InstanceId']))
        found = yield Call('network', 'GET', f'/ports/{port}', unwrap='port', label='port')
        if not found['fixed_ips']:
            raise StepFailed(f'Network interface {port} has no address for a route to lead to.', 'NotFound')
        return found['fixed_ips'][0]['ip_address']


def _change(how: str, table: str, route: Mapping[str, str]) -> Call:
    return Call('network', 'PUT', f'/routers/{table}/{how}_extraroutes',
                {'router': {'routes': [dict(route)]}},
                ok=(404,) if how == 'remove' else (), label=how)
