"""What is added to a router that stands elsewhere: its gateway and its routes.

Purpose: OS::Neutron::RouterGateway, OS::Neutron::ExtraRoute and
OS::Neutron::ExtraRouteSet. Invariant: a route that was there before is nobody's
here, so it is refused at the creation and stays at the deletion. Neighbours:
``router`` has the router and its interfaces; ``rest``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.common.errors import EntityNotFound
from heat.model.op import Call, CloudFault, Find, NeedsReplacement, Record, StepFailed
from heat.resources.base import Diff, Resource, Steps
from heat.resources.openstack.journal import once
from heat.resources.openstack.neutron.rest import UUID, named, same_thing, subnets_of
from heat.schema import IN_PLACE, List, Map, String, Support, at_least_one, deprecated, hidden
from heat.template.definition import Definition

# Changes of a whole list of routes before giving up, when others change the router meanwhile.
TRIES = 10


def _router(router: str, label: str = 'show') -> Call:
    return Call('network', 'GET', f'/routers/{router}', ok=(404,), unwrap='router', label=label)


class OfRouter(Resource):
    """What a router that stands elsewhere is given."""

    service = 'network'
    survives_failure = True
    redoes = True
    observes = True
    # The property that names the router.
    router: str = ''

    def router_id(self) -> Steps:
        """As it was found at the creation: a deletion looks no names up."""
        if 'router' not in self.row.data:
            value = str(self.props[self.router])
            yield self.keep(router=value if UUID.match(value) else (yield Find('neutron.router', value)))
        return self.row.data['router']

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        try:
            router = yield from self.router_id()
        except EntityNotFound:
            return
        yield from self.leave(router)

    def leave(self, router: str) -> Steps:
        """Take away from the router what it was given."""
        yield from ()

    def shown(self) -> Steps:
        return (yield _router((yield from self.router_id())))

    def check(self) -> Steps:
        body = yield from self.shown()
        if body is None or self.differences(body):
            raise StepFailed(f'Router {self.row.data["router"]} does not have what {self.name} gave it.',
                             'NotFound')
        return body

    def observe(self) -> Steps:
        body = yield from self.shown()
        if body is None:
            raise NeedsReplacement(f'Router {self.row.data["router"]} is gone.')
        return self.differences(body)

    def revive(self) -> Steps:
        """A FAILED one is mended in place if its router is there."""
        if (yield from self.shown()) is None:
            raise NeedsReplacement(f'Router {self.row.data["router"]} is gone.')

    def read(self, names: tuple[Any, ...]) -> Steps:
        return {'show': (yield from self.shown())} if 'show' in names else {}


class RouterGateway(OfRouter):
    """A router's way to the outside."""

    type = 'OS::Neutron::RouterGateway'
    support = hidden('5.0.0', deprecated('2014.1'),
                     message='Use property external_gateway_info of OS::Neutron::Router.')
    router = 'router_id'

    class properties:
        router_id = String('The router.', required=True, is_a='neutron.router')
        network_id = String('External network.', check='neutron.network', replaced_by='network',
                            support=hidden('9.0.0', deprecated('2014.2', 'Use property network.')))
        network = String('External network.', is_a='neutron.network')
        rule = at_least_one('network')

    @classmethod
    def before(cls, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        """The service makes a port on a subnet of the network."""
        return _legs_of(definition, 'router_id', others) | subnets_of(
            named(definition, 'network', 'network_id'), others)

    def create(self) -> Steps:
        router, network = (yield from self.router_id()), self.props['network']
        # Written with the intent: a deletion after a crash knows what may have been made.
        yield Record(physical_id=f'{router}:{network}')
        return (yield self._put(router, {'network_id': network}, 'set gateway'))

    def leave(self, router: str) -> Steps:
        def look() -> Steps:
            return _gateway((yield _router(router)))
        if (yield from once(self, 'gateway', look())) == self.id.partition(':')[2]:
            yield self._put(router, {}, 'clear gateway', ok=(404,))

    @staticmethod
    def _put(router: str, gateway: dict[str, str], label: str, ok: tuple[int, ...] = ()) -> Call:
        return Call('network', 'PUT', f'/routers/{router}', {'router': {'external_gateway_info': gateway}},
                    ok=ok, unwrap='router', label=label)

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        there = _gateway(body)
        return {} if there == self.id.partition(':')[2] else {'network': there}


def _gateway(router: Mapping[str, Any] | None) -> Any:
    return ((router or {}).get('external_gateway_info') or {}).get('network_id')


class Routes(OfRouter):
    """Routes of a router; ``asked`` says which."""

    @staticmethod
    def asked(props: Mapping[str, Any]) -> list[dict[str, str]]:
        return [dict(one) for one in props.get('routes') or ()]

    def unused(self, router: str, routes: list[dict[str, str]]) -> Steps:
        """StepFailed if one of ``routes`` was there before."""
        def look() -> Steps:
            return _among(routes, (yield _router(router)))
        there = yield from once(self, 'there before', look())
        if there:
            raise StepFailed(f'Router {router} already has a route to {there[0]["destination"]} by '
                             f'{there[0]["nexthop"]}.', 'Conflict')

    def leave(self, router: str) -> Steps:
        # An update that failed may have added some of those to come.
        routes = self.row.data.get('routes', self.asked(self.row.props or {}))
        if routes:
            yield from self.take(router, routes)

    def give(self, router: str, routes: list[dict[str, str]]) -> Steps:
        yield self._atomic(router, 'add', routes)

    def take(self, router: str, routes: list[dict[str, str]]) -> Steps:
        yield self._atomic(router, 'remove', routes)

    @staticmethod
    def _atomic(router: str, verb: str, routes: list[dict[str, str]]) -> Call:
        return Call('network', 'PUT', f'/routers/{router}/{verb}_extraroutes', {'router': {'routes': routes}},
                    ok=(404,) if verb == 'remove' else (), unwrap='router', label=f'{verb} routes')

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        wanted = self.asked(self.props)
        there = _among(wanted, body)
        return {} if len(there) == len(wanted) else {'routes': there}

    @classmethod
    def before(cls, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        """The next hop must be in a subnet that the router is connected to."""
        return _legs_of(definition, cls.router, others)


def _among(routes: list[dict[str, str]], router: Mapping[str, Any] | None) -> list[dict[str, str]]:
    there = [(one.get('destination'), one.get('nexthop')) for one in (router or {}).get('routes') or ()]
    return [one for one in routes if (one['destination'], one['nexthop']) in there]


def _legs_of(definition: Definition, router: str, others: Mapping[str, Definition]) -> frozenset[str]:
    """The interfaces and the gateway of the same router in the template."""
    ours = named(definition, router)
    legs: dict[str, tuple[str, ...]] = {'OS::Neutron::RouterInterface': ('router', 'router_id')}
    if definition.type != RouterGateway.type:
        legs[RouterGateway.type] = ('router_id',)
    return frozenset(name for name, other in others.items()
                     if other.type in legs and same_thing(ours, named(other, *legs[other.type])))


class ExtraRouteSet(Routes):
    """Routes of a router, next to those that others have added."""

    type = 'OS::Neutron::ExtraRouteSet'
    support = Support(version='14.0.0')
    extension = 'extraroute-atomic'
    router = 'router'

    class properties:
        router = String('The router.', required=True, is_a='neutron.router')
        routes = List('The routes.', default=[], update=IN_PLACE, of=Map(
            destination=String('Block to reach.', required=True, check='net_cidr'),
            nexthop=String('Through this address.', required=True, check='ip_addr')))

    def create(self) -> Steps:
        router, routes = (yield from self.router_id()), self.asked(self.props)
        yield from self.unused(router, routes)
        yield Record(physical_id=router, data={'routes': routes})
        if routes:
            yield from self.give(router, routes)

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        router = yield from self.router_id()
        kept = self.row.data.get('routes', self.asked(diff.old))
        yield self.keep(routes=[*kept, *(one for one in self.asked(new) if one not in kept)])
        if diff.gone('routes'):
            yield from self.take(router, diff.gone('routes'))
        if self.asked(new):
            # All of them: a failed update may have taken some away.
            yield from self.give(router, self.asked(new))
        yield self.keep(routes=self.asked(new))


class ExtraRoute(Routes):
    """One route of a router."""

    type = 'OS::Neutron::ExtraRoute'
    support = Support('UNSUPPORTED')
    extension = 'extraroute'
    router = 'router_id'

    class properties:
        router_id = String('The router.', required=True, is_a='neutron.router')
        destination = String('Block to reach.', required=True)
        nexthop = String('Through this address.', required=True)

    @staticmethod
    def asked(props: Mapping[str, Any]) -> list[dict[str, str]]:
        return [{name: props[name] for name in ('destination', 'nexthop') if props.get(name) is not None}]

    def create(self) -> Steps:
        router, routes = (yield from self.router_id()), self.asked(self.props)
        yield from self.unused(router, routes)
        yield Record(physical_id=f'{router}:{routes[0]["destination"]}:{routes[0]["nexthop"]}')
        yield from self.give(router, routes)

    def give(self, router: str, routes: list[dict[str, str]]) -> Steps:
        if (yield from self._atomically()):
            yield from super().give(router, routes)
        else:
            yield from self._whole(router, lambda there: [*(o for o in there if o not in routes), *routes])

    def take(self, router: str, routes: list[dict[str, str]]) -> Steps:
        if (yield from self._atomically()):
            yield from super().take(router, routes)
        else:
            yield from self._whole(router, lambda there: [one for one in there if one not in routes])

    def _atomically(self) -> Steps:
        def look() -> Steps:
            listed = yield Call('network', 'GET', '/extensions', unwrap='extensions', label='extensions')
            return any(one.get('alias') == ExtraRouteSet.extension for one in listed)
        return (yield from once(self, 'atomic', look()))

    def _whole(self, router: str, changed: Any) -> Steps:
        """Write the whole list anew, if nobody has changed the router since it was read."""
        for number in range(TRIES):
            body = yield _router(router)
            if body is None:
                return
            headers = {'If-Match': f'revision_number={body["revision_number"]}'} if (
                'revision_number' in body) else {}
            try:
                yield Call('network', 'PUT', f'/routers/{router}',
                           {'router': {'routes': changed(body.get('routes') or [])}}, headers=headers,
                           label=f'routes {number}')
                return
            except CloudFault as fault:
                if fault.status != 412:
                    raise
        raise StepFailed(f'Router {router} was changed by others each of {TRIES} times that the routes of '
                         f'{self.name} were written.', 'Conflict')
