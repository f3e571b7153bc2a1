"""The actions of a watch rule: signals to resources of stacks.

Purpose: find the resources that a rule's actions mean and leave signals for them, in
the transaction that changes the rule's state. Invariant: what cannot be taken now,
since a stack is being worked on or rests, is owed; what never can is told in the
rule's history. Neighbours: ``watcher`` and ``watches`` change states, the tree's
owner applies the signals.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from heat.db import resources, signals, stacks
from heat.db.schema import resource as resource_table
from heat.db.secrets import Cipher
from heat.db.watches import ACTION, Entry, Stored
from heat.engine.loader import Loader
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Action, Status
from heat.plan.watch_rule import shown, target_of

LOG = logging.getLogger(__name__)


@dataclass
class Delivery:
    """``owed`` are places of actions still to be carried out, ``roots`` the trees that got signals."""

    owed: list[int] = field(default_factory=list)
    roots: set[str] = field(default_factory=set)
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Found:
    """A resource that an action means; ``busy`` if it takes no signal now."""

    stack: Stack
    row: Row
    busy: bool

    @property
    def scales(self) -> bool:
        return bool(Loader.plugin(self.row).scales)


def deliver(conn: Connection, rule: Stored, state: str, places: Iterable[int], crypt: Cipher,
            now: datetime.datetime, at: float, repeated: bool = False) -> Delivery:
    """Signal what the actions at these ``places`` of the state's list mean.

    ``repeated``: the state has not changed, so only scaling policies hear of it again.
    """
    done = Delivery()
    actions = rule.rule.actions_of(state)
    wanted = [place for place in places if place < len(actions)]
    if not rule.rule.actions_enabled or not wanted:
        return done
    own = stacks.load_stack(conn, rule.stack_id) if rule.stack_id is not None else None
    if own is not None and _at_work(own):
        done.owed = [] if repeated else wanted
        return done
    for place in wanted:
        action = actions[place]
        try:
            found = find(conn, action, rule.tenant, rule.stack_id, crypt)
        except LookupError as error:
            if not repeated:
                done.entries.append(_entry(rule, at, action, str(error)))
            continue
        if repeated and not found.scales:
            continue
        if found.busy:
            done.owed += [] if repeated else [place]
            continue
        signals.add(conn, found.stack.root_id, found.stack.id, found.row.name,
                    {'alarm': rule.rule.name, 'state': state}, crypt, now)
        done.roots.add(found.stack.root_id)
        done.entries.append(_entry(rule, at, action, None))
    return done


def find(conn: Connection, action: str, tenant: str, stack_id: str | None, crypt: Cipher) -> Found:
    """The resource that an action of a rule means; LookupError says why there is none."""
    try:
        target = target_of(action)
    except ValueError as error:
        raise LookupError(str(error)) from None
    wanted = target.stack.stack_id if target.stack is not None else stack_id
    if wanted is None:
        raise LookupError(f'"{shown(action)}" names no stack, and the alarm belongs to none.')
    stack = stacks.load_stack(conn, wanted, tenant)
    if stack is None or stack.tenant != tenant or (
            target.stack is not None and target.stack.stack_name != stack.name):
        raise LookupError(f'The stack of "{shown(action)}" is not there any more.')
    rows = _rows(conn, stack.id, target.name, crypt, by_id=target.stack is None)
    rows.sort(key=lambda row: (row.action is Action.DELETE, row.replaced_by is not None))
    if not rows:
        raise LookupError(f'The stack {stack.name} has no resource "{target.name}".')
    plugin = Loader.plugin(rows[0])
    if not plugin.signals or plugin.deploys:
        raise LookupError(f'The resource {rows[0].name} of stack {stack.name} takes no signals.')
    return Found(stack, rows[0], _at_work(stack) or rows[0].action in (Action.SUSPEND, Action.DELETE))


def _rows(conn: Connection, stack_id: str, name: str, crypt: Cipher, by_id: bool) -> list[Row]:
    rows = resources.rows_of_name(conn, stack_id, name, crypt)
    if rows or not by_id:
        return rows
    # What a template refers to is for most types the physical id.
    names = conn.execute(sa.select(resource_table.c.name).where(
        resource_table.c.stack_id == stack_id, resource_table.c.nova_instance == name)).scalars()
    return [row for one in names for row in resources.rows_of_name(conn, stack_id, one, crypt)
            if row.physical_id == name]


def _at_work(stack: Stack) -> bool:
    return stack.action is Action.DELETE or stack.status is not Status.COMPLETE


def _entry(rule: Stored, at: float, action: str, refusal: str | None) -> Entry:
    data: dict[str, Any] = {'actionState': 'Succeeded' if refusal is None else 'Failed',
                            'notificationResource': shown(action)}
    if refusal is None:
        said = f'Successfully executed action {shown(action)}'
    else:
        said = f'Failed to execute action {shown(action)}. {refusal}'
        data['error'] = refusal
        LOG.warning('Watch rule %s: %s', rule.rule.name, refusal)
    return Entry(rule.rule.name, at, ACTION, said, data)
