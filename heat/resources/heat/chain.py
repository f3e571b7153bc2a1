"""OS::Heat::ResourceChain: one resource of each of several types, as one nested stack.

Purpose: a list of types becomes a child template with members ``0``, ``1``, ...
that share their properties. Invariant: unless concurrent, each member waits for
the one before. Neighbours: ``engine.nested`` runs the child.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from heat.common import errors
from heat.model.resource import Row
from heat.resources.nested import LEARNED, ChildTemplate, ChildView, Nested, inside, learned, member_of, read
from heat.schema import IN_PLACE, UNKNOWN, Attr, Boolean, List, Map, Support
from heat.template.expr import Walked

_OWN = ('refs', 'attributes', 'show')


class ResourceChain(Nested):
    """Creates one or more resources with the same configuration.

    The types of resources to be created are passed into the chain
    through the ``resources`` property. One resource will be created for each
    type listed. Each is passed the configuration specified
    under ``resource_properties``.

    The ``concurrent`` property controls if the resources will be created
    concurrently. If omitted or set to false, each resource will be treated
    as having a dependency on the resource before it in the list.
    """

    type = 'OS::Heat::ResourceChain'
    support = Support(version='6.0.0')

    class properties:
        resources = List('The list of resource types to create. This list may contain type names or aliases '
                         'defined in the resource registry. Specific template names are not supported.',
                         required=True, update=IN_PLACE)
        concurrent = Boolean('If the resources in the chain should be created concurrently. If this '
                             'property is not specified, the resources will be created serially.',
                             default=False)
        resource_properties = Map('Properties to pass to each resource being created in the chain.')

    class attributes:
        refs = Attr('A list of resource IDs for the resources in the chain.', type='List')
        attributes = Attr('A map of resource names to the specified attribute of each individual resource.',
                          type='Map')

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        kinds = props.get('resources')
        for kind in kinds if isinstance(kinds, list) else ():
            if not isinstance(kind, str) and kind is not UNKNOWN:
                yield f'The items of resources must be names of resource types; got {kind!r}'

    @classmethod
    def expand(cls, row: Row, child: ChildView | None) -> ChildTemplate:
        props = row.props or {}
        resources: dict[str, dict[str, Any]] = {}
        for number, kind in enumerate(props['resources']):
            member: dict[str, Any] = {'type': kind}
            if props.get('resource_properties') is not None:
                member['properties'] = props['resource_properties']
            if number and not props.get('concurrent'):
                member['depends_on'] = str(number - 1)
            resources[str(number)] = member
        return ChildTemplate({'heat_template_version': '2015-04-30', 'resources': resources})

    # -- attributes ------------------------------------------------------------------------------

    @classmethod
    def knows(cls, name: str) -> bool:
        return True

    @classmethod
    def reads(cls, row: Row) -> list[list[Any]]:
        members = [str(number) for number in range(len((row.props or {})['resources']))]
        found: list[list[Any]] = []
        for name, *path in row.keep.get('wanted', ()):
            member, tail = _asked(name, tuple(path))
            if tail:
                found += [[one, *tail] for one in (members if member is None else [member])]
        return found

    @classmethod
    def learn(cls, row: Row, child: ChildView, wanted: tuple[Any, ...]) -> dict[str, Any]:
        names = child.names()
        reads = []
        for name, *path in wanted:
            member, tail = _asked(name, tuple(path))
            if not tail:
                continue
            values = {}
            for one in names if member is None else [member]:
                try:
                    values[one] = read(child, (one, *tail))
                except errors.HeatException:
                    # Not every type of a chain has every attribute.
                    values[one] = None
            reads.append([[name, *path], values])
        return {LEARNED: {'refs': {name: child.reference(name) for name in names}, 'reads': reads}}

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        told = learned(row)
        if not told or name == 'show':
            return None
        if name == 'refs':
            return list(told['refs'].values())
        member, tail = _asked(name, path)
        if not tail:
            if member is None:
                raise errors.InvalidTemplateAttribute(resource=row.name, key=name)
            return told['refs'].get(member)
        values = {tuple(key): found for key, found in told['reads']}.get((name, *path))
        if values is None:
            return None
        if member is not None:
            return Walked(values.get(member))
        if name == 'attributes':
            return Walked(values)
        return Walked([values[one] for one in told['refs'] if one in values])


def _asked(name: str, path: tuple[Any, ...]) -> tuple[str | None, tuple[Any, ...]]:
    """(member, what is read of it); None for all members. Nothing to read for their references."""
    if name in _OWN:
        return None, path if name == 'attributes' else ()
    member = member_of(name)
    if member is None:
        return None, (name, *path)
    return member, inside(name, path)[1:]
