"""What tools/conformance does once its virtual environment is there: a Heat, and others' tests of it.

Invariant: those tests are run as their packages have them. Neighbours: tests/functional starts heat-all.
"""
from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.functional.flows import Place
from tests.functional.test_heatclient import ROOT, serving
from tests.servers.keystone import Credentials
from tools.standin import Site

BAD = ('FAIL', 'ERROR')
PLUGIN = 'heat_tempest_plugin.tests'
CLIENT = 'heatclient.tests.functional'
# group -> packages; those of the plugin's scenarios log into servers, which the simulated cloud has none of.
GROUPS = {
    'api': [f'{PLUGIN}.api'],
    'functional': [f'{PLUGIN}.functional'],
    'client': [CLIENT, f'{CLIENT}.osc.v1'],
}
# The tests of Go's client: those that it brings, and ours, which make every call that it has.
GO = 'gophercloud'
GO_PATH = Path('/usr/share/gocode')
GO_PACKAGES = ('github.com/gophercloud/gophercloud/acceptance/openstack/orchestration/v1',
               './tools/gophercloud')
# Part of a test's name -> why it fails or what it lacks here.
KNOWN = {
    'ZaqarSignalTransportTest.': 'its notifying script heat-config-notify is in no package',
    'EncryptionVolTypeTest.': 'the simulated cloud has no types of volumes that are encrypted',
    'test_create_stack_with_multi_signal_waitcondition': 'the simulated guest cannot run its script',
    'RemoteStackTest.test_stack_create_bad_region': 'another region is asked for when the resource is made',
    'RemoteStackTest.test_stack_resource_validation_fail': 'the sentence tells the place in the template',
}
OWN = """
[DEFAULT]
enable_stack_abandon = true
enable_stack_adopt = true
hidden_stack_tags = hidden
[oslo_policy]
policy_file = {policy}
"""
POLICY = '"stacks:global_index": "role:admin"\n'
TEMPEST = """
[DEFAULT]
log_dir = {directory}
[oslo_concurrency]
lock_path = {directory}
[auth]
use_dynamic_credentials = false
[identity]
uri_v3 = {url}
auth_version = v3
[service_available]
heat = true
neutron = true
nova = true
cinder = true
[heat_plugin]
auth_url = {url}
username = demo
password = demo
project_name = demo
admin_username = admin
admin_password = admin
admin_project_name = admin
user_domain_name = Default
project_domain_name = Default
region = RegionOne
instance_type = m1.small
minimal_instance_type = m1.tiny
image_ref = cirros
minimal_image_ref = cirros
build_interval = 1
build_timeout = 120
hidden_stack_tag = hidden
"""
LINE = re.compile(r'^(?P<test>test\S*|\S+) \((?P<where>[^)]+)\)(?:\n.*?)? \.\.\. '
                  r"(?P<end>ok|FAIL|ERROR|skipped '(?P<why>.*)')$", re.MULTILINE)
GO_LINE = re.compile(r'^--- (?P<end>PASS|FAIL|SKIP): (?P<test>\S+)', re.MULTILINE)
GO_ENDS = {'PASS': 'ok', 'FAIL': 'FAIL', 'SKIP': 'skipped'}


@dataclass(frozen=True, slots=True)
class Group:
    """How the tests of a group ended: test -> ok, FAIL, ERROR or skipped and why."""

    name: str
    ends: dict[str, str]
    said: str

    def line(self) -> str:
        counts = Counter('known' if self.known(test) and end in BAD else end.split(' ')[0]
                         for test, end in self.ends.items())
        return f'{self.name:<12}' + ', '.join(f'{n} {end}' for end, n in sorted(counts.items()))

    @staticmethod
    def known(test: str) -> str:
        return next((why for part, why in KNOWN.items() if part in test), '')

    def bad(self) -> bool:
        """Whether anything failed that is not known to, or nothing was there at all."""
        return not self.ends or any(end in BAD and not self.known(test) for test, end in self.ends.items())


def network(user: Credentials) -> None:
    """The network on which the plugin's tests put ports and servers."""
    session = user.session()
    where: dict[str, Any] = {'endpoint_filter': {'service_type': 'network', 'interface': 'public'}}

    def made(kind: str, **row: Any) -> str:
        got = session.post(f'/v2.0/{kind}s', json={kind: row}, **where)
        return str(got.json()[kind]['id'])

    net = made('network', name='heat-net')
    made('subnet', name='heat-subnet', network_id=net, cidr='10.88.0.0/24', ip_version=4)


def run(name: str, place: Place, directory: Path, only: list[str], limit: int) -> Group:
    """The tests of a group, in the virtual environment whose Python this is told of."""
    python = Path(os.environ['CONFORMANCE_PYTHON'])
    # The client's package has what its tests read from there.
    site = Site('raw.githubusercontent.com', packages_of(python) / 'heatclient/tests/functional/templates',
                directory).start()
    config = directory / 'tempest.conf'
    config.write_text(TEMPEST.format(directory=directory, url=place.user.auth_url))
    environment = {
        **place.environment(), 'OS_TENANT_NAME': 'demo', **site.environment(),
        'PATH': f'{python.parent}:{os.environ["PATH"]}', 'PYTHONPATH': '', 'PYTHONWARNINGS': 'ignore',
        'TEMPEST_CONFIG_DIR': str(directory), 'TEMPEST_CONFIG': 'tempest.conf',
        'OS_HEATCLIENT_EXEC_DIR': str(python.parent)}
    words = ['-m', 'unittest', '-v', *(f'-k{each}' for each in only), *modules(python, GROUPS[name])]
    done = subprocess.run([python, *words], env=environment, cwd=directory, text=True, timeout=limit,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    ends = {f'{m["where"]}.{m["test"]}' if m['test'] not in m['where'] else m['where']: m['end']
            for m in LINE.finditer(done.stdout)}
    return Group(name, ends, done.stdout)


def run_go(place: Place, only: list[str], limit: int) -> Group:
    """The tests of Go's client, which Debian has as sources, so they are compiled here first."""
    environment = {
        **place.environment(), 'OS_DOMAIN_NAME': place.user.user_domain,
        'HEAT_NEIGHBOUR': place.neighbour.username, 'HEAT_NEIGHBOUR_PASSWORD': place.neighbour.password,
        'GO111MODULE': 'off', 'GOPATH': str(GO_PATH)}
    ends: dict[str, str] = {}
    said = []
    for package in GO_PACKAGES:
        words = ['go', 'test', '-v', '-count=1', '-tags=acceptance', f'-timeout={limit}s',
                 f'-run={"|".join(map(re.escape, only))}', package]
        done = subprocess.run(words, env=environment, cwd=ROOT, text=True, timeout=limit + 300,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        found = {f'{package}.{m["test"]}': GO_ENDS[m['end']] for m in GO_LINE.finditer(done.stdout)}
        if done.returncode and 'FAIL' not in found.values():
            found[package] = 'ERROR'
        ends |= found
        said.append(done.stdout)
    return Group(GO, ends, '\n'.join(said))


def modules(python: Path, packages: list[str]) -> list[str]:
    """The modules with tests that are in these packages."""
    return [f'{package}.{path.stem}' for package in packages
            for path in sorted((packages_of(python) / package.replace('.', '/')).glob('test_*.py'))]


def packages_of(python: Path) -> Path:
    return next(python.parent.parent.glob('lib/python*/site-packages'))


def main() -> int:
    parser = argparse.ArgumentParser(prog='tools/conformance', description="Others' tests, on our Heat.")
    parser.add_argument('group', nargs='*', choices=[*GROUPS, GO, []], help='all by default')
    parser.add_argument('-k', action='append', default=[], metavar='WORD',
                        help='only tests with it in the name')
    parser.add_argument('--verbose', action='store_true', help='all that the tests have said')
    parser.add_argument('--limit', type=int, default=3600, help='seconds for a group')
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory(prefix='heat-conformance-') as name:
        directory = Path(name)
        own = directory / 'own.conf'
        policy = directory / 'own-policy.yaml'
        policy.write_text(POLICY)
        own.write_text(OWN.format(policy=policy))
        with serving(directory, '--config-file', own) as place:
            network(place.user)
            for each in options.group or [*GROUPS, GO]:
                group = run_go(place, options.k, options.limit) if each == GO else run(
                    each, place, directory, options.k, options.limit)
                print(group.line(), flush=True)
                for test, end in sorted(group.ends.items()):
                    if end != 'ok':
                        print(f'  {end}: {test}' + (f' ({group.known(test)})' if end in BAD else ''))
                failed |= group.bad()
                if group.bad() or options.verbose:
                    print(group.said)
    return int(failed)


if __name__ == '__main__':
    sys.exit(main())
