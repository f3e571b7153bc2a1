"""What stands on extensions of the network service: made, changed, replaced, deleted, as that sees it."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cloud.daemons import User
from tests.cloud.stack import Stack

TYPES = Path(__file__).with_name('types')
GATEWAY = """
heat_template_version: 2018-08-31
resources:
  gate:
    type: OS::Neutron::NetworkGateway
    properties: {devices: [{id: d, interface_name: breth1}]}
"""
SHARED = """
heat_template_version: 2018-08-31
resources:
  scope: {type: OS::Neutron::AddressScope, properties: {shared: true}}
"""

pytestmark = pytest.mark.usefixtures('leaves_nothing')


class Network:
    """The network service as the owner of a stack finds it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._api = stack.user.api('network')

    def get(self, path: str) -> Any:
        """The object or list that is the only member of the answer."""
        (found,) = self._api.get(f'/v2.0/{path}').json().values()
        return found

    def of(self, path: str, name: str) -> Any:
        return self.get(f'{path}/{self.stack.physical(name)}')

    def routes(self) -> set[str]:
        return {one['destination'] for one in self.of('routers', 'router')['routes']}

    def sub_ports(self) -> dict[str, int]:
        return {one['port_id']: one['segmentation_id'] for one in self.of('trunks', 'trunk')['sub_ports']}

    def forwards(self, by: str = 'floating') -> list[dict[str, Any]]:
        address = self.stack.physical(by)
        found: list[dict[str, Any]] = self.get(f'floatingips/{address}/port_forwardings')
        return found

    def rules(self) -> dict[str, dict[str, Any]]:
        """Of the policy: what kind of rule -> what it says."""
        return {one['type']: one for one in self.of('qos/policies', 'policy')['rules']}


def ids(stack: Stack) -> dict[str, str]:
    return {name: one['physical_resource_id'] for name, one in stack.resources().items()}


def checked(stack: Stack) -> None:
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    assert {one['resource_status'] for one in stack.resources().values()} == {'CHECK_COMPLETE'}


def test_what_users_make_of_the_network_service(user: User, administrator: User) -> None:
    stack = Stack(user, 'nets')
    there = Network(stack)
    whom = str(administrator.session.get_project_id())
    stack.create(TYPES / 'neutron.yaml', whom=whom)
    stack.ends('CREATE_COMPLETE')
    scope, pool, subnet = (there.of('address-scopes', 'scope'), there.of('subnetpools', 'pool'),
                           there.of('subnets', 'subnet'))
    assert (scope['name'], pool['name'], pool['tags']) == ('first', 'first', ['first'])
    assert pool['address_scope_id'] == scope['id'] and pool['default_quota'] is None
    assert subnet['cidr'].startswith('10.70.') and subnet['cidr'].endswith('/24')
    assert there.of('rbac-policies', 'sharing')['target_tenant'] == whom
    public = there.get('networks?name=public')[0]['id']
    assert there.of('routers', 'router')['external_gateway_info']['network_id'] == public
    assert there.routes() == {'10.81.0.0/24', '10.82.0.0/24', '10.71.0.0/24'}
    inner = there.of('ports', 'inner')
    assert [(one['external_port'], one['internal_port'], one['internal_port_id'])
            for one in there.forwards()] == [(2022, 22, inner['id'])]
    one, other = stack.physical('one'), stack.physical('other')
    assert there.sub_ports() == {one: 101, other: 7}
    assert there.of('ports', 'parent')['device_id'] == stack.physical('server')
    address = there.of('floatingips', 'old_address')
    assert address['port_id'] == stack.physical('parent')
    outputs = stack.outputs()
    assert outputs['old'] == [address['floating_ip_address'], public]
    assert outputs['trunk'] == stack.physical('parent')
    checked(stack)

    # In place: the trunk gets its subport under another number and lets go of one that is deleted then.
    before = ids(stack)
    stack.update('--existing', label='second', vlan=102, both='false', outside=2023, far='10.72.0.0/24',
                 prefixlen=25)
    stack.ends('UPDATE_COMPLETE')
    del before['other']
    assert ids(stack) == before
    assert [there.of(*one)['name'] for one in (
        ('address-scopes', 'scope'), ('subnetpools', 'pool'), ('trunks', 'trunk'))] == ['second'] * 3
    pool = there.of('subnetpools', 'pool')
    assert (pool['tags'], int(pool['default_prefixlen'])) == (['second'], 25)
    assert there.routes() == {'10.81.0.0/24', '10.82.0.0/24', '10.72.0.0/24'}
    assert [one['external_port'] for one in there.forwards()] == [2023]
    assert there.sub_ports() == {one: 102}
    assert there.of('floatingips', 'old_address')['port_id'] == stack.physical('parent')
    checked(stack)

    # Another address passes the same port on, which two cannot do, so the old one goes first.
    stack.update('--existing', moved='true')
    stack.ends('UPDATE_COMPLETE')
    assert [one['id'] for one in there.forwards('spare')] == [stack.physical('forward')]
    assert there.forwards() == [] and stack.physical('forward') != before['forward']
    stack.delete()


def test_what_administrators_make_of_the_network_service(administrator: User, tmp_path: Path) -> None:
    stack = Stack(administrator, 'plain')
    there = Network(stack)
    demo = administrator.api('identity').get('/projects?name=demo').json()['projects'][0]['id']
    usual = there.get(f'quotas/{demo}')
    stack.create(TYPES / 'neutron_admin.yaml')
    stack.ends('CREATE_COMPLETE')
    rules = there.rules()
    assert (rules['bandwidth_limit']['max_kbps'], rules['bandwidth_limit']['direction']) == (100, 'egress')
    assert rules['dscp_marking']['dscp_mark'] == 10 and rules['minimum_bandwidth']['min_kbps'] == 100
    assert rules['minimum_packet_rate']['min_kpps'] == 100
    leave = there.of('rbac-policies', 'leave')
    assert (leave['object_id'], leave['target_tenant']) == (stack.physical('policy'), '*')
    network, segment = there.of('networks', 'network'), there.of('segments', 'segment')
    assert (network['name'], network['shared'], network['tags']) == ('first', False, ['first'])
    assert (segment['network_id'], segment['segmentation_id']) == (network['id'], 702)
    assert {one['segmentation_id'] for one in stack.outputs()['segments']} == {701}
    rule = there.of('metering/metering-label-rules', 'rule')
    assert (rule['metering_label_id'], rule['excluded']) == (stack.physical('label'), False)
    assert there.get(f'quotas/{demo}') == {**usual, 'network': 77, 'port': 777}
    checked(stack)

    # In place, but for the metering rule, which cannot be changed.
    before = ids(stack)
    stack.update('--existing', number=200, counted='10.91.0.0/24', limit=78, ports='false')
    stack.ends('UPDATE_COMPLETE')
    after = ids(stack)
    assert {name for name in before if after[name] != before[name]} == {'rule'}
    rules = there.rules()
    assert rules['bandwidth_limit']['max_kbps'] == rules['minimum_bandwidth']['min_kbps'] == 200
    assert rules['minimum_packet_rate']['min_kpps'] == 200
    assert stack.outputs()['counts'] == '10.91.0.0/24'
    assert len(there.get('metering/metering-label-rules')) == 1
    assert there.get(f'quotas/{demo}') == {**usual, 'network': 78}
    stack.delete()
    assert there.get(f'quotas/{demo}') == usual


def test_what_the_network_service_lacks_or_forbids_is_told(user: User, tmp_path: Path) -> None:
    stack = Stack(user, 'lacking')
    template = tmp_path / 'template.yaml'
    template.write_text(GATEWAY)
    stack.create(template)
    assert ('OS::Neutron::NetworkGateway needs the extension network-gateway, which the network service of '
            'this cloud does not have.') in stack.ends('CREATE_FAILED')['stack_status_reason']
    template.write_text(SHARED)
    stack.update('-t', template)
    reason = stack.ends('UPDATE_FAILED')['stack_status_reason']
    assert 'create_address_scope:shared) is disallowed by policy' in reason
    stack.delete()
