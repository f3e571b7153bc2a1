"""OS::Heat::DeployedServer: a server that is there already, to deploy software on.

Purpose: it has an agent's account and metadata and nothing in the cloud.
Invariant: its id follows from the row. Neighbours: ``server_agent`` connects it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.common.ids import derived_id
from heat.model.op import Call, Record, UserCall
from heat.model.resource import Row
from heat.resources.base import Diff, Resource, Steps
from heat.resources.openstack import server_agent as agent
from heat.schema import IN_PLACE, Attr, Map, String, Support


class DeployedServer(Resource):
    """A machine that nobody here makes; its agent is configured by hand."""

    type = 'OS::Heat::DeployedServer'
    name_limit = 53
    deployed_to = True
    private_attributes = True

    class properties:
        name = String('Name.', update=IN_PLACE)
        metadata = Map('Key and value pairs; not used.', update=IN_PLACE, support=Support(
            'DEPRECATED', '9.0.0', 'It has no effect.', Support(version='8.0.0')))
        software_config_transport = String(
            'How the server learns of its configuration.', default='POLL_SERVER_CFN', update=IN_PLACE,
            values=['POLL_SERVER_CFN', 'POLL_SERVER_HEAT', 'POLL_TEMP_URL', 'ZAQAR_MESSAGE'])
        deployment_swift_data = Map(
            'Where its configuration lies.', default={}, update=IN_PLACE, support=Support(version='9.0.0'),
            container=String('Container.', length=(1, None)), object=String('Object.', length=(1, None)))

    class attributes:
        name = Attr('Name.', 'String')
        os_collect_config = Attr('Configuration of its agent.', 'Map', live=True,
                                 support=Support(version='9.0.0'))

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        yield from agent.faults(props)

    @classmethod
    def metadata_of(cls, row: Row) -> dict[str, Any]:
        return agent.metadata_of(row)

    @classmethod
    def deliveries(cls, row: Row, metadata: Mapping[str, Any]) -> tuple[Call, ...]:
        return agent.deliveries(row, metadata)

    def create(self) -> Steps:
        yield Record(physical_id=derived_id(self.row.uuid), data={'name': self.physical_name()})
        yield from agent.connect(self, self.props)

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        yield from agent.changed(self, new, diff)

    def suspend(self) -> Steps:
        if self.row.data.get('user_id'):
            yield UserCall('suspend_user', {'user_id': self.row.data['user_id']}, label='suspend user')

    def resume(self) -> Steps:
        if self.row.data.get('user_id'):
            yield UserCall('resume_user', {'user_id': self.row.data['user_id']}, label='resume user')

    def delete(self) -> Steps:
        yield from agent.remove(self)

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        if name == 'os_collect_config':
            return row.data.get(agent.KEY) or {}
        if name == 'name':
            return (row.props or {}).get('name') or row.data.get('name')
        return None
