"""Everything that is in a cloud: what must be the same before a stack and after it.

Invariant: seen with an administrator's eyes, over all projects, so that nothing hides in another
project or in the domain of stack users. Neighbours: `conftest` compares.
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from keystoneauth1 import adapter

from tests.cloud.daemons import User, service_api
from tests.servers.devcloud import Devcloud
from tests.servers.keystone import identity

# Of groups that a cloud may do without: (kind, service, path, key of the list), as an administrator sees it.
BEYOND = (
    *((key.replace('_', ' '), 'load-balancer', f'/v2.0/lbaas/{key.replace("_", "")}', key) for key in (
        'loadbalancers', 'listeners', 'pools', 'healthmonitors', 'l7policies', 'flavors', 'flavorprofiles',
        'availability_zones', 'availability_zone_profiles')),
    ('shares', 'sharev2', '/shares?all_tenants=1', 'shares'),
    ('share networks', 'sharev2', '/share-networks?all_tenants=1', 'share_networks'),
    ('security services', 'sharev2', '/security-services?all_tenants=1', 'security_services'),
    ('share types', 'sharev2', '/types?is_public=all', 'share_types'),
    ('workflows', 'workflowv2', '/workflows?all_projects=true', 'workflows'),
    ('cron triggers', 'workflowv2', '/cron_triggers?all_projects=true', 'cron_triggers'),
    ('database servers', 'database', '/mgmt/instances?deleted=false', 'instances'),
    ('hosts to be reserved', 'reservation', '/os-hosts', 'hosts'),
    ('leases', 'reservation', '/leases', 'leases'),
    ('containers', 'container', '/containers?all_projects=true', 'containers'),
    ('machines', 'baremetal', '/v1/nodes', 'nodes'),
    ('ports of machines', 'baremetal', '/v1/ports', 'ports'),
    ('clusters', 'container-infra', '/clusters', 'clusters'),
    ('cluster templates', 'container-infra', '/clustertemplates', 'clustertemplates'),
    ('zones', 'dns', '/v2/zones?limit=1000', 'zones'))
# The same of things that belong to a project: of the administrator's, and of the user's.
OF_PROJECTS = (
    ('alarms', 'alarming', '/v2/alarms', ''),
    ('metrics', 'metric', '/v1/metric?limit=1000', ''),
    ('queues', 'messaging', '/v2/queues', 'queues'),
    ('secrets', 'key-manager', '/v1/secrets?limit=100', 'secrets'),
    ('orders', 'key-manager', '/v1/orders?limit=100', 'orders'),
    ('secret containers', 'key-manager', '/v1/containers?limit=100', 'containers'))

IDS = ('id', 'uuid', 'alarm_id', 'secret_ref', 'order_ref', 'container_ref')
# The messaging service wants to know who asks.
CLIENT = {'Client-ID': '00000000-0000-4000-8000-000000000000'}

Inventory = dict[str, dict[str, str]]
NETWORK = ('networks', 'subnets', 'subnetpools', 'ports', 'routers', 'floatingips', 'security-groups',
           'security-group-rules', 'rbac-policies', 'address-scopes', 'segments', 'trunks')
NETWORK_BELOW = (('qos', 'policies'), ('metering', 'metering-labels'), ('metering', 'metering-label-rules'))
# Of Neutron's plugins, where they are loaded.
PLUGINS = ('vpn/ikepolicies', 'vpn/ipsecpolicies', 'vpn/vpnservices', 'vpn/ipsec-site-connections',
           'sfc/flow_classifiers', 'sfc/port_pairs', 'sfc/port_pair_groups', 'sfc/port_chains',
           'taas/tap_services', 'taas/tap_flows', 'l2-gateways', 'l2-gateway-connections',
           'fw/firewalls', 'fw/firewall_policies', 'fw/firewall_rules')
VOLUMES = ('volumes', 'snapshots', 'backups', 'attachments')


def of(cloud: Devcloud, user: User) -> Inventory:
    """Kind -> id -> a name to be recognised by."""
    session = cloud.admin.session()
    return {kind: {_identity_of(one): _name(one) for one in things}
            for kind, things in _everything(session, cloud, user)}


def difference(before: Inventory, after: Inventory) -> Inventory:
    """What is there now and was not, by kind; and what is missing, by kind and ' lost'."""
    told: Inventory = {}
    for kind in before:
        told[kind] = {key: name for key, name in after[kind].items() if key not in before[kind]}
        told[f'{kind} lost'] = {key: name for key, name in before[kind].items() if key not in after[kind]}
    return {kind: things for kind, things in told.items() if things}


def _identity_of(one: dict[str, Any]) -> str:
    return str(next(one[key] for key in (*IDS, 'name') if one.get(key)))


def _name(one: dict[str, Any]) -> str:
    return str(one.get('name') or one.get('description') or one.get('floating_ip_address')
               or one.get('volume_id') or one.get('device_owner') or '')


def _everything(session: Any, cloud: Devcloud, user: User) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    network, compute = service_api(session, 'network'), service_api(session, 'compute')
    for kind in NETWORK:
        yield kind, network.get(f'/v2.0/{kind}').json()[kind.replace('-', '_')]
    for room, kind in NETWORK_BELOW:
        yield f'{room} {kind}', network.get(f'/v2.0/{room}/{kind}').json()[kind.replace('-', '_')]
    for kind in PLUGINS:
        answer = network.get(f'/v2.0/{kind}', raise_exc=False)
        if answer.status_code != 404:
            yield kind, answer.json()[kind.rpartition('/')[2].replace('-', '_')]
    yield 'servers', compute.get('/servers/detail', params={'all_tenants': '1'}).json()['servers']
    yield 'server groups', compute.get('/os-server-groups',
                                       params={'all_projects': 'true'}).json()['server_groups']
    yield 'flavors', compute.get('/flavors', params={'is_public': 'None'}).json()['flavors']
    yield 'aggregates', compute.get('/os-aggregates').json()['aggregates']
    own = user.api('compute').get('/os-keypairs').json()['keypairs']
    yield 'keypairs', [one['keypair'] for one in own]
    volume = service_api(session, 'block-storage')
    for kind in VOLUMES:
        yield kind, volume.get(f'/{kind}/detail' if kind != 'attachments' else '/attachments',
                               params={'all_tenants': '1'}).json()[kind]
    yield 'volume types', volume.get('/types', params={'is_public': 'None'}).json()['volume_types']
    yield 'qualities of volumes', volume.get('/qos-specs').json()['qos_specs']
    yield 'images', service_api(session, 'image').get('/v2/images').json()['images']
    if _has(session, 'object-store'):
        containers = user.api('object-store').get('', headers={'Accept': 'application/json'})
        yield 'containers', containers.json() if containers.content else []
    for kind, service, path, key in BEYOND:
        if _has(session, service):
            yield kind, service_api(session, service).get(path).json()[key]
    for kind, service, path, key in OF_PROJECTS:
        if _has(session, service):
            yield kind, [one for owner in (session, user.session)
                         for one in _listed(service_api(owner, service), path, key)]
    yield from _identity(identity(session, cloud.auth_url))


def _listed(api: adapter.Adapter, path: str, key: str) -> list[dict[str, Any]]:
    found = api.get(path, headers=CLIENT).json()
    things: list[dict[str, Any]] = found[key] if key else found
    return things


def _has(session: Any, service: str) -> bool:
    """Whether the cloud was asked for with this service."""
    catalog = session.auth.get_access(session).service_catalog
    return bool(catalog.get_endpoint_data_list(service_type=service))


def _identity(keystone: adapter.Adapter) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for kind in ('users', 'groups', 'projects', 'domains', 'credentials', 'roles', 'regions', 'services',
                 'endpoints'):
        yield kind, keystone.get(f'/{kind}').json()[kind]
    yield 'trusts', keystone.get('/OS-TRUST/trusts').json()['trusts']
