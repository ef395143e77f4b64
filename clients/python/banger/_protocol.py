"""The lines of JSON-RPC 2.0, without input and output (docs/rpc.md)."""
from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ._errors import Corrupt, Error, Invalid, Unavailable, error_of
from ._types import MESSAGE_BYTES


@dataclass(frozen=True)
class Progress:
    """How far a call has come. A `percent` of -1 means that this is unknown."""

    stage: str
    detail: str = ""
    percent: int = -1


OnProgress = Callable[[Progress], object]


@dataclass(frozen=True)
class Reply:
    """The answer to a call: a result or an error."""

    result: object = None
    error: Error | None = None


def encode_call(number: int, method: str, params: Mapping[str, Any]) -> bytes:
    """One line. `Invalid` if it is longer than a message may be, or has text that is not Unicode."""
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    try:
        line = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise Invalid(f"the parameters of {method} are no JSON: {error}") from error
    if len(line) > MESSAGE_BYTES:
        raise Invalid(f"the parameters of {method} are larger than one message may be")
    return line + b"\n"


def error_from(json_error: object) -> Error:
    """The exception for the `error` of an answer."""
    if not isinstance(json_error, dict):
        return Corrupt("the daemon sent an error that is no object")
    data = json_error.get("data")
    more = data if isinstance(data, dict) else {}
    errno = more.get("errno")
    return error_of(str(more.get("code", "internal")), str(json_error.get("message", "unknown")),
                    str(more.get("hint") or ""), errno if isinstance(errno, int) else 0)


def daemon_gone() -> Error:
    return Unavailable("the daemon went away", "see why with 'banger daemon logs', then try again")


class LineReader:
    """Cuts a stream into lines. The daemon's lines have a limit, so the reader needs no more memory."""

    def __init__(self, first: bytes = b"") -> None:
        self._bytes = bytearray(first)
        self._searched = 0

    def feed(self, data: bytes) -> None:
        self._bytes += data

    def next(self) -> bytes | None:
        """The next whole line, or None if more bytes are needed."""
        end = self._bytes.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._bytes)
            if self._searched > MESSAGE_BYTES:
                raise Corrupt("the daemon sent a line that is longer than a message may be")
            return None
        line = bytes(self._bytes[:end])
        del self._bytes[:end + 1]
        self._searched = 0
        return line

    def rest(self) -> bytes:
        """What has arrived behind the last line: the beginning of a raw stream."""
        rest, self._bytes, self._searched = bytes(self._bytes), bytearray(), 0
        return rest


def parse_line(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise Corrupt("the daemon sent a line that is not JSON") from error


def parse_message(line: bytes) -> Reply | Progress:
    """What a line of the daemon means for the only call of its connection."""
    message = parse_line(line)
    if not isinstance(message, dict):
        raise Corrupt("the daemon sent a message that is no object")
    if message.get("method") == "progress":
        params = message.get("params")
        about = params if isinstance(params, dict) else {}
        percent = about.get("percent")
        return Progress(str(about.get("stage", "")), str(about.get("detail", "")),
                        percent if isinstance(percent, int) else -1)
    if "error" in message:
        return Reply(error=error_from(message["error"]))
    return Reply(result=message.get("result"))
