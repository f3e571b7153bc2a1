"""Is this a stack that can be made? Asked before anything is written.

Purpose: types, properties, references, attributes, cycles, and the things in the
cloud that the template names. Invariant: every fault found is told in one
answer, the first in the classic wording; nothing is changed.
Neighbours: ``intake`` asks; ``schema`` and ``template`` know the rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from heat import schema
from heat.clouds.catalog import service as catalog_row
from heat.clouds.credential import Credential
from heat.clouds.find import Finder
from heat.common import errors
from heat.common.context import RequestContext
from heat.common.ids import StackId
from heat.common.policy import Enforcer
from heat.common.text import content_hash
from heat.engine.compiled import Compiled, child_environment, compile_child
from heat.model.op import CloudFault, StepFailed
from heat.model.resource import Row
from heat.plan.references import graph_of, references_by_resource
from heat.plan.traversal import Wanted
from heat.resources.nested import ChildTemplate
from heat.resources.provider import TemplateResource
from heat.schema.constraints import Custom
from heat.template import dynamic
from heat.template.definition import Definition, Template, check_attributes, check_references, located_refs
from heat.template.expr import EMPTY_MAP, NullScope

MAX_TOLD = 20
# The start of a sentence that names a place in the template.
_LOCATED = re.compile(r'^[\w ]+: : (?=resources\.)', re.MULTILINE)


class Validator:
    """Validates for one request. ``available`` tells whether a service is in the catalogue."""

    def __init__(self, context: RequestContext, *, finder: Finder | None, credential: Credential | None,
                 available: Callable[[str], bool], policy: Enforcer | None, max_resources: int,
                 max_depth: int, region: str = '') -> None:
        self._region = region
        self._context = context
        self._finder = finder
        self._credential = credential
        self._available = available
        self._policy = policy
        self._max_resources = max_resources
        self._max_depth = max_depth
        self._count = 0
        # Members of a group are often alike: in which stack something was found sound, and how many
        # resources it has. The stack is held, so that no other can come under its number.
        self._sound: dict[tuple[int, str], tuple[int, Compiled]] = {}

    def stack(self, identity: StackId, compiled: Compiled, wanted: Wanted) -> None:
        """Raise StackValidationFailed and its kin if this stack cannot be made."""
        self._count = 0
        self._sound.clear()
        self._parameters(compiled)
        self._template(identity, wanted, compiled, 0)

    def _counted(self, resources: int) -> None:
        self._count += resources
        if 0 <= self._max_resources < self._count:
            raise errors.RequestLimitExceeded(message='Maximum resources per stack exceeded.')

    def _parameters(self, compiled: Compiled) -> None:
        faults = []
        for name, constraint, value in compiled.parameters.cloud_checks():
            fault = self._look_up(constraint.name, value)
            if fault:
                faults.append(f"Parameter '{name}' is invalid: {constraint.message(value, fault)}")
        if faults:
            raise errors.StackValidationFailed(message='\n'.join(faults))

    def _template(self, identity: StackId, wanted: Wanted, compiled: Compiled, depth: int) -> None:
        template, types = wanted.template, compiled.types
        assert template is not None
        self._counted(len(template.resources))
        if depth > self._max_depth:
            raise errors.RequestLimitExceeded(
                message=f'Recursion depth exceeds {self._max_depth}.')
        for name, definition in template.resources.items():
            self._type(types(definition.type, name), definition.type)
        check_references(template)
        _check_parameters(template, wanted.facts.parameters)

        def attributes_of(name: str) -> Any:
            kind = types(template.resources[name].type, name)
            if kind.nested or kind.any_attribute or getattr(kind, 'open', False):
                return None
            return kind.schema.attributes

        check_attributes(template, attributes_of)
        graph_of(template.resources, types)
        faults: list[str] = [
            f'resources.{name}.deletion_policy: : "Snapshot" deletion policy not supported'
            for name, definition in template.resources.items()
            if definition.deletion_policy == 'Snapshot' and not types(definition.type, name).snapshots]
        reads = references_by_resource(template)
        scope = NullScope(dict(wanted.facts.parameters), compiled.files)
        known: dict[str, tuple[Any, Mapping[str, Any]]] = {}
        for name, definition in template.resources.items():
            kind = types(definition.type, name)
            for built in getattr(kind, 'builds', ()):
                self._type(types(built, name), built)
            props = self._properties(name, definition, kind, scope, faults, wanted.aws)
            if props is not None:
                faults += [f'Property error: : resources.{name}.properties: : {said}'
                           for said in kind.validate_among(props, template.resources)]
                known[name] = (kind, props)
            if kind.nested and props is not None and not faults:
                self._nested(identity, name, kind, props, kind.wanted(frozenset(reads.get(name, ()))),
                             compiled, depth)
        for name, (kind, _props) in known.items():
            said = kind.among(_refers(template.resources[name]), known)
            faults += [f'Property error: : resources.{name}.properties: : {sentence}' for sentence in said]
        if faults:
            more = len(faults) - MAX_TOLD
            told = faults[:MAX_TOLD] + ([f'... and {more} more'] if more > 0 else [])
            raise errors.StackValidationFailed(message='\n'.join(told))

    def _type(self, kind: Any, called: str) -> None:
        if self._policy is not None:
            # A template has no name but the one it is called by.
            named = called if kind.type == TemplateResource.type else kind.type
            self._policy.enforce_type(self._context, named)
        if kind.service is not None and not self._available(kind.service):
            raise unavailable(kind.service, called)

    def _properties(self, name: str, definition: Definition, kind: Any, scope: NullScope,
                    faults: list[str], aws: bool) -> dict[str, Any] | None:
        try:
            raw = definition.properties.value(scope)
            policy = definition.update_policy.value(scope)
        except errors.HeatException:
            raise
        except (ValueError, TypeError, KeyError) as error:
            faults.append(f'{type(error).__name__}: : resources.{name}: : {error}')
            return None
        if raw is schema.UNKNOWN:
            return None
        path: list[Any] = ['resources', name, 'properties']
        props, wrong = schema.resolve(kind.schema.properties, raw or {}, path=path, unknown_ok=True,
                                      accept_others=kind.schema.open)
        rules, bad_policy = schema.resolve(kind.schema.update_policy, policy or {},
                                           path=['resources', name, 'update_policy'])
        faults += [error.text(join=': : ') for error in [*wrong, *bad_policy]]
        if wrong or bad_policy:
            return None
        faults += [f'Property error: : resources.{name}.update_policy: : {s}'
                   for s in kind.validate_policy(rules)]
        if definition.creation_policy is not EMPTY_MAP and (kind.pure or kind.nested):
            faults.append(f'Property error: : resources.{name}.CreationPolicy: : CreationPolicy is not '
                          f'supported for {definition.type}.')
        if kind.pure and aws and dynamic.present(props):
            faults.append(f'Property error: : resources.{name}.properties: : A dynamic reference is resolved '
                          f'for a call to the cloud, and {definition.type} makes none.')
        faults += [f'{type(e).__name__}: : resources.{name}: : {e}' for e in kind.schema.faults(props)]
        faults += [f'Property error: : resources.{name}.properties: : {s}' for s in kind.validate(props)]
        for place, constraint, value in schema.custom_checks(kind.schema.properties, props):
            said = self._look_up(constraint, value)
            if said:
                where = errors.path_text([*path, *place])
                faults.append(f'Property error: : {where}: : {Custom(name=constraint).message(value, said)}')
        return props

    def _look_up(self, constraint: str, value: Any) -> str | None:
        """The finder's sentence if the thing is not there; None if it is, or if nobody can tell."""
        if self._finder is None or self._credential is None or not isinstance(value, str):
            return None
        try:
            self._finder.find(self._credential, constraint, value)
        except CloudFault as fault:
            return fault.text()
        except errors.HeatException as error:
            return str(error)
        return None

    def _nested(self, identity: StackId, name: str, kind: Any, props: dict[str, Any], reads: Any,
                outer: Compiled, depth: int) -> None:
        """The stack that a resource is, with what its values are not known yet left open."""
        row = Row(uuid='00000000-0000-4000-8000-000000000000', stack_id=identity.stack_id,
                  root_id=identity.stack_id, name=name, type=kind.type, props=props,
                  keep={'wanted': list(reads)})
        place = f'resources.{name}<{kind.source}>' if kind.source else f'resources.{name}<nested_stack>'
        try:
            refusal = kind.elsewhere(props, self._region)
            if refusal is not None:
                raise errors.StackValidationFailed(message=refusal)
            child = self._expanded(kind, row)
            if child is None:
                return
            inner = child_environment(outer.stored_environment(), child, name)
            alike = _likeness(child, inner, depth)
            if alike is not None and (id(outer), alike) in self._sound:
                self._counted(self._sound[id(outer), alike][0])
                return
            before = self._count
            compiled = compile_child(identity, child, inner, outer.types, lender=outer.lender)
            self._template(identity, compiled.wanted(), compiled, depth + 1)
            if alike is not None:
                self._sound[id(outer), alike] = self._count - before, outer
        except errors.StackValidationFailed as error:
            said, found = _LOCATED.subn(lambda start: f'{start[0]}{place}.', error.error_message)
            if found and not error.path:
                raise errors.StackValidationFailed(message=said) from error
            raise errors.StackValidationFailed(
                error=error.error, path=place + (f'.{error.path}' if error.path else ''),
                message=error.error_message) from error

    @staticmethod
    def _expanded(kind: Any, row: Row) -> ChildTemplate | None:
        """The child's template; None if it takes values that are not known yet to tell."""
        try:
            found: ChildTemplate = kind.expand(row, None)
        except StepFailed as error:
            raise errors.StackValidationFailed(message=str(error)) from error
        except (TypeError, ValueError, AttributeError):
            if schema.has_unknown(row.props):
                return None
            raise
        return None if found.source is schema.UNKNOWN else found


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


def _check_parameters(template: Template, known: Collection[str]) -> None:
    """Raise UserParameterMissing for the first get_param, in a resource, of what is not a parameter."""
    for definition in template.resources.values():
        for _place, part in definition.parts():
            for name in sorted(part.parameters() - set(known)):
                raise errors.UserParameterMissing(key=name)


def unavailable(service: str, called: str) -> errors.ResourceTypeUnavailable:
    """The type's service is not in the user's catalogue."""
    row = catalog_row(service)
    client = row.section.removeprefix('clients_')
    return errors.ResourceTypeUnavailable(
        service_name=client, resource_type=called,
        reason=f'{client} {row.name} endpoint is not in service catalog.')
