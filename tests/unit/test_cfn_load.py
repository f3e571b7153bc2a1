"""Short YAML tags of CloudFormation templates, and templates without a version line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from heat.common import errors
from heat.template.load import parse, parse_part, parse_with_marks
from heat.template.tags import LONG

AWS = "AWSTemplateFormatVersion: '2010-09-09'\n"


def read(text: str) -> Any:
    return parse(f'{AWS}v: {text}')['v']


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('!Ref A', {'Ref': 'A'}),
        ('!Condition A', {'Condition': 'A'}),
        ('!GetAtt A.B', {'Fn::GetAtt': ['A', 'B']}),
        ('!GetAtt A.Outputs.B', {'Fn::GetAtt': ['A', 'Outputs.B']}),
        ('!GetAtt [A, B.C]', {'Fn::GetAtt': ['A', 'B.C']}),
        ('!GetAtt A', {'Fn::GetAtt': 'A'}),
        ("!GetAZs ''", {'Fn::GetAZs': ''}),
        ('!GetAZs', {'Fn::GetAZs': ''}),
        ('!Base64 5', {'Fn::Base64': '5'}),
        ('!Sub "${A}"', {'Fn::Sub': '${A}'}),
        ('!Sub [x, {a: 1}]', {'Fn::Sub': ['x', {'a': 1}]}),
        ('!Transform {Name: N, Parameters: {}}', {'Fn::Transform': {'Name': 'N', 'Parameters': {}}}),
        ('!Join [",", [!Ref A, !Select [0, !Split [".", a.b]]]]',
         {'Fn::Join': [',', [{'Ref': 'A'}, {'Fn::Select': [0, {'Fn::Split': ['.', 'a.b']}]}]]}),
        ('!If [c, !Ref AWS::NoValue, {k: !Ref B}]',
         {'Fn::If': ['c', {'Ref': 'AWS::NoValue'}, {'k': {'Ref': 'B'}}]}),
        ('!Sub |\n  a\n  b\n', {'Fn::Sub': 'a\nb\n'}),
        ('{"Fn::Base64": !Sub x}', {'Fn::Base64': {'Fn::Sub': 'x'}}),
        ('[&a !Ref A, *a]', [{'Ref': 'A'}, {'Ref': 'A'}]),
        ('!Not [!Equals [a, b]]', {'Fn::Not': [{'Fn::Equals': ['a', 'b']}]}),
    ],
)
def test_short_tags(text: str, expected: Any) -> None:
    assert read(text) == expected


@pytest.mark.parametrize('tag', sorted(LONG))
def test_every_tag_reads_scalars_sequences_and_mappings(tag: str) -> None:
    tree = parse(f'Resources:\n  s: {tag} x\n  l: {tag} [x]\n  m: {tag} {{x: 1}}\n')['Resources']
    assert tree == {'s': {LONG[tag]: 'x'}, 'l': {LONG[tag]: ['x']}, 'm': {LONG[tag]: {'x': 1}}}
    assert LONG[tag] in ('Ref', 'Condition', f'Fn::{tag[1:]}')


@pytest.mark.parametrize(
    'head', ['heat_template_version: 2021-04-16', "HeatTemplateFormatVersion: '2012-12-12'"])
@pytest.mark.parametrize('text', ['!Ref A', '!Sub [x, {}]', '!Foo x', '{a: !If [x]}'])
def test_other_formats_know_no_tags(head: str, text: str) -> None:
    with pytest.raises(errors.StackValidationFailed, match='determine a constructor for the tag') as caught:
        parse(f'{head}\nv: {text}\n')
    assert 'line 2' in str(caught.value) and 'Did you mean' not in str(caught.value)


def test_environments_know_no_tags() -> None:
    with pytest.raises(errors.StackValidationFailed, match="for the tag '!Ref'"):
        parse('Resources: {}\nparameters: {a: !Ref b}', what='environment')


@pytest.mark.parametrize(('tag', 'more'), [
    ('!Reff', 'Did you mean !Ref?'), ('!GetAttr', 'Did you mean !GetAtt?'), ('!sub', 'Did you mean !Sub?'),
    ('!Zzzzzz', '')])
def test_an_unknown_tag_is_told_with_its_place(tag: str, more: str) -> None:
    with pytest.raises(errors.StackValidationFailed) as caught:
        parse(f'{AWS}Resources:\n  A: {tag} x\n')
    text = str(caught.value)
    assert f'could not determine a constructor for the tag {tag!r}' in text and 'line 3, column 6' in text
    assert text.endswith(more) and ('Did you mean' in text) == bool(more)


def test_two_tags_on_one_node_and_objects_are_no_template() -> None:
    for text in ('!Base64 !Sub x', '!!python/object:os.system x', '!!set {a}', '? !Ref a\n  : 1'):
        with pytest.raises(errors.StackValidationFailed):
            read(text)


def test_the_version_may_be_left_away_if_there_are_resources() -> None:
    assert parse('Resources: {A: {Type: T}}') == {'Resources': {'A': {'Type': 'T'}}}
    assert parse('{"Resources": {}}') == {'Resources': {}}
    with pytest.raises(errors.StackValidationFailed, match='Template format version not found'):
        parse('Outputs: {}')


def test_a_version_that_looks_like_a_date_is_text() -> None:
    assert parse('AWSTemplateFormatVersion: 2010-09-09')['AWSTemplateFormatVersion'] == '2010-09-09'


def test_a_part_may_be_anything() -> None:
    assert parse_part('- !Ref A\n- b', 'p') == [{'Ref': 'A'}, 'b']
    assert parse_part('{"a": 1}', 'p') == {'a': 1}
    with pytest.raises(errors.StackValidationFailed, match=r'Error parsing template p .*!Reff'):
        parse_part('a: !Reff b', 'p')


def test_marks_know_the_long_forms() -> None:
    _, marks = parse_with_marks(f'{AWS}Resources:\n  A:\n    v: !Join\n      - ","\n      - [x, !Ref B]\n')
    assert marks.at(('Resources', 'A', 'v', 'Fn::Join', 1, 1, 'Ref')) == (6, 13)
    assert marks.at(('Resources', 'A', 'v', 'Fn::Join', 0)) == (5, 9)


def test_json_and_yaml_give_the_same() -> None:
    tree = {'Resources': {'A': {'Type': 'T', 'P': {'Fn::GetAtt': ['B', 'c.d']}}}}
    assert parse(json.dumps(tree)) == parse('Resources: {A: {Type: T, P: !GetAtt B.c.d}}') == tree
