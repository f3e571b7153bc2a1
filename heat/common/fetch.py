"""Documents read by URL: templates, files, whatever a user names with http(s).

Purpose: ``document`` is the one way to them. I/O: HTTP GET and name look-ups, in
a real thread, so that no hub waits. Invariant: http and https only, bounded size
and time, every hop of a redirect checked again, never an address of this host or
of its link (metadata services) unless an operator allows it. Neighbours:
``api.rest.instantiation`` (template_url), ``engine.documents`` (nested templates).
"""

from __future__ import annotations

import ipaddress
import json
import socket
import time
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from heat.common import errors, green
from heat.common.hurried import Forbidden, Hurried

HOPS = 5
# Networks of version 6 whose addresses end in one of version 4, to which a gateway sends on.
TRANSLATED = (ipaddress.IPv6Network('64:ff9b::/96'), ipaddress.IPv6Network('::/96'))
SECONDS = 30.0
CHUNK = 65536


def document(address: str, conf: Any, seconds: float | None = None) -> str:
    """The text behind ``address``, at most ``max_template_size`` bytes.

    ``seconds`` is how long it may take, ``template_fetch_timeout`` at most. Raises
    ValueError or OSError with the reason for what cannot or may not be read,
    RequestLimitExceeded for what is too big.
    """
    longest = conf.template_fetch_timeout
    return str(green.in_thread(read, address, conf.max_template_size, conf.allow_local_template_url,
                               longest if seconds is None else min(seconds, longest)))


def ask(address: str, question: Any, conf: Any, seconds: float) -> Any:
    """What a service of the operator's answers as JSON to ``question``, posted as JSON.

    Limits and errors as for ``document``; the address may be one of this host.
    """
    return green.in_thread(post, address, question, conf.max_template_size,
                           min(seconds, conf.template_fetch_timeout))


def post(address: str, question: Any, limit: int, seconds: float = SECONDS) -> Any:
    """As ``ask``, in this thread."""
    until = time.monotonic() + seconds
    try:
        with _session(until) as session, session.post(
                address, json=question, stream=True, timeout=min(10.0, seconds),
                allow_redirects=False) as answer:
            answer.raise_for_status()
            if answer.is_redirect:
                raise ValueError('it answers with a redirect')
            text = _text(answer, limit, until)
    except requests.RequestException as error:
        status = getattr(error.response, 'status_code', None)
        raise ValueError(f'it answers with status {status}' if status else 'it cannot be reached') from error
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError('its answer is not JSON') from error


def read(address: str, limit: int, allow_local: bool, seconds: float = SECONDS) -> str:
    """As ``document``, in this thread."""
    url, until, patience = address, time.monotonic() + seconds, min(10.0, seconds)
    with _session(until, (lambda _: False) if allow_local else is_local) as session:
        # A proxy from the environment would resolve names we have not looked at.
        session.trust_env = allow_local
        for _hop in range(HOPS):
            check(url, allow_local)
            try:
                with session.get(url, stream=True, timeout=patience, allow_redirects=False) as answer:
                    if answer.is_redirect:
                        url = urljoin(url, answer.headers['location'])
                        continue
                    answer.raise_for_status()
                    return _text(answer, limit, until)
            except requests.RequestException as error:
                raise ValueError(f'Failed to retrieve template from {shown(address)}') from error
    raise ValueError(f'Too many redirects from {shown(address)}')


def _session(until: float, forbidden: Forbidden = lambda address: False) -> requests.Session:
    session = requests.Session()
    for scheme in ('http://', 'https://'):
        session.mount(scheme, Hurried(until, forbidden))
    return session


def check(url: str, allow_local: bool) -> None:
    """Raises ValueError when ``url`` is nothing we read from."""
    parts = urlsplit(url)
    if parts.scheme not in ('http', 'https'):
        raise ValueError(f'Invalid URL scheme {parts.scheme}')
    if not parts.hostname:
        raise ValueError(f'Invalid URL {shown(url)}')
    if allow_local:
        return
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ValueError(f'Failed to retrieve template from {shown(url)}') from error
    if any(is_local(row[4][0]) for row in found):
        # The same words as for an unreachable host: who asks learns nothing of our network.
        raise ValueError(f'Failed to retrieve template from {shown(url)}')


def is_local(address: str | int) -> bool:
    """Whether an IP address means this host, its link, or nobody."""
    number = ipaddress.ip_address(str(address).split('%')[0])
    if isinstance(number, ipaddress.IPv6Address):
        carried = number.ipv4_mapped or number.sixtofour
        if any(number in network for network in TRANSLATED) and int(number) > 1:
            carried = ipaddress.IPv4Address(int(number) & 0xffffffff)
        number = carried or number
    return bool(number.is_loopback or number.is_link_local or number.is_unspecified or number.is_multicast)


def _text(answer: requests.Response, limit: int, until: float) -> str:
    parts, size = [], 0
    for chunk in answer.iter_content(CHUNK):
        size += len(chunk)
        if size > limit:
            raise errors.RequestLimitExceeded(
                message=f'Template exceeds maximum allowed size ({limit} bytes)')
        if time.monotonic() > until:
            raise ValueError('The template took too long to arrive')
        parts.append(chunk)
    return b''.join(parts).decode('utf-8')


def shown(url: str) -> str:
    """The URL without user and password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition('@')[2]
    return parts._replace(netloc=host).geturl()
