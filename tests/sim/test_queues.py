"""Signals by way of queues, and those of wait conditions that are put elsewhere than to this service."""

from __future__ import annotations

import json
from typing import Any

import pytest
from webob import Request

from tests.sim.crashes import every_crash
from tests.sim.software import OK, counts, deployed, inputs, output, template, wait_a_bit
from tests.sim.test_swift import put
from tests.sim.world import World

GUEST = '11111111-2222-4333-8444-555555555555'


def post(world: World, queue: str, *bodies: Any) -> None:
    """As heat-config-notify does it in a server."""
    request = Request.blank(f'/messaging/v2/queues/{queue}/messages', method='POST')
    request.headers.update({'X-Auth-Token': world._login(), 'Client-ID': GUEST})
    request.body = json.dumps({'messages': [{'ttl': 600, 'body': one} for one in bodies]}).encode()
    assert request.get_response(world.cloud.application).status_int == 201


def left(world: World) -> tuple[int, ...]:
    inventory = world.cloud.inventory
    return len(inventory.queues), len(inventory.messages), len(inventory.containers), len(inventory.objects)


# -- deployments -----------------------------------------------------------------------------------


@pytest.mark.parametrize('how', ['post', 'signal'])
def test_a_server_may_write_its_word_into_a_queue(world, how):
    me = world.create('s', template(signal_transport='ZAQAR_SIGNAL'))
    queues = []
    for action, script in (('CREATE', 'echo'), ('UPDATE', 'echo 2')):
        if action == 'UPDATE':
            # Said too late for the turn before: no word on this one.
            post(world, queues[0], {**OK, 'res': 'late'})
            world.update(me, template(script, signal_transport='ZAQAR_SIGNAL'))
        wait_a_bit(world)
        given = inputs(deployed(world)[0])
        queues.append(given['deploy_queue_id'])
        assert world.states(me)['dep'] == f'{action}_IN_PROGRESS'
        assert {name for name in given if name.startswith('deploy_')} == {
            'deploy_server_id', 'deploy_action', 'deploy_stack_id', 'deploy_resource_name',
            'deploy_signal_transport', 'deploy_auth_url', 'deploy_username', 'deploy_user_id',
            'deploy_password', 'deploy_project_id', 'deploy_region_name', 'deploy_queue_id'}
        if how == 'post':
            post(world, queues[-1], {**OK, 'res': action}, {**OK, 'res': 'second'})
        else:
            world.signal(me, 'dep', {**OK, 'res': action})
        world.run()
        assert world.state(me) == f'{action}_COMPLETE' and output(world, me) == action
    assert len(set(queues)) == 2 and left(world)[0] == 1
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and counts(world) == (0, 0) and left(world) == (0, 0, 0, 0)


def test_a_bad_end_in_a_queue(world):
    me = world.create('s', template(signal_transport='ZAQAR_SIGNAL'))
    wait_a_bit(world)
    # Clients of some versions write text.
    post(world, inputs(deployed(world)[0])['deploy_queue_id'], json.dumps({'deploy_status_code': 4}))
    world.run()
    assert world.rows(me)['dep'].reason.endswith('Deployment exited with non-zero status code: 4')


def test_what_is_no_word_fails_the_deployment(world):
    me = world.create('s', template(signal_transport='ZAQAR_SIGNAL'))
    wait_a_bit(world)
    post(world, inputs(deployed(world)[0])['deploy_queue_id'], [1])
    world.run()
    assert world.rows(me)['dep'].reason == 'ValueError: resources.dep: A signal is not a JSON object'


def test_a_suspended_deployment_leaves_no_queue(world):
    me = world.create('s', template(signal_transport='ZAQAR_SIGNAL'))
    wait_a_bit(world)
    post(world, inputs(deployed(world)[0])['deploy_queue_id'], OK)
    world.run()
    world.engine.intake.stack_suspend(world.context, me)
    world.run()
    world.delete(me)
    world.run()
    assert world.users_asked[-3:] == ['suspend_user', 'resume_user', 'delete_user']
    assert world.state(me) == 'DELETE_COMPLETE' and left(world)[0] == 0


def test_crashes_while_a_queue_is_watched(conf):
    def life(world: World) -> Any:
        me = world.create('s', template(signal_transport='ZAQAR_SIGNAL'))
        wait_a_bit(world)
        wait_a_bit(world)
        post(world, inputs(deployed(world)[0])['deploy_queue_id'], OK)
        world.run()
        seen = world.state(me), output(world, me), counts(world), left(world)[:1]
        world.delete(me)
        world.run()
        return *seen, world.state(me), counts(world), left(world)

    assert every_crash(conf, life) == (
        'CREATE_COMPLETE', 'value', (2, 1), (1,), 'DELETE_COMPLETE', (0, 0), (0, 0, 0, 0))


# -- wait conditions -------------------------------------------------------------------------------


def waiting(transport: str, count: int = 2, timeout: int = 60) -> dict[str, Any]:
    return {'heat_template_version': '2021-04-16', 'resources': {
        'h': {'type': 'OS::Heat::WaitConditionHandle', 'properties': {'signal_transport': transport}},
        'w': {'type': 'OS::Heat::WaitCondition', 'properties': {
            'handle': {'get_resource': 'h'}, 'count': count, 'timeout': timeout}}},
        'outputs': {'out': {'value': {'get_attr': ['w', 'data']}}}}


def signal_of(world: World, me: dict[str, Any]) -> dict[str, Any]:
    """What the handle's users are given: its attribute ``signal``."""
    row = world.rows(me)['h']
    found: dict[str, Any] = json.loads(world.engine.loader.plugin(row).attribute(row, 'signal', ()))
    return found


def send(world: World, signal: dict[str, Any], body: Any = None) -> None:
    if 'queue_id' in signal:
        post(world, signal['queue_id'], body or {})
    else:
        put(world, signal['alarm_url'], body)


@pytest.mark.parametrize('transport', ['TEMP_URL_SIGNAL', 'ZAQAR_SIGNAL'])
def test_a_wait_condition_counts_what_was_put_elsewhere(world, transport):
    me = world.create('s', waiting(transport, count=3))
    wait_a_bit(world)
    signal = signal_of(world, me)
    assert set(signal) == ({'alarm_url'} if transport == 'TEMP_URL_SIGNAL' else {
        'auth_url', 'username', 'user_id', 'password', 'project_id', 'domain_id', 'region_name', 'queue_id'})
    send(world, signal, {'data': 'one'})
    wait_a_bit(world)
    assert world.states(me)['w'] == 'CREATE_IN_PROGRESS'
    send(world, signal, {'id': 'x', 'data': 2})
    send(world, signal, {'id': 'x', 'data': 3})
    send(world, signal)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert json.loads(output(world, me)) == {'1': 'one', 'x': 3, '3': None}
    # More are asked for, of which those of before are a part.
    world.update(me, waiting(transport, count=4))
    wait_a_bit(world)
    assert world.states(me)['w'] == 'UPDATE_IN_PROGRESS'
    send(world, signal, {'id': 'y', 'data': 4})
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and json.loads(output(world, me))['y'] == 4
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and left(world) == (0, 0, 0, 0)


@pytest.mark.parametrize('transport', ['TEMP_URL_SIGNAL', 'ZAQAR_SIGNAL'])
@pytest.mark.parametrize(('body', 'reason'), [
    ({'status': 'FAILURE', 'reason': 'no luck'}, 'WaitConditionFailure: resources.w: no luck'),
    ({'status': 'FINE'}, 'ValueError: resources.w: Signal has the status FINE, which is neither SUCCESS nor '
                         'FAILURE'),
    ({'Status': 'SUCCESS'}, 'ValueError: resources.w: Signal has unexpected keys: Status')])
def test_a_bad_signal_elsewhere_ends_the_wait(world, transport, body, reason):
    me = world.create('s', waiting(transport))
    wait_a_bit(world)
    send(world, signal_of(world, me), body)
    world.run()
    assert world.rows(me)['w'].reason == reason


@pytest.mark.parametrize('transport', ['TEMP_URL_SIGNAL', 'ZAQAR_SIGNAL'])
def test_too_few_signals_elsewhere_are_a_timeout(world, transport):
    me = world.create('s', waiting(transport, timeout=20))
    wait_a_bit(world)
    send(world, signal_of(world, me), {'reason': 'only me'})
    world.run()
    assert world.rows(me)['w'].reason == 'WaitConditionTimeout: resources.w: 1 of 2 received - only me'


def test_a_message_that_is_shown_again_counts_once(world):
    me = world.create('s', waiting('ZAQAR_SIGNAL'))
    wait_a_bit(world)
    queue, messages = signal_of(world, me)['queue_id'], world.cloud.inventory.messages
    post(world, queue, {'data': 'one'})
    (row,) = messages.all()
    wait_a_bit(world)
    assert messages.all() == []
    # A store may need its time until all of it knows that something is gone.
    messages.put(row)
    wait_a_bit(world)
    assert world.states(me)['w'] == 'CREATE_IN_PROGRESS'
    post(world, queue, {'data': 'two'})
    world.run()
    assert json.loads(output(world, me)) == {'1': 'one', '2': 'two'}


@pytest.mark.parametrize(('count', 'end'), [(1, 'CREATE_COMPLETE'), (2, 'CREATE_FAILED')])
def test_a_store_without_versions_counts_one_signal(world, count, end):
    world.cloud.settings.object_versions = False
    me = world.create('s', waiting('TEMP_URL_SIGNAL', count=count))
    wait_a_bit(world)
    if count == 1:
        send(world, signal_of(world, me), {'data': 'one'})
    world.run()
    assert world.state(me) == end
    assert count == 1 or 'NotSupported: resources.w: The object store keeps no older versions' in \
        world.rows(me)['w'].reason


def test_many_signals_in_a_queue(world):
    """More than a page of them, and each counts once."""
    me = world.create('s', waiting('ZAQAR_SIGNAL', count=30))
    wait_a_bit(world)
    queue = signal_of(world, me)['queue_id']
    for begin in (0, 15):
        post(world, queue, *({'data': number} for number in range(begin, begin + 15)))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    assert list(json.loads(output(world, me)).values()) == list(range(30)) and left(world)[1] == 0


def test_crashes_while_signals_are_looked_for(conf):
    def life(world: World) -> Any:
        me = world.create('s', waiting('ZAQAR_SIGNAL', count=2))
        wait_a_bit(world)
        wait_a_bit(world)
        for data in ('one', 'two'):
            send(world, signal_of(world, me), {'data': data})
            wait_a_bit(world)
        world.run()
        seen = world.state(me), json.loads(output(world, me))
        world.delete(me)
        world.run()
        return *seen, world.state(me), left(world)

    assert every_crash(conf, life) == (
        'CREATE_COMPLETE', {'1': 'one', '2': 'two'}, 'DELETE_COMPLETE', (0, 0, 0, 0))
