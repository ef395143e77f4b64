"""A command in a guest, without input and output: what to send, and what has arrived."""
from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ._errors import Corrupt, NotStarted, Unavailable
from ._frames import (End, FrameDecoder, FrameType, Position, decode_end, decode_position, encode_frame, encode_input,
                      encode_size)


@dataclass(frozen=True)
class Chunk:
    """A piece of the output of a command, as it came."""

    stream: Literal["stdout", "stderr"]
    data: bytes


class Command:
    """The client's end of a stream of frames."""

    def __init__(self, first: bytes, begin: bytes = b"") -> None:
        self.unsent = bytearray(begin)
        self.chunks: deque[Chunk] = deque()
        self.pending_bytes = 0
        self.started = False
        self.end: End | None = None
        self.position: Position | None = None
        self._input_open = True
        self._decoder = FrameDecoder()
        self.feed(first)

    def feed(self, data: bytes) -> None:
        """Takes what the guest has sent."""
        self._decoder.feed(data)
        while self.end is None and (frame := self._decoder.next()):
            self._take(*frame)

    def gone(self) -> None:
        """Takes the end of the connection."""
        if self.end is None:
            raise Unavailable("the connection to the command was lost before it ended",
                              "see 'banger vm list' and 'banger vm logs'")

    def _take(self, kind: FrameType, payload: bytes) -> None:
        if kind is FrameType.STARTED:
            self.started = True
        elif kind in (FrameType.STDOUT, FrameType.STDERR):
            if payload:  # empty ones would take memory and count for nothing
                self.chunks.append(Chunk("stdout" if kind is FrameType.STDOUT else "stderr", payload))
                self.pending_bytes += len(payload)
        elif kind in (FrameType.EXIT, FrameType.FAILED):
            self.end = decode_end(kind, payload)
        elif kind is FrameType.POSITION:
            self.position = decode_position(payload)
        else:
            raise Corrupt("the guest sent a frame that only clients send")

    def next_chunk(self) -> Chunk | None:
        if not self.chunks:
            return None
        chunk = self.chunks.popleft()
        self.pending_bytes -= len(chunk.data)
        return chunk

    def send_input(self, data: bytes) -> None:
        if not self._input_open:
            raise ValueError("the input of the command is closed")
        if self.end is None:
            self.unsent += encode_input(data)

    def end_input(self) -> None:
        if self._input_open and self.end is None:
            self.unsent += encode_frame(FrameType.STDIN_END)
        self._input_open = False

    def send_signal(self, number: int) -> None:
        if not 1 <= number <= 64:
            raise ValueError(f"there is no signal {number}")
        if self.end is None:
            self.unsent += encode_frame(FrameType.SIGNAL, bytes([number]))

    def resize(self, rows: int, cols: int) -> None:
        if self.end is None:
            self.unsent += encode_size(rows, cols)

    def check_start(self, argv: Sequence[str | bytes]) -> None:
        """Raises NotStarted if the guest could not run the command."""
        if self.end and self.end.message:
            name = argv[0] if argv else "the session"
            text = name if isinstance(name, str) else name.decode(errors="backslashreplace")
            message = self.end.message if text in self.end.message else f"{text}: {self.end.message}"
            raise NotStarted(message, returncode=self.end.returncode)


class Collected:
    """The output of a command up to a limit for each stream."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._parts: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}

    def add(self, chunk: Chunk) -> bool:
        """Returns False if that is more than the limit. What fits is kept."""
        kept = self._parts[chunk.stream]
        room = None if self._limit is None else self._limit - len(kept)
        kept += chunk.data if room is None else chunk.data[:room]
        return room is None or len(chunk.data) <= room

    @property
    def stdout(self) -> bytes:
        return bytes(self._parts["stdout"])

    @property
    def stderr(self) -> bytes:
        return bytes(self._parts["stderr"])
