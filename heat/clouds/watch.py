"""Who waits for what, and when to look: bookkeeping for bulk polling.

Purpose: many waiters of one kind cost one listing per round, few cost single
GETs. Invariant: no I/O and no clock of its own beyond the one given; an object
that a list does not show is called gone only after a single GET said so.
Neighbours: the engine asks ``due``, ``performer`` fetches a ``Round``, the
engine gives what came to ``results`` or ``failed``.
"""

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from heat.clouds.credential import AccountRefused
from heat.common.clock import Clock
from heat.model import op

LOG = logging.getLogger(__name__)

# Below this, single GETs cost the service less than a page of everything.
BULK_FROM = 4
GROWTH, JITTER = 1.5, 0.1
# The kind of an answer that cannot be what was asked for; so many in a row end a wait.
SENSELESS, MOST_SENSELESS = 'BadAnswer', 5
# Seconds in which who was let go on must have made the others wait again.
TURN = 1.5
Key = tuple[Any, str, str, op.Site | None]
_SIGNS_OF_PROGRESS = ('status', 'provisioning_status', 'stack_status', 'OS-EXT-STS:task_state', 'progress')


@dataclass(frozen=True, slots=True)
class Round:
    """One look at the cloud with one credential.

    ``bulk``: fetch the pages of ``list_path`` and pick ``ids``; otherwise GET each
    of ``polls`` by its path. ``polls`` has one poll per id.
    """

    number: int
    key: Key
    bulk: bool
    polls: tuple[op.Poll, ...]

    @property
    def credential(self) -> Any:
        return self.key[0]

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(poll.id for poll in self.polls)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a wait: ``body`` (None if the object is gone), or why it failed."""

    body: dict[str, Any] | None = None
    failure: str | None = None
    fault: op.CloudFault | None = None


@dataclass(slots=True)
class _Waiter:
    poll: op.Poll
    sign: tuple[Any, ...] | None = None
    missing: bool = False
    senseless: int = 0

    def bears(self, fault: op.CloudFault) -> bool:
        """True for an answer without sense, such as a proxy's page, until there are too many in a row."""
        if fault.kind != SENSELESS:
            return False
        self.senseless += 1
        return self.senseless < MOST_SENSELESS


@dataclass(slots=True)
class _Group:
    waiters: dict[Hashable, _Waiter] = field(default_factory=dict)
    interval: float = 0.0
    due: float = 0.0
    running: int | None = None
    began: float = 0.0
    # Until when nobody else takes a turn, unless the object is seen at work before.
    taken: float = 0.0


class Watch:
    """All waits of one engine. ``rand`` gives numbers in [0, 1)."""

    def __init__(self, clock: Clock, rand: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._rand = rand
        self._groups: dict[Key, _Group] = {}
        self._key_of: dict[Hashable, Key] = {}
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        return len(self._key_of)

    def add(self, poll: op.Poll, key: Key, token: Hashable) -> None:
        """Wait for ``poll``; ``key`` is (credential, service, list path, site), ``token`` the waiter.

        A token that waits already is replaced.
        """
        self.remove(token)
        group = self._groups.setdefault(key, _Group())
        soon = self._clock.monotonic() + poll.interval
        group.due = soon if not group.waiters else min(group.due, soon)
        group.interval = poll.interval
        group.waiters[token] = _Waiter(poll)
        self._key_of[token] = key

    def remove(self, token: Hashable) -> None:
        """Wait no longer; unknown tokens are ignored."""
        key = self._key_of.pop(token, None)
        if key is not None:
            group = self._groups[key]
            del group.waiters[token]
            if not group.waiters:
                del self._groups[key]

    def next_due(self) -> float | None:
        """Monotonic time of the next round that can begin, None if there is none."""
        return min((group.due for group in self._groups.values() if group.running is None), default=None)

    def due(self, now: float) -> list[Round]:
        """The rounds to begin at ``now``; each must end in ``results`` or ``failed``."""
        rounds = []
        for key, group in self._groups.items():
            if group.running is not None or group.due > now:
                continue
            waiters = group.waiters.values()
            confirm = [waiter for waiter in waiters if waiter.missing]
            chosen = confirm or list(waiters)
            polls = {waiter.poll.id: waiter.poll for waiter in chosen}
            bulk = not confirm and len(polls) >= BULK_FROM and all(poll.list_path for poll in polls.values())
            group.running, group.began = next(self._numbers), now
            rounds.append(Round(group.running, key, bulk, tuple(polls.values())))
        return rounds

    def results(self, round_: Round, bodies: Mapping[str, Any]) -> list[tuple[Hashable, Verdict]]:
        """Judge what a round brought: id -> body, None for what a single GET did not find.

        A value may be a CloudFault: that object could not be asked. Gives the
        waits that ended; the others wait on.
        """
        group = self._ended(round_)
        if group is None:
            return []
        ended: list[tuple[Hashable, Verdict]] = []
        moved = unsure = False
        asked = round_.ids
        now = self._clock.monotonic()
        for token, waiter in list(group.waiters.items()):
            if waiter.poll.id not in asked:
                continue
            body = bodies.get(waiter.poll.id)
            if isinstance(body, op.CloudFault):
                if not _passing(body) and not waiter.bears(body):
                    ended.append((token, Verdict(fault=body)))
                continue
            if body is None and round_.bulk:
                waiter.missing = unsure = True
                continue
            waiter.missing = False
            try:
                sign = None if body is None else _signs(body)
                judged = waiter.poll.judge(body)
            except Exception as error:  # the border: no plugin's exception passes it
                # It would leave the round without a next one at its time, and so be met again at once.
                fault = _senseless(waiter.poll, error)
                if not waiter.bears(fault):
                    ended.append((token, Verdict(fault=fault)))
                continue
            waiter.senseless = 0
            moved = moved or sign != waiter.sign
            waiter.sign = sign
            if isinstance(judged, str):
                ended.append((token, Verdict(body, failure=judged)))
            elif not judged:
                group.taken = 0.0
            elif not waiter.poll.in_turn or group.taken <= now:
                group.taken = now + TURN
                ended.append((token, Verdict(body)))
        self._plan(group, moved or bool(ended), unsure)
        for token, _verdict in ended:
            self.remove(token)
        return ended

    def failed(self, round_: Round, fault: op.CloudFault) -> list[tuple[Hashable, Verdict]]:
        """A round that brought nothing. Refusals end its waits, passing trouble only delays them."""
        group = self._ended(round_)
        if group is None:
            return []
        if round_.bulk and not _passing(fault):
            # The list may be forbidden where the single object is not.
            for waiter in group.waiters.values():
                waiter.missing = True
            self._plan(group, False, True)
            return []
        ended = []
        if not _passing(fault):
            asked = round_.ids
            ended = [
                (token, Verdict(fault=fault))
                for token, waiter in group.waiters.items()
                if waiter.poll.id in asked and not waiter.bears(fault)
            ]
        self._plan(group, False, False)
        for token, _verdict in ended:
            self.remove(token)
        return ended

    def _ended(self, round_: Round) -> _Group | None:
        """The round's group, None if it is not waiting for this round any more."""
        group = self._groups.get(round_.key)
        if group is None or group.running != round_.number:
            return None
        group.running = None
        return group

    def _plan(self, group: _Group, moved: bool, unsure: bool) -> None:
        now = self._clock.monotonic()
        if unsure:
            group.due = now
            return
        shortest = min(waiter.poll.interval for waiter in group.waiters.values())
        longest = min(waiter.poll.max_interval for waiter in group.waiters.values())
        group.interval = shortest if moved else min(group.interval * GROWTH, longest)
        # A listing that takes long is not begun again at once: at most half of the time goes to it.
        pause = max(group.interval, now - group.began)
        group.due = now + pause * (1 - JITTER + 2 * JITTER * self._rand())


def _signs(body: Any) -> tuple[Any, ...]:
    """What tells that something has moved; of a list, its length."""
    if isinstance(body, list):
        return (len(body),)
    return tuple(repr(body.get(name)) for name in _SIGNS_OF_PROGRESS)


def _senseless(poll: op.Poll, error: Exception) -> op.CloudFault:
    LOG.warning('The answer of the %s service about %s makes no sense (%s: %s).', poll.service, poll.id,
                type(error).__name__, error)
    return op.CloudFault(200, f'The answer of the {poll.service} service about {poll.id} makes no sense.',
                         poll.service, kind=SENSELESS)


def _passing(fault: op.CloudFault) -> bool:
    """True for trouble that may be over at the next look."""
    unreachable = fault.status == 0 and fault.kind == 'ConnectFailure'
    # An operator who gives the service another password lets the engine know it a little later.
    refused = fault.kind == AccountRefused.__name__
    return unreachable or refused or fault.status == 429 or fault.status >= 500
