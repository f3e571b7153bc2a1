"""AWS::EC2::Volume and AWS::EC2::VolumeAttachment: volumes in the words of CloudFormation.

Purpose: two tables. Invariant: nothing of them can be changed; what is not
allowed by the table is refused by the planner. Neighbours: ``openstack.cinder``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.resource import Row
from heat.resources.aws.parts import as_map, pairs
from heat.resources.aws.translated import Translated
from heat.resources.base import Steps
from heat.resources.openstack import cinder
from heat.schema import Integer, String


class Volume(Translated):
    """A block storage volume."""

    type = 'AWS::EC2::Volume'
    of = cinder.Volume
    tags_in = 'Tags'
    snapshots = True

    class properties:
        AvailabilityZone = String('Where the volume is made.', required=True, immutable=True,
                                  wire='availability_zone')
        Size = Integer('Size in GB.', range=(1, None), immutable=True, wire='size')
        SnapshotId = String('Backup it is restored from.', check='cinder.backup', immutable=True,
                            wire='backup_id')
        Tags = pairs('Names and values that describe it.', immutable=True, wire='metadata', encode=as_map)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        yield from super().validate(props)
        if props.get('Size') is None and props.get('SnapshotId') is None:
            yield 'If SnapshotId is not provided, the property Size must be specified.'

    def last_snapshot(self) -> Steps:
        yield from self.inner.last_snapshot()


class VolumeAttachment(Translated):
    """The attachment of a volume to an instance."""

    type = 'AWS::EC2::VolumeAttachment'
    of = cinder.VolumeAttachment

    class properties:
        InstanceId = String('The instance.', required=True, immutable=True, check='nova.server',
                            wire='instance_uuid')
        VolumeId = String('The volume.', required=True, immutable=True, check='cinder.volume',
                          wire='volume_id')
        Device = String('Where the instance shows it.', required=True, immutable=True,
                        pattern='/dev/vd[b-z]', wire='mountpoint')

    @classmethod
    def same_thing(cls, row: Row, other: Row) -> bool:
        return super().same_thing(row, other) and (row.props or {}).get('InstanceId') == (
            other.props or {}).get('InstanceId')
