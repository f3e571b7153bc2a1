"""Fixtures of the simulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from heat.common import config
from tests.sim.world import World


@pytest.fixture(scope='session')
def conf():
    return config.load('heat-engine', argv=[], config_files=[], logging_setup=False)


@pytest.fixture
def world(conf) -> Iterator[World]:
    yield World(conf)
