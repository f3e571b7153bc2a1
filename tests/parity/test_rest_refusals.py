"""What nobody would send on purpose: refused with a sentence, or harmless; never a failure."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from heat.common.context import RequestContext
from heat.db import connect, schema
from tests.parity.conftest import Site
from tests.wire.keystone import PROJECT

HOT = {'heat_template_version': '2021-04-16'}
TRIAL = {'type': 'OS::Heat::TestResource'}
STACKS = f'/v1/{PROJECT}/stacks'
HALF = 'The JSON body has the escape \\ud800, which is half a character.'


def made(here: Site, name: str = 's', **body: Any) -> str:
    """The address of a new stack that is complete."""
    body.setdefault('template', {**HOT, 'resources': {'a': TRIAL, 'wait': {
        'type': 'OS::Heat::WaitConditionHandle'}}})
    got = here.ask('POST', STACKS, {'stack_name': name, **body})
    assert got.status_int == 201, got.text
    here.world.run()
    return str(got.json_body['stack']['links'][0]['href'])


def refused(got: Any) -> str:
    assert got.status_int == 400, got.text
    return str(got.json_body['error']['message'])


def test_a_tag_given_twice_is_one_tag(here: Site) -> None:
    path = made(here, tags='b, a,b')
    assert here.ask('GET', path).json_body['stack']['tags'] == ['b', 'a']
    assert here.ask('PATCH', path, {'tags': 'c,c'}).status_int == 202
    here.world.run()
    assert here.ask('GET', path).json_body['stack']['tags'] == ['c']


@pytest.mark.parametrize('where', ['?name=%ff', '?%ff=1', '?marker=%c3', '/s?x=%ff'])
def test_a_query_that_is_no_text(here: Site, where: str) -> None:
    assert refused(here.ask('GET', STACKS + where)) == 'The query of the address is not UTF-8.'


@pytest.mark.parametrize('body', [
    {'tags': '\ud800'}, {'template': {**HOT, 'description': 'x\ud800'}}, {'parameters': {'\ud800': 1}},
    {'template': {**HOT, 'resources': {'\ud800': TRIAL}}}, {'files': {'f': ['\ud800']}}])
def test_half_a_character_in_a_body(here: Site, body: dict[str, Any]) -> None:
    assert refused(here.ask('POST', STACKS, {'stack_name': 's', 'template': HOT, **body})) == HALF
    path = made(here)
    assert refused(here.ask('POST', f'{path}/resources/wait/signal', {'data': '\ud800'})) == HALF


def test_two_halves_that_are_one_character_stay(here: Site) -> None:
    path = made(here, tags='\N{GRINNING FACE}')
    assert here.ask('GET', path).json_body['stack']['tags'] == ['\N{GRINNING FACE}']


def test_half_a_character_in_a_template_sent_as_text(here: Site) -> None:
    text = json.dumps({**HOT, 'outputs': {'o': {'value': '\ud800'}}})
    said = refused(here.ask('POST', STACKS, {'stack_name': 's', 'template': text}))
    assert said == ('Template not in valid format: Error parsing template [root stack] '
                    'the escape \\ud800 is half a character')


@pytest.mark.parametrize(('body', 'sentence'), [
    ({'stack_name': 's\n'}, 'Invalid stack name s\n must contain only alphanumeric or "_-." characters, '
                            'must start with alpha and must be 255 characters or less.'),
    ({'tags': 'a\0'}, 'Invalid tag, "a\0" may not contain the character U+0000'),
    ({'timeout_mins': 10 ** 30}, f"The value of 'timeout_mins' may be {2 ** 63 - 1} at most."),
    ({'timeout_mins': 2 ** 31}, 'Data supplied was not valid: "timeout_mins" may be 2147483647 at most.'),
    ({'timeout_mins': '+-5'}, "Only integer is acceptable by 'timeout_mins'."),
    ({'template': {**HOT, 'resources': {'n' * 256: TRIAL}}},
     'Resource name should be no more than 255 characters'),
    ({'template': {**HOT, 'resources': {'a': {'type': f'http://{"x" * 250}'}}}},
     'Resource type should be no more than 255 characters'),
    ({'template': {**HOT, 'resources': {'n\0': TRIAL}}},
     'Resource name may not contain the character U+0000')])
def test_what_the_database_could_not_keep(here: Site, body: dict[str, Any], sentence: str) -> None:
    got = here.ask('POST', STACKS, {'stack_name': 's', 'template': HOT, **body})
    assert refused(got).partition('\n  at')[0] == sentence
    if 'stack_name' not in body:
        path = made(here)
        assert refused(here.ask('PUT', path, {'template': HOT, **body})).partition('\n  at')[0] == sentence


def test_names_of_snapshots_and_plans_fit(here: Site) -> None:
    path = made(here)
    for name, flaw in (('n' * 256, 'should be no more than 255 characters'),
                       ('n\0', 'may not contain the character U+0000')):
        assert refused(here.ask('POST', f'{path}/snapshots', {'name': name})) == (
            f'Data supplied was not valid: The name of a snapshot {flaw}.')
        assert refused(here.ask('POST', f'{path}/plans', {'template': HOT, 'name': name})) == (
            f'Data supplied was not valid: The name of a plan {flaw}.')
        assert refused(here.ask('POST', f'/v1/{PROJECT}/software_configs', {'name': name})) == (
            f'Data supplied was not valid: "name" {flaw}')


@pytest.mark.parametrize('reason', [5, ['x'], {'x': 1}, True])
def test_a_reason_that_is_no_text(here: Site, reason: Any) -> None:
    path = made(here)
    got = here.ask('PATCH', f'{path}/resources/a',
                   {'mark_unhealthy': True, 'resource_status_reason': reason})
    assert refused(got) == 'Data supplied was not valid: "resource_status_reason" must be a text.'


@pytest.mark.parametrize('limit', ['+-5', '--5', '- 5', '5-', '٣'])
def test_a_limit_that_is_no_number(here: Site, limit: str) -> None:
    said = refused(here.ask('GET', f'{STACKS}?limit={quote(limit)}'))
    assert said == "Only integer is acceptable by 'limit'."


def test_a_limit_beyond_all_lists(here: Site) -> None:
    made(here)
    assert len(here.ask('GET', f'{STACKS}?limit={2 ** 63 - 1}').json_body['stacks']) == 1
    for number in (2 ** 63, '9' * 5000):
        assert refused(here.ask('GET', f'{STACKS}?limit={number}')) == (
            f"The value of 'limit' may be {2 ** 63 - 1} at most.")


@pytest.mark.parametrize('minutes', ['9' * 26, '9' * 5000, '%C2%B2', '-1', 'x'])
def test_a_filter_by_minutes_that_no_stack_has(here: Site, minutes: str) -> None:
    made(here, timeout_mins=5)
    assert here.ask('GET', f'{STACKS}?timeout_mins={minutes}').json_body['stacks'] == []
    assert len(here.ask('GET', f'{STACKS}?timeout_mins={minutes}&timeout_mins=5').json_body['stacks']) == 1


def test_a_flag_that_is_null_is_none(here: Site) -> None:
    """It was taken for false, so a creation with it was rolled back when it failed."""
    path = made(here, disable_rollback=None)
    assert here.ask('GET', path).json_body['stack']['disable_rollback'] is True
    assert here.ask('PATCH', path, {'disable_rollback': None, 'tags': 'x'}).status_int == 202
    here.world.run()
    assert here.ask('GET', path).json_body['stack']['disable_rollback'] is True


@pytest.mark.parametrize(('resources', 'sentence'), [
    ({'a': 5}, '"resources.a" must be a map.'),
    ({'a': {'resource_id': 'x', 'resource_data': 5}}, '"resources.a.resource_data" must be a map.'),
    ({'a': {'resource_id': 'x', 'metadata': 'x'}}, '"resources.a.metadata" must be a map.'),
    ({'a': {'resource_id': 'x' * 256}}, '"resources.a.resource_id" should be no more than 255 characters.'),
    ({'a': {'resources': {'b': []}}}, '"resources.a.resources.b" must be a map.')])
def test_adopt_data_of_another_shape(here: Site, resources: Any, sentence: str) -> None:
    data = {'template': {**HOT, 'resources': {'a': TRIAL}}, 'resources': resources}
    got = here.ask('POST', STACKS, {'stack_name': 's', 'adopt_stack_data': json.dumps(data)})
    assert refused(got) == f'Invalid adopt data: {sentence}'


@pytest.mark.parametrize(('written', 'sentence'), [
    ('{"a": NaN}', 'the number nan cannot be expressed in JSON'),
    ('[1e999]', 'the number inf cannot be expressed in JSON'),
    ('{"a": "\\ud800"}', 'the escape \\ud800 is half a character'),
    ('9' * 5000, 'it has a number of too many digits'),
    ('[' * 100_000, 'it is nested too deeply')], ids=['nan', 'inf', 'half', 'digits', 'deep'])
def test_a_json_parameter_that_no_answer_could_show(here: Site, written: str, sentence: str) -> None:
    template = {**HOT, 'parameters': {'p': {'type': 'json'}}}
    got = here.ask('POST', STACKS, {'stack_name': 's', 'template': template, 'parameters': {'p': written}})
    assert refused(got).partition('\n')[0] == (
        f"Parameter 'p' is invalid: Value must be valid JSON: {sentence}")


@pytest.mark.parametrize('number', [
    '0x' + 'f' * 5000, '0b' + '1' * 5000, '0' + '7' * 5000, '9' * 5000, '1' + ':59' * 400],
    ids=['hex', 'binary', 'octal', 'decimal', 'sexagesimal'])
def test_a_number_too_long_to_be_one_is_a_text(here: Site, number: str) -> None:
    text = f'heat_template_version: 2021-04-16\noutputs: {{o: {{value: {number}}}}}'
    path = made(here, template=text)
    assert here.ask('GET', f'{path}/outputs/o').json_body['output']['output_value'] == number


def test_a_body_with_a_number_of_too_many_digits(here: Site) -> None:
    body = b'{"stack_name": "s", "template": ' + b'9' * 5000 + b'}'
    assert refused(here.ask('POST', STACKS, body)) == 'A number in the JSON body has too many digits.'


def test_an_item_of_a_text_nested_without_end(here: Site) -> None:
    """The text of a list may stand for it; of this one Python itself gives up."""
    template = {'HeatTemplateFormatVersion': '2012-12-12', 'Outputs': {
        'o': {'Value': {'Fn::Select': ['0', '[' * 100_000]}}, 'p': {'Value': {'Fn::Select': ['0', '[7]']}}}}
    path = made(here, template=template)
    outputs = {one['output_key']: one for one in here.ask('GET', path).json_body['stack']['outputs']}
    assert outputs['p']['output_value'] == 7
    assert 'are no list or map' in outputs['o']['output_error']


def test_a_stack_whose_names_are_refused_by_now_can_still_be_deleted(here: Site) -> None:
    path = made(here, template={**HOT, 'resources': {'a': TRIAL}})
    long = 'n' * 256
    with connect.write(here.world.database) as conn:
        conn.execute(sa.update(schema.raw_template).values(template={**HOT, 'resources': {long: TRIAL}}))
        conn.execute(sa.update(schema.resource).values(name=long))
    assert here.ask('DELETE', path).status_int == 204
    here.world.run()
    assert here.ask('GET', path).json_body['stack']['stack_status'] == 'DELETE_COMPLETE'


@pytest.mark.parametrize('asked', ['snapshots', 'suspend', 'resume', 'check', 'abandon'])
def test_what_came_at_the_same_time_as_another_wish_is_refused(here: Site, asked: str) -> None:
    """Of several snapshots asked for at once, all but the last stood IN_PROGRESS for ever."""
    path = made(here)
    intake = here.world.engine.intake
    find, asks = intake.find, iter((True,))

    def late(context: RequestContext, identity: Any) -> Any:
        """Finds the stack as it was before another request came in between."""
        found = find(context, identity)
        if next(asks, False):
            assert here.ask('POST', f'{path}/snapshots', {'name': 'other'}).status_int == 200
        return found

    intake.find = late  # type: ignore[method-assign]
    if asked == 'abandon':
        got = here.ask('DELETE', f'{path}/abandon')
    elif asked == 'snapshots':
        got = here.ask('POST', f'{path}/snapshots', {'name': 'mine'})
    else:
        got = here.ask('POST', f'{path}/actions', {asked: None})
    assert got.status_int == 409, got.text
    assert got.json_body['error']['message'] == 'Stack s already has an action (SNAPSHOT) in progress.'
    here.world.run()
    snapshots = here.ask('GET', f'{path}/snapshots').json_body['snapshots']
    assert [(one['name'], one['status']) for one in snapshots] == [('other', 'COMPLETE')]


def test_two_that_lay_something_over_a_stack_at_the_same_time_both_do(here: Site) -> None:
    """Both were accepted, and the second had never heard of the first."""
    parameters = {name: {'type': 'string', 'default': 'old'} for name in 'pq'}
    path = made(here, template={**HOT, 'parameters': parameters}, tags='x')
    intake = here.world.engine.intake
    find, asks = intake.find, iter((False, True))

    def late(context: RequestContext, identity: Any) -> Any:
        """Finds the stack as it was before another request came in between."""
        found = find(context, identity)
        if next(asks, False):
            assert here.ask('PATCH', path, {'parameters': {'p': 'new'}, 'tags': 'y'}).status_int == 202
        return found

    intake.find = late  # type: ignore[method-assign]
    assert here.ask('PATCH', path, {'parameters': {'q': 'new'}}).status_int == 202
    here.world.run()
    shown = here.ask('GET', path).json_body['stack']
    assert (shown['parameters']['p'], shown['parameters']['q'], shown['tags']) == ('new', 'new', ['y'])
