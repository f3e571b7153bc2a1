"""How much of the network service a project may use.

Purpose: OS::Neutron::Quota. Invariant: a limit that is no longer named, and all
of them at the end, go back to what projects have by default. Neighbours: ``rest``.
"""

from __future__ import annotations

from typing import Any

from heat.model.op import Call, CloudFault, Record
from heat.resources.base import Diff, Steps
from heat.resources.openstack.neutron.rest import Neutron
from heat.schema import IN_PLACE, Integer, Property, String, Support, at_least_one

LIMITS = ('subnet', 'network', 'floatingip', 'security_group_rule', 'security_group', 'router', 'port',
          'subnetpool', 'rbac_policy')
LATER = {'subnetpool': Support(version='12.0.0'), 'rbac_policy': Support(version='12.0.0')}


def _limits() -> dict[str, Property]:
    return {name: Integer(f'How many of kind {name}; -1 for any number.', range=(-1, None), update=IN_PLACE,
                          support=LATER.get(name, Support())) for name in LIMITS}


class Quota(Neutron):
    """The limits of a project; for administrators. Its id is the project's."""

    type = 'OS::Neutron::Quota'
    support = Support(version='8.0.0')
    extension = 'quotas'
    path, key = '/quotas', 'quota'
    name_key = None

    class properties:
        project = String('The project.', required=True, is_a='keystone.project', wire=None)
        extra = _limits()
        rule = at_least_one(*LIMITS)

    def create(self) -> Steps:
        # Known with the intent, so that a deletion after a crash, which looks no names up, takes away
        # what may have been set.
        project = self.row.data.get('asked') or self.props['project']
        yield self.keep(asked=project)
        try:
            answer = yield Call('network', 'PUT', f'{self.path}/{project}', {'quota': self.body(self.props)},
                                unwrap='quota', label='create')
        except CloudFault:
            yield self.keep(asked=None)
            raise
        yield Record(physical_id=project)
        return answer

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        changes = self.changes(diff)
        if any(value is None for value in changes.values()):
            usual = yield Call('network', 'GET', self.url('/default'), unwrap='quota', label='defaults')
            changes = {name: usual[name] if value is None else value for name, value in changes.items()}
        if changes:
            yield self.put(changes)

    def delete(self) -> Steps:
        project = self.row.physical_id or self.row.data.get('asked')
        if project is not None:
            yield Call('network', 'DELETE', f'{self.path}/{project}', ok=(404,), label='delete')
