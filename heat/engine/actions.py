"""What may be done with a whole stack besides changing it: snapshots, export, abandon, marks.

Purpose: the RPC methods of these, each a check and one transaction. Invariant: as
in ``intake``, what the caller is told has happened is in the database. Interface:
engine methods of the RPC contract. Neighbours: ``intake`` makes wishes durable,
``exported`` shapes a stack's data, ``marks`` judges health.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.engine import Connection

from heat.common import errors, text
from heat.common.context import RequestContext
from heat.common.ids import new_id
from heat.db import connect, events, leases, resources, snapshots, stacks, templates
from heat.db.snapshots import Snapshot
from heat.engine import exported, marks, render
from heat.engine.backlog import Backlog
from heat.engine.exported import Part
from heat.engine.intake import Intake, check_protection
from heat.engine.outputs import chooser, current_rows
from heat.engine.restore import restored_template
from heat.model.op import CloudFault
from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action, Status
from heat.plan.told import row_event
from heat.resources.base import Steps
from heat.resources.types import TypeTable

Args = Mapping[str, Any]
Json = dict[str, Any]


class Actions:
    """Methods of the RPC interface; names and arguments are the contract's."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    # -- export and abandon -------------------------------------------------------------------------

    def export_stack(self, context: RequestContext, stack_identity: Args) -> Json:
        """The data from which the stack could be adopted; NotSupported unless the operator allows it."""
        self._allow_abandon()
        stack = self._intake.find(context, stack_identity)
        return self._data(stack)

    def abandon_stack(self, context: RequestContext, stack_identity: Args, abandon: bool = True) -> Json:
        """Forget the stack and leave what it stands for where it is; returns the data for its adoption.

        TerminationProtected: what nobody manages any more is lost, too.
        """
        self._allow_abandon()
        stack = self._intake.find(context, stack_identity)
        if abandon:
            connect.reading(self._intake.database, check_protection, stack)
        if stack.status is Status.IN_PROGRESS:
            raise errors.ActionInProgress(stack_name=stack.name, action=stack.action)
        data = self._data(stack)
        if abandon:
            self._intake.wish(context, stack, Action.DELETE, stack.timeout, options={'abandon': True})
        return data

    def _allow_abandon(self) -> None:
        if not self._intake.conf.enable_stack_abandon:
            raise errors.NotSupported(feature='Stack Abandon')

    def _data(self, stack: Stack, with_resources: bool = True) -> Json:
        def load() -> Json:
            with connect.read(self._intake.database) as conn:
                found = {one.id: one for one in stacks.tree(conn, stack.root_id)}
                parts = {one.id: self._part(conn, one) for one in found.values()} if with_resources else {
                    stack.id: self._part(conn, stack)}
            return exported.stack_data(parts[stack.id], lambda row: parts.get(row.physical_id or ''),
                                       with_resources)

        return connect.offload(self._intake.database, load)

    def _part(self, conn: Connection, stack: Stack) -> Part:
        compiled = self._intake.loader.compiled(conn, stack.identity, stack.template_id, needed=False)
        rows = resources.rows_of_stack(conn, stack.id, self._intake.crypt)
        current = current_rows(rows, chooser(compiled.template.resources, compiled.types))
        tree, environment = compiled.template.raw, compiled.environment.to_dict()
        if compiled.refusal:
            # Nobody can do without it who takes the stack over.
            tree, environment, _files = templates.load_template(
                conn, stack.template_id, self._intake.crypt) or (tree, environment, {})
        return Part(stack, tree, environment, compiled.files, exported.standing(current.values()))

    # -- snapshots -----------------------------------------------------------------------------------

    def stack_snapshot(self, context: RequestContext, stack_identity: Args, name: Any = None) -> Json:
        """Begin to take a snapshot; returns it as far as it is. ActionInProgress, RequestLimitExceeded."""
        intake = self._intake
        stack = intake.find(context, stack_identity)
        if name is not None and not isinstance(name, str):
            raise errors.Invalid(reason='The name of a snapshot must be a text.')
        flaw = text.flaw(name or '')
        if flaw:
            raise errors.Invalid(reason=f'The name of a snapshot {flaw}.')
        if stack.status is Status.IN_PROGRESS:
            raise errors.ActionInProgress(stack_name=stack.name, action=stack.action)
        intake.check_stored(stack, stack.template_id)
        data, most = self._data(stack, with_resources=False), intake.conf.max_snapshots_per_stack
        made = Snapshot(new_id(), stack.id, stack.tenant, name, 'CREATE', 'IN_PROGRESS')

        def keep(conn: Connection, goal: Goal) -> None:
            if not context.is_admin and 0 <= most <= snapshots.count_snapshots(conn, stack.id):
                raise errors.RequestLimitExceeded(message=(
                    f'You have reached the maximum snapshots per stack, {most}. '
                    'Please delete some snapshots.'))
            snapshots.insert_snapshot(conn, replace(made, data=snapshots.sealed(data, intake.crypt)),
                                      intake.clock.now())

        intake.wish(context, stack, Action.SNAPSHOT, stack.timeout, options={'snapshot': made.id}, also=keep)
        return render.snapshot(replace(made, created_at=intake.clock.now()), exported.veiled(data))

    def stack_list_snapshots(self, context: RequestContext, stack_identity: Args) -> list[Json]:
        stack = self._intake.find(context, stack_identity)
        with connect.read(self._intake.database) as conn:
            found = snapshots.list_snapshots(conn, stack.id)
        return [self._shown(one) for one in found]

    def show_snapshot(self, context: RequestContext, stack_identity: Args, snapshot_id: str) -> Json:
        """One snapshot; NotFound."""
        return self._shown(self._snapshot(self._intake.find(context, stack_identity), snapshot_id))

    def delete_snapshot(self, context: RequestContext, stack_identity: Args, snapshot_id: str) -> None:
        """Take a snapshot away, first what it left in other services; NotFound, ActionInProgress."""
        intake = self._intake
        stack = intake.find(context, stack_identity)
        found = self._snapshot(stack, snapshot_id)
        if found.status == str(Status.IN_PROGRESS):
            raise errors.NotSupported(feature='Deleting in-progress snapshot')
        intake.creds.renew(context, stack)
        self._take_away(context, found)

        connect.writing(intake.database, snapshots.delete_snapshot, snapshot_id)

    def stack_restore(self, context: RequestContext, stack_identity: Args, snapshot_id: str) -> None:
        """Walk back to what a snapshot says; NotFound, ActionInProgress, ActionNotComplete."""
        intake = self._intake
        stack = intake.find(context, stack_identity)
        found = self._snapshot(stack, snapshot_id)
        if stack.status is Status.IN_PROGRESS:
            raise errors.ActionInProgress(stack_name=stack.name, action=stack.action)
        if stack.action is Action.SUSPEND:
            raise errors.NotSupported(feature='Restoring a stack when it is suspended')
        if found.status != str(Status.COMPLETE):
            raise errors.NotSupported(feature=f'Restoring a snapshot that is {found.status}')
        data = snapshots.opened(found, intake.crypt) or {}
        _stack, compiled, _kept = intake.check_update(
            context, stack_identity, restored_template(data, intake.loader.operator),
            data.get('environment'), data.get('files'), {})
        intake.wish(context, stack, Action.RESTORE, stack.timeout, compiled=compiled,
                    on_failure=None if stack.disable_rollback else 'rollback')

    def _snapshot(self, stack: Stack, snapshot_id: str) -> Snapshot:
        with connect.read(self._intake.database) as conn:
            found = snapshots.load_snapshot(conn, snapshot_id, stack.id)
        if found is None:
            raise render.missing(f'Snapshot with id {snapshot_id} not found')
        return found

    def _shown(self, one: Snapshot) -> Json:
        data = snapshots.opened(one, self._intake.crypt)
        return render.snapshot(one, data and exported.veiled(data))

    def _take_away(self, context: RequestContext, found: Snapshot) -> None:
        """What resources left in other services for this snapshot: backups, images."""
        data = snapshots.opened(found, self._intake.crypt) or {}
        found_outside = left_outside(data.get('resources') or {})
        performer = self._intake.performer
        if not found_outside or performer is None:
            return
        with connect.read(self._intake.database) as conn:
            stack = stacks.load_stack(conn, found.stack_id)
            root = stacks.load_stack(conn, stack.root_id) if stack is not None else None
            credential = self._intake.loader.credential(conn, root) if root is not None else None
        if credential is None:
            return
        try:
            take_away(found_outside, lambda call: performer.perform_now(credential, call))
        except CloudFault as fault:
            raise errors.Error(message=f'Deleting snapshot {found.id}: {fault.text()}') from fault

    # -- health ----------------------------------------------------------------------------------------

    def resource_mark_unhealthy(self, context: RequestContext, stack_identity: Args, resource_name: str,
                                mark_unhealthy: bool, resource_status_reason: str | None = None) -> None:
        """Judge a resource (by name or physical id): the next update replaces what is marked unhealthy.

        ResourceNotFound; ActionInProgress while a step works on it.
        """
        stack = self._intake.find(context, stack_identity)
        reason = resource_status_reason or marks.DEFAULT_REASON
        if not isinstance(reason, str):
            raise errors.Invalid(reason='"resource_status_reason" must be a text.')
        driven = connect.offload(self._intake.database, self._mark, stack, resource_name,
                                 bool(mark_unhealthy), reason, context.request_id)
        if driven:
            self._intake.owner.poke(stack.root_id)
        else:
            self._intake.tell(stack.root_id)

    def _mark(self, stack: Stack, name: str, unhealthy: bool, reason: str, operation: str) -> bool:
        """Mark at once where nobody drives the tree; True if its owner has to be told instead."""
        intake, now = self._intake, self._intake.clock.now()
        with connect.write(intake.database) as conn:
            row = _named(resources.rows_of_stack(conn, stack.id, intake.crypt), name, stack)
            if row.status is Status.IN_PROGRESS:
                raise errors.ActionInProgress(stack_name=stack.name, action=row.action)
            if row.action is Action.INIT:
                raise errors.ResourceActionNotSupported(action='mark_unhealthy')
            free = leases.owner(conn, stack.root_id) is None
            mine = intake.owner.engine_id
            fence = leases.take(conn, stack.root_id, mine, intake.owner.ttl) if free else None
            if fence is None:
                Backlog.of(intake.conf).add(
                    conn, stack.root_id, stack.id, row.name, {'unhealthy': unhealthy, 'reason': reason},
                    intake.crypt, now, kind='mark')
                return True
            after = marks.marked(row, unhealthy, reason)
            if after is not None:
                resources.upsert_rows(conn, [replace(after, updated_at=now)], intake.crypt, now=now,
                                      encrypt_properties=True)
                told = replace(row_event(after, stack.name), operation=operation)
                events.insert_events(conn, [told], now, intake.crypt, encrypt_properties=True)
            leases.release(conn, stack.root_id, mine, fence)
        return False


def _named(rows: list[Row], name: str, stack: Stack) -> Row:
    live = [row for row in rows if row.action is not Action.DELETE and row.replaced_by is None]
    found = next((row for row in live if row.name == name), None) or next(
        (row for row in live if row.physical_id == name), None)
    if found is None:
        raise errors.ResourceNotFound(resource_name=name, stack_name=stack.name)
    return found


def left_of_stack(conn: Connection, stack_id: str, crypt: Any) -> list[Steps]:
    """The same for all snapshots of a stack."""
    return [steps for one in snapshots.list_snapshots(conn, stack_id)
            for steps in left_outside((snapshots.opened(one, crypt) or {}).get('resources') or {})]


def left_outside(data: Mapping[str, Any]) -> list[Steps]:
    """The steps that take away what a snapshot's resources left in other services."""
    found: list[Steps] = []
    types = TypeTable()
    for one in data.values():
        if isinstance(one.get('resources'), Mapping):
            found += left_outside(one['resources'])
        else:
            row = Row('', '', '', one.get('name', ''), one.get('type', ''),
                      data=one.get('resource_data') or {})
            try:
                found.append(types.of(row).forget_snapshot(row.data))
            except errors.HeatException:
                # Its type is no longer known; so is what it left.
                continue
    return found


def take_away(found: Iterable[Steps], perform: Callable[[Any], Any]) -> None:
    """Go through the steps with the answers of ``perform``."""
    for steps in found:
        answer: Any = None
        try:
            while True:
                answer = perform(steps.send(answer))
        except StopIteration:
            continue
