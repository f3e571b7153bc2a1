"""The newcomer's path: heat-all as a process of its own, the example through the real client.

What tools/quickstart does after pip: nothing here knows more of the service than a user does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers.daemon import SLOWER

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / 'etc' / 'heat' / 'templates'
BIN = Path(sys.executable).parent
HEAT_ALL = [sys.executable, '-m', 'heat.cmd.all', '--port-base', '0']
START_SECONDS, STACK_SECONDS, STOP_SECONDS = 60, 300, 90
# What a stack leaves behind in Keystone by design, and what is no object of a user.
NOT_OF_STACKS = {'tokens', 'credentials'}


@dataclass
class Running:
    """A heat-all that serves, and the client that talks to it."""

    process: subprocess.Popen[bytes]
    state: Path
    ready: dict[str, Any]

    def openstack(self, *words: str) -> Any:
        """The command's JSON output, or its text; fails the test when the command fails."""
        env = {name: value for name, value in os.environ.items() if not name.startswith('OS_')}
        env |= {'OS_AUTH_URL': self.ready['auth_url'], 'OS_USERNAME': 'demo', 'OS_PASSWORD': 'demo',
                'OS_PROJECT_NAME': 'demo', 'OS_USER_DOMAIN_NAME': 'Default', 'PYTHONWARNINGS': 'ignore',
                'OS_PROJECT_DOMAIN_NAME': 'Default', 'OS_IDENTITY_API_VERSION': '3'}
        done = subprocess.run([BIN / 'openstack', *words], env=env, capture_output=True, text=True,
                              timeout=STACK_SECONDS * SLOWER)
        assert done.returncode == 0, f'{words}: {done.stderr}\n{self.log()[-4000:]}'
        return json.loads(done.stdout) if 'json' in words else done.stdout

    def inventory(self) -> dict[str, int]:
        """Kind -> count of what is in the simulated cloud."""
        with urllib.request.urlopen(f'{self.ready["cloud"]}/__sim__/inventory', timeout=10) as answer:
            found: dict[str, dict[str, int]] = json.load(answer)
        return {kind: row['count'] for kind, row in found.items() if kind not in NOT_OF_STACKS}

    def encryption_key(self) -> list[str]:
        lines = (self.state / 'heat.conf').read_text().splitlines()
        return [line for line in lines if line.startswith('auth_encryption_key')]

    def log(self) -> str:
        return (self.state / 'log').read_text(errors='replace')


def start(state: Path) -> Running:
    state.mkdir(exist_ok=True)
    # No proxy stands between this machine and itself.
    env = {**os.environ, 'no_proxy': '127.0.0.1', 'PYTHONPATH': str(ROOT)}
    with open(state / 'log', 'ab') as log:
        process = subprocess.Popen([*HEAT_ALL, '--state', state], stdout=log, stderr=log, cwd=ROOT, env=env)
    running = Running(process, state, {})
    end = time.monotonic() + START_SECONDS * SLOWER
    while not (state / 'ready.json').exists():
        assert process.poll() is None and time.monotonic() < end, running.log()[-4000:]
        # Another process is waited for; there is no clock of ours in it.
        time.sleep(0.1)
    running.ready = json.loads((state / 'ready.json').read_text())
    return running


def stop(running: Running) -> int:
    running.process.send_signal(signal.SIGTERM)
    try:
        return running.process.wait(STOP_SECONDS * SLOWER)
    finally:
        running.process.kill()


@pytest.fixture
def heat_all(tmp_path: Path) -> Iterator[Running]:
    running = start(tmp_path / 'state')
    yield running
    stop(running)


def test_the_example_comes_up_and_goes_away_without_a_trace(heat_all: Running) -> None:
    # The network service makes a project's default group when it first sees the project.
    heat_all.openstack('security', 'group', 'list', '-f', 'json')
    before = heat_all.inventory()
    assert before['security_groups'] == 1
    heat_all.openstack(
        'stack', 'create', '--wait', '--poll', '1', '-t', str(TEMPLATES / 'mysql-web-cluster.yaml'),
        '-e', str(TEMPLATES / 'mysql-web-cluster.env.yaml'), '--parameter', 'db_password=secret1234',
        'example')
    shown = heat_all.openstack('stack', 'show', '-f', 'json', 'example')
    assert shown['stack_status'] == 'CREATE_COMPLETE'
    outputs = {one['output_key']: one['output_value'] for one in shown['outputs']}
    assert outputs['website_url'].startswith('http://172.24.4.')
    assert outputs['db_admin_address'].startswith('172.24.4.')
    assert outputs['db_address'].startswith('10.20.0.')
    assert len(set(outputs['cluster_addresses'])) == 3
    assert all(address.startswith('10.20.0.') for address in outputs['cluster_addresses'])
    there = heat_all.inventory()
    # Database, front, three of the cluster.
    assert (there['servers'], there['volumes']) == (before['servers'] + 5, before['volumes'] + 1)
    assert 'secret1234' not in heat_all.log()

    servers = heat_all.openstack('server', 'list', '--long', '-f', 'json')
    assert {server['Status'] for server in servers} == {'ACTIVE'}
    events = heat_all.openstack('stack', 'event', 'list', '-f', 'json', 'example')
    order = [(one['resource_name'], one['resource_status']) for one in events]
    assert order.index(('db_ready', 'CREATE_COMPLETE')) < order.index(('web_cluster', 'CREATE_IN_PROGRESS'))

    heat_all.openstack('stack', 'delete', '--yes', '--wait', 'example')
    assert heat_all.inventory() == before


def test_what_was_made_is_there_after_a_restart(tmp_path: Path) -> None:
    template = tmp_path / 'small.yaml'
    template.write_text('heat_template_version: 2018-08-31\n'
                        'resources:\n  network: {type: "OS::Neutron::Net"}\n'
                        'outputs:\n  id: {value: {get_resource: network}}\n')
    running = start(tmp_path / 'state')
    try:
        running.openstack('stack', 'create', '--wait', '--poll', '1', '-t', str(template), 'small')
        first = running.openstack('stack', 'show', '-f', 'json', 'small')
        key = running.encryption_key()
    finally:
        assert stop(running) == 0, running.log()[-4000:]
    assert not (running.state / 'ready.json').exists()
    running = start(tmp_path / 'state')
    try:
        again = running.openstack('stack', 'show', '-f', 'json', 'small')
        assert again['outputs'] == first['outputs'] and again['id'] == first['id']
        assert key and key == running.encryption_key()
        running.openstack('stack', 'delete', '--yes', '--wait', 'small')
    finally:
        stop(running)


def test_a_second_process_is_kept_out_of_the_state(heat_all: Running) -> None:
    second = subprocess.run([*HEAT_ALL, '--state', heat_all.state], capture_output=True, text=True, cwd=ROOT,
                            timeout=START_SECONDS * SLOWER)
    assert second.returncode == 1 and 'another heat-all is running' in second.stderr
    assert heat_all.inventory()
