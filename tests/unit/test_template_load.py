"""Text to plain data: what is read, how limits hold, how faults are told."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from heat.common import errors
from heat.template.load import MAX_DEPTH, Marks, check_depth, parse, parse_with_marks

HEAD = 'heat_template_version: 2021-04-16\n'


def read(text: str) -> Any:
    return parse(HEAD + text)


@pytest.mark.parametrize(
    'written',
    [
        'x',
        '1',
        '0x1f',
        '017',
        '0b11',
        '1_000',
        '1.5',
        '.5',
        '1.5e+3',
        '1e3',
        '.inf',
        '~',
        'null',
        'yes',
        'Off',
        'TRUE',
        '22:22',
        '1:30.5',
        '"1"',
        "'yes'",
        '|\n  a\n  b\n',
        '>-\n  a\n  b\n',
        '+',
        '.',
        '0',
        '-0',
        '08',
        'a: b',
        '[1, a]',
        '{a: 1}',
        '!!str 5',
        '!!int "5"',
        '!!float 1',
        '1.',
        'nan',
        '-.inf',
        '0o7',
        '',
    ],
)
def test_scalars_are_read_as_by_the_safe_loader(written: str) -> None:
    text = f'v: {written}' if ': ' not in written else f'v:\n  {written}'
    assert read(text)['v'] == yaml.safe_load(text)['v']


@pytest.mark.parametrize('written', ['2021-04-16', '2021-04-16 10:00:00', '2021-04-16T10:00:00Z'])
def test_dates_stay_text(written: str) -> None:
    assert read(f'v: {written}')['v'] == written


def test_keys_are_text_as_json_writes_them() -> None:
    assert read('v: {1: a, yes: b, ~: c, 1.5: d}')['v'] == {'1': 'a', 'true': 'b', 'null': 'c', '1.5': 'd'}


def test_anchors_and_merges() -> None:
    tree = read(
        'a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nm: {<<: [*a, *b], z: 3}\nl: [*a, *b]\nn:\n  <<: *a\n  x: 9\n'
    )
    assert tree['m'] == {'x': 1, 'y': 1, 'z': 3}
    assert tree['n'] == {'x': 9, 'y': 1}
    assert tree['l'] == [{'x': 1, 'y': 1}, {'y': 2, 'z': 2}]


@pytest.mark.parametrize(
    ('text', 'sentence'),
    [
        (
            'a: [1,\nb',
            'Error parsing template [root stack] while parsing a flow sequence\n  in "<unicode string>", '
            "line 1, column 4:\n    a: [1,\n       ^\nexpected ',' or ']', but got '<stream end>'\n  "
            'in "<unicode string>", line 2, column 2:\n    b\n     ^',
        ),
        (
            'heat_template_version: 2021-04-16\n\tresources: {}\n',
            'Error parsing template [root stack] while scanning '
            'for the next token\nfound character \'\\t\' that cannot start any token\n  '
            'in "<unicode string>", '
            'line 2, column 1:\n    \tresources: {}\n    ^',
        ),
        (
            'heat_template_version: !!python/object:os.system x',
            'Error parsing template [root stack] could not '
            "determine a constructor for the tag 'tag:yaml.org,2002:python/object:os.system'\n  in "
            '"<unicode string>", line 1, column 24:\n    heat_template_version: !!python/object:os.system x\n'
            '                           ^',
        ),
        ('just words', 'The template is not a JSON object or YAML mapping.'),
        ('', 'Template format version not found.'),
        ('a: 1', 'Template format version not found.'),
    ],
)
def test_faults_are_told_as_recorded(text: str, sentence: str) -> None:
    with pytest.raises(errors.StackValidationFailed) as caught:
        parse(text)
    assert str(caught.value) == sentence


def test_another_file_is_named() -> None:
    with pytest.raises(errors.StackValidationFailed, match=r'^Error parsing template file:///n.yaml while'):
        parse('a: [1', what='file:///n.yaml')


@pytest.mark.parametrize('text', [HEAD + 'a: 1\na: 2\n', '{"heat_template_version": "x", "a": 1, "a": 2}'])
def test_a_key_written_twice(text: str) -> None:
    with pytest.raises(errors.StackValidationFailed, match="found duplicate key 'a'") as caught:
        parse(text)
    assert 'line ' in str(caught.value)
    assert parse(text, duplicates='last')['a'] == 2


@pytest.mark.parametrize(
    'text',
    [
        'a: *nobody',
        'a: &a [*a]',
        'a: !Ref x',
        'a: !!python/name:os.system ""',
        '? [1]\n: 2',
        'a: !!set {x}',
        'a: !!binary aGk=',
        'a: {<<: 1}',
        '---\na: 1\n---\nb: 1',
        'a: !!int x',
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(errors.StackValidationFailed):
        read(text)


def test_aliases_cannot_blow_up() -> None:
    lines = ['a0: &a0 [' + ','.join(['x' * 50] * 9) + ']']
    lines += [f'a{i}: &a{i} [' + ','.join([f'*a{i - 1}'] * 9) + ']' for i in range(1, 12)]
    with pytest.raises(errors.StackValidationFailed, match='too large'):
        read('\n'.join(lines))


@pytest.mark.parametrize(
    'text',
    [
        HEAD + 'a: ' + '[' * 5000 + ']' * 5000,
        '{"heat_template_version": "x", "a": ' + '[' * 500 + ']' * 500 + '}',
        '{"heat_template_version": "x", "a": ' + '[' * 100000 + ']' * 100000 + '}',
    ],
)
def test_depth_is_bounded(text: str) -> None:
    with pytest.raises(errors.StackValidationFailed, match=r'nest|levels'):
        parse(text)


def test_depth_of_plain_data() -> None:
    tree: Any = 1
    for _ in range(MAX_DEPTH):
        tree = [tree]
    check_depth(tree)
    with pytest.raises(errors.StackValidationFailed):
        check_depth([tree])


def test_size_is_bounded_in_bytes() -> None:
    text = HEAD + 'd: ' + 'ü' * 20
    size = len(text.encode())
    assert parse(text, max_bytes=size)['d'] == 'ü' * 20
    with pytest.raises(errors.RequestLimitExceeded) as caught:
        parse(text, max_bytes=size - 1)
    assert str(caught.value) == (
        f'Request limit exceeded: Template size ({size} bytes) exceeds maximum '
        f'allowed size ({size - 1} bytes).'
    )


def test_bytes_are_utf8() -> None:
    assert parse(b'\xef\xbb\xbf' + HEAD.encode())['heat_template_version'] == '2021-04-16'
    with pytest.raises(errors.StackValidationFailed, match="can't decode byte 0xff"):
        parse(b'\xff')


def test_marks() -> None:
    _, marks = parse_with_marks(HEAD + 'resources:\n  a:\n    type: T\n    list: [1, {x: 2}]\n')
    assert marks.at(('resources', 'a', 'type')) == (4, 5)
    assert marks.at(('resources', 'a', 'list', 1, 'x')) == (5, 16)
    assert marks.at(('resources', 'a', 'type', 'deeper')) == (4, 5)
    assert marks.at(()) == (1, 1)
    assert Marks('[').at(('a',)) is None


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=25,
)


@given(_PLAIN)
def test_what_is_written_as_json_is_read_again(tree: Any) -> None:
    whole = {'heat_template_version': '2021-04-16', 'v': tree}
    assert parse(json.dumps(whole)) == whole


@given(_PLAIN)
def test_what_is_written_as_yaml_is_read_again(tree: Any) -> None:
    whole = {'heat_template_version': '2021-04-16', 'v': tree}
    assert parse(yaml.safe_dump(whole)) == whole


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        tree = parse(HEAD + text)
    except errors.HeatException:
        return
    assert isinstance(tree, dict)


def test_not_a_number() -> None:
    assert math.isnan(read('v: .nan')['v'])


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(errors.StackValidationFailed):
        read('v: \ud800')


def test_the_number_that_is_told_stands_where_it_is_told() -> None:
    tree = read('a: {j: .inf}\nb: {m: .nan}\n')
    with pytest.raises(errors.StackValidationFailed, match='The number inf cannot') as caught:
        check_depth(tree)
    (fault,) = caught.value.faults
    assert list(fault.path) == ['a', 'j']
