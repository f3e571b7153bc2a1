"""The record of a check: kinds of differences, masks, and what a sentence may say."""

from __future__ import annotations

from typing import Any

import pytest

from heat.model.resource import Row
from heat.plan import drift
from heat.plan.drift import Drift
from heat.resources.openstack.neutron.port import Port
from heat.template.expr import NullScope
from heat.template.hot import compile_template


def row(**keep: Any) -> Row:
    return Row('u', 's', 's', 'r', 'T', keep=keep)


@pytest.mark.parametrize(('expected', 'actual', 'kind'), [
    ('a', 'b', 'NOT_EQUAL'), ('a', None, 'REMOVE'), (['a'], [], 'REMOVE'), ([], ['a'], 'ADD'),
    (None, 'a', 'ADD'), (True, False, 'NOT_EQUAL'), (1, 0, 'NOT_EQUAL'), ({}, {'a': 1}, 'ADD')])
def test_kinds(expected: Any, actual: Any, kind: str) -> None:
    found = drift.compared(row(), {'p': expected}, {'p': actual}, 7.0)
    assert found.to_wire() == {'status': 'MODIFIED', 'at': 7.0, 'differences': [
        {'property': 'p', 'expected': expected, 'actual': actual, 'kind': kind}], 'masked': []}


@pytest.mark.parametrize('keep', [{'masked': ['p']}, {'masked': ['*']}, {'dynamic': True}])
def test_masks_cover_values_and_keep_the_kind(keep: dict[str, Any]) -> None:
    found = drift.compared(row(**keep), {'p': 'secret'}, {'p': None}, 7.0).differences[0]
    assert (found.expected, found.actual, found.kind) == ('******', None, 'REMOVE')


def test_all_properties_are_told_but_those_that_are_masked() -> None:
    def kept(found: Drift, **keep: Any) -> Row:
        base = Row('u', 's', 's', 'r', 'T', props={'p': 'a', 'q': 'secret', 'r': None}, keep=keep)
        return Row('u', 's', 's', 'r', 'T', props=base.props, data=drift.recorded(base, found))

    hides = row(masked=['q'])
    found = drift.compared(hides, {'p': 'a', 'q': 'secret'}, {'p': 'b', 'q': None, 's': 1}, 7.0)
    assert drift.properties(kept(found)) == ({'p': 'a', 'q': '******'}, {'p': 'b', 's': 1})
    assert drift.properties(kept(drift.compared(hides, {}, {}, 7.0))) == (
        {'p': 'a', 'q': '******'}, {'p': 'a', 'q': '******'})
    assert drift.properties(kept(drift.gone(hides, 7.0))) == ({'p': 'a', 'q': '******'}, None)
    for secretive in (row(masked=['*']), row(dynamic=True)):
        assert drift.properties(kept(drift.gone(secretive, 7.0))) == (None, None)
    # A record of the time before does not say what was masked.
    old = Row('u', 's', 's', 'r', 'T', props={'p': 'a'}, data={
        'drift': {'status': 'IN_SYNC', 'at': 7.0, 'differences': []}})
    assert drift.properties(old) == (None, None) == drift.properties(row())


@pytest.mark.parametrize(('statuses', 'whole'), [
    ((), 'NOT_CHECKED'), (('IN_SYNC', 'NOT_CHECKED'), 'IN_SYNC'), (('IN_SYNC', 'DELETED'), 'DRIFTED'),
    (('MODIFIED',), 'DRIFTED'), (('NOT_CHECKED',), 'NOT_CHECKED')])
def test_what_a_whole_stack_comes_to(statuses: tuple[str, ...], whole: str) -> None:
    rows = [Row('u', 's', 's', 'r', 'T', data=drift.recorded(row(), Drift(status, 7.0)))
            for status in statuses]
    assert drift.summary(rows, 9.0) == {'status': whole, 'at': 9.0}


def test_a_record_is_read_as_it_was_written() -> None:
    found = drift.compared(row(), {'p': 1}, {'p': 2}, 7.0)
    kept = Row('u', 's', 's', 'r', 'T', data={'own': 1, **drift.recorded(row(), found)})
    assert Drift.of(kept) == found
    assert drift.recorded(kept, None) == {'own': 1}
    assert Drift.of(row()) == Drift()
    # As it was kept before: names of properties without a time.
    assert Drift.of(Row('u', 's', 's', 'r', 'T', data={'drift': {'status': {'expected': 1}}})) == Drift()


def test_the_sentence_is_bounded_and_empty_without_a_difference() -> None:
    assert drift.sentence(row(), Drift(drift.IN_SYNC, 7.0)) == ''
    long = drift.compared(row(), {'p': 'x' * 5000}, {'p': 'y'}, 7.0)
    assert len(drift.sentence(row(), long)) == 1000


def secretive(text: dict[str, Any], **secrets: str) -> dict[str, frozenset[str]]:
    hidden = {name: {'type': 'string', 'hidden': True} for name in secrets}
    template = compile_template({'heat_template_version': '2021-04-16', 'resources': text, 'parameters': {
        **hidden, 'open': {'type': 'string'}}})
    return drift.secretive(template, template.settle(NullScope({**secrets, 'open': 'o'})), list(secrets),
                           list(secrets.values()))


def test_what_may_hold_a_hidden_value() -> None:
    found = secretive({
        'late': {'type': 'T', 'properties': {'p': {'get_attr': ['by', 'x']}, 'q': {'get_resource': 'by'}}},
        'by': {'type': 'T', 'properties': {'p': {'get_attr': ['first', 'x']}, 'q': {'get_param': 'open'}}},
        'first': {'type': 'T', 'properties': {
            'p': {'digest': ['md5', {'get_param': 's'}]}, 'q': 'plain', 'r': {'deep': ['has hush in it']}}},
        'told': {'type': 'T', 'metadata': {'m': {'get_param': 's'}}, 'properties': {'q': 1}},
        'clean': {'type': 'T', 'properties': {'p': {'get_attr': ['other', 'x']}}}, 'other': {'type': 'T'}},
        s='hush')
    assert found == {'late': {'p'}, 'by': {'p'}, 'first': {'p', 'r'}, 'told': {'*'}}
    assert secretive({'a': {'type': 'T', 'properties': {'p': 'x'}}}) == {}


def test_what_a_check_may_not_tell_of_a_resource() -> None:
    template = compile_template({'heat_template_version': '2021-04-16', 'resources': {
        'p': {'type': 'T', 'properties': {'network_id': 'n', 'name': {'get_attr': ['o', 'x']}, 'a': 1}},
        'o': {'type': 'T'}}})
    made = template.settle(NullScope({})).resources['p']
    # A deprecated name is another one on the row.
    assert drift.restricted(made, Port.schema.properties, frozenset({'network_id'})) == {
        'masked': ['network', 'network_id'], 'untold': ['name']}
    assert drift.restricted(None, {}, frozenset()) == {'masked': ['*'], 'untold': ['*']}
