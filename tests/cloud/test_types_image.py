"""Images from the web on a real Glance, which fetches them from a server of the test."""
from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.daemons import User
from tests.cloud.stack import Stack

TEMPLATE = Path(__file__).with_name('types') / 'image.yaml'
CONTENT = b'an image'.ljust(4096, b'\0')

pytestmark = pytest.mark.usefixtures('leaves_nothing')


class _Images(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        there = self.path == '/image'
        self.send_response(200 if there else 404)
        self.send_header('Content-Length', str(len(CONTENT) if there else 0))
        self.end_headers()
        self.wfile.write(CONTENT if there else b'')

    def log_message(self, *_words: Any) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    """Address of a web server that has /image and nothing else."""
    server = ThreadingHTTPServer(('127.0.0.1', 0), _Images)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()
    thread.join()


def image(stack: Stack, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.user.api('image').get(f'/v2/images/{stack.physical(name)}').json()
    return found


def shared_with(stack: Stack) -> set[str]:
    path = f'/v2/images/{stack.physical("shared")}/members'
    return {one['member_id'] for one in stack.user.api('image').get(path).json()['members']}


def test_images_are_fetched_as_told_and_changed(user: User, administrator: User, web: str) -> None:
    stack, friend = Stack(user, 'images'), administrator.session.get_project_id()
    stack.create(TEMPLATE, location=f'{web}/image', friend=friend)
    stack.ends('CREATE_COMPLETE')
    ids = {name: one['physical_resource_id'] for name, one in stack.resources().items()}
    found = image(stack, 'image')
    assert (found['name'], found['status'], found['min_disk']) == ('types-image', 'active', 1)
    assert found['os_hash_value'] == hashlib.sha512(CONTENT).hexdigest()
    assert set(found['tags']) == {'first', 'both'} and found['os_distro'] == 'first'
    assert (found['hw_rng_model'], found['types_one']) == ('virtio', '1')
    assert image(stack, 'shared')['visibility'] == 'shared' and shared_with(stack) == {friend}
    assert stack.outputs() == {'status': 'active'}

    stack.act('check')
    stack.ends('CHECK_COMPLETE')
    stack.update('--existing', label='second', active=False)
    stack.ends('UPDATE_COMPLETE')
    assert {name: one['physical_resource_id'] for name, one in stack.resources().items()} == ids
    found = image(stack, 'image')
    assert set(found['tags']) == {'second', 'both'} and found['os_distro'] == 'second'
    assert found['types_two'] == '2' and not {'hw_rng_model', 'types_one'} & set(found)
    assert found['status'] == 'deactivated' and shared_with(stack) == set()
    stack.update('--existing', active=True)
    stack.ends('UPDATE_COMPLETE')
    assert image(stack, 'image')['status'] == 'active'
    stack.delete()


def test_an_image_that_cannot_be_fetched_fails_in_the_services_words(user: User, web: str) -> None:
    stack = Stack(user, 'images')
    stack.create(TEMPLATE, location=f'{web}/nothing', friend='nobody')
    reason = stack.ends('CREATE_FAILED')['stack_status_reason']
    assert f'could not be fetched from {web}/nothing: Task failed' in reason
    # Put right, it goes on with an image of its own.
    friend = user.session.get_project_id()
    stack.update('--existing', location=f'{web}/image', friend=friend)
    stack.ends('UPDATE_COMPLETE')
    assert image(stack, 'image')['status'] == 'active'
    stack.delete()
