"""Databases: the types of the database service."""

from __future__ import annotations

from heat.resources.base import Resource
from heat.resources.openstack.trove.cluster import Cluster
from heat.resources.openstack.trove.instance import Instance

TROVE: tuple[type[Resource], ...] = (Instance, Cluster)
