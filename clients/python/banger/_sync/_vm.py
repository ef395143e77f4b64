# Generated from banger/aio by clients/python/generate. Change the file of this name there.
"""A VM."""
from __future__ import annotations

import os
import typing
import warnings
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TypeVar

from .. import _bounds, _leases, calls
from .._command import Command
from .._completed import Completed
from .._errors import CommandTimeout, Error, NotFound, Timeout
from .._frames import Terminal, encode_spec
from .._host import Deadline
from .._protocol import OnProgress
from .._record import Call
from .._types import EgressLog, PortObject, SnapshotObject, StatisticsObject, VmObject
from .._values import Text, size, words
from ._channel import Channel
from ._files import Files
from ._process import Process
from ._sessions import Sessions
from ._tunnel import Logs, Tunnel
from ._workspace import Workspace

if typing.TYPE_CHECKING:
    from ._client import Client

T = TypeVar("T")


class Vm:
    """A VM. `info` describes it as it was at the last call that tells."""

    def __init__(self, client: Client, info: VmObject, lease: Channel | None = None, owned: bool = False) -> None:
        self.client = client
        self.info = info
        self.files = Files(self)
        self.sessions = Sessions(self)
        self.workspace = Workspace(self)
        self._lease = lease
        self._owned = owned or lease is not None
        self._children: list[Vm] = []
        self._process = os.getpid()
        if lease:
            _leases.hold(lease)

    def __repr__(self) -> str:
        return f"<Vm {self.name} ({self.info.state})>"

    @property
    def id(self) -> str:
        return self.info.id

    @property
    def name(self) -> str:
        return self.info.name

    def __enter__(self) -> Vm:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Deletes the VM and its forks, unless they are kept. A fork of this process leaves the VM to its parent."""
        owned, self._owned = self._owned and os.getpid() == self._process, False
        try:
            if owned:
                self._close_children()
                self.client.call(calls.vm_delete(self.id, force=True), timeout=_bounds.DELETE_SECONDS)
        except NotFound:
            pass
        finally:
            if self._lease:
                self._lease.close()

    def _close_children(self) -> None:
        """A child that cannot be deleted does not keep its parent."""
        for child in self._children:
            try:
                child.close()
            except Error as error:
                warnings.warn(f"the VM '{child.name}' is left: {error}", ResourceWarning, stacklevel=2)

    def run(self, command: str | Sequence[Text], *, check: bool = True, input: bytes | str | None = None,
                  env: Mapping[str, Text] | None = None, cwd: Text = "", user: str = "",
                  timeout: float | None = None, max_output: int | None = _bounds.OUTPUT_BYTES,
                  on_stdout: Callable[[bytes], object] | None = None,
                  on_stderr: Callable[[bytes], object] | None = None) -> Completed:
        """Runs a command, and waits for its end. A string is a line for the shell.

        - With `check`, another status than 0 raises CommandFailed.
        - `timeout` is in seconds. After it the command is ended, and CommandTimeout is raised with its output so far.
        - `max_output` is the limit of each output. A command that writes more is ended, and Exhausted is raised. None
          is no limit.
        - `on_stdout` and `on_stderr` get the output as it comes. It is not collected then."""
        deadline, argv = Deadline(timeout), words(command)
        try:
            process = self._spawn(argv, encode_spec(argv, env, cwd, user), deadline)
        except Timeout:
            if timeout is None or not deadline.passed():
                raise
            raise CommandTimeout(argv, timeout, b"", b"") from None
        with process:
            done = process.communicate(input, deadline.left(), max_output, on_stdout, on_stderr)
        if check:
            done.check_returncode()
        return done

    def popen(self, command: str | Sequence[Text], *, env: Mapping[str, Text] | None = None, cwd: Text = "",
                    user: str = "", terminal: Terminal | None = None, timeout: float | None = None) -> Process:
        """Starts a command, and returns when it runs. Raises NotStarted if the guest cannot run it.

        With `terminal`, the command has a terminal, and all of its output is standard output. `timeout` is that of the
        start."""
        argv = words(command)
        return self._spawn(argv, encode_spec(argv, env, cwd, user, terminal), Deadline(timeout))

    def refresh(self) -> VmObject:
        """Asks the daemon how the VM is now."""
        return self._update(calls.vm_show(self.id))

    def start(self, *, cold: bool | None = None) -> VmObject:
        """Starts the VM. A suspended VM goes on where it stood, unless `cold` is true."""
        return self._update(calls.vm_start(self.id, cold=cold))

    def stop(self, *, timeout: float | None = None) -> VmObject:
        """Asks the guest to shut down. After `timeout` seconds, 30 by default, the machine is ended."""
        return self._update(calls.vm_stop(self.id, timeout_ms=_ms(timeout)))

    def restart(self) -> VmObject:
        return self._update(calls.vm_restart(self.id))

    def kill(self) -> VmObject:
        """Ends the machine at once."""
        return self._update(calls.vm_kill(self.id))

    def suspend(self) -> VmObject:
        """Saves the memory to disk, and ends the machine."""
        return self._update(calls.vm_suspend(self.id))

    def resume(self) -> VmObject:
        return self._update(calls.vm_resume(self.id))

    def delete(self) -> None:
        """Deletes the VM and its disks, even while it runs."""
        self._call(calls.vm_delete(self.id, force=True))
        self._owned = False
        if self._lease:
            self._lease.close()

    def set(self, *, name: str | None = None, vcpus: int | None = None, memory: int | str | None = None,
                  disk: int | str | None = None, egress: str | None = None, allow: Sequence[str] | None = None,
                  labels: Mapping[str, str] | None = None, publish: Sequence[str] | None = None) -> VmObject:
        """Changes the VM. `restart_needed` of the result names what takes effect at the next start."""
        return self._update(calls.vm_set(
            self.id, name=name, vcpus=vcpus, memory_bytes=None if memory is None else size(memory),
            disk_bytes=None if disk is None else size(disk), egress=egress, allow=allow, labels=labels,
            publish=publish))

    def fork(self, count: int = 1, *, names: Sequence[str] | None = None, start: bool | None = None,
                   keep: bool = False) -> list[Vm]:
        """Copies of the VM with its live processes. Without `keep`, this VM's `close` deletes them."""
        made = self._call(calls.vm_fork(self.id, count=count, names=names, start=start))
        children = [Vm(self.client, info, owned=not keep) for info in made.vms]
        if self._owned:
            self._children += children
        return children

    def snapshot(self, name: str | None = None) -> SnapshotObject:
        """Keeps the disks of the VM, and its memory if it runs. Snapshots stay when the VM is deleted."""
        return self._call(calls.vm_snapshot_create(self.id, name=name))

    def restore(self, snapshot: str, *, force: bool | None = None) -> VmObject:
        """Returns to a snapshot of this VM. `force` ends the machine first if it runs."""
        return self._update(calls.vm_snapshot_restore(self.id, snapshot, force=force))

    def ports(self, *, probe: bool | None = None) -> Sequence[PortObject]:
        """What the guest listens on, and where this host reaches it."""
        return (self._call(calls.vm_ports(self.id, probe=probe))).ports

    def connect(self, port: int, host: str | None = None) -> Tunnel:
        """Connects to a TCP port from inside the guest."""
        channel, first = self.stream(calls.vm_tunnel(self.id, port, host=host))
        return Tunnel(channel, first)

    def egress(self, *, since: int | None = None) -> EgressLog:
        """What a guest with an egress policy reached and tried to reach."""
        return self._call(calls.vm_egress(self.id, since=since))

    def stats(self) -> StatisticsObject:
        return self._call(calls.vm_stats(self.id))

    def logs(self, source: typing.Literal["console", "machine"] = "console", *,
                   tail_lines: int | None = None) -> bytes:
        """The guest's console, or the output of the VMM: at most its last MiB."""
        with self.follow_logs(source, tail_lines=tail_lines, follow=False) as logs:
            return b"".join([part for part in logs])

    def follow_logs(self, source: typing.Literal["console", "machine"] = "console", *, tail_lines: int | None = None,
                    follow: bool = True) -> Logs:
        """The log, and what is written later, until the VM stops."""
        return Logs(self, calls.vm_logs(self.id, source=source, follow=follow, tail_lines=tail_lines))

    def _spawn(self, argv: Sequence[str | bytes], spec: bytes, deadline: Deadline) -> Process:
        """Starts a command. A guest that does not answer is not waited for as long as the deadline may be."""
        channel, first = self.stream(calls.vm_exec(self.id), deadline)
        process = Process(channel, Command(first, spec), argv)
        try:
            process.begin(deadline.sooner(Deadline(_bounds.START_SECONDS)))
        except BaseException:
            process.close()
            raise
        return process

    def stream(self, call: Call[T], deadline: Deadline | None = None) -> tuple[Channel, bytes]:
        """Opens a stream of the VM. Also gives the first bytes of the stream."""
        try:
            _, channel, first = self.client.open(call, deadline or self.client.deadline())
            return channel, first
        except NotFound as error:
            raise self._why(error) from None

    def _call(self, call: Call[T], on_progress: OnProgress | None = None) -> T:
        try:
            return self.client.call(call, on_progress=on_progress)
        except NotFound as error:
            raise self._why(error) from None

    def _update(self, call: Call[VmObject]) -> VmObject:
        self.info = self._call(call)
        return self.info

    def _why(self, error: NotFound) -> Error:
        """A VM without `keep` is gone when the daemon that has made it is gone."""
        if self._lease is None or not (self._lease.closed or self._lease.is_gone()):
            return error
        return NotFound(error.message, "VMs without keep=True end when their daemon or their process ends")


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
