"""The launchers themselves: each server is used by a real client, and nothing of it outlives it."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import kombu
import pytest
import sqlalchemy
from keystoneauth1 import exceptions

from tests.conftest import serving
from tests.servers.daemon import Daemon, Unavailable, alive, family, listening, program
from tests.servers.devcloud import Devcloud
from tests.servers.keystone import Keystone
from tests.servers.mariadb import MariaDB
from tests.servers.postgresql import PostgreSQL
from tests.servers.rabbitmq import RabbitMQ

REAP = Path(__file__).resolve().parents[2] / 'tools' / 'reap'


def _send_and_receive(url: str) -> str:
    with kombu.Connection(url.replace('rabbit://', 'amqp://'), connect_timeout=10) as connection:
        queue = connection.SimpleQueue('letters')
        queue.put('hello')
        message = queue.get(timeout=10)
        message.ack()
        queue.close()
        return str(message.payload)


def _alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if alive(pid)]


def test_rabbitmq_carries_messages_and_comes_back(rabbitmq: RabbitMQ) -> None:
    assert _send_and_receive(rabbitmq.url) == 'hello'
    assert _send_and_receive(rabbitmq.vhost()) == 'hello'
    before = family(rabbitmq.pid)
    rabbitmq.restart()
    assert not _alive(before)
    assert _send_and_receive(rabbitmq.url) == 'hello'


def test_a_paused_broker_answers_nobody_until_resumed(rabbitmq: RabbitMQ) -> None:
    rabbitmq.pause()
    try:
        with pytest.raises(OSError):
            rabbitmq.ready()
    finally:
        rabbitmq.resume()
    assert _send_and_receive(rabbitmq.url) == 'hello'


@pytest.fixture(params=['mariadb', 'postgresql'])
def database_server(request: pytest.FixtureRequest) -> MariaDB | PostgreSQL:
    server: MariaDB | PostgreSQL = request.getfixturevalue(request.param)
    return server


def test_what_was_committed_survives_a_crash(database_server: MariaDB | PostgreSQL) -> None:
    engine = sqlalchemy.create_engine(database_server.database(), poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text('CREATE TABLE t (word VARCHAR(20))'))
        connection.execute(sqlalchemy.text("INSERT INTO t VALUES ('kept: ✓')"))
    before = family(database_server.pid)
    database_server.kill()
    assert not _alive(before)
    database_server.start()
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text('SELECT word FROM t')).scalar_one() == 'kept: ✓'


def test_databases_are_apart(database_server: MariaDB | PostgreSQL) -> None:
    assert database_server.database() != database_server.database()


def test_keystone_knows_heats_users_and_domain(keystone: Keystone) -> None:
    assert keystone.heat.session().get_project_id() == keystone.project_id('service')
    assert keystone.demo.session().get_project_id() == keystone.project_id('demo')
    domains = keystone.api(keystone.domain_admin).get('/domains', params={'name': 'heat'}).json()['domains']
    assert [domain['name'] for domain in domains] == ['heat']
    roles = {role['name'] for role in keystone.api().get('/roles').json()['roles']}
    assert roles >= {'admin', 'member', 'reader', 'service', 'heat_stack_owner', 'heat_stack_user'}


def test_keystone_refuses_a_wrong_password_after_a_restart(keystone: Keystone) -> None:
    token = keystone.demo.session().get_token()
    keystone.restart()
    wrong = type(keystone.demo)(keystone.auth_url, 'demo', 'wrong', 'demo')
    with pytest.raises(exceptions.Unauthorized):
        wrong.session().get_token()
    seen = keystone.api().get('/auth/tokens', headers={'X-Subject-Token': token or ''}).json()
    assert seen['token']['user']['name'] == 'demo'


def test_devcloud_has_the_core_services_and_heats_users(devcloud: Devcloud) -> None:
    session = devcloud.demo.session()
    for kind, service in (('image', 'glance'), ('network', 'neutron'), ('compute', 'nova'),
                          ('volumev3', 'cinder'), ('placement', 'placement')):
        assert (session.get_endpoint(service_type=kind) or '').startswith(devcloud.url(service))
    images = session.get(devcloud.url('glance') + '/v2/images').json()['images']
    assert 'cirros-like' in [image['name'] for image in images]
    made = session.post(devcloud.url('neutron') + '/v2.0/networks', json={'network': {'name': 'mine'}}).json()
    session.delete(f'{devcloud.url("neutron")}/v2.0/networks/{made["network"]["id"]}')
    assert devcloud.heat.session().get_project_id()
    assert devcloud.domain_admin.session().get_token()


class _Sleeper(Daemon):
    """A stubborn server with a child in a session of its own, as Erlang's are."""

    name = 'sleeper'
    stop_seconds = 0.5

    def command(self) -> list[str]:
        return [program('bash'), '-c', "trap '' TERM; setsid sleep 600 & touch ready; while :; do wait; done"]

    def ready(self) -> bool:
        return (self.directory / 'ready').exists() and len(family(self.pid)) > 1


def test_a_server_that_ignores_its_stop_signal_leaves_no_child(tmp_path: Path) -> None:
    server = _Sleeper(tmp_path / 'sleeper')
    with server:
        members = family(server.pid)
    assert len(members) == 2 and not _alive(members)
    assert not server.running


def test_a_server_that_ends_while_starting_shows_its_log(tmp_path: Path) -> None:
    class Failing(_Sleeper):
        def command(self) -> list[str]:
            return [program('bash'), '-c', 'echo no such luck; exit 3']

    with pytest.raises(RuntimeError, match='no such luck'):
        Failing(tmp_path / 'failing').start()


class _Missing:
    def start(self) -> None:
        raise Unavailable('its package is not installed')

    def stop(self) -> None:
        raise AssertionError('never started')


@pytest.mark.parametrize(('required', 'outcome'), [
    ('0', pytest.skip.Exception), ('1', pytest.fail.Exception)])
def test_a_server_that_cannot_be_had_skips_or_fails(
        monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[BaseException]) -> None:
    monkeypatch.setenv('HEAT_TEST_REQUIRE_SERVERS', required)
    with pytest.raises(outcome, match='no _Missing: its package is not installed'), serving(_Missing()):
        pass


def test_reap_ends_what_a_command_left_behind_and_exits_as_it_did() -> None:
    done = subprocess.run([sys.executable, str(REAP), 'bash', '-c', 'setsid sleep 600 & echo $!; exit 7'],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 7
    assert 'still running, now ended' in done.stderr
    assert not alive(int(done.stdout))


def test_a_missing_program_is_said_by_name() -> None:
    with pytest.raises(Unavailable, match='no-such-server is not installed'):
        program('no-such-server')


def test_a_stopped_server_listens_no_more(servers_directory: Path, mariadb: MariaDB) -> None:
    with MariaDB(servers_directory / 'second') as second:
        assert second.port != mariadb.port and listening(second.port)
        os.kill(second.pid, signal.SIGTERM)
    assert not listening(second.port)
    assert listening(mariadb.port)
