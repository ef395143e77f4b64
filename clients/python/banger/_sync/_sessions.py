# Generated from banger/aio by clients/python/generate. Change the file of this name there.
"""Sessions: commands in a guest that outlive their clients."""
from __future__ import annotations

import base64
import signal
import typing
from collections.abc import Mapping, Sequence

from .. import _bounds, calls
from .._command import Collected, Command
from .._errors import Exhausted, Timeout
from .._host import Deadline
from .._record import Call
from .._types import SessionObject
from .._values import Text, words
from . import _io
from ._process import Process

if typing.TYPE_CHECKING:
    from ._vm import Vm

_SEND_BYTES = 512 * 1024
_POLL_SECONDS = 0.1


class Sessions:
    """The sessions of a VM."""

    def __init__(self, vm: Vm) -> None:
        self._vm = vm

    def start(self, command: str | Sequence[str] | None = None, *, name: str | None = None,
                    env: Mapping[str, str] | None = None, cwd: Text | None = None, user: str | None = None,
                    stdin_mode: typing.Literal["pipe", "pty", "none"] | None = None,
                    main: bool | None = None) -> Session:
        """Starts a session, and returns when its command runs. A string is a line for the shell.

        Without a command, it is the user's shell. With `main`, it is the main command of the image."""
        argv = None if command is None else [_text(word) for word in words(command)]
        info = self._vm.client.call(calls.vm_session_start(
            self._vm.id, name=name, argv=argv, env=env, cwd=cwd, user=user, stdin_mode=stdin_mode, main=main))
        return Session(self._vm, info)

    def list(self) -> Sequence[SessionObject]:
        """The sessions, the oldest first."""
        return (self._vm.client.call(calls.vm_session_list(self._vm.id))).sessions

    def get(self, session: str) -> Session:
        """The session of this name or id. Of several, the live one or the latest."""
        return Session(self._vm, self._vm.client.call(calls.vm_session_show(self._vm.id, session)))


class Session:
    """A session. `info` describes it as it was at the last call that tells."""

    def __init__(self, vm: Vm, info: SessionObject) -> None:
        self._vm = vm
        self.info = info

    def __repr__(self) -> str:
        return f"<Session {self.name} of {self._vm.name} ({self.info.state})>"

    @property
    def id(self) -> str:
        return self.info.id

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def running(self) -> bool:
        """Whether the command ran at the last call."""
        return self.info.state in ("starting", "running")

    def refresh(self) -> SessionObject:
        return self._update(calls.vm_session_show(self._vm.id, self.id))

    def logs(self, *, stream: typing.Literal["stdout", "stderr"] | None = None,
                   max_output: int = _bounds.OUTPUT_BYTES) -> bytes:
        """What the session has printed until now. By default, both outputs as they came."""
        collected = Collected(max_output)
        with self.follow(stream=stream, follow=False) as output:
            for chunk in output:
                if not collected.add(type(chunk)("stdout", chunk.data)):
                    raise Exhausted(f"the log has more than {max_output} bytes", "raise max_output, or use follow")
        return collected.stdout

    def follow(self, *, stream: typing.Literal["stdout", "stderr"] | None = None, follow: bool = True,
                     since_ms: int | None = None) -> Process:
        """The log, and what comes later, until the session ends. To close it leaves the session running."""
        return self._stream(calls.vm_session_logs(self._vm.id, self.id, stream=stream, follow=follow,
                                                        since_ms=since_ms))

    def attach(self, *, read_only: bool | None = None, steal: bool | None = None,
                     scrollback_bytes: int | None = None) -> Process:
        """Connects to the live session, for input and output. To close it leaves the session running."""
        return self._stream(calls.vm_session_attach(self._vm.id, self.id, read_only=read_only, steal=steal,
                                                          scrollback_bytes=scrollback_bytes))

    def send(self, data: bytes | str = b"", *, close: bool = False) -> None:
        """Sends input. `close` ends it."""
        rest = data.encode() if isinstance(data, str) else data
        while len(rest) > _SEND_BYTES:
            self._send(rest[:_SEND_BYTES], False)
            rest = rest[_SEND_BYTES:]
        self._send(rest, close)

    def send_signal(self, number: int) -> None:
        self._update(calls.vm_session_signal(self._vm.id, self.id, number))

    def interrupt(self) -> None:
        self.send_signal(signal.SIGINT)

    def resize(self, rows: int, cols: int) -> None:
        """Changes the size of the session's terminal."""
        self._update(calls.vm_session_resize(self._vm.id, self.id, rows, cols))

    def stop(self, timeout: float | None = None) -> SessionObject:
        """Ends the session with SIGTERM, and after `timeout` seconds, 10 by default, with SIGKILL."""
        milliseconds = None if timeout is None else round(timeout * 1000)
        return self._update(calls.vm_session_stop(self._vm.id, self.id, timeout_ms=milliseconds))

    def kill(self) -> SessionObject:
        return self._update(calls.vm_session_kill(self._vm.id, self.id))

    def delete(self) -> None:
        """Deletes an ended session and its log."""
        self._update(calls.vm_session_delete(self._vm.id, self.id))

    def wait(self, timeout: float | None = None) -> SessionObject:
        """Waits until the session has ended. Raises Timeout if it has not in time."""
        deadline = Deadline(timeout)
        while (self.refresh()).state in ("starting", "running"):
            if deadline.passed():
                raise Timeout(f"the session '{self.name}' still runs")
            left = deadline.left()
            _io.sleep(_POLL_SECONDS if left is None else min(_POLL_SECONDS, left))
        return self.info

    def _send(self, data: bytes, close: bool) -> None:
        self._update(calls.vm_session_send(self._vm.id, self.id, data=base64.b64encode(data).decode(),
                                                 close=close))

    def _stream(self, call: Call[SessionObject]) -> Process:
        channel, first = self._vm.stream(call)
        return Process(channel, Command(first), [])

    def _update(self, call: Call[SessionObject]) -> SessionObject:
        self.info = self._vm.client.call(call)
        return self.info


def _text(word: str | bytes) -> str:
    return word if isinstance(word, str) else word.decode()
