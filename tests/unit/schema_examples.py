"""Three whole schemas in the language of heat.schema, the biggest among them.

Purpose: proof that the language can say what the interface tables hold; plugins
are written in the same way. Only the declarations, no behaviour.
"""

from __future__ import annotations

from typing import Any

from heat.schema import (
    IN_PLACE,
    Any_,
    Attr,
    Boolean,
    Integer,
    List,
    Map,
    Number,
    String,
    Support,
    at_least_one,
    deprecated,
    hidden,
    requires,
)

SEQUENCES = ('lettersdigits', 'letters', 'lowercase', 'uppercase', 'digits', 'hexdigits', 'octdigits')


def physical_name(resource: Any) -> str:
    return str(resource.physical_name)


class RandomString:
    """A resource which makes a random text."""

    type = 'OS::Heat::RandomString'
    support = Support(version='2014.1')

    class properties:
        length = Integer('Length of the string to generate.', range=(1, 512), default=32)
        sequence = String('Characters to choose from.', values=SEQUENCES, support=hidden(
            '5.0.0', deprecated('2014.2', 'Use property character_classes.')))
        character_classes = List(
            'Classes of characters to choose from.', default=[{'class': 'lettersdigits', 'min': 1}],
            of=Map(min=Integer('How many at least.', range=(1, 512), default=1),
                   class_=String('A class.', values=SEQUENCES, default='lettersdigits')))
        character_sequences = List('Sequences of characters to choose from.', of=Map(
            min=Integer('How many at least.', range=(1, 512), default=1),
            sequence=String('Characters.', required=True)))
        salt = String('A change of it makes a new text; otherwise unused.')

    class attributes:
        value = Attr('The text; a reference to the resource gives it too.', 'String', live=True)


class Volume:
    """A block storage volume."""

    type = 'OS::Cinder::Volume'

    class properties:
        availability_zone = String('Where the volume is made.')
        size = Integer('Size in GB.', range=(1, None), update=IN_PLACE)
        snapshot_id = String('Snapshot to copy from.', is_a='cinder.snapshot')
        backup_id = String('Backup to restore.', is_a='cinder.backup', update=IN_PLACE)
        name = String('Name.', default=physical_name, update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        volume_type = String('Volume type.', is_a='cinder.vtype', update=IN_PLACE)
        metadata = Map('Key and value pairs.', default={}, update=IN_PLACE)
        imageRef = String('Image to copy from.', replaced_by='image', support=hidden(
            '5.0.0', deprecated('2014.1', 'Use property image.')))
        image = String('Image to copy from.', is_a='glance.image', wire='imageRef')
        source_volid = String('Volume to copy from.', is_a='cinder.volume')
        scheduler_hints = Map('Hints for the scheduler.', wire=None, support=Support(version='2015.1'))
        read_only = Boolean('Attach read-only.', wire=None, update=IN_PLACE, support=Support(version='5.0.0'))
        multiattach = Boolean('Attach many times.', default=False, support=hidden(
            '13.0.0', Support(version='6.0.0'), 'Use a volume type with multiattach.'))
        source = at_least_one('size', 'snapshot_id', 'image', 'source_volid', 'backup_id')

    class attributes:
        availability_zone = Attr('Where it is.', 'String')
        size = Attr('Size in GB.', 'String')
        snapshot_id = Attr('Its snapshot.', 'String')
        display_name = Attr('Name.', 'String', wire='name')
        display_description = Attr('Description.', 'String', wire='description')
        volume_type = Attr('Volume type.', 'String')
        metadata = Attr('Key and value pairs, as text.', 'String')
        metadata_values = Attr('Key and value pairs.', 'Map', wire='metadata')
        source_volid = Attr('Its source.', 'String')
        status = Attr('Current status.', 'String', live=True)
        created_at = Attr('Since when.', 'String')
        bootable = Attr('Whether it boots.', 'String')
        encrypted = Attr('Whether it is encrypted.', 'String')
        attachments = Attr('Where it is attached, as text.', 'String', live=True, support=deprecated(
            '9.0.0', 'Use attachments_list.', since='2015.1'))
        attachments_list = Attr('Where it is attached.', 'List', wire='attachments', live=True,
                                support=Support(version='9.0.0'))
        multiattach = Attr('Whether it attaches many times.', 'Boolean', support=Support(version='6.0.0'))


class Server:
    """A virtual machine."""

    type = 'OS::Nova::Server'

    class properties:
        name = String('Name.', default=physical_name, update=IN_PLACE)
        image = String('Image to boot.', is_a='glance.image', wire='imageRef', update=IN_PLACE)
        block_device_mapping = List('Block devices.', of=Map(
            device_name=String('Device, like vda.', required=True),
            volume_id=String('Volume.', check='cinder.volume'),
            snapshot_id=String('Snapshot.', check='cinder.snapshot'),
            volume_size=Integer('Size in GB.'),
            delete_on_termination=Boolean('Delete it with the server.')))
        block_device_mapping_v2 = List('Block devices.', support=Support(version='2015.1'), of=Map(
            device_name=String('Device, like vda.'),
            volume_id=String('Volume.', check='cinder.volume'),
            image_id=String('Image.', check='glance.image', replaced_by='image', support=hidden(
                '9.0.0', deprecated('7.0.0', 'Use property image.', since='5.0.0'))),
            image=String('Image.', is_a='glance.image', support=Support(version='7.0.0')),
            snapshot_id=String('Snapshot.', check='cinder.snapshot'),
            swap_size=Integer('Swap in MB.'),
            device_type=String('Kind of device.', values=['cdrom', 'disk']),
            disk_bus=String('Bus.', values=['ide', 'lame_bus', 'sata', 'scsi', 'usb', 'virtio']),
            boot_index=Integer('Order of boot devices.'),
            volume_size=Integer('Size in GB.'),
            volume_type=String('Volume type.', check='cinder.vtype', support=Support(version='26.0.0')),
            delete_on_termination=Boolean('Delete it with the server.'),
            ephemeral_size=Integer('Size in GB.', range=(1, None), support=Support(version='8.0.0')),
            ephemeral_format=String('File system.', values=['ext2', 'ext3', 'ext4', 'xfs', 'ntfs'],
                                    support=Support(version='8.0.0'))))
        flavor = String('Flavor.', is_a='nova.flavor', required=True, wire='flavorRef', update=IN_PLACE)
        flavor_update_policy = String('How a flavor changes.', values=['RESIZE', 'REPLACE'], default='RESIZE',
                                      wire=None, update=IN_PLACE)
        image_update_policy = String('How an image changes.', default='REBUILD', wire=None, update=IN_PLACE,
                                     values=['REBUILD', 'REPLACE', 'REBUILD_PRESERVE_EPHEMERAL'])
        key_name = String('Key pair.', check='nova.keypair')
        admin_user = String('Not used.', wire=None, support=hidden(
            '5.0.0', deprecated('2014.1', 'The images have their own user.', since='2013.2')))
        availability_zone = String('Where the server is made.')
        security_groups = List('Names or ids of security groups.', default=[])
        networks = List('Network interfaces, in order.', update=IN_PLACE, of=Map(
            uuid=String('Network.', check='neutron.network', replaced_by='network', support=hidden(
                '5.0.0', deprecated('2014.1', 'Use property network.'))),
            network=String('Network.', is_a='neutron.network', wire='uuid'),
            allocate_network=String('Leave it to the service.', values=['none', 'auto'], update=IN_PLACE,
                                    support=Support(version='9.0.0')),
            fixed_ip=String('Address.', check='ip_addr'),
            port=String('Port.', is_a='neutron.port'),
            port_extra_properties=Map(
                'Options of the port made for it.', update=IN_PLACE, support=Support(version='6.0.0'),
                keys={'binding:vnic_type': String(
                    'Kind of virtual card.', default='normal', update=IN_PLACE,
                    support=Support(version='2015.1'),
                    values=['normal', 'direct', 'macvtap', 'direct-physical', 'baremetal', 'virtio-forwarder',
                            'smart-nic'])},
                value_specs=Map('More options.', default={}, update=IN_PLACE),
                admin_state_up=Boolean('Switched on.', default=True, update=IN_PLACE),
                mac_address=String('Hardware address.', check='mac_addr'),
                allowed_address_pairs=List('More addresses let through.', update=IN_PLACE, of=Map(
                    mac_address=String('Hardware address.', check='mac_addr'),
                    ip_address=String('Address.', required=True, check='ip_or_cidr'))),
                port_security_enabled=Boolean('Filter.', update=IN_PLACE, support=Support(version='5.0.0')),
                propagate_uplink_status=Boolean('Follow the uplink.', update=IN_PLACE,
                                                support=Support(version='15.0.0')),
                qos_policy=String('Quality of service.', check='neutron.qos_policy', update=IN_PLACE,
                                  support=Support(version='6.0.0')),
                no_fixed_ips=Boolean('No address.', default=False, update=IN_PLACE,
                                     support=Support(version='16.0.0'))),
            subnet=String('Subnet.', find='neutron.subnet', support=Support(version='5.0.0')),
            floating_ip=String('Floating address.', support=Support(version='6.0.0')),
            tag=String('Tag.', support=Support(version='9.0.0'))))
        scheduler_hints = Map('Hints for the scheduler.', wire=None)
        metadata = Map('Key and value pairs.', default={}, update=IN_PLACE)
        user_data_format = String('How the boot script is made.', default='HEAT_CFNTOOLS', wire=None,
                                  values=['HEAT_CFNTOOLS', 'RAW', 'SOFTWARE_CONFIG'])
        user_data_update_policy = String('How a boot script changes.', default='REPLACE', wire=None,
                                         values=['REPLACE', 'IGNORE', 'REBUILD'], update=IN_PLACE,
                                         support=Support(version='6.0.0'))
        software_config_transport = String(
            'How the server learns of its configuration.', default='POLL_SERVER_CFN', wire=None,
            update=IN_PLACE, values=['POLL_SERVER_CFN', 'POLL_SERVER_HEAT', 'POLL_TEMP_URL', 'ZAQAR_MESSAGE'])
        user_data = String('Boot script.', default='', encode='base64', update=IN_PLACE)
        reservation_id = String('Reservation.')
        config_drive = Boolean('Give it a drive with its configuration.')
        diskConfig = String('How the disk is split.', values=['AUTO', 'MANUAL'], wire='OS-DCF:diskConfig')
        personality = Map('Files put into it.', default={}, support=deprecated('12.0.0', 'Use user_data.'))
        admin_pass = String('Password of its administrator.', wire='adminPass', update=IN_PLACE)
        tags = List('Tags.', of=String(), update=IN_PLACE, support=Support(version='8.0.0'))
        deployment_swift_data = Map(
            'Where its configuration lies.', default={}, wire=None, update=IN_PLACE,
            support=Support(version='9.0.0'),
            container=String('Container.', length=(1, None)), object=String('Object.', length=(1, None)))

    class attributes:
        name = Attr('Name.', 'String')
        addresses = Attr('Addresses with their ports, by network.', 'Map',
                         support=Support(version='11.0.0', previous=Support()))
        networks = Attr('Addresses by network.', 'Map')
        first_address = Attr('First address.', support=hidden(
            '5.0.0', deprecated('2014.2', 'Use networks.', since='2013.2')))
        instance_name = Attr('Name in the hypervisor.', 'String', wire='OS-EXT-SRV-ATTR:instance_name')
        accessIPv4 = Attr('Access address.', 'String', support=deprecated('14.0.0', since='2015.1'))
        accessIPv6 = Attr('Access address.', 'String', support=deprecated('14.0.0', since='2015.1'))
        console_urls = Attr('Console addresses.', 'Map', support=Support(version='2015.1'))
        tags = Attr('Tags.', 'List', support=Support(version='8.0.0'))
        os_collect_config = Attr('Configuration of its agent.', 'Map', live=True,
                                 support=Support(version='9.0.0'))


class Everything:
    """Each kind once; not a type of the tables."""

    type = 'Test::Every::Kind'

    class properties:
        text = String(length=(1, 20), pattern='[a-z0-9:]+', default='abc')
        whole = Integer(range=(0, 100), modulo=(5, 0), default='5')
        number = Number(default=1.5)
        flag = Boolean(default='false')
        anything = Any_()
        names = List(of=String(values=['a', 'b']), default=[])
        pairs = List(of=Map(key=String(required=True), value=Any_(), old=String(replaced_by='key')))
        deep = Map(inner=Map(size=Integer(default=3), address=String(check='ip_addr')), free=Map())
        network = String(is_a='neutron.network', wire='network_id', immutable=True)
        networks = List(check='neutron.network', update=IN_PLACE)
        both = requires('network', 'text')
