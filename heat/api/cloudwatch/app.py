"""The CloudWatch-compatible API.

Purpose: the daemon starts, authenticates and refuses the query actions, which
this release does not serve. Invariant: every error is AWS-shaped XML.
Neighbours: ``api.cfn.app`` shares the refusal, ``api.aws`` words the errors.
"""

from __future__ import annotations

from typing import Any

from heat.api import aws, wiring
from heat.api.cfn.app import refuse_unserved
from heat.api.dispatch import Address, Call, Dispatcher, Route

ACTIONS = frozenset((
    'DeleteAlarms', 'DescribeAlarmHistory', 'DescribeAlarms', 'DescribeAlarmsForMetric',
    'DisableAlarmActions', 'EnableAlarmActions', 'GetMetricStatistics', 'ListMetrics', 'PutMetricAlarm',
    'PutMetricData', 'SetAlarmState'))


def query(call: Call) -> None:
    refuse_unserved(ACTIONS, call.request.params)


ROUTES = (Address('/', (Route('GET', query, body='raw'), Route('POST', query, body='raw'),
                        Route('HEAD', query, body='raw')), closed=False),)


def factory(global_conf: dict[str, str], **local_conf: str) -> Any:
    """A paste app factory (paste.app_factory)."""
    return Dispatcher(ROUTES, wiring.current(), aws.response_of)
