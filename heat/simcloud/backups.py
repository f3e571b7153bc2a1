"""Block storage's backups: made of a volume, restored into one.

Purpose: the routes under ``/backups``. Invariant: a backup outlives its volume;
what it restores takes its size, never shrinking. Neighbours: ``volume`` mounts
these routes, ``server`` runs the transitions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heat.common import ids
from heat.simcloud.routing import Call, Fault, Reply, Row, next_link, page
from heat.simcloud.stamps import iso_micro
from heat.simcloud.volume_tables import own

if TYPE_CHECKING:
    from heat.simcloud.server import SimCloud


def shown(row: Row) -> Row:
    return {key: value for key, value in row.items() if not key.startswith('_') and key != 'project_id'}


def create_backup(call: Call) -> Reply:
    wanted = call.json('backup')
    volume = call.inv.volumes.get(wanted.get('volume_id'))
    if volume is None or not (call.admin or volume['project_id'] == call.project):
        raise Fault(404, f'Volume {wanted.get("volume_id")} could not be found.')
    if volume['status'] != 'available' and not (volume['status'] == 'in-use' and wanted.get('force')):
        raise Fault(400, 'Invalid volume: Volume to be backed up must be available, or in-use with force, '
                         f'but the current status is "{volume["status"]}".')
    now = iso_micro(call.now)
    row: Row = {
        'id': ids.new_id(), 'name': wanted.get('name'), 'description': wanted.get('description'),
        'volume_id': volume['id'], 'size': volume['size'], 'status': 'creating', 'fail_reason': None,
        'created_at': now, 'updated_at': now, 'is_incremental': False, 'project_id': volume['project_id'],
        '_doom': call.doom}
    call.inv.schedule('backups', row, call.now + call.cloud.settings.volume_create, 'created')
    return Reply(202, {'backup': {key: row[key] for key in ('id', 'name', 'volume_id')}})


def list_backups(call: Call) -> Reply:
    project = call.project_filter()
    rows = call.inv.backups.all() if project is None else call.inv.backups.where('project_id', project)
    for key in ('name', 'status', 'volume_id'):
        if key in call.query:
            rows = [row for row in rows if row[key] == call.query[key]]
    rows, marker = page(call, rows, newest_first=True)
    return Reply(200, {'backups': [shown(row) for row in rows], **next_link(call, 'backups', marker)})


def get_backup(call: Call) -> Reply:
    return Reply(200, {'backup': shown(own(call, 'backups'))})


def delete_backup(call: Call) -> Reply:
    row = own(call, 'backups')
    if row['status'] not in ('available', 'error'):
        raise Fault(400, 'Invalid backup: Backup status must be available or error')
    row['status'] = 'deleting'
    call.inv.schedule('backups', row, call.now + call.cloud.settings.volume_delete, 'deleted')
    return Reply(202)


def restore_backup(call: Call) -> Reply:
    row, wanted = own(call, 'backups'), call.json('restore')
    volume = call.inv.volumes.get(wanted.get('volume_id'))
    if volume is None or volume['project_id'] != row['project_id']:
        raise Fault(404, f'Volume {wanted.get("volume_id")} could not be found.')
    if volume['status'] != 'available':
        raise Fault(400, 'Invalid volume: Volume to be restored to must be available')
    if volume['size'] < row['size']:
        raise Fault(400, 'Invalid volume: volume size must be as big as the backup')
    volume['status'] = 'restoring-backup'
    volume['_restored'] = row['id']
    call.inv.schedule('volumes', volume, call.now + call.cloud.settings.volume_action, 'restored')
    return Reply(202, {'restore': {'backup_id': row['id'], 'volume_id': volume['id'],
                                   'volume_name': volume['name']}})


def transition(cloud: SimCloud, row: Row, then: str, at: float) -> None:
    if then == 'deleted':
        cloud.inventory.backups.drop(row['id'])
        return
    row.update(status='error' if row['_doom'] else 'available', updated_at=iso_micro(at))
    cloud.inventory.backups.put(row)


BASE = '/v3/{project}/backups'
ROUTES: list[Any] = [
    ('POST', BASE, create_backup),
    ('GET', BASE, list_backups),
    ('GET', f'{BASE}/detail', list_backups),
    ('GET', f'{BASE}/{{id}}', get_backup),
    ('DELETE', f'{BASE}/{{id}}', delete_backup),
    ('POST', f'{BASE}/{{id}}/restore', restore_backup),
]
