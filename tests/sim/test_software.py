"""Software deployments: what a server is given, what it says, and every way in which that may break."""

from __future__ import annotations

import json
from typing import Any

import pytest

from heat.common import errors
from heat.common.context import RequestContext
from tests.sim.software import (
    GUEST,
    OK,
    SERVER,
    counts,
    deployed,
    inputs,
    output,
    template,
    wait_a_bit,
)


def test_a_server_is_told_what_to_do_and_how_to_answer(world):
    me = world.create('s', template(input_values={'x': 1, 'y': 'more'}, name='first'))
    wait_a_bit(world)
    assert world.states(me) == {'conf': 'CREATE_COMPLETE', 'dep': 'CREATE_IN_PROGRESS'}
    (told,) = deployed(world)
    given = inputs(told)
    signal = given.pop('deploy_signal_id')
    assert signal.startswith('http://heat.example:8000/v1/signal/arn%3Aopenstack%3Aheat%3A%3Ademo%3Astacks/s/'
                             f'{me["stack_id"]}/resources/dep?SignatureMethod=HmacSHA256&SignatureVersion=2'
                             f'&AWSAccessKeyId={"a" * 32}&Signature=')
    assert given == {
        'x': 1, 'y': 'more', 'deploy_server_id': SERVER, 'deploy_action': 'CREATE',
        'deploy_stack_id': f's/{me["stack_id"]}', 'deploy_resource_name': 'dep',
        'deploy_signal_transport': 'CFN_SIGNAL', 'deploy_signal_verb': 'POST'}
    assert (told['name'], told['group'], told['config']) == ('first', 'script', 'echo')
    shown = world.engine.software.show_software_deployment(world.context, world.rows(me)['dep'].physical_id)
    assert (shown['action'], shown['status'], shown['status_reason'], shown['server_id']) == (
        'CREATE', 'IN_PROGRESS', 'Deploy data available', SERVER)
    assert shown['input_values'] == {'x': 1, 'y': 'more'} and shown['config_id'] == told['id']


def test_with_heat_signal_the_server_gets_an_account(world):
    me = world.create('s', template(signal_transport='HEAT_SIGNAL'))
    wait_a_bit(world)
    given = inputs(deployed(world)[0])
    assert given['deploy_user_id'] == 'u' * 32 and given['deploy_project_id'] == 'p' * 32
    assert len(given['deploy_password']) > 20 and given['deploy_region_name'] == 'RegionOne'
    assert given['deploy_username'].startswith('s-dep-') and 'deploy_signal_id' not in given
    assert given['x'] == 'd'
    # The user inside signals the resource by the address in its own project.
    inside = {**me, 'tenant': 'p' * 32}
    world.hearing.resource_signal(GUEST, inside, 'dep', OK)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'


def test_the_word_of_the_server_completes_it(world):
    me = world.create('s', template())
    wait_a_bit(world)
    # A pre-signed address names the stack's own project, while its user is of another.
    world.hearing.resource_signal(GUEST, me, 'dep', OK)
    world.run()
    row = world.rows(me)['dep']
    assert world.state(me) == 'CREATE_COMPLETE' and output(world, me) == 'value'
    assert f'dep Signal: deployment {row.physical_id} succeeded' in world.reasons(me)
    shown = world.engine.software.show_software_deployment(world.context, row.physical_id)
    assert (shown['status'], shown['status_reason']) == ('COMPLETE', 'Outputs received')
    assert shown['output_values'] == {'res': 'value', 'deploy_stdout': 'done', 'deploy_stderr': '',
                                      'deploy_status_code': 0}
    assert world.leases_held() == 0


@pytest.mark.parametrize(('said', 'why'), [
    ({'deploy_status_code': 3}, 'deploy_status_code : Deployment exited with non-zero status code: 3'),
    ({'deploy_status_code': '1', 'bad': 'ouch'},
     'bad : ouch, deploy_status_code : Deployment exited with non-zero status code: 1'),
    ({'bad': 'ouch'}, 'bad : ouch')])
def test_a_bad_end_fails_it(world, said, why):
    me = world.create('s', template())
    wait_a_bit(world)
    world.signal(me, 'dep', said)
    world.run()
    assert world.state(me) == 'CREATE_FAILED'
    assert world.rows(me)['dep'].reason == f'Error: resources.dep: Deployment to server failed: {why}'
    assert world.stack(me).reason == ('Resource CREATE failed: Error: resources.dep: '
                                      f'Deployment to server failed: {why}')


def test_only_the_first_word_counts(world):
    me = world.create('s', template())
    wait_a_bit(world)
    world.signal(me, 'dep', OK)
    world.signal(me, 'dep', {'deploy_status_code': 1})
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    world.signal(me, 'dep', {**OK, 'res': 'late'})
    world.signal(me, 'dep', None)
    world.run()
    assert output(world, me) == 'value'
    signals = [reason for reason in world.reasons(me) if reason.startswith('dep ') and 'state' not in reason]
    assert signals[1:] == ['dep Unknown', 'dep Unknown', 'dep No signal details provided']


def test_without_a_signal_nobody_waits(world):
    me = world.create('s', template(signal_transport='NO_SIGNAL'))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE' and world.users_asked == []
    (found,) = world.engine.software.list_software_deployments(world.context, SERVER)
    assert (found['status'], found['status_reason']) == ('COMPLETE', 'Not waiting for outputs signal')


def test_a_change_is_deployed_anew_and_waited_for(world):
    me = world.create('s', template())
    wait_a_bit(world)
    world.signal(me, 'dep', OK)
    world.run()
    before = world.rows(me)['dep'].physical_id
    (first,) = deployed(world)
    world.update(me, template('echo 2'))
    wait_a_bit(world)
    (second,) = deployed(world)
    assert second['id'] != first['id'] and second['config'] == 'echo 2'
    assert inputs(second)['deploy_action'] == 'UPDATE'
    assert inputs(second)['deploy_signal_id'] == inputs(first)['deploy_signal_id']
    assert world.states(me)['dep'] == 'UPDATE_IN_PROGRESS'
    world.signal(me, 'dep', {**OK, 'res': 'new'})
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and output(world, me) == 'new'
    assert world.rows(me)['dep'].physical_id == before
    # The configuration of the stack and the one derived from it: the older ones are gone.
    assert counts(world) == (2, 1)


def test_a_word_on_an_earlier_turn_does_not_end_a_later_one(world):
    me = world.create('s', template(actions=['CREATE', 'DELETE']))
    wait_a_bit(world)
    # Nobody applies the signal before the deletion has begun.
    engine = world.engine
    engine.owner.poke, poke = lambda root_id: None, engine.owner.poke
    world.signal(me, 'dep', OK)
    engine.owner.poke = poke
    world.delete(me)
    wait_a_bit(world)
    assert world.states(me)['dep'] == 'DELETE_IN_PROGRESS'
    assert inputs(deployed(world)[0])['deploy_action'] == 'DELETE'
    world.signal(me, 'dep', OK)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and counts(world) == (0, 0)


@pytest.mark.parametrize('action', ['SUSPEND', 'RESUME', 'DELETE'])
def test_it_acts_at_the_actions_it_is_for(world, action):
    me = world.create('s', template(actions=[action]))
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE' and deployed(world) == []
    intake = world.engine.intake
    if action == 'DELETE':
        world.update(me, template(actions=[action], signal_transport='CFN_SIGNAL', name='n'))
        world.run()
        # It was never deployed, so there is nothing to undo.
        world.delete(me)
        world.run()
        assert world.state(me) == 'DELETE_COMPLETE'
        return
    intake.stack_suspend(world.context, me)
    wait_a_bit(world)
    if action == 'RESUME':
        assert world.state(me) == 'SUSPEND_COMPLETE' and deployed(world) == []
        intake.stack_resume(world.context, me)
        wait_a_bit(world)
    assert world.states(me)['dep'] == f'{action}_IN_PROGRESS'
    assert inputs(deployed(world)[0])['deploy_action'] == action
    world.signal(me, 'dep', OK)
    world.run()
    assert world.state(me) == f'{action}_COMPLETE'


def test_a_component_says_itself_when_it_acts(world):
    tree = template(actions=['DELETE'])
    tree['resources']['conf'] = {'type': 'OS::Heat::SoftwareComponent', 'properties': {'configs': [
        {'actions': ['CREATE'], 'tool': 'script', 'config': 'a'},
        {'actions': ['SUSPEND'], 'tool': 'script', 'config': 'b'}]}}
    me = world.create('s', tree)
    wait_a_bit(world)
    (told,) = deployed(world)
    assert told['group'] == 'component' and [one['config'] for one in told['config']['configs']] == ['a', 'b']
    world.signal(me, 'dep', OK)
    world.run()
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'


def test_an_input_may_ask_for_a_replacement(world):
    def tree(value: str) -> dict[str, Any]:
        found = template(signal_transport='NO_SIGNAL', input_values={'x': value})
        found['resources']['conf']['properties']['inputs'][0]['replace_on_change'] = True
        return found

    me = world.create('s', tree('1'))
    world.run()
    first = world.rows(me)['dep']
    world.update(me, tree('2'))
    world.run()
    second = world.rows(me)['dep']
    assert world.state(me) == 'UPDATE_COMPLETE' and second.uuid != first.uuid
    assert inputs(deployed(world)[0])['x'] == '2' and counts(world) == (2, 1)


def test_a_structure_has_its_inputs_put_in(world):
    tree = template()
    tree['resources']['conf'] = {'type': 'OS::Heat::StructuredConfig', 'properties': {
        'config': {'a': [{'get_input': 'x'}], 'b': {'get_input': 'deploy_action'},
                   'c': {'get_input': 'none'}},
        'inputs': [{'name': 'x', 'default': 'd'}]}}
    tree['resources']['dep']['type'] = 'OS::Heat::StructuredDeployment'
    tree['resources']['dep']['properties']['input_values'] = {'x': {'m': 1}}
    me = world.create('s', tree)
    wait_a_bit(world)
    assert deployed(world)[0]['config'] == {'a': [{'m': 1}], 'b': 'CREATE', 'c': None}
    world.signal(me, 'dep', OK)
    world.run()
    tree['resources']['dep']['properties']['input_values_validate'] = 'STRICT'
    world.update(me, tree)
    world.run()
    assert world.rows(me)['dep'].reason == (
        'UserParameterMissing: resources.dep: The input none of the configuration was not given a value, and '
        'input_values_validate is STRICT')


def test_configurations_that_make_their_text(world):
    me = world.create('s', {'heat_template_version': '2021-04-16', 'resources': {
        'cloud': {'type': 'OS::Heat::CloudConfig', 'properties': {'cloud_config': {'runcmd': ['ls']}}},
        'script': {'type': 'OS::Heat::SoftwareConfig', 'properties': {'config': '#!/bin/sh\n'}},
        'mime': {'type': 'OS::Heat::MultipartMime', 'properties': {'parts': [
            {'config': {'get_resource': 'cloud'}}, {'config': {'get_resource': 'script'}, 'filename': 'f'},
            {'config': 'text', 'subtype': 'x-own'}]}}},
        'outputs': {'out': {'value': {'get_attr': ['mime', 'config']}}}})
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    text = output(world, me)
    assert 'text/cloud-config' in text and '#cloud-config\nruncmd:\n- ls\n' in text
    assert 'text/x-shellscript' in text and 'filename="f"' in text and 'text/x-own' in text
    kept = world.engine.software.show_software_config(world.context, world.rows(me)['mime'].physical_id)
    assert kept['config'] == text and kept['group'] == 'Heat::Ungrouped'
    world.delete(me)
    world.run()
    assert counts(world) == (0, 0)


def test_a_configuration_deployed_by_hand_outlives_its_stack(world):
    tree = template()
    del tree['resources']['dep'], tree['outputs']
    me = world.create('s', tree)
    world.run()
    own = world.rows(me)['conf'].physical_id
    made = world.engine.software.create_software_deployment(
        world.context, SERVER, own, {}, 'CREATE', 'IN_PROGRESS', 'r', None)
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and counts(world) == (1, 1)
    world.engine.software.delete_software_deployment(world.context, made['id'])
    world.engine.software.delete_software_config(world.context, own)


def test_one_may_also_speak_to_the_deployment_itself(world):
    software = world.engine.software
    me = world.create('s', template())
    wait_a_bit(world)
    number = world.rows(me)['dep'].physical_id
    assert software.signal_software_deployment(world.context, number, OK) == f'deployment {number} succeeded'
    assert software.signal_software_deployment(world.context, number, OK) is None
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE' and output(world, me) == 'value'
    assert not [event for event in world.events(me) if 'SIGNAL' in event]
    with pytest.raises(errors.NotFound):
        software.signal_software_deployment(RequestContext(tenant_id='x'), number, OK)


def test_who_changes_the_deployment_by_hand_ends_the_wait(world):
    me = world.create('s', template())
    wait_a_bit(world)
    world.engine.software.update_software_deployment(
        world.context, world.rows(me)['dep'].physical_id, status='FAILED', status_reason='by hand')
    world.run()
    assert world.rows(me)['dep'].reason.endswith('Deployment to server failed: by hand')


def test_who_takes_the_deployment_away_ends_the_wait(world):
    me = world.create('s', template())
    wait_a_bit(world)
    number = world.rows(me)['dep'].physical_id
    world.engine.software.delete_software_deployment(world.context, number)
    world.run()
    assert world.rows(me)['dep'].reason.endswith(f'The deployment {number} was deleted')
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and counts(world) == (0, 0)


def test_checking_waits_for_the_end(world):
    software = world.engine.software
    me = world.create('s', template())
    wait_a_bit(world)
    number = world.rows(me)['dep'].physical_id
    before = world.clock.monotonic()
    assert software.check_software_deployment(world.context, number, 7)['status'] == 'IN_PROGRESS'
    assert 7 <= world.clock.monotonic() - before < 8
    world.signal(me, 'dep', OK)
    before = world.clock.monotonic()
    assert software.check_software_deployment(world.context, number, 60)['status'] == 'COMPLETE'
    assert world.clock.monotonic() == before
    with pytest.raises(errors.Invalid):
        software.check_software_deployment(world.context, number, 'long')


def test_a_wait_that_is_given_up_says_so(world):
    me = world.create('s', template(), timeout_mins=1)
    world.run()
    assert world.stack(me).reason == 'Timed out'
    number = world.rows(me)['dep'].physical_id
    shown = world.engine.software.show_software_deployment(world.context, number)
    assert (shown['status'], shown['status_reason']) == ('FAILED', 'Deployment cancelled.')
    world.signal(me, 'dep', OK)
    world.run()
    assert world.state(me) == 'CREATE_FAILED'


def test_waiting_costs_nothing(world):
    world.create('s', template())
    wait_a_bit(world)
    asked = dict(world.points)
    wait_a_bit(world)
    assert world.points == asked
    # The only thing that is due is the time limit of the stack.
    assert world.engine.loop.next_due() > world.clock.monotonic() + 3000


def test_a_configuration_that_is_not_there(world):
    tree = template()
    tree['resources']['dep']['properties']['config'] = 'nope'
    me = world.create('s', tree)
    world.run()
    assert world.rows(me)['dep'].reason == 'NotFound: resources.dep: Software config with id nope not found'


def test_what_is_not_offered_is_refused(world):
    tree = template()
    tree['resources']['conf'] = {'type': 'OS::Heat::SoftwareComponent', 'properties': {
        'configs': [{'tool': 'a'}, {'tool': 'b', 'actions': ['UPDATE']}]}}
    with pytest.raises(errors.StackValidationFailed, match=r'for the same action .*: UPDATE'):
        world.create('s', tree)


def test_passwords_stand_nowhere_in_the_clear(world):
    me = world.create('s', template(signal_transport='HEAT_SIGNAL', input_values={'x': 'very-secret'}))
    wait_a_bit(world)
    password = inputs(deployed(world)[0])['deploy_password']
    world.signal(me, 'dep', {**OK, 'res': 'told-in-secret'})
    with world.database.connect() as conn:
        dump = json.dumps([[str(value) for value in row] for table in (
            'resource', 'resource_properties_data', 'software_config', 'software_deployment',
            'pending_signal', 'event') for row in conn.exec_driver_sql(f'select * from {table}')])
    assert len(dump) > 1000
    for secret in (password, 'very-secret', 'told-in-secret'):
        assert secret not in dump
