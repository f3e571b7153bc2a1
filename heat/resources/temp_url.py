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
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from heat.model.op import Call, Endpoint, Poll, Record, StepFailed
from heat.resources.base import Resource, Steps

STORE = 'object-store'
# The last moment that all of its implementations take.
NEVER = 2147483647
KEY, VERSIONS = 'X-Container-Meta-Temp-Url-Key', 'X-Versions-Location'
# The hash of an empty object.
NOTHING = 'd41d8cd98f00b204e9800998ecf8427e'


def prepare(resource: Resource, name: str, method: str = 'PUT', versions: bool = True) -> Steps:
    """Make the resource's own container (or find it) and give a URL of the object ``name`` in it.

    With ``versions`` nothing that is put there is lost.
    """
    container = resource.physical_name()
    key = resource.row.data.get('temp_url_key') or secrets.token_hex(20)
    yield Record(data={'temp_url_key': key, 'container': container})
    # A key of the container and not of the account: it opens nothing else, and nobody else changes it.
    headers = {KEY: key, **({VERSIONS: container} if versions else {})}
    yield Call(STORE, 'PUT', path_of(container), headers=headers, label='container')
    base = yield Endpoint(STORE)
    return signed(base, container, name, key, method)


def share(resource: Resource, container: str, name: str, method: str) -> Steps:
    """The same in a container of that name, which others may use as well."""
    path = path_of(container)
    yield Call(STORE, 'PUT', path, label='container')
    key = yield Call(STORE, 'HEAD', path, header=KEY, label='key')
    if not (yield from resource.at_first(f'key of {container}', bool(key))):
        # All who come to it first at the same time give it the same.
        key = hmac.new(resource.around.secret.encode(), container.encode(), hashlib.sha256).hexdigest()
        yield Call(STORE, 'POST', path, headers={KEY: key}, label='give it a key')
    base = yield Endpoint(STORE)
    return signed(base, container, name, key, method)


def path_of(container: str, name: str | None = None) -> str:
    return f'/{quote(container, safe="")}' + ('' if name is None else f'/{quote(name)}')


def put(container: str, name: str, body: Mapping[str, Any]) -> Call:
    return Call(STORE, 'PUT', path_of(container, name), body, label='object')


def take_out(container: str, name: str) -> Steps:
    """Take an object away, and the container if it was the last in it."""
    yield Call(STORE, 'DELETE', path_of(container, name), ok=(404,), label='object')
    yield Call(STORE, 'DELETE', path_of(container), ok=(404, 409), label='remove container')


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
    path = path_of(container)
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

    def expect(self, count: int) -> Steps:
        """StepFailed where ``count`` of them would never be seen."""
        if count > 1 and not (yield Call(STORE, 'HEAD', path_of(self._container), header=VERSIONS)):
            raise StepFailed('The object store keeps no older versions of what is put into it, so no more '
                             'than one signal can be counted there: let its operator set '
                             'allow_versioned_writes, or use another signal_transport.', 'NotSupported')

    def more(self, enough: Callable[[], bool] = lambda: False, deadline: float | None = None,
             late: str = '') -> Steps:
        """Wait until there is more, and read it; or until there is ``enough`` of something else."""
        path = path_of(self._container)

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
