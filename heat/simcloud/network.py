"""Network v2.0 (Neutron): networks, subnets, extensions, quotas; mounts the rest.

Purpose: the routes under ``/network``. Invariant: a network or subnet in use
stays, and overlapping subnets of one network are refused. Neighbours: ``ports``,
``routers``, ``secgroups`` bring their own routes; ``netrows`` the shared code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heat.simcloud import netrows, ports, routers, secgroups
from heat.simcloud.addresses import address, prefix
from heat.simcloud.netrows import KINDS, body, fill, found, listing, save, shown
from heat.simcloud.routing import Call, Fault, Reply, Row, Service

if TYPE_CHECKING:
    from heat.simcloud.server import SimCloud

NETWORK, SUBNET = KINDS['networks'], KINDS['subnets']
EXTENSIONS = {
    'security-group': 'security-group',
    'router': 'Neutron L3 Router',
    'external-net': 'Neutron external network',
    'port-security': 'Port Security',
    'standard-attr-tag': 'Tag support for resources with standard attribute',
    'l3_agent_scheduler': 'L3 Agent Scheduler',
    'extra_dhcp_opt': 'Neutron Extra DHCP options',
    'allowed-address-pairs': 'Allowed Address Pairs',
    'ext-gw-mode': 'Neutron L3 Configurable external gateway mode',
    'extraroute': 'Neutron Extra Route',
    'extraroute-atomic': 'Atomically add/remove extra routes',
    'binding': 'Port Binding',
    'quotas': 'Quota management support',
    'dns-integration': 'DNS Integration',
    'provider': 'Provider Network',
    'net-mtu': 'Network MTU',
    'standard-attr-description': 'standard-attr-description',
    'standard-attr-timestamp': 'Resource timestamps',
    'standard-attr-revisions': 'Resource revision numbers',
    'project-id': 'project_id field enabled',
    'subnet-service-types': 'Subnet service types',
    'fip-port-details': 'Floating IP Port Details Extension',
}
QUOTA = {
    'network': 100,
    'subnet': 100,
    'port': 500,
    'router': 10,
    'floatingip': 50,
    'security_group': 10,
    'security_group_rule': 100,
}


def render_fault(fault: Fault) -> Row:
    kind = fault.kind or {401: 'HTTPUnauthorized', 404: 'HTTPNotFound'}.get(fault.status, 'HTTPBadRequest')
    return {'NeutronError': {'type': kind, 'message': fault.message, 'detail': ''}}


def plant(cloud: SimCloud, project_id: str) -> None:
    """The external network ``public`` of a new cloud, 172.24.4.0/24."""
    call = Call.of_cloud(cloud, SERVICE)
    network = new_network(call, {'name': 'public', 'router:external': True, 'project_id': project_id})
    new_subnet(
        call,
        {
            'name': 'public-subnet',
            'network_id': network['id'],
            'cidr': '172.24.4.0/24',
            'gateway_ip': '172.24.4.1',
            'enable_dhcp': False,
            'project_id': project_id,
            'allocation_pools': [{'start': '172.24.4.2', 'end': '172.24.4.254'}],
        },
    )


def versions(call: Call) -> Reply:
    return Reply(
        200,
        {
            'versions': [
                {'id': 'v2.0', 'status': 'CURRENT', 'links': [{'rel': 'self', 'href': call.url('/v2.0/')}]}
            ]
        },
    )


def resources(call: Call) -> Reply:
    return Reply(
        200,
        {
            'resources': [
                {
                    'name': kind.noun,
                    'collection': kind.plural,
                    'links': [{'rel': 'self', 'href': call.url(f'/v2.0/{kind.plural}')}],
                }
                for kind in KINDS.values()
            ]
        },
    )


def with_subnets(call: Call, network: Row) -> Row:
    return {'subnets': [row['id'] for row in call.inv.subnets.where('network_id', network['id'])]}


def new_network(call: Call, wanted: Row) -> Row:
    network = fill(call, NETWORK, wanted)
    network.update(
        status='ACTIVE', availability_zones=['nova'], ipv4_address_scope=None, ipv6_address_scope=None
    )
    network['provider:network_type'] = network['provider:network_type'] or 'geneve'
    if network['dns_domain'] and not network['dns_domain'].endswith('.'):
        raise Fault(
            400,
            f"Invalid input for dns_domain. Reason: '{network['dns_domain']}' is not a FQDN.",
            'HTTPBadRequest',
        )
    return call.inv.networks.put(network)


def list_networks(call: Call) -> Reply:
    return listing(call, 'networks', with_subnets)


def create_network(call: Call) -> Reply:
    wanted = body(call, NETWORK, 'POST')
    for key in ('router:external', 'shared', *netrows.ADMIN_ONLY):
        if wanted.get(key) and not call.admin:
            raise Fault(403, f'rule:create_network:{key} is disallowed by policy', 'PolicyNotAuthorized')
    return Reply(201, {'network': shown(call, new_network(call, wanted), with_subnets)})


def get_network(call: Call) -> Reply:
    return Reply(200, {'network': shown(call, found(call, 'networks', call.args['id']), with_subnets)})


def update_network(call: Call) -> Reply:
    network = found(call, 'networks', call.args['id'], owned=True)
    save(call, NETWORK, network, body(call, NETWORK, 'PUT'))
    return Reply(200, {'network': shown(call, network, with_subnets)})


def delete_network(call: Call) -> Reply:
    network = found(call, 'networks', call.args['id'], owned=True)
    used = [port['id'] for port in call.inv.ports.where('network_id', network['id'])]
    if used:
        raise Fault(
            409,
            f'Unable to complete operation on network {network["id"]}. There are one or more ports '
            f'still in use on the network, id of port(s) in use: {", ".join(used[:5])}.',
            'NetworkInUse',
        )
    for subnet in call.inv.subnets.where('network_id', network['id']):
        call.cloud.addresses.forget(subnet['id'])
        call.inv.subnets.drop(subnet['id'])
    call.inv.networks.drop(network['id'])
    return Reply(204)


def new_subnet(call: Call, wanted: Row) -> Row:
    """Make a subnet from checked attributes. Fault 400 or 404."""
    network = found(call, 'networks', wanted.get('network_id'))
    subnet = fill(call, SUBNET, wanted)
    if not subnet['cidr']:
        raise Fault(
            400, 'Bad subnets request: a subnetpool must be specified in the absence of a cidr.', 'BadRequest'
        )
    block = prefix(subnet['cidr'])
    if block.version != subnet['ip_version']:
        raise Fault(
            400,
            f"Invalid input for operation: cidr '{subnet['cidr']}' does not match the ip_version "
            f"'{subnet['ip_version']}'.",
            'InvalidInput',
        )
    for other in call.inv.subnets.where('network_id', network['id']):
        if prefix(other['cidr']).overlaps(block):
            raise Fault(
                400,
                f'Invalid input for operation: Requested subnet with cidr: {subnet["cidr"]} for network: '
                f'{network["id"]} overlaps with another subnet.',
                'InvalidInput',
            )
    if subnet['gateway_ip'] == '':
        subnet['gateway_ip'] = str(block[1])
    elif subnet['gateway_ip']:
        subnet['gateway_ip'] = str(address(subnet['gateway_ip']))
    subnet['allocation_pools'] = _pools(subnet, block)
    subnet['subnetpool_id'] = None
    return call.inv.subnets.put(subnet)


def _pools(subnet: Row, block: Any) -> list[Row]:
    if subnet['allocation_pools'] is not None:
        for pool in subnet['allocation_pools']:
            start, end = address(pool.get('start')), address(pool.get('end'))
            if int(start) > int(end) or start not in block or end not in block:
                raise Fault(
                    400,
                    f'The allocation pool {start}-{end} spans beyond the subnet cidr {block}.',
                    'OutOfBoundsAllocationPool',
                )
        return list(subnet['allocation_pools'])
    first, last = int(block[1]), int(block[-1]) - (1 if block.version == 4 else 0)
    if block.num_addresses <= 2:
        first, last = int(block[0]), int(block[-1])
    gateway = int(address(subnet['gateway_ip'])) if subnet['gateway_ip'] else None
    pieces = [(first, last)]
    if gateway is not None and first <= gateway <= last:
        pieces = [(first, gateway - 1), (gateway + 1, last)]
    return [
        {'start': str(address(low, block.version)), 'end': str(address(high, block.version))}
        for low, high in pieces
        if low <= high
    ]


def list_subnets(call: Call) -> Reply:
    return listing(call, 'subnets')


def create_subnet(call: Call) -> Reply:
    wanted = body(call, SUBNET, 'POST')
    found(call, 'networks', wanted.get('network_id'), owned=True)
    return Reply(201, {'subnet': shown(call, new_subnet(call, wanted))})


def get_subnet(call: Call) -> Reply:
    return Reply(200, {'subnet': shown(call, found(call, 'subnets', call.args['id']))})


def update_subnet(call: Call) -> Reply:
    subnet = found(call, 'subnets', call.args['id'], owned=True)
    wanted = body(call, SUBNET, 'PUT')
    if 'allocation_pools' in wanted:
        _pools({**subnet, **wanted}, prefix(subnet['cidr']))
    if 'gateway_ip' in wanted and wanted['gateway_ip'] != subnet['gateway_ip']:
        for port in call.inv.ports.where('network_id', subnet['network_id']):
            if port['device_owner'] == routers.INTERFACE and any(
                fixed['ip_address'] == subnet['gateway_ip'] for fixed in port['fixed_ips']
            ):
                raise Fault(
                    409,
                    f'Gateway ip {subnet["gateway_ip"]} already in use by port {port["id"]}.',
                    'GatewayIpInUse',
                )
    save(call, SUBNET, subnet, wanted)
    return Reply(200, {'subnet': shown(call, subnet)})


def delete_subnet(call: Call) -> Reply:
    subnet = found(call, 'subnets', call.args['id'], owned=True)
    for port in call.inv.ports.where('network_id', subnet['network_id']):
        if any(fixed['subnet_id'] == subnet['id'] for fixed in port['fixed_ips']):
            raise Fault(
                409,
                f'Unable to complete operation on subnet {subnet["id"]}: One or more ports have an IP '
                'allocation from this subnet.',
                'SubnetInUse',
            )
    call.cloud.addresses.forget(subnet['id'])
    call.inv.subnets.drop(subnet['id'])
    return Reply(204)


def extension(alias: str) -> Row:
    return {
        'alias': alias,
        'name': EXTENSIONS[alias],
        'description': EXTENSIONS[alias],
        'links': [],
        'updated': '2020-01-01T00:00:00-00:00',
    }


def list_extensions(_call: Call) -> Reply:
    return Reply(200, {'extensions': [extension(alias) for alias in EXTENSIONS]})


def get_extension(call: Call) -> Reply:
    if call.args['alias'] not in EXTENSIONS:
        raise Fault(404, f'Extension with alias {call.args["alias"]} does not exist', 'ExtensionNotFound')
    return Reply(200, {'extension': extension(call.args['alias'])})


def show_quota(call: Call) -> Reply:
    if call.args['id'] != call.project:
        call.need_admin('get_quota')
    return Reply(200, {'quota': {**QUOTA, 'port': call.cloud.settings.quota_ports or -1}})


def list_zones(_call: Call) -> Reply:
    return Reply(
        200,
        {
            'availability_zones': [
                {'name': 'nova', 'resource': kind, 'state': 'available'} for kind in ('network', 'router')
            ]
        },
    )


ROUTES = [
    ('GET', '/', versions),
    ('GET', '/v2.0', resources),
    ('GET', '/v2.0/networks', list_networks),
    ('POST', '/v2.0/networks', create_network),
    ('GET', '/v2.0/networks/{id}', get_network),
    ('PUT', '/v2.0/networks/{id}', update_network),
    ('DELETE', '/v2.0/networks/{id}', delete_network),
    ('GET', '/v2.0/subnets', list_subnets),
    ('POST', '/v2.0/subnets', create_subnet),
    ('GET', '/v2.0/subnets/{id}', get_subnet),
    ('PUT', '/v2.0/subnets/{id}', update_subnet),
    ('DELETE', '/v2.0/subnets/{id}', delete_subnet),
    ('GET', '/v2.0/extensions', list_extensions),
    ('GET', '/v2.0/extensions/{alias}', get_extension),
    ('GET', '/v2.0/quotas/{id}', show_quota),
    ('GET', '/v2.0/quotas/{id}/default', show_quota),
    ('GET', '/v2.0/availability_zones', list_zones),
    ('PUT', '/v2.0/{kind}/{id}/tags', netrows.set_tags),
    ('GET', '/v2.0/{kind}/{id}/tags', netrows.get_tags),
    ('DELETE', '/v2.0/{kind}/{id}/tags', netrows.clear_tags),
    ('PUT', '/v2.0/{kind}/{id}/tags/{tag}', netrows.add_tag),
    ('DELETE', '/v2.0/{kind}/{id}/tags/{tag}', netrows.remove_tag),
    *ports.ROUTES,
    *routers.ROUTES,
    *secgroups.ROUTES,
]
SERVICE = Service('network', '/network', ROUTES, render_fault, public=('GET /', 'GET /v2.0'))
