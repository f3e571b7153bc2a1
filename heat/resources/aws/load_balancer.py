"""AWS::ElasticLoadBalancing::LoadBalancer: a load balancer with its listeners in one resource.

Purpose: the words of CloudFormation, carried out by the load balancing service.
Invariant: each listener has a pool of its own; members that groups bring are
theirs, and only those that the property Instances names are put in and taken out
here. One that could not be completed is replaced. Neighbours:
``openstack.octavia`` waits and repeats, ``heat.instance_group`` brings members.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from heat.model.op import Adopt, Call, NeedsReplacement, StepFailed
from heat.model.resource import Row
from heat.resources.base import Diff, Steps
from heat.resources.openstack.journal import once
from heat.resources.openstack.neutron.rest import security_group_ids
from heat.resources.openstack.octavia.rest import Octavia
from heat.schema import IN_PLACE, Attr, Integer, List, Map, String

TARGET = re.compile(r'^(HTTP|HTTPS|TCP|SSL):(\d{1,5})(/.*)?$')
MONITORS = {'HTTP': 'HTTP', 'HTTPS': 'HTTPS', 'TCP': 'TCP', 'SSL': 'TLS-HELLO'}


def _address(body: Mapping[str, Any]) -> Any:
    return body.get('vip_address')


def _nothing(body: Mapping[str, Any]) -> str:
    return ''


class LoadBalancer(Octavia):
    """Spreads what comes in over instances."""

    type = 'AWS::ElasticLoadBalancing::LoadBalancer'
    path, key = '/lbaas/loadbalancers', 'loadbalancer'
    # Groups may be told to put their instances into it.
    balances: ClassVar[bool] = True

    class properties:
        AvailabilityZones = List('Zones; it reaches instances in all of them.', required=True, wire=None)
        HealthCheck = Map('How the instances are watched.', wire=None, keys={
            'HealthyThreshold': Integer('Good answers until an instance counts as sound.', required=True),
            'Interval': Integer('Seconds between two questions.', required=True),
            'Target': String('What is asked, like HTTP:80/path.', required=True),
            'Timeout': Integer('Seconds an answer may take.', required=True),
            'UnhealthyThreshold': Integer('Bad answers until an instance counts as broken.', required=True)})
        Instances = List('The instances.', update=IN_PLACE, wire=None)
        Listeners = List('What is listened to.', required=True, wire=None, of=Map(keys={
            'InstancePort': Integer('Port of the instances.', required=True),
            'LoadBalancerPort': Integer('Port of the balancer.', required=True),
            'Protocol': String('Protocol.', required=True, values=['TCP', 'HTTP']),
            'SSLCertificateId': String('Not implemented.', implemented=False),
            'PolicyNames': List('Not implemented.', implemented=False)}))
        AppCookieStickinessPolicy = String('Not implemented.', implemented=False, wire=None)
        LBCookieStickinessPolicy = String('Not implemented.', implemented=False, wire=None)
        SecurityGroups = List('Security groups of its address, by name or id.', update=IN_PLACE, wire=None)
        Subnets = List('Not implemented.', implemented=False, wire=None)

    class attributes:
        extra: ClassVar[dict[str, Any]] = {
            'CanonicalHostedZoneName': Attr('Its address.', 'String', get=_address),
            'CanonicalHostedZoneNameID': Attr('Empty: it is in no zone.', 'String', get=_nothing),
            'DNSName': Attr('Its address.', 'String', get=_address),
            'SourceSecurityGroup.GroupName': Attr('Empty.', 'String', get=_nothing),
            'SourceSecurityGroup.OwnerAlias': Attr('Empty.', 'String', get=_nothing)}

    @classmethod
    def reference(cls, row: Row) -> Any:
        return row.data.get('name') or row.name

    @classmethod
    def described(cls, row: Row) -> dict[str, Any]:
        # A group that refers to it needs to know where its instances go.
        return {**(row.props or {}), 'pools': row.data.get('pools')}

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        check = props.get('HealthCheck')
        target = check.get('Target') if isinstance(check, Mapping) else None
        if not isinstance(target, str):
            return
        found = TARGET.match(target)
        if not found or bool(found[3]) != found[1].startswith('HTTP') or not 0 < int(found[2]) < 65536:
            yield (f'HealthCheck.Target "{target}" is neither like HTTP:80/path (or HTTPS) nor like TCP:80 '
                   '(or SSL).')

    # -- making it -----------------------------------------------------------------------------------

    def create(self) -> Steps:
        name = self.physical_name()
        yield self.keep(name=name)
        where = yield from self._places(self.props.get('Instances') or [])
        subnet = next((place['subnet_id'] for place in where.values()), None) or (yield from self._subnet())
        yield self.keep(members=where)
        yield from self.changing(self.post({'name': name, 'vip_subnet_id': subnet}))
        yield self.until(*self.ready)
        if self.props.get('SecurityGroups'):
            yield from self._guard(self.props['SecurityGroups'])
        pools = []
        for number, listener in enumerate(self.props['Listeners']):
            pools.append((yield from self._listen(f'{name}-{number}', listener, where)))
        answer = yield self.until(*self.ready)
        yield from self._sound()
        yield self.keep(pools=pools)
        return answer

    def _guard(self, groups: list[Any]) -> Steps:
        """Have exactly ``groups`` guard the address; with none of them it is as it was made."""
        wanted = list(dict.fromkeys((yield from security_group_ids(groups))))
        balancer = yield self.get()
        if 'vip_sg_ids' in balancer:
            # A service that knows of them has them obeyed wherever the address is.
            yield from self.changing(self.put({'vip_sg_ids': wanted}, 'guard'))
            yield self.until(*self.ready)
            return
        path, first = f'/ports/{balancer["vip_port_id"]}', self.row.data.get('unguarded')
        if first is None:
            port = yield Call('network', 'GET', path, unwrap='port', label='address')
            first = port['security_groups']
            yield self.keep(unguarded=first)
        yield Call('network', 'PUT', path, {'port': {'security_groups': wanted or first}}, label='guard')

    def _listen(self, name: str, listener: Mapping[str, Any], where: Mapping[str, Any]) -> Steps:
        """A listener and all that is behind it; gives its pool and the ports there."""
        protocol, port = listener['Protocol'], self._port(listener)
        pool = yield from self._part('pool', {
            'name': name, 'loadbalancer_id': self.id, 'protocol': protocol, 'lb_algorithm': 'ROUND_ROBIN'})
        joined = {'pool': pool['id'], **port}
        if self.props.get('HealthCheck'):
            yield from self._part('healthmonitor', {'pool_id': pool['id'], **self._monitor(name)})
        if where:
            yield from self._join(joined, where)
        yield from self._part('listener', {
            'name': name, 'loadbalancer_id': self.id, 'default_pool_id': pool['id'], 'protocol': protocol,
            'protocol_port': listener['LoadBalancerPort']})
        return joined

    def _part(self, key: str, body: dict[str, Any]) -> Steps:
        name = body['name']
        adopt = Adopt(f'/lbaas/{key}s', f'{key}s', lambda found: bool(found.get('name') == name),
                      {'name': name})
        return (yield from self.changing(Call(
            'load-balancer', 'POST', f'/lbaas/{key}s', {key: body}, unwrap=key, label=f'{key} {name}',
            adopt=adopt)))

    def _join(self, pool: Mapping[str, Any], where: Mapping[str, Any]) -> Steps:
        """Put instances into a pool and leave the others in it."""
        ports = {name: value for name, value in pool.items() if name != 'pool'}
        yield from self.changing(Call(
            'load-balancer', 'PUT', f'/lbaas/pools/{pool["pool"]}/members', query={'additive_only': 'true'},
            body={'members': [{**place, **ports} for place in where.values()]}, label=f'join {pool["pool"]}'))

    def _sound(self) -> Steps:
        """The load balancer itself does not tell that a part of it broke."""
        for key in ('pools', 'listeners'):
            listed = yield Call('load-balancer', 'GET', f'/lbaas/{key}', query={'loadbalancer_id': self.id},
                                unwrap=key, label=key)
            for one in listed:
                if one.get(self.status_key) == 'ERROR':
                    raise StepFailed(
                        f'The {key[:-1]} {one["name"]} of load balancer {self.id} went to ERROR.',
                        'ResourceInError')

    def revive(self) -> Steps:
        if not self.row.data.get('pools'):
            raise NeedsReplacement(f'{self.key} {self.id} is incomplete')
        yield from super().revive()

    def check(self) -> Steps:
        answer = yield from super().check()
        yield from self._sound()
        return answer

    def _port(self, listener: Mapping[str, Any]) -> dict[str, Any]:
        """The port of a pool's members, and the one at which they are watched if that is another."""
        port = {'protocol_port': listener['InstancePort']}
        target = TARGET.match(str((self.props.get('HealthCheck') or {}).get('Target')))
        if target is not None and int(target[2]) != listener['InstancePort']:
            port['monitor_port'] = int(target[2])
        return port

    def _monitor(self, name: str) -> dict[str, Any]:
        check = self.props['HealthCheck']
        target = TARGET.match(check['Target'])
        if target is None:
            raise StepFailed(f'HealthCheck.Target "{check["Target"]}" of resource {self.name} is not like '
                             'HTTP:80/path or TCP:80.', 'StackValidationFailed')
        return {'name': name, 'type': MONITORS[target[1]], 'delay': check['Interval'],
                'timeout': check['Timeout'], 'max_retries': check['HealthyThreshold'],
                'max_retries_down': check['UnhealthyThreshold'],
                **({'url_path': target[3]} if target[3] else {})}

    def _places(self, instances: Iterable[str]) -> Steps:
        """Address and subnet of each instance, as a member has them."""
        servers = list(dict.fromkeys(str(one) for one in instances))
        listed = [] if not servers else (yield Call(
            'network', 'GET', '/ports', query={'device_id': servers}, unwrap='ports', label='ports'))
        found: dict[str, Any] = {}
        for port in sorted(listed, key=lambda one: str(one.get('created_at'))):
            for fixed in port.get('fixed_ips') or ():
                found.setdefault(port['device_id'], {'address': fixed['ip_address'],
                                                     'subnet_id': fixed['subnet_id']})
        for server in servers:
            if server not in found:
                raise StepFailed(f'Instance {server} has no address in any network, so load balancer '
                                 f'{self.name} cannot reach it.', 'NotFound')
        return {server: found[server] for server in servers}

    def _subnet(self) -> Steps:
        """The subnet where servers of the project come to be if nobody says where."""
        listed = yield Call('network', 'GET', '/networks', query={'router:external': False},
                            unwrap='networks', label='networks')
        usable = [one for one in listed if one.get('subnets')
                  and (one.get('shared') or self.around.stack.tenant in (one.get('tenant_id'), ''))]
        if len(usable) != 1:
            names = ', '.join(sorted(f'{one["name"]} ({one["id"]})' for one in usable)) or 'none'
            raise StepFailed(
                f'Load balancer {self.name} has no Instances that tell its network, and the project has not '
                f'one network alone to choose: {names}.', 'StackValidationFailed')
        subnets = yield Call('network', 'GET', '/subnets', query={'network_id': usable[0]['id']},
                             unwrap='subnets', label='subnets')
        return next((one['id'] for one in subnets if one['ip_version'] == 4), subnets[0]['id'])

    # -- instances that come and go ----------------------------------------------------------------

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        if 'SecurityGroups' in diff:
            yield from self._guard(new.get('SecurityGroups') or [])
        if 'Instances' in diff:
            yield from self._change_instances(new, diff)

    def _change_instances(self, new: Mapping[str, Any], diff: Diff) -> Steps:
        old, wanted = diff.old.get('Instances') or [], new.get('Instances') or []
        joining = [one for one in wanted if one not in old]
        leaving = yield from once(self, 'leaving', self._found([one for one in old if one not in wanted]))
        where = yield from self._places(joining)
        for pool in self.row.data.get('pools') or ():
            if joining:
                yield from self._join(pool, where)
        for path in leaving:
            yield from self.changing(Call('load-balancer', 'DELETE', path, ok=(404,), label=f'leave {path}'))
        kept = self.row.data.get('members') or {}
        yield self.keep(members={**{name: place for name, place in kept.items() if name in wanted}, **where})
        yield self.until(*self.ready)

    def _found(self, instances: list[str]) -> Steps:
        """The paths of the members that stand for the instances."""
        kept, paths = self.row.data.get('members') or {}, []
        addresses = {kept[one]['address'] for one in instances if one in kept}
        for pool in (self.row.data.get('pools') or ()) if addresses else ():
            path = f'/lbaas/pools/{pool["pool"]}/members'
            listed = yield Call('load-balancer', 'GET', path, unwrap='members', label='members')
            paths += [f'{path}/{one["id"]}' for one in listed if one['address'] in addresses]
        return paths

    def remove(self, label: str = 'delete') -> Call:
        return replace(super().remove(label), query={'cascade': 'true'})

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Whose members are whose only the groups know, so nothing is compared but its being there."""
        return {}


