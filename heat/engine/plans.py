"""Previews, and plans that are kept and carried out later.

Purpose: what a creation or update would do, in the classic shape and exactly;
saved plans, on which change sets stand. Invariant: nothing is changed by a
preview; a saved plan is carried out once, and only on the stack that it was made
for: it is void as soon as that has another goal. Interface: preview methods of
the RPC contract; the plan methods are ours. Neighbours: ``plan.preview``
decides, ``intake`` checks and begins, ``previewed`` has the classic shapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from heat.common import errors
from heat.common.context import RequestContext
from heat.common.ids import StackId, new_id
from heat.db import connect, plans, resources, stacks
from heat.db.plans import SavedPlan
from heat.engine import previewed, render
from heat.engine.compiled import Compiled
from heat.engine.expansion import Expansion
from heat.engine.intake import Intake
from heat.engine.loader import restraints_of
from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action
from heat.plan import printed
from heat.plan.preview import Entry, Inner, Preview, Source, walk

Args = Mapping[str, Any]
Json = dict[str, Any]
# What of a request's arguments a saved plan keeps.
KEPT = ('timeout_mins', 'disable_rollback', 'tags', 'existing', 'converge', 'guard', 'termination_protection')
NO_STACK = 'None'


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A plan with what it was made from. ``rows`` are those of the stack as it is."""

    stack: Stack
    compiled: Compiled
    entries: tuple[Entry, ...]
    expansion: Expansion
    rows: Mapping[str, Row]


class Plans:
    """Methods of the RPC interface."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    # -- previews, as ever ----------------------------------------------------------------------------

    def preview_stack(self, context: RequestContext, stack_name: Any, template: Args, params: Args | None,
                      files: Mapping[str, str] | None, args: Args,
                      environment_files: Sequence[str] | None = None,
                      files_container: str | None = None) -> Json:
        """The stack as it would be shown, with ``resources``: nested ones as lists in their place."""
        foreseen = self._foresee_new(context, stack_name, template, params, files, args, environment_files,
                                     files_container)
        return previewed.stack(foreseen.stack, foreseen.compiled, foreseen.expansion)

    def preview_update_stack(self, context: RequestContext, stack_identity: Args, template: Args | None,
                             params: Args | None, files: Mapping[str, str] | None, args: Args,
                             environment_files: Sequence[str] | None = None,
                             files_container: str | None = None) -> Json:
        """``added deleted replaced unchanged updated``: lists of resources.

        ``args.show_nested`` adds those of nested stacks.
        """
        foreseen = self._foresee_update(context, stack_identity, template, params, files, args,
                                        environment_files, files_container)
        return previewed.changes(foreseen.stack, foreseen.compiled, foreseen.entries, foreseen.rows,
                                 foreseen.expansion, bool(args.get('show_nested')))

    # -- saved plans ------------------------------------------------------------------------------------

    def create_plan(self, context: RequestContext, stack_identity: Args | None, stack_name: Any,
                    template: Args | None, params: Args | None, files: Mapping[str, str] | None, args: Args,
                    environment_files: Sequence[str] | None = None, files_container: str | None = None,
                    name: str | None = None) -> Json:
        """Decide and keep: an update of ``stack_identity``, or without one the creation of ``stack_name``.

        ``args`` as for update_stack and create_stack. Returns the plan::

            {'id', 'name', 'stack_identity' (None before the stack is made), 'stack_name', 'action'
             ('CREATE' | 'UPDATE'), 'status' ('AVAILABLE' | 'EXECUTED' | 'VOID'), 'status_reason',
             'base_goal_seq', 'creator', 'creation_time', 'summary' {action: count}, 'text',
             'entries': [{'resource_name', 'resource_type', 'action' ('create' | 'adopt' | 'keep' | 'update' |
                'replace' | 'delete' | 'retain' | 'refuse'), 'physical_resource_id', 'conditional',
                'otherwise', 'reason', 'refused', 'inner' (entries, null if not known),
                'changes': [{'property', 'before', 'after', 'effect' ('update' | 'replace' | 'none'),
                             'conditional', 'cause' [text], 'hidden'}]}]}

        A value that only the cloud will tell is ``{"heat_unknown": true}``. Raises what the
        update or creation would raise.
        """
        if name is not None and not isinstance(name, str):
            raise errors.Invalid(reason='The name of a plan must be a text.')
        if stack_identity is not None:
            foreseen = self._foresee_update(context, stack_identity, template, params, files, args,
                                            environment_files, files_container)
            action, base = Action.UPDATE, foreseen.stack.goal_seq
        else:
            foreseen = self._foresee_new(context, stack_name, template or {}, params, files, args,
                                         environment_files, files_container)
            action, base = Action.CREATE, 0
        stack, now = foreseen.stack, self._intake.clock.now()

        def keep() -> SavedPlan:
            with connect.write(self._intake.database) as conn:
                template_id = self._intake.store_template(conn, foreseen.compiled, stack.tenant, now)
                return plans.insert_plan(conn, SavedPlan(
                    id=new_id(), tenant=stack.tenant, stack_name=stack.name, template_id=template_id,
                    action=str(action), stack_id=stack.id if base else None, base_goal_seq=base, name=name,
                    arguments={key: args[key] for key in KEPT if key in args},
                    entries={'entries': printed.to_wire(foreseen.entries)}, creator=context.username),
                    self._intake.crypt, now)

        return self._shown(connect.offload(self._intake.database, keep))

    def show_plan(self, context: RequestContext, plan_id: str) -> Json:
        """One plan, shaped as ``create_plan`` says; NotFound."""
        return self._shown(self._plan(context, plan_id))

    def list_plans(self, context: RequestContext, stack_identity: Args | None = None,
                   stack_name: str | None = None) -> list[Json]:
        """The project's plans, oldest first, without ``entries``, ``summary`` and ``text``."""
        stack = None if stack_identity is None else self._intake.find(context, stack_identity)
        with connect.read(self._intake.database) as conn:
            found = plans.list_plans(conn, None if context.is_admin else context.tenant_id,
                                     stack.id if stack is not None else None, stack_name)
        return [self._row(one) for one in found]

    def delete_plan(self, context: RequestContext, plan_id: str) -> None:
        """Forget a plan, carried out or not; NotFound."""
        found = self._plan(context, plan_id)

        def forget() -> None:
            with connect.write(self._intake.database) as conn:
                plans.delete_plan(conn, found.id)

        connect.offload(self._intake.database, forget)

    def execute_plan(self, context: RequestContext, plan_id: str) -> Json:
        """Carry a plan out; returns the identity of its stack.

        PlanVoid if it was carried out already, or if the stack has had another wish, is
        gone, or (for a creation) is there by now. NotFound; and what validation raises,
        for the cloud may have changed.
        """
        found, intake = self._plan(context, plan_id), self._intake
        now = intake.clock.now()

        def take(conn: Connection, goal: Goal) -> None:
            if goal.seq != found.base_goal_seq + 1:
                raise errors.PlanVoid(plan=found.id, reason=_moved_on(found))
            if not plans.take_plan(conn, found.id, now, goal.stack_id):
                raise errors.PlanVoid(plan=found.id, reason='it has been carried out.')

        status, reason = self._status(found)
        if status != plans.AVAILABLE:
            raise errors.PlanVoid(plan=found.id, reason=reason)
        if found.stack_id is None:
            identity = StackId(found.tenant, found.stack_name, new_id())
            compiled = self._stored(identity, found)
            intake.check_again(context, identity, compiled)
            intake.begin_new(context, identity, compiled, compiled.wanted(), found.arguments, take)
            return identity.to_wire()
        stack = self._stack(found)
        if stack is None:
            raise errors.PlanVoid(plan=found.id, reason='its stack is gone.')
        compiled = self._stored(stack.identity, found)
        intake.check_again(context, stack.identity, compiled)
        intake.begin_update(context, stack, compiled, found.arguments, take)
        return stack.identity.to_wire()

    def _plan(self, context: RequestContext, plan_id: str) -> SavedPlan:
        with connect.read(self._intake.database) as conn:
            found = plans.load_plan(conn, plan_id, None if context.is_admin else context.tenant_id or '',
                                    self._intake.crypt)
        if found is None:
            raise render.missing(f'Plan with id {plan_id} not found')
        return found

    def _stack(self, found: SavedPlan) -> Stack | None:
        with connect.read(self._intake.database) as conn:
            return stacks.load_stack(conn, found.stack_id or '')

    def _stored(self, identity: StackId, found: SavedPlan) -> Compiled:
        with connect.read(self._intake.database) as conn:
            return self._intake.loader.compiled(conn, identity, found.template_id)

    def _status(self, found: SavedPlan) -> tuple[str, str]:
        if found.status != plans.AVAILABLE:
            return found.status, 'it has been carried out.'
        with connect.read(self._intake.database) as conn:
            if found.stack_id is None:
                taken = stacks.find_by_name(conn, found.stack_name, found.tenant)
                return ('VOID', 'a stack of that name is there by now.') if taken else (plans.AVAILABLE, '')
            stack = stacks.load_stack(conn, found.stack_id)
        if stack is None:
            return 'VOID', 'its stack is gone.'
        if stack.goal_seq != found.base_goal_seq:
            return 'VOID', _moved_on(found)
        return plans.AVAILABLE, ''

    def _row(self, found: SavedPlan) -> Json:
        status, reason = self._status(found)
        identity = None if found.stack_id is None else StackId(
            found.tenant, found.stack_name, found.stack_id).to_wire()
        return {'id': found.id, 'name': found.name, 'stack_identity': identity,
                'stack_name': found.stack_name, 'action': found.action, 'status': status,
                'status_reason': reason, 'base_goal_seq': found.base_goal_seq, 'creator': found.creator,
                'creation_time': render.moment(found.created_at)}

    def _shown(self, found: SavedPlan) -> Json:
        entries = printed.from_wire(found.entries.get('entries') or []) or ()
        return {**self._row(found), 'entries': found.entries.get('entries') or [],
                'summary': printed.summary(entries),
                'text': printed.text(found.action, found.stack_name, entries)}

    # -- foreseeing -----------------------------------------------------------------------------------

    def _check_guard(self, foreseen: Foreseen, guard: Sequence[str]) -> None:
        """ResourceGuarded if a named resource would surely be replaced or deleted."""
        hit = [f'{"/".join(path)} ({entry.action})' for path, entry in walk(foreseen.entries)
               if '/'.join(path) in guard and entry.action in ('replace', 'delete', 'retain')
               and not entry.conditional]
        if hit:
            raise errors.ResourceGuarded(resources=', '.join(hit))

    def update_stack(self, context: RequestContext, stack_identity: Args, template: Args | None,
                     params: Args | None, files: Mapping[str, str] | None, args: Args,
                     environment_files: Sequence[str] | None = None, files_container: str | None = None,
                     template_id: int | None = None) -> Json:
        """As ``intake.update_stack``; with ``args.guard`` it is foreseen first.

        Its names (``group/0`` for inner ones) may be neither replaced nor deleted: ResourceGuarded.
        """
        if args.get('guard'):
            self._check_guard(self._foresee_update(
                context, stack_identity, template, params, files, args, environment_files, files_container),
                args['guard'])
        return self._intake.update_stack(context, stack_identity, template, params, files, args,
                                         environment_files, files_container, template_id)

    def _foresee_new(self, context: RequestContext, stack_name: Any, template: Args, params: Args | None,
                     files: Mapping[str, str] | None, args: Args, environment_files: Sequence[str] | None,
                     files_container: str | None) -> Foreseen:
        identity, compiled, _wanted = self._intake.check_new(
            context, stack_name, template, params, files, args, environment_files, files_container,
            identity=NO_STACK)
        stack = Stack(
            id=NO_STACK, name=identity.stack_name, tenant=identity.tenant, root_id=NO_STACK, template_id=0,
            username=context.username, disable_rollback=bool(args.get('disable_rollback', True)),
            timeout=args.get('timeout_mins'), tags=tuple(args.get('tags') or ()),
            created_at=self._intake.clock.now())
        return self._foresee(stack, Goal(NO_STACK, 1, Action.CREATE, 0), compiled, None, {}, {})

    def _foresee_update(self, context: RequestContext, stack_identity: Args, template: Args | None,
                        params: Args | None, files: Mapping[str, str] | None, args: Args,
                        environment_files: Sequence[str] | None, files_container: str | None) -> Foreseen:
        stack, compiled, kept = self._intake.check_update(
            context, stack_identity, template, params, files, args, environment_files, files_container)

        def load() -> tuple[dict[str, Stack], dict[str, dict[str, Row]]]:
            with connect.read(self._intake.database) as conn:
                tree = {one.id: one for one in stacks.tree(conn, stack.root_id)}
                rows: dict[str, dict[str, Row]] = {one: {} for one in tree}
                for row in resources.rows_of_tree(conn, stack.root_id, self._intake.crypt):
                    rows.setdefault(row.stack_id, {})[row.uuid] = row
            return tree, rows

        tree, rows = connect.offload(self._intake.database, load)
        options = {'guard': list(args['guard'])} if args.get('guard') else {}
        goal = Goal(stack.id, stack.goal_seq + 1, Action.UPDATE, 0, options=options)
        return self._foresee(stack, goal, compiled, kept, tree, rows)

    def _foresee(self, stack: Stack, goal: Goal, compiled: Compiled, kept: Compiled | None,
                 tree: Mapping[str, Stack], rows: Mapping[str, Mapping[str, Row]]) -> Foreseen:
        restraints = restraints_of(compiled)
        expansion = Expansion(self._intake.loader, self._intake.database, compiled, restraints, tree, rows)
        source = Source(compiled.template.resources, changed_parameters(compiled, kept),
                        frozenset(name for name, one in compiled.template.parameters.items() if one.hidden))
        inner = Inner(stack, goal, compiled.wanted(), rows.get(stack.id, {}), compiled.types, source,
                      restraints)
        return Foreseen(stack, compiled, Preview(inner, expansion).run(), expansion, rows.get(stack.id, {}))


def changed_parameters(new: Compiled, old: Compiled | None) -> frozenset[str]:
    """Names of parameters that have another value than before."""
    if old is None:
        return frozenset()

    def value(compiled: Compiled, name: str) -> Any:
        return compiled.parameters.value(name) if name in compiled.parameters else None

    return frozenset(name for name in new.parameters.names()
                     if name not in old.parameters or value(new, name) != value(old, name))


def _moved_on(found: SavedPlan) -> str:
    return f'the stack {found.stack_name} has moved on since.'


