"""Counting of traffic: labels and their rules.

Purpose: OS::Neutron::MeteringLabel and OS::Neutron::MeteringRule. Invariant:
nothing of them can be changed in place. Neighbours: ``rest``.
"""

from __future__ import annotations

from heat.resources.openstack.neutron.part import GivesWay
from heat.resources.openstack.neutron.rest import Neutron
from heat.schema import Attr, Boolean, String, Support


class MeteringLabel(Neutron):
    """A name under which traffic is counted."""

    type = 'OS::Neutron::MeteringLabel'
    support = Support(version='2014.1')
    late_extension = 'metering'
    path, key = '/metering/metering-labels', 'metering_label'

    class properties:
        name = String('Name.')
        description = String('Description.')
        shared = Boolean('Whether the traffic of all projects is counted.', default=False,
                         support=Support(version='2015.1'))

    class attributes:
        name = Attr('Name.', 'String')
        description = Attr('Description.', 'String')
        shared = Attr('Whether the traffic of all projects is counted.', 'String')


class MeteringRule(GivesWay):
    """What traffic a label counts."""

    type = 'OS::Neutron::MeteringRule'
    support = Support(version='2014.1')
    late_extension = 'metering'
    path, key = '/metering/metering-label-rules', 'metering_label_rule'

    class properties:
        metering_label_id = String('Id of the label.', required=True)
        remote_ip_prefix = String('Other side: this block.', required=True)
        direction = String('Which way.', values=['ingress', 'egress'], default='ingress')
        excluded = Boolean('Whether it is left out of the count.', default='False')

    class attributes:
        direction = Attr('Which way.', 'String')
        excluded = Attr('Whether it is left out of the count.', 'String')
        metering_label_id = Attr('Id of the label.', 'String')
        remote_ip_prefix = Attr('The other side.', 'String')
