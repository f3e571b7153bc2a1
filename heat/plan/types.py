"""What the planner must know of a resource type, and nothing more.

Purpose: the plan floor lies below the plugins, so it names here the few pure
questions it asks them. Invariant: every method is pure; none does I/O.
Neighbours: ``resources.base`` implements it, ``traversal`` and ``decide`` ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from heat.common.ids import StackId
from heat.model.outcome import Outcome
from heat.model.resource import Row
from heat.model.status import Action

if TYPE_CHECKING:
    from heat.schema import TypeSchema
    from heat.template.definition import Definition
    from heat.template.expr import Ref


class ResourceType(Protocol):
    """One row of the type registry, as the planner sees it."""

    type: str
    schema: TypeSchema
    pure: bool
    """The whole step is computation: no intent, in and out in one commit."""
    nested: bool
    """The step is a stack of its own, a child in the same tree."""
    releases: bool
    """Before it is replaced it must let go of something its successor needs."""
    renewed: bool
    """Each update of its stack makes it anew."""
    follows: bool
    """It is updated when what it was built on was made anew, even if that reads the same."""
    survives_failure: bool
    """A FAILED row with a physical id may be updated instead of replaced."""
    redoes: bool
    """What a failed creation may have left undone is done by the next update."""
    observes: bool
    """It can tell in what its thing in the cloud differs from its properties."""
    tags_in: str
    """The property that takes the tags of the stack besides its own; '' for none."""
    settled: bool
    """What it gives follows from its properties alone, so it can be foreseen."""

    def compute(self, verb: Action, row: Row, stack: StackId) -> tuple[Outcome, Row]:
        """A pure type's whole step: its outcome and the row with what it kept."""
        ...

    def reference(self, row: Row) -> Any:
        """What ``get_resource`` gives."""
        ...

    def attribute(self, row: Row, name: str, path: tuple[Any, ...]) -> Any:
        """What ``get_attr`` gives, before the path is walked; None when unknown."""
        ...

    def in_the_way(self, row: Row, new: Mapping[str, Any]) -> bool:
        """Where ``releases``: whether what has the properties ``new`` cannot be made beside it."""
        ...

    def wants_replacement(self, row: Row, new: Mapping[str, Any], changed: frozenset[str]) -> bool:
        """Whether the class asks for a new resource although the schema would not."""
        ...

    def wants_update(self, row: Row) -> bool:
        """Whether an update of the stack has something to do to it though nothing has changed."""
        ...

    def same_thing(self, row: Row, other: Row) -> bool:
        """Whether two rows of one name stand for one thing, so that the old one must leave it to the new."""
        ...

    def supports(self, verb: Action) -> bool:
        """Whether the type has a step of its own for ``verb``."""
        ...

    def attribute_names(self, row: Row) -> tuple[str, ...]:
        """The names of all attributes of the row."""
        ...

    def knows(self, name: str) -> bool:
        """Whether ``name`` is an attribute of this type (dynamic ones included)."""
        ...

    def before(self, name: str, definition: Definition,
               others: Mapping[str, Definition]) -> frozenset[str]:
        """Resources this one must follow though nothing in the template says so."""
        ...

    def wanted(self, refs: frozenset[Ref]) -> tuple[Any, ...]:
        """The attributes to fetch when a step completes, from all references to it (JSON)."""
        ...


class Types(Protocol):
    """What type names stand for in one stack."""

    def __call__(self, type_name: str, resource_name: str) -> ResourceType:
        """Through the environment's registry; raises StackValidationFailed if unknown."""
        ...

    def of(self, row: Row) -> ResourceType:
        """The plugin that made the row, whatever the registry says today."""
        ...
