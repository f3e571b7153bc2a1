"""From a route table to the function that answers.

Purpose: address and method -> identity check, policy, body, function, response.
Invariant: a function runs only for a caller whose project and policy allow it,
and whatever it raises becomes a fault of its dialect. Neighbours:
``api.rest.routes`` and the AWS ``app`` modules bring the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import webob
import webob.exc
from routes import Mapper

from heat.api.parameters import Body, Parameter, Query
from heat.api.wiring import Wiring
from heat.api.wsgi import CONTEXT, Request, generations, json_body, json_response
from heat.common import ids
from heat.common.context import RequestContext

# Headers on which the meaning of a change depends: a route that does not heed one refuses it.
CONDITION, KEY = 'If-Match', 'Idempotency-Key'
METHODS = ('HEAD', 'GET', 'POST', 'PUT', 'PATCH', 'DELETE')
OPTIONS = 'OPTIONS'
# So many paths of at most so many characters are remembered with their routes.
MOST_KNOWN, SHORT = 1000, 300


@dataclass(frozen=True, slots=True)
class Call:
    """One matched request on its way to its function."""

    request: Request
    wiring: Wiring
    path: dict[str, str]
    sent: dict[str, Any] | None = None
    table: tuple[Parameter, ...] = ()

    @property
    def context(self) -> RequestContext:
        return self.request.context

    @property
    def query(self) -> Query:
        """The parameters that the route declares."""
        return Query(self.request, self.table)

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object sent; an empty one where the route allows none."""
        return self.sent or {}

    @property
    def stack(self) -> dict[str, str]:
        """The identity the address names. The project is the context's: admins keep their own."""
        return ids.StackId(self.context.tenant_id or '', self.path['stack_name'],
                           self.path['stack_id']).to_wire()

    def engine(self, method: str, **kwargs: Any) -> Any:
        return self.wiring.engine.call(self.context, method, **kwargs)

    def allow(self, rule: str) -> None:
        """Raises errors.Forbidden when the policy refuses ``rule`` to the caller."""
        self.wiring.policy.enforce(self.context, rule)


@dataclass(frozen=True, slots=True)
class Route:
    """One line of a route table.

    ``body`` is ``none`` (one sent is an error), ``required``, ``optional`` or
    ``raw`` (the function reads it itself);
    ``rule`` the policy rule checked first, None if the function checks its own;
    ``heeds`` the headers that it knows besides those all know, ``query`` the
    parameters that it reads; ``sends`` describes the body,
    ``tells`` names the object in the answer.
    """

    method: str
    function: Callable[[Call], Any]
    rule: str | None = None
    body: str = 'none'
    status: int = 200
    heeds: tuple[str, ...] = ()
    query: tuple[Parameter, ...] = ()
    sends: Body | None = None
    tells: str = ''


@dataclass(frozen=True, slots=True)
class Address:
    """A path and its routes; ``closed`` answers other methods with 405 and OPTIONS with 204."""

    path: str
    routes: tuple[Route, ...]
    closed: bool = True


class Dispatcher:
    """A WSGI application over a table of addresses, matched in order.

    ``render`` makes the dialect's fault of whatever a function raises. It works
    here and not in a filter, because filters of other projects turn raised HTTP
    errors into plain text on their way out. ``admit`` raises for a caller who asks too often.
    """

    def __init__(self, table: Iterable[Address], wiring: Wiring,
                 render: Callable[[Request, Exception], webob.Response],
                 admit: Callable[[RequestContext], None] = lambda context: None) -> None:
        self._wiring = wiring
        self._render = render
        self._admit = admit
        # One for each method: Routes tries all that it has, one after the other.
        self._mappers = {method: _mapper() for method in (*METHODS, OPTIONS)}
        # What was found for paths, since the same ones are asked for again and again.
        self._known: dict[tuple[str, str], dict[str, str]] = {}
        # Routes keeps texts only, so it is given the number of a route.
        self._routes: list[Route] = []
        for address in table:
            self._connect(address)
        for mapper in self._mappers.values():
            mapper.create_regs()

    def _connect(self, address: Address) -> None:
        offered = [route.method for route in address.routes]
        for route in address.routes:
            self._mappers[route.method].connect(None, address.path, target=str(len(self._routes)))
            self._routes.append(route)
        if not address.closed:
            return
        allow = ','.join(offered)
        for method, mapper in self._mappers.items():
            if method not in offered:
                mapper.connect(None, address.path, target='options' if method == OPTIONS else 'refuse',
                               allow=allow)

    def found(self, method: str, path: str) -> dict[str, str] | None:
        """The variables of the path, and ``target``: the number of the route in its table, or a word."""
        known = self._known.get((method, path))
        if known is not None:
            return dict(known)
        mapper = self._mappers.get(method)
        matched: dict[str, str] | None = mapper.match(path) if mapper is not None else None
        if matched is not None and len(path) <= SHORT:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[method, path] = dict(matched)
        return matched

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        try:
            response = self._answer(request)
        except Exception as error:
            response = self._render(request, error)
        return response(environ, start_response)

    def _answer(self, request: Request) -> webob.Response:
        found = self.found(request.method, request.path_info)
        if found is None:
            return webob.exc.HTTPNotFound()
        target, allow = found.pop('target'), found.pop('allow', '')
        if target == 'options':
            return _bare(204, {'Allow': allow})
        if target == 'refuse':
            raise webob.exc.HTTPMethodNotAllowed()
        return self._serve(request, self._routes[int(target)],
                           {k: v for k, v in found.items() if v is not None})

    def _serve(self, request: Request, route: Route, path: dict[str, str]) -> webob.Response:
        self._admit(request.context)
        try:
            # Read now, so that no function has to mind.
            len(request.GET)
        except UnicodeDecodeError as error:
            raise webob.exc.HTTPBadRequest('The query of the address is not UTF-8.') from error
        sent = None
        if route.body != 'raw':
            sent = json_body(request, self._wiring.conf.max_json_body_size)
        call = Call(request, self._wiring, path, sent, route.query)
        self._identify(call)
        if route.rule:
            call.allow(route.rule)
        if (route.body == 'required' and sent is None) or (route.body == 'none' and sent is not None):
            raise webob.exc.HTTPBadRequest()
        _heed(route, call.request)
        result = route.function(call)
        if isinstance(result, webob.Response):
            return result
        if route.status == 202:
            return webob.exc.HTTPAccepted()
        if route.status == 204:
            return _bare(204)
        return json_response(result, route.status)

    def _identify(self, call: Call) -> None:
        """The project in the address must be the caller's own, unless the caller is an admin."""
        tenant = call.path.get('tenant_id')
        if tenant is not None and tenant != call.context.tenant_id and not call.context.is_admin:
            raise webob.exc.HTTPForbidden()


def _mapper() -> Mapper:
    mapper = Mapper(register=False)
    mapper.minimization = False
    return mapper


def _heed(route: Route, request: Request) -> None:
    """If-Match becomes part of the context; what a change would not heed is refused."""
    if route.method == 'GET':
        return
    for header in (CONDITION, KEY):
        if header in request.headers and header not in route.heeds:
            raise webob.exc.HTTPBadRequest(f'The header {header} is not supported with this request.')
    if CONDITION in request.headers:
        request.environ[CONTEXT] = replace(request.context, generations=generations(request))


def _bare(status: int, headers: dict[str, str] | None = None) -> webob.Response:
    """An answer without body and content type."""
    response = webob.Response(status=status)
    response.headers.pop('Content-Type', None)
    response.headers.pop('Content-Length', None)
    response.headers.update(headers or {})
    return response
