"""Several quick questions in one message: what a message costs is shared by all that ask at once.

Invariant: who is alone waits for nobody and sends a plain call. Where many ask, the first takes along what
is asked until the message before has come back or ``MANY`` are there, and waits ``GATHER`` seconds for as
many as the last time, since who was answered asks again. Each question keeps its own context, answer and
error. Only what changes nothing travels so, since a question that holds up the others is asked again by
itself. An engine of an earlier release is asked one by one. Neighbours: ``client`` asks here, ``server``
unpacks.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from heat.bus import wire
from heat.common import errors, green

METHOD = 'answer_parcel'
# Questions in one message, and of these how many an engine answers at once, at most.
SIZE, AT_ONCE = 16, 4
# While a message is under way, so many questions are worth another, and so many messages are enough.
MANY, UNDER_WAY = 8, 2
# How long others wait for a message that is under way, and for as many as asked the last time, in seconds.
LINGER, GATHER = 0.02, 0.002
# The longest page, and the longest template with all that belongs to it (characters), that count as quick.
PAGE, LENGTH = 100, 16_384
# How long an engine waits for the slowest answer before it sends the others, in seconds.
PATIENCE = 1.0
# How long a question that was too slow, or an engine that takes no parcels, is remembered, in seconds.
MEMORY = 60.0
# So many slow questions are remembered.
SLOW = 1000

QUICK = frozenset((
    'count_stacks', 'describe_stack_resource', 'get_revision', 'identify_stack', 'list_events', 'list_stacks',
    'metadata_software_deployments', 'show_stack', 'validate_template'))

# (context, method, arguments), plain, as they cross the bus.
Question = tuple[dict[str, Any], str, dict[str, Any]]
Ask = Callable[[dict[str, Any], str, dict[str, Any]], Any]


def is_quick(method: str, arguments: dict[str, Any]) -> bool:
    """Whether the answer is small and soon known."""
    if method in ('list_stacks', 'list_events'):
        limit = arguments.get('limit')
        return isinstance(limit, int) and 0 < limit <= PAGE
    if method == 'validate_template':
        return len(json.dumps(arguments)) <= LENGTH
    return method in QUICK


def questions(arguments: dict[str, Any]) -> list[Question]:
    """What a parcel asks; only quick methods. Raises NotSupported for anything else."""
    found = [(dict(context), str(method), dict(given))
             for context, method, given in arguments.get('questions') or ()]
    for _context, method, _given in found:
        if method not in QUICK:
            raise errors.NotSupported(feature=f'The RPC method {method} in a parcel')
    return found


@dataclass(slots=True, eq=False)
class _Asked:
    question: Question
    # None: to be asked by itself.
    reply: Any = None


@dataclass(slots=True, eq=False)
class _Company:
    members: list[_Asked] = field(default_factory=list)
    # ``go`` is set when there are so many, and when a message has come back.
    wanted: int = SIZE
    go: threading.Event = field(default_factory=green.Event)
    answered: threading.Event = field(default_factory=green.Event)


class Parcels:
    """Asks by ``ask``, which sends one message and returns the reply, whatever travels in it."""

    def __init__(self, ask: Ask, now: Callable[[], float] = time.monotonic, linger: float = LINGER,
                 gather: float = GATHER) -> None:
        self._ask = ask
        self._now = now
        self._linger, self._gather = linger, gather
        self._lock = threading.Lock()
        self._next: _Company | None = None
        self._under_way = 0
        # How many went together the last times.
        self._usual = 1
        self._not_before = 0.0
        self._slow: dict[str, float] = {}

    def ask(self, context: dict[str, Any], method: str, arguments: dict[str, Any]) -> Any:
        """The reply to one question, as ``ask`` would bring it."""
        asked = _Asked((context, method, arguments))
        if self._travels_alone(asked):
            return self._ask(context, method, arguments)
        with self._lock:
            company = self._next
            first = company is None
            if company is None:
                company = self._next = _Company()
            company.members.append(asked)
            if len(company.members) == SIZE:
                self._next = None
            if len(company.members) >= company.wanted:
                company.go.set()
        if first:
            self._lead(company)
        else:
            company.answered.wait()
        if isinstance(asked.reply, errors.HeatException):
            raise asked.reply
        if asked.reply is None:
            return self._ask(context, method, arguments)
        return asked.reply

    def _lead(self, company: _Company) -> None:
        """Ask for all of ``company``, which grows until it is time to go; then nobody waits any more."""
        try:
            green.sleep(0)
            if self._under_way:
                self._await(company, MANY if self._under_way < UNDER_WAY else SIZE, self._linger)
            self._await(company, self._usual, self._gather)
            with self._lock:
                self._leave(company)
                self._under_way += 1
                self._usual = max(len(company.members), self._usual // 2)
            self._send(company.members)
        finally:
            with self._lock:
                self._leave(company)
            company.answered.set()

    def _await(self, company: _Company, wanted: int, seconds: float) -> None:
        with self._lock:
            if len(company.members) >= wanted:
                return
            company.wanted = wanted
            company.go.clear()
        company.go.wait(seconds)

    def _leave(self, company: _Company) -> None:
        if self._next is company:
            self._next = None

    def _send(self, company: list[_Asked]) -> None:
        since = self._now()
        try:
            for asked, reply in zip(company, self._replies(company), strict=True):
                asked.reply = reply
        finally:
            with self._lock:
                self._under_way -= 1
                if self._next is not None:
                    self._next.go.set()
        if len(company) == 1 and self._now() - since > PATIENCE:
            self._remember(company[0])

    def _replies(self, company: list[_Asked]) -> list[Any]:
        """For each the reply, the error of all, or None for what is to be asked by itself."""
        try:
            if len(company) == 1:
                return [self._ask(*company[0].question)]
            context = {wire.ENVELOPE: 1, 'request_id': company[0].question[0].get('request_id')}
            found = wire.opened(self._ask(context, METHOD, {
                'questions': [list(asked.question) for asked in company]}))
        except wire.NoReply as error:
            return [wire.NoReply(**error.kwargs | {'request_id': asked.question[0].get('request_id', '')})
                    for asked in company]
        except errors.HeatException as error:
            if len(company) == 1:
                return [error]
            self._not_before = self._now() + MEMORY
            return [None] * len(company)
        for asked, reply in zip(company, found, strict=True):
            if reply is None:
                self._remember(asked)
        return list(found)

    def _travels_alone(self, asked: _Asked) -> bool:
        _context, method, arguments = asked.question
        if self._now() < self._not_before or not is_quick(method, arguments):
            return True
        if not self._slow:
            return False
        key = _key(asked.question)
        until = self._slow.get(key)
        if until is not None and until <= self._now():
            self._slow.pop(key, None)
            return False
        return until is not None

    def _remember(self, asked: _Asked) -> None:
        if len(self._slow) >= SLOW:
            self._slow.clear()
        self._slow[_key(asked.question)] = self._now() + MEMORY


def _key(question: Question) -> str:
    context, method, arguments = question
    return json.dumps([context.get('tenant_id'), method, arguments], sort_keys=True)
