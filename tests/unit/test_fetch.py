"""Documents by URL: what is read, and what is refused before or after a byte of it is."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import requests
import webob
import webob.exc

from heat.common import errors, fetch
from heat.common.hurried import Hurried


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_args: Any) -> None:
        pass


def site(environ: dict[str, Any], start_response: Any) -> Any:
    request = webob.Request(environ)
    if request.path == '/template':
        response: webob.Response = webob.Response(text='heat_template_version: 2021-04-16\n')
    elif request.path == '/hop':
        response = webob.exc.HTTPFound(location=f'{request.host_url}/template')
    elif request.path == '/round':
        response = webob.exc.HTTPFound(location=f'{request.host_url}/round')
    elif request.path == '/file':
        response = webob.Response(status=302)
        response.headers['Location'] = 'file:///etc/hostname'
    elif request.path == '/binary':
        response = webob.Response(body=b'\xff\xfe')
    else:
        response = webob.exc.HTTPNotFound()
    return response(environ, start_response)


@contextlib.contextmanager
def serving(address: str = '127.0.0.1') -> Iterator[str]:
    server = make_server(address, 0, site, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True)
    thread.start()
    try:
        yield f'http://{address}:{server.server_port}'
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope='module')
def root() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.mark.parametrize('path', ['/template', '/hop'])
def test_reads_text_behind_redirects(root: str, path: str) -> None:
    assert fetch.read(root + path, 1000, allow_local=True) == 'heat_template_version: 2021-04-16\n'


def own_address() -> str:
    """This host's address to others; skips when it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: the kernel picks an interface.
            probe.connect(('198.51.100.1', 9))
        except OSError:
            pytest.skip('this host has no address but loopback')
        address = str(probe.getsockname()[0])
    if fetch.is_local(address):
        pytest.skip('this host has no address but loopback')
    return address


@pytest.mark.parametrize('path', ['/template', '/hop'])
def test_reads_from_a_server_that_closes_the_connection(path: str) -> None:
    with serving(own_address()) as url:
        assert fetch.read(url + path, 1000, allow_local=False) == 'heat_template_version: 2021-04-16\n'


def test_nothing_is_asked_of_an_address_that_a_name_means_later() -> None:
    asked: list[str] = []

    def watched(environ: dict[str, Any], start_response: Any) -> Any:
        asked.append(environ['PATH_INFO'])
        return site(environ, start_response)

    server = make_server('127.0.0.1', 0, watched, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True)
    thread.start()
    try:
        with requests.Session() as session:
            session.mount('http://', Hurried(time.monotonic() + 30, fetch.is_local))
            with pytest.raises(requests.ConnectionError):
                session.get(f'http://127.0.0.1:{server.server_port}/template')
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert asked == []


def test_size_is_bounded(root: str) -> None:
    with pytest.raises(errors.RequestLimitExceeded):
        fetch.read(root + '/template', 10, allow_local=True)


@pytest.mark.parametrize(('path', 'words'), [
    ('/round', 'Too many redirects'), ('/file', 'Invalid URL scheme file'), ('/none', 'Failed to retrieve'),
    ('/binary', "can't decode")])
def test_refuses(root: str, path: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fetch.read(root + path, 1000, allow_local=True)


@pytest.mark.parametrize('url', [
    'http://[64:ff9b::a9fe:a9fe]/', 'http://[2002:7f00:1::]/', 'http://[::ffff:127.0.0.1]/', 'http://[::127.0.0.1]/',
    'http://127.0.0.1/', 'http://localhost/', 'http://169.254.169.254/latest/meta-data', 'http://[::1]/',
    'http://[::ffff:127.0.0.1]/', 'http://[fe80::1]/', 'http://0.0.0.0/', 'http://2130706433/', 'http://0x7f.1/'])
def test_this_host_and_its_link_are_out_of_bounds(url: str) -> None:
    with pytest.raises(ValueError, match='Failed to retrieve template from'):
        fetch.check(url, allow_local=False)


def test_whom_we_reached_counts_not_the_name(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The name looked up first means a harmless host; the connection then goes to this one.
    monkeypatch.setattr(fetch, 'check', lambda url, allow_local: None)
    with pytest.raises(ValueError, match='Failed to retrieve template from'):
        fetch.read(root + '/template', 1000, allow_local=False)


@pytest.mark.parametrize('url', ['file:///etc/hostname', 'ftp://example.org/x', 'gopher://x', 'nothing', 'http://'])
def test_only_http_with_a_host(url: str) -> None:
    with pytest.raises(ValueError, match='Invalid URL'):
        fetch.check(url, allow_local=True)


def test_error_hides_credentials_of_the_url() -> None:
    conf = SimpleNamespace(max_template_size=1000, allow_local_template_url=False, template_fetch_timeout=5.0)
    with pytest.raises(ValueError, match='retrieve') as caught:
        fetch.document('http://me:hush@127.0.0.1:9/t', conf)
    assert str(caught.value) == 'Failed to retrieve template from http://127.0.0.1:9/t'


@contextlib.contextmanager
def trickling(head: bytes) -> Iterator[str]:
    """A host that says ``head`` at once and then a letter in every twentieth of a second."""
    def answer(conn: socket.socket) -> None:
        with conn, contextlib.suppress(OSError):
            conn.recv(65536)
            conn.sendall(head)
            while True:
                conn.sendall(b'x')
                time.sleep(0.05)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(('127.0.0.1', 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield f'http://127.0.0.1:{server.getsockname()[1]}/t'
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize('head', [
    b'', b'HTTP/1.1 200 OK\r\n', b'HTTP/1.1 200 OK\r\nX-More: ', b'HTTP/1.1 200 OK\r\n\r\n',
    b'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n', b'HTTP/1.1 302 Found\r\nX-More: '])
def test_who_sends_a_letter_now_and_then_holds_nobody_up(head: bytes) -> None:
    with trickling(head) as url:
        for ask in (lambda: fetch.read(url, 1000, allow_local=True, seconds=0.5),
                    lambda: fetch.post(url, {}, 1000, seconds=0.5)):
            began = time.monotonic()
            with pytest.raises((ValueError, OSError)):
                ask()
            assert time.monotonic() - began < 5
