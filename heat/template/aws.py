"""Templates in AWS's own format, with AWS's rules.

Purpose: sections, attributes and keys into definitions. Invariant: what the format does
not know is a fault with a suggestion, never dropped and never data; where older
templates of Heat would break (Label, Description of resources, functions of Heat's own)
it is let pass with a warning. Macros have been worked out before.
Neighbours: ``macros`` before, ``functions_aws``, ``rules``, ``policies``, ``dynamic``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.common import errors
from heat.common.fault import SHAPE
from heat.schema.declarations import undeclared
from heat.schema.kinds import UNKNOWN
from heat.schema.parameters import ParameterSchema
from heat.schema.parameters_aws import HEAT_TYPES, aws_schema
from heat.schema.suggest import nearest, suggesting
from heat.template import dynamic, macros, policies
from heat.template.cfn import WORDS
from heat.template.compile import Unit
from heat.template.definition import (
    EVERY_POLICY,
    POLICIES,
    Definition,
    OutputDefinition,
    Template,
)
from heat.template.expr import EMPTY_MAP, Apply, Expr
from heat.template.functions import Path
from heat.template.functions_aws_data import EXTENSIONS, NO_VALUE
from heat.template.interface import INTERFACE, interface
from heat.template.mappings import CONDITION_ID, check_ids, check_mappings
from heat.template.rules import compile_rules
from heat.template.sections import without
from heat.template.versions import Version, dialect_of

MAX_DESCRIPTION = 1024
_OURS = 'is known here only, not by AWS'


def compile_aws(tree: Mapping[str, Any], version: Version, noted: errors.Collected | None = None) -> Template:
    """Raises InvalidTemplateSection, InvalidSchemaError, or StackValidationFailed with all faults.

    AWS's limits of 200 parameters, mappings and outputs and of 500 resources are not ours:
    what bounds a stack here is max_resources_per_stack, counted by the engine.
    """
    return _Builder(tree, version, noted).template()


def declared(tree: Mapping[str, Any]) -> dict[str, ParameterSchema]:
    """The parameters of a template whose macros are not worked out yet; errors as ``compile_aws``."""
    version = dialect_of(tree)
    wrong = errors.Collected()
    # A macro that is none of ours brings sections of its own; whether it is served is told when it is due.
    if all(macro.name in macros.KNOWN for macro in macros.transforms(tree)):
        _check_sections(tree, version, None)
    grave: list[errors.HeatException] = []
    schemas = _schemas(_section(tree, 'Parameters'), version, grave)
    for fault in grave:
        wrong.add(fault)
    wrong.raise_any()
    return schemas


def skeleton(tree: Mapping[str, Any]) -> dict[str, Any]:
    """What of a template can be told while the values that its macros hang on are missing."""
    return {'Resources': {}, **{key: tree[key] for key in (
        'AWSTemplateFormatVersion', 'Description', 'Metadata', 'Parameters') if key in tree}}


def _check_sections(tree: Mapping[str, Any], version: Version, noted: errors.Collected | None) -> None:
    wrong = errors.Collected()
    for section in tree:
        if section not in version.sections:
            near = None if wrong.full else nearest(section, version.sections)
            wrong.add(errors.InvalidTemplateSection(section=suggesting(section, near)).at(
                (section,), suggestion=near))
    _refuse(wrong.error(), noted)


def _refuse(fault: errors.HeatException | None, noted: errors.Collected | None) -> None:
    if fault is not None and noted is None:
        raise fault
    if fault is not None and noted is not None:
        noted.add(fault)


def _section(tree: Mapping[str, Any], name: str, noted: errors.Collected | None = None) -> dict[str, Any]:
    found = tree.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        said = f'"{name}" must contain a map. Found a [{type(found).__name__}] instead'
        _refuse(errors.StackValidationFailed(path=[name], message=said).at((name,), kind=SHAPE), noted)
        return {}
    return found


def _schemas(section: Mapping[str, Any], version: Version,
             wrong: list[errors.HeatException]) -> dict[str, ParameterSchema]:
    """The schemas of the section; what is wrong with any is noted."""
    found = {}
    for name, data in section.items():
        try:
            found[name] = aws_schema(name, data, version.parameter_keys)
        except errors.InvalidSchemaError as fault:
            wrong.append(fault.within(('Parameters', name)))
            found[name] = undeclared(name, data)
    return found


class _Builder:
    def __init__(self, tree: Mapping[str, Any], version: Version, noted: errors.Collected | None) -> None:
        self.noted = noted
        self.tree = tree
        self.version = version
        self.extensions = any(macro.name == EXTENSIONS for macro in macros.transforms(tree))
        _check_sections(tree, version, noted)
        wrong: list[errors.HeatException] = []
        self.schemas = _schemas(_section(tree, 'Parameters', noted), version, wrong)
        names = {*self.schemas, *version.pseudo_parameters} - {NO_VALUE}
        self.unit = Unit(version.builders(), version.condition_builders(), names,
                         _section(tree, 'Conditions', noted), _section(tree, 'Mappings', noted), strict=True,
                         extensions=self.extensions)
        self.unit.graver = wrong

    def template(self) -> Template:
        unit, tree = self.unit, self.tree
        description = self._description(tree.get('Description'), ('Description',))
        check_mappings(unit, self.extensions)
        self._warn_of_heat()
        metadata = _section(tree, 'Metadata', self.noted)
        groups, self.schemas = interface(unit, metadata.get(INTERFACE), self.schemas)
        rules = compile_rules(unit, _section(tree, 'Rules', self.noted), self.schemas)
        trees = self._entries('Conditions')
        check_ids(unit, 'Conditions', trees, CONDITION_ID)
        conditions = {name: unit.definition(name, data, ('Conditions', name)) for name, data in trees.items()}
        trees, outputs = self._entries('Resources'), self._entries('Outputs')
        check_ids(unit, 'Resources', trees)
        check_ids(unit, 'Outputs', outputs)
        resources = {name: self._resource(name, data) for name, data in trees.items()}
        for name in trees:
            if name in self.schemas:
                unit.fault(('Resources', name), f'"{name}" is the name of a parameter too')
        made = {name: self._output(name, data) for name, data in outputs.items()}
        self._check_dynamic(trees)
        broken = unit.raise_faults(self.noted)
        if broken:
            resources, made, conditions = without(broken, resources, made, conditions, WORDS)
            rules = tuple(rule for rule in rules if ('Rules', rule.name) not in broken)
        return Template(
            version=self.version.date, dialect='aws', description=description or 'No description',
            parameters=self.schemas, parameter_groups=groups, resources=resources, outputs=made,
            conditions=conditions, raw=tree, rules=rules, warnings=tuple(dict.fromkeys(unit.warnings)),
            processed={key: value for key, value in tree.items() if key != 'Transform'},
            broken=frozenset(name for section, *names in broken for name in names if section == 'Resources'))

    def _entries(self, section: str) -> dict[str, Any]:
        """The entries of a section; what looks like a function there is a fault."""
        found = _section(self.tree, section, self.noted)
        for name in found:
            if name.startswith('Fn::'):
                self.unit.node({name: None, '': None}, (section,))
        return {name: data for name, data in found.items() if not name.startswith('Fn::')}

    def _keys(self, data: Mapping[str, Any], known: Iterable[str], path: Path, noun: str) -> None:
        known = tuple(known)
        for key in data:
            if key not in known:
                self.unit.unknown((*path, key), f'{noun} has no "{key}"', key, known)

    def _description(self, found: Any, path: Path) -> str:
        if found is None:
            return ''
        if not isinstance(found, str):
            self.unit.fault(path, 'Description must be a string')
            return ''
        if len(found.encode('utf-8', 'replace')) > MAX_DESCRIPTION:
            self.unit.fault(path, f'Description is longer than {MAX_DESCRIPTION} bytes')
        return found

    def _warn_of_heat(self) -> None:
        for name, schema in self.schemas.items():
            if schema.default is UNKNOWN:
                continue
            if schema.shown_type in HEAT_TYPES:
                self.unit.warn(('Parameters', name, 'Type'), f'{schema.shown_type} {_OURS}')
            if 'Label' in self.tree['Parameters'][name]:
                self.unit.warn(('Parameters', name, 'Label'), f'Label {_OURS}')
        if 'Hooks' in self.tree:
            self.unit.warn(('Hooks',), 'hooks of CodeDeploy are not called here')

    def _resource(self, name: str, data: Any) -> Definition:
        unit, path = self.unit, ('Resources', name)
        if not isinstance(data, dict) or not data.get('Type'):
            unit.fault('', 'Each Resource must contain a Type key.', at=path)
            if not isinstance(data, dict):
                return Definition(name, '')
        kind = data.get('Type') or ''
        if not isinstance(kind, str):
            unit.fault('', f'Resource {name} Type type must be string', at=(*path, 'Type'), value=kind)
        self._keys(data, self.version.resource_keys, path, 'A resource')
        if 'Description' in data:
            unit.warn((*path, 'Description'), f'Description of a resource {_OURS}')
        for key, shape in (('CreationPolicy', policies.CREATION), ('UpdatePolicy', policies.UPDATE)):
            # The types of Heat have policies of their own.
            if data.get(key) is not None and (key == 'CreationPolicy' or not str(kind).startswith('OS::')):
                policies.check_policy(unit, data[key], shape, (*path, key))
        condition = data.get('Condition')
        deletion, deletion_from = self._policy(data, 'DeletionPolicy', EVERY_POLICY, path)
        replacing, replacing_from = self._policy(data, 'UpdateReplacePolicy', POLICIES, path)
        return Definition(
            name, str(kind), properties=self._object(name, data, 'Properties'),
            metadata=self._object(name, data, 'Metadata'), depends_on=self._depends_on(data, path),
            deletion_policy=deletion or 'Delete', deletion_policy_from=deletion_from,
            update_policy=self._object(name, data, 'UpdatePolicy'),
            condition=None if condition is None else unit.condition(condition, (*path, 'Condition')),
            description=self._description(data.get('Description'), (*path, 'Description')),
            creation_policy=self._object(name, data, 'CreationPolicy'),
            update_replace_policy=replacing, update_replace_policy_from=replacing_from,
            version=self._version(data, path))

    def _object(self, name: str, data: Mapping[str, Any], key: str) -> Expr:
        found = data.get(key)
        if found is None:
            return EMPTY_MAP
        if not isinstance(found, dict):
            self.unit.fault(('Resources', name, key), f'Resource {name} {key} type must be object',
                            value=found)
            return EMPTY_MAP
        return self.unit.node(found, ('Resources', name, key))

    def _depends_on(self, data: Mapping[str, Any], path: Path) -> tuple[str, ...]:
        found = data.get('DependsOn')
        names = [found] if isinstance(found, str) else found or []
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            self.unit.fault((*path, 'DependsOn'), f'Resource {path[-1]} DependsOn type must be list or '
                                                  'string')
            return ()
        return tuple(dict.fromkeys(names))

    def _version(self, data: Mapping[str, Any], path: Path) -> str | None:
        found = data.get('Version')
        if isinstance(found, (dict, list, bool)):
            self.unit.fault((*path, 'Version'), 'Version must be a string')
        return None if found is None else str(found)

    def _policy(self, data: Mapping[str, Any], key: str, known: tuple[str, ...], path: Path,
                ) -> tuple[str | None, Expr | None]:
        found, place = data.get(key), (*path, key)
        if found is None:
            return None, None
        if isinstance(found, dict):
            if 'Fn::ResourceFacade' in found:
                return None, self.unit.node(found, place)
            if not self.extensions:
                self.unit.fault(place, f'{key} may be made by a function only with "Transform: {EXTENSIONS}"')
                return None, None
            return None, Apply(key, self.unit.node(found, place), _one_of(known))
        if found not in known:
            self.unit.unknown(place, f'Invalid {key} "{found}", it is one of {", ".join(known)}', found,
                              known)
            return None, None
        return found, None

    def _output(self, name: str, data: Any) -> OutputDefinition:
        unit, path = self.unit, ('Outputs', name)
        error = 'Output validation error'
        if not isinstance(data, dict):
            unit.fault(path, 'Each output definition must be a map.', error)
            return OutputDefinition(name)
        if 'Value' not in data:
            unit.fault(path, 'Each output definition must contain a Value key.', error)
            return OutputDefinition(name)
        self._keys(data, self.version.output_keys, path, 'An output')
        condition = data.get('Condition')
        return OutputDefinition(
            name, value=unit.node(data['Value'], (*path, 'Value')), export=self._export(data, path),
            description=self._description(data.get('Description'), (*path, 'Description'))
            or 'No description given',
            condition=None if condition is None else unit.condition(condition, (*path, 'Condition')))

    def _export(self, data: Mapping[str, Any], path: Path) -> Expr | None:
        found, place = data.get('Export'), (*path, 'Export')
        if found is None:
            return None
        if not isinstance(found, dict) or list(found) != ['Name'] or not isinstance(
                found['Name'], (str, dict)):
            self.unit.fault(place, 'Export must be of the form {Name: name}')
            return None
        name = self.unit.node(found['Name'], (*place, 'Name'))
        for ref in sorted(name.refs(), key=lambda ref: ref.resource):
            self.unit.fault((*place, 'Name'), 'The name of an export may not depend on a resource, but '
                                              f'names {ref.resource}')
        return name

    def _check_dynamic(self, resources: Mapping[str, Any]) -> None:
        count = 0
        for path, inside in dynamic.located(resources, ('Resources',)):
            count += 1
            try:
                dynamic.parse(inside)
            except ValueError as exc:
                self.unit.fault(path, str(exc))
            if len(path) > 2 and path[2] != 'Properties':
                self.unit.warn(path, 'a dynamic reference is put in properties only; here it stays text')
        if count > dynamic.MOST:
            self.unit.fault(('Resources',), f'A template may have at most {dynamic.MOST} dynamic references, '
                                            f'this one has {count}')


def _one_of(known: tuple[str, ...]) -> Any:
    def rule(value: Any) -> Any:
        if value not in known:
            raise ValueError(f'it must be one of {", ".join(known)}')
        return value
    return rule
