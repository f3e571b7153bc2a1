"""The end of a plugin's step, as a value: the plugin's whole vocabulary.

Purpose: outcomes, not exceptions, cross the border between plugins and engine.
Invariant: exactly one of these ends each step. Neighbours: ``engine.step``
produces them, ``plan.traversal`` consumes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Done:
    """The step reached its end. ``attrs`` are merged over the row's attributes."""

    physical_id: str | None = None
    attrs: dict[str, Any] = field(default_factory=dict)
    reason: str = 'state changed'


@dataclass(frozen=True, slots=True)
class Failed:
    """``kind`` is the error's class name and ``message`` its sentence.

    ``reason`` as shown on the resource is ``<kind>: resources.<name>: <message>``
    or ``message`` alone when ``kind`` is empty. ``path`` leads on to the root
    cause inside a nested stack (``resources.0``).
    """

    message: str
    kind: str = ''
    path: str = ''

    def reason(self, name: str) -> str:
        if not self.kind:
            return self.message
        path = f'{name}.{self.path}' if self.path else name
        return f'{self.kind}: resources.{path}: {self.message}'


@dataclass(frozen=True, slots=True)
class Replace:
    """An update that turned out to need a new resource; ``reason`` is its event's text."""

    reason: str


Outcome = Done | Failed | Replace
