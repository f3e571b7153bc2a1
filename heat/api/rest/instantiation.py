"""What a create, update, preview or validate request brings, checked and parsed.

Purpose: JSON body -> template, environment, files and arguments for the engine.
Invariant: every field is read here and nowhere else; a wrong type is a 400 with
the words clients know, never a 500. Neighbours: ``api.rest.stacks`` uses it,
``template.load`` parses text, ``common.fetch`` reads template_url.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any

import webob.exc

from heat.api.faults import Refusal
from heat.api.rest import keys
from heat.api.wsgi import RefusedValue
from heat.common import errors, fetch, green
from heat.common.fault import ENVIRONMENT, TEMPLATE
from heat.common.suggest import nearest
from heat.template import load

PARSED_ELSEWHERE = 256 * 1024
EMPTY: dict[str, Any] = {
    'parameters': {}, 'encrypted_param_names': [], 'parameter_defaults': {}, 'event_sinks': [],
    'resource_registry': {}}
SECTIONS = (*EMPTY, 'parameter_merge_strategies')
NOT_TEMPLATE = 'Template not in valid format: '
NOT_ENVIRONMENT = 'Environment not in valid format: '


class Instantiation:
    """One request body; properties parse on first use, so errors come in the classic order."""

    def __init__(self, body: dict[str, Any], conf: Any, patch: bool = False) -> None:
        self._body = body
        self._conf = conf
        self._patch = patch
        self._template_text: str | None = None
        if patch:
            self._body = {**body, 'existing': True}

    @property
    def stack_name(self) -> Any:
        """The name as sent, of whatever type; HTTPBadRequest if there is none."""
        if 'stack_name' not in self._body:
            raise webob.exc.HTTPBadRequest('No stack name specified')
        return self._body['stack_name']

    def check_name(self) -> None:
        """StackValidationFailed unless the name is a text; the engine checks the rest of it."""
        name = self.stack_name
        if not isinstance(name, str):
            raise errors.StackValidationFailed(message=f'Invalid stack name {name}, must be a string')

    @cached_property
    def adopted(self) -> dict[str, Any] | None:
        """The parsed ``adopt_stack_data``, None if this is no adoption."""
        if 'adopt_stack_data' not in self._body:
            return None
        text = self._body['adopt_stack_data']
        if not isinstance(text, str):
            raise webob.exc.HTTPBadRequest()
        # Not yet a template, so read with the looser rules of an environment.
        data = self._parsed(text, 'Invalid adopt data: Error parsing template [root stack] ', 'environment')
        if not isinstance(data.get('template'), dict):
            raise webob.exc.HTTPBadRequest("Invalid adopt data: 'template'")
        return data

    @cached_property
    def template(self) -> dict[str, Any] | None:
        """The template as a mapping; None only for a PATCH without one."""
        if self.adopted is not None:
            return self.adopted['template']
        given = self._body.get('template')
        if given is None:
            address = self._body.get('template_url')
            if address is None:
                if self._patch:
                    return None
                raise webob.exc.HTTPBadRequest('No template specified')
            if not isinstance(address, str):
                raise webob.exc.HTTPBadRequest()
            try:
                given = fetch.document(address, self._conf)
            except (OSError, ValueError) as error:
                raise webob.exc.HTTPBadRequest(f'Could not retrieve template: {error}') from error
        if isinstance(given, dict):
            # Text is measured as sent; of an object nobody kept the text, so its JSON form counts.
            with _wording(NOT_TEMPLATE):
                size = _length(given)
                if size > PARSED_ELSEWHERE:
                    green.in_thread(load.check_depth, given)
                else:
                    load.check_depth(given)
            self._measure(size)
            return given
        if not isinstance(given, str):
            raise webob.exc.HTTPBadRequest()
        self._measure(len(given.encode('utf-8', 'surrogatepass')))
        self._template_text = given
        return self._parsed(given, NOT_TEMPLATE, 'template')

    def _parsed(self, text: str, place: str, what: str) -> dict[str, Any]:
        """YAML or JSON text as a mapping; HTTPBadRequest beginning with ``place``."""
        parse = partial(load.parse, max_bytes=self._conf.max_json_body_size, what=what)
        with _wording(place):
            # PyYAML holds a hub for seconds on big text; a real thread does not.
            return green.in_thread(parse, text) if len(text) > PARSED_ELSEWHERE else parse(text)

    def _measure(self, size: int) -> None:
        limit = self._conf.max_template_size
        if size > limit:
            raise errors.RequestLimitExceeded(
                message=f'Template size ({size} bytes) exceeds maximum allowed size ({limit} bytes).')

    @cached_property
    def environment(self) -> dict[str, Any]:
        """The environment with all its sections and the parameters laid over its own.

        With ``environment_files`` the inline environment is not looked at: the
        engine merges the named files itself.
        """
        given = None if self.environment_files else self._body.get('environment')
        if given is None and self.adopted is not None:
            given = self.adopted.get('environment')
        if isinstance(given, str):
            given = self._parsed(given, NOT_ENVIRONMENT, 'environment')
        try:
            environment = {**EMPTY, **_checked({} if given is None else given)}
        except Refusal as refusal:
            refusal.faults = self.lines_of(refusal.faults)
            raise
        extra = self._body.get('parameters') or {}
        if not isinstance(extra, dict):
            raise RefusedValue('"parameters" must be an object of names and values.')
        environment['parameters'] = {**environment['parameters'], **extra}
        return environment

    @property
    def files(self) -> dict[str, Any]:
        files = self._body.get('files')
        if files is None and self.adopted is not None:
            files = self.adopted.get('files')
        if files and not isinstance(files, dict):
            raise RefusedValue('"files" must be an object of names and contents.')
        return dict(files or {})

    @property
    def environment_files(self) -> list[str] | None:
        names = self._body.get('environment_files') or None
        if names is not None and not (isinstance(names, list) and all(isinstance(n, str) for n in names)):
            raise RefusedValue('"environment_files" must be a list of file names.')
        return names

    @property
    def files_container(self) -> str | None:
        name = self._body.get('files_container')
        if name is not None and not isinstance(name, str):
            raise RefusedValue('"files_container" must be a text.')
        return name

    @property
    def arguments(self) -> dict[str, Any]:
        """The rest: timeout, rollback flag, tags..., checked."""
        args = {}
        # Later clients may send more; what is unknown is dropped, as it always was.
        for name, value in self._body.items():
            key = keys.ARGUMENTS.get(name)
            # A flag that is null is none, and not false.
            if key is not None and not (value is None and key.schema is keys.FLAG):
                args[name] = key.taken(name, value)
        return args

    @property
    def changes_nothing(self) -> bool:
        """Whether a PATCH asks for nothing but to look again."""
        return (self.template is None and self.environment == EMPTY and not self.files
                and not self.environment_files and not self.files_container
                and set(self.arguments) <= {'existing', 'client_request_token'})

    @contextmanager
    def located(self) -> Iterator[None]:
        """Errors raised inside tell the lines of what was sent as text."""
        try:
            yield
        except errors.HeatException as error:
            error.faults = self.lines_of(error.faults)
            raise

    def lines_of(self, faults: tuple[errors.Fault, ...]) -> tuple[errors.Fault, ...]:
        """``faults`` with line and column, as far as they stand in a text that was sent."""
        wanted = {one.source for one in faults if one.line is None}
        names = self.environment_files or []
        sources: dict[str, str] = {}
        for name, text in ((TEMPLATE, self._template_text), (ENVIRONMENT, self._body.get('environment'))):
            if name in wanted and isinstance(text, str) and not (name == ENVIRONMENT and names):
                sources[name] = text
        for name in {*wanted, *(names if ENVIRONMENT in wanted else ())} - {TEMPLATE, ENVIRONMENT}:
            text = self.files.get(name)
            if isinstance(text, str):
                sources[name] = text
        if not sources:
            return faults
        put = partial(load.placed, faults, sources, names)
        large = sum(len(text) for text in sources.values()) > PARSED_ELSEWHERE
        return green.in_thread(put) if large else put()

    def to_engine(self) -> dict[str, Any]:
        """The arguments that create, update and both previews share."""
        return {'template': self.template, 'params': self.environment, 'files': self.files,
                'environment_files': self.environment_files, 'files_container': self.files_container,
                'args': self.arguments}


def _length(value: Any, levels: int = 3) -> int:
    """How many characters ``value`` has as JSON; counted in portions, between which others run."""
    if not levels or not isinstance(value, dict) or not value:
        return len(json.dumps(value))
    return sum(len(json.dumps(key)) + 4 + _length(one, levels - 1)
               for key, one in green.at_ease(value.items()))


@contextmanager
def _wording(place: str) -> Iterator[None]:
    """What the parser refuses, as HTTPBadRequest beginning with ``place``."""
    try:
        yield
    except errors.RequestLimitExceeded:
        raise
    except (errors.HeatException, ValueError) as error:
        raise Refusal(place, error) from error


def _checked(given: Any) -> dict[str, Any]:
    """The environment, if it has only sections we know, each of its kind."""
    if not isinstance(given, dict):
        raise webob.exc.HTTPBadRequest()
    found = errors.Collected()
    for section, content in given.items():
        sentence = _section_fault(section, content)
        if sentence:
            near = nearest(section, SECTIONS) if section not in SECTIONS and not found.full else None
            found.add(errors.Error(message=sentence).at((section,), source=ENVIRONMENT, suggestion=near))
    error = found.error()
    if error is not None:
        raise Refusal(NOT_ENVIRONMENT, error)
    return given


def _section_fault(section: str, content: Any) -> str | None:
    if section not in SECTIONS:
        return f'environment has wrong section "{section}"'
    if content is None:
        return f'environment has empty section "{section}"'
    kind, word = (list, 'a list') if isinstance(EMPTY.get(section, {}), list) else (dict, 'a map')
    return None if isinstance(content, kind) else f'section "{section}" must be {word}'
