"""What is done to a server: actions, interfaces, volume attachments, metadata, tags.

Purpose: the sub-resources of a server. Invariant: an action in the wrong state
is a 409 and changes nothing. Neighbours: ``compute`` mounts the routes and runs
the transitions scheduled here; ``ports`` and ``volume`` own what is plugged.
"""

from __future__ import annotations

from typing import Any

from heat.common import ids
from heat.simcloud import attachments, compute_tables, ports
from heat.simcloud.compute_rows import addresses, own_server, shown_server
from heat.simcloud.netrows import found
from heat.simcloud.routing import Call, Fault, Reply, Row
from heat.simcloud.stamps import iso

# action -> (vm states it is allowed in, status meanwhile, task meanwhile, transition)
MOVES: dict[str, tuple[tuple[str, ...], str | None, str, str]] = {
    'resize': (('active', 'stopped'), 'RESIZE', 'resize_prep', 'resized'),
    'revertResize': (('resized',), 'REVERT_RESIZE', 'resize_reverting', 'reverted'),
    'rebuild': (('active', 'stopped', 'error', 'paused', 'suspended'), 'REBUILD', 'rebuilding', 'rebuilt'),
    'os-start': (('stopped',), None, 'powering-on', 'started'),
    'os-stop': (('active', 'error'), None, 'powering-off', 'stopped'),
    'suspend': (('active',), None, 'suspending', 'suspended'),
    'resume': (('suspended',), None, 'resuming', 'resumed'),
    'pause': (('active',), None, 'pausing', 'paused'),
    'unpause': (('paused',), None, 'unpausing', 'unpaused'),
    'reboot': (('active', 'stopped', 'error', 'paused', 'suspended'), 'REBOOT', 'rebooting', 'rebooted'),
}


def group_ids(call: Call, names: list[Any]) -> list[str] | None:
    """Ids of security groups named or given by id; None when there are none."""
    if not names:
        return None
    rows = call.inv.security_groups.where('project_id', call.project)
    result = []
    for name in names:
        same = [row['id'] for row in rows if name in (row['id'], row['name'])]
        if not same and name != 'default':
            raise Fault(400, f"Unable to find security_group with name or id '{name}'")
        result += same[:1]
    return result or None


def plug(call: Call, server: Row, item: Row, groups: list[str] | None = None) -> Row:
    """Make or bind a port for ``{uuid|port, fixed_ip|fixed_ips}``. Fault 400 or 409."""
    binding = {
        'device_id': server['id'],
        'device_owner': f'compute:{server["zone"]}',
        'binding:host_id': 'simhost',
    }
    try:
        if item.get('port'):
            port = found(call, 'ports', item['port'], owned=True)
            if port['device_id']:
                raise Fault(400, f'Port {port["id"]} is still in use.')
            ports.change_port(call, port, binding)
        else:
            wanted = item.get('fixed_ips') or (
                [{'ip_address': item['fixed_ip']}] if item.get('fixed_ip') else None
            )
            if not call.inv.subnets.where('network_id', item.get('uuid')):
                found(call, 'networks', item.get('uuid'))
                raise Fault(
                    400, f'Network {item.get("uuid")} requires a subnet in order to boot instances on.'
                )
            port = ports.new_port(
                call,
                {
                    'network_id': item.get('uuid'),
                    'project_id': server['project_id'],
                    'fixed_ips': wanted,
                    'security_groups': groups,
                    **binding,
                },
            )
            server['_ports'].append(port['id'])
    except Fault as fault:
        # Compute hides network's 404 behind a bad request.
        raise Fault(400 if fault.status == 404 else fault.status, fault.message) from fault
    port['status'] = 'DOWN' if server['_vm'] == 'building' else 'ACTIVE'
    call.inv.ports.put(port)
    server['_addresses'] = None
    return port


def unplug(call: Call, server: Row, port: Row) -> None:
    """Remove the port if compute made it, else release it."""
    if port['id'] in server['_ports']:
        server['_ports'].remove(port['id'])
        ports.remove_port(call, port)
    else:
        ports.change_port(
            call, port, {'device_id': '', 'device_owner': '', 'binding:host_id': '', 'status': 'DOWN'}
        )
    server['_addresses'] = None


def act(call: Call) -> Reply:
    server = own_server(call)
    data = call.json()
    if not isinstance(data, dict) or len(data) != 1:
        raise Fault(400, 'There is no such action: a body with exactly one action is needed')
    action, given = next(iter(data.items()))
    given = given or {}
    if action in MOVES:
        return _move(call, server, action, given)
    function = ACTIONS.get(action)
    if function is None:
        raise Fault(400, f'There is no such action: {action}')
    return function(call, server, given)


def _need(server: Row, action: str, states: tuple[str, ...]) -> None:
    if server['_vm'] not in states or server['_task']:
        kind, state = ('task_state', server['_task']) if server['_task'] else ('vm_state', server['_vm'])
        raise Fault(409, f"Cannot '{action}' instance {server['id']} while it is in {kind} {state}")


def _move(call: Call, server: Row, action: str, given: Any) -> Reply:
    states, status, task, then = MOVES[action]
    _need(server, action.removeprefix('os-'), states)
    reply: Row | None = None
    if action == 'resize':
        flavor = compute_tables.flavor_of(call, given.get('flavorRef'))
        if flavor['id'] == server['flavor_id']:
            raise Fault(400, 'When resizing, instances must change flavor!')
        server['_old_flavor'], server['_new_flavor'] = server['flavor_id'], flavor['id']
    elif action == 'revertResize':
        server['flavor_id'] = server['_old_flavor']
    elif action == 'rebuild':
        if call.inv.images.get(given.get('imageRef')) is None:
            raise Fault(400, f'Can not find requested image {given.get("imageRef")}')
        server['image_id'] = given['imageRef']
        for key in ('name', 'description', 'metadata', 'user_data'):
            if key in given:
                server[key] = given[key]
        server['_booted'] = False
    if action in ('resize', 'rebuild'):
        server['_before'] = server['_vm']
    server['status'] = status or server['status']
    server['_task'] = task
    server['updated'] = iso(call.now)
    call.inv.schedule('servers', server, call.now + call.cloud.settings.server_action, then)
    if action == 'rebuild':
        reply = {'server': {**shown_server(call, server), 'adminPass': given.get('adminPass', 'rebuilt')}}
    return Reply(202, reply)


def confirm_resize(call: Call, server: Row, _given: Any) -> Reply:
    _need(server, 'confirmResize', ('resized',))
    stopped = server.get('_before') == 'stopped'
    server.update(status='SHUTOFF' if stopped else 'ACTIVE', _vm='stopped' if stopped else 'active',
                  updated=iso(call.now))
    call.inv.servers.put(server)
    return Reply(204)


def change_password(call: Call, server: Row, given: Any) -> Reply:
    _need(server, 'changePassword', ('active',))
    if not isinstance(given.get('adminPass'), str):
        raise Fault(400, "'adminPass' is a required property")
    return Reply(202)


def console_output(_call: Call, server: Row, given: Any) -> Reply:
    lines = ['Booting simulated server', *server['_console']]
    count = given.get('length')
    return Reply(200, {'output': '\n'.join(lines[-int(count) :] if count else lines) + '\n'})


def console_url(kind: str, url_kind: str) -> Any:
    def open_console(call: Call, server: Row, given: Any) -> Reply:
        _need(server, kind, ('active',))
        return Reply(
            200,
            {
                'console': {
                    'type': given.get('type', url_kind),
                    'url': call.url(f'/console/{url_kind}?server={server["id"]}'),
                }
            },
        )

    return open_console


def remote_console(call: Call) -> Reply:
    server = own_server(call)
    wanted = call.json('remote_console')
    _need(server, 'get console', ('active',))
    return Reply(
        200,
        {
            'remote_console': {
                'protocol': wanted.get('protocol'),
                'type': wanted.get('type'),
                'url': call.url(f'/console/{wanted.get("type")}?server={server["id"]}'),
            }
        },
    )


def create_image(call: Call, server: Row, given: Any) -> Reply:
    _need(server, 'createImage', ('active', 'stopped', 'paused', 'suspended'))
    if not given.get('name'):
        raise Fault(400, "'name' is a required property")
    now = iso(call.now)
    image = call.inv.images.put(
        {
            'id': ids.new_id(),
            'name': given['name'],
            'owner': server['project_id'],
            'size': 1 << 20,
            'status': 'active',
            'visibility': 'private',
            'min_disk': 1,
            'min_ram': 0,
            'created_at': now,
            'updated_at': now,
            'tags': [],
            'properties': {
                'image_type': 'snapshot',
                'instance_uuid': server['id'],
                **(given.get('metadata') or {}),
            },
        }
    )
    headers = {'Location': f'{call.request.host_url}/image/v2/images/{image["id"]}'}
    return Reply(202, {'image_id': image['id']} if call.version >= (2, 45) else None, headers)


def lock(locked: bool) -> Any:
    def change(call: Call, server: Row, _given: Any) -> Reply:
        server['locked'] = locked
        call.inv.servers.put(server)
        return Reply(202)

    return change


def security_group(add: bool) -> Any:
    def change(call: Call, server: Row, given: Any) -> Reply:
        groups = group_ids(call, [given.get('name')]) or []
        for port in call.inv.ports.where('device_id', server['id']):
            now = [group for group in port['security_groups'] if group not in groups]
            ports.change_port(call, port, {'security_groups': now + groups if add else now})
        return Reply(202)

    return change


ACTIONS: dict[str, Any] = {
    'confirmResize': confirm_resize,
    'changePassword': change_password,
    'os-getConsoleOutput': console_output,
    'createImage': create_image,
    'lock': lock(True),
    'unlock': lock(False),
    'addSecurityGroup': security_group(True),
    'removeSecurityGroup': security_group(False),
    'os-getVNCConsole': console_url('os-getVNCConsole', 'novnc'),
    'os-getSPICEConsole': console_url('os-getSPICEConsole', 'spice-html5'),
    'os-getSerialConsole': console_url('os-getSerialConsole', 'serial'),
    'os-getRDPConsole': console_url('os-getRDPConsole', 'rdp-html5'),
}


def interface(port: Row) -> Row:
    return {
        'port_id': port['id'],
        'net_id': port['network_id'],
        'mac_addr': port['mac_address'],
        'port_state': port['status'],
        'fixed_ips': port['fixed_ips'],
    }


def own_port(call: Call, server: Row) -> Row:
    port = call.inv.ports.get(call.args['port'])
    if port is None or port['device_id'] != server['id']:
        raise Fault(404, f'Port id {call.args["port"]} is not attached to instance {server["id"]}.')
    return port


def list_interfaces(call: Call) -> Reply:
    rows = call.inv.ports.where('device_id', own_server(call)['id'])
    return Reply(200, {'interfaceAttachments': [interface(port) for port in rows]})


def get_interface(call: Call) -> Reply:
    return Reply(200, {'interfaceAttachment': interface(own_port(call, own_server(call)))})


def add_interface(call: Call) -> Reply:
    server = own_server(call)
    _need(server, 'attach_interface', ('active', 'paused', 'stopped'))
    wanted = call.json('interfaceAttachment')
    if wanted.get('port_id') and wanted.get('net_id'):
        raise Fault(400, 'Must not input both network_id and port_id')
    port = plug(
        call,
        server,
        {'port': wanted.get('port_id'), 'uuid': wanted.get('net_id'), 'fixed_ips': wanted.get('fixed_ips')},
    )
    call.inv.servers.put(server)
    return Reply(200, {'interfaceAttachment': interface(port)})


def remove_interface(call: Call) -> Reply:
    server = own_server(call)
    _need(server, 'detach_interface', ('active', 'paused', 'stopped'))
    unplug(call, server, own_port(call, server))
    call.inv.servers.put(server)
    return Reply(202)


def attachment(row: Row) -> Row:
    return {
        'id': row['volume_id'],
        'volumeId': row['volume_id'],
        'serverId': row['instance_uuid'],
        'device': row['_device'],
        'tag': row['_tag'],
        'delete_on_termination': row['_delete'],
        'attachment_id': row['id'],
    }


def own_attachment(call: Call) -> Row:
    for row in call.inv.attachments.where('instance_uuid', own_server(call)['id']):
        if row['volume_id'] == call.args['volume']:
            return row
    raise Fault(404, f'volume_id not found: {call.args["volume"]}')


def list_attachments(call: Call) -> Reply:
    rows = call.inv.attachments.where('instance_uuid', own_server(call)['id'])
    return Reply(200, {'volumeAttachments': [attachment(row) for row in rows]})


def get_attachment(call: Call) -> Reply:
    return Reply(200, {'volumeAttachment': attachment(own_attachment(call))})


def attach_volume(call: Call) -> Reply:
    server = own_server(call)
    _need(server, 'attach_volume', ('active', 'paused', 'stopped', 'suspended', 'resized'))
    wanted = call.json('volumeAttachment')
    row = attachments.plug(
        call,
        server,
        wanted.get('volumeId'),
        wanted.get('device'),
        wanted.get('tag'),
        bool(wanted.get('delete_on_termination')),
    )
    return Reply(200, {'volumeAttachment': attachment(row)})


def detach_volume(call: Call) -> Reply:
    row = own_attachment(call)
    if row['attach_status'] != 'attached':
        raise Fault(409, f"Invalid volume: volume {row['volume_id']} status must be 'in-use'.")
    attachments.start_unplug(call, row)
    return Reply(202)


def list_addresses(call: Call) -> Reply:
    return Reply(200, {'addresses': addresses(call, own_server(call))})


def get_metadata(call: Call) -> Reply:
    return Reply(200, {'metadata': own_server(call)['metadata']})


def set_metadata(call: Call) -> Reply:
    """POST merges, PUT replaces."""
    server, wanted = own_server(call), call.json('metadata')
    if not all(isinstance(value, str) for value in wanted.values()):
        raise Fault(400, 'Invalid input for field/attribute metadata: values must be strings')
    server['metadata'] = wanted if call.request.method == 'PUT' else {**server['metadata'], **wanted}
    call.inv.servers.put(server)
    return Reply(200, {'metadata': server['metadata']})


def metadata_item(call: Call) -> Reply:
    server, key = own_server(call), call.args['key']
    if call.request.method == 'PUT':
        server['metadata'][key] = call.json('meta').get(key)
        call.inv.servers.put(server)
    elif key not in server['metadata']:
        raise Fault(404, 'Metadata item was not found')
    if call.request.method == 'DELETE':
        del server['metadata'][key]
        call.inv.servers.put(server)
        return Reply(204)
    return Reply(200, {'meta': {key: server['metadata'][key]}})


def tags(call: Call) -> Reply:
    server = own_server(call)
    if call.version < (2, 26):
        raise Fault(404, 'The resource could not be found.')
    if call.request.method == 'PUT':
        server['tags'] = list(dict.fromkeys(call.json().get('tags') or []))
    elif call.request.method == 'DELETE':
        server['tags'] = []
    call.inv.servers.put(server)
    return Reply(204) if call.request.method == 'DELETE' else Reply(200, {'tags': server['tags']})


BASE = '/v2.1/servers/{server}'
ROUTES = [
    ('POST', f'{BASE}/action', act),
    ('POST', f'{BASE}/remote-consoles', remote_console),
    ('GET', f'{BASE}/os-interface', list_interfaces),
    ('POST', f'{BASE}/os-interface', add_interface),
    ('GET', f'{BASE}/os-interface/{{port}}', get_interface),
    ('DELETE', f'{BASE}/os-interface/{{port}}', remove_interface),
    ('GET', f'{BASE}/os-volume_attachments', list_attachments),
    ('POST', f'{BASE}/os-volume_attachments', attach_volume),
    ('GET', f'{BASE}/os-volume_attachments/{{volume}}', get_attachment),
    ('DELETE', f'{BASE}/os-volume_attachments/{{volume}}', detach_volume),
    ('GET', f'{BASE}/ips', list_addresses),
    ('GET', f'{BASE}/metadata', get_metadata),
    ('POST', f'{BASE}/metadata', set_metadata),
    ('PUT', f'{BASE}/metadata', set_metadata),
    *((method, f'{BASE}/metadata/{{key}}', metadata_item) for method in ('GET', 'PUT', 'DELETE')),
    *((method, f'{BASE}/tags', tags) for method in ('GET', 'PUT', 'DELETE')),
]
