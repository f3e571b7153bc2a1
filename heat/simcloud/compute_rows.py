"""A server as compute shows it, and compute's faults.

Purpose: the body of GET /servers/{id}, by microversion. Invariant: a foreign
server does not exist for its reader. Neighbours: ``compute`` and
``compute_actions`` read through here.
"""

from __future__ import annotations

from typing import Any

from heat.simcloud.routing import Call, Fault, Row

NAMES = {
    400: 'badRequest',
    401: 'unauthorized',
    403: 'forbidden',
    404: 'itemNotFound',
    405: 'badMethod',
    409: 'conflictingRequest',
    413: 'overLimit',
    429: 'overLimit',
    501: 'notImplemented',
    503: 'serviceUnavailable',
}


def compute_fault(fault: Fault) -> Row:
    return {NAMES.get(fault.status, 'computeFault'): {'code': fault.status, 'message': fault.message}}


def own_server(call: Call) -> Row:
    server = call.inv.servers.get(call.args['server'])
    if server is None or not (call.admin or server['project_id'] == call.project):
        raise Fault(404, f'Instance {call.args["server"]} could not be found.')
    return server


def addresses(call: Call, server: Row) -> dict[str, Any]:
    """``{network name: [{addr, version, ...}]}``; kept until a port changes."""
    if server['_addresses'] is not None:
        return dict(server['_addresses'])
    result: dict[str, Any] = {}
    for port in call.inv.ports.where('device_id', server['id']):
        network = call.inv.networks.rows[port['network_id']]
        items = result.setdefault(network['name'], [])
        for fixed in port['fixed_ips']:
            items.append(_address(port, fixed['ip_address'], 'fixed'))
        for floating in call.inv.floatingips.where('port_id', port['id']):
            items.append(_address(port, floating['floating_ip_address'], 'floating'))
    server['_addresses'] = result
    return result


def _address(port: Row, text: str, kind: str) -> Row:
    return {
        'addr': text,
        'version': 6 if ':' in text else 4,
        'OS-EXT-IPS:type': kind,
        'OS-EXT-IPS-MAC:mac_addr': port['mac_address'],
    }


def shown_server(call: Call, server: Row) -> Row:
    """The full body of a server for the caller's microversion."""
    flavor = call.inv.flavors.get(server['flavor_id']) or {}
    groups = list(
        dict.fromkeys(
            (call.inv.security_groups.get(group) or {}).get('name', group)
            for port in call.inv.ports.where('device_id', server['id'])
            for group in port['security_groups']
        )
    )
    result: Row = {
        'id': server['id'],
        'name': server['name'],
        'status': server['status'],
        'tenant_id': server['project_id'],
        'user_id': server['user_id'],
        'created': server['created'],
        'updated': server['updated'],
        'hostId': '5d1e' + server['project_id'][:28] if server['_vm'] != 'building' else '',
        'addresses': addresses(call, server),
        'metadata': server['metadata'],
        'key_name': server['key_name'],
        'accessIPv4': '',
        'accessIPv6': '',
        'config_drive': server['config_drive'],
        'image': {'id': server['image_id'], 'links': []} if server['image_id'] else '',
        'OS-DCF:diskConfig': server['disk_config'],
        'OS-EXT-AZ:availability_zone': server['zone'],
        'OS-EXT-STS:task_state': server['_task'],
        'OS-EXT-STS:vm_state': server['_vm'],
        'OS-EXT-STS:power_state': server['_power'],
        'OS-SRV-USG:launched_at': server.get('launched_at'),
        'OS-SRV-USG:terminated_at': None,
        'links': [{'rel': 'self', 'href': call.url(f'/v2.1/servers/{server["id"]}')}],
        'os-extended-volumes:volumes_attached': [
            {
                'id': row['volume_id'],
                **({'delete_on_termination': row['_delete']} if call.version >= (2, 3) else {}),
            }
            for row in call.inv.attachments.where('instance_uuid', server['id'])
        ],
    }
    if server['status'] == 'ACTIVE':
        result['progress'] = 100
    if groups:
        result['security_groups'] = [{'name': name} for name in groups]
    if server['fault']:
        result['fault'] = server['fault']
    if call.version >= (2, 47):
        result['flavor'] = {
            'original_name': flavor.get('name'),
            'vcpus': flavor.get('vcpus'),
            'ram': flavor.get('ram'),
            'disk': flavor.get('disk'),
            'ephemeral': 0,
            'swap': 0,
            'extra_specs': flavor.get('extra_specs', {}),
        }
    else:
        result['flavor'] = {'id': server['flavor_id'], 'links': []}
    if call.version >= (2, 9):
        result['locked'] = server['locked']
    if call.version >= (2, 19):
        result['description'] = server['description']
    if call.version >= (2, 26):
        result['tags'] = server['tags']
    if call.version >= (2, 71):
        result['server_groups'] = [server['group_id']] if server['group_id'] else []
    if call.admin:
        host = 'simhost' if server['_vm'] != 'building' else None
        result.update(
            {
                'OS-EXT-SRV-ATTR:host': host,
                'OS-EXT-SRV-ATTR:hypervisor_hostname': host,
                'OS-EXT-SRV-ATTR:instance_name': f'instance-{server["id"][:8]}',
            }
        )
        if call.version >= (2, 3):
            result.update(
                {'OS-EXT-SRV-ATTR:user_data': server['user_data'], 'OS-EXT-SRV-ATTR:hostname': server['name']}
            )
    return result
