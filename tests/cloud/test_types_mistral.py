"""Workflows, what runs them by the clock or upon a signal, and what they manage, on a real Mistral."""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from heat.plan.decide import Verdict
from heat.resources.openstack.mistral import CronTrigger
from tests.cloud.daemons import User
from tests.cloud.stack import Stack
from tests.functional.drive import from_environment
from tests.servers.daemon import wait_until

TEMPLATE = Path(__file__).parent / 'types' / 'mistral.yaml'

pytestmark = [pytest.mark.groups('mistral'), pytest.mark.usefixtures('leaves_nothing', 'no_executions')]


class Workflows:
    """Mistral as the owner of a stack sees it."""

    def __init__(self, user: User) -> None:
        self._api = user.api('workflowv2')

    def get(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self._api.get(path).json()
        return found

    def executions(self, description: str) -> list[tuple[str, dict[str, Any]]]:
        """(state, input), in their order."""
        listed = self.get('/executions?sort_keys=created_at')['executions']
        return [(one['state'], json.loads(one['input'])) for one in listed
                if one['description'] == description]

    def make(self, name: str, workflow: dict[str, Any]) -> None:
        self._api.post('/workflows', json={'version': '2.0', name: workflow}, headers={'Accept': '*/*'})

    def remove(self, name: str) -> None:
        self._api.delete(f'/workflows/{name}')

    def forget(self) -> None:
        """The service keeps what it has run."""
        for one in self.get('/executions')['executions']:
            self._api.delete(f'/executions/{one["id"]}?force=true')


@pytest.fixture
def mistral(user: User) -> Workflows:
    return Workflows(user)


@pytest.fixture
def no_executions(mistral: Workflows) -> Iterator[None]:
    yield
    mistral.forget()


def test_workflows_and_what_runs_them(user: User, mistral: Workflows) -> None:
    stack = Stack(user, 'types-mistral')
    stack.create(TEMPLATE)
    stack.ends('CREATE_COMPLETE')
    greet = mistral.get('/workflows/types-greet')
    assert stack.physical('greet') == 'types-greet' and greet['input'] == 'who'
    assert json.loads(greet['definition'])['types-greet']['description'] == 'first'
    assert mistral.executions('types-thing') == [('SUCCESS', {'name': 'types-thing', 'serial': 1})]
    outputs = stack.outputs()
    assert outputs['thing'] == 'types-thing'
    assert outputs['output'] == {'resource_id': 'types-thing', 'serial': 1}
    assert outputs['data'] == {'name': 'types-greet', 'input': {'who': 'nobody'}}
    assert outputs['executions'] == []

    assert requests.post(outputs['url'], json={'who': 'all'}, timeout=60).status_code == 200
    user.openstack('stack', 'resource', 'signal', '--data', '{"whom": "all"}', stack.name, 'greet')
    wait_until('the signals are told', lambda: len(signals(stack)) == 2, 60)
    assert signals(stack)[1] == 'Unknown input whom'
    run, = stack.outputs()['executions']
    assert run['input'] == {'who': 'all'} and run['workflow_name'] == 'types-greet'

    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    before = {name: one['physical_resource_id'] for name, one in stack.resources().items()}
    stack.update('--existing', label='second', serial=2)
    stack.ends('UPDATE_COMPLETE')
    assert {name: one['physical_resource_id'] for name, one in stack.resources().items()} == before
    assert json.loads(mistral.get('/workflows/types-greet')['definition'])['types-greet'][
        'description'] == 'second'
    assert mistral.get('/workflows/types-greet')['id'] == greet['id']
    assert mistral.executions('types-thing')[1:] == [('SUCCESS', {'name': 'types-thing', 'serial': 2})]
    assert stack.outputs()['output']['serial'] == 2

    stack.update('--existing', always=True)
    stack.ends('UPDATE_COMPLETE')
    # A new resource, since "always_update" cannot be changed, but the same thing, which must stay.
    assert len(mistral.executions('types-thing')) == 3
    stack.update('--existing', label='third')
    stack.ends('UPDATE_COMPLETE')
    stack.act('suspend')
    stack.ends('SUSPEND_COMPLETE')
    stack.act('resume')
    stack.ends('RESUME_COMPLETE')
    assert len(mistral.executions('types-thing')) == 5
    stack.delete()
    assert len(mistral.executions('types-thing')) == 6


def signals(stack: Stack) -> list[str]:
    """What became of the signals to ``greet``, in their order."""
    path = f'/stacks/{stack.name}/{stack.show()["id"]}/resources/greet/events'
    return [one['resource_status_reason'] for one in
            stack.user.api('orchestration').get(path, params={'sort_dir': 'asc'}).json()['events']
            if one['resource_status'].startswith('SIGNAL_')]


def test_a_trigger_of_who_gave_a_password(user: User, mistral: Workflows, tmp_path: Path) -> None:
    """The service makes a trust of its own, which Keystone grants to nobody who comes by a trust."""
    driver = from_environment(tmp_path, user.heat.cloud.demo.environment())
    mistral.make('types-work', {'type': 'direct', 'input': ['who'], 'tasks': {'a': {'action': 'std.noop'}}})
    run = {'name': 'types-work', 'input': {'who': 'the night'}}
    row = driver.create(CronTrigger, 'nightly', name='types-nightly', pattern='0 3 * * *', count=3,
                        workflow=run)
    made = mistral.get('/cron_triggers/types-nightly')
    assert (made['workflow_name'], made['pattern']) == ('types-work', '0 3 * * *')
    assert json.loads(made['workflow_input']) == {'who': 'the night'}
    assert driver.read(CronTrigger, row, 'remaining_executions', 'next_execution_time') == {
        'remaining_executions': 3, 'next_execution_time': made['next_execution_time']}
    changed = {'name': 'types-nightly', 'pattern': '0 4 * * *', 'workflow': run}
    assert driver.decide(CronTrigger, row, **changed).verdict is Verdict.REPLACE
    driver.delete(CronTrigger, row)
    mistral.remove('types-work')

    stack = Stack(user, 'types-mistral')
    template = tmp_path / 'nightly.yaml'
    template.write_text('''
heat_template_version: 2021-04-16
resources:
  work:
    type: OS::Mistral::Workflow
    properties: {type: direct, tasks: [{name: a, action: std.noop}]}
  nightly:
    type: OS::Mistral::CronTrigger
    properties: {pattern: 0 3 * * *, workflow: {name: {get_resource: work}}}
''')
    stack.create(template)
    assert 'Using trust-scoped token' in stack.ends('CREATE_FAILED')['stack_status_reason']
    stack.delete()


def test_what_a_failed_execution_says_is_told(user: User, mistral: Workflows, tmp_path: Path) -> None:
    stack = Stack(user, 'types-mistral')
    wrong = tmp_path / 'wrong.yaml'
    wrong.write_text('''
heat_template_version: 2021-04-16
resources:
  make:
    type: OS::Mistral::Workflow
    properties:
      type: direct
      tasks: [{name: refuse, action: std.fail}]
  thing:
    type: OS::Mistral::ExternalResource
    properties: {actions: {CREATE: {workflow: {get_resource: make}}}}
''')
    stack.create(wrong)
    reason = stack.ends('CREATE_FAILED')['stack_status_reason']
    assert 'resources.thing' in reason and 'went to state ERROR: ' in reason and 'tasks: refuse' in reason
    stack.delete()
