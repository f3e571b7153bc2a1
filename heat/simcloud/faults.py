"""Things that go wrong on purpose, as rules that match requests.

Purpose: let a test or an operator make the n-th, every, or a random call fail,
hang, or lose its answer. Invariant: decisions come from counters and one seeded
random stream, so a run can be repeated. Neighbours: ``server`` asks before and
after each call, ``control`` edits the rules over HTTP.
"""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import asdict, dataclass
from typing import Any

KINDS = ('status', 'status_after', 'drop_before', 'drop_after', 'delay', 'error_state')


class AnswerLost(Exception):
    """The connection is to be cut without an answer."""


@dataclass(slots=True)
class Rule:
    """One injected fault.

    ``service`` ('' = any), ``method`` ('' = any) and ``path`` (regex searched in the path below the
    service's mount point, with the query) choose the calls. Of those, ``skip`` pass first, then
    ``count`` are hit (0 = without end), each with ``probability``. ``kind``: ``status`` answers
    ``status`` with ``message`` and does nothing; ``status_after`` performs and answers so;
    ``drop_before`` cuts the connection and does nothing; ``drop_after`` performs and cuts; ``delay``
    waits ``seconds`` first; ``error_state`` lets what the call makes (server or volume) end in ERROR,
    with ``message`` as its fault.
    """

    service: str = ''
    method: str = ''
    path: str = ''
    kind: str = 'status'
    status: int = 503
    message: str = 'Injected fault'
    seconds: float = 0.0
    skip: int = 0
    count: int = 0
    probability: float = 1.0
    id: int = 0
    seen: int = 0
    hits: int = 0

    def matches(self, service: str, method: str, path: str) -> bool:
        return ((not self.service or self.service == service)
                and (not self.method or self.method.upper() == method)
                and re.search(self.path, path) is not None)


class Faults:
    """The table of rules of one cloud."""

    def __init__(self, seed: int = 0) -> None:
        self.rules: dict[int, Rule] = {}
        self._random = random.Random(seed)
        self._ids = itertools.count(1)

    def add(self, **fields: Any) -> Rule:
        """Add a rule (fields of ``Rule``); ValueError when it makes no sense."""
        unknown = set(fields) - {'service', 'method', 'path', 'kind', 'status', 'message', 'seconds', 'skip',
                                 'count', 'probability'}
        if unknown:
            raise ValueError(f'unknown fields of a fault: {", ".join(sorted(unknown))}')
        rule = Rule(**fields, id=next(self._ids))
        if rule.kind not in KINDS:
            raise ValueError(f'kind is one of {", ".join(KINDS)}')
        try:
            re.compile(rule.path)
        except re.error as exc:
            raise ValueError(f'path is not a regular expression: {exc}') from exc
        self.rules[rule.id] = rule
        return rule

    def remove(self, rule_id: int) -> bool:
        return self.rules.pop(rule_id, None) is not None

    def clear(self) -> None:
        self.rules.clear()

    def hits(self, service: str, method: str, path: str) -> list[Rule]:
        """The rules that strike this call, in order of their making; counts them."""
        found = []
        for rule in list(self.rules.values()):
            if not rule.matches(service, method, path):
                continue
            rule.seen += 1
            if rule.seen <= rule.skip or (rule.count and rule.hits >= rule.count):
                continue
            if rule.probability < 1.0 and self._random.random() >= rule.probability:
                continue
            rule.hits += 1
            found.append(rule)
        return found

    def show(self) -> list[dict[str, Any]]:
        return [asdict(rule) for rule in self.rules.values()]
