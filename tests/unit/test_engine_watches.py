"""The RPC methods on watch rules and metrics, on SQLite and a clock that is moved by hand."""

from __future__ import annotations

import datetime
import inspect
import json
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from heat.bus.wire import OWN_METHODS
from heat.common import errors
from heat.common.clock import VirtualClock
from heat.common.context import RequestContext
from heat.common.crypt import Crypt
from heat.db import connect, metrics, migrate, resources, schema, stacks, templates, watches
from heat.engine.metrics import Metrics
from heat.engine.watcher import Watcher
from heat.engine.watches import Watches
from heat.model.resource import Row
from heat.model.stack import Stack
from heat.model.status import Action, Status
from heat.model.watch import STATISTICS, Metric
from heat.plan.watch import iso

CRYPT = Crypt(['k' * 32])
ME, OTHER = RequestContext(tenant_id='me'), RequestContext(tenant_id='other')
NS = 'app'
T0 = '2023-11-14T22:13:00Z'


class Site:
    """Both sets of methods over one database."""

    def __init__(self, database: Engine) -> None:
        self.database = database
        self.clock = VirtualClock(1_700_000_000.0)
        self.rules = Watches(database, CRYPT, self.clock, lambda root: None)
        self.metrics = Metrics(database, CRYPT, self.clock)
        self.watcher = Watcher('e', database, CRYPT, self.clock, lambda root: None, spawn=lambda run: None)

    def rule(self, name: str, context: RequestContext = ME, **more: Any) -> dict[str, Any]:
        return self.rules.put_watch(context, {
            'name': name, 'namespace': NS, 'metric_name': 'load', 'statistic': 'Sum', 'period': 60,
            'periods': 1, 'threshold': 5.0, 'comparison': 'GreaterThanThreshold', **more})

    def put(self, value: float = 1.0, context: RequestContext = ME, name: str = 'load',
            **more: Any) -> None:
        self.metrics.put_metric_data(context, NS, [{'name': name, 'value': value, **more}])

    def state(self, name: str, context: RequestContext = ME) -> str:
        return str(self.rules.show_watch(context, name)[0]['state_value'])


@pytest.fixture
def site() -> Iterator[Site]:
    database = connect.open_engine('sqlite://')
    migrate.upgrade(database)
    yield Site(database)
    database.dispose()


def test_methods_take_what_the_table_says() -> None:
    checked = 0
    for part in (Watches, Metrics):
        for name in (n for n in dir(part) if not n.startswith('_')):
            taken = tuple(list(inspect.signature(getattr(part, name)).parameters)[2:])
            assert taken == OWN_METHODS[name][1], name
            checked += 1
    assert checked == 12


# -- rules -----------------------------------------------------------------------------------------


def test_a_rule_is_shown_by_the_names_of_the_interface(site: Site) -> None:
    told = site.rule('r', dimensions=[['b', '2'], ['a', '1']], unit='Count', datapoints=1,
                     description='d', missing='ignore')
    assert set(told) == {
        'actions_enabled', 'actions', 'topic', 'updated_time', 'description', 'name', 'comparison',
        'dimensions', 'periods', 'insufficient_actions', 'metric_name', 'namespace', 'ok_actions', 'period',
        'state_reason', 'state_reason_data', 'state_updated_time', 'state_value', 'statistic', 'threshold',
        'unit', 'stack_id', 'datapoints', 'missing'}
    assert told['topic'] == 'arn:openstack:cloudwatch::me:alarm:r'
    assert (told['state_value'], told['state_updated_time']) == ('NODATA', '2023-11-14T22:13:20Z')
    assert told['dimensions'] == [['a', '1'], ['b', '2']] and told['stack_id'] is None
    assert site.rules.show_watch(ME, 'r') == site.rules.show_watch(ME, None) == [told]
    json.dumps(told)


def test_a_rule_that_is_put_again_keeps_its_state(site: Site) -> None:
    site.rule('r')
    site.rules.set_watch_state(ME, 'r', 'ALARM', 'because', '{"a": 1}')
    told = site.rule('r', threshold=9)
    assert (told['threshold'], told['state_value'], told['state_reason']) == (9.0, 'ALARM', 'because')
    assert json.loads(told['state_reason_data']) == {'a': 1}
    assert len(site.rules.show_watch(ME, None)) == 1


def test_a_state_that_is_set_lasts_until_the_next_evaluation(site: Site) -> None:
    site.rule('r')
    site.put(1.0)
    site.rules.set_watch_state(ME, 'r', 'ALARM')
    site.watcher.claim()
    site.clock.advance(60)
    assert site.watcher.turn() is not None and site.state('r') == 'NORMAL'
    for state in ('SUSPENDED', 'CEILOMETER_CONTROLLED', 'OK', ''):
        with pytest.raises(errors.Invalid, match='is no state to set'):
            site.rules.set_watch_state(ME, 'r', state)


def test_deleting_is_all_or_nothing(site: Site) -> None:
    site.rule('a')
    with pytest.raises(errors.WatchRuleNotFound, match=r'The Watch Rule \(b\) could not be found\.'):
        site.rules.delete_watches(ME, ['a', 'b'])
    assert site.state('a') == 'NODATA'
    site.rules.delete_watches(ME, ['a', 'a'])
    assert site.rules.show_watch(ME, None) == []
    with pytest.raises(errors.WatchRuleNotFound):
        site.rules.set_watch_actions(ME, ['a'], False)
    with pytest.raises(errors.WatchRuleNotFound):
        site.rules.show_watch(ME, 'a')


def test_rules_are_listed_in_pages_and_by_what_they_are(site: Site) -> None:
    for n in range(5):
        site.rule(f'r{n}', threshold=n)
    site.rule('x', statistic='Average', metric_name='idle')
    site.rules.set_watch_state(ME, 'r3', 'ALARM')

    def listed(**asked: Any) -> list[str]:
        found, marker = [], None
        while True:
            page = site.rules.list_watches(ME, marker=marker, limit=2, **asked)
            found += [one['name'] for one in page['watches']]
            marker = page['marker']
            assert len(page['watches']) <= 2
            if marker is None:
                return found

    every = [*(f'r{n}' for n in range(5)), 'x']
    assert listed() == every
    assert listed(prefix='r') == every[:5] and listed(names=['x', 'r1', 'gone']) == ['r1', 'x']
    assert listed(state='ALARM') == ['r3'] and listed(action_prefix='arn') == []
    of = {'namespace': NS, 'name': 'load', 'dimensions': []}
    assert listed(metric=of) == every[:5] and listed(metric={**of, 'statistic': 'Maximum'}) == []
    assert listed(metric={**of, 'dimensions': [['a', '1']]}) == []
    with pytest.raises(errors.Invalid, match='no state of a watch rule'):
        listed(state='OK')
    with pytest.raises(errors.Invalid, match='"limit"'):
        site.rules.list_watches(ME, limit=0)


def test_history_is_told_in_pages_both_ways_and_kept_for_fourteen_days(site: Site) -> None:
    site.rule('r')
    site.rule('r')
    site.clock.advance(60)
    site.rule('r', threshold=6)
    site.rules.set_watch_state(ME, 'r', 'ALARM', 'so')
    site.rules.set_watch_actions(ME, ['r'], False)
    site.rules.delete_watches(ME, ['r'])
    wanted = ['Alarm "r" created', 'Alarm "r" updated', 'Alarm updated from INSUFFICIENT_DATA to ALARM',
              'Actions of alarm "r" disabled', 'Alarm "r" deleted']

    def listed(**asked: Any) -> list[str]:
        found, marker = [], None
        while True:
            page = site.rules.list_watch_history(ME, marker=marker, limit=2, **asked)
            found += [one['summary'] for one in page['items']]
            marker = page['marker']
            if marker is None:
                return found

    assert listed(newest_first=False) == wanted and listed() == wanted[::-1]
    assert listed(kind='StateUpdate') == wanted[2:3] and listed(name='s') == []
    assert listed(end='2023-11-14T22:13:30Z') == wanted[:1]
    assert listed(start='2023-11-14T22:13:30+00:00') == wanted[:0:-1]
    change = site.rules.list_watch_history(ME, kind='StateUpdate')['items'][0]
    assert json.loads(change['data'])['newState'] == {
        'stateValue': 'ALARM', 'stateReason': 'so', 'stateReasonData': None}
    for asked in ({'kind': 'x'}, {'marker': 'x'}, {'start': 'x'}, {'end': 7}):
        with pytest.raises(errors.Invalid):
            site.rules.list_watch_history(ME, **asked)  # type: ignore[arg-type]
    site.watcher.claim()
    site.clock.advance(15 * 86_400)
    assert site.watcher.turn() is None and listed() == []


def test_a_rule_of_another_project_is_not_there(site: Site) -> None:
    site.rule('r')
    assert site.rule('r', OTHER, threshold=1)['threshold'] == 1.0
    site.put(9.0)
    site.watcher.claim()
    site.clock.advance(60)
    site.watcher.turn()
    assert (site.state('r'), site.state('r', OTHER)) == ('ALARM', 'NODATA')
    site.rules.delete_watches(ME, ['r'])
    assert site.rules.show_watch(ME, None) == [] and site.rules.show_watch(OTHER, None) != []
    told = site.rules.list_watch_history(OTHER)['items']
    assert [one['summary'] for one in told] == ['Alarm "r" created']
    assert site.metrics.list_metrics(OTHER)['metrics'] == [] == site.metrics.show_watch_metric(OTHER)
    nobody = RequestContext()
    with pytest.raises(errors.Forbidden):
        site.rules.show_watch(nobody, None)


def test_what_a_rule_calls_must_be_there_and_is_sealed(site: Site) -> None:
    arn = 'arn:openstack:heat::me:stacks/s/i/resources/up'
    with pytest.raises(errors.Invalid, match=r'The stack of .* is not there any more'):
        site.rule('r', actions=[arn])
    with pytest.raises(errors.Invalid, match='another project'):
        site.rule('r', OTHER, actions=[arn])
    with pytest.raises(errors.Invalid, match='names no stack'):
        site.rule('r', actions=['up'])
    with pytest.raises(errors.Invalid, match='is no action'):
        site.rule('r', actions=['https://example.org/hook'])
    site.rule('r', description='hunter2')
    with connect.read(site.database) as conn:
        assert 'hunter2' not in str(conn.exec_driver_sql('SELECT * FROM watch_rule').all())


def test_a_project_has_a_bounded_number_of_rules_and_metrics(
        site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('heat.engine.watches.MOST_RULES', 1)
    monkeypatch.setattr('heat.engine.metrics.MOST_METRICS', 1)
    site.rule('a')
    site.rule('a', threshold=1)
    with pytest.raises(errors.RequestLimitExceeded):
        site.rule('b')
    site.put(name='one')
    site.put(name='one')
    with pytest.raises(errors.RequestLimitExceeded):
        site.put(name='two')
    site.put(name='two', context=OTHER)


# -- metrics ---------------------------------------------------------------------------------------


def statistics(site: Site, **more: Any) -> list[dict[str, Any]]:
    asked: dict[str, Any] = {
        'namespace': NS, 'name': 'load', 'dimensions': [], 'start': T0, 'end': '2023-11-14T22:23:00Z',
        'period': 60, 'statistics': list(STATISTICS), **more}
    return site.metrics.get_metric_statistics(ME, **asked)


def test_samples_of_all_forms_are_added_up_by_period_and_unit(site: Site) -> None:
    site.put(3.0)
    site.metrics.put_metric_data(ME, NS, [
        {'name': 'load', 'values': [1.0, 2.0], 'counts': [2, 1], 'timestamp': '2023-11-14T22:13:59Z'},
        {'name': 'load', 'statistics': {'count': 4, 'sum': 10, 'minimum': 1, 'maximum': 5},
         'timestamp': '2023-11-14T22:14:00Z'},
        {'name': 'load', 'value': 7, 'unit': 'Count'},
        {'name': 'load', 'value': 99, 'dimensions': [['a', '1']]}])
    assert statistics(site) == [
        {'timestamp': T0, 'unit': 'Count', 'SampleCount': 1, 'Average': 7, 'Sum': 7, 'Minimum': 7,
         'Maximum': 7},
        {'timestamp': T0, 'unit': 'None', 'SampleCount': 4, 'Average': 1.75, 'Sum': 7, 'Minimum': 1,
         'Maximum': 3},
        {'timestamp': '2023-11-14T22:14:00Z', 'unit': 'None', 'SampleCount': 4, 'Average': 2.5, 'Sum': 10,
         'Minimum': 1, 'Maximum': 5}]
    assert statistics(site, unit='Count', statistics=['Sum']) == [
        {'timestamp': T0, 'unit': 'Count', 'Sum': 7}]
    assert statistics(site, dimensions=[['a', '1']], period=600, statistics=['Sum']) == [
        {'timestamp': T0, 'unit': 'None', 'Sum': 99}]
    assert statistics(site, start='2023-11-14T22:13:41Z', statistics=['Sum'])[0]['timestamp'] == T0


@pytest.mark.parametrize(('changes', 'said'), [
    ({'period': 45}, 'multiple of 60'), ({'period': '60'}, 'multiple of 60'),
    ({'statistics': ['p99']}, 'no statistic'), ({'statistics': []}, 'no statistic'),
    ({'unit': 'x'}, 'no unit'), ({'end': T0}, 'after its start'), ({'start': 'x'}, 'ISO 8601'),
    ({'period': 1, 'end': '2023-11-15T22:13:00Z'}, '86400 data points were asked for'),
    ({'dimensions': [['a']]}, 'Dimensions')])
def test_a_question_that_cannot_be_answered_is_told(site: Site, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(errors.Invalid) as caught:
        statistics(site, **changes)
    assert said in str(caught.value)


@pytest.mark.parametrize(('sample', 'said'), [
    ({}, 'name of a metric'), ({'name': 'm'}, 'one of a value'), ({'name': 'm', 'value': 'x'}, 'no number'),
    ({'name': 'm', 'value': float('nan')}, 'no number'), ({'name': 'm', 'value': 1e300}, 'no number'),
    ({'name': 'm', 'value': 1, 'values': [1]}, 'one of a value'), ({'name': 'm', 'values': []}, 'as many'),
    ({'name': 'm', 'values': [1], 'counts': [1, 2]}, 'as many'),
    ({'name': 'm', 'values': [1], 'counts': [-1]}, 'more than 0'),
    ({'name': 'm', 'statistics': {'count': 1}}, 'have count, sum'),
    ({'name': 'm', 'statistics': {'count': 1, 'sum': 1, 'minimum': 2, 'maximum': 1}}, 'not above'),
    ({'name': 'm', 'value': 1, 'unit': 'Bushels'}, 'no unit'),
    ({'name': 'm', 'value': 1, 'timestamp': '2023-10-14T22:13:00Z'}, 'two weeks old'),
    ({'name': 'm', 'value': 1, 'timestamp': '2023-11-15T22:13:00Z'}, 'two hours ahead'),
    ({'name': 'm', 'value': 1, 'timestamp': 'yesterday'}, 'ISO 8601'),
    ({'name': 'm', 'value': 1, 'dimensions': [['a', '']]}, 'value of the dimension')])
def test_a_sample_that_is_none_spoils_the_others(site: Site, sample: dict[str, Any], said: str) -> None:
    with pytest.raises(errors.Invalid) as caught:
        site.metrics.put_metric_data(ME, NS, [{'name': 'good', 'value': 1}, sample])
    assert said in str(caught.value)
    assert site.metrics.list_metrics(ME)['metrics'] == []


def test_metrics_are_listed_in_pages_and_by_their_dimensions(site: Site) -> None:
    for n in range(5):
        site.put(name=f'm{n}', dimensions=[['host', f'h{n}'], ['zone', 'z']])

    def listed(**asked: Any) -> list[str]:
        found, marker = [], None
        while True:
            page = site.metrics.list_metrics(ME, marker=marker, limit=2, **asked)
            found += [one['name'] for one in page['metrics']]
            marker = page['marker']
            if marker is None:
                return found

    every = [f'm{n}' for n in range(5)]
    assert listed() == listed(namespace=NS) == listed(dimensions=[['zone', 'z'], ['host', None]]) == every
    assert listed(dimensions=[['host', 'h3']]) == listed(name='m3') == ['m3']
    assert listed(namespace='x') == listed(dimensions=[['rack', None]]) == []
    site.clock.advance(4 * 3600)
    assert listed(recent=True) == []
    site.put(name='m1', dimensions=[['host', 'h1'], ['zone', 'z']])
    assert listed(recent=True) == ['m1']
    with pytest.raises(errors.Invalid, match='no marker'):
        site.metrics.list_metrics(ME, marker='m1')


def test_the_classic_sees_samples_one_by_one(site: Site) -> None:
    site.rule('r')
    site.put(2.0, unit='Count')
    site.metrics.create_watch_data(ME, 'r', {'Namespace': 'x', 'load': {'Unit': 'Percent', 'Value': '4'}})
    site.metrics.create_watch_data(ME, 'r', {'Namespace': 'x', 'idle': {'Unit': 'Percent', 'Value': '4'}})
    told = site.metrics.show_watch_metric(ME, metric_name='load')
    assert [set(one) for one in told] == [{'watch_name', 'metric_name', 'timestamp', 'namespace', 'data'}] * 2
    assert [one['watch_name'] for one in told] == ['r', '']
    assert told[1]['data'] == {'load': {'Value': 2.0, 'Unit': 'Count', 'Dimensions': []}, 'Namespace': NS}
    assert site.metrics.show_watch_metric(ME, metric_namespace='x') == []
    with pytest.raises(errors.WatchRuleNotFound):
        site.metrics.create_watch_data(ME, 'gone', {'load': {'Value': 1}})
    with pytest.raises(errors.Invalid, match='no number'):
        site.metrics.create_watch_data(ME, 'r', {'load': {'Value': 'x'}})


def test_samples_are_cleared_away_after_fifteen_days(site: Site) -> None:
    site.put(1.0)
    site.watcher.claim()
    site.clock.advance(14 * 86_400)
    assert site.watcher.turn() is not None and len(site.metrics.list_metrics(ME)['metrics']) == 1
    site.put(2.0)
    site.clock.advance(2 * 86_400)
    site.watcher.turn()
    assert [one['data']['load']['Value'] for one in site.metrics.show_watch_metric(ME)] == [2.0]
    site.clock.advance(16 * 86_400)
    assert site.watcher.turn() is None and site.metrics.list_metrics(ME)['metrics'] == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 599), st.floats(-1e3, 1e3, width=16),
                          st.sampled_from(['None', 'Count'])), max_size=30),
       st.sampled_from([10, 60, 300]))
def test_the_server_adds_up_what_a_slow_sum_adds_up(
        site: Site, samples: list[tuple[int, float, str]], period: int) -> None:
    start = 1_699_999_980.0
    metric = Metric(NS, f'm{site.clock.monotonic()}')
    site.clock.advance(0.001)
    if samples:
        site.metrics.put_metric_data(ME, NS, [
            {'name': metric.name, 'value': value, 'unit': unit, 'timestamp': iso(start + second)}
            for second, value, unit in samples])
    wanted: dict[tuple[int, str], list[float]] = {}
    for second, value, unit in samples:
        wanted.setdefault((second // period, unit), []).append(value)
    with connect.read(site.database) as conn:
        found = {(one.window, one.unit): one.statistics for one in metrics.windows(
            conn, [metrics.hash_of('me', metric)], start, period, 600 // period)}
    assert set(found) == set(wanted)
    for key, values in wanted.items():
        said = {'SampleCount': len(values), 'Sum': sum(values), 'Average': sum(values) / len(values),
                'Minimum': min(values), 'Maximum': max(values)}
        for name in STATISTICS:
            assert found[key].value(name) == pytest.approx(said[name], abs=1e-6)


def test_many_rules_are_evaluated_in_portions(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('heat.engine.watcher.PORTION', 2)
    for n in range(5):
        site.rule(f'r{n}', threshold=n, period=60 if n % 2 else 120, unit='Count' if n == 4 else None)
    site.put(2.5)
    site.watcher.claim()
    site.clock.advance(60)
    assert site.watcher.turn() == pytest.approx(45, abs=0.1)
    assert [site.state(f'r{n}') for n in range(5)] == ['ALARM', 'ALARM', 'ALARM', 'NORMAL', 'NODATA']


def test_rules_that_cannot_be_read_or_told_do_not_stop_the_others(site: Site) -> None:
    site.rule('a')
    site.rule('b', actions=[one_to_signal(site)])
    site.rule('c')
    other = Crypt(['another key'])
    with connect.write(site.database) as conn:
        resources.upsert_rows(conn, [replace(HANDLE, data={'token': 'x'})], other)
        method, token = other.encrypt('{}')
        conn.execute(schema.watch_rule.update().where(schema.watch_rule.c.name == 'a').values(
            rule=token, decrypt_method=method))
    site.put(9.0)
    site.watcher.claim()
    for _ in range(2):
        site.clock.advance(60)
        assert site.watcher.turn() is not None
    assert (site.state('b'), site.state('c')) == ('NODATA', 'ALARM')


HANDLE = Row('u', 'i', 'i', 'h', 'OS::Heat::WaitConditionHandle', Action.CREATE, Status.COMPLETE,
             created_at=datetime.datetime(2023, 11, 14))


def one_to_signal(site: Site) -> str:
    """The ARN of a resource that takes signals."""
    now = site.clock.now()
    with connect.write(site.database) as conn:
        number = templates.store_template(conn, {}, {}, {}, 'me', now)
        stacks.insert_stack(conn, Stack('i', 's', 'me', 'i', number, action=Action.CREATE,
                                        status=Status.COMPLETE, created_at=now))
        resources.upsert_rows(conn, [HANDLE], CRYPT)
    return 'arn:openstack:heat::me:stacks/s/i/resources/h'


def test_a_rule_that_is_changed_meanwhile_is_not_written_over(site: Site) -> None:
    site.rule('r')
    with connect.read(site.database) as conn:
        read, _sealed = watches.due(conn, site.clock.wall() + 100, CRYPT, 10)
    site.rule('r', threshold=7)
    with connect.write(site.database) as conn:
        assert watches.unchanged(conn, read) == set()
        assert not watches.update(conn, read[0], state='ALARM')


GREEN = '''
from heat.common import green
green.patch()
import sys, threading
from heat.db import connect, migrate
from heat.engine.watcher import Watcher
from tests.unit.test_engine_watches import CRYPT, Site, one_to_signal

engine = connect.open_engine(sys.argv[1])
migrate.upgrade(engine)
site = Site(engine)
site.rule('r', actions=[one_to_signal(site)])
site.put(9.0)
told = []
watcher = Watcher('e', engine, CRYPT, site.clock, lambda root: told.append((root, threading.get_native_id())),
                  spawn=lambda run: None)
watcher.claim()
site.clock.advance(60)
watcher.turn()
assert told == [('i', threading.get_native_id())], told
'''


def test_the_owner_is_told_in_its_own_kind_of_thread(tmp_path: pathlib.Path) -> None:
    """A queue that is filled from a thread of the operating system wakes nobody under green threads."""
    subprocess.run([sys.executable, '-W', 'ignore', '-c', GREEN, f'sqlite:///{tmp_path}/heat.db'], check=True,
                   timeout=60, cwd=pathlib.Path(__file__).resolve().parents[2])
