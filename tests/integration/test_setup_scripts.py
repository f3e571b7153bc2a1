"""The operator's scripts against real servers: what they make, and that a second run makes nothing.

heat-db-setup runs against a private MariaDB, heat-keystone-setup[-domain] against a private Keystone
in which nothing of Heat's exists yet, install.sh into an empty directory.
"""
from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest
import sqlalchemy
from keystoneauth1.session import Session

from tests.conftest import serving
from tests.servers.keystone import Credentials, Keystone
from tests.servers.mariadb import MariaDB

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / 'bin'


def _run(*words: str | Path, code: int = 0, env: dict[str, str] | None = None) -> str:
    base = {key: value for key, value in os.environ.items()
            if not key.startswith(('OS_', 'SERVICE_', 'HEAT_')) or key == 'HEAT_TEST_REQUIRE_SERVERS'}
    # the scripts' "#!/usr/bin/env python3" must find the Python that has Heat's dependencies
    base['PATH'] = f'{Path(sys.executable).parent}:{base["PATH"]}'
    base['PYTHONPATH'] = str(ROOT)
    done = subprocess.run([str(word) for word in words], env={**base, **(env or {})}, text=True, timeout=300,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == code, done.stdout
    return done.stdout


@pytest.fixture
def own_mariadb(servers_directory: Path, request: pytest.FixtureRequest) -> Iterator[MariaDB]:
    """A server in which there is no database `heat` yet."""
    name = re.sub(r'\W', '', request.node.name)[-20:]
    with serving(MariaDB(servers_directory / f'own-{name}')) as server:
        yield server


@pytest.fixture(scope='module')
def bare_keystone(servers_directory: Path) -> Iterator[Keystone]:
    """A Keystone in which there is nothing of Heat's."""
    with serving(Keystone(servers_directory / 'bare-keystone', bare=True)) as server:
        yield server


def _tables(server: MariaDB) -> set[str]:
    return {row[0] for row in server.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'heat'")}


def _connection(conf: Path) -> str:
    found = re.search(r'^\[database\]\n(?:#.*\n)*connection = (\S+)$', conf.read_text(), re.MULTILINE)
    assert found, 'no connection in [database]'
    return found.group(1)


def test_db_setup_makes_database_user_schema_and_says_when_all_is_there(
        own_mariadb: MariaDB, tmp_path: Path) -> None:
    conf = tmp_path / 'heat.conf'
    conf.write_text('[DEFAULT]\ndebug = false\n\n[database]\n# heat-db-setup sets the connection\n\n'
                    '[cache]\nenabled = false\n')
    conf.chmod(0o640)
    place = {'HEAT_DB_SOCKET': str(own_mariadb.socket), 'HEAT_CONF': str(conf)}
    password = """s p"a'c\\e%$#"""
    said = _run(BIN / 'heat-db-setup', 'deb', '--yes', '-p', password, env=place)
    assert 'database heat created' in said and 'schema is up to date' in said
    tables = _tables(own_mariadb)
    assert {'stack', 'resource', 'event', 'raw_template'} <= tables

    engine = sqlalchemy.create_engine(_connection(conf), poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text('SELECT COUNT(*) FROM stack')).scalar_one() == 0
        assert connection.execute(sqlalchemy.text('SELECT DATABASE()')).scalar_one() == 'heat'
    assert stat.S_IMODE(conf.stat().st_mode) == 0o640
    before = conf.read_text()
    assert before.endswith('[cache]\nenabled = false\n')

    said = _run(BIN / 'heat-db-setup', 'deb', '--yes', '-p', password, env=place)
    for word in ('database heat', 'database user heat'):
        assert f'{word} is there already' in said
    assert conf.read_text() == before
    assert _tables(own_mariadb) == tables


def test_db_setup_over_tcp_as_another_administrator_makes_the_config_file(
        own_mariadb: MariaDB, tmp_path: Path) -> None:
    conf = tmp_path / 'etc' / 'heat.conf'
    said = _run(BIN / 'heat-db-setup', 'rpm', env={
        'HEAT_DB_HOST': '127.0.0.1', 'HEAT_DB_PORT': str(own_mariadb.port), 'HEAT_CONF': str(conf),
        'HEAT_DB_ADMIN': own_mariadb.username, 'HEAT_DB_ADMIN_PASSWORD': own_mariadb.password,
        'HEAT_DB_PASSWORD': 'a-password'})
    assert own_mariadb.password not in said and 'a-password' not in said
    assert _connection(conf).startswith(f'mysql+pymysql://heat:a-password@127.0.0.1:{own_mariadb.port}/heat?')
    assert 'stack' in _tables(own_mariadb)
    with pytest.raises(pymysql.err.OperationalError, match='Access denied'):
        pymysql.connect(host='127.0.0.1', port=own_mariadb.port, user='heat', password='a-password',
                        database='mysql')


def test_db_setup_leaves_a_configured_connection_alone(own_mariadb: MariaDB, tmp_path: Path) -> None:
    conf = tmp_path / 'heat.conf'
    conf.write_text('[database]\nconnection = mysql+pymysql://heat:elsewhere@db.example.test/heat\n')
    said = _run(BIN / 'heat-db-setup', 'deb', '-y', code=1, env={
        'HEAT_DB_SOCKET': str(own_mariadb.socket), 'HEAT_CONF': str(conf)})
    assert 'names another database connection' in said and 'elsewhere' not in said
    assert 'db.example.test' in conf.read_text()
    assert not own_mariadb.execute("SHOW DATABASES LIKE 'heat'")


def test_db_setup_tells_what_it_needs() -> None:
    said = _run(BIN / 'heat-db-setup', '--help')
    for word in ('rpm', '--password', '--rootpw', '--yes', 'HEAT_DB_SOCKET', 'HEAT_CONF'):
        assert word in said
    assert 'usage' in _run(BIN / 'heat-db-setup', code=2)
    assert 'unknown argument: --pasword' in _run(BIN / 'heat-db-setup', 'deb', '--pasword', code=1)
    said = _run(BIN / 'heat-db-setup', 'deb', code=1, env={'HEAT_DB_SOCKET': '/nonexistent/socket'})
    assert "does not let root in" in said


def _everything(server: Keystone) -> dict[str, list[tuple[str, ...]]]:
    """What there is in a Keystone, comparable before and after."""
    api = server.api()
    kinds = {'roles': ('id', 'name'), 'users': ('id', 'name', 'domain_id', 'password_expires_at'),
             'projects': ('id', 'name'), 'domains': ('id', 'name'), 'services': ('id', 'name', 'type'),
             'endpoints': ('id', 'url', 'interface'), 'role_assignments': ('role', 'user', 'scope')}
    return {kind: sorted(tuple(str(one.get(key)) for key in keys)
                         for one in api.get(f'/{kind}').json()[kind])
            for kind, keys in kinds.items()}


def _token(server: Keystone, session: Session) -> dict[str, Any]:
    """Roles and domain that Keystone says this session's token has."""
    seen = server.api().get('/auth/tokens', headers={'X-Subject-Token': session.get_token() or ''}).json()
    return {'roles': {role['name'] for role in seen['token']['roles']},
            'domain': seen['token'].get('domain', {}).get('id')}


def test_keystone_setup_makes_what_heat_needs_and_nothing_twice(bare_keystone: Keystone) -> None:
    place = {**bare_keystone.admin.environment(), 'SERVICE_PASSWORD': 'secret', 'SERVICE_HOST': 'heat.test'}
    said = _run(BIN / 'heat-keystone-setup', env=place)
    assert 'role heat_stack_user created' in said and 'secret' not in said

    heat = Credentials(bare_keystone.auth_url, 'heat', 'secret', 'service').session()
    assert {'admin', 'service'} <= _token(bare_keystone, heat)['roles']
    for interface in ('public', 'internal', 'admin'):
        assert heat.get_endpoint(service_type='orchestration', interface=interface) == \
            f'http://heat.test:8004/v1/{heat.get_project_id()}'
        assert heat.get_endpoint(service_type='cloudformation', interface=interface) == \
            'http://heat.test:8000/v1'

    before = _everything(bare_keystone)
    said = _run(BIN / 'heat-keystone-setup', env=place)
    assert 'nothing to change' in said and 'created' not in said
    assert _everything(bare_keystone) == before

    said = _run(BIN / 'heat-keystone-setup', env={**place, 'SERVICE_HOST': 'moved.test'})
    assert '6 changes made' in said
    said = _run(BIN / 'heat-keystone-setup', env={
        **place, 'SERVICE_HOST': 'moved.test', 'SERVICE_PASSWORD': 'changed'})
    assert 'user heat has a new password' in said and '1 changes made' in said
    assert Credentials(bare_keystone.auth_url, 'heat', 'changed', 'service').session().get_token()


def test_keystone_setup_by_a_service_token(bare_keystone: Keystone) -> None:
    token = bare_keystone.admin.session().get_token() or ''
    said = _run(BIN / 'heat-keystone-setup', env={
        'OS_SERVICE_TOKEN': token, 'SERVICE_PASSWORD': 'by token',
        'OS_SERVICE_ENDPOINT': bare_keystone.auth_url.replace('/v3', '/v2.0')})
    assert token not in said
    assert Credentials(bare_keystone.auth_url, 'heat', 'by token', 'service').session().get_token()


def test_keystone_setup_without_credentials_says_which(tmp_path: Path) -> None:
    said = _run(BIN / 'heat-keystone-setup', code=1, env={'KEYSTONE_CONF': str(tmp_path / 'none')})
    assert 'OS_AUTH_URL' in said and 'Traceback' not in said
    said = _run(BIN / 'heat-keystone-setup', code=1, env={
        'OS_AUTH_URL': 'http://127.0.0.1:1/v3', 'OS_USERNAME': 'admin'})
    assert 'OS_PASSWORD' in said


@pytest.mark.parametrize(('url', 'more', 'words'), [
    ('http://127.0.0.1:1', {}, 'http://127.0.0.1:1/v3 cannot be asked; is OS_AUTH_URL right? '),
    ('no-url', {}, 'no-url/v3 cannot be asked; is OS_AUTH_URL right? '),
    ('https://127.0.0.1:1', {'OS_CACERT': '/absent'}, 'invalid path: /absent')])
def test_keystone_setup_says_which_keystone_cannot_be_asked(url: str, more: dict[str, str],
                                                            words: str) -> None:
    for program in ('heat-keystone-setup', 'heat-keystone-setup-domain'):
        said = _run(BIN / program, code=1, env={
            'OS_AUTH_URL': url, 'OS_USERNAME': 'admin', 'OS_PASSWORD': 'hunter2',
            'OS_PROJECT_NAME': 'p', **more})
        assert f'{program}: Keystone at ' in said and words in said
        assert 'Traceback' not in said and 'hunter2' not in said


def test_keystone_setup_domain_makes_a_domain_with_an_admin(bare_keystone: Keystone) -> None:
    place = bare_keystone.admin.environment()
    words = (BIN / 'heat-keystone-setup-domain', '--stack-domain-admin-password', 'domain secret')
    said = _run(*words, env=place)
    printed = dict(re.findall(r'^(stack_\w+) = (.+)$', said, re.MULTILINE))
    assert printed['stack_domain_admin'] == 'heat_stack_admin'
    assert printed['stack_domain_admin_password'] == 'domain secret'

    admin = Credentials(bare_keystone.auth_url, 'heat_stack_admin', 'domain secret', user_domain='heat')
    token = _token(bare_keystone, admin.session())
    assert token['domain'] == printed['stack_user_domain_id'] and 'admin' in token['roles']

    before = _everything(bare_keystone)
    assert 'nothing to change' in _run(*words, env=place)
    assert _everything(bare_keystone) == before

    said = _run(BIN / 'heat-keystone-setup-domain', env={
        **place, 'HEAT_DOMAIN': 'second', 'HEAT_DOMAIN_ADMIN': 'boss'})
    given = re.search(r'^stack_domain_admin_password = (\S{32})$', said, re.MULTILINE)
    assert given
    boss = Credentials(bare_keystone.auth_url, 'boss', given.group(1), user_domain='second')
    assert boss.session().get_token()


def test_install_places_programs_and_configuration_once(tmp_path: Path) -> None:
    prefix = tmp_path / 'prefix'
    # it finds pip and all requirements where the tests have theirs, so that nothing is fetched
    _run(sys.executable, '-m', 'venv', '--without-pip', prefix)
    site = next(prefix.glob('lib/python3*/site-packages'))
    (site / 'requirements.pth').write_text(sysconfig.get_path('purelib') + '\n')
    place = {'PREFIX': str(prefix), 'CONF_PREFIX': str(tmp_path / 'root'), 'HEAT_HOST': '192.0.2.1',
             'PIP_NO_INDEX': '1', 'PIP_NO_BUILD_ISOLATION': '0', 'PYTHONPATH': ''}
    said = _run(ROOT / 'install.sh', env=place)
    assert 'heat-db-setup' in said
    for program in ('heat-api', 'heat-engine', 'heat-all', 'heat-manage', 'heat-db-setup',
                    'heat-keystone-setup', 'heat-keystone-setup-domain'):
        assert os.access(prefix / 'bin' / program, os.X_OK), program
    said = _run(prefix / 'bin' / 'heat-keystone-setup-domain', '--help', env={'PYTHONPATH': ''})
    assert 'heat_stack_admin' in said
    etc = tmp_path / 'root' / 'etc' / 'heat'
    conf = etc / 'heat.conf'
    key = re.search(r'^auth_encryption_key *= *(\S+)$', conf.read_text(), re.MULTILINE)
    assert key and len(key.group(1)) == 32
    assert not conf.stat().st_mode & stat.S_IRWXO
    assert '%ENCRYPTION_KEY%' not in ''.join(p.read_text() for p in etc.rglob('*') if p.is_file())
    wanted = {p.relative_to(ROOT / 'etc' / 'heat') for p in (ROOT / 'etc' / 'heat').rglob('*') if p.is_file()}
    assert wanted <= {p.relative_to(etc) for p in etc.rglob('*')}
    assert (tmp_path / 'root' / 'var' / 'log' / 'heat').is_dir()

    conf.write_text('[DEFAULT]\n# mine\n')
    assert f'kept {etc}' in _run(ROOT / 'install.sh', env=place)
    assert conf.read_text() == '[DEFAULT]\n# mine\n'
