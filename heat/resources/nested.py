"""Resources that are stacks of their own.

Purpose: a nested type says what its child's template is (``expand``) and what
the finished child means for its attributes (``gather``). Invariant: both are
pure; the child runs in the same tree under the same lease, without polling or
messages. Neighbours: ``engine.nested`` submits the child's goal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from heat.model.resource import Row
from heat.resources.base import Resource


@dataclass(frozen=True, slots=True)
class ChildTemplate:
    """What a nested stack is made from: a template tree and its parameters."""

    tree: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)


class ChildView(Protocol):
    """A child stack as its parent's resource may see it."""

    def names(self) -> list[str]:
        """Names of the child's live resources, in the order of its template."""
        ...

    def reference(self, name: str) -> Any: ...

    def attribute(self, name: str, attribute: str, path: tuple[Any, ...] = ()) -> Any: ...

    def outputs(self) -> dict[str, Any]: ...

    def row(self, name: str) -> Row | None: ...


class Nested(Resource):
    """Base of nested types. ``row.physical_id`` is the child's stack id."""

    nested: ClassVar[bool] = True

    @classmethod
    def expand(cls, row: Row, child: ChildView | None) -> ChildTemplate:
        """The child's template for the properties on ``row``; ``child`` is how it is now."""
        raise NotImplementedError

    @classmethod
    def gather(cls, row: Row, child: ChildView, wanted: tuple[Any, ...]) -> dict[str, Any]:
        """The attributes ``wanted`` of a finished child."""
        return {}

    @classmethod
    def kept(cls, row: Row, child: ChildView | None) -> dict[str, Any]:
        """Private data to keep on the row when a child's goal is set."""
        return {}
