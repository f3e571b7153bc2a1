"""OS::Heat types."""

from heat.resources.base import Resource
from heat.resources.heat.access import AccessPolicy, HARestarter
from heat.resources.heat.basic import NoneResource, RandomString, Value
from heat.resources.heat.chain import ResourceChain
from heat.resources.heat.group import ResourceGroup
from heat.resources.heat.instance_group import InstanceGroup
from heat.resources.heat.scaling_group import AutoScalingGroup
from heat.resources.heat.scaling_policy import ScalingPolicy
from heat.resources.heat.software_config import (
    CloudConfig,
    MultipartMime,
    SoftwareComponent,
    SoftwareConfig,
    StructuredConfig,
)
from heat.resources.heat.software_deployment import SoftwareDeployment, StructuredDeployment
from heat.resources.heat.software_group import (
    SoftwareDeploymentGroup,
    SoftwareDeployments,
    StructuredDeploymentGroup,
    StructuredDeployments,
)
from heat.resources.heat.stack import Stack
from heat.resources.heat.trial import Delay, TestResource
from heat.resources.heat.wait_condition import WaitCondition, WaitConditionHandle
from heat.resources.heat.watch import CWLiteAlarm

TYPES: dict[str, type[Resource]] = {cls.type: cls for cls in (
    NoneResource, Value, RandomString, Delay, TestResource, WaitCondition, WaitConditionHandle,
    ResourceGroup, ResourceChain, Stack, AutoScalingGroup, InstanceGroup, ScalingPolicy, AccessPolicy,
    HARestarter, SoftwareConfig, StructuredConfig, SoftwareComponent, CloudConfig, MultipartMime,
    SoftwareDeployment, StructuredDeployment, SoftwareDeploymentGroup, StructuredDeploymentGroup,
    SoftwareDeployments, StructuredDeployments, CWLiteAlarm)}
