"""Servers that hold a database together.

Purpose: OS::Trove::Cluster. Invariant: a cluster is ready when all its servers are and it has no
task; it is deleted when no task is under way. Neighbours: ``shared`` has what servers have as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat import schema
from heat.model.op import Poll, StepFailed
from heat.resources.base import Steps
from heat.resources.openstack.trove.shared import (
    BROKEN,
    DONE,
    Trove,
    datastore,
    network,
    network_faults,
)
from heat.schema import Attr, Integer, List, Map, String, Support


class Cluster(Trove):
    """Servers that hold a database together."""

    type = 'OS::Trove::Cluster'
    support = Support(version='2015.1')
    path, key = '/clusters', 'cluster'
    by_list = False

    class properties:
        name = String('Name.', length=(None, 255))
        datastore_type = String('Kind of database.', required=True, length=(None, 255), wire=None)
        datastore_version = String('Version of the database.', required=True, length=(None, 255), wire=None)
        instances = List('Its servers.', required=True, wire=None, of=Map(keys={
            'flavor': String('Flavor.', required=True, is_a='trove.flavor', wire='flavorRef'),
            'volume_size': Integer('Size of its volume in GB.', required=True, range=(1, 150), wire=None),
            'networks': List('Its networks.', default=[], of=network(), wire='nics',
                             support=Support(version='10.0.0')),
            'availability_zone': String('Where it is made.', support=Support(version='14.0.0'))}))

    class attributes:
        instances = Attr('Ids of its servers.', 'List',
                         get=lambda body: [one['id'] for one in body['instances']])
        ip = Attr('Its addresses.', 'List')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        servers = props.get('instances')
        for one in servers if isinstance(servers, list) else ():
            if isinstance(one, Mapping):
                yield from network_faults(one.get('networks'))

    def body(self, props: Mapping[str, Any]) -> dict[str, Any]:
        keys = self.schema.properties['instances'].items
        assert keys is not None and keys.keys is not None
        servers = []
        for one in props['instances']:
            made = {**schema.wire(keys.keys, one), 'volume': {'size': one['volume_size']}}
            if made.get('nics'):
                # The service has had two words for it; for clusters it reads the newer one only.
                made['nics'] = [{**nic, **({'network_id': nic['net-id']} if 'net-id' in nic else {})}
                                for nic in made['nics']]
            servers.append({name: value for name, value in made.items() if value != []})
        return {**super().body(props), 'datastore': datastore(props), 'instances': servers}

    def create(self) -> Steps:
        yield self.post(self.body(self.props))
        return (yield self.poll(_made))

    def check(self) -> Steps:
        body = yield self.get()
        said = _made(body)
        if said is not True:
            raise StepFailed(said or f'Cluster {self.id} is busy: {_task(body)}.', 'ResourceInError')
        return body

    def delete(self) -> Steps:
        if self.row.physical_id is None:
            return
        # It is not deleted while something else is done to it.
        yield self._idle()
        yield self.remove()
        yield self.until_gone()

    def _idle(self) -> Poll:
        return self.poll(lambda body: body is None or _task(body) in ('NONE', 'DELETING'))


def _task(body: Mapping[str, Any]) -> str:
    return str((body.get('task') or {}).get('name') or 'NONE')


def _made(body: dict[str, Any] | None) -> bool | str:
    if body is None:
        return 'The cluster is gone.'
    servers = body.get('instances') or []
    for one in servers:
        if one.get('status') in BROKEN:
            return f'Server {one.get("name") or one["id"]} of the cluster went to status {one["status"]}.'
    if _task(body) != 'NONE':
        return False
    return bool(servers) and all(one.get('status', 'ACTIVE') in DONE for one in servers)
