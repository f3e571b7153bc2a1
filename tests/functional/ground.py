"""What tests of OpenStack types stand on: a cloud, a driver, and a ground that must be left empty.

The cloud is the simulated one; HEAT_TEST_CLOUD=env takes that of the OS_* variables instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from heat.clouds.credential import Credential, Kind
from heat.clouds.session import Sessions
from heat.common import config
from heat.common.clock import Clock, VirtualClock
from heat.model.resource import Row
from heat.resources.base import Resource
from heat.resources.openstack import TYPES
from heat.simcloud.server import Settings, SimCloud
from tests.functional.drive import Driver, from_environment

NET, SUBNET, PORT = TYPES['OS::Neutron::Net'], TYPES['OS::Neutron::Subnet'], TYPES['OS::Neutron::Port']
ROUTER, INTERFACE = TYPES['OS::Neutron::Router'], TYPES['OS::Neutron::RouterInterface']
FLOATING, ASSOCIATION = TYPES['OS::Neutron::FloatingIP'], TYPES['OS::Neutron::FloatingIPAssociation']
GROUP, RULE = TYPES['OS::Neutron::SecurityGroup'], TYPES['OS::Neutron::SecurityGroupRule']
VOLUME, ATTACHMENT = TYPES['OS::Cinder::Volume'], TYPES['OS::Cinder::VolumeAttachment']
SERVER, KEYPAIR = TYPES['OS::Nova::Server'], TYPES['OS::Nova::KeyPair']
REAL = os.environ.get('HEAT_TEST_CLOUD') == 'env'


@pytest.fixture(scope='module')
def cloud() -> Iterator[SimCloud | None]:
    if REAL:
        yield None
        return
    # keystoneauth compares the expiry of tokens with the real time.
    clock = VirtualClock(Clock().wall())
    cloud = SimCloud(clock=clock, settings=Settings(guests=False, token_lifetime=864000))
    cloud.start()
    yield cloud
    cloud.stop()


@pytest.fixture(scope='module')
def driver(cloud: SimCloud | None, tmp_path_factory: pytest.TempPathFactory) -> Driver:
    directory: Path = tmp_path_factory.mktemp('conf')
    if cloud is None:
        return from_environment(directory)
    file = directory / 'heat.conf'
    file.write_text(f"""
[DEFAULT]
stack_user_domain_name = heat
stack_domain_admin = heat_domain_admin
stack_domain_admin_password = {cloud.settings.domain_admin_password}
[clients_keystone]
auth_uri = {cloud.auth_url}
""")
    sessions = Sessions(
        config.load('heat-engine', [], [str(file)], logging_setup=False), sleep=lambda seconds: None
    )
    project = next(row for row in cloud.inventory.projects.all() if row['name'] == 'demo')
    credential = Credential(
        Kind.PASSWORD, project['id'], None, 'demo', 'default', password=cloud.settings.demo_password
    )
    assert isinstance(cloud.clock, VirtualClock)
    return Driver(sessions, credential, cloud.clock)


class Ground:
    """What a test stands on: a network with a subnet, taken away at the end, and nothing must be left."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.made: list[tuple[type[Resource], Row]] = []
        self.before = self.inventory()

    def create(self, kind: type[Resource], resource: str, /, **props: Any) -> Row:
        return self.own(kind, self.driver.create(kind, resource, **props))

    def own(self, kind: type[Resource], row: Row) -> Row:
        self.made = [(k, r) for k, r in self.made if r.uuid != row.uuid] + [(kind, row)]
        return row

    def update(self, kind: type[Resource], row: Row, /, **props: Any) -> Row:
        changed = self.driver.update(kind, row, **props)
        self.made = [(k, changed if r.uuid == row.uuid else r) for k, r in self.made]
        return changed

    def net(self, cidr: str = '10.77.0.0/24') -> tuple[str, str]:
        net = self.create(NET, 'net')
        subnet = self.create(SUBNET, 'subnet', network=net.physical_id, cidr=cidr)
        return str(net.physical_id), str(subnet.physical_id)

    def inventory(self) -> dict[str, set[str]]:
        get = self.driver.get
        ports = get('network', '/ports', 'ports')
        return {
            'networks': {one['id'] for one in get('network', '/networks', 'networks')},
            'subnets': {one['id'] for one in get('network', '/subnets', 'subnets')},
            'ports': {one['id'] for one in ports if one['device_owner'] != 'network:dhcp'},
            'routers': {one['id'] for one in get('network', '/routers', 'routers')},
            'floatingips': {one['id'] for one in get('network', '/floatingips', 'floatingips')},
            'security_groups': {one['id'] for one in get('network', '/security-groups', 'security_groups')},
            'servers': {one['id'] for one in get('compute', '/servers', 'servers')},
            'keypairs': {one['keypair']['name'] for one in get('compute', '/os-keypairs', 'keypairs')},
            'volumes': {one['id'] for one in get('volumev3', '/volumes', 'volumes')},
        }

    def clear(self) -> None:
        for kind, row in reversed(self.made):
            self.driver.delete(kind, row)
        assert self.inventory() == self.before


@pytest.fixture
def ground(driver: Driver) -> Iterator[Ground]:
    driver.kill = None
    ground = Ground(driver)
    yield ground
    ground.clear()


@pytest.fixture(scope='module')
def image(driver: Driver) -> str:
    return str(driver.get('image', '/images', 'images')[0]['name'])


FLAVOR, BIGGER = 'm1.tiny', 'm1.small'


def rules_of(driver: Driver, group: Row) -> set[tuple[Any, ...]]:
    rules = driver.get(
        'network', '/security-group-rules', 'security_group_rules', security_group_id=group.physical_id
    )
    return {
        (
            one['direction'],
            one['ethertype'],
            one['protocol'],
            one['port_range_min'],
            one['remote_ip_prefix'],
            one['remote_group_id'] and 'self',
        )
        for one in rules
    }
