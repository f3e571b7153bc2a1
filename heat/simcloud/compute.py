"""Compute v2.1 (Nova): servers come, are listed and go; mounts the other compute routes.

Purpose: the life of a server, with its ports and volumes. Invariant: status
moves only in ``transition``, by the clock; a server's own ports and volumes go
when it goes, foreign ones are released. Neighbours: ``compute_actions`` for
what is done to servers, ``compute_tables`` for flavors and keys, ``ports`` and
``volume`` for what hangs on them, ``guest`` for what runs inside.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from heat.common import ids
from heat.simcloud import attachments, compute_actions, compute_tables, guest
from heat.simcloud.compute_rows import compute_fault, own_server, shown_server
from heat.simcloud.routing import Call, Fault, Reply, Row, Service, dotted, next_link, page
from heat.simcloud.stamps import iso

if TYPE_CHECKING:
    from heat.simcloud.server import SimCloud

FIELDS = {
    'name',
    'imageRef',
    'flavorRef',
    'networks',
    'security_groups',
    'key_name',
    'user_data',
    'metadata',
    'availability_zone',
    'block_device_mapping_v2',
    'block_device_mapping',
    'config_drive',
    'adminPass',
    'personality',
    'OS-DCF:diskConfig',
    'min_count',
    'max_count',
    'tags',
    'description',
    'hostname',
}
FILTERS = {'name', 'status', 'flavor', 'image', 'ip', 'tags', 'key_name', 'uuid', 'project_id', 'tenant_id'}
USER_DATA_LIMIT = 65535


def versions(call: Call) -> Reply:
    return Reply(200, {'versions': [version(call)]})


def version(call: Call) -> Row:
    return {
        'id': 'v2.1',
        'status': 'CURRENT',
        'version': dotted(SERVICE.max_version),
        'min_version': dotted(SERVICE.min_version),
        'updated': '2013-07-23T11:33:21Z',
        'links': [{'rel': 'self', 'href': call.url('/v2.1/')}],
    }


def show_version(call: Call) -> Reply:
    return Reply(200, {'version': version(call)})


def create_server(call: Call) -> Reply:
    data = call.json()
    wanted = call.json('server')
    unknown = set(wanted) - FIELDS
    if unknown:
        raise Fault(
            400,
            f'Invalid input for field/attribute server. Additional properties are not allowed '
            f'({", ".join(sorted(unknown))} was unexpected)',
        )
    if not isinstance(wanted.get('name'), str) or not wanted['name']:
        raise Fault(400, 'Invalid input for field/attribute name. Value is a required property')
    if wanted.get('max_count', 1) != 1 or wanted.get('min_count', 1) != 1:
        raise Fault(400, 'Creating several servers at once is not supported by this cloud.')
    flavor = compute_tables.flavor_of(call, wanted.get('flavorRef'))
    image_id = wanted.get('imageRef') or ''
    devices = list(wanted.get('block_device_mapping_v2') or [])
    for old in wanted.get('block_device_mapping') or []:
        devices.append(
            {
                'uuid': old.get('volume_id'),
                'source_type': 'volume',
                'destination_type': 'volume',
                'device_name': old.get('device_name'),
                'delete_on_termination': old.get('delete_on_termination', False),
            }
        )
    if image_id and call.inv.images.get(image_id) is None:
        raise Fault(400, f'Can not find requested image {image_id}')
    if not image_id and not devices:
        raise Fault(400, 'Invalid imageRef provided.')
    if wanted.get('key_name') and compute_tables.keypair(call, wanted['key_name']) is None:
        raise Fault(400, 'Invalid key_name provided.')
    if wanted.get('availability_zone') == '':
        raise Fault(400, "Invalid input for field/attribute availability_zone. Value: . '' is too short")
    _check_user_data(wanted.get('user_data'))
    quota = call.cloud.settings.quota_servers
    if quota and len(call.inv.servers.where('project_id', call.project)) >= quota:
        raise Fault(
            403, f'Quota exceeded for instances: Requested 1, but already used {quota} of {quota} instances'
        )
    hints = data.get('os:scheduler_hints') or data.get('OS-SCH-HNT:scheduler_hints') or {}
    password = wanted.get('adminPass') or ids.short_id(ids.new_id())
    now = iso(call.now)
    server: Row = {
        'id': ids.new_id(),
        'name': wanted['name'],
        'project_id': call.project,
        'user_id': call.user,
        'status': 'BUILD',
        '_task': 'scheduling',
        '_vm': 'building',
        '_power': 0,
        'created': now,
        'updated': now,
        'flavor_id': flavor['id'],
        'image_id': image_id,
        'key_name': wanted.get('key_name'),
        'metadata': dict(wanted.get('metadata') or {}),
        'tags': list(wanted.get('tags') or []),
        'description': wanted.get('description'),
        'config_drive': 'True' if wanted.get('config_drive') else '',
        'zone': wanted.get('availability_zone') or 'nova',
        'disk_config': wanted.get('OS-DCF:diskConfig', 'MANUAL'),
        'user_data': wanted.get('user_data'),
        'group_id': hints.get('group'),
        'fault': None,
        'locked': False,
        '_ports': [],
        '_addresses': None,
        '_doom': call.doom,
        '_booted': False,
        '_console': [],
    }
    group = call.inv.server_groups.get(server['group_id']) if server['group_id'] else None
    if server['group_id'] and (group is None or group['project_id'] != call.project):
        raise Fault(400, f'Instance group {server["group_id"]} could not be found.')
    _wire(call, server, wanted, devices)
    if group is not None:
        group['members'].append(server['id'])
        call.inv.server_groups.put(group)
    call.inv.schedule('servers', server, call.now + call.cloud.settings.server_build, 'built')
    return Reply(
        202,
        {
            'server': {
                'id': server['id'],
                'links': [{'rel': 'self', 'href': call.url(f'/v2.1/servers/{server["id"]}')}],
                'OS-DCF:diskConfig': server['disk_config'],
                'adminPass': password,
                'security_groups': [
                    {'name': item.get('name')}
                    for item in wanted.get('security_groups') or [{'name': 'default'}]
                ],
            }
        },
        {'Location': call.url(f'/v2.1/servers/{server["id"]}')},
    )


def _check_user_data(text: Any) -> None:
    if text is None:
        return
    if not isinstance(text, str) or len(text) > USER_DATA_LIMIT:
        raise Fault(
            400,
            f'User data too large. User data must be no larger than {USER_DATA_LIMIT} bytes '
            f'once base64 encoded. Your data is {len(text)} bytes',
        )
    try:
        base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError) as exc:
        raise Fault(400, 'User data needs to be valid base 64.') from exc


def _wire(call: Call, server: Row, wanted: Row, devices: list[Row]) -> None:
    """Give the server its ports and volumes, or none of them."""
    groups = compute_actions.group_ids(
        call, [item.get('name') for item in wanted.get('security_groups') or []]
    )
    networks = wanted.get('networks')
    made: list[Row] = []
    # The port must know its device before the server is in the inventory.
    call.inv.servers.put(server)
    try:
        if call.version >= (2, 37) and networks is None:
            raise Fault(400, "Invalid input for field/attribute server. 'networks' is a required property")
        if networks == 'none':
            networks = []
        elif networks in (None, 'auto', []):
            networks = _only_network(call)
        for item in networks:
            made.append(compute_actions.plug(call, server, item, groups))
        for index, device in enumerate(devices):
            attachments.plug_device(call, server, device, index)
    except Fault:
        for attachment in call.inv.attachments.where('instance_uuid', server['id']):
            attachments.unplug(call, attachment)
        for port in made:
            compute_actions.unplug(call, server, port)
        call.inv.servers.drop(server['id'])
        raise


def _only_network(call: Call) -> list[Row]:
    own = call.inv.networks.where('project_id', call.project)
    own = [row for row in own if not row['router:external']]
    if len(own) > 1:
        raise Fault(409, 'Multiple possible networks found, use a Network ID to be more specific.')
    return [{'uuid': row['id']} for row in own]


def list_servers(call: Call) -> Reply:
    return _list(call, detail=False)


def list_details(call: Call) -> Reply:
    return _list(call, detail=True)


def _list(call: Call, detail: bool) -> Reply:
    if 'changes-since' in call.query or 'changes-before' in call.query:
        raise Fault(400, 'changes-since and changes-before are not supported by this cloud.')
    project = call.project_filter()
    servers = call.inv.servers
    rows = servers.all() if project is None else servers.where('project_id', project)
    for key in set(call.query):
        if key in FILTERS:
            rows = [row for row in rows if _match(call, row, key, call.query[key])]
    rows, marker = page(call, rows, newest_first=True)
    shown = (
        [shown_server(call, row) for row in rows]
        if detail
        else [
            {
                'id': row['id'],
                'name': row['name'],
                'links': [{'rel': 'self', 'href': call.url(f'/v2.1/servers/{row["id"]}')}],
            }
            for row in rows
        ]
    )
    return Reply(200, {'servers': shown, **next_link(call, 'servers', marker)})


def _match(call: Call, row: Row, key: str, text: str) -> bool:
    if key == 'name':
        try:
            return re.search(text, row['name']) is not None
        except re.error as exc:
            raise Fault(400, 'Invalid regular expression in name.') from exc
    if key == 'status':
        return str(row['status']).lower() in [value.lower() for value in call.query.getall('status')]
    if key == 'tags':
        return set(text.split(',')) <= set(row['tags'])
    if key == 'ip':
        return any(
            re.search(text, item['addr'])
            for items in shown_server(call, row)['addresses'].values()
            for item in items
        )
    field = {'flavor': 'flavor_id', 'image': 'image_id', 'uuid': 'id', 'tenant_id': 'project_id'}.get(
        key, key
    )
    return bool(row[field] == text)


def get_server(call: Call) -> Reply:
    return Reply(200, {'server': shown_server(call, own_server(call))})


def update_server(call: Call) -> Reply:
    server = own_server(call)
    wanted = call.json('server')
    unknown = set(wanted) - {'name', 'description', 'OS-DCF:diskConfig', 'hostname'}
    if unknown:
        raise Fault(
            400, f'Additional properties are not allowed ({", ".join(sorted(unknown))} was unexpected)'
        )
    server['name'] = wanted.get('name', server['name'])
    server['description'] = wanted.get('description', server['description'])
    server['disk_config'] = wanted.get('OS-DCF:diskConfig', server['disk_config'])
    server['updated'] = iso(call.now)
    call.inv.servers.put(server)
    return Reply(200, {'server': shown_server(call, server)})


def delete_server(call: Call) -> Reply:
    server = own_server(call)
    if server['locked'] and not call.admin:
        raise Fault(409, f'Instance {server["id"]} is locked')
    if server['_task'] != 'deleting':
        server['_task'] = 'deleting'
        call.inv.schedule('servers', server, call.now + call.cloud.settings.server_delete, 'deleted')
    return Reply(204)


def transition(cloud: SimCloud, server: Row, then: str, at: float) -> None:
    """What a due server does next. The names are those given to ``schedule``."""
    call = Call.of_cloud(cloud, SERVICE)
    if then == 'deleted':
        _gone(call, server)
        return
    server['_task'] = None
    server['updated'] = iso(at)
    if then == 'built' and server['_doom']:
        server.update(
            status='ERROR', _vm='error', fault={'code': 500, 'created': iso(at), 'message': server['_doom']}
        )
    else:
        if then == 'resized':
            server.update(status='VERIFY_RESIZE', _vm='resized', flavor_id=server['_new_flavor'])
        elif then == 'rebuilt' and server.get('_before') == 'stopped':
            server.update(status='SHUTOFF', _vm='stopped', _power=4)
        elif then in ('stopped', 'suspended', 'paused'):
            status = {'stopped': 'SHUTOFF', 'suspended': 'SUSPENDED', 'paused': 'PAUSED'}[then]
            server.update(status=status, _vm=then, _power={'stopped': 4, 'suspended': 4, 'paused': 3}[then])
        else:
            server.update(status='ACTIVE', _vm='active', _power=1)
        if then == 'built':
            for port in call.inv.ports.where('device_id', server['id']):
                port['status'] = 'ACTIVE'
                call.inv.ports.put(port)
            server['launched_at'] = iso(at)
        if then in ('built', 'rebuilt') and server['_vm'] == 'active':
            guest.power_on(cloud, server, at)
    cloud.inventory.servers.put(server)


def _gone(call: Call, server: Row) -> None:
    for attachment in call.inv.attachments.where('instance_uuid', server['id']):
        attachments.unplug(call, attachment, gone=True)
    for port in call.inv.ports.where('device_id', server['id']):
        compute_actions.unplug(call, server, port)
    for group in call.inv.server_groups.all():
        if server['id'] in group['members']:
            group['members'].remove(server['id'])
            call.inv.server_groups.put(group)
    call.inv.guests.drop(server['id'])
    call.inv.servers.drop(server['id'])


ROUTES = [
    ('GET', '/', versions),
    ('GET', '/v2.1', show_version),
    ('POST', '/v2.1/servers', create_server),
    ('GET', '/v2.1/servers', list_servers),
    ('GET', '/v2.1/servers/detail', list_details),
    ('GET', '/v2.1/servers/{server}', get_server),
    ('PUT', '/v2.1/servers/{server}', update_server),
    ('DELETE', '/v2.1/servers/{server}', delete_server),
    *compute_actions.ROUTES,
    *compute_tables.ROUTES,
]
SERVICE = Service(
    'compute',
    '/compute',
    ROUTES,
    compute_fault,
    public=('GET /', 'GET /v2.1'),
    header='compute',
    min_version=(2, 1),
    max_version=(2, 93),
)
