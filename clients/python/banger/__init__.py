"""Disposable Linux VMs.

    import banger

    with banger.vm() as vm:
        print(vm.run(["uname", "-a"]).text)

`banger.aio` has the same for asyncio."""
from . import calls, types
from ._public import *  # noqa: F403
from ._public import __all__ as _both
from ._sync._client import Client, VmBlock, vm
from ._sync._events import Events
from ._sync._files import Files
from ._sync._process import Process
from ._sync._sessions import Session, Sessions
from ._sync._tunnel import Logs, Tunnel
from ._sync._vm import Vm
from ._sync._workspace import Workspace

__all__ = [
    *_both, "Client", "Events", "Files", "Logs", "Process", "Session", "Sessions", "Tunnel", "Vm", "VmBlock",
    "Workspace", "calls", "types", "vm",
]
