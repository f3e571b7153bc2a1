"""Wishes taken in: create, update, delete, cancel, suspend, resume, check.

Purpose: validate, then one transaction that makes the wish durable, then a poke.
Invariant: what the caller is told has happened is in the database; whoever owns
the tree, or takes it in that transaction, does the work. A message to the owner
may be lost; the goal row may not. Neighbours: ``service`` names the RPC
methods, ``owner`` claims trees, ``loop`` works, ``hearing`` takes signals in.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from oslo_config import cfg
from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from heat.clouds import trust
from heat.clouds.credential import Credential
from heat.clouds.performer import Performer
from heat.clouds.session import Sessions
from heat.common import errors, fetch
from heat.common.clock import Clock
from heat.common.context import RequestContext
from heat.common.ids import StackId, check_stack_name, new_id
from heat.common.policy import Enforcer
from heat.db import connect, events, goals, leases, resources, sinks, stacks, templates
from heat.db.secrets import Cipher
from heat.engine import inside, outdated, permission, repeats, settings
from heat.engine.backlog import Backlog
from heat.engine.compiled import Compiled, at_leisure, compile_all
from heat.engine.container_files import with_container
from heat.engine.credentials import Credentials
from heat.engine.documents import Documents, Fetch
from heat.engine.exchange import Exchange
from heat.engine.given import check_timeout, handed_over, merged_environment, own, types_of
from heat.engine.loader import Loader, rollback_goal
from heat.engine.nested import adopted_rows
from heat.engine.owner import Owner
from heat.engine.reads_stored import check_tenant
from heat.engine.tree import Tree
from heat.engine.validate import Validator
from heat.model.event import Event
from heat.model.stack import Goal, Stack
from heat.model.status import Action, Status
from heat.plan.told import stack_event
from heat.plan.traversal import Traversal, Wanted
from heat.schema.parameters import check_immutable

Args = Mapping[str, Any]
Also = Callable[[Connection, Goal], None]
# How often an update that is laid over what is stored is worked out, if that changes each time.
ATTEMPTS = 20
# What is refused while a stack is at work.
ALONE = (Action.SUSPEND, Action.RESUME, Action.CHECK, Action.SNAPSHOT, Action.RESTORE)


def nothing_else(conn: Connection, goal: Goal) -> None:
    """What most wishes need done in their transaction besides themselves."""


def check_protection(conn: Connection, stack: Stack) -> None:
    """TerminationProtected if the stack, or the one that it is nested in, may not be given up."""
    if (stacks.extra_columns(conn, stack.root_id) or {}).get('termination_protection'):
        raise errors.TerminationProtected(stack_name=stack.name)


@dataclass
class Intake:
    """The engine's ears. Everything it needs is handed in by ``engine.app``."""

    conf: cfg.ConfigOpts
    database: Engine
    crypt: Cipher
    clock: Clock
    sessions: Sessions | None
    performer: Performer | None
    policy: Enforcer | None
    loader: Loader
    owner: Owner
    fetch: Fetch = fetch.document
    exchange: Exchange = field(kw_only=True)
    # Called with a root that has an event for its sinks and no owner who would say so.
    tell: Callable[[str], None] = lambda root_id: None
    creds: Credentials = field(init=False)

    def __post_init__(self) -> None:
        self.creds = Credentials(self.database, self.crypt, self.clock, self.sessions, self.loader)

    # -- create ------------------------------------------------------------------------------------

    def create_stack(self, context: RequestContext, stack_name: Any, template: Args, params: Args | None,
                     files: Mapping[str, str] | None, args: Args,
                     environment_files: Sequence[str] | None = None, files_container: str | None = None,
                     owner_id: str | None = None, nested_depth: int = 0, user_creds_id: int | None = None,
                     stack_user_project_id: str | None = None, parent_resource_name: str | None = None,
                     template_id: int | None = None) -> dict[str, Any]:
        """Make a stack; returns its identity. Raises what validation raises, StackExists, limits."""
        asked = repeats.request(Action.CREATE, args, template, params=params, files=files,
                                environment_files=environment_files, files_container=files_container)
        before = self._repeated(context, stack_name, asked)
        if before is not None:
            return before.identity.to_wire()
        try:
            identity, compiled, wanted = self.check_new(
                context, stack_name, template, params, files, args, environment_files, files_container)
            self.begin_new(context, identity, compiled, wanted, args, repeats.kept(asked, self.crypt))
        except errors.StackExists:
            # The same request may have come twice at once.
            before = self._repeated(context, stack_name, asked)
            if before is None:
                raise
            return before.identity.to_wire()
        return identity.to_wire()

    def _repeated(self, context: RequestContext, stack_name: Any,
                  asked: repeats.Request | None) -> Stack | None:
        """The stack that this very request has made already."""
        if asked is None or not isinstance(stack_name, str):
            return None
        with connect.read(self.database) as conn:
            return repeats.repeated(conn, context.tenant_id or '', stack_name, asked, self.crypt)

    def check_new(self, context: RequestContext, stack_name: Any, template: Args, params: Args | None,
                  files: Mapping[str, str] | None, args: Args, environment_files: Sequence[str] | None = None,
                  files_container: str | None = None, identity: str | None = None,
                  ) -> tuple[StackId, Compiled, Wanted]:
        """A stack that can be made, with ``identity`` or a new id; raises as ``create_stack``."""
        if not isinstance(stack_name, str):
            raise errors.StackValidationFailed(message=f'Invalid stack name {stack_name}, must be a string')
        check_stack_name(stack_name)
        files = self._with_container(context, files, files_container)
        if args.get('guard'):
            raise errors.NotSupported(feature='A guard on a creation, which replaces and deletes nothing,')
        settings.brought(args)
        check_timeout(args)
        if args.get('adopt_stack_data') and not self.conf.enable_stack_adopt:
            raise errors.NotSupported(feature='Stack Adopt')
        tenant = context.tenant_id or ''
        with connect.read(self.database) as conn:
            self._check_room(conn, stack_name, tenant)
        made = StackId(tenant, stack_name, identity or new_id())
        documents = Documents(files, self.conf, self.fetch, self.clock.monotonic)
        compiled, wanted = self._made(made, template, own(params), documents, environment_files, context)
        handed = args.get('adopt_stack_data')
        if handed:
            handed_over(handed)
        self._validator(context).stack(made, compiled, wanted, handed and (lambda: types_of(handed)))
        documents.seal()
        return made, compiled, wanted

    def _made(self, identity: StackId, template: Args, given: Args, documents: Documents,
              environment_files: Sequence[str] | None, context: RequestContext) -> tuple[Compiled, Wanted]:
        """What is asked for, to be validated next."""
        def work() -> tuple[Compiled, Wanted]:
            compiled = compile_all(identity, template, given, documents, operator=self.loader.operator,
                                   environment_files=environment_files, noted=errors.Collected(),
                                   lender=self.exchange.lender(context))
            return compiled, compiled.wanted()

        return at_leisure(template, work)

    def check_again(self, context: RequestContext, identity: StackId, compiled: Compiled) -> None:
        """Is what was checked before still something that can be made?"""
        self._validator(context).stack(identity, compiled, compiled.wanted(),
                                       lambda: resources.types_of(self.database, identity.stack_id))

    def begin_new(self, context: RequestContext, identity: StackId, compiled: Compiled, wanted: Wanted,
                  args: Args, also: Also = nothing_else) -> None:
        """Make a checked stack's wish durable and begin; ``also`` runs in that transaction."""
        deferred = self.creds.defer(context)
        try:
            tree = connect.offload(self.database, self._store_new, context, identity, compiled, wanted, args,
                                   deferred, also)
        except BaseException:
            self.creds.forget(deferred, context)
            raise
        self.owner.arrived(tree)

    def _check_room(self, conn: Connection, name: str, tenant: str) -> None:
        if stacks.find_by_name(conn, name, tenant) is not None:
            raise errors.StackExists(stack_name=name)
        most = self.conf.max_stacks_per_tenant
        if most >= 0 and stacks.count_of_tenant(conn, tenant) >= most:
            raise errors.RequestLimitExceeded(message=(
                f'You have reached the maximum stacks per tenant, {most}. Please delete some stacks.'))

    def _store_new(self, context: RequestContext, identity: StackId, compiled: Compiled, wanted: Wanted,
                   args: Args, deferred: trust.Deferred | None, also: Also) -> Tree:
        now = self.clock.now()
        action = Action.ADOPT if args.get('adopt_stack_data') else Action.CREATE
        disable_rollback = bool(args.get('disable_rollback', True))
        minutes = args.get('timeout_mins')
        with connect.read(self.database) as conn:
            lined = leases.has_line(conn, identity.tenant)
        if not lined:
            with connect.write(self.database) as conn:
                leases.open_line(conn, identity.tenant)
        with connect.write(self.database) as conn:
            # Asked again inside the transaction: two requests may have come at once.
            leases.in_line(conn, identity.tenant)
            self._check_room(conn, identity.stack_name, identity.tenant)
            creds_id = self.creds.store(conn, deferred, context, now)
            lent = {settings.LENT: True} if deferred is not None and not deferred.owned else {}
            template_id = self.store_template(conn, compiled, identity.tenant, now)
            stack = Stack(
                id=identity.stack_id, name=identity.stack_name, tenant=identity.tenant,
                root_id=identity.stack_id, template_id=template_id, action=action,
                reason=f'Stack {action} started',
                username=context.username, user_creds_id=creds_id, disable_rollback=disable_rollback,
                timeout=minutes, tags=tuple(args.get('tags') or ()), created_at=now)
            stacks.insert_stack(conn, stack, termination_protection=bool(args.get('termination_protection')),
                                settings={**settings.brought(args), **lent} or None)
            self.exchange.claim(conn, stack, compiled, wanted)
            goal = Goal(stack.id, 1, action, template_id, self._deadline(minutes),
                        settings.after_failure(args), context.request_id,
                        {**settings.options(args), **permission.denial(self.policy, context)})
            goals.add_goals(conn, [goal], now)
            rows = adopted_rows(stack, wanted, compiled.types, handed_over(args['adopt_stack_data'])
                                ) if action is Action.ADOPT else []
            resources.upsert_rows(conn, rows, self.crypt, now=now, encrypt_properties=True)
            also(conn, goal)
            self._listen(conn, stack, compiled)
            fence = leases.take(conn, stack.id, self.owner.engine_id, self.owner.ttl)
            assert fence is not None  # nobody else can know this id
            self.record(conn, stack_event(stack, stack.action, stack.status, stack.reason), context, now)
        tree = Tree(stack.id, fence, deferred.credential if deferred else None)
        run = self.loader.run(stack, goal, compiled, {row.uuid: row for row in rows})
        run.wanted = wanted
        if goal.on_failure:
            run.rollback_to = rollback_goal(goal, template_id)
        run.traversal = Traversal(stack, goal, wanted, run.rows, run.types, rollback_to=run.rollback_to,
                                  restraints=run.restraints)
        tree.stacks[stack.id] = run
        return tree

    # -- update ------------------------------------------------------------------------------------

    def update_stack(self, context: RequestContext, stack_identity: Args, template: Args | None,
                     params: Args | None, files: Mapping[str, str] | None, args: Args,
                     environment_files: Sequence[str] | None = None, files_container: str | None = None,
                     template_id: int | None = None) -> dict[str, Any]:
        """Walk towards another template; accepted while another action runs, and wins."""
        stack = self.find(context, stack_identity)
        asked = repeats.request(Action.UPDATE, args, template, params=params, files=files,
                                environment_files=environment_files, files_container=files_container)
        left = ATTEMPTS
        while True:
            with connect.read(self.database) as conn:
                if repeats.repeated(conn, stack.tenant, stack.name, asked, self.crypt) is not None:
                    return stack.identity.to_wire()
            try:
                return self._updated(context, stack_identity, template, params, files, args,
                                     environment_files, files_container, repeats.kept(asked, self.crypt))
            except errors.ConcurrentTransaction:
                # What it was laid over is not what is stored by now, or it came twice at once.
                left -= 1
                if not left:
                    raise

    def _updated(self, context: RequestContext, stack_identity: Args, template: Args | None,
                 params: Args | None, files: Mapping[str, str] | None, args: Args,
                 environment_files: Sequence[str] | None, files_container: str | None,
                 also: Also) -> dict[str, Any]:
        stack, compiled, kept = self.check_update(context, stack_identity, template, params, files, args,
                                                  environment_files, files_container)
        tags = args.get('tags') if 'tags' in args or not args.get('existing') else stack.tags
        if (args.get('refuse_unchanged') and stack.status is Status.COMPLETE
                and tuple(tags or ()) == stack.tags and repeats.unchanged(compiled, kept)):
            raise errors.NothingToUpdate()
        self.begin_update(context, stack, compiled, args, also)
        return stack.identity.to_wire()

    def check_update(self, context: RequestContext, stack_identity: Args, template: Args | None,
                     params: Args | None, files: Mapping[str, str] | None, args: Args,
                     environment_files: Sequence[str] | None = None, files_container: str | None = None,
                     ) -> tuple[Stack, Compiled, Compiled]:
        """The stack, what it would be made from and what it is made from; raises as ``update_stack``."""
        settings.brought(args)
        check_timeout(args)
        stack = self.find(context, stack_identity)
        files = self._with_container(context, files, files_container)
        if stack.action is Action.SUSPEND and stack.status is not Status.FAILED:
            raise errors.NotSupported(feature='Updating a stack when it is suspended')
        if stack.action is Action.DELETE:
            raise errors.NotSupported(feature='Updating a stack when it is deleting')
        compiled, kept = self._next_template(context, stack, template, params, files, args, environment_files)
        check_immutable(kept.parameters, compiled.parameters)
        self.check_again(context, stack.identity, compiled)
        return stack, compiled, kept

    def begin_update(self, context: RequestContext, stack: Stack, compiled: Compiled, args: Args,
                     also: Also = nothing_else) -> None:
        """Make a checked update durable and poke; ``also`` runs in that transaction."""
        rollback_off = bool(args.get('disable_rollback', stack.disable_rollback))
        minutes = args.get('timeout_mins', stack.timeout)
        changes: dict[str, Any] = {'disable_rollback': rollback_off, 'timeout': minutes}
        if args.get('termination_protection') is not None:
            changes['termination_protection'] = bool(args['termination_protection'])
        tags = args.get('tags') if 'tags' in args or not args.get('existing') else stack.tags
        options = settings.options(args)
        if self.observes(stack, args):
            options['observe'] = True
        if args.get('guard'):
            options['guard'] = list(args['guard'])

        def keep(conn: Connection, goal: Goal) -> None:
            settings.change(conn, stack.id, settings.brought(args))
            also(conn, goal)

        self.wish(context, stack, Action.UPDATE, minutes, compiled=compiled,
                  on_failure=None if rollback_off else 'rollback', changes=changes,
                  tags=tuple(tags or ()), options=options, also=keep, laid_over=bool(args.get('existing')))

    def observes(self, stack: Stack, args: Args) -> bool:
        """Whether the update looks at the cloud first; without a word, as the update before it."""
        if args.get('converge') is not None:
            return bool(args['converge'])
        with connect.read(self.database) as conn:
            last = goals.latest_goal(conn, stack.id)
        return bool(self.conf.observe_on_update or (last is not None and last.options.get('observe')))

    def _next_template(self, context: RequestContext, stack: Stack, template: Args | None,
                       params: Args | None, files: Mapping[str, str] | None, args: Args,
                       environment_files: Sequence[str] | None) -> tuple[Compiled, Compiled]:
        """The template wished for and the stored one; an ``existing`` update merges onto the latter."""
        with connect.read(self.database) as conn:
            found = templates.load_template(conn, stack.template_id, self.crypt)
        if found is None:
            raise errors.EntityNotFound(entity='Stack', name=stack.name)
        tree, stored, old_files = found
        environment = own(stored)
        kept = at_leisure(tree, lambda: self._kept(stack, found, needed=template is None))
        given: Args = own(params)
        if args.get('existing'):
            given = merged_environment(environment, given, args)
            files = {**(old_files or {}), **(files or {})}
            if template is None:
                template = tree
            declared = compile_all(stack.identity, template, {}, files, strict=False,
                                   noted=errors.Collected()).template.parameters
            given = {**given, 'parameters': {
                name: value for name, value in (given.get('parameters') or {}).items()
                if name in declared or name in ((params or {}).get('parameters') or {})}}
        assert template is not None
        documents = Documents(files, self.conf, self.fetch, self.clock.monotonic)
        return self._made(stack.identity, template, given, documents, environment_files, context)[0], kept

    def _kept(self, stack: Stack, found: tuple[Args, Args, Mapping[str, str]], needed: bool) -> Compiled:
        """What the stack is made from; StackValidationFailed if it is ``needed``, and refused by now."""
        def make(tree: Args, environment: Args, files: outdated.Files) -> Compiled:
            return compile_all(stack.identity, tree, environment, files, operator=self.loader.operator,
                               strict=False)

        try:
            return make(*found)
        except outdated.Refusals as error:
            if needed:
                raise outdated.refusal(stack, found, error) from None
            return outdated.stand_in(stack.name, found, make)

    def check_stored(self, stack: Stack, template_id: int | None) -> None:
        """StackValidationFailed if what is to be walked to, or over, is refused by now."""
        if template_id is None:
            return
        found = connect.reading(self.database, templates.load_template, template_id, self.crypt)
        if found is None:
            raise errors.EntityNotFound(entity='Stack', name=stack.name)
        try:
            at_leisure(found[0], lambda: self.loader.compile(stack.identity, *found))
        except outdated.Refusals as error:
            raise outdated.refusal(stack, found, error) from None

    # -- delete and the other actions ------------------------------------------------------------

    def delete_stack(self, context: RequestContext, stack_identity: Args, retain: Sequence[str] | None = None,
                     force: bool = False) -> None:
        """Take a stack away, whatever it is doing now.

        ``retain`` names resources that stay in the cloud (``group/0`` inside a nested
        stack); with ``force`` what cannot be deleted is left behind. TerminationProtected.
        """
        stack = self.find(context, stack_identity)
        connect.reading(self.database, check_protection, stack)
        if stack.action is Action.DELETE and stack.status is Status.IN_PROGRESS:
            # Said again: make sure somebody is at it.
            self.owner.poke(stack.root_id)
            return
        permission.check_types(self.policy, self.database, context, stack)
        options: dict[str, Any] = {**({'retain': list(retain)} if retain else {}),
                                   **({'force': True} if force else {})}
        self.wish(context, stack, Action.DELETE, stack.timeout, options=options)

    def stack_suspend(self, context: RequestContext, stack_identity: Args) -> None:
        self._act(context, stack_identity, Action.SUSPEND)

    def stack_resume(self, context: RequestContext, stack_identity: Args) -> None:
        self._act(context, stack_identity, Action.RESUME)

    def stack_check(self, context: RequestContext, stack_identity: Args,
                    resource_names: Sequence[str] | None = None) -> None:
        """Look at what the stack made, or at the resources of these names alone; ResourceNotFound."""
        if not resource_names:
            self._act(context, stack_identity, Action.CHECK)
            return
        stack = self.find(context, stack_identity)
        with connect.read(self.database) as conn:
            known = {row.name for row in resources.light_rows(conn, [stack.id])
                     if row.action not in (Action.INIT, Action.DELETE)}
        for name in resource_names:
            if name not in known:
                raise errors.ResourceNotFound(resource_name=name, stack_name=stack.name)
        self._act(context, stack_identity, Action.CHECK, {'only': sorted(set(resource_names))})

    def _act(self, context: RequestContext, stack_identity: Args, action: Action,
             options: dict[str, Any] | None = None) -> None:
        stack = self.find(context, stack_identity)
        if action is not Action.CHECK:
            permission.check_types(self.policy, self.database, context, stack)
        if stack.status is Status.IN_PROGRESS:
            raise errors.ActionInProgress(stack_name=stack.name, action=stack.action)
        if stack.owner_id is not None and action is Action.CHECK:
            self._wish_inside(context, stack, inside.CHECK, options)
            return
        self.check_stored(stack, stack.template_id)
        self.wish(context, stack, action, stack.timeout, options=options)

    def stack_cancel_update(self, context: RequestContext, stack_identity: Args,
                            cancel_with_rollback: bool = True) -> None:
        """Back to the template before while an update runs, or stop and leave everything as it is."""
        stack = self.find(context, stack_identity)
        states = (Action.UPDATE,) if cancel_with_rollback else (Action.UPDATE, Action.CREATE)
        if stack.status is not Status.IN_PROGRESS or stack.action not in states:
            state = f'{stack.action}_{stack.status}'
            raise errors.NotSupported(feature=f'Cancelling update when stack is {state}')
        if stack.owner_id is not None:
            if cancel_with_rollback:
                raise errors.NotSupported(feature=(
                    f'Cancelling the work of a nested stack with rollback (cancel it without, or the update '
                    f'of stack {stack.root_id}, which it is in)'))
            self._wish_inside(context, stack, inside.STOP)
            return
        if not cancel_with_rollback:
            self.wish(context, stack, stack.action, stack.timeout, options={'stop': True})
            return
        self.check_stored(stack, stack.prev_template_id)
        self.wish(context, stack, Action.ROLLBACK, stack.timeout, template_id=stack.prev_template_id)

    def _wish_inside(self, context: RequestContext, stack: Stack, kind: str,
                     options: dict[str, Any] | None = None) -> None:
        """A wish for a nested stack, to be carried out by whoever drives the tree."""
        self.creds.renew(context, stack)

        def keep(conn: Connection) -> None:
            Backlog.of(self.conf).add(conn, stack.root_id, stack.id, '', options, self.crypt,
                                      self.clock.now(), kind=kind)

        connect.writing(self.database, keep)
        self.owner.poke(stack.root_id)

    def wish(self, context: RequestContext, stack: Stack, action: Action, minutes: int | None, *,
             compiled: Compiled | None = None, template_id: int | None = None,
             on_failure: str | None = None, changes: Args | None = None,
             tags: tuple[str, ...] | None = None, options: dict[str, Any] | None = None,
             also: Also = nothing_else, laid_over: bool = False) -> None:
        """A new goal for a stack, durable when this returns; ``also`` runs in its transaction.

        ``laid_over``: what is stored is part of it; ConcurrentTransaction if that has changed meanwhile.
        """
        if stack.owner_id is not None:
            # Its goals are its parent's to give; two who number them would spoil the tree.
            raise errors.NotSupported(feature=(
                f'{str(action).capitalize()} of a nested stack by itself (it is a resource of stack '
                f'{stack.owner_id}; ask it of stack {stack.root_id}, or check it, or cancel its work)'))
        self.creds.renew(context, stack)
        wanted = compiled.wanted() if compiled is not None else None
        connect.offload(self.database, self._store_wish, context, stack, action, minutes, compiled, wanted,
                        template_id, on_failure, dict(changes or {}), tags, options or {}, also, laid_over)
        self.owner.poke(stack.root_id)

    def _store_wish(self, context: RequestContext, stack: Stack, action: Action, minutes: int | None,
                    compiled: Compiled | None, wanted: Wanted | None, template_id: int | None,
                    on_failure: str | None, changes: dict[str, Any], tags: tuple[str, ...] | None,
                    options: dict[str, Any], also: Also, laid_over: bool) -> None:
        now = self.clock.now()
        with connect.write(self.database) as conn:
            sinks.in_turn(conn, stack.root_id)
            if (action in ALONE or options.get('abandon')) and not options.get('stop'):
                # Asked again: another wish may have come at the same time.
                there = stacks.load_stack(conn, stack.id)
                if there is not None and there.status is Status.IN_PROGRESS:
                    raise errors.ActionInProgress(stack_name=there.name, action=there.action)
            if action is Action.DELETE:
                check_protection(conn, stack)
                self.exchange.check_deletion(conn, stack)
            if compiled is not None and wanted is not None:
                self.exchange.claim(conn, stack, compiled, wanted)
                template_id = self.store_template(conn, compiled, stack.tenant, now)
                self._listen(conn, stack, compiled)
                # The way back leads to what last stood complete.
                good = stack.template_id
                if stack.status is not Status.COMPLETE and stack.prev_template_id is not None:
                    good = stack.prev_template_id
                changes['prev_template_id'] = good
                # The policy that is there now, and not one that comes with this very wish.
                stacks.lock_stack(conn, stack.id)
                options = {**settings.options(args={}, kept=settings.of(conn, stack.id)), **options}
            goal = goals.add_goal(conn, Goal(
                stack.id, 0, action, template_id or stack.template_id, self._deadline(minutes), on_failure,
                context.request_id, {**options, **permission.denial(self.policy, context)}), now)
            if context.generations and goal.seq - 1 not in context.generations:
                raise errors.GenerationPassed(stack_name=stack.name, generation=goal.seq - 1)
            if laid_over and goal.seq - 1 != stack.goal_seq:
                raise errors.ConcurrentTransaction(action=f'updating stack {stack.name}')
            also(conn, goal)
            stop = bool(options.get('stop'))
            reason = f'Stack {action} cancelled' if stop else f'Stack {action} started'
            stacks.update_stack(conn, stack.id, action=action, status=Status.IN_PROGRESS, reason=reason,
                                template_id=goal.template_id, updated_at=now, **changes)
            if tags is not None and tags != stack.tags:
                stacks.set_tags(conn, stack.id, tags, now)
            current = replace(stack, action=action, status=Status.IN_PROGRESS, reason=reason)
            if action is Action.DELETE and stack.status is Status.IN_PROGRESS:
                stopped = f'Stack {stack.action} cancelled'
                self.record(conn, stack_event(replace(stack, reason=stopped), stack.action, Status.FAILED,
                                               stopped), context, now)
            if not stop:
                self.record(conn, stack_event(current, action, Status.IN_PROGRESS, reason), context, now)

    # -- shared --------------------------------------------------------------------------------------

    def find(self, context: RequestContext, stack_identity: Args) -> Stack:
        """The live stack of that identity, for its own project and that of its users.

        Raises EntityNotFound, or InvalidTenant for anybody else.
        """
        identity = StackId.from_wire(dict(stack_identity))
        tenant = identity.tenant if context.is_admin else context.tenant_id or ''
        with connect.read(self.database) as conn:
            stack = stacks.load_stack(conn, identity.stack_id, tenant)
        check_tenant(context, identity, stack)
        if stack is None or stack.name != identity.stack_name or identity.path:
            raise errors.EntityNotFound(entity='Stack', name=identity.stack_name)
        return stack

    def _with_container(self, context: RequestContext, files: Mapping[str, str] | None,
                        container: str | None) -> Mapping[str, str] | None:
        return with_container(self.sessions, context, files, container, self.conf.max_json_body_size)

    def _validator(self, context: RequestContext) -> Validator:
        credential = Credential.of_request(context) if self.sessions is not None else None
        sessions = self.sessions

        def available(service: str) -> bool:
            return sessions is None or credential is None or sessions.has_service(credential, service)

        return Validator(
            context, finder=self.performer.finder if self.performer else None, credential=credential,
            available=available, policy=self.policy, max_resources=self.conf.max_resources_per_stack,
            max_depth=self.conf.max_nested_stack_depth,
            max_parameters=self.conf.max_parameters_per_template,
            extensions=self.performer.extensions if self.performer else None)

    def store_template(self, conn: Connection, compiled: Compiled, tenant: str,
                       now: datetime.datetime) -> int:
        """Its number; hidden parameters are encrypted."""
        hidden = {name for name, s in compiled.template.parameters.items()
                  if s.hidden or self.conf.encrypt_parameters_and_properties}
        return templates.store_template(conn, compiled.template.raw, compiled.stored_environment(),
                                        compiled.files, tenant, now, crypt=self.crypt, secret_names=hidden)

    def record(self, conn: Connection, event: Event, context: RequestContext,
                now: datetime.datetime) -> None:
        events.insert_events(conn, [replace(event, operation=context.request_id)], now, self.crypt)

    @staticmethod
    def _listen(conn: Connection, stack: Stack, compiled: Compiled) -> None:
        if compiled.environment.event_sinks:
            sinks.listen(conn, stack.root_id)

    def _deadline(self, minutes: int | None) -> float:
        seconds = minutes * 60 if minutes else self.conf.stack_action_timeout
        return self.clock.wall() + seconds
