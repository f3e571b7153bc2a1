"""Temporary URLs of the object store: a place that who has the URL may write to.

Purpose: a container with a key of its own, signed URLs into it, what was put
there, and its removal.
Invariant: the key stands in the row's private data; the container's name follows
from the row, so each request may be made again; waiting asks for a list.
Neighbours: ``openstack.swift`` signals by it, and so do deployments.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from heat.model.op import Call, Endpoint, Poll, Record, StepFailed
from heat.resources.base import Resource, Steps

STORE = 'object-store'
# The last moment that all of its implementations take.
NEVER = 2147483647
# The hash of an empty object.
NOTHING = 'd41d8cd98f00b204e9800998ecf8427e'


def container_of(resource: Resource) -> str:
    return resource.physical_name()


def prepare(resource: Resource, name: str, method: str = 'PUT') -> Steps:
    """Make the container (or find it) and give a URL of the object ``name`` in it."""
    container = container_of(resource)
    key = resource.row.data.get('temp_url_key') or secrets.token_hex(20)
    yield Record(data={'temp_url_key': key, 'container': container})
    # A key of the container and not of the account: it opens nothing else, and nobody else changes it.
    yield Call(STORE, 'PUT', f'/{quote(container, safe="")}', headers={
        'X-Container-Meta-Temp-Url-Key': key, 'X-Versions-Location': container}, label='container')
    base = yield Endpoint(STORE)
    return signed(base, container, name, key, method)


def signed(base: str, container: str, name: str, key: str, method: str) -> str:
    """``base``/container/name with a signature that does not expire."""
    parts = urlsplit(base.rstrip('/'))
    # Some stores lie below a prefix, which is not signed.
    account = parts.path[parts.path.find('/v1'):]
    path = f'{account}/{container}/{name}'
    digest = hmac.new(key.encode(), f'{method}\n{NEVER}\n{path}'.encode(), hashlib.sha256).hexdigest()
    return (f'{parts.scheme}://{parts.netloc}{parts.path}/{quote(container)}/{quote(name)}'
            f'?temp_url_sig={digest}&temp_url_expires={NEVER}')


def remove(resource: Resource) -> Steps:
    """Take the container away with what is in it."""
    container = resource.row.data.get('container')
    if not container:
        return
    path = f'/{quote(container, safe="")}'
    # Else a version comes back for each object that is deleted.
    yield Call(STORE, 'POST', path, headers={'X-Remove-Versions-Location': 'x'}, ok=(404,),
               label='no versions')
    # Listed once per step: the journal counts the calls that follow.
    listed = yield Call(STORE, 'GET', path, query={'format': 'json'}, ok=(404,), label='list')
    names = yield from resource.at_first('objects', [one['name'] for one in listed or ()])
    for name in names:
        yield Call(STORE, 'DELETE', f'{path}/{quote(name)}', ok=(404,), label='object')
    yield Call(STORE, 'DELETE', path, ok=(404,), label='remove container')


class Puts:
    """What was put into a container: ``texts`` in the order in which it was.

    ``prefix`` is how the names begin of the objects that count; older versions do not.
    """

    def __init__(self, container: str, prefix: str = '') -> None:
        self._container = container
        self._prefix = f'&prefix={quote(prefix)}' if prefix else ''
        self._known: dict[str, Any] = {NOTHING: None}
        self.texts: list[Any] = []

    def more(self, enough: Callable[[], bool] = lambda: False, deadline: float | None = None,
             late: str = '') -> Steps:
        """Wait until there is more, and read it; or until there is ``enough`` of something else."""
        path = f'/{quote(self._container, safe="")}'

        def judge(listed: Any) -> bool | str:
            if listed is None:
                return f'The container {self._container} of the signals is gone.'
            return enough() or len(listed) > len(self.texts)

        while True:
            listed = yield Poll(STORE, f'{path}?format=json{self._prefix}', self._container, judge,
                                deadline=deadline, late=late)
            # Older versions have names that begin with a number; the one that is current comes last.
            ordered = sorted(listed, key=lambda one: str(one['name']))
            if (yield from self._read(path, ordered)):
                self.texts = [self._known[one['hash']] for one in ordered]
                return

    def _read(self, path: str, listed: list[dict[str, Any]]) -> Steps:
        """Contents that are not known yet; False if one was overwritten meanwhile."""
        for one in listed:
            if one['hash'] not in self._known:
                text = yield Call(STORE, 'GET', f'{path}/{quote(one["name"])}', ok=(404, 412),
                                  headers={'If-Match': one['hash']}, label='signal')
                if text is None:
                    return False
                self._known[one['hash']] = text
        return True


def parsed(text: Any) -> dict[str, Any]:
    """The signal in an object; an empty one says success."""
    if isinstance(text, str) and text.strip():
        try:
            text = json.loads(text)
        except (ValueError, RecursionError):
            raise StepFailed('A signal is not valid JSON', 'ValueError') from None
    if isinstance(text, str) or text is None:
        return {}
    if not isinstance(text, dict):
        raise StepFailed('A signal is not a JSON object', 'ValueError')
    return text
