"""VPCs, subnets and network interfaces in the words of CloudFormation.

Purpose: AWS::EC2::VPC, AWS::EC2::Subnet and AWS::EC2::NetworkInterface.
Invariant: a VPC is a network with a main router of the same name, in which each
subnet has a leg until a route table takes its place. Neighbours: ``routing``
has route tables and gateways, ``openstack.neutron`` the behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from heat.model.op import Adopt, Call, CloudFault
from heat.resources.aws.parts import network_tags
from heat.resources.aws.translated import Translated
from heat.resources.base import Resource, Steps
from heat.resources.openstack.journal import made_since, once
from heat.resources.openstack.neutron import network, port
from heat.resources.openstack.neutron.router import Router
from heat.schema import IN_PLACE, Attr, Boolean, List, String

LEG = 'network:router_interface'


def main_routers(vpc: str) -> Steps:
    """Ids of the main router of a VPC: one, or none if it was taken away or the VPC is gone."""
    body = yield Call('network', 'GET', f'/networks/{vpc}', ok=(404,), unwrap='network', label='vpc')
    if body is None or not body.get('name'):
        return []
    return (yield from routers_named(body['name']))


def routers_named(name: str) -> Steps:
    listed = yield Call('network', 'GET', '/routers', query={'name': name}, unwrap='routers',
                        label='main router')
    return [one['id'] for one in listed]


def legs_of(subnet: str) -> Steps:
    """Ids of the routers that have a leg in the subnet."""
    listed = yield Call('network', 'GET', '/ports', unwrap='ports', label='legs',
                        query={'fixed_ips': f'subnet_id={subnet}', 'device_owner': LEG})
    return [one['device_id'] for one in listed]


def join(router: str, subnet: str) -> Steps:
    """Give the router a leg in the subnet, unless it has one."""
    try:
        yield Call('network', 'PUT', f'/routers/{router}/add_router_interface', {'subnet_id': subnet},
                   label=f'join {router}')
    except CloudFault as fault:
        # Refused because it is there: by a call whose answer was lost.
        if fault.status not in (400, 409) or router not in (yield from legs_of(subnet)):
            raise


def leave(router: str, subnet: str) -> Call:
    return Call('network', 'PUT', f'/routers/{router}/remove_router_interface', {'subnet_id': subnet},
                ok=(404,), label=f'leave {router}')


def router_of(resource: Resource, router: str) -> Router:
    """The behaviour of a router that is not the resource itself."""
    return Router(replace(resource.row, physical_id=router), {}, resource.around)


class VPC(Translated):
    """A network with a router that joins its subnets."""

    type = 'AWS::EC2::VPC'
    of = network.Net
    tags_in = 'Tags'

    class properties:
        CidrBlock = String('Block of addresses that its subnets divide; a note for people.',
                           wire='value_specs', encode=lambda block: {'description': f'VPC {block}'})
        InstanceTenancy = String('Not implemented.', values=['default', 'dedicated'], default='default',
                                 implemented=False, wire=None)
        Tags = network_tags()

    def create(self) -> Steps:
        answer = yield from super().create()
        name, recent = answer['name'], made_since(self, 'created_at')
        # The main router is found by its name, which is that of the network.
        made = yield Call('network', 'POST', '/routers', {'router': {'name': name}}, unwrap='router',
                          label='main router', adopt=Adopt(
                              '/routers', 'routers',
                              lambda found: found.get('name') == name and recent(found), {'name': name}))
        yield from router_of(self, made['id']).built(made)
        return answer

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        def look() -> Steps:
            body = yield Call('network', 'GET', f'/networks/{self.id}', ok=(404,), unwrap='network',
                              label='vpc')
            return (yield from routers_named((body or {}).get('name') or self.physical_name()))
        for router in (yield from once(self, 'main', look())):
            yield from router_of(self, router).delete()
        yield from super().delete()


class Subnet(Translated):
    """A part of a VPC's addresses."""

    type = 'AWS::EC2::Subnet'
    of = network.Subnet
    tags_in = 'Tags'

    class properties:
        AvailabilityZone = String('Told as an attribute; subnets have no zone here.', wire=None)
        CidrBlock = String('The block.', required=True, wire='cidr')
        VpcId = String('The VPC.', required=True, find='neutron.network', wire='network')
        Tags = network_tags()

    class attributes:
        AvailabilityZone = Attr('The zone that was given.', 'String')

    @classmethod
    def said(cls, props: Mapping[str, Any]) -> dict[str, Any]:
        said = super().said(props)
        return {**said, 'ip_version': 6 if ':' in said.get('cidr', '') else 4}

    def create(self) -> Steps:
        answer = yield from super().create()
        for router in (yield from once(self, 'main', main_routers(answer['network_id']))):
            yield from join(router, self.id)
        return answer

    def delete(self) -> Steps:
        if self.row.physical_id is not None:
            def look() -> Steps:
                body = yield Call('network', 'GET', f'/subnets/{self.id}', ok=(404,), unwrap='subnet',
                                  label='subnet')
                return [] if body is None else (yield from main_routers(body['network_id']))
            for router in (yield from once(self, 'main', look())):
                yield leave(router, self.id)
        yield from super().delete()

    def read(self, names: tuple[Any, ...]) -> Steps:
        found = yield from super().read(names)
        if 'AvailabilityZone' in found:
            found['AvailabilityZone'] = self.props.get('AvailabilityZone')
        return found


class NetworkInterface(Translated):
    """A connection to a subnet, which an instance may take."""

    type = 'AWS::EC2::NetworkInterface'
    of = port.Port
    tags_in = 'Tags'
    found = ('network',)

    class properties:
        Description = String('Description.', wire='value_specs', encode=lambda text: {'description': text})
        GroupSet = List('Ids of its security groups.', wire='security_groups', update=IN_PLACE)
        PrivateIpAddress = String('A certain address of the subnet.', wire=None)
        SourceDestCheck = Boolean('Not implemented.', implemented=False, wire=None)
        SubnetId = String('The subnet.', required=True, is_a='neutron.subnet', wire=None)
        Tags = network_tags()

    class attributes:
        PrivateIpAddress = Attr('Its address.', 'String',
                                get=lambda body: body['fixed_ips'][0]['ip_address'])

    @classmethod
    def said(cls, props: Mapping[str, Any]) -> dict[str, Any]:
        address = {'subnet': props.get('SubnetId'), 'ip_address': props.get('PrivateIpAddress')}
        return {**super().said(props),
                'fixed_ips': [{name: value for name, value in address.items() if value is not None}]}

    def create(self) -> Steps:
        subnet = yield Call('network', 'GET', f'/subnets/{self.props["SubnetId"]}', unwrap='subnet',
                            label='subnet')
        self.inner.props['network'] = subnet['network_id']
        return (yield from super().create())
