"""The directory of identity v3: domains, projects, users, roles, assignments, credentials.

Purpose: CRUD for who there is and who may do what. Invariant: only admins
change it, except that users change their own password and keys; deleting a
user or project takes assignments, tokens, trusts and credentials along.
Neighbours: ``identity`` mounts these routes, ``tokens`` reads the tables.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from heat.common import ids
from heat.simcloud import tokens
from heat.simcloud.inventory import Inventory
from heat.simcloud.routing import Call, Fault, Reply, Row

NOUNS = {'domains': 'domain', 'projects': 'project', 'users': 'user', 'roles': 'role'}
FIELDS: dict[str, dict[str, Any]] = {
    'domains': {'name': None, 'description': '', 'enabled': True, 'options': {}, 'tags': []},
    'projects': {
        'name': None,
        'description': '',
        'enabled': True,
        'domain_id': 'default',
        'parent_id': None,
        'is_domain': False,
        'options': {},
        'tags': [],
    },
    'users': {
        'name': None,
        'description': '',
        'enabled': True,
        'domain_id': 'default',
        'email': None,
        'default_project_id': None,
        'options': {},
        'password_expires_at': None,
    },
    'roles': {'name': None, 'description': '', 'domain_id': None, 'options': {}},
}


def shown(call: Call, path: str, row: Row) -> Row:
    body = {key: value for key, value in row.items() if not key.startswith('_')}
    body['links'] = {'self': call.url(f'/v3/{path}/{row["id"]}')}
    return body


def collection(call: Call, path: str, rows: Iterable[Row], key: str = '') -> Reply:
    return Reply(
        200,
        {
            key or path: [shown(call, path, row) for row in rows],
            'links': {'self': call.request.url, 'previous': None, 'next': None},
        },
    )


def authorize(call: Call, itself: bool = False) -> None:
    if not call.admin and not itself:
        raise Fault(403, 'You are not authorized to perform the requested action.')


def found(call: Call, kind: str, key: str = 'id') -> Row:
    row = call.inv.tables[kind].get(call.args[key])
    if row is None:
        raise Fault(404, f'Could not find {NOUNS.get(kind, kind)}: {call.args[key]}.')
    return row


def make(inv: Inventory, kind: str, wanted: Row) -> Row:
    """Put a new row of ``kind``; Fault 400 or 409. Also what plants the first ones."""
    fields = FIELDS[kind]
    name = wanted.get('name')
    if not name or not isinstance(name, str):
        raise Fault(400, "'name' is a required property")
    unknown = set(wanted) - set(fields) - {'password', 'id'}
    if unknown:
        raise Fault(
            400, f'Additional properties are not allowed ({", ".join(sorted(unknown))} was unexpected)'
        )
    row = {key: wanted.get(key, default) for key, default in fields.items()}
    domain_id = row.get('domain_id')
    if domain_id is not None and inv.domains.get(domain_id) is None:
        raise Fault(404, f'Could not find domain: {domain_id}.')
    if kind == 'projects' and row['parent_id'] is None:
        row['parent_id'] = domain_id
    if any(other.get('domain_id') == domain_id for other in inv.tables[kind].where('name', name)):
        raise Fault(
            409,
            f'Conflict occurred attempting to store {NOUNS[kind]} - Duplicate entry found with name {name}.',
        )
    row['id'] = wanted.get('id') or ids.new_id().replace('-', '')
    if kind == 'users':
        row['_password'] = tokens.digest(row['id'], wanted.get('password') or ids.new_id())
    return inv.tables[kind].put(row)


def creator(kind: str) -> Callable[[Call], Reply]:
    def create(call: Call) -> Reply:
        authorize(call)
        wanted = {key: value for key, value in call.json(NOUNS[kind]).items() if key != 'id'}
        if kind in ('projects', 'users') and not wanted.get('domain_id'):
            wanted['domain_id'] = call.token['domain_id'] or 'default'
        return Reply(201, {NOUNS[kind]: shown(call, kind, make(call.inv, kind, wanted))})

    return create


def lister(kind: str) -> Callable[[Call], Reply]:
    def rows(call: Call) -> Reply:
        authorize(call, itself=kind == 'roles')
        table = call.inv.tables[kind]
        result = table.where('name', call.query['name']) if 'name' in call.query else table.all()
        for field in ('domain_id', 'enabled', 'parent_id'):
            if field in call.query and field in FIELDS[kind]:
                result = [row for row in result if str(row[field]).lower() == call.query[field].lower()]
        return collection(call, kind, result)

    return rows


def getter(kind: str) -> Callable[[Call], Reply]:
    def get(call: Call) -> Reply:
        own = call.args['id'] in (call.user, call.project, call.token['domain_id']) or kind == 'roles'
        authorize(call, itself=own)
        return Reply(200, {NOUNS[kind]: shown(call, kind, found(call, kind))})

    return get


def changer(kind: str) -> Callable[[Call], Reply]:
    def change(call: Call) -> Reply:
        authorize(call)
        row = found(call, kind)
        wanted = call.json(NOUNS[kind])
        unknown = set(wanted) - set(FIELDS[kind]) - {'password'}
        if unknown:
            raise Fault(400, f'Additional properties are not allowed ({", ".join(sorted(unknown))})')
        if 'name' in wanted and any(
            other is not row and other.get('domain_id') == row.get('domain_id')
            for other in call.inv.tables[kind].where('name', wanted['name'])
        ):
            raise Fault(409, f'Duplicate entry found with name {wanted["name"]}.')
        if kind == 'users' and 'password' in wanted:
            row['_password'] = tokens.digest(row['id'], wanted['password'])
        row.update({key: value for key, value in wanted.items() if key in FIELDS[kind]})
        call.inv.tables[kind].put(row)
        return Reply(200, {NOUNS[kind]: shown(call, kind, row)})

    return change


def deleter(kind: str) -> Callable[[Call], Reply]:
    def delete(call: Call) -> Reply:
        authorize(call)
        row = found(call, kind)
        if kind == 'domains':
            if row['enabled']:
                raise Fault(403, 'Cannot delete a domain that is enabled, please disable it first.')
            for user in call.inv.users.where('domain_id', row['id']):
                forget(call.inv, 'users', user['id'])
            for project in call.inv.projects.where('domain_id', row['id']):
                forget(call.inv, 'projects', project['id'])
        forget(call.inv, kind, row['id'])
        return Reply(204)

    return delete


def forget(inv: Inventory, kind: str, row_id: str) -> None:
    """Drop the row and everything that means nothing without it."""
    field = {'users': 'user_id', 'roles': 'role_id'}.get(kind, 'target_id')
    for row in inv.assignments.where(field, row_id):
        inv.assignments.drop(row['id'])
    if kind == 'users':
        for table, index in (
            (inv.tokens, 'user_id'),
            (inv.credentials, 'user_id'),
            (inv.application_credentials, 'user_id'),
            (inv.trusts, 'trustor_user_id'),
            (inv.trusts, 'trustee_user_id'),
        ):
            for row in table.where(index, row_id):
                table.drop(row['id'])
    if kind == 'projects':
        for table in (inv.tokens, inv.trusts, inv.credentials, inv.application_credentials):
            for row in table.all():
                if row['project_id'] == row_id:
                    table.drop(row['id'])
    inv.tables[kind].drop(row_id)


def change_password(call: Call) -> Reply:
    authorize(call, itself=call.args['id'] == call.user)
    user, wanted = found(call, 'users'), call.json('user')
    if user['_password'] != tokens.digest(user['id'], wanted.get('original_password') or ''):
        raise tokens.unauthorized(call)
    user['_password'] = tokens.digest(user['id'], wanted.get('password') or '')
    call.inv.users.put(user)
    return Reply(204)


def assign(inv: Inventory, user_id: str, role_id: str, target_id: str) -> None:
    inv.assignments.put(
        {
            'id': f'{user_id}/{role_id}/{target_id}',
            'user_id': user_id,
            'role_id': role_id,
            'target_id': target_id,
        }
    )


def grant(kind: str) -> tuple[Callable[[Call], Reply], ...]:
    """(add, check, remove, list) of the grants on one kind of target."""

    def key(call: Call) -> str:
        authorize(call)
        target = found(call, kind, 'target')['id']
        return f'{found(call, "users", "user")["id"]}/{found(call, "roles", "role")["id"]}/{target}'

    def add(call: Call) -> Reply:
        assign(call.inv, *(part for part in (key(call).split('/'))))
        return Reply(204)

    def check(call: Call) -> Reply:
        if call.inv.assignments.get(key(call)) is None:
            raise Fault(404, 'Could not find role assignment.')
        return Reply(204)

    def remove(call: Call) -> Reply:
        check(call)
        call.inv.assignments.drop(key(call))
        return Reply(204)

    def rows(call: Call) -> Reply:
        authorize(call)
        user, target = found(call, 'users', 'user'), found(call, kind, 'target')
        return collection(call, 'roles', tokens.roles_on(call, user['id'], target['id']))

    return add, check, remove, rows


def list_assignments(call: Call) -> Reply:
    query = call.query
    authorize(call, itself=query.get('user.id') == call.user)
    result = []
    for row in call.inv.assignments.all():
        kind = 'project' if call.inv.projects.get(row['target_id']) else 'domain'
        if (
            query.get('user.id', row['user_id']) != row['user_id']
            or query.get('role.id', row['role_id']) != row['role_id']
            or query.get(f'scope.{kind}.id', row['target_id']) != row['target_id']
            or f'scope.{"domain" if kind == "project" else "project"}.id' in query
        ):
            continue
        result.append(
            {
                'user': {'id': row['user_id']},
                'role': {'id': row['role_id']},
                'scope': {kind: {'id': row['target_id']}},
                'links': {},
            }
        )
    return Reply(200, {'role_assignments': result, 'links': {'self': call.request.url}})


def create_ec2(call: Call) -> Reply:
    user_id = call.args['user']
    authorize(call, itself=user_id == call.user)
    found(call, 'users', 'user')
    project_id = call.json().get('tenant_id')
    if call.inv.projects.get(project_id) is None:
        raise Fault(404, f'Could not find project: {project_id}.')
    row = put_credential(
        call,
        'ec2',
        user_id,
        project_id,
        {'access': ids.new_id().replace('-', ''), 'secret': ids.new_id().replace('-', '')},
    )
    return Reply(201, {'credential': ec2(call, row)})


def put_credential(call: Call, kind: str, user_id: str, project_id: str | None, blob: Any) -> Row:
    row_id = ids.new_id().replace('-', '')
    if kind == 'ec2' and call.token['trust_id']:
        blob = {**blob, 'trust_id': call.token['trust_id']}
    return call.inv.credentials.put(
        {
            'id': row_id,
            'type': kind,
            'user_id': user_id,
            'project_id': project_id,
            'blob': blob if isinstance(blob, str) else json.dumps(blob),
        }
    )


def ec2(call: Call, row: Row) -> Row:
    blob = json.loads(row['blob'])
    path = f'/v3/users/{row["user_id"]}/credentials/OS-EC2/{blob.get("access")}'
    return {
        'user_id': row['user_id'],
        'tenant_id': row['project_id'],
        'access': blob.get('access'),
        'secret': blob.get('secret'),
        'trust_id': blob.get('trust_id'),
        'links': {'self': call.url(path)},
    }


def ec2_rows(call: Call) -> list[Row]:
    authorize(call, itself=call.args['user'] == call.user)
    return [row for row in call.inv.credentials.where('user_id', call.args['user']) if row['type'] == 'ec2']


def list_ec2(call: Call) -> Reply:
    return Reply(
        200, {'credentials': [ec2(call, row) for row in ec2_rows(call)], 'links': {'self': call.request.url}}
    )


def ec2_row(call: Call) -> Row:
    for row in ec2_rows(call):
        if json.loads(row['blob']).get('access') == call.args['access']:
            return row
    raise Fault(404, f'Could not find credential: {call.args["access"]}.')


def get_ec2(call: Call) -> Reply:
    return Reply(200, {'credential': ec2(call, ec2_row(call))})


def delete_ec2(call: Call) -> Reply:
    call.inv.credentials.drop(ec2_row(call)['id'])
    return Reply(204)


def create_credential(call: Call) -> Reply:
    wanted = call.json('credential')
    user_id = wanted.get('user_id') or call.user
    authorize(call, itself=user_id == call.user)
    if not wanted.get('type') or 'blob' not in wanted:
        raise Fault(400, "'type' and 'blob' are required properties")
    if wanted['type'] == 'ec2' and not wanted.get('project_id'):
        raise Fault(400, "'project_id' is a required property of an ec2 credential")
    blob = wanted['blob']
    if wanted['type'] == 'ec2':
        try:
            blob = json.loads(blob) if isinstance(blob, str) else dict(blob)
        except (TypeError, ValueError) as exc:
            raise Fault(400, 'Invalid blob in credential') from exc
    row = put_credential(call, wanted['type'], user_id, wanted.get('project_id'), blob)
    return Reply(201, {'credential': shown(call, 'credentials', row)})


def list_credentials(call: Call) -> Reply:
    rows = call.inv.credentials.all() if call.admin else call.inv.credentials.where('user_id', call.user)
    for field in ('user_id', 'type'):
        rows = [row for row in rows if row[field] == call.query.get(field, row[field])]
    return collection(call, 'credentials', rows)


def get_credential(call: Call) -> Reply:
    row = found(call, 'credentials')
    authorize(call, itself=row['user_id'] == call.user)
    return Reply(200, {'credential': shown(call, 'credentials', row)})


def delete_credential(call: Call) -> Reply:
    row = found(call, 'credentials')
    authorize(call, itself=row['user_id'] == call.user)
    call.inv.credentials.drop(row['id'])
    return Reply(204)


def _routes() -> list[tuple[str, str, Callable[[Call], Reply]]]:
    routes = []
    for kind in NOUNS:
        routes += [
            ('POST', f'/v3/{kind}', creator(kind)),
            ('GET', f'/v3/{kind}', lister(kind)),
            ('GET', f'/v3/{kind}/{{id}}', getter(kind)),
            ('PATCH', f'/v3/{kind}/{{id}}', changer(kind)),
            ('DELETE', f'/v3/{kind}/{{id}}', deleter(kind)),
        ]
    for kind in ('projects', 'domains'):
        base = f'/v3/{kind}/{{target}}/users/{{user}}/roles'
        add, check, remove, rows = grant(kind)
        routes += [
            ('PUT', f'{base}/{{role}}', add),
            ('HEAD', f'{base}/{{role}}', check),
            ('GET', f'{base}/{{role}}', check),
            ('DELETE', f'{base}/{{role}}', remove),
            ('GET', base, rows),
        ]
    return routes


ROUTES = [
    *_routes(),
    ('POST', '/v3/users/{id}/password', change_password),
    ('GET', '/v3/role_assignments', list_assignments),
    ('POST', '/v3/users/{user}/credentials/OS-EC2', create_ec2),
    ('GET', '/v3/users/{user}/credentials/OS-EC2', list_ec2),
    ('GET', '/v3/users/{user}/credentials/OS-EC2/{access}', get_ec2),
    ('DELETE', '/v3/users/{user}/credentials/OS-EC2/{access}', delete_ec2),
    ('POST', '/v3/credentials', create_credential),
    ('GET', '/v3/credentials', list_credentials),
    ('GET', '/v3/credentials/{id}', get_credential),
    ('DELETE', '/v3/credentials/{id}', delete_credential),
]
