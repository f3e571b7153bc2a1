"""Bodies of create and update: no value of any type is a failure of ours."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import webob.exc
from hypothesis import given
from hypothesis import strategies as st

from heat.api.rest.instantiation import Instantiation
from heat.api.wsgi import RefusedType, RefusedValue
from heat.common import errors

CONF = SimpleNamespace(max_template_size=1000, max_json_body_size=10000, allow_local_template_url=False)
REFUSALS = (webob.exc.HTTPBadRequest, RefusedValue, RefusedType, errors.HeatException)
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=6)
KEYS = ('template', 'parameters', 'files', 'environment_files', 'files_container', 'timeout_mins',
        'disable_rollback', 'tags', 'clear_parameters', 'converge')
SECTIONS = st.sampled_from(['parameters', 'parameter_defaults', 'resource_registry', 'event_sinks', 'bogus'])


@given(st.dictionaries(st.sampled_from(KEYS), JSON), st.booleans(),
       st.none() | st.dictionaries(SECTIONS, JSON))
def test_any_body_is_taken_or_refused(body: dict[str, Any], patch: bool, environment: Any) -> None:
    if isinstance(body.get('template'), str):
        body.pop('template')
    data = Instantiation({**body, 'environment': environment}, CONF, patch)
    try:
        sent = data.to_engine()
        nothing = data.changes_nothing
    except REFUSALS:
        return
    assert isinstance(sent['params']['parameters'], dict)
    assert sent['args'].get('existing', False) is patch
    assert not (nothing and sent['template'] is not None)


@pytest.mark.parametrize(('body', 'nothing'), [
    ({}, True), ({'parameters': {}}, True), ({'environment': {}}, True), ({'parameters': {'a': 1}}, False),
    ({'tags': 'x'}, False), ({'template': {}}, False), ({'files': {'a': 'b'}}, False),
    ({'clear_parameters': ['a']}, False), ({'environment': {'resource_registry': {'A': 'B'}}}, False)])
def test_what_changes_nothing(body: dict[str, Any], nothing: bool) -> None:
    assert Instantiation(body, CONF, patch=True).changes_nothing is nothing


def test_size_of_a_template_given_as_an_object() -> None:
    big = {'heat_template_version': 'v' * 1000}
    with pytest.raises(errors.RequestLimitExceeded, match=r'maximum allowed size \(1000 bytes\)'):
        _template = Instantiation({'template': big}, CONF).template


@pytest.mark.parametrize('text', [
    'a: [', '\t', '!!python/object:os.system x', '[' * 5000, '- 1', 'x', '\x00', '\ud800'])
def test_broken_text_is_refused(text: str) -> None:
    for body in ({'template': text}, {'environment': text}, {'adopt_stack_data': text}):
        with pytest.raises(REFUSALS):
            Instantiation(body, CONF).to_engine()


def test_deep_template_object_is_refused() -> None:
    tree: Any = {}
    for _level in range(150):
        tree = {'a': tree}
    with pytest.raises(webob.exc.HTTPBadRequest, match=r'^Template not in valid format: .*deeper'):
        _template = Instantiation({'template': tree}, CONF).template
