"""Long work on the hub lets others run in between, and gives the same as if it had not."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heat.api.rest.instantiation import Instantiation
from heat.bus.direct import _copy
from heat.common import errors, green
from heat.common.context import RequestContext
from heat.common.ids import StackId
from heat.engine.compiled import compile_all
from heat.engine.validate import Validator

SCALARS = (st.none() | st.booleans() | st.integers() | st.text(max_size=5)
           | st.floats(allow_nan=False, allow_infinity=False))
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.text(max_size=5) | st.integers(), inner, max_size=3), max_leaves=15)


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The moments at which others were let run; a millisecond goes by whenever the clock is looked at."""
    seconds = iter(number / 1000 for number in range(10_000_000))
    let: list[float] = []
    monkeypatch.setattr(green, 'time', SimpleNamespace(monotonic=lambda: next(seconds), sleep=time.sleep))
    monkeypatch.setattr(green, 'sleep', let.append)
    return let


def test_others_run_about_every_hundredth_of_a_second(turns: list[float]) -> None:
    assert list(green.at_ease(range(95))) == list(range(95))
    assert turns == [0] * 8


def test_a_long_template_is_validated_at_ease(turns: list[float]) -> None:
    tree = {'heat_template_version': '2021-04-16', 'resources': {
        f'r{n}': {'type': 'OS::Heat::Value', 'properties': {'value': n}} for n in range(100)}}
    identity = StackId('t', 's', '00000000-0000-4000-8000-000000000000')
    compiled = compile_all(identity, tree, {}, {})
    Validator(RequestContext(tenant_id='t'), finder=None, credential=None, available=lambda service: True,
              policy=None, max_resources=-1, max_depth=5).stack(identity, compiled, compiled.wanted())
    # A hundred types, a hundred sets of properties, a hundred times among each other.
    assert len(turns) >= 3 * 7


@given(TREES)
def test_what_is_copied_in_portions_is_what_a_message_would_give(tree: Any) -> None:
    def text(value: Any) -> str:
        return json.dumps(value)

    for value in ({'template': tree}, [tree] * 101):
        assert text(_copy(value)) == text(json.loads(json.dumps(value)))


@given(st.dictionaries(st.text(max_size=5), st.recursive(SCALARS, lambda inner: st.lists(
    inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=15)))
def test_a_template_that_came_as_an_object_is_measured_as_json(tree: dict[str, Any]) -> None:
    size = len(json.dumps(tree))
    for limit, fits in ((size, True), (size - 1, False)):
        conf = SimpleNamespace(max_template_size=limit, max_json_body_size=10_000)
        try:
            assert Instantiation({'template': tree}, conf).template == tree and fits
        except errors.RequestLimitExceeded as error:
            assert not fits and str(size) in str(error)


def test_a_long_template_is_copied_at_ease(turns: list[float]) -> None:
    copied = _copy({'resources': {f'r{n}': {'type': 'T'} for n in range(50)}})
    assert len(copied['resources']) == 50 and turns
