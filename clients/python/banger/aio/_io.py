"""How `banger.aio` waits: with the running event loop of asyncio. `banger/_sync/_io.py` is its blocking twin."""
from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence


async def wait(sock: socket.socket, write: bool, seconds: float | None) -> bool:
    """Waits until the socket can be read or, if asked for, written. Returns False after `seconds`.

    `asyncio.wait_for` is not used, because before Python 3.12 it could lose a cancellation."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[bool] = loop.create_future()

    def wake(found: bool) -> None:
        if not ready.done():
            ready.set_result(found)

    timer = None if seconds is None else loop.call_later(seconds, wake, False)
    loop.add_reader(sock, wake, True)
    if write:
        loop.add_writer(sock, wake, True)
    try:
        return await ready
    finally:
        if timer:
            timer.cancel()
        loop.remove_reader(sock)
        if write:
            loop.remove_writer(sock)


async def sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def run_program(argv: Sequence[str | bytes], env: Mapping[str, str], seconds: float | None = None,
                      ) -> tuple[int, bytes, bytes]:
    """Runs a program of this host without input. Raises TimeoutError after `seconds`."""
    process = await asyncio.create_subprocess_exec(*argv, env=dict(env), stdin=asyncio.subprocess.DEVNULL,
                                                   stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    output = asyncio.ensure_future(process.communicate())
    try:
        done, _ = await asyncio.wait({output}, timeout=seconds)
        if not done:
            raise TimeoutError(argv)
    finally:
        if process.returncode is None:
            process.terminate()
            await output
    out, err = output.result()
    return process.returncode or 0, out, err
