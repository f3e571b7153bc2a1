"""heat-template as a command: arguments, files, exit statuses, what goes to which stream."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from heat.cmd.template import main
from heat.template.load import parse
from heat.version import VERSION
from tests.unit.test_tool_check import HEAD, RANDOM
from tests.unit.test_tool_fmt import DATA

ROOT = Path(__file__).resolve().parents[2]
GOOD = HEAD + f'\nresources:\n  a:\n    type: {RANDOM}\n'
BAD = HEAD + '\nresources:\n  a:\n    type: OS::Nope\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(**files: str) -> None:
    for name, text in files.items():
        path = Path(name.replace('__', '/').replace('_', '.'))
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def test_validate(capsys: Any) -> None:
    put(good_yaml=GOOD, bad_yaml=BAD)
    assert main(['validate', 'good.yaml']) == 0
    assert capsys.readouterr() == ('', '')
    assert main(['validate', 'good.yaml', 'bad.yaml']) == 1
    assert capsys.readouterr().out.startswith('bad.yaml:5:5: error E004: The Resource Type (OS::Nope)')
    assert main(['validate', '--format', 'json', 'bad.yaml']) == 1
    assert json.loads(capsys.readouterr().out)[0]['path'] == 'resources.a.type'
    assert main(['validate', '--format', 'json', 'good.yaml']) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_standard_input(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'stdin', io.TextIOWrapper(io.BytesIO(BAD.encode())))
    assert main(['validate', '-']) == 1
    assert capsys.readouterr().out.startswith('<stdin>:5:5: ')


@pytest.mark.parametrize(
    'words',
    [
        ['validate', 'nowhere.yaml'],
        ['validate', '.'],
        ['validate', 'good.yaml', '-e', 'nowhere.yaml'],
        ['validate', 'good.yaml', '-e', 'good.yaml'],
        ['lint'],
        ['lint', 'good.yaml', '--ignore', 'W999'],
        ['fmt', 'broken.yaml'],
        ['fmt', '-w', '-'],
        ['convert', '--to', 'hot', 'broken.yaml'],
        ['schema', 'x'],
        ['convert', '--to', 'json', 'infinite.yaml'],
        ['validate', 'latin.yaml'],
    ],
)
def test_usage_and_unreadable_files_are_status_2(words: list[str], capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, 'stdin', io.TextIOWrapper(io.BytesIO(GOOD.encode())))
    put(good_yaml=GOOD, broken_yaml='a: [', infinite_yaml=HEAD + 'x: .inf')
    Path('latin.yaml').write_bytes(b'description: \xe9')
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == '' and said.err.startswith('heat-template: ') and 'Traceback' not in said.err


def test_wrong_arguments_are_status_2(capsys: Any) -> None:
    for words in ([], ['bogus'], ['validate', 'x', '-P', 'novalue'], ['fmt', '-w', '--check', 'x']):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 2


def test_environments_are_merged_and_parameters_win(capsys: Any) -> None:
    put(
        t_yaml=HEAD
        + (
            'parameters:\n  n: {type: number, constraints: [range: {max: 5}]}\n'
            '  l: {type: comma_delimited_list, constraints: [length: {max: 2}]}\n'
        ),
        one_env='parameters: {n: 9, l: a}\nparameter_merge_strategies: {l: merge}',
        two_env='parameters: {l: "b,c"}\nparameter_merge_strategies: {l: merge}',
        three_env='parameter_defaults: {n: 7, other: 1}',
    )
    assert main(['validate', 't.yaml', '-e', 'one.env']) == 1
    assert '9 is out of range' in capsys.readouterr().out
    assert main(['validate', 't.yaml', '-e', 'one.env', '-P', 'n=5']) == 0
    assert main(['validate', 't.yaml', '--strict', '-P', 'n=5']) == 1
    assert 'The Parameter (l) was not provided.' in capsys.readouterr().out
    assert main(['validate', 't.yaml', '-e', 'one.env', '-e', 'two.env', '-P', 'n=1']) == 1
    assert 'length (3) is out of range' in capsys.readouterr().out
    assert main(['validate', 't.yaml', '-e', 'three.env']) == 1
    assert '7 is out of range' in capsys.readouterr().out


def test_files_are_relative_to_who_names_them(capsys: Any) -> None:
    put(
        t_yaml=HEAD + 'resources:\n  a: {type: sub/child.yaml}\n  b: {type: My::Type}\n',
        sub__child_yaml=HEAD
        + (
            'resources:\n  x:\n    type: OS::Heat::RandomString\n'
            '    properties: {length: {get_file: length.txt}}\n  y: {type: ../other.yaml}\n'
        ),
        sub__length_txt='long',
        other_yaml=GOOD,
        env__e_yaml='resource_registry: {"My::Type": ../gone.yaml}',
    )
    assert main(['validate', 't.yaml', '-e', 'env/e.yaml']) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if 'error' in line]
    assert lines == [
        f'env/e.yaml:1:21: error E010: The template cannot be read: {Path.cwd()}/gone.yaml: No such file or '
        'directory [resource_registry.My::Type]',
        "sub/child.yaml:5:18: error E005: Value 'long' is not an integer [resources.x.properties.length]",
    ]
    Path('sub/length.txt').write_text('4')
    Path('gone.yaml').write_text(GOOD)
    assert main(['validate', 't.yaml', '-e', 'env/e.yaml']) == 0


def test_templates_of_the_same_name_are_kept_apart(capsys: Any) -> None:
    inner = HEAD + 'parameters: {n: {type: string}}\nresources:\n  x:\n'
    put(
        t_yaml=HEAD + 'resources:\n  a: {type: one/c.yaml, properties: {n: long}}\n'
        '  b: {type: two/c.yaml, properties: {n: 5}}\n',
        one__c_yaml=HEAD + 'parameters: {n: {type: string}}\n'
        'resources: {y: {type: sub.yaml, properties: {n: {get_param: n}}}}\n',
        two__c_yaml=HEAD + 'parameters: {n: {type: string}}\n'
        'resources: {y: {type: sub.yaml, properties: {n: {get_param: n}}}}\n',
        one__sub_yaml=inner
        + '    type: OS::Heat::RandomString\n    properties: {length: {get_param: n}}\n',
        two__sub_yaml=inner + '    type: OS::Heat::RandomString\n    properties: {salt: {get_param: n}}\n',
    )
    assert main(['validate', 't.yaml']) == 1
    assert capsys.readouterr().out.splitlines()[0] == (
        "one/sub.yaml:6:18: error E005: Value 'long' is not an integer [resources.x.properties.length]"
    )
    assert main(['validate', 'two/c.yaml']) == 0


def test_urls_are_not_fetched_unless_asked(capsys: Any) -> None:
    put(
        t_yaml=HEAD
        + (
            'resources:\n  a: {type: "http://127.0.0.1:1/c.yaml", properties: {b: 1}}\n'
            f'  b: {{type: {RANDOM}, properties: {{length: {{get_file: "http://127.0.0.1:1/f"}}}}}}\n'
        )
    )
    assert main(['validate', 't.yaml']) == 0
    assert main(['validate', 't.yaml', '--fetch']) == 1
    assert capsys.readouterr().out.count('error E010') == 2


def test_templates_that_hold_one_another_end(capsys: Any) -> None:
    put(a_yaml=HEAD + 'resources: {x: {type: b.yaml}}', b_yaml=HEAD + 'resources: {x: {type: a.yaml}}')
    assert main(['validate', 'a.yaml']) == 1
    assert 'b.yaml:2:17: error E008: The template a.yaml is made of itself.' in capsys.readouterr().out
    assert main(['graph', 'a.yaml', '--nested']) == 1


def test_the_operators_environment_counts(capsys: Any) -> None:
    put(
        t_yaml=HEAD + 'resources:\n  a: {type: "OS::Quantum::Net", properties: {nme: x}}\n'
        '  b: {type: "AWS::RDS::DBInstance"}\n',
        ops__a_yaml='resource_registry: {"OS::Quantum*": "OS::Neutron*", "AWS::RDS::DBInstance": '
        '"file:///nowhere/x.yaml"}',
    )
    assert main(['validate', 't.yaml', '--environment-dir', '']) == 1
    assert capsys.readouterr().out.count('E004') == 2
    assert main(['validate', 't.yaml', '--environment-dir', 'ops']) == 1
    assert 'Unknown Property nme. Did you mean name?' in capsys.readouterr().out.splitlines()[0]


def test_lint(capsys: Any) -> None:
    put(t_yaml=HEAD + 'parameters:\n  p: {type: string}\n')
    assert main(['lint', 't.yaml']) == 1
    assert capsys.readouterr().out.count(': warning W10') == 3
    assert main(['lint', 't.yaml', '--ignore', 'W101,W105', '--ignore', 'W106']) == 0
    assert main(['lint', '--codes']) == 0
    assert 'W101  unused parameter' in capsys.readouterr().out


def test_fmt(capsys: Any) -> None:
    text, wanted = (DATA / 'messy.yaml').read_text(), (DATA / 'tidy.yaml').read_text()
    put(t_yaml=text)
    assert main(['fmt', 't.yaml']) == 0 and capsys.readouterr().out == wanted
    assert main(['fmt', '--check', 't.yaml']) == 1
    assert '+heat_template_version: 2021-04-16\n' in capsys.readouterr().out
    assert Path('t.yaml').read_text() == text
    Path('t.yaml').chmod(0o640)
    Path('link.yaml').symlink_to('t.yaml')
    assert main(['fmt', '-w', 'link.yaml']) == 0
    assert Path('t.yaml').read_text() == wanted and Path('link.yaml').is_symlink()
    assert stat.S_IMODE(Path('t.yaml').stat().st_mode) == 0o640
    assert main(['fmt', '--check', 't.yaml']) == 0
    assert sorted(path.name for path in Path().iterdir()) == ['link.yaml', 't.yaml']


def test_graph(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(
        good_yaml=GOOD,
        bad_yaml=BAD,
        circle_yaml=HEAD + f'resources: {{a: {{type: {RANDOM}, depends_on: a}}}}',
    )
    assert main(['graph', 'good.yaml']) == 0
    assert capsys.readouterr().out.startswith('digraph template {\n')
    assert main(['graph', '--format', 'json', 'good.yaml']) == 0
    assert json.loads(capsys.readouterr().out)['nodes'] == [{'name': 'a', 'type': RANDOM}]
    assert main(['graph', 'bad.yaml']) == 1
    said = capsys.readouterr()
    assert 'OS::Nope' in said.out and 'E004' in said.err
    assert main(['graph', 'circle.yaml']) == 1
    said = capsys.readouterr()
    assert said.out == '' and 'Circular Dependency Found: a -> a' in said.err
    monkeypatch.setenv('PATH', '')
    assert main(['graph', '--format', 'svg', 'good.yaml']) == 2
    assert 'graphviz' in capsys.readouterr().err


def test_svg(capsys: Any) -> None:
    if shutil.which('dot') is None and os.environ.get('HEAT_TEST_REQUIRE_SERVERS') != '1':
        pytest.skip('graphviz is not installed')
    put(good_yaml=GOOD)
    assert main(['graph', '--format', 'svg', 'good.yaml']) == 0
    assert '<svg' in capsys.readouterr().out


def test_convert(capsys: Any) -> None:
    put(t_yaml=HEAD + '# a comment\nresources: {a: {type: x}}\n')
    assert main(['convert', '--to', 'json', 't.yaml']) == 0
    said = capsys.readouterr()
    assert 'comments' in said.err and list(json.loads(said.out)) == ['heat_template_version', 'resources']
    Path('t.json').write_text(said.out)
    assert main(['convert', '--to', 'yaml', 't.json']) == 0
    said = capsys.readouterr()
    assert said.out == HEAD + '\nresources:\n  a:\n    type: x\n' and said.err == ''
    assert main(['convert', '--to', 'yaml', 't.yaml']) == 0
    assert '# a comment' in capsys.readouterr().out
    assert main(['convert', '--to', 'hot', str(DATA / 'everything.cfn.yaml')]) == 0
    assert capsys.readouterr().out == (DATA / 'everything.hot.yaml').read_text()
    assert main(['convert', '--to', 'hot', str(DATA / 'lost.cfn.yaml')]) == 1
    said = capsys.readouterr()
    assert parse(said.out)['outputs'] == {'B': {'value': 1}}
    assert 'lost.cfn.yaml:7:5: error C001: HOT has no UpdateReplacePolicy here.' in said.err


def test_schema(capsys: Any) -> None:
    assert main(['schema', 'wallaby']) == 0
    assert json.loads(capsys.readouterr().out)['$schema'] == 'https://json-schema.org/draft/2020-12/schema'
    assert main(['schema', 'all']) == 0
    assert 'heat_template_version.2013-05-23' in json.loads(capsys.readouterr().out)['$defs']


@pytest.mark.parametrize(('encoding', 'target', 'words'), [
    ('utf-8', '/dev/full', 'No space left on device'), ('ascii', '/dev/null', "can't encode character")])
def test_an_output_that_cannot_be_written_is_told(encoding: str, target: str, words: str) -> None:
    put(good_yaml=GOOD.replace('a:', 'ä:'))
    with open(target, 'w') as full:
        done = subprocess.run([sys.executable, '-m', 'heat.cmd.template', 'fmt', 'good.yaml'], stdout=full,
                              stderr=subprocess.PIPE, text=True, env={
                                  **os.environ, 'PYTHONPATH': str(ROOT), 'PYTHONIOENCODING': encoding})
    assert done.returncode == 2
    assert done.stderr.startswith('heat-template: the output cannot be written: ')
    assert words in done.stderr and 'Traceback' not in done.stderr


def test_the_version_is_that_of_the_other_programs(capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        main(['--version'])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f'{VERSION}\n'
