"""Trunks: one port of a server that carries the traffic of many.

Purpose: OS::Neutron::Trunk. Invariant: subports are put in and taken out one
by one in place, those of others stay; a trunk goes when no server holds its
parent. Neighbours: ``rest``; a server comes after the trunk of its port.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat.model.op import Call, CloudFault, Poll
from heat.resources.base import Diff, Steps
from heat.resources.openstack.journal import once
from heat.resources.openstack.neutron.rest import PATIENCE, Neutron, named, same_thing
from heat.schema import IN_PLACE, Attr, Boolean, Integer, List, Map, String, Support, same, wire
from heat.template.definition import Definition
from heat.template.expr import Expr


class Trunk(Neutron):
    """A parent port with subports."""

    type = 'OS::Neutron::Trunk'
    support = Support(version='9.0.0')
    extension = 'trunk'
    path, key = '/trunks', 'trunk'
    ready = ('ACTIVE', 'DOWN')
    broken = ('ERROR', 'DEGRADED')

    class properties:
        name = String('Name.', update=IN_PLACE)
        port = String('Its parent port, which a server may have after it only.', required=True,
                      immutable=True, is_a='neutron.port', wire='port_id')
        sub_ports = List('Its subports.', update=IN_PLACE, of=Map(
            port=String('The port.', required=True, is_a='neutron.port', wire='port_id'),
            segmentation_type=String('How its packets are told from others.', required=True,
                                     values=['vlan']),
            segmentation_id=Integer('By this number.', required=True, range=(1, 4094))))
        description = String('Description.', update=IN_PLACE)
        admin_state_up = Boolean('Whether it is switched on; only then subports can be changed.',
                                 update=IN_PLACE)

    class attributes:
        port_id = Attr('Its parent port.', 'String')

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        changes = self.changes(diff, 'name', 'description', 'admin_state_up')
        body = self.body_of_update(self.begun(changes))
        # The service changes no subports of a trunk that is switched off.
        if body and body.get('admin_state_up') is not False:
            yield self.put(body)
        if 'sub_ports' in diff:
            yield from self._arrange(diff)
        if body.get('admin_state_up') is False:
            yield self.put(body)
        yield self.until(*self.ready)

    def _arrange(self, diff: Diff) -> Steps:
        def look() -> Steps:
            return (yield self.get())['sub_ports']
        present = _by_port((yield from once(self, 'sub_ports', look())))
        old, new = (_by_port(self._wired(side.get('sub_ports'))) for side in (diff.old, diff.new))
        gone = [{'port_id': port} for port in old
                if port in present and not same(new.get(port), present[port])]
        leaving = {one['port_id'] for one in gone}
        come = [one for port, one in new.items() if port in leaving or not same(one, present.get(port))]
        if gone:
            yield Call('network', 'PUT', self.url('/remove_subports'), {'sub_ports': gone}, ok=(404,),
                       label='remove subports')
        if come:
            try:
                yield Call('network', 'PUT', self.url('/add_subports'), {'sub_ports': come},
                           label='add subports')
            except CloudFault as fault:
                # They may have been put in by a call whose answer was lost.
                there = _by_port((yield self.get())['sub_ports'])
                if fault.status != 409 or any(not same(one, there.get(one['port_id'])) for one in come):
                    raise

    def _wired(self, sub_ports: Any) -> list[dict[str, Any]]:
        prop = self.schema.properties['sub_ports']
        found: list[dict[str, Any]] = wire({'sub_ports': prop}, {'sub_ports': sub_ports or []})['sub_ports']
        return found

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        try:
            yield self.remove()
        except CloudFault as fault:
            if fault.status != 409:
                raise
            yield (yield from self._until_let_go(fault))
            yield self.remove()

    def _until_let_go(self, fault: CloudFault) -> Steps:
        """Waits until no server has the parent; after enough looks the sentence names who does."""
        body = yield Call('network', 'GET', self.url(), ok=(404,), unwrap='trunk', label='show')
        looks = 0

        def judge(port: dict[str, Any] | None) -> bool | str:
            nonlocal looks
            looks += 1
            if not (port or {}).get('device_id'):
                return True
            if looks < PATIENCE:
                return False
            return f'{fault.message} Its parent port is in use by {(port or {}).get("device_id")}.'
        parent = (body or {}).get('port_id')
        return Poll('network', f'/ports/{parent}', str(parent), judge, unwrap='port')


def _by_port(sub_ports: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one['port_id']: one for one in sub_ports}


def trunks_of(networks: list[Expr], others: Mapping[str, Definition]) -> frozenset[str]:
    """The trunks of the template whose parent is one of a server's ports: it is too late after the server."""
    return frozenset(name for name, other in others.items()
                     if other.type == Trunk.type and same_thing(networks, named(other, 'port')))
