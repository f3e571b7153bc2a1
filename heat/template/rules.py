"""The Rules section: what must hold of the parameters before anything is made.

Purpose: rules into expressions, with the functions that only they know, and their
judgement. Invariant: pure; a rule asks parameters alone, what it wants to know of a
thing in the cloud is asked through ``attribute``; no value stands in a sentence.
Neighbours: ``aws`` compiles the section, the engine calls ``check_rules``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from heat.schema.kinds import ABSENT, UNKNOWN, has_unknown
from heat.schema.parameters import Parameters, ParameterSchema
from heat.template.compile import Unit, misplaced
from heat.template.definition import Rule, Template
from heat.template.expr import Apply, Constant, Expr, ListOf, NullScope, Scope
from heat.template.functions import Builder, GetParam, Path
from heat.template.functions_aws import CONDITIONS
from heat.template.functions_aws_data import comparable, shaped

# ``(type of the parameter, its value, attribute) -> value``, UNKNOWN if nobody can tell.
AttributeOf = Callable[[str, Any, str], Any]
RULE_FUNCTIONS = ('Fn::Contains', 'Fn::EachMemberEquals', 'Fn::EachMemberIn', 'Fn::RefAll', 'Fn::ValueOf',
                  'Fn::ValueOfAll')
# What the declaration of a parameter tells; all else is asked of the thing that it names.
_DECLARED: dict[str, Callable[[ParameterSchema], Any]] = {
    'DefaultValue': lambda schema: None if schema.default is ABSENT else schema.default,
    'Description': lambda schema: schema.description,
    'NoEcho': lambda schema: 'true' if schema.hidden else 'false',
    'Type': lambda schema: schema.shown_type}
_RULE_KEYS = ('RuleCondition', 'Assertions')
_ASSERTION_KEYS = ('Assert', 'AssertDescription')


class RuleScope(NullScope):
    """Parameters, and attributes of what they name."""

    def __init__(self, values: dict[str, Any], attribute: AttributeOf | None) -> None:
        super().__init__(values)
        self._attribute = attribute

    def of_parameter(self, kind: str, value: Any, attribute: str) -> Any:
        return UNKNOWN if self._attribute is None else self._attribute(kind, value, attribute)


@dataclass(frozen=True, slots=True)
class ThingAttribute(Expr):
    """An attribute of the thing that a parameter names; a list for a parameter that names several."""

    parameter: str
    kind: str
    attribute: str

    def value(self, scope: Scope) -> Any:
        value = scope.parameter(self.parameter)
        if value is UNKNOWN or not isinstance(scope, RuleScope):
            return UNKNOWN
        if isinstance(value, list):
            kind = self.kind.removeprefix('List<').removesuffix('>')
            return [scope.of_parameter(kind, one, self.attribute) for one in value]
        return scope.of_parameter(self.kind, value, self.attribute)

    def own_parameters(self) -> Iterable[str]:
        return (self.parameter,)

    def settle(self, scope: Scope) -> Expr:
        return self


def rule_functions(schemas: Mapping[str, ParameterSchema]) -> dict[str, Builder]:
    """Builders of the functions of rules about these parameters."""

    # One that is declared badly may be of any type.
    broken = [name for name, schema in schemas.items() if schema.default is UNKNOWN]

    def of_type(unit: Unit, name: str, kind: Any, path: Path) -> list[str]:
        found = [one for one, schema in schemas.items() if schema.shown_type == kind and one not in broken]
        found += broken
        if not found:
            kinds = {schema.shown_type for schema in schemas.values()}
            unit.unknown(path, f'"{name}": no parameter is of type {kind}', kind, kinds)
        return found

    def ref_all(unit: Unit, name: str, args: Any, path: Path) -> Expr:
        if not isinstance(args, str):
            return unit.fault(path, f'Argument to "{name}" must be a type of parameters')
        found = of_type(unit, name, args, path)
        return _flat(name, [GetParam(Constant(one)) for one in found])

    def attribute(unit: Unit, parameter: str, wanted: str) -> Expr:
        schema = schemas[parameter]
        if parameter in broken:
            return GetParam(Constant(parameter))
        if wanted in _DECLARED:
            return Constant(_DECLARED[wanted](schema))
        return ThingAttribute(parameter, schema.shown_type, wanted)

    def value_of(unit: Unit, name: str, args: Any, path: Path) -> Expr:
        if not _two_texts(args):
            return unit.fault(path, f'Arguments to "{name}" must be of the form [parameter, attribute]')
        if args[0] not in schemas:
            return unit.unknown((*path, 0), f'There is no parameter "{args[0]}"', args[0], schemas)
        return attribute(unit, args[0], args[1])

    def value_of_all(unit: Unit, name: str, args: Any, path: Path) -> Expr:
        if not _two_texts(args):
            return unit.fault(path, f'Arguments to "{name}" must be of the form [parameter_type, attribute]')
        found = of_type(unit, name, args[0], (*path, 0))
        return _flat(name, [attribute(unit, one, args[1]) for one in found])

    return {**{name: builder for name, builder in CONDITIONS.items() if name != 'Condition'},
            'Fn::Contains': shaped(2, '[[value, ...], value]', _contains),
            'Fn::EachMemberEquals': shaped(2, '[[value, ...], value]', _each_equals),
            'Fn::EachMemberIn': shaped(2, '[[value, ...], [value, ...]]', _each_in),
            'Fn::RefAll': ref_all, 'Fn::ValueOf': value_of, 'Fn::ValueOfAll': value_of_all}


def _two_texts(args: Any) -> bool:
    return isinstance(args, list) and len(args) == 2 and all(isinstance(one, str) for one in args)


def _flat(name: str, parts: list[Expr]) -> Expr:
    return Apply(name, ListOf(tuple(parts)), lambda values: [
        item for value in values for item in (value if isinstance(value, list) else [value])])


def _items(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f'"{name}" needs a list of values')
    flat = [item for one in value for item in (one if isinstance(one, list) else [one])]
    return [comparable(item) for item in flat]


def _contains(name: str, args: Any) -> bool:
    return comparable(args[1]) in _items(name, args[0])


def _each_equals(name: str, args: Any) -> bool:
    return all(item == comparable(args[1]) for item in _items(name, args[0]))


def _each_in(name: str, args: Any) -> bool:
    return set(map(str, _items(name, args[0]))) <= set(map(str, _items(name, args[1])))


def compile_rules(unit: Unit, section: Mapping[str, Any], schemas: Mapping[str, ParameterSchema],
                  ) -> tuple[Rule, ...]:
    """Every rule of the section; faults are noted in ``unit``."""
    table = rule_functions(schemas)
    inner = copy.copy(unit)
    inner.condition_functions = table
    inner.functions = {**dict.fromkeys(unit.functions, misplaced), **table}
    inner.condition_names = frozenset()
    inner.alone()
    return tuple(_rule(inner, name, data, ('Rules', name)) for name, data in section.items())


def _rule(unit: Unit, name: str, data: Any, place: Path) -> Rule:
    if not isinstance(data, dict) or not isinstance(data.get('Assertions'), list):
        unit.fault(place, 'A rule must be a map with a list of Assertions')
        return Rule(name, None, ())
    for key in data:
        if key not in _RULE_KEYS:
            unit.unknown((*place, key), f'A rule has no "{key}"', key, _RULE_KEYS)
    condition = data.get('RuleCondition')
    assertions = []
    for index, one in enumerate(data['Assertions']):
        path = (*place, 'Assertions', index)
        if not isinstance(one, dict) or 'Assert' not in one:
            unit.fault(path, 'An assertion must be a map with Assert')
            continue
        for key in one:
            if key not in _ASSERTION_KEYS:
                unit.unknown((*path, key), f'An assertion has no "{key}"', key, _ASSERTION_KEYS)
        if not isinstance(one.get('AssertDescription', ''), str):
            unit.fault((*path, 'AssertDescription'), 'AssertDescription must be a string')
        assertions.append((unit.condition(one['Assert'], (*path, 'Assert')),
                           str(one.get('AssertDescription') or '')))
    return Rule(name, None if condition is None else unit.condition(condition, (*place, 'RuleCondition')),
                tuple(assertions))


def check_rules(template: Template, parameters: Parameters,
                attribute: AttributeOf | None = None) -> list[tuple[Path, str]]:
    """Place and sentence of each assertion that does not hold; none if the stack may be made.

    ``attribute`` tells attributes of what parameters name (the network of a subnet);
    a rule that hangs on what it cannot tell does not hold. What asserts something of a
    parameter whose value is missing, or not known yet, is judged when it is known.
    """
    values = {name: parameters.value(name) for name in parameters.names() if name in parameters}
    known = {name for name, value in values.items() if not has_unknown(value)}
    scope = RuleScope(values, attribute)
    return [broken for rule in template.rules for broken in _broken(rule, scope, known)]


def _broken(rule: Rule, scope: RuleScope, known: set[str]) -> Iterator[tuple[Path, str]]:
    place: Path = ('Rules', rule.name)
    try:
        if rule.condition is not None and not rule.condition.parameters() <= known:
            return
        applies = True if rule.condition is None else rule.condition.value(scope)
        if applies is False:
            return
        for number, (assertion, said) in enumerate(rule.assertions, 1):
            if not assertion.parameters() <= known:
                continue
            place = ('Rules', rule.name, 'Assertions', number - 1)
            holds = UNKNOWN if applies is UNKNOWN else assertion.value(scope)
            if holds is UNKNOWN:
                yield place, (f'Rules.{rule.name}: it asks for what cannot be told here'
                              + (f': {said}' if said else ''))
            elif holds is not True:
                yield place, f'Rules.{rule.name}: ' + (said or f'assertion {number} does not hold')
    except (ValueError, TypeError) as error:
        yield place, f'Rules.{rule.name}: {error}'
