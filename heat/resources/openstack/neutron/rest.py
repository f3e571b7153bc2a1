"""What all network types share: names, tags, value_specs, refused deletions.

Purpose: ``Neutron`` is ``Rest`` in the network service's dialect. Invariant: a
deletion refused because something is still in use is repeated once that has
gone, or fails with a sentence that names it. Neighbours: the types beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from heat import schema
from heat.model.op import Adopt, Call, CloudFault, Find, Poll, StepFailed
from heat.resources.base import Diff, Steps
from heat.resources.openstack.journal import made_since, once
from heat.resources.rest import Rest
from heat.template.definition import Definition
from heat.template.expr import Expr, items_of

# Ports that the service takes away by itself with the network or subnet.
OWN_PORTS = ('network:dhcp', 'network:distributed', 'network:routed', 'network:local_ip')
# Looks at a blocker before giving up; they come 0.2 s apart at first and then every 5 s.
PATIENCE = 40
# The same where the blockers are ports that nobody uses: they do not go with a server or a router.
PATIENCE_WITH_IDLE = 6
# What the service takes for "as at the beginning"; null itself it mostly refuses.
BEGINNINGS = {'description': '', 'dns_name': '', 'dns_domain': '', 'port_security_enabled': True,
              'stateful': True, 'propagate_uplink_status': True, 'availability_zone_hints': [],
              'admin_state_up': True, 'lifetime': {'units': 'seconds', 'value': 3600}}
# Types of subnets, with the properties that name their network.
ON_NETWORK = {'OS::Neutron::Subnet': ('network', 'network_id'), 'AWS::EC2::Subnet': ('VpcId',)}
# Types that lead from a subnet to the outside.
WAYS_OUT = ('OS::Neutron::RouterInterface', 'OS::Neutron::RouterGateway', 'AWS::EC2::VPCGatewayAttachment',
            'AWS::EC2::SubnetRouteTableAssociation')
UUID = re.compile(r'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')


class Neutron(Rest):
    """A row of a collection of the network service."""

    service = 'network'
    survives_failure = True
    redoes = True
    ready: ClassVar[tuple[str, ...]] = ()
    # Query of the ports that keep the object from being deleted, '' if none do.
    blockers: ClassVar[str] = ''
    # An extension that is asked for only when the service does not know the collection.
    late_extension: ClassVar[str] = ''

    # -- verbs -----------------------------------------------------------------------------------

    def create(self) -> Steps:
        body = yield from self.prepare(self.body(self.props), self.props)
        try:
            answer = yield self.post(body)
        except CloudFault as fault:
            if fault.status == 404 and self.late_extension:
                yield from self.extended()
            raise
        answer = yield from self.built(answer)
        return (yield from self.tagged(answer))

    def extended(self) -> Steps:
        """StepFailed if the service lacks the type's extension."""
        listed = yield self.listing('/extensions', 'extensions')
        if not any(one.get('alias') == self.late_extension for one in listed):
            raise StepFailed(f'{self.type} needs the extension {self.late_extension}, which the network '
                             'service of this cloud does not have.', 'ResourceTypeUnavailable')

    def built(self, answer: dict[str, Any]) -> Steps:
        """Wait only if the answer does not already say that it is ready."""
        if self.ready and str(answer.get('status')) not in self.ready:
            answer = yield self.until(*self.ready)
        return answer

    def tagged(self, answer: dict[str, Any]) -> Steps:
        if self.props.get('tags'):
            yield self.set_tags(self.props['tags'])
            answer = {**answer, 'tags': self.props['tags']}
        return answer

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        body = self.body_of_update({**self.begun(self.changes(diff)), **self.changed_specs(diff)})
        body = yield from self.prepare(body, new, diff)
        if body:
            yield from self.change(body)
        if 'tags' in diff:
            yield self.set_tags(new.get('tags') or [])

    def change(self, body: dict[str, Any]) -> Steps:
        """The request that changes the object."""
        yield self.put(body)

    def prepare(self, body: dict[str, Any], props: Mapping[str, Any], diff: Diff | None = None) -> Steps:
        """The request's object in its final form; ``diff`` is None at creation."""
        yield from ()
        return body

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        try:
            yield self.remove()
        except CloudFault as fault:
            if fault.status != 409 or not self.blockers:
                raise
            yield self.until_free(fault)
            yield self.remove()
        if self.gone_by_poll:
            yield self.until_gone()

    # -- bodies ----------------------------------------------------------------------------------

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {**super().body(props), **(props.get('value_specs') or {})}

    @staticmethod
    def begun(changes: Mapping[str, Any]) -> dict[str, Any]:
        """``changes`` with what was taken away as it was at the beginning."""
        return {name: BEGINNINGS.get(name) if value is None else value for name, value in changes.items()}

    def changed_specs(self, diff: Diff) -> dict[str, Any]:
        """The members of value_specs that are new or have another value."""
        if 'value_specs' not in diff:
            return {}
        old = diff.old.get('value_specs') or {}
        return {name: value for name, value in (diff.new.get('value_specs') or {}).items()
                if name not in old or not schema.same(old[name], value)}

    # -- calls -----------------------------------------------------------------------------------

    def set_tags(self, tags: list[str]) -> Call:
        return Call('network', 'PUT', self.url('/tags'), {'tags': list(tags)}, label='tags')

    def listing(self, path: str, key: str, **query: Any) -> Call:
        return Call('network', 'GET', path, query=query, unwrap=key, label=f'list {key}')

    def adopt(self, body: dict[str, Any]) -> Adopt | None:
        if not body.get('name'):
            return None
        name, recent = body['name'], made_since(self, 'created_at')
        return Adopt(self.path, self.plural or f'{self.key}s',
                     lambda found: found.get('name') == name and recent(found), {'name': name})

    def until_free(self, fault: CloudFault) -> Poll:
        """Wait until no port holds the object; after enough looks the sentence names those that do."""
        looks = 0

        def judge(body: dict[str, Any] | None) -> bool | str:
            nonlocal looks
            looks += 1
            users = [port for port in (body or {}).get('ports', ())
                     if str(port.get('device_owner')) not in OWN_PORTS]
            if not users:
                return True
            if looks < (PATIENCE if any(port.get('device_id') for port in users) else PATIENCE_WITH_IDLE):
                return False
            return f'{fault.message} Ports in use: {", ".join(port_text(port) for port in users[:10])}.'
        query = self.blockers.format(id=self.id)
        return Poll('network', f'/ports?{query}', f'users-of-{self.id}', judge)

    # -- agents ----------------------------------------------------------------------------------

    def to_agents(self, wanted: list[str], agents: str, hosted: str, body: dict[str, str]) -> Steps:
        """Have exactly the agents ``wanted`` serve this object; ``agents`` lists, ``hosted`` changes."""
        def look() -> Steps:
            listed = yield Call('network', 'GET', self.url(f'/{agents}'), unwrap='agents', label='agents')
            return [agent['id'] for agent in listed]
        now = yield from once(self, agents, look())
        for agent in now:
            if agent not in wanted:
                yield Call('network', 'DELETE', f'/agents/{agent}/{hosted}/{self.id}', ok=(404, 409),
                           label=f'leave {agent}')
        for agent in wanted:
            if agent not in now:
                yield Call('network', 'POST', f'/agents/{agent}/{hosted}', body, ok=(409,),
                           label=f'join {agent}')


class Hosted(Neutron):
    """What an agent brings about: its states pass by themselves, and it is gone when the agent says so."""

    gone_by_poll = True
    stuck = ('error',)

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from super().update(new, diff)
        if self.ready:
            yield self.until(*self.ready)


def port_text(port: Mapping[str, Any]) -> str:
    owner = port.get('device_owner') or 'no device'
    return f'{port.get("id")} ({owner} {port.get("device_id") or ""}'.rstrip() + ')'


def security_group_ids(names: list[Any]) -> Steps:
    """Ids of security groups given by name or id."""
    found = []
    for name in names:
        found.append(name if UUID.match(str(name)) else (yield Find('neutron.security_group', str(name))))
    return found


# -- hidden dependencies -------------------------------------------------------------------------


def named(definition: Definition, *properties: str) -> list[Expr]:
    """The expressions of those of ``properties`` that the definition gives."""
    given = items_of(definition.properties)
    return [given[name] for name in properties if name in given]


def same_thing(ours: list[Expr], theirs: list[Expr]) -> bool:
    """Whether two properties say the same or refer to the same resource of the template."""
    if any(a == b for a in ours for b in theirs):
        return True
    mine = {ref.resource for expr in ours for ref in expr.refs()}
    return bool(mine & {ref.resource for expr in theirs for ref in expr.refs()})


def subnets_of(networks: list[Expr], others: Mapping[str, Definition]) -> frozenset[str]:
    """The subnets of the template on any of ``networks``: an address may come from each of them."""
    return frozenset(name for name, other in others.items()
                     if other.type in ON_NETWORK
                     and same_thing(networks, named(other, *ON_NETWORK[other.type])))


def ways_out(others: Mapping[str, Definition]) -> frozenset[str]:
    """Routers with a gateway and interfaces of routers: a floating IP needs both in place."""
    return frozenset(
        name for name, other in others.items()
        if other.type in WAYS_OUT
        or (other.type == 'OS::Neutron::Router' and named(other, 'external_gateway_info')))
