"""A name for each request, in its environment and in its answer.

Purpose: what ``oslo_middleware.RequestId`` does, without making an object of each request and answer for it.
Invariant: keys, header and what is taken from a client are that library's. Neighbours: ``api.filters`` puts
it into pipelines and reads the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import webob.exc
from oslo_context import context
from oslo_middleware import request_id

HEADER = request_id.HTTP_RESP_HEADER_REQUEST_ID
# The name that another service gave to all that it asks for one purpose.
_GIVEN = 'HTTP_' + request_id.INBOUND_HEADER.upper().replace('-', '_')
_FORM = re.compile(request_id.ID_FORMAT)


class RequestIds:
    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        given = environ.get(_GIVEN, '')
        if _FORM.match(given):
            environ[request_id.GLOBAL_REQ_ID] = given
        name = environ[request_id.ENV_REQUEST_ID] = context.generate_request_id()

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if not any(header.lower() == HEADER for header, _value in headers):
                headers = [*headers, (HEADER, name)]
            return start_response(status, headers, *more)

        try:
            return self._application(environ, start)
        except webob.exc.HTTPException as error:
            # As there: what an application raises, instead of answering, goes out as it is.
            return error(environ, start_response)
