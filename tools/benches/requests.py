"""Questions asked many times: how long one takes, and how many go in a second.

Invariant: each client has a connection of its own and asks again as soon as it was answered.
Neighbours: ``place`` for CPU, ``report`` shows.
"""
from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from benches.place import Place
from benches.user import Unexpected, User
from benches.workloads import wide

SECONDS = 4.0


@dataclass
class Asked:
    """One line: milliseconds of one request, requests a second, CPU milliseconds of a request."""

    request: str
    clients: int
    count: int
    p50: float
    p95: float
    rate: float
    engine_ms: float
    api_ms: float
    sql: float


def ask_all(place: Place, user: User) -> Iterator[Asked]:
    """Every question with 1 and 8 clients, over 100 small stacks and one of 300 resources."""
    small, big = wide(5)(0), wide(300)(0)
    paths = [user.create(f'asked-{n}', small) for n in range(100)]
    large = user.create('asked-big', big)
    for path in (*paths, large):
        user.wait(path, 'CREATE_COMPLETE')
    questions: dict[str, tuple[str, str, Any]] = {
        'stack list, 100 stacks': ('GET', '/stacks', None),
        'stack list, limit 20': ('GET', '/stacks?limit=20', None),
        'stack show, 5 resources': ('GET', paths[0], None),
        'stack show, 300 resources': ('GET', large, None),
        'resource list, 300': ('GET', f'{large}/resources', None),
        'resource show, in a stack of 300': ('GET', f'{large}/resources/r7', None),
        'events, limit 20': ('GET', f'{large}/events?limit=20', None),
        'events, all of a 300-resource stack': ('GET', f'{large}/events', None),
        'template validate, 5 resources': ('POST', '/validate', {'template': small}),
        'template validate, 300 resources': ('POST', '/validate', {'template': big}),
        'build_info': ('GET', '/build_info', None)}
    for title, question in questions.items():
        for clients in (1, 8):
            yield ask(place, user, title, question, clients)
    for path in (*paths, large):
        user.delete(path)
    for path in (*paths, large):
        user.wait(path, 'DELETE_COMPLETE')


def ask(place: Place, user: User, title: str, question: tuple[str, str, Any], clients: int) -> Asked:
    """One question for a few seconds."""
    method, path, body = question
    users = [user.twin() for _ in range(clients)]

    def work(one: User) -> list[float]:
        took = []
        while time.monotonic() < deadline:
            began = time.monotonic()
            status, text = one.request(method, path, body)
            if status != 200:
                raise Unexpected(f'{method} {path}: {status} {text[:500].decode(errors="replace")}')
            took.append(time.monotonic() - began)
        return took

    for one in users:
        one.ask(method, path, body)
    counts, cpu = place.counts(), place.cpu()
    started = time.monotonic()
    deadline = started + SECONDS
    with ThreadPoolExecutor(clients) as pool:
        took = sorted(t for some in pool.map(work, users) for t in some)
    elapsed = time.monotonic() - started
    cost = {name: now - cpu[name] for name, now in place.cpu().items()}
    spent = {name: now - counts[name] for name, now in place.counts().items()}
    n = len(took)
    return Asked(title, clients, n, round(took[n // 2] * 1000, 1), round(took[int(n * 0.95)] * 1000, 1),
                 round(n / elapsed, 1), round(cost['engine'] / n * 1000, 1),
                 round(cost.get('api', 0.0) / n * 1000, 1), round(spent.get('sql', 0) / n, 1))
