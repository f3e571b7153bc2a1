"""The orchestration API described for machines: OpenAPI 3.1.

Purpose: ``/v1/openapi.json``, made of the route table and the tables of
parameters, keys and objects. Invariant: what is described is what is served,
since both are the same tables. It says nothing of any project, so it asks for no
token. Neighbours: ``api.versions`` answers with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from heat.api.dispatch import CONDITION, KEY, Address, Route
from heat.api.parameters import Body, Parameter
from heat.api.rest import graph, objects, stream
from heat.api.rest.routes import ROUTES, TENANT
from heat.version import VERSION

Json = dict[str, Any]
TOKEN = 'X-Auth-Token'
HEADERS: dict[str, tuple[str, Json]] = {
    CONDITION: ('The ETag of the stack, or several; it is changed only if it is still there as that',
                {'type': 'string', 'pattern': r'^(\*|"[0-9]{1,17}"( *, *"[0-9]{1,17}")*)$'}),
    KEY: ('Makes a repeated request the same one',
          {'type': 'string', 'pattern': '^[!-~]([ -~]{0,126}[!-~])?$'})}
FAULT: Json = {'description': 'A fault', 'content': {'application/json': {'schema': objects.ref('fault')}}}
REFUSED: Json = {'description': 'No token, or none that is good', 'content': {
    'application/json': {'schema': objects.ref('unauthorized')}}}
PLACE = re.compile(r'\{(\w+)(?::([^{}]+))?\}')


def document(address: str) -> Json:
    """The document, for who reaches the API at ``address``."""
    return {**_described(), 'servers': [{'url': address}]}


@cache
def _described() -> Json:
    paths: dict[str, Json] = {}
    for one in ROUTES:
        # The ARN of a stack stands where its name does.
        if 'arn' in one.path:
            continue
        for path in _spelled(one.path):
            for route in one.routes:
                paths.setdefault(path, {})[route.method.lower()] = _operation(one, route, path)
    return {
        'openapi': '3.1.0', 'info': {'title': 'Heat orchestration', 'version': VERSION},
        'paths': paths, 'security': [{'token': []}],
        'components': {
            'schemas': {**objects.SCHEMAS, **objects.OBJECTS},
            'securitySchemes': {'token': {'type': 'apiKey', 'in': 'header', 'name': TOKEN}}}}


def _spelled(path: str) -> Iterator[str]:
    """The path, once for each of its choices."""
    for match in PLACE.finditer(path):
        if match[2]:
            for choice in match[2].split('|'):
                yield path[:match.start()] + choice + path[match.end():]
            return
    yield path


def _operation(one: Address, route: Route, path: str) -> Json:
    module, name = route.function.__module__.rpartition('.')[2], route.function.__name__
    words = re.sub(r'\W+', '_', path.removeprefix(TENANT)).strip('_')
    shown: Json = {
        'operationId': f'{route.method.lower()}_{words}', 'tags': [module],
        'summary': (route.function.__doc__ or name.replace('_', ' ')).strip().split('\n')[0],
        'parameters': [{'name': match[1], 'in': 'path', 'required': True, 'schema': {'type': 'string'}}
                       for match in PLACE.finditer(path)],
        'responses': {str(_status(route)): _answer(route), '401': REFUSED, 'default': FAULT}}
    shown['parameters'] += [_parameter(each) for each in route.query]
    if route.method != 'GET':
        shown['parameters'] += [{'name': header, 'in': 'header', 'description': HEADERS[header][0],
                                 'schema': HEADERS[header][1]} for header in route.heeds]
    if route.rule:
        shown['x-policy'] = route.rule
    if route.sends is not None:
        shown['requestBody'] = {
            'required': route.body == 'required',
            'content': {'application/json': {'schema': _body(route.sends)}}}
    return shown


def _status(route: Route) -> int:
    if route.function.__name__ == 'lookup':
        return 302
    # A creation says so itself, since it has a Location.
    return 201 if route.tells == 'stack_created' else route.status


def _parameter(one: Parameter) -> Json:
    schema = dict(one.kind.schema)
    if one.choices:
        schema['enum'] = list(one.choices)
    if one.default is not None:
        schema['default'] = one.default
    return {'name': one.name, 'in': 'query', 'description': one.says, 'schema': schema}


def _body(body: Body) -> Json:
    properties = {name: {**key.schema, 'description': key.says} for name, key in body.keys.items()}
    schema: Json = {'type': 'object', 'properties': properties}
    if body.required:
        schema['required'] = list(body.required)
    if body.closed or body.single:
        schema['additionalProperties'] = False
    if body.single:
        schema |= {'minProperties': 1, 'maxProperties': 1}
    return schema


def _answer(route: Route) -> Json:
    status = _status(route)
    if status == 302:
        return {'description': 'Where the stack is', 'headers': {'Location': {'schema': {'type': 'string'}}}}
    if status in (202, 204):
        return {'description': 'It is begun' if status == 202 else 'It is gone, or on its way'}
    schema = objects.ref(route.tells) if route.tells else {'type': 'null'}
    content: Json = {'application/json': {'schema': schema}}
    if route.tells == 'events':
        content[stream.TYPE] = {'schema': {'type': 'string'}}
    if route.tells == 'graph':
        content[graph.DOT] = {'schema': {'type': 'string'}}
    answer: Json = {'description': 'What was asked for', 'content': content}
    if route.tells == 'stack':
        answer['headers'] = {'ETag': {'schema': {'type': 'string'}}}
    return answer
