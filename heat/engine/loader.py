"""A tree out of the database, ready to go on.

Purpose: after a crash, a takeover, a poke or a signal, everything the loop needs
of a tree, in a handful of SELECTs whatever its size. Invariant: a stack in
progress gets a traversal towards its latest goal; the rest are at rest. A
deletion needs no template, so none can keep it from its end. Neighbours: ``owner``
asks after it took the lease, ``intake`` builds the same runs without reading.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from heat.clouds.credential import Credential
from heat.common.crypt import Crypt
from heat.common.ids import StackId
from heat.db import creds, goals, resources, signals, stacks, templates
from heat.engine import outdated
from heat.engine.addresses import Addresses
from heat.engine.compiled import Compiled, compile_all
from heat.engine.documents import HostFiles
from heat.engine.nested import facade
from heat.engine.settings import DENIED
from heat.engine.tree import Basis, NewGoal, StackRun, Tree
from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action, Status
from heat.plan.traversal import Traversal, Wanted
from heat.resources.base import Surroundings
from heat.resources.types import TypeTable
from heat.template.registry import Layer
from heat.template.restraints import Restraints

LOG = logging.getLogger(__name__)
Read = dict[int, tuple[dict[str, Any], dict[str, Any], dict[str, str]]]
"""Template, environment and files by number."""


class Loader:
    """Builds runs. ``operator`` are the environment layers of the service's host."""

    def __init__(self, crypt: Crypt, addresses: Addresses, operator: tuple[Layer, ...] = (),
                 template_dir: str = '') -> None:
        self.crypt = crypt
        self._addresses = addresses
        self._template_dir = template_dir
        self.operator = operator

    # -- from the database -----------------------------------------------------------------------

    def tree(self, conn: Connection, root_id: str, fence: int) -> Tree | None:
        """The whole tree; None if there is no such live stack."""
        found = stacks.tree(conn, root_id)
        root = next((s for s in found if s.id == root_id), None)
        if root is None:
            return None
        rows: dict[str, dict[str, Row]] = {s.id: {} for s in found}
        for row in resources.rows_of_tree(conn, root_id, self.crypt):
            rows.setdefault(row.stack_id, {})[row.uuid] = row
        wishes = goals.goals_of_tree(conn, root_id)
        leaving = root_id in wishes and wishes[root_id].action is Action.DELETE
        tree = Tree(root_id, fence, self.credential(conn, root))
        read: Read = {}
        for stack in found:
            goal = wishes.get(stack.id) or Goal(stack.id, stack.goal_seq, stack.action, stack.template_id)
            tree.stacks[stack.id] = self._load_run(conn, stack, goal, rows[stack.id], tree, read, leaving)
        tree.signals = signals.waiting(conn, root_id, self.crypt)
        return tree

    def news(self, conn: Connection, root_id: str, known: Mapping[str, int]) -> tuple[NewGoal, ...]:
        """Goals of the tree newer than ``known`` (stack id -> seq)."""
        latest = goals.goals_of_tree(conn, root_id)
        fresh = [goal for stack_id, goal in latest.items() if goal.seq > known.get(stack_id, 0)]
        found = []
        for goal in fresh:
            stack = stacks.load_stack(conn, goal.stack_id)
            if stack is not None and stack.id == root_id:
                found.append(self._load_goal(conn, stack, goal))
        return tuple(found)

    def signals(self, conn: Connection, root_id: str) -> tuple[signals.Signal, ...]:
        return tuple(signals.waiting(conn, root_id, self.crypt))

    def compiled(self, conn: Connection, identity: StackId, template_id: int,
                 inside: Iterable[str] = (), read: Read | None = None, needed: bool = True) -> Compiled:
        """A stored template with its environment, compiled for the stack; what was read is in ``read``.

        Where nothing is made after it, it is not ``needed``: then it may be of a kind that is refused by
        now, and something stands in for it.
        """
        read = {} if read is None else read
        found = read.get(template_id) or templates.load_template(conn, template_id, self.crypt)
        if found is None:
            raise LookupError(f'The template {template_id} of stack {identity.stack_name} is gone.')
        read[template_id] = found
        try:
            return self.compile(identity, *found, inside=inside)
        except outdated.Refusals as error:
            if needed:
                raise
            LOG.warning('Stack %s does without its template, which is refused by now (%s).',
                        identity.stack_name, type(error).__name__)
            return outdated.stand_in(identity.stack_name, found,
                                     lambda tree, environment, files: self.compile(
                                         identity, tree, environment, files, inside))

    def compile(self, identity: StackId, tree: Mapping[str, Any], environment: Mapping[str, Any],
                files: Mapping[str, str], inside: Iterable[str] = ()) -> Compiled:
        """The same, from what is at hand."""
        return compile_all(identity, tree, environment, HostFiles(files, self._template_dir),
                           operator=self.operator, inside=frozenset(inside))

    def credential(self, conn: Connection, root: Stack) -> Credential | None:
        """Who the tree's calls are made as."""
        if root.user_creds_id is None:
            return None
        kept = creds.load_credential(conn, root.user_creds_id, self.crypt)
        if kept is None:
            return None
        if kept.trust_id:
            return Credential.of_trust(kept.trust_id, kept.tenant_id, kept.trustor_user_id,
                                       kept.region_name or '')
        if kept.ec2_access:
            return Credential.of_ec2(kept.ec2_access, kept.tenant_id, kept.trustor_user_id,
                                     kept.region_name or '')
        return Credential(kind='password', project_id=kept.tenant_id,  # type: ignore[arg-type]
                          user_id=kept.trustor_user_id, username=kept.username, password=kept.password,
                          region=kept.region_name or '')

    def _load_run(self, conn: Connection, stack: Stack, goal: Goal, rows: dict[str, Row],
                  tree: Tree, read: Read, leaving: bool) -> StackRun:
        # The members of a group are nearly always made from the same one.
        inside = goal.options.get('inside', ())
        compiled = self.compiled(conn, stack.identity, stack.template_id, inside, read,
                                 needed=not leaving and stack.status is Status.IN_PROGRESS
                                 and not _overtaken(tree, stack))
        parent = tree.stacks.get(stack.owner_id or '')
        run = self.run(stack, goal, compiled, rows, parent)
        if stack.status is Status.IN_PROGRESS and (leaving or not compiled.refusal):
            back, run.rollback = self._way_back(conn, stack, goal)
            run.rollback_to = back
            run.traversal = Traversal(stack, goal, run.wanted, rows, run.types, rollback_to=back,
                                      restraints=run.restraints)
        return run

    def _load_goal(self, conn: Connection, stack: Stack, goal: Goal) -> NewGoal:
        compiled = self.compiled(conn, stack.identity, goal.template_id,
                                 needed=goal.action is not Action.DELETE)
        back, rollback = self._way_back(conn, stack, goal)
        wanted = Wanted() if goal.action is Action.DELETE else compiled.wanted()
        return NewGoal(stack, goal, basis(compiled, wanted), back, rollback, self.credential(conn, stack),
                       restraints_of(compiled))

    def _way_back(self, conn: Connection, stack: Stack, goal: Goal) -> tuple[Goal | None, Basis | None]:
        if goal.on_failure is None or goal.action is Action.ROLLBACK:
            return None, None
        if stack.prev_template_id is None:
            return rollback_goal(goal, goal.template_id), None
        compiled = self.compiled(conn, stack.identity, stack.prev_template_id, needed=False)
        if compiled.refusal:
            # There is no way back, as for who asks for none.
            return None, None
        return rollback_goal(goal, stack.prev_template_id), basis(compiled, compiled.wanted())

    @staticmethod
    def plugin(row: Row) -> Any:
        """The class that made a row."""
        return TypeTable().of(row)

    # -- from values ---------------------------------------------------------------------------------

    def run(self, stack: Stack, goal: Goal, compiled: Compiled, rows: dict[str, Row],
            parent: StackRun | None = None) -> StackRun:
        """A stack at rest, without a traversal."""
        if goal.action is Action.DELETE or (goal.action is Action.ROLLBACK
                                            and stack.prev_template_id is None):
            wanted = Wanted()
        else:
            row = parent.rows.get(stack.parent_row or '') if parent is not None else None
            wanted = compiled.wanted(facade(row) if row is not None else None, goal.options.get('reads', ()))
        restraints = (restraints_of(compiled) if parent is None
                      else parent.restraints.inside(stack.parent_resource_name or ''))
        return StackRun(stack, goal, wanted, rows, compiled.types, self.around(stack),
                        compiled.stored_environment(), compiled.files, restraints=restraints,
                        refusal=compiled.refusal)

    @property
    def region(self) -> str:
        return self._addresses.region

    def around(self, stack: Stack) -> Surroundings:
        return Surroundings(stack.identity, self._addresses.region, stack.stack_user_project_id,
                            self._addresses.urls(), secret=self.crypt.derived(f'project {stack.tenant}'))


def basis(compiled: Compiled, wanted: Wanted) -> Basis:
    """What a stack made from ``compiled`` is walked with towards ``wanted``."""
    return Basis(wanted, compiled.types, compiled.stored_environment(), compiled.files)


def rollback_goal(goal: Goal, template_id: int) -> Goal:
    """What follows a failed goal: back to ``template_id``, or no stack at all, with as much time again.

    What was there before an adoption stays there after it has failed.
    """
    options: dict[str, Any] = {'abandon': True} if goal.action is Action.ADOPT else {}
    options |= {key: goal.options[key] for key in ('except_on_create', DENIED) if goal.options.get(key)}
    if goal.on_failure == 'delete':
        return replace(goal, action=Action.DELETE, on_failure=None, options={**options, 'undo': True})
    return replace(goal, action=Action.ROLLBACK, template_id=template_id, on_failure=None, options=options)


def _overtaken(tree: Tree, stack: Stack) -> bool:
    """Whether the stack around a nested one has had another wish since: it gets a goal of that."""
    around = tree.stacks.get(stack.owner_id or '')
    row = around.rows.get(stack.parent_row or '') if around is not None else None
    return around is not None and row is not None and (
        row.goal_seq < around.goal.seq
        or (around.stack.status is Status.IN_PROGRESS and around.traversal is None))


def restraints_of(compiled: Compiled) -> Restraints:
    """Hooks and restricted actions of a root stack: its own environment's and the operator's."""
    return Restraints.of(compiled.types.registry.layers)
