"""Is this a stack that can be made? Asked before anything is written.

Purpose: types, properties, references, attributes, cycles, and the things in the
cloud that the template names. Invariant: every fault found is told in one
answer, the first in the classic wording; nothing is changed.
Neighbours: ``intake`` asks; ``schema`` and ``template`` know the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from heat import schema
from heat.clouds.catalog import service as catalog_row
from heat.clouds.credential import Credential
from heat.clouds.extensions import Extensions
from heat.clouds.find import Finder
from heat.common import errors, green
from heat.common.context import RequestContext
from heat.common.fault import PROPERTY, TYPE
from heat.common.ids import StackId
from heat.common.policy import Enforcer
from heat.common.text import content_hash, flaw
from heat.engine.compiled import Compiled, at_leisure, child_environment, compile_child, section_of
from heat.engine.findings import (
    attributes_of,
    check_parameter_count,
    in_child,
    misfit,
    note_circles,
    property_fault,
    refusal,
    refusing,
    type_of,
)
from heat.model.op import CloudFault, StepFailed
from heat.model.resource import Row
from heat.plan.references import references_by_resource
from heat.plan.traversal import Wanted
from heat.resources.nested import ChildTemplate
from heat.resources.provider import TemplateResource
from heat.schema.constraints import Custom
from heat.schema.parameters import written
from heat.template import dynamic
from heat.template.checks import check_attributes, check_parameters, check_references
from heat.template.definition import Definition, Template, located_refs, place_of
from heat.template.expr import EMPTY_MAP, OMITTED, Constant, Expr, NullScope, items_of

Standing = Callable[[], Mapping[str, str]]
"""The types of resources by their names."""


class Validator:
    """Validates for one request. ``available`` tells whether a service is in the catalogue."""

    def __init__(self, context: RequestContext, *, finder: Finder | None, credential: Credential | None,
                 available: Callable[[str], bool], policy: Enforcer | None, max_resources: int,
                 max_depth: int, max_parameters: int = -1, thorough: bool = False,
                 extensions: Extensions | None = None) -> None:
        """``thorough``: metadata and outputs are looked into too, which the interface lets pass."""
        self._thorough = thorough
        self._context = context
        self._finder = finder
        self._credential = credential
        self._available = available
        self._extensions = extensions
        self._policy = policy
        self._max_resources = max_resources
        self._max_depth = max_depth
        self._max_parameters = max_parameters
        self._count = 0
        self._standing: Standing | None = None
        # Members of a group are often alike: in which stack something was found sound, and how many
        # resources it has. The stack is held, so that no other can come under its number.
        self._sound: dict[tuple[int, str], tuple[int, Compiled]] = {}

    def stack(self, identity: StackId, compiled: Compiled, wanted: Wanted,
              standing: Standing | None = None) -> None:
        """Raise StackValidationFailed or its kin, with every fault, if this stack cannot be made.

        ``standing`` gives the resources that it has already: those of a retired type may stay. What
        is inside nested stacks then is refused at its step only.
        """
        self._standing = standing
        self._count = 0
        self._sound.clear()
        found = compiled.noted or errors.Collected()
        self._parameters(compiled, found)
        self._template(identity, wanted, compiled, 0, found)
        error = found.error()
        if error is not None:
            raise compiled.told(error)

    def _parameters(self, compiled: Compiled, found: errors.Collected) -> None:
        for name, constraint, value in compiled.parameters.cloud_checks():
            said = self._look_up(constraint.name, value)
            if said:
                schema_ = compiled.template.parameters[name]
                _raw, path, source = written(
                    schema_, compiled.environment.parameters, compiled.environment.parameter_defaults,
                    section_of(compiled.template.dialect))
                found.add(schema_.misfit(value, constraint.message(value, said)).within(path, source))

    def _template(self, identity: StackId, wanted: Wanted, compiled: Compiled, depth: int,
                  found: errors.Collected) -> None:
        template = wanted.template
        assert template is not None
        check_parameter_count(template, self._max_parameters)
        self._counted(len(template.resources), place_of(template))
        if depth > self._max_depth:
            raise errors.RequestLimitExceeded(
                message=f'Recursion depth exceeds {self._max_depth}.')
        kinds = self._types(template, compiled.types, depth, found)
        at_leisure(template.raw, lambda: self._referring(template, compiled, kinds, found))
        reads = at_leisure(template.raw, lambda: references_by_resource(template))
        scope = NullScope(dict(wanted.facts.parameters), compiled.files)
        known: dict[str, tuple[Any, Mapping[str, Any]]] = {}
        names = frozenset((*template.resources, *template.broken))
        for name, kind in green.at_ease(kinds.items()):
            before = found.count
            props = self._properties(template, name, kind, scope, found, wanted.aws)
            if props is not None:
                self._among(template, name, kind, props, names, found)
                known[name] = (kind, props)
            if props is not None and kind.variant(props).nested and found.count == before:
                self._nested(identity, name, kind, props, kind.wanted(frozenset(reads.get(name, ()))),
                             compiled, depth, found)
        for name, (kind, _props) in green.at_ease(known.items()):
            for said in kind.among(_refers(template.resources[name]), known):
                found.add(misfit(template, name, 'properties', said))

    def _referring(self, template: Template, compiled: Compiled, kinds: Mapping[str, Any],
                   found: errors.Collected) -> None:
        """What is wrong with how resources refer to each other and to parameters."""
        check_references(template, found)
        check_parameters(template, compiled.parameters.names(), found, everywhere=self._thorough)
        check_attributes(template, lambda name: attributes_of(kinds.get(name), self._thorough), found)
        note_circles(template, found)
        for name, kind in kinds.items():
            if template.resources[name].deletion_policy == 'Snapshot' and not kind.snapshots:
                found.add(errors.StackValidationFailed(message=(
                    f'resources.{name}.deletion_policy: : "Snapshot" deletion policy not supported')).at(
                        place_of(template, name, 'deletion_policy'), kind=PROPERTY,
                        said='"Snapshot" deletion policy not supported'))

    def _counted(self, resources: int, place: Iterable[Any]) -> None:
        self._refuse_too_many(resources, place)
        self._count += resources

    def _refuse_too_many(self, more: int, place: Iterable[Any]) -> None:
        if 0 <= self._max_resources < self._count + more:
            raise errors.RequestLimitExceeded(message='Maximum resources per stack exceeded.').at(
                place, expected=f'at most {self._max_resources} resources')

    def _may_stay(self, kind: Any, name: str, depth: int) -> bool:
        return self._standing is not None and (depth > 0 or self._standing().get(name) == kind.type)

    def _types(self, template: Template, types: Any, depth: int,
               found: errors.Collected) -> dict[str, Any]:
        """The type of each resource that has one which may be used here."""
        kinds = {}
        for name, definition in green.at_ease(template.resources.items()):
            external = definition.external_id
            identity = str(external.data) if isinstance(external, Constant) else ''
            for part, said in (('name', flaw(name)), ('type', flaw(definition.type)),
                               ('external_id', flaw(identity))):
                if said:
                    found.add(errors.StackValidationFailed(message=f'Resource {part} {said}').at(
                        place_of(template, name, *([] if part == 'name' else [part]))))
            kind = type_of(template, name, types, found)
            if kind is None:
                continue
            kinds[name] = kind
            place = place_of(template, name, 'type')
            self._check_use(kind, definition.type, place, found)
            if kind.retired and not self._may_stay(kind, name, depth):
                found.add(errors.StackValidationFailed(message=f'resources.{name}: {kind.retired}').at(
                    place, value=definition.type, kind=TYPE, said=kind.retired))
            for built in kind.builds if kind.nested else ():
                self._check_use(types(built, name), built, place, found)
        return kinds

    def _check_use(self, kind: Any, called: str, place: Iterable[Any], found: errors.Collected) -> None:
        if self._policy is not None:
            # A template has no name but the one it is called by.
            named = called if kind.type == TemplateResource.type else kind.type
            self._policy.enforce_type(self._context, named)
        if kind.service is not None and not self._available(kind.service):
            found.add(unavailable(kind.service, called).at(place, value=called))
        elif kind.extension and self._extensions is not None and self._credential is not None and (
                not self._extensions.has(self._credential, kind.service, kind.extension)):
            found.add(unextended(kind, called).at(place, value=called))

    @staticmethod
    def _among(template: Template, name: str, kind: Any, props: Mapping[str, Any],
               names: frozenset[str], found: errors.Collected) -> None:
        """What names resources of the stack that it does not have."""
        for said in kind.validate_among(props, names):
            found.add(misfit(template, name, 'properties', said))

    def _properties(self, template: Template, name: str, kind: Any, scope: NullScope,
                    found: errors.Collected, aws: bool) -> dict[str, Any] | None:
        definition = template.resources[name]
        scope.budget.turn()
        raw, bad_raw = self._evaluated(template, name, 'properties', definition.properties, scope, found)
        policy, bad_policy = self._evaluated(template, name, 'update_policy', definition.update_policy,
                                             scope, found)
        if self._thorough:
            self._evaluated(template, name, 'metadata', definition.metadata, scope, found)
        if not isinstance(raw, Mapping) or not isinstance(policy, Mapping):
            return None
        path: list[Any] = ['resources', name, 'properties']
        props, wrong = schema.resolve(kind.schema.properties, raw, path=path, unknown_ok=True,
                                      accept_others=kind.schema.open)
        rules, wrong_policy = schema.resolve(kind.schema.update_policy, policy,
                                             path=['resources', name, 'update_policy'])
        for error in [*wrong, *wrong_policy]:
            found.note(lambda error=error: property_fault(template, error, ': : '))  # type: ignore[misc]
        if wrong or wrong_policy or bad_raw or bad_policy:
            return None
        place = place_of(template, name, 'properties')
        for said in kind.validate_policy(rules):
            found.add(misfit(template, name, 'update_policy', said))
        if definition.creation_policy is not EMPTY_MAP and kind.pure:
            found.add(misfit(template, name, 'creation_policy',
                             f'CreationPolicy is not supported for {definition.type}.'))
        if kind.pure and aws and dynamic.present(props):
            said = ('A dynamic reference is resolved for a call to the cloud, and '
                    f'{definition.type} makes none.')
            found.add(misfit(template, name, 'properties', said,
                             next((at for at, _inside in dynamic.located(raw, place)), place)))
        for error in kind.schema.faults(props):
            found.add(errors.StackValidationFailed(
                message=f'{type(error).__name__}: : resources.{name}: : {error}').at(
                    place, kind=PROPERTY, said=str(error)))
        for said in kind.validate(props):
            found.add(misfit(template, name, 'properties', said))
        for below, constraint, value in schema.custom_checks(kind.schema.properties, props):
            refused = self._look_up(constraint, value)
            if refused:
                where = errors.path_text([*path, *below])
                custom = Custom(name=constraint)
                said = custom.message(value, refused)
                found.add(errors.StackValidationFailed(message=f'Property error: : {where}: : {said}').at(
                    (*place, *below), value=value, expected=custom.expected(), kind=PROPERTY, said=said))
        return props

    @staticmethod
    def _evaluated(template: Template, name: str, part: str, node: Expr, scope: NullScope,
                   found: errors.Collected) -> tuple[Any, bool]:
        """The map that a part is, or UNKNOWN, and whether it is none or a function refuses its arguments.

        Entries that such a function makes are UNKNOWN in it.
        """
        place = place_of(template, name, part)
        try:
            value = node.value(scope)
        except (ValueError, TypeError, KeyError, errors.HeatException) as error:
            entries = items_of(node)
            if not entries:
                found.add(refusal(name, error, (*place, *refusing(node, scope))))
                return None, True
            return {key: one for key, one in (
                (key, _entry(name, (*place, key), item, scope, found)) for key, item in entries.items())
                if one is not OMITTED}, True
        if value is schema.UNKNOWN or isinstance(value, Mapping):
            return value, False
        if value is None or value is OMITTED:
            return {}, False
        said = f'"{value}" is not a map'
        found.add(errors.StackValidationFailed(
            message=f'Property error: : resources.{name}.{part}: : {said}').at(
                place, value=value, expected='a map', kind=PROPERTY, said=said))
        return None, True

    def _look_up(self, constraint: str, value: Any) -> str | None:
        """The finder's sentence if the thing is not there; None if it is, or if nobody can tell."""
        if self._finder is None or self._credential is None or not isinstance(value, str):
            return None
        try:
            self._finder.find(self._credential, constraint, value, check=True)
        except CloudFault as fault:
            return fault.text()
        except errors.HeatException as error:
            return str(error)
        return None

    def _nested(self, identity: StackId, name: str, kind: Any, props: dict[str, Any], reads: Any,
                outer: Compiled, depth: int, found: errors.Collected) -> None:
        """The stack that a resource is, with what its values are not known yet left open."""
        row = Row(uuid='00000000-0000-4000-8000-000000000000', stack_id=identity.stack_id,
                  root_id=identity.stack_id, name=name, type=kind.type, props=props,
                  keep={'wanted': list(reads)})
        self._refuse_too_many(kind.foreseen(row), place_of(outer.template, name))
        inside = errors.Collected(found.most)
        file: str | None = kind.source or None
        compiled: Compiled | None = None
        try:
            child = self._expanded(kind, row)
            if child is None:
                return
            file = file or child.source
            file = None if file is None else outer.files.source(file)
            inner = child_environment(outer.stored_environment(), child, name)
            alike = _likeness(child, inner, depth)
            if alike is not None and (id(outer), alike) in self._sound:
                self._counted(self._sound[id(outer), alike][0], place_of(outer.template, name))
                return
            before = self._count
            compiled = compile_child(identity, child, inner, outer.types, lender=outer.lender, noted=inside)
            self._template(identity, compiled.wanted(), compiled, depth + 1, inside)
            if alike is not None and not inside.count:
                self._sound[id(outer), alike] = self._count - before, outer
        except (errors.RequestLimitExceeded, errors.Forbidden):
            raise
        except errors.HeatException as error:
            inside.add(error)
        except (ValueError, TypeError, OverflowError) as error:
            inside.add(errors.StackValidationFailed(message=str(error)))
        fault = inside.error()
        if fault is not None:
            fault = fault if compiled is None else compiled.told(fault)
            found.add(in_child(fault, place_of(outer.template, name), kind.source, file))

    @staticmethod
    def _expanded(kind: Any, row: Row) -> ChildTemplate | None:
        """The child's template; None if it takes values that are not known yet, or the cloud, to tell."""
        if kind.asks_first(row):
            return None
        try:
            found: ChildTemplate = kind.expand(row, None)
        except StepFailed as error:
            raise errors.StackValidationFailed(message=str(error)) from error
        except (TypeError, ValueError, AttributeError):
            if schema.has_unknown(row.props):
                return None
            raise
        return None if found.source is schema.UNKNOWN else found


def _entry(name: str, place: tuple[Any, ...], node: Expr, scope: NullScope, found: errors.Collected) -> Any:
    """The value of one entry; UNKNOWN if a function in it refuses its arguments."""
    try:
        return node.value(scope)
    except (ValueError, TypeError, KeyError, errors.HeatException) as error:
        found.add(refusal(name, error, (*place, *refusing(node, scope))))
        return schema.UNKNOWN


def _likeness(child: ChildTemplate, environment: Mapping[str, Any], depth: int) -> str | None:
    """Equal for nested stacks that are alike; None where something is not known yet."""
    made_from = [child.tree, child.source, child.inside, environment, depth]
    return None if schema.has_unknown(made_from) else content_hash(made_from)


def _refers(definition: Definition) -> dict[str, frozenset[str]]:
    """Property -> the resources that it is (by get_resource)."""
    found: dict[str, frozenset[str]] = {}
    for ref, path in located_refs(definition.properties):
        if ref.kind == 'reference' and path:
            name = str(path[0])
            found[name] = found.get(name, frozenset()) | {ref.resource}
    return found


def unavailable(service: str, called: str) -> errors.ResourceTypeUnavailable:
    """The type's service is not in the user's catalogue."""
    row = catalog_row(service)
    client = row.section.removeprefix('clients_')
    return errors.ResourceTypeUnavailable(
        service_name=client, resource_type=called,
        reason=f'{client} {row.name} endpoint is not in service catalog.')


def unextended(kind: Any, called: str) -> errors.ResourceTypeUnavailable:
    """The type's service lacks the extension that the type needs."""
    client = catalog_row(kind.service).section.removeprefix('clients_')
    return errors.ResourceTypeUnavailable(
        service_name=client, resource_type=called,
        reason=f'Required extension {kind.extension} in {client} service is not available.')
