"""Containers on a real Zun, which run in a Docker of its own; only their networks lead nowhere."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cloud.daemons import User
from tests.cloud.stack import Stack

TEMPLATE = Path(__file__).parent / 'types' / 'zun.yaml'
VERSION = {'OpenStack-API-Version': 'container 1.36'}

pytestmark = [pytest.mark.groups('zun'), pytest.mark.usefixtures('leaves_nothing')]


class Containers:
    """Zun as the owner of a stack sees it."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self._api = stack, stack.user.api('container')

    def of(self, name: str) -> dict[str, Any]:
        return dict(self._api.get(self._path(name), headers=VERSION).json())

    def run(self, name: str, command: str) -> str:
        """What a command says that is run inside."""
        done = self._api.post(f'{self._path(name)}/execute', headers=VERSION, params={
            'command': command, 'run': 'true', 'interactive': 'false'}).json()
        assert done['exit_code'] == 0, done
        return str(done['output']).strip()

    def _path(self, name: str) -> str:
        return f'/containers/{self.stack.physical(name)}'


def test_containers_live_as_told(user: User) -> None:
    stack = Stack(user, 'types-zun')
    zun = Containers(stack)
    stack.create(TEMPLATE)
    stack.ends('CREATE_COMPLETE')
    box, restless, outputs = zun.of('box'), zun.of('restless'), stack.outputs()
    net, other, port = (stack.physical(name) for name in ('net', 'other', 'port'))
    assert (box['name'], box['status'], box['cpu'], box['memory']) == ('types-first', 'Running', 0.1, '64')
    assert (box['command'], box['workdir'], box['labels']) == (
        ['sh', '-c', 'sleep 1000'], '/tmp', {'of': 'types'})
    assert box['security_groups'] == [stack.physical('group')]
    assert [one['addr'] for one in box['addresses'][net]] == ['10.71.1.77']
    assert outputs['addresses'][net][0]['addr'] == '10.71.1.77'
    assert (restless['interactive'], restless['tty']) == (True, True)
    assert restless['restart_policy'] == {'Name': 'on-failure', 'MaximumRetryCount': '2'}
    assert [one['port'] for one in restless['addresses'][net]] == [port]
    assert restless['name'] == outputs['name'] and outputs['name'].startswith('types-zun-restless-')
    assert zun.run('box', 'hostname') == 'types-box'
    assert zun.run('box', 'sh -c "echo $COLOUR $NUMBER"') == 'green 7'
    stack.act('check')
    stack.ends('CHECK_COMPLETE')

    stack.update('--existing', name='types-second', memory=128, cpu=0.2, both='true')
    stack.ends('UPDATE_COMPLETE')
    after = zun.of('box')
    assert (after['uuid'], after['name']) == (box['uuid'], 'types-second')
    assert (after['cpu'], after['memory'], after['task_state']) == (0.2, '128', None)
    assert set(after['addresses']) == {net, other}
    stack.update('--existing', both='false', address='10.71.1.78')
    stack.ends('UPDATE_COMPLETE')
    after = zun.of('box')
    assert (after['uuid'], after['task_state'], set(after['addresses'])) == (box['uuid'], None, {net})
    assert [one['addr'] for one in after['addresses'][net]] == ['10.71.1.78']
    stack.update('--existing', text='sleep 2000', spare=1)
    stack.ends('UPDATE_COMPLETE')
    assert zun.of('box')['uuid'] == box['uuid']
    assert zun.of('plain')['command'] == ['sleep', '2000']
    before = stack.physical('plain')
    stack.update('--existing', text='sleep 3000')
    stack.ends('UPDATE_COMPLETE')
    assert stack.physical('plain') != before and zun.of('plain')['command'] == ['sleep', '3000']
    # One that should wait for input and does not is none.
    stack.update('--existing', text='true', waiting='true')
    assert 'is interactive, but has stopped' in stack.ends('UPDATE_FAILED')['stack_status_reason']
    stack.delete()


def test_what_the_service_refuses_is_told_in_its_words(user: User) -> None:
    stack = Stack(user, 'types-zun')
    stack.create(TEMPLATE, image='nobody-has-it')
    assert 'due to "Cannot download image from docker: Error on pulling image: nobody-has-it:latest"' in (
        stack.ends('CREATE_FAILED')['stack_status_reason'])
    stack.update('--existing', image='busybox-like', memory=1)
    why = stack.ends('UPDATE_FAILED')['stack_status_reason']
    assert 'resources.box: ' in why and 'memory' in why.lower()
    stack.delete()
