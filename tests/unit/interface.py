"""The tables of resource types, and what types here have beyond them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / 'data' / 'resource_types'
# Types that the recorded service never had.
OURS = frozenset({'AWS::EC2::Route'})
# What changes by itself is read anew each time.
LIVE = {'cache_mode': 'cache_none'}
BEYOND: dict[str, Any] = {
    'OS::Mistral::CronTrigger': {'attributes': {'next_execution_time': LIVE, 'remaining_executions': LIVE}},
    'OS::Mistral::Workflow': {'attributes': {'executions': LIVE}},
    'AWS::AutoScaling::AutoScalingGroup': {'update_policy': {'AutoScalingRollingUpdate': {'keys': {
        'WaitOnResourceSignals': {'type': 'Boolean', 'default': False},
        'MinSuccessfulInstancesPercent': {
            'type': 'Integer', 'default': 100,
            'constraints': [{'kind': 'range', 'min': 0, 'max': 100}]}}}}}}


def entry_of(name: str) -> dict[str, Any]:
    """The table of a type, with what is served here besides."""
    table: dict[str, Any] = json.loads((DATA / f'{name.replace("::", "_")}.json').read_text())
    return laid_over(table, BEYOND.get(name, {}))


def laid_over(table: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {**table, **{key: laid_over(table[key], value) if isinstance(table.get(key), dict) else value
                        for key, value in more.items()}}
