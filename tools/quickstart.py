"""The part of tools/quickstart that runs inside its virtual environment: up, down.

Purpose: start heat-all in the background, create the example stack with the real
client, show what came out. Invariant: safe to repeat; what runs or exists already
is used. Neighbours: ``tools/quickstart`` makes the environment and calls.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = 'etc/heat/templates/mysql-web-cluster.yaml'
ENVIRONMENT = 'etc/heat/templates/mysql-web-cluster.env.yaml'
STACK = 'example'
START_SECONDS, STOP_SECONDS = 60, 90
BIN = Path(sys.executable).parent


def say(text: str) -> None:
    print(f'tools/quickstart: {text}', flush=True)


def die(text: str, log: Path | None = None) -> NoReturn:
    if log is not None and log.exists():
        lines = log.read_text(errors='replace').splitlines()[-25:]
        print(f'--- the end of {log}', *lines, '---', sep='\n', file=sys.stderr)
    print(f'tools/quickstart: {text}', file=sys.stderr)
    raise SystemExit(1)


class Service:
    """The heat-all of one quickstart directory."""

    def __init__(self, home: Path) -> None:
        self.home, self.state, self.log = home, home / 'state', home / 'heat.log'

    def ready(self) -> dict[str, Any] | None:
        """What the running service says about itself; None if it does not run."""
        try:
            found: dict[str, Any] = json.loads((self.state / 'ready.json').read_text())
            os.kill(found['pid'], 0)
            # A crashed one leaves its file behind, and its number may be another program's by now.
            base = found['orchestration'].removesuffix('/v1')
            with urllib.request.urlopen(f'{base}/healthcheck', timeout=10):
                return found
        except (OSError, ValueError, KeyError, urllib.error.URLError):
            return None

    def start(self) -> dict[str, Any]:
        found = self.ready()
        if found:
            say(f'the service is running already (process {found["pid"]})')
            return found
        say(f'starting heat-all; its log is {self.log}')
        self.state.mkdir(parents=True, exist_ok=True)
        said_before = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, 'ab') as log:
            process = subprocess.Popen([BIN / 'heat-all', '--state', self.state], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, start_new_session=True, cwd=ROOT)
        end = time.monotonic() + START_SECONDS
        while (found := self.ready()) is None:
            if process.poll() is not None:
                die(f'heat-all ended with status {process.returncode}', self.log)
            if time.monotonic() > end:
                process.terminate()
                die(f'heat-all is not ready after {START_SECONDS} seconds', self.log)
            time.sleep(0.2)
        for line in self.log.read_bytes()[said_before:].decode(errors='replace').splitlines():
            if 'is taken; using' in line:
                say(line.removeprefix('heat-all: '))
        say(f'ready: orchestration at {found["orchestration"]}, simulated cloud at {found["cloud"]}')
        return found

    def stop(self) -> None:
        found = self.ready()
        if not found:
            say('nothing is running')
            return
        os.kill(found['pid'], signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        with contextlib.suppress(ProcessLookupError):
            while time.monotonic() < end:
                os.kill(found['pid'], 0)
                time.sleep(0.2)
            die(f'process {found["pid"]} is still there after {STOP_SECONDS} seconds', self.log)
        say('stopped')


def variables(auth_url: str) -> dict[str, str]:
    """Who the simulated cloud's ordinary user is."""
    return {'OS_AUTH_URL': auth_url, 'OS_USERNAME': 'demo', 'OS_PASSWORD': 'demo', 'OS_PROJECT_NAME': 'demo',
            'OS_USER_DOMAIN_NAME': 'Default', 'OS_PROJECT_DOMAIN_NAME': 'Default',
            'OS_IDENTITY_API_VERSION': '3'}


class Client:
    """The real openstack command with these variables and no others of the caller's."""

    def __init__(self, given: dict[str, str]) -> None:
        self.env = {name: value for name, value in os.environ.items() if not name.startswith('OS_')} | given
        # Python's own warnings are not for the person who looks on.
        self.env['PYTHONWARNINGS'] = 'ignore'

    def run(self, *words: str) -> int:
        """Let the command speak for itself; its exit status."""
        return subprocess.run([BIN / 'openstack', *words], env=self.env, cwd=ROOT).returncode

    def stack(self) -> dict[str, Any] | None:
        """The example stack as the client shows it, None if there is none."""
        done = subprocess.run([BIN / 'openstack', 'stack', 'show', '-f', 'json', STACK], env=self.env,
                              cwd=ROOT, capture_output=True, text=True)
        if done.returncode == 0:
            shown: dict[str, Any] = json.loads(done.stdout)
            return shown
        if 'Stack not found' in done.stderr or 'could not be found' in done.stderr:
            return None
        print(done.stderr, file=sys.stderr)
        die('the client could not ask for the stack')


def bring_up(client: Client, service: Service) -> dict[str, Any]:
    """The example stack, created unless it is there."""
    shown = client.stack()
    if shown is None:
        password = secrets.token_hex(12)
        say(f'openstack stack create --wait -t {TEMPLATE} -e {ENVIRONMENT} {STACK}')
        status = client.run('stack', 'create', '--wait', '--poll', '1', '-t', TEMPLATE, '-e', ENVIRONMENT,
                            '--parameter', f'db_password={password}', '-f', 'value', '-c', 'stack_status',
                            STACK)
        if status:
            die(f'the stack was not created; remove it with openstack stack delete {STACK}', service.log)
        shown = client.stack()
    else:
        say(f'the stack {STACK} is there already')
    end = time.monotonic() + 600
    while shown and shown['stack_status'].endswith('IN_PROGRESS') and time.monotonic() < end:
        say(f'it is {shown["stack_status"]}')
        time.sleep(3)
        shown = client.stack()
    if shown is None:
        die('the stack is gone')
    if not shown['stack_status'].endswith('COMPLETE'):
        die(f'the stack is {shown["stack_status"]}: {shown["stack_status_reason"]}; '
            f'openstack stack delete {STACK} removes it', service.log)
    return shown


def outputs(shown: dict[str, Any]) -> list[str]:
    lines = [f'Stack {shown["stack_name"]} is {shown["stack_status"]}.']
    for output in shown['outputs']:
        value = output['output_value']
        text = ', '.join(map(str, value)) if isinstance(value, list) else str(value)
        lines.append(f'  {output["output_key"]:<18} {text:<40} {output.get("description", "")}'.rstrip())
    return lines


def up(home: Path) -> None:
    service = Service(home)
    ready = service.start()
    given = variables(ready['auth_url'])
    exports = [f'export {name}={value}' for name, value in given.items()]
    (home / 'openrc').write_text('\n'.join([*exports, f'export PATH={BIN}:$PATH']) + '\n')
    shown = bring_up(Client(given), service)
    shown_home = home.relative_to(ROOT) if home.is_relative_to(ROOT) else home
    print('', *outputs(shown), '', 'To go on by hand:', *(f'  {line}' for line in exports),
          f'  export PATH={BIN}:$PATH', '', f'or:  . {shown_home}/openrc',
          f'then, for example:  openstack stack resource list {STACK}',
          'The service runs until:  tools/quickstart --down', sep='\n', flush=True)


def main() -> None:
    # No proxy stands between this machine and itself.
    os.environ['no_proxy'] = ','.join(filter(None, [os.environ.get('no_proxy'), '127.0.0.1']))
    home, verb = Path(sys.argv[1]).resolve(), sys.argv[2]
    if verb == 'up':
        up(home)
    else:
        Service(home).stop()


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        die('interrupted; the service, if it was started, goes on (tools/quickstart --down stops it)')
