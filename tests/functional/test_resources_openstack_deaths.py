"""Death of the engine at each call of each verb: the cloud must hold what it would have held."""

# ruff: noqa: F401, F811 - pytest passes fixtures by the names they are imported under
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from heat.model.status import Action
from heat.resources.base import Resource
from tests.functional.drive import Driver, each_call
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


def scenes(name: str) -> tuple[type[Resource], Callable[[Ground], dict[str, Any]]]:
    def network(ground: Ground) -> dict[str, Any]:
        return {'network': ground.net()[0]}

    def server(ground: Ground) -> dict[str, Any]:
        _, subnet = ground.net()
        return {
            'image': ground.driver.get('image', '/images', 'images')[0]['id'],
            'flavor': FLAVOR,
            'networks': [{'subnet': subnet}],
        }

    def attachment(ground: Ground) -> dict[str, Any]:
        volume = ground.create(VOLUME, 'vol', size=1)
        host = ground.create(SERVER, 'host', **server(ground))
        return {'volume_id': volume.physical_id, 'instance_uuid': host.physical_id}

    def leg(ground: Ground) -> dict[str, Any]:
        _, subnet = ground.net()
        return {'router': ground.create(ROUTER, 'r').physical_id, 'subnet': subnet}

    def tie(ground: Ground) -> dict[str, Any]:
        net, subnet = ground.net()
        router = ground.create(ROUTER, 'r', external_gateway_info={'network': 'public'})
        ground.create(INTERFACE, 'leg', router=router.physical_id, subnet=subnet)
        return {
            'port_id': ground.create(PORT, 'p', network=net).physical_id,
            'floatingip_id': ground.create(FLOATING, 'f', floating_network='public').physical_id,
        }

    table: dict[str, tuple[type[Resource], Callable[[Ground], dict[str, Any]]]] = {
        'net': (NET, lambda ground: {'tags': ['t']}),
        'subnet': (
            SUBNET,
            lambda ground: {
                'network': ground.create(NET, 'n').physical_id,
                'cidr': '10.81.0.0/24',
                'tags': ['t'],
            },
        ),
        'port': (PORT, network),
        'router': (ROUTER, lambda ground: {'tags': ['t']}),
        'interface': (INTERFACE, leg),
        'association': (ASSOCIATION, tie),
        'floatingip': (FLOATING, lambda ground: {'floating_network': 'public'}),
        'group': (
            GROUP,
            lambda ground: {'rules': [{'direction': 'egress', 'protocol': 'udp'}, {'protocol': 'icmp'}]},
        ),
        'rule': (RULE, lambda ground: {'security_group': ground.create(GROUP, 'g').physical_id}),
        'keypair': (KEYPAIR, lambda ground: {'name': 'drv-killed', 'save_private_key': True}),
        'volume': (VOLUME, lambda ground: {'size': 1, 'read_only': True}),
        'attachment': (ATTACHMENT, attachment),
        'server': (SERVER, server),
    }
    return table[name]


NAMES = [
    'net',
    'subnet',
    'port',
    'router',
    'interface',
    'association',
    'floatingip',
    'group',
    'rule',
    'keypair',
    'volume',
    'attachment',
    'server',
]


@pytest.mark.parametrize('made', [True, False], ids=['after', 'before'])
@pytest.mark.parametrize('name', NAMES)
def test_killed_at_each_call(driver: Driver, ground: Ground, name: str, made: bool) -> None:
    kind, scene = scenes(name)
    props = scene(ground)
    standing = ground.inventory()
    reference = driver.create(kind, 'thing', **props)
    if kind is KEYPAIR:
        assert reference.data['private_key']
    grown = {key: len(ids) for key, ids in ground.inventory().items()}
    driver.delete(kind, reference)
    assert ground.inventory() == standing
    for verb in (Action.CREATE, Action.DELETE):
        for kill in each_call(made):
            row = (
                driver.row(kind, 'thing', **props)
                if verb is Action.CREATE
                else driver.create(kind, 'thing', **props)
            )
            row = driver.survived(kind, row, verb, kill)
            if verb is Action.CREATE:
                assert {key: len(ids) for key, ids in ground.inventory().items()} == grown, (verb, kill.at)
                if kind is KEYPAIR:
                    assert 'PRIVATE KEY' in row.data['private_key']
                driver.delete(kind, row)
            assert ground.inventory() == standing, (verb, kill.at)
            driver.rows.pop(row.uuid, None)


@pytest.mark.parametrize('name', NAMES)
def test_deleted_after_a_creation_that_died(driver: Driver, ground: Ground, name: str) -> None:
    kind, scene = scenes(name)
    props = scene(ground)
    standing = ground.inventory()
    for kill in each_call(True):
        row = driver.row(kind, 'thing', **props)
        driver.given_up(kind, row, kill)
        assert ground.inventory() == standing, kill.at


@pytest.mark.parametrize('made', [True, False], ids=['after', 'before'])
@pytest.mark.parametrize('name', ['net', 'group', 'volume', 'server', 'association'])
def test_killed_at_each_call_of_an_update(driver: Driver, ground: Ground, name: str, made: bool) -> None:
    kind, scene = scenes(name)
    props = scene(ground)
    standing = ground.inventory()
    changes: dict[str, Any] = {
        'net': {'name': 'other', 'tags': ['x']},
        'group': {'description': 'other', 'rules': [{'protocol': 'tcp'}, {'protocol': 'udp'}]},
        'volume': {'size': 2, 'name': 'other', 'read_only': False},
        'association': {},
        'server': {
            'name': 'other',
            'flavor': BIGGER,
            'metadata': {'k': 'v'},
            'networks': [{**nic, 'tag': 'moved'} for nic in props.get('networks', ())],
            'user_data': 'new',
            'user_data_update_policy': 'REBUILD',
        },
    }[name]
    if name == 'association':
        spare = ground.create(FLOATING, 'spare', floating_network='public')
        standing = ground.inventory()
        changes = {'floatingip_id': spare.physical_id}
    new = {**props, **changes}
    for kill in each_call(made):
        row = driver.create(kind, 'thing', **props)
        grown = {key: len(ids) for key, ids in ground.inventory().items()}
        row = driver.survived(kind, driver.changed(kind, row, **new), Action.UPDATE, kill)
        assert {key: len(ids) for key, ids in ground.inventory().items()} == grown, kill.at
        shown = driver.read(kind, row, 'show')['show']
        assert shown.get('name', 'other') == 'other' or name in ('group', 'association'), kill.at
        if name == 'association':
            assert (shown['id'], shown['port_id']) == (changes['floatingip_id'], props['port_id']), kill.at
        if name == 'group':
            assert {one[2] for one in rules_of(driver, row)} == {None, 'tcp', 'udp'}, kill.at
        if name == 'server':
            assert shown['flavor']['original_name'] == BIGGER and len(shown['addresses']) == 1, kill.at
        driver.delete(kind, row)
        assert ground.inventory() == standing, kill.at
