"""The main job on a real OpenStack: a database, and then the web servers that were waiting for it.

etc/heat/templates/mysql-web-cluster.yaml through the `openstack` command, heat-api and two engines;
what is asserted is what Nova, Neutron, Cinder and Keystone themselves say. The hypervisor is a fake
that boots nothing, so the test sends the database's signal, as it stands in the server's user data.
"""
from __future__ import annotations

from pathlib import Path

import pytest

from tests.cloud import guest
from tests.cloud.daemons import ROOT, Refused, User
from tests.cloud.services import Services
from tests.cloud.stack import Stack

TEMPLATE = ROOT / 'etc' / 'heat' / 'templates' / 'mysql-web-cluster.yaml'
GIVEN = {'image': 'cirros-like', 'db_password': 'correcthorse'}

pytestmark = pytest.mark.usefixtures('leaves_nothing')


@pytest.fixture
def shop(user: User) -> Services:
    return Services(Stack(user, 'shop'))


def test_the_shop_is_built_in_order_changed_and_leaves_nothing(shop: Services, tmp_path: Path) -> None:
    stack = shop.stack
    stack.create(TEMPLATE, '--timeout', '10', **GIVEN, cluster_size=2)
    stack.until('db_ready', 'CREATE_IN_PROGRESS')

    # Up to here there is a database and nobody who would use it.
    database = stack.physical('db_server')
    assert set(shop.all('server')) == {database}
    assert stack.resource('web_cluster')['resource_status'] == 'INIT_COMPLETE'
    assert shop.of('volume', 'db_volume')['attachments'][0]['server_id'] == database
    script = guest.user_data(shop.cloud, database)
    assert "CREATE USER IF NOT EXISTS 'shop'@'%' IDENTIFIED BY 'correcthorse'" in script
    # New engines wait on where the old ones, which leave in good order, have left off.
    stack.user.heat.engine.restart()
    signalled = shop.now()
    assert guest.signal(script, status='SUCCESS') == 200

    stack.ends('CREATE_COMPLETE')
    web = stack.members('web_cluster')
    assert set(web) == {'0', '1'}
    servers = shop.all('server')
    assert set(servers) == {database, stack.physical('front'), *web.values()}
    assert shop.statuses() == {'ACTIVE'}
    assert all(servers[one]['created'] >= signalled for one in web.values())
    check_outputs(shop)
    check_ways_in(shop)
    check_what_users_see(shop)

    more(shop, web)
    fewer_and_other(shop, tmp_path)
    rest_and_work(shop)
    stack.delete()
    with pytest.raises(Refused, match='Stack not found: shop'):
        stack.user.openstack('stack', 'show', 'shop')
    assert shop.all('server') == {}


def check_outputs(shop: Services) -> None:
    outputs, addresses = shop.stack.outputs(), {}
    for name, identity in shop.stack.members('web_cluster').items():
        (address,), = shop.by_id('server', identity)['addresses'].values()
        addresses[name] = address['addr']
    assert outputs['cluster_addresses'] == [addresses[name] for name in sorted(addresses, key=int)]
    front = shop.of('floating IP', 'front_address')
    assert outputs['website_url'] == f'http://{front["floating_ip_address"]}/'
    assert outputs['db_admin_address'] == shop.of('floating IP', 'db_admin_address')['floating_ip_address']
    assert outputs['db_address'] == shop.of('port', 'db_port')['fixed_ips'][0]['ip_address']
    front_script = guest.user_data(shop.cloud, shop.stack.physical('front'))
    assert '; server '.join(outputs['cluster_addresses']) in front_script
    for identity in shop.stack.members('web_cluster').values():
        assert f'mysql -h {outputs["db_address"]} -u shop' in guest.user_data(shop.cloud, identity)


def check_ways_in(shop: Services) -> None:
    stack = shop.stack
    assert shop.ways_in('web_security') == {('tcp', 80, None)}
    assert shop.ways_in('db_security') == {('tcp', 3306, stack.physical('web_security')),
                                           ('tcp', 3306, '172.24.4.0/24')}
    assert shop.of('floating IP', 'front_address')['port_id'] == stack.physical('front_port')
    assert shop.of('floating IP', 'db_admin_address')['port_id'] == stack.physical('db_port')
    assert shop.of('port', 'db_port')['security_groups'] == [stack.physical('db_security')]
    assert shop.of('port', 'db_port')['device_id'] == stack.physical('db_server')
    outside, = shop.all('network', name='public')
    assert shop.of('router', 'router')['external_gateway_info']['network_id'] == outside
    inside = shop.all('port', device_id=stack.physical('router'), network_id=stack.physical('network'))
    assert [one['fixed_ips'][0]['subnet_id'] for one in inside.values()] == [stack.physical('subnet')]


def check_what_users_see(shop: Services) -> None:
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
    assert 'correcthorse' not in shop.stack.user.heat.logs()


def more(shop: Services, web: dict[str, str]) -> None:
    """A web server more, and the database's disk grown under it."""
    stack, database, volume = shop.stack, shop.stack.physical('db_server'), shop.stack.physical('db_volume')
    stack.update('--existing', cluster_size=3, db_volume_size=2)
    stack.ends('UPDATE_COMPLETE')
    now = stack.members('web_cluster')
    assert set(now) == {'0', '1', '2'} and {name: now[name] for name in web} == web
    assert stack.physical('db_server') == database and stack.physical('db_volume') == volume
    grown = shop.of('volume', 'db_volume')
    assert (grown['size'], grown['status']) == (2, 'in-use')
    assert grown['attachments'][0]['server_id'] == database
    assert shop.statuses() == {'ACTIVE'}
    assert shop.by_id('server', now['2'])['metadata'] == {'role': 'web', 'number': '2'}
    check_outputs(shop)


def fewer_and_other(shop: Services, tmp_path: Path) -> None:
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
    assert set(shop.all('server')) == {stack.physical('db_server'), stack.physical('front'), kept}
    assert shop.by_id('server', kept)['metadata'] == {'role': 'shop window', 'number': '0'}
    assert stack.physical('web_security') == group
    assert shop.ways_in('web_security') == {('tcp', 443, None)}
    check_outputs(shop)


def rest_and_work(shop: Services) -> None:
    stack = shop.stack
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    stack.act('suspend')
    stack.ends('SUSPEND_COMPLETE')
    assert shop.statuses() == {'SUSPENDED'}
    stack.act('resume')
    stack.ends('RESUME_COMPLETE')
    assert shop.statuses() == {'ACTIVE'}
