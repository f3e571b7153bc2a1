"""A daemon that is told to read its configuration again: SIGHUP, as operators and logrotate send it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.daemon import free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Front:
    """heat-api before a broker that is not there, which it needs for no start."""

    process: subprocess.Popen[bytes]
    conf: Path
    log: Path
    port: int

    def write(self, workers: str) -> None:
        self.conf.write_text(
            f'[DEFAULT]\ntransport_url = rabbit://heat:heat@127.0.0.1:{self.port}/\n'
            f'[heat_api]\nbind_host = 127.0.0.1\nbind_port = {self.port}\nworkers = {workers}\n'
            f'[paste_deploy]\napi_paste_config = {ROOT}/etc/heat/api-paste.ini\n')

    def told(self, words: str, times: int = 1) -> None:
        wait_until(words, lambda: self.log.read_text().count(words) >= times, 60)

    def workers(self) -> list[str]:
        return Path(f'/proc/{self.process.pid}/task/{self.process.pid}/children').read_text().split()

    def have(self, wanted: Callable[[list[str]], bool]) -> None:
        wait_until('workers', lambda: wanted(self.workers()), 60)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    log, port = tmp_path / 'log', free_port()
    conf = tmp_path / 'heat.conf'
    Front.write(Front(None, conf, log, port), '1')  # type: ignore[arg-type]
    with open(log, 'wb') as stream:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / 'bin' / 'heat-api'), '--config-file', str(conf)], stdout=stream,
            stderr=stream, env={**os.environ, 'PYTHONPATH': str(ROOT)})
    try:
        made = Front(process, conf, log, port)
        made.told('heat-api is ready')
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            process.kill()


def test_a_configuration_that_cannot_be_used_changes_nothing(front: Front) -> None:
    before = front.workers()
    front.write('many')
    front.process.send_signal(signal.SIGHUP)
    front.told(f'heat-api goes on with the configuration as it was: {front.conf}: [heat_api] workers is not')
    assert front.workers() == before
    assert front.process.poll() is None


def test_as_many_workers_as_the_configuration_says_now(front: Front) -> None:
    before = front.workers()
    front.write('2')
    front.process.send_signal(signal.SIGHUP)
    front.told('heat-api is ready', 3)
    front.have(lambda now: len(now) == 2 and not set(now) & set(before))


def test_who_waits_for_a_database_can_be_told_to_stop(tmp_path: Path) -> None:
    log, conf = tmp_path / 'log', tmp_path / 'heat.conf'
    conf.write_text('[DEFAULT]\nnum_engine_workers = 1\ntransport_url = rabbit://heat:heat@127.0.0.1:1/\n'
                    '[database]\nconnection = mysql://heat:heat@127.0.0.1:1/heat\n')
    with open(log, 'wb') as stream:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / 'bin' / 'heat-engine'), '--config-file', str(conf)], stdout=stream,
            stderr=stream, env={**os.environ, 'PYTHONPATH': str(ROOT)})
    try:
        wait_until('it waits', lambda: 'does not serve' in log.read_text(), 60)
        process.send_signal(signal.SIGTERM)
        # Well before it would be killed.
        assert process.wait(40) == 0
    finally:
        process.kill()
    assert 'Told to stop before everything was there' in log.read_text()


def test_an_engine_does_not_start_on_a_database_without_tables(tmp_path: Path) -> None:
    conf = tmp_path / 'heat.conf'
    conf.write_text('[DEFAULT]\nnum_engine_workers = 1\ntransport_url = rabbit://heat:heat@127.0.0.1:1/\n'
                    f'[database]\nconnection = sqlite:///{tmp_path}/heat.db\n')
    done = subprocess.run(
        [sys.executable, str(ROOT / 'bin' / 'heat-engine'), '--config-file', str(conf)], timeout=60,
        text=True, capture_output=True, env={**os.environ, 'PYTHONPATH': str(ROOT)})
    assert done.returncode == 1
    assert 'heat-engine: The database is empty: run heat-manage db_sync first.' in done.stderr
    assert 'Traceback' not in done.stderr
