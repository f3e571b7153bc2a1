"""Firewalls over HTTP, against a stand-in for the first version of Neutron's firewall service.

That service ended with Stein. The stand-in does what its API reference says, and what was seen of the
real one (`tests/cloud`, when it is asked for): what is required and known, what it looks at together,
what is in use, and states that pass by themselves.
"""
# ruff: noqa: F401, F811 - pytest passes fixtures by the names they are imported under
from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import webob

from heat.common.clock import Clock, VirtualClock
from heat.common.ids import new_id
from heat.model.outcome import Failed
from heat.model.status import Action
from heat.resources.openstack import TYPES
from heat.simcloud.server import Settings, SimCloud
from tests.functional.drive import Died, Driver, Kill
from tests.functional.ground import driver

FIREWALL, POLICY, RULE = (TYPES[f'OS::Neutron::Firewall{part}'] for part in ('', 'Policy', 'Rule'))
PREFIX = '/network/v2.0/fw/'
# What a request may say, with what is there if it does not.
KNOWN: dict[str, dict[str, Any]] = {
    'firewall': {'name': '', 'description': '', 'admin_state_up': True, 'firewall_policy_id': None},
    'firewall_policy': {'name': '', 'description': '', 'shared': False, 'audited': False,
                        'firewall_rules': []},
    'firewall_rule': {'name': '', 'description': '', 'shared': False, 'protocol': None, 'ip_version': 4,
                      'source_ip_address': None, 'destination_ip_address': None, 'source_port': None,
                      'destination_port': None, 'action': None, 'enabled': True}}
COLLECTIONS = {'firewalls': 'firewall', 'firewall_policies': 'firewall_policy',
               'firewall_rules': 'firewall_rule'}
CHOICES = {'action': ('allow', 'deny'), 'protocol': ('tcp', 'udp', 'icmp', None),
           'ip_version': (4, 6, '4', '6')}
USERS = {'firewall_policy': ('firewall', 'firewall_policy_id'),
         'firewall_rule': ('firewall_policy', 'firewall_rules')}


class Refused(Exception):
    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


class Firewalls(SimCloud):
    """A cloud whose network service has firewalls; each look at one lets its agent get on by a step."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock=clock, settings=Settings(guests=False, token_lifetime=864000))
        self.things: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in KNOWN}

    def application(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = webob.Request(environ)
        if not request.path_info.startswith(PREFIX):
            return super().application(environ, start_response)
        collection, _, identity = request.path_info.removeprefix(PREFIX).partition('/')
        kind = COLLECTIONS[collection]
        try:
            body = self._answered(request, collection, kind, identity)
        except Refused as refused:
            body = {'NeutronError': {'type': refused.kind, 'message': str(refused), 'detail': ''}}
            return webob.Response(json=body, status=refused.status)(environ, start_response)
        return webob.Response(json=body)(environ, start_response)

    def _answered(self, request: webob.Request, collection: str, kind: str, identity: str) -> Any:
        things = self.things[kind]
        if identity and identity not in things:
            raise Refused(404, f'{kind}NotFound', f'{kind} {identity} could not be found.')
        if request.method == 'GET' and not identity:
            name = request.GET.get('name')
            return {collection: [one for one in things.values() if name in (None, one['name'])]}
        if request.method == 'DELETE':
            return self._deleted(kind, things[identity])
        if request.method == 'GET':
            return {kind: self._seen(kind, dict(things[identity]))}
        said = json.loads(request.body)[kind]
        self._check(kind, said, things.get(identity))
        if identity:
            things[identity].update(said)
        else:
            identity = new_id()
            things[identity] = {**KNOWN[kind], **said, 'id': identity, 'tenant_id': 'demo'}
        if kind == 'firewall':
            things[identity]['status'] = 'PENDING_UPDATE' if request.method == 'PUT' else 'PENDING_CREATE'
        return {kind: things[identity]}

    def _check(self, kind: str, said: dict[str, Any], there: dict[str, Any] | None) -> None:
        for name, value in said.items():
            if name not in KNOWN[kind]:
                raise Refused(400, 'HTTPBadRequest', f"Unrecognized attribute(s) '{name}'")
            if value not in CHOICES.get(name, (value,)):
                raise Refused(400, 'HTTPBadRequest', f'Invalid input for {name}. Reason: {value}')
        if there is not None:
            self._settled(kind, there)
        if kind == 'firewall_rule':
            self._matched(said)
        if kind == 'firewall_policy' and there is not None:
            said.setdefault('audited', False)
        for name, below in (('firewall_policy_id', 'firewall_policy'), ('firewall_rules', 'firewall_rule')):
            wanted = said.get(name) or []
            for one in [wanted] if isinstance(wanted, str) else wanted:
                if one not in self.things[below]:
                    raise Refused(404, f'{below}NotFound', f'{below} {one} could not be found.')

    def _settled(self, kind: str, there: dict[str, Any]) -> None:
        """Nothing that a firewall is made of is changed while its agents are at work."""
        identity, above = there['id'], {'firewall_rule': 'firewall_policy', 'firewall_policy': 'firewall'}
        for one in [there] if kind == 'firewall' else list(self.things[above[kind]].values()):
            if kind == 'firewall_rule' and identity in one['firewall_rules']:
                self._settled('firewall_policy', one)
            elif kind == 'firewall_policy' and identity != one['firewall_policy_id']:
                continue
            elif str(one.get('status')).startswith('PENDING'):
                raise Refused(409, 'FirewallInPendingState',
                              'Operation cannot be performed since associated firewall '
                              f'{one["id"]} is in {one["status"]}.')

    def _matched(self, said: dict[str, Any]) -> None:
        """It looks only at what it is told."""
        if said.get('protocol') not in ('tcp', 'udp') and (
                said.get('source_port') or said.get('destination_port')):
            raise Refused(400, 'FirewallRuleInvalidICMPParameter', 'Source, destination port are not allowed '
                          'when protocol is set to ICMP.')
        for name in ('source_ip_address', 'destination_ip_address'):
            if said.get(name) and str(said.get('ip_version', '')) != '46'[':' in said[name]]:
                raise Refused(400, 'FirewallIpAddressConflict',
                              'Invalid input - IP addresses do not agree with IP Version.')

    def _seen(self, kind: str, one: dict[str, Any]) -> dict[str, Any]:
        if one.get('status') == 'PENDING_DELETE':
            del self.things[kind][one['id']]
        elif 'status' in one:
            self.things[kind][one['id']]['status'] = 'ACTIVE' if one['admin_state_up'] else 'DOWN'
        return one

    def _deleted(self, kind: str, one: dict[str, Any]) -> None:
        above, member = USERS.get(kind, ('firewall', ''))
        if any(one['id'] == user.get(member) or one['id'] in (user.get(member) or ())
               for user in self.things[above].values() if member):
            raise Refused(409, f'{kind}InUse', f'{kind} {one["id"]} is being used.')
        if kind == 'firewall':
            one['status'] = 'PENDING_DELETE'
        else:
            del self.things[kind][one['id']]


@pytest.fixture(scope='module')
def cloud() -> Iterator[Firewalls]:
    # keystoneauth compares the expiry of tokens with the real time.
    cloud = Firewalls(VirtualClock(Clock().wall()))
    cloud.start()
    yield cloud
    cloud.stop()


def test_a_firewall_lives_as_told(driver: Driver, cloud: Firewalls) -> None:
    web = driver.create(RULE, 'web', action='allow', protocol='tcp', destination_port='80:90')
    rest = driver.create(RULE, 'rest', source_ip_address='10.0.0.0/8')
    policy = driver.create(POLICY, 'policy', firewall_rules=[web.physical_id, rest.physical_id])
    wall = driver.create(FIREWALL, 'wall', firewall_policy_id=policy.physical_id)
    shown = driver.read(RULE, rest, 'action', 'protocol', 'source_ip_address', 'name')
    assert shown['name'].startswith('drv-rest-')
    assert (shown['action'], shown['protocol'], shown['source_ip_address']) == ('deny', None, '10.0.0.0/8')
    assert driver.read(FIREWALL, wall, 'status')['status'] == 'ACTIVE'
    driver.done(FIREWALL, wall, Action.CHECK)

    wall = driver.update(FIREWALL, wall, firewall_policy_id=policy.physical_id, admin_state_up=False)
    assert driver.read(FIREWALL, wall, 'status')['status'] == 'DOWN'
    web = driver.update(RULE, web, action='allow')
    assert cloud.things['firewall_rule'][str(web.physical_id)]['destination_port'] is None
    assert cloud.things['firewall_rule'][str(web.physical_id)]['protocol'] is None
    policy = driver.update(POLICY, policy, firewall_rules=[rest.physical_id], audited=True)
    assert driver.read(POLICY, policy, 'firewall_rules')['firewall_rules'] == [rest.physical_id]

    outcome, policy = driver.run(POLICY, policy, Action.DELETE)
    assert isinstance(outcome, Failed) and 'is being used' in outcome.message
    for kind, row in ((FIREWALL, wall), (POLICY, policy), (RULE, rest), (RULE, web)):
        driver.delete(kind, row)
    assert cloud.things == {kind: {} for kind in KNOWN}


def test_what_belongs_to_a_match_is_said_together(driver: Driver, cloud: Firewalls) -> None:
    """An update with a port or an address alone is refused: of which protocol, and of which version?"""
    rule = driver.create(RULE, 'rule', protocol='udp', destination_port='53', ip_version='6',
                         source_ip_address='2001:db8::/32')
    for changed in (
            {'destination_port': '54'}, {'source_ip_address': '2001:db8:1::/48'}, {'protocol': 'tcp'}):
        props = {'protocol': 'udp', 'destination_port': '53', 'ip_version': '6',
                 'source_ip_address': '2001:db8::/32', **changed}
        rule = driver.update(RULE, rule, **props)
        there = cloud.things['firewall_rule'][str(rule.physical_id)]
        assert {name: there[name] for name in props} == props
    driver.delete(RULE, rule)


def test_a_policy_that_was_looked_over_stays_so_when_it_is_changed(driver: Driver, cloud: Firewalls) -> None:
    """The service takes the mark away with each change that does not set it again."""
    policy = driver.create(POLICY, 'policy', audited=True)
    policy = driver.update(POLICY, policy, audited=True, description='second')
    there = cloud.things['firewall_policy'][str(policy.physical_id)]
    assert (there['audited'], there['description']) == (True, 'second')
    driver.delete(POLICY, policy)


def test_changes_wait_for_each_other_where_a_firewall_is_done_again(driver: Driver, cloud: Firewalls) -> None:
    """A rule is refused while agents are at what another change has begun."""
    rule = driver.create(RULE, 'rule')
    policy = driver.create(POLICY, 'policy', firewall_rules=[rule.physical_id])
    wall = driver.create(FIREWALL, 'wall', firewall_policy_id=policy.physical_id)
    for kind, row, props in ((RULE, rule, {}),
                             (POLICY, policy, {'firewall_rules': [rule.physical_id]}),
                             (FIREWALL, wall, {'firewall_policy_id': policy.physical_id})):
        cloud.things['firewall'][str(wall.physical_id)]['status'] = 'PENDING_UPDATE'
        row = driver.update(kind, row, description='x', **props)
        assert cloud.things[kind.key][str(row.physical_id)]['description'] == 'x'
    for kind, row in ((FIREWALL, wall), (POLICY, policy), (RULE, rule)):
        driver.delete(kind, row)


def test_what_the_service_refuses_is_told(driver: Driver, cloud: Firewalls) -> None:
    outcome, _row = driver.run(FIREWALL, driver.row(FIREWALL, 'wall', firewall_policy_id='none'),
                               Action.CREATE)
    assert isinstance(outcome, Failed) and 'firewall_policy none could not be found' in outcome.message


@pytest.mark.parametrize('made', [False, True])
def test_a_firewall_is_made_once_whenever_the_engine_dies(driver: Driver, cloud: Firewalls,
                                                          made: bool) -> None:
    policy = driver.create(POLICY, 'policy')
    driver.kill = Kill(1, made)
    with pytest.raises(Died) as died:
        driver.create(FIREWALL, 'wall', firewall_policy_id=policy.physical_id)
    outcome, wall = driver.resume(FIREWALL, died.value.row, Action.CREATE)
    assert not isinstance(outcome, Failed)
    assert list(cloud.things['firewall']) == [wall.physical_id]
    driver.delete(FIREWALL, wall)
    driver.delete(POLICY, policy)
    assert cloud.things == {kind: {} for kind in KNOWN}
