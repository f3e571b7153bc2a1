"""Servers whose agents do not ask: they look for an object or take messages, and are told."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from webob import Request

from heat.common import errors
from heat.model.op import CloudFault
from tests.sim.crashes import every_crash
from tests.sim.software import OK, counts, inputs, template, wait_a_bit
from tests.sim.test_queues import GUEST, left
from tests.sim.test_software_servers import metadata, with_server
from tests.sim.world import World


def tree_of(transport: str, script: str = 'echo', swift: dict[str, str] | None = None,
            deployments: int = 1, **props: Any) -> dict[str, Any]:
    tree = template(script, **props)
    server = {'user_data_format': 'SOFTWARE_CONFIG', 'software_config_transport': transport,
              'image': 'cirros', 'flavor': 'm1.tiny', 'networks': [{'network': {'get_resource': 'net'}}],
              **({'deployment_swift_data': swift} if swift else {})}
    tree['resources'] |= {
        'net': {'type': 'OS::Neutron::Net'},
        'sub': {'type': 'OS::Neutron::Subnet', 'properties': {
            'network': {'get_resource': 'net'}, 'cidr': '10.0.0.0/24'}},
        'srv': {'type': 'OS::Nova::Server', 'metadata': {'own': 1}, 'properties': server,
                'depends_on': 'sub'}}
    first = tree['resources'].pop('dep')
    for number in range(deployments):
        one = {**first, 'properties': {**first['properties'], 'server': {'get_resource': 'srv'}}}
        tree['resources']['dep' if number == 0 else f'dep{number}'] = one
    return {**tree, 'outputs': {}}


def agent(world: World, me: dict[str, Any]) -> dict[str, Any]:
    """What the server was told of at its boot: where to look."""
    found: dict[str, Any] = world.rows(me)['srv'].data['os-collect-config']
    return found


def get(world: World, url: str, method: str = 'GET') -> Any:
    parts = urlsplit(url)
    return Request.blank(f'{parts.path}?{parts.query}', method=method).get_response(world.cloud.application)


def looks(world: World, me: dict[str, Any]) -> dict[str, Any]:
    """The metadata as os-collect-config's collector gets it: by the URL, or the next message."""
    told = agent(world, me)
    if 'request' in told:
        found: dict[str, Any] = json.loads(get(world, told['request']['metadata_url']).text)
        return found
    request = Request.blank(f'/messaging/v2/queues/{told["zaqar"]["queue_id"]}/messages?pop=1',
                            method='DELETE')
    request.headers.update({'X-Auth-Token': world._login(), 'Client-ID': GUEST})
    messages = request.get_response(world.cloud.application).json_body['messages']
    return messages[0]['body'] if messages else {}


def scripts(seen: dict[str, Any]) -> list[str]:
    return sorted(one['config'] for one in seen['deployments'])


BOTH = pytest.mark.parametrize('transport', ['POLL_TEMP_URL', 'ZAQAR_MESSAGE'])


@BOTH
def test_a_server_is_told_of_each_change(world, transport):
    me = world.create('s', tree_of(transport))
    wait_a_bit(world)
    told = agent(world, me)
    if transport == 'POLL_TEMP_URL':
        assert told['collectors'] == ['request', 'local'] and set(told['request']) == {'metadata_url'}
        assert get(world, told['request']['metadata_url'], 'HEAD').headers['Last-Modified'].endswith('GMT')
        assert get(world, told['request']['metadata_url'], 'PUT').status_int == 401
    else:
        assert told['collectors'] == ['zaqar', 'local'] and set(told['zaqar']) == {
            'user_id', 'password', 'project_id', 'auth_url', 'region_name', 'queue_id'}
        # There is something from the first moment.
        first = looks(world, me)
        assert first == {'own': 1, 'deployments': [], 'os-collect-config': told}
    seen = looks(world, me)
    # The same as who asks would get.
    assert seen == metadata(world, me) and scripts(seen) == ['echo']
    assert inputs(seen['deployments'][0])['deploy_action'] == 'CREATE'
    world.signal(me, 'dep', OK)
    world.run()
    assert world.state(me) == 'CREATE_COMPLETE'
    world.update(me, tree_of(transport, 'echo 2'))
    wait_a_bit(world)
    seen = looks(world, me)
    assert scripts(seen) == ['echo 2'] and seen == metadata(world, me)
    world.signal(me, 'dep', OK)
    world.run()
    bare = tree_of(transport, 'echo 2')
    del bare['resources']['dep']
    world.update(me, bare)
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and looks(world, me)['deployments'] == []
    bare['resources']['srv']['metadata'] = {'own': 2}
    world.update(me, bare)
    world.run()
    assert looks(world, me) == metadata(world, me) and metadata(world, me)['own'] == 2
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE' and counts(world) == (0, 0) and left(world) == (0, 0, 0, 0)


@BOTH
def test_a_server_is_told_of_what_is_deployed_by_hand(world, transport):
    me = world.create('s', tree_of(transport, signal_transport='NO_SIGNAL'))
    world.run()
    software, server = world.engine.software, world.rows(me)['srv'].physical_id
    while transport == 'ZAQAR_MESSAGE' and looks(world, me):
        pass
    made = [software.create_software_config(world.context, 'script', name, name, None, None, None)['id']
            for name in ('by hand', 'other')]
    one = software.create_software_deployment(world.context, server, made[0], None, None, 'IN_PROGRESS', None,
                                              None)
    assert scripts(looks(world, me)) == ['by hand', 'echo']
    software.update_software_deployment(world.context, one['id'], config_id=made[1])
    assert scripts(looks(world, me)) == ['echo', 'other']
    # What changes nothing of it is no news.
    software.update_software_deployment(world.context, one['id'], status='COMPLETE')
    if transport == 'ZAQAR_MESSAGE':
        assert looks(world, me) == {}
    software.delete_software_deployment(world.context, one['id'])
    assert scripts(looks(world, me)) == ['echo']


def test_several_at_once_are_all_told(world):
    """Each writer looks again after it has written, so none leaves an older truth there."""
    me = world.create('s', tree_of('POLL_TEMP_URL', deployments=6))
    wait_a_bit(world)
    assert len(looks(world, me)['deployments']) == 6


def test_an_older_truth_is_written_over(world):
    """Somebody deploys while what was there before is on its way."""
    me = world.create('s', tree_of('POLL_TEMP_URL', signal_transport='NO_SIGNAL'))
    world.run()
    software, server = world.engine.software, world.rows(me)['srv'].physical_id
    config = software.create_software_config(world.context, 'script', 'n', 'late', None, None, None)['id']
    performer, meanwhile = world.engine.performer, [True]
    perform = performer.perform_now

    def slow(credential: Any, call: Any) -> Any:
        if meanwhile:
            meanwhile.clear()
            software.create_software_deployment(world.context, server, config, None, None, None, None, None)
        return perform(credential, call)

    performer.perform_now = slow
    software.create_software_deployment(world.context, server, config, None, None, None, None, None)
    assert scripts(looks(world, me)) == ['echo', 'late', 'late']


def test_a_container_is_shared_under_one_key(world):
    swift = {'container': 'all of them', 'object': 'first'}
    first = world.create('one', tree_of('POLL_TEMP_URL', swift=swift, signal_transport='NO_SIGNAL'))
    world.run()
    second = world.create('two', tree_of('POLL_TEMP_URL', swift={**swift, 'object': 'second'},
                                         signal_transport='NO_SIGNAL'))
    world.run()
    assert {row['name'] for row in world.cloud.inventory.objects.all()} == {'first', 'second'}
    for me in (first, second):
        assert len(looks(world, me)['deployments']) == 1
    world.delete(first)
    world.run()
    assert len(looks(world, second)['deployments']) == 1 and left(world)[2:] == (1, 1)
    world.delete(second)
    world.run()
    assert left(world) == (0, 0, 0, 0)


def test_the_key_that_a_container_has_is_left(world):
    inventory = world.cloud.inventory
    key = f'AUTH_{world.project_id}/mine'
    inventory.containers.put({'id': key, 'name': 'mine', 'project_id': world.project_id, '_key': 'my key',
                              'versions': '', 'headers': {}})
    me = world.create('s', tree_of('POLL_TEMP_URL', swift={'container': 'mine'},
                                   signal_transport='NO_SIGNAL'))
    world.run()
    assert inventory.containers.get(key)['_key'] == 'my key'
    assert len(looks(world, me)['deployments']) == 1


def test_another_way_is_told_by_the_one_until_now(world):
    me = world.create('s', tree_of('ZAQAR_MESSAGE', signal_transport='NO_SIGNAL'))
    world.run()
    world.update(me, tree_of('POLL_TEMP_URL', signal_transport='NO_SIGNAL'))
    world.run()
    assert world.state(me) == 'UPDATE_COMPLETE' and agent(world, me)['collectors'] == ['request', 'local']
    news = [row['_body'] for row in world.cloud.inventory.messages.all()]
    assert news[-1] == looks(world, me) and len(news[-1]['deployments']) == 1
    assert set(news[-1]['os-collect-config']) == {'collectors', 'request'}
    world.delete(me)
    world.run()
    assert left(world) == (0, 0, 0, 0)


def test_a_place_that_is_gone_fails_the_deployment(world):
    me = world.create('s', tree_of('POLL_TEMP_URL', signal_transport='NO_SIGNAL'))
    world.run()
    for table in (world.cloud.inventory.objects, world.cloud.inventory.containers):
        for row in table.all():
            table.drop(row['id'])
    world.update(me, tree_of('POLL_TEMP_URL', 'echo 2', signal_transport='NO_SIGNAL'))
    world.run()
    assert world.state(me) == 'UPDATE_FAILED'
    server = world.rows(me)['srv'].physical_id
    assert f'Server {server} could not be told of its deployments: ' in world.rows(me)['dep'].reason
    # It keeps nobody from taking everything away.
    world.delete(me)
    world.run()
    assert world.state(me) == 'DELETE_COMPLETE'


def test_a_store_that_is_away_does_not_undo_what_is_deployed_by_hand(world, caplog):
    me = world.create('s', tree_of('POLL_TEMP_URL', signal_transport='NO_SIGNAL'))
    world.run()
    software, server = world.engine.software, world.rows(me)['srv'].physical_id
    config = software.create_software_config(world.context, 'script', 'n', 'late', None, None, None)['id']
    world.cloud.faults.add(service='object-store', kind='status', status=503, count=1)
    made = software.create_software_deployment(world.context, server, config, None, None, None, None, None)
    assert f'Server {server} was not told of its deployments' in caplog.text
    assert software.show_software_deployment(world.context, made['id'])['config_id'] == config
    with pytest.raises(CloudFault):
        world.cloud.faults.add(service='object-store', kind='status', status=503, count=1)
        world.engine.loop._courier.tell(None, server)


def test_what_does_not_fit_is_refused(world):
    said = 'deployment_swift_data serves software_config_transport POLL_TEMP_URL only, not ZAQAR_MESSAGE'
    with pytest.raises(errors.StackValidationFailed, match=said):
        world.create('s', tree_of('ZAQAR_MESSAGE', swift={'container': 'c'}))


@BOTH
def test_crashes_while_a_server_is_told(conf, transport):
    def life(world: World) -> Any:
        swift = {'container': 'shared', 'object': 'o'} if transport == 'POLL_TEMP_URL' else None
        tree = with_server(transport, signal_transport='NO_SIGNAL')
        tree['resources']['srv']['properties'] |= {'deployment_swift_data': swift} if swift else {}
        me = world.create('s', tree)
        world.run()
        if transport == 'POLL_TEMP_URL':
            seen = looks(world, me)
        else:
            seen = world.cloud.inventory.messages.all()[-1]['_body']
        shown = world.state(me), scripts(seen), seen == metadata(world, me)
        world.delete(me)
        world.run()
        return *shown, world.state(me), left(world), counts(world)

    assert every_crash(conf, life) == (
        'CREATE_COMPLETE', ['echo'], True, 'DELETE_COMPLETE', (0, 0, 0, 0), (0, 0))
