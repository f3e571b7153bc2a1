"""Parameters of AWS's own template format: all of its types, and values kept as text.

Purpose: ``aws_schema`` makes a schema from a declaration, ``AwsParameter`` gives and
checks values. Invariant: pure; a Number stays the text it was written as; a value
that stands for a thing in the cloud is only bound to the constraint that looks it up;
one that is a key of a parameter store stays a key until it has been resolved.
Neighbours: ``parameters`` binds values, the engine looks up and resolves.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from heat.common import errors
from heat.schema.constraints import (
    AllowedPattern,
    AllowedValues,
    Constraint,
    Custom,
    Length,
    Range,
)
from heat.schema.kinds import ABSENT, UNKNOWN
from heat.schema.parameters import MASK, ParameterSchema, number
from heat.schema.suggest import nearest, suggesting

MAX_VALUE = 4096
MAX_DESCRIPTION = 4000
_NAME = re.compile(r'[A-Za-z0-9]{1,255}\Z')

# What stands for the thing in our cloud. A VPC is a network, as the AWS::EC2::VPC type
# makes one; no constraint knows the zones of the compute service, so any name will do.
THINGS: dict[str, str | None] = {
    'AWS::EC2::AvailabilityZone::Name': None,
    'AWS::EC2::Image::Id': 'glance.image',
    'AWS::EC2::Instance::Id': 'nova.server',
    'AWS::EC2::KeyPair::KeyName': 'nova.keypair',
    'AWS::EC2::SecurityGroup::GroupName': 'neutron.security_group',
    'AWS::EC2::SecurityGroup::Id': 'neutron.security_group',
    'AWS::EC2::Subnet::Id': 'neutron.subnet',
    'AWS::EC2::VPC::Id': 'neutron.network',
    'AWS::EC2::Volume::Id': 'cinder.volume',
    'AWS::Route53::HostedZone::Id': 'designate.zone',
}
_LISTS = ('CommaDelimitedList', 'List<Number>', 'List<String>',
          *(f'List<{name}>' for name in THINGS if name != 'AWS::EC2::KeyPair::KeyName'))
_VALUES = ('String', 'Number', *_LISTS, *THINGS)
KEY_TYPE = 'AWS::SSM::Parameter::Name'
STORED = 'AWS::SSM::Parameter::Value<'
AWS_TYPES = (*_VALUES, KEY_TYPE, *(f'{STORED}{name}>' for name in _VALUES
                                   if name != 'Number'))
# Types of Heat's own that older templates under AWS's version use.
HEAT_TYPES = ('Json', 'Boolean')

_FOR_TEXT = ('MinLength', 'MaxLength', 'AllowedPattern')
_FOR_NUMBERS = ('MinValue', 'MaxValue')


@dataclass(frozen=True, slots=True)
class AwsParameter(ParameterSchema):
    """``declared`` is the type as written, ``inner`` that of the value once it is resolved.

    ``stored``: the value given is a key of the parameter store.
    """

    declared: str = 'String'
    inner: str = 'String'

    @property
    def stored(self) -> bool:
        return self.declared != self.inner

    @property
    def shown_type(self) -> str:
        return self.declared

    def parse(self, value: Any) -> Any:
        """The value of a parameter that is not stored, or the key of one that is."""
        return _text(value) if self.stored else _typed(self.inner, value)

    def broken(self, typed: Any) -> tuple[Constraint, str] | None:
        for constraint in self.constraints:
            # What is told of a list is told of each of its items.
            for item in typed if isinstance(typed, list) else [typed]:
                problem = constraint.check(number(item) if isinstance(constraint, Range) else item)
                if problem:
                    return constraint, problem
        return None

    @property
    def noun(self) -> str:
        if self.stored:
            return 'the name of a parameter in the store'
        if self.inner in _LISTS:
            return 'a list, or items and commas'
        return 'a number' if self.inner == 'Number' else 'a string'

    def things(self, value: Any) -> list[Any]:
        return [item for item in (value if isinstance(value, list) else [value]) if item not in ('', UNKNOWN)]

    def check_resolved(self, value: Any) -> Any:
        """The typed value that the store gave; ValueError if it is of another type."""
        return _typed(self.inner, value)

    def text(self, value: Any) -> str:
        if self.hidden:
            return MASK
        if value is None or value is UNKNOWN:
            return ''
        return ','.join(str(item) for item in value) if isinstance(value, list) else str(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        text = 'true' if value else 'false'
    elif isinstance(value, (dict, list)):
        raise ValueError(f'a text is expected, not a {"map" if isinstance(value, dict) else "list"}')
    else:
        text = '' if value is None else str(value)
    if len(text.encode('utf-8', 'replace')) > MAX_VALUE:
        raise ValueError(f'it is longer than {MAX_VALUE} bytes')
    return text


def _typed(kind: str, value: Any) -> Any:
    if kind in _LISTS:
        raw = value if isinstance(value, list) else _text(value).split(',') if value not in ('', None) else []
        items = [_text(item).strip() for item in raw]
        if kind == 'List<Number>':
            for item in items:
                number(item)
        return items
    text = _text(value)
    if kind == 'Number':
        number(text)
    return text


def aws_schema(name: str, data: Any, keys: tuple[str, ...]) -> ParameterSchema:
    """A schema from a declaration in AWS's format; ``keys`` are those it may have.

    Json and Boolean give the schema that they always gave. Raises InvalidSchemaError.
    """
    if not _NAME.match(name):
        raise errors.InvalidSchemaError(
            message=f"The name of parameter '{name}' must be alphanumeric, of at most 255 characters")
    if not isinstance(data, dict):
        raise errors.InvalidSchemaError(message=f'Invalid parameter ({name}), expected a mapping')
    for key in data:
        if key not in keys:
            near = nearest(str(key), keys)
            raise errors.InvalidSchemaError(message=suggesting(
                f"Invalid key '{key}' for parameter ({name})", near)).at((key,), suggestion=near)
    kind = data.get('Type')
    if kind is None:
        raise errors.InvalidSchemaError(message=f'Missing parameter type for parameter: {name}')
    try:
        return _schema(name, kind, data)
    except (ValueError, TypeError) as exc:
        fault = errors.InvalidSchemaError(message=f"Parameter '{name}' is invalid: {exc}")
        raise (fault.at((exc.key,), value=exc.value) if isinstance(exc, _Wrong) else fault) from None


class _Wrong(ValueError):
    """What a declaration says under ``key`` cannot be meant; ``value`` as it may be shown."""

    def __init__(self, key: str, sentence: str, value: Any = None) -> None:
        super().__init__(sentence)
        self.key = key
        self.value = value


@contextlib.contextmanager
def _under(key: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError) as exc:
        raise exc if isinstance(exc, _Wrong) else _Wrong(key, str(exc)) from None


def _schema(name: str, kind: Any, data: Mapping[str, Any]) -> ParameterSchema:
    if kind not in AWS_TYPES and kind not in HEAT_TYPES:
        near = nearest(kind, AWS_TYPES) if isinstance(kind, str) else None
        raise errors.InvalidSchemaError(message=suggesting(f'Invalid type ({kind})', near)).at(
            ('Type',), value=kind, suggestion=near)
    said = data.get('ConstraintDescription')
    for key in ('Description', 'ConstraintDescription'):
        if data.get(key) is not None and not isinstance(data[key], str):
            raise _Wrong(key, f'{key} must be a string', data[key])
    if len((data.get('Description') or '').encode()) > MAX_DESCRIPTION:
        raise _Wrong('Description', f'Description is longer than {MAX_DESCRIPTION} bytes')
    constraints = _constraints(kind, data, said)
    shared: dict[str, Any] = {
        'default': ABSENT if data.get('Default') is None else data['Default'],
        'description': data.get('Description') or '', 'constraints': constraints,
        'hidden': _flag(data.get('NoEcho')), 'label': data.get('Label')}
    if kind in HEAT_TYPES:
        schema = ParameterSchema(name, kind.lower(), **shared)
    else:
        inner = kind.removeprefix(STORED).removesuffix('>') if kind.startswith(STORED) else kind
        schema = AwsParameter(name, 'comma_delimited_list' if inner in _LISTS else 'string',
                              declared=kind, inner=inner, **shared)
    if schema.default is not ABSENT:
        try:
            schema.check(schema.default)
        except ValueError as exc:
            said = MASK if schema.hidden else f'{schema.default} ({exc})'
            raise _Wrong('Default', f'Invalid default {said}',
                         MASK if schema.hidden else schema.default) from None
    thing = _thing(kind)
    if thing is not None:
        schema = replace(schema, constraints=(*schema.constraints, Custom(name=thing, description=said)))
    return schema


def _thing(kind: str) -> str | None:
    """The constraint that looks values of the type up; stored ones when they are known."""
    inner = kind.removeprefix(STORED).removeprefix('List<').rstrip('>')
    return THINGS.get(inner)


def _constraints(kind: str, data: Mapping[str, Any], said: str | None) -> tuple[Constraint, ...]:
    numeric = kind in ('Number', 'List<Number>')
    for key in _FOR_NUMBERS if not numeric else _FOR_TEXT[:2]:
        if key in data:
            raise _Wrong(key, f'{key} constraint invalid for {kind}')
    found: list[Constraint] = []
    if 'MinLength' in data or 'MaxLength' in data:
        with _under('MinLength' if 'MinLength' in data else 'MaxLength'):
            found.append(Length(min=_whole(data, 'MinLength'), max=_whole(data, 'MaxLength'),
                                description=said))
    if 'MinValue' in data or 'MaxValue' in data:
        with _under('MinValue' if 'MinValue' in data else 'MaxValue'):
            low, high = (_number(data, key) for key in _FOR_NUMBERS)
            found.append(Range(min=low, max=high, description=said))
    if 'AllowedValues' in data:
        if not isinstance(data['AllowedValues'], list):
            raise _Wrong('AllowedValues', 'AllowedValues must be a list', data['AllowedValues'])
        with _under('AllowedValues'):
            found.append(AllowedValues(allowed=tuple(
                _text(item) if isinstance(item, bool) and kind not in HEAT_TYPES else item
                for item in data['AllowedValues']), description=said))
    if 'AllowedPattern' in data:
        if not isinstance(data['AllowedPattern'], str):
            raise _Wrong('AllowedPattern', 'AllowedPattern must be a string', data['AllowedPattern'])
        with _under('AllowedPattern'):
            found.append(AllowedPattern(pattern=data['AllowedPattern'], description=said))
    return tuple(found)


def _whole(data: Mapping[str, Any], key: str) -> int | None:
    if data.get(key) is None:
        return None
    try:
        return int(data[key])
    except (ValueError, TypeError):
        raise _Wrong(key, f'{key} must be a whole number, not {json.dumps(data[key])}', data[key]) from None


def _number(data: Mapping[str, Any], key: str) -> int | float | None:
    if data.get(key) is None:
        return None
    with _under(key):
        return number(data[key])


def _flag(value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    if str(value).lower() in ('true', 'false', '1', '0'):
        return str(value).lower() in ('true', '1')
    raise _Wrong('NoEcho', f'NoEcho must be true or false, not {value}', value)

