# Generated from banger/aio by clients/python/generate. Change the file of this name there.
"""A command in a guest that runs."""
from __future__ import annotations

import codecs
import signal
from collections.abc import Iterator, Callable, Sequence
from types import TracebackType

from .. import _bounds
from .._command import Chunk, Collected, Command
from .._completed import Completed
from .._errors import CommandTimeout, Exhausted, Timeout, Unavailable
from .._host import Deadline
from ._channel import Channel

_FOREVER = Deadline(None)


class Process:
    """A running command. Iterate over it, or over `lines()`, to get its output as it comes.

    To close it ends a command. A session goes on when its `Process` is closed."""

    def __init__(self, channel: Channel, command: Command, argv: Sequence[str | bytes]) -> None:
        self.args = list(argv)
        self._channel = channel
        self._command = command

    @property
    def returncode(self) -> int | None:
        """The exit status, or the negative number of the signal that ended the command. None while it runs."""
        return self._command.end.returncode if self._command.end else None

    def __enter__(self) -> Process:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection, which ends a command that still runs."""
        self._channel.close()

    def read(self, timeout: float | None = None) -> Chunk | None:
        """The next piece of output, or None after the end. Raises Timeout if none comes in time."""
        return self._read(Deadline(timeout))

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        chunk = self._read(_FOREVER)
        if chunk is None:
            raise StopIteration
        return chunk

    def lines(self, encoding: str = "utf-8") -> Iterator[str]:
        """The lines of the standard output, without their ends. The standard error is dropped."""
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        rest = ""
        while (chunk := self._read(_FOREVER)) is not None:
            if chunk.stream == "stderr":
                continue
            *whole, rest = (rest + decoder.decode(chunk.data)).split("\n")
            for line in whole:
                yield line
            if len(rest) > _bounds.LINE_BYTES:
                yield rest
                rest = ""
        rest += decoder.decode(b"", final=True)
        if rest:
            yield rest

    def write(self, data: bytes | str, timeout: float | None = None) -> None:
        """Sends input. Output that comes meanwhile is kept."""
        if self._command.end or not self._channel.writable:
            raise BrokenPipeError("the command has ended")
        self._command.send_input(data.encode() if isinstance(data, str) else data)
        self._flush(Deadline(timeout))

    def close_stdin(self) -> None:
        """Ends the input."""
        self._command.end_input()
        self._flush(Deadline(_bounds.START_SECONDS))

    def send_signal(self, number: int) -> None:
        self._command.send_signal(number)
        self._flush(Deadline(_bounds.START_SECONDS))

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def resize(self, rows: int, cols: int) -> None:
        """Tells the new size of a terminal."""
        self._command.resize(rows, cols)
        self._flush(Deadline(_bounds.START_SECONDS))

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end, and drops all output that nobody has read. Raises Timeout if it comes too late."""
        deadline = Deadline(timeout)
        while self._read(deadline) is not None:
            pass
        return self.returncode if self.returncode is not None else -1

    def communicate(self, input: bytes | str | None = None, timeout: float | None = None,
                          max_output: int | None = _bounds.OUTPUT_BYTES,
                          on_stdout: Callable[[bytes], object] | None = None,
                          on_stderr: Callable[[bytes], object] | None = None) -> Completed:
        """Sends the input, collects the output, and waits for the end.

        The parameters are those of `Vm.run`. The command is ended if that fails."""
        if input:
            self._command.send_input(input.encode() if isinstance(input, str) else input)
        self._command.end_input()
        deadline, collected = Deadline(timeout), Collected(max_output)
        callbacks = {"stdout": on_stdout, "stderr": on_stderr}
        try:
            while (chunk := self._read(deadline)) is not None:
                if callback := callbacks[chunk.stream]:
                    callback(chunk.data)
                elif not collected.add(chunk):
                    raise Exhausted(f"the command has written more than {max_output} bytes",
                                    "raise max_output, or give on_stdout and on_stderr")
        except Timeout as error:
            self.close()
            raise CommandTimeout(self.args, timeout or 0, collected.stdout, collected.stderr) from error
        except BaseException:
            self.close()
            raise
        end = self._command.end
        assert end
        return Completed(self.args, end.returncode, collected.stdout, collected.stderr, end.ending)

    def begin(self, deadline: Deadline) -> None:
        """Waits until the guest has started the command. Raises NotStarted if it could not."""
        try:
            while not self._command.started and self._command.end is None:
                self._advance(deadline)
        except Timeout as error:
            raise Timeout("start the command: the guest did not answer in time",
                          "see 'banger vm list' and 'banger vm logs'") from error
        if not self._command.started:
            self._command.check_start(self.args)

    def _read(self, deadline: Deadline) -> Chunk | None:
        while True:
            chunk = self._command.next_chunk()
            if chunk:
                return chunk
            if end := self._command.end:
                if end.message:
                    raise Unavailable(end.message)
                return None
            self._advance(deadline)

    def _flush(self, deadline: Deadline) -> None:
        while self._command.unsent and self._command.end is None:
            if self._command.pending_bytes > _bounds.PENDING_BYTES:
                raise Exhausted("the command waits until its output is read", "read it while you write, or use run")
            self._advance(deadline)

    def _advance(self, deadline: Deadline) -> None:
        got = self._channel.step(self._command.unsent, deadline)
        if got == b"":
            self._command.gone()
        elif got:
            self._command.feed(got)
