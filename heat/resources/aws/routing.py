"""Route tables and internet gateways in the words of CloudFormation.

Purpose: AWS::EC2::RouteTable, AWS::EC2::SubnetRouteTableAssociation,
AWS::EC2::InternetGateway and AWS::EC2::VPCGatewayAttachment. Invariant: the
cloud itself says what belongs together: a route table's router names its VPC in
its description, a VPC with a gateway has the tag GATEWAY. Neighbours: ``network``.
"""

from __future__ import annotations

from collections.abc import Mapping

from heat.model.op import Call, Record
from heat.resources.aws.addresses import external_network
from heat.resources.aws.network import join, leave, legs_of, main_routers
from heat.resources.aws.parts import network_tags, pairs
from heat.resources.aws.translated import Translated
from heat.resources.base import Resource, Steps
from heat.resources.openstack.journal import once
from heat.resources.openstack.neutron import router
from heat.resources.openstack.neutron.rest import named, same_thing
from heat.schema import String, Support
from heat.template.definition import Definition

GATEWAY = 'internet-gateway'


def table_of(vpc: str) -> str:
    """What the router of a route table says of itself."""
    return f'Route table of VPC {vpc}'


def gateway(router: str, network: str | None) -> Call:
    """Lead the router to the external network, or nowhere."""
    return Call('network', 'PUT', f'/routers/{router}', {'router': {
        'external_gateway_info': {'network_id': network} if network else {}}},
        ok=() if network else (404,), label=f'gateway of {router}')


class InternetGateway(Resource):
    """The way outside, as such; it is nothing in the cloud until it is attached."""

    type = 'AWS::EC2::InternetGateway'
    pure = True

    class properties:
        Tags = pairs('Names and values that describe it; kept with the stack alone.', implemented=False)


class RouteTable(Translated):
    """A router of a VPC, for the subnets that are associated with it."""

    type = 'AWS::EC2::RouteTable'
    of = router.Router
    tags_in = 'Tags'
    support = Support(version='2014.1')

    class properties:
        VpcId = String('The VPC.', required=True, find='neutron.network', wire='value_specs',
                       encode=lambda vpc: {'description': table_of(vpc)})
        Tags = network_tags()

    def create(self) -> Steps:
        answer = yield from super().create()

        def look() -> Steps:
            vpc = yield Call('network', 'GET', f'/networks/{self.props["VpcId"]}', unwrap='network',
                             label='vpc')
            return (yield from external_network()) if GATEWAY in (vpc.get('tags') or ()) else None
        outside = yield from once(self, 'outside', look())
        if outside is not None:
            # The gateway was attached before this table came.
            answer = (yield gateway(self.id, outside))['router']
        return answer


class VPCGatewayAttachment(Resource):
    """Leads the route tables of a VPC outside."""

    type = 'AWS::EC2::VPCGatewayAttachment'
    service = 'network'
    survives_failure = False

    class properties:
        InternetGatewayId = String('The internet gateway.')
        VpcId = String('The VPC.', required=True, find='neutron.network')
        VpnGatewayId = String('Not implemented.', implemented=False)

    @classmethod
    def before(cls, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        vpc = named(definition, 'VpcId')
        return frozenset(name for name, other in others.items() if other.type == RouteTable.type
                         and same_thing(vpc, named(other, 'VpcId')))

    def create(self) -> Steps:
        vpc = self.props['VpcId']
        yield Record(physical_id=self.physical_name(), data={'vpc': vpc})
        outside = yield from once(self, 'outside', external_network())
        yield Call('network', 'PUT', f'/networks/{vpc}/tags/{GATEWAY}', label='mark')
        for table in (yield from once(self, 'tables', _tables(vpc))):
            yield gateway(table, outside)

    def delete(self) -> Steps:
        vpc = self.row.data.get('vpc')
        if vpc is None:
            return
        yield Call('network', 'DELETE', f'/networks/{vpc}/tags/{GATEWAY}', ok=(404,), label='unmark')
        for table in (yield from once(self, 'tables', _tables(vpc))):
            yield gateway(table, None)


def _tables(vpc: str) -> Steps:
    listed = yield Call('network', 'GET', '/routers', query={'description': table_of(vpc)},
                        unwrap='routers', label='route tables')
    return [one['id'] for one in listed]


class SubnetRouteTableAssociation(Translated):
    """The place of a route table in a subnet, instead of the VPC's main router."""

    type = 'AWS::EC2::SubnetRouteTableAssociation'
    of = router.RouterInterface

    class properties:
        RouteTableId = String('The route table.', required=True, find='neutron.router', wire='router')
        SubnetId = String('The subnet.', required=True, is_a='neutron.subnet', wire='subnet')

    def create(self) -> Steps:
        table, subnet = self.props['RouteTableId'], self.props['SubnetId']
        yield Record(data={'subnet': subnet})
        for other in (yield from once(self, 'others', legs_of(subnet))):
            if other != table:
                yield leave(other, subnet)
        yield from super().create()

    def delete(self) -> Steps:
        yield from super().delete()
        subnet = self.row.data.get('subnet')
        if subnet is None:
            return

        def look() -> Steps:
            """The main router, if the subnet is there and has no other."""
            body = yield Call('network', 'GET', f'/subnets/{subnet}', ok=(404,), unwrap='subnet',
                              label='subnet')
            if body is None or (yield from legs_of(str(subnet))):
                return []
            return (yield from main_routers(body['network_id']))
        for main in (yield from once(self, 'main', look())):
            yield from join(main, str(subnet))
