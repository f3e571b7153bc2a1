"""Heat as an operator runs it: its APIs and heat-engine as daemons of their own beside an OpenStack.

Set up by bin/heat-db-setup and bin/heat-keystone-setup over the cloud's own MariaDB, RabbitMQ and
Keystone; found by clients through the catalogue. Invariant: nothing here is known to the service
otherwise than by heat.conf. Neighbours: tests/servers, which has the cloud and starts processes.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from keystoneauth1 import adapter

from tests.servers import commands
from tests.servers.daemon import LOOPBACK, SLOWER, Daemon, free_port
from tests.servers.devcloud import Devcloud
from tests.servers.keystone import Credentials, identity

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
ENGINES = 2


class _Program(Daemon):
    """One of bin/heat-*, with its configuration; ready once its log says so."""

    def __init__(self, name: str, directory: Path, conf: Path, ready: str, count: int = 1) -> None:
        self.name = name
        super().__init__(directory)
        self._conf, self._says, self._count = conf, ready, count
        self._before = 0

    def command(self) -> list[str]:
        return [sys.executable, str(ROOT / 'bin' / self.name), '--config-file', str(self._conf)]

    def environment(self) -> Mapping[str, str]:
        return {'PYTHONPATH': str(ROOT), 'PYTHONWARNINGS': 'ignore'}

    def start(self) -> Self:
        self._before = self._said()
        return super().start()

    def ready(self) -> bool:
        return self._said() - self._before >= self._count

    def _said(self) -> int:
        return self.log_tail(1_000_000).count(self._says)


class Heat:
    """The service, its client for a user, and its logs."""

    def __init__(self, cloud: Devcloud, directory: Path) -> None:
        self.cloud, self.directory = cloud, directory
        self.port, self.cfn_port = free_port(), free_port()
        self.conf = directory / 'heat.conf'
        self.url = f'http://{LOOPBACK}:{self.port}/v1'
        self.cfn_url = f'http://{LOOPBACK}:{self.cfn_port}/v1'
        self.engine = _Program('heat-engine', directory / 'engine', self.conf, 'serves.', ENGINES)
        self.api = _Program('heat-api', directory / 'api', self.conf, 'is ready')
        self.cfn = _Program('heat-api-cfn', directory / 'cfn', self.conf, 'is ready')

    def start(self) -> Heat:
        """Database, catalogue, configuration, then the daemons; RuntimeError with what was said."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._configure()
        place = self.cloud.environment
        self._set_up(ROOT / 'bin' / 'heat-db-setup', 'deb', '--yes', HEAT_CONF=str(self.conf),
                     HEAT_DB_SOCKET=place['DEVCLOUD_MYSQL_SOCKET'])
        self._set_up(ROOT / 'bin' / 'heat-keystone-setup', SERVICE_HOST=LOOPBACK,
                     **self.cloud.admin.environment())
        self._name_the_ports()
        try:
            self.engine.start()
            self.api.start()
            self.cfn.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        self.cfn.stop()
        self.api.stop()
        self.engine.stop()

    @contextmanager
    def told(self, **options: Any) -> Iterator[None]:
        """Engines with these options of [DEFAULT] besides, and at the end as they were."""
        before = self.conf.read_text()
        more = ''.join(f'{key} = {value}\n' for key, value in options.items())
        try:
            self._restart(before.replace('[DEFAULT]\n', f'[DEFAULT]\n{more}', 1))
            yield
        finally:
            self._restart(before)

    def _restart(self, configuration: str) -> None:
        self.engine.stop()
        self.conf.write_text(configuration)
        self.engine.start()

    def logs(self) -> str:
        """What the daemons said, without the everyday lines."""
        return ''.join(f'--- {daemon.name}\n{daemon.log_tail(200_000)}'
                       for daemon in (self.api, self.cfn, self.engine))

    def _configure(self) -> None:
        cloud, etc = self.cloud, ROOT / 'etc' / 'heat'
        account = {'auth_type': 'password', 'auth_url': cloud.auth_url, 'username': cloud.heat.username,
                   'password': cloud.heat.password, 'user_domain_name': 'Default'}
        sections: dict[str, dict[str, Any]] = {
            'DEFAULT': {
                'auth_encryption_key': os.urandom(16).hex(), 'num_engine_workers': ENGINES,
                'environment_dir': etc / 'environment.d', 'template_dir': etc / 'templates',
                'heat_metadata_server_url': self.cfn_url.removesuffix('/v1'),
                'transport_url': f'rabbit://devcloud:{cloud.heat.password}@{LOOPBACK}:'
                                 f'{cloud.environment["DEVCLOUD_RABBIT_PORT"]}/devcloud',
                'stack_user_domain_name': cloud.domain_admin.user_domain,
                'stack_domain_admin': cloud.domain_admin.username,
                'stack_domain_admin_password': cloud.domain_admin.password,
                'enable_stack_abandon': True, 'enable_stack_adopt': True},
            'heat_api': {'bind_host': LOOPBACK, 'bind_port': self.port},
            'heat_api_cfn': {'bind_host': LOOPBACK, 'bind_port': self.cfn_port},
            'paste_deploy': {'api_paste_config': etc / 'api-paste.ini'},
            'keystone_authtoken': {**account, 'www_authenticate_uri': cloud.auth_url,
                                   'project_name': cloud.heat.project, 'project_domain_name': 'Default'},
            'trustee': account,
            # Keystone confirms signatures to services only.
            'ec2authtoken': {**account, 'project_name': cloud.heat.project,
                             'project_domain_name': 'Default'}}
        self.conf.touch(0o600)
        self.conf.write_text('\n'.join(
            f'[{name}]\n' + ''.join(f'{key} = {value}\n' for key, value in options.items())
            for name, options in sections.items()))

    def _set_up(self, *words: str | Path, **variables: str) -> None:
        done = subprocess.run([str(word) for word in words], env=environment(**variables), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=300 * SLOWER)
        if done.returncode:
            raise RuntimeError(f'{words[0]}: {done.stdout[-4000:]}')

    def _name_the_ports(self) -> None:
        """The catalogue's usual ports may be somebody else's here."""
        api = identity(self.cloud.admin.session(), self.cloud.auth_url)
        for kind, url in (('orchestration', f'{self.url}/%(tenant_id)s'), ('cloudformation', self.cfn_url)):
            service, = api.get('/services', params={'type': kind}).json()['services']
            for one in api.get('/endpoints', params={'service_id': service['id']}).json()['endpoints']:
                api.patch(f'/endpoints/{one["id"]}', json={'endpoint': {'url': url}})


def environment(**variables: str) -> dict[str, str]:
    """The environment of a program: that of the tests without any cloud's variables, and these."""
    base = {key: value for key, value in os.environ.items()
            if not key.startswith(('OS_', 'SERVICE_', 'HEAT_', 'DEVCLOUD_'))}
    return {**base, 'PATH': f'{BIN}:{base["PATH"]}', 'PYTHONPATH': str(ROOT), 'PYTHONWARNINGS': 'ignore',
            **variables}


class Refused(Exception):
    """A command failed; the text is what it told the user."""


class User:
    """The plain user of the cloud or another, with the `openstack` command and with tokens for the APIs."""

    def __init__(self, heat: Heat, credentials: Credentials | None = None) -> None:
        self.heat = heat
        credentials = credentials or heat.cloud.demo
        self.session = credentials.session()
        self._environment = environment(**credentials.environment())

    def openstack(self, *words: str | Path, seconds: float = 120) -> Any:
        """The command's answer, parsed when `-f json` was asked for; Refused when it failed."""
        done = commands.openstack(self._environment, words, seconds)
        if done.code:
            raise Refused(done.err or done.out)
        return json.loads(done.out) if 'json' in words else done.out

    def api(self, service: str, microversion: str | None = None) -> adapter.Adapter:
        """A service's API by its type, the newest form of compute and volumes unless told otherwise."""
        return service_api(self.session, service, microversion)


NEWEST = {'compute': '2.79', 'block-storage': '3.59'}


def service_api(session: Any, service: str, microversion: str | None = None) -> adapter.Adapter:
    """A service's API over a session, such as `service_api(session, 'network').get('/v2.0/ports')`."""
    return adapter.Adapter(session, service_type=service, region_name='RegionOne',
                           default_microversion=microversion or NEWEST.get(service))
