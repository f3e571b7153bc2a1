"""The types of the DNS service on a real Designate: zones, copies of zones, recordsets."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cloud.daemons import User
from tests.cloud.stack import Stack

TYPES = Path(__file__).parent / 'types'
TEMPLATE, ANEW = TYPES / 'designate.yaml', TYPES / 'designate_anew.yaml'
pytestmark = [pytest.mark.groups('designate'), pytest.mark.usefixtures('leaves_nothing')]


class Dns:
    """The service as the owner of `stack` finds it."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._api = stack, stack.user.api('dns')

    def zone(self, name: str = 'zone') -> dict[str, Any]:
        found: dict[str, Any] = self._api.get(f'/v2/zones/{self._stack.physical(name)}').json()
        return found

    def recordset(self, name: str, zone: str = 'zone') -> dict[str, Any]:
        path = f'/v2/zones/{self._stack.physical(zone)}/recordsets/{self._stack.physical(name)}'
        found: dict[str, Any] = self._api.get(path).json()
        return found


def test_zones_and_recordsets_live_as_told(user: User) -> None:
    stack = Stack(user, 'dns')
    dns = Dns(stack)
    stack.create(TEMPLATE, address='nowhere')
    assert "resources.web: 'nowhere' is not a 'A' Record" in stack.ends(
        'CREATE_FAILED')['stack_status_reason']
    # What was wrong is put right in the same stack.
    stack.update('--existing', address='192.0.2.10')
    stack.ends('UPDATE_COMPLETE')
    zone, web = dns.zone(), dns.recordset('web')
    assert (zone['name'], zone['email'], zone['ttl']) == ('shop.example.', 'hostmaster@shop.example', 1800)
    assert dns.zone('copy')['masters'] == ['192.0.2.53'] and dns.zone('copy')['type'] == 'SECONDARY'
    assert (web['name'], web['type'], web['ttl']) == ('www.shop.example.', 'A', 300)
    assert set(web['records']) == {'192.0.2.10', '192.0.2.11'}
    assert dns.recordset('mail')['records'] == ['10 mx.shop.example.']
    assert dns.recordset('nameless')['name'].startswith('dns-nameless-')
    assert {one['status'] for one in (zone, web)} == {'ACTIVE'}
    # Every change of a recordset has counted it on since.
    assert zone['created_at'] and stack.outputs()['serial'] <= zone['serial']

    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    before = {name: one['physical_resource_id'] for name, one in stack.resources().items()}
    stack.update('--existing', text='second', address='192.0.2.77', primary='192.0.2.54')
    stack.ends('UPDATE_COMPLETE')
    assert {name: one['physical_resource_id'] for name, one in stack.resources().items()} == before
    assert dns.zone()['description'] == 'second' and dns.zone('copy')['masters'] == ['192.0.2.54']
    web = dns.recordset('web')
    assert set(web['records']) == {'192.0.2.77', '192.0.2.11'} and web['description'] == 'second'

    stack.update('--existing', label='store')
    stack.ends('UPDATE_COMPLETE')
    assert dns.recordset('web')['name'] == 'store.shop.example.'
    after = {name: one['physical_resource_id'] for name, one in stack.resources().items()}
    assert {name for name in before if before[name] != after[name]} == {'web'}
    stack.delete()


def test_a_zone_is_made_anew_under_its_own_name(user: User) -> None:
    stack = Stack(user, 'anew')
    dns = Dns(stack)
    stack.create(ANEW)
    stack.ends('CREATE_COMPLETE')
    first = {name: one['physical_resource_id'] for name, one in stack.resources().items()}
    stack.update('--existing', kind='SECONDARY', tier='silver')
    stack.ends('UPDATE_COMPLETE')
    assert (dns.zone()['name'], dns.zone()['type']) == ('anew.example.', 'SECONDARY')
    second = {name: one['physical_resource_id'] for name, one in stack.resources().items()}
    assert set(second) == {'zone', 'tagged', 'web'}
    assert not [name for name in second if first[name] == second[name]]
    assert dns.recordset('web', 'tagged')['status'] == 'ACTIVE'

    # What was let go is there again after a rollback, with all that was in it.
    stack.update('--existing', '--rollback', 'enabled', kind='PRIMARY', tier='gold', address='nowhere')
    stack.ends('ROLLBACK_COMPLETE')
    assert (dns.zone()['type'], dns.zone('tagged')['status']) == ('SECONDARY', 'ACTIVE')
    assert dns.recordset('web', 'tagged')['records'] == ['192.0.2.10']
    stack.update('--existing', kind='PRIMARY')
    stack.ends('UPDATE_COMPLETE')
    assert (dns.zone()['type'], dns.recordset('mail')['status']) == ('PRIMARY', 'ACTIVE')
    stack.delete()
