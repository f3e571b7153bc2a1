"""Which route a path leads to, the first time and ever after."""

from __future__ import annotations

from typing import Any

import pytest

from heat.api import dispatch
from heat.api.dispatch import Address, Dispatcher, Route

TABLE = [Address('/{tenant_id}/things/{name}', tuple(Route(method, lambda call: None)
                                                      for method in ('GET', 'PUT')))]


@pytest.fixture
def dispatcher() -> Dispatcher:
    wiring: Any = None
    render: Any = None
    return Dispatcher(TABLE, wiring, render)


def test_a_path_is_found_again_as_it_was_though_what_was_found_is_taken_apart(dispatcher: Dispatcher) -> None:
    wanted = {('GET', '/p/things/a'): {'tenant_id': 'p', 'name': 'a', 'target': '0'},
              ('GET', '/q/things/a'): {'tenant_id': 'q', 'name': 'a', 'target': '0'},
              ('PUT', '/p/things/a'): {'tenant_id': 'p', 'name': 'a', 'target': '1'},
              ('DELETE', '/p/things/a'): {'tenant_id': 'p', 'name': 'a', 'target': 'refuse',
                                          'allow': 'GET,PUT'},
              ('GET', '/p/others/a'): None}
    for _ in range(3):
        for (method, path), expected in wanted.items():
            found = dispatcher.found(method, path)
            assert found == expected
            if found:
                found.clear()


def test_few_and_short_paths_are_remembered(dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, 'MOST_KNOWN', 10)
    for number in range(100):
        assert dispatcher.found('GET', f'/p/things/{number}') is not None
        assert len(dispatcher._known) <= 10
    known = len(dispatcher._known)
    assert dispatcher.found('GET', '/p/things/' + 'x' * dispatch.SHORT) is not None
    assert dispatcher.found('GET', '/nothing') is None
    assert len(dispatcher._known) == known
