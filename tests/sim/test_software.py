"""Software deployments: what a server is given, what it says, and every way in which that may break."""

from __future__ import annotations

import json
from typing import Any

import pytest
from webob import Request

from heat.common import errors
from heat.common.context import RequestContext
from heat.db import connect, software
from heat.engine.reads import Reads
from heat.resources.types import PLUGINS, take_defaults
from tests.sim.world import World

SERVER = '11111111-2222-4333-8444-555555555555'
POINTS = ('commit.before', 'commit.after', 'call.before', 'call.after')
GUEST = RequestContext(user_id='u' * 32, tenant_id='p' * 32, roles=('heat_stack_user',))
OK = {'deploy_status_code': 0, 'deploy_stdout': 'done', 'deploy_stderr': '', 'res': 'value'}


def template(script: str = 'echo', **props: Any) -> dict[str, Any]:
    config = {'type': 'OS::Heat::SoftwareConfig', 'properties': {
        'group': 'script', 'config': script, 'inputs': [{'name': 'x', 'default': 'd'}],
        'outputs': [{'name': 'res'}, {'name': 'bad', 'error_output': True}]}}
    return {'heat_template_version': '2021-04-16', 'resources': {
        'conf': config, 'dep': {'type': 'OS::Heat::SoftwareDeployment', 'properties': {
            'config': {'get_resource': 'conf'}, 'server': SERVER, **props}}}, 'outputs': {
        'out': {'value': {'get_attr': ['dep', 'res']}}}}


def wait_a_bit(world: World) -> None:
    world.run(until=world.clock.monotonic() + 5)


def deployed(world: World, server: str = SERVER) -> list[dict[str, Any]]:
    """What the server's agent reads."""
    return world.engine.software.metadata_software_deployments(world.context, server)


def inputs(config: dict[str, Any]) -> dict[str, Any]:
    return {one['name']: one['value'] for one in config['inputs']}


def counts(world: World) -> tuple[int, int]:
    with connect.read(world.database) as conn:
        return software.count_configs(conn, None), software.count_deployments(conn, None)


def output(world: World, me: dict[str, Any]) -> Any:
    reads = Reads(world.database, world.conf, world.crypt, world.clock, lambda *asked: None)
    return reads.show_output(world.context, me, 'out')['output_value']


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
    world.engine.intake.resource_signal(GUEST, inside, 'dep', OK)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'


def test_the_word_of_the_server_completes_it(world):
    me = world.create('s', template())
    wait_a_bit(world)
    # A pre-signed address names the stack's own project, while its user is of another.
    world.engine.intake.resource_signal(GUEST, me, 'dep', OK)
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
    for transport in ('ZAQAR_SIGNAL',):
        with pytest.raises(errors.StackValidationFailed, match=f'{transport} is not supported; use one of'):
            world.create('s', template(signal_transport=transport))
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


# -- crashes ---------------------------------------------------------------------------------------


def life(world: World, transport: str = 'CFN_SIGNAL') -> list[Any]:
    """Create, update, suspend, resume, delete, each with the server's word; what one sees after each."""
    every = ['CREATE', 'UPDATE', 'DELETE', 'SUSPEND', 'RESUME']
    props = {'signal_transport': transport, 'actions': every}
    seen: list[Any] = []
    me = world.create('s', template(**props))
    for action in every[:2] + every[3:] + every[2:3]:
        if action == 'UPDATE':
            world.update(me, template('echo 2', **props))
        elif action != 'CREATE':
            {'SUSPEND': world.engine.intake.stack_suspend, 'RESUME': world.engine.intake.stack_resume,
             'DELETE': world.engine.intake.delete_stack}[action](world.context, me)
        wait_a_bit(world)
        # After a crash the survivor needs its time to take over.
        wait_a_bit(world)
        (told,) = deployed(world)
        seen.append((action, told['config'], sorted(inputs(told))))
        world.signal(me, 'dep', {**OK, 'res': action})
        world.run()
        seen.append((world.state(me), world.states(me), counts(world), world.leases_held(),
                     sorted(event for event in world.events(me)).count(f'dep {action}_COMPLETE')))
    return seen


def put(world: World, url: str, signal: dict[str, Any]) -> None:
    request = Request.blank(url.replace('http://store.example', ''), method='PUT')
    request.body = json.dumps(signal).encode()
    assert request.get_response(world.cloud.application).status_int == 201


@pytest.mark.parametrize('how', ['PUT', 'signal'])
def test_a_server_may_put_its_word_into_the_object_store(world, how):
    me = world.create('s', template(signal_transport='TEMP_URL_SIGNAL'))
    for action, script in (('CREATE', 'echo'), ('UPDATE', 'echo 2')):
        if action == 'UPDATE':
            world.update(me, template(script, signal_transport='TEMP_URL_SIGNAL'))
        wait_a_bit(world)
        given = inputs(deployed(world)[0])
        assert given['deploy_signal_verb'] == 'PUT' and given['deploy_action'] == action
        if how == 'PUT':
            put(world, given['deploy_signal_id'], {**OK, 'res': action})
        else:
            # Nobody is kept from saying it otherwise.
            world.signal(me, 'dep', {**OK, 'res': action})
        world.run()
        assert world.state(me) == f'{action}_COMPLETE' and output(world, me) == action
        shown = world.engine.software.show_software_deployment(
            world.context, world.rows(me)['dep'].physical_id)
        assert (shown['status'], shown['output_values']['res']) == ('COMPLETE', action)
    assert world.users_asked == []
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and counts(world) == (0, 0)
    assert len(world.cloud.inventory.containers) == len(world.cloud.inventory.objects) == 0


def test_a_bad_end_in_the_object_store(world):
    me = world.create('s', template(signal_transport='TEMP_URL_SIGNAL'))
    wait_a_bit(world)
    put(world, inputs(deployed(world)[0])['deploy_signal_id'], {'deploy_status_code': 4})
    world.run()
    assert world.rows(me)['dep'].reason.endswith('Deployment exited with non-zero status code: 4')


def test_crashes_while_the_object_store_is_watched(conf):
    def run(world: World) -> Any:
        me = world.create('s', template(signal_transport='TEMP_URL_SIGNAL'))
        wait_a_bit(world)
        wait_a_bit(world)
        put(world, inputs(deployed(world)[0])['deploy_signal_id'], OK)
        world.run()
        seen = world.state(me), output(world, me), counts(world), len(world.cloud.inventory.containers)
        world.delete(me)
        world.run()
        return *seen, world.state(me), counts(world), len(world.cloud.inventory.containers)

    world = World(conf)
    expected, counted = run(world), dict(world.points)
    assert expected == ('CREATE_COMPLETE', 'value', (2, 1), 1, 'DELETE_COMPLETE', (0, 0), 0)
    for point in POINTS:
        for nth in range(1, counted[point] + 1):
            world = World(conf)
            world.crash_at(point, nth)
            assert run(world) == expected, f'crash at {point} number {nth}'


@pytest.fixture(scope='module')
def undisturbed(conf) -> tuple[list[Any], dict[str, int]]:
    world = World(conf)
    seen = life(world)
    assert [one[0] for one in seen[1::2]] == ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'SUSPEND_COMPLETE',
                                              'RESUME_COMPLETE', 'DELETE_COMPLETE']
    assert seen[-1][2] == (0, 0)
    return seen, dict(world.points)


@pytest.mark.parametrize('point', POINTS)
def test_every_crash_ends_where_no_crash_ends(conf, undisturbed, point):
    expected, counted = undisturbed
    assert counted[point] > 2
    for nth in range(1, counted[point] + 1):
        world = World(conf)
        world.crash_at(point, nth)
        assert life(world) == expected, f'crash at {point} number {nth}'


# -- groups ----------------------------------------------------------------------------------------


def group(servers: dict[str, str], policy: dict[str, Any] | None = None, **props: Any) -> dict[str, Any]:
    tree = template()
    del tree['outputs']
    tree['resources']['dep'] = {'type': 'OS::Heat::SoftwareDeploymentGroup', 'properties': {
        'config': {'get_resource': 'conf'}, 'servers': servers,
        'input_values': {'x': {'get_file': 'not a function here'}}, **props}}
    if policy:
        tree['resources']['dep']['update_policy'] = policy
    tree['resources']['seen'] = {'type': 'OS::Heat::Value', 'properties': {'value': [
        {'get_attr': ['dep', 'deploy_stdouts']}, {'get_attr': ['dep', 'res', 'b']}]}}
    return tree


def speak(world: World, me: dict[str, Any], name: str, **said: Any) -> None:
    """The server of that name in the group answers."""
    child = {**me, 'stack_id': world.rows(me)['dep'].physical_id}
    child['stack_name'] = world.stack(child).name
    world.signal(child, name, {**OK, **said})
    wait_a_bit(world)


def literal(tree: dict[str, Any]) -> dict[str, Any]:
    """Input values come from a parameter, so that they are data and no part of the template."""
    tree['parameters'] = {'v': {'type': 'json', 'default': tree['resources']['dep']['properties'][
        'input_values']}}
    tree['resources']['dep']['properties']['input_values'] = {'get_param': 'v'}
    return tree


def test_a_group_deploys_to_each_server(world):
    me = world.create('s', literal(group({'a': 'srv-a', 'b': 'srv-b'})))
    wait_a_bit(world)
    for server in ('srv-a', 'srv-b'):
        assert inputs(deployed(world, server)[0])['x'] == {'get_file': 'not a function here'}
    speak(world, me, 'a', deploy_stdout='of a')
    assert world.state(me) == 'CREATE_IN_PROGRESS'
    speak(world, me, 'b', deploy_stdout='of b')
    assert world.state(me) == 'CREATE_COMPLETE'
    assert world.rows(me)['seen'].props['value'] == [{'a': 'of a', 'b': 'of b'}, 'value']
    assert 'of a' not in json.dumps(world.rows(me)['dep'].attrs)
    world.update(me, literal(group({'b': 'srv-b', 'c': 'srv-c'})))
    wait_a_bit(world)
    # What stays the same is left alone; the deployment of the one that went is gone when the new one is done.
    speak(world, me, 'c')
    assert world.state(me) == 'UPDATE_COMPLETE' and deployed(world, 'srv-a') == []
    assert list(world.rows(me)['seen'].props['value'][0]) == ['b', 'c']
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and counts(world) == (0, 0)


def test_a_failure_in_a_group_is_told_at_its_root(world):
    me = world.create('s', literal(group({'a': 'srv-a', 'b': 'srv-b'})))
    wait_a_bit(world)
    speak(world, me, 'a', deploy_status_code=2)
    world.run()
    assert world.stack(me).reason == (
        'Resource CREATE failed: Error: resources.dep.resources.a: Deployment to server failed: '
        'deploy_status_code : Deployment exited with non-zero status code: 2')


def test_a_group_goes_in_batches(world):
    policy = {'batch_create': {'max_batch_size': 2}, 'rolling_update': {'max_batch_size': 1}}
    servers = {name: f'srv-{name}' for name in 'abc'}
    me = world.create('s', literal(group(servers, policy)))
    wait_a_bit(world)
    assert [len(deployed(world, server)) for server in servers.values()] == [1, 1, 0]
    speak(world, me, 'a')
    assert deployed(world, 'srv-c') == []
    speak(world, me, 'b')
    speak(world, me, 'c')
    assert world.state(me) == 'CREATE_COMPLETE'
    tree = literal(group(servers, policy))
    tree['resources']['dep']['properties']['name'] = 'renamed'
    world.update(me, tree)
    for name in servers:
        wait_a_bit(world)
        named = [deployed(world, server)[0]['name'] == 'renamed' for server in servers.values()]
        assert named == [one <= name for one in servers]
        speak(world, me, name)
    assert world.state(me) == 'UPDATE_COMPLETE'


def test_a_pause_between_batches_is_refused(world):
    with pytest.raises(errors.StackValidationFailed, match=r'batch_create\.pause_time\) is not supported'):
        world.create('s', literal(group({'a': 'x'}, {'batch_create': {'pause_time': 3}})))
    with pytest.raises(errors.StackValidationFailed, match='no name for a server'):
        world.create('s', literal(group({'a/b': 'x'})))


# -- servers ---------------------------------------------------------------------------------------


def with_server(transport: str, **props: Any) -> dict[str, Any]:
    tree = template(**props)
    tree['resources']['srv'] = {'type': 'OS::Heat::DeployedServer', 'metadata': {'own': 1}, 'properties': {
        'software_config_transport': transport}}
    tree['resources']['dep']['properties']['server'] = {'get_resource': 'srv'}
    tree['outputs']['occ'] = {'value': {'get_attr': ['srv', 'os_collect_config']}}
    return tree


def metadata(world: World, me: dict[str, Any], context: RequestContext | None = None) -> dict[str, Any]:
    reads = Reads(world.database, world.conf, world.crypt, world.clock, lambda *asked: None)
    return reads.describe_stack_resource(context or world.context, me, 'srv')['metadata']


def test_an_agent_finds_what_is_deployed_in_the_metadata(world):
    world.conf.set_override('heat_metadata_server_url', 'http://heat.example:8000')
    me = world.create('s', with_server('POLL_SERVER_HEAT'))
    wait_a_bit(world)
    server = world.rows(me)['srv'].physical_id
    inside = {**me, 'tenant': 'p' * 32}
    seen = metadata(world, inside, GUEST)
    assert seen['own'] == 1 and seen['os-collect-config']['collectors'] == ['heat', 'local']
    account = seen['os-collect-config']['heat']
    assert account['stack_id'] == f's/{me["stack_id"]}' and account['resource_name'] == 'srv'
    assert (account['user_id'], account['project_id']) == ('u' * 32, 'p' * 32)
    (told,) = seen['deployments']
    # The same as over the address of deployments.
    assert [told] == world.engine.software.metadata_software_deployments(GUEST, server)
    assert inputs(told)['deploy_server_id'] == server
    world.signal(me, 'dep', OK)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    # Another way of transport, and metadata of the template that changes.
    tree = with_server('POLL_SERVER_CFN')
    tree['resources']['srv']['metadata'] = {'own': 2}
    world.update(me, tree)
    world.run()
    seen = metadata(world, me)
    assert seen['own'] == 2 and seen['os-collect-config'] == {
        'collectors': ['cfn', 'local'], 'cfn': {
            'metadata_url': 'http://heat.example:8000/v1/', 'access_key_id': 'a' * 32,
            'secret_access_key': 's' * 32, 'stack_name': 's', 'path': 'srv.Metadata'}}
    assert len(seen['deployments']) == 1
    reads = Reads(world.database, world.conf, world.crypt, world.clock, lambda *asked: None)
    listed = {one['resource_name']: one['metadata']
              for one in reads.describe_stack_resources(world.context, me, None)}
    assert listed['srv'] == seen and listed['dep'] == {}
    assert reads.show_output(world.context, me, 'occ')['output_value'] == seen['os-collect-config']
    with world.database.connect() as conn:
        dump = str(conn.exec_driver_sql('select * from resource').all())
    assert account['password'] not in dump and 's' * 32 not in dump


def test_only_its_own_user_reads_the_metadata_of_a_server(world):
    me = world.create('s', with_server('POLL_SERVER_HEAT'))
    wait_a_bit(world)
    other = RequestContext(user_id='x' * 32, tenant_id='p' * 32, roles=('heat_stack_user',))
    with pytest.raises(errors.Forbidden):
        metadata(world, {**me, 'tenant': 'p' * 32}, other)


def test_transports_of_servers_that_are_not_offered(world):
    with pytest.raises(errors.StackValidationFailed, match='ZAQAR_MESSAGE is not supported; use'):
        world.create('s', with_server('ZAQAR_MESSAGE'))


def test_crashes_while_an_agent_is_given_its_account(conf):
    def run(world: World) -> Any:
        me = world.create('s', with_server('POLL_SERVER_CFN', signal_transport='NO_SIGNAL'))
        world.run()
        seen = metadata(world, me)
        return world.state(me), seen['os-collect-config']['cfn'], len(seen['deployments']), counts(world)

    world = World(conf)
    expected, counted = run(world), dict(world.points)
    for point in POINTS:
        for nth in range(1, counted[point] + 1):
            world = World(conf)
            world.crash_at(point, nth)
            assert run(world) == expected, f'crash at {point} number {nth}'


def test_a_server_that_would_never_learn_of_it_is_refused(world):
    for form, kind in ((None, 'SoftwareDeployment'), ('RAW', 'SoftwareDeploymentGroup')):
        tree = template()
        tree['resources']['srv'] = {'type': 'OS::Nova::Server', 'properties': {
            'flavor': 'm1.tiny', **({'user_data_format': form} if form else {})}}
        props = tree['resources']['dep']['properties']
        tree['resources']['dep']['type'] = f'OS::Heat::{kind}'
        del props['server']
        props |= {'server': {'get_resource': 'srv'}} if form is None else {
            'servers': {'a': {'get_resource': 'srv'}}}
        del tree['outputs']
        said = "Resource srv's property user_data_format should be set to SOFTWARE_CONFIG since there are"
        with pytest.raises(errors.StackValidationFailed, match=said):
            world.create('s', tree)


def test_an_operator_may_choose_the_ways(world):
    kinds = {name: PLUGINS[name] for name in ('OS::Heat::SoftwareDeployment', 'OS::Heat::DeployedServer')}
    take_defaults({'signal_transport': 'HEAT_SIGNAL', 'software_config_transport': 'POLL_SERVER_HEAT'}, kinds)
    try:
        me = world.create('s', with_server('POLL_SERVER_HEAT'))
        wait_a_bit(world)
        assert 'deploy_password' in inputs(metadata(world, me)['deployments'][0])
    finally:
        take_defaults({'signal_transport': 'CFN_SIGNAL', 'software_config_transport': 'POLL_SERVER_CFN'},
                      kinds)


def test_a_group_on_servers_that_its_own_stack_makes(world):
    tree = literal(group({'a': {'get_resource': 'one'}, 'b': {'get_resource': 'two'}},
                         signal_transport='NO_SIGNAL'))
    for name in ('one', 'two'):
        tree['resources'][name] = {'type': 'OS::Heat::DeployedServer'}
    me = world.create('s', tree)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    rows = world.rows(me)
    assert [len(deployed(world, rows[name].physical_id)) for name in ('one', 'two')] == [1, 1]
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and counts(world) == (0, 0)


def test_a_hook_of_a_deployment_is_cleared_and_no_word_of_the_server(world):
    hooks = {'resource_registry': {'resources': {'dep': {'hooks': ['pre-create', 'pre-delete']}}}}
    me = world.create('s', template(), environment=hooks)
    wait_a_bit(world)
    assert deployed(world) == []
    world.signal(me, 'dep', {'unset_hook': 'pre-create'})
    wait_a_bit(world)
    assert world.states(me)['dep'] == 'CREATE_IN_PROGRESS' and len(deployed(world)) == 1
    world.signal(me, 'dep', OK)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    world.delete(me)
    wait_a_bit(world)
    world.signal(me, 'dep', {'unset_hook': 'pre-delete'})
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and counts(world) == (0, 0)
