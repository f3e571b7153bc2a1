"""Plans over REST: kept, looked at, carried out once, and void when the stack has moved on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.parity.conftest import Site
from tests.parity.test_rest_own import BASE, NEW, send, stack, template
from tests.wire.keystone import PROJECT

PLANS = f'/v1/{PROJECT}/plans'
CHANGE = {**NEW, 'template': template(a='y')}
del CHANGE['stack_name']


def kept(here: Site, path: str, body: dict[str, Any]) -> dict[str, Any]:
    made = send(here, 'POST', path, body)
    assert made.status_int == 201, made.text
    plan = made.json_body['plan']
    assert made.headers['Location'] == plan['links'][0]['href']
    return dict(plan)


def actions(plan: dict[str, Any]) -> dict[str, str]:
    return {entry['resource_name']: entry['action'] for entry in plan['entries']}


def test_a_plan_of_an_update_is_carried_out_once(site: Callable[[], Site]) -> None:
    here = site()
    own = stack(here)
    plan = kept(here, f'{own}/plans', {**CHANGE, 'name': 'friday'})
    assert (plan['name'], plan['action'], plan['status'], plan['stack_name']) == (
        'friday', 'UPDATE', 'AVAILABLE', 'web')
    assert actions(plan) == {'a': 'update', 'b': 'update', 'kid': 'keep'}
    assert plan['links'][1] == {'href': own, 'rel': 'stack'}
    assert plan['text'].startswith('UPDATE of stack web')
    # Nothing has happened, and it is found again.
    assert send(here, 'GET', own).headers['ETag'] == '"1"'
    address = plan['links'][0]['href']
    assert send(here, 'GET', address).json_body['plan'] == plan
    for path in (PLANS, f'{own}/plans', f'{PLANS}?stack_name=web'):
        assert [one['id'] for one in send(here, 'GET', path).json_body['plans']] == [plan['id']]
    assert send(here, 'GET', f'{PLANS}?stack_name=other').json_body['plans'] == []
    done = send(here, 'POST', f'{address}/execute')
    assert (done.status_int, done.json_body['stack']['links'][0]['href']) == (202, own)
    here.world.run()
    shown = send(here, 'GET', address).json_body['plan']
    assert (shown['status'], shown['execution']) == ('EXECUTED', 'COMPLETE')
    again = send(here, 'POST', f'{address}/execute')
    assert (again.status_int, again.json_body['error']['type']) == (409, 'PlanVoid')
    assert send(here, 'DELETE', address).status_int == 204
    assert send(here, 'GET', address).status_int == 404


def test_the_same_execution_said_twice_is_one(site: Callable[[], Site]) -> None:
    here = site()
    own = stack(here)
    address = kept(here, f'{own}/plans', CHANGE)['links'][0]['href']
    for _ in range(2):
        assert send(here, 'POST', f'{address}/execute', Idempotency_Key='mine').status_int == 202
        here.world.run()
    assert send(here, 'GET', own).headers['ETag'] == '"2"'


def test_a_plan_of_a_creation(site: Callable[[], Site]) -> None:
    here = site()
    plan = kept(here, PLANS, NEW)
    assert (plan['action'], plan['stack_id'], set(actions(plan).values())) == ('CREATE', None, {'create'})
    assert send(here, 'GET', BASE).json_body['stacks'] == []
    address = plan['links'][0]['href']
    wrong = send(here, 'POST', f'{address}/execute', {'disable_rollback': 'maybe'})
    assert wrong.status_int == 400
    made = send(here, 'POST', f'{address}/execute', {'disable_rollback': False})
    assert made.status_int == 202
    here.world.run()
    shown = send(here, 'GET', made.headers['Location']).json_body['stack']
    assert (shown['stack_status'], shown['disable_rollback']) == ('CREATE_COMPLETE', False)


def test_a_plan_is_void_once_the_stack_has_moved_on(site: Callable[[], Site]) -> None:
    here = site()
    own = stack(here)
    address = kept(here, f'{own}/plans', CHANGE)['links'][0]['href']
    send(here, 'POST', f'{own}/actions', {'check': None})
    here.world.run()
    assert send(here, 'GET', address).json_body['plan']['status'] == 'VOID'
    late = send(here, 'POST', f'{address}/execute')
    assert (late.status_int, late.json_body['error']['type']) == (409, 'PlanVoid')
    assert late.json_body['error']['message'].endswith('the stack web has moved on since.')


def test_a_plan_over_what_is_stored(site: Callable[[], Site]) -> None:
    here = site()
    own = stack(here)
    assert set(actions(kept(here, f'{own}/plans', {'existing': True})).values()) == {'keep'}
    bare = send(here, 'POST', f'{own}/plans', {})
    assert (bare.status_int, bare.json_body['error']['message']) == (400, 'No template specified')


@pytest.mark.parametrize(('path', 'body', 'said'), [
    (PLANS, {'template': {}}, 'No stack name specified'),
    (PLANS, {**NEW, 'name': 7}, '"name" must be a text.'),
    (PLANS, {**NEW, 'converge': True}, 'converge flag only supported'),
    (f'{BASE}/web/none/plans', {**CHANGE, 'existing': 'x'}, 'Unrecognized value "x" for "existing"')])
def test_what_is_no_plan_is_refused(site: Callable[[], Site], path: str, body: dict[str, Any],
                                    said: str) -> None:
    got = send(site(), 'POST', path, body)
    assert got.status_int == 400 and said in got.json_body['error']['message']
