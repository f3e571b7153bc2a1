"""The guest: what happens inside a server after it booted.

Purpose: find the signal calls in a server's user_data (curl, wget, cfn-signal,
bare pre-signed URLs) and perform them over real HTTP. Invariant: each boot
signals once per call, tried again while nothing answers; nothing else of the
script is run. Neighbours: ``compute`` switches it on, ``server`` ticks it.
"""

from __future__ import annotations

import base64
import binascii
import email
import json
import re
import shlex
import urllib.error
import urllib.request
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from heat.common import green
from heat.simcloud.routing import Row

if TYPE_CHECKING:
    from heat.simcloud.server import SimCloud

HTTP_SECONDS = 30.0
ASSIGNMENT = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)=(.*)$', re.DOTALL)
VARIABLE = re.compile(r'\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))')
BARE_URL = re.compile(r'https?://\S+')
# Of curl's options that take a value, those whose value we do not use.
CURL_VALUES = {
    '-o',
    '--output',
    '-m',
    '--max-time',
    '--connect-timeout',
    '--retry',
    '--retry-delay',
    '-w',
    '--write-out',
    '--cacert',
    '-A',
    '--user-agent',
    '-u',
    '--user',
    '--retry-max-time',
}
KEYWORDS = {'then', 'do', 'else', 'if', 'while', 'until', '!', '{', '}'}
# The end of a command, a comment, or a word whose quotes are kept; a quote that never closes is a letter.
TOKEN = re.compile(
    r"""(?P<end>[;|&()\n]+)|\#[^\n]*|(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s;|&()'"\\]|['"\\])+""", re.DOTALL
)
HERE_DOCUMENT = re.compile(
    r"""(<<-?\s*['"]?(\w+)['"]?[^\n]*)\n.*?^\s*\2[ \t]*(?:\n|\Z)""", re.DOTALL | re.MULTILINE
)


@dataclass(slots=True)
class Signal:
    """One HTTP request that the guest is to send."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b''


def scripts(user_data: str | None) -> list[str]:
    """The text parts of base64 user data, unpacked when compressed; a plain script is one part."""
    try:
        raw = base64.b64decode(user_data or '')
    except (binascii.Error, ValueError):
        return []
    if raw[:2] == b'\x1f\x8b':
        raw = zlib.decompress(raw, 31)
    text = raw.decode('utf-8', 'replace')
    if not re.match(r'(?i)(content-type:|mime-version:|from )', text.lstrip()):
        return [text]
    parts = []
    for part in email.message_from_string(text.lstrip()).walk():
        payload = part.get_payload(decode=True)
        if part.get_content_maintype() in ('text', 'application') and isinstance(payload, bytes):
            parts.append(payload.decode('utf-8', 'replace'))
    return parts


def signals(script: str) -> list[Signal]:
    """The signal calls of a shell script in their order, with its simple variables put in."""
    variables: dict[str, str] = {}
    found: list[Signal] = []
    if script.lstrip().startswith(('#cloud-config', 'runcmd:', 'bootcmd:')):
        # An item of runcmd holds a command; what is prose around it must not open a quote.
        pieces = [re.sub(r'^\s*-\s+', '', line) for line in script.splitlines()]
    else:
        pieces = [HERE_DOCUMENT.sub(r'\1\n', script)]
    for piece in pieces:
        for words in commands(re.sub(r'\\\r?\n', ' ', piece), variables):
            signal = command(words)
            if signal is not None:
                found.append(signal)
    return found


def commands(text: str, variables: dict[str, str]) -> list[list[str]]:
    """Split shell text into commands, expanding and collecting variables on the way."""
    result: list[list[str]] = [[]]
    for match in TOKEN.finditer(text):
        token = match[0]
        if token.startswith('#'):
            continue
        if match['end'] or token in KEYWORDS:
            result.append([])
            continue
        if not result[-1]:
            assigned = ASSIGNMENT.match(token)
            if assigned:
                variables[assigned[1]] = expand(assigned[2], variables)
                continue
            if token in ('export', 'local', 'readonly'):
                continue
        result[-1].append(expand(token, variables))
    return [words for words in result if words]


def expand(token: str, variables: dict[str, str]) -> str:
    """Remove quotes, and put variables in except inside single quotes."""
    result, quote, at = '', '', 0
    while at < len(token):
        char = token[at]
        if quote:
            if char == quote:
                quote = ''
            elif char == '\\' and quote == '"' and token[at + 1 : at + 2] in ('"', '\\', '$', '`'):
                at += 1
                result += token[at]
            elif char == '$' and quote == '"' and (match := VARIABLE.match(token, at)):
                result += variables.get(match[1] or match[2], '')
                at = match.end() - 1
            else:
                result += char
        elif char in '\'"':
            quote = char
        elif char == '\\' and at + 1 < len(token):
            at += 1
            result += token[at]
        elif char == '$' and (match := VARIABLE.match(token, at)):
            result += variables.get(match[1] or match[2], '')
            at = match.end() - 1
        else:
            result += char
        at += 1
    return result


def command(words: list[str]) -> Signal | None:
    """The request that a command sends, or None when it sends none that signals."""
    while words and words[0] in ('sudo', 'exec', 'time', 'nohup'):
        words = words[1:]
    # `wc_notify --data-binary ...` with wc_notify a variable arrives here as one word.
    if words and ' ' in words[0]:
        words = shlex.split(words[0]) + words[1:]
    if len(words) == 1 and BARE_URL.fullmatch(words[0]) and 'Signature=' in words[0]:
        return cfn(words[0], {})
    name = words[0].rsplit('/', 1)[-1] if words else ''
    if name == 'curl':
        return curl(words[1:])
    if name == 'wget':
        return wget(words[1:])
    if name == 'cfn-signal':
        return cfn_signal(words[1:])
    return None


def header(signal: Signal, text: str) -> None:
    name, _, value = text.partition(':')
    signal.headers[name.strip()] = value.strip()


def curl(words: list[str]) -> Signal | None:
    signal, method = Signal('', ''), ''
    rest = iter(words)
    for word in rest:
        option, _, attached = word.partition('=') if word.startswith('--') else (word, '', '')
        if option in ('-X', '--request'):
            method = attached or next(rest, '')
        elif re.match(r'-X.+', word):
            method = word[2:]
        elif option in ('-H', '--header'):
            header(signal, attached or next(rest, ''))
        elif option in ('-d', '--data', '--data-binary', '--data-raw', '--data-ascii', '--json'):
            signal.body += (b'&' if signal.body else b'') + (attached or next(rest, '')).encode()
        elif option == '--url':
            signal.url = attached or next(rest, '')
        elif option in CURL_VALUES:
            next(rest, None)
        elif BARE_URL.match(word):
            signal.url = word
    signal.method = method or ('POST' if signal.body else 'GET')
    return signal if signal.url and signal.method in ('POST', 'PUT') else None


def wget(words: list[str]) -> Signal | None:
    signal, method = Signal('', ''), ''
    rest = iter(words)
    for word in rest:
        option, _, value = word.partition('=')
        if option in ('--method', '--post-data', '--body-data', '--header'):
            value = value or next(rest, '')
        if option == '--method':
            method = value
        elif option == '--header':
            header(signal, value)
        elif option in ('--post-data', '--body-data'):
            signal.body = value.encode()
            method = method or ('POST' if option == '--post-data' else '')
        elif BARE_URL.match(word):
            signal.url = word
    signal.method = method or 'GET'
    return signal if signal.url and signal.method in ('POST', 'PUT') else None


def cfn(url: str, given: dict[str, str]) -> Signal:
    body = {
        'Status': 'SUCCESS',
        'Reason': 'Configuration Complete',
        'UniqueId': '00000',
        'Data': 'Application has completed configuration.',
        **given,
    }
    # cfn-signal sends an empty type, since the type is part of what the URL signs.
    return Signal('PUT', url, {'Content-Type': ''}, json.dumps(body).encode())


def cfn_signal(words: list[str]) -> Signal | None:
    given: dict[str, str] = {}
    url = ''
    rest = iter(words)
    for word in rest:
        option, _, value = word.partition('=') if word.startswith('--') else (word, '', '')
        if option in ('-s', '--success', '-e', '--exit-code', '-r', '--reason', '-d', '--data', '-i', '--id'):
            value = value or next(rest, '')
        if option in ('-s', '--success'):
            given['Status'] = 'SUCCESS' if value.lower() == 'true' else 'FAILURE'
        elif option in ('-e', '--exit-code'):
            # $? of a command that was not run counts as success.
            given['Status'] = 'SUCCESS' if value in ('0', '$?', '') else 'FAILURE'
        elif option in ('-r', '--reason'):
            given['Reason'] = value
        elif option in ('-d', '--data'):
            given['Data'] = value
        elif option in ('-i', '--id'):
            given['UniqueId'] = value
        elif BARE_URL.match(word):
            url = word
    return cfn(url, given) if url else None


def power_on(cloud: SimCloud, server: Row, at: float) -> None:
    """Called when a server became ACTIVE for the first time (again after a rebuild)."""
    if cloud.settings.guests and server['user_data'] and not server['_booted']:
        server['_booted'] = True
        guest = {'id': server['id'], 'project_id': server['project_id']}
        cloud.inventory.schedule('guests', guest, at + cloud.settings.guest_boot, 'boot')


def transition(cloud: SimCloud, guest: Row, then: str, at: float) -> None:
    """``boot`` reads the script; ``signal`` sends what is left of it."""
    server = cloud.inventory.servers.get(guest['id'])
    if server is None or not cloud.settings.guests:
        cloud.inventory.guests.drop(guest['id'])
        return
    if then == 'boot':
        guest['_calls'] = [
            [signal.method, signal.url, signal.headers, signal.body.decode()]
            for script in scripts(server['user_data'])
            for signal in signals(script)
        ]
        guest['_tries'] = 0
    # Until the calls are answered the guest is tried again, also by the next process.
    cloud.inventory.schedule('guests', guest, at + HTTP_SECONDS * 2, 'signal')
    green.spawn(run, cloud, guest)


def run(cloud: SimCloud, guest: Row) -> None:
    """Send the guest's calls in order, each until something answers or the tries are used up."""
    while guest['_calls']:
        method, url, headers, body = guest['_calls'][0]
        try:
            status = cloud.guest_http(method, url, headers, body.encode())
        except OSError:
            status = 0
        again = status == 0 or status >= 500
        with cloud.lock:
            cloud.guest_calls.append(
                {'server_id': guest['id'], 'method': method, 'url': url, 'status': status}
            )
            if cloud.inventory.guests.get(guest['id']) is not guest:
                return  # the server was deleted meanwhile
            guest['_tries'] += 1
            if again and guest['_tries'] < cloud.settings.guest_attempts:
                cloud.inventory.schedule(
                    'guests', guest, cloud.clock.wall() + cloud.settings.guest_retry, 'signal'
                )
                return
            guest['_calls'].pop(0)
            guest['_tries'] = 0
            server = cloud.inventory.servers.get(guest['id'])
            if server is not None:
                server['_console'].append(f'guest: {method} answered {status}')
                cloud.inventory.servers.put(server)
            cloud.inventory.guests.put(guest)
    with cloud.lock:
        cloud.inventory.guests.drop(guest['id'])


def send(method: str, url: str, headers: dict[str, str], body: bytes) -> int:
    """Perform one request; the HTTP status. OSError when nothing answered."""
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except ValueError as error:
        raise OSError(str(error)) from error
