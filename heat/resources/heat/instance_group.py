"""OS::Heat::InstanceGroup: servers alike, made from a launch configuration.

Purpose: members of AWS::EC2::Instance with the properties of the launch
configuration that the group refers to, and the group's tags; beside each, its
places in load balancers. Invariant: without a rolling update policy a new
launch configuration is for new members only.
Neighbours: ``scaling_group`` has the members, ``aws.autoscaling`` the scaled form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from heat.common.errors import HeatException
from heat.model.op import StepFailed
from heat.model.resource import Row
from heat.resources.base import Others
from heat.resources.heat.batches import Rolling, policy_faults, resolved_policy, rolling_of
from heat.resources.heat.scaling_group import BESIDE, MemberGroup, Members, sound_names
from heat.resources.nested import ChildTemplate, ChildView
from heat.schema import IN_PLACE, UNKNOWN, Attr, Integer, List, Map, String, Support

MEMBER, JOINED = 'AWS::EC2::Instance', 'OS::Octavia::PoolMember'
BALANCERS = 'LoadBalancerNames'
_OWN = ('InstanceId',)


def tags_property(text: str, **more: Any) -> Any:
    return List(text, of=Map(keys={'Key': String('Tag key.', required=True),
                                   'Value': String('Tag value.', required=True), **more}))


def rolling_keys() -> dict[str, Any]:
    return {'MinInstancesInService': Integer(default=0), 'MaxBatchSize': Integer(default=1),
            'PauseTime': String(default='PT0S')}


class Instances(MemberGroup):
    """What both forms of a group of instances share."""

    builds = (MEMBER,)
    refers = ('LaunchConfigurationName', BALANCERS)
    policy: ClassVar[str] = ''

    @classmethod
    def configuration(cls, row: Row) -> Mapping[str, Any] | None:
        """The properties and metadata of the launch configuration; None if it is not in the stack."""
        found: Mapping[str, Any] | None = (row.data.get('referred') or {}).get('LaunchConfigurationName')
        return found

    @classmethod
    def member(cls, row: Row) -> Mapping[str, Any]:
        conf = cls.configuration(row)
        if conf is None:
            name = (row.props or {}).get('LaunchConfigurationName')
            if name is UNKNOWN:
                raise ValueError('The launch configuration is not known yet.')
            raise StepFailed(f'The launch configuration {name} of resource {row.name} is not in the stack.',
                             'StackValidationFailed')
        props = {name: value for name, value in (conf.get('properties') or {}).items()
                 if value is not None and name not in _OWN}
        definition = {'type': MEMBER, 'properties': {**props, 'Tags': cls.tags(row)}}
        if conf.get('metadata'):
            definition['metadata'] = conf['metadata']
        return definition

    @classmethod
    def template(cls, row: Row, members: Members) -> ChildTemplate:
        found = super().template(row, members)
        pools = cls.pools(row)
        beside = {f'{name}{BESIDE}{number}': _joined(name, pool)
                  for name in members.resources for number, pool in enumerate(pools)}
        if not beside:
            return found
        return replace(found, tree={**found.tree, 'resources': {**found.tree['resources'], **beside}})

    @classmethod
    def pools(cls, row: Row) -> list[Mapping[str, Any]]:
        """The pools that the members join, each with the ports they have there."""
        names = (row.props or {}).get(BALANCERS) or []
        if not names:
            return []
        known = (row.data.get('referred') or {}).get(BALANCERS)
        pools = [one['properties'].get('pools') for one in known or ()]
        if known is None or None in pools:
            raise ValueError(f'The load balancers of resource {row.name} are not known yet.')
        return [pool for of_one in pools for pool in of_one]

    @classmethod
    def among(cls, refers: Mapping[str, frozenset[str]], others: Others) -> Iterable[str]:
        for name in sorted(refers.get(BALANCERS, ())):
            if name in others and not getattr(others[name][0], 'balances', False):
                yield (f'{BALANCERS} refers to {name}, which is of the type {others[name][0].type} and not '
                       'AWS::ElasticLoadBalancing::LoadBalancer.')

    @classmethod
    def tags(cls, row: Row) -> list[dict[str, Any]]:
        """The group's tags, and one by which meters tell whose servers they are."""
        given = [{'Key': tag['Key'], 'Value': tag['Value']} for tag in (row.props or {}).get('Tags') or ()
                 if tag.get('PropagateAtLaunch') is not False]
        return [*given, {'Key': 'metering.groupname', 'Value': str(row.physical_id or row.name)}]

    @classmethod
    def made_from(cls) -> str:
        return 'LaunchConfigurationName'

    @classmethod
    def rolling(cls, row: Row) -> Rolling | None:
        return rolling_of(resolved_policy(cls, row.keep.get('update_policy'), cls.policy))

    @classmethod
    def validate_policy(cls, policy: Mapping[str, Any]) -> Iterable[str]:
        yield from policy_faults(policy.get(cls.policy))

    # -- attributes ------------------------------------------------------------------------------

    @classmethod
    def asked(cls, wanted: Iterable[Any]) -> list[tuple[str, tuple[Any, ...]]]:
        return [('PublicIp', ())] if any(name == 'InstanceList' for name, *_path in wanted) else []

    @classmethod
    def gather(cls, row: Row, child: ChildView, wanted: tuple[Any, ...]) -> dict[str, Any]:
        names = sound_names(row, child)
        found: dict[str, Any] = {'refs_map': {name: child.reference(name) for name in names}}
        if cls.asked(wanted):
            found['InstanceList'] = ','.join(_address(child, name) for name in names) or None
        return found


def _joined(member: str, pool: Mapping[str, Any]) -> dict[str, Any]:
    """A member's place in a pool: it comes when the member is there, and goes before it goes."""
    return {'type': JOINED, 'properties': {**pool, 'address': {'get_attr': [member, 'PrivateIp']}}}


def _address(child: ChildView, name: str) -> str:
    try:
        return str(child.attribute(name, 'PublicIp') or '0.0.0.0')
    except HeatException:
        # What the environment puts in the place of an instance may have no such attribute.
        return '0.0.0.0'


class InstanceGroup(Instances):
    """An instance group that can scale arbitrary instances.

    A resource allowing for the creating number of defined with
    AWS::AutoScaling::LaunchConfiguration instances. Allows to associate
    scaled resources with loadbalancer resources.
    """

    type = 'OS::Heat::InstanceGroup'
    support = Support()
    policy = 'RollingUpdate'

    class properties:
        AvailabilityZones = List('Not Implemented.', required=True)
        LaunchConfigurationName = String('The reference to a LaunchConfiguration resource.', required=True,
                                         update=IN_PLACE)
        Size = Integer('Desired number of instances.', required=True, update=IN_PLACE)
        LoadBalancerNames = List(
            'List of LoadBalancer resources. Currently only the AWS::ElasticLoadBalancing::LoadBalancer '
            'resource type is supported.')
        Tags = tags_property('Tags to attach to this group.')

    class attributes:
        InstanceList = Attr('A comma-delimited list of server ip addresses. (Heat extension).', type='String')

    class update_policy:
        RollingUpdate = Map(keys=rolling_keys())

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        size = props.get('Size')
        if isinstance(size, int) and size < 0:
            yield f'Size must be at least 0, not {size}.'

    @classmethod
    def first_capacity(cls, row: Row) -> int:
        return int((row.props or {})['Size'])
