"""Processes and sockets of the daemons: listen, serve, fork, supervise, stop.

Purpose: what all programs of this room share. Invariant: the supervising parent
never touches the green hub, the bus or the database, so every child it forks
starts clean; a child that loses its parent stops by itself. Neighbours: ``api``,
``api_cfn``, ``api_cloudwatch``, ``engine`` and ``all`` compose with it.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import select
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from oslo_config import cfg

from heat import bus
from heat.api import deploy, wiring
from heat.bus.client import EngineClient
from heat.bus.wire import Port
from heat.clouds.credential import NotConfigured
from heat.common import config, green, logs, text
from heat.common.errors import InvalidEncryptionKey
from heat.common.memory import collect_rarely
from heat.db.connect import NoDatabase, WrongDatabase
from heat.db.migrate import MigrationError

LOG = logging.getLogger(__name__)

# Faults an operator repairs in heat.conf: starting again would not help.
CONFIGURATION_ERRORS = (config.ConfigError, cfg.Error, deploy.PasteError, WrongDatabase, NotConfigured,
                        MigrationError, InvalidEncryptionKey)
FAULTY = os.EX_CONFIG
# Requests being answered when a front-end is told to stop have this long, in seconds.
GRACE = 60.0
# Who has not started when it is told to stop has this long to get there, in seconds.
STARTING = 3.0
# A worker that keeps dying is not started more often than this, in seconds.
RESTART_INTERVAL = 1.0
# What stands in a path as it is; all else is told in per cent, so that a line stays one.
PLAIN = "/:@!$&'()*+,;=~"
REQUEST_ID = 'x-openstack-request-id'
# Asked every few seconds by whoever balances the load.
PROBED = '/healthcheck'
_STOPPING = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """Lets the main thread of control sleep until the process shall end.

    Who is told to stop before it has come to that, since it waits for a database or a broker, has
    ``STARTING`` seconds, and is ended then: nobody waits for it yet.
    """

    def __init__(self) -> None:
        self._told, self._serves = green.Event(), False
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        for number in _STOPPING:
            signal.signal(number, lambda *_: None)
        # The interpreter writes to the socket at the signal itself: no handler runs inside the hub.
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        green.spawn(self._listen)

    def with_parent(self, lifeline: int) -> None:
        """Stop too once the other end of the pipe ``lifeline`` is closed: the parent is gone."""
        green.spawn(self._watch, lifeline)

    def _watch(self, lifeline: int) -> None:
        os.read(lifeline, 1)
        self.now()

    def now(self) -> None:
        with contextlib.suppress(OSError):
            self._waker.send(b'\0')

    def wait(self) -> None:
        self._serves = True
        self._told.wait()

    def _listen(self) -> None:
        self._woken.recv(1)
        self._told.set()
        if self._serves:
            return
        green.sleep(STARTING)
        if not self._serves:
            LOG.warning('Told to stop before everything was there that is needed to start.')
            logging.shutdown()
            os._exit(0)


class Door:
    """A listening socket whose ``accept`` can be told to end, though other processes go on using it."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        # Another process may be faster to a connection that was seen here.
        self._socket.settimeout(1.0)
        self._asked, self._ask = socket.socketpair()

    def accept(self) -> tuple[socket.socket, Any]:
        while True:
            if self._asked in select.select([self._socket, self._asked], [], [])[0]:
                # One of the errors at which a server ends in good order.
                raise OSError(errno.ESHUTDOWN, os.strerror(errno.ESHUTDOWN))
            with contextlib.suppress(TimeoutError):
                return self._socket.accept()

    def shut(self) -> None:
        self._ask.send(b'\0')

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class Server:
    """One WSGI application on one listening socket."""

    def __init__(self, sock: socket.socket, application: Callable[..., Any], conf: cfg.ConfigOpts,
                 group: str) -> None:
        self._door: Any = Door(sock)
        self._application = recorded(application)
        self._conf, self._options = conf, conf[group]
        self._ended = green.Event()

    def start(self) -> None:
        green.spawn(self._serve)

    def _serve(self) -> None:
        try:
            green.serve_wsgi(self._door, self._application, max_header_line=self._options.max_header_line,
                             keepalive=self._conf.eventlet_opts.wsgi_keep_alive,
                             socket_timeout=self._conf.eventlet_opts.client_socket_timeout or None)
        finally:
            self._ended.set()

    def stop(self, seconds: float = GRACE) -> None:
        """Accept no more, and wait at most ``seconds`` for the requests being answered."""
        self._door.shut()
        # Native threads end with the process.
        if green.is_green() and not self._ended.wait(seconds):
            LOG.warning('Requests are still being answered after %s seconds.', seconds)


def recorded(application: Callable[..., Any]) -> Callable[..., Any]:
    """``application``, each answer noted in a line. A query may hold a signature, and is left out."""
    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        begun = time.monotonic()

        def start(status: str, headers: Any, *rest: Any) -> Any:
            path = quote(environ.get('SCRIPT_NAME', '') + environ.get('PATH_INFO', ''), PLAIN, 'latin-1')
            level = logging.DEBUG if path.startswith(PROBED) else logging.INFO
            told = next((value for name, value in headers if name.lower() == REQUEST_ID), None)
            with logs.bind(request=told):
                LOG.log(level, '%s %s %s: %s in %.3f s', environ.get('REMOTE_ADDR', '-'),
                        environ['REQUEST_METHOD'], path, status.partition(' ')[0], time.monotonic() - begun)
            return start_response(status, headers, *rest)

        return application(environ, start)

    return answer


def listen(conf: cfg.ConfigOpts, group: str) -> socket.socket:
    """The listening socket, plain, that ``[group] bind_host, bind_port, backlog, tcp_keepidle`` describe.

    Raises ConfigError when the address cannot be used.
    """
    options = conf[group]
    try:
        sock = green.listen(str(options.bind_host), options.bind_port, options.backlog)
    except OSError as error:
        raise config.ConfigError(f'[{group}] bind_host {options.bind_host}, bind_port {options.bind_port}: '
                                 f'{error.strerror}.') from error
    keep_alive(sock, options.tcp_keepidle)
    return sock


def connected(conf: cfg.ConfigOpts) -> Port:
    """The bus that the configuration names; nothing is sent yet. Raises ConfigError."""
    try:
        return bus.connect(conf)
    except Exception as error:
        # The library says it by many classes, and none of them comes of a broker that is away.
        why = text.mask(str(error))
        raise config.ConfigError(f'[DEFAULT] transport_url cannot be used: {why}.') from error


def keep_alive(sock: socket.socket, idle: int) -> None:
    """Probe connections after ``idle`` seconds of silence; accepted sockets inherit it."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, 'TCP_KEEPIDLE'):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle)


def secured(sock: socket.socket, conf: cfg.ConfigOpts, group: str) -> socket.socket:
    """``sock``, speaking TLS when the section names a certificate. Raises ConfigError for half a pair."""
    options = conf[group]
    if not options.cert_file and not options.key_file:
        return sock
    if not (options.cert_file and options.key_file):
        raise config.ConfigError(f'[{group}] cert_file and key_file go together.')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(options.cert_file, options.key_file)
    except OSError as error:
        raise config.ConfigError(f'[{group}] cert_file, key_file: {error}') from error
    # The handshake comes with the first read, so that a silent client keeps nobody from being accepted.
    return context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)


def url(sock: socket.socket, scheme: str = 'http') -> str:
    host, port = sock.getsockname()[:2]
    return f'{scheme}://[{host}]:{port}' if ':' in host else f'{scheme}://{host}:{port}'


def front_end(prog: str, group: str, argv: Sequence[str] | None = None) -> int:
    """The program ``prog``: workers that share the socket of ``[group]``; returns the exit status."""
    try:
        conf = config.load(prog, argv)
        if conf.bus.mode == 'direct':
            raise config.ConfigError(f'[bus] mode = direct is for heat-all: {prog} could reach no engine.')
        sock = listen(conf, group)
        address = url(sock, 'https' if conf[group].cert_file else 'http')
    except CONFIGURATION_ERRORS as error:
        return complain(prog, error)

    def work(stop: Stop) -> None:
        # Read again here: after SIGHUP the files may say something else.
        conf = config.load(prog, argv)
        collect_rarely()
        wiring.configure(conf, EngineClient(connected(conf), conf))
        server = Server(secured(sock, conf, group), deploy.load_app(conf, prog), conf, group)
        server.start()
        LOG.info('%s is ready on %s', prog, address)
        stop.wait()
        server.stop()

    def size(conf: cfg.ConfigOpts) -> Size:
        return Size(conf[group].workers or os.cpu_count() or 1, GRACE)

    return Supervisor(prog, size(conf), work, lambda: size(config.load(prog, argv))).run()


def complain(prog: str, error: Exception) -> int:
    """Tell standard error why the program does not start; the exit status for it."""
    print(f'{prog}: {error}', file=sys.stderr)
    return 1


@dataclass(frozen=True, slots=True)
class Size:
    """How many workers there are, and how many seconds they have to end in."""

    count: int
    grace: float


class Supervisor:
    """Keeps ``size.count`` forked processes running ``work(stop)``.

    SIGTERM and SIGINT end them gracefully, and after ``size.grace`` seconds forcibly; a second signal
    ends them at once. SIGHUP replaces them by new ones, which read the configuration again; so does
    ``reread``, and if it finds a fault those that run go on. One that dies is replaced; one that finds
    its configuration faulty at its start ends the program.
    """

    def __init__(self, prog: str, size: Size, work: Callable[[Stop], None],
                 reread: Callable[[], Size]) -> None:
        self._prog, self._size, self._work, self._reread = prog, size, work, reread
        self._children: dict[int, float] = {}
        self._leaving: set[int] = set()
        self._lifeline = os.pipe()
        self._not_before = 0.0

    def run(self) -> int:
        """Blocks until all have ended; the exit status."""
        waited_for = {*_STOPPING, signal.SIGHUP, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, waited_for)
        status = 0
        while True:
            delay = self._fill()
            found = signal.sigtimedwait(waited_for, delay) if delay else signal.sigwaitinfo(waited_for)
            number = found.si_signo if found else None
            if number in _STOPPING:
                break
            if number == signal.SIGHUP:
                self._renew()
            if self._reap():
                status = 1
                break
        self._end(waited_for)
        return status

    def _renew(self) -> None:
        try:
            self._size = self._reread()
        except CONFIGURATION_ERRORS as error:
            LOG.error('%s goes on with the configuration as it was: %s', self._prog, error)
            return
        LOG.info('%s starts new workers with the configuration as it is now', self._prog)
        self._send(signal.SIGTERM)
        self._leaving |= set(self._children)

    def _fill(self) -> float | None:
        """Start what is missing; seconds until more may be started, None when all are there."""
        while len(set(self._children) - self._leaving) < self._size.count:
            if time.monotonic() < self._not_before:
                return RESTART_INTERVAL
            self._fork()
        return None

    def _fork(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            self._children[pid] = time.monotonic()
            return
        status = 1
        try:
            os.close(self._lifeline[1])
            stop = Stop()
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {*_STOPPING, signal.SIGHUP, signal.SIGCHLD})
            stop.with_parent(self._lifeline[0])
            self._work(stop)
            status = 0
        except CONFIGURATION_ERRORS as error:
            complain(self._prog, error)
            status = FAULTY
        except NoDatabase as error:
            # No fault of the configuration, perhaps: the next worker waits for it again.
            complain(self._prog, error)
        except BaseException:
            LOG.exception('A worker of %s ends', self._prog)
        finally:
            logging.shutdown()
            # Not sys.exit: nothing of the parent's is to be unwound in the child.
            os._exit(status)

    def _reap(self) -> bool:
        """Take leave of the ended; True if one of them cannot work with this configuration."""
        faulty = False
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            started = self._children.pop(pid, 0.0)
            code = os.waitstatus_to_exitcode(status)
            if pid in self._leaving:
                self._leaving.discard(pid)
                continue
            faulty |= code == FAULTY
            if time.monotonic() - started < RESTART_INTERVAL:
                self._not_before = time.monotonic() + RESTART_INTERVAL
            LOG.error('Worker %s of %s ended with status %s', pid, self._prog, code)
        return faulty

    def _send(self, number: signal.Signals) -> None:
        for pid in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _end(self, waited_for: set[signal.Signals]) -> None:
        self._leaving |= set(self._children)
        self._send(signal.SIGTERM)
        # What the work itself waits for comes first.
        end = time.monotonic() + self._size.grace + 10
        while self._children:
            found = signal.sigtimedwait(waited_for, max(0.0, end - time.monotonic()))
            if found is None or found.si_signo in _STOPPING:
                self._send(signal.SIGKILL)
                end = time.monotonic() + 10
            self._reap()
