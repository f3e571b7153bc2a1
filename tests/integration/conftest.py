"""A Keystone that knows nothing of Heat until the project's scripts have told it."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import serving
from tests.servers.keystone import Keystone

pytest.register_assert_rewrite('tests.functional.flows')


@pytest.fixture(scope='session')
def operators_keystone(servers_directory: Path) -> Iterator[Keystone]:
    with serving(Keystone(servers_directory / 'operators-keystone', bare=True)) as server:
        yield server
