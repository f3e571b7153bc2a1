"""A Heat beside a whole OpenStack, and the comparison of that OpenStack before and after each test."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud import inventory
from tests.cloud.daemons import Heat, User
from tests.cloud.stack import Stack
from tests.conftest import serving
from tests.servers.devcloud import Devcloud


@pytest.fixture(scope='session')
def heat(devcloud: Devcloud, servers_directory: Path) -> Iterator[Heat]:
    with serving(Heat(devcloud, servers_directory / 'heat')) as daemons:
        yield daemons


@pytest.fixture(scope='session')
def user(heat: Heat) -> User:
    return User(heat)


@pytest.fixture
def leaves_nothing(heat: Heat, user: User) -> Iterator[None]:
    """What a test makes must be gone at its end, from every service."""
    before = inventory.of(heat.cloud, user)
    yield
    # Shown when the test failed.
    print(heat.logs())
    for one in user.api('orchestration').get('/stacks').json()['stacks']:
        # Of a test that failed: the next one shall not stumble over it.
        Stack(user, one['stack_name']).delete()
    assert inventory.difference(before, inventory.of(heat.cloud, user)) == {}
