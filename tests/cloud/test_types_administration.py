"""What an administrator makes of a real Nova and Cinder: flavors, aggregates, groups, types, quotas."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cloud.daemons import Refused, User
from tests.cloud.stack import Stack

TEMPLATE = Path(__file__).with_name('types') / 'administration.yaml'
pytestmark = pytest.mark.usefixtures('leaves_nothing')


class Cloud:
    """What Nova and Cinder themselves say of a stack's things."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._compute, self._volume = (stack.user.api(name) for name in ('compute', 'block-storage'))
        services = self._compute.get('/os-services', params={'binary': 'nova-compute'}).json()['services']
        self.host = str(services[0]['host'])
        self.project = str(stack.user.session.get_project_id())

    def compute(self, path: str, key: str, resource: str, version: str = '') -> Any:
        path = path.format(self._stack.physical(resource))
        return self._compute.get(path, **{'microversion': version} if version else {}).json()[key]

    def volume(self, path: str, resource: str) -> Any:
        return self._volume.get(path.format(self._stack.physical(resource))).json()

    def open_to(self, flavor: str) -> set[str]:
        listed = self.compute('/flavors/{}/os-flavor-access', 'flavor_access', flavor)
        return {one['tenant_id'] for one in listed}

    def type_open_to(self, resource: str) -> set[str]:
        found = self.volume('/types/{}/os-volume-type-access', resource)['volume_type_access']
        return {one['project_id'] for one in found}

    def following(self, quality: str) -> set[str]:
        return {one['id'] for one in self.volume('/qos-specs/{}/associations', quality)['qos_associations']}


def specs(cloud: Cloud) -> dict[str, Any]:
    return {'flavor': cloud.compute('/flavors/{}', 'flavor', 'flavor')['extra_specs'],
            'type': cloud.volume('/types/{}', 'type')['volume_type']['extra_specs'],
            'aggregate': cloud.compute('/os-aggregates/{}', 'aggregate', 'aggregate')['metadata'],
            'quality': cloud.volume('/qos-specs/{}', 'quality')['qos_specs']['specs']}


def test_compute_and_volumes_are_arranged_as_told_and_changed(administrator: User) -> None:
    stack = Stack(administrator, 'arranged')
    cloud = Cloud(stack)
    stack.create(TEMPLATE, host=cloud.host)
    stack.ends('CREATE_COMPLETE')
    ids = {name: one['physical_resource_id'] for name, one in stack.resources().items()}
    demo = administrator.openstack('project', 'show', '-f', 'json', 'demo')['id']
    assert specs(cloud) == {
        'flavor': {'types:one': '1', 'types:two': '2'}, 'type': {'types:one': '1', 'types:two': '2'},
        'aggregate': {'one': '1', 'two': '2'}, 'quality': {'read_iops_sec': '10', 'write_iops_sec': '20'}}
    assert cloud.open_to('flavor') == {cloud.project, ids['project']}
    assert cloud.type_open_to('type') == {demo, ids['project']}
    assert cloud.compute('/os-aggregates/{}', 'aggregate', 'aggregate')['hosts'] == [cloud.host]
    assert cloud.compute('/os-aggregates/{}', 'aggregate', 'zone')['availability_zone'] == 'types-first'
    assert cloud.compute('/os-server-groups/{}', 'server_group', 'group')['members'] == [ids['server']]
    ruled = cloud.compute('/os-server-groups/{}', 'server_group', 'ruled')
    assert (ruled['policy'], ruled['rules']) == ('anti-affinity', {'max_server_per_host': 2})
    limits = cloud.compute('/os-quota-sets/{}', 'quota_set', 'compute_quota', '2.35')
    assert (limits['cores'], limits['instances'], limits['floating_ips']) == (3, 2, 4)
    assert (limits['injected_files'], limits['server_groups']) == (5, -1)
    encryption = cloud.volume('/types/{}/encryption', 'encryption')
    assert (encryption['provider'], encryption['key_size']) == ('luks', 256)
    assert cloud.volume('/qos-specs/{}', 'quality')['qos_specs']['consumer'] == 'front-end'
    assert cloud.following('quality') == {ids['type'], ids['plain_type']}
    room = cloud.volume('/os-quota-sets/{}', 'volume_quota')['quota_set']
    assert (room['gigabytes'], room['backups']) == (30, 7)
    assert stack.outputs() == {'specs': {'types:one': '1', 'types:two': '2'}, 'public': False}

    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    stack.update('--existing', label='second', cores=5)
    stack.ends('UPDATE_COMPLETE')
    then = {name: one['physical_resource_id'] for name, one in stack.resources().items()}
    # A type follows one quality at a time: the old association went before the new one came. A flavor cannot
    # change its size, and its successor has the same name.
    assert then == {**ids, 'qualities': ids['other_quality'], 'sized': then['sized']} != {
        **ids, 'qualities': ids['other_quality']}
    assert cloud.following('quality') == set()
    assert cloud.following('other_quality') == {ids['type'], ids['plain_type']}
    assert specs(cloud) == {'flavor': {'types:two': '3'}, 'type': {'types:two': '3'},
                            'aggregate': {'two': '3'}, 'quality': {'read_iops_sec': '30'}}
    assert cloud.volume('/qos-specs/{}', 'quality')['qos_specs']['consumer'] == 'back-end'
    assert cloud.open_to('flavor') == {cloud.project} and cloud.type_open_to('type') == {demo}
    assert cloud.compute('/os-aggregates/{}', 'aggregate', 'aggregate')['hosts'] == []
    assert cloud.compute('/os-aggregates/{}', 'aggregate', 'zone')['availability_zone'] == 'types-second'
    limits = cloud.compute('/os-quota-sets/{}', 'quota_set', 'compute_quota', '2.35')
    usual = cloud.compute('/os-quota-sets/{}/defaults', 'quota_set', 'compute_quota')['instances']
    assert (limits['cores'], limits['instances'], limits['floating_ips']) == (5, usual, 4)
    assert cloud.volume('/types/{}/encryption', 'encryption')['key_size'] == 512
    room = cloud.volume('/os-quota-sets/{}', 'volume_quota')['quota_set']
    usual = cloud.volume('/os-quota-sets/{}/defaults', 'volume_quota')['quota_set']['backups']
    assert (room['gigabytes'], room['backups']) == (30, usual)
    flavor = cloud.compute('/servers/{}', 'server', 'server')['flavor']
    assert (flavor['original_name'], flavor['ram']) == ('types-flavor', 96)
    stack.delete()


def test_a_host_that_is_not_there_is_refused(administrator: User) -> None:
    with pytest.raises(Refused, match=r'no-such-host'):
        Stack(administrator, 'arranged').create(TEMPLATE, host='no-such-host')
