"""Load balancers and what listens on them.

Purpose: OS::Octavia::LoadBalancer and OS::Octavia::Listener. Invariant: a
listener that is replaced by one on the same port goes first, since a load
balancer has a port once. Neighbours: ``rest`` has what they share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from heat.resources.base import Steps
from heat.resources.openstack.octavia.rest import Octavia, Single
from heat.schema import IN_PLACE, Attr, Boolean, Integer, List, String, Support


class LoadBalancer(Octavia):
    """Spreads what comes in at one address over many servers."""

    type = 'OS::Octavia::LoadBalancer'
    support = Support(version='10.0.0')
    path, key = '/lbaas/loadbalancers', 'loadbalancer'

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', default='', update=IN_PLACE)
        provider = String('Who carries it out.')
        vip_address = String('A certain address.', check='ip_addr')
        vip_subnet = String('Subnet of its address.', required=True, is_a='neutron.subnet',
                            wire='vip_subnet_id')
        admin_state_up = Boolean('Whether it is switched on.', default=True, update=IN_PLACE)
        tenant_id = String('Project that owns it; only administrators may name another.',
                           is_a='keystone.project', wire='project_id')
        flavor = String('Flavor of load balancer.', is_a='octavia.flavor', wire='flavor_id',
                        support=Support(version='14.0.0'))
        availability_zone = String('Zone it is in.', check='octavia.availabilityzone',
                                   support=Support(version='17.0.0'))

    class attributes:
        vip_address = Attr('Its address.', 'String')
        vip_port_id = Attr('Port of its address.', 'String')
        vip_subnet_id = Attr('Subnet of its address.', 'String')
        pools = Attr('Its pools.', 'List')
        flavor_id = Attr('Its flavor.', 'String')


class Listener(Single):
    """Takes connections at a port of a load balancer."""

    type = 'OS::Octavia::Listener'
    support = Support(version='10.0.0')
    path, key = '/lbaas/listeners', 'listener'
    beginnings: ClassVar[Mapping[str, Any]] = {
        **Octavia.beginnings, 'sni_container_refs': [], 'allowed_cidrs': []}

    class properties:
        protocol_port = Integer('Port.', required=True, range=(1, 65535))
        protocol = String('What is spoken there.', required=True,
                          values=['TCP', 'HTTP', 'HTTPS', 'TERMINATED_HTTPS', 'PROXY', 'UDP'])
        loadbalancer = String('The load balancer.', required=True, is_a='octavia.loadbalancer',
                              wire='loadbalancer_id')
        default_pool = String('Pool that gets what no policy sends elsewhere.', is_a='octavia.pool',
                              wire='default_pool_id', update=IN_PLACE)
        name = String('Name.', update=IN_PLACE)
        admin_state_up = Boolean('Whether it is switched on.', default=True, update=IN_PLACE)
        description = String('Description.', default='', update=IN_PLACE)
        default_tls_container_ref = String('Where its certificate is in the key manager.', update=IN_PLACE)
        sni_container_refs = List('Where certificates for other names are.', update=IN_PLACE)
        connection_limit = Integer('Connections at a time, -1 for any number.', default=-1, range=(-1, None),
                                   update=IN_PLACE)
        tenant_id = String('Project that owns it; only administrators may name another.', wire='project_id')
        allowed_cidrs = List('Blocks from which it may be reached.', update=IN_PLACE,
                             of=String(check='net_cidr'), support=Support(version='14.0.0'))

    class attributes:
        loadbalancers = Attr('The load balancers it belongs to.', 'List')
        default_pool_id = Attr('Its default pool.', 'String')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        if props.get('protocol') == 'TERMINATED_HTTPS' and props.get('default_tls_container_ref') is None:
            yield 'Property default_tls_container_ref is required when protocol is TERMINATED_HTTPS.'

    place = ('loadbalancer', 'protocol_port')

    def rivals(self) -> Steps:
        return (yield from self.listed(loadbalancer_id=self.props['loadbalancer'],
                                       protocol_port=self.props['protocol_port']))
