"""heat-template as users run it: a process of its own, through the launcher of the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / 'etc' / 'heat' / 'templates' / 'mysql-web-cluster.yaml'


def run(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / 'bin' / 'heat-template'), *words],
        input=text,
        text=True,
        capture_output=True,
        timeout=120,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
    )


def test_the_command_from_end_to_end(tmp_path: Path) -> None:
    done = run('validate', str(SAMPLE))
    assert (done.returncode, done.stdout, done.stderr) == (0, '', '')
    assert run('lint', str(SAMPLE), '--ignore', 'W105,W106,W109').returncode == 0
    done = run(
        'validate', '--format', 'json', '-', text='heat_template_version: 2021-04-16\nresources:\n  a: {}\n'
    )
    assert done.returncode == 1 and json.loads(done.stdout)[0]['line'] == 3
    copy = tmp_path / 't.yaml'
    copy.write_text(SAMPLE.read_text())
    assert run('fmt', '--check', str(copy)).returncode == 1
    assert run('fmt', '-w', str(copy)).returncode == 0
    assert run('fmt', '--check', str(copy)).returncode == 0
    graphs = [json.loads(run('graph', '--format', 'json', str(one)).stdout) for one in (SAMPLE, copy)]
    assert len(graphs[0]['edges']) > 20 and graphs[0]['edges'] == graphs[1]['edges']
    assert run('validate', str(tmp_path / 'gone.yaml')).returncode == 2
    assert (
        json.loads(run('schema', 'wallaby').stdout)['title']
        == 'Heat template, heat_template_version 2021-04-16'
    )


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    done = subprocess.run(
        f'{sys.executable} {ROOT}/bin/heat-template schema all | head -c 10; exit ${{PIPESTATUS[0]}}',
        shell=True,
        executable='/bin/bash',
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (0, '')
