"""AWS::CloudWatch::Alarm: a watch rule in the words of CloudFormation.

Purpose: the table; the behaviour is ``heat.watch``. Invariant: what the rules of this
service cannot do (metric math, percentiles, anomaly bands, tags) is refused by name.
Neighbours: ``heat.watch``.
"""

from __future__ import annotations

from typing import Any

from heat.model.watch import COMPARISONS, MISSING, STATISTICS, TREATMENTS, UNITS, arn_of
from heat.resources.base import Steps
from heat.resources.heat.watch import Alarm, actions
from heat.schema import (
    IN_PLACE,
    Attr,
    Boolean,
    Integer,
    List,
    Map,
    Number,
    String,
    deprecated,
)


class CloudWatchAlarm(Alarm):
    """Signals resources, such as scaling policies, when what is measured changes its state.

    A scaling policy is signalled again each period for as long as the state lasts.
    """

    type = 'AWS::CloudWatch::Alarm'
    title = 'CloudWatchAlarm'

    class properties:
        AlarmName = String('Its name, which no other alarm of the project has; by default made of the names '
                           'of stack and resource.', length=(1, 255))
        AlarmDescription = String('What the alarm is for.', length=(0, 1024), update=IN_PLACE)
        ActionsEnabled = Boolean('Whether actions are carried out.', default=True, update=IN_PLACE)
        Namespace = String('The namespace of the metric.', required=True, length=(1, 255), update=IN_PLACE)
        MetricName = String('The metric to watch.', required=True, length=(1, 255), update=IN_PLACE)
        Dimensions = List('Names and values that tell the metric from others of its name.', update=IN_PLACE,
                          of=Map(keys={'Name': String('Name.', required=True),
                                       'Value': String('Value.', required=True)}))
        Unit = String('The unit of the samples that count; all if it is not given.', values=UNITS,
                      update=IN_PLACE)
        Units = String('The former name of Unit.', values=UNITS, update=IN_PLACE, replaced_by='Unit',
                       support=deprecated('2013.2', message='Use Unit.'))
        Statistic = String('What is made of the samples of a period.', required=True, values=STATISTICS,
                           update=IN_PLACE)
        Period = Integer('The length of a period in seconds: 10, 20, 30 or a multiple of 60.', required=True,
                         update=IN_PLACE)
        EvaluationPeriods = Integer('How many periods are evaluated.', required=True, range=(1, None),
                                    update=IN_PLACE)
        DatapointsToAlarm = Integer('In how many of them the comparison must hold; in all by default.',
                                    range=(1, None), update=IN_PLACE)
        Threshold = Number('What the statistic is compared with.', required=True, update=IN_PLACE)
        ComparisonOperator = String('How the statistic is compared with the threshold.', required=True,
                                    values=COMPARISONS, update=IN_PLACE)
        TreatMissingData = String('What a period without samples counts as.', values=TREATMENTS,
                                  default=MISSING, update=IN_PLACE)
        AlarmActions = actions('What to do when the comparison holds.')
        OKActions = actions('What to do when it no longer holds.')
        InsufficientDataActions = actions('What to do when there is not enough data.')
        EvaluateLowSampleCountPercentile = String('Not implemented: there are no percentiles.',
                                                  implemented=False)
        ExtendedStatistic = String('Not implemented: there are no percentiles.', implemented=False)
        Metrics = List('Not implemented: an alarm watches one metric.', implemented=False)
        ThresholdMetricId = String('Not implemented: a threshold is a number.', implemented=False)
        Tags = List('Not implemented: an alarm has no tags.', implemented=False)

    class attributes:
        Arn = Attr('What the alarm is known by.', type='String')

    def read(self, names: tuple[Any, ...]) -> Steps:
        yield from ()
        return {'Arn': arn_of(self.around.stack.tenant, self.id)}
