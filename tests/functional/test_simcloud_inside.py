"""The simulated cloud in this process: its clock, its faults, its limits and what it reads in user data."""

from __future__ import annotations

import base64
import threading
import time
from typing import Any

import pytest
import webob

from heat.common.clock import VirtualClock
from heat.simcloud import guest
from heat.simcloud.server import Settings, SimCloud

DEADLINE = 10.0


def call(cloud: SimCloud, method: str, path: str, token: str = '', body: Any = None) -> webob.Response:
    request = webob.Request.blank(path, method=method, headers={'X-Auth-Token': token})
    if body is not None:
        request.json = body
    return request.get_response(cloud.application)


def token_of(cloud: SimCloud, name: str = 'demo') -> str:
    answer = call(
        cloud,
        'POST',
        '/identity/v3/auth/tokens',
        body={
            'auth': {
                'identity': {
                    'methods': ['password'],
                    'password': {'user': {'name': name, 'password': name, 'domain': {'id': 'default'}}},
                },
                'scope': {'project': {'name': name, 'domain': {'id': 'default'}}},
            }
        },
    )
    assert answer.status_int == 201
    return str(answer.headers['X-Subject-Token'])


def boot(cloud: SimCloud, token: str, name: str, **more: Any) -> str:
    image = next(iter(cloud.inventory.images.rows))
    answer = call(
        cloud,
        'POST',
        '/compute/v2.1/servers',
        token,
        {'server': {'name': name, 'imageRef': image, 'flavorRef': '1', **more}},
    )
    assert answer.status_int == 202, answer.text
    return str(answer.json['server']['id'])


def test_a_virtual_clock_decides_when_a_server_is_there() -> None:
    clock, sent = VirtualClock(), []
    arrived = threading.Event()

    def hear(method: str, url: str, headers: dict[str, str], body: bytes) -> int:
        sent.append((method, url, body))
        arrived.set()
        return 200

    cloud = SimCloud(clock=clock, settings=Settings(server_build=60, guest_boot=30), guest_http=hear)
    token = token_of(cloud)
    script = base64.b64encode(b"curl -X POST http://h/s --data-binary '{}'").decode()
    server = boot(cloud, token, 'slow', user_data=script)

    def status() -> str:
        return str(call(cloud, 'GET', f'/compute/v2.1/servers/{server}', token).json['server']['status'])

    clock.advance(59)
    assert status() == 'BUILD'
    clock.advance(1)
    assert (status(), sent) == ('ACTIVE', [])
    clock.advance(30)
    cloud.settle()
    assert arrived.wait(DEADLINE) and sent == [('POST', 'http://h/s', b'{}')]


def test_an_injected_error_state_is_what_the_server_ends_in() -> None:
    clock = VirtualClock()
    cloud = SimCloud(clock=clock)
    token = token_of(cloud)
    cloud.faults.add(
        service='compute',
        method='POST',
        path='/servers',
        kind='error_state',
        count=1,
        message='No valid host was found.',
    )
    ids = [boot(cloud, token, 'bad'), boot(cloud, token, 'good')]
    clock.advance(10)
    shown = [call(cloud, 'GET', f'/compute/v2.1/servers/{row}', token).json['server'] for row in ids]
    assert [row['status'] for row in shown] == ['ERROR', 'ACTIVE']
    assert shown[0]['fault']['message'] == 'No valid host was found.'


def test_ten_thousand_servers_are_listed_by_pages() -> None:
    cloud = SimCloud(clock=VirtualClock(), settings=Settings(guests=False))
    token = token_of(cloud)
    first = boot(cloud, token, 'one')
    row = cloud.inventory.servers.rows[first]
    for number in range(9_999):
        cloud.inventory.servers.put({**row, 'id': f'{number:036}', 'name': f's{number}', 'metadata': {}})
    started, seen, path = time.monotonic(), set(), '/compute/v2.1/servers/detail?limit=1000'
    while path:
        answer = call(cloud, 'GET', path, token).json
        seen |= {server['id'] for server in answer['servers']}
        path = (
            answer['servers_links'][0]['href'].removeprefix('http://localhost')
            if 'servers_links' in answer
            else ''
        )
    assert len(seen) == 10_000
    assert time.monotonic() - started < 5


def test_addresses_run_out_and_come_back() -> None:
    cloud = SimCloud(clock=VirtualClock())
    token, base = token_of(cloud), '/network/v2.0'
    network = call(cloud, 'POST', f'{base}/networks', token, {'network': {'name': 'tiny'}}).json['network'][
        'id'
    ]
    call(
        cloud,
        'POST',
        f'{base}/subnets',
        token,
        {'subnet': {'network_id': network, 'cidr': '10.0.0.0/29', 'ip_version': 4}},
    )

    def port() -> webob.Response:
        return call(cloud, 'POST', f'{base}/ports', token, {'port': {'network_id': network}})

    made = [port() for _ in range(5)]
    assert [answer.json['port']['fixed_ips'][0]['ip_address'] for answer in made] == [
        f'10.0.0.{number}' for number in range(2, 7)
    ]
    full = port()
    assert (full.status_int, full.json['NeutronError']['type']) == (409, 'IpAddressGenerationFailure')
    call(cloud, 'DELETE', f'{base}/ports/{made[2].json["port"]["id"]}', token)
    assert port().json['port']['fixed_ips'][0]['ip_address'] == '10.0.0.4'
    wrong = call(cloud, 'POST', f'{base}/networks', token, {'network': {'colour': 'red'}})
    assert (wrong.status_int, wrong.json['NeutronError']['message']) == (
        400,
        "Unrecognized attribute(s) 'colour'",
    )


@pytest.mark.parametrize(
    ('script', 'expected'),
    [
        ("curl -sS -XPUT 'http://h/a?b=1&c=2' -d @-", [('PUT', 'http://h/a?b=1&c=2')]),
        ('set -e; true && curl -X POST http://h/x || exit 1', [('POST', 'http://h/x')]),
        ('wget --post-data={"status":1} --header "X: y" http://h/w', [('POST', 'http://h/w')]),
        ('curl http://h/package.tgz\nwget http://h/package.tgz', []),
        ('# curl -X POST http://h/x', []),
        ('http://h/v1/waitcondition/arn?Signature=s', [('PUT', 'http://h/v1/waitcondition/arn?Signature=s')]),
        ("notify='curl -X POST http://h/n'\n$notify --data-binary '{}'", [('POST', 'http://h/n')]),
        ('runcmd:\n- curl -X POST http://h/c', [('POST', 'http://h/c')]),
        (
            'curl -X POST http://h/l \\\n  --data-binary \'{\n  "status": "SUCCESS"}\'',
            [('POST', 'http://h/l')],
        ),
        (
            "cat > f <<EOF\ndon't\ncurl -X POST http://h/no\nEOF\ncurl -X POST 'http://h/yes'",
            [('POST', 'http://h/yes')],
        ),
        ("if mysqladmin ping; then curl -X POST http://h/t --data-binary '{}'; fi", [('POST', 'http://h/t')]),
    ],
)
def test_signal_calls_are_recognised(script: str, expected: list[tuple[str, str]]) -> None:
    assert [(signal.method, signal.url) for signal in guest.signals(script)] == expected


def test_text_parts_of_multipart_user_data_are_read() -> None:
    text = (
        'Content-Type: multipart/mixed; boundary="B"\nMIME-Version: 1.0\n\n--B\n'
        'Content-Type: text/cloud-config\n\nuser: ec2\n--B\nContent-Type: text/x-shellscript; '
        'charset="us-ascii"\n\n'
        'curl -X POST http://h/m\n--B--\n'
    )
    parts = guest.scripts(base64.b64encode(text.encode()).decode())
    assert [signal.url for part in parts for signal in guest.signals(part)] == ['http://h/m']
