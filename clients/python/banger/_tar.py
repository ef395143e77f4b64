"""Tars of one file, as the daemon takes and gives them. What a guest sends is not trusted."""
from __future__ import annotations

import io
import os
import tarfile
import time
from dataclasses import dataclass

from ._errors import Corrupt, Error, Exhausted, Invalid, NotFound, error_of
from ._types import LeftOutObject, UploadResult

TAR_EXTRA_BYTES = 1024 * 1024
"""What a tar of one file needs besides its content: names, attributes and blocks."""
_LEFT_OUT = "SCHILY.xattr.banger.left_out"


def split(path: bytes) -> tuple[bytes, bytes]:
    """The directory and the name of a file in a guest."""
    directory, name = os.path.split(path)
    if name in (b"", b".", b".."):
        raise Invalid(f"'{os.fsdecode(path)}' is not the path of a file")
    return directory or b".", name


def pack(name: bytes, data: bytes, mode: int) -> bytes:
    """The tar of a file that belongs to root."""
    member = tarfile.TarInfo(name.decode("utf-8", "surrogateescape"))
    member.size, member.mode, member.mtime = len(data), mode, int(time.time())
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8",
                      errors="surrogateescape") as tar:
        tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def unpack(tar_bytes: bytes, path: bytes) -> bytes:
    """The content of the only file of a tar."""
    shown = os.fsdecode(path)
    try:
        with tarfile.open(fileobj=io.BytesIO(tar_bytes), mode="r:", encoding="utf-8",
                          errors="surrogateescape") as tar:
            member = tar.next()
            if member is None:
                raise NotFound(f"the guest sent no file for '{shown}'")
            content = tar.extractfile(member) if member.isreg() else None
            if content is None:
                raise Invalid(f"'{shown}' is not a file", "files.get copies directories")
            data = content.read()
            more = tar.next()
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise Corrupt(f"the copy of '{shown}' is not whole: {error}") from error
    for each in (member, more):
        if each and (reason := each.pax_headers.get(_LEFT_OUT)):
            raise Corrupt(f"the copy of '{shown}' is not whole: {reason}")
    return data


def too_large(path: bytes, most: int) -> Error:
    return Exhausted(f"'{os.fsdecode(path)}' has more than {most} bytes", "raise max_bytes, or use files.get")


def check_upload(result: UploadResult, path: bytes) -> None:
    """Raises why a file was not written."""
    if result.error:
        raise error_of(result.error.code, result.error.message, result.error.hint or "")
    left_out: list[LeftOutObject] = result.left_out
    if left_out:
        raise Invalid(f"the guest did not write '{os.fsdecode(path)}': {left_out[0].reason}")
    if not result.ok:
        raise Corrupt("the guest did not tell whether the file was written")


@dataclass(frozen=True)
class Entry:
    """A name in a directory. `name` has surrogates for bytes that are not UTF-8 (`os.fsencode`)."""

    name: str
    type: str
    """"file", "directory", "symlink" or "other"."""
    mode: int
    size: int
    modified_at: int


LIST_SCRIPT = ('cd -- "$1" && exec find . ! -name . -prune -exec stat -c "%f %s %Y %n/" {} +')
"""Lists a directory. A name has no slash but the one behind './', so '/' and a newline end each row."""
_TYPES = {0o100000: "file", 0o040000: "directory", 0o120000: "symlink"}


def parse_list(output: bytes) -> list[Entry]:
    entries = []
    for row in output.split(b"/\n")[:-1]:
        words = row.split(b" ", 3)
        try:
            mode, size, modified = int(words[0], 16), int(words[1]), int(words[2])
            name = os.fsdecode(words[3].removeprefix(b"./"))
        except (ValueError, IndexError):
            raise Corrupt("the guest did not list the directory as expected") from None
        entries.append(Entry(name, _TYPES.get(mode & 0o170000, "other"), mode & 0o7777, size, modified))
    return sorted(entries, key=lambda entry: entry.name)
