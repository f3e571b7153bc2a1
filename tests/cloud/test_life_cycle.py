"""The whole life of stacks on a real OpenStack: scaled, told, deployed to, kept, moved, mended, blocked.

With the clients that users have and the requests that servers send; what is asserted is what Nova,
Neutron, Cinder and Glance themselves say. The hypervisor is a fake that boots nothing, so the tests
send what the servers would.
"""
from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from heatclient import client as heatclient

from tests.agent import Agent
from tests.cloud import guest
from tests.cloud.daemons import Refused, User
from tests.cloud.services import Services
from tests.cloud.stack import Stack
from tests.servers.daemon import wait_until

TEMPLATES = Path(__file__).with_name('life')
GROUP, DEPLOYED, KEPT, BLOCKED = (
    TEMPLATES / f'{name}.yaml' for name in ('group', 'deployed', 'kept', 'blocked'))

pytestmark = pytest.mark.usefixtures('leaves_nothing')


def named(user: User, name: str) -> Services:
    return Services(Stack(user, name))


def heat_of(user: User) -> Any:
    """python-heatclient, as programs use it."""
    return heatclient.Client('1', session=user.session, service_type='orchestration', region_name='RegionOne')


def plain(method: str, url: str, body: Any = None) -> int:
    """The status of a request by somebody without a token, as curl sends it."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {'Content-Type': ''}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code


def value(stack: Stack, output: str) -> Any:
    return {one['output_key']: one.get('output_value') for one in stack.show()['outputs']}[output]


# -- groups ----------------------------------------------------------------------------------------


def test_a_group_of_servers_is_scaled_by_signals_and_replaced_one_by_one(user: User) -> None:
    web = named(user, 'web')
    stack = web.stack
    stack.create(GROUP)
    stack.ends('CREATE_COMPLETE')
    first = set(web.all('server'))
    assert first == set(stack.members('group').values()) and len(first) == 2

    grow, shrink = value(stack, 'grow'), value(stack, 'shrink')
    assert [plain('POST', url) for url in (f'{grow}x', value(stack, 'shrink_native'))] == [403, 401]
    assert plain('POST', grow) == 200
    sized(web, 3)
    assert first < set(web.all('server'))
    assert plain('POST', shrink) == 200
    sized(web, 2)
    # The oldest goes.
    assert len(first & set(web.all('server'))) == 1
    assert user.session.post(value(stack, 'shrink_native')).status_code == 200
    sized(web, 1)
    assert plain('POST', grow) == 200
    sized(web, 2)
    assert stack.show()['stack_status'] == 'CREATE_COMPLETE'
    roll(web)
    stack.delete()


def sized(web: Services, count: int) -> None:
    """The group has come to this size, and nothing is on its way any more."""
    heat = heat_of(web.stack.user)

    def there() -> bool:
        return (value(web.stack, 'size') == count and len(web.all('server')) == count
                and web.statuses() == {'ACTIVE'}
                and not heat.resources.metadata(web.stack.name, 'group')['scaling_in_progress'])
    wait_until(f'{count} servers', there, 60, every=0.3)


def roll(web: Services) -> None:
    """Another release: each server is replaced, one at a time, and two serve all the while."""
    before = set(web.all('server'))
    web.stack.update('--existing', release='second')
    serving, made = [], []
    while web.stack.show()['stack_status'] == 'UPDATE_IN_PROGRESS':
        servers = [one for one in web.all('server').values() if one['OS-EXT-STS:task_state'] != 'deleting']
        serving.append(sum(one['status'] == 'ACTIVE' for one in servers))
        made.append(sum(one['status'] == 'BUILD' for one in servers))
    web.stack.ends('UPDATE_COMPLETE')
    after = set(web.all('server'))
    assert after == set(web.stack.members('group').values()) and len(after) == 2 and not after & before
    assert {guest.user_data(web.cloud, one) for one in after} == {'second'}
    assert min(serving) >= 2 and max(made) == 1, (serving, made)


# -- signals and software ---------------------------------------------------------------------------


def test_software_is_deployed_to_a_server_and_conditions_are_met_without_a_token(user: User) -> None:
    site = named(user, 'site')
    stack = site.stack
    stack.create(DEPLOYED)
    for name in ('by_heat', 'by_cfn', 'aws_condition', 'condition'):
        stack.until(name, 'CREATE_IN_PROGRESS')
    address = json.loads(value(stack, 'handle'))['alarm_url']
    said = {'status': 'SUCCESS', 'id': 'one', 'data': 'ready', 'reason': 'done'}
    assert plain('PUT', f'{address}x', said) == 403
    assert plain('PUT', address, {**said, 'status': 'MAYBE'}) == 400
    assert plain('PUT', address, said) == 200
    assert plain('PUT', value(stack, 'aws_handle'), {'Status': 'SUCCESS', 'UniqueId': 'one', 'Data': 'ready',
                                                     'Reason': 'done'}) == 200

    agent = Agent.boots(guest.user_data(site.cloud, stack.physical('server')))
    wait_until('two deployments', lambda: len(agent.news()) == 2, 60, every=0.3)
    inputs = [agent.apply(config, result='fine') for config in agent.news()]
    assert {one['deploy_signal_transport'] for one in inputs} == {'HEAT_SIGNAL', 'CFN_SIGNAL'}
    stack.ends('CREATE_COMPLETE')
    outputs = stack.outputs()
    assert json.loads(outputs['data']) == json.loads(outputs['aws_data']) == {'one': 'ready'}
    assert (outputs['by_heat'], outputs['by_cfn']) == ('fine', 'install first')

    # The same server is told what is new; one of the two fails there.
    server = site.of('server', 'server')
    stack.update('--existing', release='second')
    wait_until('two deployments', lambda: len(agent.news()) == 2, 60, every=0.3)
    for config in agent.news():
        values = {one['name']: one['value'] for one in config['inputs']}
        failed = values['deploy_signal_transport'] == 'CFN_SIGNAL'
        assert agent.apply(config, deploy_status_code=int(failed))['who'] == 'second'
    assert stack.ends('UPDATE_FAILED')['stack_status_reason'] == (
        'Resource UPDATE failed: Error: resources.by_cfn: Deployment to server failed: '
        'deploy_status_code : Deployment exited with non-zero status code: 1')
    assert site.of('server', 'server')['created'] == server['created']
    told = user.heat.logs()
    assert all(secret not in told for secret in (
        agent.account['password'], *(one['deploy_password'] for one in inputs if 'deploy_password' in one),
        address.rpartition('Signature=')[2]))
    stack.delete()
    assert user.openstack('software', 'deployment', 'list', '-f', 'json') == []


# -- snapshots, marks, moving -----------------------------------------------------------------------


def test_a_stack_is_kept_brought_back_mended_and_moved(user: User, tmp_path: Path) -> None:
    kept = named(user, 'kept')
    stack = kept.stack
    stack.create(KEPT)
    stack.ends('CREATE_COMPLETE')
    keep_and_restore(kept)
    mend_as_foreseen(kept)
    leave_and_find(kept, tmp_path / 'abandoned.json')


def keep_and_restore(kept: Services) -> None:
    stack, user = kept.stack, kept.stack.user
    user.openstack('stack', 'snapshot', 'create', '-f', 'json', '--name', 'early', 'kept')
    guest.upload_snapshot(user)
    stack.ends('SNAPSHOT_COMPLETE')
    snapshot, = user.openstack('stack', 'snapshot', 'list', '-f', 'json', 'kept')
    shown = user.openstack('stack', 'snapshot', 'show', '-f', 'json', 'kept', snapshot['id'])
    data = {name: one['resource_data'] for name, one in shown['snapshot']['data']['resources'].items()}
    images, volumes = user.api('image'), user.api('block-storage')
    image = images.get(f'/v2/images/{data["server"]["snapshot_image_id"]}').json()
    backup = volumes.get(f'/backups/{data["volume"]["backup_id"]}').json()['backup']
    assert image['status'] == 'active' and image['image_type'] == 'snapshot'
    assert (backup['status'], backup['volume_id']) == ('available', stack.physical('volume'))

    before, word = stack.resources(), value(stack, 'word')
    stack.update('--existing', label='second')
    stack.ends('UPDATE_COMPLETE')
    assert kept.of('volume', 'volume')['description'] == 'second'
    user.openstack('stack', 'snapshot', 'restore', 'kept', snapshot['id'])
    stack.ends('RESTORE_COMPLETE')
    server, volume = kept.of('server', 'server'), kept.of('volume', 'volume')
    assert (server['metadata'], volume['description'], value(stack, 'word')) == (
        {'label': 'first'}, 'first', word)
    assert server['image']['id'] == image['id'] and kept.statuses() == {'ACTIVE'}
    assert stack.physical('server') == before['server']['physical_resource_id']
    assert [one['server_id'] for one in volume['attachments']] == [server['id']]
    user.openstack('stack', 'snapshot', 'delete', '-y', 'kept', snapshot['id'])
    assert user.openstack('stack', 'snapshot', 'list', '-f', 'json', 'kept') == []


def mend_as_foreseen(kept: Services) -> None:
    """What is marked is replaced by the next update, and all happens as its preview said."""
    stack, heat = kept.stack, heat_of(kept.stack.user)
    stack.user.openstack('stack', 'resource', 'mark', 'unhealthy', 'kept', 'server', 'it smells')
    seen = stack.resource('server')
    assert (seen['resource_status'], seen['resource_status_reason']) == ('CHECK_FAILED', 'it smells')
    before, events = stack.resources(), len(heat.events.list('kept'))
    wanted = {'template': KEPT.read_text(), 'parameters': {'label': 'third'}}
    changes = heat.stacks.preview_update('kept', **wanted)['resource_changes']
    heat.stacks.update('kept', **wanted)
    stack.ends('UPDATE_COMPLETE')

    after = stack.resources()
    touched = {one.resource_name for one in heat.events.list('kept', sort_dir='asc')[events:]
               if one.resource_status in ('UPDATE_IN_PROGRESS', 'CREATE_IN_PROGRESS')} - {'kept'}
    other = {name for name, one in before.items()
             if after[name]['physical_resource_id'] != one['physical_resource_id']}
    assert {kind: {one['resource_name'] for one in rows} for kind, rows in changes.items()} == {
        'added': set(), 'deleted': set(), 'replaced': other, 'updated': touched - other,
        'unchanged': set(before) - touched}
    assert 'server' in other and 'volume' in touched - other and 'word' not in touched
    server, volume = kept.of('server', 'server'), kept.of('volume', 'volume')
    assert set(kept.all('server')) == {server['id']} and server['metadata'] == {'label': 'third'}
    assert [one['server_id'] for one in volume['attachments']] == [server['id']]


def leave_and_find(kept: Services, file: Path) -> None:
    """Abandoned and adopted under another name, while the server works on undisturbed."""
    stack, user = kept.stack, kept.stack.user
    server, volume, word = kept.of('server', 'server'), kept.of('volume', 'volume'), value(stack, 'word')
    seen = acts(kept, server['id'])
    user.openstack('stack', 'abandon', '--output-file', file, 'kept')
    # Its data are told before its resources are let go.
    wait_until('kept is left', lambda: not any(
        one['Stack Name'] == 'kept' for one in user.openstack('stack', 'list', '-f', 'json')), 60)
    with pytest.raises(Refused, match='Stack not found: kept'):
        user.openstack('stack', 'show', 'kept')
    user.openstack('stack', 'adopt', '--adopt-file', file, '--wait', 'found')
    found = named(user, 'found')
    found.stack.ends('ADOPT_COMPLETE')
    assert found.stack.physical('server') == server['id'] and value(found.stack, 'word') == word
    assert found.of('server', 'server')['updated'] == server['updated'] and acts(kept, server['id']) == seen
    assert found.of('volume', 'volume')['updated_at'] == volume['updated_at']
    found.stack.delete()
    assert kept.all('server') == kept.all('volume') == {}


def acts(kept: Services, server: str) -> list[Any]:
    """All that Nova was ever asked to do with a server."""
    listed = kept.stack.user.api('compute').get(f'/servers/{server}/os-instance-actions').json()
    return [one['request_id'] for one in listed['instanceActions']]


# -- failing, and going on --------------------------------------------------------------------------


def test_a_failed_creation_is_continued_and_a_blocked_deletion_says_by_what(user: User) -> None:
    site = named(user, 'site')
    stack = site.stack
    stack.create(BLOCKED, address='192.0.2.1')
    assert 'resources.port' in stack.ends('CREATE_FAILED')['stack_status_reason']
    made = {name: stack.physical(name) for name in ('net', 'subnet')}
    heat_of(user).stacks.update('site', existing=True, parameters={'address': '10.31.0.17'})
    stack.ends('UPDATE_COMPLETE')
    assert {name: stack.physical(name) for name in made} == made
    assert site.of('port', 'port')['device_id'] == stack.physical('server')

    network = user.api('network')
    outside = network.post('/v2.0/ports', json={'port': {
        'network_id': made['net'], 'name': 'outside'}}).json()['port']
    user.openstack('stack', 'delete', '--yes', 'site')
    reason = stack.ends('DELETE_FAILED')['stack_status_reason']
    assert 'resources.subnet' in reason and outside['id'] in reason, reason
    assert site.all('server') == {} and site.all('port', network_id=made['net']).keys() == {outside['id']}
    network.delete(f'/v2.0/ports/{outside["id"]}')
    stack.delete()


# -- other languages --------------------------------------------------------------------------------


def test_a_type_that_is_a_template(user: User) -> None:
    shop = named(user, 'shop')
    stack = shop.stack
    stack.create(TEMPLATES / 'tiers.yaml', '-e', TEMPLATES / 'tiers.env.yaml')
    stack.ends('CREATE_COMPLETE')
    assert stack.resource('web')['resource_type'] == 'My::Tier'
    inside = stack.members('web')
    server = shop.by_id('server', inside['server'])
    (network, (address,)), = server['addresses'].items()
    assert network == 'web-net' and value(stack, 'address') == address['addr']
    assert shop.by_id('subnet', inside['subnet'])['cidr'] == '10.32.0.0/24'
    stack.update('-e', TEMPLATES / 'tiers.env.yaml', '-t', TEMPLATES / 'tiers.yaml', label='second')
    stack.ends('UPDATE_COMPLETE')
    assert stack.members('web') == inside
    assert shop.by_id('server', inside['server'])['metadata'] == {'label': 'second'}
    stack.delete()


def test_stacks_in_cloudformations_language(user: User) -> None:
    base, user_of = named(user, 'base'), named(user, 'guest')
    heat = heat_of(user)
    heat.stacks.create(stack_name='base', template=(TEMPLATES / 'exporting.yaml').read_text())
    wait_until('a server that was not heard of', lambda: base.statuses() == {'ACTIVE'}, 60, every=0.3)
    seen = base.stack.resources()
    assert (seen['Server']['resource_status'], seen['After']['resource_status']) == (
        'CREATE_IN_PROGRESS', 'INIT_COMPLETE')
    user.openstack('stack', 'resource', 'signal', '--data', '{"status": "SUCCESS", "id": "i-1"}',
                   'base', 'Server')
    base.stack.ends('CREATE_COMPLETE')
    server, network = base.of('server', 'Server'), base.of('network', 'Net')
    assert network['name'] == 'base-net' and server['metadata'] == {'network': 'base-net'}
    assert base.stack.outputs() == {'Network': network['id'], 'Told': f'base-net: {server["id"]}'}

    heat.stacks.create(stack_name='guest', template=(TEMPLATES / 'importing.yaml').read_text())
    user_of.stack.ends('CREATE_COMPLETE')
    assert user_of.of('port', 'Port')['network_id'] == network['id']
    with pytest.raises(Refused, match='guest'):
        user.openstack('stack', 'delete', '--yes', '--wait', 'base')
    assert base.of('server', 'Server')['status'] == 'ACTIVE'
    user_of.stack.delete()
    base.stack.delete()
