"""The users' stories with heat-all: one process, SQLite, a bus of direct calls, a simulated cloud."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from json import loads
from pathlib import Path

import pytest
from keystoneauth1 import adapter, session
from keystoneauth1.identity import v3

from tests.functional import flows, flows_actions
from tests.functional.flows import Place, Story
from tests.servers.daemon import wait_until
from tests.servers.keystone import Credentials, identity

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def serving(state: Path, *words: str | Path, **variables: str) -> Iterator[Place]:
    """heat-all with its state in ``state``, and two users of it; no secret may be left in its log.

    ``words`` are further arguments, ``variables`` of its environment.
    """
    ready, log = state / 'ready.json', state / 'log'
    env = {**os.environ, 'no_proxy': '*', 'PYTHONPATH': str(ROOT), **variables}
    with open(log, 'ab') as stream:
        process = subprocess.Popen(
            [sys.executable, '-m', 'heat.cmd.all', '--state', state, '--port-base', '0', '--debug', *words],
            stdout=stream, stderr=stream, cwd=ROOT, env=env)
    try:
        wait_until('heat-all serves', lambda: ready.exists() or process.poll() is not None, 60)
        assert process.poll() is None, log.read_text()[-4000:]
        url = loads(ready.read_text())['auth_url']
        user = Credentials(url, 'demo', 'demo', 'demo')
        seen = Place(user, _neighbour(url), lambda: log.read_text(errors='replace')[-8000:])
        yield seen
        said = log.read_text(errors='replace')
        assert [each for each in seen.secrets if each in said] == []
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        finally:
            process.kill()


@pytest.fixture(scope='module')
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with serving(tmp_path_factory.mktemp('heat-all')) as seen:
        yield seen


def _neighbour(url: str) -> Credentials:
    api = identity(Credentials(url, 'admin', 'admin', 'admin').session(), url)
    # A cloud that was served before has one already.
    name, password = f'neighbour-{uuid.uuid4().hex[:8]}', uuid.uuid4().hex
    project = api.post('/projects', json={'project': {'name': name}}).json()['project']['id']
    user = api.post('/users', json={'user': {'name': name, 'password': password}}).json()['user']['id']
    # The simulated Keystone implies no role by another.
    for role in ('member', 'reader'):
        found = api.get('/roles', params={'name': role}).json()['roles'][0]['id']
        api.put(f'/projects/{project}/users/{user}/roles/{found}')
    return Credentials(url, name, password, name)


@pytest.mark.parametrize('story', flows.STORIES + flows_actions.STORIES, ids=lambda story: story.__name__)
def test_users(story: Story, place: Place, tmp_path: Path) -> None:
    story(place, tmp_path)


def test_groups_are_scaled_by_signed_addresses(place: Place, tmp_path: Path) -> None:
    flows.scaling(place, tmp_path)


def test_an_operator_allows_abandoning(tmp_path: Path) -> None:
    own = tmp_path / 'own.conf'
    own.write_text('[DEFAULT]\nenable_stack_abandon = true\nenable_stack_adopt = true\n')
    with serving(tmp_path, '--config-file', own) as place:
        flows_actions.abandoned(place, tmp_path)


def test_native_threads_serve_as_well(tmp_path: Path) -> None:
    """The service does not hang on eventlet: one file is all that knows of it."""
    with serving(tmp_path, HEAT_GREEN='threads') as place:
        flows.short_life(place, tmp_path)
        flows.signals(place, tmp_path)


def test_the_trust_of_who_asked_outlives_the_stack(place: Place) -> None:
    """Another service, such as one that makes clusters, acts by a trust of its own for many stacks."""
    url, user = place.user.auth_url, place.user.session()
    admin = identity(Credentials(url, 'admin', 'admin', 'admin').session(), url)
    trustee = admin.get('/users', params={'name': 'heat'}).json()['users'][0]['id']
    roles = [{'name': one} for one in user.auth.get_access(user).role_names if one in ('member', 'reader')]
    trusts = identity(user, url)
    lent = trusts.post('/OS-TRUST/trusts', json={'trust': {
        'trustor_user_id': user.get_user_id(), 'trustee_user_id': trustee, 'impersonation': True,
        'project_id': user.get_project_id(), 'roles': roles}}).json()['trust']['id']
    acting = session.Session(v3.Password(url, username='heat', password='heat', user_domain_name='Default',
                                         trust_id=lent))
    stacks = adapter.Adapter(acting, service_type='orchestration')
    stacks.post('/stacks', json={'stack_name': 'lent', 'template': {
        'heat_template_version': '2018-08-31', 'resources': {'net': {'type': 'OS::Neutron::Net'}}}})

    def state() -> str:
        answer = stacks.get('/stacks/lent', raise_exc=False)
        return 'gone' if answer.status_code == 404 else str(answer.json()['stack']['stack_status'])

    wait_until('the stack is made', lambda: state() == 'CREATE_COMPLETE', 60)
    stacks.delete('/stacks/lent')
    wait_until('the stack is gone', lambda: state() == 'gone', 60)
    assert trusts.get(f'/OS-TRUST/trusts/{lent}').json()['trust']['id'] == lent
    trusts.delete(f'/OS-TRUST/trusts/{lent}')


def test_an_application_credential_is_told_that_it_makes_no_stacks(place: Place) -> None:
    """Keystone lets it make no trust; with what stands already it may do all that its user may."""
    url, user = place.user.auth_url, place.user.session()
    own = f'/users/{user.get_user_id()}/application_credentials'
    made = identity(user, url).post(own, json={'application_credential': {
        'name': 'pipeline', 'unrestricted': True}}).json()['application_credential']
    program = session.Session(v3.ApplicationCredential(
        url, application_credential_id=made['id'], application_credential_secret=made['secret']))
    theirs = adapter.Adapter(program, service_type='orchestration')
    place.secrets |= {made['secret'], str(program.get_token())}

    def template(length: int) -> dict[str, object]:
        return {'heat_template_version': '2018-08-31', 'resources': {
            'word': {'type': 'OS::Heat::RandomString', 'properties': {'length': length}}}}

    wish = {'stack_name': 'piped', 'template': template(4)}
    refused = theirs.post('/stacks', json=wish, raise_exc=False)
    assert refused.status_code == 403
    assert refused.json()['error']['message'].startswith(
        'You are not authorized to use trusts, by which stacks act for their users. Keystone: You are not '
        "authorized to perform the requested action: Using method 'application_credential' is not allowed "
        'for managing trusts.')
    assert theirs.post('/stacks/preview', json=wish).status_code == 200
    stack = place.heat.stacks.create(**wish)['stack']['id']
    place.until('piped', 'CREATE_COMPLETE')
    theirs.put(f'/stacks/piped/{stack}', json={'template': template(5)})
    place.until('piped', 'UPDATE_COMPLETE')
    assert theirs.delete(f'/stacks/piped/{stack}').status_code == 204
    wait_until('the stack is gone', lambda: theirs.get(
        f'/stacks/piped/{stack}').json()['stack']['stack_status'] == 'DELETE_COMPLETE', 60)
