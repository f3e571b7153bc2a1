"""A server's inside: a file system of its own on this machine, where the real tools for servers run.

What a command changes below /etc, /usr and /var it changes in the machine and nowhere else; the network
is this machine's. ``boot`` does with user data what cloud-init does: the boothook, the part handler, the
scripts. Programs of a distribution that shall not run in a test are stood in for by ones that say in
``said`` how they were called. Neighbours: tests/functional/test_guest_tools.py.
"""
from __future__ import annotations

import email
import json
import os
import shlex
import subprocess
import sys
from email.message import Message
from pathlib import Path
from typing import Any, Self

import pytest

OWN = ('etc', 'usr', 'var')
SECONDS = 120
SAID = '/var/log/said'
HANDLE = """
import json, runpy, sys
handler = runpy.run_path('/var/lib/cloud/handler.py')
for part in json.load(sys.stdin):
    handler['handle_part'](None, 'text/' + part['kind'], part['name'], part['text'])
"""


class Machine:
    """Runs until ``off``. Make it with ``on``, which skips the test where the kernel lets nobody."""

    def __init__(self, holder: subprocess.Popen[bytes]) -> None:
        self._holder = holder

    @classmethod
    def on(cls) -> Self:
        layers = 'mount -t tmpfs none /mnt && ' + ' && '.join(
            f'mkdir -p /mnt/{one}/new /mnt/{one}/work && mount -t overlay -o lowerdir=/{one},'
            f'upperdir=/mnt/{one}/new,workdir=/mnt/{one}/work none /{one}' for one in OWN)
        # It ends when its standard input does: not even a test that is killed leaves it behind.
        holder = subprocess.Popen(['unshare', '--mount', 'sh', '-c', f'{layers} && echo on && exec cat'],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert holder.stdout is not None and holder.stderr is not None
        if holder.stdout.readline() != b'on\n':
            why = f'no machine to run tools in: {holder.stderr.read().decode().strip()}'
            if os.environ.get('HEAT_TEST_REQUIRE_SERVERS') == '1':
                pytest.fail(why, pytrace=False)
            pytest.skip(why)
        return cls(holder)

    def off(self) -> None:
        assert self._holder.stdin is not None
        self._holder.stdin.close()
        self._holder.wait(SECONDS)

    def run(self, *words: str, given: str | None = None, status: int | None = 0) -> str:
        """A command's output; its exit status must be ``status``, if that is not None."""
        tools = Path(sys.executable).parent
        done = subprocess.run(
            ['nsenter', f'--mount=/proc/{self._holder.pid}/ns/mnt', '--wd=/', *words], input=given,
            capture_output=True, text=True, timeout=SECONDS, env={
                'PATH': f'/usr/local/sbin:/usr/local/bin:{tools}:/usr/sbin:/usr/bin:/sbin:/bin',
                'no_proxy': '127.0.0.1', 'PYTHONWARNINGS': 'ignore', 'HOME': '/var'})
        assert status is None or done.returncode == status, (
            f'{shlex.join(words)} ended with {done.returncode}: {done.stdout}\n{done.stderr}\n{self.logs()}')
        return done.stdout

    def logs(self) -> str:
        """What the tools wrote down."""
        return self.run('sh', '-c', 'tail -n 40 /var/log/cfn-*.log /var/log/heat-provision.log 2>/dev/null',
                        status=None)

    def write(self, path: str, text: str, mode: str = '600') -> None:
        self.run('sh', '-c', f'mkdir -p {Path(path).parent} && cat > {path} && chmod {mode} {path}',
                 given=text)

    def read(self, path: str) -> str:
        return self.run('cat', path)

    def has(self, *programs: str, does: str = '') -> None:
        """Let these programs be there; each says how it was called, and then ``does`` that."""
        text = f'#!/bin/sh\necho "$(basename "$0") $*" >> {SAID}\n{does}\n'
        for name in programs:
            self.write(name if name.startswith('/') else f'/usr/local/bin/{name}', text, '755')

    def said(self) -> list[str]:
        return self.run('sh', '-c', f'touch {SAID}; cat {SAID}').splitlines()

    def boot(self, user_data: str, server_id: str = '') -> int:
        """Take the user data in as at the first boot; the exit status of its scripts, of the last if several.

        ``server_id`` is what the metadata service of the cloud says.
        """
        if server_id:
            self.write('/var/lib/heat-cfntools/nova_meta.json', json.dumps({'uuid': server_id}))
        parts = [part for part in email.message_from_string(user_data).walk() if not part.is_multipart()]
        for part in chosen(parts, 'cloud-boothook'):
            self.run('sh', '-c', text_of(part))
        for handler in chosen(parts, 'part-handler'):
            self.write('/var/lib/cloud/handler.py', text_of(handler))
            self.run(sys.executable, '-c', HANDLE, given=json.dumps([
                {'kind': part.get_content_subtype(), 'name': part.get_filename(), 'text': text_of(part)}
                for part in parts]))
        status = 0
        for number, script in enumerate(chosen(parts, 'x-shellscript')):
            self.write(f'/var/lib/cloud/scripts/{number}', text_of(script), '700')
            said = self.run('sh', '-c', f'/var/lib/cloud/scripts/{number} >&2; echo $?')
            status = int(said)
        return status


def chosen(parts: list[Message[str, str]], kind: str) -> list[Message[str, str]]:
    return [part for part in parts if part.get_content_subtype() == kind]


def text_of(part: Message[str, str]) -> str:
    payload: Any = part.get_payload(decode=True)
    return bytes(payload).decode()
