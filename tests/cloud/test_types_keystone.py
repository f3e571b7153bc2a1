"""The types of the identity service on a real Keystone, as its administrator uses them."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from keystoneauth1 import exceptions

from tests.cloud.daemons import Refused, User
from tests.cloud.stack import Stack
from tests.servers.keystone import Credentials, identity

TEMPLATE = Path(__file__).with_name('types') / 'keystone.yaml'

FOR_ADMINISTRATORS = {'OS::Nova::Flavor', 'OS::Nova::HostAggregate', 'OS::Nova::Quota', 'OS::Cinder::Quota',
                      'OS::Cinder::VolumeType', 'OS::Cinder::EncryptedVolumeType', 'OS::Cinder::QoSSpecs',
                      'OS::Cinder::QoSAssociation'}

pytestmark = pytest.mark.usefixtures('leaves_nothing')


class Identity:
    """What Keystone itself says of a stack's things."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._api = identity(stack.user.session, stack.user.heat.cloud.auth_url)

    def of(self, resource: str) -> dict[str, Any]:
        kind = resource.rpartition('_')[2]
        key = {'part': 'region'}.get(kind, kind)
        found: dict[str, Any] = self._api.get(f'/{key}s/{self._stack.physical(resource)}').json()[key]
        return found

    def assignments(self, whose: str, owner: str) -> set[tuple[str, str]]:
        """(role, project or domain), by ids."""
        listed = self._api.get('/role_assignments', params={f'{whose}.id': owner}).json()['role_assignments']
        return {(one['role']['id'], (one['scope'].get('project') or one['scope'].get('domain'))['id'])
                for one in listed}

    def named(self, kind: str, name: str) -> str:
        one, = self._api.get(f'/{kind}s', params={'name': name}).json()[f'{kind}s']
        return str(one['id'])

    def groups(self, user: str) -> set[str]:
        return {one['id'] for one in self._api.get(f'/users/{user}/groups').json()['groups']}


def logged_in(stack: Stack, name: str, password: str) -> bool:
    there = Credentials(stack.user.heat.cloud.auth_url, name, password, 'types-project',
                        user_domain='types-domain', project_domain='types-domain')
    try:
        return bool(there.session().get_token())
    except exceptions.Unauthorized:
        return False


def test_identities_are_made_as_told_and_changed(administrator: User) -> None:
    stack = Stack(administrator, 'identity')
    stack.create(TEMPLATE)
    stack.ends('CREATE_COMPLETE')
    keystone = Identity(stack)
    ids = {name: one['physical_resource_id'] for name, one in stack.resources().items()}
    role, project, domain, user = ids['role'], ids['project'], ids['domain'], ids['user']
    assert keystone.of('project')['domain_id'] == keystone.of('project')['parent_id'] == domain
    assert set(keystone.of('project')['tags']) == {'first', 'both'}
    assert keystone.of('local_role')['domain_id'] == domain
    assert keystone.of('part')['parent_region_id'] == ids['region'] == 'TypesRegion'
    assert keystone.of('service')['enabled'] is False
    assert keystone.of('endpoint')['url'] == 'http://127.0.0.1:1/first'
    assert keystone.groups(user) == {ids['group']}
    demo = keystone.named('project', 'demo')
    member, reader, admin = (keystone.named('role', name) for name in ('member', 'reader', 'admin'))
    assert keystone.assignments('user', user) == {(role, project), (member, demo), (reader, demo)}
    assert keystone.assignments('group', ids['group']) == {(role, domain), (role, project)}
    assert logged_in(stack, 'types-first', 'at-first-Secret1')
    outputs = stack.outputs()
    assert outputs['user'] == 'types-first' and outputs['above'] == domain
    assert outputs['working_in'] == project and outputs['user_shown']['email'] == 'user@example.org'
    assert 'at-first-Secret1' not in str(outputs)

    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    stack.update('--existing', label='second', password='then-Secret2',
                 user_roles='[{"role": "member", "project": "demo"}, {"role": "admin", "domain": "Default"}]')
    stack.ends('UPDATE_COMPLETE')
    assert {name: one['physical_resource_id'] for name, one in stack.resources().items()} == ids
    for resource in ('domain', 'project', 'group', 'region', 'service'):
        assert keystone.of(resource)['description'] == 'second'
    assert set(keystone.of('project')['tags']) == {'second', 'both'}
    assert keystone.of('endpoint')['url'] == 'http://127.0.0.1:1/second'
    assert keystone.assignments('user', user) == {(role, project), (member, demo), (admin, 'default')}
    assert logged_in(stack, 'types-second', 'then-Secret2')
    assert not logged_in(stack, 'types-second', 'at-first-Secret1')
    stack.delete()


def test_a_name_that_is_taken_is_told_in_the_services_words(
        administrator: User, tmp_path: Path) -> None:
    taken = tmp_path / 'taken.yaml'
    taken.write_text('''
heat_template_version: 2018-08-31
resources:
  project: {type: OS::Keystone::Project, properties: {name: demo}}
''')
    stack = Stack(administrator, 'identity')
    stack.create(taken)
    assert 'it is not permitted to have two projects' in stack.ends('CREATE_FAILED')['stack_status_reason']
    stack.delete()
    assert administrator.openstack('project', 'show', '-f', 'json', 'demo')['name'] == 'demo'


def test_who_is_no_administrator_neither_sees_nor_gets_them(user: User) -> None:
    with pytest.raises(Refused, match='OS::Keystone::'):
        Stack(user, 'identity').create(TEMPLATE)
    listed = set(user.api('orchestration').get('/resource_types').json()['resource_types'])
    assert not FOR_ADMINISTRATORS & listed and not [name for name in listed if 'Keystone' in name]
    assert {'OS::Nova::Server', 'OS::Nova::ServerGroup', 'OS::Glance::WebImage'} < listed
    shown = user.api('orchestration').get('/resource_types/OS::Keystone::User', raise_exc=False)
    assert shown.status_code == 403 and 'OS::Keystone::User' in shown.text
