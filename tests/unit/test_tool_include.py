"""heat-template: documents that AWS::Include names are read where they lie, and faults told in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from heat.cmd.template import main

TEMPLATE = """\
Transform:
  - Name: AWS::Include
    Parameters: {Location: parts/more.yaml}
Parameters:
  Kind: {Type: String, Default: a}
Resources:
  W:
    Type: AWS::CloudFormation::WaitConditionHandle
    Metadata:
      Fn::Transform: {Name: AWS::Include, Parameters: {Location: !Sub "parts/${Kind}.yaml"}}
"""
MORE = """\
Resources:
  V:
    Type: AWS::CloudFormation::WaitCondition
    Properties: {Handle: !Ref W, Timeout: 10}
"""


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / 'stack' / 'parts').mkdir(parents=True)
    # Names are relative to the template, not to where one stands.
    monkeypatch.chdir(tmp_path)
    stack = tmp_path / 'stack'
    (stack / 't.yaml').write_text(TEMPLATE)
    (stack / 'parts' / 'more.yaml').write_text(MORE)
    (stack / 'parts' / 'a.yaml').write_text('x: !Ref Kind')
    return stack


def told(capsys: Any, *words: str) -> list[str]:
    assert main(['validate', 'stack/t.yaml', *words]) == 1
    return [line for line in capsys.readouterr().out.splitlines() if ': error ' in line]


def test_they_are_read(capsys: Any) -> None:
    assert main(['validate', 'stack/t.yaml']) == 0
    assert main(['convert', '--to', 'hot', 'stack/t.yaml']) == 0
    made = capsys.readouterr().out
    assert 'x: {get_param: Kind}' in made and 'Handle: {get_resource: W}' in made


def test_what_is_wrong_in_them_is_told_there(capsys: Any, directory: Path) -> None:
    (directory / 'parts' / 'a.yaml').write_text('\nx: !Ref Kindd')
    (directory / 'parts' / 'more.yaml').write_text(MORE.replace('Handle', 'Handel'))
    lines = told(capsys)
    assert [line.split(': error')[0] for line in lines] == [
        'parts/a.yaml:2:4', 'parts/more.yaml:4:18', 'parts/more.yaml:4:5']
    assert 'Did you mean Kind?' in lines[0] and 'Unknown Property Handel. Did you mean Handle?' in lines[1]


@pytest.mark.parametrize(('name', 'why'), [
    ('parts/gone.yaml', 'No such file or directory'),
    ('http://host/x.yaml', 'it is fetched with --fetch only'),
    ('s3://bucket/x.yaml', 'only files, and what has an http or https URL, can be')])
def test_what_cannot_be_read_is_told_with_the_reason(
        capsys: Any, directory: Path, name: str, why: str) -> None:
    (directory / 't.yaml').write_text(TEMPLATE.replace('parts/more.yaml', name))
    (line,) = told(capsys)
    assert line == (f'stack/t.yaml:3:18: error E002: The document "{name}" that AWS::Include names cannot be '
                    f'read: {why} [Transform[0].Parameters.Location]')


def test_the_value_of_a_parameter_names_it(capsys: Any) -> None:
    (line,) = told(capsys, '-P', 'Kind=b')
    assert line.startswith('stack/t.yaml:10:56: error E002: The document "parts/b.yaml" that')
