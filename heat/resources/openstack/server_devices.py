"""A server's block devices, as the compute service wants to be told.

Purpose: the two property lists of devices in the request's form, and what does
not fit together in them. Invariant: pure. Neighbours: ``server``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

SOURCES = ('volume_id', 'image', 'snapshot_id', 'swap_size', 'ephemeral_size', 'ephemeral_format')


def first_form(devices: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """``block_device_mapping`` of the request."""
    wanted = []
    for device in devices:
        entry = {name: device[name] for name in ('device_name', 'volume_id', 'snapshot_id', 'volume_size')
                 if device.get(name) is not None}
        entry['delete_on_termination'] = bool(device.get('delete_on_termination'))
        wanted.append(entry)
    return wanted


def second_form(devices: Iterable[Mapping[str, Any]], image: str | None) -> list[dict[str, Any]]:
    """``block_device_mapping_v2`` of the request; the server's own image is its first disk."""
    wanted: list[dict[str, Any]] = []
    for device in devices:
        entry: dict[str, Any] = {'destination_type': 'volume'}
        if device.get('volume_id'):
            entry.update(uuid=device['volume_id'], source_type='volume')
        elif device.get('snapshot_id'):
            entry.update(uuid=device['snapshot_id'], source_type='snapshot')
        elif device.get('image'):
            entry.update(uuid=device['image'], source_type='image')
        elif device.get('swap_size'):
            entry.update(source_type='blank', destination_type='local', boot_index=-1, guest_format='swap',
                         volume_size=device['swap_size'], delete_on_termination=True)
        elif device.get('ephemeral_size') or device.get('ephemeral_format'):
            entry.update(source_type='blank', destination_type='local', boot_index=-1,
                         delete_on_termination=True)
            if device.get('ephemeral_size'):
                entry['volume_size'] = device['ephemeral_size']
            if device.get('ephemeral_format'):
                entry['guest_format'] = device['ephemeral_format']
        else:
            entry.update(source_type='blank')
        for name in ('device_name', 'device_type', 'disk_bus', 'boot_index', 'volume_size', 'volume_type',
                     'delete_on_termination'):
            if device.get(name) is not None:
                entry[name] = device[name]
        entry.setdefault('delete_on_termination', False)
        wanted.append(entry)
    if image and wanted and not any(_same(entry, image) for entry in wanted):
        wanted.insert(0, {'uuid': image, 'source_type': 'image', 'destination_type': 'local', 'boot_index': 0,
                          'delete_on_termination': True})
    return wanted


def _same(entry: Mapping[str, Any], image: str) -> bool:
    return entry.get('source_type') == 'image' and entry.get('uuid') == image and entry.get('boot_index') == 0


def faults(props: Mapping[str, Any]) -> Iterable[str]:
    """Sentences about devices that do not fit together; values may be UNKNOWN."""
    old, new = props.get('block_device_mapping') or [], props.get('block_device_mapping_v2') or []
    if old and new:
        yield ('Cannot define the following properties at the same time: block_device_mapping, '
               'block_device_mapping_v2.')
    bootable = props.get('image') is not None
    for device in old if isinstance(old, list) else ():
        if not isinstance(device, Mapping):
            bootable = True
            continue
        bootable = bootable or device.get('device_name') in ('vda', '/dev/vda')
        if device.get('volume_id') is not None and device.get('snapshot_id') is not None:
            yield 'Cannot define the following properties at the same time: volume_id, snapshot_id.'
        if device.get('volume_id') is None and device.get('snapshot_id') is None:
            yield 'Either volume_id or snapshot_id must be specified for device mapping.'
    for device in new if isinstance(new, list) else ():
        if not isinstance(device, Mapping):
            bootable = True
            continue
        given = [name for name in SOURCES if device.get(name) is not None]
        if not given:
            yield ('Either volume_id, snapshot_id, image, swap_size, ephemeral_size or ephemeral_format must '
                   'be specified.')
        if len([name for name in given if not name.startswith('ephemeral')]) + any(
                name.startswith('ephemeral') for name in given) > 1:
            yield f'Cannot define the following properties at the same time: {", ".join(given)}.'
        if device.get('image') is not None and device.get('volume_size') is None:
            yield 'A device made from an image needs volume_size.'
        bootable = bootable or bool({'volume_id', 'snapshot_id', 'image'} & set(given))
    if not bootable:
        yield 'Neither image nor bootable volume is specified for the instance.'
