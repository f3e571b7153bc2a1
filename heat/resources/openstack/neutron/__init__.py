"""Types of the network service; ``EXTENDED`` are those of extensions of its API."""

from __future__ import annotations

from heat.resources.base import Resource
from heat.resources.openstack.neutron.pools import AddressScope, SubnetPool
from heat.resources.openstack.neutron.qos import (
    QoSBandwidthLimitRule,
    QoSDscpMarkingRule,
    QoSMinimumBandwidthRule,
    QoSMinimumPacketRateRule,
    QoSPolicy,
)

EXTENDED: tuple[type[Resource], ...] = (
    AddressScope, SubnetPool, QoSPolicy, QoSBandwidthLimitRule, QoSDscpMarkingRule, QoSMinimumBandwidthRule,
    QoSMinimumPacketRateRule)
