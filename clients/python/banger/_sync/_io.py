"""How the blocking client waits. `banger/aio/_io.py` is its twin for asyncio."""
from __future__ import annotations

import select
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence


def wait(sock: socket.socket, write: bool, seconds: float | None) -> bool:
    """Waits until the socket can be read or, if asked for, written. Returns False after `seconds`."""
    poll = select.poll()
    poll.register(sock, select.POLLIN | (select.POLLOUT if write else 0))
    return bool(poll.poll(None if seconds is None else seconds * 1000))


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def run_program(argv: Sequence[str | bytes], env: Mapping[str, str], seconds: float | None = None,
                ) -> tuple[int, bytes, bytes]:
    """Runs a program of this host without input. Raises TimeoutError after `seconds`."""
    with subprocess.Popen(argv, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(argv) from None
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    return process.returncode, out, err
