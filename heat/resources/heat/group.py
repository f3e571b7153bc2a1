"""OS::Heat::ResourceGroup: many alike, as one nested stack.

Purpose: a count and a definition become a child template with members ``0``,
``1``, ...; attributes of the group are lists over its members. Invariant: the
name of a removed member is never used again (``blacklist`` in private data).
Neighbours: ``engine.nested`` runs the child.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from heat.model.resource import Row
from heat.model.status import Action
from heat.resources.heat.batches import Member, Rolling, next_batch, renewed, resolved_policy, rolling_of
from heat.resources.nested import ChildTemplate, ChildView, Nested, Stage
from heat.schema import IN_PLACE, Attr, Integer, List, Map, Number, String, Support
from heat.template.expr import Walked

# An attribute of members and the path into it.
Read = tuple[str, tuple[Any, ...]]
_OWN = ('refs', 'refs_map', 'attributes', 'removed_rsrc_list', 'show')


class ResourceGroup(Nested):
    """Creates one or more identically configured nested resources.

    In addition to the `refs` attribute, this resource implements synthetic
    attributes that mirror those of the resources in the group. When
    getting an attribute from this resource, however, a list of attribute
    values for each resource in the group is returned. To get attribute values
    for a single resource in the group, synthetic attributes of the form
    `resource.{resource index}.{attribute name}` can be used. The resource ID
    of a particular resource in the group can be obtained via the synthetic
    attribute `resource.{resource index}`. Note, that if you get attribute
    without `{resource index}`, e.g. `[resource, {attribute_name}]`, you'll get
    a list of this attribute's value for all resources in group.

    While each resource in the group will be identically configured, this
    resource does allow for some index-based customization of the properties
    of the resources in the group. For example::

      resources:
        my_indexed_group:
          type: OS::Heat::ResourceGroup
          properties:
            count: 3
            resource_def:
              type: OS::Nova::Server
              properties:
                # create a unique name for each server
                # using its index in the group
                name: my_server_%index%
                image: CentOS 6.5
                flavor: 4GB Performance

    would result in a group of three servers having the same image and flavor,
    but names of `my_server_0`, `my_server_1`, and `my_server_2`. The variable
    used for substitution can be customized by using the `index_var` property.
    """

    type = 'OS::Heat::ResourceGroup'
    support = Support(version='2014.1')

    class properties:
        count = Integer('The number of resources to create.', default=1, range=(0, None), update=IN_PLACE)
        index_var = String(
            'A variable that this resource will use to replace with the current index of a given resource '
            'in the group. Can be used, for example, to customize the name property of grouped servers in '
            'order to differentiate them when listed with nova client.', default='%index%',
            length=(3, None), support=Support(version='2014.2'))
        resource_def = Map(
            'Resource definition for the resources in the group. The value of this property is the '
            'definition of a resource just as if it had been declared in the template itself.',
            required=True, update=IN_PLACE, keys={
                'type': String('The type of the resources in the group.', required=True),
                'properties': Map('Property values for the resources in the group.'),
                'metadata': Map('Supplied metadata for the resources in the group.',
                                support=Support(version='5.0.0'))})
        removal_policies = List(
            'Policies for removal of resources on update.', default=[], update=IN_PLACE,
            support=Support(version='2015.1'),
            of=Map('Policy to be processed when doing an update which requires removal of specific '
                   'resources.', resource_list=List(
                       "List of resources to be removed when doing an update which requires removal of "
                       "specific resources. The resource may be specified several ways: (1) The resource "
                       "name, as in the nested stack, (2) The resource reference returned from "
                       "get_resource in a template, as available via the 'refs' attribute. Note this is "
                       "destructive on update when specified; even if the count is not being reduced, and "
                       "once a resource name is removed, its name is never reused in subsequent updates.",
                       default=[])))
        removal_policies_mode = String(
            'How to handle changes to removal_policies on update. The default "append" mode appends to the '
            'internal list, "update" replaces it on update.', default='append',
            values=['append', 'update'], update=IN_PLACE, support=Support(version='10.0.0'))

    class attributes:
        refs = Attr('A list of resource IDs for the resources in the group.', type='List')
        refs_map = Attr('A map of resource names to IDs for the resources in the group.', type='Map',
                        support=Support(version='7.0.0'))
        attributes = Attr('A map of resource names to the specified attribute of each individual resource. '
                          'Requires heat_template_version: 2014-10-16.', type='Map',
                          support=Support(version='2014.2'))
        removed_rsrc_list = Attr('A list of removed resource names.', type='List',
                                 support=Support(version='7.0.0'))

    class update_policy:
        rolling_update = Map(
            support=Support(version='5.0.0'),
            min_in_service=Integer('The minimum number of resources in service while rolling updates are '
                                   'being executed.', default=0, range=(0, None)),
            max_batch_size=Integer('The maximum number of resources to replace at once.', default=1,
                                   range=(1, None)),
            pause_time=Number('The number of seconds to wait between batches of updates.', default=0,
                              range=(0, None)))
        batch_create = Map(
            support=Support(version='5.0.0'),
            max_batch_size=Integer('The maximum number of resources to create at once.', default=1,
                                   range=(1, None)),
            pause_time=Number('The number of seconds to wait between batches.', default=0,
                              range=(0, None)))

    # -- the child's template --------------------------------------------------------------------

    @classmethod
    def expand(cls, row: Row, child: ChildView | None) -> ChildTemplate:
        props = row.props or {}
        names = cls.members(props, blacklisted(row, child))
        return cls.template(row, {name: cls.member(props, name) for name in names})

    @classmethod
    def template(cls, row: Row, resources: Mapping[str, Any]) -> ChildTemplate:
        """The child's template with these members."""
        return template_of(resources, member_reads(row.keep.get('wanted', ())))

    @classmethod
    def stage(cls, row: Row, child: ChildView | None, notes: Mapping[str, Any]) -> Stage:
        kept = cls.kept(row, child)
        rolling = cls.rolling(row)
        if rolling is None:
            return Stage(cls.expand(row, child), data=kept)
        props, removed = row.props or {}, kept['blacklist']
        wanted = cls.members(props, removed)
        # A row without a definition is one that is on its way out already.
        there = {} if child is None else {name: None for name in child.names() if name not in removed
                                          and child.definition(name) is not None}
        # Those that go at the end stand behind: they were made to leave enough in service.
        among = set(wanted)
        order = [name for name in wanted if name in there] + [name for name in there if name not in among]
        members = [member_of(child, name, cls.member(props, name)) for name in order]
        batch = next_batch(len(wanted), len(members), sum(m.fit for m in members), rolling)
        if batch is None:
            return Stage(cls.expand(row, child), data=kept)
        staying = members[:batch.capacity]
        missing = batch.capacity - len(staying)
        held = {m.name for m in staying}
        free = (name for name in cls.members({'count': batch.capacity + len(order) + len(wanted)}, removed)
                if name not in held)
        made = [name for name in wanted if name not in held][:missing]
        made += list(itertools.islice((name for name in free if name not in made), missing - len(made)))
        fresh = renewed(staying, batch.new - missing) | set(made)
        resources = {name: cls.member(props, name) if name in fresh or child is None
                     else child.definition(name) for name in [*(m.name for m in staying), *made]}
        fit = len(fresh) + sum(m.fit for m in staying if m.name not in fresh)
        last = next_batch(len(wanted), len(resources), fit, rolling) is None
        return Stage(cls.template(row, resources), last, rolling.pause, kept)

    @classmethod
    def rolling(cls, row: Row) -> Rolling | None:
        """How members are to be made or replaced; None: all at once."""
        creating = row.action is Action.CREATE
        if not creating and not definition_changed(row, 'resource_def'):
            return None
        return rolling_of(resolved_policy(
            cls, row.keep.get('update_policy'), 'batch_create' if creating else 'rolling_update'))

    @classmethod
    def foreseen(cls, row: Row) -> int:
        count = (row.props or {}).get('count', 1)
        return count if isinstance(count, int) else 0

    @classmethod
    def members(cls, props: Mapping[str, Any], blacklist: list[str]) -> list[str]:
        """The names of the members: as many as wanted, none of the removed ones."""
        free = (str(n) for n in itertools.count() if str(n) not in blacklist)
        return list(itertools.islice(free, props.get('count', 1)))

    @classmethod
    def member(cls, props: Mapping[str, Any], name: str) -> dict[str, Any]:
        definition = {key: value for key, value in (props.get('resource_def') or {}).items()
                      if value is not None}
        return {key: value if key == 'type' else substitute(value, props.get('index_var', '%index%'), name)
                for key, value in definition.items()}

    @classmethod
    def kept(cls, row: Row, child: ChildView | None) -> dict[str, Any]:
        return {'blacklist': blacklisted(row, child)}

    # -- attributes ------------------------------------------------------------------------------

    @classmethod
    def knows(cls, name: str) -> bool:
        return True

    @classmethod
    def gather(cls, row: Row, child: ChildView, wanted: tuple[Any, ...]) -> dict[str, Any]:
        names = child.names()
        values: dict[str, Any] = {
            'refs_map': {name: child.reference(name) for name in names},
            'removed_rsrc_list': list(row.data.get('blacklist', ())), 'reads': []}
        if wanted:
            values['reads'] = read_from(child, member_reads(wanted), names)
        return values

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        refs_map: dict[str, Any] = row.attrs.get('refs_map') or {}
        if name == 'refs':
            return list(refs_map.values())
        if name in ('refs_map', 'removed_rsrc_list'):
            return row.attrs.get(name)
        if name == 'show':
            return None
        reads = {tuple(key): found for key, found in row.attrs.get('reads', ())}
        if name == 'attributes':
            return Walked(reads.get(tuple(path))) if path else None
        member, attribute = dotted(name)
        if member is None:
            found = reads.get((name, *path))
            return None if found is None else Walked([found[n] for n in refs_map if n in found])
        if attribute is None and not path:
            return refs_map.get(member)
        tail = tuple(path) if attribute is None else (attribute, *path)
        return Walked((reads.get(tail) or {}).get(member))


def template_of(resources: Mapping[str, Any], reads: Iterable[Read]) -> ChildTemplate:
    """A child's template; what is read from its members must be asked for there, or nobody fetches it."""
    tree: dict[str, Any] = {'heat_template_version': '2015-04-30', 'resources': dict(resources)}
    outputs = {}
    for attribute, path in reads:
        for name in resources:
            key = '.'.join(str(part) for part in (name, attribute, *path))
            outputs[key] = {'value': {'get_attr': [name, attribute, *path]}}
    if outputs:
        tree['outputs'] = outputs
    return ChildTemplate(tree)


def read_from(child: ChildView, reads: Iterable[Read], names: Iterable[str]) -> list[Any]:
    """What ``template_of`` asked for: pairs of ``[attribute, *path]`` and a map over the members."""
    outputs = child.outputs()
    return [[[attribute, *path],
             {name: outputs.get('.'.join(str(p) for p in (name, attribute, *path))) for name in names}]
            for attribute, path in reads]


def member_of(child: ChildView | None, name: str, definition: Mapping[str, Any]) -> Member:
    """The member as it is, judged by the ``definition`` it should have."""
    assert child is not None
    return Member(name, child.settled(name), same_definition(child.definition(name), definition))


def same_definition(one: Any, other: Any) -> bool:
    """Whether two definitions are the same once written down."""
    return json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)


def definition_changed(row: Row, name: str) -> bool:
    """Whether the update on ``row`` changes what members are made from, or takes up a failed one."""
    old = row.keep.get('old_props') or {}
    return bool(row.keep.get('revive')) or not same_definition(old.get(name), (row.props or {}).get(name))


def blacklisted(row: Row, child: ChildView | None) -> list[str]:
    """Names that were removed and stay so, in the order of their removal."""
    props = row.props or {}
    kept = [] if props.get('removal_policies_mode') == 'update' else list(row.data.get('blacklist', ()))
    removed = [named for policy in props.get('removal_policies') or ()
               for named in policy.get('resource_list') or ()]
    if child is None or not removed:
        return kept
    by_reference = {str(child.reference(name)): name for name in child.names()}
    for named in removed:
        name = named if named in by_reference.values() else by_reference.get(str(named))
        if name is not None and name not in kept:
            kept.append(name)
    return kept


def dotted(name: str) -> tuple[str | None, str | None]:
    """``resource.3.addr`` -> ('3', 'addr'); ``resource.3`` -> ('3', None); else (None, None)."""
    parts = name.split('.', 2)
    if parts[0] != 'resource' or len(parts) < 2:
        return None, None
    return parts[1], parts[2] if len(parts) > 2 else None


def member_reads(wanted: Any) -> list[Read]:
    """(attribute, path) to read from members, from the group's own wanted attributes."""
    found: dict[tuple[Any, ...], None] = {}
    for name, *path in wanted:
        if name == 'attributes' and path:
            found[tuple(path)] = None
        elif name not in _OWN:
            member, attribute = dotted(name)
            if member is None:
                found[(name, *path)] = None
            elif attribute is not None:
                found[(attribute, *path)] = None
            elif path:
                found[tuple(path)] = None
    return [(key[0], key[1:]) for key in found]


def substitute(value: Any, variable: str, name: str) -> Any:
    """``value`` with the index variable replaced in every string, keys included."""
    if isinstance(value, str):
        return value.replace(variable, name)
    if isinstance(value, list):
        return [substitute(item, variable, name) for item in value]
    if isinstance(value, dict):
        return {substitute(k, variable, name): substitute(v, variable, name) for k, v in value.items()}
    return value
