"""The sections of a template into definitions, whatever the dialect.

Purpose: checks of sections, keys and shapes, and their compilation. ``Words`` gives
the dialect's spelling and sentences. Invariant: every fault of shape is noted in
the unit, so that they are told together; faults of parameter schemas end at once.
Neighbours: ``hot`` and ``cfn`` bring the words, ``compile`` the expressions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heat.common import errors
from heat.common.fault import SHAPE
from heat.schema.declarations import cfn_schema, hot_schema, undeclared
from heat.schema.kinds import UNKNOWN
from heat.schema.parameters import ParameterSchema
from heat.schema.suggest import nearest
from heat.template.compile import Unit
from heat.template.definition import Definition, OutputDefinition, ParameterGroup, Template
from heat.template.expr import EMPTY_MAP, Constant, Expr
from heat.template.functions import Path
from heat.template.versions import Version

Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """How a dialect spells sections and keys."""

    description: str
    parameters: str
    resources: str
    outputs: str
    conditions: str
    type: str
    properties: str
    metadata: str
    depends_on: str
    deletion_policy: str
    update_policy: str
    condition: str
    external_id: str
    value: str
    no_type: str
    strict_keys: bool


def build(tree: Tree, version: Version, words: Words, noted: errors.Collected | None = None) -> Template:
    """The compiled template.

    Raises InvalidTemplateSection, InvalidSchemaError, or StackValidationFailed with
    all faults of shape. With ``noted`` they are noted there, and what is at fault is left out.
    """
    return _Builder(tree, version, words, noted).template()


def without(broken: frozenset[Path], resources: dict[str, Definition], outputs: dict[str, OutputDefinition],
            conditions: dict[str, Expr], words: Words) -> tuple[
                dict[str, Definition], dict[str, OutputDefinition], dict[str, Expr]]:
    """The entries less those at fault; of a condition at fault nobody knows the value."""
    return ({name: one for name, one in resources.items() if (words.resources, name) not in broken},
            {name: one for name, one in outputs.items() if (words.outputs, name) not in broken},
            {name: Constant(UNKNOWN) if (words.conditions, name) in broken else one
             for name, one in conditions.items()})


class _Builder:
    def __init__(self, tree: Tree, version: Version, words: Words, noted: errors.Collected | None) -> None:
        self.noted = noted
        self.tree = tree
        self.version = version
        self.words = words
        self._check_sections()
        conditions = self._map(words.conditions) if version.supports_conditions else {}
        parameters = self._map(words.parameters)
        self.unit = Unit(version.builders(), version.condition_builders(),
                         {*parameters, *version.pseudo_parameters}, conditions,
                         tree.get('Mappings') if isinstance(tree.get('Mappings'), dict) else {})
        self.parameters: dict[str, ParameterSchema] = {}
        for name, data in parameters.items():
            if name not in version.pseudo_parameters:
                try:
                    self.parameters[name] = self._schema(name, data)
                except errors.InvalidSchemaError as fault:
                    self.unit.graver.append(fault.within((words.parameters, name)))
                    self.parameters[name] = undeclared(name, data)
        self.condition_trees = conditions

    def template(self) -> Template:
        words, unit, tree = self.words, self.unit, self.tree
        groups = self._groups() if 'parameter_groups' in self.version.sections else ()
        conditions = {name: unit.definition(name, data, (words.conditions, name))
                      for name, data in self.condition_trees.items()}
        resources = {name: self._resource(name, data) for name, data in self._map(words.resources).items()}
        outputs = {name: self._output(name, data) for name, data in self._map(words.outputs).items()}
        broken = unit.raise_faults(self.noted)
        if broken:
            resources, outputs, conditions = without(broken, resources, outputs, conditions, words)
        return Template(
            version=self.version.date, dialect=self.version.dialect,
            description=tree.get(words.description) or 'No description', parameters=self.parameters,
            parameter_groups=groups, resources=resources, outputs=outputs, conditions=conditions, raw=tree,
            processed=tree, broken=frozenset(name for section, *names in broken for name in names
                                             if section == words.resources))

    def _check_sections(self) -> None:
        wrong = errors.Collected()
        for section in self.tree:
            if section not in self.version.sections:
                wrong.note(lambda name=section: errors.InvalidTemplateSection(  # type: ignore[misc]
                    section=name).at((name,), suggestion=nearest(str(name), self.version.sections)))
        self._refuse(wrong.error())

    def _refuse(self, fault: errors.HeatException | None) -> None:
        if fault is not None and self.noted is None:
            raise fault
        if fault is not None and self.noted is not None:
            self.noted.add(fault)

    def _map(self, section: str) -> dict[str, Any]:
        """A section that is a map; nothing if it is missing or null."""
        found = self.tree.get(section)
        if found is None:
            return {}
        if isinstance(found, dict):
            return found
        kind = type(found).__name__
        if section == self.words.conditions:
            self._refuse(errors.StackValidationFailed(
                error='Conditions validation error',
                message=f'Condition definitions must be a map. Found a {kind} instead').at(
                    (section,), kind=SHAPE))
            return {}
        noun = section.lower().removesuffix('s')
        self._refuse(errors.StackValidationFailed(
            message=f'"{section}" must contain a map of {noun} maps. Found a [{kind}] instead').at(
                (section,), kind=SHAPE))
        return {}

    def _schema(self, name: str, data: Any) -> ParameterSchema:
        if self.version.dialect == 'hot':
            return hot_schema(name, data, self.version.parameter_keys, self.version.parameter_constraints)
        return cfn_schema(name, data, self.version.parameter_keys)

    def _groups(self) -> tuple[ParameterGroup, ...]:
        found = self.tree.get('parameter_groups')
        if found is None:
            return ()
        error = 'Parameter Groups error'
        self.unit.place = ('parameter_groups',)
        if not isinstance(found, list):
            self.unit.fault('parameter_groups', 'The parameter_groups should be a list.', error)
            return ()
        groups, grouped = [], set()
        for number, group in enumerate(found):
            self.unit.place = ('parameter_groups', number)
            label = group.get('label') if isinstance(group, dict) else None
            place = f'parameter_groups.{label or ""}'
            names = group.get('parameters') if isinstance(group, dict) else None
            if names is None:
                self.unit.fault(place, 'The parameters must be provided for each parameter group.', error)
                continue
            if not isinstance(names, list):
                self.unit.fault(place, 'The parameters of parameter group should be a list.', error)
                continue
            for name in names:
                if not isinstance(name, str):
                    self.unit.fault(place, f'The grouped parameter {name} is no name of a parameter.', error)
                    continue
                if name in grouped:
                    self.unit.fault(place, f'The {name} parameter must be assigned to one parameter '
                                           'group only.', error)
                elif name not in self.parameters:
                    self.unit.fault(place, f'The grouped parameter {name} does not reference a valid '
                                           'parameter.', error, name=name, known=self.parameters)
                grouped.add(name)
            groups.append(ParameterGroup(label, group.get('description'),
                                         tuple(name for name in names if isinstance(name, str))))
        return tuple(groups)

    def _resource(self, name: str, data: Any) -> Definition:
        words, unit, place = self.words, self.unit, (self.words.resources, name)
        unit.place = place
        if '/' in name:
            unit.fault('', 'Resource name may not contain "/"')
        if not isinstance(data, dict) or not data:
            unit.fault('', words.no_type)
            return Definition(name, '')
        if words.strict_keys:
            for key in data:
                if key not in self.version.resource_keys:
                    unit.fault('', f'"{key}" is not a valid keyword inside a resource definition',
                               at=(*place, key), name=key, known=self.version.resource_keys)
        kind = data.get(words.type)
        if words.type not in data:
            # With a misspelt key the missing type is not worth a sentence of its own.
            if not words.strict_keys or all(key in self.version.resource_keys for key in data):
                unit.fault('', words.no_type)
            kind = ''
        elif kind is None or kind == '':
            unit.fault('', 'Each Resource must contain a Type key.')
        elif not isinstance(kind, str):
            unit.fault('', f'Resource {name} {words.type} type must be string', at=(*place, words.type))
        condition = data.get(words.condition) if words.condition in self.version.resource_keys else None
        external = data.get(words.external_id) if words.external_id in self.version.resource_keys else None
        policy, policy_from = self._deletion_policy(data.get(words.deletion_policy), place)
        return Definition(
            name, str(kind),
            properties=self._object(name, data, words.properties),
            metadata=self._object(name, data, words.metadata),
            depends_on=self._depends_on(name, data.get(words.depends_on)),
            deletion_policy=policy, deletion_policy_from=policy_from,
            update_policy=self._object(name, data, words.update_policy),
            condition=None if condition is None else unit.condition(condition, (*place, words.condition)),
            external_id=None if external is None else unit.node(external, (*place, words.external_id)),
            description=self._description(name, data))

    def _object(self, name: str, data: Tree, key: str) -> Expr:
        found = data.get(key)
        if found is None:
            return EMPTY_MAP
        if not isinstance(found, dict):
            self.unit.fault('', f'Resource {name} {key} type must be object',
                            at=(self.words.resources, name, key), value=found)
            return EMPTY_MAP
        return self.unit.node(found, (self.words.resources, name, key))

    def _description(self, name: str, data: Tree) -> str:
        key = self.words.description
        found = data.get(key)
        if found is not None and not isinstance(found, str):
            self.unit.fault('', f'Resource {name} {key} type must be string',
                            at=(self.words.resources, name, key), value=found)
        return found if isinstance(found, str) else ''

    def _depends_on(self, name: str, found: Any) -> tuple[str, ...]:
        if found is None:
            return ()
        if isinstance(found, str):
            return (found,)
        if isinstance(found, list) and all(isinstance(item, str) for item in found):
            return tuple(dict.fromkeys(found))
        self.unit.fault('', f'Resource {name} {self.words.depends_on} type must be list or string',
                        at=(self.words.resources, name, self.words.depends_on), value=found)
        return ()

    def _deletion_policy(self, found: Any, place: tuple[Any, ...]) -> tuple[str, Expr | None]:
        if found is None:
            return 'Delete', None
        if isinstance(found, dict):
            return 'Delete', self.unit.node(found, (*place, self.words.deletion_policy))
        policy = self.version.deletion_policies.get(found) if isinstance(found, str) else None
        if policy is None:
            self.unit.fault('', f'Invalid deletion policy "{found}"', at=(*place, self.words.deletion_policy),
                            name=found, known=self.version.deletion_policies)
        return policy or 'Delete', None

    def _output(self, name: str, data: Any) -> OutputDefinition:
        words, unit, place = self.words, self.unit, (self.words.outputs, name)
        error = 'Output validation error'
        if not isinstance(data, dict):
            unit.fault(place, 'Each output definition must be a map.', error)
            return OutputDefinition(name)
        if words.value not in data:
            unit.fault(place, f'Each output definition must contain a {words.value} key.', error)
            return OutputDefinition(name)
        condition = data.get(words.condition) if words.condition in self.version.output_keys else None
        return OutputDefinition(
            name, value=unit.node(data[words.value], (*place, words.value)),
            description=str(data.get(words.description) or 'No description given'),
            condition=None if condition is None else unit.condition(condition, (*place, words.condition)))
