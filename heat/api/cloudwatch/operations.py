"""The table of CloudWatch's operations: name -> function and members.

Purpose: every operation of AWS's model has a row; those without a function say that they
are not supported. Invariant: the members of a served operation are exactly those of AWS's
model (and what the classic called otherwise), each read by a kind or refused by
``unserved``; the tests hold both against botocore. Neighbours: ``invocation`` looks up here.
"""

from __future__ import annotations

from heat.api.cloudwatch import alarms, metrics
from heat.api.cloudwatch.invocation import Operation
from heat.api.cloudwatch.members import (
    Kind,
    Listed,
    Structure,
    choice,
    double,
    flag,
    integer,
    text,
    timestamp,
    unserved,
)
from heat.api.cloudwatch.shapes import NO_UNIT, STATES

STATISTICS = ('SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum')
_SIZES = ('Bytes', 'Kilobytes', 'Megabytes', 'Gigabytes', 'Terabytes', 'Bits', 'Kilobits', 'Megabits',
          'Gigabits', 'Terabits')
UNITS = ('Seconds', 'Microseconds', 'Milliseconds', *_SIZES, 'Percent', 'Count',
         *(f'{size}/Second' for size in _SIZES), 'Count/Second', NO_UNIT)
# As cfn-push-stats calls them, which the classic took by any name.
OLD_UNITS = {'Counter': 'Count', **{unit.lower(): unit for unit in UNITS}}
COMPARISONS = ('GreaterThanOrEqualToThreshold', 'GreaterThanThreshold', 'LessThanThreshold',
               'LessThanOrEqualToThreshold')
TYPES = ('CompositeAlarm', 'MetricAlarm', 'LogAlarm')
LARGEST = 2**31 - 1
SHORT = (10, 20, 30)

NAME, NAMESPACE = text(255), text(255, pattern='[^:].*')
DIMENSIONS = Listed(Structure({'Name': text(255), 'Value': text(1024)}, ('Name', 'Value')), 30)
ACTIONS = Listed(text(1024), 5)
STATE, STATISTIC, UNIT = choice(*STATES), choice(*STATISTICS), choice(*UNITS, aliases=OLD_UNITS)
TOKEN, COUNT = text(4096), integer(1, LARGEST)
ALARM_PERIOD = integer(10, 86400, lambda value: value in SHORT or value % 60 == 0,
                       '10, 20, 30 or a multiple of 60 up to 86400')
PERIOD = integer(1, LARGEST, lambda value: value in (1, 5, *SHORT) or value % 60 == 0,
                 '1, 5, 10, 20, 30 or a multiple of 60')
# Samples are kept with their times, so both of AWS's resolutions ask for what is done anyway.
RESOLUTION = integer(1, 60, lambda value: value in (1, 60), '1 or 60')
STATISTIC_SET = Structure(dict.fromkeys(('SampleCount', 'Sum', 'Minimum', 'Maximum'), double),
                          ('SampleCount', 'Sum', 'Minimum', 'Maximum'))
DATUM = Structure({
    'MetricName': NAME, 'Dimensions': DIMENSIONS, 'Timestamp': timestamp, 'Value': double,
    'StatisticValues': STATISTIC_SET, 'Values': Listed(double, 150, 1), 'Counts': Listed(double, 150, 1),
    'Unit': UNIT, 'StorageResolution': RESOLUTION}, ('MetricName',))
FILTER = Structure({'Name': text(255), 'Value': text(1024)}, ('Name',))
NAMED = Structure({'AlarmNames': Listed(NAME, 100, 1)}, ('AlarmNames',))
ALARM_TYPES = Listed(choice(*TYPES), len(TYPES))
PAGED = {'MaxRecords': integer(1, 100), 'NextToken': TOKEN}
METRIC: dict[str, Kind] = {'Namespace': NAMESPACE, 'MetricName': NAME, 'Dimensions': DIMENSIONS, 'Unit': UNIT}

SERVED: dict[str, Operation] = {
    'DeleteAlarms': Operation(alarms.delete, NAMED),
    'DescribeAlarmHistory': Operation(alarms.history, Structure({
        **PAGED, 'AlarmName': NAME, 'AlarmContributorId': unserved(), 'AlarmTypes': ALARM_TYPES,
        'HistoryItemType': choice(*alarms.KINDS, 'AlarmContributorStateUpdate', 'AlarmContributorAction'),
        'StartDate': timestamp, 'EndDate': timestamp,
        'ScanBy': choice('TimestampDescending', 'TimestampAscending')})),
    'DescribeAlarms': Operation(alarms.describe, Structure({
        **PAGED, 'AlarmNames': Listed(NAME, 100), 'AlarmNamePrefix': NAME, 'AlarmTypes': ALARM_TYPES,
        'ChildrenOfAlarmName': unserved(), 'ParentsOfAlarmName': unserved(), 'StateValue': STATE,
        'ActionPrefix': text(1024), 'AlarmName': NAME})),
    'DescribeAlarmsForMetric': Operation(alarms.describe_for_metric, Structure({
        **METRIC, 'Statistic': STATISTIC, 'ExtendedStatistic': unserved(), 'Period': COUNT},
        ('MetricName', 'Namespace'))),
    'DisableAlarmActions': Operation(alarms.disable, NAMED),
    'EnableAlarmActions': Operation(alarms.enable, NAMED),
    'GetMetricStatistics': Operation(metrics.statistics, Structure({
        **METRIC, 'StartTime': timestamp, 'EndTime': timestamp, 'Period': PERIOD,
        'Statistics': Listed(STATISTIC, len(STATISTICS)), 'ExtendedStatistics': unserved()},
        ('Namespace', 'MetricName', 'StartTime', 'EndTime', 'Period'))),
    'ListMetrics': Operation(metrics.list_all, Structure({
        'Namespace': NAMESPACE, 'MetricName': NAME, 'Dimensions': Listed(FILTER, 10), 'NextToken': TOKEN,
        'RecentlyActive': choice('PT3H'), 'IncludeLinkedAccounts': unserved(False, 'false'),
        'OwningAccount': unserved()})),
    'PutMetricAlarm': Operation(alarms.put, Structure({
        **METRIC, 'AlarmName': NAME, 'AlarmDescription': text(1024, 0), 'ActionsEnabled': flag,
        'OKActions': ACTIONS, 'AlarmActions': ACTIONS, 'InsufficientDataActions': ACTIONS,
        'Statistic': STATISTIC, 'Period': ALARM_PERIOD, 'EvaluationPeriods': COUNT,
        'DatapointsToAlarm': COUNT, 'Threshold': double, 'ComparisonOperator': choice(*COMPARISONS),
        'TreatMissingData': choice('breaching', 'notBreaching', 'ignore', 'missing'),
        **dict.fromkeys(('ExtendedStatistic', 'EvaluateLowSampleCountPercentile', 'Metrics', 'Tags',
                         'ThresholdMetricId', 'EvaluationWindow', 'WarmUpConfiguration', 'EvaluationCriteria',
                         'EvaluationInterval', 'ActionConfiguration'), unserved())}, ('AlarmName',))),
    'PutMetricData': Operation(metrics.put, Structure({
        'Namespace': NAMESPACE, 'MetricData': Listed(DATUM, 1000), 'EntityMetricData': unserved(),
        'StrictEntityValidation': unserved(False, 'false')}, ('Namespace',))),
    'SetAlarmState': Operation(alarms.set_state, Structure({
        'AlarmName': NAME, 'StateValue': STATE, 'StateReason': text(1023, 0),
        'StateReasonData': text(4000, 0)}, ('AlarmName', 'StateValue'))),
}
UNSERVED = """
    AssociateDatasetKmsKey CreateResourceMetricsConfiguration DeleteAlarmMuteRule DeleteAnomalyDetector
    DeleteDashboards DeleteInsightRules DeleteMetricDataQueryDefinition DeleteMetricStream
    DeleteResourceMetricsConfiguration DescribeAlarmContributors DescribeAnomalyDetectors DescribeInsightRules
    DisableInsightRules DisassociateDatasetKmsKey EnableInsightRules GetAlarmMuteRule GetDashboard GetDataset
    GetInsightRuleReport GetMetricData GetMetricDataQueryDefinition GetMetricStream GetMetricWidgetImage
    GetOTelEnrichment GetResourceMetricsConfiguration ListAlarmMuteRules ListDashboards
    ListManagedInsightRules ListMetricDataQueryDefinitions ListMetricStreams ListTagsForResource
    PutAlarmMuteRule PutAnomalyDetector PutCompositeAlarm PutDashboard PutInsightRule PutLogAlarm
    PutManagedInsightRules PutMetricDataQueryDefinition PutMetricStream StartMetricStreams
    StartOTelEnrichment StopMetricStreams StopOTelEnrichment TagResource UntagResource UpdateOTelEnrichment
    UpdateResourceMetricsConfiguration"""
OPERATIONS: dict[str, Operation] = {**SERVED, **{name: Operation() for name in UNSERVED.split()}}
