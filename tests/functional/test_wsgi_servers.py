"""``heat.wsgi.api:application`` under web servers: gunicorn and uwsgi with threads, an engine over a broker.

The configuration is found as operators' servers find it, in the home directory of the account.
"""
from __future__ import annotations

import http.client
import json
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from heat.cmd import own_conf
from heat.simcloud.server import Settings, SimCloud
from tests.conftest import serving
from tests.servers.daemon import Daemon, Unavailable, free_port, listening, program
from tests.servers.keystone import Credentials
from tests.servers.rabbitmq import RabbitMQ

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
TEMPLATE = {'heat_template_version': '2021-04-16', 'resources': {
    'a': {'type': 'OS::Heat::TestResource', 'properties': {'value': 'x'}}}}


class Process(Daemon):
    """A program with the configuration in ``home``, ready when ``port`` listens or ``says`` was said."""

    def __init__(self, directory: Path, home: Path, words: list[str], port: int = 0, says: str = '') -> None:
        self.name = directory.name
        super().__init__(directory)
        self._home, self._words, self._port, self._says = home, words, port, says

    def command(self) -> list[str]:
        return self._words

    def environment(self) -> Mapping[str, str]:
        return {'HOME': str(self._home), 'PYTHONPATH': str(ROOT), 'PYTHONWARNINGS': 'ignore', 'no_proxy': '*'}

    def ready(self) -> bool:
        return listening(self._port) if self._port else self._says in self.log_tail(100_000)


class Site:
    """An address, and a user of it."""

    def __init__(self, port: int, user: Credentials) -> None:
        self._port = port
        self.session = user.session()
        self.project = self.session.get_project_id()

    def ask(self, method: str, path: str, body: Any = None, token: bool = True,
            **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection('127.0.0.1', self._port, timeout=60)
        sent = {name.replace('_', '-'): value for name, value in headers.items()}
        if token:
            sent['X-Auth-Token'] = str(self.session.get_token())
        if body is not None:
            sent['Content-Type'] = 'application/json'
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        return connection.getresponse()

    def json(self, method: str, path: str, body: Any = None, status: int = 200, **how: Any) -> Any:
        got = self.ask(method, path, body, **how)
        text = got.read()
        assert got.status == status, text
        return json.loads(text)


@dataclass(frozen=True, slots=True)
class Ground:
    """An engine and what it needs; web servers listen on ``port`` one after the other."""

    home: Path
    port: int
    cloud: SimCloud


@pytest.fixture(scope='module')
def ground(servers_directory: Path, rabbitmq: RabbitMQ) -> Iterator[Ground]:
    home = servers_directory / 'wsgi'
    (home / '.heat' / 'heat.conf.d').mkdir(parents=True)
    home.chmod(0o755)
    port = free_port()
    with ExitStack() as stack:
        cloud = SimCloud(settings=Settings(orchestration_url=f'http://127.0.0.1:{port}/v1/$(project_id)s'))
        cloud.start()
        stack.callback(cloud.stop)
        address = f'http://127.0.0.1:{port}'
        own_conf.write(home / '.heat' / 'heat.conf', own_conf.Addresses(
            api=address, api_cfn=address, api_cloudwatch=address, cloud=cloud.base_url))
        (home / '.heat' / 'heat.conf.d' / 'bus.conf').write_text(
            f'[DEFAULT]\ntransport_url = {rabbitmq.vhost()}\nnum_engine_workers = 1\n[bus]\nmode = rabbit\n')
        subprocess.run([sys.executable, '-m', 'heat.cmd.manage', 'db_sync'], check=True, cwd=ROOT, env={
            'HOME': str(home), 'PYTHONPATH': str(ROOT), 'PATH': '/usr/bin:/bin'})
        stack.enter_context(serving(Process(
            home / 'engine', home, [sys.executable, '-m', 'heat.cmd.engine'], says=' is ready as engine ')))
        yield Ground(home, port, cloud)


def gunicorn(address: str) -> list[str]:
    return [str(BIN / 'gunicorn'), '--bind', address, '--workers', '2', '--threads', '8',
            'heat.wsgi.api:application']


def uwsgi(address: str) -> list[str]:
    """Debian's, with Debian's Python: of that release's minor version our packages are, and no more.

    So it is told where they are and not of the virtual environment, whose standard library is of the
    Python that made it.
    """
    plugin = f'python3{sys.version_info.minor}'
    if not Path(f'/usr/lib/uwsgi/plugins/{plugin}_plugin.so').exists():
        raise Unavailable(f'uwsgi has no plugin for Python 3.{sys.version_info.minor}')
    return [program('uwsgi-core', 'uwsgi'), '--plugin', plugin, '--http-socket', address, '--no-site',
            '--pythonpath', sysconfig.get_path('purelib'), '--module', 'heat.wsgi.api:application',
            '--master', '--processes', '2', '--threads', '8', '--need-app', '--die-on-term']


class Front(Process):
    """A web server; Unavailable when it is not there."""

    def __init__(self, ground: Ground, words: Callable[[str], list[str]]) -> None:
        super().__init__(ground.home / words.__name__, ground.home, [], port=ground.port)
        self._of = words

    def command(self) -> list[str]:
        return self._of(f'127.0.0.1:{self._port}')


@pytest.fixture(scope='module', params=[gunicorn, uwsgi], ids=lambda words: words.__name__)
def site(ground: Ground, request: pytest.FixtureRequest) -> Iterator[Site]:
    with serving(Front(ground, request.param)):
        yield Site(ground.port, Credentials(ground.cloud.auth_url, 'demo', 'demo', 'demo'))


def test_what_needs_no_token(site: Site) -> None:
    assert site.json('GET', '/', status=300, token=False)['versions'][0]['id'] == 'v1.0'
    assert site.json('GET', '/v1/openapi.json', token=False)['openapi'] == '3.1.0'
    assert site.json('GET', '/healthcheck/live', token=False) == {'status': 'alive'}
    assert site.json('GET', '/healthcheck/ready', token=False) == {
        'status': 'ready', 'engine': 'ok', 'database': 'ok'}
    refused = site.ask('GET', f'/v1/{site.project}/stacks', token=False)
    assert (refused.status, refused.headers['WWW-Authenticate'][:8]) == (401, 'Keystone')


def test_a_life_and_its_stream(site: Site) -> None:
    stacks = f'/v1/{site.project}/stacks'
    made = site.json('POST', stacks, {'stack_name': 'web', 'template': TEMPLATE}, status=201)
    path = f'{stacks}/web/{made["stack"]["id"]}'
    stream = site.ask('GET', f'{path}/events', Accept='text/event-stream')
    assert stream.headers['Content-Type'] == 'text/event-stream; charset=utf-8'
    told: list[tuple[str, str]] = []
    while ('web', 'CREATE_COMPLETE') not in told:
        line = stream.readline().decode()
        assert line, told
        if line.startswith('data: '):
            event = json.loads(line[6:])
            told.append((event['resource_name'], event['resource_status']))
    stream.close()
    assert told == [('web', 'CREATE_IN_PROGRESS'), ('a', 'CREATE_IN_PROGRESS'), ('a', 'CREATE_COMPLETE'),
                    ('web', 'CREATE_COMPLETE')]
    assert site.json('GET', f'{path}?with_progress=true')['stack']['progress']['done'] == 1
    found = site.ask('GET', f'{stacks}/web')
    assert (found.status, found.headers['Location']) == (302, f'http://127.0.0.1:{site._port}{path}')
    assert site.ask('DELETE', path, If_Match='"9"').status == 412
    assert site.ask('DELETE', path, If_Match='"1"').status == 204


def test_what_is_wrong_is_a_fault_here_too(site: Site) -> None:
    got = site.json('POST', f'/v1/{site.project}/stacks', {'template': TEMPLATE}, status=400)
    assert got['error']['message'] == 'No stack name specified'
    assert site.ask('PUT', f'/v1/{site.project}/stacks', {}).status == 405
    assert site.ask('GET', f'/v1/{site.project}/nothing').status == 404
