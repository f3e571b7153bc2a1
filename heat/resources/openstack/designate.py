"""Zones and recordsets of the DNS service.

Purpose: OS::Designate::Zone and OS::Designate::RecordSet. Invariant: a change
counts as made when all of the zone's name servers have it (ACTIVE), a deletion
when the service no longer knows the thing; what is made anew under its own name
goes first. Neighbours: ``rest`` has the verbs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from heat.common.errors import EntityNotFound
from heat.model.op import Adopt, Call, CloudFault, Find, NeedsReplacement, Poll, StepFailed
from heat.model.resource import Row
from heat.resources.base import Steps
from heat.resources.openstack.journal import made_since, once, successors
from heat.resources.rest import Rest
from heat.schema import IN_PLACE, Attr, Integer, List, Map, String, Support, deprecated

LONGEST_TTL = 2147483647
RECORD_TYPES = ['A', 'AAAA', 'CNAME', 'MX', 'SRV', 'TXT', 'SPF', 'NS', 'PTR', 'SSHFP', 'SOA', 'CAA', 'CERT',
                'NAPTR']
# Looks at zones below one that is to go, before giving up; fewer where none of them is going.
PATIENCE, PATIENCE_WITH_STAYING = 60, 8
# What only the one who owns a zone decides; the service refuses it for a copy of another server's zone.
OWNERS_ONLY = ('email', 'ttl')


class Designate(Rest):
    """A thing of the DNS service: bare objects, changed asynchronously."""

    service = 'dns'
    ready = ('ACTIVE',)
    gone_by_poll = True
    stuck = ('error',)
    survives_failure = True
    releases = True
    # A property that is told once more to have the name servers told again.
    again: ClassVar[str] = ''
    # Properties by which the service tells one thing from another.
    identity: ClassVar[tuple[str, ...]] = ('name',)

    @classmethod
    def in_the_way(cls, row: Row, new: Mapping[str, Any]) -> bool:
        old = row.props or {}
        if str(row.keep.get('deletion_policy', '')).startswith('Retain'):
            # To let it go would be to delete it.
            return False
        return bool(old.get('name')) and all(
            str(old.get(name)).lower() == str(new.get(name)).lower() for name in cls.identity)

    def create(self) -> Steps:
        return (yield from self.make('create'))

    def make(self, label: str) -> Steps:
        body = yield from self.named()
        try:
            yield self.post(body, label)
        except CloudFault as fault:
            if fault.status != 409 or self.row.replaces is None:
                raise
            raise StepFailed(f'{body["name"]} is there still, so it cannot be made anew: {fault.text()} '
                             'What deletion_policy retains keeps its name. Delete it in the DNS service, '
                             'or give the new one another name.', fault.kind) from fault
        return (yield self.until(*self.ready))

    def named(self) -> Steps:
        """The object of a creation, with its whole name."""
        yield from ()
        return self.body(self.props)

    def release(self) -> Steps:
        yield from self.delete()

    def restore(self) -> Steps:
        """Be made again; a successor that is not wanted any more makes room."""
        body = yield from self.named()
        for rival in (yield from once(self, 'rivals', self._successors(body))):
            path = f'{self.path}/{rival}'
            yield Call('dns', 'DELETE', path, ok=(404,), label=f'displace {rival}')
            yield Poll('dns', path, rival, lambda found: found is None)
        yield from self.make('restore')

    def _successors(self, body: Mapping[str, Any]) -> Steps:
        query = {name: body[name] for name in self.identity if name in body}
        listed = yield Call('dns', 'GET', self.path, query=query, ok=(404,), unwrap=self.plural, label='look')
        return (yield from successors(self, [one['id'] for one in listed or ()]))

    def revive(self) -> Steps:
        """The service refuses a second one of this name, and gets over an error when it is told again."""
        body = yield Call('dns', 'GET', self.url(), ok=(404,), label='show')
        if body is None:
            raise NeedsReplacement(f'{self.name} {self.id} is gone')
        if (yield from self.at_first('broken', body.get('status') in self.broken)):
            yield self.put({self.again: body.get(self.again)}, 'again')
        yield self.until(*self.ready)

    def adopt(self, body: dict[str, Any]) -> Adopt | None:
        # Names are unique, so the service would have refused ours beside an older one.
        recent = made_since(self, 'created_at')
        same: dict[str, Any] = {name: body[name] for name in ('name', 'type') if name in body}
        return Adopt(self.path, self.plural,
                     lambda found: recent(found) and all(
                         str(found.get(name)).lower() == str(value).lower() for name, value in same.items()),
                     same)

    def why_broken(self, body: Mapping[str, Any]) -> str:
        return f'{body.get("action")} of {body.get("name")} did not reach the name servers'


class Zone(Designate):
    """A DNS zone: owned here, or a copy of one that other servers own."""

    type = 'OS::Designate::Zone'
    path, plural, update_method = '/zones', 'zones', 'PATCH'
    again = 'description'
    support = Support(version='8.0.0')

    class properties:
        name = String('Name of the zone, with a dot at its end.', required=True, length=(None, 255))
        ttl = Integer('Seconds for which answers may be kept.', range=(1, LONGEST_TTL), update=IN_PLACE)
        description = String('Description.', length=(None, 160), update=IN_PLACE)
        email = String('Who is responsible for it; needed unless it is a copy.', update=IN_PLACE)
        type = String('PRIMARY if the zone is owned here, SECONDARY for a copy.', default='PRIMARY',
                      values=['PRIMARY', 'SECONDARY'])
        masters = List('Servers that a SECONDARY zone is copied from.', update=IN_PLACE,
                       support=deprecated('15.0.0', 'Use property primaries.'))
        # The service itself still calls them masters.
        primaries = List('Servers that a SECONDARY zone is copied from.', replaced_by='masters',
                         update=IN_PLACE)
        attributes = Map('Key and value pairs by which the service chooses the pool of name servers.',
                         support=Support(version='24.0.0'))

    class attributes:
        serial = Attr('Serial number of the zone.', 'String')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        name = props.get('name')
        if isinstance(name, str) and not name.endswith('.'):
            yield f'Property name must end with a dot: {name}.'
        if props.get('type') == 'PRIMARY':
            if not props.get('email'):
                yield 'Property email is required for zone type PRIMARY.'
            if props.get('masters'):
                yield 'Property primaries is for zone type SECONDARY only.'
        if props.get('type') == 'SECONDARY':
            if not props.get('masters'):
                yield 'Property primaries is required for zone type SECONDARY.'
            for name in OWNERS_ONLY:
                if props.get(name) is not None:
                    yield f'Property {name} is for zone type PRIMARY only.'

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        try:
            yield self.remove()
        except CloudFault as fault:
            zone = yield Call('dns', 'GET', self.url(), ok=(404,), label='show')
            if zone is not None:
                if fault.status != 400 or 'subzone' not in fault.message:
                    raise
                yield self._until_alone(zone['name'], fault)
                yield self.remove()
        yield self.until_gone()

    def _until_alone(self, name: str, fault: CloudFault) -> Poll:
        """Wait for the zones below this one, which may be on their way out with it."""
        looks = 0

        def judge(body: dict[str, Any] | None) -> bool | str:
            nonlocal looks
            looks += 1
            below = (body or {}).get('zones') or []
            going = any(zone.get('action') == 'DELETE' for zone in below)
            if not below or looks < (PATIENCE if going else PATIENCE_WITH_STAYING):
                return not below
            return f'{fault.message}: {", ".join(str(zone.get("name")) for zone in below)}'
        return Poll('dns', f'/zones?name=*.{name}', f'below-{self.id}', judge)


class RecordSet(Designate):
    """All records of one type under one name of a zone."""

    type = 'OS::Designate::RecordSet'
    plural = 'recordsets'
    again = 'records'
    identity = ('zone', 'name', 'type')
    support = Support(version='8.0.0')
    # A name that is made here is a single label.
    name_limit = 63

    class properties:
        name = String('Name; without a dot at its end it is one within the zone.', length=(None, 255))
        ttl = Integer('Seconds for which answers may be kept.', range=(1, LONGEST_TTL), update=IN_PLACE)
        description = String('Description.', length=(None, 160), update=IN_PLACE)
        type = String('Type of the records.', required=True, values=RECORD_TYPES)
        records = List('The records, in the form that their type has.', required=True, update=IN_PLACE)
        zone = String('The zone, by name or id.', required=True, is_a='designate.zone', wire=None)

    @property
    def zone_path(self) -> str:
        """By the id that the zone had when the recordset was made: a deletion looks no name up."""
        return f'/zones/{self.row.data.get("zone") or self.props["zone"]}'

    @property
    def path(self) -> str:  # type: ignore[override]
        return f'{self.zone_path}/recordsets'

    def create(self) -> Steps:
        if self.row.intent is None:
            yield self.keep(zone=self.props['zone'])
        return (yield from self.make('create'))

    def named(self) -> Steps:
        body = self.body(self.props)
        if not body['name'].endswith('.'):
            zone = yield Call('dns', 'GET', self.zone_path, label='zone')
            body['name'] = f'{body["name"]}.{zone["name"]}'
        return body

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        if 'zone' not in self.row.data:
            # It was made by another service, which kept the zone as the template names it.
            try:
                zone = yield Find('designate.zone', self.props['zone'])
            except EntityNotFound:
                return
            yield self.keep(zone=zone)
        try:
            yield self.remove()
        except CloudFault as fault:
            # Nothing is changed any more in a zone on its way out, and the recordset goes with it.
            zone = yield Call('dns', 'GET', self.zone_path, ok=(404,), label='zone')
            if fault.status != 400 or (zone is not None and zone.get('action') != 'DELETE'):
                raise
        yield self.until_gone()


TYPES = (Zone, RecordSet)
