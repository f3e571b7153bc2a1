"""The part of a server's set-up that the fake hypervisor does not run: telling Heat that it is ready.

Invariant: the request is the one that stands in the server's user data, word for word, as the guest's
shell and curl would send it.
"""
from __future__ import annotations

import base64
import re
import shlex
import urllib.request
from typing import Any

from tests.cloud.daemons import service_api
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
