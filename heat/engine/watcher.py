"""The evaluation of watch rules, by one engine at a time.

Purpose: whoever holds the lease of the rules looks at those that are due, writes
what has changed and signals whom it concerns. Invariant: a change of state and its
signals are one transaction under the lease, so that a crash loses no action and
doubles none. Without rules and samples there is no lease, and nothing is asked.
Neighbours: ``owner`` finds a lease that nobody has, ``plan.watch`` judges.
"""

from __future__ import annotations

import datetime
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Engine, exc
from sqlalchemy.engine import Connection

from heat.common import green
from heat.common.clock import Clock
from heat.db import connect, leases, metrics, watches
from heat.db.leases import WATCHES
from heat.db.secrets import Cipher
from heat.db.watches import Stored
from heat.engine import watch_actions
from heat.model.watch import Statistics
from heat.plan import watch
from heat.plan.watch import Verdict, Windows

LOG = logging.getLogger(__name__)
# Rules in one transaction.
PORTION = 200
PURGE_EVERY = 3600.0
SHORTEST, AGAIN = 1.0, 5.0
Judged = tuple[Stored, Windows, Verdict]


class Watcher:
    """Evaluates for one engine while it has the lease. ``interval`` bounds its pauses, in seconds."""

    def __init__(self, engine_id: str, database: Engine, crypt: Cipher, clock: Clock,
                 poke: Callable[[str], None], *, ttl: float = 20.0, interval: float = 60.0,
                 spawn: Callable[[Callable[[], None]], Any] = green.spawn,
                 failpoint: Callable[[str], None] = lambda name: None) -> None:
        self.fence: int | None = None
        self._engine_id = engine_id
        self._database = database
        self._crypt = crypt
        self._clock = clock
        self._poke = poke
        self._ttl = ttl
        self._interval = interval
        self._spawn = spawn
        self._failpoint = failpoint
        self._retired = False
        self._purge_at = 0.0

    # -- the lease ---------------------------------------------------------------------------------

    def claim(self) -> None:
        """The lease is free or its owner is gone: take it, unless somebody was faster, and begin."""
        if self._retired:
            return

        fence = connect.writing(self._database, leases.take, WATCHES, self._engine_id, self._ttl)
        if fence is None or fence == self.fence:
            return
        self.fence = fence
        LOG.info('Watch rules are evaluated here now (fence %d).', fence)
        self._spawn(partial(self._run, fence))

    def retire(self) -> None:
        """Evaluate no more, and let another engine do so at once."""
        self._retired = True
        fence, self.fence = self.fence, None
        if fence is None:
            return

        connect.writing(self._database, leases.hand_on, WATCHES, self._engine_id, fence)

    def _run(self, fence: int) -> None:
        while self.fence == fence:
            try:
                pause = self.turn()
            except Exception as error:
                LOG.warning('Watch rules could not be evaluated (%s); it is tried again.', error)
                pause = AGAIN
            if pause is not None:
                green.sleep(pause)

    # -- a turn ------------------------------------------------------------------------------------

    def turn(self) -> float | None:
        """Evaluate what is due; seconds until the next turn, None if this engine has nothing to watch."""
        while (fence := self.fence) is not None:
            done = connect.offload(self._database, self._portion, fence)
            if done is None:
                LOG.info('Watch rules are evaluated by another engine now.')
                self._lose(fence)
                break
            more, roots = done
            # Here and not there: the loop is told in its own kind of thread.
            for root in sorted(roots):
                self._poke(root)
            if not more:
                break
        fence = self.fence
        return None if fence is None else connect.offload(self._database, self._rest, fence)

    def _lose(self, fence: int) -> None:
        # It may have been claimed anew meanwhile.
        if self.fence == fence:
            self.fence = None

    def _portion(self, fence: int) -> tuple[bool, set[str]] | None:
        """Evaluate some rules: whether there may be more, and the trees that got signals.

        None if the lease is another's.
        """
        now = self._clock.wall()
        with connect.read(self._database) as conn:
            rules, sealed = watches.due(conn, now, self._crypt, PORTION)
            judged = list(judge(conn, rules, now))
        if not judged and not sealed:
            return False, set()
        self._failpoint('watch.before')
        with connect.write(self._database) as conn:
            if not leases.hold(conn, self._engine_id, {WATCHES: fence}):
                return None
            roots = self._write(conn, judged, dict.fromkeys(sealed, now + self._interval), now)
        self._failpoint('watch.after')
        return len(rules) + len(sealed) == PORTION, roots

    def _write(self, conn: Connection, judged: Sequence[Judged], put_off: dict[int, float],
               now: float) -> set[str]:
        moment = self._clock.now()
        same = watches.unchanged(conn, [rule for rule, _seen, _verdict in judged])
        roots: set[str] = set()
        for rule, _seen, verdict in judged:
            if rule.number not in same:
                # Whoever changed it has said when it is due.
                continue
            due_at = watch.next_due(rule.rule, now, self._interval)
            if not self._news(rule, verdict, now):
                put_off[rule.number] = due_at
                continue
            try:
                # Undone as a whole, so that no signal goes out for a state that is not there.
                with conn.begin_nested():
                    roots |= change_state(
                        conn, rule, verdict.state, verdict.reason, verdict.data, self._crypt, moment, now,
                        due_at=due_at, last_evaluated=moment)
            except exc.SQLAlchemyError:
                raise
            except Exception:
                # The other rules must not wait for one.
                LOG.exception('The state of watch rule %s was not changed.', rule.rule.name)
                put_off[rule.number] = due_at
        watches.put_off(conn, put_off, moment)
        return roots

    def _news(self, rule: Stored, verdict: Verdict, now: float) -> bool:
        if verdict.state != rule.state or rule.owed:
            return True
        return bool(rule.rule.actions_of(rule.state)) and rule.rule.actions_enabled and repeats(rule, now)

    def _rest(self, fence: int) -> float | None:
        now = self._clock.wall()
        if now >= self._purge_at:
            self._purge_at = now + PURGE_EVERY
            self._purge(now)
        with connect.read(self._database) as conn:
            soonest = watches.soonest(conn)
            anything = soonest is not None or watches.anything(conn)
        if not anything and self._give_up(fence):
            return None
        wait = self._interval if soonest is None else soonest - now
        return max(SHORTEST, min(wait, self._interval))

    def _give_up(self, fence: int) -> bool:
        with connect.write(self._database) as conn:
            if leases.hold(conn, self._engine_id, {WATCHES: fence}):
                # Whoever makes a rule waits for this lock, or was seen.
                if watches.anything(conn):
                    return False
                leases.release(conn, WATCHES, self._engine_id, fence)
        self._lose(fence)
        return True

    def _purge(self, now: float) -> None:
        for purge in (metrics.purge, watches.purge):
            more = True
            while more:
                with connect.write(self._database) as conn:
                    more = purge(conn, now)


def judge(conn: Connection, rules: Sequence[Stored], now: float) -> Iterable[Judged]:
    """What the samples make of the rules; rules that look at the same windows are read together."""
    groups: dict[Windows, list[Stored]] = defaultdict(list)
    for rule in rules:
        groups[watch.windows(rule.rule, now)].append(rule)
    for seen, together in groups.items():
        hashes = {key for rule in together for key in rule.hashes}
        points: dict[str, list[metrics.Point]] = defaultdict(list)
        for point in metrics.windows(conn, hashes, seen.start, seen.period, seen.count):
            points[point.metric_hash].append(point)
        for rule in together:
            merged: dict[int, Statistics] = {}
            for key in rule.hashes:
                for point in points[key]:
                    if rule.rule.unit in (None, point.unit):
                        there = merged.get(point.window)
                        merged[point.window] = (point.statistics if there is None
                                                else there.merge(point.statistics))
            yield rule, seen, watch.judge(rule.rule, merged, seen, rule.state)


def repeats(rule: Stored, now: float) -> bool:
    """Whether a state that lasts has its actions carried out again.

    The classic did so at each evaluation. CloudWatch acts when the state changes, and for scaling
    policies once per period for as long as it stays so: a group may need more than one step.
    """
    if rule.rule.lite:
        return True
    return rule.acted_at is not None and now >= rule.acted_at + rule.rule.period - watch.GRACE


def change_state(conn: Connection, rule: Stored, state: str, reason: str, data: Any, crypt: Cipher,
                 moment: datetime.datetime, now: float, **columns: Any) -> set[str]:
    """Write a rule's state, new or not, and carry out its actions; the trees that got signals.

    The rule must be as it was read, and locked.
    """
    changed = state != rule.state
    entries = [watches.changed(rule, state, reason, data, now)] if changed else []
    every = range(len(rule.rule.actions_of(state)))
    if changed or rule.rule.lite:
        done = watch_actions.deliver(conn, rule, state, every, crypt, moment, now)
    elif rule.owed:
        done = watch_actions.deliver(conn, rule, state, rule.owed, crypt, moment, now)
    else:
        done = watch_actions.deliver(conn, rule, state, every, crypt, moment, now, repeated=True)
    if changed:
        columns |= {'state': state, 'state_reason': reason, 'state_reason_data': data, 'state_at': now}
    # The next evaluation of a lite rule acts anyway.
    owed = [] if rule.rule.lite else done.owed
    watches.update(conn, rule, owed=owed, acted_at=now, **columns)
    watches.record(conn, rule.tenant, entries + done.entries)
    return done.roots
