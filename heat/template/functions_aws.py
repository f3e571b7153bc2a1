"""The functions of AWS's own template format, with AWS's semantics.

Purpose: builders like those of ``functions_cfn``, which keeps the classic variants.
Invariant: what AWS refuses is a fault or a ValueError, never literal data; where that
would break older templates of Heat the classic meaning stays and is warned about.
AWS::NoValue is ``OMITTED``: lists and maps leave it out.
Neighbours: ``functions_aws_data`` (values), ``substitution`` (Fn::Sub), ``network``
(Fn::Cidr), ``foreign`` (other stacks), ``rules``; ``versions`` lists the functions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heat.schema.kinds import UNKNOWN
from heat.template import functions_cfn as classic
from heat.template.compile import Condition, conjunction, disjunction, misplaced, negation
from heat.template.expr import OMITTED, Constant, Expr, Scope
from heat.template.foreign import Zones, get_stack_output, import_value
from heat.template.functions import Builder, GetAttr, GetParam, GetResource, Path, choice
from heat.template.functions_aws_data import (
    NO_VALUE,
    base64_builder,
    comparable,
    extension,
    find_in_map,
    join_builder,
    length,
    select_builder,
    shaped,
    split_builder,
    to_json_string,
)
from heat.template.functions_text import kind_of
from heat.template.network import cidr
from heat.template.substitution import sub

if TYPE_CHECKING:
    from heat.template.compile import Unit

MOST_CONDITIONS = 10


@dataclass(frozen=True, slots=True)
class RefByName(Expr):
    """``Ref`` of a name that is worked out: of a parameter, else of a resource."""

    name: Expr
    known: frozenset[str]

    def value(self, scope: Scope) -> Any:
        name = self.name.value(scope)
        if name is UNKNOWN:
            return UNKNOWN
        if not isinstance(name, str):
            raise ValueError(f'Argument to "Ref" must be a name, not {kind_of(name)}')
        return named(name, self.known).value(scope)

    def children(self) -> Iterable[Expr]:
        return (self.name,)

    def settle(self, scope: Scope) -> Expr:
        name = self.name.settle(scope)
        if isinstance(name, Constant) and isinstance(name.data, str):
            return named(name.data, self.known).settle(scope)
        return RefByName(name, self.known)


def named(name: str, parameters: frozenset[str]) -> Expr:
    if name == NO_VALUE:
        return Constant(OMITTED)
    return GetParam(Constant(name)) if name in parameters else GetResource(Constant(name))


def reference(unit: Unit, name: str, path: Path) -> Expr:
    """What a name stands for; a fault if it can be nothing but an unknown pseudo parameter."""
    if name.startswith('AWS::') and name != NO_VALUE and name not in unit.parameters:
        known = [one for one in (*unit.parameters, NO_VALUE) if one.startswith('AWS::')]
        return unit.unknown(path, f'There is no pseudo parameter "{name}"', name, known)
    return named(name, unit.parameters)


def ref(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if isinstance(args, str) and args:
        return reference(unit, args, path)
    if isinstance(args, dict) and unit.extensions:
        return RefByName(unit.node(args, path), unit.parameters)
    return unit.fault(path, f'Argument to "{name}" must be the name of a parameter or resource')


def ref_in_condition(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if args == NO_VALUE:
        # There is nothing that could be left out.
        unit.warn(path, f'{NO_VALUE} counts as an empty text in a condition')
        return Constant('')
    if isinstance(args, dict) and unit.extensions:
        return RefByName(unit.node(args, path), unit.parameters)
    if not isinstance(args, str) or args not in unit.parameters:
        return unit.unknown(path, f'Invalid parameter reference {args}', args, unit.parameters)
    return GetParam(Constant(args))


def get_att(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    form = f'Arguments to "{name}" must be of the form [resource_name, attribute]'
    if isinstance(args, str):
        resource, dot, attribute = args.partition('.')
        args = [resource, attribute] if dot and resource and attribute else None
    if not isinstance(args, list) or len(args) != 2:
        return unit.fault(path, form)
    resource, attribute = args
    if not isinstance(resource, str) and not (unit.extensions and isinstance(resource, dict)):
        return unit.fault((*path, 0), f'{form}, the name not made by a function')
    if not isinstance(attribute, (str, dict)):
        return unit.fault((*path, 1), form)
    return GetAttr(name, unit.node(resource, (*path, 0)), unit.node(attribute, (*path, 1)))


def get_azs(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if not isinstance(args, (str, dict)):
        return unit.fault(path, f'Argument to "{name}" must be the name of a region, "" for this one')
    return Zones(unit.node(args, path))


def several(inner: Builder) -> Builder:
    """A condition of two to ten others."""

    def build(unit: Unit, name: str, args: Any, path: Path) -> Expr:
        if isinstance(args, list) and len(args) > MOST_CONDITIONS:
            return unit.fault(path, f'The maximum number of condition arguments to "{name}" is '
                                    f'{MOST_CONDITIONS}.')
        return inner(unit, name, args, path)

    return build


def condition(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    if not isinstance(args, str):
        return unit.fault(path, f'Argument to "{name}" must be the name of a condition')
    if args not in unit.condition_names:
        return unit.unknown(path, f'Invalid condition "{args}"', args, unit.condition_names)
    return Condition(args)


def transform(unit: Unit, name: str, args: Any, path: Path) -> Expr:
    return unit.fault(path, f'"{name}" stands where no macro is worked out')


def heat_only(inner: Builder) -> Builder:
    """A function that Heat added to the format and AWS does not know."""

    def build(unit: Unit, name: str, args: Any, path: Path) -> Expr:
        unit.warn(path, f'"{name}" is known here only, not by AWS')
        return inner(unit, name, args, path)

    return build


_EQUALS = shaped(2, '[value_1, value_2]', lambda name, pair: comparable(pair[0]) == comparable(pair[1]))
_ANYWHERE: dict[str, Builder] = {
    'Fn::FindInMap': find_in_map, 'Fn::Join': join_builder, 'Fn::Length': extension(length),
    'Fn::Select': select_builder, 'Fn::Split': split_builder, 'Fn::Sub': sub,
    'Fn::ToJsonString': extension(to_json_string)}
CONDITIONS: dict[str, Builder] = {
    'Condition': condition, 'Fn::And': several(conjunction), 'Fn::Equals': _EQUALS, 'Fn::If': choice(True),
    'Fn::Not': negation, 'Fn::Or': several(disjunction), 'Ref': ref_in_condition, **_ANYWHERE}
BUILDERS: dict[str, Builder] = {
    'Fn::Base64': base64_builder, 'Fn::Cidr': cidr, 'Fn::GetAZs': get_azs, 'Fn::GetAtt': get_att,
    'Fn::GetStackOutput': get_stack_output, 'Fn::If': choice(True), 'Fn::ImportValue': import_value,
    'Fn::MemberListToMap': heat_only(classic.BUILDERS['Fn::MemberListToMap']),
    'Fn::Replace': heat_only(classic.BUILDERS['Fn::Replace']),
    'Fn::ResourceFacade': heat_only(classic.BUILDERS['Fn::ResourceFacade']),
    'Fn::Transform': transform, 'Ref': ref, **_ANYWHERE}
# Known, but not as the value of a property or an output.
ELSEWHERE: dict[str, Builder] = dict.fromkeys(
    ('Fn::And', 'Fn::Contains', 'Fn::EachMemberEquals', 'Fn::EachMemberIn', 'Fn::Equals', 'Fn::Not', 'Fn::Or',
     'Fn::RefAll', 'Fn::ValueOf', 'Fn::ValueOfAll'), misplaced)
