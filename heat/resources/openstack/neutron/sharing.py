"""Who else may use a thing of the network service.

Purpose: OS::Neutron::RBACPolicy. Invariant: one project may do one thing with
an object once; the service refuses it a second time. Neighbours: ``rest``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.resources.openstack.neutron.part import Nameless
from heat.schema import IN_PLACE, String, Support

SHARED = ['network', 'qos_policy', 'security_group', 'address_scope', 'subnetpool']


class RBACPolicy(Nameless):
    """Leave for another project to use an object."""

    type = 'OS::Neutron::RBACPolicy'
    support = Support(version='6.0.0')
    extension = 'rbac-policies'
    path, key, plural = '/rbac-policies', 'rbac_policy', 'rbac_policies'

    class properties:
        object_type = String('Kind of object.', required=True, values=SHARED)
        target_tenant = String('Project that may use it; * for all.', required=True, update=IN_PLACE)
        action = String('What it may do with it.', required=True,
                        values=['access_as_shared', 'access_as_external'])
        object_id = String('Id or name of the object.', required=True, find='neutron.{object_type}')
        tenant_id = String('Project that owns it; only administrators may name another.')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        kind = props.get('object_type')
        if props.get('action') == 'access_as_external' and kind in SHARED and kind != 'network':
            yield f'Only a network can be used with action access_as_external, and not a {kind}.'
