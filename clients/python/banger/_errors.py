"""Exceptions. Each error code of the daemon has a class, and commands of guests have a few more."""
from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from typing import Any, ClassVar


class Error(Exception):
    """Why something failed. `str()` is a sentence for people, with a way out in brackets if there is one."""

    code: ClassVar[str] = ""
    """The word for the error in the daemon's interface. Empty for errors that only this package has."""

    def __init__(self, message: str, hint: str = "", errno: int = 0) -> None:
        Exception.__init__(self, message, hint, errno)
        self.message = message
        self.hint = hint
        self.system_errno = errno

    def __str__(self) -> str:
        return f"{self.message} (hint: {self.hint})" if self.hint else self.message


class NotFound(Error):
    """The named object does not exist."""

    code = "not_found"


class Exists(Error):
    """The name or resource is taken."""

    code = "exists"


class Invalid(Error):
    """The request or a file is malformed. Repeating it cannot help."""

    code = "invalid"


class Denied(Error):
    """Permissions are missing."""

    code = "denied"


class Busy(Error):
    """The object is in use right now. Repeating later may help."""

    code = "busy"


class Unavailable(Error):
    """A host tool, the daemon or the agent of a guest is missing or not reachable."""

    code = "unavailable"


class Timeout(Error, TimeoutError):
    """A deadline passed."""

    code = "timeout"


class Corrupt(Error):
    """Data failed a check."""

    code = "corrupt"


class Cancelled(Error):
    """The caller asked to stop."""

    code = "cancelled"


class Unsupported(Error):
    """This host, guest or build cannot do it."""

    code = "unsupported"


class Exhausted(Error):
    """There is no space or memory, or a limit is reached."""

    code = "exhausted"


class Internal(Error):
    """A bug in banger."""

    code = "internal"


CLASSES: dict[str, type[Error]] = {
    each.code: each
    for each in (NotFound, Exists, Invalid, Denied, Busy, Unavailable, Timeout, Corrupt, Cancelled, Unsupported,
                 Exhausted, Internal)
}


def error_of(code: str, message: str, hint: str = "", errno: int = 0) -> Error:
    """The exception for an error code. A code that is unknown here becomes `Internal`."""
    return CLASSES.get(code, Internal)(message, hint, errno)


def _words(argv: Sequence[str | bytes]) -> str:
    return shlex.join(word if isinstance(word, str) else repr(word) for word in argv)


class NotStarted(Error):
    """The guest could not run the command. `returncode` is 127 if there is no such command, and else 125 or 126."""

    def __init__(self, message: str, hint: str = "", returncode: int = 125) -> None:
        super().__init__(message, hint)
        self.returncode = returncode

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.hint, self.returncode)


class CommandFailed(Error, subprocess.CalledProcessError):
    """A command has ended with another status than 0. It has `returncode`, `cmd`, `stdout` and `stderr`."""

    def __init__(self, argv: Sequence[str | bytes], returncode: int, stdout: bytes, stderr: bytes) -> None:
        how = f"was ended by signal {-returncode}" if returncode < 0 else f"ended with exit status {returncode}"
        last = (stderr.strip() or stdout.strip())[-2000:].splitlines()[-1:]
        said = f": {last[0].decode(errors='replace').strip()}" if last else ""
        Error.__init__(self, f"the command '{_words(argv)}' {how}{said}")
        self.returncode, self.cmd, self.output, self.stderr = returncode, list(argv), stdout, stderr

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.cmd, self.returncode, self.output, self.stderr)


class CommandTimeout(Timeout, subprocess.TimeoutExpired):
    """A command took longer than its `timeout`, and was ended. `stdout` and `stderr` have its output so far."""

    def __init__(self, argv: Sequence[str | bytes], timeout: float, stdout: bytes, stderr: bytes) -> None:
        Error.__init__(self, f"the command '{_words(argv)}' was ended after {timeout:g} seconds")
        self.cmd, self.timeout, self.output, self.stderr = list(argv), timeout, stdout, stderr

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.cmd, self.timeout, self.output, self.stderr)
