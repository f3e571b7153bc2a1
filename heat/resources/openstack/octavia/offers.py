"""What administrators offer: flavors, zones and how much of it a project may have.

Purpose: OS::Octavia::Flavor, FlavorProfile, AvailabilityZone,
AvailabilityZoneProfile and Quota. Invariant: the names of flavors and zones are
unique, so what is replaced by its namesake gives its name up first.
Neighbours: ``rest``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.model.op import Adopt, Call, Record
from heat.model.resource import Row
from heat.resources.base import Diff, Resource, Steps
from heat.resources.openstack.journal import once
from heat.resources.openstack.octavia.rest import Plain
from heat.resources.rest import NamedOnce
from heat.schema import IN_PLACE, Attr, Boolean, Integer, String, Support, at_least_one

LIMITS = ('healthmonitor', 'listener', 'loadbalancer', 'pool', 'member')


class Flavor(Plain):
    """A kind of load balancer that users may choose."""

    type = 'OS::Octavia::Flavor'
    support = Support(version='14.0.0')
    path, key = '/lbaas/flavors', 'flavor'

    class properties:
        description = String('Description.', default='', update=IN_PLACE)
        enabled = Boolean('Whether it may be chosen.', default=True, update=IN_PLACE)
        flavor_profile = String('Profile that tells what it is.', required=True, is_a='octavia.flavorprofile',
                                wire='flavor_profile_id')
        name = String('Name.', update=IN_PLACE)

    class attributes:
        flavor_profile_id = Attr('Profile that tells what it is.', 'String')

    releases = True

    @classmethod
    def in_the_way(cls, row: Row, new: Mapping[str, Any]) -> bool:
        return new.get('name') is not None and (row.props or {}).get('name') == new['name']

    def release(self) -> Steps:
        yield self.put({'name': f'{self.physical_name()}-replaced'}, 'release')

    def restore(self) -> Steps:
        name = self.props.get('name') or self.physical_name()

        def look() -> Steps:
            listed = yield Call('load-balancer', 'GET', self.path, query={'name': name}, unwrap='flavors',
                                label='flavors')
            return [one['id'] for one in listed if one['id'] != self.id]
        for successor in (yield from once(self, 'namesakes', look())):
            yield Call('load-balancer', 'PUT', f'{self.path}/{successor}',
                       {'flavor': {'name': f'{name}-{successor}'}}, ok=(404,), label=f'rename {successor}')
        yield self.put({'name': name}, 'restore')


class FlavorProfile(Plain):
    """What a flavor means to the provider."""

    type = 'OS::Octavia::FlavorProfile'
    support = Support(version='14.0.0')
    path, key = '/lbaas/flavorprofiles', 'flavorprofile'

    class properties:
        name = String('Name.', update=IN_PLACE)
        flavor_data = String('What is told to the provider, in JSON.', required=True, check='json_string',
                             update=IN_PLACE)
        provider_name = String('The provider.', update=IN_PLACE)


class AvailabilityZone(NamedOnce, Plain):
    """A zone that users may choose."""

    type = 'OS::Octavia::AvailabilityZone'
    support = Support(version='24.0.0')
    path, key = '/lbaas/availabilityzones', 'availability_zone'
    id_key = 'name'

    class properties:
        name = String('Name.', update=IN_PLACE)
        availability_zone_profile = String('Profile that tells what it is.', required=True,
                                           is_a='octavia.availabilityzoneprofile',
                                           wire='availability_zone_profile_id')
        description = String('Description.', default='', update=IN_PLACE)
        enabled = Boolean('Whether it may be chosen.', default=True, update=IN_PLACE)

    class attributes:
        availability_zone_profile_id = Attr('Profile that tells what it is.', 'String')

    @classmethod
    def wants_replacement(cls, row: Row, new: Mapping[str, Any], changed: frozenset[str]) -> bool:
        # It is known by its name, and the service renames none.
        return 'name' in changed

    def adopt(self, body: dict[str, Any]) -> Adopt | None:
        return Adopt(f'{self.path}/{body["name"]}', self.key, lambda found: True)

    @classmethod
    def in_the_way(cls, row: Row, new: Mapping[str, Any]) -> bool:
        return new.get('name') is not None and row.physical_id == new['name']


class AvailabilityZoneProfile(Plain):
    """What a zone means to the provider."""

    type = 'OS::Octavia::AvailabilityZoneProfile'
    support = Support(version='24.0.0')
    path, key = '/lbaas/availabilityzoneprofiles', 'availability_zone_profile'

    class properties:
        name = String('Name.', update=IN_PLACE)
        availability_zone_data = String('What is told to the provider, in JSON.', required=True,
                                        check='json_string', update=IN_PLACE)
        provider_name = String('The provider.', update=IN_PLACE)


class Quota(Resource):
    """How many of each a project may have; -1 for any number."""

    type = 'OS::Octavia::Quota'
    support = Support(version='14.0.0')
    service = 'load-balancer'
    # A second one for the same project would lose its limits when the first is deleted.
    survives_failure = True
    observes = True

    class properties:
        project = String('The project.', required=True, is_a='keystone.project', wire=None)
        healthmonitor = Integer('Health monitors.', range=(-1, None), update=IN_PLACE)
        listener = Integer('Listeners.', range=(-1, None), update=IN_PLACE)
        loadbalancer = Integer('Load balancers.', range=(-1, None), update=IN_PLACE)
        pool = Integer('Pools.', range=(-1, None), update=IN_PLACE)
        member = Integer('Members of pools.', range=(-1, None), update=IN_PLACE)
        any_limit = at_least_one(*LIMITS)

    def _url(self) -> str:
        return f'/lbaas/quotas/{self.id}'

    def _put(self, limits: Mapping[str, Any], label: str) -> Call:
        return Call('load-balancer', 'PUT', self._url(), {'quota': dict(limits)}, label=label)

    def _get(self) -> Call:
        return Call('load-balancer', 'GET', self._url(), unwrap='quota', label='show')

    def create(self) -> Steps:
        yield Record(physical_id=self.props['project'])
        yield self._put({name: self.props[name] for name in LIMITS if self.props.get(name) is not None},
                        'create')

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        limits = {name: new.get(name) for name in LIMITS if name in diff}
        if limits:
            yield self._put(limits, 'update')

    def delete(self) -> Steps:
        if self.row.physical_id is not None:
            yield Call('load-balancer', 'DELETE', self._url(), ok=(404,), label='delete')

    def check(self) -> Steps:
        return (yield self._get())

    def revive(self) -> Steps:
        """There is always one, if only the usual."""
        yield from ()

    def observe(self) -> Steps:
        return self.differences((yield self._get()))

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {name: body.get(name) for name in LIMITS
                if self.props.get(name) is not None and body.get(name) != self.props[name]}

    def read(self, names: tuple[Any, ...]) -> Steps:
        return {'show': (yield self._get())} if 'show' in names else {}
