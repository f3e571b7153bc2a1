"""The persisted state of one physical thing.

Purpose: ``Row`` is what the database holds and what the core decides on.
Invariant: frozen; a change makes a new value with ``dataclasses.replace``.
``uuid`` is chosen by us before anything is created, so that names derived from
it can be found again. Neighbours: ``plan`` reads it, ``db.resources`` stores it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from heat.model.status import Action, State, Status, check_row


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be done to the cloud: written before it is done.

    ``label`` names the call within the step, ``at`` is wall time in seconds,
    ``index`` counts the mutating calls of the step from 0.
    """

    verb: Action
    label: str
    index: int
    at: float

    def to_wire(self) -> dict[str, Any]:
        return {'verb': self.verb.value, 'label': self.label, 'index': self.index, 'at': self.at}

    @classmethod
    def from_wire(cls, data: dict[str, Any] | None) -> Intent | None:
        if not data:
            return None
        return cls(Action(data['verb']), data['label'], data['index'], data['at'])


@dataclass(frozen=True, slots=True)
class Row:
    """One physical resource, live or on its way out.

    ``requires`` holds the uuids of the rows it was built on; ``goal_seq`` is the
    goal that last touched it; ``props`` are the resolved properties it was last
    given (None before the first step); ``data`` is private to the plugin; it and
    ``attrs`` are encrypted at rest; ``keep`` carries what must outlive the template the row
    came from (deletion policy, update policy).
    """

    uuid: str
    stack_id: str
    root_id: str
    name: str
    type: str
    action: Action = Action.INIT
    status: Status = Status.COMPLETE
    reason: str = ''
    physical_id: str | None = None
    props: dict[str, Any] | None = None
    attrs: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    replaces: str | None = None
    replaced_by: str | None = None
    goal_seq: int = 0
    intent: Intent | None = None
    memo: tuple[Any, ...] = ()
    keep: dict[str, Any] = field(default_factory=dict)
    created_at: Any = None
    updated_at: Any = None

    @property
    def state(self) -> State:
        return self.action, self.status

    def to(self, action: Action, status: Status, reason: str = 'state changed', **changes: Any) -> Row:
        """The row in its next state; IllegalTransition if the table forbids it."""
        check_row(self.name, self.state, (action, status))
        return replace(self, action=action, status=status, reason=reason, **changes)

    @property
    def class_name(self) -> str:
        """The plugin that made it; ``type`` is what the template called it."""
        return str(self.keep.get('class', self.type))

    @property
    def gone(self) -> bool:
        return self.action is Action.DELETE and self.status is Status.COMPLETE
