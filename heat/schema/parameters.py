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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heat.common import errors
from heat.common.fault import ENVIRONMENT, MASK, PARAMETER, TEMPLATE
from heat.common.ids import StackId
from heat.common.text import read_json
from heat.schema.constraints import (
    AllowedValues,
    Constraint,
    Custom,
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
            (), value=value, expected=expected, suggestion=near, kind=PARAMETER)

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
        return read_json(value)
    except ValueError as exc:
        raise ValueError(f'Value must be valid JSON: {exc}') from None


def boolean(value: Any) -> bool:
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
            'boolean': boolean}


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
         section: str = 'parameters', noted: errors.Collected | None = None,
         judge: bool = False) -> Parameters:
    """Values of one stack: ``given`` over ``defaults`` (parameter_defaults) over the schemas'.

    ``facts`` are ``pseudo_parameters``; ``resolved`` maps keys of the parameter store to
    what it holds, ``refused`` to why that cannot be had; ``section`` is where the template
    declares. Raises the first of UnknownUserParameter, UserParameterMissing, or
    StackValidationFailed for a value that does not fit, which tells of all of them. With
    ``noted`` they are noted there, and what is at fault has no value. Not ``strict`` (the
    validate call): missing and unfit values are let pass, what is not resolved is UNKNOWN,
    unknown names are refused. ``judge``: unfit values are refused all the same.
    """
    facts = dict(facts)
    found = errors.Collected() if noted is None else noted
    for name in given:
        if name not in schemas and name not in facts:
            found.note(lambda name=name: errors.UnknownUserParameter(key=name).at(  # type: ignore[misc]
                ('parameters', name), suggestion=nearest(str(name), schemas), source=ENVIRONMENT))
    region = given.get('AWS::Region')
    if region is not None and 'AWS::Region' in facts:
        if region not in (*REGIONS, facts['AWS::Region']) and (strict or judge):
            found.add(errors.StackValidationFailed(
                message="Parameter 'AWS::Region' is invalid: "
                        f'"{region}" is not an allowed value {json.dumps(list(REGIONS))}').at(
                            ('parameters', 'AWS::Region'), value=region, source=ENVIRONMENT,
                            suggestion=nearest(str(region), REGIONS)))
        facts['AWS::Region'] = region
    values: dict[str, Any] = {}
    keys: dict[str, str] = {}
    for name, schema in schemas.items():
        raw, path, source = written(schema, given, defaults, section)
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
            if strict or judge:
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
        raw = written(schema, given, defaults, '')[0] if schema.stored else ABSENT
        if raw is not ABSENT:
            found[name] = str(raw)
    return found


def written(schema: ParameterSchema, given: Mapping[str, Any], defaults: Mapping[str, Any],
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
