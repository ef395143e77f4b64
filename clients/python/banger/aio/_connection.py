"""Calls over one connection to the daemon."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from .._errors import Timeout
from .._host import Deadline
from .._protocol import LineReader, OnProgress, Progress, daemon_gone, encode_call, parse_message
from .._record import Call
from ._channel import Channel

T = TypeVar("T")


class Connection:
    """A connection that makes one call at a time."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._lines = LineReader()
        self._number = 0

    def close(self) -> None:
        self.channel.close()

    async def call(self, call: Call[T], deadline: Deadline, on_progress: OnProgress | None = None) -> T:
        """Makes the call. Whoever stops waiting must close the connection, which cancels the call."""
        try:
            return call.read(await self._result(call.method, call.params, deadline, on_progress))
        except Timeout as error:
            if error.message != "the deadline has passed":
                raise
            raise Timeout(f"the daemon did not answer {call.method} in time", "see 'banger daemon logs'") from None

    def rest(self) -> bytes:
        """The beginning of a stream, which has arrived behind the answer."""
        return self._lines.rest()

    async def _result(self, method: str, params: Mapping[str, Any], deadline: Deadline,
                      on_progress: OnProgress | None) -> object:
        self._number += 1
        unsent = bytearray(encode_call(self._number, method, params))
        while True:
            line = self._lines.next()
            if line is None:
                got = await self.channel.step(unsent, deadline)
                if got == b"":
                    raise daemon_gone()
                self._lines.feed(got or b"")
                continue
            message = parse_message(line)
            if isinstance(message, Progress):
                if on_progress:
                    on_progress(message)
            elif message.error:
                raise message.error
            else:
                return message.result
