"""Requests, bodies and values: what clients send, read once and checked.

Purpose: the part of HTTP that all front-ends share. Invariant: whatever a client
sends, this module reads or refuses with a 4xx; nothing here knows a stack.
Neighbours: ``api.dispatch`` and the functions behind it read with this,
``api.faults`` turns what is raised into an answer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from functools import partial
from typing import Any

import webob
import webob.exc

from heat.common import errors, green
from heat.common.context import RequestContext
from heat.common.text import half_of

CONTEXT = 'heat.context'
ROOT = 'heat.root'
DEPTH = 200
# From so many bytes on, a body is looked through in a real thread.
LONG = 256 * 1024
_WHOLE = re.compile('[+-]?[0-9]+')
MOST = 2 ** 63 - 1
# Bytes cannot hold half a character, but an escape in them can name one.
_HALF = re.compile(rb'\\u[dD][89a-fA-F]')
TOO_DEEP = 'The JSON body is nested too deeply.'
JSON_TYPES = ('', 'application/json', 'text/plain')


class RefusedValue(ValueError):
    """A value we refuse; on the wire a ``ValueError`` whose text may be shown."""


class RefusedType(AttributeError):
    """A value of the wrong JSON type; on the wire an ``AttributeError`` with its text."""


class Request(webob.Request):
    """A request with the heat context, if the context filter has run."""

    @property
    def context(self) -> RequestContext:
        return self.environ[CONTEXT]

    @property
    def root(self) -> str:
        """The URL at which the client reaches us, worked out once: a long list has a link in each row."""
        if ROOT not in self.environ:
            self.environ[ROOT] = self.application_url
        return str(self.environ[ROOT])

    def one(self, name: str) -> str | None:
        """The last non-empty value of a query parameter, or None."""
        values = [value for value in self.GET.getall(name) if value]
        return values[-1] if values else None

    def several(self, name: str) -> list[str] | None:
        """All non-empty values of a query parameter, or None."""
        return [value for value in self.GET.getall(name) if value] or None

    def listed(self, name: str) -> list[str] | None:
        """A comma separated query parameter, or None."""
        value = self.one(name)
        return [part.strip() for part in value.split(',')] if value else None

    def mixed(self, names: Iterable[str]) -> dict[str, Any]:
        """The filters among ``names``: a text if given once, a list if given more often."""
        found = {name: self.several(name) for name in names}
        return {name: values[0] if len(values) == 1 else values
                for name, values in found.items() if values}


def flag(name: str, value: Any) -> bool:
    """True or false as a JSON boolean or as ``true``/``false`` in any case; else HTTPBadRequest."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ('true', 'false'):
        return value.lower() == 'true'
    raise webob.exc.HTTPBadRequest(
        f'Unrecognized value "{value}" for "{name}", acceptable values are: true, false.')


def query_flag(request: Request, name: str, default: bool = False) -> bool:
    """A boolean query parameter; absent or empty means ``default``."""
    value = request.one(name)
    return default if value is None else flag(name, value)


def count(name: str, value: Any) -> int:
    """A non-negative integer, or its text; else HTTPBadRequest."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole and not (isinstance(value, str) and _WHOLE.fullmatch(value.strip())):
        raise webob.exc.HTTPBadRequest(f"Only integer is acceptable by '{name}'.")
    # Python reads no number of thousands of digits, and no database counts so far.
    number = int(value) if whole or len(value) < 30 else MOST + 1
    if number < 0:
        raise webob.exc.HTTPBadRequest(
            f"Value '{value}' is invalid for '{name}' which only accepts non-negative integer.")
    if number > MOST:
        raise webob.exc.HTTPBadRequest(f"The value of '{name}' may be {MOST} at most.")
    return number


def query_count(request: Request, name: str) -> int | None:
    """A non-negative integer query parameter, None if absent or empty."""
    value = request.one(name)
    return None if value is None else count(name, value)


def generations(request: Request) -> tuple[int, ...]:
    """The generations that If-Match names; none for ``*``, which any stack that is there meets."""
    given = request.headers['If-Match'].strip()
    if given == '*':
        return ()
    tags = [part.strip() for part in given.split(',')]
    if not all(len(tag) < 20 and tag[:1] == tag[-1:] == '"' and tag[1:-1].isascii() and tag[1:-1].isdecimal()
               for tag in tags):
        raise webob.exc.HTTPBadRequest('If-Match must be the ETag of the stack, for example "3", or *.')
    return tuple(int(tag[1:-1]) for tag in tags)


def json_body(request: Request, limit: int) -> dict[str, Any] | None:
    """The JSON object of a request, or None where the classic sees no body.

    Only bodies that begin with ``{`` and carry a JSON, text or no content type
    count. Raises RequestLimitExceeded above ``limit`` bytes and HTTPBadRequest
    with the parser's words for broken JSON.
    """
    if not request.is_body_readable:
        return None
    size = request.content_length
    raw = b''
    if size is None:
        raw = request.body_file.read(limit + 1)
        size = len(raw)
    if size > limit:
        raise errors.RequestLimitExceeded(
            message=f'JSON body size ({size} bytes) exceeds maximum allowed size ({limit} bytes).')
    if (request.content_type or '').lower() not in JSON_TYPES:
        return None
    raw = raw or request.body
    if not raw.startswith(b'{'):
        return None
    try:
        data = json.loads(raw.decode('utf-8'))
    except RecursionError as error:
        raise webob.exc.HTTPBadRequest(TOO_DEEP) from error
    except ValueError as error:
        said = str(error) if 'digits' not in str(error) else 'A number in the JSON body has too many digits.'
        raise webob.exc.HTTPBadRequest(said) from error
    looked_at = partial(_check, data, _HALF.search(raw) is not None)
    if len(raw) > LONG:
        green.in_thread(looked_at)
    else:
        looked_at()
    return data


def _check(data: Any, escaped: bool) -> None:
    _check_depth(data)
    half = half_of(data) if escaped else None
    if half:
        raise webob.exc.HTTPBadRequest(f'The JSON body has the escape {half}, which is half a character.')


def _check_depth(data: Any) -> None:
    """HTTPBadRequest for what could not be written as JSON again: too deep, or no finite number."""
    level = [data]
    for _depth in range(DEPTH):
        children = [child for node in level for child in (node.values() if isinstance(node, dict) else node)]
        for child in children:
            if isinstance(child, float) and not math.isfinite(child):
                raise webob.exc.HTTPBadRequest(f'The number {child} cannot be expressed in JSON.')
        level = [child for child in children if isinstance(child, (dict, list))]
        if not level:
            return
    raise webob.exc.HTTPBadRequest(TOO_DEEP)


def json_response(result: Any, status: int = 200, headers: dict[str, str] | None = None) -> webob.Response:
    """``result`` as JSON; values JSON does not know become text."""
    body = json.dumps(result, default=str).encode('utf-8')
    response = webob.Response(body=body, status=status, content_type='application/json', charset=None)
    response.headers.update(headers or {})
    return response
