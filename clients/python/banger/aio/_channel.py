"""A socket to the daemon that sends and receives at the same time, so that the two ends never wait for each other."""
from __future__ import annotations

import errno
import socket

from .. import _bounds
from .._errors import Timeout, Unavailable
from .._host import Deadline
from . import _io

_NOT_YET = (errno.EAGAIN, errno.EINTR)
_GONE = (errno.EPIPE, errno.ECONNRESET)


class Channel:
    """A connection. Every wait has a deadline, which may have no end."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock: socket.socket | None = sock
        self.writable = True

    @property
    def closed(self) -> bool:
        return self._sock is None

    def close(self) -> None:
        """Closes this end. The daemon then cancels the call, or ends the command."""
        sock, self._sock = self._sock, None
        if sock:
            sock.close()

    def detach(self) -> socket.socket:
        """Gives the socket away. The channel is closed then."""
        sock, self._sock = self._open(), None
        return sock

    def _open(self) -> socket.socket:
        if self._sock is None:
            raise Unavailable("the connection is closed")
        return self._sock

    def end_writing(self) -> None:
        if self.writable:
            self.writable = False
            try:
                self._open().shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the other end is gone, which the next read tells

    def is_gone(self) -> bool:
        """Whether the other end has closed. Never waits."""
        try:
            return self._open().recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except OSError as error:
            return error.errno in _GONE

    async def step(self, unsent: bytearray, deadline: Deadline) -> bytes | None:
        """Sends a part of `unsent`, or receives. Returns what arrived: b"" at the end, and None if nothing did.

        What cannot be sent, because the other end reads no more, is dropped. Its last words can still be read."""
        if not await _io.wait(self._open(), bool(unsent), deadline.left()):
            raise Timeout("the deadline has passed")
        self._send(unsent)
        return self._receive()

    def _send(self, unsent: bytearray) -> None:
        if not unsent:
            return
        try:
            count = self._open().send(memoryview(unsent)[:_bounds.READ_BYTES].tobytes(), socket.MSG_NOSIGNAL)
            del unsent[:count]
        except OSError as error:
            if error.errno in _GONE:
                self.writable = False
                unsent.clear()
            elif error.errno not in _NOT_YET:
                raise

    def _receive(self) -> bytes | None:
        try:
            return self._open().recv(_bounds.READ_BYTES)
        except OSError as error:
            if error.errno in _NOT_YET:
                return None
            if error.errno in _GONE:
                return b""
            raise


async def connect(path: str, deadline: Deadline) -> Channel:
    """A channel to the socket at `path`. Raises OSError if nobody listens there."""
    while True:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.connect(path)
            return Channel(sock)
        except BlockingIOError:  # the daemon has many clients that it has not accepted yet
            sock.close()
            if deadline.passed():
                raise Timeout(f"connect to {path}: the daemon does not accept connections") from None
            await _io.sleep(_bounds.CONNECT_PAUSE_SECONDS)
        except BaseException:
            sock.close()
            raise
