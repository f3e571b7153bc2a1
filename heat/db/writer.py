"""Group commit behind the fence: many effects, one transaction.

Purpose: carry a batch of the loop's decisions into the database. Invariant: the
first statement holds the leases of every tree in the batch; what belongs to a
tree that is no longer ours is left out whole. Everything in a batch may be
written twice (after a lost connection) with the same result.
Neighbours: ``engine.loop`` fills batches, the other files of this room store.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.db import (
    events,
    exports,
    goals,
    leases,
    resources,
    signals,
    sinks,
    snapshots,
    software,
    stacks,
    templates,
    watches,
)
from heat.db.schema import event as event_table
from heat.db.secrets import Cipher
from heat.model import watch
from heat.model.event import Event
from heat.model.op import Shelved
from heat.model.resource import Row
from heat.model.stack import Goal, Stack
from heat.model.status import Action, Status

# Rows and events that take so long to write that another engine may take the tree right afterwards.
MUCH = 2000


@dataclass(frozen=True, slots=True)
class Child:
    """A nested stack that gets a goal: made if it is not there yet.

    A ``private`` tree was made of properties, in which secrets may stand.
    """

    stack: Stack
    goal: Goal
    tree: Mapping[str, Any]
    environment: Mapping[str, Any]
    files: Mapping[str, str]
    private: bool = False


@dataclass(frozen=True, slots=True)
class StackState:
    """A stack's new state under goal ``seq``; ``following`` is a goal to begin with it.

    ``event`` tells of it and is written only if no newer goal is there; ``drift`` is what
    a check has found.
    """

    stack: Stack
    seq: int
    deleted: bool = False
    drift: Mapping[str, Any] | None = None
    following: Goal | None = None
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class SnapshotEnd:
    """How taking a snapshot ended; ``data`` is what the stack can be restored from."""

    root_id: str
    status: Status
    reason: str
    data: Mapping[str, Any] | None = None


@dataclass
class Batch:
    """What one commit makes durable, by root; ``after`` runs once it is.

    ``projects`` maps a stack to (root, project of its in-instance users),
    ``snapshots`` the id of a snapshot to its end; ``shelved`` holds (root, change)
    in order.
    """

    fences: dict[str, int] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    removed: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    states: list[StackState] = field(default_factory=list)
    children: dict[str, Child] = field(default_factory=dict)
    signals_done: dict[str, str] = field(default_factory=dict)
    projects: dict[str, tuple[str, str]] = field(default_factory=dict)
    snapshots: dict[str, SnapshotEnd] = field(default_factory=dict)
    shelved: list[tuple[str, Shelved]] = field(default_factory=list)
    releases: set[str] = field(default_factory=set)
    after: list[tuple[str, Callable[[], None]]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.rows or self.removed or self.events or self.states or self.children
                    or self.releases or self.after or self.signals_done or self.projects or self.snapshots
                    or self.shelved)

    def part(self, root: str) -> Batch:
        """What of it belongs to one tree."""
        return Batch(
            fences={root: self.fences[root]} if root in self.fences else {},
            rows={uuid: row for uuid, row in self.rows.items() if row.root_id == root},
            removed={uuid: of for uuid, of in self.removed.items() if of == root},
            events=[event for event in self.events if event.root_id == root],
            states=[state for state in self.states if state.stack.root_id == root],
            children={key: child for key, child in self.children.items() if child.stack.root_id == root},
            signals_done={uuid: of for uuid, of in self.signals_done.items() if of == root},
            projects={key: kept for key, kept in self.projects.items() if kept[0] == root},
            snapshots={key: end for key, end in self.snapshots.items() if end.root_id == root},
            shelved=[one for one in self.shelved if one[0] == root],
            releases=self.releases & {root})

    def save(self, row: Row) -> None:
        self.rows[row.uuid] = row
        self.removed.pop(row.uuid, None)

    def remove(self, row: Row) -> None:
        self.rows.pop(row.uuid, None)
        self.removed[row.uuid] = row.root_id


@dataclass(frozen=True, slots=True)
class Committed:
    """``lost``: roots that are no longer ours. ``overtaken``: stacks that have a newer goal.

    ``heard``: roots that have events for their sinks.
    """

    lost: frozenset[str] = frozenset()
    overtaken: frozenset[str] = frozenset()
    heard: frozenset[str] = frozenset()


def write(conn: Connection, batch: Batch, engine_id: str, crypt: Cipher | None,
          now: datetime.datetime) -> Committed:
    """Write the batch in the caller's transaction.

    Property sets are always encrypted: what a handle or a random string gave out as a
    secret stands in the properties of those who use it.
    """
    held = leases.hold(conn, engine_id, batch.fences)
    lost = frozenset(batch.fences) - held
    children = [c for c in batch.children.values() if c.stack.root_id in held]
    _write_children(conn, children, crypt, now)
    rows = [replace(row, updated_at=now) if row.action is not Action.INIT else row
            for row in batch.rows.values() if row.root_id in held]
    if rows:
        resources.upsert_rows(conn, rows, crypt, now=now, encrypt_properties=crypt is not None)
    gone = [uuid for uuid, root in batch.removed.items() if root in held]
    if gone:
        resources.delete_rows(conn, gone)
    written = [e for e in batch.events if e.root_id in held]
    if written:
        events.insert_events(conn, written, now, crypt, encrypt_properties=crypt is not None)
    overtaken = _write_states(conn, [s for s in batch.states if s.stack.root_id in held], now)
    for stack_id, (root, project) in batch.projects.items():
        if root in held:
            stacks.update_stack(conn, stack_id, stack_user_project_id=project)
    for snapshot_id, end in batch.snapshots.items():
        if end.root_id in held:
            changes = {} if end.data is None else {'data': snapshots.sealed(end.data, crypt)}
            snapshots.update_snapshot(conn, snapshot_id, status=str(end.status), status_reason=end.reason,
                                      updated_at=now, **changes)
    for root, change in batch.shelved:
        if root in held:
            assert crypt is not None  # an engine has its key
            if isinstance(change, watch.Change):
                watches.apply(conn, change, crypt, now, now.replace(tzinfo=datetime.UTC).timestamp())
            else:
                software.apply(conn, change, now, crypt)
    if batch.signals_done:
        signals.forget(conn, [n for n, root in batch.signals_done.items() if root in held])
    if held and len(rows) + len(written) >= MUCH:
        leases.renew(conn, engine_id, held)
    for root in sorted(batch.releases & held):
        leases.release(conn, root, engine_id, batch.fences[root])
    return Committed(lost, frozenset(overtaken), heard(conn, batch) - lost)


def heard(conn: Connection, batch: Batch) -> frozenset[str]:
    """Of the trees whose events are in the batch, those whose environment names sinks."""
    told = {e.root_id for e in batch.events} | {
        state.stack.root_id for state in batch.states if state.event is not None}
    return frozenset(sinks.among(conn, sorted(told))) if told else frozenset()


def give_up(conn: Connection, root: str, engine_id: str, fence: int, reason: str,
            now: datetime.datetime) -> None:
    """End the work on a tree whose changes the database refuses: what is in progress is FAILED."""
    if not leases.hold(conn, engine_id, {root: fence}):
        return
    found = stacks.tree(conn, root)
    for stack in found:
        if stack.status is Status.IN_PROGRESS:
            stacks.update_stack(conn, stack.id, status=Status.FAILED, reason=reason, updated_at=now)
    resources.fail_unfinished(conn, [stack.id for stack in found], reason, now)
    leases.release(conn, root, engine_id, fence)


def written_already(conn: Connection, batch: Batch) -> bool:
    """Whether a batch whose commit was not confirmed is there: an event of it tells."""
    first = {e.root_id: e.uuid for e in reversed(batch.events)}
    if not first:
        return False
    return conn.execute(sa.select(event_table.c.id).where(
        event_table.c.uuid.in_(sorted(first.values()))).limit(1)).first() is not None


def _write_children(conn: Connection, children: Sequence[Child], crypt: Cipher | None,
                    now: datetime.datetime) -> None:
    if not children:
        return
    there = stacks.held_seqs(conn, [child.stack.id for child in children])
    known: dict[Any, int] = {}
    new, old, given = [], [], []
    for child in children:
        # A child's parameters are values of its parent, hidden ones among them.
        secret = tuple(child.environment.get('parameters') or ()) if crypt is not None else ()
        template_id = templates.store_template(conn, child.tree, child.environment, child.files,
                                               child.stack.tenant, now, crypt=crypt, secret_names=secret,
                                               known=known, private=child.private)
        given.append(replace(child.goal, template_id=template_id))
        value = replace(child.stack, template_id=template_id, created_at=now)
        if child.stack.id in there:
            old.append(replace(value, action=child.goal.action, status=Status.IN_PROGRESS,
                               goal_seq=child.goal.seq, updated_at=now, deleted_at=None))
        else:
            new.append(value)
    stacks.insert_stacks(conn, new)
    stacks.overwrite(conn, old, ('template_id', 'action', 'status', 'reason', 'goal_seq', 'updated_at',
                                 'deleted_at'))
    goals.add_goals(conn, given, now)


def _write_states(conn: Connection, states: Sequence[StackState], now: datetime.datetime) -> set[str]:
    """Returns the stacks that have a newer goal. Nested stacks, of which there may be many, go together."""
    inner = {s.stack.id for s in states if s.stack.owner_id is not None and s.following is None}
    seqs = stacks.held_seqs(conn, list(inner)) if len(inner) > 1 else {}
    together: dict[bool, dict[str, Stack]] = {False: {}, True: {}}
    overtaken = set()
    for change in states:
        value = change.stack
        if value.id not in seqs or change.following is not None:
            hit = _write_state(conn, change, now)
        else:
            hit = seqs[value.id] == change.seq
            if hit:
                made = value.action is Action.CREATE and not change.deleted
                together[change.deleted][value.id] = replace(
                    value, updated_at=value.updated_at if made else now,
                    deleted_at=now if change.deleted else None)
        if not hit:
            overtaken.add(value.id)
    for deleted, values in together.items():
        told = ('action', 'status', 'reason', 'updated_at', *(('deleted_at',) if deleted else ()))
        stacks.overwrite(conn, list(values.values()), told)
    if together[True]:
        exports.release(conn, list(together[True]))
    return overtaken


def _write_state(conn: Connection, change: StackState, now: datetime.datetime) -> bool:
    value, following = change.stack, change.following
    more: dict[str, Any] = {} if value.action is Action.CREATE else {'updated_at': now}
    if change.deleted:
        more['deleted_at'] = now
        exports.release(conn, [value.id])
        watches.release(conn, [value.id])
    if change.drift is not None:
        more['drift'] = dict(change.drift)
    if following is not None:
        more['template_id'] = following.template_id
    hit = stacks.update_stack_state(conn, value.id, change.seq, action=value.action, status=value.status,
                                    reason=value.reason, **more)
    if hit and following is not None:
        stacks.update_stack(conn, value.id, goal_seq=following.seq)
        goals.add_goals(conn, [following], now)
    if hit and change.event is not None:
        events.insert_events(conn, [change.event], now, None)
    return bool(hit)
