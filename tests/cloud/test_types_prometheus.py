"""Alarms of a real Aodh by what a real Prometheus answers, which Aodh knows since 2024."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cloud.daemons import User
from tests.cloud.stack import Stack
from tests.servers.daemon import wait_until

TEMPLATE = Path(__file__).parent / 'types' / 'prometheus.yaml'

pytestmark = [pytest.mark.groups('prometheus'), pytest.mark.usefixtures('leaves_nothing')]


def test_a_group_grows_when_prometheus_says_so(user: User) -> None:
    stack, aodh = Stack(user, 'types-prometheus'), user.api('alarming')

    def shown(name: str = 'alarm') -> dict[str, Any]:
        found: dict[str, Any] = aodh.get(f'/v2/alarms/{stack.physical(name)}').json()
        return found

    stack.create(TEMPLATE, threshold=50)
    stack.ends('CREATE_COMPLETE')
    alarm, before = shown(), {name: stack.physical(name) for name in ('alarm', 'timed')}
    assert (alarm['type'], alarm['severity'], alarm['repeat_actions']) == ('prometheus', 'moderate', False)
    assert alarm['prometheus_rule'] == {
        'query': 'up{job="devcloud"} + 6', 'comparison_operator': 'gt', 'threshold': 50.0}
    assert (shown('timed')['enabled'], shown('timed')['time_constraints'][0]['timezone']) == (
        False, 'Europe/Berlin')
    assert shown('timed')['prometheus_rule']['comparison_operator'] == 'eq'
    assert stack.outputs()['alarm']['alarm_id'] == before['alarm']
    wait_until('Prometheus was asked', lambda: shown()['state'] == 'ok', 120, every=0.5)

    # In place, and it goes off.
    stack.update('--existing', threshold=5, description='second')
    stack.ends('UPDATE_COMPLETE')
    wait_until('the group has grown', lambda: len(stack.members('group')) == 2, 120, every=0.5)
    assert (shown()['description'], shown()['state']) == ('second', 'alarm')
    # What Prometheus does not know it answers with nothing.
    stack.update('--existing', query='nobody_measures_this')
    stack.ends('UPDATE_COMPLETE')
    wait_until('it is not known', lambda: shown()['state'] == 'insufficient data', 120, every=0.5)
    assert {name: stack.physical(name) for name in before} == before

    changed = shown()
    changed['prometheus_rule']['threshold'] = 7
    aodh.put(f'/v2/alarms/{before["alarm"]}', json=changed)
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    told = stack.drifted()
    assert list(told) == ['alarm'] and 'threshold is 7.0 instead of 5' in told['alarm'], told
    stack.act('suspend')
    stack.ends('SUSPEND_COMPLETE')
    assert [shown(name)['enabled'] for name in before] == [False, False]
    stack.act('resume')
    stack.ends('RESUME_COMPLETE')
    assert [shown(name)['enabled'] for name in before] == [True, False]

    stack.update('--existing', hour=2)
    stack.ends('UPDATE_COMPLETE')
    assert shown('timed')['time_constraints'][0]['start'] == '0 2 * * *'
    assert stack.physical('timed') != before['timed'] and stack.physical('alarm') == before['alarm']
    stack.update('--existing', action='carrier-pigeon://nest')
    assert 'resources.alarm: Unsupported action carrier-pigeon://nest' in stack.ends(
        'UPDATE_FAILED')['stack_status_reason']
    stack.delete()
