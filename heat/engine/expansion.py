"""Nested stacks of a plan: what a nested resource's stack would be walked to.

Purpose: the engine's part of ``plan.preview``: expand, compile, find the rows
there are. Invariant: reads only; what cannot be worked out yet is None.
Neighbours: ``nested`` does the same when it is really done, ``foresight`` asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from heat.common import errors, green
from heat.db import connect, resources
from heat.db.secrets import Cipher
from heat.engine.compiled import Compiled, child_environment, compile_child
from heat.engine.loader import Loader
from heat.engine.nested import View, child_options, facade
from heat.engine.tree import StackRun
from heat.model.op import StepFailed
from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action
from heat.plan.handed_down import OPTION, tags_of
from heat.plan.preview import Inner
from heat.plan.traversal import Wanted
from heat.template.restraints import Restraints

NO_STACK = 'None'


class Stored:
    """The rows of a tree: those of one stack first if that is enough, the rest when it is asked for."""

    def __init__(self, database: Engine, crypt: Cipher, tree: Iterable[Stack] = ()) -> None:
        self.tree = {one.id: one for one in tree}
        self._database, self._crypt = database, crypt
        self._rows: dict[str, dict[str, Row]] = {}
        self._unread = set(self.tree)

    def read(self, conn: Connection, stack_id: str | None = None) -> None:
        """Those of one stack, or all that are left, in one statement."""
        if stack_id is not None:
            found = resources.rows_of_stack(conn, stack_id, self._crypt)
            self._unread.discard(stack_id)
        else:
            root_id = next(iter(self.tree.values())).root_id
            found = resources.rows_of_tree(conn, root_id, self._crypt, self._rows)
            self._unread.clear()
        for row in found:
            self._rows.setdefault(row.stack_id, {})[row.uuid] = row

    def of(self, stack_id: str) -> Mapping[str, Row]:
        """By uuid; none of a stack that is not there."""
        if stack_id in self._unread:
            connect.offload(self._database, self._read_on)
        return self._rows.get(stack_id, {})

    def every(self) -> list[Row]:
        """All that were read."""
        return [row for some in self._rows.values() for row in some.values()]

    def _read_on(self) -> None:
        with connect.read(self._database) as conn:
            self.read(conn)


class Expansion:
    """Called by the preview for each nested resource; ``made`` keeps what was found.

    Its keys are (name of the stack around, name of the resource).
    """

    def __init__(self, loader: Loader, database: Engine, compiled: Compiled, goal: Goal,
                 restraints: Restraints, rows: Stored) -> None:
        self._loader, self._database = loader, database
        # By name of stack: what it would be made from, with which goal, and what restrains it.
        self._root = compiled
        self._compiled: dict[str, Compiled] = {}
        self._root_goal, self._goals = goal, dict[str, Goal]()
        self._root_restraints = restraints
        self._restraints: dict[str, Restraints] = {}
        self._rows = rows
        self.made: dict[tuple[str, str], Inner] = {}

    def __call__(self, around: Stack, row: Row, verb: Action) -> Inner | None:
        """The stack of the nested resource ``row`` after ``verb``."""
        # A big tree takes seconds, in which leases must be beaten for.
        green.sleep(0)
        outer = self._compiled.get(around.name, self._root)
        kind: Any = outer.types.of(row)
        there = self._rows.tree.get(row.physical_id or '')
        rows = self._rows.of(row.physical_id or '')
        restraints = self._restraints.get(around.name, self._root_restraints).inside(row.name)
        stack = there or Stack(
            id=NO_STACK, name=f'{around.name}-{row.name}', tenant=around.tenant, root_id=around.root_id,
            template_id=0, owner_id=around.id, parent_resource_name=row.name, parent_row=row.uuid,
            nested_depth=around.nested_depth + 1, username=around.username)
        outer_goal = self._goals.get(around.name, self._root_goal)
        options = child_options(outer_goal, replace(row, action=verb))
        tags = tags_of(around, outer_goal, outer.template.dialect == 'aws')
        if tags:
            options[OPTION] = list(tags)
        goal = Goal(stack.id, stack.goal_seq + 1, verb, 0, options=options)
        if verb is Action.DELETE:
            going = Inner(stack, goal, Wanted(), rows, outer.types, restraints=restraints)
            self.made[around.name, row.name] = going
            return going
        try:
            child = kind.expand(row, self._view(there, rows))
            environment = child_environment(outer.environment.to_dict(), child, row.name)
            compiled = compile_child(stack.identity, child, environment, outer.types)
            wanted = compiled.wanted(facade(row), kind.reads(row))
        except (errors.HeatException, StepFailed, ValueError, TypeError, KeyError, AttributeError):
            # Found at validation as far as it can be; the rest shows when it is done.
            return None
        self._compiled[stack.name], self._restraints[stack.name] = compiled, restraints
        self._goals[stack.name] = goal
        found = Inner(stack, goal, wanted, rows, compiled.types, restraints=restraints)
        self.made[around.name, row.name] = found
        return found

    def _view(self, stack: Stack | None, rows: Mapping[str, Row]) -> View | None:
        return None if stack is None else StoredView(lambda: self._stored(stack, rows))

    def _stored(self, stack: Stack, rows: Mapping[str, Row]) -> StackRun:
        with connect.read(self._database) as conn:
            compiled = self._loader.compiled(conn, stack.identity, stack.template_id)
        goal = Goal(stack.id, stack.goal_seq, stack.action, stack.template_id)
        return StackRun(stack, goal, compiled.wanted(), dict(rows), compiled.types,
                        self._loader.around(stack))


class StoredView(View):
    """A child that is read from the database when something of it is asked for."""

    def __init__(self, load: Callable[[], StackRun]) -> None:
        self._load = load

    @cached_property
    def _run(self) -> StackRun:  # type: ignore[override]
        return self._load()
