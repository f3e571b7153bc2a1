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

from benches import stock
from benches.place import Place
from benches.user import Unexpected, User
from benches.workloads import wide

SECONDS = 4.0
MANY = 16
STACKS = EVENTS = 10_000


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
    """Every question with one client and with many: over 100 small stacks and a big one, then over 10,000."""
    small, big = wide(5)(0), wide(1000)(0)
    paths = [user.create(f'asked-{n}', small) for n in range(100)]
    middle, large = user.create('asked-middle', wide(300)(0)), user.create('asked-large', big)
    for path in (*paths, middle, large):
        user.wait(path, 'CREATE_COMPLETE')
    yield from _each(place, user, {
        'build_info': ('GET', '/build_info', None),
        'stack list, 100 stacks': ('GET', '/stacks', None),
        'stack list, limit 20': ('GET', '/stacks?limit=20', None),
        'stack show, 5 resources': ('GET', paths[0], None),
        'stack show, 300 resources': ('GET', middle, None),
        'resource list, 300': ('GET', f'{middle}/resources', None),
        'resource list, 1000': ('GET', f'{large}/resources', None),
        'resource show, in a stack of 300': ('GET', f'{middle}/resources/r7', None),
        'events, limit 20': ('GET', f'{middle}/events?limit=20', None),
        'events, all of a 300-resource stack': ('GET', f'{middle}/events', None),
        'template validate, 5 resources': ('POST', '/validate', {'template': small}),
        'template validate, 300 resources': ('POST', '/validate', {'template': wide(300)(0)})})
    with stock.filled(place, paths[0], STACKS, EVENTS) as last_page:
        yield from _each(place, user, {
            'stack list, limit 20 of 10,000': ('GET', '/stacks?limit=20', None),
            'stack list, last 20 of 10,000': ('GET', f'/stacks?limit=20&marker={last_page}', None),
            'stack list, all of 10,000': ('GET', '/stacks', None),
            'events, limit 20 of 10,000': ('GET', f'{paths[0]}/events?limit=20', None),
            'events, all of 10,000': ('GET', f'{paths[0]}/events', None)})
    for path in (*paths, middle, large):
        user.delete(path)
    for path in (*paths, middle, large):
        user.wait(path, 'DELETE_COMPLETE')


def _each(place: Place, user: User, questions: dict[str, tuple[str, str, Any]]) -> Iterator[Asked]:
    for title, question in questions.items():
        for clients in (1, MANY):
            yield ask(place, user, title, question, clients)


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
