"""A service of collections, as small as its API's reference lets it be.

Purpose: types of services that are not in Debian (Blazar and Zun) meet requests and answers of the
documented form over HTTP. Invariant: it is not the service: what this
shows is that requests are those of the reference, and no more. Neighbours:
`test_resources_served`.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

Row = dict[str, Any]
Made = Callable[[Row, dict[str, str]], Row]
Act = Callable[[Row, str, dict[str, str]], None]
Check = Callable[[str, dict[str, str], Any, str], str]


class Collections(ThreadingHTTPServer):
    """`collections` says of each its key in answers ('' for bare objects), and what is made of a body.

    `said` are the changing requests: (method, path, query, body, version asked for). What stands in
    `refusals` is answered to the next of them. `act` does what is asked of a row by a verb behind it, '' at
    each look; `check` says from method, query, body and version why a request is refused, if it is.
    """

    daemon_threads = True

    def __init__(self, collections: dict[str, tuple[str, Made]], identity: str = 'id',
                 act: Act | None = None, check: Check | None = None) -> None:
        super().__init__(('127.0.0.1', 0), Handler)
        self.collections, self.identity, self.act, self.check = collections, identity, act, check
        self.rows: dict[str, dict[str, Row]] = {name: {} for name in collections}
        self.said: list[tuple[str, str, dict[str, str], Any, str]] = []
        self.refusals: list[tuple[int, Row]] = []
        self.url = f'http://127.0.0.1:{self.server_port}/v1'
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def answer(self, method: str, path: str, query: dict[str, str], body: Any,
               version: str = '') -> tuple[int, Any]:
        if method != 'GET' and self.refusals:
            return self.refusals.pop()
        why = self.check(method, query, body, version) if self.check else ''
        if why:
            return 400, {'errors': [{'title': why, 'detail': why}]}
        _version, name, *rest = path.strip('/').split('/')
        key, made = self.collections[name]
        rows = self.rows[name]

        def shown(row: Row) -> Any:
            return {key: row} if key else row

        if not rest and method == 'GET':
            return 200, {name.removeprefix('os-'): list(rows.values())}
        if not rest:
            row = {self.identity: str(uuid.uuid4()), **made(body, query)}
            rows[row[self.identity]] = row
            return 202, shown(row)
        row = rows.get(rest[0], {})
        if not row:
            return 404, {'error_message': f'{rest[0]} could not be found.'}
        if method == 'DELETE':
            del rows[rest[0]]
            return 204, None
        if self.act is not None and method != 'PATCH':
            self.act(row, '/'.join(rest[1:]), query)
        if method == 'PATCH':
            row.update(body)
        return 200, shown(row)


class Handler(BaseHTTPRequestHandler):
    server: Collections
    VERSION: ClassVar[str] = 'OpenStack-API-Version'

    def serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get('Content-Length') or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        query = dict(parse_qsl(parts.query))
        version = self.headers.get(self.VERSION, '')
        if self.command != 'GET':
            self.server.said.append((self.command, parts.path, query, body, version))
        status, answer = self.server.answer(self.command, parts.path, query, body, version)
        text = b'' if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = do_DELETE = serve

    def log_message(self, *args: Any) -> None:
        """Nobody reads it."""
