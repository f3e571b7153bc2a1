"""Flavors of compute.

Purpose: OS::Nova::Flavor. Invariant: its id is the one that was asked for or one
that we choose, so it is found again by it. Neighbours: ``unstamped`` has the
common verbs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from heat.model.op import Adopt, Call
from heat.resources.base import Diff, Steps
from heat.resources.openstack.journal import members, pairs
from heat.resources.openstack.metadata import text_values
from heat.resources.openstack.unstamped import Unstamped
from heat.resources.rest import alike
from heat.schema import IN_PLACE, Attr, Boolean, Integer, List, Map, Number, String, Support


class Flavor(Unstamped):
    """A size of servers."""

    type = 'OS::Nova::Flavor'
    support = Support(version='2014.2')
    service, path, key = 'compute', '/flavors', 'flavor'
    survives_failure = True
    releases = True

    class properties:
        tenants = List('Projects that may use it, where it is not everybody\'s.', default=[], wire=None,
                       update=IN_PLACE, of=String(is_a='keystone.project'), support=Support(version='8.0.0'))
        ram = Integer('Memory in MB.', required=True)
        vcpus = Integer('Processors.', required=True)
        disk = Integer('Root disk in GB.', default=0)
        swap = Integer('Swap in MB.', default=0)
        ephemeral = Integer('Second disk in GB.', default=0, wire='OS-FLV-EXT-DATA:ephemeral')
        flavorid = String('Id; by default one that nobody has.', wire='id', support=Support(version='7.0.0'))
        name = String('Name.', support=Support(version='7.0.0'))
        rxtx_factor = Number('Share of the network.', default=1.0)
        extra_specs = Map('What else it asks of a host.', wire=None, update=IN_PLACE)
        is_public = Boolean('Whether all projects may use it.', default=True,
                            wire='os-flavor-access:is_public', support=Support(version='6.0.0'))

    class attributes:
        is_public = Attr('Whether all projects may use it.', 'Boolean', wire='os-flavor-access:is_public',
                         support=Support(version='6.0.0'))
        extra_specs = Attr('What else it asks of a host.', 'Map', support=Support(version='7.0.0'))

    def url(self, tail: str = '') -> str:
        return f'{self.path}/{quote(self.id, safe="")}{tail}'

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {'id': self.row.uuid, **super().body(props)}

    def only_ours(self, body: Mapping[str, Any]) -> bool:
        return bool(body['id'] == self.row.uuid)

    def marks(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {'id': body['id'], 'name': body['name']}

    def search(self, marks: Mapping[str, Any]) -> Adopt:
        return Adopt(f'{self.path}/{quote(marks["id"], safe="")}', self.key,
                     lambda found: bool(found.get('name') == marks['name']))

    def furnish(self, answer: dict[str, Any]) -> Steps:
        yield from self._specify(self.props.get('extra_specs'), {})
        yield from self._open_to(self.props, {})
        return None

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from self._specify(new.get('extra_specs'), diff.old.get('extra_specs'))
        yield from self._open_to(new, diff.old)

    def _specify(self, wanted: Mapping[str, Any] | None, old: Mapping[str, Any] | None) -> Steps:
        yield from pairs(
            self, 'extra_specs', text_values(wanted or {}), text_values(old or {}),
            lambda values: Call('compute', 'POST', self.url('/os-extra_specs'), {'extra_specs': values},
                                label='extra specs'),
            lambda name: Call('compute', 'DELETE', self.url(f'/os-extra_specs/{quote(name, safe="")}'),
                              ok=(404,), label=f'drop {name}'))

    def _open_to(self, props: Mapping[str, Any], old: Mapping[str, Any]) -> Steps:
        def access(verb: str, tenant: str, passes: int) -> Call:
            return replace(self.action(verb, tenant=tenant, label=f'{verb} {tenant}'), ok=(passes,))
        # One that is everybody's takes no list.
        yield from members(self, 'access', _tenants(props), _tenants(old),
                           lambda tenant: access('addTenantAccess', tenant, 409),
                           lambda tenant: access('removeTenantAccess', tenant, 404))

    # -- names are unique: its successor may have the same -----------------------------------------

    def release(self) -> Steps:
        if self._claims():
            yield self.remove('release')

    def delete(self) -> Steps:
        if self.row.keep.get('released') and self._claims():
            # It is gone; under its name there may be the successor.
            return
        yield from super().delete()

    def restore(self) -> Steps:
        if self._claims():
            yield self.post(self.body(self.props), 'restore')
            yield self.keep(extra_specs=None, access=None)
            yield from self.furnish({})

    def _claims(self) -> bool:
        props = self.row.props or {}
        return any(props.get(name) for name in ('name', 'flavorid'))

    # -- what it is like ---------------------------------------------------------------------------

    def read(self, names: tuple[Any, ...]) -> Steps:
        found = yield from super().read(names)
        if 'extra_specs' in found and found['extra_specs'] is None:
            # Older versions of compute tell it apart.
            found['extra_specs'] = yield Call('compute', 'GET', self.url('/os-extra_specs'),
                                              unwrap='extra_specs', label='extra specs')
        return found

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        wanted, there = text_values(self.props.get('extra_specs') or {}), body.get('extra_specs')
        return {} if there is None or alike(wanted, there) else {'extra_specs': there}


def _tenants(props: Mapping[str, Any]) -> Iterable[str]:
    return () if props.get('is_public') else props.get('tenants') or ()
