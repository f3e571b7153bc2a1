"""heat-template fmt: one style, comments and meaning kept; what is written is written alike again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heat.common import errors
from heat.template.load import parse
from heat.template.print import alike, formatted, json_of, render, text_of
from heat.template.source import read
from heat.template.versions import table

DATA = Path(__file__).resolve().parents[1] / 'data' / 'tool'
SHIPPED = sorted((DATA.parents[2] / 'etc' / 'heat' / 'templates').glob('*.yaml'))
HEAD = 'heat_template_version: 2021-04-16\n'


def body(text: str) -> str:
    """What becomes of ``text`` below a version."""
    made = formatted(HEAD + text)
    assert made.startswith(HEAD + '\n')
    return made.removeprefix(HEAD + '\n')


def test_a_messy_template_becomes_tidy() -> None:
    assert formatted((DATA / 'messy.yaml').read_text()) == (DATA / 'tidy.yaml').read_text()


def test_short_tags_stay_short() -> None:
    # Through the printer alone, which needs no meaning of a tag.
    made = render(read((DATA / 'messy.cfn.yaml').read_text()))
    assert made == (DATA / 'tidy.cfn.yaml').read_text()
    assert render(read(made)) == made


@pytest.mark.parametrize(
    'path', [one for one in SHIPPED if '.env.' not in one.name], ids=lambda one: one.name
)
def test_shipped_templates_keep_their_meaning(path: Path) -> None:
    made = formatted(path.read_text())
    assert parse(made) == parse(path.read_text()) and formatted(made) == made


@pytest.mark.parametrize(
    ('written', 'wanted'),
    [
        ('x: [ a,b ]', 'x: [a, b]\n'),
        ('x: {a: , b}', 'x: {a: null, b: null}\n'),
        ('x:\n- a\n- - b\n  - c', 'x:\n  - a\n  - - b\n    - c\n'),
        ('x: "a"', "x: 'a'\n"),
        ('x: "a\\n"', 'x: "a\\n"\n'),
        ('x: |\n      a\n\n      b\n', 'x: |\n  a\n\n  b\n'),
        ('x: |2\n    a\n  b\n', 'x: |2\n    a\n  b\n'),
        ('x: |+\n  a\n\n', 'x: "a\\n\\n"\n'),
        ('x: >-\n    a\n    b', 'x: >-\n  a\n  b\n'),
        ('? x\n: y', 'x: y\n'),
        ('x: &a {b: 1}\ny: {<<: *a, c: 2}', 'x: &a {b: 1}\n\ny: {<<: *a, c: 2}\n'),
        ('x:\n  a: 1\n\n\n\n  b: 2', 'x:\n  a: 1\n\n  b: 2\n'),
        ('x:\n  # c\n\n  a: 1', 'x:\n  # c\n\n  a: 1\n'),
        ('x: # c\n  - a', 'x:  # c\n  - a\n'),
        ('x:\n  -\n    # c\n    a: 1', 'x:\n  -\n    # c\n    a: 1\n'),
        ('x: [ # one\n  a, # two\n  b]', 'x:  # one\n  - a  # two\n  - b\n'),
        ('x: []  # c', 'x: []  # c\n'),
        ('x: 0o17\ny: 017\nz: 1_0', 'x: 0o17\n\ny: 017\n\nz: 1_0\n'),
    ],
)
def test_style(written: str, wanted: str) -> None:
    assert body(written) == wanted
    assert body(wanted) == wanted


def test_a_flow_that_is_too_long_is_opened() -> None:
    long = [f'item{number}' for number in range(30)]
    assert body(f'x: [{", ".join(long)}]') == 'x:\n' + ''.join(f'  - {one}\n' for one in long)


def test_keys_keep_their_order_where_an_alias_asks_for_it() -> None:
    text = f'resources: {{a: &a {{type: X}}}}\nparameters: {{p: *a}}\n{HEAD}'
    assert formatted(text) == f'resources: {{a: &a {{type: X}}}}\n\nparameters: {{p: *a}}\n\n{HEAD}'
    assert formatted(text.replace('*a', '{type: number}')).index('parameters') < formatted(
        text.replace('*a', '{type: number}')
    ).index('resources')


def test_every_section_of_every_version_has_its_place() -> None:
    for row in table().values():
        sections = [one for one in row.sections if one == row.key or 'Version' not in one]
        text = ''.join(f'{one}: {row.date if one == row.key else "{}"}\n' for one in reversed(sections))
        made = [line.split(':')[0] for line in formatted(text).splitlines() if line]
        assert made[0] == row.key and made[-2:] in (['resources', 'outputs'], ['Resources', 'Outputs'])
        assert sorted(made) == sorted(sections)


def test_json_stays_json() -> None:
    text = (
        '{"Resources": {"a": {"Properties": {"b": 1e3}, "Type": "é"}},'
        ' "AWSTemplateFormatVersion": "2010-09-09"}'
    )
    made = formatted(text)
    assert made == (
        '{\n  "AWSTemplateFormatVersion": "2010-09-09",\n  "Resources": {\n    "a": {\n'
        '      "Type": "é",\n      "Properties": {\n        "b": 1000.0\n      }\n    }\n  }\n}\n'
    )
    assert formatted(made) == made


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(errors.StackValidationFailed, match='duplicate key'):
        formatted(HEAD + 'x: 1\nx: 2')
    with pytest.raises(errors.StackValidationFailed, match='version not found'):
        formatted('x: 1')


SCALARS = st.one_of(
    st.sampled_from(
        [
            'x',
            '1',
            '0x1f',
            'yes',
            '~',
            '',
            'a b',
            "'it''s'",
            '"\\t\\u0085"',
            '2013-05-23',
            '12:30',
            '!!str 1',
            '.inf',
            '-',
            'a#b',
            'http://x:1/y',
            '"# no"',
            '&n v',
            'long ' * 30,
        ]
    ),
    st.text(max_size=12).map(lambda text: json.dumps(text)),
)


@st.composite
def blocks(draw: Any, indent: int = 0, depth: int = 3) -> str:
    """A block collection as somebody might have written it."""
    is_map = indent == 0 or draw(st.booleans())
    pad, lines = ' ' * indent, ''
    for number in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            lines += (
                '\n' * draw(st.integers(0, 2)) + ' ' * draw(st.integers(0, 8)) + f'# c{draw(st.integers())}\n'
            )
        head = (
            f'{pad}{draw(st.sampled_from(["k", "resources", "type", "é k"]))}{number}:'
            if is_map
            else f'{pad}-'
        )
        note = draw(st.sampled_from(['', '', '  # n', '\t#n2']))
        kind = draw(st.integers(0, 6))
        if kind == 0 and depth:
            step = draw(st.integers(1, 4))
            lines += f'{head}{note}\n{draw(blocks(indent + step, depth - 1))}'
        elif kind == 1:
            chomp = draw(st.sampled_from(['|', '>', '|-', '>-', '|+']))
            words = draw(st.lists(st.sampled_from(['a', '  b', '', '# no', 'c: d']), max_size=4))
            inside = ''.join(f'{pad}   {word}\n' if word else '\n' for word in ['first', *words])
            lines += f'{head} {chomp}{note}\n{inside}'
        elif kind == 2:
            items = ', '.join(draw(st.lists(st.sampled_from(['a', '{b: 1}', '[c, "d"]', "'e'"]), max_size=4)))
            opened = draw(st.sampled_from(['[', f'[ # open\n{pad}  ', f'[\n{pad} # alone\n{pad}  ']))
            lines += f'{head} {opened}{items}]{note}\n'
        elif kind == 3:
            lines += f'{head}\n{pad}  # between\n{pad}   {draw(SCALARS)}{note}\n'
        else:
            lines += f'{head} {draw(SCALARS)}{note}\n'
    return lines


@given(blocks(), st.booleans())
def test_any_template_keeps_its_meaning_and_its_comments(text: str, before: bool) -> None:
    text = HEAD + text if before else text + HEAD
    try:
        tree = parse(text)
    except errors.HeatException:
        return
    made = formatted(text)
    assert alike(parse(made), tree)
    assert formatted(made) == made
    assert sorted(one.text for one in read(made).comments) == sorted(one.text for one in read(text).comments)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), PLAIN, max_size=4))
@example({'<<': [{'<<': '<<'}]})
def test_plain_data_reads_back(tree: dict[str, Any]) -> None:
    tree = {'heat_template_version': '2021-04-16', **tree, 'short': {'get_attr': ['a', 'b,c', 'd: e']}}
    written = text_of(tree)
    assert alike(parse(written), tree) and list(parse(written)) == list(tree)
    assert alike(parse(json_of(tree)), tree)
