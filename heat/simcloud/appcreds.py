"""Application credentials of identity v3: made by users for their programs, which log in with them.

Purpose: create, list, show, delete, and the tokens they give. Invariant: one is of
one project and of roles held there, and its tokens die with it; they make no trusts
and, unless unrestricted, no other application credentials. Neighbours: ``tokens``
issues, ``identity`` mounts these routes.
"""

from __future__ import annotations

from typing import Any

from heat.common import ids
from heat.simcloud import directory, tokens
from heat.simcloud.routing import Call, Fault, Reply, Row

PATH = '/v3/users/{user}/application_credentials'
KEYS = {'name', 'secret', 'description', 'roles', 'unrestricted'}


def refuse(call: Call, what: str, unrestricted_may: bool = False) -> None:
    """Fault 403 for a token that came from an application credential."""
    kept = call.inv.application_credentials.get(call.token.get('application_credential_id'))
    if kept is not None and not (unrestricted_may and kept['unrestricted']):
        raise Fault(403, "You are not authorized to perform the requested action: Using method "
                         f"'application_credential' is not allowed for managing {what}.")


def shown(call: Call, row: Row, **more: Any) -> Row:
    path = f'users/{row["user_id"]}/application_credentials'
    return {**directory.shown(call, path, row), **more}


def mine(call: Call) -> list[Row]:
    directory.authorize(call, itself=call.args['user'] == call.user)
    return call.inv.application_credentials.where('user_id', call.args['user'])


def one(call: Call) -> Row:
    for row in mine(call):
        if row['id'] == call.args['id']:
            return row
    raise Fault(404, f'Could not find Application Credential: {call.args["id"]}.')


def create(call: Call) -> Reply:
    refuse(call, 'application credentials', unrestricted_may=True)
    wanted = call.json('application_credential')
    if call.args['user'] != call.user or not call.project:
        raise Fault(403, 'You are not authorized to perform the requested action: '
                         'identity:create_application_credential.')
    unknown = set(wanted) - KEYS
    if unknown:
        raise Fault(400, f'{", ".join(sorted(unknown))}: not supported by this cloud')
    name = wanted.get('name')
    if not name or not isinstance(name, str):
        raise Fault(400, "'name' is a required property")
    if any(row['name'] == name for row in mine(call)):
        raise Fault(409, 'Duplicate entry found with name ' + name)
    held = [role for role in tokens.roles_on(call, call.user, call.project)
            if role['name'] in call.token['roles']]
    roles = [role for role in held if wanted.get('roles') is None or any(
        wish in ({'id': role['id']}, {'name': role['name']}) for wish in wanted['roles'])]
    if not roles or len(roles) < len(wanted.get('roles') or ()):
        raise Fault(400, 'Invalid application credential: Could not find role assignment.')
    secret, row_id = wanted.get('secret') or ids.new_id(), ids.new_id().replace('-', '')
    row = call.inv.application_credentials.put({
        'id': row_id, 'name': name, 'description': wanted.get('description'), 'user_id': call.user,
        'project_id': call.project, 'roles': [{'id': role['id'], 'name': role['name']} for role in roles],
        'unrestricted': bool(wanted.get('unrestricted')), 'expires_at': None,
        '_secret': tokens.digest(row_id, secret)})
    return Reply(201, {'application_credential': shown(call, row, secret=secret)})


def listed(call: Call) -> Reply:
    rows = [row for row in mine(call) if row['name'] == call.query.get('name', row['name'])]
    return Reply(200, {'application_credentials': [shown(call, row) for row in rows],
                       'links': {'self': call.request.url, 'previous': None, 'next': None}})


def get(call: Call) -> Reply:
    return Reply(200, {'application_credential': shown(call, one(call))})


def delete(call: Call) -> Reply:
    refuse(call, 'application credentials', unrestricted_may=True)
    call.inv.application_credentials.drop(one(call)['id'])
    return Reply(204)


ROUTES = [('POST', PATH, create), ('GET', PATH, listed), ('GET', f'{PATH}/{{id}}', get),
          ('DELETE', f'{PATH}/{{id}}', delete)]
