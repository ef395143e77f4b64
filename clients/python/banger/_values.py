"""Values as the daemon expects them: byte strings, sizes and the words of commands."""
from __future__ import annotations

import base64
import os
import re
from collections.abc import Sequence
from typing import Union

from ._errors import Invalid

Text = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
"""A path, or a word that Linux keeps as bytes."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_SHIFTS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


def raw(text: Text) -> bytes:
    """The bytes of a text. Strings may have the surrogates that `os.fsdecode` makes of odd bytes."""
    plain = os.fspath(text)
    if isinstance(plain, bytes):
        return plain
    try:
        return plain.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise Invalid(f"the text {plain!r} cannot be encoded") from error


def byte_string(text: Text) -> str | dict[str, str]:
    """JSON for any bytes: text, or base64 for bytes that are not UTF-8."""
    data = raw(text)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def size(value: int | str) -> int:
    """A size in bytes: a number, or a text like "2G", "512M" or "1.5GiB". The units are powers of 1024."""
    if isinstance(value, int):
        return value
    found = _SIZE.fullmatch(value.strip())
    if not found:
        raise Invalid(f"'{value}' is not a size", "write sizes like 512M or 2G")
    return int(float(found[1]) * (1 << _SHIFTS[found[2].upper()])) if "." in found[1] else \
        int(found[1]) << _SHIFTS[found[2].upper()]


def words(command: str | Sequence[Text]) -> list[str | bytes]:
    """The words of a command. A string is a line for the guest's shell."""
    if isinstance(command, str):
        return ["sh", "-c", command]
    if isinstance(command, (bytes, bytearray)):
        raise Invalid("a command in bytes needs a list", "write [command]")
    found = [os.fspath(word) for word in command]
    if not found:
        raise Invalid("the command has no words")
    return found
