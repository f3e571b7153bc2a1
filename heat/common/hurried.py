"""HTTP with one end for everything: status, headers and body come in time or not at all.

Purpose: a transport for ``requests`` whose connections stop reading at a given moment.
Invariant: who sends a byte now and then holds nobody up longer than who sends none; the
library's own timeout begins anew with every byte. Neighbours: ``fetch``.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

from requests.adapters import HTTPAdapter

# Whether nothing may be asked of an IP address.
Forbidden = Callable[[str], bool]


class Hurried(HTTPAdapter):
    """Mounted in a session; ``until`` is in seconds of ``time.monotonic``.

    Nothing is asked of an address that is ``forbidden``.
    """

    def __init__(self, until: float, forbidden: Forbidden = lambda address: False) -> None:
        self._until, self._forbidden = until, forbidden
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _hurried(type(pool).ConnectionCls, self._until, self._forbidden)
        return pool


def _hurried(connection: Any, until: float, forbidden: Forbidden) -> Any:
    class Connection(connection):
        sock: Any

        def connect(self) -> None:
            super().connect()
            # What a name means here is what was connected to, whatever it meant when it was looked up before.
            if forbidden(self.sock.getpeername()[0]):
                self.close()
                raise OSError('The address is not one to read from')
            self.sock = _Socket(self.sock, until)

    return Connection


class _Socket:
    """A socket, read through a file that looks at the time."""

    def __init__(self, real: Any, until: float) -> None:
        self._real, self._until = real, until

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def makefile(self, mode: str = 'rb', *args: Any, **kwargs: Any) -> Any:
        return io.BufferedReader(_Reading(self._real, self._until))


class _Reading(io.RawIOBase):
    def __init__(self, real: Any, until: float) -> None:
        # Its own file keeps the socket open until both are closed.
        self._file = real.makefile('rb', buffering=0)
        self._real, self._until, self._patience = real, until, real.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError('The answer took too long to arrive')
        self._real.settimeout(left if self._patience is None else min(left, self._patience))
        read: int | None = self._file.readinto(buffer)
        return read

    def close(self) -> None:
        self._file.close()
        super().close()
