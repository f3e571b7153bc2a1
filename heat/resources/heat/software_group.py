"""OS::Heat::SoftwareDeploymentGroup and StructuredDeploymentGroup: one configuration on many servers.

Purpose: a nested stack with a deployment for each server, under the server's
name in the map. Invariant: what is handed down goes as a parameter, so nothing
in it is taken for a function; outputs are kept with the private data.
Neighbours: ``software_deployment`` are the members; ``engine.nested`` runs the child.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from heat import schema
from heat.model.resource import Row
from heat.resources.base import Others
from heat.resources.heat.software_deployment import (
    SoftwareDeployment,
    StructuredDeployment,
    deaf_servers,
    shared,
    structured,
)
from heat.resources.nested import ChildTemplate, ChildView, Nested
from heat.schema import IN_PLACE, Attr, Integer, Map, Number, Property, Support
from heat.template.expr import Ref

# An attribute of the group -> that of a member.
PLURALS = {'deploy_stdouts': 'deploy_stdout', 'deploy_stderrs': 'deploy_stderr',
           'deploy_status_codes': 'deploy_status_code'}
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

    @classmethod
    def validate_policy(cls, policy: Mapping[str, Any]) -> Iterable[str]:
        for name, one in policy.items():
            if isinstance(one, Mapping) and isinstance(one.get('pause_time'), int | float) \
                    and one['pause_time'] > 0:
                yield (f'A pause between batches of deployments ({name}.pause_time) is not supported; '
                       'use 0.')

    # -- the child -------------------------------------------------------------------------------

    @classmethod
    def expand(cls, row: Row, child: ChildView | None) -> ChildTemplate:
        props = row.props or {}
        passed: dict[str, Any] = {name: props[name] for name in PASSED if props.get(name) is not None}
        given = props.get('input_values')
        if given is not None:
            passed['input_values'] = {'get_param': 'input_values'}
        names = list(props.get('servers') or {})
        size = batch_size(cls, row, child) or len(names)
        members: dict[str, Any] = {}
        for number, name in enumerate(names):
            members[name] = {'type': cls.member, 'properties': {
                **passed, 'server': props['servers'][name]}}
            begin = number - number % size
            if begin:
                members[name]['depends_on'] = names[begin - size:begin]
        tree = {'heat_template_version': '2015-04-30', 'resources': members,
                'parameters': {'input_values': {'type': 'json', 'default': {}}}}
        return ChildTemplate(tree, {'input_values': given or {}})

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


def batch_size(kind: type[Nested], row: Row, child: ChildView | None) -> int:
    """How many members at once; 0 for all of them."""
    policy, _wrong = schema.resolve(kind.schema.update_policy, row.keep.get('update_policy') or {})
    chosen = policy.get('batch_create' if child is None else 'rolling_update') or {}
    return int(chosen.get('max_batch_size') or 0)
