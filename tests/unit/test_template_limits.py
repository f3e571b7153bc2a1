"""Small templates that would grow large, and patterns that would never end: refused by limits.

Each case names a way in which a few lines could fill the memory or hold a process up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from heat.common.clock import VirtualClock
from heat.common.patience import ALLOWANCE, REFILL, SHARED, Patience
from heat.common.pattern import Pattern, TooSlow
from heat.schema.constraints import AllowedPattern
from heat.template import expr, functions_data, functions_text, yaql_language
from heat.template.expr import NullScope, weight
from heat.template.hot import compile_template
from tests.unit.test_template_functions import hot

BIG = 'a' * 100_000
# Twenty ways to split every run of letters, for a text that never fits.
ENDLESS, HOPELESS = r'(?:(a|aa|aaa)+b?)+c', 'a' * 60 + '!'


@pytest.fixture(autouse=True)
def refreshed() -> Iterator[None]:
    """What is slow on purpose here leaves nothing to what comes after it."""
    yield
    SHARED.refill()


@pytest.mark.parametrize('value', [
    {'str_replace': {'template': BIG, 'params': {'a': BIG}}},
    {'str_replace': {'template': BIG, 'params': {'a': 'b' * 200, 'b': BIG}}},
    {'list_join': [BIG, ['x'] * 1000]},
    {'list_join': ['', [BIG] * 1000]},
    {'repeat': {'template': BIG, 'for_each': {'%i%': ['x'] * 1000}}},
    {'repeat': {'template': {'%i%' * 1000: 'v'}, 'for_each': {'%i%': [BIG] * 10}}},
])
def test_a_text_of_a_hundred_megabytes_is_refused_before_it_is_made(value: Any) -> None:
    with pytest.raises(ValueError, match=r'would make (more than )?\d+'):
        hot(value)


def test_a_list_of_millions_is_refused() -> None:
    with pytest.raises(ValueError, match='more than 1000000 items'):
        functions_data.list_concat('list_concat', [[0] * 600_000, [0] * 600_000])


def test_many_large_results_are_too_much_together() -> None:
    # Each is within the limit of one function; the template as a whole is not.
    text = 'b' * (functions_text.MAX_TEXT // 2)
    template = compile_template({'heat_template_version': '2021-04-16', 'outputs': {
        f'o{i}': {'value': {'str_replace': {'template': 'x', 'params': {'x': text}}}} for i in range(40)}})
    scope = NullScope({})
    with pytest.raises(ValueError, match=f'more than {expr.MAX_MADE} characters'):
        for output in template.outputs.values():
            output.value.value(scope)
    scope.budget.renew()
    assert next(iter(template.outputs.values())).value.value(scope) == text


def test_settling_leaves_what_is_too_much_as_it_is_written() -> None:
    template = compile_template({'heat_template_version': '2021-04-16', 'resources': {'r': {
        'type': 'T', 'properties': {'p': {'list_join': ['', [BIG] * 1000]}}}}})
    with pytest.raises(ValueError, match='would make'):
        template.settle(NullScope({})).resources['r'].properties.value(NullScope({}))


def taking(count: int, parts: dict[str, Any]) -> Any:
    """A template of so many resources, each with ``parts``, and a parameter."""
    return compile_template({'heat_template_version': '2021-04-16', 'parameters': {'p': {'type': 'json'}},
                             'resources': {f'r{number}': {'type': 'T', 'properties': parts}
                                           for number in range(count)}})


def test_one_large_parameter_told_thousands_of_times_is_refused() -> None:
    template = taking(1, {'few': [{'get_param': 'p'}] * 3, 'many': [{'get_param': 'p'}] * 5000})
    for value in ('b' * 300_000, list(range(20_000)), {'a': ['b'] * 20_000}):
        scope = NullScope({'p': value})
        with pytest.raises(ValueError, match=f'come to more than {expr.MAX_READ} characters'):
            template.settle(scope).resources['r0'].properties.value(scope)


def test_what_one_resource_takes_is_not_held_against_the_next() -> None:
    text = 'b' * (expr.MAX_READ // 3)
    template = taking(20, {'p': [{'get_param': 'p'}] * 2})
    for one in template.settle(NullScope({'p': text})).resources.values():
        assert one.properties.value(NullScope()) == {'p': [text] * 2}


def test_replacing_inside_what_was_replaced_ends_soon() -> None:
    value: Any = 'a'
    for _turn in range(12):
        value = {'str_replace': {'template': value, 'params': {'a': 'a' * 50}}}
    began = time.monotonic()
    with pytest.raises(ValueError, match='would make more than'):
        hot(value)
    assert time.monotonic() - began < 5
    assert functions_text.str_replace()('str_replace', {
        'template': 'a-b-a' * 1000, 'params': {'a': 'b', 'b': 'c'}}) == 'b-c-b' * 1000


def test_weight_counts_characters_and_items() -> None:
    assert weight('abc') == 4
    assert weight({'ab': ['c', 1, None]}) == 8
    assert weight([]) == 1


def test_a_pattern_without_end_is_given_up() -> None:
    with pytest.raises(TooSlow, match='takes too long'):
        Pattern(ENDLESS).fullmatch(HOPELESS)
    with pytest.raises(TooSlow):
        list(Pattern(ENDLESS).finditer(HOPELESS))
    assert 'takes too long' in (AllowedPattern(pattern=ENDLESS).check(HOPELESS) or '')


def test_many_patterns_without_end_hold_a_process_up_no_longer_than_a_few() -> None:
    began = time.monotonic()
    for number in range(200):
        with pytest.raises(TooSlow):
            Pattern(f'{ENDLESS}|{number}').fullmatch(HOPELESS)
    # Half a second for each would be a hundred.
    assert time.monotonic() - began < 15
    assert Pattern('[a-z]+').fullmatch('abc') is not None


def test_the_allowance_comes_back_with_time() -> None:
    clock = VirtualClock()
    patience = Patience(clock.monotonic)

    def taken(seconds: float) -> float:
        with patience.limit(0.5, 0.005) as allowed:
            clock.advance(seconds)
        return allowed

    assert [taken(0.5) for _turn in range(8)][-1] < 0.3
    assert taken(0.001) < 0.3
    clock.advance(ALLOWANCE / REFILL)
    assert taken(0.0) == 0.5
    assert [taken(0.001) for _turn in range(10_000)][-1] == 0.5


@pytest.mark.parametrize('text', ['a{1000000}', 'a{1000000,}', '(?:a{1000}){1000}', '((a{200}b){200}|c){2}',
                                  '(?x)a # (\n{50000}', '[(]{30000}', '\\({30000}'])
def test_a_pattern_whose_repetitions_would_fill_the_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match='repeats too often'):
        Pattern(text)


@pytest.mark.parametrize('text', ['[a-z]{60}-[0-9]{60}-[A-Z]{60}', '.{1,65535}', '(?:a{100}b){100}',
                                  '\\{70000}', '[{70000}]', '^[^]]{0,999999}$'])
def test_patterns_of_honest_people_are_taken(text: str) -> None:
    Pattern(text)


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match='not a regular expression'):
        Pattern('(')
    with pytest.raises(ValueError, match='4096 characters'):
        Pattern('a' * 5000)


@pytest.mark.parametrize(('expression', 'data', 'found'), [
    ('$.data.where($.matches("a+b"))', ['aab', 'c'], ['aab']),
    ('regex("b(.)").search($.data, $2.value)', 'abcd', 'c'),
    ('regex("b").searchAll($.data)', 'abcb', ['b', 'b']),
    ('regex(",").split($.data)', 'a,b', ['a', 'b']),
    ('$.data.split(regex(","))', 'a,b', ['a', 'b']),
    ('regex("B", ignoreCase => true).matches($.data)', 'abc', True),
    ('$.data.replace(regex("x"), "yy")', 'axb', 'ayyb'),
    ('regex("x").replaceBy($.data, $1.value + "!")', 'axb', 'ax!b'),
    ('$.data =~ "b."', 'abc', True),
    ('$.data !~ "b."', 'abc', False),
    ('$.data =~ regex("b.")', 'abc', True),
    ('isRegex(regex($.data)) and not isRegex($.data)', 'a', True),
    ('escapeRegex($.data)', 'a.b', 'a\\.b'),
])
def test_yaql_has_its_functions_on_patterns(expression: str, data: Any, found: Any) -> None:
    assert yaql_language.evaluate(expression, {'data': data}) == found


@pytest.mark.parametrize('expression', [
    '$.data.matches($.pattern)', 'regex($.pattern).matches($.data)', '$.data =~ $.pattern',
    '$.data !~ $.pattern', 'regex($.pattern).replace($.data, "")', 'regex($.pattern).split($.data)',
    'regex($.pattern).searchAll($.data).toList()'])
def test_yaql_gives_up_on_a_pattern_without_end(expression: str) -> None:
    with pytest.raises(TooSlow):
        yaql_language.evaluate(expression, {'data': HOPELESS, 'pattern': ENDLESS})


def test_yaql_is_limited_in_steps_and_memory() -> None:
    for expression in ('range(0, 100000).toList()', '[0].repeat().toList()',
                       '("x" * 1000).toCharArray().toList() + range(0, 300).toList()'):
        with pytest.raises(Exception, match='exceeds'):
            yaql_language.evaluate(expression, {})


@pytest.mark.parametrize('expression', [
    'pow(99999999, pow(99, 9))', 'pow(2, b => 1000000000)', 'range(0, 150).aggregate($1 * $1, 7)',
    'shiftBitsLeft(1, 100000000000)', 'round(5, -1000000000)', 'pow(3, pow(2, 4000), pow(2, 4001) * 64)'])
def test_yaql_makes_no_number_that_fills_the_memory(expression: str) -> None:
    with pytest.raises(ValueError, match='4096 binary digits'):
        yaql_language.evaluate(expression, {})


def test_yaql_still_reckons() -> None:
    for expression, found in (('3 * 4', 12), ('pow(2, 10)', 1024), ('pow(2, 10, c => 7)', 2),
                              ('1.5 * 2', 3.0), ('"ab" * 2', 'abab'), ('round(1234, -2)', 1200),
                              ('shiftBitsLeft(1, 4)', 16)):
        assert yaql_language.evaluate(expression, {}) == found


@pytest.mark.parametrize('expression', [
    'range(0, 60).aggregate([$1, $1], 1)', 'range(0, 60).aggregate({a => $1, b => $1}, 1)',
    '[range(0, 60).aggregate([$1, $1], 1)].distinct()', 'str(range(0, 60).aggregate([$1] + [$1], 1))'])
def test_yaql_makes_no_list_that_holds_itself_again_and_again(expression: str) -> None:
    with pytest.raises(ValueError, match='more than 1000000 items'):
        yaql_language.evaluate(expression, {})


def test_loops_inside_loops_of_yaql_come_to_an_end() -> None:
    inner = '$'
    for _turn in range(5):
        inner = f'range(0, 150).select({inner}).sum()'
    with pytest.raises(TooSlow, match='takes too long'):
        yaql_language.evaluate(inner, {})


def test_an_operator_may_widen_the_limits_of_yaql() -> None:
    yaql_language.limit(1000, 1_000_000)
    try:
        assert len(yaql_language.evaluate('range(0, 900).toList()', {})) == 900
    finally:
        yaql_language.limit(yaql_language.DEFAULT_ITERATORS, yaql_language.DEFAULT_MEMORY)
    with pytest.raises(Exception, match='exceeds'):
        yaql_language.evaluate('range(0, 900).toList()', {})


@pytest.mark.parametrize('inner', ['a' * 1000, {'Ref': 'AWS::StackName'}])
def test_texts_inside_texts_are_not_worked_out_once_for_each_name(inner: Any) -> None:
    value = inner
    for _turn in range(8):
        value = {'Fn::Sub': ['${A}' * 200, {'A': value}]}
    template = compile_template({'AWSTemplateFormatVersion': '2010-09-09', 'Resources': {
        'R': {'Type': 'AWS::CloudFormation::WaitConditionHandle', 'Metadata': {'m': value}}}})
    for name in ('', 'some-stack'):
        scope = NullScope({'AWS::StackName': name})
        settled = template.settle(scope).resources['R'].metadata
        assert settled.refs() == frozenset()
        if name or isinstance(inner, str):
            with pytest.raises(ValueError, match='"Fn::Sub" would make'):
                settled.value(scope)
        else:
            assert settled.value(scope) == {'m': ''}


def test_json_in_json_in_json_does_not_fill_the_memory() -> None:
    value: Any = {'a': '"' * 100}
    for _turn in range(24):
        value = {'a': {'Fn::ToJsonString': value}}
    template = compile_template({
        'AWSTemplateFormatVersion': '2010-09-09', 'Transform': 'AWS::LanguageExtensions', 'Resources': {
            'R': {'Type': 'AWS::CloudFormation::WaitConditionHandle', 'Metadata': value}}})
    with pytest.raises(ValueError, match='"Fn::ToJsonString" would make'):
        template.settle(NullScope({})).resources['R'].metadata.value(NullScope({}))
