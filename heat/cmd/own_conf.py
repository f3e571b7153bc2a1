"""The configuration that heat-all writes for itself: addresses, database, keys, the simulated cloud.

Purpose: a heat.conf that needs no set-up, in the state directory. Invariant: written
anew at each start, except for the key that protects what is in the database;
an operator's files are read after it and win. Neighbours: ``all`` calls; the
files beside the package are those of ``etc/heat``.
"""

from __future__ import annotations

import configparser
import os
import secrets
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import heat
from heat.common.config import ConfigError, misread
from heat.simcloud.server import Settings

HEADER = ('# Written by heat-all at each start; changes made here are lost. Put your own settings into\n'
          '# another file and name it with --config-file.\n')
SECTIONS = {'api': 'heat_api', 'api_cfn': 'heat_api_cfn', 'api_cloudwatch': 'heat_api_cloudwatch'}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Base URLs without a final slash; ``cloud`` is None without the simulated cloud."""

    api: str
    api_cfn: str
    api_cloudwatch: str
    cloud: str | None

    @property
    def orchestration(self) -> str:
        """The catalogue's entry, less the project's id."""
        return f'{self.api}/v1'

    @property
    def cloudformation(self) -> str:
        return f'{self.api_cfn}/v1'


def etc_directory() -> Path:
    """etc/heat of the checkout, of the virtual environment, or /etc/heat. Raises ConfigError."""
    places = [Path(heat.__file__).resolve().parent.parent, Path(sys.prefix), Path(sysconfig.get_path('data'))]
    for place in (*(one / 'etc' / 'heat' for one in places), Path('/etc/heat')):
        if (place / 'api-paste.ini').is_file():
            return place
    raise ConfigError('api-paste.ini was found neither beside the program nor in /etc/heat.')


def earlier(path: Path) -> configparser.RawConfigParser:
    """What the last start wrote; empty at the first. Raises ConfigError for what it did not."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(path)
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ConfigError(f'{path} cannot be read: {misread(error)}. The auth_encryption_key in it is that '
                          'of the database beside it.') from error
    return parser


def write(path: Path, addresses: Addresses) -> None:
    """(Re)write the file, mode 0600. Raises OSError."""
    key = earlier(path).get('DEFAULT', 'auth_encryption_key', fallback='') or secrets.token_hex(16)
    etc = etc_directory()
    wanted: dict[str, dict[str, str]] = {
        'DEFAULT': {
            'auth_encryption_key': key, 'environment_dir': str(etc / 'environment.d'),
            'template_dir': str(etc / 'templates')},
        'database': {'connection': f'sqlite:///{path.parent / "heat.db"}'},
        'bus': {'mode': 'direct'},
        'heat_all': {'enabled_services': 'engine,api,api_cfn,api_cloudwatch'},
        'paste_deploy': {'api_paste_config': str(etc / 'api-paste.ini')}}
    for service, section in SECTIONS.items():
        host, _, port = getattr(addresses, service).removeprefix('http://').rpartition(':')
        wanted[section] = {'bind_host': host.strip('[]'), 'bind_port': port}
    if addresses.cloud:
        _with_cloud(wanted, addresses, addresses.cloud)
    lines = [HEADER]
    for section, options in wanted.items():
        lines += [f'[{section}]', *(f'{name} = {value}' for name, value in options.items()), '']
    temporary = path.with_suffix('.new')
    with os.fdopen(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), 'w') as stream:
        stream.write('\n'.join(lines))
    temporary.replace(path)


def _with_cloud(wanted: dict[str, dict[str, str]], addresses: Addresses, cloud: str) -> None:
    # Servers of a real cloud could not reach loopback; those of the simulated one live on it.
    seeded = Settings()
    identity = f'{cloud}/identity'
    wanted['DEFAULT'] |= {
        'heat_metadata_server_url': addresses.api_cfn,
        'heat_waitcondition_server_url': f'{addresses.cloudformation}/waitcondition',
        'stack_user_domain_name': 'heat', 'stack_domain_admin': 'heat_domain_admin',
        'stack_domain_admin_password': seeded.domain_admin_password}
    wanted['keystone_authtoken'] = {
        'auth_type': 'password', 'auth_url': identity, 'www_authenticate_uri': identity, 'username': 'heat',
        'password': seeded.heat_password, 'user_domain_name': 'Default', 'project_name': 'service',
        'project_domain_name': 'Default'}
    wanted['clients_heat'] = {'url': f'{addresses.orchestration}/%(tenant_id)s'}
    wanted['ec2authtoken'] = {'auth_uri': f'{identity}/v3'}
