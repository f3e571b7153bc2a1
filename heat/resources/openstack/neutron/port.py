"""Ports.

Purpose: OS::Neutron::Port. Invariant: no address list means the service's
choice, no_fixed_ips means none; no group list means the default group, an empty
one none. Neighbours: ``rest``; compute makes ports of its own by the same keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.model.op import Call, Record
from heat.model.resource import Row
from heat.resources.base import Diff, Steps
from heat.resources.openstack.neutron.rest import Neutron, named, security_group_ids, subnets_of
from heat.schema import IN_PLACE, Attr, Boolean, List, Map, Property, String, Support, deprecated, hidden
from heat.template.definition import Definition

VNIC_TYPES = ['normal', 'direct', 'macvtap', 'direct-physical', 'baremetal', 'virtio-forwarder', 'smart-nic']


def extra_options() -> dict[str, Property]:
    """The options a port has wherever it is declared: here and in a server's networks."""
    return {
        'value_specs': Map('More attributes for the request.', default={}, wire=None, update=IN_PLACE),
        'admin_state_up': Boolean('Whether it is switched on.', default=True, update=IN_PLACE),
        'mac_address': String('Hardware address.', check='mac_addr'),
        'allowed_address_pairs': List('More addresses that may pass.', update=IN_PLACE, of=Map(
            mac_address=String('Hardware address.', check='mac_addr'),
            ip_address=String('Address or block.', required=True, check='ip_or_cidr'))),
        'binding:vnic_type': String('Kind of virtual card.', values=VNIC_TYPES, default='normal',
                                    update=IN_PLACE, support=Support(version='2015.1')),
        'port_security_enabled': Boolean('Whether it is filtered.', update=IN_PLACE,
                                         support=Support(version='5.0.0')),
        'qos_policy': String('Quality of service.', is_a='neutron.qos_policy', wire='qos_policy_id',
                             update=IN_PLACE, support=Support(version='6.0.0')),
        'propagate_uplink_status': Boolean('Whether it shows the state of its uplink.', update=IN_PLACE,
                                           support=Support(version='15.0.0')),
        'no_fixed_ips': Boolean('Whether it has no address.', default=False, wire=None, update=IN_PLACE,
                                support=Support(version='16.0.0')),
    }


def _network_info(body: Mapping[str, Any]) -> Any:
    return body.get('network')


class Port(Neutron):
    """A connection to a network."""

    type = 'OS::Neutron::Port'
    path, key = '/ports', 'port'
    ready = ('ACTIVE', 'DOWN')

    class properties:
        network = String('Network it connects to.', required=True, is_a='neutron.network', wire='network_id',
                         support=Support(version='2014.2'))
        network_id = String('Network it connects to.', check='neutron.network', replaced_by='network',
                            support=hidden('5.0.0', deprecated('2014.2', 'Use property network.')))
        device_id = String('Device that uses it.', default='', update=IN_PLACE)
        device_owner = String('What kind of device uses it.', default='', update=IN_PLACE)
        fixed_ips = List('Its addresses.', update=IN_PLACE, of=Map(
            subnet_id=String('Subnet of the address.', check='neutron.subnet', replaced_by='subnet',
                             support=hidden('5.0.0', deprecated('2014.2 ', 'Use property subnet.'))),
            subnet=String('Subnet of the address.', is_a='neutron.subnet', wire='subnet_id',
                          support=Support(version='2014.2')),
            ip_address=String('The address.', check='ip_addr')))
        name = String('Name.', update=IN_PLACE)
        security_groups = List('Names or ids of security groups.', wire=None, update=IN_PLACE)
        replacement_policy = String(
            'Whether any change makes a new port.', values=['REPLACE_ALWAYS', 'AUTO'], default='AUTO',
            wire=None, update=IN_PLACE, support=hidden(
                '9.0.0', deprecated('6.0.0', 'Replacement is decided by what changes.', since='2014.2')))
        dns_name = String('Name in the DNS.', check='dns_name', update=IN_PLACE,
                          support=Support(version='7.0.0'))
        tags = List('Tags.', of=String(), wire=None, update=IN_PLACE, support=Support(version='9.0.0'))
        extra = extra_options()

    class attributes:
        admin_state_up = Attr('Whether it is switched on.', 'String')
        device_id = Attr('Device that uses it.', 'String')
        device_owner = Attr('What kind of device uses it.', 'String')
        fixed_ips = Attr('Its addresses.', 'List')
        mac_address = Attr('Hardware address.', 'String')
        name = Attr('Name.', 'String')
        network_id = Attr('Network it connects to.', 'String')
        security_groups = Attr('Ids of its security groups.', 'List')
        status = Attr('Current status.', 'String')
        tenant_id = Attr('Project that owns it.', 'String')
        allowed_address_pairs = Attr('More addresses that may pass.', 'List')
        subnets = Attr('Subnets of its addresses.', 'List')
        port_security_enabled = Attr('Whether it is filtered.', 'Boolean', support=Support(version='5.0.0'))
        qos_policy_id = Attr('Its quality of service.', 'String', support=Support(version='6.0.0'))
        dns_assignment = Attr('Its names in the DNS.', 'Map', support=Support(version='7.0.0'))
        network = Attr('The network it connects to.', 'Map', get=_network_info,
                       support=Support(version='11.0.0'))
        propagate_uplink_status = Attr('Whether it shows the state of its uplink.', 'Boolean',
                                       support=Support(version='15.0.0'))

    releases = True

    @classmethod
    def before(cls, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        return subnets_of(named(definition, 'network', 'network_id'), others)

    @classmethod
    def wants_replacement(cls, row: Row, new: Mapping[str, Any], changed: frozenset[str]) -> bool:
        return new.get('replacement_policy') == 'REPLACE_ALWAYS'

    def prepare(self, body: dict[str, Any], props: Mapping[str, Any], diff: Diff | None = None) -> Steps:
        if props.get('no_fixed_ips'):
            if diff is None or 'no_fixed_ips' in diff or 'fixed_ips' in diff:
                body['fixed_ips'] = []
        elif not body.get('fixed_ips'):
            # An empty list has always meant "as the service likes", and at an update "as it is".
            body.pop('fixed_ips', None)
        if 'allowed_address_pairs' in body:
            body['allowed_address_pairs'] = body['allowed_address_pairs'] or []
        groups = props.get('security_groups')
        if groups is not None and (diff is None or 'security_groups' in diff):
            body['security_groups'] = yield from security_group_ids(groups)
        elif diff is not None and 'security_groups' in diff:
            body['security_groups'] = yield from security_group_ids(['default'])
        return body

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from super().update(new, diff)
        if diff:
            yield self.until(*self.ready)

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        # Without a word about it, the port is whoever's came to use it.
        return {name: value for name, value in super().differences(body).items()
                if name not in ('device_id', 'device_owner') or self.props.get(name)}

    def release(self) -> Steps:
        """Give the addresses up, so that the next port may have the same."""
        body = yield self.get()
        if self.props.get('fixed_ips'):
            yield Record(data={'fixed_ips': body.get('fixed_ips') or []})
            yield self.put({'fixed_ips': []}, 'release')

    def restore(self) -> Steps:
        kept = self.row.data.get('fixed_ips') or []
        for one in kept:
            wanted = f'ip_address={one["ip_address"]}'
            holders = yield self.listing('/ports', 'ports', fixed_ips=wanted)
            for holder in holders:
                if holder['id'] != self.id:
                    yield Call('network', 'PUT', f'/ports/{holder["id"]}', {'port': {'fixed_ips': []}},
                               label=f'release {holder["id"]}')
        if kept:
            yield self.put({'fixed_ips': kept}, 'restore')

    def read(self, names: tuple[Any, ...]) -> Steps:
        # A device may have come to the port since the step's last answer.
        body = yield self.get()
        self.seen = body
        found = yield from super().read(names)
        if 'subnets' in names:
            ids = list(dict.fromkeys(one['subnet_id'] for one in body.get('fixed_ips') or ()))
            found['subnets'] = (yield self.listing('/subnets', 'subnets', id=ids)) if ids else []
        if 'network' in names:
            network = yield Call('network', 'GET', f'/networks/{body["network_id"]}', unwrap='network',
                                 label='network')
            subnets = yield self.listing('/subnets', 'subnets', network_id=network['id'])
            found['network'] = {**network, 'subnets': subnets}
        return found
