"""Which addresses of a subnet are taken, and the next free one.

Purpose: allocate from pools in constant time, whatever the number of ports.
Invariant: a cache only; it is rebuilt from the ports table when asked about a
subnet for the first time. Neighbours: ``ports`` takes and gives back.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from heat.simcloud.inventory import Inventory
from heat.simcloud.routing import Fault, Row


class AddressPlan:
    """Taken addresses by subnet id."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._taken: dict[str, set[int]] = {}
        self._next: dict[str, int] = {}

    def _known(self, subnet: Row) -> set[int]:
        taken = self._taken.get(subnet['id'])
        if taken is None:
            taken = {
                int(ipaddress.ip_address(fixed['ip_address']))
                for port in self._inventory.ports.where('network_id', subnet['network_id'])
                for fixed in port['fixed_ips']
                if fixed['subnet_id'] == subnet['id']
            }
            self._taken[subnet['id']] = taken
        return taken

    def take(self, subnet: Row, wanted: str | None = None) -> str:
        """An address of ``subnet``, marked as taken. Fault 400 or 409."""
        taken = self._known(subnet)
        if wanted is not None:
            number = int(address(wanted))
            if address(wanted) not in ipaddress.ip_network(subnet['cidr']):
                raise Fault(
                    400,
                    f'IP address {wanted} is not a valid IP for the specified subnet.',
                    'InvalidIpForSubnet',
                )
            if number in taken:
                raise Fault(
                    409,
                    f'IP address {wanted} already allocated in subnet {subnet["id"]}',
                    'IpAddressAlreadyAllocated',
                )
            taken.add(number)
            return str(address(wanted))
        gateway = int(address(subnet['gateway_ip'])) if subnet['gateway_ip'] else -1
        start = self._next.get(subnet['id'], 0)
        pools = [
            (int(address(pool['start'])), int(address(pool['end']))) for pool in subnet['allocation_pools']
        ]
        for lowest in (start, 0):
            for first, last in pools:
                for number in range(max(first, lowest), last + 1):
                    if number not in taken and number != gateway:
                        taken.add(number)
                        self._next[subnet['id']] = number + 1
                        return str(address(number, subnet['ip_version']))
        raise Fault(
            409,
            f'No more IP addresses available on network {subnet["network_id"]}.',
            'IpAddressGenerationFailure',
        )

    def give_back(self, subnet_id: str, text: str) -> None:
        if subnet_id in self._taken:
            self._taken[subnet_id].discard(int(address(text)))

    def forget(self, subnet_id: str) -> None:
        self._taken.pop(subnet_id, None)
        self._next.pop(subnet_id, None)


def address(value: Any, version: int | None = None) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address; Fault 400 when it is none."""
    try:
        if isinstance(value, int):
            return ipaddress.IPv6Address(value) if version == 6 else ipaddress.IPv4Address(value)
        return ipaddress.ip_address(value)
    except ValueError as exc:
        raise Fault(400, f"Invalid input: '{value}' is not a valid IP address.", 'HTTPBadRequest') from exc


def prefix(value: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The network of a CIDR text; Fault 400 when it is none."""
    try:
        return ipaddress.ip_network(value)
    except ValueError as exc:
        raise Fault(
            400, f"Invalid input for cidr. Reason: '{value}' is not a valid IP subnet.", 'HTTPBadRequest'
        ) from exc
