"""schemathesis against heat-all: what it makes of the API's own description must be answered as described.

Requests are those of its tables (each parameter at its limits and beyond) and some at random with a fixed
seed, ``HEAT_EXAMPLES`` for each operation. Two of its checks are left out: the recorded interface has no
Allow header in a 405, and lets a name lookup take any method.
"""
from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from heat.api.rest import openapi
from tests.functional.flows import Place
from tests.functional.test_heatclient import serving

CHECKS = ('not_a_server_error', 'status_code_conformance', 'content_type_conformance',
          'response_schema_conformance', 'response_headers_conformance')
KID = {'heat_template_version': '2021-04-16',
       'resources': {'inner': {'type': 'OS::Heat::TestResource', 'properties': {'value': 'v'}}}}
TEMPLATE = {'heat_template_version': '2021-04-16',
            'outputs': {'o': {'value': {'get_attr': ['r', 'output']}}},
            'resources': {'r': {'type': 'OS::Heat::TestResource', 'properties': {'value': 'v'}},
                          'kid': {'type': 'kid.yaml'}, 'h': {'type': 'OS::Heat::WaitConditionHandle'}}}
SMALL = {'heat_template_version': '2021-04-16', 'resources': {}}
OWN = '[DEFAULT]\nenable_stack_abandon = true\nenable_stack_adopt = true\n'


class Ground:
    """heat-all with one of everything, and the words by which schemathesis finds it."""

    def __init__(self, place: Place, directory: Path) -> None:
        self.directory = directory
        self.address = json.loads((directory / 'ready.json').read_text())['orchestration']
        session = place.user.session()
        self.token, project = str(session.get_token()), str(session.get_project_id())
        self._base = f'{self.address}/{project}'
        stack = self.ask('POST', '/stacks', {'stack_name': 'web', 'template': TEMPLATE, 'tags': 'a,b',
                                             'files': {'kid.yaml': json.dumps(KID)}})['stack']['id']
        own = f'/stacks/web/{stack}'
        place.until('web', 'CREATE_COMPLETE')
        snapshot = self.ask('POST', f'{own}/snapshots', {'name': 'one'})['id']
        place.until('web', 'SNAPSHOT_COMPLETE')
        event = self.ask('GET', f'{own}/resources/r/events')['events'][0]['id']
        config = self.ask('POST', '/software_configs', {
            'name': 'c', 'group': 'script', 'config': 'echo'})['software_config']['id']
        deployment = self.ask('POST', '/software_deployments', {
            'config_id': config, 'server_id': 'srv', 'action': 'CREATE',
            'status': 'IN_PROGRESS'})['software_deployment']['id']
        plan = self.ask('POST', '/plans', {'stack_name': 'planned', 'template': SMALL})['plan']['id']
        places = {
            'tenant_id': [project], 'stack_name': ['web'], 'stack_id': [stack], 'event_id': [event],
            'resource_name': ['r', 'kid', 'h', 'nothing'], 'snapshot_id': [snapshot, 'nothing'],
            'config_id': [config, 'nothing'], 'deployment_id': [deployment, 'nothing'],
            'plan_id': [plan, 'nothing'], 'server_id': ['srv'], 'output_key': ['o', 'nothing'],
            'type_name': ['OS::Heat::None', 'OS::Nova::Server', 'nothing'],
            'template_version': ['heat_template_version.2021-04-16', 'nothing']}
        (directory / 'places.toml').write_text('[parameters]\n' + ''.join(
            f'"path.{name}" = {json.dumps(values)}\n' for name, values in places.items()))

    def ask(self, method: str, path: str, body: object = None) -> dict:
        got = requests.request(method, self._base + path, json=body, timeout=60,
                               headers={'X-Auth-Token': self.token})
        assert got.ok, got.text
        return got.json()

    def examine(self, *words: str) -> str:
        """Its report; the test fails if it has found anything."""
        done = subprocess.run(
            [Path(sys.executable).parent / 'schemathesis', '--config-file', self.directory / 'places.toml',
             'run', f'{self.address}/openapi.json', '-H', f'X-Auth-Token: {self.token}', '--seed', '7',
             '-n', os.environ.get('HEAT_EXAMPLES', '3'), '--generation-database', 'none', '-c',
             ','.join(CHECKS), '--warnings', 'off', '--continue-on-failure', *words],
            cwd=self.directory, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, 'no_proxy': '*', 'COLUMNS': '150'})
        assert done.returncode == 0, done.stdout[-8000:]
        return done.stdout


@pytest.fixture(scope='module')
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    directory = tmp_path_factory.mktemp('described')
    own = directory / 'own.conf'
    own.write_text(OWN)
    with serving(directory, '--config-file', own) as place:
        yield Ground(place, directory)


def test_every_request_is_answered_as_described(ground: Ground) -> None:
    said = ground.examine('--exclude-method', 'DELETE')
    tested, made = re.search(r'Tested: (\d+)', said), re.search(r'(\d+) generated', said)
    assert tested and made, said
    methods = [method for path in openapi.document('')['paths'].values() for method in path]
    taking = methods.count('delete')
    assert int(tested[1]) == len(methods) - taking and int(made[1]) > 1000
    # What takes things away comes last.
    said = ground.examine('--include-method', 'DELETE')
    assert f'Tested: {taking}\n' in said
