"""Volumes at servers.

Purpose: what compute does with volumes. Invariant: a volume is in-use exactly while an attachment says
attached. Neighbours: ``compute`` plugs and unplugs, ``volume`` has the volumes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heat.common import ids
from heat.simcloud.routing import Call, Fault, Row
from heat.simcloud.stamps import iso_micro
from heat.simcloud.volume import SERVICE, new_volume, remove

if TYPE_CHECKING:
    from heat.simcloud.server import SimCloud


def transition(cloud: SimCloud, row: Row, then: str, at: float) -> None:
    call = Call.of_cloud(cloud, SERVICE)
    if then == 'detached':
        unplug(call, row)
        return
    volume = cloud.inventory.volumes.get(row['volume_id'])
    if volume is not None and volume['status'] == 'creating':
        cloud.inventory.schedule('attachments', row, max(at, volume['_due'] or at), then)
        return
    row.update(attach_status='attached', attached_at=iso_micro(at))
    cloud.inventory.attachments.put(row)
    if volume is not None:
        volume['status'] = 'in-use'
        cloud.inventory.volumes.put(volume)


def plug(
    call: Call,
    server: Row,
    volume_id: Any,
    device: str | None,
    tag: str | None,
    delete: bool,
    boot: bool = False,
) -> Row:
    """Begin to attach a volume to a server; the attachment row. Fault 400 or 404."""
    volume = call.inv.volumes.get(volume_id)
    if volume is None or not (call.admin or volume['project_id'] == server['project_id']):
        raise Fault(400 if boot else 404, f'Volume {volume_id} could not be found.')
    if any(
        row['instance_uuid'] == server['id'] for row in call.inv.attachments.where('volume_id', volume['id'])
    ):
        raise Fault(400, f'Invalid volume: volume {volume_id} is already attached to this instance.')
    fresh = volume['status'] == 'creating' and boot
    if (
        not fresh
        and volume['status'] != 'available'
        and not (volume['multiattach'] and volume['status'] == 'in-use')
    ):
        raise Fault(
            400,
            f"Invalid volume: volume '{volume_id}' status must be 'available'. Currently in "
            f"'{volume['status']}'",
        )
    used = {row['_device'] for row in call.inv.attachments.where('instance_uuid', server['id'])}
    first = 0 if boot and not server['image_id'] else 1
    name = device or next(
        f'/dev/vd{letter}'
        for letter in 'abcdefghijklmnopqrstuvwxyz'[first:]
        if f'/dev/vd{letter}' not in used
    )
    row: Row = {
        'id': ids.new_id(),
        'volume_id': volume['id'],
        'instance_uuid': server['id'],
        'project_id': server['project_id'],
        'attach_status': 'attaching',
        'attached_at': '',
        '_device': name,
        '_tag': tag,
        '_delete': delete,
    }
    if not fresh:
        volume['status'] = 'attaching'
        call.inv.volumes.put(volume)
    settings = call.cloud.settings
    wait = settings.server_build if boot else settings.volume_action
    call.inv.schedule('attachments', row, call.now + wait, 'attached')
    return row


def plug_device(call: Call, server: Row, device: Row, index: int) -> None:
    """One entry of block_device_mapping_v2."""
    source = device.get('source_type')
    target = device.get('destination_type') or ('volume' if source in ('volume', 'snapshot') else 'local')
    if source not in ('volume', 'image', 'snapshot', 'blank'):
        raise Fault(400, f'Invalid input for field/attribute source_type. Value: {source}.')
    if target == 'local':
        return  # a local disk is inside the server and nothing outside shows it
    volume_id = device.get('uuid')
    if source != 'volume':
        key = {'image': 'imageRef', 'snapshot': 'snapshot_id'}.get(source)
        made = new_volume(
            call,
            {
                'name': '',
                'size': device.get('volume_size') or (None if key else 1),
                'volume_type': device.get('volume_type'),
                **({key: volume_id} if key else {}),
            },
            server['project_id'],
        )
        volume_id = made['id']
    try:
        plug(
            call,
            server,
            volume_id,
            device.get('device_name'),
            device.get('tag'),
            str(device.get('delete_on_termination', False)).lower() in ('true', '1'),
            boot=True,
        )
    except Fault as fault:
        raise Fault(
            400,
            f'Block Device Mapping is Invalid: failed to get volume {volume_id} ({index}). {fault.message}',
        ) from fault


def start_unplug(call: Call, row: Row) -> None:
    row['attach_status'] = 'detaching'
    volume = call.inv.volumes.rows[row['volume_id']]
    volume['status'] = 'detaching'
    call.inv.volumes.put(volume)
    call.inv.schedule('attachments', row, call.now + call.cloud.settings.volume_action, 'detached')


def unplug(call: Call, row: Row, gone: bool = False) -> None:
    """Forget the attachment; ``gone``: its server is deleted, so delete_on_termination counts."""
    call.inv.attachments.drop(row['id'])
    volume = call.inv.volumes.get(row['volume_id'])
    if volume is None:
        return
    if not call.inv.attachments.where('volume_id', volume['id']) and volume['status'] != 'creating':
        volume['status'] = 'available'
        call.inv.volumes.put(volume)
        if gone and row['_delete']:
            remove(call, volume, cascade=True)
