# Generated from banger/aio by clients/python/generate. Change the file of this name there.
"""The client of a daemon."""
from __future__ import annotations

import errno
import os
import typing
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TypeVar

from .. import _bounds, calls
from .._errors import Timeout, Unavailable
from .._host import Deadline, find_program, socket_path
from .._options import VmOptions, create_call
from .._program import program_error
from .._protocol import OnProgress
from .._record import Call
from .._types import DaemonStatus, ImageObject, SnapshotObject
from . import _io
from ._channel import Channel, connect
from ._connection import Connection
from ._events import Events
from ._vm import Vm

if typing.TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")


class Client:
    """Talks to the daemon of this user, and starts one if none runs.

    Each call has a connection of its own. So a client may be used by several threads, survives a restart of the daemon,
    and works in a fork of this process."""

    def __init__(self, *, socket: str | None = None, binary: str | None = None, env: Mapping[str, str] | None = None,
                 timeout: float | None = None) -> None:
        """All parameters may be left out.

        - `binary` is the program banger. By default, it is $BANGER, or the first in PATH.
        - `env` has the variables of that program, which name the directories of banger.
        - `socket` is that of a daemon that runs. None is ever started then.
        - `timeout` is the deadline of every call in seconds. By default, calls have none."""
        self._env = dict(os.environ if env is None else env)
        self._socket = socket
        self._binary = binary
        self._timeout = timeout

    def call(self, call: Call[T], *, timeout: float | None = None, on_progress: OnProgress | None = None) -> T:
        """Makes any call of `banger.calls`. Raises the class of the error's code. A timeout cancels the call."""
        connection = self.connect(timeout)
        try:
            return connection.call(call, self.deadline(timeout), on_progress)
        finally:
            connection.close()

    def open(self, call: Call[T], deadline: Deadline) -> tuple[T, Channel, bytes]:
        """Makes a call whose connection then is a stream. Also gives the first bytes of the stream."""
        connection = self.connect(deadline.left())
        try:
            result = connection.call(call, deadline)
            return result, connection.channel, connection.rest()
        except BaseException:
            connection.close()
            raise

    def create(self, *, on_progress: OnProgress | None = None, timeout: float | None = None,
                     **options: Unpack[VmOptions]) -> Vm:
        """Makes a VM. Without `keep`, it is deleted by `close`, and when this process ends."""
        connection = self.connect(timeout)
        try:
            info = connection.call(create_call(options), self.deadline(timeout), on_progress)
        except BaseException:
            connection.close()
            raise
        if options.get("keep"):
            connection.close()
            return Vm(self, info)
        return Vm(self, info, lease=connection.channel)

    def vm(self, *, on_progress: OnProgress | None = None, timeout: float | None = None,
           **options: Unpack[VmOptions]) -> VmBlock:
        """A VM for an `async with` block. The options are those of `create`."""
        return VmBlock(self, options, on_progress, timeout)

    def get(self, vm: str) -> Vm:
        """The VM of this name, id or unique id prefix. It stays when it is closed."""
        return Vm(self, self.call(calls.vm_show(vm)))

    def vms(self) -> list[Vm]:
        """All VMs."""
        return [Vm(self, info) for info in (self.call(calls.vm_list())).vms]

    def events(self, vms: Sequence[str] | None = None, *, since_ms: int | None = None) -> Events:
        """Follows what happens to VMs: to these, or to all. Begins with a `current` event for each."""
        return Events(self, calls.vm_events(vms=vms, since_ms=since_ms))

    def snapshots(self, vm: str | None = None) -> Sequence[SnapshotObject]:
        """All snapshots, or those of one VM."""
        return (self.call(calls.vm_snapshot_list(vm=vm))).snapshots

    def delete_snapshot(self, snapshot: str) -> None:
        self.call(calls.vm_snapshot_delete(snapshot))

    def images(self) -> Sequence[ImageObject]:
        return (self.call(calls.image_list())).images

    def pull(self, reference: str, *, on_progress: OnProgress | None = None,
                   timeout: float | None = None) -> ImageObject:
        """Pulls an image of the catalog, or from a registry."""
        done = self.call(calls.image_pull(reference), timeout=timeout, on_progress=on_progress)
        assert done.image
        return done.image

    def status(self) -> DaemonStatus:
        """Describes the daemon."""
        return self.call(calls.daemon_status())

    def program(self, words: Sequence[str | bytes], timeout: float | None = None) -> bytes:
        """Runs the program banger, and returns its output. Raises the class of its error."""
        argv = [find_program(self._binary, self._env), *words]
        try:
            status, out, err = _io.run_program(argv, self._env, self.deadline(timeout).left())
        except TimeoutError:
            raise Timeout("the program banger took too long") from None
        if status != 0:
            raise program_error(err)
        return out

    def connect(self, timeout: float | None = None) -> Connection:
        """A connection to the daemon, which is started if none listens."""
        path = self._socket or socket_path(self._env)
        try:
            return Connection(connect(path, Deadline(_bounds.CONNECT_SECONDS)))
        except OSError as error:
            if isinstance(error, Timeout):
                raise
            if self._socket or error.errno not in (errno.ENOENT, errno.ECONNREFUSED):
                raise Unavailable(f"reach the daemon at {path}: {error.strerror}",
                                  "see 'banger daemon status'") from error
        self.program(["-v", "daemon", "start"], _bounds.DAEMON_SECONDS if timeout is None else timeout)
        try:
            return Connection(connect(path, Deadline(_bounds.CONNECT_SECONDS)))
        except OSError as error:
            raise Unavailable(f"reach the daemon at {path}: {error}", "see 'banger daemon logs'") from error

    def deadline(self, timeout: float | None = None) -> Deadline:
        """The deadline of a call: after `timeout` seconds, or as the client has it."""
        return Deadline(self._timeout if timeout is None else timeout)


class VmBlock:
    """Makes a VM at the begin of an `async with` block, and closes it at the end."""

    def __init__(self, client: Client, options: VmOptions, on_progress: OnProgress | None,
                 timeout: float | None) -> None:
        self._client = client
        self._options = options
        self._on_progress = on_progress
        self._timeout = timeout
        self._vm: Vm | None = None

    def __enter__(self) -> Vm:
        self._vm = self._client.create(on_progress=self._on_progress, timeout=self._timeout, **self._options)
        return self._vm

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        if self._vm:
            self._vm.close()


def vm(*, on_progress: OnProgress | None = None, timeout: float | None = None,
       **options: Unpack[VmOptions]) -> VmBlock:
    """A VM of this user's daemon for an `async with` block. The options are those of `Client.create`."""
    return Client().vm(on_progress=on_progress, timeout=timeout, **options)
