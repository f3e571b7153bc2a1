"""Types of the network service; ``EXTENDED`` are those of extensions of its API."""

from __future__ import annotations

from heat.resources.base import Resource
from heat.resources.openstack.neutron.gateway import NetworkGateway
from heat.resources.openstack.neutron.metering import MeteringLabel, MeteringRule
from heat.resources.openstack.neutron.pools import AddressScope, SubnetPool
from heat.resources.openstack.neutron.port_forward import FloatingIPPortForward
from heat.resources.openstack.neutron.provider_net import ProviderNet
from heat.resources.openstack.neutron.qos import (
    QoSBandwidthLimitRule,
    QoSDscpMarkingRule,
    QoSMinimumBandwidthRule,
    QoSMinimumPacketRateRule,
    QoSPolicy,
)
from heat.resources.openstack.neutron.quota import Quota
from heat.resources.openstack.neutron.routes import ExtraRoute, ExtraRouteSet, RouterGateway
from heat.resources.openstack.neutron.segment import Segment
from heat.resources.openstack.neutron.sharing import RBACPolicy
from heat.resources.openstack.neutron.trunk import Trunk

EXTENDED: tuple[type[Resource], ...] = (
    AddressScope, SubnetPool, RBACPolicy, QoSPolicy, QoSBandwidthLimitRule, QoSDscpMarkingRule,
    QoSMinimumBandwidthRule, QoSMinimumPacketRateRule, Segment, Trunk, MeteringLabel, MeteringRule,
    ProviderNet, Quota, FloatingIPPortForward, RouterGateway, ExtraRoute, ExtraRouteSet, NetworkGateway)
