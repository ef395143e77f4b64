# Generated from banger/aio by clients/python/generate. Change the file of this name there.
"""Raw streams: connections to ports of a guest, and logs."""
from __future__ import annotations

import socket
import typing
from collections.abc import Iterator
from types import TracebackType

from .. import _bounds
from .._errors import Exhausted
from .._host import Deadline
from .._record import Call
from ._channel import Channel

if typing.TYPE_CHECKING:
    from ._vm import Vm


class Tunnel:
    """A TCP connection from inside a guest."""

    def __init__(self, channel: Channel, first: bytes) -> None:
        self._channel = channel
        self._received = bytearray(first)
        self._ended = False

    def __enter__(self) -> Tunnel:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._channel.close()

    def read(self, most: int = _bounds.READ_BYTES, timeout: float | None = None) -> bytes:
        """Up to `most` bytes, as soon as there are any. b"" is the end."""
        self._fill(Deadline(timeout))
        data = bytes(self._received[:most])
        del self._received[:most]
        return data

    def write(self, data: bytes, timeout: float | None = None) -> None:
        unsent, deadline = bytearray(data), Deadline(timeout)
        while unsent:
            if len(self._received) > _bounds.PENDING_BYTES:
                raise Exhausted("the guest waits until its bytes are read", "read while you write")
            if not self._channel.writable:
                raise BrokenPipeError("the guest's end of the connection is closed")
            if not self._take(self._channel.step(unsent, deadline)) and unsent:
                raise BrokenPipeError("the guest's end of the connection is closed")

    def end_writing(self) -> None:
        """Ends this direction. The other one goes on."""
        self._channel.end_writing()

    def detach(self) -> tuple[socket.socket, bytes]:
        """The socket itself in non-blocking mode, and bytes that have arrived already."""
        return self._channel.detach(), bytes(self._received)

    def _fill(self, deadline: Deadline) -> None:
        while not self._received and not self._ended:
            self._take(self._channel.step(bytearray(), deadline))

    def _take(self, got: bytes | None) -> bool:
        self._ended = self._ended or got == b""
        self._received += got or b""
        return not self._ended


class Logs:
    """A log in pieces, as they come. Use a block to close it in time."""

    def __init__(self, vm: Vm, call: Call[None]) -> None:
        self._vm = vm
        self._call = call
        self._stream: Tunnel | None = None

    def __enter__(self) -> Logs:
        self._opened()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self._stream:
            self._stream.close()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        data = (self._opened()).read()
        if not data:
            raise StopIteration
        return data

    def _opened(self) -> Tunnel:
        if self._stream is None:
            self._stream = Tunnel(*self._vm.stream(self._call))
        return self._stream
