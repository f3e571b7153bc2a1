"""The main job on a real OpenStack: a database, and then the web servers that were waiting for it.

etc/heat/templates/mysql-web-cluster.yaml through the `openstack` command, heat-api and two engines;
what is asserted is what Nova, Neutron, Cinder and Keystone themselves say. The hypervisor is a fake
that boots nothing, so the test sends the database's signal, as it stands in the server's user data.
"""
from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cloud import guest
from tests.cloud.daemons import ROOT, Heat, Refused, User
from tests.cloud.stack import Stack

TEMPLATE = ROOT / 'etc' / 'heat' / 'templates' / 'mysql-web-cluster.yaml'
GIVEN = {'image': 'cirros-like', 'db_password': 'correcthorse'}

pytestmark = pytest.mark.usefixtures('leaves_nothing')


class World:
    """What the services say of one stack's things."""

    def __init__(self, heat: Heat, user: User, stack: Stack) -> None:
        self.heat, self.stack = heat, stack
        self.network = user.api('network')
        self.compute = user.api('compute')
        self.volume = user.api('block-storage')

    def servers(self) -> dict[str, dict[str, Any]]:
        found = self.compute.get('/servers/detail').json()['servers']
        return {one['id']: one for one in found}

    def server(self, identity: str) -> dict[str, Any]:
        found: dict[str, Any] = self.compute.get(f'/servers/{identity}').json()['server']
        return found

    def db_volume(self) -> dict[str, Any]:
        found: dict[str, Any] = self.volume.get(f'/volumes/{self.stack.physical("db_volume")}').json()['volume']
        return found

    def port(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.network.get(f'/v2.0/ports/{self.stack.physical(name)}').json()['port']
        return found

    def rules(self, group: str) -> set[tuple[Any, ...]]:
        """(first port, whom from) of each rule that lets something in."""
        listed = self.network.get('/v2.0/security-group-rules', params={
            'security_group_id': self.stack.physical(group)}).json()['security_group_rules']
        return {(one['port_range_min'], one['remote_group_id'] or one['remote_ip_prefix'])
                for one in listed if one['direction'] == 'ingress'}

    def floating(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.network.get(
            f'/v2.0/floatingips/{self.stack.physical(name)}').json()['floatingip']
        return found


@pytest.fixture
def shop(heat: Heat, user: User) -> Iterator[World]:
    yield World(heat, user, Stack(user, 'shop'))


def ready(shop: World) -> None:
    """The database's guest: waits for its turn and calls back."""
    shop.stack.until('db_ready', 'CREATE_IN_PROGRESS')
    script = guest.user_data(shop.heat.cloud, shop.stack.physical('db_server'))
    assert guest.signal(script, status='SUCCESS') == 200


def test_the_shop_is_built_in_order_changed_and_leaves_nothing(shop: World, tmp_path: Path) -> None:
    stack = shop.stack
    stack.create(TEMPLATE, '--timeout', '10', **GIVEN, cluster_size=2)
    stack.until('db_ready', 'CREATE_IN_PROGRESS')

    # Up to here there is a database and nobody who would use it.
    database = stack.physical('db_server')
    assert set(shop.servers()) == {database}
    assert stack.resource('web_cluster')['resource_status'] == 'INIT_COMPLETE'
    assert shop.db_volume()['attachments'][0]['server_id'] == database
    script = guest.user_data(shop.heat.cloud, database)
    assert "CREATE USER IF NOT EXISTS 'shop'@'%' IDENTIFIED BY 'correcthorse'" in script
    signalled = now(shop)
    assert guest.signal(script, status='SUCCESS') == 200

    stack.ends('CREATE_COMPLETE')
    web = stack.members('web_cluster')
    assert set(web) == {'0', '1'}
    servers = shop.servers()
    assert set(servers) == {database, stack.physical('front'), *web.values()}
    assert {one['status'] for one in servers.values()} == {'ACTIVE'}
    assert all(instant(servers[one]['created']) >= signalled for one in web.values())
    check_outputs(shop)
    check_ways_in(shop)
    check_what_users_see(shop)

    more(shop, web)
    fewer_and_other(shop, tmp_path)
    rest_and_work(shop)
    stack.delete()
    with pytest.raises(Refused, match='Stack not found: shop'):
        stack.user.openstack('stack', 'show', 'shop')
    assert shop.servers() == {}


def check_outputs(shop: World) -> None:
    outputs, addresses = shop.stack.outputs(), {}
    for name, identity in shop.stack.members('web_cluster').items():
        (address,), = shop.server(identity)['addresses'].values()
        addresses[name] = address['addr']
    assert outputs['cluster_addresses'] == [addresses[name] for name in sorted(addresses, key=int)]
    assert outputs['website_url'] == f'http://{shop.floating("front_address")["floating_ip_address"]}/'
    assert outputs['db_admin_address'] == shop.floating('db_admin_address')['floating_ip_address']
    assert outputs['db_address'] == shop.port('db_port')['fixed_ips'][0]['ip_address']
    front = guest.user_data(shop.heat.cloud, shop.stack.physical('front'))
    assert '; server '.join(outputs['cluster_addresses']) in front
    for identity in shop.stack.members('web_cluster').values():
        assert f'mysql -h {outputs["db_address"]} -u shop' in guest.user_data(shop.heat.cloud, identity)


def check_ways_in(shop: World) -> None:
    stack = shop.stack
    assert shop.rules('web_security') == {(80, '0.0.0.0/0')} or shop.rules('web_security') == {(80, None)}
    assert shop.rules('db_security') == {(3306, stack.physical('web_security')), (3306, '172.24.4.0/24')}
    assert shop.floating('front_address')['port_id'] == stack.physical('front_port')
    assert shop.floating('db_admin_address')['port_id'] == stack.physical('db_port')
    assert shop.port('db_port')['security_groups'] == [stack.physical('db_security')]
    assert shop.port('db_port')['device_id'] == stack.physical('db_server')
    router = shop.network.get(f'/v2.0/routers/{stack.physical("router")}').json()['router']
    assert router['external_gateway_info']['enable_snat'] in (True, False)
    inside = shop.network.get('/v2.0/ports', params={
        'device_id': router['id'], 'network_id': stack.physical('network')}).json()['ports']
    assert [one['fixed_ips'][0]['subnet_id'] for one in inside] == [stack.physical('subnet')]


def check_what_users_see(shop: World) -> None:
    """The service's own account: events in order, no secrets."""
    user = shop.stack.user
    events = [(one['resource_name'], one['resource_status']) for one in user.openstack(
        'stack', 'event', 'list', '--nested-depth', '2', '-f', 'json', '--sort', 'event_time:asc', 'shop')]
    ready = events.index(('db_ready', 'CREATE_COMPLETE'))
    assert events.index(('db_ready', 'CREATE_IN_PROGRESS')) < ready
    assert ready < min(events.index((name, 'CREATE_IN_PROGRESS')) for name in ('web_cluster', '0', '1'))
    assert events[0] == ('shop', 'CREATE_IN_PROGRESS') and events[-1] == ('shop', 'CREATE_COMPLETE')
    shown = user.openstack('stack', 'show', '-f', 'json', 'shop')
    assert shown['parameters']['db_password'] == '******'
    assert 'correcthorse' not in shop.heat.logs()


def more(shop: World, web: dict[str, str]) -> None:
    """A web server more, and the database's disk grown under it."""
    stack, database, volume = shop.stack, shop.stack.physical('db_server'), shop.stack.physical('db_volume')
    stack.update('--existing', cluster_size=3, db_volume_size=2)
    stack.ends('UPDATE_COMPLETE')
    now = stack.members('web_cluster')
    assert set(now) == {'0', '1', '2'} and {name: now[name] for name in web} == web
    assert stack.physical('db_server') == database and stack.physical('db_volume') == volume
    grown = shop.db_volume()
    assert (grown['size'], grown['status']) == (2, 'in-use')
    assert grown['attachments'][0]['server_id'] == database
    assert {one['status'] for one in shop.servers().values()} == {'ACTIVE'}
    assert shop.server(now['2'])['metadata'] == {'role': 'web', 'number': '2'}
    check_outputs(shop)


def fewer_and_other(shop: World, tmp_path: Path) -> None:
    """Two web servers fewer, another label on the one that stays, another port to come in by."""
    stack, kept = shop.stack, shop.stack.members('web_cluster')['0']
    other = tmp_path / 'other.yaml'
    text = TEMPLATE.read_text().replace('role: web', 'role: shop window').replace(
        'port_range_min: 80, port_range_max: 80', 'port_range_min: 443, port_range_max: 443')
    assert text != TEMPLATE.read_text()
    other.write_text(text)
    group = stack.physical('web_security')
    stack.update('-t', other, '--existing', cluster_size=1)
    stack.ends('UPDATE_COMPLETE')
    assert stack.members('web_cluster') == {'0': kept}
    assert set(shop.servers()) == {stack.physical('db_server'), stack.physical('front'), kept}
    assert shop.server(kept)['metadata'] == {'role': 'shop window', 'number': '0'}
    assert stack.physical('web_security') == group
    assert {port for port, _ in shop.rules('web_security')} == {443}
    check_outputs(shop)


def rest_and_work(shop: World) -> None:
    stack = shop.stack
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    stack.act('suspend')
    stack.ends('SUSPEND_COMPLETE')
    assert {one['status'] for one in shop.servers().values()} == {'SUSPENDED'}
    stack.act('resume')
    stack.ends('RESUME_COMPLETE')
    assert {one['status'] for one in shop.servers().values()} == {'ACTIVE'}


def now(shop: World) -> datetime:
    """The cloud's time, in whole seconds as it counts them."""
    answer = shop.compute.get('/servers')
    return datetime.strptime(answer.headers['Date'], '%a, %d %b %Y %H:%M:%S GMT')


def instant(text: str) -> datetime:
    return datetime.strptime(text, '%Y-%m-%dT%H:%M:%SZ')
