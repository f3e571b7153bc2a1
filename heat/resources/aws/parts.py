"""Declarations that many types of CloudFormation share: tags, key and value pairs, block devices.

Purpose: the same words for the same things. Invariant: pure. Neighbours: the
tables beside this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.schema import IN_PLACE, UNKNOWN, Boolean, List, Map, Number, Property, String


def pairs(description: str, implemented: bool = True, **options: Any) -> Property:
    """A list of {Key, Value}; ``implemented`` False declares it without taking any."""
    return List(description, of=Map(implemented=implemented, keys={
        'Key': String('Name.', required=True), 'Value': String('Value.', required=True)}), **options)


def network_tags() -> Property:
    """Tags of network types. The interface calls their items not implemented, and has always taken them."""
    return pairs('Names and values that describe it.', implemented=False, wire='tags', encode=as_texts)


def own_tags() -> Property:
    """Tags of network types that have none in the classic interface."""
    return pairs('Names and values that describe it.', wire='tags', encode=as_texts, update=IN_PLACE,
                 own=True)


def maps(given: Any) -> list[Mapping[str, Any]]:
    """The items that are maps; what is not is told by the table."""
    return [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []


def as_texts(given: Iterable[Mapping[str, Any]]) -> list[str]:
    """``[{Key, Value}]`` as tags of the network service, which are texts."""
    return [f'{one.get("Key")}={one.get("Value")}' for one in maps(given)]


def as_map(given: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """``[{Key, Value}]`` as a map; of equal keys the last one counts."""
    return {str(one.get('Key')): one.get('Value') for one in maps(given)}


def as_hints(given: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """``[{Key, Value}]`` as a map; the values of equal keys become a list."""
    hints: dict[str, list[Any]] = {}
    for one in maps(given):
        hints.setdefault(str(one.get('Key')), []).append(one.get('Value'))
    return {key: values if len(values) > 1 else values[0] for key, values in hints.items()}


def block_devices(**options: Any) -> Property:
    return List('Volumes made for the instance and attached to it.', of=Map(keys={
        'DeviceName': String('Device, like vdb.', required=True),
        'Ebs': Map('The volume.', keys={
            'DeleteOnTermination': Boolean('Delete it with the instance.', default=True),
            'Iops': Number('Not implemented.', implemented=False),
            'SnapshotId': String('Snapshot it is copied from.', check='cinder.snapshot'),
            'VolumeSize': String('Size in GB; by default that of the snapshot.'),
            'VolumeType': String('Not implemented.', implemented=False)}),
        'NoDevice': Map('Not implemented.', implemented=False),
        'VirtualName': String('Not implemented.', implemented=False)}), **options)


def as_devices(given: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Block devices in the words of OS::Nova::Server."""
    found = []
    for one in maps(given):
        ebs = one.get('Ebs') or {}
        device = {'device_name': one.get('DeviceName'), 'snapshot_id': ebs.get('SnapshotId'),
                  'volume_size': ebs.get('VolumeSize'),
                  'delete_on_termination': ebs.get('DeleteOnTermination')}
        found.append({name: value for name, value in device.items() if value is not None})
    return found


def device_faults(given: Any) -> Iterable[str]:
    """What block devices lack; values may be UNKNOWN."""
    for one in maps(given):
        ebs = one.get('Ebs')
        if not ebs:
            yield 'Ebs is missing, this is required'
        elif ebs is not UNKNOWN and not ebs.get('SnapshotId') and not ebs.get('VolumeSize'):
            yield 'SnapshotId is missing, this is required when specifying BlockDeviceMappings.'
