"""Clusters and their templates on a real Magnum, which has this service make what a cluster is."""
from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.daemons import Heat, User
from tests.cloud.stack import Stack
from tests.servers.daemon import LOOPBACK, wait_until

TYPES = Path(__file__).parent / 'types'
TEMPLATE, CLUSTER = TYPES / 'magnum.yaml', TYPES / 'magnum_cluster.yaml'

pytestmark = [pytest.mark.groups('magnum'), pytest.mark.usefixtures('leaves_nothing')]


def test_templates_of_clusters(administrator: User) -> None:
    stack = Stack(administrator, 'types-magnum')
    magnum = administrator.api('container-infra')

    def kind() -> dict[str, Any]:
        found: dict[str, Any] = magnum.get(f'/clustertemplates/{stack.physical("kind")}').json()
        return found

    stack.create(TEMPLATE)
    stack.ends('CREATE_COMPLETE')
    made = kind()
    assert (made['name'], made['coe'], made['public']) == ('types-kind', 'kubernetes', False)
    assert (made['fixed_network'], made['fixed_subnet']) == (stack.physical('net'), stack.physical('subnet'))
    assert made['labels'] == {'of': 'types'} and made['docker_volume_size'] == 3
    assert stack.outputs()['kind']['uuid'] == made['uuid']
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    stack.update('--existing', public=True)
    stack.ends('UPDATE_COMPLETE')
    assert kind()['public'] is True and kind()['uuid'] == made['uuid']
    stack.update('--existing', flavor='m1.medium')
    stack.ends('UPDATE_COMPLETE')
    assert kind()['uuid'] != made['uuid']
    stack.delete()


# -- a cluster ---------------------------------------------------------------------------------------


@pytest.fixture
def delegating(heat: Heat) -> Iterator[None]:
    """Magnum makes a trust of its own from that of the stack, which an operator has to allow."""
    usual = heat.conf.read_text()
    for text in (usual.replace('[DEFAULT]', '[DEFAULT]\nallow_trusts_redelegation = true', 1), usual):
        heat.engine.stop()
        heat.conf.write_text(text)
        heat.engine.start()
        if text != usual:
            yield


class Discovery(http.server.BaseHTTPRequestHandler):
    """Where the members of a cluster find each other; Magnum asks only for how many it is."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.end_headers()
        self.wfile.write(json.dumps({'node': {'value': '1'}}).encode())

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def discovery() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer((LOOPBACK, 0), Discovery)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://{LOOPBACK}:{server.server_port}/token'
    server.shutdown()
    server.server_close()


class Agents:
    """What the agents in the servers of all clusters would say: everything went well."""

    def __init__(self, user: User) -> None:
        self._api = user.api('orchestration')
        self.deployed: list[str] = []

    def say(self) -> None:
        for stack in self._api.get('/stacks', params={'show_nested': 'true'}).json()['stacks']:
            path = f'/stacks/{stack["stack_name"]}/{stack["id"]}/resources'
            for one in self._api.get(path).json()['resources']:
                if (one['resource_type'] == 'OS::Heat::SoftwareDeployment'
                        and one['resource_status'].endswith('IN_PROGRESS')
                        # Before it has an id there is nothing that a server could have been told.
                        and one['physical_resource_id']
                        and one['physical_resource_id'] not in self.deployed):
                    self._api.post(f'{path}/{one["resource_name"]}/signal', json={'deploy_status_code': 0})
                    self.deployed.append(one['physical_resource_id'])

    def until_ended(self, stack: Stack, status: str) -> None:
        def ended() -> bool:
            self.say()
            return not stack.show()['stack_status'].endswith('IN_PROGRESS')
        wait_until(f'{stack.name} {status}', ended, 400, every=2)
        stack.ends(status)


@pytest.mark.usefixtures('delegating')
def test_a_cluster_is_made_of_stacks_of_this_service(administrator: User, discovery: str) -> None:
    stack, agents = Stack(administrator, 'types-cluster'), Agents(administrator)
    magnum, compute = administrator.api('container-infra'), administrator.api('compute')
    stack.create(CLUSTER, found=discovery)
    agents.until_ended(stack, 'CREATE_COMPLETE')
    outputs = stack.outputs()
    assert outputs['status'] == 'CREATE_COMPLETE' and len(agents.deployed) == 3
    # Its templates give an empty availability zone, which is none.
    servers = compute.get('/servers/detail').json()['servers']
    assert [one['status'] for one in servers] == ['ACTIVE', 'ACTIVE']
    inside = administrator.api('orchestration').get(f'/stacks/{outputs["stack"]}').json()['stack']
    assert inside['stack_status'] == 'CREATE_COMPLETE'

    stack.update('--existing', nodes=2)
    agents.until_ended(stack, 'UPDATE_COMPLETE')
    shown = magnum.get(f'/clusters/{stack.physical("cluster")}').json()
    assert (shown['node_count'], shown['status'], len(shown['node_addresses'])) == (2, 'UPDATE_COMPLETE', 2)
    stack.delete()
    assert compute.get('/servers/detail').json()['servers'] == []
