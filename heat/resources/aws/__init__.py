"""Types of the CloudFormation format, by their names."""

from heat.resources.aws.autoscaling import AWSAutoScalingGroup, AWSScalingPolicy, LaunchConfiguration
from heat.resources.aws.cloudformation import Stack
from heat.resources.aws.wait_condition import (
    AWSWaitCondition,
    AWSWaitConditionHandle,
    UpdateWaitConditionHandle,
)
from heat.resources.base import Resource

TYPES: dict[str, type[Resource]] = {cls.type: cls for cls in (
    Stack, AWSWaitCondition, AWSWaitConditionHandle, UpdateWaitConditionHandle, LaunchConfiguration,
    AWSAutoScalingGroup, AWSScalingPolicy)}
