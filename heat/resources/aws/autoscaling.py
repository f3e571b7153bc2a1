"""AWS::AutoScaling: launch configuration, group and policy.

Purpose: scaled groups of instances in the CloudFormation format. Invariant: a
launch configuration never changes, it is replaced. Neighbours:
``heat.instance_group`` and ``heat.scaling_group`` have the behaviour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.op import Call, NeedsReplacement, Record, StepFailed
from heat.model.resource import Row
from heat.resources.aws.parts import block_devices, device_faults, pairs
from heat.resources.base import Diff, Resource, Steps
from heat.resources.heat.instance_group import Instances, rolling_keys, tags_property
from heat.resources.heat.scaling_group import ScalingGroup, size_faults
from heat.resources.heat.scaling_policy import ScalingResponder
from heat.schema import IN_PLACE, Attr, Boolean, Integer, List, Map, String, Support

DERIVED = 'derived'
# Without these there is no instance.
NEEDED = ('ImageId', 'InstanceType')
KINDS = ('ChangeInCapacity', 'ExactCapacity', 'PercentChangeInCapacity')


def derived_from(server: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of an instance like ``server``, as far as compute tells them."""
    image, flavor = server.get('image') or {}, server.get('flavor') or {}
    groups = [one['name'] for one in server.get('security_groups') or ()]
    found = {'ImageId': image.get('id'), 'InstanceType': flavor.get('id') or flavor.get('original_name'),
             'KeyName': server.get('key_name'), 'SecurityGroups': list(dict.fromkeys(groups))}
    return {name: value for name, value in found.items() if value}


def derived(plugin: Resource, needed: Iterable[str]) -> Steps:
    """The same of the instance that ``plugin`` names; StepFailed if something ``needed`` is not told."""
    instance = plugin.props['InstanceId']
    found = derived_from((yield Call('compute', 'GET', f'/servers/{instance}', unwrap='server',
                                     label='instance')))
    for name in needed:
        if not found.get(name):
            raise StepFailed(f'Instance {instance} has no {name} to be derived from it; a launch '
                             f'configuration must name one.', 'NotFound')
    return found


class LaunchConfiguration(Resource):
    """Describes the instances of AutoScaling groups; it is nothing in the cloud itself."""

    type = 'AWS::AutoScaling::LaunchConfiguration'
    support = Support()

    class properties:
        ImageId = String('Glance image ID or name.', check='glance.image')
        InstanceType = String('Nova instance type (flavor).', check='nova.flavor')
        InstanceId = String(
            'The ID of an existing instance you want to use to create the launch configuration. All '
            'properties are derived from the instance with the exception of BlockDeviceMapping.',
            check='nova.server', find='nova.server')
        KeyName = String('Optional Nova keypair name.', check='nova.keypair')
        UserData = String('User data to pass to instance.')
        SecurityGroups = List('Security group names to assign.')
        KernelId = String('Not Implemented.', implemented=False)
        RamDiskId = String('Not Implemented.', implemented=False)
        BlockDeviceMappings = block_devices()
        NovaSchedulerHints = pairs('Scheduler hints to pass to Nova (Heat extension).')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        if props.get('InstanceId') is None:
            for name in NEEDED:
                if props.get(name) is None:
                    yield f'If without InstanceId, ImageId and InstanceType are required; {name} is missing.'
        yield from device_faults(props.get('BlockDeviceMappings'))

    def create(self) -> Steps:
        found = {}
        if self.props.get('InstanceId') is not None:
            found = yield from derived(self, [name for name in NEEDED if self.props.get(name) is None])
        yield Record(physical_id=self.physical_name(), data={DERIVED: found})

    @classmethod
    def described(cls, row: Row) -> dict[str, Any]:
        given = {name: value for name, value in (row.props or {}).items() if value is not None}
        return {**(row.data.get(DERIVED) or {}), **given}

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        # Only other metadata leads here, and that is part of what instances are made from.
        raise NeedsReplacement
        yield


class AWSAutoScalingGroup(Instances, ScalingGroup):
    """A group of instances between two sizes, adjusted by policies."""

    type = 'AWS::AutoScaling::AutoScalingGroup'
    title = 'AutoScalingGroup'
    tags_in = 'Tags'
    support = Support(version='2014.1')
    policy = 'AutoScalingRollingUpdate'

    class properties:
        AvailabilityZones = List('Not Implemented.', required=True)
        LaunchConfigurationName = String('The reference to a LaunchConfiguration resource.', update=IN_PLACE)
        InstanceId = String('The ID of an existing instance to use to create the Auto Scaling group. If '
                            'specify this property, will create the group use an existing instance instead '
                            'of a launch configuration.', check='nova.server', find='nova.server')
        MaxSize = Integer('Maximum number of instances in the group.', required=True, update=IN_PLACE)
        MinSize = Integer('Minimum number of instances in the group.', required=True, update=IN_PLACE)
        Cooldown = Integer('Cooldown period, in seconds.', update=IN_PLACE)
        DesiredCapacity = Integer('Desired initial number of instances.', update=IN_PLACE)
        HealthCheckGracePeriod = Integer('Not Implemented.', implemented=False)
        HealthCheckType = String('Not Implemented.', values=['EC2', 'ELB'], implemented=False)
        LoadBalancerNames = List('List of LoadBalancer resources.')
        VPCZoneIdentifier = List('Use only with Neutron, to list the internal subnet to which the instance '
                                 'will be attached; needed only if multiple exist; list length must be '
                                 'exactly 1.',
                                 of=String('UUID of the internal subnet to which the instance will be '
                                           'attached.'))
        Tags = tags_property('Tags to attach to this group.', PropagateAtLaunch=Boolean(
            'Whether its instances have the tag as well, as they do if nothing is said.', own=True))

    class attributes:
        InstanceList = Attr('A comma-delimited list of server ip addresses. (Heat extension).', type='String')

    class update_policy:
        AutoScalingRollingUpdate = Map(keys={
            **rolling_keys(),
            'WaitOnResourceSignals': Boolean(
                'Go on once the new instances of a batch have signalled the group, and fail after PauseTime '
                'if they have not. Instances are replaced then, and none is changed.', default=False),
            'MinSuccessfulInstancesPercent': Integer(
                'How many of the new instances of a batch must signal success.', default=100,
                range=(0, 100))})

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        given = [name for name in ('InstanceId', 'LaunchConfigurationName') if props.get(name) is not None]
        if not given:
            yield "Either 'InstanceId' or 'LaunchConfigurationName' must be provided."
        if len(given) > 1:
            yield f'Cannot define the following properties at the same time: {", ".join(given)}.'
        for name in ('MinSize', 'MaxSize'):
            size = props.get(name)
            if isinstance(size, int) and size < 0:
                yield 'The size of AutoScalingGroup can not be less than zero'
        yield from size_faults(props, 'MinSize', 'MaxSize', 'DesiredCapacity')
        zones = props.get('VPCZoneIdentifier')
        if isinstance(zones, list) and len(zones) != 1:
            yield 'Anything other than one VPCZoneIdentifier is not supported'

    @classmethod
    def asks_first(cls, row: Row) -> bool:
        return (row.props or {}).get('InstanceId') is not None and not row.data.get(DERIVED)

    def ask(self) -> Steps:
        yield self.keep(**{DERIVED: (yield from derived(self, NEEDED))})

    @classmethod
    def configuration(cls, row: Row) -> Mapping[str, Any] | None:
        if (row.props or {}).get('InstanceId') is None:
            return super().configuration(row)
        if not row.data.get(DERIVED):
            raise ValueError(f'What instances of resource {row.name} are like is not known yet.')
        return {'properties': row.data[DERIVED]}

    @classmethod
    def member(cls, row: Row) -> Mapping[str, Any]:
        definition = super().member(row)
        zones = (row.props or {}).get('VPCZoneIdentifier')
        if zones:
            return {**definition, 'properties': {**definition['properties'], 'SubnetId': zones[0]}}
        return definition

    @classmethod
    def tags(cls, row: Row) -> list[dict[str, Any]]:
        return [*super().tags(row),
                {'Key': 'metering.AutoScalingGroupName', 'Value': str(row.physical_id or row.name)}]

    @classmethod
    def bounds(cls, row: Row) -> tuple[int, int]:
        props = row.props or {}
        return props['MinSize'], props['MaxSize']

    @classmethod
    def desired(cls, row: Row) -> int | None:
        return (row.props or {}).get('DesiredCapacity')

    @classmethod
    def cooldown(cls, row: Row) -> int | None:
        return (row.props or {}).get('Cooldown')


class AWSScalingPolicy(ScalingResponder):
    """Changes the size of an AWS::AutoScaling::AutoScalingGroup when it is signalled."""

    type = 'AWS::AutoScaling::ScalingPolicy'
    title = 'AWSScalingPolicy'
    support = Support()
    names = ('AutoScalingGroupName', 'AdjustmentType', 'ScalingAdjustment', 'MinAdjustmentStep', 'Cooldown')
    percent = 'PercentChangeInCapacity'

    class properties:
        AutoScalingGroupName = String('AutoScaling group name to apply policy to.', required=True)
        ScalingAdjustment = Integer('Size of adjustment.', required=True, update=IN_PLACE)
        AdjustmentType = String('Type of adjustment (absolute or percentage).', required=True, values=KINDS,
                                update=IN_PLACE)
        Cooldown = Integer('Cooldown period, in seconds.', update=IN_PLACE)
        MinAdjustmentStep = Integer(
            'Minimum number of resources that are added or removed when the AutoScaling group scales up or '
            'down. This can be used only when specifying PercentChangeInCapacity for the AdjustmentType '
            'property.', range=(0, None), update=IN_PLACE)

    class attributes:
        AlarmUrl = Attr('A signed url to handle the alarm. (Heat extension).', type='String', live=True)

    @classmethod
    def reference(cls, row: Row) -> Any:
        # An alarm that names the policy calls its address.
        return row.data.get('signed_url', row.name)

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        return row.data.get('signed_url') if name == 'AlarmUrl' else None
