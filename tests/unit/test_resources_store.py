"""Types that keep things: what containers, secrets, queues and alarms refuse, and what they ask for."""

from __future__ import annotations

from typing import Any

import pytest

from heat import schema
from heat.resources.types import PLUGINS


def faults(kind: str, /, **props: Any) -> list[str]:
    values, errors = schema.resolve(PLUGINS[kind].schema.properties, props)
    assert errors == []
    return list(PLUGINS[kind].validate(values))


@pytest.mark.parametrize(
    ('kind', 'props', 'part'),
    [
        ('OS::Swift::Container', {'name': 'a/b'}, '"a/b" is no name of a container'),
        ('OS::Swift::Container', {'name': 'ü' * 129}, '256 bytes at most'),
        ('OS::Swift::Container', {'X-Container-Meta': {'a:b': '1'}}, "'a:b' is no name"),
        ('OS::Swift::Container', {'X-Account-Meta': {'a': 'x\r\nX-Other: y'}}, 'more than one line'),
        ('OS::Swift::Container', {'X-Account-Meta': {'a': [1]}}, 'the value of a is no text'),
        ('OS::Swift::Container', {'X-Container-Read': '.r:*\nX-Other: y'}, 'more than one line'),
    ],
)
def test_what_does_not_fit_together_is_said(kind: str, props: dict[str, Any], part: str) -> None:
    said = faults(kind, **props)
    assert len(said) == 1 and part in said[0], said


@pytest.mark.parametrize(
    ('kind', 'props'),
    [
        ('OS::Swift::Container', {'name': schema.UNKNOWN, 'X-Container-Meta': {'a': schema.UNKNOWN}}),
        ('OS::Swift::Container', {'X-Container-Meta': schema.UNKNOWN}),
    ],
)
def test_what_is_not_known_yet_is_let_pass(kind: str, props: dict[str, Any]) -> None:
    assert faults(kind, **props) == []
