"""A Keystone of one file for in-process tests: passwords, tokens and EC2 signatures over real HTTP."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import webob
from keystoneclient.contrib.ec2.utils import Ec2Signer

PROJECT = 'a' * 32
OTHER_PROJECT = 'b' * 32
ADMIN_PROJECT = 'c' * 32
USERS = {'member': (PROJECT, ('member', 'reader')), 'boss': (ADMIN_PROJECT, ('admin', 'member', 'reader')),
         'stranger': (OTHER_PROJECT, ('member', 'reader')), 'server': (PROJECT, ('heat_stack_user',)),
         'heat': (ADMIN_PROJECT, ('service',))}
PASSWORD = 'open sesame'
# Whoever signs with this is checked by the signer that the real Keystone has.
SECRET = 'ali baba'
FOREVER = '2999-01-01T00:00:00.000000Z'


class Keystone:
    """Token ids are ``token-<user>``; the access key is the user's name, which is a right signature too."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.logins = 0
        self.url = ''

    def token(self, user: str) -> dict[str, Any]:
        project, roles = USERS[user]
        endpoints = [{'id': face, 'interface': face, 'region': 'R', 'region_id': 'R', 'url': self.url}
                     for face in ('internal', 'public', 'admin')]
        return {'token': {
            'methods': ['password'], 'issued_at': '2026-01-01T00:00:00.000000Z', 'expires_at': FOREVER,
            'user': {'id': f'id-{user}', 'name': user, 'domain': {'id': 'default', 'name': 'Default'}},
            'project': {'id': project, 'name': 'demo', 'domain': {'id': 'default', 'name': 'Default'}},
            'roles': [{'id': role, 'name': role} for role in roles], 'audit_ids': ['x'],
            'catalog': [{'id': 'k', 'type': 'identity', 'name': 'keystone', 'endpoints': endpoints}]}}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = webob.Request(environ)
        response = self._answer(request)
        return response(environ, start_response)

    def _answer(self, request: webob.Request) -> webob.Response:
        path = request.path_info.rstrip('/')
        if path == '/v3/auth/tokens' and request.method == 'POST':
            self.logins += 1
            given = request.json_body['auth']['identity']['password']['user']
            if given.get('name') in USERS and given['password'] == PASSWORD:
                return self._issued(given['name'], 201)
            return self._refused(401, 'The request you have made requires authentication.')
        if path == '/v3/auth/tokens':
            user = request.headers.get('X-Subject-Token', '').removeprefix('token-')
            return self._issued(user, 200) if user in USERS else self._refused(404, 'Could not find token.')
        if path == '/v3/ec2tokens':
            return self._signed(request)
        url = f'{request.application_url}/v3/'
        return webob.Response(json_body={'versions': {'values': [
            {'id': 'v3.14', 'status': 'stable', 'links': [{'rel': 'self', 'href': url}]}]}}
            if path != '/v3' else {'version': {
                'id': 'v3.14', 'status': 'stable', 'links': [{'rel': 'self', 'href': url}]}})

    def _signed(self, request: webob.Request) -> webob.Response:
        if request.headers.get('X-Auth-Token') not in [f'token-{user}' for user in USERS]:
            return self._refused(401, 'The request you have made requires authentication.')
        credentials = request.json_body['ec2Credentials']
        self.asked.append(credentials)
        if credentials['access'] not in USERS:
            return self._refused(404, 'Could not find credential: 1f2e.')
        if credentials['signature'] != credentials['access'] and not self._right(credentials):
            # As the real one says it: without the reason.
            return self._refused(401, 'The request you have made requires authentication.')
        return self._issued(credentials['access'], 200)

    @staticmethod
    def _right(credentials: dict[str, Any]) -> bool:
        try:
            again = Ec2Signer(SECRET).generate(json.loads(json.dumps(credentials)))
        except Exception:
            return False
        return bool(again == credentials['signature'])

    def _issued(self, user: str, status: int) -> webob.Response:
        response = webob.Response(json_body=self.token(user), status=status)
        response.headers['X-Subject-Token'] = f'token-{user}'
        return response

    @staticmethod
    def _refused(status: int, message: str) -> webob.Response:
        body = json.dumps({'error': {'code': status, 'message': message, 'title': 'x'}})
        return webob.Response(text=body, status=status, content_type='application/json')


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_args: Any) -> None:
        pass


@contextlib.contextmanager
def running() -> Iterator[tuple[Keystone, str]]:
    """The service and its root address."""
    service = Keystone()
    server = make_server('127.0.0.1', 0, service, handler_class=_Quiet)
    service.url = f'http://127.0.0.1:{server.server_port}'
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True)
    thread.start()
    try:
        yield service, service.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
