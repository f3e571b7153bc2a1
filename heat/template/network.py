"""Fn::Cidr: consecutive blocks of a network.

Purpose: ``[block, count, bits]`` into a list of blocks. Invariant: pure; the bits are
those of the hosts, so IPv4 blocks have a mask of 32 - bits and IPv6 blocks of 128 - bits.
Neighbours: ``functions_aws`` lists the builder.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from heat.template.expr import Apply, Expr
from heat.template.functions import Path

if TYPE_CHECKING:
    from heat.template.compile import Unit

MOST = 256


def cidr(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if not isinstance(args, list) or len(args) not in (2, 3):
        return unit.fault(path, f'Arguments to "{name}" must be of the form [ip_block, count, cidr_bits]')
    try:
        _literal(name, args)
    except ValueError as error:
        return unit.fault(path, str(error))
    return Apply(name, unit.node(args, path), lambda values: blocks(name, values))


def _literal(name: str, args: list[Any]) -> None:
    """ValueError if a literal argument cannot be right whatever the others are."""
    if isinstance(args[0], str):
        _network(name, args[0])
    elif not isinstance(args[0], dict):
        raise ValueError(f'The block of "{name}" must be a string')
    if not isinstance(args[1], dict):
        _whole(name, 'count', args[1], 1, MOST)
    if len(args) == 3 and not isinstance(args[2], dict):
        _whole(name, 'cidr_bits', args[2], 1, 128)


def blocks(name: str, args: Any) -> list[str]:
    """The blocks, from the start of the network on.

    Without bits the blocks are as large as that many of them can be.
    """
    if not isinstance(args, list) or len(args) not in (2, 3):
        raise ValueError(f'Arguments to "{name}" must be of the form [ip_block, count, cidr_bits]')
    network = _network(name, args[0])
    count = _whole(name, 'count', args[1], 1, MOST)
    width = network.max_prefixlen
    if len(args) == 3:
        bits = _whole(name, 'cidr_bits', args[2], 1, width)
    else:
        bits = width - network.prefixlen - (count - 1).bit_length()
    room = width - network.prefixlen - bits
    if bits < 0 or room < 0 or count > 1 << room:
        fitting = 1 << room if bits >= 0 and room >= 0 else 0
        raise ValueError(f'"{name}": {count} blocks of {bits} bits do not fit into {args[0]}, '
                         f'{fitting} would')
    first = int(network.network_address)
    kind = ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address
    return [f'{kind(first + (number << bits))}/{width - bits}' for number in range(count)]


def _network(name: str, block: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if not isinstance(block, str) or '/' not in block:
        raise ValueError(f'The block of "{name}" must be a network like 10.0.0.0/16')
    try:
        return ipaddress.ip_network(block, strict=False)
    except ValueError:
        raise ValueError(f'The block of "{name}" must be a network like 10.0.0.0/16, not "{block}"') from None


def _whole(name: str, what: str, value: Any, low: int, high: int) -> int:
    try:
        number = int(value) if not isinstance(value, (bool, float)) else None
    except (ValueError, TypeError):
        number = None
    if number is None or not low <= number <= high:
        raise ValueError(f'The {what} of "{name}" must be a whole number from {low} to {high}')
    return number
