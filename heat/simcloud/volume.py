"""Block storage v3 (Cinder): volumes and their actions.

Purpose: the routes under ``/volume``. Invariant: status moves only in the
transitions. Neighbours: ``attachments`` has what compute does with volumes,
``volume_tables`` snapshots, types and limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heat.common import ids
from heat.simcloud import backups, volume_tables
from heat.simcloud.compute_rows import compute_fault
from heat.simcloud.routing import Call, Fault, Reply, Row, Service, dotted, next_link, page
from heat.simcloud.stamps import iso_micro
from heat.simcloud.volume_tables import own_volume

if TYPE_CHECKING:
    from heat.simcloud.server import SimCloud

FIELDS = {
    'name',
    'description',
    'size',
    'volume_type',
    'availability_zone',
    'snapshot_id',
    'source_volid',
    'imageRef',
    'image_id',
    'metadata',
    'multiattach',
    'project_id',
    'consistencygroup_id',
    'group_id',
    'backup_id',
    'user_id',
    'status',
    'attach_status',
    'scheduler_hints',
    'OS-SCH-HNT:scheduler_hints',
}


def version(call: Call) -> Row:
    return {
        'id': 'v3.0',
        'status': 'CURRENT',
        'version': dotted(SERVICE.max_version),
        'min_version': dotted(SERVICE.min_version),
        'updated': '2022-08-31T00:00:00Z',
        'links': [{'rel': 'self', 'href': call.url('/v3/')}],
    }


def versions(call: Call) -> Reply:
    return Reply(
        300 if call.request.path_info.rstrip('/') == '/volume' else 200, {'versions': [version(call)]}
    )


def shown(call: Call, row: Row) -> Row:
    result = {key: value for key, value in row.items() if not key.startswith('_') and key != 'project_id'}
    result['links'] = [{'rel': 'self', 'href': call.url(f'/v3/{row["project_id"]}/volumes/{row["id"]}')}]
    result['os-vol-tenant-attr:tenant_id'] = row['project_id']
    result['attachments'] = [
        {
            'id': row['id'],
            'volume_id': row['id'],
            'attachment_id': item['id'],
            'server_id': item['instance_uuid'],
            'device': item['_device'],
            'host_name': 'simhost',
            'attached_at': item['attached_at'],
        }
        for item in call.inv.attachments.where('volume_id', row['id'])
        if item['attach_status'] != 'attaching'
    ]
    if call.admin:
        result['os-vol-host-attr:host'] = 'simhost@lvm#lvm'
    return result


def new_volume(call: Call, wanted: Row, project_id: str) -> Row:
    """Make a volume from ``wanted``; it is ``creating`` until its time has come. Fault 400, 404 or 413."""
    inv, size = call.inv, wanted.get('size')
    quota = call.cloud.settings.quota_volumes
    if quota and len(inv.volumes.where('project_id', project_id)) >= quota:
        raise Fault(
            413,
            f"VolumeLimitExceeded: Maximum number of volumes allowed ({quota}) exceeded for quota 'volumes'.",
        )
    image: Row | None = None
    for key, kind in (('snapshot_id', 'snapshots'), ('source_volid', 'volumes')):
        if wanted.get(key):
            source = inv.tables[kind].get(wanted[key])
            if source is None or not (call.admin or source['project_id'] == project_id):
                raise Fault(404, f'{kind[:-1].capitalize()} {wanted[key]} could not be found.')
            size = size or source['size']
            if int(size) < source['size']:
                raise Fault(
                    400, f"Invalid input received: Volume size '{size}' GB cannot be smaller than its source."
                )
    image_id = wanted.get('imageRef') or wanted.get('image_id')
    if image_id:
        image = inv.images.get(image_id)
        if image is None:
            raise Fault(400, 'Invalid image identifier or unable to access requested image.')
    if isinstance(size, str) and size.isdigit():
        size = int(size)
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise Fault(
            400, f"Invalid input received: Volume size '{size}' must be an integer and greater than 0"
        )
    if wanted.get('availability_zone') == '':
        raise Fault(400, "Invalid input for field/attribute availability_zone. Value: . '' is too short")
    volume_type = volume_tables.type_of(call, wanted.get('volume_type'))
    now = iso_micro(call.now)
    row: Row = {
        'id': ids.new_id(),
        'name': wanted.get('name'),
        'description': wanted.get('description'),
        'size': size,
        'status': 'creating',
        'project_id': project_id,
        'user_id': call.token['user_id'],
        'volume_type': volume_type['name'],
        'availability_zone': wanted.get('availability_zone') or 'nova',
        'snapshot_id': wanted.get('snapshot_id'),
        'source_volid': wanted.get('source_volid'),
        'metadata': dict(wanted.get('metadata') or {}),
        'multiattach': bool(wanted.get('multiattach')),
        'bootable': 'true' if image else 'false',
        'encrypted': False,
        'replication_status': None,
        'consistencygroup_id': None,
        'created_at': now,
        'updated_at': now,
        '_doom': call.doom,
    }
    if image:
        row['volume_image_metadata'] = {'image_id': image['id'], 'image_name': image['name']}
    inv.schedule('volumes', row, call.now + call.cloud.settings.volume_create, 'created')
    return row


def create_volume(call: Call) -> Reply:
    wanted = call.json('volume')
    unknown = set(wanted) - FIELDS
    if unknown:
        raise Fault(
            400, f'Additional properties are not allowed ({", ".join(sorted(unknown))} was unexpected)'
        )
    for key in ('backup_id', 'group_id', 'consistencygroup_id'):
        if wanted.get(key):
            raise Fault(400, f'{key} is not supported by this cloud.')
    return Reply(202, {'volume': shown(call, new_volume(call, wanted, call.project))})


def list_volumes(call: Call) -> Reply:
    project = call.project_filter()
    rows = call.inv.volumes.all() if project is None else call.inv.volumes.where('project_id', project)
    for key in ('name', 'status', 'bootable', 'availability_zone', 'volume_type', 'id'):
        if key in call.query:
            rows = [row for row in rows if str(row[key]) == call.query[key]]
    rows, marker = page(call, rows, newest_first=True)
    bodies = [shown(call, row) for row in rows]
    if not call.request.path_info.endswith('/detail'):
        bodies = [{key: row[key] for key in ('id', 'name', 'links')} for row in bodies]
    return Reply(200, {'volumes': bodies, **next_link(call, 'volumes', marker)})


def get_volume(call: Call) -> Reply:
    return Reply(200, {'volume': shown(call, own_volume(call))})


def update_volume(call: Call) -> Reply:
    row, wanted = own_volume(call), call.json('volume')
    allowed = {
        'name': 'name',
        'display_name': 'name',
        'description': 'description',
        'display_description': 'description',
        'metadata': 'metadata',
    }
    for key, value in wanted.items():
        if key not in allowed:
            raise Fault(400, f"Additional properties are not allowed ('{key}' was unexpected)")
        row[allowed[key]] = value
    call.inv.volumes.put(row)
    return Reply(200, {'volume': shown(call, row)})


def delete_volume(call: Call) -> Reply:
    row = own_volume(call)
    remove(call, row, call.query.get('cascade', 'false').lower() == 'true')
    return Reply(202)


def remove(call: Call, row: Row, cascade: bool = False) -> None:
    """Begin to delete; Fault 400 when its state or its snapshots forbid it."""
    if row['status'] == 'deleting':
        return
    if row['status'] not in ('available', 'error', 'error_extending') or call.inv.attachments.where(
        'volume_id', row['id']
    ):
        raise Fault(
            400,
            'Invalid volume: Volume status must be available or error or error_restoring or '
            'error_extending or error_managing and must not be migrating, attached, belong to a group, '
            'have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.',
        )
    snapshots = call.inv.snapshots.where('volume_id', row['id'])
    if snapshots and not cascade:
        raise Fault(
            400,
            'Invalid volume: Volume status must be available or error and must not be migrating, attached, '
            'belong to a group, have snapshots.',
        )
    for snapshot in snapshots:
        call.inv.snapshots.drop(snapshot['id'])
    row['status'] = 'deleting'
    call.inv.schedule('volumes', row, call.now + call.cloud.settings.volume_delete, 'deleted')


def act(call: Call) -> Reply:
    row, data = own_volume(call), call.json()
    if not isinstance(data, dict) or len(data) != 1:
        raise Fault(400, 'Malformed request body: exactly one action is needed')
    action, given = next(iter(data.items()))
    function = ACTIONS.get(action)
    if function is None:
        raise Fault(400, f'There is no such action: {action}')
    function(call, row, given or {})
    call.inv.volumes.put(row)
    return Reply(202)


def extend(call: Call, row: Row, given: Row) -> None:
    size = given.get('new_size')
    if row['status'] != 'available' and not (row['status'] == 'in-use' and call.version >= (3, 42)):
        raise Fault(
            400,
            f"Invalid volume: Volume {row['id']} status must be 'available' or 'in-use' to extend, "
            f'currently {row["status"]}.',
        )
    if not isinstance(size, int) or size <= row['size']:
        raise Fault(
            400,
            f'Invalid input received: New size for extend must be greater than current size. (current: '
            f'{row["size"]}, extended: {size}).',
        )
    row['_size'], row['_back'], row['status'] = size, row['status'], 'extending'
    call.inv.schedule('volumes', row, call.now + call.cloud.settings.volume_action, 'extended')


def set_state(*allowed: str, to: str) -> Any:
    def change(_call: Call, row: Row, _given: Row) -> None:
        if row['status'] not in allowed:
            raise Fault(
                400, f'Invalid volume: status must be {" or ".join(allowed)}, but is {row["status"]}.'
            )
        row['status'] = to

    return change


def set_flag(key: str, given_key: str) -> Any:
    def change(_call: Call, row: Row, given: Row) -> None:
        if given_key not in given:
            raise Fault(400, f"'{given_key}' is a required property")
        value = str(given[given_key])
        if key == 'bootable':
            row['bootable'] = value.lower()
        else:
            row['metadata']['readonly'] = value.capitalize()

    return change


def retype(call: Call, row: Row, given: Row) -> None:
    if row['status'] not in ('available', 'in-use'):
        raise Fault(400, f'Invalid volume: Unable to update type due to incorrect status: {row["status"]}')
    if not given.get('new_type'):
        raise Fault(400, "'new_type' is a required property")
    row['volume_type'] = volume_tables.type_of(call, given['new_type'])['name']


def reset_status(call: Call, row: Row, given: Row) -> None:
    call.need_admin('volume_extension:volume_admin_actions:reset_status')
    row['status'] = given.get('status', row['status'])


ACTIONS: dict[str, Any] = {
    'os-extend': extend,
    'os-reserve': set_state('available', to='attaching'),
    'os-unreserve': set_state('attaching', to='available'),
    'os-begin_detaching': set_state('in-use', to='detaching'),
    'os-roll_detaching': set_state('detaching', to='in-use'),
    'os-set_bootable': set_flag('bootable', 'bootable'),
    'os-update_readonly_flag': set_flag('readonly', 'readonly'),
    'os-retype': retype,
    'os-reset_status': reset_status,
}


def transition(cloud: SimCloud, row: Row, then: str, at: float) -> None:
    """A volume whose time has come: created, extended or deleted."""
    if then == 'deleted':
        cloud.inventory.volumes.drop(row['id'])
        return
    if then == 'created':
        row['status'] = 'error' if row['_doom'] else 'available'
    elif then == 'restored':
        row['status'] = 'available'
    elif then == 'extended':
        row['size'], row['status'] = row['_size'], row['_back']
    row['updated_at'] = iso_micro(at)
    cloud.inventory.volumes.put(row)


def transition_snapshot(cloud: SimCloud, row: Row, then: str, at: float) -> None:
    if then == 'deleted':
        cloud.inventory.snapshots.drop(row['id'])
        return
    row.update(
        status='available', updated_at=iso_micro(at), **{'os-extended-snapshot-attributes:progress': '100%'}
    )
    cloud.inventory.snapshots.put(row)


BASE = '/v3/{project}'
ROUTES = [
    ('GET', '/', versions),
    ('GET', '/v3', versions),
    ('POST', f'{BASE}/volumes', create_volume),
    ('GET', f'{BASE}/volumes', list_volumes),
    ('GET', f'{BASE}/volumes/detail', list_volumes),
    ('GET', f'{BASE}/volumes/{{id}}', get_volume),
    ('PUT', f'{BASE}/volumes/{{id}}', update_volume),
    ('DELETE', f'{BASE}/volumes/{{id}}', delete_volume),
    ('POST', f'{BASE}/volumes/{{id}}/action', act),
    *volume_tables.ROUTES,
    *backups.ROUTES,
]
SERVICE = Service(
    'volume',
    '/volume',
    ROUTES,
    compute_fault,
    public=('GET /', 'GET /v3'),
    header='volume',
    min_version=(3, 0),
    max_version=(3, 70),
)
