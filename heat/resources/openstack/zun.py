"""Containers.

Purpose: OS::Zun::Container. Invariant: a container is found again by its name; what the service
takes as text is written as text, and each call says by which release of its interface it is made.
Neighbours: ``patched`` has ``uuid`` and bare objects in common.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from heat import schema
from heat.model.op import Adopt, Call, Poll, StepFailed
from heat.resources.base import Diff, Resource, Steps
from heat.resources.openstack.journal import once
from heat.resources.rest import Rest
from heat.schema import IN_PLACE, Attr, Boolean, Integer, List, Map, Number, String, Support

POLICIES = ('no', 'on-failure', 'always', 'unless-stopped')
ON_FAILURE = 'on-failure'
# The release of its interface that knows what is asked for, and the one that knows what is always asked for.
VERSIONS = (('tty', '1.36'), ('mounts', '1.18'))
BASE = '1.12'
LEAVES_PORTS = '1.18'
# Looks at a container at rest before it is said that it does not change its networks.
PATIENCE = 20
HEADER = 'OpenStack-API-Version'
TEN, ELEVEN = Support(version='10.0.0'), Support(version='11.0.0')


class Container(Rest):
    """A container."""

    type = 'OS::Zun::Container'
    support = Support(version='9.0.0')
    service, path, plural, id_key = 'container', '/containers', 'containers', 'uuid'
    by_list = False
    ready = ('Running', 'Stopped')
    broken = ('Error', 'Dead', 'Unknown')
    gone_by_poll = True

    class properties:
        name = String('Name.', update=IN_PLACE)
        image = String('Image.', required=True)
        command = String('What is run.')
        cpu = Number('Processors.', update=IN_PLACE)
        memory = Integer('Memory in MB.', update=IN_PLACE, encode=str)
        environment = Map('Its environment.')
        workdir = String('Directory that the command is run in.')
        labels = Map('Key and value pairs.')
        image_pull_policy = String('When the image is fetched.', values=['ifnotpresent', 'always', 'never'])
        restart_policy = String('Whether it is started again: no, always, unless-stopped, on-failure or '
                                'on-failure:N for N times.', wire=None)
        interactive = Boolean('Whether its input stays open.')
        tty = Boolean('Whether it has a terminal.', support=Support(version='14.0.0'))
        image_driver = String('Where the image comes from.', values=['docker', 'glance'])
        hints = Map('Hints for the scheduler.', support=TEN)
        hostname = String('Its name for itself.', support=TEN)
        security_groups = List('Names or ids of security groups.', default=[], support=TEN)
        mounts = List('Volumes.', wire=None, of=Map(keys={
            'volume_id': String('Volume.', check='cinder.volume'),
            'volume_size': Integer('Size in GB of one that is made for it.'),
            'mount_path': String('Where it has it.', required=True)}))
        networks = List('Networks, in order.', wire=None, update=IN_PLACE, support=ELEVEN, of=Map(keys={
            'network': String('Network.', is_a='neutron.network'),
            'port': String('Port.', is_a='neutron.port'),
            'fixed_ip': String('Address in the network.', check='ip_addr')}))

    class attributes:
        name = Attr('Name.', 'String')
        addresses = Attr('Its addresses by network.', 'Map')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        policy = props.get('restart_policy')
        if isinstance(policy, str):
            name, colon, times = policy.partition(':')
            if name not in POLICIES or (colon and (name != ON_FAILURE or not times.isdigit())):
                yield (f'Invalid restart_policy "{policy}". Valid values are: {", ".join(POLICIES)} and '
                       'on-failure:N.')
        try:
            shlex.split(str(props.get('command') or ''))
        except ValueError as fault:
            yield f'command: {fault}.'
        for key, ways in (('mounts', ('volume_id', 'volume_size')), ('networks', ('network', 'port'))):
            value = props.get(key)
            for one in value if isinstance(value, list) else ():
                if isinstance(one, Mapping) and sum(one.get(way) is not None for way in ways) != 1:
                    yield f'{key}: one of {" and ".join(ways)} must be given, and not both.'
        networks = props.get('networks')
        for one in networks if isinstance(networks, list) else ():
            if isinstance(one, Mapping) and one.get('port') is not None and one.get('fixed_ip') is not None:
                yield 'networks: fixed_ip can be given with a network only: a port has its address.'

    # -- verbs -----------------------------------------------------------------------------------

    def create(self) -> Steps:
        yield self.post(self.body(self.props))
        answer = yield self.until(*self.ready)
        if answer.get('status') == 'Stopped' and self.props.get('interactive'):
            raise StepFailed(f'Container {self.id} is interactive, but has stopped: '
                             f'{self.why_broken(answer)}', 'ResourceInError')
        return answer

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(props)
        for key in ('environment', 'labels', 'hints'):
            if body.get(key) is not None:
                body[key] = {name: str(value) for name, value in body[key].items()}
        if body.get('command') is not None and props.get('tty') is not None:
            # As the service reads a text that it is told in the older releases of its interface.
            body['command'] = shlex.split(body['command'])
        if props.get('restart_policy') is not None:
            name, _, times = props['restart_policy'].partition(':')
            body['restart_policy'] = {'Name': name, **({'MaximumRetryCount': times} if times else {})}
        if props.get('mounts'):
            body['mounts'] = [_mount(one) for one in props['mounts']]
        if props.get('networks'):
            body['nets'] = [_net(one) for one in props['networks']]
        return {name: value for name, value in body.items() if value != []}

    def post(self, body: dict[str, Any], label: str = 'create') -> Call:
        name = body['name']
        return Call(self.service, 'POST', self.path, body, query={'run': 'true'}, headers=self._version(),
                    identify='uuid', label=label, adopt=Adopt(
                        self.path, 'containers', lambda found: found.get('name') == name))

    def _version(self) -> dict[str, str]:
        wanted = next((version for name, version in VERSIONS if self.props.get(name) is not None), BASE)
        return {HEADER: f'container {wanted}'}

    def _call(self, method: str, tail: str, body: Any = None, version: str = BASE, **options: Any) -> Call:
        return Call(self.service, method, self.url(tail), body, headers={HEADER: f'container {version}'},
                    **options)

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        changes = self.body_of_update(self.changes(diff, 'name', 'cpu', 'memory'))
        if changes:
            yield self._call('PATCH', '', changes, label='update')
        if 'networks' in diff:
            yield from self._replug(diff)

    def _replug(self, diff: Diff) -> Steps:
        """Leave networks that are no longer wanted, then join those that are new."""
        def look() -> Steps:
            return sorted((yield self.get()).get('addresses') or {})
        joined = yield from once(self, 'networks', look())
        for one in diff.gone('networks'):
            where = {'port': one['port']} if one.get('port') is not None else {'network': one['network']}
            if one.get('port') is None and one['network'] not in joined:
                continue
            yield self._call('POST', '/network_detach', version=LEAVES_PORTS, query=where, ok=(400, 404),
                             label=f'leave {next(iter(where.values()))}')
            yield self._plugged(one, False)
        for one in diff.came('networks'):
            query = {name: value for name, value in one.items() if value is not None}
            yield self._call('POST', '/network_attach', query=query,
                             label=f'join {one.get("port") or one.get("network")}')
            yield self._plugged(one, True)

    def _plugged(self, one: Mapping[str, Any], wanted: bool) -> Poll:
        """Wait until the container is on a network, or off it; the service says so after it has begun."""
        looks = 0
        broken = self.judge((), self.broken)

        def judge(body: dict[str, Any] | None) -> bool | str:
            nonlocal looks
            if body is not None and not body.get('task_state'):
                if _on(body, one) is wanted:
                    return True
                looks += 1
            if looks == PATIENCE:
                place = one.get('port') or one.get('network')
                return f'Container {self.id} did not {"join" if wanted else "leave"} {place}.'
            return broken(body)
        return self.poll(judge)

    def remove(self, label: str = 'delete') -> Call:
        return self._call('DELETE', '', query={'stop': 'true'}, ok=(404,), label=label)

    def url(self, tail: str = '') -> str:
        return f'{self.path}/{quote(self.id, safe="")}{tail}'

    def why_broken(self, body: Mapping[str, Any]) -> str:
        return str(body.get('status_reason') or body.get('status_detail') or 'Unknown')

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for name, there in (('name', body.get('name')), ('cpu', body.get('cpu'))):
            if self.props.get(name) is not None and there is not None and not schema.same(
                    self.props[name], there):
                found[name] = there
        return found


def _on(body: Mapping[str, Any], one: Mapping[str, Any]) -> bool:
    """Whether a container has an address in the network, or of the port."""
    addresses: Mapping[str, Any] = body.get('addresses') or {}
    if one.get('port') is None:
        return one['network'] in addresses
    return any(address.get('port') == one['port'] for there in addresses.values() for address in there)


def _mount(one: Mapping[str, Any]) -> dict[str, str]:
    source = {'source': one['volume_id']} if one.get('volume_id') is not None else {
        'size': str(one['volume_size'])}
    return {**source, 'destination': one['mount_path']}


def _net(one: Mapping[str, Any]) -> dict[str, str]:
    keys = {'network': 'network', 'port': 'port', 'fixed_ip': 'v4-fixed-ip'}
    return {wire: one[name] for name, wire in keys.items() if one.get(name) is not None}


ZUN: tuple[type[Resource], ...] = (Container,)
