"""Block storage's other tables: metadata, snapshots, types, attachments, limits, quotas.

Purpose: the routes beside volumes. Invariant: a snapshot belongs to a volume
that exists. Neighbours: ``volume`` mounts these and runs their transitions.
"""

from __future__ import annotations

from typing import Any

from heat.common import ids
from heat.simcloud.routing import Call, Fault, Reply, Row, next_link, page
from heat.simcloud.stamps import iso_micro


def own(call: Call, kind: str) -> Row:
    row = call.inv.tables[kind].get(call.args['id'])
    if row is None or not (call.admin or row['project_id'] == call.project):
        raise Fault(404, f'{kind[:-1].capitalize()} {call.args["id"]} could not be found.')
    return row


def own_volume(call: Call) -> Row:
    return own(call, 'volumes')


def type_of(call: Call, reference: Any) -> Row:
    """The volume type of an id or name; the first one when not given. Fault 404."""
    rows = call.inv.volume_types.all()
    for row in rows:
        if not reference or reference in (row['id'], row['name']):
            return row
    raise Fault(404, f'Volume type {reference} could not be found.')


def metadata(kind: str) -> Any:
    def handle(call: Call) -> Reply:
        row = own(call, kind)
        if call.request.method in ('POST', 'PUT'):
            wanted = call.json('metadata')
            row['metadata'] = wanted if call.request.method == 'PUT' else {**row['metadata'], **wanted}
            call.inv.tables[kind].put(row)
        return Reply(200, {'metadata': row['metadata']})

    return handle


def metadata_item(call: Call) -> Reply:
    row, key = own_volume(call), call.args['key']
    if call.request.method == 'PUT':
        row['metadata'][key] = call.json('meta').get(key)
    elif key not in row['metadata']:
        raise Fault(404, f'Volume {row["id"]} has no metadata with key {key}.')
    if call.request.method == 'DELETE':
        del row['metadata'][key]
        call.inv.volumes.put(row)
        return Reply(200)
    call.inv.volumes.put(row)
    return Reply(200, {'meta': {key: row['metadata'][key]}})


def shown_snapshot(row: Row) -> Row:
    result = {key: value for key, value in row.items() if not key.startswith('_') and key != 'project_id'}
    result['os-extended-snapshot-attributes:project_id'] = row['project_id']
    return result


def create_snapshot(call: Call) -> Reply:
    wanted = call.json('snapshot')
    volume = call.inv.volumes.get(wanted.get('volume_id'))
    if volume is None or not (call.admin or volume['project_id'] == call.project):
        raise Fault(404, f'Volume {wanted.get("volume_id")} could not be found.')
    forced = wanted.get('force') or call.version >= (3, 66)
    if volume['status'] != 'available' and not (volume['status'] == 'in-use' and forced):
        raise Fault(
            400,
            f'Invalid volume: Volume {volume["id"]} status must be available, but current status is: '
            f'{volume["status"]}.',
        )
    now = iso_micro(call.now)
    row: Row = {
        'id': ids.new_id(),
        'name': wanted.get('name'),
        'description': wanted.get('description'),
        'volume_id': volume['id'],
        'size': volume['size'],
        'status': 'creating',
        'metadata': dict(wanted.get('metadata') or {}),
        'created_at': now,
        'updated_at': now,
        'os-extended-snapshot-attributes:progress': '0%',
        'user_id': call.user,
        'project_id': volume['project_id'],
    }
    call.inv.schedule('snapshots', row, call.now + call.cloud.settings.volume_create, 'created')
    return Reply(202, {'snapshot': shown_snapshot(row)})


def list_snapshots(call: Call) -> Reply:
    project = call.project_filter()
    rows = call.inv.snapshots.all() if project is None else call.inv.snapshots.where('project_id', project)
    for key in ('name', 'status', 'volume_id'):
        if key in call.query:
            rows = [row for row in rows if row[key] == call.query[key]]
    rows, marker = page(call, rows, newest_first=True)
    return Reply(
        200, {'snapshots': [shown_snapshot(row) for row in rows], **next_link(call, 'snapshots', marker)}
    )


def get_snapshot(call: Call) -> Reply:
    return Reply(200, {'snapshot': shown_snapshot(own(call, 'snapshots'))})


def update_snapshot(call: Call) -> Reply:
    row, wanted = own(call, 'snapshots'), call.json('snapshot')
    for key in ('name', 'description'):
        row[key] = wanted.get(key, row[key])
    call.inv.snapshots.put(row)
    return Reply(200, {'snapshot': shown_snapshot(row)})


def delete_snapshot(call: Call) -> Reply:
    row = own(call, 'snapshots')
    if row['status'] not in ('available', 'error'):
        raise Fault(400, 'Invalid snapshot: Snapshot status must be available or error.')
    row['status'] = 'deleting'
    call.inv.schedule('snapshots', row, call.now + call.cloud.settings.volume_delete, 'deleted')
    return Reply(202)


def shown_type(row: Row) -> Row:
    return {**row, 'os-volume-type-access:is_public': row['is_public'], 'qos_specs_id': None}


def list_types(call: Call) -> Reply:
    return Reply(200, {'volume_types': [shown_type(row) for row in call.inv.volume_types.all()]})


def get_type(call: Call) -> Reply:
    if call.args['id'] == 'default':
        return Reply(200, {'volume_type': shown_type(type_of(call, None))})
    row = call.inv.volume_types.get(call.args['id'])
    if row is None:
        raise Fault(404, f'Volume type {call.args["id"]} could not be found.')
    return Reply(200, {'volume_type': shown_type(row)})


def create_type(call: Call) -> Reply:
    call.need_admin('volume_extension:type_create')
    wanted = call.json('volume_type')
    if any(row['name'] == wanted.get('name') for row in call.inv.volume_types.all()):
        raise Fault(409, f'Volume Type {wanted.get("name")} already exists.')
    row = call.inv.volume_types.put(
        {
            'id': ids.new_id(),
            'name': wanted.get('name'),
            'description': wanted.get('description'),
            'is_public': wanted.get('os-volume-type-access:is_public', True),
            'extra_specs': dict(wanted.get('extra_specs') or {}),
        }
    )
    return Reply(200, {'volume_type': shown_type(row)})


def delete_type(call: Call) -> Reply:
    call.need_admin('volume_extension:type_delete')
    row = call.inv.volume_types.get(call.args['id'])
    if row is None:
        raise Fault(404, f'Volume type {call.args["id"]} could not be found.')
    if any(volume['volume_type'] == row['name'] for volume in call.inv.volumes.all()):
        raise Fault(400, 'Target volume type is still in use.')
    call.inv.volume_types.drop(row['id'])
    return Reply(202)


def shown_attachment(row: Row) -> Row:
    return {
        'id': row['id'],
        'status': row['attach_status'],
        'volume_id': row['volume_id'],
        'instance': row['instance_uuid'],
        'attached_at': row['attached_at'],
        'detached_at': '',
        'attach_mode': 'rw',
        'connection_info': {},
    }


def list_attachments(call: Call) -> Reply:
    project = call.project_filter()
    table = call.inv.attachments
    rows = table.all() if project is None else table.where('project_id', project)
    for key, field in (('volume_id', 'volume_id'), ('instance_id', 'instance_uuid')):
        if key in call.query:
            rows = [row for row in rows if row[field] == call.query[key]]
    return Reply(200, {'attachments': [shown_attachment(row) for row in rows]})


def get_attachment(call: Call) -> Reply:
    return Reply(200, {'attachment': shown_attachment(own(call, 'attachments'))})


def create_attachment(call: Call) -> Reply:
    wanted = call.json('attachment')
    volume = call.inv.volumes.get(wanted.get('volume_uuid'))
    if volume is None or not (call.admin or volume['project_id'] == call.project):
        raise Fault(404, f'Volume {wanted.get("volume_uuid")} could not be found.')
    if volume['status'] not in ('available', 'downloading'):
        raise Fault(
            400,
            f'Invalid volume: Volume {volume["id"]} status must be available or downloading to reserve, '
            f'but the current status is {volume["status"]}.',
        )
    volume['status'] = 'attaching' if wanted.get('connector') else 'reserved'
    call.inv.volumes.put(volume)
    row = call.inv.attachments.put(
        {
            'id': ids.new_id(),
            'volume_id': volume['id'],
            'instance_uuid': wanted.get('instance_uuid'),
            'project_id': volume['project_id'],
            'attach_status': volume['status'],
            'attached_at': '',
            '_device': '/dev/vdb',
            '_tag': None,
            '_delete': False,
        }
    )
    return Reply(200, {'attachment': shown_attachment(row)})


def act_attachment(call: Call) -> Reply:
    row = own(call, 'attachments')
    if 'os-complete' not in call.json():
        raise Fault(400, 'There is no such action')
    volume = call.inv.volumes.rows[row['volume_id']]
    row['attach_status'], row['attached_at'], volume['status'] = 'attached', iso_micro(call.now), 'in-use'
    call.inv.attachments.put(row)
    call.inv.volumes.put(volume)
    return Reply(204)


def delete_attachment(call: Call) -> Reply:
    row = own(call, 'attachments')
    if call.inv.servers.get(row['instance_uuid']):
        raise Fault(409, 'Detach volume using the Compute API')
    call.inv.attachments.drop(row['id'])
    volume = call.inv.volumes.get(row['volume_id'])
    if volume is not None:
        volume['status'] = 'available'
        call.inv.volumes.put(volume)
    return Reply(200, {'attachments': []})


def limits(call: Call) -> Reply:
    rows = call.inv.volumes.where('project_id', call.project)
    return Reply(
        200,
        {
            'limits': {
                'rate': [],
                'absolute': {
                    'maxTotalVolumes': call.cloud.settings.quota_volumes or -1,
                    'maxTotalVolumeGigabytes': -1,
                    'maxTotalSnapshots': -1,
                    'maxTotalBackups': -1,
                    'maxTotalBackupGigabytes': -1,
                    'totalVolumesUsed': len(rows),
                    'totalGigabytesUsed': sum(row['size'] for row in rows),
                    'totalSnapshotsUsed': len(call.inv.snapshots.where('project_id', call.project)),
                    'totalBackupsUsed': 0,
                    'totalBackupGigabytesUsed': 0,
                },
            }
        },
    )


def show_quota(call: Call) -> Reply:
    if call.args['id'] != call.project:
        call.need_admin('volume_extension:quotas:show')
    used = {
        'volumes': len(call.inv.volumes.where('project_id', call.args['id'])),
        'snapshots': len(call.inv.snapshots.where('project_id', call.args['id'])),
        'gigabytes': sum(row['size'] for row in call.inv.volumes.where('project_id', call.args['id'])),
    }
    limit = {'volumes': call.cloud.settings.quota_volumes or -1, 'snapshots': -1, 'gigabytes': -1}
    usage = call.query.get('usage', '').lower() == 'true'
    shown: Row = {
        key: {'limit': limit[key], 'in_use': used[key], 'reserved': 0} if usage else limit[key]
        for key in limit
    }
    return Reply(200, {'quota_set': {'id': call.args['id'], **shown}})


def list_zones(_call: Call) -> Reply:
    return Reply(200, {'availabilityZoneInfo': [{'zoneName': 'nova', 'zoneState': {'available': True}}]})


def list_extensions(_call: Call) -> Reply:
    return Reply(200, {'extensions': []})


BASE = '/v3/{project}'
ROUTES = [
    *(
        (method, f'{BASE}/{kind}/{{id}}/metadata', metadata(kind))
        for kind in ('volumes', 'snapshots')
        for method in ('GET', 'POST', 'PUT')
    ),
    *(
        (method, f'{BASE}/volumes/{{id}}/metadata/{{key}}', metadata_item)
        for method in ('GET', 'PUT', 'DELETE')
    ),
    ('POST', f'{BASE}/snapshots', create_snapshot),
    ('GET', f'{BASE}/snapshots', list_snapshots),
    ('GET', f'{BASE}/snapshots/detail', list_snapshots),
    ('GET', f'{BASE}/snapshots/{{id}}', get_snapshot),
    ('PUT', f'{BASE}/snapshots/{{id}}', update_snapshot),
    ('DELETE', f'{BASE}/snapshots/{{id}}', delete_snapshot),
    ('GET', f'{BASE}/types', list_types),
    ('POST', f'{BASE}/types', create_type),
    ('GET', f'{BASE}/types/{{id}}', get_type),
    ('DELETE', f'{BASE}/types/{{id}}', delete_type),
    ('GET', f'{BASE}/attachments', list_attachments),
    ('GET', f'{BASE}/attachments/detail', list_attachments),
    ('POST', f'{BASE}/attachments', create_attachment),
    ('GET', f'{BASE}/attachments/{{id}}', get_attachment),
    ('POST', f'{BASE}/attachments/{{id}}/action', act_attachment),
    ('DELETE', f'{BASE}/attachments/{{id}}', delete_attachment),
    ('GET', f'{BASE}/limits', limits),
    ('GET', f'{BASE}/os-quota-sets/{{id}}', show_quota),
    ('GET', f'{BASE}/os-availability-zone', list_zones),
    ('GET', f'{BASE}/extensions', list_extensions),
]
