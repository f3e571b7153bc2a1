"""Reservations and containers against services of the documented form.

What is asked for is what their references have, and what they answer is understood, a lost answer
too. `tests/cloud` meets a real Blazar, when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heat import schema
from heat.clouds.credential import Credential, Kind
from heat.clouds.session import Sessions
from heat.common import config
from heat.common.clock import Clock, VirtualClock
from heat.model.outcome import Done, Failed
from heat.model.status import Action
from heat.resources.openstack.blazar import Host, Lease
from heat.resources.openstack.neutron.network import Net
from heat.resources.openstack.trove import Cluster
from heat.resources.openstack.zun import Container
from heat.simcloud.server import Settings, SimCloud
from tests.functional.collections_served import Collections
from tests.functional.drive import Died, Driver, Kill

SERVERS = {'resource_type': 'virtual:instance', 'vcpus': 1, 'memory_mb': 512, 'disk_gb': 1, 'amount': 2}


def host(body: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
    return {**body, 'hypervisor_hostname': body['name'], 'vcpus': 8, 'reservable': True}


def lease(body: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
    return {**body, 'status': 'PENDING', 'degraded': False}


def container(body: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
    state = {'broken': 'Error', 'short': 'Stopped'}.get(body['image'], 'Running')
    return {**body, 'status': state, 'status_reason': f'the image was {body["image"]}',
            'addresses': {net['network']: [{'addr': '10.0.0.5'}] for net in body.get('nets', ())}}


def plug(row: dict[str, Any], verb: str, query: dict[str, str]) -> None:
    """A network is joined or left when the container has been looked at twice, if it is at all."""
    if verb:
        row.update(task_state=verb, wanted=query, looks=0)
    elif row.get('task_state'):
        row['looks'] += 1
        if row['looks'] == 2:
            verb, where = row.pop('task_state'), row['wanted'].get('network', '')
            if verb == 'network_attach' and row.get('labels') != {'stubborn': 'yes'}:
                row['addresses'] = {**row['addresses'], where: [{'addr': '10.0.0.5'}]}
            elif verb == 'network_detach':
                row['addresses'] = {
                    net: there for net, there in row['addresses'].items()
                    if net != where and there[0].get('port') != row['wanted'].get('port', '')}


def cluster(body: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
    return {**body['cluster'], 'task': {'name': 'NONE'}, 'ip': ['10.0.0.5'],
            'instances': [{'id': f'server-{number}', 'status': 'HEALTHY'}
                          for number, _ in enumerate(body['cluster']['instances'])]}


def zun_refuses(method: str, query: dict[str, str], body: Any, version: str) -> str:
    """As the real one: what each release of its interface knows."""
    release = int(version.partition('.')[2] or 1)
    if 'stop' in query and release < 12:
        return 'Invalid param stop because current request version is 1.1. stop is only supported from 1.12'
    if 'port' in query and release < 17:
        return 'Invalid param port'
    if method == 'POST' and body and body.get('command') is not None:
        wanted = list if release >= 20 else str
        return '' if isinstance(body['command'], wanted) else "Invalid input for field 'command'."
    return ''


@pytest.fixture(scope='module')
def blazar() -> Iterator[Collections]:
    served = Collections({'os-hosts': ('host', host), 'leases': ('lease', lease)})
    yield served
    served.shutdown()


@pytest.fixture(scope='module')
def zun() -> Iterator[Collections]:
    served = Collections({'containers': ('', container)}, identity='uuid', act=plug, check=zun_refuses)
    yield served
    served.shutdown()


@pytest.fixture(scope='module')
def trove() -> Iterator[Collections]:
    served = Collections({'clusters': ('cluster', cluster), 'flavors': ('flavor', cluster)})
    served.rows['flavors']['1'] = {'id': '1', 'name': 'tiny'}
    yield served
    served.shutdown()


@pytest.fixture(scope='module')
def driver(blazar: Collections, zun: Collections, trove: Collections,
           tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    clock = VirtualClock(Clock().wall())
    cloud = SimCloud(clock=clock, settings=Settings(guests=False, token_lifetime=864000, more_services=(
        ('reservation', 'blazar', blazar.url), ('container', 'zun', zun.url),
        ('database', 'trove', trove.url))))
    cloud.start()
    file: Path = tmp_path_factory.mktemp('conf') / 'heat.conf'
    file.write_text(f'[clients_keystone]\nauth_uri = {cloud.auth_url}\n')
    sessions = Sessions(config.load('heat-engine', [], [str(file)], logging_setup=False),
                        sleep=lambda seconds: None)
    project = next(row for row in cloud.inventory.projects.all() if row['name'] == 'demo')
    yield Driver(sessions, Credential(Kind.PASSWORD, project['id'], None, 'demo', 'default',
                                      password=cloud.settings.demo_password), clock)
    cloud.stop()


def test_a_host_with_what_is_known_of_it(driver: Driver, blazar: Collections) -> None:
    row = driver.create(Host, 'host', name='compute-1', extra_capability={'gpu': True, 'rack': 'b'})
    made = blazar.rows['os-hosts'][str(row.physical_id)]
    assert blazar.said[-1][:4] == ('POST', '/v1/os-hosts', {}, {
        'name': 'compute-1', 'gpu': 'true', 'rack': 'b'})
    assert driver.read(Host, row, 'vcpus', 'reservable', 'extra_capability') == {
        'vcpus': 8, 'reservable': True, 'extra_capability': {'gpu': 'true', 'rack': 'b'}}
    driver.done(Host, row, Action.CHECK)
    driver.delete(Host, row)
    assert made['id'] not in blazar.rows['os-hosts']


def test_a_lease_of_both_kinds(driver: Driver, blazar: Collections) -> None:
    row = driver.create(Lease, 'lease', name='week', start_date='2030-01-01 00:00',
                        end_date='2030-01-08 00:00', before_end_date='2030-01-07 00:00', reservations=[
                            SERVERS, {'resource_type': 'physical:host', 'min': 1, 'max': 2,
                                      'resource_properties': '["=", "$gpu", "true"]'}],
                        events=[{'event_type': 'x', 'time': '2030-01-02 00:00'}])
    body = blazar.said[-1][3]
    assert body['reservations'] == [{**SERVERS, 'affinity': False, 'resource_properties': ''}, {
        'resource_type': 'physical:host', 'min': 1, 'max': 2, 'before_end': 'default',
        'hypervisor_properties': '', 'resource_properties': '["=", "$gpu", "true"]'}]
    assert (body['before_end_date'], body['events']) == (
        '2030-01-07 00:00', [{'event_type': 'x', 'time': '2030-01-02 00:00'}])
    assert driver.read(Lease, row, 'status', 'degraded', 'name') == {
        'status': 'PENDING', 'degraded': False, 'name': 'week'}
    driver.delete(Lease, row)
    assert blazar.rows['leases'] == {}


def test_what_a_hypervisor_says_of_its_processors_is_a_map(driver: Driver, blazar: Collections) -> None:
    row = driver.create(Host, 'host', name='compute-2')
    blazar.rows['os-hosts'][str(row.physical_id)]['cpu_info'] = '{"arch": "x86_64", "features": []}'
    assert driver.read(Host, row, 'cpu_info') == {'cpu_info': {'arch': 'x86_64', 'features': []}}
    blazar.rows['os-hosts'][str(row.physical_id)]['cpu_info'] = 'unknown'
    assert driver.read(Host, row, 'cpu_info') == {'cpu_info': 'unknown'}
    driver.delete(Host, row)


def test_a_trust_that_blazar_is_refused_is_told(driver: Driver, blazar: Collections) -> None:
    """Keystone's refusal is an Internal Server Error to Blazar, of which nobody could tell what to do."""
    row = driver.row(Host, 'host', name='compute-3')
    for status, told in ((500, True), (400, False)):
        blazar.refusals = [(status, {'error_message': 'no', 'error_code': status})]
        outcome, row = driver.run(Host, row, Action.CREATE)
        assert isinstance(outcome, Failed) and outcome.message.startswith('no')
        assert ('allow_trusts_redelegation' in outcome.message) is told


@pytest.mark.parametrize('made', [True, False])
def test_a_lease_whose_answer_was_lost_is_not_made_twice(
        driver: Driver, blazar: Collections, made: bool) -> None:
    row = driver.row(Lease, 'lease', name='lost', start_date='2030-01-01 00:00', end_date='2030-01-02 00:00',
                     reservations=[SERVERS])
    driver.kill = Kill(1, made)
    with pytest.raises(Died) as died:
        driver.run(Lease, row, Action.CREATE)
    assert len(blazar.rows['leases']) == int(made)
    outcome, row = driver.resume(Lease, died.value.row, Action.CREATE)
    assert isinstance(outcome, Done) and list(blazar.rows['leases']) == [row.physical_id]
    driver.delete(Lease, row)


def test_a_container_as_it_is_asked_for(driver: Driver, zun: Collections) -> None:
    first, second = (str(driver.create(Net, name).physical_id) for name in ('first', 'second'))
    row = driver.create(
        Container, 'box', image='cirros', command='sleep 9', cpu=0.5, memory=256, environment={'A': 1},
        restart_policy='on-failure:3', mounts=[{'volume_size': 2, 'mount_path': '/data'}],
        networks=[{'network': first, 'fixed_ip': '10.0.0.5'}], security_groups=['sg'], labels={'a': 'b'})
    method, path, query, body, version = zun.said[-1]
    assert (method, path, query, version) == (
        'POST', '/v1/containers', {'run': 'true'}, 'container 1.18')
    assert body.pop('name').startswith('drv-box-')
    assert body == {
        'image': 'cirros', 'command': 'sleep 9', 'cpu': 0.5, 'memory': '256', 'environment': {'A': '1'},
        'restart_policy': {'Name': 'on-failure', 'MaximumRetryCount': '3'},
        'mounts': [{'size': '2', 'destination': '/data'}], 'security_groups': ['sg'], 'labels': {'a': 'b'},
        'nets': [{'network': first, 'v4-fixed-ip': '10.0.0.5'}]}
    assert driver.read(Container, row, 'addresses') == {'addresses': {first: [{'addr': '10.0.0.5'}]}}
    same = {name: value for name, value in (row.props or {}).items() if value not in (None, [])}
    row = driver.update(Container, row, **{**same, 'name': 'other', 'memory': 512, 'networks': [
        {'network': second}]})
    assert [one[:4] for one in zun.said[-3:]] == [
        ('PATCH', f'/v1/containers/{row.physical_id}', {}, {'name': 'other', 'memory': '512'}),
        ('POST', f'/v1/containers/{row.physical_id}/network_detach', {'network': first}, None),
        ('POST', f'/v1/containers/{row.physical_id}/network_attach', {'network': second}, None)]
    assert driver.decide(Container, row, **{**same, 'image': 'other'}).verdict.value == 'replace'
    driver.delete(Container, row)
    assert zun.said[-1][:3] == ('DELETE', f'/v1/containers/{row.physical_id}', {'stop': 'true'})
    assert zun.rows['containers'] == {}


def test_a_command_is_words_where_a_terminal_is_asked_for(driver: Driver, zun: Collections) -> None:
    """A text is refused by the releases of the interface that know terminals."""
    row = driver.create(Container, 'box', image='cirros', command="sh -c 'sleep 9'", tty=True)
    assert zun.rows['containers'][str(row.physical_id)]['command'] == ['sh', '-c', 'sleep 9']
    assert zun.said[-1][4] == 'container 1.36'
    driver.delete(Container, row)
    assert zun.rows['containers'] == {}


def test_a_port_is_left_before_another_is_joined(driver: Driver, zun: Collections) -> None:
    """Zun leaves and joins after it has answered, and has one port of a network at a time."""
    net = str(driver.create(Net, 'net').physical_id)
    row = driver.create(Container, 'box', image='cirros', networks=[{'network': net}])
    there = zun.rows['containers'][str(row.physical_id)]
    there['addresses'] = {net: [{'addr': '10.0.0.5', 'port': 'old'}]}
    old = {**(row.props or {}), 'networks': [{'port': 'old'}]}
    row = replace(row, props=old)
    given = {name: value for name, value in old.items() if value not in (None, [])}
    row = driver.update(Container, row, **{**given, 'networks': [{'network': net, 'fixed_ip': '10.0.0.5'}]})
    assert [(one[1].rpartition('/')[2], one[2], one[4]) for one in zun.said[-2:]] == [
        ('network_detach', {'port': 'old'}, 'container 1.18'),
        ('network_attach', {'network': net, 'fixed_ip': '10.0.0.5'}, 'container 1.12')]
    assert there['addresses'] == {net: [{'addr': '10.0.0.5'}]} and 'task_state' not in there
    driver.delete(Container, row)


def test_a_container_that_joins_no_network_is_told(driver: Driver, zun: Collections) -> None:
    """Zun says nothing of what failed after it had answered."""
    net = str(driver.create(Net, 'net').physical_id)
    row = driver.create(Container, 'box', image='cirros', labels={'stubborn': 'yes'})
    row = driver.changed(Container, row, image='cirros', labels={'stubborn': 'yes'},
                         networks=[{'network': net}])
    outcome, row = driver.run(Container, row, Action.UPDATE)
    assert isinstance(outcome, Failed)
    assert outcome.message == f'Container {row.physical_id} did not join {net}.'
    driver.delete(Container, row)


def test_servers_of_a_cluster_are_on_their_networks_by_either_word(
        driver: Driver, trove: Collections) -> None:
    """Of clusters Trove reads the newer word only, and broke off where it was not there."""
    net = str(driver.create(Net, 'net').physical_id)
    servers = [{'flavor': '1', 'volume_size': 2, 'networks': [{'network': net, 'fixed_ip': '10.0.0.7'}]}] * 2
    row = driver.create(Cluster, 'cluster', name='three', datastore_type='mariadb', datastore_version='10.4',
                        instances=servers)
    assert trove.said[-1][3] == {'cluster': {
        'name': 'three', 'datastore': {'type': 'mariadb', 'version': '10.4'}, 'instances': [{
            'flavorRef': '1', 'volume': {'size': 2},
            'nics': [{'net-id': net, 'network_id': net, 'ip_address': '10.0.0.7'}]}] * 2}}
    assert driver.read(Cluster, row, 'instances', 'ip') == {
        'instances': ['server-0', 'server-1'], 'ip': ['10.0.0.5']}
    driver.delete(Cluster, row)
    assert trove.rows['clusters'] == {}


@pytest.mark.parametrize(('props', 'said'), [
    ({'image': 'broken'}, 'Went to status Error due to "the image was broken"'),
    ({'image': 'short', 'interactive': True}, 'is interactive, but has stopped: the image was short')])
def test_why_a_container_failed_is_told(driver: Driver, props: dict[str, Any], said: str) -> None:
    outcome, row = driver.run(Container, driver.row(Container, 'box', **props), Action.CREATE)
    assert isinstance(outcome, Failed) and said in outcome.message
    driver.delete(Container, row)


@pytest.mark.parametrize(('kind', 'props', 'part'), [
    (Container, {'restart_policy': 'sometimes'}, 'Invalid restart_policy "sometimes"'),
    (Container, {'restart_policy': 'always:3'}, 'Invalid restart_policy'),
    (Container, {'command': "sh -c 'sleep"}, 'command: No closing quotation.'),
    (Container, {'mounts': [{'mount_path': '/x'}]}, 'volume_id and volume_size'),
    (Container, {'networks': [{'network': 'n', 'port': 'p'}]}, 'network and port'),
    (Container, {'networks': [{'port': 'p', 'fixed_ip': '10.0.0.1'}]}, 'a port has its address'),
    (Lease, {'reservations': [{'resource_type': 'physical:host', 'min': 1}]}, 'must have "max"'),
    (Lease, {'reservations': [{**SERVERS, 'min': 1}]}, 'has no "min"')])
def test_what_does_not_fit_together_is_said(kind: Any, props: dict[str, Any], part: str) -> None:
    values, _errors = schema.resolve(kind.schema.properties, props)
    assert any(part in sentence for sentence in kind.validate(values))
