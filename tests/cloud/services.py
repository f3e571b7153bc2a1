"""What Nova, Neutron and Cinder themselves say of one stack's things.

Asked as the stack's owner. Invariant: nothing here asks Heat, save for which thing a name stands for.
Neighbours: `stack` is Heat's account of the same.
"""
from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

from tests.cloud.stack import Stack

# type of things -> (service, path, key); the names are those that the tests use
KINDS = {'server': ('compute', '/servers', 'server'), 'volume': ('block-storage', '/volumes', 'volume'),
         'network': ('network', '/v2.0/networks', 'network'),
         'subnet': ('network', '/v2.0/subnets', 'subnet'),
         'port': ('network', '/v2.0/ports', 'port'), 'router': ('network', '/v2.0/routers', 'router'),
         'floating IP': ('network', '/v2.0/floatingips', 'floatingip')}


class Services:
    """The cloud as the owner of `stack` finds it."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.cloud = stack, stack.user.heat.cloud
        self._apis = {name: stack.user.api(name) for name in ('compute', 'network', 'block-storage')}

    def of(self, kind: str, name: str) -> dict[str, Any]:
        """The thing of this kind that a resource of the stack stands for."""
        return self.by_id(kind, self.stack.physical(name))

    def by_id(self, kind: str, identity: str) -> dict[str, Any]:
        service, path, key = KINDS[kind]
        found: dict[str, Any] = self._apis[service].get(f'{path}/{identity}').json()[key]
        return found

    def all(self, kind: str, **query: str) -> dict[str, dict[str, Any]]:
        """By id, those that the query finds.

        The list of servers has one that compute has deleted already for a moment more.
        """
        service, path, key = KINDS[kind]
        path = path if service == 'network' else f'{path}/detail'
        listed = self._apis[service].get(path, params=query).json()[f'{key}s']
        return {one['id']: one for one in listed if kind != 'server' or one['status'] != 'DELETED'}

    def statuses(self) -> set[str]:
        """Of all servers."""
        return {one['status'] for one in self.all('server').values()}

    def ways_in(self, group: str) -> set[tuple[Any, ...]]:
        """(protocol, first port, who) of each rule of a security group that lets something in."""
        listed = self._apis['network'].get('/v2.0/security-group-rules', params={
            'security_group_id': self.stack.physical(group)}).json()['security_group_rules']
        return {(one['protocol'], one['port_range_min'], one['remote_group_id'] or one['remote_ip_prefix'])
                for one in listed if one['direction'] == 'ingress'}

    def now(self) -> str:
        """The cloud's time as it writes it down, to the second."""
        told = self._apis['compute'].get('/servers').headers['Date']
        return parsedate_to_datetime(told).strftime('%Y-%m-%dT%H:%M:%SZ')
