"""Heat as an operator deploys it: installed programs, a heat.conf, daemons of their own.

Purpose: install.sh, heat-db-setup, heat-keystone-setup and its domain script make everything; then
heat-api, heat-api-cfn, heat-api-cloudwatch and one heat-engine per "host" run as processes.
Invariant: the usual ports, on a loopback address of its own, so that the catalogue which the scripts
make is right as it is. Neighbours: tests/servers has the servers, tests/functional/flows.py the users.
"""
from __future__ import annotations

import os
import random
import re
import socket
import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tests.functional.flows import Place
from tests.servers.daemon import Daemon, Unavailable, family
from tests.servers.keystone import Credentials, Keystone
from tests.servers.mariadb import MariaDB
from tests.servers.postgresql import PostgreSQL
from tests.servers.rabbitmq import RabbitMQ

ROOT = Path(__file__).resolve().parents[2]
PORTS = {'heat-api': 8004, 'heat-api-cfn': 8000, 'heat-api-cloudwatch': 8003}


def free_address() -> str:
    """A loopback address on which the services' usual ports are free; Unavailable if there is none."""
    for _ in range(50):
        address = f'127.{random.randint(2, 250)}.{random.randint(1, 250)}.{random.randint(2, 250)}'
        try:
            for port in PORTS.values():
                with socket.socket() as probe:
                    probe.bind((address, port))
        except OSError:
            continue
        return address
    raise Unavailable(f'no loopback address with free ports {", ".join(map(str, PORTS.values()))}')


class Program(Daemon):
    """One of the installed heat-*; `says` stands in its log `count` times once it serves."""

    stop_seconds = 90.0

    def __init__(self, prefix: Path, name: str, directory: Path, confs: Sequence[Path], log: Path,
                 says: str, count: int = 1) -> None:
        self.name = name
        super().__init__(directory)
        self._prefix, self._confs, self._own_log = prefix, confs, log
        self._says, self._count = says, count
        self._seen = 0

    def command(self) -> list[str]:
        words = [str(self._prefix / 'bin' / self.name)]
        for conf in self._confs:
            words += ['--config-file', str(conf)]
        return [*words, '--log-file', self._own_log.name]

    def environment(self) -> Mapping[str, str]:
        return {'PYTHONWARNINGS': 'ignore', 'no_proxy': '*'}

    def start(self) -> Program:
        # A second start appends to the same log.
        self._seen = self.told().count(self._says)
        super().start()
        return self

    def ready(self) -> bool:
        return self.told().count(self._says) >= self._seen + self._count

    def told(self) -> str:
        """The whole of its log."""
        return self._own_log.read_text(errors='replace') if self._own_log.exists() else ''

    def log_tail(self, size: int = 4000) -> str:
        return super().log_tail(size) + self.told()[-size:]

    def workers(self) -> list[int]:
        """Process ids of its workers."""
        return family(self.pid)[1:]


class Deployment:
    """A whole Heat; `options` are lines for sections of heat.conf beside what the set-up needs."""

    def __init__(self, directory: Path, broker: RabbitMQ, database: MariaDB | PostgreSQL,
                 keystone: Keystone, hosts: Sequence[str] = ('a', 'b'), workers: int = 2,
                 options: Mapping[str, Mapping[str, object]] | None = None) -> None:
        self.directory, self.broker, self.database, self.keystone = directory, broker, database, keystone
        self.options = options or {}
        self.workers = workers
        self.prefix = directory / 'prefix'
        self.root = directory / 'root'
        self.conf = self.root / 'etc' / 'heat' / 'heat.conf'
        self.logs_at = self.root / 'var' / 'log' / 'heat'
        self.hosts = list(hosts)
        self.engines: dict[str, Program] = {}
        self.fronts: dict[str, Program] = {}
        self.address = ''
        self.secrets: set[str] = set()
        self.demo = keystone.demo

    # -- life ------------------------------------------------------------------------------------

    def start(self) -> Deployment:
        """Install, set up, start; Unavailable or RuntimeError with what was said."""
        self.address = free_address()
        self.directory.mkdir(parents=True)
        self._install()
        self._set_up_keystone()
        self._configure()
        self._set_up_database()
        self._remember_secrets()
        for name in self.hosts:
            own = self.conf.with_name(f'host-{name}.conf')
            own.write_text(f'[DEFAULT]\nhost = {name}\nnum_engine_workers = {self.workers}\n')
            self.engines[name] = Program(
                self.prefix, 'heat-engine', self.directory / f'engine-{name}', (self.conf, own),
                self.logs_at / f'heat-engine-{name}.log', ' serves.', self.workers)
        for name in PORTS:
            self.fronts[name] = Program(self.prefix, name, self.directory / name, (self.conf,),
                                        self.logs_at / f'{name}.log', f'{name} is ready on')
        try:
            for program in self.programs():
                program.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Orderly, all of it."""
        for program in reversed(self.programs()):
            program.stop()

    def programs(self) -> list[Program]:
        return [*self.engines.values(), *self.fronts.values()]

    def logs(self, size: int = 20_000) -> str:
        """The end of everything that was logged, for a test that fails."""
        return ''.join(f'--- {one.directory.name}\n{one.log_tail(size)}\n' for one in self.programs())

    def whole_logs(self) -> dict[str, str]:
        """Name -> all that a program wrote, to its log and to its terminal."""
        return {one.directory.name: one.log.read_text(errors='replace') + one.told()
                for one in self.programs()}

    def place(self) -> Place:
        """How its users see it."""
        return Place(self.demo, self._neighbour(), lambda: self.logs(4000))

    def get(self, service: str, path: str) -> tuple[int, str]:
        """(status, body) of a plain GET without credentials from a front-end."""
        url = f'http://{self.address}:{PORTS[service]}{path}'
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    # -- set-up ----------------------------------------------------------------------------------

    def run(self, *words: str | Path, **variables: str) -> str:
        """A program with the environment of an operator; its output, or RuntimeError."""
        base = {key: value for key, value in os.environ.items()
                if not key.startswith(('OS_', 'SERVICE_', 'HEAT_', 'DEVCLOUD_'))
                and 'proxy' not in key.lower()}
        base |= {'PATH': f'{Path(sys.executable).parent}:{base["PATH"]}', 'PYTHONPATH': '',
                 'PYTHONWARNINGS': 'ignore'}
        done = subprocess.run([str(word) for word in words], env={**base, **variables}, text=True,
                              cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=300)
        if done.returncode:
            raise RuntimeError(f'{words[0]} ended with {done.returncode}: {done.stdout[-4000:]}')
        return done.stdout

    def _install(self) -> None:
        # It finds pip and all requirements where the tests have theirs, so that nothing is fetched.
        self.run(sys.executable, '-m', 'venv', '--without-pip', self.prefix)
        site = next(self.prefix.glob('lib/python3*/site-packages'))
        (site / 'requirements.pth').write_text(sysconfig.get_path('purelib') + '\n')
        self.run(ROOT / 'install.sh', PREFIX=str(self.prefix), CONF_PREFIX=str(self.root),
                 HEAT_HOST=self.address, PIP_NO_INDEX='1', PIP_NO_BUILD_ISOLATION='0')

    def _set_up_keystone(self) -> None:
        place = self.keystone.admin.environment()
        self.service_password = uuid.uuid4().hex
        self.run(self.prefix / 'bin' / 'heat-keystone-setup', SERVICE_PASSWORD=self.service_password,
                 SERVICE_HOST=self.address, **place)
        said = self.run(self.prefix / 'bin' / 'heat-keystone-setup-domain',
                        '--stack-domain-admin-password', uuid.uuid4().hex, **place)
        self._domain = dict(re.findall(r'^(stack_\w+) = (.+)$', said, re.MULTILINE))

    def _neighbour(self) -> Credentials:
        """A plain user of another project, made once for each Keystone."""
        api = self.keystone.api()
        name, password = 'neighbour', uuid.uuid4().hex
        found = api.get('/users', params={'name': name}).json()['users']
        if found:
            api.patch(f'/users/{found[0]["id"]}', json={'user': {'password': password}})
        else:
            project = api.post('/projects', json={'project': {'name': name}}).json()['project']['id']
            made = api.post('/users', json={'user': {'name': name, 'password': password}}).json()
            user = made['user']['id']
            role = api.get('/roles', params={'name': 'member'}).json()['roles'][0]['id']
            api.put(f'/projects/{project}/users/{user}/roles/{role}')
        self.secrets.add(password)
        return Credentials(self.keystone.auth_url, name, password, name)

    def _configure(self) -> None:
        account = {'auth_type': 'password', 'auth_url': self.keystone.auth_url, 'username': 'heat',
                   'password': self.service_password, 'user_domain_name': 'Default'}
        sections: dict[str, dict[str, object]] = {
            'DEFAULT': {'transport_url': self.broker.vhost(), 'debug': 'true', **self._domain},
            'keystone_authtoken': {**account, 'www_authenticate_uri': self.keystone.auth_url,
                                   'project_name': 'service', 'project_domain_name': 'Default'},
            'trustee': dict(account),
            'paste_deploy': {'api_paste_config': self.conf.with_name('api-paste.ini')}}
        for name in PORTS:
            sections[name.replace('-', '_')] = {'bind_host': self.address}
        # Where CONF_PREFIX led the installer away from /etc/heat.
        sections['DEFAULT'] |= {'environment_dir': self.conf.with_name('environment.d'),
                                'template_dir': self.conf.with_name('templates')}
        for name, lines in self.options.items():
            sections.setdefault(name, {}).update(lines)
        text = self.conf.read_text()
        for name, lines in sections.items():
            body = f'[{name}]\n' + ''.join(f'{key} = {value}\n' for key, value in lines.items())
            text = text.replace(f'[{name}]\n', body) if f'[{name}]\n' in text else f'{text}\n{body}'
        self.conf.write_text(text)

    def _set_up_database(self) -> None:
        name = 't' + uuid.uuid4().hex[:12]
        if isinstance(self.database, MariaDB):
            self.run(self.prefix / 'bin' / 'heat-db-setup', 'deb', '--yes', HEAT_CONF=str(self.conf),
                     HEAT_DB_HOST='127.0.0.1', HEAT_DB_PORT=str(self.database.port), HEAT_DB_NAME=name,
                     HEAT_DB_ADMIN=self.database.username, HEAT_DB_ADMIN_PASSWORD=self.database.password,
                     HEAT_DB_USER=name, HEAT_DB_PASSWORD=uuid.uuid4().hex)
        else:
            # heat-db-setup is for MariaDB and MySQL: here the operator writes the line.
            line = f'[database]\nconnection = {self.database.database(name)}\n'
            self.conf.write_text(self.conf.read_text().replace('[database]\n', line))
        # A second time finds nothing to do.
        self.manage('db_sync')

    def manage(self, *words: str) -> str:
        """`heat-manage` with these words; its output."""
        return self.run(self.prefix / 'bin' / 'heat-manage', '--config-file', self.conf, *words)

    def _remember_secrets(self) -> None:
        text = self.conf.read_text()
        for url in re.findall(r'^(?:connection|transport_url) = (\S+)$', text, re.MULTILINE):
            self.secrets.add(urlsplit(url).password or '')
        self.secrets |= set(re.findall(r'^auth_encryption_key = (\S+)$', text, re.MULTILINE))
        self.secrets |= {self.service_password, self._domain['stack_domain_admin_password'],
                         self.demo.password, self.keystone.admin.password}
