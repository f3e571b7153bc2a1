"""Roles of users and groups in projects and domains.

Purpose: the property ``roles`` that four types have, and OS::Keystone::
UserRoleAssignment and GroupRoleAssignment, which are nothing else. Invariant: a
grant is the path by which it is given, looked at and taken away; those that a row has
given stand in its data. Neighbours: ``accounts``; ``journal.members`` does the work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from heat.model.op import Call, CloudFault, NeedsReplacement, Record, StepFailed
from heat.resources.base import Diff, Resource, Steps
from heat.resources.openstack.journal import members
from heat.schema import IN_PLACE, UNKNOWN, List, Map, Property, String, Support

GRANTS = 'grants'


def roles_property(description: str) -> Property:
    return List(description, wire=None, update=IN_PLACE, of=Map(
        role=String('The role.', required=True, is_a='keystone.role'),
        project=String('Project that it is for.', is_a='keystone.project'),
        domain=String('Domain that it is for.', is_a='keystone.domain')))


def role_faults(props: Mapping[str, Any]) -> Iterable[str]:
    roles = props.get('roles')
    for one in roles if isinstance(roles, list) else ():
        if not isinstance(one, Mapping):
            continue
        given = [name for name in ('project', 'domain') if one.get(name) is not None]
        if len(given) == 2:
            yield 'Cannot define the following properties at the same time: project, domain.'
        elif not given:
            role = 'that is not known yet' if one.get('role') is UNKNOWN else one.get('role')
            yield f'Either project or domain must be specified for role {role}.'


def grants(holder: str, holder_id: str | None, props: Mapping[str, Any]) -> list[str]:
    """Paths of the roles in ``props``, for the user or group (``holder`` is users or groups) of that id."""
    if holder_id is None:
        return []
    return [f'/projects/{one["project"]}/{holder}/{holder_id}/roles/{one["role"]}'
            if one.get('project') else f'/domains/{one["domain"]}/{holder}/{holder_id}/roles/{one["role"]}'
            for one in props.get('roles') or ()]


def grant(path: str) -> Call:
    return Call('identity', 'PUT', path, label=f'grant {path}')


def revoke(path: str) -> Call:
    # Gone with its role, its project or who had it.
    return Call('identity', 'DELETE', path, ok=(404,), label=f'revoke {path}')


def settle(plugin: Resource, wanted: list[str], old: list[str]) -> Steps:
    """Give and take away until exactly ``wanted`` is there by this row."""
    yield from members(plugin, GRANTS, wanted, old, grant, revoke)


def stands(path: str) -> Steps:
    """Whether the grant is there."""
    try:
        yield Call('identity', 'GET', path, label='look')
    except CloudFault as fault:
        if fault.status != 404:
            raise
        return False
    return True


class _Assignment(Resource):
    """Roles for a user or a group that is there already; its physical id is whose they are."""

    service = 'identity'
    support = Support(version='5.0.0')
    survives_failure = True
    observes = True
    # What its successor gives it must not take away again.
    releases = True
    whose: ClassVar[str] = ''

    class properties:
        roles = roles_property('The roles.')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        return role_faults(props)

    def _paths(self, props: Mapping[str, Any]) -> list[str]:
        return grants(f'{self.whose}s', props.get(self.whose), props)

    def create(self) -> Steps:
        yield Record(physical_id=self.props[self.whose])
        yield from settle(self, self._paths(self.props), [])

    def take_over(self) -> Steps:
        paths = self._paths(self.props)
        yield Record(physical_id=self.props[self.whose], data={GRANTS: {'sure': paths, 'ours': paths}})

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from settle(self, self._paths(new), self._paths(diff.old))
        yield Record(physical_id=new[self.whose])

    def release(self) -> Steps:
        for path in (self.row.data.get(GRANTS) or {}).get('ours', ()):
            yield revoke(path)

    def restore(self) -> Steps:
        for path in self._paths(self.props):
            yield grant(path)

    def delete(self) -> Steps:
        if not self.row.keep.get('released'):
            yield from self.release()

    def check(self) -> Steps:
        for path in self._paths(self.props):
            if not (yield from stands(path)):
                raise StepFailed(f'The {self.whose} {self.id} has no role {path.rpartition("/")[2]} in '
                                 f'{path.split("/")[1].removesuffix("s")} {path.split("/")[2]}.', 'NotFound')
        return {}

    def observe(self) -> Steps:
        path = f'/{self.whose}s/{self.id}'
        if (yield Call('identity', 'GET', path, ok=(404,), label='show')) is None:
            raise NeedsReplacement(f'{self.whose} {self.id} is gone')
        there, roles = [], self.props.get('roles') or []
        for one, grant_path in zip(roles, self._paths(self.props), strict=True):
            if (yield from stands(grant_path)):
                there.append(one)
        return {} if there == roles else {'roles': there}

    def read(self, names: tuple[Any, ...]) -> Steps:
        if 'show' not in names:
            return {}
        listed = yield Call('identity', 'GET', '/role_assignments', query={f'{self.whose}.id': self.id},
                            unwrap='role_assignments', label='show')
        return {'show': {'role_assignments': listed}}


class UserRoleAssignment(_Assignment):
    """Roles of a user in projects and domains."""

    type = 'OS::Keystone::UserRoleAssignment'
    whose = 'user'

    class properties:
        user = String('Who is given them.', required=True, is_a='keystone.user', update=IN_PLACE)


class GroupRoleAssignment(_Assignment):
    """Roles of the users of a group, in projects and domains."""

    type = 'OS::Keystone::GroupRoleAssignment'
    whose = 'group'

    class properties:
        group = String('Who is given them.', required=True, is_a='keystone.group', update=IN_PLACE)
