"""Compute's small tables: flavors, keypairs, server groups, zones, limits, services.

Purpose: what servers are made with. Invariant: keypairs belong to a user, server
groups to a project. Neighbours: ``compute`` mounts the routes.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from heat.common import ids
from heat.simcloud.routing import Call, Fault, Reply, Row, next_link, page
from heat.simcloud.stamps import iso


def flavor_of(call: Call, reference: Any) -> Row:
    """The flavor of an id or of a URL that ends in it; Fault 400."""
    row = call.inv.flavors.get(str(reference).rsplit('/', 1)[-1])
    if row is None:
        raise Fault(400, f'Flavor {reference} could not be found.')
    return row


def flavor(call: Call, row: Row) -> Row:
    result = {
        'id': row['id'],
        'name': row['name'],
        'ram': row['ram'],
        'disk': row['disk'],
        'vcpus': row['vcpus'],
        'swap': '' if call.version < (2, 75) else 0,
        'rxtx_factor': 1.0,
        'OS-FLV-EXT-DATA:ephemeral': 0,
        'OS-FLV-DISABLED:disabled': False,
        'os-flavor-access:is_public': row['is_public'],
        'links': [{'rel': 'self', 'href': call.url(f'/v2.1/flavors/{row["id"]}')}],
    }
    if call.version >= (2, 55):
        result['description'] = row['description']
    if call.version >= (2, 61):
        result['extra_specs'] = row['extra_specs']
    return result


def list_flavors(call: Call) -> Reply:
    rows, marker = page(call, call.inv.flavors.all())
    detail = call.request.path_info.endswith('/detail')
    shown = [flavor(call, row) for row in rows]
    if not detail:
        shown = [{key: row[key] for key in ('id', 'name', 'links')} for row in shown]
    return Reply(200, {'flavors': shown, **next_link(call, 'flavors', marker)})


def own_flavor(call: Call) -> Row:
    row = call.inv.flavors.get(call.args['id'])
    if row is None:
        raise Fault(404, f'Flavor {call.args["id"]} could not be found.')
    return row


def get_flavor(call: Call) -> Reply:
    return Reply(200, {'flavor': flavor(call, own_flavor(call))})


def create_flavor(call: Call) -> Reply:
    call.need_admin('os_compute_api:os-flavor-manage:create')
    wanted = call.json('flavor')
    row_id = wanted.get('id') if wanted.get('id') not in (None, 'auto') else ids.new_id()
    if any(row['id'] == row_id or row['name'] == wanted.get('name') for row in call.inv.flavors.all()):
        raise Fault(409, f'Flavor with name {wanted.get("name")} already exists.')
    try:
        row = {
            'id': str(row_id),
            'name': wanted['name'],
            'ram': int(wanted['ram']),
            'vcpus': int(wanted['vcpus']),
            'disk': int(wanted['disk']),
            'is_public': wanted.get('os-flavor-access:is_public', True),
            'extra_specs': {},
            'description': wanted.get('description'),
        }
    except (KeyError, TypeError, ValueError) as exc:
        raise Fault(400, 'name, ram, vcpus and disk are required') from exc
    return Reply(200, {'flavor': flavor(call, call.inv.flavors.put(row))})


def delete_flavor(call: Call) -> Reply:
    call.need_admin('os_compute_api:os-flavor-manage:delete')
    call.inv.flavors.drop(own_flavor(call)['id'])
    return Reply(202)


def extra_specs(call: Call) -> Reply:
    row = own_flavor(call)
    if call.request.method == 'POST':
        call.need_admin('os_compute_api:os-flavor-extra-specs:create')
        row['extra_specs'].update(call.json('extra_specs'))
        call.inv.flavors.put(row)
    return Reply(200, {'extra_specs': row['extra_specs']})


def keypair(call: Call, name: str) -> Row | None:
    owner = call.query.get('user_id', call.user) if call.admin else call.user
    return call.inv.keypairs.get(f'{owner}/{name}')


def shown_keypair(call: Call, row: Row) -> Row:
    shown = {key: row[key] for key in ('name', 'public_key', 'fingerprint')}
    if call.version >= (2, 2):
        shown['type'] = 'ssh'
    return shown


def create_keypair(call: Call) -> Reply:
    wanted = call.json('keypair')
    name, public = wanted.get('name'), wanted.get('public_key')
    owner = call.user
    if wanted.get('user_id') not in (None, call.user):
        call.need_admin('os_compute_api:os-keypairs:create')
        owner = wanted['user_id']
    if not isinstance(name, str) or not name or len(name) > 255:
        raise Fault(400, 'Invalid input for field/attribute name.')
    if wanted.get('type', 'ssh') != 'ssh':
        raise Fault(400, 'Only keypairs of type ssh are supported by this cloud.')
    if call.inv.keypairs.get(f'{owner}/{name}') is not None:
        raise Fault(409, f"Key pair '{name}' already exists.")
    answer: Row = {}
    if not public:
        if call.version >= (2, 92):
            raise Fault(400, "Invalid input for field/attribute keypair. 'public_key' is a required property")
        private = ed25519.Ed25519PrivateKey.generate()
        answer['private_key'] = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        ).decode()
        public = (
            private.public_key()
            .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
            .decode()
        )
    words = public.split()
    try:
        digest = hashlib.md5(base64.b64decode(words[1], validate=True), usedforsecurity=False).hexdigest()
    except (IndexError, ValueError) as exc:
        raise Fault(400, 'Keypair data is invalid: failed to generate fingerprint') from exc
    row = call.inv.keypairs.put(
        {
            'id': f'{owner}/{name}',
            'name': name,
            'user_id': owner,
            'public_key': public,
            'created_at': iso(call.now),
            'fingerprint': ':'.join(digest[at : at + 2] for at in range(0, 32, 2)),
        }
    )
    answer = {**shown_keypair(call, row), 'user_id': owner, **answer}
    return Reply(201 if call.version >= (2, 2) else 200, {'keypair': answer})


def list_keypairs(call: Call) -> Reply:
    owner = call.query.get('user_id', call.user) if call.admin else call.user
    rows, marker = page(call, call.inv.keypairs.where('user_id', owner))
    return Reply(
        200,
        {
            'keypairs': [{'keypair': shown_keypair(call, row)} for row in rows],
            **next_link(call, 'keypairs', marker),
        },
    )


def own_keypair(call: Call) -> Row:
    row = keypair(call, call.args['name'])
    if row is None:
        raise Fault(404, f'Keypair {call.args["name"]} not found for user {call.user}')
    return row


def get_keypair(call: Call) -> Reply:
    row = own_keypair(call)
    return Reply(
        200,
        {
            'keypair': {
                **shown_keypair(call, row),
                'user_id': row['user_id'],
                'id': 1,
                'deleted': False,
                'created_at': row['created_at'],
                'updated_at': None,
                'deleted_at': None,
            }
        },
    )


def delete_keypair(call: Call) -> Reply:
    call.inv.keypairs.drop(own_keypair(call)['id'])
    return Reply(204 if call.version >= (2, 2) else 202)


def zone(detail: bool) -> Any:
    def zones(call: Call) -> Reply:
        hosts = {'simhost': {'nova-compute': {'available': True, 'active': True, 'updated_at': None}}}
        return Reply(
            200,
            {
                'availabilityZoneInfo': [
                    {'zoneName': name, 'zoneState': {'available': True}, 'hosts': hosts if detail else None}
                    for name in call.cloud.settings.zones
                ]
            },
        )

    return zones


def limits(call: Call) -> Reply:
    servers = call.inv.servers.where('project_id', call.project)
    flavors = [call.inv.flavors.get(row['flavor_id']) or {} for row in servers]
    return Reply(
        200,
        {
            'limits': {
                'rate': [],
                'absolute': {
                    'maxTotalInstances': call.cloud.settings.quota_servers or -1,
                    'maxTotalCores': -1,
                    'maxTotalRAMSize': -1,
                    'maxServerMeta': 128,
                    'maxTotalKeypairs': 100,
                    'maxServerGroups': 10,
                    'maxServerGroupMembers': 10,
                    'maxImageMeta': 128,
                    'maxPersonality': 5,
                    'maxPersonalitySize': 10240,
                    'totalInstancesUsed': len(servers),
                    'totalCoresUsed': sum(row.get('vcpus', 0) for row in flavors),
                    'totalRAMUsed': sum(row.get('ram', 0) for row in flavors),
                    'totalServerGroupsUsed': len(call.inv.server_groups.where('project_id', call.project)),
                },
            }
        },
    )


def show_quota(call: Call) -> Reply:
    if call.args['id'] != call.project:
        call.need_admin('os_compute_api:os-quota-sets:show')
    return Reply(
        200,
        {
            'quota_set': {
                'id': call.args['id'],
                'instances': call.cloud.settings.quota_servers or -1,
                'cores': -1,
                'ram': -1,
                'key_pairs': 100,
                'metadata_items': 128,
                'server_groups': 10,
                'server_group_members': 10,
            }
        },
    )


def shown_group(call: Call, row: Row) -> Row:
    shown = {'id': row['id'], 'name': row['name'], 'members': row['members']}
    if call.version >= (2, 64):
        shown.update(policy=row['policy'], rules=row['rules'])
    else:
        shown.update(policies=[row['policy']], metadata={})
    if call.version >= (2, 13):
        shown.update(project_id=row['project_id'], user_id=row['user_id'])
    return shown


def create_group(call: Call) -> Reply:
    wanted = call.json('server_group')
    policy = wanted.get('policy') if call.version >= (2, 64) else (wanted.get('policies') or [None])[0]
    if policy not in ('affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity'):
        raise Fault(400, f'Invalid input for field/attribute policy. Value: {policy}.')
    row = call.inv.server_groups.put(
        {
            'id': ids.new_id(),
            'name': wanted.get('name'),
            'policy': policy,
            'rules': wanted.get('rules') or {},
            'members': [],
            'project_id': call.project,
            'user_id': call.user,
        }
    )
    return Reply(200, {'server_group': shown_group(call, row)})


def list_groups(call: Call) -> Reply:
    project = call.project_filter()
    table = call.inv.server_groups
    rows = table.all() if project is None else table.where('project_id', project)
    return Reply(200, {'server_groups': [shown_group(call, row) for row in rows]})


def own_group(call: Call) -> Row:
    row = call.inv.server_groups.get(call.args['id'])
    if row is None or not (call.admin or row['project_id'] == call.project):
        raise Fault(404, f'Instance group {call.args["id"]} could not be found.')
    return row


def get_group(call: Call) -> Reply:
    return Reply(200, {'server_group': shown_group(call, own_group(call))})


def delete_group(call: Call) -> Reply:
    call.inv.server_groups.drop(own_group(call)['id'])
    return Reply(204)


def list_services(call: Call) -> Reply:
    call.need_admin('os_compute_api:os-services:list')
    return Reply(
        200,
        {
            'services': [
                {
                    'id': 1,
                    'binary': 'nova-compute',
                    'host': 'simhost',
                    'zone': 'nova',
                    'status': 'enabled',
                    'state': 'up',
                    'updated_at': iso(call.now),
                    'disabled_reason': None,
                    'forced_down': False,
                }
            ]
        },
    )


def list_extensions(_call: Call) -> Reply:
    return Reply(200, {'extensions': []})


ROUTES = [
    ('GET', '/v2.1/flavors', list_flavors),
    ('GET', '/v2.1/flavors/detail', list_flavors),
    ('POST', '/v2.1/flavors', create_flavor),
    ('GET', '/v2.1/flavors/{id}', get_flavor),
    ('DELETE', '/v2.1/flavors/{id}', delete_flavor),
    ('GET', '/v2.1/flavors/{id}/os-extra_specs', extra_specs),
    ('POST', '/v2.1/flavors/{id}/os-extra_specs', extra_specs),
    ('GET', '/v2.1/os-keypairs', list_keypairs),
    ('POST', '/v2.1/os-keypairs', create_keypair),
    ('GET', '/v2.1/os-keypairs/{name}', get_keypair),
    ('DELETE', '/v2.1/os-keypairs/{name}', delete_keypair),
    ('GET', '/v2.1/os-availability-zone', zone(False)),
    ('GET', '/v2.1/os-availability-zone/detail', zone(True)),
    ('GET', '/v2.1/limits', limits),
    ('GET', '/v2.1/os-services', list_services),
    ('GET', '/v2.1/os-quota-sets/{id}', show_quota),
    ('GET', '/v2.1/os-quota-sets/{id}/defaults', show_quota),
    ('GET', '/v2.1/extensions', list_extensions),
    ('GET', '/v2.1/os-server-groups', list_groups),
    ('POST', '/v2.1/os-server-groups', create_group),
    ('GET', '/v2.1/os-server-groups/{id}', get_group),
    ('DELETE', '/v2.1/os-server-groups/{id}', delete_group),
]
