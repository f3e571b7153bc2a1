"""A Heat of this checkout on loopback, and the simulated cloud as a process of its own.

Engines are daemons of their own, so that one can be killed while the others live. Invariant: nothing
is known to the service otherwise than by heat.conf; the database is migrated before anything starts.
Neighbours: the other launchers give database, broker and Keystone; tests/crash and tools/benches use this.
"""
from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.servers.daemon import LOOPBACK, Daemon, family, free_port, listening
from tests.servers.keystone import Credentials, Keystone

ROOT = Path(__file__).resolve().parents[2]
Options = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose accounts a Heat works with: its own, the ruler of its users' domain, and a plain user."""

    auth_url: str
    heat: Credentials
    domain_admin: Credentials
    demo: Credentials

    @classmethod
    def of_keystone(cls, keystone: Keystone) -> Identity:
        return cls(keystone.auth_url, keystone.heat, keystone.domain_admin, keystone.demo)


class Checkout(Daemon):
    """A Python program of this checkout; `says` stands in its log once for each of its `count` workers."""

    stop_seconds = 60.0

    def __init__(self, name: str, directory: Path, words: list[str], says: str, count: int = 1) -> None:
        self.name = name
        super().__init__(directory)
        self._words, self._says, self._count = words, says, count
        self._seen = 0

    def command(self) -> list[str]:
        return [sys.executable, *self._words]

    def environment(self) -> Mapping[str, str]:
        kept = {name: os.environ[name] for name in ('HEAT_GREEN', 'HEAT_PROFILE') if name in os.environ}
        return {'PYTHONPATH': str(ROOT), 'PYTHONWARNINGS': 'ignore', 'no_proxy': '*', **kept}

    def start(self) -> Checkout:
        # A second start appends to the same log.
        self._seen = self.told().count(self._says)
        super().start()
        return self

    def ready(self) -> bool:
        return self.told().count(self._says) >= self._seen + self._count

    def told(self) -> str:
        """The whole of its log."""
        return self.log.read_text(errors='replace') if self.log.exists() else ''

    def members(self) -> list[int]:
        """Process ids, the supervisor first; empty when it does not run."""
        return family(self.pid) if self.running else []


class SimulatedCloud(Checkout):
    """`python -m heat.simcloud`: it outlives whatever is killed beside it."""

    def __init__(self, directory: Path,
                 orchestration: str = 'http://127.0.0.1:8004/v1/$(project_id)s') -> None:
        self.port = free_port()
        self.url = f'http://{LOOPBACK}:{self.port}'
        super().__init__('simcloud', directory, [
            '-m', 'heat.simcloud', '--port', str(self.port), '--no-guests',
            '--orchestration-url', orchestration], self.url)

    def ready(self) -> bool:
        return listening(self.port)

    @property
    def identity(self) -> Identity:
        """The accounts with which it is seeded."""
        url = f'{self.url}/identity/v3'
        return Identity(url, Credentials(url, 'heat', 'heat', 'service'),
                        Credentials(url, 'heat_domain_admin', 'heat', user_domain='heat'),
                        Credentials(url, 'demo', 'demo', 'demo'))


class Heat:
    """heat-api and `engines` heat-engine daemons of `workers` processes each; heat-api-cfn if `cfn`.

    `options` are further lines of heat.conf by section.
    """

    def __init__(self, directory: Path, connection: str, transport_url: str, identity: Identity, *,
                 engines: int = 1, workers: int = 2, api_workers: int = 2,
                 options: Options | None = None, api_port: int = 0, cfn: bool = False) -> None:
        self.directory = directory
        self.identity = identity
        self.connection = connection
        self.port = api_port or free_port()
        self.url = f'http://{LOOPBACK}:{self.port}/v1'
        self.cfn_port = free_port()
        self.cfn_url = f'http://{LOOPBACK}:{self.cfn_port}/v1'
        self.conf = directory / 'heat.conf'
        self._lines = self._sections(connection, transport_url, workers, api_workers, options or {})
        words = ['--config-file', str(self.conf)]
        self.engines = [Checkout(f'heat-engine-{number}', directory / f'engine-{number}',
                                 [str(ROOT / 'bin' / 'heat-engine'), *words], ' serves.', workers)
                        for number in range(1, engines + 1)]
        self.api = Checkout('heat-api', directory / 'api', [str(ROOT / 'bin' / 'heat-api'), *words],
                            'is ready on')
        self.cfn = Checkout('heat-api-cfn', directory / 'cfn', [str(ROOT / 'bin' / 'heat-api-cfn'), *words],
                            'is ready on') if cfn else None

    def start(self) -> Heat:
        """Configuration, tables, daemons; RuntimeError with what was said."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.conf.touch(0o600)
        self.conf.write_text('\n'.join(
            f'[{name}]\n' + ''.join(f'{key} = {value}\n' for key, value in lines.items())
            for name, lines in self._lines.items()))
        self.manage('db_sync')
        try:
            for daemon in self.daemons():
                daemon.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Orderly, all of it."""
        for daemon in reversed(self.daemons()):
            daemon.stop()

    def daemons(self) -> list[Checkout]:
        return [*self.engines, self.api, *([self.cfn] if self.cfn else [])]

    def manage(self, *words: str) -> str:
        """`heat-manage` with these words; its output, or RuntimeError."""
        done = subprocess.run(
            [sys.executable, str(ROOT / 'bin' / 'heat-manage'), '--config-file', str(self.conf), *words],
            env={'PATH': os.environ['PATH'], 'PYTHONPATH': str(ROOT), 'PYTHONWARNINGS': 'ignore'},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=300)
        if done.returncode:
            raise RuntimeError(
                f'heat-manage {" ".join(words)} ended with {done.returncode}: {done.stdout[-4000:]}')
        return done.stdout

    def logs(self, size: int = 6000) -> str:
        """The end of everything that was logged, without the lines of single requests."""
        parts = []
        for daemon in self.daemons():
            lines = [line for line in daemon.told().splitlines() if not re.search(r'"(GET|HEAD) /', line)]
            parts.append(f'--- {daemon.name}\n' + '\n'.join(lines)[-size:])
        return '\n'.join(parts)

    def _sections(self, connection: str, transport_url: str, workers: int, api_workers: int,
                  options: Options) -> dict[str, dict[str, object]]:
        who, etc = self.identity, ROOT / 'etc' / 'heat'
        account: dict[str, object] = {
            'auth_type': 'password', 'auth_url': who.auth_url, 'username': who.heat.username,
            'password': who.heat.password, 'user_domain_name': 'Default'}
        lines: dict[str, dict[str, object]] = {
            'DEFAULT': {
                'auth_encryption_key': os.urandom(16).hex(), 'num_engine_workers': workers,
                'environment_dir': etc / 'environment.d', 'template_dir': etc / 'templates',
                'transport_url': transport_url,
                'stack_user_domain_name': who.domain_admin.user_domain,
                'stack_domain_admin': who.domain_admin.username,
                'stack_domain_admin_password': who.domain_admin.password},
            'database': {'connection': connection},
            'heat_api': {'bind_host': LOOPBACK, 'bind_port': self.port, 'workers': api_workers},
            'heat_api_cfn': {'bind_host': LOOPBACK, 'bind_port': self.cfn_port, 'workers': api_workers},
            'paste_deploy': {'api_paste_config': etc / 'api-paste.ini'},
            'keystone_authtoken': {**account, 'www_authenticate_uri': who.auth_url,
                                   'project_name': who.heat.project, 'project_domain_name': 'Default'},
            'clients_heat': {'url': f'{self.url}/%(tenant_id)s'},
            'trustee': account}
        for section, more in options.items():
            lines.setdefault(section, {}).update(more)
        return lines
