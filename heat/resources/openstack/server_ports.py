"""The ports that are made for a server's interfaces: their creation, and what changes of them in place.

Purpose: one interface's port in the network service. Invariant: a port made here is
named after the server's row and written down on the row; a change asks for
what the port does not have yet, so that it may be asked for again.
Neighbours: ``server_networks`` says which interface needs what.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat import schema
from heat.model.op import Adopt, Call, Record
from heat.resources.base import Resource, Steps
from heat.resources.openstack.journal import made_since, once
from heat.resources.openstack.neutron.port import extra_options
from heat.resources.openstack.neutron.rest import BEGINNINGS, security_group_ids
from heat.resources.rest import alike

PORTS = 'internal_ports'
EXTRA = extra_options()
# How a port is as long as nothing else is said.
FIRST = {**BEGINNINGS, 'allowed_address_pairs': [], 'binding:vnic_type': 'normal'}
Nic = Mapping[str, Any]


def needs_port(nic: Nic) -> bool:
    """Whether the interface wants more than the compute service can ask of the network service."""
    return not nic.get('port') and any(
        nic.get(name) for name in ('subnet', 'port_extra_properties', 'floating_ip'))


def port_name(server: Resource, number: int | str) -> str:
    return f'{server.physical_name()}-port-{number}'


def make_port(server: Resource, nic: Nic, name: str) -> Steps:
    """The id of a new port for ``nic``, kept on the row."""
    network = nic.get('network')
    if network is None:
        subnet = yield Call('network', 'GET', f'/subnets/{nic["subnet"]}', unwrap='subnet', label='subnet')
        network = subnet['network_id']
    body: dict[str, Any] = {'name': name, 'network_id': network}
    address = {key: value for key, value in (('subnet_id', nic.get('subnet')),
                                             ('ip_address', nic.get('fixed_ip'))) if value}
    if address:
        body['fixed_ips'] = [address]
    extra = nic.get('port_extra_properties') or {}
    body.update(schema.wire(EXTRA, extra))
    body.update(extra.get('value_specs') or {})
    if extra.get('no_fixed_ips'):
        body['fixed_ips'] = []
    groups = server.props.get('security_groups')
    if groups and extra.get('port_security_enabled') is not False:
        body['security_groups'] = yield from security_group_ids(groups)
    recent = made_since(server, 'created_at')
    adopt = Adopt('/ports', 'ports', lambda found: found.get('name') == name and recent(found),
                  {'name': name})
    made = yield Call('network', 'POST', '/ports', {'port': body}, unwrap='port', label=f'port {name}',
                      adopt=adopt)
    kept = [one for one in server.row.data.get(PORTS) or () if one['id'] != made['id']]
    yield Record(data={PORTS: [*kept, {'id': made['id'], 'nic': dict(nic)}]})
    return made['id']


# -- changes -------------------------------------------------------------------------------------


def extra_of(nic: Nic) -> Mapping[str, Any]:
    return nic.get('port_extra_properties') or {}


def stays(old: Nic, new: Nic) -> bool:
    """Whether the port of ``old`` can be given the options of ``new`` while the server uses it."""
    before, after = extra_of(old), extra_of(new)
    if before.get('no_fixed_ips') and not after.get('no_fixed_ips'):
        # Only a new port is given whatever address is free.
        return False
    # The address of a card in use is refused to be changed; if none is asked for, any will do.
    return after.get('mac_address') in (None, before.get('mac_address'))


def reshape(server: Resource, port: str, old: Nic, new: Nic) -> Steps:
    """Give the port of an interface the options of ``new``."""
    wanted = _options(old, new)
    if not wanted:
        return

    def look() -> Steps:
        body = yield Call('network', 'GET', f'/ports/{port}', unwrap='port', label=f'look at {port}')
        return {name: body[name] for name in (*wanted, 'allowed_address_pairs') if name in body}
    there = yield from once(server, f'port {port}', look())
    body = {name: value for name, value in wanted.items()
            if name not in there or not alike(value, there[name])}
    secured = body.get('port_security_enabled')
    if secured is False:
        # The service refuses to open a port that something filters still.
        body.setdefault('security_groups', [])
        if there.get('allowed_address_pairs'):
            body.setdefault('allowed_address_pairs', [])
    elif secured:
        groups = server.props.get('security_groups') or ['default']
        body.setdefault('security_groups', (yield from security_group_ids(groups)))
    if body:
        yield Call('network', 'PUT', f'/ports/{port}', {'port': body}, label=f'change {port}')


def _options(old: Nic, new: Nic) -> dict[str, Any]:
    """The port's attributes for ``new``; what only ``old`` says is as at the beginning."""
    before, after = extra_of(old), extra_of(new)
    wanted = {**{name: FIRST.get(name) for name in schema.wire(EXTRA, before)},
              **schema.wire(EXTRA, after), **(after.get('value_specs') or {})}
    wanted.pop('mac_address', None)
    if after.get('no_fixed_ips'):
        wanted['fixed_ips'] = []
    return wanted
