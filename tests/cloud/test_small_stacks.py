"""Small stacks on a real OpenStack: one thing of each type, and what is told when a thing fails."""
from __future__ import annotations

from pathlib import Path

import pytest

from tests.cloud.daemons import Refused, User
from tests.cloud.services import Services
from tests.cloud.stack import Stack

EACH = Path(__file__).with_name('one_of_each.yaml')
# Neutron's own sentence about an address that the subnet does not have.
NOT_OF_THE_SUBNET = 'IP address 192.0.2.1 is not a valid IP for the specified subnet'

pytestmark = pytest.mark.usefixtures('leaves_nothing')


@pytest.fixture
def small(user: User) -> Services:
    return Services(Stack(user, 'small'))


def test_one_thing_of_each_type_is_made_as_told_and_changed(small: Services) -> None:
    stack = small.stack
    stack.create(EACH)
    stack.ends('CREATE_COMPLETE')
    outputs = stack.outputs()
    server, port = small.of('server', 'server'), small.of('port', 'port')
    assert small.of('network', 'net')['name'] == 'each-first'
    assert small.of('subnet', 'subnet')['dns_nameservers'] == ['192.0.2.53']
    assert port['fixed_ips'] == [{'subnet_id': stack.physical('subnet'), 'ip_address': '10.30.0.17'}]
    assert port['device_id'] == server['id'] and port['security_groups'] == [stack.physical('group')]
    assert small.ways_in('group') == {('icmp', None, None), ('udp', 53, '10.30.0.0/24')}
    assert small.of('floating IP', 'floating')['port_id'] == stack.physical('second_port')
    assert small.of('floating IP', 'loose_floating')['port_id'] == port['id']
    assert server['key_name'] == 'each-key' and server['metadata'] == {'label': 'first'}
    assert small.of('volume', 'volume')['attachments'][0]['server_id'] == server['id']
    assert outputs['private_key'].startswith('-----BEGIN ')
    assert outputs['address'] == '10.30.0.17' and outputs['attached_to'] == server['id']
    for name in ('each-first', stack.physical('net')):
        assert outputs['networks'][name][0] == '10.30.0.17'
    assert outputs['floating'] == small.of('floating IP', 'floating')['floating_ip_address']

    before = {name: one['physical_resource_id'] for name, one in stack.resources().items()}
    stack.update('--existing', label='second')
    stack.ends('UPDATE_COMPLETE')
    assert {name: one['physical_resource_id'] for name, one in stack.resources().items()} == before
    assert small.of('network', 'net')['name'] == 'each-second'
    assert small.of('server', 'server')['metadata'] == {'label': 'second'}
    assert small.of('volume', 'volume')['description'] == 'second'
    stack.delete()


def test_a_server_that_compute_refused_can_be_deleted(small: Services, tmp_path: Path) -> None:
    wrong = tmp_path / 'wrong.yaml'
    wrong.write_text(EACH.read_text().replace('m1.tiny', 'm1.nano'))
    small.stack.create(wrong)
    assert 'volume-backed servers' in small.stack.ends('CREATE_FAILED')['stack_status_reason']
    small.stack.delete()


def test_what_the_cloud_does_not_have_is_refused_before_anything_is_made(
        small: Services, tmp_path: Path) -> None:
    wrong = tmp_path / 'wrong.yaml'
    wrong.write_text(EACH.read_text().replace('cirros-like', 'no-such-image'))
    with pytest.raises(Refused, match=r'(?s)image.*no-such-image'):
        small.stack.create(wrong)
    assert small.stack.user.openstack('stack', 'list', '-f', 'json') == []


def test_a_failing_creation_says_why_in_the_services_words(small: Services) -> None:
    stack = small.stack
    stack.create(EACH, address='192.0.2.1')
    failed = stack.ends('CREATE_FAILED')
    assert 'resources.port' in failed['stack_status_reason']
    assert NOT_OF_THE_SUBNET in failed['stack_status_reason']
    shown = stack.user.openstack('stack', 'failures', 'list', stack.name)
    assert 'OS::Neutron::Port' in shown and NOT_OF_THE_SUBNET in shown

    # The same stack with what was wrong put right goes on from there.
    stack.update('--existing', address='10.30.0.18')
    stack.ends('UPDATE_COMPLETE')
    assert small.of('port', 'port')['fixed_ips'][0]['ip_address'] == '10.30.0.18'
    assert small.statuses() == {'ACTIVE'}
    stack.delete()


def test_a_failing_creation_is_rolled_back_when_asked(small: Services) -> None:
    stack = small.stack
    stack.create(EACH, '--enable-rollback', address='192.0.2.1')
    assert NOT_OF_THE_SUBNET in stack.ends('ROLLBACK_COMPLETE')['stack_status_reason'] or any(
        NOT_OF_THE_SUBNET in one['resource_status_reason'] for one in stack.user.openstack(
            'stack', 'event', 'list', '-f', 'json', stack.name))
    assert small.all('server') == {} and not small.all('network', name='each-first')
    stack.delete()


def test_a_failing_update_is_rolled_back_when_asked(small: Services) -> None:
    stack = small.stack
    stack.create(EACH)
    stack.ends('CREATE_COMPLETE')
    server = stack.physical('server')
    stack.update('--existing', '--rollback', 'enabled', address='192.0.2.1', label='second')
    stack.ends('ROLLBACK_COMPLETE')
    assert stack.physical('server') == server and small.statuses() == {'ACTIVE'}
    assert set(small.all('server')) == {server}
    assert small.of('server', 'server')['metadata'] == {'label': 'first'}
    assert small.of('network', 'net')['name'] == 'each-first'
    assert small.of('port', 'port')['fixed_ips'][0]['ip_address'] == '10.30.0.17'
    assert small.of('port', 'port')['device_id'] == server
    stack.delete()
