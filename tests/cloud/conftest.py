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


@pytest.fixture(scope='session')
def administrator(heat: Heat) -> User:
    """Who may make what only administrators may: roles, flavors, quotas."""
    return User(heat, heat.cloud.admin)


@pytest.fixture(autouse=True)
def groups_there(request: pytest.FixtureRequest) -> None:
    """`@pytest.mark.groups('octavia')`: a cloud that was asked for without them (HEAT_TEST_CLOUD_GROUPS)."""
    needed = {name for mark in request.node.iter_markers('groups') for name in mark.args}
    if needed:
        missing = needed - set(request.getfixturevalue('devcloud').groups)
        if missing:
            pytest.skip(f'the cloud was asked for without {", ".join(sorted(missing))}')


@pytest.fixture
def leaves_nothing(heat: Heat, user: User, administrator: User) -> Iterator[None]:
    """What a test makes must be gone at its end, from every service."""
    before = inventory.of(heat.cloud, user)
    yield
    # Shown when the test failed.
    print(heat.logs())
    for owner in (user, administrator):
        for one in owner.api('orchestration').get('/stacks').json()['stacks']:
            # Of a test that failed: the next one shall not stumble over it.
            Stack(owner, one['stack_name']).delete()
    assert inventory.difference(before, inventory.of(heat.cloud, user)) == {}
