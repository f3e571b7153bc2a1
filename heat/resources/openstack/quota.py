"""What a project may use of compute and of volumes.

Purpose: OS::Nova::Quota and OS::Cinder::Quota. Invariant: the physical id is the
project's; what the template no longer limits has the service's default again, and
so has everything once the resource is gone. Neighbours: ``rest`` has the common verbs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from heat import schema
from heat.model.op import Call, Record, StepFailed
from heat.resources.base import Diff, Steps
from heat.resources.rest import Rest
from heat.schema import IN_PLACE, Integer, Property, String, Support, at_least_one, deprecated

# The last version of compute's interface that knows all that can be limited.
ALL_LIMITS = '2.35'


def limit(description: str, **options: Any) -> Property:
    return Integer(f'{description}; -1 for any number.', range=(-1, None), update=IN_PLACE, **options)


def project() -> Property:
    return String('The project.', required=True, is_a='keystone.project', wire=None)


class _Quota(Rest):
    """Limits of a project."""

    path, key = '/os-quota-sets', 'quota_set'
    survives_failure = True
    name_key = None

    def create(self) -> Steps:
        yield Record(physical_id=self.props['project'])
        return (yield from self._limit(self.props))

    def take_over(self) -> Steps:
        yield Record(physical_id=self.props['project'])

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        if any(value is None for value in self.changes(diff).values()):
            # There is no default for one limit alone.
            yield self.remove('back to defaults')
        yield from self._limit(new)

    def _limit(self, props: Mapping[str, Any]) -> Steps:
        wanted = schema.wire(self.schema.properties, props)
        yield from self.admit(wanted)
        return (yield self.put(wanted))

    def admit(self, wanted: dict[str, Any]) -> Steps:
        """Fail if ``wanted`` is less than what is in use, where the service does not look itself."""
        yield from ()


class NovaQuota(_Quota):
    """How much of compute a project may use."""

    type = 'OS::Nova::Quota'
    support = Support(version='8.0.0')
    service = 'compute'
    headers: ClassVar[dict[str, str]] = {'X-OpenStack-Nova-API-Version': ALL_LIMITS}

    class properties:
        project = project()
        cores = limit('Processors')
        fixed_ips = limit('Fixed addresses')
        floating_ips = limit('Floating IPs')
        injected_file_content_bytes = limit('Bytes in an injected file', support=deprecated('14.0.0'))
        injected_file_path_bytes = limit('Bytes in the path of an injected file',
                                         support=deprecated('14.0.0'))
        injected_files = limit('Injected files', support=deprecated('14.0.0'))
        instances = limit('Servers')
        key_pairs = limit('Key pairs')
        metadata_items = limit('Items of metadata of a server')
        ram = limit('Memory in MB')
        security_groups = limit('Security groups')
        security_group_rules = limit('Rules of security groups')
        server_groups = limit('Server groups')
        server_group_members = limit('Servers of a server group')
        enough = at_least_one(
            'cores', 'fixed_ips', 'floating_ips', 'injected_file_content_bytes', 'injected_file_path_bytes',
            'injected_files', 'instances', 'key_pairs', 'metadata_items', 'ram', 'security_groups',
            'security_group_rules', 'server_groups', 'server_group_members')

    def get(self) -> Call:
        return replace(super().get(), headers=self.headers)

    def put(self, changes: dict[str, Any], label: str = 'update') -> Call:
        return replace(super().put(changes, label), headers=self.headers)

    def observe(self) -> Steps:
        return self.differences((yield self.get()))


class CinderQuota(_Quota):
    """How much of block storage a project may use."""

    type = 'OS::Cinder::Quota'
    extension = 'os-quota-sets'
    support = Support(version='7.0.0')
    service = 'volumev3'

    class properties:
        project = project()
        gigabytes = limit('Gigabytes of volumes')
        volumes = limit('Volumes')
        snapshots = limit('Snapshots')
        backups = limit('Backups', support=Support(version='16.0.0'))
        backup_gigabytes = limit('Gigabytes of backups', support=Support(version='16.0.0'))
        enough = at_least_one('gigabytes', 'volumes', 'snapshots', 'backups', 'backup_gigabytes')

    def admit(self, wanted: dict[str, Any]) -> Steps:
        now = yield Call('volumev3', 'GET', self.url(), query={'usage': 'True'}, unwrap='quota_set',
                         label='usage')
        for name, value in wanted.items():
            used = (now.get(name) or {}).get('in_use') or 0
            if 0 <= value < used:
                raise StepFailed(f'Invalid quota {name} value(s): {value}. Can not be less than the current '
                                 f'usage value(s): {used}.', 'StackValidationFailed')
