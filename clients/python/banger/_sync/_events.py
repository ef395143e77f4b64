# Generated from banger/aio by clients/python/generate. Change the file of this name there.
"""The stream of events."""
from __future__ import annotations

import typing
from collections.abc import Iterator
from types import TracebackType

from .._host import Deadline
from .._protocol import LineReader, parse_line
from .._record import Call
from .._types import EventObject
from ._channel import Channel

if typing.TYPE_CHECKING:
    from ._client import Client


class Events:
    """Events as they happen. It ends with the daemon, or with the deletion of the last VM that was named.

    The stream is opened by the first `next`, or by the `async with` block. Use a block to close it in time."""

    def __init__(self, client: Client, call: Call[None]) -> None:
        self._client = client
        self._call = call
        self._channel: Channel | None = None
        self._lines = LineReader()

    def __enter__(self) -> Events:
        self._opened()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self._channel:
            self._channel.close()

    def __iter__(self) -> Iterator[EventObject]:
        return self

    def __next__(self) -> EventObject:
        event = self.next()
        if event is None:
            raise StopIteration
        return event

    def next(self, timeout: float | None = None) -> EventObject | None:
        """The next event, or None at the end. Raises Timeout if none comes in time; a later call may get it."""
        channel, deadline = self._opened(), Deadline(timeout)
        while (line := self._lines.next()) is None:
            got = b"" if channel.closed else channel.step(bytearray(), deadline)
            if got == b"":
                return None
            self._lines.feed(got or b"")
        return EventObject.from_json(parse_line(line))

    def _opened(self) -> Channel:
        if self._channel is None:
            _, self._channel, first = self._client.open(self._call, Deadline(None))
            self._lines.feed(first)
        return self._channel
