"""Parameters of a template: their schemas, and their values for one stack.

Purpose: ``ParameterSchema`` is what the template declares, ``Parameters`` what a
stack was given, typed and checked. Invariant: pure; a hidden value is never part of
a text form or of a sentence. Messages follow the recorded interface.
Neighbours: ``heat.template`` makes schemas, ``constraints`` checks values;
constraints that need a cloud are only listed (``Parameters.cloud_checks``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heat.common import errors
from heat.common.fault import ENVIRONMENT, MASK, TEMPLATE
from heat.common.ids import StackId
from heat.schema.constraints import (
    AllowedPattern,
    AllowedValues,
    Constraint,
    Custom,
    Length,
    Modulo,
    Range,
    first_broken,
)
from heat.schema.kinds import ABSENT, UNKNOWN, has_unknown
from heat.schema.suggest import nearest

REGIONS = ('us-east-1', 'us-west-1', 'us-west-2', 'sa-east-1', 'eu-west-1', 'ap-southeast-1',
           'ap-northeast-1')
DEFAULT_REGION = 'ap-southeast-1'

# HOT spelling -> (CFN spelling, kind of property).
TYPES = {'string': ('String', 'String'), 'number': ('Number', 'Number'),
         'comma_delimited_list': ('CommaDelimitedList', 'List'), 'json': ('Json', 'Map'),
         'boolean': ('Boolean', 'Boolean')}
_HOT_NAME = {cfn: hot for hot, (cfn, _) in TYPES.items()}
_NOUNS = {'string': 'a string', 'number': 'a number', 'comma_delimited_list': 'a list, or items and commas',
          'json': 'a map or a list, or the JSON text of one', 'boolean': 'true or false'}
_TRUE = ('1', 't', 'true', 'on', 'y', 'yes')
_FALSE = ('0', 'f', 'false', 'off', 'n', 'no')


@dataclass(frozen=True, slots=True)
class ParameterSchema:
    """One declared parameter. ``type`` is HOT spelled; ``default`` is as written, or ABSENT."""

    name: str
    type: str
    default: Any = ABSENT
    description: str = ''
    constraints: tuple[Constraint, ...] = ()
    hidden: bool = False
    immutable: bool = False
    label: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        return self.default is ABSENT

    @property
    def stored(self) -> bool:
        """Whether what is given is a key of the parameter store and not the value."""
        return False

    @property
    def shown_type(self) -> str:
        """The type in CloudFormation's spelling."""
        return TYPES[self.type][0]

    def parse(self, value: Any) -> Any:
        """``value`` in the parameter's type; ValueError with the classic sentence if it is not."""
        return _PARSERS[self.type](value)

    def check(self, value: Any) -> Any:
        """The typed value; ValueError if it is of another type or breaks a constraint."""
        typed = self.parse(value)
        broken = self.broken(typed)
        if broken:
            raise ValueError(broken[1])
        return typed

    def broken(self, typed: Any) -> tuple[Constraint, str] | None:
        """The first constraint that a typed value fails, with its sentence, or None."""
        return first_broken(self.constraints, typed)

    def things(self, value: Any) -> list[Any]:
        """What a typed value names, one by one."""
        return [value]

    def check_resolved(self, value: Any) -> Any:
        """The typed value of what a store gave for a key; ValueError if it does not fit."""
        return self.check(value)

    @property
    def noun(self) -> str:
        """What is to be given, in a sentence."""
        return _NOUNS[self.type]

    def misfit(self, value: Any, sentence: str) -> errors.HeatException:
        """The error about a value that ``check`` refused with ``sentence``; a hidden value is not shown."""
        try:
            broken = self.broken(self.parse(value))
        except ValueError:
            broken = None
        expected, near = self.noun if broken is None else broken[0].expected(), None
        if self.hidden:
            sentence, value = 'the value does not fit its type or constraints', MASK
        elif broken is not None and isinstance(broken[0], AllowedValues) and isinstance(value, str):
            near = nearest(value, [str(one) for one in broken[0].allowed])
        return errors.StackValidationFailed(message=f"Parameter '{self.name}' is invalid: {sentence}").at(
            (), value=value, expected=expected, suggestion=near)

    def text(self, value: Any) -> str:
        """The text form of a typed value, as stack show gives it; hidden ones are masked."""
        if self.hidden:
            return MASK
        if value is None or value is UNKNOWN:
            return ''
        if self.type == 'comma_delimited_list':
            return ','.join(str(item) for item in value)
        return json.dumps(value) if self.type == 'json' else str(value)


def _string(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return '' if value is None else str(value)


def number(value: Any) -> int | float:
    """``value`` as a number; ValueError if it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f'could not convert to number: {value!r}')
    try:
        return value if isinstance(value, int) else int(value) if isinstance(value, str) else _finite(value)
    except ValueError:
        return _finite(value)


def _finite(value: Any) -> float:
    number = float(value)
    # Neither of them can be written as JSON.
    if not math.isfinite(number):
        raise ValueError(f'{value} is not a finite number')
    return number


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if value is None or value == '':
        return []
    if isinstance(value, str):
        return [item.strip() for item in value.split(',')]
    raise ValueError('Value must be a comma-delimited list string: '
                     f"'{type(value).__name__}' object has no attribute 'split'")


def _json(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return value
    if value is None or value == '':
        return {}
    if not isinstance(value, str):
        raise ValueError(f'Value must be valid JSON: {value!r}')
    try:
        return json.loads(value)
    except ValueError as exc:
        raise ValueError(f'Value must be valid JSON: {exc}') from None
    except RecursionError:
        raise ValueError('Value must be valid JSON: it is nested too deeply') from None


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    known = ', '.join(repr(w) for w in sorted(_TRUE + _FALSE))
    raise ValueError(f'Unrecognized value {str(value)!r}, acceptable values are: {known}')


_PARSERS = {'string': _string, 'number': number, 'comma_delimited_list': _items, 'json': _json,
            'boolean': _boolean}


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
        return _boolean(data.get(key) or False)
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
    for number, constraint in enumerate(schema.constraints):
        if TYPES[schema.type][1] not in constraint.kinds:
            kind = _CONSTRAINT_NAMES.get(type(constraint), type(constraint).__name__)
            raise errors.InvalidSchemaError(
                message=f"Parameter '{schema.name}' is invalid: {kind} constraint invalid for {schema.type}",
            ).at((keys[0], number) if keys[0] else ())
    if schema.default is not ABSENT and schema.constraints:
        try:
            schema.check(schema.default)
        except ValueError as exc:
            said = MASK if schema.hidden else f'{schema.default} ({exc})'
            raise errors.InvalidSchemaError(
                message=f"Parameter '{schema.name}' is invalid: Invalid default {said}",
            ).at((keys[1],), value=MASK if schema.hidden else schema.default) from None
    return schema


def pseudo_parameters(dialect: str, identity: StackId | None, region: str = DEFAULT_REGION, *,
                      partition: str = 'openstack', url_suffix: str = 'amazonaws.com',
                      notification_arns: Sequence[str] = ()) -> dict[str, Any]:
    """The facts about a stack that are parameters; UNKNOWN before there is a stack.

    What follows ``region`` is for templates in AWS's own format ('aws'); the others
    know the three facts they always knew.
    """
    if dialect == 'hot':
        return {'OS::project_id': identity.tenant if identity else UNKNOWN,
                'OS::stack_id': identity.stack_id if identity else UNKNOWN,
                'OS::stack_name': identity.stack_name if identity else UNKNOWN}
    facts: dict[str, Any] = {
        'AWS::StackId': identity.arn() if identity else UNKNOWN,
        'AWS::StackName': identity.stack_name if identity else UNKNOWN, 'AWS::Region': region}
    if dialect == 'aws':
        facts |= {'AWS::AccountId': identity.tenant if identity else UNKNOWN, 'AWS::Partition': partition,
                  'AWS::URLSuffix': url_suffix, 'AWS::NotificationARNs': list(notification_arns)}
    return facts


class Parameters:
    """The parameters of one stack, in the order of the template, pseudo parameters first."""

    def __init__(self, schemas: Mapping[str, ParameterSchema], values: Mapping[str, Any],
                 facts: Mapping[str, Any], given: Mapping[str, Any],
                 keys: Mapping[str, str] | None = None) -> None:
        """``keys`` are those of the parameter store, by parameter."""
        self.schemas = schemas
        self._keys = dict(keys or {})
        self.facts = dict(facts)
        self.given = dict(given)
        self._values = dict(values)

    def __contains__(self, name: str) -> bool:
        return name in self._values or name in self.facts

    def names(self) -> list[str]:
        return [*self.facts, *self.schemas]

    def value(self, name: str) -> Any:
        """The typed value; UserParameterMissing if there is none."""
        if name in self.facts:
            return self.facts[name]
        if name not in self._values:
            raise errors.UserParameterMissing(key=name)
        return self._values[name]

    def text(self, name: str) -> str:
        """The text form; six asterisks for a hidden parameter."""
        value = self.value(name)
        if name in self.facts:
            if isinstance(value, list):
                return ','.join(value)
            return '' if value is UNKNOWN else str(value)
        return self.schemas[name].text(self._keys.get(name, value))

    def resolved_text(self, name: str) -> str | None:
        """The text form of what the store gave for a parameter's key; None if it has no key."""
        value = self.value(name)
        return self.schemas[name].text(value) if name in self._keys and value is not UNKNOWN else None

    def store_keys(self) -> dict[str, str]:
        """``{parameter: key}`` of those whose value is in the parameter store."""
        return dict(self._keys)

    def texts(self) -> dict[str, str]:
        """Every parameter that has a value, in text form, as stack show gives them."""
        return {name: self.text(name) for name in self.names() if name in self}

    def secrets(self) -> list[str]:
        """Every text in the values of hidden parameters."""
        found: list[str] = []
        waiting = [self._values.get(name, self.given.get(name))
                   for name, schema in self.schemas.items() if schema.hidden]
        while waiting:
            value = waiting.pop()
            if isinstance(value, (dict, list)):
                waiting.extend(value.values() if isinstance(value, dict) else value)
            elif value not in (None, '', UNKNOWN):
                found.append(str(value))
        return found

    def cloud_checks(self) -> Iterator[tuple[str, Custom, Any]]:
        """``(parameter, constraint, value)`` for each constraint only a cloud can judge.

        In AWS's format a list names several things, and an empty text none.
        """
        for name, schema in self.schemas.items():
            for constraint in schema.constraints:
                if isinstance(constraint, Custom) and constraint.needs_cloud and name in self._values:
                    value = self._values[name]
                    for item in schema.things(value):
                        yield name, constraint, item

    def validation_form(self) -> dict[str, dict[str, Any]]:
        """``{name: {Type, Default, NoEcho, ...}}``, the validate call's answer, CFN spelled."""
        return {name: self._form(schema) for name, schema in self.schemas.items()}

    def _form(self, schema: ParameterSchema) -> dict[str, Any]:
        form: dict[str, Any] = {
            'Type': schema.shown_type, 'Description': schema.description,
            'NoEcho': 'true' if schema.hidden else 'false', 'Label': schema.label or schema.name}
        if schema.default is not ABSENT:
            form['Default'] = schema.default
        if self.given.get(schema.name) is not None:
            value = self._values.get(schema.name, self.given[schema.name])
            form['Value'] = self._keys.get(schema.name, value)
        for constraint in schema.constraints:
            form.update(constraint.to_parameter())
        said = [c.description for c in schema.constraints if c.description]
        if said:
            form['ConstraintDescription'] = ' '.join(said)
        if schema.tags:
            form['Tags'] = list(schema.tags)
        return form


def bind(schemas: Mapping[str, ParameterSchema], given: Mapping[str, Any],
         defaults: Mapping[str, Any], facts: Mapping[str, Any], *, strict: bool = True,
         resolved: Mapping[str, Any] | None = None, refused: Mapping[str, str] | None = None,
         section: str = 'parameters', noted: errors.Collected | None = None) -> Parameters:
    """Values of one stack: ``given`` over ``defaults`` (parameter_defaults) over the schemas'.

    ``facts`` are ``pseudo_parameters``; ``resolved`` maps keys of the parameter store to
    what it holds, ``refused`` to why that cannot be had; ``section`` is where the template
    declares. Raises the first of UnknownUserParameter, UserParameterMissing, or
    StackValidationFailed for a value that does not fit, which tells of all of them. With
    ``noted`` they are noted there, and what is at fault has no value. Not ``strict`` (the
    validate call): missing and unfit values are let pass, what is not resolved is UNKNOWN,
    unknown names are refused.
    """
    facts = dict(facts)
    found = errors.Collected() if noted is None else noted
    for name in given:
        if name not in schemas and name not in facts:
            found.note(lambda name=name: errors.UnknownUserParameter(key=name).at(  # type: ignore[misc]
                ('parameters', name), suggestion=nearest(str(name), schemas), source=ENVIRONMENT))
    region = given.get('AWS::Region')
    if region is not None and 'AWS::Region' in facts:
        if region not in (*REGIONS, facts['AWS::Region']) and strict:
            found.add(errors.StackValidationFailed(
                message="Parameter 'AWS::Region' is invalid: "
                        f'"{region}" is not an allowed value {json.dumps(list(REGIONS))}').at(
                            ('parameters', 'AWS::Region'), value=region, source=ENVIRONMENT,
                            suggestion=nearest(str(region), REGIONS)))
        facts['AWS::Region'] = region
    values: dict[str, Any] = {}
    keys: dict[str, str] = {}
    for name, schema in schemas.items():
        raw, path, source = _raw(schema, given, defaults, section)
        if raw is ABSENT:
            if strict:
                found.note(lambda schema=schema: _missing(schema, section))  # type: ignore[misc]
            continue
        if has_unknown(raw):
            # A value of the parent that is not known yet: a nested stack under validation.
            values[name] = UNKNOWN
            continue
        try:
            typed = schema.check(raw)
            if schema.stored:
                keys[name], typed = typed, _resolved(
                    schema, typed, resolved or {}, refused or {}, strict)
            values[name] = typed
        except ValueError as exc:
            if strict:
                found.note(lambda schema=schema, raw=raw, said=str(exc), path=path,  # type: ignore[misc]
                           source=source: schema.misfit(raw, said).within(path, source))
            else:
                values[name] = raw
    if noted is None:
        found.raise_any()
    return Parameters(schemas, values, facts, given, keys)


def _resolved(schema: ParameterSchema, key: str, resolved: Mapping[str, Any], refused: Mapping[str, str],
              strict: bool) -> Any:
    if key in resolved:
        return schema.check_resolved(resolved[key])
    if strict:
        raise ValueError(refused.get(key) or f'the parameter store holds no {key}')
    return UNKNOWN


def store_keys(schemas: Mapping[str, ParameterSchema], given: Mapping[str, Any],
               defaults: Mapping[str, Any]) -> dict[str, str]:
    """``{parameter: key}`` of what must be resolved before these values can be bound."""
    found = {}
    for name, schema in schemas.items():
        raw = _raw(schema, given, defaults, '')[0] if schema.stored else ABSENT
        if raw is not ABSENT:
            found[name] = str(raw)
    return found


def _raw(schema: ParameterSchema, given: Mapping[str, Any], defaults: Mapping[str, Any],
         section: str) -> tuple[Any, tuple[str, ...], str]:
    """The value as written, and where it was written."""
    if given.get(schema.name) is not None:
        return given[schema.name], ('parameters', schema.name), ENVIRONMENT
    if defaults.get(schema.name) is not None:
        return defaults[schema.name], ('parameter_defaults', schema.name), ENVIRONMENT
    key = 'default' if section == 'parameters' else 'Default'
    return schema.default, (section, schema.name, key), TEMPLATE


def _missing(schema: ParameterSchema, section: str) -> errors.HeatException:
    return errors.UserParameterMissing(key=schema.name).at(
        (section, schema.name), expected=schema.noun)


def check_immutable(old: Parameters, new: Parameters) -> None:
    """ImmutableParameterModified, naming every immutable parameter whose value changes."""
    changed = [name for name, schema in new.schemas.items()
               if schema.immutable and name in old and name in new and old.value(name) != new.value(name)]
    if changed:
        raise errors.ImmutableParameterModified(keys=', '.join(changed)).at(
            ('parameters', changed[0]), source=ENVIRONMENT)
