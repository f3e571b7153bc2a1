"""Quality of service: policies and their rules.

Purpose: OS::Neutron::QoSPolicy and the four kinds of OS::Neutron::QoS...Rule.
Invariant: a rule lies below its policy, whose id is kept with the row.
Neighbours: ``rest`` has what lies below another object.
"""

from __future__ import annotations

from typing import Any

from heat.model.op import CloudFault, Sleep
from heat.resources.base import Diff, Steps
from heat.resources.openstack.neutron.part import Part
from heat.resources.openstack.neutron.rest import Neutron
from heat.schema import IN_PLACE, Attr, Boolean, Integer, Property, String, Support

# How often, and after how many seconds, a rule is changed again that does not fit to another one.
PATIENCE, WAIT = 5, 2.0
DSCP = [0, *range(8, 41, 2), 46, 48, 56]


class QoSPolicy(Neutron):
    """A set of rules for how packets of a port or network are treated."""

    type = 'OS::Neutron::QoSPolicy'
    support = Support(version='6.0.0')
    extension = 'qos'
    path, key, plural = '/qos/policies', 'policy', 'policies'

    class properties:
        name = String('Name.', update=IN_PLACE)
        description = String('Description.', update=IN_PLACE)
        shared = Boolean('Whether all projects may use it.', default=False, update=IN_PLACE)
        tenant_id = String('Project that owns it; only administrators may name another.')

    class attributes:
        rules = Attr('Its rules.', 'List')


def _of_every_rule() -> dict[str, Property]:
    return {
        'policy': String('Policy it belongs to.', required=True, is_a='neutron.qos_policy', wire=None),
        'tenant_id': String('Project that owns it; only administrators may name another.'),
    }


class QoSRule(Part):
    """A rule of a policy."""

    extension = 'qos'
    owner, owner_kind = 'policy', 'neutron.qos_policy'

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        """A limit and a minimum that change together fit together when both have been changed."""
        for _ in range(PATIENCE):
            try:
                yield from super().update(new, diff)
                return
            except CloudFault as fault:
                if fault.status != 409:
                    raise
            yield Sleep(WAIT)
        yield from super().update(new, diff)


class QoSBandwidthLimitRule(QoSRule):
    """How much may pass at most."""

    type = 'OS::Neutron::QoSBandwidthLimitRule'
    support = Support(version='6.0.0')
    path, key = '/qos/policies/{owner}/bandwidth_limit_rules', 'bandwidth_limit_rule'

    class properties:
        max_kbps = Integer('Kilobits a second.', required=True, range=(0, None), update=IN_PLACE)
        max_burst_kbps = Integer('Kilobits of a burst; 0 for the service\'s choice.', range=(0, None),
                                 default=0, update=IN_PLACE)
        direction = String('Which way.', values=['egress', 'ingress'], default='egress', update=IN_PLACE,
                           support=Support(version='13.0.0'))
        extra = _of_every_rule()


class QoSDscpMarkingRule(QoSRule):
    """How packets are marked."""

    type = 'OS::Neutron::QoSDscpMarkingRule'
    support = Support(version='7.0.0')
    path, key = '/qos/policies/{owner}/dscp_marking_rules', 'dscp_marking_rule'

    class properties:
        dscp_mark = Integer('The mark.', required=True, values=DSCP, update=IN_PLACE)
        extra = _of_every_rule()


class QoSMinimumBandwidthRule(QoSRule):
    """How much may pass at least."""

    type = 'OS::Neutron::QoSMinimumBandwidthRule'
    support = Support(version='14.0.0')
    extension = 'qos-bw-minimum-ingress'
    path, key = '/qos/policies/{owner}/minimum_bandwidth_rules', 'minimum_bandwidth_rule'

    class properties:
        min_kbps = Integer('Kilobits a second.', required=True, range=(0, None), update=IN_PLACE)
        direction = String('Which way.', values=['egress', 'ingress'], default='egress', update=IN_PLACE)
        extra = _of_every_rule()


class QoSMinimumPacketRateRule(QoSRule):
    """How many packets may pass at least."""

    type = 'OS::Neutron::QoSMinimumPacketRateRule'
    support = Support(version='19.0.0')
    extension = 'qos-pps-minimum'
    path, key = '/qos/policies/{owner}/minimum_packet_rate_rules', 'minimum_packet_rate_rule'

    class properties:
        min_kpps = Integer('Thousands of packets a second.', required=True, range=(0, None), update=IN_PLACE)
        direction = String('Which way.', values=['any', 'egress', 'ingress'], default='egress',
                           update=IN_PLACE)
        extra = _of_every_rule()
