"""Reservations of hosts and of places on them.

Purpose: OS::Blazar::Host and OS::Blazar::Lease. Invariant: neither is changed in place; a host is
found again by its name, of which there is one. Neighbours: ``rest`` has the common verbs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import Adopt, Call, CloudFault, StepFailed
from heat.resources.base import Resource, Steps
from heat.resources.openstack.journal import made_since
from heat.resources.openstack.metadata import text_values
from heat.resources.openstack.signal_address import told
from heat.resources.rest import NamedOnce, Rest
from heat.schema import UNKNOWN, Attr, Boolean, Integer, List, Map, String, Support

SINCE = Support(version='12.0.0')
MOST = 2147483647
DATE = r'\d{4}-\d{2}-\d{2}\s\d{2}:\d{2}'
HOSTS = 'physical:host'
SERVERS = 'virtual:instance'
# What a reservation of each kind must say, and what it may.
MUST = {HOSTS: ('min', 'max'), SERVERS: ('vcpus', 'memory_mb', 'disk_gb', 'amount')}
MAY = {HOSTS: ('hypervisor_properties', 'resource_properties', 'before_end'),
       SERVERS: ('affinity', 'resource_properties')}
# What the service wants to be told also where any host will do.
ANY = {HOSTS: {'hypervisor_properties': '', 'resource_properties': ''}, SERVERS: {'resource_properties': ''}}
# What the service says of every host; the rest is what somebody said more.
KNOWN = frozenset((
    'id', 'name', 'hypervisor_hostname', 'hypervisor_type', 'hypervisor_version', 'vcpus', 'cpu_info',
    'memory_mb', 'local_gb', 'status', 'trust_id', 'service_name', 'reservable', 'disabled',
    'availability_zone', 'created_at', 'updated_at'))


class Blazar(Rest):
    """A row of a collection of the reservation service."""

    service = 'reservation'
    support = SINCE

    def create(self) -> Steps:
        try:
            return (yield from super().create())
        except CloudFault as fault:
            # A trust that Keystone refuses it is an unexpected error to this service.
            raise (told(fault, f'each {self.key}') if fault.status == 500 else fault) from fault

    def check(self) -> Steps:
        return (yield self.get())


class Host(NamedOnce, Blazar):
    """A host that can be reserved."""

    type = 'OS::Blazar::Host'
    path, key = '/os-hosts', 'host'

    class properties:
        name = String('Name of the hypervisor.', required=True)
        extra_capability = Map('What more is to be known of it.', wire=None)

    class attributes:
        hypervisor_hostname = Attr('Name of the hypervisor.', 'String')
        hypervisor_type = Attr('Kind of hypervisor.', 'String')
        hypervisor_version = Attr('Version of the hypervisor.', 'Integer')
        vcpus = Attr('How many processors.', 'Integer')
        cpu_info = Attr('What its processors are.', 'Map', get=lambda body: _parsed(body['cpu_info']))
        memory_mb = Attr('Memory in MB.', 'Integer')
        local_gb = Attr('Disk in GB.', 'Integer')
        status = Attr('Current status.', 'String')
        trust_id = Attr('Trust that the service acts by.', 'String')
        service_name = Attr('Name of the compute service.', 'String')
        reservable = Attr('Whether it can be reserved.', 'Boolean')
        extra_capability = Attr('What more is known of it.', 'Map', get=lambda body: {
            name: value for name, value in body.items() if name not in KNOWN})
        created_at = Attr('When it was made known.', 'String')
        updated_at = Attr('When it was changed.', 'String')

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        return {**text_values(props.get('extra_capability') or {}), **super().body(props)}

    def post(self, body: dict[str, Any], label: str = 'create') -> Call:
        # The service takes it without a wrapping.
        return Call(self.service, 'POST', self.path, body, unwrap=self.key, identify='id', label=label,
                    adopt=Adopt(self.path, 'hosts',
                                lambda found: found.get('hypervisor_hostname') == body['name']))


class Lease(Blazar):
    """A time for which hosts, or places on them, are reserved."""

    type = 'OS::Blazar::Lease'
    path, key = '/leases', 'lease'

    class properties:
        name = String('Name.', required=True)
        start_date = String('When it begins (UTC), as in 2030-01-31 23:59.', required=True, pattern=DATE)
        end_date = String('When it ends (UTC).', required=True, pattern=DATE)
        before_end_date = String('When what is done before its end is done.', pattern=DATE)
        reservations = List('What is reserved.', required=True, of=Map(keys={
            'resource_type': String('What is reserved.', required=True,
                                    values=[SERVERS, HOSTS]),
            'min': Integer('At least so many hosts.', range=(1, None)),
            'max': Integer('At most so many hosts.', range=(1, None)),
            'hypervisor_properties': String('Which hypervisors.'),
            'resource_properties': String('What they must have.'),
            'before_end': String('What is done before its end.', values=['default', 'snapshot'],
                                 default='default'),
            'amount': Integer('How many servers.', range=(0, MOST)),
            'vcpus': Integer('Processors of a server.', range=(0, MOST)),
            'memory_mb': Integer('Memory of a server in MB.', range=(0, MOST)),
            'disk_gb': Integer('Disk of a server in GB.', range=(0, MOST)),
            'affinity': Boolean('Whether servers share a host.', default=False)}))
        events = List('What is to happen.', default=[], of=Map(keys={
            'event_type': String('What.', required=True), 'time': String('When.', required=True)}))

    class attributes:
        name = Attr('Name.', 'String')
        start_date = Attr('When it begins.', 'String')
        end_date = Attr('When it ends.', 'String')
        created_at = Attr('When it was made.', 'String')
        updated_at = Attr('When it was changed.', 'String')
        status = Attr('Current status.', 'String')
        user_id = Attr('User who owns it.', 'String')
        project_id = Attr('Project that owns it.', 'String')
        trust_id = Attr('Trust that the service acts by.', 'String')
        reservations = Attr('What is reserved.', 'List')
        events = Attr('What is to happen.', 'List')
        degraded = Attr('Whether less is reserved than was asked for.', 'Boolean')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        wanted = props.get('reservations')
        for one in wanted if isinstance(wanted, list) else ():
            kind = one.get('resource_type') if isinstance(one, Mapping) else UNKNOWN
            if kind not in MUST:
                continue
            for name in MUST[kind]:
                if one.get(name) is None:
                    yield f'A reservation of {kind} must have "{name}".'
            others = {name for each in MUST for name in (*MUST[each], *MAY[each])} - {*MUST[kind], *MAY[kind]}
            for name in sorted(others - {'before_end', 'affinity'}):
                if one.get(name) is not None:
                    yield f'A reservation of {kind} has no "{name}".'

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        body = super().body(props)
        body['reservations'] = [
            {'resource_type': one['resource_type'], **ANY[one['resource_type']], **{
                name: one[name] for name in (*MUST[one['resource_type']], *MAY[one['resource_type']])
                if one.get(name) is not None}} for one in props['reservations']]
        return body

    def post(self, body: dict[str, Any], label: str = 'create') -> Call:
        name, recent = body['name'], made_since(self, 'created_at')
        return Call(self.service, 'POST', self.path, body, unwrap=self.key, identify='id', label=label,
                    adopt=Adopt(self.path, 'leases',
                                lambda found: found.get('name') == name and recent(found)))

    def check(self) -> Steps:
        body = yield self.get()
        if body.get('status') == 'ERROR':
            raise StepFailed(f'Lease {self.id} is in status ERROR.', 'ResourceInError')
        return body


def _parsed(text: Any) -> Any:
    """What the service hands on as the hypervisor said it: a text in JSON, or anything else."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


BLAZAR: tuple[type[Resource], ...] = (Host, Lease)
