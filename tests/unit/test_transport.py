"""What is asked of the libraries below the bus."""

from __future__ import annotations

import socket
import struct
import threading

import pytest
from amqp.transport import TCPTransport

from heat.bus import transport

FRAMES = [(1, 1, b'method'), (2, 1, b'header'), (3, 1, b'body' * 20_000), (8, 0, b'')]
WIRE = b''.join(struct.pack('>BHI', kind, channel, len(payload)) + payload + b'\xce'
                for kind, channel, payload in FRAMES)


@pytest.mark.parametrize('piece', [len(WIRE), transport.AHEAD + 1, 7, 1])
def test_frames_are_whole_however_they_come(piece: int) -> None:
    """All that is there is read at once, and neither the end of a frame nor the next one is lost."""
    def send() -> None:
        for at in range(0, len(WIRE), piece):
            theirs.sendall(WIRE[at:at + piece])

    # A second transport of the same process changes nothing.
    transport._read_ahead()
    set_up = TCPTransport._setup_transport
    transport._read_ahead()
    assert TCPTransport._setup_transport is set_up
    theirs, ours = socket.socketpair()
    with theirs, ours:
        made = TCPTransport('localhost')
        made.sock = ours
        made._setup_transport()
        sender = threading.Thread(target=send)
        sender.start()
        assert [made.read_frame() for _frame in FRAMES] == FRAMES
        sender.join()


def test_three_frames_that_are_there_are_read_at_once() -> None:
    transport._read_ahead()
    theirs, ours = socket.socketpair()
    with theirs, ours:
        made = TCPTransport('localhost')
        made.sock = ours
        made._setup_transport()
        small = [frame for frame in FRAMES if len(frame[2]) < 100]
        for kind, channel, payload in small:
            theirs.sendall(struct.pack('>BHI', kind, channel, len(payload)) + payload + b'\xce')
        assert made.read_frame() == small[0]
        ours.setblocking(False)
        with pytest.raises(BlockingIOError):
            ours.recv(1)
        assert [made.read_frame(), made.read_frame()] == small[1:]
