"""A tree of stacks as its owner holds it in memory.

Purpose: ``StackRun`` is one stack with its rows and, while it works, its
traversal; ``Tree`` is a root with everything nested in it. Invariant: only the
loop touches these; what is here is what the database holds plus the batch
under way. Neighbours: ``loader`` builds them, ``loop`` drives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from heat.clouds.credential import Credential
from heat.db.signals import Signal
from heat.engine.step import StepRun
from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.plan.effects import Finish
from heat.plan.traversal import Traversal, Wanted
from heat.resources.base import Surroundings
from heat.resources.types import TypeTable
from heat.template.restraints import FREE, Restraints


@dataclass(frozen=True, slots=True)
class Basis:
    """What a stack is walked with; ``environment`` and ``files`` are what nested stacks inherit."""

    wanted: Wanted
    types: TypeTable
    environment: Mapping[str, Any]
    files: Mapping[str, str]


@dataclass
class StackRun:
    """One stack in memory.

    ``rollback`` is what it goes back to when its goal fails; ``cancelled`` tells that
    its parent has stopped it, ``stopped`` that a user has.
    """

    stack: Stack
    goal: Goal
    wanted: Wanted
    rows: dict[str, Row]
    types: TypeTable
    around: Surroundings
    environment: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    traversal: Traversal | None = None
    rollback_to: Goal | None = None
    rollback: Basis | None = None
    closing: Finish | None = None
    publishing: Finish | None = None
    turning: bool = False
    cancelled: bool = False
    stopped: bool = False
    restraints: Restraints = FREE
    # Why its stored template cannot be used any more; it has no definition then.
    refusal: str = ''

    @property
    def basis(self) -> Basis:
        return Basis(self.wanted, self.types, self.environment, self.files)

    @property
    def working(self) -> bool:
        return self.closing is not None or self.publishing is not None or self.turning or (
            self.traversal is not None and not self.traversal.finished)


@dataclass
class Tree:
    """A root and its nested stacks, under one lease.

    ``applied`` names the signals taken so far: a second reading may find them
    before their removal is committed. ``relaying`` are those whose call is not answered yet.
    """

    root_id: str
    fence: int
    credential: Credential | None
    stacks: dict[str, StackRun] = field(default_factory=dict)
    signals: list[Signal] = field(default_factory=list)
    applied: set[str] = field(default_factory=set)
    relaying: set[str] = field(default_factory=set)
    steps: dict[str, StepRun] = field(default_factory=dict)
    leaving: bool = False

    @property
    def working(self) -> bool:
        return any(run.working for run in self.stacks.values())

    def secrets(self, run: StackRun) -> tuple[str, ...]:
        """The hidden values that a stack may have been given: its own, and those of what it is in."""
        found: list[str] = []
        one: StackRun | None = run
        while one is not None:
            found += one.wanted.secrets
            if one.rollback is not None:
                found += one.rollback.wanted.secrets
            one = self.stacks.get(one.stack.owner_id or '')
        return tuple(found)

    def holds(self, physical_id: str) -> bool:
        """Whether a row of the tree already stands for that object."""
        return any(row.physical_id == physical_id for run in self.stacks.values()
                   for row in run.rows.values())


@dataclass(frozen=True, slots=True)
class NewGoal:
    """A stack of an owned tree has a newer goal than the one being walked to."""

    stack: Stack
    goal: Goal
    basis: Basis
    rollback_to: Goal | None = None
    rollback: Basis | None = None
    credential: Credential | None = None
    restraints: Restraints = FREE
