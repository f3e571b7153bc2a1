"""Where addresses come from: scopes and pools that subnets are cut out of.

Purpose: OS::Neutron::AddressScope and OS::Neutron::SubnetPool. Invariant: what
is taken away from a pool goes back to what the service takes without a word
about it. Neighbours: ``rest``; ``network`` has the subnets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from heat.resources.base import Diff, Steps
from heat.resources.openstack.neutron.rest import Neutron
from heat.schema import IN_PLACE, Boolean, Integer, List, String, Support


class AddressScope(Neutron):
    """A room in which addresses do not overlap and are routed without translation."""

    type = 'OS::Neutron::AddressScope'
    support = Support(version='6.0.0')
    extension = 'address-scope'
    path, key = '/address-scopes', 'address_scope'

    class properties:
        name = String('Name.', update=IN_PLACE)
        shared = Boolean('Whether all projects may use it; only administrators may say so.', default=False,
                         update=IN_PLACE)
        tenant_id = String('Project that owns it; only administrators may name another.',
                           is_a='keystone.project')
        ip_version = Integer('IP version.', values=[4, 6], default=4)


class SubnetPool(Neutron):
    """Blocks that subnets are taken from."""

    type = 'OS::Neutron::SubnetPool'
    support = Support(version='6.0.0')
    extension = 'subnet_allocation'
    path, key = '/subnetpools', 'subnetpool'

    class properties:
        name = String('Name.', update=IN_PLACE)
        prefixes = List('The blocks; later ones may be added, none taken away.', required=True,
                        length=(1, None), of=String(check='net_cidr'), update=IN_PLACE)
        address_scope = String('Address scope it belongs to.', is_a='neutron.address_scope',
                               wire='address_scope_id', update=IN_PLACE)
        default_quota = Integer('How much each project may take: addresses of IPv4, /64 blocks of IPv6.',
                                range=(0, None), update=IN_PLACE)
        default_prefixlen = Integer('Length of the prefix of a subnet that asks for none.', range=(0, None),
                                    update=IN_PLACE)
        min_prefixlen = Integer('Shortest prefix that may be taken.', range=(0, None), update=IN_PLACE)
        max_prefixlen = Integer('Longest prefix that may be taken.', range=(0, None), update=IN_PLACE)
        is_default = Boolean('Whether it is taken where none is named; only administrators may say so.',
                             default=False, update=IN_PLACE)
        tenant_id = String('Project that owns it; only administrators may name another.')
        shared = Boolean('Whether all projects may use it; only administrators may say so.', default=False)
        tags = List('Tags.', of=String(), wire=None, update=IN_PLACE, support=Support(version='9.0.0'))

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        known = [(name, props[name]) for name in ('min_prefixlen', 'default_prefixlen', 'max_prefixlen')
                 if isinstance(props.get(name), int)]
        for (low, least), (high, most) in pairwise(known):
            if least > most:
                yield f'{low} ({least}) must not be above {high} ({most}).'

    def prepare(self, body: dict[str, Any], props: Mapping[str, Any], diff: Diff | None = None) -> Steps:
        yield from ()
        if diff is None:
            return body
        shortest, longest = (64, 128) if ':' in props['prefixes'][0] else (8, 32)
        # No quota is null at first, but only 0 at an update.
        for name, value in (('min_prefixlen', shortest), ('max_prefixlen', longest), ('default_quota', 0)):
            if name in body and body[name] is None:
                body[name] = value
        if props.get('default_prefixlen') is None and {'default_prefixlen', 'min_prefixlen'} & set(body):
            # Without a word the default is the shortest.
            body['default_prefixlen'] = props.get('min_prefixlen') or shortest
        return body
