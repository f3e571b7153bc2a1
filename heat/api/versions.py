"""Which version of an API a request means, and the document that lists them.

Purpose: take ``/v1`` or ``/v1.0`` off the path, accept the version in an Accept
header, answer the rest. Invariant: what passes has its version in SCRIPT_NAME,
so links keep it. Neighbours: ``api.filters`` puts it into pipelines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import webob
import webob.exc

from heat.api.aws import SMITHY, TARGET
from heat.api.wsgi import json_response

KNOWN = ('v1', 'v1.0')
IN_PATH = re.compile(r'v(\d+)\.?(\d+)?')
DESCRIPTION = '/openapi.json'
ACCEPT = 'application/vnd.openstack.orchestration-'


class VersionNegotiation:
    """The filter; all dialects speak version 1.0.

    ``describe`` makes the description of the API that reaches clients at an address.
    """

    def __init__(self, application: Any, describe: Callable[[str], Any] | None = None) -> None:
        self._application = application
        self._describe = describe

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = webob.Request(environ)
        answer = self._answer(request) or self._application
        return answer(environ, start_response)

    def _answer(self, request: webob.Request) -> webob.Response | None:
        try:
            path = request.path_info
        except UnicodeDecodeError:
            return webob.exc.HTTPBadRequest()
        if path.strip('/') in ('', 'versions'):
            return document(request)
        first = request.path_info_peek()
        if IN_PATH.match(first or ''):
            if first not in KNOWN:
                return document(request)
            request.path_info_pop()
            if self._describe and request.path_info == DESCRIPTION and request.method in ('GET', 'HEAD'):
                return json_response(self._describe(request.application_url))
            return None
        accept = request.headers.get('Accept', '')
        if not accept.startswith(ACCEPT):
            return webob.exc.HTTPNotFound()
        return None if accept[len(ACCEPT):] in KNOWN else document(request)


class QueryNegotiation(VersionNegotiation):
    """Lets queries of AWS clients pass wherever they were sent: their path means nothing.

    Neither a slash at the end nor a version is asked for, since each client makes
    its own path of the address it was given. The path stays as it was signed.
    """

    def _answer(self, request: webob.Request) -> webob.Response | None:
        if not is_query(request):
            return super()._answer(request)
        first = request.path_info_peek()
        if IN_PATH.fullmatch(first or '') and first not in KNOWN:
            return document(request)
        return None


def is_query(request: webob.Request) -> bool:
    """Whether this is a call of an action: a form, or an address or a header that says so."""
    try:
        if request.method == 'POST' and (TARGET in request.headers or SMITHY in request.headers):
            return True
        form = request.method == 'POST' and request.content_type == 'application/x-www-form-urlencoded'
        return form or (request.method in ('GET', 'POST') and 'Action' in request.GET)
    except UnicodeDecodeError:
        return False


def document(request: webob.Request) -> webob.Response:
    """300 with the one version there is."""
    link = {'rel': 'self', 'href': f'{request.application_url}/v1/'}
    return json_response({'versions': [{'id': 'v1.0', 'status': 'CURRENT', 'links': [link]}]}, 300)
