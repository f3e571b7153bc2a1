"""What a nested stack is made from that nobody knew when the request was taken in.

Purpose: the address of a template, the name of an export or the key of a stored
parameter may be an attribute of a resource; then it is looked for at the step that makes
the stack. Invariant: pure; what was found is stored with the stack. Neighbours: ``nested``
notices, ``carry`` asks through the loop, ``seek`` looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from heat.clouds.credential import Credential
from heat.common import errors
from heat.common.ids import StackId
from heat.engine.compiled import Compiled, takes
from heat.plan.scope import output_key
from heat.plan.traversal import Wanted
from heat.resources.nested import ChildTemplate
from heat.template.files import Files

IMPORTS = 'late_imports'
"""What a nested resource's private data tell of exports that were found for its stack."""


class Late(Exception):
    """A nested stack cannot be made from what is at hand; ``sought`` says what it is to be made from."""

    def __init__(self, sought: Sought) -> None:
        super().__init__()
        self.sought = sought


@dataclass(frozen=True, slots=True)
class Sought:
    """A nested stack that lacks something. ``types`` are those of its parent."""

    identity: StackId
    root_id: str
    template: ChildTemplate
    environment: Mapping[str, Any]
    types: Any
    facade: Mapping[str, Any]
    reads: Any
    # Whose rights it is read with.
    credential: Credential | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What it is made from: files with all documents, and the environment's borrowed values."""

    files: Files
    borrowed: Mapping[str, Any] = field(default_factory=dict)
    imports: tuple[str, ...] = ()


Result = Found | Exception
Seek = Callable[[Sought, Callable[[Result], None]], None]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the stack that the row ``uuid`` is can be made from, or why it cannot: news to the loop."""

    root_id: str
    stack_id: str
    uuid: str
    result: Result


def at_hand(sought: Sought, done: Callable[[Result], None]) -> None:
    """Where nobody looks for anything: the stack is made from what there is."""
    done(Found(sought.types.files))


def lacks(compiled: Compiled, wanted: Wanted) -> bool:
    """Whether a template takes something from elsewhere, or is of a type, that is not at hand."""
    template, borrowed = wanted.template, compiled.borrowed
    assert template is not None
    if not takes(template.raw):
        return not typed(compiled, wanted)
    if set(template.imports()) - set(borrowed.imports):
        return True
    if template.zones_asked() is not None and not borrowed.zones:
        return True
    if {output_key(*one) for one in template.stack_outputs()} - set(borrowed.outputs):
        return True
    return not typed(compiled, wanted)


def typed(compiled: Compiled, wanted: Wanted) -> bool:
    """Whether the types of all resources are at hand."""
    for name, definition in wanted.definitions.items():
        try:
            compiled.types(definition.type, name)
        except errors.HeatException:
            return False
    return True
