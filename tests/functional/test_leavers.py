"""Who made a stack leaves, or takes back what the stack acts by: the project keeps its stacks."""
from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from keystoneauth1 import adapter

from tests.functional.flows import Place, hot, one
from tests.functional.test_heatclient import serving
from tests.servers.keystone import Credentials, identity

VOLUME, NETWORK = one({'size': 1}, 'OS::Cinder::Volume'), one({}, 'OS::Neutron::Net')
BEFORE = hot({'volume': VOLUME, 'network': NETWORK})
AFTER = hot({'volume': one({'size': 1, 'name': 'renamed'}, 'OS::Cinder::Volume'), 'network': NETWORK})


@pytest.fixture(scope='module')
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with serving(tmp_path_factory.mktemp('leavers')) as seen:
        yield seen


@pytest.fixture
def keystone(place: Place) -> adapter.Adapter:
    url = place.user.auth_url
    return identity(Credentials(url, 'admin', 'admin', 'admin').session(), url)


@pytest.fixture
def leaver(place: Place, keystone: adapter.Adapter) -> Credentials:
    """Another member of the user's project."""
    name, password = f'leaver-{uuid.uuid4().hex[:8]}', uuid.uuid4().hex
    person = keystone.post('/users', json={'user': {'name': name, 'password': password}}).json()['user']['id']
    project = place.user.session().get_project_id()
    for role in ('member', 'reader'):
        found = keystone.get('/roles', params={'name': role}).json()['roles'][0]['id']
        keystone.put(f'/projects/{project}/users/{person}/roles/{found}')
    return Credentials(place.user.auth_url, name, password, place.user.project)


def disabled(keystone: adapter.Adapter, who: Credentials) -> None:
    keystone.patch(f'/users/{who.session().get_user_id()}', json={'user': {'enabled': False}})


def deleted(keystone: adapter.Adapter, who: Credentials) -> None:
    keystone.delete(f'/users/{who.session().get_user_id()}')


def without_trusts(keystone: adapter.Adapter, who: Credentials) -> None:
    own = identity(who.session(), who.auth_url)
    for each in trusts(own, who.session().get_user_id()):
        own.delete(f'/OS-TRUST/trusts/{each}')


def trusts(keystone: adapter.Adapter, user: str) -> list[str]:
    found = keystone.get('/OS-TRUST/trusts', params={'trustor_user_id': user}).json()['trusts']
    return [str(each['id']) for each in found]


@pytest.mark.parametrize('leave', [disabled, deleted, without_trusts], ids=lambda leave: leave.__name__)
def test_a_colleague_updates_and_deletes_the_stack(
        place: Place, keystone: adapter.Adapter, leaver: Credentials,
        leave: Callable[[adapter.Adapter, Credentials], None]) -> None:
    theirs, me = place.client(leaver), place.user.session()
    own = identity(me, place.user.auth_url)
    for name in ('left-updated', 'left-deleted'):
        theirs.stacks.create(stack_name=name, template=BEFORE)
        place.until(name, 'CREATE_COMPLETE')
    kept = trusts(own, me.get_user_id())
    leave(keystone, leaver)
    place.heat.stacks.update('left-updated', template=AFTER)
    place.until('left-updated', 'UPDATE_COMPLETE')
    assert len(trusts(own, me.get_user_id())) == len(kept) + 1
    place.remove('left-updated')
    place.remove('left-deleted')
    place.wait(lambda: trusts(own, me.get_user_id()), lambda now: now == kept)


def test_an_update_under_way_says_which_trust_is_missing(
        place: Place, keystone: adapter.Adapter, leaver: Credentials, tmp_path: Path) -> None:
    waiting = one({'value': 'a', 'wait_secs': 2}, 'OS::Heat::TestResource')
    template = hot({'first': waiting, 'network': {**NETWORK, 'depends_on': 'first'}})
    place.client(leaver).stacks.create(stack_name='left-making', template=template)
    without_trusts(keystone, leaver)
    place.until('left-making', 'CREATE_FAILED')
    reason = place.heat.stacks.get('left-making').stack_status_reason
    assert ('The trust by which the stack acts for its user gives no token; an update or deletion by a '
            'member of the project gives the stack another one. Keystone: ') in reason
    place.remove('left-making')
