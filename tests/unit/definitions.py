"""Definitions of resources without a template around them."""

from __future__ import annotations

from typing import Any

from heat.template.definition import Definition
from heat.template.expr import Constant, Expr, Ref, map_of


class Reference(Expr):
    """What get_resource and Ref are: the id of the resource ``name``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def own_refs(self) -> list[Ref]:
        return [Ref(self.name, kind='reference')]


def definition(name: str, kind: str, **props: Any) -> Definition:
    """A resource of the type ``kind``; properties that are no expressions are plain data."""
    return Definition(name, kind, map_of([
        (key, value if isinstance(value, Expr) else Constant(value)) for key, value in props.items()]))
