"""A user of the HTTP API: one token, kept-alive connections, no client library in the way."""
from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.servers.keystone import Credentials

Template = Mapping[str, Any]
WAIT_SECONDS = 1800.0


class Unexpected(Exception):
    """The service answered something that ends the bench; the text is its answer."""


class User:
    """One client. ``twin`` gives another with the same token and a connection of its own."""

    def __init__(self, base: str, token: str, project: str) -> None:
        self._where = urlsplit(base)
        self.base, self.token, self.project = base, token, project
        self._connection = http.client.HTTPConnection(
            self._where.hostname or '', self._where.port, timeout=600)

    @classmethod
    def login(cls, base: str, credentials: Credentials) -> User:
        """With one password check for all that follows."""
        session = credentials.session()
        return cls(base, session.get_token() or '', session.get_project_id() or '')

    def twin(self) -> User:
        return User(self.base, self.token, self.project)

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """(status, body) for a path below /v1/{project}; a dropped connection is made anew once."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {'X-Auth-Token': self.token, 'Accept': 'application/json'}
        if data is not None:
            headers['Content-Type'] = 'application/json'
        target = f'{self._where.path}/{self.project}{path}'
        for last in (False, True):
            try:
                self._connection.request(method, target, data, headers)
                answer = self._connection.getresponse()
                return answer.status, answer.read()
            except (http.client.HTTPException, ConnectionError):
                self._connection.close()
                if last or method == 'POST':
                    raise
        raise AssertionError('unreachable')

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON; Unexpected for a refusal."""
        status, text = self.request(method, path, body)
        if status >= 400:
            raise Unexpected(f'{method} {path}: {status} {text[:2000].decode(errors="replace")}')
        return json.loads(text) if text else None

    # -- stacks ------------------------------------------------------------------------------------

    def create(self, name: str, template: Template) -> str:
        """The path of the new stack."""
        made = self.ask('POST', '/stacks', {'stack_name': name, 'template': template, 'timeout_mins': 60})
        return f'/stacks/{name}/{made["stack"]["id"]}'

    def update(self, path: str, template: Template) -> None:
        self.ask('PUT', path, {'template': template, 'timeout_mins': 60})

    def delete(self, path: str) -> None:
        self.ask('DELETE', path)

    def nested(self, path: str, resource: str) -> str:
        """The path of the stack that a resource is."""
        links = self.ask('GET', f'{path}/resources/{resource}')['resource']['links']
        href = next(link['href'] for link in links if link['rel'] == 'nested')
        return str(urlsplit(href).path.partition(f'/{self.project}')[2])

    def state(self, path: str) -> tuple[str, str]:
        """(state, reason); ('', '') when the stack is gone."""
        status, text = self.request('GET', f'{path}?resolve_outputs=False')
        if status == 404:
            return '', ''
        if status >= 400:
            raise Unexpected(f'GET {path}: {status} {text[:2000].decode(errors="replace")}')
        shown = json.loads(text)['stack']
        return shown['stack_status'], shown['stack_status_reason']

    def wait(self, path: str, wanted: str, every: float = 0.1) -> None:
        """Until the state is ``wanted``; Unexpected when it fails or never ends."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            state, reason = self.state(path)
            if state == wanted or (wanted == 'DELETE_COMPLETE' and not state):
                return
            if state.endswith('FAILED') or time.monotonic() > deadline:
                raise Unexpected(f'{path} is {state}: {reason}')
            time.sleep(every)
