"""Pools, their members, and how these are watched.

Purpose: OS::Octavia::Pool, OS::Octavia::PoolMember and OS::Octavia::HealthMonitor.
Invariant: what a pool or listener has once (a default pool, a monitor, a member
at an address and port) is given up before its like is made. Neighbours: ``rest``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from heat.model.op import Adopt, Call
from heat.model.resource import Row
from heat.resources.base import Steps
from heat.resources.openstack.octavia.rest import Octavia, Single
from heat.schema import IN_PLACE, Attr, Boolean, Integer, List, Map, String, Support, at_least_one

METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'OPTIONS', 'CONNECT', 'PATCH']


class Pool(Octavia):
    """Servers that serve the same."""

    type = 'OS::Octavia::Pool'
    support = Support(version='10.0.0')
    path, key = '/lbaas/pools', 'pool'

    class properties:
        lb_algorithm = String('Who gets the next connection.', required=True, update=IN_PLACE,
                              values=['ROUND_ROBIN', 'LEAST_CONNECTIONS', 'SOURCE_IP', 'SOURCE_IP_PORT'])
        protocol = String('What is spoken to the members.', required=True,
                          values=['TCP', 'HTTP', 'HTTPS', 'TERMINATED_HTTPS', 'PROXY', 'UDP'])
        listener = String('Listener whose default pool it is.', is_a='octavia.listener', wire='listener_id')
        loadbalancer = String('Load balancer it belongs to.', is_a='octavia.loadbalancer',
                              wire='loadbalancer_id')
        name = String('Name.', update=IN_PLACE)
        admin_state_up = Boolean('Whether it is switched on.', default=True, update=IN_PLACE)
        description = String('Description.', default='', update=IN_PLACE)
        session_persistence = Map('How a client comes to the same member again.', update=IN_PLACE, keys={
            'type': String('By what a client is known.', required=True,
                           values=['SOURCE_IP', 'HTTP_COOKIE', 'APP_COOKIE']),
            'cookie_name': String('Name of the cookie; with APP_COOKIE only.')})
        tls_enabled = Boolean('Whether members are spoken to by TLS.', default=False, update=IN_PLACE,
                              support=Support(version='14.0.0'))
        place = at_least_one('listener', 'loadbalancer')

    class attributes:
        healthmonitor_id = Attr('Its health monitor.', 'String')
        listeners = Attr('The listeners whose default pool it is.', 'String')
        members = Attr('Its members.', 'List', live=True)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        persistence = props.get('session_persistence')
        if not isinstance(persistence, Mapping) or not isinstance(persistence.get('type'), str):
            return
        kind, cookie = persistence['type'], persistence.get('cookie_name')
        if kind == 'APP_COOKIE' and cookie is None:
            yield 'Property cookie_name is required when session_persistence type is APP_COOKIE.'
        if kind != 'APP_COOKIE' and cookie is not None:
            yield f'Property cookie_name must not be given when session_persistence type is {kind}.'

    releases = True

    @classmethod
    def in_the_way(cls, row: Row, new: Mapping[str, Any]) -> bool:
        return new.get('listener') is not None and (row.props or {}).get('listener') == new['listener']

    def release(self) -> Steps:
        """The listener has one default pool; this one may serve others until it goes."""
        yield from self._default(None, 'release')

    def restore(self) -> Steps:
        yield from self._default(self.id, 'restore')

    def _default(self, pool: str | None, label: str) -> Steps:
        call = Call('load-balancer', 'PUT', f'/lbaas/listeners/{self.props["listener"]}',
                    {'listener': {'default_pool_id': pool}}, label=label)
        yield from self.changing(call if pool else replace(call, ok=(404,)))


class PoolMember(Single):
    """A server of a pool, as an address and a port."""

    type = 'OS::Octavia::PoolMember'
    support = Support(version='10.0.0')
    key = 'member'
    beginnings: ClassVar[Mapping[str, Any]] = {'tags': []}

    class properties:
        pool = String('The pool.', required=True, is_a='octavia.pool', wire=None)
        address = String('Address of the server.', required=True, check='ip_addr')
        protocol_port = Integer('Port of the server.', required=True, range=(1, 65535))
        monitor_address = String('Address where it is watched, if another.', check='ip_addr')
        monitor_port = Integer('Port where it is watched, if another.', range=(1, 65535))
        weight = Integer('Its share of the connections.', default=1, range=(0, 256), update=IN_PLACE)
        admin_state_up = Boolean('Whether it gets connections.', default=True, update=IN_PLACE)
        subnet = String('Subnet of the address.', is_a='neutron.subnet', wire='subnet_id')
        tags = List('Tags.', update=IN_PLACE, support=Support(version='13.0.0'))

    @property
    def path(self) -> str:  # type: ignore[override]
        return f'/lbaas/pools/{self._pool()}/members'

    def _pool(self) -> str:
        # Kept when it was made: the property may be a name, which a deletion does not look up.
        return str(self.row.data.get('pool_id') or self.props['pool'])

    def make(self, label: str) -> Steps:
        yield self.keep(pool_id=self.props['pool'])
        return (yield from super().make(label))

    def adopt(self, body: dict[str, Any]) -> Adopt | None:
        # A pool has each address and port once.
        port, address = body['protocol_port'], body['address']
        return Adopt(self.path, 'members',
                     lambda found: found.get('address') == address and found.get('protocol_port') == port,
                     {'address': address, 'protocol_port': port})

    place = ('pool', 'address', 'protocol_port')

    def rivals(self) -> Steps:
        return (yield from self.listed(address=self.props['address'],
                                       protocol_port=self.props['protocol_port']))


class HealthMonitor(Single):
    """Watches the members of a pool, so that broken ones get nothing."""

    type = 'OS::Octavia::HealthMonitor'
    support = Support(version='10.0.0')
    path, key = '/lbaas/healthmonitors', 'healthmonitor'

    class properties:
        admin_state_up = Boolean('Whether it is switched on.', default=True, update=IN_PLACE)
        delay = Integer('Seconds between two questions.', required=True, range=(0, None), update=IN_PLACE)
        expected_codes = String('HTTP codes of good answers, like 200,202 or 200-204.', update=IN_PLACE)
        http_method = String('HTTP method of the question.', values=METHODS, update=IN_PLACE)
        max_retries = Integer('Good answers until a member counts as sound.', required=True, range=(1, 10),
                              update=IN_PLACE)
        pool = String('The pool.', required=True, is_a='octavia.pool', wire='pool_id')
        timeout = Integer('Seconds an answer may take.', required=True, range=(0, None), update=IN_PLACE)
        type_ = String('What is asked.', required=True,
                       values=['PING', 'TCP', 'HTTP', 'HTTPS', 'UDP-CONNECT'])
        url_path = String('Path of the HTTP question.', update=IN_PLACE)
        tenant_id = String('Project that owns it; only administrators may name another.', wire='project_id')

    class attributes:
        pools = Attr('The pools it watches.', 'List')

    place = ('pool',)

    def rivals(self) -> Steps:
        pool = yield Call('load-balancer', 'GET', f'/lbaas/pools/{self.props["pool"]}', ok=(404,),
                          unwrap='pool', label='pool')
        return [pool['healthmonitor_id']] if (pool or {}).get('healthmonitor_id') else []
