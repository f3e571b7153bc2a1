"""heat-all with a state directory that it cannot use: a sentence that names the file, and no more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def refused(state: Path) -> str:
    done = subprocess.run(
        [sys.executable, '-m', 'heat.cmd.all', '--port-base', '0', '--state', str(state)], cwd=ROOT,
        capture_output=True, text=True, timeout=60,
        env={**os.environ, 'PYTHONPATH': str(ROOT)})
    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    return done.stderr


@pytest.mark.parametrize(('name', 'content', 'words'), [
    ('heat.conf', b'auth_encryption_key = hunter2\n', 'cannot be read: MissingSectionHeaderError at line 1.'),
    ('heat.conf', b'\xff\xfe', 'cannot be read: UnicodeDecodeError. '),
    ('cloud.journal', b'\xff\xfe\n{}\n', 'Without it there is an empty cloud.'),
    ('heat.db', b'no database' * 300, 'cannot be used: file is not a database.')])
def test_a_file_of_its_own_that_is_none_is_named(tmp_path: Path, name: str, content: bytes,
                                                 words: str) -> None:
    (tmp_path / name).write_bytes(content)
    told = refused(tmp_path)
    assert f'{tmp_path}/{name} cannot be ' in told and words in told
    assert 'hunter2' not in told


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    state = tmp_path / 'file' / 'state'
    assert f'--state {state} cannot be used: Not a directory.' in refused(state)
