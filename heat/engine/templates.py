"""Templates and types without a stack: validate, list, show.

Purpose: the RPC methods that need no stored state. Invariant: validation here is
lenient: it tells what is wrong with the shape of a template and reads no
property values; creation is strict. Interface: RPC contract, recorded answers.
Neighbours: ``service`` dispatches here; ``validate`` is the strict one;
``schema.render`` shows types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from oslo_config import cfg

from heat import schema
from heat.clouds.catalog import service as catalog_row
from heat.clouds.session import Sessions
from heat.common import errors, fetch, green
from heat.common.context import RequestContext
from heat.common.pattern import Pattern, TooSlow
from heat.engine.compiled import Compiled, at_leisure, child_environment, compile_all, compile_child
from heat.engine.container_files import with_container
from heat.engine.documents import Documents, Fetch, HostFiles
from heat.engine.findings import (
    attributes_of,
    check_parameter_count,
    note_circles,
    property_fault,
    type_of,
)
from heat.engine.validate import unextended
from heat.model.op import StepFailed
from heat.model.resource import Row
from heat.plan.traversal import Wanted
from heat.resources.base import Resource
from heat.resources.types import PLUGINS, TypeTable
from heat.template import versions
from heat.template.checks import check_attributes, check_references
from heat.template.definition import Definition, Template, place_of
from heat.template.expr import NullScope, items_of
from heat.template.registry import TEMPLATE_SUFFIXES, Layer
from heat.template.validation import validation

SERVICE_MISSING = '99001'
NOWHERE = '00000000-0000-4000-8000-000000000000'


class Templates:
    """Methods of the RPC interface; names and arguments are the contract's.

    ``available`` tells whether the caller's cloud has a type's service, ``extended`` whether
    that has the type's extension, ``allowed`` whether policy lets the caller use a type.
    """

    def __init__(self, conf: cfg.ConfigOpts, *, available: Callable[[RequestContext, Any], bool],
                 allowed: Callable[[RequestContext, str], bool],
                 extended: Callable[[RequestContext, Any], bool] = lambda _context, _kind: True,
                 plugins: Mapping[str, type[Resource]] = PLUGINS, operator: Sequence[Layer] = (),
                 read: Fetch = fetch.document, sessions: Sessions | None = None) -> None:
        self._fetch = read
        self._sessions = sessions
        self._conf = conf
        self._available = available
        self._allowed = allowed
        self._extended = extended
        self._plugins = plugins
        self._operator = tuple(operator)

    # -- validation --------------------------------------------------------------------------------

    def validate_template(self, context: RequestContext, template: Mapping[str, Any],
                          params: Mapping[str, Any] | None = None, files: Mapping[str, str] | None = None,
                          environment_files: Sequence[str] | None = None,
                          files_container: str | None = None, show_nested: bool = False,
                          ignorable_errors: Sequence[str] | None = None) -> dict[str, Any]:
        """Description, parameters and environment; ``{'Error': sentence}`` for a faulty template.

        Raises errors with a class of their own: of versions, references, circles,
        parameter schemas, absent services.
        """
        files = with_container(self._sessions, context, files, files_container, self._conf.max_json_body_size)
        ignored = {str(code) for code in ignorable_errors or ()}
        try:
            compiled = at_leisure(template, lambda: compile_all(
                None, template, params, Documents(files, self._conf, self._fetch), operator=self._operator,
                environment_files=environment_files, strict=False, noted=errors.Collected()))
            wanted = at_leisure(template, compiled.wanted)
            self._check(context, compiled, wanted, ignored)
            shown = self._described(compiled)
            shown['Environment'] = compiled.environment.user_form()
            # Templates that are named as types directly are told as if they had been mapped.
            shown['Environment']['resource_registry'] |= compiled.types.registry.direct_templates
            if show_nested:
                nested = self._nested(compiled, wanted, 0)
                if nested:
                    shown['NestedParameters'] = nested
            return shown
        except (errors.StackValidationFailed, errors.InvalidTemplateSection) as error:
            told = error.to_wire()
            return {'Error': told['message'], 'Faults': told.get('faults', []), 'Untold': error.untold}
        except ValueError as error:
            return {'Error': str(error)}

    @staticmethod
    def _described(compiled: Compiled) -> dict[str, Any]:
        template = compiled.template
        shown: dict[str, Any] = {'Description': template.description,
                                 'Parameters': compiled.parameters.validation_form()}
        groups = template.raw.get('parameter_groups')
        if groups and template.parameter_groups:
            shown['ParameterGroups'] = groups
        elif template.parameter_groups:
            # Those of AWS::CloudFormation::Interface, spelled as clients know them.
            shown |= validation(template, compiled.parameters)
        return shown

    def _check(self, context: RequestContext, compiled: Compiled, wanted: Wanted,
               ignored: set[str]) -> None:
        template, found = wanted.template, compiled.noted or errors.Collected()
        assert template is not None
        check_parameter_count(template, self._conf.max_parameters_per_template)
        kinds = {}
        for name, definition in green.at_ease(template.resources.items()):
            kind = type_of(template, name, compiled.types, found)
            if kind is None:
                continue
            kinds[name] = kind
            if SERVICE_MISSING not in ignored and not self._available(context, kind):
                row = catalog_row(kind.service)
                found.add(errors.ResourceTypeUnavailable(
                    service_name=row.section, resource_type=definition.type,
                    reason=f'{row.section} {row.name} endpoint is not in service catalog.').at(
                        place_of(template, name, 'type'), value=definition.type))
            elif SERVICE_MISSING not in ignored and not self._extended(context, kind):
                found.add(unextended(kind, definition.type).at(
                    place_of(template, name, 'type'), value=definition.type))
            _check_names(template, definition, kind, found)
        at_leisure(template.raw, lambda: _check_references(template, kinds, found))
        error = found.error()
        if error is not None:
            raise compiled.told(error)

    def _nested(self, compiled: Compiled, wanted: Wanted, depth: int) -> dict[str, Any]:
        """What the templates of nested resources are made of, as far as it can be told."""
        template = wanted.template
        assert template is not None
        found: dict[str, Any] = {}
        for name, definition in template.resources.items():
            kind = compiled.types(definition.type, name)
            if kind.nested:
                found[name] = {'Type': definition.type, 'Description': 'No description', 'Parameters': {},
                               **self._inside(compiled, wanted, definition, kind, depth)}
        return found

    def _inside(self, compiled: Compiled, wanted: Wanted, definition: Definition, kind: Any,
                depth: int) -> dict[str, Any]:
        if depth >= self._conf.max_nested_stack_depth:
            return {}
        try:
            raw = definition.properties.value(NullScope(dict(wanted.facts.parameters), compiled.files))
            if not isinstance(raw, Mapping):
                return {}
            # What is wrong with its properties hides nothing of what is in it.
            props, _wrong = schema.resolve(kind.schema.properties, raw, unknown_ok=True)
            row = Row(NOWHERE, NOWHERE, NOWHERE, definition.name, kind.type, props=props)
            if kind.foreseen(row) > self._conf.max_resources_per_stack >= 0:
                return {}
            child = kind.expand(row, None)
            child = replace(child, parameters={name: value for name, value in child.parameters.items()
                                               if not schema.has_unknown(value)})
            inner = compile_child(None, child, child_environment(
                compiled.stored_environment(), child, definition.name), compiled.types, strict=False)
            shown = self._described(inner)
            nested = self._nested(inner, inner.wanted(), depth + 1)
        except (errors.HeatException, StepFailed, ValueError, TypeError, KeyError, AttributeError):
            # The insides are not what is validated here.
            return {}
        return {**shown, 'NestedParameters': nested} if nested else shown

    # -- types -------------------------------------------------------------------------------------

    def list_resource_types(self, context: RequestContext, support_status: str | None = None,
                            type_name: str | None = None, heat_version: str | None = None,
                            with_description: bool = False) -> list[Any]:
        """Names, or ``{resource_type, description}``, of the types that the caller can use.

        ``type_name`` is a regular expression matched from the start; a faulty one, or
        one that takes too long, finds nothing. Invalid for an unknown ``support_status``.
        """
        if support_status is not None and support_status not in schema.STATUSES:
            raise errors.Invalid(
                reason=f'Invalid support status and should be one of {schema.STATUSES!r}')
        try:
            pattern = Pattern(type_name or '')
        except ValueError:
            return []

        def listed(name: str, kind: type[Resource]) -> bool:
            support = kind.schema.support
            return (not _hidden(kind) and pattern.match(name) is not None
                    and support_status in (None, support.status) and heat_version in (None, support.version)
                    and self._allowed(context, name) and self._available(context, kind)
                    and self._extended(context, kind))

        # The templates of the operator are of no version and of no status of support.
        more = self._templates() if (support_status, heat_version, with_description) == (
            None, None, False) else []
        try:
            names = [name for name, kind in self._plugins.items() if listed(name, kind) and name not in more]
            names += [name for name in more
                      if pattern.match(name) is not None and self._allowed(context, name)]
        except TooSlow:
            return []
        if not with_description:
            return names
        return [{'resource_type': name, 'description': self._plugins[name].schema.description}
                for name in names]

    def _templates(self) -> list[str]:
        """The types that this host's operator maps to templates."""
        found = {name: target for layer in self._operator for name, target in layer.registry.items()}
        return [name for name, target in found.items()
                if isinstance(target, str) and target.endswith(TEMPLATE_SUFFIXES) and '*' not in name]

    def resource_schema(self, context: RequestContext, type_name: str,
                        with_description: bool = False) -> dict[str, Any]:
        """Properties, attributes and support status of a type.

        EntityNotFound, NotSupported (hidden), Forbidden, ResourceTypeUnavailable.
        """
        return schema.resource_schema(self._usable(context, type_name).schema, with_description)

    def generate_template(self, context: RequestContext, type_name: str,
                          template_type: str = 'cfn') -> dict[str, Any]:
        """A template of one resource of the type, 'hot' or 'cfn'; errors as ``resource_schema``."""
        if template_type not in ('hot', 'cfn'):
            raise errors.Invalid(
                reason=f'Invalid template type "{template_type}", valid types are: cfn, hot.')
        return schema.generate_template(self._usable(context, type_name).schema, template_type)

    def _usable(self, context: RequestContext, type_name: str) -> type[Resource]:
        kind = self._plugins.get(type_name)
        if type_name in self._templates():
            files = HostFiles({}, self._conf.template_dir)
            kind = TypeTable(self._operator, self._plugins, files)(type_name, '')
        if kind is None:
            raise errors.EntityNotFound(entity='Resource Type', name=type_name)
        if not self._allowed(context, type_name):
            raise errors.Forbidden(action=type_name)
        if _hidden(kind):
            raise errors.NotSupported(feature=type_name)
        if not self._available(context, kind):
            raise errors.ResourceTypeUnavailable(
                service_name=catalog_row(str(kind.service)).section, resource_type=type_name,
                reason='Service endpoint not in service catalog.')
        if not self._extended(context, kind):
            raise unextended(kind, type_name)
        return kind

    # -- versions ----------------------------------------------------------------------------------

    def list_template_versions(self, context: RequestContext) -> list[dict[str, Any]]:
        return versions.versions()

    def list_template_functions(self, context: RequestContext, template_version: str,
                                with_condition: bool = False) -> list[dict[str, str]]:
        """Functions of a version, those of conditions if wanted; NotFound."""
        return versions.functions(template_version, with_condition)


def _hidden(kind: type[Resource]) -> bool:
    return kind.hidden or kind.schema.support.hidden


def _check_references(template: Template, kinds: Mapping[str, Any], found: errors.Collected) -> None:
    """Note what is wrong with how resources refer to each other."""
    check_references(template, found)
    check_attributes(template, lambda name: attributes_of(kinds.get(name)), found)
    note_circles(template, found)


def _check_names(template: Template, definition: Definition, kind: Any, found: errors.Collected) -> None:
    """Note the properties and policies that the type does not have."""
    if kind.schema.open:
        return
    for place, given, declared in (
            ('properties', definition.properties, kind.schema.properties),
            ('update_policy', definition.update_policy, kind.schema.update_policy)):
        for error in schema.unknown_names(declared, items_of(given),
                                          ['resources', definition.name, place]):
            found.note(lambda error=error: property_fault(template, error, ': '))  # type: ignore[misc]
