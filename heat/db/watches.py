"""Watch rules and their history.

Purpose: rules by project and name, which of them are due, what steps make of them.
Invariant: who makes a rule lets it be known (``leases.offer``) that there is something
to watch; a rule that was changed meanwhile (``revision``) is not written over.
Neighbours: ``metrics`` has the samples, ``writer`` applies what steps change,
``engine.watcher`` evaluates, ``engine.watches`` answers.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.common.errors import InvalidEncryptionKey
from heat.db import bulk, leases
from heat.db.metrics import hash_of
from heat.db.schema import stack, watch_history, watch_metric, watch_rule
from heat.db.secrets import Cipher, seal, unseal
from heat.model import watch as model
from heat.model.watch import NODATA, SUSPENDED, WatchRule
from heat.plan.watch import next_due
from heat.plan.watch_rule import ACTIONS, shown

LOG = logging.getLogger(__name__)

HISTORY_KEPT = 14 * 86_400.0
CONFIGURATION, STATE, ACTION = KINDS = ('ConfigurationUpdate', 'StateUpdate', 'Action')
UNCHECKED = 'Unchecked: Initial alarm creation'


@dataclass(frozen=True, slots=True)
class Stored:
    """A rule with its state; ``owed`` are places in the list of its state's actions."""

    number: int
    tenant: str
    rule: WatchRule
    state: str
    revision: int
    reason: str = ''
    reason_data: dict[str, Any] | None = None
    state_at: float | None = None
    owed: tuple[int, ...] = ()
    acted_at: float | None = None
    stack_id: str | None = None
    row_uuid: str | None = None
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None

    @property
    def hashes(self) -> tuple[str, ...]:
        return tuple(hash_of(self.tenant, metric) for metric in self.rule.metrics())


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a rule's history."""

    name: str
    at: float
    kind: str
    summary: str
    data: dict[str, Any] | None = None
    number: int = 0


def _stored(row: Any, crypt: Cipher | None) -> Stored:
    rule = WatchRule.from_wire(unseal(crypt, row['decrypt_method'], row['rule']), row['lite'])
    return Stored(row['id'], row['tenant'], rule, row['state'], row['revision'], row['state_reason'] or '',
                  row['state_reason_data'], row['state_at'], tuple(row['owed'] or ()), row['acted_at'],
                  row['stack_id'], row['row_uuid'], row['created_at'], row['updated_at'])


def _columns(tenant: str, rule: WatchRule, crypt: Cipher | None) -> dict[str, Any]:
    method, text = seal(crypt, rule.to_wire())
    metric, named = (hash_of(tenant, one) for one in rule.metrics())
    return {'name': rule.name, 'rule': text, 'decrypt_method': method, 'lite': rule.lite,
            'metric_hash': metric, 'named_hash': named}


# -- reading ---------------------------------------------------------------------------------------


def get(conn: Connection, tenant: str, name: str, crypt: Cipher | None,
        lock: bool = False) -> Stored | None:
    """The rule of that name; with ``lock`` nobody else changes it in this transaction."""
    query = sa.select(watch_rule).where(watch_rule.c.tenant == tenant, watch_rule.c.name == name)
    row = conn.execute(query.with_for_update() if lock else query).mappings().first()
    return None if row is None else _stored(row, crypt)


def list_rules(conn: Connection, tenant: str, crypt: Cipher | None, *, names: Collection[str] | None = None,
               prefix: str | None = None, states: Collection[str] | None = None,
               metric_hash: str | None = None, after: str = '', limit: int | None = None) -> list[Stored]:
    """Rules of a project by name, beyond the name ``after``."""
    query = sa.select(watch_rule).where(watch_rule.c.tenant == tenant, watch_rule.c.name > after)
    if names is not None:
        query = query.where(watch_rule.c.name.in_(sorted(names)))
    if prefix is not None:
        query = query.where(watch_rule.c.name.startswith(prefix, autoescape=True))
    if states is not None:
        query = query.where(watch_rule.c.state.in_(states))
    if metric_hash is not None:
        query = query.where(watch_rule.c.metric_hash == metric_hash)
    rows = conn.execute(query.order_by(watch_rule.c.name).limit(limit)).mappings()
    return [_stored(row, crypt) for row in rows]


def count(conn: Connection, tenant: str) -> int:
    return int(conn.execute(sa.select(sa.func.count()).select_from(watch_rule).where(
        watch_rule.c.tenant == tenant)).scalar_one())


def of_inside(conn: Connection, user_project: str, name: str, crypt: Cipher | None) -> Stored | None:
    """The rule that a user inside a stack may send samples to: one of that stack's tree."""
    trees = sa.select(stack.c.root_stack_id).where(
        stack.c.stack_user_project_id == user_project, stack.c.deleted_at.is_(None))
    row = conn.execute(sa.select(watch_rule).join(stack, stack.c.id == watch_rule.c.stack_id).where(
        watch_rule.c.name == name, stack.c.root_stack_id.in_(trees))).mappings().first()
    return None if row is None else _stored(row, crypt)


def due(conn: Connection, now: float, crypt: Cipher | None, limit: int) -> tuple[list[Stored], list[int]]:
    """Rules to be evaluated at ``now``, the most overdue first, and the numbers of those no key fits."""
    rows = conn.execute(sa.select(watch_rule).where(watch_rule.c.due_at <= now).order_by(
        watch_rule.c.due_at, watch_rule.c.id).limit(limit)).mappings()
    found: list[Stored] = []
    sealed: list[int] = []
    for row in rows:
        try:
            found.append(_stored(row, crypt))
        except InvalidEncryptionKey as error:
            LOG.warning('Watch rule %s of project %s cannot be read: %s', row['name'], row['tenant'], error)
            sealed.append(row['id'])
    return found, sealed


def soonest(conn: Connection) -> float | None:
    """When the next rule is due."""
    return conn.execute(sa.select(sa.func.min(watch_rule.c.due_at))).scalar()


def anything(conn: Connection) -> bool:
    """Whether there is anything to watch, or to clear away some day."""
    return any(conn.execute(sa.select(table.c.id).limit(1)).first() is not None
               for table in (watch_rule, watch_metric, watch_history))


# -- writing ---------------------------------------------------------------------------------------


def unchanged(conn: Connection, rules: Sequence[Stored]) -> set[int]:
    """The numbers of those that are as they were read; nobody changes them in this transaction."""
    found: set[int] = set()
    wanted = {one.number: one.revision for one in rules}
    for chunk in bulk.chunks(sorted(wanted)):
        rows = conn.execute(sa.select(watch_rule.c.id, watch_rule.c.revision).where(
            watch_rule.c.id.in_(chunk)).order_by(watch_rule.c.id).with_for_update())
        found |= {number for number, revision in rows if wanted[number] == revision}
    return found


def update(conn: Connection, stored: Stored, /, **changes: Any) -> bool:
    """Change columns of a rule; False if it was changed since it was read, or is gone."""
    return bool(conn.execute(sa.update(watch_rule).where(
        watch_rule.c.id == stored.number, watch_rule.c.revision == stored.revision).values(
            revision=stored.revision + 1, **changes)).rowcount)


def put_off(conn: Connection, dues: Mapping[int, float], now: datetime.datetime) -> None:
    """Rules that were evaluated without news are due again then."""
    if dues:
        conn.execute(sa.update(watch_rule).where(watch_rule.c.id == sa.bindparam('number')).values(
            due_at=sa.bindparam('due'), last_evaluated=now),
            [{'number': number, 'due': at} for number, at in dues.items()])


def put(conn: Connection, tenant: str, rule: WatchRule, crypt: Cipher | None, now: datetime.datetime,
        at: float, stack_id: str | None = None, row_uuid: str | None = None) -> bool:
    """Make the rule of that name, or let the one that is there be so; its state stays.

    False if another of that name was made at the same moment.
    """
    leases.offer(conn, leases.WATCHES)
    before = get(conn, tenant, rule.name, crypt, lock=True)
    values = {**_columns(tenant, rule, crypt), 'stack_id': stack_id, 'row_uuid': row_uuid}
    due_at = next_due(rule, at, 0.0)
    if before is None:
        if not bulk.insert_missing(conn, watch_rule, [{
                'tenant': tenant, 'state': NODATA, 'state_reason': UNCHECKED, 'state_at': at,
                'due_at': due_at, 'revision': 1, 'last_evaluated': now, 'created_at': now,
                'updated_at': now, **values}]):
            return False
    else:
        actions = rule.actions_of(before.state)
        owed = list(before.owed) if actions == before.rule.actions_of(before.state) else [
            *range(len(actions) if before.owed else 0)]
        resting = before.state == SUSPENDED
        update(conn, before, owed=owed, due_at=None if resting else due_at, updated_at=now, **values)
    told = 'created' if before is None else 'updated'
    if before is None or before.rule != rule:
        record(conn, tenant, [Entry(rule.name, at, CONFIGURATION, f'Alarm "{rule.name}" {told}', {
            'version': '1.0', 'type': told[:-1].capitalize(), 'alarm': _without_signatures(rule)})])
    return True


def _without_signatures(rule: WatchRule) -> dict[str, Any]:
    told = rule.to_wire()
    return {**told, **{key: [shown(action) for action in told[key]] for key in ACTIONS}}


def enable(conn: Connection, rule: Stored, enabled: bool, crypt: Cipher | None, now: datetime.datetime,
           at: float) -> None:
    """Switch the actions of a rule, which is locked, on or off."""
    if rule.rule.actions_enabled is enabled:
        return
    update(conn, rule, updated_at=now,
           **_columns(rule.tenant, replace(rule.rule, actions_enabled=enabled), crypt))
    said = 'enabled' if enabled else 'disabled'
    record(conn, rule.tenant, [Entry(
        rule.rule.name, at, CONFIGURATION, f'Actions of alarm "{rule.rule.name}" {said}')])


def remove(conn: Connection, rules: Sequence[Stored], at: float) -> None:
    for rule in rules:
        if conn.execute(sa.delete(watch_rule).where(watch_rule.c.id == rule.number)).rowcount:
            record(conn, rule.tenant, [Entry(
                rule.rule.name, at, CONFIGURATION, f'Alarm "{rule.rule.name}" deleted',
                {'version': '1.0', 'type': 'Delete', 'alarm': _without_signatures(rule.rule)})])


def release(conn: Connection, stack_ids: Sequence[str]) -> None:
    """The stacks are gone; rules that were retained are the project's own from now on."""
    for resting in (True, False):
        state = {'state': NODATA, 'due_at': 0.0} if resting else {}
        conn.execute(sa.update(watch_rule).where(
            watch_rule.c.stack_id.in_(list(stack_ids)),
            (watch_rule.c.state == SUSPENDED) if resting else sa.true()).values(
                revision=watch_rule.c.revision + 1, **state,
                **({} if resting else {'stack_id': None, 'row_uuid': None})))


def apply(conn: Connection, change: model.Change, crypt: Cipher | None, now: datetime.datetime,
          at: float) -> None:
    """Carry out a step's change, in the transaction that saves its row."""
    if isinstance(change, model.PutWatch):
        before = get(conn, change.tenant, change.rule.name, crypt)
        mine = (change.row_uuid, None) if change.adopt else (change.row_uuid,)
        if before is not None and before.row_uuid not in mine:
            LOG.info('Watch rule %s of resource %s stays away: there is one of that name.',
                     change.rule.name, change.row_uuid)
            return
        put(conn, change.tenant, change.rule, crypt, now, at, change.stack_id, change.row_uuid)
        return
    row = conn.execute(sa.select(watch_rule).where(
        watch_rule.c.row_uuid == change.row_uuid).with_for_update()).mappings().first()
    if row is None:
        return
    stored = _stored(row, crypt)
    if isinstance(change, model.DropWatch):
        remove(conn, [stored], at)
    elif change.resting is not (stored.state == SUSPENDED):
        state = SUSPENDED if change.resting else NODATA
        reason = 'The stack is suspended.' if change.resting else 'The stack was resumed.'
        update(conn, stored, state=state, state_reason=reason, state_reason_data=None, state_at=at, owed=[],
               due_at=None if change.resting else next_due(stored.rule, at, 0.0))
        record(conn, stored.tenant, [changed(stored, state, reason, None, at)])


# -- history ---------------------------------------------------------------------------------------


def changed(rule: Stored, state: str, reason: str, data: Any, at: float) -> Entry:
    """A change of state, as its history has it."""
    return Entry(rule.rule.name, at, STATE, f'Alarm updated from {model.SAID[rule.state]} to '
                 f'{model.SAID[state]}', {
        'version': '1.0',
        'oldState': {'stateValue': model.SAID[rule.state], 'stateReason': rule.reason,
                     'stateReasonData': rule.reason_data},
        'newState': {'stateValue': model.SAID[state], 'stateReason': reason, 'stateReasonData': data}})


def record(conn: Connection, tenant: str, entries: Sequence[Entry]) -> None:
    bulk.insert(conn, watch_history, [
        {'tenant': tenant, 'name': one.name, 'at': one.at, 'kind': one.kind, 'summary': one.summary,
         'data': one.data} for one in entries])


def history(conn: Connection, tenant: str, *, name: str | None = None, kind: str | None = None,
            start: float | None = None, end: float | None = None, newest_first: bool = True,
            after: int | None = None, limit: int = 100) -> list[Entry]:
    """Lines of a project's history by their numbers, beyond number ``after``."""
    of = watch_history.c
    query = sa.select(watch_history).where(of.tenant == tenant)
    for column, wanted in ((of.name, name), (of.kind, kind)):
        query = query if wanted is None else query.where(column == wanted)
    if start is not None:
        query = query.where(of.at >= start)
    if end is not None:
        query = query.where(of.at <= end)
    if after is not None:
        query = query.where(of.id < after if newest_first else of.id > after)
    rows = conn.execute(query.order_by(of.id.desc() if newest_first else of.id).limit(limit)).mappings()
    return [Entry(row['name'], row['at'], row['kind'], row['summary'] or '', row['data'], row['id'])
            for row in rows]


def purge(conn: Connection, now: float, limit: int = 5000) -> bool:
    """Remove history older than it is kept; True if there is more."""
    old = list(conn.execute(sa.select(watch_history.c.id).where(
        watch_history.c.at < now - HISTORY_KEPT).limit(limit)).scalars())
    for chunk in bulk.chunks(old):
        conn.execute(sa.delete(watch_history).where(watch_history.c.id.in_(chunk)))
    return len(old) == limit
