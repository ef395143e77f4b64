"""Disposable Linux VMs, for asyncio. The names are those of `banger`.

    from banger import aio

    async with aio.vm() as vm:
        print((await vm.run(["uname", "-a"])).text)
"""
from .. import calls, types
from .._public import *  # noqa: F403
from .._public import __all__ as _both
from ._client import Client, VmBlock, vm
from ._events import Events
from ._files import Files
from ._process import Process
from ._sessions import Session, Sessions
from ._tunnel import Logs, Tunnel
from ._vm import Vm
from ._workspace import Workspace

__all__ = [
    *_both, "Client", "Events", "Files", "Logs", "Process", "Session", "Sessions", "Tunnel", "Vm", "VmBlock",
    "Workspace", "calls", "types", "vm",
]
