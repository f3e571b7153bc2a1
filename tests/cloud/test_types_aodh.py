"""Alarms of a real Aodh over measures of a real Gnocchi."""
from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.cloud.daemons import User
from tests.cloud.stack import Stack
from tests.servers.daemon import wait_until

TEMPLATE = Path(__file__).parent / 'types' / 'aodh.yaml'
ALARMS = ('load', 'of_group', 'of_metrics', 'event', 'composite')
CLIENT = {'Client-ID': str(uuid4())}

pytestmark = [pytest.mark.groups('aodh', 'gnocchi', 'zaqar'), pytest.mark.usefixtures('leaves_nothing')]


@pytest.fixture
def measured(user: User) -> Iterator[str]:
    """A resource of Gnocchi with a metric that may be written to each second."""
    gnocchi = user.api('metric')
    made = gnocchi.post('/v1/resource/generic', json={
        'id': str(uuid4()), 'metrics': {'load': {'archive_policy_name': 'high'}}}).json()
    yield made['id']
    gnocchi.delete(f'/v1/resource/generic/{made["id"]}')


def test_a_group_grows_when_an_alarm_goes_off(user: User, measured: str) -> None:
    stack, aodh = Stack(user, 'alarms'), user.api('alarming')

    def shown(name: str) -> dict[str, Any]:
        found: dict[str, Any] = aodh.get(f'/v2/alarms/{stack.physical(name)}').json()
        return found

    stack.create(TEMPLATE, measured=measured)
    stack.ends('CREATE_COMPLETE')
    outputs = stack.outputs()
    load, event = shown('load'), shown('event')
    assert load['name'].startswith('alarms-load-') and load['description'] == 'The load is high.'
    assert load['gnocchi_resources_threshold_rule']['threshold'] == 50.0
    # Nothing that needs a trust of the stack's own.
    assert outputs['address'] in load['alarm_actions'] and event['alarm_actions'] == [outputs['address']]
    assert event['event_rule']['query'][0]['field'] == 'traits.state'
    assert (event['time_constraints'][0]['start'], event['repeat_actions']) == ('0 1 * * *', True)
    assert shown('of_metrics')['severity'] == 'critical'
    assert shown('of_group')['alarm_actions'] == [outputs['address']]
    assert [shown(name)['enabled'] for name in ALARMS] == [True, False, True, True, True]
    assert list(shown('composite')['composite_rule']) == ['and']

    metric = user.api('metric').get(f'/v1/resource/generic/{measured}').json()['metrics']['load']
    user.api('metric').post(f'/v1/metric/{metric}/measures', json=[
        {'timestamp': f'{time.time():.0f}', 'value': 90.0}])
    wait_until('the group has grown', lambda: len(stack.members('group')) == 2, 120, every=1)
    queue = stack.physical('queue')
    messages = user.api('messaging').get(f'/v2/queues/{queue}/messages', params={'echo': 'true'},
                                         headers=CLIENT).json()['messages']
    assert [one['body']['current'] for one in messages] == ['alarm']
    stack.act('check')
    stack.ends('CHECK_COMPLETE')

    stack.act('suspend')
    stack.ends('SUSPEND_COMPLETE')
    assert not any(shown(name)['enabled'] for name in ALARMS)
    stack.act('resume')
    stack.ends('RESUME_COMPLETE')
    assert [shown(name)['enabled'] for name in ALARMS] == [True, False, True, True, True]
    assert shown('load')['state'] == 'alarm'

    before = {name: stack.physical(name) for name in ALARMS}
    stack.update('--existing', threshold=99, hour=2)
    stack.ends('UPDATE_COMPLETE')
    after = {name: stack.physical(name) for name in ALARMS}
    assert [name for name in ALARMS if after[name] != before[name]] == ['event']
    assert shown('load')['gnocchi_resources_threshold_rule']['threshold'] == 99.0
    assert shown('event')['time_constraints'][0]['start'] == '0 2 * * *'
    assert shown('composite')['composite_rule']['and'][0]['threshold'] == 99.0
    stack.delete()
