"""Where the bench runs: servers and daemons of its own, and what they have cost so far.

Invariant: counters are read from the kernel (/proc) and the servers themselves, so the service is the
same as an operator's. Neighbours: tests/servers starts everything; ``workloads`` reads ``counts``.
"""
from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.daemon import LOOPBACK, Daemon, family, free_port
from tests.servers.heat import ROOT, Checkout, Heat, Identity, SimulatedCloud
from tests.servers.keystone import Credentials, Keystone
from tests.servers.mariadb import MariaDB
from tests.servers.rabbitmq import RabbitMQ

TICKS = os.sysconf('SC_CLK_TCK')
BIG = {
    'max_resources_per_stack': -1, 'max_template_size': 100_000_000, 'max_json_body_size': 110_000_000,
    'max_stacks_per_tenant': -1}
COMMITS, STATEMENTS = 'commits', 'sql'


class LoudKeystone(Keystone):
    """Keystone that writes a line for each request, to be counted."""

    def command(self) -> list[str]:
        words = [word for word in super().command() if word != '--disable-logging']
        at = words.index('--pyargv')
        return [*words[:at], '--log-format', 'request %(method) %(uri)', *words[at:]]

    def requests(self) -> dict[str, int]:
        """How many tokens were issued, and how many requests there were."""
        text = self.log.read_text(errors='replace')
        return {'keystone': len(re.findall('^request ', text, re.MULTILINE)),
                'tokens': len(re.findall('^request POST /v3/auth/tokens', text, re.MULTILINE))}


class All(Checkout):
    """heat-all: everything in one process."""

    def __init__(self, directory: Path, conf: Path) -> None:
        self.base = free_port(range(4))
        super().__init__('heat-all', directory, [
            str(ROOT / 'bin' / 'heat-all'), '--state', str(directory / 'state'),
            '--port-base', str(self.base), '--config-file', str(conf)], '"')

    def ready(self) -> bool:
        return (self.directory / 'state' / 'ready.json').exists()


@dataclass
class Place:
    """A running Heat. ``daemons`` are measured, by name."""

    url: str
    demo: Credentials
    daemons: dict[str, Daemon]
    kind: str
    mariadb: MariaDB | None = None
    rabbitmq: RabbitMQ | None = None
    keystone: LoudKeystone | None = None
    cloud_url: str = ''
    database: str = ''
    """Its URL."""
    _asked: int = field(default=0)

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by daemon; those of ended children too."""
        return {name: sum(seconds(pid) for pid in family(daemon.pid))
                for name, daemon in self.daemons.items()}

    def forget_peaks(self) -> None:
        """The high-water marks of memory begin here."""
        for daemon in self.daemons.values():
            for pid in family(daemon.pid):
                with contextlib.suppress(OSError):
                    Path(f'/proc/{pid}/clear_refs').write_text('5')

    def memory(self) -> dict[str, dict[str, float]]:
        """MB by daemon: ``peak`` is the sum of the processes' highest RSS, ``pss`` what they have now."""
        found = {}
        for name, daemon in self.daemons.items():
            pids = family(daemon.pid)
            found[name] = {'peak': round(sum(kilobytes(pid, 'status', 'VmHWM') for pid in pids) / 1024, 1),
                           'pss': round(sum(kilobytes(pid, 'smaps_rollup', 'Pss') for pid in pids) / 1024, 1)}
        return found

    def counts(self) -> dict[str, float]:
        """Statements, commits, bus messages and Keystone requests so far."""
        found: dict[str, float] = {}
        if self.mariadb is not None:
            rows = dict(self.mariadb.execute("SHOW GLOBAL STATUS WHERE Variable_name IN "
                                             "('Questions', 'Com_commit')"))
            self._asked += 1
            # Without our own question; connecting costs one more.
            found |= {STATEMENTS: int(rows['Questions']) - 2 * self._asked, COMMITS: int(rows['Com_commit'])}
        if self.rabbitmq is not None:
            said = self.rabbitmq.control('eval', 'rabbit_global_counters:overview().')
            found['messages'] = sum(int(n) for n in re.findall(r'messages_received_total\s*=>\s*(\d+)', said))
        if self.keystone is not None:
            found |= self.keystone.requests()
        if self.cloud_url:
            with urllib.request.urlopen(f'{self.cloud_url}/__sim__/requests') as answer:
                asked: Mapping[str, int] = json.load(answer)['requests']
            found['keystone'] = sum(n for key, n in asked.items() if key.startswith('identity '))
            found['tokens'] = sum(n for key, n in asked.items()
                                  if key.startswith('identity POST') and '/auth/tokens' in key)
            found['cloud'] = sum(n for key, n in asked.items() if not key.startswith('identity '))
        return found


def seconds(pid: int) -> float:
    """User and system time of a process and its ended children."""
    try:
        words = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    except OSError:
        return 0.0
    return sum(int(words[at]) for at in (11, 12, 13, 14)) / TICKS


def kilobytes(pid: int, file: str, name: str) -> int:
    try:
        text = Path(f'/proc/{pid}/{file}').read_text()
    except OSError:
        return 0
    found = re.search(rf'^{name}:\s+(\d+) kB', text, re.MULTILINE)
    return int(found[1]) if found else 0


@contextmanager
def running(cloud: str, embedded: bool, engines: int = 2) -> Iterator[Place]:
    """A Place; everything is stopped and removed at the end. ``cloud`` is 'keystone' or 'sim'."""
    directory = Path(tempfile.mkdtemp(prefix='heat-bench-', dir='/tmp'))
    directory.chmod(0o711)
    try:
        with ExitStack() as stack:
            yield _embedded(directory, stack) if embedded else _whole(directory, stack, cloud, engines)
    finally:
        if os.environ.get('HEAT_BENCH_KEEP') != '1':
            shutil.rmtree(directory, ignore_errors=True)
        else:
            print(f'kept: {directory}', file=sys.stderr)


def _whole(directory: Path, stack: ExitStack, cloud: str, engines: int) -> Place:
    rabbitmq = stack.enter_context(RabbitMQ(directory / 'rabbitmq'))
    mariadb = stack.enter_context(MariaDB(directory / 'mariadb'))
    port = free_port()
    daemons: dict[str, Daemon] = {}
    keystone, cloud_url = None, ''
    if cloud == 'sim':
        simulated = SimulatedCloud(directory / 'cloud', f'http://{LOOPBACK}:{port}/v1/$(project_id)s')
        stack.enter_context(simulated)
        identity, cloud_url, daemons['cloud'] = simulated.identity, simulated.url, simulated
    else:
        keystone = LoudKeystone(directory / 'keystone')
        stack.enter_context(keystone)
        identity, daemons['keystone'] = Identity.of_keystone(keystone), keystone
    heat = Heat(directory / 'heat', mariadb.database('heat'), rabbitmq.vhost(), identity,
                workers=engines, api_port=port, options={'DEFAULT': BIG})
    stack.callback(heat.stop)
    heat.start()
    daemons |= {'engine': heat.engines[0], 'api': heat.api, 'mariadb': mariadb}
    return Place(heat.url, identity.demo, daemons, f'{cloud}, RabbitMQ, MariaDB, {engines} engines, 2 API',
                 mariadb, rabbitmq, keystone, cloud_url, heat.connection)


def _embedded(directory: Path, stack: ExitStack) -> Place:
    conf = directory / 'bench.conf'
    conf.write_text('[DEFAULT]\n' + ''.join(f'{name} = {value}\n' for name, value in BIG.items()))
    everything = All(directory / 'all', conf)
    stack.enter_context(everything)
    ready = json.loads((everything.directory / 'state' / 'ready.json').read_text())
    return Place(ready['orchestration'], Credentials(ready['auth_url'], 'demo', 'demo', 'demo'),
                 {'engine': everything}, 'heat-all, SQLite', cloud_url=ready['cloud'],
                 database=f'sqlite:///{everything.directory / "state" / "heat.db"}')
