"""Host aggregates of compute.

Purpose: OS::Nova::HostAggregate. Invariant: an aggregate is emptied before it is
deleted, since compute keeps one that has hosts. Neighbours: ``unstamped`` has the
common verbs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from heat.model.op import Call
from heat.resources.base import Diff, Steps
from heat.resources.openstack.journal import members, pairs
from heat.resources.openstack.metadata import text_values
from heat.resources.openstack.unstamped import Unstamped
from heat.resources.rest import alike
from heat.schema import IN_PLACE, List, Map, String, Support


class HostAggregate(Unstamped):
    """A group of hosts that have something in common."""

    type = 'OS::Nova::HostAggregate'
    support = Support(version='6.0.0')
    service, path, key = 'compute', '/os-aggregates', 'aggregate'
    survives_failure = True

    class properties:
        name = String('Name.', required=True, update=IN_PLACE)
        availability_zone = String('Availability zone that its hosts are in.', update=IN_PLACE)
        hosts = List('Names of its hosts.', wire=None, update=IN_PLACE, of=String(check='nova.host'))
        metadata = Map('What its hosts have in common.', default={}, wire=None, update=IN_PLACE)

    def furnish(self, answer: dict[str, Any]) -> Steps:
        yield from self._describe(self.props.get('metadata'), {})
        yield from self._gather(self.props.get('hosts'), [])
        return None

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        changes = self.body_of_update(self.changes(diff))
        if changes:
            yield self.put(changes)
        yield from self._describe(new.get('metadata'), diff.old.get('metadata'))
        yield from self._gather(new.get('hosts'), diff.old.get('hosts'))

    def _describe(self, wanted: Mapping[str, Any] | None, old: Mapping[str, Any] | None) -> Steps:
        def put(values: dict[str, Any], label: str = 'metadata') -> Call:
            return self.action('set_metadata', metadata=values, label=label)
        yield from pairs(self, 'metadata', text_values(wanted or {}), text_values(old or {}), put,
                         lambda name: put({name: None}, f'drop {name}'))

    def _gather(self, wanted: list[str] | None, old: list[str] | None) -> Steps:
        yield from members(self, 'hosts', wanted or (), old or (),
                           lambda host: self._host('add_host', host, 409),
                           lambda host: self._host('remove_host', host, 404))

    def _host(self, verb: str, host: str, passes: int) -> Call:
        return replace(self.action(verb, host=host, label=f'{verb} {host}'), ok=(passes,))

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        found = yield Call('compute', 'GET', self.url(), ok=(404,), unwrap='aggregate', label='show')
        for host in (yield from self.at_first('hosts there', (found or {}).get('hosts') or [])):
            yield self._host('remove_host', host, 404)
        yield self.remove()

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        found = super().differences(body)
        for name, wanted in (('metadata', text_values(self.props.get('metadata') or {})),
                             ('hosts', self.props.get('hosts'))):
            if wanted is not None and not alike(wanted, body.get(name)):
                found[name] = body.get(name)
        return found
