"""Signals that ask the cloud for something: a workflow is run once for each, whoever dies meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from heat.clouds.performer import Answer, Fault
from heat.clouds.watch import Round
from heat.model import op
from tests.sim.crashes import every_crash
from tests.sim.test_lifecycle import hot, of
from tests.sim.world import World

WORK = {'type': 'OS::Mistral::Workflow', 'properties': {
    'name': 'work', 'type': 'direct', 'input': {'who': 'nobody'}, 'use_request_body_as_input': True,
    'tasks': [{'name': 'a', 'action': 'std.noop'}]}}
THING = {'type': 'OS::Mistral::ExternalResource', 'properties': {
    'actions': {verb: {'workflow': {'get_resource': 'work'}} for verb in ('CREATE', 'UPDATE', 'DELETE')},
    'input': {'who': 'thing'}}}


class WithWorkflows(World):
    """The workflow service, as far as these need it: names are unique, and so are ids of executions."""

    def __init__(self, conf: Any) -> None:
        super().__init__(conf)
        self.workflows: dict[str, dict[str, Any]] = {}
        self.executions: dict[str, dict[str, Any]] = {}
        # Requests to run something that come to nothing before one is heard.
        self.lost = 0
        # What Keystone does not do for users of a stack.
        self.refused = ''

    def cloud_answer(self, operation: Any) -> Any:
        if isinstance(operation, op.UserCall) and operation.verb == self.refused:
            return Fault(op.CloudFault(403, 'Forbidden', 'keystone'))
        if isinstance(operation, Round) and operation.polls and operation.polls[0].service == 'workflow':
            return Answer({one.id: self.executions.get(one.id) for one in operation.polls})
        if isinstance(operation, op.Call) and operation.service == 'workflow':
            return self._workflow(operation)
        return super().cloud_answer(operation)

    def _workflow(self, call: op.Call) -> Any:
        collection, _, key = call.path.strip('/').partition('/')
        things = self.workflows if collection == 'workflows' else self.executions
        if call.method == 'POST' and collection == 'executions':
            if self.lost:
                self.lost -= 1
                return Fault(op.CloudFault(0, 'No answer.', 'mistral'), lost=True)
            if call.body['workflow_name'] not in self.workflows:
                return Fault(op.CloudFault(404, 'Workflow not found', 'mistral'))
            made = things.setdefault(call.body['id'], {**call.body, 'state': 'SUCCESS', 'output': '{}'})
            return Answer(made)
        if call.method == 'POST':
            name = next(key for key in call.body if key != 'version')
            if name in things:
                return Fault(op.CloudFault(409, 'Duplicate entry', 'mistral'))
            things[name] = {'name': name}
            return Answer(things[name])
        if call.method == 'DELETE':
            things.pop(key, None)
            return Answer(None)
        found = things.get(key)
        return Answer(found) if found or 404 in call.ok else Fault(op.CloudFault(404, 'gone', 'mistral'))

    def runs(self) -> list[str]:
        return sorted(one['input']['who'] for one in self.executions.values())


@pytest.fixture
def world(conf: Any) -> WithWorkflows:
    return WithWorkflows(conf)


def test_each_signal_runs_the_workflow_once_whoever_dies(conf: Any) -> None:
    def life(world: WithWorkflows) -> Any:
        me = world.create('s', hot(work=WORK, thing=THING))
        world.run()
        world.signal(me, 'work', {'who': 'all'})
        world.run()
        state = world.state(me)
        told = of(world.events(me), 'work')
        world.delete(me)
        world.run()
        return state, told, world.runs(), world.workflows, world.leases_held()

    state, told, runs, left, leases = every_crash(conf, life, made=WithWorkflows)
    assert state == 'CREATE_COMPLETE'
    assert told == ['CREATE_IN_PROGRESS', 'CREATE_COMPLETE', 'SIGNAL_COMPLETE']
    assert runs == ['all', 'thing', 'thing'] and (left, leases) == ({}, 0)


def test_a_request_whose_answer_was_lost_is_made_again(world: WithWorkflows) -> None:
    me = world.create('s', hot(work=WORK))
    world.run()
    world.lost = 2
    world.signal(me, 'work', {'who': 'all'})
    world.run()
    assert world.runs() == ['all'] and of(world.events(me), 'work')[-1] == 'SIGNAL_COMPLETE'
    world.lost = 9
    world.signal(me, 'work', {'who': 'nobody else'})
    world.run()
    assert world.runs() == ['all'] and world.leases_held() == 0
    assert of(world.events(me), 'work')[-1] == 'SIGNAL_FAILED' and world.reasons(me)[-1] == 'work No answer.'


@pytest.mark.parametrize(
    ('details', 'said'),
    [({'whom': 'all'}, 'work Unknown input whom'), (None, 'work No signal details provided')])
def test_what_a_signal_says_is_judged(world: WithWorkflows, details: Any, said: str) -> None:
    me = world.create('s', hot(work=WORK))
    world.run()
    world.signal(me, 'work', details)
    world.run()
    assert world.reasons(me)[-1] == said
    assert world.runs() == ([] if details else ['nobody'])


def test_an_update_makes_up_for_the_address_that_a_failed_creation_lacks(world: WithWorkflows) -> None:
    world.refused = 'create_keypair'
    me = world.create('s', hot(work=WORK))
    world.run()
    assert world.state(me) == 'CREATE_FAILED' and world.rows(me)['work'].data.get('signed_url') is None
    world.refused = ''
    world.update(me, hot(work=WORK))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE'
    assert world.rows(me)['work'].data['signed_url'].startswith('http://heat.example:8000/v1/signal/')
    assert list(world.workflows) == ['work']


def test_input_and_params_of_a_signal_lie_over_those_of_the_workflow(world: WithWorkflows) -> None:
    asks = {**WORK['properties'], 'use_request_body_as_input': False, 'params': {'env': {'a': 1, 'b': 2}}}
    me = world.create('s', hot(work={**WORK, 'properties': asks}))
    world.run()
    world.signal(me, 'work', {'input': {'who': 'all'}, 'params': {'env': {'b': 3}}})
    world.run()
    made, = world.executions.values()
    assert made['input'] == {'who': 'all'} and made['params'] == {'env': {'a': 1, 'b': 3}}
    for wrong, said in (({'input': 'all'}, 'Input'), ({'params': [1]}, 'Params')):
        world.signal(me, 'work', wrong)
        world.run()
        assert f'{said} in signal data must be a map' in world.reasons(me)[-1]
    assert len(world.executions) == 1


def test_an_update_runs_what_is_always_to_be_run_once(world: WithWorkflows) -> None:
    always = {**THING, 'properties': {**THING['properties'], 'always_update': True,
                                      'replace_on_change_inputs': ['who']}}
    me = world.create('s', hot(work=WORK, thing=always))
    world.run()
    world.update(me, hot(work=WORK, thing=always))
    world.run()
    assert world.runs() == ['thing', 'thing'] and world.state(me) == 'UPDATE_COMPLETE'
    before = world.rows(me)['thing'].uuid
    world.update(me, hot(work=WORK, thing={**always, 'properties': {
        **always['properties'], 'input': {'who': 'other'}}}))
    world.run()
    assert world.rows(me)['thing'].uuid != before
    assert world.runs() == ['other', 'thing', 'thing', 'thing']
