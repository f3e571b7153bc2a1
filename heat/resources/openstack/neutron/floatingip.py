"""Floating addresses and their association with ports.

Purpose: OS::Neutron::FloatingIP and OS::Neutron::FloatingIPAssociation.
Invariant: a floating address has no name, so it carries one of ours in its
description and is found again by it. Neighbours: ``rest`` has what they share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import Adopt, Call, NeedsReplacement, Record, StepFailed
from heat.resources.base import Diff, Resource, Steps
from heat.resources.openstack.journal import once
from heat.resources.openstack.neutron.rest import Neutron, ways_out
from heat.schema import IN_PLACE, Attr, List, Map, String, Support, deprecated, hidden
from heat.template.definition import Definition


class Floating(Neutron):
    """What all floating addresses are."""

    path, key = '/floatingips', 'floatingip'
    name_key = None

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(props)
        body.setdefault('description', self.physical_name())
        return body

    def adopt(self, body: dict[str, Any]) -> Adopt | None:
        token = body['description']
        return Adopt(self.path, 'floatingips', lambda found: found.get('description') == token,
                     {'description': token})


class FloatingIP(Floating):
    """An outer address, translated to that of a port."""

    type = 'OS::Neutron::FloatingIP'

    class properties:
        floating_network = String('External network it is taken from.', required=True, is_a='neutron.network',
                                  wire='floating_network_id', support=Support(version='2014.2'))
        floating_network_id = String('External network.', check='neutron.network',
                                     replaced_by='floating_network', support=hidden(
                                         '5.0.0', deprecated('2014.2', 'Use property floating_network.')))
        floating_subnet = String('Subnet it is taken from.', is_a='neutron.subnet', wire='subnet_id',
                                 support=Support(version='9.0.0'))
        value_specs = Map('More attributes for the request.', default={}, wire=None)
        port_id = String('Port that is reached by it.', check='neutron.port', update=IN_PLACE)
        fixed_ip_address = String('Which of the port\'s addresses.', check='ip_addr', update=IN_PLACE)
        floating_ip_address = String('A certain address.', check='ip_addr', support=Support(version='5.0.0'))
        dns_name = String('Name in the DNS.', check='rel_dns_name', update=IN_PLACE,
                          support=Support(version='7.0.0'))
        dns_domain = String('Domain in the DNS.', check='dns_domain', update=IN_PLACE,
                            support=Support(version='7.0.0'))
        tags = List('Tags.', of=String(), wire=None, update=IN_PLACE, own=True)

    class attributes:
        router_id = Attr('Router that translates it.', 'String')
        tenant_id = Attr('Project that owns it.', 'String')
        floating_network_id = Attr('External network it is from.', 'String')
        fixed_ip_address = Attr('The address behind it.', 'String', live=True)
        floating_ip_address = Attr('The address.', 'String')
        port_id = Attr('The port behind it.', 'String', live=True)

    @classmethod
    def before(cls, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        return ways_out(others)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        if props.get('fixed_ip_address') is not None and props.get('port_id') is None:
            yield 'fixed_ip_address cannot be specified without port_id.'

    def prepare(self, body: dict[str, Any], props: Mapping[str, Any], diff: Diff | None = None) -> Steps:
        yield from ()
        if diff is not None and ('port_id' in diff or 'fixed_ip_address' in diff):
            # The service takes the two together: an address alone would lose its port.
            body['port_id'] = props.get('port_id')
            body.pop('fixed_ip_address', None)
            if body['port_id'] is not None and props.get('fixed_ip_address') is not None:
                body['fixed_ip_address'] = props['fixed_ip_address']
        return body


def associate(floating: str, port: Any, fixed: Any = None, label: str = 'associate',
              ok: tuple[int, ...] = ()) -> Call:
    """Let the address serve the port, or none."""
    body = {'port_id': port, **({'fixed_ip_address': fixed} if fixed else {})}
    return Call('network', 'PUT', f'/floatingips/{floating}', {'floatingip': body}, ok=ok,
                unwrap='floatingip', label=label)


def shown(floating: str) -> Call:
    return Call('network', 'GET', f'/floatingips/{floating}', ok=(404,), unwrap='floatingip', label='show')


def let_go(plugin: Resource, floating: str, port: Any) -> Steps:
    """Let the address serve none, unless it serves another port than ``port`` by now."""
    def look() -> Steps:
        return ((yield shown(floating)) or {}).get('port_id')
    now = yield from once(plugin, f'port of {floating}', look())
    if now is not None and now == (port or now):
        yield associate(floating, None, label='release', ok=(404,))


class FloatingIPAssociation(Resource):
    """The association of a floating address with a port."""

    type = 'OS::Neutron::FloatingIPAssociation'
    service = 'network'
    survives_failure = True
    redoes = True
    observes = True

    class properties:
        floatingip_id = String('Id of the floating address.', required=True, update=IN_PLACE)
        port_id = String('Port that is reached by it.', required=True, check='neutron.port', update=IN_PLACE)
        fixed_ip_address = String('Which of the port\'s addresses.', check='ip_addr', update=IN_PLACE)

    @classmethod
    def before(cls, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        return ways_out(others)

    def _floating(self) -> str:
        # The row's id is the floating address's own; older rows have "<floating>:<port>".
        return self.id.partition(':')[0]

    def create(self) -> Steps:
        floating = self.props['floatingip_id']
        yield Record(physical_id=floating)
        return (yield associate(floating, self.props['port_id'], self.props.get('fixed_ip_address')))

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        # Not from the row: a step that is resumed finds the new id there.
        before = diff.old.get('floatingip_id') or self._floating()
        if before != new['floatingip_id']:
            yield from let_go(self, before, diff.old.get('port_id'))
        yield Record(physical_id=new['floatingip_id'])
        yield associate(new['floatingip_id'], new['port_id'], new.get('fixed_ip_address'))

    def delete(self) -> Steps:
        if self.row.physical_id is not None:
            yield from let_go(self, self._floating(), (self.row.props or {}).get('port_id'))

    def check(self) -> Steps:
        body = yield shown(self._floating())
        wanted = (self.row.props or {}).get('port_id')
        if body is None or body.get('port_id') != wanted:
            raise StepFailed(f'Floating IP {self._floating()} does not serve port {wanted}.', 'NotFound')
        return body

    def observe(self) -> Steps:
        body = yield shown(self._floating())
        if body is None:
            raise NeedsReplacement(f'Floating IP {self._floating()} is gone.')
        return self.differences(body)

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        # By the row, which has the ends where a type of AWS has looked them up.
        asked = self.row.props or {}
        return {name: body.get(name) for name in ('port_id', 'fixed_ip_address')
                if asked.get(name) and body.get(name) != asked[name]}

    def revive(self) -> Steps:
        """A FAILED association is made again by the update if its address is there."""
        if (yield shown(self._floating())) is None:
            raise NeedsReplacement(f'Floating IP {self._floating()} is gone.')

    def read(self, names: tuple[Any, ...]) -> Steps:
        return {'show': (yield shown(self._floating()))} if 'show' in names else {}
