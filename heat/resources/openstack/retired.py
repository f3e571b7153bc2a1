"""Types whose service is gone: what stacks of earlier days may still have, and nobody can make.

Purpose: one table of the names, since when they are gone and what to use instead.
Invariant: no step calls anything; a row is shown, kept while its properties stay as they
are, and taken away; making or changing one is refused by a sentence. The types are hidden.
Neighbours: ``engine.validate`` refuses what is new before anything is stored.
"""

from __future__ import annotations

from heat.common.ids import StackId
from heat.model.outcome import Done, Failed, Outcome
from heat.model.resource import Row
from heat.model.status import Action
from heat.resources.base import Resource
from heat.schema import Support, deprecated, hidden


class Retired(Resource):
    """A thing of a service that is gone."""

    pure = True
    # A failed one stays as well: there is nothing that could replace it.
    survives_failure = True
    open = any_attribute = True

    @classmethod
    def knows(cls, name: str) -> bool:
        return True

    @classmethod
    def compute(cls, verb: Action, row: Row, stack: StackId) -> tuple[Outcome, Row]:
        if verb is Action.CREATE:
            return Failed(str(cls.retired), 'NotSupported'), row
        return Done(row.physical_id), row


def retired(name: str, support: Support, instead: str = '') -> type[Resource]:
    """The class of the type ``name``; ``instead`` is what people should use now."""
    use = f' Use {instead} instead.' if instead else ''
    said = (f'{name} is no longer supported: stacks that have one can keep or delete it, but none can be '
            f'made or changed.{use}')
    return type('Retired', (Retired,), {
        '__doc__': f'What is left of {name}, which is no longer supported.{use}', 'type': name,
        'title': name.rpartition('::')[2], 'retired': said,
        'support': Support(support.status, support.version, said, support.previous)})


# Names, hidden since, deprecated since, supported since, and what came instead (by name or for all).
_TABLE: tuple[tuple[str, str, str, str | None, str], ...] = (
    ('OS::Aodh::CombinationAlarm', '9.0.0', '7.0.0', '2014.1', 'OS::Aodh::CompositeAlarm'),
    ('OS::Designate::Domain', '10.0.0', '8.0.0', '5.0.0', 'OS::Designate::Zone'),
    ('OS::Designate::Record', '10.0.0', '8.0.0', '5.0.0', 'OS::Designate::RecordSet'),
    ('OS::Glance::Image', '22.0.0', '8.0.0', '2014.2', 'OS::Glance::WebImage'),
    ('OS::Magnum::Bay', '11.0.0', '9.0.0', '6.0.0', 'OS::Magnum::Cluster'),
    ('OS::Neutron::HealthMonitor', '9.0.0', '7.0.0', None, 'OS::Octavia::HealthMonitor'),
    ('OS::Neutron::LoadBalancer', '9.0.0', '7.0.0', '2014.1', 'OS::Octavia::LoadBalancer'),
    ('OS::Neutron::Pool', '9.0.0', '7.0.0', None, 'OS::Octavia::Pool'),
    ('OS::Neutron::PoolMember', '9.0.0', '7.0.0', '2014.1', 'OS::Octavia::PoolMember'),
    ('OS::Sahara::Cluster', '23.0.0', '22.0.0', '5.0.0', ''),
    ('OS::Sahara::ClusterTemplate', '23.0.0', '22.0.0', '2014.2', ''),
    ('OS::Sahara::DataSource', '23.0.0', '22.0.0', '5.0.0', ''),
    ('OS::Sahara::ImageRegistry', '23.0.0', '22.0.0', '5.0.0', ''),
    ('OS::Sahara::Job', '23.0.0', '22.0.0', '8.0.0', ''),
    ('OS::Sahara::JobBinary', '23.0.0', '22.0.0', '5.0.0', ''),
    ('OS::Sahara::NodeGroupTemplate', '23.0.0', '22.0.0', '2014.2', ''),
    ('OS::Senlin::Cluster', '23.0.0', '22.0.0', '6.0.0', ''),
    ('OS::Senlin::Node', '23.0.0', '22.0.0', '6.0.0', ''),
    ('OS::Senlin::Policy', '23.0.0', '22.0.0', '6.0.0', ''),
    ('OS::Senlin::Profile', '23.0.0', '22.0.0', '6.0.0', ''),
    ('OS::Senlin::Receiver', '23.0.0', '22.0.0', '6.0.0', ''),
    ('OS::Vitrage::Template', '27.0.0', '26.0.0', '16.0.0', ''),
)
_LBAAS = {'HealthMonitor': '6.0.0', 'L7Policy': '7.0.0', 'L7Rule': '7.0.0', 'Listener': '6.0.0',
          'LoadBalancer': '6.0.0', 'Pool': '6.0.0', 'PoolMember': '6.0.0'}
_MONASCA = {'AlarmDefinition': 'UNSUPPORTED', 'Notification': 'SUPPORTED'}

TYPES: tuple[type[Resource], ...] = (
    *(retired(name, hidden(since, deprecated(before, since=first)), instead)
      for name, since, before, first, instead in _TABLE),
    *(retired(f'OS::Neutron::LBaaS::{name}', hidden('21.0.0', Support(version=first)), f'OS::Octavia::{name}')
      for name, first in _LBAAS.items()),
    *(retired(f'OS::Monasca::{name}', hidden('25.0.0', Support(
        'DEPRECATED', '22.0.0', previous=Support(version='7.0.0', previous=Support(first, '5.0.0')))))
      for name, first in _MONASCA.items()))

# What only older releases, or packages beside them, had: the release that was the first without.
_WITHOUT: dict[str, tuple[str, str]] = {
    'AWS::EC2::SubnetRouteTableAssocation': ('2014.1', 'AWS::EC2::SubnetRouteTableAssociation'),
    'DockerInc::Docker::Container': ('27.0.0', 'OS::Zun::Container'),
    'Rackspace::AutoScale::Group': ('11.0.0', 'OS::Heat::AutoScalingGroup'),
    'Rackspace::AutoScale::ScalingPolicy': ('11.0.0', 'OS::Heat::ScalingPolicy'),
    'Rackspace::AutoScale::WebHook': ('11.0.0', 'OS::Heat::ScalingPolicy'),
    'Rackspace::Cloud::DBInstance': ('2014.1', 'OS::Trove::Instance'),
    'Rackspace::Cloud::DNS': ('11.0.0', 'OS::Designate::Zone'),
    'Rackspace::Cloud::LBNode': ('11.0.0', 'OS::Octavia::PoolMember'),
    'Rackspace::Cloud::LoadBalancer': ('11.0.0', 'OS::Octavia::LoadBalancer'),
    'Rackspace::Cloud::Network': ('11.0.0', 'OS::Neutron::Net'),
    'Rackspace::Cloud::Server': ('2015.1', 'OS::Nova::Server')}

FORGOTTEN: tuple[type[Resource], ...] = tuple(
    retired(name, hidden(since), instead) for name, (since, instead) in _WITHOUT.items())
