"""heat-template: what is wrong with an environment is told where the environment says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from heat.cmd.template import main

TEMPLATE = """\
heat_template_version: 2018-08-31
parameters:
  n: {type: number, constraints: [{range: {max: 3}}]}
  m: {type: number, default: 1}
resources:
  a: {type: "My::A"}
"""


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 't.yaml').write_text(TEMPLATE)
    (tmp_path / 'a.yaml').write_text('heat_template_version: 2018-08-31\n'
                                     'parameters: {size: {type: number, default: 1}}')
    return tmp_path


def first_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if ': error ' in line]


@pytest.mark.parametrize(('environment', 'expected'), [
    ('parameters:\n  n: 7\n', 'e.yaml:2:3: error E003: Parameter \'n\' is invalid: 7 is out of range '
     '(min: None, max: 3) [parameters.n]'),
    ('parameters:\n  m: 2\n  o: 1\n', 'e.yaml:3:3: error E003: The Parameter (o) was not defined in '
     'template. [parameters.o]'),
    ('parameter_defaults:\n  m: x\n', "e.yaml:2:3: error E003: Parameter 'm' is invalid: could not convert "
     "string to float: 'x' [parameter_defaults.m]"),
    # The parameter of the template that the type is.
    ('parameter_defaults:\n\n  size: x\n', "e.yaml:3:3: error E003: Parameter 'size' is invalid: could not "
     "convert string to float: 'x' [parameter_defaults.size]")])
def test_values(capsys: Any, directory: Path, environment: str, expected: str) -> None:
    (directory / 'e.yaml').write_text(f'{environment}resource_registry:\n  "My::A": a.yaml\n')
    assert main(['validate', 't.yaml', '-e', 'e.yaml']) == 1
    assert first_lines(capsys.readouterr().out) == [expected]


def test_a_type_that_the_registry_takes_for_none(capsys: Any, directory: Path) -> None:
    (directory / 'e.yaml').write_text('resource_registry:\n  resources:\n    a:\n'
                                      '      "My::A": OS::Heat::Nonee\n')
    assert main(['validate', 't.yaml', '-e', 'e.yaml', '-P', 'n=1']) == 1
    assert first_lines(capsys.readouterr().out) == [
        't.yaml:6:7: error E004: The Resource Type (My::A) could not be found. [resources.a.type]',
        'e.yaml:4:7: error E004: The environment takes My::A for OS::Heat::Nonee, which is no type here. Did '
        'you mean OS::Heat::None? [resource_registry.resources.a.My::A]']


def test_the_last_environment_that_says_it_counts_unless_it_is_said_beside(
        capsys: Any, directory: Path) -> None:
    (directory / 'one.yaml').write_text('resource_registry: {"My::A": a.yaml}\nparameters: {n: 8}\n')
    (directory / 'two.yaml').write_text('parameters:\n  n: 9\n')
    assert main(['validate', 't.yaml', '-e', 'one.yaml', '-e', 'two.yaml']) == 1
    assert [line[:15] for line in first_lines(capsys.readouterr().out)] == ['two.yaml:2:3: e']
    assert main(['validate', 't.yaml', '-e', 'two.yaml', '-e', 'one.yaml', '-P', 'n=10']) == 1
    told = first_lines(capsys.readouterr().out)
    assert [line[:15] for line in told] == ['t.yaml:3:3: err'] and '10 is out of range' in told[0]


def test_a_template_that_the_registry_names_in_vain(capsys: Any, directory: Path) -> None:
    (directory / 'e.yaml').write_text('resource_registry:\n  resources:\n    a:\n      "My::A": gone.yaml\n')
    assert main(['validate', 't.yaml', '-e', 'e.yaml']) == 1
    told = first_lines(capsys.readouterr().out)
    assert told[0].startswith('e.yaml:4:7: error E010: The template cannot be read: ')


@pytest.mark.parametrize(('environment', 'expected'), [
    ('resource_registry:\n  "My::A": [1]\n', 'e.yaml:2:3: error E012: The registry entry "My::A" must name a '
     'resource type or a template. [resource_registry.My::A]'),
    ('parameters: {}\nparameter: {}\n', 'e.yaml:2:1: error E012: environment has wrong section "parameter" '
     '[parameter]'),
    ('resource_registry:\n  resources:\n    a: {hooks: pre-crate}\n', 'e.yaml:3:9: error E012: Invalid hook '
     'type "pre-crate" for resource "a", acceptable hook types are: '),
    ('parameters: [1\n', 'e.yaml: not a valid environment: while parsing a flow sequence')])
def test_what_is_no_environment(capsys: Any, directory: Path, environment: str, expected: str) -> None:
    (directory / 'e.yaml').write_text(environment)
    assert main(['validate', 't.yaml', '-e', 'e.yaml']) == 2
    assert capsys.readouterr().err.startswith(f'heat-template: {expected}')
