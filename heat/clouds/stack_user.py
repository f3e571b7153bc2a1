"""The users that servers and signals act as, in a domain of their own.

Purpose: make and remove the project of a stack and the users in it, with the
domain administrator's credential. Invariant: everything is found again by a name
or parent that is known beforehand, so each verb may be repeated after a crash:
a user that is already there gets a new password and is taken. Neighbours:
``op.UserCall`` names the verbs, ``performer`` runs them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

from heat.clouds import rest
from heat.clouds.credential import Credential
from heat.clouds.session import Connection, Sessions
from heat.model import op

# Keystone limits the names of users and projects.
USER_NAME_MAX, PROJECT_NAME_MAX = 64, 64


class Directory:
    """The stack-user domain, seen through one connection of its administrator."""

    def __init__(self, connection: Connection, role_name: str, request_id: str = '') -> None:
        self._connection = connection
        self._role_name = role_name
        self._request_id = request_id

    @property
    def domain_id(self) -> str:
        return str(self._connection.access().domain_id)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        unwrap: str | None = None,
        ok: tuple[int, ...] = (),
        **query: Any,
    ) -> Any:
        return rest.perform(
            self._connection,
            op.Call('identity', method, path, body=body, query=query, unwrap=unwrap, ok=ok),
            self._request_id,
        )

    def project(self, name: str) -> str:
        """Id of the project ``name`` of the domain, made if it is not there."""
        name = name[:PROJECT_NAME_MAX]
        found = self.call('GET', '/projects', unwrap='projects', name=name, domain_id=self.domain_id)
        if found:
            return str(found[0]['id'])
        body = {
            'project': {
                'name': name,
                'domain_id': self.domain_id,
                'description': 'Users of a Heat stack',
                'enabled': True,
            }
        }
        made = self.call('POST', '/projects', body, 'project', ok=(409,))
        if made is None:
            # Another resource of the stack was quicker.
            made = self.call('GET', '/projects', unwrap='projects', name=name, domain_id=self.domain_id)[0]
        return str(made['id'])

    def check_inside(self, kind: str, item_id: str) -> bool:
        """False if the user or project is gone; CloudFault if it belongs to another domain."""
        # The administrator may be mighty elsewhere too; a mistaken id must not hit a person.
        found = self.call('GET', f'/{kind}s/{item_id}', unwrap=kind, ok=(404,))
        if found is None:
            return False
        if found.get('domain_id') != self.domain_id:
            raise op.CloudFault(
                403,
                f'The {kind} {item_id} is not in the domain of stack users.',
                'identity',
                kind='Forbidden',
            )
        return True

    def role(self) -> str:
        """Id of heat_stack_user_role; CloudFault if there is no such role."""
        found = self.call('GET', '/roles', unwrap='roles', name=self._role_name)
        if not found:
            raise op.CloudFault(404, f'There is no role {self._role_name}.', 'identity', kind='NotFound')
        return str(found[0]['id'])

    def user(self, name: str, password: str, project_id: str) -> str:
        """Id of the enabled user ``name`` with this password and the role in the project."""
        name = name[-USER_NAME_MAX:]
        found = self.call('GET', '/users', unwrap='users', name=name, domain_id=self.domain_id)
        values = {'password': password, 'enabled': True, 'default_project_id': project_id}
        if found:
            user_id = str(found[0]['id'])
            self.call('PATCH', f'/users/{user_id}', {'user': values})
        else:
            body = {'user': {**values, 'name': name, 'domain_id': self.domain_id}}
            user_id = str(self.call('POST', '/users', body, 'user')['id'])
        self.call('PUT', f'/projects/{project_id}/users/{user_id}/roles/{self.role()}')
        return user_id

    def user_in(self, name: str, project_id: str) -> str | None:
        """Id of the user ``name`` if it was made for this project; others are nobody's business."""
        name = name[-USER_NAME_MAX:]
        found = self.call('GET', '/users', unwrap='users', name=name, domain_id=self.domain_id)
        return next((str(one['id']) for one in found if one.get('default_project_id') == project_id), None)

    def keypairs(self, user_id: str) -> list[dict[str, Any]]:
        """The user's EC2 keys as {'id', 'access', 'secret'}, in order of id."""
        found = self.call('GET', '/credentials', unwrap='credentials', user_id=user_id, type='ec2')
        return sorted(
            ({'id': item['id'], **json.loads(item['blob'])} for item in found),
            key=lambda item: str(item['id']),
        )


def _create_project(directory: Directory, args: dict[str, Any]) -> dict[str, Any]:
    return {'project_id': directory.project(args['project_name'])}


def _create_user(directory: Directory, args: dict[str, Any]) -> dict[str, Any]:
    project_id = args.get('project_id') or directory.project(args['project_name'])
    password = args.get('password') or secrets.token_urlsafe(24)
    try:
        user_id = directory.user(args['name'], password, project_id)
    except op.CloudFault as fault:
        name = args.get('project_name')
        if fault.status != 404 or not name or directory.check_inside('project', project_id):
            raise
        # Somebody has deleted the stack's project; it is made again for those who come.
        project_id = directory.project(name)
        user_id = directory.user(args['name'], password, project_id)
    return {'user_id': user_id, 'password': password, 'project_id': project_id}


def _user_of(directory: Directory, args: dict[str, Any]) -> str | None:
    """The id in ``args``, or that of the user with the name there, who must live in the project."""
    if args.get('user_id'):
        return str(args['user_id'])
    return directory.user_in(args['user_name'], args['project_id'])


def _create_keypair(directory: Directory, args: dict[str, Any]) -> dict[str, Any]:
    user_id = _user_of(directory, args)
    if user_id is None:
        raise op.CloudFault(
            404, f'There is no user {args["user_name"]} in this stack.', 'identity', kind='NotFound'
        )
    wanted = args.get('access')
    for item in directory.keypairs(user_id):
        if wanted in (None, item['access']):
            return {'credential_id': item['id'], 'access': item['access'], 'secret': item['secret']}
    blob = {
        'access': wanted or secrets.token_hex(16),
        'secret': args.get('secret') or secrets.token_hex(16),
    }
    body = {'type': 'ec2', 'user_id': user_id, 'project_id': args['project_id'], 'blob': json.dumps(blob)}
    made = directory.call('POST', '/credentials', {'credential': body}, 'credential')
    return {'credential_id': made['id'], **blob}


def _delete_keypair(directory: Directory, args: dict[str, Any]) -> dict[str, Any]:
    gone: list[str] = []
    user_id = _user_of(directory, args)
    if user_id is None:
        return {'deleted': gone}
    for item in directory.keypairs(user_id):
        if args.get('credential_id') in (None, item['id']) and args.get('access') in (None, item['access']):
            directory.call('DELETE', f'/credentials/{item["id"]}', ok=(404,))
            gone.append(item['id'])
    return {'deleted': gone}


def _delete_user(directory: Directory, args: dict[str, Any]) -> dict[str, Any]:
    if directory.check_inside('user', args['user_id']):
        directory.call('DELETE', f'/users/{args["user_id"]}', ok=(404,))
    return {}


def _enable(enabled: bool) -> Callable[[Directory, dict[str, Any]], dict[str, Any]]:
    def change(directory: Directory, args: dict[str, Any]) -> dict[str, Any]:
        if not directory.check_inside('user', args['user_id']):
            raise op.CloudFault(
                404, f'The user {args["user_id"]} could not be found.', 'identity', kind='NotFound'
            )
        directory.call('PATCH', f'/users/{args["user_id"]}', {'user': {'enabled': enabled}})
        return {}

    return change


def _delete_project(directory: Directory, args: dict[str, Any]) -> dict[str, Any]:
    if directory.check_inside('project', args['project_id']):
        directory.call('DELETE', f'/projects/{args["project_id"]}', ok=(404,))
    return {}


_VERBS: dict[str, Callable[[Directory, dict[str, Any]], dict[str, Any]]] = {
    'create_project': _create_project,
    'create_user': _create_user,
    'create_keypair': _create_keypair,
    'delete_keypair': _delete_keypair,
    'delete_user': _delete_user,
    'suspend_user': _enable(False),
    'resume_user': _enable(True),
    'delete_project': _delete_project,
}


def perform_user(sessions: Sessions, call: op.UserCall, request_id: str = '') -> dict[str, Any]:
    """Carry out one verb; every verb may be repeated.

    ``create_project`` {project_name} -> {project_id}; ``create_user`` {name,
    project_id or project_name, [password]} -> {user_id, password, project_id}, with
    both in the project of that name where the one of that id is gone;
    ``create_keypair`` {user_id or user_name, project_id, [access, secret]} ->
    {credential_id, access, secret}, any pair of the user's if none is given;
    ``delete_keypair`` {user_id or user_name with project_id, [credential_id],
    [access]} -> {deleted};
    ``delete_user suspend_user resume_user`` {user_id} -> {}; ``delete_project``
    {project_id} -> {}; ``token`` {user_id, password, project_id} -> {token,
    expires_at (ISO 8601), auth_url}.

    Raises NotConfigured when heat.conf names no domain or administrator,
    CloudFault when keystone refuses.
    """
    args = call.args
    if call.verb == 'token':
        user = sessions.for_credential(
            Credential.of_stack_user(args['user_id'], args['password'], args['project_id'])
        )
        access = user.access()
        expires = access.expires
        return {
            'token': access.auth_token,
            'expires_at': expires.isoformat() if expires else None,
            'auth_url': sessions.plugins.auth_url(),
        }
    verb = _VERBS.get(call.verb)
    if verb is None:
        raise op.CloudFault(400, f'There is no user action {call.verb}.', 'identity', kind='NotSupported')
    admin = sessions.for_credential(Credential.of_domain_admin())
    return verb(Directory(admin, sessions.conf.heat_stack_user_role, request_id), args)
