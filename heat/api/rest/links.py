"""Addresses in answers: links, the Location header, the link to the next page.

Purpose: a stack, resource or event identity -> its URL as this client reaches
us. Invariant: built from the request's own root, so any URL prefix or proxy
works. Neighbours: all shaping modules of ``api.rest``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from heat.api.wsgi import Request
from heat.common.ids import StackId


def url(request: Request, identity: dict[str, Any]) -> str:
    """The URL of a stack, resource or event identity."""
    return request.root + StackId.from_wire(identity).url_path()


def stack_of(identity: dict[str, Any]) -> dict[str, Any]:
    """The identity of the stack that a resource or event identity lies in."""
    return {**identity, 'path': ''}


def link(request: Request, identity: dict[str, Any], rel: str = 'self') -> dict[str, str]:
    return {'href': url(request, identity), 'rel': rel}


def next_page(request: Request, marker: str) -> dict[str, str]:
    """The link to the page after the row with id ``marker``, all other parameters kept."""
    kept = [(name, value) for name, value in request.GET.items() if name != 'marker']
    return {'href': f'{request.path_url}?{urlencode([*kept, ("marker", marker)])}', 'rel': 'next'}
