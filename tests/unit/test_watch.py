"""Watch rules without a database: statistics, windows, states, what rules and actions may be."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heat.common.ids import StackId
from heat.model.watch import (
    ALARM,
    COMPARISONS,
    NODATA,
    NORMAL,
    STATISTICS,
    TREATMENTS,
    Metric,
    Statistics,
    WatchRule,
)
from heat.plan import watch
from heat.plan.watch import GRACE, Windows
from heat.plan.watch_rule import Target, foreign, rule_of, target_of

NOW = 1_700_000_030.0
RULE = WatchRule('r', Metric('ns', 'load'), 'Average', 'GreaterThanThreshold', 1.0, 60)
SENT: dict[str, Any] = {
    'name': 'r', 'namespace': 'ns', 'metric_name': 'load', 'statistic': 'Average', 'period': 60, 'periods': 1,
    'threshold': 1.0, 'comparison': 'GreaterThanThreshold'}
numbers = st.floats(-1e6, 1e6, width=32)
RANK = {'GreaterThanThreshold': lambda v, t: v > t, 'GreaterThanOrEqualToThreshold': lambda v, t: v >= t,
        'LessThanThreshold': lambda v, t: v < t, 'LessThanOrEqualToThreshold': lambda v, t: v <= t}


# -- statistics ------------------------------------------------------------------------------------


@given(st.lists(numbers, min_size=1), st.data())
def test_sets_that_are_merged_tell_what_all_samples_tell(values: list[float], data: Any) -> None:
    cut = data.draw(st.integers(1, len(values)))
    parts = [Statistics.of(value) for value in values]
    left, right = parts[0], None
    for one in parts[1:cut]:
        left = left.merge(one)
    for one in parts[cut:]:
        right = one if right is None else right.merge(one)
    merged = left if right is None else right.merge(left)
    said = {'SampleCount': len(values), 'Sum': math.fsum(values), 'Average': math.fsum(values) / len(values),
            'Minimum': min(values), 'Maximum': max(values)}
    for name in STATISTICS:
        assert merged.value(name) == pytest.approx(said[name], abs=1e-3)


# -- windows ---------------------------------------------------------------------------------------


def test_windows_of_cloudwatch_end_with_a_whole_minute_and_reach_two_periods_further() -> None:
    seen = watch.windows(replace(RULE, periods=3), NOW)
    assert seen == Windows(NOW // 60 * 60 - 300, 60, 5) and seen.end == NOW // 60 * 60
    assert watch.windows(replace(RULE, period=300), NOW).end == NOW // 60 * 60
    assert watch.windows(replace(RULE, period=10), NOW).end == NOW // 10 * 10


def test_windows_of_the_classic_end_now() -> None:
    assert watch.windows(replace(RULE, lite=True, periods=2), NOW) == Windows(NOW - 120, 60, 2)


@given(st.floats(1e9, 2e9), st.sampled_from([10, 30, 60, 300, 86400]), st.floats(1, 1e5), st.booleans())
def test_the_next_evaluation_is_ahead_and_within_a_period(now: float, period: int, interval: float,
                                                          lite: bool) -> None:
    rule = replace(RULE, period=period, lite=lite)
    due = watch.next_due(rule, now, interval)
    assert now < due <= now + max(period, 10)
    if not lite:
        assert (due - GRACE) % (10 if period < 60 else 60) == 0
        assert watch.windows(rule, due).end > watch.windows(rule, now).end - period


# -- states ----------------------------------------------------------------------------------------

# The tables of CloudWatch's guide ("Configuring how alarms treat missing data"): 0 does not breach, X
# does, - is missing; the newest is last. Columns: missing, ignore, breaching, notBreaching.
GUIDE = [
    (3, '0-X-X', 'OK OK OK OK'), (3, '0----', 'OK OK OK OK'), (3, '-----', 'NODATA KEPT ALARM OK'),
    (3, '0XX-X', 'ALARM ALARM ALARM ALARM'), (3, '--X--', 'ALARM KEPT ALARM OK'),
    (2, '0-X-X', 'ALARM ALARM ALARM ALARM'), (2, '00X0X', 'ALARM ALARM ALARM ALARM'),
    (2, '0-X--', 'OK OK ALARM OK'), (2, '----0', 'OK OK ALARM OK'), (2, '---X-', 'ALARM KEPT ALARM OK'),
    # A breach that has not lasted is none yet; one that is too old to count has ended.
    (3, '----X', 'KEPT KEPT ALARM OK'), (3, 'X----', 'NODATA KEPT ALARM OK'),
]


def judged(rule: WatchRule, drawn: str, before: str = NORMAL) -> str:
    values = {'0': 0.0, 'X': 2.0}
    points = {n: Statistics.of(values[sign]) for n, sign in enumerate(drawn) if sign != '-'}
    return watch.judge(rule, points, Windows(0.0, rule.period, len(drawn)), before).state


@pytest.mark.parametrize(('enough', 'drawn', 'wanted'), GUIDE)
@pytest.mark.parametrize('before', [NORMAL, ALARM, NODATA])
def test_missing_data_is_treated_as_the_guide_says(enough: int, drawn: str, wanted: str,
                                                   before: str) -> None:
    words = {'OK': NORMAL, 'ALARM': ALARM, 'NODATA': NODATA, 'KEPT': before}
    for treatment, word in zip(('missing', 'ignore', 'breaching', 'notBreaching'), wanted.split(),
                               strict=True):
        rule = replace(RULE, periods=3, datapoints=enough, missing=treatment)
        assert judged(rule, drawn, before) == words[word], treatment


@given(st.data(), st.integers(1, 5), st.sampled_from(COMPARISONS), st.sampled_from(TREATMENTS),
       st.sampled_from(STATISTICS), numbers)
def test_complete_data_is_counted(data: Any, periods: int, comparison: str, treatment: str, statistic: str,
                                  threshold: float) -> None:
    enough = data.draw(st.integers(1, periods))
    sets = data.draw(st.lists(st.lists(numbers, min_size=1, max_size=4), min_size=periods + 2,
                              max_size=periods + 2))
    rule = replace(RULE, periods=periods, datapoints=enough, comparison=comparison, missing=treatment,
                   statistic=statistic, threshold=threshold)
    points = {}
    for n, values in enumerate(sets):
        for value in values:
            one = Statistics.of(value)
            points[n] = points[n].merge(one) if n in points else one
    found = watch.judge(rule, points, Windows(0.0, 60, periods + 2), NODATA)
    bad = [n for n in range(2, periods + 2) if RANK[comparison](points[n].value(statistic), threshold)]
    assert found.state == (ALARM if len(bad) >= enough else NORMAL)
    assert found.data['recentDatapoints'] == [points[n].value(statistic) for n in range(2, periods + 2)]


@given(st.text('0X-', min_size=5, max_size=5), st.integers(1, 3), st.sampled_from([NORMAL, ALARM, NODATA]))
def test_treatments_are_ordered(drawn: str, enough: int, before: str) -> None:
    """What breaches with good will breaches without, and ``missing`` never invents a sound state."""
    def state(treatment: str) -> str:
        return judged(replace(RULE, periods=3, datapoints=enough, missing=treatment), drawn, before)

    if state('notBreaching') == ALARM:
        assert {state(one) for one in TREATMENTS} == {ALARM}
    if state('breaching') == NORMAL:
        assert {state(one) for one in TREATMENTS} == {NORMAL}
    if '0' not in drawn and 'X' not in drawn:
        assert state('missing') == NODATA and state('ignore') == before


@pytest.mark.parametrize(('statistic', 'state'), [
    ('Average', NODATA), ('Minimum', NODATA), ('Maximum', NODATA), ('Sum', ALARM), ('SampleCount', ALARM)])
def test_a_lite_rule_without_samples_is_as_the_classic_had_it(statistic: str, state: str) -> None:
    rule = replace(RULE, lite=True, statistic=statistic, comparison='LessThanThreshold')
    assert judged(rule, '-') == state


def test_the_reason_says_what_was_compared() -> None:
    seen = Windows(0.0, 60, 3)
    found = watch.judge(RULE, {2: Statistics.of(2.5)}, seen, NORMAL)
    assert found.reason == (
        'Threshold Crossed: 1 out of the last 1 datapoint [2.5 (1970-01-01T00:02:00Z)] was greater than the '
        'threshold (1) (minimum 1 datapoint for OK -> ALARM transition).')
    sound = watch.judge(RULE, {2: Statistics.of(0.5)}, seen, NORMAL)
    assert '[0.5 (1970-01-01T00:02:00Z)] was not greater than the threshold' in sound.reason
    assert watch.judge(RULE, {}, seen, NORMAL).reason == 'Insufficient Data: 1 datapoint was unknown.'


# -- what rules and actions may be -------------------------------------------------------------------

STACK = StackId('p', 's', 'i')
ARN = 'arn:openstack:heat::p:stacks/s/i/resources/up'


@pytest.mark.parametrize('action', [
    ARN, 'http://h:8000/v1/signal/arn%3Aopenstack%3Aheat%3A%3Ap%3Astacks/s/i/resources/up?Signature=x',
    'https://h/heat-api/v1/p/stacks/s/i/resources/up/signal'])
def test_an_action_means_a_resource(action: str) -> None:
    assert target_of(action) == Target('up', STACK)
    assert foreign(action, 'p') is None and 'another project' in str(foreign(action, 'q'))


def test_names_survive_the_address() -> None:
    for name in ('a b', 'ä', 'a%2Fb', 'a%b'):
        own = STACK.resource(name)
        assert target_of(own.arn()) == Target(name, STACK)
        assert target_of(f'http://h/v1{own.url_path()}/signal') == Target(name, STACK)
    assert target_of('up') == Target('up')


@pytest.mark.parametrize('action', [
    'arn:aws:sns:eu-west-1:1:topic', 'http://example.org/hook', 'arn:openstack:heat::p:stacks/s/i',
    'http://h/v1/signal/nothing', ''])
def test_what_nobody_would_carry_out_is_refused(action: str) -> None:
    with pytest.raises(ValueError, match='action'):
        target_of(action)


def test_a_refusal_shows_no_signature() -> None:
    assert 'SECRET' not in str(foreign('http://example.org/hook?Signature=SECRET', 'p'))


@pytest.mark.parametrize(('changes', 'said'), [
    ({'name': ''}, '"name" is a text of 1 to 255 characters'), ({'namespace': None}, '"namespace"'),
    ({'metric_name': 'x' * 256}, '"metric_name"'), ({'statistic': 'p99'}, '"p99" is no statistic'),
    ({'comparison': '>'}, '">" is no comparison'), ({'missing': 'x'}, 'treatment of missing data'),
    ({'threshold': 'high'}, "number, not 'high'"), ({'threshold': math.nan}, 'number'),
    ({'threshold': True}, 'number'), ({'period': 45}, 'multiple of 60 seconds, not 45'),
    ({'period': 90}, 'not 90'), ({'period': 1.5}, 'whole number'), ({'periods': 0}, 'one period or more'),
    ({'periods': 1441}, 'looks back 86400 seconds'), ({'datapoints': 2}, 'between 1 and'),
    ({'unit': 'Bushels'}, '"Bushels" is no unit'), ({'actions': 'up'}, 'a list of texts'),
    ({'actions': [ARN] * 6}, 'at most 5 actions'), ({'description': 'x' * 1025}, 'at most 1024'),
    ({'dimensions': [['a', '1'], ['a', '2']]}, 'more than once'), ({'dimensions': 'a'}, 'Dimensions'),
    ({'dimensions': [['a', 1]]}, 'value of the dimension a'), ({'metrics': []}, 'has no "metrics"'),
    ({'actions_enabled': 'no'}, 'true or false'),
    ({'dimensions': [[f'd{n}', 'v'] for n in range(31)]}, 'at most 30 dimensions')])
def test_a_wrong_rule_is_told_in_a_sentence(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=r'\.') as caught:
        rule_of({**SENT, **changes})
    assert said in str(caught.value)


def test_a_rule_goes_over_the_wire_and_back() -> None:
    rule = rule_of({**SENT, 'dimensions': [['b', '2'], ['a', '1']], 'datapoints': 1, 'actions': [ARN],
                    'unit': 'Percent', 'threshold': '7', 'period': '300'})
    assert rule.metric.dimensions == (('a', '1'), ('b', '2')) and (rule.threshold, rule.period) == (7.0, 300)
    assert WatchRule.from_wire(rule.to_wire()) == rule
