"""Declarations of parameters in HOT and in Heat's older CloudFormation format.

Purpose: ``hot_schema`` and ``cfn_schema`` make a ``ParameterSchema`` of what a template
says. Invariant: pure; an error names the very key, and follows the recorded interface.
Neighbours: ``parameters`` binds values, ``parameters_aws`` reads AWS's own format,
``heat.template`` calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from heat.common import errors
from heat.common.fault import MASK
from heat.schema.constraints import (
    AllowedPattern,
    AllowedValues,
    Constraint,
    Custom,
    Length,
    Modulo,
    Range,
)
from heat.schema.kinds import ABSENT, UNKNOWN
from heat.schema.parameters import TYPES, ParameterSchema, boolean, number
from heat.schema.suggest import nearest

_HOT_NAME = {cfn: hot for hot, (cfn, _) in TYPES.items()}


@dataclass(frozen=True, slots=True)
class Undeclared(ParameterSchema):
    """A parameter whose declaration is at fault: it may be given and used, and has no known value."""

    def parse(self, value: Any) -> Any:
        return UNKNOWN

    def check(self, value: Any) -> Any:
        return UNKNOWN


def undeclared(name: str, data: Any) -> ParameterSchema:
    """What stands for a parameter whose declaration, ``data``, is at fault."""
    hidden = isinstance(data, dict) and bool(data.get('hidden') or data.get('NoEcho'))
    return Undeclared(name, 'string', default=UNKNOWN, hidden=hidden)


def hot_schema(name: str, data: Any, keys: tuple[str, ...], constraint_keys: tuple[str, ...],
               ) -> ParameterSchema:
    """A schema from HOT; ``keys`` and ``constraint_keys`` are those of the version.

    Raises InvalidSchemaError with the classic sentence.
    """
    data = _declared(name, data, keys, 'type')
    kind = data['type']
    if kind not in TYPES:
        raise _type_fault(kind, 'type', TYPES)
    given = data.get('constraints')
    if given is not None and not isinstance(given, list):
        raise errors.InvalidSchemaError(
            message=f'Invalid parameter constraints for parameter {name}, expected a list').at(
                ('constraints',), value=given)
    constraints = tuple(_located_constraint(name, number, item, constraint_keys)
                        for number, item in enumerate(given or []))
    return _checked(('constraints', 'default'), ParameterSchema(
        name, kind, default=_default(data, 'default'), description=data.get('description') or '',
        constraints=constraints, hidden=_flag(name, data, 'hidden'),
        immutable=_flag(name, data, 'immutable'), label=data.get('label'),
        tags=_tags(name, data.get('tags'))))


def cfn_schema(name: str, data: Any, keys: tuple[str, ...]) -> ParameterSchema:
    """A schema from CloudFormation's spelling. Raises InvalidSchemaError."""
    data = _declared(name, data, keys, 'Type')
    kind = data['Type']
    # Types of AWS that stand for lists or ids are texts to us.
    hot = _HOT_NAME.get(kind) or ('comma_delimited_list' if str(kind).startswith('List<') else None)
    if hot is None:
        raise _type_fault(kind, 'Type', _HOT_NAME)
    said = _said(data.get('ConstraintDescription'))
    constraints: list[Constraint] = []
    try:
        if 'MinLength' in data or 'MaxLength' in data:
            constraints.append(Length(min=_whole(data, 'MinLength'), max=_whole(data, 'MaxLength'),
                                      description=said))
        if 'MinValue' in data or 'MaxValue' in data:
            constraints.append(Range(min=_bound(data, 'MinValue'), max=_bound(data, 'MaxValue'),
                                     description=said))
        if 'AllowedValues' in data:
            constraints.append(AllowedValues(allowed=_allowed(data['AllowedValues']), description=said))
        if 'AllowedPattern' in data:
            constraints.append(AllowedPattern(pattern=data['AllowedPattern'], description=said))
    except (ValueError, TypeError) as exc:
        raise errors.InvalidSchemaError(message=f"Parameter '{name}' is invalid: {exc}") from None
    return _checked(('', 'Default'), ParameterSchema(
        name, hot, default=_default(data, 'Default'), description=data.get('Description') or '',
        constraints=tuple(constraints), hidden=_flag(name, data, 'NoEcho'), label=data.get('Label')))


def _declared(name: str, data: Any, keys: tuple[str, ...], type_key: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise errors.InvalidSchemaError(message=f'Invalid parameter ({name}), expected a mapping')
    for key in data:
        if key not in keys:
            raise errors.InvalidSchemaError(message=f"Invalid key '{key}' for parameter ({name})").at(
                (key,), suggestion=nearest(str(key), keys))
    if data.get(type_key) is None:
        raise errors.InvalidSchemaError(message=f'Missing parameter type for parameter: {name}')
    if not isinstance(data[type_key], str):
        raise _type_fault(data[type_key], type_key, _HOT_NAME if type_key == 'Type' else TYPES)
    return data


def _type_fault(kind: Any, key: str, known: Iterable[str]) -> errors.HeatException:
    return errors.InvalidSchemaError(message=f'Invalid type ({kind})').at(
        (key,), value=kind, expected=f'one of {", ".join(known)}',
        suggestion=nearest(kind, known) if isinstance(kind, str) else None)


def _default(data: dict[str, Any], key: str) -> Any:
    return ABSENT if data.get(key) is None else data[key]


def _flag(name: str, data: dict[str, Any], key: str) -> bool:
    try:
        return boolean(data.get(key) or False)
    except ValueError as exc:
        raise errors.InvalidSchemaError(message=f"Parameter '{name}' is invalid: {exc}") from None


def _tags(name: str, tags: Any) -> tuple[str, ...]:
    if tags is None:
        return ()
    if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
        return tuple(tags)
    raise errors.InvalidSchemaError(message=f"Parameter '{name}' is invalid: tags must be a list of strings")


def _said(description: Any) -> str | None:
    """An author's own sentence; numbers and the like are taken as their text."""
    if isinstance(description, (dict, list)):
        raise ValueError('the description of a constraint must be a string')
    return None if description is None else str(description)


def _located_constraint(name: str, number: int, data: Any, keys: tuple[str, ...]) -> Constraint:
    try:
        return _hot_constraint(data, keys)
    except (ValueError, TypeError) as exc:
        raise errors.InvalidSchemaError(message=f"Parameter '{name}' is invalid: {exc}").at(
            ('constraints', number)) from None
    except errors.InvalidSchemaError as fault:
        raise fault.within(('constraints', number)) from None


def _hot_constraint(data: Any, keys: tuple[str, ...]) -> Constraint:
    if not isinstance(data, dict):
        raise errors.InvalidSchemaError(message='Invalid parameter constraints, expected a mapping')
    for key in data:
        if key != 'description' and key not in keys:
            raise errors.InvalidSchemaError(message=f"Invalid key '{key}' for parameter constraints").at(
                (key,), suggestion=nearest(str(key), keys))
    named = [key for key in keys if key in data]
    if len(named) != 1:
        raise errors.InvalidSchemaError(message='No constraint expressed' if not named else
                                        f'Only one constraint expected, got {", ".join(named)}')
    key, said = named[0], _said(data.get('description'))
    body = data[key]
    if key == 'allowed_values':
        return AllowedValues(allowed=_allowed(body), description=said)
    if key in ('allowed_pattern', 'custom_constraint') and not isinstance(body, str):
        raise ValueError(f'{key} must be a string')
    if key == 'allowed_pattern':
        return AllowedPattern(pattern=body, description=said)
    if key == 'custom_constraint':
        return Custom(name=body, description=said)
    inner = ('step', 'offset') if key == 'modulo' else ('min', 'max')
    if not isinstance(body, dict) or not body:
        raise errors.InvalidSchemaError(message=f'Invalid {key} constraint, expected a mapping')
    for part in body:
        if part not in inner:
            raise errors.InvalidSchemaError(message=f"Invalid key '{part}' for {key} constraint").at(
                (key, part), suggestion=nearest(str(part), inner))
    if key == 'modulo':
        if len(body) != 2:
            raise errors.InvalidSchemaError(message='modulo needs both step and offset')
        return Modulo(step=int(body['step']), offset=int(body['offset']), description=said)
    if key == 'length':
        return Length(min=_whole(body, 'min'), max=_whole(body, 'max'), description=said)
    return Range(min=_bound(body, 'min'), max=_bound(body, 'max'), description=said)


def _allowed(values: Any) -> tuple[Any, ...]:
    if not isinstance(values, list):
        raise ValueError('AllowedValues must be a list')
    return tuple(values)


def _whole(data: dict[str, Any], key: str) -> int | None:
    return None if data.get(key) is None else int(data[key])


def _bound(data: dict[str, Any], key: str) -> int | float | None:
    return None if data.get(key) is None else number(data[key])


_CONSTRAINT_NAMES: dict[type[Constraint], str] = {Custom: 'CustomConstraint'}


def _checked(keys: tuple[str, str], schema: ParameterSchema) -> ParameterSchema:
    """``keys`` are those of the constraints' list, if there is one, and of the default."""
    for index, constraint in enumerate(schema.constraints):
        if TYPES[schema.type][1] not in constraint.kinds:
            kind = _CONSTRAINT_NAMES.get(type(constraint), type(constraint).__name__)
            raise errors.InvalidSchemaError(
                message=f"Parameter '{schema.name}' is invalid: {kind} constraint invalid for {schema.type}",
            ).at((keys[0], index) if keys[0] else ())
    # An empty text, map or list says that a value is to be given, and need not fit until it is used.
    empty = isinstance(schema.default, (str, dict, list)) and not schema.default
    if schema.default is not ABSENT and schema.constraints and not empty:
        try:
            schema.check(schema.default)
        except ValueError as exc:
            said = MASK if schema.hidden else f'{schema.default} ({exc})'
            raise errors.InvalidSchemaError(
                message=f"Parameter '{schema.name}' is invalid: Invalid default {said}",
            ).at((keys[1],), value=MASK if schema.hidden else schema.default) from None
    return schema
