"""AWS::EC2::EIP and AWS::EC2::EIPAssociation: floating addresses in the words of CloudFormation.

Purpose: the tables, and the way from an instance to its port. Invariant: an
address comes from the project's external network; an association lets go of the
port that it was made for and of no other. Neighbours:
``openstack.neutron.floatingip`` has the behaviour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from heat.model.op import Call, CloudFault, NeedsReplacement, Record, StepFailed
from heat.model.resource import Row
from heat.resources.aws.parts import own_tags
from heat.resources.aws.translated import Translated
from heat.resources.base import Diff, Steps
from heat.resources.openstack.journal import once
from heat.resources.openstack.neutron import floatingip
from heat.resources.openstack.neutron.rest import ways_out
from heat.schema import IN_PLACE, Attr, String, deprecated
from heat.template.definition import Definition


def external_network() -> Steps:
    """The id of the network that leads outside: the default one, else the first."""
    listed = yield Call('network', 'GET', '/networks', query={'router:external': 'true'}, unwrap='networks',
                        label='external networks')
    if not listed:
        raise StepFailed('No external network is to be seen in this project.', 'NotFound')
    return min(listed, key=lambda one: not one.get('is_default'))['id']


def port_of(instance: str) -> Steps:
    """The id of the instance's first port."""
    listed = yield Call('compute', 'GET', f'/servers/{instance}/os-interface',
                        unwrap='interfaceAttachments', label='interfaces')
    if not listed:
        raise StepFailed(f'Instance {instance} has no network interface.', 'NotFound')
    return listed[0]['port_id']


def other_port(port: str | None) -> str | None:
    """What is told in the place of an instance; whose port it is takes more than a look to know."""
    return None if port is None else f'that of port {port}'


class EIP(Translated):
    """An outer address, which may serve an instance."""

    type = 'AWS::EC2::EIP'
    title = 'ElasticIp'
    of = floatingip.FloatingIP
    service = 'compute'
    tags_in = 'Tags'
    found = ('floating_network',)

    class properties:
        Domain = String('Not needed any more.', values=['vpc'], wire=None, support=deprecated('9.0.0'))
        InstanceId = String('Instance that is reached by it.', check='nova.server', wire=None,
                            update=IN_PLACE)
        Tags = own_tags()

    class attributes:
        AllocationId = Attr('Id of the address.', 'String', wire='id')

    @classmethod
    def before(cls, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        return ways_out(others)

    @classmethod
    def reference(cls, row: Row) -> Any:
        return row.data.get('address', row.name)

    def create(self) -> Steps:
        self.inner.props['floating_network'] = yield from once(self, 'network', external_network())
        instance = self.props.get('InstanceId')
        if instance:
            self.inner.props['port_id'] = yield from once(self, 'port', port_of(instance))
        answer = yield from super().create()
        yield Record(data={'address': answer['floating_ip_address'], 'serves': answer.get('port_id')})
        return answer

    def observe(self) -> Steps:
        try:
            body = yield self.inner.get()
        except CloudFault as fault:
            if fault.status != 404:
                raise
            raise NeedsReplacement(f'The address {self.row.physical_id} is gone.') from fault
        return self.differences(body)

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        found = super().differences(body)
        wanted = self.row.data.get('serves')
        return {**found, 'InstanceId': other_port(body.get('port_id'))} if (
            wanted is not None and body.get('port_id') != wanted) else found

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        if 'InstanceId' in diff:
            instance = new.get('InstanceId')
            port = (yield from once(self, 'port', port_of(instance))) if instance else None
            yield self.inner.put({'port_id': port})
            yield Record(data={'serves': port})
        if 'Tags' in diff:
            yield self.inner.set_tags(self.inner.props.get('tags') or [])


class EIPAssociation(Translated):
    """The association of an outer address with an instance or a network interface."""

    type = 'AWS::EC2::EIPAssociation'
    title = 'ElasticIpAssociation'
    of = floatingip.FloatingIPAssociation
    service = 'compute'
    found = ('floatingip_id', 'port_id')

    class properties:
        InstanceId = String('Instance that is reached by it.', check='nova.server', wire=None,
                            update=IN_PLACE)
        EIP = String('The address.', check='ip_addr', wire=None, update=IN_PLACE)
        AllocationId = String('Id of the address.', wire=None, update=IN_PLACE)
        NetworkInterfaceId = String('Network interface that is reached by it.', wire=None, update=IN_PLACE)

    @classmethod
    def before(cls, name: str, definition: Definition, others: Mapping[str, Definition]) -> frozenset[str]:
        return ways_out(others)

    @classmethod
    def reference(cls, row: Row) -> Any:
        return row.data.get('name', row.name)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        yield from super().validate(props)
        address, allocation = props.get('EIP') is not None, props.get('AllocationId') is not None
        if address is allocation:
            yield "Either 'EIP' or 'AllocationId' must be provided."
        if props.get('InstanceId') is None:
            if address:
                yield "Must specify 'InstanceId' if you specify 'EIP'."
            if props.get('NetworkInterfaceId') is None:
                yield ('At least one of the following properties must be specified: InstanceId, '
                       'NetworkInterfaceId.')

    @classmethod
    def wants_replacement(cls, row: Row, new: Mapping[str, Any], changed: frozenset[str]) -> bool:
        """Another address for another user is another association."""
        return bool({'EIP', 'AllocationId'} & changed) and any(
            new.get(name) for name in ('InstanceId', 'NetworkInterfaceId') if name in changed)

    def spoken(self, row: Row) -> Row:
        # The properties name what is looked up when the step begins.
        return replace(row, props={'floatingip_id': row.data.get('floating'),
                                   'port_id': row.data.get('port')})

    def create(self) -> Steps:
        self.inner.props = yield from self._ends(self.props)
        yield Record(data={'floating': self.inner.props['floatingip_id'],
                           'port': self.inner.props['port_id'], 'name': self.physical_name()})
        return (yield from super().create())

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        old = self.inner.row.props
        ends = yield from self._ends(new)
        yield from self.change(old, ends)
        yield Record(data={'floating': ends['floatingip_id'], 'port': ends['port_id']})

    def observe(self) -> Steps:
        return self._meant((yield from self.inner.observe()))

    def differences(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._meant(self.inner.differences(body))

    def _meant(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Which property it is that the address serves another port than that of."""
        if 'port_id' not in found:
            return {}
        if self.props.get('NetworkInterfaceId'):
            return {'NetworkInterfaceId': found['port_id']}
        return {'InstanceId': other_port(found['port_id'])}

    def _ends(self, props: Mapping[str, Any]) -> Steps:
        def look() -> Steps:
            floating = props.get('AllocationId') or (yield from _floating(props['EIP']))
            port = props.get('NetworkInterfaceId') or (yield from port_of(props['InstanceId']))
            return {'floatingip_id': floating, 'port_id': port}
        return (yield from once(self, 'ends', look()))


def _floating(address: str) -> Steps:
    listed = yield Call('network', 'GET', '/floatingips', query={'floating_ip_address': address},
                        unwrap='floatingips', label='address')
    if not listed:
        raise StepFailed(f'The address {address} could not be found.', 'NotFound')
    return listed[0]['id']
