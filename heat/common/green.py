"""The only importer of eventlet, and the switch to plain threads.

Purpose: patch, spawn, Pool, Queue, Event, in_thread and wsgi serving, behind
names the rest of the house uses. Invariant: nothing above knows which back end
runs; ``HEAT_GREEN=threads`` selects native threads, and one test runs the
engine that way. Neighbours: ``cmd`` calls ``patch()`` as its first line.
"""

from __future__ import annotations

import os
import queue as std_queue
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

T = TypeVar('T')
# How long one may compute before others are let run, in seconds.
SPELL = 0.01

_state: dict[str, Any] = {'green': False, 'executor': None}


def patch() -> None:
    """Make the standard library cooperative; must run before other imports."""
    if os.environ.get('HEAT_GREEN') == 'threads' or _state['green']:
        return
    # eventlet announces its own retirement on import; ARCHITECTURE.rst answers it.
    warnings.filterwarnings('ignore', message=r'\s*Eventlet is deprecated')
    os.environ.setdefault('EVENTLET_NO_GREENDNS', 'yes')
    import eventlet
    eventlet.monkey_patch()
    _state['green'] = True


def is_green() -> bool:
    return bool(_state['green'])


def spawn(function: Callable[..., Any], *args: Any) -> Any:
    """Run ``function`` concurrently; returns a handle nobody needs to keep."""
    if _state['green']:
        import eventlet
        return eventlet.spawn(function, *args)
    thread = threading.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


class Pool:
    """At most ``size`` functions at once; ``spawn`` blocks the caller only when full."""

    def __init__(self, size: int) -> None:
        self._slots = threading.BoundedSemaphore(size)

    def spawn(self, function: Callable[..., Any], *args: Any) -> None:
        """Start in a new thread of control, which waits there for a slot."""
        spawn(self._run, function, args)

    def _run(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        with self._slots:
            function(*args)


class Queue:
    """An unbounded first-in first-out queue. ``get`` returns None on timeout (seconds)."""

    def __init__(self) -> None:
        self._queue: std_queue.SimpleQueue[Any] | std_queue.Queue[Any] = std_queue.Queue()

    def put(self, item: Any) -> None:
        self._queue.put(item)

    def get(self, timeout: float | None = None) -> Any:
        try:
            return self._queue.get(timeout=timeout)
        except std_queue.Empty:
            return None

    def drain(self) -> list[Any]:
        """Everything that is there now, without waiting."""
        items = []
        while True:
            try:
                items.append(self._queue.get_nowait())
            except std_queue.Empty:
                return items


def Event() -> threading.Event:  # noqa: N802 - reads as the class it stands for
    return threading.Event()


def sleep(seconds: float) -> None:
    """Let others run for about ``seconds``; 0 yields once."""
    if _state['green']:
        import eventlet
        eventlet.sleep(seconds)
    else:
        time.sleep(seconds)


def at_ease(items: Iterable[T]) -> Iterator[T]:
    """``items``, for long work on the hub: about every hundredth of a second others run between two."""
    since = time.monotonic()
    for item in items:
        yield item
        if time.monotonic() - since > SPELL:
            sleep(0)
            since = time.monotonic()


def in_thread(function: Callable[..., Any], *args: Any) -> Any:
    """Run ``function`` in a real thread and wait for it without stalling the hub."""
    if _state['green']:
        from eventlet import tpool
        return tpool.execute(function, *args)
    return function(*args)


def executor(workers: int) -> ThreadPoolExecutor:
    """A pool of (green or native) threads with futures."""
    return ThreadPoolExecutor(workers)


def listen(host: str, port: int, backlog: int = 4096) -> socket.socket:
    """A listening TCP socket; port 0 picks a free one."""
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(backlog)
    return sock


def unbuffered(environ: dict[str, Any]) -> None:
    """Have the server of ``serve_wsgi`` send each part of this request's answer as it comes."""
    environ['eventlet.minimum_write_chunk_size'] = 1


def _whole(application: Callable[..., Any], environ: dict[str, Any], start_response: Any) -> Any:
    # The server puts the chunks of a body together and ends where they end, but does not say so: a body
    # without a length would be taken for none.
    if environ.get('HTTP_TRANSFER_ENCODING', '').lower() == 'chunked':
        environ['wsgi.input_terminated'] = True
    return application(environ, start_response)


def serve_wsgi(sock: socket.socket, application: Callable[..., Any], *, max_size: int = 1000,
               log: Any = None, keepalive: bool = True, max_header_line: int = 16384,
               socket_timeout: float | None = None) -> None:
    """Serve ``application`` on ``sock`` until the socket is closed.

    ``socket_timeout`` is how long a client may be silent, in seconds (None: for ever).
    """
    if _state['green']:
        import eventlet.wsgi
        eventlet.wsgi.MAX_HEADER_LINE = max_header_line
        eventlet.wsgi.server(sock, partial(_whole, application), max_size=max_size, log=log,
                             log_output=log is not None, keepalive=keepalive,
                             socket_timeout=socket_timeout, debug=False)
        return
    import socketserver
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

    class Server(socketserver.ThreadingMixIn, WSGIServer):
        daemon_threads = True

        def service_actions(self) -> None:
            if self.socket.fileno() < 0:
                # Closed by whoever stops the service; without this the accept loop would spin.
                spawn(self.shutdown)

    class Handler(WSGIRequestHandler):
        def log_message(self, *_args: Any) -> None:
            pass

    server = Server(sock.getsockname()[:2], Handler, bind_and_activate=False)
    server.socket = sock
    server.server_name, server.server_port = sock.getsockname()[:2]
    server.setup_environ()
    server.set_app(application)
    server.serve_forever()
