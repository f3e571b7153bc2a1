"""One request and its answer; lists page by page; every error body as a CloudFault.

Purpose: ``perform`` carries out a plugin's ``Call``. Invariant: what comes out
is the answer's data or a ``CloudFault`` with the service's own words, never a
library's exception. Neighbours: ``session`` sends, ``nova`` sends what goes to
compute, ``catalog`` names each service's dialect of errors.
"""

from __future__ import annotations

import base64
import contextlib
import html
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from heat.clouds import catalog, nova
from heat.clouds.session import Connection, LostAnswer
from heat.model import op

_KINDS = {
    400: 'BadRequest',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'NotFound',
    405: 'MethodNotAllowed',
    406: 'NotAcceptable',
    409: 'Conflict',
    413: 'OverLimit',
    429: 'OverLimit',
    500: 'InternalServerError',
    501: 'HTTPNotImplemented',
    502: 'BadGateway',
    503: 'ServiceUnavailable',
    504: 'GatewayTimeout',
}
# Where the names that users saw differ from the common ones: the client library
# of each service had its own classes.
_DIALECTS: dict[str, dict[int, str]] = {
    'nova': {429: 'RateLimit', **dict.fromkeys((500, 502, 503, 504), 'ClientException')},
    'cinder': {
        405: 'ClientException',
        409: 'ClientException',
        **dict.fromkeys((500, 502, 503, 504), 'ClientException'),
    },
    'glance': {status: f'HTTP{name}' for status, name in _KINDS.items() if not name.startswith('HTTP')},
}
# Errors of the network service that had a class of their own.
_NETWORK = frozenset(
    (
        'NetworkNotFound',
        'PortNotFound',
        'NetworkInUse',
        'PortInUse',
        'IpAddressInUse',
        'InvalidIpForNetwork',
        'OverQuota',
        'IpAddressGenerationFailure',
        'MacAddressInUse',
        'ExternalIpAddressExhausted',
        'IpAddressAlreadyAllocated',
        'HostNotCompatibleWithFixedIps',
        'NoSubnetInNetwork',
    )
)
_TAG = re.compile(r'<[^>]*>')
_HEAD = re.compile(r'<head>.*?</head>|<h1>.*?</h1>', re.DOTALL | re.IGNORECASE)
LONGEST_MESSAGE = 2000


def perform(connection: Connection, call: op.Call, request_id: str = '',
            patience: float | None = None) -> Any:
    """Send ``call`` and give the answer's JSON (``call.unwrap`` of it), text, or None if it is empty.

    ``patience``: the seconds to wait for the one answer, if not as the configuration says.
    A status in ``call.ok`` gives None. Raises CloudFault for every other error
    status, and LostAnswer when a change may or may not have been made.
    """
    send = nova.sender(connection, call) if catalog.service(call.service).name == 'compute' else None
    answer = connection.request(
        call.service,
        call.method,
        call.path,
        body=call.body,
        query=call.query,
        headers=call.headers,
        request_id=request_id,
        send=send,
        patience=patience,
    )
    if answer.status_code in call.ok:
        return None
    if answer.status_code >= 300:
        raise fault(call.service, answer)
    if call.header == '*':
        return {name.lower(): value for name, value in answer.headers.items()}
    if call.header:
        return answer.headers.get(call.header, '')
    if call.encoded:
        return base64.b64encode(answer.content).decode('ascii')
    data = _data(answer)
    for key in () if call.unwrap is None else call.unwrap.split('.'):
        try:
            data = data[int(key)] if isinstance(data, list) else data[key]
        except (LookupError, TypeError, ValueError):
            raise _senseless(call, call.unwrap or '', answer) from None
    if call.identify and call.makes:
        inside = data
        for key in call.identify.split('.'):
            if not isinstance(inside, dict) or inside.get(key) is None:
                raise _senseless(call, call.identify, answer)
            inside = inside[key]
    return data


def _senseless(call: op.Call, lacks: str, answer: requests.Response) -> op.CloudFault:
    # What a proxy says with status 200 does not tell whether a change was made.
    cls = LostAnswer if call.mutating else op.CloudFault
    return cls(answer.status_code, f'The answer of the {call.service} service has no "{lacks}".',
               call.service, _request_id(answer), 'BadAnswer')


def pages(
    connection: Connection,
    service: str,
    path: str,
    key: str | None,
    query: dict[str, Any] | None = None,
    request_id: str = '',
) -> Iterator[list[Any]]:
    """The list's pages, each a list of objects; ``key`` is the body's member that holds them.

    Follows whatever the service offers: ``<key>_links``, ``links`` or ``next``.
    CloudFault as ``perform``, or of kind BadAnswer when the pages make no sense.
    """
    # The path may bring a query of its own, which the next page's then replaces.
    path, _, inline = path.partition('?')
    asked: dict[str, Any] = {**parse_qs(inline, keep_blank_values=True), **(query or {})}
    seen: list[dict[str, Any]] = []
    while True:
        body = perform(connection, op.Call(service, 'GET', path, query=asked), request_id)
        items = body if key is None else (body or {}).get(key)
        if not isinstance(items, list):
            raise op.CloudFault(
                200, f'The {service} service gave no list of "{key}".', service, kind='BadAnswer'
            )
        yield items
        link = _next_link(body, key) if isinstance(body, dict) else None
        if not link:
            return
        # Only the query is taken: the host in a link is wrong behind many proxies.
        following = parse_qs(urlsplit(link).query, keep_blank_values=True)
        if not items:
            return
        if following in seen:
            # Going on would never end, and stopping would pass for the whole list.
            raise op.CloudFault(
                200,
                f'The pages of "{key}" of the {service} service lead back to themselves.',
                service,
                kind='BadAnswer',
            )
        seen.append(following)
        asked = following


def _next_link(body: dict[str, Any], key: str | None) -> str | None:
    for links in (body.get(f'{key}_links'), body.get('links'), body.get('next')):
        if isinstance(links, str):
            return links
        if isinstance(links, dict) and links.get('next'):
            return str(links['next'])
        if isinstance(links, list):
            for link in links:
                if isinstance(link, dict) and link.get('rel') == 'next':
                    return str(link.get('href') or '') or None
    return None


def fault(service: str, answer: requests.Response) -> op.CloudFault:
    """The CloudFault for an error answer."""
    name, message = _words(answer)
    if '<br' in message:
        # The image service puts HTML into its JSON.
        message = _plain(message)
    status = answer.status_code
    row = catalog.service(service)
    if row.dialect == 'neutron' and name in _NETWORK:
        kind = f'{name}Client'
    else:
        kind = _DIALECTS.get(row.dialect, {}).get(status) or _KINDS.get(status) or 'ClientException'
    message = message or f'{kind}: the {row.name} service said no more.'
    return op.CloudFault(status, message[:LONGEST_MESSAGE], row.name, _request_id(answer), kind)


def _request_id(answer: requests.Response) -> str:
    headers = answer.headers
    return headers.get('x-openstack-request-id') or headers.get('x-compute-request-id') or ''


def _data(answer: requests.Response) -> Any:
    if not answer.content:
        return None
    if 'json' in answer.headers.get('Content-Type', 'application/json'):
        try:
            return answer.json()
        except ValueError:
            return answer.text
    return answer.text


def _words(answer: requests.Response) -> tuple[str, str]:
    """(the service's name for the error or '', its sentence)."""
    data = _data(answer)
    if isinstance(data, str) and data.lstrip().startswith('{'):
        with contextlib.suppress(ValueError):
            data = json.loads(data)
    return ('', _plain(data)) if isinstance(data, str) else _inside(data)


def _plain(text: str) -> str:
    return ' '.join(html.unescape(_TAG.sub(' ', _HEAD.sub(' ', text))).split())


def _inside(data: Any) -> tuple[str, str]:
    """Look for a sentence in any of the shapes that OpenStack's services use."""
    if isinstance(data, str):
        if data.lstrip().startswith('{'):
            # Bare metal puts JSON text into JSON.
            try:
                return _inside(json.loads(data))
            except ValueError:
                pass
        return '', data
    if isinstance(data, list):
        return _inside(data[0]) if data else ('', '')
    if not isinstance(data, dict):
        return '', ''
    name = str(data.get('type') or data.get('faultcode') or '')
    for key in ('message', 'faultstring', 'detail', 'description', 'error_message', 'title', 'error'):
        value = data.get(key)
        if isinstance(value, str) and value:
            return (name, value) if key != 'error_message' else _inside(value)
    for value in data.values():
        if isinstance(value, (dict, list)):
            found = _inside(value)
            if found[1]:
                return found
    return name, ''
