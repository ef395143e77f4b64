"""The result of a command that has ended."""
from __future__ import annotations

import subprocess
from collections.abc import Sequence

from ._errors import CommandFailed


class Completed(subprocess.CompletedProcess[bytes]):
    """Like `subprocess.CompletedProcess`, with bytes: `args`, `returncode`, `stdout` and `stderr`.

    A `returncode` below 0 is the signal that ended the command."""

    stdout: bytes
    stderr: bytes

    def __init__(self, args: Sequence[str | bytes], returncode: int, stdout: bytes = b"", stderr: bytes = b"",
                 ending: bool = False) -> None:
        super().__init__(list(args), returncode, stdout, stderr)
        self.ending = ending
        """Whether the command ended because its guest shuts down."""

    @property
    def text(self) -> str:
        """The standard output as text. Bytes that are not UTF-8 are replaced."""
        return self.stdout.decode(errors="replace")

    @property
    def error_text(self) -> str:
        """The standard error as text. Bytes that are not UTF-8 are replaced."""
        return self.stderr.decode(errors="replace")

    def check_returncode(self) -> None:
        """Raises CommandFailed if the status is not 0."""
        if self.returncode:
            raise CommandFailed(self.args, self.returncode, self.stdout, self.stderr)
