"""What a server may be told and asked: the table of OS::Nova::Server.

Purpose: properties and attributes. Invariant: equal to the interface tables.
Neighbours: ``server`` has the verbs, ``server_networks`` the interfaces,
``server_views`` reads the attributes.
"""

from __future__ import annotations

from heat.resources.openstack.neutron.port import extra_options
from heat.schema import IN_PLACE, Attr, Boolean, Integer, List, Map, String, Support, deprecated, hidden


class Properties:
    name = String('Name.', update=IN_PLACE)
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
            keys=extra_options()),
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
    admin_pass = String('Password of its administrator.', wire='adminPass', update=IN_PLACE,
                        secret=True)
    tags = List('Tags.', of=String(), update=IN_PLACE, support=Support(version='8.0.0'))
    deployment_swift_data = Map(
        'Where its configuration lies.', default={}, wire=None, update=IN_PLACE,
        support=Support(version='9.0.0'),
        container=String('Container.', length=(1, None)), object=String('Object.', length=(1, None)))


class Attributes:
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
