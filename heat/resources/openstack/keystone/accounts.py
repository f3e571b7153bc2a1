"""Users and groups.

Purpose: OS::Keystone::User and OS::Keystone::Group. Invariant: a password goes to
the identity service and is told by nobody again. Neighbours: ``grants`` has
their roles, ``rest`` the common verbs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from heat.model.op import Call
from heat.resources.base import Diff, Steps
from heat.resources.openstack.journal import members
from heat.resources.openstack.keystone.grants import grants, role_faults, roles_property, settle
from heat.resources.openstack.keystone.rest import Keystone, domain
from heat.schema import IN_PLACE, Attr, Boolean, List, String, Support

SINCE_PIKE = Support(version='9.0.0')


class _Account(Keystone):
    """Who can be given roles."""

    support = Support(version='2015.1')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        return role_faults(props)

    def furnish(self, answer: dict[str, Any]) -> Steps:
        yield from settle(self, self._grants(self.props), [])
        return answer

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from super().update(new, diff)
        yield from settle(self, self._grants(new), self._grants(diff.old))

    def _grants(self, props: Mapping[str, Any]) -> list[str]:
        return grants(f'{self.key}s', self.id, props)


class Group(_Account):
    """A group of users."""

    type = 'OS::Keystone::Group'
    path, key = '/groups', 'group'

    class properties:
        name = String('Name.', update=IN_PLACE)
        domain = domain()
        description = String('Description.', default='', update=IN_PLACE)
        roles = roles_property('Roles of its users.')


class User(_Account):
    """A user."""

    type = 'OS::Keystone::User'
    path, key = '/users', 'user'

    class properties:
        name = String('Name.', update=IN_PLACE)
        default_project = String('Project that it works in unless it names one.', is_a='keystone.project',
                                 wire='default_project_id', update=IN_PLACE)
        email = String('Address for mail.', update=IN_PLACE)
        domain = domain()
        password = String('Password.', update=IN_PLACE, secret=True)
        enabled = Boolean('Whether it may log in.', default=True, update=IN_PLACE)
        description = String('Description.', default='', update=IN_PLACE)
        groups = List('Groups that it belongs to.', wire=None, update=IN_PLACE,
                      of=String(is_a='keystone.group'))
        roles = roles_property('Its roles.')

    class attributes:
        extra: ClassVar[dict[str, Any]] = {
            'name': Attr('Name.', 'String', support=SINCE_PIKE),
            'default_project_id': Attr('Project that it works in by default.', 'String', support=SINCE_PIKE),
            'domain_id': Attr('Domain it belongs to.', 'String', support=SINCE_PIKE),
            'enabled': Attr('Whether it may log in.', 'Boolean', support=SINCE_PIKE),
            'password_expires_at': Attr('When its password expires, null for never.', 'String',
                                        support=SINCE_PIKE)}

    def furnish(self, answer: dict[str, Any]) -> Steps:
        yield from self._belong(self.props.get('groups'), [])
        return (yield from super().furnish(answer))

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from super().update(new, diff)
        yield from self._belong(new.get('groups'), diff.old.get('groups'))

    def _belong(self, wanted: list[str] | None, old: list[str] | None) -> Steps:
        def path(group: str) -> str:
            return f'/groups/{group}/users/{self.id}'
        yield from members(self, 'groups', wanted or (), old or (),
                           lambda group: Call('identity', 'PUT', path(group), label=f'join {group}'),
                           lambda group: Call('identity', 'DELETE', path(group), ok=(404,),
                                              label=f'leave {group}'))
