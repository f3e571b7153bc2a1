"""The types of Neutron's plugins on their real APIs: VPNs, chains, taps, gateways to switches, firewalls."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cloud.daemons import User
from tests.cloud.stack import Stack

TYPES = Path(__file__).parent / 'types'
pytestmark = pytest.mark.usefixtures('leaves_nothing')


class Network:
    """What Neutron itself says of a stack's things."""

    def __init__(self, user: User, name: str) -> None:
        self.stack = Stack(user, name)
        self._api = user.api('network')

    def of(self, path: str, name: str) -> dict[str, Any]:
        found, = self._api.get(f'/v2.0/{path}/{self.stack.physical(name)}').json().values()
        return dict(found)

    def ids(self) -> dict[str, str]:
        return {name: one['physical_resource_id'] for name, one in self.stack.resources().items()}

    def changed(self, **parameters: Any) -> set[str]:
        """Update the stack with these parameters; the resources that are other things then."""
        before = self.ids()
        self.stack.update('--existing', **parameters)
        self.stack.ends('UPDATE_COMPLETE')
        return {name for name, identity in self.ids().items() if identity != before[name]}


@pytest.mark.groups('vpnaas')
def test_a_vpn_lives_as_told(user: User) -> None:
    vpn = Network(user, 'vpn')
    stack = vpn.stack
    stack.create(TYPES / 'vpnaas.yaml', mtu=60)
    assert 'resources.site: ipsec_site_connection MTU 60 is too small for ipv4' in stack.ends(
        'CREATE_FAILED')['stack_status_reason']
    vpn.changed(mtu=1400)
    ike, site = vpn.of('vpn/ikepolicies', 'ike'), vpn.of('vpn/ipsec-site-connections', 'site')
    assert (ike['encryption_algorithm'], ike['ike_version'], ike['pfs']) == ('aes-256', 'v2', 'group14')
    assert ike['lifetime'] == stack.outputs()['lifetime'] == {'units': 'seconds', 'value': 7200}
    assert (site['status'], site['psk'], site['mtu']) == ('ACTIVE', 'between-us', 1400)
    assert set(site['peer_cidrs']) == {'10.61.0.0/24', '10.62.0.0/24'}
    assert site['dpd'] == stack.outputs()['dpd'] == {'action': 'restart', 'interval': 20, 'timeout': 120}
    assert stack.outputs()['status'] == 'ACTIVE'
    service = vpn.of('vpn/vpnservices', 'service')
    assert (service['router_id'], service['subnet_id']) == (
        stack.physical('router'), stack.physical('subnet'))
    assert vpn.of('vpn/ipsecpolicies', 'ipsec')['lifetime'] == {'units': 'seconds', 'value': 1800}

    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    assert vpn.changed(text='second', cipher='aes-192', up='false') == set()
    assert vpn.of('vpn/ipsec-site-connections', 'site')['description'] == 'second'
    assert vpn.of('vpn/ipsec-site-connections', 'site')['admin_state_up'] is False
    assert vpn.of('vpn/vpnservices', 'service')['description'] == 'second'
    assert vpn.of('vpn/ikepolicies', 'spare')['encryption_algorithm'] == 'aes-192'
    # Neutron changes no policy that is in use; another one, and another connection, take their places.
    assert vpn.changed(ike_cipher='aes-192', esp_cipher='aes-192') == {'ike', 'ipsec', 'site'}
    site = vpn.of('vpn/ipsec-site-connections', 'site')
    assert (site['ikepolicy_id'], site['ipsecpolicy_id']) == (stack.physical('ike'), stack.physical('ipsec'))
    assert vpn.of('vpn/ikepolicies', 'ike')['encryption_algorithm'] == 'aes-192'
    stack.delete()


@pytest.mark.groups('sfc')
def test_a_chain_of_service_functions_lives_as_told(user: User) -> None:
    sfc = Network(user, 'sfc')
    stack = sfc.stack
    stack.create(TYPES / 'sfc.yaml')
    stack.ends('CREATE_COMPLETE')
    chain, web = sfc.of('sfc/port_chains', 'chain'), sfc.of('sfc/flow_classifiers', 'web')
    assert chain['port_pair_groups'] == [stack.physical('filters')]
    assert chain['flow_classifiers'] == [stack.physical('web')]
    assert (web['protocol'], web['destination_port_range_min'], web['destination_port_range_max']) == (
        'tcp', 80, 89)
    assert web['logical_source_port'] == stack.physical('source')
    pair = sfc.of('sfc/port_pairs', 'filter')
    assert (pair['ingress'], pair['egress']) == (stack.physical('into'), stack.physical('out_of'))
    assert sfc.of('sfc/port_pair_groups', 'filters')['port_pairs'] == [stack.physical('filter')]
    assert stack.outputs()['chain']['name'] == 'sfc-chain'

    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    assert sfc.changed(text='second', spare_in_use='true', first_port=8080, last_port=8089) == {'web'}
    assert sfc.of('sfc/port_chains', 'chain')['description'] == 'second'
    assert sfc.of('sfc/port_pairs', 'filter')['description'] == 'second'
    assert set(sfc.of('sfc/port_pair_groups', 'filters')['port_pairs']) == {
        stack.physical('filter'), stack.physical('cache')}
    assert sfc.of('sfc/port_chains', 'chain')['flow_classifiers'] == [stack.physical('web')]
    assert sfc.of('sfc/flow_classifiers', 'web')['destination_port_range_max'] == 8089
    # The next one would claim traffic that the chain has still, and the service says so.
    stack.update('--existing', last_port=8090)
    assert 'conflicts with' in stack.ends('UPDATE_FAILED')['stack_status_reason']
    stack.delete()


@pytest.mark.groups('taas')
def test_a_tap_lives_as_told(user: User) -> None:
    taps = Network(user, 'taps')
    stack = taps.stack
    stack.create(TYPES / 'taas.yaml')
    stack.ends('CREATE_COMPLETE')
    tap, flow = taps.of('taas/tap_services', 'tap'), taps.of('taas/tap_flows', 'flow')
    assert (tap['name'], tap['port_id'], tap['status']) == ('taps', stack.physical('monitor'), 'ACTIVE')
    assert (flow['source_port'], flow['tap_service_id']) == (
        stack.physical('watched'), stack.physical('tap'))
    assert (flow['direction'], flow['vlan_filter'], flow['status']) == ('BOTH', '1-5,9', 'ACTIVE')
    assert stack.outputs()['tap'] == 'ACTIVE'

    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    assert taps.changed(text='second') == set()
    assert taps.of('taas/tap_services', 'tap')['description'] == 'second'
    assert taps.changed(direction='IN') == {'flow'}
    assert taps.of('taas/tap_flows', 'flow')['direction'] == 'IN'
    stack.delete()


@pytest.mark.groups('l2gw')
def test_a_gateway_to_switches_lives_as_told(administrator: User) -> None:
    """Only administrators may make one."""
    gateways = Network(administrator, 'gateways')
    stack = gateways.stack
    stack.create(TYPES / 'l2gw.yaml')
    stack.ends('CREATE_COMPLETE')
    gateway, link = gateways.of('l2-gateways', 'gateway'), gateways.of('l2-gateway-connections', 'link')
    assert gateway['name'] == 'gate-first'
    assert gateway['devices'][0]['device_name'] == 'switch1'
    assert [one['name'] for one in gateway['devices'][0]['interfaces']] == ['eth1']
    assert (link['l2_gateway_id'], link['network_id'], str(link['segmentation_id'])) == (
        stack.physical('gateway'), stack.physical('net'), '301')

    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    assert gateways.changed(label='second') == set()
    assert gateways.of('l2-gateways', 'gateway')['name'] == 'gate-second'
    assert gateways.changed(segment='302') == {'link'}
    assert str(gateways.of('l2-gateway-connections', 'link')['segmentation_id']) == '302'
    stack.delete()


@pytest.mark.groups('fwaas')
def test_a_firewall_lives_as_told(user: User) -> None:
    """Of the first version, in a Neutron that is newer; the agents of its routers are imagined."""
    walls = Network(user, 'walls')
    stack = walls.stack
    stack.create(TYPES / 'fwaas.yaml', ports='90:80')
    assert 'First port in a port range must be lower than the second port' in stack.ends(
        'CREATE_FAILED')['stack_status_reason']
    walls.changed(ports='80:90')

    def rules() -> dict[str, dict[str, Any]]:
        return {name: walls.of('fw/firewall_rules', name) for name in ('web', 'newer', 'rest')}

    policy, wall = walls.of('fw/firewall_policies', 'policy'), walls.of('fw/firewalls', 'wall')
    found = rules()
    assert policy['firewall_rules'] == [found[name]['id'] for name in ('web', 'newer', 'rest')]
    assert (policy['audited'], policy['shared'], policy['description']) == (True, False, 'first')
    assert (wall['name'], wall['status']) == ('types-wall', 'ACTIVE')
    assert (wall['firewall_policy_id'], wall['router_ids']) == (policy['id'], [stack.physical('router')])
    web, newer, rest = found['web'], found['newer'], found['rest']
    assert (web['protocol'], web['destination_port'], web['action'], web['ip_version']) == (
        'tcp', '80:90', 'allow', 4)
    assert (newer['ip_version'], newer['destination_ip_address']) == (6, '2001:db8::/32')
    assert (rest['protocol'], rest['action'], rest['source_ip_address']) == (None, 'deny', None)
    outputs = stack.outputs()
    assert (outputs['status'], outputs['rules']) == ('ACTIVE', policy['firewall_rules'])
    assert outputs['wall']['router_ids'] == wall['router_ids']
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    assert stack.drifted() == {}

    # Each of these has the firewall done again, which takes no other change meanwhile.
    assert walls.changed(text='second', ports='81', up='false') == set()
    policy, wall = walls.of('fw/firewall_policies', 'policy'), walls.of('fw/firewalls', 'wall')
    found = rules()
    assert {one['description'] for one in (policy, wall, found['web'], found['rest'])} == {'second'}
    assert (wall['status'], policy['audited'], found['web']['destination_port']) == ('DOWN', True, '81')
    assert (found['newer']['enabled'], found['web']['protocol']) == (False, 'tcp')
    assert walls.changed(senders='10.70.0.0/16', up='true') == set()
    assert walls.changed(log_only='true') == set()
    policy = walls.of('fw/firewall_policies', 'policy')
    assert (policy['firewall_rules'], policy['audited']) == ([stack.physical('rest')], True)
    assert rules()['web']['source_ip_address'] == '10.70.0.0/16'
    assert walls.of('fw/firewalls', 'wall')['status'] == 'ACTIVE'
    stack.update('--existing', protocol='icmp')
    assert 'port are not allowed when protocol is set to ICMP' in stack.ends(
        'UPDATE_FAILED')['stack_status_reason']
    stack.delete()
