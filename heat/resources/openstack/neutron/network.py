"""Networks and subnets.

Purpose: OS::Neutron::Net and OS::Neutron::Subnet. Invariant: an empty
gateway_ip means no gateway, an absent one the service's choice. Neighbours:
``rest`` has what they share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.resources.base import Diff, Steps
from heat.resources.openstack.neutron.rest import Neutron
from heat.schema import (
    IN_PLACE,
    UNKNOWN,
    Attr,
    Boolean,
    Integer,
    List,
    Map,
    String,
    Support,
    deprecated,
    hidden,
)

MODES = ['dhcpv6-stateful', 'dhcpv6-stateless', 'slaac']


class Network(Neutron):
    """What all networks are."""

    path, key = '/networks', 'network'
    ready = ('ACTIVE', 'DOWN')
    blockers = 'network_id={id}'

    def read(self, names: tuple[Any, ...]) -> Steps:
        found = yield from super().read(names)
        if 'segments' in names:
            body = yield self.listing('/segments', 'segments', network_id=self.id)
            found['segments'] = body
        return found


class Net(Network):
    """A virtual network."""

    type = 'OS::Neutron::Net'

    class properties:
        name = String('Name.', update=IN_PLACE)
        value_specs = Map('More attributes for the request.', default={}, wire=None, update=IN_PLACE)
        admin_state_up = Boolean('Whether it is switched on.', default=True, update=IN_PLACE)
        tenant_id = String('Project that owns it; only administrators may name another.')
        shared = Boolean('Whether all projects may use it.', default=False, update=IN_PLACE)
        dhcp_agent_ids = List('Agents that serve its addresses.', wire=None, update=IN_PLACE)
        port_security_enabled = Boolean('Whether its ports are filtered.', update=IN_PLACE,
                                        support=Support(version='5.0.0'))
        qos_policy = String('Quality of service.', is_a='neutron.qos_policy', wire='qos_policy_id',
                            update=IN_PLACE, support=Support(version='6.0.0'))
        dns_domain = String('Domain of the names of its ports.', check='dns_domain', update=IN_PLACE,
                            support=Support(version='7.0.0'))
        availability_zone_hints = List('Where it should be placed.', support=Support(version='19.0.0'))
        tags = List('Tags.', of=String(), wire=None, update=IN_PLACE, support=Support(version='9.0.0'))

    class attributes:
        status = Attr('Current status.', 'String')
        name = Attr('Name.', 'String')
        subnets = Attr('Ids of its subnets.', 'List')
        admin_state_up = Attr('Whether it is switched on.', 'String')
        tenant_id = Attr('Project that owns it.', 'String')
        port_security_enabled = Attr('Whether its ports are filtered.', 'Boolean',
                                     support=Support(version='5.0.0'))
        mtu = Attr('Largest packet in bytes.', 'Integer', support=Support(version='5.0.0'))
        qos_policy_id = Attr('Its quality of service.', 'String', support=Support(version='6.0.0'))
        l2_adjacency = Attr('Whether all of it is one broadcast domain.', 'Boolean',
                            support=Support(version='9.0.0'))
        segments = Attr('Its segments.', 'List', support=Support(version='11.0.0'))

    def create(self) -> Steps:
        answer = yield from super().create()
        if self.props.get('dhcp_agent_ids'):
            yield from self._serve(self.props['dhcp_agent_ids'])
        return answer

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from super().update(new, diff)
        if 'dhcp_agent_ids' in diff:
            yield from self._serve(new.get('dhcp_agent_ids') or [])

    def _serve(self, agents: list[str]) -> Steps:
        yield from self.to_agents(agents, 'dhcp-agents', 'dhcp-networks', {'network_id': self.id})


class Subnet(Neutron):
    """A block of addresses of a network."""

    type = 'OS::Neutron::Subnet'
    path, key = '/subnets', 'subnet'
    blockers = 'fixed_ips=subnet_id={id}'

    class properties:
        network = String('Network it belongs to.', required=True, is_a='neutron.network', wire='network_id',
                         support=Support(version='2014.2'))
        network_id = String('Network it belongs to.', check='neutron.network', replaced_by='network',
                            support=hidden('5.0.0', deprecated('2014.2', 'Use property network.')))
        subnetpool = String('Pool its block is taken from.', is_a='neutron.subnetpool', wire='subnetpool_id',
                            support=Support(version='6.0.0'))
        prefixlen = Integer('Length of the prefix taken from the pool.', range=(0, None),
                            support=Support(version='6.0.0'))
        cidr = String('The block.', check='net_cidr')
        value_specs = Map('More attributes for the request.', default={}, wire=None, update=IN_PLACE)
        name = String('Name.', update=IN_PLACE)
        ip_version = Integer('IP version.', values=[4, 6], default=4)
        dns_nameservers = List('Name servers given to its hosts.', default=[], update=IN_PLACE)
        gateway_ip = String('Address of the gateway; empty for none.', update=IN_PLACE)
        enable_dhcp = Boolean('Whether addresses are served by DHCP.', default=True, update=IN_PLACE)
        allocation_pools = List('Ranges that addresses are taken from.', update=IN_PLACE, of=Map(
            start=String('First address.', required=True, check='ip_addr'),
            end=String('Last address.', required=True, check='ip_addr')))
        tenant_id = String('Project that owns it; only administrators may name another.')
        host_routes = List('Routes given to its hosts.', update=IN_PLACE, of=Map(
            destination=String('Block to reach.', required=True, check='net_cidr'),
            nexthop=String('Through this address.', required=True, check='ip_addr')))
        ipv6_ra_mode = String('Who announces the router.', values=MODES, support=Support(version='2015.1'))
        ipv6_address_mode = String('How hosts get their addresses.', values=MODES,
                                   support=Support(version='2015.1'))
        segment = String('Segment it belongs to.', is_a='neutron.segment', wire='segment_id', update=IN_PLACE,
                         support=Support(version='11.0.0', previous=Support(version='9.0.0')))
        tags = List('Tags.', of=String(), wire=None, update=IN_PLACE, support=Support(version='9.0.0'))

    class attributes:
        name = Attr('Name.', 'String')
        network_id = Attr('Network it belongs to.', 'String')
        tenant_id = Attr('Project that owns it.', 'String')
        allocation_pools = Attr('Ranges that addresses are taken from.', 'List')
        gateway_ip = Attr('Address of the gateway.', 'String')
        host_routes = Attr('Routes given to its hosts.', 'List')
        ip_version = Attr('IP version.', 'String')
        cidr = Attr('The block.', 'String')
        dns_nameservers = Attr('Name servers given to its hosts.', 'List')
        enable_dhcp = Attr('Whether addresses are served by DHCP.', 'String')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        if props.get('cidr') is None and props.get('subnetpool') is None:
            yield 'At least one of the following properties must be specified: cidr, subnetpool.'
        if props.get('cidr') is not None and props.get('subnetpool') is not None:
            yield 'Cannot define the following properties at the same time: cidr, subnetpool.'
        if props.get('prefixlen') is not None and props.get('cidr') is not None:
            yield 'Cannot define the following properties at the same time: prefixlen, cidr.'
        announce, address = props.get('ipv6_ra_mode'), props.get('ipv6_address_mode')
        if (announce or address) and props.get('ip_version') == 4:
            yield 'ipv6_ra_mode and ipv6_address_mode are not supported for ipv4.'
        if announce and address and UNKNOWN not in (announce, address) and announce != address:
            yield 'When both ipv6_ra_mode and ipv6_address_mode are set, they must be equal.'
        if (announce or address) and props.get('enable_dhcp') is False:
            yield 'ipv6_ra_mode and ipv6_address_mode need enable_dhcp to be true.'

    def prepare(self, body: dict[str, Any], props: Mapping[str, Any], diff: Diff | None = None) -> Steps:
        yield from ()
        if body.get('gateway_ip') == '':
            body['gateway_ip'] = None
        if diff is not None:
            # The service knows no "as by default" for these: a list that is taken away becomes empty.
            for name in ('host_routes', 'dns_nameservers', 'allocation_pools'):
                if name in body and body[name] is None:
                    body[name] = []
        return body
