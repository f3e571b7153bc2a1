"""heat-all: everything in one process, with a simulated cloud unless there is a real one.

Purpose: the three front-ends and one engine over SQLite and a bus of direct calls.
Invariant: green before any other import; ``ready.json`` in the state directory is
there exactly while all of it serves. Neighbours: ``own_conf`` writes the
configuration, ``simcloud`` is the cloud, ``serving`` has sockets and signals.
"""

from heat.common import green

green.patch()

import argparse
import errno
import fcntl
import json
import logging
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from oslo_config import cfg

from heat import bus
from heat.api import deploy, wiring
from heat.bus.client import EngineClient
from heat.cmd import own_conf, serving
from heat.common import config
from heat.common.memory import collect_rarely
from heat.db import migrate
from heat.db.connect import NoDatabase, open_engine
from heat.simcloud.server import Settings, SimCloud

LOG = logging.getLogger(__name__)
PROG = 'heat-all'
# Order of --port-base: the first gets N, the next N + 1, ...
PORTS = {'api': 8004, 'api_cfn': 8000, 'api_cloudwatch': 8003, 'cloud': 5000}
DEFAULT_STATE = '~/.local/state/heat'


def arguments(argv: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    """Our own arguments, and those left for oslo.config (such as --debug)."""
    parser = argparse.ArgumentParser(
        prog=PROG, description='Heat in one process, on loopback: SQLite, no broker, a simulated cloud.',
        epilog='Other arguments are those of every daemon, for example --debug or --log-file FILE.')
    parser.add_argument('--state', metavar='DIR', default=DEFAULT_STATE,
                        help=f'where database, configuration and simulated cloud are kept ({DEFAULT_STATE})')
    parser.add_argument('--port-base', metavar='N', type=int,
                        help='listen on N (orchestration), N+1 (CloudFormation), N+2 (CloudWatch) and N+3 '
                             '(simulated cloud); 0 picks free ports. Without it: 8004, 8000, 8003 and 5000, '
                             'or those of the last start, and a free one for each that is taken')
    parser.add_argument('--no-sim', action='store_true',
                        help='no simulated cloud; a --config-file says where the real one is')
    parser.add_argument('--config-file', metavar='FILE', action='append', default=[],
                        help='settings that win over those which heat-all makes for itself')
    known, rest = parser.parse_known_args(argv)
    if known.no_sim and not known.config_file:
        parser.error('--no-sim needs --config-file with [keystone_authtoken] of the real cloud')
    if known.port_base is not None and not 0 <= known.port_base <= 65532:
        parser.error('--port-base is a port, or 0')
    return known, rest


class Chosen:
    """Which ports to listen on, and what to do when one is taken."""

    def __init__(self, base: int | None, written: Path, operators: cfg.ConfigOpts) -> None:
        self._base, self._operators = base, operators
        self._earlier = own_conf.earlier(written)

    def host(self, service: str) -> str:
        section = own_conf.SECTIONS.get(service)
        if section and _given(self._operators, section, 'bind_host'):
            return str(self._operators[section].bind_host)
        return '127.0.0.1'

    def port(self, service: str) -> tuple[int, bool]:
        """(port, whether no other will do)."""
        section = own_conf.SECTIONS.get(service)
        if section and _given(self._operators, section, 'bind_port'):
            return self._operators[section].bind_port, True
        if self._base is not None:
            return (self._base + list(PORTS).index(service) if self._base else 0), bool(self._base)
        if section:
            return self._earlier.getint(section, 'bind_port', fallback=PORTS[service]), False
        url = self._earlier.get('keystone_authtoken', 'auth_url', fallback='')
        return urlsplit(url).port or PORTS[service], False

    def listen(self, service: str) -> socket.socket:
        """A listening socket. Raises ConfigError when the port is wanted by all means and taken."""
        host, (port, must) = self.host(service), self.port(service)
        try:
            return green.listen(host, port)
        except OSError as error:
            if must or error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise config.ConfigError(f'{service} cannot listen on {host}, port {port}: '
                                         f'{error.strerror}.') from error
        sock = green.listen(host, 0)
        print(f'{PROG}: port {port} ({service}) is taken; using {sock.getsockname()[1]}', file=sys.stderr)
        return sock


def _given(conf: cfg.ConfigOpts, section: str, name: str) -> bool:
    location = conf.get_location(name, section)
    return location is not None and location.location.is_user_controlled


def lock(state: Path) -> Any:
    """The open file that keeps a second process out of ``state``. Raises ConfigError."""
    stream = open(state / 'lock', 'w')  # noqa: SIM115 - held for the life of the process
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.close()
        raise config.ConfigError(f'another heat-all is running with {state}.') from None
    return stream


def simulated(journal: Path, settings: Settings) -> SimCloud:
    """The cloud as ``journal`` has it. Raises ConfigError for a file that is none."""
    try:
        return SimCloud(state_file=str(journal), settings=settings)
    except (OSError, ValueError) as error:
        raise config.ConfigError(f'{journal} cannot be read: {error}. Without it there is an empty '
                                 'cloud.') from error


def announce(path: Path, addresses: own_conf.Addresses, conf_file: Path) -> None:
    """Write ``ready.json``: whoever waits for the file finds it whole."""
    ready = {'pid': os.getpid(), 'conf': str(conf_file), 'orchestration': addresses.orchestration,
             'cloudformation': addresses.cloudformation, 'cloudwatch': addresses.api_cloudwatch,
             'cloud': addresses.cloud,
             'auth_url': f'{addresses.cloud}/identity/v3' if addresses.cloud else None}
    temporary = path.with_suffix('.new')
    temporary.write_text(json.dumps(ready, indent=2) + '\n')
    temporary.replace(path)


def run(options: argparse.Namespace, rest: list[str], stack: ExitStack) -> None:
    """Compose, serve until told to stop; ``stack`` undoes it in the reverse order."""
    state = Path(options.state).expanduser().resolve()
    # Keys, tokens and users' data go there.
    os.umask(0o077)
    try:
        state.mkdir(parents=True, exist_ok=True)
        stack.enter_context(lock(state))
    except OSError as error:
        raise config.ConfigError(f'--state {state} cannot be used: {error.strerror}.') from error
    ready, own = state / 'ready.json', state / 'heat.conf'
    ready.unlink(missing_ok=True)
    stop = serving.Stop()
    collect_rarely()

    files = [word for name in options.config_file for word in ('--config-file', name)]
    operators = config.load(PROG, files, [], logging_setup=False)
    chosen = Chosen(options.port_base, own, operators)
    sockets = {service: chosen.listen(service) for service in own_conf.SECTIONS}
    cloud = None if options.no_sim else simulated(state / 'cloud.journal', Settings(
        orchestration_url=f'{serving.url(sockets["api"])}/v1/$(project_id)s',
        cloudformation_url=f'{serving.url(sockets["api_cfn"])}/v1'))
    if cloud:
        # Its listening socket is made by itself, so a free port is found by trying.
        trial = chosen.listen('cloud')
        port = trial.getsockname()[1]
        trial.close()
        stack.callback(cloud.stop)
        cloud.start(port=port)
    addresses = own_conf.Addresses(**{service: serving.url(sock) for service, sock in sockets.items()},
                                   cloud=cloud.base_url if cloud else None)
    own_conf.write(own, addresses)

    conf = config.load(PROG, ['--config-file', str(own), *files, *rest])
    if conf.bus.mode != 'direct':
        raise config.ConfigError('[bus] mode must be direct for heat-all.')
    database = open_engine(conf)
    migrate.upgrade(database)
    database.dispose()
    port_ = bus.connect(conf)
    stack.callback(port_.close)
    wiring.configure(conf, EngineClient(port_, conf))
    serve(conf, port_, sockets, stack)
    announce(ready, addresses, own)
    stack.callback(ready.unlink, missing_ok=True)
    LOG.info('heat-all is ready: orchestration at %s, %s', addresses.orchestration,
             f'simulated cloud at {addresses.cloud}' if cloud else 'no simulated cloud')
    stop.wait()
    LOG.info('heat-all stops')


def serve(conf: cfg.ConfigOpts, port: Any, sockets: dict[str, socket.socket], stack: ExitStack) -> None:
    """Start what ``[heat_all] enabled_services`` names, the engine first."""
    enabled = set(conf.heat_all.enabled_services)
    if 'engine' in enabled:
        from heat.engine.app import Engine
        engine = Engine(conf, port)
        stack.callback(engine.stop, conf.engine.graceful_stop_timeout)
        engine.start()
    for service, section in own_conf.SECTIONS.items():
        if service not in enabled:
            sockets[service].close()
            continue
        serving.keep_alive(sockets[service], conf[section].tcp_keepidle)
        name = section.replace('_', '-')
        server = serving.Server(serving.secured(sockets[service], conf, section), deploy.load_app(conf, name),
                                conf, section)
        server.start()
        stack.callback(server.stop, 5.0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop; the exit status. ``argv`` are the arguments, None this process's."""
    options, rest = arguments(argv)
    try:
        with ExitStack() as stack:
            run(options, rest, stack)
    except (*serving.CONFIGURATION_ERRORS, NoDatabase) as error:
        return serving.complain(PROG, error)
    return 0


if __name__ == '__main__':
    sys.exit(main())
