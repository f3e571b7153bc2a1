"""Routers and their interfaces.

Purpose: OS::Neutron::Router and OS::Neutron::RouterInterface. Invariant: an
interface has no id of its own; it is named by its router and its subnet or
port. Neighbours: ``rest`` has what network types share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import Call, CloudFault, NeedsReplacement, Record, StepFailed
from heat.resources.base import Diff, Resource, Steps
from heat.resources.openstack.journal import repeated
from heat.resources.openstack.neutron.rest import Neutron, named, subnets_of
from heat.schema import IN_PLACE, Attr, Boolean, List, Map, String, Support, deprecated, hidden
from heat.template.definition import Definition


class Router(Neutron):
    """A router between networks."""

    type = 'OS::Neutron::Router'
    extension = 'router'
    path, key = '/routers', 'router'
    ready = ('ACTIVE', 'DOWN')
    blockers = 'device_id={id}&device_owner=network:router_interface'

    class properties:
        name = String('Name.', update=IN_PLACE)
        external_gateway_info = Map(
            'How it reaches the outside.', update=IN_PLACE,
            network=String('External network.', required=True, find='neutron.network', wire='network_id',
                           update=IN_PLACE),
            enable_snat=Boolean('Whether addresses are translated.', update=IN_PLACE),
            external_fixed_ips=List(
                'Its outer addresses.', update=IN_PLACE, support=Support(version='6.0.0'), of=Map(
                    ip_address=String('The address.', check='ip_addr'),
                    subnet=String('Subnet of the address.', is_a='neutron.subnet', wire='subnet_id'))))
        value_specs = Map('More attributes for the request.', default={}, wire=None, update=IN_PLACE)
        admin_state_up = Boolean('Whether it is switched on.', default=True, update=IN_PLACE)
        l3_agent_id = String('Agent that hosts it.', wire=None, update=IN_PLACE, support=hidden(
            '6.0.0', deprecated('2015.1', 'Use property l3_agent_ids.', since='2014.1')))
        l3_agent_ids = List('Agents that host it.', of=String(), wire=None, update=IN_PLACE,
                            support=Support(version='2015.1'))
        distributed = Boolean('Whether it is spread over the hosts.', support=Support(version='2015.1'))
        ha = Boolean('Whether it is highly available.', support=Support(version='2015.1'))
        availability_zone_hints = List('Where it should be placed.', update=IN_PLACE,
                                       support=Support(version='19.0.0'))
        tags = List('Tags.', of=String(), wire=None, update=IN_PLACE, support=Support(version='9.0.0'))
        tenant_id = String('Project that owns it; only administrators may name another.',
                           support=Support(version='24.0.0'))

    class attributes:
        status = Attr('Current status.', 'String')
        external_gateway_info = Attr('How it reaches the outside.', 'Map')
        name = Attr('Name.', 'String')
        admin_state_up = Attr('Whether it is switched on.', 'String')
        tenant_id = Attr('Project that owns it.', 'String')

    @classmethod
    def before(cls, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        gateway = named(definition, 'external_gateway_info')
        return subnets_of(gateway, others) if gateway else frozenset()

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        agents = props.get('l3_agent_ids')
        if props.get('l3_agent_id') is not None and agents is not None:
            yield 'Cannot define the following properties at the same time: l3_agent_id, l3_agent_ids.'
        if props.get('ha') is True and props.get('distributed') is True:
            yield 'Cannot define the following properties at the same time: distributed, ha.'
        if props.get('ha') is not True and isinstance(agents, list) and len(agents) > 1:
            yield 'Non HA routers can only have one L3 agent.'

    def _agents(self, props: Mapping[str, Any]) -> list[str]:
        single = props.get('l3_agent_id')
        return list(props.get('l3_agent_ids') or ([single] if single else []))

    def create(self) -> Steps:
        answer = yield from super().create()
        wanted = self._agents(self.props)
        if wanted:
            yield from self._host(wanted)
        return answer

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from super().update(new, diff)
        if ('l3_agent_id' in diff or 'l3_agent_ids' in diff) and self._agents(diff.old) != self._agents(new):
            yield from self._host(self._agents(new))

    def _host(self, agents: list[str]) -> Steps:
        yield from self.to_agents(agents, 'l3-agents', 'l3-routers', {'router_id': self.id})

    def prepare(self, body: dict[str, Any], props: Mapping[str, Any], diff: Diff | None = None) -> Steps:
        yield from ()
        if 'external_gateway_info' in body and body['external_gateway_info'] is None:
            body['external_gateway_info'] = {}
        return body


class RouterInterface(Resource):
    """A router's leg in a subnet."""

    type = 'OS::Neutron::RouterInterface'
    service = 'network'
    extension = 'router'
    survives_failure = True
    observes = True

    class properties:
        router = String('The router.', required=True, is_a='neutron.router')
        router_id = String('The router.', check='neutron.router', replaced_by='router', support=hidden(
            '6.0.0', deprecated('2015.1', 'Use property router.', since='2013.1')))
        subnet_id = String('The subnet.', check='neutron.subnet', replaced_by='subnet', support=hidden(
            '5.0.0', deprecated('2014.2', 'Use property subnet.')))
        subnet = String('The subnet; its gateway address is taken.', is_a='neutron.subnet')
        port_id = String('A port to use.', check='neutron.port', replaced_by='port', support=hidden(
            '6.0.0', deprecated('2015.1', 'Use property port.', since='2014.1')))
        port = String('A port to use; its address is taken.', is_a='neutron.port',
                      support=Support(version='2015.1'))

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        subnet, port = props.get('subnet'), props.get('port')
        if subnet is None and port is None:
            yield 'At least one of the following properties must be specified: subnet, port.'
        if subnet is not None and port is not None:
            yield 'Cannot define the following properties at the same time: subnet, port.'

    # The id is "<router>:subnet_id=<subnet>" or "<router>:port_id=<port>"; before 2014 "<router>:<subnet>".
    def _parts(self) -> tuple[str, dict[str, str]]:
        router, _, end = self.id.partition(':')
        kind, found, value = end.partition('=')
        return router, {kind: value} if found else {'subnet_id': end}

    def _listing(self, router: str, end: Mapping[str, str]) -> Call:
        query: dict[str, Any] = {'device_id': router}
        if 'port_id' in end:
            query['id'] = end['port_id']
        else:
            query['fixed_ips'] = f'subnet_id={end["subnet_id"]}'
        return Call('network', 'GET', '/ports', query=query, unwrap='ports', label='look')

    def create(self) -> Steps:
        router = self.props['router']
        kind = 'subnet_id' if self.props.get('subnet') is not None else 'port_id'
        end = {kind: self.props['subnet' if kind == 'subnet_id' else 'port']}
        if not self.row.memo and not repeated(self, 'add') and (yield self._listing(router, end)):
            raise StepFailed(f'Router {router} already has an interface for {kind} {end[kind]}.',
                             'BadRequest')
        # Written with the intent: a deletion after a crash knows what may have been made.
        yield Record(physical_id=f'{router}:{kind}={end[kind]}')
        try:
            yield Call('network', 'PUT', f'/routers/{router}/add_router_interface', end, label='add')
        except CloudFault as fault:
            # There was none before, so one that is there now was made by a call whose answer was lost.
            if fault.status not in (400, 409) or not (yield self._listing(router, end)):
                raise

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        router, end = self._parts()
        yield Call('network', 'PUT', f'/routers/{router}/remove_router_interface', end, ok=(404,),
                   label='remove')

    def check(self) -> Steps:
        router, end = self._parts()
        if not (yield self._listing(router, end)):
            raise StepFailed(f'Router {router} has no interface for {" ".join(end.values())}.', 'NotFound')
        return {}

    def observe(self) -> Steps:
        """There is nothing about a leg that could be otherwise; it is there or it is not."""
        yield from self.revive()
        return {}

    def revive(self) -> Steps:
        """A FAILED interface is kept if it is there."""
        try:
            yield from RouterInterface.check(self)
        except StepFailed as gone:
            raise NeedsReplacement(gone.message) from gone

    def read(self, names: tuple[Any, ...]) -> Steps:
        if 'show' not in names:
            return {}
        found = yield self._listing(*self._parts())
        return {'show': found[0] if found else None}
