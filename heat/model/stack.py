"""A stack and what its user wants of it.

Purpose: ``Stack`` mirrors the stack row; ``Goal`` is one wish: the latest wins.
Invariant: ``Goal.seq`` grows by one per wish of a stack; rows and events of an
older goal never overwrite the outcome of a newer one. Neighbours: ``plan`` walks
towards a goal, ``db.stacks`` stores both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from heat.common.ids import StackId
from heat.model.status import Action, Status


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack, root or nested. ``timeout`` is in minutes, None for the default."""

    id: str
    name: str
    tenant: str
    root_id: str
    template_id: int
    action: Action = Action.CREATE
    status: Status = Status.IN_PROGRESS
    reason: str = ''
    prev_template_id: int | None = None
    owner_id: str | None = None
    parent_resource_name: str | None = None
    parent_row: str | None = None
    nested_depth: int = 0
    username: str | None = None
    user_creds_id: int | None = None
    stack_user_project_id: str | None = None
    disable_rollback: bool = True
    timeout: int | None = None
    goal_seq: int = 1
    tags: tuple[str, ...] = ()
    created_at: Any = None
    updated_at: Any = None
    deleted_at: Any = None

    @property
    def identity(self) -> StackId:
        return StackId(self.tenant, self.name, self.id)


@dataclass(frozen=True, slots=True)
class Goal:
    """What the user wants: ``action`` with the template ``template_id``.

    ``timeout_at`` is wall time in seconds (None: never). ``on_failure`` is
    'rollback', 'delete' or None. ``options`` is JSON:

    ``observe``   look at things in the cloud before deciding about them
    ``stop``      begin nothing, stop what runs, end FAILED
    ``guard``     names of resources that may be neither replaced nor deleted
    ``retain``    names of resources that stay in the cloud though they are deleted
    ``abandon``   all of them stay
    ``force``     what cannot be deleted is left behind
    ``snapshot``  id of the snapshot that the goal takes
    ``veiled``    hidden values went into the stack, so a check tells none
    ``policy``    the text of the stack policy that an update is under
    ``tags``      what the stacks around a nested one are tagged with
    ``only``      names of the resources that a check looks at
    ``skip``      names of failed resources that a rollback leaves as they are
    ``undo``      what this goal takes away is what the one before it made
    ``except_on_create``  a deletion policy of Retain counts for nothing that a failed goal has made
    Names inside a nested stack are paths: ``group/0``.
    """

    stack_id: str
    seq: int
    action: Action
    template_id: int
    timeout_at: float | None = None
    on_failure: str | None = None
    requested_by: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def inside(self, name: str) -> dict[str, Any]:
        """The options of the goal of the nested stack that the resource ``name`` is."""
        kept: dict[str, Any] = {key: self.options[key] for key in (
            'observe', 'abandon', 'force', 'veiled', 'undo', 'except_on_create')
                                if key in self.options}
        for key in ('guard', 'retain', 'only', 'skip'):
            below = [path.removeprefix(f'{name}/') for path in self.options.get(key, ())
                     if path.startswith(f'{name}/')]
            if below:
                kept[key] = below
        return kept
