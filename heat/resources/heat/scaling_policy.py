"""OS::Heat::ScalingPolicy: whoever signals it changes the size of a group.

Purpose: the adjustment that a signal asks of the group, and the addresses at
which to signal. Invariant: the state of the alarm in a signal is of no
consequence; the signed address does not expire. Neighbours: ``engine.scaling``
applies the signal, ``resources.scaling`` has the arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.resource import Row
from heat.resources.base import Diff, Steps
from heat.resources.heat.wait_condition import StackUser
from heat.resources.scaling import KIND, PERCENT, Adjustment
from heat.schema import IN_PLACE, UNKNOWN, Attr, Integer, Number, String, Support

TYPES = ('change_in_capacity', 'exact_capacity', 'percent_change_in_capacity')


class ScalingResponder(StackUser):
    """Base of policies. Properties have other names in each form: ``names`` says which."""

    signals = True
    scales = True
    private_attributes = True
    # group, type, amount, step, cooldown
    names: tuple[str, str, str, str, str] = ('', '', '', '', '')
    percent = ''

    @classmethod
    def adjustment(cls, row: Row) -> Adjustment:
        """What a signal asks for."""
        group, kind, amount, step, cooldown = (((row.props or {}).get(name)) for name in cls.names)
        return Adjustment(group, KIND[str(kind)], amount or 0, step, cooldown)

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        _group, kind, _amount, step, _cooldown = cls.names
        given = props.get(kind)
        if props.get(step) is not None and given is not UNKNOWN and KIND.get(str(given)) != PERCENT:
            yield f'{step} property should only be specified for {kind} with value {cls.percent}.'

    def create(self) -> Steps:
        yield from self.create_user()
        if self.around.urls.get('cfn_signal'):
            # Where there is no CloudFormation API, the native one is there to be signalled.
            yield from self.create_signed('POST', 'signal', expires=False)
        base = self.around.urls.get('signal')
        if base:
            own = self.around.stack.resource(self.name)
            yield self.keep(signal_url=f'{base.rstrip("/")}{own.url_path()}/signal')

    def update(self, new: dict[str, Any], diff: Diff) -> Steps:
        # The next signal reads the new properties.
        yield from ()

    def delete(self) -> Steps:
        yield from self.delete_user()


class ScalingPolicy(ScalingResponder):
    """A resource to manage scaling of `OS::Heat::AutoScalingGroup`.

    **Note** while it may incidentally support `AWS::AutoScaling::AutoScalingGroup`
    for now, please don't use it for that purpose and use
    `AWS::AutoScaling::ScalingPolicy` instead.

    Resource to manage scaling for `OS::Heat::AutoScalingGroup`, i.e. define
    which metric should be scaled and scaling adjustment, set cooldown etc.
    """

    type = 'OS::Heat::ScalingPolicy'
    title = 'AutoScalingPolicy'
    support = Support()
    names = ('auto_scaling_group_id', 'adjustment_type', 'scaling_adjustment', 'min_adjustment_step',
             'cooldown')
    percent = 'percent_change_in_capacity'

    class properties:
        auto_scaling_group_id = String('AutoScaling group ID to apply policy to.', required=True)
        scaling_adjustment = Number('Size of adjustment.', required=True, update=IN_PLACE)
        adjustment_type = String('Type of adjustment (absolute or percentage).', required=True, values=TYPES,
                                 update=IN_PLACE)
        cooldown = Number('Cooldown period, in seconds.', update=IN_PLACE)
        min_adjustment_step = Integer(
            'Minimum number of resources that are added or removed when the AutoScaling group scales up or '
            'down. This can be used only when specifying percent_change_in_capacity for the adjustment_type '
            'property.', range=(0, None), update=IN_PLACE)

    class attributes:
        alarm_url = Attr('A signed url to handle the alarm.', type='String', live=True)
        signal_url = Attr('A url to handle the alarm using native API.', type='String',
                          support=Support(version='5.0.0'))

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        return row.data.get({'alarm_url': 'signed_url', 'signal_url': 'signal_url'}.get(name, ''))
