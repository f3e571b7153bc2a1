"""Servers with databases on a real Trove, whose agents inside the servers are imagined."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cloud.daemons import User
from tests.cloud.stack import Stack

TEMPLATE = Path(__file__).parent / 'types' / 'trove.yaml'
CLUSTER = TEMPLATE.with_name('trove_cluster.yaml')

pytestmark = [pytest.mark.groups('trove'), pytest.mark.usefixtures('leaves_nothing')]


class Databases:
    """Trove as the owner of a stack sees it."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self._api = stack, stack.user.api('database')

    def server(self) -> dict[str, Any]:
        found: dict[str, Any] = self._api.get(self._path()).json()['instance']
        return found

    def names(self) -> set[str]:
        return {one['name'] for one in self._api.get(self._path('/databases')).json()['databases']}

    def hosts(self) -> dict[str, str]:
        """Where each user may come from."""
        return {one['name']: one['host'] for one in self._api.get(self._path('/users')).json()['users']}

    def granted(self, user: str) -> set[str]:
        """The databases that a user may use."""
        found = self._api.get(self._path(f'/users/{user}/databases')).json()['databases']
        return {one['name'] for one in found}

    def _path(self, tail: str = '') -> str:
        return f'/instances/{self.stack.physical("server")}{tail}'


def test_a_server_with_databases(user: User) -> None:
    stack = Stack(user, 'types-trove')
    trove = Databases(stack)
    stack.create(TEMPLATE)
    stack.ends('CREATE_COMPLETE')
    server = trove.server()
    assert (server['name'], server['volume']['size']) == ('types-first', 1)
    assert server['datastore']['version'] == '5.7'
    assert trove.names() == {'shop'} and trove.hosts() == {'keeper': '%'}
    outputs = stack.outputs()
    assert outputs['href'].endswith(f'/instances/{server["id"]}')
    assert outputs['hostname'] in (server.get('hostname'), *server.get('ip', ()))
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    stack.update('--existing', name='types-second', flavor='m1.small', size=2, databases='["shop", "stock"]',
                 password='second')
    stack.ends('UPDATE_COMPLETE')
    after = trove.server()
    assert (after['id'], after['name'], after['volume']['size']) == (server['id'], 'types-second', 2)
    assert after['flavor']['id'] == '2'
    assert trove.names() == {'shop', 'stock'} and trove.granted('keeper') == {'shop', 'stock'}
    stack.update('--existing', databases='["stock"]', keeper='clerk')
    stack.ends('UPDATE_COMPLETE')
    assert trove.names() == {'stock'} and trove.hosts() == {'clerk': '%'}
    stack.delete()


def test_what_the_service_refuses_is_told_in_its_words(user: User, tmp_path: Path) -> None:
    stack = Stack(user, 'types-trove')
    wrong = tmp_path / 'wrong.yaml'
    wrong.write_text(TEMPLATE.read_text().replace("datastore_version: '5.7'", "datastore_version: '9.9'"))
    stack.create(wrong)
    assert "Datastore version '9.9' cannot be found" in stack.ends('CREATE_FAILED')['stack_status_reason']
    stack.delete()


def test_a_cluster_of_servers(user: User) -> None:
    """The service sets it up as it would; the agents in its servers are imagined."""
    stack, api = Stack(user, 'types-cluster'), user.api('database')

    def cluster() -> dict[str, Any]:
        found: dict[str, Any] = api.get(f'/clusters/{stack.physical("cluster")}').json()['cluster']
        return found

    stack.create(CLUSTER, version='9.9')
    assert "Datastore version '9.9' cannot be found" in stack.ends('CREATE_FAILED')['stack_status_reason']
    stack.update('--existing', version='10.4')
    stack.ends('UPDATE_COMPLETE', 400)
    made, outputs = cluster(), stack.outputs()
    assert (made['name'], made['task']['name']) == ('types-cluster', 'NONE')
    assert made['datastore'] == {'type': 'mariadb', 'version': '10.4'}
    assert [one['id'] for one in made['instances']] == outputs['instances']
    assert [one['flavor']['id'] for one in made['instances']] == ['1', '1', '1']
    assert len(outputs['instances']) == len(outputs['ip']) == 3
    assert {one['network'] for server in made['instances'] for one in server['ip']
            } == {stack.physical('net')}
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    stack.delete()
