"""Watch rules: made, shown, changed, deleted.

Purpose: the RPC methods over ``db.watches``; the classic's names where it had them.
Invariant: a project sees and changes its own rules; those of a stack are changed
through the stack; what cannot be evaluated or carried out is refused. Neighbours:
``metrics`` takes samples, ``watcher`` evaluates, ``plan.watch_rule`` checks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from sqlalchemy import Engine
from sqlalchemy.engine import Connection

from heat.common import errors
from heat.common.clock import Clock
from heat.common.context import RequestContext
from heat.db import connect, metrics, watches
from heat.db.secrets import Cipher
from heat.db.watches import Stored
from heat.engine import render, watch_actions, watcher
from heat.engine.metrics import moment_of, tenant_of
from heat.model.watch import NODATA, SAID, SETTABLE, SUSPENDED, Metric, arn_of
from heat.plan.watch import iso
from heat.plan.watch_rule import ACTIONS, check_dimensions, foreign, rule_of

MOST_RULES = 5000
MOST_PAGE = 100
# Rules read at once while looking for those that a filter lets through.
PORTION = 500
SAME = ('statistic', 'period', 'unit')


class Watches:
    """Methods of the RPC interface."""

    def __init__(self, database: Engine, crypt: Cipher, clock: Clock, poke: Callable[[str], None]) -> None:
        self._database = database
        self._crypt = crypt
        self._clock = clock
        self._poke = poke

    # -- shown -------------------------------------------------------------------------------------

    def show_watch(self, context: RequestContext, watch_name: str | None) -> list[dict[str, Any]]:
        """The rule of that name, or all for None; WatchRuleNotFound."""
        tenant = tenant_of(context)
        if watch_name is None:
            every = connect.reading(self._database, watches.list_rules, tenant, self._crypt)
            return [shown(one) for one in every]
        return [shown(connect.reading(self._database, self._rule, tenant, watch_name))]

    def list_watches(self, context: RequestContext, names: Sequence[str] | None = None,
                     prefix: str | None = None, state: str | None = None, action_prefix: str | None = None,
                     metric: Mapping[str, Any] | None = None, marker: str | None = None,
                     limit: int = MOST_PAGE) -> dict[str, Any]:
        """A page of rules by name: ``watches``, and the ``marker`` that asks for the next."""
        tenant, size = tenant_of(context), page_size(limit)
        if state is not None and state not in SAID:
            raise errors.Invalid(reason=f'"{state}" is no state of a watch rule; use one of '
                                        f'{", ".join(SAID)}.')
        # To who asks for rules of which nothing is known, one that rests is such a rule.
        states = None if state is None else (state, SUSPENDED) if state == NODATA else (state,)
        of = None if metric is None else _metric(metric)

        def load(conn: Connection) -> list[Stored]:
            found: list[Stored] = []
            after = marker or ''
            while len(found) <= size:
                some = watches.list_rules(
                    conn, tenant, self._crypt, names=names, prefix=prefix, states=states, after=after,
                    metric_hash=None if of is None else metrics.hash_of(tenant, of), limit=PORTION)
                found += [one for one in some if _acts(one, action_prefix) and _alike(one, metric)]
                if len(some) < PORTION:
                    break
                after = some[-1].rule.name
            return found

        found = connect.reading(self._database, load)
        return {'watches': [shown(one) for one in found[:size]],
                'marker': found[size - 1].rule.name if len(found) > size else None}

    def list_watch_history(self, context: RequestContext, name: str | None = None, kind: str | None = None,
                           start: str | None = None, end: str | None = None, newest_first: bool = True,
                           marker: str | None = None, limit: int = MOST_PAGE) -> dict[str, Any]:
        """A page of what became of the project's rules: ``items`` and the ``marker`` of the next.

        Rules that are gone have their history for fourteen days; ``data`` is a JSON text.
        """
        size = page_size(limit)
        if kind is not None and kind not in watches.KINDS:
            raise errors.Invalid(reason=f'"{kind}" is no kind of history; use one of '
                                        f'{", ".join(watches.KINDS)}.')
        found = connect.reading(
            self._database, watches.history, tenant_of(context), name=name, kind=kind,
            start=None if start is None else moment_of(start), end=None if end is None else moment_of(end),
            newest_first=newest_first, after=number_of(marker), limit=size + 1)
        return {'items': [{'name': one.name, 'at': iso(one.at), 'kind': one.kind, 'summary': one.summary,
                           'data': json.dumps(one.data or {})} for one in found[:size]],
                'marker': str(found[size - 1].number) if len(found) > size else None}

    # -- changed -----------------------------------------------------------------------------------

    def put_watch(self, context: RequestContext, watch: Mapping[str, Any]) -> dict[str, Any]:
        """Make a rule, or let the one of that name be so.

        Invalid says what is wrong with it; InvalidRestrictedAction if it is a stack's;
        RequestLimitExceeded when the project has too many.
        """
        tenant = tenant_of(context)
        try:
            rule = rule_of(watch)
        except ValueError as error:
            raise errors.Invalid(reason=str(error)) from None
        for action in dict.fromkeys(one for key in ACTIONS for one in getattr(rule, key)):
            said = foreign(action, tenant)
            if said is not None:
                raise errors.Invalid(reason=said)

        def put(conn: Connection) -> Stored:
            there = watches.get(conn, tenant, rule.name, self._crypt)
            self._own(there)
            if there is None and watches.count(conn, tenant) >= MOST_RULES:
                raise errors.RequestLimitExceeded(message=f'A project may have {MOST_RULES} watch rules.')
            for action in dict.fromkeys(one for key in ACTIONS for one in getattr(rule, key)):
                try:
                    watch_actions.find(conn, action, tenant, None, self._crypt)
                except LookupError as error:
                    raise errors.Invalid(reason=str(error)) from None
            if not watches.put(conn, tenant, rule, self._crypt, self._clock.now(), self._clock.wall()):
                raise errors.ConcurrentTransaction(action=f'changing watch rule {rule.name}')
            return self._rule(conn, tenant, rule.name)

        return shown(connect.writing_past_deadlocks(self._database, put))

    def delete_watches(self, context: RequestContext, names: Sequence[str]) -> None:
        """Delete all of them, or none: WatchRuleNotFound, InvalidRestrictedAction for a stack's."""
        tenant = tenant_of(context)

        def delete(conn: Connection) -> None:
            found = [self._rule(conn, tenant, name) for name in dict.fromkeys(names)]
            for one in found:
                self._own(one)
            watches.remove(conn, found, self._clock.wall())

        connect.writing_past_deadlocks(self._database, delete)

    def set_watch_state(self, context: RequestContext, watch_name: str, state: str,
                        reason: str | None = None, reason_data: Any = None) -> dict[str, Any]:
        """Let a rule be in that state until the next evaluation, and carry out the state's actions."""
        tenant = tenant_of(context)
        if state not in SETTABLE:
            raise errors.Invalid(reason=f'"{state}" is no state to set; use one of {", ".join(SETTABLE)}.')

        def change(conn: Connection) -> tuple[Stored, set[str]]:
            rule = self._rule(conn, tenant, watch_name, lock=True)
            if rule.state == SUSPENDED:
                raise errors.InvalidRestrictedAction(message=(
                    f'The watch rule {watch_name} is suspended with its stack; resume the stack.'))
            if rule.state == state:
                return rule, set()
            roots = watcher.change_state(
                conn, rule, state, reason or 'The state was set by hand.', _data(reason_data), self._crypt,
                self._clock.now(), self._clock.wall(), updated_at=self._clock.now())
            return self._rule(conn, tenant, watch_name), roots

        rule, roots = connect.writing_past_deadlocks(self._database, change)
        for root in sorted(roots):
            self._poke(root)
        return shown(rule)

    def set_watch_actions(self, context: RequestContext, names: Sequence[str], enabled: bool) -> None:
        """Switch the actions of rules on or off; WatchRuleNotFound if one of them is not there."""
        tenant = tenant_of(context)
        if not isinstance(enabled, bool):
            raise errors.Invalid(reason='"enabled" is true or false.')

        def change(conn: Connection) -> None:
            for name in dict.fromkeys(names):
                watches.enable(conn, self._rule(conn, tenant, name, lock=True), enabled, self._crypt,
                               self._clock.now(), self._clock.wall())

        connect.writing_past_deadlocks(self._database, change)

    # -- shared ------------------------------------------------------------------------------------

    def _rule(self, conn: Connection, tenant: str, name: str, lock: bool = False) -> Stored:
        found = watches.get(conn, tenant, name, self._crypt, lock)
        if found is None:
            raise errors.WatchRuleNotFound(watch_name=name)
        return found

    @staticmethod
    def _own(rule: Stored | None) -> None:
        if rule is not None and rule.row_uuid is not None:
            raise errors.InvalidRestrictedAction(message=(
                f'The watch rule {rule.rule.name} belongs to a resource of stack {rule.stack_id}; change it '
                'by an update of the stack.'))

def shown(rule: Stored) -> dict[str, Any]:
    """A rule by the names of the interface."""
    told = rule.rule.to_wire()
    return {**told, 'topic': arn_of(rule.tenant, rule.rule.name), 'state_value': rule.state,
            'state_reason': rule.reason,
            'state_reason_data': '' if rule.reason_data is None else json.dumps(rule.reason_data),
            'state_updated_time': None if rule.state_at is None else iso(rule.state_at),
            'updated_time': render.moment(rule.updated_at), 'stack_id': rule.stack_id}


def _acts(rule: Stored, prefix: str | None) -> bool:
    return prefix is None or any(one.startswith(prefix) for key in ACTIONS for one in getattr(rule.rule, key))


def _alike(rule: Stored, metric: Mapping[str, Any] | None) -> bool:
    return metric is None or all(
        metric.get(key) in (None, getattr(rule.rule, key)) for key in SAME)


def _metric(given: Mapping[str, Any]) -> Metric:
    try:
        check_dimensions(given.get('dimensions'))
    except ValueError as error:
        raise errors.Invalid(reason=str(error)) from None
    pairs = tuple(sorted((name, value) for name, value in given.get('dimensions') or ()))
    return Metric(str(given.get('namespace')), str(given.get('name')), pairs)


def _data(given: Any) -> Any:
    """Reason data, which requests have as a JSON text; what is none is kept as it is."""
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given)
    except ValueError:
        return given


def page_size(limit: Any) -> int:
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise errors.Invalid(reason=f'"limit" is a number of 1 or more, not {limit!r}.')
    return min(limit, PORTION)


def number_of(marker: str | None) -> int | None:
    """A marker that is a number; Invalid if it is none of ours."""
    if marker is None:
        return None
    if not str(marker).isdecimal() or len(str(marker)) > 18:
        _no_marker(marker)
    return int(marker)


def _no_marker(marker: Any) -> NoReturn:
    raise errors.Invalid(reason=f'"{marker}" is no marker of a page.')
