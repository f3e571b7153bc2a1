"""The types of the load balancing service."""

from heat.resources.base import Resource
from heat.resources.openstack.octavia.balancer import Listener, LoadBalancer
from heat.resources.openstack.octavia.l7 import L7Policy, L7Rule
from heat.resources.openstack.octavia.offers import (
    AvailabilityZone,
    AvailabilityZoneProfile,
    Flavor,
    FlavorProfile,
    Quota,
)
from heat.resources.openstack.octavia.pool import HealthMonitor, Pool, PoolMember

OCTAVIA: tuple[type[Resource], ...] = (
    LoadBalancer, Listener, Pool, PoolMember, HealthMonitor, L7Policy, L7Rule, Flavor, FlavorProfile,
    AvailabilityZone, AvailabilityZoneProfile, Quota)
