"""What the fake hypervisor leaves undone: servers tell Heat that they are ready, snapshots get content.

Invariant: the request is the one that stands in the server's user data, word for word, as the guest's
shell and curl would send it.
"""
from __future__ import annotations

import base64
import re
import shlex
import urllib.request
from typing import Any

from tests.cloud.daemons import User, service_api
from tests.servers.daemon import wait_until
from tests.servers.devcloud import Devcloud


def user_data(cloud: Devcloud, server: str) -> str:
    """What the server with this id was given to run at its first boot; '' if nothing."""
    compute = service_api(cloud.admin.session(), 'compute')
    seen: dict[str, Any] = compute.get(f'/servers/{server}').json()['server']
    return base64.b64decode(seen['OS-EXT-SRV-ATTR:user_data'] or '').decode()


def signal(script: str, **variables: str) -> int:
    """Send the script's last curl command with the shell's variables set so; the answer's status.

    Raises ValueError when there is no such command, HTTPError for an answer of 400 and more.
    """
    lines = [line.strip() for line in script.splitlines() if line.strip().startswith('curl ')]
    if not lines:
        raise ValueError('the script calls nobody')
    words = shlex.split(re.sub(r'\$(\w+)', lambda found: variables[found[1]], lines[-1]))[1:]
    headers, method, body, url = {}, 'GET', None, ''
    rest = iter(words)
    for word in rest:
        match word:
            case '-i':
                pass
            case '-X':
                method = next(rest)
            case '-H':
                name, _, value = next(rest).partition(': ')
                headers[name] = value
            case '--data-binary':
                body = next(rest).encode()
            case _ if word.startswith('http'):
                url = word
            case _:
                raise ValueError(f'not understood in a curl command: {word}')
    request = urllib.request.Request(url, body, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(answer.status)


def upload_snapshot(user: User, seconds: float = 60) -> None:
    """Fill the image that Nova has asked for; the driver says that it uploads, and does nothing more."""
    images = user.api('image')

    def queued() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = images.get('/v2/images', params={
            'image_type': 'snapshot', 'status': 'queued'}).json()['images']
        return found

    wait_until('a snapshot of a server', lambda: bool(queued()), seconds, every=0.3)
    for one in queued():
        images.patch(f'/v2/images/{one["id"]}', json=[
            {'op': 'add', 'path': f'/{name}', 'value': value}
            for name, value in (('container_format', 'bare'), ('disk_format', 'raw'))], headers={
                'Content-Type': 'application/openstack-images-v2.1-json-patch'})
        images.put(f'/v2/images/{one["id"]}/file', data=b'disk', headers={
            'Content-Type': 'application/octet-stream'})
