"""Types of the CloudFormation format, by their names."""

from heat.resources.aws.addresses import EIP, EIPAssociation
from heat.resources.aws.autoscaling import AWSAutoScalingGroup, AWSScalingPolicy, LaunchConfiguration
from heat.resources.aws.bucket import Bucket
from heat.resources.aws.cloudformation import Stack
from heat.resources.aws.cloudwatch import CloudWatchAlarm
from heat.resources.aws.iam import AccessKey, User
from heat.resources.aws.instance import Instance
from heat.resources.aws.load_balancer import LoadBalancer
from heat.resources.aws.network import VPC, NetworkInterface, Subnet
from heat.resources.aws.route import Route
from heat.resources.aws.routing import (
    InternetGateway,
    RouteTable,
    SubnetRouteTableAssociation,
    VPCGatewayAttachment,
)
from heat.resources.aws.security_group import SecurityGroup
from heat.resources.aws.storage import Volume, VolumeAttachment
from heat.resources.aws.wait_condition import (
    AWSWaitCondition,
    AWSWaitConditionHandle,
    UpdateWaitConditionHandle,
)
from heat.resources.base import Resource

TYPES: dict[str, type[Resource]] = {cls.type: cls for cls in (
    Stack, AWSWaitCondition, AWSWaitConditionHandle, UpdateWaitConditionHandle, LaunchConfiguration,
    AWSAutoScalingGroup, AWSScalingPolicy, Instance, EIP, EIPAssociation, Volume, VolumeAttachment,
    SecurityGroup, VPC, Subnet, InternetGateway, VPCGatewayAttachment, RouteTable,
    Route, SubnetRouteTableAssociation, NetworkInterface, User, AccessKey, LoadBalancer, Bucket,
    CloudWatchAlarm)}
