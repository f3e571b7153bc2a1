"""Resources that are stacks of their own.

Purpose: a nested type says what its child's template is (``expand``) and what
the finished child means for its attributes (``gather``, ``learn``). Invariant:
all of it is pure; the child runs in the same tree under the same lease, without
polling or messages. A step may lead its child through several stages.
Neighbours: ``engine.nested`` submits the child's goals, ``engine.stages`` leads
from one to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from heat.common import errors
from heat.common.ids import StackId
from heat.model.resource import Row
from heat.model.status import Action
from heat.resources.base import Resource, Steps
from heat.resources.creation import Expected
from heat.template.expr import Ref, Walked

LEARNED = 'learned'


@dataclass(frozen=True, slots=True)
class ChildTemplate:
    """What a nested stack is made from: a template tree and its parameters.

    ``source`` names a document that holds the template, instead of ``tree``;
    ``inside`` is the name under which the template is known, if it has one;
    ``minutes`` is how long the child may take, None for as long as its parent.
    """

    tree: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
    inside: str | None = None
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One of the goals that a nested step gives its child in turn.

    With the ``last`` one the step is done; else the next follows ``pause`` seconds
    after its end, or once the ``signals`` have come. ``data`` is kept privately on the
    row; ``notes`` are for the stages to come and last as long as the step.
    """

    template: ChildTemplate
    last: bool = True
    pause: float = 0.0
    data: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    signals: Expected | None = None


class ChildView(Protocol):
    """A child stack as its parent's resource may see it."""

    @property
    def identity(self) -> StackId: ...

    def names(self) -> list[str]:
        """Names of the child's live resources, in the order of its template."""
        ...

    def reference(self, name: str) -> Any: ...

    def attribute(self, name: str, attribute: str, path: tuple[Any, ...] = ()) -> Any: ...

    def outputs(self) -> dict[str, Any]: ...

    def faults(self) -> dict[str, str]:
        """Why those outputs have no value that have none."""
        ...

    def row(self, name: str) -> Row | None: ...

    def definition(self, name: str) -> Mapping[str, Any] | None:
        """What the child's template says of a resource, as plain data."""
        ...

    def settled(self, name: str) -> bool:
        """Whether the resource is sound and as its definition wants it."""
        ...


class Nested(Resource):
    """Base of nested types. ``row.physical_id`` is the child's stack id.

    A failed child is mended by the next update and not made anew: what stands in
    it stays.
    """

    nested: ClassVar[bool] = True
    survives_failure: ClassVar[bool] = True
    source: ClassVar[str] = ''
    """Where the child's template has its name from, if the type is a template."""
    builds: ClassVar[tuple[str, ...]] = ()
    """Types of members that the type itself names."""
    refers: ClassVar[tuple[str, ...]] = ()
    """Properties that refer to resources, one or a list of them, whose own properties ``expand``
    needs; it finds them under ``data['referred']``, by the name of the property."""
    # What is gathered is kept with the private data, and not among the attributes.
    gathers_secrets: ClassVar[bool] = False

    @classmethod
    def asks_first(cls, row: Row) -> bool:
        """Whether the cloud must be asked what the child is made from: ``ask`` runs before its goal."""
        return False

    def ask(self) -> Steps:
        """Reads, and keeps on the row what ``expand`` needs of it; changes nothing in the cloud."""
        yield from ()

    @classmethod
    def expand(cls, row: Row, child: ChildView | None) -> ChildTemplate:
        """The child's template for the properties on ``row``; ``child`` is how it is now."""
        raise NotImplementedError

    @classmethod
    def stage(cls, row: Row, child: ChildView | None, notes: Mapping[str, Any]) -> Stage:
        """The next goal of the child; ``notes`` are those of the stage before."""
        return Stage(cls.expand(row, child), data=cls.kept(row, child))

    @classmethod
    def foreseen(cls, row: Row) -> int:
        """At least how many resources the child will have, told before it is made."""
        return 0

    @classmethod
    def gather(cls, row: Row, child: ChildView, wanted: tuple[Any, ...]) -> dict[str, Any]:
        """The attributes ``wanted`` of a finished child."""
        return {}

    @classmethod
    def learn(cls, row: Row, child: ChildView, wanted: tuple[Any, ...]) -> dict[str, Any]:
        """What to keep privately of a finished child: what it tells may be secret."""
        return {}

    @classmethod
    def kept(cls, row: Row, child: ChildView | None) -> dict[str, Any]:
        """Private data to keep on the row when a child's goal is set."""
        return {}

    @classmethod
    def concluded(cls, row: Row, child: ChildView, now: float) -> Row:
        """The row when a creation or an update has come to its good end at ``now`` (wall seconds)."""
        return row

    @classmethod
    def reads(cls, row: Row) -> list[list[Any]]:
        """``[resource, attribute, *path]`` of what is read inside the child, its outputs aside.

        ``row.keep['wanted']`` says what is asked of the resource itself.
        """
        return []

    @classmethod
    def wanted(cls, refs: frozenset[Ref]) -> tuple[Any, ...]:
        """``[attribute, *path]``: a path is walked inside the child's resources."""
        found = {(ref.attribute, *ref.path) for ref in refs if ref.attribute is not None}
        return tuple(list(entry) for entry in sorted(found, key=str))

    @classmethod
    def supports(cls, verb: Action) -> bool:
        return verb is Action.CHECK or super().supports(verb)


class Told(Nested):
    """Attributes are the child's outputs and, dotted, what its resources tell."""

    @classmethod
    def knows(cls, name: str) -> bool:
        # Which outputs there are depends on the child; ``attribute`` refuses the others.
        return True

    @classmethod
    def wanted(cls, refs: frozenset[Ref]) -> tuple[Any, ...]:
        return super().wanted(frozenset(
            ref for ref in refs if ref.attribute is not None and member_of(ref.attribute) is not None))

    @classmethod
    def reads(cls, row: Row) -> list[list[Any]]:
        found = [inside(name, tuple(path)) for name, *path in row.keep.get('wanted', ())]
        return [list(entry) for entry in found if len(entry) > 1]

    @classmethod
    def learn(cls, row: Row, child: ChildView, wanted: tuple[Any, ...]) -> dict[str, Any]:
        reads = []
        for name, *path in wanted:
            entry = inside(name, tuple(path))
            try:
                reads.append([list(entry), read(child, entry)])
            except errors.HeatException:
                # Who reads it is told that there is no such attribute.
                continue
        return {LEARNED: {'arn': child.identity.arn(), 'outputs': child.outputs(), 'faults': child.faults(),
                          'reads': reads}}

    @classmethod
    def attribute_names(cls, row: Row) -> tuple[str, ...]:
        return tuple(learned(row).get('outputs', ()))

    @classmethod
    def attribute(cls, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        told = learned(row)
        if not told:
            return None
        if member_of(name) is None:
            return output(row, name)
        reads = {tuple(key): value for key, value in told['reads']}
        if inside(name, path) not in reads:
            raise errors.InvalidTemplateAttribute(resource=row.name, key=name)
        return Walked(reads[inside(name, path)])


def learned(row: Row) -> dict[str, Any]:
    """What was kept of the child when it last came to its end."""
    found: dict[str, Any] = row.data.get(LEARNED) or {}
    return found


def output(row: Row, name: str) -> Any:
    """An output of the child; TemplateOutputError says why it has no value, if it has none."""
    told = learned(row)
    if name in (told.get('faults') or {}):
        raise errors.TemplateOutputError(resource=row.name, attribute=name, message=told['faults'][name])
    outputs = told.get('outputs') or {}
    if name not in outputs and name != 'show':
        raise errors.InvalidTemplateAttribute(resource=row.name, key=name)
    return outputs.get(name)


def member_of(name: str) -> str | None:
    """``resource.a.b`` -> 'a': whose attribute a dotted name asks for; None for any other name."""
    parts = name.split('.', 2)
    return parts[1] if parts[0] == 'resource' and len(parts) > 1 else None


def inside(name: str, path: tuple[Any, ...]) -> tuple[Any, ...]:
    """``resource.a.b`` with a path -> ('a', 'b', *path)."""
    return (*name.split('.', 2)[1:], *path)


def read(child: ChildView, entry: tuple[Any, ...]) -> Any:
    """What ``(resource, attribute, *path)`` is in the child; the reference of a resource alone."""
    member, *rest = entry
    if not rest:
        return child.reference(member)
    value = child.attribute(member, rest[0], tuple(rest[1:]))
    if isinstance(value, Walked):
        return value.value
    for step in rest[1:]:
        try:
            value = value[step if isinstance(value, dict) else int(step)]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return value
