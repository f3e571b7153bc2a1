"""Ports: addresses, security groups, binding, and what hangs on them.

Purpose: the one place where a port is made, changed or removed, for clients,
routers, floating IPs and servers alike. Invariant: every fixed IP is taken in
``AddressPlan`` exactly while its port exists. Neighbours: ``compute`` makes and
binds ports of servers, ``routers`` those of routers.
"""

from __future__ import annotations

import hashlib
from typing import Any

from heat.simcloud import secgroups
from heat.simcloud.addresses import address, prefix
from heat.simcloud.netrows import KINDS, body, fill, found, listing, save, shown
from heat.simcloud.routing import Call, Fault, Reply, Row

PORT = KINDS['ports']
ROUTER_OWNERS = ('network:router_interface', 'network:router_gateway', 'network:floatingip')


def fixed_ips(call: Call, network_id: str, wanted: Any) -> list[Row]:
    """Take the addresses asked for, or one of the first IPv4 (and IPv6) subnet. All or nothing."""
    subnets = call.inv.subnets.where('network_id', network_id)
    if wanted is None:
        chosen = {subnet['ip_version']: subnet for subnet in reversed(subnets)}
        wanted = [{'subnet_id': chosen[version]['id']} for version in sorted(chosen)]
    taken: list[Row] = []
    try:
        for item in wanted:
            subnet = _subnet_of(subnets, network_id, item)
            taken.append(
                {
                    'subnet_id': subnet['id'],
                    'ip_address': call.cloud.addresses.take(subnet, item.get('ip_address')),
                }
            )
    except Fault:
        release(call, taken)
        raise
    return taken


def _subnet_of(subnets: list[Row], network_id: str, item: Row) -> Row:
    if item.get('subnet_id'):
        for subnet in subnets:
            if subnet['id'] == item['subnet_id']:
                return subnet
        raise Fault(
            400,
            f'Invalid input for operation: Failed to create port on network {network_id}, because '
            f'fixed_ips included invalid subnet {item["subnet_id"]}.',
            'InvalidInput',
        )
    if not item.get('ip_address'):
        raise Fault(
            400,
            'Invalid input for operation: IP allocation requires subnet_id or ip_address.',
            'InvalidInput',
        )
    for subnet in subnets:
        if address(item['ip_address']) in prefix(subnet['cidr']):
            return subnet
    raise Fault(
        400,
        f'IP address {item["ip_address"]} is not a valid IP for any of the subnets on the specified network.',
        'InvalidIpForNetwork',
    )


def release(call: Call, taken: list[Row]) -> None:
    for fixed in taken:
        call.cloud.addresses.give_back(fixed['subnet_id'], fixed['ip_address'])


def new_port(call: Call, wanted: Row) -> Row:
    """Make a port from checked attributes (``network_id``, ``project_id``, ...). Fault 400, 404 or 409."""
    network = found(call, 'networks', wanted.get('network_id'))
    quota = call.cloud.settings.quota_ports
    if quota and len(call.inv.ports.where('project_id', wanted['project_id'])) >= quota:
        raise Fault(409, "Quota exceeded for resources: ['port'].", 'OverQuota')
    port = fill(call, PORT, wanted)
    owner = port['device_owner']
    if port['port_security_enabled'] is None:
        port['port_security_enabled'] = network['port_security_enabled'] and not owner.startswith('network:')
    if port['security_groups'] and not port['port_security_enabled']:
        raise Fault(
            409,
            'Port Security must be enabled and port must have an IP address in order to use security groups.',
            'PortSecurityAndIPRequiredForSecurityGroups',
        )
    if port['security_groups'] is None:
        port['security_groups'] = (
            []
            if not port['port_security_enabled']
            else [secgroups.default_group(call, port['project_id'])['id']]
        )
    _check_groups(call, port['security_groups'])
    port['mac_address'] = port['mac_address'] or mac(port['id'])
    port['fixed_ips'] = fixed_ips(call, network['id'], port['fixed_ips'])
    _addresses(port)
    port['status'] = 'ACTIVE' if owner.startswith('network:router') else 'N/A' if owner else 'DOWN'
    port['binding:vif_type'] = 'ovs' if port['binding:host_id'] else 'unbound'
    return call.inv.ports.put(port)


def _check_groups(call: Call, groups: list[str]) -> None:
    for group in groups:
        found(call, 'security_groups', group)


def _addresses(port: Row) -> None:
    for pair in port['allowed_address_pairs']:
        pair.setdefault('mac_address', port['mac_address'])
    port['dns_assignment'] = [
        {
            'ip_address': fixed['ip_address'],
            'hostname': port['dns_name'] or 'host-' + fixed['ip_address'].replace('.', '-').replace(':', '-'),
            'fqdn': '',
        }
        for fixed in port['fixed_ips']
    ]
    for item in port['dns_assignment']:
        item['fqdn'] = f'{item["hostname"]}.openstacklocal.'


def mac(port_id: str) -> str:
    digits = hashlib.sha256(port_id.encode()).hexdigest()
    return f'fa:16:3e:{digits[:2]}:{digits[2:4]}:{digits[4:6]}'


def touch_device(call: Call, device_id: str) -> None:
    """A port of this server changed: its addresses are to be composed again."""
    server = call.inv.servers.get(device_id)
    if server is not None:
        server['_addresses'] = None


def change_port(call: Call, port: Row, wanted: Row) -> Row:
    """Apply checked attributes to a port. Fault 400, 404 or 409."""
    if wanted.get('security_groups') is not None:
        _check_groups(call, wanted['security_groups'])
    enabled = wanted.get('port_security_enabled', port['port_security_enabled'])
    if not enabled and wanted.get('security_groups', port['security_groups']):
        raise Fault(
            409,
            'Port Security must be enabled in order to use security groups.',
            'PortSecurityPortHasSecurityGroup',
        )
    touch_device(call, port['device_id'])
    if wanted.get('fixed_ips') is not None:
        keep: list[Row] = []
        fresh: list[Row] = []
        for item in wanted['fixed_ips']:
            same = next(
                (
                    fixed
                    for fixed in port['fixed_ips']
                    if fixed not in keep
                    and item.get('subnet_id', fixed['subnet_id']) == fixed['subnet_id']
                    and item.get('ip_address', fixed['ip_address']) == fixed['ip_address']
                ),
                None,
            )
            (keep if same else fresh).append(same or item)
        added = fixed_ips(call, port['network_id'], fresh)
        release(call, [fixed for fixed in port['fixed_ips'] if fixed not in keep])
        wanted = {**wanted, 'fixed_ips': keep + added}
    save(call, PORT, port, {key: value for key, value in wanted.items() if value is not None})
    _addresses(port)
    if 'binding:host_id' in wanted:
        port['binding:vif_type'] = 'ovs' if port['binding:host_id'] else 'unbound'
    touch_device(call, port['device_id'])
    return port


def remove_port(call: Call, port: Row) -> None:
    """Drop the port, its addresses, and its floating IPs' association."""
    touch_device(call, port['device_id'])
    for floating in call.inv.floatingips.where('port_id', port['id']):
        save(
            call,
            KINDS['floatingips'],
            floating,
            {'port_id': None, 'fixed_ip_address': None, 'router_id': None, 'status': 'DOWN'},
        )
    release(call, port['fixed_ips'])
    call.inv.ports.drop(port['id'])


def list_ports(call: Call) -> Reply:
    return listing(call, 'ports')


def create_port(call: Call) -> Reply:
    wanted = body(call, PORT, 'POST')
    if not wanted.get('network_id'):
        raise Fault(
            400, "Failed to parse request. Required attribute 'network_id' not specified", 'HTTPBadRequest'
        )
    return Reply(201, {'port': shown(call, new_port(call, wanted))})


def create_ports(call: Call) -> Reply:
    """Bulk and single creation share the path."""
    data = call.json()
    if not isinstance(data, dict) or 'ports' not in data:
        return create_port(call)
    made: list[Row] = []
    try:
        for item in data['ports']:
            call.request.json = {'port': item}
            wanted = body(call, PORT, 'POST')
            made.append(new_port(call, wanted))
    except Fault:
        for port in made:
            remove_port(call, port)
        raise
    return Reply(201, {'ports': [shown(call, port) for port in made]})


def get_port(call: Call) -> Reply:
    return Reply(200, {'port': shown(call, found(call, 'ports', call.args['id']))})


def update_port(call: Call) -> Reply:
    port = found(call, 'ports', call.args['id'], owned=True)
    return Reply(200, {'port': shown(call, change_port(call, port, body(call, PORT, 'PUT')))})


def delete_port(call: Call) -> Reply:
    port = found(call, 'ports', call.args['id'], owned=True)
    if port['device_owner'] in ROUTER_OWNERS:
        raise Fault(
            409,
            f'Port {port["id"]} cannot be deleted directly via the port API: has device owner '
            f'{port["device_owner"]}.',
            'ServicePortInUse',
        )
    remove_port(call, port)
    return Reply(204)


ROUTES = [
    ('GET', '/v2.0/ports', list_ports),
    ('POST', '/v2.0/ports', create_ports),
    ('GET', '/v2.0/ports/{id}', get_port),
    ('PUT', '/v2.0/ports/{id}', update_port),
    ('DELETE', '/v2.0/ports/{id}', delete_port),
]
