"""Shares, their types, networks and directory services on a real Manila."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cloud.daemons import User
from tests.cloud.stack import Stack

TEMPLATE = Path(__file__).parent / 'types' / 'manila.yaml'
VERSION = {'X-OpenStack-Manila-API-Version': '2.60'}

pytestmark = [pytest.mark.groups('manila'), pytest.mark.usefixtures('leaves_nothing')]


class Shares:
    """Manila as the owner of a stack sees it."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self._api = stack, stack.user.api('sharev2')

    def get(self, path: str, key: str) -> Any:
        return self._api.get(path, headers=VERSION).json()[key]

    def of(self, kind: str, name: str) -> dict[str, Any]:
        path = {'share': 'shares', 'share_network': 'share-networks', 'share_type': 'types',
                'security_service': 'security-services'}[kind]
        found: dict[str, Any] = self.get(f'/{path}/{self.stack.physical(name)}', kind)
        return found

    def directories(self) -> set[str]:
        """Those that the share network has."""
        path = f'/security-services?share_network_id={self.stack.physical("shared_net")}'
        return {one['name'] for one in self.get(path, 'security_services')}

    def rules(self) -> set[tuple[str, str]]:
        path = f'/share-access-rules?share_id={self.stack.physical("share")}'
        return {(one['access_to'], one['access_level']) for one in self.get(path, 'access_list')}


def test_shares_and_what_belongs_to_them(administrator: User) -> None:
    stack = Stack(administrator, 'types-manila')
    manila = Shares(stack)
    stack.create(TEMPLATE)
    stack.ends('CREATE_COMPLETE')
    ldap = manila.of('security_service', 'ldap')
    assert (ldap['type'], ldap['user'], ldap['password']) == ('ldap', 'me', 'a secret')
    assert ldap['domain'] == 'first'
    network = manila.of('share_network', 'shared_net')
    assert network['name'] == 'types-first' and manila.directories() == {'types-ldap'}
    assert network['share_network_subnets'][0]['neutron_net_id'] == stack.physical('net')
    kind = manila.of('share_type', 'kind')
    assert kind['share_type_access:is_public'] is False
    assert kind['extra_specs'] == {'driver_handles_share_servers': 'False', 'snapshot_support': 'True',
                                   'share_backend_name': 'dummy', 'of:label': 'first'}
    share = manila.of('share', 'share')
    assert (share['status'], share['share_type'], share['size']) == ('available', kind['id'], 1)
    assert share['metadata'] == {'label': 'first', 'number': '7'}
    assert manila.rules() == {('10.40.0.6', 'rw'), ('10.40.0.7', 'ro')}
    outputs = stack.outputs()
    assert outputs['exports'][0]['path'] and outputs['status'] == 'available'
    assert outputs['network'] == stack.physical('net')

    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    before = {name: one['physical_resource_id'] for name, one in stack.resources().items()}
    stack.update('--existing', label='second', reader='10.40.0.8', level='rw', directories='["kerberos"]')
    stack.ends('UPDATE_COMPLETE')
    assert {name: one['physical_resource_id'] for name, one in stack.resources().items()} == before
    assert manila.of('security_service', 'ldap')['description'] == 'second'
    assert manila.of('share_network', 'shared_net')['name'] == 'types-second'
    assert manila.directories() == {'types-kerberos'}
    assert manila.of('share_type', 'kind')['extra_specs']['of:label'] == 'second'
    share = manila.of('share', 'share')
    assert (share['description'], share['metadata']['label']) == ('second', 'second')
    assert manila.rules() == {('10.40.0.6', 'rw'), ('10.40.0.8', 'rw')}

    stack.update('--existing', size=2)
    stack.ends('UPDATE_COMPLETE')
    assert manila.of('share', 'share')['size'] == 2 and stack.physical('share') != before['share']
    stack.delete()


def test_a_share_that_no_back_end_takes_says_so(administrator: User, tmp_path: Path) -> None:
    stack = Stack(administrator, 'types-manila')
    wrong = tmp_path / 'wrong.yaml'
    wrong.write_text(TEMPLATE.read_text().replace('share_backend_name: dummy', 'share_backend_name: none'))
    stack.create(wrong)
    reason = stack.ends('CREATE_FAILED')['stack_status_reason']
    assert 'resources.share' in reason and 'No storage could be allocated for this share request' in reason
    stack.delete()
