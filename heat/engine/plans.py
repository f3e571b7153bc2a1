"""Previews, and plans that are kept and carried out later.

Purpose: what a creation or update would do, in the classic shape and exactly;
saved plans, on which change sets stand. Invariant: nothing is changed by a
preview; a saved plan is carried out once, and only on the stack that it was made
for: it is void as soon as that has another goal. Interface: preview methods of
the RPC contract; the plan methods are ours. Neighbours: ``foresight`` foresees,
``intake`` checks and begins, ``previewed`` has the classic shapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from heat.common import errors, text
from heat.common.context import RequestContext
from heat.common.ids import StackId, derived_id, new_id
from heat.db import connect, plans, stacks
from heat.db.columns import content_hash, dump
from heat.db.plans import SavedPlan
from heat.engine import previewed, render, repeats
from heat.engine.compiled import Compiled, at_leisure
from heat.engine.foresight import Foreseen, Foresight
from heat.engine.intake import Intake
from heat.engine.looking import Looker
from heat.model.stack import Goal, Stack
from heat.model.status import Action, Status
from heat.plan import printed
from heat.plan.preview import Extent, walk

Args = Mapping[str, Any]
Json = dict[str, Any]
# What of a request's arguments a saved plan keeps.
KEPT = ('timeout_mins', 'disable_rollback', 'tags', 'existing', 'converge', 'guard', 'termination_protection',
        'change_set', 'capabilities', 'on_failure', 'retain_except_on_create')
# Why the change set of an update that changes nothing has failed; deploying tools look for these words.
NO_CHANGES = ("The submitted information didn't contain changes. Submit different information to create a "
              'change set.')


class Plans:
    """Methods of the RPC interface."""

    def __init__(self, intake: Intake, looker: Looker | None = None) -> None:
        """Without a ``looker`` nothing in the cloud is looked at before a plan is made."""
        self._intake = intake
        self._foresight = Foresight(intake, looker)

    # -- previews, as ever ----------------------------------------------------------------------------

    def preview_stack(self, context: RequestContext, stack_name: Any, template: Args, params: Args | None,
                      files: Mapping[str, str] | None, args: Args,
                      environment_files: Sequence[str] | None = None,
                      files_container: str | None = None) -> Json:
        """The stack as it would be shown, with ``resources``: nested ones as lists in their place."""
        foreseen = self._foresight.new(context, stack_name, template, params, files, args, environment_files,
                                       files_container)
        return at_leisure(foreseen.compiled.template.raw, lambda: previewed.stack(
            foreseen.stack, foreseen.compiled, foreseen.expansion))

    def preview_update_stack(self, context: RequestContext, stack_identity: Args, template: Args | None,
                             params: Args | None, files: Mapping[str, str] | None, args: Args,
                             environment_files: Sequence[str] | None = None,
                             files_container: str | None = None) -> Json:
        """``added deleted replaced unchanged updated``: lists of resources.

        ``args.show_nested`` adds those of nested stacks.
        """
        nested = bool(args.get('show_nested'))
        foreseen = self._foresight.update(context, stack_identity, template, params, files, args,
                                          environment_files, files_container,
                                          Extent.WHOLE if nested else Extent.OUTER)
        return at_leisure(foreseen.compiled.template.raw, lambda: previewed.changes(
            foreseen.stack, foreseen.compiled, foreseen.entries, foreseen.rows, foreseen.expansion, nested))

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
             'entries' (keys as in ``model.plan``)}

        A value that only the cloud will tell is ``{"heat_unknown": true}``. Raises what the
        update or creation would raise.

        With ``args.change_set`` (a mapping, kept and shown) the plan is a change set: its name
        is its stack's only one of that kind (EntityExists), a repeated request with its
        ``token`` is the same one, and an update without changes is kept, with status FAILED.
        RequestLimitExceeded if the project keeps too many; those carried out make room first.
        """
        if name is not None and not isinstance(name, str):
            raise errors.Invalid(reason='The name of a plan must be a text.')
        flaw = text.flaw(name or '')
        if flaw:
            raise errors.Invalid(reason=f'The name of a plan {flaw}.')
        asked = None
        if args.get('change_set') is not None:
            if not name or not isinstance(args['change_set'], Mapping):
                raise errors.Invalid(reason='A change set needs a name and a mapping.')
            asked = repeats.request(Action.UPDATE, {
                **args, repeats.TOKEN: args['change_set'].get('token')}, template, params=params,
                files=files, environment_files=environment_files, files_container=files_container)
            before = self._change_set_before(context, stack_identity, stack_name, name, asked)
            if before is not None:
                return self._shown(before)
        if stack_identity is not None:
            foreseen = self._foresight.update(context, stack_identity, template, params, files, args,
                                              environment_files, files_container)
            action, base = Action.UPDATE, foreseen.stack.goal_seq
        else:
            foreseen = self._foresight.new(context, stack_name, template or {}, params, files, args,
                                           environment_files, files_container)
            action, base = Action.CREATE, 0
        stack, now = foreseen.stack, self._intake.clock.now()
        kept = {key: args[key] for key in KEPT if key in args}
        failed = args.get('change_set') is not None and _changes_nothing(foreseen, args)

        def keep(conn: Connection) -> SavedPlan:
            beside, stale = self._beside(conn, stack.tenant, stack.id if base else None, stack.name)
            if args.get('change_set') is not None and any(
                    _is_change_set(one, name) and one.status != plans.EXECUTED for one in beside):
                raise errors.EntityExists(entity='ChangeSet', name=name)
            plans.free(conn, [one.id for one in stale if one.claim is not None])
            self._make_room(conn, stack.tenant)
            template_id = self._intake.store_template(conn, foreseen.compiled, stack.tenant, now)
            return plans.insert_plan(conn, SavedPlan(
                id=new_id(), tenant=stack.tenant, stack_name=stack.name, template_id=template_id,
                action=str(action), stack_id=stack.id if base else None, base_goal_seq=base, name=name,
                status=plans.FAILED if failed else plans.AVAILABLE,
                arguments={**kept, **({} if base else {'stack_id': _future_id(beside)}),
                           **({repeats.ASKED: self._intake.crypt.tag(asked.content)} if asked else {}),
                           **({'reason': NO_CHANGES} if failed else {})},
                entries={'entries': printed.to_wire(foreseen.entries)}, creator=context.username,
                claim=_claim(stack, base, name) if args.get('change_set') is not None else None),
                self._intake.crypt, now)

        try:
            return self._shown(connect.writing(self._intake.database, keep))
        except IntegrityError as error:
            # Two of one name came at once: the other was first, and may have been this very request.
            before = self._change_set_before(context, stack_identity, stack_name, name, asked)
            if before is None:
                raise errors.EntityExists(entity='ChangeSet', name=name) from error
            return self._shown(before)

    def _make_room(self, conn: Connection, tenant: str) -> None:
        """For one plan more; what was carried out goes first. RequestLimitExceeded if nothing may go."""
        most = self._intake.conf.engine.max_plans_per_project
        over = plans.count(conn, tenant) + 1 - most
        if most >= 0 and over > 0 and plans.drop_executed(conn, tenant, over) < over:
            raise errors.RequestLimitExceeded(message=(
                f'You have reached the maximum saved plans per project, {most}. Please delete some plans.'))

    @staticmethod
    def _beside(conn: Connection, tenant: str, stack_id: str | None, name: str,
                ) -> tuple[list[SavedPlan], list[SavedPlan]]:
        """The plans of a stack, or of one that is not there yet; and those of what is there no more."""
        found = plans.list_plans(conn, tenant, stack_id, None if stack_id else name)
        own = [one for one in found if one.stack_id == stack_id]
        stale = [one for one in own if not stack_id and stacks.load_stack(
            conn, _target(one)['stack_id'], show_deleted=True) is not None]
        return [one for one in own if one not in stale], stale

    def _change_set_before(self, context: RequestContext, stack_identity: Args | None, stack_name: Any,
                           name: str | None, asked: repeats.Request | None) -> SavedPlan | None:
        """The change set that this very request has made already; EntityExists if another has its name."""
        tenant, stack_id = context.tenant_id or '', None
        if stack_identity is not None:
            stack = self._intake.find(context, stack_identity)
            tenant, stack_name, stack_id = stack.tenant, stack.name, stack.id
        with connect.read(self._intake.database) as conn:
            for one in plans.list_plans(conn, tenant, stack_id, None if stack_id else str(stack_name)):
                if _is_change_set(one, name) and asked is not None and self._asked_for(one, asked):
                    return plans.load_plan(conn, one.id, tenant, self._intake.crypt)
            beside, _stale = self._beside(conn, tenant, stack_id, str(stack_name))
        if any(_is_change_set(one, name) and one.status != plans.EXECUTED for one in beside):
            raise errors.EntityExists(entity='ChangeSet', name=name)
        return None

    def _asked_for(self, found: SavedPlan, asked: repeats.Request) -> bool:
        """Whether the change set was made by this very request, as far as is known by now."""
        tag = found.arguments.get(repeats.ASKED)
        return found.arguments['change_set'].get('token') == asked.token and (
            tag is None or self._intake.crypt.tagged(asked.content, tag) is not False)

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

        connect.writing(self._intake.database, plans.delete_plan, found.id)

    def execute_plan(self, context: RequestContext, plan_id: str, args: Args | None = None) -> Json:
        """Carry a plan out; returns the identity of its stack.

        ``args``: disable_rollback, retain_except_on_create, client_request_token (said twice it is
        one execution).
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
            repeats.kept(asked, intake.crypt)(conn, goal)

        given = {key: value for key, value in (args or {}).items()
                 if key in ('disable_rollback', 'client_request_token', 'retain_except_on_create')
                 and value is not None}
        arguments = {**found.arguments, **given}
        asked = repeats.request(Action(found.action), given, plan=found.id)
        if self._repeats(found, asked):
            return _target(found)
        status, reason = self._status(found)
        if status != plans.AVAILABLE:
            raise errors.PlanVoid(plan=found.id, reason=reason)
        if found.stack_id is None:
            identity = StackId.from_wire(_target(found))
            compiled = self._stored(identity, found)
            intake.check_again(context, identity, compiled)
            intake.begin_new(context, identity, compiled, compiled.wanted(), arguments, take)
            return identity.to_wire()
        stack = self._stack(found)
        if stack is None:
            raise errors.PlanVoid(plan=found.id, reason='its stack is gone.')
        compiled = self._stored(stack.identity, found)
        intake.check_again(context, stack.identity, compiled)
        intake.begin_update(context, stack, compiled, arguments, take)
        return stack.identity.to_wire()

    def _repeats(self, found: SavedPlan, asked: repeats.Request | None) -> bool:
        """Whether this very request has carried the plan out already; RequestTokenUsed if another was it."""
        with connect.read(self._intake.database) as conn:
            stack = repeats.repeated(conn, found.tenant, found.stack_name, asked, self._intake.crypt)
        if asked is not None and stack is not None and (
                found.status != plans.EXECUTED or stack.id != found.stack_id):
            raise errors.RequestTokenUsed(token=asked.token)
        return stack is not None

    def get_plan_template(self, context: RequestContext, plan_id: str) -> Json:
        """``template`` as it was given and ``processed``, macros worked out; NotFound."""
        found = self._plan(context, plan_id)
        template = self._stored(StackId.from_wire(_target(found)), found).template
        return {'template': render.plain(template.raw), 'processed': render.plain(template.processed)}

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
            return found.status, str(found.arguments.get('reason') or 'it has been carried out.')
        with connect.read(self._intake.database) as conn:
            if found.stack_id is None:
                taken = (stacks.find_by_name(conn, found.stack_name, found.tenant)
                         or stacks.load_stack(conn, _target(found)['stack_id'], show_deleted=True))
                return ('VOID', 'a stack of that name is there by now.') if taken else (plans.AVAILABLE, '')
            stack = stacks.load_stack(conn, found.stack_id)
        if stack is None:
            return 'VOID', 'its stack is gone.'
        if stack.goal_seq != found.base_goal_seq:
            return 'VOID', _moved_on(found)
        return plans.AVAILABLE, ''

    def _execution(self, found: SavedPlan) -> str | None:
        """How it went that the plan was carried out: IN_PROGRESS, COMPLETE or FAILED; None before."""
        if found.status != plans.EXECUTED:
            return None
        with connect.read(self._intake.database) as conn:
            stack = stacks.load_stack(conn, found.stack_id or '', show_deleted=True)
        later = 0 if stack is None else stack.goal_seq - found.base_goal_seq - 1
        if stack is None or later > 1 or (later == 1 and stack.action is not Action.ROLLBACK):
            return str(Status.COMPLETE)
        return str(stack.status if later == 0 else Status.FAILED)

    def _row(self, found: SavedPlan) -> Json:
        status, reason = self._status(found)
        identity = None if found.stack_id is None else StackId(
            found.tenant, found.stack_name, found.stack_id).to_wire()
        return {'id': found.id, 'name': found.name, 'stack_identity': identity,
                'stack_name': found.stack_name, 'action': found.action, 'status': status,
                'status_reason': reason, 'base_goal_seq': found.base_goal_seq, 'creator': found.creator,
                'creation_time': render.moment(found.created_at), 'target_identity': _target(found),
                'tags': list(found.arguments.get('tags') or ()), 'execution': self._execution(found),
                'change_set': found.arguments.get('change_set')}

    def _shown(self, found: SavedPlan) -> Json:
        entries = printed.from_wire(found.entries.get('entries') or []) or ()
        compiled = self._stored(StackId.from_wire(_target(found)), found)
        return {**self._row(found), 'parameters': compiled.parameters.texts(),
                'entries': found.entries.get('entries') or [],
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
            self._check_guard(self._foresight.update(
                context, stack_identity, template, params, files, args, environment_files, files_container,
                only=frozenset(args['guard'])), args['guard'])
        return self._intake.update_stack(context, stack_identity, template, params, files, args,
                                         environment_files, files_container, template_id)


def _moved_on(found: SavedPlan) -> str:
    return f'the stack {found.stack_name} has moved on since.'


def _is_change_set(found: SavedPlan, name: str | None) -> bool:
    return found.name == name and found.arguments.get('change_set') is not None


def _claim(stack: Stack, base: int, name: str | None) -> str:
    """What is taken by a change set: its name, among those of its stack."""
    return content_hash(dump([stack.tenant, stack.id if base else None, stack.name, name]))


def _changes_nothing(foreseen: Foreseen, args: Args) -> bool:
    tags = tuple(args['tags'] or ()) if 'tags' in args else foreseen.stack.tags
    return foreseen.unchanged and tags == foreseen.stack.tags and all(
        entry.action == 'keep' for _path, entry in walk(foreseen.entries))


def _future_id(beside: Sequence[SavedPlan]) -> str:
    """The id of a stack to be made: all plans that may make it agree on it."""
    return str(next((_target(one)['stack_id'] for one in beside), new_id()))


def _target(found: SavedPlan) -> Json:
    """The identity that the plan's stack has or will have."""
    stack_id = found.stack_id or found.arguments.get('stack_id') or derived_id('stack', found.id)
    return StackId(found.tenant, found.stack_name, stack_id).to_wire()
