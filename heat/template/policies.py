"""The shapes of CreationPolicy and UpdatePolicy in AWS's format.

Purpose: which keys a policy may have and what their literal values may be.
Invariant: pure; a value that a function gives is not looked at. The types of Heat
have policies of their own, which their schemas check. Neighbours: ``aws``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heat.template.functions import Path

if TYPE_CHECKING:
    from heat.template.compile import Unit



@dataclass(frozen=True, slots=True)
class Strange:
    """A word that is none of the known ones, and what is said of it."""

    sentence: str
    word: Any
    known: tuple[str, ...]


Check = Callable[[Any], 'str | Strange | None']
Shape = Mapping[str, 'Check | Shape']

_DURATION = re.compile(r'P(?=[\dT])(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?\Z')
LONGEST_WAIT = 12 * 3600


def seconds(text: str) -> int | None:
    """The length of an ISO 8601 duration of days, hours, minutes and seconds; None if it is none."""
    found = _DURATION.match(text)
    if found is None:
        return None
    return sum(int(part or 0) * unit for part, unit in zip(found.groups(), (86400, 3600, 60, 1), strict=True))


def _duration(most: int) -> Check:
    def check(value: Any) -> str | None:
        length = seconds(value) if isinstance(value, str) else None
        if length is None:
            return 'must be a duration like PT5M'
        return f'must be at most PT{most // 3600}H' if length > most else None
    return check


def _whole(low: int, high: int | None = None) -> Check:
    def check(value: Any) -> str | None:
        try:
            number = int(value) if not isinstance(value, (bool, float)) else None
        except (ValueError, TypeError):
            number = None
        if number is None or number < low or (high is not None and number > high):
            return f'must be a whole number from {low}' + (f' to {high}' if high is not None else ' on')
        return None
    return check


def _flag(value: Any) -> str | None:
    right = isinstance(value, bool) or str(value).lower() in ('true', 'false')
    return None if right else 'must be true or false'


def _texts(*known: str) -> Check:
    def check(value: Any) -> str | Strange | None:
        if not isinstance(value, list):
            return 'must be a list'
        strange = [one for one in value if isinstance(one, str) and known and one not in known]
        return Strange(f'cannot hold "{strange[0]}"', strange[0], known) if strange else None
    return check


def _word(*known: str) -> Check:
    def check(value: Any) -> Strange | None:
        return None if value in known else Strange(f'must be one of {", ".join(known)}', value, known)
    return check


def _any(value: Any) -> str | None:
    return None


_PROCESSES = ('Launch', 'Terminate', 'AddToLoadBalancer', 'AlarmNotification', 'AZRebalance', 'HealthCheck',
              'InstanceRefresh', 'ReplaceUnhealthy', 'ScheduledActions')
_PERCENT = _whole(0, 100)
CREATION: Shape = {
    'ResourceSignal': {'Count': _whole(0), 'Timeout': _duration(LONGEST_WAIT)},
    'AutoScalingCreationPolicy': {'MinSuccessfulInstancesPercent': _PERCENT},
    'StartFleet': {'Type': _flag}}
UPDATE: Shape = {
    'AutoScalingRollingUpdate': {
        'MaxBatchSize': _whole(1), 'MinActiveInstancesPercent': _PERCENT, 'MinInstancesInService': _whole(0),
        'MinSuccessfulInstancesPercent': _PERCENT, 'PauseTime': _duration(LONGEST_WAIT),
        'SuspendProcesses': _texts(*_PROCESSES), 'WaitOnResourceSignals': _flag},
    'AutoScalingReplacingUpdate': {'WillReplace': _flag},
    'AutoScalingScheduledAction': {'IgnoreUnmodifiedGroupSizeProperties': _flag},
    'AutoScalingInstanceRefresh': {
        'Strategy': _word('Rolling', 'ReplaceRootVolume'),
        'Preferences': {
            'AlarmSpecification': {'Alarms': _texts()}, 'BakeTime': _whole(0, 172800),
            'CheckpointDelay': _whole(0, 172800), 'CheckpointPercentages': _texts(),
            'InstanceWarmup': _whole(0), 'MaxHealthyPercentage': _whole(100, 200),
            'MinHealthyPercentage': _PERCENT, 'ScaleInProtectedInstances': _word('Ignore', 'Refresh', 'Wait'),
            'SkipMatching': _flag, 'StandbyInstances': _word('Ignore', 'Terminate', 'Wait')}},
    'CodeDeployLambdaAliasUpdate': {
        'AfterAllowTrafficHook': _any, 'ApplicationName': _any, 'BeforeAllowTrafficHook': _any,
        'DeploymentGroupName': _any},
    'EnableVersionUpgrade': _flag, 'UseOnlineResharding': _flag,
    'StartAfterUpdate': {'Type': _flag}, 'StopBeforeUpdate': {'Type': _flag}}


def check_policy(unit: Unit, tree: Any, shape: Shape, path: Path) -> None:
    """Faults for keys that the policy does not have and literal values that they cannot have."""
    if not isinstance(tree, dict):
        unit.fault(path, f'{path[-1]} must be a map')
        return
    if len(tree) == 1 and next(iter(tree)) in unit.functions:
        return
    for key, value in tree.items():
        inner = shape.get(key)
        if inner is None:
            unit.unknown((*path, key), f'{path[-1]} has no "{key}"', key, shape)
        elif not callable(inner):
            check_policy(unit, value, inner, (*path, key))
        elif not (isinstance(value, dict) and len(value) == 1 and next(iter(value)) in unit.functions):
            problem = inner(value)
            if isinstance(problem, Strange):
                unit.unknown((*path, key), f'{key} {problem.sentence}', problem.word, problem.known)
            elif problem:
                unit.fault((*path, key), f'{key} {problem}', value=value)
