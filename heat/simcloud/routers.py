"""Routers, their interfaces and gateways, and floating IPs.

Purpose: the layer-3 part of the network service. Invariant: a floating IP is
associated only while a router joins its external network with the port's
subnet; the order this forces on creation and deletion is Neutron's. Neighbours:
``ports`` makes the router's ports, ``network`` mounts the routes.
"""

from __future__ import annotations

from typing import Any

from heat.simcloud.addresses import address, prefix
from heat.simcloud.netrows import KINDS, body, fill, found, listing, save, shown
from heat.simcloud.ports import change_port, new_port, remove_port, touch_device
from heat.simcloud.routing import Call, Fault, Reply, Row

ROUTER, FLOATING = KINDS['routers'], KINDS['floatingips']
INTERFACE, GATEWAY = 'network:router_interface', 'network:router_gateway'


def ports_of(call: Call, router_id: str, owner: str) -> list[Row]:
    return [port for port in call.inv.ports.where('device_id', router_id) if port['device_owner'] == owner]


def served(call: Call, router: Row, floating: Row) -> bool:
    return bool(floating['router_id'] == router['id'] and floating['port_id'])


def set_gateway(call: Call, router: Row, info: Any) -> None:
    """Bring the gateway to ``info`` (None or {} clears it). Fault 400, 404 or 409."""
    old = ports_of(call, router['id'], GATEWAY)
    network_id = (info or {}).get('network_id')
    moved = bool(old) and network_id != old[0]['network_id']
    if moved and any(served(call, router, floating) for floating in call.inv.floatingips.all()):
        raise Fault(
            409,
            f'Gateway cannot be updated for router {router["id"]}, since a gateway to external '
            f'network {old[0]["network_id"]} is required by one or more floating IPs.',
            'RouterExternalGatewayInUseByFloatingIp',
        )
    if not network_id:
        if info:
            raise Fault(
                400, 'Invalid input for external_gateway_info: network_id is required.', 'HTTPBadRequest'
            )
        for port in old:
            remove_port(call, port)
        router['external_gateway_info'] = None
        return
    unknown = set(info) - {'network_id', 'enable_snat', 'external_fixed_ips', 'qos_policy_id'}
    if unknown:
        raise Fault(
            400,
            f'Invalid input for external_gateway_info. Reason: Unexpected keys supplied: '
            f'{", ".join(sorted(unknown))}.',
            'HTTPBadRequest',
        )
    network = found(call, 'networks', network_id)
    if not network['router:external']:
        raise Fault(
            400, f'Bad router request: Network {network_id} is not an external network.', 'BadRequest'
        )
    wanted = info.get('external_fixed_ips')
    if old and old[0]['network_id'] == network_id:
        port = old[0]
        if wanted:
            change_port(call, port, {'fixed_ips': wanted})
    else:
        for gone in old:
            remove_port(call, gone)
        port = new_port(
            call,
            {
                'network_id': network_id,
                'project_id': '',
                'device_id': router['id'],
                'device_owner': GATEWAY,
                'fixed_ips': wanted,
                'security_groups': [],
            },
        )
    router['external_gateway_info'] = {
        'network_id': network_id,
        'enable_snat': info.get('enable_snat', True),
        'external_fixed_ips': port['fixed_ips'],
    }


def list_routers(call: Call) -> Reply:
    return listing(call, 'routers')


def create_router(call: Call) -> Reply:
    wanted = body(call, ROUTER, 'POST')
    for key in ('distributed', 'ha'):
        if key in wanted:
            call.need_admin(f'create_router:{key}')
    info = wanted.pop('external_gateway_info', None)
    router = fill(call, ROUTER, wanted)
    router.update(status='ACTIVE', external_gateway_info=None, availability_zones=[])
    if info:
        set_gateway(call, router, info)
    call.inv.routers.put(router)
    return Reply(201, {'router': shown(call, router)})


def get_router(call: Call) -> Reply:
    return Reply(200, {'router': shown(call, found(call, 'routers', call.args['id']))})


def update_router(call: Call) -> Reply:
    router = found(call, 'routers', call.args['id'], owned=True)
    wanted = body(call, ROUTER, 'PUT')
    if 'external_gateway_info' in wanted:
        set_gateway(call, router, wanted.pop('external_gateway_info'))
    save(call, ROUTER, router, wanted)
    return Reply(200, {'router': shown(call, router)})


def delete_router(call: Call) -> Reply:
    router = found(call, 'routers', call.args['id'], owned=True)
    if ports_of(call, router['id'], INTERFACE):
        raise Fault(409, f'Router {router["id"]} still has ports', 'RouterInUse')
    set_gateway(call, router, None)
    call.inv.routers.drop(router['id'])
    return Reply(204)


def interface(call: Call, router: Row, port: Row) -> Reply:
    subnets = [fixed['subnet_id'] for fixed in port['fixed_ips']]
    return Reply(
        200,
        {
            'id': router['id'],
            'project_id': router['project_id'],
            'tenant_id': router['project_id'],
            'port_id': port['id'],
            'network_id': port['network_id'],
            'subnet_id': subnets[0] if subnets else None,
            'subnet_ids': subnets,
        },
    )


def add_interface(call: Call) -> Reply:
    router = found(call, 'routers', call.args['id'], owned=True)
    wanted = call.json()
    subnet_id, port_id = wanted.get('subnet_id'), wanted.get('port_id')
    if bool(subnet_id) == bool(port_id):
        raise Fault(
            400,
            'Bad router request: Either subnet_id or port_id must be specified, and not both.',
            'BadRequest',
        )
    port = found(call, 'ports', port_id, owned=True) if port_id else None
    if port is not None:
        if port['device_id']:
            raise Fault(
                409,
                f'Unable to complete operation on port {port_id} for network {port["network_id"]}. '
                f'Port already has an attached device {port["device_id"]}.',
                'PortInUse',
            )
        if not port['fixed_ips']:
            raise Fault(400, 'Bad router request: Router port must have at least one fixed IP', 'BadRequest')
        subnet_id = port['fixed_ips'][0]['subnet_id']
    subnet = found(call, 'subnets', subnet_id)
    _check_overlap(call, router, subnet)
    if port is None:
        if not subnet['gateway_ip']:
            raise Fault(
                400, 'Bad router request: Subnet for router interface must have a gateway IP', 'BadRequest'
            )
        port = new_port(
            call,
            {
                'network_id': subnet['network_id'],
                'project_id': router['project_id'],
                'device_id': router['id'],
                'device_owner': INTERFACE,
                'security_groups': [],
                'fixed_ips': [{'subnet_id': subnet['id'], 'ip_address': subnet['gateway_ip']}],
            },
        )
    else:
        change_port(call, port, {'device_id': router['id'], 'device_owner': INTERFACE, 'status': 'ACTIVE'})
    return interface(call, router, port)


def add_routes(call: Call) -> Reply:
    """Those that are there already stay as they are."""
    router = found(call, 'routers', call.args['id'], owned=True)
    wanted = _routes(call)
    inside = [
        prefix(call.inv.subnets.rows[fixed['subnet_id']]['cidr'])
        for owner in (INTERFACE, GATEWAY)
        for port in ports_of(call, router['id'], owner)
        for fixed in port['fixed_ips']
    ]
    if any(not any(address(one['nexthop']) in cidr for cidr in inside) for one in wanted):
        raise Fault(
            400,
            f'Invalid format for routes: {wanted}, the nexthop is not connected with router',
            'InvalidRoutes',
        )
    routes = router['routes'] + [one for one in wanted if one not in router['routes']]
    save(call, ROUTER, router, {'routes': routes})
    return Reply(200, {'router': shown(call, router)})


def remove_routes(call: Call) -> Reply:
    router = found(call, 'routers', call.args['id'], owned=True)
    wanted = _routes(call)
    save(call, ROUTER, router, {'routes': [one for one in router['routes'] if one not in wanted]})
    return Reply(200, {'router': shown(call, router)})


def _routes(call: Call) -> list[Row]:
    return [dict(one) for one in call.json().get('router', {}).get('routes', [])]


def _check_overlap(call: Call, router: Row, subnet: Row) -> None:
    for port in ports_of(call, router['id'], INTERFACE):
        for fixed in port['fixed_ips']:
            other = call.inv.subnets.rows[fixed['subnet_id']]
            if other['id'] == subnet['id']:
                raise Fault(
                    400,
                    f'Bad router request: Router already has a port on subnet {subnet["id"]}.',
                    'BadRequest',
                )
            one, two = prefix(other['cidr']), prefix(subnet['cidr'])
            if one.version == two.version and one.overlaps(two):
                raise Fault(
                    400,
                    f'Bad router request: Cidr {subnet["cidr"]} of subnet {subnet["id"]} overlaps with '
                    f'cidr {other["cidr"]} of subnet {other["id"]}.',
                    'BadRequest',
                )


def remove_interface(call: Call) -> Reply:
    router = found(call, 'routers', call.args['id'], owned=True)
    wanted = call.json()
    subnet_id, port_id = wanted.get('subnet_id'), wanted.get('port_id')
    if not subnet_id and not port_id:
        raise Fault(400, 'Bad router request: Either subnet_id or port_id must be specified', 'BadRequest')
    for port in ports_of(call, router['id'], INTERFACE):
        subnets = [fixed['subnet_id'] for fixed in port['fixed_ips']]
        if port_id not in (None, port['id']) or (subnet_id and subnet_id not in subnets):
            continue
        cidrs = [prefix(call.inv.subnets.rows[one]['cidr']) for one in subnets]
        if any(address(route['nexthop']) in cidr for route in router['routes'] for cidr in cidrs):
            raise Fault(
                409,
                f'Router interface for subnet {subnets[0]} on router {router["id"]} cannot be deleted, as it '
                'is required by one or more routes.',
                'RouterInterfaceInUseByRoute',
            )
        for floating in call.inv.floatingips.where('project_id', router['project_id']):
            inner = call.inv.ports.get(floating['port_id']) if floating['port_id'] else None
            if (
                inner
                and served(call, router, floating)
                and any(
                    fixed['subnet_id'] in subnets and fixed['ip_address'] == floating['fixed_ip_address']
                    for fixed in inner['fixed_ips']
                )
            ):
                raise Fault(
                    409,
                    f'Router interface for subnet {subnets[0]} on router {router["id"]} cannot be '
                    'deleted, as it is required by one or more floating IPs.',
                    'RouterInterfaceInUseByFloatingIP',
                )
        reply = interface(call, router, port)
        remove_port(call, port)
        return reply
    if subnet_id:
        found(call, 'subnets', subnet_id)
        raise Fault(
            404,
            f'Router {router["id"]} has no interface on subnet {subnet_id}',
            'RouterInterfaceNotFoundForSubnet',
        )
    raise Fault(
        404, f'Router {router["id"]} does not have an interface with id {port_id}', 'RouterInterfaceNotFound'
    )


def associate(call: Call, floating: Row, port_id: str | None, fixed_ip: str | None) -> None:
    """Point the floating IP at a port (None: nowhere). Fault 400, 404 or 409."""
    before = call.inv.ports.get(floating.get('port_id')) if floating.get('port_id') else None
    if before:
        touch_device(call, before['device_id'])
    if port_id is None:
        floating.update(port_id=None, fixed_ip_address=None, router_id=None, status='DOWN')
        return
    port = found(call, 'ports', port_id)
    inner = [
        fixed
        for fixed in port['fixed_ips']
        if ':' not in fixed['ip_address'] and fixed_ip in (None, fixed['ip_address'])
    ]
    if not inner:
        raise Fault(
            400,
            f'Bad floatingip request: Port {port_id} does not have fixed ip {fixed_ip}.'
            if fixed_ip
            else f'Bad floatingip request: Cannot add floating IP to port {port_id} that has '
            'no fixed IPv4 addresses.',
            'BadRequest',
        )
    router_id = _path(call, inner[0]['subnet_id'], floating['floating_network_id'])
    if router_id is None:
        raise Fault(
            404,
            f'External network {floating["floating_network_id"]} is not reachable from subnet '
            f'{inner[0]["subnet_id"]}. Therefore, cannot associate Port {port_id} with a Floating IP.',
            'ExternalGatewayForFloatingIPNotFound',
        )
    for other in call.inv.floatingips.where('port_id', port_id):
        if (
            other['id'] != floating['id']
            and other['fixed_ip_address'] == inner[0]['ip_address']
            and other['floating_network_id'] == floating['floating_network_id']
        ):
            raise Fault(
                409,
                f'Cannot associate floating IP {floating["floating_ip_address"]} ({floating["id"]}) with '
                f'port {port_id} using fixed IP {inner[0]["ip_address"]}, as that fixed IP already has '
                'a floating IP on external network '
                f'{floating["floating_network_id"]}.',
                'FloatingIPPortAlreadyAssociated',
            )
    floating.update(
        port_id=port_id, fixed_ip_address=inner[0]['ip_address'], router_id=router_id, status='ACTIVE'
    )
    touch_device(call, port['device_id'])


def _path(call: Call, subnet_id: str, external_id: str) -> str | None:
    subnet = call.inv.subnets.rows[subnet_id]
    for port in call.inv.ports.where('network_id', subnet['network_id']):
        if port['device_owner'] == INTERFACE and any(
            fixed['subnet_id'] == subnet_id for fixed in port['fixed_ips']
        ):
            for gateway in ports_of(call, port['device_id'], GATEWAY):
                if gateway['network_id'] == external_id:
                    return str(port['device_id'])
    return None


def details(call: Call, floating: Row) -> Row:
    port = call.inv.ports.get(floating['port_id']) if floating['port_id'] else None
    return {
        'port_details': {
            key: port[key]
            for key in (
                'name',
                'network_id',
                'mac_address',
                'admin_state_up',
                'status',
                'device_id',
                'device_owner',
            )
        }
        if port
        else None
    }


def list_floating(call: Call) -> Reply:
    return listing(call, 'floatingips', details)


def create_floating(call: Call) -> Reply:
    wanted = body(call, FLOATING, 'POST')
    network = found(call, 'networks', wanted.get('floating_network_id'))
    if not network['router:external']:
        raise Fault(
            400,
            f'Bad floatingip request: Network {network["id"]} is not a valid external network.',
            'BadRequest',
        )
    port_id, fixed_ip = wanted.pop('port_id', None), wanted.pop('fixed_ip_address', None)
    asked, subnet_id = wanted.get('floating_ip_address'), wanted.pop('subnet_id', None)
    floating = fill(call, FLOATING, wanted)
    floating.pop('subnet_id')
    floating.update(router_id=None, status='DOWN')
    if port_id:
        associate(call, floating, port_id, fixed_ip)
    place = {key: value for key, value in (('subnet_id', subnet_id), ('ip_address', asked)) if value}
    outer = new_port(
        call,
        {
            'network_id': network['id'],
            'project_id': '',
            'device_id': floating['id'],
            'device_owner': 'network:floatingip',
            'fixed_ips': [place] if place else None,
            'security_groups': [],
        },
    )
    if not outer['fixed_ips']:
        remove_port(call, outer)
        raise Fault(
            400,
            f'Bad floatingip request: Network {network["id"]} does not contain any IPv4 subnet.',
            'BadRequest',
        )
    floating['floating_ip_address'] = outer['fixed_ips'][0]['ip_address']
    call.inv.floatingips.put(floating)
    return Reply(201, {'floatingip': shown(call, floating, details)})


def get_floating(call: Call) -> Reply:
    return Reply(200, {'floatingip': shown(call, found(call, 'floatingips', call.args['id']), details)})


def update_floating(call: Call) -> Reply:
    floating = found(call, 'floatingips', call.args['id'], owned=True)
    wanted = body(call, FLOATING, 'PUT')
    if 'port_id' in wanted or 'fixed_ip_address' in wanted:
        associate(call, floating, wanted.get('port_id', floating['port_id']), wanted.get('fixed_ip_address'))
    save(call, FLOATING, floating, {'description': wanted.get('description', floating['description'])})
    return Reply(200, {'floatingip': shown(call, floating, details)})


def delete_floating(call: Call) -> Reply:
    floating = found(call, 'floatingips', call.args['id'], owned=True)
    associate(call, floating, None, None)
    for port in call.inv.ports.where('device_id', floating['id']):
        remove_port(call, port)
    call.inv.floatingips.drop(floating['id'])
    return Reply(204)


ROUTES = [
    ('GET', '/v2.0/routers', list_routers),
    ('POST', '/v2.0/routers', create_router),
    ('GET', '/v2.0/routers/{id}', get_router),
    ('PUT', '/v2.0/routers/{id}', update_router),
    ('DELETE', '/v2.0/routers/{id}', delete_router),
    ('PUT', '/v2.0/routers/{id}/add_router_interface', add_interface),
    ('PUT', '/v2.0/routers/{id}/remove_router_interface', remove_interface),
    ('PUT', '/v2.0/routers/{id}/add_extraroutes', add_routes),
    ('PUT', '/v2.0/routers/{id}/remove_extraroutes', remove_routes),
    ('GET', '/v2.0/floatingips', list_floating),
    ('POST', '/v2.0/floatingips', create_floating),
    ('GET', '/v2.0/floatingips/{id}', get_floating),
    ('PUT', '/v2.0/floatingips/{id}', update_floating),
    ('DELETE', '/v2.0/floatingips/{id}', delete_floating),
]
