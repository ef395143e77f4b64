"""Where the daemon listens, and which program starts it. Nothing here waits."""
from __future__ import annotations

import os
import pwd
import shutil
import time
from collections.abc import Mapping

from ._errors import Invalid, Unavailable


class Deadline:
    """A point in time, or none."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """The seconds that are left, at least 0. None: there is no end."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def passed(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end

    def sooner(self, other: Deadline) -> Deadline:
        if self._end is None or (other._end is not None and other._end < self._end):
            return other
        return self


def socket_path(env: Mapping[str, str]) -> str:
    """The daemon's socket: $XDG_STATE_HOME/banger/run/bangerd.sock."""
    state = env.get("XDG_STATE_HOME")
    if not state:
        home = env.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
        state = os.path.join(home, ".local", "state")
    if not state.startswith("/"):
        raise Invalid(f"the directory {state!r} of banger's state is not absolute", "set HOME or XDG_STATE_HOME")
    return os.path.join(state, "banger", "run", "bangerd.sock")


def find_program(given: str | None, env: Mapping[str, str]) -> str:
    """The program banger: the one that is given, $BANGER, or the first in PATH."""
    named = given or env.get("BANGER")
    found = shutil.which(named or "banger", path=env.get("PATH"))
    if not found:
        raise Unavailable(f"there is no program {named!r}" if named else "the program 'banger' is not in PATH",
                          "install banger, or set the variable BANGER to its path")
    return found
