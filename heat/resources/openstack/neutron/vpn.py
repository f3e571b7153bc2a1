"""Virtual private networks between sites.

Purpose: OS::Neutron::IKEPolicy, IPsecPolicy, VPNService and IPsecSiteConnection.
Invariant: a VPN service comes after its router's legs and way out, and goes before
them. A service without connections is PENDING_CREATE in Neutron for as long as it
has none, so it is made when it is answered. Neighbours: ``rest`` has what they share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.model.op import CloudFault, NeedsReplacement
from heat.resources.base import Diff, Steps
from heat.resources.openstack.neutron.rest import Hosted, Neutron, named, same_thing
from heat.schema import (
    IN_PLACE,
    Attr,
    Boolean,
    Integer,
    List,
    Map,
    Property,
    String,
    Support,
    deprecated,
    hidden,
)
from heat.template.definition import Definition

EXTENSION = 'vpnaas'
INTEGRITY = ['sha1', 'sha256', 'sha384', 'sha512', 'aes-xcbc', 'aes-cmac']
CIPHERS = ['3des', 'aes-128', 'aes-192', 'aes-256',
           *(f'aes-{bits}-{mode}-{tag}' for mode in ('ccm', 'gcm') for tag in (8, 12, 16)
             for bits in (128, 192, 256)),
           *(f'aes-{bits}-ctr' for bits in (128, 192, 256))]
GROUPS = [f'group{number}' for number in (2, 5, *range(14, 32))]
# Types whose things a VPN service needs in place, with their properties that name the router.
ROUTERS_PARTS = {'OS::Neutron::RouterInterface': ('router', 'router_id'),
                 'OS::Neutron::RouterGateway': ('router', 'router_id')}


def _lifetime(**options: Any) -> Property:
    return Map('How long keys are used.', **options,
               units=String('Unit of the value.', default='seconds', values=['seconds', 'kilobytes']),
               value=Integer('Number of units.', default=3600))


class IKEPolicy(Neutron):
    """How two sites agree on keys."""

    type = 'OS::Neutron::IKEPolicy'
    path, key, plural = '/vpn/ikepolicies', 'ikepolicy', 'ikepolicies'
    extension = EXTENSION

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        auth_algorithm = String('Algorithm that authenticates.', default='sha1', values=INTEGRITY,
                                update=IN_PLACE)
        encryption_algorithm = String('Algorithm that encrypts.', default='aes-128', values=CIPHERS,
                                      update=IN_PLACE)
        phase1_negotiation_mode = String('Mode of the first phase.', default='main', values=['main'])
        lifetime = _lifetime(update=IN_PLACE)
        pfs = String('Group of the perfect forward secrecy.', default='group5', values=GROUPS,
                     update=IN_PLACE)
        ike_version = String('Version of the protocol.', default='v1', values=['v1', 'v2'], update=IN_PLACE)

    class attributes:
        auth_algorithm = Attr('Algorithm that authenticates.', 'String')
        description = Attr('Description.', 'String')
        encryption_algorithm = Attr('Algorithm that encrypts.', 'String')
        ike_version = Attr('Version of the protocol.', 'String')
        lifetime = Attr('How long keys are used.', 'Map')
        name = Attr('Name.', 'String')
        pfs = Attr('Group of the perfect forward secrecy.', 'String')
        phase1_negotiation_mode = Attr('Mode of the first phase.', 'String')
        tenant_id = Attr('Project that owns it.', 'String')

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        try:
            yield from super().update(new, diff)
        except CloudFault as fault:
            # Neutron changes no policy that a connection uses. What the ends agree on anew asks for another
            # policy, and so for another connection; what it is called is not worth that.
            if fault.status != 409 or set(diff) <= {'name', 'description'}:
                raise
            raise NeedsReplacement(fault.text()) from fault


class IPsecPolicy(Neutron):
    """How the traffic between two sites is protected."""

    type = 'OS::Neutron::IPsecPolicy'
    path, key, plural = '/vpn/ipsecpolicies', 'ipsecpolicy', 'ipsecpolicies'
    extension = EXTENSION

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        transform_protocol = String('Protocol.', default='esp', values=['esp', 'ah', 'ah-esp'])
        encapsulation_mode = String('What is wrapped up.', default='tunnel', values=['tunnel', 'transport'])
        auth_algorithm = String('Algorithm that authenticates.', default='sha1', values=INTEGRITY)
        encryption_algorithm = String('Algorithm that encrypts.', default='aes-128', values=CIPHERS)
        lifetime = _lifetime()
        pfs = String('Group of the perfect forward secrecy.', default='group5', values=GROUPS)

    class attributes:
        auth_algorithm = Attr('Algorithm that authenticates.', 'String')
        description = Attr('Description.', 'String')
        encapsulation_mode = Attr('What is wrapped up.', 'String')
        encryption_algorithm = Attr('Algorithm that encrypts.', 'String')
        lifetime = Attr('How long keys are used.', 'Map')
        name = Attr('Name.', 'String')
        pfs = Attr('Group of the perfect forward secrecy.', 'String')
        tenant_id = Attr('Project that owns it.', 'String')
        transform_protocol = Attr('Protocol.', 'String')


class VPNService(Hosted):
    """A router's end of virtual private networks."""

    type = 'OS::Neutron::VPNService'
    path, key = '/vpn/vpnservices', 'vpnservice'
    extension = EXTENSION

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        admin_state_up = Boolean('Whether it is switched on.', default=True, update=IN_PLACE)
        subnet_id = String('Subnet that is reached through it.', check='neutron.subnet',
                           replaced_by='subnet', support=hidden(
                               '5.0.0', deprecated('2014.2', 'Use property subnet.')))
        subnet = String('Subnet that is reached through it.', required=True, is_a='neutron.subnet',
                        wire='subnet_id', support=Support(version='2014.2'))
        router_id = String('Router that it is on.', check='neutron.router', replaced_by='router',
                           support=hidden('6.0.0', deprecated('2015.1', 'Use property router.',
                                                              since='2013.2')))
        router = String('Router that it is on, with a leg in the subnet and a gateway.', required=True,
                        is_a='neutron.router', wire='router_id', support=Support(version='2015.1'))

    class attributes:
        admin_state_up = Attr('Whether it is switched on.', 'String')
        description = Attr('Description.', 'String')
        name = Attr('Name.', 'String')
        router_id = Attr('Router that it is on.', 'String')
        status = Attr('Current status.', 'String')
        subnet_id = Attr('Subnet that is reached through it.', 'String')
        tenant_id = Attr('Project that owns it.', 'String')

    @classmethod
    def before(cls, name: str, definition: Definition,
               others: Mapping[str, Definition]) -> frozenset[str]:
        router = named(definition, 'router', 'router_id')
        return frozenset(one for one, other in others.items()
                         if other.type in ROUTERS_PARTS
                         and same_thing(router, named(other, *ROUTERS_PARTS[other.type])))


class IPsecSiteConnection(Hosted):
    """A connection to another site; DOWN until the other side answers."""

    type = 'OS::Neutron::IPsecSiteConnection'
    path, key = '/vpn/ipsec-site-connections', 'ipsec_site_connection'
    extension = EXTENSION
    ready = ('ACTIVE', 'DOWN')

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        peer_address = String('Address or name of the other end.', required=True)
        peer_id = String('How the other end calls itself.', required=True)
        peer_cidrs = List('Blocks behind the other end.', required=True, of=String(check='net_cidr'))
        mtu = Integer('Largest packet in bytes.', default=1500)
        dpd = Map('How a dead peer is found out, and what is done then.',
                  actions=String('What is done.', default='hold', wire='action',
                                 values=['clear', 'disabled', 'hold', 'restart', 'restart-by-peer']),
                  interval=Integer('Seconds between two questions.', default=30),
                  timeout=Integer('Seconds after which a silent peer is dead.', default=120))
        psk = String('Secret that both ends know.', required=True, secret=True)
        initiator = String('Who may begin.', default='bi-directional',
                           values=['bi-directional', 'response-only'])
        admin_state_up = Boolean('Whether it is switched on.', default=True, update=IN_PLACE)
        ikepolicy_id = String('Id of the IKE policy.', required=True)
        ipsecpolicy_id = String('Id of the IPsec policy.', required=True)
        vpnservice_id = String('Id of the VPN service.', required=True)

    class attributes:
        admin_state_up = Attr('Whether it is switched on.', 'String')
        auth_mode = Attr('How the ends authenticate each other.', 'String')
        description = Attr('Description.', 'String')
        dpd = Attr('How a dead peer is found out, and what is done then.', 'Map')
        ikepolicy_id = Attr('Id of the IKE policy.', 'String')
        initiator = Attr('Who may begin.', 'String')
        ipsecpolicy_id = Attr('Id of the IPsec policy.', 'String')
        mtu = Attr('Largest packet in bytes.', 'String')
        name = Attr('Name.', 'String')
        peer_address = Attr('Address or name of the other end.', 'String')
        peer_cidrs = Attr('Blocks behind the other end.', 'List')
        peer_id = Attr('How the other end calls itself.', 'String')
        psk = Attr('Secret that both ends know.', 'String')
        route_mode = Attr('How routes come about.', 'String')
        status = Attr('Current status.', 'String')
        tenant_id = Attr('Project that owns it.', 'String')
        vpnservice_id = Attr('Id of the VPN service.', 'String')


TYPES = (IKEPolicy, IPsecPolicy, VPNService, IPsecSiteConnection)
