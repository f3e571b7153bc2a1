"""The other goals: cancel, suspend, resume, check."""

from __future__ import annotations

import pytest

from heat.common import errors
from tests.sim.test_lifecycle import hot, of, res


def act(world, name, me, **arguments):
    getattr(world.engine.intake, name)(world.context, me, **arguments)


def test_cancelling_an_update_goes_back(world):
    me = world.create('s', hot(a=res(), b=res(depends_on='a')))
    world.run()
    world.update(me, hot(a=res('two', props={'wait_secs': 20}), b=res('two', depends_on='a')))
    world.run(until=world.clock.monotonic() + 2)
    act(world, 'stack_cancel_update', me)
    world.run()
    assert world.state(me) == 'ROLLBACK_COMPLETE'
    assert {n: r.props['value'] for n, r in world.rows(me).items()} == {'a': 'one', 'b': 'one'}
    assert of(world.events(me), 'a')[2:] == ['UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE',
                                             'UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE']


def test_what_is_not_updating_cannot_be_cancelled(world):
    me = world.create('s', hot(a=res()))
    world.run()
    with pytest.raises(errors.NotSupported, match='Cancelling update when stack is CREATE_COMPLETE'):
        act(world, 'stack_cancel_update', me)


def test_suspending_runs_backwards_and_resuming_forwards(world):
    template = hot(a={'type': 'OS::Heat::Delay', 'properties': {'min_wait': 1, 'actions': ['SUSPEND']}},
                   b={'type': 'OS::Heat::Delay', 'depends_on': 'a'},
                   g={'type': 'OS::Heat::ResourceGroup', 'properties': {
                       'count': 1, 'resource_def': {'type': 'OS::Heat::TestResource'}}})
    me = world.create('s', template)
    world.run()
    seen = len(world.events(me))
    act(world, 'stack_suspend', me)
    world.run()
    assert world.state(me) == 'SUSPEND_COMPLETE'
    told = [e for e in world.events(me)[seen:] if e.startswith(('a', 'b'))]
    assert told == ['b SUSPEND_IN_PROGRESS', 'b SUSPEND_COMPLETE', 'a SUSPEND_IN_PROGRESS',
                    'a SUSPEND_COMPLETE']
    with pytest.raises(errors.NotSupported):
        world.update(me, template)
    seen = len(world.events(me))
    act(world, 'stack_resume', me)
    world.run()
    assert world.state(me) == 'RESUME_COMPLETE'
    told = [e for e in world.events(me)[seen:] if e.startswith(('a', 'b'))]
    assert told[0] == 'a RESUME_IN_PROGRESS' and told[-1] == 'b RESUME_COMPLETE'


def test_a_check_says_what_it_could_not_look_at(world):
    me = world.create('s', hot(a=res(), r={'type': 'OS::Heat::RandomString'}))
    world.run()
    act(world, 'stack_check', me)
    world.run()
    assert world.stack(me).reason == ("Stack CHECK completed successfully. 'CHECK' not fully supported "
                                      '(see resources)')
    assert world.rows(me)['r'].reason == 'CHECK not supported for OS::Heat::RandomString'


def test_an_action_waits_for_nobody(world):
    me = world.create('s', hot(a=res(props={'wait_secs': 30})))
    world.run(until=world.clock.monotonic() + 1)
    with pytest.raises(errors.ActionInProgress):
        act(world, 'stack_suspend', me)


def test_a_guard_on_a_creation_says_that_it_means_nothing(world):
    # It was accepted and had no effect.
    with pytest.raises(errors.NotSupported, match='A guard on a creation'):
        world.engine.intake.create_stack(world.context, 's', {
            'heat_template_version': '2021-04-16', 'resources': {}}, {}, {}, {'guard': ['a']})
