"""Fixtures of the unit tests: a fresh database."""
from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import Engine

from heat.db import connect, migrate


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine on a fresh, migrated SQLite database in memory."""
    made = connect.open_engine('sqlite://')
    migrate.upgrade(made)
    yield made
    made.dispose()
