"""Is there what a template refers to? Resources, parameters, attributes.

Purpose: every reference of a compiled template held against what it may name. Invariant: each fault
is told with its place and the name that was probably meant; nothing is raised where faults are noted.
Neighbours: ``definition`` has the template, ``engine.validate`` and the commands ask.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from heat.common import errors
from heat.common.errors import path_text
from heat.common.fault import ATTRIBUTE, REFERENCE
from heat.schema.suggest import nearest
from heat.template.definition import Template, located, located_refs, output_place, place_of
from heat.template.expr import Expr, Ref
from heat.template.places import part as part_at
from heat.template.places import pinned

_TITLES = {'properties': 'Properties', 'metadata': 'Metadata', 'update_policy': 'UpdatePolicy',
           'external_id': 'external_id', 'creation_policy': 'CreationPolicy'}


def check_references(template: Template, noted: errors.Collected | None = None) -> None:
    """Raise InvalidTemplateReference if a resource is used that is not defined; all uses are told.

    Give it the settled template: what refers to a disabled resource is refused, as is
    anything unknown in ``depends_on``. An output that only names an unknown resource is
    let pass and fails when it is read, but in AWS's format. Cycles are found by the planner.
    With ``noted`` nothing is raised, the faults are noted there.
    """
    known = {*template.resources, *template.broken}
    found = errors.Collected() if noted is None else noted

    def made(resource: str, key: str, path: tuple[Any, ...], kind: str) -> errors.HeatException:
        # What CloudFormation's Ref names may have been meant as a parameter.
        more = template.parameters if kind == 'reference' and template.dialect != 'hot' else ()
        off = resource in template.disabled
        near = None if off else nearest(str(resource), [*known, *more])
        error = errors.InvalidTemplateReference(resource=resource, key=key)
        return error.at(
            pinned(template.processed, path, resource), suggestion=near,
            said=f'{error} Its condition is false.' if off else None,
            expected=f'a resource that is made; the condition of {resource} is false' if off else None)

    def blame(resource: str, key: str, path: tuple[Any, ...], kind: str = '') -> None:
        found.note(lambda: made(resource, key, path, kind))

    for name, definition in template.resources.items():
        for wanted in definition.depends_on:
            if wanted not in known:
                place = place_of(template, name, 'depends_on')
                written = part_at(template.processed, place)
                blame(wanted, name, (*place, written.index(wanted)) if isinstance(written, list) else place)
        for part_name, node in definition.parts():
            if all(ref.resource in known for ref in node.refs()):
                continue
            for ref, path in located_refs(node):
                if ref.resource not in known:
                    blame(ref.resource, path_text([name, _TITLES[part_name], *path]),
                          (*place_of(template, name, part_name), *path), ref.kind)
    for name, output in template.outputs.items():
        if all(ref.resource in known for ref in output.value.refs()):
            continue
        for ref, path in located_refs(output.value):
            if ref.resource not in known and (ref.kind == 'attribute' or template.dialect == 'aws'):
                place = (*output_place(template, name), *path)
                said = place if template.dialect == 'aws' else ('outputs', name, 'value', *path)
                blame(ref.resource, path_text(list(said)), place, ref.kind)
    if noted is None:
        found.raise_any()


def check_parameters(template: Template, known: Collection[str], noted: errors.Collected, *,
                     everywhere: bool = False) -> None:
    """Note each get_param, in a resource, of what is not a parameter.

    UserParameterMissing, or StackValidationFailed for one in a property.

    ``everywhere``: in outputs and conditions too, which the interface lets pass.
    """
    names = frozenset(known)
    parts = [(part, place_of(template, name, part_name)) for name, definition in template.resources.items()
             for part_name, part in definition.parts()]
    if everywhere:
        parts += [(output.value, output_place(template, name)) for name, output in template.outputs.items()]
        section = 'conditions' if template.dialect == 'hot' else 'Conditions'
        parts += [(condition, (section, name)) for name, condition in template.conditions.items()]

    def missing(wanted: str, place: tuple[Any, ...]) -> errors.HeatException:
        said = str(errors.UnknownUserParameter(key=wanted))
        error: errors.HeatException = errors.UserParameterMissing(key=wanted)
        if len(place) > 3 and str(place[2]).lower() == 'properties':
            error = errors.StackValidationFailed(
                message=f'Property error: : resources.{place[1]}.properties.{place[3]}: : {error}')
        return error.at(
            pinned(template.processed, place, wanted), suggestion=nearest(str(wanted), known), said=said,
            kind=REFERENCE)

    for part, place in parts:
        if part.parameters() <= names:
            continue
        for node, path in located(part):
            for wanted in node.own_parameters():
                if wanted not in known:
                    noted.note(lambda wanted=wanted, path=(*place, *path): missing(wanted, path))  # type: ignore[misc]


def check_attributes(template: Template, attributes_of: Callable[[str], Collection[str] | None],
                     noted: errors.Collected | None = None) -> None:
    """Raise StackValidationFailed if get_attr asks for attributes that are not there; all are told.

    ``attributes_of`` maps a resource's name to the attributes of its type, None if any
    name may be one. With ``noted`` nothing is raised, the faults are noted there.
    """
    found = errors.Collected() if noted is None else noted
    for name, definition in template.resources.items():
        for part_name, part in definition.parts():
            _check_attributes(part, attributes_of, place_of(template, name, part_name), template.processed,
                              found)
    for name, output in template.outputs.items():
        _check_attributes(output.value, attributes_of, output_place(template, name), template.processed,
                          found)
    if noted is None:
        found.raise_any()


def _check_attributes(part: Expr, attributes_of: Callable[[str], Collection[str] | None],
                      place: tuple[str, ...], tree: Any, found: errors.Collected) -> None:
    def wrong(ref: Ref) -> Collection[str] | None:
        """The attributes there are, if what ``ref`` asks for is not one of them."""
        if ref.kind != 'attribute' or ref.attribute is None:
            return None
        known = attributes_of(ref.resource)
        return None if known is None or ref.attribute in known else known

    if all(wrong(ref) is None for ref in part.refs()):
        return
    function = 'get_attr' if place[0] in ('resources', 'outputs') else 'Fn::GetAtt'
    for ref, path in located_refs(part):
        known = wrong(ref)
        if known is not None:
            # The text of Fn::Sub names attributes too.
            path = (*place, *path) if path[-1:] == ('Fn::Sub',) else (*place, *path, function)
            found.note(lambda ref=ref, path=path, known=known: errors.StackValidationFailed(  # type: ignore[misc]
                path=list(path),
                message=errors.InvalidTemplateAttribute(resource=ref.resource, key=ref.attribute)).at(
                    pinned(tree, path, ref.resource), value=ref.attribute,
                    suggestion=nearest(ref.attribute, known), kind=ATTRIBUTE))
