"""What templates read from a server.

Purpose: the attributes that need more than the server's own body. Invariant:
reading changes nothing in the cloud. Neighbours: ``server_table`` declares
them, ``server`` is what they are read from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heat import schema
from heat.model.op import Call, CloudFault
from heat.resources.base import Resource, Steps

# type of console -> protocol, as the compute service pairs them
CONSOLES = {'novnc': 'vnc', 'spice-html5': 'spice', 'rdp-html5': 'rdp', 'serial': 'serial', 'webmks': 'mks'}
GONE_CONSOLES = ('xvpvnc',)


class Question(Call):
    """A POST that only asks: it needs no journal."""

    __slots__ = ()

    @property
    def mutating(self) -> bool:
        return False


def read(server: Resource, names: tuple[Any, ...]) -> Steps:
    """The attributes ``names``; ``['console_urls', type]`` asks for one console only."""
    body = yield Call('compute', 'GET', f'/servers/{server.id}', unwrap='server', label='show')
    plain = [name for name in names if isinstance(name, str)]
    found = schema.read(type(server).schema, body, plain)
    if 'networks' in found or 'addresses' in found:
        ports = yield Call('network', 'GET', '/ports', query={'device_id': server.id}, unwrap='ports',
                           label='ports')
        if 'networks' in found:
            found['networks'] = _networks(body, ports)
        if 'addresses' in found:
            found['addresses'] = yield from _addresses(body, ports)
    if 'first_address' in found:
        found['first_address'] = first_address(body)
    if 'os_collect_config' in found:
        found['os_collect_config'] = server.row.data.get('os-collect-config') or {}
    kinds = [name[1] for name in names if not isinstance(name, str) and name[0] == 'console_urls']
    if 'console_urls' in found:
        kinds = [*CONSOLES, *GONE_CONSOLES]
    if kinds:
        found['console_urls'] = yield from _consoles(server, kinds)
    return found


def first_address(body: Mapping[str, Any]) -> str:
    for addresses in (body.get('addresses') or {}).values():
        for one in addresses:
            return str(one['addr'])
    return ''


def _port_of(address: Mapping[str, Any], ports: list[dict[str, Any]]) -> dict[str, Any] | None:
    mac = address.get('OS-EXT-IPS-MAC:mac_addr')
    return next((port for port in ports if port.get('mac_address') == mac), None)


def _networks(body: Mapping[str, Any], ports: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Addresses by the network's name and by its id."""
    found: dict[str, list[str]] = {}
    for name, addresses in (body.get('addresses') or {}).items():
        found[name] = [one['addr'] for one in addresses]
        for one in addresses:
            port = _port_of(one, ports)
            if port is not None:
                found[port['network_id']] = found[name]
    return found


def _addresses(body: Mapping[str, Any], ports: list[dict[str, Any]]) -> Steps:
    """As ``_networks``, each address with its port, subnets and network."""
    ids = list(dict.fromkeys(port['network_id'] for port in ports))
    networks: dict[str, Any] = {}
    subnets: dict[str, Any] = {}
    if ids:
        listed = yield Call('network', 'GET', '/networks', query={'id': ids}, unwrap='networks',
                            label='networks')
        networks = {one['id']: one for one in listed}
        listed = yield Call('network', 'GET', '/subnets', query={'network_id': ids}, unwrap='subnets',
                            label='subnets')
        subnets = {one['id']: one for one in listed}
    found: dict[str, list[dict[str, Any]]] = {}
    for name, addresses in (body.get('addresses') or {}).items():
        shown = []
        for one in addresses:
            port = _port_of(one, ports)
            network = networks.get(port['network_id']) if port else None
            fixed_ips = port.get('fixed_ips') or () if port else ()
            shown.append({**one, 'port': port['id'] if port else None,
                          'subnets': [subnets[fixed['subnet_id']] for fixed in fixed_ips
                                      if fixed['subnet_id'] in subnets],
                          'network': {**network, 'subnets': [
                              subnet for subnet in subnets.values() if subnet['network_id'] == network['id']]}
                          if network else None})
            if network is not None:
                found[network['id']] = shown
        found[name] = shown
    return found


def _consoles(server: Resource, kinds: list[str]) -> Steps:
    found: dict[str, str] = {}
    for kind in kinds:
        if kind not in CONSOLES:
            found[kind] = f'Cannot get console url: there is no console type {kind} any more.'
            continue
        body = {'remote_console': {'protocol': CONSOLES[kind], 'type': kind}}
        try:
            answer = yield Question('compute', 'POST', f'/servers/{server.id}/remote-consoles', body,
                                    unwrap='remote_console', label=f'console {kind}')
            found[kind] = answer['url']
        except CloudFault as fault:
            found[kind] = f'Cannot get console url: {fault.message}'
    return found
