"""Tokens: who a request comes from, how a token is issued, the catalogue it carries.

Purpose: authenticate by password, token, trust or application credential, and scope. Invariant: a token
of a trust acts as the trustor (impersonation) with the trust's roles only, and
dies with the trust. Neighbours: ``identity`` routes here, ``server`` calls
``authenticate`` before each service function.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
from typing import Any

from heat.common import ec2, ids
from heat.simcloud.routing import Call, Fault, Row


def digest(user_id: str, password: str) -> str:
    return hashlib.sha256(f'{user_id}:{password}'.encode()).hexdigest()


def stamp(seconds: float) -> str:
    """ISO 8601 with microseconds and Z, as identity writes it."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime('%Y-%m-%dT%H:%M:%S.%fZ')


def unauthorized(call: Call) -> Fault:
    return Fault(
        401,
        'The request you have made requires authentication.',
        headers={'WWW-Authenticate': f'Keystone uri="{call.request.host_url}/identity"'},
    )


def valid(call: Call, token_id: str) -> Row | None:
    """The token of this id, when it may still be used."""
    token = call.inv.tokens.get(token_id)
    if token is None:
        return None
    user = call.inv.users.get(token['user_id'])
    trust = call.inv.trusts.get(token['trust_id']) if token['trust_id'] else {}
    program = token.get('application_credential_id')
    gone = trust is None or (program and call.inv.application_credentials.get(program) is None)
    if token['expires'] <= call.now or user is None or not user['enabled'] or gone:
        call.inv.tokens.drop(token_id)
        return None
    return token


def authenticate(call: Call) -> Row:
    """The token of the request; Fault 401 without a good one."""
    token = valid(call, call.request.headers.get('X-Auth-Token', ''))
    if token is None:
        raise unauthorized(call)
    return token


def roles_on(call: Call, user_id: str, target_id: str) -> list[Row]:
    found = []
    for row in call.inv.assignments.where('user_id', user_id):
        if row['target_id'] == target_id:
            role = call.inv.roles.get(row['role_id'])
            if role is not None:
                found.append(role)
    return found


def find(call: Call, kind: str, reference: Row, domain: str | None = None) -> Row | None:
    """A user, project or domain by ``{id}`` or ``{name, domain}``."""
    table = call.inv.tables[kind]
    if reference.get('id') is not None:
        return table.get(reference['id'])
    rows = table.where('name', reference.get('name'))
    if kind != 'domains':
        owner = find(call, 'domains', reference.get('domain') or {})
        rows = [row for row in rows if owner and row['domain_id'] == owner['id']]
    return rows[0] if rows else None


def issue(call: Call) -> tuple[str, Row]:
    """Perform POST /auth/tokens: (token id, token row). Fault 400, 401 or 403."""
    auth = call.json('auth')
    methods = (auth.get('identity') or {}).get('methods') or []
    parent: Row | None = None
    user: Row | None = None
    for method in methods:
        given = auth['identity'].get(method) or {}
        if method == 'password':
            person = given.get('user') or {}
            user = find(call, 'users', person)
            if (
                user is None
                or not user['enabled']
                or not hmac.compare_digest(
                    user['_password'], digest(user['id'], person.get('password') or '')
                )
            ):
                raise unauthorized(call)
        elif method == 'token':
            parent = valid(call, given.get('id') or '')
            if parent is None:
                raise unauthorized(call)
            if parent.get('application_credential_id'):
                raise Fault(403, 'rescope a scoped token: it is of an application credential.')
            user = call.inv.users.get(parent['user_id'])
        elif method == 'application_credential':
            return _of_program(call, given, auth)
        else:
            raise Fault(401, f'Attempted to authenticate with an unsupported method: {method}.')
    if user is None:
        raise Fault(400, "Expecting to find 'password' or 'token' in identity.")
    return _put(call, user, methods, auth.get('scope'), parent)


def issue_ec2(call: Call) -> tuple[str, Row]:
    """Perform POST /ec2tokens: (token id, token row). Fault 401."""
    given = call.json('ec2Credentials')
    for row in call.inv.credentials.all():
        blob = json.loads(row['blob']) if row['type'] == 'ec2' else {}
        if not blob or blob.get('access') != given.get('access'):
            continue
        user = call.inv.users.get(row['user_id'])
        wanted = _ec2_signature(blob['secret'], given)
        if user is None or not user['enabled'] or not hmac.compare_digest(
                wanted, given.get('signature') or ''):
            raise Fault(401, 'Invalid EC2 signature.')
        return _put(call, user, ['ec2credential'], {'project': {'id': row['project_id']}}, None)
    raise Fault(401, 'EC2 access key not found.')


def _ec2_signature(secret: str, given: Row) -> str:
    params, headers = given.get('params') or {}, given.get('headers') or {}
    if params.get('SignatureVersion') == '2':
        return ec2.signature(secret, given['verb'], given['host'], given['path'], params)
    try:
        return ec2.signature_4(secret, given['verb'], given['path'], params, headers, given['body_hash'])
    except (KeyError, ValueError) as error:
        raise Fault(401, 'Invalid EC2 signature.') from error


def _put(call: Call, user: Row, methods: list[str], scope: Any, parent: Row | None) -> tuple[str, Row]:
    now = call.now
    token: Row = {
        'id': ids.new_id().replace('-', ''),
        'user_id': user['id'],
        'trust_id': None,
        'project_id': None,
        'domain_id': None,
        'roles': [],
        'methods': methods,
        'issued': now,
        'audit': ids.short_id(ids.new_id()),
        'expires': parent['expires'] if parent else now + call.cloud.settings.token_lifetime,
    }
    _scope(call, token, scope, parent, user)
    call.inv.tokens.put(token)
    return token['id'], token


def _of_program(call: Call, given: Row, auth: Row) -> tuple[str, Row]:
    """The token of an application credential: of its project and those of its roles that are still held."""
    if 'scope' in auth:
        raise Fault(401, 'Application credentials cannot request a scope.')
    kept = call.inv.application_credentials.get(given.get('id'))
    if kept is None and given.get('name'):
        owner = find(call, 'users', given.get('user') or {})
        kept = next((one for one in call.inv.application_credentials.where('user_id', owner['id'])
                     if one['name'] == given['name']), None) if owner else None
    user = call.inv.users.get(kept['user_id']) if kept else None
    if kept is None or user is None or not user['enabled'] or not hmac.compare_digest(
            kept['_secret'], digest(kept['id'], given.get('secret') or '')):
        raise unauthorized(call)
    token_id, token = _put(call, user, ['application_credential'],
                           {'project': {'id': kept['project_id']}}, None)
    roles = {role['name'] for role in kept['roles']}
    token |= {'application_credential_id': kept['id'],
              'roles': [name for name in token['roles'] if name in roles]}
    call.inv.tokens.put(token)
    return token_id, token


def _scope(call: Call, token: Row, scope: Any, parent: Row | None, user: Row) -> None:
    home = user.get('default_project_id')
    if scope is None and parent is None and home and roles_on(call, user['id'], home):
        scope = {'project': {'id': home}}
    if scope is None or scope == 'unscoped' or 'unscoped' in scope:
        return
    if parent is not None and parent['trust_id'] and 'OS-TRUST:trust' not in scope:
        raise Fault(403, 'rescope a scoped token: a trust-scoped token can not be rescoped.')
    if 'OS-TRUST:trust' in scope:
        trust = call.inv.trusts.get((scope['OS-TRUST:trust'] or {}).get('id'))
        if trust is None or trust['trustee_user_id'] != user['id']:
            raise Fault(403, 'User is not a trustee.')
        if trust['_expires'] is not None and trust['_expires'] <= call.now:
            raise unauthorized(call)
        held = {role['id'] for role in roles_on(call, trust['trustor_user_id'], trust['project_id'])}
        if not {role['id'] for role in trust['roles']} <= held:
            raise Fault(403, 'The trustor no longer holds the roles of the trust.')
        token['trust_id'], token['project_id'] = trust['id'], trust['project_id']
        token['roles'] = [role['name'] for role in trust['roles']]
        if trust['impersonation']:
            token['user_id'] = trust['trustor_user_id']
        return
    if scope.get('system'):
        raise Fault(401, 'System scope is not supported by this cloud.')
    kind = 'project' if 'project' in scope else 'domain'
    target = find(call, f'{kind}s', scope.get(kind) or {})
    roles = roles_on(call, user['id'], target['id']) if target else []
    if target is None or not roles or not target['enabled']:
        raise unauthorized(call)
    token[f'{kind}_id'] = target['id']
    token['roles'] = [role['name'] for role in roles]


def show(call: Call, token: Row, with_catalog: bool = True) -> Row:
    """The body of a token as identity answers it."""
    inv = call.inv

    def domain(domain_id: str) -> Row:
        return {'id': domain_id, 'name': (inv.domains.get(domain_id) or {}).get('name', '')}

    user = inv.users.get(token['user_id']) or {}
    body: Row = {
        'methods': token['methods'],
        'audit_ids': [token['audit']],
        'issued_at': stamp(token['issued']),
        'expires_at': stamp(token['expires']),
        'user': {
            'id': token['user_id'],
            'name': user.get('name'),
            'domain': domain(user.get('domain_id', '')),
            'password_expires_at': None,
        },
    }
    if token['project_id']:
        project = inv.projects.get(token['project_id']) or {}
        body['project'] = {
            'id': token['project_id'],
            'name': project.get('name'),
            'domain': domain(project.get('domain_id', '')),
        }
        body['is_domain'] = False
    if token['domain_id']:
        body['domain'] = domain(token['domain_id'])
    if token['roles']:
        body['roles'] = [
            {'id': role['id'], 'name': role['name']}
            for name in token['roles']
            for role in inv.roles.where('name', name)
        ]
        if with_catalog:
            body['catalog'] = catalog(call, token['project_id'] or '')
    if token.get('application_credential_id'):
        program = inv.application_credentials.get(token['application_credential_id']) or {}
        body['application_credential'] = {
            'id': token['application_credential_id'],
            'name': program.get('name'),
            'restricted': not program.get('unrestricted'),
        }
    if token['trust_id']:
        trust = inv.trusts.get(token['trust_id']) or {}
        body['OS-TRUST:trust'] = {
            'id': token['trust_id'],
            'impersonation': trust.get('impersonation'),
            'trustor_user': {'id': trust.get('trustor_user_id')},
            'trustee_user': {'id': trust.get('trustee_user_id')},
        }
    return {'token': body}


def catalog(call: Call, project_id: str) -> list[Row]:
    """Services with their endpoints, below the host the caller speaks to."""
    result: list[Row] = []
    for service_type, name, template in services(call):
        url = template.replace('$(project_id)s', project_id).replace('$(tenant_id)s', project_id)
        service_id = hashlib.md5(service_type.encode(), usedforsecurity=False).hexdigest()
        result.append(
            {
                'type': service_type,
                'name': name,
                'id': service_id,
                'endpoints': [
                    {
                        'id': hashlib.md5(
                            f'{service_type}{interface}'.encode(), usedforsecurity=False
                        ).hexdigest(),
                        'interface': interface,
                        'region': 'RegionOne',
                        'region_id': 'RegionOne',
                        'url': url,
                    }
                    for interface in ('public', 'internal', 'admin')
                ],
            }
        )
    region = call.cloud.settings.second_region
    entry = next(one for one in result if one['type'] == 'orchestration')
    if region:
        entry['endpoints'] += [
            {
                **one,
                'id': hashlib.md5(f'{region}{one["id"]}'.encode(), usedforsecurity=False).hexdigest(),
                'region': region,
                'region_id': region,
                'url': f'{call.request.host_url}/orchestration/v1/{project_id}',
            }
            for one in tuple(entry['endpoints'])
        ]
    return result


def services(call: Call) -> list[tuple[str, str, str]]:
    """(type, name, URL with ``$(project_id)s``) of every service in the catalogue."""
    base = call.request.host_url
    return [
        ('identity', 'keystone', f'{base}/identity'),
        ('compute', 'nova', f'{base}/compute/v2.1'),
        ('network', 'neutron', f'{base}/network'),
        ('volumev3', 'cinderv3', f'{base}/volume/v3/$(project_id)s'),
        ('image', 'glance', f'{base}/image'),
        ('object-store', 'swift', f'{base}/object/v1/AUTH_$(project_id)s'),
        ('key-manager', 'barbican', f'{base}/key-manager'),
        ('messaging', 'zaqar', f'{base}/messaging'),
        ('alarming', 'aodh', f'{base}/alarming'),
        ('orchestration', 'heat', call.cloud.settings.orchestration_url),
        ('cloudformation', 'heat-cfn', call.cloud.settings.cloudformation_url),
        *call.cloud.settings.more_services,
    ]
