"""A server process with its whole family: started, paused, crashed, stopped.

Invariant: after `stop()` or `kill()` no descendant of the process is alive. Descendants are found by
parentage, since Erlang and uwsgi put children into sessions of their own.
Neighbours: one module per server, which say what to run and when it is ready.
"""
from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

LOOPBACK = '127.0.0.1'
# Waits are given in seconds of a usual machine; one at the end of its strength is slower by so much at most.
SLOWER = 6
# Below the kernel's range for outgoing connections; tools/test gives each of its runs a part.
_PORTS = range(*map(int, os.environ.get('HEAT_TEST_PORTS', '20000-32000').split('-')))
_given: set[int] = set()


class Unavailable(Exception):
    """This machine cannot run the server; the text says what is missing."""


def free_port(apart: Iterable[int] = (0,)) -> int:
    """A port P such that P + each of `apart` is free on loopback, never given twice by this process."""
    offsets = tuple(apart)
    for _ in range(1000):
        port = random.choice(_PORTS)
        wanted = {port + offset for offset in offsets}
        if max(wanted) in _PORTS and not wanted & _given and all(_is_free(p) for p in wanted):
            _given.update(wanted)
            return port
    raise Unavailable('no free port on loopback')


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def listening(port: int) -> bool:
    """Does anyone accept connections on this port of loopback."""
    try:
        socket.create_connection((LOOPBACK, port), 1).close()
    except OSError:
        return False
    return True


def program(*candidates: str) -> str:
    """The first of these programs (names or paths) that exists, as a path; else Unavailable."""
    for candidate in candidates:
        found = shutil.which(candidate)
        if found:
            return os.path.realpath(found) if candidate.startswith('/') else found
    raise Unavailable(f'{candidates[0]} is not installed')


def account(*names: str) -> str | None:
    """Whom root becomes to run a server: the first of these accounts that exists, else nobody."""
    if os.geteuid():
        return None
    for name in names:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return 'nobody'


def family(pid: int) -> list[int]:
    """This process and all its living descendants, parents first."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            state = _stat(int(entry))
            if state and state[0] != 'Z':
                children.setdefault(int(state[1]), []).append(int(entry))
    found = [pid]
    for member in found:
        found.extend(children.get(member, ()))
    return found


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return None
    return text.rsplit(')', 1)[1].split()


def alive(pid: int) -> bool:
    """Does the process exist and run; one that only waits to be reaped does not."""
    state = _stat(pid)
    return state is not None and state[0] != 'Z'


def _send(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


class Daemon:
    """One server process in `directory` (made, owned by `user`); subclasses say what and when.

    Use as a context manager, or with `start()` and `stop()`. `log` holds everything it printed.
    """

    name = 'daemon'
    stop_signal: int = signal.SIGTERM
    start_seconds = 90.0
    stop_seconds = 30.0

    def __init__(self, directory: Path, user: str | None = None) -> None:
        self.directory = directory
        self.user = user
        self.log = directory / f'{self.name}.log'
        self._process: subprocess.Popen[bytes] | None = None
        self._prepared = False

    def command(self) -> list[str]:
        """The command line; raises Unavailable."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Variables beside the clean environment that every server gets."""
        return {}

    def prepare(self) -> None:
        """Once, before the first start: data directories, configuration."""

    def furnish(self) -> None:
        """After every start, when it serves: accounts and the like; finds its own work done."""

    def ready(self) -> bool:
        """Does it serve; OSError counts as no."""
        raise NotImplementedError

    @property
    def pid(self) -> int:
        """The server's process id; raises RuntimeError when it is not running."""
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f'{self.name} is not running')
        return self._process.pid

    @property
    def running(self) -> bool:
        """Is the process there (it may be paused)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start and wait until it serves; raises Unavailable or, if it never serves, RuntimeError."""
        if self.running:
            return self
        command = self.command()
        if not self._prepared:
            self._own(self.directory)
            self.prepare()
            self._prepared = True
        with open(self.log, 'ab') as log:
            self._process = subprocess.Popen(
                command, cwd=self.directory, env=self._clean(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True, **self._identity())  # type: ignore[call-overload]
        try:
            wait_until(f'{self.name} serves', self._ready_or_dead, self.start_seconds)
            self.furnish()
        except Exception as error:
            self.kill()
            raise RuntimeError(f'{self.name} did not start: {error}\n{self.log_tail()}') from error
        return self

    def stop(self) -> None:
        """Orderly; by force after `stop_seconds`. Nothing happens if it is not running."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """As a crash: SIGKILL to the whole family at once; data stay, `start()` brings it back."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """stop() and start(): same port, same data."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze every process of it: connections stay open and nobody answers."""
        _send(family(self.pid), signal.SIGSTOP)

    def resume(self) -> None:
        """Undo pause()."""
        _send(reversed(family(self.pid)), signal.SIGCONT)

    def log_tail(self, size: int = 4000) -> str:
        """The last `size` characters of what it printed."""
        return self.log.read_text(errors='replace')[-size:] if self.log.exists() else ''

    def run(self, command: list[str], text: str | None = None, seconds: float = 120) -> str:
        """A helper program with the server's user and environment; its output, or RuntimeError."""
        done = subprocess.run(
            command, input=text, env=self._clean(), cwd=self.directory, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=seconds, **self._identity())  # type: ignore[call-overload]
        if done.returncode:
            raise RuntimeError(f'{command[0]} ended with {done.returncode}: {done.stdout[-2000:]}')
        return str(done.stdout)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    def _ready_or_dead(self) -> bool:
        if not self.running:
            raise RuntimeError(f'{self.name} ended while starting')
        return self.ready()

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        members = family(self._process.pid) if self.running else []
        _send(members, signal.SIGCONT)
        _send(members if number == signal.SIGKILL else members[:1], number)
        try:
            self._process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            members = family(self._process.pid)
            self._process.kill()
            self._process.wait()
        _send(members[1:], signal.SIGKILL)
        wait_until(f'{self.name} is gone', lambda: not any(alive(p) for p in members), 30)
        self._process = None

    def _own(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        if self.user:
            shutil.chown(directory, self.user)
        directory.chmod(0o700)

    def _own_file(self, path: Path) -> None:
        if self.user:
            shutil.chown(path, self.user)

    def _identity(self) -> dict[str, object]:
        if not self.user:
            return {}
        return {'user': self.user, 'group': pwd.getpwnam(self.user).pw_gid, 'extra_groups': []}

    def _clean(self) -> dict[str, str]:
        base = {'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LANG': 'C.UTF-8',
                'HOME': str(self.directory), 'TMPDIR': str(self.directory)}
        return {**base, **self.environment()}


def wait_until(what: str, test: Callable[[], bool], seconds: float, every: float = 0.1) -> None:
    """Poll what is outside this process; RuntimeError if `test` is not true in `seconds` of a usual machine.

    OSError from `test` counts as not yet: a server that is starting refuses connections.
    """
    deadline = time.monotonic() + seconds * SLOWER
    while True:
        try:
            if test():
                return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise RuntimeError(f'not in {seconds * SLOWER:.0f} s: {what}')
        time.sleep(every)
