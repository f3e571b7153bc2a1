"""Query parameters and body keys as tables: what a route reads is what it declares.

Purpose: name, kind, default and choices of each, in one place for reading,
refusing and describing. Invariant: a route reads no parameter that its
table does not have. Neighbours: ``api.dispatch`` hands ``Query`` to functions,
``api.rest.openapi`` describes the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import webob.exc

from heat.api import wsgi
from heat.api.wsgi import RefusedValue, Request


@dataclass(frozen=True, slots=True)
class Kind:
    """How values of a parameter are read, and what they are to a machine."""

    read: Callable[[Request, Parameter], Any]
    schema: dict[str, Any]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; an empty value is none."""

    name: str
    kind: Kind
    says: str
    default: Any = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """One key: JSON schema, what it means, and who checks it (None: its reader does)."""

    schema: dict[str, Any]
    says: str
    read: Callable[[str, Any], Any] | None = None

    def taken(self, name: str, value: Any) -> Any:
        """The value as its reader takes it; none is none."""
        return value if value is None or self.read is None else self.read(name, value)


@dataclass(frozen=True, slots=True)
class Body:
    """A body: its keys, and which of them must be there. Other keys are ignored unless ``closed``."""

    keys: Mapping[str, Key]
    required: tuple[str, ...] = ()
    closed: bool = False
    # Exactly one key, of those.
    single: bool = False

    def taken(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Every key with its value as its reader takes it; None for what was not sent."""
        return {name: key.taken(name, sent.get(name)) for name, key in self.keys.items()}


def _flag(request: Request, one: Parameter) -> Any:
    value = request.one(one.name)
    return one.default if value is None else wsgi.flag(one.name, value)


def _filled_flag(request: Request, one: Parameter) -> Any:
    given = request.GET.getall(one.name)
    return wsgi.flag(one.name, given[-1]) if given else one.default


def _choice(request: Request, one: Parameter) -> Any:
    value = request.one(one.name)
    if value is not None and value not in one.choices:
        raise RefusedValue(f'Unrecognized value "{value}" for "{one.name}", acceptable values are: '
                           f'{", ".join(one.choices)}.')
    return one.default if value is None else value


def _template_type(request: Request, one: Parameter) -> Any:
    given = request.GET.getall(one.name)
    value = given[-1] if given else one.default
    if value.lower() not in one.choices:
        raise webob.exc.HTTPBadRequest(f'Template type is not supported: Invalid template type "{value}", '
                                       f'valid types are: {", ".join(one.choices)}.')
    return value.lower()


_TEXTS = {'type': 'array', 'items': {'type': 'string'}}
TEXT = Kind(lambda request, one: request.one(one.name), {'type': 'string'})
# Given several times: all of them.
TEXTS = Kind(lambda request, one: request.several(one.name), _TEXTS, repeated=True)
# A filter: a text if given once, a list if given more often.
FILTER = Kind(lambda request, one: request.mixed((one.name,)).get(one.name), _TEXTS, repeated=True)
# Several in one, separated by commas.
LISTED = Kind(lambda request, one: request.listed(one.name), {'type': 'string'})
FLAG = Kind(_flag, {'type': 'boolean'})
# A flag that may be left out, but not be empty.
FILLED_FLAG = Kind(_filled_flag, {'type': 'boolean'})
COUNT = Kind(lambda request, one: wsgi.query_count(request, one.name), {'type': 'integer', 'minimum': 0})
CHOICE = Kind(_choice, {'type': 'string'})
TEMPLATE_TYPE = Kind(_template_type, {'type': 'string'})


class Query:
    """The parameters of one request, each read when it is asked for."""

    def __init__(self, request: Request, table: tuple[Parameter, ...]) -> None:
        self._request = request
        self._table = {one.name: one for one in table}

    def __getitem__(self, name: str) -> Any:
        """The value or its default; KeyError for one that the route does not declare."""
        one = self._table[name]
        return one.kind.read(self._request, one)

    def filters(self) -> dict[str, Any] | None:
        """All filters that were given; None if there are none."""
        # Most lists have a dozen filters and are given none.
        given = self._request.GET
        found = {name: self[name] for name, one in self._table.items()
                 if one.kind is FILTER and name in given}
        return {name: value for name, value in found.items() if value} or None


LIMIT = Parameter('limit', COUNT, 'Most rows of one answer')
MARKER = Parameter('marker', TEXT, 'Id of the last row that is known already')
SORT_KEYS = Parameter('sort_keys', TEXTS, 'Key by which rows are sorted; may be given several times')
SORT_DIR = Parameter('sort_dir', CHOICE, 'Direction of sorting', choices=('asc', 'desc'))
PAGE = (LIMIT, MARKER, SORT_KEYS, SORT_DIR)
NESTED_DEPTH = Parameter('nested_depth', COUNT, 'Depth down to which nested stacks are told')
