"""Workflows: the types of the workflow service."""

from __future__ import annotations

from heat.resources.base import Resource
from heat.resources.openstack.mistral.external import ExternalResource
from heat.resources.openstack.mistral.trigger import CronTrigger
from heat.resources.openstack.mistral.workflow import Workflow

MISTRAL: tuple[type[Resource], ...] = (Workflow, CronTrigger, ExternalResource)
