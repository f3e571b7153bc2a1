"""Queues of a real Zaqar, and who is told what is put into them."""
from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs
from uuid import uuid4

import pytest
import requests

from tests.cloud.daemons import Refused, User
from tests.cloud.stack import Stack
from tests.servers.daemon import LOOPBACK, wait_until

TEMPLATE = Path(__file__).parent / 'types' / 'zaqar.yaml'
CLIENT = {'Client-ID': str(uuid4())}

pytestmark = [pytest.mark.groups('zaqar'), pytest.mark.usefixtures('leaves_nothing')]


class Listener(HTTPServer):
    """Somebody on the web who is told of messages."""

    def __init__(self) -> None:
        heard = self.heard = list[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                heard.append(self.rfile.read(int(self.headers['Content-Length'])).decode())
                self.send_response(204)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                """Nothing: what was heard is kept."""

        super().__init__((LOOPBACK, 0), Handler)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_message_reaches_who_has_subscribed(user: User, listener: Listener) -> None:
    stack, zaqar = Stack(user, 'queues'), user.api('messaging')
    path = '/v2/queues/types-queue'
    stack.create(TEMPLATE, listener=f'http://{LOOPBACK}:{listener.server_port}/hear')
    stack.ends('CREATE_COMPLETE')
    outputs = stack.outputs()
    shown = zaqar.get(path, headers=CLIENT).json()
    assert stack.physical('queue') == 'types-queue' and outputs['href'] == f'{zaqar.get_endpoint()}{path}'
    assert (shown['colour'], shown['_default_message_ttl']) == ('green', 300)
    query = parse_qs(outputs['query'])
    assert query['paths'] == [f'{path}/messages'] and query['queue_name'] == ['types-queue']

    # Somebody without an account puts a message in.
    said = requests.post(f'{outputs["href"]}/messages', json={'messages': [{'body': 'hello', 'ttl': 60}]},
                         headers={**CLIENT, **outputs['signed']}, timeout=60)
    assert said.status_code == 201, said.text
    wait_until('the listener has heard', lambda: listener.heard, 60, every=0.2)
    assert json.loads(listener.heard[0])['body'] == 'hello'
    wait_until('the group has grown', lambda: len(stack.members('group')) == 2, 60, every=0.5)
    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    assert stack.drifted() == {}

    before = {name: one['physical_resource_id'] for name, one in stack.resources().items()}
    stack.update('--existing', colour='none', ttl=7200)
    stack.ends('UPDATE_COMPLETE')
    assert {name: one['physical_resource_id'] for name, one in stack.resources().items()} == before
    shown = zaqar.get(path, headers=CLIENT).json()
    assert 'colour' not in shown and shown['_default_message_ttl'] == 600
    subscription = zaqar.get(f'{path}/subscriptions/{before["listener"]}', headers=CLIENT).json()
    assert subscription['ttl'] == 7200
    stack.delete()
    assert zaqar.get(f'{path}/subscriptions', headers=CLIENT).json()['subscriptions'] == []


def test_what_zaqar_refuses_is_told_in_its_words(user: User, tmp_path: Path) -> None:
    wrong = tmp_path / 'wrong.yaml'
    wrong.write_text('heat_template_version: 2021-04-16\nresources:\n'
                     '  u: {type: "OS::Zaqar::SignedQueueURL", properties: {queue: q, paths: [nowhere]}}\n')
    stack = Stack(user, 'refused')
    stack.create(wrong)
    assert "Invalid paths: {'nowhere'}" in stack.ends('CREATE_FAILED')['stack_status_reason']
    stack.delete()
    wrong.write_text('heat_template_version: 2021-04-16\nresources:\n  s: {type: "OS::Zaqar::Subscription", '
                     'properties: {queue_name: a b, subscriber: "ftp://x"}}\n')
    with pytest.raises(Refused, match='letters, digits, underscores, dashes and dots only'):
        stack.create(wrong)
