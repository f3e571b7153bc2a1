"""AWS::EC2::Instance: a server in the words of CloudFormation.

Purpose: the table, and what OS::Nova::Server has no word for: volumes that are
attached once the instance runs. Invariant: those volumes are let go before the
instance goes. Neighbours: ``openstack.server`` is the life of it, ``translated``
the way there.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import CloudFault, StepFailed
from heat.resources.aws.parts import as_devices, as_hints, as_map, block_devices, device_faults, pairs
from heat.resources.aws.translated import Translated
from heat.resources.base import Steps
from heat.resources.openstack.cinder import attach, detach
from heat.resources.openstack.server import Server
from heat.resources.openstack.server_views import first_address
from heat.schema import IN_PLACE, UNKNOWN, Attr, Boolean, List, Map, String


def plain_text(given: str) -> str:
    """The text that ``given`` is the base64 form of, or ``given`` itself if it is that of no text.

    Templates for AWS encode the boot script; here it is encoded on its way to the cloud.
    """
    try:
        text = base64.b64decode(''.join(given.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return given
    return text if all(letter.isprintable() or letter in '\t\r\n' for letter in text) else given


def _address(body: Mapping[str, Any]) -> str:
    return first_address(body) or '0.0.0.0'


class Instance(Translated):
    """A virtual machine."""

    type = 'AWS::EC2::Instance'
    of = Server
    tags_in = 'Tags'

    class properties:
        ImageId = String('Image to boot.', required=True, is_a='glance.image', wire='image')
        InstanceType = String('Flavor.', required=True, is_a='nova.flavor', wire='flavor', update=IN_PLACE)
        KeyName = String('Key pair.', check='nova.keypair', wire='key_name')
        AvailabilityZone = String('Where the instance is made.', wire='availability_zone')
        DisableApiTermination = String('Not implemented.', implemented=False, wire=None)
        KernelId = String('Not implemented.', implemented=False, wire=None)
        Monitoring = Boolean('Not implemented.', implemented=False, wire=None)
        PlacementGroupName = String('Not implemented.', implemented=False, wire=None)
        PrivateIpAddress = String('Not implemented.', implemented=False, wire=None)
        RamDiskId = String('Not implemented.', implemented=False, wire=None)
        SecurityGroups = List('Names or ids of security groups.', wire=None)
        SecurityGroupIds = List('Ids of security groups.', wire=None)
        NetworkInterfaces = List('Its network interfaces: ids, or maps of NetworkInterfaceId and '
                                 'DeviceIndex.', wire=None, update=IN_PLACE)
        SourceDestCheck = Boolean('Not implemented.', implemented=False, wire=None)
        SubnetId = String('Subnet it is connected to.', find='neutron.subnet', wire=None, update=IN_PLACE)
        Tags = pairs('Names and values that describe it.', wire='metadata', encode=as_map, update=IN_PLACE)
        NovaSchedulerHints = pairs('Hints for the scheduler.', wire='scheduler_hints', encode=as_hints)
        Tenancy = String('Not implemented.', values=['dedicated', 'default'], implemented=False, wire=None)
        UserData = String('Boot script, plain or in base64.', wire='user_data', encode=plain_text)
        Volumes = List('Volumes attached to it.', default=[], wire=None, of=Map(keys={
            'Device': String('Where it shows the volume, like /dev/vdb.', required=True),
            'VolumeId': String('The volume.', required=True, check='cinder.volume')}))
        BlockDeviceMappings = block_devices(wire='block_device_mapping_v2', encode=as_devices)

    class attributes:
        AvailabilityZone = Attr('Where it is.', 'String', wire='OS-EXT-AZ:availability_zone')
        PrivateDnsName = Attr('First address.', 'String', get=_address)
        PublicDnsName = Attr('First address.', 'String', get=_address)
        PrivateIp = Attr('First address.', 'String', get=_address)
        PublicIp = Attr('First address.', 'String', get=_address)

    @classmethod
    def said(cls, props: Mapping[str, Any]) -> dict[str, Any]:
        said = super().said(props)
        groups = [*(props.get('SecurityGroups') or ()), *(props.get('SecurityGroupIds') or ())]
        if groups:
            said['security_groups'] = groups
        if props.get('NetworkInterfaces'):
            said['networks'] = [{'port': port} for port in ports_of(props['NetworkInterfaces'])]
        elif props.get('SubnetId'):
            said['networks'] = [{'subnet': props['SubnetId']}]
        return said

    @classmethod
    def heard(cls, words: Mapping[str, Any]) -> dict[str, Any]:
        found = super().heard(words)
        if 'metadata' in words:
            found['Tags'] = [{'Key': key, 'Value': value} for key, value in words['metadata'].items()]
        return found

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        wrong = [*interface_faults(props.get('NetworkInterfaces')),
                 *device_faults(props.get('BlockDeviceMappings'))]
        yield from wrong
        if props.get('NetworkInterfaces') and (props.get('SecurityGroups') or props.get('SecurityGroupIds')):
            yield ('Cannot define the following properties at the same time: '
                   'SecurityGroups/SecurityGroupIds, NetworkInterfaces.')
        if not wrong:
            yield from super().validate(props)

    def create(self) -> Steps:
        answer = yield from super().create()
        if not self.props['Volumes']:
            return answer
        for volume in self.props['Volumes']:
            yield from attach(self.id, volume['VolumeId'], volume['Device'])
        return None

    def delete(self) -> Steps:
        if self.row.physical_id is not None:
            for volume in (self.row.props or {}).get('Volumes') or ():
                try:
                    yield from detach(self.row.physical_id, volume['VolumeId'])
                except (CloudFault, StepFailed):
                    # A broken instance lets nothing go; the volume comes free when it is deleted.
                    continue
        yield from super().delete()


def ports_of(interfaces: Iterable[Any]) -> list[str]:
    """The ids in the order of their DeviceIndex, which for a plain id is its place in the list."""
    ordered = []
    for place, one in enumerate(interfaces):
        if one is None:
            continue
        if isinstance(one, Mapping):
            ordered.append((int(one.get('DeviceIndex', place)), str(one.get('NetworkInterfaceId'))))
        else:
            ordered.append((place, str(one)))
    return [port for _, port in sorted(ordered, key=lambda entry: entry[0])]


def interface_faults(interfaces: Any) -> Iterable[str]:
    """What is no network interface; values may be UNKNOWN."""
    for place, one in enumerate(interfaces if isinstance(interfaces, list) else ()):
        if not isinstance(one, Mapping):
            continue
        if one.get('NetworkInterfaceId') is None:
            yield f'NetworkInterfaces[{place}]: NetworkInterfaceId is missing.'
        index = one.get('DeviceIndex', place)
        if index is not UNKNOWN and not str(index).isdigit():
            yield f"NetworkInterfaces[{place}]: DeviceIndex '{index}' is not an integer."
