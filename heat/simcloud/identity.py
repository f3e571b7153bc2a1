"""Identity v3 (Keystone): versions, tokens, trusts, credentials; mounts the directory.

Purpose: the routes under ``/identity``. Invariant: only an admin or a service
looks into somebody else's token; a trust is made by its trustor. Neighbours: ``tokens``
issues, ``appcreds`` keeps what programs log in with, ``directory`` all others.
"""

from __future__ import annotations

import datetime
from typing import Any

from heat.common import ids
from heat.simcloud import appcreds, directory, tokens
from heat.simcloud.routing import Call, Fault, Reply, Row, Service

TITLES = {
    400: 'Bad Request',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'Not Found',
    409: 'Conflict',
    405: 'Method Not Allowed',
}


def render_fault(fault: Fault) -> Row:
    return {
        'error': {'code': fault.status, 'message': fault.message, 'title': TITLES.get(fault.status, 'Error')}
    }


def version(call: Call) -> Row:
    return {
        'id': 'v3.14',
        'status': 'stable',
        'updated': '2020-04-07T00:00:00Z',
        'links': [{'rel': 'self', 'href': call.url('/v3/')}],
        'media-types': [{'base': 'application/json', 'type': 'application/vnd.openstack.identity-v3+json'}],
    }


def versions(call: Call) -> Reply:
    return Reply(300, {'versions': {'values': [version(call)]}})


def show_version(call: Call) -> Reply:
    return Reply(200, {'version': version(call)})


def create_token(call: Call) -> Reply:
    token_id, token = tokens.issue(call)
    return Reply(201, tokens.show(call, token, 'nocatalog' not in call.query), {'X-Subject-Token': token_id})


def create_ec2_token(call: Call) -> Reply:
    token_id, token = tokens.issue_ec2(call)
    return Reply(200, tokens.show(call, token), {'X-Subject-Token': token_id})


def subject(call: Call) -> Row:
    token = tokens.valid(call, call.request.headers.get('X-Subject-Token', ''))
    if (
        token is not None
        and token['id'] != call.token['id']
        and not (call.admin or 'service' in call.token['roles'] or token['user_id'] == call.user)
    ):
        raise Fault(403, 'You are not authorized to perform the requested action: identity:validate_token.')
    if token is None:
        raise Fault(404, 'Failed to validate token')
    return token


def check_token(call: Call) -> Reply:
    token = subject(call)
    return Reply(
        200, tokens.show(call, token, 'nocatalog' not in call.query), {'X-Subject-Token': token['id']}
    )


def head_token(call: Call) -> Reply:
    subject(call)
    return Reply(200)


def revoke_token(call: Call) -> Reply:
    call.inv.tokens.drop(subject(call)['id'])
    return Reply(204)


def auth_catalog(call: Call) -> Reply:
    return Reply(200, {'catalog': tokens.catalog(call, call.project), 'links': {'self': call.request.url}})


def targets(call: Call, user: str) -> list[str]:
    return list(dict.fromkeys(row['target_id'] for row in call.inv.assignments.where('user_id', user)))


def auth_projects(call: Call) -> Reply:
    rows = [call.inv.projects.rows[key] for key in targets(call, call.user) if call.inv.projects.get(key)]
    return directory.collection(call, 'projects', rows)


def user_projects(call: Call) -> Reply:
    user = call.args['id']
    directory.authorize(call, itself=user == call.user)
    rows = [call.inv.projects.rows[key] for key in targets(call, user) if call.inv.projects.get(key)]
    return directory.collection(call, 'projects', rows)


def auth_domains(call: Call) -> Reply:
    rows = [call.inv.domains.rows[key] for key in targets(call, call.user) if call.inv.domains.get(key)]
    return directory.collection(call, 'domains', rows)


def create_trust(call: Call) -> Reply:
    wanted = call.json('trust')
    appcreds.refuse(call, 'trusts')
    if call.token['trust_id']:
        raise Fault(403, 'Trusts can not be made with a token of a trust: redelegation is not allowed.')
    if wanted.get('trustor_user_id') != call.user:
        raise Fault(403, 'The authenticated user should match the trustor.')
    if call.inv.users.get(wanted.get('trustee_user_id')) is None:
        raise Fault(404, f'Could not find user: {wanted.get("trustee_user_id")}.')
    if not isinstance(wanted.get('impersonation'), bool):
        raise Fault(400, "'impersonation' is a required property")
    if wanted.get('allow_redelegation') or wanted.get('remaining_uses'):
        raise Fault(400, 'Redelegation and limited uses are not supported by this cloud.')
    project_id = wanted.get('project_id')
    held = tokens.roles_on(call, call.user, project_id) if project_id else []
    roles = []
    for reference in wanted.get('roles') or []:
        found = [
            role
            for role in held
            if reference in ({'id': role['id']}, {'name': role['name']}) or reference.get('id') == role['id']
        ]
        if not found:
            raise Fault(403, 'At least one role should be held by the trustor on the project of the trust.')
        roles.append({'id': found[0]['id'], 'name': found[0]['name']})
    if not roles:
        raise Fault(403, 'At least one role should be specified.')
    expires: Any = None
    if wanted.get('expires_at'):
        try:
            expires = datetime.datetime.fromisoformat(wanted['expires_at'].replace('Z', '+00:00')).timestamp()
        except ValueError as exc:
            raise Fault(400, 'expires_at is not an ISO 8601 time') from exc
    trust = call.inv.trusts.put(
        {
            'id': ids.new_id().replace('-', ''),
            'trustor_user_id': call.user,
            'trustee_user_id': wanted['trustee_user_id'],
            'project_id': project_id,
            'impersonation': wanted['impersonation'],
            'roles': roles,
            'expires_at': wanted.get('expires_at'),
            'deleted_at': None,
            'remaining_uses': None,
            'redelegation_count': 0,
            '_expires': expires,
        }
    )
    return Reply(201, {'trust': directory.shown(call, 'OS-TRUST/trusts', trust)})


def reachable_trust(call: Call) -> Row:
    trust = call.inv.trusts.get(call.args['id'])
    if trust is None:
        raise Fault(404, f'Could not find trust: {call.args["id"]}.')
    if not call.admin and call.user not in (trust['trustor_user_id'], trust['trustee_user_id']):
        raise Fault(403, 'Requested user has no relation to this trust.')
    return trust


def get_trust(call: Call) -> Reply:
    appcreds.refuse(call, 'trusts')
    return Reply(200, {'trust': directory.shown(call, 'OS-TRUST/trusts', reachable_trust(call))})


def list_trusts(call: Call) -> Reply:
    appcreds.refuse(call, 'trusts')
    rows = call.inv.trusts.all()
    for field in ('trustor_user_id', 'trustee_user_id'):
        if field in call.query:
            rows = [row for row in rows if row[field] == call.query[field]]
    if not call.admin:
        rows = [row for row in rows if call.user in (row['trustor_user_id'], row['trustee_user_id'])]
    return directory.collection(call, 'OS-TRUST/trusts', rows, 'trusts')


def delete_trust(call: Call) -> Reply:
    appcreds.refuse(call, 'trusts')
    trust = reachable_trust(call)
    if not call.admin and call.user != trust['trustor_user_id']:
        raise Fault(403, 'Only the trustor may delete a trust.')
    for token in call.inv.tokens.where('trust_id', trust['id']):
        call.inv.tokens.drop(token['id'])
    call.inv.trusts.drop(trust['id'])
    return Reply(204)


def list_services(call: Call) -> Reply:
    rows = [
        {'id': row['id'], 'type': row['type'], 'name': row['name'], 'enabled': True}
        for row in tokens.catalog(call, call.project)
        if row['type'] == call.query.get('type', row['type'])
        and row['name'] == call.query.get('name', row['name'])
    ]
    return directory.collection(call, 'services', rows)


def list_endpoints(call: Call) -> Reply:
    rows = []
    for service, (_, _, template) in zip(
        tokens.catalog(call, call.project), tokens.services(call), strict=True
    ):
        for endpoint in service['endpoints']:
            url = template if endpoint['region'] == REGION['id'] else endpoint['url']
            rows.append({**endpoint, 'url': url, 'service_id': service['id'], 'enabled': True})
    for field in ('service_id', 'interface'):
        rows = [row for row in rows if row[field] == call.query.get(field, row[field])]
    return directory.collection(call, 'endpoints', rows)


REGION = {'id': 'RegionOne', 'description': '', 'parent_region_id': None}


def regions(call: Call) -> list[Row]:
    second = call.cloud.settings.second_region
    return [dict(REGION), *([{**REGION, 'id': second}] if second else [])]


def list_regions(call: Call) -> Reply:
    return directory.collection(call, 'regions', regions(call))


def get_region(call: Call) -> Reply:
    found = next((row for row in regions(call) if row['id'] == call.args['id']), None)
    if found is None:
        raise Fault(404, f'Could not find region: {call.args["id"]}.')
    return Reply(200, {'region': directory.shown(call, 'regions', found)})


ROUTES = [
    ('GET', '/', versions),
    ('GET', '/v3', show_version),
    ('POST', '/v3/auth/tokens', create_token),
    ('POST', '/v3/ec2tokens', create_ec2_token),
    ('GET', '/v3/auth/tokens', check_token),
    ('HEAD', '/v3/auth/tokens', head_token),
    ('DELETE', '/v3/auth/tokens', revoke_token),
    ('GET', '/v3/auth/catalog', auth_catalog),
    ('GET', '/v3/auth/projects', auth_projects),
    ('GET', '/v3/auth/domains', auth_domains),
    ('GET', '/v3/users/{id}/projects', user_projects),
    ('POST', '/v3/OS-TRUST/trusts', create_trust),
    ('GET', '/v3/OS-TRUST/trusts', list_trusts),
    ('GET', '/v3/OS-TRUST/trusts/{id}', get_trust),
    ('DELETE', '/v3/OS-TRUST/trusts/{id}', delete_trust),
    ('GET', '/v3/services', list_services),
    ('GET', '/v3/endpoints', list_endpoints),
    ('GET', '/v3/regions', list_regions),
    ('GET', '/v3/regions/{id}', get_region),
    *appcreds.ROUTES,
    *directory.ROUTES,
]
SERVICE = Service(
    'identity', '/identity', ROUTES, render_fault, public=('GET /', 'GET /v3', 'POST /v3/auth/tokens')
)
