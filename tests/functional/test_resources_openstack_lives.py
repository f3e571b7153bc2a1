"""The OpenStack types against a cloud: made, read, changed, taken away."""

# ruff: noqa: F401, F811 - pytest passes fixtures by the names they are imported under
from __future__ import annotations

import base64
from typing import Any

import pytest

from heat.model.outcome import Failed
from heat.model.status import Action
from heat.simcloud.server import SimCloud
from tests.functional.drive import Driver
from tests.functional.ground import (
    ASSOCIATION,
    ATTACHMENT,
    BIGGER,
    FLAVOR,
    FLOATING,
    GROUP,
    INTERFACE,
    KEYPAIR,
    NET,
    PORT,
    REAL,
    ROUTER,
    RULE,
    SERVER,
    SUBNET,
    VOLUME,
    Ground,
    cloud,
    driver,
    ground,
    image,
    rules_of,
)


def test_network_and_subnet(driver: Driver, ground: Ground) -> None:
    net = ground.create(NET, 'net', tags=['a', 'b'], value_specs={'description': 'ours'})
    shown = driver.read(NET, net, 'name', 'status', 'show', 'subnets')
    assert shown['name'].startswith('drv-net-') and shown['status'] == 'ACTIVE' and shown['subnets'] == []
    assert sorted(shown['show']['tags']) == ['a', 'b'] and shown['show']['description'] == 'ours'
    net = ground.update(
        NET, net, name='renamed', tags=['c'], value_specs={'description': 'still'}, admin_state_up=False
    )
    shown = driver.read(NET, net, 'show')['show']
    assert (shown['name'], shown['tags'], shown['description'], shown['admin_state_up']) == (
        'renamed',
        ['c'],
        'still',
        False,
    )
    net = ground.update(NET, net)
    assert driver.read(NET, net, 'name')['name'].startswith('drv-net-')
    subnet = ground.create(
        SUBNET,
        'subnet',
        network='' or net.physical_id,
        cidr='10.78.0.0/24',
        gateway_ip='',
        dns_nameservers=['10.78.0.9'],
        allocation_pools=[{'start': '10.78.0.10', 'end': '10.78.0.20'}],
    )
    seen = driver.read(SUBNET, subnet, 'gateway_ip', 'cidr', 'dns_nameservers', 'allocation_pools')
    assert seen == {
        'gateway_ip': None,
        'cidr': '10.78.0.0/24',
        'dns_nameservers': ['10.78.0.9'],
        'allocation_pools': [{'start': '10.78.0.10', 'end': '10.78.0.20'}],
    }
    same = {'network': net.physical_id, 'cidr': '10.78.0.0/24'}
    subnet = ground.update(
        SUBNET,
        subnet,
        **same,
        gateway_ip='10.78.0.1',
        name='sub',
        host_routes=[{'destination': '10.9.0.0/16', 'nexthop': '10.78.0.5'}],
    )
    seen = driver.read(
        SUBNET, subnet, 'gateway_ip', 'name', 'host_routes', 'dns_nameservers', 'allocation_pools'
    )
    assert seen == {
        'gateway_ip': '10.78.0.1',
        'name': 'sub',
        'dns_nameservers': [],
        'allocation_pools': [],
        'host_routes': [{'destination': '10.9.0.0/16', 'nexthop': '10.78.0.5'}],
    }
    assert driver.decide(SUBNET, subnet, **{**same, 'cidr': '10.79.0.0/24'}).verdict.value == 'replace'


def test_port(driver: Driver, ground: Ground) -> None:
    net, subnet = ground.net()
    group = ground.create(GROUP, 'group')
    base = {'network': net, 'security_groups': [group.physical_id]}
    port = ground.create(PORT, 'port', **base, fixed_ips=[{'subnet': subnet, 'ip_address': '10.77.0.50'}])
    shown = driver.read(PORT, port, 'fixed_ips', 'security_groups', 'subnets', 'network', 'status')
    assert shown['fixed_ips'] == [{'subnet_id': subnet, 'ip_address': '10.77.0.50'}]
    assert shown['security_groups'] == [group.physical_id] and shown['network']['id'] == net
    assert [one['id'] for one in shown['subnets']] == [subnet]
    port = ground.update(
        PORT,
        port,
        **base,
        fixed_ips=[{'subnet': subnet, 'ip_address': '10.77.0.51'}],
        allowed_address_pairs=[{'ip_address': '10.1.1.1'}],
        name='p',
    )
    shown = driver.read(PORT, port, 'fixed_ips', 'allowed_address_pairs', 'name')
    assert shown['fixed_ips'][0]['ip_address'] == '10.77.0.51' and shown['name'] == 'p'
    assert shown['allowed_address_pairs'][0]['ip_address'] == '10.1.1.1'
    # Absent groups mean the default one; none are asked for by an empty list.
    port = ground.update(PORT, port, network=net, security_groups=[])
    assert driver.read(PORT, port, 'security_groups', 'fixed_ips') == {
        'security_groups': [],
        'fixed_ips': [{'subnet_id': subnet, 'ip_address': '10.77.0.51'}],
    }
    port = ground.update(PORT, port, network=net)
    assert len(driver.read(PORT, port, 'security_groups')['security_groups']) == 1
    assert driver.decide(PORT, port, network='public').verdict.value == 'replace'


def test_outside(driver: Driver, ground: Ground) -> None:
    net, subnet = ground.net()
    router = ground.create(
        ROUTER,
        'router',
        external_gateway_info={'network': 'public', 'enable_snat': True}
        if not REAL
        else {'network': 'public'},
    )
    gateway = driver.read(ROUTER, router, 'external_gateway_info')['external_gateway_info']
    assert gateway['network_id'] and gateway['external_fixed_ips']
    leg = ground.create(INTERFACE, 'leg', router=router.physical_id, subnet=subnet)
    assert leg.physical_id == f'{router.physical_id}:subnet_id={subnet}'
    assert driver.read(INTERFACE, leg, 'show')['show']['device_id'] == router.physical_id
    port = ground.create(PORT, 'port', network=net)
    floating = ground.create(FLOATING, 'floating', floating_network='public')
    shown = driver.read(FLOATING, floating, 'floating_ip_address', 'port_id')
    assert shown['floating_ip_address'].startswith('172.24.4.') and shown['port_id'] is None
    tie = ground.create(ASSOCIATION, 'tie', floatingip_id=floating.physical_id, port_id=port.physical_id)
    assert driver.read(FLOATING, floating, 'port_id', 'router_id') == {
        'port_id': port.physical_id,
        'router_id': router.physical_id,
    }
    other = ground.create(PORT, 'other', network=net)
    tie = ground.update(ASSOCIATION, tie, floatingip_id=floating.physical_id, port_id=other.physical_id)
    assert driver.read(FLOATING, floating, 'port_id') == {'port_id': other.physical_id}
    ground.made.remove(next(one for one in ground.made if one[1].uuid == tie.uuid))
    driver.delete(ASSOCIATION, tie)
    assert driver.read(FLOATING, floating, 'port_id') == {'port_id': None}
    floating = ground.update(FLOATING, floating, floating_network='public', port_id=port.physical_id)
    assert driver.read(FLOATING, floating, 'port_id') == {'port_id': port.physical_id}
    floating = ground.update(FLOATING, floating, floating_network='public')
    assert driver.read(FLOATING, floating, 'port_id') == {'port_id': None}
    ground.own(PORT, other)
    # An interface that somebody else made is not taken over.
    outcome, row = driver.run(
        INTERFACE, driver.row(INTERFACE, 'again', router=router.physical_id, subnet=subnet), Action.CREATE
    )
    assert isinstance(outcome, Failed) and 'already has an interface' in outcome.message
    assert row.physical_id is None


OPEN = {('egress', 'IPv4', None, None, None, None), ('egress', 'IPv6', None, None, None, None)}
SSH = ('ingress', 'IPv4', 'tcp', 22, None, None)


def test_security_group(driver: Driver, ground: Ground) -> None:
    ssh = {'protocol': 'tcp', 'port_range_min': 22, 'port_range_max': 22}
    group = ground.create(GROUP, 'group', rules=[ssh, {'remote_mode': 'remote_group_id'}])
    assert rules_of(driver, group) == OPEN | {SSH, ('ingress', 'IPv4', None, None, None, 'self')}
    group = ground.update(
        GROUP,
        group,
        description='changed',
        rules=[ssh, {'direction': 'egress', 'protocol': 'udp', 'remote_ip_prefix': '10.0.0.0/8'}],
    )
    assert rules_of(driver, group) == {SSH, ('egress', 'IPv4', 'udp', None, '10.0.0.0/8', None)}
    assert driver.read(GROUP, group, 'show')['show']['description'] == 'changed'
    group = ground.update(GROUP, group)
    assert rules_of(driver, group) == OPEN
    ground.create(
        RULE, 'rule', security_group=group.physical_id, protocol='tcp', port_range_min=80, port_range_max=80
    )
    assert rules_of(driver, group) == OPEN | {('ingress', 'IPv4', 'tcp', 80, None, None)}


def test_keypair(driver: Driver, ground: Ground) -> None:
    pair = ground.create(KEYPAIR, 'pair', name='drv-pair', save_private_key=True)
    assert pair.physical_id == 'drv-pair' and 'PRIVATE KEY' in pair.data['private_key']
    seen = driver.read(KEYPAIR, pair, 'public_key', 'private_key')
    assert seen['private_key'] == pair.data['private_key'] and seen['public_key'].startswith('ssh-')
    given = ground.create(KEYPAIR, 'given', name='drv-given', public_key=seen['public_key'])
    assert driver.read(KEYPAIR, given, 'public_key', 'private_key') == {
        'public_key': seen['public_key'],
        'private_key': '',
    }
    assert driver.decide(KEYPAIR, given, name='other').verdict.value == 'replace'


def test_volume(driver: Driver, ground: Ground) -> None:
    volume = ground.create(
        VOLUME, 'vol', size=1, metadata={'a': 1, 'b': 'x'}, description='d', read_only=True
    )
    seen = driver.read(
        VOLUME,
        volume,
        'size',
        'display_name',
        'status',
        'metadata_values',
        'attachments_list',
        'metadata',
        'source_volid',
    )
    assert seen['size'] == '1' and seen['status'] == 'available' and seen['attachments_list'] == []
    assert seen['metadata_values']['a'] == '1' and '"b": "x"' in seen['metadata']
    assert seen['display_name'].startswith('drv-vol-') and seen['source_volid'] == 'None'
    volume = ground.update(VOLUME, volume, size=2, name='v2', metadata={'c': '3'}, read_only=False)
    seen = driver.read(VOLUME, volume, 'size', 'display_name', 'metadata_values', 'display_description')
    assert seen['size'] == '2' and seen['display_name'] == 'v2' and seen['metadata_values']['c'] == '3'
    outcome, _ = driver.run(VOLUME, driver.changed(VOLUME, volume, size=1, name='v2'), Action.UPDATE)
    assert isinstance(outcome, Failed) and 'Shrinking' in outcome.message
    copy = ground.create(VOLUME, 'copy', source_volid=volume.physical_id)
    assert driver.read(VOLUME, copy, 'size', 'source_volid') == {
        'size': '2',
        'source_volid': volume.physical_id,
    }


def test_server(driver: Driver, ground: Ground, image: str) -> None:
    net, subnet = ground.net()
    port = ground.create(PORT, 'port', network=net)
    base: dict[str, Any] = {
        'image': image,
        'flavor': FLAVOR,
        'user_data': '#!/bin/sh\necho ä\n',
        'config_drive': True,
    }
    server = ground.create(
        SERVER,
        'srv',
        **base,
        networks=[{'port': port.physical_id}, {'subnet': subnet}],
        metadata={'n': 5, 's': 'text'},
        tags=['one'],
    )
    seen = driver.read(
        SERVER,
        server,
        'name',
        'networks',
        'addresses',
        'first_address',
        'tags',
        'show',
        ['console_urls', 'novnc'],
    )
    assert len(seen['name']) <= 53 and seen['tags'] == ['one']
    assert seen['show']['metadata'] == {'n': '5', 's': 'text'}
    assert len(seen['networks'][net]) == 2 and seen['first_address'] in seen['networks'][net]
    assert {one['port'] for one in seen['addresses'][net]} >= {port.physical_id}
    assert seen['addresses'][net][0]['subnets'][0]['id'] == subnet and seen['console_urls']['novnc']
    base['flavor'] = BIGGER
    server = ground.update(
        SERVER,
        server,
        **base,
        networks=[{'subnet': subnet}, {'network': net}],
        name='drv-new',
        metadata={'only': 'this'},
        tags=['two'],
    )
    seen = driver.read(SERVER, server, 'name', 'networks', 'tags', 'show')
    assert (
        seen['name'] == 'drv-new' and seen['tags'] == ['two'] and seen['show']['metadata'] == {'only': 'this'}
    )
    assert seen['show']['flavor']['original_name'] == BIGGER and len(seen['networks'][net]) == 2
    assert driver.get('network', f'/ports/{port.physical_id}', 'port')['device_id'] == ''
    for verb, state in ((Action.SUSPEND, 'SUSPENDED'), (Action.RESUME, 'ACTIVE'), (Action.CHECK, 'ACTIVE')):
        server = driver.done(SERVER, server, verb)
        assert driver.read(SERVER, server, 'show')['show']['status'] == state
    same = {**base, 'networks': [{'subnet': subnet}, {'network': net}]}
    server = ground.update(SERVER, server, **same, user_data_update_policy='REBUILD')
    assert driver.decide(SERVER, server, **{**same, 'user_data': 'x'}).verdict.value == 'replace'
    assert (
        driver.decide(
            SERVER, server, **{**same, 'user_data': 'x'}, user_data_update_policy='REBUILD'
        ).verdict.value
        == 'update'
    )
    server = ground.update(SERVER, server, **{**same, 'user_data': 'x'}, user_data_update_policy='REBUILD')
    assert (
        driver.decide(
            SERVER, server, **{**same, 'flavor': FLAVOR}, flavor_update_policy='REPLACE'
        ).verdict.value
        == 'replace'
    )
    assert driver.decide(SERVER, server, **same, key_name='other').verdict.value == 'replace'
    server = ground.own(SERVER, server)


@pytest.mark.parametrize(
    ('before', 'after'),
    [
        (['network'], ['subnet']),
        (['subnet'], ['network']),
        (['network'], ['network subnet']),
        (['network'], ['network ip']),
        (['network'], ['port']),
        (['network', 'network', 'subnet'], ['subnet', 'network', 'network subnet']),
    ],
)
def test_an_interface_described_in_another_way_stays(
    driver: Driver, ground: Ground, image: str, before: list[str], after: list[str]
) -> None:
    net, subnet = ground.net()
    known = {'network': ('network', net), 'subnet': ('subnet', subnet)}

    def nics(words: list[str]) -> list[dict[str, str]]:
        return [dict(known[word] for word in one.split()) for one in words]

    base: dict[str, Any] = {'image': image, 'flavor': FLAVOR}
    server = ground.create(SERVER, 'srv', **base, networks=nics(before))
    first = driver.read(SERVER, server, 'addresses')['addresses'][net]
    known |= {'ip': ('fixed_ip', first[0]['addr']), 'port': ('port', first[0]['port'])}
    server = ground.update(SERVER, server, **base, networks=nics(after))
    assert driver.read(SERVER, server, 'addresses')['addresses'][net] == first
    # What is not wanted any more goes, whoever made it.
    server = ground.update(SERVER, server, **base, networks=[*nics(before)[:1], {'network': net}])
    server = ground.update(SERVER, server, **base, networks=[{'allocate_network': 'none'}])
    assert not driver.read(SERVER, server, 'addresses')['addresses'].get(net)


def test_server_with_volumes(driver: Driver, ground: Ground, image: str) -> None:
    net, _ = ground.net()
    volume = ground.create(VOLUME, 'vol', size=1)
    server = ground.create(SERVER, 'srv', image=image, flavor=FLAVOR, networks=[{'network': net}])
    attachment = ground.create(
        ATTACHMENT, 'att', volume_id=volume.physical_id, instance_uuid=server.physical_id
    )
    seen = driver.read(VOLUME, volume, 'status', 'attachments_list')
    assert seen['status'] == 'in-use' and seen['attachments_list'][0]['server_id'] == server.physical_id
    assert driver.read(ATTACHMENT, attachment, 'show')['show']['volumeId'] == volume.physical_id
    outcome, _ = driver.run(VOLUME, volume, Action.DELETE)
    assert isinstance(outcome, Failed) and str(server.physical_id) in outcome.message
    volume = ground.update(VOLUME, volume, size=2)
    assert driver.read(VOLUME, volume, 'size', 'status') == {'size': '2', 'status': 'in-use'}
    other = ground.create(VOLUME, 'other', size=1)
    ground.made.remove((VOLUME, other))
    ground.made.insert(2, (VOLUME, other))
    ground.update(ATTACHMENT, attachment, volume_id=other.physical_id, instance_uuid=server.physical_id)
    assert driver.read(VOLUME, volume, 'status') == {'status': 'available'}
    assert driver.read(VOLUME, other, 'status') == {'status': 'in-use'}


@pytest.mark.skipif(REAL, reason='a real cloud does not fail on demand')
def test_a_broken_server_tells_why(driver: Driver, ground: Ground, cloud: SimCloud, image: str) -> None:
    net, _ = ground.net()
    cloud.faults.add(
        service='compute',
        method='POST',
        path='/servers$|/servers\\?',
        kind='error_state',
        message='No valid host was found.',
        count=1,
    )
    row = driver.row(SERVER, 'srv', image=image, flavor=FLAVOR, networks=[{'network': net}])
    outcome, row = driver.run(SERVER, row, Action.CREATE)
    cloud.faults.clear()
    assert outcome == Failed(
        'Went to status ERROR due to "Message: No valid host was found., Code: 500"', 'ResourceInError'
    )
    ground.own(SERVER, row)
    assert (
        driver.decide(SERVER, row, image=image, flavor=FLAVOR, networks=[{'network': net}]).verdict.value
        == 'update'
    )


@pytest.mark.skipif(REAL, reason='user data is not shown by a real cloud')
def test_user_data(driver: Driver, ground: Ground, cloud: SimCloud, image: str) -> None:
    for form in ('RAW', 'HEAT_CFNTOOLS'):
        server = ground.create(
            SERVER,
            form.lower(),
            image=image,
            flavor=FLAVOR,
            user_data='#!/bin/sh\ntrue',
            user_data_format=form,
            networks=[{'allocate_network': 'none'}],
        )
        text = base64.b64decode(cloud.inventory.servers.rows[server.physical_id]['user_data']).decode()
        assert (text == '#!/bin/sh\ntrue') is (form == 'RAW')
        assert form == 'RAW' or all(
            name in text for name in ('cfn-userdata', 'cfn-metadata-server', 'multipart')
        )


@pytest.mark.skipif(REAL, reason='a real cloud has no hole to look through')
def test_an_empty_zone_is_none(driver: Driver, ground: Ground, cloud: SimCloud, image: str) -> None:
    volume = ground.create(VOLUME, 'vol', size=1, availability_zone='')
    server = ground.create(SERVER, 'srv', image=image, flavor=FLAVOR, availability_zone='', key_name='',
                           networks=[{'allocate_network': 'none'}])
    assert driver.read(VOLUME, volume, 'availability_zone') == {'availability_zone': 'nova'}
    assert not cloud.inventory.servers.rows[server.physical_id].get('key_name')


def test_a_network_in_use_waits_and_then_names_the_port(driver: Driver, ground: Ground) -> None:
    net, _ = ground.net('10.80.0.0/24')
    port = ground.create(PORT, 'port', network=net)
    row = next(row for kind, row in ground.made if kind is NET)
    if not REAL:
        outcome, _ = driver.run(NET, row, Action.DELETE)
        assert isinstance(outcome, Failed) and str(port.physical_id) in outcome.message
