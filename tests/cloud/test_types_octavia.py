"""The types of the load balancing service: as told, changed, replaced, refused, gone."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cloud.daemons import User
from tests.cloud.stack import Stack
from tests.servers.daemon import wait_until

TYPES = Path(__file__).with_name('types')
PLACES = {'balancer': ('loadbalancers', 'loadbalancer'), 'listener': ('listeners', 'listener'),
          'second_listener': ('listeners', 'listener'), 'pool': ('pools', 'pool'),
          'second_pool': ('pools', 'pool'), 'monitor': ('healthmonitors', 'healthmonitor'),
          'policy': ('l7policies', 'l7policy'), 'profile': ('flavorprofiles', 'flavorprofile'),
          'flavor': ('flavors', 'flavor'), 'zone': ('availabilityzones', 'availability_zone'),
          'zone_profile': ('availabilityzoneprofiles', 'availability_zone_profile')}

pytestmark = [pytest.mark.groups('octavia'), pytest.mark.usefixtures('leaves_nothing')]


class Balancing:
    """What Octavia says of a stack's things."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._api = stack.user.api('load-balancer')

    def get(self, path: str, key: str) -> Any:
        return self._api.get(f'/v2.0/lbaas/{path}').json()[key]

    def of(self, name: str) -> dict[str, Any]:
        path, key = PLACES[name]
        found: dict[str, Any] = self.get(f'{path}/{self.stack.physical(name)}', key)
        return found

    def members(self, pool: str) -> dict[str, dict[str, Any]]:
        """By address."""
        listed = self.get(f'pools/{self.stack.physical(pool)}/members', 'members')
        return {one['address']: one for one in listed}

    def ids(self) -> dict[str, str]:
        return {name: one['physical_resource_id'] for name, one in self.stack.resources(depth=1).items()}


def test_a_load_balancer_and_all_it_has(user: User) -> None:
    stack = Stack(user, 'balancing')
    there = Balancing(stack)
    stack.create(TYPES / 'octavia.yaml')
    stack.ends('CREATE_COMPLETE')
    balancer, listener, pool = there.of('balancer'), there.of('listener'), there.of('pool')
    assert (balancer['name'], balancer['vip_address']) == ('balancer-first', '10.31.0.80')
    assert listener['default_pool_id'] == pool['id'] and listener['allowed_cidrs'] == ['10.31.0.0/24']
    assert there.of('second_listener')['default_pool_id'] == stack.physical('second_pool')
    assert pool['session_persistence']['cookie_name'] == 'first'
    assert pool['healthmonitor_id'] == stack.physical('monitor')
    assert there.of('monitor')['url_path'] == '/healthy'
    assert there.members('second_pool')['10.31.0.9']['tags'] == ['first']
    assert there.of('policy')['redirect_url'] == 'http://www.example.com/'
    outputs = stack.outputs()
    assert outputs['address'] == '10.31.0.80' and outputs['port'] == balancer['vip_port_id']
    members = there.members('pool')
    assert {one['id'] for one in outputs['members']} == {one['id'] for one in members.values()}
    assert set(outputs['addresses']) == set(members) and len(members) == 2
    stack.act('check')
    stack.ends('CHECK_COMPLETE')

    # The monitor alone cannot be changed, and its pool takes no second one.
    before = there.ids()
    stack.update('--existing', label='second', algorithm='SOURCE_IP', weight=2, watched_by='TCP',
                 action='REDIRECT_TO_POOL', host='b.example.com', members=3)
    stack.ends('UPDATE_COMPLETE')
    after = there.ids()
    assert {name for name in before if after[name] != before[name]} == {'monitor'}
    assert there.of('balancer')['name'] == 'balancer-second'
    assert there.of('listener')['description'] == 'second'
    assert (there.of('pool')['lb_algorithm'], there.of('pool')['healthmonitor_id']) == (
        'SOURCE_IP', after['monitor'])
    assert there.of('monitor')['type'] == 'TCP'
    now = there.members('pool')
    assert [one['weight'] for one in now.values()] == [2, 2, 2]
    assert {address: now[address]['id'] for address in members} == {
        address: one['id'] for address, one in members.items()}
    policy = there.of('policy')
    assert (policy['redirect_pool_id'], policy['redirect_url']) == (after['second_pool'], None)
    rule = there.get(f'l7policies/{after["policy"]}/rules/{after["rule"]}', 'rule')
    assert rule['value'] == 'b.example.com'

    # What the service refuses is told in its words, and changes nothing.
    stack.update('--existing', second_port=80)
    failed = stack.ends('UPDATE_FAILED')
    assert 'already using protocol HTTP and protocol_port 80' in failed['stack_status_reason']
    assert there.ids()['listener'] == after['listener']
    stack.delete()


def test_what_an_administrator_offers(administrator: User) -> None:
    stack = Stack(administrator, 'offers')
    there = Balancing(stack)
    project = stack.user.session.get_project_id()
    stack.create(TYPES / 'octavia_offers.yaml')
    stack.ends('CREATE_COMPLETE')
    assert there.of('flavor')['flavor_profile_id'] == stack.physical('profile')
    assert there.of('zone')['availability_zone_profile_id'] == stack.outputs()['zone_profile']
    demo = stack.physical('quota')
    assert demo != project and there.get(f'quotas/{demo}', 'quota')['member'] == 30
    stack.act('check')
    stack.ends('CHECK_COMPLETE')

    before = there.ids()
    stack.update('--existing', label='second', members=31)
    stack.ends('UPDATE_COMPLETE')
    assert there.ids() == before
    assert there.of('flavor')['description'] == there.of('zone')['description'] == 'second'
    assert there.of('profile')['name'] == there.of('zone_profile')['name'] == 'types-second'
    assert there.get(f'quotas/{demo}', 'quota')['member'] == 31

    # Each is replaced by one that has its name.
    stack.update('--existing', profile='second')
    stack.ends('UPDATE_COMPLETE')
    assert stack.physical('flavor') != before['flavor'] and there.of('flavor')['name'] == 'types-flavor'
    assert there.of('flavor')['flavor_profile_id'] == before['second_profile']
    assert there.of('zone')['availability_zone_profile_id'] == before['second_zone_profile']
    stack.delete()
    usual = there.get('quotas/defaults', 'quota')
    assert there.get(f'quotas/{demo}', 'quota') == usual


def test_a_classic_load_balancer_and_a_group_behind_it(user: User) -> None:
    stack = Stack(user, 'classic')
    api = user.api('load-balancer')
    stack.create(TYPES / 'elastic_load_balancer.yaml')
    stack.ends('CREATE_COMPLETE')

    def one(key: str, **query: str) -> dict[str, Any]:
        found, = api.get(f'/v2.0/lbaas/{key}', params=query).json()[key]
        return dict(found)

    def members(pool: dict[str, Any]) -> dict[str, Any]:
        listed = api.get(f'/v2.0/lbaas/pools/{pool["id"]}/members').json()['members']
        return {one['address']: (one['protocol_port'], one['monitor_port']) for one in listed}

    balancer, outputs = stack.physical('Balancer'), stack.outputs()
    assert one('loadbalancers', id=balancer)['vip_address'] == outputs['Address']
    listener, pool = one('listeners'), one('pools')
    assert (listener['protocol_port'], listener['default_pool_id']) == (80, pool['id'])
    assert one('healthmonitors')['url_path'] == '/up'
    assert members(pool) == dict.fromkeys([outputs['Web'], outputs['Instances']], (8080, 8081))
    stack.act('check')
    stack.ends('CHECK_COMPLETE')

    # Its address is guarded by what the template says, or as the service guards it.
    vip = one('loadbalancers', id=balancer)['vip_port_id']

    def guards() -> set[str]:
        return set(user.api('network').get(f'/v2.0/ports/{vip}').json()['port']['security_groups'])

    callers, watchers = stack.physical('Callers'), stack.physical('Watchers')
    assert guards() == {callers}
    stack.update('--existing', Guards='both')
    stack.ends('UPDATE_COMPLETE')
    assert guards() == {callers, watchers} and stack.physical('Balancer') == balancer
    stack.update('--existing', Guards='none')
    stack.ends('UPDATE_COMPLETE')
    assert not guards() & {callers, watchers}
    stack.update('--existing', Guards='first')
    stack.ends('UPDATE_COMPLETE')

    # The instance leaves, and another of the group joins.
    stack.update('--existing', WithWeb='no', Size=2)
    stack.ends('UPDATE_COMPLETE')
    group = stack.outputs()['Instances'].split(',')
    assert len(group) == 2 and stack.physical('Balancer') == balancer
    assert members(pool) == dict.fromkeys(group, (8080, 8081))
    stack.update('--existing', WithWeb='yes', Size=1)
    stack.ends('UPDATE_COMPLETE')
    assert set(members(pool)) == {outputs['Web'], *stack.outputs()['Instances'].split(',')}
    stack.delete()


class Scaled:
    """Servers of a group that are members of a pool, as compute and Octavia have them."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._balancing, self._compute = Balancing(stack), stack.user.api('compute')

    def members(self) -> list[str]:
        """The addresses of the pool's members, each as often as it is there."""
        listed = self._balancing.get(f'pools/{self.stack.physical("pool")}/members', 'members')
        return sorted(one['address'] for one in listed if one['provisioning_status'] != 'PENDING_DELETE')

    def servers(self) -> dict[str, str]:
        """Address -> id, of those that serve."""
        listed = self._compute.get('/servers/detail').json()['servers']
        return {address['addr']: one['id'] for one in listed
                if one['status'] == 'ACTIVE' and one['OS-EXT-STS:task_state'] is None
                for network in one['addresses'].values() for address in network}

    def signal(self, policy: str, size: int) -> None:
        """Have ``policy`` scale the group, and wait until all that belongs to it has followed."""
        self.stack.user.openstack('stack', 'resource', 'signal', self.stack.name, policy)
        wait_until(f'{size} members', lambda: len(self.members()) == size == len(self.servers())
                   and not self.stack.metadata('group')['scaling_in_progress'], 180, every=0.5)

    def agree(self, size: int) -> dict[str, str]:
        """Fails unless each server is a member, and nothing else is; gives the servers."""
        servers, outputs = self.servers(), self.stack.outputs()
        assert self.members() == sorted(servers) == sorted(outputs['addresses']) and len(servers) == size
        assert set(outputs['servers'].values()) == set(servers.values())
        return servers


def test_the_members_of_a_pool_follow_the_servers_of_a_group(user: User) -> None:
    stack = Stack(user, 'scaled')
    there = Scaled(stack)
    stack.create(TYPES / 'scaled_servers.yaml')
    stack.ends('CREATE_COMPLETE')
    first = there.agree(2)

    there.signal('out', 3)
    grown = there.agree(3)
    assert first.items() < grown.items()

    # Another release: all servers are made anew, one after the other, while the others serve.
    stack.update('--existing', release='second', in_service=2)
    serving = []
    while stack.show()['stack_status'] == 'UPDATE_IN_PROGRESS':
        servers = there.servers()
        serving.append(len([address for address in there.members() if address in servers]))
    stack.ends('UPDATE_COMPLETE')
    # A desired capacity is one that an update leads to.
    rolled = there.agree(2)
    assert not set(rolled.values()) & set(grown.values())
    assert min(serving) >= 2, serving

    there.signal('out', 3)
    there.signal('in', 2)
    there.signal('in', 1)
    there.agree(1)
    # Less than one there is not.
    user.openstack('stack', 'resource', 'signal', 'scaled', 'in')
    stack.update('--existing', size=3)
    stack.ends('UPDATE_COMPLETE')
    there.agree(3)
    stack.delete()
