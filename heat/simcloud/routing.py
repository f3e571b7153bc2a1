"""The grammar every simulated service shares: route table, call, reply, fault, page.

Purpose: a service is a ``Service`` made of rows (method, path, function); this
module finds the row and gives the function a ``Call``. Invariant: a function
performs no I/O and never waits, so a call is atomic. Neighbours: ``server``
drives it, the service modules fill it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import webob

if TYPE_CHECKING:
    from heat.simcloud.inventory import Inventory
    from heat.simcloud.server import SimCloud

Row = dict[str, Any]


class Fault(Exception):
    """An error answer; ``kind`` is the service's own name for it, if it has one."""

    def __init__(
        self, status: int, message: str, kind: str = '', headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a function answers; ``body`` is JSON data, or text sent as it is."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Call:
    """One request on its way through a service function."""

    def __init__(
        self, cloud: SimCloud, request: webob.Request, service: Service, args: dict[str, str]
    ) -> None:
        self.cloud = cloud
        self.request = request
        self.service = service
        self.args = args
        self.token: Row = {}
        self.version: tuple[int, int] = service.min_version
        self.doom: str | None = None  # an injected fault: what this call makes shall end in ERROR

    @classmethod
    def of_cloud(cls, cloud: SimCloud, service: Service) -> Call:
        """A call that nobody sent: the cloud acts by itself, with an admin's rights."""
        call = cls(cloud, webob.Request.blank('/'), service, {})
        call.token = {'roles': ['admin'], 'user_id': '', 'project_id': '', 'trust_id': None}
        return call

    @property
    def inv(self) -> Inventory:
        return self.cloud.inventory

    @property
    def now(self) -> float:
        return self.cloud.clock.wall()

    @property
    def project(self) -> str:
        """The project of the token; empty for an unscoped or domain token."""
        return self.token.get('project_id') or ''

    @property
    def user(self) -> str:
        return self.token['user_id']

    @property
    def admin(self) -> bool:
        return 'admin' in self.token.get('roles', ())

    @property
    def query(self) -> Any:
        return self.request.GET

    def url(self, suffix: str = '') -> str:
        """Absolute URL below this service's mount point."""
        return f'{self.request.host_url}{self.service.prefix}{suffix}'

    def json(self, key: str | None = None) -> Any:
        """The JSON body, or its member ``key``; Fault 400 when it is not there."""
        try:
            body = json.loads(self.request.body or b'{}')
        except ValueError as exc:
            raise Fault(400, 'Malformed request body: it is not JSON') from exc
        if key is None:
            return body
        if not isinstance(body, dict) or not isinstance(body.get(key), dict):
            raise Fault(400, f"Invalid input: '{key}' is a required property")
        return body[key]

    def need_admin(self, action: str = 'this action') -> None:
        if not self.admin:
            raise Fault(403, f"Policy doesn't allow {action} to be performed.", 'PolicyNotAuthorized')

    def project_filter(self) -> str | None:
        """The project to list, None for all of them (an admin who asked for it)."""
        wanted = self.query.get('all_tenants', self.query.get('all_projects', '0'))
        if self.admin and wanted.lower() not in ('0', 'false', 'no'):
            return self.query.get('project_id') or self.query.get('tenant_id')
        return self.project


Handler = Callable[[Call], Reply]


class Service:
    """A mount point, its table of routes and its dialect of faults."""

    def __init__(
        self,
        name: str,
        prefix: str,
        routes: Iterable[tuple[str, str, Handler]],
        render_fault: Callable[[Fault], Any],
        public: Iterable[str] = (),
        header: str = '',
        min_version: tuple[int, int] = (0, 0),
        max_version: tuple[int, int] = (0, 0),
    ) -> None:
        self.name = name
        self.prefix = prefix
        self.render_fault = render_fault
        self.public = frozenset(public)
        self.header = header
        self.min_version = min_version
        self.max_version = max_version
        self._routes: dict[int, list[tuple[str, list[str], Handler, str]]] = {}
        for method, path, function in routes:
            parts = path.strip('/').split('/')
            self._routes.setdefault(len(parts), []).append((method, parts, function, path))
        for rows in self._routes.values():
            # Literal segments first, so that /servers/detail is not a server's id.
            rows.sort(key=lambda row: [part.startswith('{') for part in row[1]])

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str], str]:
        """(function, path arguments, path template); Fault 404 or 405."""
        parts = path.strip('/').split('/')
        known = False
        for row_method, pattern, function, template in self._routes.get(len(parts), ()):
            args: dict[str, str] = {}
            for want, got in zip(pattern, parts, strict=True):
                if want.startswith('{'):
                    args[want[1:-1]] = got
                elif want != got:
                    break
            else:
                if row_method == method:
                    return function, args, template
                known = True
        if known:
            raise Fault(405, 'Method Not Allowed')
        raise Fault(404, 'The resource could not be found.')

    def negotiate(self, headers: Any) -> tuple[int, int]:
        """The microversion a request asks for; Fault 406 outside the range."""
        if not self.header:
            return self.min_version
        text = ''
        for item in headers.get('OpenStack-API-Version', '').split(','):
            words = item.split()
            if len(words) == 2 and words[0] == self.header:
                text = words[1]
        if not text and self.header == 'compute':
            text = headers.get('X-OpenStack-Nova-API-Version', '')
        if not text:
            return self.min_version
        if text == 'latest':
            return self.max_version
        major, _, minor = text.partition('.')
        if not (major.isdigit() and minor.isdigit()):
            raise Fault(400, f'API Version String {text} is of invalid format.')
        version = int(major), int(minor)
        if not self.min_version <= version <= self.max_version:
            raise Fault(
                406,
                f'Version {text} is not supported by the API. Minimum is '
                f'{dotted(self.min_version)} and maximum is {dotted(self.max_version)}.',
            )
        return version


def dotted(version: tuple[int, int]) -> str:
    return f'{version[0]}.{version[1]}'


def page(
    call: Call, rows: Iterable[Row], default_limit: int = 1000, newest_first: bool = False
) -> tuple[list[Row], str | None]:
    """(the rows of the asked page, id to go on from or None), by limit, marker and sort_key."""
    items = list(rows)
    if newest_first:
        items.reverse()
    keys = [key for text in call.query.getall('sort_key') for key in text.split(',')]
    directions = [key for text in call.query.getall('sort_dir') for key in text.split(',')]
    if 'sort' in call.query:
        pairs = [text.partition(':') for text in call.query['sort'].split(',')]
        keys, directions = [pair[0] for pair in pairs], [pair[2] or 'desc' for pair in pairs]
    default = 'desc' if newest_first else 'asc'
    for position in reversed(range(len(keys))):
        direction = directions[position] if position < len(directions) else default
        items.sort(
            key=lambda row, key=keys[position]: str(row.get(key) or ''),  # type: ignore[misc]
            reverse=direction == 'desc',
        )
    if 'marker' in call.query:
        marker = call.query['marker']
        for position, row in enumerate(items):
            if row['id'] == marker:
                items = items[position + 1 :]
                break
        else:
            raise Fault(400, f'marker [{marker}] not found')
    text = call.query.get('limit', '')
    if text and not text.isdigit():
        raise Fault(400, f'Invalid input for query parameters limit. Value: {text}')
    limit = min(int(text), default_limit) if text and int(text) else default_limit
    return items[:limit], items[limit - 1]['id'] if len(items) > limit else None


def next_link(call: Call, key: str, marker: str | None) -> Row:
    """``{<key>_links: [...]}`` when there are more pages, else nothing."""
    if marker is None:
        return {}
    pairs = [(name, value) for name, value in call.query.items() if name != 'marker']
    href = f'{call.request.path_url}?{urlencode([*pairs, ("marker", marker)])}'
    return {f'{key}_links': [{'rel': 'next', 'href': href}]}
