"""A real Keystone (Debian's packages) on a MariaDB of its own, with what a Heat needs in it.

Projects admin, demo and service; users admin, demo and heat (roles admin and service in project
service); roles heat_stack_owner and heat_stack_user; domain heat with heat_domain_admin. Fernet
tokens, of `token_life` seconds. `bare=True` leaves out all that is Heat's, `trusts=False` has trusts
refused to everybody, as some releases refuse them to signed requests. (Not SQLite: a request of
Keystone's writes through two connections, and under load one finds the other's lock.)
"""
from __future__ import annotations

import base64
import http.client
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keystoneauth1 import adapter, session
from keystoneauth1.identity import v3

from tests.servers.daemon import LOOPBACK, Daemon, Unavailable, account, free_port, program
from tests.servers.mariadb import MariaDB

_PYTHON = '/usr/bin/python3'            # Debian's, which sees Debian's keystone
_SITE = '/usr/lib/python3/dist-packages'


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user of a Keystone, scoped to a project or (when `project` is empty) to its domain."""

    auth_url: str
    username: str
    password: str = field(repr=False)
    project: str = ''
    user_domain: str = 'Default'
    project_domain: str = 'Default'
    region: str = 'RegionOne'

    def session(self) -> session.Session:
        """A keystoneauth session of this user."""
        return session.Session(v3.Password(
            self.auth_url, username=self.username, password=self.password,
            user_domain_name=self.user_domain, domain_name=None if self.project else self.user_domain,
            project_name=self.project or None,
            project_domain_name=self.project_domain if self.project else None), timeout=60)

    def environment(self) -> dict[str, str]:
        """OS_* variables for command line clients."""
        scope = {'OS_DOMAIN_NAME': self.user_domain}
        if self.project:
            scope = {'OS_PROJECT_NAME': self.project, 'OS_PROJECT_DOMAIN_NAME': self.project_domain}
        return {'OS_AUTH_URL': self.auth_url, 'OS_AUTH_TYPE': 'password', 'OS_IDENTITY_API_VERSION': '3',
                'OS_USERNAME': self.username, 'OS_PASSWORD': self.password,
                'OS_USER_DOMAIN_NAME': self.user_domain, 'OS_REGION_NAME': self.region, **scope}


def identity(session_: session.Session, auth_url: str) -> adapter.Adapter:
    """Keystone's REST API as this session: paths such as '/users', JSON answers by `.json()`."""
    return adapter.Adapter(session_, endpoint_override=auth_url)


class Keystone(Daemon):
    """Keystone with its `auth_url` (ends in /v3) and the credentials of its first users."""

    name = 'keystone'

    def __init__(self, directory: Path, bare: bool = False, token_life: int = 86400,
                 trusts: bool = True) -> None:
        super().__init__(directory, account('keystone'))
        self.port = free_port()
        self.bare, self.token_life, self.trusts = bare, token_life, trusts
        # beside, not below: it runs as another user
        self.database = MariaDB(directory.with_name(directory.name + '-database'))
        self.auth_url = f'http://{LOOPBACK}:{self.port}/v3'
        self.admin = self._user('admin', 'admin')
        self.demo = self._user('demo', 'demo')
        self.heat = self._user('heat', 'service')
        self.domain_admin = Credentials(self.auth_url, 'heat_domain_admin', uuid.uuid4().hex,
                                        user_domain='heat')
        self._seeded = False

    def _user(self, name: str, project: str) -> Credentials:
        return Credentials(self.auth_url, name, uuid.uuid4().hex, project)

    def api(self, credentials: Credentials | None = None) -> adapter.Adapter:
        """The identity API as this user, the administrator when none is given."""
        return identity((credentials or self.admin).session(), self.auth_url)

    def project_id(self, name: str) -> str:
        """Id of a project of the Default domain by its name."""
        found = self.api().get('/projects', params={'name': name, 'domain_id': 'default'}).json()['projects']
        return str(found[0]['id'])

    def command(self) -> list[str]:
        uwsgi = program('/usr/bin/uwsgi-core', 'uwsgi-core')
        for package in ('keystone', 'pymysql'):
            if not os.path.isdir(f'{_SITE}/{package}'):
                raise Unavailable(f'python3-{package} is not installed')
        if not os.path.exists('/usr/lib/uwsgi/plugins/python3_plugin.so'):
            raise Unavailable('uwsgi-plugin-python3 is not installed')
        return [uwsgi, '--plugin', 'python3', '--http-socket', f'{LOOPBACK}:{self.port}',
                '--wsgi-file', program('/usr/bin/keystone-wsgi-public'), '--processes', '1', '--threads', '8',
                '--enable-threads', '--buffer-size', '65535', '--post-buffering', '65536', '--need-app',
                '--die-on-term', '--listen', '100', '--socket-timeout', '120', '--disable-logging',
                '--add-header', 'Connection: close', '--pyargv', f'--config-file {self._conf}']

    @property
    def _conf(self) -> Path:
        return self.directory / 'keystone.conf'

    @property
    def _policy(self) -> Path:
        return self.directory / 'policy.yaml'

    def make_trusts(self, wanted: bool) -> None:
        """From now on; Keystone sees that its policy has changed."""
        self._policy.write_text('{}\n' if wanted else '"identity:create_trust": "!"\n')
        self._own_file(self._policy)

    def prepare(self) -> None:
        keys = self.directory / 'keys'
        keys.mkdir()
        for number in '01':
            (keys / number).write_bytes(base64.urlsafe_b64encode(os.urandom(32)))
            self._own_file(keys / number)
        self._own_file(keys)
        keys.chmod(0o700)
        self.make_trusts(self.trusts)
        sections = {
            'DEFAULT': {'use_stderr': 'true'},
            'database': {'connection': self.database.database('keystone')},
            'token': {'provider': 'fernet', 'expiration': str(self.token_life)},
            'fernet_tokens': {'key_repository': str(keys)},
            # receipts keep an option of their own, whose default is under /etc
            'fernet_receipts': {'key_repository': str(keys)},
            # oslo_cache.dict hands out the very object that it keeps, and Keystone takes the secret out of it
            'credential': {'key_repository': str(keys), 'caching': 'false'},
            'cache': {'enabled': 'true', 'backend': 'oslo_cache.dict', 'expiration_time': '60'},
            'identity': {'password_hash_rounds': '4'},
            'oslo_policy': {'policy_file': str(self._policy), 'enforce_scope': 'false'}}
        self._conf.write_text('\n'.join(
            f'[{name}]\n' + ''.join(f'{key} = {value}\n' for key, value in options.items())
            for name, options in sections.items()))
        self._own_file(self._conf)
        self._manage('db_sync')
        self._manage('bootstrap', '--bootstrap-password', self.admin.password,
                     '--bootstrap-region-id', self.admin.region, '--bootstrap-public-url', self.auth_url,
                     '--bootstrap-internal-url', self.auth_url, '--bootstrap-admin-url', self.auth_url)

    def _manage(self, *words: str) -> None:
        self.run([_PYTHON, program('/usr/bin/keystone-manage'), '--config-file', str(self._conf), *words])

    def start(self) -> Keystone:
        self.command()
        self.database.start()
        try:
            super().start()
        except BaseException:
            self.database.stop()
            raise
        return self

    def stop(self) -> None:
        super().stop()
        self.database.stop()

    def restart(self) -> None:
        super().stop()
        self.start()

    def furnish(self) -> None:
        if not self._seeded:
            self._seed()
            self._seeded = True

    def ready(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=20)
        try:
            connection.request('GET', '/v3')
            return connection.getresponse().status == 200
        except http.client.HTTPException:
            return False
        finally:
            connection.close()

    def _seed(self) -> None:
        api = self.api()

        def make(kind: str, **attributes: Any) -> str:
            return str(api.post(f'/{kind}s', json={kind: attributes}).json()[kind]['id'])

        roles = {role['name']: role['id'] for role in api.get('/roles').json()['roles']}
        project = {name: make('project', name=name, domain_id='default') for name in ('service', 'demo')}
        if 'service' not in roles:
            roles['service'] = make('role', name='service')
        demo = make('user', name='demo', password=self.demo.password, domain_id='default')
        granted = {demo: ('demo', ['member'])}
        if not self.bare:
            for role in ('heat_stack_owner', 'heat_stack_user'):
                roles[role] = make('role', name=role)
            granted[demo][1].append('heat_stack_owner')
            heat = make('user', name='heat', password=self.heat.password, domain_id='default')
            granted[heat] = ('service', ['admin', 'service'])
            domain = make('domain', name=self.domain_admin.user_domain)
            boss = make('user', name=self.domain_admin.username, password=self.domain_admin.password,
                        domain_id=domain)
            api.put(f'/domains/{domain}/users/{boss}/roles/{roles["admin"]}')
        for user, (where, names) in granted.items():
            for role in names:
                api.put(f'/projects/{project[where]}/users/{user}/roles/{roles[role]}')
