"""The graph of a template against a slow, obvious way to find it.

Random templates with references anywhere: who waits for whom must be the same, and a
circle must be found by both or by neither.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heat.common import errors
from heat.plan.graph import Up
from heat.plan.references import graph_of
from heat.resources.types import TypeTable
from heat.template.expr import NullScope
from heat.template.hot import compile_template

NAMES = ['a', 'b', 'c', 'd', 'e', 'f']


def values(others: list[str]) -> st.SearchStrategy[Any]:
    """Property values that refer to ``others`` at any depth and by every way of saying so."""
    name = st.sampled_from(others) if others else st.nothing()
    leaf = st.one_of(
        st.text('xyz', max_size=3), st.integers(0, 9), st.none(), st.just({'get_param': 'p'}),
        name.map(lambda n: {'get_resource': n}), name.map(lambda n: {'get_attr': [n, 'output']}),
        name.map(lambda n: {'get_attr': [n, 'output', 0, {'get_param': 'p'}]}))
    return st.recursive(leaf, lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(['k', 'l', 'm']), inner, max_size=3),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: {'list_join': [',', items]}),
        inner.map(lambda v: {'str_replace': {'template': 'x', 'params': {'x': v}}}),
        st.tuples(st.sampled_from(['yes', 'no']), inner, inner).map(lambda t: {'if': list(t)}),
        st.lists(inner, max_size=2).map(lambda items: {'map_merge': items})), max_leaves=8)


@st.composite
def templates(draw: st.DrawFn, circles: bool) -> dict[str, Any]:
    count = draw(st.integers(1, len(NAMES)))
    resources: dict[str, Any] = {}
    for index, name in enumerate(NAMES[:count]):
        others = [n for n in NAMES[:count] if n != name] if circles else NAMES[:index]
        one: dict[str, Any] = {'type': 'OS::Heat::Value'}
        one['properties'] = {'value': draw(values(others))}
        if draw(st.booleans()):
            one['metadata'] = {'m': draw(values(others))}
        if others and draw(st.booleans()):
            one['depends_on'] = draw(st.sampled_from(others) | st.lists(st.sampled_from(others), max_size=2))
        resources[name] = one
    return {'heat_template_version': '2021-04-16', 'parameters': {'p': {'type': 'string', 'default': '1'}},
            'conditions': {'yes': True, 'no': False}, 'resources': resources}


def mentioned(value: Any) -> set[str]:
    """Every resource that plain data names through a function, branches not taken left out."""
    if isinstance(value, list):
        return set().union(*(mentioned(item) for item in value))
    if not isinstance(value, dict):
        return set()
    if len(value) == 1:
        (function, arguments), = value.items()
        if function == 'get_resource':
            return {arguments}
        if function == 'get_attr':
            return {arguments[0]} | mentioned(arguments[1:])
        if function == 'if':
            return mentioned(arguments[1] if arguments[0] == 'yes' else arguments[2])
    return set().union(*(mentioned(item) for item in value.values()))


def obvious(tree: dict[str, Any]) -> dict[str, set[str]]:
    needs = {}
    for name, one in tree['resources'].items():
        after = one.get('depends_on', [])
        needs[name] = (mentioned(one['properties']) | mentioned(one.get('metadata'))
                       | set([after] if isinstance(after, str) else after))
    return needs


def circular(needs: dict[str, set[str]]) -> bool:
    left = dict(needs)
    while free := [name for name, after in left.items() if not after & set(left)]:
        for name in free:
            del left[name]
    return bool(left)


def graph(tree: dict[str, Any]) -> dict[str, set[str]]:
    settled = compile_template(tree).settle(NullScope({'p': '1'}))
    found = graph_of(settled.resources, TypeTable())
    return {name: {found.nodes[i].name for i in found.need[found.index[Up(name)]]}
            for name in tree['resources']}


@given(templates(circles=False))
def test_the_graph_is_the_obvious_one(tree: dict[str, Any]) -> None:
    assert graph(tree) == obvious(tree)


@given(templates(circles=True))
def test_a_circle_is_found_where_there_is_one(tree: dict[str, Any]) -> None:
    needs = obvious(tree)
    if circular(needs):
        with pytest.raises(errors.CircularDependencyException) as caught:
            graph(tree)
        names = str(caught.value).rpartition(': ')[2].split(' -> ')
        assert names[0] == names[-1]
        assert all(after in needs[name] for name, after in itertools.pairwise(names))
    else:
        assert graph(tree) == needs
