"""What is wrong with a template whose types are known, as errors with their places.

Purpose: the findings that strict and lenient validation share. Invariant: pure;
each fault's sentence is the classic one, its path leads to it in the template as
written, in the spelling of its dialect. Neighbours: ``validate`` and ``templates``
collect; ``template.definition`` finds what needs no types.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from heat.common import errors
from heat.common.errors import path_text
from heat.common.fault import ENVIRONMENT, PROPERTY, TEMPLATE
from heat.plan.references import circles
from heat.resources.provider import TemplateResource
from heat.schema import PropertyError, nearest
from heat.template.definition import Template, located, place_of
from heat.template.expr import Expr, Scope
from heat.template.versions import dialect_of

# The start of a sentence that names a place in the template, after its kind and without one.
_LOCATED = re.compile(r'^[\w ]+: : (?=resources\.)', re.MULTILINE)
_PLACED = re.compile(r'(?:resources|outputs|conditions|Resources|Outputs)\.\S')


def type_of(template: Template, name: str, types: Any, found: errors.Collected) -> Any:
    """The type of a resource, None if the name stands for none."""
    called = template.resources[name].type
    try:
        return types(called, name)
    except errors.HeatException as error:
        # What is wrong inside the template of a type stands in that template's file.
        place = place_of(template, name, 'type')
        if error.faults:
            error.faults = tuple(replace(one, path=(*place, *one.path)) if one.source == TEMPLATE else one
                                 for one in error.faults)
        found.add(error if error.faults else error.within(place))
        return None


class Outputs(frozenset[str]):
    """What a template tells: its outputs, and what every nested stack has."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or str(name).startswith(('resource.', 'OS::stack_id'))


def attributes_of(kind: Any, thorough: bool = False) -> Collection[str] | None:
    """The attributes of a type; None if any name may be one, or the type is not known.

    ``thorough``: those of a template are its outputs, which the interface does not hold it to.
    """
    if thorough and kind is not None and kind.type == TemplateResource.type and not kind.any_attribute:
        return Outputs(kind.schema.attributes)
    if kind is None or kind.nested or kind.any_attribute or kind.schema.open:
        return None
    return kind.schema.attributes


def note_circles(template: Template, found: errors.Collected) -> None:
    """Each circle of resources that wait for one another, by the names in it."""
    for names in circles(template.resources):
        if found.full:
            break
        cycle = ' -> '.join([*names, names[0]])
        found.add(errors.CircularDependencyException(cycle=cycle).at(
            place_of(template, names[0]), value=cycle))


def property_fault(template: Template, error: PropertyError, join: str) -> errors.HeatException:
    """What is wrong with a property; for a call of an unknown function the one that was meant."""
    fault = error.fault(join)
    _resources, name, part, *below = fault.path
    near = fault.suggestion or _function_meant(template, error)
    return errors.StackValidationFailed(message=fault.message).told((replace(
        fault, path=(*place_of(template, str(name), str(part)), *below), suggestion=near, kind=PROPERTY,
        said=error.message),))


def misfit(template: Template, name: str, part: str, said: str,
           place: tuple[Any, ...] | None = None) -> errors.HeatException:
    """What a type says of the properties, or of another part, of a resource."""
    spelled = 'CreationPolicy' if part == 'creation_policy' else part
    return errors.StackValidationFailed(message=f'Property error: : resources.{name}.{spelled}: : {said}').at(
        place or place_of(template, name, part), kind=PROPERTY, said=said)


def refusal(name: str, error: Exception, place: tuple[Any, ...]) -> errors.HeatException:
    """What a function says that refuses its arguments; the place is for errors that know none."""
    if isinstance(error, errors.HeatException):
        return error if error.faults else error.at(place)
    return errors.StackValidationFailed(message=f'{type(error).__name__}: : resources.{name}: : {error}').at(
        place, said=str(error))


def _function_meant(template: Template, error: PropertyError) -> str | None:
    """``get_parm`` is no function, so ``{get_parm: x}`` is a map where none is wanted."""
    name = error.name if error.below else None
    if isinstance(error.value, dict) and len(error.value) == 1:
        name = next(iter(error.value))
    return nearest(name, dialect_of(template.raw).functions) if isinstance(name, str) else None


def refusing(node: Expr, scope: Scope) -> tuple[Any, ...]:
    """The path below ``node`` to the innermost function that refuses its arguments."""
    found: tuple[Any, ...] = ()
    for one, path in located(node):
        # What stands around a refusing function refuses too, so the deepest of one line counts.
        if len(path) >= len(found) and path[:len(found)] == found and not _fits(one, scope):
            found = path
    return found


def _fits(node: Expr, scope: Scope) -> bool:
    try:
        node.value(scope)
    except (ValueError, TypeError, KeyError, errors.HeatException):
        return False
    return True


def in_child(error: errors.HeatException, place: tuple[str, ...], named: str,
             file: str | None) -> errors.HeatException:
    """The error about the template of a nested stack, as its parent tells it.

    ``place`` is the resource in the parent, ``named`` the template that it is by its
    type. ``file`` holds the child's template; without one, the template was made from
    the resource's properties and the faults stand at the resource.
    """
    below = f'resources.{place[-1]}<{named or "nested_stack"}>'
    found = [_seen_from_parent(one, place, file) for one in error.faults or (errors.Fault(str(error)),)]
    if not isinstance(error, errors.StackValidationFailed):
        # Its class and sentence are its own.
        return error.told(found, error.untold)
    told = [replace(one, message=_told_below(one.message, below)) for one in found]
    said, located = _LOCATED.subn(lambda start: f'{start[0]}{below}.', error.error_message)
    if located and not error.path:
        made = errors.StackValidationFailed(message=said)
    else:
        made = errors.StackValidationFailed(error=error.error, message=error.error_message,
                                            path=f'{below}.{error.path}' if error.path else below)
    told[0] = replace(told[0], message=str(made))
    return made.told(told, error.untold)


def _seen_from_parent(fault: errors.Fault, place: tuple[str, ...], file: str | None) -> errors.Fault:
    properties = (*place, 'properties' if place[0] == 'resources' else 'Properties')
    if fault.source == ENVIRONMENT and fault.path[:1] in (('parameter_defaults',), ('resource_registry',)):
        # They hold for all templates of the stack.
        return replace(fault, said=fault.bare())
    if fault.source == ENVIRONMENT:
        # The child's environment is what the resource gives it.
        return replace(fault, path=properties, source=TEMPLATE, said=fault.bare())
    if fault.source == TEMPLATE and file:
        return replace(fault, source=file, said=fault.bare())
    if fault.source == TEMPLATE:
        # What is made of properties stands in them.
        inside = path_text(list(fault.path))
        return replace(fault, path=properties, said=f'{inside}: {fault.bare()}' if inside else fault.bare())
    return fault


def _told_below(message: str, below: str) -> str:
    said, located = _LOCATED.subn(lambda start: f'{start[0]}{below}.', message)
    if located:
        return said
    return f'{below}.{message}' if _PLACED.match(message) else f'{below}: {message}'


def check_parameter_count(template: Template, most: int) -> None:
    """RequestLimitExceeded for a template with more than ``most`` parameters; -1 is no limit."""
    count = len(template.parameters)
    if 0 <= most < count:
        section = 'parameters' if template.dialect == 'hot' else 'Parameters'
        raise errors.RequestLimitExceeded(
            message=f'The template has {count} parameters, at most {most} are allowed.').at(
                (section,), expected=f'at most {most} parameters')
