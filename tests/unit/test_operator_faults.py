"""What an operator wrote wrong: told by file, section and option, with no traceback and no password."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from heat.cmd import manage, serving
from heat.common import config
from heat.db import migrate
from heat.engine.app import operator_layers

HEAD = '[DEFAULT]\nauth_encryption_key = key of the test\n'


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """heat-manage with a configuration: its exit status and what it tells on standard error."""
    handlers = logging.getLogger().handlers[:]
    monkeypatch.setattr(config, '_told', set())

    def run(text: str | bytes, *words: str) -> tuple[int, str]:
        path = tmp_path / 'heat.conf'
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        status = manage.main(['--config-file', str(path), *words])
        return status, capsys.readouterr().err

    yield run
    logging.getLogger().handlers[:] = handlers


@pytest.mark.parametrize(('url', 'sentence'), [
    ('no url', r'[database] connection is not a URL such as'),
    ('mysql://a:hunter2@host:port/heat', r'[database] connection is not a URL such as'),
    ('oracle://a:hunter2@host/heat', 'oracle is not supported as a database; mysql, '),
    ('mysql+absent://a:hunter2@host/heat', 'mysql+absent cannot be used: '),
    ('sqlite:////absent/heat.db', 'sqlite:////absent/heat.db cannot be used: unable to open database file.'),
    ('mysql://heat:hunter2@127.0.0.1:1/heat', 'heat:***@127.0.0.1:1/heat?charset=utf8mb4 does not serve: '),
    ('postgresql://heat:hunter2@127.0.0.1:1/heat', 'heat:***@127.0.0.1:1/heat does not serve: '),
    ('postgresql://heat:hunter2@127.0.0.1:1/heat?no=1', 'cannot be used: invalid dsn'),
])
def test_a_database_that_cannot_be_used_is_named(said: Any, url: str, sentence: str) -> None:
    status, told = said(f'{HEAD}[database]\nmax_retries = 0\nconnection = {url}\n', 'db_version')
    assert status == 1
    assert sentence in told
    assert 'hunter2' not in told


def test_who_waits_for_a_database_is_told_why(said: Any) -> None:
    _, told = said(f'{HEAD}[database]\nmax_retries = 1\nretry_interval = 0\n'
         'connection = mysql://heat:hunter2@127.0.0.1:1/heat\n', 'db_version')
    line = next(line for line in told.splitlines() if 'Trying again in 0 s' in line)
    assert 'mysql+pymysql://heat:***@127.0.0.1:1/heat' in line
    assert 'refused' in line.lower()


@pytest.mark.parametrize(('text', 'sentence'), [
    ('\xff[DEFAULT]\n'.encode('latin-1'), 'A configuration file is not text in UTF-8: '),
    (f'{HEAD}max_stacks_per_tenant = many\n', 'heat.conf: [DEFAULT] max_stacks_per_tenant is not valid: '),
    ('[DEFAULT]\nauth_encryption_key =\n', '[DEFAULT] auth_encryption_key must not be empty'),
    (f'{HEAD}log_dir = /proc/absent\n', 'The log cannot be written as log_dir, log_file and '),
    (f'{HEAD}log_config_append = /absent\n', '(None, None, /absent) say: Error loading logging config'),
])
def test_a_configuration_that_cannot_be_used_says_where(said: Any, text: str | bytes, sentence: str) -> None:
    status, told = said(text, 'db_version')
    assert status == 1
    assert sentence in told


def test_misspelt_options_are_told_once(said: Any) -> None:
    text = (f'{HEAD}max_stacks_per_tennant = 4\nsql_connection = sqlite://\napi_paste_config = x\n'
            'something = 1\n[databse]\nconnection = sqlite://\n[keystone_authtoken]\nurl = x\n'
            '[other]\nname = x\n[oslo_messaging_rabbit]\nrabbit_qos = 1\nssl = true\n')
    status, told = said(text, 'db_version')
    assert status == 0
    lines = [line.partition('heat.conf: ')[2] for line in told.splitlines() if 'nobody reads' in line]
    assert lines == [
        'nobody reads [DEFAULT] max_stacks_per_tennant; max_stacks_per_tenant was probably meant.',
        'nobody reads [DEFAULT] api_paste_config; it belongs into section [paste_deploy].',
        'nobody reads section [databse]; [database] was probably meant.']
    assert 'nobody reads' not in said(text, 'db_version')[1]


def test_manage_purges_nothing_that_is_older_than_time(said: Any, tmp_path: Path) -> None:
    text = f'{HEAD}[database]\nconnection = sqlite:///{tmp_path}/heat.db\n'
    assert said(text, 'db_sync')[0] == 0
    assert said(text, 'purge_deleted', '99999999999999999')[0] == 0


def test_manage_verifies_no_stack_that_is_not_there(said: Any, tmp_path: Path) -> None:
    text = f'{HEAD}[database]\nconnection = sqlite:///{tmp_path}/heat.db\n'
    assert said(text, 'db_sync')[0] == 0
    assert said(text, 'verify', 'absent') == (1, 'heat-manage: There is no root stack absent.\n')


@pytest.mark.parametrize('url', ['rabbbit://heat:hunter2@127.0.0.1/', 'rabbit//heat:hunter2@127.0.0.1',
                                 'rabbit://heat:hunter2@127.0.0.1:port/'])
def test_a_broker_that_cannot_be_meant_stops_the_start(tmp_path: Path, url: str) -> None:
    path = tmp_path / 'heat.conf'
    path.write_text(f'{HEAD}transport_url = {url}\n')
    conf = config.load('heat-engine', [], [str(path)], logging_setup=False)
    with pytest.raises(config.ConfigError, match=r'\[DEFAULT\] transport_url cannot be used: ') as caught:
        serving.connected(conf)
    assert 'hunter2' not in str(caught.value)


def test_what_manage_prints_is_apart_from_its_log(tmp_path: Path,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    handlers = logging.getLogger().handlers[:]
    (tmp_path / 'heat.conf').write_text(f'{HEAD}[database]\nconnection = sqlite:///{tmp_path}/heat.db\n')
    try:
        assert manage.main(['--config-file', str(tmp_path / 'heat.conf'), 'db_sync']) == 0
        printed = capsys.readouterr()
        assert printed.out == ''
        assert 'Running upgrade' in printed.err
    finally:
        logging.getLogger().handlers[:] = handlers


@pytest.mark.parametrize('text', [b'resource_registry: [1, 2\n', b'resource_registry: [1, 2]\n', b'- 1\n',
                                  b'\xff\xfe\x00'])
def test_a_broken_environment_of_the_operator_is_named(tmp_path: Path, text: bytes) -> None:
    (tmp_path / 'environment.d').mkdir()
    (tmp_path / 'environment.d' / 'broken.yaml').write_bytes(text)
    (tmp_path / 'heat.conf').write_text(f'[DEFAULT]\nenvironment_dir = {tmp_path}/environment.d\n')
    conf = config.load('heat-engine', [], [str(tmp_path / 'heat.conf')], logging_setup=False)
    with pytest.raises(config.ConfigError, match=r'broken\.yaml, in \[DEFAULT\] environment_dir, cannot'):
        operator_layers(conf)


def test_a_database_of_another_release_is_worked_with_if_it_is_newer(said: Any, tmp_path: Path) -> None:
    text = f'{HEAD}[database]\nconnection = sqlite:///{tmp_path}/heat.db\n'
    assert said(text, 'service', 'list') == (
        1, 'heat-manage: The database is empty: run heat-manage db_sync first.\n')
    assert said(text, 'db_sync', '0005')[0] == 0
    status, told = said(text, 'service', 'list')
    assert status == 1
    assert f'has revision 0005, and this release needs {migrate.head()}: run heat-manage db_sync' in told
    assert said(text, 'db_sync')[0] == 0
    with sqlite3.connect(tmp_path / 'heat.db') as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    assert said(text, 'service', 'list')[0] == 0
    with sqlite3.connect(tmp_path / 'heat.db') as raw:
        raw.execute('DROP TABLE lease')
    status, told = said(text, 'service', 'list')
    assert status == 1 and 'or by the classic service' in told
