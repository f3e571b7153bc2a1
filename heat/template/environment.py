"""Environments: what a user or operator gives beside the template.

Purpose: read the sections, merge several files, show what may be shown. Invariant:
immutable; plain data only; sections and merge rules follow the recorded interface.
Neighbours: ``registry`` gives meaning to resource_registry, ``schema.parameters``
binds parameters and defaults.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from heat.common import errors
from heat.common.fault import ENVIRONMENT
from heat.schema.kinds import UNKNOWN
from heat.schema.parameters import MASK, ParameterSchema
from heat.schema.suggest import nearest
from heat.template.load import parse
from heat.template.registry import check_registry

SECTIONS = ('parameters', 'resource_registry', 'parameter_defaults', 'encrypted_param_names',
            'event_sinks', 'parameter_merge_strategies')
_LISTS = ('encrypted_param_names', 'event_sinks')
OVERWRITE, MERGE, DEEP_MERGE = 'overwrite', 'merge', 'deep_merge'
_SINK_KEYS = {'zaqar-queue': ('type', 'target', 'ttl')}
# What the messaging service takes: a queue's name, and the life of a message in seconds.
_QUEUE = re.compile(r'[a-zA-Z0-9_.-]{1,64}')
SHORTEST_TTL = 60


@dataclass(frozen=True, slots=True)
class Environment:
    """``resource_registry`` is as written; ``encrypted_param_names`` is kept and not for users."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    resource_registry: Mapping[str, Any] = field(default_factory=dict)
    parameter_defaults: Mapping[str, Any] = field(default_factory=dict)
    encrypted_param_names: tuple[str, ...] = ()
    event_sinks: tuple[Any, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | None, *, strict: bool = False) -> Environment:
        """An environment of plain data.

        ``strict`` is the API's reading: unknown and null sections are refused with
        ValueError and the classic sentence. Else a map without ``parameters`` is taken
        as parameters, known sections aside. Raises InvalidBreakPointHook,
        InvalidRestrictedAction and StackValidationFailed for a faulty registry.
        """
        data = data or {}
        if strict:
            check_sections(data)
        sections = {name: data.get(name) for name in SECTIONS}
        if not strict and 'parameters' not in data:
            sections['parameters'] = {k: v for k, v in data.items() if k not in SECTIONS}
        for name, value in sections.items():
            wanted = list if name in _LISTS else dict
            if value is not None and not isinstance(value, (wanted, tuple) if wanted is list else dict):
                raise errors.StackValidationFailed(
                    message=f'The "{name}" section of an environment must be a {_NOUN[wanted]}.').at(
                        (name,), value=value, expected=f'a {_NOUN[wanted]}', source=ENVIRONMENT)
        registry = sections['resource_registry'] or {}
        check_registry(registry)
        for number, sink in enumerate(sections['event_sinks'] or ()):
            _check_sink(number, sink)
        return cls(dict(sections['parameters'] or {}), dict(registry),
                   dict(sections['parameter_defaults'] or {}),
                   tuple(sections['encrypted_param_names'] or ()), tuple(sections['event_sinks'] or ()))

    def user_form(self, schemas: Mapping[str, ParameterSchema] | None = None) -> dict[str, Any]:
        """The sections a user may see; with ``schemas``, hidden values are masked."""
        return {
            'event_sinks': list(self.event_sinks),
            'parameter_defaults': _masked(self.parameter_defaults, schemas),
            'parameters': _masked(self.parameters, schemas),
            'resource_registry': {'resources': {}, **self.resource_registry},
        }

    def to_dict(self, schemas: Mapping[str, ParameterSchema] | None = None) -> dict[str, Any]:
        """All sections, as the environment call answers and the database keeps them.

        With ``schemas``, hidden values are masked.
        """
        return {**self.user_form(schemas), 'encrypted_param_names': list(self.encrypted_param_names)}


_NOUN = {list: 'list', dict: 'map'}


class Unreadable(ValueError):
    """A text that is no environment; ``faults`` say where."""

    def __init__(self, error: errors.HeatException) -> None:
        super().__init__(str(error))
        self.faults = error.faults
        self.untold = error.untold


def check_sections(data: Mapping[str, Any]) -> None:
    """The API's check of an environment; ``Unreadable`` with the classic sentence."""
    found = errors.Collected()
    for name, value in data.items():
        if name not in SECTIONS:
            found.note(lambda name=name: errors.Error(  # type: ignore[misc]
                message=f'environment has wrong section "{name}"').at(
                    (name,), suggestion=nearest(str(name), SECTIONS), source=ENVIRONMENT))
        elif value is None:
            found.note(lambda name=name: errors.Error(  # type: ignore[misc]
                message=f'environment has empty section "{name}"').at((name,), source=ENVIRONMENT))
    error = found.error()
    if error is not None:
        raise Unreadable(error)


def parse_environment(text: str | bytes, *, max_bytes: int = 5 * 1024 * 1024) -> dict[str, Any]:
    """Text of an environment to a map, checked as the API does.

    ``Unreadable``, a ValueError, with the classic sentence; the API puts ``Environment
    not in valid format: `` before it.
    """
    try:
        tree = parse(text, what='environment', max_bytes=max_bytes)
    except errors.StackValidationFailed as exc:
        raise Unreadable(exc) from None
    check_sections(tree)
    return tree


def _check_sink(number: int, sink: Any) -> None:
    """StackValidationFailed with the place, unless the sink is one that events can be told to."""
    if not isinstance(sink, dict):
        raise _faulty_sink((number,), sink, 'An event sink must be a map with a type and a target')
    kind = sink.get('type')
    if not isinstance(kind, str) or kind not in _SINK_KEYS:
        raise _faulty_sink((number, 'type') if 'type' in sink else (number,), kind,
                           f'Invalid event sink type "{kind}"; known types are: {", ".join(_SINK_KEYS)}')
    keys = _SINK_KEYS[kind]
    for key in sink:
        if key not in keys:
            raise _faulty_sink((number, key), None, f'An event sink of type {kind} takes the keys '
                               f'{", ".join(keys)}, and not "{key}"', nearest(str(key), keys))
    if not sink.get('target'):
        raise _faulty_sink((number,), None, f'An event sink of type {kind} needs a target')
    target, ttl = sink['target'], sink.get('ttl')
    if not isinstance(target, str) or not _QUEUE.fullmatch(target):
        raise _faulty_sink((number, 'target'), target, f'Invalid target "{target}" of an event sink: a queue '
                           'has a name of at most 64 letters, digits, "_", "-" and "."')
    if ttl is not None and (not isinstance(ttl, int) or isinstance(ttl, bool) or ttl < SHORTEST_TTL):
        raise _faulty_sink((number, 'ttl'), ttl, f'Invalid ttl "{ttl}" of an event sink: it is a number of '
                           f'seconds, at least {SHORTEST_TTL}')


def _faulty_sink(place: tuple[Any, ...], value: Any, message: str,
                 suggestion: str | None = None) -> errors.HeatException:
    return errors.StackValidationFailed(message=message).at(
        ('event_sinks', *place), value=value, suggestion=suggestion, source=ENVIRONMENT)


def _masked(values: Mapping[str, Any], schemas: Mapping[str, ParameterSchema] | None) -> dict[str, Any]:
    if schemas is None:
        return dict(values)
    return {name: MASK if name in schemas and schemas[name].hidden else value
            for name, value in values.items()}


def merge_files(base: Environment, names: Iterable[str], files: Mapping[str, str],
                schemas: Mapping[str, ParameterSchema]) -> Environment:
    """The named environment files merged in order over ``base``.

    How a parameter is merged is said in each file's parameter_merge_strategies; files
    that disagree raise ConflictingMergeStrategyForParam, a type that cannot be merged
    InvalidMergeStrategyForParam. A file that is not in ``files`` or not an environment
    raises StackValidationFailed.
    """
    merged: dict[str, dict[str, Any]] = {'parameters': dict(base.parameters),
                                         'parameter_defaults': dict(base.parameter_defaults)}
    registry = dict(base.resource_registry)
    sinks, encrypted = list(base.event_sinks), list(base.encrypted_param_names)
    agreed: dict[str, str] = {}
    for name in names:
        if name not in files:
            raise errors.StackValidationFailed(
                message=f'The environment file "{name}" is not among the files given.').at(
                    (), suggestion=nearest(name, files), source=name)
        try:
            data = parse_environment(files[name])
        except Unreadable as exc:
            raise errors.StackValidationFailed(
                message=f'Environment file "{name}" not in valid format: {exc}').told(
                    _begun(exc.faults, f'Environment file "{name}" not in valid format: ', name),
                    exc.untold) from None
        try:
            one = Environment.from_dict(data, strict=True)
        except errors.HeatException as exc:
            raise exc.within((), name) from None
        strategies = data.get('parameter_merge_strategies') or {}
        for section, values in (('parameters', one.parameters),
                                ('parameter_defaults', one.parameter_defaults)):
            for key, value in values.items():
                strategy = _strategy(strategies, key)
                if key in schemas and agreed.setdefault(key, strategy) != strategy:
                    raise errors.ConflictingMergeStrategyForParam(
                        strategy=strategy, param=key, env_file=name)
                held = merged[section]
                if key in held and key in schemas and strategy != OVERWRITE:
                    value = _combined(schemas[key], held[key], value, strategy)
                held[key] = value
        registry = _deep(registry, one.resource_registry)
        sinks.extend(one.event_sinks)
        encrypted.extend(one.encrypted_param_names)
    return Environment(merged['parameters'], registry, merged['parameter_defaults'],
                       tuple(encrypted), tuple(sinks))


def _begun(faults: Iterable[errors.Fault], place: str, source: str) -> list[errors.Fault]:
    """Faults of one file; the first sentence begins with ``place``."""
    return [replace(one, message=f'{"" if number else place}{one.message}', source=source)
            for number, one in enumerate(faults)]


def _strategy(strategies: Mapping[str, Any], key: str) -> str:
    known: Sequence[str] = (OVERWRITE, MERGE, DEEP_MERGE)
    default = strategies.get('default', OVERWRITE)
    default = default if default in known else OVERWRITE
    wanted = strategies.get(key, default)
    return wanted if wanted in known else default


def _combined(schema: ParameterSchema, old: Any, new: Any, strategy: str) -> Any:
    try:
        first, second = schema.parse(old), schema.parse(new)
    except ValueError as exc:
        raise schema.misfit(new, str(exc)).within(('parameters', schema.name), ENVIRONMENT) from None
    if first is UNKNOWN:
        # Its declaration is at fault, which is told; there is no way to merge.
        return new
    if schema.type in ('comma_delimited_list', 'number', 'string'):
        return first + second
    if schema.type == 'json' and isinstance(first, dict) and isinstance(second, dict):
        return _deep(first, second) if strategy == DEEP_MERGE else {**first, **second}
    raise errors.InvalidMergeStrategyForParam(strategy=strategy, param=schema.name)


def _deep(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for key, value in new.items():
        held = result.get(key)
        result[key] = _deep(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return result
