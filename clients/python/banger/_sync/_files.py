# Generated from banger/aio by clients/python/generate. Change the file of this name there.
"""The files of a guest."""
from __future__ import annotations

import os
import typing

from .. import _bounds, calls
from .._errors import Corrupt, Invalid, NotFound
from .._host import Deadline
from .._protocol import LineReader, parse_line
from .._tar import (LIST_SCRIPT, TAR_EXTRA_BYTES, Entry, check_upload, pack, parse_list, split, too_large, unpack)
from .._types import FileObject, UploadResult
from .._values import Text, raw

if typing.TYPE_CHECKING:
    from ._vm import Vm


class Files:
    """The files of a VM. A path that does not start with '/' is below /root."""

    def __init__(self, vm: Vm) -> None:
        self._vm = vm

    def read(self, path: Text, *, max_bytes: int = _bounds.FILE_BYTES, timeout: float | None = None) -> bytes:
        """The content of a file. Raises Exhausted if it is larger than `max_bytes`."""
        wanted, deadline, received = _absolute(path), Deadline(timeout), bytearray()
        channel, first = self._vm.stream(calls.vm_get_files(self._vm.id, wanted, follow_links=True), deadline)
        try:
            received += first
            while (got := channel.step(bytearray(), deadline)) != b"":
                received += got or b""
                if len(received) > max_bytes + TAR_EXTRA_BYTES:
                    raise too_large(wanted, max_bytes)
        finally:
            channel.close()
        data = unpack(bytes(received), wanted)
        if len(data) > max_bytes:
            raise too_large(wanted, max_bytes)
        return data

    def read_text(self, path: Text, encoding: str = "utf-8", *, max_bytes: int = _bounds.FILE_BYTES) -> str:
        return (self.read(path, max_bytes=max_bytes)).decode(encoding)

    def write(self, path: Text, data: bytes | str, *, mode: int | None = None, parents: bool = False,
                    timeout: float | None = None) -> None:
        """Writes a whole file in one step. Root owns a new file, and its mode is 0644.

        With `mode`, a file that exists gets that mode too. With `parents`, missing directories are made."""
        wanted, deadline = _absolute(path), Deadline(timeout)
        directory, name = split(wanted)
        if parents:
            self.mkdir(directory)
        call = calls.vm_put_files(self._vm.id, directory, replace_attributes=mode is not None, follow_link=True,
                                  only=name)
        content = data.encode() if isinstance(data, str) else data
        unsent = bytearray(pack(name, content, 0o644 if mode is None else mode))
        channel, first = self._vm.stream(call, deadline)
        lines = LineReader(first)
        try:
            while (line := lines.next()) is None:
                if not unsent:
                    channel.end_writing()
                got = channel.step(unsent, deadline)
                if got == b"":
                    raise Corrupt("the guest did not tell whether the file was written")
                lines.feed(got or b"")
        finally:
            channel.close()
        check_upload(UploadResult.from_json(parse_line(line)), wanted)

    def write_text(self, path: Text, text: str, encoding: str = "utf-8", *, mode: int | None = None,
                         parents: bool = False) -> None:
        self.write(path, text.encode(encoding), mode=mode, parents=parents)

    def stat(self, path: Text) -> FileObject:
        """What is at a path. A missing file is no error: `exists` tells."""
        return self._vm.client.call(calls.vm_stat_file(self._vm.id, _absolute(path)))

    def exists(self, path: Text) -> bool:
        return (self.stat(path)).exists

    def list(self, path: Text = b"/root") -> typing.Sequence[Entry]:
        """What a directory has, sorted by name. The guest needs `sh`, `find` and `stat`."""
        wanted = _absolute(path)
        shown = os.fsdecode(wanted)
        found = self.stat(wanted)
        if not found.exists:
            raise NotFound(f"there is no '{shown}' in the guest")
        if "directory" not in (found.type, found.target_type):
            raise Invalid(f"'{shown}' is not a directory")
        done = self._vm.run(["sh", "-c", LIST_SCRIPT, "sh", wanted], max_output=_bounds.LIST_BYTES)
        return parse_list(done.stdout)

    def mkdir(self, path: Text) -> None:
        """Makes a directory and those above it. One that exists is fine."""
        self._vm.run(["mkdir", "-p", "--", _absolute(path)])

    def remove(self, path: Text) -> None:
        """Removes a file or a whole directory. One that is missing is fine."""
        self._vm.run(["rm", "-rf", "--", _absolute(path)])

    def put(self, local: Text, remote: Text = b"/root/", *, timeout: float | None = None) -> None:
        """Copies a file or directory of this host into the VM, by `banger vm cp` and its rules."""
        self._copy(_local(local), self._remote(remote), timeout)

    def get(self, remote: Text, local: Text = b"./", *, timeout: float | None = None) -> None:
        """Copies a file or directory of the VM to this host, by `banger vm cp` and its rules."""
        self._copy(self._remote(remote), _local(local), timeout)

    def _remote(self, path: Text) -> bytes:
        return self._vm.id.encode() + b":" + raw(path)

    def _copy(self, source: bytes, target: bytes, timeout: float | None) -> None:
        self._vm.client.program(["-v", "vm", "cp", "--", source, target], timeout)


def _absolute(path: Text) -> bytes:
    return os.path.join(b"/root", raw(path))


def _local(path: Text) -> bytes:
    """A slash before a ':' keeps it from being taken for the name of a VM."""
    plain = raw(path)
    return plain if plain.startswith((b"/", b"./", b"../")) else b"./" + plain
