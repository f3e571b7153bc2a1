"""OS::Heat::SoftwareDeploymentGroup and StructuredDeploymentGroup: one configuration on many servers.

Purpose: a nested stack with a deployment for each server, under the server's
name in the map. Invariant: what is handed down goes as a parameter, so nothing
in it is taken for a function; outputs are kept with the private data. Batches wait
for each other in one goal of the child; with a pause each is a goal of its own.
Neighbours: ``software_deployment`` are the members; ``engine.nested`` runs the child.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from heat import schema
from heat.model.resource import Row
from heat.model.status import Action
from heat.resources.base import Others
from heat.resources.heat.group import same_definition
from heat.resources.heat.software_deployment import (
    SoftwareDeployment,
    StructuredDeployment,
    deaf_servers,
    shared,
    structured,
)
from heat.resources.nested import ChildTemplate, ChildView, Nested, Stage
from heat.schema import IN_PLACE, Attr, Integer, Map, Number, Property, Support
from heat.template.expr import Ref

# An attribute of the group -> that of a member.
PLURALS = {'deploy_stdouts': 'deploy_stdout', 'deploy_stderrs': 'deploy_stderr',
           'deploy_status_codes': 'deploy_status_code'}
INPUTS = 'input_values'
PASSED = ('config', 'actions', 'name', 'signal_transport', 'input_key', 'input_values_validate')


def servers() -> Property:
    return Map('The servers to apply it on: ids by names.', required=True, update=IN_PLACE)


def batches(description: str) -> Property:
    return Map(description, support=Support(version='7.0.0'), keys={
        'max_batch_size': Integer('How many servers at once.', default=1, range=(1, None)),
        'pause_time': Number('Seconds between batches.', default=0, range=(0, None))})


# Made outside of the classes, in which ``type`` is the name of the resource type.
Properties = type('Properties', (), {**shared(server=False), 'servers': servers()})
StructuredProperties = type('StructuredProperties', (), {
    **shared(server=False), **structured(), 'servers': servers()})


class GroupAttributes:
    deploy_stdouts = Attr('What the tools wrote to their output, by server.', type='Map')
    deploy_stderrs = Attr('What the tools wrote to their error output, by server.', type='Map')
    deploy_status_codes = Attr('The status codes that the tools ended with, by server.', type='Map')


class GroupPolicy:
    rolling_update = batches('Change the servers in batches.')
    batch_create = batches('Deploy to the servers in batches.')


class SoftwareDeploymentGroup(Nested):
    """Applies a configuration on each of several servers."""

    type = 'OS::Heat::SoftwareDeploymentGroup'
    support = Support(version='5.0.0')
    gathers_secrets = True
    member: ClassVar[str] = SoftwareDeployment.type

    properties = Properties
    attributes = GroupAttributes
    update_policy = GroupPolicy

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        names = props.get('servers')
        for name in names if isinstance(names, Mapping) else ():
            if not name or '/' in str(name):
                yield f'"{name}" is no name for a server of the group: it is empty or contains "/".'

    @classmethod
    def among(cls, refers: Mapping[str, frozenset[str]], others: Others) -> Iterable[str]:
        yield from deaf_servers(refers.get('servers', frozenset()), others)

    # -- the child -------------------------------------------------------------------------------

    @classmethod
    def expand(cls, row: Row, child: ChildView | None) -> ChildTemplate:
        members = cls.members(row.props or {}, INPUTS)
        names, size = list(members), batches_of(cls, row)[0] or len(members)
        for number, name in enumerate(names):
            begin = number - number % size
            if begin:
                members[name]['depends_on'] = names[begin - size:begin]
        return child_template(members, {INPUTS: (row.props or {}).get('input_values') or {}})

    @classmethod
    def members(cls, props: Mapping[str, Any], parameter: str) -> dict[str, dict[str, Any]]:
        """The definitions by the servers' names; input values are in that parameter of the child."""
        passed: dict[str, Any] = {name: props[name] for name in PASSED if props.get(name) is not None}
        if props.get('input_values') is not None:
            passed['input_values'] = {'get_param': parameter}
        return {name: {'type': cls.member, 'properties': {**passed, 'server': server}}
                for name, server in (props.get('servers') or {}).items()}

    @classmethod
    def stage(cls, row: Row, child: ChildView | None, notes: Mapping[str, Any]) -> Stage:
        size, pause = batches_of(cls, row)
        if not pause:
            return super().stage(row, child, notes)
        props = row.props or {}
        given = props.get('input_values') or {}
        # Members of batches to come keep their inputs, so each set of inputs has its own parameter.
        parameter = f'{INPUTS}_{digest(given)}'
        wanted = cls.members(props, parameter)
        there = definitions(child)
        behind = [name for name, one in wanted.items() if child is None or not (
            name in there and same_definition(there[name], one) and child.settled(name))]
        batch = set(behind[:size])
        members = {name: one if name in batch or name not in behind else there[name]
                   for name, one in wanted.items() if name in batch or name in there}
        old = (row.keep.get('old_props') or {}).get('input_values') or {}
        known = {INPUTS: old, **(row.data.get('inputs') or {}), parameter: given}
        used = {one['properties']['input_values']['get_param'] for one in members.values()
                if 'input_values' in one['properties']}
        inputs = {name: known.get(name, {}) for name in used}
        return Stage(child_template(members, inputs), len(behind) <= size, pause, data={'inputs': inputs})

    # -- attributes --------------------------------------------------------------------------------

    @classmethod
    def knows(cls, name: str) -> bool:
        return True

    @classmethod
    def wanted(cls, refs: frozenset[Ref]) -> tuple[Any, ...]:
        return tuple(sorted({ref.attribute for ref in refs if ref.attribute is not None} - {'show'}))

    @classmethod
    def gather(cls, row: Row, child: ChildView, wanted: tuple[Any, ...]) -> dict[str, Any]:
        names = child.names()
        return {name: {one: child.attribute(one, PLURALS.get(name, name)) for one in names}
                for name in dict.fromkeys((*PLURALS, *wanted))}

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        return (row.data.get('gathered') or {}).get(name)


class StructuredDeploymentGroup(SoftwareDeploymentGroup):
    """Applies a configuration that is a structure on each of several servers."""

    type = 'OS::Heat::StructuredDeploymentGroup'
    support = Support(version='5.0.0')
    member = StructuredDeployment.type

    properties = StructuredProperties


class SoftwareDeployments(SoftwareDeploymentGroup):
    """The older name of OS::Heat::SoftwareDeploymentGroup."""

    type = 'OS::Heat::SoftwareDeployments'
    hidden = True
    support = Support('HIDDEN', '7.0.0', 'Use OS::Heat::SoftwareDeploymentGroup.',
                      Support('DEPRECATED', '2014.2'), substitute='OS::Heat::SoftwareDeploymentGroup')


class StructuredDeployments(StructuredDeploymentGroup):
    """The older name of OS::Heat::StructuredDeploymentGroup."""

    type = 'OS::Heat::StructuredDeployments'
    hidden = True
    support = Support('HIDDEN', '7.0.0', 'Use OS::Heat::StructuredDeploymentGroup.',
                      Support('DEPRECATED', '2014.2'), substitute='OS::Heat::StructuredDeploymentGroup')


def batches_of(kind: type[Nested], row: Row) -> tuple[int, float]:
    """How many members at once, 0 for all of them, and the seconds between batches."""
    policy, _wrong = schema.resolve(kind.schema.update_policy, row.keep.get('update_policy') or {})
    chosen = policy.get('batch_create' if row.action is Action.CREATE else 'rolling_update') or {}
    return int(chosen.get('max_batch_size') or 0), float(chosen.get('pause_time') or 0)


def child_template(members: Mapping[str, Any], inputs: Mapping[str, Any]) -> ChildTemplate:
    tree = {'heat_template_version': '2015-04-30', 'resources': dict(members),
            'parameters': {name: {'type': 'json', 'default': {}} for name in inputs}}
    return ChildTemplate(tree, dict(inputs))


def definitions(child: ChildView | None) -> dict[str, dict[str, Any]]:
    """What the child's members are made from now, without their order."""
    found: dict[str, dict[str, Any]] = {}
    for name in child.names() if child is not None else ():
        definition = child.definition(name) if child is not None else None
        if definition is not None:
            found[name] = {key: value for key, value in definition.items() if key != 'depends_on'}
    return found


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
