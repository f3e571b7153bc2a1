"""The types of the identity service, by their names."""

from __future__ import annotations

from heat.resources.openstack.keystone.accounts import Group, User
from heat.resources.openstack.keystone.catalogue import Endpoint, Region, Service
from heat.resources.openstack.keystone.grants import GroupRoleAssignment, UserRoleAssignment
from heat.resources.openstack.keystone.projects import Domain, Project, Role

KEYSTONE = (Domain, Endpoint, Group, GroupRoleAssignment, Project, Region, Role, Service, User,
            UserRoleAssignment)
