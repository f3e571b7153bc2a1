"""The first rows of a new cloud: people, roles, flavors, images, the external network.

Purpose: what a deployer's bootstrap leaves behind. Invariant: runs once per
inventory; ids are random except domain ``default`` and the flavors. Neighbours:
``server`` calls ``plant`` when the state file held nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heat.common import ids
from heat.simcloud import directory, network
from heat.simcloud.stamps import iso

if TYPE_CHECKING:
    from heat.simcloud.server import SimCloud

# name -> (id, memory in MB, disk in GB, virtual processors)
FLAVORS = {
    'm1.tiny': ('1', 512, 1, 1),
    'm1.small': ('2', 2048, 20, 1),
    'm1.medium': ('3', 4096, 40, 2),
    'm1.large': ('4', 8192, 80, 4),
    'm1.nano': ('42', 128, 1, 1),
    'm1.micro': ('84', 192, 1, 1),
}
ROLES = ('admin', 'member', 'reader', 'service', 'heat_stack_owner', 'heat_stack_user')


def plant(cloud: SimCloud) -> None:
    people(cloud)
    now = iso(cloud.clock.wall())
    inv = cloud.inventory
    for name, (flavor_id, memory, disk, processors) in FLAVORS.items():
        inv.flavors.put(
            {
                'id': flavor_id,
                'name': name,
                'ram': memory,
                'disk': disk,
                'vcpus': processors,
                'is_public': True,
                'extra_specs': {},
                'description': None,
            }
        )
    for name, size in (('cirros', 16_300_544), ('debian-12', 351_404_032)):
        inv.images.put(
            {
                'id': ids.new_id(),
                'name': name,
                'owner': inv.projects.where('name', 'admin')[0]['id'],
                'size': size,
                'status': 'active',
                'visibility': 'public',
                'min_disk': 1,
                'min_ram': 64,
                'created_at': now,
                'updated_at': now,
                'properties': {},
                'tags': [],
            }
        )
    inv.volume_types.put(
        {'id': ids.new_id(), 'name': 'lvmdriver-1', 'is_public': True, 'extra_specs': {}, 'description': None}
    )
    network.plant(cloud, inv.projects.where('name', 'admin')[0]['id'])


def people(cloud: SimCloud) -> None:
    inv, settings = cloud.inventory, cloud.settings
    directory.make(inv, 'domains', {'id': 'default', 'name': 'Default'})
    heat_domain = directory.make(inv, 'domains', {'name': 'heat', 'description': 'Users made by stacks'})
    projects = {
        name: directory.make(inv, 'projects', {'name': name})['id'] for name in ('admin', 'demo', 'service')
    }
    roles = {name: directory.make(inv, 'roles', {'name': name})['id'] for name in ROLES}
    users = {
        name: directory.make(inv, 'users', {'name': name, 'password': password})['id']
        for name, password in (
            ('admin', settings.admin_password),
            ('demo', settings.demo_password),
            ('heat', settings.heat_password),
        )
    }
    keeper = directory.make(
        inv,
        'users',
        {
            'name': 'heat_domain_admin',
            'domain_id': heat_domain['id'],
            'password': settings.domain_admin_password,
        },
    )
    for user, granted, project in (
        ('admin', ('admin', 'member', 'reader', 'heat_stack_owner'), 'admin'),
        ('admin', ('admin', 'heat_stack_owner'), 'demo'),
        ('demo', ('member', 'reader', 'heat_stack_owner'), 'demo'),
        ('heat', ('admin', 'service'), 'service'),
    ):
        for role in granted:
            directory.assign(inv, users[user], roles[role], projects[project])
    directory.assign(inv, users['admin'], roles['admin'], 'default')
    directory.assign(inv, keeper['id'], roles['admin'], heat_domain['id'])
