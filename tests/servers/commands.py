"""The `openstack` command, run again and again in one process.

Purpose: to start it takes longer than to run it. Invariant: each run has arguments, output and exit
status of its own; the process ends with the tests that started it. Neighbours: the rooms with users.
"""
from __future__ import annotations

import atexit
import io
import json
import select
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

# Reads words of a command line by line, and tells what each came to.
RUNNER = """
import contextlib, io, json, sys
from openstackclient import shell
for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = shell.OpenStackShell().run(json.loads(line))
        except SystemExit as end:
            code = end.code
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


class Commands:
    """The command with one environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, '-c', RUNNER], env=dict(environment), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        atexit.register(self.close)

    def __call__(self, words: Iterable[str | Path], seconds: float = 300) -> Ended:
        """TimeoutExpired if it does not end in time; then nothing can be run any more."""
        argv, process = [*map(str, words)], self._process
        assert isinstance(process.stdin, io.TextIOBase) and process.stdout is not None
        process.stdin.write(json.dumps(argv) + '\n')
        process.stdin.flush()
        # Answers are read whole, so nothing is left in the buffer when this asks.
        if not select.select([process.stdout], [], [], seconds)[0]:
            process.kill()
            raise subprocess.TimeoutExpired(argv, seconds)
        code, out, err = json.loads(process.stdout.readline())
        return Ended(int(code or 0), out, err)

    def close(self) -> None:
        if self._process.poll() is None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait(30)


_running: dict[frozenset[tuple[str, str]], Commands] = {}
# Each needs 100 MB; who asks for more than these begins anew.
MOST = 2


def openstack(environment: Mapping[str, str], words: Iterable[str | Path], seconds: float = 300) -> Ended:
    """Run the command with this environment, in the process that has it."""
    key = frozenset(environment.items())
    commands = _running.pop(key, None) or Commands(environment)
    _running[key] = commands
    while len(_running) > MOST:
        _running.pop(next(iter(_running))).close()
    return commands(words, seconds)
