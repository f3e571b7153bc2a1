"""Key manager v1 (Barbican): texts that are kept for a project.

Purpose: secrets with a payload, found by id or name. Invariant: a payload leaves only
through its own route, for its own project. Neighbours: ``inventory`` keeps the rows.
"""

from __future__ import annotations

from heat.common import ids
from heat.simcloud.routing import Call, Fault, Reply, Row, Service


def render_fault(fault: Fault) -> Row:
    return {'code': fault.status, 'title': 'Error', 'description': fault.message}


def own(call: Call) -> Row:
    row = call.inv.secrets.get(call.args['id'])
    if row is None or row['project_id'] != call.project:
        raise Fault(404, 'Secret not found.')
    return row


def shown(call: Call, row: Row) -> Row:
    return {'name': row['name'], 'status': 'ACTIVE', 'secret_ref': call.url(f'/v1/secrets/{row["id"]}'),
            'content_types': {'default': 'text/plain'}}


def store_secret(call: Call) -> Reply:
    wanted = call.json()
    row = {'id': ids.new_id(), 'name': wanted.get('name'), 'project_id': call.project,
           '_password': str(wanted.get('payload') or '')}
    call.inv.secrets.put(row)
    return Reply(201, {'secret_ref': call.url(f'/v1/secrets/{row["id"]}')})


def list_secrets(call: Call) -> Reply:
    rows = [row for row in call.inv.secrets.where('project_id', call.project)
            if call.query.get('name') in (None, row['name'])]
    return Reply(200, {'secrets': [shown(call, row) for row in rows], 'total': len(rows)})


def show_secret(call: Call) -> Reply:
    return Reply(200, shown(call, own(call)))


def show_payload(call: Call) -> Reply:
    return Reply(200, own(call)['_password'], {'Content-Type': 'text/plain; charset=UTF-8'})


def delete_secret(call: Call) -> Reply:
    call.inv.secrets.drop(own(call)['id'])
    return Reply(204)


SERVICE = Service('key-manager', '/key-manager', [
    ('POST', '/v1/secrets', store_secret), ('GET', '/v1/secrets', list_secrets),
    ('GET', '/v1/secrets/{id}', show_secret), ('GET', '/v1/secrets/{id}/payload', show_payload),
    ('DELETE', '/v1/secrets/{id}', delete_secret),
], render_fault)
