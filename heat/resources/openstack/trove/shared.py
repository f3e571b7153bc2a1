"""What servers with databases and clusters of them share.

Purpose: their networks, datastores, and the rules for both. Invariant: pure. Neighbours: the types
beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import Adopt
from heat.resources.openstack.journal import made_since
from heat.resources.rest import Rest
from heat.schema import UNKNOWN, Map, Property, String

DONE = ('ACTIVE', 'HEALTHY')
BROKEN = ('ERROR', 'FAILED')
WHO = ('network', 'port')


class Trove(Rest):
    """A row of a collection of the database service."""

    service = 'database'

    def adopt(self, body: dict[str, Any]) -> Adopt:
        name, recent = body['name'], made_since(self, 'created')
        return Adopt(self.path, self.plural or f'{self.key}s',
                     lambda found: found.get('name') == name and recent(found))


def network() -> Property:
    return Map(keys={
        'network': String('Network.', is_a='neutron.network', wire='net-id'),
        'port': String('Port, where the service takes one.', is_a='neutron.port', wire='port-id'),
        'fixed_ip': String('Address in the network.', check='ip_addr', wire='ip_address')})


def network_faults(networks: Any) -> Iterable[str]:
    for one in networks if isinstance(networks, list) else ():
        if not isinstance(one, Mapping):
            continue
        given = [name for name in WHO if one.get(name) is not None]
        if len(given) != 1:
            yield 'Either network or port must be provided.'
        elif given == ['port'] and one.get('fixed_ip') is not None:
            yield 'fixed_ip can be given with a network only: a port has its address.'


def datastore(props: Mapping[str, Any]) -> dict[str, Any]:
    kind = {'type': props.get('datastore_type'), 'version': props.get('datastore_version')}
    return {name: value for name, value in kind.items() if value is not None}


def names(things: Any) -> set[str] | None:
    """The names in a list of maps; None if not all are known yet."""
    if not isinstance(things, list | None):
        return None
    found = [one.get('name') if isinstance(one, Mapping) else UNKNOWN for one in things or ()]
    return None if UNKNOWN in found else {str(one) for one in found}
