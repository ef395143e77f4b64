"""The frames of commands and sessions, without input and output (docs/rpc.md, exec frames)."""
from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ._errors import Corrupt, Invalid
from ._types import EXEC_BYTES, EXEC_STRING_BYTES, FRAME_BYTES
from ._values import Text, byte_string, raw

_HEAD = struct.Struct(">BI")
_POSITION = struct.Struct(">QQQ")


class FrameType(IntEnum):
    SPEC = 1
    STDIN = 2
    STDIN_END = 3
    SIGNAL = 4
    RESIZE = 5
    SPEC_PART = 6
    STARTED = 16
    STDOUT = 17
    STDERR = 18
    EXIT = 19
    FAILED = 20
    POSITION = 21


def encode_frame(kind: FrameType, payload: bytes = b"") -> bytes:
    return _HEAD.pack(kind, len(payload)) + payload


def encode_input(data: bytes) -> bytes:
    """Input as frames of the largest size."""
    view = memoryview(data)
    parts = (view[at:at + FRAME_BYTES] for at in range(0, len(view), FRAME_BYTES))
    return b"".join(encode_frame(FrameType.STDIN, bytes(part)) for part in parts)


def encode_size(rows: int, cols: int) -> bytes:
    return encode_frame(FrameType.RESIZE, struct.pack(">HH", rows, cols))


class FrameDecoder:
    """Cuts what a guest sends into frames. Guests are not trusted."""

    def __init__(self, first: bytes = b"") -> None:
        self._bytes = bytearray(first)

    def feed(self, data: bytes) -> None:
        self._bytes += data

    def next(self) -> tuple[FrameType, bytes] | None:
        """The next whole frame, or None if more bytes are needed."""
        if len(self._bytes) < _HEAD.size:
            return None
        number, length = _HEAD.unpack_from(self._bytes)
        if length > FRAME_BYTES:
            raise Corrupt(f"the guest sent a frame of {length} bytes, over the limit of {FRAME_BYTES}")
        try:
            kind = FrameType(number)
        except ValueError:
            raise Corrupt(f"the guest sent a frame of the unknown type {number}") from None
        if len(self._bytes) < _HEAD.size + length:
            return None
        with memoryview(self._bytes) as view:
            payload = view[_HEAD.size:_HEAD.size + length].tobytes()
        del self._bytes[:_HEAD.size + length]
        return kind, payload


@dataclass(frozen=True)
class Terminal:
    """A terminal for a command."""

    rows: int = 24
    cols: int = 80
    term: str = "xterm-256color"


def _environment(env: Mapping[str, Text]) -> Any:
    try:
        names = [name.encode() for name in env]
    except UnicodeEncodeError:  # JSON has no such keys, so each variable is one byte string
        return [byte_string(raw(name) + b"=" + raw(value)) for name, value in env.items()]
    for name in names:
        if not name or b"=" in name:
            raise Invalid(f"{name.decode()!r} cannot be the name of a variable")
    return {name: byte_string(value) for name, value in env.items()}


def _check(argv: Sequence[Text], env: Mapping[str, Text]) -> None:
    """Refuses what no Linux can execute, before a guest is asked."""
    texts = [raw(word) for word in argv] + [raw(name) + b"=" + raw(value) for name, value in env.items()]
    for text in texts:
        if b"\0" in text:
            raise Invalid("a word of the command or a variable has a NUL byte")
        if len(text) > EXEC_STRING_BYTES:
            raise Invalid(f"a word of the command has {len(text)} bytes, and Linux takes {EXEC_STRING_BYTES} at most",
                          "pass long data as the input")
    if sum(len(text) + 9 for text in texts) > EXEC_BYTES:
        raise Invalid(f"the command and its variables have more than {EXEC_BYTES} bytes", "pass long data as the input")


def encode_spec(argv: Sequence[Text], env: Mapping[str, Text] | None = None, cwd: Text = "", user: str = "",
                terminal: Terminal | None = None) -> bytes:
    """The first frames of a command. An empty `cwd` or `user` is the choice of the image."""
    _check(argv, env or {})
    spec: dict[str, Any] = {"argv": [byte_string(word) for word in argv], "env": _environment(env or {}),
                            "cwd": byte_string(cwd), "tty": terminal is not None}
    if user:
        spec["user"] = byte_string(user)
    if terminal:
        spec |= {"rows": terminal.rows, "cols": terminal.cols, "term": terminal.term}
    text = json.dumps(spec, ensure_ascii=False, separators=(",", ":")).encode()
    parts = [text[at:at + FRAME_BYTES] for at in range(0, len(text), FRAME_BYTES)]
    return b"".join(encode_frame(FrameType.SPEC_PART, part) for part in parts[:-1]) + \
        encode_frame(FrameType.SPEC, parts[-1])


@dataclass(frozen=True)
class End:
    """How a command ended. `message` is set if it never ran, or if its session was taken over."""

    returncode: int
    message: str = ""
    ending: bool = False


def decode_end(kind: FrameType, payload: bytes) -> End:
    try:
        value = json.loads(payload)
        code, signal = value.get("code"), value.get("signal")
        message = str(value.get("message") or "the command could not be started") if kind is FrameType.FAILED else ""
        number = code if signal is None else -signal
        if (code is None) == (signal is None) or not -64 <= number <= 255:
            raise ValueError
    except (ValueError, AttributeError, TypeError):
        raise Corrupt("the guest did not tell how the command ended") from None
    return End(int(number), message, value.get("ending") is True)


@dataclass(frozen=True)
class Position:
    """Where the output that follows begins: a unix time in milliseconds, and the bytes of each output before."""

    time_ms: int
    stdout: int
    stderr: int


def decode_position(payload: bytes) -> Position:
    if len(payload) != _POSITION.size:
        raise Corrupt("the guest sent a position of a wrong size")
    return Position(*_POSITION.unpack(payload))
