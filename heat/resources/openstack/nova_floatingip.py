"""Floating addresses of servers in the words of the compute service, which has none any more.

Purpose: OS::Nova::FloatingIP and OS::Nova::FloatingIPAssociation, for stacks
that still name them. Invariant: an association lets go of the port that it was
made for and of no other. Neighbours: ``neutron.floatingip`` has the behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.model.op import Call, Find, NeedsReplacement, Record, StepFailed
from heat.model.resource import Row
from heat.resources.base import Diff, Resource, Steps
from heat.resources.openstack.journal import once
from heat.resources.openstack.neutron.floatingip import Floating, associate, let_go, shown
from heat.resources.openstack.neutron.rest import ways_out
from heat.schema import IN_PLACE, Attr, String, Support, hidden
from heat.template.definition import Definition


def _gone(other: str) -> Support:
    since = Support(version='2014.1')
    return hidden('11.0.0', Support('DEPRECATED', '9.0.0', f'Use {other}.', since), f'Use {other}.')


class FloatingIP(Floating):
    """An outer address of a pool, which is an external network."""

    type = 'OS::Nova::FloatingIP'
    support = _gone('OS::Neutron::FloatingIP')

    class properties:
        pool = String('External network it is taken from; without it the only one, or the default one.',
                      wire=None)

    class attributes:
        pool = Attr('External network it is from.', 'String')
        ip = Attr('The address.', 'String', wire='floating_ip_address')

    def prepare(self, body: dict[str, Any], props: Mapping[str, Any], diff: Diff | None = None) -> Steps:
        return {**body, 'floating_network_id': (yield from once(self, 'network', self._network()))}

    def _network(self) -> Steps:
        pool = self.props.get('pool')
        if pool:
            return (yield Find('neutron.network', pool))
        listed = yield self.listing('/networks', 'networks', **{'router:external': 'true'})
        chosen = listed if len(listed) == 1 else [one for one in listed if one.get('is_default')]
        if len(chosen) != 1:
            names = ', '.join(sorted(str(one.get('name')) for one in listed)) or 'none'
            raise StepFailed(f'Property pool must say which external network {self.name} is taken from; '
                             f'there are: {names}.', 'NotFound')
        return chosen[0]['id']

    def read(self, names: tuple[Any, ...]) -> Steps:
        found = yield from super().read(names)
        if 'pool' in names:
            found['pool'] = self.props.get('pool') or ((yield self.get()).get('floating_network_id'))
        return found


class FloatingIPAssociation(Resource):
    """The association of an outer address with a server's first port."""

    type = 'OS::Nova::FloatingIPAssociation'
    support = _gone('OS::Neutron::FloatingIPAssociation')
    service = 'compute'
    survives_failure = True
    redoes = True
    observes = True

    class properties:
        server_id = String('The server.', required=True, check='nova.server', update=IN_PLACE)
        floating_ip = String('Id of the address.', required=True, find='neutron.floatingip', update=IN_PLACE)

    @classmethod
    def before(cls, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        return ways_out(others)

    @classmethod
    def reference(cls, row: Row) -> Any:
        return row.data.get('name', row.name)

    def _serves(self) -> tuple[str, Any]:
        """The address and the port that it was made for; a row of the classic service knows no port."""
        # The id is "<server>-<address>".
        return self.row.data.get('floating') or self.id[37:], self.row.data.get('port')

    def create(self) -> Steps:
        yield self.keep(name=self.physical_name())
        yield from self._associate(self.props)

    def _associate(self, props: Mapping[str, Any]) -> Steps:
        server, floating = props['server_id'], props['floating_ip']
        port = yield from once(self, 'port', _port_of(server))
        # Written with the intent: a deletion after a crash knows what may be associated.
        yield Record(physical_id=f'{server}-{floating}', data={'floating': floating, 'port': port})
        yield associate(floating, port)

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        # As it was at first: a step that is resumed finds the new ends on the row.
        floating, port = yield from self.at_first('serves', list(self._serves()))
        if floating != new['floating_ip']:
            yield from let_go(self, floating, port)
        yield from self._associate(new)

    def delete(self) -> Steps:
        if self.row.physical_id is not None:
            yield from let_go(self, *self._serves())

    def check(self) -> Steps:
        floating, port = self._serves()
        body = yield shown(floating)
        if body is None or self.differences(body):
            raise StepFailed(f'Floating IP {floating} does not serve port {port}.', 'NotFound')
        return body

    def observe(self) -> Steps:
        floating, _port = self._serves()
        body = yield shown(floating)
        if body is None:
            raise NeedsReplacement(f'Floating IP {floating} is gone.')
        return self.differences(body)

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        port, now = self._serves()[1], body.get('port_id')
        if now is not None and now == (port or now):
            return {}
        return {'server_id': None if now is None else f'that of port {now}'}

    def revive(self) -> Steps:
        """A FAILED association is made again by the update if its address is there."""
        floating, _port = self._serves()
        if (yield shown(floating)) is None:
            raise NeedsReplacement(f'Floating IP {floating} is gone.')

    def read(self, names: tuple[Any, ...]) -> Steps:
        return {'show': (yield shown(self._serves()[0]))} if 'show' in names else {}


def _port_of(server: str) -> Steps:
    listed = yield Call('compute', 'GET', f'/servers/{server}/os-interface', unwrap='interfaceAttachments',
                        label='interfaces')
    if not listed:
        raise StepFailed(f'Server {server} has no port that an address could serve.', 'NotFound')
    return listed[0]['port_id']
