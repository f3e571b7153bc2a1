"""Domains, projects and roles.

Purpose: OS::Keystone::Domain, Project and Role. Invariant: a domain is switched
off before it is deleted, since the identity service keeps one that is on; its users,
groups and projects go with it. Neighbours: ``rest`` has the common verbs.
"""

from __future__ import annotations

from typing import Any, ClassVar

from heat.model.op import Call, CloudFault
from heat.resources.base import Steps
from heat.resources.openstack.keystone.rest import Keystone, domain
from heat.schema import IN_PLACE, Attr, Boolean, List, String, Support

SINCE_QUEENS = Support(version='10.0.0')


class Domain(Keystone):
    """A domain: users, groups and projects with names of their own."""

    type = 'OS::Keystone::Domain'
    support = Support(version='8.0.0')
    path, key = '/domains', 'domain'

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        enabled = Boolean('Whether its users may log in.', default=True, update=IN_PLACE)

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        yield Call('identity', 'PATCH', self.url(), self.wrap({'enabled': False}), ok=(404,),
                   label='switch off')
        yield self.remove()


class Project(Keystone):
    """A project, which owns what its users make."""

    type = 'OS::Keystone::Project'
    support = Support(version='2015.1')
    path, key = '/projects', 'project'

    class properties:
        name = String('Name.', update=IN_PLACE)
        domain = domain()
        description = String('Description.', default='', update=IN_PLACE)
        enabled = Boolean('Whether it can be worked in.', default=True, update=IN_PLACE)
        parent = String('Project or domain above it.', is_a='keystone.project', wire='parent_id',
                        support=Support(version='6.0.0'))
        tags = List('Tags.', default=[], update=IN_PLACE, support=SINCE_QUEENS)

    class attributes:
        extra: ClassVar[dict[str, Any]] = {
            'name': Attr('Name.', 'String', support=SINCE_QUEENS),
            'parent_id': Attr('Project or domain above it.', 'String', support=SINCE_QUEENS),
            'domain_id': Attr('Domain it belongs to.', 'String', support=SINCE_QUEENS),
            'enabled': Attr('Whether it can be worked in.', 'Boolean', support=SINCE_QUEENS),
            'is_domain': Attr('Whether it acts as a domain.', 'Boolean', support=SINCE_QUEENS)}

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        yield self.remove()
        # The network service gives each project that looks there a group, and keeps it for ever.
        try:
            groups = yield Call('network', 'GET', '/security-groups', query={
                'project_id': self.id, 'name': 'default', 'fields': 'id'}, unwrap='security_groups',
                label='look')
        except CloudFault as fault:
            if fault.kind != 'EndpointNotFound':
                raise
            return
        for group in groups:
            yield Call('network', 'DELETE', f'/security-groups/{group["id"]}', ok=(404,),
                       label='delete default group')


class Role(Keystone):
    """A role: what users may be allowed by, where they have it."""

    type = 'OS::Keystone::Role'
    support = Support(version='2015.1')
    path, key = '/roles', 'role'

    class properties:
        name = String('Name.', update=IN_PLACE)
        domain = String('Domain whose role it is; without one it is everybody\'s.', is_a='keystone.domain',
                        wire='domain_id', support=Support(version='16.0.0'))
