"""A whole OpenStack of one's own: tools/devcloud with private ports, databases, broker and state.

Invariant: it touches no other cloud of the machine; only the packages and schema dumps under
/var/lib/devcloud are shared. HEAT_TEST_CLOUD=DIR keeps it there between runs (CONTRIBUTING.rst).
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.servers.daemon import SLOWER, Unavailable, free_port
from tests.servers.keystone import Credentials

SCRIPT = Path(__file__).resolve().parents[2] / 'tools' / 'devcloud' / 'devcloud'
PORTS = {'keystone': 5000, 'nova': 8774, 'nova-metadata': 8775, 'cinder': 8776, 'placement': 8778,
         'glance': 9292, 'neutron': 9696, 'memcached': 11311, 'swift': 8080, 'swift-account': 6202,
         'swift-container': 6201, 'swift-object': 6200, 'zaqar': 8888, 'gnocchi': 8041, 'aodh': 8042,
         'barbican': 9311, 'designate': 9001, 'designate-mdns': 5354, 'octavia': 9876, 'magnum': 9511,
         'mistral': 8989, 'manila': 8786, 'ironic': 6385, 'trove': 8779,
         'blazar': 9234, 'prometheus': 9090, 'zun': 9517}
# What every run has, and what a machine of two cores can have at once when it is asked to (`all`).
GROUPS = ('core', 'swift', 'zaqar', 'barbican', 'gnocchi', 'aodh')
ALL = (*GROUPS, 'octavia', 'designate', 'manila', 'mistral', 'magnum', 'ironic',
       'vpnaas', 'sfc', 'taas', 'l2gw')


def wanted() -> tuple[str, ...]:
    """The groups of services that HEAT_TEST_CLOUD_GROUPS asks for."""
    named = os.environ.get('HEAT_TEST_CLOUD_GROUPS') or ','.join(GROUPS)
    return ALL if named == 'all' else tuple(named.split(','))


class Devcloud:
    """The services of `groups`, as tools/devcloud/README.md tells of them.

    `admin`, `demo` and `heat` (project service) are users; `domain_admin` rules the domain `heat`.
    """

    def __init__(self, directory: Path, groups: Sequence[str] = GROUPS, kept: bool = False) -> None:
        self.directory, self.groups, self._kept = directory, tuple(groups), kept
        self._offset, self._mysql, self._rabbit, self._dist = self._ports()
        self.auth_url = self.url('keystone') + '/v3'
        self.admin = Credentials(self.auth_url, 'admin', 'devcloud', 'admin')
        self.demo = Credentials(self.auth_url, 'demo', 'demo', 'demo')
        self.heat = Credentials(self.auth_url, 'heat', 'devcloud', 'service')
        self.domain_admin = Credentials(self.auth_url, 'heat_domain_admin', 'devcloud', user_domain='heat')

    def _ports(self) -> tuple[int, int, int, int]:
        """What is added to each service's port, and the ports of database, broker and its nodes."""
        note = self.directory.with_suffix('.ports')
        if self._kept and note.exists():
            offset, mysql, rabbit, dist = json.loads(note.read_text())
            return offset, mysql, rabbit, dist
        lowest = min(PORTS.values())
        offset = free_port(port - lowest for port in PORTS.values()) - lowest
        chosen = offset, free_port(), free_port(), free_port(apart=(0, 1))
        if self._kept:
            note.write_text(json.dumps(chosen))
        return chosen

    def url(self, service: str) -> str:
        """Root URL of a service by its name, such as 'nova'."""
        return f'http://127.0.0.1:{PORTS[service] + self._offset}'

    @property
    def environment(self) -> dict[str, str]:
        """The variables that tools/devcloud needs to mean this cloud."""
        return {'DEVCLOUD_HOME': str(self.directory), 'DEVCLOUD_PORT_OFFSET': str(self._offset),
                'DEVCLOUD_MYSQL_PORT': str(self._mysql),
                'DEVCLOUD_MYSQL_SOCKET': str(self.directory / 'socket' / 'mysqld.sock'),
                'DEVCLOUD_RABBIT_PORT': str(self._rabbit),
                'DEVCLOUD_RABBIT_DIST_PORT': str(self._dist),
                'DEVCLOUD_RABBIT_NODE': f'devcloud{self._rabbit}@localhost'}

    def run(self, *words: str, seconds: float = 900) -> str:
        """tools/devcloud with these words; its output, or RuntimeError."""
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith(('OS_', 'DEVCLOUD_')) or key == 'DEVCLOUD_LIB'}
        done = subprocess.run([str(SCRIPT), *words], env={**environment, **self.environment}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds * SLOWER)
        if done.returncode:
            raise RuntimeError(f'devcloud {" ".join(words)}: {done.stdout[-4000:]}')
        return done.stdout

    def start(self) -> Devcloud:
        """Bring it up (packages too, on a new machine); raises Unavailable without root or apt."""
        if os.geteuid():
            raise Unavailable('a whole OpenStack needs root')
        if not os.path.exists('/usr/bin/apt-get') or not os.path.exists('/usr/bin/python3'):
            raise Unavailable('a whole OpenStack needs Debian 12')
        if self._kept:
            self.directory.with_suffix('.env').write_text(''.join(
                f'export {name}={value}\n' for name, value in self.environment.items()))
        try:
            self.run('up', '--services', ','.join(self.groups))
        except RuntimeError:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop it and remove its state, unless it is kept; logs stay in `directory`.last-logs."""
        if self._kept:
            return
        try:
            self.run('down', '--wipe')
        except RuntimeError as error:
            print(error, file=sys.stderr)
            self.run('down')
