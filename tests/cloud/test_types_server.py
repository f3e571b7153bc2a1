"""What changes of a server in place, as the compute and the network service see it."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.daemons import User
from tests.cloud.stack import Stack

TYPES = Path(__file__).with_name('types')
PAIRS = {'allowed_address_pairs': [{'ip_address': '10.33.0.200'}]}

pytestmark = pytest.mark.usefixtures('leaves_nothing')


class Ports:
    """The ports of the stack's server; those that compute made have no name."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._api = stack.user.api('network')

    def all(self) -> dict[str, dict[str, Any]]:
        listed = self._api.get('/v2.0/ports', params={'device_id': self.stack.physical('server')}).json()
        return {one['id']: one for one in listed['ports']}

    def pair(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The one that was made for the server, and the one that compute made."""
        made, plain = sorted(self.all().values(), key=lambda one: not one['name'])
        assert made['name'] and not plain['name']
        return made, plain

    def reached(self) -> Any:
        address = self.stack.physical('address')
        return self._api.get(f'/v2.0/floatingips/{address}').json()['floatingip']['port_id']


def test_the_ports_of_a_server_change_in_place(user: User) -> None:
    stack = Stack(user, 'ports')
    ports = Ports(stack)
    stack.create(TYPES / 'server_ports.yaml')
    stack.ends('CREATE_COMPLETE')
    server, group, before = stack.physical('server'), stack.physical('group'), set(ports.all())
    made, plain = ports.pair()
    assert [pair['ip_address'] for pair in made['allowed_address_pairs']] == ['10.33.0.200']
    assert made['security_groups'] == plain['security_groups'] == [group]

    stack.update('--existing', made=json.dumps({'port_security_enabled': False}), shaped='true',
                 reached='true', plain=json.dumps({'value_specs': {'description': 'mine'}, **PAIRS}))
    stack.ends('UPDATE_COMPLETE')
    made, plain = ports.pair()
    assert (stack.physical('server'), set(ports.all())) == (server, before)
    assert (made['port_security_enabled'], made['security_groups'], made['allowed_address_pairs']) == (
        False, [], [])
    assert (plain['description'], len(plain['allowed_address_pairs'])) == ('mine', 1)
    assert ports.reached() == plain['id']

    stack.update('--existing', shaped='false', reached='false', made=json.dumps({
        'admin_state_up': False, 'binding:vnic_type': 'macvtap', **PAIRS}))
    stack.ends('UPDATE_COMPLETE')
    made, plain = ports.pair()
    assert (stack.physical('server'), set(ports.all())) == (server, before)
    assert (made['port_security_enabled'], made['security_groups'], made['admin_state_up']) == (
        True, [group], False)
    assert made['binding:vnic_type'] == 'macvtap'
    assert made['allowed_address_pairs'] and not plain['allowed_address_pairs'] and not ports.reached()

    # Another hardware address is another port.
    stack.update('--existing', made=json.dumps({'mac_address': 'fa:16:3e:33:00:01'}))
    stack.ends('UPDATE_COMPLETE')
    new, still = ports.pair()
    assert (new['mac_address'], still['id']) == ('fa:16:3e:33:00:01', plain['id'])
    assert new['id'] not in before and len(ports.all()) == 2
    stack.delete()


def test_a_server_made_anew_has_the_addresses_that_the_template_says(user: User) -> None:
    stack = Stack(user, 'addresses')
    ports, wanted = Ports(stack), ['10.34.0.77', '10.34.0.78']

    def addresses() -> list[str]:
        return sorted(one['ip_address'] for port in ports.all().values() for one in port['fixed_ips'])

    stack.create(TYPES / 'server_addresses.yaml')
    stack.ends('CREATE_COMPLETE')
    first = stack.physical('server')
    assert addresses() == wanted
    stack.update('--existing', release='second')
    stack.ends('UPDATE_COMPLETE')
    second = stack.physical('server')
    assert second != first and addresses() == wanted

    # Where there is no other, this one has its addresses again.
    stack.update('--existing', '--rollback', 'enabled', release='third', zone='nowhere')
    stack.ends('ROLLBACK_COMPLETE')
    assert stack.physical('server') == second and addresses() == wanted
    stack.delete()


def test_a_group_of_instances_is_like_the_one_that_it_names(user: User) -> None:
    stack = Stack(user, 'alike')
    stack.create(TYPES / 'like_instance.yaml')
    stack.ends('CREATE_COMPLETE')
    listed = user.api('compute').get('/servers/detail').json()['servers']
    like, members = stack.physical('Like'), set(stack.members('Group').values())
    assert {one['id'] for one in listed} == {like, *members} and len(members) == 2
    for name in ('image', 'flavor', 'security_groups', 'key_name'):
        assert len({json.dumps(one[name], sort_keys=True) for one in listed}) == 1, name
    stack.delete()
