"""Servers with software deployments, and groups of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from heat.common import errors
from heat.common.context import RequestContext
from heat.engine.reads import Reads
from heat.resources.types import PLUGINS, take_defaults
from tests.sim.software import (
    GUEST,
    OK,
    POINTS,
    counts,
    deployed,
    group,
    inputs,
    literal,
    speak,
    template,
    wait_a_bit,
)
from tests.sim.world import World


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


def test_a_name_that_a_server_cannot_have_is_refused(world):
    with pytest.raises(errors.StackValidationFailed, match='no name for a server'):
        world.create('s', literal(group({'a/b': 'x'})))


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
