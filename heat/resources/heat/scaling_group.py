"""OS::Heat::AutoScalingGroup, and what all scaling groups share.

Purpose: as many members as a capacity says, kept, added and removed one by one;
who has failed goes first, then who is oldest. Invariant: a member's name is
short, made from the group's row and a number that is used once; private data
holds that number (``made``) and the names by age (``ages``), so age outlives a
restart. Neighbours: ``resources.scaling`` has the arithmetic, ``batches`` the
rolling updates.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from heat import schema
from heat.common.ids import short_id
from heat.model.resource import Row
from heat.model.status import Action, Status
from heat.resources.heat.batches import Batch, Member, Rolling, next_batch, renewed, rolling_of
from heat.resources.heat.group import definition_changed, dotted, member_of, read_from, template_of
from heat.resources.nested import ChildTemplate, ChildView, Nested, Stage
from heat.resources.scaling import (
    EXACT,
    Adjustment,
    Resize,
    Scalable,
    begun,
    new_capacity,
    refusal,
    rested,
)
from heat.schema import IN_PLACE, Attr, Integer, Map, Number, Support
from heat.template.expr import Walked

_NAMESPACE = uuid.UUID('8a9c3c0e-54a3-4f0b-9d0c-7c1a6a5d2e44')


# In the name of what a group makes beside a member; a member's own name has no such sign.
BESIDE = '-beside-'


@dataclass(frozen=True, slots=True)
class Members:
    """The members of the next template by age, and how many names have been given out."""

    resources: dict[str, Any]
    made: int
    fit: int = 0

    @property
    def data(self) -> dict[str, Any]:
        """What the group's row keeps of it."""
        return {'made': self.made, 'ages': list(self.resources)}


class MemberGroup(Nested):
    """Base of groups whose members come and go singly."""

    # -- what a subclass says ----------------------------------------------------------------------

    @classmethod
    def member(cls, row: Row) -> Mapping[str, Any]:
        """The definition of a member by the group's properties."""
        raise NotImplementedError

    @classmethod
    def made_from(cls) -> str:
        """The property that ``member`` is made from."""
        raise NotImplementedError

    @classmethod
    def first_capacity(cls, row: Row) -> int:
        """How many members a new group has."""
        raise NotImplementedError

    @classmethod
    def next_capacity(cls, row: Row, now: int) -> int:
        """How many an update leads to when there are ``now``."""
        return cls.first_capacity(row)

    @classmethod
    def rolling(cls, row: Row) -> Rolling | None:
        """How members are replaced when their definition changes; None: they stay as they are."""
        raise NotImplementedError

    @classmethod
    def asked(cls, wanted: Iterable[Any]) -> list[tuple[str, tuple[Any, ...]]]:
        """(attribute, path) to read from each member."""
        return []

    # -- the child's template --------------------------------------------------------------------

    @classmethod
    def foreseen(cls, row: Row) -> int:
        try:
            return int(cls.first_capacity(row))
        except TypeError:
            # Not known yet.
            return 0

    @classmethod
    def expand(cls, row: Row, child: ChildView | None) -> ChildTemplate:
        members = cls.with_capacity(row, child, cls.capacity(row, child, {}))
        return cls.template(row, members)

    @classmethod
    def template(cls, row: Row, members: Members) -> ChildTemplate:
        return template_of(members.resources, cls.asked(row.keep.get('wanted', ())))

    @classmethod
    def stage(cls, row: Row, child: ChildView | None, notes: Mapping[str, Any]) -> Stage:
        target = cls.capacity(row, child, notes)
        rolling = None
        if child is not None and row.action is Action.UPDATE and definition_changed(row, cls.made_from()):
            rolling = cls.rolling(row)
        if rolling is None or child is None:
            members = cls.with_capacity(row, child, target)
            return Stage(cls.template(row, members), data=members.data)
        held = cls.held(row, child)
        batch = next_batch(target, len(held), sum(m.fit for m in held), rolling)
        if batch is None:
            batch = Batch(target, 0)
        members = cls.with_batch(row, child, held, batch, rolling.percent is not None)
        last = next_batch(target, len(members.resources), members.fit, rolling) is None
        there = {m.name for m in held}
        new = sum(name not in there for name in members.resources)
        return rolling.stage(cls.template(row, members), last, new, members.data, {'target': target})

    @classmethod
    def capacity(cls, row: Row, child: ChildView | None, notes: Mapping[str, Any]) -> int:
        """What the step leads to: settled at its first stage."""
        if 'target' in notes:
            return int(notes['target'])
        return cls.first_capacity(row) if child is None else cls.next_capacity(row, cls.size(row, child))

    @classmethod
    def size(cls, row: Row, child: ChildView) -> int:
        """How many members there are; failed ones do not count."""
        return len(sound_names(row, child))

    @classmethod
    def held(cls, row: Row, child: ChildView) -> list[Member]:
        """The members, those to go first in front: broken ones, outdated ones, then by age."""
        definition = cls.member(row)
        members = [member_of(child, name, definition) for name in by_age(row, child)]
        return sorted(members, key=lambda m: (m.sound, m.current))

    @classmethod
    def with_capacity(cls, row: Row, child: ChildView | None, capacity: int) -> Members:
        """Members kept as they are, as many as there should be."""
        if child is None:
            return cls._filled(row, {}, capacity)
        sound = set(sound_names(row, child))
        # Failed ones in front: they go first.
        order = sorted(by_age(row, child), key=lambda name: name in sound)
        staying = order[max(0, len(order) - capacity):]
        # What is made anew is the youngest.
        staying.sort(key=lambda name: name not in sound)
        resources: dict[str, Any] = {name: child.definition(name) for name in staying}
        return cls._filled(row, resources, capacity)

    @classmethod
    def with_batch(cls, row: Row, child: ChildView, held: list[Member], batch: Batch,
                   anew: bool = False) -> Members:
        """Members of which one batch is brought up to date, or gives way to new ones (``anew``)."""
        staying = held[max(0, len(held) - batch.capacity):]
        fresh = renewed(staying, batch.new - (batch.capacity - len(staying)))
        if anew:
            staying, fresh = [m for m in staying if m.name not in fresh], set()
        age = {name: number for number, name in enumerate(by_age(row, child))}
        staying.sort(key=lambda m: (m.name in fresh, age[m.name]))
        resources = {m.name: dict(cls.member(row)) if m.name in fresh else child.definition(m.name)
                     for m in staying}
        fit = sum(m.fit or m.name in fresh for m in staying)
        return cls._filled(row, resources, batch.capacity, fit)

    @classmethod
    def _filled(cls, row: Row, resources: dict[str, Any], capacity: int, fit: int = 0) -> Members:
        made = int(row.data.get('made', 0))
        while len(resources) < capacity:
            resources[member_name(row.uuid, made)] = dict(cls.member(row))
            made, fit = made + 1, fit + 1
        return Members(resources, made, fit)

    # -- attributes ------------------------------------------------------------------------------

    @classmethod
    def gather(cls, row: Row, child: ChildView, wanted: tuple[Any, ...]) -> dict[str, Any]:
        names = sound_names(row, child)
        reads = cls.asked(wanted)
        return {'refs_map': {name: child.reference(name) for name in names},
                'reads': read_from(child, reads, names) if reads else []}


class ScalingGroup(MemberGroup, Scalable):
    """Base of groups that policies adjust."""

    @classmethod
    def bounds(cls, row: Row) -> tuple[int, int]:
        raise NotImplementedError

    @classmethod
    def desired(cls, row: Row) -> int | None:
        raise NotImplementedError

    @classmethod
    def cooldown(cls, row: Row) -> int | None:
        raise NotImplementedError

    @classmethod
    def first_capacity(cls, row: Row) -> int:
        return cls.desired(row) or cls.bounds(row)[0]

    @classmethod
    def next_capacity(cls, row: Row, now: int) -> int:
        return new_capacity(now, Adjustment(None, EXACT, cls.desired(row) or now), *cls.bounds(row))

    @classmethod
    def concluded(cls, row: Row, child: ChildView, now: float) -> Row:
        return rested(row, now, cls.cooldown(row), f'{EXACT} : {cls.size(row, child)}')

    @classmethod
    def resize(cls, row: Row, child: ChildView, adjustment: Adjustment, now: float) -> Resize | str:
        before = cls.size(row, child)
        capacity = new_capacity(before, adjustment, *cls.bounds(row))
        why = refusal(row, now)
        if why is None and capacity == before:
            why = f'its size is {before} already'
        if why is not None:
            return why
        return Resize(begun(row, adjustment, before, capacity), capacity)

    @classmethod
    def resized(cls, row: Row, child: ChildView, capacity: int) -> Stage:
        members = cls.with_capacity(row, child, capacity)
        return Stage(cls.template(row, members), data=members.data)


class AutoScalingGroup(ScalingGroup):
    """An autoscaling group that can scale arbitrary resources.

    An autoscaling group allows the creation of a desired count of similar
    resources, which are defined with the resource property in HOT format. If
    there is a need to create many of the same resources (e.g. one hundred sets
    of Server, WaitCondition and WaitConditionHandle or even Neutron Nets),
    AutoScalingGroup is a convenient and easy way to do that.
    """

    type = 'OS::Heat::AutoScalingGroup'
    title = 'AutoScalingResourceGroup'
    support = Support(version='2014.1')

    class properties:
        resource = Map(
            'Resource definition for the resources in the group, in HOT format. The value of this property '
            'is the definition of a resource just as if it had been declared in the template itself.',
            required=True, update=IN_PLACE)
        max_size = Integer('Maximum number of resources in the group.', required=True, range=(0, None),
                           update=IN_PLACE)
        min_size = Integer('Minimum number of resources in the group.', required=True, range=(0, None),
                           update=IN_PLACE)
        cooldown = Integer('Cooldown period, in seconds.', update=IN_PLACE)
        desired_capacity = Integer('Desired initial number of resources.', update=IN_PLACE)
        rolling_updates = Map(
            'Policy for rolling updates for this scaling group.', update=IN_PLACE,
            default={'min_in_service': 0, 'max_batch_size': 1, 'pause_time': 0},
            keys={
                'min_in_service': Integer('The minimum number of resources in service while rolling updates '
                                          'are being executed.', default=0, range=(0, None)),
                'max_batch_size': Integer('The maximum number of resources to replace at once.', default=1,
                                          range=(1, None)),
                'pause_time': Number('The number of seconds to wait between batches of updates.', default=0,
                                     range=(0, None))})

    class attributes:
        outputs = Attr(
            'A map of resource names to the specified attribute of each individual resource that is part of '
            'the AutoScalingGroup. This map specifies output parameters that are available once the '
            'AutoScalingGroup has been instantiated.', type='Map', support=Support(version='2014.2'))
        outputs_list = Attr(
            'A list of the specified attribute of each individual resource that is part of the '
            'AutoScalingGroup. This list of attributes is available as an output once the AutoScalingGroup '
            'has been instantiated.', type='List', support=Support(version='2014.2'))
        current_size = Attr('The current size of AutoscalingResourceGroup.', type='Integer',
                            support=Support(version='2015.1'))
        refs = Attr('A list of resource IDs for the resources in the group.', type='List',
                    support=Support(version='7.0.0'))
        refs_map = Attr('A map of resource names to IDs for the resources in the group.', type='Map',
                        support=Support(version='7.0.0'))

    @classmethod
    def validate(cls, props: Mapping[str, Any]) -> Iterable[str]:
        yield from size_faults(props, 'min_size', 'max_size', 'desired_capacity')
        definition = props.get('resource')
        if isinstance(definition, Mapping) and 'type' not in definition:
            yield 'The resource of the group must have a type.'

    @classmethod
    def member(cls, row: Row) -> Mapping[str, Any]:
        return {key: value for key, value in ((row.props or {}).get('resource') or {}).items()
                if value is not None}

    @classmethod
    def made_from(cls) -> str:
        return 'resource'

    @classmethod
    def bounds(cls, row: Row) -> tuple[int, int]:
        props = row.props or {}
        return props['min_size'], props['max_size']

    @classmethod
    def desired(cls, row: Row) -> int | None:
        return (row.props or {}).get('desired_capacity')

    @classmethod
    def cooldown(cls, row: Row) -> int | None:
        return (row.props or {}).get('cooldown')

    @classmethod
    def rolling(cls, row: Row) -> Rolling | None:
        return rolling_of((row.props or {}).get('rolling_updates'))

    # -- attributes ------------------------------------------------------------------------------

    @classmethod
    def knows(cls, name: str) -> bool:
        return name in cls.schema.attributes or dotted(name)[0] is not None

    @classmethod
    def asked(cls, wanted: Iterable[Any]) -> list[tuple[str, tuple[Any, ...]]]:
        found: dict[tuple[Any, ...], None] = {}
        for name, *path in wanted:
            member, attribute = dotted(name)
            whole = tuple(path) if attribute is None else (attribute, *path)
            if whole and (name in ('outputs', 'outputs_list') or member is not None):
                found[whole] = None
        return [(key[0], key[1:]) for key in found]

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        refs_map: dict[str, Any] = row.attrs.get('refs_map') or {}
        if name == 'current_size':
            return len(refs_map)
        if name == 'refs':
            return list(refs_map.values())
        if name == 'refs_map':
            return refs_map
        reads = {tuple(key): found for key, found in row.attrs.get('reads', ())}
        member, attribute = dotted(name)
        if member is not None:
            tail = tuple(path) if attribute is None else (attribute, *path)
            return Walked((reads.get(tail) or {}).get(member)) if tail else refs_map.get(member)
        found = reads.get(tuple(path)) if path else None
        if found is None:
            return None
        inner = {member: found[member] for member in refs_map if member in found}
        return Walked(inner if name == 'outputs' else list(inner.values()))


def by_age(row: Row, child: ChildView) -> list[str]:
    """The members, the oldest first; one on its way out is none."""
    age = {name: number for number, name in enumerate(row.data.get('ages') or ())}
    names = [name for name in child.names() if BESIDE not in name and child.definition(name) is not None]
    return sorted(names, key=lambda name: age.get(name, len(age)))


def sound_names(row: Row, child: ChildView) -> list[str]:
    """The members that have not failed, the oldest first."""
    rows = ((name, child.row(name)) for name in by_age(row, child))
    return [name for name, member in rows if member is not None and member.status is not Status.FAILED
            and member.action is not Action.INIT]


def member_name(group: str, number: int) -> str:
    """Twelve characters, the same for the same group and number."""
    return short_id(str(uuid.uuid5(_NAMESPACE, f'{group}/{number}')))


def size_faults(props: Mapping[str, Any], low: str, high: str, desired: str) -> Iterable[str]:
    """Sentences about sizes that do not fit together."""
    least, most, wanted = props.get(low), props.get(high), props.get(desired)
    if schema.UNKNOWN in (least, most):
        return
    if isinstance(least, int) and isinstance(most, int) and least > most:
        yield f'{low} can not be greater than {high}'
    elif isinstance(wanted, int) and not (least or 0) <= wanted <= (wanted if most is None else most):
        yield f'{desired} must be between {low} and {high}'
